//! Balls: a double-double midpoint and a radius. The true real number lies inside, always.
//!
//! Every operation returns a ball that contains all results of the exact operation on all numbers of its arguments. Its midpoint is the
//! double-double result; its radius is the propagated radii plus the rounding error of the midpoint, *computed* by error-free
//! transformations rather than bounded, so that an operation without rounding error adds nothing: integers, powers of two and exact sums
//! keep radius 0. Radii are f64 and are rounded up: a radius is summed in at most eight roundings (relative error below 9 · 2⁻⁵³) and then
//! multiplied by [`SLACK`] = 1 + 2⁻⁴⁸. What underflow may hide (at most 2⁻¹⁰⁷²) is added wherever an operand is so small that it can.
//!
//! An impossible operation (division by a ball around zero, the logarithm of a ball that reaches zero, an overflow, any NaN) gives a ball
//! of infinite radius: the whole line. Infinity and NaN in the midpoint arithmetic lead there by themselves.
//!
//! Midpoint-radius arithmetic: van der Hoeven, *Ball arithmetic*, 2009; Johansson, *Arb*, IEEE Trans. Computers 66(8), 2017.

mod functions;

use super::Scalar;
use super::double::constants::Constant;
use super::double::functions::{self as point, Field};
use super::double::{DoubleDouble, assign_operators, raw_product, raw_sum};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// All real numbers within `rad` of `mid`.
#[derive(Clone, Copy, Debug)]
pub struct Ball {
    mid: DoubleDouble,
    /// Never negative, never NaN; infinite for the whole line (the midpoint then means nothing).
    rad: f64,
}

/// Covers the roundings in which a radius is summed.
pub(super) const SLACK: f64 = 1.0 + 1.0 / ((1u64 << 48) as f64);
/// What underflow may hide in one product and its radius: fewer than eight roundings of 2⁻¹⁰⁷⁵.
const HIDDEN: f64 = f64::from_bits(4);
/// 2⁻⁴⁸⁰: products of numbers at least this large do not underflow below 2⁻⁹⁶⁰, where they would cease to be exact.
const TAME: f64 = f64::from_bits((1023 - 480) << 52);

#[inline(always)]
fn wild(x: f64) -> bool {
    (x != 0.0) & (x.abs() < TAME)
}

impl Ball {
    /// All real numbers.
    pub const WHOLE: Ball = Ball { mid: DoubleDouble { hi: f64::NAN, lo: 0.0 }, rad: f64::INFINITY };

