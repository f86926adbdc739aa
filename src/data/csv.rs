//! Tables as text: fields separated by commas, semicolons, tabs or spaces, a record a line, quoted as in RFC 4180 (Y. Shafranovich, 2005).

use super::quoted;
use crate::{Error, Result};
use std::borrow::Cow;
use std::fmt::Write;

/// A table of reals.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The names of the columns, if the first record is one of names.
    pub header: Option<Vec<String>>,
    /// Records, without the header.
    pub rows: usize,
    /// Fields of each.
    pub cols: usize,
    /// The numbers, row after row.
    pub data: Vec<f64>,
    /// What is legal but unusual.
    pub warnings: Vec<String>,
}

/// Reads a table of reals.
///
/// - The separator is the first of `,` `;` tab that the first record holds outside quotes; with none of them, runs of spaces separate.
/// - Empty lines and lines that begin with `#` are passed over; a byte-order mark is too, with a warning.
/// - The first record is a header if one of its fields is no number and none is empty. All records have as many fields.
/// - A number is a decimal with optional sign, point and exponent, or one of the words nan, inf, infinity in any case. It becomes the nearest `f64`.
///
/// `Format`, with line and field, for anything else: an empty field, a decimal beyond the range of `f64`, an open quote.
pub fn read(bytes: &[u8]) -> Result<Table> {
    let mut records = Records::new(bytes)?;
    let mut table = Table { header: None, rows: 0, cols: 0, data: Vec::new(), warnings: records.warnings() };
    let mut fields = Vec::new();
    let mut first = true;
    while let Some(line) = records.next(&mut fields)? {
        if std::mem::replace(&mut first, false) {
            table.cols = fields.len();
            if fields.iter().any(|field| number(field).is_none()) {
                if let Some(i) = fields.iter().position(|field| field.trim().is_empty()) {
                    return Err(Error::format(
                        format!("line {line}, field {}", i + 1),
                        "a number or the name of a column",
                        "an empty field",
                    ));
                }
                table.header = Some(fields.iter().map(|field| field.to_string()).collect());
                continue;
            }
        } else if fields.len() != table.cols {
            return Err(Error::format(format!("line {line}"), format!("{} fields", table.cols), fields.len().to_string()).named("Ragged"));
        }
        for (i, field) in fields.iter().enumerate() {
            let wrong = || Error::format(format!("line {line}, field {}", i + 1), "a number within the range of f64", quoted(field));
            table.data.push(number(field).ok_or_else(wrong)?);
        }
        table.rows += 1;
    }
    Ok(table)
}

/// Reads a table of texts: the same syntax, any number of fields a record.
pub fn read_text(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let mut records = Records::new(bytes)?;
    let (mut out, mut fields) = (Vec::new(), Vec::new());
    while records.next(&mut fields)?.is_some() {
        out.push(fields.iter().map(|field| field.to_string()).collect());
    }
    Ok(out)
}

fn number(field: &str) -> Option<f64> {
    let field = field.trim_matches([' ', '\t']);
    let value: f64 = field.parse().ok()?;
    // An infinity must have been asked for by name.
    (!value.is_infinite() || !field.contains(|c: char| c.is_ascii_digit())).then_some(value)
}

