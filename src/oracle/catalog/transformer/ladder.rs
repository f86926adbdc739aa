//! The rungs between the gradient of the rate and attention.

use super::{
    TOLERANCE, U, Z, constant, eps2, exact, example, heads_reversed, jointly_rotated, matrices, other_bases, rotation, rows_reversed,
    stack, upside_down, y,
};
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Implementation, Law, Operator, Param, Port, Range, Sides, Spec, Values};
use crate::scalar::{Ball, Scalar};
use crate::transformer::{self, LadderGradient};

const RUNG: Spec = Spec {
    room: "transformer",
    source: "Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele, Ma, White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
    inputs: &[Z, U],
    outputs: &[Port::real("y", "n d", "stands for the gradient of R^c in Z")],
    distortion: true,
    couples: "rows and columns of one Z; leading axes are separate sets of tokens",
    cost: "about 4·n·d·h·p + 4·h·n·p² flops",
    flops: |s| s("h") * s("n") * s("p") * (4.0 * s("d") + 4.0 * s("p")),
    tolerance: TOLERANCE,
    ..Spec::BLANK
};

fn distortion<S: Scalar>(x: &Args<S>) -> Result<Distortion<S>> {
    Ok(Distortion::Eps2(x.eps2()?))
}
fn gradients<S: Scalar>(x: &Args<S>, g: LadderGradient<S>) -> Result<Values<S>> {
    let (name, eps) = x.eps_gradient(g.eps2)?;
    Ok(Values::new().with("z", g.z).with("u", stack(g.u)).with(name, eps))
}
fn of_case(case: &Case) -> Result<(Matrix<Ball>, Vec<Matrix<Ball>>, Distortion<Ball>)> {
    Ok((case.inputs.matrix("z")?, matrices(case, "u")?, Distortion::Eps2(eps2(case))))
}

/// `y(ZQ | QᵀU) = y(Z | U) Q`.
fn rotates(f: &dyn Implementation, case: &Case) -> Result<Option<Sides>> {
    let q = rotation(case.inputs.matrix("z")?.cols());
    Ok(Some(Sides::all(y(f, &jointly_rotated(case)?)?.into_data(), y(f, case)?.matmul(&q)?.into_data())))
}
/// `y(Z | U_k O) = y(Z | U_k)`.
fn ignores_basis(f: &dyn Implementation, case: &Case) -> Result<Option<Sides>> {
    Ok(Some(Sides::all(y(f, &other_bases(case)?)?.into_data(), y(f, case)?.into_data())))
}
/// Reversing the tokens reverses the result, reversing the heads changes nothing.
fn follows_order(f: &dyn Implementation, case: &Case) -> Result<Option<Sides>> {
    let turned = y(f, &heads_reversed(&rows_reversed(case, "z")?)?)?;
    Ok(Some(Sides::all(upside_down(&turned).into_data(), y(f, case)?.into_data())))
}
fn example_case() -> Case {
    Case::new(Values::new().with("z", example::z()).with("u", example::u())).set("eps", 2.0)
}
fn is(y: Matrix<Ball>) -> Values<Ball> {
    Values::new().with("y", y)
}
/// One token 3 along the one direction of width 1, at ε² = 2: s = 9/2, A = 3, a = 1/2.
fn one_token() -> Case {
    Case::new(Values::new().with("z", Matrix::from_rows(&[[0.0, 3.0]])).with("u", stack(vec![Matrix::<Ball>::from_rows(&[[0.0], [1.0]])])))
        .set("eps2", 2.0)
}
fn along(x: Ball) -> Values<Ball> {
    is(Matrix::from_fn(1, 2, |_, j| if j == 1 { x } else { Ball::ZERO }))
}

