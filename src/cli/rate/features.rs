//! The diagnosis of a feature matrix.

use super::input::Input;
use super::report::{Report, bytes, percent, rough, show};
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::data::Json;
use crate::linalg::Matrix;
use crate::reduction::diagnosis::{Headroom, RowFacts, Spectrum, Standing, headroom, smallest_pivot};
use crate::reduction::optimum::optimum;
use crate::reduction::{Membership, RateReduction};
use crate::scalar::{Ball, Scalar};

/// The largest side whose rate is certified and whose rounded Gram matrix is decomposed.
const CERTIFIED: usize = 256;
/// A share of the energy in one direction that means collapse.
const COLLAPSED: f64 = 0.99;

pub fn diagnose(input: &Input) -> Result<Report> {
    let mut report = Report::default();
    let rows = RowFacts::of(&input.z);
    of_rows(input, &rows, &mut report);
    let spectrum = Spectrum::of(&input.z)?;
    let standing = spectrum.at(input.eps2)?;
    of_rate(input, &rows, &spectrum, &standing, &mut report)?;
    of_spectrum(&spectrum, &standing, &mut report);
    ladder(&spectrum, input.eps2, &mut report)?;
    precision(input, &rows, &standing, &mut report)?;
    if let Some(labels) = &input.labels {
        classes(input, labels, &rows, &standing, &mut report)?;
    }
    if let Some(membership) = &input.soft {
        let rates = RateReduction::new(Distortion::Eps2(input.eps2));
        let (conditional, reduction) = (rates.conditional(&input.z, membership)?, rates.value(&input.z, membership)?);
        report.line("classes", format!("R_c = {conditional:?}   ΔR = {reduction:?}"));
        report.line("", format!("{} columns of weights; 0 ≤ ΔR ≤ R = {}", membership.class_count(), show(standing.rate)));
        report.field("conditional", Json::real(conditional));
        report.field("reduction", Json::real(reduction));
        report.say("The weights of every sample sum to 1, so ΔR cannot be negative: a negative one elsewhere is rounding, or other constants in the two terms.");
    }
    sharding(input, &spectrum, &standing, &mut report)?;
    memory(input, &mut report);
    Ok(report)
}

fn numbers(x: &[f64]) -> Json {
    Json::Array(x.iter().map(|&x| Json::real(x)).collect())
}
fn integer(x: usize) -> Json {
    Json::integer(x as i64)
}

fn of_rows(input: &Input, rows: &RowFacts, report: &mut Report) {
    let (n, d) = (input.z.rows(), input.z.cols());
    report.line("input", format!("{}  {} {n} × {d}, ε² = {}", input.path, input.dtype, show(input.eps2)));
    let kind = rows.unit.map_or("not normalised".to_string(), |f| format!("normalised, to {f} rounding"));
    let (least, most) = rows.range;
    report.line("rows", format!("length {} on average, {} to {}: {kind}", show(rows.mean), show(least), show(most)));
    report.line("", format!("{} zero, {} below 1e-12, {} repeat an earlier row", rows.zero, rows.tiny, rows.repeated));
    report.field(
        "input",
        Json::object([("file", Json::text(&input.path)), ("dtype", Json::text(input.dtype)), ("n", integer(n)), ("d", integer(d))]),
    );
    report.field("eps2", Json::real(input.eps2));
    report.field(
        "rows",
        Json::object([
            ("mean", Json::real(rows.mean)),
            ("least", Json::real(least)),
            ("greatest", Json::real(most)),
            ("zero", integer(rows.zero)),
            ("tiny", integer(rows.tiny)),
            ("repeated", integer(rows.repeated)),
            ("normalised", rows.unit.map_or(Json::Null, Json::text)),
        ]),
    );
    if rows.zero + rows.tiny == n {
        report.say("Every row is zero or nearly so: R is 0 and so is its gradient. That is a saddle which no gradient step leaves; look for the first layer that returns zeros, or a division of 0 by 0.");
    } else if rows.zero > 0 {
        report.say(format!(
            "{} rows are zero. Code that divides rows by their length makes NaN of them (CRATE's coding_rate.py does), and clamped lengths hide them.",
            rows.zero
        ));
    }
    if rows.repeated > 0 {
        report.say(format!(
            "{} rows repeat earlier ones: R does not mind, but a nearest-neighbour entropy term (KoLeo) is infinite there.",
            rows.repeated
        ));
    }
    if rows.unit.is_none() && rows.zero < n {
        report.say("The rows are not normalised: R grows with their scale without bound, and values cannot be held against those of codes that normalise.");
    }
}

