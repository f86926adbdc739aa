//! Denoising: score, entropy and sampling, on the circle and on the digits.

use super::{Samples, Tour};
use crate::Result;
use crate::denoise::{
    Covariance, Denoiser, GaussianMixture, Noise, Schedule, Spacing, Sphere, ddim, entropy_rate, levels, sampled_deviation, sphere_averages,
};
use crate::linalg::Matrix;
use crate::random::{Rng, gaussian_matrix};
use crate::report::axis::Axis;
use crate::report::image::{ImageGrid, Ink, Picture};
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Shortest, Significant};
use crate::report::scatter::{Cloud, Scatter};
use crate::report::{Cell, Column, Figure, Label, Table};
use crate::scalar::{Bulk, Scalar};

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    tour.text(
        "Samples that fill a small part of space can be found by getting lost first. Add noise, `x_t = x + t g` with `g` standard Gaussian: the law of `x_t` spreads over the whole \
         space, and at every point of it there is a best guess of `x`, the mean of all that it may have been. The guess and the slope of the log-density, the score, are one thing:",
    );
    tour.formula("x̄(x_t) = E[x | x_t] = x_t + t^2 ∇log p_t(x_t)");
    circle(tour)?;
    entropy(tour)?;
    sampling(tour)?;
    digits(tour)
}

fn unit_circle() -> Result<Sphere<f64>> {
    Sphere::new(2, 1.0)
}

fn circle(tour: &mut Tour) -> Result<()> {
    let (sphere, critical) = (unit_circle()?, unit_circle()?.critical_ratio());
    tour.text(
        "For a source that is uniform on a circle of radius 1 the guess is exact in Bessel functions. The arrows go a third of the way from `x_t` to its guess. With little noise they \
         point at the circle; with more they stop short of it; above `t = 1/√2` they all lead to the middle, and the circle is forgotten: a point in the middle of the density cannot tell.",
    );
    let mut figures = Vec::new();
    for (name, t) in [("small", 0.25), ("middle", 0.5), ("large", 0.85)] {
        let steps = 13;
        let at = |k: usize| -1.56 + 3.12 * k as f64 / (steps - 1) as f64;
        let x = Matrix::from_fn(steps * steps, 2, |i, j| if j == 0 { at(i % steps) } else { at(i / steps) });
        let y = Denoiser::denoise(&sphere, Noise::exploding(t)?, &x)?;
        let points: Vec<(f64, f64)> = (0..x.rows()).map(|i| (x[(i, 0)], x[(i, 1)])).collect();
        let arrows = (0..x.rows()).map(|i| ((y[(i, 0)] - x[(i, 0)]) / 3.0, (y[(i, 1)] - x[(i, 1)]) / 3.0)).collect();
        let around = (0..60).map(|k| {
            let angle = std::f64::consts::PI * k as f64 / 30.0;
            (Scalar::cos(angle), Scalar::sin(angle))
        });
        let ring = sphere.ring(Noise::exploding(t)?)?;
        let seen = ring
            .map_or("they lead to the middle from everywhere".into(), |r| format!("they lead to a ring of radius {}", Fixed(3).show(r)));
        figures.push(
            Scatter {
                label: Label::new(
                    &format!("denoise-arrows-{name}"),
                    &format!("Score arrows at `t = {t}`"),
                    format!("On a grid around the circle, arrows along the score: {seen}."),
                ),
                x: "`x_1`".into(),
                y: "`x_2`".into(),
                clouds: vec![
                    Cloud { name: "score".into(), points, arrows },
                    Cloud { name: "the circle".into(), points: around.collect(), arrows: Vec::new() },
                ],
            }
            .figure()?,
        );
    }
    tour.figures(figures);
    let mut table = Table::new(
        "denoise-circle",
        "The circle under noise",
        vec![
            Column::real("`t`", "", Shortest),
            Column::real("radius of the ring", "", Fixed(6)),
            Column::real("`1 − t^2/2`", "", Fixed(6)),
            Column::real("least squared error", "", Fixed(6)),
            Column::real("the same over `t^2`", "", Fixed(4)),
        ],
    );
    let mut rings = Vec::new();
    for t in [0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.75, 1.0, 2.0] {
        let (noise, a) = (Noise::exploding(t)?, sphere_averages(&sphere, Noise::exploding(t)?)?);
        let ring = sphere.ring(noise)?;
        rings.push((t, ring));
        table.row([
            t.into(),
            ring.map_or(Cell::from("none"), Cell::from),
            (1.0 - t * t / 2.0).into(),
            a.mmse.value.into(),
            (a.mmse.value / (t * t)).into(),
        ])?;
    }
    tour.table(table);
    tour.claim(
        "The density has a ring of modes exactly below the critical noise `t = 1/√2`, where the typical length `t√2` of the noise is the reach of the circle.",
        rings.iter().all(|(t, ring)| ring.is_some() == (*t < critical)),
        format!("Critical noise {}; {} levels tried.", Fixed(6).show(critical), rings.len()),
    );
    tour.text("For little noise the least error is `t^2` times the dimension of the source, here one: noise along the circle cannot be told, noise across it can.");
    Ok(())
}

