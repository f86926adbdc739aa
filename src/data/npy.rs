//! NumPy's `.npy` (format versions 1.0, 2.0, 3.0; R. Kern, NEP 1, 2007; written as NumPy 2.4.6 does).
//!
//! ```text
//! 93 "NUMPY"   major minor   header length (u16 for major 1, else u32)   header   elements
//! header:  {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   then spaces and a line feed
//! ```
//! The header is a Python literal; it is read by the grammar below and never evaluated.
//!
//! ```text
//! header := '{' [ entry { ',' entry } [ ',' ] ] '}'       entry := key ':' value, each of descr, fortran_order, shape once
//! value  := quoted | True | False | tuple                 quoted := '…' or "…" without escapes
//! tuple  := '(' ')' | '(' int ',' ')' | '(' int { ',' int } [ ',' ] ')' with two at least
//! int    := 0 | [1-9][0-9]*, and an L after it in versions 1 and 2 (written by Python 2)
//! ```

use super::array::{Array, element_count, shape_text};
use super::elements::{Dtype, Elements};
use super::{bytes_at, malformed, quoted};
use crate::{Error, Result};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The longest header, as in NumPy's own reader.
pub const MAX_HEADER: usize = 10_000;

/// Reads a whole file: the array, in C order whatever the order of the file, and warnings.
///
/// `Format` for bytes that break the format, also for bytes after the elements; `Unsupported` for element types other than integers, reals and truth values.
pub fn read(bytes: &[u8]) -> Result<(Array, Vec<String>)> {
    let (header, data, version) = split(bytes)?;
    let mut parser = Parser { text: &header, at: 0, old: version < 3, long: false };
    let Header { dtype, big_endian, fortran, shape } = parser.header().map_err(|e| e.within("header"))?;
    let long = parser.long;
    let count = element_count(&shape).map_err(|e| malformed(e).within("header"))?;
    let shape: Vec<usize> = shape.into_iter().map(|n| n as usize).collect();
    let needed = count.checked_mul(dtype.size());
    if needed != Some(data.len()) {
        let name = if needed.is_some_and(|n| n < data.len()) { "TrailingData" } else { "Truncated" };
        let needed = needed.map_or("more than 2^64".into(), |n| n.to_string());
        let expected = format!("{needed} bytes for {} of {}", shape_text(&shape), dtype.name());
        return Err(Error::format(format!("byte {}", bytes.len() - data.len()), expected, data.len().to_string()).named(name));
    }
    let elements = if fortran && shape.len() > 1 && count > 0 {
        Elements::from_bytes(dtype, &transposed(data, &shape, dtype.size()), big_endian)
    } else {
        Elements::from_bytes(dtype, data, big_endian)
    };
    let warnings = if long { vec!["header: integers with an L, written by Python 2".into()] } else { Vec::new() };
    Ok((Array::new(shape, elements?)?, warnings))
}

/// Header text, elements, major version.
fn split(bytes: &[u8]) -> Result<(String, &[u8], u8)> {
    if !bytes.starts_with(MAGIC) {
        let found = bytes[..bytes.len().min(6)].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        return Err(Error::format("byte 0", "93 4e 55 4d 50 59, the start of a .npy file", found).named("InvalidMagic"));
    }
    let truncated = |what: &str| Error::format(format!("byte {}", bytes.len()), what, "the end").named("Truncated");
    let [major, minor] = bytes_at(bytes, 6).ok_or_else(|| truncated("a version"))?;
    let (length, start) = match (major, minor) {
        (1, 0) => (bytes_at(bytes, 8).map(|b| u32::from(u16::from_le_bytes(b))), 10),
        (2 | 3, 0) => (bytes_at(bytes, 8).map(u32::from_le_bytes), 12),
        _ => return Err(Error::unsupported("byte 6", "version 1.0, 2.0 or 3.0", format!("{major}.{minor}")).named("UnsupportedVersion")),
    };
    let length = length.ok_or_else(|| truncated("the length of the header"))?;
    if length as usize > MAX_HEADER {
        return Err(Error::format("byte 8", format!("a header of at most {MAX_HEADER} bytes"), length.to_string()).named("HeaderTooLarge"));
    }
    let end = start + length as usize;
    let header = bytes.get(start..end).ok_or_else(|| truncated(&format!("a header up to byte {end}")))?;
    let text = if major == 3 {
        super::json::utf8(header).map_err(|e| e.within("header"))?.to_string()
    } else {
        // Latin-1: each byte is the character of that number.
        header.iter().map(|&b| b as char).collect()
    };
    Ok((text, &bytes[end..], major))
}