fn of_rate(input: &Input, rows: &RowFacts, spectrum: &Spectrum, at: &Standing, report: &mut Report) -> Result<()> {
    let rate = coding_rate(&input.z, Distortion::Eps2(input.eps2))?;
    let mut certified = Json::Null;
    let mut enclosed = String::new();
    if input.z.rows().min(input.z.cols()) <= CERTIFIED {
        let e2 = match input.given {
            ("eps", e) => Distortion::Eps(Ball::exact(e)),
            (_, e2) => Distortion::Eps2(Ball::exact(e2)),
        };
        let ball = coding_rate(&input.z.cast::<Ball>(), e2)?;
        enclosed = ball.to_text();
        certified = Json::text(&enclosed);
    }
    report.line("rate", format!("R = {rate:?} nats a sample ({} bits)", show(rate / Scalar::ln(2.0f64))));
    if !enclosed.is_empty() {
        report.line("", format!("certified {enclosed}"));
    }
    let share = if at.ceiling > 0.0 { rate / at.ceiling } else { 0.0 };
    let q = spectrum.sigma.len();
    report.line("range", format!("collapsed {} ≤ R ≤ {} ceiling: {} of the ceiling", show(at.floor), show(at.ceiling), percent(share)));
    let limit = if input.z.rows() < input.z.cols() { "rows" } else { "features" };
    report.line("", format!("the ceiling is {q} equal directions ({q} {limit})"));
    report.field("rate", Json::real(rate));
    report.field("certified", certified);
    report.field("floor", Json::real(at.floor));
    report.field("ceiling", Json::real(at.ceiling));
    report.field("share_of_ceiling", Json::real(share));
    let top = spectrum.top_share();
    let collapsed = top > COLLAPSED;
    report.field("top_share", Json::real(top));
    report.field("collapsed", Json::Bool(collapsed));
    report.line(
        "collapse",
        format!(
            "{}: {} of the energy in one direction (a flat spectrum has {})",
            if collapsed { "YES" } else { "no" },
            percent(top),
            percent(1.0 / q as f64)
        ),
    );
    if collapsed && q > 1 && rows.zero < input.z.rows() {
        report.say("COLLAPSE: nearly all rows lie on one line, and R is at its least for this energy. Expansion still pushes away from here for distinct rows; if it does not, ε² is too large or the coefficient of agreement too high.");
    } else if q > 1 && at.ceiling > 0.0 {
        let standing = if share > 0.9 {
            "close to evenly spread"
        } else if share > 0.5 {
            "between collapse and an even spread"
        } else {
            "far from an even spread"
        };
        report.say(format!(
            "R stands at {} of its ceiling: {standing}. Negative rates or determinants below 1 would be rounding, never mathematics.",
            percent(share)
        ));
    }
    Ok(())
}

fn of_spectrum(spectrum: &Spectrum, at: &Standing, report: &mut Report) {
    let (rank, q) = (spectrum.rank(), spectrum.sigma.len());
    report.line("spectrum", format!("rank {rank} of {q}; {} directions count (ασ² > 1), {} effectively", at.counting, rough(at.effective)));
    let shown: Vec<String> = spectrum.sigma.iter().take(8).map(|&s| rough(s)).collect();
    report.line(
        "",
        format!("σ = {}{}", shown.join(", "), if q > 8 { format!(", …, {}", rough(spectrum.sigma[q - 1])) } else { String::new() }),
    );
    report.line("", format!("condition of I + αZᵀZ {} (at most {})", show(at.condition), show(at.condition_bound)));
    report.field("rank", integer(rank));
    report.field("sigma", numbers(&spectrum.sigma));
    report.field("counting", integer(at.counting));
    report.field("effective", Json::real(at.effective));
    report.field("condition", Json::real(at.condition));
    report.field("condition_bound", Json::real(at.condition_bound));
    if at.counting == 0 && spectrum.energy() > 0.0 {
        report.say("No direction counts at this ε²: the distortion is larger than the data, R is nearly α‖Z‖²/2, and the objective sees only lengths. Take a smaller ε².");
    } else if at.counting == rank && rank == q && at.condition < 2.0 {
        report.say("Every direction counts, and alike.");
    }
}

