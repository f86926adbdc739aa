//! Logged numbers explained without the data.

use super::report::{Report, percent, rough, show};
use crate::data::Json;
use crate::reduction::diagnosis::Format;
use crate::reduction::simdino::ExpansionRange;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `m=…,N=…,…` with each name at most once.
struct Settings<'a>(Vec<(&'a str, f64)>);

const NAMES: &[&str] = &["m", "N", "d", "eps2", "summed", "expa", "comp", "loss", "coeff"];

impl<'a> Settings<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let mut out: Vec<(&str, f64)> = Vec::new();
        for part in text.split(',').filter(|p| !p.trim().is_empty()) {
            let (name, value) = part
                .split_once('=')
                .map(|(n, v)| (n.trim(), v.trim()))
                .ok_or_else(|| Error::usage("--log", "name=value, separated by commas", format!("`{}`", part.escape_default())))?;
            if name == "eps" {
                let hint = format!("eps2={value}: what the SimDINO code calls eps stands where ε² does");
                return Err(Error::usage("--log", hint, format!("eps={}", value.escape_default())).named("InvalidDistortion"));
            }
            if !NAMES.contains(&name) {
                return Err(Error::usage("--log", format!("names among {}", NAMES.join(", ")), format!("`{}`", name.escape_default())));
            }
            if out.iter().any(|(n, _)| *n == name) {
                return Err(Error::usage(format!("--log {name}"), "one value", "two"));
            }
            let number = value.parse().ok().filter(|x: &f64| x.is_finite());
            out.push((
                name,
                number.ok_or_else(|| Error::usage(format!("--log {name}"), "a finite number", format!("`{}`", value.escape_default())))?,
            ));
        }
        Ok(Settings(out))
    }
    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, x)| *x)
    }
    fn count(&self, name: &str) -> Result<Option<usize>> {
        match self.get(name) {
            Some(x) if x >= 1.0 && x == x.trunc() && x < 9e15 => Ok(Some(x as usize)),
            Some(x) => Err(Error::domain(format!("--log {name}"), "a whole number from 1 on", x.to_string())),
            None => Ok(None),
        }
    }
}

/// Errors: `Usage` for names that are none, `Domain` for sizes that cannot be.
pub fn explain(text: &str) -> Result<Report> {
    let s = Settings::parse(text)?;
    let mut report = Report::default();
    let sizes = [s.count("m")?, s.count("d")?].into_iter().collect::<Option<Vec<_>>>();
    let processes = s.count("N")?.unwrap_or(1);
    let summed = match s.get("summed") {
        None | Some(0.0) => false,
        Some(1.0) => true,
        Some(x) => return Err(Error::domain("--log summed", "0 or 1", x.to_string())),
    };
    let mut known = constant(s.get("loss"), &mut report);
    match (sizes, s.get("eps2")) {
        (Some(sizes), Some(eps2)) => {
            let setting = Setting { m: sizes[0], d: sizes[1], processes, summed, eps2 };
            let coeff = s.get("coeff").unwrap_or(1.0);
            run(&setting, s.get("expa"), s.get("comp"), s.get("loss").filter(|_| !known), coeff, &mut report)?;
            known = true;
        }
        (None, None) if known || s.get("loss").is_some() => {}
        _ => {
            return Err(Error::usage(
                "--log",
                "m, d and eps2 (and N if there is more than one process), or a loss alone",
                format!("`{}`", text.escape_default()),
            ));
        }
    }
    if !known {
        report.line("loss", format!("{} is no constant that this knows", show(s.get("loss").unwrap_or(0.0))));
        report.say("With m=, N=, d= and eps2= the loss can be held against its range.");
    }
    Ok(report)
}

