//! Projected gradient ascent on rate reduction, with a step that never loses, and a certificate of how far the result can be from the best.

use super::constrained::optimum;
use crate::coding::Distortion;
use crate::linalg::{Matrix, product};
use crate::reduction::{Membership, Of, RateReduction};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// Where the samples must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Each row has length 1.
    Rows,
    /// Each class has `‖Z_k‖_F² = n_k`; needs labels.
    Classes,
}

/// What one step needs besides the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<S> {
    /// ε.
    pub distortion: Distortion<S>,
    /// η. Up to `8/(9α)` a step never lowers ΔR.
    pub eta: S,
    /// Where the samples must stay.
    pub constraint: Constraint,
}

/// The gradient of a function of the samples after a step.
#[derive(Clone, Debug)]
pub struct StepGradient<S> {
    /// In the samples before it.
    pub z: Matrix<S>,
    /// In η.
    pub eta: S,
    /// In ε².
    pub eps2: S,
}

/// The groups of rows that the projection scales together, each with the length it must have, squared.
fn groups<S: Scalar>(constraint: Constraint, membership: &Membership<S>) -> Result<Vec<(Vec<usize>, S)>> {
    match constraint {
        Constraint::Rows => Ok((0..membership.samples()).map(|i| (vec![i], S::ONE)).collect()),
        Constraint::Classes if membership.as_labels().is_some() => Ok(membership.classes().into_iter().map(|c| (c.rows, c.mass)).collect()),
        Constraint::Classes => Err(Error::usage("constraint", "labels, for norms by class", "weights")),
    }
}

/// `Σ ⟨row, row⟩` over a group.
fn inner<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>, rows: &[usize]) -> S {
    rows.iter().fold(S::ZERO, |sum, &i| sum + S::dot(a.row(i), b.row(i)))
}

/// The nearest feasible point: each group of rows scaled to its length. Also gives the factors. Errors: `Domain` (`DegenerateProjection`) for a group of length 0, `Undecided` where a ball cannot tell.
pub fn feasible<S: Scalar>(y: &Matrix<S>, constraint: Constraint, membership: &Membership<S>) -> Result<(Matrix<S>, Vec<S>)> {
    let (mut z, mut factors) = (y.clone(), Vec::new());
    for (rows, length2) in groups(constraint, membership)? {
        let norm2 = inner(y, y, &rows);
        match norm2.sign() {
            Some(Ordering::Greater) => {}
            None => {
                return Err(Error::undecided(
                    format!("row {}", rows[0]),
                    "a length that is surely not 0",
                    format!("{:?}", norm2.to_ball()),
                ));
            }
            _ => {
                let found = "length 0: no nearest point";
                return Err(Error::domain(format!("row {} before the projection", rows[0]), "a length above 0", found)
                    .named("DegenerateProjection"));
            }
        }
        let factor = (length2 / norm2).sqrt();
        for &i in &rows {
            z.row_mut(i).iter_mut().for_each(|x| *x *= factor);
        }
        factors.push(factor);
    }
    Ok((z, factors))
}

/// `Z⁺ = Proj(Z + η ∂ΔR/∂Z)`.
///
/// For feasible Z, `ΔR(Z⁺) − ΔR(Z) ≥ (1/(2η) − 9α/16) ‖Z⁺ − Z‖²`: the projection onto any set gives `2η⟨∂ΔR, Z⁺ − Z⟩ ≥ ‖Z⁺ − Z‖²`, and `∂ΔR` has Lipschitz constant 9α/8.
/// Errors: those of the gradient and of [`feasible`].
pub fn ascent_step<S: Scalar>(z: &Matrix<S>, membership: &Membership<S>, step: &Step<S>) -> Result<Matrix<S>> {
    let gradient = RateReduction::new(step.distortion).gradient(z, membership)?.z;
    Ok(feasible(&z.add(&gradient.scale(step.eta))?, step.constraint, membership)?.0)
}

