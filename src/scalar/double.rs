//! Double-double numbers: the unevaluated sum of two f64, about 31 decimal digits.
//!
//! With `u = 2⁻⁵³`, relative error of each operation, barring overflow, and the absolute error that underflow may add:
//!
//! | operation | relative | absolute | source |
//! |---|---|---|---|
//! | `+`, `−` | 3u² / (1 − 4u) | 0 | Joldes, Muller, Popescu, ACM TOMS 44(2), 2017, Algorithm 6 and Theorem 3.1 |
//! | `×` | 5u² | 2⁻¹⁰⁷² | the same, Algorithm 10; bound of Muller, Rideau, ACM TOMS 48(1), 2022 |
//! | `÷` | 15u² + 56u³ | 2⁻¹⁰⁷² (1 + 1/abs(y)) | the same, Algorithm 17 |
//! | `√` | 25/8 u² | 0 | Lefèvre, Louvet, Muller, Picot, Rideau, ACM TOMS 49(1), 2023, Algorithm 8 |
//!
//! `UNIT_ROUNDOFF` is 2⁻¹⁰⁴ = 4u²: the bounds above are 0.75, 1.25, 3.75 and 0.79 of it. A result that overflows is infinite, never
//! a pair with a stray NaN.

mod angle;
pub(super) mod constants;
pub(super) mod functions;

use super::{Ball, Scalar};
use functions::Field;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `+=` and its kin, from `+` and its kin.
macro_rules! assign_operators {
    ([$($bound:ident)?] $type:ty: $trait:ident $method:ident $op:tt) => {
        impl$(<$bound: crate::scalar::Scalar>)? std::ops::$trait for $type {
            #[inline(always)]
            fn $method(&mut self, y: Self) {
                *self = *self $op y;
            }
        }
    };
    ($type:ty $(, $bound:ident)?) => {
        crate::scalar::double::assign_operators!([$($bound)?] $type: AddAssign add_assign +);
        crate::scalar::double::assign_operators!([$($bound)?] $type: SubAssign sub_assign -);
        crate::scalar::double::assign_operators!([$($bound)?] $type: MulAssign mul_assign *);
        crate::scalar::double::assign_operators!([$($bound)?] $type: DivAssign div_assign /);
    };
}
pub(super) use assign_operators;

/// An unevaluated sum `hi + lo` of two f64 with `hi = RN(hi + lo)`. Infinite and NaN values carry `lo = 0`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DoubleDouble {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

/// `a + b` as its rounded value and its rounding error, exactly (Knuth; Møller, 1965). Six operations.
#[inline(always)]
pub(crate) const fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let b_part = s - a;
    (s, (a - (s - b_part)) + (b - b_part))
}

/// The same for `|a| ≥ |b|` or `a = 0` (Dekker, 1971). Three operations.
#[inline(always)]
pub(crate) const fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    (s, b - (s - a))
}

/// `a b` as its rounded value and its rounding error; exact unless the error falls below 2⁻¹⁰⁷⁴, which needs `|a b| < 2⁻⁹⁶⁸`.
#[inline(always)]
pub(crate) fn two_prod(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    (p, a.mul_add(b, -p))
}

/// The sum as a pair, before infinities are cleaned up, and `|pair − (x + y)|` as a sum of two magnitudes: exact, because the two
/// roundings that are dropped are themselves computed without error.
#[inline(always)]
pub(super) fn raw_sum(x: DoubleDouble, y: DoubleDouble) -> (DoubleDouble, f64) {
    let (sh, sl) = two_sum(x.hi, y.hi);
    let (th, tl) = two_sum(x.lo, y.lo);
    let (c, lost_c) = two_sum(sl, th);
    let (vh, vl) = fast_two_sum(sh, c);
    let (w, lost_w) = two_sum(tl, vl);
    let (hi, lo) = fast_two_sum(vh, w);
    (DoubleDouble { hi, lo }, lost_c.abs() + lost_w.abs())
}

/// The product as a pair, before infinities are cleaned up, and the magnitudes of everything that was dropped, summed: to within six
/// roundings an upper bound of the error, and zero when nothing was dropped. Underflow may hide up to 2⁻¹⁰⁷² more.
#[inline(always)]
pub(super) fn raw_product(x: DoubleDouble, y: DoubleDouble) -> (DoubleDouble, f64) {
    let (p, e) = two_prod(x.hi, y.hi);
    let (t1, lost_1) = two_prod(x.hi, y.lo);
    let (t2, lost_2) = two_prod(x.lo, y.hi);
    let (s, lost_s) = two_sum(t1, t2);
    let (c, lost_c) = two_sum(e, s);
    let (hi, lo) = fast_two_sum(p, c);
    let lost = (lost_c.abs() + lost_s.abs()) + (lost_1.abs() + lost_2.abs()) + (x.lo * y.lo).abs();
    (DoubleDouble { hi, lo }, lost)
}

/// 2⁻⁷⁰⁰ and 2²⁰⁰, for the square root.
const TINY: f64 = f64::from_bits((1023 - 700) << 52);
const ROOM: f64 = f64::from_bits((1023 + 200) << 52);

