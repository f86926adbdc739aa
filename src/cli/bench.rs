//! `white-box bench`.

use super::arguments::{self, Arguments};
use crate::data::json::Json;
use crate::linalg::dispatch::Isa;
use crate::linalg::threads::threads;
use crate::linalg::timing::Timing;
use crate::oracle::bench::{Peak, Program, Row, SUBJECTS, Subject, measure, operator, slope};
use crate::oracle::{CATALOG, Number, find};
use crate::{Error, Result};
use std::process::ExitCode;
use std::time::Duration;

pub const USAGE: &str = "white-box bench [NAME…] [--all] [--scalar f32|f64|dd|ball] [--rounds N] [--json]

How fast. Without names: the computations that the speed of everything comes from, listed below. NAME is one of these or an operator
of the catalog, which runs on generated inputs of growing size.
  --all         the list below and every operator of the catalog
  --scalar S    the number type of the operators (default f64)
  --rounds N    how often each is sampled (default 9); the table shows the least time and the median
Columns: operations the theory asks for, two a multiply-add; least and median time of a call on one thread; that speed as a share of the
greatest this processor reached in the same run; least time on all threads. `growth` is the slope of log time over log operations: 1 if
time grows as the documentation says. WHITE_BOX_ISA and WHITE_BOX_THREADS choose what to measure.
";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--scalar", "--rounds"], &["--all", "--json"], "names", 0..=usize::MAX)?;
    let number = args.one("--scalar")?.map_or(Ok(Number::F64), Number::parse)?;
    let rounds = args.number("--rounds", "a whole number from 1 on")?.unwrap_or(9);
    if rounds == 0 {
        return Err(Error::usage("--rounds", "a whole number from 1 on", "`0`"));
    }
    let json = args.switch("--json");
    let chosen = chosen(args.positional(), args.switch("--all"), number)?;
    let mut peak = Peak::default();
    peak.raise();
    arguments::line(&if json { machine_json(&peak).to_string() } else { machine(&peak) + "\n\n" + &header() })?;
    let mut failed = 0;
    for (name, programs) in chosen {
        peak.raise();
        let rows = match programs().and_then(|programs| measure(programs, rounds, Duration::from_millis(2))) {
            Ok(rows) => rows,
            Err(e) => {
                eprintln!("  {name}: {e}");
                failed += 1;
                continue;
            }
        };
        peak.raise();
        for row in &rows {
            arguments::line(&if json { row_json(name, row, &peak).to_string() } else { text(name, row, &peak) })?;
        }
        for number in Number::ALL {
            if let Some(slope) = slope(&rows, number) {
                arguments::line(&if json {
                    Json::object([("name", Json::text(name)), ("number", Json::text(number.name())), ("growth", Json::real(slope))])
                        .to_string()
                } else {
                    format!("{name:<22} growth {slope:.2} in {}", number.name())
                })?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

type Programs = Box<dyn Fn() -> Result<Vec<Program<'static>>>>;

fn chosen(names: &[String], all: bool, number: Number) -> Result<Vec<(&'static str, Programs)>> {
    let subject = |s: &'static Subject| (s.name, Box::new(s.programs) as Programs);
    let entry = |e: &'static dyn crate::oracle::Entry| (e.spec().name, Box::new(move || operator(e, number)) as Programs);
    if all && !names.is_empty() {
        return Err(Error::usage("--all", "no names beside it", names.join(" ")));
    }
    if names.is_empty() {
        let operators = CATALOG.iter().filter(|_| all).map(|e| entry(*e));
        return Ok(SUBJECTS.iter().map(subject).chain(operators).collect());
    }
    names.iter().map(|name| SUBJECTS.iter().find(|s| s.name == name).map_or_else(|| find(name).map(entry), |s| Ok(subject(s)))).collect()
}

fn machine(peak: &Peak) -> String {
    let (isa, threads) = (Isa::detect().name(), threads());
    format!("{isa}, {threads} threads, greatest speed of one: {:.1} Gflop/s in f64, {:.1} in f32", peak.f64 / 1e9, peak.f32 / 1e9)
}
fn header() -> String {
    format!(
        "{:<22} {:<26} {:>6} {:>9} {:>10} {:>10} {:>7} {:>11} {:>6}",
        "name", "size", "number", "flops", "1 thread", "median", "of peak", "all threads", "gain"
    )
}
fn text(name: &str, row: &Row, peak: &Peak) -> String {
    let share = peak.share(row).map_or("–".into(), |s| format!("{:.0} %", s * 100.0));
    let flops = if row.flops > 0.0 { scaled(row.flops, &[(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")]) } else { "–".into() };
    let (all, gain) = row.all.map_or(("–".into(), "–".into()), |t| (seconds(t.least), format!("{:.2}", row.one.least / t.least)));
    let (least, median) = (seconds(row.one.least), seconds(row.one.median));
    format!("{name:<22} {:<26} {:>6} {flops:>9} {least:>10} {median:>10} {share:>7} {all:>11} {gain:>6}", row.size, row.number.name())
}
fn seconds(t: f64) -> String {
    scaled(t, &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")])
}
/// Three digits and a unit.
fn scaled(x: f64, units: &[(f64, &str)]) -> String {
    let &(unit, name) = units.iter().find(|(unit, _)| x >= *unit).unwrap_or(&units[units.len() - 1]);
    let x = x / unit;
    let decimals = if x < 9.995 { 2 } else { usize::from(x < 99.95) };
    format!("{x:.decimals$} {name}").trim_end().to_string()
}

fn machine_json(peak: &Peak) -> Json {
    Json::object([
        ("isa", Json::text(Isa::detect().name())),
        ("threads", Json::integer(threads() as i64)),
        ("peak_f64", Json::real(peak.f64)),
        ("peak_f32", Json::real(peak.f32)),
    ])
}
fn row_json(name: &str, row: &Row, peak: &Peak) -> Json {
    let timing = |t: Timing| Json::object([("least", Json::real(t.least)), ("median", Json::real(t.median))]);
    Json::object([
        ("name", Json::text(name)),
        ("size", Json::text(&row.size)),
        ("number", Json::text(row.number.name())),
        ("flops", Json::real(row.flops)),
        ("one_thread", timing(row.one)),
        ("all_threads", row.all.map_or(Json::Null, timing)),
        ("of_peak", peak.share(row).map_or(Json::Null, Json::real)),
    ])
}
