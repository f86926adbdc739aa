//! Training a classifier of images: CRATE, ViT, and the mixtures of the ablation.

use super::data;
use super::options::{design, epochs, recipe};
use super::progress::Progress;
use crate::cli::arguments::{self, Arguments};
use crate::learn::{Parameters, from_arrays, split_samples};
use crate::scalar::Scalar;
use crate::transformer::run::{CHECKPOINT, config_of};
use crate::transformer::{Config, Run, Samples, Task, Vision, evaluate};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub const USAGE: &str = "white-box train --model crate|vit|mssa-mlp|mhsa-ista --data DATA [--out RUN] [options]
white-box train --resume --out RUN
white-box train --model redunet --data DATA [--out RUN] [options]

Trains a classifier of images. DATA is `digits` (1,797 images of 8 × 8, built in) or IMAGES+LABELS: two .npy or IDX files (also gzipped), images n × h × w or
n × c × h × w, whole numbers as shares of 255. Into RUN go model.safetensors (official names), checkpoint.safetensors and log.csv, each whole or not at all.
--resume goes on from the checkpoint, to the same bits as if nothing had happened. The bits do not depend on the number of threads (WHITE_BOX_THREADS).

data      --test N          hold out N samples, every class by its share (digits: 360)
          --test-data DATA  a test set of its own
          --shift P         move training images by up to P pixels each way (1)     --moved Q  that share of them (0.3)
model     --patch 2 --dim 64 --depth 4 --heads 4 --head-width W --hidden H --pool patches|cls|mean --classes C
training  --epochs 40 --batch 32 --optimiser adamw|adam|lion|sgd --rate 0.004 --weight-decay 0.05 --momentum 0.9 --nesterov
          --schedule cosine|constant|crate-repo|nanogpt --warmup EPOCHS (5) --floor F (0) --smoothing 0.1
          --init W.safetensors  start from these weights     --batches FILE  rows of the data for every step, steps × batch, instead of epochs
          --seed 0 --seeds N    N runs with consecutive seeds, and their mean     --scalar f32|f64 (f32)     --quiet

redunet builds its layers forward, without back-propagation, and prints ΔR of every layer and the test accuracies before and after
          --layers 50 --eta 0.5 --lambda 500 --eps2 0.1 (or --eps) --rank 10 --assignment soft|oracle --test N --per-class N --seed 0
          --noise 0,0.2,0.4     shares of training labels drawn anew, a run for each
          --shift-invariant     the form that does not see circular shifts: --channels 8 --kernel 3 (lifting) --moves 4
                                --normalisation exact|redunet-repo     --json     --quiet";

const VALUED: [&str; 30] = [
    "--model",
    "--data",
    "--test",
    "--test-data",
    "--out",
    "--epochs",
    "--batch",
    "--optimiser",
    "--rate",
    "--weight-decay",
    "--momentum",
    "--schedule",
    "--warmup",
    "--floor",
    "--smoothing",
    "--shift",
    "--moved",
    "--patch",
    "--dim",
    "--depth",
    "--heads",
    "--head-width",
    "--hidden",
    "--pool",
    "--classes",
    "--init",
    "--batches",
    "--seed",
    "--seeds",
    "--scalar",
];

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &VALUED, &["--resume", "--nesterov", "--quiet"], "no words without an option", 0..=0)?;
    let scalar = if args.switch("--resume") {
        let directory = args.one("--out")?.ok_or_else(|| Error::usage("--resume", "--out RUN beside it", "no --out"))?;
        if let Some(extra) = VALUED.iter().find(|n| **n != "--out" && args.all(n).next().is_some()) {
            return Err(Error::usage(*extra, "nothing but --out and --quiet with --resume: the run knows the rest", "an option"));
        }
        config_of(Path::new(directory))?.scalar
    } else {
        args.one("--scalar")?.unwrap_or("f32").to_string()
    };
    match scalar.as_str() {
        "f32" => train::<f32>(&args),
        "f64" => train::<f64>(&args),
        other => Err(Error::usage("--scalar", "f32 or f64", format!("`{}`", other.escape_default()))),
    }
}

