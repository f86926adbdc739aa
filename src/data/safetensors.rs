//! safetensors (Hugging Face, format of 2022, as read and written by release 0.8.0).
//!
//! ```text
//! 8 bytes   N, u64 little-endian
//! N bytes   JSON: { "__metadata__": { text: text }, name: { "dtype": "F64", "shape": [2, 3], "data_offsets": [begin, end] }, … }, then spaces
//! the rest  the elements, little-endian, last axis fastest, each tensor at its offsets
//! ```
//! The reader accepts one meaning or none: names are unique after unescaping (the reference lets the last win), the fields of an entry are
//! the three above, and the tensors cover the data without hole, overlap or rest.

use super::array::{Array, element_count, shape_text};
use super::elements::{Dtype, Elements};
use super::json::{self, Cursor, push_string};
use super::{bytes_at, foreign, malformed, quoted};
use crate::{Error, Result};
use std::collections::{BTreeMap, HashSet};

/// How much of a file's word is taken before it is believed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the header.
    pub header: u64,
    /// Tensors.
    pub tensors: usize,
}
impl Default for Limits {
    /// The reference's 100,000,000 bytes, and a million tensors.
    fn default() -> Limits {
        Limits { header: 100_000_000, tensors: 1_000_000 }
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The tensors in the order of their data. A name is any text: it is no path, and may be empty.
    pub tensors: Vec<(String, Array)>,
    /// The entries of `__metadata__`, in the order of the text; none if there is no such entry.
    pub metadata: Option<Vec<(String, String)>>,
    /// What is legal but unusual.
    pub warnings: Vec<String>,
}

/// The types in the order in which the reference lays them out, from the last to the first; those read here with what they become.
const TYPES: [(&str, Option<Dtype>); 22] = [
    ("BOOL", Some(Dtype::Bool)),
    ("F4", None),
    ("F6_E2M3", None),
    ("F6_E3M2", None),
    ("U8", Some(Dtype::U8)),
    ("I8", Some(Dtype::I8)),
    ("F8_E5M2", None),
    ("F8_E4M3", None),
    ("F8_E8M0", None),
    ("F8_E4M3FNUZ", None),
    ("F8_E5M2FNUZ", None),
    ("I16", Some(Dtype::I16)),
    ("U16", Some(Dtype::U16)),
    ("F16", Some(Dtype::F16)),
    ("BF16", Some(Dtype::BF16)),
    ("I32", Some(Dtype::I32)),
    ("U32", Some(Dtype::U32)),
    ("F32", Some(Dtype::F32)),
    ("C64", None),
    ("F64", Some(Dtype::F64)),
    ("I64", Some(Dtype::I64)),
    ("U64", Some(Dtype::U64)),
];
/// The rank of a type in that order, and its name.
fn layout(dtype: Dtype) -> (usize, &'static str) {
    let rank = TYPES.iter().position(|(_, t)| *t == Some(dtype)).unwrap_or(0);
    (rank, TYPES[rank].0)
}

struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    begin: u64,
    end: u64,
}

/// Reads a whole file with the default [`Limits`].
pub fn read(bytes: &[u8]) -> Result<Contents> {
    read_within(bytes, Limits::default())
}

/// Reads a whole file. `Format` with a finer name for every way in which it can be broken, `Unsupported` for types this crate has not.
pub fn read_within(bytes: &[u8], limits: Limits) -> Result<Contents> {
    let (header, data) = split(bytes, limits).map_err(|e| foreign::explain(bytes).unwrap_or(e))?;
    let Header { entries, metadata } = parse(header, data.len() as u64, limits).map_err(|e| e.within("header"))?;
    let mut warnings = Vec::new();
    if !header.starts_with('{') {
        warnings.push("header: white space before `{`, which some readers reject".into());
    }
    if header.trim_end_matches(' ').ends_with(['\t', '\r', '\n']) {
        warnings.push("header: padded with other white space than spaces".into());
    }
    let mut ordered: Vec<_> = entries.into_iter().collect();
    ordered.sort_by_key(|(_, e)| (e.begin, e.end));
    cover(&ordered, data.len() as u64)?;
    let mut tensors = Vec::with_capacity(ordered.len());
    for (name, entry) in ordered {
        let part = &data[entry.begin as usize..entry.end as usize];
        let elements = Elements::from_bytes(entry.dtype, part, false).and_then(|elements| Array::new(entry.shape, elements));
        tensors.push((name.clone(), elements.map_err(|e| e.within(&tensor(&name)))?));
    }
    Ok(Contents { tensors, metadata, warnings })
}

fn tensor(name: &str) -> String {
    format!("tensor {}", quoted(name))
}

