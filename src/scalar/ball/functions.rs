//! Elementary functions of a ball: the function of the midpoint, enclosed by its own evaluation in balls, plus what the radius can move
//! it. A narrow ball uses a bound of the derivative over the ball, a wide one the values at its ends.

use super::{Ball, DoubleDouble, Ordering, Scalar, point};

/// Above this radius (for ln and √, relative to the midpoint) a ball is wide.
const NARROW: f64 = 1.0 / 1024.0;
/// Added to the products of bounds, which may underflow.
const SMALLEST: f64 = f64::from_bits(1);

/// `e^r − 1 ≤ r + (e − 2) r²` for r ≤ 1, before rounding up.
fn growth(r: f64) -> f64 {
    r + 0.7183 * (r * r)
}

/// A monotone function of a wide ball: around its values at both ends.
fn ends(x: Ball, f: impl Fn(Ball) -> Ball) -> Ball {
    f(Ball::exact(x.lower())).hull(f(Ball::exact(x.upper())))
}

/// A ball without the numbers above 1 or below −1, for functions that do not reach them.
fn within_one(x: Ball) -> Ball {
    let (over, under) = (x.upper() > 1.0, x.lower() < -1.0);
    match (over, under) {
        _ if x.is_whole() => x,
        (true, true) => Ball::new(DoubleDouble::ZERO, 1.0),
        (true, false) => below_one(x),
        (false, true) => -below_one(-x),
        (false, false) => x,
    }
}
fn below_one(x: Ball) -> Ball {
    let low = Ball::new(x.mid, 0.0) - Ball::exact(x.rad);
    let rad = (Ball::ONE - low).size() * 0.5;
    // 1 − rad is exact, so the upper end is exactly 1.
    Ball::new(DoubleDouble::from_sum(1.0, -rad), rad)
}
/// A ball without the numbers below 0, for functions that do not reach them.
fn not_negative(x: Ball) -> Ball {
    if x.mid < (DoubleDouble { hi: x.rad, lo: 0.0 }) { Ball::from_zero_to(x.upper()) } else { x }
}

/// With `s = √m`: `√x − s = (x − s²)/(√x + s)`.
pub(super) fn sqrt(x: Ball) -> Ball {
    let rad = DoubleDouble { hi: x.rad, lo: 0.0 };
    if x.is_whole() || x.mid < rad {
        return Ball::WHOLE;
    }
    if x.mid == rad {
        return if x.rad == 0.0 { Ball::ZERO } else { Ball::from_zero_to(sqrt(Ball::exact(x.upper())).upper()) };
    }
    if x.rad > NARROW * x.mid.hi {
        return ends(x, sqrt);
    }
    // Below 2⁻⁷⁰⁰, s² would underflow; scaling by 2⁴⁰⁰ is exact.
    if x.mid.hi < super::TAME * super::TAME {
        let power = super::TAME.recip();
        let scaled = Ball { mid: x.mid.scale(power), rad: x.rad * power };
        let root = sqrt(scaled);
        let down = Ball::exact(super::TAME.sqrt());
        return root * down;
    }
    let s = x.mid.sqrt();
    let exact = Ball::new(s, 0.0);
    let gap = (x - exact * exact).size();
    let sum = s.hi + x.least().sqrt();
    if gap == 0.0 { exact } else { exact.widen(gap / sum + SMALLEST) }
}

/// `|e^(m+t) − e^m| ≤ e^m (e^r − 1)`.
pub(super) fn exp(x: Ball) -> Ball {
    if x.is_whole() {
        return Ball::WHOLE;
    }
    if x.rad > NARROW {
        return not_negative(ends(x, exp));
    }
    let value = point::exp::<Ball>(x.mid);
    not_negative(if x.rad == 0.0 { value } else { value.widen(value.size() * growth(x.rad) + SMALLEST) })
}

/// The same increment as [`exp`].
pub(super) fn expm1(x: Ball) -> Ball {
    if x.is_whole() {
        return Ball::WHOLE;
    }
    if x.rad > NARROW {
        return ends(x, expm1);
    }
    let value = point::expm1::<Ball>(x.mid);
    if x.rad == 0.0 { value } else { value.widen((value + Ball::ONE).size() * growth(x.rad) + SMALLEST) }
}

