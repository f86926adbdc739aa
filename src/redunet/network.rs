//! The network: built forward from data, applied to any data.

use super::layer::ReduLayer;
use crate::coding::{Distortion, unit_rows};
use crate::linalg::Matrix;
use crate::reduction::{ClassScale, Membership, RateOperators, RateReduction};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// Whose memberships move the training samples while the network is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// Those that each layer guesses: training samples go where the stored network sends them.
    Soft,
    /// The true ones: each layer is a step of projected gradient ascent, and ΔR never falls for `η ≤ 8nε²/(9d)`.
    Oracle,
}

/// How to build a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReduNetOptions<S> {
    /// Number of layers L.
    pub layers: usize,
    /// η.
    pub eta: S,
    /// λ.
    pub lambda: S,
    /// ε.
    pub distortion: Distortion<S>,
    /// Whose memberships move the samples.
    pub assignment: Assignment,
    /// `d/n_k` in the operators of the classes.
    pub scale: ClassScale,
}

/// Layers in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduNet<S> {
    /// The layers.
    pub layers: Vec<ReduLayer<S>>,
}

/// A network, and what building it did to the training samples.
#[derive(Clone, Debug)]
pub struct Construction<S> {
    /// The network.
    pub net: ReduNet<S>,
    /// The features of the training samples, n × d.
    pub z: Matrix<S>,
    /// ΔR under the true memberships before each layer and after the last.
    pub reductions: Vec<S>,
}

impl<S: Scalar> ReduNet<S> {
    /// `Z¹` = the rows of `x` at length 1; layer ℓ has the operators of `Z^ℓ` under the true memberships and makes `Z^{ℓ+1}`. A layer costs `nd² + (7/3)(K+1)d³` flops for the operators and `2(K+1)nd²` for the step, and keeps `(K+1)d²` numbers.
    /// `each` sees the features before every layer and after the last, with their ΔR, and may stop with an error.
    /// Errors: `Domain` for a row of zeros (`ZeroRow`), a class without samples (`EmptyClass`), λ < 0; `Shape`.
    pub fn construct(
        x: &Matrix<S>,
        membership: &Membership<S>,
        options: &ReduNetOptions<S>,
        mut each: impl FnMut(usize, &Matrix<S>, S) -> Result<()>,
    ) -> Result<Construction<S>> {
        let rates = RateReduction::new(options.distortion);
        let mut z = unit_rows(x)?.0;
        let (mut net, mut reductions) = (ReduNet { layers: Vec::with_capacity(options.layers) }, Vec::new());
        for layer in 0..options.layers {
            let reduction = rates.value(&z, membership)?;
            each(layer, &z, reduction)?;
            reductions.push(reduction);
            let operators = RateOperators::new(&z, membership, options.distortion, options.scale)?;
            let built = ReduLayer { operators, eta: options.eta, lambda: options.lambda };
            z = match options.assignment {
                Assignment::Soft => built.apply(&z),
                Assignment::Oracle => built.apply_with(&z, membership),
            }
            .map_err(|e| e.within(&format!("layer {layer}")))?;
            net.layers.push(built);
        }
        let reduction = rates.value(&z, membership)?;
        each(options.layers, &z, reduction)?;
        reductions.push(reduction);
        Ok(Construction { net, z, reductions })
    }
    /// The features of any samples: rows to length 1, then every layer with its own guesses. Errors: `Shape`; `Domain` (`ZeroRow`) for a row of zeros.
    pub fn transform(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        let mut z = unit_rows(x)?.0;
        for (i, layer) in self.layers.iter().enumerate() {
            z = layer.apply(&z).map_err(|e| e.within(&format!("layer {i}")))?;
        }
        Ok(z)
    }
    /// The class that the last layer guesses for each row of the features *before* it, the lowest on a tie. Errors: `Usage` for a network without layers.
    pub fn guess(&self, x: &Matrix<S>) -> Result<Vec<usize>> {
        let Some((last, before)) = self.layers.split_last() else {
            return Err(Error::usage("network", "at least one layer", "none"));
        };
        let z = ReduNet { layers: before.to_vec() }.transform(x)?;
        let assignment = last.assignment(&z)?;
        let best = |row: &[S]| (1..row.len()).fold(0, |best, k| if row[k].value() > row[best].value() { k } else { best });
        Ok((0..z.rows()).map(|i| best(assignment.row(i))).collect())
    }
}
