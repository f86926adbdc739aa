//! The definitions themselves, compiled for the instruction set: what every other number type runs, and `f32` and `f64` where little is
//! to be done.

use super::Isa;
use crate::Result;
use crate::linalg::definition;
use crate::linalg::dispatch::Kernel;
use crate::scalar::{Function, Heads, Part, Scalar, View};

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
                isa.run_narrow(Call { $($argument,)* of: std::marker::PhantomData })
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
    map(f: Function, x: &'a mut [S]);
    softmax_rows(x: &'a mut [S], cols: usize);
    softmax_rows_vjp(y: &'a [S], y_bar: &'a mut [S], cols: usize);
    standardise_rows(x: &'a mut [S], cols: usize, eps: S, r: &'a mut [S]);
    standardise_rows_vjp(hat: &'a [S], r: &'a [S], h: &'a mut [S], cols: usize);
    centre_rows(y: &'a [S], y_bar: &'a mut [S], cols: usize);
    attention(heads: &'a Heads<S>, projected: &'a [S], cols: usize, weights: &'a mut [S], out: &'a mut [S]);
    attention_vjp(heads: &'a Heads<S>, projected: &'a [S], cols: usize, weights: &'a [S], d_out: &'a [S], d_projected: &'a mut [S]);
    cholesky(a: &'a mut [S], n: usize) -> Result<()>;
    excess_pivots(m: &'a mut [S], n: usize) -> Result<()>;
    solve_lower(l: &'a [S], n: usize, b: &'a mut [S], m: usize) -> Result<()>;
    solve_lower_t(l: &'a [S], n: usize, b: &'a mut [S], m: usize) -> Result<()>;
    solve_lower_rows(l: &'a [S], n: usize, b: &'a mut [S]) -> Result<()>;
    solve_lower_t_rows(l: &'a [S], n: usize, b: &'a mut [S]) -> Result<()>;
    solve_cholesky(l: &'a [S], n: usize, b: &'a mut [S], m: usize) -> Result<()>;
    solve_cholesky_rows(l: &'a [S], n: usize, b: &'a mut [S]) -> Result<()>;
    solve_excess(l: &'a [S], n: usize, b: &'a mut [S], m: usize);
    solve_excess_rows(l: &'a [S], n: usize, b: &'a mut [S]);
}
