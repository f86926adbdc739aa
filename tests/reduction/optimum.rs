//! How large rate reduction can be: the closed forms, the two published statements that are false, ascent and its certificates.

use proptest::prelude::*;
use white_box::coding::Distortion;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, orthonormal_frame};
use white_box::reduction::optimum::{
    Ascent, AscentOptions, Constraint, CriticalKind, Profile, Step, ascend, ascent_step, classify, feasible, optimum, published_condition,
    regularised_class, regularised_optimum,
};
use white_box::reduction::{Membership, RateReduction, rate_reduction};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

fn eps2<S: Scalar>(x: f64) -> Distortion<S> {
    Distortion::Eps2(S::from_f64(x))
}
fn labels(counts: &[usize]) -> Membership<f64> {
    let all = counts.iter().enumerate().flat_map(|(k, &n)| std::iter::repeat_n(k, n)).collect();
    Membership::from_labels(all).unwrap()
}
/// Agreement to all the decimals that are written.
fn is(found: f64, written: &str) {
    let decimals = written.split_once('.').map_or(0, |(_, d)| d.len());
    let known: f64 = written.parse().unwrap();
    // One unit of the last decimal, and the rounding of the number itself.
    let allowed = 10f64.powi(-(decimals as i32)) + 4.0 * f64::EPSILON * known.abs();
    assert!((found - known).abs() <= allowed, "expected {written}, found {found:.18}");
}

/// κ, u_tan, u_tan √κ, c, λ_glob/α, λ_loc/α.
#[test]
fn tangent_points_are_those_of_the_table() {
    let table = [
        ("1.1", "2.062089893576975", "2.162738126", "0.2137923334", "0.02060477574279749797", "0.02382303659696908"),
        ("1.5", "1.768051280607625", "2.165411738", "0.2132647248", "0.08744818775867654", "0.1010205144336438"),
        ("2", "1.535012477792474", "2.170835465", "0.2122003931", "0.148776636689648", "0.1715728752538099"),
        ("3", "1.260481953934441", "2.183218786", "0.2097999984", "0.2332417766710583", "0.2679491924311227"),
        ("5", "0.9867686310518806", "2.206481737", "0.2053994733", "0.3348050262789938", "0.3819660112501052"),
        ("10", "0.71180625232762", "2.25092901", "0.1973678468", "0.4609961599148723", "0.5194938532959157"),
        ("20", "0.5162751065416469", "2.308852467", "0.1875891149", "0.571214620427331", "0.6345120047368864"),
        ("1000", "0.08864688675914369", "2.803260696", "0.1272544634", "0.9074166195107253", "0.938693139936569"),
    ];
    for (kappa, u, scaled, c, slope, greatest) in table {
        let profile = Profile::new(DoubleDouble::parse(kappa).unwrap()).unwrap();
        let t = profile.tangent_point().unwrap();
        is(t.u.value(), u);
        is((t.u * profile.kappa().sqrt()).value(), scaled);
        is(t.c.value(), c);
        is(t.slope.value(), &slope[..slope.len().min(18)]);
        is(profile.greatest_slope().value(), greatest);
    }
    // κ → 1: the root of log(1 + u) − u/(1 + u) = u²/(1 + u)².
    let near = Profile::new(DoubleDouble::parse("1.000000001").unwrap()).unwrap().tangent_point().unwrap();
    is(near.u.value(), "2.16258");
}

