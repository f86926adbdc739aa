//! `shift_rate` and `shift_rate_2d`.

use super::signals::{LABELS, eps2, first_moved, labels, orbit, plan, rows, signals, small};
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::oracle::{Args, Case, Closed, Law, Operator, Port, Preset, Sides, Spec, Tensor, Values};
use crate::reduction::{Membership, RateReduction};
use crate::redunet::ShiftRates;
use crate::scalar::{Ball, Scalar};

/// `shift_rate` for `D = 1`, `shift_rate_2d` for `D = 2`.
pub struct ShiftRate<const D: usize>;

impl<const D: usize> Operator for ShiftRate<D> {
    const SPEC: Spec = Spec {
        name: if D == 1 { "shift_rate" } else { "shift_rate_2d" },
        room: "redunet",
        purpose: "the rates of signals together with all their circular shifts, divided by the number of shifts",
        definition: "R = (1/T) Σ_p ½ log det(I + α Σ_i v̂_i(p) v̂_i(p)ᴴ), α = C/(nε²), v̂ the DFT of each of the C channels (unnormalised; T = H·W in two dimensions); R^c the same a class, with n_k for n, weighted by n_k/n; ΔR = R − R^c. T times R is the rate of the n·T shifts as samples of C·T numbers",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, §4, eq. 34–41",
        inputs: &[
            if D == 1 {
                Port::real("v", "n c t", "signals: sample, channel, time")
            } else {
                Port::real("v", "n c h w", "images: sample, channel, row, column")
            },
            LABELS,
        ],
        outputs: &[Port::real("rate", "", "R"), Port::real("conditional", "", "R^c"), Port::real("reduction", "", "ΔR")],
        distortion: true,
        presets: &[Preset {
            name: "redunet-repo",
            doc: "fourier1d.py, fourier2d.py: orthonormal DFT with α unchanged, which is this rate at Tε²; its eps is ε²",
            eps_means_eps2: true,
        }],
        divergences: &[
            "ReduNet code: norm='ortho' but α = C/(m·eps): its eps is our eps2 divided by T",
            "loss.py of the ReduNet code, one dimension: fails for more than one channel (labels of shape (m, 1) as a mask)",
        ],
        couples: "all signals; frequencies only through the sum",
        cost: "n·C·T·log T + T·(n·C² + (K+1)·C³/3) flops",
        flops: |s| {
            let t = if D == 1 { s("t") } else { s("h") * s("w") };
            t * s("n") * s("c") * s("c") * 2.0
        },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (v, shape) = signals(x, "v")?;
        let plan = plan(shape, x.preset())?;
        let r = plan.rates(&plan.spectrum(&v)?, &Membership::from_labels(x.labels("labels")?)?, Distortion::Eps2(x.eps2()?))?;
        Ok(Values::new().with("rate", r.rate).with("conditional", r.conditional).with("reduction", r.reduction))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (v, shape) = signals(x, "v")?;
        let plan = plan(shape, x.preset())?;
        let of = |name: &str| if y.get(name).is_some() { y.scalar(name) } else { Ok(S::ZERO) };
        let bar = ShiftRates { rate: of("rate")?, conditional: of("conditional")?, reduction: of("reduction")? };
        let members = Membership::from_labels(x.labels("labels")?)?;
        let g = plan.rates_vjp(&plan.spectrum(&v)?, &members, Distortion::Eps2(x.eps2()?), bar)?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let v_bar = Tensor::new(x.tensor("v")?.shape.clone(), plan.signals(&g.z)?.into_data())?;
        Ok(Values::new().with("v", v_bar).with(name, eps))
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        small(size, rng)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                if D == 1 { "shift_rate/dense" } else { "shift_rate_2d/dense" },
                "R, R^c and ΔR are those of all shifts as plain samples, divided by T",
                |f, case| {
                    let (v, shape) = rows(case.inputs.real("v")?)?;
                    let t = Ball::exact((shape[1] * shape[2]) as f64);
                    let eps2 = if case.preset.is_some() { eps2(case) * t } else { eps2(case) };
                    let (all, members) = orbit(&v, shape, &labels(case)?)?;
                    let (distortion, out) = (Distortion::Eps2(eps2), f.eval(case)?);
                    let rates = RateReduction::new(distortion);
                    let dense = [coding_rate(&all, distortion)?, rates.conditional(&all, &members)?, rates.value(&all, &members)?];
                    let own = [out.scalar("rate")?, out.scalar("conditional")?, out.scalar("reduction")?];
                    Ok(Some(Sides::all(own.map(|x| x * t), dense)))
                },
            ),
            Law::equal(
                if D == 1 { "shift_rate/shift" } else { "shift_rate_2d/shift" },
                "moving one of the signals changes nothing",
                |f, case| {
                    let (moved, plain) = (f.eval(&first_moved(case)?)?, f.eval(case)?);
                    let both = |o: &Values<Ball>| Ok::<_, crate::Error>([o.scalar("rate")?, o.scalar("conditional")?]);
                    Ok(Some(Sides::all(both(&moved)?, both(&plain)?)))
                },
            ),
            Law::at_most(if D == 1 { "shift_rate/order" } else { "shift_rate_2d/order" }, "0 ≤ ΔR ≤ R", |f, case| {
                let out = f.eval(case)?;
                let (rate, reduction) = (out.scalar("rate")?, out.scalar("reduction")?);
                Ok(Some(Sides::all([Ball::ZERO, reduction], [reduction, rate])))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |shape: [usize; 3], data: &[f64], labels: &[i64], eps2: f64| {
            let [n, c, t] = shape;
            let axes = if D == 1 { vec![n, c, t] } else { vec![n, c, 1, t] };
            let v = Tensor { shape: axes, data: data.iter().map(|&x| Ball::exact(x)).collect() };
            Case::new(Values::new().with("v", v).with("labels", Tensor { shape: vec![n], data: labels.to_vec() })).set("eps2", eps2)
        };
        let two = [1.0, 0.0, 2.0, 0.0, 1.0, 1.0, 2.0, 1.0, 0.0, 1.0, 3.0, -1.0];
        let log = |x: f64| Ball::exact(x).ln();
        let golden = (log(41.0) + Ball::exact(2.0) * log(77.0)) / Ball::exact(6.0);
        vec![
            // det(I + Σ v̂v̂ᴴ) is 41 at frequency 0 and 77 at the two others.
            Closed::new("two signals, two channels, T = 3: (ln 41 + 2 ln 77)/6", case([2, 2, 3], &two, &[0, 0], 1.0), {
                Values::new().with("rate", golden).with("conditional", golden).with("reduction", Ball::ZERO)
            }),
            Closed::new(
                "one impulse in the code's units: |v̂(p)|² = 1/4, R = ½ ln(1 + 1/(4·eps))",
                case([1, 1, 4], &[0.0, 1.0, 0.0, 0.0], &[0], 0.25).preset("redunet-repo"),
                Values::new().with("rate", log(2.0) * Ball::exact(0.5)),
            ),
            Closed::new(
                "one impulse: |v̂(p)| = 1 at every frequency, R = ½ ln(1 + 1/ε²)",
                case([1, 1, 5], &[0.0, 0.0, 1.0, 0.0, 0.0], &[0], 0.25),
                Values::new().with("rate", Ball::exact(5.0).ln() * Ball::exact(0.5)),
            ),
            Closed::new(
                "silence",
                case([2, 1, 6], &[0.0; 12], &[0, 1], 0.5),
                Values::new().with("rate", Ball::ZERO).with("conditional", Ball::ZERO).with("reduction", Ball::ZERO),
            ),
        ]
    }
}