    /// The numbers within `rad` of `mid`; the whole line if `mid` or `rad` is not finite or `rad` is negative.
    #[inline(always)]
    pub fn new(mid: DoubleDouble, rad: f64) -> Ball {
        Ball { mid, rad: if mid.is_finite() & (rad >= 0.0) { rad } else { f64::INFINITY } }
    }
    /// One number.
    #[inline(always)]
    pub fn exact(x: f64) -> Ball {
        Ball::new(DoubleDouble { hi: x, lo: 0.0 }, 0.0)
    }
    /// From a radius in the making: rounded up, and infinite where it is NaN.
    #[inline(always)]
    fn close(mid: DoubleDouble, rad: f64) -> Ball {
        let rad = rad * SLACK;
        Ball { mid, rad: if (rad < f64::INFINITY) & (mid.lo.abs() < f64::INFINITY) { rad } else { f64::INFINITY } }
    }
    /// The midpoint.
    #[inline(always)]
    pub fn mid(self) -> DoubleDouble {
        self.mid
    }
    /// The radius; infinite for the whole line.
    #[inline(always)]
    pub fn rad(self) -> f64 {
        self.rad
    }
    /// Nothing is known: the radius is infinite.
    #[inline(always)]
    pub fn is_whole(self) -> bool {
        self.rad == f64::INFINITY
    }
    /// The same midpoint, a radius greater by `by`.
    #[inline(always)]
    pub fn widen(self, by: f64) -> Ball {
        Ball::close(self.mid, if by >= 0.0 { self.rad + by } else { f64::INFINITY })
    }
    /// The greatest f64 that is surely at most every number of the ball, or one step below it.
    pub fn lower(self) -> f64 {
        -(-self).upper()
    }
    /// The smallest f64 that is surely at least every number of the ball, or one step above it.
    pub fn upper(self) -> f64 {
        if self.is_whole() {
            return f64::INFINITY;
        }
        let (end, error) = raw_sum(self.mid, DoubleDouble { hi: self.rad, lo: 0.0 });
        if end.lo + error * SLACK > 0.0 || end.lo.is_nan() { end.hi.next_up() } else { end.hi }
    }
    /// An upper bound of the magnitude of every number of the ball.
    pub fn magnitude(self) -> f64 {
        let (low, high) = (-self.lower(), self.upper());
        if low > high { low } else { high }
    }
    /// A lower bound of the magnitude of every number of the ball; 0 if 0 is one of them.
    pub fn mignitude(self) -> f64 {
        let (low, high) = (self.lower(), -self.upper());
        let least = if low > high { low } else { high };
        if least > 0.0 { least } else { 0.0 }
    }
    /// `x` is in the ball.
    pub fn contains(self, x: f64) -> bool {
        self.contains_double(DoubleDouble { hi: x, lo: 0.0 })
    }
    /// `x` is in the ball.
    pub fn contains_double(self, x: DoubleDouble) -> bool {
        self.contains_ball(&Ball { mid: x, rad: 0.0 })
    }
    /// Every number of `inner` is in this ball: `|mid − mid'| + rad' ≤ rad`, decided exactly.
    pub fn contains_ball(self, inner: &Ball) -> bool {
        let (m, n) = (self.mid, inner.mid);
        self.is_whole()
            || !inner.is_whole()
                && n.is_finite()
                && sign_of_sum(&[n.hi, n.lo, -m.hi, -m.lo, inner.rad, -self.rad]).is_le()
                && sign_of_sum(&[m.hi, m.lo, -n.hi, -n.lo, inner.rad, -self.rad]).is_le()
    }
    /// The two balls have a number in common.
    pub fn overlaps(self, other: &Ball) -> bool {
        let (m, n) = (self.mid, other.mid);
        self.is_whole()
            || other.is_whole()
            || sign_of_sum(&[n.hi, n.lo, -m.hi, -m.lo, -other.rad, -self.rad]).is_le()
                && sign_of_sum(&[m.hi, m.lo, -n.hi, -n.lo, -other.rad, -self.rad]).is_le()
    }
    /// A ball around both.
    pub fn hull(self, other: Ball) -> Ball {
        if self.contains_ball(&other) {
            return self;
        }
        if other.contains_ball(&self) {
            return other;
        }
        // The midpoint lies between the outer ends: (m + n)/2 moved towards the ball with the greater radius.
        let (low, high) = if self.mid <= other.mid { (self, other) } else { (other, self) };
        let mid = (low.mid + high.mid).scale(0.5) + DoubleDouble { hi: (high.rad - low.rad) * 0.5, lo: 0.0 };
        let reach = |b: Ball| (b - Ball::new(mid, 0.0)).size();
        let (low, high) = (reach(low), reach(high));
        Ball::close(mid, if low > high { low } else { high })
    }
    /// How many decimal digits are certain: `log₁₀(|mid| / rad)`; infinite for an exact number, 0 for a ball around zero.
    pub fn digits(self) -> f64 {
        let size = self.mid.hi.abs();
        if self.rad == 0.0 {
            f64::INFINITY
        } else if size > self.rad {
            (Scalar::ln(size) - Scalar::ln(self.rad)) / Scalar::ln(10.0f64)
        } else {
            0.0
        }
    }
    /// The f64 nearest to the true number (ties to even), if the ball decides it.
    pub fn round_f64(self) -> Option<f64> {
        let c = self.mid.hi;
        let (up, down) = (c.next_up() - c, c - c.next_down());
        let (up, down) = if c == f64::MAX {
            (down, down)
        } else if c == f64::MIN {
            (up, up)
        } else {
            (up, down)
        };
        (!self.is_whole() && self.rounds_to(c, up, down, c.to_bits() & 1 == 0)).then_some(c)
    }
    /// The f32 nearest to the true number (ties to even), if the ball decides it.
    pub fn round_f32(self) -> Option<f32> {
        let c = self.mid.hi as f32;
        if self.is_whole() || !c.is_finite() {
            return None;
        }
        // Where the leading part is the midpoint of two f32, the trailing part decides: try the neighbours too.
        [c, c.next_up(), c.next_down()].into_iter().filter(|c| c.is_finite()).find(|&c| {
            let (up, down) = (c.next_up() as f64 - c as f64, c as f64 - c.next_down() as f64);
            let (up, down) = if c == f32::MAX {
                (down, down)
            } else if c == f32::MIN {
                (up, up)
            } else {
                (up, down)
            };
            self.rounds_to(c as f64, up, down, c.to_bits() & 1 == 0)
        })
    }
    /// Every number of the ball lies nearer to `c` than to its neighbours at the distances `up` and `down`; as near only if `c` is even.
    fn rounds_to(self, c: f64, up: f64, down: f64, even: bool) -> bool {
        let (m, r) = (self.mid, self.rad);
        // 2 (m + r − c) against up; doubling is repetition, so that nothing overflows or underflows.
        let above = sign_of_sum(&[m.hi, m.hi, m.lo, m.lo, r, r, -c, -c, -up]);
        let below = sign_of_sum(&[-m.hi, -m.hi, -m.lo, -m.lo, r, r, c, c, -down]);
        let near = |sign: Ordering| sign == Ordering::Less || even && sign == Ordering::Equal;
        near(above) && near(below)
    }
    /// An upper bound of the magnitude, quickly: within a few units of 2⁻⁴⁸ of the least.
    #[inline(always)]
    pub(super) fn size(self) -> f64 {
        (self.mid.hi.abs() + self.rad) * SLACK
    }
    /// A lower bound of the magnitude, quickly; not positive if 0 may be in the ball, NaN for the whole line.
    #[inline(always)]
    pub(super) fn least(self) -> f64 {
        self.mid.hi.abs() * (2.0 - SLACK) - self.rad * SLACK
    }
    /// All numbers from 0 to `end`.
    fn from_zero_to(end: f64) -> Ball {
        // Half of an odd subnormal is not a number: go one further.
        let half = if end * 0.5 * 2.0 == end { end * 0.5 } else { end.next_up() * 0.5 };
        Ball::new(DoubleDouble { hi: half, lo: 0.0 }, half)
    }
}

