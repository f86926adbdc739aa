//! The distortion a description may have.

use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// The allowed distortion, as a length ε or as its square. Half the confusion of the field is one read as the other; here it cannot be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distortion<S> {
    /// ε, a length: the root mean square error of a sample is at most ε.
    Eps(S),
    /// ε².
    Eps2(S),
}

impl<S: Scalar> Distortion<S> {
    /// ε². Errors: `Domain` unless it is finite and above 0.
    pub fn squared(self) -> Result<S> {
        let (name, given, squared) = match self {
            Distortion::Eps(e) => ("eps", e, e.square()),
            Distortion::Eps2(e2) => ("eps2", e2, e2),
        };
        if given.sign() == Some(Ordering::Greater) && squared.sign() == Some(Ordering::Greater) && squared.is_finite() {
            Ok(squared)
        } else {
            Err(Error::domain(name, "a finite number above 0, its square too", given.value().to_string()).named("InvalidDistortion"))
        }
    }
}
