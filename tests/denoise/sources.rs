//! Two points, circle, sphere, finite sets, subspaces.

use crate::{dd, is};
use white_box::denoise::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, orthonormal_frame};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

type D = DoubleDouble;

#[test]
fn two_points_to_the_printed_digits() {
    let at = |x: f64, t: f64| two_points(D::ONE, D::from_f64(0.5), Noise::exploding(D::from_f64(t)).unwrap(), D::from_f64(x)).unwrap();
    is(at(0.5, 1.0).denoised, "0.4621171572600098");
    is(at(0.5, 0.5).denoised, "0.9640275800758169");
    is(at(0.5, 1.0).slope, "0.7864477329659274");
    assert_eq!(at(0.0, 0.25).denoised, D::ZERO);
    // The same law as a circle in one dimension and as a set of two rows; with unequal weights as a set.
    let noise = Noise::new(D::from_f64(0.75), D::from_f64(0.5)).unwrap();
    let set = Matrix::<D>::from_rows(&[[2.0], [-2.0]]);
    for x in [-3.0, -0.5, 0.0, 0.25, 1.0, 40.0] {
        let (a, q) = (D::from_f64(2.0), Matrix::from_rows(&[[x]]));
        let even = two_points(a, D::from_f64(0.5), noise, D::from_f64(x)).unwrap();
        let sphere = Sphere::new(1, a).unwrap().denoise(noise, &q).unwrap();
        let odd = two_points(a, D::from_f64(0.25), noise, D::from_f64(x)).unwrap();
        let memory = memorise(&set, &[D::from_f64(0.25), D::from_f64(0.75)], noise, &q).unwrap();
        let near = |a: D, b: D| assert!((a - b).value().abs() <= 1e-29 * (1.0 + b.value().abs()), "{a:?} {b:?}");
        near(even.denoised, sphere.denoised[(0, 0)]);
        near(even.log_density, sphere.log_density[0]);
        near(even.slope, sphere.radial[0]);
        near(even.covariance, sphere.spread[0]);
        near(even.score, sphere.score[(0, 0)]);
        near(odd.denoised, memory.denoised[(0, 0)]);
        near(odd.log_density, memory.log_density[0]);
    }
    // Where tanh is 1 to all digits, the slope still is not 0.
    let far = at(300.0, 1.0);
    assert!(far.denoised.value() == 1.0 && far.slope.value() > 0.0 && far.slope.value() < 1e-250);
}

/// The published two-point denoiser has the wrong sign: it would push every sample to the other side.
#[test]
fn the_published_sign_has_a_counter_example() {
    let (x, t) = (0.5f64, 1.0f64);
    let published = (-x / (t * t)).tanh();
    let exact = two_points(1.0, 0.5, Noise::exploding(t).unwrap(), x).unwrap();
    // Bayes' rule itself: (p(x|1) − p(x|−1)) / (p(x|1) + p(x|−1)).
    let (up, down) = ((-(x - 1.0) * (x - 1.0) / 2.0).exp(), (-(x + 1.0) * (x + 1.0) / 2.0).exp());
    let bayes = (up - down) / (up + down);
    println!("at x = 0.5, t = 1: published {published}, by Bayes' rule {bayes}, here {}", exact.denoised);
    assert!((exact.denoised - bayes).abs() < 1e-15 && (published + bayes).abs() < 1e-15);
}

#[test]
fn circles_to_the_printed_digits() {
    let table = [
        (1.0, 0.5, "0.8", "0.82374860354253884", "0.25606719821869513", "1.0296857544281735", "-1.9828686750511395"),
        (1.0, 1.0, "1", "0.44638996589653451", "0.35434603245035625", "0.44638996589653451", "-2.6019627079021668"),
        (2.0, 0.75, "3", "1.9038086128350782", "0.032975379179374767", "0.63460287094502605", "-4.2415705486835693"),
    ];
    for (r, t, rho, mean, radial, tangential, log) in table {
        let circle = Sphere::new(2, D::from_f64(r)).unwrap();
        let noise = Noise::exploding(D::from_f64(t)).unwrap();
        let y = circle.denoise(noise, &Matrix::new(1, 2, vec![dd(rho), D::ZERO]).unwrap()).unwrap();
        is(y.denoised[(0, 0)], mean);
        is(y.radial[0], radial);
        is(y.tangential[0], tangential);
        is(y.log_density[0], log);
    }
    let mean = |d: usize| resultant(d, dd("1.3").square()).unwrap().mean();
    is(mean(3), "0.39123473432710692");
    is(mean(5), "0.24831796506612117");
    is(mean(1), "0.86172315931330636");
}

