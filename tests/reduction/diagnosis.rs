//! The practitioner's questions: `white-box rate` on features and on logged numbers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use white_box::coding::{Distortion, coding_rate};
use white_box::data::{Array, Dtype, Json, archive};
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal};
use white_box::reduction::diagnosis::{Format, RowFacts, Spectrum, headroom, smallest_pivot};
use white_box::scalar::Scalar;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_white-box")).arg("rate").args(args).output().unwrap()
}
/// The JSON form, and its sentences in one text.
fn json(args: &[&str]) -> (Json, String) {
    let out = run(&[args, &["--json"]].concat());
    assert!(out.status.code() != Some(2), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    let json = Json::parse(&out.stdout).unwrap();
    let sentences = json.get("sentences").unwrap().as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join("\n");
    (json, sentences)
}
fn number(json: &Json, name: &str) -> f64 {
    json.get(name).unwrap_or_else(|| panic!("no {name}")).as_f64().unwrap()
}
fn text(args: &[&str]) -> String {
    let out = run(args);
    assert!(out.status.code() != Some(2), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}
fn refused(args: &[&str]) -> String {
    let out = run(args);
    assert!(out.stdout.is_empty() && out.status.code() == Some(2), "{args:?} was taken");
    String::from_utf8(out.stderr).unwrap()
}
fn is(found: f64, written: &str) {
    let decimals = written.split_once('.').map_or(0, |(_, d)| d.len());
    let expected: f64 = written.parse().unwrap();
    assert!((found - expected).abs() <= 0.5000001 * 10f64.powi(-(decimals as i32)), "expected {written}, found {found}");
}
fn save(name: &str, z: &Matrix<f64>, labels: Option<&[i64]>, dtype: Dtype) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    let features = Array::from_f64(vec![z.rows(), z.cols()], z.data().to_vec()).unwrap().cast(dtype).unwrap();
    let labels = labels.map(|l| Array::from_i64(vec![l.len()], l.to_vec()).unwrap());
    let arrays = std::iter::once(("z", &features)).chain(labels.as_ref().map(|l| ("labels", l)));
    archive::write_named(&path, arrays).unwrap();
    path
}
fn unit(z: Matrix<f64>) -> Matrix<f64> {
    white_box::coding::unit_rows(&z).unwrap().0
}

/// Every public log that asked "is this normal?" comes out as stated.
#[test]
fn public_logs_are_explained() {
    let (j, said) = json(&["--log", "m=78,N=32,d=256,eps2=0.05,expa=0.0109,comp=1.0000"]);
    is(number(&j, "collapsed"), "0.010943");
    assert!(said.contains("COLLAPSE") && j.get("collapsed_run").unwrap().as_bool() == Some(true), "{said}");
    let (j, said) = json(&["--log", "m=32,N=1,d=256,eps2=0.05,expa=2.7359"]);
    is(number(&j, "ceiling"), "2.85829");
    is(number(&j, "share_of_ceiling"), "0.957");
    assert!(said.contains("95.7 %") && said.contains("normal"), "{said}");
    let (j, said) = json(&["--log", "m=24,N=1,d=256,eps2=0.05,expa=2.858"]);
    is(number(&j, "ceiling"), "2.93537");
    assert!(said.contains("97.4 %"), "{said}");
    let (j, _) = json(&["--log", "m=24,d=256,eps2=0.05,expa=1.940"]);
    is(number(&j, "share_of_ceiling"), "0.66");
    for (log, ceiling, share) in [("expa=0.37502", "0.449605", "0.834"), ("expa=0.42380", "0.449605", "0.943")] {
        let (j, _) = json(&["--log", &format!("m=64,N=8,d=256,eps2=0.05,{log}")]);
        is(number(&j, "ceiling"), ceiling);
        is(number(&j, "share_of_ceiling"), share);
    }
    // 2 × 512 against 8 × 128, and 64 × 8 against 256 × 2: the factor that sharding alone makes.
    let factor = |log: &str, processes: i64| {
        let (j, _) = json(&["--log", log]);
        let all = j.get("sharding").unwrap().as_array().unwrap().to_vec();
        let row = all
            .iter()
            .find(|r| r.get("processes").unwrap().as_i64() == Some(processes) && r.get("summed").unwrap().as_bool() == Some(false));
        number(row.unwrap(), "factor")
    };
    is(factor("m=512,N=2,d=256,eps2=0.05", 8), "2.68");
    is(factor("m=256,N=2,d=256,eps2=0.05", 8), "4.0");
    let shown = text(&["--log", "m=512,N=2,d=256,eps2=0.05"]);
    assert!(shown.contains("×2.68") && shown.contains("0.559"), "{shown}");
    // The constants of a collapsed self-distillation.
    for (loss, size) in [("8.317765235900879", 4096), ("8.3178", 4096), ("11.090355", 65536), ("11.783502", 131072)] {
        let (j, said) = json(&["--log", &format!("loss={loss}")]);
        assert_eq!(j.get("uniform_over").unwrap().as_i64(), Some(size), "{loss}");
        assert!(said.contains("collapsed"));
    }
    assert!(text(&["--log", "loss=8.3178"]).contains("ln 4096 = 8.317766167"));
    assert!(text(&["--log", "loss=1.23456789"]).contains("no constant"));
    // Out of range: collapse is the least there can be.
    assert!(json(&["--log", "m=128,N=8,d=256,eps2=0.05,expa=2.7359"]).1.contains("outside"));
}

#[test]
fn bad_logs_are_refused() {
    for (log, says) in [
        ("m=32,N=1,d=256,eps=0.05", "eps2=0.05"),
        ("m=32,N=1,d=256", "eps2"),
        ("m=0,d=256,eps2=0.05", "from 1 on"),
        ("m=32,d=2.5,eps2=0.05", "from 1 on"),
        ("m=32,d=256,eps2=-1", "above 0"),
        ("m=32,d=256,eps2=0.05,q=1", "names among"),
        ("m=32,m=33,d=256,eps2=0.05", "one value"),
        ("m=32,d=256,eps2=0.05,summed=2", "0 or 1"),
        ("m32", "name=value"),
        ("expa=nan", "finite"),
        ("", "m, d and eps2"),
    ] {
        let said = refused(&["--log", log]);
        assert!(said.contains(says), "{log}: {said}");
    }
    assert!(refused(&[]).contains("--log"));
    assert!(refused(&["x.npy", "--log", "loss=1"]).contains("both"));
    assert!(refused(&["--log", "loss=1", "--eps", "1"]).contains("--eps"));
}

/// Unit rows stored in half precision: what the report says is what the formulas say.
#[test]
fn features_are_diagnosed() {
    let mut rng = Rng::new(2);
    let z = unit(gaussian_matrix(64, 24, &mut rng));
    let path = save("unit.npz", &z, None, Dtype::F16);
    let stored = archive::read_named(&path).unwrap();
    let z = Matrix::new(64, 24, stored.get("z").unwrap().to_f64().unwrap()).unwrap();
    let (j, said) = json(&[path.to_str().unwrap(), "--eps2", "0.05", "--processes", "8"]);
    let rate = coding_rate(&z, Distortion::Eps2(0.05)).unwrap();
    assert_eq!(number(&j, "rate"), rate);
    assert_eq!(j.get("rows").unwrap().get("normalised").unwrap().as_str(), Some("f16"));
    let s = Spectrum::of(&z).unwrap();
    let at = s.at(0.05).unwrap();
    assert!((at.rate - rate).abs() <= 1e-13 * rate);
    assert!(at.floor < rate && rate < at.ceiling);
    assert_eq!(number(&j, "rank"), 24.0);
    let shard = &j.get("sharding").unwrap().as_array().unwrap()[0];
    let mean =
        (0..8).map(|p| coding_rate(&z.select_rows(&(p * 8..p * 8 + 8).collect::<Vec<_>>()).unwrap(), Distortion::Eps2(0.4)).unwrap());
    assert!((number(shard, "rate") - mean.sum::<f64>() / 8.0).abs() < 1e-13);
    assert!(said.contains("of its ceiling") && said.contains("processes"), "{said}");
    // Every rung of the ladder is the rate at its ε².
    for rung in j.get("ladder").unwrap().as_array().unwrap() {
        let direct = coding_rate(&z, Distortion::Eps2(number(rung, "eps2"))).unwrap();
        assert!((number(rung, "rate") - direct).abs() <= 1e-13 * direct);
    }
    let shown = text(&[path.to_str().unwrap(), "--eps2", "0.05"]);
    for word in ["input", "rows", "rate", "certified", "range", "collapse", "spectrum", "ladder", "precision", "sharding", "memory"] {
        assert!(shown.lines().any(|l| l.starts_with(word) || l.trim_start().starts_with(word)), "no {word} in\n{shown}");
    }
}

#[test]
fn collapse_zeros_and_repetitions_are_named() {
    let line = Matrix::from_fn(12, 6, |i, j| if i % 2 == 0 { 1.0 } else { -1.0 } * (j as f64 + 1.0));
    let path = save("line.npz", &unit(line), None, Dtype::F64);
    let (j, said) = json(&[path.to_str().unwrap(), "--eps2", "0.05"]);
    assert!(said.contains("COLLAPSE") && j.get("collapsed").unwrap().as_bool() == Some(true), "{said}");
    assert!((number(&j, "rate") - Scalar::log1p(6.0f64 / 0.05) / 2.0).abs() < 1e-13, "½ ln(1 + d/ε²)");
    assert_eq!(j.get("rows").unwrap().get("repeated").unwrap().as_i64(), Some(10));
    let path = save("zero.npz", &Matrix::zeros(5, 3), None, Dtype::F32);
    let (j, said) = json(&[path.to_str().unwrap(), "--eps", "0.5"]);
    assert!(said.contains("saddle") && number(&j, "rate") == 0.0, "{said}");
    let facts = RowFacts::of(&Matrix::from_rows(&[[0.0, 0.0], [-0.0, 0.0], [3.0, 4.0], [1e-13, 0.0]]));
    assert_eq!((facts.zero, facts.tiny, facts.repeated, facts.unit, facts.range), (2, 1, 1, None, (0.0, 5.0)));
}

/// Rows from aligned to spread: certified never fails, and the edge is where the theory puts it.
#[test]
fn the_certificate_never_lies() {
    let mut rng = Rng::new(9);
    let (mut certified, mut broken) = (0, 0);
    for case in 0..60 {
        let (m, d) = (2 + rng.below(12), 2 + rng.below(24));
        let shared = gaussian_matrix(1, d, &mut rng);
        let spread = [0.0, 0.01, 0.1, 1.0][case % 4];
        let z = unit(Matrix::from_fn(m, d, |_, j| shared[(0, j)] + spread * rng.gaussian()));
        for log2 in 0..10 {
            let alpha = d as f64 / m as f64 * 2f64.powi(2 * log2 - 4);
            let gram = if d <= m { z.gram_cols() } else { z.gram_rows() };
            let fro = Scalar::sqrt(gram.frobenius_squared());
            for h in headroom(alpha * fro) {
                let least = smallest_pivot(&gram, alpha, h.format).unwrap();
                let lost = least.is_none_or(|x| x <= 0.0);
                assert!(!(h.certified() && lost), "{h:?} certified, smallest eigenvalue {least:?}");
                certified += usize::from(h.certified());
                broken += usize::from(lost);
            }
        }
    }
    assert!(certified > 300 && broken > 20, "{certified} certified, {broken} broken: the cases test nothing");
    // Unit rows: d/ε² below 128, 1024, 2²³ suffices.
    for (format, edge) in Format::ALL.into_iter().zip([8388608.0, 1024.0, 128.0]) {
        assert_eq!(0.5 / format.unit_roundoff(), edge);
    }
}

#[test]
fn classes_are_told_apart() {
    // Three classes on orthogonal planes of R⁶, unit rows in tight frames: the optimum itself.
    let q = haar_orthogonal(6, &mut Rng::new(4)).unwrap();
    let frame = |i: usize| {
        let angle = f64::pi() * (i % 4) as f64 / 4.0;
        (Scalar::cos(angle), Scalar::sin(angle))
    };
    let z = Matrix::from_fn(12, 6, |i, j| match j.checked_sub(2 * (i / 4)) {
        Some(0) => frame(i).0,
        Some(1) => frame(i).1,
        _ => 0.0,
    });
    let z = z.matmul(&q).unwrap();
    let labels: Vec<i64> = (0..12).map(|i| i / 4).collect();
    let path = save("frames.npz", &z, Some(&labels), Dtype::F64);
    // At ε² = 0.8 two directions a class are best, and there is room for them.
    let (j, said) = json(&[path.to_str().unwrap(), "--eps2", "0.8"]);
    let share = number(&j, "reduction") / number(&j, "reduction_bound");
    assert!((share - 1.0).abs() < 1e-12, "{share}");
    assert!(number(&j, "conditional") <= number(&j, "rate") && said.contains("legal"));
    for class in j.get("classes").unwrap().as_array().unwrap() {
        assert_eq!((number(class, "rows"), number(class, "rank")), (4.0, 2.0));
    }
    // A label that skips a class, and one that does not fit.
    let gap: Vec<i64> = labels.iter().map(|l| l * 2).collect();
    let path = save("gap.npz", &z, Some(&gap), Dtype::F64);
    assert!(json(&[path.to_str().unwrap(), "--eps2", "0.1"]).1.contains("have no sample"));
    let path = save("short.npz", &z, Some(&labels[..11]), Dtype::F64);
    assert!(refused(&[path.to_str().unwrap(), "--eps2", "0.1"]).contains("12 of them"));
    // Weights: those of the labels give the same ΔR; a row that sums to 2 is named.
    let write = |name: &str, pi: &Matrix<f64>| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate").join(name);
        archive::write_named(&path, [("pi", &Array::from_f64(vec![pi.rows(), pi.cols()], pi.data().to_vec()).unwrap())]).unwrap();
        path
    };
    let mut pi = Matrix::from_fn(12, 3, |i, k| if i / 4 == k { 1.0 } else { 0.0 });
    let features = save("alone.npy", &z, None, Dtype::F64);
    let good = write("pi.npy", &pi);
    let (soft, _) = json(&[features.to_str().unwrap(), "--eps2", "0.8", "--labels", good.to_str().unwrap()]);
    assert!((number(&soft, "reduction") - number(&j, "reduction")).abs() < 1e-13);
    pi[(7, 0)] = 1.0;
    let bad = write("twice.npy", &pi);
    let said = refused(&[features.to_str().unwrap(), "--eps2", "0.1", "--labels", bad.to_str().unwrap()]);
    assert!(said.contains("row 7") && said.contains('2'), "{said}");
    let negative: Vec<i64> = labels.iter().map(|l| l - 1).collect();
    let path = save("negative.npz", &z, Some(&negative), Dtype::F64);
    assert!(refused(&[path.to_str().unwrap(), "--eps2", "0.1"]).contains("labels[0]"));
}

