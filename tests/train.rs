//! Models and their training: counts, names, gradients of the whole, optimisers to the bit, runs that go on after an interruption.

#[path = "train/command.rs"]
mod command;
#[path = "train/model.rs"]
mod model;
#[path = "train/optimisers.rs"]
mod optimisers;
#[path = "train/runs.rs"]
mod runs;

use white_box::learn::{from_arrays, to_arrays};
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::Scalar;
use white_box::transformer::{AttentionKind, Design, FeedKind, Vision};

/// Both models and both mixtures, in one size.
fn kinds(design: Design) -> [Design; 4] {
    let kinds = [
        (AttentionKind::Mssa, FeedKind::Ista),
        (AttentionKind::Mhsa, FeedKind::Mlp),
        (AttentionKind::Mssa, FeedKind::Mlp),
        (AttentionKind::Mhsa, FeedKind::Ista),
    ];
    kinds.map(|(attention, feed)| Design { attention, feed, ..design })
}

/// The same weights in another number type.
fn cast<S: Scalar>(model: &Vision<f64>) -> Vision<S> {
    let mut other = Vision::zeros(model.design).unwrap();
    from_arrays(&mut other, &to_arrays(model).unwrap()).unwrap();
    other
}

/// Weights away from the special values of initialisation: every one moved by a Gaussian.
fn shaken(design: Design, seed: u64) -> Vision<f64> {
    use white_box::learn::Parameters;
    let mut model = Vision::<f64>::initialise(design, seed).unwrap();
    let mut rng = Rng::new(seed);
    model.parameters_mut().into_iter().flat_map(|p| p.data_mut()).for_each(|x| *x += 0.3 * rng.gaussian());
    model
}

/// Random images of this design.
fn pictures(design: Design, count: usize, seed: u64) -> Matrix<f64> {
    gaussian_matrix(count, design.image.iter().product(), &mut Rng::new(seed))
}
