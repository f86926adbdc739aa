//! Softmax attention of every head of every sample: what subspace self-attention and the attention of the ViT share.

use crate::learn::centre_rows;
use crate::linalg::Matrix;
use crate::scalar::{Part, Scalar, View};

/// How projected tokens are read: `projected` is (batch · tokens) × width, and head h of the queries, keys and values lies in columns `at[·] + h·p .. at[·] + (h+1)·p`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads<S> {
    pub tokens: usize,
    pub heads: usize,
    /// p.
    pub width: usize,
    /// First columns of queries, keys and values. All equal: one projection serves as all three.
    pub at: [usize; 3],
    /// Multiplies the correlations.
    pub scale: S,
    /// A token attends to itself and to those before it only.
    pub causal: bool,
}

/// Reusable memory of one head.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch<S> {
    square: Vec<S>,
    other: Vec<S>,
    out: Vec<S>,
}

impl<S: Scalar> Heads<S> {
    fn one_projection(&self) -> bool {
        self.at[0] == self.at[1] && self.at[1] == self.at[2]
    }
    /// Head h of sample b, starting at column `at`.
    fn view<'a>(&self, m: &'a Matrix<S>, at: usize, b: usize, h: usize) -> View<'a, S> {
        m.view().rows(b * self.tokens, self.tokens).cols(at + h * self.width, self.width)
    }
    /// Scales the correlations and makes every row a distribution. What is hidden gets weight 0, and with it gradient 0.
    fn normalise(&self, w: &mut [S]) {
        w.iter_mut().for_each(|x| *x *= self.scale);
        if self.causal {
            for (i, row) in w.chunks_exact_mut(self.tokens).enumerate() {
                let (seen, hidden) = row.split_at_mut(i + 1);
                S::softmax_rows(seen, i + 1);
                hidden.fill(S::ZERO);
            }
        } else {
            S::softmax_rows(w, self.tokens);
        }
    }
    /// `W = softmax_row(scale · Q Kᵀ)` of every head of every sample, one T × T block after the other; `O = W V`, the heads side by side.
    pub fn forward(&self, projected: &Matrix<S>, weights: &mut Vec<S>, out: &mut Matrix<S>, scratch: &mut Scratch<S>) {
        let (t, batch) = (self.tokens, projected.rows() / self.tokens);
        weights.clear();
        weights.resize(batch * self.heads * t * t, S::ZERO);
        out.reset(projected.rows(), self.heads * self.width);
        for (slot, w) in weights.chunks_exact_mut(t * t).enumerate() {
            let (b, h) = (slot / self.heads, slot % self.heads);
            let [q, k, v] = self.at.map(|at| self.view(projected, at, b, h));
            S::product(q, k.t(), w, Part::Full);
            self.normalise(w);
            scratch.out.clear();
            scratch.out.resize(t * self.width, S::ZERO);
            S::product(View::new(w, t, t), v, &mut scratch.out, Part::Full);
            for (i, o) in scratch.out.chunks_exact(self.width).enumerate() {
                out.row_mut(b * t + i)[h * self.width..][..self.width].copy_from_slice(o);
            }
        }
    }
    /// Adds the gradient of [`forward`](Heads::forward) to `d_projected`: `V̄ = WᵀŌ`, `W̄ = Ō Vᵀ`, `S̄ = scale · W ∘ (W̄ − rowsum(W̄ ∘ W))`, `Q̄ = S̄ K`, `K̄ = S̄ᵀ Q`; where
    /// one projection A serves as all three, `Ā = WᵀŌ + (S̄ + S̄ᵀ) A`.
    pub fn backward(&self, projected: &Matrix<S>, weights: &[S], d_out: &Matrix<S>, d_projected: &mut Matrix<S>, scratch: &mut Scratch<S>) {
        let t = self.tokens;
        for (slot, w) in weights.chunks_exact(t * t).enumerate() {
            let (b, h) = (slot / self.heads, slot % self.heads);
            let [q, k, v] = self.at.map(|at| self.view(projected, at, b, h));
            let (d_out, w_view) = (self.view(d_out, 0, b, h), View::new(w, t, t));
            let Scratch { square, other, out } = &mut *scratch;
            square.clear();
            square.resize(t * t, S::ZERO);
            S::product(d_out, v.t(), square, Part::Full);
            centre_rows(w, square, t);
            S::softmax_rows_vjp(w, square, t);
            square.iter_mut().for_each(|x| *x *= self.scale);
            let mut add = |a: View<S>, x: View<S>, at: usize| {
                out.clear();
                out.resize(t * self.width, S::ZERO);
                S::product(a, x, out, Part::Full);
                for (i, o) in out.chunks_exact(self.width).enumerate() {
                    d_projected.row_mut(b * t + i)[at + h * self.width..][..self.width].iter_mut().zip(o).for_each(|(d, &o)| *d += o);
                }
            };
            add(w_view.t(), d_out, self.at[2]);
            if self.one_projection() {
                other.resize(t * t, S::ZERO);
                for (i, row) in other.chunks_exact_mut(t).enumerate() {
                    for (j, (x, &s)) in row.iter_mut().zip(&square[i * t..]).enumerate() {
                        *x = s + square[j * t + i];
                    }
                }
                add(View::new(other, t, t), q, self.at[0]);
            } else {
                add(View::new(square, t, t), k, self.at[0]);
                add(View::new(square, t, t).t(), q, self.at[1]);
            }
        }
    }
}