/// Yu et al., NeurIPS 2020, Theorem A.6 as usually quoted (c = 1): `ε⁴ < min γ_k d²/d_k²` makes every class have rank d_k.
#[test]
fn the_published_rank_condition_has_a_counter_example() {
    let (counts, d, ranks, e2) = ([4, 4], 4, [2, 2], 1.25);
    assert!(published_condition(&counts, d, &ranks, e2, 1.0).unwrap(), "the condition holds: {} < 2", e2 * e2);
    let best = optimum(&counts, d, Some(&ranks), eps2::<f64>(e2)).unwrap();
    println!("condition ε⁴ = {} < min γ_k d²/d_k² = 2 holds, and promises rank 2", e2 * e2);
    // The value of rank 2 is attained by a configuration, so is that of rank 1: both are computed as ΔR itself.
    let at = |r: usize| {
        let z = Matrix::from_fn(8, 4, |i, j| if j == 2 * (i / 4) + i % r { 1.0 } else { 0.0 });
        rate_reduction(&z, &labels(&counts), eps2(e2)).unwrap()
    };
    println!("ΔR with rank 2 in each class {:.10}, with rank 1 {:.10}, the maximum {:.10}", at(2), at(1), best.value);
    is(at(2), "0.2200618848");
    is(at(1), "0.2379691824");
    is(best.value, "0.23796918238277");
    is(best.loose_bound, "0.23804261870344");
    assert_eq!((best.ranks, best.attained), (vec![1, 1], true));
    // With the constant of the class size it holds, here and wherever it applies.
    let c = Profile::new(2.0).unwrap().tangent_point().unwrap().c;
    assert!(!published_condition(&counts, d, &ranks, e2, c).unwrap());
}

/// Wang et al., ICML 2024, as printed: for `λ ≤ λ_loc` the local maximisers of full rank are global.
#[test]
fn the_published_penalty_condition_has_a_counter_example() {
    let (n, d, e2) = (4usize, 4usize, 1.0);
    let alpha = DoubleDouble::from_f64(0.5);
    let class = |lambda: &str| regularised_class(n, 2 * n, alpha, DoubleDouble::parse(lambda).unwrap()).unwrap();
    let (low, high) = (class("0.05"), class("0.08"));
    let ((s, f), (s_high, f_high)) = (low.maximum.unwrap(), high.maximum.unwrap());
    is(s.value(), "6.70156211871642434");
    is(low.minimum.unwrap().value(), "0.298437881283575657");
    is(f.value(), "0.0572828432500879938");
    is(s_high.value(), "2.42539052967910609");
    is(high.minimum.unwrap().value(), "0.824609470320893914");
    is(f_high.value(), "-0.0077138186564692917");
    is(low.local_threshold.value(), "0.085786437626905");
    is(low.global_threshold.value(), "0.074388318344824");
    let best = |lambda: &str| regularised_optimum(&[n, n], d, eps2(e2), DoubleDouble::parse(lambda).unwrap()).unwrap();
    is(best("0.05").value.value(), "0.229131373000351975");
    assert_eq!(best("0.05").ranks.iter().sum::<usize>(), 4);
    // The configuration that the statement calls global, evaluated: classes on two axes each, σ² = s⁺.
    let z = Matrix::from_fn(8, 4, |i, j| if i % 4 < 2 && j == 2 * (i / 4) + i % 4 { s_high.value().sqrt() } else { 0.0 });
    let f_claimed = rate_reduction(&z, &labels(&[n, n]), eps2(e2)).unwrap() - 0.04 * z.frobenius_squared();
    println!("λ = 2/25 ≤ λ_loc = {:.7}: F at the claimed maximiser {f_claimed:.10}, F(0) = 0", high.local_threshold.value());
    is(f_claimed, "-0.0308552746");
    assert!(f_claimed < 0.0, "Z = 0 is better");
    assert_eq!((best("0.08").value.value(), best("0.08").ranks), (0.0, vec![0, 0]));
    // It is a critical point and a local maximum all the same.
    let point = classify(&z, &labels(&[n, n]), eps2(e2), 0.08, 1e-9).unwrap();
    assert_eq!(point.kind, CriticalKind::Maximiser, "{point:?}");
    // At λ_loc itself the roots meet: an inflection, with a flat Hessian and no maximum.
    let at_threshold = regularised_class(n, 2 * n, 0.5, 0.5 * (2f64.sqrt() - 1.0) / (2f64.sqrt() + 1.0) * (1.0 + 1e-15)).unwrap();
    assert_eq!(at_threshold.maximum, None);
}

