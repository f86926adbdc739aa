//! The elements of an array: their types, and their bytes.

use crate::{Error, Result};

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16.
    BF16,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 64 bits.
    U64,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 8 bits.
    U8,
    /// False or true, one byte.
    Bool,
}
use Dtype::*;

impl Dtype {
    /// All of them.
    pub const ALL: [Dtype; 13] = [F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, Bool];

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            F64 | I64 | U64 => 8,
            F32 | I32 | U32 => 4,
            F16 | BF16 | I16 | U16 => 2,
            I8 | U8 | Bool => 1,
        }
    }
    /// Lower-case name: `f64`, `bf16`, `bool`, …
    pub fn name(self) -> &'static str {
        match self {
            F64 => "f64",
            F32 => "f32",
            F16 => "f16",
            BF16 => "bf16",
            I64 => "i64",
            I32 => "i32",
            I16 => "i16",
            I8 => "i8",
            U64 => "u64",
            U32 => "u32",
            U16 => "u16",
            U8 => "u8",
            Bool => "bool",
        }
    }
    /// Whether the elements are floating-point numbers.
    pub fn is_real(self) -> bool {
        matches!(self, F64 | F32 | F16 | BF16)
    }
}

/// The elements of an array, in the type they are stored in.
#[derive(Clone, Debug)]
pub enum Elements {
    /// IEEE binary64.
    F64(Vec<f64>),
    /// IEEE binary32.
    F32(Vec<f32>),
    /// IEEE binary16, as bits.
    F16(Vec<u16>),
    /// bfloat16, as bits.
    BF16(Vec<u16>),
    /// Signed, 64 bits.
    I64(Vec<i64>),
    /// Signed, 32 bits.
    I32(Vec<i32>),
    /// Signed, 16 bits.
    I16(Vec<i16>),
    /// Signed, 8 bits.
    I8(Vec<i8>),
    /// Unsigned, 64 bits.
    U64(Vec<u64>),
    /// Unsigned, 32 bits.
    U32(Vec<u32>),
    /// Unsigned, 16 bits.
    U16(Vec<u16>),
    /// Unsigned, 8 bits.
    U8(Vec<u8>),
    /// False or true.
    Bool(Vec<bool>),
}

/// `$body` with `$v` the vector, whatever it holds; `$kind` names the variant.
macro_rules! each {
    ($elements:expr, $v:ident => $body:expr) => {
        match $elements {
            Elements::F64($v) => $body,
            Elements::F32($v) => $body,
            Elements::F16($v) => $body,
            Elements::BF16($v) => $body,
            Elements::I64($v) => $body,
            Elements::I32($v) => $body,
            Elements::I16($v) => $body,
            Elements::I8($v) => $body,
            Elements::U64($v) => $body,
            Elements::U32($v) => $body,
            Elements::U16($v) => $body,
            Elements::U8($v) => $body,
            Elements::Bool($v) => $body,
        }
    };
}

impl Elements {
    /// How many.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Their type.
    pub fn dtype(&self) -> Dtype {
        match self {
            Elements::F64(_) => F64,
            Elements::F32(_) => F32,
            Elements::F16(_) => F16,
            Elements::BF16(_) => BF16,
            Elements::I64(_) => I64,
            Elements::I32(_) => I32,
            Elements::I16(_) => I16,
            Elements::I8(_) => I8,
            Elements::U64(_) => U64,
            Elements::U32(_) => U32,
            Elements::U16(_) => U16,
            Elements::U8(_) => U8,
            Elements::Bool(_) => Bool,
        }
    }

    /// Elements of type `dtype` from their bytes, most significant first if `big_endian`.
    ///
    /// `Format` if the length is no multiple of the size, or a truth value is neither 0 nor 1.
    pub fn from_bytes(dtype: Dtype, bytes: &[u8], big_endian: bool) -> Result<Elements> {
        if !bytes.len().is_multiple_of(dtype.size()) {
            return Err(Error::format("", format!("a multiple of {} bytes", dtype.size()), format!("{} bytes", bytes.len())));
        }
        macro_rules! decode {
            ($variant:ident, $t:ty) => {{
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$t>() }>();
                Elements::$variant(if big_endian {
                    chunks.iter().map(|&c| <$t>::from_be_bytes(c)).collect()
                } else {
                    chunks.iter().map(|&c| <$t>::from_le_bytes(c)).collect()
                })
            }};
        }
        Ok(match dtype {
            F64 => decode!(F64, f64),
            F32 => decode!(F32, f32),
            F16 => decode!(F16, u16),
            BF16 => decode!(BF16, u16),
            I64 => decode!(I64, i64),
            I32 => decode!(I32, i32),
            I16 => decode!(I16, i16),
            I8 => decode!(I8, i8),
            U64 => decode!(U64, u64),
            U32 => decode!(U32, u32),
            U16 => decode!(U16, u16),
            U8 => decode!(U8, u8),
            Bool => match bytes.iter().position(|&b| b > 1) {
                Some(i) => {
                    return Err(
                        Error::format(format!("element {i}"), "0 or 1 for a truth value", format!("{}", bytes[i])).named("InvalidBool")
                    );
                }
                None => Elements::Bool(bytes.iter().map(|&b| b == 1).collect()),
            },
        })
    }

    /// Appends the elements as little-endian bytes.
    pub fn append_bytes(&self, out: &mut Vec<u8>) {
        out.reserve(self.len() * self.dtype().size());
        match self {
            Elements::Bool(v) => out.extend(v.iter().map(|&b| u8::from(b))),
            Elements::U8(v) => out.extend_from_slice(v),
            Elements::F64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::F32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::F16(v) | Elements::BF16(v) | Elements::U16(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::I64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::I32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::I16(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::I8(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::U64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Elements::U32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        }
    }
}

/// Same type and same bits: a NaN equals itself, and −0 differs from 0.
impl PartialEq for Elements {
    fn eq(&self, other: &Elements) -> bool {
        match (self, other) {
            (Elements::F64(a), Elements::F64(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()),
            (Elements::F32(a), Elements::F32(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()),
            (Elements::F16(a), Elements::F16(b)) | (Elements::BF16(a), Elements::BF16(b)) | (Elements::U16(a), Elements::U16(b)) => a == b,
            (Elements::I64(a), Elements::I64(b)) => a == b,
            (Elements::I32(a), Elements::I32(b)) => a == b,
            (Elements::I16(a), Elements::I16(b)) => a == b,
            (Elements::I8(a), Elements::I8(b)) => a == b,
            (Elements::U64(a), Elements::U64(b)) => a == b,
            (Elements::U32(a), Elements::U32(b)) => a == b,
            (Elements::U8(a), Elements::U8(b)) => a == b,
            (Elements::Bool(a), Elements::Bool(b)) => a == b,
            _ => false,
        }
    }
}
impl Eq for Elements {}
