//! The worked example: what `example.txt` lists, computed by the library.

use std::collections::BTreeMap;
use white_box::Result;
use white_box::coding::{Distortion, coding_rate, coding_rate_gradient};
use white_box::learn::{Layer, LayerNorm, Linear, Parameters};
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{DoubleDouble, Scalar};
use white_box::transformer::*;

/// `section/name` → rows of decimals.
fn table() -> BTreeMap<String, Vec<Vec<&'static str>>> {
    let (mut all, mut section, mut name) = (BTreeMap::new(), String::new(), String::new());
    let row = |text: &'static str| text.trim().trim_matches(['[', ']']).split(", ").collect::<Vec<_>>();
    for line in include_str!("example.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(title) = line.strip_prefix('[') {
            section = title.trim_end_matches(']').to_string();
        } else if let Some(rest) = line.strip_prefix("  ") {
            all.entry(format!("{section}/{name}")).or_insert_with(Vec::new).push(row(rest));
        } else if let Some(title) = line.strip_suffix(" =") {
            name = title.to_string();
        } else {
            let (title, value) = line.split_once(" = ").unwrap();
            all.insert(format!("{section}/{title}"), vec![row(value)]);
        }
    }
    all
}

/// The decimal itself, as far as the type holds it.
fn decimal<S: Scalar>(text: &str) -> S {
    S::from_ball(DoubleDouble::parse(text).unwrap().to_ball())
}

fn z<S: Scalar>() -> Matrix<S> {
    Matrix::from_rows(&[[1.0, 0.5, -0.25, 0.75], [-0.5, 1.25, 0.5, -1.0], [0.25, -0.75, 1.5, 0.5]])
}
fn cotangent<S: Scalar>() -> Matrix<S> {
    Matrix::from_rows(&[[1.0, -1.0, 0.5, 0.25], [0.5, 0.25, -0.75, 1.0], [-0.5, 1.0, 0.25, -0.25]])
}
fn u<S: Scalar>() -> Vec<Matrix<S>> {
    let h = Matrix::<S>::from_rows(&[[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5], [0.5, 0.5, -0.5, -0.5], [0.5, -0.5, -0.5, 0.5]]);
    (0..2).map(|k| h.select_cols(2 * k, 2).unwrap()).collect()
}
fn dictionary<S: Scalar>() -> Matrix<S> {
    Matrix::from_rows(&[[0.5, 0.25, 0.0, -0.25], [-0.25, 0.75, 0.5, 0.0], [0.0, -0.5, 0.5, 0.25], [0.25, 0.0, -0.25, 1.0]])
}
fn vector<S: Scalar>(x: [f64; 4]) -> Vec<S> {
    x.into_iter().map(S::from_f64).collect()
}
fn layer<S: Scalar>() -> Block<S> {
    let w_qkv = Matrix::from_rows(&[[0.5, -0.25, 0.75, 0.125], [0.25, 1.0, -0.5, 0.5], [-0.75, 0.5, 0.25, 1.0], [1.0, 0.125, 0.5, -0.25]]);
    let w_out = Matrix::from_rows(&[[0.5, 0.25, -0.5, 1.0], [-0.25, 0.75, 0.5, 0.125], [1.0, -0.5, 0.25, 0.5], [0.125, 0.5, -0.75, 0.25]]);
    let norm = |gamma, beta| LayerNorm { weight: vector(gamma).into(), bias: vector(beta).into(), eps: decimal("0.00001") };
    Block {
        norm1: norm([1.0, 0.5, 1.5, 0.75], [0.0, 0.25, -0.125, 0.5]),
        attention: Attention::Mssa(MssaOfficial {
            qkv: Linear::new(w_qkv, None).unwrap(),
            out: Some(Linear::new(w_out, Some(vector([0.125, -0.25, 0.5, 0.0625]))).unwrap()),
            heads: 2,
            scale: S::ONE / S::from_f64(2.0).sqrt(),
            causal: false,
        }),
        norm2: norm([1.25, 1.0, 0.5, 0.75], [-0.25, 0.125, 0.0, 0.25]),
        feed: Feed::Ista(Ista { weight: dictionary::<S>().into(), step: decimal("0.1"), lambda: decimal("0.1") }),
    }
}

/// Computes every number of the table and asks `close(found, digits)` of each.
pub fn check<S: Scalar>(close: &dyn Fn(S, &str) -> bool) {
    let table = table();
    let mut seen = Vec::new();
    let mut is = |name: &str, found: Vec<S>| {
        let known: Vec<&str> = table.get(name).unwrap_or_else(|| panic!("no `{name}` in the table")).iter().flatten().copied().collect();
        assert_eq!(found.len(), known.len(), "{name}");
        for (k, (&x, digits)) in found.iter().zip(&known).enumerate() {
            assert!(close(x, digits), "{name}, number {k}: expected {digits}, found {}", x.to_ball().mid().to_decimal(25));
        }
        seen.push(name.to_string());
    };
    compute::<S>(&mut is).unwrap();
    let missed: Vec<&String> = table.keys().filter(|name| !seen.contains(name)).collect();
    assert!(missed.is_empty(), "not computed: {missed:?}");
}

