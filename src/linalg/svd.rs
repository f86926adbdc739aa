//! Thin singular value decomposition by one-sided Jacobi rotations.

use super::eigen::{Rotation, canonical_sign, descending, two_rows};
use super::matrix::Matrix;
use super::qr::householder;
use super::scaling::{common_exponent, normalised, power};
use super::spectral_bounds as bounds;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `A = U diag(σ) Vᵀ` for `m × n`, `σ₁ ≥ … ≥ σ_r ≥ 0`, `r = min(m, n)`.
///
/// `v` is `V` itself; NumPy, PyTorch and JAX return `Vᵀ` and by default the square factors. The pair `(u_j, v_j)` is free in sign: the entry of `v_j` of
/// largest magnitude (the first, on a tie) is positive. Within equal σ any common rotation of both is an answer: compare σ, projectors,
/// `U f(Σ) Vᵀ`, or align first ([`super::align`]). Columns of `U` (of `V`, for `m < n`) with `σ = 0` complete an orthonormal set and mean nothing else.
///
/// Columns are ordered by norm, tall matrices first reduced by QR, then pairs of columns are rotated until `|a_p·a_q| ≤ (m + 6) u ‖a_p‖‖a_q‖` (Hestenes, J. SIAM 6,
/// 1958; Demmel & Veselić, SIAM J. Matrix Anal. Appl. 13, 1992). `‖A − UΣVᵀ‖_F ≤ 10 m u ‖A‖_F`, `‖UᵀU − I‖_F ≤ 20 m u`, `‖VᵀV − I‖_F ≤ 40 n u`; if `A = B D` with diagonal `D`, every σ is
/// accurate to `c m u κ(B)` of itself. A ball is enclosed ([`enclose_singular_values`]); a dual number differentiates `AV = UΣ`, `AᵀU = VΣ`.
/// About `4mn² + 7n³` flops a sweep, 4 to 12 sweeps.
#[derive(Clone, Debug)]
pub struct Svd<S> {
    /// `m × r`, orthonormal columns.
    pub u: Matrix<S>,
    /// Singular values, descending.
    pub sigma: Vec<S>,
    /// `n × r`, orthonormal columns.
    pub v: Matrix<S>,
}

