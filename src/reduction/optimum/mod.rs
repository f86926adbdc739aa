//! How large rate reduction can be, where, and how to get there.

mod ascent;
mod constrained;
mod critical;
mod profile;
mod regularised;

pub use ascent::{Ascent, AscentOptions, Constraint, Step, StepGradient, ascend, ascent_step, ascent_step_vjp, feasible};
pub use constrained::{Optimum, optimum, optimum_eps2_slopes, published_condition};
pub use critical::{Critical, CriticalKind, classify};
pub use profile::{Profile, TangentPoint};
pub use regularised::{RegularisedClass, RegularisedOptimum, regularised_class, regularised_optimum};
