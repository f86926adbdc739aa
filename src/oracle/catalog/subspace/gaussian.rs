//! Gaussian models: likelihood, its maximum, the optimal filter.

use super::*;
use crate::oracle::{Args, Closed, Domain, Law, Operator, Param, Range, Sides, Spec, Tolerance, cotangent, digits};
use crate::scalar::Bulk;
use crate::subspace::{self as sub};

const SIGMA2: Param = Param {
    name: "sigma2",
    domain: Range::Positive,
    default: None,
    samples: &[0.25, 0.5, 2.0],
    doc: "σ², the variance of the noise in each direction",
};
const S: Port = Port::of(Domain::Semidefinite, "s", "d d", "covariance with divisor n, symmetric; the lower triangle is read");

/// `ppca_log_likelihood`.
pub struct PpcaLikelihood;
impl Operator for PpcaLikelihood {
    const SPEC: Spec = Spec {
        name: "ppca_log_likelihood",
        room: "subspace",
        purpose: "mean log-likelihood of data under a low-rank Gaussian plus noise",
        definition: "ℓ = −½(d ln 2π + ln det C + tr(C⁻¹S)), C = WWᵀ + sigma2 I, nats a sample; S the covariance with divisor n",
        source: "Tipping, Bishop, JRSS-B 1999, eq. 4",
        inputs: &[S, Port::real("w", "d k", "factor loadings")],
        outputs: &[Port::real("value", "", "nats a sample")],
        params: &[SIGMA2],
        divergences: &[
            "scikit-learn PCA.score: the covariance with n − 1, so sigma2 and C are n/(n − 1) times the ML ones",
            "The monograph calls population PCA of x = Uz + ε probabilistic PCA: no likelihood, no W, no sigma2",
        ],
        couples: "all of S and W",
        cost: "3·d³ flops",
        flops: |s| 3.0 * s("d").powi(3),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let l = sub::log_likelihood(&mirrored(&x.matrix("s")?), &x.matrix("w")?, x.param("sigma2")?)?;
        Ok(Values::new().with("value", l))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = sub::log_likelihood_gradient(&mirrored(&x.matrix("s")?), &x.matrix("w")?, x.param("sigma2")?)?;
        let c = y.scalar("value")?;
        Ok(Values::new().with("s", g.s.scale(c)).with("w", g.w.scale(c)).with("sigma2", g.sigma2 * c))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("ppca_log_likelihood/rotation", "W → WR changes nothing", |f, case| {
                let w = case.inputs.matrix("w")?;
                let turned = w.matmul(&rotation(w.cols()))?;
                Ok(Some(Sides::of(f.eval(&case.clone().input("w", turned))?.scalar("value")?, f.eval(case)?.scalar("value")?)))
            }),
            Law::equal("ppca_log_likelihood/units", "(4S, 2W, 4 sigma2): less d ln 2", |f, case| {
                let (s, w) = (case.inputs.matrix("s")?, case.inputs.matrix("w")?);
                let scaled = case.clone().input("s", s.scale(exact(4.0))).input("w", w.scale(exact(2.0)));
                let scaled = scaled.set("sigma2", 4.0 * case.number("sigma2").unwrap_or(f64::NAN));
                let shift = exact(s.rows() as f64) * exact(2.0).ln();
                Ok(Some(Sides::of(f.eval(&scaled)?.scalar("value")?, f.eval(case)?.scalar("value")? - shift)))
            }),
            Law::at_most("ppca_log_likelihood/full_covariance", "ℓ ≤ −½(d ln 2π + ln det S + d) for definite S", |f, case| {
                let s = symmetric(case, "s")?;
                let d = exact(s.rows() as f64);
                let best = (d * (exact(2.0) * Ball::pi()).ln() + crate::linalg::log_det(&s)? + d) * exact(-0.5);
                Ok(Some(Sides::of(f.eval(case)?.scalar("value")?, best)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // The ML models of S = diag(4, 2, 1, 1).
        let s = || diagonal(&[4.0, 2.0, 1.0, 1.0]);
        let case = |w: Matrix<Ball>, sigma2: f64| Case::new(Values::new().with("s", s()).with("w", w)).set("sigma2", sigma2);
        let axes = |w: &[Ball]| Matrix::from_fn(4, w.len(), |i, j| if i == j { w[j] } else { Ball::ZERO });
        vec![
            Closed::new("noise alone, σ² = 2", case(axes(&[Ball::ZERO]), 2.0), value(digits("-7.0620484939385815"))),
            Closed::new("two factors, σ² = 1", case(axes(&[exact(3.0).sqrt(), Ball::ONE]), 1.0), value(digits("-6.715474903658609"))),
        ]
    }
}

/// `ppca`.
pub struct PpcaCovariance;
impl Operator for PpcaCovariance {
    const SPEC: Spec = Spec {
        name: "ppca",
        room: "subspace",
        purpose: "the low-rank Gaussian plus noise of greatest likelihood",
        definition: "sigma2 = Σ_{i>k} λ_i/(d − k); C = P S P + sigma2 (I − P), P the projector on the k leading eigenvectors of S; W = V_k (Λ_k − sigma2 I)^½ up to a rotation",
        source: "Tipping, Bishop, JRSS-B 1999, eqs. 7 and 8",
        inputs: &[S],
        outputs: &[Port::real("covariance", "d d", "C = WWᵀ + sigma2 I"), Port::real("sigma2", "", "variance of the noise")],
        params: &[Param { name: "k", domain: Range::Count(0), default: None, samples: &[1.0, 2.0], doc: "factors, less than d" }],
        divergences: &["The likelihood is unbounded where sigma2 = 0"],
        couples: "all of S",
        cost: "about 60 d³ flops",
        flops: |s| 60.0 * s("d").powi(3),
        tolerance: Tolerance { value: 4.0, gradient: 2.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (c, sigma2) = sub::ml_covariance(&mirrored(&x.matrix("s")?), x.count("k")?)?;
        Ok(Values::new().with("covariance", c).with("sigma2", sigma2))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let s = mirrored(&x.matrix("s")?);
        let bar = cotangent(y, "covariance", s.rows(), s.rows())?;
        let g = sub::ml_covariance_vjp(&s, x.count("k")?, &bar, cotangent(y, "sigma2", 1, 1)?[(0, 0)])?;
        Ok(Values::new().with("s", g))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("ppca/trace", "tr C = tr S", |f, case| {
                Ok(Some(Sides::of(f.eval(case)?.matrix("covariance")?.trace(), symmetric(case, "s")?.trace())))
            }),
            Law::equal("ppca/fit", "tr(C⁻¹S) = d", |f, case| {
                let (c, s) = (f.eval(case)?.matrix("covariance")?, symmetric(case, "s")?);
                Ok(Some(Sides::of(crate::linalg::spd_solve(&c, &s)?.trace(), exact(s.rows() as f64))))
            }),
            Law::equal("ppca/rotation", "S → QᵀSQ turns C alike", |f, case| {
                let s = symmetric(case, "s")?;
                let q = rotation(s.rows());
                let turn = |m: &Matrix<Ball>| q.t_matmul(m)?.matmul(&q);
                let turned = f.eval(&case.clone().input("s", turn(&s)?))?.matrix("covariance")?;
                Ok(Some(Sides::all(turned.into_data(), turn(&f.eval(case)?.matrix("covariance")?)?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |k: f64| Case::new(Values::new().with("s", diagonal(&[4.0, 2.0, 1.0, 1.0]))).set("k", k);
        let is = |c: Matrix<Ball>, s: Ball| Values::new().with("covariance", c).with("sigma2", s);
        let third = ratio(4.0, 3.0);
        vec![
            Closed::new("no factor", case(0.0), is(diagonal(&[2.0; 4]), exact(2.0))),
            Closed::new("one factor", case(1.0), is(Matrix::from_diagonal(&[exact(4.0), third, third, third]), third)),
            Closed::new("two factors: C = S", case(2.0), is(diagonal(&[4.0, 2.0, 1.0, 1.0]), Ball::ONE)),
        ]
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        let d = 2 + rng.below(1 + size.min(6));
        vec![("d", d), ("k", 1 + rng.below(d - 1))]
    }
    fn adjust(case: Case) -> Case {
        at_most(separated_covariance(case, "s"), "s", 1)
    }
}

/// `wiener`.
pub struct Wiener;
impl Operator for Wiener {
    const SPEC: Spec = Spec {
        name: "wiener",
        room: "subspace",
        purpose: "the best estimate of a Gaussian signal in Gaussian noise",
        definition: "y = E[x₀ | x] = x Σ (Σ + sigma2 I)⁻¹ for x = x₀ + σg, x₀ ~ N(0, Σ); Tweedie: x + sigma2 ∇ log p(x)",
        source: "Wiener 1949; Kay, Estimation Theory 1993, §11.4",
        inputs: &[X, Port::of(Domain::Semidefinite, "signal", "d d", "Σ, symmetric positive semidefinite; the lower triangle is read")],
        outputs: &[Port::real("y", "n d", "estimates")],
        params: &[SIGMA2],
        divergences: &["Projection on the leading directions is the limit sigma2 → 0, not this"],
        couples: "features; samples are independent",
        cost: "d³/3 + 4·n·d² flops",
        flops: |s| s("d").powi(3) / 3.0 + 4.0 * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", sub::wiener(&x.matrix("x")?, &x.matrix("signal")?, x.param("sigma2")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = sub::wiener_vjp(&x.matrix("x")?, &x.matrix("signal")?, x.param("sigma2")?, &y.matrix("y")?)?;
        Ok(Values::new().with("x", g.x).with("signal", g.signal).with("sigma2", g.sigma2))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("wiener/normal_equations", "y(Σ + sigma2 I) = xΣ", |f, case| {
                let (y, x, s) = (f.eval(case)?.matrix("y")?, case.inputs.matrix("x")?, symmetric(case, "signal")?);
                let left = y.matmul(&s)?.add(&y.scale(exact(case.number("sigma2").unwrap_or(f64::NAN))))?;
                Ok(Some(Sides::all(left.into_data(), x.matmul(&s)?.into_data())))
            }),
            Law::at_most("wiener/shrinks", "‖y‖ ≤ ‖x‖ for every sample", |f, case| {
                let (y, x) = (f.eval(case)?.matrix("y")?, case.inputs.matrix("x")?);
                let squares = |m: &Matrix<Ball>| (0..m.rows()).map(|i| Bulk::dot(m.row(i), m.row(i))).collect::<Vec<_>>();
                Ok(Some(Sides::all(squares(&y), squares(&x))))
            }),
            Law::equal("wiener/units", "(2x, 4Σ, 4 sigma2): 2y", |f, case| {
                let (x, s) = (case.inputs.matrix("x")?.scale(exact(2.0)), case.inputs.matrix("signal")?.scale(exact(4.0)));
                let scaled = case.clone().input("x", x).input("signal", s).set("sigma2", 4.0 * case.number("sigma2").unwrap_or(f64::NAN));
                Ok(Some(Sides::all(f.eval(&scaled)?.matrix("y")?.into_data(), f.eval(case)?.matrix("y")?.scale(exact(2.0)).into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let x = Matrix::<Ball>::from_rows(&[[3.0, 4.0], [-1.0, 2.0]]);
        let case = |s: Matrix<Ball>| Case::new(Values::new().with("x", x.clone()).with("signal", s)).set("sigma2", 0.5);
        let is = |y: Matrix<Ball>| Values::new().with("y", y);
        // λ/(λ + ½) = 3/4 and 0.
        vec![
            Closed::new("a line through the origin", case(diagonal(&[1.5, 0.0])), is(Matrix::from_rows(&[[2.25, 0.0], [-0.75, 0.0]]))),
            Closed::new("no signal: 0", case(Matrix::zeros(2, 2)), is(Matrix::zeros(2, 2))),
            // Σ = uuᵀ with unit u = (3, 4)/5: y = ⟨x, u⟩u/(1 + σ²).
            Closed::new(
                "a unit direction",
                case(Matrix::from_fn(2, 2, |i, j| ratio([3.0, 4.0][i] * [3.0, 4.0][j], 25.0))),
                is(Matrix::from_fn(2, 2, |i, j| ratio([25.0, 5.0][i] * [3.0, 4.0][j], 37.5))),
            ),
        ]
    }
}
