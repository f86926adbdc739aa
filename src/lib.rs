#![doc = include_str!("../README.md")]

pub mod cli;
pub mod coding;
pub mod data;
mod error;
pub mod learn;
pub mod linalg;
pub mod oracle;
pub mod random;
pub mod reduction;
pub mod redunet;
pub mod report;
pub mod scalar;
pub mod transformer;

pub use error::{Error, Fault, Result};
pub use oracle::laws;
