//! The sparsifying step.

use super::{TOLERANCE, Z, exact, example, mapped, rows_reversed, upside_down, y};
use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Range, Sides, Spec, Values};
use crate::scalar::{Ball, Scalar};
use crate::transformer::{self, Shrink};

const ETA: Param = Param {
    name: "eta",
    domain: Range::NonNegative,
    default: Some(0.1),
    samples: &[0.125, 0.5, 0.0625],
    doc: "step; 0.1 in the official code",
};
const LAMBDA: Param = Param {
    name: "lambda",
    domain: Range::NonNegative,
    default: Some(0.1),
    samples: &[0.25, 0.5, 0.125],
    doc: "weight of the ℓ¹ norm; 0.1 in the official code",
};
const CODES: Port = Port::real("a", "n m", "codes, one row a token");
const DATA: Port = Port::real("y", "n d", "data, one row a token");
const ATOMS: Port = Port::real("d", "d m", "the dictionary, an atom a column");
const SPEC: Spec = Spec {
    room: "transformer",
    source: "Daubechies, Defrise, De Mol, Comm. Pure Appl. Math. 2004; Yu et al., White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
    couples: "the last axis; tokens are independent",
    tolerance: TOLERANCE,
    ..Spec::BLANK
};

fn number(case: &Case, name: &str, default: f64) -> Ball {
    exact(case.number(name).unwrap_or(default))
}
/// The inputs `a`, `y`, `d` of a case.
fn triple(case: &Case) -> Result<[Matrix<Ball>; 3]> {
    Ok([case.inputs.matrix("a")?, case.inputs.matrix("y")?, case.inputs.matrix("d")?])
}
fn toy() -> Values<Ball> {
    // A Dᵀ = (1, −1), Y − A Dᵀ = (1, 2), (Y − A Dᵀ) D = (1, 2, 3).
    Values::new()
        .with("a", Matrix::from_rows(&[[1.0, -1.0, 0.0]]))
        .with("y", Matrix::from_rows(&[[2.0, 1.0]]))
        .with("d", Matrix::from_rows(&[[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]))
}

/// `ista_objective`.
pub struct IstaObjective;
impl Operator for IstaObjective {
    const SPEC: Spec = Spec {
        name: "ista_objective",
        purpose: "the LASSO that the sparsifying step descends",
        definition: "F(A) = lambda ‖A‖_1 + ½ ‖Y − A Dᵀ‖_F²; with the non-negative step on A ≥ 0 only",
        inputs: &[CODES, DATA, ATOMS],
        outputs: &[Port::real("value", "", "≥ 0")],
        params: &[LAMBDA],
        divergences: &["Some authors leave out the ½ or divide by the number of samples (scikit-learn): lambda then means another trade"],
        cost: "2·n·m·d flops",
        flops: |s| 2.0 * s("n") * s("m") * s("d"),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", transformer::ista_objective(&x.matrix("a")?, &x.matrix("y")?, &x.matrix("d")?, x.param("lambda")?)?))
    }
    /// `Ā = λ sgn A − E D`, `Ȳ = E`, `D̄ = −Eᵀ A`, `E = Y − A Dᵀ`; `λ̅ = ‖A‖_1`.
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (a, d, c) = (x.matrix("a")?, x.matrix("d")?, y.scalar("value")?);
        let e = x.matrix("y")?.sub(&a.matmul_t(&d)?)?.scale(c);
        let sign = transformer::sparsity_gradient(&a, transformer::Sparsity::One).scale(x.param("lambda")? * c);
        let norm = transformer::sparsity_norm(&a, transformer::Sparsity::One)?;
        Ok(Values::new()
            .with("a", sign.sub(&e.matmul(&d)?)?)
            .with("d", e.t_matmul(&a)?.scale(-S::ONE))
            .with("y", e)
            .with("lambda", norm * c))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("ista_objective/homogeneous", "F(2A; 2Y, 2 lambda) = 4 F(A; Y, lambda)", |f, case| {
                let twice = mapped(&mapped(case, "a", |x| x * exact(2.0))?, "y", |x| x * exact(2.0))?;
                let twice = twice.set("lambda", 2.0 * case.number("lambda").unwrap_or(0.1));
                Ok(Some(Sides::of(f.eval(&twice)?.scalar("value")?, exact(4.0) * f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("ista_objective/convex", "F(A/2) ≤ (F(A) + F(0))/2", |f, case| {
                let value = |c: Ball| -> Result<Ball> { f.eval(&mapped(case, "a", |x| x * c)?)?.scalar("value") };
                Ok(Some(Sides::of(value(exact(0.5))?, (value(Ball::ONE)? + value(Ball::ZERO)?) * exact(0.5))))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // ½ · 5 + ½ · 2.
        vec![Closed::new("three atoms in the plane", Case::new(toy()).set("lambda", 0.5), Values::new().with("value", exact(3.5)))]
    }
}

/// `ista_step`.
pub struct IstaStep;
fn shrink<S: Scalar>(x: &Args<S>) -> Result<Shrink> {
    Ok(if x.word("shrink")? == "soft" { Shrink::Soft } else { Shrink::NonNegative })
}
impl Operator for IstaStep {
    const SPEC: Spec = Spec {
        name: "ista_step",
        purpose: "one proximal gradient step on a (non-negative) LASSO",
        definition: "P = A + eta (Y − A Dᵀ) D; next = relu(P − eta·lambda) (shrink=nonnegative) or sgn(P) max(|P| − eta·lambda, 0) (shrink=soft)",
        inputs: &[CODES, DATA, ATOMS],
        outputs: &[Port::real("next", "n m", "the next codes")],
        params: &[
            ETA,
            LAMBDA,
            Param {
                name: "shrink",
                domain: Range::Word(&["nonnegative", "soft"]),
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "which proximal map",
            },
        ],
        divergences: &[
            "The threshold is eta·lambda, not lambda",
            "Descent is proven for eta ≤ 1/‖D‖₂² only; CRATE fixes eta = 0.1 and learns D",
        ],
        cost: "4·n·m·d flops",
        flops: |s| 4.0 * s("n") * s("m") * s("d"),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (a, y, d) = (x.matrix("a")?, x.matrix("y")?, x.matrix("d")?);
        Ok(Values::new().with("next", transformer::ista_step(&a, &y, &d, x.param("eta")?, x.param("lambda")?, shrink(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, bar: &Values<S>) -> Result<Values<S>> {
        let (a, y, d) = (x.matrix("a")?, x.matrix("y")?, x.matrix("d")?);
        let g = transformer::ista_step_vjp(&a, &y, &d, x.param("eta")?, x.param("lambda")?, shrink(x)?, &bar.matrix("next")?)?;
        Ok(Values::new().with("a", g.a).with("y", g.y).with("d", g.d).with("eta", g.eta).with("lambda", g.lambda))
    }
    fn laws() -> Vec<Law> {
        /// The step, its case's η, and whether `η ‖D‖_F² ≤ 1`, which implies `η ≤ 1/L`.
        fn stepped(f: &dyn crate::oracle::Implementation, case: &Case) -> Result<Option<(Matrix<Ball>, Ball)>> {
            let eta = number(case, "eta", 0.1);
            let safe = (eta * case.inputs.matrix("d")?.frobenius_squared()).upper() <= 1.0 && eta.lower() > 0.0;
            Ok(if safe { Some((f.eval(case)?.matrix("next")?, eta)) } else { None })
        }
        vec![
            Law::at_most(
                "ista_step/three_points",
                "F(A⁺) − F(X) ≤ (‖X − A‖² − ‖X − A⁺‖²)/(2 eta) for eta ≤ 1/L, any A, any feasible X; here X = |A|",
                |f, case| {
                    let Some((next, eta)) = stepped(f, case)? else { return Ok(None) };
                    let ([a, y, d], lambda) = (triple(case)?, number(case, "lambda", 0.1));
                    let x = a.map(Scalar::abs);
                    let value = |codes: &Matrix<Ball>| transformer::ista_objective(codes, &y, &d, lambda);
                    let gain = x.sub(&a)?.frobenius_squared() - x.sub(&next)?.frobenius_squared();
                    Ok(Some(Sides::of(value(&next)? - value(&x)?, gain / (exact(2.0) * eta))))
                },
            ),
            Law::at_most(
                "ista_step/descent",
                "F(A⁺) ≤ F(A) − (1/eta − L/2) ‖A⁺ − A‖² for feasible A, L bounded by ‖D‖_F²; here A = |A|",
                |f, case| {
                    let case = mapped(case, "a", Scalar::abs)?;
                    let Some((next, eta)) = stepped(f, &case)? else { return Ok(None) };
                    let ([a, y, d], lambda) = (triple(&case)?, number(&case, "lambda", 0.1));
                    let value = |codes: &Matrix<Ball>| transformer::ista_objective(codes, &y, &d, lambda);
                    let slope = eta.recip() - d.frobenius_squared() * exact(0.5);
                    Ok(Some(Sides::of(value(&next)?, value(&a)? - slope * next.sub(&a)?.frobenius_squared())))
                },
            ),
            Law::equal("ista_step/homogeneous", "step(2A; 2Y, 2 lambda) = 2 step(A; Y, lambda)", |f, case| {
                let twice = mapped(&mapped(case, "a", |x| x * exact(2.0))?, "y", |x| x * exact(2.0))?;
                let twice = twice.set("lambda", 2.0 * case.number("lambda").unwrap_or(0.1));
                Ok(Some(Sides::all(
                    f.eval(&twice)?.matrix("next")?.into_data(),
                    f.eval(case)?.matrix("next")?.scale(exact(2.0)).into_data(),
                )))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let next = |x: [f64; 3]| Values::new().with("next", Matrix::from_rows(&[x]));
        // P = A + ½ (1, 2, 3) = (3/2, 0, 3/2), threshold 1/4.
        vec![
            Closed::new("three atoms in the plane", Case::new(toy()).set("eta", 0.5).set("lambda", 0.5), next([1.25, 0.0, 1.25])),
            Closed::new(
                "the soft threshold keeps what is negative",
                Case::new(toy()).set("eta", 0.25).set("lambda", 1.0).word("shrink", "soft"),
                // P = (5/4, −1/2, 3/4), threshold 1/4.
                next([1.0, -0.25, 0.5]),
            ),
        ]
    }
}

/// `crate_ista`.
pub struct CrateIsta;
impl Operator for CrateIsta {
    const SPEC: Spec = Spec {
        name: "crate_ista",
        purpose: "the ISTA block of CRATE: one non-negative step in a complete dictionary, started at the data",
        definition: "y = relu(Z + eta (Z − Z Dᵀ) D − eta·lambda); D is d × d, an atom a column",
        source: "Yu et al., White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023; official CRATE code, model/crate.py, class FeedForward (its weight is D)",
        inputs: &[Z, Port::real("dictionary", "d d", "an atom a column")],
        outputs: &[Port::real("y", "n d", "≥ 0, with exact zeros")],
        params: &[ETA, LAMBDA],
        divergences: &[
            "The monograph's chapter 7 prints + eta·lambda inside the relu, twice: the threshold must be subtracted",
            "Step 1 in the monograph, 0.1 in the code; lambda 0.1, in CRATE-MAE 0.5",
            "The official layer has no residual around this block; CRATE-α has one",
            "The hidden width and dropout that the official class accepts are ignored by it",
        ],
        cost: "4·n·d² flops",
        flops: |s| 4.0 * s("n") * s("d") * s("d"),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new()
            .with("y", transformer::crate_ista(&x.matrix("z")?, &x.matrix("dictionary")?, x.param("eta")?, x.param("lambda")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g =
            transformer::crate_ista_vjp(&x.matrix("z")?, &x.matrix("dictionary")?, x.param("eta")?, x.param("lambda")?, &y.matrix("y")?)?;
        Ok(Values::new().with("z", g.a).with("dictionary", g.d).with("eta", g.eta).with("lambda", g.lambda))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("crate_ista/non_negative", "0 ≤ y", |f, case| {
                let y = y(f, case)?.into_data();
                Ok(Some(Sides::all(vec![Ball::ZERO; y.len()], y)))
            }),
            Law::equal("crate_ista/is_ista", "the same as ista_step from A = Y = Z", |f, case| {
                let (z, d) = (case.inputs.matrix("z")?, case.inputs.matrix("dictionary")?);
                let (eta, lambda) = (number(case, "eta", 0.1), number(case, "lambda", 0.1));
                let step = transformer::ista_step(&z, &z, &d, eta, lambda, Shrink::NonNegative)?;
                Ok(Some(Sides::all(y(f, case)?.into_data(), step.into_data())))
            }),
            Law::equal("crate_ista/homogeneous", "y(2Z; 2 lambda) = 2 y(Z; lambda)", |f, case| {
                let twice = mapped(case, "z", |x| x * exact(2.0))?.set("lambda", 2.0 * case.number("lambda").unwrap_or(0.1));
                Ok(Some(Sides::all(y(f, &twice)?.into_data(), y(f, case)?.scale(exact(2.0)).into_data())))
            }),
            Law::at_most("crate_ista/threshold", "y(2 lambda) ≤ y(lambda): a greater threshold leaves no more non-zeros", |f, case| {
                let greater = case.clone().set("lambda", 2.0 * case.number("lambda").unwrap_or(0.1));
                Ok(Some(Sides::all(y(f, &greater)?.into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("crate_ista/token_order", "permuting the tokens permutes the result", |f, case| {
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "z")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal(
                "crate_ista/feature_order",
                "y(ZΠ | ΠᵀDΠ) = y(Z | D) Π for a permutation Π (not for a rotation)",
                |f, case| {
                    let (z, d) = (case.inputs.matrix("z")?, case.inputs.matrix("dictionary")?);
                    let last = z.cols() - 1;
                    let columns = |m: &Matrix<Ball>| Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(i, last - j)]);
                    let turned = case.clone().input("z", columns(&z)).input("dictionary", upside_down(&columns(&d)));
                    Ok(Some(Sides::all(y(f, &turned)?.into_data(), columns(&y(f, case)?).into_data())))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |z: Matrix<Ball>, d: Matrix<Ball>| {
            Case::new(Values::new().with("z", z).with("dictionary", d)).set("eta", 0.5).set("lambda", 0.25)
        };
        let is = |m: Matrix<Ball>| Values::new().with("y", m);
        let z = || Matrix::from_rows(&[[1.0, -2.0], [0.0625, 3.0]]);
        let shifted = Matrix::from_rows(&[[0.875, 0.0], [0.0, 2.875]]);
        vec![
            Closed::new("D = 0: relu(Z − ηλ)", case(z(), Matrix::zeros(2, 2)), is(shifted.clone())),
            Closed::new("D = I: relu(Z − ηλ)", case(z(), Matrix::identity(2)), is(shifted)),
            Closed::new("D = −I: relu((1 − 2η) Z − ηλ)", case(z(), Matrix::identity(2).scale(-Ball::ONE)), is(Matrix::zeros(2, 2))),
            Closed::new(
                "three tokens of width 4, η = 0.5, λ = 0.25",
                case(example::z(), example::dictionary()),
                // Z + ½ (Z − Z Dᵀ) D − ⅛, exact in binary.
                is(Matrix::from_rows(&[
                    [0.9140625, 0.6484375, 0.0, 0.390625],
                    [0.0, 0.71875, 0.609375, 0.0],
                    [0.3828125, 0.0, 1.1796875, 0.5078125],
                ])),
            ),
        ]
    }
}