struct Header {
    dtype: Dtype,
    big_endian: bool,
    fortran: bool,
    shape: Vec<u64>,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether integers may end in L.
    old: bool,
    /// Whether one did.
    long: bool,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.text.as_bytes().get(self.at).copied()
    }
    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }
    fn demand(&mut self, byte: u8) -> Result<()> {
        if self.skip(byte) { Ok(()) } else { Err(self.wrong(&format!("`{}`", byte as char))) }
    }
    #[cold]
    fn wrong(&self, expected: &str) -> Error {
        let found = self.text[self.at..].chars().next().map_or("the end".into(), |c| format!("{c:?}"));
        Error::format(format!("character {}", self.at), expected, found)
    }

    fn header(&mut self) -> Result<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.demand(b'{')?;
        while !self.skip(b'}') {
            let key = self.quoted("a key in quotes, or `}`")?;
            self.demand(b':')?;
            match key {
                "descr" if descr.is_none() => descr = Some(self.descr()?),
                "fortran_order" if fortran.is_none() => fortran = Some(self.truth()?),
                "shape" if shape.is_none() => shape = Some(self.tuple()?),
                "descr" | "fortran_order" | "shape" => return Err(super::json::duplicate(key)),
                _ => return Err(Error::format("", "only the keys descr, fortran_order, shape", quoted(key)).named("UnknownField")),
            }
            if !self.skip(b',') && self.peek() != Some(b'}') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
        if self.peek().is_some() {
            return Err(self.wrong("nothing after `}`"));
        }
        let missing = |name: &str| Error::format("", format!("the key {name}"), "none").named("MissingField");
        let (dtype, big_endian) = descr.ok_or_else(|| missing("descr"))?;
        let fortran = fortran.ok_or_else(|| missing("fortran_order"))?;
        Ok(Header { dtype, big_endian, fortran, shape: shape.ok_or_else(|| missing("shape"))? })
    }

    fn quoted(&mut self, expected: &str) -> Result<&'a str> {
        let text = self.text;
        let quote = match self.peek() {
            Some(q @ (b'\'' | b'"')) => q as char,
            _ => return Err(self.wrong(expected)),
        };
        let start = self.at + 1;
        let length = text[start..].find([quote, '\\', '\n']).filter(|n| text[start + n..].starts_with(quote));
        let end = start + length.ok_or_else(|| self.wrong("a text in quotes, on one line, without `\\`"))?;
        self.at = end + 1;
        Ok(&text[start..end])
    }

    fn truth(&mut self) -> Result<bool> {
        self.peek();
        let rest = &self.text[self.at..];
        let Some((word, value)) = [("True", true), ("False", false)].into_iter().find(|(word, _)| rest.starts_with(word)) else {
            return Err(self.wrong("True or False"));
        };
        self.at += word.len();
        Ok(value)
    }

    fn tuple(&mut self) -> Result<Vec<u64>> {
        self.demand(b'(')?;
        let mut numbers = Vec::new();
        while !self.skip(b')') {
            if numbers.len() == super::array::MAX_RANK {
                return Err(self.wrong("at most 64 axes").named("RankTooLarge"));
            }
            numbers.push(self.integer()?);
            if !self.skip(b',') && (self.peek() != Some(b')') || numbers.len() == 1) {
                return Err(self.wrong("`,` (a tuple of one number ends in a comma), or `)` after more numbers"));
            }
        }
        Ok(numbers)
    }

    fn integer(&mut self) -> Result<u64> {
        self.peek();
        let rest = &self.text[self.at..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || (digits > 1 && rest.starts_with('0')) {
            return Err(self.wrong("a whole number without sign, leading zeros or other marks"));
        }
        let too_large =
            || Error::format(format!("character {}", self.at), "a number below 2^64", quoted(&rest[..digits])).named("Overflow");
        let number = rest[..digits].parse().map_err(|_| too_large())?;
        self.at += digits;
        if self.old && rest[digits..].starts_with('L') {
            self.long = true;
            self.at += 1;
        }
        Ok(number)
    }

    /// `[<>|=]?[fiub][1248]` or `?`: the type, and whether its most significant byte comes first.
    fn descr(&mut self) -> Result<(Dtype, bool)> {
        let unsupported = |found: &str| {
            let expected = "a type such as <f8, <i4, |u1, |b1 (no structures, texts, complex numbers, dates or objects)";
            Error::unsupported("descr", expected, found).named("UnsupportedDtype")
        };
        if let Some(b'[' | b'(' | b'{') = self.peek() {
            return Err(unsupported("a structure"));
        }
        let text = self.quoted("a type in quotes")?;
        let (order, kind) = match text.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), kind @ ..] => (*order, kind),
            kind => (b'=', kind),
        };
        let dtype = match kind {
            b"f8" => Dtype::F64,
            b"f4" => Dtype::F32,
            b"f2" => Dtype::F16,
            b"i8" => Dtype::I64,
            b"i4" => Dtype::I32,
            b"i2" => Dtype::I16,
            b"i1" => Dtype::I8,
            b"u8" => Dtype::U64,
            b"u4" => Dtype::U32,
            b"u2" => Dtype::U16,
            b"u1" => Dtype::U8,
            b"b1" => Dtype::Bool,
            b"?" if text == "?" => Dtype::Bool,
            _ => return Err(unsupported(&quoted(text))),
        };
        Ok((dtype, order == b'>'))
    }
}

