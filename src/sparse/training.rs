//! Training an unrolled network.

use super::certificate::sign_of;
use super::lasso::Lasso;
use super::unrolled::Unrolled;
use crate::learn::{Moments, Optimiser, Parameters, Schedule, epoch_batches, optimise, same_shape};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What a network is trained to lower, as the mean over samples.
#[derive(Clone, Copy, Debug)]
pub enum UnrolledLoss<'a, S> {
    /// `½‖z − z*‖²` against given codes, such as LASSO solutions.
    Codes(&'a Matrix<S>),
    /// `P(z)` of the network's own problem; needs no labels.
    Objective,
}
impl<S: Scalar> UnrolledLoss<'_, S> {
    /// The loss of these codes and its gradient in them; that of the objective is `((zA − x)Aᵀ + λ sgn z)/n`, with `sgn 0 = 0` (non-negative codes: the same, z ≥ 0).
    pub fn value_and_gradient(&self, lasso: &Lasso<S>, x: &Matrix<S>, z: &Matrix<S>) -> Result<(S, Matrix<S>)> {
        let n = S::from_usize(x.rows());
        match self {
            UnrolledLoss::Codes(target) => {
                same_shape("target codes", z, target)?;
                let off = z.sub(target)?;
                Ok((off.frobenius_squared() * S::from_f64(0.5) / n, off.map(|e| e / n)))
            }
            UnrolledLoss::Objective => {
                let slope = lasso.residual(x, z)?.matmul_t(&lasso.a)?;
                let gradient = z.zip(&slope, |z, c| (lasso.lambda * sign_of(z) - c) / n)?;
                Ok((lasso.objective(x, z)? / n, gradient))
            }
        }
    }
}

/// How [`train_unrolled`] goes about it.
#[derive(Clone, Copy, Debug)]
pub struct UnrolledTraining {
    /// Passes over the samples.
    pub epochs: usize,
    /// Samples a step.
    pub batch: usize,
    /// The base learning rate.
    pub rate: f64,
    /// Its factor at each step.
    pub schedule: Schedule,
    /// How a step is made of a gradient.
    pub optimiser: Optimiser,
    /// Of the order of samples.
    pub seed: u64,
}

/// Trains a network on its loss in seeded batches; after each step thresholds and step sizes below 0 return to 0 ([`Unrolled::project`]). `watch` sees the mean loss of each epoch, taken before each step.
/// The same bits on every machine. Errors: `Shape`, `Domain`; `NotFinite` where training diverges.
pub fn train_unrolled<S: Scalar>(
    network: &mut Unrolled<S>,
    x: &Matrix<S>,
    loss: UnrolledLoss<S>,
    how: &UnrolledTraining,
    mut watch: impl FnMut(usize, S),
) -> Result<()> {
    if how.batch == 0 || x.rows() == 0 {
        return Err(Error::shape("batch", "at least one sample", "none").named("EmptyInput"));
    }
    let mut moments = Moments::new(&how.optimiser, &network.parameters());
    let (mut grad, mut trace, mut step) = (network.clone(), Default::default(), 0u64);
    for epoch in 0..how.epochs {
        let mut total = S::ZERO;
        for rows in epoch_batches(x.rows(), how.batch, how.seed, epoch as u64) {
            let part = x.select_rows(&rows)?;
            let z = network.forward(&part, &mut trace)?;
            let (value, bar) = match loss {
                UnrolledLoss::Objective => loss.value_and_gradient(network.lasso(), &part, z)?,
                UnrolledLoss::Codes(target) => {
                    UnrolledLoss::Codes(&target.select_rows(&rows)?).value_and_gradient(network.lasso(), &part, z)?
                }
            };
            total += value * S::from_usize(rows.len()) / S::from_usize(x.rows());
            grad.clear();
            network.backward(&part, &trace, &bar, &mut grad)?;
            let rate = how.rate * how.schedule.factor(step as f64);
            optimise(&how.optimiser, rate, &mut network.parameters_mut(), &grad.parameters(), &mut moments)?;
            network.project();
            step += 1;
        }
        if !total.is_finite() {
            return Err(Error::not_finite(format!("loss of epoch {epoch}"), "a finite number", total.value().to_string()));
        }
        watch(epoch, total);
    }
    Ok(())
}
