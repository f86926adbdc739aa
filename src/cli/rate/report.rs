//! A report under construction: lines to read, fields for programs, sentences that say what it means.

use crate::data::Json;
use crate::report::Digits;

/// Lines, fields and sentences.
#[derive(Default)]
pub struct Report {
    text: String,
    fields: Vec<(String, Json)>,
    sentences: Vec<String>,
}

impl Report {
    /// A line under a label; with an empty label it continues the one before.
    pub fn line(&mut self, label: &str, text: impl AsRef<str>) {
        let line = format!("{label:<10} {}", text.as_ref());
        self.text += line.trim_end();
        self.text.push('\n');
    }
    /// A field of the JSON form.
    pub fn field(&mut self, name: &str, value: Json) {
        self.fields.push((name.into(), value));
    }
    /// A sentence that says what a number means or what to do.
    pub fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }
    /// The text, sentences last, or the JSON.
    pub fn finish(mut self, json: bool) -> String {
        if json {
            self.fields.push(("sentences".into(), Json::Array(self.sentences.into_iter().map(Json::text).collect())));
            return Json::Object(self.fields).pretty() + "\n";
        }
        for sentence in &self.sentences {
            self.text.push('\n');
            let mut column = 0;
            for word in sentence.split(' ') {
                let length = word.chars().count();
                if column > 0 && column + 1 + length > 100 {
                    self.text.push('\n');
                    column = 0;
                } else if column > 0 {
                    self.text.push(' ');
                    column += 1;
                }
                self.text += word;
                column += length;
            }
            self.text.push('\n');
        }
        self.text
    }
}

/// Six digits that count; fewer where fewer say it exactly.
pub fn show(x: f64) -> String {
    let (six, all) = (Digits::Significant(6).show(x), Digits::Shortest.show(x));
    if all.len() < six.len() { all } else { six }
}
/// Three.
pub fn rough(x: f64) -> String {
    Digits::Significant(3).show(x)
}
/// Per cent, one place.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
/// Bytes as people read them.
pub fn bytes(count: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut x, mut unit) = (count, 0);
    while x >= 1024.0 && unit + 1 < units.len() {
        (x, unit) = (x / 1024.0, unit + 1);
    }
    format!("{} {}", if unit == 0 { format!("{x}") } else { Digits::Significant(3).show(x) }, units[unit])
}
