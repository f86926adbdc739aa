//! Wrong variants of the field's operators, each written out in plain f64. Every one must be seen by `check`, named by it, and killed by a law or a
//! gradient check; `docs/mutants.md` is the table (`UPDATE=1 cargo test --test mutants` writes it).

mod blocks;
mod given;
mod rates;
mod verdicts;

use given::Given;
use std::fmt::Write;
use std::sync::OnceLock;
use white_box::linalg::Matrix;
use white_box::oracle::check::{Claim, check};
use white_box::oracle::{Case, Entry, Implementation, Number, Value, Values, find, generated_case, on_grid, tolerance};
use white_box::random::Rng;
use white_box::scalar::{Ball, Scalar};
use white_box::{Error, Result};

/// One wrong variant; `cause` is what `check` must name, empty for the right one.
struct Mutant {
    op: &'static str,
    cause: &'static str,
    says: &'static str,
    form: Form,
}
enum Form {
    Value(fn(&Given) -> Option<Values<Ball>>),
    Gradient(fn(&Given, &Values<Ball>) -> Values<Ball>),
}
const fn value_of(op: &'static str, cause: &'static str, says: &'static str, f: fn(&Given) -> Option<Values<Ball>>) -> Mutant {
    Mutant { op, cause, says, form: Form::Value(f) }
}
const fn gradient(op: &'static str, cause: &'static str, says: &'static str, f: fn(&Given, &Values<Ball>) -> Values<Ball>) -> Mutant {
    Mutant { op, cause, says, form: Form::Gradient(f) }
}
fn all() -> impl Iterator<Item = &'static Mutant> {
    rates::MUTANTS.iter().chain(blocks::MUTANTS)
}

/// Random instances of a mutant.
const INSTANCES: usize = 12;

impl Mutant {
    fn entry(&self) -> &'static dyn Entry {
        find(self.op).unwrap()
    }
    /// `(number, case)`: the paper's form, smallest first, under several seeds.
    fn cases(&self) -> Vec<(String, Case)> {
        let mut out = Vec::new();
        for seed in 1..60u64 {
            for index in 1..14 {
                if out.len() == INSTANCES {
                    return out;
                }
                let mut case = generated_case(self.entry(), index, seed).unwrap();
                if self.cause.starts_with("transposed-input w") {
                    case = squared(case);
                }
                if case.preset.is_none() && self.claim(&case).is_some() {
                    out.push((format!("{index} of seed {seed}"), case));
                }
            }
        }
        out
    }
    fn claim(&self, case: &Case) -> Option<Claim> {
        match self.form {
            Form::Value(f) => {
                let outputs = f(&Given::new(self.entry(), case))?;
                let finite = outputs.reals().all(|(_, t)| t.data.iter().all(|x| x.is_finite()));
                finite.then(|| Claim::of_outputs(case.clone(), outputs))
            }
            Form::Gradient(f) => {
                let cotangents = cotangents(self.entry(), case)?;
                let right = inputs_only(self.entry().vjp_in(Number::F64, case, &cotangents).ok()?, case);
                let gradients = f(&Given::new(self.entry(), case), &right);
                Some(Claim::of_outputs(case.clone(), Values::new()).with_gradients(cotangents, gradients))
            }
        }
    }
}
/// The generator never makes a weight square.
fn squared(case: Case) -> Case {
    let (x, w) = (case.inputs.matrix("x").unwrap(), case.inputs.matrix("w").unwrap());
    let mut case = case.input("w", Matrix::from_fn(x.cols(), x.cols(), |i, j| w[(i % w.rows(), j)] + Ball::exact((i / w.rows()) as f64)));
    case.inputs.remove("b");
    case
}
fn inputs_only(g: Values<Ball>, case: &Case) -> Values<Ball> {
    g.iter().filter(|(n, _)| case.inputs.get(n).is_some()).map(|(n, v)| (n.to_string(), v.clone())).collect()
}
fn cotangents(entry: &dyn Entry, case: &Case) -> Option<Values<Ball>> {
    let mut rng = Rng::stream(3, entry.spec().name);
    let y = entry.eval_in(Number::F64, case).ok()?;
    Some(y.reals().map(|(n, t)| (n.to_string(), Value::Real(t.map(|_| Ball::exact(on_grid(rng.gaussian())))))).collect())
}

/// A mutant as something that laws judge.
struct Stranger<'a>(&'a Mutant);
impl Implementation for Stranger<'_> {
    fn eval(&self, case: &Case) -> Result<Values<Ball>> {
        match self.0.form {
            Form::Value(f) => f(&Given::new(self.0.entry(), case)).ok_or_else(|| Error::unsupported("mutant", "another case", "this one")),
            Form::Gradient(_) => self.0.entry().eval_in(Number::F64, case),
        }
    }
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        match self.0.form {
            Form::Value(_) => Err(Error::unsupported("mutant", "values", "gradients")),
            Form::Gradient(f) => {
                let right = inputs_only(self.0.entry().vjp_in(Number::F64, case, cotangents)?, case);
                Ok(f(&Given::new(self.0.entry(), case), &right))
            }
        }
    }
}

