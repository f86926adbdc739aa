//! Requests that must be refused: each with the error this crate gives.

use super::flags::{Flag, flag};
use crate::Error;
use crate::oracle::{ANY, Case, Domain, Entry, Number, Param, Range, Setting, Tensor, Value};
use crate::scalar::{Ball, Scalar};

/// Requests of one kind at most: an operator with a dozen inputs needs no dozen NaNs.
const MOST: usize = 6;

/// What is wrong, the flag, the request, the error.
pub(super) fn invalid(entry: &dyn Entry, case: &Case) -> Vec<(String, Flag, Case, Error)> {
    let mut all: Vec<(String, Flag, Case)> = Vec::new();
    let spec = entry.spec();
    let numbers = || flag("NotFinite", "INVALID", "a NaN or an infinity must not become a number");
    let shape = || flag("WrongShape", "INVALID", "shapes that do not fit must not be broadcast or reshaped");
    let domain = || flag("OutOfDomain", "INVALID", "a value outside the domain must not be clamped");
    let usage = || flag("Interface", "INVALID", "a question that makes no sense; for a program that takes names and parameters as text");
    for (i, port) in spec.inputs.iter().enumerate() {
        let name = port.name;
        let Some(value) = case.inputs.get(name) else { continue };
        match value {
            Value::Real(t) if !t.data.is_empty() => {
                let mut with = |what: &str, flag: Flag, x: f64| {
                    let mut t = t.clone();
                    if let Some(last) = t.data.last_mut() {
                        *last = Ball::exact(x);
                    }
                    all.push((format!("{what} in {name}"), flag, case.clone().input(name, t)));
                };
                with("a NaN", numbers(), f64::NAN);
                if i == 0 {
                    with("an infinity", numbers(), f64::INFINITY);
                }
                match port.domain {
                    Domain::Positive => with("a zero", domain(), 0.0),
                    Domain::NonNegative | Domain::Simplex => with("a negative number", domain(), -0.5),
                    _ => {}
                }
            }
            Value::Int(t) if !t.data.is_empty() => {
                for (what, label) in [("a negative label", -1), ("a label that is too large", 1 << 40)] {
                    let mut t = t.clone();
                    t.data[0] = label;
                    all.push((format!("{what} in {name}"), domain(), case.clone().input(name, t)));
                }
            }
            _ => {}
        }
        if !value.shape().is_empty() && port.shape != ANY {
            if i == 0 {
                all.push((format!("one number for the array {name}"), shape(), case.clone().input(name, Tensor::scalar(Ball::ONE))));
            }
            // One place more along the last axis, which another input, or the shape itself, may contradict.
            if let Value::Real(t) = value {
                let mut axes = t.shape.clone();
                if let Some(last) = axes.last_mut() {
                    *last += 1;
                }
                let data = vec![Ball::exact(0.25); axes.iter().product()];
                all.push((format!("{name} with one column more"), shape(), case.clone().input(name, Tensor { shape: axes, data })));
            }
        }
        if !port.optional && i == 0 {
            let mut other = case.clone();
            other.inputs.remove(name);
            all.push((format!("no {name}"), usage(), other));
        }
    }
    for param in spec.params {
        for x in outside(param) {
            all.push((format!("{} = {x}", param.name), domain(), case.clone().set(param.name, x)));
        }
        if matches!(param.domain, Range::Word(_)) {
            all.push((format!("an unknown word for {}", param.name), usage(), case.clone().word(param.name, "no-such-word")));
        }
    }
    if spec.distortion {
        let without = |case: &Case| {
            let mut case = case.clone();
            case.params.retain(|(n, _)| n != "eps" && n != "eps2");
            case
        };
        for x in [0.0, -0.5] {
            all.push((format!("eps2 = {x}"), domain(), without(case).set("eps2", x)));
        }
        all.push(("neither eps nor eps2".into(), usage(), without(case)));
        all.push(("eps and eps2".into(), usage(), without(case).set("eps", 0.5).set("eps2", 0.25)));
    }
    all.push(("an unknown parameter".into(), usage(), case.clone().set("no_such_parameter", 1.0)));
    all.push(("an unknown preset".into(), usage(), case.clone().preset("no-such-preset")));
    let mut counts = std::collections::BTreeMap::new();
    all.into_iter()
        .filter(|(_, flag, _)| {
            let count = counts.entry(flag.name.clone()).or_insert(0);
            *count += 1;
            *count <= MOST
        })
        .filter(|(_, _, case)| case.params.iter().all(|(_, s)| !matches!(s, Setting::Number(x) if x.is_nan())))
        .filter_map(|(what, flag, case)| entry.eval_in(Number::F64, &case).err().map(|e| (what, flag, case, e)))
        .collect()
}

/// Numbers outside a parameter's domain.
fn outside(param: &Param) -> Vec<f64> {
    match param.domain {
        Range::Real => vec![f64::INFINITY],
        Range::Positive => vec![0.0, -0.5],
        Range::NonNegative => vec![-0.5],
        Range::Fraction => vec![1.0, -0.5],
        Range::Count(least) => vec![least as f64 - 1.0, least as f64 + 0.5],
        Range::Flag => vec![2.0],
        Range::Word(_) => vec![],
    }
}
