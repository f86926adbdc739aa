//! What a differentiable block is.

use super::Parameters;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A differentiable block on batches of tokens.
///
/// `x` is (batch · tokens) × d, one token a row, the tokens of a sample in consecutive rows, so that the products run over the whole batch. A
/// *trace* holds the output and what the backward pass needs besides `x`, in memory that the next call uses again. The gradient of a layer is
/// a layer: same fields, same names.
pub trait Layer<S: Scalar>: Parameters<S> + Clone {
    /// The output and what [`backward`](Layer::backward) needs.
    type Trace: Default;

    /// The output, which stays in the trace.
    fn forward<'t>(&self, x: &Matrix<S>, tokens: usize, trace: &'t mut Self::Trace) -> Result<&'t Matrix<S>>;

    /// Adds the gradients to `grad` and to `dx`, given the gradient `dy` with respect to the output. `x` and the trace are those of the last
    /// [`forward`](Layer::forward).
    fn backward(&self, x: &Matrix<S>, trace: &mut Self::Trace, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()>;

    /// The output alone.
    fn apply(&self, x: &Matrix<S>, tokens: usize) -> Result<Matrix<S>> {
        self.forward(x, tokens, &mut Self::Trace::default()).cloned()
    }
    /// The gradients with respect to `x` and to the layer, forward pass included.
    fn vjp(&self, x: &Matrix<S>, tokens: usize, dy: &Matrix<S>) -> Result<(Matrix<S>, Self)> {
        let mut trace = Self::Trace::default();
        let y = self.forward(x, tokens, &mut trace)?;
        same_shape("cotangent", y, dy)?;
        let (mut dx, mut grad) = (Matrix::zeros(x.rows(), x.cols()), self.clone());
        grad.clear();
        self.backward(x, &mut trace, dy, &mut grad, &mut dx)?;
        Ok((dx, grad))
    }
}

/// Errors: `Shape` unless `b` has the shape of `a`.
pub(crate) fn same_shape<S: Scalar>(what: &str, a: &Matrix<S>, b: &Matrix<S>) -> Result<()> {
    if a.shape() == b.shape() { Ok(()) } else { Err(Error::shape(what, format!("{a:?}"), format!("{b:?}")).named("ShapeMismatch")) }
}

/// Errors: `Shape` unless `x` has `width` columns, at least one of them, and a whole number of samples of `tokens` rows.
pub(crate) fn check_input<S: Scalar>(x: &Matrix<S>, tokens: usize, width: usize) -> Result<()> {
    if width == 0 || tokens == 0 || x.rows() == 0 {
        return Err(
            Error::shape("x", "at least one token of at least one feature", format!("{x:?}, {tokens} tokens a sample")).named("EmptyInput")
        );
    }
    if x.cols() != width || !x.rows().is_multiple_of(tokens) {
        let expected = format!("a multiple of {tokens} rows, {width} columns");
        return Err(Error::shape("x", expected, format!("{x:?}")).named("ShapeMismatch"));
    }
    Ok(())
}