fn largest(values: &Values<Ball>) -> f64 {
    values.reals().flat_map(|(_, t)| t.data.iter()).fold(0.0, |m: f64, x| m.max(x.mid().hi().abs()))
}
/// The name of a law that a mutant breaks on a case by more than an f64 implementation may.
fn broken_law(m: &Mutant, case: &Case) -> Option<String> {
    let scale = largest(&tolerance::output_scale(m.entry(), case).ok()?);
    // A law evaluates the operator a few times and combines the results: a thousand roundings of the largest scale, not one.
    let allowed = |size: f64| 1024.0 * f64::UNIT_ROUNDOFF * (scale + size);
    m.entry().laws().into_iter().find_map(|law| match law.violation(&Stranger(m), case) {
        Ok(Some(v)) if v.excess > allowed(v.scale) => Some(law.name.to_string()),
        _ => None,
    })
}
fn inner(a: &Values<Ball>, b: &Values<Ball>) -> f64 {
    a.reals()
        .filter_map(|(n, x)| Some(x.data.iter().zip(&b.real(n).ok()?.data).map(|(x, y)| x.mid().hi() * y.mid().hi()).sum::<f64>()))
        .sum()
}
/// Does the slope of a value by central differences contradict the certified gradient; does a gradient contradict dual numbers?
fn fails_gradient_check(m: &Mutant, case: &Case) -> bool {
    let run = || -> Option<bool> {
        let entry = m.entry();
        let mut rng = Rng::stream(5, m.op);
        let t = tolerance::tangents(case, |_| on_grid(rng.gaussian()));
        let claim = m.claim(case)?;
        let known: Values<Ball> = match m.form {
            Form::Value(f) => {
                let y = claim.outputs.reals().map(|(n, x)| (n.to_string(), Value::Real(x.map(|_| Ball::exact(on_grid(rng.gaussian()))))));
                let y: Values<Ball> = y.collect();
                // The real parameters move with the inputs.
                let slopes = entry.vjp_in(Number::Double, case, &y).ok()?;
                let moving: Vec<(String, f64)> =
                    slopes.names().filter_map(|n| case.number(n).map(|x| (n.to_string(), 0.25 * x))).filter(|(_, t)| *t != 0.0).collect();
                let at = |h: f64| {
                    let moved = moving.iter().fold(tolerance::moved(case, &t, h), |c, (n, t)| {
                        let x = c.number(n).unwrap_or(0.0);
                        c.set(n, x + h * t)
                    });
                    Some(inner(&y, &f(&Given::new(entry, &moved))?))
                };
                let slope = |h: f64| Some((at(h)? - at(-h)?) / (2.0 * h));
                let h = 2f64.powi(-15);
                let (coarse, fine) = (slope(h)?, slope(0.5 * h)?);
                let by_parameters = moving.iter().filter_map(|(n, t)| Some(slopes.scalar(n).ok()?.mid().hi() * t)).sum::<f64>();
                let gradient = inner(&slopes, &t) + by_parameters;
                let size = largest(&tolerance::output_scale(entry, case).ok()?) * largest(&y);
                let noise = 64.0 * f64::UNIT_ROUNDOFF * size / h;
                return Some((fine - gradient).abs() > 4.0 * (coarse - fine).abs() + noise);
            }
            Form::Gradient(_) => claim.gradients,
        };
        let forward = inner(&claim.cotangents, &entry.jvp(case, &t).ok()?);
        let size = largest(&tolerance::gradient_scale(entry, case, &claim.cotangents).ok()?) * largest(&t);
        Some((inner(&known, &t) - forward).abs() > 1024.0 * f64::UNIT_ROUNDOFF * (size + forward.abs()))
    };
    run() == Some(true)
}

/// What became of a mutant.
struct Fate {
    mutant: &'static Mutant,
    instances: usize,
    /// The first case on which `check` says that it differs.
    case: Option<String>,
    /// Instances on which it differs.
    differs: usize,
    /// Of those, with the true cause in the returned set.
    named: usize,
    sizes: Vec<usize>,
    law: Option<String>,
    gradient: bool,
    /// The names that were given where the true one was not.
    missed: Vec<String>,
}

fn parts(name: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = name.split(" + ").collect();
    parts.sort_unstable();
    parts
}

