//! Thin QR by Householder reflections.

use super::matrix::Matrix;
use super::scaling::{common_exponent, power};
use crate::scalar::{Ball, Bulk, DoubleDouble, Implicit, Scalar};
use crate::{Error, Result};

/// `A = Q R` for `m × n` with `m ≥ n`: `Q` is `m × n` with orthonormal columns, `R` is `n × n`, upper triangular, with `R_jj ≥ 0`.
///
/// For full column rank this form is unique, and `R` is the transpose of the Cholesky factor of `AᵀA`. LAPACK, NumPy and PyTorch leave the
/// signs of `R_jj` free. Any `A` factors; a column that depends on those before it has `R_jj = 0` up to rounding.
///
/// Columnwise backward stable (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, Theorem 19.4): `Q R = A + ΔA`, `‖Δa_j‖₂ ≤ c m u √n ‖a_j‖₂`, and
/// `‖QᵀQ − I‖_F ≤ c m u √n`, whatever the conditioning; columns are scaled by powers of two first, so none over- or underflows. A ball is
/// enclosed from the residual of an approximate factor, a dual number differentiates the equations `A = QR`, `QᵀQ = I`. Cost `4mn²` flops.
#[derive(Clone, Debug)]
pub struct Qr<S> {
    /// `m × n`, orthonormal columns.
    pub q: Matrix<S>,
    /// `n × n`, upper triangular, non-negative diagonal.
    pub r: Matrix<S>,
}

impl<S: Scalar> Qr<S> {
    /// Factors `A`. Errors: `Shape` if it has fewer rows than columns; `NotFinite`; `Undecided` for a ball that may be rank deficient.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        let [m, n] = a.shape();
        if m < n {
            return Err(Error::shape("matrix", "at least as many rows as columns", format!("{a:?}")));
        }
        a.check_finite("matrix")?;
        Factors { m, n }.unpack(S::implicit(&Factors { m, n }, &[a.data()])?)
    }

    /// The first column that depends on those before it to working precision, `R_jj ≤ m u ‖a_j‖₂`, if there is one.
    pub fn deficient_column(&self) -> Option<usize> {
        let tolerance = self.q.rows() as f64 * S::UNIT_ROUNDOFF;
        (0..self.r.cols()).find(|&j| {
            let column: Vec<S> = (0..=j).map(|i| self.r[(i, j)]).collect();
            let scale = power::<S>(-common_exponent(column.iter().copied()));
            let squares: f64 = column.iter().map(|&x| (x * scale).value()).map(|x| x * x).sum();
            !((self.r[(j, j)] * scale).value() > tolerance * squares.sqrt())
        })
    }

    /// The gradient in `A` from `Q̄` and `R̄` (of which the upper triangle counts): with `M = R R̄ᵀ − Q̄ᵀ Q`, `Ā = (Q̄ + Q C) R⁻ᵀ`, `C` the symmetric matrix whose
    /// lower triangle is that of `M`. From `dA = dQ R + Q dR`, `QᵀdQ` skew and `dR` upper triangular (Walter & Lehmann, 2010). `6mn²` flops.
    /// Errors: `Shape`; `Domain` (`RankDeficient`) where [`deficient_column`](Self::deficient_column) finds one.
    pub fn vjp(&self, q_bar: &Matrix<S>, r_bar: &Matrix<S>) -> Result<Matrix<S>> {
        let n = self.r.cols();
        if q_bar.shape() != self.q.shape() || r_bar.shape() != self.r.shape() {
            return Err(Error::shape("cotangents", format!("{:?} and {:?}", self.q, self.r), format!("{q_bar:?} and {r_bar:?}")));
        }
        if let Some(j) = self.deficient_column() {
            return Err(
                Error::domain(format!("column {j}"), "full column rank", "a column that depends on those before it").named("RankDeficient")
            );
        }
        let upper = Matrix::from_fn(n, n, |i, j| if j >= i { r_bar[(i, j)] } else { S::ZERO });
        let m = self.r.matmul_t(&upper)?.sub(&q_bar.t_matmul(&self.q)?)?;
        let c = Matrix::from_fn(n, n, |i, j| m[(i.max(j), i.min(j))]);
        self.over_r_transposed(&q_bar.add(&self.q.matmul(&c)?)?)
    }

    /// `X R⁻ᵀ`: `R Yᵀ = Xᵀ`.
    fn over_r_transposed(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        let mut y = x.transpose();
        let m = y.cols();
        S::solve_lower_t(self.r.transpose().data(), self.r.cols(), y.data_mut(), m)?;
        Ok(y.transpose())
    }
    /// `X R⁻¹`: `Rᵀ Yᵀ = Xᵀ`.
    fn over_r(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        let mut y = x.transpose();
        let m = y.cols();
        S::solve_lower(self.r.transpose().data(), self.r.cols(), y.data_mut(), m)?;
        Ok(y.transpose())
    }

    /// How the factors move with `A`: with `B = Qᵀ dA R⁻¹` and `Ω` the skew matrix that has its strict lower triangle,
    /// `dQ = QΩ + (I − QQᵀ) dA R⁻¹`, `dR = (B − Ω) R`.
    fn tangent(&self, da: &Matrix<S>) -> Result<Qr<S>> {
        let n = self.r.cols();
        let moved = self.over_r(da)?;
        let b = self.q.t_matmul(&moved)?;
        let omega = Matrix::from_fn(n, n, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Greater => b[(i, j)],
            std::cmp::Ordering::Equal => S::ZERO,
            std::cmp::Ordering::Less => -b[(j, i)],
        });
        let q = self.q.matmul(&omega)?.add(&moved.sub(&self.q.matmul(&b)?)?)?;
        let triangle = b.sub(&omega)?.matmul(&self.r)?;
        let r = Matrix::from_fn(n, n, |i, j| if j >= i { triangle[(i, j)] } else { S::ZERO });
        Ok(Qr { q, r })
    }
    fn pack(self) -> Vec<Vec<S>> {
        vec![self.q.into_data(), self.r.into_data()]
    }
}

