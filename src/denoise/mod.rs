//! Denoising: what is known of a sample once noise has been added to it, and what follows from knowing it.
//!
//! The noise: `x_t = α x + σ g` with `g` standard Gaussian and independent of `x` ([`Noise`], [`Schedule`]). The best guess of `x` is the posterior mean
//! `x̄ = E[x | x_t]`, the denoiser; the score `s = ∇ log p_t` says the same in other words, `α x̄ = x_t + σ² s` (Tweedie). Both are known in closed form here for
//! mixtures of Gaussians, finite sets, spheres and subspaces, so that whatever a network learns can be held against the truth.
//!
//! | idea | file |
//! |---|---|
//! | noise levels and schedules | [`Noise`], [`Schedule`] |
//! | mixtures of Gaussians: density, responsibilities, score, Hessian, denoiser, gradients, samples | [`GaussianMixture`], [`Noised`] |
//! | two points, circle, sphere | [`two_points()`], [`Sphere`], [`resultant`] |
//! | a finite set: the denoiser that memorises | [`memorise`], [`FiniteSet`] |
//! | subspaces: the denoiser that looks like attention | [`attend_subspaces`], [`SubspaceMixture`] |
//! | entropy, Fisher information, least error, and how a step changes them | [`entropy_bounds`], [`averages()`], [`step_change`] |
//! | sampling by denoising, and what it does to a Gaussian exactly | [`ddim`], [`stochastic`], [`sampled_deviation`] |
//! | what a network may predict | [`Target`], [`Moment`] |
//! | measurements and guidance | [`GaussianMixture::given`], [`guided`] |
//! | fitting and learning | [`fit_mixture`], [`ScoreNetwork`] |

mod averages;
mod bessel;
mod conditional;
mod covariance;
mod entropy;
mod fit;
mod memory;
mod mixture;
mod network;
mod noise;
mod noised;
mod prediction;
mod quadrature;
mod sampler;
mod sphere;
mod subspaces;
mod two_points;

pub use averages::{
    Average, Averages, Averaging, StepChange, averages, entropy_rate, fisher_of_mmse, mmse_of_fisher, mutual_information, sphere_averages,
    step_change,
};
pub(crate) use bessel::{Monotone, Root};
pub use bessel::{Resultant, resultant};
pub use conditional::guided;
pub use covariance::Covariance;
pub use entropy::{EntropyBounds, entropy_bounds, gaussian_entropy};
pub use fit::{Fit, FitOptions, fit_mixture};
pub use memory::{FiniteSet, Memory, MemoryGradient, memorise, memorise_vjp};
pub use mixture::GaussianMixture;
pub use network::{ScoreNetwork, TrainOptions};
pub use noise::{Noise, Schedule};
pub use noised::{Cotangents, Evaluation, MixtureGradient, Noised};
pub use prediction::{Moment, Target};
pub use quadrature::{Rule, gauss_hermite, gauss_legendre};
pub use sampler::{
    Denoiser, Spacing, ddim, ddim_adjoint, ddim_multiplier, ddim_step, flow_multiplier, levels, sampled_deviation, stochastic,
};
pub use sphere::{Sphere, SphereDenoised, SphereGradient};
pub use subspaces::{SubspaceGradient, SubspaceMixture, attend_subspaces, attend_subspaces_vjp};
pub use two_points::{TwoPoints, two_points};
