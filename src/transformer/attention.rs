//! Softmax attention of every head of every sample: what subspace self-attention and the attention of the ViT share.

use crate::linalg::Matrix;
use crate::scalar::Scalar;

pub(super) use crate::scalar::Heads;

impl<S: Scalar> Heads<S> {
    /// `W = softmax_row(scale · Q Kᵀ)` of every head of every sample, one T × T block after the other; `O = W V`, the heads side by side.
    pub(super) fn forward(&self, projected: &Matrix<S>, weights: &mut Vec<S>, out: &mut Matrix<S>) {
        weights.resize(projected.rows() * self.heads * self.tokens, S::ZERO);
        out.reset(projected.rows(), self.heads * self.width);
        S::attention(self, projected.data(), projected.cols(), weights, out.data_mut());
    }
    /// Adds the gradient of [`forward`](Heads::forward) to `d_projected`.
    pub(super) fn backward(&self, projected: &Matrix<S>, weights: &[S], d_out: &Matrix<S>, d_projected: &mut Matrix<S>) {
        S::attention_vjp(self, projected.data(), projected.cols(), weights, d_out.data(), d_projected.data_mut());
    }
}
