//! Whole models: CRATE, ViT and the mixtures of the ablation, on images.

use super::block::{Attention, Block, BlockTrace, Feed};
use super::design::{AttentionKind, Design, FeedKind, Pool};
use super::embedding::{Embedding, EmbeddingTrace};
use super::ista::Ista;
use super::mhsa::Mhsa;
use super::mlp::Mlp;
use super::mssa::MssaOfficial;
use crate::learn::{Initial, Layer, LayerNorm, LayerNormTrace, Linear, Name, Parameter, Parameters};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A classifier of images: patches to tokens, a class token in front, learned positions, the layers, a LayerNorm and a linear map on what is pooled.
///
/// As a [`Layer`] it takes images, one a row, channel by channel and row by row, and gives logits. Parameters have the names and shapes of the official CRATE
/// code (model/crate.py), or, where both halves are the ViT's, of timm.
#[derive(Clone, Debug, PartialEq)]
pub struct Vision<S> {
    /// Its size.
    pub design: Design,
    /// Patches to tokens.
    pub embedding: Embedding<S>,
    /// (1, 1, d).
    pub cls: Parameter<S>,
    /// (1, tokens, d); row 0 belongs to the class token.
    pub positions: Parameter<S>,
    /// The layers.
    pub blocks: Vec<Block<S>>,
    /// On what is pooled.
    pub norm: LayerNorm<S>,
    /// To the classes.
    pub head: Linear<S>,
}

impl<S: Scalar> Vision<S> {
    /// All weights 0, LayerNorms the identity. Errors: `Shape` for a design that cannot be.
    pub fn zeros(design: Design) -> Result<Self> {
        design.check()?;
        let Design { dim, heads, head_width, hidden, .. } = design;
        let eps = S::from_f64(if design.is_vit() { 1e-6 } else { 1e-5 });
        let size = design.grid().size();
        let norm = || LayerNorm::identity(dim, eps);
        let block = || Block {
            norm1: norm(),
            attention: match design.attention {
                AttentionKind::Mssa => Attention::Mssa(MssaOfficial::zeros(dim, heads, head_width)),
                AttentionKind::Mhsa => Attention::Mhsa(Mhsa::zeros(dim, heads, head_width)),
            },
            norm2: norm(),
            feed: match design.feed {
                FeedKind::Ista => Feed::Ista(Ista::zeros(dim)),
                FeedKind::Mlp => Feed::Mlp(Mlp::zeros(dim, hidden)),
            },
        };
        let embedding = if design.is_vit() {
            let kernel = Parameter::zeros(&[dim, design.image[0], design.patch, design.patch]);
            Embedding::Convolution(Linear { weight: kernel, bias: Some(Parameter::zeros(&[dim])) })
        } else {
            Embedding::Normed { before: LayerNorm::identity(size, eps), linear: Linear::zeros(size, dim, true), after: norm() }
        };
        Ok(Vision {
            design,
            embedding,
            cls: Parameter::zeros(&[1, 1, dim]),
            positions: Parameter::zeros(&[1, design.tokens(), dim]),
            blocks: (0..design.depth).map(|_| block()).collect(),
            norm: norm(),
            head: Linear::zeros(dim, design.classes, true),
        })
    }

    /// Fresh weights from the distributions of the official code and of timm, every parameter from a seeded stream of its own.
    ///
    /// CRATE: class token and positions N(0, 1); dictionaries uniform on ±√(6/d); linear maps as PyTorch's. ViT: positions N(0, 0.02²), class token N(0, 10⁻¹²), linear maps N(0, 0.02²) with
    /// bias 0, the patch embedding as PyTorch's convolution. In a mixture each part is drawn as at its home.
    pub fn initialise(design: Design, seed: u64) -> Result<Self> {
        let mut model = Self::zeros(design)?;
        let vit = design.is_vit();
        model.visit_mut(&Name::Root, &mut |name, p| {
            let name = name.to_string();
            let ends = |suffix: &str| name.ends_with(suffix);
            let timm_part = vit
                || design.attention == AttentionKind::Mhsa && name.contains(".0.fn.")
                || design.feed == FeedKind::Mlp && name.contains(".1.fn.");
            let norm = name.contains("norm")
                || name.starts_with("to_patch_embedding.1")
                || name.starts_with("to_patch_embedding.3")
                || name.starts_with("mlp_head.0");
            let initial = match name.as_str() {
                _ if norm => return,
                "cls_token" => Initial::Gaussian(if vit { 1e-6 } else { 1.0 }),
                "pos_embedding" => Initial::Gaussian(1.0),
                "pos_embed" => Initial::Gaussian(0.02),
                "patch_embed.proj.weight" => Initial::Linear,
                _ if ends("1.fn.weight") => Initial::Kaiming,
                "patch_embed.proj.bias" => Initial::Uniform(1.0 / (design.grid().size() as f64).sqrt()),
                _ if timm_part && ends("bias") => Initial::Constant(0.0),
                _ if timm_part => Initial::Gaussian(0.02),
                _ if ends("weight") => Initial::Linear,
                // A bias is drawn like the weight beside it, whose fan-in is that of the map.
                "to_patch_embedding.2.bias" => Initial::Uniform(1.0 / (design.grid().size() as f64).sqrt()),
                _ if ends("to_out.0.bias") => Initial::Uniform(1.0 / ((design.heads * design.head_width) as f64).sqrt()),
                _ => Initial::Uniform(1.0 / (design.dim as f64).sqrt()),
            };
            initial.fill(p, &name, seed);
        });
        Ok(model)
    }
}

