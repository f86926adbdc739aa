//! The law suite: what must hold of *your* implementation of an operator, on cases that grow from the smallest legal one.
//!
//! Ten lines make a test of it. The closure gets a question (inputs as `f64`, row-major, and parameters) and returns its answer:
//!
//! ```
//! use white_box::laws::{Answer, Function, Suite};
//!
//! // ½ log det(I + α ZᵀZ) by Gaussian elimination on E, the smaller of α ZᵀZ and α ZZᵀ: the larger one has the same determinant and loses digits. The 1
//! // of I + E is added to a pivot only inside ln_1p, so that a small E keeps its own.
//! fn my_rate(n: usize, d: usize, z: &[f64], eps: f64) -> f64 {
//!     let (alpha, m) = (d as f64 / (n as f64 * eps * eps), n.min(d));
//!     let (row, col) = if n < d { (d, 1) } else { (1, d) };
//!     let gram = |i: usize, j: usize| (0..n.max(d)).map(|k| z[i * row + k * col] * z[j * row + k * col]).sum::<f64>();
//!     let mut e: Vec<f64> = (0..m * m).map(|k| alpha * gram(k / m, k % m)).collect();
//!     let mut log_det = 0.0;
//!     for p in 0..m {
//!         log_det += e[p * m + p].ln_1p();
//!         for i in p + 1..m {
//!             let f = e[i * m + p] / (1.0 + e[p * m + p]);
//!             (p + 1..m).for_each(|j| e[i * m + j] -= f * e[p * m + j]);
//!         }
//!     }
//!     0.5 * log_det
//! }
//!
//! let mine = Function::new(|x| {
//!     let (n, d, z) = x.matrix("z")?;
//!     Ok(Answer::new().number("value", my_rate(n, d, &z, x.eps()?)))
//! });
//! let checked = Suite::of("coding_rate")?.run(&mine, 20, 1).expect("every law holds");
//! assert!(checked > 100);
//!
//! // The same without the ½: the first law that breaks is named, with the smallest case on which it does.
//! let wrong = Function::new(|x| {
//!     let (n, d, z) = x.matrix("z")?;
//!     Ok(Answer::new().number("value", 2.0 * my_rate(n, d, &z, x.eps()?)))
//! });
//! let broken = Suite::of("coding_rate")?.run(&wrong, 20, 1).unwrap_err();
//! assert_eq!(broken.law, "coding_rate/value");
//! # Ok::<(), white_box::Error>(())
//! ```
//!
//! With proptest the size and the seed are the strategy, and a failure shrinks towards the smallest legal case:
//!
//! ```
//! use proptest::prelude::*;
//! use white_box::laws::{Answer, Function, Suite};
//!
//! proptest! {
//!     fn my_softmax_obeys_the_laws(size in 0usize..20, seed in any::<u64>()) {
//!         let mine = Function::new(|x| {
//!             let (n, m, data) = x.matrix("x")?;
//!             let mut y: Vec<f64> = Vec::new();
//!             for row in data.chunks(m.max(1)) {
//!                 let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
//!                 let e: Vec<f64> = row.iter().map(|v| (v - top).exp()).collect();
//!                 let sum: f64 = e.iter().sum();
//!                 y.extend(e.iter().map(|v| v / sum));
//!             }
//!             Ok(Answer::new().array("y", &[n, m], y))
//!         });
//!         let suite = Suite::of("softmax").unwrap();
//!         let case = suite.case(size, seed).unwrap();
//!         prop_assert!(suite.check(&mine, &case).map_err(|e| TestCaseError::fail(e.to_string()))? > 0);
//!     }
//! }
//! # my_softmax_obeys_the_laws();
//! ```
//!
//! or your own strategy makes the inputs, for instance small integers, which shrink to readable matrices:
//! `prop::collection::vec(-4i32..=4, n * d)` mapped into [`Case::new`].
//!
//! **What is checked.** First the value, and the gradient if there is one, against the certified truth; then each law of the catalog. The results come as points, so that
//! each is widened by the error that its arithmetic may make ([`tolerance`](super::tolerance)) and the law is evaluated in balls: a law is broken when no numbers within the
//! allowed errors satisfy it.

