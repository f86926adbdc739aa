//! The line protocol: one JSON object a line, both ways.

use super::case::Case;
use super::catalog::{CATALOG, find};
use super::check::Dtype;
use super::entry::{Entry, Number};
use super::exchange::{params_from_json, values_from_json, values_to_json};
use super::tolerance::{chain, gradient_scale, output_scale};
use super::value::Values;
use crate::data::json::Json;
use crate::scalar::Ball;
use crate::{Error, Result};
use std::io::{self, BufRead, Read, Write};

/// The longest request line, in bytes. A longer one is refused, not attempted.
pub const LONGEST: u64 = 1 << 28;

/// Answers every line of `input` with one line on `output` until the input ends. Blank lines are passed over.
pub fn serve(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let reply = if line.len() as u64 > LONGEST && line.last() != Some(&b'\n') {
            skip_line(input)?;
            failure(None, &Error::unsupported("request", format!("at most {LONGEST} bytes a line"), "a longer line"))
        } else if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        } else {
            answer(&line)
        };
        output.write_all(reply.as_bytes())?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|&b| b == b'\n');
        let used = end.map_or(buffer.len(), |i| i + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// The reply to one request line. Every line has one; what is not a request gets an error.
pub fn answer(line: &[u8]) -> String {
    match Json::parse(line) {
        Err(e) => failure(None, &e.within("request")),
        Ok(request) => {
            let id = request.get("id").cloned();
            match reply(&request) {
                Ok(fields) => {
                    let mut all: Vec<(String, Json)> = id.map(|id| ("id".to_string(), id)).into_iter().collect();
                    all.push(("ok".into(), Json::Bool(true)));
                    all.extend(fields);
                    Json::Object(all).to_string()
                }
                Err(e) => failure(id, &e),
            }
        }
    }
}

fn failure(id: Option<Json>, e: &Error) -> String {
    let mut all: Vec<(String, Json)> = id.map(|id| ("id".to_string(), id)).into_iter().collect();
    all.push(("ok".into(), Json::Bool(false)));
    all.push(("error".into(), error_to_json(e)));
    Json::Object(all).to_string()
}

/// `{"kind": …, "message": …}`, and `"name"` where the fault has a finer one.
pub fn error_to_json(e: &Error) -> Json {
    let mut fields = vec![("kind", Json::text(e.kind())), ("message", Json::text(e.to_string()))];
    if !e.fault().name.is_empty() {
        fields.push(("name", Json::text(e.fault().name)));
    }
    Json::object(fields)
}

const FIELDS: [&str; 9] = ["id", "op", "inputs", "params", "preset", "scalar", "vjp", "stages", "allowed"];

fn reply(request: &Json) -> Result<Vec<(String, Json)>> {
    let Json::Object(fields) = request else { return Err(Error::usage("request", "an object", request.kind())) };
    if fields.iter().any(|(name, _)| name == "hello") {
        return Ok(hello());
    }
    if let Some((name, _)) = fields.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
        return Err(Error::usage("request", format!("fields among {}", FIELDS.join(", ")), format!("`{}`", name.escape_default())));
    }
    let text = |name: &str| match request.get(name) {
        None => Ok(None),
        Some(Json::String(s)) => Ok(Some(s.as_str())),
        Some(other) => Err(Error::usage(name, "a string", other.kind())),
    };
    let entry = find(text("op")?.ok_or_else(|| Error::usage("request", "the field `op`", "none"))?)?;
    let inputs = request.get("inputs").ok_or_else(|| Error::usage("request", "the field `inputs`", "none"))?;
    let case = Case {
        inputs: values_from_json("inputs", inputs)?,
        params: request.get("params").map_or(Ok(Vec::new()), params_from_json)?,
        preset: text("preset")?.map(str::to_string),
    };
    let number = text("scalar")?.map_or(Ok(Number::F64), Number::parse)?;
    let cotangents = request.get("vjp").map(|y| values_from_json("vjp", y)).transpose()?;
    let (what, values) = match &cotangents {
        Some(y) => ("gradients", entry.vjp_in(number, &case, y)?),
        None if request.get("stages").and_then(Json::as_bool) == Some(true) => ("stages", entry.stages_in(number, &case)?),
        None => ("outputs", entry.eval_in(number, &case)?),
    };
    let (mids, radii) = values_to_json(number, &values)?;
    let mut out = vec![(what.to_string(), mids)];
    out.extend(radii.map(|r| ("radius".to_string(), r)));
    if let Some(dtype) = text("allowed")? {
        out.push(("allowed".into(), allowed(entry, &case, cotangents.as_ref(), Dtype::parse(dtype)?)?));
    }
    Ok(out)
}

/// The absolute error that a right implementation in `dtype` may have, element by element.
fn allowed(entry: &dyn Entry, case: &Case, cotangents: Option<&Values<Ball>>, dtype: Dtype) -> Result<Json> {
    let (scale, factor) = match cotangents {
        Some(y) => (gradient_scale(entry, case, y)?, entry.spec().tolerance.gradient),
        None => (output_scale(entry, case)?, entry.spec().tolerance.value),
    };
    let unit = factor * dtype.unit(chain(case));
    Ok(values_to_json(Number::F64, &scale.map(|s| Ball::exact(unit * s.magnitude() + dtype.underflow())))?.0)
}

/// What this server can do, in the words that a candidate uses too.
fn hello() -> Vec<(String, Json)> {
    let texts = |items: &mut dyn Iterator<Item = &'static str>| Json::Array(items.map(Json::text).collect());
    let presets = CATALOG.iter().map(|e| {
        let spec = e.spec();
        (spec.name.to_string(), texts(&mut std::iter::once("paper").chain(spec.presets.iter().map(|p| p.name))))
    });
    vec![
        ("name".into(), Json::text("white-box")),
        ("version".into(), Json::text(env!("CARGO_PKG_VERSION"))),
        ("ops".into(), texts(&mut CATALOG.iter().map(|e| e.spec().name))),
        ("presets".into(), Json::Object(presets.collect())),
        ("scalars".into(), texts(&mut Number::ALL.into_iter().map(Number::name))),
        ("vjp".into(), Json::Bool(true)),
    ]
}
