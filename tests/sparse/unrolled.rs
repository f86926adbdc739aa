//! Unrolled networks: what they equal untrained, their gradients, what training is worth.

use white_box::Result;
use white_box::learn::{Optimiser, Parameter, Parameters, Schedule};
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{DoubleDouble, Dual, Scalar};
use white_box::sparse::*;

const FORMS: [Form; 5] = [Form::GregorLeCun, Form::Coupled, Form::Analytic, Form::Step, Form::Tied];

fn problem<S: Scalar>(m: usize, d: usize, n: usize, codes: Codes) -> Result<(Lasso<S>, Matrix<S>)> {
    let mut rng = Rng::new(21);
    let (a, x) = (random_atoms(m, d, &mut rng), gaussian_matrix(n, d, &mut rng));
    Ok((Lasso::new(a.cast(), S::from_f64(0.2), codes)?, x.cast()))
}

#[test]
fn untrained_networks_are_ista() -> Result<()> {
    for codes in [Codes::Signed, Codes::NonNegative] {
        let (lasso, x) = problem::<f64>(9, 5, 4, codes)?;
        for (form, shared, depth) in FORMS.iter().flat_map(|&f| [(f, true, 1), (f, true, 6), (f, false, 6)]) {
            let z = Unrolled::new(form, &lasso, depth, shared)?.apply(&x)?;
            let known = lasso.iterates(Method::Ista, &x, lasso.step_size()?, depth)?;
            // Each layer rounds products of inner length d or m differently, and none expands.
            let allowed = 16.0 * depth as f64 * 14.0 * f64::UNIT_ROUNDOFF * x.frobenius_squared().sqrt();
            let off = z.sub(&known)?.frobenius_squared().sqrt();
            assert!(off <= allowed, "{form:?} {shared} {depth}: {off}");
            if matches!(form, Form::Step | Form::Tied) {
                assert_eq!(z, known, "{form:?} runs the same text");
            }
        }
    }
    Ok(())
}

/// Gradients of every form, layer by layer, against dual numbers in 31 digits.
#[test]
fn gradients_agree_with_dual_numbers() -> Result<()> {
    type D = DoubleDouble;
    for (form, shared, codes) in FORMS.iter().flat_map(|&f| [(f, true, Codes::Signed), (f, false, Codes::NonNegative)]) {
        let (lasso, x) = problem::<D>(4, 3, 2, codes)?;
        let mut network = Unrolled::new(form, &lasso, 3, shared)?;
        // Off the start, where layers coincide.
        let mut rng = Rng::new(5);
        for p in network.parameters_mut() {
            p.data_mut().iter_mut().for_each(|x| *x += D::from_f64(0.01 * rng.uniform()));
        }
        let bar: Matrix<D> = gaussian_matrix(2, 4, &mut rng).cast();
        let (x_bar, _, grad) = network.vjp(&x, &bar)?;
        let lift = |p: D, moves: bool| Dual { value: p, tangent: if moves { D::ONE } else { D::ZERO } };
        let wide = Lasso::<Dual<D>>::new(lasso.atoms().map(|a| lift(a, false)), lift(lasso.lambda(), false), codes)?;
        let slope = |which: Option<usize>, element: usize| -> Result<D> {
            let mut dual = Unrolled::new(form, &wide, 3, shared)?;
            for (i, (to, from)) in dual.parameters_mut().into_iter().zip(network.parameters()).enumerate() {
                to.data_mut()
                    .iter_mut()
                    .zip(from.data())
                    .enumerate()
                    .for_each(|(k, (t, &f))| *t = lift(f, Some(i) == which && k == element));
            }
            let moved = Matrix::from_fn(2, 3, |i, j| lift(x[(i, j)], which.is_none() && i * 3 + j == element));
            let z = dual.apply(&moved)?;
            Ok(z.data().iter().zip(bar.data()).fold(D::ZERO, |s, (z, &b)| s + z.tangent * b))
        };
        let close = |found: D, known: D, what: &str| {
            assert!((found - known).abs().value() <= 1e-27 * (1.0 + known.abs().value()), "{form:?} {what}: {found:?} {known:?}");
        };
        for k in 0..6 {
            close(x_bar.data()[k], slope(None, k)?, "x");
        }
        for (i, p) in grad.parameters().iter().enumerate() {
            for k in 0..p.data().len() {
                close(p.data()[k], slope(Some(i), k)?, &grad.names()[i]);
            }
        }
    }
    Ok(())
}

/// The tied form on the worked example: gradients layer by layer.
#[test]
fn the_tied_gradients_of_the_worked_example() -> Result<()> {
    let a = Matrix::from_fn(3, 2, |i, j| [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]][i][j]);
    let lasso = Lasso::new(a.clone(), 0.5, Codes::Signed)?;
    let mut network = Unrolled::new(Form::Tied, &lasso, 2, false)?;
    for layer in &mut network.layers {
        if let UnrolledLayer::Tied { eta, .. } = layer {
            *eta = Parameter::filled(&[1], 0.5);
        }
    }
    let x = Matrix::from_rows(&[[1.0, 2.0], [1.0, -2.0]]);
    let target = Matrix::from_rows(&[[0.0, 7.0 / 18.0, 25.0 / 18.0], [0.5, -1.5, 0.0]]);
    let (loss, bar) = UnrolledLoss::Codes(&target).value_and_gradient(&lasso, &x, &network.apply(&x)?)?;
    assert!((2.0 * loss - 0.3304706790123456).abs() < 1e-15);
    let (x_bar, _, grad) = network.vjp(&x, &bar.scale(2.0))?;
    let known: [&[f64]; 6] = [
        &[0.11333333333333333, 0.18666666666666668, 0.3455555555555556, 0.09611111111111109, -0.34444444444444444, -0.18888888888888883],
        &[-0.3636111111111111],
        &[-0.06694444444444446],
        &[0.03106666666666666, 0.01545, 0.2737833333333333, -0.00523333333333334, -0.07, -0.0183333333333332],
        &[-0.3636111111111113],
        &[0.173888888888889],
    ];
    for (p, known) in grad.parameters().iter().zip(known) {
        for (found, known) in p.data().iter().zip(known) {
            assert!((found - known).abs() < 4e-15, "{found} {known}");
        }
    }
    for (found, known) in x_bar.data().iter().zip([-0.115, 0.02375, -0.135, 0.22625]) {
        assert!((found - known).abs() < 1e-15);
    }
    Ok(())
}

