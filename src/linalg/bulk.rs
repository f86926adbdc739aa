//! The array operations of each number type: plain numbers run the definition or its fast equal, balls enclose by a residual.

use super::{definition, enclose};
use crate::Result;
use crate::scalar::{Ball, Bulk, DoubleDouble, Dual, Part, Scalar, View};

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
            definition::excess_pivots(&mut l, n)?;
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
            definition::product(a, b, c, part)
        }
        fn sum(x: &[Self]) -> Self {
            definition::sum(x)
        }
        fn dot(x: &[Self], y: &[Self]) -> Self {
            definition::dot(x, y)
        }
        fn cholesky(a: &mut [Self], n: usize) -> Result<()> {
            definition::cholesky(a, n)
        }
        fn solve_lower(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            definition::solve_lower(l, n, b, m)
        }
        fn solve_lower_t(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            definition::solve_lower_t(l, n, b, m)
        }
    };
}

impl Bulk for f64 {
    by_definition!();
    by_elimination!();
}
impl Bulk for f32 {
    by_definition!();
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
