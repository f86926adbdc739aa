//! Catalog entries of the room [`crate::coding`].

use crate::Result;
use crate::coding::{Distortion, coding_rate, coding_rate_gradient};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Port, Preset, Setting, Sides, Spec, Values, digits};
use crate::scalar::{Ball, Scalar};

/// `coding_rate`.
pub struct CodingRate;

impl Operator for CodingRate {
    const SPEC: Spec = Spec {
        name: "coding_rate",
        room: "coding",
        purpose: "nats a sample to code the rows of Z up to distortion ε",
        definition: "R(Z; ε) = ½ log det(I + α ZᵀZ), α = d/(n ε²); Z is n × d, one sample a row; the smaller Gram matrix is factored",
        source: "Ma, Derksen, Hong, Wright, TPAMI 2007, eq. 10; Yu, Chan, You, Song, Ma, NeurIPS 2020, eq. 1",
        inputs: &[Port::real("z", "n d", "samples, one a row")],
        outputs: &[Port::real("value", "", "nats, ≥ 0")],
        distortion: true,
        presets: &[
            Preset {
                name: "mcr2-repo", doc: "loss.py of the MCR² code: its eps is ε²; otherwise the same number", eps_means_eps2: true
            },
            Preset {
                name: "redunet-repo",
                doc: "loss.compute_loss_vec of the ReduNet code: its eps is ε²; otherwise the same number",
                eps_means_eps2: true,
            },
        ],
        divergences: &[
            "MCR² and ReduNet code: what they call eps is ε²; their eps=0.5 is our eps2=0.5, ε = 0.7071",
            "Bits instead of nats: divide by ln 2 = 0.6931",
            "Without the ½, or with log det of the scatter instead of I + scatter: not a rate",
            "d and n exchanged in α: equal only for n = d",
        ],
        couples: "rows and columns of one Z; leading axes are separate data sets",
        cost: "n·d·min(n,d) + min(n,d)³/3 flops",
        flops: |s| {
            let (n, d) = (s("n"), s("d"));
            let m = n.min(d);
            n * d * m + m * m * m / 3.0
        },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", coding_rate(&x.matrix("z")?, Distortion::Eps2(x.eps2()?))?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let gradient = coding_rate_gradient(&x.matrix("z")?, Distortion::Eps2(x.eps2()?))?;
        let c = y.scalar("value")?;
        let (name, eps) = x.eps_gradient(gradient.eps2)?;
        Ok(Values::new().with("z", gradient.z.scale(c)).with(name, eps * c))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("coding_rate/feature_rotation", "R(ZQ) = R(Z) for orthogonal Q", |f, case| {
                Ok(Some(Sides::of(value(f.eval(&rotated(case)?)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("coding_rate/row_order_and_sign", "permuting rows and flipping their signs changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let turned = Matrix::from_fn(z.rows(), z.cols(), |i, j| {
                    let x = z[(z.rows() - 1 - i, j)];
                    if i % 2 == 0 { x } else { -x }
                });
                Ok(Some(Sides::of(value(f.eval(&case.clone().input("z", turned))?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("coding_rate/scale", "R(2Z; 2ε) = R(Z; ε)", |f, case| {
                let mut scaled = case.clone().input("z", case.inputs.matrix("z")?.scale(Ball::exact(2.0)));
                for (name, setting) in &mut scaled.params {
                    if let Setting::Number(x) = setting {
                        *x *= if name == "eps" { 2.0 } else { 4.0 };
                    }
                }
                Ok(Some(Sides::of(value(f.eval(&scaled)?)?, value(f.eval(case)?)?)))
            }),
            Law::equal("coding_rate/duplication", "repeating every row changes nothing", |f, case| {
                let z = case.inputs.matrix("z")?;
                let twice = Matrix::from_fn(2 * z.rows(), z.cols(), |i, j| z[(i / 2, j)]);
                Ok(Some(Sides::of(value(f.eval(&case.clone().input("z", twice))?)?, value(f.eval(case)?)?)))
            }),
            Law::at_most("coding_rate/upper_bound", "R ≤ (q/2) log(1 + A/q), A = α‖Z‖², q = min(n, d)", |f, case| {
                let q = Ball::exact(case.inputs.matrix("z")?.shape().into_iter().fold(usize::MAX, Ord::min) as f64);
                let bound = q * Ball::exact(0.5) * (energy(case)? / q).log1p();
                Ok(Some(Sides::of(value(f.eval(case)?)?, bound)))
            }),
            Law::at_most("coding_rate/lower_bound", "½ log(1 + A) ≤ R, A = α‖Z‖²", |f, case| {
                Ok(Some(Sides::of(Ball::exact(0.5) * energy(case)?.log1p(), value(f.eval(case)?)?)))
            }),
            Law::at_most("coding_rate/gradient_bound", "‖∂R/∂Z‖_F² ≤ α min(n, d) / 4", |f, case| {
                let gradient = f.vjp(case, &Values::new().with("value", Ball::ONE))?.matrix("z")?;
                let q = Ball::exact(gradient.shape().into_iter().fold(usize::MAX, Ord::min) as f64);
                Ok(Some(Sides::of(gradient.frobenius_squared(), alpha(case)? * q * Ball::exact(0.25))))
            }),
            Law::equal("coding_rate/gradient_rotation", "∂R(ZQ) = ∂R(Z) Q for orthogonal Q", |f, case| {
                let one = Values::new().with("value", Ball::ONE);
                let (turned, plain) = (f.vjp(&rotated(case)?, &one)?.matrix("z")?, f.vjp(case, &one)?.matrix("z")?);
                Ok(Some(Sides::all(turned.into_data(), plain.matmul(&rotation(plain.cols()))?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |z: Matrix<Ball>, eps2: f64| Case::new(Values::new().with("z", z)).set("eps2", eps2);
        let is = |x: Ball| Values::new().with("value", x);
        let half = Ball::exact(0.5);
        vec![
            Closed::new("six rows in dimension 3: ½ ln 463", case(golden(), 0.5), is(half * Ball::exact(463.0).ln())).gradient(
                is(Ball::ONE),
                // ∂R/∂ε = 2ε ∂R/∂ε² at ε² = ½; the known derivative is in ε.
                Values::new().with("eps2", digits("-3.6470215841759729768") / Ball::exact(2.0).sqrt()),
            ),
            Closed::new("Z = 0", case(Matrix::zeros(3, 2), 0.5), is(Ball::ZERO))
                .gradient(is(Ball::ONE), Values::new().with("z", Matrix::zeros(3, 2))),
            Closed::new(
                "one row: ½ log(1 + d‖z‖²/ε²)",
                case(Matrix::from_rows(&[[3.0, 4.0]]), 0.25),
                is(half * Ball::exact(200.0).log1p()),
            ),
            Closed::new(
                "3 I: (d/2) log(1 + 9/ε²)",
                case(Matrix::identity(4).scale(Ball::exact(3.0)), 2.0),
                is(Ball::exact(2.0) * Ball::exact(4.5).log1p()),
            ),
            Closed::new(
                "all rows ±u of length 1: ½ log(1 + d/ε²)",
                case(Matrix::from_rows(&[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]), 0.125),
                is(half * Ball::exact(24.0).log1p()),
            ),
            Closed::new(
                "the example of the protocol",
                case(Matrix::from_rows(&[[1.0, 0.0], [0.0, 2.0]]), 0.25),
                is(half * Ball::exact(85.0).ln()),
            ),
        ]
    }
}

fn value(values: Values<Ball>) -> Result<Ball> {
    values.scalar("value")
}
/// Six integer rows whose `det(I + ZᵀZ)` is 463.
fn golden() -> Matrix<Ball> {
    Matrix::from_rows(&[[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, -1.0, 2.0], [1.0, 0.0, -1.0]])
}
/// α of a case.
fn alpha(case: &Case) -> Result<Ball> {
    let z = case.inputs.matrix("z")?;
    let eps2 = case.number("eps2").map_or_else(|| Ball::exact(case.number("eps").unwrap_or(f64::NAN)).square(), Ball::exact);
    Ok(Ball::exact(z.cols() as f64) / (Ball::exact(z.rows() as f64) * eps2))
}
/// `A = α‖Z‖²`.
fn energy(case: &Case) -> Result<Ball> {
    Ok(alpha(case)? * case.inputs.matrix("z")?.frobenius_squared())
}
/// A rotation by the angle of the 3-4-5 triangle in the planes (0, 1), (2, 3), …
fn rotation(d: usize) -> Matrix<Ball> {
    let (c, s) = (Ball::exact(3.0) / Ball::exact(5.0), Ball::exact(4.0) / Ball::exact(5.0));
    Matrix::from_fn(d, d, |i, j| match (i, j) {
        _ if i / 2 != j / 2 => Ball::ZERO,
        _ if i / 2 * 2 + 1 == d => Ball::ONE,
        _ if i == j => c,
        _ if i < j => -s,
        _ => s,
    })
}
fn rotated(case: &Case) -> Result<Case> {
    let z = case.inputs.matrix("z")?;
    Ok(case.clone().input("z", z.matmul(&rotation(z.cols()))?))
}
