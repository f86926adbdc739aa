//! Seeded cases, the smallest legal one first.
//!
//! Reals lie on the bfloat16 grid, so that every number format a candidate may use holds the same inputs. Case 0 has every size 1; later
//! cases give every symbol its own size, so that no formula can confuse n with d, and walk through repeated rows, zero rows, rank one, huge
//! and tiny scale. Odd cases walk through the presets.

use super::case::{Case, Setting};
use super::entry::Entry;
use super::shape::{self, Sizes};
use super::spec::{Domain, Port, Range, Spec};
use super::value::{Tensor, Value};
use crate::Result;
use crate::random::Rng;
use crate::scalar::Ball;

/// `x` rounded to 8 significant bits, ties to even: a bfloat16 in its normal range.
pub fn on_grid(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    // 53 − 8 = 45 low bits go.
    let bits = x.to_bits();
    let half = (1u64 << 44) - 1 + (bits >> 45 & 1);
    f64::from_bits((bits + half) >> 45 << 45)
}

/// Case `index` of an operator under a seed.
pub fn case(entry: &dyn Entry, index: usize, seed: u64) -> Result<Case> {
    let spec = entry.spec();
    let mut rng = Rng::stream(seed.wrapping_add((index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d)), spec.name);
    let sizes = sizes(entry, index, &mut rng);
    let preset = index % 2 == 1 && !spec.presets.is_empty();
    let preset = preset.then(|| spec.presets[index / 2 % spec.presets.len()].name.to_string());
    let mut case = Case { preset, ..Case::default() };
    case.params = parameters(spec, &case, &sizes, &mut rng);
    let flavour = if index == 0 { 0 } else { rng.below(8) };
    let elementwise: Vec<usize> = (0..index.min(3)).map(|_| 1 + rng.below(index + 2)).collect();
    for port in spec.inputs {
        if port.optional && (index == 0 || rng.chance(0.4)) {
            continue;
        }
        case.inputs.set(port.name, fill(port, shape_of(port, &sizes, &elementwise), &sizes, flavour, &mut rng));
    }
    Ok(entry.adjusted(case))
}

/// A case whose sizes grow with `scale`, for the measurement of speed, and these sizes: `scale` features (any symbol but the following), four times as many samples (`n`),
/// four heads (`h`) that divide the features (`p`), ten classes (`k`, `c` and whatever bounds labels); fewer where `scale` is.
/// All inputs are given; the parameters are the same at every scale.
pub fn sized(entry: &dyn Entry, scale: usize, seed: u64) -> Result<(Case, Sizes)> {
    let spec = entry.spec();
    let mut rng = Rng::stream(seed, spec.name);
    let bounds: Vec<&str> = spec.inputs.iter().filter_map(label_bound).collect();
    let mut sizes = Sizes::default();
    for port in spec.inputs {
        for symbol in shape::symbols(port.shape).chain(label_bound(port)) {
            let size = match symbol {
                _ if bounds.contains(&symbol) => scale.min(10),
                "k" | "c" => scale.min(10),
                "h" => scale.min(4),
                "p" => (scale / 4).max(1),
                "n" => 4 * scale,
                _ => scale,
            };
            sizes.bind(symbol, size);
        }
    }
    let mut case = Case::default();
    case.params = parameters(spec, &case, &sizes, &mut rng);
    for port in spec.inputs {
        case.inputs.set(port.name, fill(port, shape_of(port, &sizes, &[4 * scale, scale]), &sizes, 0, &mut rng));
    }
    let case = entry.adjusted(case);
    // The adjustment may have changed shapes.
    let mut found = Sizes::default();
    for param in spec.params.iter().filter(|p| sizes.get(p.name).is_some()) {
        if let Some(count) = case.number(param.name) {
            found.bind(param.name, count as usize);
        }
    }
    for (name, value) in case.inputs.iter() {
        if let Some(port) = spec.input(name) {
            found.unify(name, port.shape, value.shape())?;
        }
    }
    Ok((case, found))
}

fn label_bound(port: &Port) -> Option<&'static str> {
    match port.domain {
        Domain::Label(bound) => Some(bound),
        _ => None,
    }
}

fn shape_of(port: &Port, sizes: &Sizes, elementwise: &[usize]) -> Vec<usize> {
    match port.shape {
        shape::ANY => elementwise.to_vec(),
        pattern => shape::axes(pattern).map(|a| sizes.axis(a).unwrap_or(1)).collect(),
    }
}

/// A distortion and the other parameters from their samples; whole numbers that are axes have the size of the axis.
fn parameters(spec: &'static Spec, case: &Case, sizes: &Sizes, rng: &mut Rng) -> Vec<(String, Setting)> {
    let mut params = Vec::new();
    if spec.distortion {
        let squared = spec.presets.iter().any(|p| Some(p.name) == case.preset.as_deref() && p.eps_means_eps2);
        let eps = [0.5, 0.75, 0.125, 1.5, 0.25, 3.0][rng.below(6)];
        let name = if squared || rng.chance(0.3) { "eps2" } else { "eps" };
        params.push((name.into(), Setting::Number(eps)));
    }
    for param in spec.params {
        let value = match (sizes.get(param.name), param.samples, param.default) {
            (Some(size), _, _) if matches!(param.domain, Range::Count(_)) => size as f64,
            (_, [], Some(_)) => continue,
            (_, [], None) => 1.0,
            (_, samples, _) => samples[rng.below(samples.len())],
        };
        params.push((
            param.name.into(),
            match param.domain {
                Range::Word(words) => Setting::Word(words[value as usize].into()),
                _ => Setting::Number(value),
            },
        ));
    }
    params
}