/// `rate_gradient`.
pub struct RateGradient;
impl Operator for RateGradient {
    const SPEC: Spec = Spec {
        name: "rate_gradient",
        purpose: "the exact gradient of the subspace rate, to be followed downwards to compress",
        definition: "y = a Σ_k A_k (I + a A_kᵀA_k)⁻¹ U_kᵀ, A_k = Z U_k, a = p/(n ε²); equally a Σ_k (I + a A_k A_kᵀ)⁻¹ A_k U_kᵀ",
        divergences: &[
            "Which side the inverse stands on does not matter (push-through identity), which matrix it inverts does: p × p with AᵀA, n × n with AAᵀ",
        ],
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::rate_gradient(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradients(x, transformer::rate_gradient_vjp(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, &y.matrix("y")?)?)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_gradient/is_the_gradient", "y is the gradient of subspace_coding_rate", |f, case| {
                let (z, u, distortion) = of_case(case)?;
                Ok(Some(Sides::all(y(f, case)?.into_data(), transformer::subspace_coding_rate_gradient(&z, &u, distortion)?.z.into_data())))
            }),
            Law::equal("rate_gradient/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("rate_gradient/basis", "y(Z | U_k O) = y(Z | U_k) for orthogonal O", ignores_basis),
            Law::equal("rate_gradient/order", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            Closed::new("one token, one direction: t/(ε² + t²)", one_token(), along(exact(3.0) / exact(11.0))),
            Closed::new(
                "three tokens of width 4 at ε = 2",
                example_case(),
                is(example::table(&[
                    ["0.12207546825120452", "0.080415138987384341", "-0.031814706813176509", "0.098936066074240206"],
                    ["-0.055315538950396554", "0.13575883765420129", "0.054145221135965072", "-0.099186405953217489"],
                    ["0.030776739665920868", "-0.093656682439745159", "0.19465572933894327", "0.048892026037740990"],
                ])),
            ),
        ]
    }
}