use super::case::Case;
use super::check::Dtype;
use super::entry::{Entry, Number};
use super::law::{Implementation, Law};
use super::tolerance::{gradient_scale, output_scale};
use super::value::{Tensor, Value, Values};
use super::verify::Certified;
use super::{find, generate};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};
use std::fmt;

/// A question to your function.
#[derive(Debug)]
pub struct Question<'a>(&'a Case);

impl Question<'_> {
    /// Rows, columns and elements of an input; one number and one axis count as one row.
    pub fn matrix(&self, name: &str) -> Result<(usize, usize, Vec<f64>)> {
        let m = self.0.inputs.matrix(name)?;
        Ok((m.rows(), m.cols(), m.data().iter().map(|x| x.mid().hi()).collect()))
    }
    /// The axes and elements of an input.
    pub fn array(&self, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
        let t = self.0.inputs.real(name)?;
        Ok((t.shape.clone(), t.data.iter().map(|x| x.mid().hi()).collect()))
    }
    /// The integers of a label input.
    pub fn labels(&self, name: &str) -> Result<Vec<usize>> {
        Ok(self.0.inputs.int(name)?.data.iter().map(|&i| i as usize).collect())
    }
    /// Was this optional input given?
    pub fn has(&self, name: &str) -> bool {
        self.0.inputs.get(name).is_some()
    }
    /// A parameter that is a number; `None` if its default is meant.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.number(name)
    }
    /// A parameter that is a word; `None` if its default is meant.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.0.params.iter().find_map(|(n, s)| match s {
            super::case::Setting::Word(w) if n == name => Some(w.as_str()),
            _ => None,
        })
    }
    /// ε, a length, however the distortion was given.
    pub fn eps(&self) -> Result<f64> {
        Ok(match self.0.distortion(false)? {
            ("eps", x) => x,
            (_, x) => Scalar::sqrt(x),
        })
    }
    /// ε², however the distortion was given.
    pub fn eps2(&self) -> Result<f64> {
        Ok(match self.0.distortion(false)? {
            ("eps", x) => x * x,
            (_, x) => x,
        })
    }
    /// The preset; `paper` unless the case says otherwise.
    pub fn preset(&self) -> &str {
        self.0.preset.as_deref().unwrap_or("paper")
    }
}

/// Named results of your function.
#[derive(Clone, Debug, Default)]
pub struct Answer(Values<Ball>, Option<Error>);

impl Answer {
    /// Nothing yet.
    pub fn new() -> Answer {
        Answer::default()
    }
    /// With one number.
    pub fn number(self, name: &str, x: f64) -> Answer {
        self.array(name, &[], vec![x])
    }
    /// With an array, row-major.
    pub fn array(mut self, name: &str, shape: &[usize], data: Vec<f64>) -> Answer {
        match Tensor::new(shape.to_vec(), data.into_iter().map(Ball::exact).collect()) {
            Ok(t) => self.0.set(name, t),
            Err(e) => self.1 = Some(e.within(name)),
        }
        self
    }
    /// With integers.
    pub fn integers(mut self, name: &str, shape: &[usize], data: Vec<i64>) -> Answer {
        match Tensor::new(shape.to_vec(), data) {
            Ok(t) => self.0.set(name, t),
            Err(e) => self.1 = Some(e.within(name)),
        }
        self
    }
    fn values(self) -> Result<Values<Ball>> {
        self.1.map_or(Ok(self.0), Err)
    }
}

type Eval<'a> = Box<dyn Fn(&Question) -> Result<Answer> + 'a>;
type Vjp<'a> = Box<dyn Fn(&Question, &Answer) -> Result<Answer> + 'a>;

