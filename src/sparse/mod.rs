//! Sparse codes: data as few atoms of a dictionary, `x ≈ zA`.
//!
//! A sample is a row `x` of `X` (`n × d`), an atom a row of `A` (`m × d`, the layout of scikit-learn's `components_`), a code a row of `Z` (`n × m`). The papers' dictionary
//! is `Aᵀ`, their code `Zᵀ`. The objective is
//! ```text
//! P(Z) = ½‖X − ZA‖_F² + λ‖Z‖₁        (rows are independent problems)
//! ```
//! where `‖·‖₁` sums magnitudes. Other books leave out the ½ (then their λ is twice ours and their step half of ours) or divide by d (scikit-learn's `Lasso`: λ = dα).
//!
//! Every solution comes with a [`Certificate`]: an upper bound of what it lacks, from the dual problem.

mod active;
mod autoencoder;
mod certificate;
mod coherence;
mod design;
mod dictionary;
mod iterate;
mod lasso;
mod layerwise;
mod orthogonal;
mod path;
mod prox;
mod pursuit;
mod score;
mod solve;
mod training;
mod unrolled;
mod worth;

pub use autoencoder::{Autoencoded, SparseAutoencoder};
pub use certificate::{Certificate, CertificateGradient};
pub use coherence::{coherence, exact_recovery_coefficient, recoverable_sparsity, welch_bound};
pub use design::{atoms_from_samples, bernoulli_gaussian, factorial_design, random_atoms};
pub use dictionary::{AtomUpdate, Dictionary, DictionaryLearning, learn_dictionary, project_atoms, update_atoms};
pub use iterate::{Descent, IterationGradient, Method};
pub use lasso::{Codes, Lasso, StepGradient};
pub use layerwise::{Layerwise, layerwise_sparse_coding};
pub use orthogonal::{
    Orthogonal, Rotation, check_white, fastica_step, kurtosis, kurtosis_gradient, l4_objective, l4_objective_gradient, learn_orthogonal,
    msp_step, polar_step_vjp, whiten,
};
pub use path::{Knot, Path};
pub use prox::{huber, shrinkage_risk, shrinkage_sure, universal_threshold};
pub use pursuit::orthogonal_matching_pursuit;
pub use score::{Recovery, amari_index, assign, l4_score, match_atoms};
pub use solve::{Solution, SolutionGradient};
pub use training::{UnrolledLoss, UnrolledTraining, train_unrolled};
pub use unrolled::{Form, Unrolled, UnrolledLayer, UnrolledTrace, analytic_weight};
pub use worth::{Worth, steps_worth, worth};
