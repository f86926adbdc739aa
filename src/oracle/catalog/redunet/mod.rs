//! Catalog entries of the room [`crate::redunet`].

mod classify;
mod layer;
mod lift;
mod shift_layer;
mod shift_operators;
mod shift_rate;
mod signals;
mod update;

pub use classify::SubspaceResiduals;
pub use layer::{Assignment, Layer};
pub use lift::Lifting;
pub use shift_layer::ShiftLayer;
pub use shift_operators::ShiftOperators;
pub use shift_rate::ShiftRate;
pub use update::Update;
