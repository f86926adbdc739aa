//! Averages over the noised law: entropy, Fisher information, mean squared error, and the identities between them.

use super::covariance::Covariance;
use super::mixture::GaussianMixture;
use super::noise::{Noise, Schedule};
use super::quadrature::{gauss_hermite, gauss_legendre};
use super::sphere::Sphere;
use crate::linalg::{Matrix, log_det};
use crate::random::Rng;
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// How an average over a mixture is taken.
#[derive(Clone, Debug)]
pub enum Averaging {
    /// A tensor Gauss–Hermite rule of so many nodes a dimension around each component, in at most three dimensions. Slow to converge for components far apart.
    Quadrature(usize),
    /// So many samples, shared out among the components by their weights, from this generator. Unbiased.
    Samples(usize, Rng),
}

/// An average and the standard error of its estimate (0 for quadrature, whose error it does not know).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// The estimate.
    pub value: f64,
    /// One standard deviation of it.
    pub error: f64,
}

impl Average {
    /// How many standard errors lie between the estimate and a value.
    pub fn z_score(&self, of: f64) -> f64 {
        (self.value - of) / self.error
    }
}

/// What a noise level does to a source, in nats and squared lengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// `h(x_t) = −E log p_t`.
    pub entropy: Average,
    /// `J(x_t) = E‖s‖²`, the trace of the Fisher information.
    pub fisher: Average,
    /// `mmse = E tr Cov(x | x_t)`, the least mean squared error of any denoiser.
    pub mmse: Average,
}

/// Points of the noised mixture, one a row, and the weight of each.
struct Points {
    x: Matrix<f64>,
    weights: Vec<f64>,
    /// The first point of each component, and the weight of the component.
    strata: Vec<(usize, f64)>,
    sampled: bool,
}

fn points(mixture: &GaussianMixture<f64>, noise: Noise<f64>, how: Averaging) -> Result<Points> {
    let (noised, d) = (mixture.noised(noise), mixture.dim());
    let (mut data, mut weights, mut strata) = (Vec::new(), Vec::new(), Vec::new());
    let sampled = matches!(how, Averaging::Samples(..));
    let mut draws: Vec<(f64, Vec<f64>)> = Vec::new();
    if let Averaging::Quadrature(nodes) = how {
        if d > 3 {
            return Err(Error::unsupported("quadrature", "at most 3 dimensions; samples serve for more", d.to_string()).named("TooLarge"));
        }
        let rule = gauss_hermite(nodes)?;
        draws.push((1.0, Vec::new()));
        for _ in 0..d {
            let extend = |(w, z): &(f64, Vec<f64>)| {
                let (w, z) = (*w, z.clone());
                rule.nodes
                    .iter()
                    .zip(&rule.weights)
                    .map(move |(&node, &weight)| (w * weight, [z.clone(), vec![node]].concat()))
                    .collect::<Vec<_>>()
            };
            draws = draws.iter().flat_map(extend).collect();
        }
    }
    let mut how = how;
    for (k, c) in noised.covariances().iter().enumerate() {
        let pi = noised.weights()[k];
        if pi == 0.0 {
            continue;
        }
        let root = c.root()?;
        if let Averaging::Samples(n, rng) = &mut how {
            // Two at least, so that a spread can be seen.
            let own = ((pi * *n as f64).ceil() as usize).max(2);
            let mut draw = || (1.0 / own as f64, (0..root.cols()).map(|_| rng.gaussian()).collect());
            draws = (0..own).map(|_| draw()).collect();
        } else if root.cols() != d {
            // A low-rank root has more columns than dimensions: the square one serves the rule.
            let square = Covariance::Full(c.dense()?).root()?;
            strata.push((weights.len(), pi));
            push(&noised, k, &square, &draws, pi, &mut data, &mut weights);
            continue;
        }
        strata.push((weights.len(), pi));
        push(&noised, k, &root, &draws, pi, &mut data, &mut weights);
    }
    Ok(Points { x: Matrix::new(weights.len(), d, data)?, weights, strata, sampled })
}

fn push(
    noised: &GaussianMixture<f64>,
    k: usize,
    root: &Matrix<f64>,
    draws: &[(f64, Vec<f64>)],
    pi: f64,
    data: &mut Vec<f64>,
    weights: &mut Vec<f64>,
) {
    for (w, z) in draws {
        data.extend((0..noised.dim()).map(|j| noised.means()[(k, j)] + f64::dot(root.row(j), z)));
        weights.push(pi * w);
    }
}

