//! Someone's results against the certified truth: inside, outside, or undecided, element by element; and if outside, why.
//!
//! The truth is the enclosure of the operator at the inputs *as the claimed arithmetic holds them*; the allowed error is that of
//! [`tolerance`] in the unit roundoff of that arithmetic. An element is inside if every number of its enclosure is within the allowed error of
//! the candidate's, outside if none is, and undecided otherwise: the oracle never fails anyone for its own error.

mod asked;
mod dtype;
mod explain;
mod judge;
mod mistake;
mod mistakes;
mod reproduce;
mod steps;
mod words;

pub use asked::Asked;
pub use dtype::Dtype;
pub use explain::{Blind, Cause, Explanation};
pub use judge::{Item, Worst};
pub use mistake::{Form, Mistake, Other};
pub use mistakes::mistakes;
pub use reproduce::{Reproducer, telling};

use super::case::Case;
use super::entry::{Entry, Number};
use super::tolerance;
use super::value::{Tensor, Values};
use crate::scalar::Ball;
use crate::{Error, Result};
use judge::{Rule, judge, reals};

/// What a candidate claims about one case.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The question.
    pub case: Case,
    /// Its outputs, stages included; may be empty.
    pub outputs: Values<Ball>,
    /// Its gradients by input name; may be empty.
    pub gradients: Values<Ball>,
    /// The cotangents its gradients belong to.
    pub cotangents: Values<Ball>,
    /// The arithmetic it claims.
    pub dtype: Dtype,
    /// `(rtol, atol)` in place of the derived bound.
    pub tolerance: Option<(f64, f64)>,
}

impl Claim {
    /// Outputs of an f64 implementation.
    pub fn of_outputs(case: Case, outputs: Values<Ball>) -> Claim {
        Claim { case, outputs, gradients: Values::new(), cotangents: Values::new(), dtype: Dtype::F64, tolerance: None }
    }
    /// With gradients for these cotangents.
    pub fn with_gradients(self, cotangents: Values<Ball>, gradients: Values<Ball>) -> Claim {
        Claim { cotangents, gradients, ..self }
    }
    /// In another arithmetic.
    pub fn in_dtype(self, dtype: Dtype) -> Claim {
        Claim { dtype, ..self }
    }
}

/// The verdict on a claim.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The operator.
    pub op: &'static str,
    /// One item an array: outputs in the order of the computation, stages where they arise, then gradients.
    pub items: Vec<Item>,
    /// Why the enclosure does not decide, where it does not.
    pub undecided: Option<String>,
    /// Why it differs, the best explanation first; those behind it give the same numbers on this input. Empty where it agrees or none fits.
    pub because: Vec<Explanation>,
    /// Where it agrees: mistakes that this input cannot tell from the truth.
    pub blind: Vec<Blind>,
    /// The smallest question that shows the cause.
    pub reproducer: Option<Reproducer>,
    /// The arithmetic that was claimed.
    pub dtype: Dtype,
    /// `(rtol, atol)`, if they stood in place of the derived bound.
    pub tolerance: Option<(f64, f64)>,
}

impl Verdict {
    /// 0 agrees, 1 differs, 3 undecided.
    pub fn code(&self) -> u8 {
        if self.items.iter().any(Item::differs) {
            1
        } else if self.items.iter().any(|i| i.undecided > 0) {
            3
        } else {
            0
        }
    }
    /// The first array, in the order of the computation, that differs.
    pub fn first_wrong(&self) -> Option<&Item> {
        self.items.iter().find(|i| i.differs())
    }
}

/// One claimed array beside its truth.
struct Pair {
    name: String,
    gradient: bool,
    found: Tensor<Ball>,
    truth: Tensor<Ball>,
    scale: Option<Tensor<Ball>>,
}

impl Pair {
    /// `y`, or `grad_z`.
    fn label(&self) -> String {
        if self.gradient { format!("grad_{}", self.name) } else { self.name.clone() }
    }
}

