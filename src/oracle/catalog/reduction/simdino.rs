//! `simdino_loss`.

use super::moves::{eps2, rotation};
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Law, Operator, Param, Port, Preset, Range, Sides, Spec, Tensor, Values, digits};
use crate::reduction::simdino::{self, Agreement, ExpansionRange, SimDino, Views};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

fn ln(x: f64) -> Ball {
    Ball::exact(x).ln()
}

/// `simdino_loss`.
pub struct SimDinoLoss;

/// The views of each process: `v m p`, `w v m p`, or `(v·m) p` with the number of views given.
fn processes<S: Scalar>(name: &str, t: &Tensor<S>, views: usize) -> Result<Vec<Views<S>>> {
    let shape = match t.shape[..] {
        [rows, p] if views > 0 && rows % views == 0 => [1, views, rows / views, p],
        [rows, _] if views > 0 => return Err(Error::shape(name, format!("a multiple of {views} rows"), rows.to_string())),
        [_, _] => return Err(Error::usage(name, "-p views= for features that are not split into views", "views = 0")),
        [v, m, p] => [1, v, m, p],
        [w, v, m, p] => [w, v, m, p],
        _ => {
            return Err(Error::shape(
                name,
                "v × m × p, processes × v × m × p, or (v·m) × p with -p views=",
                format!("{} axes", t.shape.len()),
            ));
        }
    };
    let [w, v, m, p] = shape;
    if t.data.is_empty() {
        return Err(Error::shape(name, "at least one view, sample and feature", format!("{w} × {v} × {m} × {p}")).named("EmptyInput"));
    }
    let matrices: Vec<Matrix<S>> = t.data.chunks(m * p).map(|x| Matrix::new(m, p, x.to_vec())).collect::<Result<_>>()?;
    Ok(matrices.chunks(v).map(<[_]>::to_vec).collect())
}

struct Question<S> {
    loss: SimDino<S>,
    student: Vec<Views<S>>,
    teacher: Vec<Views<S>>,
}

impl SimDinoLoss {
    fn question<S: Scalar>(x: &Args<S>) -> Result<Question<S>> {
        let (views, global) = (x.count("views")?, x.count("global")?);
        let student = processes("student", x.tensor("student")?, views)?;
        let teacher = processes("teacher", x.tensor("teacher")?, global)?;
        let given = x.count("processes")?;
        if student.len() > 1 && given != 1 && given != student.len() {
            return Err(Error::usage("processes", format!("{}, as many as there are features of", student.len()), given.to_string()));
        }
        let gamma = x.param("gamma")?;
        let gamma = (gamma.value() != 0.0).then_some(gamma);
        let agreement = match x.preset() {
            "simdinov2-repo" => Agreement::Inner,
            "simdino-book" => Agreement::Distance,
            _ => Agreement::Cosine,
        };
        if x.preset() == "simdino-book" && gamma.is_none() {
            return Err(Error::usage("gamma", "-p gamma=…: the monograph leaves it free", "none"));
        }
        let loss = SimDino {
            distortion: Distortion::Eps2(x.eps2()?),
            coeff: x.param("coeff")?,
            processes: given.max(student.len()),
            mean_expansion: x.flag("expa_type")?,
            summed: x.flag("reduce_cov")?,
            agreement,
            with_diagonal: !x.flag("no_diag")?,
            gamma,
        };
        Ok(Question { loss, student, teacher })
    }
}

