//! The room of rate reduction.

#[path = "reduction/mixture.rs"]
mod mixture;
#[path = "reduction/optimum.rs"]
mod optimum;
#[path = "reduction/rates.rs"]
mod rates;
#[path = "reduction/views.rs"]
mod views;
