//! Rate distortion, covering and packing.

use crate::{dd, is};
use white_box::coding::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

type D = DoubleDouble;

#[test]
fn water_is_filled_to_the_printed_digits() {
    let lambda = [D::from_f64(4.0), D::ONE, D::from_f64(0.25)];
    let at = |d: &str| gaussian_rate_distortion(&lambda, Distortion::Eps2(dd(d))).unwrap();
    for (d, level, rate) in
        [("0.6", "0.2", "2.4141568686511503"), ("1.5", "0.625", "1.1631508098056809"), ("3", "1.75", "0.41333928659223396")]
    {
        is(at(d).level, level);
        is(at(d).rate, rate);
        let sum = at(d).distortions.iter().fold(D::ZERO, |s, &x| s + x);
        assert!((sum - dd(d)).value().abs() < 1e-30, "the errors add up to the distortion");
    }
    assert_eq!(at("5.25").rate, D::ZERO);
    assert_eq!(at("9").rate, D::ZERO);
    // One variance d times: (d/2) log(dλ/D).
    let even = gaussian_rate_distortion(&[D::from_f64(2.0); 4], Distortion::Eps2(D::from_f64(0.5))).unwrap();
    assert!((even.rate - D::from_f64(2.0) * D::from_f64(16.0).ln()).value().abs() < 1e-29);
    let e = |l: &[f64], d: f64| gaussian_rate_distortion(l, Distortion::Eps2(d)).unwrap_err().fault().name;
    assert_eq!((e(&[], 1.0), e(&[-1.0], 1.0), e(&[1.0], 0.0)), ("EmptyInput", "NotPsd", "InvalidDistortion"));
}

/// In balls, on random spectra: R ≤ CR ≤ R + (d/2) log 2; the Wiener decoder; the difference where no direction is under water; the bound from the entropy.
#[test]
fn the_coding_rate_lies_within_half_a_bit_a_dimension() {
    let mut rng = Rng::new(2);
    for case in 0..60 {
        let d = 1 + case % 6;
        let lambda: Vec<Ball> = (0..d).map(|_| Ball::exact(rng.gaussian().abs() + if case % 3 == 0 { 0.0 } else { 0.25 })).collect();
        let eps2 = Ball::exact([0.015625, 0.5, 4.0, 0.25][case % 4]);
        let distortion = Distortion::Eps2(eps2);
        let (filling, cr) = (gaussian_rate_distortion(&lambda, distortion).unwrap(), gaussian_coding_rate(&lambda, distortion).unwrap());
        let half_bits = Ball::exact(d as f64 / 2.0) * Ball::exact(2.0).ln();
        assert!(filling.rate.lower() <= cr.upper() && cr.lower() <= (filling.rate + half_bits).upper());
        let achieved = wiener_distortion(&lambda, distortion).unwrap();
        let total = lambda.iter().fold(Ball::ZERO, |s, &l| s + l);
        assert!(achieved.lower() <= eps2.upper() && achieved.lower() <= total.upper());
        assert!(gaussian_rate_distortion(&lambda, Distortion::Eps2(achieved)).unwrap().rate.lower() <= cr.upper());
        let theta = eps2 / Ball::exact(d as f64);
        if lambda.iter().all(|l| (*l - theta).lower() > 0.0) {
            let gap = lambda.iter().fold(Ball::ZERO, |s, &l| s + (theta / l).log1p() * Ball::exact(0.5));
            assert!((cr - filling.rate).overlaps(&gap));
            // h − (d/2) log(2πeD/d) is attained.
            let two_pi_e = (Ball::exact(2.0) * Ball::pi()).ln() + Ball::ONE;
            let h = lambda.iter().fold(Ball::ZERO, |s, l| s + (l.ln() + two_pi_e) * Ball::exact(0.5));
            assert!(shannon_lower_bound(h, d, distortion).unwrap().overlaps(&filling.rate));
        }
    }
    // Isotropic: CR_ε = R(dλε²/(dλ + ε²)).
    let (lambda, eps2) = ([Ball::exact(3.0); 4], Ball::exact(0.5));
    let at = Ball::exact(12.0) * eps2 / (Ball::exact(12.0) + eps2);
    let r = gaussian_rate_distortion(&lambda, Distortion::Eps2(at));
    // The four balls tie with nothing: the level is one number below all of them.
    assert!(r.unwrap().rate.overlaps(&gaussian_coding_rate(&lambda, Distortion::Eps2(eps2)).unwrap()));
}

