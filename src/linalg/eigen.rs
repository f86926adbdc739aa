//! Symmetric eigendecomposition by cyclic Jacobi rotations.

use super::matrix::{Matrix, mirror};
use super::scaling::{normalised, power};
use super::spectral_bounds as bounds;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `A = V diag(λ) Vᵀ` of a symmetric matrix, `λ₁ ≥ … ≥ λ_n`.
///
/// Only the lower triangle of `A` is read. An eigenvector is a column of `V`; its entry of largest magnitude (the first, on a tie) is
/// positive. NumPy's and PyTorch's `eigh` order ascending and leave the sign free. In the space of a repeated eigenvalue any orthonormal basis is
/// an answer: compare such results through projectors or functions of `A`, not column by column.
///
/// Cyclic Jacobi (Golub & Van Loan, *Matrix Computations*, 2013, §8.5) with the relative rule `|a_pq| ≤ u √|a_pp a_qq|` for a negligible element.
/// `‖A − VΛVᵀ‖_F ≤ 20 n u ‖A‖_F`, `‖VᵀV − I‖_F ≤ 40 n u`; a positive definite `A` has every eigenvalue to relative accuracy
/// `c n u κ(H)`, `H` being `A` scaled to unit diagonal (Demmel & Veselić, SIAM J. Matrix Anal. Appl. 13, 1992). A ball is enclosed from the residual of an
/// approximate `V` ([`enclose_eigenvalues`]); a dual number differentiates `AV = VΛ`, `VᵀV = I`. About `6n³` flops a sweep, 5 to 14 sweeps.
#[derive(Clone, Debug)]
pub struct Eigen<S> {
    /// Eigenvalues, descending.
    pub values: Vec<S>,
    /// `n × n`; column i belongs to eigenvalue i.
    pub vectors: Matrix<S>,
}

impl<S: Scalar> Eigen<S> {
    /// Decomposes `A`. Errors: `Shape` unless square; `NotFinite`; `NotConverged` after 60 sweeps (not seen); `Undecided` for balls too wide.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        let n = a.check_square("matrix")?;
        a.check_finite("matrix")?;
        Decomposition { n }.unpack(S::implicit(&Decomposition { n }, &[a.data()])?)
    }

    /// `V diag(f) Vᵀ`, symmetric to the bit. `n³` flops.
    pub fn compose(&self, f: &[S]) -> Result<Matrix<S>> {
        let n = self.values.len();
        if f.len() != n {
            return Err(Error::shape("diagonal", format!("{n} numbers"), format!("{} numbers", f.len())));
        }
        let scaled = Matrix::from_fn(n, n, |i, j| self.vectors[(i, j)] * f[j]);
        let mut product = scaled.matmul_t(&self.vectors)?;
        mirror(product.data_mut(), n);
        Ok(product)
    }

    /// The gradient in `A`, under symmetric perturbations, from `λ̄` and `V̄`: `Ā = sym(V (diag(λ̄) + F∘(Vᵀ V̄)) Vᵀ)`, `F_ij = 1/(λ_j − λ_i)` off the diagonal. From
    /// `dλ_i = v_iᵀ dA v_i`, `dV = V (F∘(Vᵀ dA V))` (Magnus, Econometric Theory 1, 1985). Meaningful for a loss that does not change with the
    /// signs of the columns. `6n³` flops.
    ///
    /// Errors: `Shape`; `Domain` (`SpectralGapTooSmall`) if `V̄` asks for the direction between two eigenvectors whose eigenvalues agree to
    /// `n u ‖A‖`; functions of `A` and projectors have gradients there ([`super::SpectralFunction`], [`super::top_k_projector_vjp`]).
    pub fn vjp(&self, values_bar: &[S], vectors_bar: Option<&Matrix<S>>) -> Result<Matrix<S>> {
        let n = self.values.len();
        if values_bar.len() != n || vectors_bar.is_some_and(|v| v.shape() != [n, n]) {
            return Err(Error::shape(
                "cotangents",
                format!("{n} numbers and {n} × {n}"),
                format!("{} numbers and {vectors_bar:?}", values_bar.len()),
            ));
        }
        let mut inner = Matrix::from_diagonal(values_bar);
        if let Some(bar) = vectors_bar {
            let m = self.vectors.t_matmul(bar)?;
            for i in 0..n {
                for j in 0..i {
                    // sym: F_ij = −F_ji, so both halves of the pair carry (m_ij − m_ji)/(2(λ_j − λ_i)).
                    let turn = m[(i, j)] - m[(j, i)];
                    if self.tied(i, j) && turn.sign() != Some(Ordering::Equal) {
                        let gap = format!("{:e}", (self.values[j] - self.values[i]).value().abs());
                        return Err(
                            Error::domain(format!("eigenvalues {j} and {i}"), "a gap above rounding", gap).named("SpectralGapTooSmall")
                        );
                    }
                    if !self.tied(i, j) {
                        inner[(i, j)] = turn / ((self.values[j] - self.values[i]) * S::from_f64(2.0));
                        inner[(j, i)] = inner[(i, j)];
                    }
                }
            }
        }
        self.conjugate(&inner)
    }

    /// `V M Vᵀ` for symmetric `M`, symmetric to the bit.
    pub(super) fn conjugate(&self, m: &Matrix<S>) -> Result<Matrix<S>> {
        let mut product = self.vectors.matmul(m)?.matmul_t(&self.vectors)?;
        mirror(product.data_mut(), m.rows());
        Ok(product)
    }
    /// `Vᵀ sym(M) V`, symmetric to the bit.
    pub(super) fn coordinates(&self, m: &Matrix<S>) -> Result<Matrix<S>> {
        let mut product = self.vectors.t_matmul(&m.symmetrised()?)?.matmul(&self.vectors)?;
        mirror(product.data_mut(), m.rows());
        Ok(product)
    }
    /// Whether eigenvalues i and j agree to `n u ‖A‖`.
    pub(super) fn tied(&self, i: usize, j: usize) -> bool {
        let largest = self.values.first().zip(self.values.last()).map_or(0.0, |(a, b)| {
            let (a, b) = (a.value().abs(), b.value().abs());
            if a > b { a } else { b }
        });
        let gap = (self.values[i] - self.values[j]).value().abs();
        !(gap > self.values.len() as f64 * S::UNIT_ROUNDOFF * largest)
    }

    fn tangent(&self, da: &Matrix<S>) -> Result<Eigen<S>> {
        let n = self.values.len();
        let m = self.coordinates(da)?;
        let turn = Matrix::from_fn(n, n, |i, j| match (m[(i, j)].sign(), self.tied(i, j)) {
            (Some(Ordering::Equal), _) => S::ZERO,
            _ if i == j => S::ZERO,
            (_, true) => S::from_f64(f64::NAN),
            (_, false) => m[(i, j)] / (self.values[j] - self.values[i]),
        });
        Ok(Eigen { values: m.diagonal(), vectors: self.vectors.matmul(&turn)? })
    }
    fn pack(self) -> Vec<Vec<S>> {
        vec![self.values, self.vectors.into_data()]
    }
}

