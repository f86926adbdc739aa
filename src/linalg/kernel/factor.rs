//! Cholesky and the pivots of `I + M`, a block of rows at a time: a block is transposed into a panel, solved against the rows that are done,
//! factored, and written back. Almost all of the work is the register tile over the whole of k.

use super::solve::forward;
use super::tile::{MR, Negated, Packed, Strided, tile};
use super::{Buffers, Isa, OnTiles, Real, Tiled, aligned, plain};
use crate::Result;
use crate::linalg::definition::check_pivot;
use crate::scalar::View;

/// Up to this size the plain loops are faster.
const TINY: usize = 12;

/// Up to this size 256-bit vectors are faster than wider ones: more of the work lies in the triangles on the diagonal.
const SMALL: usize = 256;

/// `A = L Lᵀ` in place; the upper triangle becomes 0. `n³/3` flops. Errors: `NotPositiveDefinite`, `NotFinite` with the pivot.
pub fn cholesky<T: Real>(isa: Isa, a: &mut [T], n: usize) -> Result<()> {
    if n <= TINY { plain::cholesky(isa, a, n) } else { factor::<T, false>(isa, a, n) }
}

/// The pivots less one of `I + M = L D Lᵀ`: see [`crate::linalg::definition::excess_pivots`]. `n³/3` flops. Errors: as [`cholesky`].
pub fn excess_pivots<T: Real>(isa: Isa, m: &mut [T], n: usize) -> Result<()> {
    if n <= TINY { plain::excess_pivots(isa, m, n) } else { factor::<T, true>(isa, m, n) }
}

fn factor<T: Real, const EXCESS: bool>(isa: Isa, a: &mut [T], n: usize) -> Result<()> {
    assert_eq!(a.len(), n * n, "a square matrix");
    T::with_buffers(|buffers| {
        let kernel = OnTiles(Factor::<T, EXCESS> { a, n, buffers });
        if n <= SMALL { isa.run_narrow(kernel) } else { isa.run(kernel) }
    })
}

/// With `EXCESS`, `L` has a unit diagonal, the pivots are `1 + s_j`, and the left factors of a chain are `l_jk (1 + s_k)`, kept beside `L`.
struct Factor<'a, T, const EXCESS: bool> {
    a: &'a mut [T],
    n: usize,
    buffers: &'a mut Buffers<T>,
}

impl<T: Real, const EXCESS: bool> Tiled for Factor<'_, T, EXCESS> {
    type Number = T;
    type Output = Result<()>;
    #[inline(always)]
    fn prefers_narrow(&self) -> bool {
        true // the triangles on the diagonal are smaller
    }
    #[inline(always)]
    fn run<const NR: usize>(self) -> Result<()> {
        let Factor { a, n, buffers: Buffers { left: scaled, right } } = self;
        let rows = n.next_multiple_of(NR);
        // The panel, and with `EXCESS` the same times the pivots. One row more than used: a tile may read past the last.
        let (panel, weighted) = aligned(right, 2 * (rows + 1) * NR).as_chunks_mut::<NR>().0.split_at_mut(rows + 1);
        let scaled = aligned(scaled, if EXCESS { n * n } else { 0 });
        for i in (0..n).step_by(NR) {
            let w = NR.min(n - i);
            for (c, row) in a[i * n..].chunks(n).take(w).enumerate() {
                for (x, panel) in row[..i + c + 1].iter().zip(&mut *panel) {
                    panel[c] = *x;
                }
            }
            forward::<T, NR, false>(View::new(if EXCESS { &*scaled } else { &*a }, n, n), 0..i, panel);
            if EXCESS {
                for (j, (weighted, x)) in weighted.iter_mut().zip(&panel[..i]).enumerate() {
                    for c in 0..NR {
                        weighted[c] = x[c] * scaled[j * n + j];
                    }
                }
            }
            for j in (0..w).step_by(MR) {
                let left = if EXCESS { &*weighted } else { &*panel }.as_flattened();
                let mut acc = [[T::ZERO; NR]; MR];
                for (r, acc) in acc.iter_mut().enumerate() {
                    if j + r < w {
                        *acc = panel[i + j + r];
                    }
                }
                tile(i + j, Negated(Strided { data: &left[j..], step: NR }), Packed(&panel[..i + j]), &mut acc);
                for r in 0..MR {
                    if j + r >= w {
                        break;
                    }
                    let mut x = acc[r];
                    for q in 0..r {
                        let factor = -if EXCESS { weighted[i + j + q][j + r] } else { panel[i + j + q][j + r] };
                        for c in 0..NR {
                            x[c] = factor.mul_add(acc[q][c], x[c]);
                        }
                    }
                    let own = x[j + r];
                    let pivot = if EXCESS { T::ONE + own } else { own };
                    check_pivot(pivot, i + j + r)?;
                    let divisor = if EXCESS { pivot } else { pivot.sqrt() };
                    for c in 0..NR {
                        x[c] /= divisor;
                    }
                    x[j + r] = if EXCESS { own } else { divisor };
                    acc[r] = x;
                    panel[i + j + r] = x;
                    if EXCESS {
                        for c in 0..NR {
                            x[c] *= divisor;
                        }
                        x[j + r] = divisor;
                        weighted[i + j + r] = x;
                    }
                }
            }
            for (c, row) in a[i * n..].chunks_mut(n).take(w).enumerate() {
                let (lower, upper) = row.split_at_mut(i + c + 1);
                for (x, panel) in lower.iter_mut().zip(&*panel) {
                    *x = panel[c];
                }
                if !EXCESS {
                    upper.fill(T::ZERO);
                }
            }
            if EXCESS {
                for (c, row) in scaled[i * n..].chunks_mut(n).take(w).enumerate() {
                    for (x, weighted) in row[..i + c + 1].iter_mut().zip(&*weighted) {
                        *x = weighted[c];
                    }
                }
            }
        }
        Ok(())
    }
}
