//! Numbers as text: exact conversion between double-double numbers, balls, decimal and hexadecimal notation.
//!
//! A decimal number is read as the rational it denotes and rounded once; a number is printed from its exact binary value. Text that denotes
//! no number, an overflow, more than 4096 characters: an error, never a panic, and never more than a few milliseconds.

mod natural;

use super::{Ball, DoubleDouble, Scalar};
use crate::{Error, Result};
use natural::Natural;
use std::fmt;

/// Characters in the longest number that is read. The longest exact decimal of a double-double has fewer than 1500.
const LONGEST: usize = 4096;

/// `± numerator / denominator · 2^power`.
#[derive(Clone, Debug)]
struct Rational {
    negative: bool,
    numerator: Natural,
    denominator: Natural,
    power: i64,
}

/// `m · 2^k` for `m ≤ 2⁵³` and a result that is a number or overflows.
fn scaled(m: u64, k: i64) -> f64 {
    let power = |k: i64| f64::from_bits(((1023 + k) as u64) << 52);
    match k {
        971.. => {
            if k == 971 && m < 1 << 53 {
                m as f64 * power(971)
            } else if m == 0 {
                0.0
            } else {
                f64::INFINITY
            }
        }
        -1022..971 => m as f64 * power(k),
        _ => m as f64 * power(-500) * power((k + 500).max(-600)),
    }
}

