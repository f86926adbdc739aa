//! The user's own number held against every definition in use.

use super::features::plain_gram;
use super::input::Input;
use super::report::{Report, rough, show};
use crate::coding::{Distortion, coding_rate};
use crate::data::Json;
use crate::linalg::{Matrix, log_det_i_plus};
use crate::oracle::{Case, Number, Tensor, Values, find};
use crate::reduction::simdino::ExpansionRange;
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// Something a code may have computed.
struct Candidate {
    /// What it is.
    name: String,
    value: f64,
    /// How far from the plain definition: less is preferred.
    steps: usize,
}

/// Which candidates equal VALUE, to its digits. `false` if none does. Errors: `Usage` unless it is a finite number.
pub fn compare(text: &str, input: &Input, report: &mut Report) -> Result<bool> {
    let mine: f64 = text
        .trim()
        .parse()
        .ok()
        .filter(|x: &f64| x.is_finite())
        .ok_or_else(|| Error::usage("--mine", "a finite number", format!("`{}`", text.escape_default())))?;
    let mut all = candidates(input)?;
    let slack = unit_of(text.trim()) * 0.5000001 + mine.abs() * 2f64.powi(-19);
    all.retain(|c| c.value.is_finite());
    // Stable: among equals the operator named first in the catalog comes first.
    all.sort_by_key(|c| c.steps);
    let equal: Vec<&Candidate> = all.iter().filter(|c| (c.value - mine).abs() <= slack).collect();
    let fields = equal.iter().map(|c| Json::object([("name", Json::text(&c.name)), ("value", Json::real(c.value))])).collect();
    let found = !equal.is_empty();
    if let Some(first) = equal.first() {
        report.line("mine", format!("{text} equals {} = {}", first.name, show(first.value)));
        for other in equal.iter().skip(1).filter(|c| c.steps <= first.steps + 1).take(4) {
            report.line("", format!("also {} = {}", other.name, show(other.value)));
        }
        report.say(format!(
            "Your {text} is {}{}.",
            first.name,
            if first.steps == 0 { "" } else { ", not R or ΔR as the papers define them at this distortion" }
        ));
    } else {
        report.line("mine", format!("{text} equals none of the {} definitions tried; nearest:", all.len()));
        all.sort_by(|a, b| (a.value - mine).abs().total_cmp(&(b.value - mine).abs()));
        for near in all.iter().take(3) {
            let factor = if near.value == 0.0 { String::new() } else { format!(", yours is ×{}", rough(mine / near.value)) };
            report.line("", format!("{} = {}{factor}", near.name, show(near.value)));
        }
        report.say("Your number is none that the known codes compute from these features. Check that features, labels and ε are those of the run, and whether rows were normalised first.");
    }
    report.field("mine", Json::object([("value", Json::real(mine)), ("equals", Json::Array(fields))]));
    Ok(found)
}

/// One unit in the last digit as written.
fn unit_of(text: &str) -> f64 {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let places = digits.split_once('.').map_or(0, |(_, after)| after.len()) as i32;
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // An integer may be all that was kept of a count of nats; it stands for itself.
    if places == 0 && exponent == 0 { 0.0 } else { format!("1e{}", exponent - places).parse().unwrap_or(0.0) }
}