/// The truth of everything a claim names.
struct Truth {
    pairs: Vec<Pair>,
    /// Why parts of it are double-double values without a proof.
    unproven: Option<Error>,
}

/// The inputs as the claimed arithmetic holds them: the rounded numbers *are* the inputs.
pub fn as_held(case: &Case, dtype: Dtype) -> Case {
    let mut held = case.clone();
    held.inputs = case.inputs.map(|x| Ball::exact(dtype.round(x.mid().hi())));
    held
}

/// Holds a claim against the truth. A claim that differs is a verdict, not an error.
///
/// # Errors
/// `Usage` for a claim without arrays or with unknown names; whatever the operator says of an illegal case.
pub fn check(entry: &dyn Entry, claim: &Claim) -> Result<Verdict> {
    let case = as_held(&claim.case, claim.dtype);
    let truth = truth(entry, claim, &case)?;
    let items: Vec<Item> = truth.pairs.iter().map(|pair| verdict_on(entry, claim, &case, pair, truth.unproven.is_none())).collect();
    let mut verdict = Verdict {
        op: entry.spec().name,
        items,
        undecided: truth.unproven.map(|e| e.to_string()),
        because: Vec::new(),
        blind: Vec::new(),
        reproducer: None,
        dtype: claim.dtype,
        tolerance: claim.tolerance,
    };
    let right = verdict.items.iter().map(Item::agrees).collect();
    let search = explain::Search { entry, claim, case: &case, pairs: &truth.pairs, right };
    for (item, pair) in verdict.items.iter_mut().zip(&truth.pairs).filter(|(i, p)| i.differs() && !p.gradient) {
        // Stages are held as the claimed arithmetic holds them; the truth of this step is then a little off, no more than rounding.
        let own = steps::step(&asked::Asked::new(entry, &case), &pair.name, &claim.outputs, &pair.truth.shape);
        item.step_is_right = own.filter(|t| t.shape == pair.found.shape).map(|t| search.near(pair, &t));
    }
    match verdict.code() {
        0 => verdict.blind = search.blind(),
        1 => {
            let wrong: Vec<usize> = (0..verdict.items.len()).filter(|&i| verdict.items[i].differs()).collect();
            verdict.because = search.explain(&wrong);
            // Stages behind the first wrong one inherit its fault: where no cause explains all, the first one's is the cause.
            if verdict.because.is_empty() && wrong.len() > 1 && !truth.pairs[wrong[0]].gradient {
                verdict.because = search.explain(&wrong[..1]);
            }
            if verdict.because.is_empty() && wrong.len() > 1 {
                // No one cause of all: each by itself.
                verdict.because = wrong.iter().flat_map(|&i| search.explain(&[i])).collect();
            }
            let first = verdict.because.first().and_then(|e| e.causes.first()).cloned();
            // What the first cause leaves open is looked at array by array.
            let covered = verdict.because.first().map_or(Vec::new(), |e| e.arrays.clone());
            let left: Vec<usize> =
                wrong.iter().copied().filter(|&i| !covered.is_empty() && !covered.contains(&truth.pairs[i].label())).collect();
            for i in left.into_iter().filter(|&i| verdict.items[i].step_is_right.is_none()) {
                let more: Vec<Explanation> = search.explain(&[i]);
                let new: Vec<Explanation> = more.into_iter().filter(|e| !verdict.because.iter().any(|b| b.causes == e.causes)).collect();
                verdict.because.extend(new);
            }
            let gradient = wrong.iter().all(|&i| truth.pairs[i].gradient);
            verdict.reproducer = first.and_then(|cause| telling(entry, &cause, case.preset.as_deref(), gradient));
        }
        _ => {}
    }
    Ok(verdict)
}

