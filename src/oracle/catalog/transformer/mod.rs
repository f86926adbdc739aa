//! Catalog entries of the room [`crate::transformer`].

mod attention;
mod ladder;
mod layer;
mod rate;
mod sparsify;

pub use attention::{Mhsa, Mssa, MssaOfficial, Ssa};
pub use ladder::{ConvexStep, RateGradient, RateGradientNeumann, RateGradientNoSelf, RateGradientSoftmax, RateGradientSpanClosed};
pub use layer::{CrateLayer, CrateLayerOfficial, VitBlock};
pub use rate::{SparseRateReduction, SubspaceCodingRate};
pub use sparsify::{CrateIsta, IstaObjective, IstaStep};

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Case, Implementation, Port, Tensor, Tolerance, Values};
use crate::scalar::{Ball, Scalar};

/// Weights of a size that learned ones have: where the generator multiplied everything by 64, they are divided again. Rates can then be told apart in f32, and
/// softmax and GELU are not at their ends everywhere.
fn moderate(mut case: Case) -> Case {
    for name in ["u", "dictionary", "w_qkv", "w_out", "w_proj", "w1", "w2"] {
        if let Ok(w) = case.inputs.real(name)
            && w.data.iter().any(|x| x.magnitude() > 16.0)
        {
            let w = w.map(|x| x * exact(0.015625));
            case.inputs.set(name, w);
        }
    }
    case
}

/// Weights a quarter as large as the generator makes them, about those of a trained layer: the logits of the attention are then of order 1.
fn gentle(case: Case) -> Case {
    let mut case = moderate(case);
    for name in ["u", "w_qkv", "w_out", "w_proj", "w1", "w2", "dictionary"] {
        if let Ok(w) = case.inputs.real(name) {
            let w = w.map(|x| x * exact(0.25));
            case.inputs.set(name, w);
        }
    }
    case
}

/// What these operators were seen to need over thirty seeds, two or three times over.
const TOLERANCE: Tolerance = Tolerance { value: 1.5, gradient: 3.0 };
/// Tokens.
const Z: Port = Port::real("z", "n d", "tokens, one a row");
/// Bases.
const U: Port = Port::real("u", "h d p", "a basis of each subspace, its columns the directions; orthonormal or not");

fn stack<S: Scalar>(u: Vec<Matrix<S>>) -> Tensor<S> {
    let [d, p] = u.first().map_or([0, 0], |u| u.shape());
    Tensor { shape: vec![u.len(), d, p], data: u.into_iter().flat_map(Matrix::into_data).collect() }
}

