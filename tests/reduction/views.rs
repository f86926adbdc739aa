//! SimDINO and closed-loop transcription: ranges, collapse, processes, equilibria.

use white_box::coding::Distortion;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, orthonormal_frame};
use white_box::reduction::ctrl::{ctrl_distance, ctrl_linear};
use white_box::reduction::simdino::{Agreement, Collapse, ExpansionRange, SimDino, SimDinoLoss, Views};
use white_box::reduction::{Membership, RateReduction, rate_reduction};
use white_box::scalar::{Bulk, DoubleDouble, Scalar};

type Dd = DoubleDouble;

fn unit_rows<S: Scalar>(x: &Matrix<S>) -> Matrix<S> {
    let norms: Vec<S> = (0..x.rows()).map(|i| S::dot(x.row(i), x.row(i)).sqrt()).collect();
    Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] / norms[i])
}
fn settings<S: Scalar>(eps2: f64, processes: usize, mean_expansion: bool, summed: bool) -> SimDino<S> {
    SimDino {
        distortion: Distortion::Eps2(S::from_f64(eps2)),
        coeff: S::ONE,
        processes,
        mean_expansion,
        summed,
        agreement: Agreement::Cosine,
        with_diagonal: false,
        gamma: None,
    }
}
fn batch<S: Scalar>(views: usize, m: usize, p: usize, rng: &mut Rng) -> Views<S> {
    (0..views).map(|_| unit_rows(&gaussian_matrix(m, p, rng).cast())).collect()
}
fn losses(w: usize) -> SimDinoLoss<f64> {
    SimDinoLoss { losses: vec![1.0 / w as f64; w], loss: 0.0, comp: 0.0, expa: 0.0, global_comp: 0.0 }
}
fn is(found: f64, written: &str) {
    let decimals = written.split_once('.').map_or(0, |(_, d)| d.len());
    assert!(
        (found - written.parse::<f64>().unwrap()).abs() <= 0.51 * 10f64.powi(-(decimals as i32)),
        "expected {written}, found {found:.16}"
    );
}

/// The published logs, read through the formulas.
#[test]
fn logged_numbers_are_explained() {
    let range = |m, n, summed| ExpansionRange::new(m, 256, n, summed, 0.05f64).unwrap();
    // 32 processes of 78 rows: the last value before a NaN was 0.0109.
    let r = range(78, 32, false);
    is(r.gamma * r.collapsed, "0.01094252742860236");
    // The recipe: 8 × 64.
    let r = range(64, 8, false);
    is(r.gamma * r.ceiling, "0.449605");
    is(r.share(0.37502), "0.834");
    is(r.share(0.42380), "0.943");
    let r = range(24, 1, false);
    is(r.gamma * r.ceiling, "2.93537");
    is(r.share(2.858), "0.974");
    let r = range(32, 1, false);
    is(r.gamma * r.ceiling, "2.85829");
    is(r.share(2.7359), "0.957");
    let (wide, narrow) = (range(128, 8, false), range(512, 2, false));
    is(wide.gamma * wide.ceiling, "0.55992");
    is(narrow.gamma * narrow.ceiling, "1.49868");
    is(narrow.gamma * narrow.ceiling / (wide.gamma * wide.ceiling), "2.68");
    // One global batch of 512, split in three ways: the same value if summed, a factor 4.0 if not.
    for (m, n, apart) in [(64, 8, "0.4496"), (256, 2, "1.7984"), (512, 1, "2.2834")] {
        let (own, summed) = (range(m, n, false), range(m, n, true));
        is(own.gamma * own.ceiling, apart);
        is(summed.gamma * summed.ceiling, "2.2834");
    }
    is(range(64, 8, false).condition, "641");
    is(Scalar::ln(4096.0f64), "8.317766167");
}

/// Random unit rows lie between collapse and ceiling; both ends are attained.
#[test]
fn expansion_stays_in_its_range() {
    let mut rng = Rng::new(3);
    for (m, p, n, summed) in [(4, 6, 1, false), (6, 4, 3, false), (3, 5, 2, true), (5, 5, 2, true)] {
        let range = ExpansionRange::new(m, p, n, summed, 0.3f64).unwrap();
        let f = settings::<f64>(0.3, n, false, summed);
        for _ in 0..50 {
            let student: Vec<Views<f64>> = (0..n).map(|_| batch(2, m, p, &mut rng)).collect();
            let teacher: Vec<Views<f64>> = (0..n).map(|_| batch(2, m, p, &mut rng)).collect();
            let expa = f.loss(&student, &teacher).unwrap().expa / range.gamma;
            assert!(expa >= range.collapsed * (1.0 - 1e-12) && expa <= range.ceiling * (1.0 + 1e-12), "{expa} in {range:?}");
        }
        let u = unit_rows(&gaussian_matrix(1, p, &mut rng));
        let same: Views<f64> = vec![Matrix::from_fn(m, p, |_, j| u[(0, j)]); 2];
        let collapsed = f.loss(&vec![same.clone(); n], &vec![same; n]).unwrap();
        assert!((collapsed.expa / range.gamma - range.collapsed).abs() < 1e-13 && (collapsed.comp - 1.0).abs() < 1e-14);
    }
    // Tight: orthonormal rows for m ≤ p.
    let rows = orthonormal_frame(6, 4, &mut rng).unwrap().transpose();
    let range = ExpansionRange::new(4, 6, 1, false, 0.3f64).unwrap();
    let out = settings::<f64>(0.3, 1, false, false).loss(&[vec![rows.clone(), rows.clone()]], &[vec![rows.clone(), rows]]).unwrap();
    assert!((out.expa / range.gamma - range.ceiling).abs() < 1e-14 * range.ceiling);
}

