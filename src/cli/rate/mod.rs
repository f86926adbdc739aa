//! `white-box rate`: what a feature matrix, or a logged number, means.

mod features;
mod input;
mod logged;
mod mine;
mod report;

use super::arguments::{self, Arguments};
use crate::{Error, Result};
use std::process::ExitCode;

pub const USAGE: &str = "white-box rate FEATURES (--eps E | --eps2 E2) [--labels L] [--processes N] [--mine VALUE] [--json]
white-box rate --log m=…,N=…,d=…,eps2=…[,summed=1][,expa=…][,comp=…][,loss=…] [--json]

What a feature matrix means, one sample a row (.npy, .npz, .safetensors, .json): rows, rate with its legal range, spectrum, what the
distortion lets count, precision, memory, sharding; with labels R_c, ΔR and each class; and sentences that say so.
  --eps E        ε, a length; official codes that say eps=0.5 mean --eps2 0.5
  --eps2 E2      ε²
  --labels L     a file of n integers, or of n × K weights whose rows sum to 1; without it an array `labels` in FEATURES counts
  --processes N  the rows are one batch over N processes: what not summing the covariances does
  --mine VALUE   your number, as many digits as you have: which definition gives it. Exit 1 if none does
  --log …        explains logged numbers of a SimDINO run without the data: m rows a process and view, N processes, d features, eps2 (the
                 official eps), summed=1 for reduce_cov=1, and what was logged: expa, comp, loss
  --json         fields instead of text";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let options = ["--labels", "--eps", "--eps2", "--processes", "--mine", "--log"];
    let args = Arguments::parse(args, &options, &["--json"], "one file of features, or --log alone", 0..=1)?;
    let logged = args.one("--log")?;
    if logged.is_some() == (args.positional().len() == 1) {
        let found = if logged.is_some() { "both" } else { "neither" };
        return Err(Error::usage("rate", "a file of features or --log", found));
    }
    if let Some(text) = logged {
        for name in &options[..5] {
            if args.one(name)?.is_some() {
                return Err(Error::usage(*name, "no other option than --json beside --log", "it"));
            }
        }
        arguments::print(&logged::explain(text)?.finish(args.switch("--json")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let input = input::read(&args)?;
    let mut report = features::diagnose(&input)?;
    let found = match args.one("--mine")? {
        Some(value) => mine::compare(value, &input, &mut report)?,
        None => true,
    };
    arguments::print(&report.finish(args.switch("--json")))?;
    Ok(ExitCode::from(u8::from(!found)))
}