/// The decomposition as each number type carries it out.
struct Decomposition {
    n: usize,
}
impl Decomposition {
    fn unpack<S: Scalar>(&self, parts: Vec<Vec<S>>) -> Result<Eigen<S>> {
        let [values, vectors] = <[Vec<S>; 2]>::try_from(parts).map_err(|_| Error::shape("eigen", "two factors", "another number"))?;
        Ok(Eigen { values, vectors: Matrix::new(self.n, self.n, vectors)? })
    }
    fn symmetric<S: Scalar>(&self, input: &[S]) -> Result<Matrix<S>> {
        let mut a = input.to_vec();
        mirror(&mut a, self.n);
        Matrix::new(self.n, self.n, a)
    }
}
impl Implicit for Decomposition {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(jacobi(&self.symmetric(inputs[0])?)?.pack())
    }
    /// Eigenvectors that share an eigenvalue have no derivative between them: not a number.
    fn tangent<S: Scalar>(&self, _: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(self.unpack(outputs.to_vec())?.tangent(&self.symmetric(directions[0])?)?.pack())
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(bounds::enclose(&self.symmetric(inputs[0])?)?.pack())
    }
}

/// Sweeps over all pairs in row order until one passes without a rotation. Eigenvectors are kept as rows, contiguous.
pub(super) fn jacobi<S: Scalar>(a: &Matrix<S>) -> Result<Eigen<S>> {
    let n = a.rows();
    let (mut a, e) = normalised(a);
    let mut v = Matrix::<S>::identity(n);
    let mut sweeps = 0;
    while sweep(&mut a, &mut v) {
        sweeps += 1;
        if sweeps == 60 {
            return Err(Error::not_converged("eigendecomposition", "no rotation within 60 sweeps", "rotations still"));
        }
    }
    let values = a.diagonal();
    let order = descending(&values);
    let mut vectors = Matrix::zeros(n, n);
    for (j, &from) in order.iter().enumerate() {
        let sign = canonical_sign(v.row(from));
        for i in 0..n {
            vectors[(i, j)] = v[(from, i)] * sign;
        }
    }
    Ok(Eigen { values: order.iter().map(|&i| values[i] * power(e)).collect(), vectors })
}

