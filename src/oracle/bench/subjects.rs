//! What is timed when nothing is named: the computations that the speed of everything else comes from, at the sizes of `docs/speed.md`.

use super::Program;
use crate::Result;
use crate::coding::{Distortion, coding_rate_with_gradient};
use crate::data::digits;
use crate::learn::{Layer, Optimiser, Schedule};
use crate::linalg::{Matrix, log_det};
use crate::oracle::entry::Number;
use crate::random::{Rng, gaussian_matrix};
use crate::reduction::{ClassScale, Membership, RateOperators, RateReduction};
use crate::redunet::ReduLayer;
use crate::scalar::{DoubleDouble, Function, Scalar};
use crate::transformer::{Design, Recipe, Samples, Trainer, Vision, VisionTrace};
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
    Subject { name: "redunet_layer", purpose: "a layer of ReduNet from the digits, and the digits through it", programs: redunet_layer },
    Subject { name: "crate_step", purpose: "a training step of CRATE on 64 digits: forward, backward, AdamW", programs: crate_step },
    Subject { name: "crate_forward", purpose: "the logits of CRATE: of 64 digits, of images of 224 × 224", programs: crate_forward },
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

/// Second moments `n d²`, eleven inverses of d³, then `E z` and every `C_k z`.
fn redunet_layer() -> Result<Vec<Program<'static>>> {
    let (z, membership) = digits_and_classes()?;
    let [n, d] = z.shape().map(|x| x as f64);
    let flops = n * d * d + 11.0 * d * d * d + 22.0 * n * d * d;
    let run = move || {
        let operators = RateOperators::new(&z, &membership, Distortion::Eps(0.5), ClassScale::Samples)?;
        ReduLayer { blocks: vec![operators], eta: 0.5, lambda: 500.0 }.apply(&z)
    };
    Ok(vec![program(format!("{n} × {d}, 10 classes"), Number::F64, flops, run)])
}

/// A CRATE on the digits: patches of 2 × 2, four layers, four heads.
fn small(dim: usize) -> Design {
    Design::new_crate([1, 8, 8], 2, dim, 4, 4, 10)
}

/// Flops of a forward pass: projection, two products of the attention (of the symmetric scores one half), output, two products of the ISTA step; patches and head.
fn forward_flops(design: &Design, samples: usize) -> f64 {
    let [t, d, width] = [design.tokens(), design.dim, design.heads * design.head_width].map(|x| x as f64);
    let layer = 4.0 * t * d * width + 3.0 * t * t * width + 4.0 * t * d * d;
    let patch = (design.image[0] * design.patch * design.patch) as f64;
    samples as f64 * (design.depth as f64 * layer + 2.0 * (t - 1.0) * patch * d + 2.0 * d * design.classes as f64)
}

fn crate_step() -> Result<Vec<Program<'static>>> {
    let of = |dim: usize| {
        let (samples, batch) = (64, (0..64).collect::<Vec<_>>());
        let labels = digits().labels[..samples].iter().map(|&l| usize::from(l)).collect();
        let images = Matrix::new(samples, 64, digits().unit()[..samples * 64].to_vec())?.cast::<f32>();
        let (optimiser, schedule) = (Optimiser::adamw(0.05), Schedule::Constant);
        let recipe = Recipe { optimiser, rate: 1e-4, schedule, smoothing: 0.0, batch: samples, shift: 0, moved: 0.0, seed: 1 };
        let mut trainer = Trainer::new(Vision::initialise(small(dim), 1)?, recipe)?;
        let samples = Samples { images, labels };
        let flops = 3.0 * forward_flops(&small(dim), batch.len());
        Ok(program(format!("dim {dim}, batch 64"), Number::F32, flops, move || trainer.step(&samples, &batch, 0)))
    };
    [32, 64].into_iter().map(of).collect()
}

fn crate_forward() -> Result<Vec<Program<'static>>> {
    let of = |(name, design, batch): (&str, Design, usize)| {
        let model = Vision::<f32>::initialise(design, 1)?;
        let (images, mut trace) = (gaussian::<f32>(batch, design.image.iter().product()), VisionTrace::default());
        let flops = forward_flops(&design, batch);
        Ok(program(format!("{name}, batch {batch}"), Number::F32, flops, move || model.forward(&images, 1, &mut trace).map(drop)))
    };
    let published = |name| Design::published(name, 1000).map(|design| (name, design));
    let large = [(published("tiny"), 8), (published("base"), 1)].into_iter().filter_map(|(d, batch)| d.map(|(n, d)| (n, d, batch)));
    [("dim 64", small(64), 64)].into_iter().chain(large).map(of).collect()
}
