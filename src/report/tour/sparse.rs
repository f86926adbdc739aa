//! Sparse codes: few atoms for each digit, how to find them, and a network that learns to.

use super::Tour;
use crate::learn::{Optimiser, Schedule};
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::report::axis::Axis;
use crate::report::image::{ImageGrid, Ink, Picture};
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::{Column, Label, Table};
use crate::scalar::Scalar;
use crate::sparse::{
    AtomUpdate, Codes, DictionaryLearning, Form, Lasso, Method, Unrolled, UnrolledLoss, UnrolledTraining, Worth, atoms_from_samples,
    learn_dictionary, train_unrolled, worth,
};
use crate::subspace::{Divisor, Pca};
use crate::{Error, Result};

/// Atoms of the dictionary.
const ATOMS: usize = 96;
/// The share of λ_max that dictionary and networks are made for.
const SHARE: f64 = 0.05;
/// Height and width of a digit.
const SIDE: usize = 8;
/// Steps tried when a network is compared with ISTA and FISTA.
const MOST: usize = 1000;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    let parity = |odd: usize| samples.x.select_rows(&(0..samples.x.rows()).filter(|i| i % 2 == odd).collect::<Vec<_>>());
    let (seen, unseen) = (parity(0)?, parity(1)?);
    let first = |x: &Matrix<f64>, n: usize| x.select_rows(&(0..n).collect::<Vec<_>>());
    let (seen, unseen) = if tour.quick() { (first(&seen, 300)?, first(&unseen, 150)?) } else { (seen, unseen) };

    tour.text(
        "A subspace has one basis for all digits. A dictionary `A` has more atoms than there are pixels, and each digit `x` uses its own few: a sparse code `z` \
         with `x ≈ zA`. The code trades fidelity for sparsity, by the weight `λ` of its `ℓ^1` norm:",
    );
    tour.formula("P(z) = ½‖x − zA‖^2 + λ‖z‖_1,\u{2003}z ← S_{ηλ}(z + η(x − zA)A^T),\u{2003}S_t(u) = sgn(u) max(|u| − t, 0)");
    tour.text(format!(
        "The iteration (ISTA) takes a gradient step on the first term and shrinks. Codes and atoms are learned in turn on every second digit, {ATOMS} atoms of length at \
         most 1 that start as digits; everything below is measured on the other digits."
    ));
    let rounds = if tour.quick() { 8 } else { 30 };
    let learned = dictionary(tour, &seen, rounds)?;
    let problem = &learned.0;
    tour.figures(vec![atoms(problem.atoms())?, descent(&learned.1)?]);
    let falls = learned.1.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-12));
    let [before, after] = [learned.1[0], learned.1[rounds]];
    tour.claim(
        "Every round of learning lowers the objective.",
        falls,
        format!("From {} to {} a digit in {rounds} rounds.", Significant(4).print(before), Significant(4).print(after)),
    );
    trade(tour, problem, &seen, &unseen)?;
    rates(tour, problem, &first(&unseen, 64)?)?;
    networks(tour, problem, &seen, &first(&unseen, if tour.quick() { 150 } else { 400 })?)
}

/// The dictionary's problem at its λ, and the objective a digit at the start and after each round.
fn dictionary(tour: &mut Tour, x: &Matrix<f64>, rounds: usize) -> Result<(Lasso<f64>, Vec<f64>)> {
    let start = atoms_from_samples(x, ATOMS, &mut Rng::stream(0, "dictionary of the tour"))?;
    let zero = Lasso::new(start, 0.0, Codes::Signed)?;
    let lambda = SHARE * zero.lambda_max(x)?;
    let how = DictionaryLearning { lambda, codes: Codes::Signed, update: AtomUpdate::Block, code_steps: 10, rounds, revive: true };
    let found = learn_dictionary(x, zero.atoms(), &how, |round, _, _| tour.progress("learning a dictionary", round + 1, rounds))?;
    let n = x.rows() as f64;
    Ok((Lasso::new(found.atoms, lambda, Codes::Signed)?, found.objective.iter().map(|p| p / n).collect()))
}

