//! Linear algebra, written once for every number type.
//!
//! Two arithmetic laws make results independent of threads, blocks and vector width; their short form in [`definition`] is the
//! definition, and every fast path equals it bit for bit.
//!
//! 1. Each element of a product starts at +0 and is one chain of fused multiply-adds in increasing k.
//! 2. A long sum (norm, mean, inner product of two vectors) goes over 16 lanes: lane l sums the elements i ≡ l mod 16, then the lanes
//!    fold +8, +4, +2, +1.

mod bulk;
mod cholesky;
pub mod definition;
mod dft;
pub mod dispatch;
mod eigen;
mod enclose;
mod invert;
pub mod kernel;
mod matrix;
mod norms;
mod pivoted;
mod polar;
mod procrustes;
mod qr;
mod scaling;
mod singular;
mod spectral;
mod spectral_bounds;
mod svd;
pub mod threads;
pub mod timing;

pub use cholesky::{
    Cholesky, log_det, log_det_i_plus, log_det_i_plus_solve, log_det_i_plus_solve_rows, log_det_i_plus_vjp, log_det_vjp, plus_identity,
    spd_inverse, spd_solve, spd_solve_rows, spd_solve_vjp,
};
pub use dft::{Complex, Dft, Dft2, dft_definition, dft_real, inverse_dft_real, root_of_unity};
pub use eigen::{Eigen, check_symmetric, enclose_eigenvalues};
pub use invert::{Lu, inverse, inverse_vjp, log_abs_det, log_abs_det_vjp, solve, solve_vjp};
pub(crate) use matrix::mirror;
pub use matrix::{Matrix, gram, product};
pub use norms::{
    frobenius_norm, frobenius_norm_gradient, nuclear_norm, nuclear_norm_gradient, schatten_norm, schatten_norm_gradient, spectral_norm,
    spectral_norm_gradient,
};
pub use pivoted::PivotedCholesky;
pub use polar::{polar, polar_newton, polar_vjp, symmetric_factor};
pub use procrustes::{align, align_signs, procrustes, procrustes_rotation, procrustes_rotation_vjp, procrustes_vjp};
pub use qr::Qr;
pub use singular::{singular_map, singular_map_vjp, singular_sum, singular_sum_gradient};
pub use spectral::{
    Exponential, InverseSquareRoot, Logarithm, Reciprocal, SpectralFunction, SquareRoot, spectral_function, spectral_function_vjp,
    top_k_projector, top_k_projector_vjp, trace_function, trace_function_gradient,
};
pub use svd::{Svd, enclose_singular_values};
