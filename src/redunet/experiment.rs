//! One experiment: build a network on training samples, classify test samples before and after.

use super::classify::{SubspaceClassifier, nearest_neighbours};
use super::network::{ReduNet, ReduNetOptions};
use super::shifts::Shifts;
use crate::Result;
use crate::linalg::Matrix;
use crate::reduction::Membership;
use crate::scalar::Scalar;

/// Training and test samples with their labels below `classes`.
#[derive(Clone, Debug)]
pub struct Split<S> {
    /// Training samples, one a row.
    pub train: Matrix<S>,
    /// Their labels.
    pub train_labels: Vec<usize>,
    /// Test samples.
    pub test: Matrix<S>,
    /// Their labels.
    pub test_labels: Vec<usize>,
    /// K.
    pub classes: usize,
}

/// The share of test samples whose class was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// By the nearest class subspace.
    pub subspace: f64,
    /// By the label most frequent among the five nearest training samples.
    pub neighbours: f64,
    /// By the last layer's own guess; absent before the network.
    pub guess: Option<f64>,
}

/// What an experiment found.
#[derive(Clone, Debug)]
pub struct Outcome<S> {
    /// The network.
    pub net: ReduNet<S>,
    /// ΔR before each layer and after the last.
    pub reductions: Vec<S>,
    /// The subspaces of the features after the last layer.
    pub classifier: SubspaceClassifier<S>,
    /// Scores of the samples themselves, at length 1.
    pub before: Scores,
    /// Scores of the features.
    pub after: Scores,
    /// Features of the training samples.
    pub train: Matrix<S>,
    /// Features of the test samples.
    pub test: Matrix<S>,
}

/// The share of labels that agree.
pub fn accuracy(found: &[usize], truth: &[usize]) -> f64 {
    let right = found.iter().zip(truth).filter(|(a, b)| a == b).count();
    right as f64 / truth.len().max(1) as f64
}

/// Class subspaces of `rank` directions, in the coordinates of the network; with shifts, of all shifts.
fn fit<S: Scalar>(shifts: Option<&Shifts<S>>, z: &Matrix<S>, split: &Split<S>, rank: usize) -> Result<SubspaceClassifier<S>> {
    match shifts {
        None => SubspaceClassifier::fit(z, &split.train_labels, split.classes, rank, false),
        Some(shifts) => Ok(SubspaceClassifier { bases: shifts.subspaces(z, &split.train_labels, split.classes, rank)?, means: None }),
    }
}

/// Builds the network from the training samples alone and scores the test samples before and after it. `each` hears of every layer and its ΔR.
/// Errors: those of [`ReduNet::construct`] and of the classifiers.
pub fn experiment<S: Scalar>(
    split: &Split<S>,
    options: &ReduNetOptions<S>,
    shifts: Option<Shifts<S>>,
    rank: usize,
    mut each: impl FnMut(usize, S) -> Result<()>,
) -> Result<Outcome<S>> {
    const NEIGHBOURS: usize = 5;
    let membership = Membership::labels(split.train_labels.clone(), split.classes)?;
    let empty = ReduNet { layers: Vec::new(), shifts: shifts.clone() };
    let score = |classifier: &SubspaceClassifier<S>, train: &Matrix<S>, test: &Matrix<S>, guess: Option<f64>| -> Result<Scores> {
        let near = nearest_neighbours(train, &split.train_labels, test, NEIGHBOURS.min(train.rows()), false)?;
        let subspace = accuracy(&classifier.predict(test)?, &split.test_labels);
        Ok(Scores { subspace, neighbours: accuracy(&near, &split.test_labels), guess })
    };
    let (raw, raw_test) = (empty.coordinates(&split.train)?, empty.coordinates(&split.test)?);
    let before = score(&fit(shifts.as_ref(), &raw, split, rank)?, &raw, &raw_test, None)?;
    let built = ReduNet::construct(&split.train, &membership, options, shifts.clone(), |l, _, r| each(l, r))?;
    let test = built.net.transform(&split.test)?;
    let classifier = fit(shifts.as_ref(), &built.z, split, rank)?;
    let guess = if built.net.layers.is_empty() { None } else { Some(accuracy(&built.net.guess(&split.test)?, &split.test_labels)) };
    let after = score(&classifier, &built.z, &test, guess)?;
    Ok(Outcome { net: built.net, reductions: built.reductions, classifier, before, after, train: built.z, test })
}

/// Each row of `C·H·W` numbers moved around by `(down, right)` of its own: `y(t) = x(t − s)`. Errors: `Shape` unless rows and moves fit.
pub fn moved_images<S: Scalar>(x: &Matrix<S>, [c, h, w]: [usize; 3], by: &[(usize, usize)]) -> Result<Matrix<S>> {
    if x.cols() != c * h * w || by.len() != x.rows() {
        let expected = format!("one move for each row of {} numbers", c * h * w);
        return Err(crate::Error::shape("images", expected, format!("{x:?}, {} moves", by.len())));
    }
    Ok(Matrix::from_fn(x.rows(), x.cols(), |i, k| {
        let (channel, row, col) = (k / (h * w), k / w % h, k % w);
        x[(i, (channel * h + (row + h - by[i].0 % h) % h) * w + (col + w - by[i].1 % w) % w)]
    }))
}