fn atoms(a: &Matrix<f64>) -> Result<crate::report::Figure> {
    let pictures = (0..a.rows()).map(|j| Picture::new("", SIDE, a.row(j))).collect::<Result<Vec<_>>>()?;
    ImageGrid {
        label: Label::new(
            "sparse-atoms",
            "The learned atoms",
            "Each of the atoms as an image, to its own full ink, negative parts in the second colour: strokes and parts of digits, unlike the directions of a subspace, \
             which spread over the whole image.",
        ),
        rows: pictures.chunks(16).map(|row| (String::new(), row.to_vec())).collect(),
        ink: Ink::Each,
    }
    .figure()
}
fn descent(objective: &[f64]) -> Result<crate::report::Figure> {
    LineChart {
        label: Label::new(
            "sparse-learning",
            "Learning the dictionary",
            format!(
                "The objective a digit after each round falls from {} to {}.",
                Significant(3).print(objective[1]),
                Significant(3).print(objective[objective.len() - 1])
            ),
        ),
        x: Axis::linear("round"),
        y: Axis::linear("objective a digit"),
        series: vec![Series::curve("", objective.iter().enumerate().skip(1).map(|(k, &p)| (k as f64, p)))],
    }
    .figure()
}

/// λ from its maximum down: nonzeros and energy, beside as many directions of a subspace.
fn trade(tour: &mut Tour, problem: &Lasso<f64>, seen: &Matrix<f64>, unseen: &Matrix<f64>) -> Result<()> {
    let energy = unseen.frobenius_squared();
    let n = unseen.rows() as f64;
    let top = problem.lambda_max(unseen)?;
    let mut table = Table::new(
        "sparse-path",
        "Sparsity against fidelity on digits not learned from; the gap certifies every solution",
        vec![
            Column::real("`λ/λ_max`", "", Significant(3)),
            Column::real("nonzeros", "a digit", Fixed(2)),
            Column::real("energy explained", "%", Fixed(2)),
            Column::real("`‖z‖_1`", "a digit", Significant(4)),
            Column::real("`P*`", "a digit", Significant(4)),
            Column::real("duality gap", "a digit", Significant(2)),
        ],
    );
    let (mut points, mut ordered, mut worst, mut before) = (Vec::new(), true, 0.0f64, [f64::INFINITY, 0.0]);
    let shares = [1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01];
    for (k, share) in shares.into_iter().enumerate() {
        tour.progress("walking down λ", k, shares.len());
        let at = problem.at(share * top)?;
        let (solution, certificate) = at.solve_certified(unseen)?;
        let z = &solution.z;
        let nonzero = z.data().iter().filter(|&&z| z != 0.0).count() as f64 / n;
        let explained = 100.0 * (1.0 - unseen.sub(&z.matmul(at.atoms())?)?.frobenius_squared() / energy);
        let norm = z.data().iter().map(|z| z.abs()).sum::<f64>() / n;
        table.row([
            share.into(),
            nonzero.into(),
            explained.into(),
            norm.into(),
            (certificate.primal / n).into(),
            (certificate.gap / n).into(),
        ])?;
        points.push((nonzero, explained));
        // P* falls with λ, the norm grows.
        ordered &= certificate.primal <= before[0] * (1.0 + 1e-12) && norm >= before[1] * (1.0 - 1e-9);
        before = [certificate.primal, norm];
        let relative = certificate.gap / certificate.primal;
        worst = if relative > worst { relative } else { worst };
    }
    tour.table(table);
    tour.claim(
        "A smaller `λ` buys fidelity with atoms: `P*` falls, `‖z‖_1` grows, at every step of the path.",
        ordered,
        format!(
            "{} atoms a digit explain {} % of the energy, {} atoms {} %.",
            Fixed(1).show(points[5].0),
            Fixed(1).show(points[5].1),
            Fixed(1).show(points[8].0),
            Fixed(1).show(points[8].1)
        ),
    );
    // The gap is a sum of rounding errors: about d + k products for each of the atoms.
    let allowed = 1e4 * f64::UNIT_ROUNDOFF * (problem.atoms().rows() + problem.atoms().cols()) as f64;
    tour.claim(
        "Every solution is optimal to rounding: the duality gap bounds what any code could still gain.",
        worst <= allowed,
        format!("Largest gap relative to `P*`: {}; allowed {}.", Significant(2).print(worst), Significant(2).print(allowed)),
    );
    let mut subspace = Vec::new();
    let pca = Pca::fit(seen, 24, false, Divisor::Samples)?;
    for k in 1..=24 {
        let u = pca.basis.select_cols(0, k)?;
        subspace.push((k as f64, 100.0 * unseen.matmul(&u)?.frobenius_squared() / energy));
    }
    let reach = |points: &[(f64, f64)]| points.iter().copied().filter(|p| p.0 <= 24.0 && p.1 > 0.0).collect::<Vec<_>>();
    tour.figure(
        LineChart {
            label: Label::new(
                "sparse-trade",
                "Fidelity against sparsity",
                "Energy explained on unseen digits over numbers used for a digit: codes on the λ path, and as many directions of one subspace. The `ℓ^1` norm also shrinks the codes it keeps, \
                 which costs energy where they are few.",
            ),
            x: Axis::linear("numbers a digit"),
            y: Axis::linear("energy explained [%]"),
            series: vec![Series::curve("dictionary", reach(&points)), Series::reference("subspace", subspace)],
        }
        .figure()?,
    );
    Ok(())
}

