//! The linear map of the frameworks: `Y = X Wᵀ + b`.

use crate::linalg::{Matrix, product};
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// The gradients of [`linear`].
#[derive(Clone, Debug)]
pub struct LinearGradient<S> {
    /// With respect to the rows.
    pub x: Matrix<S>,
    /// With respect to the weight.
    pub w: Matrix<S>,
    /// With respect to the bias.
    pub b: Vec<S>,
}

/// `Y = X Wᵀ + b`. `x`: n × d, `w`: m × d (out × in, as PyTorch stores it), `b`: m or absent. `2 n m d` flops. Each element is the chain of the product
/// plus the bias, rounded once more. Errors: `Shape`.
pub fn linear<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, b: Option<&[S]>) -> Result<Matrix<S>> {
    let mut y = product(x.view(), w.view().t())?;
    if let Some(b) = b {
        if b.len() != w.rows() {
            return Err(Error::shape("b", format!("{} numbers", w.rows()), b.len().to_string()));
        }
        for i in 0..y.rows() {
            y.row_mut(i).iter_mut().zip(b).for_each(|(y, &b)| *y += b);
        }
    }
    Ok(y)
}

/// Gradient of [`linear`]: `X̄ = Ȳ W`, `W̄ = Ȳᵀ X`, `b̄ = Σ_rows Ȳ`.
pub fn linear_vjp<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, y_bar: &Matrix<S>) -> Result<LinearGradient<S>> {
    if y_bar.shape() != [x.rows(), w.rows()] {
        return Err(Error::shape("cotangent", format!("{} × {}", x.rows(), w.rows()), format!("{y_bar:?}")));
    }
    // The column sums are a product with a row of ones: the same chain, the same kernel.
    let ones = Matrix::from_fn(1, x.rows(), |_, _| S::ONE);
    let mut b = vec![S::ZERO; w.rows()];
    S::product(ones.view(), y_bar.view(), &mut b, Part::Full);
    Ok(LinearGradient { x: y_bar.matmul(w)?, w: y_bar.t_matmul(x)?, b })
}
