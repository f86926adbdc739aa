//! `noised_mixture`.

use super::{NOISE, param};
use crate::Result;
use crate::denoise::{Cotangents, Covariance, Evaluation, GaussianMixture, Noise, Noised};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Implementation, Law, Operator, Port, Sides, Spec, Tensor, Values, digits};
use crate::scalar::{Ball, Scalar};

/// `noised_mixture`.
pub struct NoisedMixture;

fn mixture<S: Scalar>(x: &Args<S>) -> Result<GaussianMixture<S>> {
    let covariances = x.matrices("covariances")?;
    // The lower triangle is read.
    let symmetric = |a: Matrix<S>| Covariance::Full(Matrix::from_fn(a.rows(), a.rows(), |i, j| if j <= i { a[(i, j)] } else { a[(j, i)] }));
    GaussianMixture::new(x.vector("weights")?.to_vec(), x.matrix("means")?, covariances.into_iter().map(symmetric).collect())
}
fn noise<S: Scalar>(x: &Args<S>) -> Result<Noise<S>> {
    Noise::new(x.param("alpha")?, x.param("sigma")?)
}
fn stack<S: Scalar>(parts: Vec<Matrix<S>>, d: usize) -> Result<Tensor<S>> {
    Tensor::new(vec![parts.len(), d, d], parts.into_iter().flat_map(Matrix::into_data).collect())
}
fn answers<S: Scalar>(noised: &Noised<S>, e: &Evaluation<S>, d: usize) -> Result<Values<S>> {
    Ok(Values::new()
        .with("log_density", e.log_density.clone())
        .with("responsibilities", e.responsibilities.clone())
        .with("score", e.score.clone())
        .with("denoised", e.denoised.clone())
        .with("hessian", stack(noised.hessian(e)?, d)?))
}

