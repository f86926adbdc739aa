//! ISTA and FISTA: proximal gradient steps, plain and with momentum.

use super::certificate::Certificate;
use super::lasso::Lasso;
use crate::learn::same_shape;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// How the iterates follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `z_k = T(z_{k−1})` with T the step: `P(z_k) − P* ≤ ‖z₀ − z*‖²/(2ηk)` for `η ≤ 1/L`.
    Ista,
    /// `z_k = T(y_k)`, `y_{k+1} = z_k + (t_k − 1)/t_{k+1} (z_k − z_{k−1})`, `t₁ = 1`, `t_{k+1} = (1 + √(1 + 4t_k²))/2`: `P(z_k) − P* ≤ 2‖z₀ − z*‖²/(η(k + 1)²)`. Not monotone. The first two
    /// iterates are those of ISTA, because `t₁ = 1`.
    Fista,
}

/// The momentum factors `(t_{k−1} − 1)/t_k` of the steps 1, 2, …; 0 for the first two.
struct Momentum<S> {
    method: Method,
    t: S,
    first: bool,
}
impl<S: Scalar> Momentum<S> {
    fn new(method: Method) -> Self {
        Momentum { method, t: S::ONE, first: true }
    }
    fn next(&mut self) -> S {
        if self.method == Method::Ista || self.first {
            self.first = false;
            return S::ZERO;
        }
        let next = (S::ONE + (S::ONE + self.t.square() * S::from_f64(4.0)).sqrt()) * S::from_f64(0.5);
        let factor = (self.t - S::ONE) / next;
        self.t = next;
        factor
    }
}

/// Where a descent stopped.
#[derive(Clone, Debug)]
pub struct Descent<S> {
    /// The codes.
    pub z: Matrix<S>,
    /// What they lack.
    pub certificate: Certificate<S>,
    /// Steps made.
    pub steps: usize,
    /// The gap fell to what was asked.
    pub converged: bool,
}

/// The gradients of an iterate.
#[derive(Clone, Debug)]
pub struct IterationGradient<S> {
    /// With respect to the data.
    pub x: Matrix<S>,
    /// With respect to the first codes.
    pub start: Matrix<S>,
    /// With respect to the atoms.
    pub a: Matrix<S>,
    /// With respect to η.
    pub eta: S,
    /// With respect to λ.
    pub lambda: S,
}

