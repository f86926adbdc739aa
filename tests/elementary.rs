//! The elementary functions of `f64` and `f32`: within their stated bounds, right at special values, lawful, and the same bits one by one and
//! in slices on every instruction set.

use std::fs;
use std::path::Path;
use white_box::linalg::dispatch::{Isa, Kernel};
use white_box::linalg::kernel::{self, Real};
use white_box::oracle::accuracy::{FUNCTIONS, measured_f64};
use white_box::random::Rng;
use white_box::scalar::elementary::{cos_each, sin_each};
use white_box::scalar::{Ball, DoubleDouble, Function, Scalar};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy.md");
    fs::read_to_string(path).expect("`white-box verify --exhaustive --table docs/accuracy.md` writes it")
}

/// Every range and every branch point; and the committed table says what is measured.
#[test]
fn f64_is_within_its_bounds_and_the_table_is_up_to_date() {
    let page = page();
    for row in measured_f64() {
        assert!(row.holds(), "above its bound: {row}");
        assert!(page.contains(&format!("{row}\n")), "docs/accuracy.md lacks {row}: `white-box verify --exhaustive` writes it");
    }
}

/// Every number is measured by the command. Here: no sample is worse than its row in the table says, the argument of that row still has
/// exactly that error, and the row is within its bound.
#[test]
fn f32_is_within_its_bounds_and_as_bad_as_the_table_says() {
    let page = page();
    for f in FUNCTIONS {
        let row = page.lines().find(|l| l.starts_with(&format!("| {} | f32 | every number | 4294967296 |", f.name)));
        let cells: Vec<&str> = row.unwrap_or_else(|| panic!("{} in f32 is not in docs/accuracy.md", f.name)).split(" | ").collect();
        let (worst, at): (f64, f32) = (cells[4].parse().unwrap(), cells[5].parse().unwrap());
        assert_eq!(format!("{:.4}", f.error_f32(at)), cells[4], "{} at {at:?}", f.name);
        assert!(worst <= f.bounds[1], "{} in f32 is off by {worst} ulp", f.name);
        for &range in f.ranges {
            let sampled = f.sampled_f32(range, 1 << 12);
            assert!(sampled.ulps <= worst + 0.5e-4, "{} in f32 is off by {} ulp at {}", f.name, sampled.ulps, sampled.at);
        }
    }
}

fn special<S: Scalar>() {
    let s = S::from_f64;
    let is =
        |x: S, y: f64| assert!(x.value() == y && x.value().is_sign_negative() == y.is_sign_negative(), "{}: {x:?} is not {y}", S::NAME);
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (y, known) in [
        (s(-inf).exp(), 0.0),
        (s(inf).exp(), inf),
        (s(0.0).exp(), 1.0),
        (s(-inf).expm1(), -1.0),
        (s(inf).expm1(), inf),
        (s(-0.0).expm1(), -0.0),
        (s(0.0).ln(), -inf),
        (s(-0.0).ln(), -inf),
        (s(1.0).ln(), 0.0),
        (s(inf).ln(), inf),
        (s(-1.0).log1p(), -inf),
        (s(-0.0).log1p(), -0.0),
        (s(inf).log1p(), inf),
        (s(inf).tanh(), 1.0),
        (s(-inf).tanh(), -1.0),
        (s(-0.0).tanh(), -0.0),
        (s(inf).erf(), 1.0),
        (s(-inf).erf(), -1.0),
        (s(-0.0).erf(), -0.0),
        (s(inf).erfc(), 0.0),
        (s(-inf).erfc(), 2.0),
        (s(0.0).erfc(), 1.0),
        (s(-0.0).sin(), -0.0),
        (s(0.0).cos(), 1.0),
        (s(-0.0).sqrt(), -0.0),
        (s(0.0).powi(0), 1.0),
        (s(2.0).powi(-3), 0.125),
        (s(-0.0).abs(), 0.0),
        (s(-2.0).relu(), 0.0),
        (s(inf).relu(), inf),
        (s(-0.0).max(s(0.0)), -0.0),
        (s(0.0).max(s(-0.0)), 0.0),
        (s(1.0).min(s(-inf)), -inf),
        (s(3.0).soft_threshold(s(1.0)), 2.0),
        (s(-3.0).soft_threshold(s(1.0)), -2.0),
        (s(1.0).soft_threshold(s(1.0)), 0.0),
        (s(-0.5).soft_threshold(s(1.0)), -0.0),
        (s(-0.0).soft_threshold(s(1.0)), -0.0),
    ] {
        is(y, known);
    }
    for y in [s(-1.0).ln(), s(-inf).ln(), s(-2.0).log1p(), s(inf).sin(), s(-inf).cos(), s(-1.0).sqrt()] {
        assert!(y.value().is_nan(), "{}", S::NAME);
    }
    for f in [S::exp, S::expm1, S::ln, S::log1p, S::tanh, S::erf, S::erfc, S::sin, S::cos, S::sqrt, S::abs, S::relu, S::square] {
        assert!(f(s(nan)).value().is_nan(), "{}: NaN goes through", S::NAME);
    }
    for f in [S::max, S::min, S::soft_threshold] {
        assert!(f(s(nan), s(1.0)).value().is_nan() && f(s(1.0), s(nan)).value().is_nan(), "{}: NaN wins", S::NAME);
    }
    assert_eq!(s(nan).sign(), None);
}

