//! Catalog entries of the room [`crate::denoise`].

mod memory;
mod mixture;
mod sphere;
mod subspaces;

pub use memory::MemorisingDenoiser;
pub use mixture::NoisedMixture;
pub use sphere::SphereDenoiser;
pub use subspaces::SubspaceAttention;

use crate::oracle::{Case, Param, Range};
use crate::scalar::Ball;

/// α, and σ above 0.
const NOISE: [Param; 2] = [
    Param { name: "alpha", domain: Range::Positive, default: Some(1.0), samples: &[1.0, 0.75, 0.5], doc: "α: what is left of the signal" },
    Param {
        name: "sigma",
        domain: Range::Positive,
        default: None,
        samples: &[0.5, 0.75, 1.5, 0.375],
        doc: "σ: the noise in each coordinate",
    },
];

/// A parameter of a case in balls.
fn param(case: &Case, name: &str) -> Ball {
    Ball::exact(case.number(name).unwrap_or(1.0))
}
