//! General square matrices: LU with partial pivoting, solves, inverse, determinant.
//!
//! For symmetric positive definite matrices use [`super::Cholesky`]. Prefer a solve to an inverse.

use super::matrix::Matrix;
use super::spectral_bounds::{exact, norm_up};
use crate::scalar::{Ball, Bulk, DoubleDouble, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `P A = L U`: `L` unit lower triangular with entries of magnitude at most 1, `U` upper triangular, `P` a permutation.
///
/// Backward stable in practice: `|L U − P A| ≤ γ_n |L||U|` (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, Theorem 9.3). Each element is one chain
/// of fused multiply-adds in increasing k. `2n³/3` flops.
#[derive(Clone, Debug)]
pub struct Lu<S> {
    /// `L` below the diagonal, `U` on and above it.
    factors: Matrix<S>,
    /// Row i of `P A` is row `order[i]` of `A`.
    order: Vec<usize>,
    /// Whether the permutation is odd.
    odd: bool,
}

impl<S: Scalar> Lu<S> {
    /// Factors `A`, pivoting on the entry of largest magnitude, the first on a tie. A column without one leaves a zero pivot: the factors exist, and
    /// [`solve`](Self::solve) refuses. Errors: `Shape` unless square; `NotFinite`.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        let n = a.check_square("matrix")?;
        a.check_finite("matrix")?;
        let (mut a, mut order, mut odd) = (a.clone(), (0..n).collect::<Vec<_>>(), false);
        for k in 0..n {
            let pivot = (k + 1..n).fold(k, |best, i| if (a[(i, k)].abs() - a[(best, k)].abs()).value() > 0.0 { i } else { best });
            if pivot != k {
                let (upper, lower) = a.data_mut().split_at_mut(pivot * n);
                upper[k * n..(k + 1) * n].swap_with_slice(&mut lower[..n]);
                order.swap(k, pivot);
                odd = !odd;
            }
            if a[(k, k)].sign() == Some(Ordering::Equal) {
                continue;
            }
            let (head, tail) = a.data_mut().split_at_mut((k + 1) * n);
            let pivot_row = &head[k * n..];
            for row in tail.chunks_exact_mut(n) {
                row[k] /= pivot_row[k];
                let factor = -row[k];
                for (x, &u) in row[k + 1..].iter_mut().zip(&pivot_row[k + 1..]) {
                    *x = factor.mul_add(u, *x);
                }
            }
        }
        Ok(Lu { factors: a, order, odd })
    }
    fn size(&self) -> usize {
        self.order.len()
    }
    fn check_regular(&self) -> Result<()> {
        match (0..self.size()).find(|&k| self.factors[(k, k)].sign() == Some(Ordering::Equal)) {
            None => Ok(()),
            Some(k) => Err(Error::domain(format!("pivot {k}"), "a number other than 0", "0").named("SingularMatrix")),
        }
    }
    /// `A⁻¹ B`. `2n²m` flops. Errors: `Shape`; `Domain` (`SingularMatrix`) at a zero pivot.
    pub fn solve(&self, b: &Matrix<S>) -> Result<Matrix<S>> {
        self.check_right(b)?;
        let mut x = b.select_rows(&self.order)?;
        let m = x.cols();
        S::solve_lower(self.lower().data(), self.size(), x.data_mut(), m)?;
        S::solve_lower_t(self.upper().transpose().data(), self.size(), x.data_mut(), m)?;
        Ok(x)
    }
    /// `A⁻ᵀ B`. `2n²m` flops. Errors as [`solve`](Self::solve).
    pub fn solve_transposed(&self, b: &Matrix<S>) -> Result<Matrix<S>> {
        self.check_right(b)?;
        let (mut y, m) = (b.clone(), b.cols());
        S::solve_lower(self.upper().transpose().data(), self.size(), y.data_mut(), m)?;
        S::solve_lower_t(self.lower().data(), self.size(), y.data_mut(), m)?;
        let mut x = Matrix::zeros(self.size(), m);
        for (i, &from) in self.order.iter().enumerate() {
            x.row_mut(from).copy_from_slice(y.row(i));
        }
        Ok(x)
    }
    fn check_right(&self, b: &Matrix<S>) -> Result<()> {
        if b.rows() != self.size() {
            return Err(Error::shape("right-hand side", format!("{} rows", self.size()), format!("{b:?}")));
        }
        self.check_regular()
    }
    /// The sign of `det A` and `ln |det A|`: `(0, −∞)` does not exist here, a zero pivot is an error. For the empty matrix `(1, 0)`.
    pub fn log_abs_det(&self) -> Result<(Ordering, S)> {
        self.check_regular()?;
        let pivots = self.factors.diagonal();
        let mut negative = self.odd;
        for (k, pivot) in pivots.iter().enumerate() {
            match pivot.sign() {
                Some(sign) => negative ^= sign == Ordering::Less,
                None => return Err(Error::undecided(format!("pivot {k}"), "a number of one sign", format!("{:?}", pivot.to_ball()))),
            }
        }
        let logs: Vec<S> = pivots.iter().map(|x| x.abs().ln()).collect();
        Ok((if negative { Ordering::Less } else { Ordering::Greater }, S::sum(&logs)))
    }
    /// `det A`, the product of the pivots; it over- and underflows where [`log_abs_det`](Self::log_abs_det) does not.
    pub fn determinant(&self) -> S {
        let product = self.factors.diagonal().into_iter().fold(S::ONE, |product, pivot| product * pivot);
        if self.odd { -product } else { product }
    }
    fn lower(&self) -> Matrix<S> {
        Matrix::from_fn(self.size(), self.size(), |i, j| match j.cmp(&i) {
            Ordering::Less => self.factors[(i, j)],
            Ordering::Equal => S::ONE,
            Ordering::Greater => S::ZERO,
        })
    }
    fn upper(&self) -> Matrix<S> {
        Matrix::from_fn(self.size(), self.size(), |i, j| if j >= i { self.factors[(i, j)] } else { S::ZERO })
    }
}

