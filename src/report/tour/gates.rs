//! Attention, thresholds and the best denoiser, on tokens whose law is known.

use super::Tour;
use super::rungs::bases;
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::report::axis::Axis;
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::{Cell, Column, Figure, Label, Table};
use crate::scalar::Bulk;
use crate::transformer::{Population, Shrink, ista_step, mssa, rate_gradient, subspace_coding_rate};

const K: usize = 8;
const P: usize = 4;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    tour.text(
        "Why should compressing against subspaces be the thing to do? Because noisy tokens are denoised by it, is the answer of the theory. Where the law of the tokens is known, that can be checked. Let a token lie in \
         one of `K` orthogonal subspaces, `U_k c` with `c ~ N(0, λI)`, and be seen with noise of variance `σ^2`. The best denoiser is the posterior mean:",
    );
    tour.formula("E[U_kc | z] = λ/(λ+σ^2) Σ_k π_k U_kU_k^Tz,\u{2003}π_k ∝ w_k exp(λ‖U_k^Tz‖^2/(2σ^2(λ+σ^2)))");
    tour.text(
        "It looks like attention: projections, weighted by a softmax. For many tokens the operators of a layer tend to maps that can be written down, and compared with it. The exact step down `R^c` becomes \
         linear, one factor a head. With step `κ = 1/a` it is Wiener's filter, exactly and for any tokens: each head's own second moment is taken for signal, `ε^2/p` for noise. Attention becomes a gate for every head:",
    );
    tour.formula("SSA → s Σ_k (σ^2 + λρ_k) U_kU_k^Tz,\u{2003}ρ_k = 1/(1 + (1−w_k)/w_k · exp(−s^2λ‖U_k^Tz‖^2/2))");
    tour.text(
        "with `s` the scale of its logits (1 in the paper, `1/√p` in the code). The gate opens where the token has much energy, as `π_k` does; but it knows its own head alone, and it never closes below `w_k`.",
    );
    costs(tour)?;
    tokens(tour)
}

/// Mean squared distance of a token from what it was.
fn error(y: &Matrix<f64>, clean: &Matrix<f64>) -> Result<f64> {
    Ok(y.sub(clean)?.frobenius_squared() / y.rows() as f64)
}

/// The soft threshold of the coordinates in the bases: one ISTA step with η = 1, the bases for atoms.
fn threshold(z: &Matrix<f64>, law: &Population<f64>, tau: f64) -> Result<Matrix<f64>> {
    let atoms = Matrix::from_fn(K * P, K * P, |i, j| law.bases()[j / P][(i, j % P)]);
    ista_step(z, z, &atoms, 1.0, tau, Shrink::Soft)?.matmul_t(&atoms)
}

/// The least error over thresholds from σ/4 to 4σ.
fn best_threshold(z: &Matrix<f64>, law: &Population<f64>, clean: &Matrix<f64>, noise: f64) -> Result<f64> {
    let mut least = f64::INFINITY;
    for i in 1..=16 {
        let e = error(&threshold(z, law, 0.25 * f64::from(i) * noise.sqrt())?, clean)?;
        least = if e < least { e } else { least };
    }
    Ok(least)
}

/// `σ²`, then what each map costs in units of the error of who knows the subspace.
struct Cost {
    noise: f64,
    nothing: f64,
    linear: f64,
    matched: f64,
    attention: f64,
    sparse: f64,
    layer: f64,
    posterior: f64,
}

fn cost(law: &Population<f64>, noise: f64, n: usize, rng: &mut Rng) -> Result<Cost> {
    let tokens = law.draw(n, rng)?;
    let (z, clean) = (&tokens.noisy, &tokens.clean);
    let unit = law.informed_error();
    // Scaled so that a head whose gate is open is multiplied by Wiener's factor.
    let attended =
        |scale: f64| Ok::<Matrix<f64>, crate::Error>(law.attention_limit(z, scale)?.scale(1.0 / (scale * (1.0 + noise) * (1.0 + noise))));
    let (matched, low) = (attended(1.0 / (noise * (1.0 + noise)).sqrt())?, attended(1.0 / noise.sqrt().sqrt())?);
    Ok(Cost {
        noise,
        nothing: error(z, clean)? / unit,
        linear: error(&law.denoise_linear(z)?, clean)? / unit,
        matched: error(&matched, clean)? / unit,
        attention: error(&low, clean)? / unit,
        sparse: best_threshold(z, law, clean, noise)? / unit,
        layer: best_threshold(&low, law, clean, noise)? / unit,
        posterior: error(&law.denoise(z)?, clean)? / unit,
    })
}

