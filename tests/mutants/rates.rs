//! Wrong rates: of a set, of classes, of subspaces, of views.

use super::given::*;
use super::{Mutant, gradient, value_of};
use white_box::linalg::{Matrix, log_det};
use white_box::oracle::Values;
use white_box::scalar::Ball;

fn nd(g: &Given) -> (f64, f64) {
    (g.m("z").rows() as f64, g.m("z").cols() as f64)
}
/// R with α through a function of `(n, d, ε²)`.
fn with_alpha(g: &Given, f: fn(f64, f64, f64) -> f64) -> Option<Values<Ball>> {
    let (n, d) = nd(g);
    value(rate(&g.m("z"), f(n, d, g.eps2())))
}
fn alpha(g: &Given) -> f64 {
    nd(g).1 / (nd(g).0 * g.eps2())
}
fn right(g: &Given) -> f64 {
    rate(&g.m("z"), alpha(g))
}
fn half_precision(g: &Given) -> Option<Values<Ball>> {
    let bf16 = |x: f64| white_box::data::half::bf16_to_f64(white_box::data::half::bf16_from_f64(x));
    value(0.5 * white_box::linalg::log_det_i_plus(&g.m("z").gram_cols().map(bf16).scale(alpha(g))).ok()?)
}

/// `(n_k, rows of the class, each times the root of its weight)`.
fn classes(g: &Given) -> Vec<(f64, M)> {
    let z = g.m("z");
    let weights: Vec<Vec<f64>> = match g.labels("labels") {
        Some(l) => {
            let k = l.iter().max().unwrap() + 1;
            (0..k).map(|k| l.iter().map(|&l| f64::from(u8::from(l == k))).collect()).collect()
        }
        None => (0..g.m("pi").cols()).map(|k| g.m("pi").col(k)).collect(),
    };
    let rows = |w: &Vec<f64>| Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] * w[i].sqrt());
    weights.iter().map(|w| (w.iter().sum::<f64>(), rows(w))).filter(|(n, _)| *n > 0.0).collect()
}
/// R^c with the weight of a class and what stands for n_k in α_k, of `(n_k, n, K)` and `(n_k, n, d)`.
fn conditional(g: &Given, weight: fn(f64, f64, f64) -> f64, count: fn(f64, f64, f64) -> f64) -> f64 {
    let ((n, d), all) = (nd(g), classes(g));
    all.iter().map(|(k, rows)| weight(*k, n, all.len() as f64) * rate(rows, d / (count(*k, n, d) * g.eps2()))).sum()
}
fn share(k: f64, n: f64, _: f64) -> f64 {
    k / n
}
fn own(k: f64, _: f64, _: f64) -> f64 {
    k
}
fn mcr2(g: &Given, whole: f64, scale: f64) -> Option<Values<Ball>> {
    let apart = conditional(g, share, own);
    Some(
        scalar("loss", scale * apart - g.p("gam2") * whole)
            .with("discriminative", Ball::exact(whole))
            .with("compressive", Ball::exact(apart)),
    )
}
fn narrow(g: &Given) -> f64 {
    rate(&g.m("z"), alpha(g) * g.p("gam1"))
}

/// `½ Σ_k log det(I + a A_kᵀA_k)` with a through `(n, d, p, ε²)`.
fn subspaces(g: &Given, f: fn(f64, f64, f64, f64) -> f64) -> f64 {
    let (z, u) = (g.m("z"), g.ms("u"));
    let a = f(z.rows() as f64, z.cols() as f64, u[0].cols() as f64, g.eps2());
    u.iter().map(|u| rate(&z.matmul(u).unwrap(), a)).sum()
}

