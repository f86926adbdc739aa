//! `rate_operators` and `rate_hessian`.

use super::moves::{LABELS, PI, Z, alpha, eps2, membership, one_membership, rotated, rotation};
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::{Matrix, plus_identity, spd_solve};
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Value, Values, cotangent, digits};
use crate::reduction::{ClassScale, Membership, Of, RateOperators as Operators, RateReduction};
use crate::scalar::{Ball, Scalar};

/// `rate_operators`.
pub struct RateOperators;

impl RateOperators {
    fn scale<S: Scalar>(x: &Args<S>) -> ClassScale {
        if x.preset() == "redunet-numpy" { ClassScale::Dimension } else { ClassScale::Samples }
    }
}

impl Operator for RateOperators {
    const SPEC: Spec = Spec {
        name: "rate_operators",
        room: "reduction",
        purpose: "the operators of a ReduNet layer: E expands the whole, C_k compresses class k",
        definition: "E = α(I + α ZᵀZ)⁻¹, C_k = α_k(I + α_k ZᵀD_kZ)⁻¹, γ_k = n_k/n; α = d/(nε²), α_k = d/(n_kε²), D_k = diag(Π_·k); ∂ΔR/∂Z = ZE − Σ γ_k D_k Z C_k",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, eq. 9–10",
        inputs: &[Z, LABELS, PI],
        outputs: &[Port::real("e", "d d", "E"), Port::real("c", "k d d", "C_1 … C_K"), Port::real("gamma", "k", "n_k/n")],
        distortion: true,
        presets: &[
            Preset { name: "redunet-repo", doc: "redunet/layers/vector.py: its eps is ε²; otherwise the same", eps_means_eps2: true },
            Preset {
                name: "redunet-numpy",
                doc: "the NumPy code of the paper (ryanchankh/redunet_paper, vector.py): takes d for n_k in C_k, so that α_k = 1/ε²; its eps is ε²",
                eps_means_eps2: true,
            },
        ],
        divergences: &[
            "ReduNet code: eps is ε²; its 0.1 is our eps2=0.1",
            "NumPy code of the paper: C_k with α_k = 1/ε² in place of d/(n_kε²), wrong by the factor n_k/d; its vector experiments have it",
            "The book's training algorithm prints α_k ← D/(tr(Π_k)ε²) and γ_k ← tr(Π_k)/D; meant are d/(tr(Π_k)ε²) and tr(Π_k)/N",
        ],
        couples: "all samples",
        cost: "n·d² + (7/3)(K+1)·d³ flops with labels",
        flops: |s| s("n") * s("d") * s("d") * 2.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let o = Operators::new(&x.matrix("z")?, &membership(x)?, Distortion::Eps2(x.eps2()?), Self::scale(x))?;
        let (k, d) = (o.c.len(), o.e.rows());
        let c = Tensor::new(vec![k, d, d], o.c.into_iter().flat_map(Matrix::into_data).collect())?;
        Ok(Values::new().with("e", o.e).with("c", c).with("gamma", o.gamma))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, m, distortion) = (x.matrix("z")?, membership(x)?, Distortion::Eps2(x.eps2()?));
        let o = Operators::new(&z, &m, distortion, Self::scale(x))?;
        let (k, d) = (o.c.len(), o.e.rows());
        let c = cotangent(y, "c", k, d * d)?;
        let bar = Operators {
            e: cotangent(y, "e", d, d)?,
            c: (0..k).map(|k| Matrix::new(d, d, c.row(k).to_vec())).collect::<Result<_>>()?,
            gamma: cotangent(y, "gamma", 1, k)?.into_data(),
        };
        let gradient = o.vjp(&z, &m, distortion, Self::scale(x), &bar)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        let out = Values::new().with("z", gradient.z).with(name, eps);
        Ok(if x.has("pi") { out.with("pi", gradient.pi) } else { out })
    }
    fn adjust(case: Case) -> Case {
        no_empty_label(one_membership(case))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_operators/increment", "Z E − Σ γ_k D_k Z C_k = ∂ΔR/∂Z in the papers' form", |f, case| {
                if case.preset.as_deref() == Some("redunet-numpy") {
                    return Ok(None);
                }
                let (z, out) = (case.inputs.matrix("z")?, f.eval(case)?);
                let own = RateReduction::new(Distortion::Eps2(eps2(case))).gradient(&z, &of_case(case)?)?.z;
                Ok(Some(Sides::all(read(&out)?.increment(&z, &of_case(case)?)?.into_data(), own.into_data())))
            }),
            Law::equal("rate_operators/rotation", "E(ZQ) = QᵀE(Z)Q for orthogonal Q, and the same for each C_k", |f, case| {
                let (turned, plain) = (read(&f.eval(&rotated(case)?)?)?, read(&f.eval(case)?)?);
                let q = rotation(plain.e.rows());
                let (mut left, mut right) = (turned.e.into_data(), q.t_matmul(&plain.e)?.matmul(&q)?.into_data());
                for (a, b) in turned.c.into_iter().zip(&plain.c) {
                    left.extend(a.into_data());
                    right.extend(q.t_matmul(b)?.matmul(&q)?.into_data());
                }
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal(
                "rate_operators/ridge",
                "E x = α(x − Zᵀq), q = argmin α‖x − Zᵀq‖² + ‖q‖², for x = (1, 2, …)",
                |f, case| {
                    let (z, a) = (case.inputs.matrix("z")?, alpha(case)?);
                    let x = Matrix::from_fn(z.cols(), 1, |i, _| Ball::exact(i as f64 + 1.0));
                    let q = spd_solve(&plus_identity(&z.gram_rows().scale(a))?, &z.matmul(&x)?)?.scale(a);
                    let right = x.sub(&z.t_matmul(&q)?)?.scale(a);
                    Ok(Some(Sides::all(read(&f.eval(case)?)?.e.matmul(&x)?.into_data(), right.into_data())))
                },
            ),
            Law::at_most("rate_operators/contraction", "E ⪯ αI: the diagonal is at most α, and Σ_j E_ij² ≤ α E_ii", |f, case| {
                let (e, a) = (read(&f.eval(case)?)?.e, alpha(case)?);
                let mut left = e.diagonal();
                let mut right = vec![a; left.len()];
                let square = e.matmul(&e)?;
                left.extend(square.diagonal());
                right.extend(e.diagonal().into_iter().map(|x| x * a));
                Ok(Some(Sides::all(left, right)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let thirty_one = |x: f64| Ball::exact(x) / Ball::exact(31.0);
        let root = Ball::exact(0.5);
        // (1, 2, 0)/√5 and (0, 1, 1)/√2 as the two samples of class 0, four more in classes 1 and 2.
        let rows = [[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, -1.0, 2.0], [1.0, 0.0, -1.0]];
        let z = Matrix::<Ball>::from_rows(&rows);
        let unit =
            Matrix::from_fn(6, 3, |i, j| z[(i, j)] / z.select_rows(&[i]).map(|r| r.frobenius_squared().sqrt()).unwrap_or(Ball::WHOLE));
        let case = |z: Matrix<Ball>, labels: &[i64], eps2: f64| {
            Case::new(Values::new().with("z", z).with("labels", Tensor { shape: vec![labels.len()], data: labels.to_vec() }))
                .set("eps2", eps2)
        };
        let c0: [f64; 9] = [75.0, -22.5, 13.5, -22.5, 30.0, -18.0, 13.5, -18.0, 48.0];
        let c = (0..27).map(|i| if i < 9 { thirty_one(c0[i]) } else { Ball::WHOLE }).collect();
        let e = [
            "0.3789263979477663",
            "-0.0959255519471659",
            "-0.0140545261032121",
            "-0.0959255519471659",
            "0.3843844663373633",
            "-0.0432551919875556",
            "-0.0140545261032121",
            "-0.0432551919875556",
            "0.3066069917856071",
        ];
        let e = Matrix::new(3, 3, e.iter().map(|t| digits(t)).collect()).unwrap_or_default();
        vec![
            Closed::new(
                "six unit rows, three classes",
                case(unit, &[0, 0, 1, 1, 2, 2], 0.5),
                Values::new().with("e", e).with("c", Tensor { shape: vec![3, 3, 3], data: c }),
            ),
            Closed::new(
                "2 I in two classes: E = I/6, C_0 = diag(1/5, 1)",
                // α = 1/ε² = ½ with ε² = 2: E = ½/(1 + 2); α_k = 1: C_0 = diag(1/5, 1).
                case(Matrix::identity(2).scale(Ball::exact(2.0)), &[0, 1], 2.0),
                Values::new()
                    .with("e", Matrix::identity(2).scale(root / Ball::exact(3.0)))
                    .with("c", Tensor { shape: vec![2, 2, 2], data: [0.2, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.2].map(fifths).to_vec() })
                    .with("gamma", vec![root, root]),
            ),
        ]
    }
}

fn fifths(x: f64) -> Ball {
    if x == 0.2 { Ball::exact(5.0).recip() } else { Ball::exact(x) }
}
/// The operators of an evaluation.
fn read(out: &Values<Ball>) -> Result<Operators<Ball>> {
    let (e, c) = (out.matrix("e")?, out.real("c")?);
    let d = e.rows();
    let c = c.data.chunks(d * d).map(|m| Matrix::new(d, d, m.to_vec())).collect::<Result<_>>()?;
    Ok(Operators { e, c, gamma: out.real("gamma")?.data.clone() })
}
fn of_case(case: &Case) -> Result<Membership<Ball>> {
    match case.inputs.get("labels") {
        Some(Value::Int(t)) => Membership::from_labels(t.data.iter().map(|&l| l as usize).collect()),
        _ => Membership::soft(case.inputs.matrix("pi")?),
    }
}
/// Labels without gaps.
fn no_empty_label(mut case: Case) -> Case {
    if let Some(Value::Int(t)) = case.inputs.get("labels") {
        let mut present = t.data.clone();
        present.sort_unstable();
        present.dedup();
        let compact = t.map(|l| present.iter().position(|&p| p == l).unwrap_or(0) as i64);
        case.inputs.set("labels", compact);
    }
    case
}

/// `rate_hessian`.
pub struct RateHessian;

impl RateHessian {
    fn of<S: Scalar>(x: &Args<S>) -> Result<Of> {
        Ok(match x.word("of")? {
            "reduction" => Of::Reduction,
            "conditional" => Of::Conditional,
            _ => Of::Rate,
        })
    }
}

impl Operator for RateHessian {
    const SPEC: Spec = Spec {
        name: "rate_hessian",
        room: "reduction",
        purpose: "the second derivative of a rate along a direction, without forming the Hessian",
        definition: "H[V] = d/dt ∂f(Z + tV) at 0; for R: α(V − αZM⁻¹(VᵀZ + ZᵀV))M⁻¹; for R^c the sum of the classes' with D_k; f = ΔR, R^c or R",
        source: "derived; bounds −(9α/8) I ⪯ H ⪯ (9α/8) I from those of R and R^c",
        inputs: &[Z, Port::real("v", "n d", "the direction"), Port { optional: false, ..LABELS }],
        outputs: &[Port::real("h", "n d", "H[V]")],
        distortion: true,
        params: &[Param {
            name: "of",
            domain: Range::Word(&["reduction", "conditional", "rate"]),
            default: Some(0.0),
            samples: &[0.0, 1.0, 2.0],
            doc: "ΔR, R^c or R",
        }],
        divergences: &[
            "The monograph's exercises print R = log det(·) beside a gradient and Hessian that belong to ½ log det(·): theirs doubled is the Hessian of what they print",
        ],
        couples: "all samples",
        cost: "4n·d² + (K+1)·8d³/3 flops",
        flops: |s| 4.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let f = RateReduction::new(Distortion::Eps2(x.eps2()?));
        Ok(Values::new().with("h", f.hessian(Self::of(x)?, &x.matrix("z")?, &membership(x)?, &x.matrix("v")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let f = RateReduction::new(Distortion::Eps2(x.eps2()?));
        let (gradient, v) = f.hessian_vjp(Self::of(x)?, &x.matrix("z")?, &membership(x)?, &x.matrix("v")?, &y.matrix("h")?)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        Ok(Values::new().with("z", gradient.z).with("v", v).with(name, eps))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_hessian/symmetric", "⟨Y, H[V]⟩ = ⟨V, H[Y]⟩, Y = V with its rows reversed", |f, case| {
                let v = case.inputs.matrix("v")?;
                let y = Matrix::from_fn(v.rows(), v.cols(), |i, j| v[(v.rows() - 1 - i, j)] + Ball::ONE);
                let (hv, hy) = (f.eval(case)?.matrix("h")?, f.eval(&case.clone().input("v", y.clone()))?.matrix("h")?);
                Ok(Some(Sides::of(y.dot(&hv)?, v.dot(&hy)?)))
            }),
            Law::equal("rate_hessian/linear", "H[2V] = 2 H[V]", |f, case| {
                let twice = case.clone().input("v", case.inputs.matrix("v")?.scale(Ball::exact(2.0)));
                let (left, right) = (f.eval(&twice)?.matrix("h")?, f.eval(case)?.matrix("h")?.scale(Ball::exact(2.0)));
                Ok(Some(Sides::all(left.into_data(), right.into_data())))
            }),
            Law::at_most("rate_hessian/bound", "|⟨V, H[V]⟩| ≤ (9α/8)‖V‖²", |f, case| {
                let v = case.inputs.matrix("v")?;
                let form = v.dot(&f.eval(case)?.matrix("h")?)?;
                let bound = alpha(case)? * Ball::exact(1.125) * v.frobenius_squared();
                Ok(Some(Sides::all([form, -form], [bound, bound])))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let labels = Tensor { shape: vec![2], data: vec![0, 1] };
        let case = |z: Matrix<Ball>, v: Matrix<Ball>| {
            Case::new(Values::new().with("z", z).with("v", v).with("labels", labels.clone())).set("eps2", 2.0)
        };
        let v = Matrix::from_rows(&[[1.0, 2.0], [3.0, 4.0]]);
        let h = |m: Matrix<Ball>| Values::new().with("h", m);
        let ninth = Ball::exact(-1.0) / Ball::exact(9.0);
        vec![
            Closed::new(
                "Z = 0: H of R is αI, of ΔR 0",
                case(Matrix::zeros(2, 2), v.clone()).word("of", "rate"),
                h(v.scale(Ball::exact(0.5))),
            ),
            Closed::new("Z = 0: H of ΔR is 0", case(Matrix::zeros(2, 2), v), h(Matrix::zeros(2, 2))),
            Closed::new(
                "R of Z = 2I along I: α(1 − ασ²)/(1 + ασ²)² on the diagonal",
                // α = ½, σ² = 4: ½(1 − 2)/9.
                case(Matrix::identity(2).scale(Ball::exact(2.0)), Matrix::identity(2)).word("of", "rate"),
                h(Matrix::identity(2).scale(ninth * Ball::exact(0.5))),
            ),
        ]
    }
}
