//! The loss on class tokens.

use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::reduction::source::Source;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// How two views are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The cosine (SimDINO).
    Cosine,
    /// The inner product; inputs are taken to have length 1 (SimDINOv2).
    Inner,
    /// `−½‖q − s‖²` (the monograph): the cosine less 1 for unit vectors.
    Distance,
}

/// The features of one process: a matrix of m samples × p features for each view.
pub type Views<S> = Vec<Matrix<S>>;

/// `loss = −c · comp − γ · (1/T) Σ_{v<T} ½ log det(I + s W_vᵀW_v)`, `s = p/(m N ε²)`.
///
/// A process holds V student views of m samples (the first T global) and T teacher views. `comp` is the mean agreement over pairs of *different* views,
/// `1/(TV − min(T, V)) Σ_{t<T} Σ_{v≠t} (1/m) Σ_b agreement(q_tb, s_vb)`. `W_v` is `S_v` (expansion 0) or `(S_v + Q_v)/2` (expansion 1). N processes take part in training; with `summed`, `W_vᵀW_v` is
/// summed over them, otherwise each has its own, with N in s all the same: then ε² acts as Nε², and the result depends on how a batch is split. `γ = (p + Nm)/(pNm)` unless given.
///
/// Source: Wu, Zhang, Pai, Wang, Singh, Yang, Gao and Ma, *Simplifying DINO via Coding Rate Regularization*, ICML 2025; official code `simdino/main_dino.py`, class `MCRLoss`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimDino<S> {
    /// ε. The official `eps` is ε².
    pub distortion: Distortion<S>,
    /// c, the weight of the agreement.
    pub coeff: S,
    /// N.
    pub processes: usize,
    /// `W_v` is the mean of student and teacher (the official `expa_type=1`), not the student alone (0).
    pub mean_expansion: bool,
    /// `reduce_cov=1`.
    pub summed: bool,
    /// How views are compared.
    pub agreement: Agreement,
    /// Pairs of the same view count too, over the same number of pairs (the official `no_diag=False`).
    pub with_diagonal: bool,
    /// γ; `None` for the official `(p + Nm)/(pNm)`.
    pub gamma: Option<S>,
}

/// The loss and its terms.
#[derive(Clone, Debug, PartialEq)]
pub struct SimDinoLoss<S> {
    /// Of each process.
    pub losses: Vec<S>,
    /// Their mean.
    pub loss: S,
    /// The mean over the processes of the agreement of different views, at most 1.
    pub comp: S,
    /// The mean over the processes of γ times the mean rate of the global views.
    pub expa: S,
    /// The mean over the processes of the agreement between global views of different index, divided by T: what SimDINOv2 logs as `global_comp`.
    pub global_comp: S,
}

/// The gradient of the mean loss. With respect to the teacher too: training discards it.
#[derive(Clone, Debug)]
pub struct SimDinoGradient<S> {
    /// In the student views of each process.
    pub student: Vec<Views<S>>,
    /// In the teacher views of each process.
    pub teacher: Vec<Views<S>>,
    /// In ε².
    pub eps2: S,
    /// In c.
    pub coeff: S,
    /// In γ; what it would be if γ moved by itself.
    pub gamma: S,
}

/// Sizes that a check has established.
struct Sizes {
    v: usize,
    t: usize,
    m: usize,
    p: usize,
}

impl<S: Scalar> SimDino<S> {
    fn check(&self, student: &[Views<S>], teacher: &[Views<S>]) -> Result<Sizes> {
        let w = student.len();
        if w == 0 || teacher.len() != w || (w > 1 && w != self.processes) {
            let expected = format!("features of one process, or of all {}, for student and teacher alike", self.processes);
            return Err(Error::shape("processes", expected, format!("{w} and {}", teacher.len())));
        }
        let (v, t) = (student[0].len(), teacher[0].len());
        let [m, p] = student[0].first().map_or([0, 0], Matrix::shape);
        if t == 0 || v < t || m == 0 || p == 0 {
            return Err(Error::shape(
                "views",
                "at least as many student as teacher views, none empty",
                format!("{v} and {t} of {m} × {p}"),
            )
            .named("EmptyInput"));
        }
        if v == 1 {
            return Err(Error::shape("views", "two views at least: one has nothing to agree with", "1"));
        }
        if let Some(x) = student.iter().chain(teacher).flatten().find(|x| x.shape() != [m, p]) {
            return Err(Error::shape("views", format!("{m} × {p}, as the first"), format!("{x:?}")));
        }
        if student.iter().any(|s| s.len() != v) || teacher.iter().any(|q| q.len() != t) {
            return Err(Error::shape("views", format!("{v} student and {t} teacher views in every process"), "another number"));
        }
        Ok(Sizes { v, t, m, p })
    }
    fn gamma(&self, sizes: &Sizes) -> S {
        let (p, nm) = (S::from_usize(sizes.p), S::from_usize(self.processes * sizes.m));
        self.gamma.unwrap_or_else(|| p.recip() + nm.recip())
    }
    /// One over the number of pairs that count, times samples.
    fn pair_weight(&self, s: &Sizes) -> S {
        S::ONE / S::from_usize((s.t * s.v - s.t.min(s.v)) * s.m)
    }
    /// The expansion sources of view v: one for each process, or one of all stacked.
    fn sources(&self, student: &[Views<S>], teacher: &[Views<S>], sizes: &Sizes, v: usize) -> Result<Vec<Source<S>>> {
        let alpha = S::from_usize(sizes.p) / (S::from_usize(sizes.m * self.processes) * self.distortion.squared()?);
        let half = S::from_f64(0.5);
        let each = student
            .iter()
            .zip(teacher)
            .map(|(s, q)| if self.mean_expansion { s[v].zip(&q[v], |s, q| (s + q) * half) } else { Ok(s[v].clone()) });
        let each: Vec<Matrix<S>> = each.collect::<Result<_>>()?;
        let source = |z| Source { z, weights: None, alpha };
        if !self.summed {
            return Ok(each.into_iter().map(source).collect());
        }
        let rows = each.len() * sizes.m;
        Ok(vec![source(Matrix::new(rows, sizes.p, each.into_iter().flat_map(Matrix::into_data).collect())?)])
    }

