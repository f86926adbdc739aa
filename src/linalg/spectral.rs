//! Functions of a symmetric matrix, and the projector on its leading eigenvectors: they exist, and have derivatives, where eigenvectors do not.

use super::eigen::Eigen;
use super::matrix::{Matrix, mirror};
use super::spectral_bounds as bounds;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// A function of one real variable, applied to eigenvalues or singular values.
pub trait SpectralFunction {
    /// Its name, for messages.
    const NAME: &'static str;
    /// f(x). Not finite outside the domain.
    fn value<S: Scalar>(&self, x: S) -> S;
    /// f′(x).
    fn slope<S: Scalar>(&self, x: S) -> S;
    /// f″(x). It bounds how far a gradient moves, when balls enclose one.
    fn curvature<S: Scalar>(&self, x: S) -> S;
    /// (f(x) − f(y))/(x − y), or f′(x) for x = y.
    ///
    /// Here in general: for close numbers the mean of f′ by three-point Gauss quadrature, accurate to about `u^¾`. A ball takes the narrower of the quotient and
    /// `f′(m) ± |x − y|/4 sup|f″ − f″(m)|`, m the middle. A function that knows a form without cancellation should give it.
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        let (gap, middle) = (x - y, (x + y) * S::from_f64(0.5));
        let distinct = matches!(gap.sign(), Some(sign) if sign != Ordering::Equal);
        if S::NAME == Ball::NAME {
            let spread = self.curvature(hull(x, y)) - self.curvature(middle);
            let mean = self.slope(middle) + spread * gap * S::from_f64(0.25) * around_zero();
            // Without a curvature the mean value theorem alone: f′ over the hull.
            let mean = if mean.is_finite() { mean } else { self.slope(hull(x, y)) };
            let quotient = (self.value(x) - self.value(y)) / gap;
            return if distinct && quotient.to_ball().rad() < mean.to_ball().rad() { quotient } else { mean };
        }
        let near = S::UNIT_ROUNDOFF.sqrt().sqrt().sqrt() * middle.value().abs();
        if !distinct {
            self.slope(middle)
        } else if gap.value().abs() > near {
            (self.value(x) - self.value(y)) / gap
        } else {
            let step = gap * S::from_f64(0.5) * (S::from_f64(3.0) / S::from_f64(5.0)).sqrt();
            let ends = self.slope(middle - step) + self.slope(middle + step);
            (ends * S::from_f64(5.0) + self.slope(middle) * S::from_f64(8.0)) / S::from_f64(18.0)
        }
    }
}

/// For balls the hull of both, for other numbers their mean.
pub(super) fn hull<S: Scalar>(x: S, y: S) -> S {
    let half = S::from_f64(0.5);
    (x + y) * half + (x - y) * half * around_zero()
}
/// [−1, 1] as a ball, 0 in other numbers.
fn around_zero<S: Scalar>() -> S {
    S::from_ball(Ball::exact(0.0).widen(1.0))
}

/// √x, on x ≥ 0 (with a slope on x > 0).
#[derive(Clone, Copy, Debug)]
pub struct SquareRoot;
impl SpectralFunction for SquareRoot {
    const NAME: &'static str = "square root";
    fn value<S: Scalar>(&self, x: S) -> S {
        x.sqrt()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        S::from_f64(0.5) / x.sqrt()
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        S::from_f64(-0.25) / (x * x.sqrt())
    }
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        (x.sqrt() + y.sqrt()).recip()
    }
}

/// 1/√x, on x > 0.
#[derive(Clone, Copy, Debug)]
pub struct InverseSquareRoot;
impl SpectralFunction for InverseSquareRoot {
    const NAME: &'static str = "inverse square root";
    fn value<S: Scalar>(&self, x: S) -> S {
        x.sqrt().recip()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        S::from_f64(-0.5) / (x * x.sqrt())
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        S::from_f64(0.75) / (x.square() * x.sqrt())
    }
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        let (x, y) = (x.sqrt(), y.sqrt());
        -(x * y * (x + y)).recip()
    }
}

/// 1/x, on x ≠ 0.
#[derive(Clone, Copy, Debug)]
pub struct Reciprocal;
impl SpectralFunction for Reciprocal {
    const NAME: &'static str = "reciprocal";
    fn value<S: Scalar>(&self, x: S) -> S {
        x.recip()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        -x.square().recip()
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        S::from_f64(2.0) / (x * x.square())
    }
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        -(x * y).recip()
    }
}

/// ln x, on x > 0.
#[derive(Clone, Copy, Debug)]
pub struct Logarithm;
impl SpectralFunction for Logarithm {
    const NAME: &'static str = "logarithm";
    fn value<S: Scalar>(&self, x: S) -> S {
        x.ln()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        x.recip()
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        -x.square().recip()
    }
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        let gap = x - y;
        match gap.sign() {
            None | Some(Ordering::Equal) => self.slope(hull(x, y)),
            Some(_) => (gap / y).log1p() / gap,
        }
    }
}

