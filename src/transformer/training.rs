//! Training: one step over a batch in chunks, on as many threads as there are, with the same bits on any number of them.

use super::vision::{Vision, VisionTrace};
use crate::learn::{CrossEntropy, Layer, Moments, Optimiser, Parameter, Parameters, Schedule, optimise};
use crate::linalg::Matrix;
use crate::linalg::threads::{threads, with_threads};
use crate::random::Rng;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::sync::{Condvar, Mutex};

/// Samples of a chunk. The gradient of a batch is the sum of its chunks in order, each of them one pass; the number of threads decides only who computes which.
pub const CHUNK: usize = 16;

/// Images, one a row, and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples<S> {
    /// n × (channels · height · width).
    pub images: Matrix<S>,
    /// n numbers below the number of classes.
    pub labels: Vec<usize>,
}

impl<S: Scalar> Samples<S> {
    /// The samples listed. Errors: `Shape` if there is no such sample.
    pub fn select(&self, which: &[usize]) -> Result<Self> {
        let images = self.images.select_rows(which)?;
        Ok(Samples { images, labels: which.iter().map(|&i| self.labels[i]).collect() })
    }
    /// Errors: `Shape` unless there is a label for every image, `Domain` for a label not below `classes`.
    pub fn check(&self, classes: usize) -> Result<()> {
        if self.labels.len() != self.images.rows() || self.labels.is_empty() {
            let expected = format!("{} labels, at least 1", self.images.rows());
            return Err(Error::shape("labels", expected, self.labels.len().to_string()));
        }
        match self.labels.iter().position(|&l| l >= classes) {
            None => self.images.check_finite("images"),
            Some(i) => {
                let expected = format!("a label below {classes}");
                Err(Error::domain(format!("labels[{i}]"), expected, self.labels[i].to_string()).named("LabelOutOfRange"))
            }
        }
    }
}

/// How a model is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// What a step makes of a gradient.
    pub optimiser: Optimiser,
    /// Base learning rate.
    pub rate: f64,
    /// Its factor, as a function of the step.
    pub schedule: Schedule,
    /// Label smoothing.
    pub smoothing: f64,
    /// Samples of a batch.
    pub batch: usize,
    /// Images are moved by up to so many pixels in each direction, what comes in being 0.
    pub shift: usize,
    /// The share of the images that are moved at all.
    pub moved: f64,
    /// Of batches and shifts.
    pub seed: u64,
}

/// What a pass over some samples gave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Samples.
    pub samples: usize,
    /// Mean loss.
    pub loss: f64,
    /// Samples whose greatest logit is that of their class.
    pub correct: usize,
}

impl Outcome {
    /// The share classified right.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }
    /// This pass and another, weighted by their samples.
    pub fn and(self, other: Outcome) -> Outcome {
        let samples = self.samples + other.samples;
        let loss = (self.loss * self.samples as f64 + other.loss * other.samples as f64) / samples.max(1) as f64;
        Outcome { samples, loss, correct: self.correct + other.correct }
    }
}

/// What a thread works with; all of it is used again by the next step.
#[derive(Clone, Debug)]
struct Worker<S> {
    trace: VisionTrace<S>,
    gradient: Vision<S>,
    loss: CrossEntropy<S>,
    images: Matrix<S>,
    labels: Vec<usize>,
    none: Matrix<S>,
}
impl<S: Scalar> Worker<S> {
    fn new(gradient: Vision<S>) -> Self {
        let trace = VisionTrace::default();
        Worker { trace, gradient, loss: CrossEntropy::default(), images: Matrix::default(), labels: Vec::new(), none: Matrix::default() }
    }
    /// Loads a chunk: the images, moved by `shift(position in the batch)`.
    fn load(&mut self, samples: &Samples<S>, chunk: &[usize], [c, h, w]: [usize; 3], shift: impl Fn(usize) -> [isize; 2]) {
        self.images.reset(chunk.len(), c * h * w);
        self.labels.clear();
        for (k, &i) in chunk.iter().enumerate() {
            self.labels.push(samples.labels[i]);
            let [down, right] = shift(k);
            let left = right.unsigned_abs().min(w);
            let width = w - left;
            for channel in 0..c {
                for y in 0..h {
                    let Some(source) = y.checked_add_signed(-down).filter(|&y| y < h) else { continue };
                    let (to, from) = ((channel * h + y) * w, (channel * h + source) * w);
                    let (to, source) = if right >= 0 { (to + left, from) } else { (to, from + left) };
                    self.images.row_mut(k)[to..to + width].copy_from_slice(&samples.images.row(i)[source..source + width]);
                }
            }
        }
    }
}

/// A model in training.
#[derive(Clone, Debug)]
pub struct Trainer<S> {
    /// The model.
    pub model: Vision<S>,
    /// The memory of the optimiser; its `steps` count.
    pub moments: Moments<S>,
    /// How it is trained.
    pub recipe: Recipe,
    gradient: Vision<S>,
    workers: Vec<Worker<S>>,
}

/// The sum so far: how many chunks are in it, and what they gave.
struct Sum<'a, S> {
    chunks: usize,
    gradient: &'a mut Vision<S>,
    losses: Vec<S>,
    correct: usize,
    failed: Option<Error>,
}

