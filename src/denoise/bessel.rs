//! The mean of the direction on a sphere under an exponential tilt: ratios of modified Bessel functions, accurate from no tilt to any.

use crate::linalg::Matrix;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};

/// What the density proportional to `e^{κ⟨u, e⟩}` on the unit sphere of R^d says: `A_d(κ) = I_{d/2}(κ)/I_{d/2−1}(κ)` is the mean of `⟨u, e⟩`, `Z_d(κ)` its normaliser over the uniform one.
#[derive(Clone, Copy, Debug)]
pub struct Resultant<S> {
    /// κ.
    pub kappa: S,
    /// `A_d(κ)/κ`, 1/d at 0: a smooth function of κ².
    pub ratio: S,
    /// `1 − A_d(κ)`.
    pub deficit: S,
    /// `A_d′(κ) = 1 − A_d² − (d − 1)A_d/κ`, the variance of `⟨u, e⟩`.
    pub slope: S,
    /// `log Z_d(κ)` for κ ≤ 1, `log Z_d(κ) − κ` above.
    scaled: S,
}

impl<S: Scalar> Resultant<S> {
    /// `A_d(κ)`.
    pub fn mean(&self) -> S {
        self.ratio * self.kappa
    }
    /// `1 − A_d(κ)²`.
    pub fn spread(&self) -> S {
        self.deficit * (S::ONE + self.mean())
    }
    /// `log Z_d(κ)`.
    pub fn log_normaliser(&self) -> S {
        if self.is_small() { self.scaled } else { self.scaled + self.kappa }
    }
    /// `κA_d(κ) − log Z_d(κ)`: the divergence of the tilted law from the uniform one, in nats.
    pub fn divergence(&self) -> S {
        let rest = if self.is_small() { self.kappa.square() * self.ratio } else { -(self.kappa * self.deficit) };
        rest - self.scaled
    }
    /// `−(a − b)²/2 + log Z_d(ab)` less `ab`, without cancellation: given `κ = ab`, the exponent `−(a² + b²)/2 + log Z_d(κ)`.
    pub(super) fn exponent(&self, a: S, b: S) -> S {
        let half = S::from_f64(0.5);
        if self.is_small() { self.scaled - (a.square() + b.square()) * half } else { self.scaled - (a - b).square() * half }
    }
    fn is_small(&self) -> bool {
        small(self.kappa.square())
    }
}

/// Below this the normaliser is kept as it is, above it relative to e^κ.
fn small<S: Scalar>(t: S) -> bool {
    t.value() <= 1.0
}

/// The functions of [`Resultant`] at `t = κ²`, in dimension d ≥ 1.
///
/// - In general the continued fraction `A_d/κ = 1/(d + κ² A_{d+2}/κ)`, whose terms are positive, downward from the bounds `1/(ν + ½ + √(κ² + (ν + 3/2)²)) ≤ A/κ ≤ 1/(ν + ½ + √(κ² + (ν + ½)²))`,
///   `ν = d/2 − 1` (Amos, Math. Comp. 28, 1974). About `√(150 κ)` steps; each shrinks the error by `A²`.
/// - `log Z_d` by its power series `Σ (κ²/4)^k/(k! (d/2)_k)`, or from `e^κ = Z_d Σ_k w_k Π_{j<k} A_{d+2j}`, `w_k = (1 + k/ν)(2ν)_k/k!` (Gegenbauer's sum, DLMF 10.35): positive terms again.
/// - Where κ is large, the power series in 1/κ that solves `A′ = 1 − A² − (d − 1)A/κ`. With a residual of at most R on [κ/2, κ], and `A`, the series at least ¾ there, its error is at most
///   `e^{−3κ/4} + 2R/3`: then deficit and slope keep all their digits.
///
/// A ball adds these remainders. Errors: `Domain` for d = 0, (`InvalidParameter`) for t < 0; `NotFinite`.
pub fn resultant<S: Scalar>(d: usize, t: S) -> Result<Resultant<S>> {
    if d == 0 {
        return Err(Error::domain("d", "a dimension from 1 on", "0").named("EmptyInput"));
    }
    if !t.is_finite() {
        return Err(Error::not_finite("kappa²", "a finite number", t.value().to_string()).named("NonFinite"));
    }
    if t.value() < 0.0 {
        return Err(Error::domain("kappa²", "a number from 0 on", t.value().to_string()).named("InvalidParameter"));
    }
    let out = S::implicit(&Functions { d }, &[&[t]])?;
    Ok(Resultant { kappa: t.sqrt(), ratio: out[0][0], deficit: out[0][1], slope: out[0][2], scaled: out[0][3] })
}

