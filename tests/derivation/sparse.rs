//! Laws of the sparsifying half.

use crate::{U, norm};
use white_box::Result;
use white_box::linalg::{Matrix, spectral_norm};
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::transformer::*;

/// What the step leaves in place is a solution: `(ADᵀ − Y)D + λ ≥ 0`, `A ≥ 0`, and one of the two is 0 everywhere; and the step finds such a point.
#[test]
fn fixed_points_of_the_step_are_the_solutions() -> Result<()> {
    let mut rng = Rng::new(11);
    let (n, d, m, lambda) = (4, 5, 8, 0.3);
    let dictionary = gaussian_matrix(d, m, &mut rng);
    let y = gaussian_matrix(n, d, &mut rng);
    let eta = 0.99 / spectral_norm(&dictionary)?.powi(2);
    let mut a = Matrix::zeros(n, m);
    let mut last = f64::INFINITY;
    for step in 0..200_000 {
        let next = ista_step(&a, &y, &dictionary, eta, lambda, Shrink::NonNegative)?;
        let moved = norm(&next.sub(&a)?);
        a = next;
        last = moved;
        if moved <= 4.0 * U * norm(&a) {
            break;
        }
        assert!(step < 199_999, "still moving by {moved}");
    }
    let slope = a.matmul_t(&dictionary)?.sub(&y)?.matmul(&dictionary)?.map(|x| x + lambda);
    // A move of `last` in the codes is one of `last / η` in the slope.
    let tolerance = (last + 64.0 * U * norm(&a)) / eta;
    for (x, s) in a.data().iter().zip(slope.data()) {
        assert!(*x >= 0.0 && *s >= -tolerance && (*x == 0.0 || s.abs() <= tolerance), "code {x}, slope {s}");
    }
    assert!(a.data().contains(&0.0) && a.data().iter().any(|&x| x > 0.0));
    Ok(())
}

/// In an orthogonal dictionary the solution is the soft threshold of the coefficients: one step with η = 1 is there from anywhere, a step η leaves 1 − η of the way at most.
#[test]
fn an_orthogonal_dictionary_needs_one_step() -> Result<()> {
    let mut rng = Rng::new(12);
    let (n, d, lambda) = (6, 5, 0.4);
    let q = haar_orthogonal(d, &mut rng)?;
    let y = gaussian_matrix(n, d, &mut rng);
    let solution = y.matmul(&q)?.map(|x| x.signum() * (x.abs() - lambda).max(0.0));
    let start = gaussian_matrix(n, d, &mut rng);
    let tolerance = 64.0 * d as f64 * U * (norm(&y) + norm(&start));
    assert!(norm(&ista_step(&start, &y, &q, 1.0, lambda, Shrink::Soft)?.sub(&solution)?) <= tolerance);
    let mut a = start.clone();
    for t in 1..=30 {
        a = ista_step(&a, &y, &q, 0.1, lambda, Shrink::Soft)?;
        let left = norm(&a.sub(&solution)?) / norm(&start.sub(&solution)?);
        assert!(left <= 0.9f64.powi(t) + tolerance, "step {t}: {left}");
    }
    // With every atom and its negative, non-negative codes do what signed ones do.
    let both = Matrix::from_fn(d, 2 * d, |i, j| if j < d { q[(i, j)] } else { -q[(i, j - d)] });
    let codes = ista_step(&Matrix::zeros(n, 2 * d), &y, &both, 1.0, lambda, Shrink::NonNegative)?;
    assert!(norm(&codes.matmul_t(&both)?.sub(&solution.matmul_t(&q)?)?) <= tolerance);
    Ok(())
}

/// A rotation of tokens and dictionary together changes what comes out: this is what picks axes that the rates alone leave open.
#[test]
fn sparsity_breaks_the_rotation_symmetry() -> Result<()> {
    let mut rng = Rng::new(13);
    let (z, d, q) = (gaussian_matrix(6, 4, &mut rng), gaussian_matrix(4, 4, &mut rng), haar_orthogonal(4, &mut rng)?);
    let turned = crate_ista(&z.matmul(&q)?, &q.t_matmul(&d)?.matmul(&q)?, 0.1, 0.1)?;
    let straight = crate_ista(&z, &d, 0.1, 0.1)?.matmul(&q)?;
    assert!(norm(&turned.sub(&straight)?) > 0.5 * norm(&straight));
    let zeros = |m: &Matrix<f64>| m.data().iter().filter(|x| **x == 0.0).count();
    assert!(zeros(&turned) > 0 && zeros(&straight) == 0);
    Ok(())
}
