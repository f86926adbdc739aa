//! Someone's program against the catalog: it speaks the line protocol as a server, and every answer is checked.
//!
//! The candidate says in its `hello` what it can do; only that is asked. Cases come smallest first, so that the first failure is a small one. A
//! timeout or a crash is a result: the candidate is started again and the next item asked.

mod expectations;
mod process;

pub use expectations::{Expectations, Expected};
pub use process::{Lapse, Process, words};

use super::case::Case;
use super::check::{Claim, Dtype, Explanation, Verdict, check};
use super::entry::{Entry, Number};
use super::exchange::{case_to_json, values_from_json, values_to_json};
use super::generate;
use super::value::{Tensor, Value, Values};
use crate::data::json::Json;
use crate::random::Rng;
use crate::scalar::Ball;
use crate::{Error, Result};
use std::time::Duration;

/// What to ask, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Generated cases an operator, over all presets.
    pub cases: usize,
    /// The seed of the cases.
    pub seed: u64,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// The arithmetic, where the candidate does not say.
    pub dtype: Option<Dtype>,
    /// Skips and expected failures.
    pub expectations: Expectations,
}

/// What a candidate says of itself.
#[derive(Clone, Debug)]
pub struct Hello {
    /// Its name.
    pub name: String,
    /// The operators; `None`: it did not say, all are asked and may be declined.
    pub ops: Option<Vec<String>>,
    /// Operators with gradients.
    pub vjp: Gradients,
    /// The presets of each operator; an operator that is not listed knows the paper's form only.
    pub presets: Vec<(String, Vec<String>)>,
    /// Its arithmetic.
    pub dtype: Option<Dtype>,
}

/// For which operators a candidate has gradients.
#[derive(Clone, Debug, PartialEq)]
pub enum Gradients {
    /// All, or none.
    All(bool),
    /// These.
    Of(Vec<String>),
}

impl Hello {
    /// Errors: `Usage`, with the field.
    pub fn parse(reply: &Json) -> Result<Hello> {
        let texts = |what: &str, value: &Json| -> Result<Vec<String>> {
            let items = value.as_array().ok_or_else(|| Error::usage(what, "an array of texts", value.kind()))?;
            items.iter().map(|v| v.as_str().map(str::to_string).ok_or_else(|| Error::usage(what, "an array of texts", v.kind()))).collect()
        };
        if reply.get("ok").and_then(Json::as_bool) != Some(true) {
            return Err(Error::usage("hello", "\"ok\": true", reply.to_string()));
        }
        let presets = match reply.get("presets") {
            None => Vec::new(),
            Some(Json::Object(fields)) => {
                fields.iter().map(|(op, v)| Ok((op.clone(), texts("presets", v)?))).collect::<Result<Vec<_>>>()?
            }
            Some(other) => return Err(Error::usage("presets", "an object of operators and their presets", other.kind())),
        };
        Ok(Hello {
            name: reply.get("name").and_then(Json::as_str).unwrap_or("candidate").escape_default().to_string(),
            ops: reply.get("ops").map(|v| texts("ops", v)).transpose()?,
            vjp: match reply.get("vjp") {
                None => Gradients::All(false),
                Some(Json::Bool(b)) => Gradients::All(*b),
                Some(list) => Gradients::Of(texts("vjp", list)?),
            },
            presets,
            dtype: reply.get("dtype").and_then(Json::as_str).map(Dtype::parse).transpose()?,
        })
    }
    fn knows(&self, op: &str, preset: &str) -> bool {
        let listed = self.presets.iter().find(|(o, _)| o == op);
        self.ops.as_ref().is_none_or(|ops| ops.iter().any(|o| o == op))
            && listed.map_or(preset == "paper", |(_, presets)| presets.iter().any(|p| p == preset))
    }
    fn differentiates(&self, op: &str) -> bool {
        match &self.vjp {
            Gradients::All(all) => *all,
            Gradients::Of(ops) => ops.iter().any(|o| o == op),
        }
    }
}

/// One row of the table: an operator's values or gradients in one form, on inputs of usual size or on small ones.
#[derive(Clone, Debug)]
pub struct Item {
    /// `coding_rate/value/paper`; `coding_rate/small/value/paper` for inputs below 2⁻⁷, where a formula that adds 1 first loses digits.
    pub name: String,
    /// Cases that agree.
    pub agree: usize,
    /// Cases that differ.
    pub differ: usize,
    /// Cases it declined.
    pub declined: usize,
    /// Cases that the enclosure does not decide.
    pub undecided: usize,
    /// The worst error as a share of what is allowed.
    pub used: f64,
    /// What the file says of it.
    pub expected: Option<Expected>,
    /// The first, and so the smallest, case that failed.
    pub failure: Option<Failure>,
    /// What explains every case that differs and can be explained; several where the cases do not tell them apart.
    pub because: Vec<Explanation>,
    /// Cases that nothing explains.
    pub unexplained: usize,
}

