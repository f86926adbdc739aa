//! ReduNet: a network whose layers are steps of gradient ascent on rate reduction, built forward, one layer after the other, without back-propagation.

mod average;
mod classify;
mod experiment;
mod gaussians;
mod layer;
mod lift;
mod network;
mod noise;
mod shifts;

pub use average::{clear, towards, update};
pub use classify::{SubspaceClassifier, SubspaceGradient, nearest_neighbours};
pub use experiment::{Outcome, Scores, Split, accuracy, experiment, moved_images};
pub use gaussians::three_gaussians;
pub use layer::{LayerGradient, LayerTrace, ReduLayer};
pub use lift::{Activation, Lift, LiftGradient, Orientation};
pub use network::{Assignment, Construction, ReduNet, ReduNetOptions};
pub use noise::{Noise, corrupted, expected_membership};
pub use shifts::{Normalisation, ShiftGradient, ShiftRates, Shifts};