/// How fast the iterations come near the optimum, beside what their theorems promise.
fn rates(tour: &mut Tour, problem: &Lasso<f64>, x: &Matrix<f64>) -> Result<()> {
    let steps = if tour.quick() { 200 } else { 1000 };
    let best = problem.solve(x)?;
    let (eta, reach) = (problem.step_size()?, best.z.frobenius_squared());
    let zero = Matrix::zeros(x.rows(), problem.atoms().rows());
    let size = 1e-13 * x.frobenius_squared();
    let mut curves = Vec::new();
    let mut kept = true;
    for (method, name) in [(Method::Ista, "ISTA"), (Method::Fista, "FISTA")] {
        tour.progress(name, 0, 1);
        let mut points = Vec::new();
        problem.iterate(method, x, &zero, eta, steps, |k, z| points.push((k as f64, z.clone())))?;
        let mut curve = Vec::new();
        for (k, z) in points {
            let behind = problem.objective(x, &z)? - best.value;
            let bound = if method == Method::Ista { reach / (2.0 * eta * k) } else { 2.0 * reach / (eta * (k + 1.0) * (k + 1.0)) };
            kept &= behind <= bound + size;
            if behind > size {
                curve.push((k, behind));
            }
        }
        curves.push(Series::curve(name, curve));
    }
    let bound = |k: usize, fast: bool| {
        let k = k as f64;
        (k, if fast { 2.0 * reach / (eta * (k + 1.0) * (k + 1.0)) } else { reach / (2.0 * eta * k) })
    };
    curves.push(Series::reference("bound of ISTA", (1..=steps).map(|k| bound(k, false))));
    curves.push(Series::reference("bound of FISTA", (1..=steps).map(|k| bound(k, true))));
    tour.claim(
        "ISTA stays below `‖z*‖^2/(2ηk)` and FISTA below `2‖z*‖^2/(η(k + 1)^2)`, at every step.",
        kept,
        format!("{steps} steps each, 64 digits, `η = 1/L` with `L = {}`.", Significant(4).print(eta.recip())),
    );
    tour.figure(
        LineChart {
            label: Label::new(
                "sparse-rates",
                "How fast ISTA and FISTA converge",
                "What is missing to the optimum after `k` steps, both axes logarithmic, with the bounds that are proven.",
            ),
            x: Axis::log("step `k`"),
            y: Axis::log("`P(z_k) − P*`"),
            series: curves,
        }
        .figure()?,
    );
    Ok(())
}

