//! `simdino_patch_loss`.

use super::moves::{one, value};
use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Sides, Spec, Tensor, Value, Values};
use crate::reduction::simdino;
use crate::scalar::{Ball, Scalar};

fn is(x: Ball) -> Values<Ball> {
    Values::new().with("value", x)
}

/// `simdino_patch_loss`.
pub struct SimDinoPatchLoss;

impl Operator for SimDinoPatchLoss {
    const SPEC: Spec = Spec {
        name: "simdino_patch_loss",
        room: "reduction",
        purpose: "the loss of SimDINOv2 on masked patches",
        definition: "−(1/B) Σ_j w_j cos(q_j, s_j), w_j = 1/(number of masked patches of the crop of j), B global crops",
        source: "Wu et al., SimDINO, ICML 2025; simdinov2/loss/ibot_patch_loss.py, CosinePatchLoss.forward_masked",
        inputs: &[
            Port::real("student", "j p", "masked patches of the student, one a row"),
            Port::real("teacher", "j p", "the teacher's"),
            Port::of(Domain::Label("crops"), "crop", "j", "the crop of each"),
        ],
        outputs: &[Port::real("value", "", "from −1 to 1")],
        params: &[Param {
            name: "crops",
            domain: Range::Count(1),
            default: None,
            samples: &[2.0, 5.0],
            doc: "B, the number of global crops",
        }],
        divergences: &[
            "The total loss weighs it by ibot_weight; at full agreement with weight ½ the log stops at −0.5, which is its floor, not a fault",
            "A vector of length 0 is refused here; torch clamps its norm at 1e-8",
        ],
        couples: "patches of one crop, through their number",
        cost: "6·j·p flops",
        flops: |s| 6.0 * s("j") * s("p"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new()
            .with("value", simdino::patch_loss(&x.matrix("student")?, &x.matrix("teacher")?, &x.labels("crop")?, x.count("crops")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (s, q) = simdino::patch_loss_vjp(
            &x.matrix("student")?,
            &x.matrix("teacher")?,
            &x.labels("crop")?,
            x.count("crops")?,
            y.scalar("value")?,
        )?;
        Ok(Values::new().with("student", s).with("teacher", q))
    }
    fn adjust(case: Case) -> Case {
        let crops = case.number("crops").unwrap_or(1.0) as i64;
        let mut case = case;
        if let Some(Value::Int(t)) = case.inputs.get("crop") {
            let within = t.map(|c| c % crops);
            case.inputs.set("crop", within);
        }
        for name in ["student", "teacher"] {
            if let Ok(m) = case.inputs.matrix(name) {
                let zero = |i: usize| m.row(i).iter().all(|x| *x == Ball::ZERO);
                let fixed = Matrix::from_fn(m.rows(), m.cols(), |i, j| if zero(i) { Ball::exact(0.5) } else { m[(i, j)] });
                case.inputs.set(name, fixed);
            }
        }
        case
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("simdino_patch_loss/range", "−1 ≤ value ≤ 1", |f, case| {
                let x = value(f.eval(case)?)?;
                Ok(Some(Sides::all([-Ball::ONE, x], [x, Ball::ONE])))
            }),
            Law::equal("simdino_patch_loss/scale", "the lengths of the vectors do not matter", |f, case| {
                let twice = case.clone().input("student", case.inputs.matrix("student")?.scale(Ball::exact(2.0)));
                Ok(Some(Sides::of(value(f.eval(&twice)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("simdino_patch_loss/radial", "⟨s, ∂/∂s⟩ = 0", |f, case| {
                let g = f.vjp(case, &one())?.matrix("student")?;
                Ok(Some(Sides::of(g.dot(&case.inputs.matrix("student")?)?, Ball::ZERO)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let rows = Matrix::<Ball>::from_rows(&[[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]);
        let crop = Tensor { shape: vec![3], data: vec![0, 0, 1] };
        let case = |q: Matrix<Ball>, crops: f64| {
            Case::new(Values::new().with("student", rows.clone()).with("teacher", q).with("crop", crop.clone())).set("crops", crops)
        };
        let turned = Matrix::<Ball>::from_rows(&[[1.0, 0.0], [1.0, 0.0], [4.0, 3.0]]);
        vec![
            Closed::new("teacher = student: −1", case(rows.clone(), 2.0), is(-Ball::ONE)),
            Closed::new(
                "a crop without masked patches counts in B: −2/3",
                case(rows.clone(), 3.0),
                is(Ball::exact(-2.0) / Ball::exact(3.0)),
            ),
            Closed::new("cosines 1, 0 and 24/25: −(½ + 24/25)/2", case(turned, 2.0), is(Ball::exact(-73.0) / Ball::exact(100.0))),
        ]
    }
}
