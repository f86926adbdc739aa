//! `white-box tour`.

use super::arguments::{self, Arguments};
use crate::data::Json;
use crate::report::tour::{CHAPTERS, PARTS, Progress, Tour};
use crate::{Error, Result};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box tour [--part N] [--chapter N] [--out DIR] [--quick] [--json]

The theory on the embedded digits: prints every table and claim, and writes a self-contained HTML report, each figure as .svg and each table
as .csv. Exit 1 if a claim fails.
  --part N      one part only
  --chapter N   one chapter only
  --out DIR     where the report goes (default white-box-tour)
  --quick       fewer steps, the same claims
  --json        claims and tables as JSON instead of text";

/// Columns of the text.
const WIDTH: usize = 100;

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--part", "--chapter", "--out"], &["--quick", "--json"], "none", 0..=0)?;
    let part = bounded(&args, "--part", PARTS.len())?;
    let chapter = bounded(&args, "--chapter", CHAPTERS.len())?;
    let directory = Path::new(args.one("--out")?.unwrap_or("white-box-tour"));
    let json = args.switch("--json");
    let wanted = |&n: &usize| chapter.is_none_or(|c| c == n) && part.is_none_or(|p| CHAPTERS[n - 1].part == p);
    let numbers: Vec<usize> = (1..=CHAPTERS.len()).filter(wanted).collect();
    if numbers.is_empty() {
        return Err(Error::usage("tour", "a part or chapter with something in it", "none"));
    }

    let mut line = ProgressLine::default();
    let mut show = |p: &Progress| line.show(p);
    let mut tour = Tour::new(args.switch("--quick"), &mut show)?;
    for &number in &numbers {
        let text = tour.run(number)?.text(WIDTH);
        tour.progress("", 0, 0);
        if !json {
            arguments::print(&format!("{text}\n"))?;
        }
    }
    let files = tour.write(directory)?;
    let claims = || tour.sections().iter().flat_map(|s| s.claims());
    let (all, failed) = (claims().count(), claims().filter(|c| !c.holds).count());
    if json {
        let sections = Json::Array(tour.sections().iter().map(|s| s.json()).collect());
        let written = Json::Array(files.iter().map(|f| Json::text(f.display().to_string())).collect());
        arguments::print(&Json::object([("chapters", sections), ("failed", Json::integer(failed as i64)), ("files", written)]).pretty())?;
    } else {
        let verdict = if failed == 0 { format!("all {all} claims hold") } else { format!("{failed} of {all} claims FAIL") };
        arguments::line(&format!("{verdict}\n{} and {} more files in {}", files[0].display(), files.len() - 1, directory.display()))?;
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// The number after an option, from 1 to `most`.
fn bounded(args: &Arguments, name: &str, most: usize) -> Result<Option<usize>> {
    let number: Option<usize> = args.number(name, "a whole number")?;
    match number {
        Some(n) if n == 0 || n > most => Err(Error::usage(name, format!("a number from 1 to {most}"), n.to_string())),
        _ => Ok(number),
    }
}

/// One line on stderr that is written over; nothing unless stderr is a terminal.
struct ProgressLine {
    terminal: bool,
    written: usize,
    last: String,
}

impl Default for ProgressLine {
    fn default() -> Self {
        ProgressLine { terminal: std::io::stderr().is_terminal(), written: 0, last: String::new() }
    }
}

impl ProgressLine {
    /// Shows a step; one of nothing (`total` 0) clears the line.
    fn show(&mut self, p: &Progress) {
        let percent = (p.done * 100).checked_div(p.total);
        let text = percent.map_or(String::new(), |percent| format!("chapter {} of {}: {} {percent} %", p.chapter, CHAPTERS.len(), p.doing));
        if !self.terminal || text == self.last {
            return;
        }
        let length = text.chars().count();
        let mut err = std::io::stderr().lock();
        // A terminal that cannot be written to is no reason to stop.
        let _ = write!(err, "\r{text}{}{}", " ".repeat(self.written.saturating_sub(length)), if length == 0 { "\r" } else { "" });
        let _ = err.flush();
        (self.written, self.last) = (length, text);
    }
}
