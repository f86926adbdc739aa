use crate::matrices::draw;
use crate::measure::Worst;
use white_box::linalg::{Complex, Dft, Dft2, dft_definition, dft_real, inverse_dft_real, root_of_unity};
use white_box::random::Rng;
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};

fn signal<S: Scalar>(n: usize, rng: &mut Rng) -> Vec<Complex<S>> {
    (0..n).map(|_| Complex::new(S::from_ball(draw(rng).to_ball()), S::from_ball(draw(rng).to_ball()))).collect()
}
fn balls<S: Scalar>(x: &[Complex<S>]) -> Vec<Complex<Ball>> {
    x.iter().map(|x| Complex::new(x.re.to_ball(), x.im.to_ball())).collect()
}
fn length<S: Scalar>(x: &[Complex<S>]) -> f64 {
    x.iter().map(|x| x.re.to_ball().magnitude().powi(2) + x.im.to_ball().magnitude().powi(2)).sum::<f64>().sqrt()
}
fn gap<S: Scalar, T: Scalar>(x: &[Complex<S>], y: &[Complex<T>]) -> f64 {
    length(&balls(x).into_iter().zip(balls(y)).map(|(x, y)| x - y).collect::<Vec<_>>())
}
fn forward<S: Scalar>(x: &[Complex<S>]) -> Vec<Complex<S>> {
    let mut y = x.to_vec();
    Dft::new(x.len()).unwrap().forward(&mut y).unwrap();
    y
}

const LENGTHS: [usize; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 31, 64, 100, 127, 128];

/// Roots to two units of roundoff; where they are rational, exactly.
fn roots<S: Scalar>() {
    for n in 1..=40usize {
        for k in 0..n {
            let w = root_of_unity::<S>(k, n);
            let angle = Ball::pi() * Ball::from_usize(2 * k) / Ball::from_usize(n);
            let exact = [Complex::new(Scalar::cos(angle), -Scalar::sin(angle))];
            assert!(gap(&[w], &exact) <= 6.0 * S::UNIT_ROUNDOFF, "{k}/{n}");
            assert!(root_of_unity::<S>(n - k, n) == w.conj() && root_of_unity::<S>(k + n, n) == w);
            if (4 * k) % n == 0 {
                assert!(w.norm_squared() == S::ONE && (w.re == S::ZERO || w.im == S::ZERO), "quarter turns are exact");
            }
        }
    }
}
#[test]
fn roots_of_unity_are_right() {
    roots::<f32>();
    roots::<f64>();
    roots::<DoubleDouble>();
}

/// Higham's Theorem 24.2: `η = μ + γ₄(√2 + μ)` a stage, here with μ ≤ 6u; the chirp form three transforms of length m ≥ 2n − 1, and a signal of
/// length √m‖x‖ on the way.
fn accuracy<S: Scalar>() {
    let mut rng = Rng::stream(80, S::NAME);
    let (mut radix, mut chirp, mut definition, mut back) =
        (Worst::of("radix 2"), Worst::of("chirp transform"), Worst::of("definition"), Worst::of("there and back"));
    for n in LENGTHS {
        let x = signal::<S>(n, &mut rng);
        let exact = dft_definition(&balls(&x));
        let y = forward(&x);
        let stages = (2 * n).next_power_of_two().trailing_zeros() as f64;
        let eta = 12.0 * S::UNIT_ROUNDOFF;
        let slack = exact.iter().map(|x| x.re.rad() + x.im.rad()).sum::<f64>();
        match n.is_power_of_two() {
            true => radix.see(gap(&y, &exact), stages * eta * length(&exact) + slack, n),
            false => chirp.see(gap(&y, &exact), (3.0 * stages + 6.0) * eta * (2.0 * n as f64).sqrt() * length(&exact) + slack, n),
        }
        definition.see(
            gap(&dft_definition(&x), &exact),
            (n as f64 + 7.0) * 2.0 * S::UNIT_ROUNDOFF * (n as f64).sqrt() * length(&exact) + slack,
            n,
        );
        let mut z = y.clone();
        Dft::new(n).unwrap().inverse(&mut z).unwrap();
        // Twice the bound of one transform: each of length n, the inverse divided by n.
        let one = if n.is_power_of_two() { stages * eta } else { (3.0 * stages + 6.0) * eta * (2.0 * n as f64).sqrt() };
        back.see(gap(&z, &x), 2.0 * one * length(&x), n);
    }
    [radix, chirp, definition, back].iter().for_each(|w| w.check(1000.0));
}
#[test]
fn transforms_agree_with_the_definition() {
    accuracy::<f32>();
    accuracy::<f64>();
    accuracy::<DoubleDouble>();
    // Balls: both forms enclose the same numbers, tightly.
    let mut rng = Rng::new(81);
    for n in LENGTHS {
        let x = signal::<Ball>(n, &mut rng);
        for (a, b) in forward(&x).iter().zip(dft_definition(&x)) {
            assert!(a.re.overlaps(&b.re) && a.im.overlaps(&b.im) && a.re.rad() < 1e-26 && a.im.rad() < 1e-26);
        }
    }
}

