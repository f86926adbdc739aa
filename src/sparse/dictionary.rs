//! Dictionaries with more atoms than features, by alternating minimisation.

use super::iterate::Method;
use super::lasso::{Codes, Lasso};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// `a_j / max(1, ‖a_j‖)` for every row: the projection on atoms of length at most 1. Without that bound `(Z/c, cA)` drives the penalty to 0.
pub fn project_atoms<S: Scalar>(a: &Matrix<S>) -> Matrix<S> {
    let mut out = a.clone();
    for i in 0..a.rows() {
        let length = S::dot(a.row(i), a.row(i));
        // One comparison by value: on the sphere both branches agree.
        if length.value() > 1.0 {
            let norm = length.sqrt();
            out.row_mut(i).iter_mut().for_each(|x| *x /= norm);
        }
    }
    out
}

/// How atoms follow codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomUpdate {
    /// Atom by atom the exact minimiser: with `B = ZᵀZ`, `a_j ← Π(a_j + ((ZᵀX)_j − (BA)_j)/B_jj)` (Mairal, Bach, Ponce and Sapiro, JMLR 11, 2010, Algorithm 2).
    Block,
    /// `A ← Π(A − νZᵀ(ZA − X))`, `ν = 1/tr(ZᵀZ) ≤ 1/‖Z‖₂²`.
    Gradient,
}

/// One update of the atoms for fixed codes, lengths at most 1; it never raises `‖X − ZA‖`. Atoms that no code uses stay. `2nm(m + d) + 2m²d` flops. Errors: `Shape`, `NotFinite`.
pub fn update_atoms<S: Scalar>(update: AtomUpdate, x: &Matrix<S>, z: &Matrix<S>, a: &Matrix<S>) -> Result<Matrix<S>> {
    if z.shape() != [x.rows(), a.rows()] || a.cols() != x.cols() {
        return Err(Error::shape("z", format!("{} × {}", x.rows(), a.rows()), format!("{z:?}")).named("ShapeMismatch"));
    }
    x.check_finite("x")?;
    z.check_finite("z")?;
    let (gram, moment) = (z.gram_cols(), z.t_matmul(x)?);
    let mut a = project_atoms(a);
    match update {
        AtomUpdate::Gradient => {
            let total = gram.trace();
            if total.sign() == Some(Ordering::Equal) {
                return Ok(a);
            }
            let slope = gram.matmul(&a)?.sub(&moment)?;
            Ok(project_atoms(&a.zip(&slope, |a, g| a - g / total)?))
        }
        AtomUpdate::Block => {
            for j in 0..a.rows() {
                if gram[(j, j)].sign() == Some(Ordering::Equal) {
                    continue;
                }
                let fit = a.view();
                let mut row = vec![S::ZERO; a.cols()];
                S::product(crate::scalar::View::new(gram.row(j), 1, gram.cols()), fit, &mut row, crate::scalar::Part::Full);
                let moved = (0..a.cols()).map(|f| a[(j, f)] + (moment[(j, f)] - row[f]) / gram[(j, j)]).collect();
                let moved = project_atoms(&Matrix::new(1, a.cols(), moved)?);
                a.row_mut(j).copy_from_slice(moved.data());
            }
            Ok(a)
        }
    }
}

/// How [`learn_dictionary`] goes about it.
#[derive(Clone, Copy, Debug)]
pub struct DictionaryLearning<S> {
    /// Weight of the ℓ¹ norm.
    pub lambda: S,
    /// Which codes are allowed.
    pub codes: Codes,
    /// How atoms follow codes.
    pub update: AtomUpdate,
    /// Steps of ISTA before each update, warm-started.
    pub code_steps: usize,
    /// Rounds.
    pub rounds: usize,
    /// An atom that no code uses is replaced by the sample that is represented worst, of length 1. This keeps the objective: the atom had no part in it.
    pub revive: bool,
}

/// A learned dictionary.
#[derive(Clone, Debug)]
pub struct Dictionary<S> {
    /// `m × d`, lengths at most 1.
    pub atoms: Matrix<S>,
    /// The last codes, `n × m`.
    pub z: Matrix<S>,
    /// The objective at the start and after each round; it never rises.
    pub objective: Vec<S>,
}

/// Alternating minimisation of `½‖X − ZA‖_F² + λ‖Z‖₁` over codes and atoms with `‖a_j‖ ≤ 1`, from given atoms and zero codes: every half-step lowers it. The problem is not convex; what is found
/// depends on the start. `code_steps · 4nmd + 2nm²` flops a round. `watch` sees each round. Errors: `Shape`, `NotFinite`, `Domain`.
///
/// Source: Olshausen and Field, Nature 381, 1996; Mairal, Bach, Ponce and Sapiro, *Online Learning for Matrix Factorization and Sparse Coding*, JMLR 11, 2010; as proximal alternating
/// linearised minimisation: Bolte, Sabach and Teboulle, Math. Program. 146, 2014.
pub fn learn_dictionary<S: Scalar>(
    x: &Matrix<S>,
    start: &Matrix<S>,
    how: &DictionaryLearning<S>,
    mut watch: impl FnMut(usize, &Matrix<S>, S),
) -> Result<Dictionary<S>> {
    let mut atoms = project_atoms(start);
    let mut z = Matrix::zeros(x.rows(), atoms.rows());
    let mut objective = vec![Lasso::new(atoms.clone(), how.lambda, how.codes)?.objective(x, &z)?];
    for round in 0..how.rounds {
        let lasso = Lasso::new(atoms, how.lambda, how.codes)?;
        z = lasso.iterate(Method::Ista, x, &z, lasso.step_size()?, how.code_steps, |_, _| {})?;
        atoms = update_atoms(how.update, x, &z, lasso.atoms())?;
        if how.revive {
            revive(x, &z, &mut atoms)?;
        }
        let value = Lasso::new(atoms.clone(), how.lambda, how.codes)?.objective(x, &z)?;
        watch(round, &atoms, value);
        objective.push(value);
    }
    Ok(Dictionary { atoms, z, objective })
}

/// Gives unused atoms the directions of the samples with the largest residuals, one sample each.
fn revive<S: Scalar>(x: &Matrix<S>, z: &Matrix<S>, atoms: &mut Matrix<S>) -> Result<()> {
    let unused: Vec<usize> = (0..z.cols()).filter(|&j| (0..z.rows()).all(|i| z[(i, j)].value() == 0.0)).collect();
    if unused.is_empty() {
        return Ok(());
    }
    let r = x.sub(&z.matmul(atoms)?)?;
    let mut order: Vec<(usize, f64)> = (0..r.rows()).map(|i| (i, S::dot(r.row(i), r.row(i)).value())).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for (&j, &(i, size)) in unused.iter().zip(&order) {
        if size > 0.0 {
            let norm = S::dot(r.row(i), r.row(i)).sqrt();
            let direction: Vec<S> = r.row(i).iter().map(|&r| r / norm).collect();
            atoms.row_mut(j).copy_from_slice(&direction);
        }
    }
    Ok(())
}
