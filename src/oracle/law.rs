//! Laws and closed forms: what must hold of *an implementation*, ours or a stranger's.
//!
//! A law is written in balls. Run on this crate's own certified evaluation, "equal" is overlap and "at most" is not surely greater: no
//! tolerance enters. Run on a stranger's results, which arrive as points, the allowed difference is that of [`super::tolerance`].

use super::case::Case;
use super::value::Values;
use crate::Result;
use crate::scalar::Ball;

/// Something that answers an operator's cases.
pub trait Implementation {
    /// The outputs.
    fn eval(&self, case: &Case) -> Result<Values<Ball>>;
    /// The gradients.
    fn vjp(&self, case: &Case, cotangents: &Values<Ball>) -> Result<Values<Ball>>;
}

/// How the two sides relate, element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// left = right.
    Equal,
    /// left ≤ right.
    AtMost,
}

/// The two sides of a law.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    /// The left side.
    pub left: Vec<Ball>,
    /// The right side.
    pub right: Vec<Ball>,
}

impl Sides {
    /// Two numbers.
    pub fn of(left: Ball, right: Ball) -> Sides {
        Sides { left: vec![left], right: vec![right] }
    }
    /// Two arrays.
    pub fn all(left: impl Into<Vec<Ball>>, right: impl Into<Vec<Ball>>) -> Sides {
        Sides { left: left.into(), right: right.into() }
    }
}

/// A law: a name such as `coding_rate/feature_rotation`, its statement with its exact conditions, and both sides as a function.
#[derive(Clone, Copy)]
pub struct Law {
    /// `operator/law`.
    pub name: &'static str,
    /// What holds, and when.
    pub statement: &'static str,
    /// Equal, or at most.
    pub relation: Relation,
    /// Both sides on a case; `None` where the law says nothing of it.
    pub sides: fn(&dyn Implementation, &Case) -> Result<Option<Sides>>,
}

impl Law {
    /// left = right.
    pub const fn equal(name: &'static str, statement: &'static str, sides: fn(&dyn Implementation, &Case) -> Result<Option<Sides>>) -> Law {
        Law { name, statement, relation: Relation::Equal, sides }
    }
    /// left ≤ right.
    pub const fn at_most(
        name: &'static str,
        statement: &'static str,
        sides: fn(&dyn Implementation, &Case) -> Result<Option<Sides>>,
    ) -> Law {
        Law { name, statement, relation: Relation::AtMost, sides }
    }
    /// The largest violation beyond the enclosures, and the largest magnitude on either side: both 0 where the law says nothing.
    pub fn violation(&self, f: &dyn Implementation, case: &Case) -> Result<Option<Violation>> {
        let Some(sides) = (self.sides)(f, case)? else { return Ok(None) };
        let mut worst = Violation { excess: 0.0, scale: 0.0, radius: 0.0, at: 0 };
        if sides.left.len() != sides.right.len() {
            worst.excess = f64::INFINITY;
        }
        for (k, (&l, &r)) in sides.left.iter().zip(&sides.right).enumerate() {
            let difference = l - r;
            let excess = match self.relation {
                Relation::Equal => difference.mignitude(),
                Relation::AtMost => difference.lower().max(0.0),
            };
            if excess > worst.excess || excess.is_nan() {
                worst.excess = if excess.is_nan() { f64::INFINITY } else { excess };
                worst.at = k;
            }
            worst.scale = worst.scale.max(l.magnitude()).max(r.magnitude());
            worst.radius = worst.radius.max(difference.rad());
        }
        Ok(Some(worst))
    }
}

/// How far a law is from holding.
#[derive(Clone, Copy, Debug)]
pub struct Violation {
    /// The largest difference that the enclosures do not explain.
    pub excess: f64,
    /// The largest magnitude on either side.
    pub scale: f64,
    /// The largest radius of a difference.
    pub radius: f64,
    /// The element.
    pub at: usize,
}

/// A case whose result is known in closed form.
#[derive(Clone, Debug)]
pub struct Closed {
    /// What is special about it.
    pub name: &'static str,
    /// The question.
    pub case: Case,
    /// The known outputs (any subset).
    pub outputs: Values<Ball>,
    /// Cotangents and the known gradients (any subset).
    pub gradients: Option<(Values<Ball>, Values<Ball>)>,
}

impl Closed {
    /// A case and its outputs.
    pub fn new(name: &'static str, case: Case, outputs: Values<Ball>) -> Closed {
        Closed { name, case, outputs, gradients: None }
    }
    /// With known gradients for the given cotangents.
    pub fn gradient(mut self, cotangents: Values<Ball>, gradients: Values<Ball>) -> Closed {
        self.gradients = Some((cotangents, gradients));
        self
    }
}

/// A decimal constant of a source as a ball of one unit in its last digit. The text is a literal of this crate.
pub fn digits(text: &str) -> Ball {
    let unit = match (text.find('.'), text.find('e')) {
        (Some(dot), e) => {
            let places = e.unwrap_or(text.len()) - dot - 1;
            let exponent: i32 = e.map_or(0, |e| text[e + 1..].parse().unwrap_or(0));
            Ball::exact(10.0).recip_power(places as i32 - exponent)
        }
        (None, _) => 0.0,
    };
    match crate::scalar::DoubleDouble::parse(text) {
        Ok(x) => Ball::new(x, 0.0).widen(unit),
        Err(_) => Ball::WHOLE,
    }
}

impl Ball {
    /// An f64 that is at least `selfⁿ` to the power −1.
    fn recip_power(self, n: i32) -> f64 {
        crate::scalar::Scalar::powi(self, -n).magnitude()
    }
}
