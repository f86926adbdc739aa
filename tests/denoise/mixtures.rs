//! Mixtures of Gaussians: the golden numbers, the compact forms against the general one, samples.

use crate::{dd, is};
use white_box::denoise::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, orthonormal_frame};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

type D = DoubleDouble;

/// Weights 0.3 and 0.7, a full and a singular covariance; the decimals are decimals, not floats.
fn golden() -> GaussianMixture<D> {
    let m = |x: [&str; 4]| Matrix::new(2, 2, x.iter().map(|t| dd(t)).collect()).unwrap();
    let means = Matrix::new(2, 2, ["1", "0", "-1", "0.5"].iter().map(|t| dd(t)).collect()).unwrap();
    let covariances = vec![Covariance::Full(m(["1", "0.3", "0.3", "0.5"])), Covariance::Full(m(["0.25", "0", "0", "0"]))];
    GaussianMixture::new(vec![dd("0.3"), dd("0.7")], means, covariances).unwrap()
}

#[test]
fn a_mixture_to_its_last_printed_digit() {
    let mixture = golden();
    let x = Matrix::<D>::from_rows(&[[0.5, -0.25]]);
    let table = [
        (
            ("1", "0.5"),
            [
                "-2.8624201846066589",
                "0.81126494162272652",
                "0.18873505837727348",
                "-0.27903174446890839",
                "0.72175745007423112",
                "0.4302420638827729",
                "-0.069560637481442219",
                "0.62700742930135596",
                "-1.1549861021629017",
                "-0.74398882850942031",
                "0.28918796433133475",
                "-0.072186631385181357",
                "0.20350069821816123",
            ],
        ),
        (
            ("0.8", "0.6"),
            [
                "-2.4829193215580978",
                "0.66231757185876411",
                "0.33768242814123589",
                "-0.683553360490841",
                "0.80784272630733824",
                "0.31740098777912155",
                "0.051029226838302209",
                "0.33256780544208197",
                "-0.72627021454824439",
                "-1.4603116483249973",
                "0.6298449806020216",
                "-0.14706971844601949",
                "0.26678689121418805",
            ],
        ),
    ];
    for ((alpha, sigma), known) in table {
        let noised = mixture.at(Noise::new(dd(alpha), dd(sigma)).unwrap()).unwrap();
        let e = noised.evaluate(&x).unwrap();
        let (h, c) = (&noised.hessian(&e).unwrap()[0], &noised.posterior_covariance(&e).unwrap()[0]);
        let found = [
            e.log_density[0],
            e.responsibilities[(0, 0)],
            e.responsibilities[(0, 1)],
            e.score[(0, 0)],
            e.score[(0, 1)],
            e.denoised[(0, 0)],
            e.denoised[(0, 1)],
            h[(0, 0)],
            h[(0, 1)],
            h[(1, 1)],
            c[(0, 0)],
            c[(0, 1)],
            c[(1, 1)],
        ];
        for (f, k) in found.into_iter().zip(known) {
            is(f, k);
        }
    }
}

