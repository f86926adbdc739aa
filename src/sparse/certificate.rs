//! How far codes are from optimal: duality gap and KKT residual, and what the gap allows to rule out.

use super::lasso::{Codes, Lasso, positive};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// Bounds that need no optimum: `P(z) − P* ≤ gap`, `‖(z − z*)A‖² ≤ 2 gap`.
///
/// The dual problem is `max D(θ) = ⟨θ, x⟩ − ½‖θ‖²` over `|θAᵀ| ≤ λ` (non-negative codes: `θAᵀ ≤ λ`), and `P* = D*`. The residual `r = x − zA`, scaled into that set by
/// `s = λ/max(λ, M)` with `M = max_j |c_j|`, `c = rAᵀ` (non-negative: of the positive parts), is a dual point. Its gap is summed without cancellation:
/// `P(z) − D(sr) = ½(1 − s)²‖r‖² + Σ_j (λ|z_j| − s c_j z_j)`, every term ≥ 0.
///
/// Source: Boyd and Vandenberghe, *Convex Optimization*, 2004, §5.2; for the LASSO Osborne, Presnell and Turlach, J. Comput. Graph. Stat. 9, 2000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate<S> {
    /// P(z).
    pub primal: S,
    /// D(sr), a lower bound of P*.
    pub dual: S,
    /// `P(z) − D(sr)`, ≥ 0.
    pub gap: S,
    /// The largest violation of `c_j = λ sgn z_j` where `z_j ≠ 0` and of `|c_j| ≤ λ` (non-negative: `c_j ≤ λ`) elsewhere; not defined in balls that cannot tell.
    pub kkt: S,
}

/// The gradients of primal value, dual value and gap.
#[derive(Clone, Debug)]
pub struct CertificateGradient<S> {
    /// With respect to the data.
    pub x: Matrix<S>,
    /// With respect to the codes.
    pub z: Matrix<S>,
    /// With respect to the atoms.
    pub a: Matrix<S>,
    /// With respect to λ.
    pub lambda: S,
}

/// Residual and correlations of all rows.
struct State<S> {
    r: Matrix<S>,
    c: Matrix<S>,
}

