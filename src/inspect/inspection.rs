//! A network on samples, layer by layer.

use super::attention::{chance_overlap, overlap_with_strokes, saliency, strokes};
use super::norms::TokenNorms;
use super::rate::layer_coding_rate;
use super::weights::{bases, coherence, off_orthonormal, overlap};
use crate::coding::{Distortion, coding_rate};
use crate::learn::Layer;
use crate::linalg::Matrix;
use crate::transformer::{Attention, BlockTrace, Feed, Samples, Vision, VisionTrace, subspace_coding_rate};
use crate::{Error, Result};

/// Mean and standard deviation (divided by n) over samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Spread {
    /// Of these numbers; of none, 0.
    pub fn of(x: &[f64]) -> Spread {
        let n = x.len().max(1) as f64;
        let mean = x.iter().sum::<f64>() / n;
        Spread { mean, deviation: (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt() }
    }
}

/// What is measured of one layer. Rates are in nats a token, means over samples, with the bases `U^ℓ` of the layer itself (of an attention with three projections: those of its keys).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerMeasure {
    /// `R^c(Z^ℓ | U^ℓ)`, before the attention.
    pub before: Spread,
    /// `R^c(Z^{ℓ+½} | U^ℓ)`, after it: the paper's measure.
    pub half: Spread,
    /// [`layer_coding_rate`] of the projections that enter the attention: what the official script measures.
    pub script: Spread,
    /// [`layer_coding_rate`] of `Z^{ℓ+½} U^ℓ`: what the script is described to measure.
    pub script_half: Spread,
    /// `R(Z^{ℓ+1})` of what comes out.
    pub rate: Spread,
    /// `R(Z^{ℓ+1}) − R^c(Z^{ℓ+1} | U^ℓ)`.
    pub difference: Spread,
    /// The share of entries of `Z^{ℓ+1}` that are not exactly 0.
    pub nonzeros: Spread,
    /// The same share of what the sparsifying step is given, with entries not above 0 counted as 0: a ReLU alone would leave so many.
    pub positive: Spread,
    /// The greatest length of a patch token of `Z^{ℓ+1}` over the median; samples whose median is 0 do not count.
    pub ratio: Spread,
    /// The share of patch tokens more than twice as long as the median.
    pub outliers: Spread,
    /// Mean of [`off_orthonormal`] over the bases.
    pub off_orthonormal: f64,
    /// [`overlap`] of the bases.
    pub overlap: Option<f64>,
    /// Greatest and mean [`coherence`] of the dictionary, if the layer has one.
    pub coherence: Option<[f64; 2]>,
    /// [`overlap_with_strokes`] of every head.
    pub heads: Vec<Spread>,
    /// The head that does best on every second sample, from the first, and how it does on the others.
    pub best_head: (usize, f64),
    /// [`overlap_with_strokes`] of the mean over the heads.
    pub together: Spread,
}

/// A network on samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// The layers.
    pub layers: Vec<LayerMeasure>,
    /// What overlap with the strokes attention without preference has on these samples.
    pub chance: f64,
    /// Samples.
    pub samples: usize,
}

/// The numbers of one layer, one a sample.
#[derive(Clone, Default)]
struct Draws {
    before: Vec<f64>,
    half: Vec<f64>,
    script: Vec<f64>,
    script_half: Vec<f64>,
    rate: Vec<f64>,
    difference: Vec<f64>,
    nonzeros: Vec<f64>,
    positive: Vec<f64>,
    ratio: Vec<f64>,
    outliers: Vec<f64>,
    heads: Vec<Vec<f64>>,
    together: Vec<f64>,
}

impl Inspection {
    /// Runs `model` over `samples` and measures every layer at ε. Errors: those of the model; `Domain` for ε ≤ 0 and for an image without strokes.
    pub fn new(model: &Vision<f64>, samples: &Samples<f64>, distortion: Distortion<f64>) -> Result<Inspection> {
        samples.check(model.design.classes)?;
        let tokens = model.design.tokens();
        let u = model.blocks.iter().map(|b| bases(&b.attention)).collect::<Result<Vec<_>>>()?;
        let mut draws = vec![Draws { heads: vec![Vec::new(); model.design.heads], ..Draws::default() }; model.blocks.len()];
        let (mut trace, mut chance) = (VisionTrace::default(), Vec::new());
        for i in 0..samples.labels.len() {
            let image = samples.images.select_rows(&[i])?;
            model.forward(&image, 1, &mut trace)?;
            let mask = strokes(image.row(0), &model.design)?;
            chance.push(chance_overlap(mask.iter().filter(|m| **m).count(), mask.len()));
            for (l, draws) in draws.iter_mut().enumerate() {
                let at = Place { model, l, trace: &trace.blocks[l], u: &u[l], tokens };
                draws.add(&at, model.input(l, &trace), &mask, distortion)?;
            }
        }
        let layers = draws.into_iter().zip(&model.blocks).zip(&u);
        let layers = layers.map(|((draws, block), u)| draws.measure(&block.feed, u)).collect::<Result<Vec<_>>>()?;
        Ok(Inspection { layers, chance: Spread::of(&chance).mean, samples: samples.labels.len() })
    }
}

