//! Attention of small heads without packing whole matrices: the scores of `NR` queries stand side by side, one key a row, so that the softmax runs down the
//! rows, a query a lane, and needs no sums across lanes. Products on both sides are the register tile. Vectors of 256 bits throughout: with wider ones the
//! compiler turns the transpositions into gathers, which are slower.

use super::map::map_lanes;
use super::tile::{MR, Packed, Rows, Steps, Strided, pack, pack_panel, tile};
use super::{Buffers, Isa, OnTiles, Real, Tiled, aligned};
use crate::linalg::threads::{share, threads};
use crate::scalar::{Function, Heads, View};

/// Multiply-adds that are worth a thread of their own, about a millisecond.
const THREAD: usize = 5_000_000;

/// See [`crate::linalg::definition::attention`]. On up to [`threads`] threads, by samples.
pub fn attention<T: Real>(isa: Isa, heads: &Heads<T>, projected: &[T], cols: usize, weights: &mut [T], out: &mut [T]) {
    let run = |(projected, weights, out): (&[T], &mut [T], &mut [T])| {
        T::with_buffers(|buffers| isa.run_narrow(OnTiles(Forward { heads, projected, cols, weights, out, buffers })));
    };
    let [map, rows, width] = sample(heads, cols);
    let each = samples_of_a_thread(heads, weights.len() / map.max(1));
    let parts = projected.chunks(each * rows).zip(weights.chunks_mut(each * map)).zip(out.chunks_mut(each * width));
    share(parts.map(|((projected, weights), out)| (projected, weights, out)).collect(), run);
}

/// See [`crate::linalg::definition::attention_vjp`]. On up to [`threads`] threads, by samples.
pub fn attention_vjp<T: Real>(isa: Isa, heads: &Heads<T>, projected: &[T], cols: usize, weights: &[T], d_out: &[T], d_projected: &mut [T]) {
    let run = |((projected, weights), (d_out, d_projected)): ((&[T], &[T]), (&[T], &mut [T]))| {
        T::with_buffers(|buffers| isa.run_narrow(OnTiles(Backward { heads, projected, cols, weights, d_out, d_projected, buffers })));
    };
    let [map, rows, width] = sample(heads, cols);
    let each = samples_of_a_thread(heads, weights.len() / map.max(1));
    let given = projected.chunks(each * rows).zip(weights.chunks(each * map));
    share(given.zip(d_out.chunks(each * width).zip(d_projected.chunks_mut(each * rows))).collect(), run);
}

/// Numbers of one sample: of its maps, its projections, its results.
fn sample<T: Real>(heads: &Heads<T>, cols: usize) -> [usize; 3] {
    let t = heads.tokens;
    [heads.heads * t * t, t * cols, t * heads.heads * heads.width].map(|n| n.max(1))
}

fn samples_of_a_thread<T: Real>(heads: &Heads<T>, samples: usize) -> usize {
    let work = samples * heads.heads * heads.tokens * heads.tokens * heads.width * 2;
    samples.div_ceil(threads().min(work / THREAD).max(1)).max(1)
}

struct Forward<'a, T> {
    heads: &'a Heads<T>,
    projected: &'a [T],
    cols: usize,
    weights: &'a mut [T],
    out: &'a mut [T],
    buffers: &'a mut Buffers<T>,
}

impl<T: Real> Tiled for Forward<'_, T> {
    type Number = T;
    type Output = ();
    #[inline(always)]
    fn run<const NR: usize>(self) {
        let Forward { heads, projected, cols, weights, out, buffers: Buffers { left, right } } = self;
        let (t, p) = (heads.tokens, heads.width);
        // The scores have a row more than used: a tile may read past the last.
        let (queries, scores) = aligned(left, (p + t + 1) * NR).as_chunks_mut::<NR>().0.split_at_mut(p);
        let values = aligned(right, p.next_multiple_of(NR) * t);
        for (slot, w) in weights.chunks_exact_mut(t * t).enumerate() {
            let [q, k, v] = heads.at.map(|at| heads.view(projected, cols, at, slot));
            pack::<T, NR>(v, values);
            for i in (0..t).step_by(NR) {
                let count = NR.min(t - i);
                pack_panel(q.t(), i, queries);
                inner::<T, NR>(k, queries, scores);
                weigh(heads, i, &mut scores[..t]);
                for (c, w) in w[i * t..].chunks_exact_mut(t).take(count).enumerate() {
                    for (w, row) in w.iter_mut().zip(&*scores) {
                        *w = row[c];
                    }
                }
                let width = heads.heads * p;
                let mut to = To { data: out, start: heads.start(width, 0, slot), step: width, p };
                for r in (0..count).step_by(MR) {
                    let a = Strided { data: &scores.as_flattened()[r..], step: NR };
                    to.rows::<NR>(i + r, MR.min(count - r), t, a, values, false);
                }
            }
        }
    }
}

