//! A population and its samples.

use white_box::coding::Distortion;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, orthonormal_frame};
use white_box::reduction::{Membership, mixture_rates, rate_reduction};

/// Three Gaussians on subspaces of dimension 2, 3 and 1 in R⁸.
fn factors(rng: &mut Rng) -> Vec<Matrix<f64>> {
    [2, 3, 1].iter().map(|&r| orthonormal_frame(8, r, rng).unwrap().transpose().scale(1.5)).collect()
}
fn sampled(n: usize, factors: &[Matrix<f64>], rng: &mut Rng) -> (Matrix<f64>, Membership<f64>) {
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for (k, f) in factors.iter().enumerate() {
        let count = n / [2, 4, 4][k];
        rows.extend(gaussian_matrix(count, f.rows(), rng).matmul(f).unwrap().into_data());
        labels.extend(std::iter::repeat_n(k, count));
    }
    (Matrix::new(labels.len(), 8, rows).unwrap(), Membership::from_labels(labels).unwrap())
}

/// The error of n samples falls like 1/√n: over a factor of 64 in n the root mean square error falls by 8, here within a factor of 2 (24 draws: the ratio of two such
/// means has a relative spread of about √(2/24) = 0.29, so that 2 is more than two and a half spreads away).
#[test]
fn sample_rates_converge_like_one_over_the_root() {
    let mut rng = Rng::new(31);
    let f = factors(&mut rng);
    let d = Distortion::Eps2(0.5);
    let truth = mixture_rates(&[0.5, 0.25, 0.25], &f, d).unwrap();
    let mut error = |n: usize| {
        let mut sum = 0.0;
        for _ in 0..24 {
            let (z, m) = sampled(n, &f, &mut rng);
            sum += (rate_reduction(&z, &m, d).unwrap() - truth.reduction).powi(2);
        }
        (sum / 24.0).sqrt()
    };
    let (few, many) = (error(64), error(4096));
    let ratio = few / many;
    assert!(ratio > 4.0 && ratio < 16.0, "{few:e} at 64 samples, {many:e} at 4096: a ratio of {ratio}");
}

/// Samples `√n_k F_k / √r …` whose second moments are those of the population have its rates to rounding.
#[test]
fn samples_with_the_exact_second_moment_have_the_exact_rates() {
    let mut rng = Rng::new(32);
    let f = factors(&mut rng);
    let d = Distortion::Eps2(0.25);
    // 6 samples a class, √(6/r)·(r orthonormal directions) turned by an orthogonal matrix: S_k = F_kᵀF_k.
    let mut rows = Vec::new();
    for f in &f {
        let turn = orthonormal_frame(6, f.rows(), &mut rng).unwrap();
        rows.extend(turn.matmul(f).unwrap().scale(6f64.sqrt()).into_data());
    }
    let z = Matrix::new(18, 8, rows).unwrap();
    let m = Membership::from_labels((0..18).map(|i| i / 6).collect()).unwrap();
    let truth = mixture_rates(&[1.0 / 3.0; 3], &f, d).unwrap();
    let value = rate_reduction(&z, &m, d).unwrap();
    assert!((value - truth.reduction).abs() <= 1e-13 * truth.rate, "{value} and {}", truth.reduction);
}

#[test]
fn bad_mixtures_are_named() {
    let f = vec![Matrix::<f64>::from_rows(&[[1.0, 0.0]])];
    let name = |w: &[f64]| mixture_rates(w, &f, Distortion::Eps2(0.5)).unwrap_err().fault().name;
    assert_eq!(name(&[0.5]), "NotOnSimplex");
    assert_eq!(mixture_rates(&[0.5, 0.5], &f, Distortion::Eps2(0.5)).unwrap_err().kind(), "shape");
}
