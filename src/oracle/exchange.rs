//! Values in and out: JSON for the protocol, arrays for files.

use super::case::{Case, Setting};
use super::entry::Number;
use super::spec::{Domain, Spec};
use super::value::{Tensor, Value, Values};
use crate::data::json::{self, Json};
use crate::data::{Array, Elements};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// Nested arrays of numbers as reals, each the nearest f64; integers where a label port asks for them.
pub fn value_from_json(value: &Json) -> Result<Value<Ball>> {
    let (shape, data) = json::tensor(value)?;
    Ok(Value::Real(Tensor::new(shape, data.into_iter().map(Ball::exact).collect())?))
}

/// An object of nested arrays as named values.
pub fn values_from_json(what: &str, value: &Json) -> Result<Values<Ball>> {
    let Json::Object(fields) = value else { return Err(Error::usage(what, "an object of names and nested arrays", value.kind())) };
    fields
        .iter()
        .map(|(name, v)| Ok((name.clone(), value_from_json(v).map_err(|e| e.within(&name.escape_default().to_string()))?)))
        .collect()
}

/// Parameters: numbers, `true` and `false`, words.
pub fn params_from_json(value: &Json) -> Result<Vec<(String, Setting)>> {
    let Json::Object(fields) = value else { return Err(Error::usage("params", "an object of names and numbers", value.kind())) };
    let setting = |v: &Json| match v {
        Json::Number(n) => Ok(Setting::Number(n.f64())),
        Json::Bool(b) => Ok(Setting::Number(f64::from(u8::from(*b)))),
        Json::String(s) => Ok(Setting::Word(s.clone())),
        other => Err(Error::usage("params", "a number, true, false or a word", other.kind())),
    };
    fields.iter().map(|(name, v)| Ok((name.clone(), setting(v)?))).collect()
}

/// Parameters as an object of numbers and words.
pub fn params_to_json(params: &[(String, Setting)]) -> Json {
    let value = |s: &Setting| match s {
        Setting::Number(x) => Json::real(*x),
        Setting::Word(w) => Json::text(w),
    };
    Json::Object(params.iter().map(|(name, s)| (name.clone(), value(s))).collect())
}

/// `name=value` as on the command line.
pub fn param_from_text(text: &str) -> Result<(String, Setting)> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(Error::usage("-p", "name=value", format!("`{}`", text.escape_default())));
    };
    Ok((name.to_string(), value.parse().map_or_else(|_| Setting::Word(value.into()), Setting::Number)))
}

/// Significant digits of a printed double-double: enough to read it back, and the error of the last is below 10⁻³⁵ of the number.
const DIGITS: usize = 36;

/// A number as the tools of its type print it, and the radius that encloses the truth around *the printed decimal*.
fn decimal(number: Number, x: Ball) -> (Json, f64) {
    let mid = x.mid();
    match number {
        Number::F64 => (Json::real(mid.hi()), 0.0),
        Number::F32 => {
            (Json::Number(json::Number::from_text(&format!("{:?}", mid.hi() as f32)).unwrap_or_else(|_| json::Number::from(0i64))), 0.0)
        }
        Number::Double | Number::Ball => {
            let Ok(digits) = json::Number::from_text(&mid.to_decimal(DIGITS)) else { return (Json::real(mid.hi()), x.rad()) };
            // A multiple of 2⁻²⁰ below 2³³ has at most 30 significant digits: printed exactly.
            let scaled = mid.hi() * 1_048_576.0;
            let exact = mid.lo() == 0.0 && scaled == scaled.trunc() && mid.hi().abs() < 8_589_934_592.0;
            let slack = if exact { 0.0 } else { (mid.hi().abs() * 1e-35).next_up() };
            (Json::Number(digits), if slack == 0.0 { x.rad() } else { (x.rad() + slack).next_up() })
        }
    }
}

/// Nested arrays of a value in the digits of its number type; for a ball, the radii too.
fn value_to_json(number: Number, value: &Value<Ball>) -> Result<(Json, Option<Json>)> {
    match value {
        Value::Int(t) => Ok((json::nest(&t.shape, &t.data, |&i| Json::integer(i))?, None)),
        Value::Real(t) if !matches!(number, Number::Double | Number::Ball) && t.data.iter().any(|x| !x.mid().hi().is_finite()) => {
            Ok((json::nest(&t.shape, &t.data, |x| Json::real(x.mid().hi()))?, None))
        }
        Value::Real(t) => {
            let mid = json::nest(&t.shape, &t.data, |&x| decimal(number, x).0)?;
            let radius = match number {
                Number::Ball => Some(json::nest(&t.shape, &t.data, |&x| Json::real(decimal(number, x).1))?),
                _ => None,
            };
            Ok((mid, radius))
        }
    }
}

