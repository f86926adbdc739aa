//! From the gradient of the rate to attention, rung by rung, on tokens from four subspaces.

use super::Tour;
use crate::Result;
use crate::coding::Distortion;
use crate::linalg::{Matrix, Svd};
use crate::random::{Rng, haar_orthogonal};
use crate::report::axis::Axis;
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Shortest, Significant};
use crate::report::{Cell, Column, Figure, Label, Table};
use crate::scalar::Scalar;
use crate::transformer::{
    Population, mssa, rate_gradient, rate_gradient_neumann, rate_gradient_no_self, rate_gradient_softmax, rate_gradient_span_closed,
    subspace_coding_rate,
};

/// Subspaces, their width, tokens.
const K: usize = 4;
const P: usize = 4;
const N: usize = 120;

/// K orthonormal bases of width p, together complete.
pub fn bases(k: usize, p: usize, rng: &mut Rng) -> Result<Vec<Matrix<f64>>> {
    let q = haar_orthogonal(k * p, rng)?;
    (0..k).map(|i| q.select_cols(i * p, p)).collect()
}

fn norm(m: &Matrix<f64>) -> f64 {
    m.frobenius_squared().sqrt()
}

/// Tokens, their bases, and the greatest eigenvalue of `A_k A_kᵀ` over the heads.
struct Scene {
    z: Matrix<f64>,
    u: Vec<Matrix<f64>>,
    greatest: f64,
}

impl Scene {
    /// The ε at which the greatest s is `s`.
    fn at(&self, s: f64) -> Distortion<f64> {
        Distortion::Eps2(P as f64 * self.greatest / (N as f64 * s))
    }
    fn a(&self, s: f64) -> f64 {
        s / self.greatest
    }
}

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let mut rng = Rng::stream(1, "tour rungs");
    let u = bases(K, P, &mut rng)?;
    let z = Population::new(u.clone(), vec![1.0 / K as f64; K], 1.0, 0.05)?.draw(N, &mut rng)?.noisy;
    let mut greatest = 0.0;
    for u in &u {
        let sigma = Svd::new(&z.matmul(u)?)?.sigma[0];
        greatest = if sigma * sigma > greatest { sigma * sigma } else { greatest };
    }
    let scene = Scene { z, u, greatest };
    tour.text(
        "An image is cut into patches, each patch becomes a token. Which layer makes better tokens of them? Let `K` subspaces with bases `U_k` be learned, and ask for tokens that together cost many \
         nats but each subspace few, with few numbers that are not zero:",
    );
    tour.formula("R(Z) − R^c(Z|U) − λ‖Z‖_0,\u{2003}R^c(Z|U) = ½ Σ_k log det(I + a A_k^TA_k),\u{2003}A_k = ZU_k,\u{2003}a = p/(nε^2)");
    tour.text("The first half of a layer steps down the gradient of `R^c`. It is known exactly, and costs an inverse in every head:");
    tour.formula("∇R^c = a Σ_k (I + S_k)^{−1} A_k U_k^T,\u{2003}S_k = a A_kA_k^T");
    tour.text(format!(
        "To get rid of the inverse, it is replaced by the first terms of its series, `I − S_k + S_k^2 − …`, and the paper keeps two. Then `Σ_k U_kU_k^T` is taken for the identity, and last the correlations \
         `A_kA_k^T` become a softmax, so that each token receives a mean of the others: attention, with one projection for query, key and value. What does each step cost? Below, {N} tokens from a mixture on \
         {K} orthogonal subspaces of dimension {P}. How good the series is depends on `s`, the greatest eigenvalue of the `S_k`, and `ε` sets `s`: the finer the code, the greater.",
    ));
    series(tour, &scene)?;
    directions(tour, &scene)?;
    steps(tour, &scene)
}

const ORDERS: usize = 24;