impl<S: Scalar> Lasso<S> {
    /// `steps` iterates from `start`, each shown to `watch` with its number from 1 on; returns the last. `4nmd` flops a step.
    /// Errors: `Shape`, `NotFinite`, `Domain` for `η < 0`. A step above `1/L` is not refused: convergence is then not promised.
    ///
    /// Source: Beck and Teboulle, *A Fast Iterative Shrinkage-Thresholding Algorithm for Linear Inverse Problems*, SIAM J. Imaging Sci. 2, 2009, Theorems 3.1 and 4.4.
    pub fn iterate(
        &self,
        method: Method,
        x: &Matrix<S>,
        start: &Matrix<S>,
        eta: S,
        steps: usize,
        mut watch: impl FnMut(usize, &Matrix<S>),
    ) -> Result<Matrix<S>> {
        let (mut z, mut previous, mut momentum) = (start.clone(), start.clone(), Momentum::new(method));
        for k in 1..=steps {
            let y = ahead(&z, &previous, momentum.next())?;
            previous = std::mem::replace(&mut z, self.step(x, &y, eta)?);
            watch(k, &z);
        }
        Ok(z)
    }
    /// `steps` iterates from 0: [`Lasso::iterate`].
    pub fn iterates(&self, method: Method, x: &Matrix<S>, eta: S, steps: usize) -> Result<Matrix<S>> {
        self.iterate(method, x, &Matrix::zeros(x.rows(), self.a.rows()), eta, steps, |_, _| {})
    }
    /// Iterates from `start` with [`Lasso::step_size`] until the duality gap is at most `tolerance · ½‖X‖²`, or `most` steps are made; momentum restarts when it points uphill
    /// (O'Donoghue and Candès, Found. Comput. Math. 15, 2015). The certificate says what was reached. Errors: as [`Lasso::gap`]; `Domain` for a negative tolerance.
    pub fn descend(&self, method: Method, x: &Matrix<S>, start: &Matrix<S>, tolerance: f64, most: usize) -> Result<Descent<S>> {
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            return Err(Error::domain("tolerance", "a finite number from 0 on", tolerance.to_string()).named("InvalidParameter"));
        }
        self.check(x, start)?;
        let target = tolerance * 0.5 * x.frobenius_squared().value();
        let eta = self.step_size()?;
        let (mut z, mut previous, mut momentum) = (start.clone(), start.clone(), Momentum::new(method));
        let mut steps = 0;
        loop {
            // The gap costs as much as a step: it is looked at in growing intervals.
            let due = steps == most || steps % (1 + steps / 16) == 0;
            if due {
                let certificate = self.certificate(x, &z)?;
                let converged = certificate.gap.value() <= target;
                if converged || steps == most {
                    return Ok(Descent { z, certificate, steps, converged });
                }
            }
            let y = ahead(&z, &previous, momentum.next())?;
            let next = self.step(x, &y, eta)?;
            if y.sub(&next)?.dot(&next.sub(&z)?)?.value() > 0.0 {
                momentum = Momentum::new(method);
            }
            previous = std::mem::replace(&mut z, next);
            steps += 1;
        }
    }
    /// The gradients of [`Lasso::iterate`]'s last iterate, by the chain rule through every step: with `z̄_k` the cotangent of iterate k, [`Lasso::step_vjp`] at `y_k` gives
    /// `ȳ_k`, and `y_k = (1 + β)z_{k−1} − βz_{k−2}` adds `(1 + β)ȳ_k` to `z̄_{k−1}` and `−βȳ_k` to `z̄_{k−2}`. About three times the cost of the iterates, which are kept: `2nm` numbers a step.
    pub fn iterate_vjp(
        &self,
        method: Method,
        x: &Matrix<S>,
        start: &Matrix<S>,
        eta: S,
        steps: usize,
        z_bar: &Matrix<S>,
    ) -> Result<IterationGradient<S>> {
        same_shape("cotangent", start, z_bar)?;
        let (mut z, mut previous, mut momentum) = (start.clone(), start.clone(), Momentum::new(method));
        let mut trace = Vec::with_capacity(steps);
        for _ in 0..steps {
            let beta = momentum.next();
            let y = ahead(&z, &previous, beta)?;
            previous = std::mem::replace(&mut z, self.step(x, &y, eta)?);
            trace.push((beta, y));
        }
        let mut sum = IterationGradient {
            x: Matrix::zeros(x.rows(), x.cols()),
            start: Matrix::zeros(start.rows(), start.cols()),
            a: Matrix::zeros(self.a.rows(), self.a.cols()),
            eta: S::ZERO,
            lambda: S::ZERO,
        };
        let (mut bar, mut earlier) = (z_bar.clone(), Matrix::zeros(z_bar.rows(), z_bar.cols()));
        for (beta, y) in trace.iter().rev() {
            let g = self.step_vjp(x, y, eta, &bar)?;
            sum.x.accumulate(&g.x)?;
            sum.a.accumulate(&g.a)?;
            sum.eta += g.eta;
            sum.lambda += g.lambda;
            bar = earlier.add(&g.z.scale(S::ONE + *beta))?;
            earlier = g.z.scale(-*beta);
        }
        sum.start = bar.add(&earlier)?;
        Ok(sum)
    }
}

/// `z + β (z − previous)`; `z` itself at the first steps, where β is 0.
fn ahead<S: Scalar>(z: &Matrix<S>, previous: &Matrix<S>, beta: S) -> Result<Matrix<S>> {
    if beta == S::ZERO { Ok(z.clone()) } else { z.zip(previous, |z, p| z + beta * (z - p)) }
}