/// A trained network beats the ISTA of its depth on samples it has not seen; one of depth 4 is worth more than twice its steps.
#[test]
fn training_is_worth_steps() -> Result<()> {
    let mut rng = Rng::new(3);
    let (m, d) = (24, 12);
    let lasso = Lasso::new(random_atoms(m, d, &mut rng), 0.1, Codes::Signed)?;
    let draw = |n: usize, rng: &mut Rng| -> Result<Matrix<f64>> { bernoulli_gaussian(n, m, 0.1, rng)?.matmul(lasso.atoms()) };
    let (seen, unseen) = (draw(600, &mut rng)?, draw(200, &mut rng)?);
    let target = lasso.solve(&seen)?.z;
    for (form, loss) in
        [(Form::GregorLeCun, UnrolledLoss::Objective), (Form::Coupled, UnrolledLoss::Codes(&target)), (Form::Step, UnrolledLoss::Objective)]
    {
        let mut network = Unrolled::new(form, &lasso, 4, false)?;
        let before = lasso.objective(&unseen, &network.apply(&unseen)?)?;
        let how = UnrolledTraining {
            epochs: 12,
            batch: 50,
            rate: if form == Form::Step { 1e-2 } else { 2e-3 },
            schedule: Schedule::Constant,
            optimiser: Optimiser::adamw(0.0),
            seed: 1,
        };
        let mut losses = Vec::new();
        train_unrolled(&mut network, &seen, loss, &how, |_, l| losses.push(l))?;
        assert!(losses[11] < losses[0], "{form:?}: {losses:?}");
        let after = lasso.objective(&unseen, &network.apply(&unseen)?)?;
        let best = lasso.solve(&unseen)?.value;
        assert!(best <= after, "{form:?}");
        if !matches!(loss, UnrolledLoss::Codes(_)) {
            assert!(after < before, "{form:?}: {before} {after}");
            let worth = steps_worth(&lasso, Method::Ista, &unseen, after, 500)?.unwrap_or(501);
            assert!(worth > 4, "{form:?}: worth {worth}");
            assert!(form == Form::Step || worth >= 8, "{form:?}: worth {worth}");
        }
        // The same bits again.
        let mut again = Unrolled::new(form, &lasso, 4, false)?;
        train_unrolled(&mut again, &seen, loss, &UnrolledTraining { epochs: 1, ..how }, |_, l| assert_eq!(l, losses[0]))?;
    }
    // Untrained, depth k is worth k.
    let plain = Unrolled::new(Form::Step, &lasso, 4, true)?.apply(&unseen)?;
    assert_eq!(steps_worth(&lasso, Method::Ista, &unseen, lasso.objective(&unseen, &plain)?, 10)?, Some(4));
    assert_eq!(steps_worth(&lasso, Method::Ista, &unseen, 0.0, 10)?, None);
    Ok(())
}

/// `⟨a_j, w_j⟩ = 1` and no smaller `‖AW‖_F`; the network built on it does not diverge.
#[test]
fn the_analytic_weight() -> Result<()> {
    let (lasso, x) = problem::<f64>(9, 5, 4, Codes::Signed)?;
    let (a, w) = (lasso.atoms(), analytic_weight(lasso.atoms())?);
    let mut rng = Rng::new(2);
    let size = a.matmul(&w)?.frobenius_squared();
    for j in 0..9 {
        assert!(((0..5).map(|i| a[(j, i)] * w[(i, j)]).sum::<f64>() - 1.0).abs() < 1e-13);
    }
    for _ in 0..20 {
        // Moves of a column orthogonal to its atom.
        let move_ = gaussian_matrix(5, 9, &mut rng).scale(0.01);
        let other = Matrix::from_fn(5, 9, |i, j| {
            let along: f64 = (0..5).map(|k| move_[(k, j)] * a[(j, k)]).sum();
            w[(i, j)] + move_[(i, j)] - along * a[(j, i)]
        });
        assert!(a.matmul(&other)?.frobenius_squared() >= size * (1.0 - 1e-12));
    }
    let network = Unrolled::with_weight(Form::Analytic, &lasso, 50, true, w)?;
    assert!(lasso.objective(&x, &network.apply(&x)?)? < lasso.objective(&x, &Matrix::zeros(4, 9))?);
    assert!(analytic_weight(&Matrix::<f64>::from_rows(&[[1.0, 0.0]])).is_err());
    Ok(())
}

#[test]
fn thresholds_stay_proximal() -> Result<()> {
    let (lasso, x) = problem::<f64>(4, 3, 2, Codes::Signed)?;
    for form in FORMS {
        let mut network = Unrolled::new(form, &lasso, 2, true)?;
        for p in network.parameters_mut() {
            p.data_mut().iter_mut().for_each(|x| *x = -0.5);
        }
        assert!(network.apply(&x).is_err(), "{form:?}: a negative threshold is no proximal map");
        network.project();
        network.apply(&x)?;
    }
    assert!(Unrolled::new(Form::Step, &lasso, 0, true).is_err());
    Ok(())
}
