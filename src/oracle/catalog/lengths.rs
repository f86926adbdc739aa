//! More entries of the room [`crate::coding`]: rate distortion and coding length.

use crate::Result;
use crate::coding::{
    Distortion, Model, coding_length, coding_length_gradient, gaussian_coding_rate, gaussian_rate_distortion, sphere_rate_distortion,
};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Setting, Sides, Spec, Values, digits};
use crate::scalar::{Ball, Scalar};

fn eps2(case: &Case) -> Ball {
    case.number("eps2").map_or_else(|| Ball::exact(case.number("eps").unwrap_or(f64::NAN)).square(), Ball::exact)
}
fn distortion<S: Scalar>(x: &Args<S>) -> Result<Distortion<S>> {
    Ok(Distortion::Eps2(x.eps2()?))
}
/// The case with its distortion doubled as a length.
fn doubled(mut case: Case) -> Case {
    for (name, setting) in &mut case.params {
        if let Setting::Number(x) = setting {
            *x *= match name.as_str() {
                "eps" => 2.0,
                "eps2" => 4.0,
                _ => 1.0,
            };
        }
    }
    case
}

/// `gaussian_rate_distortion`.
pub struct GaussianRateDistortion;

impl Operator for GaussianRateDistortion {
    const SPEC: Spec = Spec {
        name: "gaussian_rate_distortion",
        room: "coding",
        purpose: "the rate–distortion function of a Gaussian by reverse water-filling",
        definition: "R = ½ Σ log⁺(λ_i/θ) with the level θ at which Σ min(θ, λ_i) = ε²; R = 0 and θ = max λ for ε² ≥ Σλ",
        source: "Kolmogorov 1956; Cover, Thomas, Elements of Information Theory, 2006, theorem 10.3.3",
        inputs: &[Port::of(Domain::NonNegative, "lambda", "d", "variances along orthogonal directions")],
        outputs: &[Port::real("rate", "", "nats a sample"), Port::real("level", "", "θ")],
        distortion: true,
        divergences: &[
            "per coordinate: texts that mean D/d by the distortion",
            "without the ½: real for complex sources",
            "the coding rate ½ Σ log(1 + dλ_i/ε²) is up to (d/2) log 2 larger",
        ],
        couples: "all variances",
        cost: "d log d",
        flops: |s| 20.0 * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let filling = gaussian_rate_distortion(x.vector("lambda")?, distortion(x)?)?;
        Ok(Values::new().with("rate", filling.rate).with("level", filling.level))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let lambda = x.vector("lambda")?;
        let bar = |name: &str| if y.get(name).is_some() { y.scalar(name) } else { Ok(S::ZERO) };
        let (slopes, eps2) = gaussian_rate_distortion(lambda, distortion(x)?)?.vjp(lambda, bar("rate")?, bar("level")?);
        let (name, eps) = x.eps_gradient(eps2)?;
        Ok(Values::new().with("lambda", slopes).with(name, eps))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::at_most(
                "gaussian_rate_distortion/coding_rate",
                "R(ε²) ≤ ½ Σ log(1 + dλ_i/ε²) ≤ R(ε²) + (d/2) log 2",
                |f, case| {
                    let lambda = case.inputs.real("lambda")?.data.clone();
                    let rate = f.eval(case)?.scalar("rate")?;
                    let coding = gaussian_coding_rate(&lambda, Distortion::Eps2(eps2(case)))?;
                    let slack = Ball::exact(lambda.len() as f64 * 0.5) * Ball::exact(2.0).ln();
                    Ok(Some(Sides::all([rate, coding], [coding, rate + slack])))
                },
            ),
            Law::equal("gaussian_rate_distortion/scale", "4λ at 2ε has the rate of λ at ε", |f, case| {
                let lambda: Vec<Ball> = case.inputs.real("lambda")?.data.iter().map(|&l| l * Ball::exact(4.0)).collect();
                let other = doubled(case.clone().input("lambda", lambda));
                Ok(Some(Sides::of(f.eval(case)?.scalar("rate")?, f.eval(&other)?.scalar("rate")?)))
            }),
            Law::equal("gaussian_rate_distortion/order", "the order of the variances does not count", |f, case| {
                let lambda: Vec<Ball> = case.inputs.real("lambda")?.data.iter().rev().copied().collect();
                let (a, b) = (f.eval(case)?, f.eval(&case.clone().input("lambda", lambda))?);
                Ok(Some(Sides::all([a.scalar("rate")?, a.scalar("level")?], [b.scalar("rate")?, b.scalar("level")?])))
            }),
            Law::equal("gaussian_rate_distortion/budget", "Σ min(θ, λ_i) = min(ε², Σλ)", |f, case| {
                let (lambda, level) = (case.inputs.real("lambda")?.data.clone(), f.eval(case)?.scalar("level")?);
                let spent = lambda.iter().fold(Ball::ZERO, |s, &l| s + Scalar::min(l, level));
                let total = lambda.iter().fold(Ball::ZERO, |s, &l| s + l);
                Ok(Some(Sides::of(spent, Scalar::min(eps2(case), total))))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |eps2: f64| {
            Case::new(Values::new().with("lambda", vec![Ball::exact(0.25), Ball::exact(4.0), Ball::exact(1.0)])).set("eps2", eps2)
        };
        let is = |rate: Ball, level: f64| Values::new().with("rate", rate).with("level", Ball::exact(level));
        let half = Ball::exact(0.5);
        let one = Values::new().with("rate", Ball::ONE);
        vec![
            Closed::new("(¼, 4, 1) at ε² = 3: ½ ln(16/7)", case(3.0), is(half * (Ball::exact(16.0) / Ball::exact(7.0)).ln(), 1.75))
                .gradient(
                    one.clone(),
                    Values::new()
                        .with("lambda", vec![Ball::exact(2.0) / Ball::exact(7.0), Ball::exact(0.125), Ball::exact(2.0) / Ball::exact(7.0)])
                        .with("eps2", -(Ball::exact(2.0) / Ball::exact(7.0))),
                ),
            Closed::new("at ε² = 3/2: ½ ln 10.24", case(1.5), is(half * (Ball::exact(256.0) / Ball::exact(25.0)).ln(), 0.625)),
            Closed::new("above ε² = 21/4: 0", case(6.0), is(Ball::ZERO, 4.0)).gradient(one, Values::new().with("eps2", Ball::ZERO)),
        ]
    }
}

/// `sphere_rate_distortion`.
pub struct SphereRateDistortion;

impl Operator for SphereRateDistortion {
    const SPEC: Spec = Spec {
        name: "sphere_rate_distortion",
        room: "coding",
        purpose: "the exact rate–distortion function of a uniform source on a sphere",
        definition: "R = κA_d(κ) − log Z_d(κ) at the κ with 1 − A_d(κ)² = ε²/r²; A_d = I_{d/2}/I_{d/2−1}, Z_d = Γ(d/2)(2/κ)^{d/2−1}I_{d/2−1}(κ); 0 from ε = r on. d = 1: a fair sign, 2: the circle",
        source: "Watson, Statistics on Spheres, 1983 (the maximal entropy law); Shannon 1959 for d = 1",
        inputs: &[Port::of(Domain::Positive, "radius", "", "r")],
        outputs: &[Port::real("rate", "", "nats a sample")],
        distortion: true,
        params: &[Param {
            name: "dim",
            domain: Range::Count(1),
            default: Some(2.0),
            samples: &[1.0, 2.0, 3.0, 6.0],
            doc: "d, the dimension of the space around the sphere",
        }],
        divergences: &["the Gaussian of the same covariance: its rate grows by one more log(1/ε) for small ε"],
        couples: "nothing",
        cost: "Newton's method: some 100 √κ flops",
        flops: |_| 1000.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("rate", sphere_rate_distortion(x.count("dim")?, x.scalar("radius")?, distortion(x)?)?.rate))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (radius, c, eps2) = (x.scalar("radius")?, y.scalar("rate")?, x.eps2()?);
        let slope = sphere_rate_distortion(x.count("dim")?, radius, distortion(x)?)?.slope;
        // R is a function of ε²/r².
        let (name, eps) = x.eps_gradient(slope * c)?;
        Ok(Values::new().with("radius", -(slope * c * eps2 * S::from_f64(2.0) / radius)).with(name, eps))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("sphere_rate_distortion/scale", "2r at 2ε has the rate of r at ε", |f, case| {
                let radius = case.inputs.scalar("radius")? * Ball::exact(2.0);
                Ok(Some(Sides::of(f.eval(case)?.scalar("rate")?, f.eval(&doubled(case.clone().input("radius", radius)))?.scalar("rate")?)))
            }),
            Law::at_most(
                "sphere_rate_distortion/gaussian",
                "at most the rate (d/2) log⁺(r²/ε²) of the Gaussian of its covariance",
                |f, case| {
                    let (d, r) = (case.number("dim").unwrap_or(2.0), case.inputs.scalar("radius")?);
                    let gaussian = Ball::exact(d * 0.5) * (r.square() / eps2(case)).ln().relu();
                    Ok(Some(Sides::of(f.eval(case)?.scalar("rate")?, gaussian)))
                },
            ),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |dim: f64, radius: f64, eps2: f64| {
            Case::new(Values::new().with("radius", Ball::exact(radius))).set("dim", dim).set("eps2", eps2)
        };
        let is = |x: Ball| Values::new().with("rate", x);
        // log 2 − H(p), p = (1 + √(1 − D))/2.
        let sign = |d: f64| {
            let p = (Ball::ONE + (Ball::ONE - Ball::exact(d)).sqrt()) * Ball::exact(0.5);
            let q = Ball::ONE - p;
            Ball::exact(2.0).ln() + p * p.ln() + q * q.ln()
        };
        vec![
            Closed::new("a fair sign at D = ½", case(1.0, 1.0, 0.5), is(sign(0.5))),
            Closed::new("a fair sign at D = ¾ of a = 2", case(1.0, 2.0, 3.0), is(sign(0.75))),
            Closed::new("the circle at D = ½", case(2.0, 1.0, 0.5), is(digits("0.590489461312446"))),
            Closed::new("ε = r: 0", case(3.0, 0.5, 0.25), is(Ball::ZERO)),
        ]
    }
}

/// `coding_length`.
pub struct CodingLength;

const MODELS: &[&str] = &["linear", "affine", "samples"];

impl CodingLength {
    fn model<S: Scalar>(x: &Args<S>) -> Result<Model> {
        Ok(match x.word("model")? {
            "affine" => Model::Affine,
            "samples" => Model::Samples,
            _ => Model::Linear,
        })
    }
}

impl Operator for CodingLength {
    const SPEC: Spec = Spec {
        name: "coding_length",
        room: "coding",
        purpose: "nats for a whole set of samples, the code itself included",
        definition: "linear: (m + d) R(W); affine: (m + d) R(W − 1μᵀ) + (d/2) log(1 + ‖μ‖²/ε²), μ the mean row; samples: m R(W); R = ½ log det(I + d/(mε²) WᵀW)",
        source: "Ma, Derksen, Hong, Wright, TPAMI 2007, equations 12 and 19",
        inputs: &[Port::real("w", "m d", "samples, one a row")],
        outputs: &[Port::real("value", "", "nats")],
        distortion: true,
        params: &[Param {
            name: "model",
            domain: Range::Word(MODELS),
            default: Some(0.0),
            samples: &[0.0, 1.0, 2.0],
            doc: "what is charged for",
        }],
        divergences: &[
            "TPAMI 2007: bits, log₂",
            "coding_seg.m: columns are samples, its third argument is nonzero for the affine model",
            "book, text: m R(W), the preset samples; its footnote and the paper (m + d) R(W)",
        ],
        couples: "rows and columns of one W",
        cost: "m·d·min(m,d) + min(m,d)³/3 flops",
        flops: |s| {
            let (n, d) = (s("m"), s("d"));
            let m = n.min(d);
            n * d * m + m * m * m / 3.0
        },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", coding_length(&x.matrix("w")?, distortion(x)?, Self::model(x)?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (c, g) = (y.scalar("value")?, coding_length_gradient(&x.matrix("w")?, distortion(x)?, Self::model(x)?)?);
        let (name, eps) = x.eps_gradient(g.eps2 * c)?;
        Ok(Values::new().with("w", g.w.scale(c)).with(name, eps))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("coding_length/scale", "2W at 2ε is as long as W at ε", |f, case| {
                let other = doubled(case.clone().input("w", case.inputs.matrix("w")?.scale(Ball::exact(2.0))));
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, f.eval(&other)?.scalar("value")?)))
            }),
            Law::equal("coding_length/row_order", "reversing the rows changes nothing", |f, case| {
                let w = case.inputs.matrix("w")?;
                let other = case.clone().input("w", Matrix::from_fn(w.rows(), w.cols(), |i, j| w[(w.rows() - 1 - i, j)]));
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, f.eval(&other)?.scalar("value")?)))
            }),
            Law::at_most("coding_length/finer_is_longer", "L(2ε) ≤ L(ε)", |f, case| {
                Ok(Some(Sides::of(f.eval(&doubled(case.clone()))?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::at_most("coding_length/not_negative", "0 ≤ L", |f, case| {
                Ok(Some(Sides::of(Ball::ZERO, f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |rows: &[[f64; 2]], eps2: f64, model: &str| {
            Case::new(Values::new().with("w", Matrix::<Ball>::from_rows(rows))).set("eps2", eps2).word("model", model)
        };
        let is = |x: Ball| Values::new().with("value", x);
        let three = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        vec![
            Closed::new("three samples, ε = ½", case(&three, 0.25, "linear"), is(digits("15.066677007106504"))),
            Closed::new("with their mean", case(&three, 0.25, "affine"), is(digits("14.056583103173864"))),
            Closed::new(
                "one sample: ((1 + d)/2) log(1 + d‖w‖²/ε²)",
                case(&[[3.0, 4.0]], 0.25, "linear"),
                is(Ball::exact(1.5) * Ball::exact(200.0).log1p()),
            ),
            Closed::new(
                "one sample and its mean: (d/2) log(1 + ‖w‖²/ε²)",
                case(&[[3.0, 4.0]], 0.25, "affine"),
                is(Ball::exact(100.0).log1p()),
            ),
            Closed::new(
                "three samples alone, ε = 1: ½ · 3 ln det",
                case(&three, 1.0, "samples"),
                is(Ball::exact(3.0) * digits("2.140642532436175")),
            ),
        ]
    }
}
