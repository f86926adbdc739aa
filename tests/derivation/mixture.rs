//! Tokens from a mixture on subspaces: the operators of a layer against the population rates and the best denoiser.

use crate::{U, agrees, complete, norm};
use white_box::Result;
use white_box::coding::{Distortion, coding_rate};
use white_box::linalg::{Matrix, spd_solve};
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};
use white_box::transformer::*;

const EPS2: f64 = 0.5;
const EPS: Distortion<f64> = Distortion::Eps2(EPS2);

fn even(k: usize, p: usize, signal: f64, noise: f64, rng: &mut Rng) -> Result<Population<f64>> {
    Population::new(complete(k, p, rng)?, vec![1.0 / k as f64; k], signal, noise)
}

/// Mean squared distance of a token from what it was.
fn error(y: &Matrix<f64>, clean: &Matrix<f64>) -> f64 {
    y.sub(clean).unwrap().frobenius_squared() / y.rows() as f64
}

/// The posterior mean against numbers worked out elsewhere, against Tweedie's formula with the exact score, and enclosed.
#[test]
fn the_best_denoiser() -> Result<()> {
    fn axes<S: Scalar>() -> Vec<Matrix<S>> {
        vec![Matrix::from_rows(&[[1.0], [0.0]]), Matrix::from_rows(&[[0.0], [1.0]])]
    }
    let x = [1.0, 0.5];
    let known = ["0.61481982679921411", "0.092590086600392943"].map(|t| DoubleDouble::parse(t).unwrap());
    let half = DoubleDouble::from_f64(0.5);
    let law = Population::new(axes(), vec![half; 2], DoubleDouble::ONE, half * half)?;
    let y = law.denoise(&Matrix::from_rows(&[x]))?;
    for (y, known) in y.data().iter().zip(known) {
        assert!((*y - known).abs().value() <= 1e-17, "{y:?} for {known:?}");
    }
    let ball = Population::new(axes(), vec![Ball::exact(0.5); 2], Ball::ONE, Ball::exact(0.25))?;
    for (b, y) in ball.denoise(&Matrix::from_rows(&[x]))?.data().iter().zip(y.data()) {
        assert!(b.contains_double(*y) && b.rad() < 1e-28);
    }

    // log p(z) up to a constant, from the densities N(0, σ²I + λU_kU_kᵀ) by Woodbury's identity, differentiated by dual numbers.
    let mut rng = Rng::new(21);
    let (k, p, signal, noise) = (3, 2, 1.5, 0.3);
    let (u, w) = (complete(k, p, &mut rng)?, [0.5, 0.3, 0.2]);
    let law = Population::new(u.clone(), w.to_vec(), signal, noise)?;
    let z = gaussian_matrix(5, k * p, &mut rng);
    let y = law.denoise(&z)?;
    let log_density = |z: &Matrix<Dual<f64>>| -> Result<Dual<f64>> {
        let c = Dual::from_f64;
        let mut sum = c(0.0);
        for (u, &w) in u.iter().zip(&w) {
            let a = z.matmul(&u.cast())?;
            let energy = c(signal / (2.0 * noise * (signal + noise))) * a.frobenius_squared();
            sum += c(w) * energy.exp();
        }
        Ok(sum.ln() - z.frobenius_squared() / c(2.0 * noise))
    };
    for i in 0..5 {
        for j in 0..k * p {
            let token = Matrix::from_fn(1, k * p, |_, l| Dual::new(z[(i, l)], f64::from(u8::from(l == j))));
            let tweedie = z[(i, j)] + noise * log_density(&token)?.tangent;
            assert!((tweedie - y[(i, j)]).abs() <= 1e4 * U, "{tweedie} for {}", y[(i, j)]);
        }
    }
    Ok(())
}

