//! The catalog as a whole: every entry is complete and verifies, and `verify` can fail.

use white_box::Result;
use white_box::linalg::Matrix;
use white_box::oracle::{
    Args, CATALOG, Case, Closed, Entry, Law, Number, Operator, Port, Sides, Spec, Tensor, Value, Values, find, verify,
};
use white_box::scalar::{Ball, Scalar};

#[test]
fn every_operator_verifies() {
    let failures: Vec<String> =
        CATALOG.iter().flat_map(|e| verify(*e, 8, 7).failures.into_iter().map(|f| format!("{}: {f}", e.spec().name))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A tolerance more than 64 times what is ever needed would let a wrong digit pass.
#[test]
fn no_tolerance_is_loose() {
    for entry in CATALOG {
        let report = verify(*entry, 12, 1);
        assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
        for (what, used) in [("outputs", report.used), ("gradients", report.gradient_used)] {
            assert!(used == 0.0 || used > 1.0 / 64.0, "{}: {what} use {used} of what is allowed: lower the factor", report.name);
        }
    }
}

#[test]
fn every_entry_is_complete() {
    let mut names: Vec<&str> = CATALOG.iter().map(|e| e.spec().name).collect();
    for entry in CATALOG {
        let spec = entry.spec();
        let texts = [
            ("room", spec.room),
            ("purpose", spec.purpose),
            ("definition", spec.definition),
            ("source", spec.source),
            ("couples", spec.couples),
            ("cost", spec.cost),
        ];
        for (what, text) in texts {
            assert!(!text.is_empty(), "{}: no {what}", spec.name);
        }
        assert!(!spec.inputs.is_empty() && !spec.outputs.is_empty(), "{}: no ports", spec.name);
        assert!(!spec.divergences.is_empty(), "{}: nobody differs?", spec.name);
        assert!(!entry.closed_forms().is_empty(), "{}: no closed form", spec.name);
        assert!(!entry.laws().is_empty(), "{}: no laws", spec.name);
        for law in entry.laws() {
            assert!(law.name.strip_prefix(spec.name).is_some_and(|rest| rest.starts_with('/')), "{} is not {}/…", law.name, spec.name);
        }
        let kebab = |s: &str| s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(spec.presets.iter().all(|p| kebab(p.name) && !p.doc.is_empty()), "{}: presets are kebab-case and documented", spec.name);
        for param in spec.params {
            assert!(param.default.is_some() || !param.samples.is_empty(), "{}: {} has neither default nor samples", spec.name, param.name);
        }
    }
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "names are unique");
}

/// Half the squared norm, broken in one of four ways: an f64 digit, the gradient, a law, a closed form.
macro_rules! energy {
    ($type:ident, $value:expr, $factor:expr, $law:expr, $known:expr) => {
        struct $type;
        impl Operator for $type {
            const SPEC: Spec = Spec { name: "energy", inputs: &[Port::real("z", "d", "")], ..Spec::BLANK };
            fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
                let z = x.vector("z")?;
                let value = S::dot(z, z) * S::from_f64(0.5);
                Ok(Values::new().with("value", if S::NAME == "f64" { value * S::from_f64($value) } else { value }))
            }
            fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
                let c = y.scalar("value")? * S::from_f64($factor);
                Ok(Values::new().with("z", x.vector("z")?.iter().map(|&z| z * c).collect::<Vec<_>>()))
            }
            fn laws() -> Vec<Law> {
                vec![Law::equal("energy/scale", "energy(2z) = 4 energy(z)", |f, case| {
                    let twice = case.inputs.map(|x| x * Ball::exact(2.0));
                    let (left, right) = (f.eval(&Case::new(twice))?.scalar("value")?, f.eval(case)?.scalar("value")?);
                    Ok(Some(Sides::of(left, right * Ball::exact($law))))
                })]
            }
            fn closed_forms() -> Vec<Closed> {
                let z = Values::new().with("z", vec![Ball::exact(3.0), Ball::exact(4.0)]);
                vec![Closed::new("3, 4", Case::new(z), Values::new().with("value", Ball::exact($known)))]
            }
        }
    };
}
energy!(Right, 1.0, 1.0, 4.0, 12.5);
energy!(WrongDigit, 1.0 + 1e-12, 1.0, 4.0, 12.5);
energy!(WrongGradient, 1.0, 2.0, 4.0, 12.5);
energy!(WrongLaw, 1.0, 1.0, 4.0000001, 12.5);
energy!(WrongKnown, 1.0, 1.0, 4.0, 12.500000001);

