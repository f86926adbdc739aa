//! The oracle vouches for itself: every operator on its cases, in every number type, with its gradients and its laws.

use super::case::Case;
use super::entry::{Entry, Number};
use super::generate;
use super::law::Implementation;
use super::shape::ANY;
use super::spec::{Domain, Spec};
use super::tolerance;
use super::value::{Tensor, Value, Values};
use crate::random::Rng;
use crate::scalar::{Ball, DoubleDouble, Scalar};
use crate::{Error, Result};

/// What `verify` found of one operator.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The operator.
    pub name: &'static str,
    /// Cases run.
    pub cases: usize,
    /// Cases the enclosure could not decide.
    pub undecided: usize,
    /// Worst error of f64 outputs, in ulps of the largest entry.
    pub ulps: f64,
    /// Worst error of f64 gradients, in ulps of the largest entry.
    pub gradient_ulps: f64,
    /// Worst f64 or f32 output error as a share of what is allowed.
    pub used: f64,
    /// The same for gradients.
    pub gradient_used: f64,
    /// Fewest digits a ball certified, relative to the magnitudes that meet in the result.
    pub digits: f64,
    /// Worst disagreement of the gradient with dual numbers, as a share of what double-double allows.
    pub dual: f64,
    /// Worst relative disagreement with central differences in double-double.
    pub central: f64,
    /// Laws checked, over all cases.
    pub laws: usize,
    /// Closed forms checked.
    pub closed: usize,
    /// Malformed requests refused.
    pub refused: usize,
    /// What went wrong, each with what is needed to see it again.
    pub failures: Vec<String>,
}

/// This crate's own certified evaluation, as an implementation that laws can judge.
pub struct Certified<'a>(pub &'a dyn Entry);

impl Implementation for Certified<'_> {
    fn eval(&self, case: &Case) -> Result<Values<Ball>> {
        self.0.eval_in(Number::Ball, case)
    }
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        self.0.vjp_in(Number::Ball, case, cotangents)
    }
}

/// Runs everything that can be held against an operator on `cases` generated cases.
pub fn verify(entry: &dyn Entry, cases: usize, seed: u64) -> Report {
    let mut report = Report { name: entry.spec().name, digits: f64::INFINITY, ..Report::default() };
    for index in 0..cases {
        let outcome = generate::case(entry, index, seed).and_then(|case| one_case(entry, &case, index, seed, &mut report));
        if let Err(e) = outcome {
            report.failures.push(format!("case {index} of seed {seed}: {e}"));
        }
        report.cases += 1;
    }
    if report.undecided * 2 > report.cases {
        report.failures.push(format!("{} of {} cases undecided", report.undecided, report.cases));
    }
    for closed in entry.closed_forms() {
        let found = closed_form(entry, &closed);
        report.closed += 1;
        if let Err(e) = found {
            report.failures.push(format!("closed form `{}`: {e}", closed.name));
        }
    }
    hostile(entry, seed, &mut report);
    report
}

fn one_case(entry: &dyn Entry, case: &Case, index: usize, seed: u64, report: &mut Report) -> Result<()> {
    let spec = entry.spec();
    let truth = match entry.eval_in(Number::Ball, case) {
        Err(Error::Undecided(_)) => {
            report.undecided += 1;
            entry.eval_in(Number::Double, case)?;
            return Ok(());
        }
        other => other?,
    };
    let allowed = tolerance::output_scale(entry, case)?;
    // Where terms cancel (to 0, for a law that says so) the magnitudes that meet are the scale, not what they leave.
    let natural = allowed.reals().flat_map(|(_, t)| t.data.iter()).fold(0.0f64, |m, x| m.max(x.magnitude()));
    report.digits = report.digits.min(digits(&truth, natural));
    compare(&entry.eval_in(Number::Double, case)?, &truth, &allowed, spec.tolerance.value * DoubleDouble::UNIT_ROUNDOFF)
        .map_err(|e| e.within("double-double outputs"))?;
    let wide = compare(&entry.eval_in(Number::F64, case)?, &truth, &allowed, spec.tolerance.value * f64::UNIT_ROUNDOFF)
        .map_err(|e| e.within("f64 outputs"))?;
    report.ulps = report.ulps.max(wide.ulps);
    report.used = report.used.max(wide.used);
    let narrow = in_f32(entry, case, None).and_then(|(mine, truth, case)| {
        compare(&mine, &truth, &tolerance::output_scale(entry, &case)?, spec.tolerance.value * f32::UNIT_ROUNDOFF)
    });
    report.used = report.used.max(narrow.map_err(|e| e.within("f32 outputs"))?.used);
    if spec.differentiable {
        gradients(entry, case, &truth, &allowed, index, seed, report)?;
    }
    for law in entry.laws() {
        match law.violation(&Certified(entry), case) {
            Ok(None) | Err(Error::Undecided(_)) => {}
            Ok(Some(v)) => {
                report.laws += 1;
                if v.excess > 0.0 {
                    return Err(Error::domain(
                        law.name,
                        "both sides to agree within their enclosures",
                        format!("a difference of {:.3e} at element {}", v.excess, v.at),
                    ));
                }
                if v.radius > 1e-12 * v.scale.max(natural) + f64::MIN_POSITIVE {
                    return Err(Error::undecided(
                        law.name,
                        "sides certified to 12 digits",
                        format!("radius {:.1e} against magnitude {:.1e}", v.radius, v.scale),
                    ));
                }
            }
            Err(e) => return Err(e.within(law.name)),
        }
    }
    Ok(())
}

