//! Elementary functions of `f64` and `f32`, the same bits on every platform.
//!
//! Only `+ - * /`, the fused multiply-add, the square root, bit moves and selects: every operation is correctly rounded by IEEE 754, so the
//! result is a function of the argument alone. There is no table and (outside huge angles) no branch, so a loop over a slice vectorises; each
//! function is `inline(always)` and takes the instruction set of its caller. A sum that must not lose its last bit is carried in two words.
//!
//! Each function is one text for both formats; [`Binary`] holds what differs. The polynomials are weighted minimax fits (Lawson's
//! iteration on 160 Chebyshev points in 160-bit arithmetic), their coefficients rounded one after the other from the lowest, each time
//! refitting the rest.

mod erf;
mod exp;
mod format;
mod ln;
mod trig;

pub use erf::{erf, erfc};
pub use exp::{exp, expm1, tanh};
pub use format::Binary;
pub use ln::{ln, log1p};
pub use trig::{cos, cos_each, sin, sin_each};

/// `c[0] + c[1] x + c[2] x² + …` by Horner's rule.
#[inline(always)]
fn polynomial<T: Binary>(x: T, c: &[T]) -> T {
    let (last, rest) = c.split_last().expect("a polynomial has a coefficient");
    rest.iter().rev().fold(*last, |p, &c| p.mul_add(x, c))
}

/// `a + b` as the rounded sum and its exact error (Knuth).
#[inline(always)]
fn two_sum<T: Binary>(a: T, b: T) -> (T, T) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// [`two_sum`] for `|a| ≥ |b|` or `a = 0` (Dekker).
#[inline(always)]
fn fast_two_sum<T: Binary>(a: T, b: T) -> (T, T) {
    let s = a + b;
    (s, b - (s - a))
}

/// `x` moved into `[low, high]`; a NaN stays.
#[inline(always)]
fn clamp<T: Binary>(x: T, low: T, high: T) -> T {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}
