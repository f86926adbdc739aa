//! What is known to be missing or wrong: a text file, one line each.

use crate::{Error, Result};

/// The lines of an expectations file.
///
/// ```text
/// # the loss is not ported yet
/// skip mcr2_loss
/// fail coding_rate/gradient      # https://example.org/issues/7
/// ```
///
/// The second word is a part of an item's name (`operator/value/preset`, `operator/gradient/preset`).
#[derive(Clone, Debug, Default)]
pub struct Expectations(Vec<(Expected, String)>);

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Not asked.
    Skip,
    /// Asked, and known to fail; that it passes is an error, so that the file cannot go stale.
    Fail,
}

impl Expectations {
    /// Errors: `Format`, with the line.
    pub fn parse(text: &str) -> Result<Expectations> {
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
            let expected = match words[..] {
                [] => continue,
                ["skip", _] => Expected::Skip,
                ["fail", _] => Expected::Fail,
                _ => {
                    let legal = "`skip PART-OF-A-NAME` or `fail PART-OF-A-NAME`";
                    return Err(Error::format(format!("line {}", i + 1), legal, format!("`{}`", line.escape_default())));
                }
            };
            lines.push((expected, words[1].to_string()));
        }
        Ok(Expectations(lines))
    }
    /// What is expected of an item; `skip` wins.
    pub fn of(&self, item: &str) -> Option<Expected> {
        let mut fitting = self.0.iter().filter(|(_, part)| item.contains(part.as_str())).map(|(e, _)| *e);
        let first = fitting.next()?;
        Some(if first == Expected::Skip || fitting.any(|e| e == Expected::Skip) { Expected::Skip } else { first })
    }
    /// The lines that fit none of these items.
    pub fn unused<'a>(&'a self, items: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(_, part)| part.as_str()).filter(|part| !items.iter().any(|item| item.contains(part)))
    }
}
