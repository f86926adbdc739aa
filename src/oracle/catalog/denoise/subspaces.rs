//! `subspace_attention`.

use crate::Result;
use crate::denoise::{attend_subspaces, attend_subspaces_vjp};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Tensor, Tolerance, Values};
use crate::scalar::{Ball, Scalar};

/// `subspace_attention`.
pub struct SubspaceAttention;

impl Operator for SubspaceAttention {
    const SPEC: Spec = Spec {
        name: "subspace_attention",
        room: "denoise",
        purpose: "the denoiser of a mixture of subspaces: projections weighed by a softmax of their lengths",
        definition: "y = Σ w_k c_k U_kU_kᵀx, w = softmax_k(b_k + β_k‖U_kᵀx‖²). The denoiser of Σ π_k N(0, λ_kU_kU_kᵀ), U_k orthonormal: \
                     b_k = log π_k − (p_k/2) log(1 + α²λ_k/σ²), β_k = α²λ_k/(2σ²(α²λ_k + σ²)), c_k = αλ_k/(α²λ_k + σ²)",
        source: "Yu et al., NeurIPS 2023, section 2.3; Buchanan, Pai, Wang, Ma, Learning Deep Representations of Data Distributions, 2025, chapter 3 (denoising low-rank mixtures)",
        inputs: &[
            Port::real("x", "n d", "one query a row"),
            Port::real("u", "k d p", "U_k, any"),
            Port::real("bias", "k", "b"),
            Port::of(Domain::NonNegative, "beta", "k", "β, from 0 on"),
            Port::real("c", "k", "c"),
        ],
        outputs: &[Port::real("y", "n d", "")],
        divergences: &[
            "book, equal dimensions: no (p_k/2) log(1 + α²λ_k/σ²) in the logits; wrong for unequal p_k",
            "attention of transformers: a softmax over tokens within a head; here over heads within a token",
        ],
        couples: "columns of x; the subspaces; rows are separate queries",
        cost: "4 n k d p flops",
        flops: |s| 4.0 * s("n") * s("k") * s("d") * s("p"),
        tolerance: Tolerance { value: 1.0, gradient: 2.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let y = attend_subspaces(&x.matrix("x")?, &x.matrices("u")?, x.vector("bias")?, x.vector("beta")?, x.vector("c")?)?;
        Ok(Values::new().with("y", y))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (u, v) = (x.matrices("u")?, y.matrix("y")?);
        let g = attend_subspaces_vjp(&x.matrix("x")?, &u, x.vector("bias")?, x.vector("beta")?, x.vector("c")?, &v)?;
        let u_bar = Tensor::new(x.tensor("u")?.shape.clone(), g.u.into_iter().flat_map(Matrix::into_data).collect())?;
        Ok(Values::new().with("x", g.x).with("u", u_bar).with("bias", g.bias).with("beta", g.beta).with("c", g.c))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("subspace_attention/odd", "y(−x) = −y(x)", |f, case| {
                let other = f.eval(&case.clone().input("x", case.inputs.matrix("x")?.scale(-Ball::ONE)))?.matrix("y")?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("y")?.into_data(), other.scale(-Ball::ONE).into_data())))
            }),
            Law::equal("subspace_attention/basis", "U_kQ for U_k changes nothing, Q orthogonal", |f, case| {
                let u = case.inputs.real("u")?;
                let p = u.shape[2];
                // Columns in reverse order, every second with the other sign.
                let turned = (0..u.data.len()).map(|i| {
                    let (row, j) = (i / p.max(1), i % p.max(1));
                    let x = u.data[row * p + p - 1 - j];
                    if j % 2 == 0 { x } else { -x }
                });
                let other = f.eval(&case.clone().input("u", Tensor { shape: u.shape.clone(), data: turned.collect() }))?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("y")?.into_data(), other.matrix("y")?.into_data())))
            }),
            Law::equal("subspace_attention/shift", "adding the same number to every b changes nothing", |f, case| {
                let bias: Vec<Ball> = case.inputs.real("bias")?.data.iter().map(|&b| b + Ball::exact(1.5)).collect();
                let other = f.eval(&case.clone().input("bias", bias))?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("y")?.into_data(), other.matrix("y")?.into_data())))
            }),
            Law::equal("subspace_attention/symmetric_jacobian", "for a common β and c, ⟨a, J b⟩ = ⟨b, J a⟩", |f, case| {
                let x = case.inputs.matrix("x")?;
                let k = case.inputs.real("beta")?.data.len();
                let same = |v: f64| vec![Ball::exact(v); k];
                let case = case.clone().input("beta", same(0.25)).input("c", same(1.5));
                let a = Matrix::from_fn(x.rows(), x.cols(), |i, j| Ball::exact((3 * i + 5 * j) as f64 % 7.0 - 3.0));
                let b = Matrix::from_fn(x.rows(), x.cols(), |i, j| Ball::exact((2 * i + 3 * j) as f64 % 5.0 - 2.0));
                let through = |v: &Matrix<Ball>| f.vjp(&case, &Values::new().with("y", v.clone()))?.matrix("x");
                Ok(Some(Sides::of(through(&a)?.dot(&b)?, through(&b)?.dot(&a)?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let t = |shape: &[usize], data: &[f64]| Tensor { shape: shape.to_vec(), data: data.iter().map(|&x| Ball::exact(x)).collect() };
        let case = |beta: f64| {
            Case::new(
                Values::new()
                    .with("x", t(&[1, 2], &[1.0, 0.5]))
                    .with("u", t(&[2, 2, 1], &[1.0, 0.0, 0.0, 1.0]))
                    .with("bias", t(&[2], &[0.0, 0.0]))
                    .with("beta", t(&[2], &[beta, beta]))
                    .with("c", t(&[2], &[0.75, 0.75])),
            )
        };
        // w₁ = 1/(1 + exp(β(¼ − 1))).
        let w = (Ball::ONE + Ball::exact(-1.5).exp()).recip();
        vec![
            Closed::new("β = 0: the mean of the projections", case(0.0), Values::new().with("y", t(&[1, 2], &[0.375, 0.1875]))),
            Closed::new(
                "two axes, β = 2",
                case(2.0),
                Values::new().with(
                    "y",
                    Matrix::from_fn(1, 2, |_, j| if j == 0 { Ball::exact(0.75) * w } else { Ball::exact(0.375) * (Ball::ONE - w) }),
                ),
            ),
        ]
    }
}
