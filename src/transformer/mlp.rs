//! The MLP of the ViT.

use crate::Result;
use crate::learn::{Layer, Linear, gelu_of, gelu_of_vjp, parameters};
use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// `Y = gelu(X W_1ᵀ + b_1) W_2ᵀ + b_2`, the exact GELU.
///
/// Source: Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR 2021; names of timm.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp<S> {
    /// hidden × d.
    pub fc1: Linear<S>,
    /// d × hidden.
    pub fc2: Linear<S>,
}
parameters!(Mlp { "fc1" => fc1, "fc2" => fc2 });

/// The output of [`Mlp`] and what its gradient needs.
#[derive(Clone, Debug, Default)]
pub struct MlpTrace<S> {
    /// The output.
    pub y: Matrix<S>,
    before: Matrix<S>,
    twice: Vec<S>,
    active: Matrix<S>,
    d_hidden: Matrix<S>,
    density: Vec<S>,
}

impl<S: Scalar> Mlp<S> {
    /// All weights 0.
    pub fn zeros(d: usize, hidden: usize) -> Self {
        Mlp { fc1: Linear::zeros(d, hidden, true), fc2: Linear::zeros(hidden, d, true) }
    }
    /// [`Layer::forward`] with the result added to `base`, the chains of the last product starting there.
    pub fn onto<'t>(&self, base: Option<&Matrix<S>>, x: &Matrix<S>, trace: &'t mut MlpTrace<S>) -> Result<&'t Matrix<S>> {
        let MlpTrace { y, before, twice, active, .. } = trace;
        self.fc1.onto(None, x, before)?;
        active.reset(before.rows(), before.cols());
        gelu_of(before.data(), twice, active.data_mut());
        self.fc2.onto(base, active, y)?;
        Ok(y)
    }
}

/// Backwards through the second map, the derivative of the GELU at what went into it, the first map.
impl<S: Scalar> Layer<S> for Mlp<S> {
    type Trace = MlpTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, _tokens: usize, trace: &'t mut MlpTrace<S>) -> Result<&'t Matrix<S>> {
        self.onto(None, x, trace)
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut MlpTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        let MlpTrace { y, before, twice, active, d_hidden, density } = trace;
        d_hidden.reset(before.rows(), before.cols());
        self.fc2.backward(active, y, dy, &mut grad.fc2, d_hidden)?;
        gelu_of_vjp(before.data(), twice, density, d_hidden.data_mut());
        self.fc1.backward(x, active, d_hidden, &mut grad.fc1, dx)
    }
}