/// The f32 result, the certified truth at the inputs rounded to f32, and that case.
fn in_f32(entry: &dyn Entry, case: &Case, cotangents: Option<&Values<Ball>>) -> Result<(Values<Ball>, Values<Ball>, Case)> {
    let mut rounded = case.clone();
    rounded.inputs = case.inputs.cast::<f32>().cast();
    for (_, setting) in &mut rounded.params {
        if let super::case::Setting::Number(x) = setting {
            *x = f64::from(*x as f32);
        }
    }
    Ok(match cotangents {
        None => (entry.eval_in(Number::F32, &rounded)?, entry.eval_in(Number::Ball, &rounded)?, rounded),
        Some(y) => (entry.vjp_in(Number::F32, &rounded, y)?, entry.vjp_in(Number::Ball, &rounded, y)?, rounded),
    })
}

fn gradients(
    entry: &dyn Entry,
    case: &Case,
    outputs: &Values<Ball>,
    scale: &Values<Ball>,
    index: usize,
    seed: u64,
    report: &mut Report,
) -> Result<()> {
    let spec = entry.spec();
    let mut rng = Rng::stream(seed ^ index as u64, "cotangents");
    let mut random = |values: &Values<Ball>| -> Values<Ball> {
        values.reals().map(|(name, t)| (name.to_string(), Value::Real(t.map(|_| Ball::exact(generate::on_grid(rng.gaussian())))))).collect()
    };
    let (cotangents, directions) = (random(outputs), inside(spec, &case.inputs, symmetrised(spec, random(&case.inputs))));
    if cotangents.is_empty() || directions.is_empty() && !spec.distortion && spec.params.is_empty() {
        return Ok(());
    }
    let truth = match entry.vjp_in(Number::Ball, case, &cotangents) {
        Err(Error::Undecided(_)) => {
            report.undecided += 1;
            return Ok(());
        }
        other => other?,
    };
    for (name, _) in case.inputs.reals() {
        if truth.get(name).is_none() && !matches!(spec.input(name).map(|p| p.optional), Some(true)) {
            return Err(Error::domain("gradients", format!("one for every real input, `{name}` too"), "none"));
        }
    }
    let allowed = tolerance::gradient_scale(entry, case, &cotangents)?;
    let double = entry.vjp_in(Number::Double, case, &cotangents)?;
    compare(&double, &truth, &allowed, spec.tolerance.gradient * DoubleDouble::UNIT_ROUNDOFF)
        .map_err(|e| e.within("double-double gradient"))?;
    let wide = compare(&entry.vjp_in(Number::F64, case, &cotangents)?, &truth, &allowed, spec.tolerance.gradient * f64::UNIT_ROUNDOFF)
        .map_err(|e| e.within("f64 gradient"))?;
    report.gradient_ulps = report.gradient_ulps.max(wide.ulps);
    report.gradient_used = report.gradient_used.max(wide.used);
    let narrow = in_f32(entry, case, Some(&cotangents)).and_then(|(mine, truth, case)| {
        compare(&mine, &truth, &tolerance::gradient_scale(entry, &case, &cotangents)?, spec.tolerance.gradient * f32::UNIT_ROUNDOFF)
    });
    report.gradient_used = report.gradient_used.max(narrow.map_err(|e| e.within("f32 gradient"))?.used);

    // ⟨ȳ, J t⟩ = ⟨x̄, t⟩ along a random direction and, while they are few, along every input number by itself: the gradient by dual numbers.
    let elements: usize = case.inputs.reals().map(|(_, t)| t.data.len()).sum();
    let mut all = vec![directions.clone()];
    if elements <= 48 {
        for (name, t) in case.inputs.reals() {
            for k in 0..t.data.len() {
                let mut one = t.map(|_| Ball::ZERO);
                one.data[k] = Ball::ONE;
                all.push(symmetrised(spec, Values::new().with(name, one)));
            }
        }
    }
    for (name, g) in truth.reals().filter(|(name, _)| case.number(name).is_some()) {
        if g.data.len() == 1 {
            all.push(Values::new().with(name, Ball::ONE));
        }
    }
    for t in &all {
        let forward = inner(&cotangents, &entry.jvp(case, t)?);
        let backward = inner(&double, t);
        // The derivative of a formula that cancels cancels too: what meets in it is what meets in the value, per unit of what moves.
        let size = inner(&allowed, t).1 + forward.1 * (elements as f64).sqrt() + inner(&cotangents, scale).1 * relative_step(case, t);
        let share = (forward.0 - backward.0).mid().hi().abs() / (64.0 * DoubleDouble::UNIT_ROUNDOFF * size).max(f64::MIN_POSITIVE);
        report.dual = report.dual.max(share);
        if share > 1.0 {
            let names: Vec<&str> = t.names().collect();
            return Err(Error::domain(
                format!("gradient against dual numbers along {}", names.join(", ")),
                forward.0.mid().to_decimal(20),
                backward.0.mid().to_decimal(20),
            ));
        }
    }
    report.central = report.central.max(central(entry, case, &cotangents, scale, &directions, inner(&double, &directions).0)?);
    Ok(())
}

