//! Why a result differs: every mistake is tried on the question, alone and then two at a time, and what it predicts is held against what was claimed.
//!
//! An explanation fits if what it predicts differs from the claim by no more than rounding explains, and by much less than the truth does. Those that give the same
//! numbers on this input are returned together. In a coarse arithmetic, or for a single number, some of a thousand formulas fits by chance: an explanation that chance
//! would give as often as one time in a hundred is not offered.

use super::asked::Asked;
use super::mistake::{Form, Mistake, Other, real_values};
use super::mistakes::mistakes;
use super::{Claim, Dtype, Pair};
use crate::oracle::case::Case;
use crate::oracle::entry::{Entry, Number};
use crate::oracle::tolerance;
use crate::oracle::value::{Tensor, Values};
use crate::scalar::{Ball, DoubleDouble, Scalar};

/// A mistake by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `eps-for-eps2`, with the symbol, input or parameter behind a space where there are several: `transposed-input w`.
    pub name: String,
    /// What was done, in one line.
    pub says: String,
}

impl Cause {
    fn new(mistake: &Mistake, what: &str) -> Cause {
        let name = if what.is_empty() { mistake.name.to_string() } else { format!("{} {what}", mistake.name) };
        Cause { name, says: mistake.says.replace("{}", what) }
    }
    fn other(name: &str, says: String) -> Cause {
        Cause { name: name.into(), says }
    }
}

/// What explains a result that differs.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// One cause, or two that act together.
    pub causes: Vec<Cause>,
    /// The arrays that it explains.
    pub arrays: Vec<String>,
    /// What is left after correction, in ulps of the largest entry in the claimed arithmetic.
    pub ulps: f64,
}

impl Explanation {
    /// The names, joined.
    pub fn name(&self) -> String {
        self.causes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" + ")
    }
}

/// A mistake that gives the right result on this input.
#[derive(Clone, Debug)]
pub struct Blind {
    /// The mistake.
    pub cause: Cause,
    /// A question on which it does not.
    pub told_by: Case,
}

/// What one or more mistakes predict, array by array; `None` where they say nothing.
struct Base {
    causes: Vec<Cause>,
    arrays: Vec<Option<Tensor<Ball>>>,
    /// To be asked again with more digits.
    other: Option<Other>,
}

pub(super) struct Search<'a> {
    pub entry: &'a dyn Entry,
    pub claim: &'a Claim,
    /// The question as the claimed arithmetic holds it.
    pub case: &'a Case,
    pub pairs: &'a [Pair],
    /// Which of them agree with the truth.
    pub right: Vec<bool>,
}

/// Flops that a search for two mistakes may cost.
const BUDGET: f64 = 4e8;
/// The most rows whose order is looked for.
const ROWS: usize = 5000;

fn largest(t: &Tensor<Ball>) -> (f64, usize) {
    t.data.iter().enumerate().fold((0.0, 0), |m, (k, x)| if x.mid().hi().abs() > m.0 { (x.mid().hi().abs(), k) } else { m })
}
/// `c − r p`, without losing the digits of p.
fn distance(c: Ball, r: f64, p: Ball) -> f64 {
    (c.mid() - p.mid() * DoubleDouble::from_f64(r)).hi().abs()
}

