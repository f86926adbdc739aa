//! Shrinking singular values: the proximal map of the nuclear norm.

use crate::learn::relu_derivative;
use crate::linalg::{Matrix, SpectralFunction, singular_map, singular_map_vjp};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// `max(x − 1, 0)` on `x ≥ 0`.
struct Shrink;
impl SpectralFunction for Shrink {
    const NAME: &'static str = "shrinkage";
    fn value<S: Scalar>(&self, x: S) -> S {
        (x - S::ONE).relu()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        relu_derivative(x - S::ONE)
    }
    /// 0 off the kink; over the kink there is none.
    fn curvature<S: Scalar>(&self, x: S) -> S {
        match (x - S::ONE).sign() {
            Some(Ordering::Less | Ordering::Greater) => S::ZERO,
            _ => S::from_f64(f64::NAN),
        }
    }
}

fn check<S: Scalar>(tau: S) -> Result<()> {
    match tau.sign() {
        Some(Ordering::Greater) if tau.is_finite() => Ok(()),
        None => Err(Error::undecided("tau", "a number surely above 0", tau.to_ball().to_text())),
        _ => Err(Error::domain("tau", "a finite number above 0", tau.value().to_string()).named("InvalidParameter")),
    }
}

/// `D_τ(M) = U diag(max(σ − τ, 0)) Vᵀ`, the minimiser of `½‖X − M‖_F² + τ‖X‖_*`: computed as `τ D_1(M/τ)`. The cost of the SVD. Errors: `NotFinite`; `Domain` unless `τ > 0` (at 0 it is `M`).
///
/// Source: Cai, Candès and Shen, *A Singular Value Thresholding Algorithm for Matrix Completion*, SIAM J. Optim. 20, 2010, Theorem 2.1.
pub fn singular_value_threshold<S: Scalar>(m: &Matrix<S>, tau: S) -> Result<Matrix<S>> {
    check(tau)?;
    Ok(singular_map(&m.map(|x| x / tau), &Shrink)?.scale(tau))
}
/// The gradients in `M` and τ. `M̄` by [`singular_map_vjp`], the derivative being its own transpose. Because `D_{cτ}(cM) = cD_τ(M)`, Euler's relation `τ ∂D/∂τ = D − DD[M]` gives
/// `τ̄ = (⟨X̄, D⟩ − ⟨M̄, M⟩)/τ`. A singular value at τ counts as below it.
pub fn singular_value_threshold_vjp<S: Scalar>(m: &Matrix<S>, tau: S, bar: &Matrix<S>) -> Result<(Matrix<S>, S)> {
    let d = singular_value_threshold(m, tau)?;
    let m_bar = singular_map_vjp(&m.map(|x| x / tau), &Shrink, bar)?;
    let tau_bar = (bar.dot(&d)? - m_bar.dot(m)?) / tau;
    Ok((m_bar, tau_bar))
}