fn exact(x: f64) -> Ball {
    Ball::exact(x)
}
/// The matrices along the first axis.
fn matrices(case: &Case, name: &str) -> Result<Vec<Matrix<Ball>>> {
    let t = case.inputs.real(name)?;
    let (rows, cols) = (t.shape[1], t.shape[2]);
    t.data.chunks(rows * cols).map(|m| Matrix::new(rows, cols, m.to_vec())).collect()
}
/// A rotation by the angle of the 3-4-5 triangle in the planes (0, 1), (2, 3), …
fn rotation(d: usize) -> Matrix<Ball> {
    let (c, s) = (exact(3.0) / exact(5.0), exact(4.0) / exact(5.0));
    Matrix::from_fn(d, d, |i, j| match (i, j) {
        _ if i / 2 != j / 2 => Ball::ZERO,
        _ if i / 2 * 2 + 1 == d => Ball::ONE,
        _ if i == j => c,
        _ if i < j => -s,
        _ => s,
    })
}
/// `Z Q` and `Qᵀ U_k` for a rotation Q.
fn jointly_rotated(case: &Case) -> Result<Case> {
    let z = case.inputs.matrix("z")?;
    let q = rotation(z.cols());
    let u = matrices(case, "u")?.iter().map(|u| q.t_matmul(u)).collect::<Result<_>>()?;
    Ok(case.clone().input("z", z.matmul(&q)?).input("u", stack(u)))
}
/// `U_k O` for a rotation O.
fn other_bases(case: &Case) -> Result<Case> {
    let u = matrices(case, "u")?;
    let o = rotation(u[0].cols());
    let u = u.iter().map(|u| u.matmul(&o)).collect::<Result<_>>()?;
    Ok(case.clone().input("u", stack(u)))
}
/// The heads in reverse.
fn heads_reversed(case: &Case) -> Result<Case> {
    let mut u = matrices(case, "u")?;
    u.reverse();
    Ok(case.clone().input("u", stack(u)))
}
/// The rows of an input in reverse.
fn rows_reversed(case: &Case, name: &str) -> Result<Case> {
    let x = case.inputs.matrix(name)?;
    Ok(case.clone().input(name, upside_down(&x)))
}
fn upside_down(x: &Matrix<Ball>) -> Matrix<Ball> {
    Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(x.rows() - 1 - i, j)])
}
/// One input through `f`, number by number.
fn mapped(case: &Case, name: &str, f: impl Fn(Ball) -> Ball) -> Result<Case> {
    let t = case.inputs.real(name)?.map(f);
    Ok(case.clone().input(name, t))
}
/// The one output as a matrix.
fn y(f: &dyn Implementation, case: &Case) -> Result<Matrix<Ball>> {
    f.eval(case)?.matrix("y")
}
/// A cotangent of small integers.
fn some_cotangent(n: usize, d: usize) -> Values<Ball> {
    Values::new().with("y", Matrix::from_fn(n, d, |i, j| exact(((3 * i + 5 * j) % 7) as f64 - 3.0)))
}
/// ε² of a case.
fn eps2(case: &Case) -> Ball {
    case.number("eps2").map_or_else(|| exact(case.number("eps").unwrap_or(f64::NAN)).square(), exact)
}
/// `a = p/(nε²)` of a case with tokens `z` and bases `u`.
fn constant(case: &Case) -> Result<Ball> {
    let (n, p) = (case.inputs.matrix("z")?.rows(), case.inputs.real("u")?.shape[2]);
    Ok(exact(p as f64) / (exact(n as f64) * eps2(case)))
}

/// The example that the closed forms share: three tokens of width 4, two orthonormal bases that together are complete, a dictionary.
mod example {
    use super::{Matrix, Tensor, stack};
    use crate::scalar::{Ball, Scalar};

    pub fn z() -> Matrix<Ball> {
        Matrix::from_rows(&[[1.0, 0.5, -0.25, 0.75], [-0.5, 1.25, 0.5, -1.0], [0.25, -0.75, 1.5, 0.5]])
    }
    pub fn u() -> Tensor<Ball> {
        let hadamard =
            Matrix::<Ball>::from_rows(&[[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]]);
        let half = |from: usize| Matrix::from_fn(4, 2, |i, j| hadamard[(i, from + j)] * Ball::from_f64(0.5));
        stack(vec![half(0), half(2)])
    }
    pub fn cotangent() -> Matrix<Ball> {
        Matrix::from_rows(&[[1.0, -1.0, 0.5, 0.25], [0.5, 0.25, -0.75, 1.0], [-0.5, 1.0, 0.25, -0.25]])
    }
    pub fn dictionary() -> Matrix<Ball> {
        Matrix::from_rows(&[[0.5, 0.25, 0.0, -0.25], [-0.25, 0.75, 0.5, 0.0], [0.0, -0.5, 0.5, 0.25], [0.25, 0.0, -0.25, 1.0]])
    }
    /// Decimals of a table, each known to one unit of its last digit.
    pub fn table<const C: usize>(rows: &[[&str; C]]) -> Matrix<Ball> {
        Matrix::from_fn(rows.len(), C, |i, j| crate::oracle::digits(rows[i][j]))
    }
}
