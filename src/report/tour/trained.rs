//! A CRATE and a ViT trained here and now, and measured layer by layer.

use super::Tour;
use crate::Result;
use crate::coding::Distortion;
use crate::learn::{Optimiser, Schedule, from_arrays, split_samples, to_arrays};
use crate::report::inspection::{Measured, Subject, comparison, exemplars};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::section::Block;
use crate::report::{Column, Table};
use crate::transformer::{Design, Recipe, Samples, Trainer, Vision};

const TEST: usize = 360;
const SEED: u64 = 0;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let digits = tour.samples();
    let (train, test) = split_samples(&digits.labels, TEST, SEED)?;
    let all = Samples { images: digits.x.map(|x| x as f32), labels: digits.labels.to_vec() };
    let exact = Samples { images: (*digits.x).clone(), labels: digits.labels.to_vec() };
    let held: Vec<usize> = if tour.quick() { test.into_iter().take(60).collect() } else { test };
    let held = exact.select(&held)?;
    let (batch, epochs) = if tour.quick() { (64, 4) } else { (32, 12) };
    let designs = [("crate", Design::new_crate([1, 8, 8], 2, 32, 3, 4, 10)), ("vit", Design::new_vit([1, 8, 8], 2, 32, 3, 4, 10))];
    // In the short form without the ViT, which takes three times as long.
    let designs = if tour.quick() { &designs[..1] } else { &designs[..] };
    tour.text(format!(
        "A small CRATE learns to read the digits, in {epochs} epochs of {} images: its layers are the two steps of the last chapters with learned bases and dictionaries{}. The images are cut into 16 patches of 2 × 2. \
         Nothing tells it to compress or to sparsify: the loss is the cross-entropy of the classes. So what do its layers do to tokens of digits it has not seen?",
        train.len(),
        if tour.quick() { "" } else { ". Beside it a ViT of the same width and depth, trained alike" }
    ));
    let mut measured = Vec::new();
    for &(name, design) in designs {
        let first = Vision::<f32>::initialise(design, SEED)?;
        let untrained = widened(&first)?;
        let model = widened(&fitted(tour, name, first, &all, &train, [batch, epochs])?)?;
        let prefixed = format!("trained-{name}");
        let subject = Subject { name: &prefixed, model: &model, untrained: &untrained, samples: &held };
        let m = subject.measure(Distortion::Eps2(0.01))?;
        if name == "crate" {
            for block in m.blocks()? {
                // Statements about trained networks are shown below with their verdicts; the tour claims none of them.
                if !matches!(block, Block::Claim(_)) {
                    tour.add(block);
                }
            }
            let which = exemplars(&held, 8);
            tour.figures(vec![subject.attention_maps(&which)?, subject.components(&which)?]);
        }
        measured.push(m);
    }
    statements(tour, &measured)?;
    tour.table(comparison(&measured)?);
    let accuracy = measured[0].outcome.accuracy();
    tour.claim(
        "The CRATE learned to read digits that it had not seen.",
        accuracy > if tour.quick() { 0.2 } else { 0.5 },
        format!(
            "{} % of {} after {epochs} epochs, with {} parameters{}.",
            Fixed(1).show(100.0 * accuracy),
            held.labels.len(),
            measured[0].parameters,
            measured.get(1).map_or(String::new(), |m| {
                format!("; the ViT {} % with {}", Fixed(1).show(100.0 * m.outcome.accuracy()), m.parameters)
            })
        ),
    );
    let layers = &measured[0].trained.layers;
    tour.claim(
        "The step that sparsifies sets entries of every layer exactly to zero, and keeps others.",
        layers.iter().all(|m| m.nonzeros.mean > 0.0 && m.nonzeros.mean < 1.0),
        format!(
            "Not zero: {} %; of what it was given, positive: {} %.",
            layers.iter().map(|m| Fixed(1).show(100.0 * m.nonzeros.mean)).collect::<Vec<_>>().join(", "),
            layers.iter().map(|m| Fixed(1).show(100.0 * m.positive.mean)).collect::<Vec<_>>().join(", ")
        ),
    );
    Ok(())
}

/// The model after so many epochs of AdamW with warm-up and cosine, three images in ten moved by up to a pixel.
fn fitted(
    tour: &mut Tour,
    name: &str,
    model: Vision<f32>,
    all: &Samples<f32>,
    train: &[usize],
    [batch, epochs]: [usize; 2],
) -> Result<Vision<f32>> {
    let total = (epochs * train.len().div_ceil(batch)) as f64;
    let schedule = Schedule::WarmupCosine { warmup: total / 10.0, total, floor: 0.0 };
    let recipe =
        Recipe { optimiser: Optimiser::adamw(0.05), rate: 0.004, schedule, smoothing: 0.1, batch, shift: 1, moved: 0.3, seed: SEED };
    let mut trainer = Trainer::new(model, recipe)?;
    for epoch in 0..epochs {
        tour.progress(&format!("training the {name}"), epoch, epochs);
        for rows in crate::learn::epoch_batches(train.len(), batch, SEED, epoch as u64) {
            let rows: Vec<usize> = rows.into_iter().map(|i| train[i]).collect();
            trainer.step(all, &rows, epoch as u64)?;
        }
    }
    Ok(trainer.model)
}

/// The same weights in f64.
fn widened(model: &Vision<f32>) -> Result<Vision<f64>> {
    let mut wide = Vision::zeros(model.design)?;
    from_arrays(&mut wide, &to_arrays(model)?)?;
    Ok(wide)
}

/// What is said of such networks, and what these two say to it.
fn statements(tour: &mut Tour, measured: &[Measured]) -> Result<()> {
    let mut table = Table::new(
        "trained-statements",
        "Statements about trained networks of this kind, and whether they are borne out here",
        vec![Column::text("statement"), Column::text("CRATE"), Column::text("ViT")],
    );
    let mine = measured[0].claims();
    let theirs = measured.get(1).map_or(Vec::new(), Measured::claims);
    let word = |holds: bool| if holds { "yes" } else { "no" };
    for claim in &mine {
        let other = theirs.iter().find(|c| c.statement == claim.statement).map_or("", |c| word(c.holds));
        table.row([claim.statement.as_str().into(), word(claim.holds).into(), other.into()])?;
    }
    let held = mine.iter().filter(|c| c.holds).count();
    let greatest =
        |m: &Measured| Significant(3).print(m.trained.layers.iter().fold(0.0, |g: f64, l| if l.ratio.mean > g { l.ratio.mean } else { g }));
    tour.text(format!(
        "Of {} statements that are made of large networks of this kind, {held} are borne out by this small one. Its longest patch token is {} medians long{}: tokens that grow out of proportion are reported of \
         networks with many more layers and tokens.",
        mine.len(),
        greatest(&measured[0]),
        measured.get(1).map_or(String::new(), |m| format!(", that of the ViT {}", greatest(m)))
    ));
    tour.table(table);
    Ok(())
}
