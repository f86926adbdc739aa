use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, with_singular_values};
use crate::measure::{Worst, assert_overlap, distance, norm, residual};
use std::cmp::Ordering;
use white_box::linalg::{Lu, Matrix, inverse, inverse_vjp, log_abs_det, log_abs_det_vjp, log_det, solve, solve_vjp};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(60, S::NAME);
    let (mut forward, mut transposed, mut logs) = (Worst::of("LU solve"), Worst::of("LU, transposed"), Worst::of("ln |det|"));
    for n in [1, 2, 5, 13, 24] {
        for least in [1.0, 1e-3] {
            let a = with_singular_values::<S>(
                n,
                n,
                &(0..n).map(|i| if i + 1 == n { least } else { 1.0 + i as f64 / n as f64 }).collect::<Vec<_>>(),
                &mut rng,
            );
            let b: Matrix<S> = gaussian(n, 3, &mut rng);
            let lu = Lu::new(&a).unwrap();
            let unit = n as f64 * S::UNIT_ROUNDOFF;
            // |ΔA| ≤ 3 γ_n |L||U| (Higham 2002, Theorem 9.4), and ‖|L||U|‖ ≤ n ‖A‖ for tame growth.
            let x = lu.solve(&b).unwrap();
            forward.see(residual(&a, &x, &b), 3.0 * unit * n as f64 * norm(&a) * norm(&x), n);
            let y = lu.solve_transposed(&b).unwrap();
            transposed.see(residual(&a.transpose(), &y, &b), 3.0 * unit * n as f64 * norm(&a) * norm(&y), n);
            let (sign, log) = lu.log_abs_det().unwrap();
            let exact = log_abs_det(&a.cast::<Ball>()).unwrap();
            assert_eq!(sign, exact.0);
            assert!(exact.1.rad() < 1e-26 / least, "tight");
            // tr(A⁻¹ΔA) ≤ ‖A⁻¹‖_F ‖ΔA‖_F, and n u on the sum of logarithms.
            let bound = unit * n as f64 * norm(&a) * n as f64 / least + unit * (n as f64).max(exact.1.magnitude());
            logs.see((log.to_ball() - exact.1).magnitude(), bound, n);
            let product = lu.determinant().value();
            assert!(
                (product.abs() - exact.1.mid().exp().value()).abs() <= 2.0 * bound * product.abs()
                    && (product < 0.0) == (sign == Ordering::Less)
            );
        }
    }
    [forward, transposed, logs].iter().for_each(|w| w.check(1000.0));
}
#[test]
fn solutions_satisfy_their_equations() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
}

