//! Layer normalisation.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The gradients of [`layer_norm`].
#[derive(Clone, Debug)]
pub struct LayerNormGradient<S> {
    /// With respect to the rows.
    pub x: Matrix<S>,
    /// With respect to the gain γ.
    pub gamma: Vec<S>,
    /// With respect to the shift β.
    pub beta: Vec<S>,
}

/// `x̂ = (x − μ)/√(v + ε)` and `r = 1/√(v + ε)` of a row: μ its mean, v its biased variance, both over 16 lanes.
fn standardise<S: Scalar>(x: &[S], eps: S) -> (Vec<S>, S) {
    let d = S::from_usize(x.len());
    let mean = S::sum(x) / d;
    let mut centred: Vec<S> = x.iter().map(|&x| x - mean).collect();
    let r = S::ONE / (S::dot(&centred, &centred) / d + eps).sqrt();
    centred.iter_mut().for_each(|x| *x *= r);
    (centred, r)
}

fn check<S: Scalar>(x: &Matrix<S>, gamma: &[S], eps: S) -> Result<()> {
    if x.cols() == 0 {
        return Err(Error::shape("x", "at least one column", format!("{x:?}")).named("EmptyInput"));
    }
    if gamma.len() != x.cols() {
        return Err(Error::shape("gamma", format!("{} numbers", x.cols()), format!("{}", gamma.len())));
    }
    if !(eps.value() >= 0.0) {
        return Err(Error::domain("eps", "a number from 0 on", eps.value().to_string()));
    }
    Ok(())
}

/// `y = γ ∘ (x − μ)/√(v + ε) + β` row by row, v the biased variance (Ba, Kiros and Hinton, *Layer Normalization*, 2016, equation 4). `x`: n × d, d ≥ 1;
/// `γ`, `β`: d; ε ≥ 0, added to the variance. Errors: `Shape`; `Domain` for ε < 0 and for ε = 0 on a constant row. About 8 n d flops.
pub fn layer_norm<S: Scalar>(x: &Matrix<S>, gamma: &[S], beta: &[S], eps: S) -> Result<Matrix<S>> {
    check(x, gamma, eps)?;
    check(x, beta, eps).map_err(|e| e.within("beta"))?;
    let mut y = Matrix::zeros(x.rows(), x.cols());
    for i in 0..x.rows() {
        let (hat, r) = standardise(x.row(i), eps);
        finite(r, i)?;
        for (j, y) in y.row_mut(i).iter_mut().enumerate() {
            *y = gamma[j].mul_add(hat[j], beta[j]);
        }
    }
    Ok(y)
}

fn finite<S: Scalar>(r: S, i: usize) -> Result<()> {
    match r.is_finite() {
        true => Ok(()),
        false if S::NAME == "ball" => Err(Error::undecided(format!("row {i}"), "a variance surely above 0", "an enclosure around 0")),
        false => Err(Error::domain(format!("row {i}"), "ε > 0 for a row of equal numbers", "variance + ε = 0")),
    }
}

/// Gradient of [`layer_norm`]: with `h = ȳ ∘ γ`, `x̄ = r (h − mean(h) − x̂ mean(h ∘ x̂))`, `γ̄ = Σ ȳ ∘ x̂`, `β̄ = Σ ȳ` over the rows in order.
pub fn layer_norm_vjp<S: Scalar>(x: &Matrix<S>, gamma: &[S], eps: S, y_bar: &Matrix<S>) -> Result<LayerNormGradient<S>> {
    check(x, gamma, eps)?;
    if y_bar.shape() != x.shape() {
        return Err(Error::shape("cotangent", format!("{x:?}"), format!("{y_bar:?}")));
    }
    let d = S::from_usize(x.cols());
    let mut out = LayerNormGradient { x: Matrix::zeros(x.rows(), x.cols()), gamma: vec![S::ZERO; x.cols()], beta: vec![S::ZERO; x.cols()] };
    for i in 0..x.rows() {
        let (hat, r) = standardise(x.row(i), eps);
        finite(r, i)?;
        let h: Vec<S> = y_bar.row(i).iter().zip(gamma).map(|(&y, &g)| y * g).collect();
        let (mean, along) = (S::sum(&h) / d, S::dot(&h, &hat) / d);
        for (j, x_bar) in out.x.row_mut(i).iter_mut().enumerate() {
            *x_bar = r * (h[j] - mean - hat[j] * along);
            out.gamma[j] = y_bar[(i, j)].mul_add(hat[j], out.gamma[j]);
            out.beta[j] += y_bar[(i, j)];
        }
    }
    Ok(out)
}
