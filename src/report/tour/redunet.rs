//! ReduNet: a network whose layers are steps of the ascent, built forward, without back-propagation.

use super::Tour;
use crate::Result;
use crate::coding::Distortion;
use crate::learn::split_samples;
use crate::linalg::Matrix;
use crate::random::{Rng, gaussian_matrix};
use crate::reduction::optimum::optimum;
use crate::reduction::{ClassScale, Membership};
use crate::redunet::{
    Activation, Assignment, Construction, Lift, Normalisation, Orientation, Outcome, ReduNet, ReduNetOptions, Shifts, Split, accuracy,
    corrupted, experiment, moved_images, three_gaussians,
};
use crate::report::axis::Axis;
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::{Cell, Cloud, Column, Figure, Label, Scatter, Table};

/// ε² of the experiments.
const EPS2: f64 = 0.1;
/// The seed of the split, the kernels and the moves.
const SEED: u64 = 0;
const HELD_OUT: usize = 360;

fn options(layers: usize, lambda: f64, eps2: f64) -> ReduNetOptions<f64> {
    ReduNetOptions {
        layers,
        eta: 0.5,
        lambda,
        distortion: Distortion::Eps2(eps2),
        assignment: Assignment::Soft,
        scale: ClassScale::Samples,
    }
}

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    tour.text(
        "The ascent of the chapter on maximal rate reduction moved the training samples one by one; it has nothing to say of a new sample. But its gradient is made of \
         linear operators: `E` expands everything, `C_k` compresses class `k`. Both are ridge regressions, computed from the features at hand; `C_k z` is what class `k` does \
         not explain of `z`. So a new sample can be moved as well, if the class it belongs to is guessed from the lengths `‖C_k z‖`:",
    );
    tour.formula("z ← (z + η (E z − Σ_k γ_k π_k C_k z))/‖·‖,\u{2003}π = softmax(−λ‖C_1 z‖, …, −λ‖C_K z‖)");
    tour.text(
        "That is a layer: linear maps, a gate, a normalisation. One pass over the data builds it, and the features it makes build the next one. No parameter is \
         learnt by going back. This is ReduNet (Chan, Yu, You, Qi, Wright and Ma, JMLR 2022).",
    );
    clouds(tour)?;
    let split = digits(tour)?;
    on_digits(tour, &split)?;
    on_shifts(tour, &split)
}

