//! `C += A B` in blocks: a slice of `B` is packed once, rows of `A` are read in place, six at a time.

use super::tile::{MR, Packed, Rows, Steps, Strided, pack, pack_panel, tile};
use super::{Buffers, Isa, OnTiles, Real, Tiled, aligned, plain};
use crate::linalg::dispatch::Kernel;
use crate::linalg::threads::{share, threads};
use crate::scalar::{Part, View};

/// Steps of k in one pass; the chain goes on from `C` in the next.
const DEPTH: usize = 512;
/// Columns of `B` packed at a time.
const COLUMNS: usize = 192;
/// Bytes that the nearest cache holds beside what else is needed.
const NEAR: usize = 16 << 10;
/// Up to so many multiply-adds 256-bit vectors are faster than wider ones.
const SMALL: usize = 100_000;
/// Multiply-adds that are worth a thread of their own, about a millisecond.
const THREAD: usize = 5_000_000;

/// Up to so many multiply-adds the plain loops are faster than packing.
const TINY: usize = 256;

/// `c += a b` for row-major `c`, on up to [`threads`] threads.
pub fn product<T: Real>(isa: Isa, a: View<T>, b: View<T>, c: &mut [T], part: Part) {
    assert!(a.cols == b.rows && c.len() == a.rows * b.cols, "the shapes of a product must agree");
    let (m, n, k) = (a.rows, b.cols, a.cols);
    if m * n * k <= TINY {
        return plain::product(isa, a, b, c, part);
    }
    if m == 1 && b.col_step == 1 {
        return isa.run(Row { a, b, c });
    }
    if m == 1 {
        return product(isa, b.t(), a.t(), c, part); // the column Cᵀ lies like the row C
    }
    let parts = threads().min(m * n * k / THREAD).max(1);
    let block = Block { ldc: n, row: 0, lower: part == Part::Lower };
    if parts == 1 {
        return T::with_buffers(|buffers| {
            let kernel = OnTiles(Product { a, b, c, block, buffers });
            if m * n * k <= SMALL { isa.run_narrow(kernel) } else { isa.run(kernel) }
        });
    }
    let rows = m.div_ceil(parts).next_multiple_of(MR);
    let parts = c.chunks_mut(rows * n).enumerate().collect();
    share(parts, |(i, c)| {
        let (a, block) = (a.rows(i * rows, c.len() / n), Block { row: i * rows, ..block });
        T::with_buffers(|buffers| isa.run(OnTiles(Product { a, b, c, block, buffers })));
    });
}

/// One row of the product, by axpy steps over the rows of `B`, which lie one number after the other.
struct Row<'a, T> {
    a: View<'a, T>,
    b: View<'a, T>,
    c: &'a mut [T],
}

impl<T: Real> Kernel for Row<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Row { a, b, c } = self;
        for k in 0..a.cols {
            let factor = a.at(0, k);
            for (c, &b) in c.iter_mut().zip(&b.data[k * b.row_step..]) {
                *c = factor.mul_add(b, *c);
            }
        }
    }
}

/// Where a product writes: `ldc` numbers lie between the rows of `C`, its first row is row `row` of the whole.
#[derive(Clone, Copy)]
struct Block {
    ldc: usize,
    row: usize,
    lower: bool,
}

struct Product<'a, T> {
    a: View<'a, T>,
    b: View<'a, T>,
    c: &'a mut [T],
    block: Block,
    buffers: &'a mut Buffers<T>,
}