struct Backward<'a, T> {
    heads: &'a Heads<T>,
    projected: &'a [T],
    cols: usize,
    weights: &'a [T],
    d_out: &'a [T],
    d_projected: &'a mut [T],
    buffers: &'a mut Buffers<T>,
}

impl<T: Real> Tiled for Backward<'_, T> {
    type Number = T;
    type Output = ();
    #[inline(always)]
    fn run<const NR: usize>(self) {
        let Backward { heads, projected, cols, weights, d_out, d_projected, buffers: Buffers { left, right } } = self;
        let (t, p) = (heads.tokens, heads.width);
        // Panels of NR queries: row j of the panel that starts at query i is number i·t/NR + j. One row more than used.
        let rows = t.div_ceil(NR) * t + 1;
        let (turned, rest) = aligned(left, (p + 3 * rows) * NR).as_chunks_mut::<NR>().0.split_at_mut(p);
        let (y, rest) = rest.split_at_mut(rows);
        let (g, both) = rest.split_at_mut(rows);
        let packed = p.next_multiple_of(NR) * t;
        let (d_values, others) = aligned(right, 2 * packed).split_at_mut(packed);
        for (slot, w) in weights.chunks_exact(t * t).enumerate() {
            let [q, k, v] = heads.at.map(|at| heads.view(projected, cols, at, slot));
            let d = heads.view(d_out, heads.heads * p, 0, slot);
            for i in (0..t).step_by(NR) {
                let at = i / NR * t;
                pack_panel(d.t(), i, turned);
                pack_panel(View::new(w, t, t).t(), i, &mut y[at..at + t]);
                inner::<T, NR>(v, turned, &mut g[at..]);
                through_softmax(&y[at..at + t], &mut g[at..at + t], heads.scale);
            }
            let mut to = To { data: &mut *d_projected, start: heads.start(cols, heads.at[2], slot), step: cols, p };
            pack::<T, NR>(d, d_values);
            to.down::<NR>(t, y, d_values);
            to.start = heads.start(cols, heads.at[0], slot);
            if heads.one_projection() {
                for i in (0..t).step_by(NR) {
                    for j in 0..t {
                        let across = j / NR * t + i;
                        for c in 0..NR.min(t - i) {
                            both[i / NR * t + j][c] = g[i / NR * t + j][c] + g[across + c][j % NR];
                        }
                    }
                }
                pack::<T, NR>(q, others);
                to.along::<NR>(t, both, others);
            } else {
                pack::<T, NR>(k, others);
                to.along::<NR>(t, g, others);
                pack::<T, NR>(q, others);
                to.start = heads.start(cols, heads.at[1], slot);
                to.down::<NR>(t, g, others);
            }
        }
    }
}

/// Row j of `panel` becomes the inner products of row j of `a` with the columns.
#[inline(always)]
fn inner<T: Real, const NR: usize>(a: View<T>, columns: &[[T; NR]], panel: &mut [[T; NR]]) {
    for j in (0..a.rows).step_by(MR) {
        let height = MR.min(a.rows - j);
        let mut acc = [[T::ZERO; NR]; MR];
        tile(a.cols, Rows::of(a, j, height, 0, a.cols), Packed(columns), &mut acc);
        for (to, acc) in panel[j..j + height].iter_mut().zip(&acc) {
            *to = *acc;
        }
    }
}

/// Every column becomes its softmax: that of query `i + c` is column c.
#[inline(always)]
fn weigh<T: Real, const NR: usize>(heads: &Heads<T>, i: usize, x: &mut [[T; NR]]) {
    let hide = |x: &mut [[T; NR]], with: T| {
        for (j, x) in x.iter_mut().enumerate() {
            for (c, x) in x.iter_mut().enumerate() {
                *x = if j > i + c { with } else { *x };
            }
        }
    };
    let lowest = T::from_f64(f64::NEG_INFINITY);
    for x in &mut *x {
        for c in 0..NR {
            x[c] *= heads.scale;
        }
    }
    if heads.causal {
        hide(x, lowest);
    }
    let mut top = [lowest; NR];
    for x in &*x {
        for c in 0..NR {
            top[c] = if x[c] > top[c] { x[c] } else { top[c] };
        }
    }
    for x in &mut *x {
        for c in 0..NR {
            x[c] -= top[c];
        }
    }
    map_lanes::<T, { Function::Exp as u8 }>(x.as_flattened_mut());
    let mut lanes = [[T::ZERO; NR]; 16];
    for (j, x) in x.iter().enumerate() {
        for c in 0..NR {
            lanes[j % 16][c] += x[c];
        }
    }
    let total = fold(lanes);
    for x in &mut *x {
        for c in 0..NR {
            x[c] /= total[c];
        }
    }
    if heads.causal {
        hide(x, T::ZERO);
    }
}

