//! Other formulas: what is computed where something else belongs, operator by operator.

use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::{Matrix, log_det, log_det_i_plus};
use crate::oracle::check::asked::Asked;
use crate::oracle::check::dtype::Dtype;
use crate::oracle::check::mistake::Mistake;
use crate::oracle::entry::Number;
use crate::oracle::value::{Tensor, Values};
use crate::oracle::{Case, find};
use crate::scalar::{Ball, DoubleDouble, Scalar};

type D = DoubleDouble;
type Formula = Option<Result<Values<D>>>;

fn d(x: f64) -> D {
    D::from_f64(x)
}
fn half() -> D {
    d(0.5)
}

/// `½ log det(αG)` of the smaller Gram matrix.
fn without_identity(a: &Asked) -> Formula {
    (a.is("coding_rate") && a.is_single()).then(|| {
        let z = a.matrix("z")?;
        let alpha = D::from_usize(z.cols()) / (D::from_usize(z.rows()) * a.squared()?);
        let gram = if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() };
        Ok(Values::new().with("value", log_det(&gram.scale(alpha))? * half()))
    })
}
/// `½ log det(I + αG)` with G rounded before α.
fn rounded_gram(a: &Asked, dtype: Dtype) -> Formula {
    (a.is("coding_rate") && a.is_single()).then(|| {
        let z = a.matrix("z")?;
        let alpha = D::from_usize(z.cols()) / (D::from_usize(z.rows()) * a.squared()?);
        let gram = z.gram_cols().map(|x| d(dtype.round(x.hi())));
        Ok(Values::new().with("value", log_det_i_plus(&gram.scale(alpha))? * half()))
    })
}

/// How the classes of a conditional rate are mistaken.
#[derive(Clone, Copy)]
struct Classes {
    /// The weight of a class: `(n_k, n, K)`.
    weight: fn(D, D, D) -> D,
    /// What stands for n_k in α_k: `(n_k, n, d)`.
    count: fn(D, D, D) -> D,
}
const CLASSES: Classes = Classes { weight: |k, n, _| k / n, count: |k, _, _| k };

fn conditional(a: &Asked, habit: Classes) -> Result<D> {
    let (z, eps2) = (a.matrix("z")?, a.squared()?);
    let weights: Vec<Vec<D>> = match a.matrix("pi") {
        Ok(pi) => (0..pi.cols()).map(|k| pi.col(k)).collect(),
        Err(_) => {
            let labels = a.labels("labels")?;
            let classes = labels.iter().max().map_or(0, |k| k + 1);
            (0..classes).map(|k| labels.iter().map(|&l| if l == k { D::ONE } else { D::ZERO }).collect()).collect()
        }
    };
    let (n, width) = (D::from_usize(z.rows()), D::from_usize(z.cols()));
    let present: Vec<&Vec<D>> = weights.iter().filter(|w| w.iter().any(|x| *x != D::ZERO)).collect();
    let mut sum = D::ZERO;
    for w in &present {
        let count = w.iter().fold(D::ZERO, |s, x| s + *x);
        let rows = Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] * w[i].sqrt());
        let alpha = width / ((habit.count)(count, n, width) * eps2);
        let rate = log_det_i_plus(&rows.gram_cols().scale(alpha))? * half();
        sum += (habit.weight)(count, n, D::from_usize(present.len())) * rate;
    }
    Ok(sum)
}
/// A mistaken conditional rate, wherever one is part of the result.
fn with_classes(a: &Asked, habit: Classes) -> Formula {
    if !a.is_single() {
        return None;
    }
    let run = || -> Result<Values<D>> {
        let apart = conditional(a, habit)?;
        let rate = |eps2: D| coding_rate(&a.matrix("z")?, Distortion::Eps2(eps2));
        match a.spec().name {
            "conditional_rate" => Ok(Values::new().with("value", apart)),
            "rate_reduction" => Ok(Values::new().with("value", rate(a.squared()?)? - apart)),
            _ => {
                let whole = rate(a.squared()? / a.number("gam1")?)?;
                Ok(Values::new().with("loss", apart - a.number("gam2")? * whole).with("discriminative", whole).with("compressive", apart))
            }
        }
    };
    matches!(a.spec().name, "conditional_rate" | "rate_reduction" | "mcr2_loss").then(run)
}
/// Only one of the two rates of a rate reduction.
fn one_rate(a: &Asked, whole: bool) -> Formula {
    (a.is("rate_reduction") && a.is_single()).then(|| {
        let rate = if whole { coding_rate(&a.matrix("z")?, Distortion::Eps2(a.squared()?))? } else { -conditional(a, CLASSES)? };
        Ok(Values::new().with("value", rate))
    })
}
/// The weights of the MCR² loss in other places.
fn weighted(a: &Asked, f: fn(gam1: D, gam2: D, plain: D, narrow: D) -> (D, D)) -> Formula {
    (a.is("mcr2_loss") && a.is_single()).then(|| {
        let (z, gam1, gam2) = (a.matrix("z")?, a.number("gam1")?, a.number("gam2")?);
        let plain = coding_rate(&z, Distortion::Eps2(a.squared()?))?;
        let narrow = coding_rate(&z, Distortion::Eps2(a.squared()? / gam1))?;
        let (whole, scale) = f(gam1, gam2, plain, narrow);
        let apart = conditional(a, CLASSES)?;
        Ok(Values::new().with("loss", apart * scale - gam2 * whole).with("discriminative", whole).with("compressive", apart))
    })
}

