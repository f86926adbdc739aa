//! A uniform source on a sphere: two points (d = 1), the circle (d = 2), and so on.

use super::Noise;
use super::bessel::{Monotone, Resultant, Root, resultant, squares};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The uniform law on the sphere of radius r around 0 in R^d.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere<S> {
    /// d, from 1 on.
    pub dim: usize,
    /// r, above 0.
    pub radius: S,
}

/// The answers for the rows of a query.
#[derive(Clone, Debug)]
pub struct SphereDenoised<S> {
    /// `x̄`, n × d.
    pub denoised: Matrix<S>,
    /// `log p_t` of each row.
    pub log_density: Vec<S>,
    /// `∇ log p_t`, n × d.
    pub score: Matrix<S>,
    /// The eigenvalue of `Dx̄` along `x_t`.
    pub radial: Vec<S>,
    /// The eigenvalue of `Dx̄` across `x_t`, d − 1 times.
    pub tangential: Vec<S>,
    /// `tr Cov(x | x_t) = r²(1 − A_d²)`.
    pub spread: Vec<S>,
    resultants: Vec<Resultant<S>>,
}

/// The gradient of [`Sphere::denoise`].
#[derive(Clone, Debug)]
pub struct SphereGradient<S> {
    /// In the rows.
    pub x: Matrix<S>,
    /// In the radius.
    pub radius: S,
    /// In the noise level.
    pub noise: Noise<S>,
}

