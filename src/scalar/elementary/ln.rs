//! The natural logarithm and ln(1 + x).
//!
//! x = 2ⁿ (1 + f) with 1 + f in [√½, √2); with s = f/(2 + f), ln(1 + f) = 2 atanh s = f − f²/2 + s (f²/2 + s² L(s²)), of which the last
//! two terms are small against f; n ln 2 + f is carried in two words.

use super::{Binary, clamp, fast_two_sum, polynomial, select};

/// n ln 2 + ln(1 + f + low) for |low| below an ulp of f.
#[inline(always)]
fn ln_reduced<T: Binary>(n: T, f: T, low: T) -> T {
    let s = f / (f + T::of(2.0));
    let z = s * s;
    let half = f * T::of(0.5);
    let square = half * f;
    let square_low = half.mul_add(f, -square);
    let (sum, e) = fast_two_sum(n * T::LN_2_SHORT[0], f);
    let (sum, e2) = fast_two_sum(sum, -square);
    let e = n.mul_add(T::LN_2_SHORT[1], (e + low) + (e2 - square_low));
    sum + s.mul_add(z.mul_add(polynomial(z, T::LN), square), e)
}

/// The natural logarithm; −∞ at ±0, NaN below.
#[inline(always)]
pub fn ln<T: Binary>(x: T) -> T {
    let small = x < T::SUBNORMAL[0];
    let (n, m) = select(small, x * T::SUBNORMAL[1], x).split();
    let n = select(small, n - T::SUBNORMAL[2], n);
    let y = ln_reduced(n, m - T::of(1.0), T::of(0.0));
    let y = select(x == T::of(f64::INFINITY), x, y);
    let y = select(x == T::of(0.0), T::of(f64::NEG_INFINITY), y);
    select(x >= T::of(0.0), y, T::of(f64::NAN))
}

/// ln(1 + x); −∞ at −1, NaN below. The rounding error of 1 + x is carried into f.
#[inline(always)]
pub fn log1p<T: Binary>(x: T) -> T {
    let one = T::of(1.0);
    let u = one + x;
    let lost = select(x < one, x - (u - one), one - (u - x));
    let (n, m) = u.split();
    // Beyond 2¹⁰⁰ what was lost is far below an ulp of the result.
    let shrink = (T::ROUND - clamp(n, T::of(-100.0), T::of(100.0))).power_of_two();
    let (f, low) = fast_two_sum(m - one, lost * shrink);
    let y = ln_reduced(n, f, low * (one - f + f * f));
    let y = select(x == T::of(f64::INFINITY), x, y);
    let y = select(x == -one, T::of(f64::NEG_INFINITY), y);
    let y = select(x >= -one, y, T::of(f64::NAN));
    select(x.abs() < T::TINY, x, y)
}