impl<S: Scalar> Trainer<S> {
    /// A model at step 0. Errors: `Domain` for a recipe out of its range.
    pub fn new(model: Vision<S>, recipe: Recipe) -> Result<Self> {
        recipe.optimiser.check()?;
        if recipe.batch == 0 {
            return Err(Error::domain("batch", "at least one sample", "0"));
        }
        if !(0.0..=1.0).contains(&recipe.moved) {
            return Err(Error::domain("moved", "a share from 0 to 1", recipe.moved.to_string()));
        }
        let mut gradient = model.clone();
        gradient.clear();
        let moments = Moments::new(&recipe.optimiser, &model.parameters());
        Ok(Trainer { model, moments, recipe, gradient, workers: Vec::new() })
    }

    /// The gradient of the last step.
    pub fn gradient(&self) -> &Vision<S> {
        &self.gradient
    }

    /// One step on these samples. The images are moved as `epoch` and the place in the batch ask for (not at all without augmentation). Errors: `Shape`, `Domain`; `NotFinite` if
    /// the loss is not a number any more, before the model is touched.
    pub fn step(&mut self, samples: &Samples<S>, batch: &[usize], epoch: u64) -> Result<Outcome> {
        if let Some(&i) = batch.iter().find(|&&i| i >= samples.labels.len()) {
            return Err(Error::domain("batch", format!("sample numbers below {}", samples.labels.len()), i.to_string()));
        }
        if batch.is_empty() {
            return Err(Error::shape("batch", "at least one sample", "none").named("EmptyInput"));
        }
        let chunks: Vec<&[usize]> = batch.chunks(CHUNK).collect();
        let count = threads().min(chunks.len());
        while self.workers.len() < count {
            self.workers.push(Worker::new(self.gradient.clone()));
        }
        self.gradient.clear();
        let (model, recipe, design) = (&self.model, self.recipe, self.model.design);
        let (smoothing, factor) = (S::from_f64(recipe.smoothing), S::ONE / S::from_usize(batch.len()));
        let sum =
            Mutex::new(Sum { chunks: 0, gradient: &mut self.gradient, losses: Vec::with_capacity(batch.len()), correct: 0, failed: None });
        let turn = Condvar::new();
        let one = |worker: &mut Worker<S>, c: usize| -> Result<()> {
            worker.load(samples, chunks[c], design.image, |k| displacement(&recipe, epoch, self.moments.steps, c * CHUNK + k));
            let logits = model.forward(&worker.images, 1, &mut worker.trace)?;
            worker.loss.compute(logits, &worker.labels, smoothing, factor)?;
            worker.gradient.clear();
            model.backward(&worker.images, &mut worker.trace, &worker.loss.gradient, &mut worker.gradient, &mut worker.none)
        };
        let work = |worker: &mut Worker<S>, first: usize| {
            for c in (first..chunks.len()).step_by(count) {
                let outcome = one(worker, c);
                let sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let mut sum = turn.wait_while(sum, |s| s.chunks < c).unwrap_or_else(std::sync::PoisonError::into_inner);
                match outcome {
                    Err(e) => sum.failed = sum.failed.take().or(Some(e)),
                    Ok(()) => {
                        sum.gradient.accumulate(&worker.gradient);
                        sum.losses.extend_from_slice(&worker.loss.losses);
                        sum.correct += right(&worker.trace.logits, &worker.labels);
                    }
                }
                sum.chunks += 1;
                turn.notify_all();
            }
        };
        let (own, others) = self.workers[..count].split_at_mut(1);
        std::thread::scope(|scope| {
            for (k, worker) in others.iter_mut().enumerate() {
                let work = &work;
                scope.spawn(move || with_threads(1, || work(worker, k + 1)));
            }
            let mut alone = || work(&mut own[0], 0);
            if count > 1 { with_threads(1, alone) } else { alone() }
        });
        let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(e) = sum.failed {
            return Err(e);
        }
        let loss = S::sum(&sum.losses) / S::from_usize(batch.len());
        let outcome = Outcome { samples: batch.len(), loss: loss.value(), correct: sum.correct };
        if !loss.is_finite() {
            let at = format!("loss of step {}", self.moments.steps);
            return Err(Error::not_finite(at, "a finite number; a smaller learning rate may help", loss.value().to_string()));
        }
        let rate = recipe.rate * recipe.schedule.factor(self.moments.steps as f64);
        let gradients: Vec<&Parameter<S>> = self.gradient.parameters();
        optimise(&recipe.optimiser, rate, &mut self.model.parameters_mut(), &gradients, &mut self.moments)?;
        Ok(outcome)
    }
}

/// How far an image is moved down and to the right; depends on seed, epoch, step and place in the batch alone.
fn displacement(recipe: &Recipe, epoch: u64, step: u64, place: usize) -> [isize; 2] {
    let mut rng = Rng::new(recipe.seed ^ epoch.rotate_left(48) ^ step.rotate_left(24) ^ place as u64);
    if recipe.shift == 0 || !rng.chance(recipe.moved) {
        return [0, 0];
    }
    [(); 2].map(|()| rng.below(2 * recipe.shift + 1) as isize - recipe.shift as isize)
}

/// Samples whose greatest logit is that of their class; of equal logits the first counts.
pub(super) fn right<S: Scalar>(logits: &Matrix<S>, labels: &[usize]) -> usize {
    let guess = |row: &[S]| (1..row.len()).fold(0, |best, c| if row[c].value() > row[best].value() { c } else { best });
    labels.iter().enumerate().filter(|&(b, &l)| guess(logits.row(b)) == l).count()
}