/// Closures as an implementation.
pub struct Function<'a> {
    eval: Eval<'a>,
    vjp: Option<Vjp<'a>>,
}

impl<'a> Function<'a> {
    /// Outputs only.
    pub fn new(eval: impl Fn(&Question) -> Result<Answer> + 'a) -> Function<'a> {
        Function { eval: Box::new(eval), vjp: None }
    }
    /// With gradients: the second argument holds the cotangents by output name, see [`Answer::get`].
    pub fn with_vjp(mut self, vjp: impl Fn(&Question, &Answer) -> Result<Answer> + 'a) -> Function<'a> {
        self.vjp = Some(Box::new(vjp));
        self
    }
}

impl Answer {
    /// Axes and elements of the reals of that name.
    pub fn get(&self, name: &str) -> Option<(Vec<usize>, Vec<f64>)> {
        self.0.real(name).ok().map(|t| (t.shape.clone(), t.data.iter().map(|x| x.mid().hi()).collect()))
    }
}

impl Implementation for Function<'_> {
    fn eval(&self, case: &Case) -> Result<Values<Ball>> {
        (self.eval)(&Question(case))?.values()
    }
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        match &self.vjp {
            Some(vjp) => vjp(&Question(case), &Answer(cotangents.clone(), None))?.values(),
            None => Err(Error::unsupported("vjp", "a gradient", "none")),
        }
    }
}

/// The laws of one operator, to be held against an implementation.
#[derive(Clone, Copy)]
pub struct Suite {
    entry: &'static dyn Entry,
    dtype: Dtype,
    preset: Option<usize>,
}

/// A law that an implementation breaks.
#[derive(Clone, Debug)]
pub struct Broken {
    /// `operator/law`; `operator/value` and `operator/gradient` for the certified truth itself.
    pub law: String,
    /// What should hold.
    pub statement: String,
    /// What was found.
    pub found: String,
    /// The case.
    pub case: Box<Case>,
    /// Size and seed of [`Suite::case`], where it made the case.
    pub made_by: Option<(usize, u64)>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}; {}", self.law, self.statement, self.found)?;
        if let Some((size, seed)) = self.made_by {
            write!(f, "; Suite::case({size}, {seed})")?;
        }
        match super::exchange::case_to_json(&self.case) {
            Ok(json) => write!(f, "; {json}"),
            Err(_) => Ok(()),
        }
    }
}
impl std::error::Error for Broken {}

/// The seed of the cotangents.
const COTANGENTS: &str = "cotangents";