/// SimDINO of one process: `(pairs of views, rates of global views)` combined by `f` into comp and expa.
fn simdino(
    g: &Given,
    normalised: bool,
    eps: fn(f64, f64) -> f64,
    f: fn(&[f64], &[f64], views: f64, p: f64, m: f64, n: f64, eps2: f64) -> (f64, f64),
) -> Option<Values<Ball>> {
    let (s, q) = (g.case.inputs.real("student").ok()?, g.case.inputs.real("teacher").ok()?);
    let ([v, m, p], [t, ..]) = (s.shape.as_slice(), q.shape.as_slice()) else { return None };
    let (v, m, p, t) = (*v, *m, *p, *t);
    if g.p("gamma") != 0.0 || g.p("reduce_cov") != 0.0 || v * t < 3 || t < 2 {
        return None;
    }
    let views = |t: &white_box::oracle::Tensor<Ball>| -> Vec<M> {
        t.data.chunks(m * p).map(|b| Matrix::new(m, p, b.to_vec()).unwrap().cast()).collect()
    };
    let (s, q) = (views(s), views(q));
    let mut pairs = Vec::new();
    for i in 0..t {
        for j in (0..v).filter(|j| *j != i) {
            let cosine = |b: usize| {
                let inner = dot(q[i].row(b), s[j].row(b));
                if normalised { inner / (dot(q[i].row(b), q[i].row(b)) * dot(s[j].row(b), s[j].row(b))).sqrt() } else { inner }
            };
            pairs.push((0..m).map(cosine).sum::<f64>() / m as f64);
        }
    }
    let n = g.p("processes");
    let expanded = |i: usize| if g.p("expa_type") == 1.0 { s[i].add(&q[i]).unwrap().scale(0.5) } else { s[i].clone() };
    let rates: Vec<f64> = (0..t).map(|i| rate(&expanded(i), p as f64 / (m as f64 * eps(g.eps2(), n)))).collect();
    let (comp, expa) = f(&pairs, &rates, v as f64, p as f64, m as f64, n, g.eps2());
    Some(scalar("loss", -g.p("coeff") * comp - expa).with("comp", Ball::exact(comp)).with("expa", Ball::exact(expa)))
}
fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}
fn gamma(p: f64, m: f64, n: f64) -> f64 {
    1.0 / p + 1.0 / (n * m)
}
fn times(e: f64, n: f64) -> f64 {
    e * n
}

