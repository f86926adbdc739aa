//! Coding length: when coding apart pays, segments found by it, and classes told apart by it.

use super::Tour;
use crate::Result;
use crate::coding::{Classifier, Distortion, Model, apart_gain, apart_threshold, patch_features, segment, segment_with};
use crate::data::image::Image;
use crate::linalg::{Eigen, Matrix};
use crate::random::{Rng, subspace_mixture};
use crate::report::axis::Axis;
use crate::report::image::{ImageGrid, Ink, Picture};
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Shortest, Significant};
use crate::report::scatter::{Cloud, Scatter};
use crate::report::{Column, Label, Table};
use crate::scalar::Bulk;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    apart(tour)?;
    planted(tour)?;
    image(tour)?;
    digits(tour)
}

fn apart(tour: &mut Tour) -> Result<()> {
    tour.text(
        "Does it pay to code two groups of samples apart? Take two orthogonal subspaces of dimension `p` with the same spread in each, and pay `log 2` nats a sample to say which of the two it is from. What is gained depends on \
         the signal alone, `s = d v/ε^2` for a variance `v` in each direction:",
    );
    tour.formula("gain = p log(1 + s/2) − (p/2) log(1 + s) − log 2");
    let dims = [1usize, 2, 5];
    let grid: Vec<f64> = (0..=60).map(|k| 0.5 * k as f64).collect();
    let series = dims.iter().map(|&p| Series::curve(&format!("`p = {p}`"), grid.iter().map(move |&s| (s, apart_gain(p, s)))));
    let all: Vec<Series> = series.chain([Series::reference("", [(0.0, 0.0), (30.0, 0.0)])]).collect();
    tour.figure(
        LineChart {
            label: Label::new(
                "segment-apart",
                "Together or apart",
                "The gain starts at −0.69 nats without a signal, crosses zero the earlier the larger `p` is, and grows without bound.",
            ),
            x: Axis::linear("signal `s`"),
            y: Axis::linear("gain by coding apart [nats]"),
            series: all,
        }
        .figure()?,
    );
    let mut table = Table::new(
        "segment-threshold",
        "The signal above which coding apart pays",
        vec![Column::count("`p`"), Column::real("threshold of `s`", "", Fixed(6)), Column::real("gain there", "nats", Significant(2))],
    );
    let mut right = true;
    for p in dims {
        let s = apart_threshold::<f64>(p)?;
        right &= apart_gain(p, s * 1.01) > 0.0 && apart_gain(p, s * 0.99) < 0.0;
        table.row([p.into(), s.into(), apart_gain(p, s).into()])?;
    }
    tour.table(table);
    tour.claim(
        "Below the threshold one code is shorter, above it two.",
        right,
        "A hundredth to either side, the gain has the sign it should.",
    );
    Ok(())
}

fn planted(tour: &mut Tour) -> Result<()> {
    tour.text(
        "If the groups are not known, they can be found: start with every sample alone and join, again and again, the two groups whose union shortens the whole description most, until none does. Nobody says how many groups there are. \
         Below, samples near a plane and two lines in three dimensions.",
    );
    let each = if tour.quick() { 40 } else { 100 };
    let data = subspace_mixture(3, &[2 * each, each, each], &[2, 1, 1], 0.02, false, &mut Rng::stream(5, "tour segment"))?;
    let eps = 0.1;
    tour.progress("merging groups", 0, 1);
    let s = segment(&data.x, Distortion::Eps(eps), Model::Linear, 0.0)?;
    let right = agreement(&s.groups, &data.labels, 3);
    let cloud = |group: &Vec<usize>| Cloud {
        name: format!("{} samples", group.len()),
        points: group.iter().map(|&i| (data.x[(i, 0)] - 0.4 * data.x[(i, 2)], data.x[(i, 1)] - 0.3 * data.x[(i, 2)])).collect(),
        arrows: Vec::new(),
    };
    tour.figure(
        Scatter {
            label: Label::new(
                "segment-subspaces",
                "A plane and two lines, found",
                format!(
                    "A projection of the samples, one colour a group found: {} groups, {} % of the samples with their own kind.",
                    s.groups.len(),
                    Fixed(1).show(100.0 * right)
                ),
            ),
            x: "across".into(),
            y: "up".into(),
            clouds: s.groups.iter().map(cloud).collect(),
        }
        .figure()?,
    );
    let deltas: f64 = s.merges.iter().map(|m| m.delta).sum();
    tour.claim(
        "The groups found are the plane and the lines, but for samples near where they meet.",
        right > 0.93,
        format!(
            "{} groups at `ε = {eps}`; {} % right; {} nats became {}.",
            s.groups.len(),
            Fixed(1).show(100.0 * right),
            Fixed(0).show(s.start),
            Fixed(0).show(s.cost)
        ),
    );
    tour.claim(
        "Each merge shortened the description, and the savings add up to what was saved.",
        s.merges.iter().all(|m| m.delta < 0.0) && (s.start + deltas - s.cost).abs() <= 1e-9 * s.start.abs(),
        format!("{} merges.", s.merges.len()),
    );
    Ok(())
}

/// The share of samples whose group has their label as its most frequent.
fn agreement(groups: &[Vec<usize>], labels: &[usize], classes: usize) -> f64 {
    let own =
        |g: &Vec<usize>| (0..classes).map(|k| g.iter().filter(|&&i| labels[i] == k).count()).fold(0, |m, c| if c > m { c } else { m });
    groups.iter().map(own).sum::<usize>() as f64 / labels.len() as f64
}