impl Points {
    fn average(&self, values: &[f64]) -> Average {
        let value = f64::dot(&self.weights, values);
        let mut variance = 0.0;
        for (s, &(from, pi)) in self.strata.iter().enumerate().filter(|_| self.sampled) {
            let to = self.strata.get(s + 1).map_or(values.len(), |next| next.0);
            let (own, n) = (&values[from..to], (to - from) as f64);
            let mean = f64::sum(own) / n;
            let squares: Vec<f64> = own.iter().map(|v| (v - mean) * (v - mean)).collect();
            variance += pi * pi * f64::sum(&squares) / (n * (n - 1.0));
        }
        Average { value, error: variance.sqrt() }
    }
}

/// Entropy, Fisher information and least error of a mixture at a noise level. `points · K d²` flops. Errors: those of [`GaussianMixture::at`]; `Unsupported` (`TooLarge`) for quadrature beyond three dimensions.
pub fn averages(mixture: &GaussianMixture<f64>, noise: Noise<f64>, how: Averaging) -> Result<Averages> {
    let points = points(mixture, noise, how)?;
    let noised = mixture.at(noise)?;
    let e = noised.evaluate(&points.x)?;
    let n = points.x.rows();
    let entropy: Vec<f64> = e.log_density.iter().map(|p| -p).collect();
    let fisher: Vec<f64> = (0..n).map(|i| f64::dot(e.score.row(i), e.score.row(i))).collect();
    let mmse: Vec<f64> = noised.posterior_covariance(&e)?.iter().map(Matrix::trace).collect();
    Ok(Averages { entropy: points.average(&entropy), fisher: points.average(&fisher), mmse: points.average(&mmse) })
}

/// Entropy, Fisher information and least error of a uniform sphere at a noise level, to some 13 digits: one integral over the length of `x_t`, by Gauss–Legendre panels of half a σ over all lengths that
/// have a density to speak of. Errors: those of [`Sphere::denoise`].
pub fn sphere_averages(sphere: &Sphere<f64>, noise: Noise<f64>) -> Result<Averages> {
    const NODES: usize = 12;
    let (d, s, shell) = (sphere.dim, noise.sigma, noise.alpha * sphere.radius);
    let spread = s * (14.0 + (d as f64).sqrt());
    let (low, high) = (if shell > spread { shell - spread } else { 0.0 }, shell + spread);
    let panels = (2.0 * (high - low) / s).ceil() as usize;
    let (rule, width) = (gauss_legendre(NODES)?, (high - low) / panels as f64);
    let lengths = (0..panels * NODES).map(|i| low + width * ((i / NODES) as f64 + 0.5 * (1.0 + rule.nodes[i % NODES]))).collect::<Vec<_>>();
    let x = Matrix::from_fn(lengths.len(), d, |i, j| if j == 0 { lengths[i] } else { 0.0 });
    let y = sphere.denoise(noise, &x)?;
    let half = d as f64 / 2.0;
    // The area of the unit sphere, 2π^{d/2}/Γ(d/2).
    let log_area = Scalar::ln(2.0f64) + half * Scalar::ln(std::f64::consts::PI) - super::bessel::log_gamma_half::<f64>(d);
    let [mut mass, mut entropy, mut fisher, mut mmse] = [const { Vec::new() }; 4];
    for i in 0..lengths.len() {
        let log_shell = if d == 1 { 0.0 } else { (d - 1) as f64 * Scalar::ln(lengths[i]) };
        let w = width * rule.weights[i % NODES] * Scalar::exp(log_area + log_shell + y.log_density[i]);
        mass.push(w);
        entropy.push(-w * y.log_density[i]);
        fisher.push(w * f64::dot(y.score.row(i), y.score.row(i)));
        mmse.push(w * y.spread[i]);
    }
    let total = f64::sum(&mass);
    let average = |terms: &[f64]| Average { value: f64::sum(terms) / total, error: 0.0 };
    Ok(Averages { entropy: average(&entropy), fisher: average(&fisher), mmse: average(&mmse) })
}

