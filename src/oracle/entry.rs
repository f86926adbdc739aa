//! The form of a catalog entry: what a person writes ([`Operator`]) and what every tool sees ([`Entry`]), derived once for all.

use super::case::{Case, setting_of};
use super::law::{Closed, Law};
use super::shape::{self, Sizes};
use super::spec::{Domain, Port, Spec};
use super::value::{Tensor, Value, Values};
use crate::linalg::Matrix;
use crate::scalar::{Ball, DoubleDouble, Dual, Scalar};
use crate::{Error, Result};

/// What a person writes for an operator: one text, generic over the number.
pub trait Operator: Sync + 'static {
    /// The description.
    const SPEC: Spec;
    /// The outputs.
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>>;
    /// The gradient with respect to every real input, given the cotangents of the outputs. Gradients of real parameters may be added under their names.
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let _ = (x, y);
        Err(Error::unsupported(Self::SPEC.name, "an operator with a gradient", "one without"))
    }
    /// The intermediate results a reader may want to compare, in order, the outputs last. Empty for an operator of one step.
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let _ = x;
        Ok(Values::new())
    }
    /// The laws that hold.
    fn laws() -> Vec<Law> {
        Vec::new()
    }
    /// Cases whose result is known in closed form.
    fn closed_forms() -> Vec<Closed> {
        Vec::new()
    }
    /// Sizes for a generated case; `size` grows from 1. The default gives every symbol its own size, smallest first.
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        let _ = (size, rng);
        Vec::new()
    }
    /// Adjusts a generated case where the ports do not say all: a mask that must not be empty, a batch that must be even.
    fn adjust(case: Case) -> Case {
        case
    }
}

/// The arguments of one evaluation, checked against the spec.
#[derive(Debug)]
pub struct Args<'a, S> {
    spec: &'static Spec,
    values: &'a Values<S>,
    case: &'a Case,
    sizes: Sizes,
    /// Added to the real parameters: tangents of a dual evaluation, radii of a widened one.
    offsets: &'a Values<S>,
}

impl<S: Scalar> Args<'_, S> {
    /// The size that a symbol of the shape patterns stands for; 0 if no input shows it.
    pub fn size(&self, symbol: &str) -> usize {
        self.sizes.get(symbol).unwrap_or(0)
    }
    /// Was this optional input given?
    pub fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some()
    }
    /// The input as a matrix (rank 0 and 1 as one row).
    pub fn matrix(&self, name: &str) -> Result<Matrix<S>> {
        self.values.matrix(name)
    }
    /// The input with its axes.
    pub fn tensor(&self, name: &str) -> Result<&Tensor<S>> {
        self.values.real(name)
    }
    /// The elements of the input.
    pub fn vector(&self, name: &str) -> Result<&[S]> {
        Ok(&self.values.real(name)?.data)
    }
    /// The one number of the input.
    pub fn scalar(&self, name: &str) -> Result<S> {
        self.values.scalar(name)
    }
    /// The matrices along the first axis of a rank-3 input.
    pub fn matrices(&self, name: &str) -> Result<Vec<Matrix<S>>> {
        let t = self.values.real(name)?;
        let [_, rows, cols] = t.shape[..] else { return Err(Error::shape(name, "three axes", shape::found(&t.shape))) };
        if rows * cols == 0 {
            return Ok(vec![Matrix::zeros(rows, cols); t.shape[0]]);
        }
        t.data.chunks(rows * cols).map(|m| Matrix::new(rows, cols, m.to_vec())).collect()
    }
    /// The integers of a label port; their range was checked.
    pub fn labels(&self, name: &str) -> Result<Vec<usize>> {
        Ok(self.values.int(name)?.data.iter().map(|&i| i as usize).collect())
    }
    /// A real parameter.
    pub fn param(&self, name: &str) -> Result<S> {
        let x = S::from_f64(self.number(name)?);
        Ok(match self.offsets.get(name) {
            Some(Value::Real(t)) => x + t.data[0],
            _ => x,
        })
    }
    /// A whole-number parameter.
    pub fn count(&self, name: &str) -> Result<usize> {
        Ok(self.number(name)? as usize)
    }
    /// A flag.
    pub fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.number(name)? == 1.0)
    }
    /// A word.
    pub fn word(&self, name: &str) -> Result<&'static str> {
        match self.spec.params.iter().find(|p| p.name == name).map(|p| p.domain) {
            Some(super::spec::Range::Word(words)) => Ok(words[self.number(name)? as usize]),
            _ => Err(Error::usage(name, "a parameter that is a word", "none")),
        }
    }
    /// ε², from whichever of `eps` and `eps2` was given.
    pub fn eps2(&self) -> Result<S> {
        let (name, x) = self.case.distortion(self.spec.presets.iter().any(|p| p.name == self.preset() && p.eps_means_eps2))?;
        let x = S::from_f64(x);
        let x = match self.offsets.get(name) {
            Some(Value::Real(t)) => x + t.data[0],
            _ => x,
        };
        Ok(if name == "eps" { x.square() } else { x })
    }
    /// The gradient with respect to ε² under the name and in the units in which the distortion was given: `∂/∂ε = 2ε ∂/∂ε²`.
    pub fn eps_gradient(&self, d_eps2: S) -> Result<(&'static str, S)> {
        let (name, x) = self.case.distortion(self.spec.presets.iter().any(|p| p.name == self.preset() && p.eps_means_eps2))?;
        Ok((name, if name == "eps" { d_eps2 * S::from_f64(x) * S::from_f64(2.0) } else { d_eps2 }))
    }
    /// The preset; `paper` if none was given.
    pub fn preset(&self) -> &str {
        self.case.preset.as_deref().unwrap_or("paper")
    }
    fn number(&self, name: &str) -> Result<f64> {
        match self.spec.params.iter().find(|p| p.name == name) {
            Some(param) => setting_of(param, self.case.params.iter().find(|(n, _)| n == name).map(|(_, s)| s)),
            None => Err(Error::usage(name, "a parameter of this operator", "none")),
        }
    }
}

