use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, orthonormal, with_singular_values};
use crate::measure::{Worst, assert_overlap, defect, distance, norm};
use white_box::linalg::{
    Cholesky, Lu, Matrix, Svd, align, align_signs, nuclear_norm, polar, polar_newton, polar_vjp, procrustes, procrustes_rotation,
    procrustes_rotation_vjp, procrustes_vjp, symmetric_factor,
};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(40, S::NAME);
    let (mut orthogonal, mut nearest, mut newton) = (Worst::of("polar orthogonality"), Worst::of("polar error"), Worst::of("Newton"));
    for (m, n) in [(1, 1), (2, 2), (5, 5), (9, 4), (4, 9), (16, 16)] {
        for least in [1.0, 0.1, 1e-3] {
            let r = m.min(n);
            let sigma: Vec<f64> = (0..r).map(|i| if i + 1 == r { least } else { 2.0 - i as f64 / r as f64 }).collect();
            let a = with_singular_values::<S>(m, n, &sigma, &mut rng);
            let p = polar(&a).unwrap();
            let unit = m.max(n) as f64 * S::UNIT_ROUNDOFF;
            // U and V each within 20, 40 m u of orthonormal.
            orthogonal.see(defect(&if m >= n { p.clone() } else { p.transpose() }), 120.0 * unit, (m, n));
            // Condition number at most 1/σ_n, backward error 10 m u ‖A‖.
            let exact = polar(&a.cast::<Ball>()).unwrap();
            assert!(exact.radius() <= 1e-26 / least, "tight");
            // And what the reference itself is known to.
            let known = exact.radius() * ((m * n) as f64).sqrt();
            let bound = 120.0 * unit + 10.0 * unit * norm(&a) / least + known;
            nearest.see(distance(&p, &exact), bound, (m, n));
            if m == n {
                newton.see(distance(&polar_newton(&a).unwrap(), &exact), bound, n);
            }
            let h = symmetric_factor(&exact, &a.cast()).unwrap();
            if m >= n {
                // The pair that certifies a polar factor: H symmetric positive definite, and A = P H.
                assert!(Cholesky::new(&h).is_ok());
                assert_overlap(&exact.matmul(&h).unwrap(), &a.cast(), "A = P H");
            }
            let nuclear = nuclear_norm(&a.cast::<Ball>()).unwrap();
            assert!(exact.dot(&a.cast()).unwrap().overlaps(&nuclear), "⟨P, A⟩ is the nuclear norm");
        }
    }
    [orthogonal, nearest, newton].iter().for_each(|w| w.check(400.0));
}
#[test]
fn factors_are_orthonormal_and_nearest() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
}

/// 2 × 2 in closed form: with positive determinant `[[a+d, b−c], [c−b, a+d]]` normalised, with negative `[[a−d, b+c], [b+c, d−a]]`.
#[test]
fn closed_forms_come_out() {
    let mut rng = Rng::new(41);
    for _ in 0..50 {
        let m: Matrix<Ball> = gaussian::<Double>(2, 2, &mut rng).cast();
        let (a, b, c, d) = (m[(0, 0)], m[(0, 1)], m[(1, 0)], m[(1, 1)]);
        let (x, y, flip) = if (a * d - b * c).value() > 0.0 { (a + d, b - c, -Ball::ONE) } else { (a - d, b + c, Ball::ONE) };
        let length = Scalar::sqrt(x.square() + y.square());
        let exact = Matrix::new(2, 2, vec![x / length, y / length, flip * y / length, -flip * x / length]).unwrap();
        assert_overlap(&polar(&m).unwrap(), &exact, "2 × 2");
    }
    let a = Matrix::<Ball>::from_rows(&[[3.0, 0.0], [4.0, 5.0]]);
    let root = Scalar::sqrt(Ball::from_f64(5.0));
    let p = polar(&a).unwrap();
    assert_overlap(&p, &Matrix::from_rows(&[[2.0, -1.0], [1.0, 2.0]]).map(|x: Ball| x / root), "[[2, −1], [1, 2]]/√5");
    assert_overlap(
        &symmetric_factor(&p, &a).unwrap(),
        &Matrix::from_rows(&[[10.0, 5.0], [5.0, 10.0]]).map(|x: Ball| x / root),
        "[[10, 5], [5, 10]]/√5",
    );
}

