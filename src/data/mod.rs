//! Data: file formats, embedded digits, synthetic sources.
//!
//! Every reader takes bytes it does not trust. It checks each size against what is really there before it allocates, answers every
//! fault with an [`Error`](crate::Error) that says where and what was expected, and never panics. What is legal but strange is read and reported in a list of
//! warnings beside the data. Every writer gives the same bytes for the same arrays, on every platform.
//!
//! | idea | module |
//! |---|---|
//! | an array that keeps the type it was stored in | [`mod@array`], [`elements`], [`half`] |
//! | named arrays, whatever the format | [`archive`] |
//! | the formats | [`safetensors`], [`npy`], [`npz`], [`json`], [`csv`], [`idx`], [`image`] |
//! | what they are made of | [`zip`], [`gzip`], [`inflate`], [`crc32`], [`sha256`] |
//! | files written whole or not at all | [`mod@file`] |
//! | the embedded data set | [`mod@digits`] |

pub mod archive;
pub mod array;
pub mod crc32;
pub mod csv;
pub mod digits;
pub mod elements;
pub mod file;
mod foreign;
pub mod gzip;
pub mod half;
pub mod idx;
pub mod image;
pub mod inflate;
pub mod json;
pub mod npy;
pub mod npz;
pub mod safetensors;
pub mod sha256;
pub mod zip;

pub use array::Array;
pub use digits::{Digits, digits};
pub use elements::{Dtype, Elements};
pub use json::Json;

/// A name from a file, fit for a message: escaped, and cut when it is long.
fn quoted(name: &str) -> String {
    const SHOWN: usize = 60;
    match name.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}… ({} bytes)", &name[..cut], name.len()),
        None => format!("{name:?}"),
    }
}

/// Bytes `at .. at + N`, if they are there.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A shape that a file claims and no array can have is a fault of the file.
fn malformed(e: crate::Error) -> crate::Error {
    if let crate::Error::Shape(fault) = e { crate::Error::Format(fault) } else { e }
}
