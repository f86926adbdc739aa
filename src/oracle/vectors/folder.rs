//! The folder of one operator: its files, byte for byte.

use super::chain::CHAINS;
use super::flags::{Flag, flag, flags, nature};
use super::invalid::invalid;
use super::record::{Proof, Record};
use super::{ARITHMETICS, FORMAT, Plan};
use crate::data::json::Json;
use crate::data::safetensors;
use crate::data::sha256::sha256_hex;
use crate::oracle::exchange::params_to_json;
use crate::oracle::tolerance::{chain as chain_length, gradient_scale, output_scale};
use crate::oracle::{ANY, Case, Domain, Entry, Number, Range, Tensor, Value, Values, generated_case, on_grid};
use crate::random::Rng;
use crate::scalar::Ball;
use crate::{Error, Result};

/// The files of an operator and what is proven of the numbers in them.
#[derive(Debug)]
pub struct Folder {
    /// The operator; also the folder's name.
    pub operator: &'static str,
    /// Name and content of each file, `manifest.json` last.
    pub files: Vec<(String, Vec<u8>)>,
    /// Over all cases.
    pub proof: Proof,
    /// Valid cases, invalid cases, chains.
    pub cases: [usize; 3],
}

/// Generated cases of more input numbers than this go into a set of few cases only if a preset has no other.
const LARGEST: usize = 240;

/// Writes the manifest's entries and the case files one after the other.
struct Builder<'a> {
    entry: &'a dyn Entry,
    files: Vec<(String, Vec<u8>)>,
    tests: Vec<Json>,
    notes: Vec<Flag>,
    proof: Proof,
    counts: [usize; 3],
}

/// All files of an operator under a plan. The same bytes on every machine.
pub fn folder(entry: &dyn Entry, plan: &Plan) -> Result<Folder> {
    let spec = entry.spec();
    let mut builder = Builder { entry, files: Vec::new(), tests: Vec::new(), notes: Vec::new(), proof: Proof::default(), counts: [0; 3] };
    let generated = generated(entry, plan, &mut builder.proof.left_out)?;
    let model = generated.iter().find(|c| c.index > 0 && c.case.preset.is_none()).map(|c| c.case.clone());
    for c in generated {
        builder.valid(&c.case, &format!("generated case {}", c.index), c.flags, c.record)?;
    }
    for closed in entry.closed_forms() {
        let mut flags = flags(entry, &closed.case);
        flags.push(flag("ClosedForm", "BASIC", "the result is known in closed form; the comment says which"));
        let known = (&closed.outputs, closed.gradients.as_ref());
        match record(entry, &closed.case, builder.tests.len(), Some(known)).map_err(|e| e.within(closed.name))? {
            Some(record) => builder.valid(&closed.case, closed.name, flags, record)?,
            None => builder.proof.left_out += 1,
        }
    }
    let model = model.map_or_else(|| generated_case(entry, 2, plan.seed), Ok)?;
    if let Some(case) = with_leading_axis(entry, &model) {
        let mut flags = nature(entry, &case);
        flags.push(flag("LeadingAxis", "LAYOUT", "an extra leading axis: looped over, and the gradient of a shared input is the sum"));
        if let Some(record) = record(entry, &case, builder.tests.len(), None)? {
            builder.valid(&case, "two problems along a leading axis, the other inputs shared", flags, record)?;
        }
    }
    for chain in CHAINS.iter().filter(|c| c.operator == spec.name) {
        builder.chained(chain)?;
    }
    for (what, flag, case, error) in invalid(entry, &model) {
        builder.invalid(&what, flag, &case, &error)?;
    }
    builder.finish(plan)
}

/// A generated case that may go into the set.
struct Candidate {
    index: usize,
    case: Case,
    flags: Vec<Flag>,
    record: Record,
}

