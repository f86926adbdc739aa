//! The linear map of the frameworks: `Y = X Wᵀ + b`.

use super::layer::check_input;
use super::parameter::parameters;
use super::{Layer, Parameter};
use crate::linalg::Matrix;
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// `Y = X Wᵀ + b` as a layer. Each element is one chain of fused multiply-adds that starts at the bias (at 0 without one).
#[derive(Clone, Debug, PartialEq)]
pub struct Linear<S> {
    /// m × d: out × in, as PyTorch stores it.
    pub weight: Parameter<S>,
    /// m, or absent.
    pub bias: Option<Parameter<S>>,
}
parameters!(Linear { "weight" => weight, "bias" => bias });

impl<S: Scalar> Linear<S> {
    /// All zeros.
    pub fn zeros(inputs: usize, outputs: usize, bias: bool) -> Self {
        Linear { weight: Parameter::zeros(&[outputs, inputs]), bias: bias.then(|| Parameter::zeros(&[outputs])) }
    }
    /// A weight and perhaps a bias. Errors: `Shape` if they do not fit.
    pub fn new(weight: Matrix<S>, bias: Option<Vec<S>>) -> Result<Self> {
        if let Some(b) = bias.as_ref().filter(|b| b.len() != weight.rows()) {
            return Err(Error::shape("b", format!("{} numbers", weight.rows()), b.len().to_string()));
        }
        Ok(Linear { weight: weight.into(), bias: bias.map(Parameter::from) })
    }
    /// `y = base + b + x Wᵀ`, the chain starting at `base + b`; without a base at `b`. `y` keeps its memory.
    pub fn onto(&self, base: Option<&Matrix<S>>, x: &Matrix<S>, y: &mut Matrix<S>) -> Result<()> {
        check_input(x, 1, self.weight.cols())?;
        let n = self.weight.rows();
        match base {
            Some(base) => y.assign(base),
            None => y.reset(x.rows(), n),
        }
        if y.shape() != [x.rows(), n] {
            return Err(Error::shape("base", format!("{} × {n}", x.rows()), format!("{y:?}")));
        }
        if let (Some(b), true) = (&self.bias, n > 0) {
            for row in y.data_mut().chunks_exact_mut(n) {
                row.iter_mut().zip(b.data()).for_each(|(y, &b)| *y += b);
            }
        }
        S::product(x.view(), self.weight.view().t(), y.data_mut(), Part::Full);
        Ok(())
    }
}

/// `W̄ += Ȳᵀ X`, `b̄ += Σ_rows Ȳ`, `X̄ += Ȳ W`: `⟨Ȳ, dX Wᵀ + X dWᵀ + 1 dbᵀ⟩` read off term by term.
impl<S: Scalar> Layer<S> for Linear<S> {
    type Trace = Matrix<S>;
    fn forward<'t>(&self, x: &Matrix<S>, _tokens: usize, y: &'t mut Matrix<S>) -> Result<&'t Matrix<S>> {
        self.onto(None, x, y)?;
        Ok(y)
    }
    fn backward(&self, x: &Matrix<S>, _y: &mut Matrix<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        if dy.shape() != [x.rows(), self.weight.rows()] {
            return Err(Error::shape("cotangent", format!("{} × {}", x.rows(), self.weight.rows()), format!("{dy:?}")));
        }
        S::product(dy.view().t(), x.view(), grad.weight.data_mut(), Part::Full);
        if let (Some(b), true) = (&mut grad.bias, dy.cols() > 0) {
            for row in dy.data().chunks_exact(dy.cols()) {
                b.data_mut().iter_mut().zip(row).for_each(|(b, &y)| *b += y);
            }
        }
        S::product(dy.view(), self.weight.view(), dx.data_mut(), Part::Full);
        Ok(())
    }
}

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

/// `Y = X Wᵀ + b`. `x`: n × d, `w`: m × d (out × in, as PyTorch stores it), `b`: m or absent. `2 n m d` flops. Each element is a chain that starts at
/// the bias. Errors: `Shape`.
pub fn linear<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, b: Option<&[S]>) -> Result<Matrix<S>> {
    Linear::new(w.clone(), b.map(<[S]>::to_vec))?.apply(x, 1)
}

/// Gradient of [`linear`]: `X̄ = Ȳ W`, `W̄ = Ȳᵀ X`, `b̄ = Σ_rows Ȳ`.
pub fn linear_vjp<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, y_bar: &Matrix<S>) -> Result<LinearGradient<S>> {
    let (x, grad) = Linear::new(w.clone(), Some(vec![S::ZERO; w.rows()]))?.vjp(x, 1, y_bar)?;
    Ok(LinearGradient { x, w: grad.weight.matrix(), b: grad.bias.map_or_else(Vec::new, |b| b.data().to_vec()) })
}
