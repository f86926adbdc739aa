//! A finished figure, ready for a page or a file of its own.

use super::markup::{escape, plain};
use super::svg::{Canvas, xy};
use crate::{Error, Result};

/// The width of every figure in its own units; texts are 13 of them high, so that a telephone still shows them legibly.
pub(super) const WIDTH: f64 = 420.0;
/// The size of a figure's text.
pub(super) const TEXT: f64 = 13.0;
/// How much wider bold text is.
pub(super) const BOLD: f64 = 1.1;

/// A drawing with a name, a title and a description in words. Light and dark follow the reader's choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    name: String,
    title: String,
    description: String,
    height: f64,
    body: String,
}

/// What every chart says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// The name of the file, without ending; also the root of the identifiers inside it.
    pub name: String,
    /// The title: what is shown. Formulas in it and in the description stand between backticks.
    pub title: String,
    /// What is to be seen, in words, for those who do not see it and those who wonder.
    pub description: String,
}

impl Label {
    /// A label from its three texts.
    pub fn new(name: &str, title: &str, description: impl Into<String>) -> Label {
        Label { name: name.into(), title: title.into(), description: description.into() }
    }
}

impl Figure {
    pub(super) fn new(label: &Label, height: f64, canvas: Canvas) -> Figure {
        let Label { name, title, description } = label.clone();
        Figure { name, title, description, height, body: canvas.into_body() }
    }
    /// The name of its file, without ending.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }
    /// What is to be seen.
    pub fn description(&self) -> &str {
        &self.description
    }
    /// The file: SVG with its style inside, asking for nothing from outside.
    pub fn svg(&self) -> String {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        format!("{head}{}", self.element(" xmlns=\"http://www.w3.org/2000/svg\"", &format!("<style>{COLOURS}{SHAPES}</style>\n")))
    }
    /// The element for a [`Page`](super::Page), which carries the style.
    pub fn inline(&self) -> String {
        self.element("", "")
    }
    fn element(&self, namespace: &str, style: &str) -> String {
        let (name, w, h) = (escape(&self.name), xy(WIDTH), xy(self.height));
        format!(
            "<svg{namespace} class=\"figure\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\n\
             <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-desc\">{}</desc>\n{style}<rect class=\"surface\" width=\"{w}\" height=\"{h}\"/>\n{}</svg>\n",
            escape(&plain(&self.title)),
            escape(&plain(&self.description)),
            self.body
        )
    }
}

/// The style that pages with [`Figure::inline`] need.
pub(super) fn style() -> String {
    format!("{COLOURS}{SHAPES}")
}

/// Six colours that stay apart in the common kinds of colour blindness and have a contrast of at least 4.5 to the surface, light and dark.
const COLOURS: &str = "
:root{color-scheme:light dark;--surface:#fff;--page:#f6f5f1;--ink:#1c2127;--quiet:#59626b;--line:#d8d6cf;
--s0:#1d5cb8;--s1:#b8440d;--s2:#0b7268;--s3:#7b3fb0;--s4:#7a5d00;--s5:#a32a5c}
@media (prefers-color-scheme:dark){:root{--surface:#171b20;--page:#101317;--ink:#e6e8ea;--quiet:#9ba5af;--line:#343b43;
--s0:#77adff;--s1:#ff9a5a;--s2:#4fcdb9;--s3:#c9a2ff;--s4:#dfbf4d;--s5:#ff8fb8}}
";
const SHAPES: &str = "\
.figure{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums}
.figure text{fill:var(--ink)}.figure .quiet{fill:var(--quiet)}.figure .small{font-size:11px}.figure .tiny{font-size:9px}.figure .variable{font-style:italic}.figure .index{font-size:9.5px}.figure .own{fill:currentColor;font-weight:600}
.figure .surface{fill:var(--surface)}.figure .grid{stroke:var(--line);stroke-width:1}.figure .axis{stroke:var(--quiet);stroke-width:1}
.figure .curve{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.figure .thin{fill:none;stroke:currentColor;stroke-width:1;stroke-opacity:.55}
.figure .mark{fill:currentColor;stroke:var(--surface);stroke-width:1}.figure .solid{fill:currentColor}
.figure .hatch{fill:none;stroke:currentColor;stroke-width:1.2}.figure .outline{fill:none;stroke:currentColor;stroke-width:1.2}
.figure .frame{fill:none;stroke:var(--line);stroke-width:1}.figure .cells{shape-rendering:crispEdges}.figure .cells path{fill:currentColor}
.figure .s0{color:var(--s0)}.figure .s1{color:var(--s1)}.figure .s2{color:var(--s2)}.figure .s3{color:var(--s3)}.figure .s4{color:var(--s4)}.figure .s5{color:var(--s5)}
.figure .over{fill:var(--surface)}.figure .neutral{color:var(--quiet)}.figure .ink{color:var(--ink)}
";

/// Errors: `NotFinite` at the first number that is not, with what it is a part of.
pub(super) fn finite(label: &Label, what: &str, numbers: impl IntoIterator<Item = f64>) -> Result<()> {
    match numbers.into_iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(i) => Err(Error::not_finite(format!("figure {}, {what}", label.name), "finite numbers", format!("another at {i}"))),
    }
}

/// Errors: `Shape` where there is nothing to draw.
pub(super) fn nothing(label: &Label, what: &str) -> Error {
    Error::shape(format!("figure {}", label.name), format!("at least one {what}"), "none").named("EmptyInput")
}