/// The exact step with `κ = 1/a` is Wiener's filter: the tokens of a head are taken for signal with their own second moment, in noise of variance `ε²/p`. At any number of tokens, whatever they are.
#[test]
fn the_exact_step_is_a_linear_filter() -> Result<()> {
    let mut rng = Rng::new(22);
    let (k, p, n) = (3, 4, 11);
    let u = complete(k, p, &mut rng)?;
    let z = gaussian_matrix(n, k * p, &mut rng);
    let a = p as f64 / (n as f64 * EPS2);
    let step = z.sub(&rate_gradient(&z, &u, EPS)?.scale(1.0 / a))?;
    let mut filtered = Matrix::zeros(n, k * p);
    for u in &u {
        let x = z.matmul(u)?;
        let moment = x.gram_cols().scale(1.0 / n as f64);
        let total = moment.add(&Matrix::identity(p).scale(EPS2 / p as f64))?;
        filtered = filtered.add(&x.matmul(&spd_solve(&total, &moment)?)?.matmul_t(u)?)?;
    }
    let off = norm(&step.sub(&filtered)?);
    assert!(off <= 256.0 * (n + k * p) as f64 * U * norm(&z), "{off}");
    Ok(())
}

/// The rates of n tokens lie below those of the law by c/n: `c = ¼ Σ_k (γ/(1+γs_k))² (E‖a_k‖⁴ − s_k² p)`, `γ = p/ε²`, `s_k = w_kλ + σ²` — the second-order term of log det.
#[test]
fn rates_of_many_tokens_tend_to_those_of_the_law() -> Result<()> {
    let mut rng = Rng::new(23);
    let (k, p, signal, noise) = (2, 3, 1.0, 0.1);
    let w = [0.6, 0.4];
    let law = Population::new(complete(k, p, &mut rng)?, w.to_vec(), signal, noise)?;
    let fourth = |w: f64| (p * (p + 2)) as f64 * (w * (signal + noise).powi(2) + (1.0 - w) * noise * noise);
    let gamma = p as f64 / EPS2;
    let slope = |w: f64| gamma / (1.0 + gamma * (w * signal + noise));
    let known: f64 = w.iter().map(|&w| 0.25 * slope(w).powi(2) * (fourth(w) - (w * signal + noise).powi(2) * p as f64)).sum();
    for n in [400, 1600] {
        let mut draws = Vec::new();
        for _ in 0..300 {
            let z = law.draw(n, &mut rng)?.noisy;
            // The first-order term has mean 0 and is known exactly: without it the rest stands out.
            let mut first = 0.0;
            for (u, &w) in law.bases().iter().zip(&w) {
                let energy = z.matmul(u)?.frobenius_squared() / n as f64;
                first += 0.5 * slope(w) * (energy - p as f64 * (w * signal + noise));
            }
            draws.push(n as f64 * (law.subspace_rate(EPS)? + first - subspace_coding_rate(&z, law.bases(), EPS)?));
        }
        // Third-order terms of the expansion are a factor of order 1/n smaller.
        agrees(&format!("n = {n}"), &draws, known, 20.0 * known / n as f64);
    }
    // And both rates by a factor 1/√n: at 40000 tokens a few hundredths are left.
    let z = law.draw(40_000, &mut rng)?.noisy;
    assert!((coding_rate(&z, EPS)? - law.rate(EPS)?).abs() < 0.03);
    assert!((subspace_coding_rate(&z, law.bases(), EPS)? - law.subspace_rate(EPS)?).abs() < 0.03);
    Ok(())
}

