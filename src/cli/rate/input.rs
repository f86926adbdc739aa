//! What the call was given: features, labels, distortion.

use crate::cli::arguments::Arguments;
use crate::cli::samples;
use crate::coding::Distortion;
use crate::data::Array;
use crate::linalg::Matrix;
use crate::reduction::Membership;
use crate::{Error, Result};

/// The question of one call.
pub struct Input {
    pub path: String,
    /// The format the features are stored in.
    pub dtype: &'static str,
    pub z: Matrix<f64>,
    pub labels: Option<Vec<usize>>,
    /// Weights n × K in place of labels.
    pub soft: Option<Membership<f64>>,
    /// The number after `--eps` or `--eps2`, and which it was.
    pub given: (&'static str, f64),
    pub eps2: f64,
    pub processes: Option<usize>,
}

/// Errors: `Usage`, `Format`, `Shape` and `NotFinite` with the place, `Domain`.
pub fn read(args: &Arguments) -> Result<Input> {
    let path = args.positional()[0].clone();
    let distortion = samples::distortion(args)?;
    let given = match distortion {
        Distortion::Eps(e) => ("eps", e),
        Distortion::Eps2(e2) => ("eps2", e2),
    };
    let eps2 = distortion.squared()?;
    let (features, labels) = samples::arrays(args, &path)?;
    let z = samples::matrix(&features)?;
    let soft = labels.as_ref().filter(|l| l.shape().len() == 2).map(|pi| weights(pi, z.rows())).transpose()?;
    let labels = labels.filter(|_| soft.is_none()).map(|l| samples::labels(&l)).transpose()?;
    if let Some(labels) = &labels
        && labels.len() != z.rows()
    {
        return Err(Error::shape("labels", format!("{} of them, one a row of features", z.rows()), labels.len().to_string()));
    }
    let processes: Option<usize> = args.number("--processes", "a whole number")?;
    if let Some(n) = processes
        && (n == 0 || z.rows() % n != 0)
    {
        return Err(Error::usage("--processes", format!("a number that divides the {} rows", z.rows()), n.to_string()));
    }
    Ok(Input { path, dtype: features.dtype().name(), z, labels, soft, given, eps2, processes })
}

/// Memberships as weights. Errors: `Shape`; `Domain` naming the first row that does not sum to 1: such weights count samples more than once, and then R_c may
/// exceed R.
fn weights(pi: &Array, samples: usize) -> Result<Membership<f64>> {
    let &[n, k] = pi.shape() else { return Err(Error::shape("labels", "n integers or n × K weights", format!("{:?}", pi.shape()))) };
    if n != samples {
        return Err(Error::shape("labels", format!("{samples} rows of weights, one a row of features"), n.to_string()));
    }
    Membership::soft(Matrix::new(n, k, pi.to_f64()?)?).map_err(|e| e.within("labels"))
}
