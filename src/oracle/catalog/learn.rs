//! Catalog entries of the room [`crate::learn`].

use crate::Result;
use crate::learn;
use crate::linalg::Matrix;
use crate::oracle::{ANY, Args, Case, Closed, Domain, Law, Operator, Param, Port, Range, Setting, Sides, Spec, Tensor, Value, Values};
use crate::scalar::{Ball, Scalar};

fn vector(x: &[f64]) -> Tensor<Ball> {
    Tensor { shape: vec![x.len()], data: x.iter().map(|&x| Ball::exact(x)).collect() }
}
/// The case with one real input through `f`, number by number.
fn mapped(case: &Case, name: &str, f: impl Fn(usize, Ball) -> Ball) -> Result<Case> {
    let t = case.inputs.real(name)?;
    let data = t.data.iter().enumerate().map(|(k, &x)| f(k, x)).collect();
    Ok(case.clone().input(name, Tensor { shape: t.shape.clone(), data }))
}
fn output(values: Values<Ball>, name: &str) -> Result<Vec<Ball>> {
    Ok(values.real(name)?.data.clone())
}
/// The outputs of a case and of the same case with every row of `x` shifted by 3.
fn shifted(f: &dyn crate::oracle::Implementation, case: &Case, x: &str, y: &str) -> Result<(Vec<Ball>, Vec<Ball>)> {
    let moved = mapped(case, x, |_, v| v + Ball::exact(3.0))?;
    Ok((output(f.eval(&moved)?, y)?, output(f.eval(case)?, y)?))
}

