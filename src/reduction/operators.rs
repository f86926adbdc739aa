//! The operators of the gradient: E expands the whole, C_k compresses class k.

use super::membership::{Class, Membership};
use super::parts::{check, moments};
use super::source::{Source, place_rows, rows_scaled, scatter_rows};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `d/n_k` in the scale `α_k` of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassScale {
    /// `α_k = d/(n_k ε²)`, as in the papers.
    Samples,
    /// `α_k = 1/ε²`, as the NumPy code of the ReduNet paper has it: it takes the dimension for the number of samples.
    Dimension,
}

/// `E = α (I + α ZᵀZ)⁻¹`, `C_k = α_k (I + α_k ZᵀD_kZ)⁻¹`, `γ_k = n_k/n`.
///
/// The gradient of rate reduction is `∂ΔR/∂Z = Z E − Σ_k γ_k D_k Z C_k`. Each is symmetric with `0 ≺ E ⪯ αI`, `0 ≺ C_k ⪯ α_k I`, and is a ridge regression in disguise: with
/// `q = argmin_q α‖x − Zᵀq‖² + ‖q‖² = α W⁻¹ Z x`, `E x = α (x − Zᵀq)` is α times what the samples do not explain of x, and `xᵀE x` is that minimum. For C_k take the samples of the class.
/// As `α → ∞`, `E/α` becomes the projector on what is orthogonal to all samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RateOperators<S> {
    /// E, d × d.
    pub e: Matrix<S>,
    /// `C_k`, each d × d.
    pub c: Vec<Matrix<S>>,
    /// `γ_k`.
    pub gamma: Vec<S>,
}

/// The gradient with respect to what the operators were made from.
#[derive(Clone, Debug)]
pub struct RateOperatorsGradient<S> {
    /// In the samples, n × d.
    pub z: Matrix<S>,
    /// In the weights, n × K.
    pub pi: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

impl<S: Scalar> RateOperators<S> {
    /// From samples and memberships. Errors: `Domain` (`EmptyClass`) for a class without samples, whose operator does not exist; `Shape`, `NotFinite`.
    ///
    /// `nd²` flops for labels, `(1 + K)nd²` for weights, and `7d³/3` for each inverse. Where a class has s < d samples, `M⁻¹ = I − α Z̃ᵀ W⁻¹ Z̃` from the s × s side,
    /// in `s²d + sd²`: right to a few units of roundoff of α, however large the samples.
    pub fn new(z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>, scale: ClassScale) -> Result<Self> {
        let sources = Sources::new(z, membership, distortion, scale)?;
        let (whole, classes) = moments(&sources.whole, sources.classes.iter().map(|c| (&c.source, &c.class)))?;
        let c = sources.classes.iter().zip(&classes).map(|(c, moment)| c.source.operator(moment)).collect::<Result<_>>()?;
        Ok(RateOperators { e: sources.whole.operator(&whole)?, c, gamma: sources.classes.iter().map(|c| c.gamma).collect() })
    }
    /// `Z E − Σ_k γ_k D_k Z C_k`: the gradient of ΔR if samples and memberships are the operators' own. With labels one product `Z_k (E − γ_k C_k)` a class, `2nd²` flops; with weights `2(K+1)nd²`.
    /// Errors: `Shape` if rows or classes do not fit.
    pub fn increment(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<Matrix<S>> {
        check(z, membership)?;
        if membership.class_count() > self.c.len() || z.cols() != self.e.rows() {
            let found = format!("{} classes and {z:?}", membership.class_count());
            return Err(Error::shape("samples", format!("at most {} classes in dimension {}", self.c.len(), self.e.rows()), found));
        }
        let hard = membership.as_labels().is_some();
        let mut out = if hard { Matrix::zeros(z.rows(), z.cols()) } else { z.matmul(&self.e)? };
        for class in membership.classes() {
            let (rows, gamma) = (z.select_rows(&class.rows)?, self.gamma[class.label]);
            match &class.weights {
                None => place_rows(&mut out, &class.rows, &rows.matmul(&self.e.zip(&self.c[class.label], |e, c| e - gamma * c)?)?),
                Some(w) => {
                    let own = rows_scaled(&rows.matmul(&self.c[class.label])?, Some(w));
                    scatter_rows(&mut out, &class.rows, &own, -gamma);
                }
            }
        }
        Ok(out)
    }
    /// From the cotangents of E, of each `C_k` and of γ to samples, weights and ε².
    ///
    /// `dE = −E (dZᵀZ + ZᵀdZ) E`, so `Z̄ = −Z E (Ē + Ēᵀ) E`; for a class the same with `D_k` in front. `∂E/∂α = E²/α²` carries ε² (`∂α/∂ε² = −α/ε²`) and, for a class, its mass
    /// (`∂α_k/∂n_k = −α_k/n_k`). `∂C_k/∂Π_ik = −C_k z_i z_iᵀ C_k` besides.
    pub fn vjp(
        &self,
        z: &Matrix<S>,
        membership: &Membership<S>,
        distortion: Distortion<S>,
        scale: ClassScale,
        bar: &RateOperators<S>,
    ) -> Result<RateOperatorsGradient<S>> {
        let sources = Sources::new(z, membership, distortion, scale)?;
        let eps2 = distortion.squared()?;
        let middle = |x: &Matrix<S>, bar: &Matrix<S>| x.matmul(&bar.add(&bar.transpose())?)?.matmul(x);
        let mut out = RateOperatorsGradient {
            z: z.matmul(&middle(&self.e, &bar.e)?)?.scale(-S::ONE),
            pi: Matrix::zeros(z.rows(), self.c.len()),
            eps2: -(bar.e.dot(&self.e.matmul(&self.e)?)? / (sources.whole.alpha * eps2)),
        };
        for (k, Part { source, class, .. }) in sources.classes.iter().enumerate() {
            let m = middle(&self.c[k], &bar.c[k])?;
            scatter_rows(&mut out.z, &class.rows, &rows_scaled(&source.z.matmul(&m)?, source.weights.as_deref()), -S::ONE);
            let square = bar.c[k].dot(&self.c[k].matmul(&self.c[k])?)? / source.alpha;
            out.eps2 -= square / eps2;
            let by_mass = if scale == ClassScale::Samples { -(square / class.mass) } else { S::ZERO };
            let (moved, n) = (z.matmul(&m)?.scale(S::from_f64(-0.5)), S::from_usize(z.rows()));
            for i in 0..z.rows() {
                out.pi[(i, k)] = S::dot(z.row(i), moved.row(i)) + by_mass + bar.gamma[k] / n;
            }
        }
        Ok(out)
    }
}

struct Sources<S> {
    whole: Source<S>,
    classes: Vec<Part<S>>,
}
struct Part<S> {
    source: Source<S>,
    class: Class<S>,
    gamma: S,
}

impl<S: Scalar> Sources<S> {
    fn new(z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>, scale: ClassScale) -> Result<Self> {
        check(z, membership)?;
        membership.check_no_empty_class()?;
        let (eps2, n, d) = (distortion.squared()?, S::from_usize(z.rows()), S::from_usize(z.cols()));
        let part = |class: Class<S>| {
            let alpha = match scale {
                ClassScale::Samples => d / (class.mass * eps2),
                ClassScale::Dimension => S::ONE / eps2,
            };
            Ok(Part { source: Source::of_class(z, &class, alpha)?, gamma: class.mass / n, class })
        };
        let classes = membership.classes().into_iter().map(part).collect::<Result<_>>()?;
        Ok(Sources { whole: Source { z: z.clone(), weights: None, alpha: d / (n * eps2) }, classes })
    }
}
