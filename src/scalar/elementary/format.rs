//! What the two IEEE formats differ in: constants, coefficients and where the exponent sits.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// An IEEE 754 binary format: `f64` or `f32`.
pub trait Binary:
    Copy + PartialOrd + 'static + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// 1.5 · 2^(precision − 1): adding it rounds to an integer, which then lies in the low bits.
    const ROUND: Self;
    /// 1 / ln 2.
    const LOG2_E: Self;
    /// ln 2, rounded, and the rest.
    const LN_2: [Self; 2];
    /// ln 2 with so many zeros at its end that a product with any exponent is exact, and the rest.
    const LN_2_SHORT: [Self; 2];
    /// Outside this range the exponential is 0 or ∞.
    const EXP_RANGE: [Self; 2];
    /// Below this expm1 is −1.
    const EXPM1_LEAST: Self;
    /// Above this tanh is 1.
    const TANH_MOST: Self;
    /// Above these erf is 1 and erfc 0 in this format.
    const ERF_MOST: [Self; 2];
    /// Below this in size, expm1, log1p and tanh are their argument.
    const TINY: Self;
    /// The smallest normal number, and a power of two that makes every subnormal normal, with its exponent.
    const SUBNORMAL: [Self; 3];

    // The polynomials. The errors stated with them are relative to the function that they serve: e^r − 1, ln, erf, erfc, erf.

    /// (e^r − 1 − r) / r² for |r| ≤ ½ ln 2.
    const EXP: &'static [Self];
    /// (2 atanh s − 2s) / s³ in z = s², for s ≤ (√2 − 1)/(√2 + 1).
    const LN: &'static [Self];
    /// erf(x)/x − 1 in x², for x ≤ 13/16.
    const ERF: &'static [Self];
    /// (x + a) e^(x²) erfc(x) in u = (x − a)/(x + a), from x = 13/16 on.
    const ERFC: &'static [Self];
    /// The a of [`Self::ERFC`], such that G(0) has many zeros at its end.
    const ERFC_CENTRE: Self;
    /// ln erfc(x) in x − c, from x = 13/16 until erfc no longer changes 1.
    const LN_ERFC: &'static [Self];
    /// The c of [`Self::LN_ERFC`], such that ln erfc(c) has many zeros at its end.
    const LN_ERFC_CENTRE: Self;

    /// The nearest number to `x`.
    fn of(x: f64) -> Self;
    /// `self * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// |x| with the sign of `s`.
    fn copysign(self, s: Self) -> Self;
    /// 2ⁿ for `self` = n + [`Self::ROUND`], n the exponent of a normal number.
    fn power_of_two(self) -> Self;
    /// `self` · 2ⁿ for `k` = n + [`Self::ROUND`], in two steps, so that only the last one rounds.
    fn scale(self, k: Self) -> Self;
    /// For a positive normal number, n and m in [√½, √2) with `self` = 2ⁿ m.
    fn split(self) -> (Self, Self);
}

macro_rules! binary {
    ($t:ident, $bits:ident, $fraction:literal, $bias:literal, { $($constants:tt)* }) => {
        impl Binary for $t {
            $($constants)*
            #[inline(always)]
            fn of(x: f64) -> $t {
                x as $t
            }
            #[inline(always)]
            fn mul_add(self, b: $t, c: $t) -> $t {
                $t::mul_add(self, b, c)
            }
            #[inline(always)]
            fn abs(self) -> $t {
                $t::abs(self)
            }
            #[inline(always)]
            fn copysign(self, s: $t) -> $t {
                $t::copysign(self, s)
            }
            #[inline(always)]
            fn power_of_two(self) -> $t {
                $t::from_bits(self.to_bits().wrapping_add($bias) << $fraction)
            }
            #[inline(always)]
            fn scale(self, k: $t) -> $t {
                let n = k.to_bits();
                let half = n >> 1;
                let rest = n.wrapping_sub(half);
                self * $t::from_bits(half.wrapping_add($bias) << $fraction) * $t::from_bits(rest.wrapping_add($bias) << $fraction)
            }
            #[inline(always)]
            fn split(self) -> ($t, $t) {
                const TO_ONE: $bits = (1.0 as $t).to_bits() - (std::f64::consts::FRAC_1_SQRT_2 as $t).to_bits();
                const WHOLE: $t = (1u64 << $fraction) as $t;
                let bits = self.to_bits();
                let exponent = bits.wrapping_add(TO_ONE) >> $fraction;
                let m = $t::from_bits(bits.wrapping_sub(exponent.wrapping_sub($bias) << $fraction));
                ($t::from_bits(exponent | WHOLE.to_bits()) - (WHOLE + $bias as $t), m)
            }
        }
    };
}

