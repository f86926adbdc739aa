//! White-box transformers: the objective, its gradient, the ladder from the gradient to attention, the layers, whole models, their training.
//!
//! | rung | what | where |
//! |---|---|---|
//! | objective | sparse rate reduction `R − R^c − λ‖Z‖` | [`sparse_rate_reduction`], [`subspace_coding_rate`] |
//! | gradient | `∇R^c` exactly, to any Neumann order, and its rewritings | [`rate_gradient`], [`rate_gradient_neumann`], … |
//! | compression | `∇R^c` with a softmax for its correlations: subspace self-attention | [`ssa`], [`mssa`], [`MssaOfficial`] |
//! | sparsification | one step of a (non-negative) LASSO | [`ista_step`], [`crate_ista`] |
//! | layer | one of each | [`crate_layer`], [`Block`] |
//! | model of the tokens | a mixture on subspaces, and what the operators become on very many of its tokens | [`Population`] |
//! | model | patches, layers, a classifier | [`Design`], [`Vision`] |

mod attention;
mod block;
mod config;
mod design;
mod embedding;
mod inference;
mod ista;
mod ladder;
mod mhsa;
mod mlp;
mod mssa;
mod patches;
mod population;
mod rate;
mod recognise;
pub mod run;
mod ssa;
mod training;
mod vision;

pub use block::{Attention, Block, BlockTrace, Compression, CrateLayerGradient, Feed, crate_layer, crate_layer_vjp};
pub use config::{Config, POOLS};
pub use design::{AttentionKind, Design, FeedKind, Pool};
pub use embedding::{Embedding, EmbeddingTrace};
pub use inference::{evaluate, features};
pub use ista::{Ista, IstaGradient, IstaTrace, Shrink, crate_ista, crate_ista_vjp, ista_objective, ista_step, ista_step_vjp};
pub use ladder::{
    LadderGradient, convex_step, convex_step_vjp, rate_gradient, rate_gradient_neumann, rate_gradient_neumann_vjp, rate_gradient_no_self,
    rate_gradient_no_self_vjp, rate_gradient_softmax, rate_gradient_softmax_vjp, rate_gradient_span_closed, rate_gradient_span_closed_vjp,
    rate_gradient_vjp,
};
pub use mhsa::{Mhsa, MhsaTrace};
pub use mlp::{Mlp, MlpTrace};
pub use mssa::{MssaGradient, MssaOfficial, MssaTrace, mssa, mssa_vjp};
pub use patches::{Grid, PatchOrder};
pub use population::{Population, Tokens};
pub use rate::{
    SparseRateReduction, SparseRateReductionGradient, Sparsity, SubspaceRateGradient, sparse_rate_reduction,
    sparse_rate_reduction_gradient, sparsity_gradient, sparsity_norm, subspace_coding_rate, subspace_coding_rate_gradient,
};
pub use run::{LogRow, Run, Task};
pub use ssa::{Ssa, SsaGradient, ssa, ssa_vjp};
pub use training::{CHUNK, Outcome, Recipe, Samples, Trainer};
pub use vision::{Vision, VisionTrace};

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `A_k = Z U_k`, after the checks that every operator on subspaces makes: at least one token, feature and basis; every basis with as many rows as `Z` has columns and at least one column.
fn projections<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>]) -> Result<Vec<Matrix<S>>> {
    if z.rows() == 0 || z.cols() == 0 || u.is_empty() {
        let found = format!("{z:?} and {} bases", u.len());
        return Err(Error::shape("z", "at least one token, one feature and one basis", found).named("EmptyInput"));
    }
    u.iter()
        .enumerate()
        .map(|(k, u)| match u.shape() {
            [d, p] if d == z.cols() && p > 0 => z.matmul(u),
            _ => Err(Error::shape(format!("u[{k}]"), format!("{} × p, p ≥ 1", z.cols()), format!("{u:?}")).named("ShapeMismatch")),
        })
        .collect()
}
