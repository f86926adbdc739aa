//! Multi-head self-attention as the ViT has it.

use super::attention::Heads;
use crate::learn::{Layer, Linear, check_input, parameters};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `[Q K V] = X W_qkvᵀ + b`, `O_k = softmax_row(Q_k K_kᵀ/√p) V_k`, `Y = [O_1 … O_K] W_projᵀ + b_proj`. Three projections where [`MssaOfficial`](super::MssaOfficial) has one.
///
/// Source: Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, section 3.2; layout of timm: the output axis of `W_qkv` is (3, K, p).
#[derive(Clone, Debug, PartialEq)]
pub struct Mhsa<S> {
    /// 3Kp × d, with or without bias.
    pub qkv: Linear<S>,
    /// d × Kp, with bias.
    pub proj: Linear<S>,
    /// K.
    pub heads: usize,
    /// A token attends to itself and to those before it only.
    pub causal: bool,
}
parameters!(Mhsa { "qkv" => qkv, "proj" => proj });

/// The output of [`Mhsa`] and what its gradient needs.
#[derive(Clone, Debug, Default)]
pub struct MhsaTrace<S> {
    /// The output.
    pub y: Matrix<S>,
    /// `[Q K V]`.
    pub projected: Matrix<S>,
    /// The attention maps: for each sample, for each head, tokens × tokens.
    pub weights: Vec<S>,
    /// `[O_1 … O_K]`.
    pub heads: Matrix<S>,
    d_projected: Matrix<S>,
    d_heads: Matrix<S>,
    tokens: usize,
}

impl<S: Scalar> Mhsa<S> {
    /// All weights 0: K heads of width p on tokens of width d.
    pub fn zeros(d: usize, heads: usize, p: usize) -> Self {
        Mhsa { qkv: Linear::zeros(d, 3 * heads * p, true), proj: Linear::zeros(heads * p, d, true), heads, causal: false }
    }
    fn layout(&self, tokens: usize) -> Result<Heads<S>> {
        let width = self.qkv.weight.rows();
        if self.heads == 0 || width == 0 || !width.is_multiple_of(3 * self.heads) {
            let found = format!("{} heads, {width} features", self.heads);
            return Err(Error::shape("heads", "a divisor of a third of the projected features", found).named("HeadsDoNotDivide"));
        }
        let p = width / 3 / self.heads;
        Ok(Heads {
            tokens,
            heads: self.heads,
            width: p,
            at: [0, width / 3, width / 3 * 2],
            scale: S::ONE / S::from_usize(p).sqrt(),
            causal: self.causal,
        })
    }
    /// [`Layer::forward`] with the result added to `base`, the chains of the last product starting there.
    pub fn onto<'t>(&self, base: Option<&Matrix<S>>, x: &Matrix<S>, tokens: usize, trace: &'t mut MhsaTrace<S>) -> Result<&'t Matrix<S>> {
        check_input(x, tokens, self.qkv.weight.cols())?;
        trace.tokens = tokens;
        self.qkv.onto(None, x, &mut trace.projected)?;
        self.layout(tokens)?.forward(&trace.projected, &mut trace.weights, &mut trace.heads);
        self.proj.onto(base, &trace.heads, &mut trace.y)?;
        Ok(&trace.y)
    }
}

/// `Ō = Ȳ W_proj`; per head `V̄ = WᵀŌ`, `W̄ = ŌVᵀ`, `S̄` through the softmax, `Q̄ = S̄K/√p`, `K̄ = S̄ᵀQ/√p`; then the linear map backwards.
impl<S: Scalar> Layer<S> for Mhsa<S> {
    type Trace = MhsaTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, tokens: usize, trace: &'t mut MhsaTrace<S>) -> Result<&'t Matrix<S>> {
        self.onto(None, x, tokens, trace)
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut MhsaTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        let layout = self.layout(trace.tokens)?;
        let MhsaTrace { y, projected, weights, heads, d_projected, d_heads, .. } = trace;
        d_heads.reset(heads.rows(), heads.cols());
        self.proj.backward(heads, y, dy, &mut grad.proj, d_heads)?;
        d_projected.reset(projected.rows(), projected.cols());
        layout.backward(projected, weights, d_heads, d_projected);
        self.qkv.backward(x, projected, d_projected, &mut grad.qkv, dx)
    }
}
