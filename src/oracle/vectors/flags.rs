//! What a case is, and which mistakes it catches: found by trying, not typed in.
//!
//! A mistake that can be made on the side of the question (another parameter, an input transposed, scrambled, reversed, negated, forgotten) is
//! made, and if the result moves by more than an f32 implementation may err, the case catches it.

use crate::data::half;
use crate::oracle::tolerance::output_scale;
use crate::oracle::{Case, Domain, Entry, Number, Range, Setting, Tensor, Value, Values, on_grid};
use crate::scalar::{Ball, Scalar};

/// A flag: its name, the kind of bug, what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flag {
    pub name: String,
    pub bug: &'static str,
    pub says: String,
}

pub(super) fn flag(name: impl Into<String>, bug: &'static str, says: impl Into<String>) -> Flag {
    Flag { name: name.into(), bug, says: says.into() }
}

/// Everything that is said of a valid case.
pub(super) fn flags(entry: &dyn Entry, case: &Case) -> Vec<Flag> {
    let mut all = nature(entry, case);
    all.extend(caught(entry, case));
    all
}

/// What the numbers show by themselves.
pub(super) fn nature(entry: &dyn Entry, case: &Case) -> Vec<Flag> {
    let mut all = Vec::new();
    let mut say = |name: &str, bug, says: &str| {
        if !all.iter().any(|f: &Flag| f.name == name) {
            all.push(flag(name, bug, says));
        }
    };
    if case.inputs.iter().all(|(_, v)| v.shape().iter().all(|&n| n == 1)) {
        say("Smallest", "BASIC", "every size is 1: the formula with nothing to sum over");
    }
    for (name, t) in case.inputs.reals() {
        let x: Vec<f64> = t.data.iter().map(|x| x.mid().hi()).collect();
        let largest = x.iter().fold(0.0f64, |m, x| if x.abs() > m { x.abs() } else { m });
        if x.iter().any(|&x| on_f16(x) != x) {
            say("NotF16", "PRECISION", "an input is no f16: round it first, or leave the case out for f16");
        }
        if x.iter().any(|&x| on_grid(x) != x) {
            say("NotBf16", "PRECISION", "an input is no bf16: round it first, or leave the case out for bf16");
        }
        if largest >= 128.0 {
            say("LargeScale", "EDGE_CASE", "entries above 128: products leave the range of f16, exponentials saturate");
        }
        if largest > 0.0 && largest < 0.0078125 {
            say(
                "SmallScale",
                "EDGE_CASE",
                "entries below 2⁻⁷: a guard such as + 1e-8 or a clamp moves the result, and the logarithm of a rounded 1 + x loses the digits of x",
            );
        }
        if largest == 0.0 {
            say("AllZero", "EDGE_CASE", "an input that is 0 throughout");
        }
        let ([.., rows, cols], Some(Domain::Real)) = (&t.shape[..], entry.spec().input(name).map(|p| p.domain)) else { continue };
        let (rows, cols) = (*rows, *cols);
        if rows * cols == 0 {
            continue;
        }
        if rows < cols {
            say("NLessThanD", "BASIC", "fewer rows than columns: the other side of the Gram matrix is the smaller");
        }
        for block in x.chunks(rows * cols) {
            let row = |i: usize| &block[i * cols..(i + 1) * cols];
            if (0..rows).any(|i| row(i).iter().all(|&x| x == 0.0)) && largest > 0.0 {
                say("ZeroRow", "EDGE_CASE", "a row of zeros: its direction, its norm's derivative and a division by either");
            }
            if rows > 1 && (1..rows).all(|i| row(i) == row(0)) {
                say("RepeatedRows", "EDGE_CASE", "all rows equal: collapse, ties in a softmax, a Gram matrix of rank one");
            } else if rows > 1 && cols > 1 && rank_one(block, rows, cols) {
                say("RankOne", "EDGE_CASE", "every row a multiple of one: a singular Gram matrix");
            }
        }
    }
    for port in entry.spec().inputs {
        if let (Domain::Label(bound), Some(Value::Int(t))) = (port.domain, case.inputs.get(port.name)) {
            let classes = case.number(bound).map(|k| k as i64).or_else(|| t.data.iter().max().map(|m| m + 1)).unwrap_or(0);
            if (0..classes).any(|c| !t.data.contains(&c)) {
                say("EmptyClass", "EDGE_CASE", "a class without members: 0 · log or a division by 0 in the sum over classes");
            }
        }
    }
    all
}

/// `x` as an f16 holds it.
fn on_f16(x: f64) -> f64 {
    half::f16_to_f64(half::f16_from_f64(x))
}

/// The inputs have 8 significant bits: the products are exact.
fn rank_one(block: &[f64], rows: usize, cols: usize) -> bool {
    let Some(lead) = (0..rows).find(|i| block[i * cols..(i + 1) * cols].iter().any(|&x| x != 0.0)) else { return false };
    let Some(pivot) = (0..cols).find(|j| block[lead * cols + j] != 0.0) else { return false };
    (0..rows)
        .all(|i| (0..cols).all(|j| block[i * cols + j] * block[lead * cols + pivot] == block[i * cols + pivot] * block[lead * cols + j]))
}

