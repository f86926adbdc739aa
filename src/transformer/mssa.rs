//! Multi-head subspace self-attention: of the paper, and of the official code.

use super::attention::Heads;
use super::ssa::{finite, ssa, ssa_vjp};
use crate::learn::{Layer, Linear, check_input, parameters, same_shape};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The gradients of [`mssa`].
#[derive(Clone, Debug)]
pub struct MssaGradient<S> {
    /// With respect to Z.
    pub z: Matrix<S>,
    /// With respect to the bases.
    pub u: Vec<Matrix<S>>,
    /// With respect to the factor c.
    pub factor: S,
    /// With respect to the scale.
    pub scale: S,
}

/// `Y = c Σ_k SSA(Z | U_k) U_kᵀ`: every head averages in its own subspace, and its result is put back by the same basis.
///
/// `z`: n × d; `u`: K bases d × p; `scale ≥ 0` multiplies the correlations (the paper: 1); `c` the result (the paper: `a = p/(nε²)`). Result n × d.
/// Cost `4ndKp + 4n²Kp` flops. Errors: `Shape`, `Domain`, `NotFinite`.
///
/// Source: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023.
pub fn mssa<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], scale: S, factor: S) -> Result<Matrix<S>> {
    let mut y = Matrix::zeros(z.rows(), z.cols());
    super::projections(z, u)?;
    for u in u {
        y.accumulate(&ssa(z, u, scale)?.y.matmul_t(u)?)?;
    }
    Ok(y.scale(factor))
}

/// Gradient of [`mssa`]: `Ō_k = c Ȳ U_k` goes through [`ssa_vjp`]; `Ū_k` gains `c Ȳᵀ O_k`; `c̅ = ⟨Ȳ, Σ_k O_k U_kᵀ⟩`.
pub fn mssa_vjp<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], scale: S, factor: S, y_bar: &Matrix<S>) -> Result<MssaGradient<S>> {
    super::projections(z, u)?;
    same_shape("cotangent", z, y_bar)?;
    let mut gradient =
        MssaGradient { z: Matrix::zeros(z.rows(), z.cols()), u: Vec::with_capacity(u.len()), factor: S::ZERO, scale: S::ZERO };
    for u in u {
        let o = ssa(z, u, scale)?.y;
        let along = y_bar.matmul(u)?;
        let head = ssa_vjp(z, u, scale, &along.scale(factor))?;
        gradient.z.accumulate(&head.z)?;
        gradient.u.push(head.u.add(&y_bar.t_matmul(&o)?.scale(factor))?);
        gradient.factor += along.dot(&o)?;
        gradient.scale += head.scale;
    }
    Ok(gradient)
}

/// `w = X W_qkvᵀ`; head k is columns `kp .. (k+1)p` of w, its `O_k = softmax_row(scale · w_k w_kᵀ) w_k`; `Y = [O_1 … O_K] W_outᵀ + b_out`. Block `Attention` of the
/// official code: `U_k` is the transpose of rows `kp .. (k+1)p` of `W_qkv`, and what puts a head back is learned by itself, not tied to `U_kᵀ`.
///
/// Source: official CRATE code, model/crate.py, class Attention.
#[derive(Clone, Debug, PartialEq)]
pub struct MssaOfficial<S> {
    /// `W_qkv`: Kp × d, no bias.
    pub qkv: Linear<S>,
    /// `W_out`: d × Kp, and `b_out`. Absent: the identity, as in the official code for one head of full width.
    pub out: Option<Linear<S>>,
    /// K.
    pub heads: usize,
    /// `1/√p` in the official code.
    pub scale: S,
    /// A token attends to itself and to those before it only.
    pub causal: bool,
}
parameters!(MssaOfficial { "qkv" => qkv, "to_out.0" => out });