/// Three textures: stripes, a chequerboard of noise, a smooth shade.
fn textures(side: usize) -> Result<(Image, Vec<usize>)> {
    let mut rng = Rng::stream(7, "tour segment");
    let (mut samples, mut truth) = (Vec::new(), Vec::new());
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = (x as f64 - side as f64 / 3.0, y as f64 - side as f64 / 2.0);
            let label = if dx * dx + dy * dy < (side * side) as f64 / 16.0 { 1 } else { usize::from(x > side * 2 / 3) * 2 };
            let shade = match label {
                0 => {
                    if (x + y) / 2 % 2 == 0 {
                        0.75
                    } else {
                        0.25
                    }
                }
                1 => 0.9,
                _ => 0.1,
            };
            let value = 255.0 * (shade + 0.03 * rng.gaussian());
            samples.push(if value < 0.0 {
                0
            } else if value > 255.0 {
                255
            } else {
                value as u16
            });
            truth.push(label);
        }
    }
    Ok((Image::new(side, side, 1, 255, samples)?, truth))
}

fn image(tour: &mut Tour) -> Result<()> {
    tour.text(
        "An image is segmented the same way: the samples are the small patches around its points. A disc and a band in front of stripes, with some noise: the stripes, though full of edges, are one texture, since their patches \
         lie in one subspace.",
    );
    let side = 42;
    let (picture, truth) = textures(side)?;
    let patches = patch_features(&picture, 5, 1, 6)?;
    let mut told = 0;
    let s = segment_with(&patches.features, Distortion::Eps(1.0), Model::Affine, 0.0, &mut |done, most| {
        if done >= told + 200 {
            told = done;
            tour.progress("merging patches", done, most);
        }
    })?;
    let labels = patches.spread(&s.labels);
    let right =
        agreement(&(0..s.groups.len()).map(|k| (0..labels.len()).filter(|&i| labels[i] == k).collect()).collect::<Vec<_>>(), &truth, 3);
    let greys: Vec<f64> = labels.iter().map(|&l| (l + 1) as f64 / s.groups.len() as f64).collect();
    tour.figure(
        ImageGrid {
            label: Label::new(
                "segment-image",
                "An image and its segments",
                format!("Left the image in ink; right its {} segments, each in a shade of its own: the disc, the band, the stripes, and strips along their borders.", s.groups.len()),
            ),
            rows: vec![(String::new(), vec![Picture::new("image", side, &picture.unit())?, Picture::new("segments", side, &greys)?])],
            ink: Ink::Each,
        }
        .figure()?,
    );
    tour.claim(
        "The segments follow the textures.",
        right > 0.85 && s.groups.len() < 30,
        format!(
            "{} patches became {} segments; {} % of the pixels lie in a segment of mostly their own texture.",
            patches.features.rows(),
            s.groups.len(),
            Fixed(1).show(100.0 * right)
        ),
    );
    Ok(())
}

fn digits(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    tour.text(
        "With labels, the same lengths classify: a new sample goes to the class whose description grows least by it (minimum incremental coding length). Every second digit teaches, the others are asked; beside it the nearest \
         subspace, spanned by the first 12 directions of each class.",
    );
    let part = |odd: usize| (0..samples.labels.len()).filter(|i| i % 2 == odd).collect::<Vec<_>>();
    let (train, test) = (samples.x.select_rows(&part(0))?, samples.x.select_rows(&part(1))?);
    let labels = |odd: usize| part(odd).iter().map(|&i| samples.labels[i]).collect::<Vec<_>>();
    let (known, asked) = (labels(0), labels(1));
    let share = |found: &[usize]| 100.0 * found.iter().zip(&asked).filter(|(a, b)| a == b).count() as f64 / asked.len() as f64;
    let mut kept = Matrix::zeros(test.rows(), 10);
    for c in 0..10 {
        let rows: Vec<usize> = (0..known.len()).filter(|&i| known[i] == c).collect();
        let codes = test.matmul(&Eigen::new(&train.select_rows(&rows)?.gram_cols())?.vectors.select_cols(0, 12)?)?;
        (0..test.rows()).for_each(|i| kept[(i, c)] = f64::dot(codes.row(i), codes.row(i)));
    }
    let nearest: Vec<usize> = (0..test.rows()).map(|i| (1..10).fold(0, |b, c| if kept[(i, c)] > kept[(i, b)] { c } else { b })).collect();
    let mut table = Table::new(
        "segment-digits",
        "Unseen digits classified rightly",
        vec![
            Column::real("`ε`", "", Shortest),
            Column::real("coding length, with means", "%", Fixed(2)),
            Column::real("around zero", "%", Fixed(2)),
            Column::real("nearest subspace", "%", Fixed(2)),
        ],
    );
    let mut best = 0.0;
    for eps in [0.25, 0.5, 1.0, 2.0] {
        let by = |model: Model| -> Result<f64> {
            Ok(share(&Classifier::new(&train, &known, Distortion::Eps(eps), model, None)?.classify(&test)?))
        };
        let (affine, linear) = (by(Model::Affine)?, by(Model::Linear)?);
        best = if affine > best { affine } else { best };
        table.row([eps.into(), affine.into(), linear.into(), share(&nearest).into()])?;
    }
    tour.table(table);
    tour.claim(
        "Coding length tells more than 95 % of the unseen digits right.",
        best > 95.0,
        format!("{} % at the best of four `ε`, the nearest subspace {} %.", Fixed(2).show(best), Fixed(2).show(share(&nearest))),
    );
    Ok(())
}