/// Header text and data.
fn split(bytes: &[u8], limits: Limits) -> Result<(&str, &[u8])> {
    let Some(length) = bytes_at(bytes, 0).map(u64::from_le_bytes) else {
        return Err(
            Error::format("byte 0", "8 bytes with the length of the header", format!("{} bytes", bytes.len())).named("HeaderTooSmall")
        );
    };
    if length > limits.header {
        return Err(
            Error::format("byte 0", format!("a header of at most {} bytes", limits.header), length.to_string()).named("HeaderTooLarge")
        );
    }
    let rest = &bytes[8..];
    if length > rest.len() as u64 {
        return Err(Error::format("byte 0", format!("a header within the {} bytes that follow", rest.len()), length.to_string())
            .named("InvalidHeaderLength"));
    }
    let (header, data) = rest.split_at(length as usize);
    Ok((json::utf8(header).map_err(|e| e.within("header"))?, data))
}

struct Header {
    entries: BTreeMap<String, Entry>,
    metadata: Option<Vec<(String, String)>>,
}

/// Reads the header entry by entry, and stops at the first that cannot be true of `size` bytes of data.
fn parse(text: &str, size: u64, limits: Limits) -> Result<Header> {
    let mut header = Header { entries: BTreeMap::new(), metadata: None };
    let mut claimed = 0;
    let mut cursor = Cursor::new(text);
    cursor.object(|cursor, name| {
        if name == "__metadata__" {
            if header.metadata.is_some() {
                return Err(json::duplicate(&name));
            }
            header.metadata = Some(metadata(cursor).map_err(|e| e.within("__metadata__"))?);
            return Ok(());
        }
        let at = |e: Error| e.within(&tensor(&name));
        if header.entries.contains_key(&name) {
            return Err(json::duplicate(&name));
        }
        if header.entries.len() == limits.tensors {
            return Err(at(Error::unsupported("", format!("at most {} tensors", limits.tensors), "one more").named("TooManyTensors")));
        }
        let entry = entry(cursor, size).map_err(at)?;
        // Ranges that lie in the data and are together longer than it overlap, whatever comes after.
        claimed += entry.end - entry.begin;
        if claimed > size {
            return Err(at(overlap("the tensors so far take more bytes than there are")));
        }
        header.entries.insert(name, entry);
        Ok(())
    })?;
    cursor.end()?;
    Ok(header)
}

fn overlap(found: &str) -> Error {
    let expected = "tensors that share no byte (tied weights are stored once, or as a copy each)";
    Error::format("", expected, found).named("Overlap")
}

fn metadata(cursor: &mut Cursor) -> Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut seen = HashSet::new();
    cursor.object(|cursor, name| {
        if !seen.insert(name.clone()) {
            return Err(json::duplicate(&name));
        }
        fields.push((name, cursor.string()?));
        Ok(())
    })?;
    Ok(fields)
}

fn entry(cursor: &mut Cursor, size: u64) -> Result<Entry> {
    let (mut dtype, mut shape, mut offsets) = (None, None, None);
    cursor.object(|cursor, field| {
        match field.as_str() {
            "dtype" if dtype.is_none() => dtype = Some(cursor.string()?),
            "shape" if shape.is_none() => shape = Some(integers(cursor, super::array::MAX_RANK).map_err(|e| e.within("shape"))?),
            "data_offsets" if offsets.is_none() => offsets = Some(integers(cursor, 2).map_err(|e| e.within("data_offsets"))?),
            "dtype" | "shape" | "data_offsets" => return Err(json::duplicate(&field)),
            _ => return Err(Error::format("", "only dtype, shape and data_offsets", quoted(&field)).named("UnknownField")),
        }
        Ok(())
    })?;
    let missing = |name: &str| Error::format("", format!("the field {name}"), "none").named("MissingField");
    let (dtype, shape) = (dtype.ok_or_else(|| missing("dtype"))?, shape.ok_or_else(|| missing("shape"))?);
    let [begin, end] = offsets.ok_or_else(|| missing("data_offsets"))?[..] else {
        return Err(Error::format("data_offsets", "two numbers", "fewer").named("InvalidOffsets"));
    };
    let dtype = match TYPES.iter().find(|(name, _)| *name == dtype) {
        Some((_, Some(known))) => *known,
        Some((name, None)) => {
            return Err(Error::unsupported("dtype", "an integer, F64, F32, F16, BF16 or BOOL", *name).named("UnsupportedDtype"));
        }
        None => return Err(Error::format("dtype", "a type of safetensors, in capitals", quoted(&dtype)).named("UnknownDtype")),
    };
    if begin > end {
        return Err(Error::format("data_offsets", "a begin up to the end", format!("[{begin}, {end}]")).named("InvalidOffsets"));
    }
    if end > size {
        return Err(Error::format("data_offsets", format!("an end within the {size} bytes of data"), end.to_string()).named("Truncated"));
    }
    let bytes = (element_count(&shape).map_err(malformed)? as u64).checked_mul(dtype.size() as u64);
    if bytes != Some(end - begin) {
        let needed = bytes.map_or("more than 2^64".into(), |b| b.to_string());
        let expected = format!("{needed} bytes for {} of {}", shape_text(&shape), dtype.name());
        return Err(Error::format("data_offsets", expected, (end - begin).to_string()).named("SizeMismatch"));
    }
    Ok(Entry { dtype, shape: shape.into_iter().map(|n| n as usize).collect(), begin, end })
}

