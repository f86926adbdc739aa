//! `f32` at every number.

use super::{Function, Row, Worst};
use crate::linalg::dispatch::{Isa, Kernel};
use crate::linalg::threads::threads;
use std::sync::atomic::{AtomicU32, Ordering};

/// Numbers in a block: 2²⁰ consecutive bit patterns.
const SIZE: u32 = 1 << 20;

/// Measures the `f32` function at all 2³² numbers, on every processor; `progress` is told the share that is done. Some seconds to half a
/// minute a function on two cores; on x86-64 without a fused multiply-add, an hour.
pub fn exhaustive(function: &'static Function, progress: impl Fn(f64) + Sync) -> Row {
    let blocks = (1 << 32) / u64::from(SIZE);
    let next = AtomicU32::new(0);
    let work = || {
        let mut worst = Worst::NONE;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if u64::from(index) >= blocks {
                return worst;
            }
            let mut block = Block { function, first: index * SIZE, worst: Worst::NONE };
            Isa::detect().run(Measure(&mut block));
            worst = worst.or(block.certain());
            progress(f64::from(index + 1) / blocks as f64);
        }
    };
    let worst = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|w| w.join().expect("a measurement does not panic")).fold(Worst::NONE, Worst::or)
    });
    Row { function, number: "f32", arguments: "every number".into(), worst, bound: function.bounds[1] }
}

struct Measure<'a>(&'a mut Block);

impl Kernel for Measure<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.0.measure()
    }
}

/// A block and the worst in it.
pub(super) struct Block {
    pub(super) function: &'static Function,
    first: u32,
    worst: Worst,
}

impl Block {
    /// Compares an `f32` function with its `f64` form.
    #[inline(always)]
    pub(super) fn scan(&mut self, narrow: impl Fn(f32) -> f32, wide: impl Fn(f64) -> f64) {
        const STRIP: usize = 1024;
        let (mut x, mut error) = ([0f32; STRIP], [0f64; STRIP]);
        for start in (0..SIZE).step_by(STRIP) {
            for i in 0..STRIP {
                x[i] = f32::from_bits(self.first + start + i as u32);
            }
            for i in 0..STRIP {
                error[i] = distance(narrow(x[i]), wide(f64::from(x[i])));
            }
            for i in 0..STRIP {
                if error[i] > self.worst.ulps {
                    self.worst = Worst { ulps: error[i], at: f64::from(x[i]), points: 0 };
                }
            }
        }
        self.worst.points = u64::from(SIZE);
    }
    /// The worst of the block by its enclosure, which must agree with the comparison that found it.
    fn certain(&self) -> Worst {
        let found = self.worst;
        if found.ulps == 0.0 || found.ulps.is_infinite() {
            return found;
        }
        let ulps = self.function.error_f32(found.at as f32);
        Worst { ulps: if (ulps - found.ulps).abs() < 1e-6 { ulps } else { f64::INFINITY }, ..found }
    }
}

/// |y − t| in ulps of f32 at t; infinite where one is a NaN, an infinity or a zero that the other is not. No branch.
#[inline(always)]
fn distance(y: f32, t: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    // The first number that rounds to infinity.
    const OVERFLOW: f64 = f32::MAX as f64 * (1.0 + 1.0 / (1u64 << 25) as f64);
    let exponent = t.to_bits() & EXPONENT;
    let least = f64::from(f32::MIN_POSITIVE).to_bits();
    let ulp = f64::from_bits((if exponent > least { exponent } else { least }) - (23 << 52));
    let error = (f64::from(y) - t).abs() / ulp;
    let overflow = (y.abs() == f32::INFINITY) & (t.abs() >= OVERFLOW) & (y.is_sign_negative() == t.is_sign_negative());
    let same = (y.is_nan() & t.is_nan()) | overflow;
    let sign = (y == 0.0) & (y.is_sign_negative() != t.is_sign_negative());
    if same {
        0.0
    } else if (error < f64::INFINITY) & !sign {
        error
    } else {
        f64::INFINITY
    }
}