/// R and what it rests on over ε², four apart.
fn ladder(spectrum: &Spectrum, eps2: f64, report: &mut Report) -> Result<()> {
    report.line(
        "ladder",
        format!("{:>12} {:>10} {:>10} {:>7} {:>11} {:>9} {:>9}", "ε²", "R", "ceiling", "count", "condition", "f16", "bf16"),
    );
    let mut rungs = Vec::new();
    for step in -3..=3 {
        let Ok(at) = spectrum.at(eps2 * Scalar::powi(4.0f64, step)) else { continue };
        let [_, f16, bf16] = headroom(at.gram);
        let mark = if step == 0 { " ←" } else { "" };
        report.line(
            "",
            format!(
                "{:>12} {:>10} {:>10} {:>7} {:>11} {:>9} {:>9}{mark}",
                show(at.eps2),
                show(at.rate),
                show(at.ceiling),
                at.counting,
                rough(at.condition),
                rough(f16.headroom),
                rough(bf16.headroom)
            ),
        );
        rungs.push(Json::object([
            ("eps2", Json::real(at.eps2)),
            ("rate", Json::real(at.rate)),
            ("ceiling", Json::real(at.ceiling)),
            ("counting", integer(at.counting)),
            ("condition", Json::real(at.condition)),
            ("headroom_f16", Json::real(f16.headroom)),
            ("headroom_bf16", Json::real(bf16.headroom)),
        ]));
    }
    report.field("ladder", Json::Array(rungs));
    Ok(())
}

fn precision(input: &Input, rows: &RowFacts, at: &Standing, report: &mut Report) -> Result<()> {
    let z = &input.z;
    let gram = (z.rows().min(z.cols()) <= CERTIFIED).then(|| if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() });
    let mut fields = Vec::new();
    let mut first_safe: Option<Headroom> = None;
    for (i, h) in headroom(at.gram).into_iter().enumerate() {
        let found = gram.as_ref().map(|g| smallest_pivot(g, at.alpha, h.format)).transpose()?;
        let verdict = if h.certified() { "certified" } else { "not certified" };
        let measured = match found {
            None => String::new(),
            Some(None) => "; overflows".into(),
            Some(Some(x)) => format!("; smallest eigenvalue when rounded {} (exactly at least 1)", show(x)),
        };
        report.line(
            if i == 0 { "precision" } else { "" },
            format!("Gram in {:<4} headroom {} ({verdict}){measured}", h.format.name(), rough(h.headroom)),
        );
        let smallest = found.flatten().map_or(Json::Null, Json::real);
        fields.push((
            h.format.name(),
            Json::object([
                ("headroom", Json::real(h.headroom)),
                ("certified", Json::Bool(h.certified())),
                ("smallest_eigenvalue", smallest),
            ]),
        ));
        if h.certified() {
            first_safe = Some(h);
        } else {
            let broken = matches!(found, Some(None)) || found.flatten().is_some_and(|x| x <= 0.0);
            if broken {
                report.say(format!(
                    "In {} the rounded I + αG is no longer positive definite: a Cholesky factor or log-determinant of it is NaN. Cast the features to a wider type before the product ZᵀZ; casting the Gram matrix afterwards is too late.",
                    h.format.name()
                ));
            }
        }
    }
    report.field("precision", Json::object(fields));
    if let Some(h) = first_safe {
        let narrowest = headroom(at.gram).into_iter().rev().find(Headroom::certified).unwrap_or(h);
        report.say(format!(
            "The narrowest format in which a rounded Gram matrix surely stays positive definite is {}. Rounded features are harmless; a smaller ε² makes the margin smaller, not larger.",
            narrowest.format.name()
        ));
    } else if at.gram.is_finite() {
        report.say("No narrow format is certain to keep I + αG positive definite: form the Gram matrix and factor it in f64.");
    }
    if rows.unit.is_some() {
        let top = input.z.cols() as f64 / input.eps2;
        report.line("", format!("for any unit rows: d/ε² = {} (below 128 is safe in bf16, 1024 in f16, 8388608 in f32)", show(top)));
    }
    Ok(())
}

