//! Classification of features: by the nearest class subspace, by the nearest neighbours.

use crate::linalg::{Matrix, Svd};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// A subspace for each class: `argmin_k ‖(I − V_kV_kᵀ)(z − μ_k)‖`, the lowest class on a tie.
///
/// Does not depend on the bases chosen in the subspaces. With `μ_k = 0` it does not depend on length or sign of z either.
/// Source: Chan et al., JMLR 2022, §6; Yu et al., NeurIPS 2020.
#[derive(Clone, Debug, PartialEq)]
pub struct SubspaceClassifier<S> {
    /// `V_k`, d × r.
    pub bases: Vec<Matrix<S>>,
    /// `μ_k`; absent for subspaces through 0.
    pub means: Option<Vec<Vec<S>>>,
}

/// The gradient of the residuals.
#[derive(Clone, Debug)]
pub struct SubspaceGradient<S> {
    /// In the features.
    pub z: Matrix<S>,
    /// In the bases, taken as free matrices.
    pub bases: Vec<Matrix<S>>,
    /// In the means.
    pub means: Vec<Vec<S>>,
}

impl<S: Scalar> SubspaceClassifier<S> {
    /// The leading `rank` right singular vectors of the samples of each class, less their mean if `centred` ("PCA"; otherwise "SVD"). Errors: `Domain` (`EmptyClass`), `Domain` for a rank that is 0 or more than a class has samples or features: with
    /// rank d every residual would be 0; `Shape`. `O(n_k d min(n_k, d))` a class.
    pub fn fit(z: &Matrix<S>, labels: &[usize], classes: usize, rank: usize, centred: bool) -> Result<Self> {
        if labels.len() != z.rows() {
            return Err(Error::shape("labels", format!("{}, one a row", z.rows()), labels.len().to_string()));
        }
        let (mut bases, mut means) = (Vec::with_capacity(classes), Vec::with_capacity(classes));
        for k in 0..classes {
            let rows: Vec<usize> = (0..z.rows()).filter(|&i| labels[i] == k).collect();
            if rows.is_empty() {
                return Err(Error::domain(format!("class {k}"), "at least one sample", "none").named("EmptyClass"));
            }
            let most = rows.len().min(z.cols());
            if rank == 0 || rank > most || rank >= z.cols() && z.cols() > 1 {
                return Err(Error::domain("rank", format!("from 1 to {} for class {k}", most.min(z.cols() - 1).max(1)), rank.to_string()));
            }
            let mut own = z.select_rows(&rows)?;
            if centred {
                let count = S::from_usize(rows.len());
                let mean: Vec<S> = (0..z.cols()).map(|j| S::sum(&own.col(j)) / count).collect();
                own = Matrix::from_fn(own.rows(), own.cols(), |i, j| own[(i, j)] - mean[j]);
                means.push(mean);
            }
            bases.push(Svd::new(&own)?.v.select_cols(0, rank)?);
        }
        Ok(SubspaceClassifier { bases, means: centred.then_some(means) })
    }
    /// `x = z − μ_k`.
    fn shifted(&self, z: &Matrix<S>, k: usize) -> Matrix<S> {
        match &self.means {
            None => z.clone(),
            Some(means) => Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] - means[k][j]),
        }
    }
    fn check(&self, z: &Matrix<S>) -> Result<()> {
        let fits = |v: &Matrix<S>| v.rows() == z.cols();
        let means = self.means.as_ref().is_none_or(|m| m.len() == self.bases.len() && m.iter().all(|m| m.len() == z.cols()));
        if self.bases.is_empty() || !self.bases.iter().all(fits) || !means {
            return Err(Error::shape(
                "bases",
                format!("{} × r for each class, with a mean of that length", z.cols()),
                format!("{:?}", self.bases),
            ));
        }
        Ok(())
    }
    /// `‖(I − V_kV_kᵀ)(z − μ_k)‖` for each row and class, n × K: as the norm of `x − V(Vᵀx)`, not as a difference of squares, which cancels. `4ndrK` flops.
    pub fn residuals(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        self.check(z)?;
        let mut out = Matrix::zeros(z.rows(), self.bases.len());
        for (k, v) in self.bases.iter().enumerate() {
            let x = self.shifted(z, k);
            let left = x.sub(&x.matmul(v)?.matmul_t(v)?)?;
            for i in 0..z.rows() {
                out[(i, k)] = S::dot(left.row(i), left.row(i)).sqrt();
            }
        }
        Ok(out)
    }
    /// The class of least residual, the lowest on a tie.
    pub fn predict(&self, z: &Matrix<S>) -> Result<Vec<usize>> {
        let residuals = self.residuals(z)?;
        let best = |row: &[S]| (1..row.len()).fold(0, |best, k| if row[k].value() < row[best].value() { k } else { best });
        Ok((0..z.rows()).map(|i| best(residuals.row(i))).collect())
    }
    /// The gradient of the residuals: with `e = x − Vc`, `c = Vᵀx` and `ē = r̄ e/‖e‖` (0 where e = 0): `x̄ = ē − VVᵀē`, `V̄ = −(ē cᵀ + x (Vᵀē)ᵀ)`, `μ̄ = −x̄`.
    pub fn vjp(&self, z: &Matrix<S>, r_bar: &Matrix<S>) -> Result<SubspaceGradient<S>> {
        self.check(z)?;
        let mut out = SubspaceGradient { z: Matrix::zeros(z.rows(), z.cols()), bases: Vec::new(), means: Vec::new() };
        for (k, v) in self.bases.iter().enumerate() {
            let x = self.shifted(z, k);
            let c = x.matmul(v)?;
            let mut e = x.sub(&c.matmul_t(v)?)?;
            for i in 0..z.rows() {
                let norm = S::dot(e.row(i), e.row(i)).sqrt();
                let factor = if norm.sign() == Some(Ordering::Equal) { S::ZERO } else { r_bar[(i, k)] / norm };
                e.row_mut(i).iter_mut().for_each(|e| *e *= factor);
            }
            let inside = e.matmul(v)?;
            let x_bar = e.sub(&inside.matmul_t(v)?)?;
            out.bases.push(e.t_matmul(&c)?.add(&x.t_matmul(&inside)?)?.scale(-S::ONE));
            out.means.push((0..z.cols()).map(|j| -S::sum(&x_bar.col(j))).collect());
            out.z = out.z.add(&x_bar)?;
        }
        Ok(out)
    }
}