/// `n∇R^c` at a token tends to its limit as 1/√n: n times the squared error tends to `Σ_k (γ/(1+γs_k))⁴ ((p+2)(w_k(λ+σ²)² + (1−w_k)σ⁴) − s_k²) ‖a_k‖²`.
#[test]
fn the_gradient_of_many_tokens_tends_to_a_linear_map() -> Result<()> {
    let mut rng = Rng::new(24);
    let (k, p, signal, noise) = (2, 3, 1.0, 0.1);
    let law = even(k, p, signal, noise, &mut rng)?;
    let query = gaussian_matrix(1, k * p, &mut rng);
    let limit = law.gradient_limit(&query, EPS)?;
    let (gamma, s) = (p as f64 / EPS2, 0.5 * signal + noise);
    let spread = (p + 2) as f64 * 0.5 * ((signal + noise).powi(2) + noise * noise) - s * s;
    let known = (gamma / (1.0 + gamma * s)).powi(4) * spread * query.frobenius_squared();
    for n in [400, 1600] {
        let mut draws = Vec::new();
        for _ in 0..300 {
            let mut z = law.draw(n, &mut rng)?.noisy;
            z.row_mut(0).copy_from_slice(query.row(0));
            let g = rate_gradient(&z, law.bases(), EPS)?.select_rows(&[0])?.scale(n as f64);
            draws.push(n as f64 * g.sub(&limit)?.frobenius_squared());
        }
        agrees(&format!("n = {n}"), &draws, known, 40.0 * known / n as f64);
    }
    // As a step it is Wiener's filter, once ε²/p is taken for noise and nothing else is there.
    let quiet = Population::new(law.bases().to_vec(), vec![0.5; 2], signal, EPS2 / p as f64)?;
    let barely = Population::new(law.bases().to_vec(), vec![0.5; 2], signal, 1e-300)?;
    let step = query.sub(&barely.gradient_limit(&query, EPS)?.scale(EPS2 / p as f64))?;
    assert!(norm(&step.sub(&quiet.denoise_linear(&query)?)?) <= 64.0 * U * norm(&query));
    Ok(())
}

/// One subspace: the law is Gaussian, and the best denoiser, the best linear map and the exact step in its limit are one. Several: as the noise vanishes the linear map costs K times
/// the error of the posterior mean, which comes down to that of who knows the subspace.
#[test]
fn linear_steps_lose_a_factor_of_the_number_of_subspaces() -> Result<()> {
    let mut rng = Rng::new(25);
    let one = even(1, 4, 1.0, 0.2, &mut rng)?;
    let z = one.draw(50, &mut rng)?.noisy;
    assert!(norm(&one.denoise(&z)?.sub(&one.denoise_linear(&z)?)?) <= 256.0 * U * norm(&z));
    for k in [2, 4, 8] {
        let (mut last, mut ratio) = (0.0, 0.0);
        for noise in [1e-1, 1e-2, 1e-4, 1e-6] {
            let law = even(k, 3, 1.0, noise, &mut rng)?;
            let tokens = law.draw(4000, &mut rng)?;
            ratio = law.linear_error() / law.informed_error();
            assert!(ratio > last);
            last = ratio;
            let per_token = |y: &Matrix<f64>| -> Vec<f64> {
                (0..4000).map(|i| y.row(i).iter().zip(tokens.clean.row(i)).map(|(a, b)| (a - b) * (a - b)).sum()).collect()
            };
            agrees("linear", &per_token(&law.denoise_linear(&tokens.noisy)?), law.linear_error(), 0.0);
            let best = error(&law.denoise(&tokens.noisy)?, &tokens.clean);
            assert!(best < law.linear_error());
            if noise <= 1e-4 {
                // The posterior errs on the subspace with a probability that falls with the noise.
                agrees("posterior", &per_token(&law.denoise(&tokens.noisy)?), law.informed_error(), 0.02 * law.informed_error());
            }
        }
        assert!((ratio - k as f64).abs() < 1e-4, "{ratio}");
    }
    Ok(())
}

