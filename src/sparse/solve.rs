//! The solution itself, with its certificate and its derivative.

use super::active::{Search, Support, codes_on};
use super::certificate::Certificate;
use super::lasso::{Codes, Lasso, positive};
use crate::learn::same_shape;
use crate::linalg::Matrix;
use crate::scalar::{Ball, DoubleDouble, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// The solution for every row.
#[derive(Clone, Debug)]
pub struct Solution<S> {
    /// The codes; those off the support are exactly 0.
    pub z: Matrix<S>,
    /// `P*`, over all rows. In balls enclosed by primal and dual value.
    pub value: S,
}

/// The gradients of a solution.
#[derive(Clone, Debug)]
pub struct SolutionGradient<S> {
    /// With respect to the data.
    pub x: Matrix<S>,
    /// With respect to the atoms.
    pub a: Matrix<S>,
    /// With respect to λ.
    pub lambda: S,
}

impl<S: Scalar> Lasso<S> {
    /// The minimiser for every row of `X`, to the accuracy of the arithmetic: the support by a finite search in f64, the codes on it by `z_S = (xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹` in S.
    ///
    /// `zA`, the residual, `‖z‖₁` and `P` are always unique; `z` is if the atoms with `|c_j| = λ` are independent, and otherwise one of the solutions is returned. A ball encloses:
    /// the signs must hold surely and `|c_j| ≤ λ` elsewhere surely, else `Undecided`. Cost: `m²d` flops for the Gram matrix, and about `md + k(mk + k³/3)` for a row with support k.
    /// Errors: `Shape`, `NotFinite`; `Domain` for `λ = 0`; `NotConverged` if the search does not settle (not seen).
    pub fn solve(&self, x: &Matrix<S>) -> Result<Solution<S>> {
        self.check_data(x)?;
        positive("lambda", self.lambda)?;
        let problem = Minimum { d: x.cols(), codes: self.codes };
        let mut out = S::implicit(&problem, &[x.data(), self.a.data(), &[self.lambda]])?.into_iter();
        match (out.next(), out.next()) {
            (Some(z), Some(value)) if value.len() == 1 => Ok(Solution { z: Matrix::new(x.rows(), self.a.rows(), z)?, value: value[0] }),
            _ => Err(Error::shape("solution", "codes and a value", "something else")),
        }
    }
    /// [`Lasso::solve`] with its certificate. Errors: as there and [`Lasso::certificate`].
    pub fn solve_certified(&self, x: &Matrix<S>) -> Result<(Solution<S>, Certificate<S>)> {
        let solution = self.solve(x)?;
        let certificate = self.certificate(x, &solution.z)?;
        Ok((solution, certificate))
    }
    /// The gradients of codes and value of a solution. On the support, `w_S = z̄_S(A_SA_Sᵀ)⁻¹`, else 0: `X̄ = WA`, `λ̄ = −⟨W, sgn Z⟩`, `Ā = WᵀR − Zᵀ(WA)`, from the derivative of
    /// `z_S A_SA_Sᵀ = xA_Sᵀ − λs`. The value (Danskin): `X̄ = R`, `λ̄ = ‖Z‖₁`, `Ā = −ZᵀR`. Where some `|c_j| = λ` off the support there is no derivative; this is the one that keeps
    /// the support.
    pub fn solve_vjp(&self, x: &Matrix<S>, solution: &Solution<S>, z_bar: &Matrix<S>, value_bar: S) -> Result<SolutionGradient<S>> {
        let z = &solution.z;
        self.check(x, z)?;
        same_shape("cotangent", z, z_bar)?;
        let r = self.residual(x, z)?;
        let mut w = Matrix::zeros(z.rows(), z.cols());
        let mut lambda = S::ZERO;
        for i in 0..z.rows() {
            let support = support_of(z.row(i))?;
            if support.is_empty() {
                continue;
            }
            let basis = self.a.select_rows(&support.iter().map(|&(j, _)| j).collect::<Vec<_>>())?;
            let bar = support.iter().map(|&(j, _)| z_bar[(i, j)]).collect();
            let on = crate::linalg::spd_solve(&basis.gram_rows(), &Matrix::new(support.len(), 1, bar)?)?;
            for (&(j, s), &value) in support.iter().zip(on.data()) {
                w[(i, j)] = value;
                lambda += value_bar * z[(i, j)].abs() - value * S::from_f64(s);
            }
        }
        let wa = w.matmul(&self.a)?;
        let codes = z.scale(value_bar);
        Ok(SolutionGradient {
            a: w.t_matmul(&r)?.sub(&z.t_matmul(&wa)?)?.sub(&codes.t_matmul(&r)?)?,
            x: wa.add(&r.scale(value_bar))?,
            lambda,
        })
    }
}

/// The nonzero codes of a row and their signs.
pub(super) fn support_of<S: Scalar>(z: &[S]) -> Result<Support> {
    let mut support = Vec::new();
    for (j, z) in z.iter().enumerate() {
        match z.sign() {
            Some(Ordering::Greater) => support.push((j, 1.0)),
            Some(Ordering::Less) => support.push((j, -1.0)),
            Some(Ordering::Equal) => {}
            None => return Err(Error::undecided(format!("z[{j}]"), "a code whose sign is known", z.to_ball().to_text())),
        }
    }
    Ok(support)
}

/// Codes and value as a function of `[X, A, [λ]]`.
struct Minimum {
    d: usize,
    codes: Codes,
}
impl Minimum {
    fn parts<S: Scalar>(&self, inputs: &[&[S]]) -> Result<(Matrix<S>, Lasso<S>)> {
        let (x, a) = (inputs[0], inputs[1]);
        let lasso = Lasso { a: Matrix::new(a.len() / self.d, self.d, a.to_vec())?, lambda: inputs[2][0], codes: self.codes };
        Ok((Matrix::new(x.len() / self.d, self.d, x.to_vec())?, lasso))
    }
    /// The codes on the supports that the nearest f64 have.
    fn codes<S: Scalar>(&self, x: &Matrix<S>, lasso: &Lasso<S>) -> Result<Matrix<S>> {
        let search = Search::new(lasso.a.map(|a| a.value()), lasso.lambda.value(), self.codes);
        let mut z = Matrix::zeros(x.rows(), lasso.a.rows());
        for i in 0..x.rows() {
            let row: Vec<f64> = x.row(i).iter().map(|x| x.value()).collect();
            let support = search.support(&row).map_err(|e| e.within(&format!("row {i}")))?;
            let codes = codes_on(x.row(i), &lasso.a, lasso.lambda, &support)?;
            for (&(j, _), value) in support.iter().zip(codes) {
                z[(i, j)] = value;
            }
        }
        Ok(z)
    }
}
impl Implicit for Minimum {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let (x, lasso) = self.parts(inputs)?;
        let z = self.codes(&x, &lasso)?;
        let [primal, _, _] = lasso.gap(&x, &z)?;
        Ok(vec![z.into_data(), vec![primal]])
    }
    /// `ż_S = (ẋA_Sᵀ + rȦ_Sᵀ − z_SȦ_SA_Sᵀ − λ̇s)(A_SA_Sᵀ)⁻¹`; the value by Danskin: `⟨r, ẋ − zȦ⟩ + λ̇‖z‖₁`.
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let ((x, lasso), (dx, da)) = (self.parts(inputs)?, self.parts(directions)?);
        let z = Matrix::new(x.rows(), lasso.a.rows(), outputs[0].clone())?;
        let r = lasso.residual(&x, &z)?;
        let moved = dx.sub(&z.matmul(&da.a)?)?;
        let right = moved.matmul_t(&lasso.a)?.add(&r.matmul_t(&da.a)?)?;
        let (mut dz, mut value) = (Matrix::zeros(z.rows(), z.cols()), r.dot(&moved)?);
        for i in 0..z.rows() {
            let support = support_of(z.row(i))?;
            if support.is_empty() {
                continue;
            }
            let basis = lasso.a.select_rows(&support.iter().map(|&(j, _)| j).collect::<Vec<_>>())?;
            let column = support.iter().map(|&(j, s)| right[(i, j)] - da.lambda * S::from_f64(s)).collect();
            let on = crate::linalg::spd_solve(&basis.gram_rows(), &Matrix::new(support.len(), 1, column)?)?;
            for (&(j, s), &t) in support.iter().zip(on.data()) {
                dz[(i, j)] = t;
                value += da.lambda * z[(i, j)] * S::from_f64(s);
            }
        }
        Ok(vec![dz.into_data(), vec![value]])
    }
    /// The codes on the supports that the midpoints have, if they satisfy the optimality conditions for every input in the balls; the value between the dual and the primal value of a
    /// nearby point.
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        let (x, lasso) = self.parts(inputs)?;
        let z = self.codes(&x, &lasso)?;
        let c = lasso.residual(&x, &z)?.matmul_t(&lasso.a)?;
        let near = x.map(|x| x.value());
        let search = Search::new(lasso.a.map(|a| a.value()), lasso.lambda.value(), self.codes);
        for i in 0..z.rows() {
            let signs = search.support(near.row(i))?;
            for j in 0..z.cols() {
                let holds = match signs.iter().find(|&&(k, _)| k == j) {
                    Some(&(_, s)) => (z[(i, j)] * Ball::exact(s)).sign() == Some(Ordering::Greater),
                    None => {
                        matches!((self.codes.excess(c[(i, j)]) - lasso.lambda).sign(), Some(Ordering::Less | Ordering::Equal))
                    }
                };
                if !holds {
                    let at = format!("z[{i}, {j}]");
                    return Err(Error::undecided(at, "an atom that is surely in or out of the support", z[(i, j)].to_text()));
                }
            }
        }
        let centre: Matrix<DoubleDouble> = z.map(|z| z.mid());
        let [primal, dual, _] = lasso.gap(&x, &centre.map(|z| Ball::new(z, 0.0)))?;
        let at_z = lasso.gap(&x, &z)?[0];
        // Both [dual, primal] of the centre and the primal value over the enclosed codes hold it.
        let bracket = primal.hull(dual);
        let value = if bracket.rad() < at_z.rad() { bracket } else { at_z };
        Ok(vec![z.into_data(), vec![value]])
    }
}
