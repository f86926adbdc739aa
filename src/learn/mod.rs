//! What any trained model needs: linear maps, normalisation, activations, losses.

mod activation;
mod batches;
mod checkpoint;
mod cross_entropy;
mod initial;
mod layer;
mod layer_norm;
mod linear;
mod optimiser;
mod parameter;
mod schedule;
mod softmax;

pub use activation::{
    gelu, gelu_derivative, gelu_of, gelu_of_vjp, gelu_tanh, gelu_tanh_derivative, logistic, relu_derivative, soft_threshold_derivative,
};
pub use batches::{epoch as epoch_batches, split as split_samples};
pub use checkpoint::{from_arrays, to_array, to_arrays};
pub use cross_entropy::{CrossEntropy, cross_entropy, cross_entropy_vjp};
pub use initial::Initial;
pub use layer::Layer;
pub(crate) use layer::{check_input, same_shape};
pub use layer_norm::{LayerNorm, LayerNormGradient, LayerNormTrace, layer_norm, layer_norm_vjp};
pub use linear::{Linear, LinearGradient, linear, linear_vjp};
pub use optimiser::{Moments, Optimiser, optimise};
pub(crate) use parameter::parameters;
pub use parameter::{Name, Parameter, Parameters};
pub use schedule::Schedule;
pub use softmax::{log_softmax, log_sum_exp, softmax, softmax_vjp};
