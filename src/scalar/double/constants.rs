//! The constants of the elementary functions, computed by the compiler from their defining series in integers. Nothing here was copied
//! from a table: to check a constant is to read its series.
//!
//! A [`Fixed`] number has one limb of integer and `L − 1` limbs of fraction, least significant first. Every division truncates and so
//! errs by less than one unit in the last place, 2^(−64 (L − 1)); the number of divisions is bounded where the error is.

use super::{fast_two_sum, two_sum};

type Fixed<const L: usize> = [u64; L];

/// A real constant as `hi + lo` with `|constant − (hi + lo)| ≤ rest`.
#[derive(Clone, Copy)]
pub(in crate::scalar) struct Constant {
    pub hi: f64,
    pub lo: f64,
    pub rest: f64,
}

const fn integer<const L: usize>(n: u64) -> Fixed<L> {
    let mut a = [0; L];
    a[L - 1] = n;
    a
}

const fn divide<const L: usize>(mut a: Fixed<L>, by: u64) -> Fixed<L> {
    let (mut i, mut remainder) = (L, 0u128);
    while i > 0 {
        i -= 1;
        let part = remainder << 64 | a[i] as u128;
        a[i] = (part / by as u128) as u64;
        remainder = part % by as u128;
    }
    a
}

const fn times<const L: usize>(mut a: Fixed<L>, by: u64) -> Fixed<L> {
    let (mut i, mut carry) = (0, 0u128);
    while i < L {
        let part = a[i] as u128 * by as u128 + carry;
        a[i] = part as u64;
        carry = part >> 64;
        i += 1;
    }
    a
}

const fn plus<const L: usize>(mut a: Fixed<L>, b: Fixed<L>) -> Fixed<L> {
    let (mut i, mut carry) = (0, 0u128);
    while i < L {
        let part = a[i] as u128 + b[i] as u128 + carry;
        a[i] = part as u64;
        carry = part >> 64;
        i += 1;
    }
    a
}

const fn minus<const L: usize>(mut a: Fixed<L>, b: Fixed<L>) -> Fixed<L> {
    let (mut i, mut borrow) = (0, false);
    while i < L {
        let (part, first) = a[i].overflowing_sub(b[i]);
        let (part, second) = part.overflowing_sub(borrow as u64);
        a[i] = part;
        borrow = first | second;
        i += 1;
    }
    a
}

const fn is_zero<const L: usize>(a: Fixed<L>) -> bool {
    let mut i = 0;
    while i < L {
        if a[i] != 0 {
            return false;
        }
        i += 1;
    }
    true
}

const fn at_least<const L: usize>(a: Fixed<L>, b: Fixed<L>) -> bool {
    let mut i = L;
    while i > 0 {
        i -= 1;
        if a[i] != b[i] {
            return a[i] > b[i];
        }
    }
    true
}

/// The product, truncated once.
const fn product<const L: usize>(a: Fixed<L>, b: Fixed<L>) -> Fixed<L> {
    let (mut low, mut high) = ([0u64; L], [0u64; L]);
    let mut i = 0;
    while i < L {
        let (mut j, mut carry) = (0, 0u128);
        while j < L {
            let digit = if i + j < L { &mut low[i + j] } else { &mut high[i + j - L] };
            carry += *digit as u128 + a[i] as u128 * b[j] as u128;
            *digit = carry as u64;
            carry >>= 64;
            j += 1;
        }
        high[i] = carry as u64;
        i += 1;
    }
    // Limb k of the result is limb k + L − 1 of the whole product.
    let mut k = L - 1;
    while k > 0 {
        high[k] = high[k - 1];
        k -= 1;
    }
    high[0] = low[L - 1];
    high
}

/// `Σ (±1)ᵏ / ((2k + 1) n^(2k+1))`: the arc tangent of 1/n, or, without the signs, its hyperbolic sister. Fewer than 2 · 64 L truncations
/// of one unit.
const fn arc_tangent<const L: usize>(n: u64, alternating: bool) -> Fixed<L> {
    let mut power = divide(integer::<L>(1), n);
    let (mut sum, mut k) = (power, 0);
    while !is_zero(power) {
        k += 1;
        power = divide(power, n * n);
        let term = divide(power, 2 * k + 1);
        sum = if alternating && k % 2 == 1 { minus(sum, term) } else { plus(sum, term) };
    }
    sum
}

