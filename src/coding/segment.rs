//! Segmentation by merging: groups are joined, two at a time, as long as the description becomes shorter.

use super::Distortion;
use super::length::Model;
use crate::linalg::{Matrix, Qr};
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// A merge, the groups named by their first samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Merge {
    /// The first sample of the group that stays in its place.
    pub kept: usize,
    /// The first sample of the group that joins it.
    pub joined: usize,
    /// The size of the group they form.
    pub size: usize,
    /// By how much the total changed: below 0.
    pub delta: f64,
}

/// The result of [`segment`].
#[derive(Clone, Debug, PartialEq)]
pub struct Segmentation {
    /// The samples of each group, ascending; groups in the order of their first samples.
    pub groups: Vec<Vec<usize>>,
    /// The group of each sample.
    pub labels: Vec<usize>,
    /// The length at the end, `Σ L(W_k) − m_k log(m_k/m)`, in nats: that of the singletons and all the deltas.
    pub cost: f64,
    /// The length of the singletons.
    pub start: f64,
    /// What was merged, in order.
    pub merges: Vec<Merge>,
}

/// What is kept of a group: enough to price its union with another.
#[derive(Clone, Debug)]
struct Group {
    members: Vec<usize>,
    /// 0 unless the model centres.
    mean: Vec<f64>,
    /// `FᵀF`, d × d: the scatter about `mean`.
    scatter: Matrix<f64>,
    /// F, at most d rows.
    factor: Matrix<f64>,
    /// `L(W_k)`.
    length: f64,
}

/// Rows that are merged at most: the table of pairs takes 4 bytes·n² of it.
pub const MOST: usize = 20_000;

/// Segments the rows of W (n × d) by steepest descent of the coding length: starting from single samples, the two groups whose union saves most are joined, until no union saves more than `tolerance`.
///
/// The change of a union, `Δ = L(A∪B) − L(A) − L(B) + m_a log(m_a/m_ab) + m_b log(m_b/m_ab)`, is exactly the change of the total with its labels. A group keeps its size, mean, scatter and a factor F of at most
/// d rows of it. After a merge only the unions with the new group are priced anew: one Cholesky factor of the new scatter for each size met, then
/// `log det(I + αS_a + αF_bᵀF_b) = log det(I + αS_a) + log det(I + αF_b(I + αS_a)⁻¹F_bᵀ)`, on the side of the other group, which for a sample is one number. Means enter as one more row
/// `√(m_am_b/m_ab)(μ_a − μ_b)`. About `n²d²` flops while groups are small and `n² · 4` bytes of table. On exact ties the first pair in order wins; where rounding decides, raise `tolerance`.
///
/// The total falls with every merge, and at the end no pair improves it; it is not the global optimum in general. Errors: `Shape` (`EmptyInput`); `NotFinite`; `Domain` for ε ≤ 0 or a tolerance below 0;
/// `Unsupported` (`TooLarge`) above [`MOST`] rows.
///
/// Source: Ma, Derksen, Hong and Wright, *Segmentation of Multivariate Mixed Data via Lossy Data Coding and Compression*, TPAMI 2007, table 1.
pub fn segment(w: &Matrix<f64>, distortion: Distortion<f64>, model: Model, tolerance: f64) -> Result<Segmentation> {
    segment_with(w, distortion, model, tolerance, &mut |_, _| {})
}

