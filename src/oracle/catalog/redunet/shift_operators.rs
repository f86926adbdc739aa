//! `shift_operators` and `shift_operators_2d`.

use super::signals::{LABELS, axes, compact, dense, eps2, first_moved, labels, orbit, plan, rows, signals, small};
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Port, Preset, Sides, Spec, Tensor, Values};
use crate::reduction::{ClassScale, Membership, RateOperators};
use crate::redunet::Shifts;
use crate::scalar::{Ball, Scalar};

/// `shift_operators` for `D = 1`, `shift_operators_2d` for `D = 2`.
pub struct ShiftOperators<const D: usize>;

/// The operators of all frequencies: E, then each `C_k`, each as one matrix a block.
fn sets<S: Scalar>(blocks: &[RateOperators<S>]) -> Vec<Vec<&Matrix<S>>> {
    let classes = blocks.first().map_or(0, |b| b.c.len());
    let e = blocks.iter().map(|b| &b.e).collect();
    std::iter::once(e).chain((0..classes).map(|k| blocks.iter().map(|b| &b.c[k]).collect())).collect()
}
fn read<S: Scalar>(y: &Values<S>, name: &str, from: usize, count: usize) -> Result<Vec<S>> {
    match y.get(name) {
        Some(_) => Ok(y.real(name)?.data[from..from + count].to_vec()),
        None => Ok(vec![S::ZERO; count]),
    }
}

