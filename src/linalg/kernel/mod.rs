//! The fast paths of `f32` and `f64`.
//!
//! Every function here equals its short form in [`super::definition`] to the bit (a NaN for a NaN; IEEE 754 leaves open which), for every
//! instruction set, blocking and number of threads: what changes is when an independent chain of operations is done, never its order.
//! All of them take the [`Isa`] to run on; [`crate::scalar::Bulk`] passes [`Isa::detect`].
//!
//! Packing buffers live in the thread and are reused; the largest is about a megabyte. Nothing else is allocated.

mod attention;
mod factor;
mod map;
pub mod plain;
mod product;
mod rows;
mod solve;
mod sum;
mod tile;

pub use attention::{attention, attention_vjp};
pub use factor::{cholesky, excess_pivots};
pub use map::map;
pub use product::product;
pub use rows::{softmax_rows, softmax_rows_vjp, standardise_rows, standardise_rows_vjp};
pub use solve::{
    solve_cholesky, solve_cholesky_rows, solve_excess, solve_excess_rows, solve_lower, solve_lower_rows, solve_lower_t, solve_lower_t_rows,
};
pub use sum::{dot, sum};
pub use tile::spin;

use super::dispatch::{Isa, Kernel};
use crate::scalar::Scalar;
use std::cell::Cell;

/// A kernel written for rows of `NR` numbers, the width of a register tile.
pub trait Tiled {
    /// The number type.
    type Number: Real;
    /// What the work gives.
    type Output;
    /// Does the work. Mark it `#[inline(always)]`.
    fn run<const NR: usize>(self) -> Self::Output;
    /// Whether narrow tiles suit the work better even where vectors are wide.
    #[inline(always)]
    fn prefers_narrow(&self) -> bool {
        false
    }
}

/// A number that the processor computes with: `f32`, `f64`.
pub trait Real: Scalar + PartialOrd {
    /// The tile width of 256-bit vectors, 64 bytes.
    const NARROW: usize;
    /// Runs a kernel at the tile width of 256-bit vectors.
    fn narrow<K: Tiled<Number = Self>>(kernel: K) -> K::Output;
    /// Runs a kernel at the tile width of 512-bit vectors, 128 bytes.
    fn wide<K: Tiled<Number = Self>>(kernel: K) -> K::Output;
    /// Lends the thread's buffers for as long as `work` runs. A loan within a loan gets empty ones.
    fn with_buffers<R>(work: impl FnOnce(&mut Buffers<Self>) -> R) -> R;
}

/// Reusable memory for packed operands.
#[derive(Default)]
pub struct Buffers<T> {
    /// Columns of the right operand.
    right: Vec<T>,
    /// Rows of the left operand.
    left: Vec<T>,
}

/// The first `len` numbers of a buffer that start at a cache line.
fn aligned<T: Real>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    const LINE: usize = 64;
    let slack = LINE / size_of::<T>();
    if buffer.len() < len + slack {
        buffer.resize(len + slack, T::ZERO);
    }
    let start = buffer.as_ptr().align_offset(LINE).min(slack);
    &mut buffer[start..start + len]
}

macro_rules! real {
    ($t:ident, $narrow:literal, $wide:literal) => {
        impl Real for $t {
            const NARROW: usize = $narrow;
            #[inline(always)]
            fn narrow<K: Tiled<Number = Self>>(kernel: K) -> K::Output {
                kernel.run::<$narrow>()
            }
            #[inline(always)]
            fn wide<K: Tiled<Number = Self>>(kernel: K) -> K::Output {
                kernel.run::<$wide>()
            }
            fn with_buffers<R>(work: impl FnOnce(&mut Buffers<Self>) -> R) -> R {
                thread_local! {
                    static BUFFERS: Cell<Buffers<$t>> = const { Cell::new(Buffers { right: Vec::new(), left: Vec::new() }) };
                }
                let mut buffers = BUFFERS.take();
                let result = work(&mut buffers);
                BUFFERS.set(buffers);
                result
            }
        }
    };
}
real!(f64, 8, 16);
real!(f32, 16, 32);

/// A tiled kernel as a [`Kernel`].
struct OnTiles<K>(K);
impl<K: Tiled> Kernel for OnTiles<K> {
    type Output = K::Output;
    #[inline(always)]
    fn run(self) -> K::Output {
        K::Number::narrow(self.0)
    }
    #[inline(always)]
    fn run_wide(self) -> K::Output {
        if self.0.prefers_narrow() { K::Number::narrow(self.0) } else { K::Number::wide(self.0) }
    }
}