/// How a layer norm is mistaken: `(row less its mean or not, variance, ε, d) → what divides`.
fn layer_norm(a: &Asked, centred: bool, divisor: fn(square: D, eps: D, d: D) -> D, gain: f64) -> Formula {
    (a.is("layer_norm") && a.is_single()).then(|| {
        let (x, gamma, beta) = (a.matrix("x")?, a.matrix("gamma")?, a.matrix("beta")?);
        let (eps, width) = (a.number("eps")?, D::from_usize(x.cols()));
        let mut rows = Vec::new();
        for i in 0..x.rows() {
            let mean = if centred { x.row(i).iter().fold(D::ZERO, |s, x| s + *x) / width } else { D::ZERO };
            let square = x.row(i).iter().fold(D::ZERO, |s, x| s + (*x - mean).square());
            let by = divisor(square, eps, width);
            rows.extend((0..x.cols()).map(|j| (x[(i, j)] - mean) / by * (gamma[(0, j)] + d(gain)) + beta[(0, j)]));
        }
        Ok(Values::new().with("y", Matrix::new(x.rows(), x.cols(), rows)?))
    })
}

/// `P = A + step (Y − A Dᵀ) D`, then `prox(P, threshold)`.
fn ista(a: &Asked, step: fn(D) -> D, threshold: fn(D, D) -> D, prox: fn(D, D, bool) -> D) -> Formula {
    let (codes, data, atoms, out) = match a.spec().name {
        "crate_ista" => ("z", "z", "dictionary", "y"),
        "ista_step" => ("a", "y", "d", "next"),
        _ => return None,
    };
    a.is_single().then(|| {
        let (codes, data, atoms) = (a.matrix(codes)?, a.matrix(data)?, a.matrix(atoms)?);
        let (eta, lambda) = (a.number("eta")?, a.number("lambda")?);
        let soft = a.param("shrink") == Some(1.0);
        let p = codes.add(&data.sub(&codes.matmul_t(&atoms)?)?.matmul(&atoms)?.scale(step(eta)))?;
        let t = threshold(eta, lambda);
        Ok(Values::new().with(out, p.map(|x| prox(x, t, soft))))
    })
}
fn right_prox(x: D, t: D, soft: bool) -> D {
    if soft { shrunk(x, t) } else { (x - t).relu() }
}
/// sgn(x) max(|x| − t, 0) for any sign of t.
fn shrunk(x: D, t: D) -> D {
    let y = (x.abs() - t).relu();
    if x.hi() < 0.0 { -y } else { y }
}
fn elementwise(a: &Asked, name: &str, f: impl Fn(D) -> D) -> Formula {
    a.is(name).then(|| Ok(Values::new().with("y", a.case.inputs.real("x")?.map(|x| f(x.mid())))))
}

