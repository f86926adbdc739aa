//! The exact rate–distortion curve of a uniform source on a sphere: two points, the circle, and so on.

use super::Distortion;
use crate::denoise::{Monotone, Root, resultant};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SphereRate<S> {
    /// R in nats.
    pub rate: S,
    /// The concentration of the best backward channel, a von Mises–Fisher law around the description.
    pub kappa: S,
    /// `dR/dD`.
    pub slope: S,
}

/// `R(D)`, `D = ε²`, of a source that is uniform on the sphere of radius r in R^d: `R = κA_d(κ) − log Z_d(κ)` at the κ with `1 − A_d(κ)² = D/r²`; 0 from `D = r²` on.
///
/// d = 1 is a fair sign: `log 2 − H((1 + √(1 − D/r²))/2)`. For small D the slope in log ε is −(d − 1), the dimension of the sphere, where the Gaussian of the same covariance has −d.
/// `dR/dD = −κ/(2r²A_d)`. Errors: `Domain` for d = 0, r ≤ 0, ε ≤ 0; `Undecided` for balls around `D = r²`.
///
/// The backward channel follows from maximal entropy on the sphere (Watson, *Statistics on Spheres*, 1983); d = 1: Shannon 1959.
pub fn sphere_rate_distortion<S: Scalar>(d: usize, radius: S, distortion: Distortion<S>) -> Result<SphereRate<S>> {
    if d == 0 || !(radius.value() > 0.0 && radius.is_finite()) {
        let found = format!("dimension {d}, radius {}", radius.value());
        return Err(Error::domain("sphere", "a dimension from 1 on and a finite radius above 0", found).named("InvalidParameter"));
    }
    let level = distortion.squared()? / radius.square();
    match (level - S::ONE).sign() {
        Some(Ordering::Less) => {}
        Some(_) => return Ok(SphereRate { rate: S::ZERO, kappa: S::ZERO, slope: S::ZERO }),
        None => return Err(Error::undecided("eps2", "a distortion surely below or above r²", format!("{:?}", level.to_ball()))),
    }
    let kappa = Root { f: Spread { d } }.solve(&[level])?;
    let f = resultant(d, kappa.square())?;
    let slope = -(S::from_f64(0.5) / (radius.square() * f.ratio));
    Ok(SphereRate { rate: f.divergence(), kappa, slope })
}

/// `1 − A_d(κ)² − level`.
struct Spread {
    d: usize,
}
impl Monotone for Spread {
    fn at<S: Scalar>(&self, inputs: &[S], kappa: S) -> Result<(S, S)> {
        let f = resultant(self.d, kappa.square())?;
        Ok((f.spread() - inputs[0], -(f.mean() * f.slope * S::from_f64(2.0))))
    }
    fn along<S: Scalar>(&self, _: &[S], _: S, direction: &[S]) -> Result<S> {
        Ok(-direction[0])
    }
}
