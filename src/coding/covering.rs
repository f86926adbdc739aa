//! Covering and packing: how many balls of radius ε a set needs, and how many points it holds apart.

use crate::linalg::Matrix;
use crate::scalar::{Ball, Bulk, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

fn check(name: &str, x: f64) -> Result<f64> {
    if x > 0.0 && x.is_finite() {
        Ok(x)
    } else {
        Err(Error::domain(name, "a finite number above 0", x.to_string()).named("InvalidEpsilon"))
    }
}

/// Closed intervals of half-length ε that cover a segment: `⌈ℓ/2ε⌉`, at least 1; decided exactly.
pub fn segment_covering(length: f64, eps: f64) -> Result<usize> {
    let (length, eps) = (check("length", length)?, check("eps", eps)?);
    let guess = (length / (2.0 * eps)).ceil();
    if !(guess < 9e15) {
        return Err(Error::unsupported("eps", "fewer than 9e15 intervals", guess.to_string()).named("TooLarge"));
    }
    let enough =
        |n: usize| (Ball::exact(n as f64) * Ball::exact(2.0) * Ball::exact(eps) - Ball::exact(length)).sign() != Some(Ordering::Less);
    least(guess as usize, enough)
}

/// Closed discs of radius ε with centres on a circle of radius r that cover it: `⌈π/(2 asin(ε/2r))⌉`, 1 from `ε = 2r` on.
///
/// N discs suffice where `2r sin(π/2N) ≤ ε`, decided in balls; a sine of a rational angle is rational only at 0, ½ and 1 (Niven), so that the one tie there is, ε = r, is known.
pub fn circle_covering(r: f64, eps: f64) -> Result<usize> {
    let (r, eps) = (check("r", r)?, check("eps", eps)?);
    if eps >= 2.0 * r {
        return Ok(1);
    }
    if eps == r {
        return Ok(3);
    }
    circle(r * 2.0, eps, 2.0)
}

/// Closed discs of radius ε with any centres that cover a circle of radius r: `⌈π/asin(ε/r)⌉`, 1 from `ε = r` on. The tie: 2ε = r, 6 discs.
pub fn circle_covering_free(r: f64, eps: f64) -> Result<usize> {
    let (r, eps) = (check("r", r)?, check("eps", eps)?);
    match (eps >= r, 2.0 * eps == r) {
        (true, _) => Ok(1),
        (_, true) => Ok(6),
        _ => circle(r, eps, 1.0),
    }
}

/// Points on a circle of radius r with distances of at least δ: `⌊π/asin(δ/2r)⌋`; 1 above `δ = 2r`. Ties: δ = r (6 points) and δ = 2r (2).
pub fn circle_packing(r: f64, delta: f64) -> Result<usize> {
    let (r, delta) = (check("r", r)?, check("delta", delta)?);
    if delta >= 2.0 * r {
        return Ok(if delta == 2.0 * r { 2 } else { 1 });
    }
    if delta == r {
        return Ok(6);
    }
    // The least N with 2r sin(π/N) < δ, less one; ties are gone.
    Ok(circle(r * 2.0, delta, 1.0)? - 1)
}

/// The least N with `size · sin(π/(fold·N)) ≤ eps`.
fn circle(size: f64, eps: f64, fold: f64) -> Result<usize> {
    let sine = eps / size;
    // asin(x) ≥ x, so this is enough; asin(x) ≤ πx/2.
    let guess = (std::f64::consts::PI / (fold * sine)).ceil();
    if !(guess < 1e9) {
        return Err(Error::unsupported("eps", "fewer than 1e9 discs", guess.to_string()).named("TooLarge"));
    }
    let enough = |n: usize| {
        let chord = Ball::exact(size) * (Ball::pi() / Ball::exact(fold * n as f64)).sin();
        (Ball::exact(eps) - chord).sign() == Some(Ordering::Greater)
    };
    least(guess as usize + 1, enough)
}

/// The least n from 1 on with a property that larger ones share, from a guess.
fn least(guess: usize, enough: impl Fn(usize) -> bool) -> Result<usize> {
    let (mut low, mut high) = (0, guess.max(1));
    while !enough(high) {
        (low, high) =
            (high, high.checked_mul(2).ok_or_else(|| Error::unsupported("eps", "a number of balls below 2⁶⁴", "more").named("TooLarge"))?);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    Ok(high)
}

/// Rows up to which the exact searches go.
pub const EXACT: usize = 20;

/// Pairs of rows at a distance of at most ε, as bit sets.
fn near(x: &Matrix<f64>, eps: f64) -> Result<Vec<u32>> {
    let n = x.rows();
    if n == 0 || n > EXACT {
        return Err(if n == 0 {
            Error::shape("points", "at least one row", "none").named("EmptyInput")
        } else {
            Error::unsupported("points", format!("at most {EXACT} rows"), n.to_string()).named("TooLarge")
        });
    }
    check("eps", eps)?;
    x.check_finite("points")?;
    let within = |i: usize, j: usize| distance(x, i, j) <= eps;
    Ok((0..n).map(|i| (0..n).filter(|&j| within(i, j)).fold(0, |set, j| set | 1 << j)).collect())
}
fn distance(x: &Matrix<f64>, i: usize, j: usize) -> f64 {
    let off: Vec<f64> = x.row(i).iter().zip(x.row(j)).map(|(a, b)| a - b).collect();
    f64::dot(&off, &off).sqrt()
}

/// The least number of closed ε-balls around rows of `points` that cover all of them, by search over subsets. Errors: `Shape` (`EmptyInput`), `Unsupported` (`TooLarge`) above [`EXACT`] rows.
pub fn covering_number(points: &Matrix<f64>, eps: f64) -> Result<usize> {
    let near = near(points, eps)?;
    let n = points.rows();
    let all = (1u32 << n) - 1;
    let best =
        (1u32..=all).filter(|set| (0..n).filter(|i| set >> i & 1 == 1).fold(0, |c, i| c | near[i]) == all).map(u32::count_ones).min();
    Ok(best.map_or(n, |count| count as usize))
}
/// The greatest number of rows with distances above ε from each other. Errors: as [`covering_number`].
pub fn packing_number(points: &Matrix<f64>, eps: f64) -> Result<usize> {
    let near = near(points, eps)?;
    let n = points.rows();
    let apart = |set: u32| (0..n).all(|i| set >> i & 1 == 0 || near[i] & set == 1 << i);
    Ok((1u32..1 << n).filter(|&set| apart(set)).map(u32::count_ones).max().map_or(1, |count| count as usize))
}
/// A net by farthest points: from row 0 on, the row farthest from those chosen (the first on ties) as long as it is more than ε away. Every row is within ε of the net, whose rows are more than ε apart: its size lies
/// between the covering and the packing number. `n` times its size distances (Gonzalez, Theor. Comput. Sci. 38, 1985).
pub fn farthest_point_net(points: &Matrix<f64>, eps: f64) -> Result<Vec<usize>> {
    check("eps", eps)?;
    points.check_finite("points")?;
    if points.rows() == 0 {
        return Err(Error::shape("points", "at least one row", "none").named("EmptyInput"));
    }
    let mut net = vec![0];
    let mut away: Vec<f64> = (0..points.rows()).map(|i| distance(points, i, 0)).collect();
    loop {
        let far = (1..away.len()).fold(0, |f, i| if away[i] > away[f] { i } else { f });
        if !(away[far] > eps) {
            return Ok(net);
        }
        net.push(far);
        for (i, a) in away.iter_mut().enumerate() {
            let d = distance(points, i, far);
            *a = if d < *a { d } else { *a };
        }
    }
}

/// Centres of 1 to 4 discs that cover the unit square with the least radius, and that radius: √2/2, √5/4, √65/16, √2/4. `None` for other counts, of which only decimals are known.
pub fn square_covering<S: Scalar>(count: usize) -> Option<(Vec<[S; 2]>, S)> {
    let c = |x: f64, y: f64| [S::from_f64(x), S::from_f64(y)];
    let root = |x: f64, over: f64| S::from_f64(x).sqrt() / S::from_f64(over);
    match count {
        1 => Some((vec![c(0.5, 0.5)], root(2.0, 2.0))),
        2 => Some((vec![c(0.25, 0.5), c(0.75, 0.5)], root(5.0, 4.0))),
        3 => Some((vec![c(0.0625, 0.5), c(0.5625, 0.25), c(0.5625, 0.75)], root(65.0, 16.0))),
        4 => Some((vec![c(0.25, 0.25), c(0.75, 0.25), c(0.25, 0.75), c(0.75, 0.75)], root(2.0, 4.0))),
        _ => None,
    }
}
