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
/// Source: Chan, Yu, You, Qi, Wright and Ma, *ReduNet: A White-box Deep Network from the Principle of Maximizing Rate Reduction*, JMLR 2022, equations 16–19.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduLayer<S> {
    /// E, `C_k`, `γ_k`.
    pub operators: RateOperators<S>,
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
    /// In E, `C_k`, `γ_k`.
    pub operators: RateOperators<S>,
    /// In η.
    pub eta: S,
    /// In λ.
    pub lambda: S,
}

impl<S: Scalar> ReduLayer<S> {
    fn check(&self, z: &Matrix<S>) -> Result<(usize, usize)> {
        let (d, k) = (self.operators.e.rows(), self.operators.c.len());
        let square = |m: &Matrix<S>| m.shape() == [d, d];
        if k == 0 || !square(&self.operators.e) || !self.operators.c.iter().all(square) || self.operators.gamma.len() != k {
            return Err(Error::shape("operators", "E and every C_k d × d, with one γ_k each", format!("{:?} and {} classes", self.operators.e, k)));
        }
        if z.cols() != d || z.rows() == 0 {
            return Err(Error::shape("z", format!("n × {d}, n at least 1"), format!("{z:?}")));
        }
        if self.lambda.sign() == Some(Ordering::Less) {
            return Err(Error::domain("lambda", "a number from 0 on", self.lambda.value().to_string()));
        }
        Ok((d, k))
    }
    /// `C_k z` for all classes in one product: z times `[C_1ᵀ … C_Kᵀ]`.
    fn project(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        let d = z.cols();
        let side_by_side = Matrix::from_fn(d, d * self.operators.c.len(), |i, j| self.operators.c[j / d][(j % d, i)]);
        z.matmul(&side_by_side)
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
        Ok(self.assign(&self.project(z)?, d, k)?.1)
    }
    /// The layer on every row of `z` (n × d), with everything [`ReduLayer::backward`] needs. `2(K+1)nd²` flops; `n(K+2)d` numbers.
    /// Errors: `Shape`; `Domain` for λ < 0, or (`ZeroRow`) where a row ends at 0.
    pub fn forward(&self, z: &Matrix<S>) -> Result<LayerTrace<S>> {
        let (d, k) = self.check(z)?;
        let projections = self.project(z)?;
        let (norms, assignment) = self.assign(&projections, d, k)?;
        let expansion = product(z.view(), self.operators.e.view().t())?;
        let mut y = z.zip(&expansion, |z, e| z + self.eta * e)?;
        for i in 0..z.rows() {
            let weights: Vec<S> = (0..k).map(|k| -(self.eta * self.operators.gamma[k] * assignment[(i, k)])).collect();
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
        let increment = self.operators.increment(z, membership)?;
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
        let (eta, lambda, gamma) = (self.eta, self.lambda, &self.operators.gamma);
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
        let mut z_bar = y_bar.zip(&y_bar.matmul(&self.operators.e)?, |y, e| y + eta * e)?;
        let e_bar = y_bar.t_matmul(z)?.scale(eta);
        let mut c_bar = Vec::with_capacity(k);
        for l in 0..k {
            let own = p_bar.select_cols(l * d, d)?;
            z_bar = z_bar.add(&own.matmul(&self.operators.c[l])?)?;
            c_bar.push(own.t_matmul(z)?);
        }
        let operators = RateOperators { e: e_bar, c: c_bar, gamma: gamma_bar };
        Ok(LayerGradient { z: z_bar, operators, eta: eta_bar, lambda: lambda_bar })
    }
}
