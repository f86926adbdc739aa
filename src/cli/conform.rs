//! `white-box conform`.

use super::arguments::{self, Arguments};
use crate::data::{file, json::Json};
use crate::oracle::check::Dtype;
use crate::oracle::conform::{Expectations, Item, Options, Session, Standing};
use crate::oracle::{CATALOG, Entry, find};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub const USAGE: &str = "white-box conform --candidate \"CMD\" [--op OP]… [--cases N] [--seed S] [--expect FILE] [--timeout SECONDS] [--dtype D] [--json]

Runs the catalog's cases, smallest first, through a program that speaks the protocol of `white-box serve` as a server, and checks each answer. Only what
its hello declares is asked: {\"ok\":true,\"name\":\"mine\",\"ops\":[…],\"presets\":{op:[…]},\"vjp\":true or [op, …],\"dtype\":\"f32\"}. It may decline a case with the error kind
\"unsupported\". docs/clients/white_box.py makes a Python function such a program.
  --candidate \"CMD\"  the program and its arguments
  --op OP            only this operator (may be given again)
  --cases N          cases an operator, smallest first (default 12)
  --seed S           the seed of the cases (default 1)
  --expect FILE      lines `skip PART-OF-A-NAME` and `fail PART-OF-A-NAME`, # comments; an expected failure that passes is an error
  --timeout SECONDS  for each answer (default 60)
  --dtype D          the arithmetic it claims, if it does not say: f64, f32, tf32, f16, bf16
Items are called OP/small/… where all inputs are below 2^-7: there a formula that adds 1 to a small number loses digits, which you may want to expect.
Exit 0 all agrees, 1 something differs, 2 bad usage or no candidate.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let valued = ["--candidate", "--op", "--cases", "--seed", "--expect", "--timeout", "--dtype"];
    let args = Arguments::parse(args, &valued, &["--json"], "none", 0..=0)?;
    let command = args.one("--candidate")?.ok_or_else(|| Error::usage("--candidate", "a command", "none"))?;
    let seconds: f64 = args.number("--timeout", "a number of seconds")?.unwrap_or(60.0);
    let timeout = Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::usage("--timeout", "a number of seconds", seconds.to_string()))?
        .max(Duration::from_millis(1));
    let expectations = match args.one("--expect")? {
        None => Expectations::default(),
        Some(path) => {
            let bytes = file::read(Path::new(path), 1 << 24)?;
            let text = String::from_utf8(bytes).map_err(|_| Error::format(path, "text in UTF-8", "other bytes"))?;
            Expectations::parse(&text).map_err(|e| e.within(path))?
        }
    };
    let options = Options {
        cases: args.number("--cases", "a whole number")?.unwrap_or(12),
        seed: args.number("--seed", "a whole number")?.unwrap_or(1),
        timeout,
        dtype: args.one("--dtype")?.map(Dtype::parse).transpose()?,
        expectations: expectations.clone(),
    };
    let named: Vec<&'static dyn Entry> = args.all("--op").map(find).collect::<Result<_>>()?;
    let mut session = Session::open(command, options)?;
    let unknown = |op: &&String| find(op).is_err();
    for op in session.hello.ops.iter().flatten().filter(unknown) {
        eprintln!("white-box: the candidate declares `{}`, which is no operator here", op.escape_default());
    }
    let (json, mut rows) = (args.switch("--json"), Vec::new());
    if !json {
        arguments::line(&format!("{:<44} {:>5} {:>6} {:>8} {:>9}  {}", "item", "agree", "differ", "declined", "used", session.hello.name))?;
    }
    for entry in if named.is_empty() { CATALOG.to_vec() } else { named } {
        for item in session.run(entry)? {
            let cause = item.cause();
            if json {
                arguments::line(&to_json(&item, cause.as_deref()).to_string())?;
            } else {
                arguments::line(&row(&item, cause.as_deref()))?;
            }
            rows.push((item, cause));
        }
    }
    let names: Vec<String> = rows.iter().map(|(item, _)| item.name.clone()).collect();
    for part in expectations.unused(&names) {
        eprintln!("white-box: `{}` fits no item that was asked", part.escape_default());
    }
    let count = |s: Standing| rows.iter().filter(|(item, _)| item.standing() == s).count();
    if !json {
        for (item, cause) in rows.iter().filter(|(item, _)| item.bad()) {
            arguments::print(&details(item, cause.as_deref()))?;
        }
        arguments::line(&format!(
            "\n{} items: {} pass, {} fail, {} expected to fail, {} pass unexpectedly, {} skipped, {} declined",
            rows.len(),
            count(Standing::Pass),
            count(Standing::Fail),
            count(Standing::ExpectedFailure),
            count(Standing::UnexpectedPass),
            count(Standing::Skipped),
            count(Standing::Declined)
        ))?;
    }
    if rows.is_empty() {
        return Err(Error::usage("the candidate", "at least one operator of the catalog among its `ops`", "none"));
    }
    Ok(ExitCode::from(u8::from(rows.iter().any(|(item, _)| item.bad()))))
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Pass => "pass",
        Standing::Fail => "FAIL",
        Standing::ExpectedFailure => "expected failure",
        Standing::UnexpectedPass => "UNEXPECTED PASS",
        Standing::Skipped => "skipped",
        Standing::Declined => "declined",
    }
}

fn row(item: &Item, cause: Option<&str>) -> String {
    let standing = item.standing();
    let used = if item.used > 0.0 { format!("{:.2e}", item.used) } else { "0".into() };
    let mut row = format!("{:<44} {:>5} {:>6} {:>8} {used:>9}  {}", item.name, item.agree, item.differ, item.declined, word(standing));
    if item.undecided > 0 {
        row.push_str(&format!(", {} undecided", item.undecided));
    }
    if let (Some(failure), true) = (&item.failure, standing != Standing::Skipped) {
        row.push_str(&format!(": {}", cause.unwrap_or(&failure.what)));
    }
    row
}

fn details(item: &Item, cause: Option<&str>) -> String {
    let Some(failure) = &item.failure else {
        return format!("\n{}: passes, and the file of expectations says that it fails: remove the line\n", item.name);
    };
    let mut text = format!("\n{}: {}\n", item.name, failure.what);
    if let Some(verdict) = &failure.verdict {
        text.push_str(&verdict.text());
    }
    match (cause, item.unexplained) {
        (Some(cause), 0) => text.push_str(&format!("every case is explained: {cause}\n")),
        (Some(cause), n) => text.push_str(&format!("likely cause: {cause}; {n} cases have another\n")),
        (None, n) if n > 0 => text.push_str("no known mistake explains it\n"),
        _ => {}
    }
    text.push_str(&format!("the smallest case that fails: {}\n", failure.request));
    text
}

fn to_json(item: &Item, cause: Option<&str>) -> Json {
    let count = |n: usize| Json::integer(n as i64);
    let mut fields = vec![
        ("item", Json::text(&item.name)),
        ("standing", Json::text(word(item.standing()).to_lowercase())),
        ("agree", count(item.agree)),
        ("differ", count(item.differ)),
        ("declined", count(item.declined)),
        ("undecided", count(item.undecided)),
        ("used", Json::real(item.used)),
    ];
    if let Some(failure) = &item.failure {
        fields.push(("failure", Json::text(&failure.what)));
        fields.extend(cause.map(|c| ("cause", Json::text(c))));
        fields.push(("causes", Json::Array(item.because.iter().map(|e| Json::text(e.name())).collect())));
        fields.push(("unexplained", count(item.unexplained)));
        fields.push(("request", failure.request.clone()));
    }
    Json::object(fields)
}