fn costs(tour: &mut Tour) -> Result<()> {
    let n = if tour.quick() { 1000 } else { 4000 };
    let mut rng = Rng::stream(2, "tour gates");
    let u = bases(K, P, &mut rng)?;
    let noises = [0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5, 1e-6];
    let mut all = Vec::new();
    for (i, &noise) in noises.iter().enumerate() {
        tour.progress("denoising", i, noises.len());
        let law = Population::new(u.clone(), vec![1.0 / K as f64; K], 1.0, noise)?;
        all.push(cost(&law, noise, n, &mut rng)?);
    }
    let column = |name: &str, unit: &str| Column::real(name, unit, Fixed(3));
    let mut table = Table::new(
        "gates-costs",
        "Mean squared error, in units of that of who is told the subspace; 8 subspaces of dimension 4, λ = 1",
        vec![
            Column::real("`σ^2`", "", Significant(1)),
            column("nothing done", ""),
            column("exact step", "linear"),
            column("attention", "scale matched"),
            column("attention", "s² = 1/σ"),
            column("threshold", "best"),
            column("attention, threshold", "best"),
            column("posterior mean", ""),
        ],
    );
    for c in &all {
        let cells = [c.noise, c.nothing, c.linear, c.matched, c.attention, c.sparse, c.layer, c.posterior];
        table.push(cells.map(Cell::from).into())?;
    }
    tour.table(table);
    tour.figure(costs_figure(&all)?);
    let last = &all[noises.len() - 1];
    let floor = 1.0 + (K - 1) as f64 / (K * K) as f64;
    tour.claim(
        "Nothing beats the posterior mean, which as the noise vanishes costs no more than knowing the subspace.",
        all.iter().all(|c| [c.nothing, c.linear, c.matched, c.attention, c.sparse, c.layer].iter().all(|x| *x > c.posterior))
            && (last.posterior - 1.0).abs() < 0.1,
        format!("At `σ^2` = {}: {}.", Significant(1).print(last.noise), Fixed(3).show(last.posterior)),
    );
    tour.claim(
        "The exact step does not denoise such tokens: being linear, it ends up at the error of doing nothing, `K` times the least possible.",
        last.linear > 0.95 * K as f64 * last.posterior,
        format!(
            "{} against {} for nothing and {} for the posterior mean.",
            Fixed(2).show(last.linear),
            Fixed(2).show(last.nothing),
            Fixed(2).show(last.posterior)
        ),
    );
    tour.claim(
        "Attention does, better than the gradient it stands for: with `s^2 = 1/σ` its error tends to `1 + (K−1)/K^2` of the least possible.",
        (last.attention / last.posterior - floor).abs() < 0.1 && all.iter().all(|c| c.attention < c.linear),
        format!("{} at the smallest noise, for a limit of {}.", Fixed(3).show(last.attention), Fixed(3).show(floor)),
    );
    tour.claim(
        "The threshold alone stays a constant factor above the least possible, however small the noise.",
        all.iter().all(|c| c.sparse > 1.3 * c.posterior) && last.sparse > 2.0,
        format!("{} at the smallest noise: it subtracts its threshold from what is signal, too.", Fixed(2).show(last.sparse)),
    );
    tour.text(
        "So the softmax is no approximation of the gradient, and on tokens from a mixture it is better than it: the gradient treats every token alike, the softmax asks each token where it belongs. Neither is the \
         posterior mean. And the scale matters: matched to the exponent of `π_k`, the gates of the other heads open on noise alone.",
    );
    Ok(())
}

fn costs_figure(all: &[Cost]) -> Result<Figure> {
    let curve = |name: &str, f: &dyn Fn(&Cost) -> f64| Series::curve(name, all.iter().map(|c| (c.noise, f(c))));
    LineChart {
        label: Label::new(
            "gates-errors",
            "How well tokens from a mixture are denoised",
            "Mean squared error over that of who knows the subspace, against the noise. The exact step rises to 8, the number of subspaces; attention falls towards 1.11; the threshold stays between; the posterior mean falls to 1.",
        ),
        x: Axis::log("`σ^2`").reversed(),
        y: Axis::linear("error").including(0.0),
        series: vec![
            curve("exact step", &|c| c.linear),
            curve("attention", &|c| c.attention),
            curve("threshold", &|c| c.sparse),
            curve("both", &|c| c.layer),
            curve("posterior", &|c| c.posterior),
        ],
    }
    .figure()
}