/// Low rank plus noise in its compact form against the same matrix in full, for every answer and gradient, with one component that is a line and one without noise of its own.
#[test]
fn low_rank_answers_are_those_of_the_full_matrix() {
    let (d, mut rng) = (7, Rng::new(5));
    let frame = |p: usize, rng: &mut Rng| orthonormal_frame(d, p, rng).unwrap();
    let low = vec![
        Covariance::LowRank { u: frame(2, &mut rng), lambda: vec![2.0, 0.5], tau2: 0.25 },
        Covariance::LowRank { u: frame(1, &mut rng), lambda: vec![4.0], tau2: 0.0 },
        Covariance::LowRank { u: frame(7, &mut rng), lambda: vec![1.0, 0.5, 0.25, 2.0, 3.0, 0.125, 1.5], tau2: 0.0 },
        Covariance::LowRank { u: Matrix::zeros(d, 0), lambda: vec![], tau2: 0.0 },
    ];
    let full: Vec<_> = low.iter().map(|c| Covariance::Full(c.dense().unwrap())).collect();
    let (weights, means) = (vec![0.25, 0.25, 0.375, 0.125], gaussian_matrix(4, d, &mut rng));
    let [low, full] = [low, full].map(|c| GaussianMixture::new(weights.clone(), means.clone(), c).unwrap());
    let x = gaussian_matrix(9, d, &mut rng).scale(2.0);
    for (alpha, sigma) in [(1.0, 0.5), (0.6, 0.8), (1.0, 0.03125)] {
        let noise = Noise::new(alpha, sigma).unwrap();
        let (a, b) = (low.at(noise).unwrap(), full.at(noise).unwrap());
        let (e, f) = (a.evaluate(&x).unwrap(), b.evaluate(&x).unwrap());
        // M has condition (λ_max + σ²)/σ²; scores are of size ‖δ‖/σ², whose square enters the density.
        let condition = 8.0 * (1.0 + alpha * alpha * 4.0 / (sigma * sigma));
        let size = x.frobenius_squared() / (sigma * sigma);
        let near = |a: &[f64], b: &[f64], scale: f64| {
            for (x, y) in a.iter().zip(b) {
                assert!((x - y).abs() <= 16.0 * d as f64 * f64::EPSILON * condition * scale, "{x} and {y} at σ = {sigma}");
            }
        };
        near(&e.log_density, &f.log_density, size);
        near(e.responsibilities.data(), f.responsibilities.data(), size);
        near(e.score.data(), f.score.data(), size);
        near(e.denoised.data(), f.denoised.data(), size);
    }
}

/// Through noise of 10⁻⁶ and 10⁶ the denoiser of a line keeps its digits: the projection, and the mean.
#[test]
fn a_line_is_denoised_at_every_noise_level() {
    let line = |s: f64| Covariance::LowRank { u: Matrix::from_rows(&[[0.6], [0.8]]), lambda: vec![s], tau2: 0.0 };
    let mixture = GaussianMixture::new(vec![1.0], Matrix::zeros(1, 2), vec![line(1.0)]).unwrap();
    for sigma in [1e-6, 1e-3, 1.0, 1e3, 1e6] {
        let e = mixture.at(Noise::exploding(sigma).unwrap()).unwrap().evaluate(&Matrix::from_rows(&[[1.0, 0.5]])).unwrap();
        let along = (0.6 + 0.4) / (1.0 + sigma * sigma);
        for (j, u) in [0.6, 0.8].into_iter().enumerate() {
            assert!((e.denoised[(0, j)] - u * along).abs() <= 8.0 * f64::EPSILON * along, "σ = {sigma}: {}", e.denoised[(0, j)]);
        }
    }
}

#[test]
fn noise_upon_noise_is_noise() {
    let mixture = golden();
    let n = |a: f64, s: f64| Noise::new(D::from_f64(a), D::from_f64(s)).unwrap();
    let (a, b) = (n(0.75, 0.5), n(0.5, 1.25));
    let twice = mixture.noised(a).noised(b);
    let once = mixture.noised(a.then(b));
    for (x, y) in twice.covariances().iter().zip(once.covariances()) {
        assert!(x.dense().unwrap().sub(&y.dense().unwrap()).unwrap().frobenius_squared().value() < 1e-60);
    }
    assert!(twice.means().sub(once.means()).unwrap().frobenius_squared().value() < 1e-60);
    assert_eq!(mixture.noised(n(1.0, 0.0)), mixture);
    // The second moment of the noised law: α²Cov + σ²I.
    let cov = mixture.covariance().unwrap();
    let noisy = mixture.noised(a).covariance().unwrap();
    let expected = cov.scale(a.alpha.square()).add(&Matrix::identity(2).scale(a.sigma.square())).unwrap();
    assert!(noisy.sub(&expected).unwrap().frobenius_squared().value() < 1e-60);
}

