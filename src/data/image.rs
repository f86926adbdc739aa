//! Netpbm images (J. Poskanzer, 1988): gray (PGM: P2, P5) and color (PPM: P3, P6), as text (P2, P3) or bytes (P5, P6).
//!
//! ```text
//! P5   width   height   maxval   one white space   samples: a byte each, two (big-endian) if maxval > 255; rows from the top, RGB interleaved
//! ```
//! White space or comments (`#` to the end of the line) separate the numbers before maxval.

use crate::{Error, Result};

/// An image, or a sheet of numbers that pretends to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    channels: usize,
    max: u16,
    samples: Vec<u16>,
}

impl Image {
    /// An image of `height` rows of `width` pixels of 1 (gray) or 3 (red, green, blue) samples from 0 (black) to `max`.
    ///
    /// `Shape` if the numbers do not fit each other or a side is 0, `Domain` if `max` is 0 or a sample above it.
    pub fn new(width: usize, height: usize, channels: usize, max: u16, samples: Vec<u16>) -> Result<Image> {
        let count = width.checked_mul(height).and_then(|n| n.checked_mul(channels));
        if !matches!(channels, 1 | 3) || count == Some(0) || count != Some(samples.len()) {
            let expected = format!("{width} × {height} pixels, one at least, of 1 or 3 samples");
            return Err(Error::shape("image", expected, format!("{} samples, {channels} a pixel", samples.len())));
        }
        match samples.iter().position(|&s| s > max || max == 0) {
            None => Ok(Image { width, height, channels, max, samples }),
            Some(i) => Err(Error::domain(format!("sample {i}"), format!("at most {max}, which is 1 at least"), samples[i].to_string())),
        }
    }
    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }
    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }
    /// Samples of a pixel: 1 for gray, 3 for red, green and blue.
    pub fn channels(&self) -> usize {
        self.channels
    }
    /// The sample that is white.
    pub fn max(&self) -> u16 {
        self.max
    }
    /// The samples: rows from the top, pixels from the left, the channels of a pixel together.
    pub fn samples(&self) -> &[u16] {
        &self.samples
    }
    /// The samples divided by `max`, so from 0 to 1, each rounded once.
    pub fn unit(&self) -> Vec<f64> {
        self.samples.iter().map(|&s| f64::from(s) / f64::from(self.max)).collect()
    }
}

/// Reads a whole file of one image. `Format`, with the byte, for what is none.
pub fn read(bytes: &[u8]) -> Result<Image> {
    let (channels, text) = match bytes {
        [b'P', b'2', ..] => (1, true),
        [b'P', b'5', ..] => (1, false),
        [b'P', b'3', ..] => (3, true),
        [b'P', b'6', ..] => (3, false),
        [b'P', b'1' | b'4' | b'7', ..] => {
            return Err(Error::unsupported("byte 0", "P2, P3, P5 or P6 (gray or color)", "a bitmap or PAM").named("UnsupportedFormat"));
        }
        _ => {
            return Err(Error::format("byte 0", "P2, P3, P5 or P6: the start of a PGM or PPM image", "another start").named("InvalidMagic"));
        }
    };
    let mut words = Words { bytes, at: 2 };
    let width = words.number(true)?;
    let height = words.number(true)?;
    let max_at = words.at;
    let max = words.number(true)?;
    if !(1..=65535).contains(&max) {
        return Err(Error::format(format!("byte {max_at}"), "a maxval from 1 to 65535", max.to_string()));
    }
    if !bytes.get(words.at).is_some_and(u8::is_ascii_whitespace) {
        return Err(words.wrong("one white space after maxval"));
    }
    let rest = &bytes[words.at + 1..];
    // As text, a sample takes a digit and a space, but for the last.
    let size = if text || max > 255 { 2 } else { 1 };
    let room = if text { rest.len() + 1 } else { rest.len() } / size;
    let count = width.checked_mul(height).and_then(|n| n.checked_mul(channels)).filter(|&n| n <= room);
    let Some(count) = count else {
        let expected = format!("{width} × {height} pixels of {channels} samples");
        return Err(Error::format(format!("byte {}", words.at + 1), expected, format!("{} bytes", rest.len())).named("Truncated"));
    };
    let samples = if text {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            // A maxval of 65535 keeps every sample within 16 bits; `Image::new` compares with the maxval itself.
            let at = words.at;
            let sample = words.number(false)?;
            samples.push(
                u16::try_from(sample)
                    .map_err(|_| Error::format(format!("byte {at}"), format!("a sample up to {max}"), sample.to_string()))?,
            );
        }
        while words.bytes.get(words.at).is_some_and(u8::is_ascii_whitespace) {
            words.at += 1;
        }
        samples
    } else {
        words.at += 1 + count * size;
        match size {
            1 => rest[..count].iter().map(|&b| b.into()).collect(),
            _ => rest[..2 * count].as_chunks::<2>().0.iter().map(|&b| u16::from_be_bytes(b)).collect(),
        }
    };
    if words.at != bytes.len() {
        return Err(words.wrong("the end of the image").named("TrailingData"));
    }
    Image::new(width, height, channels, max as u16, samples).map_err(|e| match e {
        Error::Domain(fault) | Error::Shape(fault) => Error::Format(fault),
        other => other,
    })
}

struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Words<'_> {
    /// The next number, after white space (some is required) and, in the header, comments.
    fn number(&mut self, comments: bool) -> Result<usize> {
        let before = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'#') if comments => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        let digits = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit());
        let number = digits.clone().try_fold(0usize, |n, &b| n.checked_mul(10)?.checked_add(usize::from(b - b'0')));
        let length = digits.count();
        // The first number of a text raster follows the one white space after maxval.
        if length == 0 || before == self.at {
            return Err(self.wrong("white space and a number"));
        }
        let number = number.ok_or_else(|| self.wrong("a number that this machine can hold").named("Overflow"))?;
        self.at += length;
        Ok(number)
    }
    fn wrong(&self, expected: &str) -> Error {
        let found = self.bytes.get(self.at).map_or("the end".into(), |&b| format!("{:?}", b as char));
        Error::format(format!("byte {}", self.at), expected, found)
    }
}

/// The image as P5 (gray) or P6 (color).
pub fn write(image: &Image) -> Vec<u8> {
    let kind = if image.channels == 1 { 5 } else { 6 };
    let mut out = format!("P{kind}\n{} {}\n{}\n", image.width, image.height, image.max).into_bytes();
    if image.max < 256 {
        out.extend(image.samples.iter().map(|&s| s as u8));
    } else {
        out.extend(image.samples.iter().flat_map(|s| s.to_be_bytes()));
    }
    out
}
