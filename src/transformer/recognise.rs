//! The design of a model from its weights.

use super::design::{AttentionKind, Design, FeedKind, Pool};
use crate::data::Array;
use crate::{Error, Result};

impl Design {
    /// The design that weights of these names and shapes belong to, for images of these channels, height and width. What no shape tells: the number of heads, which for the published widths
    /// (CRATE 384, 576, 768, 1024; ViT 192, 384, 768, 1024) is the published one and must otherwise be given; and whether CRATE pools its class token, as it does by default.
    ///
    /// Errors: `Format` if the weights are not those of such a model, `Shape` if it takes other images, `Usage` if the heads are neither known nor given.
    pub fn of_weights(arrays: &[(String, Array)], image: [usize; 3], heads: Option<usize>, pool: Option<Pool>) -> Result<Design> {
        let shape = |name: &str| {
            let found = arrays.iter().find(|(n, _)| n.strip_prefix("module.").unwrap_or(n) == name);
            found.map(|(_, a)| a.shape())
        };
        let needed = |name: &str, axes: usize| match shape(name) {
            Some(s) if s.len() == axes => Ok(s),
            Some(s) => Err(Error::format(name, format!("{axes} axes"), format!("{s:?}")).named("StateDict")),
            None => Err(Error::format("weights", format!("those of a CRATE or ViT, with a tensor `{name}`"), "none").named("StateDict")),
        };
        let depth = |prefix: &str, suffix: &str| (0..).take_while(|l| shape(&format!("{prefix}.{l}.{suffix}")).is_some()).count();
        let dim = needed("cls_token", 3)?[2];
        let vit = shape("patch_embed.proj.weight").is_some();
        let mut design = Design { image, ..Design::new_crate(image, 1, dim, 0, 0, 0) };
        let projected;
        if vit {
            design = Design {
                image,
                ..Design::new_vit(image, needed("patch_embed.proj.weight", 4)?[3], dim, depth("blocks", "norm1.weight"), 0, 0)
            };
            projected = needed("blocks.0.attn.qkv.weight", 2)?[0] / 3;
            design.hidden = needed("blocks.0.mlp.fc1.weight", 2)?[0];
            design.classes = needed("head.weight", 2)?[0];
            design.pool = pool.unwrap_or(if shape("fc_norm.weight").is_some() { Pool::Patches } else { Pool::Cls });
        } else {
            let size = needed("to_patch_embedding.2.weight", 2)?[1];
            design.patch = (size / image[0].max(1)).isqrt();
            if image[0] * design.patch * design.patch != size {
                let expected = format!("channels that divide a patch of {size} numbers into squares");
                return Err(Error::shape("images", expected, format!("{} channels", image[0])).named("ShapeMismatch"));
            }
            design.depth = depth("transformer.layers", "0.norm.weight");
            if let Some(s) = shape("transformer.layers.0.1.fn.fc1.weight") {
                (design.feed, design.hidden) = (FeedKind::Mlp, s[0]);
            }
            projected = if shape("transformer.layers.0.0.fn.proj.weight").is_some() {
                design.attention = AttentionKind::Mhsa;
                needed("transformer.layers.0.0.fn.qkv.weight", 2)?[0] / 3
            } else {
                needed("transformer.layers.0.0.fn.qkv.weight", 2)?[0]
            };
            design.classes = needed("mlp_head.1.weight", 2)?[0];
            design.pool = pool.unwrap_or(Pool::Cls);
        }
        let published = match (vit, dim) {
            (false, 384) | (true, 384) => Some(6),
            (false, 576) | (_, 768) => Some(12),
            (_, 1024) => Some(16),
            (true, 192) => Some(3),
            _ => None,
        };
        design.heads = heads.or(published).ok_or_else(|| {
            Error::usage("heads", "their number: --heads K", format!("a model of width {dim}, which is none of the published"))
        })?;
        design.head_width = projected.checked_div(design.heads).unwrap_or(0);
        if design.head_width * design.heads != projected {
            return Err(Error::shape("heads", format!("a divisor of {projected}"), design.heads.to_string()).named("HeadsDoNotDivide"));
        }
        design.check()?;
        let positions = needed(if vit { "pos_embed" } else { "pos_embedding" }, 3)?[1];
        if positions != design.tokens() {
            let side = design.patch;
            let expected = format!("images of {} patches of {side} × {side}", positions.saturating_sub(1));
            return Err(Error::shape("images", expected, format!("{} × {} pixels", image[1], image[2])).named("ShapeMismatch"));
        }
        Ok(design)
    }
}
