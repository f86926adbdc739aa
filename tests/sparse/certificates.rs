//! Solutions, their certificates, the path, screening.

use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{Ball, DoubleDouble, Scalar};
use white_box::sparse::*;
use white_box::{Error, Result};

const U: f64 = f64::UNIT_ROUNDOFF;

/// A random problem: a few samples, unit atoms, λ a share of λ_max.
fn problem(rng: &mut Rng, codes: Codes) -> Result<(Lasso<f64>, Matrix<f64>)> {
    let (d, m, n) = (2 + rng.below(8), 1 + rng.below(16), 1 + rng.below(3));
    let mut a = gaussian_matrix(m, d, rng);
    for i in 0..m {
        let norm = a.row(i).iter().map(|x| x * x).sum::<f64>().sqrt();
        a.row_mut(i).iter_mut().for_each(|x| *x /= norm);
    }
    let x = gaussian_matrix(n, d, rng);
    let lasso = Lasso::new(a, 0.0, codes)?;
    let lambda = lasso.lambda_max(&x)? * (0.02 + 0.9 * rng.uniform()) + 1e-3;
    Ok((lasso.at(lambda)?, x))
}
/// The condition number of the Gram matrix of the support, the largest over rows.
fn condition(lasso: &Lasso<f64>, z: &Matrix<f64>) -> Result<f64> {
    let mut worst = 1.0f64;
    for i in 0..z.rows() {
        let on: Vec<usize> = (0..z.cols()).filter(|&j| z[(i, j)] != 0.0).collect();
        if !on.is_empty() {
            let sigma = white_box::linalg::Svd::new(&lasso.atoms().select_rows(&on)?)?.sigma;
            worst = worst.max((sigma[0] / sigma[sigma.len() - 1]).powi(2));
        }
    }
    Ok(worst)
}

#[test]
fn solutions_satisfy_the_optimality_conditions() -> Result<()> {
    let mut rng = Rng::new(1);
    for trial in 0..200 {
        let codes = if trial % 2 == 0 { Codes::Signed } else { Codes::NonNegative };
        let (lasso, x) = problem(&mut rng, codes)?;
        let (solution, certificate) = lasso.solve_certified(&x)?;
        let kappa = condition(&lasso, &solution.z)?;
        let size = x.frobenius_squared().sqrt();
        // A stable solve leaves κ u ‖rhs‖ in z, and the correlations see that times ‖A_S‖² ≤ k.
        let k = lasso.atoms().cols() as f64;
        let allowed = 64.0 * k * k * U * kappa * (size + lasso.lambda());
        assert!(certificate.kkt <= allowed, "trial {trial}: KKT {} of {allowed}", certificate.kkt);
        assert!(certificate.gap.abs() <= allowed * (size + 1.0) * 4.0, "trial {trial}: gap {}", certificate.gap);
        // Every other point costs at least the dual value, and the same to 31 digits.
        let other = lasso.step(&x, &gaussian_matrix(x.rows(), solution.z.cols(), &mut rng).map(f64::abs), 0.3)?;
        assert!(lasso.objective(&x, &other)? >= certificate.dual - allowed * size);
        let wide = Lasso::<DoubleDouble>::new(lasso.atoms().cast(), DoubleDouble::from_f64(lasso.lambda()), codes)?;
        let (fine, sharp) = wide.solve_certified(&x.cast())?;
        assert!(sharp.kkt.value() <= allowed * 1e-13, "trial {trial}: {:?}", sharp.kkt);
        assert!((fine.value.value() - solution.value).abs() <= allowed * (size + 1.0));
    }
    Ok(())
}

