//! The exponential and what is made of it: e^x, e^x − 1, tanh.
//!
//! x = n ln 2 + r with |r| ≤ ½ ln 2, r in two words (the first step of the reduction is exact, because the product is fused); then
//! e^r = 1 + r + r² q(r), the first sum again in two words.

use super::{Binary, clamp, fast_two_sum, polynomial, select, two_sum};

/// n + [`Binary::ROUND`] and r in two words.
#[inline(always)]
fn reduce<T: Binary>(x: T) -> (T, T, T) {
    let k = x.mul_add(T::LOG2_E, T::ROUND);
    let n = -(k - T::ROUND);
    let rough = n.mul_add(T::LN_2[0], x);
    let r = n.mul_add(T::LN_2[1], rough);
    (k, r, n.mul_add(T::LN_2[1], rough - r))
}

/// e^x = 2ⁿ (a + b) as n + [`Binary::ROUND`], a = 1 + r, and b; no overflow where n is within twice the range of the exponents.
#[inline(always)]
pub(super) fn exp_words<T: Binary>(x: T) -> (T, T, T) {
    let (k, r, low) = reduce(x);
    let (a, b) = fast_two_sum(T::of(1.0), r);
    (k, a, (r * r).mul_add(polynomial(r, T::EXP), low.mul_add(a, b)))
}

/// e^x.
#[inline(always)]
pub fn exp<T: Binary>(x: T) -> T {
    let (k, a, b) = exp_words(clamp(x, T::EXP_RANGE[0], T::EXP_RANGE[1]));
    (a + b).scale(k)
}

/// (e^x − 1)/2 in two words: half, lest the largest overflow.
#[inline(always)]
fn half_expm1<T: Binary>(x: T) -> (T, T) {
    let (k, r, low) = reduce(x);
    let scale = (k - T::of(1.0)).power_of_two();
    let b = (r * r).mul_add(polynomial(r, T::EXP), r.mul_add(low, low));
    let (one, one_low) = fast_two_sum(scale, T::of(-0.5));
    let (s, e) = two_sum(one, scale * r);
    (s, scale.mul_add(b, e + one_low))
}

/// e^x − 1.
#[inline(always)]
pub fn expm1<T: Binary>(x: T) -> T {
    let (s, e) = half_expm1(clamp(x, T::EXPM1_LEAST, T::EXP_RANGE[1]));
    select(x.abs() < T::TINY, x, (s + e) * T::of(2.0))
}

/// The hyperbolic tangent h / (h + 1) with h = (e^(2|x|) − 1)/2, under the sign of x; h, h + 1 and the quotient in two words.
#[inline(always)]
pub fn tanh<T: Binary>(x: T) -> T {
    let y = clamp(x.abs(), T::of(0.0), T::TANH_MOST);
    let (s, e) = half_expm1(y + y);
    let (h, h_low) = fast_two_sum(s, e);
    let (d, d_low) = two_sum(h, T::of(1.0));
    let inverse = T::of(1.0) / d;
    let q = h * inverse;
    let rest = (-q).mul_add(d, h) + (-q).mul_add(d_low + h_low, h_low);
    select(y < T::TINY, x, rest.mul_add(inverse, q).copysign(x))
}