#[test]
fn special_values_are_right() {
    special::<f32>();
    special::<f64>();
}

/// The places where a result leaves the numbers: the last that does not overflow, the first that does; likewise for underflow.
#[test]
fn results_leave_the_range_where_the_true_ones_do() {
    let last = 709.782712893384f64; // the greatest f64 below ln(f64::MAX) (1 + 2⁻⁵⁴)
    assert!(Scalar::exp(last) < f64::INFINITY && Scalar::exp(last.next_up()) == f64::INFINITY);
    let least = -745.1332191019411f64; // the least above ln 2⁻¹⁰⁷⁵
    assert!(Scalar::exp(least) == f64::from_bits(1) && Scalar::exp(least.next_down()) == 0.0);
    assert!(Scalar::exp(88.722_83f32) < f32::INFINITY && Scalar::exp(88.722_84f32) == f32::INFINITY);
    assert!(Scalar::exp(-103.9f32) == f32::from_bits(1) && Scalar::exp(-104.0f32) == 0.0);
    assert_eq!(Scalar::ln(f64::from_bits(1)), -744.4400719213812); // −1074 ln 2
    assert_eq!(Scalar::ln(f32::from_bits(1)), -103.27893f32); // −149 ln 2
}

/// Numbers of any size and sign, with the special ones, and moderate ones.
fn arguments<T: Real>(rng: &mut Rng, count: usize) -> Vec<T> {
    let any =
        |bits: u64| T::from_ball(Ball::exact(if T::NAME == "f32" { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }));
    let mut x: Vec<T> = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0].map(T::from_f64).to_vec();
    x.extend((0..count).map(|i| {
        let x = if i % 2 == 0 { any(rng.bits()) } else { T::from_f64(8.0 * rng.gaussian()) };
        if x.is_finite() { x } else { T::ONE }
    }));
    x
}
/// Equal to the bit, any NaN for any NaN.
fn same<T: Real>(x: T, y: T) -> bool {
    let (x, y) = (x.value(), y.value());
    x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan()
}

fn symmetric<T: Real>(rng: &mut Rng) {
    for x in arguments::<T>(rng, 20_000) {
        for f in [T::tanh, T::erf, T::sin] {
            assert!(same(f(-x), -f(x)), "odd at {x:?}");
        }
        assert!(same((-x).cos(), x.cos()), "even at {x:?}");
        assert!(x.value() < 1.0 || same((-x).erfc(), T::from_f64(2.0) - x.erfc()), "reflected at {x:?}");
    }
}

#[test]
fn symmetries_hold_to_the_bit() {
    symmetric::<f64>(&mut Rng::new(3));
    symmetric::<f32>(&mut Rng::new(4));
}

/// If the true values are farther apart than both errors, the results keep their order; and nearly all pairs are.
#[test]
fn increasing_functions_increase() {
    let mut rng = Rng::new(5);
    for f in FUNCTIONS.iter().filter(|f| !["erfc", "sin", "cos"].contains(&f.name)) {
        let mut decided = 0;
        for _ in 0..2000 {
            let x = if f.name == "ln" { 8.0 * rng.uniform() } else { 4.0 * rng.uniform() - 0.9 };
            let y = x + x.abs() * 2f64.powi(-40);
            let (low, high) = ((f.in_ball)(Ball::exact(x)), (f.in_ball)(Ball::exact(y)));
            let size = if low.magnitude() > high.magnitude() { low.magnitude() } else { high.magnitude() };
            if (high - low).lower() > 2.0 * f.bounds[0] * f64::EPSILON * size {
                decided += 1;
                assert!((f.in_f64)(x) < (f.in_f64)(y), "{} at {x:?}", f.name);
            }
        }
        assert!(decided > 1500, "{}: {decided}", f.name);
    }
}

