//! Rate reduction: how much cheaper it is to code classes apart than together, and what follows from making that as large as possible.

pub mod ctrl;
pub mod diagnosis;
mod divergence;
mod mcr2_loss;
mod membership;
mod mixture;
mod operators;
pub mod optimum;
mod parts;
mod rate_reduction;
pub mod simdino;
mod source;

pub use mcr2_loss::{Mcr2Gradient, Mcr2Loss, Mcr2Terms};
pub use membership::{Class, Membership};
pub use mixture::{MixtureGradient, MixtureRates, mixture_rates, mixture_rates_vjp};
pub use operators::{ClassScale, RateOperators, RateOperatorsGradient};
pub use rate_reduction::{Of, RateGradient, RateReduction, conditional_rate, empty_class_slopes, rate_reduction};
