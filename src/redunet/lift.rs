//! Lifting: a bank of short kernels and a nonlinearity turn one channel into many, so that classes of shifts become separable.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// On which side of a place the kernel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// `y(t) = Σ_s k(s) x(t − s)`, as in the monograph.
    Convolution,
    /// `y(t) = Σ_s k(s) x(t + s)`, as the official code computes it.
    Correlation,
}

/// The nonlinearity behind the kernels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation<S> {
    /// None. Then all shifts of all classes stay in the same T-dimensional space, whatever the number of kernels.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `sgn(x) max(|x| − τ, 0)`.
    SoftThreshold(S),
}

/// `y[c](t) = f(Σ_{c'} Σ_s k[c, c'](s) x[c'](t ± s))`, indices modulo the size of the signal; in two dimensions t and s are pairs.
///
/// A shift of x by a multiple of the stride shifts y. Kernels longer than the signal wrap around.
/// Source: Chan et al., JMLR 2022, §4 (lifting and sparse coding); Li and Bresler, 2018, for short kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Lift<S> {
    /// Row c: the kernel from all input channels to channel c, `C_in · a · b` numbers.
    pub kernels: Matrix<S>,
    /// `C_in, H, W` of the signals; H = 1 in one dimension.
    pub signal: [usize; 3],
    /// `a, b` of the kernels.
    pub extent: [usize; 2],
    /// Every how many places an output stands, down and across.
    pub stride: [usize; 2],
    /// Which side.
    pub orientation: Orientation,
    /// The nonlinearity.
    pub activation: Activation<S>,
}

/// The gradient with respect to signals and kernels.
#[derive(Clone, Debug)]
pub struct LiftGradient<S> {
    /// In the signals.
    pub x: Matrix<S>,
    /// In the kernels.
    pub kernels: Matrix<S>,
    /// In the threshold; 0 without one.
    pub threshold: S,
}

impl<S: Scalar> Lift<S> {
    /// Height and width of the output: `⌈H/stride⌉ × ⌈W/stride⌉`.
    pub fn output(&self) -> [usize; 2] {
        [self.signal[1].div_ceil(self.stride[0].max(1)), self.signal[2].div_ceil(self.stride[1].max(1))]
    }
    fn check(&self, x: &Matrix<S>) -> Result<()> {
        let ([c, h, w], [a, b]) = (self.signal, self.extent);
        if [c, h, w, a, b, self.stride[0], self.stride[1]].contains(&0) || x.rows() == 0 {
            let found = format!("{x:?} as {c} × {h} × {w}, kernels {a} × {b}, stride {:?}", self.stride);
            return Err(Error::shape("signal", "at least one of everything", found).named("EmptyInput"));
        }
        if x.cols() != c * h * w || self.kernels.cols() != c * a * b || self.kernels.rows() == 0 {
            let expected = format!("signals n × {} and kernels C × {}", c * h * w, c * a * b);
            return Err(Error::shape("signal", expected, format!("{x:?} and {:?}", self.kernels)).named("ShapeMismatch"));
        }
        if let Activation::SoftThreshold(t) = self.activation
            && t.sign() == Some(std::cmp::Ordering::Less)
        {
            return Err(Error::domain("threshold", "a number from 0 on", t.value().to_string()));
        }
        x.check_finite("signal")
    }
    /// For each place of the output and each number of a kernel the place in the signal that it meets.
    fn places(&self) -> Vec<usize> {
        let ([c, h, w], [a, b], [oh, ow]) = (self.signal, self.extent, self.output());
        let meet = |t: usize, s: usize, size: usize| match self.orientation {
            Orientation::Correlation => (t + s) % size,
            Orientation::Convolution => (t + (size - s % size)) % size,
        };
        let mut out = Vec::with_capacity(oh * ow * c * a * b);
        for place in 0..oh * ow {
            let (i, j) = (place / ow * self.stride[0], place % ow * self.stride[1]);
            for k in 0..c * a * b {
                out.push((k / (a * b) * h + meet(i, k / b % a, h)) * w + meet(j, k % b, w));
            }
        }
        out
    }
    /// What comes before the nonlinearity for one signal: kernels × places.
    fn linear(&self, x: &[S], places: &[usize]) -> Result<Matrix<S>> {
        let width = self.kernels.cols();
        let patches = Matrix::new(places.len() / width, width, places.iter().map(|&p| x[p]).collect())?;
        self.kernels.matmul_t(&patches)
    }
    /// The lifted signals, n × C·H'·W', channel after channel. `2 C C_in a b H' W'` flops a signal. Errors: `Shape` for what does not fit or is empty, `Domain` for a threshold below 0, `NotFinite`.
    pub fn forward(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.check(x)?;
        let places = self.places();
        let mut data = Vec::new();
        for i in 0..x.rows() {
            let y = self.linear(x.row(i), &places)?;
            data.extend(y.into_data().into_iter().map(|y| match self.activation {
                Activation::Identity => y,
                Activation::Relu => y.relu(),
                Activation::SoftThreshold(t) => y.soft_threshold(t),
            }));
        }
        Matrix::new(x.rows(), data.len() / x.rows(), data)
    }
    /// The gradient for the cotangent of the lifted signals: with `ḡ = f'(y) ȳ`, `k̄ = ḡ Pᵀ` over the patches P, and each patch gives `kᵀḡ` back to its places. `τ̄ = −Σ sgn(y) ȳ` where `|y| > τ`.
    pub fn backward(&self, x: &Matrix<S>, y_bar: &Matrix<S>) -> Result<LiftGradient<S>> {
        self.check(x)?;
        let (places, width, [oh, ow]) = (self.places(), self.kernels.cols(), self.output());
        let zero = Matrix::zeros(self.kernels.rows(), width);
        let mut out = LiftGradient { x: Matrix::zeros(x.rows(), x.cols()), kernels: zero, threshold: S::ZERO };
        if y_bar.shape() != [x.rows(), self.kernels.rows() * oh * ow] {
            return Err(Error::shape("cotangent", format!("{} × {}", x.rows(), self.kernels.rows() * oh * ow), format!("{y_bar:?}")));
        }
        for i in 0..x.rows() {
            let y = self.linear(x.row(i), &places)?;
            let mut g = Matrix::new(self.kernels.rows(), oh * ow, y_bar.row(i).to_vec())?;
            for (g, &y) in g.data_mut().iter_mut().zip(y.data()) {
                let beyond = match self.activation {
                    Activation::Identity => continue,
                    Activation::Relu => y.relu(),
                    Activation::SoftThreshold(t) => y.soft_threshold(t),
                };
                match (beyond.sign(), self.activation) {
                    (Some(std::cmp::Ordering::Equal), _) => *g = S::ZERO,
                    (Some(sign), Activation::SoftThreshold(_)) => {
                        out.threshold += if sign == std::cmp::Ordering::Greater { -*g } else { *g };
                    }
                    (None, _) => return Err(Error::undecided("lift", "a side of the kink", format!("{:?}", y.to_ball()))),
                    _ => {}
                }
            }
            let patches = Matrix::new(oh * ow, width, places.iter().map(|&p| x[(i, p)]).collect())?;
            out.kernels = out.kernels.add(&g.matmul(&patches)?)?;
            let back = g.t_matmul(&self.kernels)?;
            for (&p, &b) in places.iter().zip(back.data()) {
                out.x[(i, p)] += b;
            }
        }
        Ok(out)
    }
}
