//! `redunet_layer` and `redunet_assignment`.

use crate::Result;
use crate::coding::{Distortion, unit_rows};
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Values, cotangent, digits};
use crate::reduction::{ClassScale, Membership, RateOperators};
use crate::redunet::ReduLayer;
use crate::scalar::{Ball, Bulk, Scalar};

const Z: Port = Port::real("z", "n d", "features, one sample a row");
const C: Port = Port::real("c", "k d d", "C_1 … C_K, the operators that compress each class");
pub const ETA: Param =
    Param { name: "eta", domain: Range::Real, default: Some(0.5), samples: &[0.5, 0.25, 0.125], doc: "η, the step of the ascent" };
pub const LAMBDA: Param = Param {
    name: "lambda",
    domain: Range::NonNegative,
    default: Some(500.0),
    samples: &[2.0, 0.5, 3.0],
    doc: "λ, the sharpness of the assignment (default: that of the official MNIST experiment)",
};

fn layer<S: Scalar>(x: &Args<S>) -> Result<ReduLayer<S>> {
    let c = x.matrices("c")?;
    let (d, k) = (x.size("d"), c.len());
    let (e, gamma, eta) = if x.has("e") {
        (x.matrix("e")?, x.vector("gamma")?.to_vec(), x.param("eta")?)
    } else {
        (Matrix::zeros(d, d), vec![S::ZERO; k], S::ZERO)
    };
    Ok(ReduLayer { blocks: vec![RateOperators { e, c, gamma }], eta, lambda: x.param("lambda")? })
}
/// `C_k` as one tensor.
pub fn stacked<S: Scalar>(c: Vec<Matrix<S>>) -> Result<Tensor<S>> {
    let (k, d) = (c.len(), c.first().map_or(0, Matrix::rows));
    Tensor::new(vec![k, d, d], c.into_iter().flat_map(Matrix::into_data).collect())
}
/// Rows of zeros have no direction: they become rows of quarters.
pub fn no_zero_rows(case: Case, name: &str) -> Case {
    let Ok(z) = case.inputs.matrix(name) else { return case };
    let zero = |i: usize| z.row(i).iter().all(|x| *x == Ball::ZERO);
    case.clone().input(name, Matrix::from_fn(z.rows(), z.cols(), |i, j| if zero(i) { Ball::exact(0.25) } else { z[(i, j)] }))
}
/// A quarter turn in the planes (0, 1), (2, 3), …; exact, so that nothing is rounded.
fn turned(m: &Matrix<Ball>, rows: bool, cols: bool) -> Matrix<Ball> {
    let place = |i: usize, d: usize| if i.is_multiple_of(2) && i + 1 == d { (i, false) } else { (i ^ 1, i % 2 == 1) };
    Matrix::from_fn(m.rows(), m.cols(), |i, j| {
        let (from_row, flip_row) = if rows { place(i, m.rows()) } else { (i, false) };
        let (from_col, flip_col) = if cols { place(j, m.cols()) } else { (j, false) };
        let x = m[(from_row, from_col)];
        if flip_row != flip_col { -x } else { x }
    })
}
/// Features and operators in turned coordinates.
fn turned_case(case: &Case) -> Result<Case> {
    let mut out = case.clone().input("z", turned(&case.inputs.matrix("z")?, false, true));
    if let Ok(e) = case.inputs.matrix("e") {
        out = out.input("e", turned(&e, true, true));
    }
    let c = case.inputs.real("c")?;
    let d = c.shape[1];
    let c = c.data.chunks(d * d).map(|m| Ok(turned(&Matrix::new(d, d, m.to_vec())?, true, true))).collect::<Result<Vec<_>>>()?;
    Ok(out.input("c", stacked(c)?))
}
/// Six rows of length 1, their operators at ε² = ½ in three classes.
fn golden() -> (Matrix<Ball>, Values<Ball>) {
    let rows = [[1.0, 2.0, 0.0], [0.0, 1.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, -1.0, 2.0], [1.0, 0.0, -1.0]];
    let (z, _) = unit_rows(&Matrix::<Ball>::from_rows(&rows)).unwrap_or_default();
    let o = Membership::from_labels(vec![0, 0, 1, 1, 2, 2])
        .and_then(|m| RateOperators::new(&z, &m, Distortion::Eps2(Ball::exact(0.5)), ClassScale::Samples));
    let Ok(o) = o else { return (z, Values::new()) };
    let c = Tensor { shape: vec![3, 3, 3], data: o.c.into_iter().flat_map(Matrix::into_data).collect() };
    (z.clone(), Values::new().with("z", z).with("e", o.e).with("c", c).with("gamma", o.gamma))
}
/// Rows of a matrix of which some are known.
fn known(rows: usize, cols: usize, at: &[(usize, &[&str])]) -> Matrix<Ball> {
    Matrix::from_fn(rows, cols, |i, j| at.iter().find(|(r, _)| *r == i).map_or(Ball::WHOLE, |(_, x)| digits(x[j])))
}

/// `redunet_layer`.
pub struct Layer;