#[test]
fn descent_agrees_with_the_finite_search() -> Result<()> {
    let mut rng = Rng::new(2);
    for trial in 0..40 {
        let codes = if trial % 2 == 0 { Codes::Signed } else { Codes::NonNegative };
        let (lasso, x) = problem(&mut rng, codes)?;
        let best = lasso.solve(&x)?;
        let zero = Matrix::zeros(x.rows(), lasso.atoms().rows());
        for method in [Method::Ista, Method::Fista] {
            let found = lasso.descend(method, &x, &zero, 1e-9, 200_000)?;
            assert!(found.converged, "trial {trial} {method:?}: {:?} after {}", found.certificate, found.steps);
            let behind = found.certificate.primal - best.value;
            assert!(behind <= found.certificate.gap + 1e-14 && behind >= -1e-13 * (1.0 + best.value), "trial {trial}: {behind}");
            // ‖(z − z*)A‖² ≤ 2 gap.
            let apart = found.z.sub(&best.z)?.matmul(lasso.atoms())?.frobenius_squared();
            assert!(apart <= 2.0 * found.certificate.gap + 1e-13, "trial {trial}: {apart}");
        }
    }
    // Where the budget ends first, the certificate says so.
    let (lasso, x) = problem(&mut rng, Codes::Signed)?;
    let cut = lasso.descend(Method::Ista, &x, &Matrix::zeros(x.rows(), lasso.atoms().rows()), 0.0, 3)?;
    assert!(!cut.converged && cut.steps == 3 && cut.certificate.gap > 0.0);
    Ok(())
}

/// Both theorems hold at every step on many problems, and neither rate is reached by a step four times too long.
#[test]
fn rates_of_ista_and_fista() -> Result<()> {
    let mut rng = Rng::new(3);
    let mut ahead = 0;
    for trial in 0..30 {
        let codes = if trial % 2 == 0 { Codes::Signed } else { Codes::NonNegative };
        let (lasso, x) = problem(&mut rng, codes)?;
        let (best, eta) = (lasso.solve(&x)?, lasso.step_size()?);
        let reach = best.z.frobenius_squared();
        let zero = Matrix::zeros(x.rows(), lasso.atoms().rows());
        let mut last = [0.0; 2];
        for (i, method) in [Method::Ista, Method::Fista].into_iter().enumerate() {
            let mut previous = lasso.objective(&x, &zero)?;
            let mut wrong = Vec::new();
            lasso.iterate(method, &x, &zero, eta, 60, |k, z| {
                let value = lasso.objective(&x, z).unwrap();
                let k = k as f64;
                let bound = if method == Method::Ista { reach / (2.0 * eta * k) } else { 2.0 * reach / (eta * (k + 1.0).powi(2)) };
                let slack = 1e-13 * (1.0 + value);
                if value - best.value > bound + slack || method == Method::Ista && value > previous + slack {
                    wrong.push((k, value, bound));
                }
                previous = value;
                last[i] = value - best.value;
            })?;
            assert!(wrong.is_empty(), "trial {trial} {method:?}: {wrong:?}");
        }
        ahead += usize::from(last[1] <= last[0] + 1e-12);
        if reach > 0.0 {
            // Steps of 4/L leave the solution: L is no loose bound.
            let far = lasso.iterates(Method::Ista, &x, 4.0 / lasso.lipschitz()?, 400)?;
            let near = lasso.iterates(Method::Ista, &x, eta, 400)?;
            assert!(lasso.objective(&x, &near)? <= lasso.objective(&x, &far.map(|z| if z.is_finite() { z } else { 1e9 }))? + 1e-12);
        }
    }
    assert!(ahead >= 20, "FISTA was ahead of ISTA after 60 steps in {ahead} of 30");
    Ok(())
}

fn golden<S: Scalar>(lambda: f64) -> Result<Lasso<S>> {
    let part = |p: f64, q: f64| S::from_f64(p) / S::from_f64(q);
    let a = Matrix::from_fn(3, 2, |i, j| [[S::ONE, S::ZERO], [S::ZERO, S::ONE], [part(3.0, 5.0), part(4.0, 5.0)]][i][j]);
    Lasso::new(a, S::from_f64(lambda), Codes::Signed)
}

