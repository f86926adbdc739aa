use crate::derivatives::{self, Differentiable};
use crate::matrices::{Double, symmetric, with_spectrum};
use crate::measure::{assert_overlap, distance, norm};
use white_box::linalg::{
    Eigen, Exponential, InverseSquareRoot, Logarithm, Matrix, Reciprocal, SpectralFunction, SquareRoot, spd_inverse, spectral_function,
    spectral_function_vjp, top_k_projector, top_k_projector_vjp, trace_function, trace_function_gradient,
};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

/// A function without a form of its own for divided differences.
struct Cube;
impl SpectralFunction for Cube {
    const NAME: &'static str = "cube";
    fn value<S: Scalar>(&self, x: S) -> S {
        x * x * x
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        S::from_f64(3.0) * x.square()
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        S::from_f64(6.0) * x
    }
}

/// Spectra with condition number 8: apart, with ties, all equal.
const SPECTRA: [&[f64]; 4] =
    [&[4.0, 2.5, 1.0, 0.5], &[4.0, 1.0, 1.0, 1.0, 0.5, 0.5], &[2.0, 2.0, 2.0], &[4.0, 4.0 - 1e-7, 4.0 - 2e-12, 0.5]];

fn identities<S: Scalar>() {
    let mut rng = Rng::stream(20, S::NAME);
    for spectrum in SPECTRA {
        let (a, n) = (with_spectrum::<S>(spectrum, &mut rng), spectrum.len());
        let of = |f: &dyn Fn() -> white_box::Result<Matrix<S>>| f().unwrap();
        // ‖A‖ ≤ 4, ‖A⁻¹‖ ≤ 2; each function has relative condition number at most 8 here, and Eigen an error of 20 n u.
        let bound = 20.0 * (n * n) as f64 * S::UNIT_ROUNDOFF * 8.0 * 4.0;
        let root = of(&|| spectral_function(&a, &SquareRoot));
        assert!(distance(&root.matmul(&root).unwrap(), &a) <= bound, "square root");
        let inverse_root = of(&|| spectral_function(&a, &InverseSquareRoot));
        assert!(distance(&inverse_root.matmul(&root).unwrap(), &Matrix::<S>::identity(n)) <= bound, "inverse square root");
        assert!(distance(&of(&|| spectral_function(&a, &Reciprocal)), &spd_inverse(&a).unwrap()) <= bound, "reciprocal");
        let logarithm = of(&|| spectral_function(&a, &Logarithm));
        assert!(distance(&of(&|| spectral_function(&logarithm, &Exponential)), &a) <= bound, "exponential of logarithm");
        let cube = of(&|| spectral_function(&a, &Cube));
        assert!(distance(&cube, &a.matmul(&a).unwrap().matmul(&a).unwrap()) <= 20.0 * bound, "cube");
        assert_eq!(cube, cube.transpose());
        let trace = trace_function(&a, &Logarithm).unwrap();
        assert!((trace - white_box::linalg::log_det(&a).unwrap()).value().abs() <= bound, "trace of logarithm");
        assert!(distance(&trace_function_gradient(&a, &Logarithm).unwrap(), &spd_inverse(&a).unwrap()) <= bound);
    }
}
#[test]
fn functions_satisfy_their_equations() {
    identities::<f32>();
    identities::<f64>();
    identities::<DoubleDouble>();
}

/// Balls: the square of the enclosed root holds A, the enclosed logarithm of an enclosed exponential holds A, and all is tight, ties included.
#[test]
fn enclosures_hold_and_are_tight() {
    let mut rng = Rng::new(21);
    for spectrum in SPECTRA {
        let a: Matrix<Ball> = with_spectrum::<Double>(spectrum, &mut rng).cast();
        let root = spectral_function(&a, &SquareRoot).unwrap();
        assert_overlap(&root.matmul(&root).unwrap(), &a, "square root");
        assert_overlap(&spectral_function(&a, &Reciprocal).unwrap(), &white_box::linalg::spd_inverse(&a).unwrap(), "reciprocal");
        let exponential = spectral_function(&a, &Exponential).unwrap();
        assert_overlap(&spectral_function(&exponential, &Logarithm).unwrap(), &a, "logarithm of exponential");
        assert_overlap(&spectral_function(&a, &Cube).unwrap(), &a.matmul(&a).unwrap().matmul(&a).unwrap(), "cube");
        assert!(root.radius() < 1e-28 && exponential.radius() < 1e-26);
        assert!(spectral_function(&a.map(|x| x.widen(1e-5)), &SquareRoot).unwrap().radius() < 1e-3);
    }
    let exact = spectral_function(&Matrix::<Ball>::from_diagonal(&[Ball::from_f64(4.0), Ball::from_f64(9.0)]), &SquareRoot).unwrap();
    assert!(exact.radius() == 0.0 && exact[(1, 1)].contains(3.0));
}