/// Elements in Fortran order (first axis fastest), put in C order (last axis fastest). No axis has length 0.
fn transposed(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    // How far apart neighbours along each axis lie in the file.
    let steps: Vec<usize> = shape.iter().scan(size, |step, &n| Some(std::mem::replace(step, *step * n))).collect();
    let mut out = Vec::with_capacity(data.len());
    let (last, last_step) = (shape[shape.len() - 1], steps[shape.len() - 1]);
    let mut index = vec![0; shape.len() - 1];
    let mut start = 0;
    loop {
        for i in 0..last {
            out.extend_from_slice(&data[start + i * last_step..][..size]);
        }
        // The next row: count up like an odometer.
        let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < shape[axis]) else {
            return out;
        };
        for axis in axis + 1..index.len() {
            start -= index[axis] * steps[axis];
            index[axis] = 0;
        }
        index[axis] += 1;
        start += steps[axis];
    }
}

/// The file of this array, byte for byte as `numpy.save` writes it (version 1.0, C order).
///
/// `Unsupported` for bfloat16, which NumPy has not: store it in safetensors, or its bits as `U16`, or as `F32`.
pub fn write(array: &Array) -> Result<Vec<u8>> {
    let descr = match array.dtype() {
        Dtype::F64 => "<f8",
        Dtype::F32 => "<f4",
        Dtype::F16 => "<f2",
        Dtype::I64 => "<i8",
        Dtype::I32 => "<i4",
        Dtype::I16 => "<i2",
        Dtype::I8 => "|i1",
        Dtype::U64 => "<u8",
        Dtype::U32 => "<u4",
        Dtype::U16 => "<u2",
        Dtype::U8 => "|u1",
        Dtype::Bool => "|b1",
        Dtype::BF16 => {
            return Err(Error::unsupported("", "a type that NumPy has (f32, or u16 for the bits)", "bf16").named("UnsupportedDtype"));
        }
    };
    let shape = match array.shape() {
        [one] => format!("({one},)"),
        shape => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // NumPy leaves room for the first axis to grow to 21 digits in place, and starts the elements at a multiple of 64, after one space at least.
    if let Some(first) = array.shape().first() {
        header.extend(std::iter::repeat_n(' ', 21usize.saturating_sub(first.to_string().len())));
    }
    let pad = 64 - (10 + header.len() + 1) % 64;
    header.extend(std::iter::repeat_n(' ', pad));
    header.push('\n');

    let mut out = Vec::with_capacity(10 + header.len() + array.elements().len() * array.dtype().size());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    array.elements().append_bytes(&mut out);
    Ok(out)
}
