//! The sparsifying half: one step of a LASSO, and the block that CRATE makes of it.

use super::rate::non_negative;
use crate::learn::{Layer, Parameter, check_input, parameters, relu_derivative, same_shape, soft_threshold_derivative};
use crate::linalg::Matrix;
use crate::linalg::dispatch::{Isa, Kernel};
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// The proximal map of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// `relu(x − ηλ)`: codes from 0 on.
    NonNegative,
    /// `sgn(x) max(|x| − ηλ, 0)`.
    Soft,
}

fn check<S: Scalar>(a: &Matrix<S>, y: &Matrix<S>, d: &Matrix<S>, lambda: S) -> Result<()> {
    if a.rows() == 0 || d.rows() == 0 || d.cols() == 0 {
        return Err(Error::shape("a", "at least one token, one feature and one atom", format!("{a:?}, {d:?}")).named("EmptyInput"));
    }
    if a.cols() != d.cols() {
        return Err(Error::shape("a", format!("n × {}, a code for every atom", d.cols()), format!("{a:?}")).named("ShapeMismatch"));
    }
    if y.shape() != [a.rows(), d.rows()] {
        return Err(Error::shape("y", format!("{} × {}", a.rows(), d.rows()), format!("{y:?}")).named("ShapeMismatch"));
    }
    non_negative("lambda", lambda)
}

/// `F(A) = λ‖A‖_1 + ½‖Y − A Dᵀ‖_F²`, the LASSO of codes A for data Y in the dictionary D; with [`Shrink::NonNegative`] on A ≥ 0 only. `a`: n × m, `y`: n × d, `d`: d × m (an
/// atom a column), `λ ≥ 0`. Cost `2nmd` flops. Errors: `Shape`, `Domain`.
pub fn ista_objective<S: Scalar>(a: &Matrix<S>, y: &Matrix<S>, d: &Matrix<S>, lambda: S) -> Result<S> {
    check(a, y, d, lambda)?;
    let magnitudes: Vec<S> = a.data().iter().map(|x| x.abs()).collect();
    Ok(lambda * S::sum(&magnitudes) + y.sub(&a.matmul_t(d)?)?.frobenius_squared() * S::from_f64(0.5))
}

/// One proximal gradient step on [`ista_objective`]: `P = A + η (Y − A Dᵀ) D`, then `relu(P − ηλ)` or the soft threshold at ηλ.
///
/// Shapes as there; `η ≥ 0`. For `η ≤ 1/‖D‖₂²` the objective falls; the official code fixes η while D is learned, so that nothing guarantees it there.
/// Cost `4nmd` flops. Errors: `Shape`, `Domain`.
///
/// Source: Daubechies, Defrise and De Mol, *An Iterative Thresholding Algorithm for Linear Inverse Problems with a Sparsity Constraint*, Comm. Pure Appl. Math. 2004.
pub fn ista_step<S: Scalar>(a: &Matrix<S>, y: &Matrix<S>, d: &Matrix<S>, eta: S, lambda: S, shrink: Shrink) -> Result<Matrix<S>> {
    let threshold = eta * lambda;
    Ok(before_shrink(a, y, d, eta, lambda)?.map(|p| match shrink {
        Shrink::NonNegative => (p - threshold).relu(),
        Shrink::Soft => p.soft_threshold(threshold),
    }))
}

/// `A + η (Y − A Dᵀ) D`.
fn before_shrink<S: Scalar>(a: &Matrix<S>, y: &Matrix<S>, d: &Matrix<S>, eta: S, lambda: S) -> Result<Matrix<S>> {
    check(a, y, d, lambda)?;
    non_negative("eta", eta)?;
    let mut p = a.clone();
    let residual = y.sub(&a.matmul_t(d)?)?.scale(eta);
    S::product(residual.view(), d.view(), p.data_mut(), Part::Full);
    Ok(p)
}

/// The gradients of a step.
#[derive(Clone, Debug)]
pub struct IstaGradient<S> {
    /// With respect to the codes (of [`crate_ista`]: to Z).
    pub a: Matrix<S>,
    /// With respect to the data (of [`crate_ista`]: empty).
    pub y: Matrix<S>,
    /// With respect to the dictionary.
    pub d: Matrix<S>,
    /// With respect to η.
    pub eta: S,
    /// With respect to λ.
    pub lambda: S,
}