/// `A⁻¹ B` for a general square `A`. A ball is enclosed by the residual of an approximate inverse, a dual number moves by `dX = A⁻¹ (dB − dA X)`.
/// Errors: `Shape`, `NotFinite`, `Domain` (`SingularMatrix`); `Undecided` for a ball that may be singular.
pub fn solve<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    if b.rows() != n {
        return Err(Error::shape("right-hand side", format!("{n} rows"), format!("{b:?}")));
    }
    a.check_finite("matrix")?;
    b.check_finite("right-hand side")?;
    let m = b.cols();
    Matrix::new(n, m, S::implicit(&Solve { n, m }, &[a.data(), b.data()])?.swap_remove(0))
}

/// The gradients of [`solve`] in `A` and `B`, from its solution `x` and the cotangent `x̄`: `B̄ = A⁻ᵀ x̄`, `Ā = −B̄ xᵀ`.
pub fn solve_vjp<S: Scalar>(a: &Matrix<S>, x: &Matrix<S>, x_bar: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    if x.shape() != x_bar.shape() {
        return Err(Error::shape("cotangent", format!("{x:?}"), format!("{x_bar:?}")));
    }
    let b_bar = solve(&a.transpose(), x_bar)?;
    Ok((b_bar.matmul_t(x)?.scale(-S::ONE), b_bar))
}

/// `A⁻¹`. `8n³/3` flops. `‖A X − I‖ ≤ c n u ‖L‖‖U‖‖X‖` (Higham 2002, §14.3). Errors as [`solve`].
pub fn inverse<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    solve(a, &Matrix::identity(a.check_square("matrix")?))
}

/// The gradient of [`inverse`] from the inverse `X` itself and the cotangent: `Ā = −Xᵀ X̄ Xᵀ`.
pub fn inverse_vjp<S: Scalar>(inverse: &Matrix<S>, cotangent: &Matrix<S>) -> Result<Matrix<S>> {
    Ok(inverse.t_matmul(cotangent)?.matmul_t(inverse)?.scale(-S::ONE))
}

/// The sign of `det A` and `ln |det A|` of a general nonsingular matrix; `(1, 0)` for the empty one. A ball is enclosed, see [`solve`].
/// Errors: `Shape`, `NotFinite`, `Domain` (`SingularMatrix`); `Undecided` for a ball that may be singular.
pub fn log_abs_det<S: Scalar>(a: &Matrix<S>) -> Result<(Ordering, S)> {
    let n = a.check_square("matrix")?;
    a.check_finite("matrix")?;
    let parts = S::implicit(&LogAbsDet { n }, &[a.data()])?;
    Ok((parts[1][0].sign().unwrap_or(Ordering::Equal), parts[0][0]))
}

/// The gradient of `ln |det A|`: `Ā = c̄ A⁻ᵀ`.
pub fn log_abs_det_vjp<S: Scalar>(a: &Matrix<S>, cotangent: S) -> Result<Matrix<S>> {
    Ok(inverse(a)?.transpose().scale(cotangent))
}

