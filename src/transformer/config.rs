//! What a training run was asked to do, as JSON beside its weights.

use super::design::{AttentionKind, Design, FeedKind, Pool};
use super::training::Recipe;
use crate::data::Json;
use crate::learn::{Optimiser, Schedule};
use crate::{Error, Result};

/// Everything that decides the bits of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The model.
    pub design: Design,
    /// How it is trained.
    pub recipe: Recipe,
    /// Epochs, or 1 where the batches are given.
    pub epochs: usize,
    /// `f32` or `f64`.
    pub scalar: String,
    /// `digits`, or the files of images and labels.
    pub data: Vec<String>,
    /// SHA-256 of images and labels.
    pub data_hash: String,
    /// Samples held out for testing, chosen with the seed of the recipe; 0: a test set of its own, or none.
    pub held_out: usize,
    /// The files of the test set, if it has its own.
    pub test: Vec<String>,
    /// The file of given batches, and the SHA-256 of its numbers.
    pub batches: Option<[String; 2]>,
    /// The file of the initial weights, if they were given.
    pub init: Option<String>,
}

fn field<'a>(json: &'a Json, name: &str) -> Result<&'a Json> {
    json.get(name).ok_or_else(|| Error::format("config", format!("a field `{name}`"), "none"))
}
fn wrong(name: &str, expected: &str) -> Error {
    Error::format(format!("config.{name}"), expected, "something else")
}
fn whole(json: &Json, name: &str) -> Result<usize> {
    field(json, name)?.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| wrong(name, "a whole number"))
}
fn real(json: &Json, name: &str) -> Result<f64> {
    field(json, name)?.as_f64().ok_or_else(|| wrong(name, "a number"))
}
fn text<'a>(json: &'a Json, name: &str) -> Result<&'a str> {
    field(json, name)?.as_str().ok_or_else(|| wrong(name, "a text"))
}
fn texts(json: &Json, name: &str) -> Result<Vec<String>> {
    let list = field(json, name)?.as_array().ok_or_else(|| wrong(name, "a list of texts"))?;
    list.iter().map(|t| t.as_str().map(str::to_string).ok_or_else(|| wrong(name, "a list of texts"))).collect()
}
fn list(words: &[String]) -> Json {
    Json::Array(words.iter().map(Json::text).collect())
}
fn count(n: usize) -> Json {
    Json::integer(n as i64)
}
/// One of the words, by place.
fn word<T: Copy>(json: &Json, name: &str, words: &[(&str, T)]) -> Result<T> {
    let given = text(json, name)?;
    let legal: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
    words.iter().find(|(w, _)| *w == given).map(|(_, t)| *t).ok_or_else(|| wrong(name, &legal.join(", ")))
}
fn name_of<T: Copy + PartialEq>(x: T, words: &[(&'static str, T)]) -> Json {
    Json::text(words.iter().find(|(_, t)| *t == x).map_or("", |(w, _)| w))
}

const ATTENTION: [(&str, AttentionKind); 2] = [("mssa", AttentionKind::Mssa), ("mhsa", AttentionKind::Mhsa)];
const FEED: [(&str, FeedKind); 2] = [("ista", FeedKind::Ista), ("mlp", FeedKind::Mlp)];
/// What the classifier may see, by name.
pub const POOLS: [(&str, Pool); 3] = [("cls", Pool::Cls), ("mean", Pool::Mean), ("patches", Pool::Patches)];

impl Design {
    /// As an object.
    pub fn to_json(&self) -> Json {
        let Design { attention, feed, image, patch, dim, depth, heads, head_width, hidden, classes, pool } = *self;
        Json::object([
            ("attention", name_of(attention, &ATTENTION)),
            ("feed", name_of(feed, &FEED)),
            ("image", Json::Array(image.iter().map(|&n| count(n)).collect())),
            ("patch", count(patch)),
            ("dim", count(dim)),
            ("depth", count(depth)),
            ("heads", count(heads)),
            ("head_width", count(head_width)),
            ("hidden", count(hidden)),
            ("classes", count(classes)),
            ("pool", name_of(pool, &POOLS)),
        ])
    }
    /// From such an object. Errors: `Format`.
    pub fn from_json(json: &Json) -> Result<Design> {
        let image = field(json, "image")?.as_array().unwrap_or(&[]);
        let image: Vec<usize> = image.iter().filter_map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect();
        let design = Design {
            attention: word(json, "attention", &ATTENTION)?,
            feed: word(json, "feed", &FEED)?,
            image: image.try_into().map_err(|_| wrong("image", "channels, height, width"))?,
            patch: whole(json, "patch")?,
            dim: whole(json, "dim")?,
            depth: whole(json, "depth")?,
            heads: whole(json, "heads")?,
            head_width: whole(json, "head_width")?,
            hidden: whole(json, "hidden")?,
            classes: whole(json, "classes")?,
            pool: word(json, "pool", &POOLS)?,
        };
        design.check()?;
        Ok(design)
    }
}

fn optimiser_to_json(optimiser: &Optimiser) -> Json {
    let betas = |b: [f64; 2]| Json::Array(b.iter().map(|&b| Json::real(b)).collect());
    match *optimiser {
        Optimiser::Sgd { momentum, dampening, nesterov, weight_decay } => Json::object([
            ("name", Json::text("sgd")),
            ("momentum", Json::real(momentum)),
            ("dampening", Json::real(dampening)),
            ("nesterov", Json::Bool(nesterov)),
            ("weight_decay", Json::real(weight_decay)),
        ]),
        Optimiser::Adam { betas: b, eps, weight_decay } | Optimiser::AdamW { betas: b, eps, weight_decay } => Json::object([
            ("name", Json::text(if matches!(optimiser, Optimiser::Adam { .. }) { "adam" } else { "adamw" })),
            ("betas", betas(b)),
            ("eps", Json::real(eps)),
            ("weight_decay", Json::real(weight_decay)),
        ]),
        Optimiser::Lion { betas: b, weight_decay } => {
            Json::object([("name", Json::text("lion")), ("betas", betas(b)), ("weight_decay", Json::real(weight_decay))])
        }
    }
}
fn optimiser_from_json(json: &Json) -> Result<Optimiser> {
    let weight_decay = real(json, "weight_decay")?;
    let betas = || match field(json, "betas")?.as_array() {
        Some([a, b]) => Ok([a, b].map(|x| x.as_f64().unwrap_or(f64::NAN))),
        _ => Err(wrong("betas", "two numbers")),
    };
    let optimiser = match text(json, "name")? {
        "sgd" => Optimiser::Sgd {
            momentum: real(json, "momentum")?,
            dampening: real(json, "dampening")?,
            nesterov: field(json, "nesterov")?.as_bool().ok_or_else(|| wrong("nesterov", "true or false"))?,
            weight_decay,
        },
        "adam" => Optimiser::Adam { betas: betas()?, eps: real(json, "eps")?, weight_decay },
        "adamw" => Optimiser::AdamW { betas: betas()?, eps: real(json, "eps")?, weight_decay },
        "lion" => Optimiser::Lion { betas: betas()?, weight_decay },
        _ => return Err(wrong("optimiser.name", "sgd, adam, adamw or lion")),
    };
    optimiser.check()?;
    Ok(optimiser)
}
fn schedule_to_json(schedule: &Schedule) -> Json {
    let form = |name: &str, numbers: &[(&str, f64)]| {
        let fields = numbers.iter().map(|&(n, x)| (n, Json::real(x)));
        Json::object(std::iter::once(("name", Json::text(name))).chain(fields))
    };
    match *schedule {
        Schedule::Constant => form("constant", &[]),
        Schedule::WarmupCosine { warmup, total, floor } => form("cosine", &[("warmup", warmup), ("total", total), ("floor", floor)]),
        Schedule::CrateRepo { warmup, epochs } => form("crate-repo", &[("warmup", warmup), ("epochs", epochs)]),
        Schedule::CrateRepoFinetune { epochs } => form("crate-repo-finetune", &[("epochs", epochs)]),
        Schedule::NanoGpt { warmup, total, floor } => form("nanogpt", &[("warmup", warmup), ("total", total), ("floor", floor)]),
    }
}
fn schedule_from_json(json: &Json) -> Result<Schedule> {
    Ok(match text(json, "name")? {
        "constant" => Schedule::Constant,
        "cosine" => Schedule::WarmupCosine { warmup: real(json, "warmup")?, total: real(json, "total")?, floor: real(json, "floor")? },
        "crate-repo" => Schedule::CrateRepo { warmup: real(json, "warmup")?, epochs: real(json, "epochs")? },
        "crate-repo-finetune" => Schedule::CrateRepoFinetune { epochs: real(json, "epochs")? },
        "nanogpt" => Schedule::NanoGpt { warmup: real(json, "warmup")?, total: real(json, "total")?, floor: real(json, "floor")? },
        _ => return Err(wrong("schedule.name", "constant, cosine, crate-repo, crate-repo-finetune or nanogpt")),
    })
}

impl Config {
    /// As an object.
    pub fn to_json(&self) -> Json {
        let Recipe { optimiser, rate, schedule, smoothing, batch, shift, moved, seed } = &self.recipe;
        let or_null = |x: Option<Json>| x.unwrap_or(Json::Null);
        Json::object([
            ("design", self.design.to_json()),
            ("optimiser", optimiser_to_json(optimiser)),
            ("rate", Json::real(*rate)),
            ("schedule", schedule_to_json(schedule)),
            ("smoothing", Json::real(*smoothing)),
            ("batch", count(*batch)),
            ("shift", count(*shift)),
            ("moved", Json::real(*moved)),
            // As text: a seed may exceed what JSON readers keep of a number.
            ("seed", Json::text(seed.to_string())),
            ("epochs", count(self.epochs)),
            ("scalar", Json::text(&self.scalar)),
            ("data", list(&self.data)),
            ("data_sha256", Json::text(&self.data_hash)),
            ("held_out", count(self.held_out)),
            ("test", list(&self.test)),
            ("batches", or_null(self.batches.as_ref().map(|b| list(b)))),
            ("init", or_null(self.init.as_ref().map(Json::text))),
        ])
    }
    /// From such an object. Errors: `Format`.
    pub fn from_json(json: &Json) -> Result<Config> {
        let some = |name: &str| field(json, name).map(|f| (!matches!(f, Json::Null)).then_some(f));
        let batches = match some("batches")? {
            None => None,
            Some(_) => Some(texts(json, "batches")?.try_into().map_err(|_| wrong("batches", "a file and its hash"))?),
        };
        Ok(Config {
            design: Design::from_json(field(json, "design")?)?,
            recipe: Recipe {
                optimiser: optimiser_from_json(field(json, "optimiser")?)?,
                rate: real(json, "rate")?,
                schedule: schedule_from_json(field(json, "schedule")?)?,
                smoothing: real(json, "smoothing")?,
                batch: whole(json, "batch")?,
                shift: whole(json, "shift")?,
                moved: real(json, "moved")?,
                seed: text(json, "seed")?.parse().map_err(|_| wrong("seed", "a whole number"))?,
            },
            epochs: whole(json, "epochs")?,
            scalar: text(json, "scalar")?.to_string(),
            data: texts(json, "data")?,
            data_hash: text(json, "data_sha256")?.to_string(),
            held_out: whole(json, "held_out")?,
            test: texts(json, "test")?,
            batches,
            init: match some("init")? {
                None => None,
                Some(_) => Some(text(json, "init")?.to_string()),
            },
        })
    }
}
