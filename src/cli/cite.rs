//! `white-box cite`.

use super::arguments::{self, Arguments};
use crate::Result;
use crate::data::json::Json;
use crate::oracle::{cite::cite, find};
use std::process::ExitCode;

pub const USAGE: &str = "white-box cite OP [--json]

BibTeX of the sources of an operator, and of this work.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &[], &["--json"], "the name of one operator", 1..=1)?;
    let spec = find(&args.positional()[0])?.spec();
    let entries = cite(spec);
    if args.switch("--json") {
        let entries = Json::Array(entries.iter().map(Json::text).collect());
        arguments::line(
            &Json::object([("op", Json::text(spec.name)), ("source", Json::text(spec.source)), ("bibtex", entries)]).to_string(),
        )?;
    } else {
        arguments::line(&entries.join("\n\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
