//! Closed-loop transcription: how far the features of reconstructed data are from those of the data, and the games played with that distance.

use super::membership::Membership;
use super::rate_reduction::{RateGradient, RateReduction};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The gradient of an objective of features and reconstructed features.
#[derive(Clone, Debug)]
pub struct CtrlGradient<S> {
    /// In the features Z, n × d.
    pub z: Matrix<S>,
    /// In the features Ẑ of the reconstruction, n̂ × d.
    pub z_hat: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

fn stacked<S: Scalar>(z: &Matrix<S>, z_hat: &Matrix<S>) -> Result<(Matrix<S>, Membership<S>)> {
    if z.cols() != z_hat.cols() {
        return Err(Error::shape("z_hat", format!("{} columns, as z has", z.cols()), format!("{z_hat:?}")));
    }
    let (n, m) = (z.rows(), z_hat.rows());
    if n == 0 || m == 0 {
        return Err(Error::shape("z and z_hat", "at least one row each", format!("{z:?} and {z_hat:?}")).named("EmptyInput"));
    }
    let both = Matrix::new(n + m, z.cols(), [z.data(), z_hat.data()].concat())?;
    Ok((both, Membership::labels((0..n + m).map(|i| usize::from(i >= n)).collect(), 2)?))
}

/// `Δ(Z, Ẑ) = R(Z ∪ Ẑ) − (n/(n+n̂)) R(Z) − (n̂/(n+n̂)) R(Ẑ)`: the rate reduction of two classes.
///
/// Never negative; 0 exactly when the second moments agree, which is more than equal spans. Symmetric. For n = n̂ it is the Bhattacharyya distance of `N(0, A)` and `N(0, B)`, `½[log det((A+B)/2) − ½ log det A − ½ log det B]`,
/// `A = I + (d/ε²)ZᵀZ/n`, and √Δ obeys the triangle inequality. Its gradient is that of rate reduction, `αZ(M⁻¹ − M_1⁻¹)` on Z.
///
/// Source: Dai et al., *CTRL: Closed-Loop Transcription to an LDR via Minimaxing Rate Reduction*, Entropy 2022.
pub fn ctrl_distance<S: Scalar>(z: &Matrix<S>, z_hat: &Matrix<S>, rates: &RateReduction<S>) -> Result<(S, CtrlGradient<S>)> {
    let (both, membership) = stacked(z, z_hat)?;
    let (value, RateGradient { z: gradient, eps2 }) = rates.value_and_gradient(&both, &membership)?;
    let (above, below) = gradient.data().split_at(z.data().len());
    let z_bar = Matrix::new(z.rows(), z.cols(), above.to_vec())?;
    Ok((value, CtrlGradient { z: z_bar, z_hat: Matrix::new(z_hat.rows(), z_hat.cols(), below.to_vec())?, eps2 }))
}

/// A sum of terms with their gradients, each on some rows.
struct Sum<S> {
    value: S,
    gradient: CtrlGradient<S>,
}

impl<S: Scalar> Sum<S> {
    fn new(z: &Matrix<S>, z_hat: &Matrix<S>) -> Self {
        let zeros = |m: &Matrix<S>| Matrix::zeros(m.rows(), m.cols());
        Sum { value: S::ZERO, gradient: CtrlGradient { z: zeros(z), z_hat: zeros(z_hat), eps2: S::ZERO } }
    }
    /// `c ΔR` of one of the two, `of_reconstruction` telling which.
    fn reduction(
        &mut self,
        c: S,
        x: &Matrix<S>,
        of_reconstruction: bool,
        membership: &Membership<S>,
        rates: &RateReduction<S>,
    ) -> Result<()> {
        let (value, gradient) = rates.value_and_gradient(x, membership)?;
        self.value = c.mul_add(value, self.value);
        self.gradient.eps2 = c.mul_add(gradient.eps2, self.gradient.eps2);
        let rows: Vec<usize> = (0..x.rows()).collect();
        let into = if of_reconstruction { &mut self.gradient.z_hat } else { &mut self.gradient.z };
        super::source::scatter_rows(into, &rows, &gradient.z, c);
        Ok(())
    }
    /// `c Δ(Z_rows, Ẑ_rows)`.
    fn distance(&mut self, c: S, z: &Matrix<S>, z_hat: &Matrix<S>, rows: &[usize], rates: &RateReduction<S>) -> Result<()> {
        let (value, gradient) = ctrl_distance(&z.select_rows(rows)?, &z_hat.select_rows(rows)?, rates)?;
        self.value = c.mul_add(value, self.value);
        self.gradient.eps2 = c.mul_add(gradient.eps2, self.gradient.eps2);
        super::source::scatter_rows(&mut self.gradient.z, rows, &gradient.z, c);
        super::source::scatter_rows(&mut self.gradient.z_hat, rows, &gradient.z_hat, c);
        Ok(())
    }
}

fn check_pairs<S: Scalar>(z: &Matrix<S>, z_hat: &Matrix<S>) -> Result<()> {
    if z.shape() == z_hat.shape() {
        Ok(())
    } else {
        Err(Error::shape("z_hat", format!("{z:?}, a reconstruction of each row of z"), format!("{z_hat:?}")))
    }
}

/// `c_1 ΔR(Z | Π) + c_2 ΔR(Ẑ | Π) + c_3 Σ_k Δ(Z_k, Ẑ_k)`, the utility that the encoder raises and the decoder lowers (CTRL-Multi). The last sum is not weighted by the sizes of the classes. Row i of Ẑ is the
/// reconstruction of row i of Z. Value and gradient. Source: Dai et al. 2022, equation 18.
pub fn ctrl_multi<S: Scalar>(
    z: &Matrix<S>,
    z_hat: &Matrix<S>,
    labels: &[usize],
    c: [S; 3],
    rates: &RateReduction<S>,
) -> Result<(S, CtrlGradient<S>)> {
    check_pairs(z, z_hat)?;
    let membership = Membership::from_labels(labels.to_vec())?;
    let mut sum = Sum::new(z, z_hat);
    sum.reduction(c[0], z, false, &membership, rates)?;
    sum.reduction(c[1], z_hat, true, &membership, rates)?;
    for class in membership.classes() {
        sum.distance(c[2], z, z_hat, &class.rows, rates)?;
    }
    Ok((sum.value, sum.gradient))
}

/// `ΔR(Z | Π) + ΔR(Ẑ | Π) + λ Δ(Z_new, Ẑ_new) − γ Δ(Z_old, Ẑ_old)`: the encoder's utility when classes arrive one after the other; the decoder minimises the same with `+γ`. `old[i]` tells whether sample i is remembered
/// or new. Errors: `Domain` if there is no new or no old sample. Source: Tong, Dai, Wu, Li, Yi and Ma, *Incremental Learning of Structured Memory via Closed-Loop Transcription*, ICLR 2023.
pub fn ctrl_incremental<S: Scalar>(
    z: &Matrix<S>,
    z_hat: &Matrix<S>,
    labels: &[usize],
    old: &[bool],
    lambda: S,
    gamma: S,
    rates: &RateReduction<S>,
) -> Result<(S, CtrlGradient<S>)> {
    check_pairs(z, z_hat)?;
    if old.len() != z.rows() {
        return Err(Error::shape("old", format!("{} marks, one a row", z.rows()), old.len().to_string()));
    }
    let membership = Membership::from_labels(labels.to_vec())?;
    let mut sum = Sum::new(z, z_hat);
    sum.reduction(S::ONE, z, false, &membership, rates)?;
    sum.reduction(S::ONE, z_hat, true, &membership, rates)?;
    for (which, c) in [(false, lambda), (true, -gamma)] {
        let rows: Vec<usize> = (0..z.rows()).filter(|&i| old[i] == which).collect();
        sum.distance(c, z, z_hat, &rows, rates).map_err(|e| e.within(if which { "old samples" } else { "new samples" }))?;
    }
    Ok((sum.value, sum.gradient))
}

/// The linear game of CTRL-MSP: `Z = XFᵀ`, `Ẑ = Z(FG)ᵀ`, utility `ΔR(Z | Π) + Σ_k Δ(Z_k, Ẑ_k)`.
#[derive(Clone, Debug)]
pub struct CtrlLinear<S> {
    /// The utility.
    pub value: S,
    /// Its gradient in the data X, n × D.
    pub x: Matrix<S>,
    /// In the encoder F, d × D.
    pub f: Matrix<S>,
    /// In the decoder G, D × d.
    pub g: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

/// Value and gradient of the linear game. With `A = FG` and the partial derivatives `Z̄, Ẑ̄` of the utility: `Z̄' = Z̄ + Ẑ̄A`, `Ā = Ẑ̄ᵀZ`, `F̄ = Z̄'ᵀX + ĀGᵀ`, `Ḡ = FᵀĀ`, `X̄ = Z̄'F`.
///
/// For a fixed encoder of full row rank the decoder does best with `G = F⁺`: then `Ẑ = Z` and the last sum is 0. Equilibria, with the encoder's norm bounded: orthogonal isotropic class subspaces with equal spans of `Z_k` and `Ẑ_k`.
/// Source: Pai, Psenka, Chiu, Wu, Dobriban and Ma, *Pursuit of a Discriminative Representation for Multiple Subspaces via Sequential Games*, 2022 (arXiv 2206.09120).
pub fn ctrl_linear<S: Scalar>(
    x: &Matrix<S>,
    f: &Matrix<S>,
    g: &Matrix<S>,
    labels: &[usize],
    rates: &RateReduction<S>,
) -> Result<CtrlLinear<S>> {
    if f.cols() != x.cols() || g.shape() != [f.cols(), f.rows()] {
        return Err(Error::shape("f and g", format!("d × {} and {} × d", x.cols(), x.cols()), format!("{f:?} and {g:?}")));
    }
    let z = x.matmul_t(f)?;
    let a = f.matmul(g)?;
    let z_hat = z.matmul_t(&a)?;
    let (value, bar) = ctrl_multi(&z, &z_hat, labels, [S::ONE, S::ZERO, S::ONE], rates)?;
    let z_bar = bar.z.add(&bar.z_hat.matmul(&a)?)?;
    let a_bar = bar.z_hat.t_matmul(&z)?;
    Ok(CtrlLinear { value, x: z_bar.matmul(f)?, f: z_bar.t_matmul(x)?.add(&a_bar.matmul_t(g)?)?, g: f.t_matmul(&a_bar)?, eps2: bar.eps2 })
}
