//! `white-box conform` against candidates in Python: right ones, and wrong ones of many kinds.

use super::python::{python, repository};
use std::process::{Command, Output};
use white_box::data::json::Json;
use white_box::oracle::conform::{Expectations, Expected, words};

/// Runs `conform` against the candidate with one mistake; `None` without Python.
fn conform(mistake: &str, extra: &[&str]) -> Option<Output> {
    let candidate = format!("{} '{}' {mistake}", python()?, repository("tests/strangers/candidate.py").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_white-box"));
    Some(command.args(["conform", "--candidate", &candidate]).args(extra).output().unwrap())
}
fn rows(out: &Output) -> Vec<Json> {
    String::from_utf8_lossy(&out.stdout).lines().map(|l| Json::parse(l.as_bytes()).unwrap()).collect()
}
fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row.get(name).and_then(Json::as_str).unwrap_or("")
}

#[test]
fn a_right_candidate_passes() {
    let Some(out) = conform("", &["--json"]) else { return };
    let rows = rows(&out);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    let names: Vec<&str> = rows.iter().map(|r| text(r, "item")).filter(|n| !n.contains("/small/")).collect();
    assert!(rows.iter().any(|r| text(r, "item") == "coding_rate/small/value/paper"));
    assert_eq!(
        names,
        [
            "softmax/value/paper",
            "soft_threshold/value/paper",
            "coding_rate/value/paper",
            "coding_rate/gradient/paper",
            "ista_step/value/paper"
        ]
    );
    assert!(rows.iter().all(|r| text(r, "standing") == "pass"));
    let table = String::from_utf8(conform("", &["--op", "softmax"]).unwrap().stdout).unwrap();
    assert!(table.contains("plain Python") && table.contains("1 items: 1 pass, 0 fail"), "{table}");
}

/// Wrong in what it computes: caught, at the smallest case that shows it.
#[test]
fn wrong_formulas_are_caught_and_named() {
    let kinds = [
        ("eps_squared", "coding_rate/value/paper", "eps-for-eps2"),
        ("no_half", "coding_rate/value/paper", "half-missing"),
        ("bits", "coding_rate/value/paper", "bits"),
        ("other_axis", "softmax/value/paper", "softmax-over-rows"),
        ("relu", "soft_threshold/value/paper", "relu-for-soft-threshold"),
        ("gradient_times_n", "coding_rate/gradient/paper", "sum-for-mean n"),
        ("n_for_d", "coding_rate/value/paper", "n-for-d"),
        ("lambda", "ista_step/value/paper", "lambda and eta"),
    ];
    for (mistake, item, cause) in kinds {
        let Some(out) = conform(mistake, &["--json"]) else { return };
        assert_eq!(out.status.code(), Some(1), "{mistake}");
        for row in rows(&out).into_iter().filter(|r| !text(r, "item").contains("/small/")) {
            let hit = text(&row, "item") == item;
            let also =
                mistake != "gradient_times_n" && item.starts_with("coding_rate") && text(&row, "item") == "coding_rate/gradient/paper";
            let standing = text(&row, "standing");
            assert!(if hit { standing == "fail" } else { also || standing == "pass" }, "{mistake}: {row}");
            if hit {
                assert!(text(&row, "failure").contains("differ") && row.get("request").unwrap().get("inputs").is_some(), "{row}");
                let causes = row.get("causes").and_then(Json::as_array).unwrap_or(&[]);
                let named = causes.iter().any(|c| c.as_str().is_some_and(|c| c.contains(cause)));
                assert!(named && causes.len() <= 2 && text(&row, "cause").contains(cause), "{mistake}: expected {cause}: {row}");
            }
        }
    }
}

