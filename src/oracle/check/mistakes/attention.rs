//! Attention with its axes, scale, mask or normalisation mistaken, for every operator that attends.

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::Values;
use crate::oracle::check::asked::Asked;
use crate::oracle::check::mistake::Mistake;
use crate::scalar::{DoubleDouble, Scalar};

type D = DoubleDouble;

/// What a head does with its logits.
#[derive(Clone, Copy)]
struct Habit {
    /// Over the queries in place of the keys.
    other_axis: bool,
    /// Nothing at all: the logits are the weights.
    linear: bool,
    /// What multiplies the right scale, from the width of a head and of the model.
    scale: fn(p: f64, d: f64) -> f64,
    /// The mask keeps the future.
    future: bool,
    /// Weights of what is masked are removed after the softmax, not before.
    late_mask: bool,
    /// The weights are applied transposed.
    transposed: bool,
    /// Exponentials without their sum.
    unnormalised: bool,
}
const RIGHT: Habit =
    Habit { other_axis: false, linear: false, scale: |_, _| 1.0, future: false, late_mask: false, transposed: false, unnormalised: false };

/// Queries, keys and values of one head; the scale that is right.
struct Head {
    query: Matrix<D>,
    key: Matrix<D>,
    value: Matrix<D>,
    scale: D,
    causal: bool,
}

impl Head {
    fn attend(&self, habit: Habit, d: f64) -> Result<Matrix<D>> {
        let scale = self.scale * D::from_f64((habit.scale)(self.query.cols() as f64, d));
        let logits = self.query.matmul_t(&self.key)?.scale(scale);
        let n = logits.rows();
        let kept = |i: usize, j: usize| !self.causal || if habit.future { j >= i } else { j <= i };
        let masked = |i: usize, j: usize| kept(i, j) || habit.late_mask;
        let weights = if habit.linear {
            Matrix::from_fn(n, n, |i, j| if kept(i, j) { logits[(i, j)] } else { D::ZERO })
        } else {
            let softened = |m: &Matrix<D>, keep: &dyn Fn(usize, usize) -> bool| {
                let greatest: Vec<D> = (0..n)
                    .map(|i| (0..n).filter(|&j| keep(i, j)).map(|j| m[(i, j)]).fold(D::from_f64(f64::MIN), |a, b| a.max(b)))
                    .collect();
                let e = Matrix::from_fn(n, n, |i, j| {
                    let shift = if habit.unnormalised { D::ZERO } else { greatest[i] };
                    if keep(i, j) { (m[(i, j)] - shift).exp() } else { D::ZERO }
                });
                let sums: Vec<D> = (0..n).map(|i| e.row(i).iter().fold(D::ZERO, |s, x| s + *x)).collect();
                Matrix::from_fn(n, n, |i, j| if habit.unnormalised { e[(i, j)] } else { e[(i, j)] / sums[i] })
            };
            let mut w =
                if habit.other_axis { softened(&logits.transpose(), &|i, j| masked(j, i)).transpose() } else { softened(&logits, &masked) };
            if habit.late_mask {
                w = Matrix::from_fn(n, n, |i, j| if kept(i, j) { w[(i, j)] } else { D::ZERO });
            }
            w
        };
        if habit.transposed { weights.t_matmul(&self.value) } else { weights.matmul(&self.value) }
    }
}

/// The columns `from .. from + p`.
fn columns(m: &Matrix<D>, from: usize, p: usize) -> Matrix<D> {
    Matrix::from_fn(m.rows(), p, |i, j| m[(i, from + j)])
}
fn beside(parts: &[Matrix<D>]) -> Matrix<D> {
    let p = parts[0].cols();
    Matrix::from_fn(parts[0].rows(), p * parts.len(), |i, j| parts[j / p][(i, j % p)])
}
fn plus_bias(mut m: Matrix<D>, bias: Option<Vec<D>>) -> Matrix<D> {
    if let Some(b) = bias {
        m = Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(i, j)] + b[j]);
    }
    m
}

