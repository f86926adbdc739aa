//! Elementary functions of double-double numbers and of exact balls against their power series in integers.

use crate::exact::{self, Dyadic};
use crate::source::{Source, Truth, dd};
use std::sync::OnceLock;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

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
    // The terms grow to e^(x²), and erfc falls to e^(−x²).
    let bits = 420 + (3.0 * x.approx() * x.approx()) as i64 + (-x.abs().approx().log2()).clamp(0.0, 1200.0) as i64;
    let sum = exact::erf_sum(x, bits);
    Truth { n: Dyadic { n: sum.n, p: sum.p + 1 }, d: root_pi(bits) }
}
fn root_pi(bits: i64) -> Dyadic {
    static ROOT: OnceLock<Dyadic> = OnceLock::new();
    let root = ROOT.get_or_init(|| exact::sqrt(&exact::pi(4000), 4000));
    assert!(bits <= 4000);
    Dyadic { n: root.n.shift(bits - 4000), p: -bits }
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

pub fn by_name<S: Scalar>(name: &str, x: S) -> S {
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
pub const NAMES: [&str; 10] = ["exp", "expm1", "ln", "log1p", "sqrt", "tanh", "erf", "erfc", "sin", "cos"];

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
        assert!(
            count as f64 >= ball.digits() - 3.0 && off <= 0.500001 * 10f64.powi(1 - count as i32),
            "{name}({x}) = {certified}, expected {value}"
        );
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
        (
            EXP,
            &[709.782712893384, 708.0, -708.3964185322641, -745.1332191019411, -740.0, -780.0, 0.0, 0.35, -0.35, tiny, 1e-300, -1e-20][..],
        ),
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
