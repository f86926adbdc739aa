use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, with_singular_values, zoo};
use crate::measure::{Worst, defect, distance, norm};
use white_box::linalg::{Matrix, Svd, enclose_singular_values};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

const SHAPES: [(usize, usize); 11] = [(1, 1), (2, 1), (1, 3), (2, 2), (3, 3), (5, 3), (3, 8), (16, 16), (24, 7), (7, 24), (39, 24)];

fn contract<S: Scalar>() {
    let mut rng = Rng::stream(30, S::NAME);
    let (mut whole, mut left, mut right) = (Worst::of("SVD residual"), Worst::of("SVD, U"), Worst::of("SVD, V"));
    for (m, n) in SHAPES {
        for (name, a) in zoo::<S>(m, n, &mut rng) {
            let svd = Svd::new(&a).unwrap_or_else(|e| panic!("{name}, {m} × {n}: {e}"));
            let unit = m.max(n) as f64 * S::UNIT_ROUNDOFF;
            let (u, v): (Matrix<Ball>, Matrix<Ball>) = (svd.u.cast(), svd.v.cast());
            let scaled = Matrix::from_fn(m, m.min(n), |i, j| u[(i, j)] * svd.sigma[j].to_ball());
            whole.see(distance(&scaled.matmul_t(&v).unwrap(), &a), 10.0 * unit * norm(&a), (name, m, n));
            left.see(defect(&svd.u), 20.0 * unit, (name, m, n));
            right.see(defect(&svd.v), 40.0 * unit, (name, m, n));
            assert!(svd.sigma.windows(2).all(|w| (w[0] - w[1]).value() >= 0.0) && svd.sigma.iter().all(|s| s.value() >= 0.0), "{name}");
            for j in 0..m.min(n) {
                let column = svd.v.col(j);
                let largest = column.iter().fold(0.0f64, |m, x| m.max(x.value().abs()));
                assert!(column.iter().find(|x| x.value().abs() == largest).unwrap().value() > 0.0, "{name}: canonical sign");
            }
        }
    }
    [whole, left, right].iter().for_each(|w| w.check(64.0));
}
#[test]
fn factors_reproduce_the_matrix() {
    contract::<f32>();
    contract::<f64>();
    contract::<DoubleDouble>();
}

/// `A = B D`: every σ to the relative accuracy that the conditioning of B allows, in f32 down to 10⁻²⁴ of the largest.
fn relative<S: Scalar>() {
    let mut rng = Rng::stream(31, S::NAME);
    let mut worst = Worst::of("graded singular values");
    for (m, n) in [(2, 2), (6, 6), (14, 5)] {
        for _ in 0..4 {
            let b: Matrix<S> = gaussian(m, n, &mut rng);
            let a = Matrix::from_fn(m, n, |i, j| b[(i, j)] * S::from_f64(2f64.powi(-(80 * j as i32 / n as i32)))).cast::<S>();
            let sigma = enclose_singular_values(&b.cast()).unwrap();
            let condition = sigma[0].upper() / sigma[n - 1].lower();
            let exact = enclose_singular_values(&a.cast()).unwrap();
            for (x, y) in Svd::new(&a).unwrap().sigma.iter().zip(exact) {
                assert!(y.digits() > 25.0, "{y:?}");
                worst.see((x.to_ball() - y).magnitude(), m as f64 * S::UNIT_ROUNDOFF * condition * y.upper(), (m, n));
            }
        }
    }
    worst.check(64.0);
}
#[test]
fn column_scaling_does_not_cost_relative_accuracy() {
    relative::<f32>();
    relative::<f64>();
}

