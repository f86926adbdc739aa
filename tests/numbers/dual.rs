//! Dual numbers.

use crate::elementary::{NAMES, by_name};
use crate::source::{Source, dd};
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

#[test]
fn a_tangent_is_the_derivative_by_the_mean_value_theorem() {
    // (f(b) − f(a))/(b − a) = f'(ξ) for some ξ between a and b, so the enclosure of f' over [a, b] meets that of the secant.
    let mut s = Source(12);
    let functions = NAMES.into_iter().chain(["recip", "square", "powi 5", "powi -3", "quotient", "product"]);
    for name in functions {
        let f = |x: Dual<Ball>| match name {
            "recip" => x.recip(),
            "square" => x.square(),
            "powi 5" => x.powi(5),
            "powi -3" => x.powi(-3),
            "quotient" => x.square() / (x + Dual::ONE),
            "product" => x.exp().mul_add(x.sin(), x * x.cos()),
            _ => by_name(name, x),
        };
        for _ in 0..100 {
            let (a, width) = (dd(0.1 + 2.0 * s.unit().abs()), 2f64.powi(-40));
            let b = a + dd(width);
            let over = f(Dual::variable(Ball::new(a, 0.0).hull(Ball::new(b, 0.0)))).tangent;
            let [fa, fb] = [a, b].map(|x| f(Dual::constant(x.to_ball())));
            assert_eq!(fa.tangent, Ball::ZERO, "{name} of a constant");
            let secant = (fb.value - fa.value) / Ball::exact(width);
            assert!(over.overlaps(&secant) && over.digits() > 8.0 && secant.digits() > 8.0, "{name} at {a}: {over} and {secant}");
            // The tangent scales with the direction, and double-double agrees with the ball.
            let at = f(Dual::new(Ball::new(a, 0.0), Ball::exact(-4.0))).tangent;
            assert!((at / Ball::exact(-4.0)).overlaps(&over), "{name} at {a}");
        }
    }
}

#[test]
fn kinks_have_derivative_zero_and_balls_take_the_hull() {
    let at = |x: f64| Dual::variable(dd(x));
    let tangents = |f: fn(Dual<DoubleDouble>) -> Dual<DoubleDouble>| [-2.0, 0.0, 2.0].map(|x| f(at(x)).tangent.hi());
    assert_eq!(tangents(|x| x.abs()), [-1.0, 0.0, 1.0]);
    assert_eq!(tangents(|x| x.relu()), [0.0, 0.0, 1.0]);
    assert_eq!(tangents(|x| x.soft_threshold(Dual::ONE)), [1.0, 0.0, 1.0]);
    assert_eq!(tangents(|x| Dual::constant(dd(5.0)).soft_threshold(x.abs())), [1.0, 0.0, -1.0]);
    for x in [-1.0, 1.0] {
        let y = at(x).soft_threshold(Dual::variable(dd(1.0)));
        assert_eq!((y.value, y.tangent), (dd(0.0), dd(0.0)), "on the threshold");
    }
    assert_eq!(tangents(|x| x.max(Dual::new(dd(0.0), dd(7.0)))), [7.0, 1.0, 1.0]);
    assert_eq!(tangents(|x| x.min(Dual::new(dd(0.0), dd(7.0)))), [1.0, 1.0, 7.0]);
    assert_eq!(Dual::constant(dd(0.0)).sqrt(), Dual::ZERO);
    assert_eq!(at(0.0).square().sqrt(), Dual::ZERO);
    assert_eq!(at(0.0).sqrt().tangent.hi(), f64::INFINITY);
    assert_eq!(at(0.0).powi(0).tangent, dd(0.0));
    assert_eq!(at(0.0).powi(1).tangent, dd(1.0));
    assert_eq!(at(3.0).powi(i32::MIN).value, dd(0.0));
    let around = Dual::new(Ball::new(dd(0.0), 1.0), Ball::exact(3.0));
    let hull = |x: Ball, low: f64, high: f64| assert!(x.contains(low) && x.contains(high) && x.rad() < 0.5001 * (high - low), "{x}");
    hull(around.abs().tangent, -3.0, 3.0);
    hull(around.relu().tangent, 0.0, 3.0);
    hull(around.max(Dual::new(Ball::exact(0.5), Ball::exact(1.0))).tangent, 1.0, 3.0);
    assert!(Dual::variable(f64::NAN).abs().tangent.is_nan());
    // Second derivatives, by nesting: tanh'' = −2 tanh (1 − tanh²), and at a kink the hull again.
    let x = dd(0.3);
    let second = Dual::variable(Dual::variable(x)).tanh().tangent.tangent;
    let t = x.tanh();
    assert!((second + dd(2.0) * t * (dd(1.0) - t * t)).abs() < dd(1e-30));
    let nested = Dual::variable(Dual::new(Ball::new(dd(0.0), 1.0), Ball::ONE)).square().relu().tangent.tangent;
    hull(nested, 0.0, 2.0);
}
