//! What a number type may do better on whole arrays than element by element: the fast kernels of `f32` and `f64`, the a-posteriori
//! enclosures of a ball. Declared here because it belongs to the number; implemented in [`crate::linalg`], where the algorithms are.

use super::{Ball, Scalar};
use crate::Result;

/// A strided view: element (i, j) is `data[i * row_step + j * col_step]`. A transpose swaps the steps and copies nothing.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, S> {
    /// The elements, from (0, 0) on.
    pub data: &'a [S],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Distance from a row to the next.
    pub row_step: usize,
    /// Distance from a column to the next.
    pub col_step: usize,
}

impl<'a, S: Copy> View<'a, S> {
    /// `rows × cols` numbers that lie row after row.
    pub fn new(data: &'a [S], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "a row-major view needs rows × cols elements");
        View { data, rows, cols, row_step: cols, col_step: 1 }
    }
    /// The transpose.
    pub fn t(self) -> Self {
        View { rows: self.cols, cols: self.rows, row_step: self.col_step, col_step: self.row_step, ..self }
    }
    /// Element (i, j).
    #[inline(always)]
    pub fn at(&self, i: usize, j: usize) -> S {
        self.data[i * self.row_step + j * self.col_step]
    }
    /// Rows `from .. from + count`.
    pub fn rows(self, from: usize, count: usize) -> Self {
        assert!(from + count <= self.rows, "rows {from}..{} of {}", from + count, self.rows);
        View { data: &self.data[(from * self.row_step).min(self.data.len())..], rows: count, ..self }
    }
    /// Columns `from .. from + count`.
    pub fn cols(self, from: usize, count: usize) -> Self {
        assert!(from + count <= self.cols, "columns {from}..{} of {}", from + count, self.cols);
        View { data: &self.data[(from * self.col_step).min(self.data.len())..], cols: count, ..self }
    }
}

/// How attention reads projected tokens: sample b is in rows `b·T .. (b+1)·T`, head h of the queries, keys and values in columns `at[·] + h·p .. at[·] + (h+1)·p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heads<S> {
    /// T, tokens of a sample.
    pub tokens: usize,
    /// Heads of a sample.
    pub heads: usize,
    /// p, the width of a head.
    pub width: usize,
    /// First columns of queries, keys and values. All equal: one projection serves as all three.
    pub at: [usize; 3],
    /// Multiplies the correlations.
    pub scale: S,
    /// A token attends to itself and to those before it only.
    pub causal: bool,
}

impl<S: Copy> Heads<S> {
    /// One projection serves as queries, keys and values.
    pub fn one_projection(&self) -> bool {
        self.at[0] == self.at[1] && self.at[1] == self.at[2]
    }
    /// How many tokens, from the first, token i attends to.
    #[inline(always)]
    pub fn seen(&self, i: usize) -> usize {
        if self.causal { i + 1 } else { self.tokens }
    }
    /// Where the block of head `slot % heads` of sample `slot / heads` begins in rows of `cols` numbers, if that of head 0 begins at column `at`.
    #[inline(always)]
    pub fn start(&self, cols: usize, at: usize, slot: usize) -> usize {
        slot / self.heads * self.tokens * cols + at + slot % self.heads * self.width
    }
    /// That block, T × p.
    #[inline(always)]
    pub fn view<'a>(&self, data: &'a [S], cols: usize, at: usize, slot: usize) -> View<'a, S> {
        View { data: &data[self.start(cols, at, slot)..], rows: self.tokens, cols: self.width, row_step: cols, col_step: 1 }
    }
}

/// Which elements of a square product are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All.
    Full,
    /// On and below the diagonal; those above may be left as they were or computed, whichever is cheaper.
    Lower,
}