struct Functions {
    d: usize,
}

impl Implicit for Functions {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        Ok(vec![functions(self.d, inputs[0][0]).to_vec()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let (t, dt, half) = (inputs[0][0], directions[0][0], S::from_f64(0.5));
        let [ratio, deficit, slope, _] = outputs[0][..] else { return Ok(Vec::new()) };
        let (kappa, c) = (t.sqrt(), S::from_usize(self.d - 1));
        let per_t = half / kappa;
        let mean = ratio * kappa;
        let (d_ratio, d_scaled) = if small(t) {
            // (log Z_d)′ = ½ A_d/κ and A_d/κ = Z_{d+2}/(d Z_d), in t = κ².
            let next = functions(self.d + 2, t)[0];
            (half * ratio * (next - ratio), half * ratio)
        } else {
            (half * (slope - ratio) / t, -(deficit * per_t))
        };
        let bend = c * (ratio / kappa - slope / kappa) - S::from_f64(2.0) * mean * slope;
        Ok(vec![vec![d_ratio * dt, -(slope * per_t * dt), bend * per_t * dt, d_scaled * dt]])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![functions(self.d, inputs[0][0]).to_vec()])
    }
}

/// The numbers within `by` of `x`; `x` itself where numbers are points.
fn within<S: Scalar>(x: S, by: S) -> S {
    x + by * S::from_ball(Ball::exact(0.0).widen(1.0))
}
/// What lies between; the middle where numbers are points.
fn between<S: Scalar>(low: S, high: S) -> S {
    let half = S::from_f64(0.5);
    within((low + high) * half, (high - low) * half)
}

/// `A/κ`, `1 − A`, `A′` and the scaled logarithm of Z.
fn functions<S: Scalar>(d: usize, t: S) -> [S; 4] {
    let kappa = t.sqrt();
    if d == 1 && !small(t) {
        let e = (-(kappa * S::from_f64(2.0))).exp();
        let (whole, two) = (S::ONE + e, S::from_f64(2.0));
        let deficit = two * e / whole;
        return [(S::ONE - deficit) / kappa, deficit, S::from_f64(4.0) * e / whole.square(), e.log1p() - two.ln()];
    }
    if let Some(found) = asymptotic(d, kappa) {
        return found;
    }
    let by_series = t.value() <= 80.0 * d as f64;
    let steps = depth::<S>(d, t.value(), by_series);
    let (ratio, next, sum) = downward(d, t, kappa, steps, !by_series);
    let mean = ratio * kappa;
    // 1 − A² − (d − 1)A/κ with A_{d+2} = 1/A − d/κ put in; nothing cancels for small κ.
    let slope = ratio * (S::ONE - t * (ratio - next));
    let scaled = match sum {
        Some(log_sum) => -log_sum,
        None => {
            let log_z = power_series(d, t).log1p();
            if small(t) { log_z } else { log_z - kappa }
        }
    };
    [ratio, S::ONE - mean, slope, scaled]
}

/// `A_{d+2k}/κ` as a number, midway between its bounds.
fn estimate(d: usize, k: usize, t: f64) -> f64 {
    let nu = d as f64 / 2.0 - 1.0 + k as f64;
    1.0 / (nu + 0.5 + (t + (nu + 1.0) * (nu + 1.0)).sqrt())
}
/// The quotient of two terms of Gegenbauer's sum, less its Bessel ratio; exact in an f64 pair `(numerator, denominator)`.
fn weight(d: usize, k: usize) -> (f64, f64) {
    // (ν + k + 1)(2ν + k) / ((ν + k)(k + 1)) with 2ν = d − 2; for k = 0 it is 2(ν + 1) = d.
    let (two_nu, k) = (d as f64 - 2.0, k as f64);
    if k == 0.0 { (two_nu + 2.0, 1.0) } else { ((two_nu + 2.0 * k + 2.0) * (two_nu + k), (two_nu + 2.0 * k) * (k + 1.0)) }
}

