//! One layer: expand everything, compress each class as far as a sample seems to belong to it, return to the sphere.

use crate::coding::{unit_rows, unit_rows_vjp};
use crate::linalg::{Matrix, product};
use crate::reduction::{Membership, RateOperators};
use crate::scalar::{Function, Scalar, View};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `z⁺ = y/‖y‖`, `y = z + η (E z − Σ_k γ_k π̂_k(z) C_k z)`, `π̂(z) = softmax(−λ ‖C_1 z‖, …, −λ ‖C_K z‖)`.
///
/// `C_k z` is small where class k explains z, so π̂ guesses the class of z from the operators alone and the layer applies to any sample. λ = 0 gives π̂ = 1/K, `λ → ∞` the class of least `‖C_k z‖`. At the samples the operators were made from, with
/// their true memberships in place of π̂, the increment is the gradient of ΔR exactly.
///
/// E and every `C_k` may be block diagonal: then `blocks` holds one set of operators for each run of coordinates, in order, as the Fourier coordinates of
/// [`Shifts`](super::Shifts) have it. One block is the plain layer. `γ_k` are those of the first block.
///
/// Source: Chan, Yu, You, Qi, Wright and Ma, *ReduNet: A White-box Deep Network from the Principle of Maximizing Rate Reduction*, JMLR 2022, equations 16–19.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduLayer<S> {
    /// E, `C_k`, `γ_k` of each run of coordinates.
    pub blocks: Vec<RateOperators<S>>,
    /// η, the step.
    pub eta: S,
    /// λ ≥ 0, the sharpness of the assignment.
    pub lambda: S,
}

/// What a layer made of its input.
#[derive(Clone, Debug)]
pub struct LayerTrace<S> {
    /// `C_k z` for each class side by side, n × Kd.
    pub projections: Matrix<S>,
    /// `‖C_k z‖`, n × K.
    pub norms: Matrix<S>,
    /// π̂, n × K.
    pub assignment: Matrix<S>,
    /// `E z`, n × d.
    pub expansion: Matrix<S>,
    /// `‖y‖` of each row.
    pub lengths: Vec<S>,
    /// `z⁺`, n × d.
    pub output: Matrix<S>,
}

/// The gradient with respect to input and parameters of a layer.
#[derive(Clone, Debug)]
pub struct LayerGradient<S> {
    /// In the input, n × d.
    pub z: Matrix<S>,
    /// In E and `C_k` of each block; in `γ_k` with the first.
    pub blocks: Vec<RateOperators<S>>,
    /// In η.
    pub eta: S,
    /// In λ.
    pub lambda: S,
}

