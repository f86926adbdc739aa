//! What an inspection shows: tables, figures, and which statements about such networks it bears out.

use super::axis::Axis;
use super::image::{ImageGrid, Ink, Picture};
use super::line::{LineChart, Series};
use super::number::Digits::{Fixed, Significant};
use super::{Block, Cell, Claim, Column, Figure, Label, Table};
use crate::Result;
use crate::coding::Distortion;
use crate::inspect::{Inspection, LayerMeasure, TokenPca, saliency};
use crate::learn::{Layer, Parameters};
use crate::transformer::{Attention, AttentionKind, Design, FeedKind, Outcome, Samples, Vision, VisionTrace, evaluate};

/// A trained network, the same network before training, and samples it was not trained on.
pub struct Subject<'a> {
    /// A short name of letters, digits and dashes: the first word of its files' names.
    pub name: &'a str,
    /// After training.
    pub model: &'a Vision<f64>,
    /// With the weights it began with.
    pub untrained: &'a Vision<f64>,
    /// What it is measured on.
    pub samples: &'a Samples<f64>,
}

/// A network measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Its size.
    pub design: Design,
    /// How many numbers it has.
    pub parameters: usize,
    /// Loss and accuracy on the samples.
    pub outcome: Outcome,
    /// After training.
    pub trained: Inspection,
    /// Before.
    pub untrained: Inspection,
}

/// `CRATE`, `ViT`, or what a mixture is made of.
pub fn kind(design: &Design) -> &'static str {
    match (design.attention, design.feed) {
        (AttentionKind::Mssa, FeedKind::Ista) => "MSSA + ISTA (CRATE)",
        (AttentionKind::Mssa, FeedKind::Mlp) => "MSSA + MLP",
        (AttentionKind::Mhsa, FeedKind::Ista) => "MHSA + ISTA",
        (AttentionKind::Mhsa, FeedKind::Mlp) => "MHSA + MLP (ViT)",
    }
}

impl Subject<'_> {
    /// Runs both networks over the samples.
    pub fn measure(&self, distortion: Distortion<f64>) -> Result<Measured> {
        Ok(Measured {
            name: self.name.into(),
            design: self.model.design,
            parameters: self.model.count(),
            outcome: evaluate(self.model, self.samples, 0.0)?,
            trained: Inspection::new(self.model, self.samples, distortion)?,
            untrained: Inspection::new(self.untrained, self.samples, distortion)?,
        })
    }

    /// Images beside where the class token looks in the last layer, head by head, each patch as dark as the share of attention it gets. `which`: rows of the samples.
    pub fn attention_maps(&self, which: &[usize]) -> Result<Figure> {
        let design = &self.model.design;
        let ([_, h, w], tokens) = (design.image, design.tokens());
        let mut trace = VisionTrace::default();
        let mut rows = Vec::new();
        for &i in which {
            let image = self.samples.images.select_rows(&[i])?;
            self.model.forward(&image, 1, &mut trace)?;
            let (Some(block), Some(last)) = (self.model.blocks.last(), trace.blocks.last()) else { continue };
            let mut pictures = vec![Picture::new("image", h, &unit(&image.row(0)[..h * w]))?];
            for (k, map) in last.weights(block).chunks_exact(tokens * tokens).enumerate() {
                pictures.push(Picture::new(&format!("head {}", k + 1), h, &unit(&spread_out(saliency(map, tokens)?, design)))?);
            }
            rows.push((self.samples.labels[i].to_string(), pictures));
        }
        ImageGrid {
            label: Label::new(
                &format!("{}-attention", self.name),
                "Where the class token looks in the last layer",
                format!("One row an image: the image, then for each of the {} heads the attention of the class token to the patches, each map to its own full ink.", design.heads),
            ),
            rows,
            ink: Ink::Common,
        }
        .figure()
    }

    /// The first three principal components of the last layer's projections (keys) of all patches of these images, as images.
    pub fn components(&self, which: &[usize]) -> Result<Figure> {
        let design = &self.model.design;
        let ([_, h, w], tokens) = (design.image, design.tokens());
        let images = self.samples.images.select_rows(which)?;
        let mut trace = VisionTrace::default();
        self.model.forward(&images, 1, &mut trace)?;
        let (Some(block), Some(last)) = (self.model.blocks.last(), trace.blocks.last()) else {
            return Err(super::figure::nothing(&Label::default(), "layer"));
        };
        let projected = match &block.attention {
            Attention::Mssa(_) => last.mssa.projected.clone(),
            Attention::Mhsa(_) => {
                let third = last.mhsa.projected.cols() / 3;
                last.mhsa.projected.select_cols(third, third)?
            }
        };
        let patches: Vec<usize> = (0..projected.rows()).filter(|i| i % tokens > 0).collect();
        let shown = if projected.cols() < 3 { projected.cols() } else { 3 };
        let pca = TokenPca::new(&projected.select_rows(&patches)?, shown)?;
        let mut rows = vec![(String::new(), Vec::new()); shown + 1];
        for (b, &i) in which.iter().enumerate() {
            rows[0].1.push(Picture::new(&self.samples.labels[i].to_string(), h, &unit(&images.row(b)[..h * w]))?);
            for j in 0..shown {
                let scores = pca.scores.col(j);
                let own = &scores[b * (tokens - 1)..(b + 1) * (tokens - 1)];
                let full = scores.iter().fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
                let own: Vec<f64> = own.iter().map(|x| if full > 0.0 { x / full } else { 0.0 }).collect();
                rows[j + 1].1.push(Picture::new("", h, &spread_out(&own, design))?);
            }
        }
        for (j, row) in rows.iter_mut().enumerate().skip(1) {
            row.0 = format!("{j}");
        }
        ImageGrid {
            label: Label::new(
                &format!("{}-components", self.name),
                "Principal components of the tokens in the last layer",
                "First the images, below them the first components of the projections of all their patches together: what has one colour is alike to the network.",
            ),
            rows,
            ink: Ink::Common,
        }
        .figure()
    }
}

