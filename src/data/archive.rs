//! Named arrays from any of the formats, told apart by content, and to any of them.

use super::array::{Array, shape_text};
use super::elements::{Dtype, Elements};
use super::json::{self, Json};
use super::{file, foreign, npy, npz, quoted, safetensors};
use crate::{Error, Result};
use std::path::Path;

/// A format of named arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// safetensors.
    Safetensors,
    /// NumPy's archive of arrays.
    Npz,
    /// NumPy's single array, which has no name.
    Npy,
    /// A JSON object of nested arrays, or nested arrays alone, which have no name.
    Json,
}

impl Format {
    /// The format in which a file of this name is written: by its extension.
    pub fn of_path(path: &Path) -> Result<Format> {
        match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("safetensors") => Ok(Format::Safetensors),
            Some("npz") => Ok(Format::Npz),
            Some("npy") => Ok(Format::Npy),
            Some("json") => Ok(Format::Json),
            _ => Err(Error::usage(path.display().to_string(), "a name that ends in .safetensors, .npz, .npy or .json", "another")),
        }
    }

    /// The format of a file of this content; the error says what it is instead, where that can be told.
    pub fn of_content(bytes: &[u8]) -> Result<Format> {
        if bytes.starts_with(b"\x93NUMPY") {
            return Ok(Format::Npy);
        }
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            return Ok(Format::Npz);
        }
        // A safetensors file begins with the length of its header, which fits 32 bits; a text has no zero bytes there.
        let short_length = bytes.get(4..8) == Some(&[0; 4]);
        if short_length && bytes.get(8) == Some(&b'{') {
            return Ok(Format::Safetensors);
        }
        if let Some(explained) = foreign::explain(bytes) {
            return Err(explained);
        }
        if short_length || bytes.get(8..10) == Some(b"{\"") && !bytes[..8].is_ascii() {
            return Ok(Format::Safetensors);
        }
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{' | b'[' | b'-' | b'0'..=b'9' | b'"' | b't' | b'f' | b'n') => Ok(Format::Json),
            _ => {
                let found = match bytes {
                    [] => "an empty file".into(),
                    _ => format!(
                        "a file that begins {}",
                        bytes[..bytes.len().min(8)].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
                    ),
                };
                Err(Error::format("byte 0", "a safetensors, npz, npy or JSON file", found).named("UnknownFormat"))
            }
        }
    }
}

/// What a file of named arrays holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The format it is in.
    pub format: Format,
    /// The arrays. A single array without a name has the name `""`.
    pub arrays: Vec<(String, Array)>,
    /// Texts stored beside them (safetensors only).
    pub metadata: Vec<(String, String)>,
    /// What is legal but unusual.
    pub warnings: Vec<String>,
}

impl Archive {
    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }
}

/// Reads the named arrays of a file of up to [`file::DEFAULT_LIMIT`] bytes, in whatever format it is. Errors begin with the path.
pub fn read_named(path: &Path) -> Result<Archive> {
    decode(&file::read(path, file::DEFAULT_LIMIT)?).map_err(|e| e.within(&path.display().to_string()))
}

/// Reads the named arrays of a file's content, in whatever format it is.
pub fn decode(bytes: &[u8]) -> Result<Archive> {
    let format = Format::of_content(bytes)?;
    let (arrays, metadata, warnings) = match format {
        Format::Safetensors => {
            let contents = safetensors::read(bytes)?;
            (contents.tensors, contents.metadata.unwrap_or_default(), contents.warnings)
        }
        Format::Npz => {
            let (arrays, warnings) = npz::read(bytes)?;
            (arrays, Vec::new(), warnings)
        }
        Format::Npy => {
            let (array, warnings) = npy::read(bytes)?;
            (vec![(String::new(), array)], Vec::new(), warnings)
        }
        Format::Json => (from_json(&Json::parse(bytes)?)?, Vec::new(), Vec::new()),
    };
    Ok(Archive { format, arrays, metadata, warnings })
}

/// Writes named arrays in the format that the extension of `path` says, whole or not at all.
pub fn write_named<'a>(path: &Path, arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> Result<()> {
    let bytes = encode(Format::of_path(path)?, arrays).map_err(|e| e.within(&path.display().to_string()))?;
    file::write(path, &bytes)
}

