//! The laws of `Scalar`, for every type.

use crate::source::dd;
use proptest::prelude::*;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

/// `|x − y|` is at most `ulps` roundings of `scale`; of two balls: they overlap up to that.
fn near<S: Scalar>(x: S, y: S, scale: f64, ulps: f64) -> bool {
    let gap = (x.to_ball() - y.to_ball()).mignitude();
    gap <= ulps * S::UNIT_ROUNDOFF * scale
}

fn laws<S: Scalar>(a: f64, b: f64, t: f64) -> Result<(), TestCaseError> {
    let (x, y, one) = (S::from_f64(a) + S::pi() - S::pi(), S::from_f64(b), S::ONE);
    let t = S::from_f64(t);
    let (a, size) = (x.value(), x.value().abs());
    // The radius of a ball is rounded up.
    let same = |x: S, y: S| {
        let (x, y) = (x.to_ball(), y.to_ball());
        x.mid() == y.mid() && (x.rad() - y.rad()).abs() <= y.rad() * 1e-13
    };
    prop_assert!(same(x + S::ZERO, x) && same(x * one, x) && same(x / one, x));
    let minus = |a: S, b: S| a - b;
    prop_assert!(minus(x, x).to_ball().contains(0.0) && minus(x, x).value() == 0.0);
    prop_assert_eq!(x * y, y * x);
    prop_assert_eq!(x + y, y + x);
    prop_assert_eq!(S::from_ball(x.to_ball()).to_ball(), x.to_ball());
    prop_assert!(near(x.recip() * x, one, 1.0, 16.0) || a == 0.0);
    prop_assert!(near(x.exp().ln(), x, 1.0 + size, 16.0));
    prop_assert!(near(x.expm1(), x.exp() - one, 1.0 + x.exp().value(), 16.0));
    if a > -1.0 {
        let sum = one + x;
        prop_assert!(near(x.log1p(), sum.ln(), 1.0 + (1.0 / sum.value()).abs(), 16.0), "{:?} {:?}", x.log1p(), sum.ln());
    }
    let root = x.abs().sqrt();
    prop_assert!(near(root * root, x.abs(), size, 16.0));
    prop_assert!(near(x.sin().square() + x.cos().square(), one, 1.0, 16.0));
    prop_assert!(near(x.erf() + x.erfc(), one, 2.0, 16.0));
    prop_assert!(near((-x).tanh(), -x.tanh(), 1.0, 0.0) && near((-x).erf(), -x.erf(), 1.0, 0.0) && near((-x).sin(), -x.sin(), 1.0, 0.0));
    prop_assert!(near(x.powi(3), x * x * x, size.powi(3), 16.0));
    prop_assert!(near(x.powi(-2) * x * x, one, 1.0, 32.0) || size < 1e-3);
    prop_assert!(near(x.mul_add(y, t), x * y + t, (a * y.value()).abs() + t.value(), 8.0));
    prop_assert_eq!(x.soft_threshold(t), (x - t).relu() - (-x - t).relu());
    let apart = (x - y).sign().is_some();
    prop_assert!(!apart || x.max(y).value() == x.value().max(y.value()) && x.min(y).value() == x.value().min(y.value()));
    prop_assert!(near(x.max(y) + x.min(y), x + y, size + y.value().abs(), 8.0));
    let positive = if a > 0.0 { a } else { 0.0 };
    prop_assert!(x.sign().is_none() || x.abs().value() == size && x.relu().value() == positive);
    prop_assert_eq!(x.sign(), if a == 0.0 && x.sign().is_none() { None } else { a.partial_cmp(&0.0) });
    prop_assert!(x.is_finite() && near(S::pi().sin(), S::ZERO, 4.0, 1.0));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_number_type_keeps_the_laws(
        a in prop_oneof![-20.0..20.0f64, -1e-3..1e-3f64, Just(0.0), Just(1.0), Just(-1.0), Just(0.5), Just(3.0)],
        b in prop_oneof![-20.0..20.0f64, Just(0.0), Just(1.0), Just(-0.5)],
        t in prop_oneof![0.0..20.0f64, Just(0.0), Just(1.0)],
    ) {
        // A number of f32 is one of every type.
        let (a, b, t) = (a as f32 as f64, b as f32 as f64, t as f32 as f64);
        laws::<f32>(a, b, t)?;
        laws::<f64>(a, b, t)?;
        laws::<DoubleDouble>(a, b, t)?;
        laws::<Ball>(a, b, t)?;
        laws::<Dual<f64>>(a, b, t)?;
        laws::<Dual<DoubleDouble>>(a, b, t)?;
    }
}

#[test]
fn the_names_and_units_are_stated() {
    assert_eq!([f32::NAME, f64::NAME, DoubleDouble::NAME, Ball::NAME, Dual::<f64>::NAME], ["f32", "f64", "dd", "ball", "dual"]);
    assert_eq!(DoubleDouble::UNIT_ROUNDOFF, 2f64.powi(-104));
    assert_eq!(Ball::UNIT_ROUNDOFF, 2f64.powi(-104));
    assert!(dd(1.0) < DoubleDouble::new(1.0, 1e-30) && dd(f64::NAN).partial_cmp(&dd(1.0)).is_none());
    assert_eq!((DoubleDouble::default(), Ball::default()), (dd(0.0), Ball::ZERO));
    assert_eq!(DoubleDouble::new(1e-30, 1.0), DoubleDouble::from_sum(1.0, 1e-30));
}