#[test]
fn laws_hold() {
    let mut rng = Rng::new(42);
    for (m, n) in [(3, 3), (7, 4)] {
        let a: Matrix<Double> = with_singular_values(m, n, &(0..n).map(|i| 2.0 - 0.3 * i as f64).collect::<Vec<_>>(), &mut rng);
        let p = polar(&a).unwrap();
        let bound = 400.0 * m as f64 * Double::UNIT_ROUNDOFF;
        let (q, w): (Matrix<Double>, Matrix<Double>) = (orthonormal(m, m, &mut rng), orthonormal(n, n, &mut rng));
        let turned = polar(&q.matmul(&a).unwrap().matmul(&w).unwrap()).unwrap();
        assert!(distance(&turned, &q.matmul(&p).unwrap().matmul(&w).unwrap()) <= bound, "equivariant");
        assert!(distance(&polar(&p).unwrap(), &p) <= bound, "idempotent");
        assert!(
            distance(&polar(&a.scale(Double::from_f64(-3.5))).unwrap(), &p.scale(-Double::ONE)) <= bound,
            "positively homogeneous, odd"
        );
        assert!(distance(&polar(&a.transpose()).unwrap(), &p.transpose()) <= bound, "transposes");
        let sigma = Svd::new(&a).unwrap().sigma;
        let squares: f64 = sigma.iter().map(|s| (s.value() - 1.0).powi(2)).sum();
        assert!((distance(&a, &p).powi(2) - squares).abs() < 1e-14, "the distance");
        for _ in 0..20 {
            assert!(distance(&a, &orthonormal::<Double>(m, n, &mut rng)).powi(2) >= squares - 1e-14, "nearest");
        }
    }
    // The condition number is the norm of the derivative: 2/(σ_n + σ_{n−1}) for square, 1/σ_n for tall matrices.
    for (m, n, expected) in [(4, 4, 2.0 / (0.25 + 0.5)), (6, 4, 4.0)] {
        let a: Matrix<f64> = with_singular_values(m, n, &[2.0, 1.0, 0.5, 0.25], &mut rng);
        let mut x: Matrix<f64> = gaussian(m, n, &mut rng);
        let mut rate = 0.0;
        for _ in 0..400 {
            // The derivative is its own transpose: power iteration.
            let y = polar_vjp(&a, &x).unwrap();
            rate = norm(&y) / norm(&x);
            x = y.scale(norm(&y).recip());
        }
        assert!((rate - expected).abs() < 1e-6 * expected, "{m} × {n}: {rate}, {expected}");
    }
}

struct Factor;
impl Differentiable for Factor {
    const NAME: &'static str = "polar factor";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        polar(a).unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        polar_vjp(a, &Matrix::new(a.rows(), a.cols(), cotangent.to_vec()).unwrap()).unwrap()
    }
}
/// Newton's iteration on dual numbers, differentiated by the chain rule through its steps: nothing in common with the formula.
struct Newton;
impl Differentiable for Newton {
    const NAME: &'static str = "Newton's iteration";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        polar_newton(a).unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        Factor.vjp(a, cotangent)
    }
}
struct Rotation<'a>(&'a Matrix<Double>, bool);
impl Differentiable for Rotation<'_> {
    const NAME: &'static str = "Procrustes";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        if self.1 { procrustes_rotation(a, &self.0.cast()) } else { procrustes(a, &self.0.cast()) }.unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let (y, bar) = (self.0.cast(), Matrix::new(a.cols(), a.cols(), cotangent.to_vec()).unwrap());
        if self.1 { procrustes_rotation_vjp(a, &y, &bar) } else { procrustes_vjp(a, &y, &bar) }.unwrap().0
    }
}
#[test]
fn derivatives_agree_at_ties_too() {
    let mut rng = Rng::new(43);
    for (m, n) in [(2, 2), (3, 3), (5, 2), (2, 4)] {
        let r = m.min(n);
        for sigma in [vec![1.0; r], (0..r).map(|i| 1.5 - 0.5 * i as f64).collect()] {
            let a: Matrix<Double> = with_singular_values(m, n, &sigma, &mut rng);
            derivatives::check(&Factor, &a, 8.0, &mut rng);
            if m == n {
                derivatives::check(&Newton, &a, 64.0, &mut rng);
            }
        }
    }
    let (x, y): (Matrix<Double>, Matrix<Double>) = (gaussian(6, 3, &mut rng), gaussian(6, 3, &mut rng));
    derivatives::check(&Rotation(&y, false), &x, 100.0, &mut rng);
    derivatives::check(&Rotation(&y, true), &x, 100.0, &mut rng);
}

