//! Reading inputs and writing outputs of a call.

use crate::Result;
use crate::data::json::Json;
use crate::data::{Array, archive, file};
use crate::oracle::exchange::{arrays_from_values, values_to_json};
use crate::oracle::{Number, Values};
use crate::scalar::Ball;
use std::path::Path;

/// The named arrays of a file; warnings go to stderr.
pub fn read(path: &str) -> Result<Vec<(String, Array)>> {
    let contents = archive::read_named(Path::new(path))?;
    for warning in &contents.warnings {
        eprintln!("white-box: {path}: {warning}");
    }
    Ok(contents.arrays)
}

/// Writes values in the format that the file's name asks for. JSON keeps all digits; the array formats hold f64 parts.
pub fn write(path: &str, number: Number, values: &Values<Ball>) -> Result<()> {
    let path = Path::new(path);
    if archive::Format::of_path(path)? == archive::Format::Json {
        let (outputs, radius) = values_to_json(number, values)?;
        let mut fields = vec![("outputs".to_string(), outputs)];
        fields.extend(radius.map(|r| ("radius".to_string(), r)));
        return file::write(path, (Json::Object(fields).to_string() + "\n").as_bytes());
    }
    let arrays = arrays_from_values(number, values)?;
    archive::write_named(path, arrays.iter().map(|(n, a)| (n.as_str(), a)))
}