impl<S: Scalar> Svd<S> {
    /// Decomposes `A`. Errors: `NotFinite`; `NotConverged` after 60 sweeps (not seen); `Undecided` for balls too wide.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        a.check_finite("matrix")?;
        let [m, n] = a.shape();
        Decomposition { m, n }.unpack(S::implicit(&Decomposition { m, n }, &[a.data()])?)
    }

    /// The number of singular values above `max(m, n) u σ₁`: what cannot be told from rounding does not count.
    pub fn rank(&self) -> usize {
        self.sigma.iter().take_while(|&&s| self.counts(s)).count()
    }
    fn counts(&self, sigma: S) -> bool {
        sigma.value() > self.tolerance()
    }
    fn tolerance(&self) -> f64 {
        let largest = if self.u.rows() > self.v.rows() { self.u.rows() } else { self.v.rows() };
        largest as f64 * S::UNIT_ROUNDOFF * self.sigma.first().map_or(0.0, |s| s.value())
    }
    /// Whether σ_i and σ_j agree to `max(m, n) u σ₁`.
    pub(super) fn tied(&self, i: usize, j: usize) -> bool {
        !((self.sigma[i] - self.sigma[j]).value().abs() > self.tolerance())
    }

    /// `U diag(f) Vᵀ`. `2mnr` flops.
    pub fn compose(&self, f: &[S]) -> Result<Matrix<S>> {
        if f.len() != self.sigma.len() {
            return Err(Error::shape("diagonal", format!("{} numbers", self.sigma.len()), format!("{} numbers", f.len())));
        }
        Matrix::from_fn(self.u.rows(), f.len(), |i, j| self.u[(i, j)] * f[j]).matmul_t(&self.v)
    }

    /// The gradient in `A` from `Ū`, `σ̄` and `V̄`. With `N = UᵀŪ`, `K = VᵀV̄`, `J_ij = (N_ij − N_ji)/(σ_j² − σ_i²)`, `L_ij = (K_ij − K_ji)/(σ_j² − σ_i²)`:
    /// `Ā = U (JΣ + ΣL + diag(σ̄)) Vᵀ + (I − UUᵀ) Ū Σ⁻¹ Vᵀ + U Σ⁻¹ V̄ᵀ (I − VVᵀ)` (Townsend, *Differentiating the singular value decomposition*, 2016). Meaningful for a
    /// loss that does not change when a pair `(u_j, v_j)` changes sign.
    ///
    /// Errors: `Shape`; `Domain` (`SpectralGapTooSmall`) if a cotangent asks for the direction between vectors whose σ agree to
    /// `max(m, n) u σ₁`; `Domain` (`RankDeficient`) if it asks for the vector of a σ below that, in a direction outside the factor. A loss in σ alone has
    /// neither fault; functions `U f(Σ) Vᵀ` are differentiated by [`super::singular_map_vjp`] whatever the ties.
    pub fn vjp(&self, u_bar: Option<&Matrix<S>>, sigma_bar: &[S], v_bar: Option<&Matrix<S>>) -> Result<Matrix<S>> {
        let r = self.sigma.len();
        let fits = |bar: Option<&Matrix<S>>, factor: &Matrix<S>| bar.is_none_or(|bar| bar.shape() == factor.shape());
        if sigma_bar.len() != r || !fits(u_bar, &self.u) || !fits(v_bar, &self.v) {
            let found = format!("{u_bar:?}, {} numbers and {v_bar:?}", sigma_bar.len());
            return Err(Error::shape("cotangents", format!("{:?}, {r} numbers and {:?}", self.u, self.v), found));
        }
        let mut inner = Matrix::from_diagonal(sigma_bar);
        let mut outer = Matrix::zeros(self.u.rows(), self.v.rows());
        if let Some(bar) = u_bar {
            let turn = self.turn(&self.u.t_matmul(bar)?)?;
            inner = inner.add(&Matrix::from_fn(r, r, |i, j| turn[(i, j)] * self.sigma[j]))?;
            outer = self.outside(&self.u, bar)?.matmul_t(&self.v)?;
        }
        if let Some(bar) = v_bar {
            let turn = self.turn(&self.v.t_matmul(bar)?)?;
            inner = inner.add(&Matrix::from_fn(r, r, |i, j| self.sigma[i] * turn[(i, j)]))?;
            outer = outer.add(&self.u.matmul_t(&self.outside(&self.v, bar)?)?)?;
        }
        self.u.matmul(&inner)?.matmul_t(&self.v)?.add(&outer)
    }
    /// `(n_ij − n_ji)/(σ_j² − σ_i²)`, symmetric; 0 on the diagonal and where the numerator is 0.
    fn turn(&self, n: &Matrix<S>) -> Result<Matrix<S>> {
        let mut turn = Matrix::zeros(n.rows(), n.rows());
        for i in 0..n.rows() {
            for j in 0..i {
                let numerator = n[(i, j)] - n[(j, i)];
                if numerator.sign() == Some(Ordering::Equal) {
                    continue;
                }
                if self.tied(i, j) {
                    let gap = format!("{:e}", (self.sigma[j] - self.sigma[i]).value());
                    return Err(
                        Error::domain(format!("singular values {j} and {i}"), "a gap above rounding", gap).named("SpectralGapTooSmall")
                    );
                }
                turn[(i, j)] = numerator / self.gap_of_squares(i, j);
                turn[(j, i)] = turn[(i, j)];
            }
        }
        Ok(turn)
    }
    /// `σ_j² − σ_i²`.
    fn gap_of_squares(&self, i: usize, j: usize) -> S {
        (self.sigma[j] - self.sigma[i]) * (self.sigma[j] + self.sigma[i])
    }
    /// `(I − FFᵀ) F̄ Σ⁻¹` for a factor `F`; nothing is outside a square one.
    fn outside(&self, factor: &Matrix<S>, bar: &Matrix<S>) -> Result<Matrix<S>> {
        if factor.rows() == factor.cols() {
            return Ok(Matrix::zeros(factor.rows(), factor.cols()));
        }
        for (j, &s) in self.sigma.iter().enumerate() {
            if !self.counts(s) && bar.col(j).iter().any(|x| x.sign() != Some(Ordering::Equal)) {
                return Err(Error::domain(format!("singular value {j}"), "a number above rounding", format!("{:e}", s.value()))
                    .named("RankDeficient"));
            }
        }
        let outside = bar.sub(&factor.matmul(&factor.t_matmul(bar)?)?)?;
        Ok(Matrix::from_fn(outside.rows(), outside.cols(), |i, j| match outside[(i, j)] {
            x if x.sign() == Some(Ordering::Equal) || bar.col(j).iter().all(|x| x.sign() == Some(Ordering::Equal)) => S::ZERO,
            x => x / self.sigma[j],
        }))
    }

    /// With `P = Uᵀ dA V`: `dσ = diag(P)`, `dU = U (F∘(PΣ + ΣPᵀ)) + (I − UUᵀ) dA V Σ⁻¹`, `dV = V (F∘(ΣP + PᵀΣ)) + (I − VVᵀ) dAᵀ U Σ⁻¹`, `F_ij = 1/(σ_j² − σ_i²)`. A σ that is exactly 0
    /// has a kink there and derivative 0; a quotient that does not exist is not a number.
    fn tangent(&self, da: &Matrix<S>) -> Result<Svd<S>> {
        let (da_v, da_t_u) = (da.matmul(&self.v)?, da.t_matmul(&self.u)?);
        let p = self.u.t_matmul(&da_v)?;
        let (r, s) = (self.sigma.len(), &self.sigma);
        let is_zero = |x: S| x.sign() == Some(Ordering::Equal);
        let quotient = |x: S, by: S, exists: bool| match exists {
            _ if is_zero(x) => S::ZERO,
            true => x / by,
            false => S::from_f64(f64::NAN),
        };
        let turn = |f: &dyn Fn(usize, usize) -> S| {
            Matrix::from_fn(r, r, |i, j| if i == j { S::ZERO } else { quotient(f(i, j), self.gap_of_squares(i, j), !self.tied(i, j)) })
        };
        let moved = |factor: &Matrix<S>, turn: Matrix<S>, image: &Matrix<S>| -> Result<Matrix<S>> {
            let inside = factor.matmul(&turn)?;
            if factor.rows() == factor.cols() {
                return Ok(inside);
            }
            let outside = image.sub(&factor.matmul(&factor.t_matmul(image)?)?)?;
            inside.add(&Matrix::from_fn(factor.rows(), r, |i, j| quotient(outside[(i, j)], s[j], self.counts(s[j]))))
        };
        Ok(Svd {
            u: moved(&self.u, turn(&|i, j| p[(i, j)] * s[j] + s[i] * p[(j, i)]), &da_v)?,
            sigma: (0..r).map(|j| if is_zero(s[j]) { S::ZERO } else { p[(j, j)] }).collect(),
            v: moved(&self.v, turn(&|i, j| s[i] * p[(i, j)] + p[(j, i)] * s[j]), &da_t_u)?,
        })
    }
    fn pack(self) -> Vec<Vec<S>> {
        vec![self.u.into_data(), self.sigma, self.v.into_data()]
    }
}

