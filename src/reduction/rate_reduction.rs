//! Rate reduction, the objective of the field: what coding the classes apart saves.

use super::membership::Membership;
pub use super::parts::Of;
use super::parts::Parts;
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// The gradient of a rate.
#[derive(Clone, Debug)]
pub struct RateGradient<S> {
    /// In the samples, n × d.
    pub z: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

/// The rates of classified samples at one distortion.
///
/// With `α = d/(nε²)`, `n_k = Σ_i Π_ik`, `γ_k = n_k/n`, `D_k = diag(Π_·k)`, `M = I + α ZᵀZ`, `M_k = I + (d/(n_kε²)) ZᵀD_kZ`:
/// ```text
/// R  = ½ log det M        R^c = Σ_k γ_k ½ log det M_k        ΔR = R − R^c
/// ```
/// `z` is n × d, one sample a row (the papers' `Z` is its transpose). A class without samples costs nothing. For each source the smaller side is
/// factored: features (d × d) or samples (n_k × n_k). With labels, the samples are grouped by class once, the scatter of the whole is the sum of those of the classes, and in the gradient both
/// terms of a class meet in one matrix. Errors of every method: `Shape` for an empty `z` or one that does not fit the membership, `NotFinite`, `Domain` for a distortion that is not above 0.
///
/// Cost of value and gradient with labels, n ≥ n_k ≥ d: `3nd² + (8/3)(K+1)d³` flops, memory `nd + 3(K+1)d²` numbers.
///
/// Source: Yu, Chan, You, Song and Ma, *Learning Diverse and Discriminative Representations via the Principle of Maximal Coding Rate Reduction*, NeurIPS
/// 2020, equations 1–8; the rate: Ma, Derksen, Hong and Wright, TPAMI 2007.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateReduction<S> {
    distortion: Distortion<S>,
    guard: S,
}

