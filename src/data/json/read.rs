//! Reading JSON: a cursor that other readers of JSON-bearing formats share, and the reader of whole values.

use super::{Json, Number};
use crate::data::quoted;
use crate::{Error, Result};
use std::collections::HashSet;

/// How JSON is read.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Arrays and objects within each other at most; at most [`Reader::DEEPEST`].
    pub depth: usize,
    /// Whether the words `NaN`, `Infinity`, `-Infinity`, which Python writes, are accepted, as strings of that text.
    pub words: bool,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader { depth: 128, words: false }
    }
}

impl Reader {
    /// The largest depth that can be asked for: the reader calls itself once a level, and a thread has little stack.
    pub const DEEPEST: usize = 512;

    /// One value and nothing after it but spaces. `Format`, with the byte, for anything else. Takes time in proportion to the text, and memory
    /// of at most some fifty times its length (32 bytes for each `0,`).
    pub fn parse(&self, text: &[u8]) -> Result<Json> {
        if self.depth > Reader::DEEPEST {
            return Err(Error::usage("depth", format!("at most {}", Reader::DEEPEST), self.depth.to_string()));
        }
        let mut cursor = Cursor::new(utf8(text)?);
        cursor.words = self.words;
        let value = cursor.value(self.depth)?;
        cursor.end()?;
        Ok(value)
    }
}

/// The bytes as text, or where they stop being UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        Error::format(format!("byte {at}"), "UTF-8", format!("byte 0x{:02x}", bytes[at])).named("InvalidUtf8")
    })
}

/// A place in a JSON text, and what can be read from there.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    words: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0, words: false }
    }
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    #[cold]
    fn wrong(&self, expected: &str) -> Error {
        let found = match self.text[self.at..].chars().next() {
            Some(c) => format!("{c:?}"),
            None => "the end".into(),
        };
        Error::format(format!("byte {}", self.at), expected, found)
    }
    /// Skips space, tab, line feed, carriage return.
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }
    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }
    fn word(&mut self, word: &str) -> bool {
        let there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if there { word.len() } else { 0 };
        there
    }
    /// Nothing but spaces may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.wrong("nothing after the value")) }
    }

    /// A value, with `depth` more levels allowed inside it.
    fn value(&mut self, depth: usize) -> Result<Json> {
        self.space();
        match self.peek() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'[') => {
                let inner = self.descend(depth)?;
                let mut items = Vec::new();
                self.array(|cursor| {
                    items.push(cursor.value(inner)?);
                    Ok(())
                })?;
                Ok(Json::Array(items))
            }
            Some(b'{') => {
                let inner = self.descend(depth)?;
                let start = self.at;
                let mut fields = Vec::new();
                self.object(|cursor, name| {
                    fields.push((name, cursor.value(inner)?));
                    Ok(())
                })?;
                distinct(&fields).map_err(|e| e.within(&format!("object at byte {start}")))?;
                Ok(Json::Object(fields))
            }
            Some(b't') if self.word("true") => Ok(Json::Bool(true)),
            Some(b'f') if self.word("false") => Ok(Json::Bool(false)),
            Some(b'n') if self.word("null") => Ok(Json::Null),
            Some(b'N' | b'I' | b'-') if self.words => match ["NaN", "Infinity", "-Infinity"].into_iter().find(|w| self.word(w)) {
                Some(word) => Ok(Json::String(word.into())),
                None => Ok(Json::Number(self.number()?)),
            },
            Some(b'-' | b'0'..=b'9') => Ok(Json::Number(self.number()?)),
            _ => Err(self.wrong("a JSON value")),
        }
    }
    fn descend(&self, depth: usize) -> Result<usize> {
        depth.checked_sub(1).ok_or_else(|| self.wrong("less nesting").named("TooDeep"))
    }

    /// `[ item, … ]`: calls `item` at the start of each.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.space();
        if !self.skip(b'[') {
            return Err(self.wrong("an array"));
        }
        self.space();
        if self.skip(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            if !self.skip(b',') {
                return if self.skip(b']') { Ok(()) } else { Err(self.wrong("`,` or `]`")) };
            }
        }
    }

    /// `{ "name": value, … }`: calls `field` with each name at the start of its value. Whether a name comes twice is for the caller to see.
    pub(crate) fn object(&mut self, mut field: impl FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        self.space();
        if !self.skip(b'{') {
            return Err(self.wrong("an object"));
        }
        self.space();
        if self.skip(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            if !self.skip(b':') {
                return Err(self.wrong("`:`"));
            }
            field(self, name)?;
            self.space();
            if !self.skip(b',') {
                return if self.skip(b'}') { Ok(()) } else { Err(self.wrong("`,` or `}`")) };
            }
        }
    }

    /// A string, unescaped.
    pub(crate) fn string(&mut self) -> Result<String> {
        self.space();
        if !self.skip(b'"') {
            return Err(self.wrong("a string"));
        }
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b >= b' ' && b != b'"' && b != b'\\') {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.wrong("a character of a string (control characters escaped), or `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let simple = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => c as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let start = self.at;
                let unit = self.hex4()?;
                let code = match unit {
                    0xD800..0xDC00 if self.word("\\u") => match self.hex4()? {
                        low @ 0xDC00..0xE000 => 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                        _ => unit,
                    },
                    _ => unit,
                };
                let lone = || {
                    Error::format(format!("byte {start}"), "a surrogate with its other half", format!("\\u{unit:04x}"))
                        .named("LoneSurrogate")
                };
                return char::from_u32(code).ok_or_else(lone);
            }
            _ => return Err(self.wrong("an escape: one of \" \\ / b f n r t u")),
        };
        self.at += 1;
        Ok(simple)
    }
    fn hex4(&mut self) -> Result<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| (b as char).to_digit(16)).ok_or_else(|| self.wrong("four hexadecimal digits"))?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// A number, of which only the size is checked.
    pub(crate) fn number(&mut self) -> Result<Number> {
        self.space();
        let start = self.at;
        self.skip(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.wrong("a digit")),
        }
        if self.skip(b'.') {
            self.some_digits()?;
        }
        let scaled = self.skip(b'e') || self.skip(b'E');
        if scaled {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.some_digits()?;
        }
        let text = &self.text[start..self.at];
        // Without an exponent it takes 309 digits to overflow.
        if (scaled || text.len() > 308) && !text.parse().is_ok_and(f64::is_finite) {
            let found = format!("a number of {} characters that begins {}", text.len(), &text[..text.len().min(24)]);
            return Err(Error::format(format!("byte {start}"), "a number within the range of f64", found).named("NumberTooLarge"));
        }
        Ok(Number::trusted(text))
    }
    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }
    fn some_digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong("a digit"));
        }
        self.digits();
        Ok(())
    }
}

/// No name twice.
fn distinct(fields: &[(String, Json)]) -> Result<()> {
    let twice = if fields.len() < 16 {
        (1..fields.len()).find(|&i| fields[..i].iter().any(|(name, _)| *name == fields[i].0))
    } else {
        let mut seen = HashSet::with_capacity(fields.len());
        fields.iter().position(|(name, _)| !seen.insert(name))
    };
    match twice {
        Some(i) => Err(duplicate(&fields[i].0)),
        None => Ok(()),
    }
}
/// The error for a name that comes twice.
pub(crate) fn duplicate(name: &str) -> Error {
    Error::format("", "each name once", format!("{} twice", quoted(name))).named("DuplicateKey")
}
