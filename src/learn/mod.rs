//! What any trained model needs: linear maps, normalisation, activations, losses.

mod activation;
mod cross_entropy;
mod layer_norm;
mod linear;
mod softmax;

pub use activation::{gelu, gelu_derivative, gelu_tanh, gelu_tanh_derivative, relu_derivative, soft_threshold_derivative};
pub use cross_entropy::{cross_entropy, cross_entropy_vjp};
pub use layer_norm::{LayerNormGradient, layer_norm, layer_norm_vjp};
pub use linear::{LinearGradient, linear, linear_vjp};
pub use softmax::{log_softmax, log_sum_exp, softmax, softmax_vjp};
