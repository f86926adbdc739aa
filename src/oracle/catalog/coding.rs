//! Catalog entries of the room [`crate::coding`].

use crate::Result;
use crate::coding::{Distortion, coding_rate, coding_rate_gradient, unit_rows, unit_rows_vjp};
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
                doc: "compute_loss_vec of the ReduNet code: its eps is ε²; otherwise the same number",
                eps_means_eps2: true,
            },
            Preset { name: "ldr-repo", doc: "the CTRL code: its eps is ε²; otherwise the same number", eps_means_eps2: true },
            Preset {
                name: "simdino-repo",
                doc: "the rate inside MCRLoss on one process: its eps is ε²; otherwise the same number, see simdino_loss",
                eps_means_eps2: true,
            },
            Preset {
                name: "crate-vis",
                doc: "vis_utils/coding_rate.py of CRATE, one head of one image: rows are divided by their length first, its eps is ε²",
                eps_means_eps2: true,
            },
            Preset { name: "mcr2-pai", doc: "the MCR2 package of D. Pai: its eps is ε; the same number", eps_means_eps2: false },
        ],
        divergences: &[
            "what each code calls eps      stands where    factor to ours           beside it",
            "  paper, book, mcr2-pai       ε               1",
            "  mcr2-repo    loss.py        ε²              ε = √eps: 0.5 is 0.7071  n_k + 1e-8 in R_c; gam1 scales α, gam2 scales R: see mcr2_loss",
            "  redunet-repo loss_vec       ε²              ε = √eps: 0.1 is 0.3162  predicted labels in R_c",
            "  its fourier1d, fourier2d    ε²              ε² = eps·T               orthonormal DFT with α unchanged: see shift_rate",
            "  redunet_paper (NumPy)       ε²              ε = √eps                 C_k has d for n_k: see rate_operators",
            "  ldr-repo     mcrgan         ε²              ε = √eps                 n_k + 1e-8; returns the negative",
            "  crate-vis    coding_rate.py ε²              ε = √eps: 0.01 is 0.1    unit rows; summed over heads, mean and unbiased deviation over images; a zero row is NaN",
            "  simdino-repo MCRLoss        ε²              ε² = eps·N               N processes unless reduce_cov=1; γ = 1/p + 1/(Nm): see simdino_loss",
            "  simdino book                ε               1                        γ free",
            "Bits instead of nats: divide by ln 2 = 0.6931",
            "Without the ½, or with log det of the scatter instead of I + scatter: not a rate",
            "d and n exchanged in α: equal only for n = d",
            "Other names: total coding rate (TCR), expansion term, discriminative loss, log-det regulariser: R at a fixed ε, often with the opposite sign",
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
        let z = x.matrix("z")?;
        let z = if x.preset() == "crate-vis" { unit_rows(&z)?.0 } else { z };
        Ok(Values::new().with("value", coding_rate(&z, Distortion::Eps2(x.eps2()?))?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (z, c, distortion) = (x.matrix("z")?, y.scalar("value")?, Distortion::Eps2(x.eps2()?));
        let (z_bar, eps2) = if x.preset() == "crate-vis" {
            let (unit, lengths) = unit_rows(&z)?;
            let gradient = coding_rate_gradient(&unit, distortion)?;
            (unit_rows_vjp(&unit, &lengths, &gradient.z)?, gradient.eps2)
        } else {
            let gradient = coding_rate_gradient(&z, distortion)?;
            (gradient.z, gradient.eps2)
        };
        let (name, eps) = x.eps_gradient(eps2)?;
        Ok(Values::new().with("z", z_bar.scale(c)).with(name, eps * c))
    }
    fn adjust(case: Case) -> Case {
        let Ok(z) = case.inputs.matrix("z") else { return case };
        if case.preset.as_deref() != Some("crate-vis") {
            return case;
        }
        // A row of zeros has no direction.
        let zero = |i: usize| z.row(i).iter().all(|x| *x == Ball::ZERO);
        case.clone().input("z", Matrix::from_fn(z.rows(), z.cols(), |i, j| if zero(i) { Ball::exact(0.25) } else { z[(i, j)] }))
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
            Law::equal("coding_rate/scale", "R(2Z; 2ε) = R(Z; ε); under crate-vis the scale of Z does not count at all", |f, case| {
                if by_direction(case) {
                    let twice = case.clone().input("z", case.inputs.matrix("z")?.scale(Ball::exact(2.0)));
                    return Ok(Some(Sides::of(value(f.eval(&twice)?)?, value(f.eval(case)?)?)));
                }
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
            Law::at_most("coding_rate/gradient_bound", "‖∂R/∂Z‖_F² ≤ α min(n, d) / 4, but for crate-vis", |f, case| {
                if by_direction(case) {
                    return Ok(None);
                }
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
            Closed::new(
                "two rows at a right angle, their lengths dropped (crate-vis): ln(1 + d/(2ε²))",
                case(Matrix::from_rows(&[[3.0, 4.0], [-0.5, 0.375]]), 0.5).preset("crate-vis"),
                is(Ball::exact(2.0).log1p()),
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
/// The preset under which only the directions of the rows count.
fn by_direction(case: &Case) -> bool {
    case.preset.as_deref() == Some("crate-vis")
}
/// `A = α‖Z‖²` of the rows that are coded.
fn energy(case: &Case) -> Result<Ball> {
    let z = case.inputs.matrix("z")?;
    let coded = if by_direction(case) { Ball::exact(z.rows() as f64) } else { z.frobenius_squared() };
    Ok(alpha(case)? * coded)
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
