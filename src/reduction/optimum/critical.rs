//! Where an ascent ended: a maximum, or a saddle it could still leave?

use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::reduction::{Membership, Of, RateReduction};
use crate::scalar::Bulk;
use crate::{Error, Result};

/// What a point is for `F(Z) = ΔR(Z) − (λ/2)‖Z‖²`, without a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CriticalKind {
    /// The gradient is not 0.
    NotCritical,
    /// The gradient is 0 and the Hessian has no positive eigenvalue: below `min λ_loc` this is a local maximiser. Flat directions (rotations within a class) remain.
    Maximiser,
    /// The gradient is 0 and the Hessian has a positive eigenvalue: a direction of ascent exists.
    StrictSaddle,
}

/// A point classified by gradient and Hessian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Critical {
    /// `‖∂F/∂Z‖_F / √α`.
    pub gradient: f64,
    /// The largest eigenvalue of the Hessian of F, in units of α.
    pub curvature: f64,
    /// What follows.
    pub kind: CriticalKind,
}

/// Classifies `z`: the gradient counts as 0, and a curvature as not positive, up to `tolerance` (both relative, see [`Critical`]). The eigenvalue by Lanczos iteration on Hessian-vector
/// products with full reorthogonalisation, at most 200 steps: it is approached from below, so that "strict saddle" is proven by it and "maximiser" is as good as the convergence.
/// Errors: those of the gradient; `Domain` for λ < 0.
///
/// That below `min λ_loc` no other kinds exist: Wang et al., ICML 2024, Theorem 3.3.
pub fn classify(
    z: &Matrix<f64>,
    membership: &Membership<f64>,
    distortion: Distortion<f64>,
    lambda: f64,
    tolerance: f64,
) -> Result<Critical> {
    if !(lambda >= 0.0 && lambda.is_finite()) {
        return Err(Error::domain("lambda", "a number from 0 on", lambda.to_string()));
    }
    let rates = RateReduction::new(distortion);
    let alpha = z.cols() as f64 / (z.rows() as f64 * distortion.squared()?);
    let gradient = rates.gradient(z, membership)?.z.sub(&z.scale(lambda))?.frobenius_squared().sqrt() / alpha.sqrt();
    let apply = |v: &Matrix<f64>| rates.hessian(Of::Reduction, z, membership, v)?.sub(&v.scale(lambda));
    let curvature = largest_eigenvalue(z.rows(), z.cols(), &apply)? / alpha;
    let kind = if !(gradient <= tolerance) {
        CriticalKind::NotCritical
    } else if curvature > tolerance {
        CriticalKind::StrictSaddle
    } else {
        CriticalKind::Maximiser
    };
    Ok(Critical { gradient, curvature, kind })
}

/// The largest eigenvalue of a symmetric map on n × d matrices.
fn largest_eigenvalue(n: usize, d: usize, apply: &dyn Fn(&Matrix<f64>) -> Result<Matrix<f64>>) -> Result<f64> {
    const STEPS: usize = 200;
    let mut rng = Rng::stream(0, "lanczos");
    let mut basis: Vec<Matrix<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut next = Matrix::from_fn(n, d, |_, _| rng.gaussian());
    let mut ritz = f64::NEG_INFINITY;
    for step in 0..STEPS.min(n * d) {
        // Twice is enough: Parlett, *The Symmetric Eigenvalue Problem*, 1998, §6.9.
        for _ in 0..2 {
            for q in &basis {
                let c = f64::dot(q.data(), next.data());
                next = next.zip(q, |x, q| (-c).mul_add(q, x))?;
            }
        }
        let norm = next.frobenius_squared().sqrt();
        let scale = diagonal.iter().chain(&beside).fold(0.0f64, |m, x: &f64| m.max(x.abs()));
        if step > 0 {
            if !(norm > 1e-13 * scale) {
                break;
            }
            beside.push(norm);
        }
        let q = next.scale(1.0 / norm);
        next = apply(&q)?;
        diagonal.push(f64::dot(q.data(), next.data()));
        basis.push(q);
        if step % 8 == 7 {
            let now = top_of_tridiagonal(&diagonal, &beside);
            if now - ritz <= 1e-14 * scale {
                break;
            }
            ritz = now;
        }
    }
    Ok(top_of_tridiagonal(&diagonal, &beside))
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, by bisection on the number of negative pivots of `T − xI` (Sylvester's law of inertia).
fn top_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> f64 {
    let at = |b: Option<&f64>| b.map_or(0.0, |b| b.abs());
    let reach = |i: usize| at(beside.get(i)) + if i > 0 { at(beside.get(i - 1)) } else { 0.0 };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (i, &a) in diagonal.iter().enumerate() {
        if a < low {
            low = a;
        }
        if a + reach(i) > high {
            high = a + reach(i);
        }
    }
    let all_below = |x: f64| {
        let mut pivot = 1.0;
        diagonal.iter().enumerate().all(|(i, &a)| {
            let b = if i > 0 { beside[i - 1] } else { 0.0 };
            pivot = a - x - b * b / pivot;
            pivot < 0.0
        })
    };
    for _ in 0..120 {
        let middle = 0.5 * (low + high);
        if all_below(middle) { high = middle } else { low = middle }
    }
    high
}
