//! Scaling by powers of two: it rounds nothing, so a factorisation may be kept away from overflow and underflow at no cost in accuracy.

use super::matrix::Matrix;
use crate::scalar::Scalar;

/// ⌊log₂ |x|⌋ of a finite number, read from its bits; `None` for 0.
fn exponent(x: f64) -> Option<i32> {
    let bits = x.to_bits() & (u64::MAX >> 1);
    match (bits >> 52) as i32 {
        _ if bits == 0 => None,
        0 => Some(-1011 - bits.leading_zeros() as i32),
        biased => Some(biased - 1023),
    }
}

/// The exponent of the largest magnitude among `x`, held to the range in which [`power`] and its inverse are normal numbers of `S`;
/// 0 if all are 0.
pub(super) fn common_exponent<S: Scalar>(x: impl IntoIterator<Item = S>) -> i32 {
    let range = if S::UNIT_ROUNDOFF > 1e-10 { 120 } else { 960 };
    let largest = x.into_iter().filter_map(|x| exponent(x.value())).fold(None, |a: Option<i32>, b| if a > Some(b) { a } else { Some(b) });
    largest.map_or(0, |e| e.clamp(-range, range))
}

/// 2ᵉ, or 0 below the normal numbers, for `e ≤ 1023`.
pub(super) fn power<S: Scalar>(e: i32) -> S {
    S::from_f64(if e < -1022 { 0.0 } else { f64::from_bits(((e + 1023) as u64) << 52) })
}

/// The matrix over a power of two, so that its largest magnitude lies in [1, 2), and the exponent of that power.
pub(super) fn normalised<S: Scalar>(a: &Matrix<S>) -> (Matrix<S>, i32) {
    let e = common_exponent(a.data().iter().copied());
    (a.scale(power(-e)), e)
}
