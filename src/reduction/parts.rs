//! What every rate of a classified data set is computed from: the whole and its classes as sources, their second moments, each formed once.

use super::divergence::by_divergences;
use super::membership::{Class, Membership};
use super::source::{Moment, Side, Source, place_rows, scatter_rows};
use crate::coding::{Distortion, drowns};
use crate::linalg::Matrix;
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// The whole data set and its classes.
pub(super) struct Parts<S> {
    /// All samples with weight 1 and scale α.
    pub whole: Source<S>,
    pub whole_moment: Moment<S>,
    pub classes: Vec<Piece<S>>,
    /// `Σ_k Π_ik` of each sample.
    pub totals: Vec<S>,
    /// `1 − Σ_k γ_k`.
    pub lack: S,
    pub eps2: S,
}

/// A class as a source.
pub(super) struct Piece<S> {
    pub class: Class<S>,
    pub source: Source<S>,
    pub moment: Moment<S>,
    /// `γ_k = n_k / n`.
    pub gamma: S,
}

/// Errors: `Shape` for an empty `z`, or one whose rows are not those of the membership.
pub(super) fn check<S: Scalar>(z: &Matrix<S>, membership: &Membership<S>) -> Result<()> {
    if z.rows() == 0 || z.cols() == 0 {
        return Err(Error::shape("z", "at least one row and one column", format!("{z:?}")).named("EmptyInput"));
    }
    if z.rows() != membership.samples() {
        let expected = format!("{} rows, one for each of the memberships", membership.samples());
        return Err(Error::shape("z", expected, format!("{z:?}")).named("ShapeMismatch"));
    }
    z.check_finite("z")
}

