//! The calls segment, classify and denoise, run as a user runs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use white_box::data::{Array, archive, image};
use white_box::random::Rng;

/// An empty directory of its own.
fn place(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("coding-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
/// Exit code, what was printed, what was complained of.
fn run(dir: &Path, words: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_white-box")).args(words).current_dir(dir).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}
fn labels(dir: &Path, name: &str) -> (Vec<usize>, Vec<i64>) {
    let contents = archive::read_named(&dir.join(name)).unwrap();
    (contents.arrays[0].1.shape().to_vec(), contents.arrays[0].1.to_i64().unwrap())
}

/// An image of 48 × 32 pixels, red at the left and blue at the right with a little noise: two segments of one half each, and what lies along the border.
#[test]
fn an_image_is_segmented_into_its_halves() {
    let dir = place("segment");
    let mut rng = Rng::new(1);
    let mut pixel = |x: usize| {
        let mut c = |v: f64| (v + 4.0 * rng.gaussian()) as u16;
        if x < 24 { [c(200.0), c(40.0), c(40.0)] } else { [c(40.0), c(40.0), c(200.0)] }
    };
    let samples = (0..48 * 32).flat_map(|p| pixel(p % 48)).collect();
    let picture = image::Image::new(48, 32, 3, 255, samples).unwrap();
    std::fs::write(dir.join("halves.ppm"), image::write(&picture)).unwrap();
    let (code, out, err) = run(&dir, &["segment", "halves.ppm", "--eps", "1.5", "--patch", "3", "-o", "labels.npy", "--map", "map.ppm"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let (shape, found) = labels(&dir, "labels.npy");
    assert_eq!(shape, [32, 48]);
    let (left, right) = (found[16 * 48 + 4], found[16 * 48 + 44]);
    assert_ne!(left, right);
    for (k, label) in found.iter().enumerate() {
        let x = k % 48;
        if !(21..27).contains(&x) {
            assert_eq!(*label, if x < 24 { left } else { right }, "pixel {k}\n{out}");
        }
    }
    let map = image::read(&std::fs::read(dir.join("map.ppm")).unwrap()).unwrap();
    assert_eq!((map.width(), map.height()), (48, 32));
    assert!(map.samples()[0] > 150 && map.samples()[47 * 3 + 2] > 150);
    let (code, _, err) = run(&dir, &["segment", "halves.ppm", "--eps", "1.5", "--patch", "4"]);
    assert!(code == 2 && err.contains("odd patch"), "{err}");
    let (code, _, err) = run(&dir, &["segment", "halves.ppm"]);
    assert!(code == 2 && err.contains("--eps"), "{err}");
}

#[test]
fn digits_are_classified_by_coding_length() {
    let dir = place("classify");
    let (code, out, err) = run(&dir, &["classify", "--eps", "1", "-o", "labels.npy"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let share: f64 = out.split("coding length").nth(1).and_then(|t| t.trim().split(' ').next()).unwrap().parse().unwrap();
    println!("{out}");
    assert!(share > 95.0, "{out}");
    assert_eq!(labels(&dir, "labels.npy").0, [898]);
}

#[test]
fn a_mixture_is_fitted_asked_and_sampled() {
    let dir = place("denoise");
    let mut rng = Rng::new(3);
    let data: Vec<f64> =
        (0..400).flat_map(|i| [if i % 2 == 0 { 3.0 } else { -3.0 } + 0.5 * rng.gaussian(), 0.5 * rng.gaussian()]).collect();
    archive::write_named(&dir.join("data.npy"), [("x", &Array::from_f64(vec![400, 2], data).unwrap())]).unwrap();
    let (code, out, err) = run(&dir, &["denoise", "data.npy", "--components", "2", "--save-mixture", "m.npz"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("converged") && out.contains("entropy   between"), "{out}");
    let query =
        ["denoise", "--mixture", "m.npz", "--query", "data.npy", "--sigma", "0.5", "--sample", "500", "--steps", "20", "-o", "out.npz"];
    let (code, out, err) = run(&dir, &query);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let arrays = archive::read_named(&dir.join("out.npz")).unwrap();
    assert_eq!(arrays.get("denoised").unwrap().shape(), [400, 2]);
    assert_eq!(arrays.get("trajectory").unwrap().shape(), [21, 500, 2]);
    let samples = arrays.get("samples").unwrap().to_f64().unwrap();
    let right = samples.chunks(2).filter(|x| x[0] > 0.0).count();
    // Half of 500, within six standard deviations.
    assert!((right as f64 - 250.0).abs() < 6.0 * 125f64.sqrt(), "{right} of 500");
    assert!(samples.chunks(2).all(|x| (x[0].abs() - 3.0).abs() < 3.0));
    let (code, _, err) = run(&dir, &["denoise", "data.npy"]);
    assert!(code == 2 && err.contains("--components"), "{err}");
}
