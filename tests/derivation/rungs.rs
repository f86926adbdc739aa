//! Laws of the ladder from the gradient to attention.

use crate::{U, complete, norm};
use white_box::Result;
use white_box::coding::{Distortion, coding_rate};
use white_box::linalg::{Eigen, Matrix, Svd};
use white_box::random::{Rng, gaussian_matrix};
use white_box::transformer::*;

const EPS: Distortion<f64> = Distortion::Eps2(0.75);

fn constant(n: usize, p: usize) -> f64 {
    p as f64 / (n as f64 * 0.75)
}

/// Tokens whose greatest `s = a σ²` over all heads is `s_max`.
fn tokens(n: usize, u: &[Matrix<f64>], s_max: f64, rng: &mut Rng) -> Result<Matrix<f64>> {
    let z = gaussian_matrix(n, u[0].rows(), rng);
    let a = constant(n, u[0].cols());
    let mut greatest: f64 = 0.0;
    for u in u {
        greatest = greatest.max(a * Svd::new(&z.matmul(u)?)?.sigma[0].powi(2));
    }
    Ok(z.scale((s_max / greatest).sqrt()))
}

/// In the singular basis of every head, order m is `a σ Σ_{j≤m} (−s)ʲ` and the gradient `a σ/(1+s)`: any map along singular directions is known by its numbers there.
#[test]
fn every_order_is_a_function_of_the_singular_values() -> Result<()> {
    let mut rng = Rng::new(1);
    for (k, p, n, s_max) in [(2, 3, 7, 0.5), (3, 2, 5, 1.7), (2, 4, 3, 3.0)] {
        let u = complete(k, p, &mut rng)?;
        let z = tokens(n, &u, s_max, &mut rng)?;
        let a = constant(n, p);
        for order in 0..6 {
            let (mut known, mut exact) = (Matrix::zeros(n, k * p), Matrix::zeros(n, k * p));
            let mut size = 0.0;
            for u in &u {
                let svd = Svd::new(&z.matmul(u)?)?;
                let s = |x: &f64| a * x * x;
                let series: Vec<f64> = svd.sigma.iter().map(|x| a * x * (0..=order).map(|j| (-s(x)).powi(j)).sum::<f64>()).collect();
                let closed: Vec<f64> = svd.sigma.iter().map(|x| a * x / (1.0 + s(x))).collect();
                size += svd.sigma.iter().map(|x| a * x * (0..=order).map(|j| s(x).powi(j)).sum::<f64>()).sum::<f64>();
                known = known.add(&svd.compose(&series)?.matmul_t(u)?)?;
                exact = exact.add(&svd.compose(&closed)?.matmul_t(u)?)?;
            }
            // Every term of the series is a few products of length n, p or d, of magnitude at most `size`.
            let tolerance = 8.0 * (order + 2) as f64 * (n + 2 * k * p) as f64 * U * size;
            let off = norm(&known.sub(&rate_gradient_neumann(&z, &u, EPS, order as usize)?)?);
            assert!(off <= tolerance, "order {order}: {off} > {tolerance}");
            assert!(norm(&exact.sub(&rate_gradient(&z, &u, EPS)?)?) <= tolerance);
        }
    }
    Ok(())
}

