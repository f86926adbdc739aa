//! Tokens that grow out of proportion.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// How the lengths of the tokens of one sample are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenNorms {
    /// The greatest length over the median one. 1: all alike.
    pub ratio: f64,
    /// The share of tokens longer than `c` times the median.
    pub outliers: f64,
}

impl TokenNorms {
    /// Of the rows of `z` (n × d); `c ≥ 1` sets what an outlier is. The median of an even number is the mean of the middle two. Neither number depends on the order or the scale of the tokens.
    ///
    /// The phenomenon: Darcet, Oquab, Mairal and Bojanowski, *Vision Transformers Need Registers*, ICLR 2024. Errors: `Shape` for no rows; `Domain` where the median is 0, or `c < 1`.
    pub fn new<S: Scalar>(z: &Matrix<S>, c: f64) -> Result<TokenNorms> {
        if z.rows() == 0 || z.cols() == 0 {
            return Err(Error::shape("z", "at least one token", format!("{z:?}")).named("EmptyInput"));
        }
        if !(c >= 1.0) {
            return Err(Error::domain("c", "a number from 1 on", c.to_string()));
        }
        let mut lengths: Vec<f64> = (0..z.rows()).map(|i| S::dot(z.row(i), z.row(i)).sqrt().value()).collect();
        lengths.sort_by(f64::total_cmp);
        let n = lengths.len();
        let median = 0.5 * (lengths[(n - 1) / 2] + lengths[n / 2]);
        if !(median > 0.0) {
            return Err(Error::domain("z", "tokens whose median length is above 0", median.to_string()).named("DegenerateNormalisation"));
        }
        let long = lengths.iter().filter(|&&l| l > c * median).count();
        Ok(TokenNorms { ratio: lengths[n - 1] / median, outliers: long as f64 / n as f64 })
    }
}