/// The cases of a plan: all of them, or the first that add something, those before others whose every number is proven.
fn generated(entry: &dyn Entry, plan: &Plan, left_out: &mut usize) -> Result<Vec<Candidate>> {
    let mut pool = Vec::with_capacity(plan.cases);
    for index in 0..plan.cases {
        let case = generated_case(entry, index, plan.seed)?;
        match record(entry, &case, index, None).map_err(|e| e.within(&format!("case {index}")))? {
            Some(record) => pool.push(Candidate { index, flags: flags(entry, &case), case, record }),
            None => *left_out += 1,
        }
    }
    if plan.all {
        return Ok(pool);
    }
    let (mut seen, mut taken): (Vec<String>, Vec<bool>) = (Vec::new(), vec![false; pool.len()]);
    let mut take = |fits: &dyn Fn(&Candidate, &[String]) -> bool| {
        for (c, taken) in pool.iter().zip(&mut taken).filter(|(_, taken)| !**taken) {
            let new: Vec<String> = merits(entry, &c.case, &c.flags).into_iter().filter(|m| !seen.contains(m)).collect();
            if fits(c, &new) && (c.index < 3 || !new.is_empty()) {
                *taken = true;
                seen.extend(new);
            }
        }
    };
    let small = |c: &Candidate| c.case.inputs.iter().map(|(_, v)| v.shape().iter().product::<usize>()).sum::<usize>() <= LARGEST;
    take(&|c, _| small(c) && c.record.proof.correct == c.record.proof.numbers);
    take(&|c, _| small(c));
    take(&|c, new| new.contains(&form(&c.case)));
    Ok(pool.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(c, _)| c).collect())
}

/// The preset of a case, as something it adds to a set.
fn form(case: &Case) -> String {
    format!("preset {}", case.preset.as_deref().unwrap_or("paper"))
}

/// What a case adds to a set: its flags, its preset, the values of words and flags, which optional inputs are given.
fn merits(entry: &dyn Entry, case: &Case, flags: &[Flag]) -> Vec<String> {
    let mut all: Vec<String> = flags.iter().map(|f| f.name.clone()).collect();
    all.push(form(case));
    for param in entry.spec().params.iter().filter(|p| matches!(p.domain, Range::Word(_) | Range::Flag)) {
        all.extend(case.params.iter().filter(|(n, _)| n == param.name).map(|(n, s)| format!("{n} {s:?}")));
    }
    for port in entry.spec().inputs.iter().filter(|p| p.optional) {
        all.push(format!("{} {}", port.name, case.inputs.get(port.name).is_some()));
    }
    all
}

/// The case twice along a leading axis of its first input, the second time halved; the other inputs shared.
fn with_leading_axis(entry: &dyn Entry, case: &Case) -> Option<Case> {
    let spec = entry.spec();
    let port = spec.inputs.first().filter(|p| spec.batches && p.domain == Domain::Real && p.shape != ANY && !p.optional)?;
    let t = case.inputs.real(port.name).ok()?;
    let data = t.data.iter().copied().chain(t.data.iter().map(|&x| x * Ball::exact(0.5))).collect();
    let shape = std::iter::once(2).chain(t.shape.iter().copied()).collect();
    Some(case.clone().input(port.name, Tensor { shape, data }))
}

/// The narrower of two enclosures of the same number.
fn narrower(mut found: Values<Ball>, known: Option<&Values<Ball>>) -> Values<Ball> {
    for (name, known) in known.iter().flat_map(|k| k.reals()) {
        if let Ok(t) = found.real(name)
            && t.shape == known.shape
        {
            let data = t.data.iter().zip(&known.data).map(|(&a, &b)| if b.rad() < a.rad() { b } else { a }).collect();
            let both = Tensor { shape: known.shape.clone(), data };
            found.set(name, both);
        }
    }
    found
}

fn scaled(scale: &Values<Ball>, factor: f64) -> impl Fn(&str, usize) -> f64 {
    let scale = scale.map(|s| Ball::exact(s.magnitude() * factor));
    move |name, k| scale.real(name).ok().and_then(|t| t.data.get(k)).map_or(0.0, |s| s.magnitude())
}

type Known<'a> = (&'a Values<Ball>, Option<&'a (Values<Ball>, Values<Ball>)>);

