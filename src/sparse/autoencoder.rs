//! The sparse autoencoder: one learned step of non-negative sparse coding, and a linear decoder.

use crate::learn::{Parameter, parameters, relu_derivative, same_shape};
use crate::linalg::Matrix;
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// `z = relu((h − b)W_enc + b_enc)`, `y = zW_dec + b`, loss `‖H − Y‖_F² + λ‖Z‖₁` (no ½).
///
/// One step of non-negative ISTA from shared codes `z₁` is such an encoder: `W_enc = ηAᵀ`, `b_enc = z₁ − ηz₁AAᵀ − ηλ1`, `b = 0`. With `λ > 0` and free `W_dec` the scale can move into
/// the decoder and the penalty to 0; implementations keep the rows of `W_dec` at unit length ([`super::project_atoms`]).
///
/// Source: Ng, *Sparse autoencoder*, CS294A notes, 2011; in the form of Cunningham et al., *Sparse Autoencoders Find Highly Interpretable Features in Language Models*, ICLR 2024.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseAutoencoder<S> {
    /// d × m.
    pub w_enc: Parameter<S>,
    /// m.
    pub b_enc: Parameter<S>,
    /// m × d: an atom a row.
    pub w_dec: Parameter<S>,
    /// d, subtracted before and added after.
    pub b: Parameter<S>,
    /// λ.
    pub lambda: S,
}
parameters!(SparseAutoencoder { "w_enc" => w_enc, "b_enc" => b_enc, "w_dec" => w_dec, "b" => b });

/// Codes, reconstruction and loss.
#[derive(Clone, Debug)]
pub struct Autoencoded<S> {
    /// n × m, ≥ 0.
    pub z: Matrix<S>,
    /// n × d.
    pub y: Matrix<S>,
    /// Over all samples.
    pub loss: S,
}

impl<S: Scalar> SparseAutoencoder<S> {
    fn check(&self, h: &Matrix<S>) -> Result<[usize; 2]> {
        let (d, m) = (self.w_enc.rows(), self.w_enc.cols());
        let fits = self.w_enc.shape() == [d, m] && self.b_enc.shape() == [m] && self.w_dec.shape() == [m, d] && self.b.shape() == [d];
        if h.rows() == 0 || d == 0 || m == 0 || h.cols() != d || !fits {
            let found = format!("{h:?}, {:?}, {:?}, {:?}", self.b_enc.shape(), self.w_dec.shape(), self.b.shape());
            return Err(
                Error::shape("h, b_enc, w_dec, b", format!("n × {d}, {m}, {m} × {d}, {d}, all at least 1"), found).named("ShapeMismatch")
            );
        }
        super::lasso::non_negative("lambda", self.lambda)?;
        Ok([d, m])
    }
    fn centred(&self, h: &Matrix<S>) -> Matrix<S> {
        Matrix::from_fn(h.rows(), h.cols(), |i, j| h[(i, j)] - self.b.data()[j])
    }
    /// `(h − b)W_enc + b_enc`, each element one chain that starts at the bias.
    fn before(&self, h: &Matrix<S>, m: usize) -> Matrix<S> {
        let mut u = Matrix::from_fn(h.rows(), m, |_, j| self.b_enc.data()[j]);
        S::product(self.centred(h).view(), self.w_enc.view(), u.data_mut(), Part::Full);
        u
    }
    /// Codes, reconstruction and loss. `4nmd` flops. Errors: `Shape`, `Domain` for `λ < 0`.
    pub fn forward(&self, h: &Matrix<S>) -> Result<Autoencoded<S>> {
        let [d, m] = self.check(h)?;
        let z = self.before(h, m).map(S::relu);
        let mut y = Matrix::from_fn(h.rows(), d, |_, j| self.b.data()[j]);
        S::product(z.view(), self.w_dec.view(), y.data_mut(), Part::Full);
        let loss = h.sub(&y)?.frobenius_squared() + self.lambda * S::sum(z.data());
        Ok(Autoencoded { z, y, loss })
    }
    /// The gradients in `h`, in λ, and in the parameters (added to `grad`), for cotangents of codes, reconstruction and loss c: `Ȳ += −2c(H − Y)`, `Z̄ += ȲW_decᵀ + cλ`, `Ū = Z̄∘1[U > 0]`; `W̄_dec = ZᵀȲ`,
    /// `W̄_enc = (H − b)ᵀŪ`, `b̄_enc = ΣŪ`, `b̄ = ΣȲ − ΣŪW_encᵀ`, `H̄ = ŪW_encᵀ + 2c(H − Y)`, `λ̄ = cΣZ`.
    pub fn backward(&self, h: &Matrix<S>, z_bar: &Matrix<S>, y_bar: &Matrix<S>, c: S, grad: &mut Self) -> Result<(Matrix<S>, S)> {
        let [_, m] = self.check(h)?;
        let u = self.before(h, m);
        let Autoencoded { z, y, .. } = self.forward(h)?;
        same_shape("cotangent of z", &z, z_bar)?;
        same_shape("cotangent of y", &y, y_bar)?;
        let pull = h.sub(&y)?.scale(c * S::from_f64(2.0));
        let y_bar = y_bar.sub(&pull)?;
        let through = y_bar.matmul_t(&self.w_dec.matrix())?.add(z_bar)?;
        let u_bar = u.zip(&through, |u, t| relu_derivative(u) * (t + c * self.lambda))?;
        S::product(z.view().t(), y_bar.view(), grad.w_dec.data_mut(), Part::Full);
        S::product(self.centred(h).view().t(), u_bar.view(), grad.w_enc.data_mut(), Part::Full);
        let back = u_bar.matmul_t(&self.w_enc.matrix())?;
        for i in 0..h.rows() {
            grad.b_enc.data_mut().iter_mut().zip(u_bar.row(i)).for_each(|(b, &u)| *b += u);
            grad.b.data_mut().iter_mut().zip(y_bar.row(i).iter().zip(back.row(i))).for_each(|(b, (&y, &r))| *b += y - r);
        }
        Ok((back.add(&pull)?, c * S::sum(z.data())))
    }
}
