//! Maximal rate reduction: gradient ascent on ΔR from the digits themselves.

use super::rates::{Rates, best_orthogonal, ceiling, orthogonal_gain};
use super::{Samples, Tour};
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::{Matrix, Svd};
use crate::reduction::optimum::{Ascent, AscentOptions, Constraint, ascend};
use crate::report::axis::Axis;
use crate::report::heat::HeatMap;
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::{Cell, Column, Figure, Label, Table};
use crate::scalar::Bulk;

/// ε², the value that the authors' experiments use.
const EPS2: f64 = 0.5;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    let before = samples.normalised()?;
    let [n, d] = before.shape();
    let alpha = d as f64 / (n as f64 * EPS2);
    let eta = 8.0 / (9.0 * alpha);
    let steps = if tour.quick() { 32 } else { 64 };

    tour.text(
        "If coding apart saves nats, the saving can be made the goal: choose features `Z`, each row of length 1, so that `ΔR` is as large as possible. The \
         features of all classes together should fill the space, those of each class as little of it as possible. Here the features start as the scaled \
         digits and are free to move; every step follows the gradient and returns to length 1:",
    );
    tour.formula("z_i ← (z_i + η ∇_i)/‖z_i + η ∇_i‖,\u{2003}∇ = ∂ΔR/∂Z = α (Z M^{−1} − Σ_k D_k Z M_k^{−1})");
    tour.text(format!(
        "`M = I + α Z^TZ`, `M_k = I + α_k Z_k^TZ_k`, `D_k` picks the rows of class `k`. The gradient is Lipschitz with constant `9α/8`, so a step of at most \
         `η = 8/(9α)` can never lower `ΔR`. That step is taken here: `ε^2 = 1/2`, `α` = {}, `η` = {}, {steps} steps. The residual in the table \
         is the length of what is left of the gradient along the spheres, over `√α`: 0 at a maximum.",
        Significant(4).show(alpha),
        Significant(4).show(eta)
    ));

    let one = AscentOptions { eta: Some(eta), tolerance: f64::MIN_POSITIVE, iterations: 1 };
    let (eps2, rows) = (Distortion::Eps2(EPS2), Constraint::Rows);
    let start = ascend(&before, &samples.membership, eps2, rows, &AscentOptions { iterations: 0, ..one })?;
    let mut path = vec![Step::new(&samples, &start)?];
    let mut z = start.z;
    for step in 0..steps {
        tour.progress("ascending", step, steps);
        let end = ascend(&z, &samples.membership, eps2, rows, &one)?;
        path.push(Step::new(&samples, &end)?);
        z = end.z;
    }
    tour.table(trajectory(&path)?);

    let rises: Vec<f64> = path.windows(2).map(|w| w[1].rates.gain - w[0].rates.gain).collect();
    let least = rises.iter().copied().fold(f64::INFINITY, |m, r| if r < m { r } else { m });
    let (start, end) = (path[0].rates.gain, path[steps].rates.gain);
    tour.claim(
        "Every step raises `ΔR`.",
        least > 0.0,
        format!(
            "{steps} steps from {} to {} nats; the smallest rise is {}.",
            Fixed(3).show(start),
            Fixed(3).show(end),
            Significant(2).print(least)
        ),
    );
    let top = ceiling(&samples, d, EPS2)?;
    tour.claim(
        "`ΔR` stays below the ceiling that holds for all features of these class sizes.",
        path.iter().all(|p| p.rates.gain <= top),
        format!("The ceiling is {} nats.", Fixed(3).show(top)),
    );
    tour.figure(rising(&path, top)?);

    tour.text(
        "What the ascent arrives at is what the theory says of its maxima: classes orthogonal to each other, and within a class equal singular values, \
         so that no direction is wasted. The maps show the cosines between eight digits of each class: first nearly all alike, then only those of one class.",
    );
    tour.figures(vec![
        cosines("ascent-cosines-before", "Before: cosines between digits", &samples, &before)?,
        cosines("ascent-cosines-after", &format!("After {steps} steps"), &samples, &z)?,
    ]);
    arrived(tour, &samples, &before, &z, end, [path[0].coherence, path[steps].coherence])
}

/// The features after a step.
struct Step {
    rates: Rates,
    /// The largest |cosine| between samples of different classes.
    coherence: f64,
    /// What is left of the gradient along the spheres, divided by √α.
    residual: f64,
}

impl Step {
    fn new(samples: &Samples, at: &Ascent<f64>) -> Result<Step> {
        Ok(Step { rates: Rates::new(samples, &at.z, EPS2)?, coherence: at.coherence.unwrap_or(0.0), residual: at.residual })
    }
}

