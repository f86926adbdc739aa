//! The right answer to another question: other parameters, another preset, inputs seen differently.

use crate::linalg::Matrix;
use crate::oracle::check::asked::{Asked, each_matrix};
use crate::oracle::check::dtype::Dtype;
use crate::oracle::check::mistake::{Mistake, Other, memory_in_order, other_orders};
use crate::oracle::spec::{Domain, Port, Range};
use crate::oracle::value::Value;
use crate::oracle::{Case, shape};
use crate::scalar::{Ball, Scalar};

fn eps(case: Option<Case>) -> Vec<Other> {
    case.map(|c| Other::parameters("", c)).into_iter().collect()
}
/// α times a number made of rows and columns (p with bases): `(n, d)`.
fn alpha(a: &Asked, f: fn(f64, f64) -> f64) -> Vec<Other> {
    let factor = a.rows_and_columns().and_then(|(n, _)| Some(f(n, a.dimension()?)));
    eps(a.with_alpha_times(factor.filter(|x| *x > 0.0 && x.is_finite())))
}
/// Every port through `f`.
fn ports<'a>(a: &'a Asked, f: impl Fn(&'static Port) -> Option<Other> + 'a) -> Vec<Other> {
    a.inputs().filter_map(|(p, _)| f(p)).collect()
}
/// The samples through `f`.
fn samples(a: &Asked, f: impl Fn(&'static Port) -> Option<Other>) -> Vec<Other> {
    a.samples().and_then(f).into_iter().collect()
}
/// Every real parameter moved to each of some values that it may have.
fn moved(a: &Asked, f: impl Fn(f64) -> Vec<f64>) -> Vec<Other> {
    let mut out = Vec::new();
    for (param, x) in a.reals() {
        for y in f(x).into_iter().filter(|y| *y != x) {
            let case = a.case.clone().set(param.name, y);
            if case.check(a.spec()).is_ok() {
                out.push(Other::parameters(param.name, case));
            }
        }
    }
    out
}
/// A real parameter through a function of another.
fn with_another(a: &Asked, f: fn(f64, f64) -> f64) -> Vec<Other> {
    let all: Vec<_> = a.reals().collect();
    let mut out = Vec::new();
    for (p, x) in &all {
        for (q, y) in all.iter().filter(|(q, y)| q.name != p.name && *y != 1.0) {
            let case = a.case.clone().set(p.name, f(*x, *y));
            if case.check(a.spec()).is_ok() {
                out.push(Other::parameters(format!("{} and {}", p.name, q.name), case));
            }
        }
    }
    out
}
/// Square, last two axes.
fn square(t: &[usize]) -> bool {
    matches!(t, [.., r, c] if r == c && *r > 1)
}
fn is_symmetric(port: &Port) -> bool {
    matches!(port.domain, Domain::Definite | Domain::Semidefinite)
}
/// The axes of an input with products taken apart: `3*h*p d` is (3, h, p, d).
fn factors(a: &Asked, port: &Port) -> Option<Vec<usize>> {
    shape::axes(port.shape)
        .next()
        .filter(|axis| axis.contains('*'))?
        .split('*')
        .map(|f| f.parse().ok().or(a.size(f).map(|n| n as usize)))
        .collect()
}
fn row_sum(m: &Matrix<Ball>, i: usize) -> Ball {
    m.row(i).iter().fold(Ball::ZERO, |s, x| s + *x)
}
fn centred(m: &Matrix<Ball>) -> Option<Matrix<Ball>> {
    let n = Ball::exact(m.rows() as f64);
    let mean: Vec<Ball> = (0..m.cols()).map(|j| m.col(j).into_iter().fold(Ball::ZERO, |s, x| s + x) / n).collect();
    Some(Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(i, j)] - mean[j]))
}
fn rows_centred(m: &Matrix<Ball>) -> Option<Matrix<Ball>> {
    let d = Ball::exact(m.cols() as f64);
    Some(Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(i, j)] - row_sum(m, i) / d))
}
fn lengths(m: &Matrix<Ball>) -> Vec<Ball> {
    (0..m.rows()).map(|i| m.row(i).iter().fold(Ball::ZERO, |s, x| s + x.square()).sqrt()).collect()
}
fn unit_rows(m: &Matrix<Ball>) -> Option<Matrix<Ball>> {
    let lengths = lengths(m);
    let one = |i: usize| if lengths[i].mid().hi() > 0.0 { lengths[i] } else { Ball::ONE };
    Some(Matrix::from_fn(m.rows(), m.cols(), |i, j| m[(i, j)] / one(i)))
}
/// The gradient at unit rows brought back: each row without its part along the row, over the length.
fn unit_rows_question(a: &Asked, port: &'static Port) -> Option<Other> {
    let (case, t) = (a.with_each(port, unit_rows)?, a.case.inputs.real(port.name).ok()?.clone());
    let mut other = Other::inputs(port.name, case);
    other.back = Some(Box::new(move |g| {
        let mut out = g.clone();
        if let Ok(bar) = g.real(port.name) {
            let cols = *t.shape.last()?;
            let mut data = Vec::with_capacity(bar.data.len());
            for (z, g) in t.data.chunks(cols.max(1)).zip(bar.data.chunks(cols.max(1))) {
                let dot = |x: &[Ball], y: &[Ball]| x.iter().zip(y).fold(Ball::ZERO, |s, (a, b)| s + *a * *b);
                let square = dot(z, z);
                let along = dot(z, g) / square;
                data.extend(z.iter().zip(g).map(|(&z, &g)| (g - along * z) / square.sqrt()));
            }
            out.set(port.name, crate::oracle::Tensor { shape: bar.shape.clone(), data });
        }
        Some(out)
    }));
    Some(other)
}
/// Without the first or the last sample, labels with it; for results that are not one row a sample.
fn shorter(a: &Asked, first: bool) -> Vec<Other> {
    let Some(port) = a.samples() else { return Vec::new() };
    let axis = shape::axes(port.shape).next().unwrap_or("");
    if !a.is_single() || a.spec().outputs.iter().any(|p| shape::axes(p.shape).any(|x| x == axis)) || a.size(axis).is_none_or(|n| n < 2.0) {
        return Vec::new();
    }
    let mut case = a.case.clone();
    for port in a.spec().inputs.iter().filter(|p| shape::axes(p.shape).next() == Some(axis)) {
        let cut = |len: usize, rows: usize| if first { len / rows..len } else { 0..len - len / rows };
        match a.case.inputs.get(port.name) {
            Some(Value::Real(t)) => {
                let (mut shape, range) = (t.shape.clone(), cut(t.data.len(), t.shape[0]));
                shape[0] -= 1;
                case.inputs.set(port.name, crate::oracle::Tensor { shape, data: t.data[range].to_vec() });
            }
            Some(Value::Int(t)) => {
                let (mut shape, range) = (t.shape.clone(), cut(t.data.len(), t.shape[0]));
                shape[0] -= 1;
                case.inputs.set(port.name, crate::oracle::Tensor { shape, data: t.data[range].to_vec() });
            }
            None => {}
        }
    }
    vec![Other::inputs("", case)]
}
/// Queries (or keys) of one projection times a number: what the logits are multiplied by.
fn scaled_queries(a: &Asked, factor: fn(&Asked) -> Option<f64>) -> Vec<Other> {
    let (Some(c), Ok(w)) = (factor(a), a.case.inputs.matrix("w_qkv")) else { return Vec::new() };
    // Where attention is the whole operator its formulas say the same.
    if a.spec().input("w_qkv").is_none_or(|p| !p.shape.starts_with("3*")) || !a.is_single() || a.is("mhsa") {
        return Vec::new();
    }
    let third = w.rows() / 3;
    let c = Ball::exact(c).sqrt();
    let scaled = move |i: usize, x: Ball| if i < 2 * third { x * c } else { x };
    let mut case = a.case.clone().input("w_qkv", Matrix::from_fn(w.rows(), w.cols(), |i, j| scaled(i, w[(i, j)])));
    if let Ok(b) = a.case.inputs.real("b_qkv") {
        case.inputs.set("b_qkv", b.data.iter().enumerate().map(|(i, &x)| scaled(i, x)).collect::<Vec<_>>());
    }
    let back = move |g: &crate::oracle::Values<Ball>| {
        let mut out = g.clone();
        for name in ["w_qkv", "b_qkv"] {
            if let Ok(t) = g.real(name) {
                let width = t.data.len() / (3 * third).max(1);
                let data = t.data.iter().enumerate().map(|(k, &x)| scaled(k / width.max(1), x)).collect();
                out.set(name, crate::oracle::Tensor { shape: t.shape.clone(), data });
            }
        }
        Some(out)
    };
    let mut other = Other::inputs("", case);
    other.back = Some(Box::new(back));
    vec![other]
}
fn head_width(a: &Asked) -> Option<f64> {
    a.size("p").filter(|&p| p > 1.0)
}

