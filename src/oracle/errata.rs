//! Published statements that do not hold as printed, each with a counter-example that is computed when it is asked for.

use super::case::Case;
use super::catalog::find;
use super::entry::Number;
use super::value::{Tensor, Values};
use crate::Result;
use crate::linalg::Matrix;
use crate::scalar::{Ball, Scalar};

/// A published statement and what refutes it.
pub struct Erratum {
    /// `mcr2-rank`.
    pub id: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// What it says.
    pub states: &'static str,
    /// What holds.
    pub holds: &'static str,
    counter_example: fn() -> Result<Finding>,
}

/// The numbers of a counter-example, certified.
pub struct Finding {
    /// What each number is, and its enclosure.
    pub figures: Vec<(&'static str, Ball)>,
    /// The enclosures prove that the statement fails here.
    pub refuted: bool,
}

impl Erratum {
    /// Computes the counter-example now.
    pub fn compute(&self) -> Result<Finding> {
        (self.counter_example)()
    }
}

fn b(x: f64) -> Ball {
    Ball::exact(x)
}
fn below(x: Ball, y: Ball) -> bool {
    x.upper() < y.lower()
}
fn apart(x: Ball, y: Ball) -> bool {
    !x.overlaps(&y)
}
fn eval(op: &str, case: Case) -> Result<Values<Ball>> {
    find(op)?.eval_in(Number::Ball, &case)
}
fn matrix<const C: usize>(name: &str, rows: &[[f64; C]]) -> Case {
    Case::new(Values::new().with(name, Matrix::from_rows(rows)))
}
/// Bases as rows of numbers, `h × d × p`.
fn bases(shape: [usize; 3], data: &[f64]) -> Tensor<Ball> {
    Tensor { shape: shape.to_vec(), data: data.iter().map(|&x| b(x)).collect() }
}
/// `h(r) = (r/2)[log(1 + dγ/(ε²r)) − γ log(1 + d/(ε²r))]`: what a class of rank r contributes to ΔR.
fn profile(r: f64, d: f64, gamma: f64, eps2: f64) -> Ball {
    b(r) * b(0.5) * ((b(d * gamma) / b(eps2 * r)).log1p() - b(gamma) * (b(d) / b(eps2 * r)).log1p())
}

/// All of them.
pub static ERRATA: &[Erratum] = &[
    Erratum {
        id: "mcr2-rank",
        source: "Yu, Chan, You, Song, Ma, NeurIPS 2020, Theorem A.6, with c = 1",
        states: "If ε⁴ < min_k (n_k/n) d²/d_k², every class of the optimum has full rank d_k.",
        holds: "With a smaller constant. d = 4, two classes of 4 samples, d_k = 2, ε² = 5/4 meets the condition, and rank 1 is better.",
        counter_example: || {
            let value = |r| b(2.0) * profile(r, 4.0, 0.5, 1.25);
            let (two, one) = (value(2.0), value(1.0));
            let condition = b(0.5) * b(16.0) / b(4.0) - b(1.25).square();
            Ok(Finding {
                figures: vec![("γ d²/d_k² − ε⁴, > 0: the condition is met", condition), ("ΔR at rank 2", two), ("ΔR at rank 1", one)],
                refuted: condition.lower() > 0.0 && below(two, one),
            })
        },
    },
    Erratum {
        id: "global-maximiser",
        source: "Global geometric analysis of maximal coding rate reduction, ICML 2024, as the monograph reproduces it",
        states: "For λ ≤ λ_loc = α(√κ − 1)/(√κ + 1) the local maximisers of full rank are global.",
        holds: "Only for λ ≤ λ_glob < λ_loc. Two classes of 4 samples in 4 dimensions, ε² = 1, λ = 0.08: Z = 0 is better.",
        counter_example: || {
            let (alpha, kappa, lambda) = (b(0.5), b(2.0), b(2.0) / b(25.0));
            let threshold = alpha * (kappa.sqrt() - Ball::ONE) / (kappa.sqrt() + Ball::ONE);
            // λ α_k s² − η s + λ/α = 0 with α_k = 1.
            let eta = alpha - lambda * b(3.0);
            let s = (eta + (eta.square() - b(4.0) * lambda.square() / alpha).sqrt()) / (b(2.0) * lambda);
            let u = alpha * s;
            let value = b(2.0) * (u.log1p() - (kappa * u).log1p() / kappa - lambda * s);
            Ok(Finding {
                figures: vec![("λ", lambda), ("λ_loc", threshold), ("F at the claimed maximiser, 4 f(s⁺)", value), ("F(0)", Ball::ZERO)],
                refuted: below(lambda, threshold) && below(value, Ball::ZERO),
            })
        },
    },
    Erratum {
        id: "attention-a-cubed",
        source: "Monograph, chapter 4, the softmax step of the gradient",
        states: "The gradient is a Z − a² MSSA(Z), where MSSA already has the factor a in front.",
        holds: "a Z − a MSSA(Z): the next display of the chapter uses it.",
        counter_example: || {
            let case = matrix("z", &[[1.0, 0.5], [-0.5, 2.0]]).input("u", bases([1, 2, 2], &[1.0, 0.0, 0.0, 1.0])).set("eps", 0.5);
            let right = eval("rate_gradient_softmax", case.clone())?.matrix("y")?;
            let a = b(4.0);
            let linear = case.inputs.matrix("z")?.scale(a);
            let printed = linear.sub(&linear.sub(&right)?.scale(a))?;
            Ok(Finding {
                figures: vec![("a", a), ("entry (0, 0), meant", right[(0, 0)]), ("entry (0, 0), printed", printed[(0, 0)])],
                refuted: apart(right[(0, 0)], printed[(0, 0)]),
            })
        },
    },
    Erratum {
        id: "ista-sign",
        source: "Monograph, chapter 7, the ISTA block (twice)",
        states: "relu(Z + β(Z − Z Dᵀ)D + βλ).",
        holds: "− βλ: the threshold is subtracted. With + the step leaves even Z = 0, the minimum, and the objective rises.",
        counter_example: || {
            let objective = |a: f64| -> Result<Ball> {
                let case = matrix("a", &[[a]]).input("y", Matrix::from_rows(&[[0.0]])).input("d", Matrix::from_rows(&[[1.0]]));
                eval("ista_objective", case.set("lambda", 0.5))?.scalar("value")
            };
            let (before, after) = (objective(0.0)?, objective(0.125)?);
            Ok(Finding {
                figures: vec![("F(0)", before), ("F after the printed step, β = ¼, λ = ½: at βλ = 0.125", after)],
                refuted: below(before, after),
            })
        },
    },
    Erratum {
        id: "causal-mask",
        source: "Monograph, chapter 7, CausalMask",
        states: "Of the logits KᵀQ, softmax down the columns, the entries with i ≥ j are kept.",
        holds: "i ≤ j: the key may not come after the query. As printed the first token sees all that follow.",
        counter_example: || {
            // As printed a token attends to itself and to those behind it: the first of two averages both.
            let attend = |last: f64| {
                let (x, y) = (b(1.0), b(last));
                let (e, f) = ((x * x).exp(), (x * y).exp());
                (e * x + f * y) / (e + f)
            };
            let (small, large) = (attend(0.5), attend(2.0));
            let causal = |last: f64| -> Result<Ball> {
                let case = matrix("x", &[[1.0], [last]]).input("w_qkv", Matrix::from_rows(&[[1.0]]));
                Ok(eval("mssa_official", case.set("h", 1.0).set("causal", 1.0))?.matrix("y")?[(0, 0)])
            };
            let (left, right) = (causal(0.5)?, causal(2.0)?);
            Ok(Finding {
                figures: vec![
                    ("first output as printed, last token ½", small),
                    ("first output as printed, last token 2", large),
                    ("first output as meant, last token ½", left),
                    ("first output as meant, last token 2", right),
                ],
                refuted: apart(small, large) && left.overlaps(&right),
            })
        },
    },
    Erratum {
        id: "neumann-sign",
        source: "Yu et al., White-Box Transformers via Sparse Rate Reduction, NeurIPS 2023: the first-order Neumann series of the gradient",
        states: "The gradient of R^c is approximated by a Σ (I − a A_k A_kᵀ) A_k U_kᵀ.",
        holds: "In directions with a σ² < 1. Beyond, the first order has the opposite sign and points uphill.",
        counter_example: || {
            let case = matrix("z", &[[2.0]]).input("u", bases([1, 1, 1], &[1.0])).set("eps", 1.0);
            let exact = eval("rate_gradient", case.clone())?.matrix("y")?[(0, 0)];
            let first = eval("rate_gradient_neumann", case.set("order", 1.0))?.matrix("y")?[(0, 0)];
            Ok(Finding {
                figures: vec![("a σ²", b(4.0)), ("gradient", exact), ("its first-order series", first)],
                refuted: exact.lower() > 0.0 && first.upper() < 0.0,
            })
        },
    },
    Erratum {
        id: "residual-ascends",
        source: "Yu et al., NeurIPS 2023, and the official code: the compression step Z + MSSA(Z)",
        states: "The step lowers R^c, as the gradient step it is derived from.",
        holds: "With tied bases and a positive factor it raises R^c; the convex step (1 − κa) Z + κa MSSA(Z) is the derived one. The learned output map of the code has to find the sign.",
        counter_example: || {
            let start = matrix("z", &[[1.0, 0.5], [-0.5, 2.0]]).input("u", bases([1, 2, 1], &[1.0, 0.0])).set("eps", 1.0);
            let rate = |z: Matrix<Ball>| eval("subspace_coding_rate", start.clone().input("z", z))?.scalar("value");
            let z = start.inputs.matrix("z")?;
            let plain = Case::new(start.inputs.clone()).set("factor", 0.5);
            let after = z.add(&eval("mssa", plain)?.matrix("y")?)?;
            let (before, after) = (rate(z)?, rate(after)?);
            Ok(Finding { figures: vec![("R^c before", before), ("R^c after Z + MSSA(Z), a = ½", after)], refuted: below(before, after) })
        },
    },
    Erratum {
        id: "sparse-rate-reduction-sign",
        source: "Sparse rate reduction in talks and blog posts: R − R^c ≥ 0",
        states: "The rate reduction R(Z) − R^c(Z | U) against learned bases is not negative.",
        holds: "That is a theorem for a partition of the samples (MCR²). Three equal tokens that lie in all three planes of a space of 6 dimensions at once, ε = 0.1, refute it here.",
        counter_example: || {
            let mut planes = vec![0.0; 36];
            // Plane k is spanned by the coordinates 2k and 2k + 1.
            (0..3).for_each(|k| (0..2).for_each(|j| planes[k * 12 + (2 * k + j) * 2 + j] = 1.0));
            let rows = [[1.0, 0.0, 1.0, 0.0, 1.0, 0.0]; 3];
            let case = matrix("z", &rows).input("u", bases([3, 6, 2], &planes)).set("eps2", 0.01).set("lambda", 0.0);
            let out = eval("sparse_rate_reduction", case)?;
            let value = out.scalar("value")?;
            Ok(Finding {
                figures: vec![("R", out.scalar("rate")?), ("R^c", out.scalar("subspace_rate")?), ("R − R^c", value)],
                refuted: value.upper() < 0.0,
            })
        },
    },
    Erratum {
        id: "redunet-class-scale",
        source: "redunet_paper (NumPy code of the ReduNet paper), compute_Cs",
        states: "C_k = α_k (I + α_k Z_k Z_kᵀ)⁻¹ with m_k read off the first axis of Z_k.",
        holds: "The first axis is d, not n_k: α_k comes out as 1/ε² in place of d/(n_k ε²). All its experiments with vectors have it.",
        counter_example: || {
            let labels = Tensor { shape: vec![3], data: vec![0i64, 0, 1] };
            let case = matrix("z", &[[1.0, 0.0], [0.5, 1.0], [0.0, 1.0]]).input("labels", labels).set("eps2", 0.5);
            let entry = |case: Case| Ok::<Ball, crate::Error>(eval("rate_operators", case)?.real("c")?.data[4]);
            let (paper, code) = (entry(case.clone())?, entry(case.preset("redunet-numpy"))?);
            Ok(Finding { figures: vec![("C_2 at (0, 0), paper", paper), ("C_2 at (0, 0), code", code)], refuted: apart(paper, code) })
        },
    },
    Erratum {
        id: "layer-norm-length",
        source: "Monograph, chapter on transformers, LayerNorm",
        states: "LayerNorm divides x − μ by its length ‖x − μ‖.",
        holds: "By the standard deviation ‖x − μ‖/√d: rows come out √d times as long.",
        counter_example: || {
            let case = matrix("x", &[[1.0, -1.0, 1.0, -1.0]]).input("gamma", vec![b(1.0); 4]).input("beta", vec![b(0.0); 4]);
            let y = eval("layer_norm", case.set("eps", 1e-12))?.matrix("y")?;
            Ok(Finding {
                figures: vec![("entry (0, 0), LayerNorm", y[(0, 0)]), ("entry (0, 0), printed", b(0.5))],
                refuted: apart(y[(0, 0)], b(0.5)),
            })
        },
    },
    Erratum {
        id: "simdino-sharding",
        source: "SimDINO code with reduce_cov=0, the default",
        states: "The expansion term is that of the batch.",
        holds: "ε² acts as Nε²: the ceiling of the same global batch of 512 is 0.4496 on 8 processes of 64 and 1.7984 on 2 of 256.",
        counter_example: || {
            let ceiling = |m: usize, n: usize| crate::reduction::simdino::ExpansionRange::new(m, 256, n, false, b(0.05));
            let value = |m, n| ceiling(m, n).map(|r| r.gamma * r.ceiling);
            let (eight, two) = (value(64, 8)?, value(256, 2)?);
            Ok(Finding {
                figures: vec![("8 × 64, d = 256, ε² = 0.05", eight), ("2 × 256", two), ("ratio", two / eight)],
                refuted: apart(eight, two),
            })
        },
    },
    Erratum {
        id: "log-det-half",
        source: "Monograph, exercises on rate reduction",
        states: "R = log det(I + αZᵀZ) has the gradient αZ(I + αZᵀZ)⁻¹.",
        holds: "That is the gradient of ½ log det(I + αZᵀZ).",
        counter_example: || {
            let case = matrix("z", &[[2.0]]).set("eps", 1.0);
            let one = Values::new().with("value", Ball::ONE);
            let printed = find("coding_rate")?.vjp_in(Number::Ball, &case, &one)?.matrix("z")?[(0, 0)];
            // d/dz log(1 + z²) = 2z/(1 + z²).
            let true_slope = b(4.0) / b(5.0);
            Ok(Finding {
                figures: vec![("slope of log(1 + z²) at 2", true_slope), ("printed gradient", printed)],
                refuted: apart(true_slope, printed),
            })
        },
    },
];
