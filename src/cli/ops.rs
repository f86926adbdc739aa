//! `white-box ops` and `white-box explain`.

use super::arguments::{self, Arguments};
use crate::Result;
use crate::data::json::Json;
use crate::oracle::{CATALOG, Domain, Entry, Param, Port, Range, Relation, find};
use std::fmt::Write;
use std::process::ExitCode;

pub const USAGE: &str = "white-box ops [--json]

The operators, room by room; with --json all that `explain` knows of them.";
pub const EXPLAIN_USAGE: &str = "white-box explain OP [--json]

One operator: its formula, source, inputs and outputs with their shapes, parameters, presets, laws, cost, and how sources differ.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &[], &["--json"], "none", 0..=0)?;
    if args.switch("--json") {
        arguments::line(&Json::Array(CATALOG.iter().map(|e| json(*e)).collect()).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    let mut room = "";
    for entry in CATALOG {
        let spec = entry.spec();
        if spec.room != room {
            room = spec.room;
            let _ = writeln!(text, "{room}");
        }
        let _ = writeln!(text, "  {:<24} {}", spec.name, spec.purpose);
    }
    arguments::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub fn explain(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &[], &["--json"], "the name of one operator", 1..=1)?;
    let entry = find(&args.positional()[0])?;
    let out = if args.switch("--json") { json(entry).to_string() + "\n" } else { text(entry) };
    arguments::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// What may stand in a port, in words.
fn domain(port: &Port) -> String {
    let words = match port.domain {
        Domain::Real => "reals".into(),
        Domain::Positive => "reals above 0".into(),
        Domain::NonNegative => "reals from 0 on".into(),
        Domain::Definite => "symmetric positive definite".into(),
        Domain::Semidefinite => "symmetric positive semidefinite".into(),
        Domain::Lower => "lower triangular".into(),
        Domain::Orthonormal => "orthonormal columns".into(),
        Domain::UnitRows => "rows of length 1".into(),
        Domain::Simplex => "rows from 0 on that sum to 1".into(),
        Domain::Label(bound) => format!("integers from 0 to {bound} − 1"),
    };
    if port.optional { format!("{words}, may be left out") } else { words }
}
fn range(param: &Param) -> String {
    match param.domain {
        Range::Real => "a real".into(),
        Range::Positive => "above 0".into(),
        Range::NonNegative => "from 0 on".into(),
        Range::Fraction => "from 0 up to 1".into(),
        Range::Count(least) => format!("a whole number from {least} on"),
        Range::Flag => "0 or 1".into(),
        Range::Word(words) => words.join(" or "),
    }
}
fn default(param: &Param) -> String {
    match (param.default, param.domain) {
        (None, _) => "must be given".into(),
        (Some(x), Range::Word(words)) => format!("default {}", words[x as usize]),
        (Some(x), _) => format!("default {x}"),
    }
}
fn shape(port: &Port) -> &str {
    if port.shape.is_empty() { "one number" } else { port.shape }
}

fn text(entry: &dyn Entry) -> String {
    let spec = entry.spec();
    let mut t = String::new();
    let _ = writeln!(
        t,
        "{}: {}\n\n  {}\n\nsource   {}\nroom     {}\ncost     {}",
        spec.name, spec.purpose, spec.definition, spec.source, spec.room, spec.cost
    );
    let batches = if spec.batches { "extra leading axes are looped over" } else { "extra leading axes have a meaning of their own" };
    let _ = writeln!(t, "couples  {}; {batches}", spec.couples);
    let gradient = if spec.differentiable { "gradients of every real input: white-box vjp" } else { "no gradient" };
    let _ = writeln!(t, "gradient {gradient}\n\ninputs");
    for p in spec.inputs {
        let _ = writeln!(t, "  {:<10} {:<14} {}{}{}", p.name, shape(p), domain(p), if p.doc.is_empty() { "" } else { ": " }, p.doc);
    }
    let _ = writeln!(t, "outputs");
    for p in spec.outputs {
        let _ = writeln!(t, "  {:<10} {:<14} {}", p.name, shape(p), p.doc);
    }
    if spec.distortion || !spec.params.is_empty() {
        let _ = writeln!(t, "parameters (-p name=value)");
    }
    if spec.distortion {
        let _ = writeln!(
            t,
            "  {:<10} {:<14} ε, a length; exactly one of eps and eps2\n  {:<10} {:<14} ε²",
            "eps", "above 0", "eps2", "above 0"
        );
    }
    for p in spec.params {
        let _ = writeln!(t, "  {:<10} {:<14} {}; {}", p.name, range(p), p.doc, default(p));
    }
    let _ = writeln!(t, "presets\n  {:<18} the paper's form; the default", "paper");
    for p in spec.presets {
        let _ = writeln!(t, "  {:<18} {}", p.name, p.doc);
    }
    let laws = entry.laws();
    if !laws.is_empty() {
        let _ = writeln!(t, "laws");
        for law in laws {
            let _ =
                writeln!(t, "  {}: {}{}", law.name, law.statement, if law.relation == Relation::AtMost { " (an inequality)" } else { "" });
        }
    }
    if !spec.divergences.is_empty() {
        let _ = writeln!(t, "who differs");
        for d in spec.divergences {
            let _ = writeln!(t, "  {d}");
        }
    }
    t
}

fn json(entry: &dyn Entry) -> Json {
    let spec = entry.spec();
    let port = |p: &Port| {
        Json::object([
            ("name", Json::text(p.name)),
            ("shape", Json::text(p.shape)),
            ("domain", Json::text(domain(p))),
            ("optional", Json::Bool(p.optional)),
            ("doc", Json::text(p.doc)),
        ])
    };
    let param = |p: &Param| {
        Json::object([
            ("name", Json::text(p.name)),
            ("range", Json::text(range(p))),
            ("default", p.default.map_or(Json::Null, Json::real)),
            ("doc", Json::text(p.doc)),
        ])
    };
    let laws = entry.laws();
    Json::object([
        ("name", Json::text(spec.name)),
        ("room", Json::text(spec.room)),
        ("purpose", Json::text(spec.purpose)),
        ("definition", Json::text(spec.definition)),
        ("source", Json::text(spec.source)),
        ("inputs", Json::Array(spec.inputs.iter().map(port).collect())),
        ("outputs", Json::Array(spec.outputs.iter().map(port).collect())),
        ("distortion", Json::Bool(spec.distortion)),
        ("params", Json::Array(spec.params.iter().map(param).collect())),
        (
            "presets",
            Json::Array(spec.presets.iter().map(|p| Json::object([("name", Json::text(p.name)), ("doc", Json::text(p.doc))])).collect()),
        ),
        (
            "laws",
            Json::Array(
                laws.iter().map(|l| Json::object([("name", Json::text(l.name)), ("statement", Json::text(l.statement))])).collect(),
            ),
        ),
        ("couples", Json::text(spec.couples)),
        ("cost", Json::text(spec.cost)),
        ("gradient", Json::Bool(spec.differentiable)),
        ("divergences", Json::Array(spec.divergences.iter().copied().map(Json::text).collect())),
    ])
}