impl<S: Scalar> ReduLayer<S> {
    /// d and K. Errors: `Shape` unless blocks and samples fit each other, `Domain` for λ < 0.
    fn check(&self, z: &Matrix<S>) -> Result<(usize, usize)> {
        let k = self.blocks.first().map_or(0, |b| b.gamma.len());
        let fits = |b: &RateOperators<S>| {
            let square = |m: &Matrix<S>| m.shape() == [b.e.rows(); 2];
            b.c.len() == k && square(&b.e) && b.c.iter().all(square)
        };
        if k == 0 || !self.blocks.iter().all(fits) {
            let found = self.blocks.iter().map(|b| format!("{:?} with {} classes", b.e, b.c.len())).collect::<Vec<_>>().join(", ");
            return Err(Error::shape("operators", "E and every C_k of a block d × d, with one γ_k each", found));
        }
        let d = self.blocks.iter().map(|b| b.e.rows()).sum();
        if z.cols() != d || z.rows() == 0 {
            return Err(Error::shape("z", format!("n × {d}, n at least 1"), format!("{z:?}")));
        }
        if self.lambda.sign() == Some(Ordering::Less) {
            return Err(Error::domain("lambda", "a number from 0 on", self.lambda.value().to_string()));
        }
        Ok((d, k))
    }
    /// Each block with its first coordinate.
    fn runs(&self) -> impl Iterator<Item = (usize, &RateOperators<S>)> {
        let mut from = 0;
        self.blocks.iter().map(move |b| {
            from += b.e.rows();
            (from - b.e.rows(), b)
        })
    }
    /// `C_k z` for all classes: for each block one product with `[C_1ᵀ … C_Kᵀ]`.
    fn project(&self, z: &Matrix<S>, d: usize, k: usize) -> Result<Matrix<S>> {
        let mut out = Matrix::zeros(0, 0);
        for (from, block) in self.runs() {
            let w = block.e.rows();
            let side_by_side = Matrix::from_fn(w, w * k, |i, j| block.c[j / w][(j % w, i)]);
            let own = product(z.view().cols(from, w), side_by_side.view())?;
            if w == d {
                return Ok(own);
            }
            if from == 0 {
                out = Matrix::zeros(z.rows(), k * d);
            }
            for i in 0..z.rows() {
                for (l, p) in own.row(i).chunks(w).enumerate() {
                    out.row_mut(i)[l * d + from..][..w].copy_from_slice(p);
                }
            }
        }
        Ok(out)
    }
    /// `f` of the coordinates of each block, side by side again.
    fn blockwise(&self, z: &Matrix<S>, f: impl Fn(&RateOperators<S>, &Matrix<S>) -> Result<Matrix<S>>) -> Result<Matrix<S>> {
        if let [only] = &self.blocks[..] {
            return f(only, z);
        }
        let mut out = Matrix::zeros(z.rows(), z.cols());
        for (from, block) in self.runs() {
            let own = f(block, &z.select_cols(from, block.e.rows())?)?;
            for i in 0..z.rows() {
                out.row_mut(i)[from..from + own.cols()].copy_from_slice(own.row(i));
            }
        }
        Ok(out)
    }
    /// `‖C_k z‖` and π̂ for given projections.
    fn assign(&self, projections: &Matrix<S>, d: usize, k: usize) -> Result<(Matrix<S>, Matrix<S>)> {
        let mut squares = Vec::with_capacity(projections.rows() * k);
        for i in 0..projections.rows() {
            squares.extend(projections.row(i).chunks(d).map(|p| S::dot(p, p)));
        }
        S::map(Function::Sqrt, &mut squares);
        let norms = Matrix::new(projections.rows(), k, squares)?;
        let mut assignment = norms.scale(-self.lambda);
        S::softmax_rows(assignment.data_mut(), k);
        Ok((norms, assignment))
    }
    /// π̂ alone. Errors: as [`ReduLayer::forward`].
    pub fn assignment(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        let (d, k) = self.check(z)?;
        Ok(self.assign(&self.project(z, d, k)?, d, k)?.1)
    }
    /// The layer on every row of `z` (n × d), with everything [`ReduLayer::backward`] needs. `2(K+1)nd²` flops; `n(K+2)d` numbers.
    /// Errors: `Shape`; `Domain` for λ < 0, or (`ZeroRow`) where a row ends at 0.
    pub fn forward(&self, z: &Matrix<S>) -> Result<LayerTrace<S>> {
        let (d, k) = self.check(z)?;
        let projections = self.project(z, d, k)?;
        let (norms, assignment) = self.assign(&projections, d, k)?;
        let expansion = self.blockwise(z, |block, z| z.matmul_t(&block.e))?;
        let (mut y, gamma) = (z.zip(&expansion, |z, e| z + self.eta * e)?, &self.blocks[0].gamma);
        for i in 0..z.rows() {
            let weights: Vec<S> = (0..k).map(|k| -(self.eta * gamma[k] * assignment[(i, k)])).collect();
            S::product(View::new(&weights, 1, k), View::new(projections.row(i), k, d), y.row_mut(i), crate::scalar::Part::Full);
        }
        let (output, lengths) = unit_rows(&y).map_err(|e| e.within("layer output"))?;
        Ok(LayerTrace { projections, norms, assignment, expansion, lengths, output })
    }
    /// The output alone, a block of rows at a time: the projections of all samples never exist together.
    pub fn apply(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        const BLOCK: usize = 256;
        let mut data = Vec::with_capacity(z.data().len());
        for from in (0..z.rows()).step_by(BLOCK) {
            let count = BLOCK.min(z.rows() - from);
            let rows = Matrix::new(count, z.cols(), z.data()[from * z.cols()..(from + count) * z.cols()].to_vec())?;
            data.extend(self.forward(&rows).map_err(|e| e.within(&format!("rows from {from}")))?.output.into_data());
        }
        Matrix::new(z.rows(), z.cols(), data)
    }
    /// The layer with given memberships in place of π̂: a step of projected gradient ascent on ΔR.
    pub fn apply_with(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<Matrix<S>> {
        self.check(z)?;
        let increment = self.blockwise(z, |block, z| block.increment(z, membership))?;
        Ok(unit_rows(&z.zip(&increment, |z, g| z + self.eta * g)?)?.0)
    }
    /// The gradient for the cotangent `ū` of the output.
    ///
    /// `ȳ = (ū − u⟨u, ū⟩)/‖y‖`; `c_k = −ηγ_k⟨ȳ, p_k⟩`, `s̄_k = π̂_k (c_k − Σ_l π̂_l c_l)`, `p̄_k = −ηγ_kπ̂_k ȳ − λ s̄_k p_k/‖p_k‖` (0 for `p_k = 0`); `z̄ = ȳ + ηEᵀȳ + Σ C_kᵀ p̄_k`, `Ē = ηȳzᵀ`, `C̄_k = p̄_k zᵀ`,
    /// `γ̄_k = −ηπ̂_k⟨ȳ, p_k⟩`, `η̄ = ⟨ȳ, Ez − Σγ_kπ̂_kp_k⟩`, `λ̄ = −Σ s̄_k‖p_k‖`, summed over rows.
    pub fn backward(&self, z: &Matrix<S>, trace: &LayerTrace<S>, u_bar: &Matrix<S>) -> Result<LayerGradient<S>> {
        let (d, k) = self.check(z)?;
        if u_bar.shape() != z.shape() {
            return Err(Error::shape("cotangent", format!("{z:?}"), format!("{u_bar:?}")));
        }
        let (eta, lambda, gamma) = (self.eta, self.lambda, &self.blocks[0].gamma);
        let y_bar = unit_rows_vjp(&trace.output, &trace.lengths, u_bar)?;
        let mut p_bar = Matrix::<S>::zeros(z.rows(), k * d);
        let (mut gamma_bar, mut eta_bar, mut lambda_bar) = (vec![S::ZERO; k], S::ZERO, S::ZERO);
        for i in 0..z.rows() {
            let y = y_bar.row(i);
            let p = |l: usize| &trace.projections.row(i)[l * d..(l + 1) * d];
            let along: Vec<S> = (0..k).map(|l| S::dot(y, p(l))).collect();
            let pi = trace.assignment.row(i);
            let c: Vec<S> = (0..k).map(|l| -(eta * gamma[l] * along[l])).collect();
            let mean = S::dot(pi, &c);
            eta_bar += S::dot(y, trace.expansion.row(i));
            for l in 0..k {
                let (s_bar, norm) = (pi[l] * (c[l] - mean), trace.norms[(i, l)]);
                let pull = if norm.sign() == Some(Ordering::Equal) { S::ZERO } else { lambda * s_bar / norm };
                let push = eta * gamma[l] * pi[l];
                for (out, (&y, &p)) in p_bar.row_mut(i)[l * d..(l + 1) * d].iter_mut().zip(y.iter().zip(p(l))) {
                    *out = -(push * y) - pull * p;
                }
                gamma_bar[l] -= eta * pi[l] * along[l];
                eta_bar -= gamma[l] * pi[l] * along[l];
                lambda_bar -= s_bar * norm;
            }
        }
        self.pulled_back(
            z,
            &y_bar,
            &p_bar,
            LayerGradient { z: Matrix::zeros(0, 0), blocks: Vec::new(), eta: eta_bar, lambda: lambda_bar },
            gamma_bar,
        )
    }
    /// The gradient of [`ReduLayer::assignment`] for its cotangent: `s̄ = π̂ (π̄ − ⟨π̂, π̄⟩)`, `p̄_k = −λ s̄_k p_k/‖p_k‖` (0 for `p_k = 0`), `z̄ = Σ C_kᵀ p̄_k`, `C̄_k = p̄_k zᵀ`, `λ̄ = −Σ s̄_k‖p_k‖`. E, γ and η do not count.
    pub fn assignment_backward(&self, z: &Matrix<S>, pi_bar: &Matrix<S>) -> Result<LayerGradient<S>> {
        let (d, k) = self.check(z)?;
        let projections = self.project(z, d, k)?;
        let (norms, pi) = self.assign(&projections, d, k)?;
        if pi_bar.shape() != pi.shape() {
            return Err(Error::shape("cotangent", format!("{pi:?}"), format!("{pi_bar:?}")));
        }
        let mut s_bar = pi_bar.clone();
        S::softmax_rows_vjp(pi.data(), s_bar.data_mut(), k);
        let mut p_bar = projections;
        for i in 0..z.rows() {
            for l in 0..k {
                let norm = norms[(i, l)];
                let pull = if norm.sign() == Some(Ordering::Equal) { S::ZERO } else { -(self.lambda * s_bar[(i, l)] / norm) };
                p_bar.row_mut(i)[l * d..(l + 1) * d].iter_mut().for_each(|p| *p *= pull);
            }
        }
        let gradient = LayerGradient { z: Matrix::zeros(0, 0), blocks: Vec::new(), eta: S::ZERO, lambda: -s_bar.dot(&norms)? };
        self.pulled_back(z, &Matrix::zeros(z.rows(), d), &p_bar, gradient, vec![S::ZERO; k])
    }
    /// From the cotangents of `z + ηEz` and of the projections to input and operators.
    fn pulled_back(
        &self,
        z: &Matrix<S>,
        y_bar: &Matrix<S>,
        p_bar: &Matrix<S>,
        mut out: LayerGradient<S>,
        mut gamma_bar: Vec<S>,
    ) -> Result<LayerGradient<S>> {
        let (d, k, eta) = (z.cols(), gamma_bar.len(), self.eta);
        out.z = y_bar.zip(&self.blockwise(y_bar, |block, y| y.matmul(&block.e))?, |y, e| y + eta * e)?;
        for (from, block) in self.runs() {
            let w = block.e.rows();
            let own = z.select_cols(from, w)?;
            let e = y_bar.select_cols(from, w)?.t_matmul(&own)?.scale(eta);
            let mut c = Vec::with_capacity(k);
            for l in 0..k {
                let p = p_bar.select_cols(l * d + from, w)?;
                let back = p.matmul(&block.c[l])?;
                for i in 0..z.rows() {
                    out.z.row_mut(i)[from..from + w].iter_mut().zip(back.row(i)).for_each(|(z, &b)| *z += b);
                }
                c.push(p.t_matmul(&own)?);
            }
            let gamma = if from == 0 { std::mem::take(&mut gamma_bar) } else { vec![S::ZERO; k] };
            out.blocks.push(RateOperators { e, c, gamma });
        }
        Ok(out)
    }
}
