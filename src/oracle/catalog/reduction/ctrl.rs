//! `ctrl_distance`, `ctrl_multi`, `ctrl_incremental`, `ctrl_linear`.

use super::moves::{eps2, rotation, value};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Tolerance, Values};
use crate::reduction::RateReduction as Rates;
use crate::reduction::ctrl;
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

const LDR: &[Preset] = &[
    Preset {
        name: "ldr-repo",
        doc: "mcrgan/loss.py of the CTRL code: its eps is ε², it adds 1e-8 to every n_k, and it returns the negative",
        eps_means_eps2: true,
    },
    Preset { name: "mcr2-pai", doc: "DeltaR_diff of D. Pai's MCR2 package: its eps is ε; the same number", eps_means_eps2: false },
];
const CTRL_DIVERGENCES: &[&str] = &[
    "CTRL code (Delay-Xili/LDR): eps is ε²; its 0.5 is our eps2=0.5; n_k + 1e-8 in place of n_k",
    "An early version of that code picks columns 0 and 1 with integer one-hot memberships instead of the samples of a class",
    "The book writes d(X, X̂) where its definition is d(Z, Ẑ)",
];
const Z: Port = Port::real("z", "n d", "features, one sample a row");
const Z_HAT: Port = Port::real("z_hat", "n d", "features of the reconstructions, row by row");
const LABELS: Port = Port::of(Domain::Label("k"), "labels", "n", "the class of each sample");