impl<S: Scalar> RateReduction<S> {
    /// The papers' form.
    pub fn new(distortion: Distortion<S>) -> Self {
        RateReduction { distortion, guard: S::ZERO }
    }
    /// With a number added to every `n_k`, as official code does (1e−8) to survive empty classes. It changes `γ_k` and `d/(n_kε²)`, and so the values in their ninth digit.
    pub fn guarded(distortion: Distortion<S>, guard: S) -> Self {
        RateReduction { distortion, guard }
    }
    fn parts(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<Parts<S>> {
        Parts::new(z, membership, self.distortion, self.guard)
    }

    /// `R`, see [`coding_rate`].
    pub fn rate(&self, z: &Matrix<S>) -> Result<S> {
        coding_rate(z, self.distortion)
    }
    /// `R^c ≥ 0`.
    pub fn conditional(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<S> {
        self.parts(z, membership)?.conditional_rate()
    }
    /// `∂R^c/∂Z = α Σ_k D_k Z M_k⁻¹`, and `∂R^c/∂ε² = −⟨Z, ∂R^c/∂Z⟩ / (2ε²)`: ε² enters through `α_k` alone, and `α_k ∂/∂α_k` is half the derivative along the scale of `Z`.
    pub fn conditional_gradient(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<RateGradient<S>> {
        let parts = self.parts(z, membership)?;
        with_distortion(parts.conditional_gradient()?, &parts)
    }
    /// `ΔR`, between 0 and R where the weights of each sample sum to 1. Below a sixteenth of R it is computed as a mean of divergences, not as a difference.
    pub fn value(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<S> {
        self.parts(z, membership)?.reduction()
    }
    /// `∂ΔR/∂Z = α (Z M⁻¹ − Σ_k D_k Z M_k⁻¹)`, and `∂ΔR/∂ε² = −⟨Z, ∂ΔR/∂Z⟩ / (2ε²)`.
    ///
    /// `d ½ log det M = ½ tr(M⁻¹ dM)`, `dM = α (dZᵀZ + ZᵀdZ)`; the same for each class with `γ_k α_k = α`. Its Lipschitz constant is `9α/8` for a partition.
    pub fn gradient(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<RateGradient<S>> {
        let parts = self.parts(z, membership)?;
        with_distortion(parts.value_and_gradient()?.1, &parts)
    }
    /// Value and gradient from the same second moments.
    pub fn value_and_gradient(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<(S, RateGradient<S>)> {
        let parts = self.parts(z, membership)?;
        let (value, gradient) = parts.value_and_gradient()?;
        Ok((value, with_distortion(gradient, &parts)?))
    }
    /// `∂R^c/∂Π_ik = (1/2n) [log det M_k − (d − tr M_k⁻¹) + (d/ε²) z_iᵀ M_k⁻¹ z_i]`, n × K; that of ΔR is its negative.
    ///
    /// The entries of Π are free, n is fixed, so `Σ_i Π_ik ∂R^c/∂Π_ik = γ_k ½ log det M_k` (R^c is homogeneous of degree 1 in each column). Errors: `Domain` (`EmptyClass`) where a class has no samples: there the
    /// derivative is one-sided, see [`empty_class_slopes`].
    pub fn membership_gradient(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<Matrix<S>> {
        self.parts(z, membership)?.membership_gradient(membership.class_count())
    }
    /// The Hessian in `Z` along `V`: for R `H[V] = α(V − αZM⁻¹T)M⁻¹`, for R^c `α Σ_k D_k (V − α_k Z M_k⁻¹ T_k) M_k⁻¹`, with `T = VᵀZ + ZᵀV`, `T_k = VᵀD_kZ + ZᵀD_kV`.
    ///
    /// Symmetric: `⟨Y, H[V]⟩ = ⟨V, H[Y]⟩`. For R, and for R^c of a partition, `−(α/8) I ⪯ H ⪯ αI`; for ΔR of a partition `−(9α/8) I ⪯ H ⪯ (9α/8) I`.
    pub fn hessian(&self, of: Of, z: &Matrix<S>, membership: &Membership<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        self.along(z, membership, &[v])?.hessian(v, of)
    }
    /// The derivative of `H[V]` along a change `Y` of `Z`, symmetric in V and Y.
    pub fn third(&self, of: Of, z: &Matrix<S>, membership: &Membership<S>, v: &Matrix<S>, y: &Matrix<S>) -> Result<Matrix<S>> {
        self.along(z, membership, &[v, y])?.third(v, y, of)
    }
    /// The gradient of `⟨Y, H[V]⟩`: in V it is `H[Y]`, in Z the third derivative along V and Y, in ε² it is `−(⟨Y, H[V]⟩ + ½⟨Z, third(V, Y)⟩)/ε²`, because ε² enters as a
    /// scale of Z: `H` at `(Z, α)` is α times that at `(√α Z, 1)`.
    pub fn hessian_vjp(
        &self,
        of: Of,
        z: &Matrix<S>,
        membership: &Membership<S>,
        v: &Matrix<S>,
        y: &Matrix<S>,
    ) -> Result<(RateGradient<S>, Matrix<S>)> {
        let parts = self.along(z, membership, &[v, y])?;
        let (v_bar, z_bar) = (parts.hessian(y, of)?, parts.third(v, y, of)?);
        let along_scale = v.dot(&v_bar)? + z.dot(&z_bar)? * S::from_f64(0.5);
        Ok((RateGradient { z: z_bar, eps2: -(along_scale / parts.eps2) }, v_bar))
    }
    fn along(&self, z: &Matrix<S>, membership: &Membership<S>, directions: &[&Matrix<S>]) -> Result<Parts<S>> {
        for v in directions {
            if v.shape() != z.shape() {
                return Err(crate::Error::shape("direction", format!("{z:?}, the shape of z"), format!("{v:?}")));
            }
        }
        self.parts(z, membership)
    }
}

fn with_distortion<S: Scalar>(z: Matrix<S>, parts: &Parts<S>) -> Result<RateGradient<S>> {
    let eps2 = -(parts.whole.z.dot(&z)? / (parts.eps2 * S::from_f64(2.0)));
    Ok(RateGradient { z, eps2 })
}

/// `ΔR(Z | Π; ε)`, see [`RateReduction::value`].
pub fn rate_reduction<S: Scalar>(z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>) -> Result<S> {
    RateReduction::new(distortion).value(z, membership)
}

/// `R^c(Z | Π; ε)`, see [`RateReduction::conditional`].
pub fn conditional_rate<S: Scalar>(z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>) -> Result<S> {
    RateReduction::new(distortion).conditional(z, membership)
}

/// The one-sided derivative of `R^c` in the weight of each sample of a class that has none: `(1/2n) log(1 + (d/ε²)‖z_i‖²)`, the limit of `f(tπ)/t` at
/// `π = e_i`, since R^c is homogeneous of degree 1 in each column of Π. Along several samples at once it is not the sum: there it is `f(π)` itself.
pub fn empty_class_slopes<S: Scalar>(z: &Matrix<S>, distortion: Distortion<S>) -> Result<Vec<S>> {
    let ratio = S::from_usize(z.cols()) / distortion.squared()?;
    let scale = S::ONE / S::from_usize(2 * z.rows());
    Ok((0..z.rows()).map(|i| (ratio * S::dot(z.row(i), z.row(i))).log1p() * scale).collect())
}