/// Three clouds on the sphere, where one sees everything.
fn clouds(tour: &mut Tour) -> Result<()> {
    const EACH: usize = 20;
    let layers = 200;
    let ((x, labels), (test, truth)) = (three_gaussians(EACH, 0.0), three_gaussians(EACH, 7.0));
    let membership = Membership::from_labels(labels.clone())?;
    let build = |eps2: f64| ReduNet::construct(&x, &membership, &options(layers, 200.0, eps2), None, |_, _, _| Ok(()));
    tour.progress("three clouds", 0, 2);
    let built: Construction<f64> = build(EPS2)?;
    tour.progress("three clouds", 1, 2);
    let long = build(EPS2 / 10.0)?;
    let best = |eps2: f64| optimum(&[EACH; 3], 3, Some(&[1; 3]), Distortion::Eps2(eps2)).map(|o| o.value);
    let (top, wide) = (best(EPS2)?, best(EPS2 / 10.0)?);
    let bound = |eps2: f64| 8.0 * 3.0 * EACH as f64 * eps2 / 27.0;
    tour.text(format!(
        "First three clouds of {EACH} points on the sphere in three dimensions, each about one axis, with `ε^2 = 0.1`, `η = 0.5`, `λ = 200`, {layers} layers. A step is safe up to `8nε^2/(9d)` = {}. \
         What each class can reach on a line of its own is known in closed form: {} nats in all.",
        Fixed(3).show(bound(EPS2)),
        Fixed(6).show(top)
    ));
    let moved = built.net.transform(&test)?;
    tour.figures(vec![
        cloud_figure("redunet-clouds-before", "Before: three clouds on the sphere", &test, &truth)?,
        cloud_figure("redunet-clouds-after", &format!("Test points after {layers} layers"), &moved, &truth)?,
    ]);
    let mut table = Table::new(
        "redunet-clouds",
        "ΔR of the three clouds, at a distortion for which the step is safe and at one for which it is not",
        vec![
            Column::count("layer"),
            Column::real("`ΔR`, `ε^2 = 0.1`", "nats", Fixed(9)),
            Column::real("below the optimum", "", Significant(2)),
            Column::real("`ΔR`, `ε^2 = 0.01`", "nats", Fixed(6)),
        ],
    );
    for layer in [0, 1, 2, 5, 10, 20, 50, 100, 200] {
        table.row([layer.into(), built.reductions[layer].into(), (top - built.reductions[layer]).into(), long.reductions[layer].into()])?;
    }
    tour.table(table);
    tour.figure(
        LineChart {
            label: Label::new(
                "redunet-clouds-rate",
                "A safe step climbs to the optimum; one that is too long does not",
                format!(
                    "At `ε^2 = 0.1` the curve reaches its optimum {}. At `ε^2 = 0.01` the same step is {} times the bound: `ΔR` rises and falls and stays below {}.",
                    Fixed(4).show(top),
                    Fixed(1).show(0.5 / bound(EPS2 / 10.0)),
                    Fixed(4).show(wide)
                ),
            ),
            x: Axis::linear("layer"),
            y: Axis::linear("`ΔR`, nats").including(0.0),
            series: vec![
                Series::curve("`ε^2 = 0.1`", built.reductions.iter().enumerate().map(|(i, &r)| (i as f64, r))),
                Series::curve("`ε^2 = 0.01`", long.reductions.iter().enumerate().map(|(i, &r)| (i as f64, r))),
                Series::reference("optimum at 0.1", [(0.0, top), (layers as f64, top)]),
                Series::reference("optimum at 0.01", [(0.0, wide), (layers as f64, wide)]),
            ],
        }
        .figure()?,
    );
    let end = built.reductions[layers];
    tour.claim(
        "Within the bound on the step, the network climbs to the closed-form optimum.",
        rises(&built.reductions) && (top - end).abs() < 1e-9,
        format!("{} of {} nats after {layers} layers.", Fixed(12).show(end), Fixed(12).show(top)),
    );
    let cosine = coherence(&moved, &truth);
    let guessed = accuracy(&built.net.guess(&test)?, &truth);
    tour.claim(
        "Test points that it never saw become orthogonal between classes, and all are guessed right.",
        cosine < 1e-5 && guessed == 1.0,
        format!(
            "Largest |cosine| between classes {}; {} of {} right.",
            Significant(2).print(cosine),
            (guessed * truth.len() as f64).round(),
            truth.len()
        ),
    );
    tour.claim(
        "A step beyond the bound loses: ΔR falls between layers and stays below the optimum.",
        !rises(&long.reductions) && long.reductions[layers] < wide - 0.01,
        format!(
            "`η = 0.5` against {}: {} of {} nats.",
            Fixed(3).show(bound(EPS2 / 10.0)),
            Fixed(3).show(long.reductions[layers]),
            Fixed(3).show(wide)
        ),
    );
    Ok(())
}

fn rises(reductions: &[f64]) -> bool {
    // At the optimum rises are rounding.
    reductions.windows(2).all(|w| w[1] >= w[0] - 1e-12)
}

fn coherence(z: &Matrix<f64>, labels: &[usize]) -> f64 {
    let g = z.gram_rows();
    let mut most = 0.0;
    for i in 0..labels.len() {
        for j in (0..i).filter(|&j| labels[i] != labels[j]) {
            if g[(i, j)].abs() > most {
                most = g[(i, j)].abs();
            }
        }
    }
    most
}

/// The points seen along the diagonal of the first octant.
fn cloud_figure(name: &str, title: &str, z: &Matrix<f64>, labels: &[usize]) -> Result<Figure> {
    let (two, six) = (2f64.sqrt(), 6f64.sqrt());
    let seen = |i: usize| {
        let p = z.row(i);
        ((p[1] - p[0]) / two, (2.0 * p[2] - p[0] - p[1]) / six)
    };
    let of = |k: usize| (0..z.rows()).filter(|&i| labels[i] == k).map(seen).collect();
    Scatter {
        label: Label::new(
            name,
            title,
            format!(
                "Seen along the diagonal of the three axes. The largest |cosine| between points of different classes is {}.",
                Significant(2).print(coherence(z, labels))
            ),
        ),
        x: "across".into(),
        y: "up".into(),
        clouds: (0..3).map(|k| Cloud { name: format!("class {k}"), points: of(k), arrows: Vec::new() }).collect(),
    }
    .figure()
}

/// Training and test digits.
fn digits(tour: &Tour) -> Result<Split<f64>> {
    let samples = tour.samples();
    let (train, test) = split_samples(&samples.labels, HELD_OUT, SEED)?;
    let of = |rows: &[usize]| rows.iter().map(|&i| samples.labels[i]).collect();
    Ok(Split {
        train: samples.x.select_rows(&train)?,
        train_labels: of(&train),
        test: samples.x.select_rows(&test)?,
        test_labels: of(&test),
        classes: 10,
    })
}