impl Operator for SimDinoLoss {
    const SPEC: Spec = Spec {
        name: "simdino_loss",
        room: "reduction",
        purpose: "the loss of SimDINO on class tokens: views agree, features spread",
        definition: "loss = −coeff·comp − expa; comp = mean over t < T, v ≠ t of mean_b cos(q_tb, s_vb); expa = γ (1/T) Σ_{v<T} ½ log det(I + p/(mNε²) W_vᵀW_v), W = S (expa_type 0) or (S+Q)/2 (1), γ = 1/p + 1/(Nm). Views v, samples m, features p, processes N; the first T student views are global",
        source: "Wu, Zhang, Pai, Wang, Singh, Yang, Gao, Ma, SimDINO, ICML 2025; simdino/main_dino.py, MCRLoss",
        inputs: &[
            Port::real("student", crate::oracle::ANY, "v m p, or (v·m) p view after view with -p views=, or w v m p for all processes"),
            Port::real("teacher", crate::oracle::ANY, "t m p, or (t·m) p with -p global=, or w t m p"),
        ],
        outputs: &[
            Port::real("loss", "", "the mean over the processes given"),
            Port::real("losses", "w", "of each process"),
            Port::real("comp", "", "agreement of different views, at most 1"),
            Port::real("expa", "", "γ times the mean rate of the global views"),
            Port::real("global_comp", "", "agreement of different global views over T, a monitor of SimDINOv2"),
        ],
        distortion: true,
        params: &[
            Param { name: "coeff", domain: Range::Real, default: Some(1.0), samples: &[1.0, 0.5, 2.0], doc: "weight of the agreement" },
            Param {
                name: "views",
                domain: Range::Count(0),
                default: Some(0.0),
                samples: &[],
                doc: "student views, for features given as one long matrix",
            },
            Param { name: "global", domain: Range::Count(0), default: Some(2.0), samples: &[], doc: "teacher views, for the same" },
            Param {
                name: "processes",
                domain: Range::Count(1),
                default: Some(1.0),
                samples: &[1.0, 3.0],
                doc: "N; that of the leading axis if there is one",
            },
            Param {
                name: "expa_type",
                domain: Range::Flag,
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "0: the student is expanded; 1: the mean of student and teacher",
            },
            Param {
                name: "reduce_cov",
                domain: Range::Flag,
                default: Some(0.0),
                samples: &[0.0, 1.0],
                doc: "1: covariances are summed over the processes",
            },
            Param {
                name: "no_diag",
                domain: Range::Flag,
                default: Some(1.0),
                samples: &[1.0],
                doc: "0: pairs of the same view count too, over the same divisor",
            },
            Param {
                name: "gamma",
                domain: Range::NonNegative,
                default: Some(0.0),
                samples: &[0.0, 0.75],
                doc: "γ; 0 stands for the official 1/p + 1/(Nm)",
            },
        ],
        presets: &[
            Preset {
                name: "simdino-repo",
                doc: "main_dino.MCRLoss: its eps is ε² (README 0.05, command line default 0.5 with expa_type=1); a zero vector is refused here, clamped there",
                eps_means_eps2: true,
            },
            Preset {
                name: "simdinov2-repo",
                doc: "dino_clstoken_loss.MCRLoss: inner products of inputs taken to have length 1; its eps is ε²",
                eps_means_eps2: true,
            },
            Preset {
                name: "simdino-book",
                doc: "the monograph: ½‖q − s‖² in place of 1 − cos, γ free (-p gamma=); its eps is ε",
                eps_means_eps2: false,
            },
        ],
        divergences: &[
            "Official code: eps is ε²; its 0.05 is our eps2=0.05",
            "reduce_cov=0 on N processes: ε² acts as Nε², so that the same batch on another number of processes has another ceiling (×4.0 between 64×8 and 256×2)",
            "A plain in-place all_reduce (reduce_cov=1) leaves the value and divides the gradient by N",
            "The book's sum over global pairs lacks j ≠ i although its divisor excludes it",
            "γ of the code: 1/p + 1/(Nm); a commented alternative √(ε²Nm)/p is proportional to its inverse for m ≥ p",
            "An upstream version of one day kept the last view only, divided by V",
        ],
        couples: "views, samples and, with reduce_cov, processes; a leading axis is the process",
        batches: false,
        cost: "V·T·m·p + T(m·p·q + q³/3) flops a process, q = min(m, p)",
        flops: |_| 0.0,
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        let q = Self::question(x)?;
        let out = q.loss.loss(&q.student, &q.teacher)?;
        let values = Values::new().with("loss", out.loss).with("losses", out.losses).with("comp", out.comp);
        Ok(values.with("expa", out.expa).with("global_comp", out.global_comp))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let q = Self::question(x)?;
        let bar = |name: &str| if y.get(name).is_some() { y.scalar(name) } else { Ok(S::ZERO) };
        let w = S::from_usize(q.student.len());
        let mut losses = vec![bar("loss")? / w; q.student.len()];
        if let Ok(each) = y.real("losses") {
            losses.iter_mut().zip(&each.data).for_each(|(l, &e)| *l += e);
        }
        let bar = simdino::SimDinoLoss { losses, loss: S::ZERO, comp: bar("comp")?, expa: bar("expa")?, global_comp: bar("global_comp")? };
        let g = q.loss.vjp(&q.student, &q.teacher, &bar)?;
        let tensor = |name: &str, g: Vec<Views<S>>| {
            Tensor::new(x.tensor(name)?.shape.clone(), g.into_iter().flatten().flat_map(Matrix::into_data).collect())
        };
        let (name, eps) = x.eps_gradient(g.eps2)?;
        let out =
            Values::new().with("student", tensor("student", g.student)?).with("teacher", tensor("teacher", g.teacher)?).with(name, eps);
        let out = out.with("coeff", g.coeff);
        Ok(if q.loss.gamma.is_some() { out.with("gamma", g.gamma) } else { out })
    }
    fn adjust(case: Case) -> Case {
        shaped(case)
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("simdino_loss/parts", "loss = −coeff·comp − expa", |f, case| {
                let out = f.eval(case)?;
                let coeff = Ball::exact(case.number("coeff").unwrap_or(1.0));
                Ok(Some(Sides::of(out.scalar("loss")?, -(coeff * out.scalar("comp")?) - out.scalar("expa")?)))
            }),
            Law::equal("simdino_loss/feature_rotation", "a rotation of all features changes nothing", |f, case| {
                let turned = |name: &str| {
                    let t = case.inputs.real(name)?;
                    let p = t.shape.last().copied().unwrap_or(1);
                    let m = Matrix::new(t.data.len() / p, p, t.data.clone())?.matmul(&rotation(p))?;
                    Tensor::new(t.shape.clone(), m.into_data())
                };
                let other = case.clone().input("student", turned("student")?).input("teacher", turned("teacher")?);
                Ok(Some(Sides::of(f.eval(&other)?.scalar("loss")?, f.eval(case)?.scalar("loss")?)))
            }),
            Law::equal("simdino_loss/order_of_samples", "permuting the samples alike in all views changes nothing", |f, case| {
                let turned = |name: &str| {
                    let t = case.inputs.real(name)?;
                    let [m, p] = t.shape[t.shape.len() - 2..] else { return Ok(t.clone()) };
                    let data = t.data.chunks(m * p).flat_map(|v| v.chunks(p).rev().flatten().copied().collect::<Vec<_>>()).collect();
                    Tensor::new(t.shape.clone(), data)
                };
                if case.inputs.real("student")?.shape.len() < 3 {
                    return Ok(None);
                }
                let other = case.clone().input("student", turned("student")?).input("teacher", turned("teacher")?);
                Ok(Some(Sides::of(f.eval(&other)?.scalar("loss")?, f.eval(case)?.scalar("loss")?)))
            }),
            Law::equal("simdino_loss/local_views", "local views never enter expa", |f, case| {
                let mut moved = case.clone();
                let t = case.inputs.real("student")?;
                if t.shape.len() != 3 {
                    return Ok(None);
                }
                let global = case.inputs.real("teacher")?.shape[0] * t.shape[1] * t.shape[2];
                let data = t.data.iter().enumerate().map(|(i, &x)| if i < global { x } else { x * Ball::exact(2.0) }).collect();
                moved.inputs.set("student", Tensor { shape: t.shape.clone(), data });
                Ok(Some(Sides::of(f.eval(&moved)?.scalar("expa")?, f.eval(case)?.scalar("expa")?)))
            }),
            Law::at_most(
                "simdino_loss/range",
                "for unit rows and expa_type 0: γ·½ log(1 + p/(Wε²)) ≤ expa ≤ γ·ceiling, W = N, or 1 with reduce_cov",
                |f, case| {
                    let unit = |t: &Tensor<Ball>| {
                        let p = t.shape.last().copied().unwrap_or(1).max(1);
                        let row = |r: &[Ball]| {
                            let norm = r.iter().fold(Ball::ZERO, |s, x| s + x.square()).sqrt();
                            r.iter().map(|x| *x / norm).collect::<Vec<_>>()
                        };
                        Tensor { shape: t.shape.clone(), data: t.data.chunks(p).flat_map(row).collect() }
                    };
                    let t = case.inputs.real("student")?;
                    let [v, m, p] = t.shape[..] else { return Ok(None) };
                    let n = case.number("processes").unwrap_or(1.0) as usize;
                    let summed = case.number("reduce_cov") == Some(1.0);
                    // With sums over N processes of which one is given, the rows of the others are not there.
                    if v < 2 || summed && n > 1 || case.number("gamma").is_some_and(|g| g != 0.0) {
                        return Ok(None);
                    }
                    let range = ExpansionRange::new(m, p, n, summed, eps2(case))?;
                    let expa = f.eval(&case.clone().input("student", unit(t)).set("expa_type", 0.0))?.scalar("expa")?;
                    Ok(Some(Sides::all([range.gamma * range.collapsed, expa], [expa, range.gamma * range.ceiling])))
                },
            ),
            Law::equal("simdino_loss/split", "without sums, N processes act as one with Nε², but for γ", |f, case| {
                let n = case.number("processes").unwrap_or(1.0);
                if case.inputs.real("student")?.shape.len() == 4 {
                    return Ok(None);
                }
                let mut one = case.clone().set("processes", 1.0).set("gamma", 1.0);
                one.params.retain(|(name, _)| name != "eps" && name != "eps2");
                let alone = case.clone().set("gamma", 1.0);
                one.params.push(("eps2".into(), crate::oracle::Setting::Number((eps2(case) * Ball::exact(n)).mid().hi())));
                Ok(Some(Sides::of(f.eval(&one)?.scalar("expa")?, f.eval(&alone)?.scalar("expa")?)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let tensor = |shape: &[usize], data: &[f64]| Tensor {
            shape: shape.to_vec(),
            data: data.iter().map(|&x| Ball::exact(x) / Ball::exact(10.0)).collect(),
        };
        let student = [10.0, 0.0, 6.0, 8.0, 0.0, 10.0, 8.0, 6.0, 8.0, -6.0, 10.0, 0.0];
        let teacher = [8.0, 6.0, 0.0, 10.0, 6.0, -8.0, 10.0, 0.0];
        let case = |shape: [&[usize]; 2]| {
            Case::new(Values::new().with("student", tensor(shape[0], &student)).with("teacher", tensor(shape[1], &teacher)))
                .set("eps2", 0.5)
        };
        let plain = case([&[3, 2, 2], &[2, 2, 2]]);
        let flat = case([&[6, 2], &[4, 2]]).set("views", 3.0);
        let comp = Ball::exact(58.0) / Ball::exact(100.0);
        let known = |expa: Ball| Values::new().with("comp", comp).with("expa", expa).with("loss", -comp - expa);
        let (half, quarter) = (Ball::exact(0.5), Ball::exact(0.25));
        let log = |x: f64| (Ball::exact(x) / Ball::exact(10000.0)).ln();
        let first = half * log(75600.0);
        let collapsed = {
            let rows = |v: usize| Tensor {
                shape: vec![v, 4, 3],
                data: (0..v * 12).map(|i| if i % 3 == 0 { Ball::ONE } else { Ball::ZERO }).collect(),
            };
            Case::new(Values::new().with("student", rows(3)).with("teacher", rows(2))).set("eps2", 0.25).set("processes", 2.0)
        };
        vec![
            Closed::new("two samples in the plane: ½ ln 7.56", plain.clone(), known(first)),
            Closed::new("the same, the student as one matrix, view after view", flat, known(first)),
            Closed::new(
                "with the mean of student and teacher: ¼ (ln 6.6736 + ln 3)",
                plain.clone().set("expa_type", 1.0),
                known(quarter * (log(66736.0) + ln(3.0))),
            ),
            Closed::new("two processes: 0.375 ln 3.64", plain.clone().set("processes", 2.0), known(Ball::exact(0.375) * log(36400.0))),
            Closed::new(
                "two processes, mean of student and teacher",
                plain.set("processes", 2.0).set("expa_type", 1.0),
                Values::new().with("expa", digits("0.354868109927440584")),
            ),
            Closed::new(
                "all features one unit vector: γ ½ log(1 + p/(Nε²)), comp 1, and no gradient in the features but along them",
                collapsed,
                // p = 3, m = 4, N = 2, ε² = ¼: γ = 1/3 + 1/8, p/(Nε²) = 6.
                Values::new().with("comp", Ball::ONE).with("expa", (Ball::exact(3.0).recip() + Ball::exact(0.125)) * half * ln(7.0)),
            ),
        ]
    }
}

/// Student and teacher of shapes that fit, from whatever numbers the generator made; sometimes with a leading axis of processes, sometimes as one long matrix.
fn shaped(mut case: Case) -> Case {
    let numbers: Vec<Ball> = case.inputs.real("student").map(|t| t.data.clone()).unwrap_or_default();
    let more: Vec<Ball> = case.inputs.real("teacher").map(|t| t.data.clone()).unwrap_or_default();
    let kind = numbers.len() % 4;
    let (v, t) = ([3, 2, 4, 2][kind], [2, 1, 2, 2][kind]);
    let (m, p) = (1 + numbers.len() % 5, 1 + numbers.len() % 7);
    let w = if kind == 3 { 2 } else { 1 };
    let fill = |from: &[Ball], count: usize, shift: f64| -> Vec<Ball> {
        // Numbers repeat with a drift, so that no row is 0 and no two views are equal.
        (0..count)
            .map(|i| {
                from.get(i % from.len().max(1)).copied().unwrap_or(Ball::ONE) + Ball::exact(shift + (i / from.len().max(1)) as f64 * 0.125)
            })
            .collect()
    };
    let shape = |k: usize| if w > 1 { vec![w, k, m, p] } else { vec![k, m, p] };
    let (student, teacher) = (fill(&numbers, w * v * m * p, 0.25), fill(&more, w * t * m * p, -0.375));
    case.inputs.set("student", Tensor { shape: shape(v), data: student });
    case.inputs.set("teacher", Tensor { shape: shape(t), data: teacher });
    if w > 1 {
        case = case.set("processes", w as f64);
    }
    if case.preset.as_deref() == Some("simdino-book") {
        case = case.set("gamma", 0.75);
    }
    case
}