fn trajectory(path: &[Step]) -> Result<Table> {
    let mut table = Table::new(
        "ascent-path",
        "Gradient ascent on the rate reduction of the digits",
        vec![
            Column::count("step"),
            Column::real("`R`", "nats", Fixed(4)),
            Column::real("`R_c`", "nats", Fixed(4)),
            Column::real("`ΔR`", "nats", Fixed(6)),
            Column::real("largest |cos|", "between classes", Significant(3)),
            Column::real("residual", "", Significant(2)),
        ],
    );
    let shown = |step: &usize| *step < 3 || step.is_power_of_two();
    for step in (0..path.len()).filter(shown) {
        let p = &path[step];
        let rates = p.rates;
        table.row([step.into(), rates.together.into(), rates.apart.into(), rates.gain.into(), p.coherence.into(), p.residual.into()])?;
    }
    Ok(table)
}

fn rising(path: &[Step], top: f64) -> Result<Figure> {
    let curve = |name: &str, f: &dyn Fn(&Rates) -> f64| Series::curve(name, path.iter().enumerate().map(|(i, p)| (i as f64, f(&p.rates))));
    let last = (path.len() - 1) as f64;
    let say = |x: f64| Fixed(1).show(x);
    let (a, b) = (&path[0].rates, &path[path.len() - 1].rates);
    LineChart {
        label: Label::new(
            "ascent-rates",
            "The rate reduction rises at every step",
            format!(
                "`ΔR` rises from {} to {} nats, steeply over the first twenty steps. It is `R`, the rate of all classes together, that grows, from {} to {}; \
                 `R_c`, that of the classes apart, stays between {} and {}.",
                say(a.gain),
                say(b.gain),
                say(a.together),
                say(b.together),
                say(path.iter().fold(f64::INFINITY, |m, p| if p.rates.apart < m { p.rates.apart } else { m })),
                say(path.iter().fold(0.0, |m, p| if p.rates.apart > m { p.rates.apart } else { m }))
            ),
        ),
        x: Axis::linear("step"),
        y: Axis::linear("nats a digit").including(0.0),
        series: vec![
            curve("`R`", &|p| p.together),
            curve("`R_c`", &|p| p.apart),
            curve("`ΔR`", &|p| p.gain),
            Series::reference("ceiling of `ΔR`", [(0.0, top), (last, top)]),
        ],
    }
    .figure()
}

fn cosines(name: &str, title: &str, samples: &Samples, z: &Matrix<f64>) -> Result<Figure> {
    const SHOWN: usize = 8;
    let chosen: Vec<usize> = samples.classes.iter().flat_map(|rows| rows.iter().copied().take(SHOWN)).collect();
    let gram = z.select_rows(&chosen)?.gram_rows();
    let groups: Vec<(String, usize)> = samples.classes.iter().enumerate().map(|(k, rows)| (k.to_string(), rows.len().min(SHOWN))).collect();
    let mean = |same: bool| {
        let picked = |i: usize, j: usize| i != j && (samples.labels[chosen[i]] == samples.labels[chosen[j]]) == same;
        let all: Vec<f64> = (0..chosen.len())
            .flat_map(|i| (0..chosen.len()).map(move |j| (i, j)))
            .filter(|&(i, j)| picked(i, j))
            .map(|(i, j)| gram[(i, j)].abs())
            .collect();
        f64::sum(&all) / all.len() as f64
    };
    HeatMap {
        label: Label::new(
            name,
            title,
            format!(
                "Mean |cosine| {} between digits of one class, {} between digits of different classes.",
                Fixed(2).show(mean(true)),
                Fixed(2).show(mean(false))
            ),
        ),
        values: gram,
        rows: groups.clone(),
        cols: groups,
        full: None,
        measure: "cosine".into(),
        numbers: None,
    }
    .figure()
}