impl Operator for Layer {
    const SPEC: Spec = Spec {
        name: "redunet_layer",
        room: "redunet",
        purpose: "one layer of ReduNet: expand everything, compress each class as far as a sample seems to belong to it",
        definition: "y = u/‖u‖, u = z + η(E z − Σ_k γ_k π_k C_k z), π = softmax(−λ‖C_1 z‖, …, −λ‖C_K z‖), each row z of Z by itself; E, C_k, γ_k from rate_operators",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, eq. 16–19",
        inputs: &[
            Z,
            Port::real("e", "d d", "E, the operator that expands"),
            C,
            Port::of(crate::oracle::Domain::Positive, "gamma", "k", "γ_k = n_k/n"),
        ],
        outputs: &[Port::real("y", "n d", "the features after the layer, rows of length 1")],
        params: &[ETA, LAMBDA],
        presets: &[Preset {
            name: "redunet-repo",
            doc: "redunet/layers/vector.py: ‖C_k z‖ and the last division clamp lengths at 1e-8; above that the same numbers",
            eps_means_eps2: false,
        }],
        divergences: &[
            "The monograph's algorithm for evaluation calls λ a learning rate; it is the sharpness of the softmax",
            "The monograph projects onto S^(n−1) in one place; the rows live on S^(d−1)",
            "The NumPy code of the paper has λ = 5000 by default, the repository 500 on MNIST",
            "The code's logged loss is ΔR of the new features under the labels guessed from the old ones, not under the true ones",
        ],
        couples: "columns only: each row by itself",
        cost: "2(K+1)n·d² flops",
        flops: |s| 2.0 * (s("k") + 1.0) * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("y", layer(x)?.forward(&x.matrix("z")?)?.output))
    }
    fn stages<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let t = layer(x)?.forward(&x.matrix("z")?)?;
        let out = Values::new().with("expansion", t.expansion).with("norms", t.norms);
        Ok(out.with("assignment", t.assignment).with("y", t.output))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (layer, z) = (layer(x)?, x.matrix("z")?);
        let mut g = layer.backward(&z, &layer.forward(&z)?, &cotangent(y, "y", z.rows(), z.cols())?)?;
        let own = g.blocks.swap_remove(0);
        let out = Values::new().with("z", g.z).with("e", own.e).with("c", stacked(own.c)?).with("gamma", own.gamma);
        Ok(out.with("eta", g.eta).with("lambda", g.lambda))
    }
    fn adjust(case: Case) -> Case {
        no_zero_rows(case, "z")
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("redunet_layer/sphere", "every row has length 1", |f, case| {
                let y = f.eval(case)?.matrix("y")?;
                let lengths: Vec<Ball> = (0..y.rows()).map(|i| Ball::dot(y.row(i), y.row(i)).sqrt()).collect();
                Ok(Some(Sides::all(lengths, vec![Ball::ONE; y.rows()])))
            }),
            Law::equal("redunet_layer/row_order", "permuting the samples permutes the result", |f, case| {
                let z = case.inputs.matrix("z")?;
                let back: Vec<usize> = (0..z.rows()).rev().collect();
                let left = f.eval(&case.clone().input("z", z.select_rows(&back)?))?.matrix("y")?;
                Ok(Some(Sides::all(left.into_data(), f.eval(case)?.matrix("y")?.select_rows(&back)?.into_data())))
            }),
            Law::equal("redunet_layer/rotation", "turning features and operators turns the result", |f, case| {
                let left = f.eval(&turned_case(case)?)?.matrix("y")?;
                Ok(Some(Sides::all(left.into_data(), turned(&f.eval(case)?.matrix("y")?, false, true).into_data())))
            }),
            Law::equal("redunet_layer/units", "E and C_k times 2, η and λ divided by 2: the same", |f, case| {
                let twice = |name: &str| case.inputs.real(name).map(|t| t.map(|x| x * Ball::exact(2.0)));
                let halved = |name: &str, default: f64| case.number(name).unwrap_or(default) / 2.0;
                let other = case.clone().input("e", twice("e")?).input("c", twice("c")?);
                let other = other.set("eta", halved("eta", 0.5)).set("lambda", halved("lambda", 500.0));
                Ok(Some(Sides::all(f.eval(&other)?.matrix("y")?.into_data(), f.eval(case)?.matrix("y")?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let (_, inputs) = golden();
        let first = ["0.4057468688482997", "0.9132508560584135", "0.0366381267039623"];
        let third = ["0.8918470506388539", "-0.0006146641080922", "0.4523366671571208"];
        let nothing = Values::new()
            .with("z", Matrix::from_rows(&[[3.0, 4.0]]))
            .with("e", Matrix::zeros(2, 2))
            .with("c", Tensor { shape: vec![1, 2, 2], data: vec![Ball::ZERO; 4] })
            .with("gamma", vec![Ball::ONE]);
        let fifth = |x: f64| Ball::exact(x) / Ball::exact(5.0);
        // One class, E = 2I, C = diag(0, 4), γ = 1/4, η = 1/2: u = (2z_1, 2z_2 − z_2/2).
        let stretched = Values::new()
            .with("z", Matrix::from_rows(&[[1.0, 2.0]]))
            .with("e", Matrix::identity(2).scale(Ball::exact(2.0)))
            .with("c", Tensor { shape: vec![1, 2, 2], data: [0.0, 0.0, 0.0, 4.0].map(Ball::exact).to_vec() })
            .with("gamma", vec![Ball::exact(0.25)]);
        let case = |v: Values<Ball>, lambda: f64| Case::new(v).set("eta", 0.5).set("lambda", lambda);
        vec![
            Closed::new(
                "six unit rows in three classes, η = ½, λ = 2",
                case(inputs, 2.0),
                Values::new().with("y", known(6, 3, &[(0, &first), (2, &third)])),
            ),
            Closed::new(
                "no operators: only the return to the sphere",
                case(nothing, 1.0),
                Values::new().with("y", Matrix::new(1, 2, vec![fifth(3.0), fifth(4.0)]).unwrap_or_default()),
            ),
            Closed::new("one class: (2, 3)/√13", case(stretched, 3.0), {
                let root = Ball::exact(13.0).sqrt();
                Values::new().with("y", Matrix::from_rows(&[[2.0, 3.0]]).map(|x: Ball| x / root))
            }),
        ]
    }
}

/// `redunet_assignment`.
pub struct Assignment;

impl Operator for Assignment {
    const SPEC: Spec = Spec {
        name: "redunet_assignment",
        room: "redunet",
        purpose: "the class that a ReduNet layer guesses for a sample from its operators alone",
        definition: "π = softmax(−λ‖C_1 z‖, …, −λ‖C_K z‖), each row z of Z by itself: C_k z is small where class k explains z",
        source: "Chan, Yu, You, Qi, Wright, Ma, ReduNet, JMLR 2022, eq. 17",
        inputs: &[Z, C],
        outputs: &[Port::real("pi", "n k", "π, rows summing to 1")],
        params: &[LAMBDA],
        divergences: &["redunet/layers/vector.py clamps ‖C_k z‖ at 1e-8 from below"],
        couples: "columns only: each row by itself",
        cost: "2K·n·d² flops",
        flops: |s| 2.0 * s("k") * s("n") * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("pi", layer(x)?.assignment(&x.matrix("z")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (layer, z) = (layer(x)?, x.matrix("z")?);
        let mut g = layer.assignment_backward(&z, &cotangent(y, "pi", z.rows(), x.size("k"))?)?;
        let c = stacked(g.blocks.swap_remove(0).c)?;
        Ok(Values::new().with("z", g.z).with("c", c).with("lambda", g.lambda))
    }
    fn adjust(case: Case) -> Case {
        no_zero_rows(case, "z")
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("redunet_assignment/sum", "each row sums to 1", |f, case| {
                let pi = f.eval(case)?.matrix("pi")?;
                let sums: Vec<Ball> = (0..pi.rows()).map(|i| pi.row(i).iter().fold(Ball::ZERO, |s, &x| s + x)).collect();
                Ok(Some(Sides::all(sums, vec![Ball::ONE; pi.rows()])))
            }),
            Law::equal("redunet_assignment/sign", "−z has the guess of z", |f, case| {
                let flipped = case.clone().input("z", case.inputs.matrix("z")?.scale(-Ball::ONE));
                Ok(Some(Sides::all(f.eval(&flipped)?.matrix("pi")?.into_data(), f.eval(case)?.matrix("pi")?.into_data())))
            }),
            Law::equal("redunet_assignment/rotation", "turning features and operators changes nothing", |f, case| {
                let left = f.eval(&turned_case(case)?)?.matrix("pi")?;
                Ok(Some(Sides::all(left.into_data(), f.eval(case)?.matrix("pi")?.into_data())))
            }),
            Law::equal("redunet_assignment/scale", "z times 2, λ divided by 2: the same", |f, case| {
                let twice = case.clone().input("z", case.inputs.matrix("z")?.scale(Ball::exact(2.0)));
                let other = twice.set("lambda", case.number("lambda").unwrap_or(500.0) / 2.0);
                Ok(Some(Sides::all(f.eval(&other)?.matrix("pi")?.into_data(), f.eval(case)?.matrix("pi")?.into_data())))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let (_, mut inputs) = golden();
        drop((inputs.remove("e"), inputs.remove("gamma")));
        let first = ["0.8982696861921333", "0.0847597585496027", "0.0169705552582639"];
        let last = ["0.1528151492740117", "0.0162415535143551", "0.8309432972116332"];
        let third = Ball::exact(3.0).recip();
        let blind = Case::new(inputs.clone()).set("lambda", 0.0);
        vec![
            Closed::new(
                "six unit rows in three classes, λ = 2",
                Case::new(inputs).set("lambda", 2.0),
                Values::new().with("pi", known(6, 3, &[(0, &first), (5, &last)])),
            ),
            Closed::new("λ = 0: every class alike", blind, Values::new().with("pi", Matrix::from_fn(6, 3, |_, _| third))),
        ]
    }
}