struct Of<F>(F);
impl<F: SpectralFunction> Differentiable for Of<F> {
    const NAME: &'static str = F::NAME;
    const SYMMETRIC: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        spectral_function(a, &self.0).unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        spectral_function_vjp(a, &self.0, &Matrix::new(a.rows(), a.rows(), cotangent.to_vec()).unwrap()).unwrap()
    }
}
struct Trace<F>(F);
impl<F: SpectralFunction> Differentiable for Trace<F> {
    const NAME: &'static str = F::NAME;
    const SYMMETRIC: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        vec![trace_function(a, &self.0).unwrap()]
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        trace_function_gradient(a, &self.0).unwrap().scale(cotangent[0])
    }
}
struct TraceGradient<F>(F);
impl<F: SpectralFunction> Differentiable for TraceGradient<F> {
    const NAME: &'static str = F::NAME;
    const SYMMETRIC: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        trace_function_gradient(a, &self.0).unwrap().into_data()
    }
    /// The derivative of f′(A) is its own transpose: forward mode along the symmetrised cotangent, here by way of the function f′ itself.
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        Matrix::new(
            a.rows(),
            a.rows(),
            spectral_function_vjp(a, &Negative, &Matrix::new(a.rows(), a.rows(), cotangent.to_vec()).unwrap()).unwrap().into_data(),
        )
        .unwrap()
    }
}
/// −1/x², the slope of 1/x.
struct Negative;
impl SpectralFunction for Negative {
    const NAME: &'static str = "negative inverse square";
    fn value<S: Scalar>(&self, x: S) -> S {
        -x.square().recip()
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        S::from_f64(2.0) / (x * x.square())
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        S::from_f64(-6.0) / x.square().square()
    }
}
#[test]
fn derivatives_agree_at_ties_too() {
    let mut rng = Rng::new(22);
    for spectrum in SPECTRA {
        let a: Matrix<Double> = with_spectrum(spectrum, &mut rng);
        derivatives::check(&Of(SquareRoot), &a, 8.0, &mut rng);
        derivatives::check(&Of(InverseSquareRoot), &a, 8.0, &mut rng);
        derivatives::check(&Of(Reciprocal), &a, 8.0, &mut rng);
        derivatives::check(&Of(Logarithm), &a, 8.0, &mut rng);
        derivatives::check(&Of(Exponential), &a, 8.0, &mut rng);
        derivatives::check(&Trace(Logarithm), &a, 8.0, &mut rng);
        derivatives::check(&Trace(Cube), &a, 8.0, &mut rng);
    }
    // Divided differences in general, by quadrature where the quotient would cancel.
    for spectrum in &SPECTRA[..3] {
        let a: Matrix<Double> = with_spectrum(spectrum, &mut rng);
        derivatives::check(&Of(Cube), &a, 8.0, &mut rng);
        derivatives::check(&TraceGradient(Reciprocal), &a, 8.0, &mut rng);
    }
}
/// The general divided difference against the exact one of the cube, `x² + xy + y²`, over all gaps.
#[test]
fn divided_differences_do_not_cancel() {
    fn worst<S: Scalar>() -> f64 {
        let mut worst = 0.0f64;
        for k in 0..120 {
            let (x, y) = (S::from_f64(1.25), S::from_f64(1.25) + S::from_f64(2f64.powi(-k)));
            let exact = x.square() + x * y + y.square();
            worst = worst.max((Cube.divided(x, y) - exact).value().abs() / exact.value());
            let exact = (x + y) / (x * y).square();
            worst = worst.max((Negative.divided(x, y) - exact).value().abs() / exact.value().abs());
        }
        worst
    }
    // The quotient loses u^⅛, quadrature leaves gap⁶.
    assert!(worst::<f64>() < f64::UNIT_ROUNDOFF.powf(0.75) && worst::<f32>() < f32::UNIT_ROUNDOFF.powf(0.75));
    assert!(worst::<DoubleDouble>() < DoubleDouble::UNIT_ROUNDOFF.powf(0.75));
    for k in 1..60 {
        let (x, y) = (Ball::exact(1.25), Ball::exact(1.25 + 2f64.powi(-k)));
        assert!(Cube.divided(x, y).overlaps(&(x.square() + x * y + y.square())));
        let wide = Cube.divided(x.widen(2f64.powi(-k)), y);
        assert!(wide.contains_ball(&(x.square() + x * y + y.square())), "the hull");
        for f in [Exponential.divided(x.widen(0.1), y), Logarithm.divided(x.widen(0.1), y)] {
            assert!(f.is_finite());
        }
    }
}

