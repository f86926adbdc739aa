#![doc = "White-box: the mathematics of white-box transformers, exact enough to test against."]

pub mod data;
mod error;
pub mod linalg;
pub mod report;
pub mod scalar;

pub use error::{Error, Fault, Result};
