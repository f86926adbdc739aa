//! Wrong attention, norms, thresholds, layers.

use super::given::*;
use super::{Mutant, gradient, value_of};
use white_box::learn;
use white_box::linalg::Matrix;
use white_box::oracle::Values;
use white_box::scalar::{Ball, Scalar};
use white_box::transformer;

fn map(m: &M, f: impl Fn(usize, usize, f64) -> f64) -> M {
    Matrix::from_fn(m.rows(), m.cols(), |i, j| f(i, j, m[(i, j)]))
}
fn softmax(m: &M) -> M {
    learn::softmax(m).unwrap()
}
fn down(m: &M) -> M {
    softmax(&m.transpose()).transpose()
}

/// Heads of `(queries, keys, values)`, logits times a scale, weights by a function of the logits.
fn heads(parts: &[[M; 3]], scale: f64, weights: fn(&M) -> M) -> Vec<M> {
    parts.iter().map(|[q, k, v]| weights(&q.matmul_t(k).unwrap().scale(scale)).matmul(v).unwrap()).collect()
}
fn tied(g: &Given) -> Vec<[M; 3]> {
    let u = if g.case.inputs.real("u").unwrap().shape.len() == 3 { g.ms("u") } else { vec![g.m("u")] };
    u.iter().map(|u| g.m("z").matmul(u).unwrap()).map(|a| [a.clone(), a.clone(), a]).collect()
}
fn put_back(heads: &[M], u: &[M], factor: f64) -> Option<Values<Ball>> {
    let mut sum = heads[0].matmul_t(&u[0]).ok()?;
    for (h, u) in heads[1..].iter().zip(&u[1..]) {
        sum.accumulate(&h.matmul_t(u).ok()?).ok()?;
    }
    y(sum.scale(factor))
}
fn mssa(g: &Given, scale: f64, weights: fn(&M) -> M) -> Option<Values<Ball>> {
    put_back(&heads(&tied(g), scale, weights), &g.ms("u"), g.p("factor"))
}
fn joined(heads: &[M]) -> M {
    let p = heads[0].cols();
    Matrix::from_fn(heads[0].rows(), p * heads.len(), |i, j| heads[j / p][(i, j % p)])
}
fn linear(x: &M, w: &M, b: Option<&[f64]>) -> M {
    learn::linear(x, w, b).unwrap()
}
/// The official attention: columns of one projection, a scale of the right one's multiple, weights.
fn official(g: &Given, times: fn(p: f64, d: f64) -> f64, weights: fn(&M, bool) -> M, w_out: Option<M>, bias: bool) -> Option<Values<Ball>> {
    let w = linear(&g.m("x"), &g.m("w_qkv"), None);
    let h = g.p("h") as usize;
    let p = w.cols() / h;
    let causal = g.p("causal") == 1.0;
    let scale = times(p as f64, g.m("x").cols() as f64) / (p as f64).sqrt();
    let all: Vec<M> = (0..h)
        .map(|k| {
            let a = w.select_cols(k * p, p).unwrap();
            weights(&a.gram_rows().scale(scale), causal).matmul(&a).unwrap()
        })
        .collect();
    let out = w_out.or_else(|| g.has("w_out").then(|| g.m("w_out")));
    let b = g.bias("b_out").filter(|_| bias);
    y(match out {
        Some(o) => linear(&joined(&all), &o, b.as_deref()),
        None => joined(&all),
    })
}
/// Rows softmaxed over the keys that are kept.
fn kept(logits: &M, keep: impl Fn(usize, usize) -> bool) -> M {
    softmax(&map(logits, |i, j, x| if keep(i, j) { x } else { -1e300 }))
}
fn right_weights(m: &M, causal: bool) -> M {
    if causal { kept(m, |i, j| j <= i) } else { softmax(m) }
}
/// Three projections, rows of `w_qkv` from `row(part, head, i, h, p)`.
fn three(g: &Given, times: fn(p: f64, d: f64) -> f64, row: fn(usize, usize, usize, usize, usize) -> usize) -> Option<Values<Ball>> {
    let w = linear(&g.m("x"), &g.m("w_qkv"), g.bias("b_qkv").as_deref());
    let h = g.p("h") as usize;
    let p = w.cols() / 3 / h;
    let scale = times(p as f64, g.m("x").cols() as f64) / (p as f64).sqrt();
    let causal = g.p("causal") == 1.0;
    let part = |i: usize, k: usize| Matrix::from_fn(w.rows(), p, |r, j| w[(r, row(i, k, j, h, p))]);
    let all: Vec<M> = (0..h)
        .map(|k| right_weights(&part(0, k).matmul_t(&part(1, k)).unwrap().scale(scale), causal).matmul(&part(2, k)).unwrap())
        .collect();
    y(linear(&joined(&all), &g.m("w_proj"), g.bias("b_proj").as_deref()))
}
fn one(_: f64, _: f64) -> f64 {
    1.0
}
fn timm(part: usize, head: usize, i: usize, h: usize, p: usize) -> usize {
    part * h * p + head * p + i
}