fn projector<S: Scalar>() {
    let mut rng = Rng::stream(23, S::NAME);
    for (spectrum, k) in
        [(&[5.0, 4.0, 1.0, 0.0][..], 2), (&[3.0, 3.0, 3.0, 1.0, 1.0], 3), (&[2.0, -1.0, -1.0], 1), (&[1.0, 1.0], 0), (&[1.0, 1.0], 2)]
    {
        let (a, n) = (with_spectrum::<S>(spectrum, &mut rng), spectrum.len());
        let p = top_k_projector(&a, k).unwrap();
        // Perturbation 20 n u ‖A‖ over a gap of at least 2.
        let bound = 80.0 * (n * n) as f64 * S::UNIT_ROUNDOFF * 5.0;
        assert!(distance(&p.matmul(&p).unwrap(), &p) <= bound && (p.trace().value() - k as f64).abs() <= bound);
        assert!(distance(&p.matmul(&a).unwrap(), &a.matmul(&p).unwrap()) <= 5.0 * bound, "commutes with A");
        assert_eq!(p, p.transpose());
        let captured: f64 = spectrum[..k].iter().sum();
        assert!((p.dot(&a).unwrap().value() - captured).abs() <= 5.0 * bound, "Ky Fan's maximum");
    }
}
struct Top(usize);
impl Differentiable for Top {
    const NAME: &'static str = "projector";
    const SYMMETRIC: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S> {
        top_k_projector(a, self.0).unwrap().into_data()
    }
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S> {
        top_k_projector_vjp(a, self.0, &Matrix::new(a.rows(), a.rows(), cotangent.to_vec()).unwrap()).unwrap()
    }
}
#[test]
fn projectors_project() {
    projector::<f32>();
    projector::<f64>();
    projector::<DoubleDouble>();
    let mut rng = Rng::new(24);
    for (spectrum, k) in [(&[5.0, 4.0, 1.0, 0.0][..], 2), (&[3.0, 3.0, 3.0, 1.0, 1.0], 3), (&[2.0, -1.0, -1.0], 1)] {
        let a: Matrix<Double> = with_spectrum(spectrum, &mut rng);
        derivatives::check(&Top(k), &a, 8.0, &mut rng);
        let (p, plain) = (top_k_projector(&a.cast::<Ball>(), k).unwrap(), top_k_projector(&a, k).unwrap());
        assert!(p.radius() < 1e-27 && distance(&p, &plain) < 1e-27);
        assert_overlap(&p.matmul(&p).unwrap(), &p, "idempotent");
        let b = a.add(&symmetric::<Double>(a.rows(), &mut rng).map(|x| Double::from_f64(1e-4 * x.value().clamp(-1.0, 1.0)))).unwrap();
        let wide = top_k_projector(&a.map(|x| x.to_ball().widen(1e-4)), k).unwrap();
        assert!(wide.radius() < 1e-2);
        assert_overlap(&wide, &top_k_projector(&b.cast::<Ball>(), k).unwrap(), "perturbed");
    }
}

#[test]
fn errors_say_what() {
    let a = Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.0, 1.0]]);
    let error = spectral_function(&a, &Logarithm).unwrap_err();
    assert_eq!((error.kind(), error.fault().at.as_str()), ("domain", "eigenvalue 1"));
    assert_eq!(spectral_function(&a.cast::<Ball>(), &SquareRoot).unwrap_err().kind(), "undecided");
    assert_eq!(top_k_projector(&a, 3).unwrap_err().fault().name, "InvalidRank");
    assert_eq!(top_k_projector(&Matrix::<f64>::identity(3), 1).unwrap_err().fault().name, "SpectralGapTooSmall");
    assert_eq!(top_k_projector(&Matrix::<Ball>::identity(3), 1).unwrap_err().kind(), "undecided");
    assert_eq!(top_k_projector_vjp(&Matrix::<f64>::identity(3), 1, &Matrix::identity(3)).unwrap_err().fault().name, "SpectralGapTooSmall");
    let singular = Matrix::<f64>::from_rows(&[[1.0, 0.0], [0.0, 0.0]]);
    assert_eq!(spectral_function(&singular, &SquareRoot).unwrap()[(0, 0)], 1.0);
    assert_eq!(spectral_function_vjp(&singular, &SquareRoot, &Matrix::identity(2)).unwrap_err().kind(), "not-finite");
    assert_eq!(spectral_function_vjp(&a, &Exponential, &Matrix::identity(3)).unwrap_err().kind(), "shape");
    assert!(norm(&spectral_function(&Matrix::<f64>::zeros(0, 0), &Exponential).unwrap()) == 0.0);
    assert_eq!(Eigen::new(&singular).unwrap().values, [1.0, 0.0]);
}
