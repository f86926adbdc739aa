//! Rows of length 1: what is left of a sample when its length does not count.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// Each row divided by its length, and the lengths. Errors: `Domain` (`ZeroRow`) for a row of length 0, which has no direction (official codes clamp its norm at 1e−8 or return NaN); `Undecided` where a ball cannot tell.
pub fn unit_rows<S: Scalar>(z: &Matrix<S>) -> Result<(Matrix<S>, Vec<S>)> {
    let (mut unit, mut lengths) = (z.clone(), Vec::with_capacity(z.rows()));
    for i in 0..z.rows() {
        let length = S::dot(z.row(i), z.row(i)).sqrt();
        match length.sign() {
            Some(Ordering::Greater) if length.is_finite() => {}
            Some(Ordering::Equal) => {
                return Err(
                    Error::domain(format!("row {i}"), "a length above 0", "a row of zeros, which has no direction").named("ZeroRow")
                );
            }
            None => return Err(Error::undecided(format!("row {i}"), "a length that is surely not 0", format!("{:?}", length.to_ball()))),
            _ => return Err(Error::not_finite(format!("row {i}"), "a finite length", length.value().to_string())),
        }
        unit.row_mut(i).iter_mut().for_each(|x| *x /= length);
        lengths.push(length);
    }
    Ok((unit, lengths))
}

/// The gradient of [`unit_rows`] from its results: `z̄ = (ū − u⟨u, ū⟩)/‖z‖`, row by row.
pub fn unit_rows_vjp<S: Scalar>(unit: &Matrix<S>, lengths: &[S], u_bar: &Matrix<S>) -> Result<Matrix<S>> {
    let mut z_bar = u_bar.clone();
    for (i, &length) in lengths.iter().enumerate() {
        let radial = S::dot(unit.row(i), u_bar.row(i));
        for (z, &u) in z_bar.row_mut(i).iter_mut().zip(unit.row(i)) {
            *z = (*z - radial * u) / length;
        }
    }
    Ok(z_bar)
}