/// Steps after which what is left out is below rounding, of the continued fraction alone or of the sum too.
fn depth<S: Scalar>(d: usize, t: f64, fraction_only: bool) -> usize {
    let (kappa, goal) = (t.sqrt(), S::UNIT_ROUNDOFF / 256.0);
    let (mut term, mut sum, mut k) = (1.0f64, 1.0f64, 0);
    loop {
        let a = kappa * estimate(d, k, t);
        let ratio = if fraction_only {
            a * a
        } else {
            let (p, q) = weight(d, k);
            p / q * a
        };
        k += 1;
        if ratio < 0.999_999 && term <= goal * sum * (1.0 - ratio) && k > 3 {
            return k;
        }
        term *= ratio;
        sum += if fraction_only { 0.0 } else { term };
        if sum > 1e200 {
            (term, sum) = (term * 1e-200, sum * 1e-200);
        }
        if !(ratio >= 0.0) {
            return 4;
        }
    }
}

/// `A_d/κ`, `A_{d+2}/κ` and, if wanted, the logarithm of Gegenbauer's sum.
fn downward<S: Scalar>(d: usize, t: S, kappa: S, steps: usize, wanted: bool) -> (S, S, Option<S>) {
    let nu = S::from_f64(d as f64 / 2.0 - 1.0 + steps as f64);
    let (half, big) = (S::from_f64(0.5), 18446744073709551616.0);
    let bound = |off: f64| (nu + half + (t + (nu + S::from_f64(off)).square()).sqrt()).recip();
    let mut ratio = between(bound(1.5), bound(0.5));
    let mut next = ratio;
    let quotient = |k: usize, ratio: S| {
        let (p, q) = weight(d, k);
        S::from_f64(p) / S::from_f64(q) * ratio * kappa
    };
    // The sum as `sum · big^scale`, with the unit that a 1 has at this scale.
    let (mut sum, mut unit, mut scale) = (S::ONE, S::ONE, 0usize);
    if wanted {
        let q = quotient(steps, ratio);
        sum = between(S::ONE, (S::ONE - q).recip());
    }
    for k in (0..steps).rev() {
        next = ratio;
        ratio = (S::from_usize(d + 2 * k) + t * ratio).recip();
        if wanted {
            sum = unit + quotient(k, ratio) * sum;
            if sum.value() > big {
                let down = S::from_f64(1.0 / big);
                (sum, unit, scale) = (sum * down, unit * down, scale + 1);
            }
        }
    }
    let log = wanted.then(|| sum.ln() + S::from_usize(64 * scale) * S::from_f64(2.0).ln());
    (ratio, next, log)
}

/// `Z_d − 1`.
fn power_series<S: Scalar>(d: usize, t: S) -> S {
    let quarter = t * S::from_f64(0.25);
    // (k + 1)(d/2 + k) is a multiple of a half below 2⁵³.
    let below = |k: usize| (k + 1) as f64 * (d as f64 / 2.0 + k as f64);
    let (mut count, mut term, mut sum) = (0, 1.0f64, 1.0f64);
    loop {
        let q = quarter.value() / below(count);
        term *= q;
        sum += term;
        count += 1;
        if q < 0.5 && term <= S::UNIT_ROUNDOFF / 1024.0 * sum {
            break;
        }
        if !(q >= 0.0) {
            break;
        }
    }
    let q = quarter / S::from_f64(below(count));
    let mut inner = between(S::ONE, (S::ONE - q).recip());
    for k in (1..count).rev() {
        inner = S::ONE + quarter / S::from_f64(below(k)) * inner;
    }
    quarter / S::from_f64(below(0)) * inner
}

