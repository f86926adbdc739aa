use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, orthonormal, symmetric, symmetric_zoo, with_spectrum};
use crate::measure::{Worst, defect, distance, norm};
use white_box::linalg::{Eigen, Matrix, check_symmetric, enclose_eigenvalues};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(10, S::NAME);
    let (mut whole, mut orthogonal) = (Worst::of("eigen residual"), Worst::of("eigen orthogonality"));
    for n in [1, 2, 3, 5, 8, 16, 24] {
        for (name, a) in symmetric_zoo::<S>(n, &mut rng) {
            let eigen = Eigen::new(&a).unwrap();
            let unit = n as f64 * S::UNIT_ROUNDOFF;
            let v: Matrix<Ball> = eigen.vectors.cast();
            let scaled = Matrix::from_fn(n, n, |i, j| v[(i, j)] * eigen.values[j].to_ball());
            whole.see(distance(&scaled.matmul_t(&v).unwrap(), &a), 20.0 * unit * norm(&a), (name, n));
            orthogonal.see(defect(&eigen.vectors), 40.0 * unit, (name, n));
            assert!(eigen.values.windows(2).all(|w| (w[0] - w[1]).value() >= 0.0), "{name}: descending");
            for j in 0..n {
                let column = eigen.vectors.col(j);
                let largest = column.iter().fold(0.0f64, |m, x| m.max(x.value().abs()));
                let first = column.iter().find(|x| x.value().abs() == largest).unwrap();
                assert!(first.value() > 0.0, "{name}: canonical sign");
            }
            assert_eq!(eigen.compose(&eigen.values).unwrap(), eigen.compose(&eigen.values).unwrap().transpose());
        }
    }
    whole.check(64.0);
    orthogonal.check(64.0);
}
#[test]
fn factors_reproduce_the_matrix() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
}

/// Eigenvalues of positive definite matrices keep relative accuracy under bad scaling (Demmel & Veselić): f64 against enclosures.
#[test]
fn scaling_does_not_cost_relative_accuracy() {
    let mut rng = Rng::new(11);
    let mut worst = Worst::of("graded eigenvalues");
    for n in [2, 6, 12] {
        for _ in 0..5 {
            let b: Matrix<f64> = gaussian(n, 2 * n, &mut rng);
            let scale: Vec<f64> = (0..n).map(|_| 10f64.powf(6.0 * rng.uniform() - 3.0)).collect();
            let a = Matrix::from_fn(n, 2 * n, |i, j| b[(i, j)] * scale[i]).gram_rows();
            let unit = Matrix::from_fn(n, n, |i, j| a[(i, j)] / (a[(i, i)] * a[(j, j)]).sqrt());
            let spectrum = Eigen::new(&unit).unwrap().values;
            let condition = spectrum[0] / spectrum[n - 1];
            let exact = enclose_eigenvalues(&a.cast()).unwrap();
            for (x, y) in Eigen::new(&a).unwrap().values.iter().zip(exact) {
                assert!(y.digits() > 18.0, "the reference itself");
                worst.see((x.to_ball() - y).magnitude(), 8.0 * n as f64 * f64::UNIT_ROUNDOFF * condition * x, n);
            }
        }
    }
    worst.check(64.0);
}

/// `2 − 2cos(kπ/(n+1))`, Hilbert's matrix, `aI + b11ᵀ`, exchanges.
fn closed_forms<S: Scalar>(tolerance: f64) {
    let close = |found: &[S], exact: &[Ball], size: f64, what: &str| {
        for (x, y) in found.iter().zip(exact) {
            assert!((x.to_ball() - *y).mignitude() <= tolerance * size, "{what}: {x:?} and {y:?}");
        }
    };
    let n = 7;
    let tridiagonal = Matrix::<S>::from_fn(n, n, |i, j| S::from_f64([2.0, -1.0, 0.0][i.abs_diff(j).min(2)]));
    let two = Ball::from_f64(2.0);
    let exact: Vec<Ball> =
        (1..=n).rev().map(|k| two - two * Scalar::cos(Ball::pi() * Ball::from_usize(k) / Ball::from_usize(n + 1))).collect();
    close(&Eigen::new(&tridiagonal).unwrap().values, &exact, 4.0, "tridiagonal");

    let hilbert = Matrix::<S>::from_fn(3, 3, |i, j| S::ONE / S::from_usize(i + j + 1));
    let digits = ["1.4083189271236539575374891694", "0.12232706585390584656480114262", "0.0026873403557735292310430212762"];
    let exact: Vec<Ball> = digits.iter().map(|d| Ball::new(DoubleDouble::parse(d).unwrap(), 1e-28)).collect();
    // The entries 1/3, 1/5 are rounded: each eigenvalue moves by at most u‖A‖ more.
    close(&Eigen::new(&hilbert).unwrap().values, &exact, 2.0, "Hilbert");

    let flat = Matrix::<S>::from_fn(5, 5, |i, j| S::from_f64(if i == j { 3.0 } else { 0.5 }));
    let exact: Vec<Ball> = [5.0, 2.5, 2.5, 2.5, 2.5].map(Ball::from_f64).to_vec();
    close(&Eigen::new(&flat).unwrap().values, &exact, 5.0, "aI + b11ᵀ");

    let exchanges = Matrix::<S>::from_fn(6, 6, |i, j| if i ^ 1 == j { S::ONE } else { S::ZERO });
    let exact: Vec<Ball> = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0].map(Ball::from_f64).to_vec();
    close(&Eigen::new(&exchanges).unwrap().values, &exact, 1.0, "exchanges");
}
#[test]
fn closed_forms_come_out() {
    closed_forms::<f32>(8.0 * f32::UNIT_ROUNDOFF);
    closed_forms::<f64>(8.0 * f64::UNIT_ROUNDOFF);
    closed_forms::<DoubleDouble>(8.0 * DoubleDouble::UNIT_ROUNDOFF);
    closed_forms::<Ball>(0.0);
    closed_forms::<Dual<f64>>(8.0 * f64::UNIT_ROUNDOFF);
}

