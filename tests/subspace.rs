//! The room of one linear subspace.

use white_box::linalg::{Eigen, Matrix, nuclear_norm, spectral_norm};
use white_box::oracle::{CATALOG, verify};
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal, orthonormal_frame};
use white_box::scalar::{Ball, Scalar};
use white_box::subspace::*;
use white_box::{Error, Result};

const U: f64 = f64::UNIT_ROUNDOFF;

#[test]
fn every_operator_of_the_room_verifies_on_other_seeds() {
    for entry in CATALOG.iter().filter(|e| e.spec().room == "subspace") {
        for seed in 40..43 {
            let report = verify(*entry, 8, seed);
            assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
            assert!(report.undecided <= 1, "{}: {} undecided", report.name, report.undecided);
        }
    }
}

fn norm(x: &Matrix<f64>) -> f64 {
    x.frobenius_squared().sqrt()
}
/// `‖X‖²` times what products and decompositions of this size round off.
fn rounding(x: &Matrix<f64>) -> f64 {
    let [n, d] = x.shape().map(|k| k as f64);
    64.0 * (n + d) * d.sqrt() * U * x.frobenius_squared()
}

#[test]
fn the_loss_is_the_tail_of_the_spectrum() -> Result<()> {
    let mut rng = Rng::new(1);
    for trial in 0..40 {
        let (n, d) = (1 + rng.below(9), 1 + rng.below(7));
        let x = gaussian_matrix(n, d, &mut rng);
        let centre = trial % 2 == 1;
        let lambda = spectrum(&x, centre, Divisor::Samples)?;
        let moved = if centre { centred(&x)?.1 } else { x.clone() };
        let rank = lambda.iter().filter(|&&l| l > 1e-9).count();
        for k in 0..=rank {
            let pca = Pca::fit(&x, k, centre, Divisor::Samples)?;
            let tail: f64 = lambda[k..].iter().sum();
            let lost = x.sub(&pca.reconstruct(&x)?)?.frobenius_squared() / n as f64;
            assert!((lost - tail).abs() <= rounding(&x), "{n} × {d}, k = {k}: {lost} {tail}");
            // Pythagoras, decorrelated codes, and no other basis does better.
            let z = pca.encode(&x)?;
            assert!((z.frobenius_squared() + n as f64 * lost - moved.frobenius_squared()).abs() <= rounding(&x));
            for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
                let known = if i == j { lambda[i] } else { 0.0 };
                assert!(((0..n).map(|r| z[(r, i)] * z[(r, j)]).sum::<f64>() / n as f64 - known).abs() <= rounding(&x));
            }
            let other = orthonormal_frame(d, k, &mut rng)?;
            let p = other.matmul_t(&other)?;
            assert!(pca_loss(&x, &p, centre)? >= tail - rounding(&x));
            // The sign rule: the entry of largest magnitude is positive.
            for j in 0..k {
                let column = pca.basis.col(j);
                let largest = column.iter().fold(0.0f64, |m, &v| if v.abs() > m.abs() { v } else { m });
                assert!(largest > 0.0);
            }
        }
    }
    Ok(())
}

/// Tiny directions survive, because `XᵀX` is never formed.
#[test]
fn small_variances_keep_their_digits() -> Result<()> {
    let x = Matrix::<f64>::from_rows(&[[1e8, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1e-8]]);
    let lambda = spectrum(&x, false, Divisor::Samples)?;
    for (found, known) in lambda.iter().zip([1e16 / 3.0, 1.0 / 3.0, 1e-16 / 3.0]) {
        assert!((found / known - 1.0).abs() <= 16.0 * U, "{found} {known}");
    }
    let centred = Pca::fit(&Matrix::<f64>::from_rows(&[[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]]), 1, true, Divisor::SamplesLessOne)?;
    // Rows (−2, −4), 0, (2, 4): 40/2 along (1, 2)/√5.
    assert!((centred.variances[0] - 20.0).abs() < 1e-13 && (centred.explained() - 1.0).abs() < 1e-15 && centred.mean == [3.0, 6.0]);
    assert!((centred.basis[(1, 0)] / centred.basis[(0, 0)] - 2.0).abs() < 1e-14);
    assert!(centred.noise_variance() < 1e-28);
    Ok(())
}

