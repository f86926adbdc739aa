//! Softmax and standardisation of many rows, and their gradients.

use super::map::map_lanes;
use super::sum::{dot_lanes, sum_lanes};
use super::{Isa, Real};
use crate::linalg::dispatch::Kernel;
use crate::scalar::Function;

/// Each row of `cols` numbers becomes its softmax.
pub fn softmax_rows<T: Real>(isa: Isa, x: &mut [T], cols: usize) {
    if cols > 0 {
        isa.run(Softmax { x, cols });
    }
}

/// The gradient of [`softmax_rows`] from its result `y`, in place of the cotangent.
pub fn softmax_rows_vjp<T: Real>(isa: Isa, y: &[T], y_bar: &mut [T], cols: usize) {
    if cols > 0 {
        isa.run(SoftmaxVjp { y, y_bar, cols });
    }
}

/// Each row of `cols` numbers becomes `(x − μ) r`, with `r` of row i in `r[i]`.
pub fn standardise_rows<T: Real>(isa: Isa, x: &mut [T], cols: usize, eps: T, r: &mut [T]) {
    if cols > 0 {
        isa.run(Standardise { x, cols, eps, r });
    }
}

/// The gradient of [`standardise_rows`] from its results, in place of the cotangent.
pub fn standardise_rows_vjp<T: Real>(isa: Isa, hat: &[T], r: &[T], h: &mut [T], cols: usize) {
    if cols > 0 {
        isa.run(StandardiseVjp { hat, r, h, cols });
    }
}

/// Rows are taken together up to so many numbers, which stay in the nearest cache from one pass to the next.
const BLOCK: usize = 2048;

struct Softmax<'a, T> {
    x: &'a mut [T],
    cols: usize,
}
impl<T: Real> Kernel for Softmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for block in self.x.chunks_mut((BLOCK / self.cols).max(1) * self.cols) {
            for row in block.chunks_exact_mut(self.cols) {
                let shift = greatest(row);
                each(row, shift, |x, shift| x - shift);
            }
            map_lanes::<T, { Function::Exp as u8 }>(block);
            for row in block.chunks_exact_mut(self.cols) {
                let total = sum_lanes(row);
                each(row, total, |x, total| x / total);
            }
        }
    }
}

struct SoftmaxVjp<'a, T> {
    y: &'a [T],
    y_bar: &'a mut [T],
    cols: usize,
}
impl<T: Real> Kernel for SoftmaxVjp<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, g) in self.y.chunks_exact(self.cols).zip(self.y_bar.chunks_exact_mut(self.cols)) {
            let mean = dot_lanes(y, g);
            for (g, &y) in g.iter_mut().zip(y) {
                *g = y * (*g - mean);
            }
        }
    }
}

struct Standardise<'a, T> {
    x: &'a mut [T],
    cols: usize,
    eps: T,
    r: &'a mut [T],
}
impl<T: Real> Kernel for Standardise<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = T::from_usize(self.cols);
        for (x, r) in self.x.chunks_exact_mut(self.cols).zip(self.r) {
            let mean = sum_lanes(x) / d;
            each(x, mean, |x, mean| x - mean);
            *r = T::ONE / (dot_lanes(x, x) / d + self.eps).sqrt();
            each(x, *r, |x, r| x * r);
        }
    }
}

struct StandardiseVjp<'a, T> {
    hat: &'a [T],
    r: &'a [T],
    h: &'a mut [T],
    cols: usize,
}
impl<T: Real> Kernel for StandardiseVjp<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let d = T::from_usize(self.cols);
        for ((h, hat), &r) in self.h.chunks_exact_mut(self.cols).zip(self.hat.chunks_exact(self.cols)).zip(self.r) {
            let (mean, along) = (sum_lanes(h) / d, dot_lanes(h, hat) / d);
            for (h, &hat) in h.iter_mut().zip(hat) {
                *h = r * (*h - mean - hat * along);
            }
        }
    }
}

/// The greatest number, over 16 lanes: the order does not matter. NaN are passed over.
#[inline(always)]
fn greatest<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::from_f64(f64::NEG_INFINITY); 16];
    let (groups, rest) = x.as_chunks::<16>();
    for group in groups {
        for l in 0..16 {
            lanes[l] = if group[l] > lanes[l] { group[l] } else { lanes[l] };
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = if x > *lane { x } else { *lane };
    }
    let mut greatest = lanes[0];
    for lane in lanes {
        greatest = if lane > greatest { lane } else { greatest };
    }
    greatest
}

/// `x ← f(x, c)`, sixteen at a time.
#[inline(always)]
fn each<T: Real>(x: &mut [T], c: T, f: impl Fn(T, T) -> T) {
    let (groups, rest) = x.as_chunks_mut::<16>();
    for group in groups {
        for x in group {
            *x = f(*x, c);
        }
    }
    for x in rest {
        *x = f(*x, c);
    }
}