/// Divided by the largest magnitude.
fn unit(x: &[f64]) -> Vec<f64> {
    let full = x.iter().fold(0.0, |m: f64, v| if v.abs() > m { v.abs() } else { m });
    x.iter().map(|v| if full > 0.0 { v / full } else { 0.0 }).collect()
}

/// One number a patch, shown at the size of the image.
fn spread_out(x: &[f64], design: &Design) -> Vec<f64> {
    let [_, h, w] = design.image;
    let (p, across) = (design.patch, design.image[2] / design.patch);
    (0..h * w).map(|i| x[i / w / p * across + i % w / p]).collect()
}

impl Measured {
    /// The measures of every layer, trained above untrained; the weights; what is claimed of such networks, with the verdict of these numbers; curves over the layers.
    pub fn blocks(&self) -> Result<Vec<Block>> {
        let mut blocks = vec![Block::Table(self.rates()?), Block::Table(self.tokens()?)];
        blocks.extend(self.claims().into_iter().map(Block::Claim));
        blocks.push(Block::Figures(vec![
            self.curve("rate", "`R^c` after the attention", "nats a token", |m| m.half.mean)?,
            self.curve("script", "`R^c` as the official script measures it", "nats a token", |m| m.script.mean)?,
        ]));
        blocks.push(Block::Figures(vec![
            self.curve("nonzeros", "Entries that are not zero", "share", |m| m.nonzeros.mean)?,
            self.curve("norms", "The longest patch token over the median", "ratio", |m| m.ratio.mean)?,
        ]));
        Ok(blocks)
    }
    fn pairs(&self) -> impl Iterator<Item = (usize, &'static str, &LayerMeasure)> {
        let (trained, untrained) = (self.trained.layers.iter(), self.untrained.layers.iter());
        trained.zip(untrained).enumerate().flat_map(|(l, (a, b))| [(l + 1, "trained", a), (l + 1, "untrained", b)])
    }
    fn rates(&self) -> Result<Table> {
        let nats = |name: &str| Column::real(name, "nats", Fixed(2));
        let mut table = Table::new(
            &format!("{}-rates", self.name),
            "Rates by layer, means over the samples: before and after the attention against its own bases; as the official script measures it at its input and at `Z^{l+1/2}`; of the output; and the share of non-zeros in it, beside that of positive entries in what the second half was given",
            vec![
                Column::text("layer"),
                nats("`R^c(Z^l)`"),
                nats("`R^c(Z^{l+1/2})`"),
                nats("script"),
                nats("script at `Z^{l+1/2}`"),
                nats("`R(Z^{l+1})`"),
                nats("`ΔR(Z^{l+1})`"),
                Column::real("not 0", "%", Fixed(1)),
                Column::real("± over samples", "%", Fixed(1)),
                Column::real("positive before", "%", Fixed(1)),
            ],
        );
        for (l, state, m) in self.pairs() {
            let rates = [&m.before, &m.half, &m.script, &m.script_half, &m.rate, &m.difference].map(|s| Cell::from(s.mean));
            let shares = [m.nonzeros.mean, m.nonzeros.deviation, m.positive.mean].map(|x| Cell::from(100.0 * x));
            table.push(std::iter::once(Cell::from(format!("{l} {state}"))).chain(rates).chain(shares).collect())?;
        }
        Ok(table)
    }
    fn tokens(&self) -> Result<Table> {
        let mut table = Table::new(
            &format!("{}-layers", self.name),
            "Weights, tokens and attention by layer: how far the bases are from orthonormal, how much they overlap, the coherence of the dictionary; the longest patch token over the median, and the share of those twice as long; overlap of the attention with the strokes, of the mean of the heads and of the best head",
            vec![
                Column::text("layer"),
                Column::real("off orthonormal", "", Fixed(3)),
                Column::real("overlap of bases", "", Fixed(3)),
                Column::real("coherence", "greatest", Fixed(3)),
                Column::real("coherence", "mean", Fixed(3)),
                Column::real("longest", "medians", Fixed(2)),
                Column::real("outliers", "%", Fixed(2)),
                Column::real("IoU", "all heads", Fixed(3)),
                Column::real("IoU", "best head", Fixed(3)),
            ],
        );
        let or_blank = |x: Option<f64>| x.map_or(Cell::Blank, Cell::from);
        for (l, state, m) in self.pairs() {
            table.push(vec![
                format!("{l} {state}").into(),
                m.off_orthonormal.into(),
                or_blank(m.overlap),
                or_blank(m.coherence.map(|c| c[0])),
                or_blank(m.coherence.map(|c| c[1])),
                m.ratio.mean.into(),
                (100.0 * m.outliers.mean).into(),
                m.together.mean.into(),
                m.best_head.1.into(),
            ])?;
        }
        Ok(table)
    }
    /// Statements about such networks, and whether these numbers bear them out. They concern the means over the samples.
    pub fn claims(&self) -> Vec<Claim> {
        let (after, before) = (&self.trained.layers, &self.untrained.layers);
        let mut claims = Vec::new();
        let mut claim =
            |statement: &str, holds: bool, evidence: String| claims.push(Claim { statement: statement.into(), holds, evidence });
        let list = |f: &dyn Fn(&LayerMeasure) -> f64, digits: super::Digits| {
            after.iter().map(|m| digits.print(f(m))).collect::<Vec<_>>().join(", ")
        };
        let falls = |f: &dyn Fn(&LayerMeasure) -> f64| after.windows(2).all(|w| f(&w[1]) < f(&w[0]));
        claim(
            "The attention of every layer lowers the rate against the layer's own bases.",
            after.iter().all(|m| m.half.mean < m.before.mean),
            format!("`R^c(Z^{{l+1/2}}) − R^c(Z^l)`: {} nats.", list(&|m| m.half.mean - m.before.mean, Fixed(2))),
        );
        claim(
            "`R^c` after the attention falls from layer to layer.",
            falls(&|m| m.half.mean),
            format!("{} nats.", list(&|m| m.half.mean, Fixed(2))),
        );
        claim(
            "The rate of the official script falls from layer to layer.",
            falls(&|m| m.script.mean),
            format!("{} nats.", list(&|m| m.script.mean, Fixed(2))),
        );
        if self.design.feed == FeedKind::Ista {
            claim(
                "The output grows sparser from layer to layer.",
                falls(&|m| m.nonzeros.mean),
                format!("Not zero: {} %.", list(&|m| 100.0 * m.nonzeros.mean, Fixed(1))),
            );
            claim(
                "The trained network is sparser than the untrained one at every layer.",
                after.iter().zip(before).all(|(a, b)| a.nonzeros.mean < b.nonzeros.mean),
                format!("Untrained: {} %.", before.iter().map(|m| Fixed(1).print(100.0 * m.nonzeros.mean)).collect::<Vec<_>>().join(", ")),
            );
        }
        claim(
            "Training brings the bases of every layer closer to orthonormal.",
            after.iter().zip(before).all(|(a, b)| a.off_orthonormal < b.off_orthonormal),
            format!(
                "Distance {}; before training {}.",
                list(&|m| m.off_orthonormal, Fixed(3)),
                before.iter().map(|m| Fixed(3).print(m.off_orthonormal)).collect::<Vec<_>>().join(", ")
            ),
        );
        if let Some(m) = after.last() {
            claim(
                "In the last layer the class token looks at the strokes more than chance.",
                m.best_head.1 > self.trained.chance,
                format!(
                    "Best head {}, all heads {}, chance {}; untrained, all heads, {}.",
                    Fixed(3).print(m.best_head.1),
                    Fixed(3).print(m.together.mean),
                    Fixed(3).print(self.trained.chance),
                    Fixed(3).print(before.last().map_or(0.0, |m| m.together.mean))
                ),
            );
        }
        claims
    }
    fn curve(&self, name: &str, title: &str, measure: &str, f: impl Fn(&LayerMeasure) -> f64) -> Result<Figure> {
        let points = |i: &Inspection| i.layers.iter().enumerate().map(|(l, m)| ((l + 1) as f64, f(m))).collect::<Vec<_>>();
        let (trained, untrained) = (points(&self.trained), points(&self.untrained));
        let ends = |p: &[(f64, f64)]| match p {
            [first, .., last] => format!("from {} to {}", Significant(3).print(first.1), Significant(3).print(last.1)),
            [only] => Significant(3).print(only.1),
            [] => String::new(),
        };
        LineChart {
            label: Label::new(
                &format!("{}-{name}", self.name),
                title,
                format!("Over the layers, trained {}, untrained {}.", ends(&trained), ends(&untrained)),
            ),
            x: Axis::linear("layer"),
            y: Axis::linear(measure).including(0.0),
            series: vec![Series::curve("trained", trained), Series::curve("untrained", untrained)],
        }
        .figure()
    }
    /// Numbers of the last layer, and the greatest over the layers, by which networks are compared.
    fn summary(&self) -> [f64; 7] {
        let layers = &self.trained.layers;
        let greatest = |f: &dyn Fn(&LayerMeasure) -> f64| layers.iter().fold(0.0, |m: f64, l| if f(l) > m { f(l) } else { m });
        let last = layers.last().map_or((0.0, 0.0), |m| (m.together.mean, m.best_head.1));
        [
            100.0 * self.outcome.accuracy(),
            greatest(&|m| m.ratio.mean),
            100.0 * greatest(&|m| m.outliers.mean),
            last.0,
            last.1,
            greatest(&|m| m.best_head.1),
            self.trained.chance,
        ]
    }
}