/// `(outputs, radius)` as objects; the second for balls only.
pub fn values_to_json(number: Number, values: &Values<Ball>) -> Result<(Json, Option<Json>)> {
    let (mut mids, mut radii) = (Vec::new(), Vec::new());
    for (name, value) in values.iter() {
        let (mid, radius) = value_to_json(number, value)?;
        mids.push((name.to_string(), mid));
        radii.extend(radius.map(|r| (name.to_string(), r)));
    }
    Ok((Json::Object(mids), (number == Number::Ball).then_some(Json::Object(radii))))
}

/// A case in the words of the protocol, to be sent or read again.
pub fn case_to_json(case: &Case) -> Result<Json> {
    let (inputs, _) = values_to_json(Number::F64, &case.inputs)?;
    let mut fields = vec![("inputs".to_string(), inputs), ("params".into(), params_to_json(&case.params))];
    fields.extend(case.preset.iter().map(|p| ("preset".to_string(), Json::text(p))));
    Ok(Json::Object(fields))
}

/// The arrays of a file as named values: the input ports, and apart from them the cotangents `cot_<output>`. A single array without a name
/// belongs to the only input that must be given.
pub fn values_from_arrays(spec: &'static Spec, arrays: Vec<(String, Array)>) -> Result<(Values<Ball>, Values<Ball>)> {
    let (mut inputs, mut cotangents) = (Values::new(), Values::new());
    for (mut name, array) in arrays {
        if name.is_empty() {
            let required: Vec<&str> = spec.inputs.iter().filter(|p| !p.optional).map(|p| p.name).collect();
            let [only] = required[..] else {
                let found = "one array without a name";
                return Err(Error::usage("inputs", format!("an .npz, .safetensors or .json that names {}", required.join(", ")), found));
            };
            name = only.to_string();
        }
        let label = matches!(spec.input(&name).map(|p| p.domain), Some(Domain::Label(_)));
        let value = value_from_array(&array, label).map_err(|e| e.within(&name.escape_default().to_string()))?;
        match name.strip_prefix("cot_").filter(|output| spec.outputs.iter().any(|p| p.name == *output)) {
            Some(output) => cotangents.set(output, value),
            None => inputs.set(name, value),
        }
    }
    Ok((inputs, cotangents))
}

/// An array as a value; integers stay integers only where labels are wanted.
pub fn value_from_array(array: &Array, label: bool) -> Result<Value<Ball>> {
    if label && !array.dtype().is_real() {
        return Ok(Value::Int(Tensor::new(array.shape().to_vec(), array.to_i64()?)?));
    }
    let data = array.to_f64()?.into_iter().map(Ball::exact).collect();
    Ok(Value::Real(Tensor::new(array.shape().to_vec(), data)?))
}

/// Values as arrays of the type they were computed in. A double-double `y` becomes the f64 arrays `y` and `y_lo` whose sum it is; a ball also
/// `y_radius`.
pub fn arrays_from_values(number: Number, values: &Values<Ball>) -> Result<Vec<(String, Array)>> {
    let mut arrays = Vec::new();
    for (name, value) in values.iter() {
        match value {
            Value::Int(t) => arrays.push((name.to_string(), Array::from_i64(t.shape.clone(), t.data.clone())?)),
            Value::Real(t) => {
                let mut part = |suffix: &str, f: &dyn Fn(&Ball) -> f64| -> Result<()> {
                    arrays.push((format!("{name}{suffix}"), Array::from_f64(t.shape.clone(), t.data.iter().map(f).collect())?));
                    Ok(())
                };
                match number {
                    Number::F32 => {
                        let data = t.data.iter().map(|x| x.mid().hi() as f32).collect();
                        arrays.push((name.to_string(), Array::new(t.shape.clone(), Elements::F32(data))?));
                    }
                    Number::F64 => part("", &|x| x.mid().hi())?,
                    Number::Double | Number::Ball => {
                        part("", &|x| x.mid().hi())?;
                        part("_lo", &|x| x.mid().lo())?;
                        if number == Number::Ball {
                            part("_radius", &|x| x.rad())?;
                        }
                    }
                }
            }
        }
    }
    Ok(arrays)
}

/// The value that a cotangent file may leave out: 1 for the single output that is one number.
pub fn default_cotangents(spec: &Spec) -> Result<Values<Ball>> {
    match spec.outputs {
        [port] if port.shape.is_empty() => Ok(Values::new().with(port.name, Ball::ONE)),
        ports => {
            let names: Vec<String> = ports.iter().map(|p| format!("cot_{}", p.name)).collect();
            Err(Error::usage("cotangents", format!("at least one of {}", names.join(", ")), "none"))
        }
    }
}

/// One number for a person: as its type prints it, a ball with radius and certified digits.
pub fn text(number: Number, x: Ball) -> String {
    match number {
        Number::F32 => format!("{:?}", x.mid().hi() as f32),
        Number::F64 => format!("{:?}", x.mid().hi()),
        Number::Double => x.mid().to_decimal(32),
        Number::Ball => x.to_text(),
    }
}
