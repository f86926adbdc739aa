//! How fast: time, operations a second, share of the greatest speed this processor can have, growth with size.
//!
//! Everything runs through the public functions, their checks included, in the program that users run. All sizes of a subject, on one thread and on all, are timed in
//! turn, round after round (see [`crate::linalg::timing`]), and so are the register loops that give the greatest speed.

mod operators;
mod subjects;

pub use operators::operator;
pub use subjects::{SUBJECTS, Subject};

use super::entry::Number;
use crate::Result;
use crate::linalg::dispatch::Isa;
use crate::linalg::threads::{threads, with_threads};
use crate::linalg::timing::{Timing, interleave, peak};
use std::cell::RefCell;
use std::time::Duration;

/// A computation at one size, ready to run.
pub struct Program<'a> {
    /// The size in words: `64 × 32`.
    pub size: String,
    /// The number type.
    pub number: Number,
    /// Operations that the theory asks for, two a multiply-add; 0 if the documentation does not say.
    pub flops: f64,
    /// Computes once.
    pub run: Box<dyn FnMut() -> Result<()> + 'a>,
}

/// What was measured at one size.
#[derive(Clone, Debug)]
pub struct Row {
    /// As [`Program::size`].
    pub size: String,
    /// As [`Program::number`].
    pub number: Number,
    /// As [`Program::flops`].
    pub flops: f64,
    /// On one thread.
    pub one: Timing,
    /// On all threads, if there is more than one.
    pub all: Option<Timing>,
}

impl Row {
    /// Operations a second on one thread.
    pub fn speed(&self) -> f64 {
        self.flops / self.one.least
    }
}

/// The greatest speeds of one core, in operations a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    /// In `f64`.
    pub f64: f64,
    /// In `f32`.
    pub f32: f64,
}

impl Peak {
    /// Measures once more and keeps the greater; some 30 ms.
    pub fn raise(&mut self) {
        for _ in 0..10 {
            self.f64 = greater(self.f64, peak::<f64>(Isa::detect()));
            self.f32 = greater(self.f32, peak::<f32>(Isa::detect()));
        }
    }
    /// What share of it a row reaches on one thread. None where a number is more than the processor's own, or the operations are not counted.
    pub fn share(&self, row: &Row) -> Option<f64> {
        let peak = match row.number {
            Number::F32 => self.f32,
            Number::F64 => self.f64,
            Number::Double | Number::Ball => return None,
        };
        (row.flops > 0.0).then(|| row.speed() / peak)
    }
}

fn greater(x: f64, y: f64) -> f64 {
    if y > x { y } else { x }
}

/// Times programs against each other, each on one thread and on all: `rounds` samples of at least `sample`. Errors: those of the programs.
pub fn measure(mut programs: Vec<Program>, rounds: usize, sample: Duration) -> Result<Vec<Row>> {
    for program in &mut programs {
        (program.run)()?;
    }
    let counts = if threads() > 1 { vec![1, threads()] } else { vec![1] };
    let programs: Vec<RefCell<Program>> = programs.into_iter().map(RefCell::new).collect();
    let call = |program: &RefCell<Program>, count: usize| {
        // The first call showed that it runs; the same inputs cannot fail now.
        drop(with_threads(count, || (program.borrow_mut().run)()));
    };
    let pairs = programs.iter().flat_map(|program| counts.iter().map(move |&count| (program, count)));
    let mut calls: Vec<_> = pairs.map(|(program, count)| move || call(program, count)).collect();
    let mut calls: Vec<&mut dyn FnMut()> = calls.iter_mut().map(|call| call as &mut dyn FnMut()).collect();
    let timings = interleave(rounds, sample, &mut calls);
    let row = |(program, timings): (RefCell<Program>, &[Timing])| {
        let Program { size, number, flops, .. } = program.into_inner();
        Row { size, number, flops, one: timings[0], all: timings.get(1).copied() }
    };
    Ok(programs.into_iter().zip(timings.chunks(counts.len())).map(row).collect())
}

/// The slope of `ln(time)` over `ln(flops)` by least squares, over the rows of one number type: 1 if time grows as the stated cost does, less where small sizes
/// pay for what does not grow. None with fewer than two sizes.
pub fn slope(rows: &[Row], number: Number) -> Option<f64> {
    let points: Vec<[f64; 2]> =
        rows.iter().filter(|row| row.number == number && row.flops > 0.0).map(|row| [row.flops.ln(), row.one.least.ln()]).collect();
    let count = points.len() as f64;
    let mean = |axis: usize| points.iter().map(|p| p[axis]).sum::<f64>() / count;
    let (x, y) = (mean(0), mean(1));
    let moment = |f: &dyn Fn(&[f64; 2]) -> f64| points.iter().map(f).sum::<f64>();
    let spread = moment(&|p| (p[0] - x) * (p[0] - x));
    (points.len() > 1 && spread > 0.0).then(|| moment(&|p| (p[0] - x) * (p[1] - y)) / spread)
}
