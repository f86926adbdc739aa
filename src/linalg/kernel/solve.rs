//! Triangular solves for many right-hand sides at once, a panel of them in each pass, no inverse.

use super::tile::{MR, Negated, Packed, Rows, Strided, pack_panel, tile, tile_downward};
use super::{Isa, OnTiles, Real, Tiled, aligned, plain};
use crate::linalg::threads::{share, threads};
use crate::scalar::View;
use crate::{Error, Result};

/// How the right-hand sides lie in the row-major `B`.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Columns,
    Rows,
}

/// Up to this size the plain loops are faster.
const TINY: usize = 6;

/// What is solved: `L`, `Lᵀ`, one after the other, or these with the factor of `I + M`.
const LOWER: u8 = 0;
const UPPER: u8 = 1;
const CHOLESKY: u8 = 2;
const EXCESS: u8 = 3;

/// `L X = B` in place, for lower-triangular `L` (`n × n`) and `B` (`n × m`). `n²m` flops. Errors: `Domain` for a zero on the diagonal.
pub fn solve_lower<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T], m: usize) -> Result<()> {
    if n <= TINY {
        return plain::solve_lower(isa, l, n, b, m);
    }
    check_diagonal(l, n, 0..n)?;
    solve::<T, LOWER>(isa, l, n, b, m, Side::Columns);
    Ok(())
}

/// `Lᵀ X = B` in place, for lower-triangular `L` (`n × n`) and `B` (`n × m`). `n²m` flops. Errors: `Domain` for a zero on the diagonal.
pub fn solve_lower_t<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T], m: usize) -> Result<()> {
    if n <= TINY {
        return plain::solve_lower_t(isa, l, n, b, m);
    }
    check_diagonal(l, n, (0..n).rev())?;
    solve::<T, UPPER>(isa, l, n, b, m, Side::Columns);
    Ok(())
}

/// `L Lᵀ X = B` in place, for lower-triangular `L` (`n × n`) and `B` (`n × m`). `2n²m` flops. Errors: `Domain` for a zero on the diagonal.
pub fn solve_cholesky<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T], m: usize) -> Result<()> {
    if n <= TINY {
        return plain::solve_cholesky(isa, l, n, b, m);
    }
    check_diagonal(l, n, 0..n)?;
    solve::<T, CHOLESKY>(isa, l, n, b, m, Side::Columns);
    Ok(())
}

/// `(I + M) X = B` in place, from what `excess_pivots` makes of `M` (`n × n`), for `B` (`n × m`). `2n²m` flops.
pub fn solve_excess<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T], m: usize) {
    if n <= TINY {
        return plain::solve_excess(isa, l, n, b, m);
    }
    solve::<T, EXCESS>(isa, l, n, b, m, Side::Columns);
}

/// `X Lᵀ = B` in place, for lower-triangular `L` (`n × n`) and `B` with rows of n numbers. `n²` flops a row. Errors: `Domain` for a zero on the diagonal.
pub fn solve_lower_rows<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T]) -> Result<()> {
    if b.is_empty() || n <= TINY && b.len() <= TINY * n {
        return plain::solve_lower_rows(isa, l, n, b);
    }
    check_diagonal(l, n, 0..n)?;
    solve::<T, LOWER>(isa, l, n, b, b.len() / n, Side::Rows);
    Ok(())
}

/// `X L = B` in place, for lower-triangular `L` (`n × n`) and `B` with rows of n numbers. `n²` flops a row. Errors: `Domain` for a zero on the diagonal.
pub fn solve_lower_t_rows<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T]) -> Result<()> {
    if b.is_empty() || n <= TINY && b.len() <= TINY * n {
        return plain::solve_lower_t_rows(isa, l, n, b);
    }
    check_diagonal(l, n, (0..n).rev())?;
    solve::<T, UPPER>(isa, l, n, b, b.len() / n, Side::Rows);
    Ok(())
}

/// `X L Lᵀ = B` in place, for lower-triangular `L` (`n × n`) and `B` with rows of n numbers. `2n²` flops a row. Errors: `Domain` for a zero on the diagonal.
pub fn solve_cholesky_rows<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T]) -> Result<()> {
    if b.is_empty() || n <= TINY && b.len() <= TINY * n {
        return plain::solve_cholesky_rows(isa, l, n, b);
    }
    check_diagonal(l, n, 0..n)?;
    solve::<T, CHOLESKY>(isa, l, n, b, b.len() / n, Side::Rows);
    Ok(())
}

/// `X (I + M) = B` in place, from what `excess_pivots` makes of `M` (`n × n`), for `B` with rows of n numbers. `2n²` flops a row.
pub fn solve_excess_rows<T: Real>(isa: Isa, l: &[T], n: usize, b: &mut [T]) {
    if b.is_empty() || n <= TINY && b.len() <= TINY * n {
        return plain::solve_excess_rows(isa, l, n, b);
    }
    solve::<T, EXCESS>(isa, l, n, b, b.len() / n, Side::Rows);
}

fn check_diagonal<T: Real>(l: &[T], n: usize, mut order: impl Iterator<Item = usize>) -> Result<()> {
    match order.find(|&i| l[i * n + i] == T::ZERO) {
        None => Ok(()),
        Some(i) => Err(Error::domain(format!("diagonal {i}"), "a number other than 0", "0").named("SingularMatrix")),
    }
}

/// Multiply-adds that are worth a thread of their own, about a millisecond.
const THREAD: usize = 3_000_000;

