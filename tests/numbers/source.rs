//! Random numbers that reach the edges, and true values to compare with.

use crate::exact::{self, Dyadic};
use white_box::scalar::{Ball, DoubleDouble};

/// Pseudo-random numbers that reach the edges: mantissas with long runs of equal bits, exact powers of two, chosen exponents.
pub struct Source(pub u64);

impl Source {
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        (self.bits() >> 11) % n
    }
    /// Uniform in [−1, 1].
    pub fn unit(&mut self) -> f64 {
        self.bits() as i64 as f64 / 9223372036854775808.0
    }
    pub fn mantissa(&mut self) -> u64 {
        let runs = |s: &mut Source| (0..4).fold(0u64, |m, _| m ^ (u64::MAX >> s.below(64)));
        match self.below(4) {
            0 => runs(self),
            1 => runs(self) & self.bits(),
            2 => 0,
            _ => self.bits(),
        }
    }
    /// A number of either sign with an exponent in the range.
    pub fn float(&mut self, exponents: std::ops::Range<i64>) -> f64 {
        let exponent = exponents.start + self.below((exponents.end - exponents.start) as u64) as i64;
        let bits = (self.bits() & 1 << 63) | ((exponent + 1023) as u64) << 52 | self.mantissa() >> 12;
        f64::from_bits(bits)
    }
    /// A pair whose parts touch, or lie far apart, or of which the second is 0.
    pub fn pair(&mut self, exponents: std::ops::Range<i64>) -> DoubleDouble {
        let hi = self.float(exponents);
        let gap = match self.below(4) {
            0 => return DoubleDouble::from(hi),
            1 => 54 + self.below(60) as i64,
            _ => 54,
        };
        let top = (hi.to_bits() >> 52 & 0x7ff) as i64 - 1023;
        let lo = self.float((top - gap).max(-1022)..(top - gap + 1).max(-1021));
        DoubleDouble::new(hi, lo)
    }
    /// A pair with a leading part uniform in the interval.
    pub fn between(&mut self, low: f64, high: f64) -> DoubleDouble {
        let hi = low + (high - low) * (0.5 + 0.5 * self.unit());
        DoubleDouble::new(hi, hi * self.unit() * f64::EPSILON / 2.0)
    }
    /// A ball around such a pair, with a radius from nothing to its own size.
    pub fn ball(&mut self, mid: DoubleDouble) -> Ball {
        let relative = match self.below(6) {
            0 => 0.0,
            1 => 1e-30,
            2 => 1e-17,
            3 => 1e-9,
            4 => 1e-3,
            _ => 0.7,
        };
        Ball::new(mid, (mid.hi() * relative * self.unit()).abs())
    }
    /// A number inside a ball, exactly: the midpoint plus k/8 of the radius.
    pub fn inside(&mut self, ball: Ball) -> Dyadic {
        let k = exact::Int::new(self.below(17) as i64 - 8);
        mid(ball).add(&Dyadic { n: k, p: -3 }.mul(&Dyadic::from_f64(ball.rad())))
    }
}

pub fn mid(ball: Ball) -> Dyadic {
    Dyadic::from_pair(ball.mid())
}

pub fn dd(x: f64) -> DoubleDouble {
    DoubleDouble::from(x)
}

/// `|x| · k · 2⁻¹⁰⁶`, the unit of every bound of double-double arithmetic.
pub fn units(x: &Dyadic, k: f64) -> Dyadic {
    x.abs().mul(&Dyadic::from_f64(k)).mul(&Dyadic::power(-106))
}

/// A true value as a fraction with positive denominator, so that no division is needed.
pub struct Truth {
    pub n: Dyadic,
    pub d: Dyadic,
}

impl Truth {
    pub fn new(n: Dyadic) -> Truth {
        Truth { n, d: Dyadic::power(0) }
    }
    /// `|y − truth| ≤ bound`, the reference being right to far less than a millionth of the bound.
    pub fn near(&self, y: &Dyadic, bound: &Dyadic) -> bool {
        let allowed = bound.mul(&self.d);
        y.mul(&self.d).sub(&self.n).abs().le(&allowed.add(&allowed.mul(&Dyadic::power(-20))))
    }
    pub fn inside(&self, ball: Ball) -> bool {
        ball.is_whole() || self.near(&mid(ball), &Dyadic::from_f64(ball.rad()))
    }
    /// The error of y in units of 2⁻¹⁰⁶ of the truth, roughly.
    pub fn error(&self, y: &Dyadic) -> f64 {
        let gap = y.mul(&self.d).sub(&self.n).abs();
        if gap.is_zero() { 0.0 } else { gap.mul(&Dyadic::power(106)).approx() / self.n.abs().approx() }
    }
}
