//! What `check` says: inside, outside, undecided; where, by how much, why; and the calls around it.

use std::process::Command;
use white_box::linalg::Matrix;
use white_box::oracle::check::{Claim, Dtype, Verdict, check, mistakes};
use white_box::oracle::errata::ERRATA;
use white_box::oracle::{CATALOG, Case, Number, Tensor, Values, cite, find};
use white_box::scalar::Ball;

fn z() -> Case {
    let rows = [[1.0, 0.5, 0.25], [0.0, 2.0, 1.5], [1.0, 1.0, 1.0], [0.5, 0.25, -1.0]];
    Case::new(Values::new().with("z", Matrix::from_rows(&rows))).set("eps", 0.75)
}
fn rate(case: &Case) -> f64 {
    find("coding_rate").unwrap().eval_in(Number::F64, case).unwrap().scalar("value").unwrap().mid().hi()
}
fn verdict(op: &str, claim: &Claim) -> Verdict {
    check(find(op).unwrap(), claim).unwrap()
}
fn of_rate(x: f64, dtype: Dtype) -> Verdict {
    verdict("coding_rate", &Claim::of_outputs(z(), Values::new().with("value", Ball::exact(x))).in_dtype(dtype))
}
fn names(v: &Verdict) -> Vec<String> {
    v.because.iter().map(|e| e.name()).collect()
}
fn as_matrix(v: &Values<Ball>, name: &str) -> Matrix<f64> {
    v.matrix(name).unwrap().cast()
}

#[test]
fn a_rounding_is_right_and_a_wrong_digit_is_not_in_the_arithmetic_that_is_claimed() {
    let right = rate(&z());
    assert_eq!(of_rate(right, Dtype::F64).code(), 0);
    assert_eq!(of_rate(right.next_up(), Dtype::F64).code(), 0);
    // The same number, an f32, a bf16: each right for its arithmetic and wrong for the next better one.
    let kinds = [(Dtype::F64, 1e-12), (Dtype::F32, 1e-4), (Dtype::Bf16, 0.5)];
    for (dtype, error) in kinds {
        let held = dtype.round(right);
        assert_eq!(of_rate(held, dtype).code(), 0, "{}", dtype.name());
        assert_eq!(of_rate(held * (1.0 + error), dtype).code(), 1, "{} and {error}", dtype.name());
    }
    assert_eq!(of_rate(f64::from(right as f32), Dtype::F64).code(), 1);
    assert_eq!(names(&of_rate(f64::from(right as f32), Dtype::F64)), ["computed-in f32"]);
}

#[test]
fn tolerances_replace_the_derived_bound() {
    let claim = |x: f64, tolerance| Claim { tolerance, ..Claim::of_outputs(z(), Values::new().with("value", Ball::exact(x))) };
    let right = rate(&z());
    for (factor, code) in [(1.0 + 0.9e-3, 0), (1.0 + 1.1e-3, 1)] {
        assert_eq!(verdict("coding_rate", &claim(right * factor, Some((1e-3, 0.0)))).code(), code);
        assert_eq!(verdict("coding_rate", &claim(right + (factor - 1.0), Some((0.0, 1e-3)))).code(), code);
    }
    // Exactly at the edge of an enclosure that has a width nothing is decided: the allowed error is 0.
    assert_eq!(verdict("coding_rate", &claim(right, Some((0.0, 0.0)))).code(), 1, "a rounding is outside an allowed error of 0");
}

#[test]
fn an_enclosure_that_does_not_close_is_undecided_and_never_a_failure() {
    // Logits around 10⁶ whose differences ball arithmetic loses: whatever is claimed, the verdict is not "differs" unless the enclosure proves it.
    let rows = Matrix::from_fn(3, 2, |i, j| Ball::exact(1e160 * (1.0 + i as f64 - j as f64)));
    let case = Case::new(Values::new().with("z", rows)).set("eps", 1e-150);
    let entry = find("coding_rate").unwrap();
    match (entry.eval_in(Number::Ball, &case), entry.eval_in(Number::F64, &case)) {
        (Ok(_), Ok(y)) => assert_ne!(check(entry, &Claim::of_outputs(case, y)).unwrap().code(), 1),
        (Err(_), Ok(y)) => assert_eq!(check(entry, &Claim::of_outputs(case, y)).unwrap().code(), 3),
        _ => {}
    }
}

