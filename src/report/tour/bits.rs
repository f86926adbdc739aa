//! Bits: the lossy coding rate of the digits, together and class by class.

use super::rates::{Rates, ceiling, class_rates, greatest_rate, shares};
use super::{Samples, Tour};
use crate::Result;
use crate::linalg::Matrix;
use crate::report::axis::Axis;
use crate::report::bar::BarChart;
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Shortest, Significant};
use crate::report::{Column, Figure, Label, Table};
use crate::scalar::{Bulk, Scalar};

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    let unit = samples.normalised()?;
    let [n, d] = unit.shape();

    tour.text(
        "How many nats does it take to describe a sample up to a mean squared error `ε^2`? For samples `Z` (`n` rows of `d` numbers) that spread like a \
         Gaussian around zero, counting the balls of radius `ε` that fill their ellipsoid gives",
    );
    tour.formula("R(Z) = ½ log det(I + α Z^TZ),\u{2003}α = d/(nε^2)");
    tour.text(
        "If the samples come in classes, each class can have a code of its own, fitted to its own subspace. A sample then costs `R_c = Σ_k γ_k R(Z_k)` on \
         average, with `γ_k = n_k/n`. Since log det is concave, coding apart never costs more; the difference `ΔR = R − R_c` is the gain.",
    );

    let energy = samples.x.frobenius_squared() / n as f64;
    tour.text(format!(
        "First the digits as they are (mean squared length {}), then with every row scaled to length 1, where rate and gain have ceilings that depend on the \
         sizes of the classes alone. At `ε = 1/2` the error of a raw digit is one grey level per pixel.",
        Fixed(2).show(energy)
    ));
    let raw_grid = [4.0, 2.0, 1.0, 0.5, 0.25, 0.125];
    let unit_grid = [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125];
    let raw = sweep(tour, &samples, &samples.x, "rates of the raw digits", 4.0)?;
    let scaled = sweep(tour, &samples, &unit, "rates of the scaled digits", 1.0)?;

    let nats = |name: &str| Column::real(name, "nats", Fixed(3));
    let columns = || vec![Column::real("`ε`", "", Shortest), nats("`R`"), nats("`R_c`"), nats("`ΔR`")];
    let mut table = Table::new("bits-raw", "Raw digits: nats a digit, together, apart, and the gain", columns());
    for point in raw.iter().filter(|p| raw_grid.contains(&p.eps)) {
        table.row([point.eps.into(), point.rates.together.into(), point.rates.apart.into(), point.rates.gain.into()])?;
    }
    tour.table(table);

    let most = |eps: f64| greatest_rate(n, d, eps * eps);
    let mut with_ceiling = columns();
    with_ceiling.insert(2, nats("ceiling of `R`"));
    with_ceiling.push(nats("ceiling of `ΔR`"));
    let mut table = Table::new("bits-unit", "Digits scaled to length 1: the same, with ceilings", with_ceiling);
    for point in scaled.iter().filter(|p| unit_grid.contains(&p.eps)) {
        let gain = point.rates.gain;
        let top = ceiling(&samples, d, point.eps * point.eps)?;
        table.row([
            point.eps.into(),
            point.rates.together.into(),
            most(point.eps).into(),
            point.rates.apart.into(),
            gain.into(),
            top.into(),
        ])?;
    }
    tour.table(table);
    tour.figures(vec![
        curves("bits-raw-rates", "Raw digits", &raw, None)?,
        curves("bits-unit-rates", "Digits scaled to length 1", &scaled, Some((&samples, d)))?,
    ]);

    let gains = |points: &[Point]| points.iter().map(|p| p.rates.gain).collect::<Vec<_>>();
    let all: Vec<f64> = gains(&raw).into_iter().chain(gains(&scaled)).collect();
    let least = all.iter().copied().fold(f64::INFINITY, |m, g| if g < m { g } else { m });
    tour.claim(
        "Coding the digits apart costs fewer nats than together, at every `ε` tried.",
        least > 0.0,
        format!("The smallest of {} gains is {} nats.", all.len(), Significant(3).print(least)),
    );
    let falls = |points: &[Point]| gains(points).windows(2).all(|w| w[0] < w[1]);
    tour.claim(
        "The gain grows as `ε` shrinks.",
        falls(&raw) && falls(&scaled),
        format!("Over {} values of `ε`, raw and scaled.", all.len()),
    );
    let mut below = true;
    for p in &scaled {
        below &= p.rates.gain <= ceiling(&samples, d, p.eps * p.eps)? && p.rates.together <= most(p.eps);
    }
    tour.claim(
        "Rate and gain of the scaled digits stay below their ceilings.",
        below,
        "The ceilings are computed from the class sizes and `ε` alone.",
    );

    per_class(tour, &samples, &unit)?;
    whole_message(tour, &samples, &raw, &raw_grid)
}

