//! `white-box rate`.

use super::arguments::{self, Arguments};
use super::files;
use crate::coding::{Distortion, coding_rate};
use crate::data::Array;
use crate::linalg::Matrix;
use crate::reduction::{Membership, RateReduction};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};
use std::process::ExitCode;

pub const USAGE: &str = "white-box rate FEATURES (--eps E | --eps2 E2) [--labels L]

Rates of a feature matrix, one sample a row (.npy, .npz, .safetensors, .json): R in nats a sample, certified; with labels R_c, ΔR and the rate of each class.
  --eps E    ε, a length; official codes that say eps=0.5 mean --eps2 0.5
  --eps2 E2  ε²
  --labels L a file of n integers; without it an array `labels` in FEATURES counts";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--labels", "--eps", "--eps2"], &[], "FEATURES", 1..=1)?;
    let (features, labels) = input(&args)?;
    let z = matrix(&features)?;
    let distortion = distortion(&args)?;
    let mut text = format!("input   {} {} × {}\n", features.dtype().name(), z.rows(), z.cols());
    let rate = coding_rate(&z, distortion)?;
    text += &format!("R       {rate:?} nats a sample ({:?} bits)\n", rate / Scalar::ln(2.0f64));
    if z.rows().min(z.cols()) <= 256 {
        let ball = coding_rate(&z.cast::<Ball>(), distortion_of(distortion))?;
        text += &format!("        certified {}\n", ball.to_text());
    }
    if let Some(labels) = labels {
        let labels = label_vector(&labels)?;
        if labels.len() != z.rows() {
            return Err(Error::shape("labels", format!("{} of them, one a row of features", z.rows()), labels.len().to_string()));
        }
        let membership = Membership::from_labels(labels)?;
        let rates = RateReduction::new(distortion);
        let (conditional, reduction) = (rates.conditional(&z, &membership)?, rates.value(&z, &membership)?);
        text += &format!("R_c     {conditional:?}\nΔR      {reduction:?}\n");
        for class in membership.classes() {
            let rate = coding_rate(&z.select_rows(&class.rows)?, distortion)?;
            text += &format!("class {:<4} {:>7} rows   R {rate:?}\n", class.label, class.rows.len());
        }
    }
    arguments::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn distortion(args: &Arguments) -> Result<Distortion<f64>> {
    let (eps, eps2) = (args.number("--eps", "a number above 0")?, args.number("--eps2", "a number above 0")?);
    let distortion = match (eps, eps2) {
        (Some(e), None) => Distortion::Eps(e),
        (None, Some(e2)) => Distortion::Eps2(e2),
        (None, None) => return Err(Error::usage("rate", "--eps (ε, a length) or --eps2 (ε²)", "neither").named("InvalidDistortion")),
        (Some(_), Some(_)) => return Err(Error::usage("rate", "--eps or --eps2", "both").named("InvalidDistortion")),
    };
    distortion.squared()?;
    Ok(distortion)
}
fn distortion_of(d: Distortion<f64>) -> Distortion<Ball> {
    match d {
        Distortion::Eps(e) => Distortion::Eps(Ball::exact(e)),
        Distortion::Eps2(e2) => Distortion::Eps2(Ball::exact(e2)),
    }
}

/// The features, and the labels if there are any.
pub(super) fn input(args: &Arguments) -> Result<(Array, Option<Array>)> {
    let path = &args.positional()[0];
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
        _ => Err(Error::usage(path.as_str(), "one array of features (and one named `labels`)", names.join(", "))),
    }
}

pub(super) fn matrix(features: &Array) -> Result<Matrix<f64>> {
    match features.shape() {
        &[n, d] if n > 0 && d > 0 => Matrix::new(n, d, features.to_f64()?),
        other => Err(Error::shape("features", "n × d, one sample a row", format!("{other:?}"))),
    }
}

pub(super) fn label_vector(labels: &Array) -> Result<Vec<usize>> {
    let whole = labels.to_i64().map_err(|e| e.within("labels"))?;
    let wrong = |(i, l): (usize, &i64)| Error::domain(format!("labels[{i}]"), "a label from 0 on", l.to_string()).named("LabelOutOfRange");
    match whole.iter().enumerate().find(|(_, l)| **l < 0) {
        Some(at) => Err(wrong(at)),
        None => Ok(whole.into_iter().map(|l| l as usize).collect()),
    }
}