/// The number types of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// Double-double.
    Double,
    /// Ball.
    Ball,
}

impl Number {
    /// All, cheapest first.
    pub const ALL: [Number; 4] = [Number::F32, Number::F64, Number::Double, Number::Ball];
    /// The name on the command line and in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Number::F32 => "f32",
            Number::F64 => "f64",
            Number::Double => "dd",
            Number::Ball => "ball",
        }
    }
    /// Errors: `Usage` with the four names.
    pub fn parse(name: &str) -> Result<Number> {
        Number::ALL
            .into_iter()
            .find(|n| n.name() == name)
            .ok_or_else(|| Error::usage("scalar", "f32, f64, dd or ball", format!("`{}`", name.escape_default())))
    }
}

/// What the tools see of an operator. Values cross as balls, which every number type converts to and from without loss.
pub trait Entry: Sync {
    /// The description.
    fn spec(&self) -> &'static Spec;
    /// The outputs, computed in one number type.
    fn eval_in(&self, number: Number, case: &Case) -> Result<Values<Ball>>;
    /// The gradients, computed in one number type.
    fn vjp_in(&self, number: Number, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>>;
    /// The outputs to be computed again and again in one number type, with the checks and conversions of the inputs done once: what is timed.
    /// Leading axes are refused.
    fn prepared(&self, number: Number, case: Case) -> Result<Box<dyn FnMut() -> Result<()>>>;
    /// The stages, computed in one number type; empty where the operator has one step.
    fn stages_in(&self, number: Number, case: &Case) -> Result<Values<Ball>>;
    /// The derivative of the outputs along tangents of inputs and real parameters, by dual numbers over double-double.
    fn jvp(&self, case: &Case, tangents: &Values<Ball>) -> Result<Values<Ball>>;
    /// Outputs, or gradients if there are cotangents, in ball arithmetic, with every real parameter widened by the radius of its offset.
    fn widened(&self, case: &Case, offsets: &Values<Ball>, cotangents: Option<&Values<Ball>>) -> Result<Values<Ball>>;
    /// The laws.
    fn laws(&self) -> Vec<Law>;
    /// The closed forms.
    fn closed_forms(&self) -> Vec<Closed>;
    /// Sizes the operator prefers for a generated case.
    fn preferred_sizes(&self, size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)>;
    /// The operator's own adjustment of a generated case.
    fn adjusted(&self, case: Case) -> Case;
}

impl<O: Operator> Entry for O {
    fn spec(&self) -> &'static Spec {
        const { &O::SPEC }
    }
    fn eval_in(&self, number: Number, case: &Case) -> Result<Values<Ball>> {
        fn run<O: Operator, S: Scalar>(case: &Case) -> Result<Values<Ball>> {
            batched(const { &O::SPEC }, case, &Values::new(), None, &|x: &Args<S>, _| O::eval(x))
        }
        match number {
            Number::F32 => run::<O, f32>(case),
            Number::F64 => run::<O, f64>(case),
            Number::Double => run::<O, DoubleDouble>(case),
            Number::Ball => run::<O, Ball>(case).and_then(decided),
        }
    }
    fn vjp_in(&self, number: Number, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>> {
        fn run<O: Operator, S: Scalar>(case: &Case, y: &Values<Ball>) -> Result<Values<Ball>> {
            batched(const { &O::SPEC }, case, &Values::new(), Some(y), &|x: &Args<S>, y| O::vjp(x, y))
        }
        match number {
            Number::F32 => run::<O, f32>(case, cotangents),
            Number::F64 => run::<O, f64>(case, cotangents),
            Number::Double => run::<O, DoubleDouble>(case, cotangents),
            Number::Ball => run::<O, Ball>(case, cotangents).and_then(decided),
        }
    }
    fn prepared(&self, number: Number, case: Case) -> Result<Box<dyn FnMut() -> Result<()>>> {
        fn run<O: Operator, S: Scalar>(case: Case) -> Result<Box<dyn FnMut() -> Result<()>>> {
            let ready = Ready::<S>::new(const { &O::SPEC }, case)?;
            Ok(Box::new(move || O::eval(&ready.args()).map(|y| drop(std::hint::black_box(y)))))
        }
        match number {
            Number::F32 => run::<O, f32>(case),
            Number::F64 => run::<O, f64>(case),
            Number::Double => run::<O, DoubleDouble>(case),
            Number::Ball => run::<O, Ball>(case),
        }
    }
    fn stages_in(&self, number: Number, case: &Case) -> Result<Values<Ball>> {
        fn run<O: Operator, S: Scalar>(case: &Case) -> Result<Values<Ball>> {
            batched(const { &O::SPEC }, case, &Values::new(), None, &|x: &Args<S>, _| O::stages(x))
        }
        match number {
            Number::F32 => run::<O, f32>(case),
            Number::F64 => run::<O, f64>(case),
            Number::Double => run::<O, DoubleDouble>(case),
            Number::Ball => run::<O, Ball>(case).and_then(decided),
        }
    }
    fn jvp(&self, case: &Case, tangents: &Values<Ball>) -> Result<Values<Ball>> {
        type D = Dual<DoubleDouble>;
        let spec = const { &O::SPEC };
        let given = as_ports(spec, &case.inputs)?;
        let inputs: Values<D> = given
            .iter()
            .map(|(name, value)| {
                let value = match (value, tangents.get(name)) {
                    (Value::Real(x), Some(Value::Real(t))) if x.data.len() == t.data.len() => Value::Real(Tensor {
                        shape: x.shape.clone(),
                        data: x.data.iter().zip(&t.data).map(|(&x, &t)| Dual::new(x.mid(), t.mid())).collect(),
                    }),
                    (Value::Real(x), _) => Value::Real(x.map(|x| Dual::constant(x.mid()))),
                    (Value::Int(t), _) => Value::Int(t.clone()),
                };
                (name.to_string(), value)
            })
            .collect();
        let params: Values<D> = tangents.map(|t| Dual::new(DoubleDouble::ZERO, t.mid()));
        case.check(spec)?;
        let sizes = sizes_of(spec, case, &given)?;
        let out = O::eval(&Args { spec, values: &inputs, case, sizes, offsets: &params })?;
        Ok(out.map(|x| x.tangent.to_ball()))
    }
    fn widened(&self, case: &Case, offsets: &Values<Ball>, cotangents: Option<&Values<Ball>>) -> Result<Values<Ball>> {
        batched(const { &O::SPEC }, case, offsets, cotangents, &|x: &Args<Ball>, y| {
            if cotangents.is_some() { O::vjp(x, y) } else { O::eval(x) }
        })
        .and_then(decided)
    }
    fn laws(&self) -> Vec<Law> {
        O::laws()
    }
    fn closed_forms(&self) -> Vec<Closed> {
        O::closed_forms()
    }
    fn preferred_sizes(&self, size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        O::sizes(size, rng)
    }
    fn adjusted(&self, case: Case) -> Case {
        O::adjust(case)
    }
}

/// Arguments that are checked and converted, and own what they refer to.
struct Ready<S> {
    spec: &'static Spec,
    case: Case,
    values: Values<S>,
    sizes: Sizes,
    offsets: Values<S>,
}

impl<S: Scalar> Ready<S> {
    fn new(spec: &'static Spec, case: Case) -> Result<Self> {
        case.check(spec)?;
        let inputs = as_ports(spec, &case.inputs)?;
        let sizes = sizes_of(spec, &case, &inputs)?;
        Ok(Ready { spec, values: inputs.cast(), case, sizes, offsets: Values::new() })
    }
    fn args(&self) -> Args<'_, S> {
        let Ready { spec, case, values, sizes, offsets } = self;
        Args { spec, values, case, sizes: sizes.clone(), offsets }
    }
}