/// Knots at 11/5 and 6/5; between them z₃ = 11/5 − λ, below z₂ = (6 − 5λ)/9, z₃ = (15 − 5λ)/9.
#[test]
fn the_path_of_the_worked_example() -> Result<()> {
    let x = Matrix::<Ball>::from_rows(&[[1.0, 2.0]]);
    let path = golden::<Ball>(0.0)?.path(&x, Ball::exact(0.03125))?;
    let part = |p: f64, q: f64| Ball::exact(p) / Ball::exact(q);
    let lambdas: Vec<Ball> = path.knots.iter().map(|k| k.lambda).collect();
    assert_eq!(lambdas.len(), 3);
    for (found, known) in lambdas.iter().zip([part(11.0, 5.0), part(6.0, 5.0), Ball::exact(0.03125)]) {
        assert!(found.overlaps(&known) && found.rad() < 1e-28, "{found:?} {known:?}");
    }
    for (lambda, z) in [(1.75, [Ball::ZERO, Ball::ZERO, part(9.0, 20.0)]), (0.75, [Ball::ZERO, part(2.25, 9.0), part(11.25, 9.0)])] {
        for (found, known) in path.at(Ball::exact(lambda))?.iter().zip(z) {
            assert!(found.overlaps(&known) && found.rad() < 1e-27, "λ = {lambda}: {found:?} {known:?}");
        }
    }
    assert!(path.at(Ball::exact(3.0))?.iter().all(|z| *z == Ball::ZERO));
    assert!(matches!(path.at(Ball::exact(0.01)), Err(Error::Domain(_))));
    Ok(())
}

/// Along the path: solutions at λ between knots; `P*` rises and is concave in λ, `‖z‖₁` falls, `‖r‖` rises.
#[test]
fn paths_pass_through_the_solutions() -> Result<()> {
    let mut rng = Rng::new(4);
    for trial in 0..60 {
        let codes = if trial % 2 == 0 { Codes::Signed } else { Codes::NonNegative };
        let (lasso, x) = problem(&mut rng, codes)?;
        let x = x.select_rows(&[0])?;
        let top = lasso.lambda_max(&x)?;
        if top < 1e-3 {
            continue;
        }
        let path = lasso.path(&x, 0.03 * top)?;
        assert!(path.knots.windows(2).all(|k| k[0].lambda > k[1].lambda));
        let mut rows: Vec<[f64; 3]> = Vec::new();
        for i in 0..24 {
            let lambda = 0.03 * top + (i as f64 + 0.37) / 24.0 * 0.96 * top;
            let at = lasso.at(lambda)?;
            let z = Matrix::new(1, at.atoms().rows(), path.at(lambda)?)?;
            let (solution, certificate) = at.solve_certified(&x)?;
            let kappa = condition(&at, &solution.z)?;
            let allowed = 1e3 * U * kappa * (1.0 + x.frobenius_squared().sqrt());
            let apart = z.sub(&solution.z)?.frobenius_squared().sqrt();
            assert!(apart <= allowed, "trial {trial}, λ = {lambda}: {apart} of {allowed}");
            let fit = x.sub(&z.matmul(at.atoms())?)?.frobenius_squared().sqrt();
            rows.push([certificate.primal, z.data().iter().map(|z| z.abs()).sum(), fit]);
        }
        for w in rows.windows(2) {
            assert!(w[1][0] >= w[0][0] - 1e-12 && w[1][1] <= w[0][1] + 1e-9 && w[1][2] >= w[0][2] - 1e-9, "trial {trial}: {w:?}");
        }
        for w in rows.windows(3) {
            assert!(w[1][0] >= 0.5 * (w[0][0] + w[2][0]) - 1e-12, "trial {trial}: P* is not concave: {w:?}");
        }
    }
    Ok(())
}

/// No active atom is ever screened, and near the solution most inactive ones are.
#[test]
fn screening_is_safe() -> Result<()> {
    let mut rng = Rng::new(5);
    let (mut screened, mut inactive) = (0, 0);
    for trial in 0..60 {
        let codes = if trial % 2 == 0 { Codes::Signed } else { Codes::NonNegative };
        let (lasso, x) = problem(&mut rng, codes)?;
        let best = lasso.solve(&x)?.z;
        let eta = lasso.step_size()?;
        for steps in [0, 1, 5, 25, 400] {
            let z = lasso.iterates(Method::Fista, &x, eta, steps)?;
            let out = lasso.screen(&x, &z, 1e-9)?;
            for (k, &gone) in out.iter().enumerate() {
                assert!(!gone || best.data()[k] == 0.0, "trial {trial}, {steps} steps: an active atom was screened");
            }
            if steps == 400 {
                screened += out.iter().filter(|&&g| g).count();
                inactive += best.data().iter().filter(|&&z| z == 0.0).count();
            }
        }
    }
    assert!(screened * 10 >= inactive * 9, "{screened} of {inactive}");
    Ok(())
}

