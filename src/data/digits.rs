//! The embedded data set: 1,797 handwritten digits of 8 × 8 pixels.
//!
//! "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, doi 10.24432/C50P49, licensed under
//! Creative Commons Attribution 4.0 International (CC BY 4.0). These are the images of its test part, unchanged: a 32 × 32 bitmap of each digit,
//! counted in blocks of 4 × 4. `optdigits.csv.gz` beside this file is the table itself: unpack it with `gunzip` to read it.

use super::{csv, gzip};
use std::sync::OnceLock;

/// The data set, the images row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    /// 1797 × 64: for each image its 8 × 8 pixels, rows from the top, each the number of dark points among 16.
    pub images: Vec<u8>,
    /// 1797: the digit that each image shows.
    pub labels: Vec<u8>,
}

impl Digits {
    /// Number of images.
    pub const COUNT: usize = 1797;
    /// Pixels of an image.
    pub const PIXELS: usize = 64;

    /// The 64 pixels of image `i`, if there is one.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        self.images.chunks(Digits::PIXELS).nth(i)
    }
    /// All pixels, divided by 16: from 0 to 1, each an exact `f64`.
    pub fn unit(&self) -> Vec<f64> {
        self.images.iter().map(|&p| f64::from(p) / 16.0).collect()
    }
    /// The table as comma-separated text: 64 pixels and the label a line.
    pub fn csv(&self) -> String {
        let rows = self.images.chunks(Digits::PIXELS).zip(&self.labels);
        csv::write_text(rows.map(|(image, label)| image.iter().chain([label]).map(u8::to_string).collect::<Vec<_>>()))
    }
}

/// The data set. The first call unpacks it (about 2 ms), later ones return the same.
pub fn digits() -> &'static Digits {
    static DIGITS: OnceLock<Digits> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let text = gzip::unpack(include_bytes!("optdigits.csv.gz"), 1 << 20).expect("the embedded file is intact");
        let table = csv::read(&text).expect("the embedded file is a table");
        let mut digits = Digits { images: Vec::with_capacity(Digits::COUNT * Digits::PIXELS), labels: Vec::with_capacity(Digits::COUNT) };
        for row in table.data.chunks(Digits::PIXELS + 1) {
            let (pixels, label) = row.split_at(Digits::PIXELS);
            digits.images.extend(pixels.iter().map(|&p| p as u8));
            digits.labels.push(label[0] as u8);
        }
        digits
    })
}
