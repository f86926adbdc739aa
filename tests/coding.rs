//! The room of lossy coding.

#[path = "coding/command.rs"]
mod command;
#[path = "coding/lengths.rs"]
mod lengths;
#[path = "coding/rates.rs"]
mod rates;
#[path = "coding/segmentation.rs"]
mod segmentation;

use white_box::oracle::{find, verify};
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
fn the_new_operators_verify_on_other_seeds() {
    for name in ["gaussian_rate_distortion", "sphere_rate_distortion", "coding_length"] {
        for seed in 60..63 {
            let report = verify(find(name).unwrap(), 8, seed);
            println!(
                "{name} used {:.3} {:.3} digits {:.1} undecided {}",
                report.used, report.gradient_used, report.digits, report.undecided
            );
            assert!(report.failures.is_empty(), "{name}: {:?}", report.failures);
        }
    }
}
