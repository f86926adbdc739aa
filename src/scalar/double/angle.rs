//! Reduction of an angle by multiples of π/2, for the whole range of f64 (Payne and Hanek, ACM SIGNUM Newsletter 18(1), 1983): x·2/π
//! modulo 4 is formed in integers, from those bits of 2/π that matter for the exponent of x.

use super::DoubleDouble;
use super::constants::{Constant, TWO_OVER_PI, to_constant};

/// 384 bits that stand for a number modulo 4: two bits of integer, [`POINT`] bits of fraction. Least significant limb first.
type Turn = [u64; 6];
const POINT: i32 = 382;

/// `(n mod 4, g(f))` with `x · 2/π = n + f` and `|f| ≤ ½`.
pub(super) fn quarters<T>(x: DoubleDouble, g: impl Fn(Constant) -> T) -> (u64, T)
where
    T: std::ops::Neg<Output = T>,
{
    let turn = add(part(x.hi), part(x.lo));
    let rounded = add(turn, [0, 0, 0, 0, 0, 1 << 61]);
    let quarter = rounded[5] >> 62;
    let mut fraction = turn;
    fraction[5] = turn[5].wrapping_sub(quarter << 62);
    let negative = fraction[5] >> 63 == 1;
    let size = if negative { negate(fraction) } else { fraction };
    // Both parts together err by less than 8 units of 2⁻³⁸² · 2⁵³; as fraction of a limb above: shift by two to put the point on a limb.
    let mut fixed = [0; 7];
    for i in 0..6 {
        fixed[i] |= size[i] << 2;
        fixed[i + 1] = size[i] >> 62;
    }
    let value = g(to_constant(fixed, 60));
    (quarter, if negative { -value } else { value })
}

fn add(mut a: Turn, b: Turn) -> Turn {
    let mut carry = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let sum = *a as u128 + b as u128 + carry;
        *a = sum as u64;
        carry = sum >> 64;
    }
    a
}

fn negate(a: Turn) -> Turn {
    add(a.map(|limb| !limb), [1, 0, 0, 0, 0, 0])
}

/// `v · 2/π` modulo 4, to within 2⁵³ + 2 units of 2⁻³⁸².
fn part(v: f64) -> Turn {
    let bits = v.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    // v = ± mantissa · 2^e
    let (mantissa, e) = if exponent == 0 { (bits & ((1 << 52) - 1), -1074) } else { (bits & ((1 << 52) - 1) | 1 << 52, exponent - 1075) };
    // Bits of 2/π of weight 2^(2 − e) and more only add multiples of 4: the window of 384 bits begins after them.
    let skip = (e - 2).max(0) as usize;
    let window: Turn = std::array::from_fn(|i| {
        let from = skip + 64 * (5 - i);
        let (limb, shift) = (from / 64, from % 64);
        if shift == 0 { TWO_OVER_PI[limb] } else { TWO_OVER_PI[limb] << shift | TWO_OVER_PI[limb + 1] >> (64 - shift) }
    });
    let mut product = [0u64; 7];
    let mut carry = 0u128;
    for i in 0..6 {
        let term = window[i] as u128 * mantissa as u128 + carry;
        product[i] = term as u64;
        carry = term >> 64;
    }
    product[6] = carry as u64;
    // The unit of the product is 2^(e − skip − 384); it has to become 2⁻³⁸².
    let down = (2 + skip as i32 - e) as usize;
    debug_assert!(down as i32 == (2 - e).max(0) && POINT == 382);
    let turn: Turn = std::array::from_fn(|i| {
        let limb = |k: usize| product.get(k).copied().unwrap_or(0);
        let (whole, shift) = (i + down / 64, down % 64);
        if shift == 0 { limb(whole) } else { limb(whole) >> shift | limb(whole + 1) << (64 - shift) }
    });
    if v < 0.0 { negate(turn) } else { turn }
}
