//! Dual numbers: a value and its derivative along one direction, exact in the arithmetic below (forward-mode differentiation; Clifford,
//! 1873; Wengert, CACM 7(8), 1964).
//!
//! Every function follows the chain rule `f(a + a'ε) = f(a) + f'(a) a' ε` with ε² = 0. At a kink the derivative is 0. Where a slope is
//! infinite (√ at 0 with a tangent that is not 0), the tangent is what the arithmetic of the number below makes of it: an infinity or NaN in f64, the whole line in a ball.

use super::double::assign_operators;
use super::{Ball, Scalar};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and its derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dual<S> {
    /// The value.
    pub value: S,
    /// The derivative along the direction chosen.
    pub tangent: S,
}

impl<S: Scalar> Dual<S> {
    /// A value with its derivative.
    #[inline(always)]
    pub fn new(value: S, tangent: S) -> Self {
        Dual { value, tangent }
    }
    /// A number that does not move: derivative 0.
    #[inline(always)]
    pub fn constant(value: S) -> Self {
        Dual { value, tangent: S::ZERO }
    }
    /// The variable itself: derivative 1.
    #[inline(always)]
    pub fn variable(value: S) -> Self {
        Dual { value, tangent: S::ONE }
    }
    /// A function with value `value` and slope `slope` here.
    #[inline(always)]
    fn chain(self, value: S, slope: S) -> Self {
        Dual { value, tangent: slope * self.tangent }
    }
}

impl<S: Scalar> Add for Dual<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        Dual { value: self.value + y.value, tangent: self.tangent + y.tangent }
    }
}
impl<S: Scalar> Sub for Dual<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        Dual { value: self.value - y.value, tangent: self.tangent - y.tangent }
    }
}
impl<S: Scalar> Mul for Dual<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        Dual { value: self.value * y.value, tangent: self.value * y.tangent + self.tangent * y.value }
    }
}
impl<S: Scalar> Div for Dual<S> {
    type Output = Self;
    /// `(a/b)' = (a' − (a/b) b')/b`.
    #[inline(always)]
    fn div(self, y: Self) -> Self {
        let value = self.value / y.value;
        Dual { value, tangent: (self.tangent - value * y.tangent) / y.value }
    }
}
impl<S: Scalar> Neg for Dual<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}
assign_operators!(Dual<S>, S);

impl<S: Scalar> Scalar for Dual<S> {
    const NAME: &'static str = "dual";
    const ZERO: Self = Dual { value: S::ZERO, tangent: S::ZERO };
    const ONE: Self = Dual { value: S::ONE, tangent: S::ZERO };
    const UNIT_ROUNDOFF: f64 = S::UNIT_ROUNDOFF;

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Dual::constant(S::from_f64(x))
    }
    fn from_usize(n: usize) -> Self {
        Dual::constant(S::from_usize(n))
    }
    fn from_ball(x: Ball) -> Self {
        Dual::constant(S::from_ball(x))
    }
    fn to_ball(self) -> Ball {
        self.value.to_ball()
    }
    #[inline(always)]
    fn value(self) -> f64 {
        self.value.value()
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.tangent.is_finite()
    }
    fn sign(self) -> Option<Ordering> {
        self.value.sign()
    }
    fn pi() -> Self {
        Dual::constant(S::pi())
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Dual {
            value: self.value.mul_add(b.value, c.value),
            tangent: self.value.mul_add(b.tangent, self.tangent.mul_add(b.value, c.tangent)),
        }
    }
    fn recip(self) -> Self {
        let value = self.value.recip();
        self.chain(value, -value.square())
    }
    fn square(self) -> Self {
        self.chain(self.value.square(), self.value + self.value)
    }
    /// Slope `n aⁿ⁻¹`; `a⁰` has slope 0.
    fn powi(self, n: i32) -> Self {
        let slope = match n {
            0 => S::ZERO,
            i32::MIN => S::from_f64(n as f64) * self.value.powi(n) / self.value,
            _ => S::from_f64(n as f64) * self.value.powi(n - 1),
        };
        self.chain(self.value.powi(n), slope)
    }
    /// Slope `1/(2√a)`. At 0 with tangent 0 (a constant, or the kink of √t²) the derivative is 0.
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        if self.value == S::ZERO && self.tangent == S::ZERO {
            return Dual::constant(value);
        }
        Dual { value, tangent: self.tangent / (value + value) }
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }
    /// Slope eᵃ, from its own evaluation: `expm1(a) + 1` would cancel for very negative a.
    fn expm1(self) -> Self {
        self.chain(self.value.expm1(), self.value.exp())
    }
    fn ln(self) -> Self {
        Dual { value: self.value.ln(), tangent: self.tangent / self.value }
    }
    fn log1p(self) -> Self {
        Dual { value: self.value.log1p(), tangent: self.tangent / (S::ONE + self.value) }
    }
    /// Slope `sech² a = 4q/(1 + q)²` with `q = e^(−2|a|)`, which unlike `1 − tanh²` does not cancel for large |a|.
    fn tanh(self) -> Self {
        let size = self.value.abs();
        let q = (-(size + size)).exp();
        let slope = S::from_f64(4.0) * q / (S::ONE + q).square();
        self.chain(self.value.tanh(), slope)
    }
    /// Slope `2/√π e^(−a²)`.
    fn erf(self) -> Self {
        self.chain(self.value.erf(), gaussian(self.value))
    }
    fn erfc(self) -> Self {
        self.chain(self.value.erfc(), -gaussian(self.value))
    }
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    fn abs(self) -> Self {
        match self.value.sign() {
            Some(Ordering::Greater) => self,
            Some(Ordering::Less) => -self,
            Some(Ordering::Equal) => Dual::constant(self.value.abs()),
            None => Dual { value: self.value.abs(), tangent: between(self.value, self.tangent, -self.tangent) },
        }
    }
    fn max(self, other: Self) -> Self {
        match (self.value - other.value).sign() {
            Some(Ordering::Less) => other,
            Some(_) => self,
            None => Dual { value: self.value.max(other.value), tangent: between(self.value - other.value, self.tangent, other.tangent) },
        }
    }
    fn relu(self) -> Self {
        match self.value.sign() {
            Some(Ordering::Greater) => self,
            Some(_) => Self::ZERO,
            None => Dual { value: self.value.relu(), tangent: between(self.value, self.tangent, S::ZERO) },
        }
    }
    fn soft_threshold(self, t: Self) -> Self {
        (self - t).relu() - (-self - t).relu()
    }
}

/// `2/√π e^(−a²)`.
fn gaussian<S: Scalar>(a: S) -> S {
    S::from_f64(2.0) / S::pi().sqrt() * (-a.square()).exp()
}

/// What stands for either `a` or `b` where the sign of `value` is unknown: in balls all numbers between them (also in the tangents of a
/// dual number over balls). In the plain types only a NaN leaves a sign unknown.
fn between<S: Scalar>(value: S, a: S, b: S) -> S {
    if !value.is_finite() {
        return S::from_f64(f64::NAN);
    }
    let zero_to_one = S::from_ball(Ball::ZERO.hull(Ball::ONE));
    b + (a - b) * zero_to_one
}