/// A ball that is the whole line answers nothing: the operator reports it as `Undecided`.
fn decided(values: Values<Ball>) -> Result<Values<Ball>> {
    for (name, t) in values.reals() {
        if let Some(k) = t.data.iter().position(|x| !x.is_finite()) {
            return Err(Error::undecided(format!("{name}{:?}", t.index(k)), "an enclosure of finite width", "the whole line"));
        }
    }
    Ok(values)
}

/// The sizes the inputs show. Errors: `Shape`, `Usage` for a missing input, `NotFinite`, `Domain` for a label out of range.
fn sizes_of(spec: &'static Spec, case: &Case, inputs: &Values<Ball>) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for param in spec.params {
        if matches!(param.domain, super::spec::Range::Count(_))
            && spec.inputs.iter().any(|p| shape::symbols(p.shape).any(|s| s == param.name))
        {
            let given = case.params.iter().find(|(n, _)| n == param.name).map(|(_, s)| s);
            sizes.bind(param.name, setting_of(param, given)? as usize);
        }
    }
    for port in spec.inputs {
        match inputs.get(port.name) {
            Some(value) => {
                sizes.unify(port.name, port.shape, value.shape())?;
                check_port(port, value)?;
            }
            None if port.optional => {}
            None => {
                let have: Vec<&str> = inputs.names().collect();
                let have = if have.is_empty() { "no inputs".to_string() } else { have.join(", ") };
                return Err(Error::usage("inputs", format!("`{}` ({})", port.name, shape::words(port.shape)), have));
            }
        }
    }
    // A symbol that a label port names as its bound may be shown by a later input only.
    for port in spec.inputs {
        if let (Domain::Label(bound), Some(Value::Int(t))) = (port.domain, inputs.get(port.name))
            && let Some(n) = sizes.get(bound)
            && let Some(k) = t.data.iter().position(|&i| i as usize >= n)
        {
            let (at, legal) = (format!("{}{:?}", port.name, t.index(k)), format!("a label from 0 to {}", n as i64 - 1));
            return Err(Error::domain(at, legal, t.data[k].to_string()).named("LabelOutOfRange"));
        }
    }
    Ok(sizes)
}

