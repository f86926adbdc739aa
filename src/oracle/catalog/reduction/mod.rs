//! Catalog entries of the room [`crate::reduction`].

mod moves;
mod operators;
mod rates;

pub use operators::{RateHessian, RateOperators};
pub use rates::{ConditionalRate, RateReduction};
