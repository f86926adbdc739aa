//! Trainable tensors and their names.

use crate::linalg::Matrix;
use crate::scalar::{Scalar, View};
use crate::{Error, Result};
use std::fmt;

/// A trainable tensor in the shape that a checkpoint states.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter<S> {
    shape: Vec<usize>,
    data: Vec<S>,
}

impl<S: Scalar> Parameter<S> {
    /// All zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Parameter::filled(shape, S::ZERO)
    }
    /// All equal.
    pub fn filled(shape: &[usize], x: S) -> Self {
        Parameter { shape: shape.to_vec(), data: vec![x; shape.iter().product()] }
    }
    /// Errors: `Shape` if the count of numbers is not the product of the axes.
    pub fn new(shape: &[usize], data: Vec<S>) -> Result<Self> {
        match shape.iter().try_fold(1usize, |n, &k| n.checked_mul(k)) {
            Some(n) if n == data.len() => Ok(Parameter { shape: shape.to_vec(), data }),
            _ => Err(Error::shape("parameter", format!("as many numbers as {shape:?} has places"), data.len().to_string())),
        }
    }
    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// The elements, the last axis fastest.
    pub fn data(&self) -> &[S] {
        &self.data
    }
    /// The elements, the last axis fastest.
    pub fn data_mut(&mut self) -> &mut [S] {
        &mut self.data
    }
    /// Size of the first axis.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
    /// Product of the other axes.
    pub fn cols(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
    /// The first axis against all others.
    pub fn view(&self) -> View<'_, S> {
        View::new(&self.data, self.rows(), self.cols())
    }
    /// The first axis against all others, copied.
    pub fn matrix(&self) -> Matrix<S> {
        Matrix::from_fn(self.rows(), self.cols(), |i, j| self.data[i * self.cols() + j])
    }
}

impl<S: Scalar> From<Matrix<S>> for Parameter<S> {
    fn from(m: Matrix<S>) -> Self {
        Parameter { shape: m.shape().to_vec(), data: m.into_data() }
    }
}
impl<S: Scalar> From<Vec<S>> for Parameter<S> {
    fn from(x: Vec<S>) -> Self {
        Parameter { shape: vec![x.len()], data: x }
    }
}

/// The place of a parameter in a model: `transformer.layers.3.0.fn.qkv.weight`. A chain of borrowed parts, so that walking a model allocates nothing.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// The model itself.
    Root,
    /// A field of what is named so far; may itself contain dots.
    Field(&'a Name<'a>, &'a str),
    /// An element of a list.
    Index(&'a Name<'a>, usize),
}

impl<'a> Name<'a> {
    /// A field below.
    pub fn at(&'a self, field: &'a str) -> Name<'a> {
        Name::Field(self, field)
    }
    /// An element below.
    pub fn index(&'a self, i: usize) -> Name<'a> {
        Name::Index(self, i)
    }
}
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let dot = |outer: &Name| if matches!(outer, Name::Root) { "" } else { "." };
        match self {
            Name::Root => Ok(()),
            Name::Field(outer, field) => write!(f, "{outer}{}{field}", dot(outer)),
            Name::Index(outer, i) => write!(f, "{outer}{}{i}", dot(outer)),
        }
    }
}

/// Whatever has parameters. Both walks go through the same parameters in the same order under the same names.
pub trait Parameters<S: Scalar> {
    /// Shows every parameter with its name.
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>));
    /// Lends every parameter with its name.
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>));

    /// All parameters in order.
    fn parameters(&self) -> Vec<&Parameter<S>> {
        let mut all = Vec::new();
        self.visit(&Name::Root, &mut |_, p| all.push(p));
        all
    }
    /// All parameters in order.
    fn parameters_mut(&mut self) -> Vec<&mut Parameter<S>> {
        let mut all = Vec::new();
        self.visit_mut(&Name::Root, &mut |_, p| all.push(p));
        all
    }
    /// All names in order.
    fn names(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.visit(&Name::Root, &mut |name, _| all.push(name.to_string()));
        all
    }
    /// How many numbers there are.
    fn count(&self) -> usize {
        self.parameters().iter().map(|p| p.data.len()).sum()
    }
    /// Sets every parameter to 0.
    fn clear(&mut self) {
        self.visit_mut(&Name::Root, &mut |_, p| p.data.fill(S::ZERO));
    }
    /// Adds the parameters of another model of the same shapes, number by number.
    fn accumulate(&mut self, other: &Self) {
        for (mine, theirs) in self.parameters_mut().into_iter().zip(other.parameters()) {
            debug_assert_eq!(mine.shape, theirs.shape);
            mine.data.iter_mut().zip(&theirs.data).for_each(|(a, &b)| *a += b);
        }
    }
}

impl<S: Scalar> Parameters<S> for Parameter<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        f(name, self);
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        f(name, self);
    }
}
impl<S: Scalar, P: Parameters<S>> Parameters<S> for Option<P> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        if let Some(p) = self {
            p.visit(name, f);
        }
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        if let Some(p) = self {
            p.visit_mut(name, f);
        }
    }
}
impl<S: Scalar, P: Parameters<S>> Parameters<S> for Vec<P> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        self.iter().enumerate().for_each(|(i, p)| p.visit(&name.index(i), f));
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        self.iter_mut().enumerate().for_each(|(i, p)| p.visit_mut(&name.index(i), f));
    }
}

/// Both walks of a type from one list of names and fields.
macro_rules! parameters {
    ($layer:ident { $($name:expr => $field:ident),* $(,)? }) => {
        impl<S: $crate::scalar::Scalar> $crate::learn::Parameters<S> for $layer<S> {
            fn visit<'a>(&'a self, name: &$crate::learn::Name, f: &mut dyn FnMut(&$crate::learn::Name, &'a $crate::learn::Parameter<S>)) {
                $($crate::learn::Parameters::visit(&self.$field, &name.at($name), f);)*
            }
            fn visit_mut<'a>(&'a mut self, name: &$crate::learn::Name, f: &mut dyn FnMut(&$crate::learn::Name, &'a mut $crate::learn::Parameter<S>)) {
                $($crate::learn::Parameters::visit_mut(&mut self.$field, &name.at($name), f);)*
            }
        }
    };
}
pub(crate) use parameters;
