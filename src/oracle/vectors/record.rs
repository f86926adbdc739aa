//! One case as arrays: inputs, rounded results with their proofs, allowed errors.

use super::ARITHMETICS;
use crate::Result;
use crate::data::json::Json;
use crate::data::{Array, Elements};
use crate::oracle::{Tensor, Value, Values};
use crate::scalar::Ball;

/// What is proven of how many numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Real numbers written as results.
    pub numbers: usize,
    /// Of these, proven to be the correctly rounded f64 of the true value.
    pub correct: usize,
    /// Of these, proven to be the true value itself.
    pub exact: usize,
    /// Numbers not proven that are 0 within their enclosure, and written as 0.
    pub zeros: usize,
    /// Numbers proven to be the correctly rounded f32.
    pub correct_f32: usize,
    /// Cases left out because no enclosure of finite width exists for them.
    pub left_out: usize,
}

impl Proof {
    /// Adds the counts of another.
    pub fn add(&mut self, other: &Proof) {
        self.numbers += other.numbers;
        self.correct += other.correct;
        self.exact += other.exact;
        self.zeros += other.zeros;
        self.correct_f32 += other.correct_f32;
        self.left_out += other.left_out;
    }
    /// As a field of a manifest.
    pub fn json(&self) -> Json {
        let count = |n: usize| Json::integer(n as i64);
        Json::object([
            ("numbers", count(self.numbers)),
            ("correctly_rounded_f64", count(self.correct)),
            ("exact", count(self.exact)),
            ("zero_within_enclosure", count(self.zeros)),
            ("correctly_rounded_f32", count(self.correct_f32)),
            ("cases_left_out", count(self.left_out)),
        ])
    }
}

/// The arrays of a case and what the manifest says of its results.
#[derive(Debug)]
pub(super) struct Record {
    /// L of [`crate::oracle::tolerance`].
    chain: f64,
    pub arrays: Vec<(String, Array)>,
    pub proof: Proof,
    /// Name of the array and what is proven of it.
    pub rounding: Vec<(String, Json)>,
}

/// A number rounded from its enclosure.
struct Rounded {
    f64: f64,
    f32: f32,
    correct: bool,
    correct_f32: bool,
    exact: bool,
    /// How far the truth may be from what is written.
    off: f64,
}

/// An enclosure that does not decide the rounding gives its midpoint, or 0 if it contains 0.
fn rounded(x: Ball) -> Rounded {
    let (wide, narrow) = (x.round_f64(), x.round_f32());
    let best = if wide.is_none() && x.contains(0.0) { 0.0 } else { x.mid().hi() };
    // Adding 0 makes a negative zero positive: the true value has no sign.
    let f64 = wide.unwrap_or(best) + 0.0;
    let exact = x.rad() == 0.0 && x.mid().lo() == 0.0;
    Rounded {
        f64,
        f32: narrow.unwrap_or(best as f32) + 0.0,
        correct: wide.is_some(),
        correct_f32: narrow.is_some(),
        exact,
        off: if exact { 0.0 } else { (x - Ball::exact(f64)).magnitude() },
    }
}

impl Record {
    pub fn of(chain: f64) -> Record {
        Record { chain, arrays: Vec::new(), proof: Proof::default(), rounding: Vec::new() }
    }
    /// Inputs or cotangents, as they are.
    pub fn given(&mut self, group: &str, values: &Values<Ball>) -> Result<()> {
        for (name, value) in values.iter() {
            let array = match value {
                Value::Int(t) => Array::from_i64(t.shape.clone(), t.data.clone())?,
                Value::Real(t) => Array::from_f64(t.shape.clone(), t.data.iter().map(|x| x.mid().hi()).collect())?,
            };
            self.arrays.push((format!("{group}/{name}"), array));
        }
        Ok(())
    }

    /// Results with their proofs; `allowed(name, k)` is the error, in units of the arithmetic's roundoff, that element k may have.
    pub fn results(&mut self, group: &str, values: &Values<Ball>, allowed: &dyn Fn(&str, usize) -> f64) -> Result<()> {
        for (name, value) in values.iter() {
            let key = format!("{group}/{name}");
            match value {
                Value::Int(t) => {
                    self.arrays.push((key.clone(), Array::from_i64(t.shape.clone(), t.data.clone())?));
                    self.rounding.push((key, Json::text("exact")));
                }
                Value::Real(t) => self.reals(group, name, t, &|k| allowed(name, k))?,
            }
        }
        Ok(())
    }

    fn reals(&mut self, group: &str, name: &str, t: &Tensor<Ball>, allowed: &dyn Fn(usize) -> f64) -> Result<()> {
        let numbers: Vec<Rounded> = t.data.iter().map(|&x| rounded(x)).collect();
        let count = |f: fn(&Rounded) -> bool| numbers.iter().filter(|x| f(x)).count();
        let (correct, exact) = (count(|x| x.correct), count(|x| x.exact));
        let (zeros, correct_f32) = (count(|x| !x.correct && x.f64 == 0.0), count(|x| x.correct_f32));
        self.proof.add(&Proof { numbers: numbers.len(), correct, exact, zeros, correct_f32, left_out: 0 });
        let key = format!("{group}/{name}");
        self.arrays.push((key.clone(), Array::from_f64(t.shape.clone(), numbers.iter().map(|x| x.f64).collect())?));
        let narrow = Elements::F32(numbers.iter().map(|x| x.f32).collect());
        self.arrays.push((format!("{group}_f32/{name}"), Array::new(t.shape.clone(), narrow)?));
        let mut errors = Vec::with_capacity(4 * numbers.len());
        for dtype in ARITHMETICS {
            for (k, x) in numbers.iter().enumerate() {
                errors.push(up(allowed(k) * dtype.unit(self.chain) + x.off + dtype.underflow()));
            }
        }
        let shape: Vec<usize> = std::iter::once(ARITHMETICS.len()).chain(t.shape.iter().copied()).collect();
        self.arrays.push((format!("allowed/{key}"), Array::new(shape, Elements::F32(errors))?));
        let verdict = if exact == numbers.len() {
            Json::text("exact")
        } else if correct == numbers.len() {
            Json::text("correct")
        } else {
            let open = numbers.iter().enumerate().filter(|(_, x)| !x.correct);
            let places: Vec<Json> = open.clone().map(|(k, _)| Json::integer(k as i64)).collect();
            let widest = open.map(|(_, x)| x.off).fold(0.0, |m: f64, x| if x > m { x } else { m });
            Json::object([("not_proven", Json::Array(places)), ("within", Json::real(widest))])
        };
        self.rounding.push((key, verdict));
        Ok(())
    }
}

/// The least f32 that is not below `x`; infinity above the greatest.
fn up(x: f64) -> f32 {
    let y = x as f32;
    if f64::from(y) < x { y.next_up() } else { y }
}
