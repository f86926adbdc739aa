//! A model at work: logits of many images, without what only training needs.

use super::block::BlockTrace;
use super::training::{CHUNK, Outcome, Samples, right};
use super::vision::Vision;
use crate::Result;
use crate::learn::{CrossEntropy, Layer};
use crate::linalg::Matrix;
use crate::linalg::threads::share;
use crate::scalar::Scalar;

/// What the classifier sees of every image (B × d, before its LayerNorm), and the logits (B × C). Images B × CHW, channel by channel, row by row.
///
/// The images go through one layer after the other in the same memory, a few at a time, on as many threads as there are; the bits depend on neither. Errors: `Shape`;
/// `NotFinite` where a number overflows.
pub fn features<S: Scalar>(model: &Vision<S>, images: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let mut found: Vec<Option<Result<(Matrix<S>, Matrix<S>)>>> = vec![None; images.rows().div_ceil(CHUNK).max(1)];
    share(found.iter_mut().enumerate().collect(), |(c, found)| {
        let rows: Vec<usize> = (c * CHUNK..images.rows().min((c + 1) * CHUNK)).collect();
        *found = Some(images.select_rows(&rows).and_then(|images| chunk(model, &images)));
    });
    let (mut pooled, mut logits) = (Vec::new(), Vec::new());
    for found in found {
        let (p, l) = found.expect("every chunk was computed")?;
        pooled.extend(p.into_data());
        logits.extend(l.into_data());
    }
    let logits = Matrix::new(images.rows(), model.design.classes, logits)?;
    logits.check_finite("logits")?;
    Ok((Matrix::new(images.rows(), model.design.dim, pooled)?, logits))
}

fn chunk<S: Scalar>(model: &Vision<S>, images: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let tokens = model.design.tokens();
    let (mut x, mut trace) = (model.embed(images)?, BlockTrace::default());
    for block in &model.blocks {
        x.assign(block.forward(&x, tokens, &mut trace)?);
    }
    let mut pooled = Matrix::default();
    model.pool(&x, &mut pooled);
    let logits = model.head.apply(&model.norm.apply(&pooled, 1)?, 1)?;
    Ok((pooled, logits))
}

/// Loss and accuracy of a model on samples. Errors: as [`features`]; `Shape`, `Domain` for labels that do not fit.
pub fn evaluate<S: Scalar>(model: &Vision<S>, samples: &Samples<S>, smoothing: f64) -> Result<Outcome> {
    samples.check(model.design.classes)?;
    let (_, logits) = features(model, &samples.images)?;
    let mut loss = CrossEntropy::default();
    loss.compute(&logits, &samples.labels, S::from_f64(smoothing), S::ONE)?;
    let mean = S::sum(&loss.losses) / S::from_usize(samples.labels.len());
    Ok(Outcome { samples: samples.labels.len(), loss: mean.value(), correct: right(&logits, &samples.labels) })
}