/// The arrays of a valid case; `None` if no enclosure of finite width is found for it. `stream` seeds the cotangents.
fn record(entry: &dyn Entry, case: &Case, stream: usize, known: Option<Known>) -> Result<Option<Record>> {
    match proven(entry, case, stream, known) {
        Err(Error::Undecided(_) | Error::NotConverged(_)) => Ok(None),
        other => other.map(Some),
    }
}

fn proven(entry: &dyn Entry, case: &Case, stream: usize, known: Option<Known>) -> Result<Record> {
    let spec = entry.spec();
    let outputs = narrower(entry.eval_in(Number::Ball, case)?, known.map(|k| k.0));
    let scale = output_scale(entry, case)?;
    let mut record = Record::of(chain_length(case));
    record.given("in", &case.inputs)?;
    record.results("out", &outputs, &scaled(&scale, spec.tolerance.value))?;
    let cotangents: Values<Ball> = match known.and_then(|k| k.1) {
        _ if !spec.differentiable => Values::new(),
        Some((cotangents, _)) => cotangents.clone(),
        None => {
            let mut rng = Rng::stream(stream as u64, spec.name);
            let mut random = |t: &Tensor<Ball>| t.map(|_| Ball::exact(on_grid(rng.gaussian())));
            outputs.reals().map(|(name, t)| (name.to_string(), Value::Real(random(t)))).collect()
        }
    };
    if !cotangents.is_empty() {
        let gradients = narrower(entry.vjp_in(Number::Ball, case, &cotangents)?, known.and_then(|k| k.1).map(|k| &k.1));
        let scale = gradient_scale(entry, case, &cotangents)?;
        record.given("cot", &cotangents)?;
        record.results("grad", &gradients, &scaled(&scale, spec.tolerance.gradient))?;
    }
    Ok(record)
}

