//! Runs: the same bits on any number of threads and across interruptions; and something is learned.

use super::kinds;
use std::fs;
use std::path::PathBuf;
use white_box::data::{digits, sha256::sha256_hex};
use white_box::learn::*;
use white_box::linalg::{Matrix, threads::with_threads};
use white_box::scalar::Scalar;
use white_box::transformer::run::CHECKPOINT;
use white_box::transformer::*;
use white_box::{Error, Result};

/// The first `n` digits to train on, the next `m` to test.
fn task<S: Scalar>(n: usize, m: usize) -> Task<S> {
    let d = digits();
    let samples = |from: usize, count: usize| Samples {
        images: Matrix::new(count, 64, d.unit()[from * 64..][..count * 64].iter().map(|&x| S::from_f64(x)).collect()).unwrap(),
        labels: d.labels[from..from + count].iter().map(|&l| l.into()).collect(),
    };
    Task { samples: samples(0, n), train: (0..n).collect(), test: Some(samples(n, m)), given: None }
}

fn config(design: Design, optimiser: Optimiser, batch: usize, epochs: usize, scalar: &str) -> Config {
    let schedule = Schedule::WarmupCosine { warmup: 2.0, total: 60.0, floor: 0.0 };
    Config {
        design,
        recipe: Recipe { optimiser, rate: 0.003, schedule, smoothing: 0.1, batch, shift: 1, moved: 0.5, seed: 9 },
        epochs,
        scalar: scalar.into(),
        data: vec!["digits".into()],
        data_hash: String::new(),
        held_out: 0,
        test: Vec::new(),
        batches: None,
        init: None,
    }
}

fn small(heads: usize) -> Design {
    Design { hidden: 24, ..Design::new_crate([1, 8, 8], 4, 12, 2, heads, 10) }
}

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("train").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let task = task::<f32>(90, 40);
    for design in kinds(small(3)) {
        let train = |threads: usize| -> Result<(Vision<f32>, Vec<Outcome>, Outcome)> {
            with_threads(threads, || {
                // 90 samples: chunks of 16, the last of them smaller.
                let config = config(design, Optimiser::adamw(0.05), 90, 3, "f32");
                let mut run = Run::new(config, Vision::initialise(design, 2)?)?;
                let outcomes = (0..3).map(|_| run.advance(&task)).collect::<Result<Vec<_>>>()?;
                let test = evaluate(&run.trainer.model, task.test.as_ref().unwrap(), 0.0)?;
                Ok((run.trainer.model, outcomes, test))
            })
        };
        let one = train(1)?;
        assert!(one == train(2)? && one == train(3)?, "{design:?}");
        assert_ne!(one.0, Vision::initialise(design, 2)?);
    }
    Ok(())
}

/// The gradient of a batch is that of all its samples at once, up to the order of the sums.
#[test]
fn chunks_add_up_to_the_batch() -> Result<()> {
    let task = task::<f64>(50, 1);
    let design = small(2);
    let model = super::shaken(design, 4);
    let recipe = Recipe { shift: 0, ..config(design, Optimiser::adamw(0.0), 50, 1, "f64").recipe };
    let mut trainer = Trainer::new(model.clone(), recipe)?;
    let outcome = trainer.step(&task.samples, &task.train, 0)?;
    let logits = model.apply(&task.samples.images, 1)?;
    assert!((outcome.loss - cross_entropy(&logits, &task.samples.labels, 0.1)?).abs() <= 1e-14 * outcome.loss);
    let (_, gradient) = model.vjp(&task.samples.images, 1, &cross_entropy_vjp(&logits, &task.samples.labels, 0.1, 1.0)?)?;
    let largest = gradient.parameters().iter().flat_map(|p| p.data()).fold(0.0, |m: f64, x| m.max(x.abs()));
    for (a, b) in gradient.parameters().into_iter().zip(trainer.gradient().parameters()) {
        assert!(a.data().iter().zip(b.data()).all(|(a, b)| (a - b).abs() <= 1e-13 * largest));
    }
    Ok(())
}

fn interrupted<S: Scalar>(name: &str, config: &Config, task: &Task<S>, stops: &[u64]) -> Result<String> {
    let path = folder(name);
    let mut run = Run::<S>::new(config.clone(), Vision::initialise(config.design, 2)?)?;
    let total = run.total(task);
    while run.trainer.moments.steps < total {
        run.advance(task)?;
        if stops.contains(&run.trainer.moments.steps) {
            run.save(&path)?;
            drop(run);
            run = Run::resume(&path)?;
        }
    }
    run.save(&path)?;
    let log = fs::read_to_string(path.join("log.csv")).unwrap();
    assert_eq!(log.lines().count(), config.epochs + 1, "{log}");
    Ok(sha256_hex(&fs::read(path.join(CHECKPOINT)).unwrap()))
}

/// Stopped after any step, saved, read again, gone on: the last checkpoint is the same file.
#[test]
fn an_interrupted_run_ends_in_the_same_bits() -> Result<()> {
    let sgd = Optimiser::Sgd { momentum: 0.9, dampening: 0.1, nesterov: false, weight_decay: 0.01 };
    let plain = Optimiser::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 };
    for (k, optimiser) in [Optimiser::adamw(0.05), Optimiser::lion(0.1), sgd, plain].into_iter().enumerate() {
        // 50 samples in batches of 16: four steps an epoch.
        let design = kinds(small(2))[k];
        let config = |scalar| config(design, optimiser, 16, 3, scalar);
        let name = |part: &str| format!("interrupted-{k}-{part}");
        let whole = interrupted::<f32>(&name("whole"), &config("f32"), &task(50, 10), &[])?;
        for stop in [1, 4, 6, 11] {
            assert_eq!(interrupted::<f32>(&name("stop"), &config("f32"), &task(50, 10), &[stop])?, whole, "{optimiser:?} {stop}");
        }
        let all: Vec<u64> = (1..12).collect();
        assert_eq!(interrupted::<f32>(&name("all"), &config("f32"), &task(50, 10), &all)?, whole, "{optimiser:?}");
        let wide = interrupted::<f64>(&name("wide"), &config("f64"), &task(50, 10), &[])?;
        assert_eq!(interrupted::<f64>(&name("wide-stop"), &config("f64"), &task(50, 10), &[5])?, wide);
        assert_ne!(wide, whole);
    }
    Ok(())
}