/// With one head the error of order m lies between `a s^{m+1}/(1+s) σ` of the top direction alone and the norm bound `a s^{m+1}/(1+s) ‖A‖_F`, s the greatest: it vanishes with m
/// below s = 1, stands still at 1 and grows above.
#[test]
fn the_series_converges_below_one_and_nowhere_else() -> Result<()> {
    let mut rng = Rng::new(2);
    for s_max in [0.5, 0.9, 1.0, 1.1, 2.0] {
        let (n, p) = (9, 4);
        let u = complete(1, p, &mut rng)?;
        let z = tokens(n, &u, s_max, &mut rng)?;
        let (a, exact) = (constant(n, p), rate_gradient(&z, &u, EPS)?);
        let sigma = (s_max / a).sqrt();
        let mut errors = Vec::new();
        for order in 0..24 {
            let error = norm(&exact.sub(&rate_gradient_neumann(&z, &u, EPS, order)?)?);
            let factor = a * s_max.powi(order as i32 + 1) / (1.0 + s_max);
            let rounding = 1e3 * U * a * norm(&z) * (0..=order as i32).map(|j| s_max.powi(j)).sum::<f64>();
            assert!(error >= factor * sigma - rounding, "s {s_max}, order {order}: {error} below {}", factor * sigma);
            assert!(error <= factor * norm(&z) + rounding, "s {s_max}, order {order}: {error} above {}", factor * norm(&z));
            errors.push(error);
        }
        let trend = errors[23] / errors[15];
        let known = s_max.powi(8);
        assert!((trend / known - 1.0).abs() < 0.1, "s {s_max}: eight orders more multiply the error by {trend}, not {known}");
    }
    Ok(())
}

/// `(I+S)⁻¹ = (1+c)⁻¹ Σ_j ((cI−S)/(1+c))ʲ` converges if and only if s < 1 + 2c: a shift mends what order 1 breaks.
#[test]
fn a_shifted_series_converges_further() -> Result<()> {
    let mut rng = Rng::new(3);
    let (n, p, s_max) = (8, 3, 2.0);
    let u = complete(1, p, &mut rng)?;
    let z = tokens(n, &u, s_max, &mut rng)?;
    let exact = rate_gradient(&z, &u, EPS)?;
    let (a, x) = (constant(n, p), z.matmul(&u[0])?);
    for (c, converges) in [(0.0, false), (0.4, false), (0.6, true), (1.0, true)] {
        let mut term = x.scale(a / (1.0 + c));
        let mut sum = term.clone();
        let mut errors = Vec::new();
        for _ in 0..60 {
            errors.push(norm(&sum.matmul_t(&u[0])?.sub(&exact)?));
            term = term.scale(c).sub(&x.matmul(&x.t_matmul(&term)?)?.scale(a))?.scale(1.0 / (1.0 + c));
            sum = sum.add(&term)?;
        }
        assert_eq!(errors[59] < errors[0] && errors[59] < errors[40], converges, "c = {c}: {} then {}", errors[40], errors[59]);
    }
    Ok(())
}

/// `⟨∇R^c, Σ G_k A_k U_kᵀ⟩ = a Σ_k tr[(I + aG_k)⁻¹ G_k²] ≥ 0`: the quadratic term without the shrink climbs. So does its softmax form, in every trial.
#[test]
fn the_quadratic_term_alone_climbs() -> Result<()> {
    let mut rng = Rng::new(4);
    for trial in 0..60 {
        let (k, p, n) = (1 + trial % 3, 1 + trial % 4, 2 + trial % 7);
        let u = complete(k, p, &mut rng)?;
        let z = gaussian_matrix(n, k * p, &mut rng);
        let a = constant(n, p);
        let gradient = rate_gradient(&z, &u, EPS)?;
        let (mut quadratic, mut trace) = (Matrix::zeros(n, k * p), 0.0);
        for u in &u {
            let x = z.matmul(u)?;
            quadratic = quadratic.add(&x.matmul(&x.gram_cols())?.matmul_t(u)?)?;
            trace += Eigen::new(&x.gram_cols())?.values.iter().map(|g| a * g * g / (1.0 + a * g)).sum::<f64>();
        }
        let inner = gradient.dot(&quadratic)?;
        let size = norm(&gradient) * norm(&quadratic);
        assert!((inner - trace).abs() <= 64.0 * (n + k * p) as f64 * U * size, "trial {trial}: {inner} for {trace}");
        assert!(gradient.dot(&mssa(&z, &u, 1.0, 1.0)?)? > 0.0, "trial {trial}");
    }
    Ok(())
}

