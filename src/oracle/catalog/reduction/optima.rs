//! `rate_reduction_optimum` and `regularised_optimum`.

use super::moves::eps2;
use super::profile::GLOBAL_ANALYSIS;
use crate::Result;
use crate::coding::Distortion;
use crate::oracle::{
    Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Tolerance, Values, cotangent, digits,
};
use crate::reduction::optimum;
use crate::scalar::{Ball, Scalar};

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
        tolerance: Tolerance { value: 8.0, gradient: 4.0 },
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
                    let ratio = Ball::exact(case.number("d").unwrap_or(1.0)) / eps2(case);
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
        tolerance: Tolerance { value: 8.0, gradient: 4.0 },
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