/// `J = d/σ² − α² mmse/σ⁴`.
pub fn fisher_of_mmse<S: Scalar>(mmse: S, d: usize, noise: Noise<S>) -> S {
    let s2 = noise.sigma.square();
    (S::from_usize(d) - noise.alpha.square() * mmse / s2) / s2
}
/// `mmse = (σ²/α²)(d − σ²J)`.
pub fn mmse_of_fisher<S: Scalar>(fisher: S, d: usize, noise: Noise<S>) -> S {
    let s2 = noise.sigma.square();
    s2 / noise.alpha.square() * (S::from_usize(d) - s2 * fisher)
}
/// `I(x; x_t) = h(x_t) − (d/2) log 2πeσ²`. Its derivative in the signal-to-noise ratio α²/σ² is ½ mmse (Guo, Shamai and Verdú, IEEE Trans. Inf. Theory 51, 2005).
pub fn mutual_information<S: Scalar>(entropy: S, d: usize, noise: Noise<S>) -> S {
    entropy - S::from_usize(d) * S::from_f64(0.5) * (S::ONE + (S::from_f64(2.0) * S::pi() * noise.sigma.square()).ln())
}
/// `dh/dt = d α′/α + σ(σ′ − σα′/α) J(x_t)` along a schedule: de Bruijn's identity (Stam, Information and Control 2, 1959). For `Exploding`, where σ = t, it is `tJ`; in the variance `t²` it would be ½J. There h always
/// grows; along `Preserving` it may fall.
pub fn entropy_rate<S: Scalar>(schedule: Schedule, t: S, fisher: S, d: usize) -> Result<S> {
    let (noise, (da, ds)) = (schedule.at(t)?.informative()?, schedule.rates(t)?);
    let pull = da / noise.alpha;
    Ok(S::from_usize(d) * pull + noise.sigma * (ds - noise.sigma * pull) * fisher)
}

/// What one exact denoising step does to the entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepChange {
    /// `h(T(x_t)) − h(x_t) = E log det DT`.
    pub change: Average,
    /// For steps without scaling: `d log(1 − t(t − s)J/d)`, never below `change`.
    pub mean_bound: f64,
    /// For steps without scaling: `−t(t − s)J`, below 0 and never below `mean_bound`.
    pub linear_bound: f64,
}

/// The entropy before and after the step `T(x_t) = E[x_s | x_t] = (σ_s/σ_t)x_t + (α_s − σ_sα_t/σ_t)x̄` from the exact law of `x_t`, both noised by one g.
///
/// `DT = (σ_s/σ_t)I + (α_s − σ_sα_t/σ_t)Dx̄` is symmetric and positive definite for σ_s > 0, so T is one to one and the change is `E log det DT`. With α = 1, `E tr DT = d − t(t − s)J`; `log det ≤ d log(tr/d)` and
/// concavity give both bounds, so that *every* such step lowers the entropy, for every source, t and s < t. The published theorem asks for a lower bound on s with the inequality turned around, and its proof
/// bounds `(1 + x)^d` by a chord that it does not lie under; neither is needed. The statement is about the exact law: from another law of `x_t` a step may raise the entropy.
pub fn step_change(mixture: &GaussianMixture<f64>, from: Noise<f64>, to: Noise<f64>, how: Averaging) -> Result<StepChange> {
    let from = from.positive()?;
    if !(to.sigma > 0.0 && to.sigma < from.sigma) {
        return Err(
            Error::domain("to", "a noise level above 0 and below that of `from`", to.sigma.to_string()).named("NonMonotoneSchedule")
        );
    }
    let points = points(mixture, from, how)?;
    let noised = mixture.at(from)?;
    let e = noised.evaluate(&points.x)?;
    let (d, keep) = (mixture.dim(), to.sigma / from.sigma);
    let gain = to.alpha - keep * from.alpha;
    let change = noised
        .denoiser_jacobian(&e)?
        .into_iter()
        .map(|j| {
            let mut step = j.scale(gain);
            (0..d).for_each(|i| step[(i, i)] += keep);
            log_det(&step)
        })
        .collect::<Result<Vec<_>>>()?;
    let fisher: Vec<f64> = (0..points.x.rows()).map(|i| f64::dot(e.score.row(i), e.score.row(i))).collect();
    let drop = from.sigma * (from.sigma - to.sigma) * points.average(&fisher).value;
    let bound = d as f64 * Scalar::log1p(-drop / d as f64);
    Ok(StepChange { change: points.average(&change), mean_bound: bound, linear_bound: -drop })
}
