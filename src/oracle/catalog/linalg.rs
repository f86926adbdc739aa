//! Catalog entries of the room [`crate::linalg`].

use crate::Result;
use crate::linalg::{self, Matrix};
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Values};
use crate::scalar::{Ball, Scalar};

fn of(name: &str, m: Matrix<Ball>) -> Case {
    Case::new(Values::new().with(name, m))
}
fn is(x: Ball) -> Values<Ball> {
    Values::new().with("value", x)
}
/// `1/(i + j + 1)`: famously ill-conditioned, with determinant 1/2160. Its entries are balls, not f64.
fn hilbert() -> Matrix<Ball> {
    Matrix::from_fn(3, 3, |i, j| Ball::exact((i + j + 1) as f64).recip())
}
/// 2 on the diagonal, −1 beside it: determinant n + 1.
fn second_difference(n: usize) -> Matrix<Ball> {
    Matrix::from_fn(n, n, |i, j| {
        Ball::exact(if i == j {
            2.0
        } else if i.abs_diff(j) == 1 {
            -1.0
        } else {
            0.0
        })
    })
}
/// The symmetric matrix that a case means: its lower triangle, mirrored.
fn symmetric(case: &Case, name: &str) -> Result<Matrix<Ball>> {
    let a = case.inputs.matrix(name)?;
    Ok(Matrix::from_fn(a.rows(), a.cols(), |i, j| if i >= j { a[(i, j)] } else { a[(j, i)] }))
}