/// The gain of one Gaussian may exceed 1 once α < 1: λ = 4, α = ½, σ² = ¾ gives 8/7. At α = 1 it never does.
#[test]
fn a_denoiser_may_expand_when_the_signal_shrinks() {
    let mixture = GaussianMixture::new(vec![D::ONE], Matrix::zeros(1, 1), vec![Covariance::Full(Matrix::from_rows(&[[4.0]]))]).unwrap();
    let noise = Noise::new(D::from_f64(0.5), D::from_f64(0.75).sqrt()).unwrap();
    let e = mixture.at(noise).unwrap().evaluate(&Matrix::from_rows(&[[1.0]])).unwrap();
    let gain = e.denoised[(0, 0)].value();
    println!("gain at α = ½, σ² = ¾, λ = 4: {gain}");
    assert!((gain - 8.0 / 7.0).abs() < 1e-15 && gain > 1.0);
    // The bound √λ/(2σ) holds.
    assert!(gain <= 2.0 / (2.0 * 0.75f64.sqrt()));
}

#[test]
fn sampling_follows_the_law_and_the_seed() {
    let mixture = GaussianMixture::new(
        vec![0.25, 0.75],
        Matrix::from_rows(&[[2.0, 0.0, 1.0], [-1.0, 1.0, 0.0]]),
        vec![
            Covariance::Full(Matrix::from_rows(&[[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 0.0]])),
            Covariance::LowRank { u: Matrix::from_rows(&[[0.6], [0.0], [0.8]]), lambda: vec![4.0], tau2: 0.0 },
        ],
    )
    .unwrap();
    let n = 20000;
    let (x, labels) = mixture.sample(n, &mut Rng::new(3)).unwrap();
    assert_eq!(x, mixture.sample(n, &mut Rng::new(3)).unwrap().0);
    let (mean, cov) = (mixture.mean(), mixture.covariance().unwrap());
    for j in 0..3 {
        let found = x.col(j).iter().sum::<f64>() / n as f64;
        let error = (cov[(j, j)] / n as f64).sqrt();
        assert!((found - mean[j]).abs() <= 6.0 * error, "mean {j}: {found} and {}", mean[j]);
    }
    // Samples of the line lie on it, those of the flat Gaussian in its plane.
    for i in 0..n {
        let r = x.row(i);
        let off = if labels[i] == 0 { r[2] - 1.0 } else { (r[0] + 1.0) * 0.8 - r[2] * 0.6 };
        assert!(off.abs() <= 1e-14 * 8.0, "sample {i} is {off:e} off its support");
    }
    let share = labels.iter().filter(|&&k| k == 0).count() as f64 / n as f64;
    assert!((share - 0.25).abs() <= 6.0 * (0.25f64 * 0.75 / n as f64).sqrt());
}

#[test]
fn bad_mixtures_are_named() {
    let full = |x: [[f64; 2]; 2]| Covariance::Full(Matrix::from_rows(&x));
    let one = |w: f64, c: Covariance<f64>| GaussianMixture::new(vec![w], Matrix::zeros(1, 2), vec![c]);
    let name = |r: white_box::Result<GaussianMixture<f64>>| r.unwrap_err().fault().name;
    let id = [[1.0, 0.0], [0.0, 1.0]];
    assert_eq!(name(one(0.5, full(id))), "WeightsNotNormalised");
    assert_eq!(name(one(-1.0, full(id))), "NegativeWeight");
    assert_eq!(name(one(0.0, full(id))), "AllWeightsZero");
    assert_eq!(name(one(f64::NAN, full(id))), "NonFinite");
    assert_eq!(name(one(1.0, full([[1.0, 0.5], [0.25, 1.0]]))), "NotSymmetric");
    assert_eq!(name(one(1.0, full([[1.0, 2.0], [2.0, 1.0]]))), "NotPsd");
    let skew = Covariance::LowRank { u: Matrix::from_rows(&[[1.0], [0.5]]), lambda: vec![1.0], tau2: 0.0 };
    assert_eq!(name(one(1.0, skew)), "NotOrthonormal");
    assert_eq!(name(GaussianMixture::new(vec![], Matrix::zeros(0, 2), vec![])), "EmptyInput");
    let flat = one(1.0, full([[1.0, 0.0], [0.0, 0.0]])).unwrap();
    assert_eq!(flat.log_density(&Matrix::zeros(1, 2)).unwrap_err().fault().name, "DegenerateDensity");
    assert_eq!(Noise::new(-1.0, 1.0).unwrap_err().fault().name, "InvalidScale");
    assert_eq!(Noise::new(1.0, -1.0).unwrap_err().fault().name, "InvalidNoiseLevel");
    assert_eq!(flat.at(Noise::exploding(1.0).unwrap()).unwrap().evaluate(&Matrix::zeros(1, 3)).unwrap_err().kind(), "shape");
    // Where every component's density underflows, the logarithm does not.
    let far = flat.at(Noise::exploding(1.0).unwrap()).unwrap().evaluate(&Matrix::from_rows(&[[0.0, 1e6]])).unwrap();
    assert!(far.log_density[0] < -4e11 && far.score[(0, 1)] == -1e6);
}