/// A layer and what passed through it.
struct Place<'a> {
    model: &'a Vision<f64>,
    l: usize,
    trace: &'a BlockTrace<f64>,
    u: &'a [Matrix<f64>],
    tokens: usize,
}

impl Draws {
    fn add(&mut self, at: &Place, input: &Matrix<f64>, mask: &[bool], distortion: Distortion<f64>) -> Result<()> {
        let (block, t) = (&at.model.blocks[at.l], at.tokens);
        let (half, out) = (at.trace.half(block), at.trace.y(block));
        self.before.push(subspace_coding_rate(input, at.u, distortion)?);
        self.half.push(subspace_coding_rate(half, at.u, distortion)?);
        let (projected, from) = match &block.attention {
            Attention::Mssa(_) => (&at.trace.mssa.projected, 0),
            Attention::Mhsa(_) => (&at.trace.mhsa.projected, at.trace.mhsa.projected.cols() / 3),
        };
        let p = at.u[0].cols();
        let heads = (0..at.u.len()).map(|k| projected.select_cols(from + k * p, p)).collect::<Result<Vec<_>>>()?;
        self.script.push(layer_coding_rate(&heads, distortion)?);
        let heads = at.u.iter().map(|u| half.matmul(u)).collect::<Result<Vec<_>>>()?;
        self.script_half.push(layer_coding_rate(&heads, distortion)?);
        let rate = coding_rate(out, distortion)?;
        self.rate.push(rate);
        self.difference.push(rate - subspace_coding_rate(out, at.u, distortion)?);
        let share = |m: &Matrix<f64>, f: &dyn Fn(f64) -> bool| m.data().iter().filter(|x| f(**x)).count() as f64 / m.data().len() as f64;
        self.nonzeros.push(share(out, &|x| x != 0.0));
        self.positive.push(share(&at.trace.norm2.y, &|x| x > 0.0));
        // Without the class token, whose part is another.
        let patches = out.select_rows(&(1..t).collect::<Vec<_>>())?;
        match TokenNorms::new(&patches, 2.0) {
            Ok(norms) => {
                self.ratio.push(norms.ratio);
                self.outliers.push(norms.outliers);
            }
            Err(Error::Domain(_)) => {}
            Err(e) => return Err(e),
        }
        let mut mean = vec![0.0; t - 1];
        for (k, map) in at.trace.weights(block).chunks_exact(t * t).enumerate() {
            let looks = saliency(map, t)?;
            mean.iter_mut().zip(looks).for_each(|(m, &w)| *m += w);
            self.heads[k].push(overlap_with_strokes(looks, mask)?);
        }
        self.together.push(overlap_with_strokes(&mean, mask)?);
        Ok(())
    }

    fn measure(&self, feed: &Feed<f64>, u: &[Matrix<f64>]) -> Result<LayerMeasure> {
        let every_second = |x: &[f64], from: usize| Spread::of(&x.iter().copied().skip(from).step_by(2).collect::<Vec<_>>()).mean;
        let chosen =
            (0..self.heads.len()).fold(0, |b, k| if every_second(&self.heads[k], 0) > every_second(&self.heads[b], 0) { k } else { b });
        let off = u.iter().map(off_orthonormal).collect::<Result<Vec<_>>>()?;
        Ok(LayerMeasure {
            before: Spread::of(&self.before),
            half: Spread::of(&self.half),
            script: Spread::of(&self.script),
            script_half: Spread::of(&self.script_half),
            rate: Spread::of(&self.rate),
            difference: Spread::of(&self.difference),
            nonzeros: Spread::of(&self.nonzeros),
            positive: Spread::of(&self.positive),
            ratio: Spread::of(&self.ratio),
            outliers: Spread::of(&self.outliers),
            off_orthonormal: Spread::of(&off).mean,
            overlap: overlap(u)?,
            coherence: match feed {
                Feed::Ista(ista) => Some(coherence(&ista.weight.matrix())?),
                Feed::Mlp(_) => None,
            },
            best_head: (chosen, every_second(&self.heads[chosen], 1)),
            heads: self.heads.iter().map(|h| Spread::of(h)).collect(),
            together: Spread::of(&self.together),
        })
    }
}