/// Networks side by side: one row a network, and where several are of one kind, a row with their mean and one with the standard deviation (divided by n − 1).
pub fn comparison(all: &[Measured]) -> Result<Table> {
    let mut table = Table::new(
        "comparison",
        "Networks compared: accuracy; the longest patch token over the median and the share of outliers, each in the layer where it is greatest; overlap of the attention with the strokes in the last layer (all heads, best head) and of the best head of any layer",
        vec![
            Column::text("network"),
            Column::count("parameters"),
            Column::real("accuracy", "%", Fixed(2)),
            Column::real("longest", "medians", Fixed(2)),
            Column::real("outliers", "%", Fixed(2)),
            Column::real("IoU", "all heads", Fixed(3)),
            Column::real("IoU", "best head", Fixed(3)),
            Column::real("IoU", "any layer", Fixed(3)),
            Column::real("IoU", "chance", Fixed(3)),
        ],
    );
    let mut kinds: Vec<Design> = Vec::new();
    for m in all {
        if !kinds.contains(&m.design) {
            kinds.push(m.design);
        }
    }
    for design in kinds {
        let of: Vec<&Measured> = all.iter().filter(|m| m.design == design).collect();
        let numbers: Vec<[f64; 7]> = of.iter().map(|m| m.summary()).collect();
        let mut push = |name: String, parameters: Cell, x: [f64; 7]| {
            table.push([name.into(), parameters].into_iter().chain(x.map(Cell::from)).collect())
        };
        for (m, x) in of.iter().zip(&numbers) {
            push(format!("{}, {}", m.name, kind(&design)), m.parameters.into(), *x)?;
        }
        if of.len() > 1 {
            let n = of.len() as f64;
            let mean: [f64; 7] = std::array::from_fn(|j| numbers.iter().map(|x| x[j]).sum::<f64>() / n);
            let deviation =
                std::array::from_fn(|j| (numbers.iter().map(|x| (x[j] - mean[j]) * (x[j] - mean[j])).sum::<f64>() / (n - 1.0)).sqrt());
            push(format!("{}, mean of {}", kind(&design), of.len()), of[0].parameters.into(), mean)?;
            push("± over these".into(), Cell::Blank, deviation)?;
        }
    }
    Ok(table)
}

/// The first sample of each of up to `count` classes.
pub fn exemplars(samples: &Samples<f64>, count: usize) -> Vec<usize> {
    let first = |c: usize| samples.labels.iter().position(|&l| l == c);
    let most = samples.labels.iter().max().map_or(0, |m| m + 1);
    (0..most).filter_map(first).take(count).collect()
}
