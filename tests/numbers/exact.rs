//! Exact arithmetic for the tests: integers, binary fractions, and the elementary functions by their defining power series in integers.
//! Written apart from the library on purpose, and as plainly as possible: it is slow, and it is the truth.

use std::cmp::Ordering;
use white_box::scalar::DoubleDouble;

/// A signed integer, magnitude least significant first without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Int {
    negative: bool,
    size: Vec<u64>,
}

impl Int {
    pub fn new(n: i64) -> Int {
        Int { negative: n < 0, size: vec![n.unsigned_abs()] }.trimmed()
    }
    fn trimmed(mut self) -> Int {
        while self.size.last() == Some(&0) {
            self.size.pop();
        }
        self.negative &= !self.size.is_empty();
        self
    }
    pub fn is_zero(&self) -> bool {
        self.size.is_empty()
    }
    pub fn neg(mut self) -> Int {
        self.negative = !self.negative;
        self.trimmed()
    }
    pub fn bits(&self) -> i64 {
        self.size.last().map_or(0, |top| 64 * self.size.len() as i64 - top.leading_zeros() as i64)
    }
    fn compare_size(&self, other: &Int) -> Ordering {
        self.size.len().cmp(&other.size.len()).then_with(|| self.size.iter().rev().cmp(other.size.iter().rev()))
    }
    pub fn add(&self, other: &Int) -> Int {
        if self.negative == other.negative {
            let mut size = Vec::new();
            let mut carry = 0u128;
            for i in 0..self.size.len().max(other.size.len()) {
                carry += *self.size.get(i).unwrap_or(&0) as u128 + *other.size.get(i).unwrap_or(&0) as u128;
                size.push(carry as u64);
                carry >>= 64;
            }
            size.push(carry as u64);
            return Int { negative: self.negative, size }.trimmed();
        }
        let (large, small) = if self.compare_size(other).is_ge() { (self, other) } else { (other, self) };
        let (mut size, mut borrow) = (Vec::new(), 0i128);
        for i in 0..large.size.len() {
            borrow += large.size[i] as i128 - *small.size.get(i).unwrap_or(&0) as i128;
            size.push(borrow as u64);
            borrow >>= 64;
        }
        Int { negative: large.negative, size }.trimmed()
    }
    pub fn sub(&self, other: &Int) -> Int {
        self.add(&other.clone().neg())
    }
    pub fn mul(&self, other: &Int) -> Int {
        let mut size = vec![0u64; self.size.len() + other.size.len()];
        for (i, &a) in self.size.iter().enumerate() {
            let mut carry = 0u128;
            for (j, &b) in other.size.iter().enumerate() {
                carry += size[i + j] as u128 + a as u128 * b as u128;
                size[i + j] = carry as u64;
                carry >>= 64;
            }
            size[i + other.size.len()] = carry as u64;
        }
        Int { negative: self.negative != other.negative, size }.trimmed()
    }
    /// The quotient by a small number, towards zero.
    pub fn div(mut self, by: u64) -> Int {
        let mut rest = 0u128;
        for digit in self.size.iter_mut().rev() {
            rest = rest << 64 | *digit as u128;
            *digit = (rest / by as u128) as u64;
            rest %= by as u128;
        }
        self.trimmed()
    }
    /// `self · 2ⁿ`, towards zero.
    pub fn shift(&self, n: i64) -> Int {
        let (whole, bits) = (n.div_euclid(64), n.rem_euclid(64));
        let digit = |i: i64| if i < 0 { 0 } else { *self.size.get(i as usize).unwrap_or(&0) };
        let length = (self.size.len() as i64 + whole + 1).max(0);
        let size = (0..length).map(|i| digit(i - whole) << bits | (digit(i - whole - 1) as u128 >> (64 - bits)) as u64).collect();
        Int { negative: self.negative, size }.trimmed()
    }
}

