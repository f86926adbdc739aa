//! The true value, enclosed with full relative accuracy even where it is a subnormal or overflows, and the error against it.

use super::Function;
use crate::scalar::{Ball, Scalar};

/// A binary format: its digits, the exponent of its smallest normal number, its greatest number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Format {
    digits: i32,
    least: i32,
    greatest: f64,
}

impl Format {
    /// `f64`.
    pub const F64: Format = Format { digits: 53, least: -1022, greatest: f64::MAX };
    /// `f32`.
    pub const F32: Format = Format { digits: 24, least: -126, greatest: f32::MAX as f64 };
}

/// An upper bound of the error of `y` as the value of a function at `x`, in ulps of the format.
pub fn ulps(y: f64, function: &Function, x: f64, format: Format) -> f64 {
    let (truth, shift) = enclosure(function, x);
    let value = truth.mid().hi();
    // A zero has the sign of the value that it stands for; the zeros of these functions are at 0, with the sign of 0.
    let negative = if value == 0.0 { x.is_sign_negative() && function.keeps_zero() } else { value < 0.0 };
    if y.is_nan() || !value.is_finite() || (y == 0.0 && y.is_sign_negative() != negative) {
        return f64::INFINITY;
    }
    if y.is_infinite() {
        // Infinity is right from half an ulp above the greatest number on.
        let first = scale(format.greatest, shift) * (1.0 + scale(1.0, -format.digits - 1));
        let beyond = if y > 0.0 { truth.lower() >= first } else { truth.upper() <= -first };
        return if beyond { 0.0 } else { f64::INFINITY };
    }
    let exponent = if value == 0.0 { format.least } else { exponent(value) - shift };
    let last = (if exponent > format.least { exponent } else { format.least }) - format.digits + 1;
    (Ball::exact(scale(y, shift)) - truth).magnitude() / scale(1.0, last + shift)
}

/// A ball around f(x) 2ᵏ, and k, chosen so that the ball is far from the subnormal numbers and from overflow.
fn enclosure(function: &Function, x: f64) -> (Ball, i32) {
    let ball = Ball::exact(x);
    let ln_2 = Ball::exact(2.0).ln();
    let scaled_exp = |argument: Ball, k: i32| (argument + ln_2 * Ball::exact(f64::from(k))).exp();
    match function.name {
        // f(x) = c x (1 + δ), |δ| ≤ |x| < 2⁻²⁰⁰
        "sin" | "tanh" | "expm1" | "log1p" | "erf" if x != 0.0 && x.abs() < scale(1.0, -200) => {
            let slope = if function.name == "erf" { Ball::exact(2.0) / Ball::pi().sqrt() } else { Ball::ONE };
            let value = Ball::exact(scale(x, 600)) * slope;
            (value.widen(value.magnitude() * scale(1.0, -200)), 600)
        }
        "exp" if x.abs() > 600.0 => {
            let k = if x < 0.0 { 1000 } else { -1000 };
            (scaled_exp(ball, k), k)
        }
        // e^x − 1 = e^x (1 − e^−x), e^−600 < 2⁻⁸⁰⁰
        "expm1" if x > 600.0 => {
            let value = scaled_exp(ball, -1000);
            (value.widen(value.magnitude() * scale(1.0, -800)), -1000)
        }
        "erfc" if x > 25.0 => {
            // e^(−x²)/(x √π) Σ (−1)ⁿ (2n−1)!! / (2x²)ⁿ, whose remainder is smaller than the first term left out.
            let step = Ball::ONE / (Ball::exact(-2.0) * ball.square());
            let (mut sum, mut term) = (Ball::ZERO, Ball::ONE);
            for n in 0..24 {
                sum += term;
                term = term * step * Ball::exact(f64::from(2 * n + 1));
            }
            (scaled_exp(-ball.square(), 1000) / (ball * Ball::pi().sqrt()) * sum.widen(term.magnitude()), 1000)
        }
        _ => ((function.in_ball)(ball), 0),
    }
}

/// The e with 2^e ≤ |x| < 2^(e+1), for a normal number.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52 & 0x7ff) as i32 - 1023
}

/// x 2ᵏ, exact wherever the result is a normal number.
fn scale(x: f64, k: i32) -> f64 {
    let power = |k: i32| f64::from_bits(((1023 + k) as u64) << 52);
    let third = k / 3;
    x * power(third) * power(third) * power(k - 2 * third)
}