/// The slope by central differences in double-double at steps h and h/2, against the gradient. The truncation error of the second is a third of
/// their difference, doubled for the terms behind; rounding adds u/h times the magnitudes that meet in the outputs. Where the slopes to the left and to the right differ there is a kink in
/// the step, and differences say nothing of the convention there: dual numbers do.
fn central(
    entry: &dyn Entry,
    case: &Case,
    cotangents: &Values<Ball>,
    scale: &Values<Ball>,
    directions: &Values<Ball>,
    gradient: Ball,
) -> Result<f64> {
    let at = |h: f64| entry.eval_in(Number::Double, &tolerance::moved(case, directions, h));
    let h = 2f64.powi(-34);
    let (here, up, down, half_up, half_down) = (at(0.0)?, at(h)?, at(-h)?, at(0.5 * h)?, at(-0.5 * h)?);
    let slope = |a: &Values<Ball>, b: &Values<Ball>, c: f64| inner(cotangents, &tolerance::difference(a, b, c));
    let (right, left) = (slope(&up, &here, 1.0 / h), slope(&here, &down, 1.0 / h));
    let size = right.1 + left.1;
    if size == 0.0 || (right.0 - left.0).magnitude() > h.sqrt() * size {
        return Ok(0.0);
    }
    let (coarse, fine) = (slope(&up, &down, 0.5 / h).0, slope(&half_up, &half_down, 1.0 / h).0);
    let values = inner(cotangents, scale).1;
    let allowed = (coarse - fine).magnitude() + 64.0 * DoubleDouble::UNIT_ROUNDOFF * (values / h + size);
    let error = (fine - gradient).mid().hi().abs();
    if error > allowed {
        return Err(Error::domain("gradient against central differences", fine.mid().to_decimal(20), gradient.mid().to_decimal(20)));
    }
    Ok(error / (size + values))
}

