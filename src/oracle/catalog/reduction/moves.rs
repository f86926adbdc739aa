//! Moves of a case under which rates keep their value, or change in a known way.

use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Domain, Port, Setting, Tensor, Value, Values};
use crate::reduction::Membership;
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// The samples.
pub const Z: Port = Port::real("z", "n d", "samples, one a row");
/// Hard memberships.
pub const LABELS: Port = Port::of(Domain::Label("k"), "labels", "n", "the class of each sample; this or pi").or_absent();
/// Soft memberships.
pub const PI: Port =
    Port::of(Domain::Simplex, "pi", "n k", "the weight of each sample in each class, rows summing to 1; this or labels").or_absent();

/// The membership that was given: labels or weights, exactly one of them.
pub fn membership<S: Scalar>(x: &Args<S>) -> Result<Membership<S>> {
    match (x.has("labels"), x.has("pi")) {
        (true, false) => Membership::from_labels(x.labels("labels")?),
        (false, true) => Membership::soft(x.matrix("pi")?),
        (true, true) => Err(Error::usage("inputs", "labels or pi", "both")),
        (false, false) => Err(Error::usage("inputs", "labels or pi", "neither")),
    }
}

/// A generated case with exactly one kind of membership, and no class of weights that is empty: there the derivative is one-sided.
pub fn one_membership(mut case: Case) -> Case {
    let Ok(z) = case.inputs.matrix("z") else { return case };
    match (case.inputs.get("labels").is_some(), case.inputs.get("pi").is_some()) {
        (true, true) => drop(case.inputs.remove(if z.rows() % 2 == 0 { "labels" } else { "pi" })),
        (false, false) => {
            case.inputs.set("labels", Tensor { shape: vec![z.rows()], data: (0..z.rows()).map(|i| (i % 3) as i64).collect() })
        }
        _ => {}
    }
    if let Ok(pi) = case.inputs.matrix("pi") {
        let used: Vec<usize> = (0..pi.cols()).filter(|&k| (0..pi.rows()).any(|i| pi[(i, k)] != Ball::ZERO)).collect();
        case.inputs.set("pi", Matrix::from_fn(pi.rows(), used.len(), |i, k| pi[(i, used[k])]));
        // A weight of 0 that moves (a dual number) is factored by the features, where samples as large as these would drown the identity.
        let largest = z.data().iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
        if largest > 16.0 && pi.data().contains(&Ball::ZERO) {
            case.inputs.set("z", z.scale(Ball::exact(0.015625)));
        }
    }
    case
}

/// The one number of an operator.
pub fn value(values: Values<Ball>) -> Result<Ball> {
    values.scalar("value")
}
/// Cotangent 1 of that number.
pub fn one() -> Values<Ball> {
    Values::new().with("value", Ball::ONE)
}
/// ε² of a case.
pub fn eps2(case: &Case) -> Ball {
    case.number("eps2").map_or_else(|| Ball::exact(case.number("eps").unwrap_or(f64::NAN)).square(), Ball::exact)
}
/// α of a case.
pub fn alpha(case: &Case) -> Result<Ball> {
    let z = case.inputs.matrix("z")?;
    Ok(Ball::exact(z.cols() as f64) / (Ball::exact(z.rows() as f64) * eps2(case)))
}
/// A rotation by the angle of the 3-4-5 triangle in the planes (0, 1), (2, 3), …
pub fn rotation(d: usize) -> Matrix<Ball> {
    let (c, s) = (Ball::exact(3.0) / Ball::exact(5.0), Ball::exact(4.0) / Ball::exact(5.0));
    Matrix::from_fn(d, d, |i, j| match (i, j) {
        _ if i / 2 != j / 2 => Ball::ZERO,
        _ if i / 2 * 2 + 1 == d => Ball::ONE,
        _ if i == j => c,
        _ if i < j => -s,
        _ => s,
    })
}
/// The features turned.
pub fn rotated(case: &Case) -> Result<Case> {
    let z = case.inputs.matrix("z")?;
    Ok(case.clone().input("z", z.matmul(&rotation(z.cols()))?))
}
/// Features and ε times 2.
pub fn doubled(case: &Case) -> Result<Case> {
    let mut scaled = case.clone().input("z", case.inputs.matrix("z")?.scale(Ball::exact(2.0)));
    for (name, setting) in &mut scaled.params {
        if let Setting::Number(x) = setting {
            match name.as_str() {
                "eps" => *x *= 2.0,
                "eps2" => *x *= 4.0,
                _ => {}
            }
        }
    }
    Ok(scaled)
}
/// The samples listed, memberships with them.
pub fn samples(case: &Case, which: &[usize]) -> Result<Case> {
    let mut picked = case.clone().input("z", case.inputs.matrix("z")?.select_rows(which)?);
    if let Some(Value::Int(t)) = case.inputs.get("labels") {
        picked.inputs.set("labels", Tensor { shape: vec![which.len()], data: which.iter().map(|&i| t.data[i]).collect() });
    }
    if let Ok(pi) = case.inputs.matrix("pi") {
        picked.inputs.set("pi", pi.select_rows(which)?);
    }
    Ok(picked)
}
/// The weights of the samples in the classes, labels as zeros and ones.
pub fn weights(case: &Case) -> Result<Matrix<Ball>> {
    match case.inputs.get("labels") {
        Some(Value::Int(t)) => {
            let classes = t.data.iter().max().map_or(1, |&l| l as usize + 1);
            Ok(Matrix::from_fn(t.data.len(), classes, |i, k| if t.data[i] as usize == k { Ball::ONE } else { Ball::ZERO }))
        }
        _ => case.inputs.matrix("pi"),
    }
}
/// With weights in place of whatever memberships the case has.
pub fn weighted(case: &Case, pi: Matrix<Ball>) -> Case {
    let mut case = case.clone();
    case.inputs.remove("labels");
    case.input("pi", pi)
}
/// The labels through `f`.
pub fn relabelled(case: &Case, f: impl Fn(i64) -> i64) -> Option<Case> {
    let Some(Value::Int(t)) = case.inputs.get("labels") else { return None };
    Some(case.clone().input("labels", t.map(f)))
}
