//! The error a right implementation may make, derived from conditioning and the unit roundoff of its arithmetic.
//!
//! Every input, cotangent and real parameter is widened to a ball of relative radius δ = 2⁻⁴⁰, each occurrence on its own, and the operator's
//! own formula is run in ball arithmetic. The radius of element i divided by δ, σ_i, is to first order the sum of the magnitudes that meet in it:
//! large where the answer is sensitive to its inputs, and large where the formula cancels. An evaluation whose operations are each off by
//! a relative u is off by about `u σ_i`; over chains of L operations errors grow like √L (Higham and Mary, *A New Approach to Probabilistic
//! Rounding Error Analysis*, SIAM J. Sci. Comput. 2019). The allowed error is `c √L u (σ_i + |y_i|)` plus the underflow threshold of the arithmetic, with
//! one factor c for the outputs and one for the gradients of each operator; a factor more than 64 times what is ever needed fails the suite.
//!
//! A radius that is not small beside the result is held against that at a quarter of the width: where terms cancel it is a quarter too, and σ_i stands. At a kink
//! the widened formula sees both branches and its radius does not shrink with δ. There σ_i is estimated from directional derivatives along `±|x_j|` instead.

use super::case::Case;
use super::entry::{Entry, Number};
use super::value::{Tensor, Value, Values};
use crate::Result;
use crate::random::Rng;
use crate::scalar::{Ball, Scalar};

/// δ = 2⁻⁴⁰.
const WIDTH: f64 = 9.094947017729282e-13;
/// A radius above this share of the largest entry may not be of first order.
const FIRST_ORDER: f64 = 0.0009765625;
/// Directions that estimate the condition at a kink.
const PROBES: usize = 6;

/// The scale `√L (σ_i + |y_i|)` of each output element: the allowed error is this times `c u`.
pub fn output_scale(entry: &dyn Entry, case: &Case) -> Result<Values<Ball>> {
    let y = entry.eval_in(Number::Double, case)?;
    scale(entry, case, None, &y, &mut |t| entry.jvp(case, t))
}

/// The same for each gradient element. At a kink the derivative of the gradient is a central difference in double-double.
pub fn gradient_scale(entry: &dyn Entry, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
    let g = entry.vjp_in(Number::Double, case, cotangents)?;
    scale(entry, case, Some(cotangents), &g, &mut |t| {
        let (up, down) = (moved(case, t, WIDTH), moved(case, t, -WIDTH));
        let (up, down) = (entry.vjp_in(Number::Double, &up, cotangents)?, entry.vjp_in(Number::Double, &down, cotangents)?);
        Ok(difference(&up, &down, 0.5 / WIDTH))
    })
}

/// L: the longest axis of the inputs.
pub fn chain(case: &Case) -> f64 {
    case.inputs.iter().flat_map(|(_, v)| v.shape().iter().copied()).fold(1, Ord::max) as f64
}

/// The scale of the stages, to first order: `√L (σ_i + |y_i|)` with the radii that inputs of a relative width δ leave.
pub fn stage_scale(entry: &dyn Entry, case: &Case) -> Result<Values<Ball>> {
    let mut wide = case.clone();
    wide.inputs = case.inputs.map(|x| x.widen(x.magnitude() * WIDTH));
    let root = chain(case).sqrt();
    Ok(entry.stages_in(Number::Ball, &wide)?.map(|x| Ball::exact(root * (x.rad() / WIDTH + x.magnitude()))))
}

/// The operator's own formula in ball arithmetic, every number widened by a relative `width`.
fn widened(entry: &dyn Entry, case: &Case, cotangents: Option<&Values<Ball>>, width: f64) -> Values<Ball> {
    let widen = |x: Ball| x.widen(x.magnitude() * width);
    let mut wide = case.clone();
    wide.inputs = case.inputs.map(widen);
    let mut offsets = Values::new();
    for name in entry.spec().param_names() {
        if let Some(x) = case.number(name) {
            offsets.set(name, Ball::ZERO.widen(x.abs() * width));
        }
    }
    entry.widened(&wide, &offsets, cotangents.map(|y| y.map(widen)).as_ref()).unwrap_or_default()
}

