//! Reading inputs and writing outputs of a call.

use crate::data::json::Json;
use crate::data::{Array, archive, file, npy, npz, safetensors};
use crate::oracle::Number;
use crate::oracle::exchange::{arrays_from_values, values_to_json};
use crate::oracle::Values;
use crate::scalar::Ball;
use crate::{Error, Result};
use std::path::Path;

/// The named arrays of a file; warnings go to stderr.
pub fn read(path: &str) -> Result<Vec<(String, Array)>> {
    let contents = archive::read(Path::new(path))?;
    for warning in &contents.warnings {
        eprintln!("white-box: {path}: {warning}");
    }
    Ok(contents.arrays)
}

/// Writes values to a file in the format its name asks for.
pub fn write(path: &str, number: Number, values: &Values<Ball>) -> Result<()> {
    let arrays = || arrays_from_values(number, values);
    let bytes = match Path::new(path).extension().and_then(|e| e.to_str()) {
        Some("json") => {
            let (outputs, radius) = values_to_json(number, values)?;
            let mut fields = vec![("outputs".to_string(), outputs)];
            fields.extend(radius.map(|r| ("radius".to_string(), r)));
            (Json::Object(fields).to_string() + "\n").into_bytes()
        }
        Some("safetensors") => safetensors::write(arrays()?.iter().map(|(n, a)| (n.as_str(), a)), None)?,
        Some("npz") => npz::write(arrays()?.iter().map(|(n, a)| (n.as_str(), a)))?,
        Some("npy") => match &arrays()?[..] {
            [(_, one)] => npy::write(one)?,
            many => {
                let names: Vec<&str> = many.iter().map(|(n, _)| n.as_str()).collect();
                return Err(Error::usage("-o", "an .npz, .safetensors or .json file for more than one array", names.join(", ")));
            }
        },
        _ => return Err(Error::usage("-o", "a name that ends in .npz, .safetensors, .npy or .json", format!("`{}`", path.escape_default()))),
    };
    file::write(Path::new(path), &bytes)
}
