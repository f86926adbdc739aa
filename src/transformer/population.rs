//! Tokens from a mixture on subspaces: their rates, their best denoiser, and what the operators of a layer become when there are very many of them.

use super::projections;
use crate::coding::Distortion;
use crate::learn::softmax;
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// The law of tokens `z = U_k c + σ g`: a subspace k with probability `w_k`, then `c ~ N(0, λ I_p)`, `g ~ N(0, I_d)`. The K bases have p columns each and together are orthonormal
/// and complete, `d = Kp`.
///
/// It is the model under which the sources explain a layer (Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023). Everything here is in closed form:
///
/// | of many tokens | tends to |
/// |---|---|
/// | [`coding_rate`](crate::coding::coding_rate), [`subspace_coding_rate`](super::subspace_coding_rate) | [`rate`](Population::rate), [`subspace_rate`](Population::subspace_rate) |
/// | n · [`rate_gradient`](super::rate_gradient) | [`gradient_limit`](Population::gradient_limit), linear: one factor a head |
/// | [`mssa`](super::mssa) | [`attention_limit`](Population::attention_limit): every head gated by its own energy |
///
/// to be held against the posterior mean [`denoise`](Population::denoise) and the best linear map [`denoise_linear`](Population::denoise_linear).
#[derive(Clone, Debug, PartialEq)]
pub struct Population<S> {
    bases: Vec<Matrix<S>>,
    weights: Vec<S>,
    signal: S,
    noise: S,
}

/// Tokens drawn from a [`Population`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    /// `U_k c`, n × d.
    pub clean: Matrix<f64>,
    /// `U_k c + σ g`.
    pub noisy: Matrix<f64>,
    /// The k of each.
    pub labels: Vec<usize>,
}

