//! The maxima of rate reduction under a penalty on the norm, in closed form.

use super::profile::Profile;
use crate::coding::Distortion;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// The critical points of `f_k(s) = ½[g_κ(αs) − λs]`, what one direction with squared singular value s of an orthogonal class contributes to `F = ΔR − (λ/2)‖Z‖²`.
///
/// `λ α_k s² − η_k s + λ/α = 0`, `η_k = (α_k − α) − λ(κ + 1)`. 0 is a strict local maximum, `s⁻` a minimum, `s⁺` a local maximum; both exist when `λ < λ_loc`.
#[derive(Clone, Debug, PartialEq)]
pub struct RegularisedClass<S> {
    /// `λ_loc = α(√κ − 1)/(√κ + 1)`: below it, strictly, `s⁺` exists. At `λ = λ_loc` the two meet in an inflection, which is no maximum.
    pub local_threshold: S,
    /// `λ_glob = α g'(u_tan) < λ_loc`: below it `f_k(s⁺) > 0`, the value at `Z = 0`.
    pub global_threshold: S,
    /// `s⁺` and `f_k(s⁺)`.
    pub maximum: Option<(S, S)>,
    /// `s⁻ = 1/(α α_k s⁺)`.
    pub minimum: Option<S>,
}

/// The global maximum of `F(Z) = ΔR(Z) − (λ/2)‖Z‖_F²` over all Z.
///
/// Local maximisers, for `0 < λ < min λ_loc`: `Z_k = √s_k⁺ V_k U_kᵀ` with orthonormal columns, the `U_k` orthogonal to each other, of any ranks `0 ≤ r_k ≤ min(n_k, d)` with `Σ r_k ≤ min(n, d)`; `F = Σ r_k f_k(s_k⁺)`.
/// A global one fills the classes with the greatest `f_k(s_k⁺) > 0` first: the smaller classes, since `f_k(s_k⁺)` falls with `n_k`. Every other critical point is a strict saddle.
///
/// Source: Wang, Liu, Pai, Yu, Zhu, Qu and Ma, *A Global Geometric Analysis of Maximal Coding Rate Reduction*, ICML 2024, Theorems 3.1 and 3.3. Their condition `λ ≤ λ_loc` for the global part is not enough: two classes of 4 samples, `d = 4`,
/// `ε = 1`, `λ = 2/25 < λ_loc = 0.0857864` give `4f(s⁺) = −0.0308552746`, less than `F(0) = 0`. It is `λ < λ_glob`, which decides here class by class.
#[derive(Clone, Debug, PartialEq)]
pub struct RegularisedOptimum<S> {
    /// The maximum of F.
    pub value: S,
    /// The rank of each class there.
    pub ranks: Vec<usize>,
    /// What each class looks like by itself.
    pub classes: Vec<RegularisedClass<S>>,
}

/// One class of `own` samples among `all`, at scale `α`. Errors: `Domain` unless λ > 0 and `own < all`; `Undecided` if a ball cannot tell on which side of `λ_loc` λ lies.
pub fn regularised_class<S: Scalar>(own: usize, all: usize, alpha: S, lambda: S) -> Result<RegularisedClass<S>> {
    if lambda.sign() != Some(Ordering::Greater) {
        return Err(Error::domain("lambda", "a number above 0", lambda.value().to_string()));
    }
    let profile = Profile::<S>::of_class(own, all)?;
    let kappa = profile.kappa();
    let root = kappa.sqrt();
    let local_threshold = alpha * profile.greatest_slope();
    let global_threshold = alpha * profile.tangent_point()?.slope;
    let mut class = RegularisedClass { local_threshold, global_threshold, maximum: None, minimum: None };
    match (local_threshold - lambda).sign() {
        None => return Err(Error::undecided("lambda", "a side of the local threshold", format!("{:?}", lambda.to_ball()))),
        Some(Ordering::Greater) => {}
        _ => return Ok(class),
    }
    // η² − 4λ²κ = (η − 2λ√κ)(η + 2λ√κ), and η − 2λ√κ = (√κ + 1)²(λ_loc − λ).
    let excess = alpha * (kappa - S::ONE);
    let eta = excess - lambda * (kappa + S::ONE);
    let discriminant = (root + S::ONE).square() * (local_threshold - lambda) * (excess - lambda * (root - S::ONE).square());
    let s = (eta + discriminant.sqrt()) / (S::from_f64(2.0) * lambda * alpha * kappa);
    class.maximum = Some((s, (profile.value(alpha * s) - lambda * s) * S::from_f64(0.5)));
    class.minimum = Some(S::ONE / (alpha.square() * kappa * s));
    Ok(class)
}

/// The global maximum for classes of `counts` samples in dimension d. Errors: as [`super::optimum`] and [`regularised_class`]; `Domain` for a single class, for which ΔR is 0.
pub fn regularised_optimum<S: Scalar>(counts: &[usize], d: usize, distortion: Distortion<S>, lambda: S) -> Result<RegularisedOptimum<S>> {
    let n = super::constrained::check(counts, d, None)?;
    let alpha = S::from_usize(d) / (S::from_usize(n) * distortion.squared()?);
    let classes: Vec<RegularisedClass<S>> = counts.iter().map(|&own| regularised_class(own, n, alpha, lambda)).collect::<Result<_>>()?;
    let gain = |k: usize| classes[k].maximum.as_ref().map_or(S::ZERO, |m| m.1);
    let mut order: Vec<usize> = (0..counts.len()).filter(|&k| gain(k).value() > 0.0).collect();
    order.sort_by(|&a, &b| gain(b).value().total_cmp(&gain(a).value()));
    let (mut ranks, mut room, mut value) = (vec![0; counts.len()], n.min(d), S::ZERO);
    for k in order {
        ranks[k] = counts[k].min(d).min(room);
        room -= ranks[k];
        value = S::from_usize(ranks[k]).mul_add(gain(k), value);
    }
    Ok(RegularisedOptimum { value, ranks, classes })
}

impl<S: Scalar> RegularisedOptimum<S> {
    /// `(∂F*/∂λ, ∂F*/∂ε²) = (−½ Σ r_k s_k⁺, −(λ/(2ε²)) Σ r_k s_k⁺)`: at a maximum only the direct dependence counts, and there `α g'(αs) = λ`.
    pub fn slopes(&self, lambda: S, distortion: Distortion<S>) -> Result<(S, S)> {
        let energy = self.ranks.iter().zip(&self.classes).fold(S::ZERO, |sum, (&r, c)| match &c.maximum {
            Some((s, _)) => S::from_usize(r).mul_add(*s, sum),
            None => sum,
        });
        let by_lambda = -(energy * S::from_f64(0.5));
        Ok((by_lambda, by_lambda * lambda / distortion.squared()?))
    }
}
