//! Products, Cholesky, log-determinants, solves: their error contracts in every precision, and the enclosures.

use proptest::prelude::*;
use white_box::linalg::{Cholesky, Matrix, log_det, log_det_i_plus, plus_identity, spd_inverse, spd_solve};
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

/// A data matrix of one of the kinds that break weak code: well scaled, columns or rows scaled over twelve decades, nearly of rank one.
fn data(kind: usize, n: usize, d: usize, rng: &mut Rng) -> Matrix<f64> {
    let x = gaussian_matrix(n, d, rng);
    let decade = |i: usize| 10f64.powi([-6, 3, 0, 6, -2][i % 5]);
    match kind {
        0 => x,
        1 => Matrix::from_fn(n, d, |i, j| x[(i, j)] * decade(j)),
        2 => Matrix::from_fn(n, d, |i, j| x[(i, j)] * decade(i)),
        _ => Matrix::from_fn(n, d, |i, j| x[(i, 0)] * x[(0, j)] + 1e-3 * x[(i, j)]),
    }
}
/// Symmetric positive definite: a Gram matrix of more rows than columns.
fn definite(kind: usize, n: usize, rng: &mut Rng) -> Matrix<f64> {
    data(kind, 2 * n + 3, n, rng).gram_cols()
}
/// γ_n = n u / (1 − n u).
fn gamma(n: usize, u: f64) -> f64 {
    let nu = n as f64 * u;
    nu / (1.0 - nu)
}
fn exact<S: Scalar>(m: &Matrix<S>) -> Matrix<Ball> {
    m.cast()
}

/// `|fl(AB) − AB| ≤ γ_k |A||B|`, element by element, against the certified product.
fn product_contract<S: Scalar>(a: &Matrix<f64>, b: &Matrix<f64>) {
    let (a, b) = (a.cast::<S>(), b.cast::<S>());
    let c = a.matmul(&b).unwrap();
    let truth = exact(&a).matmul(&exact(&b)).unwrap();
    let size = exact(&a).map(|x| x.abs()).matmul(&exact(&b).map(|x| x.abs())).unwrap();
    for k in 0..c.data().len() {
        let error = (c.data()[k].to_ball() - truth.data()[k]).mignitude();
        assert!(error <= gamma(a.cols(), S::UNIT_ROUNDOFF) * size.data()[k].magnitude(), "{}: element {k} off by {error:e}", S::NAME);
    }
}

/// `L Lᵀ = A + ΔA`, `|ΔA_ij| ≤ γ_{n+1}/(1 − γ_{n+1}) √(a_ii a_jj)`.
fn cholesky_contract<S: Scalar>(a: &Matrix<f64>) {
    let a = a.cast::<S>();
    let l = exact(Cholesky::new(&a).unwrap().l());
    let product = l.matmul_t(&l).unwrap();
    let g = gamma(a.rows() + 1, S::UNIT_ROUNDOFF);
    for i in 0..a.rows() {
        for j in 0..=i {
            let error = (product[(i, j)] - a[(i, j)].to_ball()).mignitude();
            let bound = g / (1.0 - g) * (a[(i, i)].value() * a[(j, j)].value()).sqrt();
            assert!(error <= bound, "{}: ({i}, {j}) off by {error:e}, allowed {bound:e}", S::NAME);
        }
    }
}

