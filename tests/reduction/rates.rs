//! Derivatives two ways, both sides of each source, what the catalog cannot express.

use proptest::prelude::*;
use white_box::coding::{Distortion, coding_rate};
use white_box::linalg::{Matrix, log_det, plus_identity, spd_inverse};
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::reduction::{Membership, Of, RateReduction, conditional_rate, empty_class_slopes, rate_reduction};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

type Dd = DoubleDouble;

/// A membership of one of the kinds: labels, soft weights on the grid of sixteenths, or any weights.
fn membership<S: Scalar>(kind: usize, n: usize, k: usize, rng: &mut Rng) -> Membership<S> {
    match kind {
        0 => Membership::from_labels((0..n).map(|_| rng.below(k)).collect()).unwrap(),
        1 => {
            let mut pi = Matrix::zeros(n, k);
            for i in 0..n {
                for _ in 0..16 {
                    pi[(i, rng.below(k))] += S::from_f64(0.0625);
                }
            }
            Membership::soft(pi).unwrap()
        }
        _ => Membership::unnormalised(Matrix::from_fn(n, k, |_, _| S::from_f64((rng.below(5) as f64) * 0.5 + 0.25))).unwrap(),
    }
}
fn eps2<S: Scalar>(x: f64) -> Distortion<S> {
    Distortion::Eps2(S::from_f64(x))
}