/// The solution as each number type carries it out.
struct Solve {
    n: usize,
    m: usize,
}
impl Implicit for Solve {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let (a, b) = (Matrix::new(self.n, self.n, inputs[0].to_vec())?, Matrix::new(self.n, self.m, inputs[1].to_vec())?);
        Ok(vec![Lu::new(&a)?.solve(&b)?.into_data()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let [a, da] = [inputs[0], directions[0]].map(|x| Matrix::new(self.n, self.n, x.to_vec()));
        let [x, db] = [&outputs[0], directions[1]].map(|x| Matrix::new(self.n, self.m, x.to_vec()));
        Ok(vec![solve(&a?, &db?.sub(&da?.matmul(&x?)?)?)?.into_data()])
    }
    /// With `R ≈ A⁻¹` taken as exact, `E = I − R A`, `‖E‖ ≤ ε < 1`, and any `X̃`: `X − X̃ = (I − E)⁻¹ R (B − A X̃) = Y + E (I − E)⁻¹ Y`, and column j of the last term
    /// is at most `ε/(1 − ε) ‖y_j‖` long (Rump, Acta Numerica 19, 2010, §10).
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        let (a, b) = (Matrix::new(self.n, self.n, inputs[0].to_vec())?, Matrix::new(self.n, self.m, inputs[1].to_vec())?);
        let lu = Lu::<DoubleDouble>::new(&a.map(Ball::mid))?;
        let r = exact(&lu.solve(&Matrix::identity(self.n)).map_err(|e| may_be_singular(e.to_string()))?);
        let e = Matrix::identity(self.n).sub(&r.matmul(&a)?)?;
        let epsilon = norm_up(e.data().iter().copied());
        if !(epsilon < 0.5) {
            return Err(may_be_singular(format!("a residual of {epsilon:.1e}")));
        }
        let x = exact(&lu.solve(&b.map(Ball::mid))?);
        let y = r.matmul(&b.sub(&a.matmul(&x)?)?)?;
        let factor = if epsilon == 0.0 { 0.0 } else { (epsilon / (1.0 - epsilon).next_down()).next_up() };
        let rest: Vec<f64> = (0..self.m)
            .map(|j| norm_up((0..self.n).map(|i| y[(i, j)])))
            .map(|y| if y == 0.0 || factor == 0.0 { 0.0 } else { (factor * y).next_up() })
            .collect();
        let sum = x.add(&y)?;
        Ok(vec![Matrix::from_fn(self.n, self.m, |i, j| sum[(i, j)].widen(rest[j])).into_data()])
    }
}
fn may_be_singular(found: String) -> Error {
    Error::undecided("matrix", "an enclosure narrow enough to prove the matrix nonsingular", found).named("SingularMatrix")
}

/// `ln |det A|` and the sign, ±1, as each number type carries them out.
struct LogAbsDet {
    n: usize,
}
impl LogAbsDet {
    fn pack<S: Scalar>((sign, value): (Ordering, S)) -> Vec<Vec<S>> {
        vec![vec![value], vec![if sign == Ordering::Less { -S::ONE } else { S::ONE }]]
    }
}
impl Implicit for LogAbsDet {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(Self::pack(Lu::new(&Matrix::new(self.n, self.n, inputs[0].to_vec())?)?.log_abs_det()?))
    }
    /// `d ln |det A| = tr(A⁻¹ dA)`.
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let [a, da] = [inputs[0], directions[0]].map(|x| Matrix::new(self.n, self.n, x.to_vec()));
        Ok(vec![vec![inverse(&a?)?.transpose().dot(&da?)?], vec![S::ZERO]])
    }
    /// With `X ≈ L⁻¹` exactly unit triangular and `Y ≈ U⁻¹` exactly triangular, `X P A Y = I + E` and `ln |det A| = ln det(I + E) − Σ ln |y_jj|`;
    /// `|ln det(I + E) − tr E| ≤ ‖E‖_F²/(2(1 − ‖E‖_F))` from the eigenvalues of `E` (Schur's inequality bounds the sum of their squares).
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        let n = self.n;
        let a = Matrix::new(n, n, inputs[0].to_vec())?;
        let lu = Lu::<DoubleDouble>::new(&a.map(Ball::mid))?;
        lu.check_regular().map_err(|e| may_be_singular(e.to_string()))?;
        let (mut x, mut y) = (Matrix::<DoubleDouble>::identity(n), Matrix::<DoubleDouble>::identity(n));
        DoubleDouble::solve_lower(lu.lower().data(), n, x.data_mut(), n)?;
        DoubleDouble::solve_lower(lu.upper().transpose().data(), n, y.data_mut(), n)?;
        let y = exact(&y);
        let e = exact(&x).matmul(&a.select_rows(&lu.order)?)?.matmul_t(&y)?.sub(&Matrix::identity(n))?;
        let norm = norm_up(e.data().iter().copied());
        if !(norm < 0.5) {
            return Err(may_be_singular(format!("a residual of {norm:.1e}")));
        }
        let rest = if norm == 0.0 { 0.0 } else { ((norm * norm).next_up() / (2.0 * (1.0 - norm).next_down())).next_up() };
        let logs: Vec<Ball> = y.diagonal().into_iter().map(|y| Scalar::ln(Scalar::abs(y))).collect();
        let negative = y.diagonal().iter().filter(|y| y.value() < 0.0).count() % 2 == 1;
        let sign = if lu.odd != negative { Ordering::Less } else { Ordering::Greater };
        Ok(Self::pack((sign, e.trace().widen(rest) - <Ball as Bulk>::sum(&logs))))
    }
}
