//! `rate_profile`, `tangent_point`, `rate_reduction_optimum`, `regularised_optimum`, `rate_ascent_step`, `mixture_rates`.

use super::moves::{LABELS, PI, Z, alpha, membership, one_membership, rotated, rotation};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Values, cotangent, digits};
use crate::reduction::optimum::{self, Constraint, Profile, Step, ascent_step, ascent_step_vjp};
use crate::reduction::{self, MixtureRates as Rates};
use crate::scalar::{Ball, Bulk, Scalar};
use crate::{Error, Result};

const GLOBAL_ANALYSIS: &str = "Wang, Liu, Pai, Yu, Zhu, Qu, Ma, A Global Geometric Analysis of Maximal Coding Rate Reduction, ICML 2024";

/// The counts of a case.
fn counts<S: Scalar>(x: &Args<S>) -> Result<Vec<usize>> {
    x.labels("counts")
}
const COUNTS: Port = Port::of(Domain::Label("n"), "counts", "k", "samples in each class, at least 1");
const DIMENSION: Param =
    Param { name: "d", domain: Range::Count(1), default: None, samples: &[4.0, 7.0, 3.0, 12.0], doc: "feature dimension" };

/// Counts that differ, none of them 0, at least two.
fn some_counts(mut case: Case) -> Case {
    let k = case.inputs.get("counts").map_or(2, |v| v.shape()[0]).max(2);
    let first = case.number("d").unwrap_or(3.0) as i64;
    case.inputs.set("counts", Tensor { shape: vec![k], data: (0..k as i64).map(|i| 1 + (first + 3 * i * i) % 7).collect() });
    case
}
fn with_counts(counts: &[i64], d: f64) -> Case {
    Case::new(Values::new().with("counts", Tensor { shape: vec![counts.len()], data: counts.to_vec() })).set("d", d)
}

/// `rate_profile`.
pub struct RateProfile;