/// The results of another operator.
fn entry(name: &str, case: Case) -> Result<Matrix<Ball>> {
    find(name)?.eval_in(Number::Double, &case)?.matrix("y")
}
/// What a layer's halves do: normalise first or not, add what came in or not.
#[derive(Clone, Copy)]
struct Layer {
    norms: [bool; 2],
    residuals: [bool; 2],
    after: bool,
}
fn layer(a: &Asked, habit: fn(Layer) -> Layer) -> Formula {
    let vit = a.is("vit_block");
    if !(vit || a.is("crate_layer_official")) || !a.is_single() {
        return None;
    }
    let habit = habit(Layer { norms: [true; 2], residuals: [true, vit], after: false });
    let run = || -> Result<Values<D>> {
        let take = |case: Case, names: &[(&str, &str)], params: &[&str]| {
            let mut case = case;
            for (from, to) in names {
                if let Some(v) = a.case.inputs.get(from) {
                    case.inputs.set(*to, v.clone());
                }
            }
            params.iter().fold(case, |c, p| a.param(p).map_or(c.clone(), |x| c.set(p, x)))
        };
        let with = |name: &str, m: &Matrix<Ball>| Case::new(Values::new().with(name, m.clone()));
        let norm = |m: &Matrix<Ball>, i: usize| -> Result<Matrix<Ball>> {
            let (g, b) = ([("gamma1", "beta1"), ("gamma2", "beta2")])[i];
            let case = take(with("x", m), &[(g, "gamma"), (b, "beta")], &[]).set("eps", a.param("eps_ln").unwrap_or(1e-5));
            if habit.norms[i] { entry("layer_norm", case) } else { Ok(m.clone()) }
        };
        let attend = |m: &Matrix<Ball>| {
            let (name, rest): (_, &[_]) =
                if vit { ("mhsa", &["b_qkv", "w_proj", "b_proj"]) } else { ("mssa_official", &["w_out", "b_out"]) };
            let names: Vec<(&str, &str)> = ["w_qkv"].iter().chain(rest).map(|n| (*n, *n)).collect();
            entry(name, take(with("x", m), &names, &["h"]))
        };
        let feed = |m: &Matrix<Ball>| -> Result<Matrix<Ball>> {
            if !vit {
                return entry("crate_ista", take(with("z", m), &[("dictionary", "dictionary")], &["eta", "lambda"]));
            }
            let hidden = entry("linear", take(with("x", m), &[("w1", "w"), ("b1", "b")], &[]))?;
            let hidden = entry("gelu", with("x", &hidden))?;
            entry("linear", take(with("x", &hidden), &[("w2", "w"), ("b2", "b")], &[]))
        };
        let x = a.case.inputs.matrix("x")?;
        let add = |base: &Matrix<Ball>, m: Matrix<Ball>, i: usize| if habit.residuals[i] { base.add(&m) } else { Ok(m) };
        let y = if habit.after {
            let half = norm(&add(&x, attend(&x)?, 0)?, 0)?;
            norm(&add(&half, feed(&half)?, 1)?, 1)?
        } else {
            let half = add(&x, attend(&norm(&x, 0)?)?, 0)?;
            add(&half, feed(&norm(&half, 1)?)?, 1)?
        };
        Ok(Values::new().with("y", y.map(|x| x.mid())))
    };
    Some(run())
}

/// How the views of SimDINO are mistaken.
#[derive(Clone, Copy)]
struct Views {
    /// Of the pairs, and of the global views, the last alone, over how many: their number or 1.
    last: Option<bool>,
    /// γ from `(p, N, m, ε²)`.
    gamma: Option<fn(D, D, D, D) -> D>,
    /// N in the distortion.
    processes: bool,
    /// Rows are not brought to length 1 before they are compared.
    raw: bool,
}
const VIEWS: Views = Views { last: None, gamma: None, processes: true, raw: false };