/// Is a loss the entropy of a uniform guess? That of self-distillation over K prototypes that has collapsed to uniform outputs is ln K.
fn constant(loss: Option<f64>, report: &mut Report) -> bool {
    let Some(loss) = loss else { return false };
    let sizes = (1..=20).map(|j| 1u64 << j).chain([10, 100, 1000, 10_000, 21_841, 50_257, 49_152, 98_304]);
    // As far as f32 sums of so many terms go, and the digits of a short log.
    let slack = |x: f64| if (loss * 1e4).round() == loss * 1e4 { 5.0001e-5 } else { 8.0 * 2f64.powi(-24) * x };
    let found = sizes.map(|k| (k, Scalar::ln(k as f64))).find(|(_, x)| (loss - x).abs() <= slack(*x));
    let Some((k, x)) = found else { return false };
    report.line("loss", format!("{loss} = ln {k} = {x:.9}, to {:.1e}", (loss - x).abs()));
    report.field("uniform_over", Json::integer(k as i64));
    report.say(format!("The loss is the entropy of a uniform guess over {k} prototypes or classes: the outputs do not depend on the input. A loss stuck there has collapsed."));
    true
}

struct Setting {
    m: usize,
    d: usize,
    processes: usize,
    summed: bool,
    eps2: f64,
}

impl Setting {
    fn range(&self) -> Result<ExpansionRange<f64>> {
        ExpansionRange::new(self.m, self.d, self.processes, self.summed, self.eps2)
    }
    fn words(&self) -> String {
        let sums = if self.processes == 1 {
            ""
        } else if self.summed {
            ", covariances summed"
        } else {
            ", covariances not summed"
        };
        format!("{} × {}{sums}", self.processes, self.m)
    }
}

fn run(setting: &Setting, expa: Option<f64>, comp: Option<f64>, loss: Option<f64>, coeff: f64, report: &mut Report) -> Result<()> {
    let r = setting.range()?;
    let (low, high) = (r.gamma * r.collapsed, r.gamma * r.ceiling);
    let Setting { d, eps2, .. } = *setting;
    report.line("run", format!("{} rows, d = {d}, ε² = {}", setting.words(), show(eps2)));
    report.line(
        "expansion",
        format!("γR from {} (collapsed) to {} (ceiling: {} equal directions), γ = {}", show(low), show(high), r.rank, show(r.gamma)),
    );
    for (name, x) in [("collapsed", low), ("ceiling", high), ("gamma", r.gamma), ("condition", r.condition)] {
        report.field(name, Json::real(x));
    }
    report.field("directions", Json::integer(r.rank as i64));
    let mut collapsed = false;
    if let Some(x) = expa {
        let slack = if x.abs() < 1.0 { 5.1e-5 } else { 5.1e-5 * x.abs() };
        let share = r.share(x);
        report.field("expa", Json::real(x));
        report.field("share_of_ceiling", Json::real(share));
        report.line("expa", format!("{x} = {} of the ceiling", percent(share)));
        if (x - low).abs() <= slack && r.rank > 1 {
            collapsed = true;
            report.say(format!("COLLAPSE: {x} is the value of rows that are all equal up to sign, {}. The rank is one.", show(low)));
        } else if x < low - slack || x > high + slack {
            report.say(format!("{x} is outside the legal range from {} to {}: rows are not of length 1, or m, N, d, eps2 or the summing are not those of the run.", show(low), show(high)));
            others(setting, x, report)?;
        } else {
            let words = if share > 0.9 {
                "normal, near the ceiling"
            } else if share > 0.6 {
                "normal"
            } else {
                "low: few directions are in use"
            };
            report.say(format!("{x} is {} of the ceiling {}: {words}.", percent(share), show(high)));
        }
    }
    if let Some(c) = comp {
        if !(-1.001..=1.001).contains(&c) {
            report.say(format!("comp = {c} is no mean cosine: it lies between −1 and 1."));
        } else if c > 0.9999 {
            report.say(format!(
                "comp = {c}: views agree completely{}.",
                if collapsed { ", as they do when every row is the same" } else { "" }
            ));
        }
        report.field("comp", Json::real(c));
        report.line("comp", format!("{c} (the mean cosine between views, −1 to 1)"));
    }
    let implied = expa.zip(comp).map(|(e, c)| -coeff * c - e);
    let (worst, best) = (coeff, -coeff - high);
    report.line(
        "loss",
        format!(
            "from {} to {} at coefficient {coeff}{}",
            show(best),
            show(worst),
            implied.map_or(String::new(), |x| format!("; comp and expa give {}", show(x)))
        ),
    );
    report.field("loss_range", Json::Array(vec![Json::real(best), Json::real(worst)]));
    if let Some(x) = loss {
        let legal = (best - 1e-4..=worst + 1e-4).contains(&x);
        report.say(if legal {
            format!("A loss of {x} is legal: it is negative once views agree.")
        } else {
            format!("A loss of {x} is outside its range.")
        });
    }
    report.field("collapsed_run", Json::Bool(collapsed));
    precision(&r, report);
    shards(setting, high, report)
}