/// The longest series in 1/κ.
const TERMS: usize = 40;

/// The coefficients `a_1 … a_n`: `2a_k = (k − 1 − c) a_{k−1} − Σ_{0<i<k} a_i a_{k−i}`, `c = d − 1`, from `a_0 = 1` and `2a_1 = −c`.
fn coefficients<S: Scalar>(c: usize, count: usize) -> Vec<S> {
    let (half, mut a) = (S::from_f64(0.5), vec![S::ONE]);
    for k in 1..=count {
        let mut twice = S::from_f64(k as f64 - 1.0 - c as f64) * a[k - 1];
        for i in 1..k {
            twice -= a[i] * a[k - i];
        }
        a.push(twice * half);
    }
    a
}

/// The series in 1/κ where its proven error is below rounding.
fn asymptotic<S: Scalar>(d: usize, kappa: S) -> Option<[S; 4]> {
    let (c, k) = (d - 1, kappa.to_ball().lower());
    // A at κ/2 at least ¾.
    let (low, nu) = (k / 2.0, d as f64 / 2.0 - 1.0);
    if c == 0 || !(k > 24.0) || !(low / (nu + 0.5 + (low * low + (nu + 1.5) * (nu + 1.5)).sqrt()) > 0.76) {
        return None;
    }
    let a = coefficients::<f64>(c, TERMS);
    let x = 2.0 / k;
    let (decay, shrink) = (Scalar::exp(-0.74 * k), 1.02);
    // The largest coefficient residuals of the series cut after n terms, as a bound on [κ/2, κ] and as its integral from κ on.
    let remainder = |n: usize| {
        let (mut residual, mut integral, mut off, mut power) = (0.0, 0.0, 0.0, 1.0);
        for m in 1..=2 * n {
            power *= x;
            if m <= n {
                off += a[m].abs() * power;
                continue;
            }
            // At n + 1 the residual's coefficient is −2a_{n+1}; beyond, the products that the series leaves.
            let products = (m - n..=n).fold(0.0, |sum, i| sum + (a[i] * a[m - i]).abs());
            let coefficient = if m == n + 1 { 2.0 * a[m].abs() } else { products };
            residual += coefficient * power;
            integral += coefficient * power * k / (m as f64 - 1.0);
        }
        (residual * shrink, integral * shrink, off)
    };
    let goal = S::UNIT_ROUNDOFF * c as f64 / (4.0 * k * k);
    let fits = |n: usize| {
        let (residual, integral, off) = remainder(n);
        let error = decay + residual / 1.5;
        (off < 0.24 && 3.5 * error + residual <= goal).then_some((n, residual, integral))
    };
    let (n, residual, integral) = (1..TERMS).find_map(fits)?;
    let a = coefficients::<S>(c, n);
    let inverse = kappa.recip();
    let (mut deficit, mut slope, mut log, mut power) = (S::ZERO, S::ZERO, S::ZERO, inverse);
    for (i, &a) in a.iter().enumerate().skip(1) {
        deficit -= a * power;
        slope -= S::from_usize(i) * a * power * inverse;
        if i > 1 {
            log -= a * power * kappa / S::from_usize(i - 1);
        }
        power *= inverse;
    }
    let error = (decay + residual / 1.5) * shrink;
    let constant = log_gamma_half::<S>(d) + S::from_f64(nu) * S::from_f64(2.0).ln() - (S::pi() * S::from_f64(2.0)).ln() * S::from_f64(0.5);
    let log = log + a[1] * kappa.ln() + constant;
    let deficit = within(deficit, S::from_f64(error));
    let slope = within(slope, S::from_f64((3.5 * error + residual) * shrink));
    let log = within(log, S::from_f64((decay / 0.74 + integral / 1.5) * shrink));
    Some([(S::ONE - deficit) * inverse, deficit, slope, log])
}

