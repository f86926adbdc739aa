//! Lossy coding: what it costs, in nats, to describe data up to a distortion.

mod augmented;
mod classify;
mod coding_rate;
mod covering;
mod directions;
mod distortion;
mod length;
mod patches;
mod rate_distortion;
mod segment;
mod sphere_rate;

pub use augmented::{augmented_factor, drowns, factor_log_det};
pub use classify::Classifier;
pub use coding_rate::{CodingRateGradient, coding_rate, coding_rate_gradient, coding_rate_with_gradient};
pub use covering::{
    EXACT, circle_covering, circle_covering_free, circle_packing, covering_number, farthest_point_net, packing_number, segment_covering,
    square_covering,
};
pub use directions::{unit_rows, unit_rows_vjp};
pub use distortion::Distortion;
pub use length::{CodingLengthGradient, Model, apart_gain, apart_threshold, coding_length, coding_length_gradient, shared_coding_length};
pub use patches::{Patches, patch_features};
pub use rate_distortion::{
    WaterFilling, gaussian_coding_rate, gaussian_rate_distortion, gaussian_rate_distortion_of, shannon_lower_bound, wiener_distortion,
};
pub use segment::{MOST, Merge, Segmentation, segment, segment_with};
pub use sphere_rate::{SphereRate, sphere_rate_distortion};