impl Operator for NoisedMixture {
    const SPEC: Spec = Spec {
        name: "noised_mixture",
        room: "denoise",
        purpose: "density, responsibilities, score, denoiser and Hessian of a Gaussian mixture seen through noise",
        definition: "x_t = αx + σg with x from Σ π_k N(μ_k, Σ_k), singular Σ_k allowed; M_k = α²Σ_k + σ²I, P_k = M_k⁻¹, δ = x_t − αμ_k; \
                     ℓ_k = log π_k − ½δᵀP_kδ − ½ log det M_k − (d/2) log 2π; log p = log Σ exp ℓ_k; r_k = exp(ℓ_k − log p); s = −Σ r_kP_kδ_k; \
                     x̄ = E[x | x_t] = Σ r_k(μ_k + αΣ_kP_kδ_k); H = ∇² log p = Σ r_k(s_k − s)(s_k − s)ᵀ − Σ r_kP_k",
        source: "Robbins, Berkeley Symposium 1956 (Tweedie's formula); Efron, JASA 2011; Buchanan, Pai, Wang, Ma, Learning Deep Representations of Data Distributions, 2025, chapter 3",
        inputs: &[
            Port::real("x", "n d", "x_t, one query a row"),
            Port::of(Domain::Simplex, "weights", "k", "π, with sum 1; gradients as if each were free"),
            Port::real("means", "k d", "μ_k, one a row"),
            Port::of(Domain::Semidefinite, "covariances", "k d d", "Σ_k"),
        ],
        outputs: &[
            Port::real("log_density", "n", "log p_t in nats"),
            Port::real("responsibilities", "n k", "r, rows with sum 1"),
            Port::real("score", "n d", "∇ log p_t"),
            Port::real("denoised", "n d", "x̄, the posterior mean"),
            Port::real("hessian", "n d d", "∇² log p_t"),
        ],
        params: &NOISE,
        divergences: &[
            "book code gmm_ce: solves by least squares with rcond = 1e-8, so that directions with α²λ + σ² below 1e-8 of the largest are dropped, while the determinant still counts them; no (2π)^{−d/2}; f32",
            "book, two-point example: prints tanh(−x_t/t²); the sign is +",
            "book, general Tweedie formula: the score at x; it is the score at x_t. Appendix B has ∇p_t for ∇log p_t",
            "DDPM codes: α = √ᾱ_t, σ = √(1 − ᾱ_t)",
            "EDM codes: α = 1 and D(x; σ) is the denoiser",
            "score networks often return −σs or s/σ, not s",
        ],
        couples: "columns of x; the components; rows of x are separate queries",
        cost: "K d³/3 once, 3 K d² flops a row, K d² a row for the Hessian",
        flops: |s| {
            let (n, d, k) = (s("n"), s("d"), s("k"));
            k * d * d * d * 2.0 + n * k * d * d * 10.0
        },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let mixture = mixture(x)?;
        let noised = mixture.at(noise(x)?)?;
        answers(&noised, &noised.evaluate(&x.matrix("x")?)?, mixture.dim())
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let mixture = mixture(x)?;
        let (noised, d) = (mixture.at(noise(x)?)?, mixture.dim());
        let e = noised.evaluate(&x.matrix("x")?)?;
        let given = |name: &str| y.get(name).map(|_| y.matrix(name)).transpose();
        let hessian = match y.get("hessian") {
            None => None,
            Some(_) => Some(
                y.real("hessian")?.data.chunks(d * d).map(|m| Matrix::new(d, d, m.to_vec())?.symmetrised()).collect::<Result<Vec<_>>>()?,
            ),
        };
        let bar = Cotangents {
            log_density: given("log_density")?.map(Matrix::into_data),
            responsibilities: given("responsibilities")?,
            score: given("score")?,
            denoised: given("denoised")?,
            hessian,
        };
        let g = noised.vjp(&e, &bar)?;
        Ok(Values::new()
            .with("x", g.x)
            .with("weights", g.weights)
            .with("means", g.means)
            .with("covariances", stack(g.covariances, d)?)
            .with("alpha", g.noise.alpha)
            .with("sigma", g.noise.sigma))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("noised_mixture/tweedie", "αx̄ = x_t + σ²s", |f, case| {
                let (out, x) = (f.eval(case)?, case.inputs.matrix("x")?);
                let (alpha, sigma) = (param(case, "alpha"), param(case, "sigma"));
                let right = x.add(&out.matrix("score")?.scale(sigma.square()))?;
                Ok(Some(Sides::all(out.matrix("denoised")?.scale(alpha).into_data(), right.into_data())))
            }),
            Law::equal("noised_mixture/heat_equation", "∂ log p/∂σ = σ(tr H + ‖s‖²) at fixed α", |f, case| {
                let (slope, flow) = (along(f, case, "sigma")?, flow(f, case)?);
                Ok(Some(Sides::of(slope, flow * param(case, "sigma"))))
            }),
            Law::equal(
                "noised_mixture/transport_equation",
                "∂ log p/∂α = −(d + ⟨x_t, s⟩)/α − (σ²/α)(tr H + ‖s‖²): with the heat equation the Fokker–Planck equation of every schedule",
                |f, case| {
                    let (slope, flow, out, x) = (along(f, case, "alpha")?, flow(f, case)?, f.eval(case)?, case.inputs.matrix("x")?);
                    let (alpha, sigma) = (param(case, "alpha"), param(case, "sigma"));
                    let radial = Ball::exact((x.rows() * x.cols()) as f64) + x.dot(&out.matrix("score")?)?;
                    Ok(Some(Sides::of(slope, -((radial + sigma.square() * flow) / alpha))))
                },
            ),
            Law::equal("noised_mixture/score_is_the_gradient", "∂ log p/∂x = s", |f, case| {
                let n = case.inputs.matrix("x")?.rows();
                let g = f.vjp(case, &Values::new().with("log_density", vec![Ball::ONE; n]))?;
                Ok(Some(Sides::all(g.matrix("x")?.into_data(), f.eval(case)?.matrix("score")?.into_data())))
            }),
            Law::equal("noised_mixture/semigroup", "twice the noise is the noise upon covariances larger by 3σ²I (α = 1)", |f, case| {
                let case = &case.clone().set("alpha", 1.0);
                let sigma = param(case, "sigma");
                let mut thick = case.inputs.real("covariances")?.clone();
                let d = thick.shape.last().copied().unwrap_or(1);
                for (i, x) in thick.data.iter_mut().enumerate() {
                    if i / d % d == i % d {
                        *x += Ball::exact(3.0) * sigma.square();
                    }
                }
                let once = f.eval(&case.clone().input("covariances", thick))?;
                let twice = f.eval(&case.clone().set("sigma", 2.0 * case.number("sigma").unwrap_or(1.0)))?;
                Ok(Some(Sides::all(once.real("log_density")?.data.clone(), twice.real("log_density")?.data.clone())))
            }),
            Law::equal("noised_mixture/component_order", "reversing the components reverses r and changes nothing else", |f, case| {
                let reversed = |name: &str| {
                    let t = case.inputs.real(name)?;
                    let size = (t.data.len() / t.shape[0]).max(1);
                    Ok::<_, crate::Error>(Tensor { shape: t.shape.clone(), data: t.data.chunks(size).rev().flatten().copied().collect() })
                };
                let mut other = case.clone();
                for name in ["weights", "means", "covariances"] {
                    other.inputs.set(name, reversed(name)?);
                }
                let (a, b) = (f.eval(case)?, f.eval(&other)?);
                let (mut left, mut right) = (a.real("score")?.data.clone(), b.real("score")?.data.clone());
                let (r, q) = (a.matrix("responsibilities")?, b.matrix("responsibilities")?);
                left.extend((0..r.rows()).flat_map(|i| r.row(i).to_vec()));
                right.extend((0..q.rows()).flat_map(|i| q.row(i).iter().rev().copied().collect::<Vec<_>>()));
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("noised_mixture/responsibilities", "the rows of r sum to 1", |f, case| {
                let r = f.eval(case)?.matrix("responsibilities")?;
                let sums: Vec<Ball> = (0..r.rows()).map(|i| r.row(i).iter().fold(Ball::ZERO, |s, &x| s + x)).collect();
                let ones = vec![Ball::ONE; sums.len()];
                Ok(Some(Sides::all(sums, ones)))
            }),
            Law::equal("noised_mixture/translation", "moving the means by b and x_t by αb moves x̄ by b", |f, case| {
                let (x, means) = (case.inputs.matrix("x")?, case.inputs.matrix("means")?);
                let alpha = param(case, "alpha");
                let b = |j: usize| Ball::exact([0.5, -1.25, 2.0][j % 3]);
                let moved = case
                    .clone()
                    .input("x", Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] + alpha * b(j)))
                    .input("means", Matrix::from_fn(means.rows(), means.cols(), |i, j| means[(i, j)] + b(j)));
                let (plain, there) = (f.eval(case)?, f.eval(&moved)?);
                let here = plain.matrix("denoised")?;
                let here = Matrix::from_fn(here.rows(), here.cols(), |i, j| here[(i, j)] + b(j));
                Ok(Some(Sides::all(here.into_data(), there.matrix("denoised")?.into_data())))
            }),
            Law::at_most("noised_mixture/ceiling", "log p_t ≤ −(d/2) log 2πσ²", |f, case| {
                let p = f.eval(case)?.real("log_density")?.data.clone();
                let d = Ball::exact(case.inputs.matrix("x")?.cols() as f64);
                let top = -(d * Ball::exact(0.5) * (Ball::exact(2.0) * Ball::pi() * param(case, "sigma").square()).ln());
                let tops = vec![top; p.len()];
                Ok(Some(Sides::all(p, tops)))
            }),
            Law::at_most("noised_mixture/curvature", "tr H ≥ −d/σ²", |f, case| {
                let (out, d) = (f.eval(case)?, case.inputs.matrix("x")?.cols());
                let traces = traces(&out, d)?;
                let floor = -(Ball::exact(d as f64) / param(case, "sigma").square());
                Ok(Some(Sides::all(vec![floor; traces.len()], traces)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let t = |shape: &[usize], data: &[f64]| Tensor { shape: shape.to_vec(), data: data.iter().map(|&x| Ball::exact(x)).collect() };
        let d = |texts: &[&str]| texts.iter().map(|t| digits(t)).collect::<Vec<_>>();
        // 3/10 and 7/10 are not floats; weights that are: the decimals of the source hold for the decimal weights, so they stand in a test. Here: what is exact.
        let one = |x: &[f64], mean: &[f64], cov: &[f64], sigma: f64, alpha: f64| {
            let n = mean.len();
            Case::new(
                Values::new()
                    .with("x", t(&[1, n], x))
                    .with("weights", t(&[1], &[1.0]))
                    .with("means", t(&[1, n], mean))
                    .with("covariances", t(&[1, n, n], cov)),
            )
            .set("sigma", sigma)
            .set("alpha", alpha)
        };
        let two = Case::new(
            Values::new()
                .with("x", t(&[2, 1], &[0.5, 0.0]))
                .with("weights", t(&[2], &[0.5, 0.5]))
                .with("means", t(&[2, 1], &[1.0, -1.0]))
                .with("covariances", t(&[2, 1, 1], &[0.0, 0.0])),
        );
        vec![
            Closed::new(
                "one Gaussian: gain αλ/(α²λ + σ²), here above 1",
                one(&[1.0, 1.0], &[0.0, 0.0], &[4.0, 0.0, 0.0, 0.0], 0.5, 0.5),
                Values::new()
                    .with(
                        "denoised",
                        t(&[1, 2], &[1.6, 0.0]).map(|x| if x == Ball::ZERO { x } else { Ball::exact(8.0) / Ball::exact(5.0) }),
                    )
                    .with("responsibilities", t(&[1, 1], &[1.0]))
                    .with("hessian", {
                        let mut h = t(&[1, 2, 2], &[0.0, 0.0, 0.0, -4.0]);
                        h.data[0] = -(Ball::exact(4.0) / Ball::exact(5.0));
                        h
                    }),
            ),
            Closed::new(
                "points at ±1 with noise 1: x̄ = tanh x, and 0 at 0",
                two.clone().set("sigma", 1.0),
                Values::new().with(
                    "denoised",
                    Tensor { shape: vec![2, 1], data: d(&["0.4621171572600097585"]).into_iter().chain([Ball::ZERO]).collect() },
                ),
            ),
            Closed::new(
                "points at ±1 with noise ½: x̄ = tanh 4x",
                two.set("sigma", 0.5),
                Values::new().with(
                    "denoised",
                    Tensor { shape: vec![2, 1], data: d(&["0.9640275800758168839"]).into_iter().chain([Ball::ZERO]).collect() },
                ),
            ),
        ]
    }
}

/// The sum over queries of ∂ log p in a parameter.
fn along(f: &dyn Implementation, case: &Case, name: &str) -> Result<Ball> {
    let n = case.inputs.matrix("x")?.rows();
    f.vjp(case, &Values::new().with("log_density", vec![Ball::ONE; n]))?.scalar(name)
}
fn traces(out: &Values<Ball>, d: usize) -> Result<Vec<Ball>> {
    let h = out.real("hessian")?;
    Ok(h.data.chunks(d * d).map(|h| (0..d).fold(Ball::ZERO, |s, i| s + h[i * d + i])).collect())
}
/// The sum over queries of tr H + ‖s‖².
fn flow(f: &dyn Implementation, case: &Case) -> Result<Ball> {
    let out = f.eval(case)?;
    let s = out.matrix("score")?;
    Ok(traces(&out, s.cols())?.into_iter().fold(s.frobenius_squared(), |sum, t| sum + t))
}
