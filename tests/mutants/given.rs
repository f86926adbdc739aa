//! What a mutant is given, in plain f64.

use white_box::linalg::Matrix;
use white_box::oracle::check::Asked;
use white_box::oracle::{Case, Entry, Tensor, Value, Values};
use white_box::scalar::{Ball, Scalar};

pub type M = Matrix<f64>;

/// A question to an operator.
pub struct Given<'a> {
    pub case: &'a Case,
    asked: Asked<'a>,
}

impl<'a> Given<'a> {
    pub fn new(entry: &'a dyn Entry, case: &'a Case) -> Given<'a> {
        Given { case, asked: Asked::new(entry, case) }
    }
    pub fn has(&self, name: &str) -> bool {
        self.case.inputs.get(name).is_some()
    }
    /// An input as a matrix.
    pub fn m(&self, name: &str) -> M {
        self.case.inputs.matrix(name).unwrap().cast()
    }
    /// The last axis of an input of one axis.
    pub fn v(&self, name: &str) -> Vec<f64> {
        self.case.inputs.real(name).unwrap().data.iter().map(|x| x.mid().hi()).collect()
    }
    pub fn bias(&self, name: &str) -> Option<Vec<f64>> {
        self.has(name).then(|| self.v(name))
    }
    /// The matrices of an input of three axes.
    pub fn ms(&self, name: &str) -> Vec<M> {
        let t = self.case.inputs.real(name).unwrap();
        let (r, c) = (t.shape[1], t.shape[2]);
        t.data.chunks(r * c).map(|b| Matrix::new(r, c, b.to_vec()).unwrap().cast()).collect()
    }
    pub fn labels(&self, name: &str) -> Option<Vec<usize>> {
        match self.case.inputs.get(name) {
            Some(Value::Int(t)) => Some(t.data.iter().map(|&l| l as usize).collect()),
            _ => None,
        }
    }
    /// A parameter, given or default.
    pub fn p(&self, name: &str) -> f64 {
        self.asked.param(name).unwrap_or_else(|| panic!("no parameter {name}"))
    }
    pub fn eps2(&self) -> f64 {
        self.asked.eps2().unwrap()
    }
    /// ε, whichever of the two was given.
    pub fn eps(&self) -> f64 {
        self.eps2().sqrt()
    }
}

pub fn scalar(name: &str, x: f64) -> Values<Ball> {
    Values::new().with(name, Ball::exact(x))
}
pub fn value(x: f64) -> Option<Values<Ball>> {
    Some(scalar("value", x))
}
pub fn matrix(name: &str, m: &M) -> Option<Values<Ball>> {
    Some(Values::new().with(name, m.cast::<Ball>()))
}
pub fn y(m: M) -> Option<Values<Ball>> {
    matrix("y", &m)
}
/// Every real through `f`.
pub fn each(v: &Values<Ball>, f: impl Fn(f64) -> f64) -> Values<Ball> {
    v.map(|x| Ball::exact(f(x.mid().hi())))
}
pub fn tensor(shape: &[usize], data: Vec<f64>) -> Tensor<Ball> {
    Tensor::new(shape.to_vec(), data.into_iter().map(Ball::exact).collect()).unwrap()
}
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    <f64 as white_box::scalar::Bulk>::dot(x, y)
}
/// `½ log det(I + αG)` on the smaller side.
pub fn rate(z: &M, alpha: f64) -> f64 {
    let gram = if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() };
    0.5 * white_box::linalg::log_det_i_plus(&gram.scale(alpha)).unwrap_or(f64::NAN)
}
pub fn centred(z: &M) -> M {
    let mean: Vec<f64> = (0..z.cols()).map(|j| z.col(j).iter().sum::<f64>() / z.rows() as f64).collect();
    Matrix::from_fn(z.rows(), z.cols(), |i, j| z[(i, j)] - mean[j])
}
pub fn unit_rows(z: &M) -> M {
    Matrix::from_fn(z.rows(), z.cols(), |i, j| {
        let length = dot(z.row(i), z.row(i)).sqrt();
        if length > 0.0 { z[(i, j)] / length } else { 0.0 }
    })
}
pub fn ln(x: f64) -> f64 {
    Scalar::ln(x)
}
