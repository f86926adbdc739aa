//! `white-box inspect`.

use super::arguments::{self, Arguments};
use super::train::data;
use crate::coding::Distortion;
use crate::data::{Json, file};
use crate::learn::{from_arrays, split_samples};
use crate::report::inspection::{Measured, Subject, comparison, exemplars, kind};
use crate::report::{Block, Page, Section};
use crate::transformer::run::{MODEL, config_of, load_model};
use crate::transformer::{Config, Samples, Vision};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const USAGE: &str = "white-box inspect RUN... [--eps E | --eps2 E2] [--images N] [--out DIR] [--json]

Measures networks that `white-box train --out RUN` left, layer by layer and against the weights they began with: rates before and after the attention (the paper's definition, and the
official script's), sparsity, ΔR, how orthonormal the bases and how incoherent the dictionary are, the lengths of the tokens, where the class token looks. On the samples that the run
held out, else on those it was trained on. Several RUNs are compared; RUNs of one kind with other seeds are averaged. A directory whose runs are in seed-0, seed-1, … stands for all of them.
  --eps E     ε, a length (--eps2 0.01: that of the official script)
  --images N  the first N samples only
  --out DIR   also an HTML report with attention maps and token components, figures as .svg, tables as .csv
  --json      tables and claims as JSON instead of text";

const WIDTH: usize = 120;

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--eps", "--eps2", "--images", "--out"], &["--json"], "RUN...", 1..=1000)?;
    let distortion = match (args.number("--eps", "a number above 0")?, args.number("--eps2", "a number above 0")?) {
        (None, None) => Distortion::Eps2(0.01),
        (Some(e), None) => Distortion::Eps(e),
        (None, Some(e2)) => Distortion::Eps2(e2),
        (Some(_), Some(_)) => return Err(Error::usage("inspect", "--eps or --eps2", "both").named("InvalidDistortion")),
    };
    distortion.squared()?;
    let images: Option<usize> = args.number("--images", "a whole number from 1 on")?;
    let mut runs: Vec<PathBuf> = Vec::new();
    for given in args.positional() {
        runs.extend(directories(Path::new(given))?);
    }
    let out = args.one("--out")?.map(Path::new);
    let (mut sections, mut measured) = (Vec::new(), Vec::<Measured>::new());
    for (i, directory) in runs.iter().enumerate() {
        let loaded = load(directory, images)?;
        let name = name(directory, i, &measured);
        let subject = Subject { name: &name, model: &loaded.model, untrained: &loaded.untrained, samples: &loaded.samples };
        let m = subject.measure(distortion)?;
        let mut blocks = vec![Block::Text(format!(
            "{}: {} parameters, {} layers of {} tokens of width {}, {} heads; measured on {} {} samples at `ε^2` = {}: loss {:.4}, accuracy {:.2} %.",
            kind(&m.design),
            m.parameters,
            m.design.depth,
            m.design.tokens(),
            m.design.dim,
            m.design.heads,
            loaded.samples.labels.len(),
            if loaded.held_out { "held-out" } else { "training" },
            distortion.squared()?,
            m.outcome.loss,
            100.0 * m.outcome.accuracy()
        ))];
        blocks.extend(m.blocks()?);
        if out.is_some() {
            let which = exemplars(&loaded.samples, 10);
            blocks.push(Block::Figures(vec![subject.attention_maps(&which)?, subject.components(&which)?]));
        }
        sections.push(Section { number: i + 1, part: 1, name: name.clone(), title: name, blocks });
        measured.push(m);
    }
    if measured.len() > 1 {
        let blocks = vec![Block::Table(comparison(&measured)?)];
        sections.push(Section { number: sections.len() + 1, part: 1, name: "compared".into(), title: "Compared".into(), blocks });
    }
    if args.switch("--json") {
        arguments::print(&Json::object([("runs", Json::Array(sections.iter().map(Section::json).collect()))]).pretty())?;
    } else {
        for section in &sections {
            arguments::print(&format!("{}\n", section.text(WIDTH)))?;
        }
    }
    if let Some(directory) = out {
        let count = write(directory, &sections)?;
        eprintln!("{count} files in {}", directory.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The run itself, or the runs of all seeds in it.
fn directories(given: &Path) -> Result<Vec<PathBuf>> {
    if given.join(MODEL).exists() {
        return Ok(vec![given.into()]);
    }
    let refused = |e: std::io::Error| Error::io(given.display().to_string(), "a run that `white-box train --out` left", e.to_string());
    let mut seeds: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(given).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let seed = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix("seed-")).and_then(|n| n.parse().ok());
        if let Some(seed) = seed
            && path.join(MODEL).exists()
        {
            seeds.push((seed, path));
        }
    }
    seeds.sort();
    if seeds.is_empty() {
        return Err(Error::usage(
            given.display().to_string(),
            format!("a run: a directory with {MODEL}, or with seed-0, seed-1, …"),
            "neither",
        ));
    }
    Ok(seeds.into_iter().map(|(_, path)| path).collect())
}

/// The last two parts of the path as letters, digits and dashes, with a number where that is taken.
fn name(directory: &Path, i: usize, taken: &[Measured]) -> String {
    let parts: Vec<_> =
        directory.components().filter_map(|c| if let std::path::Component::Normal(c) = c { c.to_str() } else { None }).collect();
    let from = parts.len().saturating_sub(2);
    let text: String = parts[from..].join("-").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let text = if text.is_empty() { "run".into() } else { text };
    if taken.iter().any(|m| m.name == text) { format!("{text}-{}", i + 1) } else { text }
}

struct Loaded {
    model: Vision<f64>,
    untrained: Vision<f64>,
    samples: Samples<f64>,
    held_out: bool,
}

fn load(directory: &Path, images: Option<usize>) -> Result<Loaded> {
    let config = config_of(directory)?;
    let path = directory.join(MODEL);
    let model =
        load_model::<f64>(&path)?.ok_or_else(|| Error::format(path.display().to_string(), "weights that state their design", "none"))?;
    let mut untrained = Vision::initialise(config.design, config.recipe.seed)?;
    if let Some(init) = &config.init {
        from_arrays(&mut untrained, &super::files::read(init)?).map_err(|e| e.within(init))?;
    }
    let (samples, held_out) = samples(&config)?;
    let count = images.unwrap_or(samples.labels.len());
    if count == 0 {
        return Err(Error::usage("--images", "a whole number from 1 on", "0"));
    }
    let kept: Vec<usize> = (0..samples.labels.len()).take(count).collect();
    Ok(Loaded { model, untrained, samples: samples.select(&kept)?, held_out })
}

/// The samples that the run did not see, else those it did.
fn samples(config: &Config) -> Result<(Samples<f64>, bool)> {
    if !config.test.is_empty() {
        return Ok((data::load::<f64>(&config.test)?.samples, true));
    }
    let loaded = data::load::<f64>(&config.data)?;
    if loaded.hash != config.data_hash {
        let expected = format!("the data of the run, SHA-256 {}", config.data_hash);
        return Err(Error::usage(config.data.join("+"), expected, loaded.hash));
    }
    if config.held_out == 0 {
        return Ok((loaded.samples, false));
    }
    let (_, test) = split_samples(&loaded.samples.labels, config.held_out, config.recipe.seed)?;
    Ok((loaded.samples.select(&test)?, true))
}

fn write(directory: &Path, sections: &[Section]) -> Result<usize> {
    std::fs::create_dir_all(directory)
        .map_err(|e| Error::io(directory.display().to_string(), "a directory to write into", e.to_string()))?;
    let foot = format!("White-Box {}, command “white-box inspect”.", env!("CARGO_PKG_VERSION"));
    let page = Page {
        title: "What training did",
        lead: "Networks measured layer by layer, against the weights they began with.",
        parts: &["networks"],
        foot: &foot,
    };
    let mut files = vec![("index.html".to_string(), page.html(sections))];
    for section in sections {
        files.extend(section.figures().map(|f| (format!("{}.svg", f.name()), f.svg())));
        files.extend(section.tables().map(|t| (format!("{}.csv", t.name()), t.csv())));
    }
    for (name, text) in &files {
        file::write(&directory.join(name), text.as_bytes())?;
    }
    Ok(files.len())
}
