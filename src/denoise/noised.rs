//! A mixture of Gaussians seen through noise: density, responsibilities, score, Hessian, denoiser, and the gradients of all of them.

use super::covariance::Factor;
use super::mixture::GaussianMixture;
use super::noise::Noise;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The law of `x_t = αx + σg` for `x` from a mixture: components `N(αμ_k, M_k)`, `M_k = α²Σ_k + σ²I`.
#[derive(Clone, Debug)]
pub struct Noised<'a, S> {
    mixture: &'a GaussianMixture<S>,
    noise: Noise<S>,
    /// `None` for a component of weight 0 without a density.
    factors: Vec<Option<Factor<S>>>,
}

/// The answers for the rows of a query, n × d.
#[derive(Clone, Debug)]
pub struct Evaluation<S> {
    /// `log p_t` of each row.
    pub log_density: Vec<S>,
    /// n × K: the probability that a row came from each component.
    pub responsibilities: Matrix<S>,
    /// n × d: `∇ log p_t`.
    pub score: Matrix<S>,
    /// n × d: `x̄ = E[x | x_t]`. At σ = 0 it is `x_t/α`.
    pub denoised: Matrix<S>,
    /// n × K: the densities of the components over that of the mixture, `p_k/p`.
    ratios: Matrix<S>,
    /// Of each component, the rows `P_k δ` (its score, negative) and the rows of its own posterior mean.
    pulls: Vec<Matrix<S>>,
    posteriors: Vec<Matrix<S>>,
}

/// Cotangents of an [`Evaluation`] and of the Hessian (one d × d matrix a row); what is absent counts as 0.
#[derive(Clone, Debug, Default)]
pub struct Cotangents<S> {
    /// Of `log p`.
    pub log_density: Option<Vec<S>>,
    /// Of the responsibilities.
    pub responsibilities: Option<Matrix<S>>,
    /// Of the score.
    pub score: Option<Matrix<S>>,
    /// Of the denoised rows.
    pub denoised: Option<Matrix<S>>,
    /// Of the Hessians.
    pub hessian: Option<Vec<Matrix<S>>>,
}

/// The gradient with respect to the query, the parameters of the mixture and the noise.
#[derive(Clone, Debug)]
pub struct MixtureGradient<S> {
    /// In the rows.
    pub x: Matrix<S>,
    /// In the weights, each free: no normalisation is assumed.
    pub weights: Vec<S>,
    /// In the means.
    pub means: Matrix<S>,
    /// In the covariances, under symmetric perturbations.
    pub covariances: Vec<Matrix<S>>,
    /// In the noise level.
    pub noise: Noise<S>,
}