/// Rows less `centre` of their mean, over `divisor(Σ squares, ε, d)`.
fn norm(g: &Given, centre: f64, divisor: fn(f64, f64, f64) -> f64) -> Option<Values<Ball>> {
    let (x, gamma, beta, eps) = (g.m("x"), g.v("gamma"), g.v("beta"), g.p("eps"));
    let d = x.cols() as f64;
    let row = |i: usize| {
        let mean = centre * x.row(i).iter().sum::<f64>() / d;
        let c: Vec<f64> = x.row(i).iter().map(|x| x - mean).collect();
        let by = divisor(dot(&c, &c), eps, d);
        c.into_iter().map(|x| x / by).collect::<Vec<_>>()
    };
    let out: Vec<Vec<f64>> = (0..x.rows()).map(row).collect();
    y(Matrix::from_fn(x.rows(), x.cols(), |i, j| out[i][j] * gamma[j] + beta[j]))
}
fn entropy(g: &Given, right: fn(f64, f64) -> f64, wrong: fn(f64, f64) -> f64, divisor: fn(f64) -> f64) -> Option<Values<Ball>> {
    let (x, labels, s) = (g.m("logits"), g.labels("labels")?, g.p("smoothing"));
    let (b, c) = (x.rows() as f64, x.cols() as f64);
    let lse = learn::log_sum_exp(&x).ok()?;
    let loss = |i: usize| (0..x.cols()).map(|j| (lse[i] - x[(i, j)]) * if j == labels[i] { right(s, c) } else { wrong(s, c) }).sum::<f64>();
    value((0..x.rows()).map(loss).sum::<f64>() / divisor(b))
}
/// `prox(A + step (Y − A Dᵀ) D, t)`.
fn ista(a: &M, data: &M, d: &M, step: f64, prox: impl Fn(f64) -> f64) -> M {
    a.add(&data.sub(&a.matmul_t(d).unwrap()).unwrap().matmul(d).unwrap().scale(step)).unwrap().map(prox)
}
fn soft(x: f64, t: f64) -> f64 {
    Scalar::soft_threshold(x, t)
}
fn block(g: &Given, step: f64, prox: impl Fn(f64) -> f64) -> Option<Values<Ball>> {
    y(ista(&g.m("z"), &g.m("z"), &g.m("dictionary"), step, prox))
}
fn step(g: &Given, eta: f64, prox: impl Fn(f64) -> f64) -> Option<Values<Ball>> {
    matrix("next", &ista(&g.m("a"), &g.m("y"), &g.m("d"), eta, prox))
}
fn right_prox(g: &Given, x: f64, t: f64) -> f64 {
    if g.p("shrink") == 1.0 { soft(x, t) } else { (x - t).max(0.0) }
}

