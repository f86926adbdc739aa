//! `white-box check`.

use super::arguments::{self, Arguments};
use super::{eval, files};
use crate::oracle::check::{Claim, Dtype, check};
use crate::oracle::exchange::{default_cotangents, value_from_array};
use crate::oracle::{Entry, Values};
use crate::scalar::Ball;
use crate::{Error, Result};
use std::process::ExitCode;

pub const USAGE: &str =
    "white-box check OP IN CANDIDATE [-p name=value]… [--preset P] [--weights W] [--dtype D] [--rtol R] [--atol A] [--json]

Holds your results against the certified truth, element by element, and says why they differ.
  IN          the inputs by the names of `white-box explain OP`, and cotangents as `cot_<output>` where gradients are checked
  CANDIDATE   your outputs by name, stages by name, gradients as `grad_<input>`: any of them
  --weights W more inputs from another file
  --dtype D   the arithmetic you claim: f64 (default), f32, tf32, f16, bf16; the inputs are rounded to it first
  --rtol R, --atol A   |yours - truth| <= A + R |truth| in place of the bound derived from conditioning and unit roundoff
Exit 0: every element within the allowed error. 1: some element is surely not. 2: bad input. 3: the enclosure is too wide to decide.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let valued = ["-p", "--preset", "--weights", "--dtype", "--rtol", "--atol"];
    let args = Arguments::parse(args, &valued, &["--json"], "OP IN CANDIDATE", 3..=3)?;
    let (entry, claim) = claim(&args)?;
    let verdict = check(entry, &claim)?;
    if args.switch("--json") {
        arguments::line(&verdict.json().to_string())?;
    } else {
        let word = ["agrees with", "DIFFERS from", "", "cannot be decided by"][usize::from(verdict.code())];
        let preset = claim.case.preset.as_deref().unwrap_or("paper");
        let head = format!("{} ({preset}, {}) {word} white-box {}", entry.spec().name, claim.dtype.name(), env!("CARGO_PKG_VERSION"));
        arguments::print(&format!("{head}\n{}", verdict.text()))?;
    }
    Ok(ExitCode::from(verdict.code()))
}

/// The operator and what was claimed of it.
fn claim(args: &Arguments) -> Result<(&'static dyn Entry, Claim)> {
    let (entry, _, case, mut cotangents) = eval::question(args)?;
    let (mut outputs, mut gradients) = (Values::new(), Values::<Ball>::new());
    for (name, array) in files::read(&args.positional()[2])? {
        let name = match (name.as_str(), entry.spec().outputs) {
            ("", [only]) => only.name,
            ("", many) => {
                let names: Vec<&str> = many.iter().map(|p| p.name).collect();
                return Err(Error::usage("candidate", format!("a file that names {}", names.join(", ")), "one array without a name"));
            }
            (name, _) => name,
        };
        let value = value_from_array(&array, false).map_err(|e| e.within(&name.escape_default().to_string()))?;
        match name.strip_prefix("grad_") {
            Some(input) => gradients.set(input, value),
            None => outputs.set(name, value),
        }
    }
    if !gradients.is_empty() && cotangents.is_empty() {
        cotangents = default_cotangents(entry.spec())?;
    }
    let dtype = args.one("--dtype")?.map_or(Ok(Dtype::F64), Dtype::parse)?;
    let tolerance = match (error_bound(args, "--rtol")?, error_bound(args, "--atol")?) {
        (None, None) => None,
        (rtol, atol) => Some((rtol.unwrap_or(0.0), atol.unwrap_or(0.0))),
    };
    Ok((entry, Claim { case, outputs, gradients, cotangents, dtype, tolerance }))
}

fn error_bound(args: &Arguments, name: &str) -> Result<Option<f64>> {
    let bound: Option<f64> = args.number(name, "a number from 0 on")?;
    match bound {
        Some(x) if !(x >= 0.0 && x.is_finite()) => Err(Error::usage(name, "a finite number from 0 on", x.to_string())),
        _ => Ok(bound),
    }
}
