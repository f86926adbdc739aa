//! The array operations of each number type: plain numbers run the definition or its fast equal, balls enclose by a residual.
//! Whatever runs, runs on the best instruction set, where a fused multiply-add is one instruction.

use super::dispatch::Isa;
use super::enclose;
use super::kernel::{self, Side, plain};
use crate::Result;
use crate::scalar::{Ball, Bulk, DoubleDouble, Dual, Function, Part, Scalar, View};

/// `log det` and solves from a Cholesky factor, for every type but the ball.
macro_rules! by_elimination {
    () => {
        fn log_det(a: &[Self], n: usize) -> Result<Self> {
            let mut l = a.to_vec();
            Self::cholesky(&mut l, n)?;
            let logs: Vec<Self> = (0..n).map(|j| Scalar::ln(l[j * n + j])).collect();
            Ok(Self::sum(&logs) * Self::from_f64(2.0))
        }
        fn log_det_i_plus(m: &[Self], n: usize) -> Result<Self> {
            let mut l = m.to_vec();
            Self::excess_pivots(&mut l, n)?;
            let logs: Vec<Self> = (0..n).map(|j| l[j * n + j].log1p()).collect();
            Ok(Self::sum(&logs))
        }
        fn spd_solve(a: &[Self], n: usize, b: &[Self], m: usize) -> Result<Vec<Self>> {
            let (mut l, mut x) = (a.to_vec(), b.to_vec());
            Self::cholesky(&mut l, n)?;
            Self::solve_lower(&l, n, &mut x, m)?;
            Self::solve_lower_t(&l, n, &mut x, m)?;
            Ok(x)
        }
    };
}
macro_rules! by_definition {
    () => {
        fn product(a: View<Self>, b: View<Self>, c: &mut [Self], part: Part) {
            plain::product(Isa::detect(), a, b, c, part)
        }
        fn sum(x: &[Self]) -> Self {
            plain::sum(Isa::detect(), x)
        }
        fn dot(x: &[Self], y: &[Self]) -> Self {
            plain::dot(Isa::detect(), x, y)
        }
        fn cholesky(a: &mut [Self], n: usize) -> Result<()> {
            plain::cholesky(Isa::detect(), a, n)
        }
        fn excess_pivots(m: &mut [Self], n: usize) -> Result<()> {
            plain::excess_pivots(Isa::detect(), m, n)
        }
        fn solve_lower(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            plain::solve_lower(Isa::detect(), l, n, b, m)
        }
        fn solve_lower_t(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            plain::solve_lower_t(Isa::detect(), l, n, b, m)
        }
    };
}
macro_rules! by_kernel {
    () => {
        fn product(a: View<Self>, b: View<Self>, c: &mut [Self], part: Part) {
            kernel::product(Isa::detect(), a, b, c, part)
        }
        fn sum(x: &[Self]) -> Self {
            kernel::sum(Isa::detect(), x)
        }
        fn dot(x: &[Self], y: &[Self]) -> Self {
            kernel::dot(Isa::detect(), x, y)
        }
        fn map(f: Function, x: &mut [Self]) {
            kernel::map(Isa::detect(), f, x)
        }
        fn cholesky(a: &mut [Self], n: usize) -> Result<()> {
            kernel::cholesky(Isa::detect(), a, n)
        }
        fn excess_pivots(m: &mut [Self], n: usize) -> Result<()> {
            kernel::excess_pivots(Isa::detect(), m, n)
        }
        fn solve_lower(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            kernel::solve_lower(Isa::detect(), l, n, b, m, Side::Columns)
        }
        fn solve_lower_t(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            kernel::solve_lower_t(Isa::detect(), l, n, b, m, Side::Columns)
        }
    };
}

impl Bulk for f64 {
    by_kernel!();
    by_elimination!();
}
impl Bulk for f32 {
    by_kernel!();
    by_elimination!();
}
impl Bulk for DoubleDouble {
    by_definition!();
    by_elimination!();
}
impl<S: Scalar> Bulk for Dual<S> {
    by_definition!();
    by_elimination!();
}
impl Bulk for Ball {
    by_definition!();
    fn log_det(a: &[Self], n: usize) -> Result<Self> {
        enclose::log_det(a, n)
    }
    fn log_det_i_plus(m: &[Self], n: usize) -> Result<Self> {
        enclose::log_det_i_plus(m, n)
    }
    fn spd_solve(a: &[Self], n: usize, b: &[Self], m: usize) -> Result<Vec<Self>> {
        enclose::spd_solve(a, n, b, m)
    }
}