fn verdict_on(entry: &dyn Entry, claim: &Claim, case: &Case, pair: &Pair, certified: bool) -> Item {
    let factors = entry.spec().tolerance;
    let factor = if pair.gradient { factors.gradient } else { factors.value };
    let rule = Rule {
        scale: pair.scale.as_ref(),
        unit: factor * claim.dtype.unit(tolerance::chain(case)),
        tolerance: claim.tolerance,
        dtype: claim.dtype,
        gradient: pair.gradient,
        certified,
    };
    judge(pair.label(), &pair.found, &pair.truth, &rule)
}

/// Enclosures where there are any, double-double values where the operator declines to enclose.
fn enclosed(
    unproven: &mut Option<Error>,
    ball: Result<Values<Ball>>,
    double: impl FnOnce() -> Result<Values<Ball>>,
) -> Result<Values<Ball>> {
    match ball {
        Err(e @ Error::Undecided(_)) => {
            *unproven = Some(e);
            double()
        }
        other => other,
    }
}

fn truth(entry: &dyn Entry, claim: &Claim, case: &Case) -> Result<Truth> {
    let spec = entry.spec();
    if claim.outputs.is_empty() && claim.gradients.is_empty() {
        let names: Vec<&str> = spec.outputs.iter().map(|p| p.name).collect();
        return Err(Error::usage("candidate", format!("at least one of {}, or grad_<input>", names.join(", ")), "none of them"));
    }
    let (mut pairs, mut unproven) = (Vec::new(), None);
    if !claim.outputs.is_empty() {
        let mut truth = enclosed(&mut unproven, entry.eval_in(Number::Ball, case), || entry.eval_in(Number::Double, case))?;
        let mut scale = tolerance::output_scale(entry, case)?;
        let mut order: Vec<String> = truth.names().map(str::to_string).collect();
        if claim.outputs.names().any(|n| truth.get(n).is_none()) {
            let stages = enclosed(&mut unproven, entry.stages_in(Number::Ball, case), || entry.stages_in(Number::Double, case))?;
            let scales = tolerance::stage_scale(entry, case).unwrap_or_default();
            let outputs = std::mem::replace(&mut order, stages.names().map(str::to_string).collect());
            order.extend(outputs.into_iter().filter(|n| stages.get(n).is_none()));
            for (name, value) in stages.iter().filter(|(n, _)| truth.get(n).is_none()).collect::<Vec<_>>() {
                truth.set(name, value.clone());
                if let Ok(s) = scales.real(name) {
                    scale.set(name, s.clone());
                }
            }
        }
        if let Some(name) = claim.outputs.names().find(|n| !order.iter().any(|o| o == n)) {
            let legal = format!("names among {}, or grad_<input>", order.join(", "));
            return Err(Error::usage("candidate", legal, format!("`{}`", name.escape_default())));
        }
        for name in &order {
            if let (Some(found), Some(known)) = (claim.outputs.get(name), truth.get(name)) {
                let scale = scale.real(name).ok().cloned();
                pairs.push(Pair { name: name.clone(), gradient: false, found: reals(found), truth: reals(known), scale });
            }
        }
    }
    if !claim.gradients.is_empty() {
        let y = &claim.cotangents;
        let truth = enclosed(&mut unproven, entry.vjp_in(Number::Ball, case, y), || entry.vjp_in(Number::Double, case, y))?;
        let scale = tolerance::gradient_scale(entry, case, y)?;
        for (name, found) in claim.gradients.iter() {
            let Some(known) = truth.get(name) else {
                let legal: Vec<String> = truth.names().map(|n| format!("grad_{n}")).collect();
                let legal = format!("names among {}", legal.join(", "));
                return Err(Error::usage("candidate", legal, format!("`grad_{}`", name.escape_default())));
            };
            let scale = scale.real(name).ok().cloned();
            pairs.push(Pair { name: name.into(), gradient: true, found: reals(found), truth: reals(known), scale });
        }
    }
    Ok(Truth { pairs, unproven })
}