/// Values of every operator, preset and reading of the number after --eps, then the usual slips.
fn candidates(input: &Input) -> Result<Vec<Candidate>> {
    let (z, (given, e)) = (&input.z, input.given);
    let (n, d) = (z.rows() as f64, z.cols() as f64);
    let mut inputs = Values::new().with("z", z.cast::<Ball>());
    let operators: &[&str] = if let Some(labels) = &input.labels {
        let data = labels.iter().map(|&l| l as i64).collect();
        inputs.set("labels", Tensor::new(vec![labels.len()], data)?);
        &["coding_rate", "rate_reduction", "conditional_rate", "mcr2_loss"]
    } else if let Some(m) = &input.soft {
        inputs.set("pi", Matrix::from_fn(z.rows(), m.class_count(), |i, k| Ball::exact(m.weight(i, k))));
        &["coding_rate", "rate_reduction", "conditional_rate", "mcr2_loss"]
    } else {
        &["coding_rate"]
    };
    let mut plain = Vec::new();
    for name in operators {
        let entry = find(name)?;
        let presets = std::iter::once(("paper", false)).chain(entry.spec().presets.iter().map(|p| (p.name, p.eps_means_eps2)));
        for (preset, squared) in presets {
            for reading in ["eps", "eps2"] {
                if squared && reading == "eps" {
                    continue;
                }
                let mut own = inputs.clone();
                if *name == "coding_rate" {
                    drop((own.remove("labels"), own.remove("pi")));
                }
                let mut case = Case::new(own).set(reading, e);
                if preset != "paper" {
                    case = case.preset(preset);
                }
                // A preset that refuses these features (a zero row, say) is not what was computed.
                let Ok(out) = entry.eval_in(Number::F64, &case) else { continue };
                for (port, value) in out.reals() {
                    let what = if port == "value" { name.to_string() } else { format!("{name}, {port}") };
                    let preset = if preset == "paper" { String::new() } else { format!(" under {preset}") };
                    let reading_text = if reading == given {
                        String::new()
                    } else {
                        format!(" with {e} read as {}", if reading == "eps2" { "ε²" } else { "ε" })
                    };
                    let steps = usize::from(reading != given) + usize::from(!preset.is_empty());
                    plain.push(Candidate { name: format!("{what}{preset}{reading_text}"), value: value.data[0].value(), steps });
                }
            }
        }
    }
    plain.extend(slips(input, n, d)?);
    let mut all = Vec::new();
    let two = Scalar::ln(2.0f64);
    for c in plain {
        for (suffix, factor) in [
            ("with the sign of a loss", -1.0),
            ("in bits", 1.0 / two),
            ("without the ½", 2.0),
            ("summed over samples", n),
            ("divided by d", 1.0 / d),
        ] {
            all.push(Candidate { name: format!("{}, {suffix}", c.name), value: c.value * factor, steps: c.steps + 1 });
        }
        all.push(c);
    }
    Ok(all)
}

/// What goes wrong most often, at the distortion of the call.
fn slips(input: &Input, n: f64, d: f64) -> Result<Vec<Candidate>> {
    let (z, e2) = (&input.z, input.eps2);
    let gram = plain_gram(z);
    let at = |alpha: f64| -> Result<f64> { Ok(log_det_i_plus(&gram.scale(alpha))? / 2.0) };
    let mut out = vec![
        Candidate { name: "R with n and d exchanged in α".into(), value: at(n / (d * e2))?, steps: 2 },
        Candidate { name: "R with α = 1/ε²".into(), value: at(1.0 / e2)?, steps: 2 },
        Candidate { name: "R with α = 1/(nε²)".into(), value: at(1.0 / (n * e2))?, steps: 2 },
        Candidate { name: "R with α = d/ε²".into(), value: at(d / e2)?, steps: 2 },
    ];
    let mean: Vec<f64> = (0..z.cols()).map(|j| <f64 as crate::scalar::Bulk>::sum(&z.col(j)) / n).collect();
    let centred = Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] - mean[j]);
    out.push(Candidate { name: "R of the centred features".into(), value: coding_rate(&centred, Distortion::Eps2(e2))?, steps: 2 });
    // The expansion term of one view: γ R, over the processes that divide the rows.
    for processes in [1usize, 2, 4, 8, 16, 32] {
        if z.rows() % processes != 0 {
            continue;
        }
        let m = z.rows() / processes;
        let first: Vec<usize> = (0..m).collect();
        for (readable, eps2) in [("", e2), (" with the number read as ε²", input.given.1)] {
            if !readable.is_empty() && input.given.0 == "eps2" {
                continue;
            }
            let gamma = ExpansionRange::new(m, z.cols(), processes, false, eps2)?.gamma;
            let rate = coding_rate(&z.select_rows(&first)?, Distortion::Eps2(eps2 * processes as f64))?;
            let on = if processes == 1 {
                "one process".to_string()
            } else {
                format!("the first of {processes} processes, covariances not summed")
            };
            out.push(Candidate { name: format!("simdino-repo's expansion term on {on}{readable}"), value: gamma * rate, steps: 1 });
        }
    }
    Ok(out)
}