impl Search<'_> {
    /// What rounding may do to an array: the derived bound at its largest entry, with room for a formula that is conditioned worse.
    fn bound(&self, pair: &Pair) -> f64 {
        let (rtol, atol) = self.claim.tolerance.unwrap_or((0.0, 0.0));
        let given = atol + rtol * largest(&pair.truth).0;
        let factors = self.entry.spec().tolerance;
        let unit = if pair.gradient { factors.gradient } else { factors.value } * self.claim.dtype.unit(tolerance::chain(self.case));
        let scale = pair.scale.as_ref().map_or(0.0, |s| largest(s).0);
        let room = match self.claim.dtype {
            Dtype::F64 => 16.0,
            Dtype::F32 => 4.0,
            _ => 1.5,
        };
        given.max(room * unit * scale) + self.claim.dtype.underflow()
    }
    /// The greatest difference of the claim from `ratio` times a prediction, if it is no more than rounding and the truth does not fit as well.
    fn fit(&self, pair: &Pair, predicted: &Tensor<Ball>, ratio: f64, room: f64) -> Option<f64> {
        if predicted.shape != pair.found.shape {
            return None;
        }
        let (most, _) = largest(predicted);
        let known = largest(&pair.truth).0;
        let grown = if known > 0.0 { (ratio.abs() * most / known).max(1.0) } else { 1.0 };
        let bound = room * (self.bound(pair) * grown).max(4.0 * self.claim.dtype.ulp(most * ratio.abs()));
        let mut worst = 0.0f64;
        for (&c, &p) in pair.found.data.iter().zip(&predicted.data) {
            let error = distance(c, ratio, p);
            if !(error <= bound) {
                return None;
            }
            worst = worst.max(error);
        }
        (worst * 4.0 <= self.error(pair)).then_some(worst)
    }
    /// The claim is as near to these values as to a truth.
    pub fn near(&self, pair: &Pair, values: &Tensor<Ball>) -> bool {
        let bound = self.bound(pair);
        pair.found.data.iter().zip(&values.data).all(|(c, p)| distance(*c, 1.0, *p) <= bound)
    }
    /// How far the claim is from the truth.
    fn error(&self, pair: &Pair) -> f64 {
        if pair.found.shape != pair.truth.shape {
            return f64::INFINITY;
        }
        let far = |(c, y): (&Ball, &Ball)| distance(*c, 1.0, *y);
        pair.found.data.iter().zip(&pair.truth.data).map(far).fold(0.0, |m, e| if e > m || e.is_nan() { e } else { m })
    }
    fn in_ulps(&self, pair: &Pair, error: f64) -> f64 {
        error / self.claim.dtype.ulp(largest(&pair.found).0)
    }

    /// The results of another question for every claimed array.
    fn predict(&self, number: Number, other: &Other) -> Option<Vec<Option<Tensor<Ball>>>> {
        let (mut outputs, mut gradients) = (Values::new(), None);
        if self.pairs.iter().any(|p| !p.gradient) {
            outputs = self.entry.eval_in(number, &other.case).ok()?;
            if self.pairs.iter().any(|p| !p.gradient && outputs.get(&p.name).is_none()) {
                for (name, value) in self.entry.stages_in(number, &other.case).ok()?.iter() {
                    outputs.set(name, value.clone());
                }
            }
        }
        if let (true, Some(back)) = (self.pairs.iter().any(|p| p.gradient), &other.back) {
            gradients = self.entry.vjp_in(number, &other.case, &self.claim.cotangents).ok().and_then(|g| back(&g));
        }
        Some(
            self.pairs
                .iter()
                .map(|p| if p.gradient { gradients.as_ref()?.real(&p.name).ok().cloned() } else { named(&outputs, &p.name) })
                .collect(),
        )
    }
    /// What every question and formula predicts for a case.
    fn bases(&self, case: &Case, before: &[Cause], skip: &[&str], budget: &mut usize) -> Vec<Base> {
        let asked = Asked::new(self.entry, case);
        let mut out: Vec<Base> = Vec::new();
        for mistake in mistakes().filter(|m| !skip.contains(&m.name)) {
            let with = |what: &str| before.iter().cloned().chain([Cause::new(mistake, what)]).collect::<Vec<_>>();
            match mistake.form {
                Form::Question(ask) => {
                    for other in ask(&asked) {
                        if *budget == 0 {
                            return out;
                        }
                        *budget -= 1;
                        if let Some(arrays) = self.predict(Number::F64, &other) {
                            out.push(Base { causes: with(&other.what), arrays, other: Some(other) });
                        }
                    }
                }
                Form::Formula(formula) if *budget > 0 => {
                    if let Some(Ok(values)) = formula(&asked) {
                        *budget -= 1;
                        let values = real_values(values);
                        let arrays = self.pairs.iter().map(|p| if p.gradient { None } else { named(&values, &p.name) }).collect();
                        out.push(Base { causes: with(""), arrays, other: None });
                    }
                }
                _ => {}
            }
        }
        out
    }
    fn truth(&self) -> Base {
        Base { causes: Vec::new(), arrays: self.pairs.iter().map(|p| Some(p.truth.clone())).collect(), other: None }
    }
    /// Every number that a result is mistakenly multiplied by.
    fn factors(&self) -> Vec<(Cause, f64)> {
        let asked = Asked::new(self.entry, self.case);
        let mut out = Vec::new();
        for mistake in mistakes() {
            if let Form::Factor(factors) = mistake.form {
                let legal = factors(&asked).into_iter().filter(|(_, f)| f.is_finite() && *f != 0.0 && *f != 1.0);
                out.extend(legal.map(|(what, f)| (Cause::new(mistake, &what), f)));
            }
        }
        out
    }

    /// The worst difference over the wrong arrays in ulps, and those that are explained; `None` if one of them does not fit or a right one is changed.
    fn fits(&self, wrong: &[usize], arrays: &[Option<Tensor<Ball>>], ratio: f64, room: f64) -> Option<(f64, Vec<usize>)> {
        let (mut worst, mut explained) = (0.0f64, Vec::new());
        for &i in wrong {
            if let Some(predicted) = &arrays[i] {
                let pair = &self.pairs[i];
                worst = worst.max(self.in_ulps(pair, self.fit(pair, predicted, ratio, room)?));
                explained.push(i);
            }
        }
        (!explained.is_empty()).then_some((worst, explained))
    }
    /// A mistake in the question or the formula changes every array: those that are right must stay right.
    fn keeps(&self, arrays: &[Option<Tensor<Ball>>]) -> bool {
        self.pairs.iter().enumerate().filter(|(i, _)| self.right[*i]).all(|(i, pair)| match &arrays[i] {
            Some(t) if t.shape == pair.found.shape => {
                let bound = 2.0 * self.bound(pair);
                t.data.iter().zip(&pair.found.data).all(|(p, c)| distance(*c, 1.0, *p) <= bound)
            }
            Some(_) => false,
            None => true,
        })
    }
    fn explanation(&self, causes: Vec<Cause>, (ulps, explained): (f64, Vec<usize>)) -> Explanation {
        let arrays = explained.iter().map(|&i| self.pairs[i].label()).collect();
        Explanation { causes, arrays, ulps }
    }
    /// Holds a base against the claim, in double-double if it is a question.
    fn alone(&self, wrong: &[usize], base: &Base) -> Option<Explanation> {
        if base.causes.is_empty() || !self.keeps(&base.arrays) {
            return None;
        }
        let mut fit = self.fits(wrong, &base.arrays, 1.0, 2.0)?;
        if let Some(sharp) = base.other.as_ref().and_then(|o| self.predict(Number::Double, o)) {
            fit = self.fits(wrong, &sharp, 1.0, 1.0)?;
        }
        Some(self.explanation(base.causes.clone(), fit))
    }
    /// A base times one of the factors.
    fn times(&self, wrong: &[usize], base: &Base, factors: &[(Vec<Cause>, f64)]) -> Vec<Explanation> {
        let Some((first, p)) = wrong.iter().find_map(|&i| Some((&self.pairs[i], base.arrays[i].as_ref()?))) else { return Vec::new() };
        let (most, at) = largest(p);
        if most == 0.0 || p.shape != first.found.shape || !self.keeps(&base.arrays) {
            return Vec::new();
        }
        let ratio = first.found.data[at].mid().hi() / p.data[at].mid().hi();
        let known = largest(&first.truth).0;
        let near = 4.0 * self.bound(first) * (if known > 0.0 { (most / known).max(1.0) } else { 1.0 }) / most + 8.0 * f64::EPSILON;
        let fits = |(causes, f): &(Vec<Cause>, f64)| {
            if (ratio - f).abs() > near * f.abs().max(1.0) {
                return None;
            }
            let causes = base.causes.iter().chain(causes).cloned().collect();
            Some(self.explanation(causes, self.fits(wrong, &base.arrays, *f, 2.0)?))
        };
        factors.iter().filter_map(fits).collect()
    }
    /// A base whose results were put down differently.
    fn rearranged(&self, wrong: &[usize], base: &Base) -> Vec<Explanation> {
        let asked = Asked::new(self.entry, self.case);
        let mut out = Vec::new();
        for mistake in mistakes() {
            let Form::Results(form) = mistake.form else { continue };
            let each: Vec<(usize, Vec<(String, Tensor<Ball>)>)> =
                wrong.iter().filter_map(|&i| Some((i, form(&asked, base.arrays[i].as_ref()?, self.pairs[i].gradient)))).collect();
            let Some((_, first)) = each.first() else { continue };
            for (what, _) in first {
                let mut arrays: Vec<Option<Tensor<Ball>>> = vec![None; self.pairs.len()];
                for (i, variants) in &each {
                    let fitting =
                        variants.iter().filter(|(w, _)| w == what).find(|(_, t)| self.fit(&self.pairs[*i], t, 1.0, 2.0).is_some());
                    arrays[*i] = fitting.map(|(_, t)| t.clone());
                }
                if each.iter().all(|(i, _)| arrays[*i].is_some())
                    && self.keeps(&base.arrays)
                    && let Some(fit) = self.fits(wrong, &arrays, 1.0, 2.0)
                {
                    let causes = base.causes.iter().cloned().chain([Cause::new(mistake, what)]).collect();
                    let found = self.explanation(causes, fit);
                    if !out.iter().any(|e: &Explanation| e.causes == found.causes) {
                        out.push(found);
                    }
                }
            }
        }
        out
    }
    /// Rows in another order, and right numbers under another shape.
    fn order(&self, wrong: &[usize], base: &Base) -> Option<Explanation> {
        let (mut worst, mut says) = (0.0f64, None);
        for &i in wrong {
            let (pair, t) = (&self.pairs[i], base.arrays[i].as_ref()?);
            if pair.found.shape != t.shape {
                let same = Tensor { shape: pair.found.shape.clone(), data: t.data.clone() };
                worst =
                    worst.max(self.in_ulps(pair, self.fit(pair, &same, 1.0, 2.0).filter(|_| same.data.len() == pair.found.data.len())?));
                says = Some(("other-shape", "the right numbers under another shape".to_string()));
                continue;
            }
            let (rows, cols) = (t.shape.first().copied().filter(|_| t.shape.len() > 1)?, t.data.len() / t.shape.first()?.max(&1));
            if !(2..=ROWS).contains(&rows) || cols == 0 {
                return None;
            }
            let bound = 2.0 * self.bound(pair);
            let mut used = vec![false; rows];
            for (r, got) in pair.found.data.chunks(cols).enumerate() {
                let same = |s: usize| t.data[s * cols..(s + 1) * cols].iter().zip(got).all(|(p, c)| distance(*c, 1.0, *p) <= bound);
                let from = (0..rows).find(|&s| !used[s] && same(s))?;
                used[from] = true;
                if from != r && says.is_none() {
                    says = Some(("rows-permuted", format!("the rows are in another order: row {r} is row {from} of the truth")));
                }
            }
        }
        let (name, says) = says?;
        let causes = base.causes.iter().cloned().chain([Cause::other(name, says)]).collect();
        Some(self.explanation(causes, (worst, wrong.to_vec())))
    }
    /// Nothing but zeros where values are wanted.
    fn zeros(&self, wrong: &[usize]) -> Option<Explanation> {
        let empty = |&i: &usize| !self.pairs[i].gradient && self.pairs[i].found.data.iter().all(|x| x.mid().hi() == 0.0);
        let says = "every entry is 0: nothing was computed, or everything was cut off".to_string();
        wrong.iter().all(empty).then(|| self.explanation(vec![Cause::other("zeros", says)], (0.0, wrong.to_vec())))
    }
    /// Every entry the same multiple of what it should be.
    fn constant(&self, wrong: &[usize]) -> Option<Explanation> {
        let first = &self.pairs[*wrong.first()?];
        let (most, at) = largest(&first.truth);
        let elements: usize = wrong.iter().map(|&i| self.pairs[i].truth.data.iter().filter(|x| x.mid().hi() != 0.0).count()).sum();
        if most == 0.0 || elements < 2 || first.found.shape != first.truth.shape {
            return None;
        }
        let ratio = (first.found.data[at].mid() / first.truth.data[at].mid()).hi();
        let fit = self.fits(wrong, &self.truth().arrays, ratio, 2.0)?;
        let says = format!("every entry is {ratio} times what it should be, a number that no known mistake gives");
        Some(self.explanation(vec![Cause::other("constant-factor", says)], fit))
    }
    /// Errors as large as those of a shorter arithmetic.
    fn shorter(&self, wrong: &[usize]) -> Option<Explanation> {
        let switches = [
            (Dtype::F32, "computed in f32 (torch.set_default_dtype, jax_enable_x64), or stored as f32"),
            (Dtype::Tf32, "products in TF32: torch.backends.cuda.matmul.allow_tf32 = False, jax_default_matmul_precision = \"highest\""),
            (Dtype::F16, "computed or stored in f16: torch.autocast, .half()"),
            (Dtype::Bf16, "computed or stored in bf16: torch.autocast, jax_default_matmul_precision"),
        ];
        let chain = tolerance::chain(self.case);
        let claimed = self.claim.dtype.unit(chain);
        for (dtype, says) in switches {
            let times = dtype.unit(chain) / claimed;
            let near = |&i: &usize| {
                let pair = &self.pairs[i];
                let bound = self.bound(pair) / if self.claim.dtype == Dtype::F64 { 16.0 } else { 4.0 } * times;
                let error = self.error(pair);
                error <= bound && error <= 0.05 * largest(&pair.truth).0
            };
            // Of a single number nothing but f32 is said: errors of a percent have many reasons.
            let numbers: usize = wrong.iter().map(|&i| self.pairs[i].found.data.len()).sum();
            if times > 1.5 && wrong.iter().all(near) && (numbers >= 4 || dtype == Dtype::F32) {
                let error =
                    wrong.iter().map(|&i| self.error(&self.pairs[i]) / dtype.ulp(largest(&self.pairs[i].truth).0)).fold(0.0, f64::max);
                let says = format!("the errors are those of {}: {says}", dtype.name());
                return Some(self.explanation(vec![Cause::other(&format!("computed-in {}", dtype.name()), says)], (error, wrong.to_vec())));
            }
        }
        None
    }
    /// Whether chance gives such a fit among `tried` predictions at least once in `1/often`.
    fn by_chance(&self, found: &Explanation, tried: usize, often: f64) -> bool {
        let mut chance = tried as f64;
        for pair in self.pairs.iter().filter(|p| found.arrays.contains(&p.label())) {
            let (most, _) = largest(&pair.found);
            let numbers = pair.found.data.iter().filter(|x| x.mid().hi() != 0.0).count().min(4);
            let share = if most > 0.0 { (2.0 * self.bound(pair) / most).min(1.0) } else { 1.0 };
            // Zeros where the truth has none say something too.
            chance *= share.powi(numbers.max(usize::from(most == 0.0)) as i32);
            if most == 0.0 && largest(&pair.truth).0 > self.bound(pair) {
                chance = 0.0;
            }
        }
        chance > often
    }
    fn affordable(&self) -> usize {
        let asked = Asked::new(self.entry, self.case);
        let elements: usize = self.case.inputs.iter().map(|(_, v)| v.shape().iter().product::<usize>()).sum();
        let flops = (self.entry.spec().flops)(&|s| asked.size(s).or_else(|| asked.param(s)).unwrap_or(1.0));
        let gradients = if self.pairs.iter().any(|p| p.gradient) { 4.0 } else { 1.0 };
        (BUDGET / (gradients * flops + 100.0 * elements as f64 + 2e4)) as usize
    }

    /// What explains the arrays `wrong`, the best first.
    pub fn explain(&self, wrong: &[usize]) -> Vec<Explanation> {
        if wrong.iter().any(|&i| self.pairs[i].found.data.iter().any(|x| !x.mid().hi().is_finite())) {
            return Vec::new();
        }
        let factors = self.factors();
        let singles: Vec<(Vec<Cause>, f64)> = factors.iter().map(|(c, f)| (vec![c.clone()], *f)).collect();
        let truth = self.truth();
        let mut budget = 400.min(self.affordable().max(60));
        let bases = self.bases(self.case, &[], &[], &mut budget);
        let mut found: Vec<Explanation> = self.zeros(wrong).into_iter().collect();
        found.extend(bases.iter().filter_map(|b| self.alone(wrong, b)));
        found.extend(self.times(wrong, &truth, &singles));
        found.extend(self.rearranged(wrong, &truth));
        if found.is_empty() {
            found.extend(self.order(wrong, &truth));
        }
        let mut tried = bases.len() + singles.len() + 10;
        found.retain(|e| !self.by_chance(e, tried, 0.5));
        if found.is_empty() {
            // A mistake that changes nothing here is no half of an explanation.
            let bases: Vec<Base> = bases.into_iter().filter(|b| !self.is_truth(b)).collect();
            let twice: Vec<(Vec<Cause>, f64)> = (0..factors.len())
                .flat_map(|i| (i + 1..factors.len()).map(move |j| (i, j)))
                .map(|(i, j)| (vec![factors[i].0.clone(), factors[j].0.clone()], factors[i].1 * factors[j].1))
                .filter(|(_, f)| *f != 1.0)
                .collect();
            found.extend(self.times(wrong, &truth, &twice));
            for base in &bases {
                found.extend(self.times(wrong, base, &singles));
                found.extend(self.rearranged(wrong, base));
                found.extend(self.order(wrong, base));
            }
            tried += twice.len() + bases.len() * (singles.len() + 10);
            tried += self.two_questions(wrong, &bases, &mut found);
            found.retain(|e| !self.by_chance(e, tried, 0.01));
        }
        if found.is_empty() {
            found.extend(self.shorter(wrong));
        }
        if found.is_empty() {
            found.extend(self.constant(wrong));
        }
        found.sort_by(|a, b| b.arrays.len().cmp(&a.arrays.len()).then(a.ulps.total_cmp(&b.ulps)));
        found.dedup_by(|a, b| a.causes == b.causes);
        found
    }
    /// Two mistakes in the question, or one in the question and one in the formula.
    fn two_questions(&self, wrong: &[usize], bases: &[Base], found: &mut Vec<Explanation>) -> usize {
        let order: Vec<&str> = mistakes().map(|m| m.name).collect();
        let mut budget = self.affordable().min(4000);
        let before = budget;
        for first in bases.iter().filter_map(|b| b.other.as_ref().map(|o| (b, o))) {
            let (base, other) = first;
            // Each pair once: the second comes behind the first in the list.
            let name = base.causes[0].name.split(' ').next().unwrap_or("");
            let place = order.iter().position(|n| *n == name).map_or(0, |i| i + 1);
            for second in self.bases(&other.case, &base.causes, &order[..place], &mut budget) {
                let mut arrays = second.arrays;
                if let Some(back) = &other.back {
                    let gradients: Values<Ball> = self
                        .pairs
                        .iter()
                        .zip(&arrays)
                        .filter(|(p, _)| p.gradient)
                        .filter_map(|(p, t)| Some((p.name.clone(), crate::oracle::Value::Real(t.clone()?))))
                        .collect();
                    let carried = back(&gradients);
                    for (pair, slot) in self.pairs.iter().zip(&mut arrays).filter(|(p, _)| p.gradient) {
                        *slot = carried.as_ref().and_then(|g| g.real(&pair.name).ok().cloned());
                    }
                } else {
                    self.pairs.iter().zip(&mut arrays).filter(|(p, _)| p.gradient).for_each(|(_, slot)| *slot = None);
                }
                if self.keeps(&arrays)
                    && let Some(fit) = self.fits(wrong, &arrays, 1.0, 2.0)
                {
                    found.push(self.explanation(second.causes, fit));
                }
            }
            if budget == 0 {
                break;
            }
        }
        before - budget
    }

    /// What is predicted is the truth, wherever something is.
    fn is_truth(&self, base: &Base) -> bool {
        base.arrays.iter().any(Option::is_some)
            && self.pairs.iter().zip(&base.arrays).all(|(pair, t)| {
                let bound = self.bound(pair);
                t.as_ref().is_none_or(|t| {
                    t.shape == pair.truth.shape && t.data.iter().zip(&pair.truth.data).all(|(p, y)| distance(*p, 1.0, *y) <= bound)
                })
            })
    }
    /// Mistakes that predict the truth on this input, each with a question on which it does not.
    pub fn blind(&self) -> Vec<Blind> {
        let mut budget = 400.min(self.affordable().max(60));
        let bases = self.bases(self.case, &[], &[], &mut budget);
        let mut out: Vec<Blind> = Vec::new();
        for base in bases.iter().filter(|b| self.is_truth(b)) {
            let cause = &base.causes[0];
            if !out.iter().any(|b| b.cause == *cause)
                && let Some(told_by) =
                    super::reproduce::telling(self.entry, cause, self.case.preset.as_deref(), self.pairs.iter().all(|p| p.gradient))
            {
                out.push(Blind { cause: cause.clone(), told_by: told_by.case });
            }
        }
        out
    }
}

