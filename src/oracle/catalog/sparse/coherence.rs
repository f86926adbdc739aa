//! Mutual coherence.

use super::*;
use crate::oracle::{Closed, Law, Operator, Sides, Spec};
use crate::sparse::{coherence, welch_bound};

/// `coherence`.
pub struct Coherence;
impl Operator for Coherence {
    const SPEC: Spec = Spec {
        name: "coherence",
        room: "sparse",
        purpose: "the largest cosine between two atoms",
        definition: "μ = max_{i≠j} |a_i·a_j|/(‖a_i‖‖a_j‖); codes of fewer than ½(1 + 1/μ) atoms are recovered exactly",
        source: "Donoho, Huo, IEEE Trans. Inform. Theory 2001; Donoho, Elad, PNAS 2003",
        inputs: &[A],
        outputs: &[Port::real("value", "", "between 0 and 1")],
        divergences: &["Some papers assume unit atoms and leave out the norms"],
        couples: "all atoms",
        differentiable: false,
        cost: "m²·d flops",
        flops: |s| s("m") * s("m") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", coherence(&x.matrix("a")?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("coherence/scale", "each atom may be scaled", |f, case| {
                let a = case.inputs.matrix("a")?;
                let scaled = Matrix::from_fn(a.rows(), a.cols(), |i, j| a[(i, j)] * exact([-2.0, 0.5, 4.0][i % 3]));
                Ok(Some(Sides::of(f.eval(&case.clone().input("a", scaled))?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("coherence/welch", "√((m − d)/(d(m − 1))) ≤ μ ≤ 1", |f, case| {
                let [m, d] = case.inputs.matrix("a")?.shape();
                let mu = f.eval(case)?.scalar("value")?;
                Ok(Some(Sides::all(vec![welch_bound(m, d), mu], vec![mu, Ball::ONE])))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let of = |a: Matrix<Ball>| Case::new(Values::new().with("a", a));
        let is = |v: Ball| Values::new().with("value", v);
        let hadamard = [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]];
        let both = Matrix::from_fn(8, 4, |i, j| match i < 4 {
            true => exact(f64::from(u8::from(i == j))),
            false => exact(0.5 * hadamard[i - 4][j]),
        });
        vec![
            Closed::new("the identity beside a Hadamard matrix: 1/√d", of(both), is(exact(0.5))),
            Closed::new("the 3-4-5 atom", of(golden(2.0).inputs.matrix("a").unwrap_or_default()), is(ratio(4.0, 5.0))),
            Closed::new(
                "a simplex attains Welch's bound: 1/d",
                of(Matrix::from_rows(&[[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])),
                is(ratio(1.0, 3.0)),
            ),
            Closed::new("one atom: 0", of(Matrix::from_rows(&[[2.0, 1.0]])), is(Ball::ZERO)),
        ]
    }
    fn adjust(mut case: Case) -> Case {
        // No atom may be 0.
        if let Ok(a) = case.inputs.matrix("a") {
            let kept = Matrix::from_fn(a.rows(), a.cols(), |i, j| match a.row(i).iter().all(|&x| x == Ball::ZERO) {
                true => Ball::ONE,
                false => a[(i, j)],
            });
            case.inputs.set("a", kept);
        }
        case
    }
}
