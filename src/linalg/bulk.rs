//! The array operations of each number type: plain numbers run the definition or its fast equal, balls enclose by a residual.
//! Whatever runs, runs on the best instruction set, where a fused multiply-add is one instruction.

use super::dispatch::Isa;
use super::enclose;
use super::kernel::{self, plain};
use crate::Result;
use crate::scalar::{Ball, Bulk, DoubleDouble, Dual, Function, Heads, Implicit, Part, Scalar, View};

/// `log det` and solves from a Cholesky factor, for every type but the ball.
macro_rules! by_elimination {
    () => {
        fn log_det(a: &[Self], n: usize) -> Result<Self> {
            let mut l = a.to_vec();
            Self::cholesky(&mut l, n)?;
            Ok(sum_over_diagonal(Function::Ln, &l, n) * Self::from_f64(2.0))
        }
        fn log_det_i_plus(m: &[Self], n: usize) -> Result<Self> {
            let mut l = m.to_vec();
            Self::excess_pivots(&mut l, n)?;
            Ok(sum_over_diagonal(Function::Log1p, &l, n))
        }
        fn log_det_i_plus_solve(m: &[Self], n: usize, b: &[Self], cols: usize) -> Result<(Self, Vec<Self>)> {
            let (mut l, mut x) = (m.to_vec(), b.to_vec());
            Self::excess_pivots(&mut l, n)?;
            Self::solve_excess(&l, n, &mut x, cols);
            Ok((sum_over_diagonal(Function::Log1p, &l, n), x))
        }
        fn log_det_i_plus_solve_rows(m: &[Self], n: usize, b: &[Self]) -> Result<(Self, Vec<Self>)> {
            let (mut l, mut x) = (m.to_vec(), b.to_vec());
            Self::excess_pivots(&mut l, n)?;
            Self::solve_excess_rows(&l, n, &mut x);
            Ok((sum_over_diagonal(Function::Log1p, &l, n), x))
        }
        fn spd_solve(a: &[Self], n: usize, b: &[Self], m: usize) -> Result<Vec<Self>> {
            let (mut l, mut x) = (a.to_vec(), b.to_vec());
            Self::cholesky(&mut l, n)?;
            Self::solve_cholesky(&l, n, &mut x, m)?;
            Ok(x)
        }
        fn spd_solve_rows(a: &[Self], n: usize, b: &[Self]) -> Result<Vec<Self>> {
            let (mut l, mut x) = (a.to_vec(), b.to_vec());
            Self::cholesky(&mut l, n)?;
            Self::solve_cholesky_rows(&l, n, &mut x)?;
            Ok(x)
        }
    };
}
/// `Σ f(a_jj)` over 16 lanes.
fn sum_over_diagonal<S: Scalar>(f: Function, a: &[S], n: usize) -> S {
    let mut diagonal: Vec<S> = (0..n).map(|j| a[j * n + j]).collect();
    S::map(f, &mut diagonal);
    S::sum(&diagonal)
}