fn sizes(entry: &dyn Entry, index: usize, rng: &mut Rng) -> Sizes {
    let mut sizes = Sizes::default();
    for (symbol, size) in entry.preferred_sizes(index + 1, rng) {
        sizes.bind(symbol, size);
    }
    let greatest = 2 + index.min(10);
    for port in entry.spec().inputs {
        for symbol in shape::symbols(port.shape).chain(label_bound(port)) {
            let size = match index {
                0 => 1,
                _ => {
                    let mut size = 1 + rng.below(greatest);
                    for _ in 0..4 {
                        if sizes.iter().any(|(_, n)| n == size) {
                            size = 1 + rng.below(greatest);
                        }
                    }
                    size
                }
            };
            sizes.bind(symbol, size);
        }
    }
    sizes
}

fn fill(port: &Port, shape: Vec<usize>, sizes: &Sizes, flavour: usize, rng: &mut Rng) -> Value<Ball> {
    let count: usize = shape.iter().product();
    if let Domain::Label(bound) = port.domain {
        let classes = sizes.get(bound).unwrap_or(1);
        return Value::Int(Tensor { shape, data: (0..count).map(|_| rng.below(classes) as i64).collect() });
    }
    let cols = shape.last().copied().unwrap_or(1).max(1);
    let rows = if count == 0 { 0 } else { count / cols };
    let mut x: Vec<f64> = (0..count).map(|_| on_grid(rng.gaussian())).collect();
    match port.domain {
        Domain::Real => {
            match flavour {
                1 => x.iter_mut().for_each(|x| *x = (*x * 2.0).round()),
                2 => (1..rows).for_each(|i| x.copy_within(..cols, i * cols)),
                3 => x.iter_mut().for_each(|x| *x *= 0.0009765625),
                4 if rows > 0 => x[..cols].fill(0.0),
                5 => x.iter_mut().for_each(|x| *x *= 64.0),
                6 if rows > 1 => (1..rows).for_each(|i| (0..cols).for_each(|j| x[i * cols + j] = x[j] * [-2.0, 0.5, 1.0, 4.0][i % 4])),
                _ => {}
            };
        }
        Domain::Positive => x.iter_mut().for_each(|x| *x = on_grid(x.abs() + 0.125)),
        Domain::NonNegative => x.iter_mut().for_each(|x| *x = x.abs()),
        Domain::Definite | Domain::Semidefinite => {
            let shift = if port.domain == Domain::Definite { 0.5 } else { 0.0625 };
            for block in x.chunks_mut(cols * cols) {
                let b = block.to_vec();
                let scale = if flavour == 3 { 0.00390625 } else { 1.0 };
                for i in 0..cols {
                    for j in 0..=i {
                        let mut g = 0.0;
                        for k in 0..cols {
                            g += b[i * cols + k] * b[j * cols + k];
                        }
                        // Rounding moves an eigenvalue by at most n · 2⁻⁹ · max: the shift is larger.
                        let g = g + if i == j { shift * cols as f64 + g / 16.0 } else { 0.0 };
                        block[i * cols + j] = on_grid(g * scale);
                        block[j * cols + i] = block[i * cols + j];
                    }
                }
            }
        }
        Domain::Lower => {
            for (k, x) in x.iter_mut().enumerate() {
                let (i, j) = (k / cols % cols, k % cols);
                *x = if j > i {
                    0.0
                } else if i == j {
                    on_grid(x.abs() + 0.5)
                } else {
                    *x
                };
            }
        }
        Domain::Orthonormal => {
            let depth = shape[shape.len().saturating_sub(2)];
            for block in x.chunks_mut((depth * cols).max(1)) {
                if let Ok(q) = crate::random::orthonormal_frame(depth, cols.min(depth), rng) {
                    for i in 0..depth {
                        for j in 0..cols {
                            block[i * cols + j] = on_grid(q[(i, j % cols.min(depth))]);
                        }
                    }
                }
            }
        }
        Domain::UnitRows => {
            for row in x.chunks_mut(cols) {
                let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                row.iter_mut().for_each(|x| *x = if norm > 0.0 { on_grid(*x / norm) } else { 1.0 });
            }
        }
        Domain::Simplex => {
            for row in x.chunks_mut(cols) {
                row.fill(0.0);
                for _ in 0..16 {
                    row[rng.below(cols)] += 0.0625;
                }
            }
        }
        Domain::Label(_) => {}
    }
    Value::Real(Tensor { shape, data: x.into_iter().map(Ball::exact).collect() })
}