/// The binary fraction `n · 2^p`.
#[derive(Clone, Debug)]
pub struct Dyadic {
    pub n: Int,
    pub p: i64,
}

impl Dyadic {
    pub fn from_f64(x: f64) -> Dyadic {
        assert!(x.is_finite(), "{x} is not a number");
        let (bits, exponent) = (x.to_bits(), (x.to_bits() >> 52 & 0x7ff) as i64);
        let size = (bits & ((1 << 52) - 1) | ((exponent > 0) as u64) << 52) as i64;
        Dyadic { n: Int::new(if x < 0.0 { -size } else { size }), p: exponent.max(1) - 1075 }
    }
    pub fn from_pair(x: DoubleDouble) -> Dyadic {
        Dyadic::from_f64(x.hi()).add(&Dyadic::from_f64(x.lo()))
    }
    pub fn power(p: i64) -> Dyadic {
        Dyadic { n: Int::new(1), p }
    }
    pub fn neg(&self) -> Dyadic {
        Dyadic { n: self.n.clone().neg(), p: self.p }
    }
    pub fn add(&self, other: &Dyadic) -> Dyadic {
        let p = self.p.min(other.p);
        Dyadic { n: self.n.shift(self.p - p).add(&other.n.shift(other.p - p)), p }
    }
    pub fn sub(&self, other: &Dyadic) -> Dyadic {
        self.add(&other.neg())
    }
    pub fn mul(&self, other: &Dyadic) -> Dyadic {
        Dyadic { n: self.n.mul(&other.n), p: self.p + other.p }
    }
    pub fn abs(&self) -> Dyadic {
        if self.n.negative { self.neg() } else { self.clone() }
    }
    pub fn is_zero(&self) -> bool {
        self.n.is_zero()
    }
    pub fn cmp(&self, other: &Dyadic) -> Ordering {
        let d = self.sub(other).n;
        if d.is_zero() {
            Ordering::Equal
        } else if d.negative {
            Ordering::Less
        } else {
            Ordering::Greater
        }
    }
    pub fn le(&self, other: &Dyadic) -> bool {
        self.cmp(other).is_le()
    }
    /// The integer nearest below in size to `self · 2^bits`.
    fn fixed(&self, bits: i64) -> Int {
        self.n.shift(self.p + bits)
    }
    /// Roughly, for messages and worst cases.
    pub fn approx(&self) -> f64 {
        let drop = (self.n.bits() - 53).max(0);
        let top = self.n.shift(-drop).size.first().copied().unwrap_or(0) as f64;
        let (half, rest) = ((self.p + drop) / 2, self.p + drop - (self.p + drop) / 2);
        (if self.n.negative { -top } else { top }) * 2f64.powi(half as i32) * 2f64.powi(rest as i32)
    }
}

/// `Σ term`, where each term follows from the one before; ends when terms are 0. All in units of 2^−bits, each step wrong by a unit or two.
fn series(first: Int, mut next: impl FnMut(u64, Int) -> Int, mut part: impl FnMut(u64, &Int) -> Int) -> Int {
    let (mut term, mut sum, mut k) = (first.clone(), part(0, &first), 0);
    while !term.is_zero() {
        k += 1;
        term = next(k, term);
        sum = sum.add(&part(k, &term));
    }
    sum
}

/// `(Σ tⁿ/n!)^(2^h)` with t = x/2^h below 1/200 in size. The error is below 2^(h + 12 − bits) of the greater of 1 and the result.
pub fn exp(x: &Dyadic, bits: i64) -> Dyadic {
    let halvings = (x.n.bits() + x.p + 8).max(0);
    let t = Dyadic { n: x.n.clone(), p: x.p - halvings }.fixed(bits);
    let n = series(Int::new(1).shift(bits), |k, term| term.mul(&t).shift(-bits).div(k), |_, term| term.clone());
    let n = (0..halvings).fold(n, |n, _| n.mul(&n).shift(-bits));
    Dyadic { n, p: -bits }
}

