//! A training run in a directory: checkpoints that are whole or not there, a log, and going on after an interruption as if there had been none.

use super::config::Config;
use super::inference::evaluate;
use super::training::{Outcome, Samples, Trainer};
use super::vision::Vision;
use crate::data::{Array, Json, file, safetensors};
use crate::learn::{Parameters, epoch_batches, from_arrays, to_array, to_arrays};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogRow {
    /// Epochs done, the one under way included.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Learning rate of the last step.
    pub rate: f64,
    /// Over the samples since the row before, each judged by the weights of its step.
    pub train: Outcome,
    /// On the test set, if it was asked for.
    pub test: Option<Outcome>,
}

impl LogRow {
    const HEADER: [&'static str; 7] = ["epoch", "step", "rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy"];
    fn cells(&self) -> [String; 7] {
        let test = |f: fn(&Outcome) -> f64| self.test.as_ref().map_or(String::new(), |t| format!("{:?}", f(t)));
        [
            self.epoch.to_string(),
            self.step.to_string(),
            format!("{:?}", self.rate),
            format!("{:?}", self.train.loss),
            format!("{:?}", self.train.accuracy()),
            test(|t| t.loss),
            test(Outcome::accuracy),
        ]
    }
}

/// What a run learns from, and what it is tested on.
#[derive(Clone, Debug)]
pub struct Task<S> {
    /// The data.
    pub samples: Samples<S>,
    /// The rows to train on.
    pub train: Vec<usize>,
    /// The test set.
    pub test: Option<Samples<S>>,
    /// The rows of every step, where they are given instead of drawn.
    pub given: Option<Vec<Vec<usize>>>,
}

impl<S> Task<S> {
    /// Steps of an epoch.
    pub fn epoch(&self, batch: usize) -> u64 {
        self.given.as_ref().map_or(self.train.len().div_ceil(batch.max(1)), Vec::len) as u64
    }
}

/// A run under way.
#[derive(Clone, Debug)]
pub struct Run<S> {
    /// What was asked.
    pub config: Config,
    /// Model and optimiser.
    pub trainer: Trainer<S>,
    /// Since the last row of the log.
    pub sofar: Outcome,
    /// The log so far, as the cells of a CSV file.
    log: Vec<Vec<String>>,
    /// An epoch and its batches.
    order: Option<(u64, Vec<Vec<usize>>)>,
}

/// Weights alone, under their official names, with the design beside them.
pub const MODEL: &str = "model.safetensors";
/// Weights, optimiser, log and configuration: what a resumed run needs.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The log.
pub const LOG: &str = "log.csv";

impl<S: Scalar> Run<S> {
    /// A run at its beginning.
    pub fn new(config: Config, model: Vision<S>) -> Result<Self> {
        let trainer = Trainer::new(model, config.recipe)?;
        Ok(Run { config, trainer, sofar: Outcome::default(), log: Vec::new(), order: None })
    }

    /// Steps of the whole run.
    pub fn total(&self, task: &Task<S>) -> u64 {
        task.epoch(self.config.recipe.batch) * self.config.epochs as u64
    }

    /// The next step; what is due after it, a row of the log. Which samples, and how they are moved, depends on the seed and on the count of steps alone; so a run that
    /// was saved after any step goes on to the same bits. Errors: as [`Trainer::step`].
    pub fn advance(&mut self, task: &Task<S>) -> Result<Outcome> {
        let (step, length) = (self.trainer.moments.steps, task.epoch(self.config.recipe.batch).max(1));
        let (epoch, place) = (step / length, (step % length) as usize);
        let outcome = match &task.given {
            Some(batches) => self.trainer.step(&task.samples, &batches[place], epoch)?,
            None => {
                if self.order.as_ref().is_none_or(|(of, _)| *of != epoch) {
                    let batches = epoch_batches(task.train.len(), self.config.recipe.batch, self.config.recipe.seed, epoch);
                    let rows = |batch: Vec<usize>| batch.into_iter().map(|i| task.train[i]).collect();
                    self.order = Some((epoch, batches.into_iter().map(rows).collect()));
                }
                let (_, batches) = self.order.as_ref().expect("just made");
                self.trainer.step(&task.samples, &batches[place], epoch)?
            }
        };
        self.sofar = self.sofar.and(outcome);
        // Given batches are there to be compared step by step.
        if task.given.is_some() || place as u64 + 1 == length {
            self.note(epoch + 1, task.test.as_ref().filter(|_| place as u64 + 1 == length))?;
        }
        Ok(outcome)
    }