#[test]
fn verify_can_fail() {
    let says = |entry: &dyn Entry, what: &str| {
        let failures = verify(entry, 6, 1).failures;
        assert!(failures.iter().any(|f| f.contains(what)), "expected a failure that names {what}, found {failures:?}");
    };
    assert_eq!(verify(&Right, 6, 1).failures, Vec::<String>::new());
    says(&WrongDigit, "f64 outputs");
    says(&WrongGradient, "dual numbers");
    says(&WrongLaw, "energy/scale");
    says(&WrongKnown, "closed form");
}

fn real(shape: &[usize], data: &[f64]) -> Value<Ball> {
    Value::Real(Tensor::new(shape.to_vec(), data.iter().map(|&x| Ball::exact(x)).collect()).unwrap())
}
fn numbers(values: &Values<Ball>, name: &str) -> Vec<f64> {
    values.real(name).unwrap().data.iter().map(|x| x.mid().hi()).collect()
}

#[test]
fn leading_axes_are_looped_over_and_shared_gradients_summed() {
    let linear = find("linear").unwrap();
    let (x, w) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, -1.0]);
    let batch = Case::new(Values::new().with("x", real(&[2, 2, 2], &x)).with("w", real(&[1, 2], &w)));
    let out = linear.eval_in(Number::F64, &batch).unwrap();
    assert_eq!(out.real("y").unwrap().shape, [2, 2, 1]);
    assert_eq!(numbers(&out, "y"), [-1.0; 4]);
    let cot = Values::new().with("y", real(&[2, 2, 1], &[1.0, 10.0, 100.0, 1000.0]));
    let g = linear.vjp_in(Number::F64, &batch, &cot).unwrap();
    assert_eq!(g.real("x").unwrap().shape, [2, 2, 2]);
    assert_eq!(numbers(&g, "w"), [1.0 + 30.0 + 500.0 + 7000.0, 2.0 + 40.0 + 600.0 + 8000.0], "the shared weight's gradient is the sum");
    let uneven = Case::new(Values::new().with("x", real(&[2, 2, 2], &x)).with("w", real(&[4, 1, 2], &x)));
    assert_eq!(linear.eval_in(Number::F64, &uneven).unwrap_err().kind(), "shape");
}

#[test]
fn errors_name_what_is_legal() {
    let rate = find("coding_rate").unwrap();
    let z = || Values::new().with("z", Matrix::<Ball>::from_rows(&[[1.0, 0.0], [0.0, 2.0]]));
    let fails = |case: Case, kind: &str, words: &str| {
        let e = rate.eval_in(Number::F64, &case).unwrap_err();
        assert!(e.kind() == kind && e.to_string().contains(words), "{}: {e}", e.kind());
    };
    fails(Case::new(z()), "usage", "eps");
    fails(Case::new(z()).set("eps", 0.5).set("eps2", 0.25), "usage", "both");
    fails(Case::new(z()).set("eps", 0.5).preset("mcr2-repo"), "usage", "the official eps=0.5 is our eps2=0.5");
    fails(Case::new(z()).set("eps", 0.5).preset("mcr2"), "usage", "mcr2-repo");
    fails(Case::new(z()).set("epsilon", 0.5), "usage", "eps, eps2");
    fails(Case::new(Values::new()).set("eps", 0.5), "usage", "`z`");
    fails(Case::new(Values::new().with("z", vec![Ball::ONE])).set("eps", 0.5), "shape", "n × d");
    assert!(find("coding_rat").err().unwrap().to_string().contains("coding_rate"));
    let official = rate.eval_in(Number::F64, &Case::new(z()).set("eps2", 0.25).preset("mcr2-repo")).unwrap();
    assert_eq!(numbers(&official, "value"), [2.2213256282451583]);
}
