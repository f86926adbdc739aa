use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, gaussian, orthonormal, with_singular_values};
use crate::measure::{assert_overlap, norm};
use white_box::linalg::{
    Matrix, Svd, frobenius_norm, frobenius_norm_gradient, nuclear_norm, nuclear_norm_gradient, schatten_norm, schatten_norm_gradient,
    spectral_norm, spectral_norm_gradient,
};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

const P: [f64; 7] = [1.0, 1.5, 2.0, 3.0, 7.25, 1000.0, f64::INFINITY];

/// `[[3, 0], [4, 5]]` has σ = 3√5, √5.
fn closed_forms<S: Scalar>(tolerance: f64) {
    let a = Matrix::<S>::from_rows(&[[3.0, 0.0], [4.0, 5.0]]);
    let root = Scalar::sqrt(Ball::from_f64(5.0));
    let close = |x: S, exact: Ball| assert!((x.to_ball() - exact).mignitude() <= tolerance * exact.upper(), "{x:?} and {exact:?}");
    close(nuclear_norm(&a).unwrap(), root * Ball::from_f64(4.0));
    close(spectral_norm(&a).unwrap(), root * Ball::from_f64(3.0));
    close(frobenius_norm(&a).unwrap(), Scalar::sqrt(Ball::from_f64(50.0)));
    // 5^{3/2} (27 + 1) to the third.
    let cube = root * Ball::from_f64(5.0 * 28.0);
    close(schatten_norm(&a, 3.0).unwrap(), (cube.ln() / Ball::from_f64(3.0)).exp());
    let power = |x: Ball, p: f64| (x.ln() * Ball::from_f64(p)).exp();
    let sum = power(root * Ball::from_f64(3.0), 1.5) + power(root, 1.5);
    close(schatten_norm(&a, 1.5).unwrap(), (sum.ln() / Ball::from_f64(1.5)).exp());
    for p in P {
        assert_eq!(schatten_norm(&Matrix::<S>::zeros(3, 2), p).unwrap().value(), 0.0);
        assert_eq!(schatten_norm_gradient(&Matrix::<f64>::zeros(3, 2), p).is_ok(), p != f64::INFINITY);
        assert_eq!(schatten_norm(&Matrix::<S>::zeros(0, 2), p).unwrap().value(), 0.0);
        let one = Matrix::<S>::from_fn(3, 2, |i, j| if (i, j) == (2, 1) { S::from_f64(-1e30) } else { S::ZERO });
        close(schatten_norm(&one, p).unwrap(), S::from_f64(1e30).to_ball());
    }
}
#[test]
fn closed_forms_come_out() {
    closed_forms::<f32>(32.0 * f32::UNIT_ROUNDOFF);
    closed_forms::<f64>(32.0 * f64::UNIT_ROUNDOFF);
    closed_forms::<DoubleDouble>(32.0 * DoubleDouble::UNIT_ROUNDOFF);
    closed_forms::<Ball>(0.0);
    closed_forms::<Dual<f64>>(32.0 * f64::UNIT_ROUNDOFF);
}