impl<const D: usize> Operator for ShiftOperators<D> {
    const SPEC: Spec = Spec {
        name: if D == 1 { "shift_operators" } else { "shift_operators_2d" },
        room: "redunet",
        purpose: "the operators of a shift-invariant ReduNet layer: those of all circular shifts, as convolution kernels and as C × C matrices a frequency",
        definition: "Ê(p) = α(I + α Σ_i v̂_i(p) v̂_i(p)ᴴ)⁻¹, Ĉ_k(p) the same over class k with α_k; α = C/(nε²), α_k = C/(n_kε²), γ_k = n_k/n; v̂ the unnormalised DFT of each channel. The kernels e, c are their inverse DFT: (e ⊛ v)[a](t) = Σ_b Σ_s e[a, b](t − s) v[b](s)",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, §4, Theorem 4.1 and Algorithm 2",
        inputs: &[
            if D == 1 {
                Port::real("v", "n c t", "signals: sample, channel, time")
            } else {
                Port::real("v", "n c h w", "images: sample, channel, row, column")
            },
            LABELS,
        ],
        outputs: if D == 1 {
            &[
                Port::real("e", "c c t", "the kernels of E"),
                Port::real("c", "k c c t", "the kernels of C_1 … C_K"),
                Port::real("e_re", "t c c", "the real part of Ê(p)"),
                Port::real("e_im", "t c c", "its imaginary part"),
                Port::real("c_re", "k t c c", "the real part of Ĉ_k(p)"),
                Port::real("c_im", "k t c c", "its imaginary part"),
                Port::real("gamma", "k", "n_k/n"),
            ]
        } else {
            &[
                Port::real("e", "c c h w", "the kernels of E"),
                Port::real("c", "k c c h w", "the kernels of C_1 … C_K"),
                Port::real("e_re", "h w c c", "the real part of Ê(p, q)"),
                Port::real("e_im", "h w c c", "its imaginary part"),
                Port::real("c_re", "k h w c c", "the real part of Ĉ_k(p, q)"),
                Port::real("c_im", "k h w c c", "its imaginary part"),
                Port::real("gamma", "k", "n_k/n"),
            ]
        },
        distortion: true,
        presets: &[Preset {
            name: "redunet-repo",
            doc: "fourier1d.py, fourier2d.py: orthonormal DFT with α unchanged, T times these operators at Tε²; its eps is ε². With η and λ its layers are ours at (Tε², Tη, Tλ)",
            eps_means_eps2: true,
        }],
        divergences: &[
            "ReduNet code: norm='ortho' with α = C/(m·eps); the factor T has to be put into ε², η and λ to get these operators",
            "The monograph writes α = d/(Nε²) beside several channels; for all shifts of C channels it is C/(Nε²)",
            "The monograph prints x(i + d − j mod d) where circular convolution has z(i − j mod d)",
            "The code contracts with the conjugate of the weight on its first index; the same, because Ê(p) is Hermitian",
        ],
        couples: "all signals",
        cost: "n·C·T·log T + T·(n·C² + (K+1)·(7/3)·C³) flops, where the dense operators take T² as much",
        flops: |s| {
            let t = if D == 1 { s("t") } else { s("h") * s("w") };
            t * s("n") * s("c") * s("c") * 2.0
        },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (v, shape) = signals(x, "v")?;
        let plan = plan(shape, x.preset())?;
        let members = Membership::from_labels(x.labels("labels")?)?;
        let blocks = plan.operators(&plan.spectrum(&v)?, &members, Distortion::Eps2(x.eps2()?), ClassScale::Samples)?;
        let (c, mut out) = (shape[0], [const { Vec::new() }; 3]);
        for set in sets(&blocks) {
            let (re, im) = plan.complex(set.iter().copied());
            out[0].push(plan.kernels(set.iter().copied())?);
            out[1].push(re);
            out[2].push(im);
        }
        let (k, channels) = (out[0].len() - 1, [c, c]);
        let mut values = Values::new();
        for (part, (first, other)) in out.into_iter().zip([("e", "c"), ("e_re", "c_re"), ("e_im", "c_im")]) {
            let one =
                if first == "e" { axes(shape, D, &channels) } else { axes(shape, D, &[])[..].iter().copied().chain(channels).collect() };
            let mut each = part.into_iter();
            values.set(first, Tensor::new(one.clone(), each.next().unwrap_or_default())?);
            values.set(other, Tensor::new([&[k][..], &one].concat(), each.flatten().collect())?);
        }
        Ok(values.with("gamma", blocks[0].gamma.clone()))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (v, shape) = signals(x, "v")?;
        let plan: Shifts<S> = plan(shape, x.preset())?;
        let (members, distortion) = (Membership::from_labels(x.labels("labels")?)?, Distortion::Eps2(x.eps2()?));
        let (k, size) = (members.class_count(), shape[0] * shape[0] * shape[1] * shape[2]);
        // For E and each C_k the cotangents of kernels and complex matrices, brought to the blocks and added.
        let of = |names: [&str; 3], from: usize| -> Result<Vec<Matrix<S>>> {
            let by_kernel = plan.kernels_vjp(&read(y, names[0], from, size)?)?;
            let by_matrix = plan.complex_vjp(&read(y, names[1], from, size)?, &read(y, names[2], from, size)?);
            by_kernel.iter().zip(&by_matrix).map(|(a, b)| a.add(b)).collect()
        };
        let e = of(["e", "e_re", "e_im"], 0)?;
        let c = (0..k).map(|l| of(["c", "c_re", "c_im"], l * size)).collect::<Result<Vec<_>>>()?;
        let bars: Vec<RateOperators<S>> = e
            .into_iter()
            .enumerate()
            .map(|(b, e)| RateOperators { e, c: c.iter().map(|c| c[b].clone()).collect(), gamma: vec![S::ZERO; k] })
            .collect();
        let g = plan.operators_vjp(&plan.spectrum(&v)?, &members, distortion, ClassScale::Samples, &bars)?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let v_bar = Tensor::new(x.tensor("v")?.shape.clone(), plan.signals(&g.z)?.into_data())?;
        Ok(Values::new().with("v", v_bar).with(name, eps))
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        small(size, rng)
    }
    fn adjust(case: Case) -> Case {
        compact(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                if D == 1 { "shift_operators/dense" } else { "shift_operators_2d/dense" },
                "the block-circulant matrices of the kernels are the operators of all shifts as plain samples",
                |f, case| {
                    let (v, shape) = rows(case.inputs.real("v")?)?;
                    let t = Ball::exact((shape[1] * shape[2]) as f64);
                    let (eps2, by) = if case.preset.is_some() { (eps2(case) * t, t) } else { (eps2(case), Ball::ONE) };
                    let (all, members) = orbit(&v, shape, &labels(case)?)?;
                    let plain = RateOperators::new(&all, &members, Distortion::Eps2(eps2), ClassScale::Samples)?;
                    let out = f.eval(case)?;
                    let (e, c) = (out.real("e")?, out.real("c")?);
                    let mut left = dense(&e.data, shape).into_data();
                    let mut right = plain.e.scale(by).into_data();
                    for (kernels, matrix) in c.data.chunks(e.data.len()).zip(plain.c) {
                        left.extend(dense(kernels, shape).into_data());
                        right.extend(matrix.scale(by).into_data());
                    }
                    Ok(Some(Sides::all(left, right)))
                },
            ),
            Law::equal(
                if D == 1 { "shift_operators/shift" } else { "shift_operators_2d/shift" },
                "moving one of the signals changes nothing",
                |f, case| {
                    let both = |o: Values<Ball>| Ok::<_, crate::Error>([o.real("e")?.data.clone(), o.real("c")?.data.clone()].concat());
                    Ok(Some(Sides::all(both(f.eval(&first_moved(case)?)?)?, both(f.eval(case)?)?)))
                },
            ),
            Law::equal(
                if D == 1 { "shift_operators/hermitian" } else { "shift_operators_2d/hermitian" },
                "Ê(p) equals its conjugate transpose",
                |f, case| {
                    let out = f.eval(case)?;
                    let (re, im) = (&out.real("e_re")?.data, &out.real("e_im")?.data);
                    let c = rows(case.inputs.real("v")?)?.1[0];
                    let flipped = |x: &[Ball], sign: Ball| -> Vec<Ball> {
                        (0..x.len()).map(|i| x[i / (c * c) * c * c + i % c * c + i / c % c] * sign).collect()
                    };
                    Ok(Some(Sides::all([re.clone(), im.clone()].concat(), [flipped(re, Ball::ONE), flipped(im, -Ball::ONE)].concat())))
                },
            ),
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
        let spread = |shape: &[usize], data: Vec<Ball>| {
            let shape = if D == 1 { shape.to_vec() } else { std::iter::once(1).chain(shape.iter().copied()).collect() };
            Tensor { shape, data }
        };
        let over = |x: f64, by: f64| Ball::exact(x) / Ball::exact(by);
        let root = Ball::exact(12.0).sqrt() / Ball::exact(77.0);
        let re = [(14.0, 41.0), (-15.0, 41.0), (-15.0, 41.0), (19.0, 41.0)];
        let later = [(14.0, 77.0), (-3.0, 77.0), (-3.0, 77.0), (7.0, 77.0)];
        let re = [re, later, later].concat().into_iter().map(|(x, by)| over(x, by)).collect();
        let (o, zero) = (root, Ball::ZERO);
        let im = [[zero; 4], [zero, -o, o, zero], [zero, o, -o, zero]].concat();
        // E = α/(1 + αn) I for impulses: α = 2 and n = 2 at ε² = 1/4.
        let mut kernel = vec![Ball::ZERO; 5];
        kernel[0] = over(2.0, 5.0);
        let impulse = |at: usize| (0..5).map(move |t| if t == at { 1.0 } else { 0.0 });
        let impulses: Vec<f64> = impulse(1).chain(impulse(3)).collect();
        vec![
            Closed::new(
                "two signals, two channels, T = 3",
                case([2, 2, 3], &two, &[0, 0], 1.0),
                Values::new().with("e_re", spread(&[3, 2, 2], re)).with("e_im", spread(&[3, 2, 2], im)).with("gamma", vec![Ball::ONE]),
            ),
            Closed::new("two impulses: E = α/(1 + 2α) I", case([2, 1, 5], &impulses, &[0, 1], 0.25), {
                let axes = if D == 1 { vec![1, 1, 5] } else { vec![1, 1, 1, 5] };
                Values::new().with("e", Tensor { shape: axes, data: kernel }).with("gamma", vec![Ball::exact(0.5); 2])
            }),
        ]
    }
}
