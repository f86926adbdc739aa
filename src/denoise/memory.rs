//! The denoiser of a finite set: it remembers, and a learner without restrictions becomes it.

use super::Noise;
use super::mixture::check_weights;
use super::sampler::Denoiser;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The answers for the rows of a query.
#[derive(Clone, Debug)]
pub struct Memory<S> {
    /// `x̄ = Σ w_i X_i`, n × d: in the convex hull of the set.
    pub denoised: Matrix<S>,
    /// `log p_t` of each row.
    pub log_density: Vec<S>,
    /// The weight of each remembered row, n × m.
    pub weights: Matrix<S>,
    /// The density of each remembered row over that of the set.
    ratios: Matrix<S>,
}

/// The gradient of [`memorise`].
#[derive(Clone, Debug)]
pub struct MemoryGradient<S> {
    /// In the query.
    pub x: Matrix<S>,
    /// In the remembered rows.
    pub data: Matrix<S>,
    /// In their weights, each free.
    pub weights: Vec<S>,
    /// In the noise level.
    pub noise: Noise<S>,
}

/// A finite set with equal weights, as a source to sample from.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteSet<S> {
    data: Matrix<S>,
    weights: Vec<S>,
}

impl<S: Scalar> FiniteSet<S> {
    /// The rows of `data`. Errors: `Shape` (`EmptyInput`), `NotFinite`.
    pub fn new(data: Matrix<S>) -> Result<Self> {
        if data.rows() == 0 || data.cols() == 0 {
            return Err(Error::shape("data", "at least one row and one column", format!("{data:?}")).named("EmptyInput"));
        }
        data.check_finite("data")?;
        let weights = vec![S::from_usize(data.rows()).recip(); data.rows()];
        Ok(FiniteSet { data, weights })
    }
    /// Half the least distance of two rows, within which every point has one nearest row; `None` for one row, where it is infinite. `m² d` flops.
    pub fn reach(&self) -> Option<S> {
        let m = self.data.rows();
        let distance = |i: usize, j: usize| {
            let off: Vec<S> = self.data.row(i).iter().zip(self.data.row(j)).map(|(&a, &b)| a - b).collect();
            S::dot(&off, &off).sqrt() * S::from_f64(0.5)
        };
        (0..m).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| distance(i, j)).reduce(S::min)
    }
}

impl<S: Scalar> Denoiser<S> for FiniteSet<S> {
    fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
        Ok(memorise(&self.data, &self.weights, noise, x)?.denoised)
    }
    fn pull(&self, noise: Noise<S>, x: &Matrix<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        let y = memorise(&self.data, &self.weights, noise, x)?;
        Ok(memorise_vjp(&self.data, noise, x, &y, v, &vec![S::ZERO; x.rows()])?.x)
    }
}

