//! `white-box segment`.

use super::arguments::{self, Arguments};
use super::samples;
use crate::coding::{Model, Patches, Segmentation, patch_features, segment_with};
use crate::data::image::Image;
use crate::data::{Array, archive, file, image};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box segment FEATURES|IMAGE (--eps E | --eps2 E2) [--model linear|affine|samples] [--tolerance T] [-o LABELS] [--map MAP]
                  image: [--patch W] [--stride S] [--dims K]

Segments samples (rows of .npy, .npz, …) or an image (.ppm, .pgm) by merging groups as long as the coding length falls: Ma, Derksen, Hong, Wright, TPAMI 2007.
  --eps E      ε, a length in the units of the features: the only setting that matters; larger makes fewer segments
  --model M    linear (subspaces; default for samples), affine (with means; default for images), samples (the code itself for free)
  --tolerance  merge only where more nats than this are saved (0)
  -o LABELS    the segment of each sample, of each pixel for an image (.npy, .npz, .json, …)
  --map MAP    an image only: segments in their mean colour (.ppm) or numbered in grey (.pgm)
An image: the features of a point are the pixels (0 to 1) of the W × W patch around it (7; mirrored at the border) under a Gaussian window, projected on
their K (8) principal directions. Points lie on a grid of step S (default: the least that makes at most 2,500 of them); a pixel belongs to its nearest point.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let valued = ["--eps", "--eps2", "--model", "--tolerance", "-o", "--map", "--patch", "--stride", "--dims"];
    let args = Arguments::parse(args, &valued, &[], "FEATURES or IMAGE", 1..=1)?;
    let path = args.positional()[0].clone();
    let picture = [".ppm", ".pgm", ".pnm"].iter().any(|end| path.to_ascii_lowercase().ends_with(end));
    let distortion = samples::distortion(&args)?;
    let model = match args.one("--model")? {
        None if picture => Model::Affine,
        None | Some("linear") => Model::Linear,
        Some("affine") => Model::Affine,
        Some("samples") => Model::Samples,
        Some(other) => return Err(Error::usage("--model", "linear, affine or samples", format!("`{}`", other.escape_default()))),
    };
    let tolerance = args.number("--tolerance", "a number from 0 on")?.unwrap_or(0.0);
    if !picture && ["--map", "--patch", "--stride", "--dims"].iter().any(|o| args.all(o).next().is_some()) {
        return Err(Error::usage("options", "an image for --map, --patch, --stride and --dims", path));
    }
    let grid = if picture { Some(Grid::read(&path, &args)?) } else { None };
    let features = match &grid {
        Some(grid) => grid.patches.features.clone(),
        None => samples::matrix(&samples::arrays(&args, &args.positional()[0])?.0)?,
    };
    let start = std::time::Instant::now();
    let mut told = start;
    let s = segment_with(&features, distortion, model, tolerance, &mut |done, most| {
        if told.elapsed().as_secs() >= 2 {
            told = std::time::Instant::now();
            eprintln!("white-box: {done} of at most {most} merges");
        }
    })?;
    let took = start.elapsed().as_secs_f64();
    arguments::print(&report(&features, &s, took))?;
    let labels = match &grid {
        Some(grid) => Array::from_i64(
            vec![grid.image.height(), grid.image.width()],
            grid.patches.spread(&s.labels).into_iter().map(|l| l as i64).collect(),
        )?,
        None => Array::from_i64(vec![s.labels.len()], s.labels.iter().map(|&l| l as i64).collect())?,
    };
    if let Some(out) = args.one("-o")? {
        archive::write_named(Path::new(out), [("labels", &labels)])?;
    }
    if let (Some(out), Some(grid)) = (args.one("--map")?, &grid) {
        file::write(Path::new(out), &image::write(&grid.map(&s, out)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(x: &Matrix<f64>, s: &Segmentation, took: f64) -> String {
    let mut text = format!("input     {} × {}\n", x.rows(), x.cols());
    text += &format!("segments  {}\n", s.groups.len());
    text += &format!("length    {:.3} nats ({:.1} bits), from {:.3} as single samples\n", s.cost, s.cost / Scalar::ln(2.0), s.start);
    text += &format!("merges    {} in {took:.2} s\n", s.merges.len());
    let mut order: Vec<usize> = (0..s.groups.len()).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(s.groups[k].len()));
    for &k in order.iter().take(12) {
        text += &format!("segment {k:<4} {:>7} samples\n", s.groups[k].len());
    }
    if order.len() > 12 {
        text += &format!("and {} smaller ones\n", order.len() - 12);
    }
    text
}

/// An image and the features of its grid points.
struct Grid {
    image: Image,
    patches: Patches,
}

impl Grid {
    fn read(path: &str, args: &Arguments) -> Result<Grid> {
        let image = image::read(&file::read(Path::new(path), 1 << 28)?).map_err(|e| e.within(path))?;
        let (h, w) = (image.height(), image.width());
        let patch = args.number("--patch", "an odd number of pixels")?.unwrap_or(7usize);
        let dims = args.number("--dims", "a number from 1 on")?.unwrap_or(8usize);
        let fits = |stride: usize| h.div_ceil(stride) * w.div_ceil(stride) <= 2500;
        let stride = match args.number("--stride", "a number from 1 on")? {
            Some(stride) => stride,
            None => (1..=h.max(w)).find(|&s| fits(s)).unwrap_or(1),
        };
        let patches = patch_features(&image, patch, stride, dims)?;
        Ok(Grid { image, patches })
    }
    fn map(&self, s: &Segmentation, out: &str) -> Result<Image> {
        let (h, w, c) = (self.image.height(), self.image.width(), self.image.channels());
        let labels = self.patches.spread(&s.labels);
        if out.to_ascii_lowercase().ends_with(".pgm") {
            let most = s.groups.len() - 1;
            let max = u16::try_from(if most == 0 { 1 } else { most })
                .map_err(|_| Error::unsupported("--map", "at most 65,536 segments", most.to_string()))?;
            return Image::new(w, h, 1, max, labels.iter().map(|&l| l as u16).collect());
        }
        let (mut sums, mut counts) = (vec![0u64; s.groups.len() * c], vec![0u64; s.groups.len()]);
        for (p, &l) in labels.iter().enumerate() {
            counts[l] += 1;
            (0..c).for_each(|k| sums[l * c + k] += u64::from(self.image.samples()[p * c + k]));
        }
        let mean = |l: usize, k: usize| (sums[l * c + k] / counts[l].max(1)) as u16;
        let samples = labels.iter().flat_map(|&l| (0..3).map(move |k| mean(l, k % c))).collect();
        Image::new(w, h, 3, self.image.max(), samples)
    }
}
