//! The problem, and one proximal gradient step on it.

use crate::learn::{relu_derivative, same_shape, soft_threshold_derivative};
use crate::linalg::{Matrix, spectral_norm};
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// Which codes are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// Any sign: the proximal map is the soft threshold `S_t(u) = sgn(u) max(|u| − t, 0)`.
    Signed,
    /// `z ≥ 0`: the proximal map is `relu(u − t)`.
    NonNegative,
}

impl Codes {
    /// The proximal map of `t‖·‖₁` on these codes, `t ≥ 0`.
    pub fn shrink<S: Scalar>(self, u: S, t: S) -> S {
        match self {
            Codes::Signed => u.soft_threshold(t),
            Codes::NonNegative => (u - t).relu(),
        }
    }
    /// `(∂/∂u, ∂/∂t)` of [`Codes::shrink`]; both 0 at the kink.
    pub fn slopes<S: Scalar>(self, u: S, t: S) -> (S, S) {
        match self {
            Codes::Signed => soft_threshold_derivative(u, t),
            Codes::NonNegative => {
                let open = relu_derivative(u - t);
                (open, -open)
            }
        }
    }
    /// What a correlation counts against λ: its magnitude, or for non-negative codes its positive part.
    pub fn excess<S: Scalar>(self, c: S) -> S {
        match self {
            Codes::Signed => c.abs(),
            Codes::NonNegative => c.relu(),
        }
    }
}

/// `P(Z) = ½‖X − ZA‖_F² + λ‖Z‖₁` for a dictionary and a λ, over signed or non-negative codes.
///
/// Source: Tibshirani, *Regression shrinkage and selection via the lasso*, JRSS-B 58, 1996; Chen, Donoho and Saunders, *Atomic decomposition by basis pursuit*, SIAM
/// J. Sci. Comput. 20, 1998.
#[derive(Clone, Debug)]
pub struct Lasso<S> {
    pub(super) a: Matrix<S>,
    pub(super) lambda: S,
    pub(super) codes: Codes,
}

/// Errors: `NotFinite`, `Domain` unless `x` is a finite number from 0 on.
pub(super) fn non_negative<S: Scalar>(name: &str, x: S) -> Result<()> {
    if !x.is_finite() {
        return Err(Error::not_finite(name, "a finite number from 0 on", x.value().to_string()).named("NonFinite"));
    }
    match x.sign() {
        Some(Ordering::Less) => Err(Error::domain(name, "a number from 0 on", x.value().to_string()).named("InvalidParameter")),
        None => Err(Error::undecided(name, "an enclosure on one side of 0", x.to_ball().to_text())),
        _ => Ok(()),
    }
}
/// Errors: `Domain` unless `x` is a finite number above 0.
pub(super) fn positive<S: Scalar>(name: &str, x: S) -> Result<()> {
    non_negative(name, x)?;
    match x.sign() {
        Some(Ordering::Equal) => Err(Error::domain(name, "a number above 0", "0").named("InvalidParameter")),
        _ => Ok(()),
    }
}

impl<S: Scalar> Lasso<S> {
    /// Atoms as rows (`m × d`), `λ ≥ 0`. Errors: `Shape` (`EmptyInput`) without atoms or features; `NotFinite`; `Domain` for `λ < 0`.
    pub fn new(atoms: Matrix<S>, lambda: S, codes: Codes) -> Result<Self> {
        if atoms.rows() == 0 || atoms.cols() == 0 {
            return Err(Error::shape("a", "at least one atom of at least one feature", format!("{atoms:?}")).named("EmptyInput"));
        }
        atoms.check_finite("a")?;
        non_negative("lambda", lambda)?;
        Ok(Lasso { a: atoms, lambda, codes })
    }
    /// The atoms, `m × d`.
    pub fn atoms(&self) -> &Matrix<S> {
        &self.a
    }
    /// λ.
    pub fn lambda(&self) -> S {
        self.lambda
    }
    /// Which codes are allowed.
    pub fn codes(&self) -> Codes {
        self.codes
    }
    /// The same atoms at another λ. Errors: as [`Lasso::new`].
    pub fn at(&self, lambda: S) -> Result<Self> {
        Lasso::new(self.a.clone(), lambda, self.codes)
    }