/// Weyl; Hoffman & Wielandt; Ky Fan; Davis & Kahan in the form of Yu, Wang & Samworth (2015): inequalities between exact spectra, held by the
/// ends of enclosures.
#[test]
fn perturbation_laws_hold() {
    let mut rng = Rng::new(12);
    for n in [2, 5, 9] {
        for size in [1e-6, 1e-2, 1.0] {
            let a: Matrix<f64> = symmetric(n, &mut rng);
            let e: Matrix<f64> = symmetric::<f64>(n, &mut rng).scale(size);
            let (a, e): (Matrix<Ball>, Matrix<Ball>) = (a.cast(), e.cast());
            let (x, y) = (Eigen::new(&a).unwrap(), Eigen::new(&a.add(&e).unwrap()).unwrap());
            let moves: Vec<Ball> = x.values.iter().zip(&y.values).map(|(&x, &y)| y - x).collect();
            let of_e = enclose_eigenvalues(&e).unwrap();
            let spectral = of_e[0].magnitude().max(of_e[n - 1].magnitude());
            assert!(moves.iter().all(|m| m.mignitude() <= spectral), "Weyl");
            let squares = moves.iter().fold(Ball::ZERO, |sum, m| sum + Scalar::square(*m));
            assert!(squares.lower() <= e.frobenius_squared().upper(), "Hoffman and Wielandt");

            let k = n / 2;
            let (u, w) = (x.vectors.select_cols(0, k).unwrap(), y.vectors.select_cols(0, k).unwrap());
            // ‖sin Θ‖_F² = k − ‖UᵀW‖_F².
            let sine_squared = Ball::from_usize(k) - u.t_matmul(&w).unwrap().frobenius_squared();
            let bound = ((k as f64).sqrt() * spectral).min(norm(&e)) * 2.0 / (x.values[k - 1] - x.values[k]).lower();
            assert!(sine_squared.lower() <= bound * bound * (1.0 + 1e-12), "Davis and Kahan");

            let q: Matrix<Ball> = orthonormal::<f64>(n, k, &mut rng).cast();
            let captured = q.t_matmul(&a.matmul(&q).unwrap()).unwrap().trace();
            let leading = x.values[..k].iter().fold(Ball::ZERO, |sum, &x| sum + x);
            // q is orthonormal to n u only.
            assert!(captured.lower() <= leading.upper() + 4.0 * (n * n) as f64 * f64::UNIT_ROUNDOFF * norm(&a), "Ky Fan");
        }
    }
}

#[test]
fn enclosures_hold_and_are_tight() {
    let mut rng = Rng::new(13);
    for n in [1, 2, 6, 15] {
        // The spectrum is known up to the rounding of A to double-double.
        let spectrum: Vec<f64> = (0..n).map(|i| 5.0 - i as f64).collect();
        let a: Matrix<Double> = with_spectrum(&spectrum, &mut rng);
        let enclosed = Eigen::new(&a.cast::<Ball>()).unwrap();
        for (x, &exact) in enclosed.values.iter().zip(&spectrum) {
            assert!(x.widen(64.0 * n as f64 * Double::UNIT_ROUNDOFF * norm(&a)).contains(exact) && x.rad() < 1e-28, "{x:?} {exact}");
        }
        let plain = Eigen::new(&a).unwrap();
        assert!(enclosed.vectors.radius() < 1e-26);
        assert!(distance(&enclosed.vectors, &plain.vectors) < 1e-26, "the same signs and vectors");
        // Wide balls.
        let wide = Eigen::new(&a.map(|x| x.to_ball().widen(1e-6))).unwrap();
        for _ in 0..10 {
            let noise: Matrix<Double> = symmetric::<Double>(n, &mut rng).map(|x| Double::from_f64(1e-6 * (x.value() - x.value().floor())));
            let inside = Eigen::new(&a.add(&noise).unwrap().cast::<Ball>()).unwrap();
            assert!(inside.values.iter().zip(&wide.values).all(|(x, y)| y.overlaps(x)));
            assert!(inside.vectors.data().iter().zip(wide.vectors.data()).all(|(x, y)| y.overlaps(x)));
        }
        assert!(wide.values.iter().all(|x| x.rad() < 1e-4) && wide.vectors.radius() < 1e-3);
    }
    // Where eigenvalues meet, vectors are not told, and eigenvalues still are.
    let tied = Eigen::new(&Matrix::<Ball>::identity(3)).unwrap();
    assert!(tied.values.iter().all(|x| x.contains(1.0) && x.rad() == 0.0) && tied.vectors.data().iter().all(|x| x.rad() >= 1.0));
    assert_eq!(enclose_eigenvalues(&Matrix::<Ball>::zeros(0, 0)).unwrap(), vec![]);
    // The first vector is (1, −1)/√2: on a tie of magnitudes the first decides, but balls cannot see the tie.
    let antisymmetric = Eigen::new(&Matrix::<Ball>::from_rows(&[[1.0, -0.25], [-0.25, 1.0]])).unwrap();
    let root = Scalar::sqrt(Ball::from_f64(0.5));
    assert!(antisymmetric.vectors[(0, 0)].overlaps(&root) && antisymmetric.vectors[(1, 0)].overlaps(&-root));
    assert!(antisymmetric.vectors[(0, 1)].rad() < 1e-30 && antisymmetric.vectors[(1, 1)].overlaps(&root));
}

