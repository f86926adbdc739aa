//! `white-box verify`.

use super::accuracy;
use super::arguments::{self, Arguments};
use crate::data::json::Json;
use crate::oracle::{CATALOG, Entry, Report, find, verify};
use crate::{Error, Result};
use std::process::ExitCode;
use std::time::Instant;

pub const USAGE: &str = "white-box verify [OP…] [--cases N] [--seed S] [--json] [--exhaustive [--table FILE]]

Every operator on its cases: values in every number type against the certified enclosure, gradients against dual numbers and central
differences, laws, closed forms, malformed requests. One line each; exit 1 on any failure.
  --cases N   cases an operator, smallest first (default 12)
  --seed S    the seed of the cases (default 1)
  --exhaustive  also measure the accuracy of the elementary functions, in f32 at every number (minutes)
  --table FILE  write what that measured as Markdown (docs/accuracy.md)
Columns: worst f64 error in ulps of the largest entry and as a share of the allowed error, for outputs and gradients; digits the enclosure
certifies at least; gradient against central differences; laws checked; closed forms; malformed requests refused.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--cases", "--seed", "--table"], &["--json", "--exhaustive"], "operators", 0..=usize::MAX)?;
    let cases = args.number("--cases", "a whole number")?.unwrap_or(12);
    let seed = args.number("--seed", "a whole number")?.unwrap_or(1);
    let table = args.one("--table")?;
    if table.is_some() && !args.switch("--exhaustive") {
        return Err(Error::usage("--table", "--exhaustive as well", "none"));
    }
    let entries: Vec<&dyn Entry> = match args.positional() {
        [] => CATALOG.to_vec(),
        names => names.iter().map(|n| find(n)).collect::<Result<_>>()?,
    };
    if !args.switch("--json") {
        arguments::line(&header())?;
    }
    let (start, mut failed) = (Instant::now(), 0);
    for &entry in &entries {
        let begin = Instant::now();
        let report = verify(entry, cases, seed);
        failed += usize::from(!report.failures.is_empty());
        let seconds = begin.elapsed().as_secs_f64();
        arguments::line(&if args.switch("--json") { json(&report, seconds).to_string() } else { row(&report, seconds) })?;
        for failure in report.failures.iter().take(3) {
            eprintln!("  {}: {failure}", report.name);
        }
    }
    if !args.switch("--json") {
        let verdict = if failed == 0 { "all good".to_string() } else { format!("{failed} FAILED") };
        arguments::line(&format!(
            "{} operators, {cases} cases each, seed {seed}: {verdict} in {:.1} s",
            entries.len(),
            start.elapsed().as_secs_f64()
        ))?;
    }
    if args.switch("--exhaustive") {
        failed += accuracy::measure(args.switch("--json"), table)?;
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn header() -> String {
    format!(
        "{:<22} {:>9} {:>6} {:>9} {:>6} {:>6} {:>8} {:>5} {:>6} {:>7} {:>7}",
        "operator", "ulps", "used", "grad ulps", "used", "digits", "central", "laws", "closed", "refused", "s"
    )
}
fn row(r: &Report, seconds: f64) -> String {
    let digits = if r.digits.is_finite() { format!("{:.1}", r.digits) } else { "exact".into() };
    let mut row = format!(
        "{:<22} {:>9.2} {:>6.2} {:>9.2} {:>6.2} {digits:>6} {:>8.0e} {:>5} {:>6} {:>7} {seconds:>7.2}",
        r.name, r.ulps, r.used, r.gradient_ulps, r.gradient_used, r.central, r.laws, r.closed, r.refused
    );
    if r.undecided > 0 {
        row.push_str(&format!("  {} undecided", r.undecided));
    }
    if !r.failures.is_empty() {
        row.push_str(&format!("  FAILED ({})", r.failures.len()));
    }
    row
}
fn json(r: &Report, seconds: f64) -> Json {
    Json::object([
        ("op", Json::text(r.name)),
        ("good", Json::Bool(r.failures.is_empty())),
        ("cases", Json::integer(r.cases as i64)),
        ("undecided", Json::integer(r.undecided as i64)),
        ("ulps", Json::real(r.ulps)),
        ("used", Json::real(r.used)),
        ("gradient_ulps", Json::real(r.gradient_ulps)),
        ("gradient_used", Json::real(r.gradient_used)),
        ("digits", Json::real(r.digits)),
        ("central", Json::real(r.central)),
        ("laws", Json::integer(r.laws as i64)),
        ("closed_forms", Json::integer(r.closed as i64)),
        ("refused", Json::integer(r.refused as i64)),
        ("seconds", Json::real(seconds)),
        ("failures", Json::Array(r.failures.iter().map(Json::text).collect())),
    ])
}