fn check_port(port: &'static Port, value: &Value<Ball>) -> Result<()> {
    match (value, port.domain) {
        (Value::Int(t), Domain::Label(_)) => match t.data.iter().position(|&i| i < 0) {
            None => Ok(()),
            Some(k) => Err(Error::domain(format!("{}{:?}", port.name, t.index(k)), "a label from 0 on", t.data[k].to_string())
                .named("LabelOutOfRange")),
        },
        (Value::Int(_), _) => Err(Error::usage(port.name, "real numbers", "integers")),
        (Value::Real(_), Domain::Label(_)) => Err(Error::usage(port.name, "integers", "real numbers")),
        (Value::Real(t), domain) => {
            if let Some(k) = t.data.iter().position(|x| !x.is_finite()) {
                let x = t.data[k].mid().hi();
                return Err(
                    Error::not_finite(format!("{}{:?}", port.name, t.index(k)), "a finite number", x.to_string()).named("NonFinite")
                );
            }
            let (least, words): (fn(f64) -> bool, &str) = match domain {
                Domain::Positive => (|x| x > 0.0, "a number above 0"),
                Domain::NonNegative | Domain::Simplex => (|x| x >= 0.0, "a number from 0 on"),
                _ => return Ok(()),
            };
            match t.data.iter().position(|x| !least(x.mid().hi())) {
                None => Ok(()),
                Some(k) => Err(Error::domain(format!("{}{:?}", port.name, t.index(k)), words, t.data[k].mid().hi().to_string())),
            }
        }
    }
}

