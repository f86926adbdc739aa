//! Balls: inclusion, tightness, exactness, and every way to fail.

use crate::elementary::{NAMES, by_name};
use crate::exact::{self, Dyadic};
use crate::source::{Source, dd, mid};
use std::cmp::Ordering;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

fn holds(ball: Ball, truth: &Dyadic) -> bool {
    ball.is_whole() || mid(ball).sub(truth).abs().le(&Dyadic::from_f64(ball.rad()))
}

#[test]
fn ball_arithmetic_contains_every_exact_result() {
    let mut s = Source(4);
    for (exponents, count) in [(-30..30, 20_000), (-1022..1023, 6_000), (-545..-480, 3_000), (-1022..-960, 2_000)] {
        for _ in 0..count {
            let [x, y, z] = std::array::from_fn(|_| {
                let pair = s.pair(exponents.clone());
                s.ball(pair)
            });
            let (p, q, r) = (s.inside(x), s.inside(y), s.inside(z));
            let case = || format!("{x:?}, {y:?}, {z:?}");
            assert!(holds(x + y, &p.add(&q)), "+ {}", case());
            assert!(holds(x - y, &p.sub(&q)), "- {}", case());
            assert!(holds(x * y, &p.mul(&q)), "* {}", case());
            assert!(holds(x.mul_add(y, z), &p.mul(&q).add(&r)), "mul_add {}", case());
            assert!(holds(x.square(), &p.mul(&p)) && x.square().lower() >= 0.0 || x.square().is_whole(), "square {}", case());
            assert!(holds(x.powi(3), &p.mul(&p).mul(&p)), "cube {}", case());
            assert!(holds(x.abs(), &p.abs()) && (x.abs().lower() >= 0.0 || x.is_whole()), "abs {}", case());
            let (low, high) = if p.le(&q) { (&p, &q) } else { (&q, &p) };
            assert!(holds(x.max(y), high) && holds(x.min(y), low), "max, min {}", case());
            let zero = Dyadic::from_f64(0.0);
            let relu = |p: &Dyadic| if p.le(&zero) { zero.clone() } else { p.clone() };
            assert!(holds(x.relu(), &relu(&p)), "relu {}", case());
            let (t, y_abs) = (q.abs(), y.abs());
            assert!(holds(x.soft_threshold(y_abs), &relu(&p.sub(&t)).sub(&relu(&p.neg().sub(&t)))), "soft_threshold {}", case());
            let quotient = x / y;
            if y.mignitude() > y.magnitude() * 1e-3 && x.magnitude() / y.mignitude() < 1e300 && y.magnitude() < 1e300 {
                assert!(!quotient.is_whole(), "/ {}", case());
            }
            if !quotient.is_whole() {
                assert!(mid(quotient).mul(&q).sub(&p).abs().le(&Dyadic::from_f64(quotient.rad()).mul(&q.abs())), "/ {}", case());
            }
            let root = x.abs().sqrt();
            let (low, high) =
                (mid(root).sub(&Dyadic::from_f64(root.rad().min(1e300))), mid(root).add(&Dyadic::from_f64(root.rad().min(1e300))));
            assert!(!root.is_whole() && (low.le(&zero) || low.mul(&low).le(&p.abs())) && p.abs().le(&high.mul(&high)), "sqrt {}", case());
        }
    }
}

#[test]
fn a_radius_is_as_small_as_the_bounds_of_the_arithmetic() {
    let mut s = Source(5);
    for _ in 0..20_000 {
        let (x, y) = (s.pair(-40..40), s.pair(-40..40));
        let (a, b) = (x.to_ball(), y.to_ball());
        let units = |z: Ball| if z.rad() == 0.0 { 0.0 } else { z.rad() / z.mid().hi().abs() * 2f64.powi(106) };
        assert!(units(a + b) <= 3.01 && units(a * b) <= 8.0 && units(a / b) <= 24.0 && units(a.abs().sqrt()) <= 8.0, "{x:?} {y:?}");
        assert_eq!([(a + b).mid(), (a * b).mid(), (a / b).mid(), a.abs().sqrt().mid()], [x + y, x * y, x / y, x.abs().sqrt()]);
    }
}

