//! A table: written once, shown as text, CSV, HTML and JSON.

use super::markup::{escape, plain, prose, wrapped};
use super::number::{Digits, typeset};
use crate::data::{Json, csv};
use crate::{Error, Result};

/// Where the entries of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left: words.
    Left,
    /// At the right: numbers.
    Right,
}

/// A column: its name (a formula in it between backticks), unit, side, and how many digits its reals show.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    name: String,
    unit: String,
    align: Align,
    digits: Digits,
}

impl Column {
    /// A column of words.
    pub fn text(name: &str) -> Column {
        Column { name: name.into(), unit: String::new(), align: Align::Left, digits: Digits::Significant(6) }
    }
    /// A column of whole numbers.
    pub fn count(name: &str) -> Column {
        Column { align: Align::Right, ..Column::text(name) }
    }
    /// A column of reals; `unit` may be empty.
    pub fn real(name: &str, unit: &str, digits: Digits) -> Column {
        Column { unit: unit.into(), digits, ..Column::count(name) }
    }
    fn heading(&self) -> String {
        if self.unit.is_empty() { plain(&self.name) } else { format!("{} [{}]", plain(&self.name), self.unit) }
    }
}

/// An entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A real number, finite.
    Real(f64),
    /// Nothing to say here.
    Blank,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.into())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}
impl From<usize> for Cell {
    fn from(count: usize) -> Cell {
        i64::try_from(count).map_or(Cell::Text(count.to_string()), Cell::Count)
    }
}
impl From<f64> for Cell {
    fn from(x: f64) -> Cell {
        Cell::Real(x)
    }
}

impl Cell {
    /// As people read it, in ASCII where it is a number.
    fn shown(&self, digits: Digits) -> String {
        match self {
            Cell::Text(text) => plain(text),
            Cell::Count(n) => n.to_string(),
            Cell::Real(x) => digits.show(*x),
            Cell::Blank => "–".into(),
        }
    }
    /// As a program reads it: every digit.
    fn exact(&self) -> String {
        match self {
            Cell::Text(text) => plain(text),
            Cell::Count(n) => n.to_string(),
            Cell::Real(x) => Json::real(*x).to_string(),
            Cell::Blank => String::new(),
        }
    }
    fn json(&self) -> Json {
        match self {
            Cell::Text(text) => Json::text(plain(text)),
            Cell::Count(n) => Json::integer(*n),
            Cell::Real(x) => Json::real(*x),
            Cell::Blank => Json::Null,
        }
    }
}

