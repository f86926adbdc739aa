//! The call `fit` as a user meets it: digits in a file, models in a file, bad files refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use white_box::data::{Array, archive, digits};

/// Exit code, stdout, stderr.
fn run(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_white-box")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}
fn good(args: &[&str]) -> String {
    let (code, stdout, stderr) = run(args);
    assert_eq!(code, 0, "{args:?}: {stderr}");
    stdout
}
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}
fn digits_file(dir: &Path, count: usize) -> String {
    let path = dir.join(format!("digits-{count}.npy"));
    let x = Array::from_f64(vec![count, 64], digits().unit()[..64 * count].to_vec()).unwrap();
    archive::write_named(&path, [("x", &x)]).unwrap();
    path.to_str().unwrap().to_string()
}
fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_string()
}
fn read(file: &str, name: &str) -> Array {
    archive::read_named(Path::new(file)).unwrap().get(name).unwrap_or_else(|| panic!("no {name} in {file}")).clone()
}

#[test]
fn pca_of_all_digits() {
    let dir = folder("fit-pca");
    let (data, out, svg) = (digits_file(&dir, 1797), path(&dir, "pca.npz"), path(&dir, "pca.svg"));
    let said = good(&["fit", "pca", &data, "-k", "16", "--out", &out, "--draw", &svg, "--height", "8"]);
    assert!(said.contains("1797 × 64") && said.contains("16 directions"), "{said}");
    assert_eq!((read(&out, "basis").shape(), read(&out, "codes").shape()), (&[64, 16][..], &[1797, 16][..]));
    let variances = read(&out, "variances").to_f64().unwrap();
    assert!(variances.windows(2).all(|v| v[0] >= v[1]) && variances.len() == 64);
    // The energy of the codes is that of the leading eigenvalues.
    let codes = read(&out, "codes").to_f64().unwrap();
    let (energy, known) = (codes.iter().map(|c| c * c).sum::<f64>() / 1797.0, variances[..16].iter().sum::<f64>());
    assert!((energy - known).abs() < 1e-10 * known);
    assert!(fs::read_to_string(&svg).unwrap().contains("<svg "));
    assert!(read(&out, "mean").to_f64().unwrap().iter().all(|&m| m == 0.0));
    good(&["fit", "pca", &data, "-k", "2", "--centre", "--unbiased", "--out", &out]);
    assert!(read(&out, "mean").to_f64().unwrap().iter().any(|&m| m > 0.1));
}

#[test]
fn a_dictionary_its_codes_and_a_network() {
    let dir = folder("fit-sparse");
    let (data, atoms, codes, net) =
        (digits_file(&dir, 240), path(&dir, "atoms.npz"), path(&dir, "codes.safetensors"), path(&dir, "net.npz"));
    let learn = ["fit", "dictionary", &data, "-m", "24", "--share", "0.1", "--rounds", "4", "--out", &atoms];
    let said = good(&learn);
    assert!(said.contains("24 atoms"), "{said}");
    let objective = read(&atoms, "objective").to_f64().unwrap();
    assert!(objective.len() == 5 && objective.windows(2).all(|v| v[1] <= v[0]));
    let lengths = read(&atoms, "atoms").to_f64().unwrap();
    assert!(lengths.chunks(64).all(|a| a.iter().map(|x| x * x).sum::<f64>() <= 1.0 + 1e-12));
    // The same bytes again.
    let before = fs::read(&atoms).unwrap();
    assert_eq!(good(&learn), said);
    assert_eq!(fs::read(&atoms).unwrap(), before);

    let said = good(&["fit", "lasso", &data, "--atoms", &atoms, "--share", "0.1", "--path", "3", "--out", &codes]);
    assert!(said.contains("KKT") && said.contains("nonzeros"), "{said}");
    let (value, gap) = (read(&codes, "value").to_f64().unwrap(), read(&codes, "gap").to_f64().unwrap());
    assert!(value.len() == 240 && gap.iter().zip(&value).all(|(g, v)| *g <= 1e-10 * (1.0 + v)));
    // Solved codes are no worse than the learner's.
    assert!(value.iter().sum::<f64>() <= objective[4] * (1.0 + 1e-12));

    let said = good(&["fit", "lista", &data, "--atoms", &atoms, "--share", "0.1", "--depth", "2", "--epochs", "3", "--out", &net]);
    assert!(said.contains("on 60 samples not trained on") && said.contains("steps of ISTA"), "{said}");
    assert_eq!(read(&net, "layers.1.s").shape(), [24, 24]);
    let said = good(&[
        "fit",
        "lista",
        &data,
        "--atoms",
        &atoms,
        "--share",
        "0.1",
        "--form",
        "step",
        "--nonnegative",
        "--epochs",
        "2",
        "--out",
        &net,
    ]);
    assert!(said.contains("worth"), "{said}");
    assert_eq!(read(&net, "layers.3.eta").shape(), [1]);
}