impl Rational {
    fn dyadic(negative: bool, numerator: Natural, power: i64) -> Rational {
        Rational { negative, numerator, denominator: Natural::new(1), power }
    }
    fn from_f64(x: f64) -> Rational {
        let (bits, exponent) = (x.to_bits(), (x.to_bits() >> 52 & 0x7ff) as i64);
        let mantissa = bits & ((1 << 52) - 1) | ((exponent > 0) as u64) << 52;
        Rational::dyadic(x < 0.0, Natural::new(mantissa), exponent.max(1) - 1075)
    }
    /// The exact sum of finite numbers.
    fn from_sum(terms: &[f64]) -> Rational {
        terms.iter().fold(Rational::from_f64(0.0), |sum, &x| sum.plus(&Rational::from_f64(x)))
    }
    /// The sum of two numbers with the same denominator.
    fn plus(&self, other: &Rational) -> Rational {
        let power = self.power.min(other.power);
        let at = |x: &Rational| x.numerator.shifted_up((x.power - power) as u64);
        let (a, b) = (at(self), at(other));
        let (negative, numerator) = if self.negative == other.negative {
            (self.negative, a.plus(&b))
        } else if a >= b {
            (self.negative, a.minus(&b))
        } else {
            (other.negative, b.minus(&a))
        };
        Rational { negative, numerator, denominator: self.denominator.clone(), power }
    }
    /// The nearest f64, ties to even; infinite on overflow.
    fn nearest(&self) -> f64 {
        if self.numerator.is_zero() {
            return 0.0;
        }
        // The value lies between 2^(size − 1) and 2^(size + 1): a quotient in units of 2^unit has 56 or 57 bits, or, where numbers are
        // subnormal, two more than a number can have.
        let size = self.numerator.bits() - self.denominator.bits() + self.power;
        if size > 1100 {
            return if self.negative { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        let unit = (size - 56).max(-1076);
        let up = self.power - unit;
        let (numerator, denominator) = (self.numerator.shifted_up(up.max(0) as u64), self.denominator.shifted_up((-up).max(0) as u64));
        let (q, inexact) = numerator.quotient(&denominator);
        let drop = (64 - q.leading_zeros() as i64 - 53).max(-1074 - unit);
        let (kept, rest, half) = (q >> drop, q & ((1 << drop) - 1), 1 << (drop - 1));
        let up = rest > half || rest == half && (inexact || kept & 1 == 1);
        let size = scaled(kept + up as u64, unit + drop);
        if self.negative { -size } else { size }
    }
    /// What is left after `x` is taken away.
    fn minus(&self, x: f64) -> Rational {
        let Rational { negative, numerator, power, .. } = Rational::from_f64(-x);
        // x over the same denominator.
        let over = |n: &Natural| {
            let mantissa = n.low();
            self.denominator.times(mantissa)
        };
        self.plus(&Rational { negative, numerator: over(&numerator), denominator: self.denominator.clone(), power })
    }
    /// The nearest pair, and an upper bound of what it leaves out.
    fn pair(&self) -> (DoubleDouble, f64) {
        let hi = self.nearest();
        if !hi.is_finite() {
            return (DoubleDouble { hi, lo: 0.0 }, f64::INFINITY);
        }
        let rest = self.minus(hi);
        let lo = rest.nearest();
        let rest = rest.minus(lo);
        let left = if rest.numerator.is_zero() { 0.0 } else { rest.nearest().abs().next_up() };
        (DoubleDouble::new(hi, lo), left)
    }
    /// `⌊2 |self| 10^s⌋` for a dyadic number, and whether a remainder was lost.
    fn twice_scaled(&self, s: i64) -> (Natural, bool) {
        let power = self.power + 1;
        let whole = self.numerator.shifted_up(power.max(0) as u64).times_ten_to(s.max(0) as u64);
        let (whole, lost) = whole.divided_by_ten_to((-s).max(0) as u64);
        let (whole, more) = whole.shifted_down((-power).max(0) as u64);
        (whole, lost | more)
    }
    /// `count` decimal digits of a dyadic number, correctly rounded (ties to even), and the exponent of the first; none for zero.
    fn digits(&self, count: usize) -> (String, i64) {
        if self.numerator.is_zero() {
            return (String::new(), 0);
        }
        // Right to within one; the loop settles it.
        let mut exponent = ((self.numerator.bits() + self.power - 1) as f64 * std::f64::consts::LOG10_2).floor() as i64;
        loop {
            let (twice, lost) = self.twice_scaled(count as i64 - 1 - exponent);
            let (down, half) = twice.shifted_down(1);
            let up = half && (lost || down.low() & 1 == 1);
            let text = if up { down.times_plus(1, 1) } else { down }.decimal();
            match text.len().cmp(&count) {
                std::cmp::Ordering::Less => exponent -= 1,
                std::cmp::Ordering::Equal => return (text, exponent),
                // 99…9 that was rounded up to 10…0 is right after dropping the last zero; a wrong exponent needs another round.
                std::cmp::Ordering::Greater if up && text[1..].bytes().all(|digit| digit == b'0') => {
                    return (text[..count].to_string(), exponent + 1);
                }
                std::cmp::Ordering::Greater => exponent += 1,
            }
        }
    }
}

/// `d.ddd · 10^exponent`, in plain notation where that needs no digits that are not given and few zeros in front.
fn layout(negative: bool, digits: &str, exponent: i64) -> String {
    let body = match (digits.len() as i64, exponent) {
        (0, _) => "0".to_string(),
        (_, -5..=-1) => format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        (count, 0..) if exponent + 1 == count => digits.to_string(),
        (count, 0..) if exponent < count => format!("{}.{}", &digits[..=exponent as usize], &digits[exponent as usize + 1..]),
        (1, _) => format!("{digits}e{exponent}"),
        _ => format!("{}.{}e{exponent}", &digits[..1], &digits[1..]),
    };
    if negative { format!("-{body}") } else { body }
}

/// Without the zeros at the end, except those that plain notation needs in front of the point.
fn short(digits: &str, exponent: i64) -> &str {
    let least = if (0..21).contains(&exponent) { exponent as usize + 1 } else { 1 };
    &digits[..digits.trim_end_matches('0').len().max(least).min(digits.len())]
}

fn fault(text: &str, expected: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::format("number", expected, if text.chars().count() > 40 { format!("{shown:?}…") } else { format!("{shown:?}") })
}

/// A decimal or hexadecimal number as the rational it denotes.
fn rational(text: &str) -> Result<Rational> {
    if text.len() > LONGEST {
        return Err(Error::unsupported("number", format!("at most {LONGEST} characters"), format!("{}", text.len())));
    }
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (hexadecimal, body) = match body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        Some(body) => (true, body),
        None => (false, body),
    };
    let bad = || fault(text, if hexadecimal { "a number such as 0x1.8p+3" } else { "a number such as -1.25e-3" });
    let marks = if hexadecimal { ['p', 'P'] } else { ['e', 'E'] };
    let (mantissa, exponent) = match body.split_once(marks) {
        Some((mantissa, exponent)) => (mantissa, signed_integer(exponent).ok_or_else(bad)?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let base = if hexadecimal { 16 } else { 10 };
    let mut numerator = Natural::new(0);
    if whole.is_empty() && fraction.is_empty() {
        return Err(bad());
    }
    for digit in whole.chars().chain(fraction.chars()) {
        numerator = numerator.times_plus(base, digit.to_digit(base).ok_or_else(bad)?);
    }
    // Beyond these, the number is surely infinite or surely rounds to 0, whatever its (at most 4096) digits.
    let exponent = exponent.clamp(-50_000, 50_000);
    let fraction = fraction.len() as i64;
    let number = if hexadecimal {
        Rational::dyadic(negative, numerator, exponent - 4 * fraction)
    } else if exponent >= fraction {
        if numerator.is_zero() || exponent > 400 + LONGEST as i64 {
            // 10⁴⁰⁰ and more overflows; zero stays zero.
            Rational::dyadic(negative, numerator, 10_000)
        } else {
            Rational::dyadic(negative, numerator.times_ten_to((exponent - fraction) as u64), 0)
        }
    } else if exponent - fraction < -2 * LONGEST as i64 {
        // Below 10⁻⁴⁰⁹⁶: a positive number far below half the smallest f64 stands for it.
        Rational::dyadic(negative, numerator, -40_000)
    } else {
        Rational { negative, numerator, denominator: Natural::new(1).times_ten_to((fraction - exponent) as u64), power: 0 }
    };
    Ok(number)
}

/// A signed integer; one with many digits is as good as the largest.
fn signed_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits.bytes().fold(0i64, |n, digit| n.saturating_mul(10).saturating_add((digit - b'0') as i64));
    Some(if negative { -size } else { size })
}

/// A sum or difference of numbers, each with what its pair leaves out.
fn pair(text: &str) -> Result<(DoubleDouble, f64)> {
    let one = |text: &str| {
        let (x, left) = rational(text)?.pair();
        if x.is_finite() { Ok((x, left)) } else { Err(fault(text, "a number below 1.7976931348623158e308")) }
    };
    let text = text.trim();
    let split = [(" + ", 1.0), (" - ", -1.0)].into_iter().find_map(|(mark, sign)| text.split_once(mark).map(|(a, b)| (a, b, sign)));
    match split {
        Some((a, b, sign)) => {
            let ((a, left), (b, also)) = (one(a.trim())?, one(b.trim())?);
            let sum = Ball::new(a, left) + Ball::new(b.scale(sign), also);
            if sum.is_whole() { Err(fault(text, "a sum below 1.7976931348623158e308")) } else { Ok((sum.mid(), sum.rad())) }
        }
        None => one(text),
    }
}

fn hexadecimal(x: f64) -> String {
    let (bits, exponent) = (x.to_bits() & ((1 << 52) - 1), (x.to_bits() >> 52 & 0x7ff) as i64);
    let sign = if x.is_sign_negative() { "-" } else { "" };
    if x == 0.0 {
        return format!("{sign}0x0p+0");
    }
    let (lead, power) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
    let digits = format!("{bits:013x}");
    let digits = digits.trim_end_matches('0');
    format!("{sign}0x{lead}{}{digits}p{power:+}", if digits.is_empty() { "" } else { "." })
}

fn special(x: f64) -> String {
    if x.is_nan() {
        "NaN".to_string()
    } else if x > 0.0 {
        "inf".to_string()
    } else {
        "-inf".to_string()
    }
}

impl DoubleDouble {
    /// The nearest pair to a number in decimal (`-1.25e-3`) or hexadecimal (`0x1.8p+3`) notation, or to the sum of two such numbers
    /// (`0x1.8p+3 + 0x1p-60`).
    ///
    /// # Errors
    /// [`Error::Format`] for anything that is not a number, and for a number that overflows; [`Error::Unsupported`] for one of more than
    /// 4096 characters.
    pub fn parse(text: &str) -> Result<DoubleDouble> {
        pair(text).map(|(x, _)| x)
    }
    /// `digits` significant decimal digits of the exact value, correctly rounded, ties to even.
    pub fn to_decimal(self, digits: usize) -> String {
        if !self.is_finite() {
            return special(self.hi);
        }
        let exact = Rational::from_sum(&[self.hi, self.lo]);
        let (digits, exponent) = exact.digits(digits.clamp(1, LONGEST));
        layout(exact.negative, &digits, exponent)
    }
    /// Hexadecimal notation, exact: `0x1.8p+3`, or a sum `0x1.8p+3 + 0x1p-60`.
    pub fn to_hex(self) -> String {
        if !self.is_finite() {
            return special(self.hi);
        }
        match self.lo {
            0.0 => hexadecimal(self.hi),
            lo => format!("{} {} {}", hexadecimal(self.hi), if lo < 0.0 { "-" } else { "+" }, hexadecimal(lo.abs())),
        }
    }
    /// Decimal digits enough to read the same pair back: 16, 32, 33, 34 (which nearly all pairs need), or as many as it takes; and
    /// without zeros at the end.
    fn round_trip(self) -> (String, i64) {
        let exact = Rational::from_sum(&[self.hi, self.lo]);
        let counts = [16, 17, 32, 33, 34].into_iter().chain((40..).step_by(60));
        for count in counts.take_while(|&count| count < LONGEST) {
            let (digits, exponent) = exact.digits(count);
            if DoubleDouble::parse(&layout(self.hi < 0.0, &digits, exponent)).is_ok_and(|x| x == self) {
                return (short(&digits, exponent).to_string(), exponent);
            }
        }
        unreachable!("no pair has more than 1500 decimal digits")
    }
}

impl fmt::Display for DoubleDouble {
    /// As many digits as it takes to read the same pair back; with a precision, that many significant digits.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(digits) = f.precision() {
            return f.write_str(&self.to_decimal(digits));
        }
        if !self.is_finite() {
            return f.write_str(&special(self.hi));
        }
        let (digits, exponent) = self.round_trip();
        f.write_str(&layout(self.hi < 0.0, &digits, exponent))
    }
}

