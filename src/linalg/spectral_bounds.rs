//! Rigorous enclosures of eigenvalues, singular values, their vectors and functions of them. The decomposition is computed in
//! double-double, taken as exact, and what it fails to satisfy is enclosed by ball arithmetic.

use super::eigen::{Eigen, descending, jacobi};
use super::matrix::{Matrix, mirror};
use super::singular::derivative as derivative_of_map;
use super::spectral::{SpectralFunction, derivative, hull};
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
/// `x y`, rounded up; 0 if either is.
fn product_up(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { up(x * y) }
}
/// `x + y`, rounded up.
fn sum_up(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { x + y } else { up(x + y) }
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
/// Midpoints, and the Frobenius norm of what lies around them.
fn split(a: &Matrix<Ball>) -> (Matrix<DoubleDouble>, f64) {
    (a.map(Ball::mid), norm_up(a.data().iter().map(|x| Ball::exact(x.rad()))))
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
    let (middle, around) = split(a);
    let v = exact(&jacobi(&middle)?.vectors);
    let delta = defect(&v)?;
    let av = exact(&middle).matmul(&v)?;
    let e = v.t_matmul(&av)?;
    let diagonal = e.diagonal();
    let off = norm_up((0..n * n).filter(|k| k / n != k % n).map(|k| e.data()[k]));
    // The diagonal is sorted by its midpoints; the sorted true diagonal is then as close to it as the worst radius.
    let spread = diagonal.iter().fold(0.0, |r, x| greater(r, x.rad()));
    let order = descending(&diagonal.iter().map(|x| x.mid()).collect::<Vec<_>>());
    let values: Vec<Ball> =
        order.iter().map(|&i| Ball::new(diagonal[i].mid(), spread).widen(off) / Ball::ONE.widen(delta)).map(|x| x.widen(around)).collect();
    let mut vectors = Matrix::zeros(n, n);
    for (i, &from) in order.iter().enumerate() {
        let mu = Ball::new(values[i].mid(), 0.0);
        let column = v.col(from);
        let length = Scalar::sqrt(Ball::dot(&column, &column));
        let residual = sum_up(norm_up((0..n).map(|k| av[(k, from)] - mu * column[k])), product_up(around, length.upper()));
        let gap = (0..n).filter(|&j| j != i).fold(f64::INFINITY, |gap, j| less(gap, (mu - values[j]).mignitude()));
        let mut unit = unit_vector(&column, length, residual, gap);
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
        let (middle, around) = split(a);
        let Eigen { values, vectors } = jacobi(&middle)?;
        let (v, d) = (exact(&vectors), points(&values));
        let mut near = Nearby { delta: defect(&v)?, v, d, distance: 0.0 };
        let residual = matrix_norm(&exact(&middle).sub(&near.compose(&near.d)?)?);
        near.distance = sum_up(around, sum_up(residual, near.moved(&near.d)));
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
        product_up(product_up(self.delta, up(2.0 + self.delta)), norm_up(f.iter().copied()))
    }
}

/// Bounds of `|f[x, y]|` and `|f[x, y, z]|` over numbers within `distance` of the d. A second divided difference is the mean of f″/2 over the hull of its arguments,
/// and at most `2 sup |f[x, y]|` over its greatest gap: the one serves close numbers, the other distant ones, with whatever lies between left alone.
struct Divided {
    first: f64,
    second: f64,
}
impl Divided {
    fn over<F: SpectralFunction>(f: &F, d: &[Ball], distance: f64) -> Self {
        let (mut first, mut curvature, mut gap) = (0.0, 0.0, f64::INFINITY);
        for i in 0..d.len() {
            for j in 0..=i {
                let (x, y) = (d[i].widen(distance), d[j].widen(distance));
                first = greater(first, f.divided(x, y).magnitude());
                let (between, size) = ((x - y).mignitude(), less(x.mignitude(), y.mignitude()));
                if between > 0.25 * size {
                    gap = less(gap, between);
                } else {
                    curvature = greater(curvature, f.curvature(hull(x, y)).magnitude());
                }
            }
        }
        Divided { first, second: greater(up(curvature * 0.5), product_up(2.0 * first, up(1.0 / gap))) }
    }
}

/// `f(A)` lies within `L ‖A − B‖_F` of `f(B)`, `B = Q diag(d) Qᵀ`, for `L = sup |f[λ_i, d_j]|`: in the two eigenbases the difference has entries
/// `(f(λ_i) − f(d_j)) ⟨a_i, q_j⟩`, that of `A − B` has `(λ_i − d_j) ⟨a_i, q_j⟩`. Each λ_i lies within `‖A − B‖` of its d_i.
pub(super) fn enclose_function<F: SpectralFunction>(a: &Matrix<Ball>, f: &F) -> Result<Matrix<Ball>> {
    let near = Nearby::new(a)?;
    let image: Vec<Ball> = near.d.iter().map(|&d| f.value(d)).collect();
    let radius = sum_up(product_up(Divided::over(f, &near.d, near.distance).first, near.distance), near.moved(&image));
    widened(near.compose(&image)?, radius, F::NAME)
}

/// The derivative `Df(A)[M]`. At `B = Q diag(d) Qᵀ` it is `Q (Γ∘(QᵀMQ)) Qᵀ`. Between `A` and `B` it moves by at most `2T ‖A − B‖_F ‖M‖_F`: the second derivative along X
/// and M has entries `Σ_k f[λ_i, λ_k, λ_j] (x_ik m_kj + m_ik x_kj)`, T bounds the second divided differences, and `‖ |X| |M| ‖_F ≤ ‖X‖_F ‖M‖_F`.
/// Replacing Q by V, four times in all, moves it by at most `8 δ L ‖M‖_F`: `(1 + δ)⁴ − 1 ≤ 8 δ` for δ < ¼.
pub(super) fn enclose_function_vjp<F: SpectralFunction>(a: &Matrix<Ball>, f: &F, m: &Matrix<Ball>) -> Result<Matrix<Ball>> {
    let near = Nearby::new(a)?;
    let bound = Divided::over(f, &near.d, near.distance);
    let eigen = Eigen { values: near.d.clone(), vectors: near.v.clone() };
    let middle = derivative(&eigen, f, m)?;
    let relative = sum_up(product_up(up(2.0 * bound.second), near.distance), product_up(8.0 * near.delta, bound.first));
    widened(middle, product_up(relative, matrix_norm(m)), F::NAME)
}
fn widened(a: Matrix<Ball>, radius: f64, what: &str) -> Result<Matrix<Ball>> {
    match radius < f64::INFINITY && a.data().iter().all(|x| x.is_finite()) {
        true => Ok(a.map(|x| x.widen(radius))),
        false => Err(undecided(what, "a spectrum that may leave the domain, or reach a point without a derivative".into())),
    }
}

/// With `R = A Q_k − Q_k D_k` and `g` the least distance between `D_k` and the other eigenvalues, `‖sin Θ‖_F ≤ ‖R‖_F / g` between the spans
/// (Davis & Kahan, SIAM J. Numer. Anal. 7, 1970) and the projectors differ by `√2 ‖sin Θ‖_F`; `‖V_k V_kᵀ − Q_k Q_kᵀ‖_F ≤ ‖V_kᵀ V_k − I‖_F`.
pub(super) fn enclose_projector(a: &Matrix<Ball>, k: usize) -> Result<Matrix<Ball>> {
    let (n, near) = (a.rows(), Nearby::new(a)?);
    let (middle, around) = split(a);
    if k == 0 || k == n {
        return Ok(if k == 0 { Matrix::zeros(n, n) } else { Matrix::identity(n) });
    }
    let (v, d) = (near.v.select_cols(0, k)?, &near.d[..k]);
    let gap = (d[k - 1] - near.d[k].widen(near.distance)).lower();
    if !(gap > 0.0) {
        return Err(undecided("projector", format!("eigenvalues {} and {k} that may be equal", k - 1)).named("SpectralGapTooSmall"));
    }
    let residual = sum_up(matrix_norm(&exact(&middle).matmul(&v)?.sub(&scale_cols(&v, d))?), around);
    let moved = product_up(near.delta, sum_up(matrix_norm(a), norm_up(d.iter().copied())));
    let sine = product_up(sum_up(residual, moved), up(1.0 / gap));
    let radius = sum_up(product_up(sine, up(std::f64::consts::SQRT_2)), near.delta);
    Ok(v.gram_rows().map(|x| x.widen(radius)))
}

/// The derivative of the projector along `M`: [`enclose_function_vjp`] for the step function that is 1 on the leading eigenvalues, whose divided differences are at most
/// 1/g and second ones 1/g², g the gap between the two parts of both spectra.
pub(super) fn enclose_projector_vjp(a: &Matrix<Ball>, k: usize, m: &Matrix<Ball>) -> Result<Matrix<Ball>> {
    let (n, near) = (a.rows(), Nearby::new(a)?);
    if k == 0 || k == n {
        return Ok(Matrix::zeros(n, n));
    }
    let gap = (near.d[k - 1] - near.d[k] - Ball::exact(near.distance) * Ball::exact(2.0)).lower();
    if !(gap > 0.0) {
        return Err(undecided("projector", format!("eigenvalues {} and {k} that may be equal", k - 1)).named("SpectralGapTooSmall"));
    }
    let coordinates = near.v.t_matmul(&m.symmetrised()?)?.matmul(&near.v)?;
    let inner = Matrix::from_fn(n, n, |i, j| match (i < k, j < k) {
        (true, false) => coordinates[(i, j)] / (near.d[i] - near.d[j]),
        (false, true) => coordinates[(j, i)] / (near.d[j] - near.d[i]),
        _ => Ball::ZERO,
    });
    let middle = near.v.matmul(&inner)?.matmul_t(&near.v)?;
    let relative =
        sum_up(product_up(product_up(up(2.0 / gap), up(1.0 / gap)), near.distance), product_up(product_up(8.0, near.delta), up(1.0 / gap)));
    widened(middle, product_up(relative, matrix_norm(m)), "projector")
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
    let (middle, around) = split(a);
    let (middle, delta) = (exact(&middle), defect(&v)?);
    let (av, atu) = (middle.matmul(&v)?, middle.t_matmul(&u)?);
    // Balls of radius in proportion to their column keep relative accuracy in the first form, others are sharper in the second, by Weyl's inequality.
    let (relative, absolute) = (lengths(&a.matmul(&v)?, &d, delta), lengths(&av, &d, delta)?);
    let absolute: Vec<Ball> = absolute.into_iter().map(|s| s.widen(around)).collect();
    let sigma: Vec<Ball> = match relative {
        Ok(relative) => relative.into_iter().zip(absolute).map(|(x, y)| if y.rad() < x.rad() { y } else { x }).collect(),
        Err(_) => absolute,
    };
    let (mut left, mut right) = (Matrix::zeros(m, n), Matrix::zeros(n, n));
    for j in 0..n {
        let s = Ball::new(sigma[j].mid(), 0.0);
        let (x, y) = (u.col(j), v.col(j));
        // The joint vector (x; y) has length √2 ℓ; that of which it is a multiple is within √2 residual/(√2 ℓ gap), and u and v are √2 times its parts.
        let length = Scalar::sqrt((Ball::dot(&x, &x) + Ball::dot(&y, &y)) * Ball::exact(0.5));
        let residual = norm_up((0..m).map(|i| av[(i, j)] - s * x[i]).chain((0..n).map(|i| atu[(i, j)] - s * y[i])));
        // [0 Δ; Δᵀ 0] moves (x; y) by at most ‖Δ‖ √2 ℓ.
        let residual = sum_up(residual, product_up(product_up(around, up(std::f64::consts::SQRT_2)), length.upper()));
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
    let delta: Vec<f64> = (0..=known)
        .map(|k| norm_up((0..k * k).map(|at| gram[(at / k, at % k)] - if at / k == at % k { Ball::ONE } else { Ball::ZERO })))
        .collect();
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

/// A matrix `Ũ diag(d) Ṽᵀ` with exactly orthonormal factors, known to within a distance.
struct NearbySvd {
    u: Matrix<Ball>,
    d: Vec<Ball>,
    v: Matrix<Ball>,
    /// `‖U − Ũ‖₂ ≤ δ_u`, `‖V − Ṽ‖₂ ≤ δ_v`.
    delta: (f64, f64),
    /// `‖A − Ũ diag(d) Ṽᵀ‖_F`.
    distance: f64,
}
impl NearbySvd {
    fn new(a: &Matrix<Ball>, signed: impl Fn(Svd<DoubleDouble>) -> Result<Svd<DoubleDouble>>) -> Result<Self> {
        let (middle, around) = split(a);
        let Svd { u, sigma, v } = signed(decompose(&middle)?)?;
        let (u, d, v) = (exact(&u), points(&sigma), exact(&v));
        let mut near = NearbySvd { delta: (defect(&u)?, defect(&v)?), u, d, v, distance: 0.0 };
        let residual = matrix_norm(&exact(&middle).sub(&near.compose(&near.d)?)?);
        near.distance = sum_up(around, sum_up(residual, near.moved(&near.d)));
        Ok(near)
    }
    /// `U diag(f) Vᵀ`.
    fn compose(&self, f: &[Ball]) -> Result<Matrix<Ball>> {
        scale_cols(&self.u, f).matmul_t(&self.v)
    }
    /// `‖U diag(f) Vᵀ − Ũ diag(f) Ṽᵀ‖_F ≤ (δ_u (1 + δ_v) + δ_v) ‖f‖₂`.
    fn moved(&self, f: &[Ball]) -> f64 {
        let (u, v) = self.delta;
        product_up(sum_up(product_up(u, up(1.0 + v)), v), norm_up(f.iter().copied()))
    }
    /// f at each d, and [`Divided`] over ± the singular values of both matrices, and 0. Across 0, `|f[x, −y]| = (f(x) + f(y))/(x + y)` is at most the greater of
    /// `f(x)/x`, `f(y)/y`, and the gap is at least the least singular value s. If that may be 0, f(0) = 0 makes an odd function with a continuous slope, whose
    /// curvature on the whole range bounds all.
    fn image<F: SpectralFunction>(&self, f: &F) -> Result<(Vec<Ball>, Divided)> {
        let image: Vec<Ball> = self.d.iter().map(|&d| f.value(d)).collect();
        let mut bound = Divided::over(f, &self.d, self.distance);
        let (Some(&first), Some(&last)) = (self.d.first(), self.d.last()) else { return Ok((image, bound)) };
        let least = last.widen(self.distance);
        if least.lower() > 0.0 {
            for x in self.d.iter().map(|d| d.widen(self.distance)) {
                bound.first = greater(bound.first, (f.value(x) / x).magnitude());
            }
            bound.second = greater(bound.second, product_up(2.0 * bound.first, up(1.0 / least.lower())));
        } else if f.value(Ball::ZERO).sign() == Some(Ordering::Equal) {
            let range = hull(first, Ball::ZERO).widen(self.distance);
            bound.first = greater(bound.first, f.slope(range).magnitude());
            bound.second = greater(bound.second, up(f.curvature(range).magnitude() * 0.5));
        } else {
            return Err(
                undecided("singular values", format!("a least one that may be 0, where the {} has a jump", F::NAME)).named("RankDeficient")
            );
        }
        Ok((image, bound))
    }
}

/// `U f(Σ) Vᵀ` for odd f: the argument of [`enclose_function`] applied to `[0 A; Aᵀ 0]`, whose eigenvalues are ±σ and 0.
pub(super) fn enclose_singular_map<F: SpectralFunction>(a: &Matrix<Ball>, f: &F) -> Result<Matrix<Ball>> {
    let near = NearbySvd::new(a, Ok)?;
    let (image, bound) = near.image(f)?;
    let radius = sum_up(product_up(bound.first, near.distance), near.moved(&image));
    widened(near.compose(&image)?, radius, F::NAME)
}

/// The derivative of [`enclose_singular_map`] along `M`: the argument of [`enclose_function_vjp`], where `‖[0 A; Aᵀ 0]‖_F = √2 ‖A‖_F` enters once, 2√2 < 3. Terms
/// between two of the zeros cancel, since f is odd. Replacing the factors by those computed moves it by at most `8(δ_u + δ_v) L ‖M‖_F`.
pub(super) fn enclose_singular_map_vjp<F: SpectralFunction>(a: &Matrix<Ball>, f: &F, m: &Matrix<Ball>) -> Result<Matrix<Ball>> {
    let near = NearbySvd::new(a, Ok)?;
    let (_, bound) = near.image(f)?;
    let svd = Svd { u: near.u.clone(), sigma: near.d.clone(), v: near.v.clone() };
    let middle = derivative_of_map(&svd, f, m)?;
    let (u, v) = near.delta;
    let relative = sum_up(product_up(up(3.0 * bound.second), near.distance), product_up(bound.first, product_up(8.0, sum_up(u, v))));
    widened(middle, product_up(relative, matrix_norm(m)), F::NAME)
}

/// The rotation nearest to a square matrix, from a decomposition whose last σ carries the sign of the determinant. It moves by at most
/// `2/(σ_{n−1} + σ_n)` times what the matrix moves by, and along the way that sum falls by at most twice the distance.
pub(super) fn enclose_rotation(a: &Matrix<Ball>, signed: impl Fn(Svd<DoubleDouble>) -> Result<Svd<DoubleDouble>>) -> Result<Matrix<Ball>> {
    let near = NearbySvd::new(a, signed).map_err(|e| undecided("singular values", e.to_string()).named("RankDeficient"))?;
    let n = near.d.len();
    let ones = vec![Ball::ONE; n];
    let radius = match n {
        0 | 1 => 0.0,
        _ => {
            let gap = (near.d[n - 2] + near.d[n - 1] - Ball::exact(near.distance) * Ball::exact(2.0)).lower();
            if !(gap > 0.0) {
                return Err(undecided("singular values", "two last ones whose signed sum may be 0".into()).named("RankDeficient"));
            }
            product_up(up(2.0 / gap), near.distance)
        }
    };
    let radius = sum_up(radius, near.moved(&ones));
    Ok(near.compose(&ones)?.map(|x| x.widen(radius)))
}
