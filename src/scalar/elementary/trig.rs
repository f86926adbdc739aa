//! Sine and cosine in `f64` (an `f32` goes through `f64`: its reduction needs the longer word anyway).
//!
//! x = q π/2 + r with |r| ≤ π/4 and r in two words: up to 2³⁰ by three words of π/2 and fused products (Cody and Waite), of which the first
//! is exact; above by 192 bits of 2/π, picked by the exponent of x, times the fraction of x in integers (Payne and Hanek).

use super::{polynomial, two_sum};

/// π/2 in three words.
const HALF_PI: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
/// 1.5 · 2⁵²: adding it rounds to an integer, which then lies in the low bits.
const ROUND: f64 = 6755399441055744.0;
/// Up to here three words suffice.
const MODERATE: f64 = 1073741824.0;
/// (sin r − r) / r³ in r², |r| ≤ π/4: errs by 2⁻⁵⁷ of sin r.
const SIN: [f64; 6] = [
    -0.16666666666666646,
    0.008333333333325189,
    -0.0001984126983166186,
    2.755731424982312e-06,
    -2.5050835819887292e-08,
    1.5900874303880424e-10,
];
/// (cos r − 1 + r²/2) / r⁴ in r²: errs by 2⁻⁶² of cos r.
const COS: [f64; 6] = [
    0.04166666666666666,
    -0.0013888888888883464,
    2.4801587294931788e-05,
    -2.755731583057646e-07,
    2.0875912884320506e-09,
    -1.1368953943581995e-11,
];
/// 2/π: 64 zero bits and the first 1216 after the point.
const TWO_OVER_PI: [u64; 20] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
];

/// The quadrant (in the low two bits) and the rest in two words.
#[inline(always)]
fn reduce_moderate(x: f64) -> (u64, f64, f64) {
    let k = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let n = -(k - ROUND);
    let rough = n.mul_add(HALF_PI[0], x);
    let p = n * HALF_PI[1];
    let p_low = n.mul_add(HALF_PI[1], -p);
    let (r, e) = two_sum(rough, p);
    (k.to_bits(), r, n.mul_add(HALF_PI[2], e + p_low))
}

/// As [`reduce_moderate`], for |x| ≥ 1; NaN for an infinity and a NaN.
#[cold]
#[inline(never)]
fn reduce_huge(x: f64) -> (u64, f64, f64) {
    if !x.is_finite() {
        return (0, f64::NAN, f64::NAN);
    }
    let bits = x.to_bits();
    let fraction = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    // x = fraction · 2^e; bits of 2/π that give multiples of 4 are skipped, so what is left counts in 2⁻¹⁹⁰
    let skip = ((bits >> 52 & 0x7ff) - (1075 - 62)) as usize;
    let word = |i: usize| {
        let pair = u128::from(TWO_OVER_PI[skip / 64 + i]) << 64 | u128::from(TWO_OVER_PI[skip / 64 + i + 1]);
        pair << (skip % 64) >> 64
    };
    let low = fraction * word(2);
    let middle = fraction * word(1) + (low >> 64);
    let high = (fraction * word(0) + (middle >> 64)) as u64;
    let turn = u128::from(high) << 64 | u128::from(middle as u64);
    let part = (turn << 2 | u128::from(low as u64 >> 62)) as i128; // to the nearest quadrant, hence signed; in units of 2⁻¹²⁸
    let quadrant = (turn >> 126) as u64 + u64::from(part < 0);
    // No f64 is nearer to a multiple of π/2 than 2⁻⁶², so 66 of the 128 bits count.
    let zeros = part.unsigned_abs().leading_zeros() & 127;
    let digits = part.unsigned_abs() << zeros;
    let unit = f64::from_bits(u64::from(1023 - 53 - zeros) << 52).copysign(x) * if part < 0 { -1.0 } else { 1.0 };
    let a = (digits >> 75) as i64 as f64 * unit;
    let b = ((digits >> 22) as i64 & ((1 << 53) - 1)) as f64 * (unit * f64::EPSILON * 0.5);
    let r = a * HALF_PI[0];
    let low = a.mul_add(HALF_PI[0], -r) + a.mul_add(HALF_PI[1], b * HALF_PI[0]);
    (if x < 0.0 { quadrant.wrapping_neg() } else { quadrant }, r, low)
}

/// The sine of `ahead` more quadrants than (quadrant, r, low).
#[inline(always)]
fn wave((quadrant, r, low): (u64, f64, f64), ahead: u64) -> f64 {
    let quadrant = quadrant.wrapping_add(ahead);
    let z = r * r;
    let half = 0.5 * z;
    let top = 1.0 - half;
    let sine = r + (r * z).mul_add(polynomial(z, &SIN), low * top);
    let cosine = top + (z * z).mul_add(polynomial(z, &COS), (-r).mul_add(low, (1.0 - top) - half));
    let y = if quadrant & 1 == 0 { sine } else { cosine };
    f64::from_bits(y.to_bits() ^ (quadrant & 2) << 62)
}

/// The sine of an angle in radians; NaN at ±∞.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    if x.abs() <= MODERATE { moderate_sin(x) } else { wave(reduce_huge(x), 0) }
}

/// The cosine of an angle in radians; NaN at ±∞.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    if x.abs() <= MODERATE { moderate_cos(x) } else { wave(reduce_huge(x), 1) }
}

/// [`sin`] of each element: the same bits, without the branch where a block has no huge angle.
#[inline(always)]
pub fn sin_each(x: &mut [f64]) {
    each(x, moderate_sin, sin)
}

/// [`cos`] of each element: the same bits, without the branch where a block has no huge angle.
#[inline(always)]
pub fn cos_each(x: &mut [f64]) {
    each(x, moderate_cos, cos)
}

#[inline(always)]
fn moderate_sin(x: f64) -> f64 {
    let y = wave(reduce_moderate(x), 0);
    if x == 0.0 { x } else { y }
}

#[inline(always)]
fn moderate_cos(x: f64) -> f64 {
    wave(reduce_moderate(x), 1)
}

/// A block without a huge angle goes through `moderate`, which has no branch.
#[inline(always)]
fn each(x: &mut [f64], moderate: impl Fn(f64) -> f64, any: impl Fn(f64) -> f64) {
    for block in x.chunks_mut(256) {
        if block.iter().fold(true, |all, x| all & (x.abs() <= MODERATE)) {
            block.iter_mut().for_each(|x| *x = moderate(*x));
        } else {
            block.iter_mut().for_each(|x| *x = any(*x));
        }
    }
}
