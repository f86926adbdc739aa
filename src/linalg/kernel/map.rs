//! Elementary functions of every element of a slice.

use super::{Isa, Real};
use crate::linalg::dispatch::Kernel;
use crate::scalar::Function;

/// `x ← f(x)`, element by element.
pub fn map<T: Real>(isa: Isa, f: Function, x: &mut [T]) {
    macro_rules! run {
        ($($name:ident)*) => { match f { $(Function::$name => isa.run(Map::<T, { Function::$name as u8 }>(x)),)* } };
    }
    run!(Exp Expm1 Ln Log1p Tanh Erf Erfc Sqrt Recip)
}

/// Function number `F` of the list.
struct Map<'a, T, const F: u8>(&'a mut [T]);
impl<T: Real, const F: u8> Kernel for Map<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        map_lanes::<T, F>(self.0);
    }
}

/// Sixteen at a time, the last few padded with ones, so that every element goes through vectors.
#[inline(always)]
pub(super) fn map_lanes<T: Real, const F: u8>(x: &mut [T]) {
    let (groups, rest) = x.as_chunks_mut::<16>();
    for group in groups {
        for x in group {
            *x = const { Function::LIST[F as usize] }.of(*x);
        }
    }
    if !rest.is_empty() {
        let mut group = [T::ONE; 16];
        group[..rest.len()].copy_from_slice(rest);
        for x in &mut group {
            *x = const { Function::LIST[F as usize] }.of(*x);
        }
        rest.copy_from_slice(&group[..rest.len()]);
    }
}