impl<S: Scalar> Parts<S> {
    /// `guard` is added to every `n_k` (0 in the papers; 1e−8 in some code).
    pub fn new(z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>, guard: S) -> Result<Self> {
        check(z, membership)?;
        let (eps2, n, d) = (distortion.squared()?, S::from_usize(z.rows()), S::from_usize(z.cols()));
        let whole = Source { z: z.clone(), weights: None, alpha: d / (n * eps2) };
        let mut classes = Vec::new();
        for class in membership.classes() {
            let mass = class.mass + guard;
            classes.push((Source::of_class(z, &class, d / (mass * eps2))?, mass / n, class));
        }
        let totals: Vec<S> = (0..z.rows()).map(|i| membership.total_weight(i)).collect();
        let lacking: Vec<S> = totals.iter().map(|&t| S::ONE - t).collect();
        let lack = (S::sum(&lacking) - guard * S::from_usize(classes.len())) / n;
        Self::from_sources(whole, classes, totals, lack, eps2)
    }
    /// From the whole and its classes as `(source, γ_k, class)`, where `γ_k α_k = α`.
    pub fn from_sources(whole: Source<S>, classes: Vec<(Source<S>, S, Class<S>)>, totals: Vec<S>, lack: S, eps2: S) -> Result<Self> {
        let (whole_moment, moments) = moments(&whole, classes.iter().map(|(source, _, class)| (source, class)))?;
        let classes =
            classes.into_iter().zip(moments).map(|((source, gamma, class), moment)| Piece { class, source, moment, gamma }).collect();
        Ok(Parts { whole, whole_moment, classes, totals, lack, eps2 })
    }
    /// `R`.
    pub fn rate(&self) -> Result<S> {
        Ok(self.whole_moment.log_det()? * S::from_f64(0.5))
    }
    /// `ΔR`.
    pub fn reduction(&self) -> Result<S> {
        self.less(self.rate()?, self.conditional_rate()?)
    }
    /// `R − R^c`, by divergences where the difference would cancel.
    fn less(&self, rate: S, conditional: S) -> Result<S> {
        let difference = rate - conditional;
        // A ball that carries a radius vouches for its own digits.
        let certified = difference.to_ball().rad() > 0.0;
        if certified || difference.value() * 16.0 >= rate.value() {
            return Ok(difference);
        }
        Ok(by_divergences(self)?.unwrap_or(difference))
    }
    /// `R^c = Σ_k γ_k ½ log det M_k`, the classes in order.
    pub fn conditional_rate(&self) -> Result<S> {
        let mut sum = S::ZERO;
        for piece in &self.classes {
            sum = (piece.gamma * S::from_f64(0.5)).mul_add(piece.moment.log_det()?, sum);
        }
        Ok(sum)
    }
    /// `∂R^c/∂Z = α Σ_k D_k Z M_k⁻¹`.
    pub fn conditional_gradient(&self) -> Result<Matrix<S>> {
        let mut gradient = Matrix::zeros(self.whole.z.rows(), self.whole.z.cols());
        for piece in &self.classes {
            scatter_rows(&mut gradient, &piece.class.rows, &piece.source.whitened(&piece.moment)?, self.whole.alpha);
        }
        Ok(gradient)
    }
    /// `∂ΔR/∂Z = α (Z M⁻¹ − Σ_k D_k Z M_k⁻¹)`, and ΔR, from one factorisation each.
    ///
    /// Where `P = αZᵀZ` is small both inverses are near I and the difference would cancel; there `M⁻¹ = I − M⁻¹P` is used on both sides and the identities drop out
    /// (but for what the weights of a sample lack of 1). Either form is right; which is used depends on `tr P` against √d. With labels, both terms of a class meet in one d × d matrix and its samples are multiplied once.
    pub fn value_and_gradient(&self) -> Result<(S, Matrix<S>)> {
        let (z, alpha, half) = (&self.whole.z, self.whole.alpha, S::from_f64(0.5));
        let trace = self.whole_moment.product().map_or(f64::INFINITY, |p| p.trace().value());
        let small = trace * trace < z.cols() as f64;
        let mut gradient = Matrix::zeros(z.rows(), z.cols());
        let sign = if small { -alpha } else { alpha };
        let rows = |source: &Source<S>, moment: &Moment<S>| match moment.product() {
            Some(p) if small => source.shrunk(moment, p),
            _ => source.whitened(moment),
        };
        let grouped = self.whole_moment.side == Side::Features && self.classes.iter().all(|c| c.class.weights.is_none());
        let (rate, conditional) = if grouped {
            let (log_det, total) = self.whole_moment.log_det_and_operator(small)?;
            let mut conditional = S::ZERO;
            for Piece { class, source, moment, gamma } in &self.classes {
                let own = if moment.side == Side::Features {
                    let (log_det, own) = moment.log_det_and_operator(small)?;
                    place_rows(&mut gradient, &class.rows, &source.z.matmul(&total.sub(&own)?.scale(sign))?);
                    log_det
                } else {
                    place_rows(&mut gradient, &class.rows, &source.z.matmul(&total)?.scale(sign));
                    scatter_rows(&mut gradient, &class.rows, &rows(source, moment)?, -sign);
                    moment.log_det()?
                };
                conditional = (*gamma * half).mul_add(own, conditional);
            }
            (log_det * half, conditional)
        } else {
            let every: Vec<usize> = (0..z.rows()).collect();
            scatter_rows(&mut gradient, &every, &rows(&self.whole, &self.whole_moment)?, sign);
            for piece in &self.classes {
                scatter_rows(&mut gradient, &piece.class.rows, &rows(&piece.source, &piece.moment)?, -sign);
            }
            (self.rate()?, self.conditional_rate()?)
        };
        if small {
            for (i, &total) in self.totals.iter().enumerate() {
                let lacking = (S::ONE - total) * alpha;
                for (g, &z) in gradient.row_mut(i).iter_mut().zip(z.row(i)) {
                    *g += lacking * z;
                }
            }
        }
        Ok((self.less(rate, conditional)?, gradient))
    }
    /// `∂R^c/∂Π_ik = (1/2n) [log det M_k − (d − tr M_k⁻¹) + (d/ε²) z_iᵀ M_k⁻¹ z_i]`, all entries free, n fixed. `count` is K.
    pub fn membership_gradient(&self, count: usize) -> Result<Matrix<S>> {
        if self.classes.len() < count {
            let present: Vec<usize> = self.classes.iter().map(|c| c.class.label).collect();
            let empty = (0..count).find(|k| !present.contains(k)).unwrap_or(0);
            let found = "none: the derivative there is one-sided, (1/2n) log(1 + (d/ε²)‖z_i‖²)";
            return Err(Error::domain(format!("pi: column {empty}"), "a class with a positive weight", found).named("EmptyClass"));
        }
        let z = &self.whole.z;
        let (n, d) = (S::from_usize(z.rows()), S::from_usize(z.cols()));
        let (scale, ratio) = (S::ONE / (n * S::from_f64(2.0)), d / self.eps2);
        let mut gradient = Matrix::zeros(z.rows(), count);
        for piece in &self.classes {
            let form = piece.source.quadratic(&piece.moment, z)?;
            let own: Vec<S> = piece.class.rows.iter().map(|&i| form[i]).collect();
            let weights = piece.class.weights.clone().unwrap_or_else(|| vec![S::ONE; own.len()]);
            let base = piece.moment.log_det()? - piece.source.alpha * S::dot(&weights, &own);
            for (i, &q) in form.iter().enumerate() {
                gradient[(i, piece.class.label)] = ratio.mul_add(q, base) * scale;
            }
        }
        Ok(gradient)
    }
    /// `H[V]`.
    pub fn hessian(&self, v: &Matrix<S>, of: Of) -> Result<Matrix<S>> {
        self.combined(of, |source, moment, rows| source.hessian(moment, &v.select_rows(rows)?))
    }
    /// The third derivative along `V` and `Y`.
    pub fn third(&self, v: &Matrix<S>, y: &Matrix<S>, of: Of) -> Result<Matrix<S>> {
        self.combined(of, |source, moment, rows| source.third(moment, &v.select_rows(rows)?, &y.select_rows(rows)?))
    }
    /// `f(whole) − Σ γ_k f(class)`, or one of the two, on the rows of each.
    fn combined(&self, of: Of, f: impl Fn(&Source<S>, &Moment<S>, &[usize]) -> Result<Matrix<S>>) -> Result<Matrix<S>> {
        let every: Vec<usize> = (0..self.whole.z.rows()).collect();
        let (mut out, sign) = match of {
            Of::Reduction => (f(&self.whole, &self.whole_moment, &every)?, -S::ONE),
            Of::Conditional => (Matrix::zeros(self.whole.z.rows(), self.whole.z.cols()), S::ONE),
            Of::Rate => return f(&self.whole, &self.whole_moment, &every),
        };
        for piece in &self.classes {
            scatter_rows(&mut out, &piece.class.rows, &f(&piece.source, &piece.moment, &piece.class.rows)?, sign * piece.gamma);
        }
        Ok(out)
    }
}

