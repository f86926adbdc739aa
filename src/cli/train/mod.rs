//! `white-box train`.

pub mod data;
mod options;
mod progress;
mod redunet;
mod vision;

use crate::{Error, Result};
use std::process::ExitCode;

pub const USAGE: &str = vision::USAGE;

/// The families of models and who trains them.
const MODELS: &[(&str, fn(&[String]) -> Result<ExitCode>)] =
    &[("crate", vision::run), ("vit", vision::run), ("mssa-mlp", vision::run), ("mhsa-ista", vision::run), ("redunet", redunet::run)];

pub fn run(args: &[String]) -> Result<ExitCode> {
    // A run that is resumed says itself what it trains.
    if args.iter().any(|a| a == "--resume") {
        return vision::run(args);
    }
    let inline = args.iter().find_map(|a| a.strip_prefix("--model="));
    let model = inline.or_else(|| args.iter().position(|a| a == "--model").and_then(|i| args.get(i + 1)).map(String::as_str));
    match model.and_then(|m| MODELS.iter().find(|(name, _)| *name == m)) {
        Some((_, train)) => train(args),
        None => {
            let names: Vec<&str> = MODELS.iter().map(|(n, _)| *n).collect();
            let found = model.map_or("none".into(), |m| format!("`{}`", m.escape_default()));
            Err(Error::usage("--model", format!("one of {}", names.join(", ")), found))
        }
    }
}