/// Gradient of [`ista_step`]. With H the cotangent where the threshold lets it through and `E = Y − A Dᵀ`: `Ē = η H Dᵀ`, `Ā = H − Ē D`, `Ȳ = Ē`, `D̄ = η EᵀH − ĒᵀA`,
/// `λ̅ = −η Σ (sgn P)·H`, `η̅ = ⟨H, E D − λ sgn P⟩`, the sign of the non-negative step being 1.
pub fn ista_step_vjp<S: Scalar>(
    a: &Matrix<S>,
    y: &Matrix<S>,
    d: &Matrix<S>,
    eta: S,
    lambda: S,
    shrink: Shrink,
    y_bar: &Matrix<S>,
) -> Result<IstaGradient<S>> {
    let p = before_shrink(a, y, d, eta, lambda)?;
    same_shape("cotangent", &p, y_bar)?;
    let threshold = eta * lambda;
    let slopes = |p: S| match shrink {
        Shrink::NonNegative => {
            let open = relu_derivative(p - threshold);
            (open, -open)
        }
        Shrink::Soft => soft_threshold_derivative(p, threshold),
    };
    let h = p.zip(y_bar, |p, y| slopes(p).0 * y)?;
    let through_threshold: Vec<S> = p.data().iter().zip(y_bar.data()).map(|(&p, &y)| slopes(p).1 * y).collect();
    let threshold_bar = S::sum(&through_threshold);
    let residual = y.sub(&a.matmul_t(d)?)?;
    let e_bar = h.matmul_t(d)?.scale(eta);
    Ok(IstaGradient {
        a: h.sub(&e_bar.matmul(d)?)?,
        d: residual.t_matmul(&h)?.scale(eta).sub(&e_bar.t_matmul(a)?)?,
        eta: h.dot(&residual.matmul(d)?)? + lambda * threshold_bar,
        lambda: eta * threshold_bar,
        y: e_bar,
    })
}

/// The ISTA block of CRATE: one non-negative step for a complete dictionary, started at the data: `ISTA(Z | D) = relu(Z + η (Z − Z Dᵀ) D − ηλ)`.
///
/// The official code writes `Z D − Z Dᵀ D`; factored, it is two products instead of three. Each element is one chain of fused multiply-adds that starts at `z − ηλ`.
///
/// Source: Yu et al., NeurIPS 2023; official CRATE code, model/crate.py, class FeedForward: η = λ = 0.1, its `weight` is D. The monograph's chapter on
/// transformers prints the threshold with the other sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Ista<S> {
    /// D: d × d, an atom a column.
    pub weight: Parameter<S>,
    /// η.
    pub step: S,
    /// λ.
    pub lambda: S,
}
parameters!(Ista { "weight" => weight });

/// The output of [`Ista`] and the memory of its gradient.
#[derive(Clone, Debug, Default)]
pub struct IstaTrace<S> {
    /// The output, exact zeros included.
    pub y: Matrix<S>,
    residual: Matrix<S>,
    passed: Matrix<S>,
    moment: Matrix<S>,
    turned: Matrix<S>,
}

impl<S: Scalar> Ista<S> {
    /// D = 0 with the official η = λ = 0.1.
    pub fn zeros(d: usize) -> Self {
        Ista { weight: Parameter::zeros(&[d, d]), step: S::from_f64(0.1), lambda: S::from_f64(0.1) }
    }
}

/// H the cotangent where the output is above 0: `Z̄ = H + Ē − Ē D` with `Ē = η H Dᵀ`; `D̄ = η (M − D (M + Mᵀ))` with `M = ZᵀH`, from
/// `dP = dZ + η (dZ − dZ Dᵀ − Z dDᵀ) D + η (Z − Z Dᵀ) dD`.
impl<S: Scalar> Layer<S> for Ista<S> {
    type Trace = IstaTrace<S>;
    fn forward<'t>(&self, x: &Matrix<S>, _tokens: usize, trace: &'t mut IstaTrace<S>) -> Result<&'t Matrix<S>> {
        let d = self.weight.rows();
        if self.weight.cols() != d {
            return Err(Error::shape("dictionary", "a square matrix", format!("{:?}", self.weight.shape())).named("ShapeMismatch"));
        }
        check_input(x, 1, d)?;
        non_negative("eta", self.step)?;
        non_negative("lambda", self.lambda)?;
        let IstaTrace { y, residual, .. } = trace;
        residual.reset(x.rows(), d);
        S::product(x.view(), self.weight.view().t(), residual.data_mut(), Part::Full);
        y.assign(x);
        let isa = Isa::detect();
        isa.run(Start { x: x.data(), residual: residual.data_mut(), y: y.data_mut(), step: self.step, threshold: self.step * self.lambda });
        S::product(residual.view(), self.weight.view(), y.data_mut(), Part::Full);
        isa.run(Relu(y.data_mut()));
        Ok(y)
    }
    fn backward(&self, x: &Matrix<S>, trace: &mut IstaTrace<S>, dy: &Matrix<S>, grad: &mut Self, dx: &mut Matrix<S>) -> Result<()> {
        same_shape("cotangent", &trace.y, dy)?;
        let d = self.weight.rows();
        let IstaTrace { y, residual, passed, moment, turned } = trace;
        passed.assign(dy);
        let isa = Isa::detect();
        isa.run(Gate { y: y.data(), h: passed.data_mut() });
        residual.reset(x.rows(), d);
        S::product(passed.view(), self.weight.view().t(), residual.data_mut(), Part::Full);
        isa.run(Return { h: passed.data(), e: residual.data_mut(), dx: dx.data_mut(), step: self.step });
        S::product(residual.view(), self.weight.view(), dx.data_mut(), Part::Full);
        moment.reset(d, d);
        S::product(x.view().t(), passed.view(), moment.data_mut(), Part::Full);
        turned.reset(d, d);
        let m = moment.data_mut();
        for i in 0..d {
            for (j, q) in turned.row_mut(i).iter_mut().enumerate() {
                *q = -(m[i * d + j] + m[j * d + i]);
            }
        }
        S::product(self.weight.view(), turned.view(), m, Part::Full);
        isa.run(Continue { m, g: grad.weight.data_mut(), step: self.step });
        Ok(())
    }
}