/// Collapse is a critical point on the sphere, and the second variation along moves that average to 0 is the brace of the theory.
#[test]
fn collapse_repels_when_the_brace_is_negative() {
    let mut rng = Rng::new(8);
    let (m, p, views, global) = (5, 4, 3, 2);
    let mut signs = [0, 0];
    for mean_expansion in [false, true] {
        for eps2 in [0.05, 0.5, 4.0, 40.0] {
            let brace = Collapse::new(views, global, m, p, 1, mean_expansion, 1.0, eps2).unwrap();
            signs[usize::from(brace.curvature() < 0.0)] += 1;
            let f = settings::<Dd>(eps2, 1, mean_expansion, false);
            let u = Matrix::from_fn(m, p, |_, j| if j == 0 { Dd::ONE } else { Dd::ZERO });
            let collapsed: Views<Dd> = vec![u; views];
            let teacher: Views<Dd> = collapsed[..global].to_vec();
            // A move tangent to the sphere with mean 0 over the batch.
            let mut v = gaussian_matrix(m, p, &mut rng).cast::<Dd>();
            for j in 0..p {
                let mean = (0..m).fold(Dd::ZERO, |s, i| s + v[(i, j)]) / Dd::from_usize(m);
                (0..m).for_each(|i| v[(i, j)] = if j == 0 { Dd::ZERO } else { v[(i, j)] - mean });
            }
            let at = |t: f64| {
                let mut student = collapsed.clone();
                // Along geodesics: row i goes to cos(t|v|) u + sin(t|v|) v/|v|.
                student[0] = Matrix::from_fn(m, p, |i, j| {
                    let norm = Dd::dot(v.row(i), v.row(i)).sqrt();
                    let angle = norm * Dd::from_f64(t);
                    if j == 0 { angle.cos() } else { angle.sin() * v[(i, j)] / norm }
                });
                f.loss(&[student], std::slice::from_ref(&teacher)).unwrap().loss
            };
            let h = 2f64.powi(-20);
            let second = (at(h) + at(-h) - at(0.0) - at(0.0)) / Dd::from_f64(h * h) / v.frobenius_squared();
            let first = (at(h) - at(-h)).value() / h;
            assert!(first.abs() < 1e-15, "critical: {first:e}");
            // Truncation of the second difference is h²/12 of the fourth derivative.
            let error = (second.value() - brace.curvature()).abs();
            assert!(
                error < 1e3 * h * h * (brace.agreement + brace.expansion.abs()),
                "{:e} against {:e}",
                second.value(),
                brace.curvature()
            );
            if mean_expansion {
                assert_eq!(brace.expansion > 0.0, p as f64 > eps2, "repelling only for p > Nε²");
            }
        }
    }
    assert!(signs[0] > 0 && signs[1] > 0, "both outcomes are seen: {signs:?}");
}

/// Sums over N processes of m rows are one process with batch Nm; without sums, N processes are not.
#[test]
fn summed_covariances_do_not_depend_on_the_split() {
    let mut rng = Rng::new(4);
    let (n, m, p) = (3, 4, 5);
    let student: Vec<Views<f64>> = (0..n).map(|_| batch(3, m, p, &mut rng)).collect();
    let teacher: Vec<Views<f64>> = (0..n).map(|_| batch(2, m, p, &mut rng)).collect();
    let joined = |views: &[Views<f64>]| -> Views<f64> {
        (0..views[0].len()).map(|v| Matrix::new(n * m, p, views.iter().flat_map(|w| w[v].data().to_vec()).collect()).unwrap()).collect()
    };
    let (one_s, one_q) = ([joined(&student)], [joined(&teacher)]);
    for mean in [false, true] {
        let (many, one) = (settings::<f64>(0.2, n, mean, true), settings::<f64>(0.2, 1, mean, true));
        let (a, b) = (many.loss(&student, &teacher).unwrap(), one.loss(&one_s, &one_q).unwrap());
        assert!((a.loss - b.loss).abs() < 1e-13 && (a.expa - b.expa).abs() < 1e-13 && (a.comp - b.comp).abs() < 1e-14);
        let apart = settings::<f64>(0.2, n, mean, false).loss(&student, &teacher).unwrap();
        assert!((apart.expa - a.expa).abs() > 0.05, "{} and {}", apart.expa, a.expa);
        // The gradient of the mean loss is that of the joined batch too, row by row.
        let (ga, gb) = (many.vjp(&student, &teacher, &losses(n)).unwrap(), one.vjp(&one_s, &one_q, &losses(1)).unwrap());
        for v in 0..3 {
            for r in 0..n {
                for b in 0..m {
                    for j in 0..p {
                        let (x, y) = (ga.student[r][v][(b, j)], gb.student[0][v][(r * m + b, j)]);
                        assert!((x - y).abs() < 1e-13, "{x} {y}");
                    }
                }
            }
        }
        // What a process gets that treats the others' covariances as constants, averaged: 1/N of the true gradient of the expansion.
        let mut alone = many;
        alone.coeff = 0.0;
        let true_gradient = alone.vjp(&student, &teacher, &losses(n)).unwrap();
        let blocked = alone.vjp(&student, &teacher, &SimDinoLoss { losses: vec![1.0, 0.0, 0.0], ..losses(n) }).unwrap();
        let ratio = blocked.student[0][0][(0, 0)] / n as f64 / true_gradient.student[0][0][(0, 0)];
        assert!((ratio - 1.0 / n as f64).abs() < 1e-12, "{ratio}");
    }
}

