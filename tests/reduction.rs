//! The room of rate reduction.

#[path = "reduction/diagnosis.rs"]
mod diagnosis;
#[path = "reduction/golden.rs"]
mod golden;
#[path = "reduction/mixture.rs"]
mod mixture;
#[path = "reduction/optimum.rs"]
mod optimum;
#[path = "reduction/rates.rs"]
mod rates;
#[path = "reduction/views.rs"]
mod views;
