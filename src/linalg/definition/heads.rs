//! Softmax attention of every head of every sample, in its shortest form.

use super::{product, softmax, softmax_vjp};
use crate::scalar::{Heads, Part, Scalar, View};

/// `W = softmax_row(scale · Q Kᵀ)` and `O = W V` of each head of each sample. `projected` has rows of `cols` numbers; `weights` gets one T × T block after the
/// other, `out` the heads side by side. What is hidden from a token gets weight 0.
#[inline(always)]
pub fn attention<S: Scalar>(heads: &Heads<S>, projected: &[S], cols: usize, weights: &mut [S], out: &mut [S]) {
    let t = heads.tokens;
    for (slot, w) in weights.chunks_exact_mut((t * t).max(1)).enumerate() {
        let [q, k, v] = heads.at.map(|at| heads.view(projected, cols, at, slot));
        w.fill(S::ZERO);
        product(q, k.t(), w, Part::Full);
        for (i, row) in w.chunks_exact_mut(t).enumerate() {
            let (seen, hidden) = row.split_at_mut(heads.seen(i));
            seen.iter_mut().for_each(|x| *x *= heads.scale);
            softmax(seen);
            hidden.fill(S::ZERO);
        }
        let mut o = vec![S::ZERO; t * heads.width];
        product(View::new(w, t, t), v, &mut o, Part::Full);
        let width = heads.heads * heads.width;
        for (i, o) in o.chunks_exact(heads.width.max(1)).enumerate() {
            out[heads.start(width, 0, slot) + i * width..][..o.len()].copy_from_slice(o);
        }
    }
}

/// Adds the gradient of [`attention`] to `d_projected`: `V̄ = WᵀŌ`, `W̄ = Ō Vᵀ` through the softmax ([`softmax_vjp`], from rows less their number at the greatest weight), times the
/// scale: `S̄`. Then `Q̄ = S̄ K` and `K̄ = S̄ᵀ Q`, or for one projection `Ā = (S̄ + S̄ᵀ) A`. Each is summed from 0 before it is added, V̄ first.
#[inline(always)]
pub fn attention_vjp<S: Scalar>(heads: &Heads<S>, projected: &[S], cols: usize, weights: &[S], d_out: &[S], d_projected: &mut [S]) {
    let t = heads.tokens;
    for (slot, w) in weights.chunks_exact((t * t).max(1)).enumerate() {
        let [q, k, v] = heads.at.map(|at| heads.view(projected, cols, at, slot));
        let d_out = heads.view(d_out, heads.heads * heads.width, 0, slot);
        let mut s = vec![S::ZERO; t * t];
        product(d_out, v.t(), &mut s, Part::Full);
        centre_rows(w, &mut s, t);
        for (w, s) in w.chunks_exact(t).zip(s.chunks_exact_mut(t)) {
            softmax_vjp(w, s);
            s.iter_mut().for_each(|s| *s *= heads.scale);
        }
        let mut add = |a: View<S>, x: View<S>, at: usize| {
            let mut sum = vec![S::ZERO; t * heads.width];
            product(a, x, &mut sum, Part::Full);
            for (i, sum) in sum.chunks_exact(heads.width.max(1)).enumerate() {
                let to = &mut d_projected[heads.start(cols, at, slot) + i * cols..];
                to.iter_mut().zip(sum).for_each(|(d, &sum)| *d += sum);
            }
        };
        add(View::new(w, t, t).t(), d_out, heads.at[2]);
        if heads.one_projection() {
            let both: Vec<S> = (0..t * t).map(|ij| s[ij] + s[ij % t * t + ij / t]).collect();
            add(View::new(&both, t, t), q, heads.at[0]);
        } else {
            add(View::new(&s, t, t), k, heads.at[0]);
            add(View::new(&s, t, t).t(), q, heads.at[1]);
        }
    }
}

/// Takes from each row of the cotangent its number at the greatest weight. The gradient does not change, since the weights of a row sum to 1, and where one
/// weight is all but 1 the small differences that are left keep their digits. Any entry of the row serves; the greatest serves best. So the midpoint of a ball may decide.
#[inline(always)]
pub fn centre_rows<S: Scalar>(y: &[S], y_bar: &mut [S], cols: usize) {
    for (y, bar) in y.chunks_exact(cols.max(1)).zip(y_bar.chunks_exact_mut(cols.max(1))) {
        let (mut top, mut at) = (y[0].value(), bar[0]);
        for (y, &bar) in y.iter().zip(bar.iter()) {
            let greater = y.value() > top;
            top = if greater { y.value() } else { top };
            at = if greater { bar } else { at };
        }
        for bar in bar {
            *bar -= at;
        }
    }
}