#[test]
fn what_is_exact_stays_exact() {
    let mut s = Source(6);
    let exact = |x: Ball, value: f64| assert!(x.rad() == 0.0 && x.mid() == dd(value), "{x:?}, expected {value}");
    for _ in 0..2_000 {
        let (m, n) = (s.below(1 << 26) as f64 - 33554432.0, s.below(1 << 26) as f64 + 1.0);
        let (a, b) = (Ball::exact(m), Ball::exact(n));
        exact(a + b, m + n);
        exact(a - a, 0.0);
        exact(a * b, m * n);
        exact((a * b) / b, m);
        exact((b * b).sqrt(), n);
        exact(a.square(), m * m);
        exact(a.mul_add(b, b), m * n + n);
        exact(a.abs(), m.abs());
        exact(a.max(b), m.max(n));
        let (x, power) = (s.pair(-100..100), s.float(-100..100).abs().log2().floor().exp2());
        for z in [x.to_ball() * Ball::exact(power), x.to_ball() / Ball::exact(power), Ball::exact(power) * x.to_ball()] {
            assert_eq!(z.rad(), 0.0, "{x:?} {power}");
        }
    }
    exact(Ball::exact(0.0).exp(), 1.0);
    exact(Ball::ONE.ln(), 0.0);
    exact(Ball::ZERO.sqrt(), 0.0);
}

#[test]
fn an_impossible_operation_gives_the_whole_line() {
    let around_zero = Ball::new(dd(0.1), 0.2);
    let max = Ball::exact(f64::MAX);
    for (x, why) in [
        (Ball::ONE / around_zero, "division by a ball around zero"),
        (Ball::ONE / Ball::ZERO, "division by zero"),
        (Ball::ONE / Ball::new(dd(1.0), 1.0), "division by a ball that ends at zero"),
        (around_zero.ln(), "ln around zero"),
        (Ball::ZERO.ln(), "ln of zero"),
        (Ball::exact(-1.0).ln(), "ln of a negative number"),
        (Ball::new(dd(1.0), 1.0).ln(), "ln of a ball that ends at zero"),
        (Ball::exact(-1.0).log1p(), "log1p at −1"),
        (Ball::new(dd(-0.9), 0.2).log1p(), "log1p around −1"),
        (around_zero.sqrt(), "√ of a ball that reaches below zero"),
        (Ball::exact(-1.0).sqrt(), "√ of a negative number"),
        (max + max, "overflow of a sum"),
        (max * max, "overflow of a product"),
        (max.square(), "overflow of a square"),
        (max / Ball::exact(0.5), "overflow of a quotient"),
        (max.mul_add(Ball::exact(2.0), Ball::ONE), "overflow of a fused product"),
        (Ball::exact(710.0).exp(), "overflow of exp"),
        (Ball::exact(710.0).expm1(), "overflow of expm1"),
        (Ball::new(dd(0.0), 1e3).exp(), "overflow of exp at one end"),
        (Ball::exact(f64::NAN), "NaN"),
        (Ball::exact(f64::INFINITY), "infinity"),
        (Ball::new(dd(1.0), f64::NAN), "a radius that is NaN"),
        (Ball::new(dd(1.0), -1.0), "a negative radius"),
        (Ball::new(dd(f64::MAX), f64::MAX) + Ball::new(dd(-1.0), f64::MAX), "overflow of a radius"),
        (Ball::ONE.widen(f64::NAN), "NaN as room"),
    ] {
        assert!(x.is_whole() && !x.is_finite() && x.sign().is_none(), "{why}: {x:?}");
    }
    // The whole line stays whole under everything.
    let whole = Ball::WHOLE;
    for name in NAMES {
        assert!(by_name(name, whole).is_whole(), "{name}");
        assert!(by_name(name, Ball::exact(f64::INFINITY)).is_whole(), "{name} of infinity");
    }
    let zero = Ball::ZERO;
    for x in [
        whole + zero,
        zero - whole,
        whole * zero,
        zero * whole,
        whole / Ball::ONE,
        Ball::ONE / whole,
        whole.mul_add(zero, zero),
        zero.mul_add(whole, zero),
    ] {
        assert!(x.is_whole());
    }
    for x in [
        whole.square(),
        whole.abs(),
        whole.relu(),
        whole.max(zero),
        zero.max(whole),
        whole.soft_threshold(Ball::ONE),
        whole.hull(zero),
        whole.powi(3),
        -whole,
        whole.powi(-2),
    ] {
        assert!(x.is_whole());
    }
    assert!(whole.contains(3.0) && whole.overlaps(&zero) && whole.contains_ball(&whole) && !zero.contains_ball(&whole));
    assert_eq!((whole.lower(), whole.upper(), whole.digits()), (f64::NEG_INFINITY, f64::INFINITY, 0.0));
    assert!(whole.round_f64().is_none() && whole.round_f32().is_none() && whole == Ball::WHOLE);
}