macro_rules! by_computing {
    () => {
        fn implicit<F: Implicit>(f: &F, inputs: &[&[Self]]) -> Result<Vec<Vec<Self>>> {
            f.compute(inputs)
        }
    };
}
/// The operations that `plain` or `kernel` has under the same name.
macro_rules! through {
    ($module:ident) => {
        fn product(a: View<Self>, b: View<Self>, c: &mut [Self], part: Part) {
            $module::product(Isa::detect(), a, b, c, part)
        }
        fn sum(x: &[Self]) -> Self {
            $module::sum(Isa::detect(), x)
        }
        fn dot(x: &[Self], y: &[Self]) -> Self {
            $module::dot(Isa::detect(), x, y)
        }
        fn map(f: Function, x: &mut [Self]) {
            $module::map(Isa::detect(), f, x)
        }
        fn softmax_rows(x: &mut [Self], cols: usize) {
            $module::softmax_rows(Isa::detect(), x, cols)
        }
        fn softmax_rows_vjp(y: &[Self], y_bar: &mut [Self], cols: usize) {
            $module::softmax_rows_vjp(Isa::detect(), y, y_bar, cols)
        }
        fn standardise_rows(x: &mut [Self], cols: usize, eps: Self, r: &mut [Self]) {
            $module::standardise_rows(Isa::detect(), x, cols, eps, r)
        }
        fn standardise_rows_vjp(hat: &[Self], r: &[Self], h: &mut [Self], cols: usize) {
            $module::standardise_rows_vjp(Isa::detect(), hat, r, h, cols)
        }
        fn attention(heads: &Heads<Self>, projected: &[Self], cols: usize, weights: &mut [Self], out: &mut [Self]) {
            $module::attention(Isa::detect(), heads, projected, cols, weights, out)
        }
        fn attention_vjp(heads: &Heads<Self>, projected: &[Self], cols: usize, weights: &[Self], d_out: &[Self], d_projected: &mut [Self]) {
            $module::attention_vjp(Isa::detect(), heads, projected, cols, weights, d_out, d_projected)
        }
        fn cholesky(a: &mut [Self], n: usize) -> Result<()> {
            $module::cholesky(Isa::detect(), a, n)
        }
        fn excess_pivots(m: &mut [Self], n: usize) -> Result<()> {
            $module::excess_pivots(Isa::detect(), m, n)
        }
        fn solve_lower(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            $module::solve_lower(Isa::detect(), l, n, b, m)
        }
        fn solve_lower_t(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            $module::solve_lower_t(Isa::detect(), l, n, b, m)
        }
        fn solve_lower_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()> {
            $module::solve_lower_rows(Isa::detect(), l, n, b)
        }
        fn solve_lower_t_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()> {
            $module::solve_lower_t_rows(Isa::detect(), l, n, b)
        }
        fn solve_cholesky(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()> {
            $module::solve_cholesky(Isa::detect(), l, n, b, m)
        }
        fn solve_cholesky_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()> {
            $module::solve_cholesky_rows(Isa::detect(), l, n, b)
        }
        fn solve_excess(l: &[Self], n: usize, b: &mut [Self], m: usize) {
            $module::solve_excess(Isa::detect(), l, n, b, m)
        }
        fn solve_excess_rows(l: &[Self], n: usize, b: &mut [Self]) {
            $module::solve_excess_rows(Isa::detect(), l, n, b)
        }
    };
}

impl Bulk for f64 {
    through!(kernel);
    by_elimination!();
    by_computing!();
}
impl Bulk for f32 {
    through!(kernel);
    by_elimination!();
    by_computing!();
}
impl Bulk for DoubleDouble {
    through!(plain);
    by_elimination!();
    by_computing!();
}
impl<S: Scalar> Bulk for Dual<S> {
    through!(plain);
    by_elimination!();
    fn implicit<F: Implicit>(f: &F, inputs: &[&[Self]]) -> Result<Vec<Vec<Self>>> {
        let values: Vec<Vec<S>> = inputs.iter().map(|x| x.iter().map(|x| x.value).collect()).collect();
        let directions: Vec<Vec<S>> = inputs.iter().map(|x| x.iter().map(|x| x.tangent).collect()).collect();
        let values: Vec<&[S]> = values.iter().map(Vec::as_slice).collect();
        let directions: Vec<&[S]> = directions.iter().map(Vec::as_slice).collect();
        let outputs = S::implicit(f, &values)?;
        let tangents = f.tangent(&values, &outputs, &directions)?;
        let join = |(y, t): (Vec<S>, Vec<S>)| y.into_iter().zip(t).map(|(value, tangent)| Dual { value, tangent }).collect();
        Ok(outputs.into_iter().zip(tangents).map(join).collect())
    }
}
impl Bulk for Ball {
    through!(plain);
    fn log_det(a: &[Self], n: usize) -> Result<Self> {
        enclose::log_det(a, n)
    }
    fn log_det_i_plus(m: &[Self], n: usize) -> Result<Self> {
        enclose::log_det_i_plus(m, n)
    }
    fn spd_solve(a: &[Self], n: usize, b: &[Self], m: usize) -> Result<Vec<Self>> {
        enclose::spd_solve(a, n, b, m)
    }
    fn spd_solve_rows(a: &[Self], n: usize, b: &[Self]) -> Result<Vec<Self>> {
        let m = b.len() / n.max(1);
        Ok(transposed(&enclose::spd_solve(a, n, &transposed(b, m, n), m)?, n, m))
    }
    fn log_det_i_plus_solve(m: &[Self], n: usize, b: &[Self], cols: usize) -> Result<(Self, Vec<Self>)> {
        Ok((Self::log_det_i_plus(m, n)?, Self::spd_solve(&i_plus(m, n), n, b, cols)?))
    }
    fn log_det_i_plus_solve_rows(m: &[Self], n: usize, b: &[Self]) -> Result<(Self, Vec<Self>)> {
        Ok((Self::log_det_i_plus(m, n)?, Self::spd_solve_rows(&i_plus(m, n), n, b)?))
    }
    fn implicit<F: Implicit>(f: &F, inputs: &[&[Self]]) -> Result<Vec<Vec<Self>>> {
        f.enclose(inputs)
    }
}

/// The transpose of a `rows × cols` matrix.
fn transposed<S: Copy>(x: &[S], rows: usize, cols: usize) -> Vec<S> {
    (0..rows * cols).map(|k| x[k % rows * cols + k / rows]).collect()
}
/// `I + M`.
fn i_plus(m: &[Ball], n: usize) -> Vec<Ball> {
    let mut a = m.to_vec();
    for j in 0..n {
        a[j * n + j] += Ball::ONE;
    }
    a
}