fn solve<T: Real, const WAY: u8>(isa: Isa, l: &[T], n: usize, b: &mut [T], m: usize, side: Side) {
    assert!(l.len() == n * n && b.len() == n * m, "the shapes of a solve must agree");
    if n * m == 0 {
        return;
    }
    let run = |b: &mut [T], m| T::with_buffers(|buffers| isa.run(OnTiles(Solve::<T, WAY> { l, n, b, m, side, panel: &mut buffers.right })));
    let parts = threads().min(if WAY < CHOLESKY { n * n / 2 * m } else { n * n * m } / THREAD).max(1);
    if parts == 1 || side == Side::Columns {
        return run(b, m);
    }
    share(b.chunks_mut(m.div_ceil(parts) * n).collect(), |b: &mut [T]| run(b, b.len() / n));
}

struct Solve<'a, T, const WAY: u8> {
    l: &'a [T],
    n: usize,
    b: &'a mut [T],
    m: usize,
    side: Side,
    panel: &'a mut Vec<T>,
}

impl<T: Real, const WAY: u8> Tiled for Solve<'_, T, WAY> {
    type Number = T;
    type Output = ();
    #[inline(always)]
    fn run<const NR: usize>(self) {
        let Solve { l, n, b, m, side, panel } = self;
        let panel = aligned(panel, n * NR).as_chunks_mut::<NR>().0;
        for j in (0..m).step_by(NR) {
            let view = if side == Side::Columns { View::new(&*b, n, m) } else { View::new(&*b, m, n).t() };
            pack_panel(view, j, panel);
            match WAY {
                LOWER => forward::<T, NR, false>(View::new(l, n, n), 0..n, panel),
                UPPER => backward::<T, NR, false>(l, n, panel),
                CHOLESKY => {
                    forward::<T, NR, false>(View::new(l, n, n), 0..n, panel);
                    backward::<T, NR, false>(l, n, panel);
                }
                _ => {
                    forward::<T, NR, true>(View::new(l, n, n), 0..n, panel);
                    for (j, x) in panel.iter_mut().enumerate() {
                        for x in x {
                            *x /= T::ONE + l[j * n + j];
                        }
                    }
                    backward::<T, NR, true>(l, n, panel);
                }
            }
            let w = NR.min(m - j);
            if side == Side::Columns {
                for (i, x) in panel.iter().enumerate() {
                    b[i * m + j..][..w].copy_from_slice(&x[..w]);
                }
            } else {
                for (c, row) in b[j * n..].chunks_mut(n).take(w).enumerate() {
                    for (b, x) in row.iter_mut().zip(&*panel) {
                        *b = x[c];
                    }
                }
            }
        }
    }
}

/// Rows `range` of the panel: `x_j ← (x_j − Σ_{k<j} l_jk x_k) / l_jj`, in increasing k, or with `UNIT` a diagonal of ones. Rows before the
/// range are solved already.
#[inline(always)]
pub(super) fn forward<T: Real, const NR: usize, const UNIT: bool>(l: View<T>, range: std::ops::Range<usize>, panel: &mut [[T; NR]]) {
    for j in range.clone().step_by(MR) {
        let height = MR.min(range.end - j);
        let mut acc = load(panel, j, height);
        tile(j, Negated(Rows::of(l, j, height, 0, j)), Packed(&panel[..j]), &mut acc);
        for r in 0..MR {
            if r == height {
                break;
            }
            let row = &l.data[(j + r) * l.row_step + j..][..r + 1];
            let mut x = acc[r];
            for q in 0..r {
                let factor = -row[q];
                for c in 0..NR {
                    x[c] = factor.mul_add(acc[q][c], x[c]);
                }
            }
            if !UNIT {
                for c in 0..NR {
                    x[c] /= row[r];
                }
            }
            acc[r] = x;
            panel[j + r] = x;
        }
    }
}

/// The whole panel: `x_j ← (x_j − Σ_{k>j} l_kj x_k) / l_jj`, in decreasing k, or with `UNIT` a diagonal of ones.
#[inline(always)]
fn backward<T: Real, const NR: usize, const UNIT: bool>(l: &[T], n: usize, panel: &mut [[T; NR]]) {
    for j in (0..n).step_by(MR).rev() {
        let height = MR.min(n - j);
        let below = j + height;
        let mut acc = load(panel, j, height);
        if below < n {
            tile_downward(n - below, Negated(Strided { data: &l[below * n + j..], step: n }), Packed(&panel[below..n]), &mut acc);
        }
        for r in (0..MR).rev() {
            if r >= height {
                continue;
            }
            let mut x = acc[r];
            for q in (r + 1..MR).rev() {
                if q >= height {
                    continue;
                }
                let factor = -l[(j + q) * n + j + r];
                for c in 0..NR {
                    x[c] = factor.mul_add(acc[q][c], x[c]);
                }
            }
            if !UNIT {
                for c in 0..NR {
                    x[c] /= l[(j + r) * n + j + r];
                }
            }
            acc[r] = x;
            panel[j + r] = x;
        }
    }
}

#[inline(always)]
fn load<T: Real, const NR: usize>(panel: &[[T; NR]], j: usize, height: usize) -> [[T; NR]; MR] {
    let mut acc = [[T::ZERO; NR]; MR];
    for r in 0..MR {
        if r < height {
            acc[r] = panel[j + r];
        }
    }
    acc
}