impl<S: Scalar> Lasso<S> {
    fn state(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<State<S>> {
        self.check(x, z)?;
        positive("lambda", self.lambda)?;
        let r = self.residual(x, z)?;
        let c = r.matmul_t(&self.a)?;
        Ok(State { r, c })
    }
    /// `M` and `s = λ/max(λ, M)` of one row.
    fn scale(&self, c: &[S]) -> (S, S) {
        let m = c.iter().fold(S::ZERO, |m, &c| m.max(self.codes.excess(c)));
        (m, self.lambda / self.lambda.max(m))
    }
    /// Primal value, dual value and gap, summed over rows, each row scaled on its own. `4nmd` flops. Errors: `Shape`, `NotFinite`; `Domain` for `λ = 0` (the dual set is then a subspace) and for
    /// a negative code where codes are non-negative.
    pub fn gap(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<[S; 3]> {
        let state = self.state(x, z)?;
        let half = S::from_f64(0.5);
        let mut sums = [S::ZERO; 3];
        for i in 0..x.rows() {
            let (r, c, z) = (state.r.row(i), state.c.row(i), z.row(i));
            let (m, s) = self.scale(c);
            // 1 − s, which is 0 where M ≤ λ.
            let short = (m - self.lambda).relu() / self.lambda.max(m);
            let squared = S::dot(r, r);
            let magnitudes: Vec<S> = z.iter().map(|z| z.abs()).collect();
            let slack: Vec<S> = z.iter().zip(c).map(|(&z, &c)| self.lambda * z.abs() - s * c * z).collect();
            sums[0] += squared * half + self.lambda * S::sum(&magnitudes);
            sums[1] += s * S::dot(r, x.row(i)) - s.square() * squared * half;
            sums[2] += short.square() * squared * half + S::sum(&slack);
        }
        Ok(sums)
    }
    /// The violation of the optimality conditions, the largest over all codes. Errors: as [`Lasso::gap`]; `Undecided` for balls whose codes may or may not be 0.
    pub fn kkt(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<S> {
        let state = self.state(x, z)?;
        let mut worst = S::ZERO;
        for (&z, &c) in z.data().iter().zip(state.c.data()) {
            worst = worst.max(match z.sign() {
                Some(Ordering::Greater) => (c - self.lambda).abs(),
                Some(Ordering::Less) => (c + self.lambda).abs(),
                Some(Ordering::Equal) => (self.codes.excess(c) - self.lambda).relu(),
                None => return Err(Error::undecided("z", "codes whose sign is known", z.to_ball().to_text())),
            });
        }
        Ok(worst)
    }
    /// Gap and KKT residual. Errors: as [`Lasso::gap`] and [`Lasso::kkt`].
    pub fn certificate(&self, x: &Matrix<S>, z: &Matrix<S>) -> Result<Certificate<S>> {
        let [primal, dual, gap] = self.gap(x, z)?;
        Ok(Certificate { primal, dual, gap, kkt: self.kkt(x, z)? })
    }
    /// The gradients of [`Lasso::gap`] for cotangents of primal value, dual value and gap; the gap counts as `primal − dual`.
    ///
    /// Primal, cotangent `p`: `Z̄ = p(λ sgn Z − C)`, `X̄ = pR`, `Ā = −pZᵀR`, `λ̄ = p‖Z‖₁`. Dual, cotangent `q`, row by row: `r̄ = q(sx − s²r)`, `x̄ = qsr`, `s̄ = q(⟨r, x⟩ − s‖r‖²)`; where `M > λ`
    /// `s = λ/M` gives `λ̄ = s̄/M` and, for the j that attains M, `c̄_j = −s̄λ/M² sgn c_j`, then `r̄ += c̄A`, `Ā += c̄ᵀr`; at last `r = x − zA` takes `r̄` to `x̄ += r̄`, `z̄ −= r̄Aᵀ`, `Ā −= zᵀr̄`.
    /// Errors: as the value; `Undecided` for balls that cannot tell which j attains M.
    pub fn gap_vjp(&self, x: &Matrix<S>, z: &Matrix<S>, cotangents: [S; 3]) -> Result<CertificateGradient<S>> {
        let State { r, c } = self.state(x, z)?;
        let (p, q) = (cotangents[0] + cotangents[2], cotangents[1] - cotangents[2]);
        let magnitudes: Vec<S> = z.data().iter().map(|z| z.abs()).collect();
        let mut lambda = p * S::sum(&magnitudes);
        let (mut r_bar, mut c_bar, mut x_bar) = (Matrix::zeros(r.rows(), r.cols()), Matrix::zeros(c.rows(), c.cols()), r.scale(p));
        for i in 0..x.rows() {
            let (m, s) = self.scale(c.row(i));
            for j in 0..x.cols() {
                r_bar[(i, j)] = q * (s * x[(i, j)] - s.square() * r[(i, j)]);
                x_bar[(i, j)] += q * s * r[(i, j)];
            }
            let s_bar = q * (S::dot(r.row(i), x.row(i)) - s * S::dot(r.row(i), r.row(i)));
            match (m - self.lambda).sign() {
                Some(Ordering::Greater) => {
                    let j = self.attains(c.row(i))?;
                    lambda += s_bar / m;
                    let slope = -s_bar * self.lambda / m.square();
                    c_bar[(i, j)] = if c[(i, j)].sign() == Some(Ordering::Less) { -slope } else { slope };
                }
                None => return Err(Error::undecided("λ against max|c|", "an enclosure on one side", m.to_ball().to_text())),
                _ => {}
            }
        }
        let sign = |z: S| self.lambda * sign_of(z);
        let z_bar = z.zip(&c, |z, c| p * (sign(z) - c))?;
        r_bar = r_bar.add(&c_bar.matmul(&self.a)?)?;
        let a = c_bar.t_matmul(&r)?.sub(&z.t_matmul(&r.scale(p).add(&r_bar)?)?)?;
        Ok(CertificateGradient { x: x_bar.add(&r_bar)?, z: z_bar.sub(&r_bar.matmul_t(&self.a)?)?, a, lambda })
    }
    /// The first j whose excess is the largest.
    fn attains(&self, c: &[S]) -> Result<usize> {
        let excess: Vec<S> = c.iter().map(|&c| self.codes.excess(c)).collect();
        let best = (0..c.len()).fold(0, |b, j| if excess[j].value() > excess[b].value() { j } else { b });
        match (0..c.len()).find(|&j| j != best && (excess[best] - excess[j]).sign().is_none()) {
            None => Ok(best),
            Some(j) => Err(Error::undecided("max|c|", "one correlation above the others", format!("{best} and {j}"))),
        }
    }
    /// Safe screening: `true` where the code is 0 in *every* solution, `s|c_j| + ‖a_j‖√(2 gap) < λ` (non-negative: without the magnitude), row by row `n × m`.
    /// `slack` is a relative margin for rounding: at an optimum the computed gap may be 0 while the correlation of an active atom is `λ(1 − u)`. Errors: as [`Lasso::gap`].
    ///
    /// Source: Fercoq, Gramfort and Salmon, *Mind the duality gap: safer rules for the Lasso*, ICML 2015.
    pub fn screen(&self, x: &Matrix<S>, z: &Matrix<S>, slack: f64) -> Result<Vec<bool>> {
        let state = self.state(x, z)?;
        let norms: Vec<S> = (0..self.a.rows()).map(|j| S::dot(self.a.row(j), self.a.row(j)).sqrt()).collect();
        let mut out = Vec::with_capacity(z.rows() * z.cols());
        for i in 0..x.rows() {
            let one = |m: &Matrix<S>| m.select_rows(&[i]);
            let [_, _, gap] = self.gap(&one(x)?, &one(z)?)?;
            let radius = (gap.relu() * S::from_f64(2.0)).sqrt();
            let (_, s) = self.scale(state.c.row(i));
            out.extend(state.c.row(i).iter().zip(&norms).map(|(&c, &norm)| {
                let c = if self.codes == Codes::Signed { c.abs() } else { c };
                (s * c + norm * radius - self.lambda * S::from_f64(1.0 - slack)).sign() == Some(Ordering::Less)
            }));
        }
        Ok(out)
    }
}

/// −1, 0 or 1; where a ball cannot tell, the hull of −1 and 1.
pub(super) fn sign_of<S: Scalar>(x: S) -> S {
    crate::learn::relu_derivative(x) - crate::learn::relu_derivative(-x)
}