fn norm<S: Scalar>(m: &Matrix<S>) -> S {
    m.frobenius_squared().sqrt()
}

fn compute<S: Scalar>(is: &mut dyn FnMut(&str, Vec<S>)) -> Result<()> {
    let (z, u, bar, d) = (z::<S>(), u::<S>(), cotangent::<S>(), dictionary::<S>());
    let (eps, tenth) = (Distortion::Eps(S::from_f64(2.0)), decimal::<S>("0.1"));

    let exact = rate_gradient(&z, &u, eps)?;
    let heads: Vec<Matrix<S>> = u.iter().map(|u| z.matmul(u)).collect::<Result<_>>()?;
    let l1 = sparse_rate_reduction(&z, &u, eps, tenth, Sparsity::One)?;
    is("rates/R", vec![coding_rate(&z, eps)?]);
    is("rates/R^c of each head", heads.iter().map(|a| coding_rate(a, eps)).collect::<Result<_>>()?);
    is("rates/R^c", vec![l1.subspace_rate]);
    is("rates/DeltaR", vec![l1.rate - l1.subspace_rate]);
    is("rates/l1", vec![l1.norm]);
    is("rates/J1", vec![l1.value]);
    is("rates/J0", vec![sparse_rate_reduction(&z, &u, eps, tenth, Sparsity::Zero)?.value]);
    // The greatest eigenvalue of a symmetric 2 × 2 matrix.
    let greatest = |m: &Matrix<S>| {
        let half = S::from_f64(0.5);
        let (mean, half_gap) = ((m[(0, 0)] + m[(1, 1)]) * half, (m[(0, 0)] - m[(1, 1)]) * half);
        mean + (half_gap.square() + m[(0, 1)].square()).sqrt()
    };
    let a = S::ONE / S::from_f64(6.0);
    let s: Vec<S> = heads.iter().map(|h| a * greatest(&h.gram_cols())).collect();
    is("rates/s_max", vec![s[0].max(s[1])]);
    is("rates/gradient of R", coding_rate_gradient(&z, eps)?.z.into_data());
    is("rates/gradient of R^c", exact.data().to_vec());
    for order in 0..4 {
        is(&format!("rates/error of order {order}"), vec![norm(&exact.sub(&rate_gradient_neumann(&z, &u, eps, order)?)?)]);
    }
    let bounds: Vec<S> = heads.iter().zip(&s).map(|(h, &s)| (a * s.square() / (S::ONE + s)).square() * h.frobenius_squared()).collect();
    is("rates/bound of order 1", vec![(bounds[0] + bounds[1]).sqrt()]);
    is("rates/order 1", rate_gradient_neumann(&z, &u, eps, 1)?.into_data());
    is("rates/error without self", vec![norm(&exact.sub(&rate_gradient_no_self(&z, &u, eps)?)?)]);
    let soft = rate_gradient_softmax(&z, &u, eps)?;
    is("rates/error of softmax", vec![norm(&exact.sub(&soft)?)]);
    is("rates/softmax rung", soft.into_data());

    for k in 0..2 {
        is(&format!("mssa/W {}", k + 1), ssa(&z, &u[k], S::ONE)?.attention.into_data());
    }
    let kappa = S::from_f64(3.0);
    let attended = mssa(&z, &u, S::ONE, a)?;
    let convex = convex_step(&z, &u, eps, kappa)?;
    let rate = |z: &Matrix<S>| subspace_coding_rate(z, &u, eps);
    is("mssa/R^c after a gradient step, kappa 3", vec![rate(&z.sub(&exact.scale(kappa))?)?]);
    is("mssa/R^c of Z + MSSA", vec![rate(&z.add(&attended)?)?]);
    is("mssa/R^c of the convex step", vec![rate(&convex)?]);
    is("mssa/MSSA, factor 1/6", attended.into_data());
    is("mssa/MSSA, factor 1", mssa(&z, &u, S::ONE, S::ONE)?.into_data());
    is("mssa/convex step, kappa 3", convex.into_data());
    let g = mssa_vjp(&z, &u, S::ONE, a, &bar)?;
    is("mssa/vjp Z", g.z.into_data());
    is("mssa/vjp U1", g.u[0].data().to_vec());
    is("mssa/vjp U2", g.u[1].data().to_vec());
    is("mssa/vjp c", vec![g.factor]);
    is("mssa/vjp s", vec![g.scale]);

    let ista = crate_ista(&z, &d, tenth, tenth)?;
    is("ista/pre-activation", before(&z, &d, tenth)?.into_data());
    is("ista/objective at relu(Z)", vec![ista_objective(&z.map(S::relu), &z, &d, tenth)?]);
    is("ista/objective at ISTA(Z)", vec![ista_objective(&ista, &z, &d, tenth)?]);
    is("ista/ISTA(Z|D)", ista.into_data());
    let g = crate_ista_vjp(&z, &d, tenth, tenth, &bar)?;
    is("ista/vjp Z", g.a.into_data());
    is("ista/vjp D", g.d.into_data());
    is("ista/vjp eta", vec![g.eta]);
    is("ista/vjp lambda", vec![g.lambda]);
    // ‖D‖² by power iteration, to convergence.
    let mut x = Matrix::from_rows(&[[1.0], [1.0], [1.0], [1.0]]);
    for _ in 0..400 {
        x = d.t_matmul(&d.matmul(&x)?)?;
        x = x.scale(S::ONE / norm(&x));
    }
    is("ista/L", vec![d.matmul(&x)?.frobenius_squared()]);

    let block = layer::<S>();
    let mut t = BlockTrace::default();
    let y = block.forward(&z, 3, &mut t)?.data().to_vec();
    is("layer/LN1(Z)", t.norm1.y.data().to_vec());
    is("layer/w", t.mssa.projected.data().to_vec());
    is("layer/attention of head 0", t.mssa.weights[..9].to_vec());
    is("layer/attention of head 1", t.mssa.weights[9..].to_vec());
    let Attention::Mssa(attention) = &block.attention else { unreachable!() };
    is("layer/to_out", attention.apply(&t.norm1.y, 3)?.into_data());
    is("layer/Z half", t.mssa.y.data().to_vec());
    is("layer/LN2", t.norm2.y.data().to_vec());
    is("layer/ISTA pre-activation", before(&t.norm2.y, &d, tenth)?.into_data());
    is("layer/y", y);
    let (dx, grad) = block.vjp(&z, 3, &bar)?;
    is("layer/vjp x", dx.into_data());
    let names = ["norm1.weight", "norm1.bias", "qkv.weight", "to_out.weight", "to_out.bias", "norm2.weight", "norm2.bias", "ista.weight"];
    for (name, p) in names.iter().zip(grad.parameters()) {
        is(&format!("layer/vjp {name}"), p.data().to_vec());
    }
    let causal = MssaOfficial { causal: true, ..attention.clone() };
    is("causal/y", causal.apply(&t.norm1.y, 3)?.into_data());
    Ok(())
}