/// π = 16 arctan 1/5 − 4 arctan 1/239 (Machin, 1706).
const fn pi<const L: usize>() -> Fixed<L> {
    minus(times(arc_tangent(5, true), 16), times(arc_tangent(239, true), 4))
}

/// The floor of the square root of a number below 1, bit by bit.
const fn square_root<const L: usize>(a: Fixed<L>) -> Fixed<L> {
    let mut root = [0; L];
    let mut bit = 64 * (L - 1);
    while bit > 0 {
        bit -= 1;
        let mut trial = root;
        trial[bit / 64] |= 1 << (bit % 64);
        if at_least(a, product(trial, trial)) {
            root = trial;
        }
    }
    root
}

/// `1/a` for `2 ≤ a < 4` by Newton's iteration `y ← 2y − a y²` from 52 bits. It squares the error `1 − a y` and adds at most 5 units from the
/// two truncated products, so it ends within 16 units.
const fn reciprocal<const L: usize>(a: Fixed<L>) -> Fixed<L> {
    let mut y = [0; L];
    y[L - 2] = (4503599627370496.0 / (a[L - 1] as f64 + a[L - 2] as f64 * power_of_two(-64))) as u64;
    y[L - 2] <<= 12;
    let mut right = 48;
    while right < 64 * L {
        y = minus(plus(y, y), product(a, product(y, y)));
        right *= 2;
    }
    y
}

/// 2ⁿ as an f64, for a normal number.
const fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((1023 + n) as u64) << 52)
}

/// Rounds a fixed-point number with an error of at most 2^`slack` units in the last place to a pair and what the pair leaves out.
pub(in crate::scalar) const fn to_constant<const L: usize>(a: Fixed<L>, slack: i32) -> Constant {
    let unit = -64 * (L as i32 - 1);
    let mut top = 64 * L as i32;
    while top > 0 && a[(top as usize - 1) / 64] >> ((top - 1) % 64) & 1 == 0 {
        top -= 1;
    }
    // Three pieces of 52 bits, from the leading bit down; what lies below them is less than one unit of the third.
    let mut piece = [0.0; 3];
    let mut i = 0;
    while i < 3 && top > 0 {
        let from = if top > 52 { top - 52 } else { 0 };
        let mut bits = 0;
        let mut k = top;
        while k > from {
            k -= 1;
            bits = bits << 1 | a[k as usize / 64] >> (k % 64) & 1;
        }
        piece[i] = bits as f64 * power_of_two(from + unit);
        top = from;
        i += 1;
    }
    let (hi, low) = fast_two_sum(piece[0], piece[1]);
    let (low, rest) = two_sum(low, piece[2]);
    let (hi, lo) = fast_two_sum(hi, low);
    let below = power_of_two(top + unit) + power_of_two(slack + unit);
    Constant { hi, lo, rest: (if rest < 0.0 { -rest } else { rest }) * 1.0000001 + below * 1.0000001 }
}

/// Limbs of the constants that need to be good to a double-double: 64 bits of integer, 256 of fraction.
const L: usize = 5;

/// π.
pub(in crate::scalar) const PI: Constant = to_constant(pi::<L>(), 12);
/// π/2.
pub(in crate::scalar) const HALF_PI: Constant = to_constant(divide(pi::<L>(), 2), 12);
/// 1/π.
pub(in crate::scalar) const ONE_OVER_PI: Constant = to_constant(reciprocal(pi::<L>()), 12);
/// 2/√π = 2 √(1/π): the root halves the relative error of 1/π.
pub(in crate::scalar) const TWO_OVER_ROOT_PI: Constant = to_constant(times(square_root(reciprocal(pi::<L>())), 2), 14);
const LN_2_FIXED: Fixed<L> = times(arc_tangent(3, false), 2);
/// ln 2 = 2 artanh 1/3.
pub(in crate::scalar) const LN_2: Constant = to_constant(LN_2_FIXED, 12);
/// The leading 42 bits of ln 2: its product with an integer below 2¹¹ is an f64.
pub(in crate::scalar) const LN_2_HEAD: f64 = (LN_2_FIXED[L - 2] >> 22) as f64 * power_of_two(-42);
/// ln 2 − [`LN_2_HEAD`].
pub(in crate::scalar) const LN_2_TAIL: Constant = {
    let mut tail = LN_2_FIXED;
    tail[L - 2] &= (1 << 22) - 1;
    to_constant(tail, 12)
};

