//! White-box transformers: the worked example to its last printed digit, the laws that are not about one operator, exact denoisers to compare with.

#[path = "transformer/example.rs"]
mod example;

use white_box::Result;
use white_box::coding::Distortion;
use white_box::learn::{Layer, softmax};
use white_box::linalg::Matrix;
use white_box::oracle::{CATALOG, verify};
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::scalar::{Ball, DoubleDouble, Scalar};
use white_box::transformer::*;

#[test]
fn the_worked_example_in_f64() {
    example::check::<f64>(&|found, digits| {
        let known: f64 = digits.parse().unwrap();
        (found.value() - known).abs() <= 4e-15 * (1.0 + known.abs())
    });
}

/// Half a unit of the last printed digit, with the decimal parameters taken exactly.
#[test]
fn the_worked_example_to_its_last_digit() {
    example::check::<DoubleDouble>(&|found, digits| {
        let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let error = (found - DoubleDouble::parse(digits).unwrap()).abs().value();
        error <= 0.5 * 10f64.powi(-(places as i32)) * (1.0 + 1e-9)
    });
}

#[test]
fn every_operator_of_the_room_verifies_on_other_seeds() {
    for entry in CATALOG.iter().filter(|e| e.spec().room == "transformer") {
        for seed in 40..44 {
            let report = verify(*entry, 8, seed);
            assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
        }
    }
}

/// K orthonormal bases of width p that together are complete.
fn complete(k: usize, p: usize, rng: &mut Rng) -> Result<Vec<Matrix<f64>>> {
    let q = haar_orthogonal(k * p, rng)?;
    (0..k).map(|i| q.select_cols(i * p, p)).collect()
}

/// Along a singular direction with s = a σ², order m is the gradient times 1 − (−s)^{m+1}: it converges below s = 1, and above it the odd orders
/// point uphill while the even ones do not.
#[test]
fn odd_orders_point_uphill_where_the_series_diverges() -> Result<()> {
    let eps = Distortion::Eps(1.0);
    // n = p = 1: a = 1, s = z².
    for s in [0.25, 0.81, 1.44, 4.0f64] {
        let z = Matrix::from_rows(&[[s.sqrt()]]);
        let u = [Matrix::identity(1)];
        let exact: f64 = rate_gradient(&z, &u, eps)?[(0, 0)];
        for order in 0..6 {
            let ratio = rate_gradient_neumann(&z, &u, eps, order)?[(0, 0)] / exact;
            let known = 1.0 - (-s).powi(order as i32 + 1);
            assert!(
                (ratio - known).abs() <= 64.0 * f64::EPSILON * s.powi(order as i32 + 1).max(1.0),
                "s = {s}, order {order}: {ratio} for {known}"
            );
            assert_eq!(ratio < 0.0, s > 1.0 && order % 2 == 1, "s = {s}, order {order}");
        }
    }
    Ok(())
}

