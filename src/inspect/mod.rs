//! What training made of a network: rates and sparsity layer by layer, what its weights became, where its attention looks, which tokens stand out.
//!
//! | question | answer |
//! |---|---|
//! | does every layer compress, and sparsify? | [`Inspection`], [`layer_coding_rate`] |
//! | are the bases orthonormal and apart, the atoms incoherent? | [`off_orthonormal`], [`overlap`], [`coherence`] |
//! | where does the class token look? | [`saliency`], [`overlap_with_strokes`] |
//! | do some tokens grow out of proportion? | [`TokenNorms`] |
//! | which parts of an image are alike? | [`TokenPca`] |
//!
//! Source of the measurements: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023 (rate and sparsity by layer); Yu et al., *Emergence of Segmentation with Minimalistic
//! White-Box Transformers*, CPAL 2024 (attention maps, token PCA, the ablation); the official code, `vis_utils`.

mod attention;
mod inspection;
mod norms;
mod pca;
mod rate;
mod weights;

pub use attention::{chance_overlap, overlap_with_strokes, saliency, strokes};
pub use inspection::{Inspection, LayerMeasure, Spread};
pub use norms::TokenNorms;
pub use pca::TokenPca;
pub use rate::{layer_coding_rate, layer_coding_rate_gradient};
pub use weights::{bases, coherence, off_orthonormal, overlap};
