//! Initial weights, drawn from a seeded stream of their own for every parameter.

use super::Parameter;
use crate::random::Rng;
use crate::scalar::Scalar;

/// A distribution to draw a parameter from. `fan_in` is the product of all axes but the first, `fan_out` the first times all axes beyond the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// One number throughout.
    Constant(f64),
    /// Gaussian of this standard deviation, mean 0. PyTorch's and timm's `trunc_normal_(std)` cuts at ±2 *absolute*, which at std 0.02 cuts nothing.
    Gaussian(f64),
    /// Uniform on ±bound.
    Uniform(f64),
    /// Uniform on `±√(6/fan_in)`: PyTorch's `kaiming_uniform_` with its default slope 0 (He et al., ICCV 2015). CRATE draws its dictionaries so.
    Kaiming,
    /// Uniform on `±1/√fan_in`: the weights of PyTorch's `Linear` and convolutions.
    Linear,
    /// Uniform on `±√(6/(fan_in + fan_out))` (Glorot and Bengio, AISTATS 2010).
    Xavier,
}

impl Initial {
    /// Fills a parameter. The stream depends on the seed and the name alone, so that the order of the parameters does not matter.
    pub fn fill<S: Scalar>(self, parameter: &mut Parameter<S>, name: &str, seed: u64) {
        let mut rng = Rng::stream(seed, name);
        let (fan_in, receptive) = (parameter.cols() as f64, parameter.shape().iter().skip(2).product::<usize>() as f64);
        let fan_out = parameter.rows() as f64 * receptive;
        let bound = match self {
            Initial::Constant(x) => return parameter.data_mut().fill(S::from_f64(x)),
            Initial::Gaussian(deviation) => {
                return parameter.data_mut().iter_mut().for_each(|x| *x = S::from_f64(deviation * rng.gaussian()));
            }
            Initial::Uniform(bound) => bound,
            Initial::Kaiming => (6.0 / fan_in).sqrt(),
            Initial::Linear => 1.0 / fan_in.sqrt(),
            Initial::Xavier => (6.0 / (fan_in + fan_out)).sqrt(),
        };
        parameter.data_mut().iter_mut().for_each(|x| *x = S::from_f64(bound * (2.0 * rng.uniform() - 1.0)));
    }
}
