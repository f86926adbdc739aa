//! Whole layers.

use super::{TOLERANCE, U, Z, constant, eps2, exact, example, gentle, heads_reversed, matrices, rows_reversed, stack, upside_down, y};
use crate::Result;
use crate::coding::Distortion;
use crate::learn::{Layer, LayerNorm, Linear};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Tolerance, Values};
use crate::random::Rng;
use crate::scalar::{Ball, Scalar};
use crate::transformer::{self, Attention, Block, BlockTrace, Compression, Feed, Ista};

const ETA: Param = Param {
    name: "eta",
    domain: Range::NonNegative,
    default: Some(0.1),
    samples: &[0.125, 0.5, 0.0625],
    doc: "step of the ISTA block; 0.1 in the official code",
};
const LAMBDA: Param = Param {
    name: "lambda",
    domain: Range::NonNegative,
    default: Some(0.1),
    samples: &[0.25, 0.125, 0.5],
    doc: "its sparsity weight; 0.1 in the official code",
};
const HEADS: Param = Param { name: "h", domain: Range::Count(1), default: None, samples: &[1.0, 2.0, 3.0], doc: "heads" };
const SPEC: Spec = Spec {
    room: "transformer",
    couples: "all tokens and features of one sample; leading axes are separate samples",
    tolerance: TOLERANCE,
    ..Spec::BLANK
};

/// `crate_layer`.
pub struct CrateLayer;

fn compression<S: Scalar>(x: &Args<S>) -> Result<Compression<S>> {
    Ok(if x.word("compress")? == "residual" { Compression::Residual } else { Compression::Convex { kappa: x.param("kappa")? } })
}