/// The definition, word for word: dense d × d matrices, a log-determinant each.
fn by_definition(z: &Matrix<Dd>, m: &Membership<Dd>, e2: f64) -> (Dd, Dd) {
    let (n, d) = (z.rows(), z.cols());
    let half = Dd::from_f64(0.5);
    let log_det_of = |weight: &dyn Fn(usize) -> Dd| {
        let mass = (0..n).fold(Dd::ZERO, |s, i| s + weight(i));
        if mass == Dd::ZERO {
            return (mass, Dd::ZERO);
        }
        let weighted = Matrix::from_fn(n, d, |i, j| weight(i) * z[(i, j)]);
        let alpha = Dd::from_usize(d) / (mass * Dd::from_f64(e2));
        (mass, log_det(&plus_identity(&z.t_matmul(&weighted).unwrap().scale(alpha)).unwrap()).unwrap())
    };
    let whole = log_det_of(&|_| Dd::ONE).1 * half;
    let classes = (0..m.class_count()).fold(Dd::ZERO, |s, k| {
        let (mass, value) = log_det_of(&|i| m.weight(i, k));
        s + mass / Dd::from_usize(n) * value * half
    });
    (whole, classes)
}
fn near(a: Dd, b: Dd, scale: f64, what: &str) {
    let error = (a - b).value().abs();
    // Both are backward stable chains of at most a few thousand operations: 2⁻¹⁰⁴ · 2¹⁴ of the magnitudes that meet.
    assert!(error <= 2f64.powi(-90) * scale, "{what}: {a:?} and {b:?}, {error:e} apart");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Samples' and features' side, labels and weights, full and empty classes: all give the definition.
    #[test]
    fn every_side_is_the_definition(seed: u64, kind in 0..3usize, n in 1..9usize, d in 1..9usize, k in 1..5usize, log2 in -6..6i32) {
        let mut rng = Rng::new(seed);
        let z = gaussian_matrix(n, d, &mut rng).scale(2f64.powi(log2)).cast::<Dd>();
        let m = membership::<Dd>(kind, n, k, &mut rng);
        let (whole, classes) = by_definition(&z, &m, 0.375);
        let scale = 1.0 + whole.value().abs() + classes.value().abs();
        near(conditional_rate(&z, &m, eps2(0.375)).unwrap(), classes, scale, "R^c");
        near(rate_reduction(&z, &m, eps2(0.375)).unwrap(), whole - classes, scale, "ΔR");
        near(coding_rate(&z, eps2(0.375)).unwrap(), whole, scale, "R");
    }

    /// Gradient, Hessian and third derivative by central differences of the one before, in double-double.
    #[test]
    fn each_derivative_is_that_of_the_one_before(seed: u64, kind in 0..3usize, n in 1..7usize, d in 1..7usize, k in 1..4usize) {
        let mut rng = Rng::new(seed);
        let z = gaussian_matrix(n, d, &mut rng).cast::<Dd>();
        let [v, y] = [0, 1].map(|_| gaussian_matrix(n, d, &mut rng).cast::<Dd>());
        let m = membership::<Dd>(kind, n, k, &mut rng);
        let f = RateReduction::new(eps2::<Dd>(0.75));
        let h = 2f64.powi(-30);
        let moved = |t: f64| z.add(&v.scale(Dd::from_f64(t))).unwrap();
        let slope = |g: &dyn Fn(&Matrix<Dd>) -> Matrix<Dd>| {
            g(&moved(h)).sub(&g(&moved(-h))).unwrap().scale(Dd::from_f64(0.5 / h))
        };
        // Truncation h²/6 of the next derivative but one: these are of the order of powers of α|v| below 10⁴.
        let close = |a: &Matrix<Dd>, b: &Matrix<Dd>, what: &str| {
            let worst = a.sub(b).unwrap().data().iter().fold(0.0f64, |w, x| w.max(x.value().abs()));
            let size = a.data().iter().fold(1.0f64, |w, x| w.max(x.value().abs()));
            assert!(worst <= 1e6 * h * h * size, "{what}: {worst:e} of {size:e}");
        };
        let value = |z: &Matrix<Dd>| Matrix::new(1, 1, vec![f.value(z, &m).unwrap()]).unwrap();
        let gradient = f.gradient(&z, &m).unwrap().z;
        close(&slope(&value), &Matrix::new(1, 1, vec![gradient.dot(&v).unwrap()]).unwrap(), "gradient");
        close(&slope(&|z| f.gradient(z, &m).unwrap().z), &f.hessian(Of::Reduction, &z, &m, &v).unwrap(), "Hessian");
        close(&slope(&|z| f.conditional_gradient(z, &m).unwrap().z), &f.hessian(Of::Conditional, &z, &m, &v).unwrap(), "Hessian of R^c");
        close(&slope(&|z| f.hessian(Of::Reduction, z, &m, &y).unwrap()), &f.third(Of::Reduction, &z, &m, &y, &v).unwrap(), "third");
    }

    /// `−(9α/8) ‖V‖² ≤ ⟨V, H V⟩ ≤ (9α/8) ‖V‖²` for partitions.
    #[test]
    fn the_hessian_is_bounded(seed: u64, kind in 0..2usize, n in 1..8usize, d in 1..8usize, k in 1..4usize, log2 in -4..5i32) {
        let mut rng = Rng::new(seed);
        let z = gaussian_matrix(n, d, &mut rng).scale(2f64.powi(log2));
        let v = gaussian_matrix(n, d, &mut rng);
        let m = membership::<f64>(kind, n, k, &mut rng);
        let alpha = d as f64 / (n as f64 * 0.5);
        let f = RateReduction::new(eps2::<f64>(0.5));
        let form = v.dot(&f.hessian(Of::Reduction, &z, &m, &v).unwrap()).unwrap();
        let conditional = v.dot(&f.hessian(Of::Conditional, &z, &m, &v).unwrap()).unwrap();
        let norm = alpha * v.frobenius_squared() * (1.0 + 1e-12);
        prop_assert!(form.abs() <= 1.125 * norm, "{form} against {norm}");
        prop_assert!(conditional <= norm && conditional >= -0.125 * norm, "{conditional} against {norm}");
    }

    /// A ball around every value and gradient: what f64 and double-double give lies inside, its own rounding apart.
    #[test]
    fn tiny_reductions_keep_their_digits(seed: u64, kind in 0..2usize, n in 2..8usize, d in 1..8usize, k in 1..4usize, log2 in -30..0i32) {
        let mut rng = Rng::new(seed);
        let z = gaussian_matrix(n, d, &mut rng).scale(2f64.powi(log2));
        let (m64, ball) = (membership::<f64>(kind, n, k, &mut rng.clone()), membership::<Ball>(kind, n, k, &mut rng));
        let truth = rate_reduction(&z.cast(), &ball, eps2(0.5)).unwrap();
        let value = rate_reduction(&z, &m64, eps2(0.5)).unwrap();
        // κ ≤ 4 for the fourth power that ΔR is for small Z; the square of u covers classes that agree, where only second-order terms are left.
        let rate = coding_rate(&z, eps2(0.5)).unwrap();
        let allowed = 2f64.powi(-53) * 64.0 * (n * d) as f64 * (truth.magnitude() + 2f64.powi(-53) * rate) + truth.rad();
        prop_assert!((truth - Ball::exact(value)).mignitude() <= allowed, "{value:e} against {truth:?} (R = {rate:e})");
    }
}