impl<S: Scalar> Population<S> {
    /// `bases`: K matrices d × p; `weights`: K positive numbers with sum 1; `signal`: λ > 0, the variance of a coordinate in the subspace; `noise`: σ² > 0.
    ///
    /// Errors: `Shape` unless `Kp = d`; `Domain` where the bases are not orthonormal or the weights do not sum to 1, each to 1e-6, or a variance is not above 0.
    pub fn new(bases: Vec<Matrix<S>>, weights: Vec<S>, signal: S, noise: S) -> Result<Self> {
        let [d, p] = bases.first().map_or([0, 0], Matrix::shape);
        if p == 0 || d != p * bases.len() || bases.iter().any(|u| u.shape() != [d, p]) || weights.len() != bases.len() {
            let found = format!("{} bases of {d} × {p} and {} weights", bases.len(), weights.len());
            return Err(Error::shape("bases", "K bases d × p with Kp = d, and as many weights", found));
        }
        for (j, u) in bases.iter().enumerate() {
            for (k, v) in bases.iter().enumerate() {
                let product = u.t_matmul(v)?;
                let off = (0..p * p).any(|i| (product.data()[i].value() - f64::from(u8::from(j == k && i % (p + 1) == 0))).abs() > 1e-6);
                if off {
                    return Err(Error::domain(
                        format!("bases[{k}]"),
                        "orthonormal columns, orthogonal to the other bases",
                        format!("not to bases[{j}]"),
                    ));
                }
            }
        }
        if weights.iter().any(|w| !(w.value() > 0.0)) || (S::sum(&weights).value() - 1.0).abs() > 1e-6 {
            return Err(
                Error::domain("weights", "numbers above 0 with sum 1", format!("sum {}", S::sum(&weights).value())).named("NotOnSimplex")
            );
        }
        for (name, x) in [("signal", signal), ("noise", noise)] {
            if !(x.value() > 0.0 && x.is_finite()) {
                return Err(Error::domain(name, "a finite variance above 0", x.value().to_string()).named("NonPositive"));
            }
        }
        Ok(Population { bases, weights, signal, noise })
    }
    /// The bases.
    pub fn bases(&self) -> &[Matrix<S>] {
        &self.bases
    }
    /// p.
    fn width(&self) -> S {
        S::from_usize(self.bases[0].cols())
    }
    /// `w_k λ + σ²`: the second moment of the tokens along head k.
    fn moments(&self) -> impl Iterator<Item = S> {
        self.weights.iter().map(|&w| w * self.signal + self.noise)
    }
    /// `½ p Σ_k ln(1 + c (w_k λ + σ²))`.
    fn rate_of(&self, c: S) -> S {
        let terms: Vec<S> = self.moments().map(|s| (c * s).log1p()).collect();
        self.width() * S::from_f64(0.5) * S::sum(&terms)
    }
    /// `R` of the law: `½ log det(I + (d/ε²) E zzᵀ)` in nats a token. The expected rate of n tokens lies below it, by a multiple of 1/n.
    pub fn rate(&self, distortion: Distortion<S>) -> Result<S> {
        Ok(self.rate_of(S::from_usize(self.bases[0].rows()) / distortion.squared()?))
    }
    /// `R^c` of the law: `½ Σ_k log det(I + (p/ε²) U_kᵀ E zzᵀ U_k)`.
    pub fn subspace_rate(&self, distortion: Distortion<S>) -> Result<S> {
        Ok(self.rate_of(self.width() / distortion.squared()?))
    }
    /// Every head of every token times its factor, `Σ_k f_k(‖a_k‖²) a_k U_kᵀ`, `a_k = z U_k`. The factors of a token come as K numbers from its K energies.
    fn gated(&self, z: &Matrix<S>, factors: impl Fn(&Matrix<S>) -> Result<Matrix<S>>) -> Result<Matrix<S>> {
        let heads = projections(z, &self.bases)?;
        let factors = factors(&Matrix::from_fn(z.rows(), heads.len(), |i, k| S::dot(heads[k].row(i), heads[k].row(i))))?;
        let mut y = Matrix::zeros(z.rows(), z.cols());
        for (k, (mut a, u)) in heads.into_iter().zip(&self.bases).enumerate() {
            for i in 0..a.rows() {
                a.row_mut(i).iter_mut().for_each(|x| *x *= factors[(i, k)]);
            }
            y.accumulate(&a.matmul_t(u)?)?;
        }
        Ok(y)
    }
    /// The posterior mean of the clean token: `E[U_k c | z] = Σ_k π_k(z) λ/(λ+σ²) U_kU_kᵀz`, `π_k ∝ w_k exp(λ‖U_kᵀz‖²/(2σ²(λ+σ²)))`. Nothing has a smaller mean squared error.
    /// `z`: n × d, a token a row. Errors: `Shape`.
    pub fn denoise(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        let total = self.signal + self.noise;
        let beta = self.signal / (S::from_f64(2.0) * self.noise * total);
        self.gated(z, |energy| {
            let logits = Matrix::from_fn(energy.rows(), energy.cols(), |i, k| beta.mul_add(energy[(i, k)], self.weights[k].ln()));
            Ok(softmax(&logits)?.scale(self.signal / total))
        })
    }
    /// The best linear map, Wiener's: head k times `w_k λ/(w_k λ + σ²)`.
    pub fn denoise_linear(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        let shrink: Vec<S> = self.moments().map(|s| (s - self.noise) / s).collect();
        self.gated(z, |energy| Ok(Matrix::from_fn(energy.rows(), energy.cols(), |_, k| shrink[k])))
    }
    /// The mean squared error of [`denoise_linear`](Population::denoise_linear): `p σ² Σ_k w_kλ/(w_kλ+σ²)`.
    pub fn linear_error(&self) -> S {
        let terms: Vec<S> = self.moments().map(|s| (s - self.noise) / s).collect();
        self.width() * self.noise * S::sum(&terms)
    }
    /// The mean squared error of who is told the subspace: `p σ² λ/(λ+σ²)`. That of [`denoise`](Population::denoise) is not smaller, and tends to it as `σ → 0`.
    pub fn informed_error(&self) -> S {
        self.width() * self.noise * self.signal / (self.signal + self.noise)
    }
    /// The limit of `n ∇_Z R^c` for many tokens: head k times `1/(ε²/p + w_kλ + σ²)`. It is linear, one factor a head: no token is treated otherwise than another.
    ///
    /// It is also minus the score of a Gaussian with these second moments and `ε²/p` more: with step `κ = nσ²`, a gradient step is Tweedie's formula for that Gaussian.
    pub fn gradient_limit(&self, z: &Matrix<S>, distortion: Distortion<S>) -> Result<Matrix<S>> {
        let floor = distortion.squared()? / self.width();
        let factor: Vec<S> = self.moments().map(|s| (floor + s).recip()).collect();
        self.gated(z, |energy| Ok(Matrix::from_fn(energy.rows(), energy.cols(), |_, k| factor[k])))
    }
    /// The limit of `mssa(Z; U, s, 1)` for many tokens: head k times `s (σ² + λ ρ_k)`, the gate `ρ_k = 1/(1 + (1−w_k)/w_k · exp(−s² λ ‖U_kᵀz‖²/2))`.
    ///
    /// Attention averages the tokens with weights `exp(s⟨a, a'⟩)`; the average of `a'` under such weights is the gradient of the log moment generating function of the head's tokens at
    /// `s a`. The head's tokens are `N(0, (λ+σ²)I)` with probability `w_k` and else `N(0, σ²I)`, which gives the formula. Like the posterior mean it is a gated projection; unlike it, a
    /// gate knows its own head alone, and is never below `w_k`.
    pub fn attention_limit(&self, z: &Matrix<S>, scale: S) -> Result<Matrix<S>> {
        let half = S::from_f64(0.5);
        let slope = half * scale.square() * self.signal;
        let rest = |k: usize| S::sum(&self.weights.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, &w)| w).collect::<Vec<_>>());
        let odds: Vec<Option<S>> = (0..self.weights.len())
            .map(|k| if rest(k).sign() == Some(Ordering::Equal) { None } else { Some(self.weights[k].ln() - rest(k).ln()) })
            .collect();
        self.gated(z, |energy| {
            Ok(Matrix::from_fn(energy.rows(), energy.cols(), |i, k| {
                // The logistic function by tanh, which does not overflow.
                let gate = odds[k].map_or(S::ONE, |odds| half * (S::ONE + (half * slope.mul_add(energy[(i, k)], odds)).tanh()));
                scale * self.signal.mul_add(gate, self.noise)
            }))
        })
    }
}