#[test]
fn conventions_are_those_stated() {
    // Impulse, constant, shifted impulse, one wave.
    assert!(forward(&[1.0, 0.0, 0.0, 0.0].map(Complex::real)).iter().all(|y| *y == Complex::real(1.0)));
    assert_eq!(forward(&[1.0; 4].map(Complex::real)), [4.0, 0.0, 0.0, 0.0].map(Complex::real));
    assert_eq!(forward(&[0.0, 1.0, 0.0, 0.0].map(Complex::real))[1], Complex::new(0.0, -1.0), "the forward sign is minus");
    let y = forward(&[1.0, 2.0, 3.0].map(Complex::real));
    assert!((y[0].re - 6.0).abs() < 1e-14 && (y[1].re + 1.5).abs() < 1e-14 && (y[1].im - 0.75f64.sqrt()).abs() < 1e-14);
    assert!((y[2].im + 0.75f64.sqrt()).abs() < 1e-14, "frequency n − 1 is frequency −1");
    let y = dft_real(&[1.0, 2.0, 3.0]).unwrap();
    assert!(inverse_dft_real(&y).unwrap().iter().zip([1.0, 2.0, 3.0]).all(|(x, y)| (x - y).abs() < 1e-15));
    assert!(dft_real::<f64>(&[]).unwrap().is_empty() && Dft::<f64>::new(0).unwrap().is_empty() && Dft::<f64>::new(3).unwrap().len() == 3);
}

#[test]
fn laws_hold() {
    let mut rng = Rng::new(82);
    for n in LENGTHS {
        let (x, y) = (signal::<f64>(n, &mut rng), signal::<f64>(n, &mut rng));
        let (fx, fy) = (forward(&x), forward(&y));
        let unit = 64.0 * f64::UNIT_ROUNDOFF * n as f64 * length(&x) * (1.0 + length(&y)) * n as f64;
        assert!((length(&fx).powi(2) - n as f64 * length(&x).powi(2)).abs() <= unit * length(&x), "Parseval");
        // Circular convolution becomes a product, a shift a phase.
        let convolved: Vec<Complex<f64>> = (0..n).map(|t| (0..n).fold(Complex::ZERO, |sum, s| sum + x[s] * y[(t + n - s) % n])).collect();
        assert!(gap(&forward(&convolved), &fx.iter().zip(&fy).map(|(&a, &b)| a * b).collect::<Vec<_>>()) <= unit, "convolution");
        let shifted: Vec<Complex<f64>> = (0..n).map(|t| x[(t + n - 1) % n]).collect();
        let phased: Vec<Complex<f64>> = fx.iter().enumerate().map(|(p, &a)| a * root_of_unity(p, n)).collect();
        assert!(gap(&forward(&shifted), &phased) <= unit, "shift");
        let real = dft_real(&x.iter().map(|x| x.re).collect::<Vec<_>>()).unwrap();
        assert!((0..n).all(|p| gap(&[real[p]], &[real[(n - p) % n].conj()]) <= unit), "a real signal");
        // ⟨Fx, y⟩ = ⟨x, Fᴴy⟩ as real inner products of pairs: the gradient.
        let mut pulled = y.clone();
        Dft::new(n).unwrap().adjoint(&mut pulled).unwrap();
        let dot = |a: &[Complex<f64>], b: &[Complex<f64>]| a.iter().zip(b).map(|(a, b)| a.re * b.re + a.im * b.im).sum::<f64>();
        assert!((dot(&fx, &y) - dot(&x, &pulled)).abs() <= unit, "adjoint");
        // Dual numbers are linear.
        let dual: Vec<Complex<Dual<f64>>> =
            x.iter().zip(&y).map(|(x, y)| Complex::new(Dual::new(x.re, y.re), Dual::new(x.im, y.im))).collect();
        let moved: Vec<Complex<f64>> = forward(&dual).iter().map(|z| Complex::new(z.re.tangent, z.im.tangent)).collect();
        assert!(gap(&moved, &fy) <= unit, "tangents transform like values");
    }
}

#[test]
fn two_dimensions_are_two_transforms() {
    let mut rng = Rng::new(83);
    for (h, w) in [(1, 1), (4, 8), (3, 5), (6, 1), (7, 4)] {
        let x = signal::<f64>(h * w, &mut rng);
        let plan = Dft2::new(h, w).unwrap();
        let mut y = x.clone();
        plan.forward(&mut y).unwrap();
        let unit = 64.0 * f64::UNIT_ROUNDOFF * (h * w) as f64 * length(&x);
        for p in 0..h {
            for q in 0..w {
                let sum =
                    (0..h * w).fold(Complex::ZERO, |sum, k| sum + x[k] * root_of_unity(p * (k / w), h) * root_of_unity(q * (k % w), w));
                assert!(gap(&[sum], &[y[p * w + q]]) <= unit, "the definition");
            }
        }
        let mut z = y.clone();
        plan.inverse(&mut z).unwrap();
        assert!(gap(&z, &x) <= unit);
        let (c, mut pulled) = (signal::<f64>(h * w, &mut rng), Vec::new());
        pulled.extend_from_slice(&c);
        plan.adjoint(&mut pulled).unwrap();
        let dot = |a: &[Complex<f64>], b: &[Complex<f64>]| a.iter().zip(b).map(|(a, b)| a.re * b.re + a.im * b.im).sum::<f64>();
        assert!((dot(&y, &c) - dot(&x, &pulled)).abs() <= unit * length(&c));
    }
    let mut empty: Vec<Complex<f64>> = vec![];
    assert!(Dft2::new(0, 3).unwrap().forward(&mut empty).is_ok());
}

#[test]
fn errors_say_what() {
    let mut three = [Complex::real(1.0); 3];
    assert_eq!(Dft::new(4).unwrap().forward(&mut three).unwrap_err().kind(), "shape");
    assert_eq!(Dft2::new(2, 2).unwrap().inverse(&mut three).unwrap_err().kind(), "shape");
    assert_eq!(Dft::<f64>::new(1 << 40).unwrap_err().kind(), "unsupported");
}