/// Every real input is below 2⁻⁷, and one is not 0.
fn is_small(case: &Case) -> bool {
    let largest = case.inputs.reals().flat_map(|(_, t)| t.data.iter()).fold(0.0f64, |m, x| m.max(x.magnitude()));
    largest > 0.0 && largest < 0.0078125
}

/// A case that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was wrong, in a line.
    pub what: String,
    /// The verdict, where there was an answer to judge.
    pub verdict: Option<Verdict>,
    /// The request that shows it.
    pub request: Json,
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every answer agrees.
    Pass,
    /// Something differs, or no answer came.
    Fail,
    /// It fails, as the file says.
    ExpectedFailure,
    /// It passes although the file says that it fails: the line must go.
    UnexpectedPass,
    /// The file says not to ask.
    Skipped,
    /// Nothing was answered.
    Declined,
}

impl Item {
    fn new(name: String, expected: Option<Expected>) -> Item {
        Item {
            name,
            agree: 0,
            differ: 0,
            declined: 0,
            undecided: 0,
            used: 0.0,
            expected,
            failure: None,
            because: Vec::new(),
            unexplained: 0,
        }
    }
    /// One more case that differs, and what explains it. A cause must explain all of them: a single number is explained by many.
    fn explained(&mut self, because: &[Explanation]) {
        if because.is_empty() {
            self.unexplained += 1;
        } else if self.because.is_empty() {
            self.because = because.to_vec();
        } else if self.because.iter().any(|e| because.iter().any(|f| f.name() == e.name())) {
            self.because.retain(|e| because.iter().any(|f| f.name() == e.name()));
        } else {
            self.unexplained += 1;
        }
    }
    /// The likely cause in a line, if there is one.
    pub fn cause(&self) -> Option<String> {
        let says = |e: &Explanation| e.causes.iter().map(|c| format!("{} ({})", c.says, c.name)).collect::<Vec<_>>().join("; and ");
        let all: Vec<String> = self.because.iter().take(3).map(says).collect();
        (!all.is_empty()).then(|| all.join(", or "))
    }
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match (self.expected, self.failure.is_some(), self.agree) {
            (Some(Expected::Skip), ..) => Standing::Skipped,
            (Some(Expected::Fail), true, _) => Standing::ExpectedFailure,
            (_, true, _) => Standing::Fail,
            (_, false, 0) => Standing::Declined,
            (Some(Expected::Fail), false, _) => Standing::UnexpectedPass,
            (None, false, _) => Standing::Pass,
        }
    }
    /// Does it make the run fail?
    pub fn bad(&self) -> bool {
        matches!(self.standing(), Standing::Fail | Standing::UnexpectedPass)
    }
}

/// A candidate, its command, and what it said of itself.
#[derive(Debug)]
pub struct Session {
    command: Vec<String>,
    process: Option<Process>,
    options: Options,
    /// What it said of itself.
    pub hello: Hello,
}

impl Session {
    /// Starts the candidate and hears what it can do. Errors: `Io` if it does not start, `Usage` or `Format` for what it says.
    pub fn open(command: &str, options: Options) -> Result<Session> {
        let command = words(command)?;
        let mut process = Process::start(&command, options.timeout)?;
        let reply = process
            .ask(vec![("hello".into(), Json::integer(1))])
            .map_err(|lapse| Error::io("the candidate's hello", "one JSON object on a line of its own", lapse.to_string()))?;
        Ok(Session { command, process: Some(process), options, hello: Hello::parse(&reply)? })
    }

    /// The candidate, started again if it is gone.
    fn process(&mut self) -> std::result::Result<&mut Process, Lapse> {
        if self.process.is_none() {
            let gone = |e: Error| Lapse::Ended(e.to_string());
            let mut process = Process::start(&self.command, self.options.timeout).map_err(gone)?;
            process.ask(vec![("hello".into(), Json::integer(1))])?;
            self.process = Some(process);
        }
        self.process.as_mut().ok_or_else(|| Lapse::Ended("never started".into()))
    }

    /// Asks everything of one operator.
    pub fn run(&mut self, entry: &'static dyn Entry) -> Result<Vec<Item>> {
        let spec = entry.spec();
        let mut items: Vec<Item> = Vec::new();
        // After a timeout or a crash the item is given up: the next cases are larger.
        let mut given_up: Vec<String> = Vec::new();
        for index in 0..self.options.cases {
            let case = generate::case(entry, index, self.options.seed)?;
            let preset = case.preset.as_deref().unwrap_or("paper");
            if !self.hello.knows(spec.name, preset) {
                continue;
            }
            for gradient in [false, true] {
                if gradient && !(spec.differentiable && self.hello.differentiates(spec.name)) {
                    continue;
                }
                let (what, scale) = (if gradient { "gradient" } else { "value" }, if is_small(&case) { "small/" } else { "" });
                let name = format!("{}/{scale}{what}/{preset}", spec.name);
                let at = items.iter().position(|item| item.name == name).unwrap_or_else(|| {
                    items.push(Item::new(name.clone(), self.options.expectations.of(&name)));
                    items.len() - 1
                });
                if items[at].expected != Some(Expected::Skip)
                    && !given_up.contains(&name)
                    && self.one(entry, &case, gradient, index, &mut items[at])?
                {
                    given_up.push(name);
                }
            }
        }
        Ok(items)
    }

