//! The form of a mistake: another factor, another question, another formula, or results put down differently.

use super::asked::{Asked, each_matrix, gathered};
use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::case::Case;
use crate::oracle::spec::Port;
use crate::oracle::value::{Tensor, Value, Values};
use crate::scalar::{Ball, DoubleDouble, Scalar};

/// Something that implementations get wrong, as a formula that can be tried.
#[derive(Clone, Copy)]
pub struct Mistake {
    /// `eps-for-eps2`.
    pub name: &'static str,
    /// What was done, in one line; `{}` stands for the symbol, input or parameter.
    pub says: &'static str,
    /// How to do it.
    pub form: Form,
}

/// How a mistake changes the results.
#[derive(Clone, Copy)]
pub enum Form {
    /// The right results times a number that the question gives; several, each with its symbol.
    Factor(fn(&Asked) -> Vec<(String, f64)>),
    /// The right results of another question.
    Question(fn(&Asked) -> Vec<Other>),
    /// Another formula; `None` where the operator has no such formula.
    Formula(fn(&Asked) -> Option<Result<Values<DoubleDouble>>>),
    /// One array of results put down differently: `(question, array, is it a gradient)`.
    Results(fn(&Asked, &Tensor<Ball>, bool) -> Vec<(String, Tensor<Ball>)>),
}

impl Mistake {
    pub(super) const fn factor(name: &'static str, says: &'static str, form: fn(&Asked) -> Vec<(String, f64)>) -> Mistake {
        Mistake { name, says, form: Form::Factor(form) }
    }
    pub(super) const fn question(name: &'static str, says: &'static str, form: fn(&Asked) -> Vec<Other>) -> Mistake {
        Mistake { name, says, form: Form::Question(form) }
    }
    pub(super) const fn formula(
        name: &'static str,
        says: &'static str,
        form: fn(&Asked) -> Option<Result<Values<DoubleDouble>>>,
    ) -> Mistake {
        Mistake { name, says, form: Form::Formula(form) }
    }
    pub(super) const fn results(
        name: &'static str,
        says: &'static str,
        form: fn(&Asked, &Tensor<Ball>, bool) -> Vec<(String, Tensor<Ball>)>,
    ) -> Mistake {
        Mistake { name, says, form: Form::Results(form) }
    }
}

/// Carries gradients of the other question back to the inputs of this one.
type Back = Box<dyn Fn(&Values<Ball>) -> Option<Values<Ball>>>;

/// Another question than the one that was asked.
pub struct Other {
    /// The symbol, input or parameter that was mistaken.
    pub what: String,
    /// The question that was answered instead.
    pub case: Case,
    /// What it does to gradients; none where that is not known.
    pub(super) back: Option<Back>,
}

impl Other {
    /// Other parameters or another preset: gradients stay where they are.
    pub fn parameters(what: impl Into<String>, case: Case) -> Other {
        Other { what: what.into(), case, back: Some(Box::new(|g| Some(g.clone()))) }
    }
    /// Other inputs, without a statement about gradients.
    pub fn inputs(what: impl Into<String>, case: Case) -> Other {
        Other { what: what.into(), case, back: None }
    }
    /// One input, its entries in another order: gradients go back to where the entries came from.
    pub fn rearranged(a: &Asked, port: &'static Port, what: String, f: impl Fn(&Tensor<Ball>) -> Option<Tensor<Ball>>) -> Option<Other> {
        let t = a.case.inputs.real(port.name).ok()?;
        let moved = f(t)?;
        if moved == *t {
            // The entries cannot tell; the order still differs.
            f(&Tensor { shape: t.shape.clone(), data: numbered(t.data.len()) }).filter(|m| m.data != numbered(t.data.len()))?;
        }
        let source = f(&Tensor { shape: t.shape.clone(), data: numbered(t.data.len()) })?;
        let (shape, case) = (t.shape.clone(), a.case.clone().input(port.name, moved));
        let back: Back = Box::new(move |g| {
            let mut out = g.clone();
            if let Ok(bar) = g.real(port.name) {
                let mut data = vec![Ball::ZERO; source.data.len()];
                for (to, from) in source.data.iter().zip(&bar.data) {
                    *data.get_mut(to.mid().hi() as usize)? += *from;
                }
                out.set(port.name, Tensor { shape: shape.clone(), data });
            }
            Some(out)
        });
        Some(Other { what, case, back: Some(back) })
    }
    /// One input through a symmetric linear map, matrix by matrix: its gradient goes through the same map.
    pub fn projected(a: &Asked, port: &'static Port, f: fn(&Matrix<Ball>) -> Option<Matrix<Ball>>) -> Option<Other> {
        let case = a.with_each(port, f)?;
        let back: Back = Box::new(move |g| {
            let mut out = g.clone();
            if let Ok(bar) = g.real(port.name) {
                out.set(port.name, each_matrix(bar, f)?);
            }
            Some(out)
        });
        Some(Other { what: port.name.into(), case, back: Some(back) })
    }
}

fn numbered(count: usize) -> Vec<Ball> {
    (0..count).map(|k| Ball::exact(k as f64)).collect()
}

/// The memory of a tensor taken for another order of its axes: written in the order `axes` and read as `shape`, or, inverted, written as `shape` and
/// read in that order.
pub fn memory_in_order(t: &Tensor<Ball>, shape: &[usize], axes: &[usize], inverse: bool) -> Option<Tensor<Ball>> {
    let strides: Vec<usize> = (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect();
    let source = |mut k: usize| {
        let mut at = 0;
        for &axis in axes.iter().rev() {
            at += k % shape[axis] * strides[axis];
            k /= shape[axis];
        }
        at
    };
    if shape.iter().product::<usize>() != t.data.len() {
        return None;
    }
    if !inverse {
        return gathered(t, &t.shape, source);
    }
    let mut back = vec![0; t.data.len()];
    (0..t.data.len()).for_each(|k| back[source(k)] = k);
    gathered(t, &t.shape, |k| back[k])
}

/// The orders of two or three axes other than their own, each with its inverse in effect.
pub fn other_orders(count: usize) -> &'static [&'static [usize]] {
    match count {
        2 => &[&[1, 0]],
        3 => &[&[0, 2, 1], &[1, 0, 2], &[2, 1, 0], &[1, 2, 0], &[2, 0, 1]],
        _ => &[],
    }
}

/// The values as reals by name; integers do not take part.
pub fn real_values(values: Values<DoubleDouble>) -> Values<Ball> {
    values.iter().map(|(n, v)| (n.to_string(), as_balls(v))).collect()
}
fn as_balls(v: &Value<DoubleDouble>) -> Value<Ball> {
    match v {
        Value::Real(t) => Value::Real(t.map(|x| Ball::new(x, 0.0))),
        Value::Int(t) => Value::Int(t.clone()),
    }
}
