//! ISTA and FISTA from zero codes.

use super::*;
use crate::oracle::{Closed, Implementation, Law, Operator, Sides, Spec, Tolerance, digits};
use crate::sparse::Method;

const ETA: Param = Param {
    name: "eta",
    domain: Range::Positive,
    default: None,
    samples: &[0.125, 0.5, 0.0625],
    doc: "step; convergence is proven up to 1/‖A‖₂²",
};
const STEPS: Param = Param { name: "steps", domain: Range::Count(0), default: None, samples: &[1.0, 2.0, 3.0, 5.0], doc: "how many" };
const SPEC: Spec = Spec {
    room: "sparse",
    inputs: &[X, A],
    outputs: &[Port::real("z", "n m", "codes after the last step, with exact zeros")],
    params: &[LAMBDA, ETA, STEPS, CODES],
    couples: "atoms and features of one sample; samples are independent",
    cost: "4·n·m·d flops a step",
    flops: |s| 12.0 * s("n") * s("m") * s("d"),
    tolerance: Tolerance { value: 1.0, gradient: 2.0 },
    ..Spec::BLANK
};

fn value<S: Scalar>(x: &Args<S>, method: Method) -> Result<Values<S>> {
    Ok(Values::new().with("z", problem(x)?.iterates(method, &x.matrix("x")?, x.param("eta")?, x.count("steps")?)?))
}
fn gradient<S: Scalar>(x: &Args<S>, y: &Values<S>, method: Method) -> Result<Values<S>> {
    let (lasso, data) = (problem(x)?, x.matrix("x")?);
    let start = Matrix::zeros(data.rows(), lasso.atoms().rows());
    let g = lasso.iterate_vjp(method, &data, &start, x.param("eta")?, x.count("steps")?, &y.matrix("z")?)?;
    Ok(Values::new().with("x", g.x).with("a", g.a).with("eta", g.eta).with("lambda", g.lambda))
}
fn z(f: &dyn Implementation, case: &Case) -> Result<Matrix<Ball>> {
    f.eval(case)?.matrix("z")
}
fn number(case: &Case, name: &str) -> f64 {
    case.number(name).unwrap_or(f64::NAN)
}
/// `η‖A‖_F² ≤ 1`, which implies `η ≤ 1/L`.
fn safe(case: &Case) -> Result<bool> {
    Ok((case.inputs.matrix("a")?.frobenius_squared() * exact(number(case, "eta"))).upper() <= 1.0)
}
/// A point near the solution; the rates hold against any point.
fn near_solution(case: &Case) -> Result<Matrix<Ball>> {
    let lasso = problem_of(case)?;
    let plain = Lasso::new(lasso.atoms().map(|a| a.mid().hi()), lambda_of(case), lasso.codes())?;
    Ok(plain.solve(&case.inputs.matrix("x")?.map(|x| x.mid().hi()))?.z.map(exact))
}
/// `P(z_k) − P(z)` and `‖z‖²/η`.
fn rate(f: &dyn Implementation, case: &Case) -> Result<Option<(Ball, Ball)>> {
    if !safe(case)? || number(case, "steps") < 1.0 {
        return Ok(None);
    }
    let (lasso, x, near) = (problem_of(case)?, case.inputs.matrix("x")?, near_solution(case)?);
    let behind = lasso.objective(&x, &z(f, case)?)? - lasso.objective(&x, &near)?;
    Ok(Some((behind, near.frobenius_squared() / exact(number(case, "eta")))))
}
fn homogeneous(f: &dyn Implementation, case: &Case) -> Result<Option<Sides>> {
    Ok(Some(Sides::all(z(f, &doubled(case, &["x"])?)?.into_data(), z(f, case)?.scale(exact(2.0)).into_data())))
}
fn golden_steps(second: f64, steps: usize) -> Case {
    golden(second).set("eta", 0.5).set("steps", steps as f64)
}

