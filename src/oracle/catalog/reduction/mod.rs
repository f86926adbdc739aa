//! Catalog entries of the room [`crate::reduction`].

mod moves;
mod operators;
mod optima;
mod rates;

pub use operators::{RateHessian, RateOperators};
pub use optima::{AscentStep, ConstrainedOptimum, MixtureRates, RateProfile, RegularisedOptimum, Tangent};
pub use rates::{ConditionalRate, RateReduction};