fn entropy(tour: &mut Tour) -> Result<()> {
    let sphere = unit_circle()?;
    tour.text(
        "Noise raises the entropy of every law, at a rate that is its Fisher information `J = E‖∇log p_t‖^2` (de Bruijn's identity). Running backwards, each exact denoising step lowers it.",
    );
    tour.formula("dh(x_t)/dt = t J(x_t) = d/t − mmse/t^3");
    let (steps, h) = (if tour.quick() { 12 } else { 36 }, Scalar::powi(2.0, -12));
    let (mut curve, mut rate, mut quotient, mut worst) = (Vec::new(), Vec::new(), Vec::new(), 0.0f64);
    for k in 0..=steps {
        tour.progress("entropy along the noise", k, steps + 1);
        let t = 0.15 + 1.85 * k as f64 / steps as f64;
        let at = |t: f64| sphere_averages(&sphere, Noise::exploding(t)?);
        let a = at(t)?;
        let slope = (at(t + h)?.entropy.value - at(t - h)?.entropy.value) / (2.0 * h);
        let exact = entropy_rate(Schedule::Exploding, t, a.fisher.value, 2)?;
        curve.push((t, a.entropy.value));
        rate.push((t, exact));
        quotient.push((t, slope));
        // Third derivatives of h are of the order of 2/t³: the quotient is h²/(3t³) off.
        let off = (slope - exact).abs() / (h * h / (t * t * t) + 1e-8);
        worst = if off > worst { off } else { worst };
    }
    let first = curve[0].1;
    let chart = |name: &str, title: &str, words: String, y: &str, series: Vec<Series>| {
        LineChart { label: Label::new(name, title, words), x: Axis::linear("noise `t`"), y: Axis::linear(y), series }.figure()
    };
    tour.figures(vec![
        chart(
            "denoise-entropy",
            "Entropy of the noised circle",
            format!("It rises steeply from {} nats at `t = 0.15` and ever more slowly after.", Fixed(2).show(first)),
            "nats",
            vec![Series::curve("`h`", curve)],
        )?,
        chart(
            "denoise-rate",
            "Its slope",
            "The difference quotients of the entropy lie on the Fisher information times `t`.".into(),
            "nats per unit of noise",
            vec![Series::thin(0, rate).named("`tJ`"), Series::points("quotient", quotient)],
        )?,
    ]);
    tour.claim(
        "The slope of the entropy is `t` times the Fisher information, at every noise tried.",
        worst <= 1.0,
        format!("At most {} of what a difference quotient leaves open.", Significant(2).print(worst)),
    );
    Ok(())
}