/// The mistakes that the case catches.
fn caught(entry: &dyn Entry, case: &Case) -> Vec<Flag> {
    let (Ok(right), Ok(scale)) = (entry.eval_in(Number::Double, case), output_scale(entry, case)) else { return Vec::new() };
    let unit = entry.spec().tolerance.value * f32::UNIT_ROUNDOFF;
    let moves = |other: &Values<Ball>| -> bool {
        right.iter().any(|(name, value)| match (value, other.get(name)) {
            (Value::Int(a), Some(Value::Int(b))) => a != b,
            (Value::Real(a), Some(Value::Real(b))) if a.shape == b.shape => {
                let Ok(s) = scale.real(name) else { return false };
                (0..a.data.len())
                    .any(|k| (a.data[k] - b.data[k]).mignitude() > 4.0 * unit * s.data[k].magnitude() + f64::from(f32::MIN_POSITIVE))
            }
            _ => true,
        })
    };
    let mut all = Vec::new();
    if moves(&right.map(|x| x + x)) {
        all.push(flag("Factor", "CONVENTION", "the result is not 0: a factor ½, 2, 1/n or ln 2 shows"));
    }
    for (flag, mistaken) in mistakes(entry, case) {
        if !all.contains(&flag) && entry.eval_in(Number::F64, &mistaken).is_ok_and(|y| moves(&y)) {
            all.push(flag);
        }
    }
    all
}

/// The case as someone would ask it who makes one mistake.
fn mistakes(entry: &dyn Entry, case: &Case) -> Vec<(Flag, Case)> {
    let spec = entry.spec();
    let mut all = Vec::new();
    let squared = |name: Option<&str>| spec.presets.iter().any(|p| Some(p.name) == name && p.eps_means_eps2);
    if let (true, Ok((name, x))) = (spec.distortion, case.distortion(false)) {
        let mut other = case.clone();
        other.params.retain(|(n, _)| n != name);
        let says = "ε where ε² is meant, or ε² where ε is";
        // With a preset that refuses `eps`, ε = eps2 is asked for as ε² = eps2².
        let (name, x) = match (name, squared(case.preset.as_deref())) {
            ("eps", _) => ("eps2", x),
            (_, false) => ("eps", x),
            (_, true) => ("eps2", x * x),
        };
        all.push((flag("EpsSquared", "CONVENTION", says), other.set(name, x)));
    }
    for name in std::iter::once("paper").chain(spec.presets.iter().map(|p| p.name)) {
        if case.preset.as_deref().unwrap_or("paper") != name {
            let mut other = case.clone().preset(name);
            if let (true, Some(eps)) = (squared(Some(name)), case.number("eps")) {
                other.params.retain(|(n, _)| n != "eps");
                other = other.set("eps2", eps * eps);
            }
            let doc = spec.presets.iter().find(|p| p.name == name).map_or("the form of the paper", |p| p.doc);
            all.push((flag(format!("Not:{name}"), "CONVENTION", format!("tells this form from `{name}`: {doc}")), other));
        }
    }
    for param in spec.params {
        let others: Vec<Setting> = match param.domain {
            Range::Word(words) => words.iter().map(|w| Setting::Word(w.to_string())).collect(),
            Range::Flag => vec![Setting::Number(0.0), Setting::Number(1.0)],
            _ => param.samples.iter().copied().chain(param.default).map(Setting::Number).collect(),
        };
        let now = case.params.iter().find(|(n, _)| n == param.name).map(|(_, s)| s.clone());
        for setting in others.into_iter().filter(|s| Some(s) != now.as_ref()).take(3) {
            let mut other = case.clone();
            other.params.retain(|(n, _)| n != param.name);
            other.params.push((param.name.into(), setting));
            all.push((
                flag(format!("Parameter:{}", param.name), "PARAMETER", format!("`{}` ignored, or fixed at another value", param.name)),
                other,
            ));
        }
    }
    for port in spec.inputs {
        let Some(value) = case.inputs.get(port.name) else { continue };
        let name = port.name;
        if port.optional {
            let mut other = case.clone();
            other.inputs.remove(name);
            all.push((flag(format!("Input:{name}"), "PARAMETER", format!("the optional input `{name}` ignored")), other));
        }
        let (Value::Real(t), Domain::Real) = (value, port.domain) else { continue };
        let with = |data: Vec<Ball>| case.clone().input(name, Tensor { shape: t.shape.clone(), data });
        all.push((
            flag(format!("Sign:{name}"), "BASIC", format!("the sign of `{name}` lost or flipped")),
            with(t.data.iter().map(|&x| -x).collect()),
        ));
        let [.., rows, cols] = t.shape[..] else { continue };
        if rows * cols == 0 {
            continue;
        }
        let blocks = |place: &dyn Fn(usize, usize) -> usize| -> Vec<Ball> {
            t.data
                .chunks(rows * cols)
                .flat_map(|b| (0..rows * cols).map(move |k| b[place(k / cols, k % cols)]).collect::<Vec<_>>())
                .collect()
        };
        let says = format!("the rows of `{name}` in another order");
        all.push((flag(format!("RowOrder:{name}"), "LAYOUT", says), with(blocks(&|i, j| (rows - 1 - i) * cols + j))));
        let says =
            format!("`{name}` read in the other memory order (column by column), its shape kept: what a writer does that ignores strides");
        all.push((
            flag(format!("MemoryOrder:{name}"), "LAYOUT", says),
            with(blocks(&|i, j| (i * cols + j) % rows * cols + (i * cols + j) / rows)),
        ));
        if rows == cols && rows > 1 {
            all.push((
                flag(format!("Transposed:{name}"), "LAYOUT", format!("`{name}` transposed, which its shape does not show")),
                with(blocks(&|i, j| j * cols + i)),
            ));
        }
    }
    all
}
