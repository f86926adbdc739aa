//! The numbers. One text of an operator runs on all of them.
//!
//! | type | what it is for |
//! |---|---|
//! | [`f64`], [`f32`] | speed, with the same bits on every platform |
//! | [`DoubleDouble`] | reference values of about 31 digits |
//! | [`Ball`] | proof: the true real number lies inside |
//! | [`Dual`] | exact forward-mode derivatives over any of the others |

mod ball;
mod bulk;
mod double;
mod dual;
pub mod elementary;
mod real;
mod text;

pub use ball::Ball;
pub use bulk::{Bulk, Function, Heads, Implicit, Part, View};
pub use double::DoubleDouble;
pub use dual::Dual;

use std::cmp::Ordering;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A number that an operator can be written in.
///
/// # Laws
/// For every implementation, up to the rounding the type states:
/// - `a + 0 = a`, `a * 1 = a`, `a - a = 0`, `a * b = b * a`, `a + b = b + a` (the last two to the bit);
/// - `from_ball(x.to_ball()) = x` to the bit (for [`Dual`]: of the value);
/// - `ln(exp(x)) = x`, `expm1(x) = exp(x) - 1`, `log1p(x) = ln(1 + x)`, `sqrt(x)² = x`, `sin² + cos² = 1`, `erf + erfc = 1`;
/// - `a.mul_add(b, c)` is rounded once in `f32` and `f64`, and encloses `a * b + c` in a [`Ball`];
/// - `soft_threshold(x, t) = relu(x - t) - relu(-x - t)` for `t >= 0`.
///
/// # Kinks and comparisons
/// [`abs`](Scalar::abs), [`max`](Scalar::max), [`relu`](Scalar::relu), [`soft_threshold`](Scalar::soft_threshold) belong to the number: a [`Dual`] takes the branch of its value,
/// with derivative 0 at the kink; a [`Ball`] returns the hull. Any other comparison goes through [`sign`](Scalar::sign), which a ball may
/// decline to answer, or, where either branch gives a right result (a pivot order, a stopping rule), through [`value`](Scalar::value).
pub trait Scalar:
    Bulk
    + Copy
    + Debug
    + Default
    + PartialEq
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// The name the tools use: `f64`, `f32`, `dd`, `ball`, `dual`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Half the distance from 1 to the next number: the unit in which rounding errors are stated.
    const UNIT_ROUNDOFF: f64;

    /// The nearest number to `x`; exact in every type but `f32`.
    fn from_f64(x: f64) -> Self;
    /// The nearest number to the count `n`; exact up to 2⁵³ (2²⁴ in `f32`).
    fn from_usize(n: usize) -> Self {
        Self::from_f64(n as f64)
    }
    /// The nearest number to the midpoint of `x`; in a ball, `x` itself.
    fn from_ball(x: Ball) -> Self;
    /// This number without loss; a dual number shows its value.
    fn to_ball(self) -> Ball;
    /// The nearest f64 to the value or midpoint. For decisions in which either branch gives a right result.
    fn value(self) -> f64;
    /// Neither NaN nor infinite; for a ball, a finite radius.
    fn is_finite(self) -> bool;
    /// The sign, or `None` where it cannot be known: a ball around zero, a NaN. The sign of exactly 0 is `Equal`.
    fn sign(self) -> Option<Ordering>;
    /// π.
    fn pi() -> Self;

    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `1 / self`.
    fn recip(self) -> Self {
        Self::ONE / self
    }
    /// `self²`; a ball knows that it is not negative.
    fn square(self) -> Self {
        self * self
    }
    /// `selfⁿ` by repeated squaring, from the highest bit of `n` down; `0⁰ = 1`.
    fn powi(self, n: i32) -> Self {
        let mut power = Self::ONE;
        for bit in (0..32 - n.unsigned_abs().leading_zeros()).rev() {
            power = power.square();
            if n.unsigned_abs() >> bit & 1 == 1 {
                power *= self;
            }
        }
        if n < 0 { power.recip() } else { power }
    }
    /// The square root; NaN (a ball: the whole line) below zero.
    fn sqrt(self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// eˣ − 1 without cancellation near 0.
    fn expm1(self) -> Self;
    /// The natural logarithm; NaN (a ball: the whole line) below zero.
    fn ln(self) -> Self;
    /// ln(1 + x) without cancellation near 0.
    fn log1p(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function 2/√π ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;
    /// 1 − erf(x) without cancellation for large x.
    fn erfc(self) -> Self;
    /// The sine of an angle in radians.
    fn sin(self) -> Self;
    /// The cosine of an angle in radians.
    fn cos(self) -> Self;

    /// |x|; derivative 0 at 0.
    fn abs(self) -> Self;
    /// The greater of the two; on a tie `self`, with the derivative of `self`. A NaN on either side gives NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller of the two; on a tie `self`. A NaN on either side gives NaN.
    fn min(self, other: Self) -> Self {
        -(-self).max(-other)
    }
    /// max(x, 0); derivative 0 at 0.
    fn relu(self) -> Self;
    /// sgn(x) max(|x| − t, 0), the proximal map of t|·|, for t ≥ 0; derivative 0 in both arguments at |x| = t.
    fn soft_threshold(self, t: Self) -> Self;
}