struct Records<'a> {
    rest: &'a str,
    line: usize,
    /// None: runs of spaces.
    separator: Option<char>,
    marked: bool,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let text = super::json::utf8(bytes)?;
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut records = Records { rest, line: 1, separator: None, marked: rest.len() < text.len() };
        records.skip_empty();
        let mut inside = false;
        let first = records.rest.split(|c| {
            inside ^= c == '"';
            c == '\n' && !inside
        });
        let first = first.into_iter().next().unwrap_or("");
        let mut inside = false;
        let bare: String = first
            .chars()
            .filter(|&c| {
                inside ^= c == '"';
                !inside && matches!(c, ',' | ';' | '\t')
            })
            .collect();
        records.separator = [',', ';', '\t'].into_iter().find(|&c| bare.contains(c));
        Ok(records)
    }
    fn warnings(&self) -> Vec<String> {
        if self.marked { vec!["a byte-order mark at the start, passed over".into()] } else { Vec::new() }
    }

    /// Passes over lines that are empty or comments.
    fn skip_empty(&mut self) {
        while !self.rest.is_empty() {
            let (line, after) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            if !line.starts_with('#') && !line.trim_matches([' ', '\t', '\r']).is_empty() {
                return;
            }
            self.rest = after;
            self.line += 1;
        }
    }

    /// The fields of the next record, and the number of its first line; none at the end.
    fn next(&mut self, fields: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>> {
        fields.clear();
        self.skip_empty();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.line;
        loop {
            if self.separator.is_none() {
                self.rest = self.rest.trim_start_matches([' ', '\t']);
            }
            let (field, more) = self.field(fields.len() + 1)?;
            fields.push(field);
            if !more {
                self.line += 1;
                return Ok(Some(start));
            }
        }
    }

    /// One field, and whether another follows in the record.
    fn field(&mut self, number: usize) -> Result<(Cow<'a, str>, bool)> {
        let separator = self.separator.unwrap_or(' ');
        let field = if self.rest.starts_with('"') {
            Cow::Owned(self.quoted_field(number)?)
        } else {
            let stops = [separator as u8, b'\n', b'"'];
            let end = self.rest.bytes().position(|b| stops.contains(&b)).unwrap_or(self.rest.len());
            let (field, rest) = self.rest.split_at(end);
            self.rest = rest;
            // A line may end in CR LF.
            let bare = if rest.is_empty() || rest.starts_with('\n') { field.strip_suffix('\r').unwrap_or(field) } else { field };
            Cow::Borrowed(bare)
        };
        if self.separator.is_none() {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.rest.is_empty() && !self.rest.starts_with(['\n', '\r']) {
                return Ok((field, true));
            }
        }
        if let Some(rest) = self.rest.strip_prefix(separator) {
            self.rest = rest;
            return Ok((field, true));
        }
        let ended = self.rest.strip_prefix("\r\n").or(self.rest.strip_prefix('\n'));
        let ended = ended.or(Some("").filter(|_| matches!(self.rest, "" | "\r")));
        match ended {
            Some(rest) => {
                self.rest = rest;
                Ok((field, false))
            }
            None => Err(self.wrong(number, "a separator or the end of the line", &format!("{:?}", self.rest.chars().next()))),
        }
    }

    fn quoted_field(&mut self, number: usize) -> Result<String> {
        let mut out = String::new();
        let mut lines = 0;
        let mut rest = &self.rest[1..];
        loop {
            let Some(end) = rest.find('"') else {
                return Err(self.wrong(number, "a closing quote", "the end of the file"));
            };
            out.push_str(&rest[..end]);
            lines += rest[..end].matches('\n').count();
            rest = &rest[end + 1..];
            // A quote inside is written twice.
            match rest.strip_prefix('"') {
                Some(after) => {
                    out.push('"');
                    rest = after;
                }
                None => break,
            }
        }
        self.rest = rest;
        self.line += lines;
        Ok(out)
    }
    fn wrong(&self, field: usize, expected: &str, found: &str) -> Error {
        Error::format(format!("line {}, field {field}", self.line), expected, found)
    }
}

/// A table of reals as text: the header if there is one, commas, line feeds, the shortest decimals that read back to the same `f64`.
/// `Shape` if the counts do not fit each other.
pub fn write(header: Option<&[&str]>, cols: usize, data: &[f64]) -> Result<String> {
    if header.is_some_and(|h| h.len() != cols) || cols == 0 || !data.len().is_multiple_of(cols) {
        let found = format!("{} numbers and a header of {}", data.len(), header.map_or(0, <[_]>::len));
        return Err(Error::shape("", format!("whole rows of {cols} numbers, as many as names"), found));
    }
    let mut out = header.map_or(String::new(), |names| write_text([names]));
    for (i, x) in data.iter().enumerate() {
        let word = match x.classify() {
            std::num::FpCategory::Nan => "NaN",
            std::num::FpCategory::Infinite if *x > 0.0 => "Infinity",
            std::num::FpCategory::Infinite => "-Infinity",
            _ => "",
        };
        // Writing to a text cannot fail.
        let _ = if word.is_empty() { write!(out, "{x:?}") } else { out.write_str(word) };
        out.push(if (i + 1) % cols == 0 { '\n' } else { ',' });
    }
    Ok(out)
}

/// A table of texts: commas and line feeds; a field that a reader could mistake is quoted.
pub fn write_text<R: AsRef<[F]>, F: AsRef<str>>(rows: impl IntoIterator<Item = R>) -> String {
    let mut out = String::new();
    for row in rows {
        let fields = row.as_ref();
        for (i, field) in fields.iter().enumerate() {
            let field = field.as_ref();
            let plain =
                !field.is_empty() && !field.contains(['"', ',', ';', '\t', '\n', '\r', ' ', '#', '\u{feff}']) && field.trim() == field;
            if plain {
                out.push_str(field);
            } else {
                out.push_str(&format!("\"{}\"", field.replace('"', "\"\"")));
            }
            out.push(if i + 1 < fields.len() { ',' } else { '\n' });
        }
    }
    out
}
