//! The command `white-box`: one file a call.

mod accuracy;
mod arguments;
mod bench;
mod check;
mod cite;
mod classify;
mod conform;
mod denoise;
mod errata;
mod eval;
mod eval_model;
mod example;
mod files;
mod fit;
mod inspect;
mod ops;
mod rate;
mod samples;
mod segment;
mod serve;
mod tour;
mod train;
mod vectors;
mod verify;

pub use arguments::Arguments;

use crate::linalg::dispatch::Isa;
use crate::linalg::threads::from_environment as threads_from_environment;
use crate::{Error, Result};
use std::process::ExitCode;

/// A call of the command.
struct Call {
    name: &'static str,
    usage: &'static str,
    purpose: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const CALLS: &[Call] = &[
    Call { name: "tour", usage: tour::USAGE, purpose: "the whole theory on the embedded digits", run: tour::run },
    Call { name: "verify", usage: verify::USAGE, purpose: "let the oracle vouch for itself", run: verify::run },
    Call { name: "ops", usage: ops::USAGE, purpose: "list the operators", run: ops::run },
    Call {
        name: "explain",
        usage: ops::EXPLAIN_USAGE,
        purpose: "one operator: formula, shapes, presets, laws, who differs",
        run: ops::explain,
    },
    Call { name: "eval", usage: eval::USAGE, purpose: "evaluate an operator on a file", run: eval::eval },
    Call { name: "vjp", usage: eval::VJP_USAGE, purpose: "gradients with respect to every real input", run: eval::vjp },
    Call { name: "check", usage: check::USAGE, purpose: "is my number right? a verdict on your outputs, and why", run: check::run },
    Call { name: "example", usage: example::USAGE, purpose: "an input and a program to put your code into", run: example::run },
    Call { name: "errata", usage: errata::USAGE, purpose: "published statements that fail, with counter-examples", run: errata::run },
    Call { name: "cite", usage: cite::USAGE, purpose: "BibTeX of an operator's sources", run: cite::run },
    Call { name: "inspect", usage: inspect::USAGE, purpose: "measure trained networks layer by layer", run: inspect::run },
    Call {
        name: "train",
        usage: train::USAGE,
        purpose: "train CRATE or ViT, or build a ReduNet, on digits or your images",
        run: train::run,
    },
    Call { name: "rate", usage: rate::USAGE, purpose: "what a feature matrix, or a logged number, means", run: rate::run },
    Call { name: "vectors", usage: vectors::USAGE, purpose: "golden vectors with proven roundings", run: vectors::run },
    Call { name: "conform", usage: conform::USAGE, purpose: "hold a program that speaks the protocol to the catalog", run: conform::run },
    Call { name: "fit", usage: fit::USAGE, purpose: "subspaces, sparse codes, dictionaries and LISTA on your data", run: fit::run },
    Call { name: "segment", usage: segment::USAGE, purpose: "segment samples or an image by coding length", run: segment::run },
    Call { name: "classify", usage: classify::USAGE, purpose: "classify samples by coding length", run: classify::run },
    Call { name: "denoise", usage: denoise::USAGE, purpose: "the exact denoiser of a mixture: fit, denoise, sample", run: denoise::run },
    Call { name: "bench", usage: bench::USAGE, purpose: "how fast: time, share of the processor's peak, growth", run: bench::run },
    Call { name: "serve", usage: serve::USAGE, purpose: "answer requests, one JSON object a line", run: serve::run },
];

/// Runs a command line (without the program's name). Results go to stdout, errors to stderr. Exit codes: 0 good, 1 the answer is no, 2 the
/// question could not be understood or read.
pub fn main(args: &[String]) -> ExitCode {
    match dispatch(args) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("white-box: {e}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    // Said once, here: inside the library, a variable that names nothing counts as unset.
    Isa::from_environment()?;
    threads_from_environment()?;
    let Some(name) = args.first() else {
        print!("{}", help());
        return Ok(ExitCode::SUCCESS);
    };
    match name.as_str() {
        "--version" | "-V" | "version" => {
            arguments::line(&format!("white-box {}", env!("CARGO_PKG_VERSION")))?;
            return Ok(ExitCode::SUCCESS);
        }
        "--help" | "-h" | "help" => {
            let text = args.get(1).and_then(|n| CALLS.iter().find(|c| c.name == n)).map_or_else(help, usage);
            arguments::print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let Some(call) = CALLS.iter().find(|c| c.name == name) else {
        let names: Vec<&str> = CALLS.iter().map(|c| c.name).collect();
        return Err(Error::usage(
            "call",
            format!("one of {}; `white-box --help` says what they do", names.join(", ")),
            format!("`{}`", name.escape_default()),
        ));
    };
    if args[1..].iter().any(|a| a == "--help" || a == "-h") {
        arguments::print(&usage(call))?;
        return Ok(ExitCode::SUCCESS);
    }
    (call.run)(&args[1..])
}

fn usage(call: &Call) -> String {
    format!("{}: {}\n\n{}\n", call.name, call.purpose, call.usage.trim_end())
}

fn help() -> String {
    let mut text = String::from("white-box: the mathematics of white-box transformers, exact enough to test against\n\n");
    for call in CALLS {
        text.push_str(&format!("  {:<10} {}\n", call.name, call.purpose));
    }
    text.push_str("\nwhite-box CALL --help says more. Exit codes: 0 good, 1 the answer is no, 2 bad usage or input, 3 undecided.\n");
    text
}