/// Every column of the cotangent `g` through the softmax whose results are the columns of `y`, times the scale.
#[inline(always)]
fn through_softmax<T: Real, const NR: usize>(y: &[[T; NR]], g: &mut [[T; NR]], scale: T) {
    let (mut top, mut at) = (y[0], g[0]);
    for (y, g) in y.iter().zip(&*g) {
        for c in 0..NR {
            let greater = y[c] > top[c];
            top[c] = if greater { y[c] } else { top[c] };
            at[c] = if greater { g[c] } else { at[c] };
        }
    }
    let mut lanes = [[T::ZERO; NR]; 16];
    for (j, (y, g)) in y.iter().zip(&mut *g).enumerate() {
        for c in 0..NR {
            g[c] -= at[c];
            lanes[j % 16][c] = y[c].mul_add(g[c], lanes[j % 16][c]);
        }
    }
    let mean = fold(lanes);
    for (y, g) in y.iter().zip(g) {
        for c in 0..NR {
            g[c] = y[c] * (g[c] - mean[c]) * scale;
        }
    }
}

/// [`crate::linalg::definition::fold`] of every column.
#[inline(always)]
fn fold<T: Real, const NR: usize>(mut lanes: [[T; NR]; 16]) -> [T; NR] {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            for c in 0..NR {
                lanes[l][c] += lanes[l + half][c];
            }
        }
    }
    lanes[0]
}

/// One head of a sample in a matrix: `p` numbers from `start` on and after every `step`.
struct To<'a, T> {
    data: &'a mut [T],
    start: usize,
    step: usize,
    p: usize,
}

impl<T: Real> To<'_, T> {
    /// Rows `i .. i + height`: `a` times `depth` packed rows, set or added.
    #[inline(always)]
    fn rows<const NR: usize>(&mut self, i: usize, height: usize, depth: usize, a: impl Steps<T, MR>, packed: &[T], add: bool) {
        for (j, panel) in (0..self.p).step_by(NR).zip(packed.chunks_exact(depth * NR)) {
            let mut acc = [[T::ZERO; NR]; MR];
            tile(depth, a, Packed(panel.as_chunks::<NR>().0), &mut acc);
            self.put(i, height, j, &acc, add);
        }
    }
    #[inline(always)]
    fn put<const NR: usize>(&mut self, i: usize, height: usize, j: usize, acc: &[[T; NR]; MR], add: bool) {
        let w = NR.min(self.p - j);
        for (r, acc) in acc.iter().enumerate().take(height) {
            let to = &mut self.data[self.start + (i + r) * self.step + j..][..w];
            for (to, &x) in to.iter_mut().zip(acc) {
                *to = if add { *to + x } else { x };
            }
        }
    }
    /// Adds to row i: `Σ_j x_ji · row j`, where column i of the panels holds the factors.
    #[inline(always)]
    fn along<const NR: usize>(&mut self, t: usize, x: &[[T; NR]], packed: &[T]) {
        for i in (0..t).step_by(NR) {
            let count = NR.min(t - i);
            for r in (0..count).step_by(MR) {
                let a = Strided { data: &x[i / NR * t..].as_flattened()[r..], step: NR };
                self.rows::<NR>(i + r, MR.min(count - r), t, a, packed, true);
            }
        }
    }
    /// Adds to row j: `Σ_i x_ji · row i`, where row j of the panels holds the factors.
    #[inline(always)]
    fn down<const NR: usize>(&mut self, t: usize, x: &[[T; NR]], packed: &[T]) {
        for j in (0..t).step_by(MR) {
            let height = MR.min(t - j);
            for (c, panel) in (0..self.p).step_by(NR).zip(packed.chunks_exact(t * NR)) {
                let (mut acc, rows) = ([[T::ZERO; NR]; MR], panel.as_chunks::<NR>().0);
                for i in (0..t).step_by(NR) {
                    let count = NR.min(t - i);
                    let factors = View::new(x[i / NR * t..][..t].as_flattened(), t, NR);
                    tile(count, Rows::of(factors, j, height, 0, count), Packed(&rows[i..i + count]), &mut acc);
                }
                self.put(j, height, c, &acc, true);
            }
        }
    }
}
