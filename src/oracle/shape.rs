//! Shape patterns: `"n d"`, `"h*p d"`, `"n+1"`; their binding to the sizes found.

use crate::{Error, Result};

/// The sizes that symbols stand for, in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes(Vec<(&'static str, usize)>);

impl Sizes {
    /// The size of a symbol.
    pub fn get(&self, symbol: &str) -> Option<usize> {
        self.0.iter().find(|(s, _)| *s == symbol).map(|&(_, n)| n)
    }
    /// Gives a symbol its size, unless it has one.
    pub fn bind(&mut self, symbol: &'static str, size: usize) {
        if self.get(symbol).is_none() {
            self.0.push((symbol, size));
        }
    }
    /// Symbols and sizes.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().copied()
    }
    /// The greatest size, at least 1.
    pub fn greatest(&self) -> usize {
        self.0.iter().map(|&(_, n)| n).fold(1, Ord::max)
    }
    /// The size of one axis pattern, if its symbols are known.
    pub fn axis(&self, pattern: &str) -> Option<usize> {
        pattern.split('+').try_fold(0usize, |sum, term| {
            let product =
                term.split('*').try_fold(1usize, |p, f| f.parse().ok().or_else(|| self.get(f)).and_then(|n: usize| p.checked_mul(n)))?;
            sum.checked_add(product)
        })
    }
    /// Holds a shape against its pattern and binds the symbols it shows. Errors: `Shape`, in the words of the pattern.
    pub fn unify(&mut self, name: &str, pattern: &'static str, shape: &[usize]) -> Result<()> {
        let wrong = |sizes: &Sizes| {
            let known: Vec<String> =
                axes(pattern).filter_map(|a| sizes.axis(a).filter(|_| a.parse::<usize>().is_err()).map(|n| format!("{a} = {n}"))).collect();
            let known = if known.is_empty() { String::new() } else { format!(" with {}", known.join(", ")) };
            Error::shape(name, format!("{}{known}", words(pattern)), found(shape))
        };
        if pattern == ANY {
            return Ok(());
        }
        if shape.len() != axes(pattern).count() {
            return Err(wrong(self));
        }
        for (axis, &size) in axes(pattern).zip(shape) {
            if let Some((symbol, value)) = self.solve(axis, size) {
                self.bind(symbol, value);
            }
        }
        if axes(pattern).zip(shape).all(|(axis, &size)| self.axis(axis) == Some(size)) { Ok(()) } else { Err(wrong(self)) }
    }
    /// The one unknown symbol of a plain symbol or a product, and the value that makes the axis come out.
    fn solve(&self, axis: &'static str, size: usize) -> Option<(&'static str, usize)> {
        if axis.contains('+') {
            let (symbol, rest) = axis.split_once('+')?;
            return (self.get(symbol).is_none() && symbol.parse::<usize>().is_err())
                .then_some((symbol, size.checked_sub(self.axis(rest)?)?));
        }
        let unknown: Vec<&'static str> = axis.split('*').filter(|f| f.parse::<usize>().is_err() && self.get(f).is_none()).collect();
        let known = axis
            .split('*')
            .filter(|f| !unknown.contains(f))
            .try_fold(1usize, |p, f| f.parse().ok().or_else(|| self.get(f)).map(|n: usize| p * n))?;
        match unknown[..] {
            [symbol] if known > 0 && size.is_multiple_of(known) => Some((symbol, size / known)),
            _ => None,
        }
    }
}

/// The pattern of an operator that works element by element: any shape.
pub const ANY: &str = "…";

/// How many axes a pattern has, of a value with `have` axes.
pub fn rank(pattern: &'static str, have: usize) -> usize {
    if pattern == ANY { have } else { axes(pattern).count() }
}

/// The axes of a pattern.
pub fn axes(pattern: &'static str) -> impl DoubleEndedIterator<Item = &'static str> + Clone {
    pattern.split_whitespace()
}

/// The symbols of a pattern, without numbers.
pub fn symbols(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    pattern.split([' ', '*', '+']).filter(|s| !s.is_empty() && *s != ANY && s.parse::<usize>().is_err())
}

/// `n × d`, or `one number`.
pub fn words(pattern: &str) -> String {
    if pattern == ANY {
        return "any shape".into();
    }
    if pattern.is_empty() { "one number".into() } else { pattern.split_whitespace().collect::<Vec<_>>().join(" × ") }
}

/// `3 × 2`, or `one number`.
pub fn found(shape: &[usize]) -> String {
    if shape.is_empty() { "one number".into() } else { shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ") }
}