    pub(super) fn check_data(&self, x: &Matrix<S>) -> Result<()> {
        if x.rows() == 0 {
            return Err(Error::shape("x", "at least one sample", format!("{x:?}")).named("EmptyInput"));
        }
        if x.cols() != self.a.cols() {
            return Err(Error::shape("x", format!("n × {}", self.a.cols()), format!("{x:?}")).named("ShapeMismatch"));
        }
        x.check_finite("x")
    }
    pub(super) fn check(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<()> {
        self.check_data(x)?;
        if z.shape() != [x.rows(), self.a.rows()] {
            return Err(Error::shape("z", format!("{} × {}", x.rows(), self.a.rows()), format!("{z:?}")).named("ShapeMismatch"));
        }
        z.check_finite("z")?;
        match (self.codes, z.data().iter().position(|z| z.sign() == Some(Ordering::Less))) {
            (Codes::NonNegative, Some(k)) => Err(Error::domain(
                format!("z[{}, {}]", k / self.a.rows(), k % self.a.rows()),
                "a code from 0 on",
                z.data()[k].value().to_string(),
            )),
            _ => Ok(()),
        }
    }
    /// `R = X − ZA`.
    pub(super) fn residual(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<Matrix<S>> {
        x.sub(&z.matmul(&self.a)?)
    }

    /// `P(Z)`, over all rows. `2nmd` flops. Errors: `Shape`, `NotFinite`; `Domain` for a negative code where codes are non-negative (there `P = ∞`).
    pub fn objective(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<S> {
        self.check(x, z)?;
        let magnitudes: Vec<S> = z.data().iter().map(|z| z.abs()).collect();
        Ok(self.residual(x, z)?.frobenius_squared() * S::from_f64(0.5) + self.lambda * S::sum(&magnitudes))
    }
    /// `L = ‖A‖₂²`, the Lipschitz constant of the smooth part's gradient `(ZA − X)Aᵀ`. Errors: those of [`spectral_norm`].
    pub fn lipschitz(&self) -> Result<S> {
        Ok(spectral_norm(&self.a)?.square())
    }
    /// A step surely not above `1/L`: `1/L` less the error of the computed L. Errors: `Domain` where all atoms are 0, every step then being right.
    pub fn step_size(&self) -> Result<S> {
        let l = self.lipschitz()?;
        positive("L", l).map_err(|e| e.within("step"))?;
        // |σ̂₁ − σ₁| ≤ 10 max(m, d) √min(m, d) u σ₁ (see Svd), squared and divided.
        let [m, d] = self.a.shape().map(|k| k as f64);
        let (large, small) = if m > d { (m, d) } else { (d, m) };
        Ok(S::ONE / (l * S::from_f64(1.0 + 24.0 * large * small.sqrt() * S::UNIT_ROUNDOFF)))
    }
    /// `λ_max`: the smallest λ at which every code of `X` is 0, `max|XAᵀ|` (non-negative codes: the positive part of `max XAᵀ`). Errors: `Shape`, `NotFinite`.
    pub fn lambda_max(&self, x: &Matrix<S>) -> Result<S> {
        self.check_data(x)?;
        Ok(x.matmul_t(&self.a)?.data().iter().fold(S::ZERO, |m, &c| m.max(self.codes.excess(c))))
    }

    /// One proximal gradient step `Z⁺ = prox(Z + η(X − ZA)Aᵀ, ηλ)`. For `η ≤ 1/L` the objective falls, `P(Z⁺) ≤ P(Z) − (1/η − L/2)‖Z⁺ − Z‖²`. `4nmd` flops. Errors: `Shape`,
    /// `NotFinite`, `Domain` for `η < 0`.
    ///
    /// Source: Daubechies, Defrise and De Mol, Comm. Pure Appl. Math. 57, 2004.
    pub fn step(&self, x: &Matrix<S>, z: &Matrix<S>, eta: S) -> Result<Matrix<S>> {
        let threshold = eta * self.lambda;
        Ok(self.before_shrink(x, z, eta)?.map(|u| self.codes.shrink(u, threshold)))
    }
    /// `U = Z + η(X − ZA)Aᵀ`.
    pub(super) fn before_shrink(&self, x: &Matrix<S>, z: &Matrix<S>, eta: S) -> Result<Matrix<S>> {
        self.check_data(x)?;
        if z.shape() != [x.rows(), self.a.rows()] {
            return Err(Error::shape("z", format!("{} × {}", x.rows(), self.a.rows()), format!("{z:?}")).named("ShapeMismatch"));
        }
        non_negative("eta", eta)?;
        let mut u = z.clone();
        let residual = self.residual(x, z)?.scale(eta);
        S::product(residual.view(), self.a.view().t(), u.data_mut(), Part::Full);
        Ok(u)
    }
    /// The gradients of [`Lasso::step`]. With `Ū` the cotangent where the threshold lets it through, `R = X − ZA`: `Z̄ = Ū − X̄Aᵀ`, `X̄ = ηŪA`, `Ā = ηŪᵀR − Zᵀ X̄`, `η̄ = ⟨Ū, RAᵀ⟩ − λ Σ sgn(U)·Ū`,
    /// `λ̄ = −η Σ sgn(U)·Ū`, from `dU = dZ + dη RAᵀ + η(dX − dZ A − Z dA)Aᵀ + ηR dAᵀ` and `dS_t = −sgn(U) dt`.
    pub fn step_vjp(&self, x: &Matrix<S>, z: &Matrix<S>, eta: S, z_bar: &Matrix<S>) -> Result<StepGradient<S>> {
        let u = self.before_shrink(x, z, eta)?;
        same_shape("cotangent", &u, z_bar)?;
        let threshold = eta * self.lambda;
        let u_bar = u.zip(z_bar, |u, bar| self.codes.slopes(u, threshold).0 * bar)?;
        let through: Vec<S> = u.data().iter().zip(z_bar.data()).map(|(&u, &bar)| self.codes.slopes(u, threshold).1 * bar).collect();
        let threshold_bar = S::sum(&through);
        let residual = self.residual(x, z)?;
        let x_bar = u_bar.matmul(&self.a)?.scale(eta);
        Ok(StepGradient {
            z: u_bar.sub(&x_bar.matmul_t(&self.a)?)?,
            a: u_bar.t_matmul(&residual)?.scale(eta).sub(&z.t_matmul(&x_bar)?)?,
            eta: u_bar.dot(&residual.matmul_t(&self.a)?)? + self.lambda * threshold_bar,
            lambda: eta * threshold_bar,
            x: x_bar,
        })
    }
}

/// The gradients of a step.
#[derive(Clone, Debug)]
pub struct StepGradient<S> {
    /// With respect to the codes.
    pub z: Matrix<S>,
    /// With respect to the data.
    pub x: Matrix<S>,
    /// With respect to the atoms.
    pub a: Matrix<S>,
    /// With respect to η.
    pub eta: S,
    /// With respect to λ.
    pub lambda: S,
}

/// The word of the catalog: `signed` or `nonnegative`.
impl std::fmt::Display for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(if *self == Codes::Signed { "signed" } else { "nonnegative" })
    }
}
