//! `conditional_rate` and `rate_reduction`.

use super::moves::{
    LABELS, PI, Z, alpha, doubled, eps2, membership, one, one_membership, relabelled, rotated, rotation, samples, value, weighted, weights,
};
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Port, Preset, Sides, Spec, Tensor, Value, Values, digits};
use crate::reduction::RateReduction as Rates;
use crate::scalar::{Ball, Scalar};

const PRESETS: &[Preset] = &[
    Preset {
        name: "mcr2-repo",
        doc: "loss.py of the MCR² code (gam1 = gam2 = 1): its eps is ε², and it adds 1e-8 to every n_k; its loss is −ΔR",
        eps_means_eps2: true,
    },
    Preset { name: "ldr-repo", doc: "the CTRL code: its eps is ε², and it adds 1e-8 to every n_k", eps_means_eps2: true },
    Preset {
        name: "redunet-repo",
        doc: "compute_loss_vec of the ReduNet code: its eps is ε²; it is called with predicted labels, not the true ones",
        eps_means_eps2: true,
    },
    Preset { name: "mcr2-pai", doc: "the MCR2 package of D. Pai: its eps is ε; the same number", eps_means_eps2: false },
];
const DIVERGENCES: &[&str] = &[
    "MCR² and CTRL code: eps is ε² (their 0.5 is our eps2=0.5), n_k + 1e-8 in place of n_k: relative difference below 1e-8/n_k",
    "MCR² code: what it minimises is R^c − R, so that a loss of −12.3 is ΔR = 12.3; with gam1 or gam2 other than 1 see mcr2_loss",
    "ReduNet code logs ΔR for the labels predicted by the layer before: see its preset",
    "The book writes R_ε(Z_k) with the weight N_k/N inside in one place and outside in others",
    "Memberships stored as K dense n × n diagonal matrices cost O(K n²) memory: here labels or n × K weights",
    "Bits instead of nats: divide by ln 2 = 0.6931",
];
pub(super) const COST: &str =
    "3n·d² + (8/3)(K+1)·d³ flops with gradient, for n ≥ n_k ≥ d and labels; the smaller side of each source otherwise";

fn rates<S: Scalar>(x: &Args<S>) -> Result<Rates<S>> {
    let guard = if matches!(x.preset(), "mcr2-repo" | "ldr-repo") { S::from_f64(1e-8) } else { S::ZERO };
    Ok(Rates::guarded(Distortion::Eps2(x.eps2()?), guard))
}
fn is_guarded(case: &Case) -> bool {
    matches!(case.preset.as_deref(), Some("mcr2-repo" | "ldr-repo"))
}

/// `conditional_rate`.
pub struct ConditionalRate;