/// The singular values of each class, and the closed form they are held against.
fn arrived(tour: &mut Tour, samples: &Samples, before: &Matrix<f64>, after: &Matrix<f64>, end: f64, coherence: [f64; 2]) -> Result<()> {
    let d = after.cols();
    let spectra = |z: &Matrix<f64>| samples.split(z)?.iter().map(|c| Ok(Svd::new(c)?.sigma)).collect::<Result<Vec<_>>>();
    let (old, new) = (spectra(before)?, spectra(after)?);
    // Near a maximum a singular value is either the common one or next to nothing.
    let ranks: Vec<usize> = new.iter().map(|s| s.iter().filter(|&&v| v > s[0] / 2.0).count()).collect();
    let mut table = Table::new(
        "ascent-classes",
        "Each class before and after: how many directions it uses, and how evenly",
        vec![
            Column::count("digit"),
            Column::count("samples"),
            Column::real("directions", "before", Fixed(2)),
            Column::real("directions", "after", Fixed(2)),
            Column::count("rank `r`"),
            Column::real("greatest `σ`", "", Fixed(4)),
            Column::real("`σ_r`", "", Fixed(4)),
            Column::real("`σ_{r+1}`", "", Significant(2)),
            Column::real("`√(n_k/r)`", "", Fixed(4)),
        ],
    );
    for (k, s) in new.iter().enumerate() {
        let (count, rank) = (samples.classes[k].len(), ranks[k]);
        let next = s.get(rank).map_or(Cell::Blank, |&v| v.into());
        let even = (count as f64 / rank as f64).sqrt();
        table.row([
            k.into(),
            count.into(),
            directions(&old[k]).into(),
            directions(s).into(),
            rank.into(),
            s[0].into(),
            s[rank - 1].into(),
            next,
            even.into(),
        ])?;
    }
    tour.text(
        "The number of directions a class uses is `(Σ σ^2)^2/Σ σ^4`, over its singular values: `r` if `r` of them are equal and the others zero. Were a class \
         spread evenly over `r` directions, each singular value would be `√(n_k/r)`.",
    );
    tour.table(table);
    tour.figures(vec![
        spread("ascent-spread-before", "Singular values of each class before", samples, &old)?,
        spread("ascent-spread-after", "Singular values of each class after", samples, &new)?,
    ]);

    let (n, sizes) = (samples.labels.len(), samples.classes.iter().map(Vec::len));
    let closed = ranks.iter().zip(sizes).map(|(&r, own)| orthogonal_gain(own, n, d, EPS2, r)).collect::<Result<Vec<_>>>()?;
    let closed = f64::sum(&closed);
    tour.text(format!(
        "Orthogonal classes with `r_k` equal singular values each have a rate reduction in closed form. For the ranks found ({} of {d} dimensions in all) it is",
        ranks.iter().sum::<usize>()
    ));
    tour.formula("ΔR = Σ_k (r_k/2) [log(1 + dγ_k/(ε^2 r_k)) − γ_k log(1 + d/(ε^2 r_k))]");
    tour.text(format!(
        "{} nats; the ascent reached {}. It is not the best there is: orthogonal classes that share out all {d} dimensions in the \
         best way would have {}; no features at all, orthogonal or not, have more than {}.",
        Fixed(6).show(closed),
        Fixed(6).show(end),
        Fixed(3).show(best_orthogonal(samples, d, EPS2)?),
        Fixed(3).show(ceiling(samples, d, EPS2)?)
    ));
    tour.claim(
        "The classes become orthogonal: the largest |cosine| between different digits falls more than a hundredfold.",
        coherence[1] < coherence[0] / 100.0,
        format!("From {} to {}.", Fixed(3).show(coherence[0]), Significant(2).print(coherence[1])),
    );
    let wider = old.iter().zip(&new).all(|(a, b)| directions(b) > directions(a));
    let even = new.iter().zip(&ranks).map(|(s, &r)| s[0] / s[r - 1]).fold(1.0, |m: f64, x| if x > m { x } else { m });
    tour.claim(
        "Each class spreads over more directions than before, and over those evenly, within 5 %.",
        wider && even < 1.05,
        format!(
            "Within its rank, the largest singular value of a class exceeds the least by at most {} %.",
            Significant(2).print(100.0 * (even - 1.0))
        ),
    );
    tour.claim(
        "The rate reduction reached is that of the closed form for the ranks found, to one part in a thousand.",
        (closed - end).abs() <= closed / 1000.0,
        format!("Difference {} nats.", Significant(2).print(closed - end)),
    );
    Ok(())
}

/// `(Σ σ²)² / Σ σ⁴`.
fn directions(sigma: &[f64]) -> f64 {
    let squares: Vec<f64> = sigma.iter().map(|s| s * s).collect();
    let sum = f64::sum(&squares);
    sum * sum / f64::dot(&squares, &squares)
}

fn spread(name: &str, title: &str, samples: &Samples, spectra: &[Vec<f64>]) -> Result<Figure> {
    const SHOWN: usize = 16;
    let share =
        |k: usize| spectra[k].iter().take(SHOWN).enumerate().map(move |(i, s)| ((i + 1) as f64, s * s / samples.classes[k].len() as f64));
    let firsts: Vec<f64> = spectra.iter().enumerate().map(|(k, s)| s[0] * s[0] / samples.classes[k].len() as f64).collect();
    let range = |sign: f64| firsts.iter().fold(firsts[0], |m, &x| if sign * x > sign * m { x } else { m });
    LineChart {
        label: Label::new(
            name,
            title,
            format!(
                "One line a class: the share of its energy along each of its first {SHOWN} directions. The first direction holds between {} and {} %.",
                Fixed(0).show(100.0 * range(-1.0)),
                Fixed(0).show(100.0 * range(1.0))
            ),
        ),
        x: Axis::linear("direction"),
        y: Axis::linear("share of the class's energy").including(0.0).including(1.0),
        series: (0..spectra.len()).map(|k| Series::thin(0, share(k))).collect(),
    }
    .figure()
}
