//! Measuring speed on a machine that does other things too: programs are timed in turn, round after round, and the least time of each is
//! compared, in the same run, with the others and with the greatest speed the processor can have.

use crate::linalg::dispatch::Isa;
use crate::linalg::kernel::{self, Real};
use std::time::{Duration, Instant};

/// Seconds a call.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The least over the rounds: what the program takes when it is left alone.
    pub least: f64,
    /// The median over the rounds: how far the machine was left alone.
    pub median: f64,
}

/// Times programs against each other. Each is first repeated until a sample lasts `sample`; then in each round every program is sampled
/// once, in order. Takes about `rounds · programs · sample`, more if one call lasts longer.
pub fn interleave(rounds: usize, sample: Duration, programs: &mut [&mut dyn FnMut()]) -> Vec<Timing> {
    let repeats: Vec<u32> = programs
        .iter_mut()
        .map(|program| {
            let mut repeats = 1;
            while time(repeats, program) < sample.as_secs_f64() && repeats < 1 << 30 {
                repeats *= 2;
            }
            repeats
        })
        .collect();
    let mut samples = vec![Vec::new(); programs.len()];
    for _ in 0..rounds.max(1) {
        for (i, program) in programs.iter_mut().enumerate() {
            samples[i].push(time(repeats[i], program) / f64::from(repeats[i]));
        }
    }
    let summary = |mut x: Vec<f64>| {
        x.sort_by(f64::total_cmp);
        Timing { least: x[0], median: x[x.len() / 2] }
    };
    samples.into_iter().map(summary).collect()
}

fn time(repeats: u32, program: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..repeats {
        program();
    }
    start.elapsed().as_secs_f64()
}

/// The greatest number of operations (two a fused multiply-add) that one core does in a second: independent chains that stay in
/// registers. The best of short samples, some 20 ms in all.
pub fn peak<T: Real>(isa: Isa) -> f64 {
    let mut best = 0.0;
    for _ in 0..40 {
        let start = Instant::now();
        let operations = kernel::spin::<T>(isa, 4000);
        let speed = operations as f64 / start.elapsed().as_secs_f64();
        if speed > best {
            best = speed;
        }
    }
    best
}