impl<S: Scalar> Sphere<S> {
    /// Errors: `Domain` for d = 0 or r ≤ 0.
    pub fn new(dim: usize, radius: S) -> Result<Self> {
        if dim == 0 || !(radius.value() > 0.0 && radius.is_finite()) {
            let found = format!("dimension {dim}, radius {}", radius.value());
            return Err(Error::domain("sphere", "a dimension from 1 on and a finite radius above 0", found).named("InvalidParameter"));
        }
        Ok(Sphere { dim, radius })
    }
    /// Density, denoiser and the eigenvalues of its Jacobian, with `ρ = ‖x_t‖`, `κ = αrρ/σ²`:
    /// `x̄ = r A_d(κ) x_t/ρ`; `log p_t = −(ρ² + α²r²)/(2σ²) − (d/2) log 2πσ² + log Z_d(κ)`; radial `(αr²/σ²) A_d′(κ)`, tangential `r A_d(κ)/ρ`, both `αr²/(dσ²)` at 0. All digits at all noise levels, by
    /// [`resultant`]; `n (d + √κ)` flops. A circle in a plane of R^d: use coordinates in the plane; across it the denoiser is 0.
    ///
    /// Errors: `Shape`; `NotFinite`; `Domain` for σ = 0.
    pub fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<SphereDenoised<S>> {
        let noise = Noise::new(noise.alpha, noise.sigma)?.positive()?;
        let ([n, d], r) = (x.shape(), self.radius);
        if d != self.dim {
            return Err(Error::shape("x", format!("rows of {} numbers", self.dim), format!("{x:?}")).named("ShapeMismatch"));
        }
        x.check_finite("x")?;
        let s2 = noise.sigma.square();
        let (tilt, gain) = (noise.alpha * r / s2, noise.alpha * r.square() / s2);
        let constant = S::from_usize(d) * S::from_f64(0.5) * (S::from_f64(2.0) * S::pi() * s2).ln();
        let mut out = SphereDenoised {
            denoised: Matrix::zeros(n, d),
            score: Matrix::zeros(n, d),
            log_density: Vec::with_capacity(n),
            radial: Vec::with_capacity(n),
            tangential: Vec::with_capacity(n),
            spread: Vec::with_capacity(n),
            resultants: Vec::with_capacity(n),
        };
        for (i, rho2) in squares(x).into_iter().enumerate() {
            let f = resultant(d, rho2 * tilt.square())?;
            let across = gain * f.ratio;
            for j in 0..d {
                out.denoised[(i, j)] = across * x[(i, j)];
                out.score[(i, j)] = (noise.alpha * across - S::ONE) / s2 * x[(i, j)];
            }
            let rho = if rho2 == S::ZERO { S::ZERO } else { rho2.sqrt() };
            out.log_density.push(f.exponent(rho / noise.sigma, noise.alpha * r / noise.sigma) - constant);
            out.radial.push(gain * f.slope);
            out.tangential.push(across);
            out.spread.push(r.square() * f.spread());
            out.resultants.push(f);
        }
        Ok(out)
    }
    /// The gradient of `v·x̄ + l·log p`.
    ///
    /// In x: `Dx̄ v + l s`. In r: `∂x̄/∂r = (αr/σ²)(A_d/κ + A_d′) x`, `∂log p/∂r = (α/σ²)(A_dρ − αr)`. In α: `(r²/σ²)A_d′ x`, `(r/σ²)(A_dρ − αr)`. In σ: `−(2αr²/σ³)A_d′ x`,
    /// `((ρ − αr)²/σ² + 2κ(1 − A_d) − d)/σ`.
    pub fn denoise_vjp(&self, noise: Noise<S>, x: &Matrix<S>, y: &SphereDenoised<S>, v: &Matrix<S>, l: &[S]) -> Result<SphereGradient<S>> {
        let ([n, d], r, two) = (x.shape(), self.radius, S::from_f64(2.0));
        if v.shape() != [n, d] || l.len() != n || y.radial.len() != n {
            return Err(Error::shape("cotangents", format!("{n} × {d} and {n} numbers"), format!("{v:?} and {}", l.len())));
        }
        let (alpha, sigma, s2) = (noise.alpha, noise.sigma, noise.sigma.square());
        let mut out = SphereGradient { x: Matrix::zeros(n, d), radius: S::ZERO, noise: Noise { alpha: S::ZERO, sigma: S::ZERO } };
        for i in 0..n {
            let (f, along, rho2) = (&y.resultants[i], S::dot(x.row(i), v.row(i)), S::dot(x.row(i), x.row(i)));
            let part = if rho2 == S::ZERO { S::ZERO } else { along / rho2 };
            for j in 0..d {
                let radial = part * x[(i, j)];
                let jacobian = y.tangential[i] * (v[(i, j)] - radial) + y.radial[i] * radial;
                out.x[(i, j)] = jacobian + l[i] * y.score[(i, j)];
            }
            let rho = if rho2 == S::ZERO { S::ZERO } else { rho2.sqrt() };
            let off = f.mean() * rho - alpha * r;
            out.radius += alpha / s2 * (r * (f.ratio + f.slope) * along + l[i] * off);
            out.noise.alpha += r / s2 * (r * f.slope * along + l[i] * off);
            let spread = (rho - alpha * r).square() / s2 + two * f.kappa * f.deficit - S::from_usize(d);
            out.noise.sigma += (l[i] * spread - two * alpha * r.square() / s2 * f.slope * along) / sigma;
        }
        Ok(out)
    }
    /// The distance within which every point has one nearest point on the sphere: r.
    pub fn reach(&self) -> S {
        self.radius
    }
    /// The noise-to-signal ratio `σ/α = r/√d` below which the density has a ring of modes and from which on it has its only mode at 0: the sign of `∇² log p_t(0) = (α²r²/(dσ²) − 1) I/σ²`. There the
    /// typical length `σ√d/α` of the noise is the reach of the sphere.
    pub fn critical_ratio(&self) -> S {
        self.radius / S::from_usize(self.dim).sqrt()
    }
    /// The radius ρ of the ring of modes of `p_t`, where `αr A_d(κ) = ρ`; `None` from the critical ratio on. For small noise `αr − (d − 1)σ²/(2αr)`.
    ///
    /// It is where `A_d(κ)/κ`, which falls, is `σ²/(αr)²`. Errors: `Domain` for σ = 0 or α = 0; `Undecided` for balls that cannot tell on which side of the critical ratio they are.
    pub fn ring(&self, noise: Noise<S>) -> Result<Option<S>> {
        let noise = Noise::new(noise.alpha, noise.sigma)?.positive()?.informative()?;
        let level = (noise.sigma / (noise.alpha * self.radius)).square();
        let gap = level * S::from_usize(self.dim) - S::ONE;
        match gap.sign() {
            Some(std::cmp::Ordering::Less) => {}
            Some(_) => return Ok(None),
            None => {
                return Err(Error::undecided("sigma", "an enclosure on one side of the critical ratio", format!("{:?}", gap.to_ball())));
            }
        }
        let kappa = Root { f: Ring { d: self.dim } }.solve(&[level])?;
        Ok(Some(kappa * level * noise.alpha * self.radius))
    }
}

/// `A_d(κ)/κ − level`.
struct Ring {
    d: usize,
}
impl Monotone for Ring {
    fn at<S: Scalar>(&self, inputs: &[S], kappa: S) -> Result<(S, S)> {
        let f = resultant(self.d, kappa.square())?;
        Ok((f.ratio - inputs[0], (f.slope - f.ratio) / kappa))
    }
    fn along<S: Scalar>(&self, _: &[S], _: S, direction: &[S]) -> Result<S> {
        Ok(-direction[0])
    }
}