impl<S: Scalar> Vision<S> {
    /// Names of positions, layers, final norm and head.
    fn parts(&self) -> [&'static str; 4] {
        match (self.design.is_vit(), self.design.pool) {
            (false, _) => ["pos_embedding", "transformer.layers", "mlp_head.0", "mlp_head.1"],
            (true, Pool::Cls) => ["pos_embed", "blocks", "norm", "head"],
            (true, _) => ["pos_embed", "blocks", "fc_norm", "head"],
        }
    }
}
impl<S: Scalar> Parameters<S> for Vision<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        let [positions, layers, norm, head] = self.parts();
        self.positions.visit(&name.at(positions), f);
        self.cls.visit(&name.at("cls_token"), f);
        self.embedding.visit(name, f);
        self.blocks.visit(&name.at(layers), f);
        self.norm.visit(&name.at(norm), f);
        self.head.visit(&name.at(head), f);
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        let [positions, layers, norm, head] = self.parts();
        self.positions.visit_mut(&name.at(positions), f);
        self.cls.visit_mut(&name.at("cls_token"), f);
        self.embedding.visit_mut(name, f);
        self.blocks.visit_mut(&name.at(layers), f);
        self.norm.visit_mut(&name.at(norm), f);
        self.head.visit_mut(&name.at(head), f);
    }
}

/// The intermediate results of a [`Vision`] model.
#[derive(Clone, Debug, Default)]
pub struct VisionTrace<S> {
    /// What goes into the first layer.
    pub tokens: Matrix<S>,
    /// Of the layers.
    pub blocks: Vec<BlockTrace<S>>,
    /// What the classifier sees, before its LayerNorm.
    pub pooled: Matrix<S>,
    /// The logits.
    pub logits: Matrix<S>,
    patches: Matrix<S>,
    embedding: EmbeddingTrace<S>,
    norm: LayerNormTrace<S>,
    d_normed: Matrix<S>,
    d_pooled: Matrix<S>,
    d_out: Matrix<S>,
    d_in: Matrix<S>,
    d_embedded: Matrix<S>,
    d_patches: Matrix<S>,
}

/// Rows of the tokens that are pooled, and what each counts.
fn pooled_rows<S: Scalar>(pool: Pool, tokens: usize) -> (std::ops::Range<usize>, S) {
    let rows = match pool {
        Pool::Cls => 0..1,
        Pool::Mean => 0..tokens,
        Pool::Patches => 1..tokens,
    };
    let share = S::ONE / S::from_usize(rows.len().max(1));
    (rows, share)
}

