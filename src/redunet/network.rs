//! The network: built forward from data, applied to any data.

use super::layer::ReduLayer;
use super::shifts::Shifts;
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
#[derive(Clone, Debug)]
pub struct ReduNet<S> {
    /// The layers.
    pub layers: Vec<ReduLayer<S>>,
    /// The shifts that the network does not see; its layers then act on Fourier coordinates.
    pub shifts: Option<Shifts<S>>,
}

/// A network, and what building it did to the training samples.
#[derive(Clone, Debug)]
pub struct Construction<S> {
    /// The network.
    pub net: ReduNet<S>,
    /// The features of the training samples, n × d, in the coordinates of the layers.
    pub z: Matrix<S>,
    /// ΔR under the true memberships before each layer and after the last.
    pub reductions: Vec<S>,
}

impl<S: Scalar> ReduNet<S> {
    /// `Z¹` = the rows of `x` at length 1; layer ℓ has the operators of `Z^ℓ` under the true memberships and makes `Z^{ℓ+1}`. A layer costs `nd² + (7/3)(K+1)d³` flops for the operators and `2(K+1)nd²` for the step, and keeps `(K+1)d²` numbers.
    /// With `shifts` the rows of `x` are signals, and the network is that of all shifts of them (n T samples), at the cost of one small set of operators for each frequency; ΔR is that of the shifts divided by T.
    /// `each` sees the features before every layer and after the last, with their ΔR, and may stop with an error.
    /// Errors: `Domain` for a row of zeros (`ZeroRow`), a class without samples (`EmptyClass`), λ < 0; `Shape`.
    pub fn construct(
        x: &Matrix<S>,
        membership: &Membership<S>,
        options: &ReduNetOptions<S>,
        shifts: Option<Shifts<S>>,
        mut each: impl FnMut(usize, &Matrix<S>, S) -> Result<()>,
    ) -> Result<Construction<S>> {
        let mut net = ReduNet { layers: Vec::with_capacity(options.layers), shifts };
        let (mut z, mut reductions) = (net.coordinates(x)?, Vec::new());
        for layer in 0..options.layers {
            let reduction = net.reduction(&z, membership, options.distortion)?;
            each(layer, &z, reduction)?;
            reductions.push(reduction);
            let blocks = net.operators(&z, membership, options.distortion, options.scale)?;
            let built = ReduLayer { blocks, eta: options.eta, lambda: options.lambda };
            z = match options.assignment {
                Assignment::Soft => built.apply(&z),
                Assignment::Oracle => built.apply_with(&z, membership),
            }
            .map_err(|e| e.within(&format!("layer {layer}")))?;
            net.layers.push(built);
        }
        let reduction = net.reduction(&z, membership, options.distortion)?;
        each(options.layers, &z, reduction)?;
        reductions.push(reduction);
        Ok(Construction { net, z, reductions })
    }
    /// Rows to length 1, in the coordinates of the layers. Errors: `Domain` (`ZeroRow`) for a row of zeros; `Shape` for signals that do not fit.
    pub fn coordinates(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        match &self.shifts {
            None => Ok(unit_rows(x)?.0),
            Some(shifts) => Ok(unit_rows(&shifts.spectrum(x)?)?.0),
        }
    }
    /// The operators of a layer for features in its coordinates.
    pub(super) fn operators(
        &self,
        z: &Matrix<S>,
        membership: &Membership<S>,
        distortion: Distortion<S>,
        scale: ClassScale,
    ) -> Result<Vec<RateOperators<S>>> {
        match &self.shifts {
            None => Ok(vec![RateOperators::new(z, membership, distortion, scale)?]),
            Some(shifts) => shifts.operators(z, membership, distortion, scale),
        }
    }
    /// ΔR of features in the coordinates of the layers; with shifts, of all shifts, divided by their number.
    pub fn reduction(&self, z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>) -> Result<S> {
        match &self.shifts {
            None => RateReduction::new(distortion).value(z, membership),
            Some(shifts) => Ok(shifts.rates(z, membership, distortion)?.reduction),
        }
    }
    /// The features of any samples, in the coordinates of the layers: rows to length 1, then every layer with its own guesses. Errors: `Shape`; `Domain` (`ZeroRow`) for a row of zeros.
    pub fn transform(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.through(x, self.layers.len())
    }
    /// The features after the first `count` layers.
    fn through(&self, x: &Matrix<S>, count: usize) -> Result<Matrix<S>> {
        let mut z = self.coordinates(x)?;
        for (i, layer) in self.layers[..count].iter().enumerate() {
            z = layer.apply(&z).map_err(|e| e.within(&format!("layer {i}")))?;
        }
        Ok(z)
    }
    /// What the last layer guesses for each row of the features *before* it, n × K. Errors: `Usage` for a network without layers.
    pub fn assignment(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        match self.layers.split_last() {
            Some((last, before)) => last.assignment(&self.through(x, before.len())?),
            None => Err(Error::usage("network", "at least one layer", "none")),
        }
    }
    /// The class of the greatest guess, the lowest on a tie.
    pub fn guess(&self, x: &Matrix<S>) -> Result<Vec<usize>> {
        let assignment = self.assignment(x)?;
        let best = |row: &[S]| (1..row.len()).fold(0, |best, k| if row[k].value() > row[best].value() { k } else { best });
        Ok((0..assignment.rows()).map(|i| best(assignment.row(i))).collect())
    }
}