/// An array of at most `most` integers, each `0` or digits that begin with another.
fn integers(cursor: &mut Cursor, most: usize) -> Result<Vec<u64>> {
    let mut out = Vec::new();
    cursor.array(|cursor| {
        if out.len() == most {
            return Err(Error::format("", format!("at most {most} numbers"), "one more").named("TooManyNumbers"));
        }
        let number = cursor.number()?;
        let invalid =
            || Error::format(format!("[{}]", out.len()), "an integer from 0 to 2^64 - 1", quoted(number.text())).named("InvalidInteger");
        out.push(number.u64().ok_or_else(invalid)?);
        Ok(())
    })?;
    Ok(out)
}

/// Each tensor begins where the one before ended, from 0 to the end of the data.
fn cover(ordered: &[(String, Entry)], size: u64) -> Result<()> {
    let mut end = 0;
    for (name, entry) in ordered {
        let fault = match entry.begin.cmp(&end) {
            std::cmp::Ordering::Less => overlap(&format!("one that begins at {}, where others reach to {end}", entry.begin)),
            std::cmp::Ordering::Greater => {
                Error::format("", format!("a begin at {end}, where the data before end"), entry.begin.to_string()).named("Hole")
            }
            std::cmp::Ordering::Equal => {
                end = entry.end;
                continue;
            }
        };
        return Err(fault.within(&tensor(name)));
    }
    if end != size {
        let at = ordered.last().map_or("data".into(), |(name, _)| format!("after {}", tensor(name)));
        return Err(Error::format(at, "the end of the file", format!("{} more bytes", size - end)).named("TrailingData"));
    }
    Ok(())
}

/// The file of these tensors, byte for byte as the reference writes it; metadata are sorted, so that equal input gives equal files.
///
/// The data are laid out by type, widest first, and then by name. `Usage` if a name comes twice or is `__metadata__`.
pub fn write<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a Array)>, metadata: Option<&[(String, String)]>) -> Result<Vec<u8>> {
    let mut ordered: Vec<(&str, &Array)> = tensors.into_iter().collect();
    ordered.sort_by_key(|(name, array)| (std::cmp::Reverse(layout(array.dtype()).0), *name));
    let mut names = HashSet::new();
    let twice = ordered.iter().map(|(name, _)| *name).find(|name| *name == "__metadata__" || !names.insert(*name));
    let mut metadata: Option<Vec<_>> = metadata.map(|fields| fields.iter().collect());
    if let Some(fields) = &mut metadata {
        fields.sort();
    }
    let twice =
        twice.or(metadata.iter().flatten().zip(metadata.iter().flatten().skip(1)).find(|(a, b)| a.0 == b.0).map(|(a, _)| a.0.as_str()));
    if let Some(name) = twice {
        return Err(Error::usage("", "names that differ from each other and from __metadata__", quoted(name)).named("DuplicateKey"));
    }

    let mut header = String::from("{");
    if let Some(fields) = metadata {
        header.push_str("\"__metadata__\":{");
        for (i, (name, value)) in fields.into_iter().enumerate() {
            header.push_str(if i > 0 { "," } else { "" });
            push_string(&mut header, name);
            header.push(':');
            push_string(&mut header, value);
        }
        header.push('}');
    }
    let mut end = 0;
    for (name, array) in &ordered {
        header.push_str(if header.len() > 1 { "," } else { "" });
        push_string(&mut header, name);
        let begin = end;
        end += array.elements().len() * array.dtype().size();
        let shape = array.shape().iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let dtype = layout(array.dtype()).1;
        header.push_str(&format!(":{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{end}]}}"));
    }
    header.push('}');
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));

    let mut out = Vec::with_capacity(8 + header.len() + end);
    out.extend_from_slice(&(header.len() as u64).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    for (_, array) in &ordered {
        array.elements().append_bytes(&mut out);
    }
    Ok(out)
}
