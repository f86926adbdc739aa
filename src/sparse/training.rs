//! Training an unrolled network.

use super::iterate::Method;
use super::lasso::Lasso;
use super::unrolled::{Unrolled, UnrolledLoss, steps_worth};
use crate::learn::{Moments, Optimiser, Parameters, Schedule, epoch_batches, optimise};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

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

/// What a network reaches on given samples, and how many steps of the untrained methods that takes.
#[derive(Clone, Copy, Debug)]
pub struct Worth<S> {
    /// The mean of `P(z) − P*` over the samples after the network.
    pub network: S,
    /// The same after as many steps of ISTA as the network has layers.
    pub ista: S,
    /// The same for FISTA.
    pub fista: S,
    /// The steps that ISTA needs from 0 to come as low; `None`: more than were tried.
    pub ista_steps: Option<usize>,
    /// The same for FISTA.
    pub fista_steps: Option<usize>,
}

/// Holds a network against ISTA and FISTA with step `1/L` on samples it should not have seen, `most` steps at most. `P*` is the solved optimum. Errors: those of [`Lasso::solve`].
pub fn worth<S: Scalar>(problem: &Lasso<S>, network: &Unrolled<S>, x: &Matrix<S>, most: usize) -> Result<Worth<S>> {
    let n = S::from_usize(x.rows());
    let best = problem.solve(x)?.value;
    let value = problem.objective(x, &network.apply(x)?)?;
    let eta = problem.step_size()?;
    let after = |method| -> Result<S> { Ok((problem.objective(x, &problem.iterates(method, x, eta, network.depth())?)? - best) / n) };
    Ok(Worth {
        network: (value - best) / n,
        ista: after(Method::Ista)?,
        fista: after(Method::Fista)?,
        ista_steps: steps_worth(problem, Method::Ista, x, value, most)?,
        fista_steps: steps_worth(problem, Method::Fista, x, value, most)?,
    })
}