/// A tied residual `Z + c MSSA` raises R^c on every random trial. Moving towards the averages, `(1 − t) Z + t Σ_k SSA_k U_kᵀ`, lowers it on every trial in which the tokens
/// have equal norms in each head; with the paper's factor a inside MSSA that is so for a ≤ 1 only.
#[test]
fn a_tied_residual_raises_the_rate() -> Result<()> {
    let (mut rng, eps) = (Rng::new(5), Distortion::Eps(0.5));
    for trial in 0..60 {
        let (k, p, n) = (1 + trial % 3, 1 + trial % 4, 3 + trial % 7);
        let u = complete(k, p, &mut rng)?;
        let z = gaussian_matrix(n, k * p, &mut rng);
        let before = subspace_coding_rate(&z, &u, eps)?;
        let after = subspace_coding_rate(&z.add(&mssa(&z, &u, 1.0, 0.7)?)?, &u, eps)?;
        assert!(after > before, "trial {trial}: {before} → {after}");
    }
    for trial in 0..60 {
        let (k, p, n) = (1 + trial % 3, 2 + trial % 3, 3 + trial % 7);
        let u = complete(k, p, &mut rng)?;
        // Unit length in every head: the coordinates are normalised head by head, then put back.
        let mut z = Matrix::zeros(n, k * p);
        for u in &u {
            let mut a = gaussian_matrix(n, p, &mut rng);
            for i in 0..n {
                let norm = a.row(i).iter().map(|x| x * x).sum::<f64>().sqrt();
                a.row_mut(i).iter_mut().for_each(|x| *x /= norm);
            }
            z = z.add(&a.matmul_t(u)?)?;
        }
        let before = subspace_coding_rate(&z, &u, eps)?;
        for t in [0.25, 0.5, 1.0] {
            let averaged = z.scale(1.0 - t).add(&mssa(&z, &u, 1.0, t)?)?;
            let after = subspace_coding_rate(&averaged, &u, eps)?;
            assert!(after <= before * (1.0 + 1e-12), "trial {trial}, t = {t}: {before} → {after}");
        }
        let a = p as f64 / (n as f64 * 0.25);
        let after = subspace_coding_rate(&convex_step(&z, &u, eps, 0.5 / a)?, &u, eps)?;
        assert!(after <= before * (1.0 + 1e-12) || a > 1.0, "trial {trial}, a = {a}: {before} → {after}");
    }
    Ok(())
}

/// `W = softmax(S)` of a symmetric S is a reversible chain: with `π = softmax(log-sum-exp of the rows)`, `π_i W_ij = π_j W_ji`; and moving t of the way from A
/// to WA, t ≤ 2, does not raise the energy weighted by π.
#[test]
fn tied_attention_is_a_reversible_chain() -> Result<()> {
    let mut rng = Rng::new(9);
    for trial in 0..20 {
        let (n, p) = (2 + trial % 6, 1 + trial % 4);
        let a = gaussian_matrix(n, p, &mut rng);
        let s = ssa(&a, &Matrix::identity(p), 0.75)?;
        let logits = a.gram_rows().scale(0.75);
        let lse = Matrix::new(1, n, white_box::learn::log_sum_exp(&logits)?)?;
        let pi = softmax(&lse)?;
        for i in 0..n {
            for j in 0..n {
                let (left, right) = (pi[(0, i)] * s.attention[(i, j)], pi[(0, j)] * s.attention[(j, i)]);
                assert!(
                    (left - right).abs()
                        <= 64.0 * f64::EPSILON * left.max(right) * (1.0 + logits.data().iter().fold(0.0f64, |m, x| m.max(x.abs()))),
                    "{left} ≠ {right}"
                );
            }
        }
        let energy = |m: &Matrix<f64>| (0..n).map(|i| pi[(0, i)] * m.row(i).iter().map(|x| x * x).sum::<f64>()).sum::<f64>();
        for t in [0.25, 0.5, 1.0, 1.5, 2.0] {
            let moved = a.scale(1.0 - t).add(&s.y.scale(t))?;
            assert!(energy(&moved) <= energy(&a) * (1.0 + 1e-13), "t = {t}");
        }
    }
    Ok(())
}

/// A layer of width 64 on 17 tokens is certified to 20 digits.
#[test]
fn a_layer_of_real_width_is_certified() -> Result<()> {
    let mut rng = Rng::new(3);
    let (n, d, heads) = (17, 64, 4);
    let block = example::random_block(d, heads, &mut rng)?;
    let x = gaussian_matrix(n, d, &mut rng);
    let y = example::cast_block::<Ball>(&block).apply(&x.cast(), n)?;
    let (largest, radius) = (y.data().iter().fold(0.0f64, |m, y| m.max(y.magnitude())), y.radius());
    assert!((largest / radius).log10() >= 20.0, "{largest} ± {radius}");
    let plain = block.apply(&x, n)?;
    let double = example::cast_block::<DoubleDouble>(&block).apply(&x.cast(), n)?;
    for (k, y) in y.data().iter().enumerate() {
        assert!(y.contains_double(double.data()[k]));
        assert!((y.mid().value() - plain.data()[k]).abs() <= 1e-12 * largest);
    }
    Ok(())
}
