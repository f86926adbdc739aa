//! Unrolled networks and the sparse autoencoder.

use super::*;
use crate::learn::{Parameter, Parameters};
use crate::oracle::{Closed, Domain, Implementation, Law, Operator, Sides, Spec, Tolerance, cotangent, digits};
use crate::sparse::{Method, SparseAutoencoder, Unrolled, UnrolledLayer};

const THETA: Port = Port::of(Domain::NonNegative, "theta", "m", "thresholds, one a code");
const STEPS: Param =
    Param { name: "steps", domain: Range::Count(1), default: None, samples: &[1.0, 2.0, 3.0], doc: "layers, all with the same weights" };
const SPEC: Spec = Spec {
    room: "sparse",
    outputs: &[Port::real("z", "n m", "codes, with exact zeros")],
    params: &[STEPS, CODES],
    couples: "atoms and features of one sample; samples are independent",
    tolerance: Tolerance { value: 2.0, gradient: 4.0 },
    ..Spec::BLANK
};

fn z(f: &dyn Implementation, case: &Case) -> Result<Matrix<Ball>> {
    f.eval(case)?.matrix("z")
}
fn homogeneous(f: &dyn Implementation, case: &Case) -> Result<Option<Sides>> {
    let two = exact(2.0);
    let (x, theta) = (case.inputs.real("x")?.map(|x| x * two), case.inputs.real("theta")?.map(|x| x * two));
    let twice = z(f, &case.clone().input("x", x).input("theta", theta))?;
    Ok(Some(Sides::all(twice.into_data(), z(f, case)?.scale(two).into_data())))
}
/// Weights small enough that layers do not blow up.
fn gentle(mut case: Case, names: &[&str]) -> Case {
    for name in names {
        if let Ok(w) = case.inputs.matrix(name) {
            let mut w = w.scale(exact(0.25));
            while w.frobenius_squared().upper() > 4.0 {
                w = w.scale(exact(0.5));
            }
            case.inputs.set(*name, w);
        }
    }
    case
}
fn vector<S: Scalar>(x: &Args<S>, name: &str) -> Result<Parameter<S>> {
    Ok(Parameter::from(x.vector(name)?.to_vec()))
}

