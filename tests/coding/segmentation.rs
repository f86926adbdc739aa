//! Segmentation and classification by coding length.

use crate::is;
use proptest::prelude::*;
use white_box::coding::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal, subspace_mixture};
use white_box::scalar::{Ball, Scalar};

fn axes() -> Matrix<f64> {
    Matrix::from_rows(&[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
}
fn at(model: Model, eps: f64) -> Segmentation {
    segment(&axes(), Distortion::Eps(eps), model, 0.0).unwrap()
}
/// Decimals of the source. A delta is a difference of lengths, each off by some units of rounding times `α‖W‖² ≤ 900` at ε = 0.1.
fn near(found: f64, written: &str) {
    let places = written.split_once('.').map_or(0, |(_, d)| d.len());
    let allowed = 10f64.powi(-(places as i32)) + 4.0 * f64::EPSILON * 900.0;
    assert!((found - written.parse::<f64>().unwrap()).abs() <= allowed, "expected {written}, found {found:.15}");
}
/// The length of a partition, from the definition.
fn length(w: &Matrix<f64>, groups: &[Vec<usize>], eps: f64, model: Model) -> f64 {
    let each = groups.iter().map(|g| {
        let m = g.len() as f64;
        coding_length(&w.select_rows(g).unwrap(), Distortion::Eps(eps), model).unwrap() - m * Scalar::ln(m / w.rows() as f64)
    });
    each.sum()
}
/// All partitions of n samples.
fn partitions(n: usize) -> Vec<Vec<Vec<usize>>> {
    if n == 0 {
        return vec![vec![]];
    }
    let mut out = Vec::new();
    for p in partitions(n - 1) {
        for k in 0..p.len() {
            let mut q = p.clone();
            q[k].push(n - 1);
            out.push(q);
        }
        let mut q = p;
        q.push(vec![n - 1]);
        out.push(q);
    }
    out
}

#[test]
fn two_axes_to_the_printed_digits() {
    let two = vec![vec![0, 1, 2], vec![3, 4, 5]];
    let one = vec![(0..6).collect::<Vec<_>>()];
    let singles: Vec<Vec<usize>> = (0..6).map(|i| vec![i]).collect();
    let table = [
        (Model::Linear, 0.1, &two, "38.358049395843", None),
        (Model::Linear, 0.3, &two, "27.414555541806", None),
        (Model::Linear, 1.0, &one, "13.876808443105", None),
        (Model::Samples, 0.1, &two, "24.678382870850", None),
        (Model::Samples, 1.0, &one, "10.407606332329", None),
        (Model::Affine, 0.1, &singles, "45.575731218881", Some((&two, "40.648427304366"))),
        (Model::Affine, 0.3, &two, "25.596599976894", None),
        (Model::Affine, 1.0, &one, "10.080319005284", None),
    ];
    let all = partitions(6);
    assert_eq!(all.len(), 203);
    for (model, eps, groups, cost, other) in table {
        let s = at(model, eps);
        assert_eq!(&s.groups, groups, "{model:?} at {eps}");
        near(s.cost, cost);
        let (best, least) = all.iter().map(|p| (p, length(&axes(), p, eps, model))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        match other {
            None => assert!((least - s.cost).abs() < 1e-12 * least.abs().max(1.0), "{model:?} at {eps}: {best:?} costs {least}"),
            // Greedy is not the best in general.
            Some((groups, known)) => {
                println!("greedy {} nats, the best partition {least} nats", s.cost);
                assert_eq!(best, groups);
                near(least, known);
                assert!(least < s.cost - 1.0);
            }
        }
    }
    let s = at(Model::Linear, 0.1);
    near(s.start, "69.2063464163");
    near(s.cost / std::f64::consts::LN_2, "55.338967641557");
    near(length(&axes(), &one, 0.1, Model::Linear), "49.18204633147481");
    let deltas: Vec<f64> = s.merges.iter().map(|m| m.delta).collect();
    for (found, known) in deltas.iter().zip(["-8.317454842461354", "-8.317454842461354", "-7.106693667756367", "-7.106693667756367"]) {
        near(*found, known);
    }
    assert_eq!((s.merges[0].kept, s.merges[0].joined, s.merges[0].size), (1, 2, 2));
}

/// As ε → 0 the best partition of generic samples is one group if m > d², while greedy merging stays at singletons, from which no pair pays.
#[test]
fn greedy_merging_is_stuck_where_all_together_is_best() {
    let w = gaussian_matrix(12, 2, &mut Rng::new(5));
    let eps = 1e-5;
    let s = segment(&w, Distortion::Eps(eps), Model::Linear, 0.0).unwrap();
    let one = length(&w, &[(0..12).collect()], eps, Model::Linear);
    println!("ε = {eps}: greedy stays at {} groups, {:.1} nats; one group {one:.1} nats", s.groups.len(), s.cost);
    assert!(s.groups.len() == 12 && one < s.cost);
    // Coding the samples alone, memorising wins.
    let singles: Vec<Vec<usize>> = (0..12).map(|i| vec![i]).collect();
    assert!(length(&w, &singles, eps, Model::Samples) < length(&w, &[(0..12).collect()], eps, Model::Samples));
    // Duplicates attract, whatever ε: Δ = −(d/2) log(1 + d‖a‖²/ε²) − 2 log 2.
    let twins = Matrix::from_rows(&[[0.75, -1.0], [0.75, -1.0]]);
    let s = segment(&twins, Distortion::Eps(eps), Model::Linear, 0.0).unwrap();
    let known = -Scalar::log1p(2.0 * 1.5625 / (eps * eps)) - 2.0 * std::f64::consts::LN_2;
    assert!((s.merges[0].delta - known).abs() < 1e-9 * known.abs(), "{} and {known}", s.merges[0].delta);
    // ε → ∞: one group.
    assert_eq!(segment(&w, Distortion::Eps(1e3), Model::Linear, 0.0).unwrap().groups.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// The recorded changes are the changes of the total from its definition; each is a decrease; at the end no pair improves; the partition does not depend on rotation, scale or order.
    #[test]
    fn merging_descends_and_stops_where_no_pair_helps(seed in 0u64..1000, n in 2usize..14, d in 1usize..4, which in 0usize..3, small in any::<bool>()) {
        let mut rng = Rng::new(seed);
        let model = [Model::Linear, Model::Affine, Model::Samples][which];
        let w = gaussian_matrix(n, d, &mut rng);
        let eps = if small { 0.25 } else { 1.0 };
        let s = segment(&w, Distortion::Eps(eps), model, 0.0).unwrap();
        // Each length is off by some u(α‖W‖² + L).
        let allowed = 1e-11 * (1.0 + s.start.abs());
        prop_assert!((s.cost - length(&w, &s.groups, eps, model)).abs() <= allowed);
        prop_assert!(s.merges.iter().all(|m| m.delta < 0.0));
        let total: f64 = s.merges.iter().map(|m| m.delta).sum();
        prop_assert!((s.start + total - s.cost).abs() <= allowed);
        for i in 0..s.groups.len() {
            for j in i + 1..s.groups.len() {
                let mut joined: Vec<Vec<usize>> = s.groups.clone();
                let b = joined.remove(j);
                joined[i].extend(b);
                prop_assert!(length(&w, &joined, eps, model) >= s.cost - allowed);
            }
        }
        if model != Model::Affine {
            let turned = w.matmul(&haar_orthogonal(d, &mut rng).unwrap()).unwrap().scale(4.0);
            let other = segment(&turned, Distortion::Eps(4.0 * eps), model, 0.0).unwrap();
            prop_assert_eq!(&other.groups, &s.groups);
        }
        let back: Vec<usize> = (0..n).rev().collect();
        let mut reversed: Vec<Vec<usize>> = segment(&w.select_rows(&back).unwrap(), Distortion::Eps(eps), model, 0.0).unwrap().groups;
        for g in &mut reversed {
            g.iter_mut().for_each(|i| *i = n - 1 - *i);
            g.sort_unstable();
        }
        reversed.sort();
        prop_assert_eq!(reversed, s.groups);
    }
}

/// Three subspaces of dimension 1, 2 and 3 in R⁶ with noise: found, from 240 samples, without being told how many or how large.
#[test]
fn subspaces_are_found() {
    let mut rng = Rng::new(11);
    let data = subspace_mixture(6, &[60, 80, 100], &[1, 2, 3], 0.02, false, &mut rng).unwrap();
    let s = segment(&data.x, Distortion::Eps(0.15), Model::Linear, 0.0).unwrap();
    let right = s.groups.iter().map(|g| (0..3).map(|k| g.iter().filter(|&&i| data.labels[i] == k).count()).max().unwrap()).sum::<usize>();
    println!("{} groups, {right} of 240 samples with their own", s.groups.len());
    assert!(s.groups.len() <= 8 && right >= 228);
}

#[test]
fn bad_questions_are_named() {
    let name = |w: Matrix<f64>, eps: f64, tol: f64| segment(&w, Distortion::Eps(eps), Model::Linear, tol).unwrap_err().fault().name;
    assert_eq!(name(Matrix::zeros(0, 2), 1.0, 0.0), "EmptyInput");
    assert_eq!(name(axes(), 0.0, 0.0), "InvalidDistortion");
    assert_eq!(name(axes(), 1.0, f64::NAN), "InvalidParameter");
    assert_eq!(name(axes().scale(f64::NAN), 1.0, 0.0), "NonFinite");
    assert_eq!(name(axes().scale(1e200), 1.0, 0.0), "NonFinite");
    assert_eq!(name(Matrix::zeros(20_001, 1), 1.0, 0.0), "TooLarge");
    let labels = [0, 0, 0, 2, 2, 2];
    let class = |l: &[usize]| Classifier::new(&axes(), l, Distortion::Eps(0.5), Model::Linear, None).unwrap_err().fault().name;
    assert_eq!((class(&labels), class(&labels[1..])), ("EmptyInput", "ShapeMismatch"));
}

#[test]
fn samples_go_where_they_cost_least() {
    let w = axes().map(Ball::exact);
    let labels = [0, 0, 0, 1, 1, 1];
    // 3/2 and the decimal 0.1.
    let x = Matrix::new(1, 2, vec![Ball::exact(1.5), Ball::ONE / Ball::exact(10.0)]).unwrap();
    for (model, costs) in
        [(Model::Linear, ["2.16347968720544", "6.79385549996268"]), (Model::Affine, ["1.0445881088656241", "5.5504747281270355"])]
    {
        let c = Classifier::new(&w, &labels, Distortion::Eps(Ball::exact(0.5)), model, None).unwrap();
        let found = c.increments(&x).unwrap();
        is(found[(0, 0)], costs[0]);
        is(found[(0, 1)], costs[1]);
        assert_eq!(c.classify(&x).unwrap(), [0]);
    }
    // From the definition, the sample appended; other priors; ε → ∞ leaves the prior alone.
    let plain = Matrix::from_rows(&[[1.5, 0.1]]);
    for model in [Model::Linear, Model::Affine, Model::Samples] {
        let c = Classifier::new(&axes(), &labels, Distortion::Eps(0.5), model, Some(&[0.25, 0.75])).unwrap();
        let found = c.increments(&plain).unwrap();
        for (k, prior) in [0.25f64, 0.75].into_iter().enumerate() {
            let own = axes().select_rows(&[3 * k, 3 * k + 1, 3 * k + 2]).unwrap();
            let with = Matrix::from_fn(4, 2, |i, j| if i < 3 { own[(i, j)] } else { plain[(0, j)] });
            let l = |w: &Matrix<f64>| coding_length(w, Distortion::Eps(0.5), model).unwrap();
            assert!((found[(0, k)] - (l(&with) - l(&own) - Scalar::ln(prior))).abs() < 1e-13);
        }
        let far = Classifier::new(&axes(), &labels, Distortion::Eps(1e8), model, Some(&[0.25, 0.75])).unwrap();
        assert_eq!(far.classify(&plain).unwrap(), [1]);
    }
}

/// As a class grows its increments tend to the noisy maximum a posteriori rule, like 1/m.
#[test]
fn many_samples_give_the_noisy_posterior_rule() {
    let e2 = 0.5;
    let x = Matrix::from_rows(&[[1.0, -0.5]]);
    let error = |m: usize| {
        // m samples with mean (1, 0) and covariance diag(4, 1) exactly.
        let w = Matrix::from_fn(m, 2, |i, j| {
            let (a, b) = ([1.0, 1.0, -1.0, -1.0][i % 4], [1.0, -1.0, 1.0, -1.0][i % 4]);
            if j == 0 { 1.0 + 2.0 * a } else { b }
        });
        let c = Classifier::new(&w, &vec![0; m], Distortion::Eps2(e2), Model::Affine, None).unwrap();
        let found = c.increments(&x).unwrap()[(0, 0)];
        let (v, u) = (4.0 + e2 / 2.0, 1.0 + e2 / 2.0);
        let ln = |x: f64| Scalar::ln(x);
        let log_n = -0.5 * (0.0 + 0.25 / u) - 0.5 * ln(v * u) - ln(2.0 * std::f64::consts::PI);
        let limit = -log_n - ln(2.0 * std::f64::consts::PI * e2 / 2.0) - 0.5 * (4.0 / v + 1.0 / u);
        found - limit
    };
    let (few, many) = (error(400), error(40_000));
    println!("{few} with 400 samples, {many} with 40,000");
    assert!(many.abs() < 2e-3 && (few / many - 100.0).abs() < 5.0);
}