/// Operations on whole arrays, one implementation a number type.
///
/// The plain types follow the two arithmetic laws of the crate: an element of a product is one chain of fused multiply-adds in increasing
/// k; a long sum goes over 16 lanes that are then folded +8, +4, +2, +1. Their short definitions are in [`crate::linalg::definition`].
pub trait Bulk: Sized {
    /// `c += a b` for row-major `c`: each element continues its chain of fused multiply-adds in increasing k.
    fn product(a: View<Self>, b: View<Self>, c: &mut [Self], part: Part);
    /// The sum over 16 lanes.
    fn sum(x: &[Self]) -> Self;
    /// The inner product over 16 lanes of fused multiply-adds.
    fn dot(x: &[Self], y: &[Self]) -> Self;
    /// `x ← f(x)`, element by element.
    fn map(f: Function, x: &mut [Self]);
    /// Each row of `cols` numbers becomes its softmax.
    fn softmax_rows(x: &mut [Self], cols: usize);
    /// The gradient of [`Bulk::softmax_rows`] from its result `y`, in place of the cotangent.
    fn softmax_rows_vjp(y: &[Self], y_bar: &mut [Self], cols: usize);
    /// Each row of `cols` numbers becomes `(x − μ) r` with `r = 1/√(v + ε)`, kept in `r[i]`: μ the mean, v the biased variance of the row.
    fn standardise_rows(x: &mut [Self], cols: usize, eps: Self, r: &mut [Self]);
    /// The gradient of [`Bulk::standardise_rows`] from its results, in place of the cotangent `h`.
    fn standardise_rows_vjp(hat: &[Self], r: &[Self], h: &mut [Self], cols: usize);
    /// [`crate::linalg::definition::attention`]: `W = softmax_row(scale · Q Kᵀ)` into `weights` and `W V` into `out`, for each head of each sample.
    fn attention(heads: &Heads<Self>, projected: &[Self], cols: usize, weights: &mut [Self], out: &mut [Self]);
    /// The gradient of [`Bulk::attention`], added to `d_projected`: [`crate::linalg::definition::attention_vjp`].
    fn attention_vjp(heads: &Heads<Self>, projected: &[Self], cols: usize, weights: &[Self], d_out: &[Self], d_projected: &mut [Self]);
    /// The lower Cholesky factor of the symmetric `n × n` matrix of which the lower triangle is given, in place; the upper triangle becomes 0.
    fn cholesky(a: &mut [Self], n: usize) -> Result<()>;
    /// The pivots less one of `I + M`, in place: [`crate::linalg::definition::excess_pivots`].
    fn excess_pivots(m: &mut [Self], n: usize) -> Result<()>;
    /// `L X = B` for lower-triangular `L` (`n × n`) and `B` (`n × m`), in place.
    fn solve_lower(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()>;
    /// `Lᵀ X = B` for lower-triangular `L` (`n × n`) and `B` (`n × m`), in place.
    fn solve_lower_t(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()>;
    /// `X Lᵀ = B` for lower-triangular `L` (`n × n`) and `B` with rows of n numbers, in place.
    fn solve_lower_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()>;
    /// `X L = B` for lower-triangular `L` (`n × n`) and `B` with rows of n numbers, in place.
    fn solve_lower_t_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()>;
    /// `L Lᵀ X = B` for lower-triangular `L` (`n × n`) and `B` (`n × m`), in place.
    fn solve_cholesky(l: &[Self], n: usize, b: &mut [Self], m: usize) -> Result<()>;
    /// `X L Lᵀ = B` for lower-triangular `L` (`n × n`) and `B` with rows of n numbers, in place.
    fn solve_cholesky_rows(l: &[Self], n: usize, b: &mut [Self]) -> Result<()>;
    /// `(I + M) X = B` for `B` (`n × m`), in place, from what [`Bulk::excess_pivots`] makes of `M`.
    fn solve_excess(l: &[Self], n: usize, b: &mut [Self], m: usize);
    /// `X (I + M) = B` for `B` with rows of n numbers, in place, from what [`Bulk::excess_pivots`] makes of `M`.
    fn solve_excess_rows(l: &[Self], n: usize, b: &mut [Self]);
    /// `log det A` of a symmetric positive definite matrix.
    fn log_det(a: &[Self], n: usize) -> Result<Self>;
    /// `log det(I + M)` for positive semidefinite `M`, accurate relative to its own size for tiny `M`.
    fn log_det_i_plus(m: &[Self], n: usize) -> Result<Self>;
    /// `A⁻¹ B` for symmetric positive definite `A` (`n × n`) and `B` (`n × m`).
    fn spd_solve(a: &[Self], n: usize, b: &[Self], m: usize) -> Result<Vec<Self>>;
    /// `log det(I + M)` and `(I + M)⁻¹ B` from one factorisation, for positive semidefinite `M` (`n × n`) and `B` (`n × cols`).
    fn log_det_i_plus_solve(m: &[Self], n: usize, b: &[Self], cols: usize) -> Result<(Self, Vec<Self>)>;
    /// `log det(I + M)` and `B (I + M)⁻¹` from one factorisation, for positive semidefinite `M` (`n × n`) and `B` with rows of n numbers.
    fn log_det_i_plus_solve_rows(m: &[Self], n: usize, b: &[Self]) -> Result<(Self, Vec<Self>)>;
    /// `B A⁻¹` for symmetric positive definite `A` (`n × n`) and `B` with rows of n numbers.
    fn spd_solve_rows(a: &[Self], n: usize, b: &[Self]) -> Result<Vec<Self>>;
    /// The results of `f` on these inputs, in the way of this number type: see [`Implicit`].
    fn implicit<F: Implicit>(f: &F, inputs: &[&[Self]]) -> Result<Vec<Vec<Self>>>;
}

macro_rules! functions {
    ($($name:ident $method:ident $doc:literal;)*) => {
        /// An elementary function to apply to every element of an array.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function {
            $(#[doc = $doc] $name,)*
        }
        impl Function {
            /// All of them, in the order of their numbers.
            pub const LIST: &[Function] = &[$(Function::$name),*];
            /// Its value at `x`.
            #[inline(always)]
            pub fn of<S: Scalar>(self, x: S) -> S {
                match self {
                    $(Function::$name => Scalar::$method(x),)*
                }
            }
        }
    };
}
functions! {
    Exp exp "eˣ.";
    Expm1 expm1 "eˣ − 1.";
    Ln ln "The natural logarithm.";
    Log1p log1p "ln(1 + x).";
    Tanh tanh "The hyperbolic tangent.";
    Erf erf "The error function.";
    Erfc erfc "1 − erf(x).";
    Sqrt sqrt "The square root.";
    Recip recip "1 / x.";
}

/// A function known by what its results satisfy (`AV = VΛ`, an optimality condition) rather than by steps worth following.
///
/// Plain numbers [`compute`](Self::compute). A dual number computes with its values and differentiates what the results satisfy. A ball encloses from the
/// residual that some approximate results leave. Arrays are flat, row-major; their sizes are the business of the implementor.
pub trait Implicit {
    /// The results in plain numbers.
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>>;
    /// The derivative of the results as the inputs move along `directions`. Where there is none: not a number, so that the results themselves stay
    /// usable.
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>>;
    /// Balls around the results of all inputs in these balls.
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>>;
}
