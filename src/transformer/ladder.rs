//! From the exact gradient of the rate to attention, rung by rung. Every rung is an operator n × d → n × d that stands for `∇_Z R^c`, with its own gradient.
//!
//! Notation: `A_k = Z U_k` (n × p), `S_k = a A_k A_kᵀ`, `a = p/(nε²)`; `s` an eigenvalue of `S_k`, the square of a singular value of `√a A_k`.
//!
//! | rung | definition | what it gives away |
//! |---|---|---|
//! | [`rate_gradient`] | `a Σ_k (I + S_k)⁻¹ A_k U_kᵀ` | nothing |
//! | [`rate_gradient_neumann`] | `a Σ_k Σ_{j≤m} (−S_k)ʲ A_k U_kᵀ` | along each singular direction exactly the factor `1 − (−s)^{m+1}`: converges if and only if `s < 1`, and an odd order points the wrong way where `s > 1` |
//! | [`rate_gradient_span_closed`] | `a Z − a Σ_k S_k A_k U_kᵀ` | order 1 with `Σ_k U_k U_kᵀ = I` assumed |
//! | [`rate_gradient_no_self`] | order 1 without the diagonal of `S_k` | what a token says of itself |
//! | [`rate_gradient_softmax`] | `a Z − a² Σ_k softmax(A_k A_kᵀ) A_k U_kᵀ` | everything: a modelling decision without a small parameter |
//!
//! Powers are applied as `S X = a A (Aᵀ X)`, `O(np²)`, never formed.
//!
//! Source: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023, for the steps to the softmax.

use super::mssa::{mssa, mssa_vjp};
use super::projections;
use super::rate::{head_gradient, subspace_coding_rate_gradient};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The gradient of a rung, given the cotangent of its output.
#[derive(Clone, Debug)]
pub struct LadderGradient<S> {
    /// With respect to Z.
    pub z: Matrix<S>,
    /// With respect to the bases.
    pub u: Vec<Matrix<S>>,
    /// With respect to ε².
    pub eps2: S,
}

/// `a_k = p_k/(n ε²)`.
fn constant<S: Scalar>(z: &Matrix<S>, p: usize, distortion: Distortion<S>) -> Result<S> {
    Ok(S::from_usize(p) / (S::from_usize(z.rows()) * distortion.squared()?))
}

/// `Σ_k f(A_k, a_k) U_kᵀ`.
fn collect<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    f: impl Fn(&Matrix<S>, S) -> Result<Matrix<S>>,
) -> Result<Matrix<S>> {
    let mut y = Matrix::zeros(z.rows(), z.cols());
    for (a, u) in projections(z, u)?.iter().zip(u) {
        y.accumulate(&f(a, constant(z, u.cols(), distortion)?)?.matmul_t(u)?)?;
    }
    Ok(y)
}

/// The gradient of [`collect`] from that of `f`: `f̄ = Ȳ U_k` goes in, `(f, Ā, ā)` comes out. `Z̄ = Σ Ā U_kᵀ`, `Ū_k = Ȳᵀ f + Zᵀ Ā`, and `a` depends on ε² as `∂a/∂ε² = −a/ε²`.
fn collect_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    y_bar: &Matrix<S>,
    f: impl Fn(&Matrix<S>, S, &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>, S)>,
) -> Result<LadderGradient<S>> {
    if y_bar.shape() != z.shape() {
        return Err(Error::shape("cotangent", format!("{z:?}"), format!("{y_bar:?}")).named("ShapeMismatch"));
    }
    let mut gradient = LadderGradient { z: Matrix::zeros(z.rows(), z.cols()), u: Vec::with_capacity(u.len()), eps2: S::ZERO };
    for (a, u) in projections(z, u)?.iter().zip(u) {
        let constant = constant(z, u.cols(), distortion)?;
        let (value, a_bar, constant_bar) = f(a, constant, &y_bar.matmul(u)?)?;
        gradient.z.accumulate(&a_bar.matmul_t(u)?)?;
        let mut u_bar = y_bar.t_matmul(&value)?;
        u_bar.accumulate(&z.t_matmul(&a_bar)?)?;
        gradient.u.push(u_bar);
        gradient.eps2 += -(constant_bar * constant / distortion.squared()?);
    }
    Ok(gradient)
}

