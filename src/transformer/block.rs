//! One layer: compress, then sparsify. The paper's, the official code's, the ViT's, and the mixtures of the ablation.

use super::ista::{Ista, IstaTrace, crate_ista, crate_ista_vjp};
use super::ladder::{convex_step, convex_step_vjp};
use super::mhsa::{Mhsa, MhsaTrace};
use super::mlp::{Mlp, MlpTrace};
use super::mssa::{MssaOfficial, MssaTrace, mssa, mssa_vjp};
use crate::Result;
use crate::coding::Distortion;
use crate::learn::{Layer, LayerNorm, LayerNormTrace, Name, Parameter, Parameters};
use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// How the tokens of a layer see each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Attention<S> {
    /// One projection for queries, keys and values.
    Mssa(MssaOfficial<S>),
    /// Three.
    Mhsa(Mhsa<S>),
}

/// What a layer does with every token by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed<S> {
    /// A sparsifying step, without residual.
    Ista(Ista<S>),
    /// Two linear maps around a GELU, with residual.
    Mlp(Mlp<S>),
}

/// A layer with pre-normalisation: `Z½ = Z + attention(LN_1(Z))`, then `Z⁺ = ISTA(LN_2(Z½))` or `Z⁺ = Z½ + MLP(LN_2(Z½))`.
///
/// With [`Attention::Mssa`] and [`Feed::Ista`] it is the layer of the official CRATE code (model/crate.py, class Transformer); with [`Attention::Mhsa`] and
/// [`Feed::Mlp`] that of the ViT (Dosovitskiy et al., ICLR 2021). Parameters are named as there; the mixtures as in CRATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<S> {
    /// `LN_1`.
    pub norm1: LayerNorm<S>,
    /// Compresses.
    pub attention: Attention<S>,
    /// `LN_2`.
    pub norm2: LayerNorm<S>,
    /// Sparsifies.
    pub feed: Feed<S>,
}

impl<S: Scalar> Block<S> {
    /// The names of the four parts.
    fn parts(&self) -> [&'static str; 4] {
        match (&self.attention, &self.feed) {
            (Attention::Mhsa(_), Feed::Mlp(_)) => ["norm1", "attn", "norm2", "mlp"],
            _ => ["0.norm", "0.fn", "1.norm", "1.fn"],
        }
    }
}
impl<S: Scalar> Parameters<S> for Block<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        let [norm1, attention, norm2, feed] = self.parts();
        self.norm1.visit(&name.at(norm1), f);
        match &self.attention {
            Attention::Mssa(a) => a.visit(&name.at(attention), f),
            Attention::Mhsa(a) => a.visit(&name.at(attention), f),
        }
        self.norm2.visit(&name.at(norm2), f);
        match &self.feed {
            Feed::Ista(x) => x.visit(&name.at(feed), f),
            Feed::Mlp(x) => x.visit(&name.at(feed), f),
        }
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        let [norm1, attention, norm2, feed] = self.parts();
        self.norm1.visit_mut(&name.at(norm1), f);
        match &mut self.attention {
            Attention::Mssa(a) => a.visit_mut(&name.at(attention), f),
            Attention::Mhsa(a) => a.visit_mut(&name.at(attention), f),
        }
        self.norm2.visit_mut(&name.at(norm2), f);
        match &mut self.feed {
            Feed::Ista(x) => x.visit_mut(&name.at(feed), f),
            Feed::Mlp(x) => x.visit_mut(&name.at(feed), f),
        }
    }
}

/// The intermediate results of a [`Block`].
#[derive(Clone, Debug, Default)]
pub struct BlockTrace<S> {
    /// `LN_1(Z)`.
    pub norm1: LayerNormTrace<S>,
    /// Of [`Attention::Mssa`]; its output is `Z½`.
    pub mssa: MssaTrace<S>,
    /// Of [`Attention::Mhsa`]; its output is `Z½`.
    pub mhsa: MhsaTrace<S>,
    /// `LN_2(Z½)`.
    pub norm2: LayerNormTrace<S>,
    /// Of [`Feed::Ista`]; its output is `Z⁺`.
    pub ista: IstaTrace<S>,
    /// Of [`Feed::Mlp`]; its output is `Z⁺`.
    pub mlp: MlpTrace<S>,
    d_half: Matrix<S>,
    d_normed: Matrix<S>,
}

impl<S: Scalar> BlockTrace<S> {
    /// `Z½`, what the attention left.
    pub fn half(&self, block: &Block<S>) -> &Matrix<S> {
        match &block.attention {
            Attention::Mssa(_) => &self.mssa.y,
            Attention::Mhsa(_) => &self.mhsa.y,
        }
    }
    /// `Z⁺`.
    pub fn y(&self, block: &Block<S>) -> &Matrix<S> {
        match &block.feed {
            Feed::Ista(_) => &self.ista.y,
            Feed::Mlp(_) => &self.mlp.y,
        }
    }
    /// The attention maps: for each sample, for each head, tokens × tokens.
    pub fn weights(&self, block: &Block<S>) -> &[S] {
        match &block.attention {
            Attention::Mssa(_) => &self.mssa.weights,
            Attention::Mhsa(_) => &self.mhsa.weights,
        }
    }
}