/// `gram`.
pub struct Gram;
impl Operator for Gram {
    const SPEC: Spec = Spec {
        name: "gram",
        room: "linalg",
        purpose: "XᵀX, symmetric to the bit",
        definition: "y_ij = Σ_k x_ki x_kj, one chain of fused multiply-adds in increasing k; the lower triangle is computed and mirrored",
        source: "Higham, Accuracy and Stability of Numerical Algorithms, SIAM 2002, §3.5",
        inputs: &[Port::real("x", "n d", "samples, one a row")],
        outputs: &[Port::real("y", "d d", "the second moment times n")],
        divergences: &["XXᵀ (n × n) has the same nonzero spectrum; the Gram of centred rows is the scatter matrix"],
        couples: "rows of one X",
        cost: "n·d² flops",
        flops: |s| s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", x.matrix("x")?.gram_cols()))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let bar = y.matrix("y")?;
        Ok(Values::new().with("x", x.matrix("x")?.matmul(&bar.add(&bar.transpose())?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("gram/trace", "tr XᵀX = ‖X‖_F²", |f, case| {
                Ok(Some(Sides::of(f.eval(case)?.matrix("y")?.trace(), case.inputs.matrix("x")?.frobenius_squared())))
            }),
            Law::equal("gram/symmetry", "y = yᵀ", |f, case| {
                let y = f.eval(case)?.matrix("y")?;
                Ok(Some(Sides::all(y.data(), y.transpose().into_data())))
            }),
            Law::equal("gram/homogeneous", "gram(2X) = 4 gram(X)", |f, case| {
                let twice = case.clone().input("x", case.inputs.matrix("x")?.scale(Ball::exact(2.0)));
                let (left, right) = (f.eval(&twice)?.matrix("y")?, f.eval(case)?.matrix("y")?);
                Ok(Some(Sides::all(left.into_data(), right.scale(Ball::exact(4.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let x = Matrix::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        vec![Closed::new(
            "three rows of small integers",
            of("x", x),
            Values::new().with("y", Matrix::from_rows(&[[35.0, 44.0], [44.0, 56.0]])),
        )]
    }
}

/// `cholesky`.
pub struct Cholesky;
impl Operator for Cholesky {
    const SPEC: Spec = Spec {
        name: "cholesky",
        room: "linalg",
        purpose: "the lower factor of A = L Lᵀ",
        definition: "l_jj = √(a_jj − Σ_{k<j} l_jk²), l_ij = (a_ij − Σ_{k<j} l_ik l_jk)/l_jj; only the lower triangle of A is read",
        source: "Higham, Accuracy and Stability of Numerical Algorithms, SIAM 2002, Algorithm 10.2; gradient: Murray 2016, eq. 10",
        inputs: &[Port::of(Domain::Definite, "a", "n n", "symmetric positive definite; the lower triangle is read")],
        outputs: &[Port::real("l", "n n", "lower triangular, positive diagonal")],
        divergences: &[
            "scipy.linalg.cholesky returns the upper factor by default",
            "The gradient is symmetrised, as torch.linalg.cholesky does, although one triangle is read",
            "Not positive definite: an error with the pivot here; NumPy raises without it, JAX returns NaN",
        ],
        couples: "rows and columns of one A",
        cost: "n³/3 flops",
        flops: |s| s("n").powi(3) / 3.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("l", linalg::Cholesky::new(&symmetrised(x)?)?.l().clone()))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let factor = linalg::Cholesky::new(&symmetrised(x)?)?;
        Ok(Values::new().with("a", factor.vjp(&y.matrix("l")?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("cholesky/product", "L Lᵀ = A", |f, case| {
                let l = f.eval(case)?.matrix("l")?;
                Ok(Some(Sides::all(l.matmul_t(&l)?.into_data(), symmetric(case, "a")?.into_data())))
            }),
            Law::equal("cholesky/scale", "the factor of 4A is 2L", |f, case| {
                let scaled = case.clone().input("a", case.inputs.matrix("a")?.scale(Ball::exact(4.0)));
                let (left, right) = (f.eval(&scaled)?.matrix("l")?, f.eval(case)?.matrix("l")?);
                Ok(Some(Sides::all(left.into_data(), right.scale(Ball::exact(2.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let root = |x: f64| Ball::exact(x).sqrt().recip();
        let (o, r12, r180) = (Ball::ZERO, root(12.0), root(180.0));
        let third = Ball::exact(3.0).recip();
        let l = Matrix::from_fn(3, 3, |i, j| [[Ball::ONE, o, o], [Ball::exact(0.5), r12, o], [third, r12, r180]][i][j]);
        vec![Closed::new("Hilbert 3 × 3", of("a", hilbert()), Values::new().with("l", l))]
    }
}

/// A derivative moves both triangles; the operator reads the mean of a pair, so that its gradient is the symmetrised one.
fn symmetrised<S: Scalar>(x: &Args<S>) -> Result<Matrix<S>> {
    let a = x.matrix("a")?;
    Ok(Matrix::from_fn(a.rows(), a.cols(), |i, j| if i >= j { a[(i, j)] } else { a[(j, i)] }))
}

/// `log_det`.
pub struct LogDet;
impl Operator for LogDet {
    const SPEC: Spec = Spec {
        name: "log_det",
        room: "linalg",
        purpose: "the logarithm of the determinant of a symmetric positive definite matrix",
        definition: "log det A = 2 Σ ln l_jj with A = L Lᵀ; gradient A⁻¹",
        source: "Higham, Accuracy and Stability of Numerical Algorithms, SIAM 2002, §14.6",
        inputs: &[Port::of(Domain::Definite, "a", "n n", "symmetric positive definite; the lower triangle is read")],
        divergences: &["torch.logdet takes any square matrix and returns NaN for a negative determinant; slogdet returns the sign apart"],
        couples: "rows and columns of one A",
        cost: "n³/3 flops",
        flops: |s| s("n").powi(3) / 3.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", linalg::log_det(&symmetrised(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        Ok(Values::new().with("a", linalg::log_det_vjp(&symmetrised(x)?, y.scalar("value")?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("log_det/scale", "log det 4A = log det A + n ln 4", |f, case| {
                let a = case.inputs.matrix("a")?;
                let left = f.eval(&case.clone().input("a", a.scale(Ball::exact(4.0))))?.scalar("value")?;
                Ok(Some(Sides::of(left, f.eval(case)?.scalar("value")? + Ball::exact(a.rows() as f64) * Ball::exact(4.0).ln())))
            }),
            Law::at_most("log_det/hadamard", "log det A ≤ Σ ln a_jj", |f, case| {
                let logs: Vec<Ball> = case.inputs.matrix("a")?.diagonal().into_iter().map(Scalar::ln).collect();
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, logs.into_iter().fold(Ball::ZERO, |s, x| s + x))))
            }),
            Law::equal("log_det/gradient_is_inverse", "A ∂(log det A)/∂A = I", |f, case| {
                let g = f.vjp(case, &is(Ball::ONE))?.matrix("a")?;
                let product = symmetric(case, "a")?.matmul(&g)?;
                Ok(Some(Sides::all(product.data(), Matrix::identity(g.rows()).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            Closed::new("Hilbert 3 × 3: −ln 2160", of("a", hilbert()), is(-Ball::exact(2160.0).ln())),
            Closed::new("second differences of size 5: ln 6", of("a", second_difference(5)), is(Ball::exact(6.0).ln())),
            Closed::new("the identity: exactly 0", of("a", Matrix::identity(4)), is(Ball::ZERO)),
        ]
    }
}

/// `log_det_i_plus`.
pub struct LogDetIPlus;
impl Operator for LogDetIPlus {
    const SPEC: Spec = Spec {
        name: "log_det_i_plus",
        room: "linalg",
        purpose: "log det(I + M), accurate relative to its own size for tiny M",
        definition: "I + M = L D Lᵀ with unit-lower L and D = I + diag(s): Σ log1p(s_j); gradient (I + M)⁻¹",
        source: "this crate; for the factorisation Higham 2002, §10.1",
        inputs: &[Port::of(Domain::Semidefinite, "m", "n n", "symmetric positive semidefinite; the lower triangle is read")],
        divergences: &["log det of the rounded I + M loses every digit of M below 1e-16"],
        couples: "rows and columns of one M",
        cost: "n³/3 flops",
        flops: |s| s("n").powi(3) / 3.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let m = x.matrix("m")?;
        Ok(Values::new().with("value", linalg::log_det_i_plus(&m)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        Ok(Values::new().with("m", linalg::log_det_i_plus_vjp(&x.matrix("m")?, y.scalar("value")?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("log_det_i_plus/sum", "log_det_i_plus(M) = log_det(I + M)", |f, case| {
                let a = linalg::plus_identity(&symmetric(case, "m")?)?;
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, linalg::log_det(&a)?)))
            }),
            Law::at_most("log_det_i_plus/trace", "log det(I + M) ≤ tr M", |f, case| {
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, case.inputs.matrix("m")?.trace())))
            }),
            Law::at_most("log_det_i_plus/rank_one", "log(1 + tr M) ≤ log det(I + M)", |f, case| {
                Ok(Some(Sides::of(case.inputs.matrix("m")?.trace().log1p(), f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let ones = |c: f64| Matrix::from_fn(4, 4, |_, _| Ball::exact(c));
        vec![
            Closed::new("c 11ᵀ: log(1 + 4c)", of("m", ones(2.5)), is(Ball::exact(10.0).log1p())),
            Closed::new("c 11ᵀ, c = 2⁻¹⁰⁰", of("m", ones(2f64.powi(-100))), is(Ball::exact(2f64.powi(-98)).log1p())),
            Closed::new("0: exactly 0", of("m", Matrix::zeros(3, 3)), is(Ball::ZERO)),
        ]
    }
}

/// `spd_solve`.
pub struct SpdSolve;
impl Operator for SpdSolve {
    const SPEC: Spec = Spec {
        name: "spd_solve",
        room: "linalg",
        purpose: "A⁻¹ B for symmetric positive definite A",
        definition: "A X = B by A = L Lᵀ and two triangular solves; gradient B̄ = A⁻¹ X̄, Ā = −sym(B̄ Xᵀ)",
        source: "Higham, Accuracy and Stability of Numerical Algorithms, SIAM 2002, §10.1",
        inputs: &[
            Port::of(Domain::Definite, "a", "n n", "symmetric positive definite; the lower triangle is read"),
            Port::real("b", "n m", "right-hand sides as columns"),
        ],
        outputs: &[Port::real("x", "n m", "the solution")],
        divergences: &["torch.linalg.solve takes any nonsingular A, and its gradient in A is not symmetrised"],
        couples: "all of A with each column of B",
        cost: "n³/3 + 2n²m flops",
        flops: |s| s("n").powi(3) / 3.0 + 2.0 * s("n") * s("n") * s("m"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("x", linalg::spd_solve(&symmetrised(x)?, &x.matrix("b")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let a = symmetrised(x)?;
        let solution = linalg::spd_solve(&a, &x.matrix("b")?)?;
        let (a_bar, b_bar) = linalg::spd_solve_vjp(&a, &solution, &y.matrix("x")?)?;
        Ok(Values::new().with("a", a_bar).with("b", b_bar))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("spd_solve/residual", "A X = B", |f, case| {
                let x = f.eval(case)?.matrix("x")?;
                Ok(Some(Sides::all(symmetric(case, "a")?.matmul(&x)?.into_data(), case.inputs.matrix("b")?.into_data())))
            }),
            Law::equal("spd_solve/linear", "doubling B doubles X", |f, case| {
                let twice = case.clone().input("b", case.inputs.matrix("b")?.scale(Ball::exact(2.0)));
                let (left, right) = (f.eval(&twice)?.matrix("x")?, f.eval(case)?.matrix("x")?);
                Ok(Some(Sides::all(left.into_data(), right.scale(Ball::exact(2.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let inverse = [[9.0, -36.0, 30.0], [-36.0, 192.0, -180.0], [30.0, -180.0, 180.0]];
        vec![Closed::new(
            "the inverse of Hilbert 3 × 3 is of integers",
            of("a", hilbert()).input("b", Matrix::identity(3)),
            Values::new().with("x", Matrix::from_rows(&inverse)),
        )]
    }
}