impl<T: Real> Tiled for Product<'_, T> {
    type Number = T;
    type Output = ();
    #[inline(always)]
    fn prefers_narrow(&self) -> bool {
        self.b.cols <= T::NARROW || self.block.lower && self.b.cols <= COLUMNS
    }
    #[inline(always)]
    fn run<const NR: usize>(self) {
        let Product { a, b, c, block, buffers } = self;
        let Buffers { left, right } = buffers;
        // What lies in order and in the nearest cache anyway is read in place.
        let near = |x: View<T>| x.col_step == 1 && x.rows * x.row_step * size_of::<T>() <= NEAR;
        let (near_a, near_b) = (near(a.t()), near(b));
        for j in (0..b.cols).step_by(COLUMNS) {
            for k in (0..a.cols).step_by(DEPTH) {
                let (n, depth) = (COLUMNS.min(b.cols - j), DEPTH.min(a.cols - k));
                let b = b.cols(j, n).rows(k, depth);
                let whole = if near_b { n / NR * NR } else { 0 };
                let packed = aligned(right, (n - whole).next_multiple_of(NR) * depth);
                pack::<T, NR>(b.cols(whole, n - whole), packed);
                for i in (0..a.rows).step_by(MR) {
                    let height = MR.min(a.rows - i);
                    let mut to = To {
                        c: &mut c[i * block.ldc + j..],
                        ldc: block.ldc,
                        height,
                        width: n,
                        diagonal: block.lower.then_some((block.row + i, j)),
                    };
                    if a.col_step == 1 {
                        to.continue_rows::<NR>(depth, Rows::of(a, i, height, k, depth), b, whole, packed);
                    } else if near_a && height == MR {
                        to.continue_rows::<NR>(depth, Strided { data: &a.data[k * a.col_step + i..], step: a.col_step }, b, whole, packed);
                    } else {
                        let left = aligned(left, MR * depth).as_chunks_mut::<MR>().0;
                        pack_panel(a.cols(k, depth).t(), i, left);
                        to.continue_rows::<NR>(depth, Packed(left), b, whole, packed);
                    }
                }
            }
        }
    }
}

/// Up to [`MR`] rows of `C`, `width` columns of which are to be continued; `diagonal` is the place of the first element if only those on
/// and below the diagonal are wanted.
struct To<'a, T> {
    c: &'a mut [T],
    ldc: usize,
    height: usize,
    width: usize,
    diagonal: Option<(usize, usize)>,
}

impl<T: Real> To<'_, T> {
    /// Columns up to `whole` take `b` in place, the others as packed.
    #[inline(always)]
    fn continue_rows<const NR: usize>(&mut self, depth: usize, a: impl Steps<T, MR>, b: View<T>, whole: usize, packed: &[T]) {
        for j in (0..whole).step_by(NR) {
            if !self.wants(j) {
                return;
            }
            self.continue_tile::<NR>(depth, j, a, Strided { data: &b.data[j..], step: b.row_step });
        }
        for (j, panel) in (whole..self.width).step_by(NR).zip(packed.chunks_exact(depth * NR)) {
            if !self.wants(j) {
                return;
            }
            self.continue_tile::<NR>(depth, j, a, Packed(&panel.as_chunks::<NR>().0[..depth]));
        }
    }

    #[inline(always)]
    fn wants(&self, j: usize) -> bool {
        self.diagonal.is_none_or(|(row, col)| col + j < row + self.height)
    }

    #[inline(always)]
    fn continue_tile<const NR: usize>(&mut self, depth: usize, j: usize, a: impl Steps<T, MR>, b: impl Steps<T, NR>) {
        let (c, w, height, ldc) = (&mut self.c[j..], NR.min(self.width - j), self.height, self.ldc);
        let mut acc = [[T::ZERO; NR]; MR];
        if height == MR && w == NR {
            for (r, acc) in acc.iter_mut().enumerate() {
                *acc = *c[r * ldc..].first_chunk().expect("a full row");
            }
            tile(depth, a, b, &mut acc);
            for (r, acc) in acc.iter().enumerate() {
                *c[r * ldc..].first_chunk_mut().expect("a full row") = *acc;
            }
        } else {
            for r in 0..height {
                acc[r][..w].copy_from_slice(&c[r * ldc..][..w]);
            }
            tile(depth, a, b, &mut acc);
            for r in 0..height {
                c[r * ldc..][..w].copy_from_slice(&acc[r][..w]);
            }
        }
    }
}