/// Davis and Kahan as Yu, Wang and Samworth state it: `‖sin Θ‖_F ≤ 2 min(√k‖E‖₂, ‖E‖_F)/(λ_k − λ_{k+1})`.
#[test]
fn subspaces_move_no_further_than_the_gap_allows() -> Result<()> {
    let mut rng = Rng::new(2);
    for trial in 0..40 {
        let d = 3 + trial % 5;
        let k = 1 + trial % (d - 1);
        let b = gaussian_matrix(d, d, &mut rng);
        let (s, e) = (b.gram_cols(), gaussian_matrix(d, d, &mut rng).symmetrised()?.scale(1e-3));
        let (one, two) = (Eigen::new(&s)?, Eigen::new(&s.add(&e)?)?);
        let sines = principal_sines(&one.vectors.select_cols(0, k)?, &two.vectors.select_cols(0, k)?)?;
        let length = sines.iter().map(|s| s * s).sum::<f64>().sqrt();
        let gap = one.values[k - 1] - one.values[k];
        let (plain, spectral) = (norm(&e), (k as f64).sqrt() * spectral_norm(&e)?);
        assert!(length <= 2.0 * plain.min(spectral) / gap + 1e-12, "{length}");
        let p = |v: &Matrix<f64>| v.select_cols(0, k).and_then(|u| u.matmul_t(&u));
        assert!((norm(&p(&one.vectors)?.sub(&p(&two.vectors)?)?) - 2f64.sqrt() * length).abs() < 1e-13);
    }
    Ok(())
}

#[test]
fn ties_and_bad_input_are_refused() {
    let x = Matrix::<f64>::identity(3);
    let name = |e: Result<Pca<f64>>| e.unwrap_err().fault().name;
    assert_eq!(name(Pca::fit(&x, 1, false, Divisor::Samples)), "SpectralGapTooSmall");
    assert_eq!(name(Pca::fit(&x, 4, false, Divisor::Samples)), "InvalidRank");
    assert_eq!(name(Pca::fit(&Matrix::zeros(0, 3), 1, false, Divisor::Samples)), "EmptyInput");
    assert_eq!(name(Pca::fit(&Matrix::zeros(2, 3), 1, false, Divisor::Samples)), "SpectralGapTooSmall");
    assert!(matches!(Pca::fit(&Matrix::<f64>::from_rows(&[[1.0]]), 1, true, Divisor::SamplesLessOne), Err(Error::Shape(_))));
    assert!(matches!(Pca::fit(&Matrix::<f64>::from_rows(&[[f64::NAN]]), 1, false, Divisor::Samples), Err(Error::NotFinite(_))));
    // All of space needs no gap, even beyond the rank; the losses are answered anyway.
    let all = Pca::fit(&Matrix::<f64>::from_rows(&[[3.0, 4.0]]), 2, false, Divisor::Samples).unwrap();
    assert!(norm(&all.basis.gram_cols().sub(&Matrix::identity(2)).unwrap()) < 1e-15);
    assert_eq!(spectrum(&x, false, Divisor::Samples).unwrap(), [1.0 / 3.0; 3]);
    assert!(power_iteration(&Matrix::<f64>::from_diagonal(&[1.0, 0.0]), &[0.0, 1.0], 1).is_err());
    assert!(matches!(complete_two_by_two(0.0, 1.0, 1.0), Err(Error::Domain(_))));
    assert!(soft_impute(&x, &[false; 9], 1.0, 0.0, 1).is_err() && soft_impute(&x, &[true; 9], -1.0, 0.0, 1).is_err());
    assert!(singular_value_completion(&x, &[true; 9], 1.0, 2.0, 0.0, 1).is_err());
}

