//! Elementary functions of `f64` and `f32`, the same bits on every platform.
//!
//! Only `+ - * /`, the fused multiply-add, the square root, bit moves and selects: every operation is correctly rounded by IEEE 754, so the
//! result is a function of the argument alone. There is no table and (outside huge angles) no branch, so a loop over a slice vectorises; each
//! function is `inline(always)` and takes the instruction set of its caller. A sum that must not lose its last bit is carried in two words.
//!
//! Each function is one text for both formats; [`Binary`] holds what differs. The polynomials are weighted minimax fits (Lawson's
//! iteration on 120 to 160 Chebyshev points in 160-bit arithmetic), their coefficients rounded one after the other from the lowest, each time
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

// A select that the compiler does not turn into a branch, for which a loop would no longer be vectorised.
use std::hint::select_unpredictable as select;

/// `c[0] + c[1] x + c[2] x² + …`: the head last, the rest by Horner's rule in x² for its even and odd powers side by side, which is half the
/// chain of operations.
#[inline(always)]
fn polynomial<T: Binary>(x: T, c: &[T]) -> T {
    let (&head, c) = c.split_first().expect("a polynomial has coefficients");
    let square = x * x;
    let (pairs, rest) = c.as_chunks::<2>();
    let (&[a, b], pairs) = pairs.split_last().expect("a polynomial has three coefficients");
    let (mut even, mut odd) = (if let &[c] = rest { c.mul_add(square, a) } else { a }, b);
    for &[a, b] in pairs.iter().rev() {
        (even, odd) = (even.mul_add(square, a), odd.mul_add(square, b));
    }
    odd.mul_add(x, even).mul_add(x, head)
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
    let x = select(x < low, low, x);
    select(x > high, high, x)
}
