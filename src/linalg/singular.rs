//! Functions of the singular values: `Σ f(σ_i)`, and `U f(Σ) Vᵀ` for odd f. They have derivatives whatever the ties.

use super::matrix::Matrix;
use super::spectral::{Derivative, SpectralFunction};
use super::spectral_bounds as bounds;
use super::svd::Svd;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `Σ f(σ_i)` over all `min(m, n)` singular values. Errors: those of [`Svd::new`]; `Domain`, for a ball `Undecided`, where f is not defined.
///
/// A dual number takes the gradient [`singular_sum_gradient`]; a ball adds the images of the enclosed σ.
pub fn singular_sum<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<S> {
    a.check_finite("matrix")?;
    let [m, n] = a.shape();
    Ok(S::implicit(&Sum { m, n, f }, &[a.data()])?[0][0])
}

/// The gradient of [`singular_sum`], `U diag(f′(σ)) Vᵀ` (Lewis, J. Convex Anal. 2, 1995). Singular values that cannot be told from 0, [`Svd::rank`], are at the kink
/// of a function with f′(0) ≠ 0 and contribute 0: for the nuclear norm that is the subgradient of least norm.
pub fn singular_sum_gradient<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<Matrix<S>> {
    a.check_finite("matrix")?;
    let [m, n] = a.shape();
    Matrix::new(m, n, S::implicit(&Gradient { m, n, f }, &[a.data()])?.swap_remove(0))
}

/// `U f(Σ) Vᵀ` for a function f that is odd: with f = 1 on x > 0 the polar factor, with a shrinkage the proximal map of its norm.
///
/// Only f on `σ ≥ 0` is used. Errors: those of [`Svd::new`]; `Domain` where f is not defined; `Domain` (`RankDeficient`), for a ball `Undecided`, if σ cannot be told
/// from 0 ([`Svd::rank`]) and f(0) ≠ 0, for then the result is not unique.
pub fn singular_map<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F) -> Result<Matrix<S>> {
    a.check_finite("matrix")?;
    let [m, n] = a.shape();
    Matrix::new(m, n, S::implicit(&Map { m, n, f }, &[a.data()])?.swap_remove(0))
}

/// The gradient of [`singular_map`] from the cotangent `B̄`. With `N = Uᵀ B̄ V`, on the symmetric part of `N` the factors `(f(σ_i) − f(σ_j))/(σ_i − σ_j)`, on its skew part
/// `(f(σ_i) + f(σ_j))/(σ_i + σ_j)`, and `f(σ)/σ` on what lies outside `U` and `V`: the theorem of Daleckii and Krein for `[0 A; Aᵀ 0]`. It is its own transpose,
/// so a dual number moves by the same formula.
pub fn singular_map_vjp<S: Scalar, F: SpectralFunction>(a: &Matrix<S>, f: &F, cotangent: &Matrix<S>) -> Result<Matrix<S>> {
    if cotangent.shape() != a.shape() {
        return Err(Error::shape("cotangent", format!("{a:?}"), format!("{cotangent:?}")));
    }
    if S::NAME == Ball::NAME {
        return Ok(bounds::enclose_singular_map_vjp(&a.cast(), f, &cotangent.cast())?.cast());
    }
    let svd = Svd::new(a)?;
    image(&svd, f)?;
    derivative(&svd, f, cotangent)
}

/// f of each singular value.
fn image<S: Scalar, F: SpectralFunction>(svd: &Svd<S>, f: &F) -> Result<Vec<S>> {
    let rank = svd.rank();
    if rank < svd.sigma.len() && !vanishes_at_zero(f) {
        let found = format!("{:e} beside {:e}", svd.sigma[rank].value(), svd.sigma[0].value());
        return Err(Error::domain(format!("singular value {rank}"), "a number above rounding", found).named("RankDeficient"));
    }
    defined(&svd.sigma, f)
}
fn defined<S: Scalar, F: SpectralFunction>(sigma: &[S], f: &F) -> Result<Vec<S>> {
    let values: Vec<S> = sigma.iter().map(|&x| f.value(x)).collect();
    match values.iter().position(|y| !y.is_finite()) {
        None => Ok(values),
        Some(i) if S::NAME == Ball::NAME => Err(Error::undecided(
            format!("singular value {i}"),
            format!("a number surely in the domain of the {}", F::NAME),
            format!("{:?}", sigma[i].to_ball()),
        )),
        Some(i) => Err(Error::domain(
            format!("singular value {i}"),
            format!("a number in the domain of the {}", F::NAME),
            format!("{:e}", sigma[i].value()),
        )),
    }
}
/// f(0) = 0.
fn vanishes_at_zero<F: SpectralFunction>(f: &F) -> bool {
    f.value(0.0).sign() == Some(Ordering::Equal)
}