/// The most frequent label among the `k` training samples with the greatest inner product, the lowest on a tie (of products: the earlier sample). If `leave_out`, sample i of `z` is not its own neighbour (then `z` must be the training samples themselves); the official
/// ReduNet evaluation leaves it in. `2 n m d` flops, a block of rows at a time. Errors: `Domain` unless `1 ≤ k ≤` the number of candidates; `Shape`.
pub fn nearest_neighbours<S: Scalar>(train: &Matrix<S>, labels: &[usize], z: &Matrix<S>, k: usize, leave_out: bool) -> Result<Vec<usize>> {
    const BLOCK: usize = 128;
    if labels.len() != train.rows() || train.cols() != z.cols() || leave_out && train.rows() != z.rows() {
        return Err(Error::shape(
            "train",
            format!("as many labels, and {} columns", z.cols()),
            format!("{train:?}, {} labels, {z:?}", labels.len()),
        ));
    }
    let candidates = train.rows() - usize::from(leave_out && train.rows() > 0);
    if k == 0 || k > candidates {
        return Err(Error::domain("k", format!("from 1 to {candidates}"), k.to_string()));
    }
    let mut out = Vec::with_capacity(z.rows());
    for from in (0..z.rows()).step_by(BLOCK) {
        let count = BLOCK.min(z.rows() - from);
        let products = crate::linalg::product(z.view().rows(from, count), train.view().t())?;
        for i in 0..count {
            let mut order: Vec<usize> = (0..train.rows()).filter(|&j| !leave_out || j != from + i).collect();
            order.select_nth_unstable_by(k - 1, |&a, &b| products[(i, b)].value().total_cmp(&products[(i, a)].value()).then(a.cmp(&b)));
            let mut near: Vec<usize> = order[..k].iter().map(|&j| labels[j]).collect();
            near.sort_unstable();
            let mut best = (0, near[0]);
            for run in near.chunk_by(|a, b| a == b) {
                if run.len() > best.0 {
                    best = (run.len(), run[0]);
                }
            }
            out.push(best.1);
        }
    }
    Ok(out)
}
