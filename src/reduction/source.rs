//! One Gaussian source: weighted samples, their second moment on its smaller side, and the derivatives of its log-determinant.
//!
//! With samples `Z` (s × d), weights `D = diag(w)` and a scale α, everything of the rate reduction is made of
//! `M = I_d + α ZᵀDZ` and `W = I_s + α D^½ ZZᵀ D^½`. `det M = det W` (Sylvester) and `Z M⁻¹ = D^{-½} W⁻¹ D^½ Z` (push-through), so that the smaller of the two serves.

use super::membership::Class;
use crate::Result;
use crate::coding::{augmented_factor, drowns, factor_log_det};
use crate::linalg::{Matrix, gram, log_det_i_plus, log_det_i_plus_solve, mirror, plus_identity, spd_inverse, spd_solve, spd_solve_rows};
use crate::scalar::{Part, Scalar};
use std::cmp::Ordering;

/// Which matrix a source is factored by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `M`, d × d.
    Features,
    /// `W`, s × s.
    Samples,
}

/// `M` or `W`, ready to be solved with.
#[derive(Clone, Debug)]
pub(super) struct Moment<S> {
    pub side: Side,
    form: Form<S>,
}

#[derive(Clone, Debug)]
enum Form<S> {
    /// The product P of `I + P`.
    Product(Matrix<S>),
    /// The lower factor of `I + P`, where P is too large to be formed beside I: see [`augmented_factor`].
    Factor(Matrix<S>),
}

impl<S: Scalar> Moment<S> {
    pub fn of_product(side: Side, p: Matrix<S>) -> Self {
        Moment { side, form: Form::Product(p) }
    }
    /// `P = αZᵀDZ` or `αD^½ZZᵀD^½`, unless it is too large to be formed.
    pub fn product(&self) -> Option<&Matrix<S>> {
        match &self.form {
            Form::Product(p) => Some(p),
            Form::Factor(_) => None,
        }
    }
    /// `log det(I + P)`.
    pub fn log_det(&self) -> Result<S> {
        match &self.form {
            Form::Product(p) => log_det_i_plus(p),
            Form::Factor(l) => Ok(factor_log_det(l)),
        }
    }
    /// `(I + P)⁻¹ B`.
    pub fn solve(&self, b: &Matrix<S>) -> Result<Matrix<S>> {
        match &self.form {
            Form::Product(p) => spd_solve(&plus_identity(p)?, b),
            Form::Factor(l) => {
                let (mut x, n, m) = (b.clone(), l.rows(), b.cols());
                S::solve_lower(l.data(), n, x.data_mut(), m)?;
                S::solve_lower_t(l.data(), n, x.data_mut(), m)?;
                Ok(x)
            }
        }
    }
    /// `B (I + P)⁻¹`.
    pub fn solve_rows(&self, b: &Matrix<S>) -> Result<Matrix<S>> {
        match &self.form {
            Form::Product(p) => spd_solve_rows(&plus_identity(p)?, b),
            Form::Factor(l) => {
                let (mut x, n) = (b.clone(), l.rows());
                S::solve_lower_rows(l.data(), n, x.data_mut())?;
                S::solve_lower_t_rows(l.data(), n, x.data_mut())?;
                Ok(x)
            }
        }
    }
    /// `(I + P)⁻¹`, symmetric to the bit.
    pub fn inverse(&self) -> Result<Matrix<S>> {
        match &self.form {
            Form::Product(p) => spd_inverse(&plus_identity(p)?),
            Form::Factor(l) => {
                let mut x = self.solve(&Matrix::identity(l.rows()))?;
                mirror(x.data_mut(), l.rows());
                Ok(x)
            }
        }
    }
    /// `log det(I + P)` and `(I + P)⁻¹`, or `(I + P)⁻¹ P` for `small` P, from one factorisation.
    pub fn log_det_and_operator(&self, small: bool) -> Result<(S, Matrix<S>)> {
        match &self.form {
            Form::Product(p) if small => log_det_i_plus_solve(p, p),
            Form::Product(p) => log_det_i_plus_solve(p, &Matrix::identity(p.rows())),
            Form::Factor(_) => Ok((self.log_det()?, self.inverse()?)),
        }
    }
}