/// [`segment`], telling `progress` how many merges are done, of at most how many.
pub fn segment_with(
    w: &Matrix<f64>,
    distortion: Distortion<f64>,
    model: Model,
    tolerance: f64,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Segmentation> {
    let (eps2, [n, d]) = (distortion.squared()?, w.shape());
    if n == 0 || d == 0 {
        return Err(Error::shape("w", "at least one row and one column", format!("{w:?}")).named("EmptyInput"));
    }
    if n > MOST {
        return Err(Error::unsupported("w", format!("at most {MOST} rows"), n.to_string()).named("TooLarge"));
    }
    if !(tolerance >= 0.0) {
        return Err(Error::domain("tolerance", "a number from 0 on", tolerance.to_string()).named("InvalidParameter"));
    }
    w.check_finite("w")?;
    let price = Price { d, eps2, model };
    let energy = d as f64 * w.frobenius_squared() / eps2;
    if !energy.is_finite() {
        return Err(Error::not_finite("w", "d‖W‖²/ε² within the range of f64", energy.to_string()).named("NonFinite"));
    }
    let singles: Vec<Option<Group>> = (0..n).map(|i| Some(price.single(w.row(i), i))).collect();
    let start = Bulk::sum(&singles.iter().flatten().map(|g| g.length).collect::<Vec<f64>>()[..]) + n as f64 * Scalar::ln(n as f64);
    let mut table = Pairs::new(n);
    for i in 0..n {
        for j in i + 1..n {
            table.set(i, j, price.pair(w.row(i), w.row(j), &singles[i], &singles[j]));
        }
    }
    let mut groups = singles;
    let mut best: Vec<Option<(usize, f64)>> = (0..n).map(|i| table.best(i, &groups)).collect();
    let (mut merges, mut cost) = (Vec::new(), start);
    loop {
        progress(merges.len(), n - 1);
        let Some((i, j, delta)) = lowest(&best) else { break };
        if !(delta < -tolerance) {
            break;
        }
        let (Some(a), Some(b)) = (groups[i].take(), groups[j].take()) else { break };
        let (kept, joined) = (a.members[0], b.members[0]);
        let union = price.union(a, b)?;
        merges.push(Merge { kept, joined, size: union.members.len(), delta });
        cost += delta;
        let mut bases = Vec::new();
        for (k, other) in groups.iter().enumerate() {
            if let Some(other) = other {
                table.set(if k < i { k } else { i }, if k < i { i } else { k }, price.delta(&union, other, &mut bases)?);
            }
        }
        groups[i] = Some(union);
        best[j] = None;
        for k in 0..j {
            if groups[k].is_none() {
                continue;
            }
            match best[k] {
                Some((partner, _)) if k != i && partner != i && partner != j => {
                    if k < i {
                        let new = table.get(k, i);
                        if best[k].is_some_and(|(at, old)| new < old || (new == old && i < at)) {
                            best[k] = Some((i, new));
                        }
                    }
                }
                _ => best[k] = table.best(k, &groups),
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_iter().flatten().map(|g| g.members).collect();
    groups.sort();
    let mut labels = vec![0; n];
    for (label, group) in groups.iter().enumerate() {
        group.iter().for_each(|&i| labels[i] = label);
    }
    Ok(Segmentation { groups, labels, cost, start, merges })
}

/// The first of the lowest entries.
fn lowest(best: &[Option<(usize, f64)>]) -> Option<(usize, usize, f64)> {
    let mut found: Option<(usize, usize, f64)> = None;
    for (i, entry) in best.iter().enumerate() {
        if let Some((j, delta)) = *entry
            && found.is_none_or(|(_, _, least)| delta < least)
        {
            found = Some((i, j, delta));
        }
    }
    found
}

/// The deltas of all pairs i < j, row after row.
struct Pairs {
    n: usize,
    deltas: Vec<f64>,
}
impl Pairs {
    fn new(n: usize) -> Pairs {
        Pairs { n, deltas: vec![0.0; n * (n - 1) / 2] }
    }
    fn start(&self, i: usize) -> usize {
        i * (2 * self.n - i - 1) / 2
    }
    fn get(&self, i: usize, j: usize) -> f64 {
        self.deltas[self.start(i) + j - i - 1]
    }
    fn set(&mut self, i: usize, j: usize, delta: f64) {
        let at = self.start(i) + j - i - 1;
        self.deltas[at] = delta;
    }
    /// The first of the lowest partners behind i.
    fn best(&self, i: usize, groups: &[Option<Group>]) -> Option<(usize, f64)> {
        groups[i].as_ref()?;
        let row = &self.deltas[self.start(i)..self.start(i) + self.n - i - 1];
        let mut found: Option<(usize, f64)> = None;
        for (k, &delta) in row.iter().enumerate() {
            if groups[i + 1 + k].is_some() && found.is_none_or(|(_, least)| delta < least) {
                found = Some((i + 1 + k, delta));
            }
        }
        found
    }
}

/// What lengths cost.
struct Price {
    d: usize,
    eps2: f64,
    model: Model,
}
/// `I + αS` factored for one size of the union: its Cholesky factor and log-determinant.
struct Base {
    size: usize,
    l: Vec<f64>,
    log_det: f64,
}

impl Price {
    fn alpha(&self, m: usize) -> f64 {
        self.d as f64 / (m as f64 * self.eps2)
    }
    /// The length of m samples with this log-determinant and this squared length of the mean.
    fn length(&self, m: usize, log_det: f64, mean2: f64) -> f64 {
        let charged = if self.model == Model::Samples { m } else { m + self.d };
        let mean = if self.model == Model::Affine { 0.5 * self.d as f64 * Scalar::log1p(mean2 / self.eps2) } else { 0.0 };
        0.5 * charged as f64 * log_det + mean
    }
    /// `m_a log(m_a/m) + m_b log(m_b/m)`.
    fn labels(a: usize, b: usize) -> f64 {
        let (a, b) = (a as f64, b as f64);
        a * Scalar::ln(a / (a + b)) + b * Scalar::ln(b / (a + b))
    }
    fn single(&self, w: &[f64], i: usize) -> Group {
        let (affine, square) = (self.model == Model::Affine, f64::dot(w, w));
        let (mean, rows) = if affine { (w.to_vec(), 0) } else { (vec![0.0; self.d], 1) };
        let factor = Matrix::from_fn(rows, self.d, |_, j| w[j]);
        let log_det = if affine { 0.0 } else { Scalar::log1p(self.alpha(1) * square) };
        // The scatter of a sample is made when it joins a group: n of them would fill the memory.
        Group {
            members: vec![i],
            mean,
            scatter: Matrix::zeros(0, 0),
            factor,
            length: self.length(1, log_det, if affine { square } else { 0.0 }),
        }
    }
    /// The delta of two samples.
    fn pair(&self, x: &[f64], y: &[f64], a: &Option<Group>, b: &Option<Group>) -> f64 {
        let (Some(a), Some(b)) = (a, b) else { return 0.0 };
        let alpha = self.alpha(2);
        let length = if self.model == Model::Affine {
            let off: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
            let mid: Vec<f64> = x.iter().zip(y).map(|(x, y)| 0.5 * (x + y)).collect();
            self.length(2, Scalar::log1p(0.5 * alpha * f64::dot(&off, &off)), f64::dot(&mid, &mid))
        } else {
            let (xx, xy) = (f64::dot(x, x), f64::dot(x, y));
            // The second sample given the first: its part across the first, and what the code of the first leaves of its part along it.
            let c = if xx > 0.0 { xy / xx } else { 0.0 };
            let across: Vec<f64> = x.iter().zip(y).map(|(x, y)| (-c).mul_add(*x, *y)).collect();
            let rest = f64::dot(&across, &across) + c * xy / (1.0 + alpha * xx);
            self.length(2, Scalar::log1p(alpha * xx) + Scalar::log1p(alpha * rest), 0.0)
        };
        length - a.length - b.length + Price::labels(1, 1)
    }
    fn scatter(&self, g: &Group) -> Matrix<f64> {
        if g.scatter.rows() == self.d { g.scatter.clone() } else { g.factor.gram_cols() }
    }
    /// The rows that the union with `b` adds to the scatter of `a`.
    fn added(&self, a: &Group, b: &Group) -> Matrix<f64> {
        if self.model != Model::Affine {
            return b.factor.clone();
        }
        let (ma, mb) = (a.members.len() as f64, b.members.len() as f64);
        let c = (ma * mb / (ma + mb)).sqrt();
        let own = b.factor.rows();
        Matrix::from_fn(own + 1, self.d, |i, j| if i < own { b.factor[(i, j)] } else { c * (a.mean[j] - b.mean[j]) })
    }
    fn base(&self, a: &Group, size: usize) -> Result<Base> {
        let alpha = self.alpha(size);
        let mut m = self.scatter(a).scale(alpha);
        (0..self.d).for_each(|i| m[(i, i)] += 1.0);
        let mut l = m.into_data();
        f64::cholesky(&mut l, self.d)?;
        let logs: Vec<f64> = (0..self.d).map(|i| Scalar::ln(l[i * self.d + i])).collect();
        Ok(Base { size, l, log_det: 2.0 * f64::sum(&logs) })
    }
    /// Δ of the union of `a` with `b`; factors of `a` are kept in `bases` by the size of the union.
    fn delta(&self, a: &Group, b: &Group, bases: &mut Vec<Base>) -> Result<f64> {
        let (ma, mb) = (a.members.len(), b.members.len());
        let size = ma + mb;
        let at = match bases.iter().position(|base| base.size == size) {
            Some(at) => at,
            None => {
                bases.push(self.base(a, size)?);
                bases.len() - 1
            }
        };
        let base = &bases[at];
        let mut rows = self.added(a, b);
        f64::solve_lower_rows(&base.l, self.d, rows.data_mut())?;
        let alpha = self.alpha(size);
        let more = match rows.rows() {
            0 => 0.0,
            1 => Scalar::log1p(alpha * f64::dot(rows.row(0), rows.row(0))),
            r if r <= self.d => f64::log_det_i_plus(rows.gram_rows().scale(alpha).data(), r)?,
            _ => f64::log_det_i_plus(rows.gram_cols().scale(alpha).data(), self.d)?,
        };
        let mean2 = if self.model == Model::Affine {
            let mean = self.mean(a, b);
            f64::dot(&mean, &mean)
        } else {
            0.0
        };
        Ok(self.length(size, base.log_det + more, mean2) - a.length - b.length + Price::labels(ma, mb))
    }
    fn mean(&self, a: &Group, b: &Group) -> Vec<f64> {
        let (ma, mb) = (a.members.len() as f64, b.members.len() as f64);
        a.mean.iter().zip(&b.mean).map(|(x, y)| (ma * x + mb * y) / (ma + mb)).collect()
    }
    fn union(&self, a: Group, b: Group) -> Result<Group> {
        let (added, mean) = (self.added(&a, &b), self.mean(&a, &b));
        let scatter = self.scatter(&a).add(&added.gram_cols())?;
        let [p, q] = [a.factor.rows(), added.rows()];
        let stacked = Matrix::from_fn(p + q, self.d, |i, j| if i < p { a.factor[(i, j)] } else { added[(i - p, j)] });
        let factor = if p + q > self.d { Qr::new(&stacked)?.r } else { stacked };
        let mut members = a.members;
        members.extend(b.members);
        members.sort_unstable();
        let size = members.len();
        let alpha = self.alpha(size);
        let log_det = if factor.rows() < self.d {
            f64::log_det_i_plus(factor.gram_rows().scale(alpha).data(), factor.rows())?
        } else {
            f64::log_det_i_plus(scatter.scale(alpha).data(), self.d)?
        };
        let length = self.length(size, log_det, f64::dot(&mean, &mean));
        Ok(Group { members, mean, scatter, factor, length })
    }
}
