//! To which class each sample belongs: labels, or a matrix of weights.

use crate::linalg::Matrix;
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// How far a row of soft weights may sum from 1: what rounding leaves of a softmax in f32. The excess enters every formula as it is; nothing is renormalised.
const SIMPLEX_SLACK: f64 = 9.5367431640625e-7;

/// The classes of n samples. Labels are a vector of n numbers, weights an n × K matrix `Π`; the K dense n × n diagonal matrices of the papers never exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership<S> {
    form: Form<S>,
    classes: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Form<S> {
    Labels(Vec<usize>),
    Weights { pi: Matrix<S>, simplex: bool },
}

/// The samples of one class that has any.
#[derive(Clone, Debug)]
pub struct Class<S> {
    /// The label, or the column of Π.
    pub label: usize,
    /// The samples whose weight is not exactly 0, in increasing order.
    pub rows: Vec<usize>,
    /// Their weights; `None` if each is 1.
    pub weights: Option<Vec<S>>,
    /// `n_k`, the sum of the weights.
    pub mass: S,
}

impl<S: Scalar> Membership<S> {
    /// Hard: sample i belongs to class `labels[i]` of `0 .. classes`. A class without samples is legal.
    /// Errors: `Shape` without samples, `Domain` (`LabelOutOfRange`) for a label from `classes` on.
    pub fn labels(labels: Vec<usize>, classes: usize) -> Result<Self> {
        if labels.is_empty() {
            return Err(Error::shape("labels", "at least one", "none").named("EmptyMembership"));
        }
        match labels.iter().position(|&l| l >= classes) {
            Some(i) => {
                Err(Error::domain(format!("labels[{i}]"), format!("a label below {classes}"), labels[i].to_string())
                    .named("LabelOutOfRange"))
            }
            None => Ok(Membership { form: Form::Labels(labels), classes }),
        }
    }
    /// Hard, with as many classes as the greatest label asks for.
    pub fn from_labels(labels: Vec<usize>) -> Result<Self> {
        let classes = labels.iter().max().map_or(0, |&l| l.saturating_add(1));
        Self::labels(labels, classes)
    }
    /// Soft: `pi` is n × K, each row nonnegative with sum 1 (up to 2⁻²⁰, the rounding of a softmax in f32; nothing is renormalised).
    /// Errors: `NotFinite`, `Domain` (`NegativeMembership`, `NotOnSimplex`, `EmptyMembership`), `Shape` if empty.
    pub fn soft(pi: Matrix<S>) -> Result<Self> {
        check_weights(&pi)?;
        for i in 0..pi.rows() {
            let sum = <S as Bulk>::sum(pi.row(i)).value();
            if !((sum - 1.0).abs() <= SIMPLEX_SLACK) {
                return Err(Error::domain(format!("pi: row {i}"), "weights that sum to 1", sum.to_string()).named("NotOnSimplex"));
            }
        }
        Ok(Membership { classes: pi.cols(), form: Form::Weights { pi, simplex: true } })
    }
    /// Any nonnegative weights. Rate reduction may then be negative: the laws that need a partition of each sample do not hold.
    pub fn unnormalised(pi: Matrix<S>) -> Result<Self> {
        check_weights(&pi)?;
        Ok(Membership { classes: pi.cols(), form: Form::Weights { pi, simplex: false } })
    }

