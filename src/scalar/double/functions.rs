//! The elementary functions of a double-double argument, each written once for two arithmetics: in [`DoubleDouble`] it gives the value,
//! in [`Ball`](crate::scalar::Ball) an enclosure of the true value, whose radius gathers every rounding and the proven remainder of every
//! series. The midpoint of the enclosure is the double-double value, so the enclosure is also the proof of the value's accuracy.

use super::DoubleDouble;
use super::angle;
use super::constants::{self as c, Constant};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An arithmetic in which a formula is evaluated.
pub(in crate::scalar) trait Field:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The number itself.
    fn exactly(x: DoubleDouble) -> Self;
    /// A real constant, with what its pair leaves out.
    fn constant(c: &Constant) -> Self;
    /// Room for a remainder of at most `by`.
    fn widened(self, by: f64) -> Self;
    /// The result of an overflow: an infinity, or the whole line.
    fn overflow() -> Self;
    /// An upper bound of the magnitude, up to a factor 1 + 2⁻⁵⁰.
    fn size(self) -> f64;
    /// eˣ − 1 of a computed number.
    fn expm1_of(self) -> Self;
    /// ln x of a computed number.
    fn ln_of(self) -> Self;
}

impl Field for DoubleDouble {
    #[inline(always)]
    fn exactly(x: DoubleDouble) -> Self {
        x
    }
    #[inline(always)]
    fn constant(c: &Constant) -> Self {
        DoubleDouble { hi: c.hi, lo: c.lo }
    }
    #[inline(always)]
    fn widened(self, _: f64) -> Self {
        self
    }
    fn overflow() -> Self {
        DoubleDouble { hi: f64::INFINITY, lo: 0.0 }
    }
    #[inline(always)]
    fn size(self) -> f64 {
        self.hi.abs()
    }
    fn expm1_of(self) -> Self {
        expm1(self)
    }
    fn ln_of(self) -> Self {
        ln(self)
    }
}

fn number<T: Field>(x: f64) -> T {
    T::exactly(DoubleDouble { hi: x, lo: 0.0 })
}

/// `Σ cₙ zⁿ`, with room for `|remainder| ≤ tail`. Four sums over every fourth power by Horner's rule in z⁴, which do not wait for each
/// other, are joined by the rule in z (Estrin, 1960).
fn series<T: Field>(coefficients: &[Constant], z: T, tail: f64) -> T {
    let square = z * z;
    let fourth = square * square;
    let mut lanes = [number::<T>(0.0); 4];
    for (n, four) in coefficients.chunks(4).rev().enumerate() {
        for (lane, c) in lanes.iter_mut().zip(four) {
            let c = T::constant(c);
            *lane = if n == 0 { c } else { *lane * fourth + c };
        }
    }
    let [a, b, c, d] = lanes;
    (((d * z + c) * square + b * z) + a).widened(tail)
}

/// `x 2ᵏ` for |k| ≤ 2100, in steps that are normal numbers.
fn shifted<T: Field>(x: T, k: i32) -> T {
    let third = k / 3;
    [third, third, k - 2 * third].into_iter().fold(x, |x, k| if k == 0 { x } else { x * number(power_of_two(k)) })
}

/// 2⁻¹⁰⁷⁴.
const SMALLEST: f64 = f64::from_bits(1);

fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((1023 + k) as u64) << 52)
}

/// `e^s − 1` for |s| below 0.36.
///
/// With t = s/16 the series `t Σ tⁿ/(n+1)!` of 15 terms with |t| ≤ 0.0225 leaves a remainder below `|t| 1.01 t¹⁵/16! < |t| 2⁻¹²⁵`; then
/// `(1 + m)² − 1 = m (m + 2)` four times, which keeps the relative error of m, unlike squaring.
fn expm1_reduced<T: Field>(s: T) -> T {
    let halvings = if s.size() < 0.0225 { 0 } else { 4 };
    let t = s * number(power_of_two(-halvings));
    let sum = series(&c::INVERSE_FACTORIAL[1..16], t, power_of_two(-125));
    (0..halvings).fold(t * sum, |m, _| m * (m + number(2.0)))
}

/// `x = k ln 2 + s` with |s| ≤ 0.35. The product of k and the head of ln 2 is exact, and so is its subtraction from the leading part of x.
fn reduce<T: Field>(x: DoubleDouble) -> (i32, T) {
    let k = (x.hi / c::LN_2.hi).round_ties_even();
    let s = T::exactly(x) - number(k * c::LN_2_HEAD);
    (k as i32, s - T::constant(&c::LN_2_TAIL) * number(k))
}