/// Wrong in how it behaves: a result, not an error of ours.
#[test]
fn crashes_timeouts_and_nonsense_are_results() {
    let kinds = [
        ("nan", "NaN or infinity at ()"),
        ("crash", "the candidate ended: exit status: 7"),
        ("hang", "no answer within 2 s"),
        ("garbage", "not the protocol"),
        ("raises", "ValueError: boom"),
    ];
    for (mistake, words) in kinds {
        let Some(out) = conform(mistake, &["--json", "--op", "coding_rate", "--op", "softmax", "--timeout", "2"]) else { return };
        let rows = rows(&out);
        assert_eq!(out.status.code(), Some(1), "{mistake}");
        let row = rows.iter().find(|r| text(r, "item") == "coding_rate/value/paper").unwrap();
        assert!(text(row, "standing") == "fail" && text(row, "failure").contains(words), "{mistake}: {row}");
        let next = rows.iter().find(|r| text(r, "item") == "softmax/value/paper").unwrap();
        assert_eq!(text(next, "standing"), "pass", "{mistake}: what follows is asked all the same");
    }
    let Some(out) = conform("declines", &["--json", "--op", "coding_rate"]) else { return };
    let row = rows(&out).swap_remove(0);
    assert!(text(&row, "standing") == "pass" && row.get("declined").unwrap().as_u64() > Some(0), "{row}");
    let Some(out) = conform("silent", &[]) else { return };
    assert!(out.status.code() == Some(2) && String::from_utf8_lossy(&out.stderr).contains("hello"));
}

#[test]
fn expectations_are_strict() {
    let file = std::env::temp_dir().join(format!("white-box-expect-{}.txt", std::process::id()));
    let with = |mistake: &str, text: &str| {
        std::fs::write(&file, text).unwrap();
        conform(mistake, &["--json", "--op", "coding_rate", "--expect", file.to_str().unwrap()])
    };
    let standings = |out: &Output| -> Vec<String> {
        rows(out).iter().filter(|r| !text(r, "item").contains("/small/")).map(|r| text(r, "standing").to_string()).collect()
    };
    let Some(out) = with("gradient_times_n", "# known\nfail /gradient/  # the reduction is a mean\n") else { return };
    assert!(out.status.success() && standings(&out) == ["pass", "expected failure"]);
    let out = with("", "fail coding_rate/gradient\n").unwrap();
    assert!(out.status.code() == Some(1) && standings(&out) == ["pass", "unexpected pass"], "an expected failure that passes is an error");
    let out = with("no_half", "skip coding_rate\nfail no_such_item\n").unwrap();
    assert!(out.status.success() && standings(&out) == ["skipped", "skipped"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("no_such_item"), "a line that fits nothing is said");
    assert_eq!(with("", "xfail all\n").unwrap().status.code(), Some(2));
    std::fs::remove_file(&file).unwrap();
    let e = Expectations::parse("fail a/b\nskip a\n").unwrap();
    assert_eq!((e.of("a/b"), e.of("c/a"), e.of("b")), (Some(Expected::Skip), Some(Expected::Skip), None));
    assert!(Expectations::parse("skip a b\n").unwrap_err().to_string().contains("line 1"));
}

#[test]
fn a_command_is_words() {
    let cut = |text: &str| words(text).unwrap();
    assert_eq!(cut("python3 -m  mine"), ["python3", "-m", "mine"]);
    assert_eq!(cut(r#"a 'b c' "d 'e'" f"g"h ''"#), ["a", "b c", "d 'e'", "fgh", ""]);
    assert!(words("a 'b").is_err() && words("  ").is_err());
}

/// The oracle's own server is a candidate like any other.
#[test]
fn this_program_conforms() {
    let me = env!("CARGO_BIN_EXE_white-box");
    let out = Command::new(me).args(["conform", "--candidate", &format!("'{me}' serve"), "--cases", "4", "--json"]).output().unwrap();
    let rows = rows(&out);
    let bad: Vec<&Json> = rows.iter().filter(|r| text(r, "standing") == "fail").collect();
    assert!(out.status.success() && bad.is_empty() && rows.len() > white_box::oracle::CATALOG.len(), "{bad:?}");
}