/// Weighted samples under a scale α.
#[derive(Clone, Debug)]
pub(super) struct Source<S> {
    /// The samples, s × d.
    pub z: Matrix<S>,
    /// Their weights; `None` if each is 1.
    pub weights: Option<Vec<S>>,
    /// α.
    pub alpha: S,
}

impl<S: Scalar> Source<S> {
    /// The samples of a class.
    pub fn of_class(z: &Matrix<S>, class: &Class<S>, alpha: S) -> Result<Self> {
        Ok(Source { z: z.select_rows(&class.rows)?, weights: class.weights.clone(), alpha })
    }
    /// `√w` where the smaller side is that of the samples; `None` where it is that of the features. Decided by the shape alone, but for weights that are not surely
    /// positive (a weight 0 that moves, in a dual number), which have no root to speak of.
    fn roots(&self) -> Option<Option<Vec<S>>> {
        if self.z.cols() <= self.z.rows() {
            return None;
        }
        match &self.weights {
            None => Some(None),
            Some(w) if w.iter().all(|w| w.sign() == Some(Ordering::Greater)) => Some(Some(w.iter().map(|w| w.sqrt()).collect())),
            Some(_) => None,
        }
    }
    /// The weighted samples, and those of the samples' side.
    fn rooted(&self) -> Matrix<S> {
        rows_scaled(&self.z, self.roots().flatten().as_deref())
    }
    /// The matrix of the smaller side.
    pub fn moment(&self) -> Result<Moment<S>> {
        let roots = self.roots();
        let weight = |i: usize| self.weights.as_ref().map_or(S::ONE, |w| w[i]);
        let energies: Vec<S> = (0..self.z.rows()).map(|i| weight(i) * S::dot(self.z.row(i), self.z.row(i))).collect();
        let drowned = drowns(self.alpha * S::sum(&energies));
        Ok(match (roots, drowned) {
            (None, false) => Moment::of_product(Side::Features, self.scatter()?.scale(self.alpha)),
            (Some(roots), false) => {
                Moment::of_product(Side::Samples, gram(rows_scaled(&self.z, roots.as_deref()).view()).scale(self.alpha))
            }
            (None, true) => {
                let roots: Option<Vec<S>> = self.weights.as_ref().map(|w| w.iter().map(|w| w.sqrt()).collect());
                Moment { side: Side::Features, form: Form::Factor(augmented_factor(&rows_scaled(&self.z, roots.as_deref()), self.alpha)?) }
            }
            (Some(roots), true) => {
                let z = rows_scaled(&self.z, roots.as_deref()).transpose();
                Moment { side: Side::Samples, form: Form::Factor(augmented_factor(&z, self.alpha)?) }
            }
        })
    }
    /// The same from the Gram matrix `ZZᵀ` of all samples, of which `rows` are this source's: no product is formed twice.
    pub fn moment_within(&self, all: &Matrix<S>, rows: &[usize]) -> Result<Moment<S>> {
        let Some(roots) = self.roots() else { return self.moment() };
        let root = |i: usize| roots.as_ref().map_or(S::ONE, |r| r[i]);
        let element = |i, j| all[(rows[i], rows[j])] * (root(i) * root(j)) * self.alpha;
        let p = Matrix::from_fn(rows.len(), rows.len(), |i, j| if i < j { element(j, i) } else { element(i, j) });
        if drowns(p.trace()) { self.moment() } else { Ok(Moment::of_product(Side::Samples, p)) }
    }
    /// `ZᵀDZ`, d × d, symmetric to the bit.
    pub fn scatter(&self) -> Result<Matrix<S>> {
        let Some(w) = &self.weights else { return Ok(self.z.gram_cols()) };
        let weighted = rows_scaled(&self.z, Some(w));
        let (d, mut g) = (self.z.cols(), Matrix::zeros(self.z.cols(), self.z.cols()));
        S::product(self.z.view().t(), weighted.view(), g.data_mut(), Part::Lower);
        mirror(g.data_mut(), d);
        Ok(g)
    }