impl Builder<'_> {
    /// Adds a valid case.
    fn valid(&mut self, case: &Case, comment: &str, mut flags: Vec<Flag>, record: Record) -> Result<()> {
        if record.proof.exact > 0 {
            flags.push(flag("Exact", "BASIC", "at least one result is proven to be exactly the number written"));
        }
        self.counts[0] += 1;
        self.test(case, comment, flags, record, vec![("result", Json::text("valid"))])
    }

    fn chained(&mut self, chain: &super::chain::Chain) -> Result<()> {
        let case = chain.case(self.entry)?;
        let mut record = Record::of(chain_length(&case));
        record.given("in", &case.inputs)?;
        let checkpoints = match chain.run(self.entry, &case) {
            Err(Error::Undecided(_) | Error::NotConverged(_)) => Vec::new(),
            other => other?,
        };
        for c in &checkpoints {
            let values = Values::new().with(chain.from, c.value.clone());
            record.results(&format!("out@{}", c.step), &values, &|_, k| c.allowed[k])?;
        }
        if checkpoints.is_empty() {
            self.proof.left_out += 1;
            return Ok(());
        }
        let steps = checkpoints.iter().map(|c| Json::integer(c.step as i64)).collect();
        let fields = [("from", Json::text(chain.from)), ("into", Json::text(chain.into)), ("checkpoints", Json::Array(steps))];
        let mut flags = nature(self.entry, &case);
        flags.push(flag("Chain", "BASIC", "each output is the next input: a wrong step size or a drift grows"));
        self.counts[2] += 1;
        self.test(&case, chain.comment, flags, record, vec![("result", Json::text("valid")), ("chain", Json::object(fields))])
    }

    fn invalid(&mut self, what: &str, flag: Flag, case: &Case, error: &Error) -> Result<()> {
        let mut record = Record::of(1.0);
        record.given("in", &case.inputs)?;
        let mut fields = vec![("kind", Json::text(error.kind()))];
        if !error.fault().name.is_empty() {
            fields.push(("name", Json::text(error.fault().name)));
        }
        self.counts[1] += 1;
        self.test(case, what, vec![flag], record, vec![("result", Json::text("invalid")), ("error", Json::object(fields))])
    }

    /// Writes the file and the manifest's entry.
    fn test(&mut self, case: &Case, comment: &str, flags: Vec<Flag>, record: Record, rest: Vec<(&'static str, Json)>) -> Result<()> {
        let id = self.tests.len() + 1;
        let file = format!("{id:03}.safetensors");
        let preset = case.preset.as_deref().unwrap_or("paper");
        let params = params_to_json(&case.params);
        let metadata: Vec<(String, String)> = [
            ("format", FORMAT.to_string()),
            ("operator", self.entry.spec().name.to_string()),
            ("case", id.to_string()),
            ("preset", preset.to_string()),
            ("params", params.to_string()),
        ]
        .map(|(k, v)| (k.to_string(), v))
        .to_vec();
        let bytes = safetensors::write(record.arrays.iter().map(|(n, a)| (n.as_str(), a)), Some(&metadata))?;
        let mut fields = vec![
            ("id", Json::integer(id as i64)),
            ("comment", Json::text(comment)),
            ("file", Json::text(&file)),
            ("sha256", Json::text(sha256_hex(&bytes))),
            ("preset", Json::text(preset)),
            ("params", params),
            ("flags", Json::Array(flags.iter().map(|f| Json::text(&f.name)).collect())),
        ];
        fields.extend(rest);
        if !record.rounding.is_empty() {
            fields.push(("proven", Json::Object(record.rounding)));
        }
        for flag in flags {
            if !self.notes.iter().any(|n| n.name == flag.name) {
                self.notes.push(flag);
            }
        }
        self.tests.push(Json::object(fields));
        self.proof.add(&record.proof);
        self.files.push((file, bytes));
        Ok(())
    }

    fn finish(mut self, plan: &Plan) -> Result<Folder> {
        let spec = self.entry.spec();
        self.notes.sort_by(|a, b| a.name.cmp(&b.name));
        let notes = self
            .notes
            .iter()
            .map(|n| (n.name.clone(), Json::object([("bugType", Json::text(n.bug)), ("description", Json::text(&n.says))])));
        let ports = |ports: &[crate::oracle::Port]| {
            Json::Array(
                ports
                    .iter()
                    .map(|p| {
                        let mut fields = vec![("name", Json::text(p.name)), ("shape", Json::text(p.shape)), ("doc", Json::text(p.doc))];
                        if p.optional {
                            fields.push(("optional", Json::Bool(true)));
                        }
                        Json::object(fields)
                    })
                    .collect(),
            )
        };
        let defaults = spec.params.iter().filter_map(|p| {
            p.default.map(|x| (p.name, if let Range::Word(words) = p.domain { Json::text(words[x as usize]) } else { Json::real(x) }))
        });
        let arithmetics = ARITHMETICS.iter().map(|d| Json::text(d.name())).collect();
        let convention =
            [("samples", "rows"), ("logarithm", "natural"), ("eps", "ε, a length; eps2 is ε²"), ("layout", "row-major, last axis fastest")];
        let manifest = Json::object([
            ("schema", Json::text(FORMAT)),
            ("licence", Json::text("CC0-1.0")),
            ("operator", Json::text(spec.name)),
            ("purpose", Json::text(spec.purpose)),
            ("definition", Json::text(spec.definition)),
            ("source", Json::text(spec.source)),
            ("convention", Json::object(convention.map(|(k, v)| (k, Json::text(v))))),
            ("inputs", ports(spec.inputs)),
            ("outputs", ports(spec.outputs)),
            ("defaults", Json::object(defaults)),
            ("seed", Json::integer(plan.seed as i64)),
            ("allowed_for", Json::Array(arithmetics)),
            ("proven", self.proof.json()),
            ("notes", Json::Object(notes.collect())),
            ("numberOfTests", Json::integer(self.tests.len() as i64)),
            ("tests", Json::Array(self.tests)),
        ]);
        self.files.push(("manifest.json".into(), manifest.pretty().into_bytes()));
        Ok(Folder { operator: spec.name, files: self.files, proof: self.proof, cases: self.counts })
    }
}
