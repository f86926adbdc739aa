//! The factor of `I + αZᵀZ` where α‖Z‖² is so large that the product would drown the identity.

use crate::Result;
use crate::linalg::{Matrix, Qr};
use crate::scalar::Scalar;

/// `α‖Z‖² > 1/√u`: formed as a product, `I + αZᵀZ` would keep less than half of the digits of I.
pub fn drowns<S: Scalar>(trace: S) -> bool {
    let t = trace.value();
    t * t * S::UNIT_ROUNDOFF > 1.0
}

/// Lower triangular L with positive diagonal, `L Lᵀ = I + αZᵀZ`, from the QR factorisation of `[√α Z; I]`: the products that would drown I are never formed, and each column is right to u times its length. Give `Zᵀ` for the other side.
/// `4(n + d)d²` flops.
pub fn augmented_factor<S: Scalar>(z: &Matrix<S>, alpha: S) -> Result<Matrix<S>> {
    let (n, d, root) = (z.rows(), z.cols(), alpha.sqrt());
    let element = |i: usize, j: usize| {
        if i < n {
            z[(i, j)] * root
        } else if i - n == j {
            S::ONE
        } else {
            S::ZERO
        }
    };
    Ok(Qr::new(&Matrix::from_fn(n + d, d, element))?.r.transpose())
}

/// `2 Σ log l_jj`.
pub fn factor_log_det<S: Scalar>(l: &Matrix<S>) -> S {
    let logs: Vec<S> = l.diagonal().into_iter().map(S::ln).collect();
    S::sum(&logs) * S::from_f64(2.0)
}