/// The file of these arrays. `Usage` if names come twice or the format holds one array only; `Unsupported` for what the format cannot express.
pub fn encode<'a>(format: Format, arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> Result<Vec<u8>> {
    match format {
        Format::Safetensors => safetensors::write(arrays, None),
        Format::Npz => npz::write(arrays),
        Format::Json => Ok(to_json(arrays)?.to_string().into_bytes()),
        Format::Npy => {
            let mut arrays = arrays.into_iter();
            match (arrays.next(), arrays.next()) {
                (Some((_, array)), None) => npy::write(array),
                (None, _) => Err(Error::usage("", "one array for a .npy file", "none")),
                (Some((a, _)), Some((b, _))) => {
                    Err(Error::usage("", "one array for a .npy file (an .npz holds several)", format!("{}, {}, …", quoted(a), quoted(b))))
                }
            }
        }
    }
}

/// The named arrays of a JSON object whose values are nested arrays; of any other value, the one array without a name.
pub fn from_json(value: &Json) -> Result<Vec<(String, Array)>> {
    let Some(fields) = value.as_object() else {
        return Ok(vec![(String::new(), array_from_json(value)?)]);
    };
    fields.iter().map(|(name, value)| Ok((name.clone(), array_from_json(value).map_err(|e| e.within(&quoted(name)))?))).collect()
}

/// The array of nested JSON arrays: truth values as `Bool`; as `I64` if all numbers are written as integers of at most 2⁵³ in size (and none as −0);
/// else as `F64`, each number rounded to nearest. Mixed truth values and numbers are a `Format` error.
pub fn array_from_json(value: &Json) -> Result<Array> {
    let mut first = value;
    while let Some([item, ..]) = first.as_array() {
        first = item;
    }
    if let Json::Bool(_) = first {
        let truth = |item: &Json| item.as_bool().ok_or_else(|| Error::format("", "true or false, as before", item.kind()));
        let (shape, data) = json::collect(value, truth)?;
        return Array::new(shape, Elements::Bool(data));
    }
    let mut integers = true;
    let (shape, data) = json::collect(value, |item| {
        let x = item.as_f64().ok_or_else(|| Error::format("", "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", item.kind()))?;
        // From the digits: as an f64, 2⁵³ + 1 would pass for 2⁵³.
        integers &= item.as_number().is_some_and(|n| n.text() != "-0" && n.i64().is_some_and(|i| i.unsigned_abs() <= 1 << 53));
        Ok(x)
    })?;
    let elements = if integers && !data.is_empty() { Elements::I64(data.iter().map(|&x| x as i64).collect()) } else { Elements::F64(data) };
    Array::new(shape, elements)
}

/// The JSON object of these arrays; of one array without a name, its value alone.
///
/// `Unsupported` for integers beyond 2⁵³, which JSON readers round, and for a shape with axes after one of length 0, which nested arrays cannot show.
pub fn to_json<'a>(arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> Result<Json> {
    let mut fields: Vec<(String, Json)> = Vec::new();
    for (name, array) in arrays {
        if fields.iter().any(|(n, _)| n == name) {
            return Err(Error::usage("", "each name once", format!("{} twice", quoted(name))).named("DuplicateKey"));
        }
        fields.push((name.to_string(), array_to_json(array).map_err(|e| e.within(&quoted(name)))?));
    }
    match &mut fields[..] {
        [(name, value)] if name.is_empty() => Ok(std::mem::replace(value, Json::Null)),
        _ => Ok(Json::Object(fields)),
    }
}

/// The nested JSON arrays of an array; see [`to_json`].
pub fn array_to_json(array: &Array) -> Result<Json> {
    let shape = array.shape();
    if shape.iter().rev().skip(1).any(|&n| n == 0) {
        return Err(Error::unsupported("", "a shape that nested arrays show: no axis after one of length 0", shape_text(shape)));
    }
    if array.dtype().is_real() {
        return json::from_tensor(shape, &array.to_f64()?);
    }
    if let Elements::Bool(v) = array.elements() {
        return json::nest(shape, v, |&b| Json::Bool(b));
    }
    let narrow = |e: Error| if let Error::Domain(fault) = e { Error::Unsupported(fault) } else { e };
    let integers = array.cast(Dtype::I64).map_err(narrow)?.to_i64()?;
    if let Some(large) = integers.iter().find(|i| i.unsigned_abs() > 1 << 53) {
        return Err(Error::unsupported("", "integers up to 2^53 in size (another format holds all)", large.to_string()));
    }
    json::nest(shape, &integers, |&i| Json::integer(i))
}