fn fates() -> &'static [Fate] {
    static FATES: OnceLock<Vec<Fate>> = OnceLock::new();
    FATES.get_or_init(|| {
        let work: Vec<&'static Mutant> = all().collect();
        let half = work.len().div_ceil(2);
        std::thread::scope(|s| {
            let other = s.spawn(|| work[half..].iter().map(|m| fate(m)).collect::<Vec<_>>());
            let mut first: Vec<Fate> = work[..half].iter().map(|m| fate(m)).collect();
            first.extend(other.join().expect("the other half ran"));
            first
        })
    })
}
fn fate(mutant: &'static Mutant) -> Fate {
    let cases = mutant.cases();
    let mut fate = Fate {
        mutant,
        instances: cases.len(),
        case: None,
        differs: 0,
        named: 0,
        sizes: vec![],
        law: None,
        gradient: false,
        missed: vec![],
    };
    for (number, case) in &cases {
        if fate.law.is_none() {
            fate.law = broken_law(mutant, case);
        }
        if !fate.gradient {
            fate.gradient = fails_gradient_check(mutant, case);
        }
        let verdict = check(mutant.entry(), &mutant.claim(case).unwrap()).unwrap();
        if verdict.code() != 1 {
            continue;
        }
        fate.case.get_or_insert_with(|| number.clone());
        fate.differs += 1;
        if verdict.because.iter().any(|e| parts(&e.name()) == parts(mutant.cause)) {
            fate.named += 1;
            fate.sizes.push(verdict.because.len());
        } else {
            let names: Vec<String> = verdict.because.iter().map(|e| e.name()).collect();
            fate.missed.push(format!("{number}: {}", if names.is_empty() { "nothing".into() } else { names.join(" | ") }));
        }
    }
    fate
}
fn wrong() -> impl Iterator<Item = &'static Fate> {
    fates().iter().filter(|f| !f.mutant.cause.is_empty())
}

#[test]
fn what_is_right_agrees_and_breaks_no_law() {
    for f in fates().iter().filter(|f| f.mutant.cause.is_empty()) {
        assert!(f.instances >= 5 && f.differs == 0, "{}: {} of {}: {:?}", f.mutant.op, f.differs, f.instances, f.missed);
        assert!(f.law.is_none() && !f.gradient, "{}: {:?}, gradient {}", f.mutant.op, f.law, f.gradient);
    }
}

#[test]
fn every_mutant_is_killed_by_a_case_and_by_a_law_or_a_gradient() {
    assert!(wrong().count() >= 60);
    let mut left = Vec::new();
    for f in wrong() {
        let m = f.mutant;
        if f.case.is_none() {
            left.push(format!("{} {}: no case tells it from the truth ({} tried)", m.op, m.cause, f.instances));
        }
        if f.law.is_none() && !f.gradient {
            left.push(format!("{} {}: breaks no law and no gradient check ({} tried)", m.op, m.cause, f.instances));
        }
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn the_true_cause_is_named() {
    let (differs, named): (usize, usize) = wrong().fold((0, 0), |(d, n), f| (d + f.differs, n + f.named));
    let mut sizes: Vec<usize> = wrong().flat_map(|f| f.sizes.iter().copied()).collect();
    sizes.sort_unstable();
    let missed: Vec<String> = wrong()
        .filter(|f| !f.missed.is_empty())
        .map(|f| format!("{} {} ({} of {}): {}", f.mutant.op, f.mutant.cause, f.named, f.differs, f.missed.join("; ")))
        .collect();
    println!("{named} of {differs} instances named; sizes of the set {sizes:?}\n{}", missed.join("\n"));
    assert!(named * 100 >= differs * 95, "{named} of {differs}\n{}", missed.join("\n"));
    assert_eq!(sizes[sizes.len() / 2], 1, "the median size of the set");
    // Most mutants by far are named on every instance; each is on some.
    assert!(wrong().all(|f| f.differs == 0 || f.named > 0), "{}", missed.join("\n"));
}

/// The table of `docs/mutants.md`.
fn table() -> String {
    let (differs, named): (usize, usize) = wrong().fold((0, 0), |(d, n), f| (d + f.differs, n + f.named));
    let mut out = String::from(
        "# Mutants\n\nWrong variants of the operators, written out in plain f64 in `tests/mutants`. Each is told from the truth by a generated case, and breaks a law or contradicts the certified\n\
         gradient; the last column is how often `white-box check` names the true cause, over the instances on which it shows. Written by `UPDATE=1 cargo test --test mutants`.\n\n",
    );
    let _ = writeln!(
        out,
        "{} mutants, {differs} instances that differ, the true cause among those returned on {named} of them.\n",
        wrong().count()
    );
    out.push_str("| operator | mutant | killed by case | and by | named as | named |\n|---|---|---|---|---|---|\n");
    for f in wrong() {
        let by = f.law.as_ref().map(|l| format!("law `{l}`")).into_iter().chain(f.gradient.then(|| "gradient check".to_string()));
        let by: Vec<String> = by.collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | `{}` | {}/{} |",
            f.mutant.op,
            f.mutant.says,
            f.case.as_deref().unwrap_or("none"),
            if by.is_empty() { "none".into() } else { by.join(", ") },
            f.mutant.cause,
            f.named,
            f.differs
        );
    }
    out
}

#[test]
fn the_table_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mutants.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, table()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == table(), "docs/mutants.md is out of date: UPDATE=1 cargo test --test mutants");
}