binary!(f64, u64, 52, 1023, {
    const ROUND: f64 = 6755399441055744.0;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2: [f64; 2] = [std::f64::consts::LN_2, 2.3190468138462996e-17];
    const LN_2_SHORT: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
    const EXP_RANGE: [f64; 2] = [-746.0, 710.0];
    const EXPM1_LEAST: f64 = -40.0;
    const TANH_MOST: f64 = 22.0;
    const ERF_MOST: [f64; 2] = [6.0, 27.25];
    const TINY: f64 = 5.551115123125783e-17; // 2⁻⁵⁴
    const SUBNORMAL: [f64; 3] = [f64::MIN_POSITIVE, 18014398509481984.0, 54.0];
    /// Errs by 2⁻⁶¹.
    const EXP: &[f64] = &[
        0.5,
        0.16666666666666674,
        0.041666666666666685,
        0.008333333333323348,
        0.0013888888888872778,
        0.00019841269882245433,
        2.4801587351037797e-05,
        2.7557247778846032e-06,
        2.755724970646763e-07,
        2.510788288217613e-08,
        2.092255004958611e-09,
    ];
    /// Errs by 2⁻⁵⁹.
    const LN: &[f64] = &[
        0.6666666666666698,
        0.3999999999961539,
        0.28571428702977314,
        0.22222202240759614,
        0.18183388425615218,
        0.15318254901583245,
        0.14756290492255925,
    ];
    /// Errs by 2⁻⁵⁶.
    const ERF: &[f64] = &[
        0.1283791670955126,
        -0.37612638903183915,
        0.11283791670961416,
        -0.026866170646254562,
        0.005223977636544685,
        -0.000854832768948237,
        0.00012055358366217543,
        -1.4926272711522875e-05,
        1.6471699761900748e-06,
        -1.6450479192756136e-07,
        1.5103290429635135e-08,
        -1.125583225246287e-09,
    ];
    /// Errs by 2⁻⁵⁶.
    const ERFC: &[f64] = &[
        1.0811797647743422,
        -0.9129949832951061,
        0.6457337773843089,
        -0.3751649422637544,
        0.17200591888534686,
        -0.056675219033302096,
        0.009529321790825905,
        0.0018073247616936076,
        -0.001487910966868132,
        0.00015936044917505887,
        0.00014751061261278895,
        -4.3139481154398925e-05,
        -1.530929045752615e-05,
        7.432065766534337e-06,
        2.01003100691358e-06,
        -1.2140768360504082e-06,
        -3.4496284248303835e-07,
        2.031979077615748e-07,
        5.517341831794265e-08,
        -3.221905659671858e-08,
    ];
    const ERFC_CENTRE: f64 = 3.25;
    /// Errs by 2⁻⁵⁶.
    const LN_ERFC: &[f64] = &[
        -1.8496055099332482,
        -2.6389675142347917,
        -0.8431072563584783,
        -0.04156109804643671,
        0.01003382543334734,
        -0.001977903023075325,
        0.0002373247448611692,
        2.6270291514528934e-05,
        -2.7141384312548473e-05,
        9.579234565855245e-06,
        -2.023609808791838e-06,
        1.1044078854011208e-07,
        1.190111731088646e-07,
        -6.246315475415793e-08,
        1.8572117002135413e-08,
        -3.766036632821498e-09,
        5.158640440864085e-10,
        -4.319658996648495e-11,
        1.6691660478261568e-12,
    ];
    const LN_ERFC_CENTRE: f64 = 1.0;
});

binary!(f32, u32, 23, 127, {
    const ROUND: f32 = 12582912.0;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2: [f32; 2] = [std::f32::consts::LN_2, -1.9046542e-9];
    const LN_2_SHORT: [f32; 2] = [0.69314575, 1.4286068e-06];
    const EXP_RANGE: [f32; 2] = [-104.0, 89.0];
    const EXPM1_LEAST: f32 = -20.0;
    const TANH_MOST: f32 = 10.0;
    const ERF_MOST: [f32; 2] = [4.0, 10.25];
    const TINY: f32 = 2.9802322e-8; // 2⁻²⁵
    const SUBNORMAL: [f32; 3] = [f32::MIN_POSITIVE, 33554432.0, 25.0];
    /// Errs by 2⁻³⁰.
    const EXP: &[f32] = &[0.5, 0.16666667, 0.041666478, 0.008333189, 0.0013933694, 0.00019961054];
    /// Errs by 2⁻³⁰.
    const LN: &[f32] = &[0.66666764, 0.39978755, 0.29844087];
    /// Errs by 2⁻³⁰.
    const ERF: &[f32] = &[0.12837917, -0.37612635, 0.11283734, -0.02686218, 0.0052093337, -0.00082527794, 8.907949e-05];
    /// Errs by 2⁻²⁷.
    const ERFC: &[f32] = &[1.0698159, -0.8664329, 0.55949163, -0.27661505, 0.09445479, -0.0146119995, -0.0041882046, 0.0023739329];
    const ERFC_CENTRE: f32 = 2.875;
    /// Errs by 2⁻²⁸.
    const LN_ERFC: &[f32] = &[-1.7679598, -2.5863962, -0.83915234, -0.042836547, 0.010366985, -0.0020754428, 0.00030155777, -2.353993e-05];
    const LN_ERFC_CENTRE: f32 = 0.96875;
});
