use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, orthonormal, zoo};
use crate::measure::{Worst, assert_overlap, defect, distance, norm, residual};
use white_box::linalg::{Cholesky, Lu, Matrix, Qr};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

const SHAPES: [(usize, usize); 9] = [(1, 1), (2, 1), (2, 2), (3, 3), (5, 2), (16, 16), (17, 5), (33, 24), (39, 3)];

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(1, S::NAME);
    let (mut whole, mut column, mut orthogonal) =
        (Worst::of("QR residual"), Worst::of("QR column residual"), Worst::of("QR orthogonality"));
    for (m, n) in SHAPES {
        for (name, a) in zoo::<S>(m, n, &mut rng) {
            let Qr { q, r } = Qr::new(&a).unwrap();
            let unit = m as f64 * S::UNIT_ROUNDOFF;
            whole.see(residual(&q, &r, &a), 8.0 * unit * (n as f64).sqrt() * norm(&a), (name, m, n));
            for j in 0..n {
                let (rj, aj) = (r.select_cols(j, 1).unwrap(), a.select_cols(j, 1).unwrap());
                column.see(residual(&q, &rj, &aj), 8.0 * unit * norm(&aj), (name, m, n, j));
            }
            orthogonal.see(defect(&q), 8.0 * unit * (n as f64).sqrt(), (name, m, n));
            for i in 0..n {
                assert!(r[(i, i)].value() >= 0.0 && r.row(i)[..i].iter().all(|x| *x == S::ZERO), "{name}: the form of R");
            }
        }
    }
    [whole, column, orthogonal].iter().for_each(|w| w.check(64.0));
}
#[test]
fn factors_reproduce_the_matrix() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
}

fn laws<S: Scalar>() {
    let mut rng = Rng::stream(2, S::NAME);
    for (m, n) in [(1, 1), (4, 4), (12, 5)] {
        let unit = 8.0 * m as f64 * S::UNIT_ROUNDOFF;
        let q: Matrix<S> = orthonormal(m, n, &mut rng);
        let again = Qr::new(&q).unwrap();
        // q is orthonormal to its own rounding √(mn) u; R is then within twice that of I, and so is Q of q.
        assert!(distance(&again.q, &q) <= 4.0 * unit * n as f64 && distance(&again.r, &Matrix::<S>::identity(n)) <= 4.0 * unit * n as f64);

        let a: Matrix<S> = gaussian(m, n, &mut rng);
        let qr = Qr::new(&a).unwrap();
        let l = Cholesky::new(&a.gram_cols()).unwrap().l().transpose();
        let condition = norm(&qr.r) * norm(&white_box::linalg::inverse(&qr.r).unwrap());
        // The Gram matrix squares the condition number; the factor of a matrix perturbed by ε moves by ε κ(A)² (Higham 2002, Theorem 10.8).
        assert!(
            distance(&qr.r, &l) <= 4.0 * n as f64 * unit * condition * condition * norm(&l),
            "R is the Cholesky factor of the Gram matrix"
        );
        if m == n {
            let product = qr.r.diagonal().into_iter().fold(S::ONE, |x, y| x * y);
            let determinant = Lu::new(&a).unwrap().determinant().abs();
            assert!((product - determinant).value().abs() <= 8.0 * n as f64 * unit * condition * product.value());
        }
        // Powers of two in the columns pass through to the bit.
        let scaled = Matrix::from_fn(m, n, |i, j| a[(i, j)] * S::from_f64(2f64.powi(3 * j as i32 - 20)));
        let other = Qr::new(&scaled).unwrap();
        assert!(other.q == qr.q && (0..n).all(|j| other.r[(0, j)] == qr.r[(0, j)] * S::from_f64(2f64.powi(3 * j as i32 - 20))));
    }
}
#[test]
fn laws_hold() {
    laws::<f32>();
    laws::<f64>();
    laws::<DoubleDouble>();
}

#[test]
fn range_does_not_matter() {
    let a = Matrix::<f64>::from_rows(&[[3e300, 1e-300], [4e300, 7e-300]]);
    let Qr { q, r } = Qr::new(&a).unwrap();
    assert!((r[(0, 0)] - 5e300).abs() <= 1e285 && (q[(0, 0)] - 0.6).abs() < 1e-15 && (r[(0, 1)] - 6.2e-300).abs() < 1e-314);
    assert!((r[(1, 1)] - 3.4e-300).abs() < 1e-314);
    let subnormal = Matrix::<f64>::from_rows(&[[5e-324, 0.0], [0.0, 1.0]]);
    assert_eq!(Qr::new(&subnormal).unwrap().r.diagonal(), [5e-324, 1.0]);
    assert_eq!(Qr::new(&Matrix::<f64>::zeros(0, 0)).unwrap().r.shape(), [0, 0]);
    assert_eq!(Qr::new(&Matrix::<f64>::zeros(3, 0)).unwrap().q.shape(), [3, 0]);
}

