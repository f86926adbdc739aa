//! `mixture_rates`.

use super::moves::eps2;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Tensor, Values, cotangent};
use crate::reduction::{self, MixtureRates as Rates};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// `mixture_rates`.
pub struct MixtureRates;

impl MixtureRates {
    fn question<S: Scalar>(x: &Args<S>) -> Result<(Vec<S>, Vec<Matrix<S>>, Distortion<S>)> {
        Ok((x.vector("weights")?.to_vec(), x.matrices("factors")?, Distortion::Eps2(x.eps2()?)))
    }
}

impl Operator for MixtureRates {
    const SPEC: Spec = Spec {
        name: "mixture_rates",
        room: "reduction",
        purpose: "R, R^c and ΔR of a population: a mixture of Gaussians on subspaces",
        definition: "Σ_k = F_kᵀF_k; R = ½ log det(I + (d/ε²) Σ γ_k Σ_k), R^c = Σ γ_k ½ log det(I + (d/ε²) Σ_k), ΔR = R − R^c",
        source: "Ma, Derksen, Hong, Wright, TPAMI 2007; Yu, Chan, You, Song, Ma, NeurIPS 2020",
        inputs: &[
            Port::of(Domain::Simplex, "weights", "k", "γ_k, with sum 1"),
            Port::real("factors", "k r d", "F_k: rows √λ_j u_j; a mean is one more row"),
        ],
        outputs: &[Port::real("rate", "", "R"), Port::real("conditional", "", "R^c"), Port::real("reduction", "", "ΔR ≥ 0")],
        distortion: true,
        divergences: &["A covariance about the mean in place of the second moment about 0: a smaller rate, equal only for mean 0"],
        couples: "all components",
        cost: "(K r)²d + K r²d flops on the smaller sides",
        flops: |s| s("k") * s("k") * s("r") * s("r") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (weights, factors, distortion) = Self::question(x)?;
        let r = reduction::mixture_rates(&weights, &factors, distortion)?;
        Ok(Values::new().with("rate", r.rate).with("conditional", r.conditional).with("reduction", r.reduction))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (weights, factors, distortion) = Self::question(x)?;
        let bar = |name| Ok::<_, Error>(cotangent(y, name, 1, 1)?.data()[0]);
        let bar = Rates { rate: bar("rate")?, conditional: bar("conditional")?, reduction: bar("reduction")? };
        let gradient = reduction::mixture_rates_vjp(&weights, &factors, distortion, &bar)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        let shape = x.tensor("factors")?.shape.clone();
        let factors = Tensor::new(shape, gradient.factors.into_iter().flat_map(Matrix::into_data).collect())?;
        Ok(Values::new().with("weights", gradient.weights).with("factors", factors).with(name, eps))
    }
    fn adjust(mut case: Case) -> Case {
        // Every component takes part: the root of a weight of 0 has no derivative.
        if let Ok(k) = case.inputs.real("weights").map(|w| w.data.len()) {
            let mut left = 1.0;
            let mut weights: Vec<Ball> = (1..k)
                .map(|_| {
                    left *= 0.5;
                    Ball::exact(left)
                })
                .collect();
            weights.push(Ball::exact(left));
            case.inputs.set("weights", weights);
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("mixture_rates/order", "0 ≤ ΔR ≤ R", |f, case| {
                let out = f.eval(case)?;
                let (reduction, rate) = (out.scalar("reduction")?, out.scalar("rate")?);
                Ok(Some(Sides::all([Ball::ZERO, reduction], [reduction, rate])))
            }),
            Law::equal("mixture_rates/samples", "samples whose second moments are Σ_k exactly have the same R^c", |f, case| {
                let (out, tensor) = (f.eval(case)?, case.inputs.real("factors")?);
                let [k, r, d] = tensor.shape[..] else { return Ok(None) };
                let weights = case.inputs.real("weights")?.data.clone();
                // Component k as r samples √r F_k, each of weight γ_k·n/r in class k, n = k r: n_k/n = γ_k and S_k = F_kᵀF_k. R^c then is that of the mixture.
                let z = Matrix::new(k * r, d, tensor.data.clone())?.scale(Ball::exact(r as f64).sqrt());
                let pi = Matrix::from_fn(k * r, k, |i, c| if i / r == c { weights[c] * Ball::exact(k as f64) } else { Ball::ZERO });
                let membership = reduction::Membership::unnormalised(pi)?;
                let sampled = reduction::conditional_rate(&z, &membership, Distortion::Eps2(eps2(case)))?;
                Ok(Some(Sides::of(out.scalar("conditional")?, sampled)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |weights: &[f64], factors: Tensor<Ball>| {
            Case::new(Values::new().with("weights", weights.iter().map(|&w| Ball::exact(w)).collect::<Vec<_>>()).with("factors", factors))
                .set("eps2", 0.5)
        };
        let tensor = |shape: &[usize], data: &[f64]| Tensor { shape: shape.to_vec(), data: data.iter().map(|&x| Ball::exact(x)).collect() };
        let (half, ln) = (Ball::exact(0.5), |x: f64| Ball::exact(x).ln());
        vec![
            Closed::new(
                "two unit lines at right angles in R², ε² = ½: R = ln 3, R^c = ½ ln 5",
                case(&[0.5, 0.5], tensor(&[2, 1, 2], &[1.0, 0.0, 0.0, 1.0])),
                Values::new().with("rate", ln(3.0)).with("conditional", half * ln(5.0)).with("reduction", ln(3.0) - half * ln(5.0)),
            ),
            Closed::new(
                "one component: ΔR = 0",
                case(&[1.0], tensor(&[1, 2, 2], &[1.0, 2.0, 0.0, 1.0])),
                Values::new().with("reduction", Ball::ZERO),
            ),
        ]
    }
}