/// The factorisation as each number type carries it out.
struct Factors {
    m: usize,
    n: usize,
}
impl Factors {
    fn unpack<S: Scalar>(&self, parts: Vec<Vec<S>>) -> Result<Qr<S>> {
        let [q, r] = <[Vec<S>; 2]>::try_from(parts).map_err(|_| Error::shape("QR", "two factors", "another number"))?;
        Ok(Qr { q: Matrix::new(self.m, self.n, q)?, r: Matrix::new(self.n, self.n, r)? })
    }
}
impl Implicit for Factors {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(householder(&Matrix::new(self.m, self.n, inputs[0].to_vec())?).pack())
    }
    /// Not a number where a column depends on those before it: there is no derivative.
    fn tangent<S: Scalar>(&self, _: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let qr = self.unpack(outputs.to_vec())?;
        match qr.deficient_column() {
            Some(_) => Ok(outputs.iter().map(|part| vec![S::from_f64(f64::NAN); part.len()]).collect()),
            None => Ok(qr.tangent(&Matrix::new(self.m, self.n, directions[0].to_vec())?)?.pack()),
        }
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(enclose(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?.pack())
    }
}

/// Column j, from row j on, is reflected onto the axis by `H_j = I − β v vᵀ`, `v = x + sgn(x₀)‖x‖e₀`, `β = 1/(‖x‖ (|x₀| + ‖x‖))`; then `R_jj = ∓‖x‖`, and row j of `R`
/// and column j of `Q` change sign together to make it positive. Columns are kept as rows, contiguous, each over its own power of two.
pub(super) fn householder<S: Scalar>(a: &Matrix<S>) -> Qr<S> {
    let [m, n] = a.shape();
    let mut columns = a.transpose();
    let mut exponents = vec![0; n];
    for (j, e) in exponents.iter_mut().enumerate() {
        *e = common_exponent(columns.row(j).iter().copied());
        let scale = power::<S>(-*e);
        columns.row_mut(j).iter_mut().for_each(|x| *x *= scale);
    }
    let mut r = Matrix::zeros(n, n);
    let mut reflectors: Vec<(Vec<S>, S, S)> = Vec::with_capacity(n);
    for j in 0..n {
        let e = common_exponent(columns.row(j)[j..].iter().copied());
        let mut v: Vec<S> = columns.row(j)[j..].iter().map(|&x| x * power(-e)).collect();
        // A column that is already on the axis stays, and only takes its sign.
        let settled = v[1..].iter().all(|x| x.value() == 0.0);
        let norm = if settled { v[0].abs() } else { S::dot(&v, &v).sqrt() };
        let sign = if (v[0].value() < 0.0) == settled { -S::ONE } else { S::ONE };
        r[(j, j)] = norm * (power::<S>(e) * power(exponents[j]));
        let beta = if settled { S::ZERO } else { (norm * (v[0].abs() + norm)).recip() };
        v[0] -= sign * norm;
        for k in j + 1..n {
            reflect(&mut columns.row_mut(k)[j..], &v, beta);
        }
        reflectors.push((v, beta, sign));
    }
    let mut q = Matrix::zeros(n, m);
    for k in 0..n {
        let column = q.row_mut(k);
        column[k] = reflectors[k].2;
        for (j, (v, beta, _)) in reflectors[..=k].iter().enumerate().rev() {
            reflect(&mut column[j..], v, *beta);
        }
        for j in 0..k {
            r[(j, k)] = columns[(k, j)] * reflectors[j].2 * power(exponents[k]);
        }
    }
    Qr { q: q.transpose(), r }
}

