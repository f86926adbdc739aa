#![doc = include_str!("../README.md")]

pub mod cli;
pub mod coding;
pub mod data;
pub mod denoise;
mod error;
pub mod inspect;
pub mod learn;
pub mod linalg;
pub mod oracle;
pub mod random;
pub mod reduction;
pub mod redunet;
pub mod report;
pub mod scalar;
pub mod sparse;
pub mod subspace;
pub mod transformer;

pub use error::{Error, Fault, Result};
pub use oracle::laws;
