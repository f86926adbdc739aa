//! Inside, outside or undecided: one array against its enclosure.

use super::dtype::Dtype;
use crate::oracle::shape;
use crate::oracle::value::{Tensor, Value};
use crate::scalar::Ball;

/// The verdict on one array.
#[derive(Clone, Debug)]
pub struct Item {
    /// The output's name, or `grad_<input>`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Elements compared.
    pub elements: usize,
    /// Elements surely outside the allowed error.
    pub outside: usize,
    /// Elements the enclosure is too wide to judge.
    pub undecided: usize,
    /// The element with the greatest error relative to what is allowed there, if there are elements.
    pub worst: Option<Worst>,
    /// Greatest absolute difference and its place.
    pub greatest_absolute: (f64, usize),
    /// Greatest relative difference and its place.
    pub greatest_relative: (f64, usize),
    /// The largest magnitude of the truth: ulps of small entries mean little.
    pub largest: f64,
    /// The largest error that is allowed anywhere.
    pub allowed: f64,
    /// The first element that is NaN or infinite.
    pub not_finite: Option<usize>,
    /// A shape that does not fit, in the words NumPy uses.
    pub fault: Option<String>,
    /// For a stage that differs: whether it follows from the candidate's own stages before it. `Some(true)`: the fault is older; `Some(false)`: it is made
    /// here; `None`: the stages it follows from were not given.
    pub step_is_right: Option<bool>,
    /// Who else would have noticed: `(tool, noticed)` at its default tolerances.
    pub elsewhere: [(&'static str, bool); 3],
}

/// The element with the greatest error relative to what is allowed there.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    /// Its place in the flat array.
    pub at: usize,
    /// The candidate's number.
    pub found: f64,
    /// The truth.
    pub truth: Ball,
    /// The error that is allowed there.
    pub allowed: f64,
    /// The error over what is allowed.
    pub share: f64,
}

impl Worst {
    /// The least error that the enclosure leaves possible; infinite for a NaN.
    pub fn error(&self) -> f64 {
        error(self.found, self.truth).0
    }
    /// Decimal digits that are right: −log₁₀ of the relative error, at most 17.
    pub fn right_digits(&self) -> f64 {
        let size = self.truth.magnitude();
        let relative = if size > 0.0 { self.error() / size } else { f64::from(u8::from(self.error() > 0.0)) };
        (-relative.log10()).clamp(0.0, 17.0)
    }
}

impl Item {
    /// Every element inside.
    pub fn agrees(&self) -> bool {
        self.fault.is_none() && self.outside == 0 && self.undecided == 0
    }
    /// Surely wrong somewhere.
    pub fn differs(&self) -> bool {
        self.fault.is_some() || self.outside > 0
    }
    /// The index of a flat place, as Python prints it: `(1, 2)`, `()` for one number.
    pub fn index(&self, at: usize) -> String {
        let index = Tensor { shape: self.shape.clone(), data: Vec::<()>::new() }.index(at);
        let words: Vec<String> = index.iter().map(usize::to_string).collect();
        format!("({}{})", words.join(", "), if words.len() == 1 { "," } else { "" })
    }
}

/// How elements are held against the truth.
pub(super) struct Rule<'a> {
    /// `√L (σ_i + |y_i|)`, element by element; none for integers.
    pub scale: Option<&'a Tensor<Ball>>,
    /// What multiplies the scale.
    pub unit: f64,
    /// `(rtol, atol)` in place of all that.
    pub tolerance: Option<(f64, f64)>,
    pub dtype: Dtype,
    pub gradient: bool,
    /// The enclosure is proven; else it is double-double, and what it cannot exclude stays undecided.
    pub certified: bool,
}

impl Rule<'_> {
    fn allowed(&self, k: usize, truth: Ball) -> f64 {
        match (self.tolerance, self.scale) {
            (Some((rtol, atol)), _) => atol + rtol * truth.magnitude(),
            (None, Some(scale)) => self.unit * scale.data.get(k).map_or(0.0, |s| s.mid().hi()) + self.dtype.underflow(),
            (None, None) => 0.0,
        }
    }
}

/// The least and the greatest error of a point against an enclosure.
fn error(found: f64, truth: Ball) -> (f64, f64) {
    if !found.is_finite() {
        return (f64::INFINITY, f64::INFINITY);
    }
    let difference = Ball::exact(found) - truth;
    (difference.mignitude(), difference.magnitude())
}

/// Integers count as reals.
pub(super) fn reals(value: &Value<Ball>) -> Tensor<Ball> {
    match value {
        Value::Real(t) => t.clone(),
        Value::Int(t) => t.map(|i| Ball::exact(i as f64)),
    }
}

/// Holds one array against its truth.
pub(super) fn judge(name: String, found: &Tensor<Ball>, truth: &Tensor<Ball>, rule: &Rule) -> Item {
    let habits = if rule.gradient { rule.dtype.gradient_habits(truth.data.len()) } else { rule.dtype.habits() };
    let mut item = Item {
        name,
        shape: truth.shape.clone(),
        elements: truth.data.len(),
        outside: 0,
        undecided: 0,
        worst: None,
        greatest_absolute: (0.0, 0),
        greatest_relative: (0.0, 0),
        largest: truth.data.iter().fold(0.0f64, |m, y| m.max(y.mid().hi().abs())),
        allowed: 0.0,
        not_finite: None,
        fault: None,
        step_is_right: None,
        elsewhere: habits.map(|(who, ..)| (who, false)),
    };
    if found.shape != truth.shape {
        let words = |shape: &[usize]| {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({}{})", sizes.join(", "), if sizes.len() == 1 { "," } else { "" })
        };
        item.fault = Some(format!(
            "(shapes {}, {} mismatch): found {}, expected {}",
            words(&found.shape),
            words(&truth.shape),
            shape::found(&found.shape),
            shape::found(&truth.shape)
        ));
        item.elsewhere.iter_mut().for_each(|(_, noticed)| *noticed = true);
        return item;
    }
    for (k, (x, &y)) in found.data.iter().zip(&truth.data).enumerate() {
        let x = x.mid().hi();
        let ((least, most), allowed) = (error(x, y), rule.allowed(k, y));
        if least > allowed {
            item.outside += 1;
        } else if most > allowed || !rule.certified {
            item.undecided += 1;
        }
        if !x.is_finite() && item.not_finite.is_none() {
            item.not_finite = Some(k);
        }
        item.allowed = item.allowed.max(allowed);
        let share = if least == 0.0 { 0.0 } else { least / allowed };
        if item.worst.is_none_or(|w| share > w.share) {
            item.worst = Some(Worst { at: k, found: x, truth: y, allowed, share });
        }
        let size = y.magnitude();
        let relative = if least == 0.0 { 0.0 } else { least / size };
        for (slot, value) in [(&mut item.greatest_absolute, least), (&mut item.greatest_relative, relative)] {
            if value > slot.0 {
                *slot = (value, k);
            }
        }
        let (y, distance) = (y.mid().hi(), (x - y.mid().hi()).abs());
        for ((_, noticed), (_, rtol, atol)) in item.elsewhere.iter_mut().zip(habits) {
            *noticed |= !(distance <= atol + rtol * y.abs());
        }
    }
    item
}