/// Samples say what the formulas say: E s = 0, and E H = −E ssᵀ, each within six standard errors.
#[test]
fn the_mean_score_is_zero_and_its_variance_the_mean_curvature() {
    let g = golden();
    let plain = GaussianMixture::new(
        g.weights().iter().map(|w| w.value()).collect(),
        g.means().map(|x| x.value()),
        g.covariances().iter().map(|c| Covariance::Full(c.dense().unwrap().map(|x| x.value()))).collect(),
    )
    .unwrap();
    let noise = Noise::new(0.75, 0.5).unwrap();
    let (x, _) = plain.noised(noise).sample(4000, &mut Rng::new(9)).unwrap();
    let noised = plain.at(noise).unwrap();
    let e = noised.evaluate(&x).unwrap();
    let h = noised.hessian(&e).unwrap();
    let z = |values: Vec<f64>| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let var = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        mean / (var / n).sqrt()
    };
    for a in 0..2 {
        assert!(z(e.score.col(a)).abs() < 6.0);
        for b in 0..2 {
            let sum = (0..x.rows()).map(|i| h[i][(a, b)] + e.score[(i, a)] * e.score[(i, b)]).collect();
            assert!(z(sum).abs() < 6.0);
        }
    }
}

/// The Jacobian of the denoiser in balls: symmetric, positive, and Tweedie's second formula `Cov = (σ²/α²)(I + σ²H)`.
#[test]
fn the_second_formula_of_tweedie_holds_in_balls() {
    let g = golden();
    let ball = |x: D| Ball::new(x, 0.0);
    let mixture = GaussianMixture::new(
        g.weights().iter().map(|&w| ball(w)).collect(),
        g.means().map(ball),
        g.covariances().iter().map(|c| Covariance::Full(c.dense().unwrap().map(ball))).collect(),
    )
    .unwrap();
    let noise = Noise::new(Ball::exact(0.75), Ball::exact(0.5)).unwrap();
    let noised = mixture.at(noise).unwrap();
    let e = noised.evaluate(&Matrix::from_rows(&[[0.5, -0.25], [3.0, 1.0], [0.0, 0.0]])).unwrap();
    let (h, c) = (noised.hessian(&e).unwrap(), noised.posterior_covariance(&e).unwrap());
    let (a2, s2) = (noise.alpha.square(), noise.sigma.square());
    for (h, c) in h.iter().zip(&c) {
        let right = white_box::linalg::plus_identity(&h.scale(s2)).unwrap().scale(s2 / a2);
        assert!(c.data().iter().zip(right.data()).all(|(x, y)| x.overlaps(y)));
        let det = c[(0, 0)] * c[(1, 1)] - c[(0, 1)].square();
        assert!(c[(0, 0)].lower() > 0.0 && det.lower() > 0.0 && c.radius() < 1e-25);
    }
}
