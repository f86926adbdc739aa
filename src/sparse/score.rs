//! How much of a dictionary was found: it is determined up to the order and the signs of its atoms.

use crate::linalg::{Matrix, inverse};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `1 − ‖G‖₄⁴/d` of an orthogonal matrix such as `G = UᵀW`: 0 exactly for signed permutations, `1 − 1/d` where all `|g_ij| = 1/√d`. Smooth, and needs no assignment. Errors: `Shape` unless square.
pub fn l4_score<S: Scalar>(g: &Matrix<S>) -> Result<S> {
    let d = g.check_square("g")?;
    Ok(S::ONE - g.map(S::square).frobenius_squared() / S::from_usize(d.max(1)))
}

/// Amari's index of `G = AÂ⁻¹`, in [0, 1]: 0 exactly for a scaled permutation; for dictionaries that are not orthogonal. Errors: `Shape`; `Domain` (`SingularMatrix`); `Domain` for a single atom.
///
/// Source: Amari, Cichocki and Yang, *A New Learning Algorithm for Blind Signal Separation*, NIPS 1995; normalised to [0, 1].
pub fn amari_index<S: Scalar>(truth: &Matrix<S>, estimate: &Matrix<S>) -> Result<S> {
    let g = truth.matmul(&inverse(estimate)?)?.map(|g| g.abs());
    let d = g.check_square("truth")?;
    if d < 2 {
        return Err(Error::domain("truth", "at least two atoms", d.to_string()));
    }
    let mut total = S::ZERO;
    for i in 0..d {
        for line in [g.row(i).to_vec(), g.col(i)] {
            let largest = line.iter().fold(S::ZERO, |m, &g| m.max(g));
            total += S::sum(&line) / largest - S::ONE;
        }
    }
    Ok(total / S::from_usize(2 * d * (d - 1)))
}

/// The best pairing of two dictionaries.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// For each pair: an atom of the estimate, its atom of the truth, their cosine with its sign.
    pub pairs: Vec<(usize, usize, f64)>,
    /// The mean of |cosine|.
    pub mean: f64,
    /// The least |cosine|.
    pub least: f64,
}
impl Recovery {
    /// Every pair agrees to `|cosine| ≥ 1 − tolerance`.
    pub fn recovered(&self, tolerance: f64) -> bool {
        self.least >= 1.0 - tolerance
    }
}

/// Pairs the atoms (rows) of two dictionaries so that `Σ|cosine|` is largest, exactly, by [`assign`]; the smaller dictionary is matched whole. Errors: `Shape`, `NotFinite`; `Domain` (`ZeroAtom`).
pub fn match_atoms(estimate: &Matrix<f64>, truth: &Matrix<f64>) -> Result<Recovery> {
    if estimate.cols() != truth.cols() || estimate.rows() == 0 || truth.rows() == 0 {
        return Err(Error::shape("estimate", format!("m × {}, m at least 1", truth.cols()), format!("{estimate:?}")).named("ShapeMismatch"));
    }
    let unit = |name: &str, a: &Matrix<f64>| -> Result<Matrix<f64>> {
        a.check_finite(name)?;
        let mut a = a.clone();
        for i in 0..a.rows() {
            let norm = a.row(i).iter().map(|x| x * x).sum::<f64>().sqrt();
            if !(norm > 0.0) {
                return Err(Error::domain(format!("{name}, atom {i}"), "an atom that is not 0", "0").named("ZeroAtom"));
            }
            a.row_mut(i).iter_mut().for_each(|x| *x /= norm);
        }
        Ok(a)
    };
    let cosines = unit("estimate", estimate)?.matmul_t(&unit("truth", truth)?)?;
    let pairs: Vec<(usize, usize, f64)> = match cosines.rows() <= cosines.cols() {
        true => assign(&cosines.map(f64::abs))?.into_iter().enumerate().map(|(i, j)| (i, j, cosines[(i, j)])).collect(),
        false => assign(&cosines.transpose().map(f64::abs))?.into_iter().enumerate().map(|(j, i)| (i, j, cosines[(i, j)])).collect(),
    };
    let sizes = pairs.iter().map(|p| p.2.abs());
    Ok(Recovery { mean: sizes.clone().sum::<f64>() / pairs.len() as f64, least: sizes.fold(1.0, |m, c| if c < m { c } else { m }), pairs })
}

/// For each row a column of its own such that the sum of the chosen gains is largest (`rows ≤ cols`): the Hungarian method with potentials, `rows² · cols` steps. On ties the lowest column that
/// shortest augmenting paths reach first; the same on every platform. Errors: `Shape` if there are more rows than columns; `NotFinite`.
///
/// Source: Kuhn, Naval Res. Logist. Q. 2, 1955; Jonker and Volgenant, Computing 38, 1987.
pub fn assign(gain: &Matrix<f64>) -> Result<Vec<usize>> {
    let [n, m] = gain.shape();
    if n > m {
        return Err(Error::shape("gain", "at most as many rows as columns", format!("{gain:?}")));
    }
    gain.check_finite("gain")?;
    // Costs are negated gains; column 0 and row 0 are sentinels.
    let (mut u, mut v) = (vec![0.0; n + 1], vec![0.0; m + 1]);
    let (mut owner, mut way) = (vec![0usize; m + 1], vec![0usize; m + 1]);
    for i in 1..=n {
        owner[0] = i;
        let mut column = 0;
        let (mut slack, mut used) = (vec![f64::INFINITY; m + 1], vec![false; m + 1]);
        while owner[column] != 0 {
            used[column] = true;
            let row = owner[column];
            let (mut least, mut next) = (f64::INFINITY, 0);
            for j in (1..=m).filter(|&j| !used[j]).collect::<Vec<_>>() {
                let reduced = -gain[(row - 1, j - 1)] - u[row] - v[j];
                if reduced < slack[j] {
                    slack[j] = reduced;
                    way[j] = column;
                }
                if slack[j] < least {
                    least = slack[j];
                    next = j;
                }
            }
            for j in 0..=m {
                if used[j] {
                    u[owner[j]] += least;
                    v[j] -= least;
                } else {
                    slack[j] -= least;
                }
            }
            column = next;
        }
        while column != 0 {
            let before = way[column];
            owner[column] = owner[before];
            column = before;
        }
    }
    let mut out = vec![0; n];
    (1..=m).filter(|&j| owner[j] != 0).for_each(|j| out[owner[j] - 1] = j - 1);
    Ok(out)
}
