//! Words and formulas, for a page, a figure and a terminal.
//!
//! A formula is plain text, `R_c = Σ_k γ_k R(Z_k)`, `Z^T`: `_x` or `_{xy}` lowers, `^x` or `^{xy}` raises. In prose it stands between backticks. On a page
//! the variables become italic and the indices small; a terminal shows `R_c` and `Zᵀ`.

/// Text that stands for itself in HTML and SVG: `& < > " '` escaped, characters that XML forbids replaced by U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c < ' ' || matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Where a piece of a formula stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Line,
    Below,
    Above,
}

/// A piece of a line: what it says, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    pub italic: bool,
    pub level: Level,
}

/// Prose in pieces; with each whether it belongs to a formula.
pub(super) fn pieces(prose: &str) -> Vec<(bool, Vec<Piece>)> {
    let part = |(i, part): (usize, &str)| {
        let words = || vec![Piece { text: part.into(), italic: false, level: Level::Line }];
        (i % 2 == 1, if i % 2 == 1 { formula_pieces(part) } else { words() })
    };
    prose.split('`').enumerate().filter(|(_, part)| !part.is_empty()).map(part).collect()
}

fn formula_pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let level = match rest.as_bytes()[0] {
            b'_' => Level::Below,
            b'^' => Level::Above,
            _ => Level::Line,
        };
        let (part, after) =
            if level == Level::Line { rest.split_at(rest.find(['_', '^']).unwrap_or(rest.len())) } else { index(&rest[1..]) };
        variables(part, level, &mut out);
        rest = after;
    }
    out
}

/// What an index mark applies to, and the rest: a group in braces without the braces, or one character.
fn index(text: &str) -> (&str, &str) {
    if let Some((group, after)) = text.strip_prefix('{').and_then(|t| t.split_once('}')) {
        return (group, after);
    }
    text.split_at(text.chars().next().map_or(0, char::len_utf8))
}

/// Letters are variables, in italics, but two or more small ones are the name of a function.
fn variables(text: &str, level: Level, out: &mut Vec<Piece>) {
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let end = if letters > 0 { letters } else { rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len()) };
        let (part, after) = rest.split_at(end);
        let italic = letters == 1 || letters > 1 && !part.bytes().all(|b| b.is_ascii_lowercase());
        out.push(Piece { text: part.into(), italic, level });
        rest = after;
    }
}

fn html(pieces: &[Piece]) -> String {
    let run = |run: &[Piece]| {
        let text: String = run.iter().map(|p| if p.italic { format!("<i>{}</i>", escape(&p.text)) } else { escape(&p.text) }).collect();
        match run[0].level {
            Level::Line => text,
            Level::Below => format!("<sub>{text}</sub>"),
            Level::Above => format!("<sup>{text}</sup>"),
        }
    };
    pieces.chunk_by(|a, b| a.level == b.level).map(run).collect()
}

/// A formula as HTML.
pub fn formula(text: &str) -> String {
    html(&formula_pieces(text))
}

/// Prose as HTML; a per cent sign is not parted from its number.
pub fn prose(text: &str) -> String {
    let text = &text.replace(" %", "\u{a0}%");
    let part = |(math, part): (bool, Vec<Piece>)| if math { format!("<span class=\"math\">{}</span>", html(&part)) } else { html(&part) };
    pieces(text).into_iter().map(part).collect()
}

/// A formula as a terminal shows it: what can be raised is raised, lowered indices keep their mark.
pub fn plain_formula(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('^') {
        let (index, after) = index(&rest[at + 1..]);
        out.push_str(&rest[..at]);
        match index.chars().map(raised).collect::<Option<String>>() {
            Some(raised) => out.push_str(&raised),
            None => out.push_str(&rest[at..rest.len() - after.len()]),
        }
        rest = after;
    }
    out + rest
}

/// Prose as a terminal shows it, without backticks.
pub fn plain(text: &str) -> String {
    text.split('`').enumerate().map(|(i, part)| if i % 2 == 1 { plain_formula(part) } else { part.into() }).collect()
}

/// The raised form of a character, where there is one.
pub(super) fn raised(c: char) -> Option<char> {
    const FORMS: [(char, char); 18] = [
        ('0', '⁰'),
        ('1', '¹'),
        ('2', '²'),
        ('3', '³'),
        ('4', '⁴'),
        ('5', '⁵'),
        ('6', '⁶'),
        ('7', '⁷'),
        ('8', '⁸'),
        ('9', '⁹'),
        ('-', '⁻'),
        ('−', '⁻'),
        ('+', '⁺'),
        ('T', 'ᵀ'),
        ('n', 'ⁿ'),
        ('i', 'ⁱ'),
        ('k', 'ᵏ'),
        ('t', 'ᵗ'),
    ];
    FORMS.iter().find(|(from, _)| *from == c).map(|&(_, to)| to)
}

/// Prose for a terminal, wrapped at `width` characters, each line indented by `indent` spaces.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in plain(text).split([' ', '\n']).filter(|w| !w.is_empty()) {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            used = 0;
        }
        if used == 0 {
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    if used > 0 {
        out.push('\n');
    }
    out
}