#[test]
fn the_rate_of_a_covariance_and_its_gradient() {
    let a = Matrix::<D>::from_rows(&[[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 0.125]]);
    let (_, g) = gaussian_rate_distortion_of(&a, Distortion::Eps2(D::from_f64(0.75))).unwrap();
    let h = D::from_f64(2f64.powi(-30));
    for i in 0..3 {
        for j in 0..=i {
            let moved = |h: D| {
                let mut b = a.clone();
                b[(i, j)] += h;
                b[(j, i)] = b[(i, j)];
                gaussian_rate_distortion_of(&b, Distortion::Eps2(D::from_f64(0.75))).unwrap().0
            };
            let slope = (moved(h) - moved(-h)) / (h + h);
            let expected = if i == j { g[(i, i)] } else { g[(i, j)] + g[(i, j)] };
            // Third derivatives are of the order of 1/λ³ ≤ 10⁵, times h².
            assert!((slope - expected).value().abs() <= 1e6 * 2f64.powi(-60), "{i}, {j}");
        }
    }
}

#[test]
fn spheres_to_the_printed_digits() {
    let at = |d: usize, eps2: &str| sphere_rate_distortion(d, D::ONE, Distortion::Eps2(dd(eps2))).unwrap();
    is(at(1, "0.5").rate, "0.2766516498602578");
    is(at(1, "0.75").rate, "0.130812035941137");
    for (d, eps2, kappa, rate) in [
        (2, "0.5", "2.0582153959083542", "0.5904894613124463"),
        (2, "0.1", "10.015779955529391", "1.543861555621442"),
        (2, "0.01", "100.00127556985979", "2.7190110207603055"),
        (3, "0.1", "19.486832980505362", "2.6628861862890467"),
    ] {
        // The source solved 1 − A² = D in f64: a few roundings u move κ by u/(2AA′) each.
        let (found, known) = (at(d, eps2), kappa.parse::<f64>().unwrap());
        let f = white_box::denoise::resultant(d, known * known).unwrap();
        assert!((found.kappa.value() - known).abs() <= 8.0 * f64::EPSILON / (f.mean() * f.slope), "{kappa}");
        assert!((found.rate - dd(rate)).value().abs() <= 8.0 * (1.0 + known / f.mean()) * f64::EPSILON, "{rate}");
    }
    assert_eq!(at(2, "1").rate, D::ZERO);
    // A fair sign: log 2 − H((1 + √(1 − D))/2).
    for eps2 in ["0.01", "0.3", "0.9"] {
        let p = (D::ONE + (D::ONE - dd(eps2)).sqrt()) / D::from_f64(2.0);
        let q = D::ONE - p;
        let expected = D::from_f64(2.0).ln() + p * p.ln() + q * q.ln();
        assert!((at(1, eps2).rate - expected).value().abs() < 1e-28, "D = {eps2}");
    }
    // High resolution: the circle behaves like its length, log(2πr) − ½ log(2πeD); its Gaussian pays for two dimensions.
    let small = dd("0.000001");
    let rate = at(2, "0.000001").rate;
    let expected = (D::from_f64(2.0) * D::pi()).ln() - (D::ONE + (D::from_f64(2.0) * D::pi() * small).ln()) * D::from_f64(0.5);
    assert!((rate - expected).value().abs() < 1e-5);
    let gaussian = gaussian_rate_distortion(&[D::from_f64(0.5); 2], Distortion::Eps2(small)).unwrap().rate;
    println!("circle at D = 1e-6: {:.4} nats, Gaussian of its covariance {:.4}", rate.value(), gaussian.value());
    assert!(gaussian.value() > rate.value() + 5.0);
    // No more nats than it takes to name a disc of a cover.
    for eps in [0.1, 0.5, 1.0, 1.5] {
        let r = sphere_rate_distortion(2, Ball::ONE, Distortion::Eps(Ball::exact(eps)));
        let bound = Scalar::ln(Ball::exact(circle_covering(1.0, eps).unwrap() as f64));
        assert!(r.unwrap().rate.lower() <= bound.upper());
    }
}