fn precision(r: &ExpansionRange<f64>, report: &mut Report) {
    let top = r.condition - 1.0;
    let safe = |f: Format| top < 0.5 / f.unit_roundoff();
    let words: Vec<String> = Format::ALL
        .iter()
        .map(|&f| format!("{} {} ({})", f.name(), if safe(f) { "safe" } else { "at risk" }, rough(0.5 / f.unit_roundoff() / top)))
        .collect();
    report.line("precision", format!("covariance kept in {}; condition at most {}", words.join(", "), show(r.condition)));
    report.field("safe", Json::object(Format::ALL.map(|f| (f.name(), Json::Bool(safe(f))))));
    if !safe(Format::F16) {
        report.say("A covariance rounded to f16 may lose positive definiteness as rows align (the loss is then NaN): cast the features to f32 before the product. A smaller eps makes this worse, and so does summing covariances.");
    }
}

/// The same global batch split otherwise.
fn shards(setting: &Setting, high: f64, report: &mut Report) -> Result<()> {
    let all = setting.m * setting.processes;
    let mut fields = Vec::new();
    report.line("sharding", format!("the same {all} rows otherwise:"));
    for summed in [false, true] {
        for processes in (0..8).map(|j| 1usize << j).filter(|p| all.is_multiple_of(*p) && all / p > 1) {
            if summed && processes > 1 {
                break;
            }
            let other = Setting { m: all / processes, processes, summed, ..*setting };
            let ceiling = {
                let r = other.range()?;
                r.gamma * r.ceiling
            };
            let name = if summed { "summed, any split".to_string() } else { format!("{processes} × {}", other.m) };
            let mark = if other.m == setting.m && other.summed == setting.summed { "  ← this run" } else { "" };
            if !(summed && all == setting.m) {
                report.line("", format!("{name:<18} ceiling {:<9} this run has ×{}{mark}", show(ceiling), rough(high / ceiling)));
            }
            fields.push(Json::object([
                ("processes", Json::integer(processes as i64)),
                ("rows", Json::integer(other.m as i64)),
                ("summed", Json::Bool(summed)),
                ("ceiling", Json::real(ceiling)),
                ("factor", Json::real(high / ceiling)),
            ]));
        }
    }
    report.field("sharding", Json::Array(fields));
    if setting.processes > 1 && !setting.summed {
        report.say(format!(
            "Covariances are not summed: the effective ε² is N ε² = {}. The same global batch on another number of processes has another range; compare shares of the ceiling, not values.",
            show(setting.eps2 * setting.processes as f64)
        ));
    }
    Ok(())
}

/// Other settings whose range has the value.
fn others(setting: &Setting, x: f64, report: &mut Report) -> Result<()> {
    let mut found = Vec::new();
    for processes in (0..8).map(|j| 1usize << j) {
        for summed in [false, true] {
            let other = Setting { processes, summed, ..*setting };
            let r = other.range()?;
            if (r.gamma * r.collapsed..=r.gamma * r.ceiling).contains(&x) && !(summed && processes == 1) {
                found.push(format!("{} ({} of its ceiling)", other.words(), percent(r.share(x))));
            }
        }
    }
    found.truncate(6);
    if !found.is_empty() {
        report.line("", format!("would be legal for {}", found.join("; ")));
    }
    Ok(())
}
