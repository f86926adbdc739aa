//! The numbers: every bound that the documentation states, against exact arithmetic in integers.

#[path = "numbers/exact.rs"]
mod exact;

use exact::Dyadic;
use proptest::prelude::*;
use std::cmp::Ordering;
use std::sync::OnceLock;
use white_box::Error;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

/// Pseudo-random numbers that reach the edges: mantissas with long runs of equal bits, exact powers of two, chosen exponents.
struct Source(u64);

impl Source {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: u64) -> u64 {
        (self.bits() >> 11) % n
    }
    /// Uniform in [−1, 1].
    fn unit(&mut self) -> f64 {
        self.bits() as i64 as f64 / 9223372036854775808.0
    }
    fn mantissa(&mut self) -> u64 {
        let runs = |s: &mut Source| (0..4).fold(0u64, |m, _| m ^ (u64::MAX >> s.below(64)));
        match self.below(4) {
            0 => runs(self),
            1 => runs(self) & self.bits(),
            2 => 0,
            _ => self.bits(),
        }
    }
    /// A number of either sign with an exponent in the range.
    fn float(&mut self, exponents: std::ops::Range<i64>) -> f64 {
        let exponent = exponents.start + self.below((exponents.end - exponents.start) as u64) as i64;
        let bits = (self.bits() & 1 << 63) | ((exponent + 1023) as u64) << 52 | self.mantissa() >> 12;
        f64::from_bits(bits)
    }
    /// A pair whose parts touch, or lie far apart, or of which the second is 0.
    fn pair(&mut self, exponents: std::ops::Range<i64>) -> DoubleDouble {
        let hi = self.float(exponents);
        let gap = match self.below(4) {
            0 => return DoubleDouble::from(hi),
            1 => 54 + self.below(60) as i64,
            _ => 54,
        };
        let top = (hi.to_bits() >> 52 & 0x7ff) as i64 - 1023;
        let lo = self.float((top - gap).max(-1022)..(top - gap + 1).max(-1021));
        DoubleDouble::new(hi, lo)
    }
    /// A pair with a leading part uniform in the interval.
    fn between(&mut self, low: f64, high: f64) -> DoubleDouble {
        let hi = low + (high - low) * (0.5 + 0.5 * self.unit());
        DoubleDouble::new(hi, hi * self.unit() * f64::EPSILON / 2.0)
    }
    /// A ball around such a pair, with a radius from nothing to its own size.
    fn ball(&mut self, mid: DoubleDouble) -> Ball {
        let relative = match self.below(6) {
            0 => 0.0,
            1 => 1e-30,
            2 => 1e-17,
            3 => 1e-9,
            4 => 1e-3,
            _ => 0.7,
        };
        Ball::new(mid, (mid.hi() * relative * self.unit()).abs())
    }
    /// A number inside a ball, exactly: the midpoint plus k/8 of the radius.
    fn inside(&mut self, ball: Ball) -> Dyadic {
        let k = exact::Int::new(self.below(17) as i64 - 8);
        mid(ball).add(&Dyadic { n: k, p: -3 }.mul(&Dyadic::from_f64(ball.rad())))
    }
}

fn mid(ball: Ball) -> Dyadic {
    Dyadic::from_pair(ball.mid())
}

fn dd(x: f64) -> DoubleDouble {
    DoubleDouble::from(x)
}

/// `|x| · k · 2⁻¹⁰⁶`, the unit of every bound of double-double arithmetic.
fn units(x: &Dyadic, k: f64) -> Dyadic {
    x.abs().mul(&Dyadic::from_f64(k)).mul(&Dyadic::power(-106))
}

/// A true value as a fraction with positive denominator, so that no division is needed.
struct Truth {
    n: Dyadic,
    d: Dyadic,
}

