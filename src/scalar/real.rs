//! `f64` and `f32` as [`Scalar`]s.

use super::{Ball, Scalar, elementary};
use std::cmp::Ordering;

macro_rules! real {
    ($t:ident, $name:literal, $nearest:ident) => {
        impl Scalar for $t {
            const NAME: &'static str = $name;
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const UNIT_ROUNDOFF: f64 = $t::EPSILON as f64 / 2.0;

            #[inline(always)]
            fn from_f64(x: f64) -> $t {
                x as $t
            }
            fn from_usize(n: usize) -> $t {
                n as $t
            }
            fn from_ball(x: Ball) -> $t {
                $nearest(x.mid().hi(), x.mid().lo())
            }
            fn to_ball(self) -> Ball {
                Ball::exact(f64::from(self))
            }
            #[inline(always)]
            fn value(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn sign(self) -> Option<Ordering> {
                self.partial_cmp(&0.0)
            }
            #[inline(always)]
            fn pi() -> $t {
                std::$t::consts::PI
            }
            #[inline(always)]
            fn mul_add(self, b: $t, c: $t) -> $t {
                $t::mul_add(self, b, c)
            }
            #[inline(always)]
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> $t {
                elementary::exp(self)
            }
            #[inline(always)]
            fn expm1(self) -> $t {
                elementary::expm1(self)
            }
            #[inline(always)]
            fn ln(self) -> $t {
                elementary::ln(self)
            }
            #[inline(always)]
            fn log1p(self) -> $t {
                elementary::log1p(self)
            }
            #[inline(always)]
            fn tanh(self) -> $t {
                elementary::tanh(self)
            }
            #[inline(always)]
            fn erf(self) -> $t {
                elementary::erf(self)
            }
            #[inline(always)]
            fn erfc(self) -> $t {
                elementary::erfc(self)
            }
            #[inline(always)]
            fn sin(self) -> $t {
                elementary::sin(f64::from(self)) as $t
            }
            #[inline(always)]
            fn cos(self) -> $t {
                elementary::cos(f64::from(self)) as $t
            }
            #[inline(always)]
            fn abs(self) -> $t {
                $t::abs(self)
            }
            #[inline(always)]
            fn max(self, other: $t) -> $t {
                // A NaN in `other` fails the comparison and must win; one in `self` fails it and is kept.
                if self >= other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn relu(self) -> $t {
                if self < 0.0 { 0.0 } else { self }
            }
            #[inline(always)]
            fn soft_threshold(self, t: $t) -> $t {
                let shrunk = self.abs() - t;
                (if shrunk < 0.0 { 0.0 } else { shrunk }).copysign(self)
            }
        }
    };
}

real!(f64, "f64", nearest_f64);
real!(f32, "f32", nearest_f32);

/// The nearest f64 to a double-double.
fn nearest_f64(hi: f64, _lo: f64) -> f64 {
    hi
}

/// The nearest f32 to a double-double, rounded once: hi + lo is first cut to 53 bits, of which the last is set if anything was lost.
fn nearest_f32(hi: f64, lo: f64) -> f32 {
    if lo == 0.0 || !lo.is_finite() || !hi.is_finite() {
        return hi as f32;
    }
    let towards_zero = (lo < 0.0) != (hi < 0.0);
    f64::from_bits((hi.to_bits() - u64::from(towards_zero)) | 1) as f32
}