fn sampling(tour: &mut Tour) -> Result<()> {
    tour.text(
        "A sampler walks back from noise: at each step it keeps a part of where it is and takes the rest from the guess. Around the circle, by symmetry, the paths from 24 starts run straight towards it, and end on it.",
    );
    tour.formula("x_s = (s/t) x_t + (1 − s/t) x̄(x_t)");
    // Down to a noise of 0.01, then the guess itself.
    let mut path = levels(Schedule::Exploding, Spacing::Geometric(0.01), 60, 3.0)?;
    path.insert(0, Noise::exploding(0.0)?);
    let start = gaussian_matrix(24, 2, &mut Rng::stream(1, "tour denoise")).scale(3.0);
    let states = ddim(&unit_circle()?, &path, &start)?;
    let series = (0..24).map(|i| Series::thin(i % 6, states.iter().rev().map(|s| (s[(i, 0)], s[(i, 1)]))));
    let lengths: Vec<f64> = (0..24).map(|i| f64::dot(states[0].row(i), states[0].row(i)).sqrt()).collect();
    let worst = lengths.iter().fold(0.0, |m: f64, l| if (l - 1.0).abs() > m { (l - 1.0).abs() } else { m });
    tour.figure(
        LineChart {
            label: Label::new(
                "denoise-paths",
                "Paths of the sampler",
                "Twenty-four straight paths from far out run inwards and end on the circle of radius 1, which they leave free.",
            ),
            x: Axis::linear("`x_1`"),
            y: Axis::linear("`x_2`"),
            series: series.collect(),
        }
        .figure()?,
    );
    tour.claim("Every path ends on the circle.", worst < 1e-3, format!("The farthest end is {} away.", Significant(2).print(worst)));
    tour.text(
        "On a Gaussian the sampler is exactly solvable: each of its `L` steps turns by an angle and loses the cosine of it. It samples too narrow a law, by a share of `π^2/(8L)` at best. Below, the standard deviation \
         it reaches for a standard Gaussian by that formula, and measured by running the sampler on one.",
    );
    let mut table = Table::new(
        "denoise-steps",
        "What the sampler makes of a standard Gaussian",
        vec![
            Column::count("steps `L`"),
            Column::real("equal angles", "", Fixed(6)),
            Column::real("measured", "", Fixed(6)),
            Column::real("equal times", "", Fixed(6)),
            Column::real("`1 − π^2/(8L)`", "", Fixed(6)),
        ],
    );
    let gaussian = GaussianMixture::new(vec![1.0], Matrix::zeros(1, 1), vec![Covariance::Full(Matrix::identity(1))])?;
    let mut off = 0.0f64;
    for steps in [1usize, 2, 5, 10, 50, 100] {
        let angle = levels(Schedule::Preserving, Spacing::Angle, steps, 1.0)?;
        let even = levels(Schedule::Preserving, Spacing::Uniform, steps, 1.0)?;
        let law = sampled_deviation(1.0, &angle, 0.0, 1.0)?;
        let measured = ddim(&gaussian, &angle, &Matrix::from_rows(&[[1.0]]))?[0][(0, 0)];
        off = if (law - measured).abs() > off { (law - measured).abs() } else { off };
        let first = 1.0 - std::f64::consts::PI * std::f64::consts::PI / (8.0 * steps as f64);
        table.row([steps.into(), law.into(), measured.into(), sampled_deviation(1.0, &even, 0.0, 1.0)?.into(), first.into()])?;
    }
    tour.table(table);
    // Each step rounds a few times.
    let bound = 100.0 * 16.0 * f64::EPSILON;
    tour.claim(
        "The sampler does to a Gaussian exactly what the cosines say.",
        off <= bound,
        format!("Largest difference {}.", Significant(2).print(off)),
    );
    Ok(())
}

