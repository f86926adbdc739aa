//! Where the class token looks, and whether that is where the strokes are.

use crate::scalar::Scalar;
use crate::transformer::Design;
use crate::{Error, Result};

/// The attention of the class token to the patches: row 0 of a map (tokens × tokens, row after row) without its first entry. It sums to 1 less what the class token gives to itself.
/// Errors: `Shape` unless the map has `tokens²` numbers, at least four.
pub fn saliency<S: Scalar>(map: &[S], tokens: usize) -> Result<&[S]> {
    if tokens < 2 || map.len() != tokens * tokens {
        return Err(Error::shape("map", format!("{tokens} × {tokens} numbers, at least 2 × 2"), map.len().to_string()));
    }
    Ok(&map[1..tokens])
}

/// For every patch of an image, in the order of the tokens: does it hold more ink than the mean patch? `image`: channels × height × width numbers. Errors: `Shape`.
pub fn strokes<S: Scalar>(image: &[S], design: &Design) -> Result<Vec<bool>> {
    let ([c, h, w], p) = (design.image, design.patch);
    design.grid().check()?;
    if image.len() != c * h * w {
        return Err(Error::shape("image", format!("{c} × {h} × {w} numbers"), image.len().to_string()));
    }
    let across = w / p;
    let mut ink = vec![0.0; h / p * across];
    for (at, x) in image.iter().enumerate() {
        let (y, x_at) = (at / w % h, at % w);
        ink[y / p * across + x_at / p] += x.value();
    }
    let mean = ink.iter().sum::<f64>() / ink.len() as f64;
    Ok(ink.into_iter().map(|i| i > mean).collect())
}

/// Intersection over union of the strokes with the patches that get most attention, as many of them as there are strokes; of equal ones the first count. From 0 to 1. No threshold is chosen.
/// Errors: `Shape` for different numbers of patches; `Domain` for an image without strokes.
pub fn overlap_with_strokes<S: Scalar>(saliency: &[S], strokes: &[bool]) -> Result<f64> {
    if saliency.len() != strokes.len() {
        return Err(Error::shape("saliency", format!("{} patches", strokes.len()), saliency.len().to_string()));
    }
    let count = strokes.iter().filter(|s| **s).count();
    if count == 0 {
        return Err(Error::domain("strokes", "at least one", "an even image").named("EmptyMask"));
    }
    let mut order: Vec<usize> = (0..saliency.len()).collect();
    order.sort_by(|&a, &b| saliency[b].value().total_cmp(&saliency[a].value()));
    let hits = order[..count].iter().filter(|&&i| strokes[i]).count();
    Ok(hits as f64 / (2 * count - hits) as f64)
}

/// What [`overlap_with_strokes`] is on average for attention without any preference: `Σ_j P(j) j/(2m − j)`, j the hits of m patches drawn from `patches`, m of them strokes.
pub fn chance_overlap(m: usize, patches: usize) -> f64 {
    if m == 0 || m > patches {
        return 0.0;
    }
    // P(j) up to a constant, from each other: the hypergeometric law.
    let least = (2 * m).saturating_sub(patches);
    let (mut p, mut total, mut sum) = (1.0, 0.0, 0.0);
    for j in least..=m {
        total += p;
        sum += p * j as f64 / (2 * m - j) as f64;
        if j < m {
            p *= ((m - j) * (m - j)) as f64 / ((j + 1) * (patches + j + 1 - 2 * m)) as f64;
        }
    }
    sum / total
}