impl<'a, S: Scalar> Noised<'a, S> {
    pub(super) fn new(mixture: &'a GaussianMixture<S>, noise: Noise<S>) -> Result<Self> {
        let noise = Noise::new(noise.alpha, noise.sigma)?;
        let factor = |(k, c): (usize, &super::Covariance<S>)| match c.noised(noise).factor() {
            Ok(factor) => Ok(Some(factor)),
            Err(_) if noise.sigma.value() == 0.0 && mixture.weights()[k].value() == 0.0 => Ok(None),
            Err(Error::NotPositiveDefinite(fault)) if noise.sigma.value() == 0.0 => {
                let at = format!("component {k}");
                Err(Error::domain(at, "a nonsingular covariance, since sigma = 0", fault.found).named("DegenerateDensity"))
            }
            Err(e) => Err(e.within(&format!("component {k}"))),
        };
        let factors = mixture.covariances().iter().enumerate().map(factor).collect::<Result<_>>()?;
        Ok(Noised { mixture, noise, factors })
    }
    /// The noise.
    pub fn noise(&self) -> Noise<S> {
        self.noise
    }
    /// The mixture without the noise.
    pub fn mixture(&self) -> &'a GaussianMixture<S> {
        self.mixture
    }

    /// Density, responsibilities, score and denoiser at each row.
    ///
    /// `ℓ_k = log π_k − ½ δᵀP_kδ − ½ log det M_k − (d/2) log 2π`, `δ = x − αμ_k`, `P_k = M_k⁻¹`; `log p` by log-sum-exp, so that densities may underflow all at once;
    /// `r_k = exp(ℓ_k − log p)`; `s = −Σ r_k P_kδ_k`; `x̄ = Σ r_k (μ_k + αΣ_kP_kδ_k)`. Score and denoiser come from their own sums: either from the other by Tweedie's formula would cancel.
    /// A low-rank component keeps its digits at every noise level; a full one loses them in directions without spread like `‖Σ_k‖/σ²`, since it is divided by as a whole.
    /// `3 K d²` flops a row, low rank `4 K d p`. Errors: `Shape`, `NotFinite`.
    ///
    /// Source: the example on denoising a Gaussian mixture in chapter 3 of *Learning Deep Representations of Data Distributions* (Buchanan, Pai, Wang, Ma, 2025); Robbins, *An Empirical
    /// Bayes Approach to Statistics*, 1956, and Efron, JASA 106, 2011, for Tweedie's formula.
    pub fn evaluate(&self, x: &Matrix<S>) -> Result<Evaluation<S>> {
        let (mix, [n, d]) = (self.mixture, x.shape());
        if d != mix.dim() {
            return Err(Error::shape("x", format!("rows of {} numbers", mix.dim()), format!("{x:?}")).named("ShapeMismatch"));
        }
        x.check_finite("x")?;
        let (alpha, k_count) = (self.noise.alpha, mix.components());
        let constant = S::from_usize(d) * S::from_f64(0.5) * (S::pi() * S::from_f64(2.0)).ln();
        let half = S::from_f64(0.5);
        let mut logs = Matrix::zeros(n, k_count);
        let (mut pulls, mut posteriors) = (Vec::new(), Vec::new());
        for (k, factor) in self.factors.iter().enumerate() {
            let mean = mix.means().row(k);
            let Some(factor) = factor else {
                pulls.push(Matrix::zeros(n, d));
                posteriors.push(Matrix::zeros(n, d));
                continue;
            };
            let delta = Matrix::from_fn(n, d, |i, j| x[(i, j)] - alpha * mean[j]);
            let (squares, pull) = factor.divide_rows(&delta)?;
            for i in 0..n {
                logs[(i, k)] = -((squares[i] + factor.log_det) * half) - constant;
            }
            let moved = factor.gain_rows(&mix.covariances()[k], &delta, &pull)?;
            posteriors.push(Matrix::from_fn(n, d, |i, j| mean[j] + alpha * moved[(i, j)]));
            pulls.push(pull);
        }
        let mut out = Evaluation {
            log_density: Vec::with_capacity(n),
            responsibilities: Matrix::zeros(n, k_count),
            score: Matrix::zeros(n, d),
            denoised: Matrix::zeros(n, d),
            ratios: Matrix::zeros(n, k_count),
            pulls,
            posteriors,
        };
        let weights = mix.weights();
        for i in 0..n {
            // Any pivot gives the same sum; the largest logarithm keeps it in range.
            let of = |k: usize| if weights[k].value() > 0.0 { logs[(i, k)].value() } else { f64::NEG_INFINITY };
            let pivot = (0..k_count).map(of).fold(f64::NEG_INFINITY, |m, l| if l > m || l.is_nan() { l } else { m });
            let pivot = S::from_f64(pivot);
            let terms: Vec<S> =
                (0..k_count).map(|k| if weights[k] == S::ZERO { S::ZERO } else { weights[k] * (logs[(i, k)] - pivot).exp() }).collect();
            let log_density = pivot + S::sum(&terms).ln();
            out.log_density.push(log_density);
            for k in 0..k_count {
                if self.factors[k].is_some() {
                    out.ratios[(i, k)] = (logs[(i, k)] - log_density).exp();
                }
                if weights[k] == S::ZERO {
                    continue;
                }
                let r = weights[k] * out.ratios[(i, k)];
                out.responsibilities[(i, k)] = r;
                let (pull, posterior) = (out.pulls[k].row(i), out.posteriors[k].row(i));
                for (s, &p) in out.score.row_mut(i).iter_mut().zip(pull) {
                    *s = (-r).mul_add(p, *s);
                }
                for (y, &m) in out.denoised.row_mut(i).iter_mut().zip(posterior) {
                    *y = r.mul_add(m, *y);
                }
            }
        }
        if self.noise.sigma == S::ZERO {
            out.denoised = x.map(|x| x / alpha);
        }
        Ok(out)
    }

    /// `∇² log p_t` at each row: `H = Σ r_k (s_k − s)(s_k − s)ᵀ − Σ r_k P_k`, with `s_k = −P_kδ_k`. Symmetric, and at least `−Σ r_k P_k ≥ −I/σ²`. `2 K d² ` flops a row and
    /// `K d³` once.
    pub fn hessian(&self, e: &Evaluation<S>) -> Result<Vec<Matrix<S>>> {
        let inverses = self.inverses()?;
        let (n, d) = (e.score.rows(), self.mixture.dim());
        let mut out = vec![Matrix::zeros(d, d); n];
        for (k, inverse) in inverses.iter().enumerate() {
            for (i, h) in out.iter_mut().enumerate() {
                let r = e.responsibilities[(i, k)];
                let off: Vec<S> = self.offset(e, i, k);
                add_outer(h, r, &off, &off);
                h.accumulate(&inverse.scale(-r))?;
            }
        }
        Ok(out)
    }

    /// `Cov(x | x_t)` at each row: `Σ r_k (C_k + (m_k − x̄)(m_k − x̄)ᵀ)`, `C_k = σ² Σ_k P_k` the covariance within a component, in a form that does not cancel.
    pub fn posterior_covariance(&self, e: &Evaluation<S>) -> Result<Vec<Matrix<S>>> {
        let within = self.within()?;
        let (n, d) = (e.score.rows(), self.mixture.dim());
        let mut out = vec![Matrix::zeros(d, d); n];
        for (k, c) in within.iter().enumerate() {
            for (i, cov) in out.iter_mut().enumerate() {
                let r = e.responsibilities[(i, k)];
                let off = self.departure(e, i, k);
                add_outer(cov, r, &off, &off);
                cov.accumulate(&c.scale(r))?;
            }
        }
        Ok(out)
    }

    /// `Dx̄ = (α/σ²) Cov(x | x_t)` at each row: symmetric and positive semidefinite, so the denoiser is the gradient of a convex function.
    pub fn denoiser_jacobian(&self, e: &Evaluation<S>) -> Result<Vec<Matrix<S>>> {
        let noise = self.noise.positive()?;
        let factor = noise.alpha / noise.sigma.square();
        Ok(self.posterior_covariance(e)?.into_iter().map(|c| c.scale(factor)).collect())
    }

    /// The gradient of everything at once.
    ///
    /// Each output depends on the parameters through `ℓ_k`, `s_k` and `P_k` of the noised components. With the sensitivities `c_k` of `ℓ_k` (those of the weighted means: `v·(s_k − s)` for the
    /// score, `v·(m_k − x̄)` for the denoiser, `⟨V, (s_k − s)(s_k − s)ᵀ − P_k⟩` less its mean for the Hessian) and `w_k` of `s_k` (`v`; `(σ²/α)v`; `2V(s_k − s)`):
    /// in the noised mean `r_k(c_k P_kδ_k + P_kw_k)`, in `M_k` `r_k(½c_k(P_kδ_kδ_kᵀP_k − P_k) + sym(P_kw_k (P_kδ_k)ᵀ) + P_kVP_k)`; then `αμ_k`, `α²Σ_k + σ²I` by the chain rule.
    /// `K(3nd² + d³)` flops. Errors: `Shape`; `Domain` (`InvalidScale`, `InvalidNoiseLevel`) for α = 0 or σ = 0.
    pub fn vjp(&self, e: &Evaluation<S>, bar: &Cotangents<S>) -> Result<MixtureGradient<S>> {
        let (mix, noise) = (self.mixture, self.noise.positive()?.informative()?);
        let (alpha, s2, half, two) = (noise.alpha, noise.sigma.square(), S::from_f64(0.5), S::from_f64(2.0));
        let (n, d, count) = (e.score.rows(), mix.dim(), mix.components());
        self.check(e, bar)?;
        let inverses = self.inverses()?;
        let mut out = MixtureGradient {
            x: Matrix::zeros(n, d),
            weights: vec![S::ZERO; count],
            means: Matrix::zeros(count, d),
            covariances: Vec::with_capacity(count),
            noise: Noise { alpha: S::ZERO, sigma: S::ZERO },
        };
        // The mean over components that the sensitivities of responsibilities and Hessian are taken from.
        let curvature = |i: usize, k: usize, v: &Matrix<S>| -> Result<S> {
            let off = self.offset(e, i, k);
            let turned: Vec<S> = (0..d).map(|a| S::dot(v.row(a), &off)).collect();
            Ok(S::dot(&off, &turned) - v.dot(&inverses[k])?)
        };
        let mut base = Vec::with_capacity(n);
        for i in 0..n {
            let mut sum = S::ZERO;
            for k in 0..count {
                let r = e.responsibilities[(i, k)];
                if let Some(bar) = &bar.responsibilities {
                    sum = r.mul_add(bar[(i, k)], sum);
                }
                if let Some(bars) = &bar.hessian {
                    sum = r.mul_add(curvature(i, k, &bars[i])?, sum);
                }
            }
            base.push(sum);
        }
        for k in 0..count {
            let inverse = &inverses[k];
            let mut in_cov = Matrix::zeros(d, d);
            let mut in_mean = vec![S::ZERO; d];
            // Rows `w` that move the component's own score, and the sensitivities of its logarithm.
            let mut moves = Matrix::zeros(n, d);
            let mut plain = Vec::with_capacity(n);
            let mut centred = Vec::with_capacity(n);
            for i in 0..n {
                let (mut c, mut through) = (S::ZERO, S::ZERO);
                if let Some(bar) = &bar.log_density {
                    c += bar[i];
                }
                if let Some(bar) = &bar.responsibilities {
                    c += bar[(i, k)];
                }
                if bar.responsibilities.is_some() || bar.hessian.is_some() {
                    c -= base[i];
                }
                let off = self.offset(e, i, k);
                if let Some(bar) = &bar.score {
                    through += S::dot(bar.row(i), &off);
                    moves.row_mut(i).iter_mut().zip(bar.row(i)).for_each(|(m, &v)| *m += v);
                }
                if let Some(bars) = &bar.hessian {
                    c += curvature(i, k, &bars[i])?;
                    for a in 0..d {
                        moves[(i, a)] += S::dot(bars[i].row(a), &off) * two;
                    }
                }
                plain.push(c);
                centred.push(through);
            }
            let moved_without_denoiser = moves.matmul(inverse)?;
            let mut denoised = vec![S::ZERO; n];
            if let Some(bar) = &bar.denoised {
                let factor = s2 / alpha;
                for i in 0..n {
                    denoised[i] = S::dot(bar.row(i), &self.departure(e, i, k));
                    moves.row_mut(i).iter_mut().zip(bar.row(i)).for_each(|(m, &v)| *m = factor.mul_add(v, *m));
                }
            }
            let moved = moves.matmul(inverse)?;
            let (mut left, mut right, mut total) = (Matrix::zeros(n, d), Matrix::zeros(n, d), S::ZERO);
            for i in 0..n {
                let (r, pull) = (e.responsibilities[(i, k)], e.pulls[k].row(i));
                let c = plain[i] + centred[i] + denoised[i];
                out.weights[k] = e.ratios[(i, k)].mul_add(c, out.weights[k]);
                total = r.mul_add(c, total);
                let off = self.offset(e, i, k);
                for j in 0..d {
                    in_mean[j] = r.mul_add(c.mul_add(pull[j], moved[(i, j)]), in_mean[j]);
                    // ½ c a aᵀ + sym(Pw aᵀ) = sym((½ c a + Pw) aᵀ).
                    left[(i, j)] = r * (c * half).mul_add(pull[j], moved[(i, j)]);
                    right[(i, j)] = pull[j];
                    let mut through = (-plain[i]).mul_add(pull[j], -moved_without_denoiser[(i, j)]);
                    through = centred[i].mul_add(off[j], through);
                    out.x[(i, j)] = r.mul_add(through, out.x[(i, j)]);
                }
                if let Some(bars) = &bar.hessian {
                    in_cov.accumulate(&inverse.matmul(&bars[i].symmetrised()?)?.matmul(inverse)?.symmetrised()?.scale(r))?;
                }
            }
            in_cov.accumulate(&left.t_matmul(&right)?.symmetrised()?)?;
            in_cov.accumulate(&inverse.scale(-(total * half)))?;
            let (trace, sigma_in) = (in_cov.trace(), mix.covariances()[k].dense()?.dot(&in_cov)?);
            out.noise.sigma += noise.sigma * two * trace;
            out.noise.alpha += S::dot(mix.means().row(k), &in_mean) + alpha * two * sigma_in;
            out.means.row_mut(k).iter_mut().zip(&in_mean).for_each(|(m, &g)| *m = alpha * g);
            out.covariances.push(in_cov.scale(alpha.square()));
        }
        if let Some(bar) = &bar.denoised {
            // αx̄ = x + σ²s, with s as a function of the parameters accounted for above.
            out.noise.alpha += -(bar.dot(&e.denoised)? / alpha);
            out.noise.sigma += bar.dot(&e.score)? * two * noise.sigma / alpha;
            for (i, jacobian) in self.denoiser_jacobian(e)?.iter().enumerate() {
                for j in 0..d {
                    out.x[(i, j)] += S::dot(jacobian.row(j), bar.row(i));
                }
            }
        }
        Ok(out)
    }

    fn check(&self, e: &Evaluation<S>, bar: &Cotangents<S>) -> Result<()> {
        let (n, d, k) = (e.score.rows(), self.mixture.dim(), self.mixture.components());
        let fits = bar.log_density.as_ref().is_none_or(|b| b.len() == n)
            && bar.responsibilities.as_ref().is_none_or(|b| b.shape() == [n, k])
            && [&bar.score, &bar.denoised].iter().all(|b| b.as_ref().is_none_or(|b| b.shape() == [n, d]))
            && bar.hessian.as_ref().is_none_or(|b| b.len() == n && b.iter().all(|b| b.shape() == [d, d]));
        if fits { Ok(()) } else { Err(Error::shape("cotangents", "the shapes of the outputs", "others").named("ShapeMismatch")) }
    }
    /// `P_k` of each component; zeros for one without a density, which has no weight either.
    fn inverses(&self) -> Result<Vec<Matrix<S>>> {
        let d = self.mixture.dim();
        self.factors.iter().map(|f| f.as_ref().map_or_else(|| Ok(Matrix::zeros(d, d)), Factor::inverse)).collect()
    }
    /// `C_k = σ² Σ_k P_k`.
    pub(super) fn within(&self) -> Result<Vec<Matrix<S>>> {
        let (s2, d) = (self.noise.sigma.square(), self.mixture.dim());
        let each = |(factor, c): (&Option<Factor<S>>, &super::Covariance<S>)| {
            let Some(factor) = factor else { return Ok(Matrix::zeros(d, d)) };
            let all = Matrix::identity(d);
            Ok(factor.gain_rows(c, &all, &factor.divide_rows(&all)?.1)?.symmetrised()?.scale(s2))
        };
        self.factors.iter().zip(self.mixture.covariances()).map(each).collect()
    }
    /// `s_k − s` at row i.
    fn offset(&self, e: &Evaluation<S>, i: usize, k: usize) -> Vec<S> {
        e.pulls[k].row(i).iter().zip(e.score.row(i)).map(|(&p, &s)| -p - s).collect()
    }
    /// `m_k − x̄` at row i.
    fn departure(&self, e: &Evaluation<S>, i: usize, k: usize) -> Vec<S> {
        e.posteriors[k].row(i).iter().zip(e.denoised.row(i)).map(|(&m, &x)| m - x).collect()
    }
}

/// `A += c x yᵀ`, symmetric to the bit for `x = y`.
fn add_outer<S: Scalar>(a: &mut Matrix<S>, c: S, x: &[S], y: &[S]) {
    for (i, &x) in x.iter().enumerate() {
        for (a, &y) in a.row_mut(i).iter_mut().zip(y) {
            *a += c * (x * y);
        }
    }
}