/// eˣ = 2ᵏ (1 + (eˢ − 1)).
pub(in crate::scalar) fn exp<T: Field>(x: DoubleDouble) -> T {
    if x.hi.is_nan() {
        return T::exactly(x);
    }
    if x.hi > 710.0 {
        return T::overflow();
    }
    if x.hi < -746.0 {
        // e⁻⁷⁴⁶ < 2⁻¹⁰⁷⁴
        return number::<T>(0.0).widened(SMALLEST);
    }
    let (k, s) = reduce::<T>(x);
    shifted(expm1_reduced(s) + number(1.0), k)
}

/// eˣ − 1.
pub(in crate::scalar) fn expm1<T: Field>(x: DoubleDouble) -> T {
    if x.hi.abs() < 0.35 { expm1_reduced(T::exactly(x)) } else { exp::<T>(x) - number(1.0) }
}

/// `2 artanh s = ln((1 + s)/(1 − s))` for |s| ≤ 0.1716: `2 s Σ s²ⁿ/(2n+1)`. With z = s² ≤ 0.02945, 22 terms leave a remainder below
/// `z²²/45/(1 − z) < 2⁻¹¹⁷` in the sum.
fn twice_artanh<T: Field>(s: T) -> T {
    (s + s) * series(&c::INVERSE_ODD[..22], s * s, power_of_two(-117))
}

/// `ln x = k ln 2 + 2 artanh((m − 1)/(m + 1))` with x = 2ᵏ m and m in [√½, √2].
pub(in crate::scalar) fn ln<T: Field>(x: DoubleDouble) -> T {
    if x.hi == 0.0 {
        return -T::overflow();
    }
    if x.hi < 0.0 || !x.hi.is_finite() {
        return T::exactly(if x.hi < 0.0 { DoubleDouble { hi: f64::NAN, lo: 0.0 } } else { x });
    }
    let (bits, below) = if x.hi < f64::MIN_POSITIVE { ((x.hi * power_of_two(60)).to_bits(), 60) } else { (x.hi.to_bits(), 0) };
    // Adding the distance from √½ to 1 in bits carries √½ ≤ m < √2 into the binade of 1.
    let k = ((bits + (1f64.to_bits() - std::f64::consts::FRAC_1_SQRT_2.to_bits())) >> 52) as i32 - 1023 - below;
    let m = shifted(T::exactly(x), -k);
    let artanh = twice_artanh((m - number(1.0)) / (m + number(1.0)));
    if k == 0 { artanh } else { T::constant(&c::LN_2) * number(k as f64) + artanh }
}

/// `ln(1 + x)`: `2 artanh(x/(2 + x))` near 0; elsewhere 1 + x is formed, which costs a relative error of at most its own rounding.
pub(in crate::scalar) fn log1p<T: Field>(x: DoubleDouble) -> T {
    let x0 = x.hi;
    let x = T::exactly(x);
    if (-0.292..0.414).contains(&x0) { twice_artanh(x / (number::<T>(2.0) + x)) } else { (x + number(1.0)).ln_of() }
}

/// `tanh x = −e/(2 + e)` with `e = e^(−2|x|) − 1` in (−1, 0]: no overflow, no cancellation.
pub(in crate::scalar) fn tanh<T: Field>(x: DoubleDouble) -> T {
    if x.hi.is_nan() {
        return T::exactly(x);
    }
    let twice = DoubleDouble { hi: -2.0 * x.hi.abs(), lo: if x.hi < 0.0 { 2.0 * x.lo } else { -2.0 * x.lo } };
    let twice = if twice.hi < -800.0 { DoubleDouble { hi: -800.0, lo: 0.0 } } else { twice };
    let e = expm1::<T>(twice);
    let positive = -e / (number::<T>(2.0) + e);
    if x.hi < 0.0 { -positive } else { positive }
}

/// The error function for |x| < ½: `2x/√π Σ (−x²)ⁿ / (n! (2n+1))`, alternating with falling terms, so that 22 terms leave less than
/// the 23rd: `4⁻²²/(22! 45) < 2⁻¹¹⁹`.
fn erf_series<T: Field>(x: DoubleDouble) -> T {
    let x = T::exactly(x);
    x * T::constant(&c::TWO_OVER_ROOT_PI) * series(&c::ERF_SERIES[..22], -(x * x), power_of_two(-118))
}

/// `e^(−x²)` for x ≥ 0 with its full relative accuracy: x² = p + q with p the exact square of the leading part and |q| < 2⁻⁴¹,
/// e^(−p) by [`exp`], and `e^(−q) = 1 − q + q²/2` to within |q|³ < 2⁻¹²³.
pub(in crate::scalar) fn gaussian<T: Field>(x: DoubleDouble) -> T {
    if x.hi > 28.0 {
        // e⁻⁷⁸⁴ < 2⁻¹⁰⁷⁴
        return number::<T>(0.0).widened(SMALLEST);
    }
    let p = DoubleDouble::from_product(x.hi, x.hi);
    let (head, low) = (number::<T>(x.hi), number::<T>(x.lo));
    let q = low * (head + head + low);
    let near_one = number::<T>(1.0) - q + q * q * number(0.5);
    let third = q.size() * q.size() * q.size();
    exp::<T>(-p) * near_one.widened(third + SMALLEST)
}

