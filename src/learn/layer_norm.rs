//! Layer normalisation.

use super::layer::{check_input, same_shape};
use super::parameter::parameters;
use super::{Layer, Parameter};
use crate::linalg::Matrix;
use crate::linalg::dispatch::{Isa, Kernel};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `y = γ ∘ (x − μ)/√(v + ε) + β` row by row as a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm<S> {
    /// γ.
    pub weight: Parameter<S>,
    /// β.
    pub bias: Parameter<S>,
    /// ε, added to the variance.
    pub eps: S,
}
parameters!(LayerNorm { "weight" => weight, "bias" => bias });

impl<S: Scalar> LayerNorm<S> {
    /// γ = 1, β = 0.
    pub fn identity(width: usize, eps: S) -> Self {
        LayerNorm { weight: Parameter::filled(&[width], S::ONE), bias: Parameter::zeros(&[width]), eps }
    }
}

/// The output, and the standardised rows.
#[derive(Clone, Debug, Default)]
pub struct LayerNormTrace<S> {
    /// The output.
    pub y: Matrix<S>,
    hat: Matrix<S>,
    r: Vec<S>,
    h: Matrix<S>,
}

/// With `h = ȳ ∘ γ` and `x̂ = (x − μ) r`, `r = 1/√(v + ε)`: `x̄ += r (h − mean(h) − x̂ mean(h ∘ x̂))`, `γ̄ += Σ ȳ ∘ x̂`, `β̄ += Σ ȳ` over the rows in order.
///
/// `dx̂ = r (dx − mean(dx)) − x̂ mean(x̂ ∘ dx) r`: the mean and the scale of the row are projected out.
impl<S: Scalar> Layer<S> for LayerNorm<S> {
    type Trace = LayerNormTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, _tokens: usize, trace: &'t mut LayerNormTrace<S>) -> Result<&'t Matrix<S>> {
        check_input(x, 1, self.weight.data().len())?;
        if !(self.eps.value() >= 0.0) {
            return Err(Error::domain("eps", "a number from 0 on", self.eps.value().to_string()));
        }
        trace.hat.assign(x);
        trace.r.resize(x.rows(), S::ZERO);
        S::standardise_rows(trace.hat.data_mut(), x.cols(), self.eps, &mut trace.r);
        if let Some(i) = trace.r.iter().position(|r| !r.is_finite()) {
            return Err(constant_row::<S>(i));
        }
        trace.y.assign(&trace.hat);
        Isa::detect().run(Affine { y: trace.y.data_mut(), gamma: self.weight.data(), beta: self.bias.data() });
        Ok(&trace.y)
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut LayerNormTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        same_shape("cotangent", x, dy)?;
        let LayerNormTrace { hat, r, h, .. } = trace;
        h.assign(dy);
        let (d_gamma, d_beta) = (grad.weight.data_mut(), grad.bias.data_mut());
        Isa::detect().run(AffineBack { hat: hat.data(), h: h.data_mut(), gamma: self.weight.data(), d_gamma, d_beta });
        S::standardise_rows_vjp(hat.data(), r, h.data_mut(), x.cols());
        dx.accumulate(h)
    }
}

fn constant_row<S: Scalar>(i: usize) -> Error {
    match S::NAME {
        "ball" => Error::undecided(format!("row {i}"), "a variance surely above 0", "an enclosure around 0"),
        _ => Error::domain(format!("row {i}"), "finite numbers, and ε > 0 for a row of equal ones", "variance + ε = 0 or not finite"),
    }
}

/// `x̂` becomes `γ x̂ + β`, row by row.
struct Affine<'a, S> {
    y: &'a mut [S],
    gamma: &'a [S],
    beta: &'a [S],
}
impl<S: Scalar> Kernel for Affine<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = self.gamma.len();
        for y in self.y.chunks_exact_mut(d) {
            for ((y, &gamma), &beta) in y.iter_mut().zip(self.gamma).zip(self.beta) {
                *y = gamma.mul_add(*y, beta);
            }
        }
    }
}

/// `ȳ` becomes `ȳ γ` after it went into `γ̄` and `β̄`.
struct AffineBack<'a, S> {
    hat: &'a [S],
    h: &'a mut [S],
    gamma: &'a [S],
    d_gamma: &'a mut [S],
    d_beta: &'a mut [S],
}
impl<S: Scalar> Kernel for AffineBack<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = self.gamma.len();
        let (gamma, d_gamma, d_beta) = (&self.gamma[..d], &mut self.d_gamma[..d], &mut self.d_beta[..d]);
        for (hat, h) in self.hat.chunks_exact(d).zip(self.h.chunks_exact_mut(d)) {
            for j in 0..d {
                d_gamma[j] = h[j].mul_add(hat[j], d_gamma[j]);
                d_beta[j] += h[j];
                h[j] *= gamma[j];
            }
        }
    }
}

/// The gradients of [`layer_norm`].
#[derive(Clone, Debug)]
pub struct LayerNormGradient<S> {
    /// With respect to the rows.
    pub x: Matrix<S>,
    /// With respect to the gain γ.
    pub gamma: Vec<S>,
    /// With respect to the shift β.
    pub beta: Vec<S>,
}

fn layer<S: Scalar>(width: usize, gamma: &[S], beta: &[S], eps: S) -> Result<LayerNorm<S>> {
    for (name, x) in [("gamma", gamma), ("beta", beta)] {
        if x.len() != width {
            return Err(Error::shape(name, format!("{width} numbers"), x.len().to_string()));
        }
    }
    Ok(LayerNorm { weight: gamma.to_vec().into(), bias: beta.to_vec().into(), eps })
}

/// `y = γ ∘ (x − μ)/√(v + ε) + β` row by row, v the biased variance (Ba, Kiros and Hinton, *Layer Normalization*, 2016, equation 4). `x`: n × d, d ≥ 1;
/// `γ`, `β`: d; ε ≥ 0, added to the variance. Errors: `Shape`; `Domain` for ε < 0 and for ε = 0 on a constant row. About 8 n d flops.
pub fn layer_norm<S: Scalar>(x: &Matrix<S>, gamma: &[S], beta: &[S], eps: S) -> Result<Matrix<S>> {
    layer(x.cols(), gamma, beta, eps)?.apply(x, 1)
}

/// Gradient of [`layer_norm`]: with `h = ȳ ∘ γ`, `x̄ = r (h − mean(h) − x̂ mean(h ∘ x̂))`, `γ̄ = Σ ȳ ∘ x̂`, `β̄ = Σ ȳ` over the rows in order.
pub fn layer_norm_vjp<S: Scalar>(x: &Matrix<S>, gamma: &[S], eps: S, y_bar: &Matrix<S>) -> Result<LayerNormGradient<S>> {
    let (x, grad) = layer(x.cols(), gamma, &vec![S::ZERO; gamma.len()], eps)?.vjp(x, 1, y_bar)?;
    Ok(LayerNormGradient { x, gamma: grad.weight.data().to_vec(), beta: grad.bias.data().to_vec() })
}
