//! `shift_layer` and `shift_layer_2d`.

use super::layer::{ETA, LAMBDA};
use super::signals::{all_moved, dense, moved, plan, rows, signals, small};
use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Preset, Sides, Spec, Tensor, Tolerance, Values};
use crate::reduction::RateOperators;
use crate::redunet::{ReduLayer, Shifts};
use crate::scalar::{Ball, Scalar};

/// `shift_layer` for `D = 1`, `shift_layer_2d` for `D = 2`.
pub struct ShiftLayer<const D: usize>;

const GAMMA: Port = Port::of(Domain::Positive, "gamma", "k", "γ_k = n_k/n");
const Y: &str = "the signals after the layer, each of length 1 over all channels and places";

/// Signals in Fourier coordinates, the plan, and the layer that acts there.
fn parts<S: Scalar>(x: &Args<S>) -> Result<(Matrix<S>, Shifts<S>, ReduLayer<S>)> {
    let (v, shape) = signals(x, "v")?;
    let plan: Shifts<S> = plan(shape, "paper")?;
    let (c, size) = (x.tensor("c")?, x.tensor("e")?.data.len().max(1));
    let classes = c.data.chunks(size).map(|kernels| plan.blocks(kernels)).collect::<Result<Vec<_>>>()?;
    let gamma = x.vector("gamma")?.to_vec();
    let of = |(b, e): (usize, Matrix<S>)| RateOperators { e, c: classes.iter().map(|c| c[b].clone()).collect(), gamma: gamma.clone() };
    let blocks = plan.blocks(&x.tensor("e")?.data)?.into_iter().enumerate().map(of).collect();
    Ok((plan.spectrum(&v)?, plan, ReduLayer { blocks, eta: x.param("eta")?, lambda: x.param("lambda")? }))
}