impl Truth {
    fn new(n: Dyadic) -> Truth {
        Truth { n, d: Dyadic::power(0) }
    }
    /// `|y − truth| ≤ bound`, the reference being right to far less than a millionth of the bound.
    fn near(&self, y: &Dyadic, bound: &Dyadic) -> bool {
        let allowed = bound.mul(&self.d);
        y.mul(&self.d).sub(&self.n).abs().le(&allowed.add(&allowed.mul(&Dyadic::power(-20))))
    }
    fn inside(&self, ball: Ball) -> bool {
        ball.is_whole() || self.near(&mid(ball), &Dyadic::from_f64(ball.rad()))
    }
    /// The error of y in units of 2⁻¹⁰⁶ of the truth, roughly.
    fn error(&self, y: &Dyadic) -> f64 {
        let gap = y.mul(&self.d).sub(&self.n).abs();
        if gap.is_zero() { 0.0 } else { gap.mul(&Dyadic::power(106)).approx() / self.n.abs().approx() }
    }
}

fn close(x: DoubleDouble) -> bool {
    x.hi() + x.lo() == x.hi()
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Double-double arithmetic

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

// ---------------------------------------------------------------------------------------------------------------------------------------
// Elementary functions

type Function = (&'static str, fn(DoubleDouble) -> DoubleDouble, fn(Ball) -> Ball, fn(&Dyadic, &Dyadic) -> Truth);

fn wide(x: &Dyadic) -> i64 {
    // Bits for a power series whose terms grow to e^|x|, or that has to see a tiny x.
    let size = x.abs().approx();
    420 + 3 * size as i64 + (-size.log2()).clamp(0.0, 1200.0) as i64
}

fn true_exp(x: &Dyadic, _: &Dyadic) -> Truth {
    Truth::new(exact::exp(x, wide(x) + 1100))
}
fn true_expm1(x: &Dyadic, _: &Dyadic) -> Truth {
    Truth::new(exact::exp(x, wide(x)).sub(&Dyadic::power(0)))
}
/// `ln x = y + ln(1 + t)` with `t = x e^(−y) − 1` for any y close to it; with |t| < 2⁻⁹⁰ four terms reach 2⁻⁴⁵⁰.
fn true_ln(x: &Dyadic, y: &Dyadic) -> Truth {
    let t = x.mul(&exact::exp(&y.neg(), 2 * wide(y) + 1100 + (-x.abs().approx().log2()).max(0.0) as i64)).sub(&Dyadic::power(0));
    assert!(t.abs().le(&Dyadic::power(-90)), "the candidate is not even close");
    let t = Dyadic { n: t.n.shift(t.p + 1500), p: -1500 };
    let square = t.mul(&t);
    let third = Dyadic { n: exact::Int::new(1).shift(800).div(3), p: -800 };
    let sum = t.sub(&Dyadic { p: square.p - 1, n: square.n.clone() }).add(&square.mul(&t).mul(&third));
    Truth::new(y.add(&sum))
}
fn true_log1p(x: &Dyadic, y: &Dyadic) -> Truth {
    true_ln(&x.add(&Dyadic::power(0)), y)
}
fn true_tanh(x: &Dyadic, _: &Dyadic) -> Truth {
    let e = exact::exp(&Dyadic { n: x.n.clone(), p: x.p + 1 }, 2 * wide(x));
    Truth { n: e.sub(&Dyadic::power(0)), d: e.add(&Dyadic::power(0)) }
}
fn true_erf(x: &Dyadic, _: &Dyadic) -> Truth {
    let bits = 420 + (6.0 * x.approx() * x.approx()) as i64 + (-x.abs().approx().log2()).clamp(0.0, 1200.0) as i64;
    let sum = exact::erf_sum(x, bits);
    Truth { n: Dyadic { n: sum.n, p: sum.p + 1 }, d: root_pi(bits) }
}
fn root_pi(bits: i64) -> Dyadic {
    static ROOT: OnceLock<Dyadic> = OnceLock::new();
    let root = ROOT.get_or_init(|| exact::sqrt(&exact::pi(5400), 5400));
    assert!(bits <= 5400);
    Dyadic { n: root.n.shift(bits - 5400), p: -bits }
}
fn true_erfc(x: &Dyadic, y: &Dyadic) -> Truth {
    let erf = true_erf(x, y);
    Truth { n: erf.d.sub(&erf.n), d: erf.d }
}
fn halvings(x: &Dyadic) -> i64 {
    (x.abs().approx().log2() as i64 + 2).max(0)
}
fn true_sin(x: &Dyadic, _: &Dyadic) -> Truth {
    Truth::new(exact::sin_cos(x, halvings(x), wide(&Dyadic::power(0)) + 2 * halvings(x) + 1200).0)
}
fn true_cos(x: &Dyadic, _: &Dyadic) -> Truth {
    Truth::new(exact::sin_cos(x, halvings(x), wide(&Dyadic::power(0)) + 2 * halvings(x) + 1200).1)
}

const EXP: Function = ("exp", DoubleDouble::exp, Ball::exp, true_exp);
const EXPM1: Function = ("expm1", DoubleDouble::expm1, Ball::expm1, true_expm1);
const LN: Function = ("ln", DoubleDouble::ln, Ball::ln, true_ln);
const LOG1P: Function = ("log1p", DoubleDouble::log1p, Ball::log1p, true_log1p);
const TANH: Function = ("tanh", DoubleDouble::tanh, Ball::tanh, true_tanh);
const ERF: Function = ("erf", DoubleDouble::erf, Ball::erf, true_erf);
const ERFC: Function = ("erfc", DoubleDouble::erfc, Ball::erfc, true_erfc);
const SIN: Function = ("sin", DoubleDouble::sin, Ball::sin, true_sin);
const COS: Function = ("cos", DoubleDouble::cos, Ball::cos, true_cos);

/// The double-double value errs by at most `bound` units of 2⁻¹⁰⁶ of the true value, the ball around it holds the true value and has at most
/// twice that radius, and both have the same midpoint.
fn check((name, value, ball, truth): Function, x: DoubleDouble, bound: f64) -> f64 {
    let (y, b) = (value(x), ball(x.to_ball()));
    let truth = truth(&Dyadic::from_pair(x), &Dyadic::from_pair(y));
    let error = truth.error(&Dyadic::from_pair(y));
    assert!(truth.inside(b), "{name} {x:?} = {b:?} misses the truth; error {error}");
    assert!(error <= bound, "{name} {x:?} = {y:?} errs by {error}");
    let radius = b.rad() / y.hi().abs() * 2f64.powi(106);
    assert!(radius <= 2.0 * bound, "{name} {x:?} has radius {radius}");
    error
}

#[test]
fn elementary_functions_err_within_the_stated_bounds() {
    let mut s = Source(3);
    // Function, interval of the argument, number of points, bound in units of 2⁻¹⁰⁶ (as the documentation of double-double states it).
    for (function, low, high, count, bound) in [
        (EXP, -1.0, 1.0, 400, 8.0),
        (EXP, -30.0, 30.0, 100, 8.0),
        (EXP, -600.0, 709.0, 12, 8.0),
        (EXPM1, -0.4, 0.4, 400, 8.0),
        (EXPM1, -30.0, 30.0, 100, 8.0),
        (EXPM1, -1e-9, 1e-9, 100, 8.0),
        (LN, 0.0, 2.0, 150, 8.0),
        (LN, 0.6, 1.5, 150, 8.0),
        (LN, 0.99999, 1.00001, 100, 8.0),
        (LN, 0.0, 1e300, 10, 8.0),
        (LN, 0.0, 1e-280, 10, 8.0),
        (LOG1P, -1.0, 1.0, 150, 8.0),
        (LOG1P, -1e-7, 1e-7, 100, 8.0),
        (LOG1P, 0.0, 1e20, 50, 8.0),
        (TANH, -0.5, 0.5, 100, 8.0),
        (TANH, -40.0, 40.0, 100, 8.0),
        (TANH, -1e-8, 1e-8, 50, 8.0),
        (ERF, -0.6, 0.6, 40, 8.0),
        (ERF, -6.0, 6.0, 25, 8.0),
        (ERF, -1e-12, 1e-12, 10, 8.0),
        (ERFC, 0.0, 2.0, 40, 12.0),
        (ERFC, -4.0, 9.0, 25, 12.0),
        (ERFC, 9.0, 26.0, 4, 12.0),
        (SIN, -4.0, 4.0, 100, 8.0),
        (COS, -4.0, 4.0, 100, 8.0),
        (SIN, -1e-6, 1e-6, 50, 8.0),
        (SIN, -1e6, 1e6, 50, 8.0),
        (COS, -1e22, 1e22, 50, 8.0),
        (SIN, -1e300, 1e300, 10, 8.0),
        (COS, -1e300, 1e300, 10, 8.0),
    ] {
        let mut worst = 0f64;
        for _ in 0..count {
            let x = s.between(low, high);
            worst = worst.max(check(function, x, bound));
        }
        println!("{} on [{low}, {high}]: worst {worst:.2} of {bound}", function.0);
        assert!(worst > bound / 64.0, "{} on [{low}, {high}]: the bound {bound} is slack, worst {worst}", function.0);
    }
}

/// Values to 45 digits, computed with mpmath 1.3 at 1400 digits. Decimal arguments stand for the nearest f64.
const KNOWN: [(&str, &str, &str); 46] = [
    ("exp", "1", "2.71828182845904523536028747135266249775724709"),
    ("exp", "-1", "0.367879441171442321595523770161460867445811131"),
    ("exp", "0.5", "1.6487212707001281468486507878141635716537761"),
    ("exp", "700", "1.01423205473500450945532959523126761520467957e304"),
    ("exp", "-700", "9.85967654375977085670537294784946510511560018e-305"),
    ("expm1", "1", "1.71828182845904523536028747135266249775724709"),
    ("expm1", "-0.25", "-0.22119921692859513175482973302167935270322771"),
    ("expm1", "0x1p-100", "7.88860905221011805411728565283097380437099492e-31"),
    ("expm1", "50", "5.1847055285870724640864533229334853848274691e21"),
    ("ln", "2", "0.693147180559945309417232121458176568075500134"),
    ("ln", "10", "2.30258509299404568401799145468436420760110149"),
    ("ln", "0.5", "-0.693147180559945309417232121458176568075500134"),
    ("ln", "3", "1.09861228866810969139524523692252570464749056"),
    ("ln", "1e300", "690.77552789821370525790219666051368115065999"),
    ("log1p", "1", "0.693147180559945309417232121458176568075500134"),
    ("log1p", "0x1p-60", "8.67361737988403546829804048432821366808139457e-19"),
    ("log1p", "-0.5", "-0.693147180559945309417232121458176568075500134"),
    ("sqrt", "2", "1.41421356237309504880168872420969807856967188"),
    ("sqrt", "3", "1.73205080756887729352744634150587236694280525"),
    ("sqrt", "0.5", "0.707106781186547524400844362104849039284835938"),
    ("tanh", "0.1", "0.099667994624955822614277043698624833255378754"),
    ("tanh", "0.125", "0.124353001771596208054647275805892707675918793"),
    ("tanh", "1", "0.761594155955764888119458282604793590412768597"),
    ("tanh", "-20", "-0.999999999999999991503291489416822045438558191"),
    ("tanh", "0x1p-70", "8.47032947254300339068322500679641962051391399e-22"),
    ("erf", "0.5", "0.520499877813046537682746653891964528736451576"),
    ("erf", "1", "0.842700792949714869341220635082609259296066998"),
    ("erf", "-2", "-0.995322265018952734162069256367252928610891797"),
    ("erf", "0x1p-40", "1.02625487406431836816060112323347156686790892e-12"),
    ("erf", "5", "0.999999999998462540205571965149811656514616621"),
    ("erfc", "0.5", "0.479500122186953462317253346108035471263548424"),
    ("erfc", "1", "0.157299207050285130658779364917390740703933002"),
    ("erfc", "5", "1.53745979442803485018834348538337889011805031e-12"),
    ("erfc", "10", "2.08848758376254475700078629495778861156081812e-45"),
    ("erfc", "26", "5.66319240885614284647572789692609258032877756e-296"),
    ("erfc", "-1", "1.842700792949714869341220635082609259296067"),
    ("sin", "1", "0.841470984807896506652502321630298999622563061"),
    ("sin", "0.5", "0.479425538604203000273287935215571388081803368"),
    ("sin", "1e22", "-0.85220084976718880177270589375302936826176215"),
    ("sin", "-100", "0.506365641109758793656557610459785432065032721"),
    ("cos", "1", "0.540302305868139717400936607442976603732310421"),
    ("cos", "1e22", "0.523214785395138945497594473384709492140919972"),
    // The f64 that comes closest to a multiple of π/2.
    ("cos", "0x16ac5b262ca1ffp+797", "-4.68716592425462761112258280196388439877791472e-19"),
    ("sin", "0x1p+1023", "0.563127779850884013452943407944468347710385491"),
    ("cos", "0x1p+1023", "-0.826369834614147994500785680811743734805712733"),
    ("sin", "3", "0.141120008059867222100744802808110279846933264"),
];

fn by_name<S: Scalar>(name: &str, x: S) -> S {
    match name {
        "exp" => x.exp(),
        "expm1" => x.expm1(),
        "ln" => x.ln(),
        "log1p" => x.log1p(),
        "sqrt" => x.sqrt(),
        "tanh" => x.tanh(),
        "erf" => x.erf(),
        "erfc" => x.erfc(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        _ => panic!("no function {name}"),
    }
}
const NAMES: [&str; 10] = ["exp", "expm1", "ln", "log1p", "sqrt", "tanh", "erf", "erfc", "sin", "cos"];

#[test]
fn known_values_are_met_to_thirty_digits() {
    for (name, x, value) in KNOWN {
        let x = if x.starts_with("0x") { DoubleDouble::parse(x).unwrap() } else { dd(x.parse().unwrap()) };
        // The last digit of the table is rounded.
        let truth = Ball::parse(value).unwrap();
        let truth = truth.widen(truth.magnitude() * 1e-44);
        let ball = by_name(name, x.to_ball());
        assert!(ball.overlaps(&truth), "{name}({x}) = {ball}, expected {value}");
        // A radius is at least some twenty units of 2⁻¹⁰⁷⁴.
        let most = ball.magnitude().log10() + 1074.0 * 2f64.log10() - 1.3;
        assert!(ball.digits() > most.min(30.5), "{name}({x}) = {ball} certifies {} digits", ball.digits());
        assert!(ball.contains_double(by_name(name, x)), "{name}({x})");
        // The certified digits are the truth rounded to as many digits.
        let certified = ball.certified();
        let count = certified.split('e').next().unwrap().bytes().filter(u8::is_ascii_digit).skip_while(|&c| c == b'0').count();
        let off = (Ball::parse(&certified).unwrap() - truth).magnitude() / truth.magnitude();
        assert!(count as f64 >= ball.digits() - 3.0 && off <= 0.500001 * 10f64.powi(1 - count as i32), "{name}({x}) = {certified}, expected {value}");
    }
    let pi = Ball::parse("3.14159265358979323846264338327950288419716939937510582097494 ± 1e-59").unwrap();
    assert!(Ball::pi().contains_ball(&pi) && Ball::pi().rad() < 2f64.powi(-106));
    assert_eq!(Ball::pi().mid(), DoubleDouble::pi());
}

#[test]
fn at_the_ends_of_the_range_the_enclosure_holds() {
    let steps = |x: f64| [x.next_down().next_down(), x.next_down(), x, x.next_up(), x.next_up().next_up()];
    let tiny = f64::from_bits(1);
    for (function, edges) in [
        (EXP, &[709.782712893384, 708.0, -708.3964185322641, -745.1332191019411, -740.0, -780.0, 0.0, 0.35, -0.35, tiny, 1e-300, -1e-20][..]),
        (EXPM1, &[0.35, -0.35, 0.36, 0.0225, 36.0, -73.0, -80.0, 1e-308, tiny, 1e-320, 709.7]),
        (LN, &[1.0, std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::SQRT_2, 2.0, 0.5, f64::MAX, f64::MIN_POSITIVE, 3.0 * tiny, 1e-310]),
        (LOG1P, &[-0.292, 0.414, -1.0 + f64::EPSILON, 1e-308, tiny, 1.0, f64::MAX, 1e-17, -1e-17]),
        (TANH, &[0.175, 18.0, 37.0, 40.0, 1e-308, tiny, 0.5, -373.0, -400.0]),
        (ERF, &[0.5, -0.5, 1.0, 6.0, 8.0, tiny, 1e-308, 1e-5]),
        (ERFC, &[0.5, -0.5, 8.0, 26.5, 26.6, 27.2, 27.3, 28.0, 1e-20, -6.0, -8.0]),
        (SIN, &[0.785, std::f64::consts::PI, std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_4, f64::MAX, 1e-308, tiny, 4.0]),
        (COS, &[0.785, std::f64::consts::PI, std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_4, f64::MAX, 1e-308, tiny, 4.0]),
    ] {
        let (name, value, ball, truth) = function;
        for &edge in edges {
            for x in steps(edge).map(dd).into_iter().filter(|x| x.is_finite()) {
                if name == "ln" && x.hi() <= 0.0 || name == "log1p" && x.hi() <= -1.0 {
                    assert!(ball(x.to_ball()).is_whole());
                    continue;
                }
                let (y, b) = (value(x), ball(x.to_ball()));
                if !y.is_finite() {
                    assert!(b.is_whole() && (name == "exp" || name == "expm1") && x.hi() > 709.78, "{name} {x}");
                    continue;
                }
                let exact = Dyadic::from_pair(x);
                let truth = truth(&exact, &Dyadic::from_pair(y));
                assert!(truth.inside(b), "{name}({x}) = {b}");
                assert!(!b.is_whole(), "{name}({x})");
                // Eight units, and what a subnormal result cannot hold.
                let allowed = Dyadic::from_f64(y.hi()).abs().mul(&Dyadic::power(-102)).add(&Dyadic::power(-1069));
                assert!(truth.near(&Dyadic::from_pair(y), &allowed), "{name}({x}) = {y}");
                assert!(Dyadic::from_f64(b.rad()).le(&allowed), "{name}({x}) has radius {}", b.rad());
            }
        }
    }
}

#[test]
fn the_pair_nearest_to_a_multiple_of_half_pi_keeps_its_relative_accuracy() {
    for k in [1, 2, 3, 7, 22, 355, 1_000_003] {
        let x = DoubleDouble::pi() * dd(k as f64 * 0.5);
        check(if k % 2 == 0 { SIN } else { COS }, x, 8.0);
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------
// Balls

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
            let (low, high) = (mid(root).sub(&Dyadic::from_f64(root.rad().min(1e300))), mid(root).add(&Dyadic::from_f64(root.rad().min(1e300))));
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
    for x in [whole + zero, zero - whole, whole * zero, zero * whole, whole / Ball::ONE, Ball::ONE / whole, whole.mul_add(zero, zero), zero.mul_add(whole, zero)] {
        assert!(x.is_whole());
    }
    for x in [whole.square(), whole.abs(), whole.relu(), whole.max(zero), zero.max(whole), whole.soft_threshold(Ball::ONE), whole.hull(zero), whole.powi(3), -whole, whole.powi(-2)] {
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
        assert!(x.contains_ball(&y) || y.contains_ball(&x) || hull.rad() <= half.approx() * 0.5 * (1.0 + 1e-12) + x.magnitude() * 2f64.powi(-103), "{x:?} {y:?} {hull:?}");
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
        let exponents = if round % 3 == 0 { -1022..-1000 } else if round % 3 == 1 { -150..-120 } else { -3..100 };
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