/// `lista`.
pub struct Lista;
impl Lista {
    fn network<S: Scalar>(x: &Args<S>) -> Result<Unrolled<S>> {
        let w = x.matrix("w_e")?;
        let lasso = Lasso::new(w.transpose(), S::ZERO, codes(x)?)?;
        let layer = UnrolledLayer::GregorLeCun { encoder: w.into(), lateral: x.matrix("s")?.into(), theta: vector(x, "theta")? };
        Unrolled::shared(&lasso, layer, x.count("steps")?)
    }
}
impl Operator for Lista {
    const SPEC: Spec = Spec {
        name: "lista",
        purpose: "learned ISTA: sparse codes by a network of fixed depth",
        definition: "z_0 = 0, z_k = S_theta(x W_e + z_{k−1} S), k = 1 … steps; W_e = ηAᵀ, S = I − ηAAᵀ, theta = η·lambda make it ISTA",
        source: "Gregor, LeCun, Learning Fast Approximations of Sparse Coding, ICML 2010, eq. 4",
        inputs: &[X, Port::real("w_e", "d m", "the encoder"), Port::real("s", "m m", "from codes to codes, applied on the right"), THETA],
        divergences: &[
            "The paper writes columns: its W_e and S are transposes of ours",
            "The monograph trains on Z^L while its figure returns Z^{L+1}: depth counts nonlinearities here",
        ],
        cost: "2·n·m·(d + m) flops a layer",
        flops: |s| 6.0 * s("n") * s("m") * (s("d") + s("m")),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("z", Lista::network(x)?.apply(&x.matrix("x")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (dx, _, grad) = Lista::network(x)?.vjp(&x.matrix("x")?, &y.matrix("z")?)?;
        let [w, s, theta] = grad.parameters()[..] else { return Err(crate::Error::usage("lista", "three weights", "others")) };
        Ok(Values::new().with("x", dx).with("w_e", w.matrix()).with("s", s.matrix()).with("theta", theta.data().to_vec()))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                "lista/is_ista",
                "W_e = ηAᵀ, S = I − ηAAᵀ, theta = η·lambda: as many steps of ISTA; here η = ¼, A = W_eᵀ, lambda = ½",
                |f, case| {
                    let (eta, lambda, a) = (exact(0.25), exact(0.5), case.inputs.matrix("w_e")?.transpose());
                    let s = Matrix::identity(a.rows()).sub(&a.gram_rows().scale(eta))?;
                    let tied =
                        case.clone().input("w_e", a.transpose().scale(eta)).input("s", s).input("theta", vec![eta * lambda; a.rows()]);
                    let lasso = Lasso::new(a, lambda, codes_of(case))?;
                    let steps = case.number("steps").unwrap_or(1.0) as usize;
                    let known = lasso.iterates(Method::Ista, &case.inputs.matrix("x")?, eta, steps)?;
                    Ok(Some(Sides::all(z(f, &tied)?.into_data(), known.into_data())))
                },
            ),
            Law::equal("lista/homogeneous", "z(2x; 2 theta) = 2 z(x; theta)", homogeneous),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let a = golden(2.0).inputs.matrix("a").unwrap_or_default();
        let half = exact(0.5);
        let s = Matrix::identity(3).sub(&a.gram_rows().scale(half)).unwrap_or_default();
        let inputs = Values::new()
            .with("x", Matrix::from_rows(&[[1.0, 2.0], [1.0, -2.0]]))
            .with("w_e", a.transpose().scale(half))
            .with("s", s)
            .with("theta", vec![exact(0.25); 3]);
        let codes = |rows: [[&str; 3]; 2]| Matrix::from_fn(2, 3, |i, j| digits(rows[i][j]));
        let table = |rows: &[[&str; 3]]| Matrix::from_fn(rows.len(), 3, |i, j| digits(rows[i][j]));
        let last = codes([["0.12000", "0.78500", "0.90000"], ["0.45000", "-1.02500", "-0.15000"]]);
        // Towards the LASSO solutions: z₂ − z*.
        let (z2, target) = (
            Matrix::from_fn(2, 3, |i, j| {
                [[ratio(3.0, 25.0), ratio(157.0, 200.0), ratio(9.0, 10.0)], [ratio(9.0, 20.0), ratio(-41.0, 40.0), ratio(-3.0, 20.0)]][i][j]
            }),
            Matrix::from_fn(2, 3, |i, j| [[Ball::ZERO, ratio(7.0, 18.0), ratio(25.0, 18.0)], [half, exact(-1.5), Ball::ZERO]][i][j]),
        );
        let bar = Values::new().with("z", z2.sub(&target).unwrap_or_default());
        let gradients = Values::new()
            .with(
                "w_e",
                table(&[
                    ["0.29666666666667", "1.56222222222222", "-1.32777777777778"],
                    ["0.71333333333333", "0.03444444444444", "-1.05555555555556"],
                ]),
            )
            .with(
                "s",
                table(&[
                    ["0.01750000000000", "0.21777777777778", "-0.15972222222222"],
                    ["0.12750000000000", "-0.05916666666667", "-0.25416666666667"],
                    ["0.11450000000000", "0.21794444444444", "-0.37805555555556"],
                ]),
            )
            .with("theta", ["-0.29666666666667", "-0.01722222222222", "0.52777777777778"].map(digits).to_vec());
        vec![
            Closed::new("two layers that are two steps of ISTA", Case::new(inputs).set("steps", 2.0), Values::new().with("z", last))
                .gradient(bar, gradients),
        ]
    }
    fn adjust(case: Case) -> Case {
        gentle(case, &["w_e", "s"])
    }
}

/// `lista_coupled`.
pub struct ListaCoupled;
impl ListaCoupled {
    fn network<S: Scalar>(x: &Args<S>) -> Result<Unrolled<S>> {
        let lasso = Lasso::new(x.matrix("a")?, S::ZERO, codes(x)?)?;
        let layer = UnrolledLayer::Coupled { weight: x.matrix("w")?.into(), theta: vector(x, "theta")? };
        Unrolled::shared(&lasso, layer, x.count("steps")?)
    }
}
impl Operator for ListaCoupled {
    const SPEC: Spec = Spec {
        name: "lista_coupled",
        purpose: "learned ISTA with one matrix: the other is coupled to it through the dictionary",
        definition: "z_0 = 0, z_k = S_theta(z_{k−1} + (x − z_{k−1}A) W), k = 1 … steps; W = ηAᵀ, theta = η·lambda make it ISTA",
        source: "Chen, Liu, Wang, Yin, Theoretical Linear Convergence of Unfolded ISTA, NeurIPS 2018, eq. 8",
        inputs: &[X, A, Port::real("w", "d m", "the learned weight"), THETA],
        divergences: &["lista with S = I − AW and W_e = W; ALISTA fixes W and learns a step and a threshold"],
        cost: "4·n·m·d flops a layer",
        flops: |s| 12.0 * s("n") * s("m") * s("d"),
        ..SPEC
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("z", ListaCoupled::network(x)?.apply(&x.matrix("x")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (dx, da, grad) = ListaCoupled::network(x)?.vjp(&x.matrix("x")?, &y.matrix("z")?)?;
        let [w, theta] = grad.parameters()[..] else { return Err(crate::Error::usage("lista_coupled", "two weights", "others")) };
        Ok(Values::new().with("x", dx).with("a", da).with("w", w.matrix()).with("theta", theta.data().to_vec()))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("lista_coupled/is_lista", "the same as lista with W_e = W, S = I − AW", |f, case| {
                let (a, w) = (case.inputs.matrix("a")?, case.inputs.matrix("w")?);
                let s = Matrix::identity(a.rows()).sub(&a.matmul(&w)?)?;
                let lasso = Lasso::new(a, Ball::ZERO, codes_of(case))?;
                let theta = Parameter::from(case.inputs.real("theta")?.data.clone());
                let layer = UnrolledLayer::GregorLeCun { encoder: w.into(), lateral: s.into(), theta };
                let network = Unrolled::shared(&lasso, layer, case.number("steps").unwrap_or(1.0) as usize)?;
                Ok(Some(Sides::all(z(f, case)?.into_data(), network.apply(&case.inputs.matrix("x")?)?.into_data())))
            }),
            Law::equal("lista_coupled/homogeneous", "z(2x; 2 theta) = 2 z(x; theta)", homogeneous),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let a = golden(2.0).inputs.matrix("a").unwrap_or_default();
        let inputs = Values::new()
            .with("x", Matrix::from_rows(&[[1.0, 2.0]]))
            .with("a", a.clone())
            .with("w", a.transpose().scale(exact(0.5)))
            .with("theta", vec![exact(0.25); 3]);
        let known = row([ratio(3.0, 25.0), ratio(157.0, 200.0), ratio(9.0, 10.0)]);
        vec![Closed::new("two layers that are two steps of ISTA", Case::new(inputs).set("steps", 2.0), Values::new().with("z", known))]
    }
    fn adjust(case: Case) -> Case {
        gentle(case, &["a", "w"])
    }
}

/// `sparse_autoencoder`.
pub struct Autoencoder;
impl Autoencoder {
    fn model<S: Scalar>(x: &Args<S>) -> Result<SparseAutoencoder<S>> {
        Ok(SparseAutoencoder {
            w_enc: x.matrix("w_enc")?.into(),
            b_enc: vector(x, "b_enc")?,
            w_dec: x.matrix("w_dec")?.into(),
            b: vector(x, "b")?,
            lambda: x.param("lambda")?,
        })
    }
}
impl Operator for Autoencoder {
    const SPEC: Spec = Spec {
        name: "sparse_autoencoder",
        room: "sparse",
        purpose: "one learned step of non-negative sparse coding, a linear decoder, and the loss of both",
        definition: "z = relu((h − b) W_enc + b_enc), y = z W_dec + b, loss ‖H − Y‖_F² + lambda‖Z‖_1, no ½",
        source: "Cunningham et al., Sparse Autoencoders Find Highly Interpretable Features in Language Models, ICLR 2024; Ng, CS294A notes 2011",
        inputs: &[
            Port::real("h", "n d", "activations, one a row"),
            Port::real("w_enc", "d m", "encoder"),
            Port::real("b_enc", "m", "bias of the codes"),
            Port::real("w_dec", "m d", "decoder, an atom a row"),
            Port::real("b", "d", "subtracted before and added after"),
        ],
        outputs: &[
            Port::real("z", "n m", "codes ≥ 0"),
            Port::real("y", "n d", "reconstruction"),
            Port::real("loss", "", "over all samples"),
        ],
        params: &[Param {
            name: "lambda",
            domain: Range::NonNegative,
            default: None,
            samples: &[0.25, 0.5, 2.0],
            doc: "weight of the ℓ¹ norm",
        }],
        divergences: &["Others take means over samples, or tie W_dec = W_encᵀ, or keep the rows of W_dec at unit length"],
        couples: "features and codes of one sample; the loss sums over samples",
        cost: "4·n·m·d flops",
        flops: |s| 4.0 * s("n") * s("m") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let out = Autoencoder::model(x)?.forward(&x.matrix("h")?)?;
        Ok(Values::new().with("z", out.z).with("y", out.y).with("loss", out.loss))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (model, h) = (Autoencoder::model(x)?, x.matrix("h")?);
        let mut grad = model.clone();
        grad.clear();
        let z_bar = cotangent(y, "z", h.rows(), model.b_enc.data().len())?;
        let y_bar = cotangent(y, "y", h.rows(), h.cols())?;
        let (dh, lambda) = model.backward(&h, &z_bar, &y_bar, cotangent(y, "loss", 1, 1)?[(0, 0)], &mut grad)?;
        Ok(Values::new()
            .with("h", dh)
            .with("w_enc", grad.w_enc.matrix())
            .with("b_enc", grad.b_enc.data().to_vec())
            .with("w_dec", grad.w_dec.matrix())
            .with("b", grad.b.data().to_vec())
            .with("lambda", lambda))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal(
                "sparse_autoencoder/is_a_step",
                "W_enc = ηAᵀ, b_enc = z₁ − ηz₁AAᵀ − η·lambda, b = 0: one non-negative ISTA step from the codes z₁ of every sample; here η = ¼, A = W_dec, z₁ = |b_enc|",
                |f, case| {
                    let (a, eta, lambda) = (case.inputs.matrix("w_dec")?, exact(0.25), exact(lambda_of(case)));
                    let h = case.inputs.matrix("h")?;
                    let first = case.inputs.matrix("b_enc")?.map(Scalar::abs);
                    let pulled = first.matmul(&a.gram_rows())?.scale(eta);
                    let bias = first.zip(&pulled, |z, p| z - p - eta * lambda)?;
                    let tied = case.clone().input("w_enc", a.transpose().scale(eta)).input("b_enc", bias.into_data());
                    let tied = tied.input("b", vec![Ball::ZERO; a.cols()]);
                    let start = Matrix::from_fn(h.rows(), a.rows(), |_, j| first[(0, j)]);
                    let known = Lasso::new(a, lambda, Codes::NonNegative)?.step(&h, &start, eta)?;
                    Ok(Some(Sides::all(z(f, &tied)?.into_data(), known.into_data())))
                },
            ),
            Law::equal("sparse_autoencoder/loss", "loss = ‖H − Y‖² + lambda Σ Z", |f, case| {
                let y = f.eval(case)?;
                let off = case.inputs.matrix("h")?.sub(&y.matrix("y")?)?.frobenius_squared();
                Ok(Some(Sides::of(y.scalar("loss")?, off + exact(lambda_of(case)) * norm1(&y.matrix("z")?))))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let inputs = Values::new()
            .with("h", Matrix::from_rows(&[[2.0, 1.0]]))
            .with("w_enc", Matrix::from_rows(&[[1.0, -1.0], [0.0, 0.5]]))
            .with("b_enc", vec![exact(-0.5), exact(0.25)])
            .with("w_dec", Matrix::from_rows(&[[1.0, 1.0], [3.0, 4.0]]))
            .with("b", vec![Ball::ONE, Ball::ZERO]);
        // h − b = (1, 1), before the relu (½, −¼), y = ½(1, 1) + (1, 0), loss ¼ + ¼ + 2·½.
        let known =
            Values::new().with("z", Matrix::from_rows(&[[0.5, 0.0]])).with("y", Matrix::from_rows(&[[1.5, 0.5]])).with("loss", exact(1.5));
        vec![Closed::new("one sample, two codes, one at rest", Case::new(inputs).set("lambda", 2.0), known)]
    }
}