fn classes(input: &Input, labels: &[usize], rows: &RowFacts, at: &Standing, report: &mut Report) -> Result<()> {
    let (z, d) = (&input.z, input.z.cols());
    let distortion = Distortion::Eps2(input.eps2);
    let membership = Membership::from_labels(labels.to_vec())?;
    let rates = RateReduction::new(distortion);
    let (conditional, reduction) = (rates.conditional(z, &membership)?, rates.value(z, &membership)?);
    let classes = membership.classes();
    let counts: Vec<usize> = classes.iter().map(|c| c.rows.len()).collect();
    let best = optimum(&counts, d, None, distortion)?;
    // The bound asks for ‖Z_k‖² ≤ n_k; rounding of unit rows is within its last digits.
    let bounded = classes
        .iter()
        .all(|c| c.rows.iter().map(|&i| rows.lengths[i] * rows.lengths[i]).fold(0.0, |s, x| s + x) <= c.rows.len() as f64 * 1.01);
    let bound = if bounded && best.bound < at.rate { best.bound } else { at.rate };
    let share = if bound > 0.0 { reduction / bound } else { 0.0 };
    report.line("classes", format!("R_c = {conditional:?}   ΔR = {reduction:?}"));
    let why = if bound < at.rate { "no unit rows with these class sizes do better" } else { "R itself" };
    report.line("", format!("0 ≤ ΔR ≤ {} ({why}): {} of it", show(bound), percent(share)));
    report.line("", format!("{:>5} {:>7} {:>10} {:>5} {:>6} {:>8}  σ", "class", "rows", "R", "rank", "count", "first"));
    let mut fields = Vec::new();
    let mut on_a_line = Vec::new();
    for class in &classes {
        let own = Spectrum::of(&z.select_rows(&class.rows)?)?;
        let standing = own.at(input.eps2)?;
        let sigma: Vec<String> = own.sigma.iter().take(5).map(|&s| rough(s)).collect();
        report.line(
            "",
            format!(
                "{:>5} {:>7} {:>10} {:>5} {:>6} {:>8}  {}{}",
                class.label,
                class.rows.len(),
                show(standing.rate),
                own.rank(),
                standing.counting,
                percent(own.top_share()),
                sigma.join(", "),
                if own.sigma.len() > 5 { ", …" } else { "" }
            ),
        );
        if own.top_share() > COLLAPSED && class.rows.len() > 1 {
            on_a_line.push(class.label.to_string());
        }
        fields.push(Json::object([
            ("label", integer(class.label)),
            ("rows", integer(class.rows.len())),
            ("rate", Json::real(standing.rate)),
            ("rank", integer(own.rank())),
            ("counting", integer(standing.counting)),
            ("top_share", Json::real(own.top_share())),
            ("sigma", numbers(&own.sigma)),
        ]));
    }
    report.field("conditional", Json::real(conditional));
    report.field("reduction", Json::real(reduction));
    report.field("reduction_bound", Json::real(bound));
    report.field("classes", Json::Array(fields));
    report.say(format!(
        "ΔR = {} is legal: for labels R_c never exceeds R, whatever the features. A negative ΔR, or a loss above 0, would mean memberships that count samples twice, or other constants in the two terms. A loss of {} is right: the loss is −ΔR.",
        show(reduction),
        show(-reduction)
    ));
    if classes.len() == 1 {
        report.say("There is one class: ΔR is 0 by definition.");
    } else if share < 0.01 {
        report.say("The classes have nearly the same second moments: coding them apart saves nothing. Mirror images count as the same.");
    }
    let skipped = labels.iter().max().map_or(0, |&l| l + 1).saturating_sub(classes.len());
    if skipped > 0 {
        report.say(format!("{skipped} labels below the greatest have no sample. They cost nothing here; codes that divide by the count of each class return NaN or add 1e-8."));
    }
    if !on_a_line.is_empty() {
        report.say(format!(
            "Each of the classes {} lies on one line: collapsed within, the opposite of what rate reduction aims at.",
            on_a_line.join(", ")
        ));
    }
    Ok(())
}

