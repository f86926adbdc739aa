//! How the learning rate changes, as a factor of its base.

use crate::scalar::Scalar;

/// The factor of the base learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// 1 throughout.
    Constant,
    /// Up linearly over `warmup` steps, from `1/warmup`, then down along half a cosine to `floor` at step `total`; `floor` after it. The common recipe.
    WarmupCosine {
        /// Steps of the rise.
        warmup: f64,
        /// Steps in all.
        total: f64,
        /// The last factor.
        floor: f64,
    },
    /// `min((e + 1)/(warmup + 10⁻⁸), (1 + cos(π e/epochs))/2)` at epoch `e` from 0: main.py of the official CRATE code, whose `warmup_steps` are epochs. The cosine is not shifted by the
    /// warm-up and does not reach 0.
    CrateRepo {
        /// Epochs of the rise; 20 in the code.
        warmup: f64,
        /// Epochs in all.
        epochs: f64,
    },
    /// The closed form `(1 + cos(π t/epochs))/2` at `t = e − 2` for epoch `e ≥ 1`, and 1 at epoch 0: finetune.py of the official CRATE code, which steps its scheduler with `epoch − 1`.
    CrateRepoFinetune {
        /// Epochs in all.
        epochs: f64,
    },
    /// `it/warmup` below `warmup`; `floor` above `total`; between them half a cosine from 1 to `floor`: get_lr of nanoGPT and of the language part of the ToST code. 0 at step 0.
    NanoGpt {
        /// Steps of the rise.
        warmup: f64,
        /// Steps in all.
        total: f64,
        /// The last factor.
        floor: f64,
    },
}

impl Schedule {
    /// The factor at a step (or epoch, see each form) from 0 on.
    pub fn factor(&self, at: f64) -> f64 {
        let half_cosine = |share: f64| (1.0 + Scalar::cos(std::f64::consts::PI * share)) / 2.0;
        match *self {
            Schedule::Constant => 1.0,
            Schedule::WarmupCosine { warmup, .. } if at < warmup => (at + 1.0) / warmup,
            Schedule::WarmupCosine { warmup, total, floor } => {
                let share = if total > warmup { (at - warmup) / (total - warmup) } else { 1.0 };
                floor + (1.0 - floor) * half_cosine(if share < 1.0 { share } else { 1.0 })
            }
            Schedule::CrateRepo { warmup, epochs } => {
                let (rise, fall) = ((at + 1.0) / (warmup + 1e-8), half_cosine(at / epochs));
                if rise < fall { rise } else { fall }
            }
            Schedule::CrateRepoFinetune { epochs } => {
                if at == 0.0 {
                    1.0
                } else {
                    half_cosine((at - 2.0) / epochs)
                }
            }
            Schedule::NanoGpt { warmup, .. } if at < warmup => at / warmup,
            Schedule::NanoGpt { total, floor, .. } if at > total => floor,
            Schedule::NanoGpt { warmup, total, floor } => floor + half_cosine((at - warmup) / (total - warmup)) * (1.0 - floor),
        }
    }
}
