//! A line on the terminal that says how far the training is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shows nothing where stderr is no terminal.
pub struct Progress {
    shown: bool,
    start: Instant,
    last: Option<Instant>,
    samples: usize,
    done: u64,
}

impl Progress {
    /// `done` steps lie behind.
    pub fn new(done: u64, quiet: bool) -> Self {
        Progress { shown: !quiet && std::io::stderr().is_terminal(), start: Instant::now(), last: None, samples: 0, done }
    }
    /// A step more.
    pub fn step(&mut self, step: u64, total: u64, samples: usize, text: &str) {
        self.samples += samples;
        let now = Instant::now();
        if !self.shown || self.last.is_some_and(|last| now - last < Duration::from_millis(100)) {
            return;
        }
        self.last = Some(now);
        let seconds = (now - self.start).as_secs_f64().max(1e-9);
        let left = seconds * (total.saturating_sub(step)) as f64 / (step.saturating_sub(self.done)).max(1) as f64;
        let line = format!("step {step}/{total}  {text}  {:.0} images/s  {} left", self.samples as f64 / seconds, clock(left));
        let _ = write!(std::io::stderr().lock(), "\r{line:<100}");
    }
    /// Wipes the line.
    pub fn clear(&mut self) {
        if self.shown && self.last.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r{:<100}\r", "");
        }
    }
    /// Seconds and images a second so far.
    pub fn pace(&self) -> (f64, f64) {
        let seconds = self.start.elapsed().as_secs_f64().max(1e-9);
        (seconds, self.samples as f64 / seconds)
    }
}

/// `1:02:03`, `2:03`, `3 s`.
fn clock(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}