/// `ista`.
pub struct Ista;
impl Operator for Ista {
    const SPEC: Spec = Spec {
        name: "ista",
        purpose: "proximal gradient steps on the LASSO, from zero codes",
        definition: "z_0 = 0, z_k = S_{eta·lambda}(z_{k−1} + eta (x − z_{k−1}A)Aᵀ), k = 1 … steps; S_t(u) = sgn(u) max(|u| − t, 0), codes=nonnegative: relu(u − t)",
        source: "Daubechies, Defrise, De Mol, Comm. Pure Appl. Math. 2004; Beck, Teboulle, SIAM J. Imaging Sci. 2009, eq. 1.4 and Theorem 3.1",
        divergences: &[
            FACTORS[0],
            FACTORS[1],
            "The monograph starts from Gaussian codes; its chapter 2 prints + for − before the gradient",
            "One step with atoms as columns and any start: ista_step",
        ],
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        value(x, Method::Ista)
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradient(x, y, Method::Ista)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most(
                "ista/rate",
                "P(z_k) − P(z) ≤ ‖z‖²/(2 eta k) for every z, eta ≤ 1/L; here near the solution",
                |f, case| {
                    let Some((behind, scale)) = rate(f, case)? else { return Ok(None) };
                    Ok(Some(Sides::of(behind, scale / exact(2.0 * number(case, "steps")))))
                },
            ),
            Law::at_most(
                "ista/descent",
                "P(z_{k+1}) ≤ P(z_k) − (1/eta − L/2)‖z_{k+1} − z_k‖², L bounded by ‖A‖_F²",
                |f, case| {
                    if !safe(case)? {
                        return Ok(None);
                    }
                    let (lasso, x) = (problem_of(case)?, case.inputs.matrix("x")?);
                    let (now, next) = (z(f, case)?, z(f, &case.clone().set("steps", number(case, "steps") + 1.0))?);
                    let slope = exact(number(case, "eta")).recip() - lasso.atoms().frobenius_squared() * exact(0.5);
                    let bound = lasso.objective(&x, &now)? - slope * next.sub(&now)?.frobenius_squared();
                    Ok(Some(Sides::of(lasso.objective(&x, &next)?, bound)))
                },
            ),
            Law::at_most("ista/fejer", "no step leads away from the solution", |f, case| {
                if !safe(case)? {
                    return Ok(None);
                }
                let best = problem_of(case)?.solve(&case.inputs.matrix("x")?)?.z;
                let (now, next) = (z(f, case)?, z(f, &case.clone().set("steps", number(case, "steps") + 1.0))?);
                Ok(Some(Sides::of(next.sub(&best)?.frobenius_squared(), now.sub(&best)?.frobenius_squared())))
            }),
            Law::equal("ista/first_step", "z_1 = S_{eta·lambda}(eta xAᵀ), an encoder of one layer", |f, case| {
                let (lasso, eta) = (problem_of(case)?, exact(number(case, "eta")));
                let u = case.inputs.matrix("x")?.matmul_t(lasso.atoms())?;
                let known = u.map(|u| lasso.codes().shrink(eta * u, eta * lasso.lambda()));
                Ok(Some(Sides::all(z(f, &case.clone().set("steps", 1.0))?.into_data(), known.into_data())))
            }),
            Law::equal("ista/homogeneous", "z(2X; 2 lambda) = 2 z(X; lambda)", homogeneous),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let is = |z: [Ball; 3]| Values::new().with("z", row(z));
        let nonnegative = |steps| golden_steps(-2.0, steps).word("codes", "nonnegative");
        let (o, q) = (Ball::ZERO, exact(0.25));
        vec![
            Closed::new("one step", golden_steps(2.0, 1), is([q, exact(0.75), ratio(17.0, 20.0)])),
            Closed::new("two steps", golden_steps(2.0, 2), is([ratio(3.0, 25.0), ratio(157.0, 200.0), ratio(9.0, 10.0)])),
            Closed::new("three steps", golden_steps(2.0, 3), is([ratio(1.0, 25.0), ratio(313.0, 400.0), ratio(19.0, 20.0)])),
            Closed::new("signed, one step", golden_steps(-2.0, 1), is([q, exact(-0.75), -q])),
            Closed::new("non-negative, two steps", nonnegative(2), is([exact(0.375), o, o])),
            Closed::new("no step: 0", golden_steps(2.0, 0), is([o; 3])),
        ]
    }
    fn adjust(case: Case) -> Case {
        small_atoms(distinct_atoms(case))
    }
}

/// `fista`.
pub struct Fista;
impl Operator for Fista {
    const SPEC: Spec = Spec {
        name: "fista",
        purpose: "accelerated proximal gradient steps on the LASSO, from zero codes",
        definition: "y_1 = z_0 = 0, t_1 = 1; z_k = S_{eta·lambda}(y_k + eta (x − y_kA)Aᵀ); t_{k+1} = (1 + √(1 + 4t_k²))/2; y_{k+1} = z_k + (t_k − 1)/t_{k+1} (z_k − z_{k−1})",
        source: "Beck, Teboulle, SIAM J. Imaging Sci. 2009, eqs. 4.1 to 4.3 and Theorem 4.4",
        divergences: &[
            FACTORS[0],
            FACTORS[1],
            "Other momenta: (k − 1)/(k + 2) (Chambolle and Dossal 2015); monotone FISTA keeps the better of z_k and z_{k−1}",
        ],
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        value(x, Method::Fista)
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        gradient(x, y, Method::Fista)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most(
                "fista/rate",
                "P(z_k) − P(z) ≤ 2‖z‖²/(eta (k + 1)²) for every z, eta ≤ 1/L; here near the solution",
                |f, case| {
                    let Some((behind, scale)) = rate(f, case)? else { return Ok(None) };
                    Ok(Some(Sides::of(behind, scale * exact(2.0) / exact(number(case, "steps") + 1.0).square())))
                },
            ),
            Law::equal("fista/starts_as_ista", "the first two iterates are those of ISTA", |f, case| {
                let (lasso, x, eta) = (problem_of(case)?, case.inputs.matrix("x")?, exact(number(case, "eta")));
                let (mut left, mut right) = (Vec::new(), Vec::new());
                for k in [1, 2] {
                    left.extend(z(f, &case.clone().set("steps", k as f64))?.into_data());
                    right.extend(lasso.iterates(Method::Ista, &x, eta, k)?.into_data());
                }
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("fista/homogeneous", "z(2X; 2 lambda) = 2 z(X; lambda)", homogeneous),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let is = |z: [&str; 3]| Values::new().with("z", row(z.map(digits)));
        vec![
            Closed::new(
                "three steps",
                golden_steps(2.0, 3),
                is(["0.017459717989974334545", "0.78179561618718669795", "0.96408767625626604091"]),
            ),
            Closed::new("four steps", golden_steps(2.0, 4), is(["0", "0.7434406004198049929", "1.0419044696004588402"])),
            Closed::new("five steps", golden_steps(2.0, 5), is(["0", "0.67824375909573528834", "1.1051680873662011872"])),
        ]
    }
    fn adjust(case: Case) -> Case {
        small_atoms(distinct_atoms(case))
    }
}