/// Attention among n tokens tends to its limit as 1/√n: n times the squared error at a token tends to the variance of a ratio of means,
/// `Σ_c q_c e^{2s²v_c‖a‖²} (p v_c + ‖2s v_c a − O‖²) / (Σ_c q_c e^{s²v_c‖a‖²/2})²`, the head's tokens being `N(0, v_c I)` with probability `q_c`.
#[test]
fn attention_of_many_tokens_tends_to_a_gate() -> Result<()> {
    let mut rng = Rng::new(26);
    let (k, p, signal, noise, scale) = (2, 2, 1.0, 0.1, 0.5);
    let law = even(k, p, signal, noise, &mut rng)?;
    // Of length 2: the variance grows like exp(2 s² λ ‖a‖²), and with it the tokens it takes.
    let query = gaussian_matrix(1, k * p, &mut rng);
    let query = query.scale(2.0 / norm(&query));
    let limit = law.attention_limit(&query, scale)?;
    let (mut known, mut own) = (0.0, 0.0);
    for u in law.bases() {
        let (a, o) = (query.matmul(u)?, limit.matmul(u)?);
        let e = a.frobenius_squared();
        let parts = [(0.5, signal + noise), (0.5, noise)];
        let weight = parts.iter().map(|(q, v)| q * (scale * scale * v * e / 2.0).exp()).sum::<f64>();
        for (q, v) in parts {
            let off = a.scale(2.0 * scale * v).sub(&o)?.frobenius_squared();
            known += q * (2.0 * scale * scale * v * e).exp() * (p as f64 * v + off) / (weight * weight);
        }
        // The token itself is among those it attends to.
        own += ((scale * e).exp() / weight).powi(2) * a.sub(&o)?.frobenius_squared();
    }
    for (n, trials) in [(200, 300), (800, 100)] {
        let mut draws = Vec::new();
        for _ in 0..trials {
            let mut z = law.draw(n, &mut rng)?.noisy;
            z.row_mut(0).copy_from_slice(query.row(0));
            let y = mssa(&z, law.bases(), scale, 1.0)?.select_rows(&[0])?;
            draws.push(n as f64 * y.sub(&limit)?.frobenius_squared());
        }
        agrees(&format!("n = {n}"), &draws, known, (own + 20.0 * known) / n as f64);
    }
    Ok(())
}

/// With `s² = 1/(σ λ^{3/2})` the gate of a token's own head opens and the others fall to their floor `w` as the noise vanishes, so that attention, scaled, costs `1 + (K−1)w²` times the
/// error of who knows the subspace: less than 1 + 1/K of it, where the exact step costs K. What is missing falls as σ.
#[test]
fn in_the_limit_attention_denoises_almost_as_the_posterior() -> Result<()> {
    let mut rng = Rng::new(27);
    for k in [2usize, 4, 16] {
        let w = 1.0 / k as f64;
        let known = 1.0 + (k - 1) as f64 * w * w;
        let mut missing = Vec::new();
        for noise in [1e-6, 1e-8, 1e-10f64] {
            let law = even(k, 4, 1.0, noise, &mut rng)?;
            let (scale, shrink) = (noise.powf(-0.25), 1.0 / (1.0 + noise));
            let direction = law.bases()[0].select_cols(0, 1)?.transpose();
            // What comes out of a head whose tokens have energy e, along the token; scaled so that an open gate is Wiener's factor.
            let factor = |energy: f64| -> Result<f64> {
                let z = direction.scale(energy.sqrt());
                Ok(shrink * law.attention_limit(&z, scale)?.dot(&z)? / (energy * scale * (1.0 + noise)))
            };
            // E over a χ² of 4 degrees, density x e^{−x/2}/4, by Simpson's rule after x = t².
            let expect = |f: &dyn Fn(f64) -> Result<f64>| -> Result<f64> {
                let (steps, top) = (4000, 10.0);
                let h = top / steps as f64;
                let mut sum = 0.0;
                for i in 1..=steps {
                    let t = h * i as f64;
                    let weight = if i == steps {
                        1.0
                    } else if i % 2 == 1 {
                        4.0
                    } else {
                        2.0
                    };
                    sum += weight * t.powi(3) * (-t * t / 2.0).exp() / 2.0 * f(t * t)?;
                }
                Ok(sum * h / 3.0)
            };
            let v = 1.0 + noise;
            let own = expect(&|x| Ok((factor(v * x)? - shrink).powi(2) * v * x))?;
            let other = expect(&|x| Ok(factor(noise * x)?.powi(2) * noise * x))?;
            let cost = (law.informed_error() + own + (k - 1) as f64 * other) / law.informed_error();
            missing.push((cost - known).abs());
        }
        for m in missing.windows(2) {
            assert!((m[0] / m[1] - 10.0).abs() < 1.5, "K = {k}: {missing:?}");
        }
        assert!(missing[2] < 1e-3 * known, "K = {k}: {missing:?}");
    }
    Ok(())
}