fn sharding(input: &Input, spectrum: &Spectrum, at: &Standing, report: &mut Report) -> Result<()> {
    let (n, d) = (input.z.rows(), input.z.cols());
    let wanted: Vec<usize> = match input.processes {
        Some(p) => vec![p],
        None => [2, 4, 8].into_iter().filter(|p| n % p == 0 && n / p > 1).collect(),
    };
    let mut fields = Vec::new();
    for (i, &p) in wanted.iter().enumerate() {
        let m = n / p;
        // Not summed, each process divides its own m rows by all n of them: ε² times N.
        let mut parts = Vec::with_capacity(p);
        for shard in 0..p {
            let rows: Vec<usize> = (shard * m..(shard + 1) * m).collect();
            parts.push(coding_rate(&input.z.select_rows(&rows)?, Distortion::Eps2(input.eps2 * p as f64))?);
        }
        let mean = <f64 as crate::scalar::Bulk>::sum(&parts) / p as f64;
        let ceiling = ceiling(spectrum.energy() / n as f64, m, d, input.eps2 * p as f64);
        let factor = |a: f64, b: f64| if b > 0.0 { a / b } else { 1.0 };
        report.line(
            if i == 0 { "sharding" } else { "" },
            format!(
                "{p} processes of {m} rows, covariances not summed: R {} (×{}), ceiling {} (×{}), effective ε² {}",
                show(mean),
                rough(factor(mean, at.rate)),
                show(ceiling),
                rough(factor(ceiling, at.ceiling)),
                show(input.eps2 * p as f64)
            ),
        );
        fields.push(Json::object([
            ("processes", integer(p)),
            ("rows", integer(m)),
            ("rate", Json::real(mean)),
            ("ceiling", Json::real(ceiling)),
            ("effective_eps2", Json::real(input.eps2 * p as f64)),
        ]));
    }
    report.field("sharding", Json::Array(fields));
    if input.processes.is_some_and(|p| p > 1) {
        report.say("Summed over processes the value does not depend on the split. Not summed (the default of the SimDINO code) ε² is multiplied by N, so values of runs on other numbers of processes cannot be compared. An all_reduce without a gradient leaves the value right and the gradient 1/N of the true one.");
    }
    Ok(())
}

/// The greatest rate of `rows` rows of this mean squared length.
fn ceiling(mean_square: f64, rows: usize, d: usize, eps2: f64) -> f64 {
    let q = rows.min(d) as f64;
    q / 2.0 * Scalar::log1p(d as f64 * mean_square / (eps2 * q))
}

fn memory(input: &Input, report: &mut Report) {
    let (n, d) = (input.z.rows() as f64, input.z.cols() as f64);
    let (samples, features) = (4.0 * n * n, 4.0 * d * d);
    report.line(
        "memory",
        format!("n-side Gram {} in f32, d-side {}: take the {} side", bytes(samples), bytes(features), if d <= n { "d" } else { "n" }),
    );
    let mut fields = vec![("samples_gram_f32", Json::real(samples)), ("features_gram_f32", Json::real(features))];
    if let Some(labels) = &input.labels {
        let k = labels.iter().collect::<std::collections::BTreeSet<_>>().len() as f64;
        let (dense, vector, layer) = (4.0 * k * n * n, 8.0 * n, 8.0 * (k + 1.0) * d * d);
        report.line(
            "",
            format!(
                "memberships as {k} dense n × n matrices {}, as labels {}; a ReduNet layer {} in f64",
                bytes(dense),
                bytes(vector),
                bytes(layer)
            ),
        );
        fields.extend([
            ("dense_memberships_f32", Json::real(dense)),
            ("labels_i64", Json::real(vector)),
            ("redunet_layer_f64", Json::real(layer)),
        ]);
    }
    report.field("memory", Json::object(fields));
}

/// What both sides of a comparison need besides: the Gram matrix without α.
pub fn plain_gram(z: &Matrix<f64>) -> Matrix<f64> {
    if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() }
}