fn simdino(a: &Asked, habit: Views) -> Formula {
    if !a.is("simdino_loss") || a.param("reduce_cov") == Some(1.0) {
        return None;
    }
    let (Ok(student), Ok(teacher)) = (a.case.inputs.real("student"), a.case.inputs.real("teacher")) else { return None };
    let ([v, m, p], [t, tm, tp]) = (student.shape.as_slice(), teacher.shape.as_slice()) else { return None };
    let (v, m, p, t) = (*v, *m, *p, *t);
    if (*tm, *tp) != (m, p) || v < t || v * t < 2 || a.case.preset.as_deref() == Some("simdino-book") {
        return None;
    }
    let raw = habit.raw || a.case.preset.as_deref() == Some("simdinov2-repo");
    let run = || -> Result<Values<D>> {
        let views = |x: &Tensor<Ball>| -> Result<Vec<Matrix<D>>> {
            x.data.chunks(m * p).map(|c| Ok(Matrix::new(m, p, c.to_vec())?.cast())).collect()
        };
        let (s, q) = (views(student)?, views(teacher)?);
        let n = a.number("processes")?;
        let (rows, width, eps2) = (D::from_usize(m), D::from_usize(p), a.squared()?);
        let given = a.number("gamma")?;
        let gamma = match habit.gamma {
            Some(f) => f(width, n, rows, eps2),
            None if given != D::ZERO => given,
            None => D::ONE / width + D::ONE / (n * rows),
        };
        let dot = |x: &[D], y: &[D]| x.iter().zip(y).fold(D::ZERO, |s, (a, b)| s + *a * *b);
        let mut pairs = Vec::new();
        for (i, q) in q.iter().enumerate() {
            for (j, s) in s.iter().enumerate().filter(|(j, _)| *j != i || a.param("no_diag") == Some(0.0)) {
                let cosine = |b: usize| {
                    let inner = dot(q.row(b), s.row(b));
                    if raw { inner } else { inner / (dot(q.row(b), q.row(b)) * dot(s.row(b), s.row(b))).sqrt() }
                };
                pairs.push(((0..m).fold(D::ZERO, |s, b| s + cosine(b)) / rows, j < t && j != i));
            }
        }
        let mut rates = Vec::new();
        for i in 0..t {
            let w = if a.param("expa_type") == Some(1.0) { s[i].add(&q[i])?.scale(half()) } else { s[i].clone() };
            let eps2 = if habit.processes { eps2 * n } else { eps2 };
            rates.push(coding_rate(&w, Distortion::Eps2(eps2))?);
        }
        // With the diagonal the divisor stays that without it.
        let count = d((t * (v - 1)) as f64);
        let mean = |x: &[D], count: D| match habit.last {
            None => x.iter().fold(D::ZERO, |s, x| s + *x) / count,
            Some(over) => x[x.len() - 1] / if over { count } else { D::ONE },
        };
        let comp = mean(&pairs.iter().map(|p| p.0).collect::<Vec<_>>(), count);
        let expa = gamma * mean(&rates, D::from_usize(t));
        let global = pairs.iter().filter(|p| p.1).fold(D::ZERO, |s, p| s + p.0) / D::from_usize(t);
        let loss = -(a.number("coeff")? * comp) - expa;
        Ok(Values::new().with("loss", loss).with("losses", vec![loss]).with("comp", comp).with("expa", expa).with("global_comp", global))
    };
    Some(run())
}

fn cross_entropy(a: &Asked, smooth: fn(D, D) -> (D, D), twice: bool) -> Formula {
    (a.is("cross_entropy") && a.is_single()).then(|| {
        let (x, labels, s) = (a.matrix("logits")?, a.labels("labels")?, a.number("smoothing")?);
        let c = D::from_usize(x.cols());
        let (right, wrong) = smooth(s, c);
        let x = if twice { crate::learn::softmax(&x)? } else { x };
        let lse = crate::learn::log_sum_exp(&x)?;
        let mut sum = D::ZERO;
        for (i, &l) in labels.iter().enumerate() {
            for j in 0..x.cols() {
                sum += (lse[i] - x[(i, j)]) * if j == l { right } else { wrong };
            }
        }
        Ok(Values::new().with("value", sum / D::from_usize(labels.len())))
    })
}
fn right_smoothing(s: D, c: D) -> (D, D) {
    (D::ONE - s + s / c, s / c)
}

/// The right result and the samples, put together differently.
fn of_result(a: &Asked, names: &[&str], f: impl Fn(&Matrix<Ball>, &Matrix<Ball>, Ball) -> Result<Matrix<Ball>>) -> Formula {
    (names.contains(&a.spec().name) && a.is_single()).then(|| {
        let y = a.entry.eval_in(Number::Double, a.case)?.matrix("y")?;
        let alpha = Ball::exact(a.alpha().unwrap_or(1.0));
        Ok(Values::new().with("y", f(&y, &a.case.inputs.matrix("z")?, alpha)?.map(|x| x.mid())))
    })
}

