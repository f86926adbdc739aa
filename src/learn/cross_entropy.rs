//! Cross-entropy with label smoothing.

use super::softmax::{log_softmax, softmax};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

fn check<S: Scalar>(logits: &Matrix<S>, labels: &[usize], smoothing: S) -> Result<()> {
    if labels.len() != logits.rows() || labels.is_empty() {
        return Err(Error::shape("labels", format!("{} of them, at least 1", logits.rows()), labels.len().to_string()));
    }
    if let Some(i) = labels.iter().position(|&l| l >= logits.cols()) {
        return Err(Error::domain(format!("labels[{i}]"), format!("a label below {}", logits.cols()), labels[i].to_string())
            .named("LabelOutOfRange"));
    }
    if !(smoothing.value() >= 0.0 && smoothing.value() <= 1.0) {
        return Err(Error::domain("smoothing", "a number from 0 to 1", smoothing.value().to_string()));
    }
    Ok(())
}

/// The target distribution of a row: `(1 − s)` on the label plus `s/C` everywhere.
fn target<S: Scalar>(label: usize, classes: usize, s: S) -> impl Fn(usize) -> S {
    let spread = s / S::from_usize(classes);
    move |c| if c == label { S::ONE - s + spread } else { spread }
}

/// `−1/B Σ_b Σ_c q_bc log_softmax(x_b)_c`, `q = (1 − s) onehot + s/C`: the mean over the batch (Szegedy et al., CVPR 2016, §7; the convention of PyTorch and
/// timm). `logits`: B × C, `labels`: B numbers below C, `0 ≤ s ≤ 1`. At least the entropy of q, in nats.
pub fn cross_entropy<S: Scalar>(logits: &Matrix<S>, labels: &[usize], smoothing: S) -> Result<S> {
    check(logits, labels, smoothing)?;
    let logs = log_softmax(logits)?;
    let rows: Vec<S> = (0..logits.rows())
        .map(|b| {
            let q = target(labels[b], logits.cols(), smoothing);
            let q: Vec<S> = (0..logits.cols()).map(q).collect();
            -S::dot(&q, logs.row(b))
        })
        .collect();
    Ok(S::sum(&rows) / S::from_usize(rows.len()))
}

/// Gradient of [`cross_entropy`]: `x̄ = c̄ (softmax(x) − q)/B`.
pub fn cross_entropy_vjp<S: Scalar>(logits: &Matrix<S>, labels: &[usize], smoothing: S, cotangent: S) -> Result<Matrix<S>> {
    check(logits, labels, smoothing)?;
    let mut grad = softmax(logits)?;
    let scale = cotangent / S::from_usize(labels.len());
    for (b, &label) in labels.iter().enumerate() {
        let q = target(label, logits.cols(), smoothing);
        for (c, g) in grad.row_mut(b).iter_mut().enumerate() {
            *g = (*g - q(c)) * scale;
        }
    }
    Ok(grad)
}