/// `∇_Z R^c(Z | U) = a Σ_k A_k (I + a A_kᵀA_k)⁻¹ U_kᵀ`, exactly. `z`: n × d, `u`: K bases d × p; result n × d. The smaller Gram matrix of each head is
/// factored. Cost `4ndKp + K(3npq + q³/3)` flops, `q = min(n, p)`. Errors: `Shape`, `Domain` for ε ≤ 0.
pub fn rate_gradient<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<Matrix<S>> {
    Ok(subspace_coding_rate_gradient(z, u, distortion)?.z)
}

/// The gradient of [`rate_gradient`], a product with second derivatives of the rate. With `f = A W`, `W = (I/a + AᵀA)⁻¹` and `N = f̄ W`:
/// `df = dA W − f (d(1/a) + dAᵀA + AᵀdA) W`, so that `Ā = N + A (M̄ + M̄ᵀ)`, `M̄ = −fᵀN`, and `a̅ = ⟨N, f⟩/a²`. For n < p the same from the other side: `f = V A`,
/// `V = (I/a + AAᵀ)⁻¹`, `N = V f̄`, `Ā = N + (K̄ + K̄ᵀ) A`, `K̄ = −N fᵀ`.
pub fn rate_gradient_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    y_bar: &Matrix<S>,
) -> Result<LadderGradient<S>> {
    collect_vjp(z, u, distortion, y_bar, |a, c, f_bar| {
        let (f, n) = (head_gradient(a, a, c)?, head_gradient(a, f_bar, c)?);
        let turned = if a.cols() <= a.rows() {
            a.matmul(&twice_symmetric(&f.t_matmul(&n)?)?)?
        } else {
            twice_symmetric(&n.matmul_t(&f)?)?.matmul(a)?
        };
        let c_bar = n.dot(&f)? / c.square();
        let a_bar = n.sub(&turned)?;
        Ok((f, a_bar, c_bar))
    })
}

/// `M + Mᵀ`.
fn twice_symmetric<S: Scalar>(m: &Matrix<S>) -> Result<Matrix<S>> {
    m.add(&m.transpose())
}

/// The first `order + 1` terms of the Neumann series of [`rate_gradient`]: `a Σ_k [Σ_{j=0}^{m} (−S_k)ʲ] A_k U_kᵀ`, by Horner's rule `X ← A − S X`.
///
/// The error is exactly `(−1)^{m+1} a Σ_k S_k^{m+1} (I + S_k)⁻¹ A_k U_kᵀ`; in Frobenius norm at most `a s^{m+1}/(1+s) ‖A_k‖ ‖U_k‖₂` a head, `s` the greatest
/// eigenvalue of `S_k`. As the order grows it vanishes if and only if every `s < 1`. Order 1 is the paper's. Cost `4ndKp + 4mKnp²` flops.
pub fn rate_gradient_neumann<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>, order: usize) -> Result<Matrix<S>> {
    collect(z, u, distortion, |a, c| Ok(horner(a, c, order)?.pop().unwrap_or_default().scale(c)))
}

/// `X_0 = A, X_{j+1} = A − c A (Aᵀ X_j)`.
fn horner<S: Scalar>(a: &Matrix<S>, c: S, order: usize) -> Result<Vec<Matrix<S>>> {
    let mut x = vec![a.clone()];
    for j in 0..order {
        let next = a.sub(&a.matmul(&a.t_matmul(&x[j])?)?.scale(c))?;
        x.push(next);
    }
    Ok(x)
}

