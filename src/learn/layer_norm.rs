//! Layer normalisation.

use super::layer::{check_input, same_shape};
use super::parameter::parameters;
use super::{Layer, Parameter};
use crate::linalg::definition::{dot, sum};
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

/// The output, and mean and `1/√(v + ε)` of each row.
#[derive(Clone, Debug, Default)]
pub struct LayerNormTrace<S> {
    /// The output.
    pub y: Matrix<S>,
    rows: Vec<[S; 2]>,
    scratch: Vec<S>,
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
        trace.y.reset(x.rows(), x.cols());
        trace.rows.clear();
        trace.rows.resize(x.rows(), [S::ZERO; 2]);
        Isa::detect().run(Forward { x, norm: self, y: &mut trace.y, rows: &mut trace.rows });
        match trace.rows.iter().position(|[_, r]| !r.is_finite()) {
            None => Ok(&trace.y),
            Some(i) => Err(constant_row::<S>(i)),
        }
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut LayerNormTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        same_shape("cotangent", x, dy)?;
        trace.scratch.resize(2 * x.cols(), S::ZERO);
        let (h, hat) = trace.scratch.split_at_mut(x.cols());
        Isa::detect().run(Backward { x, gamma: self.weight.data(), rows: &trace.rows, dy, grad, dx, h, hat: &mut hat[..x.cols()] });
        Ok(())
    }
}

fn constant_row<S: Scalar>(i: usize) -> Error {
    match S::NAME {
        "ball" => Error::undecided(format!("row {i}"), "a variance surely above 0", "an enclosure around 0"),
        _ => Error::domain(format!("row {i}"), "finite numbers, and ε > 0 for a row of equal ones", "variance + ε = 0 or not finite"),
    }
}

struct Forward<'a, S> {
    x: &'a Matrix<S>,
    norm: &'a LayerNorm<S>,
    y: &'a mut Matrix<S>,
    rows: &'a mut [[S; 2]],
}
impl<S: Scalar> Kernel for Forward<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let width = self.x.cols();
        let d = S::from_usize(width);
        let (gamma, beta) = (&self.norm.weight.data()[..width], &self.norm.bias.data()[..width]);
        for ((x, y), row) in self.x.data().chunks_exact(width).zip(self.y.data_mut().chunks_exact_mut(width)).zip(self.rows) {
            let mean = sum(x) / d;
            for j in 0..width {
                y[j] = x[j] - mean;
            }
            let r = S::ONE / (dot(y, y) / d + self.norm.eps).sqrt();
            for j in 0..width {
                y[j] = gamma[j].mul_add(y[j] * r, beta[j]);
            }
            *row = [mean, r];
        }
    }
}

struct Backward<'a, S> {
    x: &'a Matrix<S>,
    gamma: &'a [S],
    rows: &'a [[S; 2]],
    dy: &'a Matrix<S>,
    grad: &'a mut LayerNorm<S>,
    dx: &'a mut Matrix<S>,
    h: &'a mut [S],
    hat: &'a mut [S],
}
impl<S: Scalar> Kernel for Backward<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let width = self.x.cols();
        let d = S::from_usize(width);
        let (h, hat, gamma) = (&mut self.h[..width], &mut self.hat[..width], &self.gamma[..width]);
        let (d_gamma, d_beta) = (&mut self.grad.weight.data_mut()[..width], &mut self.grad.bias.data_mut()[..width]);
        let rows = self.x.data().chunks_exact(width).zip(self.dy.data().chunks_exact(width)).zip(self.dx.data_mut().chunks_exact_mut(width));
        for (((x, dy), dx), &[mean, r]) in rows.zip(self.rows) {
            for j in 0..width {
                hat[j] = (x[j] - mean) * r;
                h[j] = dy[j] * gamma[j];
                d_gamma[j] = dy[j].mul_add(hat[j], d_gamma[j]);
                d_beta[j] += dy[j];
            }
            let (level, along) = (sum(h) / d, dot(h, hat) / d);
            for j in 0..width {
                dx[j] += r * (h[j] - level - hat[j] * along);
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
