//! Numbers of the literature and of independent high-precision computations, to the last digit written, against certified enclosures.

use white_box::linalg::Matrix;
use white_box::oracle::{Case, Number, Tensor, Values, digits, find};
use white_box::scalar::Ball;

/// The output encloses what is written, give or take one unit in its last digit.
fn is(op: &str, case: &Case, port: &str, written: &str) {
    let found = find(op).unwrap().eval_in(Number::Ball, case).unwrap().scalar(port).unwrap();
    assert!(found.rad() < 1e-20, "{op}: {found:?} certifies too little");
    assert!(found.overlaps(&digits(written)), "{op}/{port}: {found:?}, expected {written}");
}
fn matrix(rows: &[&[f64]]) -> Matrix<Ball> {
    Matrix::from_fn(rows.len(), rows[0].len(), |i, j| Ball::exact(rows[i][j]))
}

#[test]
fn six_samples_in_three_classes() {
    let z = matrix(&[&[1.0, 2.0, 0.0], &[0.0, 1.0, 1.0], &[2.0, 0.0, 1.0], &[1.0, 1.0, 1.0], &[0.0, -1.0, 2.0], &[1.0, 0.0, -1.0]]);
    let plain = Case::new(Values::new().with("z", z.clone())).set("eps2", 0.5);
    is("coding_rate", &plain, "value", "3.0688635270431170370");
    let labels = Tensor { shape: vec![6], data: vec![0, 0, 1, 1, 2, 2] };
    let hard = plain.clone().input("labels", labels);
    is("conditional_rate", &hard, "value", "2.1718190888399472753");
    is("rate_reduction", &hard, "value", "0.89704443820316976173");
    let pi = matrix(&[&[0.5, 0.25, 0.25], &[0.75, 0.25, 0.0], &[0.0, 1.0, 0.0], &[0.25, 0.5, 0.25], &[0.0, 0.0, 1.0], &[0.25, 0.25, 0.5]]);
    let soft = plain.input("pi", pi);
    is("conditional_rate", &soft, "value", "2.6930092520274469757");
    is("rate_reduction", &soft, "value", "0.37585427501567006135");
}

#[test]
fn distances_of_second_moments() {
    let sets = [matrix(&[&[1.0, 0.0], &[0.0, 1.0]]), matrix(&[&[1.0, 1.0], &[1.0, -1.0]]), matrix(&[&[2.0, 0.0], &[0.0, 0.0]])];
    for (a, b, written) in [(0, 1, "0.0204109972601275648"), (0, 2, "0.0801809699132684405"), (1, 2, "0.0880551483973380248")] {
        let case = Case::new(Values::new().with("z", sets[a].clone()).with("z_hat", sets[b].clone())).set("eps2", 1.0);
        is("ctrl_distance", &case, "value", written);
    }
}

#[test]
fn two_images_in_three_views() {
    // Sixths and eighths of ten are no binary numbers: the written values hold for the decimals, so the inputs are balls around those.
    let tenth = |x: f64| Ball::exact(x) / Ball::exact(10.0);
    let tensor = |v: usize, x: &[f64]| Tensor { shape: vec![v, 2, 2], data: x.iter().map(|&x| tenth(x)).collect() };
    let student = tensor(3, &[10.0, 0.0, 6.0, 8.0, 0.0, 10.0, 8.0, 6.0, 8.0, -6.0, 10.0, 0.0]);
    let teacher = tensor(2, &[8.0, 6.0, 0.0, 10.0, 6.0, -8.0, 10.0, 0.0]);
    let case = Case::new(Values::new().with("student", student).with("teacher", teacher)).set("eps2", 0.5);
    for (processes, mean, written) in [
        (1.0, 0.0, "1.01143559509572082"),
        (1.0, 1.0, "0.74919293328216336"),
        (2.0, 0.0, "0.484493880618243484"),
        (2.0, 1.0, "0.354868109927440584"),
    ] {
        let case = case.clone().set("processes", processes).set("expa_type", mean);
        is("simdino_loss", &case, "expa", written);
    }
    is("simdino_loss", &case.clone().set("expa_type", 0.0), "comp", "0.58");
    is("simdino_loss", &case.set("expa_type", 0.0), "loss", "-1.59143559509572082");
}
