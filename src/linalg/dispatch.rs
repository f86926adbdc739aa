//! Instruction sets: the same kernel compiled for each, the best one chosen while the program runs. The only file with `unsafe`.
//!
//! A kernel is plain generic Rust. [`Isa::run`] calls it from inside a function compiled with the features of one instruction set, into
//! which it is inlined, so that the compiler vectorises it for that set and a fused multiply-add is one instruction. The arithmetic laws
//! fix the order of every operation, so the bits are the same whichever set runs.
//!
//! # Why the `unsafe` is sound
//! Calling a function with `#[target_feature]` is undefined on a processor without these features, and this is its only obligation.
//! The field of [`Isa`] is private, and a value other than the portable one is made in one place, [`Isa::available`], after the processor was asked for
//! exactly the features of the function that the value leads to. So whoever holds the value may make the call.

#![allow(unsafe_code)]

use crate::{Error, Result};
use std::sync::OnceLock;

/// Work that can be compiled for every instruction set. Mark both methods `#[inline(always)]`, and everything hot below them too: a call
/// that is not inlined leaves the instruction set (closures cannot be marked; keep them out of the innermost loops).
pub trait Kernel {
    /// What the work gives.
    type Output;
    /// Does the work.
    fn run(self) -> Self::Output;
    /// Does the work where vectors have 512 bits; the same unless another blocking pays there.
    #[inline(always)]
    fn run_wide(self) -> Self::Output
    where
        Self: Sized,
    {
        self.run()
    }
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run_wide()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

impl Isa {
    /// The instruction set every program of this architecture may use. On x86-64 it lacks the fused multiply-add, which then is a call:
    /// the same bits, some fifty times slower.
    pub const PORTABLE: Isa = Isa(Level::Portable);

    /// What this processor has, fastest first; the last is [`Isa::PORTABLE`].
    pub fn available() -> Vec<Isa> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
            {
                found.push(Isa(Level::Avx512));
            }
            found.push(Isa(Level::Avx2));
        }
        found.push(Isa::PORTABLE);
        found
    }

    /// The instruction set to use: the one that `WHITE_BOX_ISA` names, else the fastest. Asked once for the whole run of the program.
    /// A name that [`Isa::from_environment`] refuses counts as none.
    pub fn detect() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Isa::from_environment().unwrap_or_else(|_| Isa::available()[0]))
    }

    /// What `WHITE_BOX_ISA` names (`avx512`, `avx2`, `portable`), or the fastest if it is unset. Errors: `Usage` for a name this processor has nothing for.
    pub fn from_environment() -> Result<Isa> {
        let available = Isa::available();
        let Some(name) = std::env::var_os("WHITE_BOX_ISA") else { return Ok(available[0]) };
        available.iter().copied().find(|isa| name == isa.name()).ok_or_else(|| {
            let names: Vec<&str> = available.iter().map(|isa| isa.name()).collect();
            Error::usage("WHITE_BOX_ISA", format!("one of {}", names.join(", ")), format!("`{}`", name.to_string_lossy().escape_default()))
        })
    }

    /// `avx512`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        }
    }

    /// Runs a kernel compiled for this instruction set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: this value exists only where `Isa::available` found the features of `avx512`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(kernel) },
            // SAFETY: this value exists only where `Isa::available` found the features of `avx2`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(kernel) },
            Level::Portable => kernel.run(),
        }
    }

    /// Runs a kernel compiled for vectors of at most 256 bits: for work that wider ones would not speed up, to compile it once less.
    #[inline]
    pub fn run_narrow<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: `Isa::available` makes either value only where it found the features of `avx2`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => unsafe { avx2(kernel) },
            Level::Portable => kernel.run(),
        }
    }
}
