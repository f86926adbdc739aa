//! Building a ReduNet on images, forward only, and measuring what it does.

use super::data;
use crate::cli::arguments::{self, Arguments};
use crate::coding::Distortion;
use crate::data::{Array, Json, archive, file};
use crate::learn::split_samples;
use crate::linalg::Matrix;
use crate::random::{Rng, gaussian_matrix};
use crate::reduction::ClassScale;
use crate::redunet::{
    Activation, Assignment, Lift, Normalisation, Orientation, Outcome, ReduNetOptions, Scores, Shifts, Split, accuracy, corrupted,
    experiment, moved_images,
};
use crate::report::{Cell, Column, Digits, Table};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

const VALUED: [&str; 18] = [
    "--model",
    "--data",
    "--test",
    "--out",
    "--seed",
    "--layers",
    "--eta",
    "--lambda",
    "--eps",
    "--eps2",
    "--rank",
    "--noise",
    "--channels",
    "--kernel",
    "--per-class",
    "--assignment",
    "--moves",
    "--normalisation",
];

/// What was asked for, checked before any work.
struct Plan {
    seed: u64,
    layers: usize,
    eta: f64,
    lambda: f64,
    eps2: f64,
    rank: usize,
    noise: Vec<f64>,
    /// Lifting channels and the size of their kernels, for the form that does not see shifts.
    shifts: Option<(usize, usize)>,
    normalisation: Normalisation,
    assignment: Assignment,
    moves: usize,
    quiet: bool,
}

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &VALUED, &["--shift-invariant", "--quiet", "--json"], "no words without an option", 0..=0)?;
    let plan = plan(&args)?;
    let given = args.one("--data")?.ok_or_else(|| Error::usage("--data", "`digits` or IMAGES+LABELS", "no --data"))?;
    let loaded = data::load::<f64>(&data::parts(given)?)?;
    let count = |name: &str, default: usize| Ok::<_, Error>(args.number(name, "a whole number")?.unwrap_or(default));
    let held = count("--test", loaded.samples.labels.len().div_ceil(5))?;
    let (mut train, test) = split_samples(&loaded.samples.labels, held, plan.seed)?;
    let labels = &loaded.samples.labels;
    let classes = labels.iter().max().map_or(0, |m| m + 1);
    if let Some(most) = args.number::<usize>("--per-class", "a whole number from 1 on")? {
        if most == 0 {
            return Err(Error::domain("--per-class", "a whole number from 1 on", "0"));
        }
        let mut taken = vec![0; classes];
        train.retain(|&i| {
            taken[labels[i]] += 1;
            taken[labels[i]] <= most
        });
    }
    let of = |rows: &[usize]| rows.iter().map(|&i| labels[i]).collect::<Vec<_>>();
    let images = &loaded.samples.images;
    let split = Split {
        train_labels: of(&train),
        test_labels: of(&test),
        train: images.select_rows(&train)?,
        test: images.select_rows(&test)?,
        classes,
    };
    let mut text = String::new();
    let mut fields = Vec::new();
    for (i, &noise) in plan.noise.iter().enumerate() {
        let run = one(&plan, &split, loaded.image, noise)?;
        text += &run.text;
        fields.push(run.json);
        if let (0, Some(directory)) = (i, args.one("--out")?) {
            write(Path::new(directory), &run.outcome, run.lift.as_ref())?;
        }
    }
    if args.switch("--json") {
        arguments::print(&(Json::Array(fields).pretty() + "\n"))?;
    } else {
        arguments::print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(args: &Arguments) -> Result<Plan> {
    let number = |name: &str, default: f64| -> Result<f64> {
        let x: f64 = args.number(name, "a number")?.unwrap_or(default);
        if x.is_finite() && x >= 0.0 { Ok(x) } else { Err(Error::domain(name, "a finite number from 0 on", x.to_string())) }
    };
    let count = |name: &str, default: usize| -> Result<usize> {
        match args.number(name, "a whole number from 1 on")?.unwrap_or(default) {
            0 => Err(Error::domain(name, "a whole number from 1 on", "0")),
            n => Ok(n),
        }
    };
    let eps2 = match (args.number::<f64>("--eps", "a number above 0")?, args.number("--eps2", "a number above 0")?) {
        (Some(_), Some(_)) => return Err(Error::usage("--eps", "--eps or --eps2", "both").named("InvalidDistortion")),
        (Some(e), None) => Distortion::Eps(e).squared()?,
        (None, e2) => Distortion::Eps2(e2.unwrap_or(0.1)).squared()?,
    };
    let noise = args.one("--noise")?.unwrap_or("0");
    let share = |t: &str| t.trim().parse().ok().filter(|x| (0.0..=1.0).contains(x));
    let noise = noise.split(',').map(|t| {
        share(t).ok_or_else(|| Error::usage("--noise", "shares from 0 to 1, separated by commas", format!("`{}`", t.escape_default())))
    });
    let word = |name: &str, words: [&str; 2]| -> Result<usize> {
        let given = args.one(name)?.unwrap_or(words[0]);
        let place = words.iter().position(|w| *w == given);
        place.ok_or_else(|| Error::usage(name, words.join(" or "), format!("`{}`", given.escape_default())))
    };
    let shifts = if args.switch("--shift-invariant") { Some((count("--channels", 8)?, count("--kernel", 3)?)) } else { None };
    if shifts.is_none() {
        for name in ["--channels", "--kernel", "--moves", "--normalisation"] {
            if args.one(name)?.is_some() {
                return Err(Error::usage(name, "--shift-invariant beside it", "no --shift-invariant"));
            }
        }
    }
    Ok(Plan {
        seed: args.number("--seed", "a whole number")?.unwrap_or(0),
        layers: count("--layers", if shifts.is_some() { 10 } else { 50 })?,
        eta: number("--eta", 0.5)?,
        lambda: number("--lambda", 500.0)?,
        eps2,
        rank: count("--rank", if shifts.is_some() { 30 } else { 10 })?,
        noise: noise.collect::<Result<_>>()?,
        shifts,
        normalisation: [Normalisation::Exact, Normalisation::Orthonormal][word("--normalisation", ["exact", "redunet-repo"])?],
        assignment: [Assignment::Soft, Assignment::Oracle][word("--assignment", ["soft", "oracle"])?],
        moves: count("--moves", 4)?,
        quiet: args.switch("--quiet"),
    })
}

struct Run {
    text: String,
    json: Json,
    outcome: Outcome<f64>,
    lift: Option<Lift<f64>>,
}

fn one(plan: &Plan, split: &Split<f64>, image: [usize; 3], noise: f64) -> Result<Run> {
    let mut split = split.clone();
    let truth = split.train_labels.clone();
    if noise > 0.0 {
        split.train_labels = corrupted(&truth, split.classes, noise, plan.seed)?;
    }
    let wrong = 1.0 - accuracy(&split.train_labels, &truth);
    let mut lift = None;
    let original = split.test.clone();
    let shifts = match plan.shifts {
        None => None,
        Some((channels, kernel)) => {
            let kernels = gaussian_matrix(channels, image[0] * kernel * kernel, &mut Rng::stream(plan.seed, "lifting kernels"));
            let bank = Lift {
                kernels,
                signal: image,
                extent: [kernel, kernel],
                stride: [1, 1],
                orientation: Orientation::Correlation,
                activation: Activation::Relu,
            };
            split.train = bank.forward(&split.train)?;
            split.test = bank.forward(&split.test)?;
            lift = Some(bank);
            Some(Shifts::new(channels, image[1], image[2], plan.normalisation)?)
        }
    };
    // The step that can never lower ΔR: 8nε²/(9d), with C for d where all shifts count, in either normalisation: a factor T would stand on both sides.
    let width = plan.shifts.map_or(split.train.cols(), |(channels, _)| channels) as f64;
    let bound = 8.0 * split.train.rows() as f64 * plan.eps2 / (9.0 * width);
    let options = ReduNetOptions {
        layers: plan.layers,
        eta: plan.eta,
        lambda: plan.lambda,
        distortion: Distortion::Eps2(plan.eps2),
        assignment: plan.assignment,
        scale: ClassScale::Samples,
    };
    let mut progress = super::progress::Progress::new(0, plan.quiet);
    let outcome = experiment(&split, &options, shifts, plan.rank, |layer, reduction| {
        progress.step(layer as u64, plan.layers as u64, split.train.rows(), &format!("ΔR {reduction:.4}"));
        Ok(())
    });
    progress.clear();
    let outcome = outcome?;
    let mut text = format!(
        "ReduNet: {} training and {} test samples, {} features, {} classes; ε² = {}, η = {}, λ = {}\n",
        split.train.rows(),
        split.test.rows(),
        split.train.cols(),
        split.classes,
        plan.eps2,
        plan.eta,
        plan.lambda
    );
    text +=
        &format!("step that can never lower ΔR: {bound:.4}; this one is {}\n", if plan.eta <= bound { "within it" } else { "beyond it" });
    if noise > 0.0 {
        text += &format!("{:.1} % of the training labels are wrong\n", 100.0 * wrong);
    }
    text += &reductions(&outcome.reductions)?.text(100);
    let falls = outcome.reductions.windows(2).filter(|w| w[1] < w[0]).count();
    text +=
        &format!("ΔR {}\n", if falls == 0 { "rises at every layer".into() } else { format!("falls at {falls} of {} layers", plan.layers) });
    let mut fields = vec![
        ("noise", Json::real(noise)),
        ("wrong_labels", Json::real(wrong)),
        ("step_bound", Json::real(bound)),
        ("reductions", Json::Array(outcome.reductions.iter().map(|&r| Json::real(r)).collect())),
        ("before", scores_json(&outcome.before)),
        ("after", scores_json(&outcome.after)),
    ];
    let percent = |x: f64| format!("{:6.2} %", 100.0 * x);
    text += &format!("{:<34}{:>9}  {:>9}\n", "test accuracy", "before", "after");
    for (name, before, after) in [
        (format!("nearest subspace, {} directions", plan.rank), Some(outcome.before.subspace), Some(outcome.after.subspace)),
        ("five nearest neighbours".into(), Some(outcome.before.neighbours), Some(outcome.after.neighbours)),
        ("the last layer's guess".into(), None, outcome.after.guess),
    ] {
        let cell = |x: Option<f64>| x.map_or(String::new(), percent);
        text += &format!("{name:<34}{:>9}  {:>9}\n", cell(before), cell(after));
    }
    if let Some(bank) = &lift {
        let moved = invariance(plan, bank, &original, &split.test_labels, &outcome)?;
        text += &moved.0;
        fields.push(("moved", moved.1));
    }
    text.push('\n');
    Ok(Run { text, json: Json::object(fields), outcome, lift })
}

/// Test images moved around by random amounts: what becomes of guesses and accuracies.
fn invariance(plan: &Plan, bank: &Lift<f64>, images: &Matrix<f64>, labels: &[usize], outcome: &Outcome<f64>) -> Result<(String, Json)> {
    let mut rng = Rng::stream(plan.seed, "moves");
    let still = outcome.net.assignment(&bank.forward(images)?)?;
    let [_, h, w] = bank.signal;
    let (mut apart, mut subspace, mut guess) = (0.0f64, Vec::new(), Vec::new());
    for _ in 0..plan.moves {
        let by: Vec<(usize, usize)> = (0..images.rows()).map(|_| (rng.below(h), rng.below(w))).collect();
        let lifted = bank.forward(&moved_images(images, bank.signal, &by)?)?;
        let z = outcome.net.transform(&lifted)?;
        let found = outcome.net.assignment(&lifted)?;
        let difference = found.sub(&still)?;
        apart = difference.data().iter().fold(apart, |m, x| if x.abs() > m { x.abs() } else { m });
        subspace.push(accuracy(&outcome.classifier.predict(&z)?, labels));
        guess.push(accuracy(&outcome.net.guess(&lifted)?, labels));
    }
    let mean = |x: &[f64]| <f64 as crate::scalar::Bulk>::sum(x) / x.len() as f64;
    let (subspace, guess) = (mean(&subspace), mean(&guess));
    let text = format!(
        "test images moved around at random, {} times: nearest subspace {:.2} %, guess {:.2} %; a guessed probability moves by at most {apart:.1e}\n",
        plan.moves,
        100.0 * subspace,
        100.0 * guess
    );
    let json =
        Json::object([("subspace", Json::real(subspace)), ("guess", Json::real(guess)), ("assignment_difference", Json::real(apart))]);
    Ok((text, json))
}

fn reductions(values: &[f64]) -> Result<Table> {
    let columns =
        vec![Column::count("layer"), Column::real("ΔR", "nats", Digits::Fixed(6)), Column::real("rise", "", Digits::Significant(3))];
    let mut table = Table::new("redunet-layers", "ΔR before each layer and after the last", columns);
    let last = values.len() - 1;
    for (i, &value) in values.iter().enumerate() {
        if i < 4 || i % 10 == 0 || i == last {
            let rise = if i == 0 { Cell::Blank } else { (value - values[i - 1]).into() };
            table.row([i.into(), value.into(), rise])?;
        }
    }
    Ok(table)
}

fn scores_json(s: &Scores) -> Json {
    Json::object([
        ("nearest_subspace", Json::real(s.subspace)),
        ("neighbours", Json::real(s.neighbours)),
        ("guess", s.guess.map_or(Json::Null, Json::real)),
    ])
}

/// `model.safetensors` with every layer, and `log.csv` with ΔR.
fn write(directory: &Path, outcome: &Outcome<f64>, lift: Option<&Lift<f64>>) -> Result<()> {
    std::fs::create_dir_all(directory)
        .map_err(|e| Error::io(directory.display().to_string(), "a directory to write into", e.to_string()))?;
    let mut arrays = Vec::new();
    let mut put = |name: String, shape: Vec<usize>, data: Vec<f64>| -> Result<()> {
        arrays.push((name, Array::from_f64(shape, data)?));
        Ok(())
    };
    for (l, layer) in outcome.net.layers.iter().enumerate() {
        let (k, gamma) = (layer.blocks[0].c.len(), layer.blocks[0].gamma.clone());
        put(format!("layers.{l}.gamma"), vec![k], gamma)?;
        put(format!("layers.{l}.eta"), vec![], vec![layer.eta])?;
        put(format!("layers.{l}.lambda"), vec![], vec![layer.lambda])?;
        match &outcome.net.shifts {
            None => {
                let d = layer.blocks[0].e.rows();
                put(format!("layers.{l}.e"), vec![d, d], layer.blocks[0].e.data().to_vec())?;
                put(format!("layers.{l}.c"), vec![k, d, d], layer.blocks[0].c.iter().flat_map(|c| c.data().iter().copied()).collect())?;
            }
            Some(shifts) => {
                let (c, t) = (shifts.channels(), shifts.count());
                put(format!("layers.{l}.e"), vec![c, c, t], shifts.kernels(layer.blocks.iter().map(|b| &b.e))?)?;
                let kernels = (0..k).map(|j| shifts.kernels(layer.blocks.iter().map(|b| &b.c[j]))).collect::<Result<Vec<_>>>()?;
                put(format!("layers.{l}.c"), vec![k, c, c, t], kernels.concat())?;
            }
        }
    }
    if let Some(lift) = lift {
        let [a, b] = lift.extent;
        put("lift.kernels".into(), vec![lift.kernels.rows(), lift.signal[0], a, b], lift.kernels.data().to_vec())?;
    }
    archive::write_named(&directory.join("model.safetensors"), arrays.iter().map(|(n, a)| (n.as_str(), a)))?;
    let rows: Vec<String> = outcome.reductions.iter().enumerate().map(|(i, r)| format!("{i},{r:?}\n")).collect();
    file::write(&directory.join("log.csv"), ("layer,reduction\n".to_string() + &rows.concat()).as_bytes())
}
