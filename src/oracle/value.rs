//! What operators and tools exchange: named tensors.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// An array of any rank, row-major. Rank 0 holds one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T> {
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// The elements; the last axis runs fastest.
    pub data: Vec<T>,
}

impl<T: Copy> Tensor<T> {
    /// Errors: `Shape` if the count of numbers is not the product of the axes.
    pub fn new(shape: Vec<usize>, data: Vec<T>) -> Result<Self> {
        match shape.iter().try_fold(1usize, |n, &k| n.checked_mul(k)) {
            Some(n) if n == data.len() => Ok(Tensor { shape, data }),
            _ => Err(Error::shape("tensor", format!("as many numbers as {shape:?} has places"), format!("{} numbers", data.len()))),
        }
    }
    /// Rank 0.
    pub fn scalar(x: T) -> Self {
        Tensor { shape: vec![], data: vec![x] }
    }
    /// Every element through `f`.
    pub fn map<R>(&self, f: impl FnMut(T) -> R) -> Tensor<R> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().copied().map(f).collect() }
    }
    /// The index of element `k` along each axis.
    pub fn index(&self, mut k: usize) -> Vec<usize> {
        let mut index = vec![0; self.shape.len()];
        for (i, &size) in index.iter_mut().zip(&self.shape).rev() {
            *i = k % size.max(1);
            k /= size.max(1);
        }
        index
    }
}

/// Reals, or the integers that labels, token ids and permutations are.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<S> {
    /// Integers.
    Int(Tensor<i64>),
    /// Reals.
    Real(Tensor<S>),
}

impl<S> Value<S> {
    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::Int(t) => &t.shape,
            Value::Real(t) => &t.shape,
        }
    }
}
impl<S> From<S> for Value<S>
where
    S: Scalar,
{
    fn from(x: S) -> Self {
        Value::Real(Tensor::scalar(x))
    }
}
impl<S: Scalar> From<Vec<S>> for Value<S> {
    fn from(x: Vec<S>) -> Self {
        Value::Real(Tensor { shape: vec![x.len()], data: x })
    }
}
impl<S: Scalar> From<Matrix<S>> for Value<S> {
    fn from(x: Matrix<S>) -> Self {
        Value::Real(Tensor { shape: x.shape().to_vec(), data: x.into_data() })
    }
}
impl<S: Scalar> From<Tensor<S>> for Value<S> {
    fn from(x: Tensor<S>) -> Self {
        Value::Real(x)
    }
}
impl<S> From<Tensor<i64>> for Value<S> {
    fn from(x: Tensor<i64>) -> Self {
        Value::Int(x)
    }
}

/// Named values, in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Values<S>(Vec<(String, Value<S>)>);

impl<S: Scalar> Values<S> {
    /// None.
    pub fn new() -> Self {
        Values(Vec::new())
    }
    /// One more; a value of that name is replaced.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value<S>>) -> Self {
        self.set(name, value);
        self
    }
    /// One more; a value of that name is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value<S>>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name, value)),
        }
    }
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value<S>> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
    /// Takes the value of that name out.
    pub fn remove(&mut self, name: &str) -> Option<Value<S>> {
        let i = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(i).1)
    }
    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<S>)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(n, _)| n.as_str())
    }
    /// No values at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Names and values of the reals only.
    pub fn reals(&self) -> impl Iterator<Item = (&str, &Tensor<S>)> {
        self.0.iter().filter_map(|(n, v)| match v {
            Value::Real(t) => Some((n.as_str(), t)),
            Value::Int(_) => None,
        })
    }
    /// The reals of that name. Errors: `Usage` if there are none.
    pub fn real(&self, name: &str) -> Result<&Tensor<S>> {
        match self.get(name) {
            Some(Value::Real(t)) => Ok(t),
            Some(Value::Int(_)) => Err(Error::usage(name, "real numbers", "integers")),
            None => Err(self.missing(name)),
        }
    }
    /// The integers of that name. Errors: `Usage` if there are none.
    pub fn int(&self, name: &str) -> Result<&Tensor<i64>> {
        match self.get(name) {
            Some(Value::Int(t)) => Ok(t),
            Some(Value::Real(_)) => Err(Error::usage(name, "integers", "real numbers")),
            None => Err(self.missing(name)),
        }
    }
    /// The single real of that name.
    pub fn scalar(&self, name: &str) -> Result<S> {
        match self.real(name)?.data[..] {
            [x] => Ok(x),
            ref many => Err(Error::shape(name, "one number", format!("{} numbers", many.len()))),
        }
    }
    /// The reals of that name as a matrix; rank 0 and 1 become one row.
    pub fn matrix(&self, name: &str) -> Result<Matrix<S>> {
        let t = self.real(name)?;
        match t.shape[..] {
            [] => Matrix::new(1, 1, t.data.clone()),
            [n] => Matrix::new(1, n, t.data.clone()),
            [n, m] => Matrix::new(n, m, t.data.clone()),
            _ => Err(Error::shape(name, "a matrix", format!("{} axes", t.shape.len()))),
        }
    }
    /// The same values in another number type; nothing is lost that the new type can hold.
    pub fn cast<R: Scalar>(&self) -> Values<R> {
        self.map(|x| R::from_ball(x.to_ball()))
    }
    /// Every real through `f`.
    pub fn map<R: Scalar>(&self, mut f: impl FnMut(S) -> R) -> Values<R> {
        let through = |v: &Value<S>, f: &mut dyn FnMut(S) -> R| match v {
            Value::Int(t) => Value::Int(t.clone()),
            Value::Real(t) => Value::Real(t.map(f)),
        };
        Values(self.0.iter().map(|(n, v)| (n.clone(), through(v, &mut f))).collect())
    }
    fn missing(&self, name: &str) -> Error {
        let have: Vec<&str> = self.names().collect();
        Error::usage(name, format!("a value named `{name}`"), if have.is_empty() { "none".into() } else { have.join(", ") })
    }
}

impl<S: Scalar> FromIterator<(String, Value<S>)> for Values<S> {
    fn from_iter<I: IntoIterator<Item = (String, Value<S>)>>(items: I) -> Self {
        let mut values = Values::new();
        for (name, value) in items {
            values.set(name, value);
        }
        values
    }
}
