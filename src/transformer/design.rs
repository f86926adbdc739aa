//! What a model looks like, apart from its weights.

use super::patches::{Grid, PatchOrder};
use crate::{Error, Result};

/// Which attention the layers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionKind {
    /// One projection: CRATE.
    Mssa,
    /// Three: ViT.
    Mhsa,
}
/// What the layers do with every token by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// A sparsifying step: CRATE.
    Ista,
    /// Two linear maps around a GELU: ViT.
    Mlp,
}
/// What the classifier sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The class token.
    Cls,
    /// The mean of all tokens, the class token among them.
    Mean,
    /// The mean of the patch tokens.
    Patches,
}

/// The size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Design {
    /// Attention of every layer.
    pub attention: AttentionKind,
    /// The other half of every layer.
    pub feed: FeedKind,
    /// Channels, height, width of an image.
    pub image: [usize; 3],
    /// Side of a patch.
    pub patch: usize,
    /// Width of a token.
    pub dim: usize,
    /// Layers.
    pub depth: usize,
    /// Heads of every attention.
    pub heads: usize,
    /// Width of a head.
    pub head_width: usize,
    /// Width inside the MLP; of no meaning without one.
    pub hidden: usize,
    /// Classes.
    pub classes: usize,
    /// What the classifier sees.
    pub pool: Pool,
}

impl Design {
    /// A CRATE whose heads divide its width.
    pub fn new_crate(image: [usize; 3], patch: usize, dim: usize, depth: usize, heads: usize, classes: usize) -> Design {
        Design {
            attention: AttentionKind::Mssa,
            feed: FeedKind::Ista,
            image,
            patch,
            dim,
            depth,
            heads,
            head_width: dim.checked_div(heads).unwrap_or(0),
            hidden: 4 * dim,
            classes,
            pool: Pool::Cls,
        }
    }
    /// A ViT of the same size, its MLP four times as wide as its tokens.
    pub fn new_vit(image: [usize; 3], patch: usize, dim: usize, depth: usize, heads: usize, classes: usize) -> Design {
        Design { attention: AttentionKind::Mhsa, feed: FeedKind::Mlp, ..Design::new_crate(image, patch, dim, depth, heads, classes) }
    }
    /// The published sizes of CRATE on images of 224 × 224 in patches of 16 (Yu et al., NeurIPS 2023): `tiny`, `small`, `base`, `large`.
    pub fn published(name: &str, classes: usize) -> Option<Design> {
        let (dim, depth, heads) = match name {
            "tiny" => (384, 12, 6),
            "small" => (576, 12, 12),
            "base" => (768, 12, 12),
            "large" => (1024, 24, 16),
            _ => return None,
        };
        Some(Design::new_crate([3, 224, 224], 16, dim, depth, heads, classes))
    }
    /// Both halves of the ViT: parameters are then named as in timm, otherwise as in CRATE.
    pub fn is_vit(&self) -> bool {
        self.attention == AttentionKind::Mhsa && self.feed == FeedKind::Mlp
    }
    /// How images are cut.
    pub fn grid(&self) -> Grid {
        let order = if self.is_vit() { PatchOrder::ChannelsFirst } else { PatchOrder::ChannelsLast };
        Grid { image: self.image, patch: self.patch, order }
    }
    /// Tokens of a sample: one a patch, and the class token.
    pub fn tokens(&self) -> usize {
        self.grid().count() + 1
    }
    /// Errors: `Shape` where sizes are 0, the patch does not divide the image, or the heads have no width.
    pub fn check(&self) -> Result<()> {
        self.grid().check()?;
        let sizes =
            [("dim", self.dim), ("depth", self.depth), ("heads", self.heads), ("head width", self.head_width), ("classes", self.classes)];
        if let Some((name, _)) = sizes.iter().find(|(_, n)| *n == 0) {
            return Err(Error::shape(*name, "at least 1", "0").named(if *name == "head width" {
                "HeadsDoNotDivide"
            } else {
                "EmptyInput"
            }));
        }
        if self.feed == FeedKind::Mlp && self.hidden == 0 {
            return Err(Error::shape("hidden", "at least 1", "0").named("EmptyInput"));
        }
        Ok(())
    }
}