#[test]
fn shapes_and_nans_are_verdicts() {
    let wrong = verdict("coding_rate", &Claim::of_outputs(z(), Values::new().with("value", vec![Ball::exact(rate(&z()))])));
    assert_eq!(wrong.code(), 1);
    assert!(wrong.text().contains("(shapes (1,), () mismatch)"), "{}", wrong.text());
    assert_eq!(names(&wrong), ["other-shape"]);
    let nan = of_rate(f64::NAN, Dtype::F64);
    assert!(nan.code() == 1 && nan.text().contains("not finite"), "{}", nan.text());
    assert!(nan.because.is_empty());
    let unknown = Claim::of_outputs(z(), Values::new().with("rate", Ball::exact(1.0)));
    let refused = check(find("coding_rate").unwrap(), &unknown).unwrap_err().to_string();
    assert!(refused.contains("value") && refused.contains("`rate`"), "{refused}");
}

#[test]
fn the_words_people_look_for() {
    let text = of_rate(2.0 * rate(&z()), Dtype::F64).text();
    for words in [
        "Mismatched elements: 1 / 1 (100%)",
        "Greatest absolute difference",
        "Greatest relative difference",
        "certified",
        "ulps",
        "right digits",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains("because half-missing"), "{text}");
    // An f32 rounding is far outside f64 and far inside everybody's defaults but one.
    let text = of_rate(rate(&z()) * (1.0 + 3e-8), Dtype::F64).text();
    assert!(text.contains("NumPy assert_allclose NO, PyTorch assert_close NO, JAX assertAllClose yes"), "{text}");
}

#[test]
fn gradients_are_checked_and_named_apart_from_values() {
    let entry = find("coding_rate").unwrap();
    let one = Values::new().with("value", Ball::exact(1.0));
    let gradient = as_matrix(&entry.vjp_in(Number::F64, &z(), &one).unwrap(), "z");
    let claim = |value: f64, factor: f64| {
        let gradient = Values::new().with("z", gradient.scale(factor).cast::<Ball>());
        Claim::of_outputs(z(), Values::new().with("value", Ball::exact(value))).with_gradients(one.clone(), gradient)
    };
    assert_eq!(verdict("coding_rate", &claim(rate(&z()), 1.0)).code(), 0);
    let wrong = verdict("coding_rate", &claim(rate(&z()), 0.25));
    assert_eq!(wrong.first_wrong().unwrap().name, "grad_z");
    assert_eq!(names(&wrong), ["mean-for-sum n"], "{}", wrong.text());
    let both = verdict("coding_rate", &claim(2.0 * rate(&z()), 2.0));
    assert!(names(&both).contains(&"half-missing".to_string()) && both.because[0].arrays == ["value", "grad_z"], "{}", both.text());
    // Two unrelated mistakes in two arrays are named one by one.
    let apart = verdict("coding_rate", &claim(-rate(&z()), 0.25));
    assert_eq!(names(&apart), ["sign", "mean-for-sum n"], "{}", apart.text());
}

#[test]
fn the_first_wrong_stage_is_found_and_whether_the_fault_is_made_there() {
    let u = Tensor { shape: vec![2, 3, 2], data: [1.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, -1.0].map(Ball::exact).to_vec() };
    let case = Case::new(Values::new().with("z", z().inputs.matrix("z").unwrap()).with("u", u)).set("scale", 0.5);
    let entry = find("mssa").unwrap();
    let mut stages = entry.stages_in(Number::F64, &case).unwrap();
    assert_eq!(verdict("mssa", &Claim::of_outputs(case.clone(), stages.clone())).code(), 0);
    // Logits twice too large; everything behind follows from them.
    let wrong = case.clone().set("scale", 1.0);
    for name in ["logits", "attention", "heads", "y"] {
        stages.set(name, entry.stages_in(Number::F64, &wrong).unwrap().real(name).unwrap().clone());
    }
    let v = verdict("mssa", &Claim::of_outputs(case, stages));
    assert_eq!(v.first_wrong().unwrap().name, "logits");
    let step = |name: &str| v.items.iter().find(|i| i.name == name).unwrap().step_is_right;
    assert_eq!(
        (step("projected"), step("logits"), step("attention"), step("heads"), step("y")),
        (None, Some(false), Some(true), Some(true), Some(true))
    );
    assert!(
        v.text().contains("the fault is made in this step") && v.text().contains("first wrong, in the order of the computation: logits")
    );
    assert!(names(&v).iter().any(|n| n.contains("scale")), "{}", v.text());
}

