//! The objective.

use super::{TOLERANCE, U, Z, constant, eps2, exact, example, heads_reversed, jointly_rotated, matrices, other_bases, stack};
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Setting, Sides, Spec, Values, digits};
use crate::scalar::{Ball, Scalar};
use crate::transformer::{
    Sparsity, sparse_rate_reduction, sparsity_gradient, sparsity_norm, subspace_coding_rate, subspace_coding_rate_gradient,
};

/// `subspace_coding_rate`.
pub struct SubspaceCodingRate;

impl Operator for SubspaceCodingRate {
    const SPEC: Spec = Spec {
        name: "subspace_coding_rate",
        room: "transformer",
        purpose: "nats a token to code the tokens in each of K learned subspaces",
        definition: "R^c(Z | U) = ½ Σ_k log det(I + a U_kᵀZᵀZU_k), a = p/(n ε²); Z is n × d, one token a row, U_k is d × p; gradient in Z: a Σ_k A_k (I + a A_kᵀA_k)⁻¹ U_kᵀ, A_k = Z U_k",
        source: "Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele, Ma, White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023",
        inputs: &[Z, U],
        outputs: &[Port::real("value", "", "nats, ≥ 0")],
        distortion: true,
        presets: &[Preset {
            name: "crate-repo",
            doc: "vis_utils/coding_rate.py: its eps is ε², 0.01 by default, so that ε = 0.1; otherwise the same number",
            eps_means_eps2: true,
        }],
        divergences: &[
            "The constant is p/(nε²) with p the width of a head; with d in its place it is K times as large where Kp = d",
            "CRATE code: what it calls eps is ε²; it also divides each projected token by its norm, which is `layer_coding_rate`",
            "MCR² codes groups of rows with weights n_k/n; here every subspace codes all rows",
        ],
        couples: "rows and columns of one Z; leading axes are separate sets of tokens",
        cost: "2·n·d·h·p + h·(n·p·min(n,p) + min(n,p)³/3) flops",
        flops: |s| {
            let (n, d, h, p) = (s("n"), s("d"), s("h"), s("p"));
            let m = n.min(p);
            h * (2.0 * n * d * p + n * p * m + m * m * m / 3.0)
        },
        tolerance: TOLERANCE,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", subspace_coding_rate(&x.matrix("z")?, &x.matrices("u")?, Distortion::Eps2(x.eps2()?))?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = subspace_coding_rate_gradient(&x.matrix("z")?, &x.matrices("u")?, Distortion::Eps2(x.eps2()?))?;
        let c = y.scalar("value")?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let u = g.u.iter().map(|u| u.scale(c)).collect();
        Ok(Values::new().with("z", g.z.scale(c)).with("u", stack(u)).with(name, eps * c))
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("subspace_coding_rate/joint_rotation", "R^c(ZQ | QᵀU) = R^c(Z | U) for orthogonal Q", |f, case| {
                Ok(Some(Sides::of(f.eval(&jointly_rotated(case)?)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("subspace_coding_rate/basis", "R^c(Z | U_k O) = R^c(Z | U_k) for orthogonal O", |f, case| {
                Ok(Some(Sides::of(f.eval(&other_bases(case)?)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("subspace_coding_rate/head_order", "the order of the subspaces does not matter", |f, case| {
                Ok(Some(Sides::of(f.eval(&heads_reversed(case)?)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("subspace_coding_rate/non_negative", "0 ≤ R^c", |f, case| {
                Ok(Some(Sides::of(Ball::ZERO, f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("subspace_coding_rate/signs", "flipping the sign of tokens changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let flipped = Matrix::from_fn(z.rows(), z.cols(), |i, j| if i % 2 == 0 { -z[(i, j)] } else { z[(i, j)] });
                Ok(Some(Sides::of(f.eval(&case.clone().input("z", flipped))?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("subspace_coding_rate/distortion", "R^c(2Z; ε) ≥ R^c(Z; ε): the rate falls as ε grows", |f, case| {
                let doubled = case.clone().input("z", case.inputs.matrix("z")?.scale(exact(2.0)));
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, f.eval(&doubled)?.scalar("value")?)))
            }),
            Law::equal("subspace_coding_rate/duplication", "repeating every token changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let twice = Matrix::from_fn(2 * z.rows(), z.cols(), |i, j| z[(i / 2, j)]);
                Ok(Some(Sides::of(f.eval(&case.clone().input("z", twice))?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("subspace_coding_rate/scale", "R^c(2Z; 2ε) = R^c(Z; ε)", |f, case| {
                let mut scaled = case.clone().input("z", case.inputs.matrix("z")?.scale(exact(2.0)));
                for (name, setting) in &mut scaled.params {
                    if let Setting::Number(x) = setting {
                        *x *= if name == "eps" { 2.0 } else { 4.0 };
                    }
                }
                Ok(Some(Sides::of(f.eval(&scaled)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("subspace_coding_rate/upper_bound", "R^c ≤ Σ_k (r/2) log(1 + a‖ZU_k‖²/r), r = min(n, p)", |f, case| {
                let z = case.inputs.matrix("z")?;
                let mut bound = Ball::ZERO;
                for u in matrices(case, "u")? {
                    let r = exact(z.rows().min(u.cols()) as f64);
                    bound += r * exact(0.5) * (constant(case)? * z.matmul(&u)?.frobenius_squared() / r).log1p();
                }
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, bound)))
            }),
            Law::at_most(
                "subspace_coding_rate/descent",
                "R^c(Z − ∇/L) ≤ R^c(Z) − ‖∇‖²/(2L) for L = a Σ_k ‖U_k‖_F², which bounds the Lipschitz constant of ∇",
                |f, case| {
                    let energy = matrices(case, "u")?.iter().fold(Ball::ZERO, |e, u| e + u.frobenius_squared());
                    if energy.lower() <= 0.0 {
                        return Ok(None);
                    }
                    let lipschitz = constant(case)? * energy;
                    let gradient = f.vjp(case, &Values::new().with("value", Ball::ONE))?.matrix("z")?;
                    let moved = case.inputs.matrix("z")?.sub(&gradient.scale(lipschitz.recip()))?;
                    let decrease = gradient.frobenius_squared() / (exact(2.0) * lipschitz);
                    Ok(Some(Sides::of(
                        f.eval(&case.clone().input("z", moved))?.scalar("value")?,
                        f.eval(case)?.scalar("value")? - decrease,
                    )))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case =
            |z: Matrix<Ball>, u: Vec<Matrix<Ball>>, eps2: f64| Case::new(Values::new().with("z", z).with("u", stack(u))).set("eps2", eps2);
        let is = |x: Ball| Values::new().with("value", x);
        let half = exact(0.5);
        let axes = |d: usize, p: usize| {
            (0..d / p).map(|k| Matrix::from_fn(d, p, |i, j| if i == k * p + j { Ball::ONE } else { Ball::ZERO })).collect::<Vec<_>>()
        };
        vec![
            Closed::new("Z = 0", case(Matrix::zeros(3, 4), axes(4, 2), 0.25), is(Ball::ZERO))
                .gradient(is(Ball::ONE), Values::new().with("z", Matrix::zeros(3, 4))),
            // p/ε² = 8: head 1 sees 3² + 4², head 2 sees 1.
            Closed::new(
                "one token: ½ Σ_k log(1 + p‖U_kᵀz‖²/ε²)",
                case(Matrix::from_rows(&[[3.0, 4.0, 1.0, 0.0]]), axes(4, 2), 0.25),
                is(half * (exact(200.0).log1p() + exact(8.0).log1p())),
            ),
            // t/(ε² + t²) with t = 3, ε² = 2.
            Closed::new(
                "p = 1, z = t u: ½ log(1 + t²/ε²), gradient t/(ε² + t²) u",
                case(Matrix::from_rows(&[[0.0, 3.0]]), vec![Matrix::from_rows(&[[0.0], [1.0]])], 2.0),
                is(half * exact(4.5).log1p()),
            )
            .gradient(
                is(Ball::ONE),
                Values::new().with("z", Matrix::from_fn(1, 2, |_, j| if j == 1 { exact(3.0) / exact(11.0) } else { Ball::ZERO })),
            ),
            Closed::new(
                "three tokens of width 4 at ε = 2",
                Case::new(Values::new().with("z", example::z()).with("u", example::u())).set("eps", 2.0),
                is(digits("0.56473030517232124")),
            )
            .gradient(
                is(Ball::ONE),
                Values::new().with(
                    "z",
                    example::table(&[
                        ["0.12207546825120452", "0.080415138987384341", "-0.031814706813176509", "0.098936066074240206"],
                        ["-0.055315538950396554", "0.13575883765420129", "0.054145221135965072", "-0.099186405953217489"],
                        ["0.030776739665920868", "-0.093656682439745159", "0.19465572933894327", "0.048892026037740990"],
                    ]),
                ),
            ),
        ]
    }
}

/// `sparse_rate_reduction`.
pub struct SparseRateReduction;

fn sparsity<S: Scalar>(x: &Args<S>) -> Result<Sparsity> {
    Ok(if x.word("norm")? == "l0" { Sparsity::Zero } else { Sparsity::One })
}

impl Operator for SparseRateReduction {
    const SPEC: Spec = Spec {
        name: "sparse_rate_reduction",
        room: "transformer",
        purpose: "the objective that CRATE unrolls: spread, compact in subspaces, sparse",
        definition: "value = R(Z; ε) − R^c(Z | U; ε) − lambda ‖Z‖, to be maximised; ‖Z‖ the sum of magnitudes (norm=l1) or the number of entries that are not 0 (norm=l0). Gradient in Z: ∂R − ∂R^c − lambda sgn(Z), sgn(0) = 0; for l0 without the last term",
        source: "Yu et al., White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023: l0 as stated, l1 as optimised",
        inputs: &[Z, U],
        outputs: &[
            Port::real("value", "", "nats less lambda times the norm"),
            Port::real("rate", "", "R, nats"),
            Port::real("subspace_rate", "", "R^c, nats"),
            Port::real("norm", "", "‖Z‖"),
        ],
        distortion: true,
        params: &[
            Param {
                name: "lambda",
                domain: Range::NonNegative,
                default: None,
                samples: &[0.125, 0.5, 0.0625],
                doc: "weight of the sparsity",
            },
            Param { name: "norm", domain: Range::Word(&["l1", "l0"]), default: Some(0.0), samples: &[0.0, 1.0], doc: "l1 or l0" },
        ],
        presets: &[Preset { name: "crate-repo", doc: "the eps of vis_utils/coding_rate.py is ε²", eps_means_eps2: true }],
        divergences: &[
            "R − R^c is not ≥ 0: the bases are learned, where the membership of MCR² is a partition. All tokens equal to a vector with a unit part in each of three planes of a space of 6 dimensions, ε = 0.1: −4.2069",
            "The official code optimises a classification loss; this number is an analysis of its layers, not what is trained",
        ],
        couples: "rows and columns of one Z; leading axes are separate sets of tokens",
        cost: "that of coding_rate and of subspace_coding_rate",
        flops: |s| {
            let (n, d, h, p) = (s("n"), s("d"), s("h"), s("p"));
            let (m, q) = (n.min(p), n.min(d));
            n * d * q + q * q * q / 3.0 + h * (2.0 * n * d * p + n * p * m + m * m * m / 3.0)
        },
        tolerance: TOLERANCE,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let s = sparse_rate_reduction(&x.matrix("z")?, &x.matrices("u")?, Distortion::Eps2(x.eps2()?), x.param("lambda")?, sparsity(x)?)?;
        Ok(Values::new().with("value", s.value).with("rate", s.rate).with("subspace_rate", s.subspace_rate).with("norm", s.norm))
    }
    /// The gradient of `value + r·rate + c·subspace_rate + n·norm` by its parts: each is sparse rate reduction with other weights.
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, u, distortion, lambda) = (x.matrix("z")?, x.matrices("u")?, Distortion::Eps2(x.eps2()?), x.param("lambda")?);
        let bar = |name: &str| y.get(name).map_or(Ok(S::ZERO), |_| y.scalar(name));
        let (value, rate, apart, norm) = (bar("value")?, bar("rate")?, bar("subspace_rate")?, bar("norm")?);
        let whole = crate::coding::coding_rate_gradient(&z, distortion)?;
        let parts = subspace_coding_rate_gradient(&z, &u, distortion)?;
        let (whole_bar, parts_bar, norm_bar) = (value + rate, apart - value, norm - value * lambda);
        let mut g = whole.z.scale(whole_bar);
        g.accumulate(&parts.z.scale(parts_bar))?;
        g.accumulate(&sparsity_gradient(&z, sparsity(x)?).scale(norm_bar))?;
        let (name, eps) = x.eps_gradient(whole.eps2 * whole_bar + parts.eps2 * parts_bar)?;
        let u = parts.u.iter().map(|u| u.scale(parts_bar)).collect();
        Ok(Values::new().with("z", g).with("u", stack(u)).with(name, eps).with("lambda", -(sparsity_norm(&z, sparsity(x)?)? * value)))
    }
    fn adjust(case: Case) -> Case {
        super::moderate(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("sparse_rate_reduction/sum", "value = rate − subspace_rate − lambda · norm", |f, case| {
                let v = f.eval(case)?;
                let lambda = exact(case.number("lambda").unwrap_or(0.0));
                Ok(Some(Sides::of(v.scalar("value")?, v.scalar("rate")? - v.scalar("subspace_rate")? - lambda * v.scalar("norm")?)))
            }),
            Law::equal(
                "sparse_rate_reduction/signs",
                "flipping the sign of a feature in Z and in every basis changes nothing",
                |f, case| {
                    let flip = |m: &Matrix<Ball>, rows: bool| {
                        Matrix::from_fn(m.rows(), m.cols(), |i, j| if (if rows { i } else { j }) % 2 == 0 { -m[(i, j)] } else { m[(i, j)] })
                    };
                    let u = matrices(case, "u")?.iter().map(|u| flip(u, true)).collect();
                    let flipped = case.clone().input("z", flip(&case.inputs.matrix("z")?, false)).input("u", stack(u));
                    Ok(Some(Sides::of(f.eval(&flipped)?.scalar("value")?, f.eval(case)?.scalar("value")?)))
                },
            ),
            Law::at_most(
                "sparse_rate_reduction/rate_bound",
                "value ≤ (q/2) log(1 + α‖Z‖²/q), q = min(n, d), α = d/(nε²)",
                |f, case| {
                    let z = case.inputs.matrix("z")?;
                    let q = exact(z.rows().min(z.cols()) as f64);
                    let alpha = exact(z.cols() as f64) / (exact(z.rows() as f64) * eps2(case));
                    Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, q * exact(0.5) * (alpha * z.frobenius_squared() / q).log1p())))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let example = |norm: &str| {
            Case::new(Values::new().with("z", example::z()).with("u", example::u())).set("eps", 2.0).set("lambda", 0.125).word("norm", norm)
        };
        let delta = digits("0.36720011974811226");
        // Three planes of six dimensions, the same token twice: its part in each plane is the first axis.
        let planes = (0..3).map(|k| Matrix::from_fn(6, 2, |i, j| if i == 2 * k + j { Ball::ONE } else { Ball::ZERO })).collect();
        let equal = Matrix::from_fn(2, 6, |_, j| if j % 2 == 0 { Ball::ONE } else { Ball::ZERO });
        vec![
            Closed::new(
                "three tokens of width 4 at ε = 2, ℓ¹ = 8.75",
                example("l1"),
                Values::new()
                    .with("value", delta - exact(0.125 * 8.75))
                    .with("rate", digits("0.93193042492043350"))
                    .with("subspace_rate", digits("0.56473030517232124"))
                    .with("norm", exact(8.75)),
            ),
            Closed::new("the same, ℓ⁰ = 12", example("l0"), Values::new().with("value", delta - exact(1.5)).with("norm", exact(12.0))),
            Closed::new(
                "equal tokens: the difference of the rates is negative",
                Case::new(Values::new().with("z", equal).with("u", stack(planes))).set("eps2", 0.0625).set("lambda", 0.0),
                // d K / ε² = 288, p / ε² = 32.
                Values::new().with("value", exact(0.5) * exact(288.0).log1p() - exact(1.5) * exact(32.0).log1p()),
            ),
        ]
    }
}