/// `‖b − A x̂‖₂ ≤ n γ_{3n+1} ‖A‖₂ ‖x̂‖₂`, with Frobenius above the spectral norm.
fn solve_contract<S: Scalar>(a: &Matrix<f64>, b: &Matrix<f64>) {
    let (a, b) = (a.cast::<S>(), b.cast::<S>());
    let x = spd_solve(&a, &b).unwrap();
    let residual = exact(&b).sub(&exact(&a).matmul(&exact(&x)).unwrap()).unwrap();
    let norm = |m: &Matrix<Ball>| m.frobenius_squared().sqrt().magnitude();
    let least = residual.map(|x| Ball::exact(x.mignitude()));
    let n = a.rows();
    assert!(norm(&least) <= n as f64 * gamma(3 * n + 1, S::UNIT_ROUNDOFF) * norm(&exact(&a)) * norm(&exact(&x)), "{}", S::NAME);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn products_obey_their_bound(seed: u64, kind in 0..4usize, m in 1..14usize, k in 1..20usize, n in 1..14usize) {
        let mut rng = Rng::new(seed);
        let (a, b) = (data(kind, m, k, &mut rng), data(kind, k, n, &mut rng));
        product_contract::<f32>(&a, &b);
        product_contract::<f64>(&a, &b);
        product_contract::<DoubleDouble>(&a, &b);
    }

    #[test]
    fn transposed_products_have_the_same_bits(seed: u64, m in 0..12usize, k in 0..12usize, n in 0..12usize) {
        let mut rng = Rng::new(seed);
        let (a, b) = (gaussian_matrix(m, k, &mut rng), gaussian_matrix(k, n, &mut rng));
        let c = a.matmul(&b).unwrap();
        prop_assert_eq!(&c, &a.matmul_t(&b.transpose()).unwrap());
        prop_assert_eq!(&c, &a.transpose().t_matmul(&b).unwrap());
        prop_assert_eq!(c.transpose(), b.transpose().matmul(&a.transpose()).unwrap());
        prop_assert_eq!(&a, &a.matmul(&Matrix::identity(k)).unwrap());
    }

    #[test]
    fn grams_are_symmetric_to_the_bit_and_equal_the_product(seed: u64, kind in 0..4usize, n in 1..20usize, d in 1..20usize) {
        let x = data(kind, n, d, &mut Rng::new(seed));
        let g = x.gram_cols();
        prop_assert_eq!(&g, &g.transpose());
        prop_assert_eq!(&g, &x.t_matmul(&x).unwrap());
        prop_assert_eq!(x.gram_rows(), x.matmul_t(&x).unwrap());
        prop_assert!(g.diagonal().iter().all(|&x| x >= 0.0));
    }

    #[test]
    fn cholesky_is_backward_stable(seed: u64, kind in 0..3usize, n in 1..16usize) {
        let a = definite(kind, n, &mut Rng::new(seed));
        if kind == 0 {
            cholesky_contract::<f32>(&a);
        }
        cholesky_contract::<f64>(&a);
        cholesky_contract::<DoubleDouble>(&a);
    }

    #[test]
    fn scaling_by_powers_of_two_scales_the_factor_to_the_bit(seed: u64, n in 1..10usize) {
        let mut rng = Rng::new(seed);
        let a = definite(0, n, &mut rng);
        let scale: Vec<f64> = (0..n).map(|_| [0.25, 0.5, 1.0, 2.0, 8.0][rng.below(5)]).collect();
        let scaled = Matrix::from_fn(n, n, |i, j| a[(i, j)] * scale[i] * scale[j]);
        let (l, m) = (Cholesky::new(&a).unwrap(), Cholesky::new(&scaled).unwrap());
        prop_assert_eq!(m.l().clone(), Matrix::from_fn(n, n, |i, j| l.l()[(i, j)] * scale[i]));
    }

    #[test]
    fn solves_are_backward_stable(seed: u64, kind in 0..2usize, n in 1..12usize, m in 1..4usize) {
        let mut rng = Rng::new(seed);
        let (a, b) = (definite(kind, n, &mut rng), gaussian_matrix(n, m, &mut rng));
        if kind == 0 {
            solve_contract::<f32>(&a, &b);
        }
        solve_contract::<f64>(&a, &b);
        solve_contract::<DoubleDouble>(&a, &b);
    }

    /// `|δ| ≤ √n (n+1) u (n + tr M) + n u · value`.
    #[test]
    fn log_det_i_plus_obeys_its_bound_at_every_scale(seed: u64, kind in 0..4usize, n in 1..12usize, decade in -200..12i32) {
        let m = definite(kind, n, &mut Rng::new(seed));
        let m = m.scale(10f64.powi(decade) / m.trace());
        let truth = log_det_i_plus(&exact(&m)).unwrap();
        let (value, u, size) = (log_det_i_plus(&m).unwrap(), f64::UNIT_ROUNDOFF, n as f64);
        let bound = size.sqrt() * (size + 1.0) * u * (if m.trace() < 1.0 { m.trace() } else { size + m.trace() }) + size * u * value;
        let error = (value.to_ball() - truth).mignitude();
        prop_assert!(error <= bound, "off by {:e}, allowed {:e}", error, bound);
        if m.trace() < 1e-3 {
            prop_assert!(error <= 8.0 * size * u * value, "relative accuracy is kept: {:e} of {:e}", error, value);
        }
    }

    /// The a-posteriori enclosure holds the double-double result, agrees with the plain interval recursion, and stays narrow.
    #[test]
    fn enclosures_enclose_and_are_narrow(seed: u64, kind in 0..4usize, n in 1..14usize) {
        let m = definite(kind, n, &mut Rng::new(seed));
        let m = m.scale(1.0 / m.trace());
        let a = plus_identity(&m.cast::<Ball>()).unwrap();
        let (left, right) = (log_det_i_plus(&exact(&m)).unwrap(), log_det(&a).unwrap());
        prop_assert!(left.overlaps(&right));
        prop_assert!(left.rad() <= 1e-27 * left.magnitude(), "{:?}", left);
        let plain: Ball = Cholesky::new(&a).unwrap().log_det();
        prop_assert!(plain.overlaps(&left));
        let x = spd_solve(&a, &Matrix::identity(n)).unwrap();
        let identity = a.matmul(&x).unwrap();
        for i in 0..n {
            for j in 0..n {
                let target = f64::from(u8::from(i == j));
                prop_assert!(identity[(i, j)].contains(target));
                prop_assert!(x[(i, j)].rad() < 1e-28);
            }
        }
    }

    /// Wide balls: the enclosure of a matrix known to a relative 1e-8 holds the value of every matrix inside it.
    #[test]
    fn enclosures_of_wide_matrices_hold_what_is_inside(seed: u64, n in 1..8usize) {
        let mut rng = Rng::new(seed);
        let m = definite(0, n, &mut rng);
        let wide = m.map(|x| Ball::exact(x).widen(1e-8 * x.abs()));
        let shifts: Vec<f64> = (0..n * n).map(|_| 1e-8 * (2.0 * rng.uniform() - 1.0)).collect();
        let inside = Matrix::from_fn(n, n, |i, j| {
            let (i, j) = (i.max(j), i.min(j));
            m[(i, j)] * (1.0 + 0.99 * shifts[i * n + j])
        });
        let value = log_det_i_plus(&exact(&inside)).unwrap();
        let hull = log_det_i_plus(&wide).unwrap();
        prop_assert!(hull.contains_ball(&value), "{:?} outside {:?}", value, hull);
        prop_assert!(hull.rad() > 0.0 && hull.rad() < 1e-4);
    }

    /// Woodbury and the determinant lemma, for fewer and for more columns than rows.
    #[test]
    fn woodbury_and_determinant_lemma(seed: u64, d in 1..9usize, k in 1..9usize) {
        let w = exact(&gaussian_matrix(d, k, &mut Rng::new(seed)));
        let s2 = Ball::exact(0.75);
        let shifted = |m: Matrix<Ball>| Matrix::from_fn(m.rows(), m.rows(), |i, j| if i == j { m[(i, j)] + s2 } else { m[(i, j)] });
        let (big, small) = (shifted(w.gram_rows()), shifted(w.gram_cols()));
        let lemma = (Ball::exact(d as f64) - Ball::exact(k as f64)) * s2.ln() + log_det(&small).unwrap();
        prop_assert!(log_det(&big).unwrap().overlaps(&lemma));
        let inner = w.matmul(&spd_solve(&small, &w.transpose()).unwrap()).unwrap();
        let woodbury = Matrix::identity(d).sub(&inner).unwrap().scale(s2.recip());
        let inverse = spd_inverse(&big).unwrap();
        for i in 0..d * d {
            prop_assert!(woodbury.data()[i].overlaps(&inverse.data()[i]));
        }
    }
}