fn on_digits(tour: &mut Tour, split: &Split<f64>) -> Result<()> {
    let layers = if tour.quick() { 12 } else { 50 };
    let n = split.train.rows();
    let bound = 8.0 * n as f64 * EPS2 / (9.0 * 64.0);
    tour.text(format!(
        "Now the digits: {n} to build {layers} layers from, {} to test, `ε^2 = 0.1`, `η = 0.5` (safe up to {}), `λ = 500`. A class is represented by its leading direction, or its ten leading ones; a test \
         digit goes to the nearest.",
        split.test.rows(),
        Fixed(2).show(bound)
    ));
    let shares = [0.0, 0.2, 0.4];
    let mut runs: Vec<(f64, f64, Outcome<f64>, [f64; 2])> = Vec::new();
    for (i, &share) in shares.iter().enumerate() {
        tour.progress("layers on the digits", i, shares.len());
        let mut noisy = split.clone();
        noisy.train_labels = corrupted(&split.train_labels, 10, share, SEED)?;
        let wrong = 1.0 - accuracy(&noisy.train_labels, &split.train_labels);
        let outcome = experiment(&noisy, &options(layers, 500.0, EPS2), None, 10, |_, _| Ok(()))?;
        // With one direction a class, before and after.
        let line = |z: &Matrix<f64>, t: &Matrix<f64>| -> Result<f64> {
            let c = crate::redunet::SubspaceClassifier::fit(z, &noisy.train_labels, 10, 1, false)?;
            Ok(accuracy(&c.predict(t)?, &split.test_labels))
        };
        let raw = crate::coding::unit_rows(&split.train)?.0;
        let lines = [line(&raw, &split.test)?, line(&outcome.train, &outcome.test)?];
        runs.push((share, wrong, outcome, lines));
    }
    let clean = &runs[0];
    let curve = &clean.2.reductions;
    let mut path = Table::new(
        "redunet-digits",
        "ΔR of the training digits from layer to layer",
        vec![Column::count("layer"), Column::real("`ΔR`", "nats", Fixed(6)), Column::real("rise", "", Significant(3))],
    );
    for i in (0..curve.len()).filter(|&i| i < 4 || i % 10 == 0 || i + 1 == curve.len()) {
        let rise = if i == 0 { Cell::Blank } else { (curve[i] - curve[i - 1]).into() };
        path.row([i.into(), curve[i].into(), rise])?;
    }
    tour.table(path);
    tour.figure(
        LineChart {
            label: Label::new(
                "redunet-digits-rate",
                "ΔR of the training digits rises from layer to layer",
                format!(
                    "From {} to {} nats with the true labels; with wrong labels among them it rises too, but less far.",
                    Fixed(2).show(curve[0]),
                    Fixed(2).show(curve[layers])
                ),
            ),
            x: Axis::linear("layer"),
            y: Axis::linear("`ΔR`, nats").including(0.0),
            series: runs
                .iter()
                .map(|(_, wrong, o, _)| {
                    let name = format!("{} % wrong", Fixed(0).show(100.0 * wrong));
                    Series::curve(&name, o.reductions.iter().enumerate().map(|(i, &r)| (i as f64, r)))
                })
                .collect(),
        }
        .figure()?,
    );
    let mut table = Table::new(
        "redunet-noise",
        "Test accuracy before and after the layers, with wrong labels among the training digits",
        vec![
            Column::real("wrong labels", "%", Fixed(1)),
            Column::real("one direction, before", "%", Fixed(2)),
            Column::real("after", "%", Fixed(2)),
            Column::real("ten directions, before", "%", Fixed(2)),
            Column::real("after", "%", Fixed(2)),
            Column::real("the last layer's guess", "%", Fixed(2)),
        ],
    );
    for (_, wrong, o, lines) in &runs {
        let share = |x: f64| Cell::from(100.0 * x);
        let guess = o.after.guess.map_or(Cell::Blank, share);
        table.row([share(*wrong), share(lines[0]), share(lines[1]), share(o.before.subspace), share(o.after.subspace), guess])?;
    }
    tour.table(table);
    tour.claim(
        "With a step within the bound, `ΔR` of the training digits rises at every layer.",
        curve.windows(2).all(|w| w[1] > w[0]),
        format!("{layers} layers, from {} to {} nats.", Fixed(3).show(curve[0]), Fixed(3).show(curve[layers])),
    );
    let percent = |x: f64| format!("{} %", Fixed(2).show(100.0 * x));
    tour.claim(
        "After the layers one direction a class tells the digits apart better than before.",
        clean.3[1] > clean.3[0],
        format!(
            "{} before, {} after; with ten directions {} and {}.",
            percent(clean.3[0]),
            percent(clean.3[1]),
            percent(clean.2.before.subspace),
            percent(clean.2.after.subspace)
        ),
    );
    Ok(())
}