/// Finite numbers of tokens: how fast the limits are reached, and what the steps do to the rates.
fn tokens(tour: &mut Tour) -> Result<()> {
    let mut rng = Rng::stream(3, "tour gates");
    let (noise, scale) = (0.1, 0.3);
    let law = Population::new(bases(K, P, &mut rng)?, vec![1.0 / K as f64; K], 1.0, noise)?;
    let eps = Distortion::Eps2(0.5);
    let mut table = Table::new(
        "gates-limits",
        "Distance of the operators on `n` tokens from their limits, root mean square over the tokens, at `σ^2` = 0.1, `s` = 0.3, `ε^2` = 0.5",
        vec![
            Column::count("`n`"),
            Column::real("attention", "", Significant(3)),
            Column::real("times `√n`", "", Significant(3)),
            Column::real("`n∇R^c`", "", Significant(3)),
            Column::real("times `√n`", "", Significant(3)),
            Column::real("`R^c` below its limit", "nats", Significant(3)),
        ],
    );
    let sizes: &[usize] = if tour.quick() { &[64, 256, 1024] } else { &[64, 256, 1024, 4096] };
    let mut found = Vec::new();
    for &n in sizes {
        // As many draws as make 4096 tokens in all.
        let draws = 4096 / n;
        let (mut attention, mut gradient, mut rate) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..draws {
            let z = law.draw(n, &mut rng)?.noisy;
            attention.push(error(&mssa(&z, law.bases(), scale, 1.0)?, &law.attention_limit(&z, scale)?)?);
            gradient.push(error(&rate_gradient(&z, law.bases(), eps)?.scale(n as f64), &law.gradient_limit(&z, eps)?)?);
            rate.push(law.subspace_rate(eps)? - subspace_coding_rate(&z, law.bases(), eps)?);
        }
        let root = |x: &[f64]| (f64::sum(x) / draws as f64).sqrt();
        let (a, g, r, scale) = (root(&attention), root(&gradient), f64::sum(&rate) / draws as f64, (n as f64).sqrt());
        found.push((a * scale, g * scale));
        table.row([n.into(), a.into(), (a * scale).into(), g.into(), (g * scale).into(), r.into()])?;
    }
    tour.table(table);
    let steady = |f: &dyn Fn(&(f64, f64)) -> f64| {
        let (first, last) = (f(&found[1]), f(&found[found.len() - 1]));
        last / first < 1.5 && first / last < 1.5
    };
    tour.claim(
        "Both operators come to their limits as `1/√n`.",
        steady(&|x| x.0) && steady(&|x| x.1),
        "From 256 tokens on `√n` times the distance changes by less than half.",
    );
    tour.text(
        "The factor in front of `1/√n` grows like `exp(s^2λ‖a‖^2)`: at the scales where attention denoises best, the mean over tokens is ruled by the few that are most alike, and the limit is far away. A network has some \
         tens or hundreds of tokens. Last, what the maps do to the rates, on 1,024 tokens with `ε^2` = 0.5:",
    );
    let drawn = law.draw(1024, &mut rng)?;
    let low = 1.0 / noise.sqrt().sqrt();
    let attended = law.attention_limit(&drawn.noisy, low)?.scale(1.0 / (low * (1.0 + noise) * (1.0 + noise)));
    let step = drawn.noisy.sub(&rate_gradient(&drawn.noisy, law.bases(), eps)?.scale(1024.0 * noise))?;
    let maps: [(&str, &Matrix<f64>); 6] = [
        ("noisy tokens", &drawn.noisy),
        ("exact step, `κ = nσ^2`", &step),
        ("attention", &attended),
        ("attention, threshold `σ/2`", &threshold(&attended, &law, 0.5 * noise.sqrt())?),
        ("posterior mean", &law.denoise(&drawn.noisy)?),
        ("clean tokens", &drawn.clean),
    ];
    let mut table = Table::new(
        "gates-rates",
        "Rates and errors before and after each map",
        vec![
            Column::text("tokens"),
            Column::real("`R`", "nats", Fixed(3)),
            Column::real("`R^c`", "nats", Fixed(3)),
            Column::real("`R − R^c`", "nats", Fixed(3)),
            Column::real("error", "", Fixed(4)),
        ],
    );
    let mut rates = Vec::new();
    for (name, z) in maps {
        let (r, c) = (coding_rate(z, eps)?, subspace_coding_rate(z, law.bases(), eps)?);
        rates.push(c);
        table.row([name.into(), r.into(), c.into(), (r - c).into(), error(z, &drawn.clean)?.into()])?;
    }
    tour.table(table);
    tour.text(
        "The exact step and attention reach the same `R^c` within a hundredth of a nat or so, with errors that differ almost threefold: the rate says how much the subspaces cost together, not which token belongs where. Less \
         than that of the clean tokens is reached by every map, since each of them shrinks the signal, too.",
    );
    tour.claim(
        "Every one of these maps lowers `R^c`.",
        rates[1..5].iter().all(|r| *r < rates[0]),
        format!(
            "From {} to {} nats by attention, {} by the posterior mean.",
            Fixed(2).show(rates[0]),
            Fixed(2).show(rates[2]),
            Fixed(2).show(rates[4])
        ),
    );
    Ok(())
}
