//! A JSON number, which is its digits.

use super::read::Cursor;
use crate::{Error, Result};
use std::fmt::{self, Write};

/// A number as it is written. Up to 30 characters lie inside the value itself, which any shortest `f64` needs at most 24 of; longer ones, such
/// as the digits of a double-double, lie on the heap. So a [`Json`](super::Json) takes 32 bytes, and reading an array of numbers allocates once.
#[derive(Clone)]
pub struct Number(Digits);

const INLINE: usize = 30;

#[derive(Clone)]
enum Digits {
    /// So many of the bytes, all ASCII.
    Short(u8, [u8; INLINE]),
    Long(Box<str>),
}

impl Number {
    /// A number from its text. `Format` unless the text is a JSON number that does not overflow `f64`.
    pub fn from_text(text: &str) -> Result<Number> {
        let mut cursor = Cursor::new(text);
        let number = cursor.number()?;
        cursor.end()?;
        Ok(number)
    }
    /// A text that is known to be a JSON number.
    pub(super) fn trusted(text: &str) -> Number {
        if text.len() > INLINE {
            return Number(Digits::Long(text.into()));
        }
        let mut bytes = [0; INLINE];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Number(Digits::Short(text.len() as u8, bytes))
    }
    /// The shortest decimal that reads back to `x`; none for NaN and infinities.
    pub fn from_f64(x: f64) -> Option<Number> {
        x.is_finite().then(|| Number::print(format_args!("{x:?}")))
    }
    fn print(args: fmt::Arguments) -> Number {
        struct Buffer(u8, [u8; INLINE]);
        impl Write for Buffer {
            fn write_str(&mut self, s: &str) -> fmt::Result {
                let end = usize::from(self.0) + s.len();
                self.1.get_mut(self.0.into()..end).ok_or(fmt::Error)?.copy_from_slice(s.as_bytes());
                self.0 = end as u8;
                Ok(())
            }
        }
        let mut buffer = Buffer(0, [0; INLINE]);
        match buffer.write_fmt(args) {
            Ok(()) => Number(Digits::Short(buffer.0, buffer.1)),
            Err(_) => Number(Digits::Long(args.to_string().into())),
        }
    }
    /// The digits as written.
    pub fn text(&self) -> &str {
        match &self.0 {
            Digits::Short(length, bytes) => str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or(""),
            Digits::Long(text) => text,
        }
    }
    /// The nearest `f64`, ties to even. Always finite.
    pub fn f64(&self) -> f64 {
        self.text().parse().unwrap_or(f64::NAN)
    }
    /// The integer, if it is written as one (no point, no exponent) and fits.
    pub fn i64(&self) -> Option<i64> {
        self.text().parse().ok()
    }
    /// The integer, if it is written as one without sign and fits.
    pub fn u64(&self) -> Option<u64> {
        self.text().parse().ok()
    }
    /// Whether it is written without point and exponent.
    pub fn is_integer(&self) -> bool {
        !self.text().contains(['.', 'e', 'E'])
    }
}

impl From<i64> for Number {
    fn from(i: i64) -> Number {
        Number::print(format_args!("{i}"))
    }
}
impl From<u64> for Number {
    fn from(i: u64) -> Number {
        Number::print(format_args!("{i}"))
    }
}
impl TryFrom<f64> for Number {
    type Error = Error;
    fn try_from(x: f64) -> Result<Number> {
        Number::from_f64(x).ok_or_else(|| Error::not_finite("", "a number that JSON can write", format!("{x}")))
    }
}
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.text())
    }
}
impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.text())
    }
}
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.text() == other.text()
    }
}
impl Eq for Number {}
