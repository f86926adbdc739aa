//! Catalog entries of the room [`crate::reduction`].

mod moves;
mod rates;

pub use rates::{ConditionalRate, RateReduction};