/// 2 × 2: `σ₁ ± σ₂ = √(‖M‖_F² ± 2|det M|)`; `[[3, 0], [4, 5]]` has 3√5 and √5.
#[test]
fn closed_forms_come_out() {
    fn check<S: Scalar>(tolerance: f64) {
        let sigma = Svd::new(&Matrix::<S>::from_rows(&[[3.0, 0.0], [4.0, 5.0]])).unwrap().sigma;
        let root = Scalar::sqrt(Ball::from_f64(5.0));
        assert!((sigma[0].to_ball() - root * Ball::from_f64(3.0)).mignitude() <= tolerance * 8.0);
        assert!((sigma[1].to_ball() - root).mignitude() <= tolerance * 8.0);
        let mut rng = Rng::new(32);
        for _ in 0..20 {
            let a: Matrix<S> = gaussian(2, 2, &mut rng);
            let s = Svd::new(&a).unwrap().sigma;
            let b: Matrix<Ball> = a.cast();
            let det = (b[(0, 0)] * b[(1, 1)] - b[(0, 1)] * b[(1, 0)]).abs() * Ball::from_f64(2.0);
            let sum = Scalar::sqrt(b.frobenius_squared() + det);
            assert!(((s[0] + s[1]).to_ball() - sum).mignitude() <= 8.0 * tolerance * sum.upper());
            let product = s[0].to_ball() * s[1].to_ball() * Ball::from_f64(2.0);
            assert!((product - det).mignitude() <= 16.0 * tolerance * det.upper().max(sum.upper().powi(2)));
        }
    }
    check::<f32>(2.0 * f32::UNIT_ROUNDOFF);
    check::<f64>(2.0 * f64::UNIT_ROUNDOFF);
    check::<DoubleDouble>(2.0 * DoubleDouble::UNIT_ROUNDOFF);
    check::<Ball>(0.0);
}

#[test]
fn laws_hold() {
    let mut rng = Rng::new(33);
    for (m, n) in [(4, 4), (9, 4), (5, 11)] {
        let a: Matrix<f64> = gaussian(m, n, &mut rng);
        let unit = 10.0 * (m + n) as f64 * f64::UNIT_ROUNDOFF * norm(&a);
        let svd = Svd::new(&a).unwrap();
        let transposed = Svd::new(&a.transpose()).unwrap();
        assert!(svd.sigma.iter().zip(&transposed.sigma).all(|(x, y)| (x - y).abs() <= unit));
        // Eigenvalues of the Gram matrix.
        let gram = white_box::linalg::Eigen::new(&a.gram_cols()).unwrap().values;
        assert!(svd.sigma.iter().zip(&gram).all(|(s, l)| (s * s - l).abs() <= 2.0 * unit * norm(&a)));
        // Eckart, Young and Mirsky: no matrix of rank 2 is nearer than the truncation, whose distance is the tail.
        let keep = |k: usize| (0..m.min(n)).map(|i| if i < k { svd.sigma[i] } else { 0.0 }).collect::<Vec<_>>();
        let best = distance(&svd.compose(&keep(2)).unwrap(), &a);
        assert!((best - svd.sigma[2..].iter().map(|s| s * s).sum::<f64>().sqrt()).abs() <= unit);
        for _ in 0..20 {
            let other = gaussian::<f64>(m, 2, &mut rng).matmul(&gaussian(2, n, &mut rng)).unwrap();
            assert!(distance(&other, &a) >= best - unit);
        }
    }
    let half: Matrix<f64> = with_singular_values(9, 6, &[3.0, 2.0, 1.0, 0.0, 0.0, 0.0], &mut rng);
    assert_eq!(Svd::new(&half).unwrap().rank(), 3);
    assert_eq!(Svd::new(&Matrix::<f64>::zeros(4, 3)).unwrap().rank(), 0);
    assert_eq!(Svd::new(&Matrix::<f64>::zeros(0, 3)).unwrap().sigma.len(), 0);
}

#[test]
fn enclosures_hold_and_are_tight() {
    let mut rng = Rng::new(34);
    for (m, n) in [(1, 1), (4, 4), (8, 5), (5, 8)] {
        let r = m.min(n);
        let exact: Vec<f64> = (0..r).map(|i| 6.0 - i as f64).collect();
        let a: Matrix<Double> = with_singular_values(m, n, &exact, &mut rng);
        let enclosed = Svd::new(&a.cast::<Ball>()).unwrap();
        let rounding = 64.0 * (m + n) as f64 * Double::UNIT_ROUNDOFF * norm(&a);
        assert!(enclosed.sigma.iter().zip(&exact).all(|(s, &x)| s.widen(rounding).contains(x) && s.rad() < 1e-28));
        let plain = Svd::new(&a).unwrap();
        assert!(enclosed.u.radius() < 1e-26 && enclosed.v.radius() < 1e-26);
        assert!(distance(&enclosed.u, &plain.u) < 1e-26 && distance(&enclosed.v, &plain.v) < 1e-26);
        let wide = Svd::new(&a.map(|x| x.to_ball().widen(1e-6))).unwrap();
        assert!(wide.u.radius() < 1e-3 && wide.sigma.iter().all(|s| s.rad() < 1e-4));
        for _ in 0..10 {
            let inside = a.map(|x| x + Double::from_f64(1e-6 * (2.0 * rng.uniform() - 1.0)));
            let inside = Svd::new(&inside.cast::<Ball>()).unwrap();
            assert!(inside.sigma.iter().zip(&wide.sigma).all(|(x, y)| y.overlaps(x)));
            for (x, y) in [(&inside.u, &wide.u), (&inside.v, &wide.v)] {
                assert!(x.data().iter().zip(y.data()).all(|(x, y)| y.overlaps(x)));
            }
        }
    }
    // Deficient rank: the zeros are enclosed, not claimed; the others stay sharp.
    let low: Matrix<Double> = with_singular_values(7, 5, &[2.0, 1.0], &mut rng);
    let sigma = enclose_singular_values(&low.cast()).unwrap();
    println!("{sigma:?}");
    assert!(sigma[..2].iter().all(|s| s.digits() > 25.0) && sigma[2..].iter().all(|s| s.lower() >= -1e-28 && s.upper() < 1e-28));
    let exact = enclose_singular_values(&Matrix::from_rows(&[[0.0, 0.0], [0.0, -3.0], [0.0, 0.0]])).unwrap();
    assert!(exact[0].contains(3.0) && exact[0].rad() == 0.0 && exact[1] == Ball::ZERO);
}