impl<const D: usize> Operator for ShiftLayer<D> {
    const SPEC: Spec = Spec {
        name: if D == 1 { "shift_layer" } else { "shift_layer_2d" },
        room: "redunet",
        purpose: "one layer of the shift-invariant ReduNet: its operators are circular convolutions over all channels",
        definition: "y = u/‖u‖, u = v + η(e ⊛ v − Σ_k γ_k π_k c_k ⊛ v), π = softmax(−λ‖c_1 ⊛ v‖, …), lengths over all channels and places; (e ⊛ v)[a](t) = Σ_b Σ_s e[a, b](t − s) v[b](s), indices modulo the size; each signal by itself",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, §4, eq. 30 and 42",
        inputs: if D == 1 {
            &[
                Port::real("v", "n c t", "signals: sample, channel, time"),
                Port::real("e", "c c t", "the kernels of E, see shift_operators"),
                Port::real("c", "k c c t", "the kernels of C_1 … C_K"),
                GAMMA,
            ]
        } else {
            &[
                Port::real("v", "n c h w", "images: sample, channel, row, column"),
                Port::real("e", "c c h w", "the kernels of E, see shift_operators_2d"),
                Port::real("c", "k c c h w", "the kernels of C_1 … C_K"),
                GAMMA,
            ]
        },
        outputs: if D == 1 { &[Port::real("y", "n c t", Y)] } else { &[Port::real("y", "n c h w", Y)] },
        params: &[ETA, LAMBDA],
        presets: &[Preset {
            name: "redunet-repo",
            doc: "fourier1d.py, fourier2d.py on the operators of shift_operators under redunet-repo: the same formula; lengths clamped at 1e-8",
            eps_means_eps2: false,
        }],
        divergences: &[
            "The code multiplies in frequency and takes the real part of the inverse DFT at the end; the same for kernels that are real",
        ],
        couples: "channels and places of one signal; signals only where they share kernels",
        cost: "n·C·T·log T + 4(K+1)·n·T·C² flops",
        flops: |s| {
            let t = if D == 1 { s("t") } else { s("h") * s("w") };
            4.0 * (s("k") + 1.0) * s("n") * t * s("c") * s("c")
        },
        tolerance: Tolerance { value: 1.0, gradient: 1.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (z, plan, layer) = parts(x)?;
        let y = plan.signals(&layer.forward(&z)?.output)?;
        Ok(Values::new().with("y", Tensor::new(x.tensor("v")?.shape.clone(), y.into_data())?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, plan, layer) = parts(x)?;
        let y_bar = Matrix::new(z.rows(), z.cols(), y.real("y")?.data.clone())?;
        let g = layer.backward(&z, &layer.forward(&z)?, &plan.spectrum(&y_bar)?)?;
        let v = Tensor::new(x.tensor("v")?.shape.clone(), plan.signals(&g.z)?.into_data())?;
        let e = Tensor::new(x.tensor("e")?.shape.clone(), plan.blocks_vjp(g.blocks.iter().map(|b| &b.e))?)?;
        let of = |k: usize| plan.blocks_vjp(g.blocks.iter().map(|b| &b.c[k]));
        let c = (0..x.size("k")).map(of).collect::<Result<Vec<_>>>()?.concat();
        let out = Values::new().with("v", v).with("e", e).with("c", Tensor::new(x.tensor("c")?.shape.clone(), c)?);
        Ok(out.with("gamma", g.blocks[0].gamma.clone()).with("eta", g.eta).with("lambda", g.lambda))
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        small(size, rng)
    }
    fn adjust(mut case: Case) -> Case {
        // A signal of zeros has no direction.
        let Ok(t) = case.inputs.real("v") else { return case };
        let mut t = t.clone();
        let size = t.data.len() / t.shape[0].max(1);
        for signal in t.data.chunks_mut(size.max(1)) {
            if signal.iter().all(|x| *x == Ball::ZERO) {
                signal.fill(Ball::exact(0.25));
            }
        }
        case.inputs.set("v", t);
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                if D == 1 { "shift_layer/equivariant" } else { "shift_layer_2d/equivariant" },
                "shifted signals give shifted results",
                |f, case| {
                    let left = f.eval(&all_moved(case, "v")?)?.real("y")?.data.clone();
                    Ok(Some(Sides::all(left, moved(f.eval(case)?.real("y")?)?.data)))
                },
            ),
            Law::equal(
                if D == 1 { "shift_layer/dense" } else { "shift_layer_2d/dense" },
                "the plain layer with the block-circulant matrices of the kernels gives the same",
                |f, case| {
                    let (v, shape) = rows(case.inputs.real("v")?)?;
                    let (e, c) = (case.inputs.real("e")?, case.inputs.real("c")?);
                    let operators = RateOperators {
                        e: dense(&e.data, shape),
                        c: c.data.chunks(e.data.len()).map(|k| dense(k, shape)).collect(),
                        gamma: case.inputs.real("gamma")?.data.clone(),
                    };
                    let number = |name: &str, default: f64| Ball::exact(case.number(name).unwrap_or(default));
                    let plain = ReduLayer { blocks: vec![operators], eta: number("eta", 0.5), lambda: number("lambda", 500.0) };
                    Ok(Some(Sides::all(f.eval(case)?.real("y")?.data.clone(), plain.forward(&v)?.output.into_data())))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let axes = |a: &[usize], t: usize| if D == 1 { [a, &[t]].concat() } else { [a, &[1, t]].concat() };
        let tensor = |shape: Vec<usize>, x: &[f64]| Tensor { shape, data: x.iter().map(|&x| Ball::exact(x)).collect() };
        // E moves every signal one place on, C = 0, η = 1: (3, 0, 4) + (4, 3, 0) = (7, 3, 4), of length √74.
        let inputs = Values::new()
            .with("v", tensor(axes(&[1, 1], 3), &[3.0, 0.0, 4.0]))
            .with("e", tensor(axes(&[1, 1], 3), &[0.0, 1.0, 0.0]))
            .with("c", tensor(axes(&[1, 1, 1], 3), &[0.0; 3]))
            .with("gamma", vec![Ball::ONE]);
        let root = Ball::exact(74.0).sqrt();
        let y = tensor(axes(&[1, 1], 3), &[7.0, 3.0, 4.0]).map(|x| x / root);
        vec![Closed::new(
            "a signal and its shift: (7, 3, 4)/√74",
            Case::new(inputs).set("eta", 1.0).set("lambda", 2.0),
            Values::new().with("y", y),
        )]
    }
}