/// `rate_gradient_neumann`.
pub struct RateGradientNeumann;
impl Operator for RateGradientNeumann {
    const SPEC: Spec = Spec {
        name: "rate_gradient_neumann",
        purpose: "the gradient of the subspace rate to a given order of its Neumann series",
        definition: "y = a Σ_k Σ_{j≤order} (−S_k)ʲ A_k U_kᵀ, S_k = a A_k A_kᵀ, A_k = Z U_k, a = p/(n ε²); along a singular direction with s = a σ² it is the gradient times 1 − (−s)^{order+1}",
        params: &[Param {
            name: "order",
            domain: Range::Count(0),
            default: Some(1.0),
            samples: &[1.0, 0.0, 2.0, 3.0],
            doc: "the highest power; 1 in the paper",
        }],
        divergences: &[
            "The series converges if and only if every a σ² < 1; from there on an odd order, the paper's 1 among them, points uphill along that direction",
            "The quadratic term alone, with the shrinking term left out, never lowers R^c",
        ],
        cost: "4·n·d·h·p + 4·order·h·n·p² flops",
        flops: |s| s("h") * s("n") * s("p") * 4.0 * (s("d") + s("order").max(1.0) * s("p")),
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new()
            .with("y", transformer::rate_gradient_neumann(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, x.count("order")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, u) = (x.matrix("z")?, x.matrices("u")?);
        gradients(x, transformer::rate_gradient_neumann_vjp(&z, &u, distortion(x)?, x.count("order")?, &y.matrix("y")?)?)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                "rate_gradient_neumann/remainder",
                "y = exact − (−1)^{m+1} a Σ_k S_k^{m+1} (I + S_k)⁻¹ A_k U_kᵀ, m the order",
                |f, case| {
                    let (z, u, distortion) = of_case(case)?;
                    if z.data().iter().all(|x| x.magnitude() == 0.0) {
                        return Ok(None); // nothing against nothing: no digit to certify
                    }
                    let (order, a) = (case.number("order").unwrap_or(1.0) as usize, constant(case)?);
                    let mut remainder = Matrix::zeros(z.rows(), z.cols());
                    for u in &u {
                        let head = z.matmul(u)?;
                        // The exact gradient of this head in its own coordinates, then S applied m + 1 times.
                        let mut x = transformer::rate_gradient(&head, &[Matrix::identity(u.cols())], distortion)?;
                        for _ in 0..=order {
                            x = head.matmul(&head.t_matmul(&x)?)?.scale(-a);
                        }
                        remainder.accumulate(&x.matmul_t(u)?)?;
                    }
                    let exact = transformer::rate_gradient(&z, &u, distortion)?;
                    Ok(Some(Sides::all(y(f, case)?.into_data(), exact.sub(&remainder)?.into_data())))
                },
            ),
            Law::equal("rate_gradient_neumann/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("rate_gradient_neumann/basis", "y(Z | U_k O) = y(Z | U_k) for orthogonal O", ignores_basis),
            Law::equal("rate_gradient_neumann/order_of_tokens", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            // 3/2 · (1 − 9/2).
            Closed::new("order 1 beyond its radius: a t (1 − s) < 0", one_token().set("order", 1.0), along(exact(-5.25))),
            // 3/2 · (1 − 9/2 + 81/4).
            Closed::new("order 2: a t (1 − s + s²)", one_token().set("order", 2.0), along(exact(25.125))),
            Closed::new(
                "three tokens of width 4 at ε = 2, order 1",
                example_case(),
                is(example::table(&[
                    ["0.10590277777777778", "0.086371527777777778", "-0.027343750000000000", "0.087456597222222222"],
                    ["-0.039930555555555556", "0.093967013888888889", "0.038194444444444444", "-0.058159722222222222"],
                    ["0.025607638888888889", "-0.078776041666666667", "0.17968750000000000", "0.030815972222222222"],
                ])),
            ),
        ]
    }
}

/// `rate_gradient_span_closed`.
pub struct RateGradientSpanClosed;
impl Operator for RateGradientSpanClosed {
    const SPEC: Spec = Spec {
        name: "rate_gradient_span_closed",
        purpose: "order 1 of the Neumann series with the bases assumed to resolve the identity",
        definition: "y = a Z − a² Σ_k A_k A_kᵀ A_k U_kᵀ, A_k = Z U_k, a = p/(n ε²)",
        divergences: &["Differs from order 1 by a Z (Σ_k U_k U_kᵀ − I): zero for a tight frame, not for bases that merely span the space"],
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::rate_gradient_span_closed(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradients(x, transformer::rate_gradient_span_closed_vjp(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, &y.matrix("y")?)?)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_gradient_span_closed/difference", "y = order 1 − a Z (Σ_k U_k U_kᵀ − I)", |f, case| {
                let (z, u, distortion) = of_case(case)?;
                let mut frame = Matrix::identity(z.cols()).scale(-Ball::ONE);
                for u in &u {
                    frame.accumulate(&u.matmul_t(u)?)?;
                }
                let order1 = transformer::rate_gradient_neumann(&z, &u, distortion, 1)?;
                Ok(Some(Sides::all(y(f, case)?.into_data(), order1.sub(&z.matmul(&frame)?.scale(constant(case)?))?.into_data())))
            }),
            Law::equal("rate_gradient_span_closed/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("rate_gradient_span_closed/order", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            // The first feature lies outside the subspace and is scaled by a = 1/2 all the same.
            Closed::new(
                "a direction no basis sees",
                one_token().input("z", Matrix::from_rows(&[[2.0, 3.0]])),
                is(Matrix::from_rows(&[[1.0, -5.25]])),
            ),
            Closed::new(
                "orthonormal and complete: order 1",
                example_case(),
                is(example::table(&[
                    ["0.10590277777777778", "0.086371527777777778", "-0.027343750000000000", "0.087456597222222222"],
                    ["-0.039930555555555556", "0.093967013888888889", "0.038194444444444444", "-0.058159722222222222"],
                    ["0.025607638888888889", "-0.078776041666666667", "0.17968750000000000", "0.030815972222222222"],
                ])),
            ),
        ]
    }
}