#[test]
fn what_fits_nothing_is_said_to_fit_nothing() {
    let v = of_rate(rate(&z()) * 1.2345, Dtype::F64);
    assert!(v.because.is_empty() && v.text().contains("none of the"), "{}", v.text());
    // One number in a coarse arithmetic fits some formula by chance: nothing is claimed then.
    let coarse = of_rate(Dtype::Bf16.round(rate(&z()) * 1.37), Dtype::Bf16);
    assert!(coarse.code() == 1 && coarse.because.iter().all(|e| e.causes.len() == 1), "{}", coarse.text());
    let entry = find("softmax").unwrap();
    let case = Case::new(Values::new().with("x", z().inputs.matrix("z").unwrap()));
    let y = as_matrix(&entry.eval_in(Number::F64, &case).unwrap(), "y");
    let constant = Claim::of_outputs(case.clone(), Values::new().with("y", y.scale(1.375).cast::<Ball>()));
    assert_eq!(names(&verdict("softmax", &constant)), ["constant-factor"]);
    let turned = Matrix::from_fn(4, 3, |i, j| y[((i + 1) % 4, j)]);
    let turned = Claim::of_outputs(case, Values::new().with("y", turned.cast::<Ball>()));
    assert_eq!(names(&verdict("softmax", &turned)), ["rows-permuted"]);
}

#[test]
fn what_an_input_cannot_tell_is_listed_with_one_that_can() {
    // Four samples of four features: n and d cannot be told apart.
    let case = Case::new(Values::new().with("z", Matrix::from_fn(4, 4, |i, j| Ball::exact((i * j) as f64 * 0.25 + 0.5)))).set("eps", 1.0);
    let v = verdict("coding_rate", &Claim::of_outputs(case.clone(), Values::new().with("value", Ball::exact(rate(&case)))));
    assert_eq!(v.code(), 0);
    let blind: Vec<&str> = v.blind.iter().map(|b| b.cause.name.as_str()).collect();
    for name in ["n-for-d", "eps-for-eps2", "eps2-squared", "eps-is-one"] {
        assert!(blind.contains(&name), "{name} in {blind:?}");
    }
    for b in &v.blind {
        find("coding_rate").unwrap().eval_in(Number::F64, &b.told_by).unwrap();
    }
}

#[test]
fn a_named_cause_comes_with_its_smallest_case() {
    let v = of_rate(2.0 * rate(&z()), Dtype::F64);
    let r = v.reproducer.unwrap();
    let elements: usize = r.case.inputs.reals().map(|(_, t)| t.data.len()).sum();
    assert_eq!(elements, 1);
    assert_eq!(r.wrong.data[0].mid().hi(), 2.0 * r.right.data[0].mid().hi());
    assert_eq!(r.python().lines().count(), 3);
    let reply = white_box::oracle::answer(r.json().to_string().as_bytes());
    assert!(reply.contains("\"ok\":true"), "{reply}");
}