/// Of all f64, 6381956970095103 · 2⁷⁹⁷ is the nearest to a multiple of π/2 (Muller et al., *Handbook of Floating-Point Arithmetic*, 2018, ch. 10): its
/// cosine is −4.687…e−19. With it the multiples of π/2, each off by its own rounding only.
#[test]
fn angles_next_to_a_multiple_of_half_pi_keep_their_digits() {
    let [sin, cos] = ["sin", "cos"].map(|name| FUNCTIONS.iter().find(|f| f.name == name).unwrap());
    let nearest = 6381956970095103.0 * 2f64.powi(797);
    assert!((Scalar::cos(nearest) + 4.687_165_924_254_628e-19).abs() < 1e-33);
    let multiples = (1..30).flat_map(|k| [1.0, 3.0, 5.0].map(|m| m * 2f64.powi(k) * std::f64::consts::FRAC_PI_2));
    for x in multiples.chain((0..970).map(|k| 6381956970095103.0 * 2f64.powi(k))).chain([nearest, f64::MAX]) {
        for (f, x) in [(sin, x), (cos, x), (sin, -x), (cos, -x)] {
            assert!(f.error_f64(x) <= f.bounds[0], "{} is off by {} ulp at {x:e}", f.name, f.error_f64(x));
        }
    }
}

/// hi + lo is rounded to f32 once: also where hi alone lies halfway between two f32 or next to there.
#[test]
fn a_ball_becomes_the_nearest_f32() {
    let unit = 2f64.powi(-24);
    let round = |hi: f64, lo: f64| f32::from_ball(Ball::new(DoubleDouble::from_sum(hi, lo), 0.0));
    let (down, up, next) = (1.0f32, 1.0f32.next_up(), 1.0f32.next_up().next_up());
    for sign in [1.0, -1.0] {
        for (hi, lo, nearest) in [
            (1.0 + unit, 0.0, down), // a tie goes to the even one
            (1.0 + unit, 1e-30, up),
            (1.0 + unit, -1e-30, down),
            (1.0 + 3.0 * unit, -1e-30, up),
            (1.0 + 3.0 * unit, 0.0, next),
            ((1.0 + unit).next_down(), 1e-17, down),
            ((1.0 + unit).next_up(), -1e-17, up),
            (1.0, -1e-30, 1.0),
            (1.0, 1e-30, 1.0),
        ] {
            assert_eq!(round(sign * hi, sign * lo).to_bits(), (sign as f32 * nearest).to_bits(), "{hi:?} + {lo:?}");
        }
    }
    assert_eq!(round(1e300, -1e280), f32::INFINITY);
    assert_eq!(round(2f64.powi(-150), 1e-60), f32::from_bits(1));
    assert_eq!(round(2f64.powi(-150), -1e-60).to_bits(), 0);
}

struct Angles<'a>(&'a mut [f64], bool);
impl Kernel for Angles<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        if self.1 { sin_each(self.0) } else { cos_each(self.0) }
    }
}

fn sliced<T: Real>(rng: &mut Rng) {
    for &f in Function::LIST {
        for n in [0, 2, 11, 1000] {
            let x = arguments::<T>(rng, n);
            for isa in Isa::available() {
                let mut y = x.clone();
                kernel::map(isa, f, &mut y);
                for (&y, &x) in y.iter().zip(&x) {
                    assert!(same(y, f.of(x)), "{f:?} of {x:?} in {} on {}: {y:?}, alone {:?}", T::NAME, isa.name(), f.of(x));
                }
            }
        }
    }
}

#[test]
fn slices_have_the_bits_of_single_numbers_on_every_instruction_set() {
    sliced::<f64>(&mut Rng::new(6));
    sliced::<f32>(&mut Rng::new(7));
    let mixed = arguments::<f64>(&mut Rng::new(8), 1500);
    let moderate = (0..1500).map(|k| 0.37 * f64::from(k) - 200.0).collect();
    for x in [mixed, moderate] {
        for isa in Isa::available() {
            for (sine, f) in [(true, <f64 as Scalar>::sin as fn(f64) -> f64), (false, Scalar::cos)] {
                let mut y = x.clone();
                isa.run(Angles(&mut y, sine));
                assert!(y.iter().zip(&x).all(|(&y, &x)| same(y, f(x))), "{}", isa.name());
            }
        }
    }
}