/// The operators that attend, with a habit.
fn with(a: &Asked, habit: Habit) -> Option<Result<Values<D>>> {
    if !a.is_single() || !(a.is("ssa") || a.is("mssa") || a.is("mssa_official") || a.is("mhsa")) {
        return None;
    }
    let d = a.size("d")?;
    let causal = a.param("causal") == Some(1.0);
    if (habit.future || habit.late_mask) && !causal {
        return None;
    }
    let run = || -> Result<Values<D>> {
        let tied = |w: Matrix<D>, scale: D| Head { query: w.clone(), key: w.clone(), value: w, scale, causal };
        let y = match a.spec().name {
            "ssa" => tied(a.matrix("z")?.matmul(&a.matrix("u")?)?, a.number("scale")?).attend(habit, d)?,
            "mssa" => {
                let z = a.matrix("z")?;
                let mut y = Matrix::zeros(z.rows(), z.cols());
                for u in a.matrices("u")? {
                    y.accumulate(&tied(z.matmul(&u)?, a.number("scale")?).attend(habit, d)?.matmul_t(&u)?)?;
                }
                y.scale(a.number("factor")?)
            }
            name => {
                let three = name == "mhsa";
                let w = plus_bias(a.matrix("x")?.matmul_t(&a.matrix("w_qkv")?)?, a.vector("b_qkv"));
                let heads = a.param("h").unwrap_or(1.0) as usize;
                let width = w.cols() / if three { 3 } else { 1 };
                let p = width / heads.max(1);
                let scale = D::ONE / D::from_usize(p).sqrt();
                let parts = (0..heads)
                    .map(|k| {
                        let part = |i: usize| columns(&w, if three { i * width } else { 0 } + k * p, p);
                        Head { query: part(0), key: part(1), value: part(2), scale, causal }.attend(habit, d)
                    })
                    .collect::<Result<Vec<_>>>()?;
                let joined = beside(&parts);
                let (map, bias) = if three { ("w_proj", "b_proj") } else { ("w_out", "b_out") };
                match a.matrix(map) {
                    Ok(out) => plus_bias(joined.matmul_t(&out)?, a.vector(bias)),
                    Err(_) => joined,
                }
            }
        };
        Ok(Values::new().with("y", y))
    };
    Some(run())
}

pub(super) const ATTENTION: &[Mistake] = &[
    Mistake::formula("softmax-over-queries", "the softmax runs over the other axis: over the queries where the keys belong", |a| {
        with(a, Habit { other_axis: true, ..RIGHT })
    }),
    Mistake::formula("weights-transposed", "the attention weights are applied transposed", |a| {
        with(a, Habit { transposed: true, ..RIGHT })
    }),
    Mistake::formula("no-softmax", "no softmax: the logits themselves are the weights", |a| with(a, Habit { linear: true, ..RIGHT })),
    Mistake::formula("softmax-not-normalised", "exponentials without division by their sum", |a| {
        with(a, Habit { unnormalised: true, ..RIGHT })
    }),
    Mistake::formula("scale-missing", "the factor p^{-½} of the logits is missing", |a| {
        if a.is("mssa_official") || a.is("mhsa") { with(a, Habit { scale: |p, _| p.sqrt(), ..RIGHT }) } else { None }
    }),
    Mistake::formula("scale-added", "the logits are divided by √p, as in the official code; the paper does not", |a| {
        if a.is("ssa") || a.is("mssa") { with(a, Habit { scale: |p, _| 1.0 / p.sqrt(), ..RIGHT }) } else { None }
    }),
    Mistake::formula("scale-of-model", "the logits are divided by √d, d the width of the model, where √p of a head belongs", |a| {
        if a.is("mssa_official") || a.is("mhsa") { with(a, Habit { scale: |p, d| (p / d).sqrt(), ..RIGHT }) } else { None }
    }),
    Mistake::formula("scale-twice", "the logits are divided by p: the scale twice", |a| {
        if a.is("mssa_official") || a.is("mhsa") { with(a, Habit { scale: |p, _| 1.0 / p.sqrt(), ..RIGHT }) } else { None }
    }),
    Mistake::formula("mask-keeps-the-future", "the causal mask is upside down: a token attends to itself and to those behind it", |a| {
        with(a, Habit { future: true, ..RIGHT })
    }),
    Mistake::formula("mask-after-softmax", "the mask is applied after the softmax: rows no longer sum to 1", |a| {
        with(a, Habit { late_mask: true, ..RIGHT })
    }),
];
