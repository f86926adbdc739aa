//! `white-box classify`.

use super::arguments::{self, Arguments};
use super::{files, samples};
use crate::coding::{Classifier, Distortion, Model};
use crate::data::{Array, Digits, archive, digits};
use crate::linalg::{Eigen, Matrix};
use crate::scalar::Bulk;
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box classify [TRAIN --test TEST] [--labels L] [--test-labels L] [--eps E | --eps2 E2] [--model affine|linear|samples] [--dims K] [-o LABELS]

Classifies samples by minimum incremental coding length (Wright, Tao, Lin, Shum, Ma, NIPS 2007): each goes where describing it as well costs least.
Beside it, for comparison, the nearest subspace: the class whose K principal directions (about 0) leave the least of the sample.
  without TRAIN the embedded digits: the even rows teach, the odd ones are asked
  --labels L       the labels of TRAIN; without it an array `labels` in TRAIN
  --test-labels L  the labels of TEST, for the accuracy; without it an array `labels` in TEST, if there is one
  --eps E          ε, a length in the units of the features (1)
  --model M        affine (default): classes have means; linear: they lie around 0
  --dims K         directions of the nearest subspace (12)
  -o LABELS        writes the labels found";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let valued = ["--test", "--labels", "--test-labels", "--eps", "--eps2", "--model", "--dims", "-o"];
    let args = Arguments::parse(args, &valued, &[], "at most one TRAIN", 0..=1)?;
    let distortion =
        if args.one("--eps")?.is_none() && args.one("--eps2")?.is_none() { Distortion::Eps(1.0) } else { samples::distortion(&args)? };
    let model = match args.one("--model")? {
        None | Some("affine") => Model::Affine,
        Some("linear") => Model::Linear,
        Some("samples") => Model::Samples,
        Some(other) => return Err(Error::usage("--model", "affine, linear or samples", format!("`{}`", other.escape_default()))),
    };
    let dims = args.number("--dims", "a number from 1 on")?.unwrap_or(12usize);
    let (train, labels, test, truth) = match args.positional() {
        [] => digits_split()?,
        _ => {
            let (features, labels) = samples::arrays(&args, &args.positional()[0])?;
            let labels = labels.ok_or_else(|| Error::usage("classify", "--labels, or an array `labels` in TRAIN", "neither"))?;
            let path = args.one("--test")?.ok_or_else(|| Error::usage("classify", "--test TEST", "nothing"))?;
            let (test, truth) = questions(path, args.one("--test-labels")?)?;
            (samples::matrix(&features)?, samples::labels(&labels)?, test, truth)
        }
    };
    let start = std::time::Instant::now();
    let classifier = Classifier::new(&train, &labels, distortion, model, None)?;
    let found = classifier.classify(&test)?;
    let took = start.elapsed().as_secs_f64();
    let nearest = nearest_subspace(&train, &labels, classifier.classes(), dims, &test)?;
    let mut text = format!(
        "train     {} × {}, {} classes\ntest      {} × {}\n",
        train.rows(),
        train.cols(),
        classifier.classes(),
        test.rows(),
        test.cols()
    );
    if let Some(truth) = &truth {
        if truth.len() != test.rows() {
            return Err(Error::shape("test labels", format!("{} of them", test.rows()), truth.len().to_string()));
        }
        let right = |found: &[usize]| found.iter().zip(truth).filter(|(a, b)| a == b).count();
        let line = |name: &str, found: &[usize]| {
            format!("{name} {:>6.2} % right ({} of {})", 100.0 * right(found) as f64 / truth.len() as f64, right(found), truth.len())
        };
        text += &format!("{}, {took:.2} s\n{}\n", line("coding length   ", &found), line("nearest subspace", &nearest));
    }
    let same = found.iter().zip(&nearest).filter(|(a, b)| a == b).count();
    text += &format!("agreement {same} of {}\n", found.len());
    arguments::print(&text)?;
    if let Some(out) = args.one("-o")? {
        let labels = Array::from_i64(vec![found.len()], found.iter().map(|&l| l as i64).collect())?;
        archive::write_named(Path::new(out), [("labels", &labels)])?;
    }
    Ok(ExitCode::SUCCESS)
}

type Split = (Matrix<f64>, Vec<usize>, Matrix<f64>, Option<Vec<usize>>);

/// Even rows and odd rows of the embedded digits.
fn digits_split() -> Result<Split> {
    let data = digits();
    let x = Matrix::new(Digits::COUNT, Digits::PIXELS, data.unit())?;
    let part = |odd: usize| (0..Digits::COUNT).filter(|i| i % 2 == odd).collect::<Vec<_>>();
    let labels = |odd: usize| part(odd).iter().map(|&i| usize::from(data.labels[i])).collect::<Vec<_>>();
    Ok((x.select_rows(&part(0))?, labels(0), x.select_rows(&part(1))?, Some(labels(1))))
}

/// The samples to classify, and their labels if there are any.
fn questions(path: &str, labels: Option<&str>) -> Result<(Matrix<f64>, Option<Vec<usize>>)> {
    let (mut known, mut features) = (None, Vec::new());
    for (name, array) in files::read(path)? {
        if name == "labels" { known = Some(array) } else { features.push(array) }
    }
    if let Some(path) = labels {
        known = files::read(path)?.into_iter().map(|(_, array)| array).next();
    }
    let [only] = &features[..] else { return Err(Error::usage(path, "one array of features", format!("{} arrays", features.len()))) };
    Ok((samples::matrix(only)?, known.map(|l| samples::labels(&l)).transpose()?))
}

/// The class whose first k principal directions leave least of each row.
fn nearest_subspace(train: &Matrix<f64>, labels: &[usize], classes: usize, k: usize, test: &Matrix<f64>) -> Result<Vec<usize>> {
    let mut kept = Matrix::zeros(test.rows(), classes);
    for c in 0..classes {
        let rows: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == c).collect();
        let eigen = Eigen::new(&train.select_rows(&rows)?.gram_cols())?;
        let codes = test.matmul(&eigen.vectors.select_cols(0, if k < train.cols() { k } else { train.cols() })?)?;
        (0..test.rows()).for_each(|i| kept[(i, c)] = f64::dot(codes.row(i), codes.row(i)));
    }
    let best = |i: usize| (1..classes).fold(0, |best, c| if kept[(i, c)] > kept[(i, best)] { c } else { best });
    Ok((0..test.rows()).map(best).collect())
}
