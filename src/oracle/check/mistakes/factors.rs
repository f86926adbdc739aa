//! The right result times a number.

use crate::oracle::check::asked::Asked;
use crate::oracle::check::mistake::Mistake;
use crate::oracle::shape;

const LN_2: f64 = std::f64::consts::LN_2;

fn one(x: f64) -> Vec<(String, f64)> {
    vec![(String::new(), x)]
}
fn maybe(x: Option<f64>) -> Vec<(String, f64)> {
    x.map_or_else(Vec::new, one)
}
/// Every size that the inputs show.
fn each_size(a: &Asked, f: fn(f64) -> f64) -> Vec<(String, f64)> {
    a.sizes().map(|(s, n)| (s.to_string(), f(n))).collect()
}
/// Every real parameter, and ε and ε².
fn each_parameter(a: &Asked, f: fn(f64) -> f64) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = a.reals().map(|(p, x)| (p.name.to_string(), x)).collect();
    if let Some(eps2) = a.eps2() {
        all.push(("eps2".into(), eps2));
        all.push(("eps".into(), eps2.sqrt()));
    }
    all.into_iter().filter(|(_, x)| *x != 0.0 && *x != 1.0).map(|(s, x)| (s, f(x))).collect()
}
/// The number of extra leading axes' places.
fn batch(a: &Asked) -> Option<f64> {
    let port = a.spec().inputs.iter().filter(|_| a.spec().batches).find_map(|p| {
        let have = a.case.inputs.get(p.name)?.shape();
        let rank = shape::rank(p.shape, have.len());
        (have.len() > rank).then(|| have[..have.len() - rank].iter().product::<usize>() as f64)
    });
    port.filter(|&n| n > 1.0)
}

pub(super) const FACTORS: &[Mistake] = &[
    Mistake::factor("half-missing", "the factor ½ is missing", |_| one(2.0)),
    Mistake::factor("half-too-many", "a factor ½ too many", |_| one(0.5)),
    Mistake::factor("sign", "the sign is the opposite one: a loss to be minimised for a gain, or a gain for a loss", |_| one(-1.0)),
    Mistake::factor("bits", "bits in place of nats: log₂ where ln belongs", |_| one(1.0 / LN_2)),
    Mistake::factor("times-ln-2", "multiplied by ln 2: nats taken for bits and converted", |_| one(LN_2)),
    Mistake::factor("sum-for-mean", "sum over {} where the mean belongs: × {}", |a| each_size(a, |n| n)),
    Mistake::factor("mean-for-sum", "mean over {} where the sum belongs: / {}", |a| each_size(a, |n| 1.0 / n)),
    Mistake::factor("sample-for-population", "divided by {} − 1 where {} belongs", |a| each_size(a, |n| n / (n - 1.0))),
    Mistake::factor("population-for-sample", "divided by {} where {} − 1 belongs", |a| each_size(a, |n| (n - 1.0) / n)),
    Mistake::factor("root-missing", "the factor 1/√{} is missing", |a| each_size(a, f64::sqrt)),
    Mistake::factor("root-too-many", "a factor 1/√{} too many", |a| each_size(a, |n| 1.0 / n.sqrt())),
    Mistake::factor("alpha-factor-missing", "the factor α = d/(nε²) is missing (a = p/(nε²) with bases)", |a| {
        maybe(a.alpha().map(|x| 1.0 / x))
    }),
    Mistake::factor("alpha-factor-too-many", "the factor α = d/(nε²) twice (a = p/(nε²) with bases)", |a| maybe(a.alpha())),
    Mistake::factor("times-parameter", "multiplied by {} once too often", |a| each_parameter(a, |x| x)),
    Mistake::factor("over-parameter", "the factor {} is missing, or divided by {} once too often", |a| each_parameter(a, |x| 1.0 / x)),
    Mistake::factor("batch-sum", "sum over the batch where the mean belongs", |a| maybe(batch(a))),
    Mistake::factor("batch-mean", "mean over the batch where the sum belongs", |a| maybe(batch(a).map(|n| 1.0 / n))),
    Mistake::factor("derivative-of-square", "the derivative in ε where the one in ε² is meant: × 2ε", |a| {
        maybe(a.eps2().map(|e| 2.0 * e.sqrt()))
    }),
    Mistake::factor("derivative-of-root", "the derivative in ε² where the one in ε is meant: / 2ε", |a| {
        maybe(a.eps2().map(|e| 0.5 / e.sqrt()))
    }),
];