/// What the relu of the ISTA block sees.
fn before<S: Scalar>(z: &Matrix<S>, d: &Matrix<S>, tenth: S) -> Result<Matrix<S>> {
    let residual = z.sub(&z.matmul_t(d)?)?;
    z.add(&residual.matmul(d)?.scale(tenth))?.zip(z, |p, _| p - tenth.square())
}

/// A layer with weights of a size that trained ones have.
pub fn random_block(d: usize, heads: usize, rng: &mut Rng) -> Result<Block<f64>> {
    let mut matrix = |rows: usize, cols: usize| gaussian_matrix(rows, cols, rng).scale(1.0 / (cols as f64).sqrt());
    Ok(Block {
        norm1: LayerNorm::identity(d, 1e-5),
        attention: Attention::Mssa(MssaOfficial {
            qkv: Linear::new(matrix(d, d), None)?,
            out: Some(Linear::new(matrix(d, d), Some(vec![0.125; d]))?),
            heads,
            scale: 1.0 / ((d / heads) as f64).sqrt(),
            causal: false,
        }),
        norm2: LayerNorm::identity(d, 1e-5),
        feed: Feed::Ista(Ista { weight: matrix(d, d).into(), step: 0.1, lambda: 0.1 }),
    })
}

/// The same layer in another number type.
pub fn cast_block<S: Scalar>(block: &Block<f64>) -> Block<S> {
    let (Attention::Mssa(a), Feed::Ista(f)) = (&block.attention, &block.feed) else { unreachable!() };
    let norm = |n: &LayerNorm<f64>| LayerNorm::identity(n.weight.rows(), S::from_f64(n.eps));
    let out = a.out.as_ref().map(|o| {
        Linear::new(o.weight.matrix().cast(), o.bias.as_ref().map(|b| b.data().iter().map(|&x| S::from_f64(x)).collect())).unwrap()
    });
    Block {
        norm1: norm(&block.norm1),
        attention: Attention::Mssa(MssaOfficial {
            qkv: Linear::new(a.qkv.weight.matrix().cast(), None).unwrap(),
            out,
            heads: a.heads,
            scale: S::from_f64(a.scale),
            causal: a.causal,
        }),
        norm2: norm(&block.norm2),
        feed: Feed::Ista(Ista { weight: f.weight.matrix().cast().into(), step: S::from_f64(f.step), lambda: S::from_f64(f.lambda) }),
    }
}
