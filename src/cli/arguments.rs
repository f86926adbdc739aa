//! Command-line arguments: positionals, options with a value, switches. Unknown ones are refused.

use crate::{Error, Result};
use std::io::Write;

/// The arguments of one call.
#[derive(Debug, Default)]
pub struct Arguments {
    positional: Vec<String>,
    options: Vec<(String, String)>,
    switches: Vec<String>,
}

impl Arguments {
    /// Sorts the words of a call. `valued` options take the next word (or `--name=value`); `switches` take none. After `--` all words are positional.
    pub fn parse(
        words: &[String],
        valued: &[&str],
        switches: &[&str],
        positions: &str,
        count: std::ops::RangeInclusive<usize>,
    ) -> Result<Arguments> {
        let mut out = Arguments::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, inline) = match word.split_once('=') {
                Some((name, value)) if word.starts_with("--") => (name, Some(value.to_string())),
                _ => (word.as_str(), None),
            };
            if word == "--" {
                out.positional.extend(words.by_ref().cloned());
            } else if valued.contains(&name) {
                let value = inline.or_else(|| words.next().cloned());
                let value = value.ok_or_else(|| Error::usage(name, "a value after it", "the end of the line"))?;
                out.options.push((name.to_string(), value));
            } else if switches.contains(&name) && inline.is_none() {
                out.switches.push(name.to_string());
            } else if word.starts_with('-') && word.len() > 1 {
                let legal: Vec<&str> = valued.iter().chain(switches).copied().collect();
                return Err(Error::usage("options", format!("options among {}", legal.join(", ")), format!("`{}`", word.escape_default())));
            } else {
                out.positional.push(word.clone());
            }
        }
        if !count.contains(&out.positional.len()) {
            return Err(Error::usage(
                "arguments",
                positions,
                if out.positional.is_empty() { "none".into() } else { out.positional.join(" ") },
            ));
        }
        Ok(out)
    }
    /// The words that are not options.
    pub fn positional(&self) -> &[String] {
        &self.positional
    }
    /// All values of an option.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// The value of an option that may be given once.
    pub fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.options.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            _ => Err(Error::usage(name, "one value", "two")),
        }
    }
    /// The value of an option as a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<Option<T>> {
        match self.one(name)? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Error::usage(name, what, format!("`{}`", text.escape_default()))),
        }
    }
    /// Was the switch given?
    pub fn switch(&self, name: &str) -> bool {
        self.switches.iter().any(|s| s == name)
    }
}

/// Text to stdout. A reader that closed the pipe is not an error.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("stdout", "to write", e.to_string())),
        _ => Ok(()),
    }
}

/// A line to stdout.
pub fn line(text: &str) -> Result<()> {
    print(&format!("{text}\n"))
}