#[test]
fn the_ring_and_the_critical_radius() {
    let ring = |d: usize, t: &str| Sphere::new(d, D::ONE).unwrap().ring(Noise::exploding(dd(t)).unwrap()).unwrap();
    is(ring(2, "0.3").unwrap(), "0.95146022900758920");
    is(ring(2, "0.5").unwrap(), "0.83146202475425697");
    is(ring(2, "0.7").unwrap(), "0.19866447201536013");
    is(ring(1, "0.5").unwrap(), "0.99932567301510824");
    is(ring(1, "0.9").unwrap(), "0.69565799862614805");
    assert!(ring(2, "0.70711").is_none() && ring(1, "1").is_none() && ring(2, "0.7071").is_some());
    // r − (d − 1)t²/(2r) + O(t⁴).
    for d in [2, 3, 5] {
        for t in [0.1, 0.05, 0.025] {
            let found = ring(d, &t.to_string()).unwrap().value();
            let first = 1.0 - (d - 1) as f64 * t * t / 2.0;
            assert!((found - first).abs() <= 2.0 * (d * d) as f64 * t.powi(4), "d = {d}, t = {t}: {found} and {first}");
        }
    }
    // In balls the root is proved, and the derivative in t comes with it.
    let ball = Sphere::new(2, Ball::ONE).unwrap().ring(Noise::exploding(Ball::exact(0.5)).unwrap()).unwrap().unwrap();
    assert!(ball.rad() < 1e-25 && ball.contains_ball(&Ball::new(ring(2, "0.5").unwrap(), 0.0)));
    // The curvature at the middle changes its sign there: α²r²/(dσ²) = 1.
    let s = Sphere::new(3, 2.0f64).unwrap();
    let t = s.critical_ratio();
    for (factor, sign) in [(0.99, 1.0), (1.01, -1.0)] {
        let y = s.denoise(Noise::exploding(t * factor).unwrap(), &Matrix::from_rows(&[[1e-6, 0.0, 0.0]])).unwrap();
        assert!(y.score[(0, 0)] * sign > 0.0);
    }
    assert!((t * 3f64.sqrt() - s.reach()).abs() < 1e-15);
}

/// From κ = 10⁻⁶ to 10¹², across all methods: in balls the three-term recurrence between dimensions holds, the slope satisfies its equation, the normaliser's derivative over a step is
/// bracketed by the mean at its ends, and the enclosure keeps 20 digits.
#[test]
fn bessel_ratios_are_proved_at_every_noise_level() {
    for d in [1usize, 2, 3, 4, 7, 20, 129] {
        let mut k = 1e-6;
        while k < 1.1e12 {
            let kappa = Ball::exact(k);
            let (f, up) = (resultant(d, kappa.square()).unwrap(), resultant(d + 2, kappa.square()).unwrap());
            let recurrence = f.mean() * (Ball::exact(d as f64) / kappa + up.mean());
            assert!(recurrence.overlaps(&Ball::ONE), "d = {d}, κ = {k}: {recurrence:?}");
            let slope = f.deficit * (Ball::ONE + f.mean()) - Ball::exact((d - 1) as f64) * f.mean() / kappa;
            assert!(slope.overlaps(&f.slope), "d = {d}, κ = {k}: {slope:?} {:?}", f.slope);
            // d log Z/dκ = A, which grows.
            let later = Ball::exact(k * 1.25);
            let g = resultant(d, later.square()).unwrap();
            let step = (g.log_normaliser() - f.log_normaliser()) / (later - kappa);
            assert!(step.upper() >= f.mean().lower() && step.lower() <= g.mean().upper(), "d = {d}, κ = {k}: {step:?}");
            assert!(f.ratio.rad() <= 1e-20 * f.ratio.magnitude(), "d = {d}, κ = {k}: {:?}", f.ratio);
            let fast = resultant(d, k * k).unwrap();
            let error = (Ball::exact(fast.ratio) - f.ratio).magnitude() / f.ratio.magnitude();
            assert!(error <= 16.0 * f64::EPSILON, "d = {d}, κ = {k}: f64 is {error:e} off");
            k *= 31.0;
        }
    }
    // κ = 0.
    let zero = resultant(4, Ball::ZERO).unwrap();
    assert!(zero.ratio.contains(0.25) && zero.slope.contains(0.25) && zero.log_normaliser().contains(0.0));
    // Amos' bounds, in balls.
    for d in [2usize, 3, 9] {
        for k in [0.5, 3.0, 70.0, 4000.0] {
            let (nu, a) = (d as f64 / 2.0 - 1.0, resultant(d, Ball::exact(k).square()).unwrap().mean());
            let bound =
                |x: f64, y: f64| Ball::exact(k) / (Ball::exact(nu + x) + (Ball::exact(k).square() + Ball::exact(nu + y).square()).sqrt());
            assert!(bound(0.5, 1.5).lower() <= a.upper() && a.lower() <= bound(0.5, 0.5).upper() && a.lower() <= bound(0.0, 2.0).upper());
        }
    }
    // Dimension 3 in elementary functions: coth κ − 1/κ, 1/κ² − 1/sinh² κ, log(sinh κ/κ).
    for k in [0.75f64, 2.0, 9.0, 60.0, 300.0] {
        let (f, kappa) = (resultant(3, Ball::exact(k).square()).unwrap(), Ball::exact(k));
        let e = (kappa * Ball::exact(-2.0)).exp();
        let sinh = (Ball::ONE - e) / Ball::exact(2.0);
        assert!(f.mean().overlaps(&((Ball::ONE + e) / (Ball::ONE - e) - kappa.recip())));
        assert!(f.slope.overlaps(&(kappa.square().recip() - e / sinh.square())));
        assert!(f.log_normaliser().overlaps(&(kappa + (sinh / kappa).ln())));
    }
}