/// `log Γ(d/2)`: `Γ(m) = (m − 1)!`, `Γ(m + ½) = √π Π (j − ½)`.
pub(super) fn log_gamma_half<S: Scalar>(d: usize) -> S {
    let half = S::from_f64(0.5);
    let logs: Vec<S> = (1..d.div_ceil(2)).map(|j| (S::from_usize(d) * half - S::from_usize(j)).ln()).collect();
    let start = if d % 2 == 1 { S::pi().ln() * half } else { S::ZERO };
    start + S::sum(&logs)
}

/// The κ at which a quantity that falls with κ, from above 0, crosses 0: bisection in plain numbers of f64, then Newton steps in the number itself; a ball proves by a change of sign that the root
/// lies within it. `f` gives the quantity and its slope in κ.
pub(crate) struct Root<F> {
    pub f: F,
}
/// A function with its slope, generic over the number; `inputs` are the numbers it depends on.
pub(crate) trait Monotone {
    fn at<S: Scalar>(&self, inputs: &[S], kappa: S) -> Result<(S, S)>;
    /// The derivative of the function along a direction of the inputs, κ fixed.
    fn along<S: Scalar>(&self, inputs: &[S], kappa: S, direction: &[S]) -> Result<S>;
}

impl<F: Monotone> Root<F> {
    /// The root; 0 if the quantity is at most 0 at every positive number that is tried.
    pub fn solve<S: Scalar>(&self, inputs: &[S]) -> Result<S> {
        Ok(S::implicit(self, &[inputs])?[0][0])
    }
    fn coarse(&self, inputs: &[f64]) -> Result<f64> {
        let above = |k: f64| Ok::<bool, Error>(self.f.at(inputs, k)?.0 > 0.0);
        let (mut low, mut high) = (1e-3, 1.0);
        while above(high)? {
            (low, high) = (high, high * 4.0);
            if !(high < 1e30) {
                return Err(Error::not_converged("kappa", "a change of sign below 1e30", "none"));
            }
        }
        while !above(low)? {
            (low, high) = (low / 64.0, low);
            if low < 1e-150 {
                return Ok(0.0);
            }
        }
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if above(middle)? { low = middle } else { high = middle }
        }
        Ok(0.5 * (low + high))
    }
}

impl<F: Monotone> Implicit for Root<F> {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let plain: Vec<f64> = inputs[0].iter().map(|x| x.value()).collect();
        let mut kappa = S::from_f64(self.coarse(&plain)?);
        for _ in 0..3 {
            let (value, slope) = self.f.at(inputs[0], kappa)?;
            if slope.value() != 0.0 && (value / slope).is_finite() {
                kappa -= value / slope;
            }
        }
        Ok(vec![vec![kappa]])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], outputs: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let kappa = outputs[0][0];
        let slope = self.f.at(inputs[0], kappa)?.1;
        Ok(vec![vec![-(self.f.along(inputs[0], kappa, directions[0])? / slope)]])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        type D = crate::scalar::DoubleDouble;
        let middle: Vec<D> = inputs[0].iter().map(|x| x.mid()).collect();
        let kappa = self.compute(&[&middle])?[0][0];
        let (value, slope) = self.f.at(inputs[0], Ball::new(kappa, 0.0))?;
        // The first guess: what the uncertainty of the value means for the root; then wider.
        let mut by = 2.0 * (value / slope).magnitude() + kappa.value().abs() * 1e-31;
        for _ in 0..60 {
            let ends = [-by, by].map(|by| self.f.at(inputs[0], Ball::new(kappa + D::from_f64(by), 0.0)));
            let [a, b] = ends;
            if let (Some(a), Some(b)) = (a?.0.sign(), b?.0.sign())
                && a != b
            {
                return Ok(vec![vec![Ball::new(kappa, 0.0).widen(by)]]);
            }
            by *= 4.0;
        }
        Err(Error::undecided("kappa", "an enclosure narrow enough to prove a root", format!("{value:?}")))
    }
}

/// Rows of a matrix as the squares of their lengths.
pub(super) fn squares<S: Scalar>(x: &Matrix<S>) -> Vec<S> {
    (0..x.rows()).map(|i| S::dot(x.row(i), x.row(i))).collect()
}
