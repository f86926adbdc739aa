//! Dictionaries: convergence orders of the fourth-moment methods, recovery scores, alternating minimisation.

use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal, permutation};
use white_box::scalar::{DoubleDouble, Scalar};
use white_box::sparse::*;
use white_box::{Error, Result};

fn rotation<S: Scalar>(angle: f64) -> Matrix<S> {
    let t = S::from_f64(angle);
    let (c, s) = (t.cos(), t.sin());
    Matrix::from_fn(2, 2, |i, j| [[c, -s], [s, c]][i][j])
}
/// `tan θ` of a rotation of the plane, up to a signed permutation.
fn tangent<S: Scalar>(w: &Matrix<S>) -> f64 {
    let (c, s) = (w[(0, 0)].abs().value(), w[(1, 0)].abs().value());
    if s < c { s / c } else { c / s }
}
/// `[2, −2, 0 × 6]`: unit variance, κ = 1.
fn kurtosis_one<S: Scalar>() -> Vec<S> {
    [2.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].map(S::from_f64).to_vec()
}

/// The worked example: W₁ to W₄ and g at each.
#[test]
fn four_samples_by_hand() -> Result<()> {
    let x = Matrix::<f64>::from_rows(&[[2.0, 1.0], [0.0, 1.0], [-1.0, 3.0], [1.0, 0.0]]);
    let mut w = Matrix::identity(2);
    assert_eq!(l4_objective(&x, &w)?, 25.25);
    assert_eq!(l4_objective_gradient(&x, &w)?.1, Matrix::from_rows(&[[18.0, -25.0], [5.0, 83.0]]));
    for (c, s, g) in [
        (0.9586063962142154, 0.2847345731329353, 31.25395468064391),
        (0.9415658622340782, 0.3368289285013922, 31.448817890044673),
        (0.9409723916636349, 0.3384833203081343, 31.44901777518563),
        (0.9409553073161282, 0.33853081046429107, 31.449017939998768),
    ] {
        w = msp_step(&x, &w)?;
        // Conditioned like 1/σ₂ of the stretched matrix, some tens of units in the last place.
        assert!((w[(0, 0)] - c).abs() < 1e-14 && (w[(1, 0)] - s).abs() < 1e-14 && (w[(0, 1)] + s).abs() < 1e-14, "{:?}", w.data());
        assert!((l4_objective(&x, &w)? - g).abs() < 1e-13 * g);
    }
    Ok(())
}

/// Cubic where the data are the dictionary: `tan θ_k = (tan θ₀)^{3^k}`, in 31 digits over three steps.
#[test]
fn the_deterministic_case_is_cubic() -> Result<()> {
    let mut w = rotation::<DoubleDouble>(0.3);
    let mut t = DoubleDouble::from_f64(0.3);
    t = t.sin() / t.cos();
    for _ in 0..3 {
        w = msp_step(&Matrix::identity(2), &w)?;
        t = t * t * t;
        let found = w[(1, 0)] / w[(0, 0)];
        assert!(((found - t) / t).abs().value() < 1e-15, "{found:?} {t:?}");
    }
    Ok(())
}

