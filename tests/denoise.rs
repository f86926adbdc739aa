//! The room of denoising.

#[path = "denoise/diffusion.rs"]
mod diffusion;
#[path = "denoise/mixtures.rs"]
mod mixtures;
#[path = "denoise/sources.rs"]
mod sources;

use white_box::oracle::{CATALOG, verify};
use white_box::scalar::{DoubleDouble, Scalar};

/// A decimal of a source.
pub fn dd(text: &str) -> DoubleDouble {
    DoubleDouble::parse(text).unwrap()
}
/// Agreement to the last decimal that is written, up to one unit.
pub fn is<S: Scalar>(found: S, written: &str) {
    let decimals = written.split_once('.').map_or(0, |(_, d)| d.len());
    let known = dd(written);
    let error = (found.to_ball().mid() - known).value().abs();
    // One unit of the last decimal, the rounding of the number itself, and that of a source that worked in f64.
    let allowed = 10f64.powi(-(decimals as i32)) + 16.0 * (S::UNIT_ROUNDOFF + f64::UNIT_ROUNDOFF) * (1.0 + known.value().abs());
    assert!(error <= allowed, "expected {written}, found {}", found.to_ball().mid().to_decimal(25));
}

#[test]
fn every_operator_of_the_room_verifies_on_other_seeds() {
    for entry in CATALOG.iter().filter(|e| e.spec().room == "denoise") {
        for seed in 50..53 {
            let report = verify(*entry, 8, seed);
            println!(
                "{} used {:.3} {:.3} digits {:.1} undecided {} laws {}",
                report.name, report.used, report.gradient_used, report.digits, report.undecided, report.laws
            );
            assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
        }
    }
}
