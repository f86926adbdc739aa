//! Leading directions, and singular values made smaller.

use super::*;
use crate::oracle::{Args, Closed, Law, Operator, Param, Range, Sides, Spec, Tolerance, cotangent};
use crate::subspace::{self as sub};

/// `pca`.
pub struct PcaProjector;
impl PcaProjector {
    fn read<S: Scalar>(x: &Args<S>) -> Result<(Matrix<S>, usize, bool)> {
        Ok((x.matrix("x")?, x.count("k")?, x.flag("centre")?))
    }
}
impl Operator for PcaProjector {
    const SPEC: Spec = Spec {
        name: "pca",
        room: "subspace",
        purpose: "the projector on the k leading directions, and the energy it loses",
        definition: "S = XᵀX/n (centre=1: of X less its column means), V its eigenvectors; projector V_k V_kᵀ, loss ‖X − X V_k V_kᵀ‖_F²/n = Σ_{i>k} λ_i",
        source: "Pearson, Phil. Mag. 1901; Eckart, Young, Psychometrika 1936; Baldi, Hornik, Neural Networks 1989",
        inputs: &[X],
        outputs: &[Port::real("projector", "d d", "symmetric, P² = P, trace k"), Port::real("loss", "", "the tail of the spectrum")],
        params: &[
            Param { name: "k", domain: Range::Count(0), default: None, samples: &[1.0, 2.0], doc: "directions kept, at most d" },
            Param {
                name: "centre",
                domain: Range::Flag,
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "subtract the column means first; not in the monograph",
            },
        ],
        divergences: &[
            "Columns of a basis are free in sign, and up to rotation where eigenvalues coincide: the projector is what is unique",
            "scikit-learn PCA centres, and divides explained_variance_ by n − 1; its components_ are rows with svd_flip signs",
            "Tipping and Bishop: centred, divisor n, W up to a rotation on the right",
        ],
        couples: "rows and columns of one X",
        cost: "n·d² + about 60 d³ flops",
        flops: |s| s("n") * s("d").powi(2) + 60.0 * s("d").powi(3),
        tolerance: Tolerance { value: 4.0, gradient: 2.0 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let (data, k, centre) = Self::read(x)?;
        let p = sub::pca_projector(&data, k, centre)?;
        let loss = sub::pca_loss(&data, &p, centre)?;
        Ok(Values::new().with("projector", p).with("loss", loss))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (data, k, centre) = Self::read(x)?;
        let p = sub::pca_projector(&data, k, centre)?;
        let bar = cotangent(y, "projector", data.cols(), data.cols())?;
        let along = sub::pca_loss_gradient(&data, &p, centre)?.scale(cotangent(y, "loss", 1, 1)?[(0, 0)]);
        Ok(Values::new().with("x", sub::pca_projector_vjp(&data, k, centre, &bar)?.add(&along)?))
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("pca/projector", "P² = P and tr P = k", |f, case| {
                let p = f.eval(case)?.matrix("projector")?;
                let (mut left, mut right) = (p.matmul(&p)?.into_data(), p.data().to_vec());
                left.push(p.trace());
                right.push(exact(case.number("k").unwrap_or(0.0)));
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("pca/rotation", "X → XQ: P → QᵀPQ, the loss stays", |f, case| {
                let (y, q) = (f.eval(case)?, rotation(case.inputs.matrix("x")?.cols()));
                let turned = f.eval(&case.clone().input("x", case.inputs.matrix("x")?.matmul(&q)?))?;
                let mut left = turned.matrix("projector")?.into_data();
                let mut right = q.t_matmul(&y.matrix("projector")?)?.matmul(&q)?.into_data();
                left.push(turned.scalar("loss")?);
                right.push(y.scalar("loss")?);
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("pca/scale", "X → 2X: P stays, the loss times 4", |f, case| {
                let (y, twice) = (f.eval(case)?, f.eval(&case.clone().input("x", case.inputs.matrix("x")?.scale(exact(2.0))))?);
                Ok(Some(Sides::of(twice.scalar("loss")?, y.scalar("loss")? * exact(4.0))))
            }),
            Law::at_most("pca/optimal", "no k coordinate axes lose less", |f, case| {
                let (x, k) = (case.inputs.matrix("x")?, case.number("k").unwrap_or(0.0) as usize);
                let x = if case.number("centre") == Some(1.0) { sub::centred(&x)?.1 } else { x };
                let axes = x.select_cols(k, x.cols() - k)?.frobenius_squared() / exact(x.rows() as f64);
                Ok(Some(Sides::of(f.eval(case)?.scalar("loss")?, axes)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let case = |x: Matrix<Ball>, k: f64, centre: f64| Case::new(Values::new().with("x", x)).set("k", k).set("centre", centre);
        let is = |p: Matrix<Ball>, loss: Ball| Values::new().with("projector", p).with("loss", loss);
        let cross = || Matrix::from_rows(&[[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]]);
        // Off the origin the mean direction (0, 3) carries 9 + ½ and the spread along the first axis 2.
        let moved = Matrix::from_rows(&[[2.0, 3.0], [0.0, 4.0], [-2.0, 3.0], [0.0, 2.0]]);
        vec![
            Closed::new("a cross: S = diag(2, ½)", case(cross(), 1.0, 0.0), is(diagonal(&[1.0, 0.0]), exact(0.5))),
            Closed::new("all of space: no loss", case(cross(), 2.0, 0.0), is(Matrix::identity(2), Ball::ZERO)),
            Closed::new("nothing kept: all is lost", case(cross(), 0.0, 0.0), is(Matrix::zeros(2, 2), exact(2.5))),
            Closed::new("off the origin the mean leads", case(moved.clone(), 1.0, 0.0), is(diagonal(&[0.0, 1.0]), exact(2.0))),
            Closed::new("centred it does not", case(moved, 1.0, 1.0), is(diagonal(&[1.0, 0.0]), exact(0.5))),
            Closed::new(
                "one sample (3, 4)",
                case(Matrix::from_rows(&[[3.0, 4.0]]), 1.0, 0.0),
                is(Matrix::from_fn(2, 2, |i, j| ratio([3.0, 4.0][i] * [3.0, 4.0][j], 25.0)), Ball::ZERO),
            ),
        ]
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        // k < d, and enough samples for d separate eigenvalues, centred too.
        let d = 1 + rng.below(1 + size.min(6));
        vec![("d", d + 1), ("n", d + 2 + rng.below(3)), ("k", 1 + rng.below(d))]
    }
    fn adjust(case: Case) -> Case {
        at_most(separated(case, "x"), "x", 0)
    }
}

/// `power_iteration`.
pub struct PowerIteration;
const STEPS: Param = Param { name: "steps", domain: Range::Count(0), default: None, samples: &[0.0, 1.0, 2.0, 4.0], doc: "how many" };
impl Operator for PowerIteration {
    const SPEC: Spec = Spec {
        name: "power_iteration",
        room: "subspace",
        purpose: "multiplications by M that turn a vector towards the leading eigenvector",
        definition: "v_0 = v/‖v‖, v_t = M v_{t−1}/‖M v_{t−1}‖; rho = v_tᵀ M v_t; residual ‖M v_t − rho v_t‖, within which some eigenvalue lies",
        source: "von Mises, Pollaczek-Geiringer, ZAMM 1929; Golub, Van Loan, Matrix Computations 2013, §8.2",
        inputs: &[
            Port::of(crate::oracle::Domain::Semidefinite, "m", "d d", "symmetric positive semidefinite; the lower triangle is read"),
            Port::real("v", "d", "the start, not 0"),
        ],
        outputs: &[Port::real("v", "d", "a unit vector"), Port::real("rho", "", "its Rayleigh quotient")],
        params: &[STEPS],
        divergences: &["The monograph's proof writes the norm of Σ λᵗα_i w_i as Σ λᵗ|α_i|; the limit is the same"],
        couples: "all of M and v",
        cost: "2·d² flops a step",
        flops: |s| 8.0 * s("d") * s("d"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let found = sub::power_iteration(&mirrored(&x.matrix("m")?), x.vector("v")?, x.count("steps")?)?;
        Ok(Values::new().with("v", found.v).with("rho", found.rho))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let v = x.vector("v")?;
        let bar = cotangent(y, "v", 1, v.len())?;
        let rho = cotangent(y, "rho", 1, 1)?[(0, 0)];
        let g = sub::power_iteration_vjp(&mirrored(&x.matrix("m")?), v, x.count("steps")?, bar.data(), rho)?;
        Ok(Values::new().with("m", g.m).with("v", g.v))
    }
    fn laws() -> Vec<Law> {
        fn rho(f: &dyn crate::oracle::Implementation, case: &Case) -> Result<Ball> {
            f.eval(case)?.scalar("rho")
        }
        vec![
            Law::at_most("power_iteration/rises", "rho never falls on positive semidefinite M", |f, case| {
                let next = case.clone().set("steps", case.number("steps").unwrap_or(0.0) + 1.0);
                Ok(Some(Sides::of(rho(f, case)?, rho(f, &next)?)))
            }),
            Law::at_most("power_iteration/below", "rho ≤ tr M", |f, case| {
                Ok(Some(Sides::of(rho(f, case)?, symmetric(case, "m")?.trace())))
            }),
            Law::equal("power_iteration/direction", "the start counts by its direction, M by its direction", |f, case| {
                let four = exact(4.0);
                let (m, v) = (case.inputs.real("m")?.map(|x| x * four), case.inputs.real("v")?.map(|x| x * exact(0.5)));
                let scaled = f.eval(&case.clone().input("m", m).input("v", v))?;
                let y = f.eval(case)?;
                let (mut left, mut right) = (scaled.real("v")?.data.clone(), y.real("v")?.data.clone());
                left.push(scaled.scalar("rho")?);
                right.push(y.scalar("rho")? * four);
                Ok(Some(Sides::all(left, right)))
            }),
            Law::equal("power_iteration/unit", "‖v‖ = 1", |f, case| {
                let v = f.eval(case)?.matrix("v")?;
                Ok(Some(Sides::of(v.frobenius_squared(), Ball::ONE)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // diag(2, 1) from (1, 1): v_t ∝ (2ᵗ, 1).
        let case = |steps: f64| Case::new(Values::new().with("m", diagonal(&[2.0, 1.0])).with("v", vec![Ball::ONE; 2])).set("steps", steps);
        let is = |t: i32| {
            let power = exact(2.0).powi(t);
            let norm = (power.square() + Ball::ONE).sqrt();
            let rho = (exact(2.0) * power.square() + Ball::ONE) / (power.square() + Ball::ONE);
            Values::new().with("v", vec![power / norm, Ball::ONE / norm]).with("rho", rho)
        };
        vec![
            Closed::new("the start", case(0.0), is(0)),
            Closed::new("one step", case(1.0), is(1)),
            Closed::new("nine steps", case(9.0), is(9)),
        ]
    }
    fn adjust(mut case: Case) -> Case {
        if let Ok(v) = case.inputs.real("v")
            && v.data.iter().all(|&x| x == Ball::ZERO)
        {
            let v = v.map(|_| Ball::ONE);
            case.inputs.set("v", v);
        }
        separated_covariance(case, "m")
    }
}

/// `singular_value_threshold`.
pub struct SingularValueThreshold;
impl Operator for SingularValueThreshold {
    const SPEC: Spec = Spec {
        name: "singular_value_threshold",
        room: "subspace",
        purpose: "the proximal map of the nuclear norm",
        definition: "D_tau(M) = U diag(max(σ − tau, 0)) Vᵀ = argmin_X ½‖X − M‖_F² + tau‖X‖_*",
        source: "Cai, Candès, Shen, SIAM J. Optim. 2010, Theorem 2.1; Mazumder, Hastie, Tibshirani, JMLR 2010, Lemma 1",
        inputs: &[Port::real("m", "n d", "any matrix")],
        outputs: &[Port::real("x", "n d", "of lower rank")],
        params: &[Param { name: "tau", domain: Range::Positive, default: None, samples: &[0.25, 0.75, 1.5], doc: "what is taken off" }],
        divergences: &["Hard thresholding keeps σ above the threshold unchanged: the best approximation of lower rank, not this"],
        couples: "rows and columns of one M",
        cost: "an SVD",
        flops: |s| 40.0 * s("n") * s("d") * s("n").min(s("d")),
        tolerance: Tolerance { value: 4.0, gradient: 0.5 },
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("x", sub::singular_value_threshold(&x.matrix("m")?, x.param("tau")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (m, tau) = sub::singular_value_threshold_vjp(&x.matrix("m")?, x.param("tau")?, &y.matrix("x")?)?;
        Ok(Values::new().with("m", m).with("tau", tau))
    }
    fn laws() -> Vec<Law> {
        fn x(f: &dyn crate::oracle::Implementation, case: &Case) -> Result<Matrix<Ball>> {
            f.eval(case)?.matrix("x")
        }
        vec![
            Law::equal("singular_value_threshold/twice", "D_τ(D_τ(M)) = D_2τ(M)", |f, case| {
                let once = x(f, case)?;
                let tau = case.number("tau").unwrap_or(f64::NAN);
                let both = x(f, &case.clone().set("tau", 2.0 * tau))?;
                Ok(Some(Sides::all(x(f, &case.clone().input("m", once))?.into_data(), both.into_data())))
            }),
            Law::equal("singular_value_threshold/transpose", "D(Mᵀ) = D(M)ᵀ", |f, case| {
                let m = case.inputs.matrix("m")?;
                let turned = x(f, &case.clone().input("m", m.transpose()))?;
                Ok(Some(Sides::all(turned.transpose().into_data(), x(f, case)?.into_data())))
            }),
            Law::at_most("singular_value_threshold/contracts", "‖D(M)‖² ≤ ⟨D(M), M⟩: firmly non-expansive from 0", |f, case| {
                let d = x(f, case)?;
                Ok(Some(Sides::of(d.frobenius_squared(), d.dot(&case.inputs.matrix("m")?)?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        // σ = 3√5 and √5 of [[3, 0], [4, 5]] with polar factor [[2, −1], [1, 2]]/√5: below both, D = M − τ polar.
        let root = exact(5.0).sqrt();
        let m = Matrix::<Ball>::from_rows(&[[3.0, 0.0], [4.0, 5.0]]);
        let polar = Matrix::from_fn(2, 2, |i, j| exact([[2.0, -1.0], [1.0, 2.0]][i][j]) / root);
        let of = |m: Matrix<Ball>, tau: f64| Case::new(Values::new().with("m", m)).set("tau", tau);
        let is = |x: Matrix<Ball>| Values::new().with("x", x);
        vec![
            Closed::new(
                "below both singular values",
                of(m.clone(), 2.0),
                is(Matrix::from_fn(2, 2, |i, j| m[(i, j)] - exact(2.0) * polar[(i, j)])),
            ),
            Closed::new("above all: 0", of(m, 8.0), is(Matrix::zeros(2, 2))),
            Closed::new("a diagonal", of(diagonal(&[3.0, -2.0, 0.5]), 1.0), is(diagonal(&[2.0, -1.0, 0.0]))),
        ]
    }
    fn adjust(case: Case) -> Case {
        // The gradient is enclosed at full rank.
        separated(case, "m")
    }
}