/// `rate_gradient_no_self`.
pub struct RateGradientNoSelf;
impl Operator for RateGradientNoSelf {
    const SPEC: Spec = Spec {
        name: "rate_gradient_no_self",
        purpose: "order 1 of the Neumann series without what each token says of itself",
        definition: "y = a Σ_k A_k U_kᵀ − a² Σ_k (A_k A_kᵀ − diag(‖a_{k,i}‖²)) A_k U_kᵀ, A_k = Z U_k with rows a_{k,i}, a = p/(n ε²)",
        divergences: &["The softmax that follows puts the token back: its map has a diagonal"],
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::rate_gradient_no_self(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradients(x, transformer::rate_gradient_no_self_vjp(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, &y.matrix("y")?)?)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_gradient_no_self/difference", "y = order 1 + a² Σ_k diag(‖a_{k,i}‖²) A_k U_kᵀ", |f, case| {
                let (z, u, distortion) = of_case(case)?;
                let mut sum = transformer::rate_gradient_neumann(&z, &u, distortion, 1)?;
                for u in &u {
                    let head = z.matmul(u)?;
                    let energy: Vec<Ball> = (0..z.rows()).map(|i| head.row(i).iter().fold(Ball::ZERO, |e, x| e + x.square())).collect();
                    let own = Matrix::from_fn(head.rows(), head.cols(), |i, j| {
                        head[(i, j)] * energy[i] * constant(case).unwrap_or(Ball::WHOLE).square()
                    });
                    sum.accumulate(&own.matmul_t(u)?)?;
                }
                Ok(Some(Sides::all(y(f, case)?.into_data(), sum.into_data())))
            }),
            Law::equal("rate_gradient_no_self/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("rate_gradient_no_self/order", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            Closed::new("one token has no others: a t", one_token(), along(exact(1.5))),
            Closed::new(
                "two tokens 1 and 2 on a line: a x_i − a² x_i Σ_{j≠i} x_j², a = 1/4",
                Case::new(Values::new().with("z", Matrix::from_rows(&[[1.0], [2.0]])).with("u", stack(vec![Matrix::<Ball>::identity(1)])))
                    .set("eps2", 2.0),
                // 1/4 − 1/16 · 2·2·1, 1/2 − 1/16 · 1·1·2.
                is(Matrix::from_rows(&[[0.0], [0.375]])),
            ),
        ]
    }
}