impl Operator for CrateLayer {
    const SPEC: Spec = Spec {
        name: "crate_layer",
        purpose: "one layer of the paper: a compressing step against the subspaces, a sparsifying step in the dictionary",
        definition: "Z½ = Z + MSSA(Z | U) (compress=residual) or (1 − kappa·a) Z + kappa·a MSSA(Z | U) (compress=convex), MSSA = a Σ_k softmax_row(A_k A_kᵀ) A_k U_kᵀ, a = p/(n ε²); y = relu(Z½ + eta (Z½ − Z½ Dᵀ) D − eta·lambda)",
        source: "Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele, Ma, White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
        inputs: &[Z, U, Port::real("dictionary", "d d", "an atom a column")],
        outputs: &[Port::real("y", "n d", "the tokens after the layer, ≥ 0")],
        distortion: true,
        params: &[
            Param {
                name: "compress",
                domain: Range::Word(&["residual", "convex"]),
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "with or without the shrink that the derivation gives",
            },
            Param {
                name: "kappa",
                domain: Range::NonNegative,
                default: Some(1.0),
                samples: &[0.5, 2.0, 1.0],
                doc: "length of the gradient step; of compress=convex only",
            },
            ETA,
            LAMBDA,
        ],
        divergences: &[
            "The residual form drops the factor (1 − kappa·a) of the derivation: the rate against tied bases then rises",
            "The official layer normalises before each half and learns the output map of the attention: `crate_layer_official`",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p + 4·n·d² flops",
        flops: |s| 4.0 * s("n") * (s("h") * s("p") * (s("d") + s("n")) + s("d") * s("d")),
        tolerance: Tolerance { value: 1.5, gradient: 1.5 },
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (z, u, d) = (x.matrix("z")?, x.matrices("u")?, x.matrix("dictionary")?);
        let y = transformer::crate_layer(&z, &u, &d, Distortion::Eps2(x.eps2()?), compression(x)?, x.param("eta")?, x.param("lambda")?)?;
        Ok(Values::new().with("y", y))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, u, d) = (x.matrix("z")?, x.matrices("u")?, x.matrix("dictionary")?);
        let distortion = Distortion::Eps2(x.eps2()?);
        let g =
            transformer::crate_layer_vjp(&z, &u, &d, distortion, compression(x)?, x.param("eta")?, x.param("lambda")?, &y.matrix("y")?)?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let out = Values::new().with("z", g.z).with("u", stack(g.u)).with("dictionary", g.dictionary).with(name, eps);
        Ok(out.with("kappa", g.kappa).with("eta", g.eta).with("lambda", g.lambda))
    }
    fn adjust(case: Case) -> Case {
        gentle(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("crate_layer/two_steps", "y = crate_ista(compressed Z)", |f, case| {
                let (z, u) = (case.inputs.matrix("z")?, matrices(case, "u")?);
                let convex = case.params.iter().any(|(n, s)| n == "compress" && *s == crate::oracle::Setting::Word("convex".into()));
                let half = if convex {
                    transformer::convex_step(&z, &u, Distortion::Eps2(eps2(case)), exact(case.number("kappa").unwrap_or(1.0)))?
                } else {
                    z.add(&transformer::mssa(&z, &u, Ball::ONE, constant(case)?)?)?
                };
                let [eta, lambda] = ["eta", "lambda"].map(|n| exact(case.number(n).unwrap_or(0.1)));
                let expected = transformer::crate_ista(&half, &case.inputs.matrix("dictionary")?, eta, lambda)?;
                Ok(Some(Sides::all(y(f, case)?.into_data(), expected.into_data())))
            }),
            Law::at_most("crate_layer/non_negative", "0 ≤ y", |f, case| {
                let y = y(f, case)?.into_data();
                Ok(Some(Sides::all(vec![Ball::ZERO; y.len()], y)))
            }),
            Law::equal("crate_layer/order", "tokens may be permuted, heads reordered", |f, case| {
                let turned = y(f, &heads_reversed(&rows_reversed(case, "z")?)?)?;
                Ok(Some(Sides::all(upside_down(&turned).into_data(), y(f, case)?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let one = Matrix::from_rows(&[[2.0, -1.0, 0.5, 4.0]]);
        let case = Case::new(Values::new().with("z", one).with("u", example::u()).with("dictionary", Matrix::identity(4)))
            .set("eps2", 4.0)
            .set("eta", 0.5)
            .set("lambda", 0.25);
        let is = |row: [f64; 4]| Values::new().with("y", Matrix::from_rows(&[row]));
        vec![
            // a = 1/2: z + z/2 − 1/8.
            Closed::new("one token, complete bases, D = I: relu((1 + a) z − ηλ)", case.clone(), is([2.875, 0.0, 0.625, 5.875])),
            // (1 − 1/4 + 1/8) z − 1/8.
            Closed::new(
                "the same, convex with κ = 1/2: relu((1 − κa + κa²) z − ηλ)",
                case.word("compress", "convex").set("kappa", 0.5),
                is([1.625, 0.0, 0.3125, 3.375]),
            ),
        ]
    }
}

const NORMS: [Port; 4] = [
    Port::real("gamma1", "d", "gain of LN_1"),
    Port::real("beta1", "d", "shift of LN_1"),
    Port::real("gamma2", "d", "gain of LN_2"),
    Port::real("beta2", "d", "shift of LN_2"),
];

fn norm<S: Scalar>(x: &Args<S>, gamma: &str, beta: &str) -> Result<LayerNorm<S>> {
    Ok(LayerNorm { weight: x.vector(gamma)?.to_vec().into(), bias: x.vector(beta)?.to_vec().into(), eps: x.param("eps_ln")? })
}
fn linear<S: Scalar>(x: &Args<S>, w: &str, b: &str) -> Result<Linear<S>> {
    Linear::new(x.matrix(w)?, if x.has(b) { Some(x.vector(b)?.to_vec()) } else { None })
}
fn set_linear<S: Scalar>(out: &mut Values<S>, w: &str, b: &str, g: &Linear<S>) {
    out.set(w, g.weight.matrix());
    if let Some(bias) = &g.bias {
        out.set(b, bias.data().to_vec());
    }
}
fn set_norms<S: Scalar>(out: &mut Values<S>, g: &Block<S>) {
    for (gamma, beta, norm) in [("gamma1", "beta1", &g.norm1), ("gamma2", "beta2", &g.norm2)] {
        out.set(gamma, norm.weight.data().to_vec());
        out.set(beta, norm.bias.data().to_vec());
    }
}
fn finite<S: Scalar>(y: Matrix<S>) -> Result<Values<S>> {
    if S::NAME != "ball" {
        y.check_finite("y")?;
    }
    Ok(Values::new().with("y", y))
}
fn block_stages<S: Scalar>(block: &Block<S>, x: &Matrix<S>) -> Result<Values<S>> {
    let mut t = BlockTrace::default();
    block.forward(x, x.rows(), &mut t)?;
    let attention = t.weights(block);
    let heads = attention.len() / (x.rows() * x.rows());
    let attention = Tensor::new(vec![heads, x.rows(), x.rows()], attention.to_vec())?;
    let projected = if matches!(block.attention, Attention::Mssa(_)) { &t.mssa.projected } else { &t.mhsa.projected }.clone();
    let (half, y) = (t.half(block).clone(), t.y(block).clone());
    Ok(Values::new()
        .with("norm1", t.norm1.y)
        .with("projected", projected)
        .with("attention", attention)
        .with("half", half)
        .with("norm2", t.norm2.y)
        .with("y", y))
}
/// Zeros wherever a case has numbers.
fn without(case: &Case, names: &[&str]) -> Result<Case> {
    let mut case = case.clone();
    for name in names {
        if let Ok(t) = case.inputs.real(name) {
            let t = t.map(|_| Ball::ZERO);
            case = case.input(name, t);
        }
    }
    Ok(case)
}

/// `crate_layer_official`.
pub struct CrateLayerOfficial;

fn official<S: Scalar>(x: &Args<S>) -> Result<Block<S>> {
    let heads = x.count("h")?;
    let qkv = Linear::new(x.matrix("w_qkv")?, None)?;
    let scale = S::ONE / S::from_usize(qkv.weight.rows() / heads.max(1)).sqrt();
    Ok(Block {
        norm1: norm(x, "gamma1", "beta1")?,
        attention: Attention::Mssa(transformer::MssaOfficial { qkv, out: Some(linear(x, "w_out", "b_out")?), heads, scale, causal: false }),
        norm2: norm(x, "gamma2", "beta2")?,
        feed: Feed::Ista(Ista { weight: x.matrix("dictionary")?.into(), step: x.param("eta")?, lambda: x.param("lambda")? }),
    })
}

impl Operator for CrateLayerOfficial {
    const SPEC: Spec = Spec {
        name: "crate_layer_official",
        purpose: "one layer of the official CRATE code",
        definition: "Z½ = x + mssa_official(LN_1(x)); y = crate_ista(LN_2(Z½)); LN with gain, shift and eps_ln; residual around the attention only",
        source: "official CRATE code, model/crate.py, class Transformer; Yu et al., White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
        inputs: &[
            Port::real("x", "n d", "tokens, one a row"),
            NORMS[0],
            NORMS[1],
            Port::real("w_qkv", "h*p d", "U_k is the transpose of rows kp … (k+1)p"),
            Port::real("w_out", "d h*p", ""),
            Port::real("b_out", "d", "").or_absent(),
            NORMS[2],
            NORMS[3],
            Port::real("dictionary", "d d", "an atom a column; named weight in the code"),
        ],
        outputs: &[Port::real("y", "n d", "≥ 0, with exact zeros")],
        params: &[
            HEADS,
            ETA,
            LAMBDA,
            Param { name: "eps_ln", domain: Range::Positive, default: Some(1e-5), samples: &[1e-5, 0.125], doc: "of both LayerNorms" },
        ],
        divergences: &[
            "No residual around the ISTA block; CRATE-α has one, and two steps in an overcomplete dictionary",
            "The paper's layer has no LayerNorm and puts the heads back by their bases: `crate_layer`",
        ],
        cost: "4·n·d·h·p + 4·n²·h·p + 4·n·d² flops",
        flops: |s| 4.0 * s("n") * (s("h") * s("p") * (s("d") + s("n")) + s("d") * s("d")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        finite(official(x)?.apply(&z, z.rows())?)
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        let (dx, g) = official(x)?.vjp(&z, z.rows(), &y.matrix("y")?)?;
        let mut out = Values::new().with("x", dx);
        set_norms(&mut out, &g);
        if let (Attention::Mssa(a), Feed::Ista(f)) = (&g.attention, &g.feed) {
            out.set("w_qkv", a.qkv.weight.matrix());
            a.out.iter().for_each(|g| set_linear(&mut out, "w_out", "b_out", g));
            out.set("dictionary", f.weight.matrix());
        }
        Ok(out)
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        block_stages(&official(x)?, &x.matrix("x")?)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("crate_layer_official/token_order", "permuting the tokens permutes the result", |f, case| {
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "x")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::at_most("crate_layer_official/non_negative", "0 ≤ y", |f, case| {
                let y = y(f, case)?.into_data();
                Ok(Some(Sides::all(vec![Ball::ZERO; y.len()], y)))
            }),
            Law::equal("crate_layer_official/without_attention", "with W_out = 0 and b_out = 0, y = crate_ista(LN_2(x))", |f, case| {
                let x = case.inputs.matrix("x")?;
                let get = |n: &str| case.inputs.real(n).map(|t| t.data.clone());
                let [eta, lambda] = ["eta", "lambda"].map(|n| exact(case.number(n).unwrap_or(0.1)));
                let normed = crate::learn::layer_norm(&x, &get("gamma2")?, &get("beta2")?, exact(case.number("eps_ln").unwrap_or(1e-5)))?;
                let expected = transformer::crate_ista(&normed, &case.inputs.matrix("dictionary")?, eta, lambda)?;
                Ok(Some(Sides::all(y(f, &without(case, &["w_out", "b_out"])?)?.into_data(), expected.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // Each row of x is ±1: mean 0, variance 1, and with eps_ln = 3 the LayerNorm halves it. No output map, D = I.
        let x = Matrix::from_rows(&[[1.0, -1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]]);
        let ones = || vec![Ball::ONE; 4];
        let inputs = Values::new()
            .with("x", x)
            .with("gamma1", ones())
            .with("beta1", ones())
            .with("w_qkv", Matrix::identity(4))
            .with("w_out", Matrix::zeros(4, 4))
            .with("gamma2", ones())
            .with("beta2", vec![Ball::ZERO; 4])
            .with("dictionary", Matrix::identity(4));
        let y = Matrix::from_rows(&[[0.375, 0.0, 0.375, 0.0], [0.0, 0.0, 0.375, 0.375]]);
        vec![Closed::new(
            "no output map, D = I: relu(LN_2(x) − ηλ)",
            Case::new(inputs).set("h", 2.0).set("eta", 0.5).set("lambda", 0.25).set("eps_ln", 3.0),
            Values::new().with("y", y),
        )]
    }
    fn sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
        sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        gentle(case)
    }
}

fn sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
    if size <= 1 {
        vec![]
    } else {
        vec![("h", 1 + rng.below(3)), ("p", 1 + rng.below(3)), ("n", 2 + rng.below(3)), ("d", 5 + rng.below(4)), ("m", 1 + rng.below(9))]
    }
}

/// `vit_block`.
pub struct VitBlock;

fn vit<S: Scalar>(x: &Args<S>) -> Result<Block<S>> {
    Ok(Block {
        norm1: norm(x, "gamma1", "beta1")?,
        attention: Attention::Mhsa(transformer::Mhsa {
            qkv: linear(x, "w_qkv", "b_qkv")?,
            proj: linear(x, "w_proj", "b_proj")?,
            heads: x.count("h")?,
            causal: false,
        }),
        norm2: norm(x, "gamma2", "beta2")?,
        feed: Feed::Mlp(transformer::Mlp { fc1: linear(x, "w1", "b1")?, fc2: linear(x, "w2", "b2")? }),
    })
}

impl Operator for VitBlock {
    const SPEC: Spec = Spec {
        name: "vit_block",
        purpose: "one layer of the vision transformer, to compare with",
        definition: "h = x + mhsa(LN_1(x)); y = h + gelu(LN_2(h) W_1ᵀ + b_1) W_2ᵀ + b_2, gelu(t) = t Φ(t)",
        source: "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021; names and conventions of timm",
        inputs: &[
            Port::real("x", "n d", "tokens, one a row"),
            NORMS[0],
            NORMS[1],
            Port::real("w_qkv", "3*h*p d", "queries, keys, values, each head by head"),
            Port::real("b_qkv", "3*h*p", "").or_absent(),
            Port::real("w_proj", "d h*p", ""),
            Port::real("b_proj", "d", "").or_absent(),
            NORMS[2],
            NORMS[3],
            Port::real("w1", "m d", "into the hidden layer"),
            Port::real("b1", "m", "").or_absent(),
            Port::real("w2", "d m", "out of it"),
            Port::of(Domain::Real, "b2", "d", "").or_absent(),
        ],
        outputs: &[Port::real("y", "n d", "")],
        params: &[
            HEADS,
            Param { name: "eps_ln", domain: Range::Positive, default: Some(1e-6), samples: &[1e-6, 0.125], doc: "of both LayerNorms" },
        ],
        divergences: &[
            "LayerNorm eps is 1e-6 in timm's ViT, 1e-5 in CRATE",
            "GELU by erf, not by tanh; the monograph's MLP uses ReLU",
            "The first transformers normalised after the residual, not before",
        ],
        cost: "8·n·d·h·p + 4·n²·h·p + 4·n·d·m flops",
        flops: |s| 4.0 * s("n") * (s("h") * s("p") * (2.0 * s("d") + s("n")) + s("d") * s("m")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        finite(vit(x)?.apply(&z, z.rows())?)
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let z = x.matrix("x")?;
        let (dx, g) = vit(x)?.vjp(&z, z.rows(), &y.matrix("y")?)?;
        let mut out = Values::new().with("x", dx);
        set_norms(&mut out, &g);
        if let (Attention::Mhsa(a), Feed::Mlp(f)) = (&g.attention, &g.feed) {
            for (w, b, g) in [("w_qkv", "b_qkv", &a.qkv), ("w_proj", "b_proj", &a.proj), ("w1", "b1", &f.fc1), ("w2", "b2", &f.fc2)] {
                set_linear(&mut out, w, b, g);
            }
        }
        Ok(out)
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        block_stages(&vit(x)?, &x.matrix("x")?)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("vit_block/token_order", "permuting the tokens permutes the result", |f, case| {
                Ok(Some(Sides::all(upside_down(&y(f, &rows_reversed(case, "x")?)?).into_data(), y(f, case)?.into_data())))
            }),
            Law::equal("vit_block/residual", "with W_proj, b_proj, W_2, b_2 all 0, y = x", |f, case| {
                let still = without(case, &["w_proj", "b_proj", "w2", "b2"])?;
                Ok(Some(Sides::all(y(f, &still)?.into_data(), case.inputs.matrix("x")?.into_data())))
            }),
            Law::equal("vit_block/output_bias", "y moves with b_2", |f, case| {
                let d = case.inputs.matrix("x")?.cols();
                let b = case.inputs.real("b2").map_or_else(|_| vec![Ball::ZERO; d], |b| b.data.clone());
                let moved: Vec<Ball> = b.iter().map(|&b| b + exact(2.0)).collect();
                let base = y(f, case)?;
                Ok(Some(Sides::all(y(f, &case.clone().input("b2", moved))?.into_data(), base.map(|x| x + exact(2.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // x is ±1 and eps_ln = 3, so that LN_2 halves it; no attention; one hidden unit that sees the first feature: gelu(2 · ½) = Φ(1).
        let phi = (-(exact(0.5).sqrt())).erfc() * exact(0.5);
        let column = |x: [f64; 2]| Matrix::from_fn(2, 1, |i, _| exact(x[i]));
        let inputs = Values::new()
            .with("x", Matrix::from_rows(&[[1.0, -1.0]]))
            .with("gamma1", vec![Ball::ONE; 2])
            .with("beta1", vec![Ball::ZERO; 2])
            .with("w_qkv", Matrix::from_fn(3, 2, |i, j| exact((i + j) as f64)))
            .with("w_proj", column([0.0, 0.0]))
            .with("b_proj", vec![Ball::ZERO; 2])
            .with("gamma2", vec![Ball::ONE; 2])
            .with("beta2", vec![Ball::ZERO; 2])
            .with("w1", Matrix::from_rows(&[[2.0, 0.0]]))
            .with("w2", column([3.0, 0.0]))
            .with("b2", vec![Ball::ZERO, exact(0.5)]);
        let y = Matrix::from_fn(1, 2, |_, j| if j == 0 { Ball::ONE + exact(3.0) * phi } else { exact(-0.5) });
        vec![Closed::new(
            "no attention, one hidden unit: x + 3 Φ(1)",
            Case::new(inputs).set("h", 1.0).set("eps_ln", 3.0),
            Values::new().with("y", y),
        )]
    }
    fn sizes(size: usize, rng: &mut Rng) -> Vec<(&'static str, usize)> {
        sizes(size, rng)
    }
    fn adjust(case: Case) -> Case {
        gentle(case)
    }
}
