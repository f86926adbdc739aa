//! `rate_profile` and `tangent_point`.

use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Tolerance, Values, cotangent, digits};
use crate::reduction::optimum::Profile;
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

pub(super) const GLOBAL_ANALYSIS: &str =
    "Wang, Liu, Pai, Yu, Zhu, Qu, Ma, A Global Geometric Analysis of Maximal Coding Rate Reduction, ICML 2024";

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
        tolerance: Tolerance { value: 8.0, gradient: 0.5 },
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