    /// Adds a row to the log.
    fn note(&mut self, epoch: u64, test: Option<&Samples<S>>) -> Result<()> {
        let test = test.map(|t| evaluate(&self.trainer.model, t, 0.0)).transpose()?;
        let step = self.trainer.moments.steps;
        let rate = self.config.recipe.rate * self.config.recipe.schedule.factor(step.saturating_sub(1) as f64);
        let train = std::mem::take(&mut self.sofar);
        self.log.push(LogRow { epoch, step, rate, train, test }.cells().to_vec());
        Ok(())
    }

    /// Writes checkpoint, log and weights into `directory`, each whole or not at all.
    pub fn save(&self, directory: &Path) -> Result<()> {
        let weights = to_arrays(&self.trainer.model)?;
        let mut tensors = Vec::with_capacity(3 * weights.len());
        for (k, (name, weight)) in weights.iter().enumerate() {
            tensors.push((format!("model.{name}"), weight.clone()));
            for (prefix, moments) in [("first", &self.trainer.moments.first), ("second", &self.trainer.moments.second)] {
                if !moments[k].is_empty() {
                    tensors.push((format!("{prefix}.{name}"), to_array(weight.shape(), &moments[k])?));
                }
            }
        }
        let log = Json::Array(self.log.iter().map(|row| Json::Array(row.iter().map(Json::text).collect())).collect());
        let text = |name: &str, value: String| (name.to_string(), value);
        let metadata = [
            text("config", self.config.to_json().to_string()),
            text("log", log.to_string()),
            text("sofar", format!("{} {:?} {}", self.sofar.samples, self.sofar.loss, self.sofar.correct)),
            text("steps", self.trainer.moments.steps.to_string()),
        ];
        put(directory, CHECKPOINT, &safetensors::write(tensors.iter().map(|(n, a)| (n.as_str(), a)), Some(&metadata))?)?;
        let header = LogRow::HEADER.map(str::to_string).to_vec();
        put(directory, LOG, crate::data::csv::write_text(std::iter::once(&header).chain(&self.log)).as_bytes())?;
        let design = [text("design", self.config.design.to_json().to_string())];
        put(directory, MODEL, &safetensors::write(weights.iter().map(|(n, a)| (n.as_str(), a)), Some(&design))?)
    }

