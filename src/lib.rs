#![doc = "White-box: the mathematics of white-box transformers, exact enough to test against."]

pub mod data;
mod error;
pub mod report;

pub use error::{Error, Fault, Result};