/// `∇R^c` is Lipschitz with `L = a` for orthonormal bases that are orthogonal to each other, so that `R^c(Z − κ∇) ≤ R^c(Z) − κ(1 − κa/2)‖∇‖²` for every `κa < 2`.
#[test]
fn the_exact_step_descends_up_to_twice_the_convex_range() -> Result<()> {
    let mut rng = Rng::new(5);
    for trial in 0..40 {
        let (k, p, n) = (1 + trial % 3, 1 + trial % 4, 2 + trial % 9);
        let (u, a) = (complete(k, p, &mut rng)?, constant(n, p));
        let z = gaussian_matrix(n, k * p, &mut rng).scale([0.1, 1.0, 5.0][trial % 3]);
        let (before, gradient) = (subspace_coding_rate(&z, &u, EPS)?, rate_gradient(&z, &u, EPS)?);
        for part in [0.25, 0.5, 1.0, 1.5, 1.99] {
            let kappa = part / a;
            let after = subspace_coding_rate(&z.sub(&gradient.scale(kappa))?, &u, EPS)?;
            let bound = before - kappa * (1.0 - part / 2.0) * gradient.frobenius_squared();
            assert!(after <= bound + 1e3 * U * before, "trial {trial}, κa = {part}: {after} above {bound}");
        }
        let other = z.add(&gaussian_matrix(n, k * p, &mut rng))?;
        let (rise, run) = (norm(&rate_gradient(&other, &u, EPS)?.sub(&gradient)?), norm(&other.sub(&z)?));
        assert!(rise <= a * run * (1.0 + 1e3 * U), "trial {trial}: {rise} over {run}");
    }
    Ok(())
}

/// Along a singular direction the second derivative of the rate runs from a at s = 0 to −a/8 at s = 3, where it is least.
#[test]
fn the_rate_bends_between_a_and_minus_an_eighth_of_a() -> Result<()> {
    // n = p = 1, ε² = 1: a = 1, R^c(z) = ½ ln(1 + z²), and the slope along z is the gradient.
    let (u, eps) = ([Matrix::<f64>::identity(1)], Distortion::Eps2(1.0));
    let slope = |z: f64| -> Result<f64> {
        let seed = Matrix::from_rows(&[[1.0]]);
        Ok(rate_gradient_vjp(&Matrix::from_rows(&[[z]]), &u, eps, &seed)?.z[(0, 0)])
    };
    assert!((slope(0.0)? - 1.0).abs() <= 8.0 * U);
    assert!((slope(3f64.sqrt())? + 0.125).abs() <= 64.0 * U);
    for i in 0..400 {
        let bend = slope(0.02 * f64::from(i))?;
        assert!((-0.125 - 64.0 * U..=1.0 + 8.0 * U).contains(&bend), "{bend}");
    }
    Ok(())
}

/// Each token in one subspace: `R = ½ Σ log det(I + α C_k)`, `R^c = ½ Σ log det(I + a C_k)`, and the difference is not negative. In complete bases that every token fills evenly
/// it is `(d/2) [ln(1 + ds/ε²) − ln(1 + ps/ε²)]`.
#[test]
fn closed_forms_of_the_difference() -> Result<()> {
    let mut rng = Rng::new(6);
    let (k, p, per) = (3, 2, 5);
    let u = complete(k, p, &mut rng)?;
    let n = k * per;
    let (mut z, mut together, mut apart) = (Matrix::zeros(n, k * p), 0.0, 0.0);
    for (j, u) in u.iter().enumerate() {
        let codes = gaussian_matrix(per, p, &mut rng);
        let rows = codes.matmul_t(u)?;
        (0..per).for_each(|i| z.row_mut(j * per + i).copy_from_slice(rows.row(i)));
        for c in Svd::new(&codes)?.sigma {
            together += 0.5 * ((k * p) as f64 / (n as f64 * 0.75) * c * c).ln_1p();
            apart += 0.5 * (constant(n, p) * c * c).ln_1p();
        }
    }
    let found = sparse_rate_reduction(&z, &u, EPS, 0.0, Sparsity::One)?;
    let tolerance = 64.0 * n as f64 * U * together;
    assert!((found.rate - together).abs() <= tolerance && (found.subspace_rate - apart).abs() <= tolerance);
    assert!(found.value > 0.0);

    // Every row of a Hadamard matrix has second moment 1 along each axis, and none across.
    let hadamard = Matrix::from_fn(8, 4, |i, j| if (i & (j + 1)).count_ones() % 2 == 0 { 1.5 } else { -1.5 });
    let u: Vec<Matrix<f64>> = (0..2).map(|k| Matrix::identity(4).select_cols(2 * k, 2)).collect::<Result<_>>()?;
    let s: f64 = 2.25;
    let known = 2.0 * ((4.0 * s / 0.75).ln_1p() - (2.0 * s / 0.75).ln_1p());
    let found = coding_rate(&hadamard, EPS)? - subspace_coding_rate(&hadamard, &u, EPS)?;
    assert!((found - known).abs() <= 64.0 * U * 4.0, "{found} for {known}");
    Ok(())
}

