//! What the options of a training say: the model and the recipe.

use super::data;
use crate::cli::arguments::Arguments;
use crate::learn::{Optimiser, Schedule};
use crate::scalar::Scalar;
use crate::transformer::{AttentionKind, Design, FeedKind, POOLS, Recipe};
use crate::{Error, Result};

/// 1 where every step is given.
pub fn epochs(args: &Arguments, given_batches: bool) -> Result<usize> {
    match (args.number("--epochs", "a whole number")?, given_batches) {
        (Some(_), true) => Err(Error::usage("--epochs", "--epochs or --batches", "both")),
        (None, true) => Ok(1),
        (given, false) => Ok(given.unwrap_or(40)),
    }
}

/// The model for these data.
pub fn design<S: Scalar>(args: &Arguments, loaded: &data::Loaded<S>) -> Result<Design> {
    let size = |name: &str, default: usize| Ok::<usize, Error>(args.number(name, "a whole number")?.unwrap_or(default));
    let (patch, dim, depth, heads) = (size("--patch", 2)?, size("--dim", 64)?, size("--depth", 4)?, size("--heads", 4)?);
    let most = loaded.samples.labels.iter().max().map_or(1, |m| m + 1);
    let classes = size("--classes", most)?;
    let model = args.one("--model")?.unwrap_or("crate");
    let mut design = match model {
        "vit" => Design::new_vit(loaded.image, patch, dim, depth, heads, classes),
        _ => Design::new_crate(loaded.image, patch, dim, depth, heads, classes),
    };
    match model {
        "mssa-mlp" => design.feed = FeedKind::Mlp,
        "mhsa-ista" => design.attention = AttentionKind::Mhsa,
        _ => {}
    }
    if args.one("--head-width")?.is_none() && (heads == 0 || !dim.is_multiple_of(heads)) {
        return Err(
            Error::shape("--heads", format!("a divisor of --dim {dim}, or --head-width"), heads.to_string()).named("HeadsDoNotDivide")
        );
    }
    design.head_width = size("--head-width", design.head_width)?;
    design.hidden = size("--hidden", design.hidden)?;
    let pool = args.one("--pool")?.unwrap_or("patches");
    let legal: Vec<&str> = POOLS.iter().map(|(n, _)| *n).collect();
    let found = || Error::usage("--pool", legal.join(", "), format!("`{}`", pool.escape_default()));
    design.pool = POOLS.iter().find(|(n, _)| *n == pool).ok_or_else(found)?.1;
    design.check()?;
    Ok(design)
}

/// The recipe for so many training samples, or for given batches.
pub fn recipe(args: &Arguments, seed: u64, training: usize, given: Option<&Vec<Vec<usize>>>) -> Result<Recipe> {
    let real = |name: &str, default: f64| -> Result<f64> {
        let x: f64 = args.number(name, "a number")?.unwrap_or(default);
        if x >= 0.0 && x.is_finite() { Ok(x) } else { Err(Error::domain(name, "a finite number from 0 on", x.to_string())) }
    };
    let size = |name: &str, default: usize| Ok::<usize, Error>(args.number(name, "a whole number")?.unwrap_or(default));
    let (batch, weight_decay) = (given.map_or(size("--batch", 32)?, |b| b[0].len()), real("--weight-decay", 0.05)?);
    if batch == 0 {
        return Err(Error::usage("--batch", "at least one sample", "0"));
    }
    let optimiser = match args.one("--optimiser")?.unwrap_or("adamw") {
        "adamw" => Optimiser::adamw(weight_decay),
        "adam" => Optimiser::Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay },
        "lion" => Optimiser::lion(weight_decay),
        "sgd" => Optimiser::Sgd { momentum: real("--momentum", 0.9)?, dampening: 0.0, nesterov: args.switch("--nesterov"), weight_decay },
        other => return Err(Error::usage("--optimiser", "adamw, adam, lion or sgd", format!("`{}`", other.escape_default()))),
    };
    let (per_epoch, epochs) = match given {
        Some(b) => (1.0, b.len() as f64),
        None => (training.div_ceil(batch) as f64, epochs(args, false)? as f64),
    };
    // Given batches are compared with another program's: constant rate, nothing moved, unless asked for.
    let (form, shift) = if given.is_some() { ("constant", 0) } else { ("cosine", 1) };
    let (warmup, floor) = (real("--warmup", if given.is_some() { 0.0 } else { 5.0 })? * per_epoch, real("--floor", 0.0)?);
    let total = epochs * per_epoch;
    let schedule = match args.one("--schedule")?.unwrap_or(form) {
        "constant" => Schedule::Constant,
        "cosine" => Schedule::WarmupCosine { warmup, total, floor },
        "nanogpt" => Schedule::NanoGpt { warmup, total, floor },
        // Counted in epochs at its source, here continued between them.
        "crate-repo" => Schedule::CrateRepo { warmup, epochs: total },
        other => {
            return Err(Error::usage("--schedule", "cosine, constant, crate-repo or nanogpt", format!("`{}`", other.escape_default())));
        }
    };
    let (rate, smoothing) = (real("--rate", 0.004)?, real("--smoothing", 0.1)?);
    if smoothing > 1.0 {
        return Err(Error::domain("--smoothing", "a number from 0 to 1", smoothing.to_string()));
    }
    Ok(Recipe { optimiser, rate, schedule, smoothing, batch, shift: size("--shift", shift)?, moved: real("--moved", 0.3)?, seed })
}
