//! Denoising score matching: a small network that learns the denoiser from samples alone, to be held against the exact one.

use super::noise::Noise;
use super::sampler::Denoiser;
use crate::learn::{Initial, Layer, Linear, Moments, Optimiser, Parameter, Parameters, gelu, gelu_derivative, optimise, parameters};
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// Two hidden layers of GELUs between linear maps, preconditioned so that it need only learn what a Gaussian of the same variance leaves:
/// `x̂ = c_skip x_t/α + c_out F(c_in x_t/α, features of log ν)`, `ν = σ/α`, `c_skip = v/(v + ν²)`, `c_out = √v ν/√(v + ν²)`, `c_in = 1/√(v + ν²)`, v the variance of a coordinate
/// (Karras, Aittala, Aila and Laine, NeurIPS 2022, table 1). The features: `log ν/4`, and its cosines and sines at four frequencies.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreNetwork<S> {
    first: Linear<S>,
    second: Linear<S>,
    last: Linear<S>,
    variance: Vec<f64>,
}
parameters!(ScoreNetwork { "first" => first, "second" => second, "last" => last });

const FEATURES: usize = 9;

/// How it is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainOptions {
    /// Steps.
    pub steps: usize,
    /// Samples a step.
    pub batch: usize,
    /// The learning rate at the start; it falls to 0 along half a cosine.
    pub rate: f64,
    /// σ is drawn log-uniformly from here …
    pub least: f64,
    /// … to here, with α = 1.
    pub most: f64,
}

impl<S: Scalar> ScoreNetwork<S> {
    /// A network for rows of d numbers of this variance, `width` units in each hidden layer. Errors: `Domain` for no dimension, no unit or a variance not above 0.
    pub fn new(d: usize, width: usize, variance: f64, seed: u64) -> Result<Self> {
        if d == 0 || width == 0 || !(variance > 0.0 && variance.is_finite()) {
            let found = format!("{d}, {width}, {variance}");
            return Err(Error::domain("network", "a dimension and a width from 1 on, a variance above 0", found).named("InvalidParameter"));
        }
        let mut net = ScoreNetwork {
            first: Linear::zeros(d + FEATURES, width, true),
            second: Linear::zeros(width, width, true),
            last: Linear::zeros(width, d, true),
            variance: vec![variance],
        };
        for (name, layer) in [("first", &mut net.first), ("second", &mut net.second)] {
            Initial::Kaiming.fill(&mut layer.weight, name, seed);
        }
        Ok(net)
    }
    /// `(c_skip, c_out, c_in, ν)`, relative to `x_t/α`.
    fn scales(&self, noise: Noise<S>) -> Result<[S; 4]> {
        let (noise, v) = (noise.positive()?.informative()?, S::from_f64(self.variance[0]));
        let nu = noise.sigma / noise.alpha;
        let whole = v + nu.square();
        Ok([v / whole, v.sqrt() * nu / whole.sqrt(), whole.sqrt().recip(), nu])
    }
    /// The rows that enter the network, for a noise level a row.
    fn inputs(&self, noise: &[Noise<S>], x: &Matrix<S>) -> Result<Matrix<S>> {
        let d = x.cols();
        if d + FEATURES != self.first.weight.cols() || noise.len() != x.rows() {
            let expected = format!("rows of {} numbers, a noise level each", self.first.weight.cols() - FEATURES);
            return Err(Error::shape("x", expected, format!("{x:?} and {} levels", noise.len())).named("ShapeMismatch"));
        }
        let mut out = Matrix::zeros(x.rows(), d + FEATURES);
        for i in 0..x.rows() {
            let [_, _, c_in, nu] = self.scales(noise[i])?;
            let time = nu.ln() * S::from_f64(0.25);
            let row = out.row_mut(i);
            (0..d).for_each(|j| row[j] = x[(i, j)] / noise[i].alpha * c_in);
            row[d] = time;
            for k in 0..(FEATURES - 1) / 2 {
                let angle = time * S::from_f64((1 << k) as f64);
                (row[d + 1 + 2 * k], row[d + 2 + 2 * k]) = (angle.cos(), angle.sin());
            }
        }
        Ok(out)
    }
    /// The prediction of x for each row at its noise level. Errors: `Shape`; `Domain` for α = 0 or σ = 0.
    pub fn predict(&self, noise: &[Noise<S>], x: &Matrix<S>) -> Result<Matrix<S>> {
        Ok(self.forward(noise, x)?.prediction)
    }
    fn forward(&self, noise: &[Noise<S>], x: &Matrix<S>) -> Result<Pass<S>> {
        let input = self.inputs(noise, x)?;
        let before = self.first.apply(&input, 1)?;
        let hidden = before.map(gelu);
        let before_last = self.second.apply(&hidden, 1)?;
        let last = before_last.map(gelu);
        let out = self.last.apply(&last, 1)?;
        let mut prediction = Matrix::zeros(x.rows(), x.cols());
        for i in 0..x.rows() {
            let [skip, gain, ..] = self.scales(noise[i])?;
            for j in 0..x.cols() {
                prediction[(i, j)] = skip * x[(i, j)] / noise[i].alpha + gain * out[(i, j)];
            }
        }
        Ok(Pass { input, before, hidden, before_last, last, prediction })
    }
    /// The loss `(1/n) Σ ‖x̂ − x‖²/c_out²` of each row at its noise level and its gradient in the parameters. The weight `1/c_out² = (v + ν²)/(vν²)` makes the loss at every noise level of the same order; the best
    /// network is the exact denoiser whatever the weight.
    pub fn loss(&self, noise: &[Noise<S>], x_t: &Matrix<S>, clean: &Matrix<S>) -> Result<(S, Self)> {
        let pass = self.forward(noise, x_t)?;
        let [n, d] = x_t.shape();
        if clean.shape() != [n, d] {
            return Err(Error::shape("clean", format!("{x_t:?}"), format!("{clean:?}")).named("ShapeMismatch"));
        }
        let (mut terms, mut dy) = (Vec::with_capacity(n * d), Matrix::zeros(n, d));
        let share = S::from_usize(n).recip();
        for i in 0..n {
            let gain = self.scales(noise[i])?[1];
            for j in 0..d {
                let off = (pass.prediction[(i, j)] - clean[(i, j)]) / gain;
                terms.push(off.square() * share);
                dy[(i, j)] = off * share * S::from_f64(2.0);
            }
        }
        let mut grad = self.clone();
        grad.clear();
        let (dx, g) = self.last.vjp(&pass.last, 1, &dy)?;
        grad.last = g;
        let (dx, g) = self.second.vjp(&pass.hidden, 1, &dx.zip(&pass.before_last, |g, x| g * gelu_derivative(x))?)?;
        grad.second = g;
        grad.first = self.first.vjp(&pass.input, 1, &dx.zip(&pass.before, |g, x| g * gelu_derivative(x))?)?.1;
        Ok((S::sum(&terms), grad))
    }
}

