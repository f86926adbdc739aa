//! The definitions themselves, compiled for the instruction set: what every other number type runs, and `f32` and `f64` where little is
//! to be done.

use super::Isa;
use crate::Result;
use crate::linalg::definition;
use crate::linalg::dispatch::Kernel;
use crate::scalar::{Part, Scalar, View};

macro_rules! definitions {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)*) => {
        $(
            #[doc = concat!("[`definition::", stringify!($name), "`].")]
            pub fn $name<'a, S: Scalar>(isa: Isa, $($argument: $type),*) $(-> $output)? {
                struct Call<'a, S> {
                    $($argument: $type,)*
                    of: std::marker::PhantomData<&'a S>,
                }
                impl<S: Scalar> Kernel for Call<'_, S> {
                    type Output = definitions!(@ $($output)?);
                    #[inline(always)]
                    fn run(self) -> Self::Output {
                        definition::$name($(self.$argument),*)
                    }
                }
                isa.run(Call { $($argument,)* of: std::marker::PhantomData })
            }
        )*
    };
    (@) => { () };
    (@ $output:ty) => { $output };
}
definitions! {
    product(a: View<'a, S>, b: View<'a, S>, c: &'a mut [S], part: Part);
    sum(x: &'a [S]) -> S;
    dot(x: &'a [S], y: &'a [S]) -> S;
    cholesky(a: &'a mut [S], n: usize) -> Result<()>;
    excess_pivots(m: &'a mut [S], n: usize) -> Result<()>;
    solve_lower(l: &'a [S], n: usize, b: &'a mut [S], m: usize) -> Result<()>;
    solve_lower_t(l: &'a [S], n: usize, b: &'a mut [S], m: usize) -> Result<()>;
}