/// `A = Q R` with `Q` half a Hadamard matrix and `R` of small integers: both are exact.
#[test]
fn enclosures_hold_the_exact_factors() {
    let q = Matrix::<Ball>::from_rows(&[[0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5], [0.5, -0.5, -0.5]]);
    let r = Matrix::<Ball>::from_rows(&[[4.0, -1.0, 7.0], [0.0, 3.0, 2.0], [0.0, 0.0, 5.0]]);
    let enclosed = Qr::new(&q.matmul(&r).unwrap()).unwrap();
    assert_overlap(&enclosed.q, &q, "Q");
    assert_overlap(&enclosed.r, &r, "R");
    assert!(enclosed.q.radius() < 1e-28 && enclosed.r.radius() < 1e-27);
    // Wide balls enclose the factors of what they hold.
    let mut rng = Rng::new(3);
    let a: Matrix<Double> = gaussian(9, 6, &mut rng);
    let wide = Qr::new(&a.map(|x| x.to_ball().widen(1e-9))).unwrap();
    assert!(wide.q.radius() < 1e-6);
    for _ in 0..20 {
        let inside = a.map(|x| x + Double::from_f64(1e-9 * (2.0 * rng.uniform() - 1.0)));
        let exact = Qr::new(&inside.cast::<Ball>()).unwrap();
        assert_overlap(&wide.q, &exact.q, "Q");
        assert_overlap(&wide.r, &exact.r, "R");
        let plain = Qr::new(&inside).unwrap();
        assert!(distance(&plain.q, &exact.q) <= 1e-27 && distance(&plain.r, &exact.r) <= 1e-27);
    }
    // Badly scaled columns cost nothing.
    let scaled = Matrix::from_fn(9, 6, |i, j| a[(i, j)].to_ball() * Ball::exact(10f64.powi(5 * j as i32 - 15)));
    let enclosed = Qr::new(&scaled).unwrap();
    assert!((0..6).all(|j| enclosed.r[(j, j)].digits() > 26.0) && enclosed.q.radius() < 1e-26);
}

struct Both {
    m: usize,
    n: usize,
}
impl Differentiable for Both {
    const NAME: &'static str = "QR";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        let Qr { q, r } = Qr::new(a).unwrap();
        [q.into_data(), r.into_data()].concat()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let (q, r) = cotangent.split_at(self.m * self.n);
        Qr::new(a)
            .unwrap()
            .vjp(&Matrix::new(self.m, self.n, q.to_vec()).unwrap(), &Matrix::new(self.n, self.n, r.to_vec()).unwrap())
            .unwrap()
    }
}
#[test]
fn derivatives_agree() {
    let mut rng = Rng::new(4);
    for (m, n) in [(1, 1), (3, 3), (6, 2), (9, 5)] {
        let a: Matrix<Double> = gaussian(m, n, &mut rng);
        let condition = norm(&a) * norm(&white_box::linalg::inverse(&Qr::new(&a).unwrap().r).unwrap());
        derivatives::check(&Both { m, n }, &a, condition, &mut rng);
    }
}

#[test]
fn errors_say_what() {
    let wide = Qr::new(&Matrix::<f64>::zeros(2, 3)).unwrap_err();
    assert_eq!(wide.kind(), "shape");
    let nan = Qr::new(&Matrix::<f64>::from_rows(&[[1.0], [f64::NAN]])).unwrap_err();
    assert_eq!((nan.kind(), nan.fault().at.as_str()), ("not-finite", "matrix[1, 0]"));
    let dependent = Qr::new(&Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])).unwrap();
    assert_eq!(dependent.deficient_column(), Some(1));
    let error = dependent.vjp(&Matrix::zeros(3, 2), &Matrix::zeros(2, 2)).unwrap_err();
    assert_eq!((error.fault().name, error.fault().at.as_str()), ("RankDeficient", "column 1"));
    let ball = Matrix::<Ball>::from_rows(&[[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]).map(|x| x.widen(1e-3));
    assert_eq!(Qr::new(&ball).unwrap_err().kind(), "undecided");
}