    /// The loss of each process and their mean. `student[r][v]` and `teacher[r][t]` are m × p; one process may be given for N. Cost `V T m p + T (m p q + q³/3)` flops a process, `q = min(m, p)`.
    /// Errors: `Shape`; `Domain` (`ZeroRow`) for a vector of length 0 under the cosine, where the official code clamps the norm at 1e−8.
    pub fn loss(&self, student: &[Views<S>], teacher: &[Views<S>]) -> Result<SimDinoLoss<S>> {
        let sizes = self.check(student, teacher)?;
        let (weight, gamma, w) = (self.pair_weight(&sizes), self.gamma(&sizes), S::from_usize(student.len()));
        let mut expansions = vec![S::ZERO; student.len()];
        for v in 0..sizes.t {
            let sources = self.sources(student, teacher, &sizes, v)?;
            let rates: Vec<S> = sources.iter().map(|source| source.moment()?.log_det()).collect::<Result<_>>()?;
            for (r, e) in expansions.iter_mut().enumerate() {
                *e += rates[if self.summed { 0 } else { r }];
            }
        }
        let share = gamma * S::from_f64(0.5) / S::from_usize(sizes.t);
        let mut out = SimDinoLoss { losses: Vec::new(), loss: S::ZERO, comp: S::ZERO, expa: S::ZERO, global_comp: S::ZERO };
        for (r, (s, q)) in student.iter().zip(teacher).enumerate() {
            let (mut comp, mut global) = (S::ZERO, S::ZERO);
            for (t, q) in q.iter().enumerate() {
                for (v, s) in s.iter().enumerate().filter(|(v, _)| *v != t || self.with_diagonal) {
                    let sum = self.agreement_sum(q, s)?;
                    comp += sum;
                    if v < sizes.t && v != t {
                        global += sum;
                    }
                }
            }
            let (comp, expa) = (comp * weight, expansions[r] * share);
            out.losses.push(-(self.coeff * comp) - expa);
            out.comp += comp / w;
            out.expa += expa / w;
            out.global_comp += global / (S::from_usize(sizes.m * sizes.t) * w);
        }
        out.loss = S::sum(&out.losses) / w;
        Ok(out)
    }
    /// The gradient of `Σ_r c_r loss_r + ⟨bar, (comp, expa, global_comp)⟩`, the terms of [`SimDino::loss`]; `bar.losses` are the `c_r`.
    ///
    /// With `q̂ = q/‖q‖`: `∂cos/∂s = (q̂ − cos ŝ)/‖s‖`, and the same with the roles exchanged. `∂(½ log det(I + sWᵀW))/∂W = s W (I + sWᵀW)⁻¹`, half of which goes to student and teacher each when W is their mean.
    pub fn vjp(&self, student: &[Views<S>], teacher: &[Views<S>], bar: &SimDinoLoss<S>) -> Result<SimDinoGradient<S>> {
        let loss_bar = &bar.losses;
        let sizes = self.check(student, teacher)?;
        let w = S::from_usize(student.len());
        let (weight, gamma, eps2) = (self.pair_weight(&sizes), self.gamma(&sizes), self.distortion.squared()?);
        let zeros = |views: &[Views<S>]| -> Vec<Views<S>> {
            views.iter().map(|v| v.iter().map(|x| Matrix::zeros(x.rows(), x.cols())).collect()).collect()
        };
        let mut out = SimDinoGradient { student: zeros(student), teacher: zeros(teacher), eps2: S::ZERO, coeff: S::ZERO, gamma: S::ZERO };
        for r in 0..student.len() {
            let c = (bar.comp / w - self.coeff * loss_bar[r]) * weight;
            let monitor = bar.global_comp / (S::from_usize(sizes.m * sizes.t) * w);
            for t in 0..sizes.t {
                for v in (0..sizes.v).filter(|&v| v != t || self.with_diagonal) {
                    let (q, s) = (&teacher[r][t], &student[r][v]);
                    out.coeff -= loss_bar[r] * weight * self.agreement_sum(q, s)?;
                    let c = if v < sizes.t && v != t { c + monitor } else { c };
                    self.agreement_vjp(q, s, c, &mut out.teacher[r][t], &mut out.student[r][v])?;
                }
            }
        }
        // Under summed covariances every process has the same expansion, of all their rows.
        let share = S::ONE / S::from_usize(sizes.t);
        let bars: Vec<S> = loss_bar.iter().map(|&l| (bar.expa / w - l) * share).collect();
        let parts = if self.mean_expansion { S::from_f64(0.5) } else { S::ONE };
        for v in 0..sizes.t {
            let sources = self.sources(student, teacher, &sizes, v)?;
            for (i, source) in sources.iter().enumerate() {
                let bar = if self.summed { S::sum(&bars) } else { bars[i] };
                let moment = source.moment()?;
                let whitened = source.whitened(&moment)?.scale(source.alpha);
                out.gamma = (bar * S::from_f64(0.5)).mul_add(moment.log_det()?, out.gamma);
                out.eps2 -= bar * gamma * source.z.dot(&whitened)? / (eps2 * S::from_f64(2.0));
                let from = if self.summed { 0..student.len() } else { i..i + 1 };
                for (block, r) in from.enumerate() {
                    for b in 0..sizes.m {
                        let row = whitened.row(block * sizes.m + b);
                        add_row(&mut out.student[r][v], b, row, bar * gamma * parts);
                        if self.mean_expansion {
                            add_row(&mut out.teacher[r][v], b, row, bar * gamma * parts);
                        }
                    }
                }
            }
        }
        Ok(out)
    }
    /// `Σ_b agreement(q_b, s_b)`.
    fn agreement_sum(&self, q: &Matrix<S>, s: &Matrix<S>) -> Result<S> {
        let mut sum = S::ZERO;
        for b in 0..q.rows() {
            sum += agreement(self.agreement, q.row(b), s.row(b)).map_err(|e| e.within(&format!("sample {b}")))?.value;
        }
        Ok(sum)
    }
    fn agreement_vjp(&self, q: &Matrix<S>, s: &Matrix<S>, c: S, q_bar: &mut Matrix<S>, s_bar: &mut Matrix<S>) -> Result<()> {
        for b in 0..q.rows() {
            let a = agreement(self.agreement, q.row(b), s.row(b))?;
            // ∂/∂s = a.other q + a.own_s s, and the same for q.
            add_row(s_bar, b, q.row(b), c * a.other);
            add_row(s_bar, b, s.row(b), c * a.own_s);
            add_row(q_bar, b, s.row(b), c * a.other);
            add_row(q_bar, b, q.row(b), c * a.own_q);
        }
        Ok(())
    }
}

