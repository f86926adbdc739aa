//! Fourth moments: the ℓ⁴ objective, its steps, kurtosis.

use super::*;
use crate::linalg::polar;
use crate::oracle::{Closed, Domain, Implementation, Law, Operator, Sides, Spec, Tolerance, digits};
use crate::sparse::{self, factorial_design};

const W: Port = Port::of(Domain::Orthonormal, "w", "d d", "a rotation; atoms are its columns");
const ZHAI: &str =
    "Zhai, Yang, Liao, Wright, Ma, Complete Dictionary Learning via ℓ⁴-Norm Maximization over the Orthogonal Group, JMLR 2020";

/// Rows that differ, at least d + 2 of them: a stretched matrix of full rank.
fn distinct_rows(mut case: Case) -> Case {
    let Ok(x) = case.inputs.matrix("x") else { return case };
    let largest = x.data().iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
    let moved = Matrix::from_fn(x.rows(), x.cols(), |i, j| {
        let own = if i % x.cols() == j { 3.0 } else { 0.0 } + ((5 * i + 3 * j + i * i * j) % 11) as f64 / 8.0 - 0.625;
        exact(on_grid(x[(i, j)].mid().hi() * 0.5 + largest * 0.5 * own))
    });
    case.inputs.set("x", moved);
    case
}
fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
    let d = 1 + rng.below(size.min(5));
    vec![("d", d), ("n", d + 2 + rng.below(3))]
}
fn step(f: &dyn Implementation, case: &Case) -> Result<Matrix<Ball>> {
    f.eval(case)?.matrix("w")
}
/// Angle-preserving change of the case: `X → XQ`, `W → QᵀW` for the reversal of coordinates, exact in every number type.
fn reversed(case: &Case) -> Result<(Case, fn(&Matrix<Ball>) -> Matrix<Ball>)> {
    fn columns(m: &Matrix<Ball>) -> Matrix<Ball> {
        Matrix::from_fn(m.rows(), m.cols(), |i, j| -m[(i, m.cols() - 1 - j)])
    }
    fn rows(m: &Matrix<Ball>) -> Matrix<Ball> {
        Matrix::from_fn(m.rows(), m.cols(), |i, j| -m[(m.rows() - 1 - i, j)])
    }
    let (x, w) = (case.inputs.matrix("x")?, case.inputs.matrix("w")?);
    Ok((case.clone().input("x", columns(&x)).input("w", rows(&w)), rows))
}
/// `κW^{∘3} + (3‖w_j‖² − shift) w_j`: what the step projects on all combinations of `{2, −2, 0 × 6}` (κ = 1) or of `{1, −1}` (κ = −2).
fn population(w: &Matrix<Ball>, kappa: f64, shift: f64) -> Matrix<Ball> {
    let squares: Vec<Ball> = (0..w.cols()).map(|j| w.col(j).iter().fold(Ball::ZERO, |s, w| s + w.square())).collect();
    Matrix::from_fn(w.rows(), w.cols(), |i, j| {
        exact(kappa) * w[(i, j)].square() * w[(i, j)] + (exact(3.0) * squares[j] - exact(shift)) * w[(i, j)]
    })
}
fn on_design(f: &dyn Implementation, case: &Case, kappa: f64, shift: f64) -> Result<Option<Sides>> {
    let w = case.inputs.matrix("w")?;
    if w.rows() > 2 {
        return Ok(None);
    }
    let values: &[f64] = if kappa == 1.0 { &[2.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] } else { &[1.0, -1.0] };
    let values: Vec<Ball> = values.iter().map(|&v| exact(v)).collect();
    let found = step(f, &case.clone().input("x", factorial_design(&values, w.rows())?))?;
    Ok(Some(Sides::all(found.into_data(), polar(&population(&w, kappa, shift))?.into_data())))
}
fn turned(c: &str, s: &str) -> Matrix<Ball> {
    let (c, s) = (digits(c), digits(s));
    Matrix::from_fn(2, 2, |i, j| [[c, -s], [s, c]][i][j])
}
fn of(x: Matrix<Ball>, w: Matrix<Ball>) -> Case {
    Case::new(Values::new().with("x", x).with("w", w))
}
fn four_samples() -> Matrix<Ball> {
    Matrix::from_rows(&[[2.0, 1.0], [0.0, 1.0], [-1.0, 3.0], [1.0, 0.0]])
}
/// `(cos θ, sin θ)` with `tan θ = t`, as a rotation.
fn by_tangent(t: Ball) -> Matrix<Ball> {
    let c = (Ball::ONE + t.square()).sqrt().recip();
    Matrix::from_fn(2, 2, |i, j| [[c, -(c * t)], [c * t, c]][i][j])
}

