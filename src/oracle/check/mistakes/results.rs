//! Right results, put down differently.

use crate::oracle::Tensor;
use crate::oracle::check::asked::{Asked, each_matrix};
use crate::oracle::check::mistake::{Mistake, memory_in_order, other_orders};
use crate::oracle::spec::Domain;
use crate::scalar::{Ball, Scalar};

fn one(t: Option<Tensor<Ball>>) -> Vec<(String, Tensor<Ball>)> {
    t.map(|t| (String::new(), t)).into_iter().collect()
}
fn combined(a: &Tensor<Ball>, b: &Tensor<Ball>, f: fn(Ball, Ball) -> Ball) -> Tensor<Ball> {
    Tensor { shape: a.shape.clone(), data: a.data.iter().zip(&b.data).map(|(&x, &y)| f(x, y)).collect() }
}
/// The result with each input of its own shape.
fn with_inputs(a: &Asked, t: &Tensor<Ball>, f: fn(Ball, Ball) -> Ball) -> Vec<(String, Tensor<Ball>)> {
    a.inputs().filter(|(_, x)| x.shape == t.shape && !t.shape.is_empty()).map(|(p, x)| (p.name.to_string(), combined(t, x, f))).collect()
}
fn has_symmetric_input(a: &Asked) -> bool {
    a.spec().inputs.iter().any(|p| matches!(p.domain, Domain::Definite | Domain::Semidefinite))
}
/// Symmetric gradients laid down in one triangle.
fn triangle(a: &Asked, t: &Tensor<Ball>, gradient: bool, off: f64) -> Vec<(String, Tensor<Ball>)> {
    if !(gradient && has_symmetric_input(a)) {
        return Vec::new();
    }
    let off = Ball::exact(off);
    one(each_matrix(t, |m| {
        Some(crate::linalg::Matrix::from_fn(m.rows(), m.cols(), |i, j| {
            if j > i {
                Ball::ZERO
            } else if i == j {
                m[(i, j)]
            } else {
                m[(i, j)] * off
            }
        }))
    }))
}

pub(super) const RESULTS: &[Mistake] = &[
    Mistake::results("residual-added", "{} is added: a residual where there is none", |a, t, g| {
        if g { Vec::new() } else { with_inputs(a, t, |y, x| y + x) }
    }),
    Mistake::results("residual-missing", "{} is not added, or subtracted: the residual is missing", |a, t, g| {
        if g { Vec::new() } else { with_inputs(a, t, |y, x| y - x) }
    }),
    Mistake::results("residual-only", "{} comes back as it went in", |a, t, g| if g { Vec::new() } else { with_inputs(a, t, |_, x| x) }),
    Mistake::results("transposed-result", "the result is transposed: samples as columns, as in the papers", |_, t, _| {
        if t.shape.len() < 2 { Vec::new() } else { one(each_matrix(t, |m| Some(m.transpose()))) }
    }),
    Mistake::results(
        "result-memory-order",
        "the memory of the result is in another order of its axes: Fortran order, or `reshape` for `transpose`",
        |_, t, _| {
            let square = matches!(t.shape[..], [r, c] if r == c);
            let orders = other_orders(if square { 0 } else { t.shape.len() });
            let all = orders.iter().flat_map(|axes| [false, true].map(|inverse| memory_in_order(t, &t.shape, axes, inverse)));
            all.flatten().map(|t| (String::new(), t)).collect()
        },
    ),
    Mistake::results("negative-part-dropped", "what is negative became 0: a ReLU too many", |_, t, g| {
        if g { Vec::new() } else { one(Some(t.map(Scalar::relu))) }
    }),
    Mistake::results("magnitude", "the sign is lost: magnitudes", |_, t, g| if g { Vec::new() } else { one(Some(t.map(Scalar::abs))) }),
    Mistake::results("detached", "no gradient arrives: detached, stop_gradient, or an operation without a derivative", |_, t, g| {
        if g { one(Some(t.map(|_| Ball::ZERO))) } else { Vec::new() }
    }),
    Mistake::results(
        "lower-triangle",
        "the gradient of the symmetric input stands in the lower triangle, its off-diagonal doubled",
        |a, t, g| triangle(a, t, g, 2.0),
    ),
    Mistake::results("lower-triangle-once", "the gradient of the symmetric input is cut to the lower triangle", |a, t, g| {
        triangle(a, t, g, 1.0)
    }),
    Mistake::results("gradient-at-unit-length", "the gradient was divided by its length: clipped or normalised", |_, t, g| {
        if !g {
            return Vec::new();
        }
        let length = t.data.iter().fold(Ball::ZERO, |s, x| s + x.square()).sqrt();
        if length.mid().hi() > 0.0 { one(Some(t.map(|x| x / length))) } else { Vec::new() }
    }),
];
