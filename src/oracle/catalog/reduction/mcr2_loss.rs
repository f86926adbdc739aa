//! `mcr2_loss`.

use super::moves::{LABELS, PI, Z, eps2, membership, one_membership};
use super::rates::{COST, golden, labelled};
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Value, Values};
use crate::reduction;
use crate::scalar::{Ball, Scalar};

/// `mcr2_loss`.
pub struct Mcr2Loss;

impl Mcr2Loss {
    fn of<S: Scalar>(x: &Args<S>) -> Result<reduction::Mcr2Loss<S>> {
        let guard = if x.preset() == "mcr2-repo" { S::from_f64(1e-8) } else { S::ZERO };
        Ok(reduction::Mcr2Loss { distortion: Distortion::Eps2(x.eps2()?), gam1: x.param("gam1")?, gam2: x.param("gam2")?, guard })
    }
}

impl Operator for Mcr2Loss {
    const SPEC: Spec = Spec {
        name: "mcr2_loss",
        room: "reduction",
        purpose: "the loss that MCR² training minimises, with its two weights",
        definition: "loss = R^c(Z | Π; ε) − gam2 · R(Z; ε/√gam1); with gam1 = gam2 = 1 it is −ΔR",
        source: "Yu, Chan, You, Song, Ma, NeurIPS 2020; loss.py, MaximalCodingRateReduction",
        inputs: &[Z, LABELS, PI],
        outputs: &[
            Port::real("loss", "", "from −R to 0 if gam1 = gam2 = 1"),
            Port::real("discriminative", "", "R(Z; ε/√gam1)"),
            Port::real("compressive", "", "R^c"),
        ],
        distortion: true,
        params: &[
            Param {
                name: "gam1",
                domain: Range::Positive,
                default: Some(1.0),
                samples: &[1.0, 20.0, 0.5],
                doc: "multiplies α in the first term only",
            },
            Param {
                name: "gam2",
                domain: Range::Real,
                default: Some(1.0),
                samples: &[1.0, 0.0625, 10.0],
                doc: "multiplies the first term",
            },
        ],
        presets: &[Preset {
            name: "mcr2-repo",
            doc: "loss.py: its eps is ε² (class default 0.01, command line 0.5 or 2), and it adds 1e-8 to every n_k",
            eps_means_eps2: true,
        }],
        divergences: &[
            "The code's command line says of --eps: eps squared; the class calls it eps",
            "Self-supervised runs of its README: eps=0.5, gam1=20, gam2=0.05; script defaults eps=2, gam1=1, gam2=10",
            "Its monitors are the theoretical values, gam1 = gam2 = 1",
            "With gam1 > 1 > gam2 the negative loss may be below 0: not an error",
        ],
        couples: "all samples; leading axes are separate data sets",
        cost: COST,
        flops: |s| 2.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let t = Self::of(x)?.terms(&x.matrix("z")?, &membership(x)?)?;
        Ok(Values::new().with("loss", t.loss).with("discriminative", t.discriminative).with("compressive", t.compressive))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let bar = |name| if y.get(name).is_some() { y.scalar(name) } else { Ok(S::ZERO) };
        let c = reduction::Mcr2Terms { loss: bar("loss")?, discriminative: bar("discriminative")?, compressive: bar("compressive")? };
        let g = Self::of(x)?.vjp(&x.matrix("z")?, &membership(x)?, &c, x.has("pi"))?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let out = Values::new().with("z", g.z).with(name, eps).with("gam1", g.gam1).with("gam2", g.gam2);
        Ok(match g.pi {
            Some(pi) => out.with("pi", pi),
            None => out,
        })
    }
    fn adjust(case: Case) -> Case {
        one_membership(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("mcr2_loss/parts", "loss = compressive − gam2 · discriminative", |f, case| {
                let out = f.eval(case)?;
                let weight = Ball::exact(case.number("gam2").unwrap_or(1.0));
                Ok(Some(Sides::of(out.scalar("loss")?, out.scalar("compressive")? - weight * out.scalar("discriminative")?)))
            }),
            Law::equal("mcr2_loss/plain", "with gam1 = gam2 = 1, loss = −ΔR in the papers' form, without a guard", |f, case| {
                if case.preset.is_some() {
                    return Ok(None);
                }
                let plain = f.eval(&case.clone().set("gam1", 1.0).set("gam2", 1.0))?.scalar("loss")?;
                let m = match case.inputs.get("labels") {
                    Some(Value::Int(t)) => reduction::Membership::from_labels(t.data.iter().map(|&l| l as usize).collect())?,
                    _ => reduction::Membership::soft(case.inputs.matrix("pi")?)?,
                };
                let rate = reduction::rate_reduction(&case.inputs.matrix("z")?, &m, Distortion::Eps2(eps2(case)))?;
                Ok(Some(Sides::of(plain, -rate)))
            }),
            Law::equal("mcr2_loss/narrowed", "discriminative at gam1 is R at ε²/gam1", |f, case| {
                let gam1 = Ball::exact(case.number("gam1").unwrap_or(1.0));
                let rate = coding_rate(&case.inputs.matrix("z")?, Distortion::Eps2(eps2(case) / gam1))?;
                Ok(Some(Sides::of(f.eval(case)?.scalar("discriminative")?, rate)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let (half, ln) = (Ball::exact(0.5), |x: f64| Ball::exact(x).ln());
        let compressive = (Ball::exact(2.0) * ln(76.0) + ln(79.0)) / Ball::exact(6.0);
        vec![
            Closed::new(
                "six rows, three classes: (2 ln 76 + ln 79)/6 − ½ ln 463",
                golden(),
                Values::new().with("loss", compressive - half * ln(463.0)).with("compressive", compressive),
            ),
            Closed::new(
                "2I, each row its own class, gam1 = 20, gam2 = 1/16: ½ ln 5 − (1/16) ln 41",
                // n = d = 2, ε² = 2: α = ½, αs = 2, with gam1 40; α_k s = 4.
                labelled(Matrix::identity(2).scale(Ball::exact(2.0)), &[0, 1], 2.0).set("gam1", 20.0).set("gam2", 0.0625),
                Values::new().with("loss", half * ln(5.0) - Ball::exact(0.0625) * ln(41.0)).with("discriminative", ln(41.0)),
            ),
        ]
    }
}
