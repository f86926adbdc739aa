//! The smallest question that shows a mistake.

use super::explain::{Cause, results_under};
use crate::data::json::{self, Json};
use crate::oracle::case::{Case, Setting};
use crate::oracle::entry::{Entry, Number};
use crate::oracle::exchange::{case_to_json, values_to_json};
use crate::oracle::generate;
use crate::oracle::value::{Tensor, Value, Values};
use crate::scalar::Ball;

/// A question, one array of its answer, and what the mistake makes of it.
#[derive(Clone, Debug)]
pub struct Reproducer {
    /// The operator.
    pub op: &'static str,
    /// The question.
    pub case: Case,
    /// Where gradients differ, not values: the cotangents, 1 everywhere.
    pub cotangents: Option<Values<Ball>>,
    /// The output on which they differ, or `grad_<input>`.
    pub array: String,
    /// What is right there.
    pub right: Tensor<Ball>,
    /// What the mistake gives.
    pub wrong: Tensor<Ball>,
}

/// Generated cases that are tried.
const CASES: usize = 16;

/// The smallest generated question under a preset on which a mistake shows, in the outputs or in the gradients.
pub fn telling(entry: &dyn Entry, cause: &Cause, preset: Option<&str>, gradient: bool) -> Option<Reproducer> {
    (0..CASES).find_map(|index| {
        let case = generate::case(entry, index, 1).ok()?;
        if case.preset.as_deref() != preset {
            return None;
        }
        let cotangents = if gradient {
            let y = entry.eval_in(Number::F64, &case).ok()?;
            Some(y.reals().map(|(n, t)| (n.to_string(), Value::Real(t.map(|_| Ball::exact(1.0))))).collect::<Values<Ball>>())
        } else {
            None
        };
        let (right, wrong) = results_under(entry, &case, cotangents.as_ref(), &cause.name)?;
        let differs = |(name, right): (&str, &Tensor<Ball>)| {
            let wrong = wrong.real(name).ok()?;
            let size = right.data.iter().fold(0.0f64, |m, x| m.max(x.mid().hi().abs()));
            let apart = |(x, y): (&Ball, &Ball)| !((x.mid().hi() - y.mid().hi()).abs() <= 1e-9 * size);
            let shows = right.shape != wrong.shape || right.data.iter().zip(&wrong.data).any(apart);
            shows.then(|| (format!("{}{name}", if gradient { "grad_" } else { "" }), right.clone(), wrong.clone()))
        };
        let (array, right, wrong) = right.reals().find_map(differs)?;
        Some(Reproducer { op: entry.spec().name, case, cotangents, array, right, wrong })
    })
}

/// A question as a line of the serve protocol.
pub(super) fn question(op: &str, case: &Case) -> Json {
    let mut fields = vec![("op".to_string(), Json::text(op))];
    if let Ok(Json::Object(case)) = case_to_json(case) {
        fields.extend(case);
    }
    Json::Object(fields)
}

/// A tensor as Python writes it.
fn python(t: &Tensor<Ball>) -> String {
    let data: Vec<f64> = t.data.iter().map(|x| x.mid().hi()).collect();
    json::from_tensor(&t.shape, &data).map_or_else(|_| "None".into(), |j| j.to_string())
}

impl Reproducer {
    /// The question as a line of the serve protocol.
    pub fn json(&self) -> Json {
        let Json::Object(mut fields) = question(self.op, &self.case) else { return Json::Null };
        if let Some(Ok((y, _))) = self.cotangents.as_ref().map(|y| values_to_json(Number::F64, y)) {
            fields.push(("vjp".to_string(), y));
        }
        Json::Object(fields)
    }
    /// Three lines of Python: the inputs, the call, what must come out.
    pub fn python(&self) -> String {
        let inputs: Vec<(&str, String)> = self
            .case
            .inputs
            .iter()
            .map(|(name, v)| {
                let text = match v {
                    Value::Real(t) => python(t),
                    Value::Int(t) => json::nest(&t.shape, &t.data, |&i| Json::integer(i)).map_or_else(|_| "None".into(), |j| j.to_string()),
                };
                (name, text)
            })
            .collect();
        let names: Vec<&str> = inputs.iter().map(|(n, _)| *n).collect();
        let values: Vec<String> =
            inputs.iter().map(|(_, t)| if t.starts_with('[') { format!("np.array({t})") } else { t.clone() }).collect();
        let params: Vec<String> = self
            .case
            .params
            .iter()
            .map(|(n, s)| match s {
                Setting::Number(x) => format!("{}={x}", keyword(n)),
                Setting::Word(w) => format!("{}=\"{w}\"", keyword(n)),
            })
            .collect();
        let call: Vec<String> = names.iter().map(|n| n.to_string()).chain(params).collect();
        let preset = self.case.preset.as_ref().map_or(String::new(), |p| format!("  # as in {p}"));
        format!(
            "{} = {}\ngot = {}{}({}){preset}  # {}\nnp.testing.assert_allclose(got, {}, rtol=1e-9)  # the mistake gives {}",
            names.join(", "),
            values.join(", "),
            if self.cotangents.is_some() { "gradient_of_" } else { "" },
            self.op,
            call.join(", "),
            self.array,
            python(&self.right),
            python(&self.wrong)
        )
    }
}

/// A parameter's name as Python accepts it.
fn keyword(name: &str) -> String {
    if name == "lambda" { "lambda_".into() } else { name.to_string() }
}
