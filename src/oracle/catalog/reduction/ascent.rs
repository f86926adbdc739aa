//! `rate_ascent_step`.

use super::moves::{LABELS, PI, Z, alpha, eps2, membership, one_membership, rotated, rotation};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Values};
use crate::reduction::optimum::{Constraint, Step, ascent_step, ascent_step_vjp, feasible};
use crate::reduction::{Membership, rate_reduction};
use crate::scalar::{Ball, Bulk, Scalar};
use crate::{Error, Result};

/// `rate_ascent_step`.
pub struct AscentStep;

impl AscentStep {
    fn step<S: Scalar>(x: &Args<S>) -> Result<Step<S>> {
        let constraint = if x.word("constraint")? == "rows" { Constraint::Rows } else { Constraint::Classes };
        Ok(Step { distortion: Distortion::Eps2(x.eps2()?), eta: x.param("eta")?, constraint })
    }
}

impl Operator for AscentStep {
    const SPEC: Spec = Spec {
        name: "rate_ascent_step",
        room: "reduction",
        purpose: "one step of projected gradient ascent on ΔR",
        definition: "Z⁺ = Proj(Z + η ∂ΔR/∂Z); rows: each row to length 1; classes: ‖Z_k‖² to n_k. For feasible Z and η ≤ 8/(9α), ΔR(Z⁺) − ΔR(Z) ≥ (1/(2η) − 9α/16)‖Z⁺ − Z‖²",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, eq. 7; the bound derived",
        inputs: &[Z, LABELS, PI],
        outputs: &[Port::real("y", "n d", "Z⁺")],
        distortion: true,
        params: &[
            Param { name: "eta", domain: Range::Positive, default: None, samples: &[0.5, 0.125, 1.0], doc: "η, the step" },
            Param {
                name: "constraint",
                domain: Range::Word(&["rows", "classes"]),
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "what the projection scales; classes needs labels",
            },
        ],
        divergences: &["ReduNet replaces the memberships of the gradient by estimates from the operators: see redunet_layer"],
        couples: "all samples",
        cost: "that of the gradient",
        flops: |s| 4.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", ascent_step(&x.matrix("z")?, &membership(x)?, &Self::step(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        if x.has("pi") {
            return Err(Error::unsupported("pi", "labels, for the gradient of a step", "weights"));
        }
        let gradient = ascent_step_vjp(&x.matrix("z")?, &membership(x)?, &Self::step(x)?, &y.matrix("y")?)?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        Ok(Values::new().with("z", gradient.z).with("eta", gradient.eta).with(name, eps))
    }
    fn adjust(case: Case) -> Case {
        let mut case = one_membership(case);
        if let Ok(z) = case.inputs.matrix("z") {
            if case.inputs.remove("pi").is_some() {
                case.inputs.set("labels", Tensor { shape: vec![z.rows()], data: (0..z.rows()).map(|i| (i % 3) as i64).collect() });
            }
            // A sample of length 0 has no nearest unit vector.
            let one = |i: usize| z.row(i).iter().all(|x| *x == Ball::ZERO);
            case.inputs.set("z", Matrix::from_fn(z.rows(), z.cols(), |i, j| if one(i) { Ball::exact(0.25) } else { z[(i, j)] }));
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("rate_ascent_step/rotation", "the step commutes with rotations of the features", |f, case| {
                let plain = f.eval(case)?.matrix("y")?;
                let turned = f.eval(&rotated(case)?)?.matrix("y")?;
                Ok(Some(Sides::all(turned.into_data(), plain.matmul(&rotation(plain.cols()))?.into_data())))
            }),
            Law::at_most(
                "rate_ascent_step/never_loses",
                "from unit rows, (1/(2η) − 9α/16)‖Z⁺ − Z‖² ≤ ΔR(Z⁺) − ΔR(Z), whatever η",
                |f, case| {
                    let labels = membership_of(case)?;
                    let (z, _) = feasible(&case.inputs.matrix("z")?, Constraint::Rows, &labels)?;
                    let from = case.clone().word("constraint", "rows").input("z", z.clone());
                    let to = f.eval(&from)?.matrix("y")?;
                    let distortion = Distortion::Eps2(eps2(case));
                    let gain = rate_reduction(&to, &labels, distortion)? - rate_reduction(&z, &labels, distortion)?;
                    let eta = Ball::exact(case.number("eta").unwrap_or(1.0));
                    let factor = (eta * Ball::exact(2.0)).recip() - alpha(case)? * Ball::exact(0.5625);
                    Ok(Some(Sides::of(factor * to.sub(&z)?.frobenius_squared(), gain)))
                },
            ),
            Law::equal("rate_ascent_step/lengths", "the rows, or the classes, have the lengths the constraint asks for", |f, case| {
                let y = f.eval(&case.clone().word("constraint", "rows"))?.matrix("y")?;
                let norms: Vec<Ball> = (0..y.rows()).map(|i| <Ball as Bulk>::dot(y.row(i), y.row(i))).collect();
                Ok(Some(Sides::all(norms.clone(), vec![Ball::ONE; norms.len()])))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |z: Matrix<Ball>, labels: &[i64]| {
            Case::new(Values::new().with("z", z).with("labels", Tensor { shape: vec![labels.len()], data: labels.to_vec() }))
                .set("eps2", 0.5)
                .set("eta", 0.5)
        };
        let y = |m: Matrix<Ball>| Values::new().with("y", m);
        let orthogonal = Matrix::from_rows(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
        vec![
            Closed::new("orthogonal unit rows, each its own class: a fixed point", case(orthogonal.clone(), &[0, 1]), y(orthogonal)),
            Closed::new("one class: no gradient, the projection alone", case(Matrix::from_rows(&[[3.0, 4.0]]), &[0]), {
                let fifth = Ball::exact(5.0).recip();
                y(Matrix::from_rows(&[[3.0, 4.0]]).scale(fifth))
            }),
        ]
    }
}

fn membership_of(case: &Case) -> Result<Membership<Ball>> {
    Membership::from_labels(case.inputs.int("labels")?.data.iter().map(|&l| l as usize).collect())
}
