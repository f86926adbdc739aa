//! The best estimate of a Gaussian signal in Gaussian noise, and what its competitors cost.

use crate::linalg::{Matrix, spd_solve_rows};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

fn check<S: Scalar>(x: &Matrix<S>, signal: &Matrix<S>, sigma2: S) -> Result<Matrix<S>> {
    let d = signal.check_square("signal")?;
    if x.rows() == 0 || d == 0 || x.cols() != d {
        return Err(Error::shape("x", format!("n × {d}, both at least 1"), format!("{x:?}")).named("ShapeMismatch"));
    }
    x.check_finite("x")?;
    signal.check_finite("signal")?;
    match sigma2.sign() {
        Some(Ordering::Greater) if sigma2.is_finite() => {}
        None => return Err(Error::undecided("sigma2", "a number surely above 0", sigma2.to_ball().to_text())),
        _ => return Err(Error::domain("sigma2", "a finite number above 0", sigma2.value().to_string()).named("InvalidParameter")),
    }
    let mut noisy = Matrix::from_fn(d, d, |i, j| if i >= j { signal[(i, j)] } else { signal[(j, i)] });
    (0..d).for_each(|i| noisy[(i, i)] += sigma2);
    Ok(noisy)
}

/// `E[x₀ | x] = xΣ(Σ + σ²I)⁻¹ = x − σ²x(Σ + σ²I)⁻¹` for `x = x₀ + σg`, `x₀ ~ N(0, Σ)`: the estimate of least mean square error, each direction shrunk by `λ_i/(λ_i + σ²)`. It is
/// Tweedie's `x + σ²∇log p(x)`. Rows are samples; of `signal` (`d × d`) the lower triangle is read. `d³/3 + 2nd²` flops. Errors: `Shape`, `NotFinite`; `Domain` unless `σ² > 0`;
/// `NotPositiveDefinite` unless `Σ + σ²I` is.
///
/// Source: Wiener, *Extrapolation, Interpolation, and Smoothing of Stationary Time Series*, 1949; Kay, *Estimation Theory*, 1993, §11.4.
pub fn wiener<S: Scalar>(x: &Matrix<S>, signal: &Matrix<S>, sigma2: S) -> Result<Matrix<S>> {
    let noisy = check(x, signal, sigma2)?;
    let symmetric = Matrix::from_fn(noisy.rows(), noisy.rows(), |i, j| if i >= j { signal[(i, j)] } else { signal[(j, i)] });
    spd_solve_rows(&noisy, &x.matmul(&symmetric)?)
}
/// The gradients of [`wiener`].
#[derive(Clone, Debug)]
pub struct WienerGradient<S> {
    /// With respect to the samples.
    pub x: Matrix<S>,
    /// With respect to the covariance of the signal, symmetrised.
    pub signal: Matrix<S>,
    /// With respect to σ².
    pub sigma2: S,
}
/// The gradients. With `K = (Σ + σ²I)⁻¹`, `H = ȲK`: `X̄ = HΣ`; from `Y = X − σ²XK`: `Σ̄ = σ² sym((XK)ᵀH)`, `σ̄² = −⟨H, XKΣ⟩ = −⟨H, Y⟩`.
pub fn wiener_vjp<S: Scalar>(x: &Matrix<S>, signal: &Matrix<S>, sigma2: S, bar: &Matrix<S>) -> Result<WienerGradient<S>> {
    let noisy = check(x, signal, sigma2)?;
    if bar.shape() != x.shape() {
        return Err(Error::shape("cotangent", format!("{x:?}"), format!("{bar:?}")).named("ShapeMismatch"));
    }
    let (h, xk) = (spd_solve_rows(&noisy, bar)?, spd_solve_rows(&noisy, x)?);
    let symmetric = Matrix::from_fn(noisy.rows(), noisy.rows(), |i, j| if i >= j { signal[(i, j)] } else { signal[(j, i)] });
    let y = xk.matmul(&symmetric)?;
    Ok(WienerGradient { x: h.matmul(&symmetric)?, signal: xk.t_matmul(&h)?.symmetrised()?.scale(sigma2), sigma2: -h.dot(&y)? })
}

/// The mean square error of [`wiener`], `Σ λ_iσ²/(λ_i + σ²)`, from the eigenvalues of Σ. It lies between half of [`projection_risk`] at the best rank and that. Errors: `Domain` unless `σ² ≥ 0`, `λ ≥ 0`.
pub fn wiener_risk<S: Scalar>(eigenvalues: &[S], sigma2: S) -> Result<S> {
    check_spectrum(eigenvalues, sigma2)?;
    let terms: Vec<S> = eigenvalues
        .iter()
        .map(|&l| match (l + sigma2).sign() {
            Some(Ordering::Equal) => S::ZERO,
            _ => l * sigma2 / (l + sigma2),
        })
        .collect();
    Ok(S::sum(&terms))
}
/// The mean square error of projecting on the k leading directions, `kσ² + Σ_{i>k} λ_i`, from eigenvalues in descending order; least where exactly the `λ_i > σ²` are kept: `Σ min(λ_i, σ²)`.
/// Errors: as [`wiener_risk`]; `Domain` for k above their number.
pub fn projection_risk<S: Scalar>(eigenvalues: &[S], sigma2: S, k: usize) -> Result<S> {
    check_spectrum(eigenvalues, sigma2)?;
    if k > eigenvalues.len() {
        return Err(Error::domain("k", format!("at most {}", eigenvalues.len()), k.to_string()).named("InvalidRank"));
    }
    Ok(S::from_usize(k) * sigma2 + S::sum(&eigenvalues[k..]))
}
fn check_spectrum<S: Scalar>(eigenvalues: &[S], sigma2: S) -> Result<()> {
    for (i, &l) in eigenvalues.iter().chain([&sigma2]).enumerate() {
        if !l.is_finite() || l.sign() == Some(Ordering::Less) {
            let at = if i < eigenvalues.len() { format!("eigenvalue {i}") } else { "sigma2".into() };
            return Err(Error::domain(at, "a finite number from 0 on", l.value().to_string()).named("InvalidParameter"));
        }
    }
    Ok(())
}