/// A mixture of one Gaussian a digit, learned from the even rows; it denoises the odd ones.
fn digits(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    let t = 0.25;
    tour.text(
        "The same with pixels. One Gaussian for each digit, with the mean and covariance of every second image, makes a mixture whose denoiser is known; it is tried on the other images, with \
         noise a quarter of full ink in each pixel. Beside it the best linear denoiser: one Gaussian for all digits.",
    );
    tour.progress("fitting a Gaussian to each digit", 0, 1);
    let even: Vec<Vec<usize>> = samples.classes.iter().map(|rows| rows.iter().copied().filter(|i| i % 2 == 0).collect()).collect();
    let (mixture, single) = (mixture(&samples, &even)?, mixture(&samples, &[even.concat()])?);
    let odd: Vec<usize> = (0..samples.labels.len()).filter(|i| i % 2 == 1).step_by(if tour.quick() { 8 } else { 1 }).collect();
    let clean = samples.x.select_rows(&odd)?;
    let noisy = clean.add(&gaussian_matrix(clean.rows(), clean.cols(), &mut Rng::stream(2, "tour denoise")).scale(t))?;
    let noise = Noise::exploding(t)?;
    let (ours, linear) = (mixture.denoise(noise, &noisy)?, single.denoise(noise, &noisy)?);
    let error = |x: &Matrix<f64>| -> Result<f64> { Ok(x.sub(&clean)?.frobenius_squared() / clean.rows() as f64) };
    let (before, by_linear, by_mixture) = (error(&noisy)?, error(&linear)?, error(&ours)?);
    let mut table = Table::new(
        "denoise-digits",
        "Squared error per digit",
        vec![Column::text("what"), Column::real("squared error", "", Fixed(3)), Column::real("of the noise", "%", Fixed(1))],
    );
    for (what, e) in [("noisy", before), ("one Gaussian", by_linear), ("a Gaussian a digit", by_mixture)] {
        table.row([what.into(), e.into(), (100.0 * e / before).into()])?;
    }
    tour.table(table);
    tour.claim(
        "A mixture denoises digits it has not seen better than the best linear denoiser.",
        by_mixture < by_linear && by_linear < before,
        format!("{} against {}, of {} in the noisy digits.", Fixed(3).show(by_mixture), Fixed(3).show(by_linear), Fixed(3).show(before)),
    );
    let shown: Vec<usize> = (0..10).filter_map(|k| odd.iter().position(|&i| samples.labels[i] == k)).collect();
    tour.figure(grid(&[("clean", &clean), ("noisy", &noisy), ("one Gaussian", &linear), ("mixture", &ours)], &shown)?);
    Ok(())
}

fn mixture(samples: &Samples, classes: &[Vec<usize>]) -> Result<GaussianMixture<f64>> {
    let d = samples.x.cols();
    let total: usize = classes.iter().map(Vec::len).sum();
    let (mut weights, mut means, mut covariances) = (Vec::new(), Matrix::zeros(classes.len(), d), Vec::new());
    for (k, rows) in classes.iter().enumerate() {
        let (x, n) = (samples.x.select_rows(rows)?, rows.len() as f64);
        let mean: Vec<f64> = (0..d).map(|j| f64::sum(&x.col(j)) / n).collect();
        covariances.push(Covariance::Full(Matrix::from_fn(x.rows(), d, |i, j| x[(i, j)] - mean[j]).gram_cols().scale(1.0 / n)));
        means.row_mut(k).copy_from_slice(&mean);
        weights.push(n / total as f64);
    }
    GaussianMixture::new(weights, means, covariances)
}

fn grid(rows: &[(&str, &Matrix<f64>)], shown: &[usize]) -> Result<Figure> {
    let row = |(name, x): &(&str, &Matrix<f64>)| -> Result<(String, Vec<Picture>)> {
        Ok((name.to_string(), shown.iter().map(|&i| Picture::new("", 8, x.row(i))).collect::<Result<_>>()?))
    };
    ImageGrid {
        label: Label::new(
            "denoise-pictures",
            "Unseen digits, denoised",
            "The noise hides the digits in part; one Gaussian for all of them smooths them, the mixture also restores their form.",
        ),
        rows: rows.iter().map(row).collect::<Result<_>>()?,
        ink: Ink::Common,
    }
    .figure()
}
