//! The driver: mutates seeds, runs the body of a target on them, keeps what had a new outcome as further seeds.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};
use white_box::Error;

/// A parser to fuzz.
pub struct Target {
    pub name: &'static str,
    /// Checks the properties for one input and returns its [`outcome`].
    pub body: fn(&[u8]) -> u64,
    /// Valid and hostile inputs to start from, and pieces to insert.
    pub seeds: Seeds,
    /// Inputs are at most this long.
    pub longest: usize,
}
pub struct Seeds {
    pub inputs: Vec<Vec<u8>>,
    pub tokens: Vec<Vec<u8>>,
}

/// A number for what came of an input: equal for errors of the same kind in the same place of the program, whatever the numbers (and checksums) in their texts.
pub fn outcome<T>(result: &Result<T, Error>) -> u64 {
    let Err(error) = result else { return 0 };
    let mut hasher = DefaultHasher::new();
    let fault = error.fault();
    (error.kind(), fault.name).hash(&mut hasher);
    for byte in fault.expected.bytes().filter(|b| !b.is_ascii_hexdigit()) {
        byte.hash(&mut hasher);
    }
    hasher.finish()
}

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014).
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const INTERESTING: [u64; 16] = [0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 48, u64::MAX];
const BYTES: &[u8] = b"\0\x01\x7f\x80\xff \n\r\t\"\\,:;.-+eE0123456789()[]{}'#LuN\x1f";

fn mutate(input: &mut Vec<u8>, random: &mut Random, corpus: &[Vec<u8>], tokens: &[Vec<u8>], longest: usize) {
    let times = 1 + random.next().trailing_zeros().min(6);
    for _ in 0..times {
        let length = input.len();
        let at = random.below(length + 1);
        let some = 1 + random.below(8);
        match random.below(12) {
            0 | 1 if at < length => input[at] ^= 1 << random.below(8),
            2 if at < length => input[at] = *random.pick(BYTES),
            3 if at < length => input[at] = input[at].wrapping_add(*random.pick(&[1, 255, 16, 240])),
            4 => {
                let token = random.pick(tokens);
                if random.below(2) == 0 {
                    input.splice(at..at, token.iter().copied());
                } else {
                    input.splice(at..(at + token.len()).min(length), token.iter().copied());
                }
            }
            5 => drop(input.drain(at..(at + some).min(length))),
            6 => {
                let from = random.below(length + 1);
                let piece = input[from..(from + some * some).min(length)].to_vec();
                input.splice(at..at, piece);
            }
            7 => {
                let other = random.pick(corpus);
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + some * some).min(other.len())];
                input.splice(at..(at + if random.below(2) == 0 { piece.len() } else { 0 }).min(length), piece.iter().copied());
            }
            8 if random.below(4) == 0 => input.truncate(at),
            9 => {
                let value = match random.below(4) {
                    0 => *random.pick(&INTERESTING),
                    1 => length as u64,
                    2 => at as u64,
                    _ => random.next() >> random.below(64),
                }
                .wrapping_add(random.below(5) as u64)
                .wrapping_sub(2);
                let width = *random.pick(&[1, 2, 4, 8]);
                let bytes = if random.below(4) == 0 { value.swap_bytes().to_le_bytes() } else { value.to_le_bytes() };
                let bytes = if random.below(4) == 0 { &bytes[8 - width..] } else { &bytes[..width] };
                input.splice(at..(at + width).min(length), bytes.iter().copied());
            }
            10 => {
                // A number in a text: another digit, or one more or less.
                if let Some(digit) = input[at..].iter().position(u8::is_ascii_digit) {
                    input[at + digit] = b'0' + random.below(10) as u8;
                }
            }
            _ => input.insert(at, random.next() as u8),
        }
    }
    input.truncate(longest);
}

/// Runs a target as often as `WHITE_BOX_FUZZ` says, else 20,000 times.
pub fn run(target: &Target) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let asked = number("WHITE_BOX_FUZZ");
    let executions = asked.unwrap_or(20_000);
    let seed = number("WHITE_BOX_FUZZ_SEED").unwrap_or(0);
    let mut random = Random(seed);
    let mut corpus = target.seeds.inputs.clone();
    let mut outcomes = std::collections::HashSet::new();
    let mut accepted = 0u64;
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    let (mut last, mut report) = (start, start);
    let mut input = Vec::new();
    for execution in 0..executions + corpus.len() as u64 {
        // First the seeds as they are.
        input.clear();
        match corpus.get(execution as usize).filter(|_| execution < target.seeds.inputs.len() as u64) {
            Some(seed) => input.extend_from_slice(seed),
            None => {
                let parents = if random.below(2) == 0 { &corpus[..] } else { &target.seeds.inputs[..] };
                input.extend_from_slice(random.pick::<Vec<u8>>(parents));
                mutate(&mut input, &mut random, &corpus, &target.seeds.tokens, target.longest);
            }
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.body)(&input))).unwrap_or_else(|panic| {
            let hex: String = input.iter().map(|b| format!("{b:02x}")).collect();
            eprintln!("{}: execution {execution} of seed {seed} on {} bytes {hex}\n  {}", target.name, input.len(), input.escape_ascii());
            resume_unwind(panic);
        });
        accepted += u64::from(outcome == 0);
        // Errors of a new kind are seeds; of what is accepted, now and then one.
        let kept = if outcome == 0 { random.below(1 << 14) == 0 } else { outcomes.insert(outcome) };
        if kept && corpus.len() < 4096 {
            corpus.push(input.clone());
        }
        let now = Instant::now();
        if now - last > slowest {
            slowest = now - last;
            assert!(slowest < Duration::from_secs(20), "{}: {} took {slowest:?}", target.name, input.escape_ascii());
        }
        last = now;
        if asked.is_some() && now - report > Duration::from_secs(20) {
            report = now;
            let rate = execution as f64 / (now - start).as_secs_f64();
            eprintln!("{}: {execution} executions, {rate:.0}/s, {} outcomes, {accepted} accepted", target.name, outcomes.len());
        }
    }
    let (time, count) = (start.elapsed(), executions);
    eprintln!(
        "{}: {count} executions in {time:.1?}, {} outcomes, {accepted} accepted, slowest {slowest:?}, peak memory {}",
        target.name,
        outcomes.len(),
        peak_memory().map_or("unknown".into(), |mib| format!("{mib} MiB"))
    );
    assert!(accepted > 0 && outcomes.len() > 3, "{}: the mutations reach nothing", target.name);
    assert!(peak_memory().is_none_or(|mib| mib < 1024), "inputs of some hundred bytes must not take a GiB");
}

/// The most memory this process ever had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