#[test]
fn power_and_orthogonal_iteration_converge_as_the_gap_says() -> Result<()> {
    let mut rng = Rng::new(3);
    for trial in 0..40 {
        let d = 2 + trial % 6;
        let values: Vec<f64> = (0..d).map(|i| (d - i) as f64 + 0.5 * rng.uniform()).collect();
        let q = haar_orthogonal(d, &mut rng)?;
        let m = Matrix::from_fn(d, d, |i, j| q[(i, j)] * values[j]).matmul_t(&q)?.symmetrised()?;
        let start = gaussian_matrix(1, d, &mut rng).into_data();
        let tangent = |v: &[f64]| -> f64 {
            let along: f64 = (0..d).map(|i| v[i] * q[(i, 0)]).sum();
            let rest: f64 = (0..d).map(|i| (v[i] - along * q[(i, 0)]).powi(2)).sum::<f64>().sqrt();
            rest / along.abs()
        };
        let mut previous = power_iteration(&m, &start, 0)?;
        for t in 1..30 {
            let now = power_iteration(&m, &start, t)?;
            assert!(tangent(&now.v) <= values[1] / values[0] * tangent(&previous.v) + 1e-13, "trial {trial}, step {t}");
            assert!(now.rho >= previous.rho - 1e-13 * values[0]);
            let sine = tangent(&now.v).atan().sin();
            assert!(values[0] - now.rho <= (values[0] - values[d - 1]) * sine * sine + 1e-12 * values[0]);
            // The residual is a certificate.
            assert!(values.iter().any(|l| (l - now.rho).abs() <= now.residual + 1e-12));
            previous = now;
        }
        let k = 1 + trial % (d - 1);
        let basis = gaussian_matrix(d, k, &mut rng);
        let lead = q.select_cols(0, k)?;
        let mut before = f64::INFINITY;
        for t in [0, 5, 10, 20] {
            let found = orthogonal_iteration(&m, &basis, t)?;
            let sine: f64 = principal_sines(&lead, &found.basis)?[0].min(1.0);
            let tan = sine / (1.0 - sine * sine).max(1e-300).sqrt();
            let ratio = (values[k] / values[k - 1]).powi(if t == 5 { 5 } else { (t / 2) as i32 });
            assert!(before.is_infinite() || tan <= ratio * before * (1.0 + 1e-9) + 1e-12, "trial {trial}: {tan} {before}");
            assert!(sine * values[0] * 4.0 + 1e-12 >= found.residual);
            before = tan;
        }
    }
    Ok(())
}

#[test]
fn likelihood_rises_under_em_and_is_greatest_at_the_closed_form() -> Result<()> {
    let mut rng = Rng::new(4);
    for trial in 0..20 {
        let d = 3 + trial % 4;
        let k = 1 + trial % (d - 1);
        let s = gaussian_matrix(4 * d, d, &mut rng).gram_cols().scale(0.25 / d as f64);
        let best = ProbabilisticPca::fit(&s, k)?;
        let top = log_likelihood(&s, &best.w, best.sigma2)?;
        // Tipping and Bishop, eq. 9: the value at the maximum from the spectrum alone.
        let values = Eigen::new(&s)?.values;
        let kept: f64 = values[..k].iter().map(|&l| Scalar::ln(l)).sum();
        let known = -0.5 * (d as f64 * Scalar::ln(2.0 * std::f64::consts::PI) + kept + (d - k) as f64 * Scalar::ln(best.sigma2) + d as f64);
        assert!((top - known).abs() <= 1e-12 * (1.0 + known.abs()));
        let (c, sigma2) = ml_covariance(&s, k)?;
        let built = best.w.gram_rows().add(&Matrix::identity(d).scale(best.sigma2))?;
        assert!(norm(&c.sub(&built)?) <= 1e-12 * norm(&s) && (sigma2 - best.sigma2).abs() <= 1e-13 * norm(&s));
        // Two reconstructions: the shrunk one is the Wiener filter of WWᵀ, the other the projection.
        let x = gaussian_matrix(3, d, &mut rng);
        let filtered = wiener(&x, &best.w.gram_rows(), best.sigma2)?;
        assert!(norm(&best.denoise(&x)?.sub(&filtered)?) <= 1e-12 * norm(&x));
        let p = white_box::linalg::top_k_projector(&s, k)?;
        assert!(norm(&best.project(&x)?.sub(&x.matmul(&p)?)?) <= 1e-11 * norm(&x));
        let fixed = em_step(&s, &best)?;
        assert!(norm(&fixed.w.sub(&best.w)?) <= 1e-12 * norm(&s) && (fixed.sigma2 - best.sigma2).abs() <= 1e-12);
        let mut model = ProbabilisticPca { w: gaussian_matrix(d, k, &mut rng), sigma2: 1.0 };
        let mut before = log_likelihood(&s, &model.w, model.sigma2)?;
        for _ in 0..60 {
            model = em_step(&s, &model)?;
            let now = log_likelihood(&s, &model.w, model.sigma2)?;
            assert!(
                now >= before - 1e-13 * (1.0 + before.abs()) && now <= top + 1e-12 * (1.0 + top.abs()),
                "trial {trial}: {before} {now}"
            );
            before = now;
        }
    }
    let flat = ProbabilisticPca::fit(&Matrix::<f64>::from_diagonal(&[2.0, 1.0, 0.0]), 2).unwrap_err();
    assert_eq!(flat.fault().name, "DegenerateLikelihood");
    let none = ProbabilisticPca::fit(&Matrix::<f64>::from_diagonal(&[4.0, 2.0, 1.0, 1.0]), 0)?;
    assert_eq!((none.sigma2, none.w.cols()), (2.0, 0));
    Ok(())
}