impl DoubleDouble {
    /// `hi + lo`, rounded to a normalised pair (exactly, unless `hi + lo` overflows).
    #[inline(always)]
    pub fn new(hi: f64, lo: f64) -> Self {
        Self::from_sum(hi, lo)
    }
    /// The exact sum of two f64.
    #[inline(always)]
    pub fn from_sum(a: f64, b: f64) -> Self {
        let (hi, lo) = two_sum(a, b);
        DoubleDouble { hi, lo }.or(hi)
    }
    /// The exact product of two f64 (to within 2⁻¹⁰⁷⁴ where it is below 2⁻⁹⁶⁸).
    #[inline(always)]
    pub fn from_product(a: f64, b: f64) -> Self {
        let (hi, lo) = two_prod(a, b);
        DoubleDouble { hi, lo }.or(hi)
    }
    /// The leading part, which is the nearest f64.
    #[inline(always)]
    pub fn hi(self) -> f64 {
        self.hi
    }
    /// The trailing part, at most half an ulp of the leading one.
    #[inline(always)]
    pub fn lo(self) -> f64 {
        self.lo
    }
    /// This pair if it is finite; else what f64 arithmetic gave (infinity or NaN) for its leading part.
    #[inline(always)]
    fn or(self, plain: f64) -> Self {
        let sound = self.lo.abs() < f64::INFINITY;
        let overflow = if self.hi.is_nan() { plain } else { self.hi };
        DoubleDouble { hi: if sound { self.hi } else { overflow }, lo: if sound { self.lo } else { 0.0 } }
    }
    /// `self · 2ᵏ` for a power of two given as a number; exact unless it underflows.
    #[inline(always)]
    pub(crate) fn scale(self, power: f64) -> Self {
        DoubleDouble { hi: self.hi * power, lo: self.lo * power }
    }
}

impl From<f64> for DoubleDouble {
    fn from(x: f64) -> Self {
        DoubleDouble { hi: x, lo: 0.0 }
    }
}
impl PartialOrd for DoubleDouble {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.hi.partial_cmp(&other.hi)? {
            Ordering::Equal => self.lo.partial_cmp(&other.lo),
            unequal => Some(unequal),
        }
    }
}

impl Add for DoubleDouble {
    type Output = Self;
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        raw_sum(self, y).0.or(self.hi + y.hi)
    }
}
impl Sub for DoubleDouble {
    type Output = Self;
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        self + -y
    }
}
impl Mul for DoubleDouble {
    type Output = Self;
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        raw_product(self, y).0.or(self.hi * y.hi)
    }
}
impl Div for DoubleDouble {
    type Output = Self;
    #[inline(always)]
    fn div(self, y: Self) -> Self {
        let q = self.hi / y.hi;
        // r = q y as a pair (JMP, Algorithm 9); the difference of the leading parts is exact.
        let (p, e) = two_prod(y.hi, q);
        let (rh, rl) = fast_two_sum(p, y.lo.mul_add(q, e));
        let correction = ((self.hi - rh) + (self.lo - rl)) / y.hi;
        let (hi, lo) = fast_two_sum(q, correction);
        DoubleDouble { hi, lo }.or(q)
    }
}
impl Neg for DoubleDouble {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        DoubleDouble { hi: -self.hi, lo: -self.lo }
    }
}
assign_operators!(DoubleDouble);

impl Scalar for DoubleDouble {
    const NAME: &'static str = "dd";
    const ZERO: Self = DoubleDouble { hi: 0.0, lo: 0.0 };
    const ONE: Self = DoubleDouble { hi: 1.0, lo: 0.0 };
    /// 2⁻¹⁰⁴.
    const UNIT_ROUNDOFF: f64 = 1.0 / ((1u128 << 104) as f64);

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        DoubleDouble { hi: x, lo: 0.0 }
    }
    /// Exact for every count.
    fn from_usize(n: usize) -> Self {
        let (high, low) = (n as u64 >> 32, n as u64 & 0xffff_ffff);
        DoubleDouble::from_sum(high as f64 * 4294967296.0, low as f64)
    }
    fn from_ball(x: Ball) -> Self {
        x.mid()
    }
    fn to_ball(self) -> Ball {
        Ball::new(self, 0.0)
    }
    #[inline(always)]
    fn value(self) -> f64 {
        self.hi
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.hi.is_finite()
    }
    fn sign(self) -> Option<Ordering> {
        self.hi.partial_cmp(&0.0)
    }
    fn pi() -> Self {
        Self::constant(&constants::PI)
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // Tiny numbers are scaled by an even power of two, so that the residual does not underflow.
        let (up, down) = if self.hi < TINY { (ROOM * ROOM, 1.0 / ROOM) } else { (1.0, 1.0) };
        let x = self.scale(up);
        let s = x.hi.sqrt();
        let residual = (-s).mul_add(s, x.hi);
        let (hi, lo) = fast_two_sum(s, (x.lo + residual) / (2.0 * s));
        DoubleDouble { hi, lo }.or(s).scale(down)
    }
    fn exp(self) -> Self {
        functions::exp(self)
    }
    fn expm1(self) -> Self {
        functions::expm1(self)
    }
    fn ln(self) -> Self {
        functions::ln(self)
    }
    fn log1p(self) -> Self {
        functions::log1p(self)
    }
    fn tanh(self) -> Self {
        functions::tanh(self)
    }
    fn erf(self) -> Self {
        functions::error_functions::<Self>(self).0
    }
    fn erfc(self) -> Self {
        functions::error_functions::<Self>(self).1
    }
    fn sin(self) -> Self {
        functions::sin_cos::<Self>(self).0
    }
    fn cos(self) -> Self {
        functions::sin_cos::<Self>(self).1
    }
    #[inline(always)]
    fn abs(self) -> Self {
        if self.hi < 0.0 || (self.hi == 0.0 && self.hi.is_sign_negative()) { -self } else { self }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self >= other || self.hi.is_nan() { self } else { other }
    }
    #[inline(always)]
    fn relu(self) -> Self {
        if self.hi <= 0.0 { Self::ZERO } else { self }
    }
    #[inline(always)]
    fn soft_threshold(self, t: Self) -> Self {
        (self - t).relu() - (-self - t).relu()
    }
}
