//! The moving average by which a network follows new data.

use super::network::ReduNet;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::reduction::{ClassScale, Membership, RateOperators};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// For each layer in order, with the batch as the layers already updated made it: `E ← E + τ(E_batch − E)`, `C_k ← C_k + τ(C_k,batch − C_k)`, then forward. `γ_k` stays, as in the official code. τ = 1 builds the operators anew, τ = 0 changes nothing;
/// between, they stay symmetric and positive definite. An average of operators is not the operator of the average data.
/// Errors: `Domain` unless 0 ≤ τ ≤ 1; those of the operators. On an error the network is as it was before.
///
/// Source: official ReduNet code, `ReduLayer.update`.
pub fn update<S: Scalar>(
    net: &mut ReduNet<S>,
    batch: &Matrix<S>,
    membership: &Membership<S>,
    distortion: Distortion<S>,
    scale: ClassScale,
    tau: S,
) -> Result<()> {
    if !(0.0..=1.0).contains(&tau.value()) {
        return Err(Error::domain("tau", "a number from 0 to 1", tau.value().to_string()));
    }
    let mut updated = net.clone();
    let mut z = net.coordinates(batch)?;
    for i in 0..updated.layers.len() {
        let new = net.operators(&z, membership, distortion, scale)?;
        let layer = &mut updated.layers[i];
        for (old, new) in layer.blocks.iter_mut().zip(&new) {
            if new.c.len() != old.c.len() {
                return Err(Error::shape("classes", format!("{}, as the network has", old.c.len()), new.c.len().to_string()));
            }
            *old = towards(old, new, tau)?;
        }
        z = layer.apply(&z)?;
    }
    *net = updated;
    Ok(())
}

/// `E + τ(E' − E)` and the same for each `C_k`; γ of the first. Errors: `Shape` for operators of other sizes.
pub fn towards<S: Scalar>(old: &RateOperators<S>, new: &RateOperators<S>, tau: S) -> Result<RateOperators<S>> {
    let part = |old: &Matrix<S>, new: &Matrix<S>| old.zip(new, |old, new| old + tau * (new - old));
    let c = old.c.iter().zip(&new.c).map(|(old, new)| part(old, new)).collect::<Result<_>>()?;
    Ok(RateOperators { e: part(&old.e, &new.e)?, c, gamma: old.gamma.clone() })
}

/// All operators 0: every layer becomes the identity on unit rows.
pub fn clear<S: Scalar>(net: &mut ReduNet<S>) {
    for layer in &mut net.layers {
        for block in &mut layer.blocks {
            block.e.data_mut().fill(S::ZERO);
            block.c.iter_mut().for_each(|c| c.data_mut().fill(S::ZERO));
        }
    }
}
