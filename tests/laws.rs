//! Every law of every operator as a property of its own: `coding_rate::feature_rotation`.
//!
//! The list comes from the catalog, so that a new law is a new test; the command line is that of Rust's own harness, so that `cargo test --test laws FILTER`
//! and nextest, with its partitions, work. `PROPTEST_CASES` sets the cases of each law and draws them at random; without it a dozen are run, the
//! same ones every time.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use white_box::laws::{Answer, Function, InNumber, Suite};
use white_box::oracle::{CATALOG, Certified, Entry, Law, Number, generated_case};
use white_box::{Error, data::sha256::sha256};

/// What one test does.
enum Body {
    /// A law of our own certified evaluation: in balls, without a tolerance.
    Law(&'static dyn Entry, Law),
    /// Our f64 and f32 through the public suite, as if they were a stranger's.
    Stranger(&'static dyn Entry),
    /// The suite can fail.
    Plain(fn()),
}

fn tests() -> Vec<(String, Body)> {
    let mut tests = Vec::new();
    for entry in CATALOG {
        for law in entry.laws() {
            tests.push((law.name.replace('/', "::"), Body::Law(*entry, law)));
        }
        tests.push((format!("{}::as_a_stranger", entry.spec().name), Body::Stranger(*entry)));
    }
    tests.push(("suite::names_what_breaks".into(), Body::Plain(names_what_breaks)));
    tests.push(("suite::refuses_what_is_no_answer".into(), Body::Plain(refuses_what_is_no_answer)));
    tests
}

/// Sizes from 0 on and any seed. `PROPTEST_CASES` runs draw from the machine's entropy, the others from the test's name.
fn property(name: &str, few: u32, test: impl Fn(usize, u64) -> Result<(), String>) -> Result<(), String> {
    let given = std::env::var("PROPTEST_CASES").is_ok();
    let mut config = Config { failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = if given {
        TestRunner::new(config)
    } else {
        config.cases = few;
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &sha256(name.as_bytes())))
    };
    // Shrinking runs towards size 0, the smallest legal case.
    let outcome = runner.run(&(0usize..20, any::<u64>()), |(size, seed)| test(size, seed).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, (size, seed))) => Err(format!("size {size}, seed {seed}: {reason}")),
        Err(e) => Err(e.to_string()),
    }
}

fn run(name: &str, body: &Body) -> Result<(), String> {
    match body {
        Body::Law(entry, law) => property(name, 12, |size, seed| {
            let case = generated_case(*entry, size, seed).map_err(|e| e.to_string())?;
            match law.violation(&Certified(*entry), &case) {
                Ok(None) | Err(Error::Undecided(_)) => Ok(()),
                Ok(Some(v)) if v.excess == 0.0 => Ok(()),
                Ok(Some(v)) => Err(format!("{}: off by {:e} at element {}: {case:?}", law.statement, v.excess, v.at)),
                Err(e) => Err(format!("{e}: {case:?}")),
            }
        }),
        Body::Stranger(entry) => property(name, 3, |size, seed| {
            for (arithmetic, number) in [("f64", Number::F64), ("f32", Number::F32)] {
                let suite = Suite::new(*entry).arithmetic(arithmetic).map_err(|e| e.to_string())?;
                let case = suite.case(size, seed).map_err(|e| e.to_string())?;
                suite.check(&InNumber(*entry, number), &case).map_err(|e| format!("{arithmetic}: {e}"))?;
            }
            Ok(())
        }),
        Body::Plain(f) => {
            f();
            Ok(())
        }
    }
}