/// Where the tokens of a head have one length, attention with scale s is the posterior mean of the tokens themselves seen in noise of variance 1/s; else a token of length l counts
/// `exp(s l²/2)` times too much.
#[test]
fn attention_is_the_denoiser_of_tokens_of_one_length() -> Result<()> {
    let mut rng = Rng::new(28);
    let (n, p, s) = (9, 3, 0.8);
    let posterior = |z: &Matrix<f64>, excess: f64| {
        Matrix::from_fn(n, p, |i, j| {
            let weight = |l: usize| {
                let distance: f64 = (0..p).map(|c| (z[(i, c)] - z[(l, c)]).powi(2)).sum();
                let length: f64 = z.row(l).iter().map(|x| x * x).sum();
                (-0.5 * s * distance + excess * 0.5 * s * length).exp()
            };
            (0..n).map(|l| weight(l) * z[(l, j)]).sum::<f64>() / (0..n).map(weight).sum::<f64>()
        })
    };
    let mut z = gaussian_matrix(n, p, &mut rng);
    let uneven = ssa(&z, &Matrix::identity(p), s)?.y;
    let tolerance = 1e3 * U * norm(&z);
    assert!(norm(&uneven.sub(&posterior(&z, 1.0))?) <= tolerance);
    assert!(norm(&uneven.sub(&posterior(&z, 0.0))?) > 0.05 * norm(&z));
    for i in 0..n {
        let length = z.row(i).iter().map(|x| x * x).sum::<f64>().sqrt();
        z.row_mut(i).iter_mut().for_each(|x| *x *= 1.5 / length);
    }
    let found = ssa(&z, &Matrix::identity(p), s)?.y;
    assert!(norm(&found.sub(&posterior(&z, 0.0))?) <= tolerance);
    Ok(())
}

/// The risk of the soft threshold τ on `y = x + σg`, `x ~ N(0, v − σ²)`: Stein's unbiased estimate in closed form.
fn soft_risk(v: f64, noise: f64, tau: f64) -> f64 {
    let r = tau / v.sqrt();
    let inside = Scalar::erf(r / 2f64.sqrt());
    let density = (-0.5 * r * r).exp() / (2.0 * std::f64::consts::PI).sqrt();
    noise * (1.0 - 2.0 * inside) + v * (inside - 2.0 * r * density) + tau * tau * (1.0 - inside)
}