#[test]
fn there_are_enough_hypotheses_and_each_is_described() {
    let all: Vec<_> = mistakes().collect();
    assert!(all.len() >= 35);
    let mut names: Vec<&str> = all.iter().map(|m| m.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len(), "names are unique");
    assert!(all.iter().all(|m| !m.says.is_empty() && m.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')));
}

/// Every operator's own result agrees with itself, through every preset, and nothing panics on the way.
#[test]
fn the_oracle_agrees_with_itself() {
    for entry in CATALOG {
        for index in [0, 3, 5] {
            let Ok(case) = white_box::oracle::generated_case(*entry, index, 2) else { continue };
            let Ok(y) = entry.eval_in(Number::F64, &case) else { continue };
            let v = check(*entry, &Claim::of_outputs(case, y)).unwrap();
            assert_ne!(v.code(), 1, "{} case {index}: {}", entry.spec().name, v.text());
        }
    }
}

#[test]
fn every_erratum_is_refuted_by_its_enclosures() {
    for e in ERRATA {
        let found = e.compute().unwrap();
        let words: Vec<String> = found.figures.iter().map(|(w, x)| format!("{w} {}", x.to_text())).collect();
        assert!(found.refuted && found.figures.len() >= 2, "{}: {words:?}", e.id);
    }
    // The numbers that are printed in words.
    let figures = |id: &str| ERRATA.iter().find(|e| e.id == id).unwrap().compute().unwrap().figures;
    let near = |x: Ball, y: f64| (x.mid().hi() - y).abs() < 5e-5;
    let rank = figures("mcr2-rank");
    assert!(near(rank[1].1, 0.2200618848) && near(rank[2].1, 0.2379691824));
    assert!(near(figures("global-maximiser")[2].1, -0.0308552746));
    assert!(near(figures("sparse-rate-reduction-sign")[2].1, -4.2069));
    let split = figures("simdino-sharding");
    assert!(near(split[0].1, 0.4496) && near(split[1].1, 1.7984), "{} {}", split[0].1.to_text(), split[1].1.to_text());
}

#[test]
fn citations_are_bibtex() {
    for entry in CATALOG {
        let entries = cite::cite(entry.spec());
        assert!(entries.len() >= 2, "{}", entry.spec().name);
        for e in &entries {
            let balance = e.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum::<i32>();
            assert!(e.starts_with('@') && balance == 0 && e.contains("year =") | e.contains("note ="), "{e}");
        }
    }
    assert!(cite::cite(find("coding_rate").unwrap().spec())[0].contains("ma2007segmentation"));
}

fn run(args: &[&str]) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_white-box")).args(args).output().unwrap();
    (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

#[test]
fn the_calls() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-calls");
    std::fs::create_dir_all(&dir).unwrap();
    let path = |name: &str| dir.join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write("in.json", r#"{"z":[[1.0,0.0],[0.0,2.0]]}"#);
    write("right.json", r#"{"value":2.2213256282451583,"grad_z":[[0.8,0],[0,0.47058823529411764]]}"#);
    write("bits.json", r#"{"value":3.2046954680688513}"#);
    write("unknown.json", r#"{"valeu":1}"#);
    let call = |candidate: &str, more: &[&str]| {
        let (input, candidate) = (path("in.json"), path(candidate));
        let words: Vec<&str> =
            ["check", "coding_rate", &input, &candidate, "-p", "eps=0.5"].into_iter().chain(more.iter().copied()).collect();
        run(&words)
    };
    assert_eq!(call("right.json", &[]).0, 0);
    let (code, text) = call("bits.json", &[]);
    assert!(code == 1 && text.contains("because bits"), "{text}");
    assert_eq!(call("bits.json", &["--rtol", "0.5"]).0, 0);
    assert_eq!(call("unknown.json", &[]).0, 2);
    assert_eq!(call("right.json", &["--dtype", "f8"]).0, 2);
    let (_, json) = call("bits.json", &["--json"]);
    let json = white_box::data::json::Json::parse(json.as_bytes()).unwrap();
    assert_eq!(json.get("verdict").unwrap().as_str(), Some("differs"));
    assert_eq!(json.get("because").unwrap().as_array().unwrap()[0].get("name").unwrap().as_str(), Some("bits"));
    // An example runs through eval, and its answer agrees.
    for op in ["mssa", "rate_reduction", "linear"] {
        let out = path(op);
        let (code, text) = run(&["example", op, "--out", &out, "--with", "torch"]);
        assert!(code == 0 && text.contains(&format!("white-box check {op} in.npz out.npz")), "{text}");
        let program = std::fs::read_to_string(format!("{out}/candidate.py")).unwrap();
        assert!(program.contains("<- your implementation here") && program.contains("import torch"));
        let params: Vec<&str> = text.lines().find(|l| l.contains("white-box check")).unwrap().split_whitespace().skip(5).collect();
        let (input, answer) = (format!("{out}/in.npz"), format!("{out}/out.npz"));
        let words: Vec<&str> = ["eval", op, &input, "-o", &answer].into_iter().chain(params.iter().copied()).collect();
        assert_eq!(run(&words).0, 0, "{words:?}");
        let words: Vec<&str> = ["check", op, &input, &answer].into_iter().chain(params).collect();
        assert_eq!(run(&words).0, 0, "{words:?}");
    }
    let (code, text) = run(&["errata", "mcr2-rank"]);
    assert!(code == 0 && text.contains("0.22006188") && text.contains("refuted by these enclosures"), "{text}");
    assert_eq!(run(&["errata", "none-such"]).0, 2);
    assert!(run(&["cite", "mssa"]).1.contains("yu2023whitebox"));
}
