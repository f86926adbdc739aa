//! Catalog entries of the room [`crate::sparse`].

mod coherence;
mod iterate;
mod lasso;
mod orthogonal;
mod unrolled;

pub use coherence::Coherence;
pub use iterate::{Fista, Ista};
pub use lasso::{LassoGap, LassoSolution};
pub use orthogonal::{FastIcaStep, Kurtosis, L4Objective, MspStep};
pub use unrolled::{Autoencoder, Lista, ListaCoupled};

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Param, Port, Range, Setting, Values, on_grid};
use crate::scalar::{Ball, Scalar};
use crate::sparse::{Codes, Lasso};

const X: Port = Port::real("x", "n d", "data, one sample a row");
const A: Port = Port::real("a", "m d", "the dictionary, an atom a row");
const LAMBDA: Param =
    Param { name: "lambda", domain: Range::Positive, default: None, samples: &[0.25, 0.5, 0.0625, 1.5], doc: "weight of the ℓ¹ norm" };
const CODES: Param = Param {
    name: "codes",
    domain: Range::Word(&["signed", "nonnegative"]),
    default: Some(0.0),
    samples: &[0.0, 1.0],
    doc: "which codes are allowed, and with it the proximal map",
};
const FACTORS: &[&str] = &[
    "Without the ½ (Beck and Teboulle; the monograph's chapter 2): their lambda is 2 of ours, their step ½ of ours",
    "scikit-learn: sparse_encode and DictionaryLearning as here; Lasso(alpha) divides by the length d of x: lambda = d·alpha",
    "Papers write the dictionary with atoms as columns: theirs is the transpose of a",
];

fn exact(x: f64) -> Ball {
    Ball::exact(x)
}
fn ratio(p: f64, q: f64) -> Ball {
    exact(p) / exact(q)
}
fn codes<S: Scalar>(x: &Args<S>) -> Result<Codes> {
    Ok(if x.word("codes")? == "signed" { Codes::Signed } else { Codes::NonNegative })
}
fn problem<S: Scalar>(x: &Args<S>) -> Result<Lasso<S>> {
    Lasso::new(x.matrix("a")?, x.param("lambda")?, codes(x)?)
}
fn codes_of(case: &Case) -> Codes {
    let negative = case.params.iter().any(|(n, s)| n == "codes" && *s == Setting::Word("nonnegative".into()));
    if negative { Codes::NonNegative } else { Codes::Signed }
}
fn lambda_of(case: &Case) -> f64 {
    case.number("lambda").unwrap_or(f64::NAN)
}
fn problem_of(case: &Case) -> Result<Lasso<Ball>> {
    Lasso::new(case.inputs.matrix("a")?, exact(lambda_of(case)), codes_of(case))
}
fn norm1(z: &Matrix<Ball>) -> Ball {
    z.data().iter().fold(Ball::ZERO, |s, z| s + z.abs())
}
/// Inputs and λ twice as large.
fn doubled(case: &Case, names: &[&str]) -> Result<Case> {
    let mut out = case.clone().set("lambda", 2.0 * lambda_of(case));
    for name in names {
        let twice = case.inputs.real(name)?.map(|x| x * exact(2.0));
        out.inputs.set(*name, twice);
    }
    Ok(out)
}
/// Atoms that differ: repeated and parallel ones get a pattern of their own, so that solutions are unique. An atom of zeros stays.
fn distinct_atoms(mut case: Case) -> Case {
    let Ok(a) = case.inputs.matrix("a") else { return case };
    let largest = a.data().iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
    let moved = Matrix::from_fn(a.rows(), a.cols(), |i, j| match a.row(i).iter().all(|&x| x == Ball::ZERO) {
        true => Ball::ZERO,
        false => exact(on_grid(a[(i, j)].mid().hi() + 0.25 * largest * (((i * i + 3 * i * j + 2 * j) % 7) as f64 - 2.5))),
    });
    case.inputs.set("a", moved);
    case
}
/// Atoms small enough for `η‖A‖_F² ≤ 1`, which implies `η ≤ 1/L`.
fn small_atoms(mut case: Case) -> Case {
    let eta = case.number("eta").unwrap_or(1.0);
    let Ok(mut a) = case.inputs.matrix("a") else { return case };
    while (a.frobenius_squared() * exact(eta)).upper() > 1.0 {
        a = a.scale(exact(0.5));
    }
    case.inputs.set("a", a);
    case
}

/// `A = [[1, 0], [0, 1], [3/5, 4/5]]`, `x = (1, 2)` or `(1, −2)`, λ = ½: L = 2, every number rational.
fn golden(second: f64) -> Case {
    let a = Matrix::from_fn(3, 2, |i, j| [[Ball::ONE, Ball::ZERO], [Ball::ZERO, Ball::ONE], [ratio(3.0, 5.0), ratio(4.0, 5.0)]][i][j]);
    Case::new(Values::new().with("x", Matrix::from_rows(&[[1.0, second]])).with("a", a)).set("lambda", 0.5)
}
fn row(z: [Ball; 3]) -> Matrix<Ball> {
    Matrix::from_fn(1, 3, |_, j| z[j])
}