/// A symmetric input is moved symmetrically: its gradient is the one under such moves.
fn symmetrised(spec: &Spec, mut tangents: Values<Ball>) -> Values<Ball> {
    for port in spec.inputs.iter().filter(|p| matches!(p.domain, Domain::Definite | Domain::Semidefinite)) {
        let Ok(t) = tangents.real(port.name) else { continue };
        let mut t = t.clone();
        let n = t.shape.last().copied().unwrap_or(1).max(1);
        let old = t.data.clone();
        for (k, x) in t.data.iter_mut().enumerate() {
            let (block, i, j) = (k / (n * n), k / n % n, k % n);
            *x = (old[k] + old[block * n * n + j * n + i]) * Ball::exact(0.5);
        }
        tangents.set(port.name, t);
    }
    tangents
}

/// The largest |tangent| / |value| over the inputs and parameters that move.
fn relative_step(case: &Case, tangents: &Values<Ball>) -> f64 {
    let mut largest = 0.0f64;
    for (name, t) in tangents.reals() {
        let given = case.number(name).map(|x| vec![Ball::exact(x)]);
        let values = given.or_else(|| case.inputs.real(name).ok().map(|x| x.data.clone())).unwrap_or_default();
        for (x, t) in values.iter().zip(&t.data) {
            if *x != Ball::ZERO {
                largest = largest.max(t.magnitude() / x.magnitude());
            }
        }
    }
    largest
}

/// An input at the edge of its domain stays there.
fn inside(spec: &Spec, inputs: &Values<Ball>, mut tangents: Values<Ball>) -> Values<Ball> {
    for port in spec.inputs.iter().filter(|p| matches!(p.domain, Domain::NonNegative | Domain::Simplex)) {
        if let (Ok(x), Ok(t)) = (inputs.real(port.name), tangents.real(port.name)) {
            let data = x.data.iter().zip(&t.data).map(|(&x, &t)| if x == Ball::ZERO { x } else { t }).collect();
            let moved = Tensor { shape: t.shape.clone(), data };
            tangents.set(port.name, moved);
        }
    }
    tangents
}

/// `Σ a b` over the names both have, and the sum of magnitudes.
fn inner(a: &Values<Ball>, b: &Values<Ball>) -> (Ball, f64) {
    let (mut sum, mut size) = (Ball::ZERO, 0.0);
    for (name, x) in a.reals() {
        if let Ok(y) = b.real(name) {
            for (&x, &y) in x.data.iter().zip(&y.data) {
                let term = Ball::new(x.mid(), 0.0) * Ball::new(y.mid(), 0.0);
                sum += term;
                size += term.magnitude();
            }
        }
    }
    (sum, size)
}
/// How two results differ.
struct Difference {
    ulps: f64,
    used: f64,
}

/// Holds point results against certified ones: |error| ≤ unit · scale + radius, element by element.
fn compare(mine: &Values<Ball>, truth: &Values<Ball>, scale: &Values<Ball>, unit: f64) -> Result<Difference> {
    let underflow = if unit > 1e-9 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let mut difference = Difference { ulps: 0.0, used: 0.0 };
    for (name, t) in truth.iter() {
        match (mine.get(name), t) {
            (Some(Value::Int(a)), Value::Int(b)) if a == b => {}
            (Some(Value::Real(a)), Value::Real(b)) if a.shape == b.shape => {
                let s = scale.real(name)?;
                let largest = b.data.iter().fold(0.0f64, |m, x| m.max(x.magnitude()));
                let radius = b.data.iter().fold(0.0f64, |m, x| m.max(x.rad()));
                for (k, (&a, &b)) in a.data.iter().zip(&b.data).enumerate() {
                    let error = (a - Ball::new(b.mid(), 0.0)).magnitude();
                    let allowed = unit * s.data[k].mid().hi() + b.rad() + a.rad() + underflow;
                    if !(error <= allowed) {
                        return Err(Error::domain(
                            format!("{name}{:?}", t_index(t, k)),
                            format!("{} within {allowed:.2e}", b.to_text()),
                            format!("{} ({:.2} of what is allowed)", a.mid().to_decimal(20), error / allowed),
                        ));
                    }
                    if error > underflow {
                        difference.used = difference.used.max(error / allowed);
                    }
                    // Ulps of a number that is 0 within its enclosure mean nothing.
                    if largest * f64::EPSILON > radius {
                        difference.ulps = difference.ulps.max(error / (largest * f64::EPSILON));
                    }
                }
            }
            _ => return Err(Error::shape(name, "the same shape from every number type", "another")),
        }
    }
    Ok(difference)
}
fn t_index(value: &Value<Ball>, k: usize) -> Vec<usize> {
    match value {
        Value::Int(t) => t.index(k),
        Value::Real(t) => t.index(k),
    }
}