/// A checkpoint states its whole configuration; what is not a checkpoint is refused with its place.
#[test]
fn checkpoints_say_what_they_are() -> Result<()> {
    let path = folder("checkpoint");
    let mut config = config(small(2), Optimiser::Lion { betas: [0.9, 0.98], weight_decay: 0.3 }, 16, 3, "f32");
    config.recipe.seed = u64::MAX;
    config.recipe.schedule = Schedule::CrateRepo { warmup: 20.0, epochs: 200.0 };
    config.batches = Some(["b.npy".into(), "00".into()]);
    config.init = Some("w.safetensors".into());
    let run = Run::<f32>::new(config.clone(), Vision::initialise(config.design, 1)?)?;
    run.save(&path)?;
    assert_eq!(Run::<f32>::resume(&path)?.config, config);
    assert_eq!(Config::from_json(&config.to_json())?, config);
    assert!(matches!(Run::<f64>::resume(&path), Err(Error::Usage(_))));
    let weights = run::load_model::<f32>(&path.join(run::MODEL))?;
    assert_eq!(weights.as_ref(), Some(&run.trainer.model));
    let bytes = fs::read(path.join(CHECKPOINT)).unwrap();
    for cut in [0, 7, 100, bytes.len() - 1] {
        fs::write(path.join(CHECKPOINT), &bytes[..cut]).unwrap();
        let error = Run::<f32>::resume(&path).unwrap_err();
        assert!(error.to_string().contains(CHECKPOINT), "{error}");
    }
    fs::copy(path.join(run::MODEL), path.join(CHECKPOINT)).unwrap();
    assert!(Run::<f32>::resume(&path).unwrap_err().to_string().contains("config"));
    Ok(())
}

/// Unseen digits are read five times as often as by chance, by every kind of layer.
#[test]
fn something_is_learned() -> Result<()> {
    let task = task::<f32>(400, 200);
    for design in kinds(Design { hidden: 48, ..Design::new_crate([1, 8, 8], 4, 24, 2, 3, 10) }) {
        let mut config = config(design, Optimiser::adamw(0.01), 40, 12, "f32");
        (config.recipe.shift, config.recipe.rate) = (0, 0.01);
        config.recipe.schedule = Schedule::WarmupCosine { warmup: 10.0, total: 120.0, floor: 0.0 };
        let mut run = Run::new(config, Vision::initialise(design, 1)?)?;
        while run.trainer.moments.steps < run.total(&task) {
            run.advance(&task)?;
        }
        let outcome = evaluate(&run.trainer.model, task.test.as_ref().unwrap(), 0.0)?;
        assert!(outcome.accuracy() > 0.5, "{design:?}: {outcome:?}");
    }
    Ok(())
}

#[test]
fn batches_and_splits_cover_everything_once() -> Result<()> {
    for (samples, batch) in [(10, 3), (7, 7), (5, 9)] {
        let epoch = |e: u64| epoch_batches(samples, batch, 4, e);
        let mut all: Vec<usize> = epoch(0).concat();
        all.sort_unstable();
        assert_eq!(all, (0..samples).collect::<Vec<_>>());
        assert_eq!(epoch(0), epoch(0));
        assert!(epoch(0) != epoch(1) && epoch(0).iter().rev().skip(1).all(|b| b.len() == batch));
    }
    let labels: Vec<usize> = digits().labels.iter().map(|&l| l.into()).collect();
    let (train, test) = split_samples(&labels, 360, 3)?;
    let mut all = [train.clone(), test.clone()].concat();
    all.sort_unstable();
    assert_eq!((test.len(), all), (360, (0..1797).collect()));
    for class in 0..10 {
        let share = |rows: &[usize]| rows.iter().filter(|&&i| labels[i] == class).count() as f64;
        assert!((share(&test) - (share(&train) + share(&test)) * 360.0 / 1797.0).abs() <= 1.0, "class {class}");
    }
    assert!(split_samples(&labels, 0, 3).is_err() && split_samples(&labels, 1797, 3).is_err());
    Ok(())
}

/// What is wrong is said before the model is touched.
#[test]
fn a_step_that_cannot_be_made_leaves_the_model_alone() -> Result<()> {
    let mut task = task::<f32>(20, 1);
    let design = small(2);
    let mut run = Run::new(config(design, Optimiser::adamw(0.05), 8, 1, "f32"), Vision::initialise(design, 1)?)?;
    let before = run.trainer.model.clone();
    assert!(matches!(run.trainer.step(&task.samples, &[20], 0), Err(Error::Domain(_))));
    assert!(matches!(run.trainer.step(&task.samples, &[], 0), Err(Error::Shape(_))));
    task.samples.images.data_mut().fill(f32::MAX);
    assert!(run.advance(&task).is_err());
    task.samples.labels[3] = 10;
    assert!(matches!(task.samples.check(10), Err(Error::Domain(_))));
    assert_eq!(run.trainer.model, before);
    Ok(())
}