/// Inequalities between exact norms: of enclosures, the ends.
#[test]
fn laws_hold() {
    let mut rng = Rng::new(50);
    for (m, n) in [(1, 1), (3, 3), (6, 4), (2, 7)] {
        for low in [false, true] {
            let draw = |rng: &mut Rng| match low {
                false => gaussian::<Double>(m, n, rng).cast::<Ball>(),
                true => gaussian::<f64>(m, 1, rng).matmul(&gaussian(1, n, rng)).unwrap().cast(),
            };
            let (a, b) = (draw(&mut rng), draw(&mut rng));
            let (nuclear, frobenius, spectral) = (nuclear_norm(&a).unwrap(), frobenius_norm(&a).unwrap(), spectral_norm(&a).unwrap());
            let rank = if low { 1.0 } else { m.min(n) as f64 };
            // A rank-1 matrix rounded to f64 has a tail of at most √(mn) u times its size.
            let slack = if low { 4.0 * (m * n) as f64 * f64::UNIT_ROUNDOFF * frobenius.upper() } else { 0.0 };
            assert!(spectral.lower() <= frobenius.upper() && frobenius.lower() <= nuclear.upper());
            assert!(nuclear.lower() <= (rank.sqrt() * frobenius.upper()).next_up() + slack);
            assert!(a.dot(&b).unwrap().mignitude() <= nuclear.upper() * spectral_norm(&b).unwrap().upper() * (1.0 + 1e-15), "Hölder");
            let (mut last, sum) = (nuclear.upper(), a.add(&b).unwrap());
            for p in P {
                let (x, y) = (schatten_norm(&a, p).unwrap(), schatten_norm(&b, p).unwrap());
                assert!(x.lower() <= last * (1.0 + 1e-15), "falls in p");
                last = x.upper();
                assert!(schatten_norm(&sum, p).unwrap().lower() <= (x + y).upper(), "triangle");
                assert!(x.rad() <= 1e-11 * x.upper(), "tight: {x:?} at {p}");
            }
            // ‖CD‖_* ≤ ½(‖C‖² + ‖D‖²), with equality at UΣ^½, Σ^½Vᵀ.
            let (c, d) = (gaussian::<f64>(m, 3, &mut rng).cast::<Ball>(), gaussian::<f64>(3, n, &mut rng).cast::<Ball>());
            let half = (c.frobenius_squared() + d.frobenius_squared()) * Ball::from_f64(0.5);
            assert!(nuclear_norm(&c.matmul(&d).unwrap()).unwrap().lower() <= half.upper());
            let svd = Svd::new(&a.map(|x| x.mid())).unwrap();
            let (u, v) = (
                Matrix::from_fn(m, svd.sigma.len(), |i, j| svd.u[(i, j)] * svd.sigma[j].sqrt()),
                Matrix::from_fn(n, svd.sigma.len(), |i, j| svd.v[(i, j)] * svd.sigma[j].sqrt()),
            );
            let half = (u.frobenius_squared() + v.frobenius_squared()).value() * 0.5;
            assert!((half - nuclear.value()).abs() <= 1e-14 * half);
        }
        // Unitary invariance, to the rounding of the rotations.
        let a: Matrix<Double> = gaussian(m, n, &mut rng);
        let (q, w): (Matrix<Double>, Matrix<Double>) = (orthonormal(m, m, &mut rng), orthonormal(n, n, &mut rng));
        let turned = q.matmul(&a).unwrap().matmul(&w).unwrap();
        for p in P {
            let (x, y) = (schatten_norm(&a, p).unwrap(), schatten_norm(&turned, p).unwrap());
            let bound = 64.0 * (m + n) as f64 * (m.min(n) as f64) * Double::UNIT_ROUNDOFF * norm(&a);
            assert!((x - y).value().abs() <= bound, "p = {p}");
        }
    }
}

