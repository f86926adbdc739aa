//! What the entries of signals share: their axes, all their shifts as a plain data set, the dense matrix of a convolution.

use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Domain, Port, Setting, Tensor, Value};
use crate::reduction::Membership;
use crate::redunet::{Normalisation, Shifts};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// The classes of signals.
pub const LABELS: Port = Port::of(Domain::Label("k"), "labels", "n", "the class of each signal");

/// Signals as rows, and `[C, H, W]`; H = 1 in one dimension.
pub fn signals<S: Scalar>(x: &Args<S>, name: &str) -> Result<(Matrix<S>, [usize; 3])> {
    let t = x.tensor(name)?;
    rows(t)
}
/// The same of a tensor.
pub fn rows<S: Scalar>(t: &Tensor<S>) -> Result<(Matrix<S>, [usize; 3])> {
    let (n, shape) = match t.shape[..] {
        [n, c, w] => (n, [c, 1, w]),
        [n, c, h, w] => (n, [c, h, w]),
        _ => return Err(Error::shape("signals", "n × C × T or n × C × H × W", format!("{:?}", t.shape))),
    };
    Ok((Matrix::new(n, shape.iter().product(), t.data.clone())?, shape))
}
/// The plan for signals of this shape.
pub fn plan<S: Scalar>([c, h, w]: [usize; 3], preset: &str) -> Result<Shifts<S>> {
    let normalisation = if preset == "redunet-repo" { Normalisation::Orthonormal } else { Normalisation::Exact };
    Shifts::new(c, h, w, normalisation)
}
/// The axes `[…, H, W]` or `[…, T]` of a tensor over signals.
pub fn axes(shape: [usize; 3], dimensions: usize, before: &[usize]) -> Vec<usize> {
    let tail = if dimensions == 1 { &shape[2..] } else { &shape[1..] };
    before.iter().chain(tail).copied().collect()
}
/// Labels without gaps.
pub fn compact(mut case: Case) -> Case {
    if let Some(Value::Int(t)) = case.inputs.get("labels") {
        let mut present = t.data.clone();
        present.sort_unstable();
        present.dedup();
        let compact = t.map(|l| present.iter().position(|&p| p == l).unwrap_or(0) as i64);
        case.inputs.set("labels", compact);
    }
    case
}
/// The classes of a case.
pub fn labels(case: &Case) -> Result<Vec<usize>> {
    Ok(case.inputs.int("labels")?.data.iter().map(|&l| l as usize).collect())
}
/// ε² of a case.
pub fn eps2(case: &Case) -> Ball {
    case.params.iter().fold(Ball::WHOLE, |found, (name, setting)| match (name.as_str(), setting) {
        ("eps", Setting::Number(x)) => Ball::exact(*x).square(),
        ("eps2", Setting::Number(x)) => Ball::exact(*x),
        _ => found,
    })
}
/// A signal moved by `(down, right)`: `y(t) = x(t − s)`.
pub fn shifted<S: Scalar>(x: &[S], [c, h, w]: [usize; 3], (down, right): (usize, usize)) -> Vec<S> {
    let at = |k: usize| {
        let (channel, i, j) = (k / (h * w), k / w % h, k % w);
        (channel * h + (i + h - down % h) % h) * w + (j + w - right % w) % w
    };
    (0..c * h * w).map(|k| x[at(k)]).collect()
}
/// All shifts of all signals, those of one signal together; and their classes.
pub fn orbit<S: Scalar>(v: &Matrix<S>, shape: [usize; 3], labels: &[usize]) -> Result<(Matrix<S>, Membership<S>)> {
    let t = shape[1] * shape[2];
    let mut data = Vec::with_capacity(v.data().len() * t);
    for i in 0..v.rows() {
        for s in 0..t {
            data.extend(shifted(v.row(i), shape, (s / shape[2], s % shape[2])));
        }
    }
    let labels = labels.iter().flat_map(|&l| std::iter::repeat_n(l, t)).collect();
    Ok((Matrix::new(v.rows() * t, v.cols(), data)?, Membership::from_labels(labels)?))
}
/// The dense CT × CT matrix of a convolution with kernels C × C × T: `e[c, c'](i − j)`.
pub fn dense<S: Scalar>(kernels: &[S], [c, h, w]: [usize; 3]) -> Matrix<S> {
    let t = h * w;
    Matrix::from_fn(c * t, c * t, |row, col| {
        let ((a, i), (b, j)) = ((row / t, row % t), (col / t, col % t));
        let (down, right) = ((i / w + h - j / w) % h, (i % w + w - j % w) % w);
        kernels[(a * c + b) * t + down * w + right]
    })
}
/// The case with its first signal moved.
pub fn first_moved(case: &Case) -> Result<Case> {
    let t = case.inputs.real("v")?;
    let (mut v, shape) = rows(t)?;
    let moved = shifted(v.row(0), shape, (1, 1));
    v.row_mut(0).copy_from_slice(&moved);
    Ok(case.clone().input("v", Tensor::new(t.shape.clone(), v.into_data())?))
}
/// The case with every signal moved.
pub fn all_moved(case: &Case, name: &str) -> Result<Case> {
    let t = case.inputs.real(name)?;
    Ok(case.clone().input(name, moved(t)?))
}
/// Signals moved by one place in each direction.
pub fn moved(t: &Tensor<Ball>) -> Result<Tensor<Ball>> {
    let (v, shape) = rows(t)?;
    let data = (0..v.rows()).flat_map(|i| shifted(v.row(i), shape, (1, 1))).collect();
    Tensor::new(t.shape.clone(), data)
}
/// Small sizes, each its own: dense matrices of all shifts are the other side of the laws.
pub fn small(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
    let upto = |n: usize, rng: &mut crate::random::Rng| 1 + rng.below(n.min(size));
    vec![("n", upto(4, rng)), ("k", upto(3, rng)), ("c", upto(3, rng)), ("t", upto(6, rng)), ("h", upto(3, rng)), ("w", upto(4, rng))]
}