/// eˣ.
#[derive(Clone, Copy, Debug)]
pub struct Exponential;
impl SpectralFunction for Exponential {
    const NAME: &'static str = "exponential";
    fn value<S: Scalar>(&self, x: S) -> S {
        x.exp()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        x.exp()
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        x.exp()
    }
    fn divided<S: Scalar>(&self, x: S, y: S) -> S {
        let gap = x - y;
        match gap.sign() {
            None | Some(Ordering::Equal) => self.slope(hull(x, y)),
            Some(_) => y.exp() * (gap.expm1() / gap),
        }
    }
}

/// The derivative of another function, as a function of its own; it has no curvature to give.
pub(super) struct Derivative<'a, F>(pub &'a F);
impl<F: SpectralFunction> SpectralFunction for Derivative<'_, F> {
    const NAME: &'static str = F::NAME;
    fn value<S: Scalar>(&self, x: S) -> S {
        self.0.slope(x)
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        self.0.curvature(x)
    }
    fn curvature<S: Scalar>(&self, _: S) -> S {
        S::from_f64(f64::NAN)
    }
}

/// `f(A) = V f(Λ) Vᵀ` of a symmetric matrix (its lower triangle), symmetric to the bit. The cost of [`Eigen`] and `n³` flops.
///
/// A ball: for symmetric `A`, `B` with spectra in an interval, `‖f(A) − f(B)‖_F ≤ sup|f′| ‖A − B‖_F`, applied to the nearby `B` whose decomposition is known.
/// Errors: those of [`Eigen::new`]; `Domain` with the eigenvalue at which f is not defined; `Undecided` for a ball where it may not be.
pub fn spectral_function<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    a.check_finite("matrix")?;
    let mut parts = S::implicit(&Map { n, f }, &[a.data()])?;
    Matrix::new(n, n, parts.swap_remove(0))
}

/// The gradient of [`spectral_function`] in `A`, under symmetric perturbations: `Ā = V (Γ∘(Vᵀ sym(B̄) V)) Vᵀ`, `Γ_ij = (f(λ_i) − f(λ_j))/(λ_i − λ_j)`, `f′(λ_i)` on ties
/// (Daleckii & Krein, 1965; Higham, *Functions of Matrices*, 2008, Theorem 3.11). Repeated eigenvalues are no exception.
pub fn spectral_function_vjp<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F, cotangent: &Matrix<S>) -> Result<Matrix<S>> {
    if cotangent.shape() != a.shape() {
        return Err(Error::shape("cotangent", format!("{a:?}"), format!("{cotangent:?}")));
    }
    if S::NAME == Ball::NAME {
        return Ok(bounds::enclose_function_vjp(&lower(&a.cast())?, f, &cotangent.cast())?.cast());
    }
    let eigen = Eigen::new(a)?;
    apply(&eigen, f)?;
    let gradient = derivative(&eigen, f, cotangent)?;
    gradient.check_finite("gradient")?;
    Ok(gradient)
}

/// `tr f(A) = Σ f(λ_i)`. Errors as [`spectral_function`].
pub fn trace_function<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<S> {
    Ok(S::sum(&apply(&Eigen::new(a)?, f)?))
}

/// The gradient of [`trace_function`], `f′(A)`. Errors as [`spectral_function`].
pub fn trace_function_gradient<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<Matrix<S>> {
    spectral_function(a, &Derivative(f))
}

/// The symmetric matrix whose lower triangle is given.
fn lower<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    let (mut a, n) = (a.clone(), a.check_square("matrix")?);
    mirror(a.data_mut(), n);
    Ok(a)
}
fn symmetric<S: Scalar>(input: &[S], n: usize) -> Result<Matrix<S>> {
    lower(&Matrix::new(n, n, input.to_vec())?)
}

/// f of each eigenvalue.
fn apply<S: Scalar, F: SpectralFunction>(eigen: &Eigen<S>, f: &F) -> Result<Vec<S>> {
    let values: Vec<S> = eigen.values.iter().map(|&x| f.value(x)).collect();
    match values.iter().position(|y| !y.is_finite()) {
        None => Ok(values),
        Some(i) => {
            let (at, expected) = (format!("eigenvalue {i}"), format!("a number in the domain of the {}", F::NAME));
            let found = eigen.values[i].value();
            Err(if S::NAME == Ball::NAME {
                Error::undecided(at, expected, format!("{:?}", eigen.values[i].to_ball()))
            } else {
                Error::domain(at, expected, format!("{found:e}"))
            })
        }
    }
}