/// Two equal classes on one line: critical, and a strict saddle at both roots of their equation.
#[test]
fn classes_that_share_a_direction_are_strict_saddles() {
    let m = labels(&[2, 2, 2]);
    for (s, top) in [(2.4314539065631524f64, "0.8294361719689456"), (0.06854609343684791, "0.28294361719689465")] {
        let z = Matrix::from_fn(6, 3, |i, j| if (i == 0 || i == 2) && j == 0 { s.sqrt() } else { 0.0 });
        let point = classify(&z, &m, eps2(0.5), 0.05, 1e-12).unwrap();
        assert_eq!(point.kind, CriticalKind::StrictSaddle);
        is(point.curvature, top);
        assert!(point.gradient <= 1e-15);
        assert_eq!(classify(&z, &m, eps2(0.5), 0.06, 1e-12).unwrap().kind, CriticalKind::NotCritical);
    }
    // λ m κ α² s² − [α²(κ − m) − λα(m + κ)] s + λ = 0 with m = 2, κ = 3, α = 1.
    let s: f64 = 2.4314539065631524;
    assert!((0.3 * s * s - (1.0 - 0.25) * s + 0.05).abs() < 1e-14);
}

fn run(counts: &[usize], d: usize, e2: f64, seed: u64, constraint: Constraint, share: f64) -> (Ascent<f64>, Membership<f64>) {
    let (m, n) = (labels(counts), counts.iter().sum::<usize>());
    let z = gaussian_matrix(n, d, &mut Rng::new(seed));
    let alpha = d as f64 / (n as f64 * e2);
    let options = AscentOptions { eta: Some(share * 8.0 / (9.0 * alpha)), tolerance: 1e-9, iterations: 4000 };
    (ascend(&z, &m, eps2(e2), constraint, &options).unwrap(), m)
}

/// At the largest proven step, ΔR never falls, and the gain bound holds at every step.
#[test]
fn ascent_never_loses() {
    for (seed, constraint) in [(1, Constraint::Rows), (2, Constraint::Classes)] {
        let m = labels(&[5, 3, 4]);
        let e2 = 0.25;
        let alpha = 6.0 / (12.0 * e2);
        for share in [1.0, 0.5] {
            let eta = share * 8.0 / (9.0 * alpha);
            let step = Step { distortion: eps2(e2), eta, constraint };
            let mut z = feasible(&gaussian_matrix(12, 6, &mut Rng::new(seed)), constraint, &m).unwrap().0;
            let mut value = rate_reduction(&z, &m, eps2(e2)).unwrap();
            for t in 0..200 {
                let next = ascent_step(&z, &m, &step).unwrap();
                let (after, moved) = (rate_reduction(&next, &m, eps2(e2)).unwrap(), next.sub(&z).unwrap().frobenius_squared());
                let bound = (0.5 / eta - 0.5625 * alpha) * moved;
                // A few units of roundoff of R itself, of which ΔR is a part.
                assert!(after - value >= bound - 64.0 * f64::EPSILON * 10.0, "step {t}: gain {:e}, bound {bound:e}", after - value);
                (z, value) = (next, after);
            }
        }
    }
}

/// Where the classes fit side by side the closed form is found from random starts and the gap certifies it; where they do not, nothing exceeds the bound.
#[test]
fn ascent_reaches_the_closed_form() {
    for (counts, d, e2, ranks, written) in [
        (vec![4, 4], 4, 1.25, [1, 1], "0.23796918238277"),
        (vec![6, 6], 6, 0.6, [3, 3], ""),
        (vec![6, 6], 6, 1.0, [2, 2], ""),
        (vec![6, 3], 8, 0.9, [3, 2], ""),
        (vec![5, 5], 3, 0.1, [3, 3], ""),
    ] {
        let best = optimum(&counts, d, None, eps2::<f64>(e2)).unwrap();
        assert_eq!(best.ranks, ranks);
        assert_eq!(best.attained, ranks.iter().sum::<usize>() <= d);
        let mut found = 0.0f64;
        for seed in 0..12 {
            for constraint in [Constraint::Rows, Constraint::Classes] {
                let (end, _) = run(&counts, d, e2, seed, constraint, 0.9);
                let gap = end.gap.unwrap();
                assert!(gap >= -1e-12, "nothing exceeds the bound: {gap:e}");
                found = found.max(*end.values.last().unwrap());
                if gap < 1e-10 {
                    assert!(end.residual < 1e-4 && end.coherence.unwrap() < 1e-4, "{:e}, {:?}", end.residual, end.coherence);
                }
            }
        }
        if !written.is_empty() {
            is(best.value, written);
        }
        assert!(found <= best.bound + 1e-12);
        assert!(!best.attained || found >= best.value - 1e-8, "{found} of {}", best.value);
    }
}