/// Which of the rates a derivative is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// ΔR.
    Reduction,
    /// `R^c`.
    Conditional,
    /// R.
    Rate,
}

/// The moments of the whole and of each class. On the features' side with labels, the scatter of the whole is the sum of those of the classes, in their order.
/// On the samples' side, the Gram matrices of the classes are parts of that of the whole. Where a product would drown the identity, each is factored by itself.
pub(super) fn moments<'a, S: Scalar>(
    whole: &Source<S>,
    classes: impl Iterator<Item = (&'a Source<S>, &'a Class<S>)>,
) -> Result<(Moment<S>, Vec<Moment<S>>)> {
    let (n, d) = (whole.z.rows(), whole.z.cols());
    if drowns(whole.alpha * whole.z.frobenius_squared()) {
        return Ok((whole.moment()?, classes.map(|(source, _)| source.moment()).collect::<Result<_>>()?));
    }
    let mut of_classes = Vec::new();
    if n < d {
        let gram = whole.z.gram_rows();
        for (source, class) in classes {
            of_classes.push(source.moment_within(&gram, &class.rows)?);
        }
        return Ok((Moment::of_product(Side::Samples, gram.scale(whole.alpha)), of_classes));
    }
    let mut total = Matrix::zeros(d, d);
    let mut soft = false;
    for (source, class) in classes {
        soft |= class.weights.is_some();
        if soft || source.z.rows() < d {
            of_classes.push(source.moment()?);
        }
        if !soft && source.z.rows() < d {
            S::product(source.z.view().t(), source.z.view(), total.data_mut(), Part::Full);
        } else if !soft {
            let scatter = source.scatter()?;
            total = total.add(&scatter)?;
            let p = scatter.scale(source.alpha);
            of_classes.push(if drowns(p.trace()) { source.moment()? } else { Moment::of_product(Side::Features, p) });
        }
    }
    let total = if soft { whole.z.gram_cols() } else { total };
    Ok((Moment::of_product(Side::Features, total.scale(whole.alpha)), of_classes))
}
