//! Samples, labels and ε as calls of the command are given them.

use super::arguments::Arguments;
use super::files;
use crate::coding::Distortion;
use crate::data::Array;
use crate::linalg::Matrix;
use crate::{Error, Result};

/// `--eps E` or `--eps2 E2`, exactly one of them.
pub fn distortion(args: &Arguments) -> Result<Distortion<f64>> {
    let (eps, eps2) = (args.number("--eps", "a number above 0")?, args.number("--eps2", "a number above 0")?);
    let distortion = match (eps, eps2) {
        (Some(e), None) => Distortion::Eps(e),
        (None, Some(e2)) => Distortion::Eps2(e2),
        (None, None) => return Err(Error::usage("distortion", "--eps (ε, a length) or --eps2 (ε²)", "neither").named("InvalidDistortion")),
        (Some(_), Some(_)) => return Err(Error::usage("distortion", "--eps or --eps2", "both").named("InvalidDistortion")),
    };
    distortion.squared()?;
    Ok(distortion)
}

/// The one array of a file that is not named `labels`; and the labels, from there or from the file after `--labels`.
pub fn arrays(args: &Arguments, path: &str) -> Result<(Array, Option<Array>)> {
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

/// One sample a row, all finite.
pub fn matrix(features: &Array) -> Result<Matrix<f64>> {
    let z = match features.shape() {
        &[n, d] if n > 0 && d > 0 => Matrix::new(n, d, features.to_f64()?)?,
        other => return Err(Error::shape("features", "n × d, one sample a row, neither 0", format!("{other:?}")).named("EmptyInput")),
    };
    z.check_finite("features")?;
    Ok(z)
}

/// Classes from 0 on.
pub fn labels(labels: &Array) -> Result<Vec<usize>> {
    let whole = labels.to_i64().map_err(|e| e.within("labels"))?;
    let wrong = |(i, l): (usize, &i64)| Error::domain(format!("labels[{i}]"), "a label from 0 on", l.to_string()).named("LabelOutOfRange");
    match whole.iter().enumerate().find(|(_, l)| **l < 0) {
        Some(at) => Err(wrong(at)),
        None => Ok(whole.into_iter().map(|l| l as usize).collect()),
    }
}
