//! The LASSO's solution and its certificate.

use super::*;
use crate::oracle::{Closed, Law, Operator, Sides, Spec, Tolerance, cotangent};

const SOURCE: &str = "Tibshirani, JRSS-B 1996; Chen, Donoho, Saunders, SIAM J. Sci. Comput. 1998";

/// `lasso`.
pub struct LassoSolution;
impl Operator for LassoSolution {
    const SPEC: Spec = Spec {
        name: "lasso",
        room: "sparse",
        purpose: "the sparse codes of minimal cost, and that cost",
        definition: "z = argmin ½‖X − ZA‖_F² + lambda‖Z‖_1 (codes=nonnegative: over Z ≥ 0), value the minimum; on the support z_S = (xA_Sᵀ − lambda s)(A_S A_Sᵀ)⁻¹",
        source: "Tibshirani, JRSS-B 1996; Osborne, Presnell, Turlach, IMA J. Numer. Anal. 2000; gradient of the solution: Mairal, Bach, Ponce, Task-driven dictionary learning, TPAMI 2012, eq. 12",
        inputs: &[X, A],
        outputs: &[Port::real("z", "n m", "codes, with exact zeros"), Port::real("value", "", "the minimum, ≥ 0")],
        params: &[LAMBDA, CODES],
        divergences: FACTORS,
        couples: "atoms and features of one sample; samples are independent",
        cost: "about k(md + k³/3) flops for a sample with k active atoms",
        flops: |s| s("n") * s("d") * s("m") * s("d"),
        tolerance: Tolerance { value: 2.0, gradient: 4.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let solution = problem(x)?.solve(&x.matrix("x")?)?;
        Ok(Values::new().with("z", solution.z).with("value", solution.value))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (lasso, data) = (problem(x)?, x.matrix("x")?);
        let solution = lasso.solve(&data)?;
        let z_bar = cotangent(y, "z", solution.z.rows(), solution.z.cols())?;
        let g = lasso.solve_vjp(&data, &solution, &z_bar, cotangent(y, "value", 1, 1)?[(0, 0)])?;
        Ok(Values::new().with("x", g.x).with("a", g.a).with("lambda", g.lambda))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most("lasso/optimality", "|c_j| ≤ lambda, c = (x − zA)Aᵀ (nonnegative: c_j ≤ lambda)", |f, case| {
                let (z, lasso) = (f.eval(case)?.matrix("z")?, problem_of(case)?);
                let r = case.inputs.matrix("x")?.sub(&z.matmul(lasso.atoms())?)?;
                let excess = r.matmul_t(lasso.atoms())?.map(|c| lasso.codes().excess(c));
                let bound = vec![lasso.lambda(); excess.data().len()];
                // On the support both sides are equal: their enclosures overlap.
                Ok(Some(Sides::all(excess.into_data(), bound)))
            }),
            Law::equal("lasso/complementarity", "lambda‖Z‖_1 = ⟨X − ZA, ZA⟩", |f, case| {
                let (z, lasso) = (f.eval(case)?.matrix("z")?, problem_of(case)?);
                let fit = z.matmul(lasso.atoms())?;
                Ok(Some(Sides::of(lasso.lambda() * norm1(&z), case.inputs.matrix("x")?.sub(&fit)?.dot(&fit)?)))
            }),
            Law::equal("lasso/value", "value = ½‖X‖² − ½‖ZA‖²", |f, case| {
                let y = f.eval(case)?;
                let fit = y.matrix("z")?.matmul(&case.inputs.matrix("a")?)?;
                let known = (case.inputs.matrix("x")?.frobenius_squared() - fit.frobenius_squared()) * exact(0.5);
                Ok(Some(Sides::of(y.scalar("value")?, known)))
            }),
            Law::at_most("lasso/minimum", "value ≤ P(Z) at other Z: 0, and one step from 0", |f, case| {
                let (lasso, x) = (problem_of(case)?, case.inputs.matrix("x")?);
                let value = f.eval(case)?.scalar("value")?;
                let eta = (Ball::ONE + lasso.atoms().frobenius_squared()).recip();
                let zero = Matrix::zeros(x.rows(), lasso.atoms().rows());
                let one = lasso.step(&x, &zero, eta)?.map(|z| if z.sign().is_none() { Ball::ZERO } else { z });
                Ok(Some(Sides::all(vec![value; 2], vec![lasso.objective(&x, &zero)?, lasso.objective(&x, &one)?])))
            }),
            Law::equal("lasso/homogeneous", "z(2X; 2 lambda) = 2 z, value times 4", |f, case| {
                let (twice, once) = (f.eval(&doubled(case, &["x"])?)?, f.eval(case)?);
                let mut right = once.matrix("z")?.scale(exact(2.0)).into_data();
                let mut left = twice.matrix("z")?.into_data();
                left.push(twice.scalar("value")?);
                right.push(once.scalar("value")? * exact(4.0));
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("lasso/slope", "∂value/∂lambda = ‖Z‖_1", |f, case| {
                let g = f.vjp(case, &Values::new().with("value", Ball::ONE))?;
                Ok(Some(Sides::of(g.scalar("lambda")?, norm1(&f.eval(case)?.matrix("z")?))))
            }),
            Law::equal("lasso/doubled_dictionary", "signed codes cost what nonnegative codes of [A; −A] cost", |f, case| {
                if codes_of(case) == Codes::NonNegative {
                    return Ok(None);
                }
                let a = case.inputs.matrix("a")?;
                let m = a.rows();
                let both = Matrix::from_fn(2 * m, a.cols(), |i, j| if i < m { a[(i, j)] } else { -a[(i - m, j)] });
                let split = f.eval(&case.clone().input("a", both).word("codes", "nonnegative"))?;
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, split.scalar("value")?)))
            }),
            Law::equal("lasso/sample_order", "reversing the samples reverses the codes", |f, case| {
                let flip = |m: &Matrix<Ball>| Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(m.rows() - 1 - i, j)]);
                let turned = f.eval(&case.clone().input("x", flip(&case.inputs.matrix("x")?)))?.matrix("z")?;
                Ok(Some(Sides::all(flip(&turned).into_data(), f.eval(case)?.matrix("z")?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let (o, is) = (Ball::ZERO, |z: [Ball; 3], v: Ball| Values::new().with("z", row(z)).with("value", v));
        let mut closed = vec![
            Closed::new("two of three atoms", golden(2.0), is([o, ratio(7.0, 18.0), ratio(25.0, 18.0)], ratio(37.0, 36.0))),
            Closed::new("a negative code", golden(-2.0), is([exact(0.5), exact(-1.5), o], exact(1.25))),
            Closed::new("non-negative", golden(-2.0).word("codes", "nonnegative"), is([exact(0.5), o, o], exact(2.375))),
            Closed::new("above λ_max = 11/5: 0", golden(2.0).set("lambda", 2.25), is([o; 3], exact(2.5))),
            Closed::new(
                "the first stretch of the path, z₃ = 11/5 − λ",
                golden(2.0).set("lambda", 1.5),
                is([o, o, ratio(7.0, 10.0)], ratio(451.0, 200.0)),
            ),
        ];
        // Orthonormal atoms: S_λ(xAᵀ), and the sum of Huber's function.
        let x = Matrix::from_rows(&[[3.0, -0.25], [-0.25, 1.0]]);
        let z = Matrix::from_rows(&[[2.5, 0.0], [0.0, 0.5]]);
        // 3/2 − 1/8 + 1/32 + 1/32 + 1/2 − 1/8.
        let case = Case::new(Values::new().with("x", x).with("a", Matrix::<Ball>::identity(2))).set("lambda", 0.5);
        closed.push(Closed::new("the identity", case, Values::new().with("z", z).with("value", exact(1.8125))));
        closed
    }
    fn adjust(case: Case) -> Case {
        distinct_atoms(case)
    }
}

/// `lasso_gap`.
pub struct LassoGap;
impl Operator for LassoGap {
    const SPEC: Spec = Spec {
        name: "lasso_gap",
        room: "sparse",
        purpose: "how far codes are from optimal: primal and dual value, and their gap",
        definition: "primal P(Z) = ½‖X − ZA‖² + lambda‖Z‖_1; with r = x − zA, c = rAᵀ, s = lambda/max(lambda, max|c|) (nonnegative: of the positive parts), dual Σ_rows s⟨r, x⟩ − ½s²‖r‖²; gap their difference ≥ P(Z) − P*",
        source: SOURCE,
        inputs: &[X, Port::real("z", "n m", "codes, one row a sample"), A],
        outputs: &[
            Port::real("primal", "", "P(Z)"),
            Port::real("dual", "", "a lower bound of the minimum"),
            Port::real("gap", "", "≥ 0, and 0 at an optimum"),
        ],
        params: &[LAMBDA, CODES],
        divergences: &[
            FACTORS[0],
            FACTORS[1],
            "The other usual scaling, s = clip(⟨x, r⟩/‖r‖², ±lambda/max|c|), gives a gap that is never larger",
        ],
        couples: "atoms and features of one sample; samples are independent and summed",
        cost: "4·n·m·d flops",
        flops: |s| 4.0 * s("n") * s("m") * s("d"),
        tolerance: Tolerance { value: 2.0, gradient: 4.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let [primal, dual, gap] = problem(x)?.gap(&x.matrix("x")?, &x.matrix("z")?)?;
        Ok(Values::new().with("primal", primal).with("dual", dual).with("gap", gap))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let bar = |name: &str| Ok(cotangent(y, name, 1, 1)?[(0, 0)]);
        let g = problem(x)?.gap_vjp(&x.matrix("x")?, &x.matrix("z")?, [bar("primal")?, bar("dual")?, bar("gap")?])?;
        Ok(Values::new().with("x", g.x).with("z", g.z).with("a", g.a).with("lambda", g.lambda))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("lasso_gap/difference", "gap = primal − dual", |f, case| {
                let y = f.eval(case)?;
                Ok(Some(Sides::of(y.scalar("gap")?, y.scalar("primal")? - y.scalar("dual")?)))
            }),
            Law::at_most("lasso_gap/weak_duality", "dual ≤ min P ≤ primal", |f, case| {
                let y = f.eval(case)?;
                let least = problem_of(case)?.solve(&case.inputs.matrix("x")?)?.value;
                Ok(Some(Sides::all(vec![y.scalar("dual")?, least], vec![least, y.scalar("primal")?])))
            }),
            Law::at_most("lasso_gap/distance", "½‖(Z − Z*)A‖² ≤ P(Z) − min P ≤ gap", |f, case| {
                let (y, lasso) = (f.eval(case)?, problem_of(case)?);
                let best = lasso.solve(&case.inputs.matrix("x")?)?;
                let apart = case.inputs.matrix("z")?.sub(&best.z)?.matmul(lasso.atoms())?.frobenius_squared() * exact(0.5);
                let lacking = y.scalar("primal")? - best.value;
                Ok(Some(Sides::all(vec![apart, lacking], vec![lacking, y.scalar("gap")?])))
            }),
            Law::equal("lasso_gap/homogeneous", "of (2X, 2Z, 2 lambda): times 4", |f, case| {
                let (twice, once) = (f.eval(&doubled(case, &["x", "z"])?)?, f.eval(case)?);
                let all = |y: &Values<Ball>, c: f64| -> Result<Vec<Ball>> {
                    ["primal", "dual", "gap"].iter().map(|n| Ok(y.scalar(n)? * exact(c))).collect()
                };
                Ok(Some(Sides::all(all(&twice, 1.0)?, all(&once, 4.0)?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let at = |z: [Ball; 3]| golden(2.0).input("z", row(z));
        let is = |p: Ball, gap: Ball| Values::new().with("primal", p).with("dual", p - gap).with("gap", gap);
        let o = Ball::ZERO;
        vec![
            Closed::new("at 0", at([o; 3]), is(exact(2.5), ratio(1445.0, 968.0))),
            Closed::new(
                "after one step of ISTA",
                at([exact(0.25), exact(0.75), ratio(17.0, 20.0)]),
                is(ratio(893.0, 800.0), ratio(317.0, 3200.0)),
            ),
            Closed::new(
                "after two: the gap grows while P falls",
                at([ratio(3.0, 25.0), ratio(157.0, 200.0), ratio(9.0, 10.0)]),
                is(ratio(693.0, 640.0), ratio(2297.0, 23040.0)),
            ),
            Closed::new(
                "after three",
                at([ratio(1.0, 25.0), ratio(313.0, 400.0), ratio(19.0, 20.0)]),
                is(ratio(13657.0, 12800.0), ratio(5373.0, 51200.0)),
            ),
            Closed::new("at the optimum: 0", at([o, ratio(7.0, 18.0), ratio(25.0, 18.0)]), is(ratio(37.0, 36.0), o)),
        ]
    }
    fn adjust(case: Case) -> Case {
        let mut case = distinct_atoms(case);
        if codes_of(&case) == Codes::NonNegative
            && let Ok(z) = case.inputs.real("z")
        {
            // Above 0, so that a small move of a code is still a code.
            let z = z.map(|z| z.abs() + exact(0.125));
            case.inputs.set("z", z);
        }
        case
    }
}