/// An agreement and its derivatives: `∂/∂s = other q + own_s s`, `∂/∂q = other s + own_q q`.
pub(super) struct Agreed<S> {
    pub value: S,
    pub other: S,
    pub own_s: S,
    pub own_q: S,
}

pub(super) fn agreement<S: Scalar>(kind: Agreement, q: &[S], s: &[S]) -> Result<Agreed<S>> {
    let inner = S::dot(q, s);
    match kind {
        Agreement::Inner => Ok(Agreed { value: inner, other: S::ONE, own_s: S::ZERO, own_q: S::ZERO }),
        Agreement::Distance => {
            let square = q.iter().zip(s).fold(S::ZERO, |sum, (&q, &s)| sum + (q - s).square());
            Ok(Agreed { value: -(square * S::from_f64(0.5)), other: S::ONE, own_s: -S::ONE, own_q: -S::ONE })
        }
        Agreement::Cosine => {
            let (qq, ss) = (S::dot(q, q), S::dot(s, s));
            for (name, norm) in [("teacher", qq), ("student", ss)] {
                match norm.sign() {
                    Some(Ordering::Greater) => {}
                    None => return Err(Error::undecided(name, "a length that is surely not 0", format!("{:?}", norm.to_ball()))),
                    _ => {
                        return Err(
                            Error::domain(name, "a vector with a direction", "the zero vector, which has no cosine").named("ZeroRow")
                        );
                    }
                }
            }
            let other = S::ONE / (qq * ss).sqrt();
            let value = inner * other;
            Ok(Agreed { value, other, own_s: -(value / ss), own_q: -(value / qq) })
        }
    }
}

pub(super) fn add_row<S: Scalar>(m: &mut Matrix<S>, row: usize, x: &[S], c: S) {
    for (m, &x) in m.row_mut(row).iter_mut().zip(x) {
        *m += c * x;
    }
}
