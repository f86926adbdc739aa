//! An array as a file holds it: a shape, and elements that keep the type they were stored in.

use super::elements::{Dtype, Elements};
use super::half;
use crate::{Error, Result};

/// Axes at most, as in NumPy.
pub const MAX_RANK: usize = 64;
/// A dimension is below this: 2⁴⁸, the largest size an address space of today can hold.
pub const DIMENSION_END: u64 = 1 << 48;

/// A shape and as many elements as it says, the last axis fastest. Equal if shape, type and bits are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    shape: Vec<usize>,
    elements: Elements,
}

impl Array {
    /// An array of this shape; the empty shape is a single number.
    ///
    /// `Shape` if the shape is beyond [`MAX_RANK`] or [`DIMENSION_END`], or does not have as many elements.
    pub fn new(shape: Vec<usize>, elements: Elements) -> Result<Array> {
        let wide: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let count = element_count(&wide)?;
        if count != elements.len() {
            return Err(Error::shape("", format!("{count} elements for {}", shape_text(&shape)), format!("{}", elements.len())));
        }
        Ok(Array { shape, elements })
    }
    /// An array of `f64`.
    pub fn from_f64(shape: Vec<usize>, data: Vec<f64>) -> Result<Array> {
        Array::new(shape, Elements::F64(data))
    }
    /// An array of `i64`.
    pub fn from_i64(shape: Vec<usize>, data: Vec<i64>) -> Result<Array> {
        Array::new(shape, Elements::I64(data))
    }
    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// The elements, row after row.
    pub fn elements(&self) -> &Elements {
        &self.elements
    }
    /// Their type.
    pub fn dtype(&self) -> Dtype {
        self.elements.dtype()
    }
    /// Shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, Elements) {
        (self.shape, self.elements)
    }

    /// Every element as an `f64`, exactly. `Domain`, with the place, at the first integer that no `f64` equals (beyond 2⁵³).
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        Ok(match &self.elements {
            Elements::F64(v) => v.clone(),
            Elements::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::F16(v) => v.iter().map(|&x| half::f16_to_f64(x)).collect(),
            Elements::BF16(v) => v.iter().map(|&x| half::bf16_to_f64(x)).collect(),
            Elements::I64(v) => self.exactly(v, |x| Some(x as f64).filter(|&y| y as i128 == i128::from(x)), "an integer that f64 holds")?,
            Elements::U64(v) => self.exactly(v, |x| Some(x as f64).filter(|&y| y as i128 == i128::from(x)), "an integer that f64 holds")?,
            Elements::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::I16(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::I8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::U32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::U16(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::U8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Elements::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
        })
    }

    /// Every element as an `i64`, exactly: integers, truth values as 0 and 1, reals that are integers. `Domain`, with the place, at the first
    /// that is none or does not fit.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        let what = "an integer that i64 holds";
        let whole = |x: f64| (-9223372036854775808.0..9223372036854775808.0).contains(&x).then_some(x as i64).filter(|&i| i as f64 == x);
        Ok(match &self.elements {
            Elements::I64(v) => v.clone(),
            Elements::U64(v) => self.exactly(v, |x| i64::try_from(x).ok(), what)?,
            Elements::F64(v) => self.exactly(v, whole, what)?,
            Elements::F32(v) => self.exactly(v, |x| whole(x.into()), what)?,
            Elements::F16(_) | Elements::BF16(_) => self.exactly(&self.to_f64()?, whole, what)?,
            Elements::I32(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::I16(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::I8(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::U32(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::U16(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::U8(v) => v.iter().map(|&x| x.into()).collect(),
            Elements::Bool(v) => v.iter().map(|&x| x.into()).collect(),
        })
    }

    /// The same numbers stored as `dtype`. A real type rounds to nearest, ties to even; a number too large for it, or one that an integer
    /// type cannot hold exactly, is a `Domain` error with its place.
    pub fn cast(&self, dtype: Dtype) -> Result<Array> {
        macro_rules! reals {
            ($variant:ident, $encode:expr, $decode:expr) => {
                Elements::$variant(self.exactly(
                    &self.to_f64()?,
                    |x| Some($encode(x)).filter(|&y| x.is_infinite() || !$decode(y).is_infinite()),
                    concat!("a number within the range of ", stringify!($variant)),
                )?)
            };
        }
        macro_rules! integers {
            ($variant:ident, $t:ty) => {
                Elements::$variant(match &self.elements {
                    Elements::U64(v) => {
                        self.exactly(v, |x| <$t>::try_from(x).ok(), concat!("an integer that ", stringify!($t), " holds"))?
                    }
                    _ => {
                        self.exactly(&self.to_i64()?, |x| <$t>::try_from(x).ok(), concat!("an integer that ", stringify!($t), " holds"))?
                    }
                })
            };
        }
        let elements = match dtype {
            same if same == self.dtype() => self.elements.clone(),
            Dtype::F64 => Elements::F64(self.to_f64()?),
            Dtype::F32 => reals!(F32, |x| x as f32, f64::from),
            Dtype::F16 => reals!(F16, half::f16_from_f64, half::f16_to_f64),
            Dtype::BF16 => reals!(BF16, half::bf16_from_f64, half::bf16_to_f64),
            Dtype::I64 => Elements::I64(self.to_i64()?),
            Dtype::I32 => integers!(I32, i32),
            Dtype::I16 => integers!(I16, i16),
            Dtype::I8 => integers!(I8, i8),
            Dtype::U64 => integers!(U64, u64),
            Dtype::U32 => integers!(U32, u32),
            Dtype::U16 => integers!(U16, u16),
            Dtype::U8 => integers!(U8, u8),
            Dtype::Bool => {
                let bit = |x| [(0, false), (1, true)].iter().find(|(i, _)| *i == x).map(|&(_, b)| b);
                Elements::Bool(self.exactly(&self.to_i64()?, bit, "0 or 1")?)
            }
        };
        Ok(Array { shape: self.shape.clone(), elements })
    }

    /// `convert` of every element, or an error that names the first for which there is none.
    fn exactly<A: Copy + std::fmt::Debug, B>(&self, from: &[A], convert: impl Fn(A) -> Option<B>, expected: &str) -> Result<Vec<B>> {
        let mut out = Vec::with_capacity(from.len());
        for (i, &x) in from.iter().enumerate() {
            out.push(convert(x).ok_or_else(|| Error::domain(place(&self.shape, i), expected, format!("{x:?}")).named("Inexact"))?);
        }
        Ok(out)
    }
}

/// The number of elements of a shape, whatever the order of its axes: 0 if any is 0, else their product.
///
/// `Shape` if there are more than [`MAX_RANK`] axes, an axis is [`DIMENSION_END`] or longer (even beside one of length 0), or the count does not
/// fit this machine.
pub fn element_count(shape: &[u64]) -> Result<usize> {
    if shape.len() > MAX_RANK {
        return Err(Error::shape("shape", format!("at most {MAX_RANK} axes"), format!("{}", shape.len())).named("RankTooLarge"));
    }
    if let Some(long) = shape.iter().find(|&&n| n >= DIMENSION_END || usize::try_from(n).is_err()) {
        return Err(Error::shape("shape", "axes shorter than 2^48 that this machine can address", format!("{long}")).named("Overflow"));
    }
    if shape.contains(&0) {
        return Ok(0);
    }
    let product = shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n as usize));
    product.ok_or_else(|| Error::shape("shape", "a product of axes that this machine can address", shape_text(shape)).named("Overflow"))
}

/// A shape as people write it: `2 × 3`; `a single number` for none.
pub fn shape_text<T: ToString>(shape: &[T]) -> String {
    if shape.is_empty() {
        return "a single number".into();
    }
    shape.iter().map(T::to_string).collect::<Vec<_>>().join(" × ")
}

/// Where element `index` of an array lies: `[1, 2]`.
pub fn place(shape: &[usize], index: usize) -> String {
    let mut rest = index;
    let mut places: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&n| {
            let here = rest % n.max(1);
            rest /= n.max(1);
            here
        })
        .collect();
    places.reverse();
    format!("{places:?}")
}
