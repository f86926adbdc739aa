//! Deep sparse coding without backpropagation: every layer learns its own dictionary on the way forward.

use super::dictionary::project_atoms;
use super::lasso::{Codes, Lasso};
use crate::linalg::{Matrix, spectral_norm};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What each layer did.
#[derive(Clone, Debug)]
pub struct Layerwise<S> {
    /// The dictionary of each layer and, last, the one that would come next.
    pub atoms: Vec<Matrix<S>>,
    /// The last codes.
    pub z: Matrix<S>,
    /// The objective at the start and after each half-step (codes, then atoms): it never rises.
    pub objective: Vec<S>,
}

/// `Z⁺ = prox(Z − η(ZA − X)Aᵀ, ηλ)`, `A⁺ = Π(A − νZ⁺ᵀ(Z⁺A − X))`, `layers` times from `Z = 0`, with `η = 1/‖A‖₂²`, `ν = 1/‖Z⁺‖₂²`. Π keeps atoms at length at most 1 where `bounded`; without it the scale can
/// escape into the atoms. `8nmd` flops and two spectral norms a layer. It is alternating minimisation with one step of each; read forward, a network in which the dictionary of each layer is made
/// by the layer itself. Errors: `Shape`, `NotFinite`, `Domain`.
///
/// Source: the monograph, chapter 2, layerwise scheme; there the steps are 2η and 2ν of an objective without the ½, and Π is left out.
pub fn layerwise_sparse_coding<S: Scalar>(
    x: &Matrix<S>,
    start: &Matrix<S>,
    lambda: S,
    codes: Codes,
    layers: usize,
    bounded: bool,
) -> Result<Layerwise<S>> {
    let keep = |a: Matrix<S>| if bounded { project_atoms(&a) } else { a };
    let mut lasso = Lasso::new(keep(start.clone()), lambda, codes)?;
    let mut z = Matrix::zeros(x.rows(), start.rows());
    let mut out = Layerwise { atoms: vec![lasso.a.clone()], z: z.clone(), objective: vec![lasso.objective(x, &z)?] };
    for layer in 0..layers {
        z = lasso.step(x, &z, lasso.step_size().map_err(|e| e.within(&format!("layer {layer}")))?)?;
        out.objective.push(lasso.objective(x, &z)?);
        let size = spectral_norm(&z)?;
        let next = match size.sign() {
            Some(std::cmp::Ordering::Equal) => lasso.a.clone(),
            None => return Err(Error::undecided("Z", "codes surely not all 0", size.to_ball().to_text())),
            _ => {
                // The margin covers the error of the computed norm, as in the step of the codes.
                let nu = S::from_f64(1.0 - 64.0 * (x.rows() + start.rows()) as f64 * S::UNIT_ROUNDOFF) / size.square();
                keep(lasso.a.add(&z.t_matmul(&lasso.residual(x, &z)?)?.scale(nu))?)
            }
        };
        lasso = Lasso::new(next, lambda, codes)?;
        out.objective.push(lasso.objective(x, &z)?);
        out.atoms.push(lasso.a.clone());
    }
    out.z = z;
    Ok(out)
}