#[test]
fn a_function_of_a_ball_contains_the_function_of_its_numbers_and_is_tight() {
    let mut s = Source(7);
    for (name, low, high) in [
        ("exp", -20.0, 20.0),
        ("expm1", -3.0, 3.0),
        ("ln", 0.01, 9.0),
        ("log1p", -0.5, 9.0),
        ("sqrt", 0.01, 9.0),
        ("tanh", -9.0, 9.0),
        ("erf", -4.0, 4.0),
        ("erfc", -4.0, 12.0),
        ("sin", -9.0, 9.0),
        ("cos", -9.0, 9.0),
    ] {
        for round in 0..250 {
            let center = s.between(low, high);
            let radius = [1e-28, 1e-20, 1e-12, 1e-6, 5e-4, 2e-3, 0.1, 0.4][round % 8] * if low > 0.0 { center.hi() } else { 1.0 };
            let x = Ball::new(center, radius);
            let y = by_name(name, x);
            assert!(!y.is_whole(), "{name} {x}");
            let point = |k: f64| by_name(name, (center + dd(radius * k)).to_ball());
            for k in [-1.0, -0.9, -0.5, 0.0, 0.3, 0.8, 1.0 - 1e-9] {
                let (inside, value) = (center + dd(radius * k), point(k));
                if x.contains_double(inside) {
                    assert!(y.overlaps(&value), "{name} {x}: {y} lacks {value} at {inside}");
                }
            }
            if !["sin", "cos"].contains(&name) {
                // Half the distance of the values at the ends, and twelve units of rounding.
                let half = (point(1.0) - point(-1.0)).magnitude() / 2.0;
                assert!(y.rad() <= 1.03 * half + 2f64.powi(-101) * y.magnitude(), "{name} {x}: {y}, but half the image is {half}");
            } else {
                let slope = by_name(if name == "sin" { "cos" } else { "sin" }, x).magnitude();
                assert!(y.rad() <= radius * slope + radius * radius + 2f64.powi(-101), "{name} {x}: {y}");
                assert!(y.upper() <= 1.0 && y.lower() >= -1.0, "{name} {x}: {y}");
            }
        }
    }
    // Ranges that no wide argument may leave.
    let all = Ball::new(dd(0.0), 50.0);
    for (name, low, high) in [("tanh", -1.0, 1.0), ("erf", -1.0, 1.0), ("sin", -1.0, 1.0), ("cos", -1.0, 1.0)] {
        let y = by_name(name, all);
        assert!((y.lower(), y.upper()) == (low, high), "{name}: {y}");
    }
    assert!(all.exp().lower() >= 0.0 && all.erfc().lower() >= 0.0 && all.erfc().upper() < 2.000001);
    assert!(Ball::new(dd(1.0), 1.0).sqrt().contains(0.0) && Ball::new(dd(1.0), 1.0).sqrt().upper() < 1.4143);
    // Far out in the tail the relative accuracy of erfc survives.
    let tail = Ball::new(dd(20.0), 1e-15).erfc();
    assert!(tail.digits() > 13.0, "{tail}");
}