/// The fewest digits certified, relative to the largest entry of each output.
pub fn certified(values: &Values<Ball>) -> f64 {
    digits(values, 0.0)
}
/// The same, relative to at least `scale`.
fn digits(values: &Values<Ball>, scale: f64) -> f64 {
    let mut digits = f64::INFINITY;
    for (_, t) in values.reals() {
        let largest = t.data.iter().fold(scale, |m, x| m.max(x.magnitude()));
        let radius = t.data.iter().fold(0.0f64, |m, x| m.max(x.rad()));
        if radius > f64::MIN_POSITIVE {
            digits = digits.min((largest / radius).log10());
        }
    }
    digits
}

fn closed_form(entry: &dyn Entry, closed: &super::law::Closed) -> Result<()> {
    let overlap = |mine: &Values<Ball>, known: &Values<Ball>| -> Result<()> {
        for (name, known) in known.iter() {
            match (mine.get(name), known) {
                (Some(Value::Int(a)), Value::Int(b)) if a == b => {}
                (Some(Value::Real(a)), Value::Real(b)) if a.shape == b.shape => {
                    if let Some(k) = (0..a.data.len()).find(|&k| !a.data[k].overlaps(&b.data[k])) {
                        return Err(Error::domain(format!("{name}{:?}", a.index(k)), b.data[k].to_text(), a.data[k].to_text()));
                    }
                }
                (found, _) => return Err(Error::shape(name, "the known shape", format!("{:?}", found.map(Value::shape)))),
            }
        }
        Ok(())
    };
    overlap(&entry.eval_in(Number::Ball, &closed.case)?, &closed.outputs)?;
    if let Some((cotangents, gradients)) = &closed.gradients {
        overlap(&entry.vjp_in(Number::Ball, &closed.case, cotangents)?, gradients).map_err(|e| e.within("gradient"))?;
    }
    Ok(())
}

/// Requests that must be refused with an error: a missing input, an unknown name, a NaN, an infinity, one axis too many or too few, an unknown parameter.
fn hostile(entry: &dyn Entry, seed: u64, report: &mut Report) {
    let spec = entry.spec();
    let Ok(case) = generate::case(entry, 2, seed) else { return };
    let mut bad: Vec<(String, Case)> = Vec::new();
    for port in spec.inputs {
        let Some(value) = case.inputs.get(port.name) else { continue };
        let mut with = |what: &str, value: Value<Ball>| {
            let mut case = case.clone();
            case.inputs.set(port.name, value);
            bad.push((format!("{what} in {}", port.name), case));
        };
        if let Value::Real(t) = value
            && !t.data.is_empty()
        {
            for (what, x) in [("NaN", f64::NAN), ("an infinity", f64::INFINITY)] {
                let mut t = t.clone();
                t.data[0] = Ball::exact(x);
                with(what, Value::Real(t));
            }
        }
        if let Value::Int(t) = value
            && !t.data.is_empty()
        {
            let mut t = t.clone();
            t.data[0] = -1;
            with("a negative label", Value::Int(t));
        }
        if !value.shape().is_empty() && port.shape != ANY {
            with("one number for an array", Value::Real(Tensor::scalar(Ball::ONE)));
        }
        if !port.optional {
            let mut case = case.clone();
            case.inputs.remove(port.name);
            bad.push((format!("no {}", port.name), case));
        }
    }
    bad.push(("an unknown input".into(), case.clone().input("no_such_input", Ball::ONE)));
    bad.push(("an unknown parameter".into(), case.clone().set("no_such_parameter", 1.0)));
    bad.push(("an unknown preset".into(), case.clone().preset("no-such-preset")));
    if spec.distortion {
        for x in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut case = case.clone();
            case.params.retain(|(n, _)| n != "eps" && n != "eps2");
            bad.push((format!("eps2 = {x}"), case.set("eps2", x)));
        }
    }
    for (what, case) in bad {
        for number in Number::ALL {
            if let Ok(values) = entry.eval_in(number, &case) {
                report.failures.push(format!("{what}: expected an error in {}, found {values:?}", number.name()));
                return;
            }
        }
        report.refused += 1;
    }
}
