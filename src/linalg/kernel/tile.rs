//! The register tile: `MR × NR` accumulators, one step of k at a time. Products, factorisations and solves are all made of it.

use super::{Isa, OnTiles, Real, Tiled};
use crate::scalar::View;

/// Rows of a tile. With six, not a power of two, LLVM vectorises along the columns, as intended; with eight it turns to the rows and the
/// code is twenty times slower. `tests/kernels.rs` holds the speed against the scalar definition.
pub(super) const MR: usize = 6;

/// An operand of the tile: `W` numbers at each step.
pub(super) trait Steps<T, const W: usize>: Copy {
    fn at(self, step: usize) -> [T; W];
}

/// Consecutive groups, as packed.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a, T, const W: usize>(pub &'a [[T; W]]);
impl<T: Real, const W: usize> Steps<T, W> for Packed<'_, T, W> {
    #[inline(always)]
    fn at(self, step: usize) -> [T; W] {
        self.0[step]
    }
}

/// The first `W` numbers of every `step`.
#[derive(Clone, Copy)]
pub(super) struct Strided<'a, T> {
    pub data: &'a [T],
    pub step: usize,
}
impl<T: Real, const W: usize> Steps<T, W> for Strided<'_, T> {
    #[inline(always)]
    fn at(self, step: usize) -> [T; W] {
        *self.data[step * self.step..].first_chunk().expect("W numbers at every step")
    }
}

/// One number of each of `W` slices.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, T, const W: usize>(pub [&'a [T]; W]);
impl<'a, T: Real, const W: usize> Rows<'a, T, W> {
    /// `len` numbers of each of the rows `i ..`, from column `k` on; rows from `i + count` on repeat the last.
    #[inline(always)]
    pub fn of(a: View<'a, T>, i: usize, count: usize, k: usize, len: usize) -> Self {
        let mut rows = [&a.data[..0]; W];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = &a.data[(i + r.min(count - 1)) * a.row_step + k..][..len];
        }
        Rows(rows)
    }
}
impl<T: Real, const W: usize> Steps<T, W> for Rows<'_, T, W> {
    #[inline(always)]
    fn at(self, step: usize) -> [T; W] {
        let mut x = [T::ZERO; W];
        for (x, row) in x.iter_mut().zip(self.0) {
            *x = row[step];
        }
        x
    }
}

/// The operand with the other sign.
#[derive(Clone, Copy)]
pub(super) struct Negated<S>(pub S);
impl<T: Real, const W: usize, S: Steps<T, W>> Steps<T, W> for Negated<S> {
    #[inline(always)]
    fn at(self, step: usize) -> [T; W] {
        let mut x = self.0.at(step);
        for x in &mut x {
            *x = -*x;
        }
        x
    }
}

/// Every element of the tile continues its chain: `acc[i][j] += Σ a(k)[i] b(k)[j]`, fused, for k = 0 … len − 1.
#[inline(always)]
pub(super) fn tile<T: Real, const NR: usize>(len: usize, a: impl Steps<T, MR>, b: impl Steps<T, NR>, acc: &mut [[T; NR]; MR]) {
    let mut c = *acc;
    for k in 0..len {
        step(a.at(k), b.at(k), &mut c);
    }
    *acc = c;
}

/// [`tile`] for k = len − 1 … 0.
#[inline(always)]
pub(super) fn tile_downward<T: Real, const NR: usize>(len: usize, a: impl Steps<T, MR>, b: impl Steps<T, NR>, acc: &mut [[T; NR]; MR]) {
    let mut c = *acc;
    for k in (0..len).rev() {
        step(a.at(k), b.at(k), &mut c);
    }
    *acc = c;
}

#[inline(always)]
fn step<T: Real, const NR: usize>(a: [T; MR], b: [T; NR], c: &mut [[T; NR]; MR]) {
    for i in 0..MR {
        for j in 0..NR {
            c[i][j] = a[i].mul_add(b[j], c[i][j]);
        }
    }
}

/// Packs columns `j ..` of `b`, in panels of `W`, padded with zeros: `[panel][row][W]`.
#[inline(always)]
pub(super) fn pack<T: Real, const W: usize>(b: View<T>, panels: &mut [T]) {
    for (j, panel) in (0..b.cols).step_by(W).zip(panels.chunks_exact_mut(b.rows * W)) {
        pack_panel::<T, W>(b, j, panel.as_chunks_mut().0);
    }
}

/// Packs columns `j .. j + W` of `b`.
#[inline(always)]
pub(super) fn pack_panel<T: Real, const W: usize>(b: View<T>, j: usize, panel: &mut [[T; W]]) {
    let w = W.min(b.cols - j);
    let data = &b.data[(j * b.col_step).min(b.data.len())..];
    if b.col_step == 1 && w == W {
        for (k, group) in panel.iter_mut().enumerate() {
            *group = *data[k * b.row_step..].first_chunk().expect("W columns");
        }
    } else if b.row_step == 1 && w == W {
        let mut columns = [&data[..0]; W];
        for (l, column) in columns.iter_mut().enumerate() {
            *column = &data[l * b.col_step..][..panel.len()];
        }
        for (k, group) in panel.iter_mut().enumerate() {
            for l in 0..W {
                group[l] = columns[l][k];
            }
        }
    } else {
        panel.fill([T::ZERO; W]);
        for l in 0..w {
            for (k, group) in panel.iter_mut().enumerate() {
                group[l] = data[k * b.row_step + l * b.col_step];
            }
        }
    }
}

/// Steps of a tile whose operands never change: nothing but the arithmetic. Returns the number of operations.
pub fn spin<T: Real>(isa: Isa, steps: usize) -> usize {
    isa.run(OnTiles(Spin(std::hint::black_box(T::from_f64(0.5)), steps)))
}

struct Spin<T>(T, usize);
impl<T: Real> Tiled for Spin<T> {
    type Number = T;
    type Output = usize;
    #[inline(always)]
    fn run<const NR: usize>(self) -> usize {
        let (mut c, b) = (std::hint::black_box([[T::ONE; NR]; MR]), std::hint::black_box([T::ONE; NR]));
        for _ in 0..self.1 {
            step([self.0; MR], b, &mut c);
        }
        std::hint::black_box(c);
        2 * MR * NR * self.1
    }
}
