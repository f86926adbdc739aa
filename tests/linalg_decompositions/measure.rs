//! Measuring: residuals in ball arithmetic, so that the measurement adds nothing, and bounds that can be too loose as well as too tight.

use white_box::linalg::Matrix;
use white_box::scalar::{Ball, Scalar};

/// An upper bound of `‖A‖_F`, by way of the largest element.
pub fn norm<S: Scalar>(a: &Matrix<S>) -> f64 {
    let a: Matrix<Ball> = a.cast();
    let largest = a.data().iter().map(|x| x.magnitude()).fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    a.data().iter().map(|x| (x.magnitude() / largest).powi(2)).sum::<f64>().sqrt() * largest
}
/// `‖A − B‖_F`.
pub fn distance<S: Scalar, T: Scalar>(a: &Matrix<S>, b: &Matrix<T>) -> f64 {
    norm(&a.cast::<Ball>().sub(&b.cast()).unwrap())
}
/// `‖A B − C‖_F`, the product without rounding.
pub fn residual<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>, c: &Matrix<S>) -> f64 {
    norm(&a.cast::<Ball>().matmul(&b.cast()).unwrap().sub(&c.cast()).unwrap())
}
/// `‖QᵀQ − I‖_F`.
pub fn defect<S: Scalar>(q: &Matrix<S>) -> f64 {
    let gram = q.cast::<Ball>().gram_cols();
    norm(&gram.sub(&Matrix::identity(gram.rows())).unwrap())
}

/// The worst ratio of a measured error to its bound.
pub struct Worst {
    what: &'static str,
    ratio: f64,
}
impl Worst {
    pub fn of(what: &'static str) -> Worst {
        Worst { what, ratio: 0.0 }
    }
    pub fn see(&mut self, error: f64, bound: f64, at: impl std::fmt::Debug) {
        assert!(error <= bound, "{}: {error:.3e} above the bound {bound:.3e} at {at:?}", self.what);
        if error > 0.0 && error / bound > self.ratio {
            self.ratio = error / bound;
        }
    }
    /// A bound that nothing comes within `slack` of would not notice a fault.
    pub fn check(&self, slack: f64) {
        println!("{}: worst error / bound = {:.3}", self.what, self.ratio);
        assert!(self.ratio * slack >= 1.0, "{}: no error comes closer to its bound than {:.2e} of it", self.what, self.ratio);
    }
}

/// Two balls around the same number.
pub fn assert_overlap(a: &Matrix<Ball>, b: &Matrix<Ball>, what: &str) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    for (i, (x, y)) in a.data().iter().zip(b.data()).enumerate() {
        assert!(x.overlaps(y), "{what}: element {i}: {x:?} and {y:?}");
    }
}