/// `x ← x − β (v·x) v`.
fn reflect<S: Scalar>(x: &mut [S], v: &[S], beta: S) {
    let factor = beta * S::dot(v, x);
    for (x, &v) in x.iter_mut().zip(v) {
        *x -= factor * v;
    }
}

/// The factors of every matrix in the balls. With `X ≈ R⁻¹` upper triangular and taken as exact, `Y = A X` is orthonormal up to a residual that
/// `YᵀY` encloses; that matrix is close to `I`, so its Cholesky factor `L` costs no digits, and `Q = Y L⁻ᵀ`, `R = QᵀA`, `R_jj = L_jj / X_jj`.
/// Errors: `Undecided` if the columns are not surely independent.
fn enclose(a: &Matrix<Ball>) -> Result<Qr<Ball>> {
    let [m, n] = a.shape();
    let undecided = |what: String| Error::undecided("matrix", "columns that are surely independent", what).named("RankDeficient");
    let exponents: Vec<i32> = (0..n).map(|j| common_exponent((0..m).map(|i| a[(i, j)].mid()))).collect();
    let a = Matrix::from_fn(m, n, |i, j| a[(i, j)] * power(-exponents[j]));
    let approximate = householder::<DoubleDouble>(&a.map(|x| x.mid()));
    if let Some(j) = approximate.deficient_column() {
        return Err(undecided(format!("column {j} dependent on those before it")));
    }
    let mut x = Matrix::<DoubleDouble>::identity(n);
    DoubleDouble::solve_lower(approximate.r.transpose().data(), n, x.data_mut(), n)?;
    let x = Matrix::from_fn(n, n, |i, j| if j >= i { Ball::new(x[(j, i)], 0.0) } else { Ball::ZERO });
    let y = a.matmul(&x)?;
    let mut l = y.gram_cols();
    Ball::cholesky(l.data_mut(), n).map_err(|e| undecided(e.to_string()))?;
    let mut q = y.transpose();
    Ball::solve_lower(l.data(), n, q.data_mut(), m)?;
    let q = q.transpose();
    let mut r = q.t_matmul(&a)?;
    for i in 0..n {
        r.row_mut(i)[..i].fill(Ball::ZERO);
        r[(i, i)] = l[(i, i)] / x[(i, i)];
        for j in i..n {
            r[(i, j)] *= power(exponents[j]);
        }
    }
    Ok(Qr { q, r })
}