#[test]
fn the_duplicate_of_a_row_changes_nothing_to_the_last_bits() {
    let z = Matrix::<f64>::from_rows(&[[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]);
    let m = Membership::from_labels(vec![0, 1, 0, 1]).unwrap();
    let same = Matrix::from_fn(6, 3, |_, j| z[(0, j)]);
    let collapsed = Membership::from_labels(vec![0, 0, 1, 1, 2, 2]).unwrap();
    let value = rate_reduction(&same, &collapsed, eps2::<f64>(0.5)).unwrap();
    assert!((0.0..=1e-30).contains(&value), "equal second moments leave only the square of a rounding error, found {value:e}");
    let (value, gradient) = RateReduction::new(eps2::<f64>(0.5)).value_and_gradient(&z, &m).unwrap();
    assert_eq!(value, rate_reduction(&z, &m, eps2(0.5)).unwrap());
    assert_eq!(gradient.z, RateReduction::new(eps2(0.5)).gradient(&z, &m).unwrap().z);
}

#[test]
fn rotating_the_whole_rotates_the_gradient_in_f64_too() {
    let mut rng = Rng::new(5);
    let (z, q) = (gaussian_matrix(40, 12, &mut rng), haar_orthogonal(12, &mut rng).unwrap());
    let m = membership::<f64>(0, 40, 4, &mut rng);
    let f = RateReduction::new(eps2::<f64>(0.5));
    let turned = f.gradient(&z.matmul(&q).unwrap(), &m).unwrap().z;
    let plain = f.gradient(&z, &m).unwrap().z.matmul(&q).unwrap();
    let worst = turned.sub(&plain).unwrap().data().iter().fold(0.0f64, |w, x| w.max(x.abs()));
    let alpha = 12.0 / 20.0;
    assert!(worst <= 1e3 * f64::UNIT_ROUNDOFF * alpha * z.frobenius_squared().sqrt(), "{worst:e}");
}

/// R^c is homogeneous of degree 1 in a column of Π: its slope towards an empty class is the limit of difference quotients, from one side.
#[test]
fn an_empty_class_has_a_one_sided_slope() {
    let z = Matrix::<Dd>::from_rows(&[[1.0, 2.0], [0.5, -1.0], [3.0, 0.25]]);
    let slopes = empty_class_slopes(&z, eps2::<Dd>(0.5)).unwrap();
    let at = |t: f64, i: usize| {
        let pi = Matrix::from_fn(3, 2, |r, k| {
            if k == 0 {
                Dd::ONE
            } else if r == i {
                Dd::from_f64(t)
            } else {
                Dd::ZERO
            }
        });
        conditional_rate(&z, &Membership::unnormalised(pi).unwrap(), eps2(0.5)).unwrap()
    };
    for i in 0..3 {
        for t in [1.0, 2f64.powi(-20), 2f64.powi(-50)] {
            let quotient = (at(t, i) - at(0.0, i)) / Dd::from_f64(t);
            near(quotient, slopes[i], 2.0 / t, "exactly linear along one sample");
        }
    }
    let pi = Matrix::from_fn(3, 2, |_, k| if k == 0 { 1.0 } else { 0.0 });
    let soft = Membership::soft(pi).unwrap();
    let e = RateReduction::new(eps2::<f64>(0.5)).membership_gradient(&z.cast(), &soft).unwrap_err();
    assert_eq!((e.kind(), e.fault().name), ("domain", "EmptyClass"));
}

/// `zᵀ E z = min_q α‖z − Zᵀq‖² + ‖q‖²`, attained at `q = αW⁻¹Zz`.
#[test]
fn the_expansion_operator_is_the_residual_of_a_ridge_regression() {
    let mut rng = Rng::new(9);
    let (z, x) = (gaussian_matrix(5, 8, &mut rng), gaussian_matrix(1, 8, &mut rng));
    let alpha = 1.25;
    let m = spd_inverse(&plus_identity(&z.gram_cols().scale(alpha)).unwrap()).unwrap();
    let w = spd_inverse(&plus_identity(&z.gram_rows().scale(alpha)).unwrap()).unwrap();
    let form = alpha * x.matmul(&m).unwrap().dot(&x).unwrap();
    let q = x.matmul_t(&z).unwrap().matmul(&w).unwrap().scale(alpha);
    let cost = |q: &Matrix<f64>| alpha * x.sub(&q.matmul(&z).unwrap()).unwrap().frobenius_squared() + q.frobenius_squared();
    assert!((cost(&q) - form).abs() <= 1e-13 * form);
    for _ in 0..20 {
        let other = q.add(&gaussian_matrix(1, 5, &mut rng).scale(1e-3)).unwrap();
        assert!(cost(&other) > cost(&q));
    }
}

#[test]
fn bad_input_is_named() {
    let z = Matrix::<f64>::from_rows(&[[1.0, 2.0], [3.0, 4.0]]);
    let name = |e: white_box::Error| (e.kind(), e.fault().name);
    let labels = |l: &[usize]| Membership::<f64>::from_labels(l.to_vec()).unwrap();
    let fails = |z: &Matrix<f64>, m: &Membership<f64>, e2: f64| name(rate_reduction(z, m, Distortion::Eps2(e2)).unwrap_err());
    for e2 in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(fails(&z, &labels(&[0, 1]), e2), ("domain", "InvalidDistortion"));
    }
    assert_eq!(fails(&Matrix::zeros(0, 3), &labels(&[0]), 1.0), ("shape", "EmptyInput"));
    assert_eq!(fails(&Matrix::zeros(1, 0), &labels(&[0]), 1.0), ("shape", "EmptyInput"));
    assert_eq!(fails(&z, &labels(&[0, 1, 2]), 1.0), ("shape", "ShapeMismatch"));
    assert_eq!(fails(&z.map(|x| x / 0.0), &labels(&[0, 1]), 1.0), ("not-finite", "NonFinite"));
    let pi = |rows: &[[f64; 2]]| Matrix::<f64>::from_rows(rows);
    assert_eq!(name(Membership::soft(pi(&[[1.5, -0.5]])).unwrap_err()), ("domain", "NegativeMembership"));
    assert_eq!(name(Membership::soft(pi(&[[0.5, 0.5], [0.5, 0.25]])).unwrap_err()), ("domain", "NotOnSimplex"));
    assert!(Membership::soft(pi(&[[0.5, 0.5], [0.5, 0.25]])).unwrap_err().to_string().contains("row 1"));
    assert_eq!(name(Membership::unnormalised(pi(&[[0.0, 0.0]])).unwrap_err()), ("domain", "EmptyMembership"));
    assert_eq!(name(Membership::<f64>::labels(vec![0, 3], 3).unwrap_err()), ("domain", "LabelOutOfRange"));
    assert_eq!(name(Membership::<f64>::from_labels(vec![]).unwrap_err()), ("shape", "EmptyMembership"));
    // A label is a name, not a size: no memory for the classes between.
    assert_eq!(rate_reduction(&z, &labels(&[7, usize::MAX - 1]), eps2(1.0)), rate_reduction(&z, &labels(&[0, 1]), eps2(1.0)));
}
