//! `white-box errata`.

use super::arguments::{self, Arguments};
use crate::data::json::Json;
use crate::oracle::errata::{ERRATA, Erratum, Finding};
use crate::{Error, Result};
use std::fmt::Write;
use std::process::ExitCode;

pub const USAGE: &str = "white-box errata [ID] [--json]

Published statements that do not hold as printed: what is stated, what holds, and a counter-example whose numbers are computed now and certified.
Without ID all of them. Exit 1 if a counter-example does not refute its statement.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &[], &["--json"], "[ID]", 0..=1)?;
    let chosen: Vec<&Erratum> = match args.positional() {
        [id] => ERRATA.iter().filter(|e| e.id == id).collect(),
        _ => ERRATA.iter().collect(),
    };
    if chosen.is_empty() {
        let ids: Vec<&str> = ERRATA.iter().map(|e| e.id).collect();
        return Err(Error::usage("errata", format!("one of {}", ids.join(", ")), format!("`{}`", args.positional()[0].escape_default())));
    }
    let found = chosen.iter().map(|e| Ok((*e, e.compute()?))).collect::<Result<Vec<_>>>()?;
    if args.switch("--json") {
        arguments::line(&Json::Array(found.iter().map(|(e, f)| json(e, f)).collect()).to_string())?;
    } else {
        arguments::print(&found.iter().map(|(e, f)| text(e, f)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::from(u8::from(found.iter().any(|(_, f)| !f.refuted))))
}

fn text(e: &Erratum, f: &Finding) -> String {
    let mut out = format!("{}\n  in      {}\n  stated  {}\n  holds   {}\n", e.id, e.source, e.states, e.holds);
    for (what, x) in &f.figures {
        let _ = writeln!(out, "          {what}: {}", x.to_text());
    }
    let _ = writeln!(out, "  {}", if f.refuted { "refuted by these enclosures" } else { "NOT refuted" });
    out
}

fn json(e: &Erratum, f: &Finding) -> Json {
    let figure = |(what, x): &(&str, crate::scalar::Ball)| Json::object([("what", Json::text(*what)), ("value", Json::text(x.to_text()))]);
    Json::object([
        ("id", Json::text(e.id)),
        ("source", Json::text(e.source)),
        ("states", Json::text(e.states)),
        ("holds", Json::text(e.holds)),
        ("figures", Json::Array(f.figures.iter().map(figure).collect())),
        ("refuted", Json::Bool(f.refuted)),
    ])
}
