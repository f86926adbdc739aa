//! Attention: in one subspace, in several, with learned output, with three projections.

use super::{
    TOLERANCE, U, Z, exact, example, heads_reversed, jointly_rotated, mapped, matrices, other_bases, rotation, rows_reversed,
    some_cotangent, stack, upside_down, y,
};
use crate::learn::{Layer, Linear};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Values, digits};
use crate::random::Rng;
use crate::scalar::{Ball, Scalar};
use crate::transformer::{self, MssaTrace};
use crate::{Error, Result};

const SCALE: Param = Param {
    name: "scale",
    domain: Range::NonNegative,
    default: Some(1.0),
    samples: &[1.0, 0.5, 0.25, 0.0],
    doc: "multiplies the correlations: 1 in the paper, 1/√p in the official code",
};
const SPEC: Spec = Spec {
    room: "transformer",
    source: "Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele, Ma, White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
    couples: "all tokens and features of one Z; leading axes are separate sets of tokens",
    tolerance: TOLERANCE,
    ..Spec::BLANK
};

/// `ssa`.
pub struct Ssa;
impl Operator for Ssa {
    const SPEC: Spec = Spec {
        name: "ssa",
        purpose: "self-attention in one subspace: a single projection is query, key and value",
        definition: "A = Z U, W = softmax_row(scale · A Aᵀ), y = W A; rows of W are queries. Gradient: W̄ = ȳ Aᵀ, S̄ = W ∘ (W̄ − rowsum(W̄ ∘ W)), Ā = Wᵀ ȳ + scale (S̄ + S̄ᵀ) A",
        inputs: &[Z, Port::real("u", "d p", "the basis, its columns the directions")],
        outputs: &[Port::real("y", "n p", "the tokens in the subspace, averaged")],
        params: &[SCALE],
        divergences: &[
            "scale is 1 in the paper and in chapter 4 of the monograph, 1/√p in chapter 7 and the official code",
            "In the papers' columns the softmax runs down the columns of AᵀA; the transposed softmax gives another result",
            "The diagonal need not be the largest entry of its row: a longer token in the same direction wins over the token itself",
        ],
        cost: "2·n·d·p + 4·n²·p flops",
        flops: |s| 2.0 * s("n") * s("p") * (s("d") + 2.0 * s("n")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::ssa(&x.matrix("z")?, &x.matrix("u")?, x.param("scale")?)?.y))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = transformer::ssa_vjp(&x.matrix("z")?, &x.matrix("u")?, x.param("scale")?, &y.matrix("y")?)?;
        Ok(Values::new().with("z", g.z).with("u", g.u).with("scale", g.scale))
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let s = transformer::ssa(&x.matrix("z")?, &x.matrix("u")?, x.param("scale")?)?;
        let logits = s.projected.gram_rows().scale(x.param("scale")?);
        Ok(Values::new().with("projected", s.projected).with("logits", logits).with("attention", s.attention).with("y", s.y))
    }
    fn laws() -> Vec<Law> {
        fn projected(case: &Case) -> Result<Matrix<Ball>> {
            case.inputs.matrix("z")?.matmul(&case.inputs.matrix("u")?)
        }
        fn extremes(a: &Matrix<Ball>, greatest: bool) -> Vec<Ball> {
            let pick = |x: Ball, y: Ball| if greatest { x.max(y) } else { x.min(y) };
            let of: Vec<Ball> = (0..a.cols()).map(|j| a.col(j).into_iter().reduce(pick).unwrap_or(Ball::WHOLE)).collect();
            (0..a.rows()).flat_map(|_| of.clone()).collect()
        }
        vec![
            Law::equal("ssa/token_order", "permuting the tokens permutes the result", |f, case| {
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "z")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("ssa/joint_rotation", "y(ZQ, QᵀU) = y(Z, U) for orthogonal Q", |f, case| {
                let q = rotation(case.inputs.matrix("z")?.cols());
                let turned =
                    case.clone().input("z", case.inputs.matrix("z")?.matmul(&q)?).input("u", q.t_matmul(&case.inputs.matrix("u")?)?);
                Ok(Some(Sides::all(y(f, &turned)?.into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("ssa/basis", "y(Z, UO) = y(Z, U) O for orthogonal O", |f, case| {
                let u = case.inputs.matrix("u")?;
                let o = rotation(u.cols());
                Ok(Some(Sides::all(y(f, &case.clone().input("u", u.matmul(&o)?))?.into_data(), y(f, case)?.matmul(&o)?.into_data())))
            }),
            Law::equal("ssa/odd", "y(−Z) = −y(Z)", |f, case| {
                Ok(Some(Sides::all(y(f, &mapped(case, "z", |x| -x)?)?.into_data(), y(f, case)?.scale(-Ball::ONE).into_data())))
            }),
            Law::at_most("ssa/hull_above", "no entry above the greatest of its column of ZU", |f, case| {
                Ok(Some(Sides::all(y(f, case)?.into_data(), extremes(&projected(case)?, true))))
            }),
            Law::at_most("ssa/hull_below", "no entry below the smallest of its column of ZU", |f, case| {
                Ok(Some(Sides::all(extremes(&projected(case)?, false), y(f, case)?.into_data())))
            }),
            Law::equal("ssa/scale_is_homogeneous", "y(2Z, U; scale/4) = 2 y(Z, U; scale)", |f, case| {
                let quarter = mapped(case, "z", |x| x * exact(2.0))?.set("scale", 0.25 * case.number("scale").unwrap_or(1.0));
                Ok(Some(Sides::all(y(f, &quarter)?.into_data(), y(f, case)?.scale(exact(2.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |z: Matrix<Ball>, u: Matrix<Ball>, scale: f64| Case::new(Values::new().with("z", z).with("u", u)).set("scale", scale);
        let is = |m: Matrix<Ball>| Values::new().with("y", m);
        // W_ii = 1/(1 + 2 e^{−scale r²}) for three orthogonal tokens of squared length 4, scale 1/4.
        let w = Ball::ONE / (Ball::ONE + exact(2.0) * exact(-1.0).exp());
        let off = (Ball::ONE - w) * exact(0.5);
        vec![
            Closed::new(
                "one token",
                case(Matrix::from_rows(&[[3.0, 4.0]]), Matrix::from_rows(&[[1.0], [2.0]]), 0.5),
                is(Matrix::from_rows(&[[11.0]])),
            ),
            Closed::new(
                "scale 0: the mean",
                case(Matrix::from_rows(&[[1.0, 0.0], [3.0, -4.0]]), Matrix::identity(2), 0.0),
                is(Matrix::from_rows(&[[2.0, -2.0], [2.0, -2.0]])),
            ),
            Closed::new(
                "equal tokens",
                case(Matrix::from_rows(&[[1.0, -2.0], [1.0, -2.0], [1.0, -2.0]]), Matrix::identity(2), 1.0),
                is(Matrix::from_rows(&[[1.0, -2.0], [1.0, -2.0], [1.0, -2.0]])),
            ),
            Closed::new(
                "three orthogonal tokens of length r: 1/(1 + 2 exp(−scale r²)) on the diagonal",
                case(Matrix::identity(3).scale(exact(2.0)), Matrix::identity(3), 0.25),
                is(Matrix::from_fn(3, 3, |i, j| exact(2.0) * if i == j { w } else { off })),
            ),
        ]
    }
}

/// `mssa`.
pub struct Mssa;
impl Operator for Mssa {
    const SPEC: Spec = Spec {
        name: "mssa",
        purpose: "multi-head subspace self-attention, each head put back by its own basis",
        definition: "y = factor · Σ_k softmax_row(scale · A_k A_kᵀ) A_k U_kᵀ, A_k = Z U_k; the paper: scale 1, factor a = p/(n ε²)",
        inputs: &[Z, U],
        outputs: &[Port::real("y", "n d", "")],
        params: &[
            SCALE,
            Param {
                name: "factor",
                domain: Range::Real,
                default: Some(1.0),
                samples: &[1.0, 0.25, -0.5],
                doc: "multiplies the result: p/(nε²) in the paper, 1 in the tied variant",
            },
        ],
        divergences: &[
            "The official code has a learned output map with bias in place of the bases: `mssa_official`",
            "The factor p/(nε²) of the paper is inside MSSA; chapter 4 of the monograph counts it twice",
            "scale is 1 in the paper, 1/√p in the official code",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p flops",
        flops: |s| 4.0 * s("n") * s("h") * s("p") * (s("d") + s("n")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", transformer::mssa(&x.matrix("z")?, &x.matrices("u")?, x.param("scale")?, x.param("factor")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = transformer::mssa_vjp(&x.matrix("z")?, &x.matrices("u")?, x.param("scale")?, x.param("factor")?, &y.matrix("y")?)?;
        Ok(Values::new().with("z", g.z).with("u", stack(g.u)).with("scale", g.scale).with("factor", g.factor))
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (z, scale) = (x.matrix("z")?, x.param("scale")?);
        let (mut projected, mut logits, mut attention, mut heads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for u in x.matrices("u")? {
            let s = transformer::ssa(&z, &u, scale)?;
            logits.push(s.projected.gram_rows().scale(scale));
            projected.push(s.projected);
            attention.push(s.attention);
            heads.push(s.y);
        }
        let stages = Values::new().with("projected", stack(projected)).with("logits", stack(logits));
        let y = transformer::mssa(&z, &x.matrices("u")?, scale, x.param("factor")?)?;
        Ok(stages.with("attention", stack(attention)).with("heads", stack(heads)).with("y", y))
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("mssa/token_order", "permuting the tokens permutes the result", |f, case| {
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "z")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("mssa/joint_rotation", "y(ZQ | QᵀU) = y(Z | U) Q for orthogonal Q", |f, case| {
                let q = rotation(case.inputs.matrix("z")?.cols());
                Ok(Some(Sides::all(y(f, &jointly_rotated(case)?)?.into_data(), y(f, case)?.matmul(&q)?.into_data())))
            }),
            Law::equal("mssa/basis", "y(Z | U_k O) = y(Z | U_k) for orthogonal O", |f, case| {
                Ok(Some(Sides::all(y(f, &other_bases(case)?)?.into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("mssa/head_order", "the order of the heads does not matter", |f, case| {
                Ok(Some(Sides::all(y(f, &heads_reversed(case)?)?.into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("mssa/odd", "y(−Z) = −y(Z)", |f, case| {
                Ok(Some(Sides::all(y(f, &mapped(case, "z", |x| -x)?)?.into_data(), y(f, case)?.scale(-Ball::ONE).into_data())))
            }),
            Law::equal("mssa/sum_of_heads", "y is the sum of its heads taken one by one", |f, case| {
                let z = case.inputs.matrix("z")?;
                let mut sum = Matrix::zeros(z.rows(), z.cols());
                for u in matrices(case, "u")? {
                    sum.accumulate(&y(f, &case.clone().input("u", stack(vec![u])))?)?;
                }
                Ok(Some(Sides::all(sum.into_data(), y(f, case)?.into_data())))
            }),
            Law::equal(
                "mssa/gradient_of_the_scale_of_z",
                "⟨∂y, Z⟩ + ⟨∂y, U⟩ = ⟨ȳ, 3y⟩ + 4 scale ∂scale: y has degree 1 in Z and 2 in U, the logits degree 2 in both",
                |f, case| {
                    let z = case.inputs.matrix("z")?;
                    let cotangent = some_cotangent(z.rows(), z.cols());
                    let g = f.vjp(case, &cotangent)?;
                    let inner = |name: &str| -> Result<Ball> {
                        Ok(<Ball as crate::scalar::Bulk>::dot(&g.real(name)?.data, &case.inputs.real(name)?.data))
                    };
                    let scale = exact(case.number("scale").unwrap_or(1.0));
                    let value = cotangent.matrix("y")?.dot(&y(f, case)?)?;
                    let Ok(by_scale) = g.scalar("scale") else { return Ok(None) };
                    // One more on both sides: with Z = 0 nothing is left to compare.
                    Ok(Some(Sides::of(
                        Ball::ONE + inner("z")? + inner("u")?,
                        Ball::ONE + exact(3.0) * value + exact(4.0) * scale * by_scale,
                    )))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = || Case::new(Values::new().with("z", example::z()).with("u", example::u()));
        let is = |m: Matrix<Ball>| Values::new().with("y", m);
        let one = Matrix::from_rows(&[[1.0, 2.0, 3.0, 4.0]]);
        vec![
            Closed::new(
                "one token, orthonormal complete bases: factor · z",
                case().input("z", one.clone()).set("factor", -0.5),
                is(one.scale(exact(-0.5))),
            ),
            Closed::new(
                "three tokens of width 4, scale 1",
                case(),
                is(example::table(&[
                    ["0.71565461335840915", "0.25550715418426412", "0.16949221869611825", "0.35678972380322305"],
                    ["-0.075769823797597071", "1.2974455727075010", "0.88741645376237033", "-0.83152087332194303"],
                    ["0.14965965150010533", "-0.36441043253988057", "1.1476375719495144", "0.51471135856692093"],
                ])),
            )
            .gradient(
                is(example::cotangent()),
                // Printed for the factor 1/6, exact to a unit of the last digit: six times as wide here.
                Values::new().with("factor", digits("-0.85752443783691903")).with("scale", digits("-0.061915632851459649") * exact(6.0)),
            ),
        ]
    }
}

/// `mssa_official`.
pub struct MssaOfficial;

fn official<S: Scalar>(x: &Args<S>) -> Result<transformer::MssaOfficial<S>> {
    let (qkv, heads) = (x.matrix("w_qkv")?, x.count("h")?);
    let out = if x.has("w_out") {
        let bias = if x.has("b_out") { Some(x.vector("b_out")?.to_vec()) } else { None };
        Some(Linear::new(x.matrix("w_out")?, bias)?)
    } else if x.has("b_out") {
        return Err(Error::usage("b_out", "w_out beside it", "b_out alone"));
    } else if qkv.rows() != qkv.cols() {
        return Err(Error::usage("inputs", "w_out unless the projection is square", format!("{qkv:?}")));
    } else {
        None
    };
    let scale = S::ONE / S::from_usize(qkv.rows() / heads.max(1)).sqrt();
    Ok(transformer::MssaOfficial { qkv: Linear::new(qkv, None)?, out, heads, scale, causal: x.flag("causal")? })
}

impl Operator for MssaOfficial {
    const SPEC: Spec = Spec {
        name: "mssa_official",
        purpose: "subspace self-attention of the official code: one projection in, a learned map out",
        definition: "w = X W_qkvᵀ; head k takes columns kp … (k+1)p of w; O_k = softmax_row(w_k w_kᵀ/√p) w_k; y = [O_1 … O_h] W_outᵀ + b_out",
        source: "official CRATE code, model/crate.py, class Attention; Yu et al., NeurIPS 2023",
        inputs: &[
            Port::real("x", "n d", "tokens, one a row; the code normalises them first"),
            Port::real("w_qkv", "h*p d", "U_k is the transpose of rows kp … (k+1)p"),
            Port::real("w_out", "d h*p", "what puts the heads back; absent: the identity").or_absent(),
            Port::real("b_out", "d", "").or_absent(),
        ],
        outputs: &[Port::real("y", "n d", "")],
        params: &[
            Param { name: "h", domain: Range::Count(1), default: None, samples: &[1.0, 2.0, 3.0], doc: "heads" },
            Param {
                name: "causal",
                domain: Range::Flag,
                default: Some(0.0),
                samples: &[0.0, 0.0, 1.0],
                doc: "tokens attend to themselves and to those before",
            },
        ],
        divergences: &[
            "The paper puts the heads back by U_kᵀ and multiplies by p/(nε²); the code learns W_out and b_out instead: `mssa`",
            "With one head of full width the code has no output map at all",
            "CRATE-α has W_out without bias and LayerNorm with eps 1e-6 before it",
            "Three separate projections, as in the ViT, are `mhsa`",
            "The monograph's causal mask keeps the future: the key index must not exceed the query index",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p flops",
        flops: |s| 4.0 * s("n") * s("h") * s("p") * (s("d") + s("n")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        Ok(Values::new().with("y", official(x)?.apply(&z, z.rows())?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        let (dx, g) = official(x)?.vjp(&z, z.rows(), &y.matrix("y")?)?;
        let mut out = Values::new().with("x", dx).with("w_qkv", g.qkv.weight.matrix());
        if let Some(g) = g.out {
            out.set("w_out", g.weight.matrix());
            if let Some(b) = g.bias {
                out.set("b_out", b.data().to_vec());
            }
        }
        Ok(out)
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (z, layer, mut trace) = (x.matrix("x")?, official(x)?, MssaTrace::default());
        layer.forward(&z, z.rows(), &mut trace)?;
        let attention = Tensor::new(vec![layer.heads, z.rows(), z.rows()], trace.weights)?;
        Ok(Values::new().with("projected", trace.projected).with("attention", attention).with("heads", trace.heads).with("y", trace.y))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("mssa_official/token_order", "without the causal mask, permuting the tokens permutes the result", |f, case| {
                if case.number("causal") == Some(1.0) {
                    return Ok(None);
                }
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "x")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("mssa_official/prefix", "with the causal mask, later tokens change nothing before them", |f, case| {
                let x = case.inputs.matrix("x")?;
                if case.number("causal") != Some(1.0) || x.rows() < 2 {
                    return Ok(None);
                }
                let shorter = case.clone().input("x", x.select_rows(&(0..x.rows() - 1).collect::<Vec<_>>())?);
                let whole = y(f, case)?;
                Ok(Some(Sides::all(y(f, &shorter)?.into_data(), whole.data()[..(x.rows() - 1) * x.cols()].to_vec())))
            }),
            Law::equal("mssa_official/odd", "y(−x) = −y(x) up to the bias", |f, case| {
                let plain = {
                    let mut c = case.clone();
                    c.inputs.remove("b_out");
                    c
                };
                Ok(Some(Sides::all(y(f, &mapped(&plain, "x", |x| -x)?)?.into_data(), y(f, &plain)?.scale(-Ball::ONE).into_data())))
            }),
            Law::equal("mssa_official/joint_rotation", "y(xQ; W_qkv Q, Qᵀ-rotated output) = y Q", |f, case| {
                let Ok(w_out) = case.inputs.matrix("w_out") else { return Ok(None) };
                let q = rotation(w_out.rows());
                let mut turned = case
                    .clone()
                    .input("x", case.inputs.matrix("x")?.matmul(&q)?)
                    .input("w_qkv", case.inputs.matrix("w_qkv")?.matmul(&q)?)
                    .input("w_out", q.t_matmul(&w_out)?);
                if let Ok(b) = case.inputs.matrix("b_out") {
                    turned = turned.input("b_out", b.matmul(&q)?.into_data());
                }
                Ok(Some(Sides::all(y(f, &turned)?.into_data(), y(f, case)?.matmul(&q)?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let w = Matrix::from_rows(&[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.5, 0.0]]);
        let w_out = Matrix::from_rows(&[[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, -1.0, 0.0]]);
        let bias = vec![exact(0.5), exact(-1.0)];
        let case = |x: Matrix<Ball>| {
            Case::new(Values::new().with("x", x).with("w_qkv", w.clone()).with("w_out", w_out.clone()).with("b_out", bias.clone()))
                .set("h", 2.0)
        };
        let is = |m: Matrix<Ball>| Values::new().with("y", m);
        vec![
            // w = (2, 5, 6, 1): y = (2 + 1 + ½, 5 − 6 − 1).
            Closed::new("one token: W_out W_qkv x + b", case(Matrix::from_rows(&[[2.0, 3.0]])), is(Matrix::from_rows(&[[3.5, -2.0]]))),
            Closed::new("Z = 0: the bias", case(Matrix::zeros(3, 2)), is(Matrix::from_fn(3, 2, |_, j| bias[j]))),
            Closed::new(
                "equal tokens attend to their mean, which they are",
                case(Matrix::from_rows(&[[2.0, 3.0], [2.0, 3.0]])),
                is(Matrix::from_rows(&[[3.5, -2.0], [3.5, -2.0]])),
            ),
        ]
    }
    fn sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
        head_sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        super::moderate(with_output(case, "w_qkv", "w_out", "b_out"))
    }
}

/// Heads and widths of a generated case: distinct where they can be.
fn head_sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
    if size <= 1 {
        vec![]
    } else {
        vec![("h", 1 + rng.below(3)), ("p", 1 + rng.below(3)), ("n", 2 + rng.below(4)), ("d", 1 + rng.below(5))]
    }
}
/// An output map where the projection is not square, and no bias without a map.
fn with_output(mut case: Case, w_in: &str, w_out: &str, b_out: &str) -> Case {
    if let Ok(w) = case.inputs.matrix(w_in)
        && case.inputs.get(w_out).is_none()
    {
        case.inputs.remove(b_out);
        if w.rows() != w.cols() {
            case.inputs.set(w_out, Matrix::from_fn(w.cols(), w.rows(), |i, j| exact(((2 * i + 3 * j) % 5) as f64 - 2.0)));
        }
    }
    case
}

/// `mhsa`.
pub struct Mhsa;

fn three<S: Scalar>(x: &Args<S>) -> Result<transformer::Mhsa<S>> {
    let bias = if x.has("b_qkv") { Some(x.vector("b_qkv")?.to_vec()) } else { None };
    let proj = Linear::new(x.matrix("w_proj")?, if x.has("b_proj") { Some(x.vector("b_proj")?.to_vec()) } else { None })?;
    Ok(transformer::Mhsa { qkv: Linear::new(x.matrix("w_qkv")?, bias)?, proj, heads: x.count("h")?, causal: x.flag("causal")? })
}

impl Operator for Mhsa {
    const SPEC: Spec = Spec {
        name: "mhsa",
        purpose: "multi-head self-attention of the transformer, to compare with",
        definition: "[Q K V] = X W_qkvᵀ + b_qkv, each n × hp, head k in columns kp … (k+1)p; O_k = softmax_row(Q_k K_kᵀ/√p) V_k; y = [O_1 … O_h] W_projᵀ + b_proj",
        source: "Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.2; layout of timm",
        inputs: &[
            Port::real("x", "n d", "tokens, one a row"),
            Port::real("w_qkv", "3*h*p d", "queries, keys, values, each head by head"),
            Port::real("b_qkv", "3*h*p", "").or_absent(),
            Port::real("w_proj", "d h*p", ""),
            Port::real("b_proj", "d", "").or_absent(),
        ],
        outputs: &[Port::real("y", "n d", "")],
        params: &[
            Param { name: "h", domain: Range::Count(1), default: None, samples: &[1.0, 2.0, 3.0], doc: "heads" },
            Param {
                name: "causal",
                domain: Range::Flag,
                default: Some(0.0),
                samples: &[0.0, 0.0, 1.0],
                doc: "tokens attend to themselves and to those before",
            },
        ],
        divergences: &[
            "Rows of W_qkv are ordered (3, h, p) as in timm and PyTorch; GPT-NeoX orders them (h, 3, p)",
            "Scaled by 1/√p, p the width of a head, not of the model",
        ],
        cost: "8·n·d·h·p + 4·n²·h·p flops",
        flops: |s| 4.0 * s("n") * s("h") * s("p") * (2.0 * s("d") + s("n")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        Ok(Values::new().with("y", three(x)?.apply(&z, z.rows())?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        let (dx, g) = three(x)?.vjp(&z, z.rows(), &y.matrix("y")?)?;
        let mut out = Values::new().with("x", dx).with("w_qkv", g.qkv.weight.matrix()).with("w_proj", g.proj.weight.matrix());
        for (name, b) in [("b_qkv", g.qkv.bias), ("b_proj", g.proj.bias)] {
            if let Some(b) = b {
                out.set(name, b.data().to_vec());
            }
        }
        Ok(out)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("mhsa/token_order", "without the causal mask, permuting the tokens permutes the result", |f, case| {
                if case.number("causal") == Some(1.0) {
                    return Ok(None);
                }
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "x")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("mhsa/tied", "with equal queries, keys and values and no bias it is mssa_official", |f, case| {
                let (x, w) = (case.inputs.matrix("x")?, case.inputs.matrix("w_qkv")?);
                let third = w.rows() / 3;
                let mut tied = case.clone().input("w_qkv", Matrix::from_fn(w.rows(), w.cols(), |i, j| w[(i % third, j)]));
                tied.inputs.remove("b_qkv");
                let bias = case.inputs.real("b_proj").ok().map(|b| b.data.clone());
                let heads = case.number("h").unwrap_or(1.0) as usize;
                let layer = transformer::MssaOfficial {
                    qkv: Linear::new(w.select_rows(&(0..third).collect::<Vec<_>>())?, None)?,
                    out: Some(Linear::new(case.inputs.matrix("w_proj")?, bias)?),
                    heads,
                    scale: Ball::ONE / exact((third / heads) as f64).sqrt(),
                    causal: case.number("causal") == Some(1.0),
                };
                Ok(Some(Sides::all(y(f, &tied)?.into_data(), layer.apply(&x, x.rows())?.into_data())))
            }),
            Law::equal(
                "mhsa/query_bias_of_values",
                "adding c to the bias of the values adds c W_projᵀ to the result: attention averages",
                |f, case| {
                    let (w, proj) = (case.inputs.matrix("w_qkv")?, case.inputs.matrix("w_proj")?);
                    let third = w.rows() / 3;
                    let b = case.inputs.real("b_qkv").map_or_else(|_| vec![Ball::ZERO; w.rows()], |b| b.data.clone());
                    let moved: Vec<Ball> = b.iter().enumerate().map(|(i, &b)| if i >= 2 * third { b + exact(3.0) } else { b }).collect();
                    let step = Matrix::from_fn(1, third, |_, _| exact(3.0)).matmul_t(&proj)?;
                    let base = y(f, case)?;
                    let expected = Matrix::from_fn(base.rows(), base.cols(), |i, j| base[(i, j)] + step[(0, j)]);
                    Ok(Some(Sides::all(y(f, &case.clone().input("b_qkv", moved))?.into_data(), expected.into_data())))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let w = Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.0, 0.5], [3.0, 0.0], [0.0, -2.0]]);
        let case = |x: Matrix<Ball>| {
            let w_proj = Matrix::from_rows(&[[1.0, 1.0], [0.0, 1.0]]);
            Case::new(
                Values::new().with("x", x).with("w_qkv", w.clone()).with("w_proj", w_proj).with("b_proj", vec![exact(0.25), Ball::ZERO]),
            )
            .set("h", 2.0)
        };
        vec![
            // v = (6, −2): y = (6 − 2 + ¼, −2).
            Closed::new(
                "one token: W_proj (W_v x) + b",
                case(Matrix::from_rows(&[[2.0, 1.0]])),
                Values::new().with("y", Matrix::from_rows(&[[4.25, -2.0]])),
            ),
            Closed::new(
                "Z = 0: the bias",
                case(Matrix::zeros(2, 2)),
                Values::new().with("y", Matrix::from_rows(&[[0.25, 0.0], [0.25, 0.0]])),
            ),
        ]
    }
    fn sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
        head_sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        super::gentle(case)
    }
}