fn determinant<S: Scalar>(q: &Matrix<S>) -> f64 {
    Lu::new(q).unwrap().determinant().value()
}
#[test]
fn procrustes_is_optimal() {
    let mut rng = Rng::new(44);
    for (n, d) in [(5, 2), (9, 4), (4, 3)] {
        let (x, y): (Matrix<f64>, Matrix<f64>) = (gaussian(n, d, &mut rng), gaussian(n, d, &mut rng));
        let value = |q: &Matrix<f64>| distance(&x.matmul(q).unwrap(), &y).powi(2);
        let (q, r) = (procrustes(&x, &y).unwrap(), procrustes_rotation(&x, &y).unwrap());
        let total = x.frobenius_squared() + y.frobenius_squared();
        let c = x.t_matmul(&y).unwrap();
        let sigma = Svd::new(&c).unwrap().sigma;
        let sum: f64 = sigma.iter().sum();
        let sign = if determinant(&c) < 0.0 { -1.0 } else { 1.0 };
        let unit = 64.0 * (n + d) as f64 * f64::UNIT_ROUNDOFF * total;
        assert!((value(&q) - (total - 2.0 * sum)).abs() <= unit, "value");
        assert!((value(&r) - (total - 2.0 * (sum - (1.0 - sign) * sigma[d - 1]))).abs() <= unit, "value of the rotation");
        assert!((determinant(&r) - 1.0).abs() < 1e-13 && (determinant(&q) - sign).abs() < 1e-13);
        for _ in 0..50 {
            let mut other: Matrix<f64> = orthonormal(d, d, &mut rng);
            assert!(value(&other) >= value(&q) - unit);
            if determinant(&other) < 0.0 {
                (0..d).for_each(|i| other[(i, 0)] = -other[(i, 0)]);
            }
            assert!(value(&other) >= value(&r) - unit);
        }
        let balls = procrustes_rotation(&x.cast::<Ball>(), &y.cast()).unwrap();
        assert!(balls.radius() < 1e-26 && distance(&balls, &r) < 1e-12);
        // A turned copy is found again, and bases of one span are aligned.
        let turned = x.matmul(&r).unwrap();
        assert!(distance(&procrustes_rotation(&x, &turned).unwrap(), &r) < 1e-12);
        let (u, w): (Matrix<f64>, Matrix<f64>) = (orthonormal(n, 2, &mut rng), orthonormal(2, 2, &mut rng));
        assert!(distance(&align(&u.matmul(&w).unwrap(), &u).unwrap(), &u) < 1e-13);
        let flipped = Matrix::from_fn(n, 2, |i, j| if j == 1 { -u[(i, j)] } else { u[(i, j)] });
        assert_eq!(align_signs(&flipped, &u).unwrap(), u);
    }
    // Points in a plane leave one σ at 0: a rotation is determined, an orthogonal matrix is not.
    let flat = Matrix::<f64>::from_rows(&[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [-1.0, 1.0, 0.0]]);
    let turn = Matrix::<f64>::from_rows(&[[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    let moved = flat.matmul(&turn).unwrap();
    assert!(distance(&procrustes_rotation(&flat, &moved).unwrap(), &turn) < 1e-15);
    assert_overlap(&procrustes_rotation(&flat.cast::<Ball>(), &moved.cast()).unwrap(), &turn.cast(), "planar");
    assert_eq!(procrustes(&flat, &moved).unwrap_err().fault().name, "RankDeficient");
}

#[test]
fn errors_say_what() {
    let singular = Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.0, 4.0]]);
    let error = polar(&singular).unwrap_err();
    assert_eq!((error.kind(), error.fault().name), ("domain", "RankDeficient"));
    assert_eq!(polar_vjp(&singular, &singular).unwrap_err().fault().name, "RankDeficient");
    assert_eq!(polar(&singular.cast::<Ball>()).unwrap_err().kind(), "undecided");
    assert_eq!(polar_newton(&Matrix::<f64>::zeros(2, 3)).unwrap_err().kind(), "shape");
    assert_eq!(polar_newton(&Matrix::<f64>::zeros(2, 2)).unwrap_err().fault().name, "SingularMatrix");
    let dual = polar_newton(&Matrix::from_fn(2, 2, |i, j| Dual::new([[0.0f64, 2.0], [-1.0, 0.0]][i][j], 0.0))).unwrap();
    assert!((dual[(0, 1)].value - 1.0).abs() < 1e-15);
    assert_eq!(procrustes(&singular, &Matrix::zeros(3, 2)).unwrap_err().kind(), "shape");
    let tied = Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.0, -1.0]]);
    assert_eq!(procrustes_rotation(&Matrix::identity(2), &tied).unwrap_err().fault().name, "RankDeficient");
    assert_eq!(align_signs(&singular, &Matrix::zeros(3, 2)).unwrap_err().kind(), "shape");
}