/// The cosine loss of unit vectors is the monograph's distance loss less 1.
#[test]
fn the_distance_form_differs_by_one() {
    let mut rng = Rng::new(6);
    let (student, teacher): (Views<f64>, Views<f64>) = (batch(4, 3, 5, &mut rng), batch(2, 3, 5, &mut rng));
    let cosine = settings::<f64>(0.2, 1, false, false);
    let distance = SimDino { agreement: Agreement::Distance, ..cosine };
    let inner = SimDino { agreement: Agreement::Inner, ..cosine };
    let (s, q) = ([student], [teacher]);
    let [a, b, c] = [cosine, distance, inner].map(|f| f.loss(&s, &q).unwrap().loss);
    assert!((a - (b - 1.0)).abs() < 1e-14 && (a - c).abs() < 1e-14, "{a} {b} {c}");
}

#[test]
fn bad_views_are_named() {
    let f = settings::<f64>(0.5, 1, false, false);
    let ok = Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.0, 1.0]]);
    let zero = Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.0, 0.0]]);
    let name = |s: Views<f64>, q: Views<f64>| {
        let e = f.loss(&[s], &[q]).unwrap_err();
        (e.kind(), e.fault().name)
    };
    assert_eq!(name(vec![ok.clone(), zero], vec![ok.clone()]), ("domain", "ZeroRow"));
    assert_eq!(name(vec![ok.clone()], vec![ok.clone()]).0, "shape");
    assert_eq!(name(vec![ok.clone()], vec![ok.clone(), ok.clone()]).0, "shape");
    assert_eq!(name(vec![], vec![]).1, "EmptyInput");
    let other = Matrix::<f64>::from_rows(&[[1.0], [0.0]]);
    assert_eq!(name(vec![ok.clone(), other], vec![ok]).0, "shape");
    assert_eq!(ExpansionRange::new(0, 3, 1, false, 0.5f64).unwrap_err().kind(), "domain");
    assert_eq!(ExpansionRange::new(3, 3, 1, false, 0.0f64).unwrap_err().fault().name, "InvalidDistortion");
}

/// `√Δ` obeys the triangle inequality for sets of one size.
#[test]
fn the_root_of_the_distance_is_a_distance() {
    let mut rng = Rng::new(12);
    let rates = RateReduction::new(Distortion::Eps2(0.5));
    for _ in 0..300 {
        let d = 1 + rng.below(5);
        let [a, b, c] = [0, 1, 2].map(|_| gaussian_matrix(4, d, &mut rng).scale(2f64.powi(rng.below(5) as i32 - 2)));
        let root = |x: &Matrix<f64>, y: &Matrix<f64>| ctrl_distance(x, y, &rates).unwrap().0.max(0.0).sqrt();
        assert!(root(&a, &c) <= root(&a, &b) + root(&b, &c) + 1e-12);
    }
}

/// For a fixed encoder of full row rank the decoder `F⁺` reconstructs every feature: the distances vanish, which is their minimum.
#[test]
fn the_pseudo_inverse_is_the_best_decoder() {
    let mut rng = Rng::new(13);
    let (x, f) = (gaussian_matrix(9, 5, &mut rng), orthonormal_frame(5, 3, &mut rng).unwrap().transpose());
    let labels: Vec<usize> = (0..9).map(|i| i % 3).collect();
    let rates = RateReduction::new(Distortion::Eps2(0.5));
    let at = |g: &Matrix<f64>| ctrl_linear(&x, &f, g, &labels, &rates).unwrap();
    // F has orthonormal rows: its pseudo-inverse is its transpose.
    let best = at(&f.transpose());
    assert!(best.g.data().iter().all(|g| g.abs() < 1e-13), "the decoder's gradient is 0");
    for _ in 0..20 {
        let other = f.transpose().add(&gaussian_matrix(5, 3, &mut rng).scale(0.1)).unwrap();
        assert!(at(&other).value >= best.value);
    }
    let z = x.matmul_t(&f).unwrap();
    let reduction = rate_reduction(&z, &Membership::from_labels(labels).unwrap(), Distortion::Eps2(0.5)).unwrap();
    assert!((best.value - reduction).abs() < 1e-13);
}
