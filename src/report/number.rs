//! Numbers as people read them.

/// How many digits of a number are shown. The files beside the report keep all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// So many after the point.
    Fixed(usize),
    /// So many that count; powers of ten where the number is very large or very small.
    Significant(usize),
    /// As many as it takes to tell the number from its neighbours: for round ones.
    Shortest,
}

impl Digits {
    /// For print: `−0.25`, `3.1 × 10⁻¹³`.
    pub fn print(self, x: f64) -> String {
        typeset(&self.show(x))
    }
    /// In ASCII: `-0.25`, `3.1e-13`.
    pub fn show(self, x: f64) -> String {
        let text = match self {
            Digits::Fixed(places) => format!("{x:.places$}"),
            Digits::Shortest => format!("{x}"),
            Digits::Significant(_) if x == 0.0 => "0".into(),
            Digits::Significant(count) => {
                let count = count.max(1);
                let scientific = format!("{x:.*e}", count - 1);
                match exponent(&scientific) {
                    Some(e @ -4..6) => format!("{x:.*}", (count as i32 - 1 - e).max(0) as usize),
                    _ => scientific,
                }
            }
        };
        // A number that rounds to zero has no sign.
        if text.starts_with('-') && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) { text[1..].to_string() } else { text }
    }
}

fn exponent(scientific: &str) -> Option<i32> {
    scientific.split_once('e')?.1.parse().ok()
}

/// The power of ten at or below `|x|`, exactly: 2 for 100, −1 for 0.5; 0 for what has none.
pub fn decade(x: f64) -> i32 {
    exponent(&format!("{x:e}")).filter(|_| x != 0.0).unwrap_or(0)
}

/// The f64 nearest to 10ᵉ.
pub fn power_of_ten(e: i32) -> f64 {
    format!("1e{e}").parse().unwrap_or(f64::NAN)
}

/// For print: a true minus sign, and powers of ten written out, `3.1 × 10⁻¹³`.
pub fn typeset(ascii: &str) -> String {
    match ascii.split_once('e') {
        Some((mantissa, e)) if e.parse::<i32>().is_ok() => format!("{}\u{a0}×\u{a0}10{}", mantissa.replace('-', "−"), superscript(e)),
        _ => ascii.replace('-', "−"),
    }
}

/// An integer in ASCII as an exponent.
pub fn superscript(digits: &str) -> String {
    digits.chars().filter_map(super::markup::raised).collect()
}
