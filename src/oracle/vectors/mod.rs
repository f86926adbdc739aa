//! Golden vectors: cases with their true results, for readers that have neither this crate nor its arithmetic.
//!
//! A set is one folder an operator: `manifest.json`, and a `.safetensors` file a case. A number in it is *the real number the formula denotes, rounded
//! once*, to f64 and to f32; the enclosure proves the rounding, and where it cannot the manifest says so. Beside each stands the absolute
//! error that a right implementation in f64, f32, f16 or bf16 may make, so that a reader compares and decides by itself:
//!
//! ```text
//! in/<input>            the question, F64 or I64                 (the parameters and the preset stand in the manifest and in the metadata)
//! cot/<output>          the cotangents of the gradients
//! out/<output>          the results, F64                         out_f32/<output>   the same, F32
//! grad/<input>          the gradients, F64                       grad_f32/<input>   the same, F32
//! allowed/out/<output>  the allowed errors, F32 rounded up, first axis f64, f32, f16, bf16
//! allowed/grad/<input>  the same for gradients
//! out@<k>/<output>      a chain: the output after k steps, each fed back into the input
//! ```
//!
//! Which cases: the generated ones, smallest first, kept while they tell apart something that the earlier do not (a wrong convention, an ignored
//! parameter, a lost memory order: see [`flags`](self)), then every closed form, one case with a leading axis, chains, and requests that must be refused.

mod chain;
mod flags;
mod folder;
mod invalid;
mod record;
mod set;

pub use folder::{Folder, folder};
pub use record::Proof;
pub use set::{Set, write};

use super::check::Dtype;

/// Which cases go into a set.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Generated cases that are looked at, smallest first.
    pub cases: usize,
    /// Keep all of them, not only those that tell something new apart.
    pub all: bool,
    /// The seed of the cases.
    pub seed: u64,
}

impl Plan {
    /// The set that the repository carries.
    pub const CORE: Plan = Plan { cases: 24, all: false, seed: 1 };
}

/// The format of a set, and its version. A file that a reader of this version could misread gets another number.
pub const FORMAT: &str = "white-box-vectors/1";

/// The arithmetics of the allowed errors, in the order of their first axis.
pub const ARITHMETICS: [Dtype; 4] = [Dtype::F64, Dtype::F32, Dtype::F16, Dtype::Bf16];
