//! The digits as the chapters use them.

use crate::Result;
use crate::data::{Digits, digits};
use crate::linalg::Matrix;
use crate::reduction::Membership;
use crate::reduction::optimum::{Constraint, feasible};
use std::rc::Rc;

/// Images as rows, with the digit that each shows.
#[derive(Clone, Debug)]
pub struct Samples {
    /// n × 64, pixels from 0 to 1, each a multiple of 1/16.
    pub x: Rc<Matrix<f64>>,
    /// The digit of each row.
    pub labels: Rc<[usize]>,
    /// The rows of each digit, in order.
    pub classes: Rc<[Vec<usize>]>,
    /// The same for the functions that take it.
    pub membership: Rc<Membership<f64>>,
}

impl Samples {
    /// The embedded data set.
    pub fn digits() -> Result<Samples> {
        let data = digits();
        let labels: Vec<usize> = data.labels.iter().map(|&l| usize::from(l)).collect();
        let classes = (0..10).map(|k| (0..labels.len()).filter(|&i| labels[i] == k).collect()).collect();
        let membership = Rc::new(Membership::labels(labels.clone(), 10)?);
        let x = Rc::new(Matrix::new(Digits::COUNT, Digits::PIXELS, data.unit())?);
        Ok(Samples { x, labels: labels.into(), classes, membership })
    }
    /// The rows with each scaled to length 1. Errors: `Domain` for a row of zeros.
    pub fn normalised(&self) -> Result<Matrix<f64>> {
        Ok(feasible(&self.x, Constraint::Rows, &self.membership)?.0)
    }
    /// Rows of `z` class by class.
    pub fn split(&self, z: &Matrix<f64>) -> Result<Vec<Matrix<f64>>> {
        self.classes.iter().map(|rows| z.select_rows(rows)).collect()
    }
}