fn rates<S: Scalar>(x: &Args<S>) -> Result<Rates<S>> {
    let guard = if x.preset() == "ldr-repo" { S::from_f64(1e-8) } else { S::ZERO };
    Ok(Rates::guarded(Distortion::Eps2(x.eps2()?), guard))
}
fn gradient_of<S: Scalar>(x: &Args<S>, y: &Values<S>, g: ctrl::CtrlGradient<S>) -> Result<Values<S>> {
    let (c, (name, eps)) = (y.scalar("value")?, x.eps_gradient(g.eps2)?);
    Ok(Values::new().with("z", g.z.scale(c)).with("z_hat", g.z_hat.scale(c)).with(name, eps * c))
}
fn pair(z: &[[f64; 2]], z_hat: &[[f64; 2]]) -> Case {
    Case::new(Values::new().with("z", Matrix::from_rows(z)).with("z_hat", Matrix::from_rows(z_hat))).set("eps2", 1.0)
}
fn is(x: Ball) -> Values<Ball> {
    Values::new().with("value", x)
}
fn ln(x: f64) -> Ball {
    Ball::exact(x).ln()
}
/// Both features turned.
fn both_rotated(case: &Case) -> Result<Case> {
    let (z, z_hat) = (case.inputs.matrix("z")?, case.inputs.matrix("z_hat")?);
    let q = rotation(z.cols());
    Ok(case.clone().input("z", z.matmul(&q)?).input("z_hat", z_hat.matmul(&q)?))
}
const E1: [[f64; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];
const E2: [[f64; 2]; 2] = [[1.0, 1.0], [1.0, -1.0]];
const E3: [[f64; 2]; 2] = [[2.0, 0.0], [0.0, 0.0]];

/// `ctrl_distance`.
pub struct CtrlDistance;

impl Operator for CtrlDistance {
    const SPEC: Spec = Spec {
        name: "ctrl_distance",
        room: "reduction",
        purpose: "how far the features of reconstructions are from those of the data, by rate reduction",
        definition: "Δ(Z, Ẑ) = R(Z ∪ Ẑ) − n/(n+n̂) R(Z) − n̂/(n+n̂) R(Ẑ)",
        source: "Dai et al., CTRL, Entropy 2022",
        inputs: &[Z, Port::real("z_hat", "m d", "features of the other set, one sample a row")],
        outputs: &[Port::real("value", "", "nats, ≥ 0")],
        distortion: true,
        presets: LDR,
        divergences: CTRL_DIVERGENCES,
        couples: "all samples of both sets",
        cost: "that of rate_reduction on n + n̂ samples",
        flops: |s| 2.0 * (s("n") + s("m")) * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", ctrl::ctrl_distance(&x.matrix("z")?, &x.matrix("z_hat")?, &rates(x)?)?.0))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradient_of(x, y, ctrl::ctrl_distance(&x.matrix("z")?, &x.matrix("z_hat")?, &rates(x)?)?.1)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("ctrl_distance/symmetric", "Δ(Z, Ẑ) = Δ(Ẑ, Z)", |f, case| {
                let swapped = case.clone().input("z", case.inputs.matrix("z_hat")?).input("z_hat", case.inputs.matrix("z")?);
                Ok(Some(Sides::of(value(f.eval(case)?)?, value(f.eval(&swapped)?)?)))
            }),
            Law::equal("ctrl_distance/rotation", "a rotation of all features changes nothing", |f, case| {
                Ok(Some(Sides::of(value(f.eval(case)?)?, value(f.eval(&both_rotated(case)?)?)?)))
            }),
            Law::equal("ctrl_distance/order", "permuting the samples of one set changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let backwards: Vec<usize> = (0..z.rows()).rev().collect();
                Ok(Some(Sides::of(value(f.eval(case)?)?, value(f.eval(&case.clone().input("z", z.select_rows(&backwards)?))?)?)))
            }),
            Law::at_most("ctrl_distance/not_negative", "0 ≤ Δ, without a guard", |f, case| {
                let value = value(f.eval(case)?)?;
                Ok(if case.preset.as_deref() == Some("ldr-repo") { None } else { Some(Sides::of(Ball::ZERO, value)) })
            }),
            Law::at_most(
                "ctrl_distance/triangle",
                "√Δ(Z, Ẑ) ≤ √Δ(Z, Y) + √Δ(Y, Ẑ) for sets of one size, Y = Z reversed in its columns",
                |f, case| {
                    let (z, z_hat) = (case.inputs.matrix("z")?, case.inputs.matrix("z_hat")?);
                    if z.rows() != z_hat.rows() || case.preset.as_deref() == Some("ldr-repo") {
                        return Ok(None);
                    }
                    let y = Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, z.cols() - 1 - j)] + Ball::exact(0.5));
                    let root = |a: &Matrix<Ball>, b: &Matrix<Ball>| {
                        let case = case.clone().input("z", a.clone()).input("z_hat", b.clone());
                        // The root of a ball that reaches below 0 is that of its part from 0 on.
                        let x = value(f.eval(&case)?)?;
                        Ok::<_, Error>(Ball::exact(x.upper().max(0.0)).sqrt().hull(Ball::exact(x.lower().max(0.0)).sqrt()))
                    };
                    Ok(Some(Sides::of(root(&z, &z_hat)?, root(&z, &y)? + root(&y, &z_hat)?)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let half = Ball::exact(0.5);
        vec![
            Closed::new("equal second moments, different rows: 0", pair(&E1, &[[0.0, -1.0], [1.0, 0.0]]), is(Ball::ZERO)),
            Closed::new("I and a scaled rotation: ½ ln(25/24)", pair(&E1, &E2), is(half * (ln(25.0) - ln(24.0)))),
            Closed::new("I and a line: ½ ln 5.25 − ¼ ln 20", pair(&E1, &E3), is(half * ln(5.25) - Ball::exact(0.25) * ln(20.0))),
            Closed::new(
                "a scaled rotation and a line: ½ ln 8 − ¼ ln 45",
                pair(&E2, &E3),
                is(half * ln(8.0) - Ball::exact(0.25) * ln(45.0)),
            ),
        ]
    }
}

/// `ctrl_multi`.
pub struct CtrlMulti;

const WEIGHT: Param = Param { name: "", domain: Range::Real, default: Some(1.0), samples: &[1.0, 0.5, 2.0], doc: "" };

