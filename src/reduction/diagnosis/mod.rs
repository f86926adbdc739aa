//! What the numbers of a feature matrix mean: its rows, its spectrum against a distortion, its Gram matrix in a narrow format.

mod precision;
mod rows;
mod spectrum;

pub use precision::{Format, Headroom, headroom, smallest_pivot};
pub use rows::RowFacts;
pub use spectrum::{Spectrum, Standing};