/// `V (Γ∘(Vᵀ sym(M) V)) Vᵀ`: the derivative of f(A) is its own transpose.
pub(super) fn derivative<S: Scalar, F: SpectralFunction>(eigen: &Eigen<S>, f: &F, m: &Matrix<S>) -> Result<Matrix<S>> {
    let mut inner = eigen.coordinates(m)?;
    for i in 0..inner.rows() {
        for j in 0..=i {
            inner[(i, j)] *= if i == j { f.slope(eigen.values[i]) } else { f.divided(eigen.values[i], eigen.values[j]) };
        }
    }
    mirror(inner.data_mut(), eigen.values.len());
    eigen.conjugate(&inner)
}

/// f(A) as each number type carries it out.
struct Map<'a, F> {
    n: usize,
    f: &'a F,
}
impl<F: SpectralFunction> Implicit for Map<'_, F> {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let eigen = Eigen::new(&symmetric(inputs[0], self.n)?)?;
        Ok(vec![eigen.compose(&apply(&eigen, self.f)?)?.into_data()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let eigen = Eigen::new(&symmetric(inputs[0], self.n)?)?;
        Ok(vec![derivative(&eigen, self.f, &symmetric(directions[0], self.n)?)?.into_data()])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![bounds::enclose_function(&symmetric(inputs[0], self.n)?, self.f)?.into_data()])
    }
}

/// `P = V_k V_kᵀ`, the orthogonal projector on the eigenvectors of the k largest eigenvalues of a symmetric matrix; symmetric to the bit.
///
/// `tr(PA) = max tr(UᵀAU)` over `UᵀU = I_k` (Fan, Proc. Natl. Acad. Sci. 35, 1949). Errors: those of [`Eigen::new`]; `Domain` (`InvalidRank`) if `k > n`; `Domain`
/// (`SpectralGapTooSmall`) unless `λ_k > λ_{k+1}` by more than `n u ‖A‖`, `Undecided` for a ball that cannot tell: then the projector is not unique.
pub fn top_k_projector<S: Scalar>(a: &Matrix<S>, k: usize) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    a.check_finite("matrix")?;
    if k > n {
        return Err(Error::domain("k", format!("at most {n}"), k.to_string()).named("InvalidRank"));
    }
    let mut parts = S::implicit(&Projector { n, k }, &[a.data()])?;
    Matrix::new(n, n, parts.swap_remove(0))
}

/// The gradient of [`top_k_projector`]: `Ā = V (K∘(Vᵀ sym(P̄) V)) Vᵀ`, `K_ij = 1/(λ_i − λ_j)` between the k leading eigenvalues and the others, else 0: only the gap
/// `λ_k − λ_{k+1}` matters. Errors as [`top_k_projector`].
pub fn top_k_projector_vjp<S: Scalar>(a: &Matrix<S>, k: usize, cotangent: &Matrix<S>) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    if k > n || cotangent.shape() != [n, n] {
        return Err(Error::shape("k and cotangent", format!("at most {n} and {n} × {n}"), format!("{k} and {cotangent:?}")));
    }
    if S::NAME == Ball::NAME {
        return Ok(bounds::enclose_projector_vjp(&lower(&a.cast())?, k, &cotangent.cast())?.cast());
    }
    Projector { n, k }.derivative(&Eigen::new(a)?, cotangent)
}

/// The projector as each number type carries it out.
struct Projector {
    n: usize,
    k: usize,
}
impl Projector {
    fn check_gap<S: Scalar>(&self, eigen: &Eigen<S>) -> Result<()> {
        if self.k == 0 || self.k == self.n || !eigen.tied(self.k - 1, self.k) {
            return Ok(());
        }
        let gap = format!("{:e}", (eigen.values[self.k - 1] - eigen.values[self.k]).value());
        Err(Error::domain(format!("eigenvalues {} and {}", self.k - 1, self.k), "a gap above rounding", gap).named("SpectralGapTooSmall"))
    }
    fn derivative<S: Scalar>(&self, eigen: &Eigen<S>, m: &Matrix<S>) -> Result<Matrix<S>> {
        self.check_gap(eigen)?;
        let coordinates = eigen.coordinates(m)?;
        let inner = Matrix::from_fn(self.n, self.n, |i, j| match (i < self.k, j < self.k) {
            (true, false) => coordinates[(i, j)] / (eigen.values[i] - eigen.values[j]),
            (false, true) => coordinates[(j, i)] / (eigen.values[j] - eigen.values[i]),
            _ => S::ZERO,
        });
        eigen.conjugate(&inner)
    }
}
impl Implicit for Projector {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let eigen = Eigen::new(&symmetric(inputs[0], self.n)?)?;
        self.check_gap(&eigen)?;
        Ok(vec![eigen.vectors.select_cols(0, self.k)?.gram_rows().into_data()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(vec![self.derivative(&Eigen::new(&symmetric(inputs[0], self.n)?)?, &symmetric(directions[0], self.n)?)?.into_data()])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![bounds::enclose_projector(&symmetric(inputs[0], self.n)?, self.k)?.into_data()])
    }
}