fn series(tour: &mut Tour, scene: &Scene) -> Result<()> {
    let scales = [0.5, 0.9, 1.0, 1.1, 1.5];
    let mut curves = Vec::new();
    let (mut worst, mut allowed) = (0.0, 0.0);
    let mut ends = Vec::new();
    for s in scales {
        let eps = scene.at(s);
        let exact = rate_gradient(&scene.z, &scene.u, eps)?;
        let mut errors = Vec::new();
        for order in 0..=ORDERS {
            let error = exact.sub(&rate_gradient_neumann(&scene.z, &scene.u, eps, order)?)?;
            // (−1)^{m+1} S^{m+1} applied to the gradient, by applying S that often.
            let mut known = exact.clone();
            for _ in 0..=order {
                known = correlate(scene, &known, -scene.a(s))?;
            }
            let off = norm(&error.sub(&known)?) / norm(&exact);
            worst = if off > worst { off } else { worst };
            // Each application of S and each term of the series rounds a few products of length n, p and d, of size at most max(s, 1)^{m+1}.
            let size = (0..=order as i32 + 1).map(|j| Scalar::powi(s, j)).sum::<f64>();
            let bound = 8.0 * (N + 2 * K * P) as f64 * f64::UNIT_ROUNDOFF * size * (order + 2) as f64;
            allowed = if bound > allowed { bound } else { allowed };
            errors.push((order as f64, norm(&error) / norm(&exact)));
        }
        ends.push(errors[ORDERS].1);
        curves.push(Series::curve(&format!("`s` = {s}"), errors));
    }
    tour.figure(
        LineChart {
            label: Label::new(
                "rungs-series",
                "The series converges below `s = 1` and nowhere else",
                format!(
                    "Error of the series relative to the gradient, by its order. After {ORDERS} orders: {}.",
                    scales
                        .iter()
                        .zip(&ends)
                        .map(|(s, e)| format!("{} at `s` = {s}", Significant(2).print(*e)))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
            x: Axis::linear("order"),
            y: Axis::log("error / gradient"),
            series: curves,
        }
        .figure()?,
    );
    tour.claim(
        "The error of order `m` is exactly `(−S)^{m+1}` applied to the gradient, for every order and every `s` tried.",
        worst <= allowed,
        format!("Largest difference {} of the gradient, rounding allows {}.", Significant(2).print(worst), Significant(2).print(allowed)),
    );
    tour.claim(
        "The error shrinks with the order below `s = 1` and grows above.",
        ends[0] < 1e-6 && ends[1] < 0.5 && ends[3] > 0.5 && ends[4] > 1.0,
        format!("After {ORDERS} orders {} at `s` = 0.5 and {} at `s` = 1.5.", Significant(2).print(ends[0]), Significant(2).print(ends[4])),
    );
    Ok(())
}

/// `c Σ_k A_kA_kᵀ (Y U_k) U_kᵀ`.
fn correlate(scene: &Scene, y: &Matrix<f64>, c: f64) -> Result<Matrix<f64>> {
    let mut sum = Matrix::zeros(y.rows(), y.cols());
    for u in &scene.u {
        let a = scene.z.matmul(u)?;
        sum.accumulate(&a.matmul(&a.t_matmul(&y.matmul(u)?)?)?.scale(c).matmul_t(u)?)?;
    }
    Ok(sum)
}

fn directions(tour: &mut Tour, scene: &Scene) -> Result<()> {
    let names = ["order 0", "order 1", "order 2", "order 3", "without self", "softmax"];
    let mut columns = vec![Column::real("`s`", "", Shortest)];
    columns.extend(names.iter().map(|n| Column::real(n, "cosine", Fixed(4))));
    columns.push(Column::real("order 1", "relative error", Significant(3)));
    columns.push(Column::real("softmax", "relative error", Significant(3)));
    let mut table = Table::new("rungs-directions", "Each rung against the gradient it stands for: the cosine between the two", columns);
    let scales = [0.125, 0.5, 1.0, 2.0, 8.0, 32.0];
    let (mut first, mut even, mut closed) = (Vec::new(), Vec::new(), 0.0);
    for s in scales {
        let eps = scene.at(s);
        let exact = rate_gradient(&scene.z, &scene.u, eps)?;
        let mut rungs = (0..4).map(|m| rate_gradient_neumann(&scene.z, &scene.u, eps, m)).collect::<Result<Vec<_>>>()?;
        rungs.push(rate_gradient_no_self(&scene.z, &scene.u, eps)?);
        rungs.push(rate_gradient_softmax(&scene.z, &scene.u, eps)?);
        let cosines = rungs.iter().map(|r| Ok(exact.dot(r)? / (norm(&exact) * norm(r)))).collect::<Result<Vec<f64>>>()?;
        let error = |r: &Matrix<f64>| Ok::<f64, crate::Error>(norm(&exact.sub(r)?) / norm(&exact));
        let tail = [error(&rungs[1])?, error(&rungs[5])?];
        let span = rate_gradient_span_closed(&scene.z, &scene.u, eps)?;
        let apart = norm(&span.sub(&rungs[1])?) / norm(&rungs[1]);
        closed = if apart > closed { apart } else { closed };
        first.push(cosines[1]);
        even.extend([cosines[0], cosines[2]]);
        table.push(std::iter::once(s).chain(cosines).chain(tail).map(Cell::from).collect())?;
    }
    tour.table(table);
    tour.text(
        "Collecting the terms without `S_k` into one `aZ` gives away nothing where the bases are orthonormal and complete. The softmax is another matter: there is no parameter in which it would tend to what it replaces. \
         It normalises the correlations of each token to sum 1; it is a decision, not an approximation. Where `s` is small all rungs agree, because all of them are then nearly `aZ`.",
    );
    tour.claim(
        "Taking `Σ_k U_kU_k^T` for the identity changes nothing here, where it is the identity.",
        closed <= 64.0 * (N + K * P) as f64 * f64::UNIT_ROUNDOFF,
        format!("Relative difference {}.", Significant(2).print(closed)),
    );
    tour.claim(
        "The paper's order 1 points uphill once the code is fine enough; orders 0 and 2 never do.",
        first[0] > 0.9 && first[scales.len() - 1] < 0.0 && even.iter().all(|&c| c > 0.0),
        format!(
            "Cosine of order 1 with the gradient: {} at `s` = {}, {} at `s` = {}. Along each direction it is the gradient times `1 − s^2`.",
            Fixed(3).print(first[0]),
            scales[0],
            Fixed(3).print(first[scales.len() - 1]),
            scales[scales.len() - 1]
        ),
    );
    Ok(())
}

fn steps(tour: &mut Tour, scene: &Scene) -> Result<()> {
    let nats = |name: &str| Column::real(name, "nats", Fixed(4));
    let mut table = Table::new(
        "rungs-steps",
        "`R^c` before and after one step: down the gradient, down order 1, towards the mean by attention, and attention added",
        vec![
            Column::real("`s`", "", Shortest),
            nats("before"),
            nats("exact step"),
            nats("order 1"),
            nats("`½Z + ½SSA`"),
            nats("`Z + SSA`"),
        ],
    );
    let (mut exact_falls, mut added_rises, mut means_fall, mut first_rises) = (true, true, 0, 0);
    let scales = [0.125, 0.5, 1.0, 2.0, 8.0, 32.0];
    let mut curves: [Vec<(f64, f64)>; 4] = Default::default();
    for s in scales {
        let (eps, kappa) = (scene.at(s), 1.0 / scene.a(s));
        let rate = |z: &Matrix<f64>| subspace_coding_rate(z, &scene.u, eps);
        let before = rate(&scene.z)?;
        let exact = rate(&scene.z.sub(&rate_gradient(&scene.z, &scene.u, eps)?.scale(kappa))?)?;
        let first = rate(&scene.z.sub(&rate_gradient_neumann(&scene.z, &scene.u, eps, 1)?.scale(kappa))?)?;
        let attended = mssa(&scene.z, &scene.u, 1.0, 1.0)?;
        let mean = rate(&scene.z.add(&attended)?.scale(0.5))?;
        let added = rate(&scene.z.add(&attended)?)?;
        exact_falls &= exact < before;
        added_rises &= added > before;
        means_fall += usize::from(mean < before);
        first_rises += usize::from(first > before);
        for (curve, after) in curves.iter_mut().zip([exact, first, mean, added]) {
            curve.push((s, after / before));
        }
        table.row([s.into(), before.into(), exact.into(), first.into(), mean.into(), added.into()])?;
    }
    tour.text(
        "The steps themselves, with step size `κ = 1/a`, for which the softmax step is the mean of the tokens by attention alone: `SSA(Z) = Σ_k softmax(A_kA_k^T) A_kU_k^T`. The official layer adds attention to its \
         input and lets a learned matrix decide its sign and size; tied to `U_k` and added as it is, it does the opposite of compressing.",
    );
    tour.table(table);
    tour.figure(steps_figure(&curves)?);
    tour.claim(
        "The exact step lowers `R^c` at every `ε`.",
        exact_falls,
        "Guaranteed for every step below `2/a`: the gradient is Lipschitz with constant `a` for orthonormal bases.",
    );
    tour.claim(
        "Attention added to the tokens, tied to the bases, raises `R^c` at every `ε`.",
        added_rises,
        format!("Half of each, `½Z + ½SSA`, lowers it at {means_fall} of {} scales; order 1 raises it at {first_rises}.", scales.len()),
    );
    Ok(())
}

fn steps_figure(curves: &[Vec<(f64, f64)>; 4]) -> Result<Figure> {
    let names = ["exact step", "order 1", "half and half", "attention added"];
    let last = |c: &[(f64, f64)]| c.last().map_or(1.0, |p| p.1);
    LineChart {
        label: Label::new(
            "rungs-rates",
            "What a step does to `R^c`",
            format!(
                "`R^c` after a step over `R^c` before, against `s`. At the finest code: {}.",
                names.iter().zip(curves).map(|(n, c)| format!("{n} {}", Significant(3).print(last(c)))).collect::<Vec<_>>().join(", ")
            ),
        ),
        x: Axis::log("`s`"),
        y: Axis::linear("after / before").including(1.0),
        series: names
            .iter()
            .zip(curves)
            .map(|(n, c)| Series::curve(n, c.iter().copied()))
            .chain([Series::reference("no change", curves[0].iter().map(|p| (p.0, 1.0)))])
            .collect(),
    }
    .figure()
}