/// MMSE below projection below twice MMSE; the identity and 0 are worse than Wiener.
#[test]
fn no_competitor_beats_the_wiener_filter() -> Result<()> {
    let mut rng = Rng::new(5);
    for _ in 0..40 {
        let mut lambda: Vec<f64> = (0..6).map(|_| 4.0 * rng.uniform().powi(3)).collect();
        lambda.sort_by(|a, b| b.total_cmp(a));
        let sigma2 = 0.05 + rng.uniform();
        let mmse = wiener_risk(&lambda, sigma2)?;
        let best: f64 = (0..=6).map(|k| projection_risk(&lambda, sigma2, k).unwrap()).fold(f64::INFINITY, f64::min);
        let kept = lambda.iter().filter(|&&l| l > sigma2).count();
        assert_eq!(best, projection_risk(&lambda, sigma2, kept)?);
        assert!(0.5 * best <= mmse && mmse <= best && mmse <= 6.0 * sigma2 && mmse <= lambda.iter().sum());
    }
    assert_eq!(wiener_risk(&[0.0f64, 1.0], 0.0)?, 0.0);
    Ok(())
}

/// These columns once kept Jacobi's rotations going for ever, each undoing the rounding of the one before.
#[test]
fn a_decomposition_ends() -> Result<()> {
    let m = Matrix::<f64>::from_rows(&[[-9.339166834751124, 14.347030033534017], [14.843031798410683, -8.411419958812655]]);
    let svd = white_box::linalg::Svd::new(&m)?;
    assert!(norm(&svd.compose(&svd.sigma)?.sub(&m)?) <= 20.0 * U * norm(&m));
    Ok(())
}

