//! A question, and the other questions that it is mistaken for.

use crate::linalg::Matrix;
use crate::oracle::case::{Case, Setting};
use crate::oracle::entry::Entry;
use crate::oracle::shape::{self, Sizes};
use crate::oracle::spec::{Domain, Param, Port, Range, Spec};
use crate::oracle::value::{Tensor, Value};
use crate::scalar::{Ball, DoubleDouble, Scalar};
use crate::{Error, Result};

/// A question with what its inputs show.
pub struct Asked<'a> {
    /// The operator.
    pub entry: &'a dyn Entry,
    /// Inputs, parameters and preset.
    pub case: &'a Case,
    sizes: Sizes,
}

impl<'a> Asked<'a> {
    /// Reads the sizes off the inputs; extra leading axes are set aside.
    pub fn new(entry: &'a dyn Entry, case: &'a Case) -> Asked<'a> {
        let mut sizes = Sizes::default();
        for param in entry.spec().params {
            if let (Range::Count(_), Some(n)) = (param.domain, case.number(param.name)) {
                sizes.bind(param.name, n as usize);
            }
        }
        for port in entry.spec().inputs {
            if let Some(value) = case.inputs.get(port.name) {
                let (have, rank) = (value.shape(), shape::rank(port.shape, value.shape().len()));
                // A shape that does not fit has been refused before.
                let _ = sizes.unify(port.name, port.shape, &have[have.len().saturating_sub(rank)..]);
            }
        }
        Asked { entry, case, sizes }
    }
    /// The description of the operator.
    pub fn spec(&self) -> &'static Spec {
        self.entry.spec()
    }
    /// Is it this operator?
    pub fn is(&self, name: &str) -> bool {
        self.spec().name == name
    }
    /// The size that a symbol stands for.
    pub fn size(&self, symbol: &str) -> Option<f64> {
        self.sizes.get(symbol).map(|n| n as f64)
    }
    /// Symbols and sizes above 1.
    pub fn sizes(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.sizes.iter().filter(|&(_, n)| n > 1).map(|(s, n)| (s, n as f64))
    }
    /// Samples and features: the axes of the first input that is a matrix.
    pub fn rows_and_columns(&self) -> Option<(f64, f64)> {
        self.samples().and_then(|p| {
            let mut axes = shape::axes(p.shape).filter_map(|a| self.sizes.axis(a));
            Some((axes.next()? as f64, axes.next()? as f64))
        })
    }
    /// The port of the samples: the first of two axes.
    pub fn samples(&self) -> Option<&'static Port> {
        self.spec().inputs.iter().find(|p| shape::axes(p.shape).count() == 2 && p.domain == Domain::Real)
    }
    /// ε² as it was given.
    pub fn eps2(&self) -> Option<f64> {
        self.case.number("eps2").or_else(|| self.case.number("eps").map(|e| e * e)).filter(|_| self.spec().distortion)
    }
    /// The number that was given for the distortion, whatever it means.
    pub fn distortion(&self) -> Option<f64> {
        self.case.number("eps2").or_else(|| self.case.number("eps")).filter(|_| self.spec().distortion)
    }
    /// What the distortion constant α (or a of the subspaces) has above it: p with bases, else d.
    pub fn dimension(&self) -> Option<f64> {
        if self.spec().input("u").is_some() { self.size("p") } else { self.rows_and_columns().map(|(_, d)| d) }
    }
    /// α = d/(nε²), with p in place of d where there are bases.
    pub fn alpha(&self) -> Option<f64> {
        Some(self.dimension()? / (self.rows_and_columns()?.0 * self.eps2()?))
    }
    /// The same with another ε².
    pub fn with_eps2(&self, eps2: f64) -> Option<Case> {
        self.spec().distortion.then(|| {
            let mut case = self.case.clone();
            case.params.retain(|(n, _)| n != "eps" && n != "eps2");
            case.set("eps2", eps2)
        })
    }
    /// The same with α times a factor, by way of ε².
    pub fn with_alpha_times(&self, factor: Option<f64>) -> Option<Case> {
        self.with_eps2(self.eps2()? / factor?)
    }
    /// The value of a parameter, given or default.
    pub fn param(&self, name: &str) -> Option<f64> {
        let param = self.spec().params.iter().find(|p| p.name == name)?;
        crate::oracle::case::setting_of(param, self.case.params.iter().find(|(n, _)| n == name).map(|(_, s)| s)).ok()
    }
    /// The real parameters and their values.
    pub fn reals(&self) -> impl Iterator<Item = (&'static Param, f64)> {
        let real = |p: &&Param| matches!(p.domain, Range::Real | Range::Positive | Range::NonNegative | Range::Fraction);
        self.spec().params.iter().filter(real).filter_map(|p| Some((p, self.param(p.name)?)))
    }
    /// The inputs that are given and real, with their ports.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static Port, &Tensor<Ball>)> {
        self.spec().inputs.iter().filter_map(|p| Some((p, self.case.inputs.real(p.name).ok()?)))
    }
    /// The same with one input through `f`, its last two axes as a matrix.
    pub fn with_each(&self, port: &Port, f: impl Fn(&Matrix<Ball>) -> Option<Matrix<Ball>>) -> Option<Case> {
        let t = each_matrix(self.case.inputs.real(port.name).ok()?, f)?;
        Some(self.case.clone().input(port.name, t))
    }
    /// An input as a matrix of double-double numbers.
    pub fn matrix(&self, name: &str) -> Result<Matrix<DoubleDouble>> {
        Ok(self.case.inputs.matrix(name)?.cast())
    }
    /// An input of three axes as matrices.
    pub fn matrices(&self, name: &str) -> Result<Vec<Matrix<DoubleDouble>>> {
        let t = self.case.inputs.real(name)?;
        let [_, rows, cols] = t.shape[..] else { return Err(Error::shape(name, "three axes", shape::found(&t.shape))) };
        t.data.chunks((rows * cols).max(1)).map(|m| Ok(Matrix::new(rows, cols, m.to_vec())?.cast())).collect()
    }
    /// An optional input of one axis.
    pub fn vector(&self, name: &str) -> Option<Vec<DoubleDouble>> {
        self.case.inputs.real(name).ok().map(|t| t.data.iter().map(|x| x.mid()).collect())
    }
    /// The labels.
    pub fn labels(&self, name: &str) -> Result<Vec<usize>> {
        Ok(match self.case.inputs.get(name) {
            Some(Value::Int(t)) => t.data.iter().map(|&l| l as usize).collect(),
            _ => self.case.inputs.real(name)?.data.iter().map(|x| x.mid().hi() as usize).collect(),
        })
    }
    /// A parameter as a number of double-double.
    pub fn number(&self, name: &str) -> Result<DoubleDouble> {
        self.param(name).map(DoubleDouble::from_f64).ok_or_else(|| Error::usage(name, "a value", "none"))
    }
    /// ε², of double-double.
    pub fn squared(&self) -> Result<DoubleDouble> {
        let given = |n: &str| self.case.number(n).map(DoubleDouble::from_f64);
        given("eps2").or_else(|| given("eps").map(Scalar::square)).ok_or_else(|| Error::usage("eps", "a value", "none"))
    }
    /// The same without extra leading axes? Formulas are written for one set of samples.
    pub fn is_single(&self) -> bool {
        !self.spec().batches
            || self
                .spec()
                .inputs
                .iter()
                .all(|p| self.case.inputs.get(p.name).is_none_or(|v| v.shape().len() == shape::rank(p.shape, v.shape().len())))
    }
    /// With a parameter that is a word.
    pub fn with_word(&self, param: &Param, word: &str) -> Option<Case> {
        (!self.case.params.iter().any(|(n, s)| n == param.name && *s == Setting::Word(word.into())))
            .then(|| self.case.clone().word(param.name, word))
    }
}

