//! `white-box vectors`.

use super::arguments::{self, Arguments};
use crate::data::json::Json;
use crate::oracle::vectors::{Folder, Plan, write};
use crate::oracle::{CATALOG, Entry, find};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub const USAGE: &str = "white-box vectors --out DIR [OP…] [--core | --cases N] [--seed S] [--json]

Golden vectors for a test suite that has neither this program nor Rust: a folder an operator with a manifest and one .safetensors a case. Results
and gradients are the true real values rounded once to f64 and to f32, proven where the manifest does not say otherwise; beside each stands the error
that f64, f32, f16 and bf16 may make. The same bytes on every machine. docs/clients/white_box_vectors.py reads them.
  --out DIR   where to; an older set there is brought up to date, file by file
  --core      the set that the repository carries under tests/vectors: the smallest cases that tell everything apart
  --cases N   all of the first N generated cases instead (default 40)
  --seed S    the seed of the cases (default 1)";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--out", "--cases", "--seed"], &["--core", "--json"], "operators", 0..=usize::MAX)?;
    let dir = args.one("--out")?.ok_or_else(|| Error::usage("--out", "a folder to write to", "none"))?;
    let (cases, seed) = (args.number("--cases", "a whole number")?, args.number("--seed", "a whole number")?);
    let plan = match (args.switch("--core"), cases, seed) {
        (true, None, None) => Plan::CORE,
        (true, ..) => return Err(Error::usage("--core", "no --cases and no --seed", "one of them: the core set is fixed")),
        (false, ..) => Plan { cases: cases.unwrap_or(40), all: true, seed: seed.unwrap_or(1) },
    };
    let entries: Vec<&'static dyn Entry> = match args.positional() {
        [] => CATALOG.to_vec(),
        names => names.iter().map(|n| find(n)).collect::<Result<_>>()?,
    };
    let start = Instant::now();
    let set = write(Path::new(dir), &entries, &plan, &mut |f: &Folder| {
        let bytes: usize = f.files.iter().map(|(_, b)| b.len()).sum();
        let [valid, invalid, chains] = f.cases;
        let left_out = if f.proof.left_out > 0 { format!(", {} cases left out", f.proof.left_out) } else { String::new() };
        eprintln!(
            "{:<26} {valid:>3} cases {invalid:>3} invalid {chains:>2} chains {:>7} bytes  {}/{} proven{left_out}",
            f.operator, bytes, f.proof.correct, f.proof.numbers
        );
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let [valid, invalid, chains] = set.cases;
    if args.switch("--json") {
        let count = |n: usize| Json::integer(n as i64);
        let fields = [
            ("folders", count(set.folders)),
            ("cases", count(valid)),
            ("invalid", count(invalid)),
            ("chains", count(chains)),
            ("bytes", count(set.bytes)),
            ("proven", set.proof.json()),
            ("sha256", Json::text(set.hash)),
            ("seconds", Json::real(seconds)),
        ];
        arguments::line(&Json::object(fields).to_string())?;
    } else {
        let p = &set.proof;
        arguments::line(&format!(
            "{} operators, {valid} cases, {invalid} requests to refuse, {chains} chains, {} bytes in {seconds:.1} s",
            set.folders, set.bytes
        ))?;
        let share = |n: usize| 100.0 * n as f64 / (p.numbers.max(1)) as f64;
        arguments::line(&format!(
            "{} numbers: {:.3} % proven correctly rounded to f64, {:.3} % only 0 within their enclosure, {:.3} % proven rounded to f32, {:.1} % exact; {} cases left out",
            p.numbers,
            share(p.correct),
            share(p.zeros),
            share(p.correct_f32),
            share(p.exact),
            p.left_out
        ))?;
        arguments::line(&format!("SHA-256 of SHA256SUMS: {}", set.hash))?;
    }
    Ok(ExitCode::SUCCESS)
}
