//! `sphere_denoiser`.

use super::{NOISE, param};
use crate::Result;
use crate::denoise::{Noise, Sphere, SphereDenoised};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Range, Sides, Spec, Values, cotangent, digits};
use crate::scalar::{Ball, Scalar};

/// `sphere_denoiser`.
pub struct SphereDenoiser;

impl SphereDenoiser {
    fn run<S: Scalar>(x: &Args<S>) -> Result<(Sphere<S>, Noise<S>, SphereDenoised<S>)> {
        let noise = Noise::new(x.param("alpha")?, x.param("sigma")?)?;
        let sphere = Sphere::new(x.size("d"), x.param("radius")?)?;
        let out = sphere.denoise(noise, &x.matrix("x")?)?;
        Ok((sphere, noise, out))
    }
}

impl Operator for SphereDenoiser {
    const SPEC: Spec = Spec {
        name: "sphere_denoiser",
        room: "denoise",
        purpose: "the denoiser of a uniform source on a sphere: two points (d = 1), the circle (d = 2), …",
        definition: "ρ = ‖x_t‖, κ = αrρ/σ², A_d = I_{d/2}/I_{d/2−1}: x̄ = r A_d(κ) x_t/ρ, 0 at 0; \
                     log p_t = −(ρ² + α²r²)/(2σ²) − (d/2) log 2πσ² + log[Γ(d/2)(2/κ)^{d/2−1} I_{d/2−1}(κ)]",
        source: "Watson, Statistics on Spheres, 1983 (the normaliser); Buchanan, Pai, Wang, Ma, Learning Deep Representations of Data Distributions, 2025, chapter 3 (the circle and two points)",
        inputs: &[Port::real("x", "n d", "x_t, one query a row")],
        outputs: &[Port::real("denoised", "n d", "x̄, in the ball"), Port::real("log_density", "n", "log p_t in nats")],
        params: &[
            NOISE[0],
            NOISE[1],
            Param { name: "radius", domain: Range::Positive, default: Some(1.0), samples: &[1.0, 2.0, 0.75], doc: "r" },
        ],
        divergences: &[
            "projection on the sphere, r x_t/ρ: the limit of small noise",
            "book, two points: prints tanh(−x_t/t²); the sign is +",
        ],
        couples: "columns of x; rows are separate queries",
        cost: "n (d + √κ) flops",
        flops: |s| s("n") * (s("d") + 100.0),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let out = Self::run(x)?.2;
        Ok(Values::new().with("denoised", out.denoised).with("log_density", out.log_density))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let ((sphere, noise, out), query) = (Self::run(x)?, x.matrix("x")?);
        let [n, d] = query.shape();
        let (v, l) = (cotangent(y, "denoised", n, d)?, cotangent(y, "log_density", 1, n)?);
        let g = sphere.denoise_vjp(noise, &query, &out, &v, l.data())?;
        Ok(Values::new().with("x", g.x).with("radius", g.radius).with("alpha", g.noise.alpha).with("sigma", g.noise.sigma))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("sphere_denoiser/tweedie", "αx̄ = x_t + σ² ∂ log p_t/∂x_t", |f, case| {
                let x = case.inputs.matrix("x")?;
                let score = f.vjp(case, &Values::new().with("log_density", vec![Ball::ONE; x.rows()]))?.matrix("x")?;
                let right = x.add(&score.scale(param(case, "sigma").square()))?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("denoised")?.scale(param(case, "alpha")).into_data(), right.into_data())))
            }),
            Law::equal("sphere_denoiser/odd", "x̄(−x_t) = −x̄(x_t)", |f, case| {
                let x = case.inputs.matrix("x")?;
                let other = f.eval(&case.clone().input("x", x.scale(-Ball::ONE)))?.matrix("denoised")?;
                Ok(Some(Sides::all(f.eval(case)?.matrix("denoised")?.into_data(), other.scale(-Ball::ONE).into_data())))
            }),
            Law::at_most("sphere_denoiser/in_the_ball", "‖x̄‖ ≤ r", |f, case| {
                let y = f.eval(case)?.matrix("denoised")?;
                let squares: Vec<Ball> = (0..y.rows()).map(|i| y.row(i).iter().fold(Ball::ZERO, |s, x| s + x.square())).collect();
                let tops = vec![param(case, "radius").square(); squares.len()];
                Ok(Some(Sides::all(squares, tops)))
            }),
            Law::equal("sphere_denoiser/scale", "doubling x_t, r and σ doubles x̄ and adds −d log 2 to log p", |f, case| {
                let x = case.inputs.matrix("x")?;
                let twice = |name: &str| 2.0 * case.number(name).unwrap_or(1.0);
                let other = case.clone().input("x", x.scale(Ball::exact(2.0))).set("sigma", twice("sigma")).set("radius", twice("radius"));
                let (a, b) = (f.eval(case)?, f.eval(&other)?);
                let shift = Ball::exact(x.cols() as f64) * Ball::exact(2.0).ln();
                let (mut left, mut right) = (a.matrix("denoised")?.scale(Ball::exact(2.0)).into_data(), b.matrix("denoised")?.into_data());
                left.extend(a.real("log_density")?.data.iter().map(|&p| p - shift));
                right.extend(b.real("log_density")?.data.iter().copied());
                Ok(Some(Sides::all(left, right)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |x: &[f64], sigma: f64, radius: f64| {
            let row = Matrix::from_fn(1, x.len(), |_, j| Ball::exact(x[j]));
            Case::new(Values::new().with("x", row)).set("sigma", sigma).set("radius", radius)
        };
        let row = |x: Vec<Ball>| Matrix::from_fn(1, x.len(), |_, j| x[j]);
        vec![
            Closed::new("at the middle: 0", case(&[0.0, 0.0, 0.0], 0.5, 2.0), Values::new().with("denoised", Matrix::<Ball>::zeros(1, 3))),
            Closed::new(
                "the circle at ρ = 1, σ = 1: I₁(1)/I₀(1)",
                case(&[1.0, 0.0], 1.0, 1.0),
                Values::new()
                    .with("denoised", row(vec![digits("0.44638996589653451"), Ball::ZERO]))
                    .with("log_density", vec![digits("-2.6019627079021668")]),
            ),
            Closed::new(
                "the circle of radius 2 at ρ = 3, σ = ¾",
                case(&[3.0, 0.0], 0.75, 2.0),
                Values::new()
                    .with("denoised", row(vec![digits("1.9038086128350782"), Ball::ZERO]))
                    .with("log_density", vec![digits("-4.2415705486835693")]),
            ),
            Closed::new(
                "two points ±1 at ½, σ = 1: tanh ½",
                case(&[0.5], 1.0, 1.0),
                Values::new().with("denoised", row(vec![digits("0.4621171572600097585")])),
            ),
            Closed::new(
                "the sphere in R³: coth κ − 1/κ, here κ = 8",
                case(&[0.0, 0.0, 2.0], 0.5, 1.0),
                Values::new().with("denoised", row(vec![Ball::ZERO, Ball::ZERO, Ball::exact(8.0).tanh().recip() - Ball::exact(0.125)])),
            ),
        ]
    }
}
