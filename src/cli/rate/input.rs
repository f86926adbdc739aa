//! What the call was given: features, labels, distortion.

use crate::cli::arguments::Arguments;
use crate::cli::files;
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
    let (given, eps2) = distortion(args)?;
    let (features, labels) = arrays(args, &path)?;
    let z = match features.shape() {
        &[n, d] if n > 0 && d > 0 => Matrix::new(n, d, features.to_f64()?)?,
        other => return Err(Error::shape("features", "n × d, one sample a row, neither 0", format!("{other:?}")).named("EmptyInput")),
    };
    z.check_finite("features")?;
    let soft = labels.as_ref().filter(|l| l.shape().len() == 2).map(|pi| weights(pi, z.rows())).transpose()?;
    let labels = labels.filter(|_| soft.is_none()).map(|l| label_vector(&l)).transpose()?;
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

fn distortion(args: &Arguments) -> Result<((&'static str, f64), f64)> {
    let (eps, eps2) = (args.number("--eps", "a number above 0")?, args.number("--eps2", "a number above 0")?);
    let (given, distortion) = match (eps, eps2) {
        (Some(e), None) => (("eps", e), Distortion::Eps(e)),
        (None, Some(e2)) => (("eps2", e2), Distortion::Eps2(e2)),
        (None, None) => return Err(Error::usage("rate", "--eps (ε, a length) or --eps2 (ε²)", "neither").named("InvalidDistortion")),
        (Some(_), Some(_)) => return Err(Error::usage("rate", "--eps or --eps2", "both").named("InvalidDistortion")),
    };
    Ok((given, distortion.squared()?))
}

/// The features, and the labels if there are any.
fn arrays(args: &Arguments, path: &str) -> Result<(Array, Option<Array>)> {
    let (mut labels, mut features) = (Vec::new(), Vec::new());
    for (name, array) in files::read(path)? {
        if name == "labels" { labels.push(array) } else { features.push((name, array)) }
    }
    if let Some(path) = args.one("--labels")? {
        labels = files::read(path)?.into_iter().map(|(_, array)| array).collect();
        if labels.len() != 1 {
            return Err(Error::usage("--labels", "a file of one array", format!("{} arrays", labels.len())));
        }
    }
    let names: Vec<&str> = features.iter().map(|(n, _)| n.as_str()).collect();
    match &features[..] {
        [(_, only)] => Ok((only.clone(), labels.pop())),
        _ => Err(Error::usage(path, "one array of features (and one named `labels`)", names.join(", "))),
    }
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

fn label_vector(labels: &Array) -> Result<Vec<usize>> {
    let whole = labels.to_i64().map_err(|e| e.within("labels"))?;
    let wrong = |(i, l): (usize, &i64)| Error::domain(format!("labels[{i}]"), "a label from 0 on", l.to_string()).named("LabelOutOfRange");
    match whole.iter().enumerate().find(|(_, l)| **l < 0) {
        Some(at) => Err(wrong(at)),
        None => Ok(whole.into_iter().map(|l| l as usize).collect()),
    }
}