/// `(sin x, cos x)` from the power series at x/2^halvings by the rule for twice the angle, which quadruples the error at most.
pub fn sin_cos(x: &Dyadic, halvings: i64, bits: i64) -> (Dyadic, Dyadic) {
    let x = Dyadic { n: x.n.clone(), p: x.p - halvings }.fixed(bits);
    let square = x.mul(&x).shift(-bits).neg();
    let power = |from: u64, first: Int| {
        series(first, |k, term| term.mul(&square).shift(-bits).div((2 * k + from) * (2 * k + from - 1)), |_, t| t.clone())
    };
    let (mut sin, mut cos) = (power(1, x.clone()), power(0, Int::new(1).shift(bits)));
    for _ in 0..halvings {
        let product = sin.mul(&cos).shift(1 - bits);
        cos = Int::new(1).shift(bits).sub(&sin.mul(&sin).shift(1 - bits));
        sin = product;
    }
    (Dyadic { n: sin, p: -bits }, Dyadic { n: cos, p: -bits })
}

/// `Σ (−1)ⁿ x^(2n+1) / (n! (2n+1))`, which is √π/2 erf x.
pub fn erf_sum(x: &Dyadic, bits: i64) -> Dyadic {
    let x = x.fixed(bits);
    let square = x.mul(&x).shift(-bits).neg();
    let n = series(x, |k, term| term.mul(&square).shift(-bits).div(k), |k, term| term.clone().div(2 * k + 1));
    Dyadic { n, p: -bits }
}

/// π = 48 arctan 1/18 + 32 arctan 1/57 − 20 arctan 1/239 (Gauss; not the formula of the library).
pub fn pi(bits: i64) -> Dyadic {
    let arctan = |m: u64| {
        let first = Int::new(1).shift(bits).div(m);
        series(first, |_, term| term.div(m * m).neg(), |k, term| term.clone().div(2 * k + 1))
    };
    let n = arctan(18).mul(&Int::new(48)).add(&arctan(57).mul(&Int::new(32))).sub(&arctan(239).mul(&Int::new(20)));
    Dyadic { n, p: -bits }
}

/// The square root to `bits` bits behind the point, bit by bit.
pub fn sqrt(x: &Dyadic, bits: i64) -> Dyadic {
    let x = x.fixed(2 * bits);
    let mut root = Int::new(0);
    for bit in (0..=(x.bits() + 1) / 2).rev() {
        let trial = root.add(&Int::new(1).shift(bit));
        if trial.mul(&trial).compare_size(&x).is_le() {
            root = trial;
        }
    }
    Dyadic { n: root, p: -bits }
}

/// The nearest of the numbers that `to` and the neighbours of its result name, ties to the even mantissa.
pub fn nearest_f64(x: &Dyadic) -> f64 {
    let start = x.approx();
    let candidates = [start.next_down().next_down(), start.next_down(), start, start.next_up(), start.next_up().next_up()];
    nearest(x, &candidates, |c| c.to_bits() & 1 == 0)
}
pub fn nearest_f32(x: &Dyadic) -> f32 {
    let start = x.approx() as f32;
    let candidates = [start.next_down(), start, start.next_up()].map(|c| c as f64);
    nearest(x, &candidates, |c| (c as f32).to_bits() & 1 == 0) as f32
}
fn nearest(x: &Dyadic, candidates: &[f64], even: impl Fn(f64) -> bool) -> f64 {
    let distance = |c: f64| x.sub(&Dyadic::from_f64(c)).abs();
    candidates
        .iter()
        .copied()
        .reduce(|a, b| match distance(a).cmp(&distance(b)) {
            Ordering::Less => a,
            Ordering::Greater => b,
            Ordering::Equal => {
                if even(a) {
                    a
                } else {
                    b
                }
            }
        })
        .unwrap()
}