struct All;
impl Differentiable for All {
    const NAME: &'static str = "eigen";
    const SYMMETRIC: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        let Eigen { values, vectors } = Eigen::new(a).unwrap();
        [values, vectors.into_data()].concat()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let n = a.rows();
        let (values, vectors) = cotangent.split_at(n);
        Eigen::new(a).unwrap().vjp(values, Some(&Matrix::new(n, n, vectors.to_vec()).unwrap())).unwrap()
    }
}
#[test]
fn derivatives_agree() {
    let mut rng = Rng::new(14);
    for n in [1, 2, 4, 8] {
        let spectrum: Vec<f64> = (0..n).map(|i| 2.0 - i as f64 * 0.75).collect();
        derivatives::check(&All, &with_spectrum(&spectrum, &mut rng), 2.0 * n as f64, &mut rng);
    }
}

/// At a tie the eigenvalues of a dual number still move by the diagonal of `VᵀdAV`; symmetric functions of them are right, vectors have no derivative.
#[test]
fn ties_in_dual_numbers() {
    let direction = [[0.5f64, 2.0, 1.0], [2.0, -1.0, 3.0], [1.0, 3.0, 4.0]];
    let a = Matrix::from_fn(3, 3, |i, j| Dual::new(if i == j { [2.0, 2.0, 1.0][i] } else { 0.0 }, direction[i][j]));
    let eigen = Eigen::new(&a).unwrap();
    assert_eq!(eigen.values.iter().map(|x| x.tangent).collect::<Vec<_>>(), [0.5, -1.0, 4.0]);
    assert!(eigen.vectors[(1, 0)].tangent.is_nan() && eigen.vectors[(0, 0)].value == 1.0);
    let squares = eigen.values.iter().fold(Dual::constant(0.0), |sum, &x| sum + x * x);
    assert_eq!(squares.tangent, 2.0 * (2.0 * 0.5 - 2.0 + 4.0));
}

#[test]
fn errors_say_what() {
    assert_eq!(Eigen::new(&Matrix::<f64>::zeros(2, 3)).unwrap_err().kind(), "shape");
    assert_eq!(Eigen::new(&Matrix::<f64>::from_rows(&[[f64::INFINITY]])).unwrap_err().kind(), "not-finite");
    let eigen = Eigen::new(&Matrix::<f64>::identity(2)).unwrap();
    assert!(eigen.vjp(&[1.0, 2.0], None).is_ok() && eigen.vjp(&[1.0, 2.0], Some(&Matrix::identity(2))).is_ok());
    let error = eigen.vjp(&[0.0; 2], Some(&Matrix::from_rows(&[[0.0, 1.0], [0.0, 0.0]]))).unwrap_err();
    assert_eq!((error.kind(), error.fault().name), ("domain", "SpectralGapTooSmall"));
    let error = check_symmetric(&Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.5, 1.0]])).unwrap_err();
    assert_eq!(error.fault().name, "NotSymmetric");
    // Only the lower triangle counts.
    let lower = Eigen::new(&Matrix::<f64>::from_rows(&[[1.0, 99.0], [2.0, 1.0]])).unwrap();
    assert!((lower.values[0] - 3.0).abs() < 1e-15 && (lower.values[1] + 1.0).abs() < 1e-15);
    let whole = Matrix::from_fn(2, 2, |_, _| Ball::WHOLE);
    assert_eq!(Eigen::new(&whole).unwrap_err().kind(), "not-finite");
    let wide = Matrix::from_fn(2, 2, |i, j| Ball::from_usize(i + j).widen(10.0));
    assert!(Eigen::new(&wide).unwrap().values.iter().all(|x| x.rad() > 10.0));
}
