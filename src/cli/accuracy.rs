//! `white-box verify --exhaustive`: the accuracy of the elementary functions, measured.

use super::arguments;
use crate::Result;
use crate::data::file;
use crate::data::json::Json;
use crate::oracle::accuracy::{FUNCTIONS, Row, exhaustive, measured_f64, page};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;

/// Measures, prints a line a row, writes the page if asked. Returns how many rows break their bound.
pub fn measure(as_json: bool, table: Option<&str>) -> Result<usize> {
    let mut rows = measured_f64();
    rows.iter().try_for_each(|row| show(row, as_json))?;
    for function in FUNCTIONS {
        let done = Mutex::new(0);
        let terminal = std::io::stderr().is_terminal();
        let row = exhaustive(function, |share| {
            let percent = (share * 100.0) as u32;
            let mut done = done.lock().unwrap_or_else(|e| e.into_inner());
            if terminal && percent > *done {
                *done = percent;
                let end = if percent < 100 { "" } else { "\r\x1b[K" };
                let _ = write!(std::io::stderr(), "\r{} in f32, every number: {percent} %{end}", function.name);
            }
        });
        show(&row, as_json)?;
        rows.push(row);
    }
    if let Some(path) = table {
        file::write(Path::new(path), page(&rows).as_bytes())?;
    }
    Ok(rows.iter().filter(|row| !row.holds()).count())
}

fn show(row: &Row, as_json: bool) -> Result<()> {
    let Row { function, number, arguments, worst, bound } = row;
    arguments::line(&if as_json {
        Json::object([
            ("function", Json::text(function.name)),
            ("type", Json::text(*number)),
            ("arguments", Json::text(arguments)),
            ("points", Json::integer(worst.points as i64)),
            ("ulps", Json::real(worst.ulps)),
            ("at", Json::real(worst.at)),
            ("bound", Json::real(*bound)),
            ("good", Json::Bool(row.holds())),
        ])
        .to_string()
    } else {
        let verdict = if row.holds() { "" } else { "  FAILED" };
        format!(
            "{:<6} {number} {arguments:<42} {:>10} points, worst {:.4} ulp of {bound:?}{verdict}",
            function.name, worst.points, worst.ulps
        )
    })
}
