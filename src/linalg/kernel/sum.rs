//! Long sums over 16 lanes.

use super::{Isa, Real};
use crate::linalg::definition::fold;
use crate::linalg::dispatch::Kernel;

/// The sum over 16 lanes.
pub fn sum<T: Real>(isa: Isa, x: &[T]) -> T {
    isa.run(Sum(x))
}

/// The inner product over 16 lanes of fused multiply-adds. The longer slice is cut to the shorter.
pub fn dot<T: Real>(isa: Isa, x: &[T], y: &[T]) -> T {
    let len = x.len().min(y.len());
    isa.run(Dot(&x[..len], &y[..len]))
}

struct Sum<'a, T>(&'a [T]);
impl<T: Real> Kernel for Sum<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run(self) -> T {
        sum_lanes(self.0)
    }
}

struct Dot<'a, T>(&'a [T], &'a [T]);
impl<T: Real> Kernel for Dot<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run(self) -> T {
        dot_lanes(self.0, self.1)
    }
}

#[inline(always)]
pub(super) fn sum_lanes<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    let (groups, rest) = x.as_chunks::<16>();
    for x in groups {
        for l in 0..16 {
            lanes[l] += x[l];
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    fold(lanes)
}

#[inline(always)]
pub(super) fn dot_lanes<T: Real>(x: &[T], y: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<16>(), y.as_chunks::<16>());
    for (x, y) in xs.iter().zip(ys) {
        for l in 0..16 {
            lanes[l] = x[l].mul_add(y[l], lanes[l]);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(x_rest.iter().zip(y_rest)) {
        *lane = x.mul_add(y, *lane);
    }
    fold(lanes)
}
