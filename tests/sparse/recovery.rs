//! Incoherence, recovery, and what shrinkage does to noise.

use white_box::Result;
use white_box::linalg::{Matrix, spd_inverse};
use white_box::random::Rng;
use white_box::scalar::Scalar;
use white_box::sparse::*;

/// `[I; H/√d]` with H the Hadamard matrix of size d, a power of two: coherence 1/√d, `‖A‖₂² = 2`.
fn spikes_and_waves(d: usize) -> Matrix<f64> {
    let root = (d as f64).sqrt();
    Matrix::from_fn(2 * d, d, |i, j| match i < d {
        true => f64::from(u8::from(i == j)),
        false => {
            if ((i - d) & j).count_ones().is_multiple_of(2) {
                1.0 / root
            } else {
                -1.0 / root
            }
        }
    })
}
fn sparse_code(m: usize, k: usize, rng: &mut Rng) -> (Vec<usize>, Matrix<f64>) {
    let mut support = white_box::random::permutation(m, rng);
    support.truncate(k);
    let mut z = Matrix::zeros(1, m);
    for &j in &support {
        z[(0, j)] = rng.sign() * (0.5 + rng.uniform());
    }
    (support, z)
}

#[test]
fn codes_below_the_coherence_bound_are_recovered() -> Result<()> {
    let mut rng = Rng::new(1);
    for (d, limit) in [(4, 1), (16, 2), (64, 4)] {
        let a = spikes_and_waves(d);
        let mu = coherence(&a)?;
        assert!((mu * (d as f64).sqrt() - 1.0).abs() < 1e-14);
        assert_eq!(recoverable_sparsity(mu.min(1.0 / (d as f64).sqrt()))?, Some(limit));
        assert!((Lasso::new(a.clone(), 0.0, Codes::Signed)?.lipschitz()? - 2.0).abs() < 1e-13);
        for _ in 0..12 {
            let (support, z) = sparse_code(2 * d, limit, &mut rng);
            let x = z.matmul(&a)?;
            let greedy = orthogonal_matching_pursuit(&x, &a, limit)?;
            assert!(greedy.sub(&z)?.frobenius_squared().sqrt() < 1e-13, "greedy, d = {d}");
            // ERC ≤ kμ/(1 − (k − 1)μ), and below 1 the LASSO uses no other atom and misses by at most λ‖(A_SA_Sᵀ)⁻¹‖_∞.
            let erc = exact_recovery_coefficient(&a, &support)?;
            let k = limit as f64;
            assert!(erc <= k * mu / (1.0 - (k - 1.0) * mu) + 1e-13 && erc < 1.0);
            let inverse = spd_inverse(&a.select_rows(&support)?.gram_rows())?;
            let spread = (0..limit).map(|i| inverse.row(i).iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max);
            for lambda in [0.25, 1e-3, 1e-9] {
                let found = Lasso::new(a.clone(), lambda, Codes::Signed)?.solve(&x)?.z;
                let off = found.data().iter().zip(z.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off <= lambda * spread * (1.0 + 1e-9) + 1e-13, "d = {d}, λ = {lambda}: {off}");
                assert!((0..2 * d).all(|j| found[(0, j)] == 0.0 || support.contains(&j)));
            }
        }
    }
    assert_eq!(recoverable_sparsity(0.0)?, None);
    assert!(recoverable_sparsity(-1.0).is_err());
    Ok(())
}

/// Four spikes of the comb `1 on every multiple of √d` are also √d waves: at the bound uniqueness ends.
#[test]
fn the_bound_is_attained_by_the_comb() -> Result<()> {
    let a = spikes_and_waves(16);
    let mut spikes = Matrix::<f64>::zeros(1, 32);
    (0..4).for_each(|i| spikes[(0, 4 * i)] = 1.0);
    let mut waves = Matrix::<f64>::zeros(1, 32);
    (0..4).for_each(|i| waves[(0, 16 + i)] = 1.0);
    assert_eq!(spikes.matmul(&a)?, waves.matmul(&a)?);
    Ok(())
}

/// Stein's estimate is unbiased: its integral against the density is the risk (trapezoidal rule, which converges faster than any power here but for the kinks, of which two contribute
/// `h²/12` times the jump of the slope).
#[test]
fn the_risk_of_shrinkage() -> Result<()> {
    for (mu, lambda) in [(0.0, 0.5), (1.0, 1.0), (-2.5, 1.5), (0.25, 3.0)] {
        let h = 1.0 / 1024.0;
        let (mut risk, mut estimate) = (0.0, 0.0);
        for i in -12 * 1024..=12 * 1024 {
            let x: f64 = mu + f64::from(i) * h;
            let density = Scalar::exp(-0.5 * (x - mu) * (x - mu)) / (2.0 * std::f64::consts::PI).sqrt();
            risk += h * density * (x.soft_threshold(lambda) - mu).powi(2);
            // At |x| = λ the count jumps from 1 to 0: the mean of both sides.
            let sure = if x.abs() == lambda { lambda * lambda } else { shrinkage_sure(&[x], lambda)? };
            estimate += h * density * sure;
        }
        let known = shrinkage_risk(mu, lambda)?;
        let allowed = 2.0 * h * h * (2.0 * lambda + 2.0);
        assert!(
            (risk - known).abs() <= allowed && (estimate - known).abs() <= allowed,
            "μ = {mu}, λ = {lambda}: {risk}, {estimate}, {known}"
        );
    }
    // μ = 0: 2((1 + λ²)Φ(−λ) − λφ(λ)).
    let lambda = 1.25f64;
    let phi = Scalar::exp(-0.5 * lambda * lambda) / (2.0 * std::f64::consts::PI).sqrt();
    let tail = 0.5 * Scalar::erfc(lambda / 2f64.sqrt());
    let known = 2.0 * ((1.0 + lambda * lambda) * tail - lambda * phi);
    assert!((shrinkage_risk(0.0, lambda)? - known).abs() < 1e-15 * 8.0);
    assert!((universal_threshold(2.0f64, 100)? - 2.0 * (2.0 * Scalar::ln(100.0f64)).sqrt()).abs() < 1e-15);
    for (v, known) in [(0.25, 0.03125), (2.0, 0.875), (-2.0, 0.875)] {
        assert_eq!(huber(v, 0.5)?, known);
    }
    Ok(())
}