fn named(values: &Values<Ball>, name: &str) -> Option<Tensor<Ball>> {
    values.get(name).map(super::judge::reals)
}

/// What a single mistake makes of a case: `(right, wrong)` outputs, or gradients for these cotangents; nothing where it does not apply.
pub(super) fn results_under(
    entry: &dyn Entry,
    case: &Case,
    cotangents: Option<&Values<Ball>>,
    name: &str,
) -> Option<(Values<Ball>, Values<Ball>)> {
    let asked = Asked::new(entry, case);
    let run = |case: &Case| match cotangents {
        Some(y) => entry.vjp_in(Number::F64, case, y).ok(),
        None => entry.eval_in(Number::F64, case).ok(),
    };
    let right: Values<Ball> = run(case)?
        .iter()
        .filter(|(n, _)| cotangents.is_none() || case.inputs.get(n).is_some())
        .map(|(n, v)| (n.to_string(), v.clone()))
        .collect();
    let (family, what) = name.split_once(' ').unwrap_or((name, ""));
    let mistake = mistakes().find(|m| m.name == family)?;
    let each = |f: &dyn Fn(&Tensor<Ball>) -> Option<Tensor<Ball>>| -> Option<Values<Ball>> {
        right.reals().map(|(n, t)| Some((n.to_string(), crate::oracle::Value::Real(f(t)?)))).collect()
    };
    let wrong = match mistake.form {
        Form::Factor(factors) => {
            let (_, factor) = factors(&asked).into_iter().find(|(w, _)| w == what)?;
            each(&|t| Some(t.map(|x| Ball::exact(x.mid().hi() * factor))))?
        }
        Form::Question(ask) => {
            let other = ask(&asked).into_iter().find(|o| o.what == what)?;
            let answer = run(&other.case)?;
            if cotangents.is_some() { other.back.as_ref()?(&answer)? } else { answer }
        }
        Form::Formula(formula) if cotangents.is_none() => real_values(formula(&asked)?.ok()?),
        Form::Formula(_) => return None,
        Form::Results(form) => each(&|t| form(&asked, t, cotangents.is_some()).into_iter().find(|(w, _)| w == what).map(|(_, t)| t))?,
    };
    Some((right, wrong))
}
