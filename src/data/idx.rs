//! IDX, the format of the MNIST files (Y. LeCun, C. Cortes, C. J. C. Burges, 1998).
//!
//! ```text
//! 00 00   type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64   number of axes   each length, u32   elements; all big-endian
//! ```

use super::array::{Array, element_count, shape_text};
use super::elements::{Dtype, Elements};
use super::{bytes_at, gzip, malformed};
use crate::{Error, Result};

const TYPES: [(u8, Dtype); 6] =
    [(8, Dtype::U8), (9, Dtype::I8), (0xB, Dtype::I16), (0xC, Dtype::I32), (0xD, Dtype::F32), (0xE, Dtype::F64)];

/// An unpacked file may be this long: 4 GiB.
pub const LIMIT: usize = if usize::BITS > 32 { 1 << 32 } else { usize::MAX };

/// Reads a whole file, as it is or packed by gzip (as MNIST is published; up to [`LIMIT`] bytes).
pub fn read(bytes: &[u8]) -> Result<Array> {
    if gzip::is_gzip(bytes) {
        return plain(&gzip::unpack(bytes, LIMIT).map_err(|e| e.within("gzip"))?);
    }
    plain(bytes)
}

fn plain(bytes: &[u8]) -> Result<Array> {
    let Some([0, 0, code, rank]) = bytes_at(bytes, 0) else {
        let found = bytes[..bytes.len().min(4)].iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        return Err(Error::format("byte 0", "00 00, a type and a rank: the start of an IDX file", found).named("InvalidMagic"));
    };
    let Some(&(_, dtype)) = TYPES.iter().find(|(c, _)| *c == code) else {
        return Err(Error::format("byte 2", "08, 09, 0b, 0c, 0d or 0e for the type", format!("{code:02x}")).named("UnknownDtype"));
    };
    let start = 4 + 4 * usize::from(rank);
    let Some(lengths) = bytes.get(4..start) else {
        return Err(Error::format(format!("byte {}", bytes.len()), format!("{rank} lengths of 4 bytes"), "the end").named("Truncated"));
    };
    let shape: Vec<u64> = lengths.as_chunks::<4>().0.iter().map(|&c| u32::from_be_bytes(c).into()).collect();
    let needed = element_count(&shape).map_err(malformed)?.checked_mul(dtype.size());
    let data = &bytes[start..];
    if needed != Some(data.len()) {
        let name = if needed.is_some_and(|n| n < data.len()) { "TrailingData" } else { "Truncated" };
        let needed = needed.map_or("more than 2^64".into(), |n| n.to_string());
        let expected = format!("{needed} bytes for {} of {}", shape_text(&shape), dtype.name());
        return Err(Error::format(format!("byte {start}"), expected, data.len().to_string()).named(name));
    }
    Array::new(shape.into_iter().map(|n| n as usize).collect(), Elements::from_bytes(dtype, data, true)?)
}

/// The file of this array. `Unsupported` for a type that IDX has not or an axis of 2³² or more.
pub fn write(array: &Array) -> Result<Vec<u8>> {
    let Some((code, dtype)) = TYPES.iter().find(|(_, t)| *t == array.dtype()) else {
        return Err(Error::unsupported("", "u8, i8, i16, i32, f32 or f64", array.dtype().name()).named("UnsupportedDtype"));
    };
    let mut out = vec![0, 0, *code, array.shape().len() as u8];
    for &n in array.shape() {
        let length = u32::try_from(n).map_err(|_| Error::unsupported("shape", "axes shorter than 2^32", n.to_string()))?;
        out.extend_from_slice(&length.to_be_bytes());
    }
    let start = out.len();
    array.elements().append_bytes(&mut out);
    out[start..].chunks_mut(dtype.size()).for_each(<[u8]>::reverse);
    Ok(out)
}
