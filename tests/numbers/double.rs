//! Double-double arithmetic against exact arithmetic.

use crate::exact::{self, Dyadic};
use crate::source::{Source, Truth, dd, mid, units};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

fn close(x: DoubleDouble) -> bool {
    x.hi() + x.lo() == x.hi()
}

#[test]
fn arithmetic_errs_within_the_stated_bounds_and_the_bounds_are_not_slack() {
    let mut s = Source(1);
    let (mut sum, mut product, mut quotient, mut root) = (0f64, 0f64, 0f64, 0f64);
    for _ in 0..60_000 {
        let (x, y) = (s.pair(-60..60), s.pair(-60..60));
        let (a, b) = (Dyadic::from_pair(x), Dyadic::from_pair(y));
        let z = x + y;
        assert!(close(z) && close(x * y) && close(x / y) && close(x.abs().sqrt()), "{x:?} {y:?}");
        let truth = Truth::new(a.add(&b));
        assert!(truth.near(&Dyadic::from_pair(z), &units(&truth.n, 3.0)), "{x:?} + {y:?}");
        sum = sum.max(truth.error(&Dyadic::from_pair(z)));
        let truth = Truth::new(a.mul(&b));
        assert!(truth.near(&Dyadic::from_pair(x * y), &units(&truth.n, 5.0)), "{x:?} * {y:?}");
        product = product.max(truth.error(&Dyadic::from_pair(x * y)));
        // |q − a/b| ≤ 15u² |a/b|, times |b|
        let q = Dyadic::from_pair(x / y);
        assert!(q.mul(&b).sub(&a).abs().le(&units(&a, 15.0 + 1e-12)), "{x:?} / {y:?}");
        quotient = quotient.max(Truth::new(a.clone()).error(&q.mul(&b)));
        // (1 + δ)² ≤ 1 + 2.001 δ
        let r = Dyadic::from_pair(x.abs().sqrt());
        assert!(r.mul(&r).sub(&a.abs()).abs().le(&units(&a, 2.001 * 25.0 / 8.0)), "√{x:?}");
        root = root.max(Truth::new(a.abs()).error(&r.mul(&r)) / 2.0);
    }
    // A bound that is never approached within a factor four would hide a worse algorithm.
    assert!(sum > 3.0 / 4.0 && product > 5.0 / 4.0 && quotient > 15.0 / 4.0 && root > 25.0 / 32.0, "{sum} {product} {quotient} {root}");
}

#[test]
fn near_underflow_the_absolute_terms_hold() {
    let mut s = Source(2);
    let tiny = |k: f64| Dyadic::power(-1072).mul(&Dyadic::from_f64(k));
    for _ in 0..20_000 {
        let (x, y) = (s.pair(-560..-420), s.pair(-560..-420));
        let (a, b) = (Dyadic::from_pair(x), Dyadic::from_pair(y));
        let truth = a.mul(&b);
        assert!(Truth::new(truth.clone()).near(&Dyadic::from_pair(x * y), &units(&truth, 5.0).add(&tiny(1.0))), "{x:?} * {y:?}");
        let (x, y) = (s.pair(-1022..-900), s.pair(-40..40));
        let (a, b) = (Dyadic::from_pair(x), Dyadic::from_pair(y));
        let q = Dyadic::from_pair(x / y);
        assert!(q.mul(&b).sub(&a).abs().le(&units(&a, 15.0001).add(&tiny(1.0).add(&tiny(1.0).mul(&b.abs())))), "{x:?} / {y:?}");
        let r = Dyadic::from_pair(x.abs().sqrt());
        assert!(r.mul(&r).sub(&a.abs()).abs().le(&units(&a, 2.001 * 25.0 / 8.0)), "√{x:?}");
        let z = x + s.pair(-1022..-1000);
        assert!(close(z));
    }
}

#[test]
fn overflow_and_nan_are_clean() {
    let (max, inf, nan) = (dd(f64::MAX), dd(f64::INFINITY), dd(f64::NAN));
    let full = DoubleDouble::new(f64::MAX, f64::MAX * 2f64.powi(-54));
    for (z, expected) in [
        (max + max, f64::INFINITY),
        (full + full, f64::INFINITY),
        (-max - max, f64::NEG_INFINITY),
        (max * dd(2.0), f64::INFINITY),
        (full * full, f64::INFINITY),
        (full * -full, f64::NEG_INFINITY),
        (inf + dd(1.0), f64::INFINITY),
        (inf * dd(-2.0), f64::NEG_INFINITY),
        (dd(1.0) / dd(0.0), f64::INFINITY),
        (dd(-1.0) / dd(0.0), f64::NEG_INFINITY),
        (dd(1.0) / inf, 0.0),
        (max / dd(0.25), f64::INFINITY),
        (inf.sqrt(), f64::INFINITY),
        (dd(0.0).sqrt(), 0.0),
        (inf - inf, f64::NAN),
        (inf * dd(0.0), f64::NAN),
        (dd(0.0) / dd(0.0), f64::NAN),
        (dd(-1.0).sqrt(), f64::NAN),
        (nan + dd(1.0), f64::NAN),
        (nan.max(dd(1.0)), f64::NAN),
        (dd(1.0).max(nan), f64::NAN),
        (nan.min(dd(1.0)), f64::NAN),
        (nan.relu(), f64::NAN),
        (inf.exp(), f64::INFINITY),
        ((-inf).exp(), 0.0),
        ((-inf).expm1(), -1.0),
        (inf.ln(), f64::INFINITY),
        (dd(0.0).ln(), f64::NEG_INFINITY),
        (dd(-1.0).ln(), f64::NAN),
        (dd(-1.0).log1p(), f64::NEG_INFINITY),
        (dd(-2.0).log1p(), f64::NAN),
        (inf.log1p(), f64::INFINITY),
        (inf.tanh(), 1.0),
        ((-inf).tanh(), -1.0),
        (inf.erf(), 1.0),
        ((-inf).erf(), -1.0),
        (inf.erfc(), 0.0),
        ((-inf).erfc(), 2.0),
        (inf.sin(), f64::NAN),
        (inf.cos(), f64::NAN),
        (nan.exp(), f64::NAN),
        (nan.expm1(), f64::NAN),
        (nan.ln(), f64::NAN),
        (nan.log1p(), f64::NAN),
        (nan.tanh(), f64::NAN),
        (nan.erf(), f64::NAN),
        (nan.erfc(), f64::NAN),
        (nan.sin(), f64::NAN),
        (dd(0.0).exp(), 1.0),
        (dd(0.0).cos(), 1.0),
        (dd(0.0).erfc(), 1.0),
        (dd(1.0).ln(), 0.0),
        (dd(0.0).powi(0), 1.0),
        (dd(-2.0).powi(-3), -0.125),
        (dd(2.0).powi(i32::MIN), 0.0),
    ] {
        assert!(z.hi() == expected || z.hi().is_nan() && expected.is_nan(), "{z:?}, expected {expected}");
        assert_eq!(z.lo(), 0.0, "{z:?}");
    }
}

#[test]
fn a_count_is_exact() {
    for n in [0, 1, (1 << 53) + 1, usize::MAX, 0x8000_0000_0000_0401] {
        let truth = Dyadic { n: exact::Int::new((n >> 1) as i64).shift(1).add(&exact::Int::new((n & 1) as i64)), p: 0 };
        assert!(Dyadic::from_pair(DoubleDouble::from_usize(n)).sub(&truth).is_zero(), "{n}");
        assert!(mid(Ball::from_usize(n)).sub(&truth).is_zero() && Ball::from_usize(n).rad() == 0.0, "{n}");
    }
}