/// The sign of an exact sum of finite numbers: fixed-point addition over the whole range of f64, in digits of 32 bits.
fn sign_of_sum(terms: &[f64]) -> Ordering {
    let mut digits = [0i64; 67];
    for term in terms {
        let (bits, sign) = (term.to_bits(), if *term < 0.0 { -1 } else { 1 });
        let exponent = bits >> 52 & 0x7ff;
        let mantissa = bits & ((1 << 52) - 1) | ((exponent > 0) as u64) << 52;
        let position = exponent.max(1) as usize - 1;
        let placed = (mantissa as u128) << (position % 32);
        for (k, digit) in digits[position / 32..][..3].iter_mut().enumerate() {
            *digit += sign * (placed >> (32 * k) & 0xffff_ffff) as i64;
        }
    }
    let (mut carry, mut zero) = (0, true);
    for digit in digits {
        let total = digit + carry;
        zero &= total & 0xffff_ffff == 0;
        carry = total >> 32;
    }
    if carry < 0 {
        Ordering::Less
    } else if zero {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

impl PartialEq for Ball {
    /// The same set of numbers.
    fn eq(&self, other: &Ball) -> bool {
        self.rad == other.rad && (self.mid == other.mid || self.is_whole())
    }
}
impl Default for Ball {
    fn default() -> Ball {
        Ball::ZERO
    }
}

impl Add for Ball {
    type Output = Ball;
    #[inline(always)]
    fn add(self, y: Ball) -> Ball {
        let (mid, lost) = raw_sum(self.mid, y.mid);
        Ball::close(mid, (self.rad + y.rad) + lost)
    }
}
impl Sub for Ball {
    type Output = Ball;
    #[inline(always)]
    fn sub(self, y: Ball) -> Ball {
        self + -y
    }
}
impl Neg for Ball {
    type Output = Ball;
    #[inline(always)]
    fn neg(self) -> Ball {
        Ball { mid: -self.mid, rad: self.rad }
    }
}

/// Midpoint and unrounded radius of a product.
#[inline(always)]
fn product(x: Ball, y: Ball) -> (DoubleDouble, f64) {
    let (mid, lost) = raw_product(x.mid, y.mid);
    let spread = (x.mid.hi.abs() * y.rad + y.mid.hi.abs() * x.rad) + x.rad * y.rad;
    let small = wild(x.mid.hi) | wild(x.mid.lo) | wild(x.rad) | wild(y.mid.hi) | wild(y.mid.lo) | wild(y.rad);
    (mid, (spread + lost) + if small { HIDDEN } else { 0.0 })
}
impl Mul for Ball {
    type Output = Ball;
    #[inline(always)]
    fn mul(self, y: Ball) -> Ball {
        let (mid, rad) = product(self, y);
        Ball::close(mid, rad)
    }
}
impl Div for Ball {
    type Output = Ball;
    /// With q the quotient of the midpoints, `x/y − q = (x − q y)/y`: the residual is enclosed and divided by the least |y|.
    #[inline(always)]
    fn div(self, y: Ball) -> Ball {
        let q = self.mid / y.mid;
        let (qy, rad) = product(Ball { mid: q, rad: 0.0 }, y);
        let residual = self - Ball::close(qy, rad);
        let (size, least) = (residual.size(), y.least());
        let rad = size / least * SLACK;
        Ball::close(
            q,
            if least <= 0.0 || least.is_nan() || !q.is_finite() {
                f64::INFINITY
            } else if size == 0.0 {
                0.0
            } else {
                rad + HIDDEN
            },
        )
    }
}
assign_operators!(Ball);

impl Field for Ball {
    #[inline(always)]
    fn exactly(x: DoubleDouble) -> Ball {
        Ball::new(x, 0.0)
    }
    #[inline(always)]
    fn constant(c: &Constant) -> Ball {
        Ball { mid: DoubleDouble { hi: c.hi, lo: c.lo }, rad: c.rest }
    }
    #[inline(always)]
    fn widened(self, by: f64) -> Ball {
        self.widen(by)
    }
    fn overflow() -> Ball {
        Ball::WHOLE
    }
    #[inline(always)]
    fn size(self) -> f64 {
        Ball::size(self)
    }
    fn expm1_of(self) -> Ball {
        functions::expm1(self)
    }
    fn ln_of(self) -> Ball {
        functions::ln(self)
    }
}

impl Scalar for Ball {
    const NAME: &'static str = "ball";
    const ZERO: Ball = Ball { mid: DoubleDouble::ZERO, rad: 0.0 };
    const ONE: Ball = Ball { mid: DoubleDouble::ONE, rad: 0.0 };
    /// That of the midpoints, 2⁻¹⁰⁴.
    const UNIT_ROUNDOFF: f64 = DoubleDouble::UNIT_ROUNDOFF;

    #[inline(always)]
    fn from_f64(x: f64) -> Ball {
        Ball::exact(x)
    }
    fn from_usize(n: usize) -> Ball {
        Ball::new(DoubleDouble::from_usize(n), 0.0)
    }
    fn from_ball(x: Ball) -> Ball {
        x
    }
    fn to_ball(self) -> Ball {
        self
    }
    #[inline(always)]
    fn value(self) -> f64 {
        self.mid.hi
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.rad < f64::INFINITY
    }
    fn sign(self) -> Option<Ordering> {
        if self.rad == 0.0 {
            return self.mid.sign();
        }
        let rad = DoubleDouble { hi: self.rad, lo: 0.0 };
        if self.mid > rad {
            Some(Ordering::Greater)
        } else if self.mid < -rad {
            Some(Ordering::Less)
        } else {
            None
        }
    }
    fn pi() -> Ball {
        Ball::constant(&super::double::constants::PI)
    }
    #[inline(always)]
    fn mul_add(self, b: Ball, c: Ball) -> Ball {
        let (mid, rad) = product(self, b);
        let (mid, lost) = raw_sum(mid, c.mid);
        Ball::close(mid, rad + (c.rad + lost))
    }
    /// `m² ± r (2 |m| + r)`, and never below zero.
    #[inline(always)]
    fn square(self) -> Ball {
        let (mid, rad) = product(self, self);
        let square = Ball::close(mid, rad);
        if mid < (DoubleDouble { hi: square.rad, lo: 0.0 }) { Ball::from_zero_to(square.upper()) } else { square }
    }
    fn sqrt(self) -> Ball {
        functions::sqrt(self)
    }
    fn exp(self) -> Ball {
        functions::exp(self)
    }
    fn expm1(self) -> Ball {
        functions::expm1(self)
    }
    fn ln(self) -> Ball {
        functions::ln(self)
    }
    fn log1p(self) -> Ball {
        functions::log1p(self)
    }
    fn tanh(self) -> Ball {
        functions::tanh(self)
    }
    fn erf(self) -> Ball {
        functions::erf(self)
    }
    fn erfc(self) -> Ball {
        functions::erfc(self)
    }
    fn sin(self) -> Ball {
        functions::sin_cos(self).0
    }
    fn cos(self) -> Ball {
        functions::sin_cos(self).1
    }
    fn abs(self) -> Ball {
        match self.sign() {
            Some(Ordering::Less) => -self,
            Some(_) => self,
            None if self.is_whole() => self,
            None => Ball::from_zero_to(self.magnitude()),
        }
    }
    fn max(self, other: Ball) -> Ball {
        match (self - other).sign() {
            Some(Ordering::Less) => other,
            Some(_) => self,
            // Between the greater lower end and the greater upper end.
            None => {
                let end = |b: Ball, rad: f64| Ball { rad: 0.0, ..b } + Ball::exact(rad);
                let (low, other_low) = (end(self, -self.rad), end(other, -other.rad));
                let low = if low.mid < other_low.mid { other_low } else { low };
                low.hull(end(self, self.rad)).hull(end(other, other.rad))
            }
        }
    }
    fn relu(self) -> Ball {
        match self.sign() {
            Some(Ordering::Greater) => self,
            Some(_) => Ball::ZERO,
            None if self.is_whole() => self,
            None => Ball::from_zero_to(self.upper()),
        }
    }
    fn soft_threshold(self, t: Ball) -> Ball {
        (self - t).relu() - (-self - t).relu()
    }
}