/// Two classes of 6 in R⁶ at ε² = 0.8 do best with rank 2, but ascent from a random start ends with rank 3: a local maximum, with a gap that says how much is missing.
#[test]
fn local_maxima_exist() {
    let (end, _) = run(&[6, 6], 6, 0.8, 0, Constraint::Rows, 0.9);
    assert!(end.converged && end.residual < 1e-6);
    let rank_three = 3.0 * Profile::<f64>::of_class(6, 12).unwrap().value(6.0 * 0.5 / (0.8 * 3.0));
    assert!((end.values.last().unwrap() - rank_three).abs() < 1e-12, "{:?} and {rank_three}", end.values.last());
    let gap = end.gap.unwrap();
    assert!(gap > 3e-4 && gap < 4e-4, "{gap}");
}

/// Spread over the axes of R³, one a class: the value that ReduNet's three Gaussians tend to.
#[test]
fn three_lines_in_three_dimensions() {
    let at = |e2| optimum(&[20, 20, 20], 3, Some(&[1, 1, 1]), eps2::<f64>(e2)).unwrap().value;
    is(at(0.1), "1.87984930695498269");
    is(at(0.01), "4.06912564288745131");
    let six = |e2| optimum(&[4, 4], 6, Some(&[3, 3]), eps2::<f64>(e2)).unwrap().value;
    is(six(0.1), "2.626902161809977");
    is(six(0.5), "0.8816799973531786");
}

