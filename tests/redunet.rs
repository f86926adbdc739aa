//! The room of ReduNet: published numbers to the last digit, the dense network of all shifts, what the catalog cannot express.

use proptest::prelude::*;
use white_box::Error;
use white_box::coding::{Distortion, unit_rows};
use white_box::linalg::Matrix;
use white_box::oracle::{find, verify};
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::reduction::{ClassScale, Membership, RateOperators, RateReduction};
use white_box::redunet::{
    Activation, Assignment, Construction, Lift, Normalisation, Orientation, ReduLayer, ReduNet, ReduNetOptions, Shifts, SubspaceClassifier,
    clear, nearest_neighbours, three_gaussians, update,
};
use white_box::scalar::{DoubleDouble, Scalar};

type Dd = DoubleDouble;

fn options<S: Scalar>(layers: usize, eta: f64, lambda: f64, eps2: f64, assignment: Assignment) -> ReduNetOptions<S> {
    let f = S::from_f64;
    ReduNetOptions { layers, eta: f(eta), lambda: f(lambda), distortion: Distortion::Eps2(f(eps2)), assignment, scale: ClassScale::Samples }
}
fn construct<S: Scalar>(x: &Matrix<S>, labels: &[usize], o: &ReduNetOptions<S>, shifts: Option<Shifts<S>>) -> Construction<S> {
    ReduNet::construct(x, &Membership::from_labels(labels.to_vec()).unwrap(), o, shifts, |_, _, _| Ok(())).unwrap()
}
fn golden<S: Scalar>() -> Matrix<S> {
    Matrix::from_rows(&[[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, -1.0, 2.0], [1.0, 0.0, -1.0]])
}
fn worst<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>) -> f64 {
    a.sub(b).unwrap().data().iter().fold(0.0, |w: f64, x| w.max(x.value().abs()))
}
fn name(e: Error) -> (&'static str, &'static str) {
    (e.kind(), e.fault().name)
}