/// Integers where reals are wanted become reals; a tool that reads `[1, 2]` cannot know.
fn as_ports(spec: &'static Spec, inputs: &Values<Ball>) -> Result<Values<Ball>> {
    inputs
        .iter()
        .map(|(name, value)| {
            let label = matches!(spec.input(name).map(|p| p.domain), Some(Domain::Label(_)));
            let value = match value {
                Value::Int(t) if !label => Value::Real(t.map(|i| Ball::exact(i as f64))),
                Value::Real(t) if label => {
                    let mut whole = Vec::with_capacity(t.data.len());
                    for (k, x) in t.data.iter().enumerate() {
                        let x = x.mid().hi();
                        if x != x.trunc() || x.abs() > 9e15 {
                            return Err(Error::usage(format!("{name}{:?}", t.index(k)), "an integer", x.to_string()));
                        }
                        whole.push(x as i64);
                    }
                    Value::Int(Tensor { shape: t.shape.clone(), data: whole })
                }
                other => other.clone(),
            };
            Ok((name.to_string(), value))
        })
        .collect()
}

/// Runs an operator over extra leading axes. They must be equal on all inputs that have them; inputs at catalog rank are shared. Outputs
/// gain the axes; the gradient of a shared input is the sum over them, in order.
fn batched<S: Scalar>(
    spec: &'static Spec,
    case: &Case,
    offsets: &Values<Ball>,
    cotangents: Option<&Values<Ball>>,
    f: &dyn Fn(&Args<S>, &Values<S>) -> Result<Values<S>>,
) -> Result<Values<Ball>> {
    case.check(spec)?;
    let inputs = as_ports(spec, &case.inputs)?;
    let offsets = offsets.cast::<S>();
    let empty = Values::new();
    let one = |inputs: &Values<Ball>, y: &Values<Ball>| -> Result<Values<Ball>> {
        let sizes = sizes_of(spec, case, inputs)?;
        check_cotangents(spec, cotangents.is_some(), y, &sizes)?;
        let out = f(&Args { spec, values: &inputs.cast::<S>(), case, sizes, offsets: &offsets }, &y.cast::<S>())?;
        Ok(out.cast())
    };
    let mut lead: Option<Vec<usize>> = None;
    for port in spec.inputs.iter().filter(|_| spec.batches) {
        let Some(value) = inputs.get(port.name) else { continue };
        let (have, rank) = (value.shape(), shape::rank(port.shape, value.shape().len()));
        if have.len() > rank {
            let axes = &have[..have.len() - rank];
            match &lead {
                Some(first) if first != axes => {
                    return Err(Error::shape(port.name, format!("the leading axes {}", shape::found(first)), shape::found(axes)));
                }
                _ => lead = Some(axes.to_vec()),
            }
        }
    }
    let Some(lead) = lead else { return one(&inputs, cotangents.unwrap_or(&empty)) };
    let count: usize = lead.iter().product();
    if count == 0 {
        return Err(Error::shape("inputs", "leading axes of at least 1", shape::found(&lead)).named("EmptyInput"));
    }
    let carries = |name: &str, rank: usize| inputs.get(name).is_some_and(|v| v.shape().len() > rank);
    let part = |value: &Value<Ball>, k: usize| -> Value<Ball> {
        fn cut<T: Copy>(t: &Tensor<T>, lead: usize, k: usize, count: usize) -> Tensor<T> {
            let size = t.data.len() / count;
            Tensor { shape: t.shape[lead..].to_vec(), data: t.data[k * size..(k + 1) * size].to_vec() }
        }
        match value {
            Value::Int(t) => Value::Int(cut(t, lead.len(), k, count)),
            Value::Real(t) => Value::Real(cut(t, lead.len(), k, count)),
        }
    };
    let mut parts = Vec::with_capacity(count);
    for k in 0..count {
        let x: Values<Ball> = inputs
            .iter()
            .map(|(name, v)| {
                let rank = spec.input(name).map_or(0, |p| shape::rank(p.shape, v.shape().len()));
                (name.to_string(), if carries(name, rank) { part(v, k) } else { v.clone() })
            })
            .collect();
        let mut y = Values::new();
        for (name, v) in cotangents.unwrap_or(&empty).iter() {
            if v.shape().len() < lead.len() || v.shape()[..lead.len()] != lead[..] {
                return Err(Error::shape(
                    format!("cotangent {name}"),
                    format!("the leading axes {}", shape::found(&lead)),
                    shape::found(v.shape()),
                ));
            }
            y.set(name, part(v, k));
        }
        parts.push(one(&x, &y).map_err(|e| e.within(&format!("batch {k}")))?);
    }
    let mut out = Values::new();
    for (name, first) in parts[0].iter() {
        let shared = cotangents.is_some() && !spec.input(name).is_some_and(|p| carries(name, shape::rank(p.shape, usize::MAX)));
        let shape: Vec<usize> = lead.iter().chain(first.shape()).copied().collect();
        let value: Value<Ball> = match first {
            Value::Int(_) => {
                let mut data = Vec::new();
                for p in &parts {
                    data.extend_from_slice(&p.int(name)?.data);
                }
                Value::Int(Tensor::new(shape, data)?)
            }
            Value::Real(first) if shared => {
                let mut sum: Vec<S> = first.data.iter().map(|&x| S::from_ball(x)).collect();
                for p in &parts[1..] {
                    for (s, &x) in sum.iter_mut().zip(&p.real(name)?.data) {
                        *s += S::from_ball(x);
                    }
                }
                Value::Real(Tensor { shape: first.shape.clone(), data: sum.into_iter().map(S::to_ball).collect() })
            }
            Value::Real(_) => {
                let mut data = Vec::new();
                for p in &parts {
                    data.extend_from_slice(&p.real(name)?.data);
                }
                Value::Real(Tensor::new(shape, data)?)
            }
        };
        out.set(name, value);
    }
    Ok(out)
}