/// `Z̄½` is the gradient through the second half (plus `Z̄⁺` itself where the MLP has its residual); `Z̄ = Z̄½ + LN_1-backward(attention-backward(Z̄½))`.
impl<S: Scalar> Layer<S> for Block<S> {
    type Trace = BlockTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, tokens: usize, t: &'t mut BlockTrace<S>) -> Result<&'t Matrix<S>> {
        let normed = self.norm1.forward(x, tokens, &mut t.norm1)?;
        let half = match &self.attention {
            Attention::Mssa(a) => a.onto(Some(x), normed, tokens, &mut t.mssa)?,
            Attention::Mhsa(a) => a.onto(Some(x), normed, tokens, &mut t.mhsa)?,
        };
        let normed = self.norm2.forward(half, tokens, &mut t.norm2)?;
        match &self.feed {
            Feed::Ista(ista) => ista.forward(normed, tokens, &mut t.ista),
            Feed::Mlp(mlp) => mlp.onto(Some(half), normed, &mut t.mlp),
        }
    }
    fn backward(&self, x: &Matrix<S>, t: &mut BlockTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        t.d_normed.reset(x.rows(), x.cols());
        match (&self.feed, &mut grad.feed) {
            (Feed::Ista(ista), Feed::Ista(grad)) => {
                t.d_half.reset(x.rows(), x.cols());
                ista.backward(&t.norm2.y, &mut t.ista, dy, grad, &mut t.d_normed)?;
            }
            (Feed::Mlp(mlp), Feed::Mlp(grad)) => {
                t.d_half.assign(dy);
                mlp.backward(&t.norm2.y, &mut t.mlp, dy, grad, &mut t.d_normed)?;
            }
            _ => unreachable!("the gradient of a layer has its parts"),
        }
        let half = match &self.attention {
            Attention::Mssa(_) => &t.mssa.y,
            Attention::Mhsa(_) => &t.mhsa.y,
        };
        self.norm2.backward(half, &mut t.norm2, &t.d_normed, &mut grad.norm2, &mut t.d_half)?;
        dx.accumulate(&t.d_half)?;
        t.d_normed.reset(x.rows(), x.cols());
        match (&self.attention, &mut grad.attention) {
            (Attention::Mssa(a), Attention::Mssa(grad)) => a.backward(&t.norm1.y, &mut t.mssa, &t.d_half, grad, &mut t.d_normed)?,
            (Attention::Mhsa(a), Attention::Mhsa(grad)) => a.backward(&t.norm1.y, &mut t.mhsa, &t.d_half, grad, &mut t.d_normed)?,
            _ => unreachable!("the gradient of a layer has its parts"),
        }
        self.norm1.backward(x, &mut t.norm1, &t.d_normed, &mut grad.norm1, dx)
    }
}

/// How the layer of the paper compresses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compression<S> {
    /// `Z + MSSA(Z)` with the paper's factor a in it.
    Residual,
    /// `(1 − κa) Z + κa MSSA(Z)`, the step that the derivation gives.
    Convex {
        /// κ.
        kappa: S,
    },
}

/// The gradients of [`crate_layer`].
#[derive(Clone, Debug)]
pub struct CrateLayerGradient<S> {
    /// With respect to Z.
    pub z: Matrix<S>,
    /// With respect to the bases.
    pub u: Vec<Matrix<S>>,
    /// With respect to D.
    pub dictionary: Matrix<S>,
    /// With respect to ε².
    pub eps2: S,
    /// With respect to κ; 0 for [`Compression::Residual`].
    pub kappa: S,
    /// With respect to η.
    pub eta: S,
    /// With respect to λ.
    pub lambda: S,
}

/// The layer of the paper, without normalisation: `Z½` by [`Compression`], then `Z⁺ = ISTA(Z½ | D)`. `z`: n × d, `u`: K bases d × p, `dictionary`: d × d.
/// Cost `4ndKp + 4n²Kp + 4nd²` flops. Errors: `Shape`, `Domain`.
///
/// Source: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023.
pub fn crate_layer<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    dictionary: &Matrix<S>,
    distortion: Distortion<S>,
    compression: Compression<S>,
    eta: S,
    lambda: S,
) -> Result<Matrix<S>> {
    crate_ista(&compressed(z, u, distortion, compression)?, dictionary, eta, lambda)
}

fn compressed<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>, compression: Compression<S>) -> Result<Matrix<S>> {
    match compression {
        Compression::Residual => z.add(&mssa(z, u, S::ONE, super::ladder::common_constant(z, u, distortion)?)?),
        Compression::Convex { kappa } => convex_step(z, u, distortion, kappa),
    }
}

/// Gradient of [`crate_layer`]: that of the ISTA block, then that of the compression.
pub fn crate_layer_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    dictionary: &Matrix<S>,
    distortion: Distortion<S>,
    compression: Compression<S>,
    eta: S,
    lambda: S,
    y_bar: &Matrix<S>,
) -> Result<CrateLayerGradient<S>> {
    let ista = crate_ista_vjp(&compressed(z, u, distortion, compression)?, dictionary, eta, lambda, y_bar)?;
    let (z, u, eps2, kappa) = match compression {
        Compression::Residual => {
            let a = super::ladder::common_constant(z, u, distortion)?;
            let inner = mssa_vjp(z, u, S::ONE, a, &ista.a)?;
            (ista.a.add(&inner.z)?, inner.u, -(inner.factor * a / distortion.squared()?), S::ZERO)
        }
        Compression::Convex { kappa } => {
            let (inner, kappa) = convex_step_vjp(z, u, distortion, kappa, &ista.a)?;
            (inner.z, inner.u, inner.eps2, kappa)
        }
    };
    Ok(CrateLayerGradient { z, u, dictionary: ista.d, eps2, kappa, eta: ista.eta, lambda: ista.lambda })
}