impl Suite {
    /// The suite of an operator, for f64 and the paper's form. Errors: `Usage`, with the names that come closest.
    pub fn of(operator: &str) -> Result<Suite> {
        Ok(Suite::new(find(operator)?))
    }
    /// The suite of a catalog entry.
    pub fn new(entry: &'static dyn Entry) -> Suite {
        Suite { entry, dtype: Dtype::F64, preset: None }
    }
    /// For an implementation in another arithmetic: f64, f32, tf32, f16, bf16.
    pub fn arithmetic(self, name: &str) -> Result<Suite> {
        Ok(Suite { dtype: Dtype::parse(name)?, ..self })
    }
    /// For one of the other forms. Errors: `Usage` with the legal names.
    pub fn preset(self, name: &str) -> Result<Suite> {
        let spec = self.entry.spec();
        if name == "paper" {
            return Ok(Suite { preset: None, ..self });
        }
        Case::new(Values::new()).preset(name).check(spec).or_else(|e| if e.fault().at == "preset" { Err(e) } else { Ok(()) })?;
        Ok(Suite { preset: spec.presets.iter().position(|p| p.name == name), ..self })
    }
    /// The laws, in the order in which they are checked.
    pub fn laws(&self) -> Vec<Law> {
        self.entry.laws()
    }
    /// A legal case: size 0 is the smallest, later ones grow to a dozen along each axis; the inputs are exact in every arithmetic.
    pub fn case(&self, size: usize, seed: u64) -> Result<Case> {
        let forms = self.entry.spec().presets.len();
        let size = size.min(1 << 20);
        generate::case(self.entry, self.preset.map_or(2 * size, |at| 2 * (at + size * forms) + 1), seed)
    }
    /// Runs `cases` cases, smallest first, and returns how many values, gradients and laws were checked. Errors: the first that fails.
    pub fn run(&self, mine: &dyn Implementation, cases: usize, seed: u64) -> std::result::Result<usize, Broken> {
        let mut checked = 0;
        for size in 0..cases {
            let made = |mut broken: Broken| {
                broken.made_by = Some((size, seed));
                broken
            };
            let case = self.case(size, seed).map_err(|e| made(self.fault("case", "a legal case", &e, &Case::default())))?;
            checked += self.check(mine, &case).map_err(made)?;
        }
        Ok(checked)
    }
    /// Holds the value, the gradient and every law against one case; returns how many said something. A gradient or a form that the implementation calls
    /// `Unsupported` is passed over. Errors: the first that fails.
    pub fn check(&self, mine: &dyn Implementation, case: &Case) -> std::result::Result<usize, Broken> {
        let name = self.entry.spec().name;
        let judged = Widened { suite: self, mine };
        let certified = Certified(self.entry);
        let mut checked = self.truth(&format!("{name}/value"), case, judged.eval(case), || certified.eval(case))?;
        if self.entry.spec().differentiable {
            let mut rng = crate::random::Rng::stream(case.inputs.iter().count() as u64, COTANGENTS);
            let cotangents: Values<Ball> = match certified.eval(case) {
                Ok(outputs) => outputs
                    .reals()
                    .map(|(name, t)| (name.to_string(), Value::Real(t.map(|_| Ball::exact(generate::on_grid(rng.gaussian()))))))
                    .collect(),
                Err(_) => Values::new(),
            };
            if !cotangents.is_empty() {
                let (found, truth) = (judged.vjp(case, &cotangents), || certified.vjp(case, &cotangents));
                checked += self.truth(&format!("{name}/gradient"), case, found, truth)?;
            }
        }
        for law in self.entry.laws() {
            match law.violation(&judged, case) {
                Ok(None) | Err(Error::Undecided(_) | Error::Unsupported(_)) => {}
                Ok(Some(v)) if v.excess == 0.0 => checked += 1,
                Ok(Some(v)) => {
                    let found = format!("element {} is off by {:.3e} beyond what {} may err", v.at, v.excess, self.dtype.name());
                    return Err(Broken {
                        law: law.name.into(),
                        statement: law.statement.into(),
                        found,
                        case: Box::new(case.clone()),
                        made_by: None,
                    });
                }
                Err(e) => return Err(self.fault(law.name, law.statement, &e, case)),
            }
        }
        Ok(checked)
    }

    fn fault(&self, law: &str, statement: &str, e: &Error, case: &Case) -> Broken {
        Broken { law: law.into(), statement: statement.into(), found: e.to_string(), case: Box::new(case.clone()), made_by: None }
    }