/// The decomposition as each number type carries it out.
struct Decomposition {
    m: usize,
    n: usize,
}
impl Decomposition {
    fn unpack<S: Scalar>(&self, parts: Vec<Vec<S>>) -> Result<Svd<S>> {
        let [u, sigma, v] = <[Vec<S>; 3]>::try_from(parts).map_err(|_| Error::shape("SVD", "three factors", "another number"))?;
        let r = sigma.len();
        Ok(Svd { u: Matrix::new(self.m, r, u)?, sigma, v: Matrix::new(self.n, r, v)? })
    }
}
impl Implicit for Decomposition {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(decompose(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?.pack())
    }
    fn tangent<S: Scalar>(&self, _: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(self.unpack(outputs.to_vec())?.tangent(&Matrix::new(self.m, self.n, directions[0].to_vec())?)?.pack())
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(bounds::enclose_svd(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?.pack())
    }
}

/// The decomposition in plain numbers.
pub(super) fn decompose<S: Scalar>(a: &Matrix<S>) -> Result<Svd<S>> {
    let [m, n] = a.shape();
    let mut svd = match m < n {
        true => {
            let Svd { u, sigma, v } = tall(&a.transpose())?;
            Svd { u: v, sigma, v: u }
        }
        false => tall(a)?,
    };
    for j in 0..svd.sigma.len() {
        let sign = canonical_sign(&svd.v.col(j));
        for factor in [&mut svd.u, &mut svd.v] {
            for i in 0..factor.rows() {
                factor[(i, j)] *= sign;
            }
        }
    }
    Ok(svd)
}

/// For `m ≥ n`. Columns are kept as rows, each over its own power of two, so that no square of a norm underflows.
fn tall<S: Scalar>(a: &Matrix<S>) -> Result<Svd<S>> {
    let [m, n] = a.shape();
    let (a, exponent) = normalised(a);
    let columns = a.transpose();
    let order = descending(&(0..n).map(|j| norm(columns.row(j))).collect::<Vec<_>>());
    let columns = columns.select_rows(&order)?;
    let mut v = Matrix::<S>::identity(n).select_rows(&order)?;
    let (q, mut w) = match m > n {
        true => {
            let qr = householder(&columns.transpose());
            (Some(qr.q), qr.r.transpose())
        }
        false => (None, columns),
    };
    let (mut exponents, mut heights) = (vec![0; n], vec![i32::MIN; n]);
    let mut sweeps = 0;
    loop {
        rescale(&mut w, &mut exponents, &mut heights);
        if !sweep(&mut w, &mut v, &mut exponents) {
            break;
        }
        sweeps += 1;
        if sweeps == 60 {
            return Err(Error::not_converged("singular value decomposition", "no rotation within 60 sweeps", "rotations still"));
        }
    }
    let mut sigma = Vec::with_capacity(n);
    for j in 0..n {
        let length = norm(w.row(j));
        if length.value() > 0.0 {
            w.row_mut(j).iter_mut().for_each(|x| *x /= length);
        }
        sigma.push(length * power(exponents[j]));
    }
    let order = descending(&sigma);
    let (mut w, v) = (w.select_rows(&order)?, v.select_rows(&order)?);
    let sigma: Vec<S> = order.iter().map(|&j| sigma[j]).collect();
    complete(&mut w, sigma.iter().take_while(|s| s.value() > 0.0).count());
    let u = match q {
        Some(q) => q.matmul_t(&w)?,
        None => w.transpose(),
    };
    Ok(Svd { u, sigma: sigma.into_iter().map(|s| s * power(exponent)).collect(), v: v.transpose() })
}

/// `‖x‖₂`, by way of a power of two.
fn norm<S: Scalar>(x: &[S]) -> S {
    let e = common_exponent(x.iter().copied());
    let scaled: Vec<S> = x.iter().map(|&x| x * power(-e)).collect();
    S::dot(&scaled, &scaled).sqrt() * power(e)
}

/// `‖x‖²`, after a power of two is taken out of a column that has shrunk.
fn squared_length<S: Scalar>(x: &mut [S], exponent: &mut i32) -> S {
    let squared = S::dot(x, x);
    if squared.value() > 1e-9 {
        return squared;
    }
    let e = common_exponent(x.iter().copied());
    x.iter_mut().for_each(|x| *x *= power(-e));
    *exponent += e;
    S::dot(x, x)
}

/// Takes a power of two out of each column. What is left of a column that has shrunk below u of its greatest height is its own rounding error: it becomes 0,
/// or dependent columns would be rotated into ever smaller noise.
fn rescale<S: Scalar>(w: &mut Matrix<S>, exponents: &mut [i32], heights: &mut [i32]) {
    let digits = common_exponent([S::from_f64(S::UNIT_ROUNDOFF)]);
    for p in 0..w.rows() {
        let row = w.row_mut(p);
        let e = common_exponent(row.iter().copied());
        exponents[p] += e;
        let height = if row.iter().all(|x| x.value() == 0.0) { i32::MIN } else { exponents[p] };
        let sunk = height < heights[p].saturating_add(digits);
        heights[p] = heights[p].max(height);
        row.iter_mut().for_each(|x| *x = if sunk { S::ZERO } else { *x * power(-e) });
    }
}

/// One sweep over all pairs; whether anything was rotated. Row p of `w` times `2^exponents[p]` is column p.
fn sweep<S: Scalar>(w: &mut Matrix<S>, v: &mut Matrix<S>, exponents: &mut [i32]) -> bool {
    let n = w.rows();
    // What a rotation itself leaves: 6 u from the rounding of the columns, m u from that of their product. A smaller bound need not be reached, and rotations would go on.
    let tolerance = (w.cols() + 6) as f64 * S::UNIT_ROUNDOFF;
    let mut rotated = false;
    for p in 0..n {
        for q in p + 1..n {
            let (x, y) = two_rows(w, p, q);
            let (alpha, beta) = (squared_length(x, &mut exponents[p]), squared_length(y, &mut exponents[q]));
            let gamma = S::dot(x, y);
            if gamma.value().abs() <= tolerance * alpha.value().sqrt() * beta.value().sqrt() {
                continue;
            }
            rotated = true;
            // Column q over column p in powers of two. Beyond 2^60 the rotation is, to every digit, a projection of the shorter column.
            let ratio = exponents[q] - exponents[p];
            let (x_to_y, y_to_x, rotation) = if ratio.abs() <= 60 {
                let w = power::<S>(ratio);
                let rotation = Rotation::annihilating((beta * w - alpha * power(-ratio)) / (gamma + gamma));
                (rotation.s * power(-ratio), rotation.s * w, rotation)
            } else if ratio < 0 {
                let factor = -gamma / alpha;
                (factor, S::ZERO, Rotation { t: S::ZERO, c: S::ONE, s: factor * power(ratio) })
            } else {
                let factor = gamma / beta;
                (S::ZERO, factor, Rotation { t: S::ZERO, c: S::ONE, s: factor * power(-ratio) })
            };
            for (x, y) in x.iter_mut().zip(y) {
                (*x, *y) = (rotation.c * *x - y_to_x * *y, x_to_y * *x + rotation.c * *y);
            }
            let (x, y) = two_rows(v, p, q);
            rotation.apply(x, y);
        }
    }
    rotated
}

/// Rows from `known` on become unit vectors orthogonal to those before: from the axis that is least in their span, orthogonalised twice.
fn complete<S: Scalar>(w: &mut Matrix<S>, known: usize) {
    let n = w.cols();
    for j in known..w.rows() {
        let inside: Vec<f64> = (0..n).map(|k| (0..j).map(|i| w[(i, k)].value()).map(|x| x * x).sum()).collect();
        let axis = (1..n).fold(0, |best, k| if inside[k] < inside[best] { k } else { best });
        let mut x = vec![S::ZERO; n];
        x[axis] = S::ONE;
        for _ in 0..2 {
            for i in 0..j {
                let along = S::dot(w.row(i), &x);
                x.iter_mut().zip(w.row(i)).for_each(|(x, &y)| *x -= along * y);
            }
            let length = S::dot(&x, &x).sqrt();
            x.iter_mut().for_each(|x| *x /= length);
        }
        w.row_mut(j).copy_from_slice(&x);
    }
}

/// Enclosures of the singular values, descending, of every matrix in the balls.
///
/// With `V` near orthogonal and taken as exact, `B = A V` has nearly orthogonal columns. Dividing them by their lengths gives `Û D`, and Ostrowski's
/// theorem for singular values (Horn & Johnson, *Topics in Matrix Analysis*, 1991, Theorem 3.3.16) bounds `σ_i(A)` by `d_i` times factors close to 1: every σ keeps
/// its relative accuracy. Columns too short to be told from 0 enter by Weyl's inequality instead. Errors: `NotFinite`, `Undecided`.
pub fn enclose_singular_values(a: &Matrix<Ball>) -> Result<Vec<Ball>> {
    Ok(Svd::new(a)?.sigma)
}