/// ISTA unrolled and trained, at several depths.
fn networks(tour: &mut Tour, problem: &Lasso<f64>, seen: &Matrix<f64>, unseen: &Matrix<f64>) -> Result<()> {
    tour.text(
        "A fixed number of steps of ISTA is a network: a linear map, a shrinkage, again and again. LISTA starts there, `W_e = ηA^T`, `S = I − ηAA^T`, `θ = ηλ`, and learns \
         the matrices of each layer, here to lower `P` itself on the digits it sees. How many steps of ISTA is a layer then worth on digits it has not seen?",
    );
    let (depths, epochs) = if tour.quick() { (vec![1, 2, 4], 10) } else { (vec![1, 2, 4, 8], 60) };
    let mut table = Table::new(
        "sparse-lista",
        "Trained networks on unseen digits: `P(z) − P*` a digit, and the steps that reach as low",
        vec![
            Column::count("depth"),
            Column::real("LISTA", "", Significant(3)),
            Column::real("ISTA", "same depth", Significant(3)),
            Column::real("FISTA", "same depth", Significant(3)),
            Column::text("worth, steps of ISTA"),
            Column::text("worth, steps of FISTA"),
        ],
    );
    let mut all: Vec<(usize, Worth<f64>)> = Vec::new();
    let steps = |s: Option<usize>| s.map_or(format!("> {MOST}"), |s| s.to_string());
    for (i, &depth) in depths.iter().enumerate() {
        let mut network = Unrolled::new(Form::GregorLeCun, problem, depth, false)?;
        let batch = 64;
        let how = UnrolledTraining {
            epochs,
            batch,
            rate: 2e-3,
            schedule: Schedule::WarmupCosine { warmup: 1.0, total: (epochs * seen.rows().div_ceil(batch)) as f64, floor: 0.0 },
            optimiser: Optimiser::adamw(0.0),
            seed: 0,
        };
        train_unrolled(&mut network, seen, UnrolledLoss::Objective, &how, |epoch, _| {
            tour.progress(&format!("training LISTA of depth {depth}"), i * epochs + epoch, depths.len() * epochs);
        })?;
        let found = worth(problem, &network, unseen, MOST)?;
        table.row([
            depth.into(),
            found.network.into(),
            found.ista.into(),
            found.fista.into(),
            steps(found.ista_steps).into(),
            steps(found.fista_steps).into(),
        ])?;
        all.push((depth, found));
    }
    tour.table(table);
    let ahead = all.iter().all(|(depth, w)| w.ista_steps.is_none_or(|s| s > *depth));
    let last = all.last().ok_or_else(|| Error::shape("networks", "at least one depth", "none"))?;
    tour.claim(
        "At every depth a trained network is worth more steps of ISTA than it has layers.",
        ahead,
        format!("Depth {}: worth {} steps of ISTA, {} of FISTA.", last.0, steps(last.1.ista_steps), steps(last.1.fista_steps)),
    );
    let curve = |f: fn(&Worth<f64>) -> f64| all.iter().map(|(d, w)| (*d as f64, f(w))).filter(|p| p.1 > 0.0).collect::<Vec<_>>();
    tour.figure(
        LineChart {
            label: Label::new(
                "sparse-lista-depth",
                "LISTA against ISTA",
                "What is missing to the optimum on unseen digits over depth: a trained network, and as many steps of ISTA and FISTA.",
            ),
            x: Axis::linear("depth"),
            y: Axis::log("`P(z) − P*` a digit"),
            series: vec![
                Series::curve("LISTA", curve(|w| w.network)),
                Series::curve("ISTA", curve(|w| w.ista)),
                Series::curve("FISTA", curve(|w| w.fista)),
            ],
        }
        .figure()?,
    );
    Ok(())
}
