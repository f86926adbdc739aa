//! `redunet_update`.

use super::layer::stacked;
use super::signals::{LABELS, compact, eps2, labels};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Values, cotangent};
use crate::reduction::{ClassScale, Membership, RateOperators};
use crate::redunet::towards;
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// `redunet_update`.
pub struct Update;

/// The operators of the layer and of the batch, and τ.
struct Parts<S> {
    z: Matrix<S>,
    members: Membership<S>,
    old: RateOperators<S>,
    new: RateOperators<S>,
    tau: S,
}

fn parts<S: Scalar>(x: &Args<S>) -> Result<Parts<S>> {
    let (z, members) = (x.matrix("z")?, Membership::from_labels(x.labels("labels")?)?);
    let new = RateOperators::new(&z, &members, Distortion::Eps2(x.eps2()?), ClassScale::Samples)?;
    let old = RateOperators { e: x.matrix("e")?, c: x.matrices("c")?, gamma: new.gamma.clone() };
    if old.c.len() != new.c.len() {
        return Err(Error::shape("c", format!("{} classes, as the labels have", new.c.len()), old.c.len().to_string()));
    }
    Ok(Parts { z, members, old, new, tau: x.param("tau")? })
}

impl Operator for Update {
    const SPEC: Spec = Spec {
        name: "redunet_update",
        room: "redunet",
        purpose: "the moving average by which the operators of a ReduNet layer follow a new batch",
        definition: "E ← E + τ(E_batch − E), C_k ← C_k + τ(C_k,batch − C_k), the operators of the batch as in rate_operators; γ_k stays",
        source: "official ReduNet code, ReduLayer.update; Chan et al., JMLR 2022",
        inputs: &[
            Port::real("z", "n d", "the batch as the layers before made it, one sample a row"),
            LABELS,
            Port::real("e", "d d", "E of the layer"),
            Port::real("c", "k d d", "C_1 … C_K of the layer"),
        ],
        outputs: &[Port::real("e", "d d", "E"), Port::real("c", "k d d", "C_1 … C_K")],
        distortion: true,
        params: &[Param {
            name: "tau",
            domain: Range::Fraction,
            default: Some(0.1),
            samples: &[0.1, 0.25, 0.75],
            doc: "τ, the weight of the batch; with 1 the layer would be built anew, which is rate_operators",
        }],
        presets: &[Preset { name: "redunet-repo", doc: "ReduLayer.update: its eps is ε²; otherwise the same", eps_means_eps2: true }],
        divergences: &[
            "The code leaves γ as it was (the line that would update it is commented out): 1/K unless the layer was built from data",
            "The average of two operators is not the operator of the two batches together",
        ],
        couples: "all samples",
        cost: "n·d² + (7/3)(K+1)·d³ flops",
        flops: |s| s("n") * s("d") * s("d") * 2.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let p = parts(x)?;
        let moved = towards(&p.old, &p.new, p.tau)?;
        Ok(Values::new().with("e", moved.e).with("c", stacked(moved.c)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let p = parts(x)?;
        let (k, d) = (p.old.c.len(), p.z.cols());
        let (e, c) = (cotangent(y, "e", d, d)?, cotangent(y, "c", k, d * d)?);
        let c = (0..k).map(|k| Matrix::new(d, d, c.row(k).to_vec())).collect::<Result<Vec<_>>>()?;
        let mut tau_bar = e.dot(&p.new.e.sub(&p.old.e)?)?;
        for (c, (new, old)) in c.iter().zip(p.new.c.iter().zip(&p.old.c)) {
            tau_bar += c.dot(&new.sub(old)?)?;
        }
        let kept = S::ONE - p.tau;
        let (e_old, c_old) = (e.scale(kept), c.iter().map(|c| c.scale(kept)).collect());
        let bar = RateOperators { e: e.scale(p.tau), c: c.iter().map(|c| c.scale(p.tau)).collect(), gamma: vec![S::ZERO; k] };
        let g = p.new.vjp(&p.z, &p.members, Distortion::Eps2(x.eps2()?), ClassScale::Samples, &bar)?;
        let (name, eps) = x.eps_gradient(g.eps2)?;
        Ok(Values::new().with("z", g.z).with("e", e_old).with("c", stacked(c_old)?).with("tau", tau_bar).with(name, eps))
    }
    fn adjust(case: Case) -> Case {
        // As many operators as there are classes in the batch.
        let mut case = compact(case);
        let classes = labels(&case).ok().and_then(|l| l.into_iter().max()).map_or(1, |m| m + 1);
        if let Ok(c) = case.inputs.real("c").cloned() {
            let size = c.shape[1] * c.shape[2];
            case.inputs.set("c", Tensor { shape: vec![classes, c.shape[1], c.shape[2]], data: c.data[..classes * size].to_vec() });
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("redunet_update/mean", "with τ the old operators keep 1 − τ, those of the batch get τ", |f, case| {
                let members = Membership::from_labels(labels(case)?)?;
                let z = case.inputs.matrix("z")?;
                let batch = RateOperators::new(&z, &members, Distortion::Eps2(eps2(case)), ClassScale::Samples)?;
                let tau = Ball::exact(case.number("tau").unwrap_or(0.1));
                let mix = |a: Ball, b: Ball| a * (Ball::ONE - tau) + b * tau;
                let (out, old) = (f.eval(case)?, &case.inputs);
                let left = [out.real("e")?.data.clone(), out.real("c")?.data.clone()].concat();
                let before = [old.real("e")?.data.clone(), old.real("c")?.data.clone()].concat();
                let new = batch.e.into_data().into_iter().chain(batch.c.into_iter().flat_map(Matrix::into_data));
                Ok(Some(Sides::all(left, before.into_iter().zip(new).map(|(a, b)| mix(a, b)).collect::<Vec<_>>())))
            }),
            Law::equal(
                "redunet_update/linear",
                "old operators times 2 less the result of old operators: the old ones times 1 − τ",
                |f, case| {
                    let (e, c) = (case.inputs.real("e")?, case.inputs.real("c")?);
                    let two = Ball::exact(2.0);
                    let twice = case.clone().input("e", e.map(|x| x * two)).input("c", c.map(|x| x * two));
                    let kept = Ball::ONE - Ball::exact(case.number("tau").unwrap_or(0.1));
                    let all = |o: Values<Ball>| Ok::<_, Error>([o.real("e")?.data.clone(), o.real("c")?.data.clone()].concat());
                    let (a, b) = (all(f.eval(&twice)?)?, all(f.eval(case)?)?);
                    let left: Vec<Ball> = a.iter().zip(&b).map(|(&a, &b)| a - b).collect();
                    Ok(Some(Sides::all(left, [e.data.clone(), c.data.clone()].concat().into_iter().map(|x| x * kept).collect::<Vec<_>>())))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // Two I in two classes at ε² = 2: E = I/6, C_0 = diag(1/5, 1), C_1 = diag(1, 1/5); from 0 with τ = ½ half of each.
        let over = |x: f64, by: f64| Ball::exact(x) / Ball::exact(by);
        let inputs = Values::new()
            .with("z", Matrix::identity(2).scale(Ball::exact(2.0)))
            .with("labels", Tensor { shape: vec![2], data: vec![0, 1] })
            .with("e", Matrix::zeros(2, 2))
            .with("c", Tensor { shape: vec![2, 2, 2], data: vec![Ball::ZERO; 8] });
        let (tenth, half, zero) = (over(1.0, 10.0), Ball::exact(0.5), Ball::ZERO);
        let c = vec![tenth, zero, zero, half, half, zero, zero, tenth];
        let out = Values::new().with("e", Matrix::identity(2).scale(over(1.0, 12.0)));
        let out = out.with("c", Tensor { shape: vec![2, 2, 2], data: c });
        vec![Closed::new("from nothing, half the way to 2I in two classes", Case::new(inputs).set("eps2", 2.0).set("tau", 0.5), out)]
    }
}
