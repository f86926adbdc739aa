//! Wrong labels, as experiments on robustness make them.

use crate::linalg::Matrix;
use crate::random::{Rng, permutation};
use crate::reduction::Membership;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `⌊ρn⌋` labels, chosen at random, drawn anew from all classes; a label may stay what it was, so that `ρ(1 − 1/K)` of all are expected to be wrong. Errors: `Domain` unless 0 ≤ ρ ≤ 1.
///
/// Source: official MCR² code, `corrupt.py`, default.
pub fn corrupted(labels: &[usize], classes: usize, share: f64, seed: u64) -> Result<Vec<usize>> {
    if !(0.0..=1.0).contains(&share) || classes == 0 {
        return Err(Error::domain("share", "a number from 0 to 1, and at least one class", format!("{share}, {classes} classes")));
    }
    let mut rng = Rng::stream(seed, "label noise");
    let mut out = labels.to_vec();
    let count = (share * labels.len() as f64).floor() as usize;
    for &i in permutation(labels.len(), &mut rng).iter().take(count) {
        out[i] = rng.below(classes);
    }
    Ok(out)
}

/// What becomes of the label k: row k of a row-stochastic K × K matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise<S> {
    /// Another class, each as likely as the others, with probability ν.
    Symmetric(S),
    /// The next class, with probability ν.
    PairFlip(S),
    /// Of ten classes 9 → 1, 2 → 0, 3 → 5, 5 → 3, 4 → 7 with probability ν (trucks as cars, birds as planes, cats and dogs, deer as horses).
    Asymmetric(S),
}

impl<S: Scalar> Noise<S> {
    /// The matrix. Errors: `Domain` unless 0 ≤ ν ≤ 1 and there are two classes, or ten for [`Noise::Asymmetric`].
    pub fn transition(self, classes: usize) -> Result<Matrix<S>> {
        let (nu, least) = match self {
            Noise::Symmetric(nu) | Noise::PairFlip(nu) => (nu, 2),
            Noise::Asymmetric(nu) => (nu, 10),
        };
        if !(0.0..=1.0).contains(&nu.value()) || classes < least || (least == 10 && classes != 10) {
            return Err(Error::domain(
                "noise",
                format!("ν from 0 to 1 and {least} classes"),
                format!("ν = {:?}, {classes} classes", nu.value()),
            ));
        }
        let to = |k: usize| match self {
            Noise::PairFlip(_) => (k + 1) % classes,
            _ => [0, 1, 0, 5, 7, 3, 6, 7, 8, 1].get(k).copied().unwrap_or(k),
        };
        Ok(Matrix::from_fn(classes, classes, |i, j| match self {
            Noise::Symmetric(_) if i != j => nu / S::from_usize(classes - 1),
            Noise::Symmetric(_) => S::ONE - nu,
            _ if to(i) == i => {
                if i == j {
                    S::ONE
                } else {
                    S::ZERO
                }
            }
            _ if j == to(i) => nu,
            _ if i == j => S::ONE - nu,
            _ => S::ZERO,
        }))
    }
}

/// The memberships expected after the noise, `Π T`: `ΔR(Z | ΠT) ≤ ΔR(Z | Π)`. Errors: `Shape` if a label has no row in T; those of [`Membership::soft`].
pub fn expected_membership<S: Scalar>(labels: &[usize], transition: &Matrix<S>) -> Result<Membership<S>> {
    Membership::soft(transition.select_rows(labels)?)
}