/// Cotangents must belong to outputs and have their shape; an output without one counts as 0.
fn check_cotangents(spec: &'static Spec, wanted: bool, y: &Values<Ball>, sizes: &Sizes) -> Result<()> {
    if wanted && y.is_empty() {
        let legal: Vec<&str> = spec.outputs.iter().map(|p| p.name).collect();
        return Err(Error::usage("cotangents", format!("at least one of {}", legal.join(", ")), "none"));
    }
    for (name, value) in y.iter() {
        let Some(port) = spec.outputs.iter().find(|p| p.name == name) else {
            let legal: Vec<&str> = spec.outputs.iter().map(|p| p.name).collect();
            return Err(Error::usage("cotangents", format!("names among {}", legal.join(", ")), format!("`{}`", name.escape_default())));
        };
        sizes.clone().unify(&format!("cotangent {name}"), port.shape, value.shape())?;
        if let Value::Real(t) = value
            && let Some(k) = t.data.iter().position(|x| !x.is_finite())
        {
            return Err(Error::not_finite(
                format!("cotangent {name}{:?}", t.index(k)),
                "a finite number",
                t.data[k].mid().hi().to_string(),
            ));
        }
    }
    Ok(())
}

/// A cotangent that may be absent: zeros then.
pub fn cotangent<S: Scalar>(y: &Values<S>, name: &str, rows: usize, cols: usize) -> Result<Matrix<S>> {
    match y.get(name) {
        Some(_) => Matrix::new(rows, cols, y.real(name)?.data.clone()),
        None => Ok(Matrix::zeros(rows, cols)),
    }
}