impl CtrlMulti {
    fn run<S: Scalar>(x: &Args<S>) -> Result<(S, ctrl::CtrlGradient<S>)> {
        let c = [x.param("gam1")?, x.param("gam2")?, x.param("gam3")?];
        ctrl::ctrl_multi(&x.matrix("z")?, &x.matrix("z_hat")?, &x.labels("labels")?, c, &rates(x)?)
    }
}

impl Operator for CtrlMulti {
    const SPEC: Spec = Spec {
        name: "ctrl_multi",
        room: "reduction",
        purpose: "the utility of closed-loop transcription with classes: the encoder raises it, the decoder lowers it",
        definition: "g₁ ΔR(Z | Π) + g₂ ΔR(Ẑ | Π) + g₃ Σ_k Δ(Z_k, Ẑ_k); the last sum is not weighted by class sizes",
        source: "Dai et al., CTRL, Entropy 2022, eq. 18",
        inputs: &[Z, Z_HAT, LABELS],
        outputs: &[Port::real("value", "", "nats, ≥ 0 for weights ≥ 0")],
        distortion: true,
        params: &[
            Param { name: "gam1", doc: "weight of ΔR(Z)", ..WEIGHT },
            Param { name: "gam2", doc: "weight of ΔR(Ẑ)", ..WEIGHT },
            Param { name: "gam3", doc: "weight of the distances", ..WEIGHT },
        ],
        presets: LDR,
        divergences: CTRL_DIVERGENCES,
        couples: "all samples",
        cost: "three rate reductions",
        flops: |s| 8.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", Self::run(x)?.0))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let mut out = gradient_of(x, y, Self::run(x)?.1)?;
        let (z, z_hat, labels, rates) = (x.matrix("z")?, x.matrix("z_hat")?, x.labels("labels")?, rates(x)?);
        // Linear in each weight: the derivative is the term.
        for (i, name) in ["gam1", "gam2", "gam3"].into_iter().enumerate() {
            let mut c = [S::ZERO; 3];
            c[i] = S::ONE;
            out.set(name, ctrl::ctrl_multi(&z, &z_hat, &labels, c, &rates)?.0 * y.scalar("value")?);
        }
        Ok(out)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("ctrl_multi/rotation", "a rotation of all features changes nothing", |f, case| {
                Ok(Some(Sides::of(value(f.eval(case)?)?, value(f.eval(&both_rotated(case)?)?)?)))
            }),
            Law::equal(
                "ctrl_multi/perfect_reconstruction",
                "with Ẑ = Z and equal weights of 1 it is 2 ΔR(Z), without a guard",
                |f, case| {
                    if case.preset.as_deref() == Some("ldr-repo") {
                        return Ok(None);
                    }
                    let z = case.inputs.matrix("z")?;
                    let closed = case.clone().input("z_hat", z.clone()).set("gam1", 1.0).set("gam2", 1.0).set("gam3", 1.0);
                    let labels = case.inputs.int("labels")?.data.iter().map(|&l| l as usize).collect();
                    let m = crate::reduction::Membership::from_labels(labels)?;
                    let twice = crate::reduction::rate_reduction(&z, &m, Distortion::Eps2(eps2(case)))? * Ball::exact(2.0);
                    Ok(Some(Sides::of(value(f.eval(&closed)?)?, twice)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let labels = |l: &[i64]| Tensor { shape: vec![l.len()], data: l.to_vec() };
        let half = Ball::exact(0.5);
        vec![
            Closed::new(
                "one class: Δ alone, ½ ln(25/24)",
                pair(&E1, &E2).input("labels", labels(&[0, 0])),
                is(half * (ln(25.0) - ln(24.0))),
            ),
            Closed::new(
                "two classes, Ẑ = Z = I: 2 ΔR = 2 (ln 2 − ½ ln 3)",
                pair(&E1, &E1).input("labels", labels(&[0, 1])),
                is(Ball::exact(2.0) * ln(2.0) - ln(3.0)),
            ),
        ]
    }
}

/// `ctrl_incremental`.
pub struct CtrlIncremental;

impl CtrlIncremental {
    fn run<S: Scalar>(x: &Args<S>, lambda: S, gamma: S) -> Result<(S, ctrl::CtrlGradient<S>)> {
        let old: Vec<bool> = x.labels("old")?.into_iter().map(|o| o != 0).collect();
        ctrl::ctrl_incremental(&x.matrix("z")?, &x.matrix("z_hat")?, &x.labels("labels")?, &old, lambda, gamma, &rates(x)?)
    }
}

impl Operator for CtrlIncremental {
    const SPEC: Spec = Spec {
        name: "ctrl_incremental",
        room: "reduction",
        purpose: "the encoder's utility when classes arrive one after the other",
        definition: "ΔR(Z) + ΔR(Ẑ) + λ Δ(Z_new, Ẑ_new) − γ Δ(Z_old, Ẑ_old); the decoder minimises the same with +γ (gamma < 0)",
        source: "Tong, Dai, Wu, Li, Yi, Ma, i-CTRL, ICLR 2023",
        inputs: &[Z, Z_HAT, LABELS, Port::of(Domain::Label("b"), "old", "n", "1 for a remembered sample, 0 for a new one")],
        outputs: &[Port::real("value", "", "nats")],
        distortion: true,
        params: &[
            Param { name: "lambda", domain: Range::Real, default: None, samples: &[1.0, 0.5, 2.0], doc: "λ" },
            Param {
                name: "gamma", domain: Range::Real, default: None, samples: &[1.0, 0.5, -2.0], doc: "γ; its negative for the decoder"
            },
        ],
        presets: LDR,
        divergences: CTRL_DIVERGENCES,
        couples: "all samples",
        cost: "three rate reductions",
        flops: |s| 8.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", Self::run(x, x.param("lambda")?, x.param("gamma")?)?.0))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (lambda, gamma, c) = (x.param("lambda")?, x.param("gamma")?, y.scalar("value")?);
        let (value, gradient) = Self::run(x, lambda, gamma)?;
        let out = gradient_of(x, y, gradient)?;
        let by_lambda = Self::run(x, lambda + S::ONE, gamma)?.0 - value;
        let by_gamma = Self::run(x, lambda, gamma + S::ONE)?.0 - value;
        Ok(out.with("lambda", by_lambda * c).with("gamma", by_gamma * c))
    }
    fn adjust(case: Case) -> Case {
        let mut case = case;
        // At least one new and one old sample.
        if let (Ok(z), Ok(z_hat)) = (case.inputs.matrix("z"), case.inputs.matrix("z_hat")) {
            let n = z.rows().max(2);
            let again = |m: &Matrix<Ball>| Matrix::from_fn(n, m.cols(), |i, j| m[(i % m.rows(), j)]);
            case.inputs.set("z", again(&z));
            case.inputs.set("z_hat", again(&z_hat));
            case.inputs.set("labels", Tensor { shape: vec![n], data: (0..n as i64).map(|i| i % 3).collect() });
            case.inputs.set("old", Tensor { shape: vec![n], data: (0..n as i64).map(|i| i % 2).collect() });
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![Law::equal("ctrl_incremental/rotation", "a rotation of all features changes nothing", |f, case| {
            Ok(Some(Sides::of(value(f.eval(case)?)?, value(f.eval(&both_rotated(case)?)?)?)))
        })]
    }
    fn closed_forms() -> Vec<Closed> {
        let labels = |l: &[i64]| Tensor { shape: vec![l.len()], data: l.to_vec() };
        let case = |lambda: f64, gamma: f64| {
            let stack = |a: [[f64; 2]; 2], b: [[f64; 2]; 2]| [a[0], a[1], b[0], b[1]];
            pair(&stack(E1, E1), &stack(E2, E3))
                .input("labels", labels(&[0; 4]))
                .input("old", labels(&[0, 0, 1, 1]))
                .set("lambda", lambda)
                .set("gamma", gamma)
        };
        let half = Ball::exact(0.5);
        let (new, old) = (half * (ln(25.0) - ln(24.0)), half * ln(5.25) - Ball::exact(0.25) * ln(20.0));
        vec![Closed::new("one class: λ Δ_new − γ Δ_old", case(2.0, 0.5), is(Ball::exact(2.0) * new - half * old))]
    }
}

/// `ctrl_linear`.
pub struct CtrlLinear;

impl CtrlLinear {
    fn run<S: Scalar>(x: &Args<S>) -> Result<ctrl::CtrlLinear<S>> {
        ctrl::ctrl_linear(&x.matrix("x")?, &x.matrix("f")?, &x.matrix("g")?, &x.labels("labels")?, &Rates::new(Distortion::Eps2(x.eps2()?)))
    }
}

impl Operator for CtrlLinear {
    const SPEC: Spec = Spec {
        name: "ctrl_linear",
        room: "reduction",
        purpose: "the game of a linear encoder and decoder, of which the equilibria are known",
        definition: "Z = XFᵀ, Ẑ = Z(FG)ᵀ, utility ΔR(Z | Π) + Σ_k Δ(Z_k, Ẑ_k)",
        source: "Pai, Psenka, Chiu, Wu, Dobriban, Ma, arXiv 2206.09120, 2022",
        inputs: &[
            Port::real("x", "n e", "data, one sample a row"),
            Port::real("f", "d e", "the encoder F"),
            Port::real("g", "e d", "the decoder G"),
            LABELS,
        ],
        outputs: &[Port::real("value", "", "nats")],
        distortion: true,
        divergences: CTRL_DIVERGENCES,
        couples: "all samples",
        cost: "two rate reductions and four products",
        flops: |s| 8.0 * s("n") * s("d") * (s("d") + s("e")),
        tolerance: Tolerance { value: 1.0, gradient: 4.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", Self::run(x)?.value))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (out, c) = (Self::run(x)?, y.scalar("value")?);
        let (name, eps) = x.eps_gradient(out.eps2)?;
        Ok(Values::new().with("x", out.x.scale(c)).with("f", out.f.scale(c)).with("g", out.g.scale(c)).with(name, eps * c))
    }
    /// Four products in a row: with entries around 64 in each factor, `I + α ẐᵀẐ` has a condition beyond 1/u and no Cholesky factor in f64.
    fn adjust(mut case: Case) -> Case {
        for name in ["x", "f", "g"] {
            if let Ok(m) = case.inputs.matrix(name)
                && m.data().iter().any(|x| x.magnitude() >= 16.0)
            {
                case.inputs.set(name, m.scale(Ball::exact(0.015625)));
            }
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![Law::equal("ctrl_linear/feature_rotation", "F → QF, G → GQᵀ changes nothing for orthogonal Q", |f, case| {
            let (encoder, decoder) = (case.inputs.matrix("f")?, case.inputs.matrix("g")?);
            let q = rotation(encoder.rows());
            let turned = case.clone().input("f", q.matmul(&encoder)?).input("g", decoder.matmul_t(&q)?);
            Ok(Some(Sides::of(value(f.eval(&turned)?)?, value(f.eval(case)?)?)))
        })]
    }
    fn closed_forms() -> Vec<Closed> {
        let labels = Tensor { shape: vec![2], data: vec![0, 1] };
        let identity = Matrix::<Ball>::identity(2);
        let case =
            Case::new(Values::new().with("x", identity.clone()).with("f", identity.clone()).with("g", identity).with("labels", labels))
                .set("eps2", 1.0);
        vec![Closed::new("F = G = I on I, two classes: ΔR = ln 2 − ½ ln 3", case, is(ln(2.0) - Ball::exact(0.5) * ln(3.0)))]
    }
}