fn train<S: Scalar>(args: &Arguments) -> Result<ExitCode> {
    let out = args.one("--out")?.map(PathBuf::from);
    let seeds: u64 = args.number("--seeds", "a whole number from 1 on")?.unwrap_or(1);
    if seeds == 0 {
        return Err(Error::usage("--seeds", "a whole number from 1 on", "0"));
    }
    let first: u64 = args.number("--seed", "a whole number")?.unwrap_or(0);
    let mut accuracies = Vec::new();
    for k in 0..seeds {
        let directory = match (&out, seeds) {
            (Some(out), 1) => Some(out.clone()),
            (Some(out), _) => Some(out.join(format!("seed-{}", first.wrapping_add(k)))),
            (None, _) => None,
        };
        accuracies.extend(one::<S>(args, first.wrapping_add(k), directory.as_deref())?);
    }
    if accuracies.len() > 1 {
        let n = accuracies.len() as f64;
        let mean = accuracies.iter().sum::<f64>() / n;
        let deviation = (accuracies.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        arguments::line(&format!("mean of {n} seeds: test accuracy {:.2} % ± {:.2}", 100.0 * mean, 100.0 * deviation))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One run; its accuracy on the test set, if there is one.
fn one<S: Scalar>(args: &Arguments, seed: u64, directory: Option<&Path>) -> Result<Option<f64>> {
    let resumed = args.switch("--resume");
    let (mut run, task) = match directory {
        Some(directory) if resumed => prepare(Run::<S>::resume(directory)?)?,
        _ => begin::<S>(args, seed, directory)?,
    };
    let (quiet, total) = (args.switch("--quiet"), run.total(&task));
    let length = task.epoch(run.config.recipe.batch).max(1);
    if !quiet {
        let design = run.config.design;
        eprintln!(
            "{} parameters, {} tokens of {}, {} images to train on{}",
            run.trainer.model.count(),
            design.tokens(),
            design.dim,
            task.train.len(),
            task.test.as_ref().map_or(String::new(), |t| format!(", {} to test", t.labels.len()))
        );
    }
    let mut keeper = Keeper::new(directory);
    keeper.save(&run)?;
    let mut progress = Progress::new(run.trainer.moments.steps, quiet);
    while run.trainer.moments.steps < total {
        let outcome = run.advance(&task)?;
        let (step, sofar) = (run.trainer.moments.steps, if run.sofar.samples > 0 { run.sofar } else { outcome });
        let text = format!("epoch {}  loss {:.4}  accuracy {:.1} %", (step - 1) / length + 1, sofar.loss, 100.0 * sofar.accuracy());
        progress.step(step, total, outcome.samples, &text);
        if step < total && keeper.due() {
            keeper.save(&run)?;
        }
    }
    let (seconds, pace) = progress.pace();
    progress.clear();
    keeper.save(&run)?;
    let whole = evaluate(&run.trainer.model, &task.samples.select(&task.train)?, 0.0)?;
    let mut text = format!("seed {}: training loss {:.4}, accuracy {:.2} %", run.config.recipe.seed, whole.loss, 100.0 * whole.accuracy());
    let tested = task.test.as_ref().map(|t| evaluate(&run.trainer.model, t, 0.0)).transpose()?;
    if let Some(t) = tested {
        text += &format!("; test loss {:.4}, accuracy {:.2} % of {}", t.loss, 100.0 * t.accuracy(), t.samples);
    }
    arguments::line(&text)?;
    if !quiet {
        eprintln!("{seconds:.1} s, {pace:.0} images/s{}", directory.map_or(String::new(), |d| format!("; in {}", d.display())));
    }
    Ok(tested.map(|t| t.accuracy()))
}

/// Writes checkpoints, so seldom that they take a twentieth of the time at most.
struct Keeper<'a> {
    directory: Option<&'a Path>,
    last: Instant,
    cost: Duration,
}
impl<'a> Keeper<'a> {
    fn new(directory: Option<&'a Path>) -> Self {
        Keeper { directory, last: Instant::now(), cost: Duration::ZERO }
    }
    fn due(&self) -> bool {
        self.directory.is_some() && self.last.elapsed() > Duration::from_secs(1).max(20 * self.cost)
    }
    fn save<S: Scalar>(&mut self, run: &Run<S>) -> Result<()> {
        let start = Instant::now();
        if let Some(directory) = self.directory {
            run.save(directory)?;
        }
        (self.last, self.cost) = (Instant::now(), start.elapsed());
        Ok(())
    }
}

/// Data and batches of a run that a checkpoint describes. Errors: `Usage` if the data are not those the run began with.
fn prepare<S: Scalar>(run: Run<S>) -> Result<(Run<S>, Task<S>)> {
    let config = run.config.clone();
    let loaded = data::load::<S>(&config.data)?;
    if loaded.hash != config.data_hash {
        let expected = format!("the data the run began with, SHA-256 {}", config.data_hash);
        return Err(Error::usage(config.data.join("+"), expected, loaded.hash));
    }
    let given = match &config.batches {
        None => None,
        Some([path, hash]) => {
            let (batches, found) = data::batches(path, loaded.samples.labels.len())?;
            if found != *hash {
                return Err(Error::usage(path.as_str(), format!("the batches the run began with, SHA-256 {hash}"), found));
            }
            Some(batches)
        }
    };
    ready(run, loaded.samples, loaded.image, given)
}

/// Cuts the test set off.
fn ready<S: Scalar>(run: Run<S>, samples: Samples<S>, image: [usize; 3], given: Option<Vec<Vec<usize>>>) -> Result<(Run<S>, Task<S>)> {
    let classes = run.config.design.classes;
    samples.check(classes)?;
    let all: Vec<usize> = (0..samples.labels.len()).collect();
    let (train, test) = if run.config.held_out > 0 {
        let (train, test) = split_samples(&samples.labels, run.config.held_out, run.config.recipe.seed)?;
        let test = samples.select(&test)?;
        (train, Some(test))
    } else if run.config.test.is_empty() {
        (all, None)
    } else {
        let test = data::load::<S>(&run.config.test)?;
        if test.image != image {
            return Err(Error::shape("--test-data", format!("images of {image:?}"), format!("{:?}", test.image)));
        }
        test.samples.check(classes)?;
        (all, Some(test.samples))
    };
    Ok((run, Task { samples, train, test, given }))
}

/// A run from the command line, checked before any work.
fn begin<S: Scalar>(args: &Arguments, seed: u64, directory: Option<&Path>) -> Result<(Run<S>, Task<S>)> {
    if let Some(found) = directory.map(|d| d.join(CHECKPOINT)).filter(|c| c.exists()) {
        let found = format!("{}: --resume goes on with it", found.display());
        return Err(Error::usage("--out", "a directory without a run", found));
    }
    let given = args.one("--data")?.ok_or_else(|| Error::usage("--data", "`digits` or IMAGES+LABELS", "no --data"))?;
    let parts = data::parts(given)?;
    let loaded = data::load::<S>(&parts)?;
    let is_digits = parts.len() == 1;
    let batches = args.one("--batches")?.map(|path| data::batches(path, loaded.samples.labels.len()).map(|b| (path, b))).transpose()?;
    let test = args.one("--test-data")?.map(data::parts).transpose()?.unwrap_or_default();
    let held_out = match args.number("--test", "a whole number")? {
        Some(_) if !test.is_empty() => return Err(Error::usage("--test", "--test or --test-data", "both")),
        Some(n) => n,
        None if is_digits && test.is_empty() && batches.is_none() => 360,
        None => 0,
    };
    let training = loaded.samples.labels.len().saturating_sub(held_out);
    let config = Config {
        design: design(args, &loaded)?,
        recipe: recipe(args, seed, training, batches.as_ref().map(|(_, (b, _))| b))?,
        epochs: epochs(args, batches.is_some())?,
        scalar: S::NAME.into(),
        data: parts,
        data_hash: loaded.hash,
        held_out,
        test,
        batches: batches.as_ref().map(|(path, (_, hash))| [path.to_string(), hash.clone()]),
        init: args.one("--init")?.map(str::to_string),
    };
    let mut model = Vision::initialise(config.design, seed)?;
    if let Some(path) = &config.init {
        let arrays = crate::cli::files::read(path)?;
        from_arrays(&mut model, &arrays).map_err(|e| e.within(path))?;
    }
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory)
            .map_err(|e| Error::io(directory.display().to_string(), "a directory to write into", e.to_string()))?;
    }
    ready(Run::new(config, model)?, loaded.samples, loaded.image, batches.map(|(_, (b, _))| b))
}
