//! `memorising_denoiser`.

use super::{NOISE, param};
use crate::Result;
use crate::denoise::{Memory, Noise, memorise, memorise_vjp};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Values, cotangent, digits};
use crate::scalar::{Ball, Scalar};

/// `memorising_denoiser`.
pub struct MemorisingDenoiser;

impl MemorisingDenoiser {
    fn run<S: Scalar>(x: &Args<S>) -> Result<(Noise<S>, Memory<S>)> {
        let noise = Noise::new(x.param("alpha")?, x.param("sigma")?)?;
        Ok((noise, memorise(&x.matrix("data")?, x.vector("weights")?, noise, &x.matrix("x")?)?))
    }
}

impl Operator for MemorisingDenoiser {
    const SPEC: Spec = Spec {
        name: "memorising_denoiser",
        room: "denoise",
        purpose: "the exact denoiser of a finite data set: softmax attention to its rows",
        definition: "w = softmax_i(log π_i − ‖x_t − αX_i‖²/(2σ²)), x̄ = Σ w_i X_i; log p_t of Σ π_i N(αX_i, σ²I)",
        source: "Buchanan, Pai, Wang, Ma, Learning Deep Representations of Data Distributions, 2025, chapter 3 (memorisation); Nadaraya, Theory Probab. Appl. 1964, and Watson, Sankhyā 1964, for the form",
        inputs: &[
            Port::real("x", "n d", "x_t, one query a row"),
            Port::real("data", "m d", "X, what is remembered"),
            Port::of(Domain::Simplex, "weights", "m", "π, with sum 1; gradients as if each were free"),
        ],
        outputs: &[Port::real("denoised", "n d", "x̄, in the convex hull of the data"), Port::real("log_density", "n", "log p_t in nats")],
        params: &NOISE,
        divergences: &[
            "without ‖X_i‖² in the logits: dot-product attention; the same weights only for rows of equal length",
            "without the ½: the weights of noise σ/√2",
        ],
        couples: "columns of x and data, rows of data; rows of x are separate queries",
        cost: "5 n m d flops, n m exponentials",
        flops: |s| 5.0 * s("n") * s("m") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let memory = Self::run(x)?.1;
        Ok(Values::new().with("denoised", memory.denoised).with("log_density", memory.log_density))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let ((noise, memory), query) = (Self::run(x)?, x.matrix("x")?);
        let [n, d] = query.shape();
        let (v, l) = (cotangent(y, "denoised", n, d)?, cotangent(y, "log_density", 1, n)?);
        let g = memorise_vjp(&x.matrix("data")?, noise, &query, &memory, &v, l.data())?;
        Ok(Values::new()
            .with("x", g.x)
            .with("data", g.data)
            .with("weights", g.weights)
            .with("alpha", g.noise.alpha)
            .with("sigma", g.noise.sigma))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("memorising_denoiser/tweedie", "αx̄ = x_t + σ² ∂ log p_t/∂x_t", |f, case| {
                let x = case.inputs.matrix("x")?;
                let score = f.vjp(case, &Values::new().with("log_density", vec![Ball::ONE; x.rows()]))?.matrix("x")?;
                let right = x.add(&score.scale(param(case, "sigma").square()))?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("denoised")?.scale(param(case, "alpha")).into_data(), right.into_data())))
            }),
            Law::at_most(
                "memorising_denoiser/convex_hull",
                "each column of x̄ lies between the least and the greatest of the data's",
                |f, case| {
                    let (data, y) = (case.inputs.matrix("data")?, f.eval(case)?.matrix("denoised")?);
                    let end = |j: usize, sign: f64| {
                        data.col(j).into_iter().reduce(|a, b| if sign * b.value() > sign * a.value() { b } else { a })
                    };
                    let (mut left, mut right) = (Vec::new(), Vec::new());
                    for i in 0..y.rows() {
                        for j in 0..y.cols() {
                            left.extend([end(j, -1.0).unwrap_or_default(), y[(i, j)]]);
                            right.extend([y[(i, j)], end(j, 1.0).unwrap_or_default()]);
                        }
                    }
                    Ok(Some(Sides::all(left, right)))
                },
            ),
            Law::equal("memorising_denoiser/duplication", "remembering every row twice changes nothing", |f, case| {
                let (data, weights) = (case.inputs.matrix("data")?, case.inputs.real("weights")?.data.clone());
                let twice = Matrix::from_fn(2 * data.rows(), data.cols(), |i, j| data[(i / 2, j)]);
                let halves: Vec<Ball> = (0..2 * weights.len()).map(|i| weights[i / 2] * Ball::exact(0.5)).collect();
                let other = f.eval(&case.clone().input("data", twice).input("weights", halves))?;
                Ok(Some(Sides::all(f.eval(case)?.real("log_density")?.data.clone(), other.real("log_density")?.data.clone())))
            }),
            Law::equal("memorising_denoiser/scale", "αX at signal 1 is X at signal α, apart from the size of x̄", |f, case| {
                let alpha = param(case, "alpha");
                let scaled = case.clone().input("data", case.inputs.matrix("data")?.scale(alpha)).set("alpha", 1.0);
                let left = f.eval(case)?.matrix("denoised")?.scale(alpha);
                Ok(Some(Sides::all(left.into_data(), f.eval(&scaled)?.matrix("denoised")?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let column = |x: &[f64]| Matrix::from_fn(x.len(), 1, |i, _| Ball::exact(x[i]));
        let case = |x: &[f64], data: &[f64], weights: &[f64], sigma: f64| {
            let weights: Vec<Ball> = weights.iter().map(|&w| Ball::exact(w)).collect();
            Case::new(Values::new().with("x", column(x)).with("data", column(data)).with("weights", weights)).set("sigma", sigma)
        };
        vec![
            Closed::new(
                "±1 with noise ½: tanh 2 at ½, 0 at 0",
                case(&[0.5, 0.0], &[1.0, -1.0], &[0.5, 0.5], 0.5),
                Values::new().with("denoised", Matrix::new(2, 1, vec![digits("0.9640275800758168839"), Ball::ZERO]).unwrap_or_default()),
            ),
            Closed::new("one row: always it", case(&[5.0], &[0.75], &[1.0], 0.5), Values::new().with("denoised", column(&[0.75]))),
        ]
    }
}
