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
pub mod dispatch;
mod enclose;
pub mod kernel;
mod matrix;
pub mod threads;
pub mod timing;

pub use cholesky::{
    Cholesky, log_det, log_det_i_plus, log_det_i_plus_solve, log_det_i_plus_solve_rows, log_det_i_plus_vjp, log_det_vjp, plus_identity,
    spd_inverse, spd_solve, spd_solve_rows, spd_solve_vjp,
};
pub(crate) use matrix::mirror;
pub use matrix::{Matrix, gram, product};
