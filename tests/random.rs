//! The generator is the published one, and the samplers sample what they say.

use white_box::random::{Rng, gaussian_matrix, haar_orthogonal, permutation, subspace_mixture};

/// The first outputs of xoshiro256++ from the state 1, 2, 3, 4, as its authors' program gives them.
#[test]
fn the_generator_is_xoshiro256_plus_plus() {
    let mut rng = Rng::from_state([1, 2, 3, 4]);
    let first = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205];
    assert_eq!(first.map(|_| rng.bits()), first);
}

#[test]
fn a_seed_gives_the_same_numbers_for_ever() {
    let mut rng = Rng::new(0);
    assert_eq!([rng.bits(), rng.bits()], [0x53175d61490b23df, 0x61da6f3dc380d507]);
    assert_ne!(Rng::stream(1, "a").bits(), Rng::stream(1, "b").bits());
}

/// Mean, variance, third and fourth moment within five standard errors.
#[test]
fn gaussians_have_gaussian_moments() {
    let (n, mut rng) = (200_000, Rng::new(5));
    let mut moments = [0.0; 4];
    for _ in 0..n {
        let x = rng.gaussian();
        let mut power = 1.0;
        for m in &mut moments {
            power *= x;
            *m += power / n as f64;
        }
    }
    // The variance of x^k is E x^{2k} − (E x^k)²: 1, 2, 15, 96.
    for (k, (known, variance)) in [(0.0, 1.0), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0f64)].into_iter().enumerate() {
        assert!((moments[k] - known).abs() < 5.0 * (variance / n as f64).sqrt(), "moment {}: {}", k + 1, moments[k]);
    }
}

#[test]
fn integers_below_a_bound_are_uniform() {
    let (n, mut rng, mut counts) = (70_000, Rng::new(6), [0.0f64; 7]);
    for _ in 0..n {
        counts[rng.below(7)] += 1.0;
    }
    let chi: f64 = counts.iter().map(|c| (c - 10_000.0).powi(2) / 10_000.0).sum();
    assert!(chi < 30.0, "χ² with 6 degrees of freedom: {chi}");
    assert_eq!(rng.below(0), 0);
    assert_eq!(rng.below(1), 0);
}

#[test]
fn permutations_are_permutations_and_uniform() {
    let (mut rng, mut counts) = (Rng::new(7), [0.0f64; 6]);
    for _ in 0..6000 {
        let p = permutation(3, &mut rng);
        counts[p[0] * 2 + usize::from(p[1] > p[2])] += 1.0;
    }
    assert!(counts.iter().map(|c| (c - 1000.0).powi(2) / 1000.0).sum::<f64>() < 28.0);
    let mut p = permutation(100, &mut rng);
    p.sort_unstable();
    assert_eq!(p, (0..100).collect::<Vec<_>>());
}

/// Orthogonal to a few roundings a column, and the distribution does not change under a rotation: the first entry has variance 1/d.
#[test]
fn haar_matrices_are_orthogonal_and_spread() {
    let (d, mut rng, mut sum) = (8, Rng::new(8), 0.0);
    for _ in 0..500 {
        let q = haar_orthogonal(d, &mut rng).unwrap();
        let g = q.gram_cols();
        for i in 0..d {
            for j in 0..d {
                let target = if i == j { 1.0 } else { 0.0 };
                assert!((g[(i, j)] - target).abs() <= 8.0 * d as f64 * f64::EPSILON);
            }
        }
        sum += q[(0, 0)] * q[(0, 0)] / 500.0;
    }
    // Var(q²) = 2(d−1)/(d²(d+2)).
    let error = (2.0 * 7.0 / (64.0 * 10.0 * 500.0f64)).sqrt();
    assert!((sum - 1.0 / d as f64).abs() < 5.0 * error, "{sum}");
}

#[test]
fn mixtures_lie_on_their_subspaces() {
    let mut rng = Rng::new(9);
    let mix = subspace_mixture(12, &[20, 30], &[2, 3], 0.0, true, &mut rng).unwrap();
    assert_eq!(mix.x.shape(), [50, 12]);
    for (i, &k) in mix.labels.iter().enumerate() {
        let x = mix.x.select_rows(&[i]).unwrap();
        let back = x.matmul(&mix.bases[k]).unwrap().matmul_t(&mix.bases[k]).unwrap();
        assert!(x.sub(&back).unwrap().frobenius_squared().sqrt() <= 12.0 * f64::EPSILON * x.frobenius_squared().sqrt());
    }
    let between = mix.bases[0].t_matmul(&mix.bases[1]).unwrap();
    assert!(between.frobenius_squared().sqrt() < 100.0 * f64::EPSILON);
    assert!(subspace_mixture(4, &[1, 1], &[3, 2], 0.1, true, &mut rng).is_err());
    assert!(subspace_mixture(4, &[1], &[1, 2], 0.1, false, &mut rng).is_err());
    assert!(subspace_mixture(4, &[1], &[1], -0.1, false, &mut rng).is_err());
    assert_eq!(gaussian_matrix(0, 3, &mut rng).shape(), [0, 3]);
}