/// Hilbert's matrix of order 3 scaled by 60 has the inverse `[[9, −36, 30], [−36, 192, −180], [30, −180, 180]]/60` and determinant 100.
#[test]
fn closed_forms_come_out() {
    let a = Matrix::<Ball>::from_rows(&[[60.0, 30.0, 20.0], [30.0, 20.0, 15.0], [20.0, 15.0, 12.0]]);
    let exact =
        Matrix::<Ball>::from_rows(&[[9.0, -36.0, 30.0], [-36.0, 192.0, -180.0], [30.0, -180.0, 180.0]]).map(|x| x / Ball::from_f64(60.0));
    let found = inverse(&a).unwrap();
    assert_overlap(&found, &exact, "inverse");
    assert!(found.radius() < 1e-28);
    let (sign, log) = log_abs_det(&a).unwrap();
    assert!(sign == Ordering::Greater && log.overlaps(&Ball::from_f64(100.0).ln()) && log.rad() < 1e-28);
    assert!(log.overlaps(&log_det(&a).unwrap()));
    let odd = Matrix::<f64>::from_rows(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    assert_eq!((Lu::new(&odd).unwrap().determinant(), log_abs_det(&odd).unwrap()), (-1.0, (Ordering::Less, 0.0)));
    let ball = log_abs_det(&odd.cast::<Ball>()).unwrap();
    assert!(ball.0 == Ordering::Less && ball.1 == Ball::ZERO);
    assert_eq!(log_abs_det(&Matrix::<f64>::zeros(0, 0)).unwrap(), (Ordering::Greater, 0.0));
    assert_eq!(inverse(&Matrix::<Ball>::zeros(0, 0)).unwrap().shape(), [0, 0]);
    // det(AB) = det A det B, and powers of two pass exactly.
    let (a, b): (Matrix<Double>, Matrix<Double>) = (gaussian(4, 4, &mut Rng::new(61)), gaussian(4, 4, &mut Rng::new(62)));
    let of = |m: &Matrix<Double>| log_abs_det(&m.cast::<Ball>()).unwrap();
    let product = a.cast::<Ball>().matmul(&b.cast()).unwrap();
    assert!(log_abs_det(&product).unwrap().1.overlaps(&(of(&a).1 + of(&b).1)));
    assert_eq!(
        Lu::new(&a.scale(Double::from_f64(4.0))).unwrap().determinant(),
        Lu::new(&a).unwrap().determinant() * Double::from_f64(256.0)
    );
}

#[test]
fn enclosures_hold() {
    let mut rng = Rng::new(63);
    let (a, b): (Matrix<Double>, Matrix<Double>) = (gaussian(7, 7, &mut rng), gaussian(7, 2, &mut rng));
    let wide = |m: &Matrix<Double>| m.map(|x| x.to_ball().widen(1e-8));
    let (x, det) = (solve(&wide(&a), &wide(&b)).unwrap(), log_abs_det(&wide(&a)).unwrap());
    assert!(x.radius() < 1e-4 && det.1.rad() < 1e-4);
    for _ in 0..20 {
        let mut inside = |m: &Matrix<Double>| m.map(|x| x + Double::from_f64(1e-8 * (2.0 * rng.uniform() - 1.0))).cast::<Ball>();
        let (p, q) = (inside(&a), inside(&b));
        assert_overlap(&x, &solve(&p, &q).unwrap(), "solution");
        assert!(det.1.overlaps(&log_abs_det(&p).unwrap().1));
    }
    assert!(distance(&solve(&a, &b).unwrap(), &solve(&a.cast::<Ball>(), &b.cast()).unwrap()) < 1e-27);
}

struct Inverse;
impl Differentiable for Inverse {
    const NAME: &'static str = "inverse";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        inverse(a).unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        inverse_vjp(&inverse(a).unwrap(), &Matrix::new(a.rows(), a.rows(), cotangent.to_vec()).unwrap()).unwrap()
    }
}
struct Log;
impl Differentiable for Log {
    const NAME: &'static str = "ln |det|";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        vec![log_abs_det(a).unwrap().1]
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        log_abs_det_vjp(a, cotangent[0]).unwrap()
    }
}
/// `A⁻¹ B` as a function of B and, transposed, of A.
struct Solution<'a>(&'a Matrix<Double>, bool);
impl Differentiable for Solution<'_> {
    const NAME: &'static str = "solve";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, x: &Matrix<S>) -> Vec<S> {
        let fixed = self.0.cast();
        if self.1 { solve(&fixed, x) } else { solve(x, &fixed) }.unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, x: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let fixed = self.0.cast();
        let (a, b) = if self.1 { (&fixed, x) } else { (x, &fixed) };
        let bar = Matrix::new(b.rows(), b.cols(), cotangent.to_vec()).unwrap();
        let (a_bar, b_bar) = solve_vjp(a, &solve(a, b).unwrap(), &bar).unwrap();
        if self.1 { b_bar } else { a_bar }
    }
}
#[test]
fn derivatives_agree() {
    let mut rng = Rng::new(64);
    for n in [1, 2, 5] {
        let a: Matrix<Double> = with_singular_values(n, n, &(0..n).map(|i| 2.0 - 0.4 * i as f64).collect::<Vec<_>>(), &mut rng);
        derivatives::check(&Inverse, &a, 8.0, &mut rng);
        derivatives::check(&Log, &a, 8.0, &mut rng);
        let b: Matrix<Double> = gaussian(n, 2, &mut rng);
        derivatives::check(&Solution(&b, false), &a, 16.0, &mut rng);
        derivatives::check(&Solution(&a, true), &b, 16.0, &mut rng);
    }
}

#[test]
fn errors_say_what() {
    let singular = Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.0, 4.0]]);
    let error = inverse(&singular).unwrap_err();
    assert_eq!((error.kind(), error.fault().name, error.fault().at.as_str()), ("domain", "SingularMatrix", "pivot 1"));
    assert_eq!(log_abs_det(&singular).unwrap_err().fault().name, "SingularMatrix");
    assert_eq!(Lu::new(&singular).unwrap().determinant(), 0.0);
    assert_eq!(inverse(&singular.cast::<Ball>()).unwrap_err().kind(), "undecided");
    assert_eq!(log_abs_det(&singular.cast::<Ball>()).unwrap_err().kind(), "undecided");
    assert_eq!(inverse(&Matrix::<f64>::zeros(2, 3)).unwrap_err().kind(), "shape");
    assert_eq!(solve(&Matrix::<f64>::identity(2), &Matrix::zeros(3, 1)).unwrap_err().kind(), "shape");
    assert_eq!(solve(&Matrix::<f64>::identity(1), &Matrix::from_rows(&[[f64::NAN]])).unwrap_err().kind(), "not-finite");
    assert_eq!(solve_vjp(&singular, &Matrix::zeros(2, 1), &Matrix::zeros(2, 2)).unwrap_err().kind(), "shape");
}