#[test]
fn covers_of_a_circle_and_their_ties() {
    for (eps, inside, free) in [(0.1, 32, 32), (0.5, 7, 6), (1.0, 3, 1), (1.5, 2, 1), (2.0, 1, 1)] {
        assert_eq!((circle_covering(1.0, eps).unwrap(), circle_covering_free(1.0, eps).unwrap()), (inside, free), "ε = {eps}");
    }
    // One ulp on either side of the ties.
    assert_eq!([1.0f64.next_down(), 1.0, 1.0f64.next_up()].map(|e| circle_covering(1.0, e).unwrap()), [4, 3, 3]);
    assert_eq!([0.5f64.next_down(), 0.5, 0.5f64.next_up()].map(|e| circle_covering_free(1.0, e).unwrap()), [7, 6, 6]);
    assert_eq!([1.0f64.next_down(), 1.0, 1.0f64.next_up(), 2.0, 2.5].map(|e| circle_packing(1.0, e).unwrap()), [6, 6, 5, 2, 1]);
    assert_eq!(circle_packing(2.0, 2.0f64.sqrt() * 2.0 - 1e-9).unwrap(), 4);
    assert_eq!([0.3, 0.5, 2.0].map(|e| segment_covering(1.0, e).unwrap()), [2, 1, 1]);
    assert_eq!(segment_covering(3.0, 0.5).unwrap(), 3);
    assert_eq!(circle_covering(1.0, 0.0).unwrap_err().fault().name, "InvalidEpsilon");
}

#[test]
fn covers_nets_and_packings_of_points_are_ordered() {
    let mut rng = Rng::new(8);
    for _ in 0..40 {
        let x = gaussian_matrix(9, 2, &mut rng);
        let eps = 0.25 + rng.uniform();
        let (n, p, p2) = (covering_number(&x, eps).unwrap(), packing_number(&x, eps).unwrap(), packing_number(&x, 2.0 * eps).unwrap());
        let net = farthest_point_net(&x, eps).unwrap().len();
        assert!(p2 <= n && n <= net && net <= p, "{p2} ≤ {n} ≤ {net} ≤ {p}");
    }
    let two = Matrix::from_rows(&[[0.0], [1.0]]);
    assert_eq!((covering_number(&two, 0.999).unwrap(), covering_number(&two, 1.0).unwrap()), (2, 1));
    assert_eq!(covering_number(&Matrix::zeros(21, 1), 1.0).unwrap_err().fault().name, "TooLarge");
}

/// The discs cover: of each small cell of a fine grid one disc holds all four corners, and a disc holds what lies between points that it holds.
#[test]
fn few_discs_cover_the_square() {
    for (count, decimals) in [(1, "0.70710678118"), (2, "0.55901699437"), (3, "0.50389111"), (4, "0.35355339059")] {
        let (centres, radius) = square_covering::<f64>(count).unwrap();
        assert!((radius - decimals.parse::<f64>().unwrap()).abs() < 1e-8);
        assert!(radius >= 1.0 / (std::f64::consts::PI * count as f64).sqrt(), "the areas must suffice");
        let steps = 128;
        for i in 0..steps {
            for j in 0..steps {
                let holds = |c: &[f64; 2]| {
                    (0..4).all(|k| {
                        let (x, y) = ((i + k % 2) as f64 / steps as f64 - c[0], (j + k / 2) as f64 / steps as f64 - c[1]);
                        x * x + y * y <= radius * radius * (1.0 + 1e-15)
                    })
                };
                // Where the boundaries of discs cross in the square a cell may need two: the corners still are covered each.
                let corners = (0..4).all(|k| {
                    let (x, y) = ((i + k % 2) as f64 / steps as f64, (j + k / 2) as f64 / steps as f64);
                    centres.iter().any(|c| (x - c[0]).powi(2) + (y - c[1]).powi(2) <= radius * radius * (1.0 + 1e-15))
                });
                assert!(centres.iter().any(holds) || corners, "{count} discs, cell {i}, {j}");
            }
        }
    }
    assert!(square_covering::<f64>(5).is_none());
}
