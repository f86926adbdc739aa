//! The error function and its complement.
//!
//! Below 1, erf x = x + x P(x²). From 1 on, erfc x = e^(−x²) G(u) / (x + a) with u = (x − a)/(x + a); x² in two words.

use super::exp::exp_words;
use super::{Binary, clamp, polynomial, two_sum};

/// erfc y for 1 ≤ y ≤ [`Binary::ERF_MOST`]; finite below.
#[inline(always)]
fn tail<T: Binary>(y: T) -> T {
    let square = y * y;
    let rest = y.mul_add(y, -square);
    let (k, a, b) = exp_words(-square);
    let b = (-rest).mul_add(a + b, b);
    let w = T::of(1.0) / (y + T::ERFC_CENTRE);
    let g = polynomial((y - T::ERFC_CENTRE) * w, T::ERFC) * w;
    g.mul_add(a, g * b).scale(k)
}

/// The error function.
#[inline(always)]
pub fn erf<T: Binary>(x: T) -> T {
    let y = clamp(x.abs(), T::of(0.0), T::ERF_MOST[0]);
    let small = x.mul_add(polynomial(y * y, T::ERF), x);
    if y < T::of(1.0) { small } else { (T::of(1.0) - tail(y)).copysign(x) }
}

/// 1 − erf x, accurate relative to itself.
#[inline(always)]
pub fn erfc<T: Binary>(x: T) -> T {
    let y = clamp(x.abs(), T::of(0.0), T::ERF_MOST[1]);
    let (s, e) = two_sum(T::of(1.0), -x);
    let small = s + (-x).mul_add(polynomial(y * y, T::ERF), e);
    let tail = tail(y);
    if y < T::of(1.0) {
        small
    } else if x < T::of(0.0) {
        T::of(2.0) - tail
    } else {
        tail
    }
}