/// What the backward pass needs.
struct Pass<S> {
    input: Matrix<S>,
    before: Matrix<S>,
    hidden: Matrix<S>,
    before_last: Matrix<S>,
    last: Matrix<S>,
    prediction: Matrix<S>,
}

impl ScoreNetwork<f64> {
    /// Trains on the rows of `data` by AdamW without decay; returns the loss of every step. It sees samples, noise and nothing else; `progress` hears of every step.
    pub fn train(
        &mut self,
        data: &Matrix<f64>,
        options: TrainOptions,
        rng: &mut Rng,
        progress: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f64>> {
        let [n, d] = data.shape();
        if n == 0 || options.batch == 0 || !(options.least > 0.0 && options.least < options.most && options.most.is_finite()) {
            return Err(Error::domain("options", "samples, a batch, and noise levels above 0 in order", format!("{options:?}"))
                .named("InvalidParameter"));
        }
        let optimiser = Optimiser::adamw(0.0);
        let mut moments = Moments::new(&optimiser, &self.parameters());
        let mut losses = Vec::with_capacity(options.steps);
        let (low, high) = (Scalar::ln(options.least), Scalar::ln(options.most));
        for step in 0..options.steps {
            let noise: Vec<Noise<f64>> =
                (0..options.batch).map(|_| Noise { alpha: 1.0, sigma: Scalar::exp(low + (high - low) * rng.uniform()) }).collect();
            let rows: Vec<usize> = noise.iter().map(|_| rng.below(n)).collect();
            let clean = data.select_rows(&rows)?;
            let x_t = Matrix::from_fn(options.batch, d, |i, j| noise[i].sigma.mul_add(rng.gaussian(), clean[(i, j)]));
            let (loss, grad) = self.loss(&noise, &x_t, &clean)?;
            let rate = options.rate * 0.5 * (1.0 + Scalar::cos(std::f64::consts::PI * step as f64 / options.steps as f64));
            let mut parameters: Vec<&mut Parameter<f64>> = self.parameters_mut();
            optimise(&optimiser, rate, &mut parameters, &grad.parameters(), &mut moments)?;
            losses.push(loss);
            progress(step, loss);
        }
        Ok(losses)
    }
    /// `E‖x̂ − x̄‖²` over these rows at a noise level: by how much the mean squared error exceeds that of the exact denoiser.
    pub fn excess(&self, exact: &impl Denoiser<f64>, noise: Noise<f64>, x_t: &Matrix<f64>) -> Result<f64> {
        let off = self.denoise(noise, x_t)?.sub(&exact.denoise(noise, x_t)?)?;
        Ok(f64::dot(off.data(), off.data()) / x_t.rows() as f64)
    }
}

impl<S: Scalar> Denoiser<S> for ScoreNetwork<S> {
    fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.predict(&vec![noise; x.rows()], x)
    }
}