/// The nuclear norm misses the matrix of rank one where `|bc| > a²`.
#[test]
fn completion_of_two_by_two() -> Result<()> {
    let at = |a: f64, b: f64, c: f64, x: f64| nuclear_norm::<f64>(&Matrix::from_rows(&[[a, b], [c, x]]));
    assert_eq!(complete_two_by_two(1.0f64, 1.0, 1.0)?, 1.0);
    assert_eq!(complete_two_by_two(1.0f64, 2.0, 2.0)?, 1.0);
    assert!((at(1.0, 2.0, 2.0, 1.0)? - 4.0).abs() < 1e-14 && (at(1.0, 2.0, 2.0, 4.0)? - 5.0).abs() < 1e-14);
    let mut rng = Rng::new(6);
    for _ in 0..60 {
        let (a, b, c) = (rng.gaussian(), rng.gaussian(), rng.gaussian());
        let x = complete_two_by_two(a, b, c)?;
        let least = at(a, b, c, x)?;
        for i in -40..=40 {
            assert!(at(a, b, c, x + f64::from(i) * 0.05)? >= least - 1e-13, "({a}, {b}, {c}): {x}");
        }
        // Soft-Impute at small λ comes close, and its gap bounds what it lacks.
        let y = Matrix::<f64>::from_rows(&[[a, b], [c, 0.0]]);
        let mask = [true, true, true, false];
        let lambda = 0.05 * spectral_norm(&y)?;
        let found = soft_impute(&y, &mask, lambda, 1e-6, 20_000)?;
        let value = |x: &Matrix<f64>| -> Result<f64> {
            let off: f64 = (0..3).map(|k| (x.data()[k] - y.data()[k]).powi(2)).sum();
            Ok(0.5 * off + lambda * nuclear_norm(x)?)
        };
        let exact = Matrix::from_rows(&[[a, b], [c, x]]);
        assert!(value(&found.x)? - found.gap <= value(&exact)? + 1e-12);
    }
    Ok(())
}

#[test]
fn low_rank_matrices_are_completed() -> Result<()> {
    let mut rng = Rng::new(7);
    let (n, d) = (12, 10);
    let truth = gaussian_matrix(n, 1, &mut rng).matmul_t(&gaussian_matrix(d, 1, &mut rng))?;
    // One full row and column determine rank one.
    assert!(norm(&complete_cross(&truth, 3, 4)?.sub(&truth)?) <= 1e-13 * norm(&truth));
    let mask: Vec<bool> = (0..n * d).map(|_| rng.chance(0.7)).collect();
    assert_eq!(unobserved(n, d, &mask)?, (vec![], vec![]));
    let found = singular_value_completion(&truth, &mask, 5.0 * norm(&truth), 1.2, 1e-4, 5000)?;
    assert!(found.converged, "{:?} after {}", found.gap, found.steps);
    assert!(norm(&found.x.sub(&truth)?) <= 0.02 * norm(&truth), "{} of {}", norm(&found.x.sub(&truth)?), norm(&truth));
    // All known: one step of Soft-Impute is the prox, and it is optimal.
    let all = vec![true; n * d];
    let one = soft_impute(&truth, &all, 0.5, 1e-12, 5)?;
    assert!(one.converged && one.steps == 1);
    assert!(norm(&one.x.sub(&singular_value_threshold(&truth, 0.5)?)?) == 0.0);
    // At λ = ‖P_Ω Y‖₂ the answer is 0.
    let zero = soft_impute(&truth, &all, spectral_norm(&truth)? * 1.000001, 1e-12, 5)?;
    assert!(zero.steps == 0 && norm(&zero.x) == 0.0);
    let mut row_gone = all.clone();
    row_gone[..d].fill(false);
    assert_eq!(unobserved(n, d, &row_gone)?, (vec![0], vec![]));
    Ok(())
}

/// Moreau: `M − D_τ(M)` has spectral norm at most τ, and `⟨M − D, D⟩ = τ‖D‖_*`.
#[test]
fn thresholding_is_the_proximal_map() -> Result<()> {
    let mut rng = Rng::new(8);
    for trial in 0..30 {
        let m = gaussian_matrix(1 + trial % 5, 1 + trial % 4, &mut rng);
        let d = singular_value_threshold(&m, 0.75)?;
        let rest = m.sub(&d)?;
        assert!(spectral_norm(&rest)? <= 0.75 + 1e-13);
        assert!((rest.dot(&d)? - 0.75 * nuclear_norm(&d)?).abs() <= 1e-12);
        let ball = singular_value_threshold(&m.cast::<Ball>(), Ball::exact(0.75))?;
        assert!(ball.data().iter().zip(d.data()).all(|(b, &x)| (*b - Ball::exact(x)).magnitude() <= 1e-12));
    }
    Ok(())
}
