//! Patches to tokens.

use super::patches::PatchOrder;
use crate::Result;
use crate::learn::{Layer, LayerNorm, LayerNormTrace, Linear, Name, Parameter, Parameters};
use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// The map from a patch to a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Embedding<S> {
    /// `LN(Linear(LN(patch)))`: CRATE. Both LayerNorms have gain, shift and eps 1e-5.
    Normed {
        /// On the patch.
        before: LayerNorm<S>,
        /// From patch to token.
        linear: Linear<S>,
        /// On the token.
        after: LayerNorm<S>,
    },
    /// `Linear(patch)`, its weight stored as the kernel (d, C, P, P) of a convolution with stride P: ViT.
    Convolution(Linear<S>),
}

impl<S: Scalar> Embedding<S> {
    /// The order in which it wants the numbers of a patch.
    pub fn order(&self) -> PatchOrder {
        match self {
            Embedding::Normed { .. } => PatchOrder::ChannelsLast,
            Embedding::Convolution(_) => PatchOrder::ChannelsFirst,
        }
    }
}
impl<S: Scalar> Parameters<S> for Embedding<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        match self {
            Embedding::Normed { before, linear, after } => {
                before.visit(&name.at("to_patch_embedding.1"), f);
                linear.visit(&name.at("to_patch_embedding.2"), f);
                after.visit(&name.at("to_patch_embedding.3"), f);
            }
            Embedding::Convolution(linear) => linear.visit(&name.at("patch_embed.proj"), f),
        }
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        match self {
            Embedding::Normed { before, linear, after } => {
                before.visit_mut(&name.at("to_patch_embedding.1"), f);
                linear.visit_mut(&name.at("to_patch_embedding.2"), f);
                after.visit_mut(&name.at("to_patch_embedding.3"), f);
            }
            Embedding::Convolution(linear) => linear.visit_mut(&name.at("patch_embed.proj"), f),
        }
    }
}

/// The intermediate results of an [`Embedding`].
#[derive(Clone, Debug, Default)]
pub struct EmbeddingTrace<S> {
    before: LayerNormTrace<S>,
    linear: Matrix<S>,
    after: LayerNormTrace<S>,
    d_linear: Matrix<S>,
    d_before: Matrix<S>,
}

/// Backwards through the parts.
impl<S: Scalar> Layer<S> for Embedding<S> {
    type Trace = EmbeddingTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, tokens: usize, t: &'t mut EmbeddingTrace<S>) -> Result<&'t Matrix<S>> {
        match self {
            Embedding::Normed { before, linear, after } => {
                let normed = before.forward(x, tokens, &mut t.before)?;
                let embedded = linear.forward(normed, tokens, &mut t.linear)?;
                after.forward(embedded, tokens, &mut t.after)
            }
            Embedding::Convolution(linear) => linear.forward(x, tokens, &mut t.linear),
        }
    }
    fn backward(&self, x: &Matrix<S>, t: &mut EmbeddingTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        match (self, grad) {
            (Embedding::Normed { before, linear, after }, Embedding::Normed { before: g_before, linear: g_linear, after: g_after }) => {
                t.d_linear.reset(t.linear.rows(), t.linear.cols());
                after.backward(&t.linear, &mut t.after, dy, g_after, &mut t.d_linear)?;
                t.d_before.reset(x.rows(), x.cols());
                linear.backward(&t.before.y, &mut t.linear, &t.d_linear, g_linear, &mut t.d_before)?;
                before.backward(x, &mut t.before, &t.d_before, g_before, dx)
            }
            (Embedding::Convolution(linear), Embedding::Convolution(grad)) => linear.backward(x, &mut t.linear, dy, grad, dx),
            _ => unreachable!("the gradient of a layer has its parts"),
        }
    }
}
