//! `white-box denoise`.

use super::arguments::{self, Arguments};
use super::{files, samples};
use crate::data::{Array, archive};
use crate::denoise::{Covariance, FitOptions, GaussianMixture, Noise, Schedule, Spacing, entropy_bounds, fit_mixture, levels, stochastic};
use crate::linalg::Matrix;
use crate::random::{Rng, gaussian_matrix};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box denoise (DATA --components K | --mixture M) [--floor F] [--fit-steps N] [--save-mixture OUT] [--seed S]
                  [--query X --sigma S [--alpha A]] [--sample N [--steps L] [--schedule exploding|preserving|angle|flow] [--end T] [--eta E]] [-o OUT]

The exact denoiser of a mixture of Gaussians, fitted to DATA (rows) by expectation and maximisation, or read: arrays weights (K), means (K × d),
covariances (K × d × d; singular ones are welcome).
  --components K   components to fit;  --floor F  the least variance of a component in any direction (0.01)
  --save-mixture   writes the mixture
  --query X        rows x_t = αx + σg to denoise: OUT gets denoised, score, log_density and responsibilities
  --sample N       draws N samples by denoising noise in L steps (100): OUT gets samples (N × d) and trajectory (L+1 × N × d, the samples first)
  --schedule       exploding (σ = t up to --end, 10 times the spread of the mixture by default), preserving (default), angle, flow
  --eta E          0: deterministic (DDIM, default); 1: ancestral";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let valued = [
        "--components",
        "--mixture",
        "--floor",
        "--fit-steps",
        "--save-mixture",
        "--seed",
        "--query",
        "--sigma",
        "--alpha",
        "--sample",
        "--steps",
        "--schedule",
        "--end",
        "--eta",
        "-o",
    ];
    let args = Arguments::parse(args, &valued, &[], "at most one DATA", 0..=1)?;
    let mut rng = Rng::stream(args.number("--seed", "a whole number")?.unwrap_or(0), "denoise");
    let mut text = String::new();
    let mixture = match (args.positional(), args.one("--mixture")?) {
        ([], Some(path)) => read_mixture(path)?,
        ([_], None) => fit(&args, &mut rng, &mut text)?,
        _ => return Err(Error::usage("denoise", "DATA with --components, or --mixture", "neither or both")),
    };
    if let Some(out) = args.one("--save-mixture")? {
        let dense = mixture.covariances().iter().map(Covariance::dense).collect::<Result<Vec<_>>>()?;
        let (k, d) = (mixture.components(), mixture.dim());
        let arrays = [
            ("weights", Array::from_f64(vec![k], mixture.weights().to_vec())?),
            ("means", Array::from_f64(vec![k, d], mixture.means().data().to_vec())?),
            ("covariances", Array::from_f64(vec![k, d, d], dense.into_iter().flat_map(Matrix::into_data).collect())?),
        ];
        archive::write_named(Path::new(out), arrays.iter().map(|(n, a)| (*n, a)))?;
    }
    text += &format!(
        "mixture   {} components in {} dimensions, variance {:.6} in all\n",
        mixture.components(),
        mixture.dim(),
        mixture.covariance()?.trace()
    );
    if let Ok(bounds) = entropy_bounds(&mixture) {
        let (low, high) = bounds.interval();
        text += &format!("entropy   between {low:.6} and {high:.6} nats\n");
    } else {
        text += "entropy   none: a component is singular\n";
    }
    let mut arrays: Vec<(&str, Array)> = Vec::new();
    if let Some(path) = args.one("--query")? {
        query(&args, &mixture, path, &mut arrays, &mut text)?;
    }
    if let Some(n) = args.number("--sample", "a number from 1 on")? {
        sample(&args, &mixture, n, &mut rng, &mut arrays, &mut text)?;
    }
    arguments::print(&text)?;
    match args.one("-o")? {
        Some(out) if !arrays.is_empty() => archive::write_named(Path::new(out), arrays.iter().map(|(n, a)| (*n, a)))?,
        Some(out) => return Err(Error::usage("-o", "--query or --sample: something to write", out.to_string())),
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn fit(args: &Arguments, rng: &mut Rng, text: &mut String) -> Result<GaussianMixture<f64>> {
    let data = samples::matrix(&samples::arrays(args, &args.positional()[0])?.0)?;
    let components =
        args.number("--components", "a number from 1 on")?.ok_or_else(|| Error::usage("denoise", "--components K", "nothing"))?;
    let options = FitOptions {
        components,
        floor: args.number("--floor", "a variance above 0")?.unwrap_or(0.01),
        steps: args.number("--fit-steps", "a number of steps")?.unwrap_or(200),
        tolerance: 1e-9,
    };
    let fit = fit_mixture(&data, options, rng)?;
    let (first, last) = (fit.likelihood[0], fit.likelihood[fit.likelihood.len() - 1]);
    let ended = if fit.converged { "converged" } else { "stopped" };
    *text += &format!(
        "fit       {} × {}: mean log-likelihood {first:.6} to {last:.6} nats in {} steps, {ended}\n",
        data.rows(),
        data.cols(),
        fit.likelihood.len() - 1
    );
    Ok(fit.mixture)
}

fn read_mixture(path: &str) -> Result<GaussianMixture<f64>> {
    let arrays = files::read(path)?;
    let find = |name: &str| {
        arrays.iter().find(|(n, _)| n == name).map(|(_, a)| a).ok_or_else(|| Error::usage(path, format!("an array `{name}`"), "none"))
    };
    let (weights, means, covariances) = (find("weights")?, find("means")?, find("covariances")?);
    let (&[k, d], &[c, e, f]) = (means.shape(), covariances.shape()) else {
        return Err(Error::shape(
            path,
            "means K × d and covariances K × d × d",
            format!("{:?} and {:?}", means.shape(), covariances.shape()),
        ));
    };
    if c != k || e != d || f != d || d == 0 {
        return Err(Error::shape(path, format!("covariances {k} × {d} × {d}"), format!("{:?}", covariances.shape())));
    }
    let full = |m: &[f64]| Ok(Covariance::Full(Matrix::new(d, d, m.to_vec())?));
    let covariances = covariances.to_f64()?.chunks(d * d).map(full).collect::<Result<Vec<_>>>()?;
    GaussianMixture::new(weights.to_f64()?, Matrix::new(k, d, means.to_f64()?)?, covariances).map_err(|e| e.within(path))
}

fn query(
    args: &Arguments,
    mixture: &GaussianMixture<f64>,
    path: &str,
    arrays: &mut Vec<(&'static str, Array)>,
    text: &mut String,
) -> Result<()> {
    let contents = files::read(path)?;
    let [(_, only)] = &contents[..] else { return Err(Error::usage(path, "one array of rows", format!("{} arrays", contents.len()))) };
    let x = samples::matrix(only)?;
    let sigma = args.number("--sigma", "a number above 0")?.ok_or_else(|| Error::usage("--query", "--sigma S", "nothing"))?;
    let noise = Noise::new(args.number("--alpha", "a number from 0 on")?.unwrap_or(1.0), sigma)?;
    let e = mixture.at(noise)?.evaluate(&x)?;
    let [n, d] = x.shape();
    let moved = e.denoised.sub(&x.scale(1.0 / noise.alpha))?.frobenius_squared() / n as f64;
    *text += &format!("denoised  {n} rows; moved by {:.6} in root mean square\n", moved.sqrt());
    arrays.push(("denoised", Array::from_f64(vec![n, d], e.denoised.into_data())?));
    arrays.push(("score", Array::from_f64(vec![n, d], e.score.into_data())?));
    arrays.push(("log_density", Array::from_f64(vec![n], e.log_density)?));
    arrays.push(("responsibilities", Array::from_f64(vec![n, mixture.components()], e.responsibilities.into_data())?));
    Ok(())
}

fn sample(
    args: &Arguments,
    mixture: &GaussianMixture<f64>,
    n: usize,
    rng: &mut Rng,
    arrays: &mut Vec<(&'static str, Array)>,
    text: &mut String,
) -> Result<()> {
    let (d, total) = (mixture.dim(), mixture.covariance()?.trace());
    let mean = mixture.mean();
    let size = mean.iter().fold(total, |s, m| s + m * m);
    let (schedule, end) = match args.one("--schedule")?.unwrap_or("preserving") {
        "exploding" => (Schedule::Exploding, 10.0 * if size > 0.0 { size.sqrt() } else { 1.0 }),
        "preserving" => (Schedule::Preserving, 1.0),
        "angle" => (Schedule::Angle, std::f64::consts::FRAC_PI_2),
        "flow" => (Schedule::Flow, 1.0),
        other => return Err(Error::usage("--schedule", "exploding, preserving, angle or flow", format!("`{}`", other.escape_default()))),
    };
    let (end, steps) = (args.number("--end", "a time")?.unwrap_or(end), args.number("--steps", "a number from 1 on")?.unwrap_or(100));
    let spacing = if schedule == Schedule::Flow { Spacing::Uniform } else { Spacing::Angle };
    let levels = levels(schedule, spacing, steps, end)?;
    let start = gaussian_matrix(n, d, rng).scale(levels[steps].sigma);
    let states = stochastic(mixture, &levels, &start, args.number("--eta", "a number from 0 to 1")?.unwrap_or(0.0), rng)?;
    let found = (0..d).map(|j| states[0].col(j).iter().sum::<f64>() / n as f64).collect::<Vec<_>>();
    let off = found.iter().zip(&mean).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    *text += &format!(
        "sampled   {n} rows in {steps} steps; mean {off:.4} from that of the mixture, one standard error {:.4}\n",
        (total / n as f64).sqrt()
    );
    arrays.push(("samples", Array::from_f64(vec![n, d], states[0].data().to_vec())?));
    let all: Vec<f64> = states.into_iter().flat_map(Matrix::into_data).collect();
    arrays.push(("trajectory", Array::from_f64(vec![steps + 1, n, d], all)?));
    Ok(())
}
