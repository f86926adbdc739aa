//! `white-box train` and `white-box eval crate` as a user meets them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use white_box::data::{Array, Elements, archive, digits, idx};
use white_box::learn::*;
use white_box::linalg::Matrix;
use white_box::transformer::*;

fn call(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_white-box"));
    command.args(args).env("WHITE_BOX_THREADS", "1");
    command
}
fn run(args: &[&str]) -> Output {
    let out = call(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("train-command").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}
fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Killed where it happens to be, then resumed: the files are those of a run that was left alone.
#[test]
fn a_killed_run_goes_on_to_the_same_files() {
    let dir = folder("killed");
    let (whole, killed) = (dir.join("whole"), dir.join("killed"));
    let recipe = "train --model crate --data digits --epochs 4 --dim 32 --heads 2 --depth 2 --test 60 --seed 3 --quiet --out";
    let words = |out: &Path| -> Vec<String> { recipe.split(' ').map(str::to_string).chain([text(out).to_string()]).collect() };
    let args = |words: &[String]| -> Output { run(&words.iter().map(String::as_str).collect::<Vec<_>>()) };
    let expected = args(&words(&whole));
    let arguments = words(&killed);
    let mut child = call(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).stdout(Stdio::null()).spawn().unwrap();
    let patience = Instant::now();
    while !killed.join("checkpoint.safetensors").exists() && patience.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(120));
    let _ = child.kill();
    child.wait().unwrap();
    let resumed = run(&["train", "--resume", "--quiet", "--out", text(&killed)]);
    assert_eq!(resumed.stdout, expected.stdout);
    for name in ["checkpoint.safetensors", "model.safetensors", "log.csv"] {
        assert_eq!(fs::read(whole.join(name)).unwrap(), fs::read(killed.join(name)).unwrap(), "{name}");
    }
    let left: Vec<_> =
        fs::read_dir(&killed).unwrap().map(|e| e.unwrap().file_name()).filter(|n| !n.to_string_lossy().starts_with('.')).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// Given weights and given batches in f64: the trajectory is that of the library, digit for digit.
#[test]
fn given_weights_and_batches_give_the_trajectory() {
    let dir = folder("trajectory");
    let design = Design::new_crate([1, 8, 8], 4, 12, 2, 2, 10);
    let model = Vision::<f64>::initialise(design, 8).unwrap();
    let weights = to_arrays(&model).unwrap();
    archive::write_named(&dir.join("w.safetensors"), weights.iter().map(|(n, a)| (n.as_str(), a))).unwrap();
    let rows: Vec<i64> = (0..60).map(|i| (i * 29 + 5) % 1797).collect();
    archive::write_named(&dir.join("b.npy"), [("", &Array::from_i64(vec![5, 12], rows.clone()).unwrap())]).unwrap();
    let d = digits();
    archive::write_named(&dir.join("x.npy"), [("", &Array::from_f64(vec![1797, 8, 8], d.unit()).unwrap())]).unwrap();
    archive::write_named(&dir.join("y.npy"), [("", &Array::from_i64(vec![1797], d.labels.iter().map(|&l| l.into()).collect()).unwrap())])
        .unwrap();
    let data = format!("{}+{}", text(&dir.join("x.npy")), text(&dir.join("y.npy")));
    let options = "--pool cls --patch 4 --dim 12 --heads 2 --depth 2 --rate 0.004 --weight-decay 0.02 --smoothing 0.1 --scalar f64 --quiet";
    let (init, batches, out) = (dir.join("w.safetensors"), dir.join("b.npy"), dir.join("run"));
    let mut args =
        vec!["train", "--model", "crate", "--data", &data, "--init", text(&init), "--batches", text(&batches), "--out", text(&out)];
    args.extend(options.split(' '));
    run(&args);
    let recipe = Recipe {
        optimiser: Optimiser::adamw(0.02),
        rate: 0.004,
        schedule: Schedule::Constant,
        smoothing: 0.1,
        batch: 12,
        shift: 0,
        moved: 1.0,
        seed: 0,
    };
    let mut trainer = Trainer::new(model, recipe).unwrap();
    let samples = Samples { images: Matrix::new(1797, 64, d.unit()).unwrap(), labels: d.labels.iter().map(|&l| l.into()).collect() };
    let log = fs::read_to_string(out.join("log.csv")).unwrap();
    let mut lines = log.lines();
    assert!(lines.next().unwrap().starts_with("epoch,step,rate,train_loss,"));
    for (batch, line) in rows.chunks(12).zip(lines) {
        let batch: Vec<usize> = batch.iter().map(|&i| i as usize).collect();
        let loss = trainer.step(&samples, &batch, 0).unwrap().loss;
        assert_eq!(line.split(',').nth(3).unwrap().parse::<f64>().unwrap(), loss, "{line}");
    }
    let mut trained = Vision::<f64>::zeros(design).unwrap();
    from_arrays(&mut trained, &archive::read_named(&out.join("model.safetensors")).unwrap().arrays).unwrap();
    assert_eq!(trained, trainer.model);
}

/// The logits of weights in a file, in every number type; the design from the shapes alone.
#[test]
fn eval_runs_a_model_from_its_weights() {
    let dir = folder("eval");
    let design = Design::new_crate([3, 8, 4], 4, 12, 2, 2, 5);
    let model = super::shaken(design, 1);
    let weights = to_arrays(&model).unwrap();
    archive::write_named(&dir.join("w.safetensors"), weights.iter().map(|(n, a)| (n.as_str(), a))).unwrap();
    let images = super::pictures(design, 3, 2);
    let array = Array::from_f64(vec![3, 3, 8, 4], images.data().to_vec()).unwrap();
    archive::write_named(&dir.join("x.npy"), [("", &array)]).unwrap();
    let (x, w, out) = (dir.join("x.npy"), dir.join("w.safetensors"), dir.join("out.safetensors"));
    let (_, expected) = features(&model, &images).unwrap();
    let eval = |scalar: &str| {
        run(&["eval", "crate", "--weights", text(&w), text(&x), "--heads", "2", "--scalar", scalar, "-o", text(&out)]);
        let found = archive::read_named(&out).unwrap();
        let get = |name: &str| found.get(name).map(|a| a.to_f64().unwrap());
        assert_eq!(found.get("features").unwrap().shape(), [3, 12]);
        (get("logits").unwrap(), get("logits_lo"))
    };
    assert_eq!(eval("f64").0, expected.data());
    let (high, low) = eval("dd");
    assert!(low.unwrap().iter().any(|&x| x != 0.0));
    let (single, _) = eval("f32");
    for i in 0..15 {
        assert!((high[i] - expected.data()[i]).abs() <= 1e4 * f64::EPSILON, "{i}");
        assert!((single[i] - expected.data()[i]).abs() <= 1e4 * f64::from(f32::EPSILON), "{i}");
    }
    let refused = |args: &[&str], part: &str| {
        let out = call(args).output().unwrap();
        let message = String::from_utf8(out.stderr).unwrap();
        assert!(out.status.code() == Some(2) && message.contains(part), "{args:?}: {message}");
    };
    refused(&["eval", "crate", "--weights", text(&w), text(&x)], "--heads");
    refused(&["eval", "vit", "--weights", text(&w), text(&x), "--heads", "2"], "vit");
    refused(&["eval", "crate", "--weights", text(&w), text(&x), "--heads", "2", "--scalar", "ball"], "crate_layer_official");
    refused(&["eval", "crate", text(&x)], "--weights");
    let mut missing = weights.clone();
    missing.retain(|(n, _)| n != "mlp_head.0.bias");
    missing.push(("teacher.bias".into(), weights[0].1.clone()));
    archive::write_named(&w, missing.iter().map(|(n, a)| (n.as_str(), a))).unwrap();
    refused(&["eval", "crate", "--weights", text(&w), text(&x), "--heads", "2"], "missing: mlp_head.0.bias; unknown: teacher.bias");
}

/// The files of MNIST's format, packed or not, with a test set of their own; where stderr is no terminal, no progress line.
#[test]
fn idx_files_train_and_test() {
    let dir = folder("idx");
    let d = digits();
    let write = |name: &str, shape: Vec<usize>, bytes: &[u8]| {
        let array = Array::new(shape, Elements::U8(bytes.to_vec())).unwrap();
        fs::write(dir.join(name), idx::write(&array).unwrap()).unwrap();
        text(&dir.join(name)).to_string()
    };
    let pair = |name: &str, from: usize, count: usize| {
        let images = write(&format!("{name}-images"), vec![count, 8, 8], &d.images[from * 64..][..count * 64]);
        format!("{images}+{}", write(&format!("{name}-labels"), vec![count], &d.labels[from..from + count]))
    };
    let (train, test) = (pair("train", 0, 200), pair("test", 200, 50));
    let small = "--epochs 2 --dim 8 --depth 1 --heads 1 --pool cls".split(' ');
    let out = run(&["train", "--model", "vit", "--data", &train, "--test-data", &test].into_iter().chain(small).collect::<Vec<_>>());
    let (said, noted) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(said.contains("of 50"), "{said}");
    assert!(noted.contains("200 images to train on, 50 to test") && !noted.contains('\r'), "{noted}");
}

/// What is wrong is said before any work, and nothing is written.
#[test]
fn wrong_calls_are_refused_before_any_work() {
    let dir = folder("refused");
    let out = dir.join("run");
    let labels = dir.join("y.npy");
    archive::write_named(&labels, [("", &Array::from_i64(vec![2], vec![0, 1]).unwrap())]).unwrap();
    let images = dir.join("x.npy");
    archive::write_named(&images, [("", &Array::from_f64(vec![3, 8, 8], vec![0.5; 192]).unwrap())]).unwrap();
    let pair = format!("{}+{}", text(&images), text(&labels));
    let absent = dir.join("absent.safetensors");
    let cases: [(&[&str], &str); 13] = [
        (&["--data", "digits"], "--model"),
        (&["--model", "resnet", "--data", "digits"], "crate"),
        (&["--model", "crate"], "--data"),
        (&["--model", "crate", "--data", "numbers"], "IMAGES+LABELS"),
        (&["--model", "crate", "--data", &pair], "labels"),
        (&["--model", "crate", "--data", "digits", "--patch", "3"], "patch"),
        (&["--model", "crate", "--data", "digits", "--heads", "5"], "--heads"),
        (&["--model", "vit", "--data", "digits", "--optimiser", "adagrad"], "adamw"),
        (&["--model", "crate", "--data", "digits", "--rate", "-1"], "--rate"),
        (&["--model", "crate", "--data", "digits", "--classes", "4"], "labels"),
        (&["--model", "crate", "--data", "digits", "--init", text(&absent)], "absent"),
        (&["--model", "crate", "--data", "digits", "--smoothing", "2"], "--smoothing"),
        (&["--resume"], "checkpoint"),
    ];
    for (words, part) in cases {
        let mut args = vec!["train", "--out", text(&out)];
        args.extend(words);
        let output = call(&args).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && message.contains(part), "{words:?}: {message}");
        assert!(output.stdout.is_empty() && !out.join("checkpoint.safetensors").exists(), "{words:?}");
    }
    let small = [
        "train",
        "--model",
        "crate",
        "--data",
        "digits",
        "--epochs",
        "1",
        "--dim",
        "8",
        "--depth",
        "1",
        "--heads",
        "1",
        "--quiet",
        "--out",
        text(&out),
    ];
    run(&small);
    let again = call(&small).output().unwrap();
    assert!(again.status.code() == Some(2) && String::from_utf8_lossy(&again.stderr).contains("--resume"));
}