/// The gradient of [`ascent_step`] for the cotangent `ū` of `u = Z⁺`.
///
/// Through the projection of a group of squared length m, with factor c: `ȳ = c (ū − u⟨u, ū⟩/m)`. Then `z̄ = ȳ + η H[ȳ]` (the Hessian is symmetric), `η̄ = ⟨ȳ, ∂ΔR⟩`, and `∂(∂ΔR)/∂ε² = −(∂ΔR + H[Z])/(2ε²)` because ε² is a scale of Z.
pub fn ascent_step_vjp<S: Scalar>(z: &Matrix<S>, membership: &Membership<S>, step: &Step<S>, u_bar: &Matrix<S>) -> Result<StepGradient<S>> {
    let rates = RateReduction::new(step.distortion);
    let gradient = rates.gradient(z, membership)?.z;
    let (u, factors) = feasible(&z.add(&gradient.scale(step.eta))?, step.constraint, membership)?;
    let mut y_bar = u_bar.clone();
    for ((rows, length2), factor) in groups(step.constraint, membership)?.into_iter().zip(factors) {
        let radial = inner(&u, u_bar, &rows) / length2;
        for &i in &rows {
            for (y, &u) in y_bar.row_mut(i).iter_mut().zip(u.row(i)) {
                *y = (*y - radial * u) * factor;
            }
        }
    }
    let turned = rates.hessian(Of::Reduction, z, membership, &y_bar)?;
    let by_scale = y_bar.dot(&gradient)? + turned.dot(z)?;
    Ok(StepGradient {
        eta: y_bar.dot(&gradient)?,
        eps2: -(step.eta * by_scale / (step.distortion.squared()? * S::from_f64(2.0))),
        z: y_bar.add(&turned.scale(step.eta))?,
    })
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AscentOptions {
    /// η; `None` for the default 4/(9α), half of what is proven.
    pub eta: Option<f64>,
    /// Stop when `‖Z⁺ − Z‖ ≤ tolerance √n`.
    pub tolerance: f64,
    /// Stop after so many steps.
    pub iterations: usize,
}

impl Default for AscentOptions {
    fn default() -> Self {
        AscentOptions { eta: None, tolerance: 1e-10, iterations: 10_000 }
    }
}

/// Where the ascent ended.
#[derive(Clone, Debug)]
pub struct Ascent<S> {
    /// The samples.
    pub z: Matrix<S>,
    /// ΔR before each step and at the end.
    pub values: Vec<S>,
    /// η.
    pub eta: S,
    /// The last step was within the tolerance.
    pub converged: bool,
    /// What is left of the gradient along the constraint, divided by √α: 0 at a critical point.
    pub residual: S,
    /// `max |⟨z_i, z_j⟩|` over samples of different classes (labels only): 0 when the classes are orthogonal.
    pub coherence: Option<S>,
    /// `UB − ΔR ≥ 0` (labels only): at most this is still to be gained by anyone. A gap that stays positive is no error: local maxima exist.
    pub gap: Option<S>,
}

/// Ascends from the feasible point nearest to `z`. Never lowers ΔR for `η ≤ 8/(9α)`; then `Σ‖Z_{t+1} − Z_t‖² ≤ (UB − ΔR_0)/(1/(2η) − 9α/16)`, so that the steps become short.
/// Errors: those of [`ascent_step`]; `Domain` for a step or tolerance that is not above 0. Not reaching the tolerance is no error: see [`Ascent::converged`].
pub fn ascend<S: Scalar>(
    z: &Matrix<S>,
    membership: &Membership<S>,
    distortion: Distortion<S>,
    constraint: Constraint,
    options: &AscentOptions,
) -> Result<Ascent<S>> {
    let (n, d) = (z.rows(), z.cols());
    let alpha = S::from_usize(d) / (S::from_usize(n) * distortion.squared()?);
    let positive =
        |name: &str, x: f64| if x > 0.0 && x.is_finite() { Ok(x) } else { Err(Error::domain(name, "a number above 0", x.to_string())) };
    let eta = match options.eta {
        Some(eta) => S::from_f64(positive("eta", eta)?),
        None => S::from_f64(4.0) / (S::from_f64(9.0) * alpha),
    };
    let small = positive("tolerance", options.tolerance)? * (n as f64).sqrt();
    let rates = RateReduction::new(distortion);
    let mut z = feasible(z, constraint, membership)?.0;
    let (mut values, mut converged) = (Vec::new(), false);
    let (mut value, mut gradient) = rates.value_and_gradient(&z, membership)?;
    for _ in 0..options.iterations {
        values.push(value);
        let next = feasible(&z.add(&gradient.z.scale(eta))?, constraint, membership)?.0;
        let moved = next.sub(&z)?.frobenius_squared().value();
        z = next;
        (value, gradient) = rates.value_and_gradient(&z, membership)?;
        if moved <= small * small {
            converged = true;
            break;
        }
    }
    values.push(value);
    let mut left = S::ZERO;
    for (rows, length2) in groups(constraint, membership)? {
        let radial = inner(&z, &gradient.z, &rows) / length2;
        for &i in &rows {
            left = z.row(i).iter().zip(gradient.z.row(i)).fold(left, |sum, (&z, &g)| sum + (g - radial * z).square());
        }
    }
    let labels = membership.as_labels();
    let gap = match labels {
        Some(_) => {
            let counts: Vec<usize> = membership.classes().iter().map(|c| c.rows.len()).collect();
            Some(optimum(&counts, d, None, distortion)?.bound - value)
        }
        None => None,
    };
    let residual = (left / alpha).sqrt();
    Ok(Ascent { coherence: labels.map(|l| coherence(&z, l)).transpose()?, z, values, eta, converged, residual, gap })
}

/// `max |⟨z_i, z_j⟩|` over samples of different classes; 0 if there is one class. A block of rows at a time: n × n numbers never exist.
fn coherence<S: Scalar>(z: &Matrix<S>, labels: &[usize]) -> Result<S> {
    const BLOCK: usize = 128;
    let mut largest = S::ZERO;
    for from in (0..z.rows()).step_by(BLOCK) {
        let count = BLOCK.min(z.rows() - from);
        let products = product(z.view().rows(from, count), z.view().rows(0, from + count).t())?;
        for i in 0..count {
            for j in (0..from + i).filter(|&j| labels[j] != labels[from + i]) {
                largest = largest.max(products[(i, j)].abs());
            }
        }
    }
    Ok(largest)
}