impl Ball {
    /// `value ± radius` in decimal. The interval that is printed contains the ball: the radius is rounded up and covers what the printed
    /// value leaves out. A radius of 0 means that the printed value is exact.
    pub fn to_text(self) -> String {
        if self.is_whole() {
            return "0 ± inf".to_string();
        }
        let mid = Rational::from_sum(&[self.mid().hi, self.mid().lo]);
        let rad = Rational::from_f64(self.rad());
        let (top, radius_top) = (mid.digits(1).1, rad.digits(1).1);
        let count = if self.rad() == 0.0 { 40 } else { (top - radius_top + 4).clamp(4, 60) };
        let (digits, exponent) = mid.digits(count as usize);
        let value = layout(mid.negative, short(&digits, exponent), exponent);
        let exact = rational(&value).is_ok_and(|x| x.pair() == (self.mid(), 0.0));
        // The radius in units of 10^unit; half a unit of the last digit printed is 5 of the next.
        let (next, fine) = (exponent - count, radius_top - 4);
        let unit = if self.rad() == 0.0 || (!exact && next < fine) { next } else { fine };
        let (twice, lost) = rad.twice_scaled(-unit);
        let (units, odd) = twice.shifted_down(1);
        let left_out = Natural::new(if exact { 0 } else { 5 }).times_ten_to((next - unit).max(0) as u64);
        let mut units = units.times_plus(1, (lost || odd) as u32).plus(&left_out);
        let mut unit = unit;
        while units.bits() > 14 {
            let (tenth, rest) = units.divided(10);
            units = tenth.times_plus(1, (rest > 0) as u32);
            unit += 1;
        }
        let digits = units.decimal();
        let first = unit + digits.len() as i64 - 1;
        format!("{value} ± {}", layout(false, short(&digits, first), first))
    }
    /// Hexadecimal `value ± radius`, exact: [`Ball::parse`] reads the same ball back.
    pub fn to_hex(self) -> String {
        if self.is_whole() { "0x0p+0 ± inf".to_string() } else { format!("{} ± {}", self.mid().to_hex(), hexadecimal(self.rad())) }
    }
    /// The digits that are certain: every number of the ball, correctly rounded to as many significant digits, gives this text. A ball
    /// that decides no digit shows as in [`Ball::to_text`].
    pub fn certified(self) -> String {
        if !self.is_whole() {
            let (m, r) = (self.mid(), self.rad());
            let ends = [Rational::from_sum(&[m.hi, m.lo, -r]), Rational::from_sum(&[m.hi, m.lo, r])];
            let most = if r == 0.0 { 40.0 } else { self.digits() + 2.0 };
            for count in (1..=most as usize).rev() {
                let [low, high] = ends.each_ref().map(|end| (end.negative && !end.numerator.is_zero(), end.digits(count)));
                if low == high {
                    let (negative, (digits, exponent)) = low;
                    return layout(negative, if r == 0.0 { short(&digits, exponent) } else { &digits }, exponent);
                }
            }
        }
        self.to_text()
    }
    /// A ball around the real numbers that a text denotes: `value` or `value ± radius` (also written `+/-`), in decimal or hexadecimal
    /// notation. What the nearest double-double leaves out of the value is added to the radius; hexadecimal text is exact.
    ///
    /// # Errors
    /// Those of [`DoubleDouble::parse`]; also [`Error::Format`] for a negative radius.
    pub fn parse(text: &str) -> Result<Ball> {
        let (value, radius) = match text.split_once('±').or_else(|| text.split_once("+/-")) {
            Some((value, radius)) => (value, radius.trim()),
            None => (text, "0"),
        };
        let (mid, left) = pair(value)?;
        if radius == "inf" {
            return Ok(Ball::WHOLE);
        }
        let (radius, also) = pair(radius)?;
        if radius < DoubleDouble::ZERO {
            return Err(fault(text, "a radius that is not negative"));
        }
        let up = if radius.lo > 0.0 || also > 0.0 { radius.hi.next_up() } else { radius.hi };
        Ok(if left == 0.0 { Ball::new(mid, up) } else { Ball::new(mid, up).widen(left) })
    }
}

impl fmt::Display for Ball {
    /// [`Ball::to_text`].
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}