/// Repeated, opposite, parallel and zero atoms: codes are then not unique, but the value is, and the certificate holds.
#[test]
fn dependent_atoms_have_a_solution() -> Result<()> {
    let mut rng = Rng::new(6);
    for trial in 0..60 {
        let (d, m) = (1 + trial % 4, 3 + trial % 9);
        let base = gaussian_matrix(1 + trial % 3, d, &mut rng);
        let a = Matrix::from_fn(m, d, |i, j| base[(i % base.rows(), j)] * [1.0, -1.0, 0.5, 0.0, 1.0][(i / base.rows()) % 5]);
        let x = gaussian_matrix(2, d, &mut rng);
        for codes in [Codes::Signed, Codes::NonNegative] {
            let lasso = Lasso::new(a.clone(), 0.125, codes)?;
            let (solution, certificate) = lasso.solve_certified(&x)?;
            let size = 1.0 + x.frobenius_squared();
            assert!(certificate.gap <= 1e-11 * size, "trial {trial} {codes:?}: {certificate:?}");
            let found = lasso.descend(Method::Fista, &x, &Matrix::zeros(2, m), 1e-10, 100_000)?;
            assert!((found.certificate.primal - solution.value).abs() <= found.certificate.gap + 1e-11 * size, "trial {trial}");
        }
    }
    Ok(())
}

/// The whole of x = Σ(±1) e_j: every degree of tie at once.
#[test]
fn ties_are_settled() -> Result<()> {
    let a = Matrix::<f64>::identity(6);
    let x = Matrix::from_rows(&[[1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]);
    let lasso = Lasso::new(a, 0.25, Codes::Signed)?;
    assert_eq!(lasso.solve(&x)?.z, x.map(|x| x * 0.75));
    assert_eq!(lasso.at(1.0)?.solve(&x)?.z, Matrix::zeros(1, 6));
    Ok(())
}

#[test]
fn bad_input_is_refused() -> Result<()> {
    let a = Matrix::<f64>::identity(2);
    let x = Matrix::from_rows(&[[1.0, 2.0]]);
    assert!(matches!(Lasso::new(a.clone(), -1.0, Codes::Signed), Err(Error::Domain(_))));
    assert!(matches!(Lasso::new(a.clone(), f64::NAN, Codes::Signed), Err(Error::NotFinite(_))));
    assert!(matches!(Lasso::<f64>::new(Matrix::zeros(0, 2), 1.0, Codes::Signed), Err(Error::Shape(_))));
    let lasso = Lasso::new(a, 0.0, Codes::NonNegative)?;
    assert!(matches!(lasso.solve(&x), Err(Error::Domain(_))), "λ = 0 has no unique solution");
    assert!(matches!(lasso.objective(&x, &Matrix::from_rows(&[[1.0, -2.0]])), Err(Error::Domain(_))));
    assert!(matches!(lasso.solve(&Matrix::zeros(1, 3)), Err(Error::Shape(_))));
    assert!(matches!(lasso.at(1.0)?.solve(&Matrix::from_rows(&[[1.0, f64::INFINITY]])), Err(Error::NotFinite(_))));
    assert!(matches!(lasso.at(1.0)?.path(&Matrix::zeros(2, 2), 0.5), Err(Error::Shape(_))));
    // A support that the enclosure cannot decide.
    let wide = Matrix::from_fn(1, 2, |_, j| if j == 0 { Ball::exact(1.0).widen(0.01) } else { Ball::exact(3.0) });
    assert!(matches!(Lasso::new(Matrix::identity(2), Ball::ONE, Codes::Signed)?.solve(&wide), Err(Error::Undecided(_))));
    Ok(())
}