/// The rates at one distortion.
struct Point {
    eps: f64,
    rates: Rates,
}

/// The rates from ε = `top` down over five octaves, in half octaves (in octaves where time is short).
fn sweep(tour: &mut Tour, samples: &Samples, z: &Matrix<f64>, doing: &str, top: f64) -> Result<Vec<Point>> {
    let per_octave = if tour.quick() { 1 } else { 2 };
    let count = 5 * per_octave;
    let mut points = Vec::with_capacity(count + 1);
    for i in 0..=count {
        tour.progress(doing, i, count + 1);
        let octaves = Scalar::powi(0.5, (i / per_octave) as i32);
        let eps = if i % per_octave == 0 { top * octaves } else { top * octaves * std::f64::consts::FRAC_1_SQRT_2 };
        points.push(Point { eps, rates: Rates::new(samples, z, eps * eps)? });
    }
    Ok(points)
}

fn curves(name: &str, what: &str, points: &[Point], top: Option<(&Samples, usize)>) -> Result<Figure> {
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let curve = |name: &str, f: &dyn Fn(&Rates) -> f64| Series::curve(name, points.iter().map(|p| (p.eps, f(&p.rates))));
    let mut series = vec![curve("`R`", &|r| r.together), curve("`R_c`", &|r| r.apart), curve("`ΔR`", &|r| r.gain)];
    if let Some((samples, d)) = top {
        let ceilings = points.iter().map(|p| Ok((p.eps, ceiling(samples, d, p.eps * p.eps)?))).collect::<Result<Vec<_>>>()?;
        series.push(Series::reference("ceiling of `ΔR`", ceilings));
    }
    let say = |x: f64| Fixed(1).show(x);
    LineChart {
        label: Label::new(
            name,
            &format!("{what}: rates against `ε`"),
            format!(
                "From `ε` = {} to {} the rate of all digits together rises from {} to {} nats, that of the classes apart from {} to {}, and the gain from {} to {}.",
                first.eps,
                last.eps,
                say(first.rates.together),
                say(last.rates.together),
                say(first.rates.apart),
                say(last.rates.apart),
                say(first.rates.gain),
                say(last.rates.gain)
            ),
        ),
        x: Axis::log("distortion `ε`").reversed(),
        y: Axis::linear("nats a digit").including(0.0),
        series,
    }
    .figure()
}

