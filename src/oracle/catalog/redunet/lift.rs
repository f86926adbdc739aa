//! `lift` and `lift_2d`.

use super::signals::{all_moved, axes, moved, rows, signals, small};
use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Tolerance, Values};
use crate::redunet::{Activation, Lift, Orientation};
use crate::scalar::{Ball, Scalar};

/// `lift` for `D = 1`, `lift_2d` for `D = 2`.
pub struct Lifting<const D: usize>;

fn parts<S: Scalar>(x: &Args<S>) -> Result<(Matrix<S>, Lift<S>)> {
    let (signals, signal) = signals(x, "x")?;
    let (kernels, [_, a, b]) = rows(x.tensor("kernels")?)?;
    let activation = match x.word("nonlinearity")? {
        "none" => Activation::Identity,
        "relu" => Activation::Relu,
        _ => Activation::SoftThreshold(x.param("threshold")?),
    };
    let orientation = if x.preset() == "redunet-repo" { Orientation::Correlation } else { Orientation::Convolution };
    Ok((signals, Lift { kernels, signal, extent: [a, b], stride: [1, 1], orientation, activation }))
}

impl<const D: usize> Operator for Lifting<D> {
    const SPEC: Spec = Spec {
        name: if D == 1 { "lift" } else { "lift_2d" },
        room: "redunet",
        purpose: "a bank of short kernels and a nonlinearity: signals of few channels become signals of many",
        definition: "y[o](t) = f(Σ_i Σ_s k[o, i](s) x[i](t − s)), indices modulo the size; f = max(·, 0), soft threshold or nothing",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, §4.3",
        inputs: if D == 1 {
            &[
                Port::real("x", "n i t", "signals: sample, channel, time"),
                Port::real("kernels", "o i a", "kernels, one row of channels for each output"),
            ]
        } else {
            &[
                Port::real("x", "n i h w", "images: sample, channel, row, column"),
                Port::real("kernels", "o i a b", "kernels, one row of channels for each output"),
            ]
        },
        outputs: if D == 1 { &[Port::real("y", "n o t", "lifted signals")] } else { &[Port::real("y", "n o h w", "lifted images")] },
        params: &[
            Param {
                name: "nonlinearity",
                domain: Range::Word(&["relu", "soft", "none"]),
                default: Some(0.0),
                samples: &[0.0, 1.0, 2.0],
                doc: "f: max(·, 0), soft threshold, or nothing",
            },
            Param {
                name: "threshold",
                domain: Range::NonNegative,
                default: Some(0.0),
                samples: &[0.125, 0.5],
                doc: "τ of the soft threshold",
            },
        ],
        presets: &[Preset {
            name: "redunet-repo",
            doc: "Lift1D, Lift2D: x(t + s) in place of x(t − s), that is, correlation; kernels drawn from N(0, 1)",
            eps_means_eps2: false,
        }],
        divergences: &[
            "The code pads on the right only and correlates; the monograph convolves: reverse the kernel, and move by its length less 1",
            "The code's circular padding needs kernels of at most T + 1; here longer ones wrap around",
            "Without a nonlinearity all classes stay in one T-dimensional space: lifting alone separates nothing",
        ],
        couples: "channels and places of one signal",
        cost: "2·n·O·I·a·T flops",
        flops: |s| {
            let (t, a) = if D == 1 { (s("t"), s("a")) } else { (s("h") * s("w"), s("a") * s("b")) };
            2.0 * s("n") * s("o") * s("i") * a * t
        },
        tolerance: Tolerance { value: 1.0, gradient: 1.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (v, lift) = parts(x)?;
        let shape = [lift.kernels.rows(), lift.signal[1], lift.signal[2]];
        let y = lift.forward(&v)?;
        Ok(Values::new().with("y", Tensor::new(axes(shape, D, &[v.rows(), shape[0]]), y.into_data())?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (v, lift) = parts(x)?;
        let y = y.real("y")?;
        let g = lift.backward(&v, &Matrix::new(v.rows(), y.data.len() / v.rows().max(1), y.data.clone())?)?;
        let signals = Tensor::new(x.tensor("x")?.shape.clone(), g.x.into_data())?;
        let kernels = Tensor::new(x.tensor("kernels")?.shape.clone(), g.kernels.into_data())?;
        Ok(Values::new().with("x", signals).with("kernels", kernels).with("threshold", g.threshold))
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        let mut out = small(size, rng);
        out.retain(|(name, _)| ["n", "t", "h", "w"].contains(name));
        out
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                if D == 1 { "lift/equivariant" } else { "lift_2d/equivariant" },
                "shifted signals give shifted results",
                |f, case| {
                    let left = f.eval(&all_moved(case, "x")?)?.real("y")?.data.clone();
                    Ok(Some(Sides::all(left, moved(f.eval(case)?.real("y")?)?.data)))
                },
            ),
            Law::equal(
                if D == 1 { "lift/scale" } else { "lift_2d/scale" },
                "kernels and threshold times 2: the result times 2",
                |f, case| {
                    let twice = case.clone().input("kernels", case.inputs.real("kernels")?.map(|x| x * Ball::exact(2.0)));
                    let twice = twice.set("threshold", case.number("threshold").unwrap_or(0.0) * 2.0);
                    let right = f.eval(case)?.real("y")?.map(|x| x * Ball::exact(2.0)).data;
                    Ok(Some(Sides::all(f.eval(&twice)?.real("y")?.data.clone(), right)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let axes = |a: &[usize], t: usize| if D == 1 { [a, &[t]].concat() } else { [a, &[1, t]].concat() };
        let tensor = |shape: Vec<usize>, x: &[f64]| Tensor { shape, data: x.iter().map(|&x| Ball::exact(x)).collect() };
        let case = |word: &str| {
            let inputs = Values::new()
                .with("x", tensor(axes(&[1, 1], 4), &[1.0, 2.0, -3.0, 5.0]))
                .with("kernels", tensor(axes(&[1, 1], 2), &[1.0, -1.0]));
            Case::new(inputs).word("nonlinearity", word).set("threshold", 2.0)
        };
        let y = |x: &[f64]| Values::new().with("y", tensor(axes(&[1, 1], 4), x));
        vec![
            Closed::new("differences backward", case("none"), y(&[-4.0, 1.0, -5.0, 8.0])),
            Closed::new("their positive part", case("relu"), y(&[0.0, 1.0, 0.0, 8.0])),
            Closed::new("beyond the threshold 2", case("soft"), y(&[-2.0, 0.0, -3.0, 6.0])),
            Closed::new("differences forward, as the code takes them", case("none").preset("redunet-repo"), y(&[-1.0, 5.0, -8.0, 4.0])),
        ]
    }
}