/// Every entry of the room against enclosures, dual numbers, differences, its laws; with tolerances that are neither exceeded nor loose.
fn verified(ops: &[&str]) {
    let mut failures = Vec::new();
    for op in ops {
        let (one, other) = (verify(find(op).unwrap(), 12, 1), verify(find(op).unwrap(), 8, 7));
        println!("{op}: {:.3} of what outputs may err, {:.3} of what gradients may", one.used, one.gradient_used);
        for (what, used) in [("outputs", one.used), ("gradients", one.gradient_used)] {
            if used > 0.0 && used <= 1.0 / 64.0 {
                failures.push(format!("{op}: {what} use {used} of what is allowed"));
            }
        }
        failures.extend(one.failures.into_iter().chain(other.failures).map(|f| format!("{op}: {f}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
#[test]
fn the_catalog_entries_verify() {
    verified(&["redunet_layer", "redunet_assignment", "redunet_update", "subspace_residuals"]);
}
#[test]
fn the_catalog_entries_of_signals_verify() {
    verified(&["shift_rate", "shift_rate_2d", "shift_operators", "shift_operators_2d", "shift_layer", "shift_layer_2d", "lift", "lift_2d"]);
}

/// Three layers on six samples, in double-double: an independent implementation in f64 printed these digits.
#[test]
fn three_layers_give_the_published_digits() {
    let labels = [0, 0, 1, 1, 2, 2];
    let soft = construct::<Dd>(&golden(), &labels, &options(3, 0.5, 2.0, 0.5, Assignment::Soft), None);
    let oracle = construct::<Dd>(&golden(), &labels, &options(3, 0.5, 2.0, 0.5, Assignment::Oracle), None);
    // Sixteen decimals of an f64 computation of a few hundred operations on numbers below 1.
    let near = |found: Dd, expected: f64| assert!((found.value() - expected).abs() < 64.0 * f64::UNIT_ROUNDOFF, "{found:?} for {expected}");
    for (found, expected) in soft.reductions.iter().zip([0.3651708286476114, 0.3914941759665591]) {
        near(*found, expected);
    }
    near(soft.reductions[3], 0.4622361937858146);
    near(oracle.reductions[3], 0.4899349315357606);
    let rows: [(&Matrix<Dd>, usize, [f64; 3]); 3] = [
        (&soft.z, 0, [0.3116505480898555, 0.9425089556054342, 0.12062671544416]),
        (&soft.z, 3, [0.6728414799664022, 0.4841158431372592, 0.5593891250821044]),
        (&oracle.z, 0, [0.2880118835715714, 0.951891885327001, 0.1046469950364721]),
    ];
    for (z, i, expected) in rows {
        z.row(i).iter().zip(expected).for_each(|(&found, expected)| near(found, expected));
    }
    // The stored network sends the training samples where they went.
    assert_eq!(soft.net.transform(&golden()).unwrap(), soft.z);
}

/// Three clouds on the sphere become three orthogonal directions; with a step beyond the bound ΔR rises and falls.
#[test]
fn three_clouds_become_three_directions() {
    let run = |m: usize, eps2: f64, layers: usize, assignment| {
        let (x, labels) = three_gaussians(m, 0.0);
        construct::<f64>(&x, &labels, &options(layers, 0.5, 200.0, eps2, assignment), None)
    };
    let rises = |c: &Construction<f64>| c.reductions.windows(2).all(|w| w[1] >= w[0] - 1e-13);
    // The ascent contracts: rounding errors of earlier layers die out, those of the last few are of the order of its 60 to 1,500 terms.
    let near =
        |found: f64, expected: f64, what: &str| assert!((found - expected).abs() < 1e-9 * expected, "{what}: {found} for {expected}");
    let first = run(20, 0.1, 200, Assignment::Soft);
    assert!(rises(&first) && 0.5 <= 8.0 * 60.0 * 0.1 / 27.0);
    near(first.reductions[0], 1.633269592443102, "start");
    near(first.reductions[200], 1.8798493069299274, "end");
    near(run(20, 0.1, 200, Assignment::Oracle).reductions[200], first.reductions[200], "oracle");
    near(run(20, 0.1, 2000, Assignment::Soft).reductions[2000], 1.8798493069549822, "2000 layers");
    let cosine = |z: &Matrix<f64>, labels: &[usize]| {
        let g = z.gram_rows();
        let pairs = (0..z.rows()).flat_map(|i| (0..i).map(move |j| (i, j)));
        pairs.filter(|&(i, j)| labels[i] != labels[j]).fold(0.0f64, |w, (i, j)| w.max(g[(i, j)].abs()))
    };
    let (test, labels) = three_gaussians(20, 7.0);
    assert!(cosine(&first.z, &labels) < 6.6e-6, "{}", cosine(&first.z, &labels));
    assert!(cosine(&first.net.transform(&test).unwrap(), &labels) < 6.6e-6);
    assert_eq!(first.net.guess(&test).unwrap(), labels);
    // η = 0.5 is above 8nε²/(9d) = 0.178: ΔR does not only rise, and stays below the optimum 4.069.
    let broken = run(20, 0.01, 200, Assignment::Soft);
    near(broken.reductions[0], 2.7248798680642174, "start at the small distortion");
    assert!(!rises(&broken) && broken.reductions[200] < 3.9, "{}", broken.reductions[200]);
    let many = run(500, 0.01, 300, Assignment::Soft);
    near(many.reductions[0], 2.6841566284129783, "start of 1500");
    near(many.reductions[300], 4.06911863882998, "end of 1500");
    assert!(rises(&many));
}

/// All shifts of each row of n × C·H·W.
fn orbit(v: &Matrix<Dd>, [c, h, w]: [usize; 3]) -> Matrix<Dd> {
    let t = h * w;
    Matrix::from_fn(v.rows() * t, c * t, |row, k| {
        let (i, s) = (row / t, row % t);
        let (channel, y, x) = (k / t, k / w % h, k % w);
        v[(i, (channel * h + (y + h - s / w) % h) * w + (x + w - s % w) % w)]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Several layers of the network in frequency are those of the dense network built from all shifts, in one and two dimensions.
    #[test]
    fn the_network_in_frequency_is_the_dense_network_of_all_shifts(
        seed: u64, n in 2..4usize, c in 1..3usize, h in 1..4usize, w in 2..5usize, oracle: bool,
    ) {
        let (shape, t) = ([c, h, w], h * w);
        let v = gaussian_matrix(n, c * t, &mut Rng::new(seed)).cast::<Dd>();
        let labels: Vec<usize> = (0..n).map(|i| i % 2).collect();
        let every: Vec<usize> = labels.iter().flat_map(|&l| std::iter::repeat_n(l, t)).collect();
        let o = options(3, 0.25, 2.0, 0.5, if oracle { Assignment::Oracle } else { Assignment::Soft });
        let shifts = Shifts::new(c, h, w, Normalisation::Exact).unwrap();
        let fast = construct(&v, &labels, &o, Some(shifts.clone()));
        let dense = construct(&orbit(&v, shape), &every, &o, None);
        // Double-double, a few thousand operations a number and layer, on numbers below 1.
        let allowed = 2f64.powi(-106) * 1e5 * (n * c * t) as f64;
        let back = shifts.signals(&fast.z).unwrap();
        let error = worst(&orbit(&back, shape), &dense.z);
        prop_assert!(error <= allowed, "{error:e} above {allowed:e}");
        for (a, b) in fast.reductions.iter().zip(&dense.reductions) {
            prop_assert!((*a * Dd::from_usize(t) - *b).value().abs() <= allowed * 10.0, "{a:?} · {t} and {b:?}");
        }
    }

    /// The official code's normalisation at (ε², η, λ) is the exact one at (Tε², Tη, Tλ).
    #[test]
    fn the_official_normalisation_is_a_change_of_units(seed: u64, n in 2..4usize, c in 1..3usize, w in 2..7usize) {
        let v = gaussian_matrix(n, c * w, &mut Rng::new(seed)).cast::<Dd>();
        let (labels, t) = ((0..n).map(|i| i % 2).collect::<Vec<_>>(), w as f64);
        let plan = |normalisation| Some(Shifts::new(c, 1, w, normalisation).unwrap());
        let code = construct(&v, &labels, &options(3, 0.125, 1.5, 0.25, Assignment::Soft), plan(Normalisation::Orthonormal));
        let exact = options(3, 0.125 * t, 1.5 * t, 0.25 * t, Assignment::Soft);
        let exact = construct(&v, &labels, &exact, plan(Normalisation::Exact));
        let allowed = 2f64.powi(-106) * 1e6 * (n * c * w) as f64;
        prop_assert!(worst(&code.z, &exact.z) <= allowed);
        prop_assert!((code.reductions[3] - exact.reductions[3]).value().abs() <= allowed);
        // Without the factor the numbers are others.
        let naive = construct(&v, &labels, &options(3, 0.125, 1.5, 0.25, Assignment::Soft), plan(Normalisation::Exact));
        prop_assert!(worst(&code.z, &naive.z) > 1e-6);
    }

    /// At its own samples and memberships a layer's increment is ∂ΔR/∂Z; steps within 8nε²/(9d) never lose.
    #[test]
    fn the_oracle_network_climbs(seed: u64, n in 3..12usize, d in 1..6usize, at in 0.05..1.0f64) {
        let mut rng = Rng::new(seed);
        let (x, labels): (Matrix<f64>, Vec<usize>) = (gaussian_matrix(n, d, &mut rng), (0..n).map(|i| i % 3).collect());
        let m = Membership::from_labels(labels.clone()).unwrap();
        let z = unit_rows(&x).unwrap().0;
        let operators = RateOperators::new(&z, &m, Distortion::Eps2(0.5), ClassScale::Samples).unwrap();
        let gradient = RateReduction::new(Distortion::Eps2(0.5)).gradient(&z, &m).unwrap().z;
        let alpha = d as f64 / (n as f64 * 0.5);
        prop_assert!(worst(&operators.increment(&z, &m).unwrap(), &gradient) <= 1e3 * f64::UNIT_ROUNDOFF * alpha * (d + 1) as f64);
        let eta = at * 8.0 / (9.0 * alpha);
        let c = construct(&x, &labels, &options(6, eta, 1.0, 0.5, Assignment::Oracle), None);
        for w in c.reductions.windows(2) {
            prop_assert!(w[1] >= w[0] - 1e3 * f64::UNIT_ROUNDOFF * (d as f64), "{:?}", c.reductions);
        }
    }

    /// Building on rotated features gives the rotated network. Repeating every sample halves α, and with it E and every C_k: step and sharpness must
    /// be doubled for the same network.
    #[test]
    fn building_commutes_with_rotation_and_repetition(seed: u64, n in 3..8usize, d in 1..6usize) {
        let mut rng = Rng::new(seed);
        let (x, q) = (gaussian_matrix(n, d, &mut rng).cast::<Dd>(), haar_orthogonal(d, &mut rng).unwrap());
        // Orthogonal to f64 only: one step of Newton makes it so in double-double.
        let q = q.cast::<Dd>();
        let q = q.scale(Dd::from_f64(1.5)).sub(&q.matmul(&q.gram_cols()).unwrap().scale(Dd::from_f64(0.5))).unwrap();
        let labels: Vec<usize> = (0..n).map(|i| i % 2).collect();
        let o = options(3, 0.25, 2.0, 0.5, Assignment::Soft);
        let plain = construct(&x, &labels, &o, None);
        let turned = construct(&x.matmul(&q).unwrap(), &labels, &o, None);
        prop_assert!(worst(&turned.z, &plain.z.matmul(&q).unwrap()) <= 2f64.powi(-90));
        let twice: Vec<usize> = (0..2 * n).map(|i| i / 2).collect();
        let every: Vec<usize> = twice.iter().map(|&i| labels[i]).collect();
        let repeated = |eta, lambda| construct(&x.select_rows(&twice).unwrap(), &every, &options(3, eta, lambda, 0.5, Assignment::Soft), None);
        let again = repeated(0.5, 4.0);
        let error = worst(&again.z, &plain.z.select_rows(&twice).unwrap());
        prop_assert!(error <= 2f64.powi(-90), "{error:e}");
        prop_assert!(d == 1 || worst(&repeated(0.25, 2.0).z, &plain.z.select_rows(&twice).unwrap()) > 1e-9);
    }
}

#[test]
fn the_assignment_of_a_sharp_layer_is_the_class() {
    let (x, labels) = three_gaussians(12, 0.0);
    let m = Membership::from_labels(labels.clone()).unwrap();
    let operators = RateOperators::new(&x, &m, Distortion::Eps2(0.1), ClassScale::Samples).unwrap();
    let layer = |lambda: f64| ReduLayer { blocks: vec![operators.clone()], eta: 0.5, lambda };
    let truth = layer(1.0).apply_with(&x, &m).unwrap();
    let apart = [1.0, 10.0, 100.0, 1000.0].map(|lambda| worst(&layer(lambda).apply(&x).unwrap(), &truth));
    assert!(apart.windows(2).all(|w| w[1] <= w[0]) && apart[1] < 1e-6 && apart[3] <= 4.0 * f64::UNIT_ROUNDOFF, "{apart:?}");
    // The apply of blocks of rows is the forward of all.
    assert_eq!(layer(2.0).apply(&x).unwrap(), layer(2.0).forward(&x).unwrap().output);
    assert_eq!(layer(2.0).assignment(&x).unwrap(), layer(2.0).forward(&x).unwrap().assignment);
}

#[test]
fn moving_averages_move() {
    let labels = [0, 0, 1, 1, 2, 2];
    let m = Membership::from_labels(labels.to_vec()).unwrap();
    let built = construct::<f64>(&golden(), &labels, &options(3, 0.5, 2.0, 0.5, Assignment::Soft), None);
    let other = golden::<f64>().map(|x: f64| x + 0.25);
    let (distortion, scale) = (Distortion::Eps2(0.5), ClassScale::Samples);
    let mut net = built.net.clone();
    update(&mut net, &other, &m, distortion, scale, 0.0).unwrap();
    assert_eq!(net.layers, built.net.layers);
    update(&mut net, &other, &m, distortion, scale, 1.0).unwrap();
    let anew = construct(&other, &labels, &options(3, 0.5, 2.0, 0.5, Assignment::Soft), None).net;
    for (a, b) in net.layers.iter().zip(&anew.layers) {
        // e + 1·(new − e) is new up to two roundings; later layers see the difference again.
        assert!(worst(&a.blocks[0].e, &b.blocks[0].e) < 1e-13);
    }
    let mut half = built.net.clone();
    update(&mut half, &other, &m, distortion, scale, 0.5).unwrap();
    let mean = built.net.layers[0].blocks[0].e.add(&anew.layers[0].blocks[0].e).unwrap().scale(0.5);
    assert!(worst(&half.layers[0].blocks[0].e, &mean) < 1e-15);
    let before = half.layers.clone();
    assert_eq!(name(update(&mut half, &other, &m, distortion, scale, 1.5).unwrap_err()).0, "domain");
    assert_eq!(half.layers, before, "a refused update changes nothing");
    clear(&mut half);
    let unit = unit_rows(&golden::<f64>()).unwrap().0;
    assert!(worst(&half.transform(&golden()).unwrap(), &unit) <= 4.0 * f64::UNIT_ROUNDOFF);
}

#[test]
fn predictions_do_not_see_shifts() {
    let (n, c, h, w) = (12, 2, 4, 4);
    let mut rng = Rng::new(3);
    let v = gaussian_matrix(n, c * h * w, &mut rng);
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let shifts = Shifts::new(c, h, w, Normalisation::Exact).unwrap();
    let built = construct(&v, &labels, &options(4, 0.25, 4.0, 0.5, Assignment::Soft), Some(shifts.clone()));
    let classifier = SubspaceClassifier { bases: shifts.subspaces(&built.z, &labels, 3, 5).unwrap(), means: None };
    for basis in &classifier.bases {
        assert!(worst(&basis.gram_cols(), &Matrix::identity(basis.cols())) < 1e-13);
    }
    let test = gaussian_matrix(5, c * h * w, &mut rng);
    let plain = built.net.transform(&test).unwrap();
    for s in 1..h * w {
        let moved = Matrix::from_fn(5, c * h * w, |i, k| {
            let (channel, y, x) = (k / (h * w), k / w % h, k % w);
            test[(i, (channel * h + (y + h - s / w) % h) * w + (x + w - s % w) % w)]
        });
        let z = built.net.transform(&moved).unwrap();
        assert!(worst(&built.net.assignment(&moved).unwrap(), &built.net.assignment(&test).unwrap()) < 1e-12);
        assert!(worst(&classifier.residuals(&z).unwrap(), &classifier.residuals(&plain).unwrap()) < 1e-12);
    }
}

#[test]
fn the_coordinates_are_orthonormal_and_come_back() {
    for (c, h, w) in [(1, 1, 1), (2, 1, 6), (1, 3, 5), (3, 4, 2), (1, 8, 8)] {
        let shifts = Shifts::<f64>::new(c, h, w, Normalisation::Exact).unwrap();
        let v = gaussian_matrix(4, c * h * w, &mut Rng::new(7));
        let z = shifts.spectrum(&v).unwrap();
        assert!(worst(&z.gram_rows(), &v.gram_rows()) < 1e-13 * (c * h * w) as f64);
        assert!(worst(&shifts.signals(&z).unwrap(), &v) < 1e-14);
    }
    assert_eq!(name(Shifts::<f64>::new(1, 0, 4, Normalisation::Exact).unwrap_err()), ("shape", "EmptyInput"));
    let shifts = Shifts::<f64>::new(1, 1, 4, Normalisation::Exact).unwrap();
    assert_eq!(name(shifts.spectrum(&Matrix::zeros(2, 5)).unwrap_err()), ("shape", "ShapeMismatch"));
    assert_eq!(name(shifts.spectrum(&Matrix::from_rows(&[[f64::NAN, 0.0, 0.0, 0.0]])).unwrap_err()).0, "not-finite");
}

/// Without a nonlinearity the lifted orbit of any signal has rank at most T, whatever the number of kernels; with one it has more.
#[test]
fn lifting_needs_a_nonlinearity() {
    let mut rng = Rng::new(11);
    let (t, outputs) = (6, 4);
    let lift = |activation| Lift {
        kernels: gaussian_matrix(outputs, 3, &mut Rng::new(5)),
        signal: [1, 1, t],
        extent: [1, 3],
        stride: [1, 1],
        orientation: Orientation::Convolution,
        activation,
    };
    let x = gaussian_matrix(20, t, &mut rng);
    let rank = |activation| {
        let y = lift(activation).forward(&x).unwrap();
        let s = white_box::linalg::Svd::new(&y).unwrap().sigma;
        s.iter().filter(|&&s| s > 1e-10 * s_max(&s_of(&y))).count()
    };
    fn s_of(y: &Matrix<f64>) -> Vec<f64> {
        white_box::linalg::Svd::new(y).unwrap().sigma
    }
    fn s_max(s: &[f64]) -> f64 {
        s[0]
    }
    assert_eq!(rank(Activation::Identity), t);
    assert!(rank(Activation::Relu) > t);
    // A stride keeps only the shifts that are multiples of it.
    let strided = Lift { stride: [1, 2], ..lift(Activation::Relu) };
    let y = strided.forward(&x).unwrap();
    assert_eq!(y.shape(), [20, outputs * 3]);
    let moved = |by: usize| Matrix::from_fn(20, t, |i, j| x[(i, (j + t - by) % t)]);
    let whole = strided.forward(&moved(2)).unwrap();
    let expected = Matrix::from_fn(20, outputs * 3, |i, k| y[(i, k / 3 * 3 + (k % 3 + 2) % 3)]);
    assert_eq!(whole, expected);
    assert_ne!(strided.forward(&moved(1)).unwrap(), expected);
    let bad = Lift { stride: [0, 1], ..lift(Activation::Relu) };
    assert_eq!(name(bad.forward(&x).unwrap_err()), ("shape", "EmptyInput"));
    assert_eq!(name(lift(Activation::SoftThreshold(-1.0)).forward(&x).unwrap_err()).0, "domain");
}

#[test]
fn classifiers_refuse_what_they_cannot_do() {
    let z = golden::<f64>();
    let labels = [0, 0, 1, 1, 2, 2];
    let fit = |labels: &[usize], k, rank| SubspaceClassifier::fit(&z, labels, k, rank, false);
    assert_eq!(fit(&labels, 3, 1).unwrap().predict(&z).unwrap().len(), 6);
    assert_eq!(name(fit(&labels, 4, 1).unwrap_err()), ("domain", "EmptyClass"));
    for rank in [0, 3, 9] {
        assert_eq!(name(fit(&labels, 3, rank).unwrap_err()).0, "domain");
    }
    assert_eq!(name(fit(&labels[..5], 3, 1).unwrap_err()).0, "shape");
    // Two samples of the same class and one of another vote; on a tie the lowest label wins.
    let train = Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]);
    let query = Matrix::from_rows(&[[1.0, 0.2], [0.0, 1.0]]);
    assert_eq!(nearest_neighbours(&train, &[7, 7, 3], &query, 1, false).unwrap(), [7, 3]);
    assert_eq!(nearest_neighbours(&train, &[7, 7, 3], &query, 3, false).unwrap(), [7, 7]);
    assert_eq!(nearest_neighbours(&train, &[7, 5, 3], &query, 3, false).unwrap(), [3, 3]);
    assert_eq!(nearest_neighbours(&train, &[7, 5, 3], &train, 1, true).unwrap()[0], 5);
    assert_eq!(name(nearest_neighbours(&train, &[7, 5, 3], &query, 4, false).unwrap_err()).0, "domain");
}

#[test]
fn bad_networks_are_named() {
    let o = options::<f64>(1, 0.5, 2.0, 0.5, Assignment::Soft);
    let build = |x: &Matrix<f64>, labels: &[usize], k: usize, o: &ReduNetOptions<f64>| {
        ReduNet::construct(x, &Membership::labels(labels.to_vec(), k).unwrap(), o, None, |_, _, _| Ok(())).map(|_| ()).map_err(name)
    };
    let z = golden();
    assert_eq!(build(&z, &[0, 0, 1, 1, 2, 2], 4, &o), Err(("domain", "EmptyClass")));
    assert_eq!(build(&Matrix::zeros(6, 3), &[0, 0, 1, 1, 2, 2], 3, &o), Err(("domain", "ZeroRow")));
    assert_eq!(build(&z, &[0, 1], 2, &o).unwrap_err().0, "shape");
    assert_eq!(build(&z, &[0, 0, 1, 1, 2, 2], 3, &ReduNetOptions { lambda: -1.0, ..o }).unwrap_err().0, "domain");
    let e = construct(&z, &[0, 0, 1, 1, 2, 2], &o, None).net.transform(&Matrix::zeros(1, 4)).unwrap_err();
    assert!(["shape", "domain"].contains(&name(e).0));
    let stop = ReduNet::construct(&z, &Membership::from_labels(vec![0, 0, 1, 1, 2, 2]).unwrap(), &o, None, |_, _, _| {
        Err(Error::usage("each", "to go on", "a wish to stop"))
    });
    assert_eq!(name(stop.unwrap_err()).0, "usage");
}