fn per_class(tour: &mut Tour, samples: &Samples, unit: &Matrix<f64>) -> Result<()> {
    let eps = 0.5;
    let (raw, scaled) = (class_rates(samples, &samples.x, eps * eps)?, class_rates(samples, unit, eps * eps)?);
    let mut table = Table::new(
        "bits-classes",
        "Each class with a code of its own, at `ε = 1/2`",
        vec![
            Column::count("digit"),
            Column::count("samples"),
            Column::real("mean squared length", "", Fixed(2)),
            Column::real("`R(Z_k)` raw", "nats", Fixed(3)),
            Column::real("`R(Z_k)` scaled", "nats", Fixed(3)),
        ],
    );
    for (k, class) in samples.split(&samples.x)?.iter().enumerate() {
        let energy = class.frobenius_squared() / class.rows() as f64;
        table.row([k.into(), class.rows().into(), energy.into(), raw[k].into(), scaled[k].into()])?;
    }
    let extreme =
        |rates: &[f64], sign: f64| (0..rates.len()).fold(0, |best, k| if sign * rates[k] > sign * rates[best] { k } else { best });
    let (dear, cheap) = (extreme(&scaled, 1.0), extreme(&scaled, -1.0));
    tour.text(format!(
        "Classes differ: at the same distortion the digit {cheap} is the cheapest and the digit {dear} the dearest of the scaled ones. A rate is a measure \
         of volume: it says how many directions a class uses, and how far."
    ));
    tour.table(table);
    let chart = BarChart {
        label: Label::new(
            "bits-class-rates",
            "The rate of each class at `ε = 1/2`",
            format!(
                "Raw digits cost between {} and {} nats, scaled ones between {} (digit {cheap}) and {} (digit {dear}).",
                Fixed(1).show(raw[extreme(&raw, -1.0)]),
                Fixed(1).show(raw[extreme(&raw, 1.0)]),
                Fixed(2).show(scaled[cheap]),
                Fixed(2).show(scaled[dear])
            ),
        ),
        measure: "nats a digit".into(),
        rows: (0..samples.classes.len()).map(|k| k.to_string()).collect(),
        groups: vec![("raw".into(), raw), ("scaled to length 1".into(), scaled)],
        digits: Fixed(1),
    };
    tour.figure(chart.figure()?);
    Ok(())
}

/// The number of bits that n samples really cost: the code itself has to be sent as well, and each sample's class.
fn whole_message(tour: &mut Tour, samples: &Samples, points: &[Point], grid: &[f64]) -> Result<()> {
    let [n, d] = samples.x.shape();
    tour.text(
        "A rate leaves out two things that a real message must carry: the code itself, which costs as much as `d` more samples, and which class a sample \
         belongs to. With both, the data cost (Ma, Derksen, Hong and Wright, 2007)",
    );
    tour.formula("L = (n + d) R(X)\u{2003}against\u{2003}L_c = Σ_k [(n_k + d) R(X_k) − n_k log γ_k]");
    let labels: Vec<f64> =
        shares(samples).iter().zip(samples.classes.iter()).map(|(g, rows)| -(rows.len() as f64) * Scalar::ln(*g)).collect();
    let kilobits = 1.0 / (1000.0 * std::f64::consts::LN_2);
    let mut table = Table::new(
        "bits-message",
        "The whole message: all raw digits, the code included",
        vec![
            Column::real("`ε`", "", Shortest),
            Column::real("together", "kbit", Fixed(1)),
            Column::real("apart", "kbit", Fixed(1)),
            Column::real("of which classes", "kbit", Fixed(1)),
            Column::real("saved", "%", Fixed(1)),
        ],
    );
    let mut saved = Vec::new();
    for point in points.iter().filter(|p| grid.contains(&p.eps)) {
        let together = (n + d) as f64 * point.rates.together * kilobits;
        let codes: Vec<f64> = class_rates(samples, &samples.x, point.eps * point.eps)?
            .iter()
            .zip(samples.classes.iter())
            .map(|(r, rows)| (rows.len() + d) as f64 * r)
            .collect();
        let names = f64::sum(&labels) * kilobits;
        let apart = f64::sum(&codes) * kilobits + names;
        saved.push((point.eps, 100.0 * (1.0 - apart / together)));
        table.row([point.eps.into(), together.into(), apart.into(), names.into(), (100.0 * (1.0 - apart / together)).into()])?;
    }
    tour.table(table);
    let best = saved.iter().fold((0.0, f64::NEG_INFINITY), |best, &s| if s.1 > best.1 { s } else { best });
    let words = saved.iter().map(|(eps, s)| format!("{} % at {eps}", Fixed(1).print(*s))).collect::<Vec<_>>().join(", ");
    tour.claim(
        "With the code and the classes paid for, coding apart still saves bits at some `ε`.",
        best.1 > 0.0,
        format!("By `ε`: {words}. Ten codes for 1,797 digits are dear, and `ΔR` leaves them out."),
    );
    Ok(())
}
