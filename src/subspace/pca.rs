//! Principal components: the best linear encoder and decoder.

use crate::linalg::{Matrix, Svd, top_k_projector, top_k_projector_vjp};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What sums of squares are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// n: the second moment (the covariance that maximises the likelihood).
    Samples,
    /// n − 1: the unbiased covariance of centred samples; scikit-learn's `explained_variance_`.
    SamplesLessOne,
}
impl Divisor {
    fn of<S: Scalar>(self, n: usize) -> Result<S> {
        match (self, n) {
            (_, 0) => Err(Error::shape("x", "at least one sample", "none").named("EmptyInput")),
            (Divisor::Samples, n) => Ok(S::from_usize(n)),
            (Divisor::SamplesLessOne, 1) => Err(Error::shape("x", "at least two samples for the divisor n − 1", "one")),
            (Divisor::SamplesLessOne, n) => Ok(S::from_usize(n - 1)),
        }
    }
}

fn check<S: Scalar>(x: &Matrix<S>, k: usize) -> Result<()> {
    if x.rows() == 0 || x.cols() == 0 {
        return Err(Error::shape("x", "at least one sample of at least one feature", format!("{x:?}")).named("EmptyInput"));
    }
    if k > x.cols() {
        return Err(Error::domain("k", format!("at most the {} features", x.cols()), k.to_string()).named("InvalidRank"));
    }
    x.check_finite("x")
}

/// The column means and `X` without them.
pub fn centred<S: Scalar>(x: &Matrix<S>) -> Result<(Vec<S>, Matrix<S>)> {
    check(x, 0)?;
    let n = S::from_usize(x.rows());
    let mean: Vec<S> = (0..x.cols()).map(|j| S::sum(&x.col(j)) / n).collect();
    let moved = Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] - mean[j]);
    Ok((mean, moved))
}
fn prepared<S: Scalar>(x: &Matrix<S>, centre: bool) -> Result<(Vec<S>, Matrix<S>)> {
    if centre { centred(x) } else { Ok((vec![S::ZERO; x.cols()], x.clone())) }
}
/// The gradient of [`centred`]: the cotangent without its column means.
fn prepared_vjp<S: Scalar>(bar: Matrix<S>, centre: bool) -> Result<Matrix<S>> {
    if centre { Ok(centred(&bar)?.1) } else { Ok(bar) }
}

/// A learned subspace.
#[derive(Clone, Debug)]
pub struct Pca<S> {
    /// What is subtracted before encoding: the column means, or 0.
    pub mean: Vec<S>,
    /// `U`, `d × k`: orthonormal columns, each with its entry of largest magnitude positive.
    pub basis: Matrix<S>,
    /// All `min(n, d)` eigenvalues of `XᵀX/n` (or of the chosen divisor), descending: the explained variances.
    pub variances: Vec<S>,
}

impl<S: Scalar> Pca<S> {
    /// The k leading directions of `X`, by the SVD of `X` itself: eigenvalues below `u λ₁`, which `XᵀX` loses, keep their digits. The cost of [`Svd`].
    ///
    /// Errors: `Shape` (`EmptyInput`); `NotFinite`; `Domain` (`InvalidRank`) for `k > d`; `Domain` (`SpectralGapTooSmall`) unless `σ_k > σ_{k+1}` by more than the error of both
    /// (`20 max(n, d) u σ₁`; `σ = 0` beyond the rank): the subspace is then not unique. [`spectrum`] and [`pca_loss`] at the projector of any basis do without.
    ///
    /// Source: Pearson, Phil. Mag. 2, 1901; Eckart and Young, Psychometrika 1, 1936. Not centred and divided by n as in the monograph unless asked.
    pub fn fit(x: &Matrix<S>, k: usize, centre: bool, divisor: Divisor) -> Result<Self> {
        check(x, k)?;
        let n = divisor.of::<S>(x.rows())?;
        let (mean, moved) = prepared(x, centre)?;
        let svd = Svd::new(&moved)?;
        let sigma = |i: usize| svd.sigma.get(i).map_or(0.0, |s| s.value());
        let [rows, cols] = x.shape();
        let noise = 20.0 * (if rows > cols { rows } else { cols }) as f64 * S::UNIT_ROUNDOFF * sigma(0);
        if k > 0 && k < cols && !(sigma(k - 1) - sigma(k) > noise) {
            let found = format!("σ = {:e} and {:e}", sigma(k - 1), sigma(k));
            return Err(Error::domain(format!("components {k} and {}", k + 1), "a gap above rounding", found).named("SpectralGapTooSmall"));
        }
        let basis = if k <= svd.v.cols() { svd.v.select_cols(0, k)? } else { full_basis(&svd.v, k)? };
        Ok(Pca { mean, basis, variances: svd.sigma.iter().map(|s| s.square() / n).collect() })
    }
    fn check(&self, name: &str, m: &Matrix<S>, width: usize) -> Result<()> {
        match m.cols() == width {
            true => m.check_finite(name),
            false => Err(Error::shape(name, format!("n × {width}"), format!("{m:?}")).named("ShapeMismatch")),
        }
    }
    /// `(X − mean) U`, `n × k`.
    pub fn encode(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.check("x", x, self.basis.rows())?;
        Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] - self.mean[j]).matmul(&self.basis)
    }
    /// `ZUᵀ + mean`, `n × d`.
    pub fn decode(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        self.check("z", z, self.basis.cols())?;
        let y = z.matmul_t(&self.basis)?;
        Ok(Matrix::from_fn(y.rows(), y.cols(), |i, j| y[(i, j)] + self.mean[j]))
    }
    /// Encoded and decoded: the orthogonal projection on the subspace.
    pub fn reconstruct(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.decode(&self.encode(x)?)
    }
    /// `Σ_{i≤k} λ_i / Σ λ_i`; 1 for data that are all 0.
    pub fn explained(&self) -> S {
        let all = S::sum(&self.variances);
        match all.sign() {
            Some(std::cmp::Ordering::Equal) => S::ONE,
            _ => S::sum(&self.variances[..self.basis.cols().min(self.variances.len())]) / all,
        }
    }
    /// The mean of the discarded eigenvalues over `d − k` directions, 0 for `k = d`: the noise variance of probabilistic PCA.
    pub fn noise_variance(&self) -> S {
        let [d, k] = self.basis.shape();
        if k == d { S::ZERO } else { S::sum(&self.variances[k.min(self.variances.len())..]) / S::from_usize(d - k) }
    }
}

