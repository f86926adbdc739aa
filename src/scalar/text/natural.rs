//! Natural numbers of any size, with just the operations that exact conversion between binary and decimal needs.

use std::cmp::Ordering;

/// A natural number in digits of 32 bits, least significant first, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Natural(Vec<u32>);

impl Natural {
    pub fn new(n: u64) -> Natural {
        Natural(vec![n as u32, (n >> 32) as u32]).trimmed()
    }
    fn trimmed(mut self) -> Natural {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
    /// Number of bits; 0 for zero.
    pub fn bits(&self) -> i64 {
        self.0.last().map_or(0, |top| 32 * self.0.len() as i64 - top.leading_zeros() as i64)
    }
    /// `self · factor + term`.
    pub fn times_plus(mut self, factor: u32, term: u32) -> Natural {
        let mut carry = term as u64;
        for digit in &mut self.0 {
            carry += *digit as u64 * factor as u64;
            *digit = carry as u32;
            carry >>= 32;
        }
        self.0.push(carry as u32);
        self.trimmed()
    }
    /// `self · 10ⁿ`.
    pub fn times_ten_to(self, n: u64) -> Natural {
        let whole = (0..n / 9).fold(self, |x, _| x.times_plus(1_000_000_000, 0));
        (0..n % 9).fold(whole, |x, _| x.times_plus(10, 0))
    }
    /// `self · factor`.
    pub fn times(&self, factor: u64) -> Natural {
        let high = self.clone().times_plus((factor >> 32) as u32, 0).shifted_up(32);
        high.plus(&self.clone().times_plus(factor as u32, 0))
    }
    pub fn plus(&self, other: &Natural) -> Natural {
        let (long, short) = if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let (mut sum, mut carry) = (Vec::with_capacity(long.0.len() + 1), 0u64);
        for (i, digit) in long.0.iter().enumerate() {
            carry += *digit as u64 + short.0.get(i).copied().unwrap_or(0) as u64;
            sum.push(carry as u32);
            carry >>= 32;
        }
        sum.push(carry as u32);
        Natural(sum).trimmed()
    }
    /// `self − other`, which must not be negative.
    pub fn minus(mut self, other: &Natural) -> Natural {
        let mut borrow = false;
        for i in 0..self.0.len() {
            let (part, first) = self.0[i].overflowing_sub(other.0.get(i).copied().unwrap_or(0));
            let (part, second) = part.overflowing_sub(borrow as u32);
            self.0[i] = part;
            borrow = first | second;
        }
        self.trimmed()
    }
    /// `self · 2ⁿ`.
    pub fn shifted_up(&self, n: u64) -> Natural {
        let (whole, shift) = ((n / 32) as usize, n % 32);
        let mut digits = vec![0; whole];
        let mut carry = 0u64;
        for digit in &self.0 {
            carry |= (*digit as u64) << shift;
            digits.push(carry as u32);
            carry >>= 32;
        }
        digits.push(carry as u32);
        Natural(digits).trimmed()
    }
    /// `⌊self / 2ⁿ⌋`, and whether bits were lost.
    pub fn shifted_down(&self, n: u64) -> (Natural, bool) {
        let (whole, shift) = ((n / 32) as usize, n % 32);
        if whole >= self.0.len() {
            return (Natural(vec![]), !self.is_zero());
        }
        let lost = self.0[..whole].iter().any(|&digit| digit != 0) || self.0[whole] as u64 & ((1 << shift) - 1) != 0;
        let digit = |i: usize| self.0.get(i).copied().unwrap_or(0) as u64;
        let digits = (whole..self.0.len()).map(|i| ((digit(i) | digit(i + 1) << 32) >> shift) as u32).collect();
        (Natural(digits).trimmed(), lost)
    }
    /// Quotient and remainder by a small number.
    pub fn divided(mut self, by: u32) -> (Natural, u32) {
        let mut remainder = 0u64;
        for digit in self.0.iter_mut().rev() {
            remainder = remainder << 32 | *digit as u64;
            *digit = (remainder / by as u64) as u32;
            remainder %= by as u64;
        }
        (self.trimmed(), remainder as u32)
    }
    /// `⌊self / 10ⁿ⌋`, and whether a remainder was lost.
    pub fn divided_by_ten_to(self, n: u64) -> (Natural, bool) {
        let steps = std::iter::repeat_n(1_000_000_000, (n / 9) as usize).chain(std::iter::repeat_n(10, (n % 9) as usize));
        steps.fold((self, false), |(x, lost), by| {
            let (quotient, remainder) = x.divided(by);
            (quotient, lost | (remainder != 0))
        })
    }
    /// `⌊self / other⌋` where that is below 2⁶⁴, and whether a remainder was lost.
    pub fn quotient(mut self, other: &Natural) -> (u64, bool) {
        let mut q = 0;
        for bit in (0..64).rev() {
            if self.bits() < other.bits() + bit {
                continue;
            }
            let trial = other.shifted_up(bit as u64);
            if self >= trial {
                self = self.minus(&trial);
                q |= 1 << bit;
            }
        }
        (q, !self.is_zero())
    }
    /// The lowest 64 bits.
    pub fn low(&self) -> u64 {
        self.0.iter().take(2).rev().fold(0, |n, &digit| n << 32 | digit as u64)
    }
    /// The decimal digits; none for zero.
    pub fn decimal(self) -> String {
        let mut groups = vec![];
        let mut rest = self;
        while !rest.is_zero() {
            let (quotient, group) = rest.divided(1_000_000_000);
            groups.push(group);
            rest = quotient;
        }
        let mut text = groups.pop().map_or(String::new(), |group| group.to_string());
        groups.iter().rev().for_each(|group| text.push_str(&format!("{group:09}")));
        text
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Natural) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Natural {
    fn cmp(&self, other: &Natural) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}