#[test]
fn sign_contains_overlaps_and_hull_decide_exactly() {
    let mut s = Source(8);
    let le = |a: &Dyadic, b: &Dyadic| a.le(b);
    for _ in 0..20_000 {
        let near = s.pair(-2..2);
        let x = s.ball(near);
        let other = if s.below(2) == 0 { s.pair(-2..2) } else { x.mid() + dd(x.rad() * [1.0, -1.0, 0.5, 2.0][s.below(4) as usize]) };
        let y = s.ball(other);
        let distance = mid(x).sub(&mid(y)).abs();
        let (r, t) = (Dyadic::from_f64(x.rad()), Dyadic::from_f64(y.rad()));
        assert_eq!(x.contains_double(other), le(&distance, &r), "{x:?} {other:?}");
        assert_eq!(x.contains_ball(&y), le(&distance.add(&t), &r), "{x:?} {y:?}");
        assert_eq!(x.overlaps(&y), le(&distance, &r.add(&t)), "{x:?} {y:?}");
        let hull = x.hull(y);
        assert!(hull.contains_ball(&x) && hull.contains_ball(&y), "{x:?} {y:?} {hull:?}");
        let half = distance.add(&r).add(&t);
        assert!(
            x.contains_ball(&y)
                || y.contains_ball(&x)
                || hull.rad() <= half.approx() * 0.5 * (1.0 + 1e-12) + x.magnitude() * 2f64.powi(-103),
            "{x:?} {y:?} {hull:?}"
        );
        let (low, high) = (mid(x).sub(&r), mid(x).add(&r));
        let (below, above) = (Dyadic::from_f64(x.lower()), Dyadic::from_f64(x.upper()));
        assert!(le(&below, &low) && le(&low, &Dyadic::from_f64(x.lower().next_up().next_up())), "{x:?}");
        assert!(le(&high, &above) && le(&Dyadic::from_f64(x.upper().next_down().next_down()), &high), "{x:?}");
        let zero = Dyadic::from_f64(0.0);
        let sign = match (low.cmp(&zero), high.cmp(&zero)) {
            (Ordering::Greater, _) => Some(Ordering::Greater),
            (_, Ordering::Less) => Some(Ordering::Less),
            (Ordering::Equal, Ordering::Equal) => Some(Ordering::Equal),
            _ => None,
        };
        assert_eq!(x.sign(), sign, "{x:?}");
        assert!(x.mignitude() <= x.magnitude() && (x.mignitude() > 0.0) == (sign.is_some() && sign != Some(Ordering::Equal)), "{x:?}");
    }
    // Where f64 sums would overflow, or the decision hangs on the last bit of a number 2²⁰⁰⁰ times smaller.
    let far = Ball::new(DoubleDouble::new(f64::MAX, 2f64.powi(969)), f64::MAX);
    assert!(far.contains(0.0) == (mid(far).le(&Dyadic::from_f64(f64::MAX))) && far.overlaps(&-far) == far.contains(0.0));
    let edge = Ball::new(DoubleDouble::new(2f64.powi(1000), f64::from_bits(1)), 2f64.powi(1000));
    assert!(!edge.contains(0.0) && edge.contains(f64::from_bits(1)) && edge.sign() == Some(Ordering::Greater));
}

#[test]
fn rounding_to_f64_and_f32_happens_exactly_when_the_ball_decides_it() {
    let mut s = Source(9);
    let (mut decided, mut open) = (0, 0);
    for round in 0..30_000 {
        let exponents = if round % 3 == 0 {
            -1022..-1000
        } else if round % 3 == 1 {
            -150..-120
        } else {
            -3..100
        };
        let start = s.pair(exponents);
        // Often near a midpoint of two numbers.
        let start = match s.below(4) {
            0 => DoubleDouble::new(start.hi(), (start.hi().next_up() - start.hi()) * 0.5),
            1 => DoubleDouble::new((start.hi() as f32 as f64 + (start.hi() as f32).next_up() as f64) * 0.5, start.lo()),
            2 => DoubleDouble::from((start.hi() as f32 as f64 + (start.hi() as f32).next_up() as f64) * 0.5),
            _ => start,
        };
        let rad = if s.below(2) == 0 { 0.0 } else { start.hi().abs() * s.unit().abs() * 2f64.powi(-(s.below(80) as i32)) };
        let x = Ball::new(start, rad);
        let (low, high) = (mid(x).sub(&Dyadic::from_f64(x.rad())), mid(x).add(&Dyadic::from_f64(x.rad())));
        let (a, b) = (exact::nearest_f64(&low), exact::nearest_f64(&high));
        assert_eq!(x.round_f64(), (a == b).then_some(a), "{x:?}");
        let (a, b) = (exact::nearest_f32(&low), exact::nearest_f32(&high));
        assert_eq!(x.round_f32(), (a == b).then_some(a), "{x:?}");
        if a == b { decided += 1 } else { open += 1 }
    }
    assert!(decided > 3000 && open > 3000, "{decided} decided, {open} open");
    for x in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::from_bits(1), 0.0, 1.0] {
        assert_eq!(Ball::exact(x).round_f64(), Some(x));
    }
    for x in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1), 0.0, 1.0] {
        assert_eq!(Ball::exact(x as f64).round_f32(), Some(x));
    }
    assert_eq!(Ball::new(dd(f64::MAX), 1.0).round_f64(), Some(f64::MAX));
    assert_eq!(Ball::new(dd(f64::MAX), 1e300).round_f64(), None);
    assert_eq!(Ball::exact(3.5e38).round_f32(), None);
}
