//! Catalog entries of the room [`crate::reduction`].

mod ascent;
mod ctrl;
mod mcr2_loss;
mod mixture;
mod moves;
mod operators;
mod optima;
mod patch;
mod profile;
mod rates;
mod simdino;

pub use ascent::AscentStep;
pub use ctrl::{CtrlDistance, CtrlIncremental, CtrlLinear, CtrlMulti};
pub use mcr2_loss::Mcr2Loss;
pub use mixture::MixtureRates;
pub use operators::{RateHessian, RateOperators};
pub use optima::{ConstrainedOptimum, RegularisedOptimum};
pub use patch::SimDinoPatchLoss;
pub use profile::{RateProfile, Tangent};
pub use rates::{ConditionalRate, RateReduction};
pub use simdino::SimDinoLoss;
