//! Classification by minimum incremental coding length: a sample belongs where describing it as well costs least.

use super::Distortion;
use super::length::Model;
use crate::linalg::{Cholesky, Matrix};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A classifier: what each class costs with one sample more.
#[derive(Clone, Debug)]
pub struct Classifier<S> {
    classes: Vec<Class<S>>,
    eps2: S,
    model: Model,
    d: usize,
}
#[derive(Clone, Debug)]
struct Class<S> {
    count: usize,
    mean: Vec<S>,
    /// Factor of `I + α'S` at the size with the new sample.
    base: Cholesky<S>,
    log_det: S,
    length: S,
    log_prior: S,
}

impl<S: Scalar> Classifier<S> {
    /// From samples W (n × d) with labels `0 .. K`, and priors (`None`: the shares of the classes). One factorisation a class.
    ///
    /// Errors: `Shape` (`EmptyInput` for a class without samples, `ShapeMismatch`); `Domain` for ε ≤ 0 or a prior not above 0, (`InvalidParameter`) for [`Model::Samples`] with no sample to spare; `NotFinite`.
    pub fn new(w: &Matrix<S>, labels: &[usize], distortion: Distortion<S>, model: Model, priors: Option<&[S]>) -> Result<Self> {
        let (eps2, [n, d]) = (distortion.squared()?, w.shape());
        if labels.len() != n || n == 0 || d == 0 {
            return Err(Error::shape("labels", format!("{n} of them, one a row, of one row at least"), labels.len().to_string())
                .named("ShapeMismatch"));
        }
        w.check_finite("w")?;
        let count = labels.iter().fold(0, |m, &l| if l >= m { l + 1 } else { m });
        if count > n {
            return Err(
                Error::shape("labels", "a sample in every class", format!("label {} with {n} samples", count - 1)).named("EmptyInput")
            );
        }
        if priors.is_some_and(|p| p.len() != count || p.iter().any(|p| !(p.value() > 0.0 && p.is_finite()))) {
            return Err(Error::domain("priors", format!("{count} finite numbers above 0"), "others").named("InvalidParameter"));
        }
        let class = |k: usize| {
            let rows: Vec<usize> = (0..n).filter(|&i| labels[i] == k).collect();
            if rows.is_empty() {
                return Err(Error::shape(format!("class {k}"), "at least one sample", "none").named("EmptyInput"));
            }
            let own = w.select_rows(&rows)?;
            let m = rows.len();
            let (affine, size) = (model == Model::Affine, S::from_usize(m));
            let mean: Vec<S> = if affine { (0..d).map(|j| S::sum(&own.col(j)) / size).collect() } else { vec![S::ZERO; d] };
            let centred = Matrix::from_fn(m, d, |i, j| own[(i, j)] - mean[j]);
            let alpha = S::from_usize(d) / (S::from_usize(m + 1) * eps2);
            let base = Cholesky::new(&crate::linalg::plus_identity(&centred.gram_cols().scale(alpha))?)?;
            let log_prior = priors.map_or_else(|| (size / S::from_usize(n)).ln(), |p| p[k].ln());
            let length = super::coding_length(&own, distortion, model)?;
            Ok(Class { count: m, mean, log_det: base.log_det(), base, length, log_prior })
        };
        Ok(Classifier { classes: (0..count).map(class).collect::<Result<_>>()?, eps2, model, d })
    }
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }
    /// `δL_k = L(W_k ∪ {x}) − L(W_k) − log π_k` for each row x and class: n × K.
    ///
    /// The scatter with x is `S + xxᵀ`, affine `S + (m/(m + 1))(x − μ)(x − μ)ᵀ`: one triangular solve, `d²` flops a class. As the classes grow it tends to
    /// `−log N(x; μ, Σ + (ε²/d)I) − (d/2) log(2πε²/d) − ½ tr[Σ(Σ + (ε²/d)I)⁻¹] − log π`: the maximum a posteriori rule of the noisy class, with a bonus for its effective dimension.
    ///
    /// Source: Wright, Tao, Lin, Shum and Ma, *Classification via Minimum Incremental Coding Length*, NIPS 2007, equation 5.
    pub fn increments(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        if x.cols() != self.d {
            return Err(Error::shape("x", format!("rows of {} numbers", self.d), format!("{x:?}")).named("ShapeMismatch"));
        }
        x.check_finite("x")?;
        let (n, d, half) = (x.rows(), S::from_usize(self.d), S::from_f64(0.5));
        let mut out = Matrix::zeros(n, self.classes.len());
        for (k, class) in self.classes.iter().enumerate() {
            let (m, with) = (S::from_usize(class.count), S::from_usize(class.count + 1));
            let alpha = d / (with * self.eps2);
            let affine = self.model == Model::Affine;
            let share = if affine { m / with } else { S::ONE };
            let mut rows = Matrix::from_fn(n, self.d, |i, j| x[(i, j)] - class.mean[j]);
            let off = rows.clone();
            S::solve_lower_rows(class.base.l().data(), self.d, rows.data_mut())?;
            let charged = if self.model == Model::Samples { with } else { with + d };
            for i in 0..n {
                let log_det = class.log_det + (alpha * share * S::dot(rows.row(i), rows.row(i))).log1p();
                let mut length = charged * half * log_det;
                if affine {
                    let mean: Vec<S> = class.mean.iter().zip(off.row(i)).map(|(&mu, &o)| mu + o / with).collect();
                    length += d * half * (S::dot(&mean, &mean) / self.eps2).log1p();
                }
                out[(i, k)] = length - class.length - class.log_prior;
            }
        }
        Ok(out)
    }
    /// The class of the least increment of each row, the first on ties. Errors: as [`Classifier::increments`]; `Undecided` for balls that overlap.
    pub fn classify(&self, x: &Matrix<S>) -> Result<Vec<usize>> {
        let increments = self.increments(x)?;
        (0..x.rows())
            .map(|i| {
                let row = increments.row(i);
                (1..row.len()).try_fold(0, |best, k| match (row[k] - row[best]).sign() {
                    Some(std::cmp::Ordering::Less) => Ok(k),
                    Some(_) => Ok(best),
                    None => Err(Error::undecided(format!("row {i}"), "a least increment", format!("classes {best} and {k} overlap"))),
                })
            })
            .collect()
    }
}