fn scale(
    entry: &dyn Entry,
    case: &Case,
    cotangents: Option<&Values<Ball>>,
    y: &Values<Ball>,
    derivative: &mut dyn FnMut(&Values<Ball>) -> Result<Values<Ball>>,
) -> Result<Values<Ball>> {
    let spread = widened(entry, case, cotangents, WIDTH);
    let mut quarter: Option<Values<Ball>> = None;
    let root = chain(case).sqrt();
    let mut probed: Option<Values<Ball>> = None;
    let mut out = Values::new();
    for (name, y) in y.reals() {
        let largest = y.data.iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
        let spread = spread.real(name).ok().filter(|s| s.shape == y.shape);
        let (mut data, shape) = (Vec::with_capacity(y.data.len()), y.shape.clone());
        for (k, &y) in y.data.iter().enumerate() {
            let radius = spread.map_or(f64::INFINITY, |s| s.data[k].rad());
            let mut shrinks = || {
                let quarter = quarter.get_or_insert_with(|| widened(entry, case, cotangents, 0.25 * WIDTH));
                let radius_there = quarter.real(name).ok().filter(|s| s.shape == shape).map_or(f64::INFINITY, |s| s.data[k].rad());
                radius.is_finite() && radius_there <= 0.3 * radius
            };
            let condition = if radius <= FIRST_ORDER * largest || shrinks() {
                radius / WIDTH
            } else {
                if probed.is_none() {
                    probed = Some(probe(entry, case, derivative)?);
                }
                probed.as_ref().and_then(|p| p.real(name).ok()).and_then(|p| p.data.get(k)).map_or(0.0, |p| p.mid().hi())
            };
            data.push(Ball::exact(root * (condition + y.magnitude())));
        }
        out.set(name, Tensor { shape: y.shape.clone(), data });
    }
    Ok(out)
}

/// The largest |derivative| over a few seeded directions `±|x_j|`, element by element.
fn probe(entry: &dyn Entry, case: &Case, derivative: &mut dyn FnMut(&Values<Ball>) -> Result<Values<Ball>>) -> Result<Values<Ball>> {
    let mut rng = Rng::stream(0, entry.spec().name);
    let mut worst: Option<Values<Ball>> = None;
    for _ in 0..PROBES {
        let mut t = tangents(case, |x| x.abs() * rng.sign());
        for name in entry.spec().param_names() {
            if let Some(x) = case.number(name) {
                t.set(name, Ball::exact(x * rng.sign()));
            }
        }
        let d = derivative(&t)?.map(|x| Ball::exact(x.mid().hi().abs()));
        worst = Some(match worst {
            None => d,
            Some(worst) => worst
                .reals()
                .map(|(name, w)| {
                    let other = d.real(name).map(|d| d.data.as_slice()).unwrap_or(&[]);
                    let data = w.data.iter().enumerate().map(|(k, w)| other.get(k).map_or(*w, |d| w.max(*d))).collect();
                    (name.to_string(), Value::Real(Tensor { shape: w.shape.clone(), data }))
                })
                .collect(),
        });
    }
    Ok(worst.unwrap_or_default())
}

/// `(a − b) c`, element by element.
pub fn difference(a: &Values<Ball>, b: &Values<Ball>, c: f64) -> Values<Ball> {
    a.reals()
        .filter_map(|(name, x)| {
            let y = b.real(name).ok()?;
            let data =
                x.data.iter().zip(&y.data).map(|(&x, &y)| (Ball::new(x.mid(), 0.0) - Ball::new(y.mid(), 0.0)) * Ball::exact(c)).collect();
            Some((name.to_string(), Value::Real(Tensor { shape: x.shape.clone(), data })))
        })
        .collect()
}

/// The case with its inputs moved by `h` along the tangents, in double-double.
pub fn moved(case: &Case, tangents: &Values<Ball>, h: f64) -> Case {
    let mut moved = case.clone();
    for (name, t) in tangents.reals() {
        if let Ok(x) = case.inputs.real(name) {
            let data = x.data.iter().zip(&t.data).map(|(&x, &t)| Ball::new((x + t * Ball::exact(h)).mid(), 0.0)).collect();
            moved.inputs.set(name, Tensor { shape: x.shape.clone(), data });
        }
    }
    moved
}

/// A tangent for every real input, element by element from its value.
pub fn tangents(case: &Case, mut f: impl FnMut(f64) -> f64) -> Values<Ball> {
    case.inputs.reals().map(|(name, x)| (name.to_string(), Value::Real(x.map(|x| Ball::exact(f(x.mid().hi())))))).collect()
}