/// Someone else's number: named by its definition, or not at all.
#[test]
fn my_number_is_named() {
    let mut rng = Rng::new(6);
    let z = gaussian_matrix(20, 7, &mut rng);
    let labels: Vec<i64> = (0..20).map(|i| i % 3).collect();
    let path = save("mine.npz", &z, Some(&labels), Dtype::F64);
    let path = path.to_str().unwrap();
    let equals = |given: &str, e: &str, value: f64| {
        let out = run(&[path, given, e, "--mine", &format!("{value:.7}"), "--json"]);
        let json = Json::parse(&out.stdout).unwrap();
        let first = json
            .get("mine")
            .unwrap()
            .get("equals")
            .unwrap()
            .as_array()
            .unwrap()
            .first()
            .map(|m| m.get("name").unwrap().as_str().unwrap().to_string());
        (out.status.code(), first.unwrap_or_default())
    };
    let rate = |eps2: f64| coding_rate(&z, Distortion::Eps2(eps2)).unwrap();
    assert_eq!(equals("--eps2", "0.5", rate(0.5)), (Some(0), "coding_rate".into()));
    let (code, name) = equals("--eps", "0.5", rate(0.5));
    assert!(code == Some(0) && name.contains("coding_rate") && name.contains("ε²") || name.contains("repo"), "{name}");
    assert!(equals("--eps2", "0.5", 2.0 * rate(0.5)).1.contains("without the ½"));
    assert!(equals("--eps2", "0.5", rate(0.5) / Scalar::ln(2.0f64)).1.contains("bits"));
    let by_direction = coding_rate(&unit(z.clone()), Distortion::Eps2(0.5)).unwrap();
    assert!(equals("--eps2", "0.5", by_direction).1.contains("crate-vis"));
    let swapped = white_box::linalg::log_det_i_plus(&z.gram_cols().scale(20.0 / (7.0 * 0.5))).unwrap() / 2.0;
    assert!(equals("--eps2", "0.5", swapped).1.contains("exchanged"));
    let members = white_box::reduction::Membership::from_labels(labels.iter().map(|&l| l as usize).collect()).unwrap();
    let reduction = white_box::reduction::rate_reduction(&z, &members, Distortion::Eps2(0.5)).unwrap();
    assert!(equals("--eps2", "0.5", reduction).1.starts_with("rate_reduction"));
    assert!(equals("--eps2", "0.5", -reduction).1.contains("loss"));
    assert_eq!(equals("--eps2", "0.5", 123.4567891), (Some(1), String::new()));
    assert!(refused(&[path, "--eps2", "0.5", "--mine", "x"]).contains("finite number"));
}

#[test]
fn bad_questions_are_refused() {
    let z = Matrix::<f64>::from_rows(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let path = save("plain.npy", &z, None, Dtype::F64);
    let path = path.to_str().unwrap();
    assert!(refused(&[path]).contains("neither"));
    assert!(refused(&[path, "--eps", "1", "--eps2", "1"]).contains("both"));
    assert!(refused(&[path, "--eps2", "0"]).contains("above 0"));
    assert!(refused(&[path, "--eps2", "1", "--processes", "2"]).contains("divides"));
    assert!(refused(&["nowhere.npy", "--eps2", "1"]).contains("nowhere.npy"));
    let nan = save("nan.npy", &Matrix::from_rows(&[[1.0, f64::NAN]]), None, Dtype::F64);
    let said = refused(&[nan.to_str().unwrap(), "--eps2", "1"]);
    assert!(said.contains("features") && said.to_lowercase().contains("nan"), "{said}");
    let flat = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate").join("flat.npy");
    archive::write_named(&flat, [("z", &Array::from_f64(vec![4], vec![0.0; 4]).unwrap())]).unwrap();
    assert!(refused(&[flat.to_str().unwrap(), "--eps2", "1"]).contains("n × d"));
}