/// Each refusal: exit code 2, the reason on stderr, nothing on stdout, no file.
#[test]
fn bad_files_and_options_are_refused() {
    let dir = folder("fit-bad");
    let (data, out) = (digits_file(&dir, 20), path(&dir, "out.npz"));
    let save = |name: &str, shape: Vec<usize>, x: Vec<f64>| {
        let file = path(&dir, name);
        archive::write_named(Path::new(&file), [("x", &Array::from_f64(shape, x).unwrap())]).unwrap();
        file
    };
    let (flat, nan, empty) =
        (save("flat.npy", vec![4], vec![1.0; 4]), save("nan.npy", vec![1, 2], vec![1.0, f64::NAN]), save("empty.npy", vec![0, 2], vec![]));
    let narrow = save("narrow.npy", vec![2, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let constant = save("constant.npy", vec![3, 2], vec![1.0; 6]);
    let torn = path(&dir, "torn.npy");
    fs::write(&torn, &fs::read(&data).unwrap()[..200]).unwrap();
    let two = path(&dir, "two.npz");
    let one = Array::from_f64(vec![1, 1], vec![1.0]).unwrap();
    archive::write_named(Path::new(&two), [("a", &one), ("b", &one)]).unwrap();
    let npy = path(&dir, "out.npy");
    let cases: &[(&[&str], &str)] = &[
        (&["fit"], "pca, lasso, dictionary or lista"),
        (&["fit", "svd", &data], "pca, lasso, dictionary or lista"),
        (&["fit", "pca", &data, "-k", "2"], "--out"),
        (&["fit", "pca", &data, "--out", &out], "-k"),
        (&["fit", "pca", &data, "-k", "2", "--out", &npy], ".npz"),
        (&["fit", "pca", &data, "-k", "65", "--out", &out], "InvalidRank"),
        (&["fit", "pca", &data, "-k", "30", "--out", &out], "SpectralGapTooSmall"),
        (&["fit", "pca", &flat, "-k", "1", "--out", &out], "n × d"),
        (&["fit", "pca", &nan, "-k", "1", "--out", &out], "NonFinite"),
        (&["fit", "pca", &empty, "-k", "1", "--out", &out], "EmptyInput"),
        (&["fit", "pca", &torn, "-k", "1", "--out", &out], "torn.npy"),
        (&["fit", "pca", &two, "-k", "1", "--out", &out], "one array of samples"),
        (&["fit", "pca", "/nowhere/x.npy", "-k", "1", "--out", &out], "/nowhere/x.npy"),
        (&["fit", "pca", &constant, "-k", "1", "--centre", "--out", &out], "SpectralGapTooSmall"),
        (&["fit", "pca", &data, "-k", "2", "--out", &out, "--draw", "x.svg", "--height", "7"], "--height"),
        (&["fit", "pca", &data, "-k", "2", "--lambda", "1", "--out", &out], "--lambda"),
        (&["fit", "lasso", &data, "--lambda", "1", "--out", &out], "--atoms"),
        (&["fit", "lasso", &data, "--atoms", &narrow, "--lambda", "1", "--out", &out], "as wide as the data"),
        (&["fit", "lasso", &data, "--atoms", &data, "--out", &out], "--lambda or --share"),
        (&["fit", "lasso", &data, "--atoms", &data, "--lambda", "1", "--share", "1", "--out", &out], "--lambda or --share"),
        (&["fit", "lasso", &data, "--atoms", &data, "--lambda", "-1", "--out", &out], "above 0"),
        (&["fit", "dictionary", &data, "-m", "0", "--lambda", "1", "--out", &out], "-m"),
        (&["fit", "lista", &data, "--atoms", &data, "--lambda", "1", "--held", "1", "--out", &out], "--held"),
        (&["fit", "lista", &data, "--atoms", &data, "--lambda", "1", "--form", "deep", "--out", &out], "gregor-lecun"),
    ];
    for (args, reason) in cases {
        let (code, stdout, stderr) = run(args);
        assert_eq!(code, 2, "{args:?}: {stdout}{stderr}");
        assert!(stdout.is_empty() && stderr.contains(reason), "{args:?}: {stdout}{stderr}");
        assert!(!Path::new(&out).exists() && !Path::new(&npy).exists(), "{args:?} wrote a file");
    }
}