impl Operator for RateProfile {
    const SPEC: Spec = Spec {
        name: "rate_profile",
        room: "reduction",
        purpose: "what one direction of one class contributes to ΔR when the classes are orthogonal",
        definition: "g_κ(u) = log(1 + u) − log(1 + κu)/κ, κ = n/n_k, u = α s, s a squared singular value of the class; ΔR = Σ ½ g",
        source: GLOBAL_ANALYSIS,
        inputs: &[Port::of(Domain::NonNegative, "u", "n", "α s ≥ 0"), Port::of(Domain::Positive, "kappa", "n", "n/n_k > 1")],
        outputs: &[Port::real("value", "n", "g_κ(u)"), Port::real("slope", "n", "g'_κ(u)")],
        divergences: &["Bits instead of nats: divide by ln 2"],
        couples: "nothing: element by element",
        cost: "2 logarithms an element",
        flops: |s| 40.0 * s("n"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (u, kappa) = (x.vector("u")?, x.vector("kappa")?);
        let (mut value, mut slope) = (Vec::new(), Vec::new());
        for (&u, &kappa) in u.iter().zip(kappa) {
            let profile = Profile::new(kappa)?;
            value.push(profile.value(u));
            slope.push(profile.slope(u));
        }
        Ok(Values::new().with("value", value).with("slope", slope))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (u, kappa) = (x.vector("u")?, x.vector("kappa")?);
        let (value, slope) = (cotangent(y, "value", 1, u.len())?, cotangent(y, "slope", 1, u.len())?);
        let (mut u_bar, mut kappa_bar) = (Vec::new(), Vec::new());
        for (i, (&u, &kappa)) in u.iter().zip(kappa).enumerate() {
            let profile = Profile::new(kappa)?;
            let (v, s) = (value.data()[i], slope.data()[i]);
            u_bar.push(v * profile.slope(u) + s * profile.curvature(u));
            // ∂g'/∂κ = u/(1 + κu)².
            kappa_bar.push(v * profile.by_kappa(u) + s * u / (S::ONE + kappa * u).square());
        }
        Ok(Values::new().with("u", u_bar).with("kappa", kappa_bar))
    }
    fn adjust(case: Case) -> Case {
        above_one(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("rate_profile/between", "0 ≤ g_κ(u) ≤ (1 − 1/κ) log(1 + u)", |f, case| {
                let value = f.eval(case)?.real("value")?.data.clone();
                let (u, kappa) = (case.inputs.real("u")?, case.inputs.real("kappa")?);
                let top = |(u, k): (&Ball, &Ball)| (Ball::ONE - k.recip()) * u.log1p();
                let bound: Vec<Ball> = u.data.iter().zip(&kappa.data).map(top).collect();
                let zeros = vec![Ball::ZERO; value.len()];
                Ok(Some(Sides::all([zeros, value.clone()].concat(), [value, bound].concat())))
            }),
            Law::equal("rate_profile/equal_slopes", "g'(u) = g'(1/(κu)) for u > 0", |f, case| {
                let (u, kappa) = (case.inputs.real("u")?, case.inputs.real("kappa")?);
                if u.data.contains(&Ball::ZERO) {
                    return Ok(None);
                }
                let other: Vec<Ball> = u.data.iter().zip(&kappa.data).map(|(u, k)| (*u * *k).recip()).collect();
                let at = |case: &Case| Ok::<_, Error>(f.eval(case)?.real("slope")?.data.clone());
                Ok(Some(Sides::all(at(case)?, at(&case.clone().input("u", other))?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let of = |u: f64, kappa: f64| Case::new(Values::new().with("u", vec![Ball::exact(u)]).with("kappa", vec![Ball::exact(kappa)]));
        let (three, two) = (Ball::exact(3.0), Ball::exact(2.0));
        vec![
            Closed::new("u = 0", of(0.0, 5.0), Values::new().with("value", vec![Ball::ZERO]).with("slope", vec![Ball::ZERO])),
            Closed::new(
                "κ = 2, u = 1: ln 2 − ½ ln 3, slope 1/6",
                of(1.0, 2.0),
                Values::new().with("value", vec![two.ln() - three.ln() * Ball::exact(0.5)]).with("slope", vec![Ball::exact(6.0).recip()]),
            ),
        ]
    }
}

fn above_one(case: Case) -> Case {
    match case.inputs.real("kappa") {
        Ok(t) => {
            let moved = t.map(|k| k + Ball::ONE);
            case.clone().input("kappa", moved)
        }
        Err(_) => case,
    }
}

/// `tangent_point`.
pub struct Tangent;

impl Operator for Tangent {
    const SPEC: Spec = Spec {
        name: "tangent_point",
        room: "reduction",
        purpose: "how much energy a direction of a class needs before it pays to open the next",
        definition: "u > κ^{-½} with g_κ(u) = u g'_κ(u), g_κ the rate_profile; slope = g'_κ(u); c = 1/(κu²); greatest = (√κ − 1)/(√κ + 1), the largest slope of g",
        source: GLOBAL_ANALYSIS,
        inputs: &[Port::of(Domain::Positive, "kappa", "n", "n/n_k > 1")],
        outputs: &[
            Port::real("u", "n", "u_tan"),
            Port::real("slope", "n", "λ_glob/α: under a larger penalty Z = 0 is the global maximum"),
            Port::real("c", "n", "rank d_k is optimal if ε⁴ ≤ c γ_k d²/d_k²"),
            Port::real("greatest", "n", "λ_loc/α: under a larger penalty Z = 0 is the only local maximum"),
        ],
        divergences: &[
            "Wang et al. 2024, Theorem 3.1, takes λ ≤ λ_loc for the global maximum: true only below λ_glob, 0.86 to 1 times as large",
            "Yu et al. 2020 is quoted with c = 1 for the rank condition: c is below 0.2139 and tends to 0 with the share of the class",
        ],
        couples: "nothing: element by element",
        cost: "some hundred logarithms an element",
        flops: |s| 3000.0 * s("n"),
        tolerance: crate::oracle::Tolerance { value: 8.0, gradient: 0.5 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let mut columns: [Vec<S>; 4] = Default::default();
        for &kappa in x.vector("kappa")? {
            let profile = Profile::new(kappa)?;
            let t = profile.tangent_point()?;
            for (column, value) in columns.iter_mut().zip([t.u, t.slope, t.c, profile.greatest_slope()]) {
                column.push(value);
            }
        }
        let [u, slope, c, greatest] = columns;
        Ok(Values::new().with("u", u).with("slope", slope).with("c", c).with("greatest", greatest))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let kappa = x.vector("kappa")?;
        let [u, slope, c, greatest] = ["u", "slope", "c", "greatest"].map(|name| cotangent(y, name, 1, kappa.len()));
        let (u, slope, c, greatest) = (u?, slope?, c?, greatest?);
        let mut bar = Vec::new();
        for (i, &kappa) in kappa.iter().enumerate() {
            let profile = Profile::new(kappa)?;
            let (du, dslope, dc) = profile.tangent_point()?.by_kappa(&profile);
            let root = kappa.sqrt();
            // d/dκ (√κ − 1)/(√κ + 1) = 1/(√κ (√κ + 1)²).
            let dgreatest = S::ONE / (root * (root + S::ONE).square());
            bar.push(u.data()[i] * du + slope.data()[i] * dslope + c.data()[i] * dc + greatest.data()[i] * dgreatest);
        }
        Ok(Values::new().with("kappa", bar))
    }
    fn adjust(case: Case) -> Case {
        above_one(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("tangent_point/tangent", "g(u) = u g'(u)", |f, case| {
                let (out, kappa) = (f.eval(case)?, case.inputs.real("kappa")?);
                let (mut left, mut right) = (Vec::new(), Vec::new());
                for (&u, &kappa) in out.real("u")?.data.iter().zip(&kappa.data) {
                    let profile = Profile::new(kappa)?;
                    left.push(profile.value(u));
                    right.push(u * profile.slope(u));
                }
                Ok(Some(Sides::all(left, right)))
            }),
            Law::at_most("tangent_point/thresholds", "0 ≤ slope ≤ greatest, 1/√κ ≤ u", |f, case| {
                let (out, kappa) = (f.eval(case)?, case.inputs.real("kappa")?);
                let roots: Vec<Ball> = kappa.data.iter().map(|k| k.sqrt().recip()).collect();
                let left = [out.real("slope")?.data.clone(), roots].concat();
                let right = [out.real("greatest")?.data.clone(), out.real("u")?.data.clone()].concat();
                Ok(Some(Sides::all(left, right)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let table: [(f64, &str, &str, &str); 4] = [
            (2.0, "1.535012477792474", "0.148776636689648", "0.2122003931"),
            (4.0, "1.09764570130916", "0.2912162315081484", "0.2074988274"),
            (100.0, "0.2485488280663718", "0.762252415752621", "0.1618737995"),
            (1000.0, "0.08864688675914369", "0.9074166195107253", "0.1272544634"),
        ];
        let case = |kappa: f64| Case::new(Values::new().with("kappa", vec![Ball::exact(kappa)]));
        let known = |u, slope, c| Values::new().with("u", vec![digits(u)]).with("slope", vec![digits(slope)]).with("c", vec![digits(c)]);
        let third = Values::new().with("greatest", vec![Ball::exact(3.0).recip()]);
        let mut all = vec![Closed::new("κ = 4: the largest slope is 1/3", case(4.0), third)];
        all.extend(table.into_iter().map(|(kappa, u, slope, c)| Closed::new("tabulated", case(kappa), known(u, slope, c))));
        all
    }
}

/// `rate_reduction_optimum`.
pub struct ConstrainedOptimum;

impl Operator for ConstrainedOptimum {
    const SPEC: Spec = Spec {
        name: "rate_reduction_optimum",
        room: "reduction",
        purpose: "the largest ΔR that unit rows (or classes of norm √n_k) allow, and its certificates",
        definition: "max ΔR over ‖Z_k‖² = n_k: Σ_k h_k(r_k*), h_k(r) = (r/2)[log(1 + dγ_k/(ε²r)) − γ_k log(1 + d/(ε²r))], r_k* = argmax over 1 ≤ r ≤ min(n_k, d_k, d), when Σ r_k* ≤ d; bound: the same without d_k, for every Z; loose_bound: ½ Σ (dγ_k/ε²) g'(u_tan)",
        source: "Yu, Chan, You, Song, Ma, NeurIPS 2020, Theorem A.6, corrected",
        inputs: &[COUNTS, Port::of(Domain::Label("n"), "ranks", "k", "d_k, a bound on the rank of each class").or_absent()],
        outputs: &[
            Port::real("value", "", "max ΔR if the classes fit side by side (Σ ranks ≤ d), else a bound of it"),
            Port::real("bound", "", "no Z with ‖Z_k‖² ≤ n_k has more"),
            Port::real("loose_bound", "", "at least bound, without integers"),
            Port::of(Domain::Label("n"), "rank", "k", "r_k*"),
            Port::real("energy", "k", "n_k/r_k*: every nonzero squared singular value of class k"),
        ],
        distortion: true,
        params: &[DIMENSION],
        divergences: &[
            "Published: ε⁴ < c·min γ_k d²/d_k² gives rank d_k, and all singular values but one are equal. With c = 1 it is false (d = 4, two classes of 4, d_k = 2, ε² = 5/4), and all are equal",
        ],
        couples: "all classes",
        cost: "some thousand flops a class",
        flops: |s| 4000.0 * s("k"),
        batches: false,
        tolerance: crate::oracle::Tolerance { value: 8.0, gradient: 4.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let best = optimum::optimum(&counts(x)?, x.count("d")?, ranks(x)?.as_deref(), Distortion::Eps2(x.eps2()?))?;
        let rank = Tensor::new(vec![best.ranks.len()], best.ranks.iter().map(|&r| r as i64).collect())?;
        Ok(Values::new()
            .with("value", best.value)
            .with("bound", best.bound)
            .with("loose_bound", best.loose_bound)
            .with("rank", rank)
            .with("energy", best.energies))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let slopes = optimum::optimum_eps2_slopes(&counts(x)?, x.count("d")?, ranks(x)?.as_deref(), Distortion::Eps2(x.eps2()?))?;
        let mut sum = S::ZERO;
        for (name, slope) in ["value", "bound", "loose_bound"].into_iter().zip(slopes) {
            sum += cotangent(y, name, 1, 1)?.data()[0] * slope;
        }
        let (name, eps) = x.eps_gradient(sum)?;
        Ok(Values::new().with(name, eps))
    }
    fn adjust(case: Case) -> Case {
        let mut case = some_counts(case);
        if let Some(k) = case.inputs.get("ranks").map(|_| case.inputs.get("counts").map_or(0, |c| c.shape()[0])) {
            case.inputs.set("ranks", Tensor { shape: vec![k], data: (0..k as i64).map(|i| 1 + i % 3).collect() });
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("rate_reduction_optimum/order", "0 ≤ value ≤ bound ≤ loose_bound", |f, case| {
                let out = f.eval(case)?;
                let [a, b, c] = [out.scalar("value")?, out.scalar("bound")?, out.scalar("loose_bound")?];
                Ok(Some(Sides::all([Ball::ZERO, a, b], [a, b, c])))
            }),
            Law::equal(
                "rate_reduction_optimum/one_rank_a_class",
                "with d_k = 1, value = ½ Σ [log(1 + dγ_k/ε²) − γ_k log(1 + d/ε²)]",
                |f, case| {
                    let counts = case.inputs.int("counts")?.data.clone();
                    let bounded = case.clone().input("ranks", Tensor { shape: vec![counts.len()], data: vec![1; counts.len()] });
                    let ratio = Ball::exact(case.number("d").unwrap_or(1.0)) / super::moves::eps2(case);
                    let n: i64 = counts.iter().sum();
                    let gain = |&own: &i64| {
                        let share = Ball::exact(own as f64) / Ball::exact(n as f64);
                        ((ratio * share).log1p() - share * ratio.log1p()) * Ball::exact(0.5)
                    };
                    let sum = counts.iter().map(gain).fold(Ball::ZERO, |a, b| a + b);
                    Ok(Some(Sides::of(f.eval(&bounded)?.scalar("value")?, sum)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let value = |text: &str| Values::new().with("value", digits(text));
        let int = |x: &[i64]| Tensor { shape: vec![x.len()], data: x.to_vec() };
        let bounded = with_counts(&[4, 4], 4.0).input("ranks", int(&[2, 2]));
        let six = with_counts(&[4, 4], 6.0).input("ranks", int(&[3, 3]));
        let three = with_counts(&[5, 5, 5], 3.0).input("ranks", int(&[1, 1, 1]));
        let ln = |x: f64| Ball::exact(x).ln();
        vec![
            Closed::new(
                "where the published rank condition fails: rank 1 beats rank 2",
                bounded.set("eps2", 1.25),
                value("0.23796918238277")
                    .with("loose_bound", digits("0.23804261870344"))
                    .with("rank", int(&[1, 1]))
                    .with("energy", vec![Ball::exact(4.0); 2]),
            ),
            Closed::new(
                "three classes on the axes of R³, ε² = 0.1 (as f64): 1.5(ln 11 − (ln 31)/3) to 16 digits",
                three.clone().set("eps2", 0.1),
                Values::new().with("value", (Ball::exact(1.5) * (ln(11.0) - ln(31.0) / Ball::exact(3.0))).widen(1e-15)),
            ),
            Closed::new("the same at ε² = 0.01", three.set("eps2", 0.01), value("4.069125642887451")),
            Closed::new(
                "two classes of 4 in R⁶ as tight frames of rank 3, ε² = ½: 3 ln 3 − (3/2) ln 5",
                six.clone().set("eps2", 0.5),
                Values::new().with("value", Ball::exact(3.0) * ln(3.0) - Ball::exact(1.5) * ln(5.0)).with("rank", int(&[3, 3])),
            ),
            Closed::new(
                "the same at ε² = 0.1 (as f64): 3 ln 11 − (3/2) ln 21 to 15 digits",
                six.set("eps2", 0.1),
                Values::new().with("value", (Ball::exact(3.0) * ln(11.0) - Ball::exact(1.5) * ln(21.0)).widen(1e-15)),
            ),
            Closed::new(
                "one class: nothing to gain",
                with_counts(&[5], 3.0).set("eps2", 0.5),
                Values::new().with("value", Ball::ZERO).with("bound", Ball::ZERO),
            ),
        ]
    }
}

fn ranks<S: Scalar>(x: &Args<S>) -> Result<Option<Vec<usize>>> {
    if x.has("ranks") { x.labels("ranks").map(Some) } else { Ok(None) }
}

/// `regularised_optimum`.
pub struct RegularisedOptimum;

impl Operator for RegularisedOptimum {
    const SPEC: Spec = Spec {
        name: "regularised_optimum",
        room: "reduction",
        purpose: "the largest ΔR − (λ/2)‖Z‖² over all Z, and what each class looks like there",
        definition: "max F, F(Z) = ΔR(Z) − (λ/2)‖Z‖²; f_k(s) = ½[g_κ(αs) − λs] has its maximum at s⁺, the larger root of λα_k s² − η_k s + λ/α = 0, η_k = (α_k − α) − λ(κ+1); classes with f_k(s⁺) > 0 are filled to rank min(n_k, d), greatest first, until Σ r_k = min(n, d)",
        source: GLOBAL_ANALYSIS,
        inputs: &[COUNTS],
        outputs: &[
            Port::real("value", "", "max F; 0 where Z = 0 is best"),
            Port::of(Domain::Label("n"), "rank", "k", "r_k"),
            Port::real("local_threshold", "k", "λ_loc = α(√κ − 1)/(√κ + 1)"),
            Port::real("global_threshold", "k", "λ_glob = α g'(u_tan)"),
        ],
        distortion: true,
        params: &[
            DIMENSION,
            Param {
                name: "lambda",
                domain: Range::Positive,
                default: None,
                samples: &[0.0078125, 0.03125, 0.125, 1.0],
                doc: "λ, the weight of ½‖Z‖²",
            },
        ],
        divergences: &[
            "Published: for λ ≤ λ_loc the local maximisers of full rank are global. False between λ_glob and λ_loc, where Z = 0 is better",
            "Published: λ = λ_loc is included; there the critical point is an inflection, no maximum",
            "Published: r_k in [0, min(N_k, d)) and Σ r_k = min(m, d); meant are min(N_k, d) included and N for m",
        ],
        couples: "all classes",
        cost: "some thousand flops a class",
        flops: |s| 4000.0 * s("k"),
        batches: false,
        tolerance: crate::oracle::Tolerance { value: 8.0, gradient: 4.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let best = optimum::regularised_optimum(&counts(x)?, x.count("d")?, Distortion::Eps2(x.eps2()?), x.param("lambda")?)?;
        let rank = Tensor::new(vec![best.ranks.len()], best.ranks.iter().map(|&r| r as i64).collect())?;
        let column = |f: fn(&optimum::RegularisedClass<S>) -> S| best.classes.iter().map(f).collect::<Vec<S>>();
        let out = Values::new().with("value", best.value).with("rank", rank);
        Ok(out.with("local_threshold", column(|c| c.local_threshold)).with("global_threshold", column(|c| c.global_threshold)))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (lambda, distortion) = (x.param("lambda")?, Distortion::Eps2(x.eps2()?));
        let best = optimum::regularised_optimum(&counts(x)?, x.count("d")?, distortion, lambda)?;
        let (by_lambda, by_eps2) = best.slopes(lambda, distortion)?;
        let (c, k) = (cotangent(y, "value", 1, 1)?.data()[0], best.classes.len());
        let (local, global) = (cotangent(y, "local_threshold", 1, k)?, cotangent(y, "global_threshold", 1, k)?);
        // Both thresholds are α times a number of κ alone, and ∂α/∂ε² = −α/ε².
        let thresholds = best.classes.iter().zip(local.data().iter().zip(global.data()));
        let falling = thresholds.fold(S::ZERO, |sum, (class, (&l, &g))| sum + l * class.local_threshold + g * class.global_threshold);
        let (name, eps) = x.eps_gradient(c * by_eps2 - falling / distortion.squared()?)?;
        Ok(Values::new().with("lambda", c * by_lambda).with(name, eps))
    }
    fn adjust(case: Case) -> Case {
        some_counts(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("regularised_optimum/order", "0 ≤ value; λ_glob ≤ λ_loc", |f, case| {
                let out = f.eval(case)?;
                let left = [vec![Ball::ZERO], out.real("global_threshold")?.data.clone()].concat();
                let right = [vec![out.scalar("value")?], out.real("local_threshold")?.data.clone()].concat();
                Ok(Some(Sides::all(left, right)))
            }),
            Law::at_most("regularised_optimum/penalty", "a larger λ never gives more", |f, case| {
                let more = case.clone().set("lambda", case.number("lambda").unwrap_or(1.0) * 1.5);
                Ok(Some(Sides::of(f.eval(&more)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |lambda: f64| with_counts(&[4, 4], 4.0).set("eps", 1.0).set("lambda", lambda);
        let int = |x: &[i64]| Tensor { shape: vec![x.len()], data: x.to_vec() };
        // The decimals belong to λ = 1/20 and 2/25, the nearest f64 of which are 3·10⁻¹⁸ away.
        let known = |text: &str| digits(text).widen(1e-15);
        vec![
            Closed::new(
                "two classes of 4, d = 4, ε = 1, λ = 1/20",
                case(0.05),
                Values::new()
                    .with("value", known("0.229131373000351975"))
                    .with("local_threshold", vec![digits("0.085786437626905"); 2])
                    .with("global_threshold", vec![digits("0.074388318344824"); 2]),
            ),
            Closed::new(
                "λ = 2/25, between the thresholds: Z = 0 is best",
                case(0.08),
                Values::new().with("value", Ball::ZERO).with("rank", int(&[0, 0])),
            ),
        ]
    }
}

/// `rate_ascent_step`.
pub struct AscentStep;

impl AscentStep {
    fn step<S: Scalar>(x: &Args<S>) -> Result<Step<S>> {
        let constraint = if x.word("constraint")? == "rows" { Constraint::Rows } else { Constraint::Classes };
        Ok(Step { distortion: Distortion::Eps2(x.eps2()?), eta: x.param("eta")?, constraint })
    }
}

impl Operator for AscentStep {
    const SPEC: Spec = Spec {
        name: "rate_ascent_step",
        room: "reduction",
        purpose: "one step of projected gradient ascent on ΔR",
        definition: "Z⁺ = Proj(Z + η ∂ΔR/∂Z); rows: each row to length 1; classes: ‖Z_k‖² to n_k. For feasible Z and η ≤ 8/(9α), ΔR(Z⁺) − ΔR(Z) ≥ (1/(2η) − 9α/16)‖Z⁺ − Z‖²",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, eq. 7; the bound derived",
        inputs: &[Z, LABELS, PI],
        outputs: &[Port::real("y", "n d", "Z⁺")],
        distortion: true,
        params: &[
            Param { name: "eta", domain: Range::Positive, default: None, samples: &[0.5, 0.125, 1.0], doc: "η, the step" },
            Param {
                name: "constraint",
                domain: Range::Word(&["rows", "classes"]),
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "what the projection scales; classes needs labels",
            },
        ],
        divergences: &["ReduNet replaces the memberships of the gradient by estimates from the operators: see redunet_layer"],
        couples: "all samples",
        cost: "that of the gradient",
        flops: |s| 4.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", ascent_step(&x.matrix("z")?, &membership(x)?, &Self::step(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        if x.has("pi") {
            return Err(Error::unsupported("pi", "labels, for the gradient of a step", "weights"));
        }
        let gradient = ascent_step_vjp(&x.matrix("z")?, &membership(x)?, &Self::step(x)?, &y.matrix("y")?)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        Ok(Values::new().with("z", gradient.z).with("eta", gradient.eta).with(name, eps))
    }
    fn adjust(case: Case) -> Case {
        let mut case = one_membership(case);
        if let Ok(z) = case.inputs.matrix("z") {
            if case.inputs.remove("pi").is_some() {
                case.inputs.set("labels", Tensor { shape: vec![z.rows()], data: (0..z.rows()).map(|i| (i % 3) as i64).collect() });
            }
            // A sample of length 0 has no nearest unit vector.
            let one = |i: usize| z.row(i).iter().all(|x| *x == Ball::ZERO);
            case.inputs.set("z", Matrix::from_fn(z.rows(), z.cols(), |i, j| if one(i) { Ball::exact(0.25) } else { z[(i, j)] }));
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_ascent_step/rotation", "the step commutes with rotations of the features", |f, case| {
                let plain = f.eval(case)?.matrix("y")?;
                let turned = f.eval(&rotated(case)?)?.matrix("y")?;
                Ok(Some(Sides::all(turned.into_data(), plain.matmul(&rotation(plain.cols()))?.into_data())))
            }),
            Law::at_most(
                "rate_ascent_step/never_loses",
                "from unit rows, (1/(2η) − 9α/16)‖Z⁺ − Z‖² ≤ ΔR(Z⁺) − ΔR(Z), whatever η",
                |f, case| {
                    let labels = membership_of(case)?;
                    let (z, _) = optimum::feasible(&case.inputs.matrix("z")?, Constraint::Rows, &labels)?;
                    let from = case.clone().word("constraint", "rows").input("z", z.clone());
                    let to = f.eval(&from)?.matrix("y")?;
                    let distortion = Distortion::Eps2(super::moves::eps2(case));
                    let gain = reduction::rate_reduction(&to, &labels, distortion)? - reduction::rate_reduction(&z, &labels, distortion)?;
                    let eta = Ball::exact(case.number("eta").unwrap_or(1.0));
                    let factor = (eta * Ball::exact(2.0)).recip() - alpha(case)? * Ball::exact(0.5625);
                    Ok(Some(Sides::of(factor * to.sub(&z)?.frobenius_squared(), gain)))
                },
            ),
            Law::equal("rate_ascent_step/lengths", "the rows, or the classes, have the lengths the constraint asks for", |f, case| {
                let y = f.eval(&case.clone().word("constraint", "rows"))?.matrix("y")?;
                let norms: Vec<Ball> = (0..y.rows()).map(|i| <Ball as Bulk>::dot(y.row(i), y.row(i))).collect();
                Ok(Some(Sides::all(norms.clone(), vec![Ball::ONE; norms.len()])))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |z: Matrix<Ball>, labels: &[i64]| {
            Case::new(Values::new().with("z", z).with("labels", Tensor { shape: vec![labels.len()], data: labels.to_vec() }))
                .set("eps2", 0.5)
                .set("eta", 0.5)
        };
        let y = |m: Matrix<Ball>| Values::new().with("y", m);
        let orthogonal = Matrix::from_rows(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
        vec![
            Closed::new("orthogonal unit rows, each its own class: a fixed point", case(orthogonal.clone(), &[0, 1]), y(orthogonal)),
            Closed::new("one class: no gradient, the projection alone", case(Matrix::from_rows(&[[3.0, 4.0]]), &[0]), {
                let fifth = Ball::exact(5.0).recip();
                y(Matrix::from_rows(&[[3.0, 4.0]]).scale(fifth))
            }),
        ]
    }
}

fn membership_of(case: &Case) -> Result<reduction::Membership<Ball>> {
    reduction::Membership::from_labels(case.inputs.int("labels")?.data.iter().map(|&l| l as usize).collect())
}
/// `mixture_rates`.
pub struct MixtureRates;

impl MixtureRates {
    fn question<S: Scalar>(x: &Args<S>) -> Result<(Vec<S>, Vec<Matrix<S>>, Distortion<S>)> {
        Ok((x.vector("weights")?.to_vec(), x.matrices("factors")?, Distortion::Eps2(x.eps2()?)))
    }
}

impl Operator for MixtureRates {
    const SPEC: Spec = Spec {
        name: "mixture_rates",
        room: "reduction",
        purpose: "R, R^c and ΔR of a population: a mixture of Gaussians on subspaces",
        definition: "Σ_k = F_kᵀF_k; R = ½ log det(I + (d/ε²) Σ γ_k Σ_k), R^c = Σ γ_k ½ log det(I + (d/ε²) Σ_k), ΔR = R − R^c",
        source: "Ma, Derksen, Hong, Wright, TPAMI 2007; Yu, Chan, You, Song, Ma, NeurIPS 2020",
        inputs: &[
            Port::of(Domain::Simplex, "weights", "k", "γ_k, with sum 1"),
            Port::real("factors", "k r d", "F_k: rows √λ_j u_j; a mean is one more row"),
        ],
        outputs: &[Port::real("rate", "", "R"), Port::real("conditional", "", "R^c"), Port::real("reduction", "", "ΔR ≥ 0")],
        distortion: true,
        divergences: &["A covariance about the mean in place of the second moment about 0: a smaller rate, equal only for mean 0"],
        couples: "all components",
        cost: "(K r)²d + K r²d flops on the smaller sides",
        flops: |s| s("k") * s("k") * s("r") * s("r") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (weights, factors, distortion) = Self::question(x)?;
        let r = reduction::mixture_rates(&weights, &factors, distortion)?;
        Ok(Values::new().with("rate", r.rate).with("conditional", r.conditional).with("reduction", r.reduction))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (weights, factors, distortion) = Self::question(x)?;
        let bar = |name| Ok::<_, Error>(cotangent(y, name, 1, 1)?.data()[0]);
        let bar = Rates { rate: bar("rate")?, conditional: bar("conditional")?, reduction: bar("reduction")? };
        let gradient = reduction::mixture_rates_vjp(&weights, &factors, distortion, &bar)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        let shape = x.tensor("factors")?.shape.clone();
        let factors = Tensor::new(shape, gradient.factors.into_iter().flat_map(Matrix::into_data).collect())?;
        Ok(Values::new().with("weights", gradient.weights).with("factors", factors).with(name, eps))
    }
    fn adjust(mut case: Case) -> Case {
        // Every component takes part: the root of a weight of 0 has no derivative.
        if let Ok(k) = case.inputs.real("weights").map(|w| w.data.len()) {
            let mut left = 1.0;
            let mut weights: Vec<Ball> = (1..k)
                .map(|_| {
                    left *= 0.5;
                    Ball::exact(left)
                })
                .collect();
            weights.push(Ball::exact(left));
            case.inputs.set("weights", weights);
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("mixture_rates/order", "0 ≤ ΔR ≤ R", |f, case| {
                let out = f.eval(case)?;
                let (reduction, rate) = (out.scalar("reduction")?, out.scalar("rate")?);
                Ok(Some(Sides::all([Ball::ZERO, reduction], [reduction, rate])))
            }),
            Law::equal("mixture_rates/samples", "samples whose second moments are Σ_k exactly have the same R^c", |f, case| {
                let (out, tensor) = (f.eval(case)?, case.inputs.real("factors")?);
                let [k, r, d] = tensor.shape[..] else { return Ok(None) };
                let weights = case.inputs.real("weights")?.data.clone();
                // Component k as r samples √r F_k, each of weight γ_k·n/r in class k, n = k r: n_k/n = γ_k and S_k = F_kᵀF_k. R^c then is that of the mixture.
                let z = Matrix::new(k * r, d, tensor.data.clone())?.scale(Ball::exact(r as f64).sqrt());
                let pi = Matrix::from_fn(k * r, k, |i, c| if i / r == c { weights[c] * Ball::exact(k as f64) } else { Ball::ZERO });
                let membership = reduction::Membership::unnormalised(pi)?;
                let sampled = reduction::conditional_rate(&z, &membership, Distortion::Eps2(super::moves::eps2(case)))?;
                Ok(Some(Sides::of(out.scalar("conditional")?, sampled)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |weights: &[f64], factors: Tensor<Ball>| {
            Case::new(Values::new().with("weights", weights.iter().map(|&w| Ball::exact(w)).collect::<Vec<_>>()).with("factors", factors))
                .set("eps2", 0.5)
        };
        let tensor = |shape: &[usize], data: &[f64]| Tensor { shape: shape.to_vec(), data: data.iter().map(|&x| Ball::exact(x)).collect() };
        let (half, ln) = (Ball::exact(0.5), |x: f64| Ball::exact(x).ln());
        vec![
            Closed::new(
                "two unit lines at right angles in R², ε² = ½: R = ln 3, R^c = ½ ln 5",
                case(&[0.5, 0.5], tensor(&[2, 1, 2], &[1.0, 0.0, 0.0, 1.0])),
                Values::new().with("rate", ln(3.0)).with("conditional", half * ln(5.0)).with("reduction", ln(3.0) - half * ln(5.0)),
            ),
            Closed::new(
                "one component: ΔR = 0",
                case(&[1.0], tensor(&[1, 2, 2], &[1.0, 2.0, 0.0, 1.0])),
                Values::new().with("reduction", Ball::ZERO),
            ),
        ]
    }
}