/// Linear with ratio `3/(3 + κ)` on independent codes of kurtosis κ, without sampling error; FastICA is cubic on the same data.
#[test]
fn random_codes_make_it_linear() -> Result<()> {
    let root3 = 3f64.sqrt();
    let six = [root3, -root3, 0.0, 0.0, 0.0, 0.0];
    let cases: [(&[f64], f64); 4] = [
        (&kurtosis_one::<f64>(), 1.0),
        (&[1.0, -1.0], -2.0),
        (&six, 0.0),
        // ±√6 with probability 1/12 each: κ = 6 − 3.
        (&[6f64.sqrt(), -(6f64.sqrt()), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 3.0),
    ];
    for (values, kappa) in cases {
        let x = factorial_design(values, 2)?;
        check_white(&x)?;
        assert!((kurtosis(values)? - kappa).abs() < 1e-13);
        // Small angles: the error of one step is of third order.
        for angle in [1e-3, 1e-4] {
            let ratio = tangent(&msp_step(&x, &rotation(angle))?) / tangent(&rotation::<f64>(angle));
            assert!((ratio - 3.0 / (3.0 + kappa)).abs() < 8.0 * angle * angle + 1e-10, "κ = {kappa}: {ratio}");
        }
        if kappa == 0.0 {
            // Gaussian moments: no rotation is preferred.
            let w = rotation::<f64>(0.4);
            assert!(msp_step(&x, &w)?.sub(&w)?.frobenius_squared().sqrt() < 1e-14);
        } else {
            let t0: f64 = tangent(&rotation::<f64>(0.2));
            let next = tangent(&fastica_step(&x, &rotation(0.2))?);
            assert!((next / (t0 * t0 * t0) - 1.0).abs() < 1e-12, "κ = {kappa}: {next}");
        }
    }
    // The worked example: rotation 0.3, κ = 1.
    let x = factorial_design(&kurtosis_one::<f64>(), 2)?;
    let w = rotation::<f64>(0.3);
    assert!((l4_objective(&x, &w)? - 122.8988620358134).abs() < 1e-12);
    assert!((tangent(&msp_step(&x, &w)?) - 0.24408506132858002).abs() < 1e-15);
    Ok(())
}

/// On drawn Bernoulli–Gaussian codes the ratio is the density θ, up to the sampling error of fourth moments.
#[test]
fn bernoulli_gaussian_codes_converge_at_their_density() -> Result<()> {
    let (theta, n) = (0.3, 40_000);
    let mut rng = Rng::new(7);
    let codes = bernoulli_gaussian(n, 2, theta, &mut rng)?;
    let nonzero = codes.data().iter().filter(|&&z| z != 0.0).count() as f64 / (2 * n) as f64;
    // Five deviations of a mean over 2n draws.
    assert!((nonzero - theta).abs() < 5.0 * (theta * (1.0 - theta) / (2 * n) as f64).sqrt());
    let fixed = learn_orthogonal(Rotation::Msp, &codes, &rotation(0.2), 1e-13, 400)?;
    assert!(fixed.converged);
    // Towards the sample's own fixed point, W = F R(δ): δ shrinks by about θ a step. E z⁸ θ⁻³·105 makes a deviation of a fourth moment about √(105/(θ³n)).
    let off = |w: &Matrix<f64>| -> Result<f64> { Ok(tangent(&fixed.w.t_matmul(w)?)) };
    let near = fixed.w.matmul(&rotation(1e-3))?;
    let ratio = off(&msp_step(&codes, &near)?)? / off(&near)?;
    let spread = 5.0 * (105.0 / (theta * theta * theta * n as f64)).sqrt();
    assert!((ratio - theta).abs() < spread.min(0.15), "{ratio}");
    assert!(tangent(&fixed.w) < 0.1, "the dictionary itself is near");
    Ok(())
}

#[test]
fn a_complete_dictionary_is_found_after_whitening() -> Result<()> {
    let mut rng = Rng::new(8);
    let (n, d) = (4000, 5);
    let codes = bernoulli_gaussian(n, d, 0.2, &mut rng)?;
    let basis = gaussian_matrix(d, d, &mut rng);
    let x = codes.matmul(&basis)?;
    let white = whiten(&x)?;
    check_white(&white)?;
    assert!(matches!(check_white(&x), Err(Error::Domain(_))));
    for method in [Rotation::Msp, Rotation::FastIca] {
        let found = learn_orthogonal(method, &white, &haar_orthogonal(d, &mut rng)?, 1e-12, 500)?;
        assert!(found.converged, "{method:?}: {:?} after {}", found.moved, found.steps);
        // Codes up to sign and order: the columns of white·W against the drawn ones.
        let recovered = match_atoms(&white.matmul(&found.w)?.transpose(), &codes.transpose())?;
        assert!(recovered.least > 0.99, "{method:?}: {recovered:?}");
    }
    assert!(matches!(learn_orthogonal(Rotation::FastIca, &x, &Matrix::identity(d), 1e-9, 5), Err(Error::Domain(_))));
    assert!(whiten(&Matrix::<f64>::zeros(2, 3)).is_err());
    Ok(())
}

#[test]
fn scores_know_signed_permutations() -> Result<()> {
    let mut rng = Rng::new(9);
    for d in [2, 4, 7] {
        let order = permutation(d, &mut rng);
        let signs: Vec<f64> = (0..d).map(|_| rng.sign()).collect();
        let p = Matrix::from_fn(d, d, |i, j| if order[i] == j { signs[i] } else { 0.0 });
        assert_eq!(l4_score(&p)?, 0.0);
        let truth = gaussian_matrix(d, d, &mut rng);
        let scaled = p.scale(3.0).matmul(&truth)?;
        assert!(amari_index(&truth, &scaled)? < 1e-12);
        let found = match_atoms(&scaled, &truth)?;
        assert!(found.recovered(1e-12) && found.pairs.iter().all(|&(i, j, c)| order[i] == j && c * signs[i] > 0.0));
        // A larger estimate: the smaller set is matched whole.
        let extra = Matrix::from_fn(d + 2, d, |i, j| if i < d { scaled[(i, j)] } else { ((i + j) % 3) as f64 - 0.9 });
        assert!(match_atoms(&extra, &truth)?.recovered(1e-12));
        assert!(amari_index(&truth, &gaussian_matrix(d, d, &mut rng))? > 0.05);
    }
    let hadamard =
        Matrix::<f64>::from_rows(&[[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5], [0.5, 0.5, -0.5, -0.5], [0.5, -0.5, -0.5, 0.5]]);
    assert_eq!(l4_score(&hadamard)?, 0.75);
    // Greedy would take 10 + 1; the best is 9 + 9.
    assert_eq!(assign(&Matrix::from_rows(&[[10.0, 9.0], [9.0, 1.0]]))?, [1, 0]);
    assert_eq!(assign(&Matrix::<f64>::zeros(0, 3))?, Vec::<usize>::new());
    assert!(assign(&Matrix::zeros(2, 1)).is_err());
    // Against all permutations of five.
    for _ in 0..40 {
        let gain = gaussian_matrix(5, 6, &mut rng);
        let total = |columns: &[usize]| columns.iter().enumerate().map(|(i, &j)| gain[(i, j)]).sum::<f64>();
        let mut best = f64::NEG_INFINITY;
        let mut columns = vec![0; 5];
        fn all(k: usize, columns: &mut Vec<usize>, total: &dyn Fn(&[usize]) -> f64, best: &mut f64) {
            if k == columns.len() {
                *best = best.max(total(columns));
                return;
            }
            for j in 0..6 {
                if !columns[..k].contains(&j) {
                    columns[k] = j;
                    all(k + 1, columns, total, best);
                }
            }
        }
        all(0, &mut columns, &total, &mut best);
        assert!((total(&assign(&gain)?) - best).abs() < 1e-12);
    }
    Ok(())
}

/// Every half-step lowers the objective, whatever the update; atoms keep their bound; the layerwise scheme too, with and without it.
#[test]
fn alternating_minimisation_descends_and_finds_the_dictionary() -> Result<()> {
    let mut rng = Rng::new(10);
    let (n, d, m) = (600, 8, 12);
    let truth = random_atoms(m, d, &mut rng);
    let codes = bernoulli_gaussian(n, m, 0.12, &mut rng)?;
    let x = codes.matmul(&truth)?;
    for (update, codes_allowed) in
        [(AtomUpdate::Block, Codes::Signed), (AtomUpdate::Gradient, Codes::Signed), (AtomUpdate::Block, Codes::NonNegative)]
    {
        let how = DictionaryLearning { lambda: 0.2, codes: codes_allowed, update, code_steps: 10, rounds: 25, revive: true };
        let learned = learn_dictionary(&x, &random_atoms(m, d, &mut rng), &how, |_, _, _| {})?;
        for w in learned.objective.windows(2) {
            assert!(w[1] <= w[0] * (1.0 + 1e-12), "{update:?}: {w:?}");
        }
        assert!((0..m).all(|j| learned.atoms.row(j).iter().map(|a| a * a).sum::<f64>() <= 1.0 + 1e-14));
        assert!(learned.objective[25] < 0.8 * learned.objective[0]);
    }
    // From near the truth it comes back to it.
    let near = truth.add(&gaussian_matrix(m, d, &mut rng).scale(0.1))?;
    let how =
        DictionaryLearning { lambda: 0.05, codes: Codes::Signed, update: AtomUpdate::Block, code_steps: 30, rounds: 60, revive: false };
    let before = match_atoms(&near, &truth)?;
    let after = match_atoms(&learn_dictionary(&x, &near, &how, |_, _, _| {})?.atoms, &truth)?;
    assert!(after.mean > before.mean && after.least > 0.99, "{} {} {}", before.mean, after.mean, after.least);
    // One exact update of one atom is the exact minimiser: no move of it lowers the fit.
    let z = codes.select_cols(0, 1)?;
    let one = update_atoms(AtomUpdate::Block, &x, &z, &truth.select_rows(&[0])?)?;
    let fit = |a: &Matrix<f64>| -> Result<f64> { Ok(x.sub(&z.matmul(a)?)?.frobenius_squared()) };
    for _ in 0..20 {
        let other = project_atoms(&one.add(&gaussian_matrix(1, d, &mut rng).scale(0.05))?);
        assert!(fit(&other)? >= fit(&one)? * (1.0 - 1e-12));
    }
    for bounded in [true, false] {
        let layers = layerwise_sparse_coding(&x, &random_atoms(m, d, &mut rng), 0.2, Codes::Signed, 20, bounded)?;
        assert_eq!(layers.atoms.len(), 21);
        for w in layers.objective.windows(2) {
            assert!(w[1] <= w[0] * (1.0 + 1e-12), "bounded {bounded}: {w:?}");
        }
    }
    Ok(())
}

/// Without the bound on atoms the penalty escapes: `P(Z/c, cA)` falls to the fit alone.
#[test]
fn the_scale_escapes_without_a_bound() -> Result<()> {
    let mut rng = Rng::new(11);
    let (x, a, z) = (gaussian_matrix(3, 2, &mut rng), gaussian_matrix(4, 2, &mut rng), gaussian_matrix(3, 4, &mut rng));
    let fit = 0.5 * x.sub(&z.matmul(&a)?)?.frobenius_squared();
    let mut before = f64::INFINITY;
    for c in [1.0, 4.0, 64.0, 1024.0] {
        let value = Lasso::new(a.scale(c), 1.0, Codes::Signed)?.objective(&x, &z.scale(1.0 / c))?;
        assert!(value < before);
        before = value;
    }
    assert!(before - fit < 0.05);
    Ok(())
}

#[test]
fn designs_have_exact_moments() -> Result<()> {
    let x = factorial_design(&kurtosis_one::<f64>(), 3)?;
    assert_eq!(x.shape(), [512, 3]);
    assert_eq!(x.gram_cols(), Matrix::identity(3).scale(512.0));
    for j in 0..3 {
        assert_eq!(kurtosis(&x.col(j))?, 1.0);
        assert_eq!(x.col(j).iter().sum::<f64>(), 0.0);
    }
    assert!(matches!(factorial_design(&kurtosis_one::<f64>(), 9), Err(Error::Unsupported(_))));
    assert!(bernoulli_gaussian(1, 1, 0.0, &mut Rng::new(0)).is_err() && kurtosis::<f64>(&[]).is_err());
    Ok(())
}