impl Operator for ConditionalRate {
    const SPEC: Spec = Spec {
        name: "conditional_rate",
        room: "reduction",
        purpose: "nats a sample to code each class apart, its labels known",
        definition: "R^c(Z | Π; ε) = Σ_k (n_k/2n) log det(I + d/(n_k ε²) Zᵀ D_k Z), n_k = Σ_i Π_ik, D_k = diag(Π_·k); Z is n × d, one sample a row",
        source: "Ma, Derksen, Hong, Wright, TPAMI 2007; Yu, Chan, You, Song, Ma, NeurIPS 2020, eq. 4",
        inputs: &[Z, LABELS, PI],
        outputs: &[Port::real("value", "", "nats, ≥ 0")],
        distortion: true,
        presets: PRESETS,
        divergences: DIVERGENCES,
        couples: "samples of a class; leading axes are separate data sets",
        cost: COST,
        flops: |s| s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", rates(x)?.conditional(&x.matrix("z")?, &membership(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, m, c) = (x.matrix("z")?, membership(x)?, y.scalar("value")?);
        let gradient = rates(x)?.conditional_gradient(&z, &m)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        let mut out = Values::new().with("z", gradient.z.scale(c)).with(name, eps * c);
        if x.has("pi") {
            out.set("pi", rates(x)?.membership_gradient(&z, &m)?.scale(c));
        }
        Ok(out)
    }
    fn adjust(case: Case) -> Case {
        one_membership(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("conditional_rate/feature_rotation", "R^c(ZQ) = R^c(Z) for orthogonal Q", |f, case| {
                Ok(Some(Sides::of(value(f.eval(&rotated(case)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("conditional_rate/scale", "R^c(2Z; 2ε) = R^c(Z; ε)", |f, case| {
                Ok(Some(Sides::of(value(f.eval(&doubled(case)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("conditional_rate/mean_of_classes", "with labels and no guard, R^c = Σ γ_k R(Z_k)", |f, case| {
                let Some(Value::Int(t)) = case.inputs.get("labels") else { return Ok(None) };
                if is_guarded(case) {
                    return Ok(None);
                }
                let z = case.inputs.matrix("z")?;
                let mut sum = Ball::ZERO;
                for (_, rows) in by_label(&t.data) {
                    let share = Ball::exact(rows.len() as f64) / Ball::exact(z.rows() as f64);
                    sum += share * coding_rate(&z.select_rows(&rows)?, Distortion::Eps2(eps2(case)))?;
                }
                Ok(Some(Sides::of(value(f.eval(case)?)?, sum)))
            }),
            Law::equal(
                "conditional_rate/euler",
                "Σ_ik Π_ik ∂R^c/∂Π_ik = R^c without a guard: R^c is homogeneous of degree 1 in each column of Π",
                |f, case| {
                    if case.inputs.get("pi").is_none() || is_guarded(case) {
                        return Ok(None);
                    }
                    let slopes = f.vjp(case, &one())?.matrix("pi")?;
                    Ok(Some(Sides::of(slopes.dot(&case.inputs.matrix("pi")?)?, value(f.eval(case)?)?)))
                },
            ),
            Law::at_most(
                "conditional_rate/concave_in_pi",
                "without a guard, R^c at the mean of two memberships is at least the mean of R^c",
                |f, case| {
                    if is_guarded(case) {
                        return Ok(None);
                    }
                    let (half, pi) = (Ball::exact(0.5), weights(case)?);
                    let turned = Matrix::from_fn(pi.rows(), pi.cols(), |i, k| pi[((i + 1) % pi.rows(), k)]);
                    let mean = pi.add(&turned)?.scale(half);
                    let at = |pi| value(f.eval(&weighted(case, pi))?);
                    Ok(Some(Sides::of((at(pi)? + at(turned)?) * half, at(mean)?)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let sixth = Ball::exact(6.0).recip();
        let one_hot = weights(&golden()).map(|pi| weighted(&golden(), pi)).unwrap_or_default();
        vec![
            Closed::new(
                "six rows in dimension 3, three classes: (2 ln 76 + ln 79)/6",
                golden(),
                is((Ball::exact(2.0) * ln(76.0) + ln(79.0)) * sixth),
            )
            .gradient(one(), Values::new().with("eps2", digits("-2.3879575441936105271") / Ball::exact(2.0).sqrt())),
            Closed::new("the same in soft classes", golden_soft(), is(digits("2.6930092520274469757")))
                .gradient(one(), Values::new().with("pi", known(3, &[(0, &["0.44130908080097762315"])]))),
            Closed::new("the same with labels as weights", one_hot, Values::new())
                .gradient(one(), Values::new().with("pi", known(3, &[(0, &["0.37076286607649250218", "1.2818421733595935633"])]))),
            Closed::new(
                "each row its own class: (1/2n) Σ log(1 + (d/ε²)‖z_i‖²)",
                labelled(Matrix::from_rows(&[[3.0, 4.0], [0.0, 1.0], [2.0, 0.0]]), &[0, 1, 2], 0.25),
                is((Ball::exact(200.0).log1p() + Ball::exact(8.0).log1p() + Ball::exact(32.0).log1p()) * sixth),
            ),
            Closed::new("Z = 0", labelled(Matrix::zeros(3, 2), &[0, 1, 0], 0.5), is(Ball::ZERO))
                .gradient(one(), Values::new().with("z", Matrix::zeros(3, 2))),
        ]
    }
}

/// `rate_reduction`.
pub struct RateReduction;

impl Operator for RateReduction {
    const SPEC: Spec = Spec {
        name: "rate_reduction",
        room: "reduction",
        purpose: "nats a sample saved by coding the classes apart: the objective of MCR²",
        definition: "ΔR = R − R^c, R = ½ log det(I + d/(nε²) ZᵀZ), R^c = Σ_k (n_k/2n) log det(I + d/(n_k ε²) Zᵀ D_k Z); Z is n × d, one sample a row",
        source: "Yu, Chan, You, Song, Ma, NeurIPS 2020, eq. 5–8",
        inputs: &[Z, LABELS, PI],
        outputs: &[Port::real("value", "", "nats, from 0 to R")],
        distortion: true,
        presets: PRESETS,
        divergences: DIVERGENCES,
        couples: "all samples; leading axes are separate data sets",
        cost: COST,
        flops: |s| 2.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", rates(x)?.value(&x.matrix("z")?, &membership(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, m, c) = (x.matrix("z")?, membership(x)?, y.scalar("value")?);
        let gradient = rates(x)?.gradient(&z, &m)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        let mut out = Values::new().with("z", gradient.z.scale(c)).with(name, eps * c);
        if x.has("pi") {
            out.set("pi", rates(x)?.membership_gradient(&z, &m)?.scale(-c));
        }
        Ok(out)
    }
    fn adjust(case: Case) -> Case {
        one_membership(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_reduction/feature_rotation", "ΔR(ZQ) = ΔR(Z) for orthogonal Q", |f, case| {
                Ok(Some(Sides::of(value(f.eval(&rotated(case)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/gradient_rotation", "∂ΔR(ZQ) = ∂ΔR(Z) Q for orthogonal Q", |f, case| {
                let (turned, plain) = (f.vjp(&rotated(case)?, &one())?.matrix("z")?, f.vjp(case, &one())?.matrix("z")?);
                Ok(Some(Sides::all(turned.into_data(), plain.matmul(&rotation(plain.cols()))?.into_data())))
            }),
            Law::equal("rate_reduction/order_of_samples", "permuting the samples with their memberships changes nothing", |f, case| {
                let n = case.inputs.matrix("z")?.rows();
                let backwards: Vec<usize> = (0..n).rev().collect();
                Ok(Some(Sides::of(value(f.eval(&samples(case, &backwards)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/sign_of_samples", "flipping the sign of a sample changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let flipped = Matrix::from_fn(z.rows(), z.cols(), |i, j| if i % 2 == 0 { -z[(i, j)] } else { z[(i, j)] });
                Ok(Some(Sides::of(value(f.eval(&case.clone().input("z", flipped))?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/order_of_classes", "permuting the classes changes nothing", |f, case| {
                let pi = weights(case)?;
                let turned = Matrix::from_fn(pi.rows(), pi.cols(), |i, k| pi[(i, pi.cols() - 1 - k)]);
                Ok(Some(Sides::of(value(f.eval(&weighted(case, turned))?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/empty_class", "a class without samples changes nothing", |f, case| {
                let with = match relabelled(case, |l| 2 * l + 1) {
                    Some(with) => with,
                    None => {
                        let pi = case.inputs.matrix("pi")?;
                        weighted(case, Matrix::from_fn(pi.rows(), pi.cols() + 1, |i, k| if k == 0 { Ball::ZERO } else { pi[(i, k - 1)] }))
                    }
                };
                Ok(Some(Sides::of(value(f.eval(&with)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/scale", "ΔR(2Z; 2ε) = ΔR(Z; ε)", |f, case| {
                Ok(Some(Sides::of(value(f.eval(&doubled(case)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("rate_reduction/duplication", "repeating every sample changes nothing, without a guard", |f, case| {
                let twice: Vec<usize> = (0..2 * case.inputs.matrix("z")?.rows()).map(|i| i / 2).collect();
                Ok(if is_guarded(case) { None } else { Some(Sides::of(value(f.eval(&samples(case, &twice)?)?)?, value(f.eval(case)?)?)) })
            }),
            Law::at_most("rate_reduction/not_negative", "0 ≤ ΔR without a guard", |f, case| {
                Ok(if is_guarded(case) { None } else { Some(Sides::of(Ball::ZERO, value(f.eval(case)?)?)) })
            }),
            Law::at_most("rate_reduction/at_most_the_rate", "ΔR ≤ R", |f, case| {
                Ok(Some(Sides::of(value(f.eval(case)?)?, coding_rate(&case.inputs.matrix("z")?, Distortion::Eps2(eps2(case)))?)))
            }),
            Law::at_most(
                "rate_reduction/data_processing",
                "ΔR(Z | ΠT) ≤ ΔR(Z | Π) for row-stochastic T: mixing or merging classes never helps, without a guard",
                |f, case| {
                    if is_guarded(case) {
                        return Ok(None);
                    }
                    let pi = weights(case)?;
                    // A class keeps three quarters of its weight and gives the rest to its neighbour.
                    let share = |i, k: usize| pi[(i, k)] * Ball::exact(0.75) + pi[(i, (k + 1) % pi.cols())] * Ball::exact(0.25);
                    let mixed = Matrix::from_fn(pi.rows(), pi.cols(), share);
                    let merged = Matrix::from_fn(pi.rows(), pi.cols().div_ceil(2), |i, k| {
                        if 2 * k + 1 < pi.cols() { pi[(i, 2 * k)] + pi[(i, 2 * k + 1)] } else { pi[(i, 2 * k)] }
                    });
                    let (mixed, merged) = (value(f.eval(&weighted(case, mixed))?)?, value(f.eval(&weighted(case, merged))?)?);
                    let plain = value(f.eval(case)?)?;
                    Ok(Some(Sides::all([mixed, merged], [plain, plain])))
                },
            ),
            Law::equal(
                "rate_reduction/chain_rule",
                "with labels and no guard, ΔR(fine) = ΔR(coarse) + Σ_c γ_c ΔR(Z_c | its parts)",
                |f, case| {
                    let Some(Value::Int(t)) = case.inputs.get("labels") else { return Ok(None) };
                    let Some(coarse) = relabelled(case, |l| l / 2).filter(|_| !is_guarded(case)) else { return Ok(None) };
                    let mut sum = value(f.eval(&coarse)?)?;
                    for (_, rows) in by_label(&t.data.iter().map(|l| l / 2).collect::<Vec<_>>()) {
                        let share = Ball::exact(rows.len() as f64) / Ball::exact(t.data.len() as f64);
                        sum += share * value(f.eval(&samples(case, &rows)?)?)?;
                    }
                    Ok(Some(Sides::of(value(f.eval(case)?)?, sum)))
                },
            ),
            Law::at_most(
                "rate_reduction/radial_slope",
                "0 ≤ ⟨Z, ∂ΔR/∂Z⟩: larger features, or a smaller ε, never reduce ΔR; without a guard",
                |f, case| {
                    let slope = f.vjp(case, &one())?.matrix("z")?.dot(&case.inputs.matrix("z")?)?;
                    Ok(if is_guarded(case) { None } else { Some(Sides::of(Ball::ZERO, slope)) })
                },
            ),
            Law::at_most(
                "rate_reduction/lipschitz",
                "‖∂ΔR(1.5 Z) − ∂ΔR(Z)‖² ≤ (9α/8)² ‖0.5 Z‖², without a guard",
                |f, case| {
                    if is_guarded(case) {
                        return Ok(None);
                    }
                    let z = case.inputs.matrix("z")?;
                    let here = f.vjp(case, &one())?.matrix("z")?;
                    let there = f.vjp(&case.clone().input("z", z.scale(Ball::exact(1.5))), &one())?.matrix("z")?;
                    let bound = (alpha(case)? * Ball::exact(1.125)).square() * z.scale(Ball::exact(0.5)).frobenius_squared();
                    Ok(Some(Sides::of(there.sub(&here)?.frobenius_squared(), bound)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let half = Ball::exact(0.5);
        let root = Ball::exact(2.0).sqrt();
        let slope = (digits("-3.6470215841759729768") - digits("-2.3879575441936105271")) / root;
        let angle = Ball::exact(3.0) / Ball::exact(5.0);
        let (b, cosine2) = (Ball::exact(4.0), angle.square());
        vec![
            Closed::new(
                "six rows in dimension 3, three classes: ½ ln 463 − (2 ln 76 + ln 79)/6",
                golden(),
                is(half * ln(463.0) - (Ball::exact(2.0) * ln(76.0) + ln(79.0)) / Ball::exact(6.0)),
            )
            .gradient(one(), Values::new().with("z", known(3, GOLDEN_GRADIENT)).with("eps2", slope)),
            Closed::new("the same in soft classes", golden_soft(), is(digits("0.37585427501567006135")))
                .gradient(one(), Values::new().with("z", known(3, GOLDEN_SOFT_GRADIENT))),
            Closed::new("Z = 0", labelled(Matrix::zeros(3, 2), &[0, 1, 0], 0.5), is(Ball::ZERO))
                .gradient(one(), Values::new().with("z", Matrix::zeros(3, 2))),
            Closed::new("one class", labelled(Matrix::from_rows(&[[1.0, 2.0], [0.0, 3.0]]), &[0, 0], 0.5), is(Ball::ZERO)),
            Closed::new(
                "all rows ±u: 0 for every membership",
                labelled(Matrix::from_rows(&[[1.0, 0.0, 2.0], [-1.0, 0.0, -2.0], [1.0, 0.0, 2.0]]), &[0, 1, 1], 0.125),
                is(Ball::ZERO),
            ),
            Closed::new(
                "two unit rows at an angle, each its own class: ½ log((1+b)² − b²cos²θ) − ½ log(1+2b), b = d/(2ε²)",
                {
                    let z = Matrix::new(2, 2, vec![Ball::ONE, Ball::ZERO, angle, Ball::exact(4.0) / Ball::exact(5.0)]).unwrap_or_default();
                    labelled(z, &[0, 1], 0.25)
                },
                is(half * (Ball::exact(25.0) - b.square() * cosine2).ln() - half * Ball::exact(8.0).log1p()),
            ),
            Closed::new(
                "two orthogonal classes of ranks 1 and 2: Σ_k (r_k/2)[log(1 + αs_k) − γ_k log(1 + α_k s_k)]",
                // n = 6, d = 3, ε² = ½: α = 1; classes of 2 and 4 rows, α_k = 3 and 3/2, s = 8 and 10.
                labelled(
                    Matrix::from_rows(&[
                        [2.0, 0.0, 0.0],
                        [-2.0, 0.0, 0.0],
                        [0.0, 1.0, 2.0],
                        [0.0, 2.0, -1.0],
                        [0.0, 1.0, 2.0],
                        [0.0, 2.0, -1.0],
                    ]),
                    &[0, 0, 1, 1, 1, 1],
                    0.5,
                ),
                is(half * (ln(9.0) - ln(25.0) / Ball::exact(3.0)) + ln(11.0) - Ball::exact(2.0) / Ball::exact(3.0) * ln(16.0)),
            ),
        ]
    }
}

fn by_label(labels: &[i64]) -> Vec<(i64, Vec<usize>)> {
    let mut groups: Vec<(i64, Vec<usize>)> = Vec::new();
    for (i, &l) in labels.iter().enumerate() {
        match groups.iter_mut().find(|(k, _)| *k == l) {
            Some((_, rows)) => rows.push(i),
            None => groups.push((l, vec![i])),
        }
    }
    groups
}
fn is(x: Ball) -> Values<Ball> {
    Values::new().with("value", x)
}
fn ln(x: f64) -> Ball {
    Ball::exact(x).ln()
}
pub(super) fn labelled(z: Matrix<Ball>, labels: &[i64], eps2: f64) -> Case {
    Case::new(Values::new().with("z", z).with("labels", Tensor { shape: vec![labels.len()], data: labels.to_vec() })).set("eps2", eps2)
}
/// Six integer rows: `det M` is 463, those of the classes 76, 79 and 76.
pub(super) fn golden() -> Case {
    let z = Matrix::from_rows(&[[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, -1.0, 2.0], [1.0, 0.0, -1.0]]);
    labelled(z, &[0, 0, 1, 1, 2, 2], 0.5)
}
fn golden_soft() -> Case {
    let pi =
        Matrix::from_rows(&[[0.5, 0.25, 0.25], [0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0], [0.25, 0.25, 0.5]]);
    weighted(&golden(), pi)
}
/// Six rows of which some are known, each from its first entry on; of the others nothing is said.
fn known(cols: usize, rows: &[(usize, &[&str])]) -> Matrix<Ball> {
    let mut m = Matrix::from_fn(6, cols, |_, _| Ball::WHOLE);
    for &(i, row) in rows {
        for (j, text) in row.iter().enumerate() {
            m[(i, j)] = digits(text);
        }
    }
    m
}
const GOLDEN_GRADIENT: &[(usize, &[&str])] = &[
    (0, &["-0.05322837330908264181", "0.13015800841195862226", "0.07030805956576105490"]),
    (1, &["-0.01392520177333181767", "0.10719563487552574741", "-0.07877685574627713993"]),
    (2, &["0.13721737704021652951", "0.01025234436941247232", "0.03701779806982530005"]),
    (3, &["0.08795144489706646253", "-0.10101976651994422725", "0.00858462968532137682"]),
    (4, &["-0.08974650449016710242", "-0.02884506081618733659", "0.11935887234284415142"]),
    (5, &["-0.02046152097305899739", "0.00767307036489712402", "-0.10071615323405706491"]),
];
const GOLDEN_SOFT_GRADIENT: &[(usize, &[&str])] = &[
    (0, &["-0.01771633153095618281", "-0.04154843118649712790", "0.08180125560866169146"]),
    (4, &["-0.07232471941116741633", "-0.04791485259184915515", "0.11559199989333070577"]),
];
