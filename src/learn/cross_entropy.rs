//! Cross-entropy with label smoothing.

use crate::linalg::Matrix;
use crate::scalar::{Function, Scalar};
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

/// The loss of every row, and the gradient of their sum times a factor, in memory that is used again.
#[derive(Clone, Debug, Default)]
pub struct CrossEntropy<S> {
    /// `−Σ_c q_bc log_softmax(x_b)_c` of each row b.
    pub losses: Vec<S>,
    /// `factor · (softmax(x) − q)`, B × C.
    pub gradient: Matrix<S>,
    sums: Vec<S>,
    target: Vec<S>,
}

impl<S: Scalar> CrossEntropy<S> {
    /// Computes both. `logits`: B × C, `labels`: B numbers below C, `0 ≤ smoothing ≤ 1`. Errors: `Shape`, `Domain`.
    pub fn compute(&mut self, logits: &Matrix<S>, labels: &[usize], smoothing: S, factor: S) -> Result<()> {
        check(logits, labels, smoothing)?;
        let CrossEntropy { losses, gradient, sums, target } = self;
        let classes = logits.cols();
        gradient.assign(logits);
        losses.clear();
        for b in 0..logits.rows() {
            let greatest = logits.row(b)[1..].iter().fold(logits.row(b)[0], |m, &x| m.max(x));
            losses.push(greatest);
            gradient.row_mut(b).iter_mut().for_each(|x| *x -= greatest);
        }
        S::map(Function::Exp, gradient.data_mut());
        sums.clear();
        sums.extend((0..logits.rows()).map(|b| S::sum(gradient.row(b))));
        for (row, &sum) in gradient.data_mut().chunks_exact_mut(classes).zip(sums.iter()) {
            row.iter_mut().for_each(|x| *x /= sum);
        }
        S::map(Function::Ln, sums);
        let spread = smoothing / S::from_usize(classes);
        for (b, &label) in labels.iter().enumerate() {
            target.clear();
            target.resize(classes, spread);
            target[label] = S::ONE - smoothing + spread;
            for (g, &q) in gradient.row_mut(b).iter_mut().zip(target.iter()) {
                *g = (*g - q) * factor;
            }
            // q sums to 1, so that −Σ q_c (x_c − m − ln Σ) = ln Σ − Σ q_c (x_c − m).
            let (greatest, row) = (losses[b], logits.row(b));
            let centred = target.iter().zip(row).map(|(&q, &x)| q * (x - greatest)).fold(S::ZERO, |sum, term| sum + term);
            losses[b] = sums[b] - centred;
        }
        Ok(())
    }
}

/// `−1/B Σ_b Σ_c q_bc log_softmax(x_b)_c`, `q = (1 − s) onehot + s/C`: the mean over the batch (Szegedy et al., CVPR 2016, §7; the convention of PyTorch and
/// timm). `logits`: B × C, `labels`: B numbers below C, `0 ≤ s ≤ 1`. At least the entropy of q, in nats.
pub fn cross_entropy<S: Scalar>(logits: &Matrix<S>, labels: &[usize], smoothing: S) -> Result<S> {
    let mut loss = CrossEntropy::default();
    loss.compute(logits, labels, smoothing, S::ONE)?;
    Ok(S::sum(&loss.losses) / S::from_usize(labels.len()))
}

/// Gradient of [`cross_entropy`]: `x̄ = c̄ (softmax(x) − q)/B`.
pub fn cross_entropy_vjp<S: Scalar>(logits: &Matrix<S>, labels: &[usize], smoothing: S, cotangent: S) -> Result<Matrix<S>> {
    let mut loss = CrossEntropy::default();
    loss.compute(logits, labels, smoothing, cotangent / S::from_usize(labels.len()))?;
    Ok(loss.gradient)
}
