//! Rigorous enclosures of eigenvalues, singular values, their vectors and functions of them. The decomposition is computed in
//! double-double, taken as exact, and what it fails to satisfy is enclosed by ball arithmetic.

use super::eigen::{Eigen, descending, jacobi};
use super::matrix::{Matrix, mirror};
use super::spectral::{SpectralFunction, hull};
use super::svd::{Svd, decompose};
use crate::scalar::{Ball, Bulk, DoubleDouble, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// Radii: sums and products rounded up.
fn up(x: f64) -> f64 {
    x.next_up()
}
/// An upper bound of `√Σx²`; 0 only if every ball is exactly 0.
pub(super) fn norm_up(x: impl IntoIterator<Item = Ball>) -> f64 {
    let sum = x.into_iter().map(Ball::magnitude).filter(|&x| x != 0.0).fold(0.0, |sum: f64, x| up(sum + up(x * x)));
    if sum == 0.0 { 0.0 } else { up(sum.sqrt()) }
}
fn greater(a: f64, b: f64) -> f64 {
    if a < b || b.is_nan() { b } else { a }
}
fn less(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}
fn matrix_norm(a: &Matrix<Ball>) -> f64 {
    norm_up(a.data().iter().copied())
}
pub(super) fn exact(a: &Matrix<DoubleDouble>) -> Matrix<Ball> {
    a.map(|x| Ball::new(x, 0.0))
}
fn points(x: &[DoubleDouble]) -> Vec<Ball> {
    x.iter().map(|&x| Ball::new(x, 0.0)).collect()
}
fn undecided(what: &str, found: String) -> Error {
    Error::undecided(what, "an enclosure narrow enough to decide", found)
}
/// `‖VᵀV − I‖_F`, an upper bound of how far `V` is from the nearest matrix with orthonormal columns, and of how far its squared singular values are from 1.
fn defect(v: &Matrix<Ball>) -> Result<f64> {
    let gram = v.gram_cols();
    let delta = matrix_norm(&gram.sub(&Matrix::identity(gram.rows()))?);
    if delta < 0.25 { Ok(delta) } else { Err(undecided("decomposition", format!("vectors orthonormal only to {delta:.1e}"))) }
}
/// `A diag(d)`.
fn scale_cols(a: &Matrix<Ball>, d: &[Ball]) -> Matrix<Ball> {
    Matrix::from_fn(a.rows(), a.cols(), |i, j| a[(i, j)] * d[j])
}


/// Eigenvalues by Weyl and Ostrowski (see [`super::enclose_eigenvalues`]). An eigenvector v of unit length with residual `ρ = ‖Av − μv‖` has an angle of sine at most
/// `ρ / min_{j≠i} |λ_j − μ|` with the true one (Parlett, *The Symmetric Eigenvalue Problem*, 1998, Theorem 11.7.1); where the gap cannot be told from
/// 0, entries of a unit vector are in [−1, 1] and no more is said.
pub(super) fn enclose(a: &Matrix<Ball>) -> Result<Eigen<Ball>> {
    let n = a.rows();
    let v = exact(&jacobi::<DoubleDouble>(&a.map(Ball::mid))?.vectors);
    let delta = defect(&v)?;
    let av = a.matmul(&v)?;
    let e = v.t_matmul(&av)?;
    let diagonal = e.diagonal();
    let off = norm_up((0..n * n).filter(|k| k / n != k % n).map(|k| e.data()[k]));
    // The diagonal is sorted by its midpoints; the sorted true diagonal is then as close to it as the worst radius.
    let spread = diagonal.iter().fold(0.0, |r, x| greater(r, x.rad()));
    let order = descending(&diagonal.iter().map(|x| x.mid()).collect::<Vec<_>>());
    let values: Vec<Ball> = order.iter().map(|&i| Ball::new(diagonal[i].mid(), spread).widen(off) / Ball::ONE.widen(delta)).collect();
    let mut vectors = Matrix::zeros(n, n);
    for (i, &from) in order.iter().enumerate() {
        let mu = Ball::new(values[i].mid(), 0.0);
        let column = v.col(from);
        let residual = norm_up((0..n).map(|k| av[(k, from)] - mu * column[k]));
        let gap = (0..n).filter(|&j| j != i).fold(f64::INFINITY, |gap, j| less(gap, (mu - values[j]).mignitude()));
        let mut unit = unit_vector(&column, Scalar::sqrt(Ball::dot(&column, &column)), residual, gap);
        if let Some(sign) = certain_sign(&unit) {
            unit.iter_mut().for_each(|x| *x *= sign);
        } else {
            either_sign(&mut unit);
        }
        for k in 0..n {
            vectors[(k, i)] = unit[k];
        }
    }
    Ok(Eigen { values, vectors })
}

/// All unit vectors, of the sign of `v`, whose angle to `v`, of the given length, has a sine of at most `residual / (length gap)`: `2 sin(θ/2) ≤ √2 sin θ` for θ ≤ π/2.
fn unit_vector(v: &[Ball], length: Ball, residual: f64, gap: f64) -> Vec<Ball> {
    let distance = match (residual == 0.0, gap > 0.0) {
        (_, false) => f64::INFINITY,
        (true, true) => 0.0,
        (false, true) => up(up(up(residual / gap) / length.lower()) * up(std::f64::consts::SQRT_2)),
    };
    v.iter().map(|&x| if distance < 1.0 { (x / length).widen(distance) } else { Ball::ZERO.widen(1.0) }).collect()
}

/// ±1, so that the entry of largest magnitude becomes positive, if the balls tell which sign that is.
fn certain_sign(v: &[Ball]) -> Option<Ball> {
    let least = v.iter().fold(0.0, |least, x| greater(least, x.mignitude()));
    let mut signs = v.iter().filter(|x| x.magnitude() >= least).map(|x| x.sign());
    let first = signs.next()??;
    signs.all(|sign| sign == Some(first)).then(|| if first == Ordering::Less { -Ball::ONE } else { Ball::ONE })
}
/// Balls around both `v` and `−v`.
fn either_sign(v: &mut [Ball]) {
    v.iter_mut().for_each(|x| *x = Ball::ZERO.widen(x.magnitude()));
}

/// A matrix `Q diag(d) Qᵀ` with `Q` exactly orthogonal, known to within a distance.
struct Nearby {
    v: Matrix<Ball>,
    d: Vec<Ball>,
    /// `‖V − Q‖₂ ≤ δ`.
    delta: f64,
    /// `‖A − Q diag(d) Qᵀ‖_F`.
    distance: f64,
}
impl Nearby {
    fn new(a: &Matrix<Ball>) -> Result<Self> {
        let Eigen { values, vectors } = jacobi::<DoubleDouble>(&a.map(Ball::mid))?;
        let (v, d) = (exact(&vectors), points(&values));
        let mut near = Nearby { delta: defect(&v)?, v, d, distance: 0.0 };
        near.distance = up(matrix_norm(&a.sub(&near.compose(&near.d)?)?) + near.moved(&near.d));
        Ok(near)
    }
    /// `V diag(f) Vᵀ`.
    fn compose(&self, f: &[Ball]) -> Result<Matrix<Ball>> {
        let mut product = scale_cols(&self.v, f).matmul_t(&self.v)?;
        mirror(product.data_mut(), f.len());
        Ok(product)
    }
    /// `‖V diag(f) Vᵀ − Q diag(f) Qᵀ‖_F ≤ δ(2 + δ) ‖f‖₂`.
    fn moved(&self, f: &[Ball]) -> f64 {
        up(up(up(self.delta * up(2.0 + self.delta)) * norm_up(f.iter().copied())))
    }
}

/// `f(A)` lies within `sup|f′| ‖A − B‖_F` of `f(B)`, `B = Q diag(d) Qᵀ`: in the two eigenbases the difference has entries
/// `(f(λ_i) − f(d_j)) ⟨a_i, q_j⟩`, that of `A − B` has `(λ_i − d_j) ⟨a_i, q_j⟩`. The λ lie within `‖A − B‖` of the d.
pub(super) fn enclose_function<F: SpectralFunction>(a: &Matrix<Ball>, f: &F) -> Result<Matrix<Ball>> {
    let near = Nearby::new(a)?;
    let (Some(&first), Some(&last)) = (near.d.first(), near.d.last()) else { return Ok(a.clone()) };
    let range = hull(first, last).widen(near.distance);
    let image: Vec<Ball> = near.d.iter().map(|&d| f.value(d)).collect();
    let slope = f.slope(range);
    if !slope.is_finite() || image.iter().any(|y| !y.is_finite()) {
        let expected = format!("a spectrum surely where the {} is smooth", F::NAME);
        return Err(Error::undecided("eigenvalues", expected, format!("eigenvalues from {:e} to {:e}", range.lower(), range.upper())));
    }
    let radius = up(lipschitz(slope.magnitude(), near.distance) + near.moved(&image));
    Ok(near.compose(&image)?.map(|x| x.widen(radius)))
}
fn lipschitz(slope: f64, distance: f64) -> f64 {
    if distance == 0.0 || slope == 0.0 { 0.0 } else { up(slope * distance) }
}

/// With `R = A Q_k − Q_k D_k` and `g` the least distance between `D_k` and the other eigenvalues, `‖sin Θ‖_F ≤ ‖R‖_F / g` between the spans
/// (Davis & Kahan, SIAM J. Numer. Anal. 7, 1970) and the projectors differ by `√2 ‖sin Θ‖_F`; `‖V_k V_kᵀ − Q_k Q_kᵀ‖_F ≤ ‖V_kᵀ V_k − I‖_F`.
pub(super) fn enclose_projector(a: &Matrix<Ball>, k: usize) -> Result<Matrix<Ball>> {
    let (n, near) = (a.rows(), Nearby::new(a)?);
    if k == 0 || k == n {
        return Ok(if k == 0 { Matrix::zeros(n, n) } else { Matrix::identity(n) });
    }
    let (v, d) = (near.v.select_cols(0, k)?, &near.d[..k]);
    let gap = (d[k - 1] - near.d[k].widen(near.distance)).lower();
    if !(gap > 0.0) {
        return Err(undecided("projector", format!("eigenvalues {} and {k} that may be equal", k - 1)).named("SpectralGapTooSmall"));
    }
    let residual = matrix_norm(&a.matmul(&v)?.sub(&scale_cols(&v, d))?);
    let moved = up(near.delta * up(matrix_norm(a) + norm_up(d.iter().copied())));
    let sine = if residual == 0.0 && moved == 0.0 { 0.0 } else { up(up(residual + moved) / gap) };
    let radius = up(up(sine * up(std::f64::consts::SQRT_2)) + near.delta);
    Ok(v.gram_rows().map(|x| x.widen(if sine == 0.0 && near.delta == 0.0 { 0.0 } else { radius })))
}

/// Singular values as told at [`super::enclose_singular_values`]; vectors by the angle bound of [`enclose`] for the symmetric matrix `[0 A; Aᵀ 0]`, whose
/// eigenvalues are ±σ and `|m − n|` zeros, and whose unit eigenvectors are `(u; v)/√2`.
pub(super) fn enclose_svd(a: &Matrix<Ball>) -> Result<Svd<Ball>> {
    let [m, n] = a.shape();
    let mut svd = match m < n {
        true => {
            let Svd { u, sigma, v } = enclose_tall(&a.transpose())?;
            Svd { u: v, sigma, v: u }
        }
        false => enclose_tall(a)?,
    };
    for j in 0..svd.sigma.len() {
        let (mut u, mut v) = (svd.u.col(j), svd.v.col(j));
        if let Some(sign) = certain_sign(&v) {
            u.iter_mut().chain(&mut v).for_each(|x| *x *= sign);
        } else {
            either_sign(&mut u);
            either_sign(&mut v);
        }
        (0..m).for_each(|i| svd.u[(i, j)] = u[i]);
        (0..n).for_each(|i| svd.v[(i, j)] = v[i]);
    }
    Ok(svd)
}

fn enclose_tall(a: &Matrix<Ball>) -> Result<Svd<Ball>> {
    let [m, n] = a.shape();
    let Svd { u, sigma, v } = decompose::<DoubleDouble>(&a.map(Ball::mid))?;
    let (u, d, v) = (exact(&u), points(&sigma), exact(&v));
    let av = a.matmul(&v)?;
    let sigma = lengths(&av, &d, defect(&v)?)?;
    let atu = a.t_matmul(&u)?;
    let (mut left, mut right) = (Matrix::zeros(m, n), Matrix::zeros(n, n));
    for j in 0..n {
        let s = Ball::new(sigma[j].mid(), 0.0);
        let (x, y) = (u.col(j), v.col(j));
        // The joint vector (x; y) has length √2 ℓ; that of which it is a multiple is within √2 residual/(√2 ℓ gap), and u and v are √2 times its parts.
        let length = Scalar::sqrt((Ball::dot(&x, &x) + Ball::dot(&y, &y)) * Ball::exact(0.5));
        let residual = norm_up((0..m).map(|i| av[(i, j)] - s * x[i]).chain((0..n).map(|i| atu[(i, j)] - s * y[i])));
        let others = (0..n).filter(|&k| k != j).fold(f64::INFINITY, |gap, k| less(gap, (s - sigma[k]).mignitude()));
        let mirrored = if m > n { s.lower() } else { (s + sigma[n - 1]).lower() };
        let gap = less(others, mirrored);
        for (factor, column) in [(&mut left, x), (&mut right, y)] {
            for (i, x) in unit_vector(&column, length, residual, gap).into_iter().enumerate() {
                factor[(i, j)] = x;
            }
        }
    }
    Ok(Svd { u: left, sigma, v: right })
}

/// Singular values of `A = B V⁻¹` from the columns of `B`, of lengths about `d`. Let the first k columns be `Û D`, `δ_k = ‖ÛᵀÛ − I‖_F`, and `τ_k` the Frobenius norm of the
/// others: then `σ_i(B) ∈ d_i (1 ± δ_k) ± τ_k` for `i ≤ k`, `[0, τ_k]` beyond, for every k; the narrowest is taken. `σ_i(A) ∈ σ_i(B)/(1 ± δ_V)`.
fn lengths(b: &Matrix<Ball>, d: &[Ball], delta_v: f64) -> Result<Vec<Ball>> {
    let n = d.len();
    let known = d.iter().take_while(|d| d.value() > 0.0).count();
    let unit = Matrix::from_fn(b.rows(), known, |i, j| b[(i, j)] / d[j]);
    let gram = unit.gram_cols();
    let delta: Vec<f64> = (0..=known).map(|k| norm_up((0..k * k).map(|at| gram[(at / k, at % k)] - if at / k == at % k { Ball::ONE } else { Ball::ZERO }))).collect();
    let tail: Vec<f64> = (0..=known).map(|k| norm_up((k..n).flat_map(|j| (0..b.rows()).map(move |i| b[(i, j)])))).collect();
    (0..n)
        .map(|i| {
            let candidates = (0..=known).filter(|&k| delta[k] < 0.5).map(|k| match i < k {
                true => (d[i] * Ball::ONE.widen(delta[k])).widen(tail[k]),
                false => from_zero(tail[k]),
            });
            let narrowest = candidates.fold(Ball::WHOLE, |best, x| if x.rad() < best.rad() { x } else { best });
            match narrowest.is_finite() {
                true => Ok(narrowest / Ball::ONE.widen(delta_v)),
                false => Err(undecided("singular values", format!("the whole line for number {i}"))),
            }
        })
        .collect()
}
/// `[0, x]`.
fn from_zero(x: f64) -> Ball {
    Ball::exact(x * 0.5).widen(if x == 0.0 { 0.0 } else { up(x * 0.5) })
}

/// `U f(Σ) Vᵀ` for odd f. For `B = Ũ D Ṽᵀ` with orthonormal factors within `δ_u`, `δ_v` of the computed ones, the argument of [`enclose_function`] applied to
/// `[0 A; Aᵀ 0]` gives `‖f(A) − f(B)‖_F ≤ L ‖A − B‖_F`, `L = sup |f(x) − f(y)|/|x − y|` over ± the singular values of both (and 0 unless `A` is square): on an
/// interval of positive numbers at most the greater of `sup |f′|` and `sup |f(x)/x|`.
pub(super) fn enclose_singular_map<F: SpectralFunction>(a: &Matrix<Ball>, f: &F) -> Result<Matrix<Ball>> {
    let Svd { u, sigma, v } = decompose::<DoubleDouble>(&a.map(Ball::mid))?;
    let (u, d, v) = (exact(&u), points(&sigma), exact(&v));
    let (Some(&first), Some(&last)) = (d.first(), d.last()) else { return Ok(a.clone()) };
    let (delta_u, delta_v) = (defect(&u)?, defect(&v)?);
    let apart = up(up(delta_u * up(1.0 + delta_v)) + delta_v);
    let moved = |f: &[Ball]| if delta_u == 0.0 && delta_v == 0.0 { 0.0 } else { up(apart * norm_up(f.iter().copied())) };
    let compose = |f: &[Ball]| scale_cols(&u, f).matmul_t(&v);
    let distance = up(matrix_norm(&a.sub(&compose(&d)?)?) + moved(&d));
    let range = hull(first, last).widen(distance);
    let image: Vec<Ball> = d.iter().map(|&d| f.value(d)).collect();
    let slope = f.slope(range).magnitude();
    let slope = match range.lower() > 0.0 {
        true => greater(slope, (f.value(range) / range).magnitude()),
        false if f.value(Ball::ZERO).sign() == Some(Ordering::Equal) => slope,
        false => return Err(undecided("singular values", format!("a least one that may be 0, where the {} has a jump", F::NAME)).named("RankDeficient")),
    };
    if !slope.is_finite() || image.iter().any(|y| !y.is_finite()) {
        return Err(undecided("singular values", format!("{:e} to {:e}, where the {} may not be smooth", range.lower(), range.upper(), F::NAME)));
    }
    let radius = up(lipschitz(slope, distance) + moved(&image));
    Ok(compose(&image)?.map(|x| x.widen(radius)))
}
