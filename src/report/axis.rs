//! Axes: where a number stands, and the round numbers that are written beside it.

use super::number::{decade, power_of_ten, superscript, typeset};
use super::{figure::Label, svg};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// How an axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Division {
    /// Equal steps, equal distances.
    #[default]
    Linear,
    /// Equal factors, equal distances; positive numbers only.
    Log,
}

/// An axis: what it measures, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// How it is divided.
    pub division: Division,
    /// Numbers that it must reach besides those drawn, such as 0.
    pub include: Vec<f64>,
    /// Runs from the greatest number to the least.
    pub reversed: bool,
}

impl Axis {
    /// Equal steps.
    pub fn linear(label: &str) -> Axis {
        Axis { label: label.into(), ..Axis::default() }
    }
    /// Equal factors.
    pub fn log(label: &str) -> Axis {
        Axis { label: label.into(), division: Division::Log, ..Axis::default() }
    }
    /// The same, and long enough to show `x`.
    pub fn including(mut self, x: f64) -> Axis {
        self.include.push(x);
        self
    }

    /// The same, from the greatest number to the least.
    pub fn reversed(mut self) -> Axis {
        self.reversed = true;
        self
    }

    /// The axis laid over `from ..= to` of the drawing. `round` lengthens it to whole steps.
    pub(super) fn lay(&self, figure: &Label, numbers: impl Iterator<Item = f64>, from: f64, to: f64, round: bool) -> Result<Laid> {
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers.chain(self.include.iter().copied()) {
            if !x.is_finite() {
                return Err(Error::not_finite(format!("figure {}, axis {}", figure.name, self.label), "finite numbers", x.to_string()));
            }
            if self.division == Division::Log && x <= 0.0 {
                return Err(Error::domain(format!("figure {}, axis {}", figure.name, self.label), "numbers above 0", x.to_string()));
            }
            (lo, hi) = (if x < lo { x } else { lo }, if x > hi { x } else { hi });
        }
        if lo > hi {
            return Err(super::figure::nothing(figure, "number"));
        }
        if lo == hi {
            // A lone value: some room to each side.
            let step = if lo == 0.0 { 1.0 } else { power_of_ten(decade(lo)) };
            (lo, hi) = if self.division == Division::Log { (lo / 2.0, hi * 2.0) } else { (lo - step, hi + step) };
        }
        let drawable = 1e-290..1e290;
        if !drawable.contains(&(hi - lo)) || self.division == Division::Log && !(drawable.contains(&lo) && drawable.contains(&hi)) {
            return Err(Error::domain(
                format!("figure {}, axis {}", figure.name, self.label),
                "a span that can be drawn",
                format!("{lo:e} to {hi:e}"),
            ));
        }
        let ticks = match self.division {
            Division::Linear => {
                let (m, e) = step((hi - lo) / 5.0);
                let tick = |i: f64| if e >= 0 { i * (m * power_of_ten(e)) } else { i * m / power_of_ten(-e) };
                let (first, last) = (floor_div(lo, m, e), -floor_div(-hi, m, e));
                let (first, last) = if round {
                    (lo, hi) = (tick(first), tick(last));
                    (first, last)
                } else {
                    (first, last)
                };
                let numbers = (first as i64..=last as i64).map(|i| tick(i as f64)).filter(|&t| t >= lo && t <= hi);
                numbers.map(|t| (t, typeset(&decimal(t, e)))).collect()
            }
            Division::Log => {
                if round {
                    (lo, hi) = (round_down(lo), round_up(hi));
                }
                log_ticks(lo, hi)
            }
        };
        let (a, b) = (self.coordinate(lo), self.coordinate(hi));
        let (a, b) = if self.reversed { (b, a) } else { (a, b) };
        Ok(Laid { division: self.division, a, b, from, to, ticks })
    }
    fn coordinate(&self, x: f64) -> f64 {
        if self.division == Division::Log { Scalar::ln(x) } else { x }
    }
}

/// An axis in its place.
pub(super) struct Laid {
    division: Division,
    a: f64,
    b: f64,
    from: f64,
    to: f64,
    /// The round numbers, each with its text.
    pub ticks: Vec<(f64, String)>,
}

impl Laid {
    /// Where `x` stands.
    pub fn at(&self, x: f64) -> f64 {
        let x = if self.division == Division::Log { Scalar::ln(x) } else { x };
        self.from + (x - self.a) / (self.b - self.a) * (self.to - self.from)
    }
    /// The width of the widest tick text.
    pub fn widest(&self, size: f64) -> f64 {
        self.ticks.iter().map(|(_, text)| svg::width(text, size)).fold(0.0, |w, x| if x > w { x } else { w })
    }
}

/// A step of 1, 2 or 5 times a power of ten, at least `least`: the factor and the exponent.
fn step(least: f64) -> (f64, i32) {
    let e = decade(least);
    let fit = [1.0, 2.0, 5.0].into_iter().find(|m| m * power_of_ten(e) >= least * (1.0 - 1e-12));
    fit.map_or((1.0, e + 1), |m| (m, e))
}

/// The number of whole steps of m · 10ᵉ at or below `x`, where a rounding error beside a step counts as the step.
fn floor_div(x: f64, m: f64, e: i32) -> f64 {
    let ratio = if e >= 0 { x / (m * power_of_ten(e)) } else { x * power_of_ten(-e) / m };
    (ratio + 1e-9).floor()
}

/// A whole number of steps of 10ᵉ, with every digit it needs and no more.
fn decimal(t: f64, e: i32) -> String {
    let lead = decade(t);
    if t == 0.0 || (-4..6).contains(&lead) && e < 6 {
        return format!("{t:.*}", (-e).max(0) as usize);
    }
    let all = format!("{t:.*e}", (lead - e).max(0) as usize);
    let (mantissa, power) = all.split_once('e').unwrap_or((&all, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}e{power}")
}

/// Down to 1, 2 or 5 times a power of ten.
fn round_down(x: f64) -> f64 {
    let e = decade(x);
    [5.0, 2.0, 1.0].into_iter().map(|m| m * power_of_ten(e)).find(|&t| t <= x).unwrap_or_else(|| power_of_ten(e))
}

fn round_up(x: f64) -> f64 {
    let e = decade(x);
    [1.0, 2.0, 5.0].into_iter().map(|m| m * power_of_ten(e)).find(|&t| t >= x).unwrap_or_else(|| power_of_ten(e + 1))
}

/// Powers of ten, thinned where there are many, with 2 and 5 between where there are few.
fn log_ticks(lo: f64, hi: f64) -> Vec<(f64, String)> {
    let (first, last) = (decade(lo), decade(hi));
    let span = last - first;
    let factors: &[f64] = if span <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = (span / 7).max(0) + 1;
    let mut ticks = Vec::new();
    for e in (first..=last).filter(|e| e.rem_euclid(every) == 0) {
        for &m in factors {
            let t: f64 = format!("{m}e{e}").parse().unwrap_or(f64::NAN);
            if t >= lo && t <= hi {
                ticks.push((t, log_text(m, e)));
            }
        }
    }
    ticks
}

fn log_text(m: f64, e: i32) -> String {
    match e {
        -3..0 => format!("{:.*}", -e as usize, m * power_of_ten(e)),
        0..5 => format!("{:.0}", m * power_of_ten(e)),
        _ if m == 1.0 => format!("10{}", superscript(&e.to_string())),
        _ => format!("{m:.0}·10{}", superscript(&e.to_string())),
    }
}
