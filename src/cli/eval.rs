//! `white-box eval` and `white-box vjp`.

use super::arguments::{self, Arguments};
use super::{eval_model, files};
use crate::data::json::Json;
use crate::oracle::exchange::{default_cotangents, param_from_text, text, value_from_array, values_from_arrays, values_to_json};
use crate::oracle::{Case, Entry, Number, Value, Values, certified, find};
use crate::scalar::Ball;
use crate::{Error, Result};
use std::fmt::Write;
use std::process::ExitCode;

pub const USAGE: &str =
    "white-box eval OP IN [-p name=value]… [--preset P] [--weights W] [--scalar f32|f64|dd|ball] [--trace] [-o OUT] [--json]
white-box eval crate|vit --weights W.safetensors IMAGES [--heads K] [--pool cls|mean|patches] [--scalar f32|f64|dd] [-o OUT] [--json]

Evaluates an operator on the arrays of IN (.npz, .safetensors, .npy, .json), named as `white-box explain OP` says.
  --scalar   the arithmetic: f64 (default), f32, dd (double-double, about 31 digits), ball (a proven enclosure)
  --trace    the intermediate stages instead of the outputs
  -o OUT     writes .npz, .safetensors, .npy or .json; dd adds `name_lo`, ball also `name_radius`
  --json     prints the outputs as one JSON object

With crate or vit: the features and logits of a whole model. W holds the tensors of the official state_dict (a leading `module.` is taken off), all of them and no others; IMAGES n × h × w or
n × channels × h × w, whole numbers as shares of 255, reals as they are. The design is read off the shapes; only the heads of widths that are not published must be given.";
pub const VJP_USAGE: &str = "white-box vjp OP IN [COTANGENTS] [-p name=value]… [--preset P] [--weights W] [--scalar f32|f64|dd|ball] [-o OUT] [--json]

Gradients with respect to every real input. COTANGENTS holds an array for each output (by its name, or as `cot_<output>`); they may also stand in
IN as `cot_<output>`. An operator with one number as its output takes 1 if nothing is given.";

const VALUED: [&str; 5] = ["-p", "--preset", "--weights", "--scalar", "-o"];

pub fn eval(args: &[String]) -> Result<ExitCode> {
    if args.first().is_some_and(|a| eval_model::MODELS.contains(&a.as_str())) {
        return eval_model::eval(args);
    }
    let args = Arguments::parse(args, &VALUED, &["--trace", "--json"], "OP IN", 2..=2)?;
    let (entry, number, case, _) = question(&args)?;
    let values = if args.switch("--trace") { entry.stages_in(number, &case)? } else { entry.eval_in(number, &case)? };
    if args.switch("--trace") && values.is_empty() {
        return Err(Error::unsupported("--trace", "an operator of several stages", format!("{}, which has one", entry.spec().name)));
    }
    answer(&args, number, "outputs", &values)
}

pub fn vjp(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &VALUED, &["--json"], "OP IN [COTANGENTS]", 2..=3)?;
    let (entry, number, case, mut cotangents) = question(&args)?;
    if let Some(path) = args.positional().get(2) {
        for (name, array) in files::read(path)? {
            let outputs = entry.spec().outputs;
            let name = if name.is_empty() && outputs.len() == 1 { outputs[0].name } else { name.strip_prefix("cot_").unwrap_or(&name) };
            cotangents.set(name, value_from_array(&array, false)?);
        }
    }
    if cotangents.is_empty() {
        cotangents = default_cotangents(entry.spec())?;
    }
    answer(&args, number, "gradients", &entry.vjp_in(number, &case, &cotangents)?)
}

/// Operator, number type, case and the cotangents that stood in IN.
pub(super) fn question(args: &Arguments) -> Result<(&'static dyn Entry, Number, Case, Values<Ball>)> {
    let entry = find(&args.positional()[0])?;
    let number = args.one("--scalar")?.map_or(Ok(Number::F64), Number::parse)?;
    let mut arrays = files::read(&args.positional()[1])?;
    if let Some(path) = args.one("--weights")? {
        arrays.extend(files::read(path)?);
    }
    let (inputs, cotangents) = values_from_arrays(entry.spec(), arrays)?;
    let params = args.all("-p").map(param_from_text).collect::<Result<_>>()?;
    Ok((entry, number, Case { inputs, params, preset: args.one("--preset")?.map(str::to_string) }, cotangents))
}

pub fn answer(args: &Arguments, number: Number, what: &str, values: &Values<Ball>) -> Result<ExitCode> {
    if let Some(path) = args.one("-o")? {
        files::write(path, number, values)?;
    }
    if args.switch("--json") {
        let (mids, radii) = values_to_json(number, values)?;
        let mut fields = vec![(what.to_string(), mids)];
        fields.extend(radii.map(|r| ("radius".to_string(), r)));
        arguments::line(&Json::Object(fields).to_string())?;
    } else if args.one("-o")?.is_none() {
        arguments::print(&listing(number, values))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every number, a row a line; one number stands on its own line behind its name.
fn listing(number: Number, values: &Values<Ball>) -> String {
    let mut out = String::new();
    for (name, value) in values.iter() {
        let (shape, numbers): (&[usize], Vec<String>) = match value {
            Value::Int(t) => (&t.shape, t.data.iter().map(i64::to_string).collect()),
            Value::Real(t) => (&t.shape, t.data.iter().map(|&x| text(number, x)).collect()),
        };
        if shape.is_empty() {
            let _ = writeln!(out, "{name}  {}", numbers[0]);
            continue;
        }
        let _ = writeln!(out, "{name}  {}", crate::oracle::words_of_shape(shape));
        for row in numbers.chunks(shape.last().copied().unwrap_or(1).max(1)) {
            let _ = writeln!(out, "  {}", row.join("  "));
        }
    }
    if number == Number::Ball {
        let digits = certified(values);
        let _ = writeln!(
            out,
            "{}",
            if digits.is_finite() { format!("certified: {digits:.1} digits of the largest entry") } else { "certified: exact".into() }
        );
    }
    out
}
