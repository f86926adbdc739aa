//! Catalog entries of the room [`crate::subspace`].

mod gaussian;
mod spectral;

pub use gaussian::{PpcaCovariance, PpcaLikelihood, Wiener};
pub use spectral::{PcaProjector, PowerIteration, SingularValueThreshold};

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Case, Port, Values};
use crate::scalar::{Ball, Scalar};

const X: Port = Port::real("x", "n d", "samples, one a row");

fn exact(x: f64) -> Ball {
    Ball::exact(x)
}
fn ratio(p: f64, q: f64) -> Ball {
    exact(p) / exact(q)
}
fn diagonal(d: &[f64]) -> Matrix<Ball> {
    Matrix::from_diagonal(&d.iter().map(|&x| exact(x)).collect::<Vec<_>>())
}
/// The symmetric matrix that a case means: its lower triangle, mirrored.
fn symmetric(case: &Case, name: &str) -> Result<Matrix<Ball>> {
    Ok(mirrored(&case.inputs.matrix(name)?))
}
fn mirrored<S: Scalar>(a: &Matrix<S>) -> Matrix<S> {
    Matrix::from_fn(a.rows(), a.cols(), |i, j| if i >= j { a[(i, j)] } else { a[(j, i)] })
}
/// A rotation by the angle of the 3-4-5 triangle in the planes (0, 1), (2, 3), …
fn rotation(d: usize) -> Matrix<Ball> {
    let (c, s) = (ratio(3.0, 5.0), ratio(4.0, 5.0));
    Matrix::from_fn(d, d, |i, j| match (i, j) {
        _ if i / 2 != j / 2 => Ball::ZERO,
        _ if i / 2 * 2 + 1 == d => Ball::ONE,
        _ if i == j => c,
        _ if i < j => -s,
        _ => s,
    })
}
/// Data whose second moment has separate eigenvalues: column j gets a part of its own, of size about `2^{−j}` of the largest number.
fn separated(mut case: Case, name: &str) -> Case {
    let Ok(x) = case.inputs.matrix(name) else { return case };
    let largest = x.data().iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let weight = |i: usize, j: usize| if i % x.cols() == j { (4.0 + i as f64) / (1.0 + 2.0 * j as f64) } else { 0.0 };
    let moved = Matrix::from_fn(x.rows(), x.cols(), |i, j| exact(crate::oracle::on_grid(x[(i, j)].mid().hi() + largest * weight(i, j))));
    case.inputs.set(name, moved);
    case
}
/// A covariance with separate eigenvalues: growing parts on the diagonal.
fn separated_covariance(mut case: Case, name: &str) -> Case {
    let Ok(s) = case.inputs.matrix(name) else { return case };
    let largest = s.data().iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
    let moved = Matrix::from_fn(s.rows(), s.cols(), |i, j| match i == j {
        true => exact(crate::oracle::on_grid(s[(i, j)].mid().hi() + largest * (1.0 + i as f64 * 2.0))),
        false => s[(i, j)],
    });
    case.inputs.set(name, moved);
    case
}
/// A number `k` of directions that is at most the width of an input less `margin`.
fn at_most(case: Case, name: &str, margin: usize) -> Case {
    let width = case.inputs.matrix(name).map_or(0, |x| x.cols());
    match case.number("k") {
        Some(k) if k + margin as f64 > width as f64 => case.set("k", (width - margin) as f64),
        _ => case,
    }
}
fn value(x: Ball) -> Values<Ball> {
    Values::new().with("value", x)
}
