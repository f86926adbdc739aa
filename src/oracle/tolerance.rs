//! The error a right implementation may make, derived from conditioning and the unit roundoff of its arithmetic.
//!
//! A backward-stable evaluation answers a question whose numbers are off by a few units of roundoff: element i of the result is then off by
//! about `κ_i u`, `κ_i = Σ_j |∂y_i/∂x_j| |x_j|` over all inputs and real parameters, plus `|y_i| u` for rounding the result. The sum is estimated
//! from below by directional derivatives along `±|x_j|` with seeded signs, in dual numbers over double-double; errors of a chain of L operations grow
//! like √L (Higham and Mary, *A New Approach to Probabilistic Rounding Error Analysis*, SIAM J. Sci. Comput. 2019). The allowed error is
//! `c √L u (κ_i + |y_i|)`, with one factor c for the outputs and one for the gradients of each operator; a factor more than 64 times what is
//! ever needed fails the suite.

use super::case::Case;
use super::entry::{Entry, Number};
use super::value::{Tensor, Value, Values};
use crate::Result;
use crate::random::Rng;
use crate::scalar::{Ball, Scalar};

/// Directions that estimate the condition of each element.
const PROBES: usize = 6;

/// The scale `√L (κ_i + |y_i|)` of each output element: the allowed error is this times `c u`.
pub fn output_scale(entry: &dyn Entry, case: &Case) -> Result<Values<Ball>> {
    let y = entry.eval_in(Number::Double, case)?;
    let condition = probe(entry, case, &y, &mut |e, c, t| e.jvp(c, t))?;
    Ok(scaled(case, &y, &condition))
}

/// The same for each gradient element. The derivative of the gradient along a direction is a central difference in double-double.
pub fn gradient_scale(entry: &dyn Entry, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
    let g = entry.vjp_in(Number::Double, case, cotangents)?;
    let condition = probe(entry, case, &g, &mut |e, c, t| {
        let h = 2f64.powi(-40);
        let (up, down) = (moved(c, t, h), moved(c, t, -h));
        let (up, down) = (e.vjp_in(Number::Double, &up, cotangents)?, e.vjp_in(Number::Double, &down, cotangents)?);
        Ok(difference(&up, &down, 0.5 / h))
    })?;
    Ok(scaled(case, &g, &condition))
}

/// `(a − b) c`, element by element.
pub fn difference(a: &Values<Ball>, b: &Values<Ball>, c: f64) -> Values<Ball> {
    a.reals()
        .filter_map(|(name, x)| {
            let y = b.real(name).ok()?;
            let data = x.data.iter().zip(&y.data).map(|(&x, &y)| (Ball::new(x.mid(), 0.0) - Ball::new(y.mid(), 0.0)) * Ball::exact(c)).collect();
            Some((name.to_string(), Value::Real(Tensor { shape: x.shape.clone(), data })))
        })
        .collect()
}

/// The case with its inputs moved by `h` along the tangents. Double-double inputs: nothing is rounded to f64.
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

/// The largest of |derivative| over the probes, element by element of `y`.
fn probe(
    entry: &dyn Entry,
    case: &Case,
    y: &Values<Ball>,
    derivative: &mut dyn FnMut(&dyn Entry, &Case, &Values<Ball>) -> Result<Values<Ball>>,
) -> Result<Values<Ball>> {
    let mut rng = Rng::stream(0x70_726f_6265, entry.spec().name);
    let mut worst: Values<Ball> = y.map(|_| Ball::ZERO);
    for _ in 0..PROBES {
        let mut t = tangents(case, |x| x.abs() * rng.sign());
        for name in entry.spec().param_names() {
            if let Some(x) = case.number(name) {
                t.set(name, Ball::exact(x * rng.sign()));
            }
        }
        let d = derivative(entry, case, &t)?;
        worst = worst
            .reals()
            .map(|(name, w)| {
                let data = match d.real(name) {
                    Ok(d) => w.data.iter().zip(&d.data).map(|(w, d)| Ball::exact(w.mid().hi().max(d.mid().hi().abs()))).collect(),
                    Err(_) => w.data.clone(),
                };
                (name.to_string(), Value::Real(Tensor { shape: w.shape.clone(), data }))
            })
            .collect();
    }
    Ok(worst)
}

/// A tangent for every real input, element by element from its value.
pub fn tangents(case: &Case, mut f: impl FnMut(f64) -> f64) -> Values<Ball> {
    case.inputs.reals().map(|(name, x)| (name.to_string(), Value::Real(x.map(|x| Ball::exact(f(x.mid().hi())))))).collect()
}

fn scaled(case: &Case, y: &Values<Ball>, condition: &Values<Ball>) -> Values<Ball> {
    let longest = case.inputs.iter().flat_map(|(_, v)| v.shape().iter().copied()).fold(1, Ord::max);
    let root = (longest as f64).sqrt();
    y.reals()
        .map(|(name, y)| {
            let data = match condition.real(name) {
                Ok(c) => y.data.iter().zip(&c.data).map(|(y, c)| Ball::exact(root * (c.mid().hi().abs() + y.mid().hi().abs()))).collect(),
                Err(_) => y.data.iter().map(|y| Ball::exact(root * y.mid().hi().abs())).collect(),
            };
            (name.to_string(), Value::Real(Tensor { shape: y.shape.clone(), data }))
        })
        .collect()
}
