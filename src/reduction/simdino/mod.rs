//! The SimDINO objectives: views of one image should agree, the features of a batch should spread.

mod loss;
mod patch;
mod range;

pub use loss::{Agreement, SimDino, SimDinoGradient, SimDinoLoss, Views};
pub use patch::{patch_loss, patch_loss_vjp};
pub use range::{Collapse, ExpansionRange};