pub(super) fn derivative<S: Scalar, F: SpectralFunction>(svd: &Svd<S>, f: &F, m: &Matrix<S>) -> Result<Matrix<S>> {
    let (s, half) = (&svd.sigma, S::from_f64(0.5));
    let (mv, mtu) = (m.matmul(&svd.v)?, m.t_matmul(&svd.u)?);
    let n = svd.u.t_matmul(&mv)?;
    let mean = |i: usize, j: usize| ratio(f, f.value(s[i]) + f.value(s[j]), s[i] + s[j]);
    let inner = Matrix::from_fn(s.len(), s.len(), |i, j| {
        let (symmetric, skew) = ((n[(i, j)] + n[(j, i)]) * half, (n[(i, j)] - n[(j, i)]) * half);
        let along = if i == j { f.slope(s[i]) } else { f.divided(s[i], s[j]) };
        match i == j {
            true => along * symmetric,
            false => along * symmetric + mean(i, j) * skew,
        }
    });
    let mut moved = svd.u.matmul(&inner)?.matmul_t(&svd.v)?;
    let over: Vec<S> = s.iter().map(|&s| ratio(f, f.value(s), s)).collect();
    let outside = |factor: &Matrix<S>, image: &Matrix<S>| -> Result<Matrix<S>> {
        let outside = image.sub(&factor.matmul(&factor.t_matmul(image)?)?)?;
        Ok(Matrix::from_fn(outside.rows(), outside.cols(), |i, j| outside[(i, j)] * over[j]))
    };
    if svd.u.rows() > svd.u.cols() {
        moved = moved.add(&outside(&svd.u, &mv)?.matmul_t(&svd.v)?)?;
    }
    if svd.v.rows() > svd.v.cols() {
        moved = moved.add(&svd.u.matmul_t(&outside(&svd.v, &mtu)?)?)?;
    }
    Ok(moved)
}
/// y/x, with the limit f′(0) at x = 0.
fn ratio<S: Scalar, F: SpectralFunction>(f: &F, y: S, x: S) -> S {
    if x.sign() == Some(Ordering::Equal) { f.slope(S::ZERO) } else { y / x }
}

/// `Σ f(σ_i)` as each number type carries it out.
struct Sum<'a, F> {
    m: usize,
    n: usize,
    f: &'a F,
}
impl<F: SpectralFunction> Sum<'_, F> {
    fn sum<S: Scalar>(&self, input: &[S]) -> Result<Vec<Vec<S>>> {
        let svd = Svd::new(&Matrix::new(self.m, self.n, input.to_vec())?)?;
        Ok(vec![vec![S::sum(&defined(&svd.sigma, self.f)?)]])
    }
}
impl<F: SpectralFunction> Implicit for Sum<'_, F> {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        self.sum(inputs[0])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let gradient = singular_sum_gradient(&Matrix::new(self.m, self.n, inputs[0].to_vec())?, self.f)?;
        Ok(vec![vec![S::dot(gradient.data(), directions[0])]])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        self.sum(inputs[0])
    }
}

/// `U diag(f′(σ)) Vᵀ` as each number type carries it out.
struct Gradient<'a, F> {
    m: usize,
    n: usize,
    f: &'a F,
}
impl<F: SpectralFunction> Implicit for Gradient<'_, F> {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let svd = Svd::new(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?;
        let slopes = svd.sigma.iter().enumerate().map(|(i, &s)| if i < svd.rank() { self.f.slope(s) } else { S::ZERO });
        Ok(vec![svd.compose(&slopes.collect::<Vec<_>>())?.into_data()])
    }
    /// Where the rank is not full and f′(0) ≠ 0 there is no second derivative: not a number.
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let (svd, slope) = (Svd::new(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?, Derivative(self.f));
        if svd.rank() < svd.sigma.len() && !vanishes_at_zero(&slope) {
            return Ok(vec![vec![S::from_f64(f64::NAN); outputs[0].len()]]);
        }
        Ok(vec![derivative(&svd, &slope, &Matrix::new(self.m, self.n, directions[0].to_vec())?)?.into_data()])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![bounds::enclose_singular_map(&Matrix::new(self.m, self.n, inputs[0].to_vec())?, &Derivative(self.f))?.into_data()])
    }
}

/// `U f(Σ) Vᵀ` as each number type carries it out.
struct Map<'a, F> {
    m: usize,
    n: usize,
    f: &'a F,
}
impl<F: SpectralFunction> Implicit for Map<'_, F> {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let svd = Svd::new(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?;
        Ok(vec![svd.compose(&image(&svd, self.f)?)?.into_data()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let svd = Svd::new(&Matrix::new(self.m, self.n, inputs[0].to_vec())?)?;
        Ok(vec![derivative(&svd, self.f, &Matrix::new(self.m, self.n, directions[0].to_vec())?)?.into_data()])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![bounds::enclose_singular_map(&Matrix::new(self.m, self.n, inputs[0].to_vec())?, self.f)?.into_data()])
    }
}