/// `1/n!` for n below 32.
pub(in crate::scalar) const INVERSE_FACTORIAL: [Constant; 32] = {
    let mut table = [Constant { hi: 1.0, lo: 0.0, rest: 0.0 }; 32];
    let (mut n, mut value) = (2, integer::<L>(1));
    while n < 32 {
        value = divide(value, n as u64);
        table[n] = to_constant(value, 0);
        n += 1;
    }
    table
};

const fn every_second<const N: usize>(from: usize) -> [Constant; N] {
    let mut table = [INVERSE_FACTORIAL[0]; N];
    let mut n = 0;
    while n < N {
        table[n] = INVERSE_FACTORIAL[from + 2 * n];
        n += 1;
    }
    table
}
/// `1/(2n + 1)!`, the coefficients of sin r / r in −r².
pub(in crate::scalar) const ODD_FACTORIALS: [Constant; 14] = every_second(1);
/// `1/(2n)!`, the coefficients of cos r in −r².
pub(in crate::scalar) const EVEN_FACTORIALS: [Constant; 15] = every_second(0);

/// `1/(2n + 1)`, the coefficients of artanh z / z in z².
pub(in crate::scalar) const INVERSE_ODD: [Constant; 24] = {
    let mut table = [Constant { hi: 1.0, lo: 0.0, rest: 0.0 }; 24];
    let mut n = 1;
    while n < 24 {
        table[n] = to_constant(divide(integer::<L>(1), 2 * n as u64 + 1), 0);
        n += 1;
    }
    table
};

/// `1/(n! (2n + 1))`, the coefficients of erf x √π / 2x in −x².
pub(in crate::scalar) const ERF_SERIES: [Constant; 24] = {
    let mut table = [Constant { hi: 1.0, lo: 0.0, rest: 0.0 }; 24];
    let (mut n, mut factorial) = (1, integer::<L>(1));
    while n < 24 {
        factorial = divide(factorial, n as u64);
        table[n] = to_constant(divide(factorial, 2 * n as u64 + 1), 1);
        n += 1;
    }
    table
};

/// `e^(−n² h²)` with h = 11/32, for n up to 26. With q = e^(−h²): consecutive values have the ratio q^(2n+1). Errors are
/// only ever multiplied by factors below 1, and there are fewer than 300 truncations: less than 2¹⁶ units.
pub(in crate::scalar) const GAUSSIAN: [Constant; 27] = {
    let mut q = integer::<L>(1);
    let (mut k, mut term) = (1, q);
    while !is_zero(term) {
        term = divide(divide(times(term, 121), 1024), k);
        q = if k % 2 == 1 { minus(q, term) } else { plus(q, term) };
        k += 1;
    }
    let square = product(q, q);
    let mut table = [Constant { hi: 1.0, lo: 0.0, rest: 0.0 }; 27];
    let (mut n, mut value, mut ratio) = (1, integer::<L>(1), q);
    while n < 27 {
        value = product(value, ratio);
        ratio = product(ratio, square);
        table[n] = to_constant(value, 16);
        n += 1;
    }
    table
};

/// 2/π to 1472 bits of fraction, most significant limb first; its integer limb, 0, is left out.
pub(in crate::scalar) const TWO_OVER_PI: [u64; 23] = {
    let ratio = times(reciprocal(pi::<25>()), 2);
    let mut bits = [0; 23];
    let mut i = 0;
    while i < 23 {
        bits[i] = ratio[23 - i];
        i += 1;
    }
    bits
};
