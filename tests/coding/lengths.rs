//! Coding lengths.

use crate::{dd, is};
use white_box::coding::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::scalar::{Ball, DoubleDouble, Scalar};

type D = DoubleDouble;

fn eps<S: Scalar>(x: f64) -> Distortion<S> {
    Distortion::Eps(S::from_f64(x))
}

#[test]
fn lengths_to_the_printed_digits() {
    let w = Matrix::<D>::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    for (e, r, linear, affine) in [
        (0.5, "3.0133354014213007", "15.066677007106504", "14.056583103173864"),
        (1.0, "2.140642532436175", "10.703212662180874", "9.399935970074742"),
    ] {
        is(coding_rate(&w, eps(e)).unwrap(), r);
        is(coding_length(&w, eps(e), Model::Linear).unwrap(), linear);
        is(coding_length(&w, eps(e), Model::Affine).unwrap(), affine);
        let samples = coding_length(&w, eps(e), Model::Samples).unwrap();
        assert!((samples - coding_rate(&w, eps(e)).unwrap() * D::from_f64(3.0)).value().abs() < 1e-28);
    }
    // One sample at ε = 10⁻⁸: the Gram matrix of the smaller side has all digits, a naive determinant of the larger has none.
    let one = Matrix::<f64>::from_rows(&[[1.0, 2.0]]);
    is(coding_rate(&one, eps(1e-8)).unwrap(), "19.57197329044939");
    // A line of five samples in the plane, d < m: by singular values.
    let line = Matrix::<f64>::from_rows(&[[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0], [0.5, 1.0], [3.0, 6.0]]);
    let known = 3.5 * Scalar::log1p(2.0 / (5.0 * 1e-16) * line.frobenius_squared());
    let found = coding_length(&line, eps(1e-8), Model::Linear).unwrap();
    // The other singular value is 0 up to u‖W‖, and counts ½(m + d) log(1 + α u²‖W‖²) at most.
    let slack = 3.5 * (2.0 / 5e-16 * (4.0 * f64::EPSILON).powi(2) * line.frobenius_squared());
    assert!((found - known).abs() <= slack + 1e-13 * known, "{found} and {known}");
    assert_eq!(coding_length(&Matrix::<f64>::zeros(0, 3), eps(1.0), Model::Linear).unwrap(), 0.0);
    assert_eq!(coding_length(&one, eps(0.0), Model::Linear).unwrap_err().fault().name, "InvalidDistortion");
}

/// Laws in balls: orthogonal changes on both sides, scale, more for more rows, together dearer than apart without the code.
#[test]
fn lengths_obey_their_laws() {
    let mut rng = Rng::new(4);
    for _ in 0..10 {
        let [a, b] = [5, 3].map(|m| gaussian_matrix(m, 4, &mut rng).map(Ball::exact));
        let both = Matrix::from_fn(8, 4, |i, j| if i < 5 { a[(i, j)] } else { b[(i - 5, j)] });
        let q = haar_orthogonal(4, &mut rng).unwrap().map(Ball::exact);
        // Q is orthogonal to rounding: the change of L is of that order.
        let length = |w: &Matrix<Ball>, e: f64| coding_length(w, eps(e), Model::Linear).unwrap();
        assert!((length(&both.matmul(&q).unwrap(), 0.5) - length(&both, 0.5)).magnitude() < 1e-12);
        for model in [Model::Linear, Model::Affine, Model::Samples] {
            let l = |w: &Matrix<Ball>, e: f64| coding_length(w, eps(e), model).unwrap();
            assert!(l(&both.scale(Ball::exact(4.0)), 2.0).overlaps(&l(&both, 0.5)));
            assert!((l(&both, 0.5) - l(&both, 0.75)).lower() > 0.0);
        }
        let samples = |w: &Matrix<Ball>| coding_length(w, eps(0.5), Model::Samples).unwrap();
        assert!((samples(&a) + samples(&b) - samples(&both)).lower() <= 0.0);
        assert!((samples(&a) - samples(&both)).lower() <= 0.0);
    }
}

/// The length with its code is not concave in the memberships: one sample, the middle of three lies below the chord. Without the d it is.
#[test]
fn the_length_of_shares_is_not_concave() {
    let w = Matrix::<D>::from_rows(&[[1.0], [0.0]]);
    let at = |b: &str, model: Model| {
        let p = |x: D| [x, D::ONE - x];
        let (first, second) = (p(dd("0.1")), p(dd(b)));
        let pi = Matrix::from_fn(2, 2, |i, k| if i == 0 { first[k] } else { second[k] });
        shared_coding_length(&w, &pi, eps(1.0), model).unwrap()
    };
    let [x, y, z] = ["0", "0.1", "0.2"].map(|b| at(b, Model::Linear));
    is(x, "1.340521455962422");
    is(y, "1.4610961629992252");
    is(z, "1.6060038345587482");
    let below = ((x + z) / D::from_f64(2.0) - y).value();
    println!("the middle lies {below:.4} below the chord");
    assert!((below - 0.0122).abs() < 5e-5);
    let [x, y, z] = ["0", "0.1", "0.2"].map(|b| at(b, Model::Samples));
    assert!(((x + z) / D::from_f64(2.0) - y).value() <= 0.0);
    let bad = |row: [f64; 2]| {
        shared_coding_length(&w.map(|x| x.value()), &Matrix::from_rows(&[row, row]), eps(1.0), Model::Linear).unwrap_err().fault().name
    };
    assert_eq!((bad([0.5, 0.25]), bad([1.5, -0.5])), ("WeightsNotNormalised", "NegativeWeight"));
    // Hard memberships: the sum of the groups.
    let w = Matrix::<D>::from_rows(&[[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]);
    let pi = Matrix::from_rows(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
    let whole = shared_coding_length(&w, &pi, eps(0.5), Model::Linear).unwrap();
    let parts = [vec![0, 1], vec![2]].map(|g| {
        let own = coding_length(&w.select_rows(&g).unwrap(), eps(0.5), Model::Linear).unwrap();
        let m = D::from_usize(g.len());
        own - m * (m / D::from_f64(3.0)).ln()
    });
    assert!((whole - parts[0] - parts[1]).value().abs() < 1e-28);
}

#[test]
fn coding_apart_pays_above_a_threshold() {
    for (p, s) in [(1, "12.928203230275509"), (2, "4.82842712474619"), (5, "1.9376200196282587")] {
        let threshold = apart_threshold::<D>(p).unwrap();
        is(threshold, s);
        assert!(apart_gain(p, threshold).value().abs() < 1e-28);
        assert!(apart_gain(p, threshold.value() * 1.001) > 0.0 && apart_gain(p, threshold.value() * 0.999) < 0.0);
    }
    // The gain is that of the rates themselves: two orthogonal planes in R⁴, four samples each, variance v inside.
    let (v, e2): (f64, f64) = (3.0, 0.5);
    let z = Matrix::from_fn(8, 4, |i, j| if j / 2 == i / 4 { (2.0 * v).sqrt() * f64::from(u8::from(i % 2 == j % 2)) } else { 0.0 });
    let half = z.select_rows(&[0, 1, 2, 3]).unwrap();
    let together = coding_rate(&z, Distortion::Eps2(e2)).unwrap();
    let apart = coding_rate(&half, Distortion::Eps2(e2)).unwrap() + std::f64::consts::LN_2;
    let gain = apart_gain(2, 4.0 * v / e2);
    assert!((together - apart - gain).abs() < 1e-13, "{} and {gain}", together - apart);
}
