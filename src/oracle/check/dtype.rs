//! The arithmetic a candidate claims.

use crate::data::half;
use crate::{Error, Result};

/// The arithmetic a candidate claims, not the type its numbers are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE binary64.
    F64,
    /// IEEE binary32.
    F32,
    /// binary32 whose products round their factors to 11 significant bits.
    Tf32,
    /// IEEE binary16, sums in binary32.
    F16,
    /// bfloat16, sums in binary32.
    Bf16,
}

impl Dtype {
    /// All, widest first.
    pub const ALL: [Dtype; 5] = [Dtype::F64, Dtype::F32, Dtype::Tf32, Dtype::F16, Dtype::Bf16];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        ["f64", "f32", "tf32", "f16", "bf16"][self as usize]
    }
    /// Errors: `Usage` with the five names. The long names of the frameworks are understood.
    pub fn parse(name: &str) -> Result<Dtype> {
        let short = match name {
            "float64" => "f64",
            "float32" => "f32",
            "float16" => "f16",
            "bfloat16" => "bf16",
            other => other,
        };
        Dtype::ALL
            .into_iter()
            .find(|d| d.name() == short)
            .ok_or_else(|| Error::usage("dtype", "f64, f32, tf32, f16 or bf16", format!("`{}`", name.escape_default())))
    }
    /// The error a result of `L` operations may make, over `√L` times the scale of [`crate::oracle::tolerance`]: u, and for the types whose sums
    /// run in binary32 the storage rounding once and the rounding of binary32 along the chain.
    pub fn unit(self, chain: f64) -> f64 {
        let (single, storage) = (2f64.powi(-24), |bits: i32| 2f64.powi(-bits) / chain.sqrt());
        match self {
            Dtype::F64 => 2f64.powi(-53),
            Dtype::F32 => single,
            Dtype::Tf32 | Dtype::F16 => single + storage(11),
            Dtype::Bf16 => single + storage(8),
        }
    }
    /// Below this magnitude numbers of the type lose digits.
    pub fn underflow(self) -> f64 {
        match self {
            Dtype::F64 => f64::MIN_POSITIVE,
            Dtype::F16 => 2f64.powi(-14),
            _ => f64::from(f32::MIN_POSITIVE),
        }
    }
    /// The nearest number of the type: what the candidate's input was.
    pub fn round(self, x: f64) -> f64 {
        match self {
            Dtype::F64 => x,
            Dtype::F32 | Dtype::Tf32 => f64::from(x as f32),
            Dtype::F16 => half::f16_to_f64(half::f16_from_f64(x)),
            Dtype::Bf16 => half::bf16_to_f64(half::bf16_from_f64(x)),
        }
    }
    /// What a product of this arithmetic makes of a factor: TF32 keeps 11 significant bits.
    pub fn product(self, x: f64) -> f64 {
        match self {
            Dtype::Tf32 => {
                let single = x as f32;
                let half = 0x0fff + (single.to_bits() >> 13 & 1);
                f64::from(f32::from_bits((single.to_bits() + half) & !0x1fff))
            }
            other => other.round(x),
        }
    }
    /// Units in the last place of a number of this magnitude: twice the unit roundoff times the power of two at or below it.
    pub fn ulp(self, magnitude: f64) -> f64 {
        let bits = match self {
            Dtype::F64 => 52,
            Dtype::F32 => 23,
            Dtype::Tf32 | Dtype::F16 => 10,
            Dtype::Bf16 => 7,
        };
        let magnitude = if magnitude > self.underflow() { magnitude } else { self.underflow() };
        f64::from_bits(magnitude.to_bits() & 0x7ff0_0000_0000_0000) * 2f64.powi(-bits)
    }
    /// What others compare values with by default: `(who, rtol, atol)`.
    pub fn habits(self) -> [(&'static str, f64, f64); 3] {
        let ((rtol, atol), jax) = match self {
            Dtype::F64 => ((1e-7, 1e-7), 1e-15),
            Dtype::F32 | Dtype::Tf32 => ((1.3e-6, 1e-5), 1e-6),
            Dtype::F16 => ((1e-3, 1e-5), 1e-3),
            Dtype::Bf16 => ((1.6e-2, 1e-5), 1e-2),
        };
        [("NumPy assert_allclose", 1e-7, 0.0), ("PyTorch assert_close", rtol, atol), ("JAX assertAllClose", jax, jax)]
    }
    /// The same for gradients of `count` elements; JAX multiplies both tolerances by the count.
    pub fn gradient_habits(self, count: usize) -> [(&'static str, f64, f64); 3] {
        let jax = match self {
            Dtype::F64 => 1e-5,
            Dtype::F32 | Dtype::Tf32 => 2e-3,
            Dtype::F16 => 1e-2,
            Dtype::Bf16 => 1e-1,
        } * count as f64;
        [("NumPy assert_allclose", 1e-7, 0.0), ("PyTorch gradcheck", 1e-3, 1e-5), ("JAX check_grads", jax, jax)]
    }
}