/// Wrong implementations of the soft threshold and the law or truth that each breaks.
fn names_what_breaks() {
    let soft = |wrong: fn(f64, f64) -> f64| {
        Function::new(move |x| {
            let (shape, data) = x.array("x")?;
            let t = x.number("theta").unwrap_or(0.1);
            Ok(Answer::new().array("y", &shape, data.into_iter().map(|x| wrong(x, t)).collect()))
        })
    };
    let suite = Suite::of("soft_threshold").unwrap();
    assert!(suite.run(&soft(|x, t| x.signum() * (x.abs() - t).max(0.0)), 12, 3).unwrap() > 12);
    for wrong in [|x: f64, t: f64| (x - t).max(0.0), |x: f64, _| x, |x: f64, t: f64| if x.abs() > t { x } else { 0.0 }] {
        let broken = suite.run(&soft(wrong), 12, 3).unwrap_err();
        assert!(broken.law.starts_with("soft_threshold/") && broken.made_by.is_some(), "{broken}");
        assert!(broken.to_string().contains("Suite::case("), "{broken}");
    }
    // In f32 the same function is right at f32's roundoff and wrong at f64's.
    let narrow = soft(|x, t| f64::from(x as f32 * (1.0 - 1e-7)) - 0.0 * t);
    assert!(Suite::of("soft_threshold").unwrap().run(&narrow, 12, 3).is_err());
}

fn refuses_what_is_no_answer() {
    let suite = Suite::of("coding_rate").unwrap();
    let says = |answer: fn() -> Answer, words: &str| {
        let broken = suite.run(&Function::new(move |_| Ok(answer())), 3, 1).unwrap_err();
        assert!(broken.to_string().contains(words), "{broken}");
    };
    says(Answer::new, "no result");
    says(|| Answer::new().number("value", f64::NAN), "finite");
    says(|| Answer::new().number("rate", 1.0), "does not have");
    says(|| Answer::new().array("value", &[2], vec![1.0, 1.0]), "mismatch");
    says(|| Answer::new().array("value", &[2], vec![1.0]), "expected");
    assert!(suite.preset("no-such-preset").is_err());
    assert_eq!(suite.preset("mcr2-repo").unwrap().case(3, 1).unwrap().preset.as_deref(), Some("mcr2-repo"));
    assert_eq!(suite.case(3, 1).unwrap().preset, None);
}

/// The part of libtest's command line that cargo and nextest use.
#[derive(Default)]
struct Options {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
    ignored: bool,
    threads: Option<usize>,
}

fn options() -> Options {
    let mut o = Options::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word.clone(), None), |(n, v)| (n.to_string(), Some(v.to_string())));
        let mut value = || value.clone().or_else(|| words.next()).unwrap_or_default();
        match name.as_str() {
            "--exact" => o.exact = true,
            "--list" => o.list = true,
            "--ignored" => o.ignored = true,
            "--skip" => o.skip.push(value()),
            "--test-threads" => o.threads = value().parse().ok(),
            "--format" | "--color" | "--logfile" | "-Z" => drop(value()),
            _ if name.starts_with('-') => {}
            _ => o.filters.push(word),
        }
    }
    o
}

fn main() -> ExitCode {
    let o = options();
    let fits = |name: &str, filter: &String| if o.exact { name == filter } else { name.contains(filter.as_str()) };
    let wanted = |name: &str| (o.filters.is_empty() || o.filters.iter().any(|f| fits(name, f))) && !o.skip.iter().any(|f| fits(name, f));
    let mut tests: Vec<(String, Body)> = if o.ignored { Vec::new() } else { tests() };
    tests.retain(|(name, _)| wanted(name));
    if o.list {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", tests.len());
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = o.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1).max(1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((name, body)) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = catch_unwind(AssertUnwindSafe(|| run(name, body))).unwrap_or_else(|_| Err("panicked, see above".into()));
                    println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
                    if let Err(e) = outcome {
                        failures.lock().unwrap().push((name.clone(), e));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    for (name, e) in &failures {
        println!("\n---- {name} ----\n{e}");
    }
    let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {} passed; {} failed\n", tests.len() - failures.len(), failures.len());
    ExitCode::from(if failures.is_empty() { 0 } else { 101 })
}
