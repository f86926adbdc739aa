//! One low-dimensional linear structure: how to learn it, what it explains, and what it can restore.
//!
//! A sample is a row of `X` (`n × d`), a basis `U` is `d × k` with orthonormal columns: encode `Z = XU`, decode `ZUᵀ`. Papers write the transposes. Bases are free up to a rotation where
//! eigenvalues coincide and up to sign elsewhere: compare projectors, losses and spectra, not columns.

mod completion;
mod factor;
mod pca;
mod power;
mod threshold;
mod wiener;

pub use completion::{Completion, complete_cross, complete_two_by_two, singular_value_completion, soft_impute, unobserved};
pub use factor::{
    LikelihoodGradient, ProbabilisticPca, em_step, log_likelihood, log_likelihood_gradient, ml_covariance, ml_covariance_vjp,
};
pub use pca::{Divisor, Pca, centred, pca_loss, pca_loss_gradient, pca_projector, pca_projector_vjp, principal_sines, spectrum};
pub use power::{OrthogonalIterate, PowerGradient, PowerIterate, orthogonal_iteration, power_iteration, power_iteration_vjp};
pub use threshold::{singular_value_threshold, singular_value_threshold_vjp};
pub use wiener::{WienerGradient, projection_risk, wiener, wiener_risk, wiener_vjp};
