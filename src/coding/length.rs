//! Coding length: nats for a whole set of samples, the code itself included.

use super::Distortion;
use crate::linalg::{Matrix, Svd, log_det_i_plus, log_det_i_plus_solve, log_det_i_plus_solve_rows};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What a coding length charges for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// Samples around 0 and the subspace: `(m + d) R(W)` (Ma, Derksen, Hong and Wright 2007).
    #[default]
    Linear,
    /// Samples around their mean, the subspace, and the mean: `(m + d) R(W − 1μᵀ) + (d/2) log(1 + ‖μ‖²/ε²)`.
    Affine,
    /// Samples around 0 only: `m R(W)`, as the text of the monograph has it.
    Samples,
}

/// The gradient of [`coding_length`].
#[derive(Clone, Debug)]
pub struct CodingLengthGradient<S> {
    /// In W, m × d.
    pub w: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

/// Nats to code the rows of W (m × d) up to mean squared error ε² each: see [`Model`]. 0 for no rows.
///
/// The smaller Gram matrix is factored; where ε is so small that its rounding would count (`α‖W‖² > u^{−½}`), the singular values of W are taken instead, so that a group of low rank keeps its digits.
/// Errors: `Shape` for no columns; `Domain` for ε ≤ 0; `NotFinite`.
///
/// Source: Ma, Derksen, Hong and Wright, TPAMI 2007, equations 12 and 19; Wright, Tao, Lin, Shum and Ma, NIPS 2007, for its use.
pub fn coding_length<S: Scalar>(w: &Matrix<S>, distortion: Distortion<S>, model: Model) -> Result<S> {
    let Some(parts) = Parts::new(w, distortion, model)? else { return Ok(S::ZERO) };
    let log_det = match parts.svd()? {
        Some(svd) => {
            let logs: Vec<S> = svd.sigma.iter().map(|&s| (parts.alpha * s.square()).log1p()).collect();
            S::sum(&logs)
        }
        None => log_det_i_plus(&parts.gram())?,
    };
    Ok(parts.factor * log_det + parts.mean_cost())
}

/// The gradient of [`coding_length`]: `(m + d) αW(I + αWᵀW)⁻¹` (m for [`Model::Samples`]); affine: of the centred rows, plus `(d/m) μ/(ε² + ‖μ‖²)` in each row. In ε²: `−⟨W̄, ∂/∂W̄⟩/(2ε²)` and, affine,
/// `−(d/2)‖μ‖²/(ε²(ε² + ‖μ‖²))`.
pub fn coding_length_gradient<S: Scalar>(w: &Matrix<S>, distortion: Distortion<S>, model: Model) -> Result<CodingLengthGradient<S>> {
    let Some(parts) = Parts::new(w, distortion, model)? else {
        return Ok(CodingLengthGradient { w: w.clone(), eps2: S::ZERO });
    };
    let two = S::from_f64(2.0);
    let solved = match parts.svd()? {
        Some(svd) => {
            let scaled = |i: usize, j: usize| svd.u[(i, j)] * svd.sigma[j] / (S::ONE + parts.alpha * svd.sigma[j].square());
            Matrix::from_fn(svd.u.rows(), svd.sigma.len(), scaled).matmul_t(&svd.v.select_cols(0, svd.sigma.len())?)?
        }
        None if parts.wide() => log_det_i_plus_solve(&parts.gram(), &parts.rows)?.1,
        None => log_det_i_plus_solve_rows(&parts.gram(), &parts.rows)?.1,
    };
    let mut out = solved.scale(parts.factor * parts.alpha * two);
    let mut eps2 = -(parts.rows.dot(&out)? / (two * parts.eps2));
    if model == Model::Affine {
        let (m, d) = (S::from_usize(w.rows()), S::from_usize(w.cols()));
        let size = parts.mean_squared();
        let pull = d / (m * (parts.eps2 + size));
        for i in 0..out.rows() {
            out.row_mut(i).iter_mut().zip(&parts.mean).for_each(|(g, &mu)| *g += pull * mu);
        }
        eps2 -= d * size / (two * parts.eps2 * (parts.eps2 + size));
    }
    Ok(CodingLengthGradient { w: out, eps2 })
}

/// The pieces of a length: rows about their centre, α, the factor before the log-determinant.
struct Parts<S> {
    rows: Matrix<S>,
    mean: Vec<S>,
    alpha: S,
    eps2: S,
    factor: S,
    affine: bool,
}
impl<S: Scalar> Parts<S> {
    fn new(w: &Matrix<S>, distortion: Distortion<S>, model: Model) -> Result<Option<Self>> {
        let (eps2, [m, d]) = (distortion.squared()?, w.shape());
        if d == 0 {
            return Err(Error::shape("w", "at least one column", format!("{w:?}")).named("EmptyInput"));
        }
        w.check_finite("w")?;
        if m == 0 {
            return Ok(None);
        }
        let affine = model == Model::Affine;
        let count = S::from_usize(m);
        let mean: Vec<S> = if affine { (0..d).map(|j| S::sum(&w.col(j)) / count).collect() } else { vec![S::ZERO; d] };
        let rows = if affine { Matrix::from_fn(m, d, |i, j| w[(i, j)] - mean[j]) } else { w.clone() };
        let charged = if model == Model::Samples { m } else { m + d };
        let factor = S::from_usize(charged) * S::from_f64(0.5);
        Ok(Some(Parts { rows, mean, alpha: S::from_usize(d) / (count * eps2), eps2, factor, affine }))
    }
    fn wide(&self) -> bool {
        self.rows.rows() < self.rows.cols()
    }
    /// α times the smaller Gram matrix.
    fn gram(&self) -> Matrix<S> {
        if self.wide() { self.rows.gram_rows() } else { self.rows.gram_cols() }.scale(self.alpha)
    }
    /// The singular values and vectors, where the Gram matrix would lose them.
    fn svd(&self) -> Result<Option<Svd<S>>> {
        let energy = (self.alpha * self.rows.frobenius_squared()).value();
        if energy * S::UNIT_ROUNDOFF.sqrt() > 1.0 { Svd::new(&self.rows).map(Some) } else { Ok(None) }
    }
    fn mean_squared(&self) -> S {
        S::dot(&self.mean, &self.mean)
    }
    fn mean_cost(&self) -> S {
        if !self.affine {
            return S::ZERO;
        }
        S::from_usize(self.rows.cols()) * S::from_f64(0.5) * (self.mean_squared() / self.eps2).log1p()
    }
}

/// The length of samples shared out among groups: `Σ_k ½(tr Π_k + d) log det(I + d/(ε² tr Π_k) WᵀΠ_kW) − tr Π_k log(tr Π_k/m)`, `Π_k = diag` of column k of `pi` (m × K, rows with sum 1).
///
/// With hard memberships it is the length of the groups and of their labels. [`Model::Samples`] leaves out the d and is concave in Π; with it the length is not. Groups without a member cost nothing.
/// Errors: `Shape`; `Domain` (`NegativeWeight`, `WeightsNotNormalised`, for the affine model `InvalidParameter`).
///
/// Source: Ma, Derksen, Hong and Wright, TPAMI 2007, equation 22.
pub fn shared_coding_length<S: Scalar>(w: &Matrix<S>, pi: &Matrix<S>, distortion: Distortion<S>, model: Model) -> Result<S> {
    let (eps2, [m, d]) = (distortion.squared()?, w.shape());
    if pi.rows() != m || pi.cols() == 0 || d == 0 {
        return Err(Error::shape("pi", format!("{m} rows, one group at least"), format!("{pi:?}")).named("ShapeMismatch"));
    }
    if model == Model::Affine {
        return Err(Error::domain("model", "linear, or samples only", "affine").named("InvalidParameter"));
    }
    for i in 0..m {
        if let Some(x) = pi.row(i).iter().find(|x| !(x.value() >= 0.0)) {
            return Err(Error::domain(format!("pi, row {i}"), "numbers from 0 on", x.value().to_string()).named("NegativeWeight"));
        }
        let sum = S::sum(pi.row(i)).value();
        if !((sum - 1.0).abs() <= pi.cols() as f64 * (8.0 * S::UNIT_ROUNDOFF).max(1e-9)) {
            return Err(Error::domain(format!("pi, row {i}"), "a sum of 1", sum.to_string()).named("WeightsNotNormalised"));
        }
    }
    let (half, count) = (S::from_f64(0.5), S::from_usize(m));
    let extra = if model == Model::Samples { S::ZERO } else { S::from_usize(d) };
    let mut total = S::ZERO;
    for k in 0..pi.cols() {
        let mass = S::sum(&pi.col(k));
        if mass.value() == 0.0 {
            continue;
        }
        let alpha = S::from_usize(d) / (mass * eps2);
        let rows = Matrix::from_fn(m, d, |i, j| if pi[(i, k)] == S::ZERO { S::ZERO } else { (pi[(i, k)] * alpha).sqrt() * w[(i, j)] });
        let gram = if m < d { rows.gram_rows() } else { rows.gram_cols() };
        total += (mass + extra) * half * log_det_i_plus(&gram)? - mass * (mass / count).ln();
    }
    Ok(total)
}

/// What coding two orthogonal p-dimensional subspaces apart gains over coding them together, in nats a sample: `p log(1 + s/2) − (p/2) log(1 + s) − log 2`, for equal shares, isotropic variance v in each
/// and `s = dv/ε²`. The `log 2` names the subspace.
pub fn apart_gain<S: Scalar>(p: usize, s: S) -> S {
    let (p, half) = (S::from_usize(p), S::from_f64(0.5));
    p * (s * half).log1p() - p * half * s.log1p() - S::from_f64(2.0).ln()
}
/// The `s` above which [`apart_gain`] is positive: `2(c − 1) + 2√(c(c − 1))`, `c = 4^{1/p}`. Errors: `Domain` for p = 0.
pub fn apart_threshold<S: Scalar>(p: usize) -> Result<S> {
    if p == 0 {
        return Err(Error::domain("p", "a dimension from 1 on", "0").named("InvalidParameter"));
    }
    let (two, less) = (S::from_f64(2.0), (S::from_f64(4.0).ln() / S::from_usize(p)).expm1());
    Ok(two * less + two * (less * (less + S::ONE)).sqrt())
}