/// A named table. The first column says what a row is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    name: String,
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table. `name` is what its file is called; `title` is a sentence for its caption.
    pub fn new(name: &str, title: &str, columns: Vec<Column>) -> Table {
        Table { name: name.into(), title: title.into(), columns, rows: Vec::new() }
    }
    /// Adds a row. Errors: `Shape` unless it has an entry for each column; `NotFinite` for a real that is not.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) -> Result<()> {
        self.push(cells.into())
    }
    /// As [`row`](Table::row), for a number of columns known only when it runs.
    pub fn push(&mut self, cells: Vec<Cell>) -> Result<()> {
        let at = format!("table {}, row {}", self.name, self.rows.len());
        if cells.len() != self.columns.len() {
            return Err(Error::shape(at, format!("{} entries", self.columns.len()), cells.len().to_string()));
        }
        for (cell, column) in cells.iter().zip(&self.columns) {
            if let Cell::Real(x) = cell
                && !x.is_finite()
            {
                return Err(Error::not_finite(format!("{at}, {}", column.name), "a finite number", x.to_string()));
            }
        }
        self.rows.push(cells);
        Ok(())
    }
    /// The name of its file, without ending.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The caption.
    pub fn title(&self) -> &str {
        &self.title
    }
    /// The rows.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// For a terminal of `width` characters: aligned columns under a caption. A table that is wider is cut into bands of columns, each of which
    /// begins with the first column.
    pub fn text(&self, width: usize) -> String {
        let columns: Vec<Vec<String>> = (0..self.columns.len()).map(|j| self.lines(j)).collect();
        let widths: Vec<usize> = columns.iter().map(|lines| lines.iter().map(|l| l.chars().count()).max().unwrap_or(0)).collect();
        let mut out = wrapped(&self.title, width, 0);
        let mut from = 1;
        loop {
            let mut to = from;
            let mut used = widths.first().copied().unwrap_or(0);
            while to < widths.len() && (to == from || used + 2 + widths[to] <= width) {
                used += 2 + widths[to];
                to += 1;
            }
            let band: Vec<usize> = (0..widths.len().min(1)).chain(from..to).collect();
            for line in 0..columns.first().map_or(0, Vec::len) {
                let cells: Vec<String> = band.iter().map(|&j| pad(&columns[j][line], widths[j], self.columns[j].align)).collect();
                out.push_str(cells.join("  ").trim_end());
                out.push('\n');
            }
            if to >= widths.len() {
                return out;
            }
            out.push('\n');
            from = to;
        }
    }
    /// A column from its head to its foot: name, unit, rule, entries.
    fn lines(&self, j: usize) -> Vec<String> {
        let column = &self.columns[j];
        let mut lines = vec![plain(&column.name)];
        if self.columns.iter().any(|c| !c.unit.is_empty()) {
            lines.push(column.unit.clone());
        }
        let body: Vec<String> = self.rows.iter().map(|row| row[j].shown(column.digits)).collect();
        let width = lines.iter().chain(&body).map(|l| l.chars().count()).max().unwrap_or(0);
        lines.push("─".repeat(width));
        lines.extend(body);
        lines
    }

    /// Comma-separated (RFC 4180), a header line first, reals with every digit.
    pub fn csv(&self) -> String {
        let header = self.columns.iter().map(Column::heading).collect::<Vec<_>>();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::exact).collect::<Vec<_>>());
        csv::write_text(std::iter::once(header).chain(rows))
    }

    /// An HTML table with a caption, its heads marked by scope, in a region that scrolls sideways where the screen is narrow.
    pub fn html(&self) -> String {
        let mut out = format!(
            "<div class=\"table\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<caption><span class=\"caption\">{} <a href=\"{name}.csv\" download>CSV</a></span></caption>\n<thead><tr>",
            escape(&plain(&self.title)),
            prose(&self.title),
            name = escape(&self.name),
        );
        for column in &self.columns {
            let unit =
                if column.unit.is_empty() { String::new() } else { format!(" <span class=\"unit\">{}</span>", escape(&column.unit)) };
            out.push_str(&format!("<th scope=\"col\"{}>{}{unit}</th>", class(column.align), prose(&column.name)));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (j, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                let shown = match cell {
                    Cell::Text(text) => prose(text),
                    _ => escape(&typeset(&cell.shown(column.digits))),
                };
                let (open, close) = if j == 0 { ("th scope=\"row\"", "th") } else { ("td", "td") };
                out.push_str(&format!("<{open}{}>{shown}</{close}>", class(column.align)));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
        out
    }

    /// `{"name", "title", "columns": [{"name", "unit"}], "rows": [[…]]}`, reals with every digit.
    pub fn json(&self) -> Json {
        let column = |c: &Column| Json::object([("name", Json::text(plain(&c.name))), ("unit", Json::text(c.unit.as_str()))]);
        Json::object([
            ("name", Json::text(self.name.as_str())),
            ("title", Json::text(plain(&self.title))),
            ("columns", Json::Array(self.columns.iter().map(column).collect())),
            ("rows", Json::Array(self.rows.iter().map(|row| Json::Array(row.iter().map(Cell::json).collect())).collect())),
        ])
    }
}

fn class(align: Align) -> &'static str {
    if align == Align::Right { " class=\"number\"" } else { "" }
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let space = " ".repeat(width.saturating_sub(text.chars().count()));
    if align == Align::Right { space + text } else { text.to_string() + &space }
}
