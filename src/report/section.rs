//! A chapter as it comes out: prose, formulas, claims, tables and figures in their order.

use super::figure::Figure;
use super::markup::{escape, formula, plain, plain_formula, prose, wrapped};
use super::table::Table;
use crate::data::Json;

/// A statement that the numbers of this run confirm or refute.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What is claimed.
    pub statement: String,
    /// Whether it came out so.
    pub holds: bool,
    /// The numbers that show it.
    pub evidence: String,
}

impl Claim {
    /// `holds` or `FAILS`.
    pub fn verdict(&self) -> &'static str {
        if self.holds { "holds" } else { "FAILS" }
    }
}

/// A piece of a chapter.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph; formulas in it stand between backticks.
    Text(String),
    /// A formula on a line of its own.
    Formula(String),
    /// A statement and its verdict.
    Claim(Claim),
    /// A table.
    Table(Table),
    /// Figures side by side where there is room.
    Figures(Vec<Figure>),
}

/// What a chapter has to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its number, from 1.
    pub number: usize,
    /// The part it belongs to, from 1.
    pub part: usize,
    /// A short name: the first word of its files' names.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it shows, in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// Its tables, in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|b| if let Block::Table(t) = b { Some(t) } else { None })
    }
    /// Its figures, in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks.iter().flat_map(|b| if let Block::Figures(f) = b { f.as_slice() } else { &[] })
    }
    /// Its claims, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.blocks.iter().filter_map(|b| if let Block::Claim(c) = b { Some(c) } else { None })
    }
    /// For a terminal of `width` characters.
    pub fn text(&self, width: usize) -> String {
        let title = format!("{}. {}", self.number, self.title);
        let mut out = format!("{title}\n{}\n", "═".repeat(title.chars().count()));
        for block in &self.blocks {
            out.push('\n');
            match block {
                Block::Text(text) => out.push_str(&wrapped(text, width, 0)),
                Block::Formula(text) => out.push_str(&format!("    {}\n", plain_formula(text))),
                Block::Claim(c) => out.push_str(&wrapped(&format!("[{}] {} {}", c.verdict(), c.statement, c.evidence), width, 0)),
                Block::Table(table) => out.push_str(&table.text(width)),
                Block::Figures(figures) => {
                    for figure in figures {
                        out.push_str(&wrapped(&format!("Figure {}.svg: {}", figure.name(), figure.title()), width, 0));
                    }
                }
            }
        }
        out
    }
    /// As an HTML `section`.
    pub fn html(&self) -> String {
        let name = escape(&self.name);
        let mut out = format!("<section id=\"{name}\">\n<h2><span class=\"number\">{}</span> {}</h2>\n", self.number, prose(&self.title));
        for block in &self.blocks {
            match block {
                Block::Text(text) => out.push_str(&format!("<p>{}</p>\n", prose(text))),
                Block::Formula(text) => out.push_str(&format!("<p class=\"formula math\">{}</p>\n", formula(text))),
                Block::Claim(c) => out.push_str(&format!(
                    "<p class=\"claim {}\"><strong>{}</strong> {} <span class=\"evidence\">{}</span></p>\n",
                    if c.holds { "good" } else { "bad" },
                    c.verdict(),
                    prose(&c.statement),
                    prose(&c.evidence)
                )),
                Block::Table(table) => out.push_str(&table.html()),
                Block::Figures(figures) => {
                    out.push_str(if figures.len() > 1 { "<div class=\"figures\">\n" } else { "" });
                    for figure in figures {
                        out.push_str(&format!(
                            "<figure>\n{}<figcaption><strong>{}.</strong> {} <a href=\"{}.svg\" download>SVG</a></figcaption>\n</figure>\n",
                            figure.inline(),
                            prose(figure.title()),
                            prose(figure.description()),
                            escape(figure.name())
                        ));
                    }
                    out.push_str(if figures.len() > 1 { "</div>\n" } else { "" });
                }
            }
        }
        out.push_str("</section>\n");
        out
    }
    /// Number, title, claims and tables; figures by name.
    pub fn json(&self) -> Json {
        let claim = |c: &Claim| {
            Json::object([
                ("statement", Json::text(plain(&c.statement))),
                ("holds", Json::Bool(c.holds)),
                ("evidence", Json::text(plain(&c.evidence))),
            ])
        };
        Json::object([
            ("number", Json::integer(self.number as i64)),
            ("part", Json::integer(self.part as i64)),
            ("name", Json::text(self.name.as_str())),
            ("title", Json::text(plain(&self.title))),
            ("claims", Json::Array(self.claims().map(claim).collect())),
            ("tables", Json::Array(self.tables().map(Table::json).collect())),
            ("figures", Json::Array(self.figures().map(|f| Json::text(f.name())).collect())),
        ])
    }
}
