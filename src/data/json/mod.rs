//! JSON, strictly as RFC 8259 has it, with nothing guessed.
//!
//! The reader rejects what other readers let pass and then disagree about: duplicate names, lone surrogates, `NaN` and `Infinity` as
//! words, numbers beyond the range of `f64`, anything after the value, and nesting deeper than a limit. Numbers keep their digits, so a value of 32
//! digits passes through unharmed; see [`Number`]. The writer prints the shortest decimal that reads back to the same `f64`, keeps the
//! sign of −0, and writes NaN and infinities as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`, which [`tensor`] reads back.

mod number;
mod read;
mod tensor;
mod write;

pub use number::Number;
pub use read::Reader;
pub use tensor::{collect, from_tensor, nest, tensor};

pub(super) use read::{Cursor, duplicate, utf8};
pub(super) use write::push_string;

/// A JSON value. Two are equal if they are written alike: `1` and `1.0` differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, with its digits.
    Number(Number),
    /// A text.
    String(String),
    /// `[ … ]`
    Array(Vec<Json>),
    /// `{ … }`: names in the order of the text, each once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value with the default [`Reader`]: strict, depth 128.
    pub fn parse(text: &[u8]) -> crate::Result<Json> {
        Reader::default().parse(text)
    }
    /// A real: the shortest decimal that reads back to it, or one of the strings `"NaN"`, `"Infinity"`, `"-Infinity"`.
    pub fn real(x: f64) -> Json {
        match Number::from_f64(x) {
            Some(number) => Json::Number(number),
            None if x.is_nan() => Json::String("NaN".into()),
            None => Json::String(if x > 0.0 { "Infinity" } else { "-Infinity" }.into()),
        }
    }
    /// An integer: a number up to 2⁵³ in size, which every reader keeps; beyond that a string of its digits, which none rounds.
    pub fn integer(i: i64) -> Json {
        if i.unsigned_abs() <= 1 << 53 { Json::Number(Number::from(i)) } else { Json::String(i.to_string()) }
    }
    /// A text.
    pub fn text(s: impl Into<String>) -> Json {
        Json::String(s.into())
    }
    /// An object of these fields. The caller sees to it that no name comes twice.
    pub fn object<K: Into<String>>(fields: impl IntoIterator<Item = (K, Json)>) -> Json {
        Json::Object(fields.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }
    /// The field `name` of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    /// The value of `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(b) = self { Some(*b) } else { None }
    }
    /// The number.
    pub fn as_number(&self) -> Option<&Number> {
        if let Json::Number(n) = self { Some(n) } else { None }
    }
    /// The number as the nearest `f64`; also the strings that stand for NaN and the infinities.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Json::Number(n) => Some(n.f64()),
            Json::String(s) => match s.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        }
    }
    /// The number, if it is written as an integer and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.i64()
    }
    /// The number, if it is written as an integer without sign and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.u64()
    }
    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(s) = self { Some(s) } else { None }
    }
    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Json::Array(items) = self { Some(items) } else { None }
    }
    /// The fields of an object.
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        if let Json::Object(fields) = self { Some(fields) } else { None }
    }
    /// The value in words, for messages: `a number`, `an array of 3`, …
    pub fn kind(&self) -> String {
        match self {
            Json::Null => "null".into(),
            Json::Bool(b) => format!("{b}"),
            Json::Number(_) => "a number".into(),
            Json::String(s) => format!("the string {}", super::quoted(s)),
            Json::Array(items) => format!("an array of {}", items.len()),
            Json::Object(_) => "an object".into(),
        }
    }
}