/// All of space: V and its complement, for k = d > n.
fn full_basis<S: Scalar>(v: &Matrix<S>, k: usize) -> Result<Matrix<S>> {
    let d = v.rows();
    let square = Matrix::from_fn(d, d, |i, j| if j < v.cols() { v[(i, j)] } else { S::ZERO });
    Svd::new(&square)?.u.select_cols(0, k)
}

/// The eigenvalues of `XᵀX/n` (all `min(n, d)` of them, descending), from the singular values of `X`. Errors: as [`Pca::fit`], but for the gap.
pub fn spectrum<S: Scalar>(x: &Matrix<S>, centre: bool, divisor: Divisor) -> Result<Vec<S>> {
    check(x, 0)?;
    let n = divisor.of::<S>(x.rows())?;
    Ok(Svd::new(&prepared(x, centre)?.1)?.sigma.iter().map(|s| s.square() / n).collect())
}

/// `P = UUᵀ` for the k leading eigenvectors of `S = XᵀX/n`, `d × d`: what is unique of the basis. Errors: as [`Pca::fit`], the gap being that of [`top_k_projector`].
pub fn pca_projector<S: Scalar>(x: &Matrix<S>, k: usize, centre: bool) -> Result<Matrix<S>> {
    check(x, k)?;
    top_k_projector(&moment(&prepared(x, centre)?.1), k)
}
fn moment<S: Scalar>(x: &Matrix<S>) -> Matrix<S> {
    let n = S::from_usize(x.rows());
    x.gram_cols().map(|s| s / n)
}
/// The gradient of [`pca_projector`]: `X̄ = X(S̄ + S̄ᵀ)/n` with `S̄` from [`top_k_projector_vjp`]; with centring less its column means.
pub fn pca_projector_vjp<S: Scalar>(x: &Matrix<S>, k: usize, centre: bool, bar: &Matrix<S>) -> Result<Matrix<S>> {
    check(x, k)?;
    let moved = prepared(x, centre)?.1;
    let s_bar = top_k_projector_vjp(&moment(&moved), k, bar)?;
    let n = S::from_usize(x.rows());
    prepared_vjp(moved.matmul(&s_bar.add(&s_bar.transpose())?)?.map(|x| x / n), centre)
}

/// `f(U) = ‖X − XUUᵀ‖_F²/n` at the projector `P = UUᵀ`; with the leading eigenvectors the tail `Σ_{i>k} λ_i`, which no other basis of k directions falls below. Errors: `Shape`, `NotFinite`.
pub fn pca_loss<S: Scalar>(x: &Matrix<S>, projector: &Matrix<S>, centre: bool) -> Result<S> {
    check(x, 0)?;
    let moved = prepared(x, centre)?.1;
    Ok(moved.sub(&moved.matmul(projector)?)?.frobenius_squared() / S::from_usize(x.rows()))
}
/// The gradient in `X` of the least loss: `2X(I − P)/n`. The projector moves too, but the loss is stationary in it.
pub fn pca_loss_gradient<S: Scalar>(x: &Matrix<S>, projector: &Matrix<S>, centre: bool) -> Result<Matrix<S>> {
    check(x, 0)?;
    let moved = prepared(x, centre)?.1;
    let c = S::from_f64(2.0) / S::from_usize(x.rows());
    prepared_vjp(moved.sub(&moved.matmul(projector)?)?.scale(c), centre)
}

/// The sines of the principal angles between two subspaces of equal dimension given by orthonormal bases, the largest first: the singular values of `(I − UUᵀ)Û`. `‖P − P̂‖_F = √2` times
/// their Euclidean norm. Accurate for small angles, where cosines are not. Errors: `Shape`; those of [`Svd`].
///
/// Source: Björck and Golub, Math. Comp. 27, 1973.
pub fn principal_sines<S: Scalar>(u: &Matrix<S>, other: &Matrix<S>) -> Result<Vec<S>> {
    if u.shape() != other.shape() {
        return Err(Error::shape("bases", format!("{u:?}"), format!("{other:?}")).named("ShapeMismatch"));
    }
    Ok(Svd::new(&other.sub(&u.matmul(&u.t_matmul(other)?)?)?)?.sigma)
}