#[test]
fn failures_carry_the_pivot() {
    let fails = |rows: &[[f64; 2]], words: [&str; 2]| {
        let e = Cholesky::new(&Matrix::<f64>::from_rows(rows)).unwrap_err();
        assert!(words.iter().all(|w| e.to_string().contains(w)), "{e}");
        e
    };
    assert_eq!(fails(&[[1.0, 2.0], [2.0, 1.0]], ["pivot 1", "-3e0"]).kind(), "not-positive-definite");
    assert_eq!(fails(&[[0.0, 0.0], [0.0, 0.0]], ["pivot 0", "0e0"]).kind(), "not-positive-definite");
    assert_eq!(fails(&[[f64::NAN, 0.0], [0.0, 1.0]], ["pivot 0", "NaN"]).kind(), "not-finite");
    let ball = |x: f64, r: f64| Ball::exact(x).widen(r);
    let singular = Matrix::new(1, 1, vec![ball(0.0, 0.5)]).unwrap();
    assert_eq!(log_det(&singular).unwrap_err().kind(), "undecided");
    assert_eq!(log_det(&Matrix::new(1, 1, vec![ball(-1.0, 0.5)]).unwrap()).unwrap_err().kind(), "not-positive-definite");
    assert_eq!(log_det(&Matrix::<f64>::zeros(0, 0)).unwrap(), 0.0);
    assert_eq!(log_det(&Matrix::<f64>::zeros(2, 3)).unwrap_err().kind(), "shape");
    assert_eq!(log_det_i_plus(&Matrix::<f64>::zeros(0, 0)).unwrap(), 0.0);
}

/// The figures the documentation promises of Gaussian data: 25 digits at 64 × 32, 24 at 512 × 128 (here a quarter of its rows and columns), 20 at ε = 0.1.
#[test]
fn the_rate_is_certified_to_many_digits() {
    use white_box::coding::{Distortion, coding_rate};
    for (n, d, eps, digits) in [(64, 32, 0.5, 25.0), (128, 32, 0.5, 25.0), (64, 64, 0.1, 20.0)] {
        let z = gaussian_matrix(n, d, &mut Rng::new(n as u64));
        let ball = coding_rate(&exact(&z), Distortion::Eps(Ball::exact(eps))).unwrap();
        assert!(ball.digits() >= digits, "{n} × {d}: {} digits", ball.digits());
        let double = coding_rate(&z.cast::<DoubleDouble>(), Distortion::Eps(DoubleDouble::from_f64(eps))).unwrap();
        assert!(ball.contains_double(double) || (double.to_ball() - ball).mignitude() < 1e-26, "{n} × {d}");
        let value = coding_rate(&z, Distortion::Eps(eps)).unwrap();
        let allowed = (d as f64).sqrt() * 4.0 * f64::UNIT_ROUNDOFF * value;
        assert!((value.to_ball() - ball).mignitude() <= allowed, "{n} × {d}: {value}");
    }
}