impl Population<f64> {
    /// `n` tokens. Errors: none but `Shape` for n = 0.
    pub fn draw(&self, n: usize, rng: &mut Rng) -> Result<Tokens> {
        let [d, p] = self.bases[0].shape();
        if n == 0 {
            return Err(Error::shape("n", "at least one token", "0").named("EmptyInput"));
        }
        let (mut codes, mut labels) = (Matrix::zeros(n, d), Vec::with_capacity(n));
        for i in 0..n {
            let (mut left, mut k) = (rng.uniform(), 0);
            while k + 1 < self.weights.len() && left >= self.weights[k] {
                left -= self.weights[k];
                k += 1;
            }
            labels.push(k);
            codes.row_mut(i)[k * p..(k + 1) * p].iter_mut().for_each(|x| *x = Scalar::sqrt(self.signal) * rng.gaussian());
        }
        // One basis after the other: head k of every token, put back by U_k.
        let mut clean = Matrix::zeros(n, d);
        for (k, u) in self.bases.iter().enumerate() {
            clean.accumulate(&codes.select_cols(k * p, p)?.matmul_t(u)?)?;
        }
        let noisy = clean.map(|x| Scalar::sqrt(self.noise).mul_add(rng.gaussian(), x));
        Ok(Tokens { clean, noisy, labels })
    }
}
