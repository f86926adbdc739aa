//! What is timed when nothing is named: the computations that the speed of everything else comes from, at the sizes of `docs/speed.md`.

use super::Program;
use crate::Result;
use crate::coding::{Distortion, coding_rate_with_gradient};
use crate::data::digits;
use crate::linalg::{Matrix, log_det};
use crate::oracle::entry::Number;
use crate::random::{Rng, gaussian_matrix};
use crate::reduction::{Membership, RateReduction};
use crate::scalar::{DoubleDouble, Function, Scalar};
use std::hint::black_box;

/// A computation at several sizes.
pub struct Subject {
    /// The name on the command line.
    pub name: &'static str,
    /// One line.
    pub purpose: &'static str,
    /// The computation at each size.
    pub programs: fn() -> Result<Vec<Program<'static>>>,
}

/// All of them, from the kernels up.
pub const SUBJECTS: &[Subject] = &[
    Subject { name: "product", purpose: "A B of square matrices, and of tall ones with 64 features", programs: product },
    Subject { name: "log_det", purpose: "Cholesky factor and log-determinant", programs: log_determinant },
    Subject { name: "exp", purpose: "eˣ of every element", programs: || map(Function::Exp) },
    Subject { name: "ln", purpose: "the logarithm of every element", programs: || map(Function::Ln) },
    Subject { name: "rate_gradient", purpose: "coding rate and its gradient", programs: rate_gradient },
    Subject { name: "reduction_gradient", purpose: "rate reduction of the digits and its gradient", programs: reduction_gradient },
];

/// A program that keeps nothing of what `run` computes.
fn program<R>(size: String, number: Number, flops: f64, mut run: impl FnMut() -> Result<R> + 'static) -> Program<'static> {
    Program { size, number, flops, run: Box::new(move || run().map(|x| drop(black_box(x)))) }
}

fn gaussian<S: Scalar>(rows: usize, cols: usize) -> Matrix<S> {
    gaussian_matrix(rows, cols, &mut Rng::stream(1, "bench")).map(S::from_f64)
}

fn product() -> Result<Vec<Program<'static>>> {
    fn of<S: Scalar>(number: Number, [m, n, k]: [usize; 3]) -> Program<'static> {
        let (a, b) = (gaussian::<S>(m, k), gaussian::<S>(k, n));
        program(format!("{m} × {n} × {k}"), number, 2.0 * (m * n * k) as f64, move || a.matmul(&b))
    }
    let sizes = [[64, 64, 64], [128, 128, 128], [256, 256, 256], [512, 512, 512], [1024, 1024, 1024], [1088, 64, 64]];
    Ok(sizes.into_iter().map(|s| of::<f64>(Number::F64, s)).chain(sizes.into_iter().map(|s| of::<f32>(Number::F32, s))).collect())
}

fn log_determinant() -> Result<Vec<Program<'static>>> {
    let of = |n: usize| {
        let mut a = gaussian::<f64>(n, n).gram_cols();
        for i in 0..n {
            a[(i, i)] += n as f64;
        }
        program(format!("{n} × {n}"), Number::F64, (n * n * n) as f64 / 3.0, move || log_det(&a))
    };
    Ok([32, 64, 128, 256, 512, 1024].map(of).into())
}

/// Counted: 40 operations an element in `f64` and 28 in `f32`, what the argument reduction and the polynomials take, roughly.
fn map(f: Function) -> Result<Vec<Program<'static>>> {
    fn of<S: Scalar>(number: Number, f: Function, len: usize) -> Program<'static> {
        let x: Vec<S> = (0..len).map(|i| S::from_usize(1 + i * 7919 % 1009) / S::from_f64(300.0)).collect();
        let mut y = x.clone();
        let operations = if number == Number::F32 { 28.0 } else { 40.0 };
        program(len.to_string(), number, operations * len as f64, move || {
            y.copy_from_slice(&x);
            S::map(f, &mut y);
            Ok(black_box(y[0]))
        })
    }
    let sizes = [64, 4096];
    Ok(sizes.into_iter().map(|s| of::<f64>(Number::F64, f, s)).chain(sizes.into_iter().map(|s| of::<f32>(Number::F32, f, s))).collect())
}

fn rate_gradient() -> Result<Vec<Program<'static>>> {
    fn of<S: Scalar>(number: Number, [n, d]: [usize; 2]) -> Program<'static> {
        let (z, distortion) = (gaussian::<S>(n, d), Distortion::Eps(S::from_f64(0.5)));
        let [n, d] = [n as f64, d as f64];
        let flops = 3.0 * n * d * d + d * d * d / 3.0;
        program(format!("{n} × {d}"), number, flops, move || coding_rate_with_gradient(black_box(&z), distortion))
    }
    let sizes = [[8, 4], [64, 32], [512, 128]];
    Ok(sizes
        .into_iter()
        .map(|s| of::<f64>(Number::F64, s))
        .chain(sizes.into_iter().map(|s| of::<DoubleDouble>(Number::Double, s)))
        .collect())
}

/// The digits as rows of 64 numbers, and their classes.
fn digits_and_classes() -> Result<(Matrix<f64>, Membership<f64>)> {
    let digits = digits();
    let z = Matrix::new(digits.labels.len(), digits.images.len() / digits.labels.len(), digits.unit())?;
    Ok((z, Membership::labels(digits.labels.iter().map(|&l| usize::from(l)).collect(), 10)?))
}

fn reduction_gradient() -> Result<Vec<Program<'static>>> {
    let (z, membership) = digits_and_classes()?;
    let [n, d] = z.shape().map(|x| x as f64);
    let flops = 3.0 * n * d * d + 11.0 * d * d * d;
    let reduction = RateReduction::new(Distortion::Eps(0.5));
    Ok(vec![program(format!("{n} × {d}, 10 classes"), Number::F64, flops, move || reduction.value_and_gradient(&z, &membership))])
}