    /// n.
    pub fn samples(&self) -> usize {
        match &self.form {
            Form::Labels(labels) => labels.len(),
            Form::Weights { pi, .. } => pi.rows(),
        }
    }
    /// K, empty classes included.
    pub fn class_count(&self) -> usize {
        self.classes
    }
    /// The weights of each sample sum to 1.
    pub fn is_partition(&self) -> bool {
        !matches!(self.form, Form::Weights { simplex: false, .. })
    }
    /// The labels, if the membership is hard.
    pub fn as_labels(&self) -> Option<&[usize]> {
        match &self.form {
            Form::Labels(labels) => Some(labels),
            Form::Weights { .. } => None,
        }
    }
    /// The memberships of the samples repeated `times` over, all of them in order each time. Errors: `Shape` for 0.
    pub fn stacked(&self, times: usize) -> Result<Self> {
        let form = match &self.form {
            Form::Labels(labels) => Form::Labels(labels.repeat(times)),
            Form::Weights { pi, simplex } => {
                Form::Weights { pi: Matrix::new(times * pi.rows(), pi.cols(), pi.data().repeat(times))?, simplex: *simplex }
            }
        };
        if times == 0 {
            return Err(Error::shape("times", "at least once", "0").named("EmptyMembership"));
        }
        Ok(Membership { form, classes: self.classes })
    }
    /// `Π_ik`.
    pub fn weight(&self, i: usize, k: usize) -> S {
        match &self.form {
            Form::Labels(labels) => {
                if labels[i] == k {
                    S::ONE
                } else {
                    S::ZERO
                }
            }
            Form::Weights { pi, .. } => pi[(i, k)],
        }
    }
    /// `Σ_k Π_ik`: 1 for labels.
    pub(super) fn total_weight(&self, i: usize) -> S {
        match &self.form {
            Form::Labels(_) => S::ONE,
            Form::Weights { pi, .. } => <S as Bulk>::sum(pi.row(i)),
        }
    }
    /// The classes that have samples, in order. A weight that is exactly 0 is structural: its sample takes no part.
    pub fn classes(&self) -> Vec<Class<S>> {
        match &self.form {
            Form::Labels(labels) => {
                let mut order: Vec<usize> = (0..labels.len()).collect();
                order.sort_by_key(|&i| labels[i]);
                let same = |a: &usize, b: &usize| labels[*a] == labels[*b];
                let class =
                    |rows: &[usize]| Class { label: labels[rows[0]], rows: rows.to_vec(), weights: None, mass: S::from_usize(rows.len()) };
                order.chunk_by(same).map(class).collect()
            }
            Form::Weights { pi, .. } => (0..pi.cols())
                .filter_map(|k| {
                    let rows: Vec<usize> = (0..pi.rows()).filter(|&i| pi[(i, k)] != S::ZERO).collect();
                    let weights: Vec<S> = rows.iter().map(|&i| pi[(i, k)]).collect();
                    (!rows.is_empty()).then(|| Class { label: k, rows, mass: <S as Bulk>::sum(&weights), weights: Some(weights) })
                })
                .collect(),
        }
    }
    /// Errors: `Domain` (`EmptyClass`) at the first class without samples.
    pub fn check_no_empty_class(&self) -> Result<()> {
        let present = self.classes();
        match (0..self.classes).find(|&k| present.get(k).is_none_or(|c| c.label != k)) {
            Some(k) => Err(Error::domain(format!("class {k}"), "at least one sample with a positive weight", "none").named("EmptyClass")),
            None => Ok(()),
        }
    }
}

fn check_weights<S: Scalar>(pi: &Matrix<S>) -> Result<()> {
    if pi.rows() == 0 || pi.cols() == 0 {
        return Err(Error::shape("pi", "at least one row and one column", format!("{pi:?}")).named("EmptyMembership"));
    }
    pi.check_finite("pi")?;
    let at = |k: usize| (k / pi.cols(), k % pi.cols());
    if let Some(k) = pi.data().iter().position(|x| x.sign() == Some(Ordering::Less)) {
        let (i, j) = at(k);
        return Err(
            Error::domain(format!("pi[{i}, {j}]"), "a weight from 0 on", pi[(i, j)].value().to_string()).named("NegativeMembership")
        );
    }
    if pi.data().iter().all(|&x| x == S::ZERO) {
        return Err(Error::domain("pi", "at least one positive weight", "only zeros").named("EmptyMembership"));
    }
    Ok(())
}