/// `w = softmax_i(log π_i − ‖x_t − αX_i‖²/(2σ²))`, `x̄ = Σ w_i X_i`: the exact minimiser of the denoising loss on the set `X` (m × d) with weights π.
///
/// σ → 0 gives the nearest `αX_i`, σ → ∞ the mean. Squares of differences, so that large common parts do not cancel: `3nmd` flops. Errors: `Shape`; `NotFinite`; `Domain` for bad weights or σ = 0.
pub fn memorise<S: Scalar>(data: &Matrix<S>, weights: &[S], noise: Noise<S>, x: &Matrix<S>) -> Result<Memory<S>> {
    let noise = Noise::new(noise.alpha, noise.sigma)?.positive()?;
    let ([n, d], m) = (x.shape(), data.rows());
    if m == 0 || data.cols() == 0 {
        return Err(Error::shape("data", "at least one row and one column", format!("{data:?}")).named("EmptyInput"));
    }
    if d != data.cols() || weights.len() != m {
        let found = format!("{x:?} and {} weights", weights.len());
        return Err(Error::shape("x and weights", format!("rows of {} numbers and {m} weights", data.cols()), found).named("ShapeMismatch"));
    }
    check_weights(weights)?;
    data.check_finite("data")?;
    x.check_finite("x")?;
    let s2 = noise.sigma.square();
    let (half, scale) = (S::from_f64(0.5), (s2 * S::from_f64(2.0)).recip());
    let constant = S::from_usize(d) * half * (S::from_f64(2.0) * S::pi() * s2).ln();
    let mut out = Memory {
        denoised: Matrix::zeros(n, d),
        log_density: Vec::with_capacity(n),
        weights: Matrix::zeros(n, m),
        ratios: Matrix::zeros(n, m),
    };
    let mut delta = vec![S::ZERO; d];
    for i in 0..n {
        let logs: Vec<S> = (0..m)
            .map(|k| {
                (0..d).for_each(|j| delta[j] = x[(i, j)] - noise.alpha * data[(k, j)]);
                -(S::dot(&delta, &delta) * scale)
            })
            .collect();
        let of = |k: usize| if weights[k].value() > 0.0 { logs[k].value() } else { f64::NEG_INFINITY };
        let pivot = S::from_f64((0..m).map(of).fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }));
        let terms: Vec<S> = (0..m).map(|k| if weights[k] == S::ZERO { S::ZERO } else { weights[k] * (logs[k] - pivot).exp() }).collect();
        let log_sum = pivot + S::sum(&terms).ln();
        for k in 0..m {
            out.ratios[(i, k)] = (logs[k] - log_sum).exp();
            out.weights[(i, k)] = if weights[k] == S::ZERO { S::ZERO } else { weights[k] * out.ratios[(i, k)] };
        }
        out.log_density.push(log_sum - constant);
    }
    out.denoised = out.weights.matmul(data)?;
    Ok(out)
}

/// The gradient of `v·x̄ + l·log p_t`.
///
/// With `c_i = v·(X_i − x̄) + l`: in `X_i` `w_i(v + (α/σ²) c_i (x_t − αX_i))`, in `x_t` `(α/σ²) Σ w_i (v·(X_i − x̄))(X_i − x̄) + l s`, in `π_i` `c_i p_i/p`.
pub fn memorise_vjp<S: Scalar>(
    data: &Matrix<S>,
    noise: Noise<S>,
    x: &Matrix<S>,
    y: &Memory<S>,
    v: &Matrix<S>,
    l: &[S],
) -> Result<MemoryGradient<S>> {
    let ([n, d], m) = (x.shape(), data.rows());
    if v.shape() != [n, d] || l.len() != n || y.weights.shape() != [n, m] || data.cols() != d {
        return Err(Error::shape("cotangents", format!("{n} × {d} and {n} numbers"), format!("{v:?} and {}", l.len())));
    }
    let (alpha, s2) = (noise.alpha, noise.sigma.square());
    let gain = alpha / s2;
    let mut out = MemoryGradient {
        x: Matrix::zeros(n, d),
        data: Matrix::zeros(m, d),
        weights: vec![S::ZERO; m],
        noise: Noise { alpha: S::ZERO, sigma: S::ZERO },
    };
    let (mut delta, mut off) = (vec![S::ZERO; d], vec![S::ZERO; d]);
    for i in 0..n {
        for k in 0..m {
            let (w, mean) = (y.weights[(i, k)], y.denoised.row(i));
            (0..d).for_each(|j| (delta[j], off[j]) = (x[(i, j)] - alpha * data[(k, j)], data[(k, j)] - mean[j]));
            let pull = S::dot(v.row(i), &off);
            let c = pull + l[i];
            out.weights[k] += c * y.ratios[(i, k)];
            let (near, total) = (w * c * gain, w * pull * gain);
            for j in 0..d {
                out.data[(k, j)] += w * v[(i, j)] + near * delta[j];
                out.x[(i, j)] += total * off[j] - l[i] * w / s2 * delta[j];
            }
            out.noise.alpha += w * c / s2 * S::dot(&delta, data.row(k));
            out.noise.sigma += w * (c * S::dot(&delta, &delta) / s2 - l[i] * S::from_usize(d)) / noise.sigma;
        }
    }
    Ok(out)
}