/// The gradient of [`rate_gradient_neumann`]: Horner's rule backwards. `X_{j+1} = A − c A B_j`, `B_j = Aᵀ X_j`, so that from `X̄` of step j+1:
/// `B̄ = −c AᵀX̄`, `Ā += X̄ − c X̄ B_jᵀ + X_j B̄ᵀ`, `c̄ −= ⟨X̄, A B_j⟩`, and `A B̄` is the `X̄` of step j; the last one goes to `X_0 = A`. `f = c X_m`.
pub fn rate_gradient_neumann_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    order: usize,
    y_bar: &Matrix<S>,
) -> Result<LadderGradient<S>> {
    collect_vjp(z, u, distortion, y_bar, |a, c, f_bar| {
        let x = horner(a, c, order)?;
        let (mut x_bar, mut a_bar) = (f_bar.scale(c), Matrix::zeros(a.rows(), a.cols()));
        let mut c_bar = f_bar.dot(&x[order])?;
        for x in x[..order].iter().rev() {
            let b = a.t_matmul(x)?;
            let b_bar = a.t_matmul(&x_bar)?.scale(-c);
            a_bar.accumulate(&x_bar)?;
            a_bar.accumulate(&x_bar.matmul_t(&b)?.scale(-c))?;
            a_bar.accumulate(&x.matmul_t(&b_bar)?)?;
            c_bar -= x_bar.dot(&a.matmul(&b)?)?;
            x_bar = a.matmul(&b_bar)?;
        }
        a_bar.accumulate(&x_bar)?;
        Ok((x[order].scale(c), a_bar, c_bar))
    })
}

/// The one `a` of bases of one width.
pub(super) fn common_constant<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<S> {
    constant(z, common_width(u)?, distortion)
}
/// All bases must have as many columns, where one constant `a` multiplies the whole of Z. Errors: `Shape`.
fn common_width<S: Scalar>(u: &[Matrix<S>]) -> Result<usize> {
    match u.iter().find(|v| v.cols() != u[0].cols()) {
        None => Ok(u.first().map_or(1, |u| u.cols())),
        Some(v) => {
            Err(Error::shape("u", "bases of one width, because one constant multiplies the whole of Z", format!("{:?} and {v:?}", u[0]))
                .named("ShapeMismatch"))
        }
    }
}

/// `−c² A (AᵀA)`, the second term of order 1, as a function of a head.
fn second_term<S: Scalar>(a: &Matrix<S>, c: S) -> Result<Matrix<S>> {
    Ok(a.matmul(&a.gram_cols())?.scale(-c.square()))
}
/// Its gradient: with `P = A B`, `B = AᵀA`, `P̄ = −c² f̄`: `Ā = P̄ B + A (B̄ + B̄ᵀ)`, `B̄ = AᵀP̄`; `c̄ = −2c ⟨f̄, P⟩`.
fn second_term_vjp<S: Scalar>(a: &Matrix<S>, c: S, f_bar: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>, S)> {
    let gram = a.gram_cols();
    let p = a.matmul(&gram)?;
    let p_bar = f_bar.scale(-c.square());
    let mut a_bar = p_bar.matmul(&gram)?;
    a_bar.accumulate(&a.matmul(&twice_symmetric(&a.t_matmul(&p_bar)?)?)?)?;
    Ok((p.scale(-c.square()), a_bar, -(S::from_f64(2.0) * c * f_bar.dot(&p)?)))
}

/// `a Z − a² Σ_k A_k A_kᵀ A_k U_kᵀ`: order 1 of [`rate_gradient_neumann`] with `Σ_k U_k U_kᵀ = I` put in. The two differ by exactly
/// `a Z (Σ_k U_k U_kᵀ − I)`, which is 0 if and only if the stacked bases are a tight frame on the rows of Z; that they span the space is not enough.
pub fn rate_gradient_span_closed<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<Matrix<S>> {
    let mut y = collect(z, u, distortion, second_term)?;
    y.accumulate(&z.scale(common_constant(z, u, distortion)?))?;
    Ok(y)
}

/// The gradient of [`rate_gradient_span_closed`].
pub fn rate_gradient_span_closed_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    y_bar: &Matrix<S>,
) -> Result<LadderGradient<S>> {
    let mut gradient = collect_vjp(z, u, distortion, y_bar, second_term_vjp)?;
    let c = common_constant(z, u, distortion)?;
    gradient.z.accumulate(&y_bar.scale(c))?;
    gradient.eps2 += -(y_bar.dot(z)? * c / distortion.squared()?);
    Ok(gradient)
}