/// The official layer from its parts: which norms, which residuals.
fn layer(g: &Given, norms: [bool; 2], residuals: [bool; 2]) -> Option<Values<Ball>> {
    let x = g.m("x");
    let norm = |m: &M, i: usize| {
        let names = [["gamma1", "beta1"], ["gamma2", "beta2"]][i];
        if norms[i] { learn::layer_norm(m, &g.v(names[0]), &g.v(names[1]), g.p("eps_ln")).unwrap() } else { m.clone() }
    };
    let attend = |m: &M| {
        let h = g.p("h") as usize;
        let w = linear(m, &g.m("w_qkv"), None);
        let p = w.cols() / h;
        let all: Vec<M> = (0..h)
            .map(|k| w.select_cols(k * p, p).unwrap())
            .map(|a| softmax(&a.gram_rows().scale(1.0 / (p as f64).sqrt())).matmul(&a).unwrap())
            .collect();
        linear(&joined(&all), &g.m("w_out"), g.bias("b_out").as_deref())
    };
    let attended = attend(&norm(&x, 0));
    let half = if residuals[0] { x.add(&attended).ok()? } else { attended };
    let z = norm(&half, 1);
    let out = transformer::crate_ista(&z, &g.m("dictionary"), g.p("eta"), g.p("lambda")).ok()?;
    y(if residuals[1] { half.add(&out).ok()? } else { out })
}
/// `a` of the subspaces.
fn constant(g: &Given) -> f64 {
    g.ms("u")[0].cols() as f64 / (g.m("z").rows() as f64 * g.eps2())
}
/// `(a Z, Σ_k softmax(A_k A_kᵀ) A_k U_kᵀ)`.
fn softened(g: &Given) -> (M, M) {
    let heads = heads(&tied(g), 1.0, softmax);
    let mut sum = Matrix::zeros(g.m("z").rows(), g.m("z").cols());
    for (h, u) in heads.iter().zip(&g.ms("u")) {
        sum.accumulate(&h.matmul_t(u).unwrap()).unwrap();
    }
    (g.m("z").scale(constant(g)), sum)
}