/// `softmax`.
pub struct Softmax;
impl Operator for Softmax {
    const SPEC: Spec = Spec {
        name: "softmax",
        room: "learn",
        purpose: "rows to distributions",
        definition: "y_ij = exp(x_ij − m_i) / Σ_l exp(x_il − m_i), m_i the greatest of row i; gradient x̄ = y ∘ (ȳ − Σ_l ȳ_l y_l)",
        source: "Bridle, Neurocomputing 1990",
        inputs: &[Port::real("x", "n m", "logits; each row by itself")],
        outputs: &[Port::real("y", "n m", "rows sum to 1")],
        divergences: &["The papers' columns are our rows: softmax over the other axis is the most common transposition bug"],
        couples: "the last axis; rows are independent",
        cost: "about 25·n·m flops",
        flops: |s| 25.0 * s("n") * s("m"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", learn::softmax(&x.matrix("x")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        Ok(Values::new().with("x", learn::softmax_vjp(&learn::softmax(&x.matrix("x")?)?, &y.matrix("y")?)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("softmax/rows_sum_to_one", "Σ_j y_ij = 1", |f, case| {
                let y = f.eval(case)?.matrix("y")?;
                let sums: Vec<Ball> = (0..y.rows()).map(|i| y.row(i).iter().fold(Ball::ZERO, |s, &x| s + x)).collect();
                let ones = vec![Ball::ONE; sums.len()];
                Ok(Some(Sides::all(sums, ones)))
            }),
            Law::equal("softmax/shift", "adding a number to a row changes nothing", |f, case| {
                let (left, right) = shifted(f, case, "x", "y")?;
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("softmax/gradient_sums_to_zero", "Σ_j x̄_ij = 0", |f, case| {
                let y = f.eval(case)?.matrix("y")?;
                let bar = Matrix::from_fn(y.rows(), y.cols(), |i, j| Ball::exact((1 + i + 2 * j) as f64));
                let g = f.vjp(case, &Values::new().with("y", bar))?.matrix("x")?;
                let sums: Vec<Ball> = (0..g.rows()).map(|i| Ball::ONE + g.row(i).iter().fold(Ball::ZERO, |s, &x| s + x)).collect();
                let ones = vec![Ball::ONE; sums.len()];
                Ok(Some(Sides::all(sums, ones)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let equal = Matrix::from_rows(&[[7.0, 7.0, 7.0, 7.0]]);
        let y = Matrix::from_rows(&[[0.25, 0.25, 0.25, 0.25]]);
        vec![Closed::new("equal logits", Case::new(Values::new().with("x", equal)), Values::new().with("y", y))]
    }
}

/// `log_sum_exp`.
pub struct LogSumExp;
impl Operator for LogSumExp {
    const SPEC: Spec = Spec {
        name: "log_sum_exp",
        room: "learn",
        purpose: "a smooth maximum of each row",
        definition: "y_i = m_i + ln Σ_l exp(x_il − m_i), m_i the greatest of row i; gradient x̄_i = ȳ_i softmax(x_i)",
        source: "Blanchard, Higham and Higham, IMA J. Numer. Anal. 2021",
        inputs: &[Port::real("x", "n m", "each row by itself")],
        outputs: &[Port::real("y", "n", "one number a row")],
        couples: "the last axis; rows are independent",
        divergences: &["Without the shift by the maximum: infinity from 710 on in f64, from 89 on in f32"],
        cost: "about 25·n·m flops",
        flops: |s| 25.0 * s("n") * s("m"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", learn::log_sum_exp(&x.matrix("x")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let bar = &y.real("y")?.data;
        let soft = learn::softmax(&x.matrix("x")?)?;
        Ok(Values::new().with("x", Matrix::from_fn(soft.rows(), soft.cols(), |i, j| soft[(i, j)] * bar[i])))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("log_sum_exp/shift", "adding 3 to a row adds 3", |f, case| {
                let (left, right) = shifted(f, case, "x", "y")?;
                Ok(Some(Sides::all(left, right.into_iter().map(|x| x + Ball::exact(3.0)).collect::<Vec<_>>())))
            }),
            Law::at_most("log_sum_exp/above_maximum", "max_j x_ij ≤ y_i", |f, case| {
                let x = case.inputs.matrix("x")?;
                let greatest: Vec<Ball> = (0..x.rows()).map(|i| x.row(i)[1..].iter().fold(x.row(i)[0], |m, &x| m.max(x))).collect();
                Ok(Some(Sides::all(greatest, output(f.eval(case)?, "y")?)))
            }),
            Law::at_most("log_sum_exp/below_maximum_plus_log", "y_i ≤ max_j x_ij + ln m", |f, case| {
                let x = case.inputs.matrix("x")?;
                let ln = Ball::exact(x.cols() as f64).ln();
                let greatest: Vec<Ball> = (0..x.rows()).map(|i| x.row(i)[1..].iter().fold(x.row(i)[0], |m, &x| m.max(x)) + ln).collect();
                Ok(Some(Sides::all(output(f.eval(case)?, "y")?, greatest)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let x = Matrix::from_rows(&[[5.0, 5.0, 5.0], [-800.0, -800.0, -800.0]]);
        let ln3 = Ball::exact(3.0).ln();
        let y = vec![Ball::exact(5.0) + ln3, ln3 - Ball::exact(800.0)];
        vec![Closed::new("equal entries: x + ln m", Case::new(Values::new().with("x", x)), Values::new().with("y", y))]
    }
}

/// `layer_norm`.
pub struct LayerNorm;
impl Operator for LayerNorm {
    const SPEC: Spec = Spec {
        name: "layer_norm",
        room: "learn",
        purpose: "rows to mean 0 and variance 1, then gain and shift",
        definition: "y = γ ∘ (x − μ)/√(v + eps) + β, μ the mean and v the biased variance of the row",
        source: "Ba, Kiros, Hinton, Layer Normalization, 2016, eq. 4",
        inputs: &[Port::real("x", "n d", "tokens, one a row"), Port::real("gamma", "d", "gain"), Port::real("beta", "d", "shift")],
        outputs: &[Port::real("y", "n d", "")],
        params: &[Param {
            name: "eps",
            domain: Range::Positive,
            default: Some(1e-5),
            samples: &[1e-5, 1e-6, 0.125],
            doc: "added to the variance",
        }],
        divergences: &[
            "eps is 1e-5 in PyTorch, 1e-6 in ViT, MAE and Flax",
            "The monograph's chapter on transformers divides by ‖x − μ‖: ours at eps = 0 divided by √d",
            "The variance is biased: divided by d, not d − 1",
        ],
        couples: "the last axis; rows are independent",
        cost: "about 8·n·d flops",
        flops: |s| 8.0 * s("n") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", learn::layer_norm(&x.matrix("x")?, x.vector("gamma")?, x.vector("beta")?, x.param("eps")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = learn::layer_norm_vjp(&x.matrix("x")?, x.vector("gamma")?, x.param("eps")?, &y.matrix("y")?)?;
        Ok(Values::new().with("x", g.x).with("gamma", g.gamma).with("beta", g.beta))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("layer_norm/shift", "adding a number to a row changes nothing", |f, case| {
                let (left, right) = shifted(f, case, "x", "y")?;
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("layer_norm/scale", "LN_{4 eps}(2x) = LN_eps(x)", |f, case| {
                let mut twice = mapped(case, "x", |_, x| x * Ball::exact(2.0))?;
                let eps = case.number("eps").unwrap_or(1e-5);
                twice.params.retain(|(n, _)| n != "eps");
                twice.params.push(("eps".into(), Setting::Number(4.0 * eps)));
                Ok(Some(Sides::all(output(f.eval(&twice)?, "y")?, output(f.eval(case)?, "y")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let x = Values::new()
            .with("x", Matrix::from_rows(&[[7.0, 7.0, 7.0], [1.0, -1.0, 0.0]]))
            .with("gamma", vector(&[1.0, 2.0, 3.0]))
            .with("beta", vector(&[0.5, 0.25, -1.0]));
        // Row 2: mean 0, variance 2/3; with eps = 1/3 the divisor is 1.
        let third = Ball::exact(1.0 / 3.0);
        let r = (Ball::exact(2.0) / Ball::exact(3.0) + third).sqrt().recip();
        let (a, b) = (Ball::exact(0.5) + r, Ball::exact(0.25) - Ball::exact(2.0) * r);
        let y = Matrix::from_fn(2, 3, |i, j| [[Ball::exact(0.5), Ball::exact(0.25), -Ball::ONE], [a, b, -Ball::ONE]][i][j]);
        vec![Closed::new("a constant row gives β; a unit row", Case::new(x).set("eps", 1.0 / 3.0), Values::new().with("y", y))]
    }
}

/// `linear`.
pub struct Linear;
impl Operator for Linear {
    const SPEC: Spec = Spec {
        name: "linear",
        room: "learn",
        purpose: "Y = X Wᵀ + b",
        definition: "y_ij = Σ_k x_ik w_jk + b_j; W is out × in as PyTorch stores it",
        source: "PyTorch torch.nn.Linear",
        inputs: &[
            Port::real("x", "n d", "tokens, one a row"),
            Port::real("w", "m d", "weight, out × in"),
            Port::real("b", "m", "bias").or_absent(),
        ],
        outputs: &[Port::real("y", "n m", "")],
        divergences: &["Flax and Keras store the weight in × out: pass its transpose"],
        couples: "the last axis; rows are independent",
        cost: "2·n·m·d flops",
        flops: |s| 2.0 * s("n") * s("m") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let b = if x.has("b") { Some(x.vector("b")?) } else { None };
        Ok(Values::new().with("y", learn::linear(&x.matrix("x")?, &x.matrix("w")?, b)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = learn::linear_vjp(&x.matrix("x")?, &x.matrix("w")?, &y.matrix("y")?)?;
        let out = Values::new().with("x", g.x).with("w", g.w);
        Ok(if x.has("b") { out.with("b", g.b) } else { out })
    }
    fn laws() -> Vec<Law> {
        vec![Law::equal("linear/linear", "y(3x) − y(x) = 2 (y(x) − b)", |f, case| {
            let y = output(f.eval(case)?, "y")?;
            let thrice = output(f.eval(&mapped(case, "x", |_, x| x * Ball::exact(3.0))?)?, "y")?;
            let zero = output(f.eval(&mapped(case, "x", |_, _| Ball::ZERO)?)?, "y")?;
            let left: Vec<Ball> = thrice.iter().zip(&y).map(|(&a, &b)| a - b).collect();
            let right: Vec<Ball> = y.iter().zip(&zero).map(|(&a, &b)| (a - b) * Ball::exact(2.0)).collect();
            Ok(Some(Sides::all(left, right)))
        })]
    }
    fn closed_forms() -> Vec<Closed> {
        let x = Values::new()
            .with("x", Matrix::from_rows(&[[1.0, 2.0]]))
            .with("w", Matrix::from_rows(&[[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]))
            .with("b", vector(&[0.5, 0.0, -1.0]));
        vec![Closed::new("small integers", Case::new(x), Values::new().with("y", Matrix::from_rows(&[[11.5, 17.0, 22.0]])))]
    }
}

/// Element by element: `f` on every number of port `x`.
fn each<S: Scalar>(x: &Args<S>, f: impl FnMut(S) -> S) -> Result<Values<S>> {
    Ok(Values::new().with("y", x.tensor("x")?.map(f)))
}
/// Element by element: the cotangent times `f`.
fn each_vjp<S: Scalar>(x: &Args<S>, y: &Values<S>, f: impl Fn(S) -> S) -> Result<Values<S>> {
    let (t, bar) = (x.tensor("x")?, y.real("y")?);
    if t.shape != bar.shape {
        return Err(crate::Error::shape("cotangent y", format!("{:?}", t.shape), format!("{:?}", bar.shape)));
    }
    let data = t.data.iter().zip(&bar.data).map(|(&x, &b)| b * f(x)).collect();
    Ok(Values::new().with("x", Tensor { shape: t.shape.clone(), data }))
}
const ELEMENTWISE: Spec = Spec {
    room: "learn",
    inputs: &[Port::real("x", ANY, "any shape")],
    outputs: &[Port::real("y", ANY, "the same shape")],
    couples: "nothing: each number by itself",
    ..Spec::BLANK
};

/// `relu`.
pub struct Relu;
impl Operator for Relu {
    const SPEC: Spec = Spec {
        name: "relu",
        purpose: "max(x, 0), element by element",
        definition: "y = max(x, 0); derivative 1 for x > 0, else 0",
        source: "Nair and Hinton, ICML 2010",
        divergences: &["The derivative at 0 is 0 here and in PyTorch; jax.numpy.maximum(x, 0) gives ½"],
        cost: "1 flop a number",
        ..ELEMENTWISE
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        each(x, S::relu)
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        each_vjp(x, y, learn::relu_derivative)
    }
    fn laws() -> Vec<Law> {
        vec![Law::equal("relu/split", "relu(x) − relu(−x) = x", |f, case| {
            let (up, down) = (output(f.eval(case)?, "y")?, output(f.eval(&mapped(case, "x", |_, x| -x)?)?, "y")?);
            Ok(Some(Sides::all(up.iter().zip(&down).map(|(&a, &b)| a - b).collect::<Vec<_>>(), case.inputs.real("x")?.data.clone())))
        })]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = Case::new(Values::new().with("x", vector(&[-1.5, 0.0, 2.5])));
        vec![
            Closed::new("both sides of the kink and the kink", case, Values::new().with("y", vector(&[0.0, 0.0, 2.5])))
                .gradient(Values::new().with("y", vector(&[3.0, 5.0, 7.0])), Values::new().with("x", vector(&[0.0, 0.0, 7.0]))),
        ]
    }
}

/// `soft_threshold`.
pub struct SoftThreshold;
impl Operator for SoftThreshold {
    const SPEC: Spec = Spec {
        name: "soft_threshold",
        purpose: "the proximal map of θ|x|, element by element",
        definition: "y = sgn(x) max(|x| − θ, 0); derivative 1 where |x| > θ, else 0; in θ: −sgn(x) where |x| > θ, else 0",
        source: "Daubechies, Defrise, De Mol, Comm. Pure Appl. Math. 2004",
        params: &[Param {
            name: "theta",
            domain: Range::NonNegative,
            default: None,
            samples: &[0.5, 0.25, 1.0, 2.5],
            doc: "the threshold",
        }],
        divergences: &["The derivative at |x| = θ is 0 here and in torch.softshrink; sign · torch.maximum(|x| − θ, 0) gives ½"],
        cost: "2 flops a number",
        ..ELEMENTWISE
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let t = x.param("theta")?;
        each(x, |x| x.soft_threshold(t))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let t = x.param("theta")?;
        let out = each_vjp(x, y, |x| learn::soft_threshold_derivative(x, t).0)?;
        let theta: Vec<S> =
            x.vector("x")?.iter().zip(&y.real("y")?.data).map(|(&x, &b)| b * learn::soft_threshold_derivative(x, t).1).collect();
        Ok(out.with("theta", S::sum(&theta)))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("soft_threshold/odd", "y(−x) = −y(x)", |f, case| {
                let minus = output(f.eval(&mapped(case, "x", |_, x| -x)?)?, "y")?;
                Ok(Some(Sides::all(minus, output(f.eval(case)?, "y")?.into_iter().map(|y| -y).collect::<Vec<_>>())))
            }),
            Law::at_most("soft_threshold/shrinks", "|y| ≤ |x|", |f, case| {
                let size = |v: Vec<Ball>| v.into_iter().map(Scalar::abs).collect::<Vec<_>>();
                Ok(Some(Sides::all(size(output(f.eval(case)?, "y")?), size(case.inputs.real("x")?.data.clone()))))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = Case::new(Values::new().with("x", vector(&[-1.5, -0.5, 0.25, 0.5, 2.0]))).set("theta", 0.5);
        vec![Closed::new("both sides, inside, the kinks", case, Values::new().with("y", vector(&[-1.0, 0.0, 0.0, 0.0, 1.5]))).gradient(
            Values::new().with("y", vector(&[1.0, 2.0, 4.0, 8.0, 16.0])),
            Values::new().with("x", vector(&[1.0, 0.0, 0.0, 0.0, 16.0])).with("theta", Ball::exact(-15.0)),
        )]
    }
}

/// `gelu`.
pub struct Gelu;
impl Operator for Gelu {
    const SPEC: Spec = Spec {
        name: "gelu",
        purpose: "x Φ(x), element by element",
        definition: "exact: y = x/2 (1 + erf(x/√2)); tanh: y = x/2 (1 + tanh(√(2/π)(x + 0.044715 x³)))",
        source: "Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, eq. 2",
        params: &[Param {
            name: "form",
            domain: Range::Word(&["exact", "tanh"]),
            default: Some(0.0),
            samples: &[0.0, 1.0],
            doc: "exact, or its tanh approximation",
        }],
        divergences: &["PyTorch's default is exact, JAX's jax.nn.gelu is tanh: they differ by up to 4.8e-4"],
        cost: "about 40 flops a number",
        ..ELEMENTWISE
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        if x.word("form")? == "tanh" { each(x, learn::gelu_tanh) } else { each(x, learn::gelu) }
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        if x.word("form")? == "tanh" { each_vjp(x, y, learn::gelu_tanh_derivative) } else { each_vjp(x, y, learn::gelu_derivative) }
    }
    fn laws() -> Vec<Law> {
        vec![Law::equal("gelu/split", "y(x) − y(−x) = x", |f, case| {
            let (up, down) = (output(f.eval(case)?, "y")?, output(f.eval(&mapped(case, "x", |_, x| -x)?)?, "y")?);
            Ok(Some(Sides::all(up.iter().zip(&down).map(|(&a, &b)| a - b).collect::<Vec<_>>(), case.inputs.real("x")?.data.clone())))
        })]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = Case::new(Values::new().with("x", vector(&[0.0])));
        vec![
            Closed::new("0, with slope ½", case, Values::new().with("y", vector(&[0.0])))
                .gradient(Values::new().with("y", vector(&[1.0])), Values::new().with("x", vector(&[0.5]))),
        ]
    }
}

/// `cross_entropy`.
pub struct CrossEntropy;
impl Operator for CrossEntropy {
    const SPEC: Spec = Spec {
        name: "cross_entropy",
        room: "learn",
        purpose: "the mean cross-entropy of a batch, with label smoothing",
        definition: "−1/B Σ_b Σ_c q_bc log_softmax(x_b)_c, q = (1 − s) onehot(label) + s/C; gradient (softmax − q)/B",
        source: "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, CVPR 2016, §7",
        inputs: &[Port::real("logits", "b c", "one row a sample"), Port::of(Domain::Label("c"), "labels", "b", "the classes")],
        outputs: &[Port::real("value", "", "nats")],
        params: &[Param {
            name: "smoothing",
            domain: Range::Fraction,
            default: Some(0.0),
            samples: &[0.125, 0.0, 0.25],
            doc: "s: the share spread over all classes",
        }],
        divergences: &["The mean over the batch, not the sum", "CRATE trains with s = 0.1 and finetunes with s = 0"],
        couples: "all rows: one mean",
        cost: "about 30·b·c flops",
        flops: |s| 30.0 * s("b") * s("c"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("value", learn::cross_entropy(&x.matrix("logits")?, &x.labels("labels")?, x.param("smoothing")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let g = learn::cross_entropy_vjp(&x.matrix("logits")?, &x.labels("labels")?, x.param("smoothing")?, y.scalar("value")?)?;
        Ok(Values::new().with("logits", g))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("cross_entropy/shift", "adding a number to the logits changes nothing", |f, case| {
                let (left, right) = shifted(f, case, "logits", "value")?;
                Ok(Some(Sides::all(left, right)))
            }),
            Law::at_most("cross_entropy/entropy_of_target", "the entropy of q is a lower bound", |f, case| {
                let c = Ball::exact(case.inputs.matrix("logits")?.cols() as f64);
                let s = Ball::exact(case.number("smoothing").unwrap_or(0.0));
                let part = |q: Ball| if q.magnitude() == 0.0 { Ball::ZERO } else { -(q * q.ln()) };
                let spread = s / c;
                let entropy = part(Ball::ONE - s + spread) + (c - Ball::ONE) * part(spread);
                Ok(Some(Sides::of(entropy, f.eval(case)?.scalar("value")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let labels: Value<Ball> = Value::Int(Tensor { shape: vec![2], data: vec![0, 3] });
        let case = Case::new(Values::new().with("logits", Matrix::from_rows(&[[2.0; 4], [-1.0; 4]])).with("labels", labels))
            .set("smoothing", 0.25);
        vec![Closed::new("constant logits: ln C", case, Values::new().with("value", Ball::exact(4.0).ln()))]
    }
}
