//! What the weights of a layer became: bases and dictionary.

use crate::linalg::{Matrix, Qr, frobenius_norm};
use crate::scalar::Scalar;
use crate::transformer::Attention;
use crate::{Error, Result};

/// The bases `U_k` (d × p) of an attention: the transposed rows of each head's projection; of an attention with three projections, of the keys.
pub fn bases<S: Scalar>(attention: &Attention<S>) -> Result<Vec<Matrix<S>>> {
    let (weight, heads, from, width) = match attention {
        Attention::Mssa(a) => (&a.qkv.weight, a.heads, 0, a.head_width()?),
        Attention::Mhsa(a) => {
            let all = a.qkv.weight.rows() / 3;
            (&a.qkv.weight, a.heads, all, all / a.heads.max(1))
        }
    };
    let columns = weight.matrix().transpose();
    (0..heads).map(|k| columns.select_cols(from + k * width, width)).collect()
}

/// `‖UᵀU/c − I‖_F/√p` with `c = tr(UᵀU)/p`: 0 exactly if the columns of U (d × p) are orthogonal and of one length, whatever that length; about `√(p/d)` for Gaussian ones. Errors: `Domain` for U = 0.
pub fn off_orthonormal<S: Scalar>(u: &Matrix<S>) -> Result<S> {
    let p = S::from_usize(u.cols());
    let gram = u.gram_cols();
    let c = gram.trace() / p;
    if !(c.value() > 0.0) {
        return Err(Error::domain("u", "a matrix that is not 0", "0").named("DegenerateNormalisation"));
    }
    let off = Matrix::from_fn(gram.rows(), gram.cols(), |i, j| gram[(i, j)] / c - if i == j { S::ONE } else { S::ZERO });
    Ok(frobenius_norm(&off)? / p.sqrt())
}

/// The mean over pairs of bases of `‖Q_jᵀQ_k‖_F²/p`, Q an orthonormal basis of the same span: the mean squared cosine of the principal angles. 0: orthogonal subspaces; 1: one subspace; `p/d` for random ones. `None` for
/// a single basis. Errors: `Shape` unless the bases have one shape with p ≤ d; `Domain` for dependent columns.
pub fn overlap<S: Scalar>(u: &[Matrix<S>]) -> Result<Option<S>> {
    let q = u
        .iter()
        .enumerate()
        .map(|(k, u)| {
            let qr = Qr::new(u)?;
            match qr.deficient_column() {
                None => Ok(qr.q),
                Some(j) => Err(Error::domain(format!("u[{k}]"), "independent columns", format!("column {j} depends on those before it"))),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let mut terms = Vec::new();
    for j in 0..q.len() {
        for k in j + 1..q.len() {
            terms.push(q[j].t_matmul(&q[k])?.frobenius_squared() / S::from_usize(q[j].cols()));
        }
    }
    Ok(if terms.is_empty() { None } else { Some(S::sum(&terms) / S::from_usize(terms.len())) })
}

/// The greatest and the mean `|⟨d_i, d_j⟩|/(‖d_i‖‖d_j‖)` over pairs of columns of a dictionary (d × m, m ≥ 2): its coherence. 0 for orthogonal atoms; in the mean `√(2/(πd))` for random ones when d is large.
/// Errors: `Shape` for fewer than two atoms; `Domain` for an atom of zeros.
pub fn coherence<S: Scalar>(d: &Matrix<S>) -> Result<[S; 2]> {
    let gram = d.gram_cols();
    let m = gram.rows();
    if m < 2 {
        return Err(Error::shape("dictionary", "at least two atoms", m.to_string()));
    }
    let lengths: Vec<S> = gram.diagonal().into_iter().map(S::sqrt).collect();
    if let Some(j) = lengths.iter().position(|l| !(l.value() > 0.0)) {
        return Err(Error::domain(format!("dictionary, column {j}"), "an atom that is not 0", "0").named("DegenerateNormalisation"));
    }
    let (mut greatest, mut all) = (S::ZERO, Vec::with_capacity(m * (m - 1) / 2));
    for i in 0..m {
        for j in i + 1..m {
            let cosine = (gram[(i, j)] / (lengths[i] * lengths[j])).abs();
            greatest = greatest.max(cosine);
            all.push(cosine);
        }
    }
    Ok([greatest, S::sum(&all) / S::from_usize(all.len())])
}
