//! The loss on masked patches (SimDINOv2).

use super::loss::{Agreement, add_row, agreement};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The weight of each masked patch: one over the number of masked patches of its crop.
fn weights<S: Scalar>(student: &Matrix<S>, teacher: &Matrix<S>, crop: &[usize], crops: usize) -> Result<Vec<S>> {
    if teacher.shape() != student.shape() || crop.len() != student.rows() {
        let found = format!("{student:?}, {teacher:?} and {} crops", crop.len());
        return Err(Error::shape("patches", "as many student as teacher patches, each with its crop", found));
    }
    let mut count = std::collections::BTreeMap::new();
    for (j, &c) in crop.iter().enumerate() {
        if c >= crops {
            return Err(Error::domain(format!("crop[{j}]"), format!("a crop below {crops}"), c.to_string()).named("LabelOutOfRange"));
        }
        *count.entry(c).or_insert(0usize) += 1;
    }
    let total = S::from_usize(crops);
    Ok(crop.iter().map(|c| S::ONE / (S::from_usize(count[c]) * total)).collect())
}

/// `−(1/B') Σ_j w_j cos(q_j, s_j)`, `w_j` one over the number of masked patches of the crop of patch j, `B'` the number of global crops. From −1 (every crop masked, full agreement) to 1; a crop without masked patches
/// contributes 0. Student and teacher: one masked patch a row. Errors: `Shape`, `Domain` for a crop out of range or a vector of length 0.
///
/// Source: official code `simdinov2/loss/ibot_patch_loss.py`, `CosinePatchLoss.forward_masked`; Wu et al., ICML 2025.
pub fn patch_loss<S: Scalar>(student: &Matrix<S>, teacher: &Matrix<S>, crop: &[usize], crops: usize) -> Result<S> {
    let mut sum = S::ZERO;
    for (j, w) in weights(student, teacher, crop, crops)?.into_iter().enumerate() {
        let a = agreement(Agreement::Cosine, teacher.row(j), student.row(j)).map_err(|e| e.within(&format!("patch {j}")))?;
        sum -= w * a.value;
    }
    Ok(sum)
}

/// The gradient of [`patch_loss`] in student and teacher, times `c`.
pub fn patch_loss_vjp<S: Scalar>(
    student: &Matrix<S>,
    teacher: &Matrix<S>,
    crop: &[usize],
    crops: usize,
    c: S,
) -> Result<(Matrix<S>, Matrix<S>)> {
    let zeros = || Matrix::zeros(student.rows(), student.cols());
    let (mut s_bar, mut q_bar) = (zeros(), zeros());
    for (j, w) in weights(student, teacher, crop, crops)?.into_iter().enumerate() {
        let (q, s) = (teacher.row(j), student.row(j));
        let a = agreement(Agreement::Cosine, q, s)?;
        let c = -(c * w);
        add_row(&mut s_bar, j, q, c * a.other);
        add_row(&mut s_bar, j, s, c * a.own_s);
        add_row(&mut q_bar, j, s, c * a.other);
        add_row(&mut q_bar, j, q, c * a.own_q);
    }
    Ok((s_bar, q_bar))
}
