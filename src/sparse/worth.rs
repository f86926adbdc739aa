//! What a trained network is worth, in steps of ISTA and FISTA.

use super::iterate::Method;
use super::lasso::Lasso;
use super::unrolled::Unrolled;
use crate::Result;
use crate::linalg::Matrix;
use crate::scalar::Scalar;

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

/// The least number of steps from 0 after which a method has `P ≤ value` over these samples: what a network that reaches `value` is worth. `None` if `most` do not suffice.
pub fn steps_worth<S: Scalar>(lasso: &Lasso<S>, method: Method, x: &Matrix<S>, value: S, most: usize) -> Result<Option<usize>> {
    let zero = Matrix::zeros(x.rows(), lasso.a.rows());
    if lasso.objective(x, &zero)?.value() <= value.value() {
        return Ok(Some(0));
    }
    let eta = lasso.step_size()?;
    // Twice as many steps each time: at most twice the work of stopping at once.
    let (mut seen, mut limit) = (0, if most < 16 { most } else { 16 });
    loop {
        let (mut found, mut failed) = (None, None);
        lasso.iterate(method, x, &zero, eta, limit, |k, z| {
            if found.is_none() && failed.is_none() && k > seen {
                match lasso.objective(x, z) {
                    Ok(p) if p.value() <= value.value() => found = Some(k),
                    Ok(_) => {}
                    Err(e) => failed = Some(e),
                }
            }
        })?;
        match (failed, found) {
            (Some(e), _) => return Err(e),
            (_, Some(k)) => return Ok(Some(k)),
            _ if limit == most => return Ok(None),
            _ => (seen, limit) = (limit, if 2 * limit < most { 2 * limit } else { most }),
        }
    }
}