/// Backwards through head, norm, pooling, layers, positions and class token, embedding. A `dx` without elements asks for no gradient with respect to the images.
impl<S: Scalar> Layer<S> for Vision<S> {
    type Trace = VisionTrace<S>;
    fn forward<'t>(&self, images: &Matrix<S>, _tokens: usize, t: &'t mut VisionTrace<S>) -> Result<&'t Matrix<S>> {
        let tokens = self.design.tokens();
        self.embed_into(images, &mut t.patches, &mut t.embedding, &mut t.tokens)?;
        t.blocks.resize_with(self.blocks.len(), BlockTrace::default);
        for (l, block) in self.blocks.iter().enumerate() {
            let (done, rest) = t.blocks.split_at_mut(l);
            let x = if l == 0 { &t.tokens } else { done[l - 1].y(&self.blocks[l - 1]) };
            block.forward(x, tokens, &mut rest[0])?;
        }
        let last = self.last(&t.tokens, &t.blocks);
        self.pool(last, &mut t.pooled);
        let normed = self.norm.forward(&t.pooled, 1, &mut t.norm)?;
        self.head.forward(normed, 1, &mut t.logits)
    }
    fn backward(&self, images: &Matrix<S>, t: &mut VisionTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        let (tokens, dim, batch) = (self.design.tokens(), self.design.dim, images.rows());
        t.d_normed.reset(batch, dim);
        self.head.backward(&t.norm.y, &mut t.logits, dy, &mut grad.head, &mut t.d_normed)?;
        t.d_pooled.reset(batch, dim);
        self.norm.backward(&t.pooled, &mut t.norm, &t.d_normed, &mut grad.norm, &mut t.d_pooled)?;
        t.d_out.reset(batch * tokens, dim);
        let (rows, share) = pooled_rows::<S>(self.design.pool, tokens);
        for (d_pooled, sample) in t.d_pooled.data().chunks_exact(dim).zip(t.d_out.data_mut().chunks_exact_mut(tokens * dim)) {
            for i in rows.clone() {
                sample[i * dim..(i + 1) * dim].iter_mut().zip(d_pooled).for_each(|(d, &p)| *d = p * share);
            }
        }
        for (l, block) in self.blocks.iter().enumerate().rev() {
            let (done, rest) = t.blocks.split_at_mut(l);
            let x = if l == 0 { &t.tokens } else { done[l - 1].y(&self.blocks[l - 1]) };
            t.d_in.reset(batch * tokens, dim);
            block.backward(x, &mut rest[0], &t.d_out, &mut grad.blocks[l], &mut t.d_in)?;
            std::mem::swap(&mut t.d_in, &mut t.d_out);
        }
        t.d_embedded.reset(batch * (tokens - 1), dim);
        let samples = t.d_out.data().chunks_exact(tokens * dim);
        for (sample, embedded) in samples.zip(t.d_embedded.data_mut().chunks_exact_mut((tokens - 1) * dim)) {
            let add = |to: &mut [S], from: &[S]| to.iter_mut().zip(from).for_each(|(t, &f)| *t += f);
            add(grad.positions.data_mut(), sample);
            add(grad.cls.data_mut(), &sample[..dim]);
            embedded.copy_from_slice(&sample[dim..]);
        }
        t.d_patches.reset(t.patches.rows(), t.patches.cols());
        self.embedding.backward(&t.patches, &mut t.embedding, &t.d_embedded, &mut grad.embedding, &mut t.d_patches)?;
        if dx.data().is_empty() { Ok(()) } else { self.design.grid().join(&t.d_patches, dx) }
    }
}

impl<S: Scalar> Vision<S> {
    /// What goes into the first layer: the class token and the embedded patches of every image, plus positions. Errors: `Shape`.
    pub fn embed(&self, images: &Matrix<S>) -> Result<Matrix<S>> {
        let mut tokens = Matrix::default();
        self.embed_into(images, &mut Matrix::default(), &mut EmbeddingTrace::default(), &mut tokens)?;
        Ok(tokens)
    }
    fn embed_into(&self, images: &Matrix<S>, patches: &mut Matrix<S>, trace: &mut EmbeddingTrace<S>, x: &mut Matrix<S>) -> Result<()> {
        if images.rows() == 0 {
            return Err(Error::shape("images", "at least one", "none").named("EmptyInput"));
        }
        let (tokens, dim) = (self.design.tokens(), self.design.dim);
        self.design.grid().cut(images, patches)?;
        let embedded = self.embedding.forward(patches, 1, trace)?;
        x.reset(images.rows() * tokens, dim);
        let samples = x.data_mut().chunks_exact_mut(tokens * dim);
        for (sample, embedded) in samples.zip(embedded.data().chunks_exact((tokens - 1) * dim)) {
            let (first, rest) = sample.split_at_mut(dim);
            first.copy_from_slice(self.cls.data());
            rest.copy_from_slice(embedded);
            sample.iter_mut().zip(self.positions.data()).for_each(|(x, &p)| *x += p);
        }
        Ok(())
    }
    /// What the classifier sees of the tokens of every image.
    pub(super) fn pool(&self, x: &Matrix<S>, pooled: &mut Matrix<S>) {
        let (tokens, dim) = (self.design.tokens(), self.design.dim);
        pooled.reset(x.rows() / tokens, dim);
        let (rows, share) = pooled_rows::<S>(self.design.pool, tokens);
        for (pooled, sample) in pooled.data_mut().chunks_exact_mut(dim).zip(x.data().chunks_exact(tokens * dim)) {
            for i in rows.clone() {
                pooled.iter_mut().zip(&sample[i * dim..(i + 1) * dim]).for_each(|(p, &x)| *p += x);
            }
            if rows.len() > 1 {
                pooled.iter_mut().for_each(|p| *p *= share);
            }
        }
    }
    /// What comes out of the last layer.
    fn last<'t>(&self, tokens: &'t Matrix<S>, traces: &'t [BlockTrace<S>]) -> &'t Matrix<S> {
        self.blocks.iter().zip(traces).next_back().map_or(tokens, |(block, trace)| trace.y(block))
    }
    /// Input of layer `l`, from the trace of a forward pass.
    pub fn input<'t>(&self, l: usize, trace: &'t VisionTrace<S>) -> &'t Matrix<S> {
        self.last(&trace.tokens, &trace.blocks[..l])
    }
}