/// `|ln(m + t) − ln m| ≤ r/(m − r)`.
pub(super) fn ln(x: Ball) -> Ball {
    if x.is_whole() || x.sign() != Some(Ordering::Greater) {
        return Ball::WHOLE;
    }
    if x.rad > NARROW * x.mid.hi {
        return ends(x, ln);
    }
    let value = point::ln::<Ball>(x.mid);
    if x.rad == 0.0 { value } else { value.widen(x.rad / x.least() + SMALLEST) }
}

/// As [`ln`] at 1 + x.
pub(super) fn log1p(x: Ball) -> Ball {
    let shifted = x + Ball::ONE;
    if x.is_whole() || shifted.sign() != Some(Ordering::Greater) {
        return Ball::WHOLE;
    }
    if x.rad > NARROW * shifted.mid.hi {
        return ln(shifted);
    }
    let value = point::log1p::<Ball>(x.mid);
    if x.rad == 0.0 { value } else { value.widen(x.rad / shifted.least() + SMALLEST) }
}

/// The slope `sech² x = 1 − tanh² x = 4q/(1 + q)²` with `q = e^(−2|x|)` grows by at most e^(2r) over the ball.
pub(super) fn tanh(x: Ball) -> Ball {
    if x.is_whole() {
        return Ball::WHOLE;
    }
    if x.rad > NARROW {
        return within_one(ends(x, tanh));
    }
    let value = point::tanh::<Ball>(x.mid);
    let slope = (Ball::ONE - value * value).size() * (1.0 + growth(2.0 * x.rad));
    within_one(if x.rad == 0.0 { value } else { value.widen(x.rad * slope + SMALLEST) })
}

/// The greatest slope of erf over a narrow ball times its radius: `2/√π e^(−x²) ≤ 2/√π e^(−m²) e^(2|m|r)`.
fn error_spread(x: Ball, gaussian: Ball) -> f64 {
    // From 27.9 on, e^(−x²) < 2⁻¹⁰⁷⁴.
    let size = x.mid.hi.abs();
    if size > 28.0 { SMALLEST } else { 1.128379168 * gaussian.size() * (1.0 + growth(2.0 * size * x.rad)) * x.rad + SMALLEST }
}

pub(super) fn erf(x: Ball) -> Ball {
    if x.is_whole() {
        return Ball::WHOLE;
    }
    if x.rad > NARROW {
        return within_one(ends(x, erf));
    }
    let (value, _, gaussian) = point::error_functions::<Ball>(x.mid);
    within_one(if x.rad == 0.0 { value } else { value.widen(error_spread(x, gaussian)) })
}

pub(super) fn erfc(x: Ball) -> Ball {
    if x.is_whole() {
        return Ball::WHOLE;
    }
    if x.rad > NARROW {
        return not_negative(ends(x, erfc));
    }
    let (_, value, gaussian) = point::error_functions::<Ball>(x.mid);
    not_negative(if x.rad == 0.0 { value } else { value.widen(error_spread(x, gaussian)) })
}

/// `|sin(m + t) − sin m| ≤ r |cos m| + r²/2`, and the same with the two exchanged; never more than r, nor outside [−1, 1].
pub(super) fn sin_cos(x: Ball) -> (Ball, Ball) {
    if x.is_whole() {
        return (Ball::WHOLE, Ball::WHOLE);
    }
    let (sin, cos) = point::sin_cos::<Ball>(x.mid);
    if x.rad == 0.0 {
        return (within_one(sin), within_one(cos));
    }
    let spread = |slope: Ball| {
        let (quadratic, linear) = (x.rad * slope.size() + 0.5 * (x.rad * x.rad) + SMALLEST, x.rad);
        if quadratic < linear { quadratic } else { linear }
    };
    (within_one(sin.widen(spread(cos))), within_one(cos.widen(spread(sin))))
}