#[test]
fn a_sphere_is_denoised_by_projection_when_the_noise_is_small() {
    for d in [2usize, 3, 8] {
        for sigma in [1e-3, 1e-5, 1e-7] {
            let x = Matrix::from_fn(1, d, |_, j| if j < 2 { [1.2, 1.6][j] } else { 0.0 });
            let y = Sphere::new(d, 1.0).unwrap().denoise(Noise::exploding(sigma).unwrap(), &x).unwrap();
            // r − (d − 1)σ²/(2ρ) + O(σ⁴).
            let expected = 1.0 - (d - 1) as f64 * sigma * sigma / 4.0;
            let length = y.denoised.frobenius_squared().sqrt();
            assert!((length - expected).abs() <= 4.0 * f64::EPSILON + 4.0 * (d * d) as f64 * sigma.powi(4), "σ = {sigma}: {length}");
            let spread = (d - 1) as f64 * sigma * sigma / 2.0;
            assert!((y.spread[0] / spread - 1.0).abs() <= 1e-11 + 4.0 * d as f64 * sigma * sigma, "σ = {sigma}: {}", y.spread[0]);
        }
    }
}

#[test]
fn a_finite_set_is_remembered() {
    let set = Matrix::<D>::from_rows(&[[0.0], [1.0], [3.0]]);
    let even = vec![D::ONE / D::from_f64(3.0); 3];
    let at = |x: &str, t: f64| {
        memorise(&set, &even, Noise::exploding(D::from_f64(t)).unwrap(), &Matrix::new(1, 1, vec![dd(x)]).unwrap()).unwrap()
    };
    let y = at("1.2", 0.5);
    is(y.weights[(0, 0)], "0.057234528891259662");
    is(y.weights[(0, 1)], "0.94120161072691401");
    is(y.weights[(0, 2)], "0.0015638603818263262");
    is(y.denoised[(0, 0)], "0.94589319187239299");
    // No noise: the nearest, and the mean of those that tie. Much noise: the mean of all.
    assert_eq!(at("1.2", 1e-3).denoised[(0, 0)].value(), 1.0);
    assert_eq!(at("0.5", 1e-3).denoised[(0, 0)].value(), 0.5);
    assert!((at("1.2", 1e9).denoised[(0, 0)].value() - 4.0 / 3.0).abs() < 1e-15);
    // The same as a mixture of points.
    let points = GaussianMixture::new(even.clone(), set.clone(), vec![Covariance::Full(Matrix::zeros(1, 1)); 3]).unwrap();
    let e = points.at(Noise::exploding(D::from_f64(0.5)).unwrap()).unwrap().evaluate(&Matrix::new(1, 1, vec![dd("1.2")]).unwrap()).unwrap();
    assert!((e.denoised[(0, 0)] - y.denoised[(0, 0)]).value().abs() < 1e-30 && (e.log_density[0] - y.log_density[0]).value().abs() < 1e-30);
    // Sampling from the set by denoising ends in its convex hull, here at one of its rows; its reach is half the least distance.
    let source = FiniteSet::new(set.clone()).unwrap();
    assert_eq!(source.reach().unwrap().value(), 0.5);
    let path: Vec<_> = levels(Schedule::Exploding, Spacing::Geometric(1e-3), 40, 10.0).unwrap();
    let path: Vec<Noise<D>> = path.iter().map(|n| Noise { alpha: D::from_f64(n.alpha), sigma: D::from_f64(n.sigma) }).collect();
    let ends = &ddim(&source, &path, &Matrix::from_rows(&[[-9.0], [2.0], [30.0]])).unwrap()[0];
    assert!((0..3).all(|i| [0.0, 1.0, 3.0].iter().any(|&s| (ends[(i, 0)].value() - s).abs() < 0.01)), "{:?}", ends.data());
    let bad = memorise(&set, &even[..2], Noise::exploding(D::ONE).unwrap(), &set).unwrap_err();
    assert_eq!(bad.fault().name, "ShapeMismatch");
}