fn on_shifts(tour: &mut Tour, split: &Split<f64>) -> Result<()> {
    let (each, channels, layers) = if tour.quick() { (20, 4, 4) } else { (50, 8, 10) };
    let mut taken = [0; 10];
    let rows: Vec<usize> = (0..split.train.rows())
        .filter(|&i| {
            taken[split.train_labels[i]] += 1;
            taken[split.train_labels[i]] <= each
        })
        .collect();
    let few = Split {
        train: split.train.select_rows(&rows)?,
        train_labels: rows.iter().map(|&i| split.train_labels[i]).collect(),
        ..split.clone()
    };
    tour.text(format!(
        "Move a digit by a pixel and all this is lost. If every circular shift of an image is to count as the same, all 64 shifts of each image enter the construction. Their operators are \
         circulant: convolutions. The Fourier transform makes them small, one `C × C` matrix for each of the 64 frequencies, where `C` is the number of channels. A bank of {channels} random \
         kernels of 3 × 3 and a ReLU make that many channels; without the nonlinearity all shifts of all classes span the same space. {each} digits a class, {layers} layers.",
    ));
    tour.progress("layers that do not see shifts", 0, 2);
    let bank = Lift {
        kernels: gaussian_matrix(channels, 9, &mut Rng::stream(SEED, "lifting kernels")),
        signal: [1, 8, 8],
        extent: [3, 3],
        stride: [1, 1],
        orientation: Orientation::Correlation,
        activation: Activation::Relu,
    };
    let lifted = Split { train: bank.forward(&few.train)?, test: bank.forward(&few.test)?, ..few.clone() };
    let shifts = Shifts::new(channels, 8, 8, Normalisation::Exact)?;
    let plain = experiment(&few, &options(layers, 500.0, EPS2), None, 10, |_, _| Ok(()))?;
    let free = experiment(&lifted, &options(layers, 500.0, EPS2), Some(shifts), 30, |_, _| Ok(()))?;
    tour.progress("layers that do not see shifts", 1, 2);
    let still = free.net.assignment(&lifted.test)?;
    let mut table = Table::new(
        "redunet-shifts",
        "Guesses of the last layer on test digits moved around circularly",
        vec![
            Column::real("move", "pixels right and down", Fixed(0)),
            Column::real("plain ReduNet", "% right", Fixed(2)),
            Column::real("shift-invariant", "% right", Fixed(2)),
            Column::real("largest change of a guessed probability", "", Significant(2)),
        ],
    );
    let (mut bars, mut apart, mut fixed) = ([Vec::new(), Vec::new()], 0.0, Vec::new());
    for by in 0..4 {
        let moved = moved_images(&few.test, bank.signal, &vec![(by, by); few.test.rows()])?;
        let own = bank.forward(&moved)?;
        let change = free.net.assignment(&own)?.sub(&still)?.data().iter().fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
        let right = [accuracy(&plain.net.guess(&moved)?, &few.test_labels), accuracy(&free.net.guess(&own)?, &few.test_labels)];
        table.row([(by as f64).into(), (100.0 * right[0]).into(), (100.0 * right[1]).into(), change.into()])?;
        bars[0].push(100.0 * right[0]);
        bars[1].push(100.0 * right[1]);
        apart = if change > apart { change } else { apart };
        fixed.push(right[1]);
    }
    tour.table(table);
    let [first, second] = bars;
    tour.figure(shift_figure(&first, &second)?);
    tour.claim(
        "The shift-invariant network gives a moved digit the guess of the digit, to rounding.",
        apart < 1e-9 && fixed.iter().all(|&f| f == fixed[0]),
        format!(
            "The largest change of a probability is {}; {} % right wherever the digit is.",
            Significant(2).print(apart),
            Fixed(2).show(100.0 * fixed[0])
        ),
    );
    tour.claim(
        "The plain network does not: moved by two pixels, digits are guessed worse than by the invariant one.",
        first[2] < second[2],
        format!("{} % against {} %.", Fixed(2).show(first[2]), Fixed(2).show(second[2])),
    );
    Ok(())
}

fn shift_figure(plain: &[f64], free: &[f64]) -> Result<Figure> {
    LineChart {
        label: Label::new(
            "redunet-shifts-figure",
            "Moving a digit costs the plain network its sight",
            format!(
                "The plain network falls from {} to {} % of test digits as they move by three pixels; the invariant one stays at {} %.",
                Fixed(1).show(plain[0]),
                Fixed(1).show(plain[3]),
                Fixed(1).show(free[0])
            ),
        ),
        x: Axis::linear("move, pixels"),
        y: Axis::linear("% right").including(0.0).including(100.0),
        series: vec![
            Series::curve("plain", plain.iter().enumerate().map(|(i, &x)| (i as f64, x))),
            Series::curve("shift-invariant", free.iter().enumerate().map(|(i, &x)| (i as f64, x))),
        ],
    }
    .figure()
}
