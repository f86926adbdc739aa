//! Drawing into an SVG: the few shapes the charts are made of, with coordinates of at most two decimals.

use super::markup::{Level, escape, pieces, plain};
use std::fmt::Write;

/// The elements drawn so far, in drawing order.
#[derive(Clone, Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// Which point of a text stands at its coordinates.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub fn into_body(self) -> String {
        self.body
    }
    /// Opens a group that carries a class.
    pub fn open(&mut self, class: &str) {
        let _ = writeln!(self.body, "<g class=\"{class}\">");
    }
    /// Opens a group moved to (x, y) and enlarged: inside, cells are 1 × 1.
    pub fn open_cells(&mut self, x: f64, y: f64, cell: f64) {
        let _ = writeln!(self.body, "<g class=\"cells\" transform=\"translate({} {}) scale({})\">", xy(x), xy(y), xy(cell));
    }
    /// Closes the last group.
    pub fn close(&mut self) {
        self.body.push_str("</g>\n");
    }
    /// A line of text; formulas in it stand between backticks.
    pub fn text(&mut self, x: f64, y: f64, class: &str, anchor: Anchor, text: &str) {
        if text.is_empty() {
            return;
        }
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = writeln!(self.body, "<text x=\"{}\" y=\"{}\"{}{anchor}>{}</text>", xy(x), xy(y), attribute("class", class), spans(text));
    }
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let (x1, y1, x2, y2) = (xy(from.0), xy(from.1), xy(to.0), xy(to.1));
        let _ = writeln!(self.body, "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{}/>", attribute("class", class));
    }
    pub fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str) {
        let (x, y, w, h) = (xy(at.0), xy(at.1), xy(size.0), xy(size.1));
        let _ = writeln!(self.body, "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{}/>", attribute("class", class));
    }
    /// A path from its own commands; `more` are further attributes, such as `stroke-dasharray`.
    pub fn path(&mut self, commands: &str, class: &str, more: &str) {
        let space = if more.is_empty() { "" } else { " " };
        let _ = writeln!(self.body, "<path d=\"{commands}\"{}{space}{more}/>", attribute("class", class));
    }
}

/// Text as the content of a `text` element: variables italic, indices small and out of line.
fn spans(text: &str) -> String {
    let mut out = String::new();
    let mut height = 0.0;
    for piece in pieces(text).into_iter().flat_map(|(_, pieces)| pieces) {
        let wanted = match piece.level {
            Level::Line => 0.0,
            Level::Below => 3.0,
            Level::Above => -4.5,
        };
        let classes = [(piece.italic, "variable"), (wanted != 0.0, "index")];
        let classes: Vec<&str> = classes.iter().filter(|c| c.0).map(|c| c.1).collect();
        let shift = if wanted == height { String::new() } else { format!(" dy=\"{}\"", xy(wanted - height)) };
        height = wanted;
        let attributes = attribute("class", &classes.join(" ")) + &shift;
        let text = escape(&piece.text);
        out.push_str(&if attributes.is_empty() { text } else { format!("<tspan{attributes}>{text}</tspan>") });
    }
    out
}

fn attribute(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(" {name}=\"{value}\"") }
}

/// A coordinate: at most two decimals, no superfluous zeros, never −0.
pub(super) fn xy(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// A polyline through the points.
pub(super) fn through(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, xy(x), xy(y));
    }
    d
}

/// The width of a text in a wide sans-serif face: labels set in a narrower one have room to spare.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | '\'' | '|' | ':' | 'I' => 0.3,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' => 0.95,
        'A'..='Z' => 0.71,
        '_' => 0.0,
        _ => 0.64,
    };
    plain(text).chars().map(em).sum::<f64>() * size
}

/// Words put on as few lines as `limit` allows.
pub(super) fn fold(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(word, size) + 0.36 * size <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}
