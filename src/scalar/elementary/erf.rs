//! The error function and its complement.
//!
//! - Below 13/16, erf x = x + x P(x²), and erfc is what is left of 1.
//! - Above, erf x = 1 − e^Q(x), where Q is near ln erfc x with the accuracy that the difference needs and no more.
//! - Above, erfc x = e^(−x²) G(u) / (x + a) with u = (x − a)/(x + a), accurate relative to itself as far as the subnormal numbers; x²,
//!   its exponential, G and the quotient in two words.

use super::exp::exp_words;
use super::{Binary, clamp, fast_two_sum, polynomial, select, two_sum};

/// Where the formulas change.
const CHANGE: f64 = 0.8125;

/// The error function, odd.
#[inline(always)]
pub fn erf<T: Binary>(x: T) -> T {
    let y = clamp(x.abs(), T::of(0.0), T::ERF_MOST[0]);
    let near = x.mul_add(polynomial(y * y, T::ERF), x);
    let (k, a, b) = exp_words(polynomial(y - T::LN_ERFC_CENTRE, T::LN_ERFC));
    let (s, e) = fast_two_sum(T::of(1.0), -a * k.power_of_two());
    let far = s + (-b).mul_add(k.power_of_two(), e);
    select(y < T::of(CHANGE), near, far.copysign(x))
}

/// 1 − erf x, accurate relative to itself.
#[inline(always)]
pub fn erfc<T: Binary>(x: T) -> T {
    let y = clamp(x.abs(), T::of(0.0), T::ERF_MOST[1]);
    let (s, e) = two_sum(T::of(1.0), -x);
    let near = s + (-x).mul_add(polynomial(y * y, T::ERF), e);
    let tail = tail(y);
    let far = select(x < T::of(0.0), T::of(2.0) - tail, tail);
    select(y < T::of(CHANGE), near, far)
}

/// erfc y for [`CHANGE`] ≤ y ≤ [`Binary::ERF_MOST`]; without meaning below.
#[inline(always)]
fn tail<T: Binary>(y: T) -> T {
    let square = y * y;
    let rest = y.mul_add(y, -square);
    let (k, a, b) = exp_words(-square);
    let (a, b) = fast_two_sum(a, (-rest).mul_add(a + b, b));

    let (d, d_low) = two_sum(y, T::ERFC_CENTRE);
    let (c, c_low) = two_sum(y, -T::ERFC_CENTRE);
    let w = T::of(1.0) / d;
    let w_low = w * (-w).mul_add(d_low, (-w).mul_add(d, T::of(1.0)));
    let u = c * w;
    let u_low = w * ((-u).mul_add(d, c) + (-u).mul_add(d_low, c_low));

    let slope = u.mul_add(u.mul_add(T::of(3.0) * T::ERFC[3], T::of(2.0) * T::ERFC[2]), T::ERFC[1]);
    let (p, p_low) = step(T::ERFC[1], u, polynomial(u, &T::ERFC[2..]));
    let (g, g_low) = step(T::ERFC[0], u, p);
    let g_low = u_low.mul_add(slope, u.mul_add(p_low, g_low));

    let m = g * w;
    let m_low = g.mul_add(w_low, g_low.mul_add(w, g.mul_add(w, -m)));
    a.mul_add(m, a.mul_add(m_low, b * m)).scale(k)
}

/// c + x p in two words, for |c| ≥ |x p|.
#[inline(always)]
fn step<T: Binary>(c: T, x: T, p: T) -> (T, T) {
    let product = x * p;
    let (s, e) = fast_two_sum(c, product);
    (s, e + x.mul_add(p, -product))
}