/// `l4_objective`.
pub struct L4Objective;
impl Operator for L4Objective {
    const SPEC: Spec = Spec {
        name: "l4_objective",
        room: "sparse",
        purpose: "how peaked the codes of an orthogonal dictionary are",
        definition: "g(W) = ¼‖XW‖_4⁴ = ¼ Σ z_ij⁴, Z = XW; maximal over rotations where the codes are sparsest",
        source: ZHAI,
        inputs: &[X, W],
        divergences: &["The paper's variable is A = Wᵀ, its data Y = Xᵀ", "The published code's docstring says min; it is a maximum"],
        couples: "all of X and W",
        cost: "2·n·d² flops",
        flops: |s| 2.0 * s("n") * s("d") * s("d"),
        tolerance: Tolerance { value: 1.0, gradient: 2.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", sparse::l4_objective(&x.matrix("x")?, &x.matrix("w")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (dx, dw) = sparse::l4_objective_gradient(&x.matrix("x")?, &x.matrix("w")?)?;
        let c = y.scalar("value")?;
        Ok(Values::new().with("x", dx.scale(c)).with("w", dw.scale(c)))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("l4_objective/homogeneous", "g(2X) = 16 g(X)", |f, case| {
                let twice = case.clone().input("x", case.inputs.matrix("x")?.scale(exact(2.0)));
                Ok(Some(Sides::of(f.eval(&twice)?.scalar("value")?, exact(16.0) * f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("l4_objective/euler", "⟨W, ∂g/∂W⟩ = 4g", |f, case| {
                let g = f.vjp(case, &Values::new().with("value", Ball::ONE))?.matrix("w")?;
                Ok(Some(Sides::of(g.dot(&case.inputs.matrix("w")?)?, exact(4.0) * f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("l4_objective/coordinates", "X → XQ, W → QᵀW changes nothing", |f, case| {
                let (other, _) = reversed(case)?;
                Ok(Some(Sides::of(f.eval(&other)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![Closed::new("four samples", of(four_samples(), Matrix::identity(2)), Values::new().with("value", exact(25.25)))]
    }
}

/// `msp_step`.
pub struct MspStep;
impl Operator for MspStep {
    const SPEC: Spec = Spec {
        name: "msp_step",
        room: "sparse",
        purpose: "matching, stretching, projection: a step towards an orthogonal dictionary",
        definition: "W⁺ = polar(Xᵀ(XW)^{∘3}); ∘3 the cube of each entry, polar the nearest orthogonal matrix",
        source: "Zhai, Yang, Liao, Wright, Ma, JMLR 2020, Algorithm 1 (theirs A = Wᵀ)",
        inputs: &[X, W],
        outputs: &[Port::real("w", "d d", "a rotation")],
        divergences: &[
            "Near a solution: cubic where the data are the dictionary itself; on random codes linear with ratio 3/(3 + κ), κ the kurtosis; the monograph says superlinear for those",
            "Kurtosis below 0: the dictionary repels",
            "The published code returns Aᵀ, documented as A, and neither whitens nor stops at its tolerance",
            "fastica_step takes off 3W and is cubic on random codes",
        ],
        couples: "all of X and W",
        cost: "4·n·d² flops and an SVD of d × d",
        flops: |s| 4.0 * s("n") * s("d") * s("d") + 60.0 * s("d").powi(3),
        tolerance: Tolerance { value: 0.75, gradient: 0.1 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("w", sparse::msp_step(&x.matrix("x")?, &x.matrix("w")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (dx, dw) = sparse::polar_step_vjp(&x.matrix("x")?, &x.matrix("w")?, S::ZERO, &y.matrix("w")?)?;
        Ok(Values::new().with("x", dx).with("w", dw))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("msp_step/rises", "g(W) ≤ g(W⁺) for orthogonal W; here the nearest one", |f, case| {
                let w = polar(&case.inputs.matrix("w")?)?;
                let x = case.inputs.matrix("x")?;
                let next = step(f, &case.clone().input("w", w.clone()))?;
                Ok(Some(Sides::of(sparse::l4_objective(&x, &w)?, sparse::l4_objective(&x, &next)?)))
            }),
            Law::equal("msp_step/coordinates", "X → XQ, W → QᵀW turns W⁺ to QᵀW⁺", |f, case| {
                let (other, turn) = reversed(case)?;
                Ok(Some(Sides::all(step(f, &other)?.into_data(), turn(&step(f, case)?).into_data())))
            }),
            Law::equal("msp_step/scale", "X → 4X changes nothing", |f, case| {
                let scaled = case.clone().input("x", case.inputs.matrix("x")?.scale(exact(4.0)));
                Ok(Some(Sides::all(step(f, &scaled)?.into_data(), step(f, case)?.into_data())))
            }),
            Law::equal(
                "msp_step/population",
                "independent codes of kurtosis κ = 1: W⁺ = polar(κW^{∘3} + 3W), linear with ratio 3/(3 + κ)",
                |f, case| on_design(f, case, 1.0, 0.0),
            ),
            Law::equal("msp_step/signs", "codes ±1, κ = −2: W⁺ = polar(3W − 2W^{∘3}), the dictionary repels", |f, case| {
                on_design(f, case, -2.0, 0.0)
            }),
            Law::equal("msp_step/cubic", "X = I: W⁺ = polar(W^{∘3}), cubic", |f, case| {
                let w = case.inputs.matrix("w")?;
                let found = step(f, &case.clone().input("x", Matrix::identity(w.rows())));
                let cubed = w.map(|w| w.square() * w);
                // Entries of a rotation may cancel in the cubes' determinant.
                match polar(&cubed) {
                    Ok(known) => Ok(Some(Sides::all(found?.into_data(), known.into_data()))),
                    Err(_) => Ok(None),
                }
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let is = |w: Matrix<Ball>| Values::new().with("w", w);
        let t = ratio(1.0, 4.0);
        vec![
            Closed::new("four samples", of(four_samples(), Matrix::identity(2)), is(turned("0.95860639621421", "0.28473457313293"))),
            Closed::new(
                "tan θ → tan³θ where the data are the dictionary",
                of(Matrix::identity(2), by_tangent(t)),
                is(by_tangent(t * t * t)),
            ),
            Closed::new("45°: a fixed point, unstable", of(Matrix::identity(2), by_tangent(Ball::ONE)), is(by_tangent(Ball::ONE))),
        ]
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        distinct_rows(case)
    }
}

/// `fastica_step`.
pub struct FastIcaStep;
impl Operator for FastIcaStep {
    const SPEC: Spec = Spec {
        name: "fastica_step",
        room: "sparse",
        purpose: "symmetric FastICA with the cubic nonlinearity, one step on whitened data",
        definition: "W⁺ = polar(Xᵀ(XW)^{∘3}/n − 3W); meant for XᵀX/n = I",
        source: "Hyvärinen, Oja, Neural Computation 1997, eq. 20; symmetric: Hyvärinen, IEEE Trans. Neural Networks 1999",
        inputs: &[X, W],
        outputs: &[Port::real("w", "d d", "a rotation")],
        divergences: &[
            "msp_step without the shift of 3W",
            "scikit-learn FastICA(fun=\"cube\") takes off 3 mean((Xw)²) w in place of 3w: equal on whitened data",
            "Columns of negative kurtosis change sign at every step",
        ],
        couples: "all of X and W",
        cost: "4·n·d² flops and an SVD of d × d",
        flops: |s| 4.0 * s("n") * s("d") * s("d") + 60.0 * s("d").powi(3),
        tolerance: Tolerance { value: 1.0, gradient: 0.1 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("w", sparse::fastica_step(&x.matrix("x")?, &x.matrix("w")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (dx, dw) = sparse::polar_step_vjp(&x.matrix("x")?, &x.matrix("w")?, S::from_f64(3.0), &y.matrix("w")?)?;
        Ok(Values::new().with("x", dx).with("w", dw))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                "fastica_step/population",
                "independent codes, κ = 1: W⁺ = polar(κW^{∘3}) for orthonormal W, cubic",
                |f, case| {
                    let w = polar(&case.inputs.matrix("w")?)?;
                    let known = w.map(|w| w.square() * w);
                    if w.rows() > 2 || polar(&known).is_err() {
                        return Ok(None);
                    }
                    on_design(f, &case.clone().input("w", w), 1.0, 3.0)
                },
            ),
            Law::equal("fastica_step/coordinates", "X → XQ, W → QᵀW turns W⁺ to QᵀW⁺", |f, case| {
                let (other, turn) = reversed(case)?;
                Ok(Some(Sides::all(step(f, &other)?.into_data(), turn(&step(f, case)?).into_data())))
            }),
            Law::equal("fastica_step/orthogonal", "W⁺ᵀW⁺ = I", |f, case| {
                let w = step(f, case)?;
                Ok(Some(Sides::all(w.gram_cols().into_data(), Matrix::identity(w.cols()).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // κ = 1, 64 rows, whitened: tan θ⁺ = tan³θ.
        let values = [2.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].map(exact);
        let t = ratio(1.0, 4.0);
        factorial_design(&values, 2)
            .into_iter()
            .map(|x| {
                Closed::new("all combinations of ±2 and six zeros", of(x, by_tangent(t)), Values::new().with("w", by_tangent(t * t * t)))
            })
            .collect()
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        distinct_rows(case)
    }
}

/// `kurtosis`.
pub struct Kurtosis;
impl Operator for Kurtosis {
    const SPEC: Spec = Spec {
        name: "kurtosis",
        room: "sparse",
        purpose: "how far from Gaussian numbers are, by their fourth moment",
        definition: "kurt(y) = (1/n)Σy⁴ − 3((1/n)Σy²)²; not centred, not divided by the variance squared",
        source: "Hyvärinen, Oja, Neural Computation 1997, eq. 6",
        inputs: &[Port::real("y", "n", "numbers")],
        divergences: &["SciPy kurtosis centres and divides by the squared variance: equal for mean 0 and unit variance"],
        couples: "all of y",
        cost: "4·n flops",
        flops: |s| 4.0 * s("n"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", sparse::kurtosis(x.vector("y")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let c = y.scalar("value")?;
        let g: Vec<S> = sparse::kurtosis_gradient(x.vector("y")?)?.into_iter().map(|g| g * c).collect();
        Ok(Values::new().with("y", g))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("kurtosis/homogeneous", "kurt(2y) = 16 kurt(y)", |f, case| {
                let twice = case.inputs.real("y")?.map(|y| y * exact(2.0));
                Ok(Some(Sides::of(f.eval(&case.clone().input("y", twice))?.scalar("value")?, exact(16.0) * f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("kurtosis/least", "kurt(y) ≥ −2((1/n)Σy²)²", |f, case| {
                let y = case.inputs.matrix("y")?;
                let second = y.frobenius_squared() / exact(y.cols() as f64);
                Ok(Some(Sides::of(exact(-2.0) * second.square(), f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let of = |y: Vec<f64>| Case::new(Values::new().with("y", y.into_iter().map(exact).collect::<Vec<_>>()));
        let is = |v: Ball| Values::new().with("value", v);
        vec![
            Closed::new("±2 and six zeros: 1", of(vec![2.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), is(Ball::ONE)),
            Closed::new("signs: −2", of(vec![1.0, -1.0]), is(exact(-2.0))),
            Closed::new("1, 2, 3", of(vec![1.0, 2.0, 3.0]), is(ratio(98.0, 3.0) - exact(3.0) * ratio(196.0, 9.0))),
        ]
    }
}
