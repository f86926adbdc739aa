//! The command as a user meets it: files in, files out, exit codes, help.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use white_box::data::json::Json;
use white_box::data::sha256::sha256_hex;
use white_box::data::{Array, archive};
use white_box::linalg::dispatch::Isa;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_white-box")).args(args).output().unwrap()
}
fn stdout(args: &[&str]) -> String {
    let out = run(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}
/// The code and the message of a call that must fail.
fn refused(args: &[&str]) -> (i32, String) {
    let out = run(args);
    assert!(out.stdout.is_empty(), "{args:?} printed a result");
    (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
}
/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}
fn z() -> Array {
    Array::from_f64(vec![2, 2], vec![1.0, 0.0, 0.0, 2.0]).unwrap()
}

#[test]
fn every_format_gives_the_same_number() {
    let dir = folder("formats");
    for name in ["z.npz", "z.npy", "z.safetensors", "z.json"] {
        let path = dir.join(name);
        archive::write_named(&path, [("z", &z())]).unwrap();
        // By content, not by name: the same file under another name.
        let disguised = dir.join(format!("{name}.dat"));
        fs::copy(&path, &disguised).unwrap();
        for file in [path, disguised] {
            assert_eq!(stdout(&["eval", "coding_rate", file.to_str().unwrap(), "-p", "eps=0.5"]), "value  2.2213256282451583\n");
        }
    }
}

#[test]
fn outputs_are_written_in_every_format_and_digit() {
    let dir = folder("outputs");
    let input = dir.join("z.npz");
    archive::write_named(&input, [("z", &z())]).unwrap();
    let input = input.to_str().unwrap();
    for name in ["g.npz", "g.safetensors", "g.json"] {
        let out = dir.join(name);
        stdout(&["vjp", "coding_rate", input, "-p", "eps=0.5", "-o", out.to_str().unwrap()]);
        if !name.ends_with("json") {
            let gradient = archive::read_named(&out).unwrap();
            assert_eq!(gradient.get("z").unwrap().shape(), [2, 2]);
        }
    }
    let out = dir.join("ball.npz");
    stdout(&["eval", "coding_rate", input, "-p", "eps=0.5", "--scalar", "ball", "-o", out.to_str().unwrap()]);
    let ball = archive::read_named(&out).unwrap();
    let part = |name: &str| ball.get(name).unwrap().to_f64().unwrap()[0];
    assert_eq!(part("value"), 2.2213256282451583);
    assert!(part("value_lo").abs() < 3e-16 && part("value_radius") < 1e-30);
}

#[test]
fn wrong_usage_exits_2_and_says_what_is_right() {
    let dir = folder("wrong");
    let input = dir.join("z.npz");
    archive::write_named(&input, [("z", &z())]).unwrap();
    let input = input.to_str().unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["evall"], "eval"),
        (&["eval"], "OP IN"),
        (&["eval", "coding_rat", input], "coding_rate"),
        (&["eval", "coding_rate", input], "eps"),
        (&["eval", "coding_rate", input, "-p", "eps"], "name=value"),
        (&["eval", "coding_rate", input, "-p", "eps=-1"], "above 0"),
        (&["eval", "coding_rate", "no-such-file", "-p", "eps=1"], "no-such-file"),
        (&["eval", "coding_rate", input, "--scalar", "f16"], "f32, f64, dd or ball"),
        (&["eval", "coding_rate", input, "-p", "eps=1", "-o", "x.txt"], ".npz"),
    ];
    for (args, words) in cases {
        let (code, message) = refused(args);
        assert!(code == 2 && message.contains(words), "{args:?}: {code}: {message}");
    }
    assert!(!Path::new("x.txt").exists());
}

#[test]
fn help_and_version() {
    assert!(stdout(&["--version"]).starts_with("white-box "));
    let help = stdout(&["--help"]);
    assert_eq!(help, stdout(&[]));
    for call in help.lines().filter_map(|l| l.strip_prefix("  ")).filter_map(|l| l.split_whitespace().next()) {
        assert!(stdout(&[call, "--help"]).contains("white-box"), "{call}");
    }
    let ops = stdout(&["ops"]);
    for entry in white_box::oracle::CATALOG {
        let spec = entry.spec();
        assert!(ops.contains(spec.name), "{}", spec.name);
        let text = stdout(&["explain", spec.name]);
        assert!(text.contains(spec.definition) && spec.inputs.iter().all(|p| text.contains(p.name)));
    }
    white_box::data::json::Json::parse(stdout(&["ops", "--json"]).as_bytes()).unwrap();
}

#[test]
fn verify_says_all_good() {
    assert!(stdout(&["verify", "coding_rate", "softmax", "--cases", "4"]).contains("all good"));
}

#[test]
fn unknown_values_of_the_environment_variables_are_refused() {
    for (name, value, expected) in [
        ("WHITE_BOX_ISA", "mmx", "one of "),
        ("WHITE_BOX_THREADS", "0", "a whole number from 1 on"),
        ("WHITE_BOX_THREADS", "two", "a whole number from 1 on"),
    ] {
        let out = Command::new(env!("CARGO_BIN_EXE_white-box")).arg("ops").env(name, value).output().unwrap();
        let message = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{name}={value}");
        assert!(message.contains(name) && message.contains(expected) && message.contains(value), "{message}");
    }
}

#[test]
fn bench_prints_a_row_for_every_size() {
    let text = stdout(&["bench", "rate_gradient", "gram", "--rounds", "1", "--json"]);
    let lines: Vec<Json> = text.lines().map(|line| Json::parse(line.as_bytes()).unwrap()).collect();
    let named = |name: &str| lines.iter().filter(|l| l.get("name") == Some(&Json::text(name)) && l.get("size").is_some()).count();
    assert!(lines[0].get("peak_f64").is_some());
    assert_eq!(named("rate_gradient"), 6);
    assert!(named("gram") >= 2);
    assert_eq!(refused(&["bench", "no_such_operator"]).0, 2);
    assert_eq!(refused(&["bench", "--all", "gram"]).0, 2);
}

/// Attention, products, layer norm, softmax, optimiser, sums over the batch: a few steps of training go through all of them.
#[test]
fn a_trained_checkpoint_has_the_same_bits_on_every_instruction_set_and_any_number_of_threads() {
    for model in ["crate", "vit"] {
        let recipe = format!(
            "train --model {model} --data digits --test 1660 --epochs 1 --warmup 0 --dim 16 --depth 1 --heads 2 --seed 3 --quiet --out"
        );
        let mut first: Option<(String, Vec<String>)> = None;
        for (isa, threads) in Isa::available().iter().flat_map(|isa| [(isa.name(), "1"), (isa.name(), "2")]) {
            let out = folder(&format!("bits-{model}-{isa}-{threads}"));
            let words = recipe.split(' ').chain([out.to_str().unwrap()]);
            let run = Command::new(env!("CARGO_BIN_EXE_white-box"))
                .args(words)
                .env("WHITE_BOX_ISA", isa)
                .env("WHITE_BOX_THREADS", threads)
                .output()
                .unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            let files = ["checkpoint.safetensors", "model.safetensors", "log.csv"];
            let hashes: Vec<String> = files.iter().map(|name| sha256_hex(&fs::read(out.join(name)).unwrap())).collect();
            let how = format!("{isa}, {threads} threads");
            println!("{model} on {how}: {}", hashes[0]);
            match &first {
                None => first = Some((how, hashes)),
                Some((before, expected)) => assert_eq!(&hashes, expected, "{model} on {how} and on {before}: {files:?}"),
            }
        }
    }
}