/// The output of [`MssaOfficial`] and what its gradient needs.
#[derive(Clone, Debug, Default)]
pub struct MssaTrace<S> {
    /// The output.
    pub y: Matrix<S>,
    /// `w`.
    pub projected: Matrix<S>,
    /// The attention maps: for each sample, for each head, tokens × tokens.
    pub weights: Vec<S>,
    /// `[O_1 … O_K]`.
    pub heads: Matrix<S>,
    d_projected: Matrix<S>,
    d_heads: Matrix<S>,
    tokens: usize,
}

impl<S: Scalar> MssaOfficial<S> {
    /// All weights 0: K heads of width p on tokens of width d.
    pub fn zeros(d: usize, heads: usize, p: usize) -> Self {
        let out = (heads != 1 || p != d).then(|| Linear::zeros(heads * p, d, true));
        MssaOfficial { qkv: Linear::zeros(d, heads * p, false), out, heads, scale: S::ONE / S::from_usize(p).sqrt(), causal: false }
    }
    /// p. Errors: `Shape` if the heads do not divide the projection.
    pub fn head_width(&self) -> Result<usize> {
        let width = self.qkv.weight.rows();
        if self.heads == 0 || width == 0 || !width.is_multiple_of(self.heads) {
            return Err(Error::shape("heads", format!("a divisor of the {width} projected features"), self.heads.to_string())
                .named("HeadsDoNotDivide"));
        }
        Ok(width / self.heads)
    }
    fn layout(&self, tokens: usize) -> Result<Heads<S>> {
        Ok(Heads { tokens, heads: self.heads, width: self.head_width()?, at: [0; 3], scale: self.scale, causal: self.causal })
    }
    /// [`Layer::forward`] with the result added to `base`, the chains of the last product starting there.
    pub fn onto<'t>(&self, base: Option<&Matrix<S>>, x: &Matrix<S>, tokens: usize, trace: &'t mut MssaTrace<S>) -> Result<&'t Matrix<S>> {
        check_input(x, tokens, self.qkv.weight.cols())?;
        trace.tokens = tokens;
        let layout = self.layout(tokens)?;
        let MssaTrace { y, projected, weights, heads, .. } = trace;
        self.qkv.onto(None, x, projected)?;
        layout.forward(projected, weights, heads);
        match (&self.out, base) {
            (Some(out), _) => out.onto(base, heads, y)?,
            (None, None) => y.assign(heads),
            (None, Some(base)) => {
                y.assign(base);
                y.accumulate(heads)?;
            }
        }
        Ok(y)
    }
}

/// `Ō = Ȳ W_out`, `W̄_out = Ȳᵀ O`, `b̄_out = Σ_rows Ȳ`; each head as in [`ssa_vjp`]; `w̄ = [Ā_1 … Ā_K]`, `X̄ = w̄ W_qkv`, `W̄_qkv = w̄ᵀ X`.
impl<S: Scalar> Layer<S> for MssaOfficial<S> {
    type Trace = MssaTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, tokens: usize, trace: &'t mut MssaTrace<S>) -> Result<&'t Matrix<S>> {
        self.onto(None, x, tokens, trace)
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut MssaTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        let layout = self.layout(trace.tokens)?;
        let MssaTrace { y, projected, weights, heads, d_projected, d_heads, .. } = trace;
        let d_heads = match (&self.out, &mut grad.out) {
            (Some(out), Some(grad)) => {
                d_heads.reset(heads.rows(), heads.cols());
                out.backward(heads, y, dy, grad, d_heads)?;
                d_heads
            }
            _ => dy,
        };
        d_projected.reset(projected.rows(), projected.cols());
        layout.backward(projected, weights, d_heads, d_projected);
        self.qkv.backward(x, projected, d_projected, &mut grad.qkv, dx)
    }
    fn apply(&self, x: &Matrix<S>, tokens: usize) -> Result<Matrix<S>> {
        let mut trace = MssaTrace::default();
        self.forward(x, tokens, &mut trace)?;
        finite(&trace.y)?;
        Ok(trace.y)
    }
}