/// The residual becomes `η (z − z Dᵀ)`, the output starts at `z − ηλ`.
struct Start<'a, S> {
    x: &'a [S],
    residual: &'a mut [S],
    y: &'a mut [S],
    step: S,
    threshold: S,
}
impl<S: Scalar> Kernel for Start<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((&x, e), y) in self.x.iter().zip(self.residual).zip(self.y) {
            *e = self.step * (x - *e);
            *y = x - self.threshold;
        }
    }
}
struct Relu<'a, S>(&'a mut [S]);
impl<S: Scalar> Kernel for Relu<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for y in self.0 {
            *y = y.relu();
        }
    }
}
/// Where the output is 0, the cotangent stops.
struct Gate<'a, S> {
    y: &'a [S],
    h: &'a mut [S],
}
impl<S: Scalar> Kernel for Gate<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (&y, h) in self.y.iter().zip(self.h) {
            *h *= relu_derivative(y);
        }
    }
}
/// `e = H Dᵀ` becomes `−Ē = −η e`, and `H + Ē` goes to `dx`.
struct Return<'a, S> {
    h: &'a [S],
    e: &'a mut [S],
    dx: &'a mut [S],
    step: S,
}
impl<S: Scalar> Kernel for Return<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((&h, e), dx) in self.h.iter().zip(self.e).zip(self.dx) {
            let back = self.step * *e;
            *dx += h + back;
            *e = -back;
        }
    }
}

/// `g` gains `η m`.
struct Continue<'a, S> {
    m: &'a [S],
    g: &'a mut [S],
    step: S,
}
impl<S: Scalar> Kernel for Continue<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (g, &m) in self.g.iter_mut().zip(self.m) {
            *g = self.step.mul_add(m, *g);
        }
    }
}

/// [`Ista`] as a function: `relu(Z + η (Z − Z Dᵀ) D − ηλ)`. `z`: n × d, `dictionary`: d × d, `η, λ ≥ 0`. Result n × d, with exact zeros. Cost `4nd²` flops.
/// Errors: `Shape`, `Domain`.
pub fn crate_ista<S: Scalar>(z: &Matrix<S>, dictionary: &Matrix<S>, eta: S, lambda: S) -> Result<Matrix<S>> {
    Ista { weight: dictionary.clone().into(), step: eta, lambda }.apply(z, 1)
}

/// Gradient of [`crate_ista`]; for the parameters, with H the cotangent where the output is above 0: `η̅ = ⟨H, (Z − Z Dᵀ) D − λ⟩`, `λ̅ = −η Σ H`.
pub fn crate_ista_vjp<S: Scalar>(z: &Matrix<S>, dictionary: &Matrix<S>, eta: S, lambda: S, y_bar: &Matrix<S>) -> Result<IstaGradient<S>> {
    let layer = Ista { weight: dictionary.clone().into(), step: eta, lambda };
    let (a, grad) = layer.vjp(z, 1, y_bar)?;
    let h = layer.apply(z, 1)?.zip(y_bar, |y, bar| relu_derivative(y) * bar)?;
    let total = S::sum(h.data());
    let along = z.sub(&z.matmul_t(dictionary)?)?.matmul(dictionary)?;
    Ok(IstaGradient { a, y: Matrix::default(), d: grad.weight.matrix(), eta: h.dot(&along)? - lambda * total, lambda: -(eta * total) })
}