/// Four unit vectors (±1, ±1, ±1)/√3 of even parity are a tight frame of R³: two such classes in R⁶ attain the optimum exactly.
#[test]
fn tight_frames_attain_the_optimum() {
    let signs = [[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]];
    let z = Matrix::from_fn(8, 6, |i, j| if j / 3 == i / 4 { signs[i % 4][j % 3] } else { 0.0 }).cast::<Ball>();
    let z = z.scale(Ball::ONE / Ball::exact(3.0).sqrt());
    let m = Membership::from_labels(vec![0, 0, 0, 0, 1, 1, 1, 1]).unwrap();
    let value = rate_reduction(&z, &m, eps2(0.5)).unwrap();
    let best = optimum(&[4, 4], 6, Some(&[3, 3]), eps2::<Ball>(0.5)).unwrap();
    assert!(value.overlaps(&best.value) && value.rad() < 1e-28);
    assert_eq!(best.ranks, [3, 3]);
    let gradient = RateReduction::new(eps2(0.5)).gradient(&z, &m).unwrap().z;
    // On the sphere the gradient is radial: what is left of it is 0.
    for i in 0..8 {
        let radial = gradient.row(i).iter().zip(z.row(i)).fold(Ball::ZERO, |s, (&g, &z)| s + g * z);
        assert!(gradient.row(i).iter().zip(z.row(i)).all(|(&g, &z)| (g - radial * z).contains(0.0)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// `ΔR ≤ UB ≤ UB_c` for every feasible point, also where the classes do not fit side by side.
    #[test]
    fn no_feasible_point_exceeds_the_bounds(seed: u64, d in 1..7usize, counts in prop::collection::vec(1..6usize, 2..5), log2 in -4..4i32) {
        let mut rng = Rng::new(seed);
        let (n, e2) = (counts.iter().sum::<usize>(), 2f64.powi(log2));
        let m = labels(&counts);
        let z = feasible(&gaussian_matrix(n, d, &mut rng), Constraint::Classes, &m).unwrap().0;
        let best = optimum(&counts, d, None, eps2::<f64>(e2)).unwrap();
        let value = rate_reduction(&z, &m, eps2(e2)).unwrap();
        prop_assert!(value <= best.bound * (1.0 + 1e-12) + 1e-14 && best.bound <= best.loose_bound * (1.0 + 1e-12));
        prop_assert!(best.value <= best.bound * (1.0 + 1e-12));
    }

    /// The integer beside the peak is the best of all integers.
    #[test]
    fn the_rank_is_the_best_of_all(d in 1..40usize, own in 1..30usize, rest in 1..60usize, log2 in -6..5i32) {
        let e2 = 2f64.powi(log2) * 1.1;
        let best = optimum(&[own, rest], d, None, eps2::<f64>(e2)).unwrap();
        let gamma = own as f64 / (own + rest) as f64;
        let profile = Profile::<f64>::of_class(own, own + rest).unwrap();
        let h = |r: usize| 0.5 * r as f64 * profile.value(d as f64 * gamma / (e2 * r as f64));
        let most = own.min(d);
        prop_assert!((1..=most).all(|r| h(r) <= h(best.ranks[0]) * (1.0 + 1e-13)), "{:?} of {most}", best.ranks);
    }

    /// Orthogonal classes with equal singular values give exactly the sum of profiles.
    #[test]
    fn orthogonal_classes_add_their_profiles(seed: u64, log2 in -3..4i32) {
        let mut rng = Rng::new(seed);
        let (counts, ranks, d, e2) = ([5, 4, 6], [2, 1, 3], 7, 2f64.powi(log2));
        let frame = orthonormal_frame(d, 6, &mut rng).unwrap();
        let mut z = Matrix::<f64>::zeros(15, d);
        let (mut row, mut col, mut expected) = (0, 0, 0.0);
        let energies = [2.0, 0.5, 1.25];
        for k in 0..3 {
            let left = orthonormal_frame(counts[k], ranks[k], &mut rng).unwrap();
            let right = frame.select_cols(col, ranks[k]).unwrap();
            let block = left.matmul_t(&right).unwrap().scale(f64::sqrt(energies[k]));
            for i in 0..counts[k] {
                z.row_mut(row + i).copy_from_slice(block.row(i));
            }
            let profile = Profile::<f64>::of_class(counts[k], 15).unwrap();
            expected += 0.5 * ranks[k] as f64 * profile.value(d as f64 / (15.0 * e2) * energies[k]);
            row += counts[k];
            col += ranks[k];
        }
        let value = rate_reduction(&z, &labels(&counts), eps2(e2)).unwrap();
        prop_assert!((value - expected).abs() <= 1e-13 * (1.0 + expected), "{value} against {expected}");
    }
}

#[test]
fn bad_questions_are_named() {
    let name = |e: white_box::Error| (e.kind(), e.fault().name);
    assert_eq!(name(optimum(&[], 3, None, eps2::<f64>(1.0)).unwrap_err()), ("shape", "EmptyInput"));
    assert_eq!(name(optimum(&[3, 0], 3, None, eps2::<f64>(1.0)).unwrap_err()), ("domain", "EmptyClass"));
    assert_eq!(name(Profile::new(1.0).unwrap_err()).0, "domain");
    assert_eq!(name(regularised_optimum(&[3, 3], 3, eps2::<f64>(1.0), 0.0).unwrap_err()).0, "domain");
    let m = labels(&[1, 1]);
    let zero_row = Matrix::<f64>::from_rows(&[[0.0, 0.0], [1.0, 0.0]]);
    assert_eq!(name(feasible(&zero_row, Constraint::Rows, &m).unwrap_err()), ("domain", "DegenerateProjection"));
    let soft = Membership::soft(Matrix::<f64>::from_rows(&[[0.5, 0.5], [1.0, 0.0]])).unwrap();
    assert_eq!(name(feasible(&zero_row, Constraint::Classes, &soft).unwrap_err()).0, "usage");
}