/// `rate_gradient_softmax`.
pub struct RateGradientSoftmax;
impl Operator for RateGradientSoftmax {
    const SPEC: Spec = Spec {
        name: "rate_gradient_softmax",
        purpose: "the rung that is attention: correlations replaced by a distribution over tokens",
        definition: "y = a Z − a² Σ_k softmax_row(A_k A_kᵀ) A_k U_kᵀ = a (Z − MSSA(Z)), A_k = Z U_k, a = p/(n ε²)",
        divergences: &[
            "The monograph's chapter 4 displays a Z − a² MSSA(Z) with the a inside MSSA too: a³; its next display uses the line above",
            "No limit turns the correlations into a softmax: this rung is a modelling decision, not an approximation with a rate",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p flops",
        flops: |s| s("h") * s("n") * s("p") * 4.0 * (s("d") + s("n")),
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::rate_gradient_softmax(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradients(x, transformer::rate_gradient_softmax_vjp(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, &y.matrix("y")?)?)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_gradient_softmax/is_attention", "y = a Z − mssa(Z; scale 1, factor a²)", |f, case| {
                let (z, u, _) = of_case(case)?;
                let a = constant(case)?;
                let attended = transformer::mssa(&z, &u, Ball::ONE, a.square())?;
                Ok(Some(Sides::all(y(f, case)?.into_data(), z.scale(a).sub(&attended)?.into_data())))
            }),
            Law::equal("rate_gradient_softmax/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("rate_gradient_softmax/basis", "y(Z | U_k O) = y(Z | U_k) for orthogonal O", ignores_basis),
            Law::equal("rate_gradient_softmax/order", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        vec![
            // 3/2 − 1/4 · 3.
            Closed::new("one token attends to itself: (a − a²) t", one_token(), along(exact(0.75))),
            Closed::new(
                "three tokens of width 4 at ε = 2",
                example_case(),
                is(example::table(&[
                    ["0.14678737185115530", "0.076235912383770441", "-0.046374783852669951", "0.11508917433879936"],
                    ["-0.081228616005622304", "0.17229317853590275", "0.058682876284378602", "-0.14356886462994603"],
                    ["0.037509454124997074", "-0.11487748798500332", "0.21812117855695793", "0.069035795595363308"],
                ])),
            ),
        ]
    }
}

/// `mssa_convex_step`.
pub struct ConvexStep;
impl Operator for ConvexStep {
    const SPEC: Spec = Spec {
        name: "mssa_convex_step",
        purpose: "one compressing step: a convex combination of the tokens and their attention",
        definition: "y = (1 − kappa·a) Z + kappa·a² Σ_k softmax_row(A_k A_kᵀ) A_k U_kᵀ, A_k = Z U_k, a = p/(n ε²); convex if and only if 0 ≤ kappa·a ≤ 1",
        outputs: &[Port::real("y", "n d", "the compressed tokens")],
        params: &[Param {
            name: "kappa",
            domain: Range::NonNegative,
            default: None,
            samples: &[0.5, 2.0, 0.125, 0.0],
            doc: "length of the gradient step",
        }],
        divergences: &[
            "The layers of paper and code leave the shrink (1 − kappa·a) out: Z + MSSA(Z). With tied, positively scaled bases that raises R^c; the learned output map of the code has to find sign and scale itself",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p flops",
        flops: |s| s("h") * s("n") * s("p") * 4.0 * (s("d") + s("n")),
        ..RUNG
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::convex_step(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, x.param("kappa")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (g, kappa) =
            transformer::convex_step_vjp(&x.matrix("z")?, &x.matrices("u")?, distortion(x)?, x.param("kappa")?, &y.matrix("y")?)?;
        Ok(gradients(x, g)?.with("kappa", kappa))
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("mssa_convex_step/affine", "y(2·kappa) − Z = 2 (y(kappa) − Z)", |f, case| {
                let z = case.inputs.matrix("z")?;
                let twice = case.clone().set("kappa", 2.0 * case.number("kappa").unwrap_or(0.0));
                Ok(Some(Sides::all(y(f, &twice)?.sub(&z)?.into_data(), y(f, case)?.sub(&z)?.scale(exact(2.0)).into_data())))
            }),
            Law::equal("mssa_convex_step/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", rotates),
            Law::equal("mssa_convex_step/basis", "y(Z | U_k O) = y(Z | U_k) for orthogonal O", ignores_basis),
            Law::equal("mssa_convex_step/order", "tokens may be permuted, heads reordered", follows_order),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let equal = Matrix::from_fn(3, 4, |_, j| exact(j as f64 - 1.0));
        vec![
            // a = 1/6, κa = 1/2: (1/2 + 1/12) z.
            Closed::new(
                "equal tokens in complete bases attend to themselves: (1 − κa + κa²) z",
                example_case().input("z", equal.clone()).set("kappa", 3.0),
                is(equal.scale(exact(7.0) / exact(12.0))),
            ),
            Closed::new(
                "three tokens of width 4 at ε = 2, κ = 3",
                example_case().set("kappa", 3.0),
                is(example::table(&[
                    ["0.55963788444653410", "0.27129226284868868", "-0.11087564844199015", "0.40473247698360192"],
                    ["-0.25631415198313309", "0.73312046439229175", "0.32395137114686419", "-0.56929340611016192"],
                    ["0.13747163762500878", "-0.40536753604499005", "0.84563646432912620", "0.29289261321391008"],
                ])),
            ),
            Closed::new("κ = 0: nothing moves", example_case().set("kappa", 0.0), is(example::z())),
        ]
    }
}
