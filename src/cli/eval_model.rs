//! `white-box eval crate` and `white-box eval vit`: whole models.

use super::arguments::Arguments;
use super::train::data;
use crate::data::{Array, Json, file, safetensors};
use crate::learn::from_arrays;
use crate::oracle::{Number, Tensor, Value, Values};
use crate::scalar::{Ball, DoubleDouble, Scalar};
use crate::transformer::run::images;
use crate::transformer::{Design, POOLS, Vision, features};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

/// The models that `eval` runs.
pub const MODELS: [&str; 2] = ["crate", "vit"];

/// Runs a model. The words are those after `eval`.
pub fn eval(args: &[String]) -> Result<ExitCode> {
    let valued = ["--weights", "--scalar", "--heads", "--pool", "-o"];
    let args = Arguments::parse(args, &valued, &["--json"], "crate|vit IMAGES", 2..=2)?;
    let number = args.one("--scalar")?.map_or(Ok(Number::F64), Number::parse)?;
    let weights = args.one("--weights")?.ok_or_else(|| Error::usage("--weights", "the weights: --weights W.safetensors", "none"))?;
    let pictures = data::read(&args.positional()[1])?;
    let contents = safetensors::read(&file::read(Path::new(weights), file::DEFAULT_LIMIT)?).map_err(|e| e.within(weights))?;
    let (_, image) = images::<f64>(&pictures).map_err(|e| e.within(&args.positional()[1]))?;
    let stated = contents.metadata.iter().flatten().find(|(n, _)| n == "design");
    let design = match stated {
        Some((_, text)) => Design::from_json(&Json::parse(text.as_bytes())?).map_err(|e| e.within(weights))?,
        None => Design::of_weights(&contents.tensors, image, args.number("--heads", "a whole number")?, pool(&args)?)?,
    };
    if design.image != image {
        return Err(Error::shape(args.positional()[1].as_str(), format!("images of {:?}", design.image), format!("{image:?}")));
    }
    if design.is_vit() != (args.positional()[0] == "vit") {
        return Err(Error::usage(weights, format!("the weights of a {}", args.positional()[0]), "those of the other model"));
    }
    let run = |f: fn(Design, &[(String, Array)], &Array) -> Result<Values<Ball>>| {
        f(design, &contents.tensors, &pictures).map_err(|e| e.within(weights))
    };
    let values = match number {
        Number::F32 => run(outputs::<f32>),
        Number::F64 => run(outputs::<f64>),
        Number::Double => run(outputs::<DoubleDouble>),
        Number::Ball => {
            let why = "ball: enclosures of many layers in a row know no digits; `eval crate_layer_official` certifies a layer";
            Err(Error::unsupported("--scalar", "f32, f64 or dd for a whole model", why))
        }
    }?;
    super::eval::answer(&args, number, "outputs", &values)
}

fn pool(args: &Arguments) -> Result<Option<crate::transformer::Pool>> {
    let Some(name) = args.one("--pool")? else { return Ok(None) };
    let found = POOLS.iter().find(|(n, _)| *n == name);
    found.map(|(_, p)| Some(*p)).ok_or_else(|| Error::usage("--pool", "cls, mean or patches", format!("`{}`", name.escape_default())))
}

fn outputs<S: Scalar>(design: Design, weights: &[(String, Array)], pictures: &Array) -> Result<Values<Ball>> {
    let mut model = Vision::<S>::zeros(design)?;
    from_arrays(&mut model, weights)?;
    let (pixels, _) = images::<S>(pictures)?;
    let (pooled, logits) = features(&model, &pixels)?;
    let mut values = Values::default();
    for (name, m) in [("features", pooled), ("logits", logits)] {
        let data = m.data().iter().map(|x| x.to_ball()).collect();
        values.set(name, Value::Real(Tensor::new(m.shape().to_vec(), data)?));
    }
    Ok(values)
}