    /// `D Z M⁻¹`, s × d: the rows of `∂(½ log det M)/∂Z`, less the factor α.
    pub fn whitened(&self, moment: &Moment<S>) -> Result<Matrix<S>> {
        Ok(match moment.side {
            Side::Features => rows_scaled(&moment.solve_rows(&self.z)?, self.weights.as_deref()),
            Side::Samples => rows_scaled(&moment.solve(&self.rooted())?, self.roots().flatten().as_deref()),
        })
    }
    /// `D Z M⁻¹ P = D Z (I − M⁻¹)`, s × d, without the cancellation that the difference has for small samples. `p` is the product of the moment.
    pub fn shrunk(&self, moment: &Moment<S>, p: &Matrix<S>) -> Result<Matrix<S>> {
        Ok(match moment.side {
            Side::Features => rows_scaled(&self.z.matmul(&moment.solve(p)?)?, self.weights.as_deref()),
            Side::Samples => rows_scaled(&moment.solve(&p.matmul(&self.rooted())?)?, self.roots().flatten().as_deref()),
        })
    }
    /// `α M⁻¹`, symmetric to the bit; on the samples' side `α (I − α Z̃ᵀ W⁻¹ Z̃)`.
    pub fn operator(&self, moment: &Moment<S>) -> Result<Matrix<S>> {
        Ok(match moment.side {
            Side::Features => moment.inverse()?.scale(self.alpha),
            Side::Samples => {
                let (z, d) = (self.rooted(), self.z.cols());
                let solved = moment.solve(&z.scale(-self.alpha))?;
                let mut inverse = Matrix::identity(d);
                S::product(z.view().t(), solved.view(), inverse.data_mut(), Part::Lower);
                mirror(inverse.data_mut(), d);
                inverse.scale(self.alpha)
            }
        })
    }
    /// `x_iᵀ M⁻¹ x_i` for each row of `X`. On the samples' side by the ridge identity `xᵀM⁻¹x = ‖x − Z̃ᵀq‖² + ‖q‖²/α`, `q = α W⁻¹ Z̃ x`, a sum of squares.
    pub fn quadratic(&self, moment: &Moment<S>, x: &Matrix<S>) -> Result<Vec<S>> {
        Ok(match moment.side {
            Side::Features => {
                let solved = moment.solve_rows(x)?;
                (0..x.rows()).map(|i| S::dot(x.row(i), solved.row(i))).collect()
            }
            Side::Samples => {
                let z = self.rooted();
                let q = moment.solve(&z.matmul_t(x)?)?.scale(self.alpha).transpose();
                let left = x.sub(&q.matmul(&z)?)?;
                (0..x.rows()).map(|i| S::dot(left.row(i), left.row(i)) + S::dot(q.row(i), q.row(i)) / self.alpha).collect()
            }
        })
    }
    /// The Hessian of `½ log det M` in the samples, along `V` (s × d): `α D (V − α Y T) M⁻¹` with `Y = Z M⁻¹`, `T = VᵀDZ + ZᵀDV`; on the samples' side
    /// `α D^½ W⁻¹ (Ṽ − α (Ṽ Z̃ᵀ + Z̃ Ṽᵀ) W⁻¹ Z̃)`.
    pub fn hessian(&self, moment: &Moment<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        let both = |half: Matrix<S>| half.add(&half.transpose());
        Ok(match moment.side {
            Side::Features => {
                let t = both(rows_scaled(v, self.weights.as_deref()).t_matmul(&self.z)?)?;
                let inner = v.sub(&moment.solve_rows(&self.z)?.matmul(&t)?.scale(self.alpha))?;
                rows_scaled(&moment.solve_rows(&inner)?.scale(self.alpha), self.weights.as_deref())
            }
            Side::Samples => {
                let roots = self.roots().flatten();
                let (z, v) = (self.rooted(), rows_scaled(v, roots.as_deref()));
                let inner = v.sub(&both(v.matmul_t(&z)?)?.matmul(&moment.solve(&z)?)?.scale(self.alpha))?;
                rows_scaled(&moment.solve(&inner)?.scale(self.alpha), roots.as_deref())
            }
        })
    }
    /// The third derivative of `½ log det M` along `V` and `Y`. Features' side, with `N = M⁻¹` and `T_AB = AᵀDB + BᵀDA`:
    /// `α² D { α Z (N T_YZ N T_VZ + N T_VZ N T_YZ) − V N T_YZ − Y N T_VZ − Z N T_VY } N`, from `dN = −α N dT N` in the Hessian. Samples' side, with `N = W⁻¹` and
    /// `T_AB = ÃB̃ᵀ + B̃Ãᵀ`: `α² D^½ N { α (T_YZ N T_VZ + T_VZ N T_YZ) N Z̃ − T_YZ N Ṽ − T_VZ N Ỹ − T_VY N Z̃ }`.
    pub fn third(&self, moment: &Moment<S>, v: &Matrix<S>, y: &Matrix<S>) -> Result<Matrix<S>> {
        let both = |half: Matrix<S>| half.add(&half.transpose());
        let n = moment.inverse()?;
        Ok(match moment.side {
            Side::Features => {
                let weights = self.weights.as_deref();
                let cross = |a: &Matrix<S>, b: &Matrix<S>| n.matmul(&both(rows_scaled(a, weights).t_matmul(b)?)?);
                let (by, bv, bb) = (cross(y, &self.z)?, cross(v, &self.z)?, cross(v, y)?);
                let twice = by.matmul(&bv)?.add(&bv.matmul(&by)?)?;
                let first = v.matmul(&by)?.add(&y.matmul(&bv)?)?.add(&self.z.matmul(&bb)?)?;
                let sum = self.z.matmul(&twice)?.scale(self.alpha).sub(&first)?;
                rows_scaled(&sum.matmul(&n)?.scale(self.alpha.square()), weights)
            }
            Side::Samples => {
                let roots = self.roots().flatten();
                let [z, v, y] = [&self.z, v, y].map(|x| rows_scaled(x, roots.as_deref()));
                let [nz, nv, ny] = [n.matmul(&z)?, n.matmul(&v)?, n.matmul(&y)?];
                let [ty, tv, tt] = [both(y.matmul_t(&z)?)?, both(v.matmul_t(&z)?)?, both(v.matmul_t(&y)?)?];
                let twice = ty.matmul(&n.matmul(&tv.matmul(&nz)?)?)?.add(&tv.matmul(&n.matmul(&ty.matmul(&nz)?)?)?)?;
                let first = ty.matmul(&nv)?.add(&tv.matmul(&ny)?)?.add(&tt.matmul(&nz)?)?;
                let sum = twice.scale(self.alpha).sub(&first)?;
                rows_scaled(&n.matmul(&sum)?.scale(self.alpha.square()), roots.as_deref())
            }
        })
    }
}

/// Row i times `by[i]`.
pub(super) fn rows_scaled<S: Scalar>(x: &Matrix<S>, by: Option<&[S]>) -> Matrix<S> {
    match by {
        None => x.clone(),
        Some(by) => Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] * by[i]),
    }
}

/// Adds row i of `x`, times `c`, to row `rows[i]` of `out`. Two roundings: a fused operation outside the kernels is a call on some processors.
pub(super) fn scatter_rows<S: Scalar>(out: &mut Matrix<S>, rows: &[usize], x: &Matrix<S>, c: S) {
    for (i, &row) in rows.iter().enumerate() {
        for (o, &x) in out.row_mut(row).iter_mut().zip(x.row(i)) {
            *o += x * c;
        }
    }
}

/// Row i of `x` becomes row `rows[i]` of `out`.
pub(super) fn place_rows<S: Scalar>(out: &mut Matrix<S>, rows: &[usize], x: &Matrix<S>) {
    for (i, &row) in rows.iter().enumerate() {
        out.row_mut(row).copy_from_slice(x.row(i));
    }
}