/// One sweep; whether anything was rotated. Of `A` both triangles are kept, equal to the bit.
fn sweep<S: Scalar>(a: &mut Matrix<S>, v: &mut Matrix<S>) -> bool {
    let n = a.rows();
    let mut rotated = false;
    for p in 0..n {
        for q in p + 1..n {
            let (app, aqq, apq) = (a[(p, p)], a[(q, q)], a[(p, q)]);
            if apq.value().abs() <= S::UNIT_ROUNDOFF * app.value().abs().sqrt() * aqq.value().abs().sqrt() {
                continue;
            }
            rotated = true;
            let rotation = Rotation::annihilating((aqq - app) / (apq + apq));
            let (row_p, row_q) = two_rows(a, p, q);
            rotation.apply(row_p, row_q);
            (row_p[p], row_q[q]) = (app - rotation.t * apq, aqq + rotation.t * apq);
            (row_p[q], row_q[p]) = (S::ZERO, S::ZERO);
            for k in 0..n {
                (a[(k, p)], a[(k, q)]) = (a[(p, k)], a[(q, k)]);
            }
            let (row_p, row_q) = two_rows(v, p, q);
            rotation.apply(row_p, row_q);
        }
    }
    rotated
}

/// A plane rotation by the angle with tangent t: `(x, y) ← (c x − s y, s x + c y)`.
pub(super) struct Rotation<S> {
    pub t: S,
    pub c: S,
    pub s: S,
}
impl<S: Scalar> Rotation<S> {
    /// The smaller root of `t² + 2τt − 1 = 0`, `t = sgn(τ)/(|τ| + √(1 + τ²))`; `1/(2τ)` where 1 is lost beside τ².
    pub fn annihilating(tau: S) -> Self {
        let size = tau.abs();
        let t = match size.value() * size.value() * S::UNIT_ROUNDOFF > 1.0 {
            true => (size + size).recip(),
            false => (size + (S::ONE + size * size).sqrt()).recip(),
        };
        let t = if tau.value() < 0.0 { -t } else { t };
        let c = (S::ONE + t * t).sqrt().recip();
        Rotation { t, c, s: t * c }
    }
    pub fn apply(&self, x: &mut [S], y: &mut [S]) {
        for (x, y) in x.iter_mut().zip(y) {
            (*x, *y) = (self.c * *x - self.s * *y, self.s * *x + self.c * *y);
        }
    }
}

/// Rows p < q, both mutable.
pub(super) fn two_rows<S: Scalar>(a: &mut Matrix<S>, p: usize, q: usize) -> (&mut [S], &mut [S]) {
    let n = a.cols();
    let (head, tail) = a.data_mut().split_at_mut(q * n);
    (&mut head[p * n..(p + 1) * n], &mut tail[..n])
}

/// The order that sorts descending; equal numbers keep theirs.
pub(super) fn descending<S: Scalar>(x: &[S]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(x.len());
    for i in 0..x.len() {
        let place = order.iter().rposition(|&j| (x[i] - x[j]).sign() != Some(Ordering::Greater)).map_or(0, |at| at + 1);
        order.insert(place, i);
    }
    order
}

/// ±1, so that the entry of largest magnitude, the first on a tie, becomes positive.
pub(super) fn canonical_sign<S: Scalar>(v: &[S]) -> S {
    let mut largest = S::ZERO;
    for &x in v {
        if (x.abs() - largest.abs()).sign() == Some(Ordering::Greater) {
            largest = x;
        }
    }
    if largest.value() < 0.0 { -S::ONE } else { S::ONE }
}

/// Errors: `Domain` (`NotSymmetric`) at the first `a_ij ≠ a_ji`; `Shape` unless square. For callers who would rather know than have the lower
/// triangle read.
pub fn check_symmetric<S: Scalar>(a: &Matrix<S>) -> Result<()> {
    for i in 0..a.check_square("matrix")? {
        for j in 0..i {
            if a[(i, j)] != a[(j, i)] {
                let found = format!("{:e} and {:e}", a[(i, j)].value(), a[(j, i)].value());
                return Err(Error::domain(format!("elements ({i}, {j}) and ({j}, {i})"), "equal numbers", found).named("NotSymmetric"));
            }
        }
    }
    Ok(())
}

/// Enclosures of the eigenvalues, descending, of every symmetric matrix in the balls (lower triangle).
///
/// For any `V` near orthogonal, with `E = VᵀAV`, `δ ≥ ‖VᵀV − I‖` and `r ≥ ‖offdiag(E)‖_F`: `λ_i(A) ∈ (e_i ± r)/(1 ± δ)` with `e_i` the sorted
/// diagonal of `E`. Weyl's inequality moves the diagonal by at most r, Ostrowski's theorem the product by a factor in `σ(V)²` (Horn & Johnson,
/// *Matrix Analysis*, 2013, Theorems 4.3.1 and 4.5.9). `V` comes from double-double arithmetic, so r is about 30 digits below `‖A‖`.
/// Errors: `Shape`, `NotFinite`, `Undecided` (an entry is the whole line).
pub fn enclose_eigenvalues(a: &Matrix<Ball>) -> Result<Vec<Ball>> {
    Ok(Eigen::new(a)?.values)
}
