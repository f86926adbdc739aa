//! A stage from the stages before it: was the mistake made here, or only passed on?

use super::asked::Asked;
use crate::learn;
use crate::linalg::Matrix;
use crate::oracle::value::{Tensor, Values};
use crate::scalar::{Ball, DoubleDouble, Scalar};
use crate::transformer;

type D = DoubleDouble;
type M = Matrix<D>;

/// The matrices of a stage along its first axis; a stage of two axes is one matrix.
fn blocks(stages: &Values<Ball>, name: &str) -> Option<Vec<M>> {
    let t = stages.real(name).ok()?;
    let (rows, cols) = match t.shape[..] {
        [r, c] | [_, r, c] => (r, c),
        _ => return None,
    };
    t.data.chunks((rows * cols).max(1)).map(|b| Some(Matrix::new(rows, cols, b.to_vec()).ok()?.cast())).collect()
}
fn one(stages: &Values<Ball>, name: &str) -> Option<M> {
    blocks(stages, name)?.into_iter().next()
}
/// As the tensor that the stage is: stacked, or a single matrix.
fn stacked(parts: Vec<M>, shape: &[usize]) -> Option<Tensor<Ball>> {
    let data = parts.into_iter().flat_map(|m| m.into_data()).map(|x| Ball::new(x, 0.0)).collect();
    Tensor::new(shape.to_vec(), data).ok()
}
/// The heads that stand side by side in the columns.
fn side_by_side(m: &M, heads: usize) -> Vec<M> {
    let p = m.cols() / heads.max(1);
    (0..heads).filter_map(|k| m.select_cols(k * p, p).ok()).collect()
}
fn joined(parts: &[M]) -> Option<M> {
    let p = parts.first()?.cols();
    Some(Matrix::from_fn(parts[0].rows(), p * parts.len(), |i, j| parts[j / p][(i, j % p)]))
}
fn linear(a: &Asked, x: &M, w: &str, b: &str) -> Option<M> {
    learn::linear(x, &a.matrix(w).ok()?, a.vector(b).as_deref()).ok()
}
fn norm(a: &Asked, x: &M, gamma: &str, beta: &str) -> Option<M> {
    learn::layer_norm(x, &a.vector(gamma)?, &a.vector(beta)?, a.number("eps_ln").ok()?).ok()
}
fn softmax(logits: M, causal: bool) -> Option<M> {
    if !causal {
        return learn::softmax(&logits).ok();
    }
    let n = logits.rows();
    let mut out = Matrix::zeros(n, n);
    for i in 0..n {
        let row = learn::softmax(&Matrix::from_fn(1, i + 1, |_, j| logits[(i, j)])).ok()?;
        out.row_mut(i)[..=i].copy_from_slice(row.row(0));
    }
    Some(out)
}

/// What a stage should be, given the candidate's own stages before it; `None` where this says nothing, or the stages it needs were not given.
pub(super) fn step(a: &Asked, stage: &str, given: &Values<Ball>, shape: &[usize]) -> Option<Tensor<Ball>> {
    if !a.is_single() {
        return None;
    }
    let heads = a.param("h").map_or(1, |h| h as usize);
    let scale = |p: usize| D::ONE / D::from_usize(p).sqrt();
    let causal = a.param("causal") == Some(1.0);
    let name = a.spec().name;
    let parts = match (name, stage) {
        ("ssa" | "mssa", "logits") => {
            let s = a.number("scale").ok()?;
            blocks(given, "projected")?.iter().map(|x| x.gram_rows().scale(s)).collect()
        }
        ("ssa" | "mssa", "attention") => blocks(given, "logits")?.into_iter().map(|x| softmax(x, false)).collect::<Option<_>>()?,
        ("ssa", "y") | ("mssa", "heads") => {
            let (w, x) = (blocks(given, "attention")?, blocks(given, "projected")?);
            w.iter().zip(&x).map(|(w, x)| w.matmul(x).ok()).collect::<Option<_>>()?
        }
        ("mssa", "y") => {
            let u = a.matrices("u").ok()?;
            let mut sum = Matrix::zeros(a.matrix("z").ok()?.rows(), a.matrix("z").ok()?.cols());
            for (head, u) in blocks(given, "heads")?.iter().zip(&u) {
                sum.accumulate(&head.matmul_t(u).ok()?).ok()?;
            }
            vec![sum.scale(a.number("factor").ok()?)]
        }
        ("mssa_official" | "crate_layer_official", "attention") => {
            let parts = side_by_side(&one(given, "projected")?, heads);
            parts.iter().map(|x| softmax(x.gram_rows().scale(scale(x.cols())), causal)).collect::<Option<_>>()?
        }
        ("mssa_official", "heads") => {
            let (w, x) = (blocks(given, "attention")?, side_by_side(&one(given, "projected")?, heads));
            let all: Vec<M> = w.iter().zip(&x).map(|(w, x)| w.matmul(x).ok()).collect::<Option<_>>()?;
            vec![joined(&all)?]
        }
        ("mssa_official", "y") if a.matrix("w_out").is_ok() => vec![linear(a, &one(given, "heads")?, "w_out", "b_out")?],
        ("crate_layer_official" | "vit_block", "projected") => vec![linear(a, &one(given, "norm1")?, "w_qkv", "b_qkv")?],
        ("crate_layer_official", "half") => {
            let (w, x) = (blocks(given, "attention")?, side_by_side(&one(given, "projected")?, heads));
            let all: Vec<M> = w.iter().zip(&x).map(|(w, x)| w.matmul(x).ok()).collect::<Option<_>>()?;
            vec![a.matrix("x").ok()?.add(&linear(a, &joined(&all)?, "w_out", "b_out")?).ok()?]
        }
        ("crate_layer_official" | "vit_block", "norm2") => vec![norm(a, &one(given, "half")?, "gamma2", "beta2")?],
        ("crate_layer_official", "y") => {
            let (eta, lambda) = (a.number("eta").ok()?, a.number("lambda").ok()?);
            vec![transformer::crate_ista(&one(given, "norm2")?, &a.matrix("dictionary").ok()?, eta, lambda).ok()?]
        }
        _ => return None,
    };
    stacked(parts, shape)
}