/// One ISTA step with η = 1 in the right dictionary is the soft threshold, whose risk on these tokens is known: at its best threshold it stays a constant factor above the posterior mean however
/// small the noise. With non-negative codes and no negative atoms half of the signal is lost besides.
#[test]
fn the_sparse_step_never_becomes_the_best_denoiser() -> Result<()> {
    let mut rng = Rng::new(29);
    let (k, p) = (4, 3);
    let mut best = Vec::new();
    for noise in [1e-2, 1e-4, 1e-6f64] {
        let law = even(k, p, 1.0, noise, &mut rng)?;
        let dictionary = Matrix::from_fn(k * p, k * p, |i, j| law.bases()[j / p][(i, j % p)]);
        let risk = |t: f64| {
            let tau = t * noise.sqrt();
            p as f64 * (soft_risk(1.0 + noise, noise, tau) + (k - 1) as f64 * soft_risk(noise, noise, tau))
        };
        let tokens = law.draw(4000, &mut rng)?;
        for t in [0.5, 1.0, 2.0] {
            let tau = t * noise.sqrt();
            let codes = ista_step(&tokens.noisy, &tokens.noisy, &dictionary, 1.0, tau, Shrink::Soft)?;
            let y = codes.matmul_t(&dictionary)?;
            let draws: Vec<f64> =
                (0..4000).map(|i| y.row(i).iter().zip(tokens.clean.row(i)).map(|(a, b)| (a - b) * (a - b)).sum()).collect();
            agrees(&format!("σ² = {noise}, τ = {t}σ"), &draws, risk(t), 0.0);
        }
        best.push((0..80).map(|i| risk(0.05 * f64::from(i))).fold(f64::INFINITY, f64::min) / law.informed_error());
        let codes = ista_step(&tokens.noisy, &tokens.noisy, &dictionary, 1.0, noise.sqrt(), Shrink::NonNegative)?;
        let lost = error(&codes.matmul_t(&dictionary)?, &tokens.clean) / p as f64;
        assert!((lost - 0.5).abs() < 0.1, "of a signal of energy 1, {lost}");
    }
    // At small noise the factor is min_t 1 + t² + 2(K−1)[(1+t²)Φ(−t) − tφ(t)], which is above 2 for K = 4.
    let limit = (0..4000)
        .map(|i| {
            let t = 0.001 * f64::from(i);
            let tail = 0.5 * Scalar::erfc(t / 2f64.sqrt());
            let density = (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
            1.0 + t * t + 2.0 * (k - 1) as f64 * ((1.0 + t * t) * tail - t * density)
        })
        .fold(f64::INFINITY, f64::min);
    assert!(limit > 2.0 && (best[2] - limit).abs() < 0.01, "{best:?} towards {limit}");
    Ok(())
}

/// A whole layer: attention, scaled, then the sparse step with the bases and their negatives for atoms. It is closer to the posterior mean than either half alone, and not equal to it; and since the sparse step does
/// not increase distances, what attention has to its limit the layer has no more of.
#[test]
fn a_layer_lies_between_its_halves_and_the_best_denoiser() -> Result<()> {
    let mut rng = Rng::new(30);
    let (k, p, noise) = (4, 4, 0.01);
    let law = even(k, p, 1.0, noise, &mut rng)?;
    let tokens = law.draw(3000, &mut rng)?;
    let atoms = Matrix::from_fn(k * p, 2 * k * p, |i, j| {
        let (j, sign) = if j < k * p { (j, 1.0) } else { (j - k * p, -1.0) };
        sign * law.bases()[j / p][(i, j % p)]
    });
    let sparse = |z: &Matrix<f64>, tau: f64| -> Result<Matrix<f64>> {
        let none = Matrix::zeros(z.rows(), 2 * k * p);
        ista_step(&none, z, &atoms, 1.0, tau, Shrink::NonNegative)?.matmul_t(&atoms)
    };
    let scale = 1.0 / (noise * (1.0 + noise)).sqrt();
    let attended = law.attention_limit(&tokens.noisy, scale)?.scale(1.0 / (scale * (1.0 + noise)));
    let lowest = |z: &Matrix<f64>| -> Result<f64> {
        let all = (1..20).map(|i| Ok(error(&sparse(z, 0.01 * f64::from(i))?, &tokens.clean))).collect::<Result<Vec<_>>>()?;
        Ok(all.into_iter().fold(f64::INFINITY, f64::min))
    };
    let relative = |e: f64| e / law.informed_error();
    let compressed = relative(error(&attended, &tokens.clean));
    let sparsified = relative(lowest(&tokens.noisy)?);
    let layer = relative(lowest(&attended)?);
    let best = relative(error(&law.denoise(&tokens.noisy)?, &tokens.clean));
    assert!(best < 1.1 && layer < sparsified && layer < compressed && compressed < k as f64, "{best} {layer} {sparsified} {compressed}");
    assert!(layer > 1.5 * best, "{layer} against {best}");

    let scale = 0.5;
    let z = law.draw(500, &mut rng)?.noisy;
    let (finite, limit) = (mssa(&z, law.bases(), scale, 1.0)?, law.attention_limit(&z, scale)?);
    let apart = norm(&finite.sub(&limit)?);
    assert!(norm(&sparse(&finite, 0.05)?.sub(&sparse(&limit, 0.05)?)?) <= apart * (1.0 + 1e3 * U));
    Ok(())
}