/// The convex step keeps the mean of a head's tokens under the weights that attention is reversible for; but with tokens of different lengths it raises R^c in some trials, since a short
/// token is pulled towards a long one.
#[test]
fn averaging_towards_longer_tokens_can_raise_the_rate() -> Result<()> {
    let mut rng = Rng::new(7);
    let mut rises = 0;
    for trial in 0..100 {
        let (k, p, n) = (1 + trial % 3, 2, 6);
        let u = complete(k, p, &mut rng)?;
        let z = gaussian_matrix(n, k * p, &mut rng);
        let averaged = z.scale(0.5).add(&mssa(&z, &u, 1.0, 0.5)?)?;
        rises += usize::from(subspace_coding_rate(&averaged, &u, EPS)? > subspace_coding_rate(&z, &u, EPS)?);
    }
    assert!((1..50).contains(&rises), "{rises} of 100");
    // By hand: in one dimension tokens 1 and 3 with logits ⟨a, a'⟩; the short one moves nearly to the long one, the long one stays.
    let (z, u, eps) = (Matrix::from_rows(&[[1.0], [3.0]]), [Matrix::identity(1)], Distortion::Eps2(1.0));
    let y: Matrix<f64> = mssa(&z, &u, 1.0, 1.0)?;
    assert!(y[(0, 0)] > 2.5 && y[(1, 0)] > 2.99);
    assert!(subspace_coding_rate(&y, &u, eps)? > subspace_coding_rate(&z, &u, eps)?);
    Ok(())
}

/// For small scales attention is the mean plus `s/n` times the centred correlations, with an error that falls as s²; for large ones a token attends to whichever token is farthest along its own
/// direction, which is itself only if none is longer there.
#[test]
fn the_two_ends_of_the_softmax() -> Result<()> {
    let mut rng = Rng::new(8);
    let z = gaussian_matrix(6, 3, &mut rng);
    let g = z.gram_rows();
    let off = |s: f64| -> Result<f64> {
        let w = ssa(&z, &Matrix::identity(3), s)?.attention;
        let linear = Matrix::from_fn(6, 6, |i, j| (1.0 + s * (g[(i, j)] - g.row(i).iter().sum::<f64>() / 6.0)) / 6.0);
        Ok(norm(&w.sub(&linear)?))
    };
    let (coarse, fine) = (off(1e-3)?, off(5e-4)?);
    assert!((coarse / fine - 4.0).abs() < 0.05, "{coarse} and {fine}");
    let w = ssa(&z, &Matrix::identity(3), 500.0)?.attention;
    for i in 0..6 {
        let farthest = (0..6).max_by(|&a, &b| g[(i, a)].total_cmp(&g[(i, b)])).unwrap();
        assert!(w[(i, farthest)] > 0.99, "token {i}: {:?}", w.row(i));
    }
    let longer: Matrix<f64> = ssa(&Matrix::from_rows(&[[1.0, 0.0], [2.0, 0.5]]), &Matrix::identity(2), 50.0)?.attention;
    assert!(longer[(0, 1)] > 0.999 && longer[(1, 1)] > 0.999);
    Ok(())
}
