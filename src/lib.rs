#![doc = "White-box: the mathematics of white-box transformers, exact enough to test against."]

pub mod bench;
pub mod cli;
pub mod coding;
pub mod data;
mod error;
pub mod learn;
pub mod linalg;
pub mod oracle;
pub mod random;
pub mod report;
pub mod scalar;

pub use error::{Error, Fault, Result};