pub const MUTANTS: &[Mutant] = &[
    value_of("softmax", "", "right", |g| y(softmax(&g.m("x")))),
    value_of("softmax", "softmax-over-rows", "axis 0", |g| y(down(&g.m("x")))),
    value_of("softmax", "log-softmax", "log_softmax", |g| y(softmax(&g.m("x")).map(ln))),
    value_of("layer_norm", "", "right", |g| norm(g, 1.0, |s, e, d| (s / d + e).sqrt())),
    value_of("layer_norm", "unbiased-variance", "torch.std", |g| norm(g, 1.0, |s, e, d| (s / (d - 1.0) + e).sqrt())),
    value_of("layer_norm", "eps-outside-root", "std + eps", |g| norm(g, 1.0, |s, e, d| (s / d).sqrt() + e)),
    value_of("layer_norm", "not-centred", "RMSNorm", |g| norm(g, 0.0, |s, e, d| (s / d + e).sqrt())),
    value_of("layer_norm", "norm-for-deviation", "the monograph's ‖x − μ‖", |g| norm(g, 1.0, |s, _, _| s.sqrt())),
    value_of("layer_norm", "swapped-inputs gamma and beta", "gain and shift exchanged", |g| {
        let other = g
            .case
            .clone()
            .input("gamma", g.case.inputs.real("beta").ok()?.clone())
            .input("beta", g.case.inputs.real("gamma").ok()?.clone());
        norm(&Given::new(white_box::oracle::find("layer_norm").ok()?, &other), 1.0, |s, e, d| (s / d + e).sqrt())
    }),
    value_of("linear", "", "right", |g| y(linear(&g.m("x"), &g.m("w"), g.bias("b").as_deref()))),
    value_of("linear", "transposed-input w", "Flax: in × out", |g| {
        let w = g.m("w");
        if w.rows() == w.cols() { y(linear(&g.m("x"), &w.transpose(), g.bias("b").as_deref())) } else { None }
    }),
    value_of("linear", "memory-order w", "a `.T` array stored as it lies", |g| {
        let w = g.m("w");
        let t = w.transpose().into_data();
        y(linear(&g.m("x"), &Matrix::new(w.rows(), w.cols(), t).unwrap(), g.bias("b").as_deref()))
    }),
    value_of("linear", "ignored-input b", "the bias forgotten", |g| y(linear(&g.m("x"), &g.m("w"), None))),
    value_of("cross_entropy", "", "right", |g| entropy(g, |s, c| 1.0 - s + s / c, |s, c| s / c, |b| b)),
    value_of("cross_entropy", "sum-for-mean b", "reduction = sum", |g| entropy(g, |s, c| 1.0 - s + s / c, |s, c| s / c, |_| 1.0)),
    value_of("cross_entropy", "ignored-parameter smoothing", "no smoothing", |g| entropy(g, |_, _| 1.0, |_, _| 0.0, |b| b)),
    value_of("cross_entropy", "smoothing-over-others", "s over C − 1", |g| entropy(g, |s, _| 1.0 - s, |s, c| s / (c - 1.0), |b| b)),
    value_of("gelu", "other-form form=tanh", "jax.nn.gelu", |g| {
        if g.p("form") == 1.0 {
            None
        } else {
            Some(Values::new().with("y", g.case.inputs.real("x").ok()?.map(|x| Ball::exact(learn::gelu_tanh(x.mid().hi())))))
        }
    }),
    value_of("soft_threshold", "relu-for-soft-threshold", "relu(x − θ)", |g| {
        Some(Values::new().with("y", g.case.inputs.real("x").ok()?.map(|x| Ball::exact((x.mid().hi() - g.p("theta")).max(0.0)))))
    }),
    value_of("soft_threshold", "hard-threshold", "torch.hardshrink", |g| {
        let t = g.p("theta");
        Some(Values::new().with("y", g.case.inputs.real("x").ok()?.map(|x| if x.mid().hi().abs() > t { x } else { Ball::exact(0.0) })))
    }),
    value_of("ista_step", "", "right", |g| step(g, g.p("eta"), |x| right_prox(g, x, g.p("eta") * g.p("lambda")))),
    value_of("ista_step", "factor-missing lambda and eta", "threshold λ for ηλ", |g| {
        step(g, g.p("eta"), |x| right_prox(g, x, g.p("lambda")))
    }),
    value_of("ista_step", "other-form shrink=nonnegative", "ReLU for the soft threshold", |g| {
        let t = g.p("eta") * g.p("lambda");
        if g.p("shrink") == 1.0 { step(g, g.p("eta"), |x| (x - t).max(0.0)) } else { None }
    }),
    value_of("ista_step", "uphill", "the sign of the gradient", |g| step(g, -g.p("eta"), |x| right_prox(g, x, g.p("eta") * g.p("lambda")))),
    value_of("ista_step", "threshold-missing", "a gradient step", |g| step(g, g.p("eta"), |x| x)),
    value_of("crate_ista", "", "right", |g| block(g, g.p("eta"), |x| (x - g.p("eta") * g.p("lambda")).max(0.0))),
    value_of("crate_ista", "threshold-added", "the monograph's + ηλ", |g| {
        block(g, g.p("eta"), |x| (x + g.p("eta") * g.p("lambda")).max(0.0))
    }),
    value_of("crate_ista", "soft-for-relu", "both signs kept", |g| block(g, g.p("eta"), |x| soft(x, g.p("eta") * g.p("lambda")))),
    value_of("crate_ista", "factor-missing lambda and eta", "threshold λ for ηλ", |g| {
        block(g, g.p("eta"), |x| (x - g.p("lambda")).max(0.0))
    }),
    value_of("crate_ista", "transposed-input dictionary", "D for Dᵀ", |g| {
        y(ista(&g.m("z"), &g.m("z"), &g.m("dictionary").transpose(), g.p("eta"), |x| (x - g.p("eta") * g.p("lambda")).max(0.0)))
    }),
    value_of("crate_ista", "residual-added z", "a residual around the ISTA block", |g| {
        let out = transformer::crate_ista(&g.m("z"), &g.m("dictionary"), g.p("eta"), g.p("lambda")).ok()?;
        y(g.m("z").add(&out).ok()?)
    }),
    value_of("crate_ista", "gradient-step-missing", "relu(z − ηλ)", |g| block(g, 0.0, |x| (x - g.p("eta") * g.p("lambda")).max(0.0))),
    value_of("ssa", "", "right", |g| y(heads(&tied(g), g.p("scale"), softmax).swap_remove(0))),
    value_of("ssa", "softmax-over-queries", "the papers' columns", |g| y(heads(&tied(g), g.p("scale"), down).swap_remove(0))),
    value_of("ssa", "scale-added", "1/√p of the code", |g| {
        let p = g.m("u").cols() as f64;
        y(heads(&tied(g), g.p("scale") / p.sqrt(), softmax).swap_remove(0))
    }),
    value_of("ssa", "no-softmax", "linear attention", |g| y(heads(&tied(g), g.p("scale"), |m| m.clone()).swap_remove(0))),
    value_of("ssa", "weights-transposed", "attnᵀ v", |g| y(heads(&tied(g), g.p("scale"), |m| softmax(m).transpose()).swap_remove(0))),
    value_of("mssa", "", "right", |g| mssa(g, g.p("scale"), softmax)),
    value_of("mssa", "softmax-over-queries", "the papers' columns", |g| mssa(g, g.p("scale"), down)),
    value_of("mssa", "mean-for-sum h", "heads averaged", |g| {
        put_back(&heads(&tied(g), g.p("scale"), softmax), &g.ms("u"), g.p("factor") / g.ms("u").len() as f64)
    }),
    value_of("mssa", "first-basis-everywhere u", "value matrix of head K printed U¹", |g| {
        let u = vec![g.ms("u").swap_remove(0); g.ms("u").len()];
        let a: Vec<[M; 3]> = u.iter().map(|u| g.m("z").matmul(u).unwrap()).map(|a| [a.clone(), a.clone(), a]).collect();
        put_back(&heads(&a, g.p("scale"), softmax), &u, g.p("factor"))
    }),
    value_of("mssa", "ignored-parameter factor", "p/(nε²) forgotten", |g| {
        put_back(&heads(&tied(g), g.p("scale"), softmax), &g.ms("u"), 1.0)
    }),
    value_of("mssa", "residual-added z", "the residual inside", |g| {
        let right = mssa(g, g.p("scale"), softmax)?.matrix("y").ok()?.cast::<f64>();
        y(right.add(&g.m("z")).ok()?)
    }),
    value_of("mssa", "memory-order u", "heads stored d × h × p", |g| {
        let t = g.case.inputs.real("u").ok()?.clone();
        let [h, d, p] = t.shape[..] else { return None };
        // The memory of (d, h, p) read as (h, d, p).
        let data =
            (0..t.data.len()).map(|k| (k / (h * p), k / p % h, k % p)).map(|(i, k, j)| t.data[k * d * p + i * p + j].mid().hi()).collect();
        let other = g.case.clone().input("u", tensor(&[h, d, p], data));
        mssa(&Given::new(white_box::oracle::find("mssa").ok()?, &other), g.p("scale"), softmax)
    }),
    value_of("mssa_official", "", "right", |g| official(g, one, right_weights, None, true)),
    value_of("mssa_official", "scale-missing", "no 1/√p", |g| official(g, |p, _| p.sqrt(), right_weights, None, true)),
    value_of("mssa_official", "scale-of-model", "1/√d", |g| official(g, |p, d| (p / d).sqrt(), right_weights, None, true)),
    value_of("mssa_official", "tied-output", "U put back by Uᵀ", |g| {
        if g.has("w_out") { official(g, one, right_weights, Some(g.m("w_qkv").transpose()), true) } else { None }
    }),
    value_of("mssa_official", "ignored-input b_out", "the bias forgotten", |g| official(g, one, right_weights, None, false)),
    value_of("mssa_official", "mask-keeps-the-future", "the monograph's CausalMask", |g| {
        if g.p("causal") == 1.0 { official(g, one, |m, _| kept(m, |i, j| j >= i), None, true) } else { None }
    }),
    value_of("mssa_official", "mask-after-softmax", "masked weights not renormalised", |g| {
        if g.p("causal") == 1.0 {
            official(g, one, |m, _| map(&softmax(m), |i, j, x| if j <= i { x } else { 0.0 }), None, true)
        } else {
            None
        }
    }),
    value_of("mssa_official", "other-form causal=0", "no mask", |g| {
        if g.p("causal") == 1.0 { official(g, one, |m, _| softmax(m), None, true) } else { None }
    }),
    value_of("mhsa", "", "right", |g| three(g, one, timm)),
    value_of("mhsa", "head-order w_qkv", "GPT-NeoX: (h, 3, p)", |g| {
        // The bias, if any, would have to be stored alike.
        if g.has("b_qkv") { None } else { three(g, one, |part, head, i, _, p| head * 3 * p + part * p + i) }
    }),
    value_of("mhsa", "scale-missing", "no 1/√p", |g| three(g, |p, _| p.sqrt(), timm)),
    value_of("mhsa", "scale-twice", "1/p", |g| three(g, |p, _| 1.0 / p.sqrt(), timm)),
    value_of("crate_layer_official", "", "right", |g| layer(g, [true; 2], [true, false])),
    value_of("crate_layer_official", "attention-residual-missing", "no residual at all", |g| layer(g, [true; 2], [false; 2])),
    value_of("crate_layer_official", "second-residual-flipped", "a residual around ISTA", |g| layer(g, [true; 2], [true; 2])),
    value_of("crate_layer_official", "first-norm-missing", "no LayerNorm before the attention", |g| layer(g, [false, true], [true, false])),
    value_of("crate_layer_official", "second-norm-missing", "no LayerNorm before ISTA", |g| layer(g, [true, false], [true, false])),
    value_of("rate_gradient_softmax", "", "right", |g| {
        let (linear, sum) = softened(g);
        y(linear.sub(&sum.scale(constant(g).powi(2))).ok()?)
    }),
    value_of("rate_gradient_softmax", "alpha-counted-twice", "a³ of chapter 4", |g| {
        let (linear, sum) = softened(g);
        y(linear.sub(&sum.scale(constant(g).powi(3))).ok()?)
    }),
    value_of("rate_gradient_softmax", "linear-term-missing", "−a² Σ alone", |g| y(softened(g).1.scale(-constant(g).powi(2)))),
    value_of("rate_gradient_softmax", "alpha-factor-missing", "Z − a Σ", |g| {
        let (linear, sum) = softened(g);
        y(linear.sub(&sum.scale(constant(g).powi(2))).ok()?.scale(1.0 / constant(g)))
    }),
    gradient("log_det", "lower-triangle", "one triangle, doubled", |_, right| triangle(right, 2.0)),
    gradient("log_det", "lower-triangle-once", "one triangle", |_, right| triangle(right, 1.0)),
    gradient("mssa", "half-too-many", "half the gradient", |_, right| each(right, |x| 0.5 * x)),
    gradient("cross_entropy", "sum-for-mean b", "softmax − q, not over B", |g, right| each(right, |x| x * g.m("logits").rows() as f64)),
];

fn triangle(right: &Values<Ball>, off: f64) -> Values<Ball> {
    let m = right.matrix("a").unwrap().cast::<f64>();
    let cut = map(&m, |i, j, x| {
        if j > i {
            0.0
        } else if i == j {
            x
        } else {
            x * off
        }
    });
    Values::new().with("a", cut.cast::<Ball>())
}
