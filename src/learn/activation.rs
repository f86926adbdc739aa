//! Activations, element by element, and their derivatives.

use crate::scalar::{Function, Scalar};
use std::cmp::Ordering;

/// `x Φ(x) = x/2 (1 + erf(x/√2))` (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016). For x < 0 written as `x/2 erfc(−x/√2)`, which keeps the
/// relative accuracy of the left tail.
pub fn gelu<S: Scalar>(x: S) -> S {
    let half = S::from_f64(0.5);
    half * x * (-x * half.sqrt()).erfc()
}

/// `Φ(x) + x φ(x)`, `φ(x) = exp(−x²/2)/√(2π)`.
pub fn gelu_derivative<S: Scalar>(x: S) -> S {
    let half = S::from_f64(0.5);
    let density = (-(x.square() * half)).exp() / (S::pi() * S::from_f64(2.0)).sqrt();
    half * (-x * half.sqrt()).erfc() + x * density
}

/// [`gelu`] of every number, and `2Φ(x)`, which its derivative takes up again, in `twice`.
pub fn gelu_of<S: Scalar>(x: &[S], twice: &mut Vec<S>, y: &mut [S]) {
    let (half, root) = (S::from_f64(0.5), S::from_f64(0.5).sqrt());
    twice.clear();
    twice.extend(x.iter().map(|&x| -x * root));
    S::map(Function::Erfc, twice);
    for ((y, &x), &twice) in y.iter_mut().zip(x).zip(twice.iter()) {
        *y = half * x * twice;
    }
}

/// Multiplies every cotangent by [`gelu_derivative`] at its x, from what [`gelu_of`] left in `twice`; `density` is memory to work in.
pub fn gelu_of_vjp<S: Scalar>(x: &[S], twice: &[S], density: &mut Vec<S>, y_bar: &mut [S]) {
    let half = S::from_f64(0.5);
    let unit = (S::pi() * S::from_f64(2.0)).sqrt();
    density.clear();
    density.extend(x.iter().map(|x| -(x.square() * half)));
    S::map(Function::Exp, density);
    for (((bar, &x), &twice), &density) in y_bar.iter_mut().zip(x).zip(twice).zip(density.iter()) {
        *bar *= half * twice + x * (density / unit);
    }
}

/// `x/2 (1 + tanh t)`, `t = √(2/π) (x + 0.044715 x³)`, the approximation of the same paper; 0.044715 is the nearest f64. Evaluated as `x σ(2t)`, σ the
/// logistic function, which keeps the relative accuracy of the left tail.
pub fn gelu_tanh<S: Scalar>(x: S) -> S {
    x * logistic(S::from_f64(2.0) * tanh_argument(x))
}

/// `σ(2t) + 2 x σ(2t) σ(−2t) t'`, `t' = √(2/π) (1 + 3·0.044715 x²)`, with the names of [`gelu_tanh`].
pub fn gelu_tanh_derivative<S: Scalar>(x: S) -> S {
    let (two, c) = (S::from_f64(2.0), S::from_f64(0.044715));
    let t = two * tanh_argument(x);
    let slope = (two / S::pi()).sqrt() * (S::ONE + S::from_f64(3.0) * c * x.square());
    logistic(t) * (S::ONE + two * x * logistic(-t) * slope)
}

fn tanh_argument<S: Scalar>(x: S) -> S {
    (S::from_f64(2.0) / S::pi()).sqrt() * (x + S::from_f64(0.044715) * x.square() * x)
}

/// `σ(x) = 1/(1 + e^(−x))`. Both branches are right everywhere; the one taken does not overflow.
pub fn logistic<S: Scalar>(x: S) -> S {
    if x.value() >= 0.0 {
        S::ONE / (S::ONE + (-x).exp())
    } else {
        let e = x.exp();
        e / (S::ONE + e)
    }
}

/// 1 above 0, else 0; of a ball around 0, the hull of both.
pub fn relu_derivative<S: Scalar>(x: S) -> S {
    step(x)
}

/// `(∂/∂x, ∂/∂t)` of `soft_threshold(x, t)`: `(1, −sgn x)` where |x| > t, `(0, 0)` elsewhere.
pub fn soft_threshold_derivative<S: Scalar>(x: S, t: S) -> (S, S) {
    let (up, down) = (step(x - t), step(-x - t));
    (up + down, down - up)
}

/// 1 for x > 0, 0 for x ≤ 0, the hull of 0 and 1 where a ball cannot tell.
fn step<S: Scalar>(x: S) -> S {
    match x.sign() {
        Some(Ordering::Greater) => S::ONE,
        Some(_) => S::ZERO,
        // (|x| + x) / 2|x| would be the whole line here; the hull of the two branches is [0, 1].
        None => S::from_ball(crate::scalar::Ball::new(crate::scalar::DoubleDouble::from_f64(0.5), 0.5)),
    }
}