pub(super) const QUESTIONS: &[Mistake] = &[
    Mistake::question("eps-for-eps2", "ε stands where ε² belongs: the number was not squared", |a| {
        eps(a.with_eps2(a.eps2().map_or(1.0, f64::sqrt)))
    }),
    Mistake::question("eps2-squared", "ε² was squared once more: ε⁴ stands where ε² belongs", |a| {
        eps(a.with_eps2(a.eps2().map_or(1.0, |e| e * e)))
    }),
    Mistake::question("eps-is-one", "ε is left out: 1 stands where ε² belongs", |a| eps(a.with_eps2(1.0))),
    Mistake::question("eps2-inverse", "multiplied by ε² where it divides", |a| eps(a.with_eps2(1.0 / a.eps2().unwrap_or(1.0)))),
    Mistake::question("n-for-d", "n and d exchanged in α: n/(dε²)", |a| alpha(a, |n, d| n * n / (d * d))),
    Mistake::question("alpha-without-d", "d is missing in α: 1/(nε²) (p with bases)", |a| alpha(a, |_, d| 1.0 / d)),
    Mistake::question("alpha-without-n", "n is missing in α: d/ε², a sum where the mean of the covariance belongs", |a| {
        alpha(a, |n, _| n)
    }),
    Mistake::question("alpha-is-one-over-eps2", "α = 1/ε², without d/n", |a| alpha(a, |n, d| n / d)),
    Mistake::question("alpha-is-one", "α is missing inside the determinant", |a| eps(a.with_alpha_times(a.alpha().map(|x| 1.0 / x)))),
    Mistake::question("alpha-of-sample-covariance", "n − 1 stands where n belongs in α", |a| alpha(a, |n, _| n / (n - 1.0))),
    Mistake::question("alpha-halved", "α is half as large", |a| eps(a.with_alpha_times(Some(0.5)))),
    Mistake::question("alpha-doubled", "α is twice as large", |a| eps(a.with_alpha_times(Some(2.0)))),
    Mistake::question("alpha-d-squared", "d stands twice in α", |a| alpha(a, |_, d| d)),
    Mistake::question("d-for-p", "the width d of the tokens stands where the width p of a subspace belongs", |a| {
        let wide = a.size("d").zip(a.size("p")).filter(|_| a.spec().input("u").is_some()).map(|(d, p)| d / p);
        eps(a.with_alpha_times(wide))
    }),
    Mistake::question("ignored-parameter", "{} is ignored, or has another value", |a| {
        let mut out = moved(a, |_| vec![0.0, 1.0]);
        for param in a.spec().params.iter().filter(|p| p.default.is_some() && a.case.params.iter().any(|(n, _)| n == p.name)) {
            let mut case = a.case.clone();
            case.params.retain(|(n, _)| n != param.name);
            if a.param(param.name) != param.default && !matches!(param.default, Some(x) if x == 0.0 || x == 1.0) {
                out.push(Other::parameters(param.name, case));
            }
        }
        out
    }),
    Mistake::question("other-form", "another form: {}", |a| {
        let mut out = Vec::new();
        for param in a.spec().params {
            match param.domain {
                Range::Word(words) => {
                    let now = a.param(param.name).map_or(usize::MAX, |x| x as usize);
                    for (_, word) in words.iter().enumerate().filter(|(i, _)| *i != now) {
                        out.extend(a.with_word(param, word).map(|c| Other::parameters(format!("{}={word}", param.name), c)));
                    }
                }
                Range::Flag => {
                    let flipped = 1.0 - a.param(param.name).unwrap_or(0.0);
                    out.push(Other::parameters(format!("{}={flipped}", param.name), a.case.clone().set(param.name, flipped)));
                }
                Range::Count(least) => {
                    let now = a.param(param.name).unwrap_or(0.0);
                    let shown = a.spec().inputs.iter().any(|p| shape::symbols(p.shape).any(|s| s == param.name));
                    for other in [now - 1.0, now + 1.0].into_iter().filter(|x| !shown && *x >= least as f64) {
                        out.push(Other::parameters(format!("{}={other}", param.name), a.case.clone().set(param.name, other)));
                    }
                }
                _ => {}
            }
        }
        out
    }),
    Mistake::question("factor-too-many", "the product of {} stands where the first alone belongs", |a| with_another(a, |x, y| x * y)),
    Mistake::question("factor-missing", "of {} the first stands where their product belongs", |a| with_another(a, |x, y| x / y)),
    Mistake::question("parameter-squared", "{} is squared", |a| moved(a, |x| vec![x * x])),
    Mistake::question("parameter-root", "the root of {} in its place", |a| moved(a, |x| vec![x.abs().sqrt()])),
    Mistake::question("parameter-halved", "{} is halved", |a| moved(a, |x| vec![0.5 * x])),
    Mistake::question("parameter-doubled", "{} is doubled", |a| moved(a, |x| vec![2.0 * x])),
    Mistake::question("parameter-sign", "{} with the opposite sign", |a| moved(a, |x| vec![-x])),
    Mistake::question("other-layer-norm-eps", "another ε in the layer norm: {}", |a| {
        let mut out = Vec::new();
        for (name, now) in ["eps", "eps_ln"].into_iter().filter(|_| !a.spec().distortion).filter_map(|n| Some((n, a.param(n)?))) {
            for (word, x) in [("1e-3", 1e-3), ("1e-5", 1e-5), ("1e-6", 1e-6), ("1e-8", 1e-8), ("1e-12", 1e-12)] {
                if x != now {
                    out.push(Other::parameters(word, a.case.clone().set(name, x)));
                }
            }
        }
        out
    }),
    Mistake::question("preset", "the form `{}`: see `white-box explain`", |a| {
        let now = a.case.preset.as_deref().unwrap_or("paper");
        let names = std::iter::once("paper").chain(a.spec().presets.iter().map(|p| p.name));
        names
            .filter(|n| *n != now)
            .filter_map(|n| Some((n, a.eps2().map_or_else(|| Some(a.case.clone()), |e| a.with_eps2(e))?)))
            .map(|(n, c)| Other::parameters(n, c.preset(n)))
            .collect()
    }),
    Mistake::question("transposed-input", "{} is transposed: in × out for out × in, or columns for rows", |a| {
        ports(a, |p| {
            let square = a.case.inputs.real(p.name).is_ok_and(|t| square(&t.shape)) && !is_symmetric(p);
            if square { Other::rearranged(a, p, p.name.into(), |t| each_matrix(t, |m| Some(m.transpose()))) } else { None }
        })
    }),
    Mistake::question(
        "memory-order",
        "the memory of {} was read in another order of its axes (a writer that stored `.T` as it lies, Fortran order, or `reshape` for `transpose`)",
        |a| {
            let mut out = Vec::new();
            for (p, t) in a.inputs().filter(|(p, t)| t.shape.len() == shape::rank(p.shape, t.shape.len()) && !is_symmetric(p)) {
                for axes in other_orders(t.shape.len()).iter().filter(|_| !square(&t.shape) || t.shape.len() > 2) {
                    for inverse in [false, true] {
                        out.extend(Other::rearranged(a, p, p.name.into(), |t| memory_in_order(t, &t.shape, axes, inverse)));
                    }
                }
            }
            out
        },
    ),
    Mistake::question(
        "head-order",
        "the rows of {} belong to the heads in another order: (h, 3, p) for (3, h, p), or p by p for head by head",
        |a| {
            let mut out = Vec::new();
            for (p, t) in a.inputs() {
                let Some(mut parts) = factors(a, p) else { continue };
                let count = parts.len();
                parts.extend(t.shape.iter().skip(1));
                for axes in other_orders(count) {
                    let all: Vec<usize> = axes.iter().copied().chain(count..parts.len()).collect();
                    for inverse in [false, true] {
                        out.extend(Other::rearranged(a, p, p.name.into(), |t| memory_in_order(t, &parts, &all, inverse)));
                    }
                }
            }
            out
        },
    ),
    Mistake::question("swapped-inputs", "{} exchanged", |a| {
        let all: Vec<_> = a.inputs().collect();
        let mut out = Vec::new();
        for (i, (p, x)) in all.iter().enumerate() {
            for (q, y) in all[i + 1..].iter().filter(|(q, y)| q.shape == p.shape && q.shape != shape::ANY && x.shape == y.shape) {
                let case = a.case.clone().input(p.name, (*y).clone()).input(q.name, (*x).clone());
                let mut other = Other::inputs(format!("{} and {}", p.name, q.name), case);
                let (p, q) = (p.name, q.name);
                other.back = Some(Box::new(move |g| {
                    let mut out = g.clone();
                    out.set(p, g.real(q).ok()?.clone());
                    out.set(q, g.real(p).ok()?.clone());
                    Some(out)
                }));
                out.push(other);
            }
        }
        out
    }),
    Mistake::question("ignored-input", "{} is ignored", |a| {
        let optional = a.spec().inputs.iter().filter(|p| p.optional && a.case.inputs.get(p.name).is_some());
        optional
            .map(|p| {
                let mut case = a.case.clone();
                case.inputs.remove(p.name);
                Other::parameters(p.name, case)
            })
            .collect()
    }),
    Mistake::question("centred", "the mean of the rows of {} was subtracted: a covariance where the second moment belongs", |a| {
        samples(a, |p| Other::projected(a, p, centred))
    }),
    Mistake::question("rows-centred", "the mean of each row of {} was subtracted", |a| {
        samples(a, |p| Other::projected(a, p, rows_centred))
    }),
    Mistake::question("unit-rows", "the rows of {} were divided by their length", |a| samples(a, |p| unit_rows_question(a, p))),
    Mistake::question("unit-atoms", "the columns of {} were divided by their length", |a| {
        ports(a, |p| {
            let atoms = matches!(p.name, "u" | "dictionary" | "d" | "w_qkv");
            let case = a.with_each(p, |m| Some(unit_rows(&m.transpose())?.transpose())).filter(|_| atoms)?;
            Some(Other::inputs(p.name, case))
        })
    }),
    Mistake::question("without-first-row", "the first sample is left out", |a| shorter(a, true)),
    Mistake::question("without-last-row", "the last sample is left out", |a| shorter(a, false)),
    Mistake::question(
        "rounded-inputs",
        "the inputs were rounded to {} before the products (torch.backends.cuda.matmul.allow_tf32, torch.autocast, jax_default_matmul_precision)",
        |a| {
            let kinds = [("f32", Dtype::F32), ("tf32", Dtype::Tf32), ("f16", Dtype::F16), ("bf16", Dtype::Bf16)];
            kinds
                .into_iter()
                .filter_map(|(word, dtype)| {
                    let case = Case { inputs: a.case.inputs.map(|x| Ball::exact(dtype.product(x.mid().hi()))), ..a.case.clone() };
                    (case.inputs != a.case.inputs).then(|| Other::parameters(word, case))
                })
                .collect()
        },
    ),
    Mistake::question("attention-scale-missing", "the logits are not divided by √p", |a| {
        scaled_queries(a, |a| head_width(a).map(f64::sqrt))
    }),
    Mistake::question(
        "attention-scale-of-model",
        "the logits are divided by √d, d the width of the model, where √p of a head belongs",
        |a| scaled_queries(a, |a| Some((head_width(a)? / a.size("d")?).sqrt())),
    ),
    Mistake::question("attention-scale-twice", "the logits are divided by p, the scale twice", |a| {
        scaled_queries(a, |a| head_width(a).map(|p| 1.0 / p.sqrt()))
    }),
    Mistake::question("tied-output", "the output map is the transpose of the input map: tied where it is learned by itself", |a| {
        let Ok(w) = a.case.inputs.matrix("w_qkv") else { return Vec::new() };
        let fits = a.case.inputs.matrix("w_out").is_ok_and(|o| [o.cols(), o.rows()] == w.shape());
        if fits && a.is_single() { vec![Other::inputs("", a.case.clone().input("w_out", w.transpose()))] } else { Vec::new() }
    }),
    Mistake::question("first-basis-everywhere", "every head has the first basis of {}", |a| {
        a.inputs()
            .filter(|(p, t)| p.name == "u" && t.shape.len() == 3 && t.shape[0] > 1)
            .map(|(p, t)| {
                let block = t.data.len() / t.shape[0];
                let data = (0..t.data.len()).map(|k| t.data[k % block]).collect();
                Other::inputs(p.name, a.case.clone().input(p.name, crate::oracle::Tensor { shape: t.shape.clone(), data }))
            })
            .collect()
    }),
];