#[test]
fn subspaces_of_unequal_dimension_need_their_determinants() {
    let axis = |d: usize, from: usize, p: usize| Matrix::<D>::from_fn(d, p, |i, j| if i == from + j { D::ONE } else { D::ZERO });
    let half = D::from_f64(0.5);
    let noise = Noise::exploding(half).unwrap();
    let two = SubspaceMixture::new(vec![half; 2], vec![D::ONE; 2], vec![axis(2, 0, 1), axis(2, 1, 1)]).unwrap();
    let y = two.denoise(noise, &Matrix::from_rows(&[[1.0, 0.5]])).unwrap();
    is(y[(0, 0)], "0.61481982679921411");
    is(y[(0, 1)], "0.092590086600392943");
    is(y[(0, 0)] * D::from_f64(1.25), "0.76852478349901764");
    let unequal = SubspaceMixture::new(vec![half; 2], vec![D::ONE; 2], vec![axis(3, 0, 1), axis(3, 1, 2)]).unwrap();
    let x = Matrix::from_rows(&[[1.0, 0.5, -0.5]]);
    let y = unequal.denoise(noise, &x).unwrap();
    is(y[(0, 0)], "0.66614151311376463");
    is(y[(0, 1)], "0.066929243443117685");
    is(y[(0, 2)], "-0.066929243443117685");
    is(y[(0, 0)] * D::from_f64(1.25), "0.83267689139220579");
    // The formula for equal dimensions, used here: another weight.
    let [_, beta, c] = unequal.heads(noise).unwrap();
    let without = attend_subspaces(&x, &[axis(3, 0, 1), axis(3, 1, 2)], &[D::ZERO; 2], &beta, &c).unwrap();
    println!("w₁ with determinants 0.8327, without {}", (without[(0, 0)] * D::from_f64(1.25)).value());
    is(without[(0, 0)] * D::from_f64(1.25), "0.68997448112761244");
}

/// The attention-like form is the denoiser of the mixture: unequal dimensions, weights and variances, three noise levels.
#[test]
fn subspace_attention_is_the_denoiser_of_its_mixture() {
    let (d, mut rng) = (9, Rng::new(12));
    let frames: Vec<Matrix<f64>> = [1, 2, 4].iter().map(|&p| orthonormal_frame(d, p, &mut rng).unwrap()).collect();
    let mixture = SubspaceMixture::new(vec![0.5, 0.125, 0.375], vec![1.0, 3.0, 0.5], frames).unwrap();
    let general = mixture.mixture().unwrap();
    let x = gaussian_matrix(11, d, &mut rng);
    for (alpha, sigma) in [(1.0, 0.5), (0.5, 1.0), (0.96875, 0.0625)] {
        let noise = Noise::new(alpha, sigma).unwrap();
        let (a, b) = (mixture.denoise(noise, &x).unwrap(), general.at(noise).unwrap().evaluate(&x).unwrap().denoised);
        // Logits are of size ‖x‖²/(2σ²), and their rounding is relative to that.
        let allowed = 32.0 * f64::EPSILON * (1.0 + x.frobenius_squared() / (sigma * sigma));
        assert!(a.data().iter().zip(b.data()).all(|(p, q)| (p - q).abs() <= allowed), "{:e}", a.sub(&b).unwrap().frobenius_squared());
    }
}
