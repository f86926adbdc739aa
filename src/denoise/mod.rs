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
//! | two points, circle, sphere | [`two_points`], [`sphere`], [`Sphere`] |
//! | a finite set: the denoiser that memorises | [`memorise`] |
//! | subspaces: the denoiser that looks like attention | [`attend_subspaces`], [`SubspaceMixture`] |

mod bessel;
mod covariance;
mod memory;
mod mixture;
mod noise;
mod noised;
mod sphere;
mod subspaces;
mod two_points;

pub(crate) use bessel::{Monotone, Root};
pub use bessel::{Resultant, resultant};
pub use covariance::Covariance;
pub use memory::{Memory, MemoryGradient, memorise, memorise_vjp};
pub use mixture::GaussianMixture;
pub use noise::{Noise, Schedule};
pub use noised::{Cotangents, Evaluation, MixtureGradient, Noised};
pub use sphere::{Sphere, SphereDenoised, SphereGradient};
pub use subspaces::{SubspaceGradient, SubspaceMixture, attend_subspaces, attend_subspaces_vjp};
pub use two_points::{TwoPoints, two_points};