    /// One case; `true` if the candidate did not answer.
    fn one(&mut self, entry: &dyn Entry, case: &Case, gradient: bool, index: usize, item: &mut Item) -> Result<bool> {
        let spec = entry.spec();
        let Ok(truth) = entry.eval_in(Number::Double, case) else {
            item.undecided += 1;
            return Ok(false);
        };
        let dtype = self.hello.dtype.or(self.options.dtype).unwrap_or(Dtype::F64);
        let Json::Object(mut fields) = case_to_json(case)? else { return Ok(false) };
        fields.insert(0, ("op".into(), Json::text(spec.name)));
        let cotangents: Values<Ball> = if gradient {
            let mut rng = Rng::stream(self.options.seed ^ index as u64, spec.name);
            let mut random = |t: &Tensor<Ball>| t.map(|_| Ball::exact(generate::on_grid(rng.gaussian())));
            truth.reals().map(|(name, t)| (name.to_string(), Value::Real(random(t)))).collect()
        } else {
            Values::new()
        };
        if gradient {
            if cotangents.is_empty() {
                return Ok(false);
            }
            fields.push(("vjp".into(), values_to_json(Number::F64, &cotangents)?.0));
        }
        let request = Json::Object(fields.clone());
        let reply = match self.process().and_then(|p| p.ask(fields)) {
            Ok(reply) => reply,
            Err(lapse) => {
                self.process = None;
                item.differ += 1;
                item.failure.get_or_insert(Failure { what: lapse.to_string(), verdict: None, request });
                return Ok(true);
            }
        };
        let failed = |item: &mut Item, what: String, verdict: Option<Verdict>| {
            item.differ += 1;
            item.failure.get_or_insert(Failure { what, verdict, request });
        };
        if reply.get("ok").and_then(Json::as_bool) != Some(true) {
            let text = |name: &str| reply.get("error").and_then(|e| e.get(name)).and_then(Json::as_str).unwrap_or("").to_string();
            if text("kind") == "unsupported" {
                item.declined += 1;
            } else {
                failed(item, format!("it refuses a legal case: {} {}", text("kind"), text("message").escape_default()), None);
            }
            return Ok(false);
        }
        let claim = match claim(entry, case, cotangents, &reply, dtype) {
            Ok(claim) => claim,
            Err(e) => {
                failed(item, e.to_string(), None);
                return Ok(false);
            }
        };
        match check(entry, &claim) {
            Ok(verdict) => {
                for worst in verdict.items.iter().filter_map(|i| i.worst) {
                    item.used = item.used.max(worst.share);
                }
                match verdict.code() {
                    0 => item.agree += 1,
                    3 => item.undecided += 1,
                    _ => {
                        item.explained(&verdict.because);
                        failed(item, summary(&verdict), Some(verdict));
                    }
                }
            }
            Err(Error::Undecided(_)) => item.undecided += 1,
            Err(e) => failed(item, e.to_string(), None),
        }
        Ok(false)
    }
}

/// The first array that differs, in a line.
fn summary(verdict: &Verdict) -> String {
    let Some(item) = verdict.first_wrong() else { return String::new() };
    if let Some(fault) = &item.fault {
        return format!("{}: {fault}", item.name);
    }
    if let Some(at) = item.not_finite {
        return format!("{}: candidate returned NaN or infinity at {}", item.name, item.index(at));
    }
    let Some(w) = item.worst else { return item.name.clone() };
    format!(
        "{}: {} of {} elements differ; at {}: {} (ACTUAL), {} (DESIRED), {:.3e} allowed",
        item.name,
        item.outside,
        item.elements,
        item.index(w.at),
        w.found,
        w.truth.mid().to_decimal(17),
        w.allowed
    )
}

/// The answer as a claim. A single output may come without its name.
fn claim(entry: &dyn Entry, case: &Case, cotangents: Values<Ball>, reply: &Json, dtype: Dtype) -> Result<Claim> {
    let dtype = reply.get("dtype").and_then(Json::as_str).map_or(Ok(dtype), Dtype::parse)?;
    let what = if cotangents.is_empty() { "outputs" } else { "gradients" };
    let values = reply.get(what).ok_or_else(|| Error::usage("reply", format!("`{what}`"), "none"))?;
    let values = match (values, entry.spec().outputs) {
        (Json::Object(_), _) => values_from_json(what, values)?,
        (bare, [only]) if cotangents.is_empty() => values_from_json(what, &Json::object([(only.name, bare.clone())]))?,
        (other, _) => return Err(Error::usage(what, "an object of names and nested arrays", other.kind())),
    };
    if values.is_empty() {
        return Err(Error::usage(what, "at least one result", "none"));
    }
    let claim = Claim::of_outputs(case.clone(), Values::new()).in_dtype(dtype);
    Ok(if cotangents.is_empty() { Claim { outputs: values, ..claim } } else { claim.with_gradients(cotangents, values) })
}