    /// The run whose checkpoint is in `directory`. Errors: `Io`, `Format`; `Usage` if it was trained in another number type.
    pub fn resume(directory: &Path) -> Result<Self> {
        let (config, contents) = Checkpoint::read(directory)?;
        if config.scalar != S::NAME {
            return Err(Error::usage("scalar", format!("{}, as the run began", config.scalar), S::NAME));
        }
        let mut run = Run::new(config, Vision::zeros(contents.config.design)?)?;
        let strip = |prefix: &str| -> Vec<(String, Array)> {
            contents.tensors.iter().filter_map(|(n, a)| Some((n.strip_prefix(prefix)?.to_string(), a.clone()))).collect()
        };
        from_arrays(&mut run.trainer.model, &strip("model."))?;
        for (prefix, kept) in [("first.", 1), ("second.", 2)] {
            let mut moments = run.trainer.model.clone();
            if run.config.recipe.optimiser.moments() >= kept {
                from_arrays(&mut moments, &strip(prefix)).map_err(|e| e.within(prefix))?;
                let numbers = moments.parameters().into_iter().map(|p| p.data().to_vec()).collect();
                *(if kept == 1 { &mut run.trainer.moments.first } else { &mut run.trainer.moments.second }) = numbers;
            }
        }
        (run.trainer.moments.steps, run.sofar, run.log) = (contents.steps, contents.sofar, contents.log);
        Ok(run)
    }
}

/// What a checkpoint says besides its configuration.
struct Checkpoint {
    config: Config,
    tensors: Vec<(String, Array)>,
    steps: u64,
    sofar: Outcome,
    log: Vec<Vec<String>>,
}

impl Checkpoint {
    fn read(directory: &Path) -> Result<(Config, Checkpoint)> {
        let path = directory.join(CHECKPOINT);
        let read = || -> Result<(Config, Checkpoint)> {
            let contents = safetensors::read(&file::read(&path, file::DEFAULT_LIMIT)?)?;
            let metadata = contents.metadata.unwrap_or_default();
            let get = |name: &str| {
                let found = metadata.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
                found.ok_or_else(|| Error::format("metadata", format!("an entry `{name}`: a checkpoint of this program"), "none"))
            };
            let config = Config::from_json(&Json::parse(get("config")?.as_bytes())?)?;
            let wrong = |name: &str| Error::format(name, "numbers as this program writes them", "something else");
            let sofar = || -> Option<Outcome> {
                let parts: Vec<&str> = get("sofar").ok()?.split(' ').collect();
                let &[samples, loss, correct] = parts.as_slice() else { return None };
                Some(Outcome { samples: samples.parse().ok()?, loss: loss.parse().ok()?, correct: correct.parse().ok()? })
            };
            let log = Json::parse(get("log")?.as_bytes())?;
            let row = |r: &Json| r.as_array().unwrap_or(&[]).iter().map(|c| c.as_str().unwrap_or("").to_string()).collect();
            let checkpoint = Checkpoint {
                config: config.clone(),
                tensors: contents.tensors,
                steps: get("steps")?.parse().map_err(|_| wrong("steps"))?,
                sofar: sofar().ok_or_else(|| wrong("sofar"))?,
                log: log.as_array().unwrap_or(&[]).iter().map(row).collect(),
            };
            Ok((config, checkpoint))
        };
        read().map_err(|e| e.within(&path.display().to_string()))
    }
}

/// The configuration of the run in `directory`.
pub fn config_of(directory: &Path) -> Result<Config> {
    Ok(Checkpoint::read(directory)?.0)
}

/// Loads weights from a `.safetensors` file into a model whose design the file states (as [`Run::save`] writes it), in any number type. `None` where it states none.
pub fn load_model<S: Scalar>(path: &Path) -> Result<Option<Vision<S>>> {
    let read = || -> Result<Option<Vision<S>>> {
        let contents = safetensors::read(&file::read(path, file::DEFAULT_LIMIT)?)?;
        let metadata = contents.metadata.unwrap_or_default();
        let Some((_, design)) = metadata.iter().find(|(n, _)| n == "design") else { return Ok(None) };
        let mut model = Vision::zeros(super::Design::from_json(&Json::parse(design.as_bytes())?)?)?;
        from_arrays(&mut model, &contents.tensors)?;
        Ok(Some(model))
    };
    read().map_err(|e| e.within(&path.display().to_string()))
}

fn put(directory: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path: PathBuf = directory.join(name);
    file::write(&path, bytes)
}

/// Images from an array: n × h × w or n × c × h × w; integers as shares of 255, reals as they are. The shape of one image comes with them.
pub fn images<S: Scalar>(array: &Array) -> Result<(crate::linalg::Matrix<S>, [usize; 3])> {
    let (n, image) = match array.shape() {
        &[n, h, w] => (n, [1, h, w]),
        &[n, c, h, w] => (n, [c, h, w]),
        other => {
            let found = crate::data::array::shape_text(other);
            return Err(Error::shape("images", "n × height × width or n × channels × height × width", found));
        }
    };
    let whole = !array.dtype().is_real();
    let data = array.to_f64()?;
    if let Some(x) = data.iter().find(|x| whole && !(0.0..=255.0).contains(*x)) {
        return Err(Error::domain("images", "whole numbers from 0 to 255, or real numbers", x.to_string()));
    }
    let scale = |x: f64| S::from_ball(Ball::exact(if whole { x / 255.0 } else { x }));
    let pixels = image.iter().product();
    let images = crate::linalg::Matrix::new(n, pixels, data.into_iter().map(scale).collect())?;
    images.check_finite("images")?;
    Ok((images, image))
}

/// Labels from an array of whole numbers from 0 on.
pub fn labels(array: &Array) -> Result<Vec<usize>> {
    if array.shape().len() != 1 {
        let found = crate::data::array::shape_text(array.shape());
        return Err(Error::shape("labels", "one axis", found));
    }
    let whole = |(i, l): (usize, i64)| {
        usize::try_from(l).map_err(|_| Error::domain(format!("labels[{i}]"), "a label from 0 on", l.to_string()).named("LabelOutOfRange"))
    };
    array.to_i64()?.into_iter().enumerate().map(whole).collect()
}