/// The last two axes of a tensor, matrix by matrix; one axis is one row.
pub fn each_matrix(t: &Tensor<Ball>, f: impl Fn(&Matrix<Ball>) -> Option<Matrix<Ball>>) -> Option<Tensor<Ball>> {
    let (rows, cols, lead) = match t.shape[..] {
        [] => return None,
        [n] => (1, n, 0),
        [.., r, c] => (r, c, t.shape.len() - 2),
    };
    let (mut data, mut last) = (Vec::with_capacity(t.data.len()), [rows, cols]);
    for block in t.data.chunks((rows * cols).max(1)) {
        let m = f(&Matrix::new(rows, cols, block.to_vec()).ok()?)?;
        last = m.shape();
        data.extend(m.into_data());
    }
    let mut shape = t.shape[..lead].to_vec();
    shape.extend(if t.shape.len() == 1 { &last[1..] } else { &last[..] });
    Tensor::new(shape, data).ok()
}

/// Element k of the result is element `source(k)` of the tensor.
pub fn gathered(t: &Tensor<Ball>, shape: &[usize], source: impl Fn(usize) -> usize) -> Option<Tensor<Ball>> {
    let data = (0..t.data.len()).map(|k| t.data.get(source(k)).copied()).collect::<Option<Vec<_>>>()?;
    Tensor::new(shape.to_vec(), data).ok()
}