/// Dual numbers of norms are the gradient's: ⟨gradient, direction⟩ needs no check of its own but against difference quotients.
struct Schatten(f64);
impl Differentiable for Schatten {
    const NAME: &'static str = "Schatten norm";
    const SYMMETRIC: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        vec![schatten_norm(a, self.0).unwrap()]
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        schatten_norm_gradient(a, self.0).unwrap().scale(cotangent[0])
    }
}
struct Gradient(f64);
impl Differentiable for Gradient {
    const NAME: &'static str = "gradient of the Schatten norm";
    const SYMMETRIC: bool = false;
    // A second derivative: its enclosure knows no third one and falls back on the hull.
    const NARROW: bool = false;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        schatten_norm_gradient(a, self.0).unwrap().into_data()
    }
    /// The Hessian is symmetric: its product with the cotangent, by central differences of the gradient, which is checked above.
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        let direction = Matrix::new(a.rows(), a.cols(), cotangent.to_vec()).unwrap();
        let step = Dual::new(S::ZERO, S::ONE);
        let moved = Matrix::from_fn(a.rows(), a.cols(), |i, j| Dual::constant(a[(i, j)]) + step * Dual::constant(direction[(i, j)]));
        schatten_norm_gradient(&moved, self.0).unwrap().map(|x| x.tangent)
    }
}
#[test]
fn derivatives_agree() {
    let mut rng = Rng::new(51);
    for (m, n) in [(1, 1), (3, 3), (5, 3), (2, 4)] {
        let r = m.min(n);
        // Ties among σ trouble none but the spectral norm.
        let tied: Vec<f64> = (0..r).map(|i| if i < 2 { 2.0 } else { 1.0 }).collect();
        let apart: Vec<f64> = (0..r).map(|i| 2.0 - 0.5 * i as f64).collect();
        let (tied, apart): (Matrix<Double>, Matrix<Double>) =
            (with_singular_values(m, n, &tied, &mut rng), with_singular_values(m, n, &apart, &mut rng));
        for p in [1.0, 1.5, 2.0, 3.0, 7.25] {
            derivatives::check(&Schatten(p), &tied, 4.0 * p, &mut rng);
            derivatives::check(&Schatten(p), &apart, 4.0 * p, &mut rng);
        }
        derivatives::check(&Schatten(f64::INFINITY), &apart, 8.0, &mut rng);
        if m * n > 1 {
            derivatives::check(&Gradient(1.0), &tied, 8.0, &mut rng);
            derivatives::check(&Gradient(3.0), &apart, 16.0, &mut rng);
        }
    }
}

#[test]
fn gradients_satisfy_their_equations() {
    let mut rng = Rng::new(52);
    // At deficient rank the nuclear gradient is the partial isometry of the range, and ⟨gradient, A⟩ is the norm.
    let a: Matrix<f64> = with_singular_values(6, 4, &[3.0, 1.0], &mut rng);
    let g = nuclear_norm_gradient(&a).unwrap();
    assert!((g.dot(&a).unwrap() - 4.0).abs() < 1e-14 && (g.frobenius_squared() - 2.0).abs() < 1e-14);
    assert!((spectral_norm(&g).unwrap() - 1.0).abs() < 1e-14);
    assert!((nuclear_norm(&a).unwrap() - 4.0).abs() < 1e-14);
    let dual = nuclear_norm(&Matrix::from_fn(6, 4, |i, j| Dual::new(a[(i, j)], g[(i, j)]))).unwrap();
    assert!((dual.tangent - 2.0).abs() < 1e-13);
    let balls: Matrix<Ball> = gaussian::<f64>(5, 3, &mut rng).cast();
    assert_overlap(&nuclear_norm_gradient(&balls).unwrap(), &white_box::linalg::polar(&balls).unwrap(), "polar factor");
    let f = frobenius_norm_gradient(&balls).unwrap();
    assert!(f.frobenius_squared().contains(1.0) && f.radius() < 1e-29);
    // Values at 0, where norms have a kink: derivative 0.
    let zero = Matrix::from_fn(2, 2, |_, _| Dual::new(0.0, 1.0));
    for p in P {
        assert_eq!(schatten_norm(&zero, p).unwrap(), Dual::constant(0.0));
    }
}

#[test]
fn errors_say_what() {
    let a = Matrix::<f64>::identity(2);
    for p in [0.5, -1.0, f64::NAN] {
        assert_eq!(schatten_norm(&a, p).unwrap_err().fault().name, "InvalidParameter");
        assert_eq!(schatten_norm_gradient(&a, p).unwrap_err().fault().name, "InvalidParameter");
    }
    assert_eq!(spectral_norm_gradient(&a).unwrap_err().fault().name, "SpectralGapTooSmall");
    assert_eq!(spectral_norm_gradient(&Matrix::<f64>::zeros(0, 2)).unwrap_err().fault().name, "EmptyInput");
    assert_eq!(nuclear_norm_gradient(&Matrix::<Ball>::zeros(2, 2)).unwrap_err().kind(), "undecided");
    assert_eq!(frobenius_norm(&a.scale(f64::NAN)).unwrap_err().kind(), "not-finite");
}