/// Order 1 of [`rate_gradient_neumann`] with the diagonal of `A_k A_kᵀ` left out, so that a token is compared with the others only. It differs from order 1 by
/// exactly `a² Σ_k diag(‖a_{k,i}‖²) A_k U_kᵀ`, `a_{k,i}` row i of `A_k`; to subtract that would cancel, so the n × n correlations are formed. Cost `4ndKp + 4Kn²p` flops.
pub fn rate_gradient_no_self<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<Matrix<S>> {
    collect(z, u, distortion, |a, c| a.scale(c).sub(&others(a.gram_rows()).matmul(a)?.scale(c.square())))
}
/// A square matrix with zeros on its diagonal.
fn others<S: Scalar>(mut g: Matrix<S>) -> Matrix<S> {
    (0..g.rows()).for_each(|i| g[(i, i)] = S::ZERO);
    g
}

/// The gradient of [`rate_gradient_no_self`]: with `P = G A`, `G = A Aᵀ` without its diagonal, `P̄ = −c² f̄`: `Ā = c f̄ + G P̄ + (Ḡ + Ḡᵀ) A`, `Ḡ = P̄ Aᵀ` without its diagonal;
/// `c̄ = ⟨f̄, A⟩ − 2c ⟨f̄, P⟩`.
pub fn rate_gradient_no_self_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    y_bar: &Matrix<S>,
) -> Result<LadderGradient<S>> {
    collect_vjp(z, u, distortion, y_bar, |a, c, f_bar| {
        let g = others(a.gram_rows());
        let (p, p_bar) = (g.matmul(a)?, f_bar.scale(-c.square()));
        let mut a_bar = f_bar.scale(c);
        a_bar.accumulate(&g.matmul(&p_bar)?)?;
        a_bar.accumulate(&twice_symmetric(&others(p_bar.matmul_t(a)?))?.matmul(a)?)?;
        let c_bar = f_bar.dot(a)? - S::from_f64(2.0) * c * f_bar.dot(&p)?;
        Ok((a.scale(c).sub(&p.scale(c.square()))?, a_bar, c_bar))
    })
}

/// `a Z − a² Σ_k softmax(A_k A_kᵀ) A_k U_kᵀ`: the raw correlations of [`rate_gradient_span_closed`] replaced by a distribution over tokens (rows of the
/// softmax are queries). This is `a Z − a · MSSA` with the paper's `MSSA`, which carries the factor a itself.
///
/// The monograph displays `a Z − a² MSSA` for the same line; that would give a³ and does not lead to its next display.
pub fn rate_gradient_softmax<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<Matrix<S>> {
    let c = common_constant(z, u, distortion)?;
    z.scale(c).sub(&mssa(z, u, S::ONE, c.square())?)
}

/// The gradient of [`rate_gradient_softmax`].
pub fn rate_gradient_softmax_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    y_bar: &Matrix<S>,
) -> Result<LadderGradient<S>> {
    let c = common_constant(z, u, distortion)?;
    let inner = mssa_vjp(z, u, S::ONE, c.square(), &y_bar.scale(-S::ONE))?;
    let c_bar = y_bar.dot(z)? + S::from_f64(2.0) * c * inner.factor;
    Ok(LadderGradient { z: y_bar.scale(c).add(&inner.z)?, u: inner.u, eps2: -(c_bar * c / distortion.squared()?) })
}

/// `Z − κ · (a Z − a MSSA(Z)) = (1 − κa) Z + κa² Σ_k softmax(A_k A_kᵀ) A_k U_kᵀ`: one gradient step on the softmax rung. A convex combination of Z and the paper's
/// MSSA if and only if `0 ≤ κa ≤ 1`; since that MSSA carries a factor a, it averages the tokens only for a ≤ 1 and stretches them above. The shrink `1 − κa` is what compresses: without it, the residual `Z + MSSA(Z)` of a tied layer *raises* `R^c`.
pub fn convex_step<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>, kappa: S) -> Result<Matrix<S>> {
    z.sub(&rate_gradient_softmax(z, u, distortion)?.scale(kappa))
}

/// The gradient of [`convex_step`], and that with respect to κ.
pub fn convex_step_vjp<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    kappa: S,
    y_bar: &Matrix<S>,
) -> Result<(LadderGradient<S>, S)> {
    let mut gradient = rate_gradient_softmax_vjp(z, u, distortion, &y_bar.scale(-kappa))?;
    gradient.z.accumulate(y_bar)?;
    let kappa_bar = -y_bar.dot(&rate_gradient_softmax(z, u, distortion)?)?;
    Ok((gradient, kappa_bar))
}