pub(super) const FORMULAS: &[Mistake] = &[
    Mistake::formula("identity-missing", "log det of the scatter alone: the identity inside is missing", without_identity),
    Mistake::formula("gram-in-f16", "ZᵀZ was rounded to f16 before α: compute it in f32 (torch.autocast)", |a| {
        rounded_gram(a, Dtype::F16)
    }),
    Mistake::formula("gram-in-bf16", "ZᵀZ was rounded to bf16 before α: compute it in f32 (torch.autocast)", |a| {
        rounded_gram(a, Dtype::Bf16)
    }),
    Mistake::formula("class-weights-missing", "the rates of the classes are summed without their weights n_k/n", |a| {
        with_classes(a, Classes { weight: |_, _, _| D::ONE, ..CLASSES })
    }),
    Mistake::formula("class-mean", "the plain mean over the classes in place of the weights n_k/n", |a| {
        with_classes(a, Classes { weight: |_, _, k| D::ONE / k, ..CLASSES })
    }),
    Mistake::formula("n-for-class-size", "n stands where n_k belongs in α_k", |a| {
        with_classes(a, Classes { count: |_, n, _| n, ..CLASSES })
    }),
    Mistake::formula("d-for-class-size", "d stands where n_k belongs: α_k = 1/ε², the class scale of the NumPy ReduNet", |a| {
        with_classes(a, Classes { count: |_, _, d| d, ..CLASSES })
    }),
    Mistake::formula("first-term-only", "only R: the conditional rate is missing", |a| one_rate(a, true)),
    Mistake::formula("second-term-only", "only −R^c: the rate of the whole is missing", |a| one_rate(a, false)),
    Mistake::formula("gam1-outside", "gam1 multiplies the rate where it belongs inside, at α", |a| {
        weighted(a, |gam1, _, plain, _| (gam1 * plain, D::ONE))
    }),
    Mistake::formula("gam2-on-both", "gam2 multiplies both terms, not the first alone", |a| {
        weighted(a, |_, gam2, _, narrow| (narrow, gam2))
    }),
    Mistake::formula("unbiased-variance", "the variance is divided by d − 1: biased is meant", |a| {
        layer_norm(a, true, |s, eps, d| (s / (d - D::ONE) + eps).sqrt(), 0.0)
    }),
    Mistake::formula("eps-outside-root", "ε is added to the standard deviation, outside the root", |a| {
        layer_norm(a, true, |s, eps, d| (s / d).sqrt() + eps, 0.0)
    }),
    Mistake::formula("eps-missing", "ε is missing in the layer norm", |a| layer_norm(a, true, |s, _, d| (s / d).sqrt(), 0.0)),
    Mistake::formula("not-centred", "the mean is not subtracted: RMSNorm in place of LayerNorm", |a| {
        layer_norm(a, false, |s, eps, d| (s / d + eps).sqrt(), 0.0)
    }),
    Mistake::formula("norm-for-deviation", "divided by ‖x − μ‖, as the monograph prints, in place of the standard deviation", |a| {
        layer_norm(a, true, |s, _, _| s.sqrt(), 0.0)
    }),
    Mistake::formula("gain-plus-one", "the gain counts from 0: 1 + γ stands where γ belongs", |a| {
        layer_norm(a, true, |s, eps, d| (s / d + eps).sqrt(), 1.0)
    }),
    Mistake::formula("threshold-added", "the threshold is added, as the monograph prints, where it must be subtracted", |a| {
        ista(a, |eta| eta, |eta, lambda| -(eta * lambda), right_prox)
    }),
    Mistake::formula("soft-for-relu", "a two-sided soft threshold where the one-sided belongs (relu)", |a| {
        if a.is("crate_ista") { ista(a, |eta| eta, |eta, lambda| eta * lambda, |x, t, _| shrunk(x, t)) } else { None }
    }),
    Mistake::formula("uphill", "the gradient step goes uphill: its sign is the opposite one", |a| {
        ista(a, |eta| -eta, |eta, lambda| eta * lambda, right_prox)
    }),
    Mistake::formula("gradient-step-missing", "the threshold alone: the gradient step is missing", |a| {
        ista(a, |_| D::ZERO, |eta, lambda| eta * lambda, right_prox)
    }),
    Mistake::formula("threshold-missing", "the gradient step alone: nothing is thresholded", |a| {
        ista(a, |eta| eta, |eta, lambda| eta * lambda, |x, _, _| x)
    }),
    Mistake::formula("hard-threshold", "a hard threshold: what is above θ is kept whole", |a| {
        elementwise(a, "soft_threshold", |x| if x.abs().hi() > a.param("theta").unwrap_or(0.0) { x } else { D::ZERO })
    }),
    Mistake::formula("relu-for-soft-threshold", "relu(x − θ): what is negative is lost", |a| {
        elementwise(a, "soft_threshold", |x| (x - d(a.param("theta").unwrap_or(0.0))).relu())
    }),
    Mistake::formula("softmax-over-rows", "the softmax runs over the other axis: down the columns", |a| {
        (a.is("softmax") && a.is_single())
            .then(|| Ok(Values::new().with("y", crate::learn::softmax(&a.matrix("x")?.transpose())?.transpose())))
    }),
    Mistake::formula("softmax-not-normalised-rows", "exponentials without division by their sum", |a| {
        elementwise(a, "softmax", Scalar::exp)
    }),
    Mistake::formula("log-softmax", "the logarithm of the softmax", |a| {
        (a.is("softmax") && a.is_single()).then(|| Ok(Values::new().with("y", crate::learn::softmax(&a.matrix("x")?)?.map(Scalar::ln))))
    }),
    Mistake::formula("smoothing-over-others", "label smoothing over the C − 1 other classes, not over all C", |a| {
        cross_entropy(a, |s, c| (D::ONE - s, s / (c - D::ONE)), false)
    }),
    Mistake::formula("softmax-twice", "a softmax was applied to the logits before: the cross-entropy takes logits", |a| {
        cross_entropy(a, right_smoothing, true)
    }),
    Mistake::formula("views-not-accumulated", "the views are assigned, not accumulated: the last one over their number", |a| {
        simdino(a, Views { last: Some(true), ..VIEWS })
    }),
    Mistake::formula("last-view-only", "the last view only", |a| simdino(a, Views { last: Some(false), ..VIEWS })),
    Mistake::formula("gamma-without-processes", "γ = 1/p + 1/m: the number of processes is missing in γ", |a| {
        simdino(a, Views { gamma: Some(|p, _, m, _| D::ONE / p + D::ONE / m), ..VIEWS })
    }),
    Mistake::formula("gamma-inverse", "γ = √(ε²Nm)/p, the alternative that the code comments out", |a| {
        simdino(a, Views { gamma: Some(|p, n, m, e| (e * n * m).sqrt() / p), ..VIEWS })
    }),
    Mistake::formula("gamma-missing", "γ is missing: 1 stands in its place", |a| {
        simdino(a, Views { gamma: Some(|_, _, _, _| D::ONE), ..VIEWS })
    }),
    Mistake::formula("alpha-without-processes", "the number of processes is missing in p/(mNε²)", |a| {
        simdino(a, Views { processes: false, ..VIEWS })
    }),
    Mistake::formula("rows-not-normalised", "inner products of rows that were not brought to length 1", |a| {
        simdino(a, Views { raw: true, ..VIEWS })
    }),
    Mistake::formula("attention-residual-missing", "the residual around the attention is missing", |a| {
        layer(a, |l| Layer { residuals: [false, l.residuals[1]], ..l })
    }),
    Mistake::formula(
        "second-residual-flipped",
        "the residual around the second half: CRATE has none around its ISTA block, the ViT has one around its MLP",
        |a| layer(a, |l| Layer { residuals: [l.residuals[0], !l.residuals[1]], ..l }),
    ),
    Mistake::formula("first-norm-missing", "the layer norm before the attention is missing", |a| {
        layer(a, |l| Layer { norms: [false, true], ..l })
    }),
    Mistake::formula("second-norm-missing", "the layer norm before the second half is missing", |a| {
        layer(a, |l| Layer { norms: [true, false], ..l })
    }),
    Mistake::formula("post-norm", "normalised after each half, as the first transformers did, not before", |a| {
        layer(a, |l| Layer { after: true, ..l })
    }),
    Mistake::formula(
        "alpha-counted-twice",
        "a stands inside MSSA and before it: a³ where a² belongs, as chapter 4 of the monograph prints",
        |a| {
            of_result(a, &["rate_gradient_softmax"], |y, z, alpha| {
                let linear = z.scale(alpha);
                linear.sub(&linear.sub(y)?.scale(alpha))
            })
        },
    ),
    Mistake::formula("linear-term-missing", "the term a Z is missing: the correction alone", |a| {
        of_result(a, &["rate_gradient_softmax", "rate_gradient_span_closed"], |y, z, alpha| y.sub(&z.scale(alpha)))
    }),
    Mistake::formula("bases-joined", "one rate of all subspaces joined where one of each belongs", |a| {
        (a.is("subspace_coding_rate") && a.is_single()).then(|| {
            let (z, u) = (a.matrix("z")?, a.matrices("u")?);
            let p = u.first().map_or(0, Matrix::cols);
            let joined = Matrix::from_fn(z.cols(), u.len() * p, |i, j| u[j / p][(i, j % p)]);
            let scale = D::from_usize(p) / (D::from_usize(z.rows()) * a.squared()?);
            let gram = z.matmul(&joined)?.gram_rows().scale(scale);
            Ok(Values::new().with("value", log_det_i_plus(&gram)? * half()))
        })
    }),
];