pub const MUTANTS: &[Mutant] = &[
    value_of("coding_rate", "", "right", |g| value(right(g))),
    value_of("coding_rate", "half-missing", "log det without ½", |g| value(2.0 * right(g))),
    value_of("coding_rate", "half-too-many", "the logs of the Cholesky diagonal not doubled", |g| value(0.5 * right(g))),
    value_of("coding_rate", "sign", "the loss for the rate", |g| value(-right(g))),
    value_of("coding_rate", "bits", "log₂", |g| value(right(g) / ln(2.0))),
    value_of("coding_rate", "eps-for-eps2", "the official eps taken for ε", |g| with_alpha(g, |n, d, e| d / (n * e.sqrt()))),
    value_of("coding_rate", "eps2-squared", "eps² squared again", |g| with_alpha(g, |n, d, e| d / (n * e * e))),
    value_of("coding_rate", "eps-is-one", "no distortion", |g| with_alpha(g, |n, d, _| d / n)),
    value_of("coding_rate", "eps2-inverse", "ε² in the numerator", |g| with_alpha(g, |n, d, e| d * e / n)),
    value_of("coding_rate", "n-for-d", "n and d exchanged", |g| with_alpha(g, |n, d, e| n / (d * e))),
    value_of("coding_rate", "alpha-without-d", "1/(nε²)", |g| with_alpha(g, |n, _, e| 1.0 / (n * e))),
    value_of("coding_rate", "alpha-without-n", "d/ε²", |g| with_alpha(g, |_, d, e| d / e)),
    value_of("coding_rate", "alpha-is-one-over-eps2", "1/ε²", |g| with_alpha(g, |_, _, e| 1.0 / e)),
    value_of("coding_rate", "alpha-is-one", "no α", |g| with_alpha(g, |_, _, _| 1.0)),
    value_of("coding_rate", "alpha-of-sample-covariance", "n − 1 for n", |g| {
        if nd(g).0 > 1.0 { with_alpha(g, |n, d, e| d / ((n - 1.0) * e)) } else { None }
    }),
    value_of("coding_rate", "centred z", "a covariance for the second moment", |g| value(rate(&centred(&g.m("z")), alpha(g)))),
    value_of("coding_rate", "unit-rows z", "normalised rows", |g| value(rate(&unit_rows(&g.m("z")), alpha(g)))),
    value_of("coding_rate", "identity-missing", "log det of the scatter", |g| {
        let z = g.m("z").scale(1.0);
        let gram = if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() };
        value(0.5 * log_det(&gram.scale(alpha(g))).ok()?)
    }),
    value_of("coding_rate", "without-last-row", "the last batch row dropped", |g| {
        let z = g.m("z");
        let fewer = z.select_rows(&(0..z.rows() - 1).collect::<Vec<_>>()).ok().filter(|z| z.rows() > 0)?;
        let (n, d) = (fewer.rows() as f64, fewer.cols() as f64);
        value(rate(&fewer, d / (n * g.eps2())))
    }),
    value_of("coding_rate", "gram-in-bf16", "ZᵀZ under autocast", half_precision),
    value_of("coding_rate", "half-missing + eps-for-eps2", "two mistakes at once", |g| {
        let (n, d) = nd(g);
        value(2.0 * rate(&g.m("z"), d / (n * g.eps())))
    }),
    value_of("coding_rate", "bits + centred z", "two mistakes at once", |g| value(rate(&centred(&g.m("z")), alpha(g)) / ln(2.0))),
    value_of("coding_rate", "centred z + alpha-of-sample-covariance", "np.cov", |g| {
        let (n, d) = nd(g);
        if n > 1.0 { value(rate(&centred(&g.m("z")), d / ((n - 1.0) * g.eps2()))) } else { None }
    }),
    gradient("coding_rate", "sum-for-mean n", "a plain all_reduce: gradient × n", |g, right| each(right, |x| x * nd(g).0)),
    gradient("coding_rate", "mean-for-sum n", "gradient / n", |g, right| each(right, |x| x / nd(g).0)),
    gradient("coding_rate", "half-missing", "the gradient of log det", |_, right| each(right, |x| 2.0 * x)),
    gradient("coding_rate", "sign", "the gradient of the loss", |_, right| each(right, |x| -x)),
    gradient("coding_rate", "detached", "z.detach()", |_, right| each(right, |_| 0.0)),
    gradient("coding_rate", "alpha-factor-missing", "Z (I + αZᵀZ)⁻¹", |g, right| each(right, |x| x / alpha(g))),
    gradient("coding_rate", "gradient-at-unit-length", "clipped to length 1", |_, right| {
        let length = right.reals().flat_map(|(_, t)| t.data.iter()).map(|x| x.mid().hi().powi(2)).sum::<f64>().sqrt();
        each(right, |x| if length > 0.0 { x / length } else { x })
    }),
    value_of("rate_reduction", "", "right", |g| value(right(g) - conditional(g, share, own))),
    value_of("rate_reduction", "sign", "the loss R^c − R", |g| value(conditional(g, share, own) - right(g))),
    value_of("rate_reduction", "first-term-only", "R alone", |g| value(right(g))),
    value_of("rate_reduction", "second-term-only", "−R^c alone", |g| value(-conditional(g, share, own))),
    value_of("rate_reduction", "class-weights-missing", "Σ R(Z_k)", |g| value(right(g) - conditional(g, |_, _, _| 1.0, own))),
    value_of("rate_reduction", "preset mcr2-repo", "the guard 1e-8 of loss.py", |g| {
        let (n, d) = nd(g);
        let apart = classes(g).iter().map(|(k, rows)| (k + 1e-8) / n * rate(rows, d / ((k + 1e-8) * g.eps2()))).sum::<f64>();
        value(right(g) - apart)
    }),
    value_of("conditional_rate", "", "right", |g| value(conditional(g, share, own))),
    value_of("conditional_rate", "class-mean", "the mean over classes", |g| value(conditional(g, |_, _, k| 1.0 / k, own))),
    value_of("conditional_rate", "n-for-class-size", "α for α_k", |g| value(conditional(g, share, |_, n, _| n))),
    value_of("conditional_rate", "d-for-class-size", "ReduNet in NumPy: α_k = 1/ε²", |g| value(conditional(g, share, |_, _, d| d))),
    value_of("conditional_rate", "eps-for-eps2", "the official eps taken for ε", |g| {
        let (n, d) = nd(g);
        value(classes(g).iter().map(|(k, rows)| k / n * rate(rows, d / (k * g.eps()))).sum())
    }),
    value_of("mcr2_loss", "", "right", |g| mcr2(g, narrow(g), 1.0)),
    value_of("mcr2_loss", "gam1-outside", "gam1 R(ε)", |g| mcr2(g, g.p("gam1") * right(g), 1.0)),
    value_of("mcr2_loss", "gam2-on-both", "gam2 (R^c − R)", |g| mcr2(g, narrow(g), g.p("gam2"))),
    value_of("mcr2_loss", "ignored-parameter gam1", "gam1 never used", |g| mcr2(g, right(g), 1.0)),
    value_of("mcr2_loss", "sign", "the gain for the loss", |g| Some(scalar("loss", g.p("gam2") * narrow(g) - conditional(g, share, own)))),
    value_of("subspace_coding_rate", "", "right", |g| value(subspaces(g, |n, _, p, e| p / (n * e)))),
    value_of("subspace_coding_rate", "d-for-p", "the width of the model in a", |g| value(subspaces(g, |n, d, _, e| d / (n * e)))),
    value_of("subspace_coding_rate", "alpha-without-n", "p/ε²", |g| value(subspaces(g, |_, _, p, e| p / e))),
    value_of("subspace_coding_rate", "mean-for-sum h", "heads averaged", |g| {
        value(subspaces(g, |n, _, p, e| p / (n * e)) / g.ms("u").len() as f64)
    }),
    value_of("subspace_coding_rate", "bases-joined", "one rate of all heads", |g| {
        let (z, u) = (g.m("z"), g.ms("u"));
        let p = u[0].cols();
        let all = Matrix::from_fn(z.cols(), p * u.len(), |i, j| u[j / p][(i, j % p)]);
        value(rate(&z.matmul(&all).unwrap(), p as f64 / (z.rows() as f64 * g.eps2())))
    }),
    value_of("simdino_loss", "", "right", |g| simdino(g, true, times, |c, r, _, p, m, n, _| (mean(c), gamma(p, m, n) * mean(r)))),
    value_of("simdino_loss", "views-not-accumulated", "upstream, for one day: assigned, not accumulated", |g| {
        simdino(g, true, times, |c, r, _, p, m, n, _| (c[c.len() - 1] / c.len() as f64, gamma(p, m, n) * r[r.len() - 1] / r.len() as f64))
    }),
    value_of("simdino_loss", "last-view-only", "the last view, undivided", |g| {
        simdino(g, true, times, |c, r, _, p, m, n, _| (c[c.len() - 1], gamma(p, m, n) * r[r.len() - 1]))
    }),
    value_of("simdino_loss", "gamma-without-processes", "γ without N", |g| {
        simdino(g, true, times, |c, r, _, p, m, _, _| (mean(c), gamma(p, m, 1.0) * mean(r)))
    }),
    value_of("simdino_loss", "gamma-inverse", "the γ that is commented out", |g| {
        simdino(g, true, times, |c, r, _, p, m, n, e| (mean(c), (e * n * m).sqrt() / p * mean(r)))
    }),
    value_of("simdino_loss", "gamma-missing", "no γ", |g| simdino(g, true, times, |c, r, _, _, _, _, _| (mean(c), mean(r)))),
    value_of("simdino_loss", "alpha-without-processes", "ε² for Nε²", |g| {
        simdino(g, true, |e, _| e, |c, r, _, p, m, n, _| (mean(c), gamma(p, m, n) * mean(r)))
    }),
    value_of("simdino_loss", "rows-not-normalised", "inner products for cosines", |g| {
        simdino(g, false, times, |c, r, _, p, m, n, _| (mean(c), gamma(p, m, n) * mean(r)))
    }),
    value_of("simdino_loss", "eps-for-eps2", "√ε² in the loss", |g| {
        simdino(g, true, |e, n| e.sqrt() * n, |c, r, _, p, m, n, _| (mean(c), gamma(p, m, n) * mean(r)))
    }),
];