    /// Every element that was answered overlaps the enclosure of the truth.
    fn truth(
        &self,
        law: &str,
        case: &Case,
        found: Result<Values<Ball>>,
        truth: impl FnOnce() -> Result<Values<Ball>>,
    ) -> std::result::Result<usize, Broken> {
        let statement = "the certified truth, within the allowed error";
        let truth = match truth() {
            Err(Error::Undecided(_)) => return Ok(0),
            other => other.map_err(|e| self.fault(law, "a legal case", &e, case))?,
        };
        let found = match found {
            Err(Error::Unsupported(_)) => return Ok(0),
            other => other.map_err(|e| self.fault(law, statement, &e, case))?,
        };
        let broken =
            |found: String| Broken { law: law.into(), statement: statement.into(), found, case: Box::new(case.clone()), made_by: None };
        if found.is_empty() {
            return Err(broken("no result at all".into()));
        }
        for (name, mine) in found.iter() {
            let Some(truth) = truth.get(name) else {
                return Err(broken(format!("a result `{}` that the operator does not have", name.escape_default())));
            };
            if mine.shape() != truth.shape() {
                return Err(broken(format!("{name}: (shapes {:?}, {:?} mismatch)", mine.shape(), truth.shape())));
            }
            let real = |v: &Value<Ball>| match v {
                Value::Real(t) => t.data.clone(),
                Value::Int(t) => t.data.iter().map(|&i| Ball::exact(i as f64)).collect(),
            };
            let (mine, known) = (real(mine), real(truth));
            if let Some(k) = (0..known.len()).find(|&k| !mine[k].overlaps(&known[k])) {
                return Err(broken(format!(
                    "{name}[{k}] is {} where the truth is {} and the allowed error {:.3e}",
                    mine[k].mid().hi(),
                    known[k].to_text(),
                    mine[k].rad()
                )));
            }
        }
        Ok(1)
    }
}

/// An implementation whose points are widened by the error its arithmetic may make.
struct Widened<'a> {
    suite: &'a Suite,
    mine: &'a dyn Implementation,
}

impl Widened<'_> {
    /// The case as points: laws may turn inputs by angles that no f64 holds.
    fn points(&self, case: &Case) -> Case {
        let mut points = case.clone();
        points.inputs = case.inputs.map(|x| Ball::exact(x.mid().hi()));
        points
    }
    fn widen(&self, found: Values<Ball>, scale: &Values<Ball>, factor: f64, case: &Case) -> Result<Values<Ball>> {
        let dtype = self.suite.dtype;
        let unit = factor * dtype.unit(super::tolerance::chain(case));
        found
            .iter()
            .map(|(name, value)| {
                let Value::Real(t) = value else { return Ok((name.to_string(), value.clone())) };
                if let Some(k) = t.data.iter().position(|x| !x.is_finite()) {
                    return Err(Error::not_finite(format!("{name}[{k}]"), "a finite number", t.data[k].mid().hi().to_string()));
                }
                let scale = scale.real(name).ok().filter(|s| s.shape == t.shape);
                let error = |k: usize| scale.map_or(0.0, |s| unit * s.data[k].magnitude()) + dtype.underflow();
                let data = t.data.iter().enumerate().map(|(k, x)| x.widen(error(k))).collect();
                Ok((name.to_string(), Value::Real(Tensor { shape: t.shape.clone(), data })))
            })
            .collect()
    }
}

impl Implementation for Widened<'_> {
    fn eval(&self, case: &Case) -> Result<Values<Ball>> {
        let (entry, case) = (self.suite.entry, self.points(case));
        let found = self.mine.eval(&case)?;
        self.widen(found, &output_scale(entry, &case)?, entry.spec().tolerance.value, &case)
    }
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        let (entry, case) = (self.suite.entry, self.points(case));
        let cotangents = cotangents.map(|x| Ball::exact(x.mid().hi()));
        let found = self.mine.vjp(&case, &cotangents)?;
        self.widen(found, &gradient_scale(entry, &case, &cotangents)?, entry.spec().tolerance.gradient, &case)
    }
}

/// This crate's own results in one number type, as a stranger's: points without a proof.
pub struct InNumber(pub &'static dyn Entry, pub Number);

impl Implementation for InNumber {
    fn eval(&self, case: &Case) -> Result<Values<Ball>> {
        self.0.eval_in(self.1, case)
    }
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        if self.0.spec().differentiable {
            self.0.vjp_in(self.1, case, cotangents)
        } else {
            Err(Error::unsupported("vjp", "a gradient", "none"))
        }
    }
}
