//! Lossy coding: what it costs, in nats, to describe data up to a distortion.

mod augmented;
mod coding_rate;
mod directions;
mod distortion;

pub use augmented::{augmented_factor, drowns, factor_log_det};
pub use coding_rate::{CodingRateGradient, coding_rate, coding_rate_gradient, coding_rate_with_gradient};
pub use directions::{unit_rows, unit_rows_vjp};
pub use distortion::Distortion;