/// 1 − erf(x) for x ≥ ½, from the value of [`gaussian`].
///
/// `erfc x = (x e^(−x²)/π) ∫ e^(−t²)/(t² + x²) dt` over the line. The trapezoidal rule with step h = 11/32 (Chiarella and Reichel, Math.
/// Comp. 22, 1968; Hunter and Regan, Math. Comp. 26, 1972) errs by the pole at t = ix, which is subtracted exactly, and by an exponentially
/// small term. In full, moving the line of integration of `f(t) = e^(−t²)/(t² + x²)` to height a:
/// ```text
/// h Σ f(nh) = ∫ f + [x < a] 2π e^(x²) / (x (e^(2πx/h) − 1)) + E,
/// |E| ≤ 2√π e^(a²) / ((e^(2πa/h) − 1) |a² − x²|)
/// ```
/// With a = π/h = 9.139… for x < 8, a = 7 for x ≥ 8 (then the pole is not crossed and nothing is subtracted), `x² |E| < 2⁻¹¹⁰`; and the terms
/// beyond n = 26 sum to less than 2⁻¹²³. So `erfc x = e^(−x²)/(π x) h x² (Σ + R) − 2/(e^(2πx/h) − 1)`, `|h x² R| < 2⁻¹⁰⁹`.
fn erfc_tail<T: Field>(x: DoubleDouble, gaussian: T) -> T {
    let (h, x0) = (0.34375, x.hi);
    let x = T::exactly(x);
    let square = x * x;
    // h x² Σ f(nh) = h (1 + 2 Σ_{n≥1} e^(−n²h²) x²/(n²h² + x²)), smallest terms first.
    let sum =
        (1..27).rev().fold(number::<T>(0.0), |sum, n| sum + T::constant(&c::GAUSSIAN[n]) / (square + number((n * n) as f64 * (h * h))));
    let sum = (number::<T>(0.5) + square * sum) * number(2.0 * h);
    let value = gaussian * T::constant(&c::ONE_OVER_PI) / x * sum.widened(power_of_two(-109));
    if x0 >= 8.0 {
        return value;
    }
    let angle = x * T::constant(&c::PI) * number(2.0) / number(h);
    value - number::<T>(2.0) / angle.expm1_of()
}

/// `(erf x, erfc x, g)`, where g is an upper bound of e^(−x²) that exceeds it by at most 0.4 %.
pub(in crate::scalar) fn error_functions<T: Field>(x: DoubleDouble) -> (T, T, T) {
    let one = number::<T>(1.0);
    if x.hi.abs() < 0.5 || x.hi.is_nan() {
        let erf = erf_series::<T>(x);
        let square = T::exactly(x) * T::exactly(x);
        return (erf, one - erf, one - square + square * square * number(0.5));
    }
    let size = if x.hi > 0.0 { x } else { -x };
    let gaussian = gaussian::<T>(size);
    // Beyond 28, erfc x < e^(−x²) < 2⁻¹⁰⁷⁴.
    let erfc = if size.hi > 28.0 { gaussian } else { erfc_tail(size, gaussian) };
    if x.hi > 0.0 { (one - erfc, erfc, gaussian) } else { (erfc - one, number::<T>(2.0) - erfc, gaussian) }
}

/// `(sin x, cos x)` for every finite x.
pub(in crate::scalar) fn sin_cos<T: Field>(x: DoubleDouble) -> (T, T) {
    if !x.hi.is_finite() {
        let none = T::exactly(DoubleDouble { hi: f64::NAN, lo: 0.0 });
        return (none, none);
    }
    let (quarter, r) =
        if x.hi.abs() < 0.785 { (0, T::exactly(x)) } else { angle::quarters(x, |f| T::constant(&f) * T::constant(&c::HALF_PI)) };
    // With |r| < 0.7855, z = r² < 0.6170: sin r = r Σ (−z)ⁿ/(2n+1)! leaves less than z¹⁴/29! < 2⁻¹¹² of r after 14 terms,
    // cos r = Σ (−z)ⁿ/(2n)! less than z¹⁵/30! < 2⁻¹¹⁷ after 15.
    let z = -(r * r);
    let sine = r * series(&c::ODD_FACTORIALS, z, power_of_two(-112));
    let cosine = series(&c::EVEN_FACTORIALS, z, power_of_two(-117));
    match quarter {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}