struct All {
    m: usize,
    n: usize,
}
impl All {
    fn r(&self) -> usize {
        self.m.min(self.n)
    }
}
impl Differentiable for All {
    const NAME: &'static str = "SVD";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        let Svd { u, sigma, v } = Svd::new(a).unwrap();
        [u.into_data(), sigma, v.into_data()].concat()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let (u, rest) = cotangent.split_at(self.m * self.r());
        let (sigma, v) = rest.split_at(self.r());
        let (u, v) = (Matrix::new(self.m, self.r(), u.to_vec()).unwrap(), Matrix::new(self.n, self.r(), v.to_vec()).unwrap());
        Svd::new(a).unwrap().vjp(Some(&u), sigma, Some(&v)).unwrap()
    }
}
#[test]
fn derivatives_agree() {
    let mut rng = Rng::new(35);
    for (m, n) in [(1, 1), (3, 3), (6, 4), (3, 5), (5, 1), (1, 4)] {
        let r = m.min(n);
        let sigma: Vec<f64> = (0..r).map(|i| 3.0 - 0.75 * i as f64).collect();
        derivatives::check(&All { m, n }, &with_singular_values(m, n, &sigma, &mut rng), 8.0 * r as f64, &mut rng);
    }
}
/// At ties σ still moves by the diagonal of `UᵀdAV`, vectors have no derivative; a σ of 0 has a kink.
#[test]
fn ties_in_dual_numbers() {
    let a = Matrix::from_fn(2, 2, |i, j| Dual::new(if i == j { 2.0f64 } else { 0.0 }, [[1.0, 5.0], [-4.0, 3.0]][i][j]));
    let svd = Svd::new(&a).unwrap();
    assert_eq!(svd.sigma.iter().map(|s| s.tangent).collect::<Vec<_>>(), [1.0, 3.0]);
    assert!(svd.u[(1, 0)].tangent.is_nan() && svd.v[(1, 0)].tangent.is_nan());
    let zero = Svd::new(&Matrix::from_fn(2, 1, |_, _| Dual::new(0.0, 1.0))).unwrap();
    assert_eq!((zero.sigma[0].value, zero.sigma[0].tangent), (0.0, 0.0));
}

#[test]
fn errors_say_what() {
    assert_eq!(Svd::new(&Matrix::<f64>::from_rows(&[[f64::NAN]])).unwrap_err().kind(), "not-finite");
    let tied = Svd::new(&Matrix::<f64>::identity(2)).unwrap();
    let corner = Matrix::from_rows(&[[0.0, 1.0], [0.0, 0.0]]);
    assert_eq!(tied.vjp(Some(&corner), &[0.0; 2], None).unwrap_err().fault().name, "SpectralGapTooSmall");
    assert!(tied.vjp(None, &[1.0, 2.0], None).is_ok());
    let deficient = Svd::new(&Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])).unwrap();
    let column = Matrix::from_rows(&[[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]);
    assert_eq!(deficient.vjp(Some(&column), &[0.0; 2], None).unwrap_err().fault().name, "RankDeficient");
    assert_eq!(tied.vjp(None, &[1.0], None).unwrap_err().kind(), "shape");
}
