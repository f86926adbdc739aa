//! Optimisers, with the conventions of PyTorch to the bit where they have one.

use super::Parameter;
use crate::linalg::dispatch::{Isa, Kernel};
use crate::scalar::{DoubleDouble, Scalar};
use crate::{Error, Result};

/// How a step is made of a gradient. `g` gradient, `θ` parameter, `η` learning rate, `w` weight decay, `t` the step from 1 on; all state begins at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// Stochastic gradient descent (Robbins and Monro, 1951) with momentum: `g ← g + wθ`; `b ← g` on the first step, later `b ← μb + (1 − damp) g`; `g ← g + μb` with Nesterov's
    /// look-ahead, else `b`; `θ ← θ − ηg`. Without momentum `b` is not kept.
    Sgd {
        /// μ.
        momentum: f64,
        /// damp.
        dampening: f64,
        /// Look ahead.
        nesterov: bool,
        /// w, added to the gradient.
        weight_decay: f64,
    },
    /// Adam (Kingma and Ba, ICLR 2015): [`Optimiser::AdamW`] with `g ← g + wθ` in place of the shrink.
    Adam {
        /// β1, β2.
        betas: [f64; 2],
        /// ε.
        eps: f64,
        /// w, added to the gradient.
        weight_decay: f64,
    },
    /// AdamW (Loshchilov and Hutter, ICLR 2019): `θ ← θ(1 − ηw)`; `m ← β1 m + (1 − β1) g`; `v ← β2 v + (1 − β2) g²`; `θ ← θ − η/(1 − β1ᵗ) · m/(√v/√(1 − β2ᵗ) + ε)`: ε is added after the
    /// correction of the bias.
    AdamW {
        /// β1, β2.
        betas: [f64; 2],
        /// ε.
        eps: f64,
        /// w, multiplied into the parameter.
        weight_decay: f64,
    },
    /// Lion (Chen et al., *Symbolic Discovery of Optimization Algorithms*, NeurIPS 2023): `θ ← θ(1 − ηw)`; `θ ← θ − η sgn(β1 m + (1 − β1) g)`, `sgn 0 = 0`; `m ← β2 m + (1 − β2) g`. Besides
    /// the decay a number moves by exactly η or not at all.
    Lion {
        /// β1, β2.
        betas: [f64; 2],
        /// w.
        weight_decay: f64,
    },
}

impl Optimiser {
    /// Adam's defaults in PyTorch, AdamW's but for the decay: β = (0.9, 0.999), ε = 10⁻⁸.
    pub fn adamw(weight_decay: f64) -> Self {
        Optimiser::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay }
    }
    /// Lion with β = (0.9, 0.99).
    pub fn lion(weight_decay: f64) -> Self {
        Optimiser::Lion { betas: [0.9, 0.99], weight_decay }
    }
    /// Errors: `Domain` for a β outside [0, 1), a negative weight decay, ε or momentum.
    pub fn check(&self) -> Result<()> {
        let fraction = |name: &str, x: f64| {
            if (0.0..1.0).contains(&x) { Ok(()) } else { Err(Error::domain(name, "a number from 0 up to but not 1", x.to_string())) }
        };
        let positive = |name: &str, x: f64| {
            if x >= 0.0 && x.is_finite() { Ok(()) } else { Err(Error::domain(name, "a finite number from 0 on", x.to_string())) }
        };
        match *self {
            Optimiser::Sgd { momentum, dampening, weight_decay, nesterov } => {
                positive("momentum", momentum)?;
                positive("weight decay", weight_decay)?;
                if nesterov && (momentum == 0.0 || dampening != 0.0) {
                    return Err(Error::domain(
                        "nesterov",
                        "momentum above 0 and no dampening",
                        format!("momentum {momentum}, dampening {dampening}"),
                    ));
                }
                fraction("dampening", dampening)
            }
            Optimiser::Adam { betas, eps, weight_decay } | Optimiser::AdamW { betas, eps, weight_decay } => {
                positive("weight decay", weight_decay)?;
                positive("eps", eps)?;
                betas.iter().try_for_each(|&b| fraction("beta", b))
            }
            Optimiser::Lion { betas, weight_decay } => {
                positive("weight decay", weight_decay)?;
                betas.iter().try_for_each(|&b| fraction("beta", b))
            }
        }
    }
    /// How many numbers of state a parameter has: 0, 1 or 2.
    pub fn moments(&self) -> usize {
        match self {
            Optimiser::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
            Optimiser::Adam { .. } | Optimiser::AdamW { .. } => 2,
            Optimiser::Lion { .. } => 1,
        }
    }
}

/// The memory of an optimiser.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Moments<S> {
    /// Steps made.
    pub steps: u64,
    /// For each parameter its first moment (momentum, `m`), where the optimiser keeps one.
    pub first: Vec<Vec<S>>,
    /// For each parameter its second moment `v`, where the optimiser keeps one.
    pub second: Vec<Vec<S>>,
}

impl<S: Scalar> Moments<S> {
    /// All zeros, for these parameters.
    pub fn new(optimiser: &Optimiser, parameters: &[&Parameter<S>]) -> Self {
        let zeros = |wanted: bool| parameters.iter().map(|p| vec![S::ZERO; if wanted { p.data().len() } else { 0 }]).collect();
        Moments { steps: 0, first: zeros(optimiser.moments() > 0), second: zeros(optimiser.moments() > 1) }
    }
}

/// `1 − βᵗ`, rounded once from 31 digits.
fn bias(beta: f64, t: u64) -> f64 {
    let power = DoubleDouble::from_f64(beta).powi(t.min(i32::MAX as u64) as i32);
    (DoubleDouble::ONE - power).value()
}

/// One step of every parameter along its gradient, at learning rate `rate`. Parameters, gradients and moments in the same order; a parameter is one pass over its
/// numbers. Hyper-parameters are f64, combined in f64 and rounded to the number type where they meet a tensor, as PyTorch does. Errors: `Shape`, `Domain`.
pub fn optimise<S: Scalar>(
    optimiser: &Optimiser,
    rate: f64,
    parameters: &mut [&mut Parameter<S>],
    gradients: &[&Parameter<S>],
    moments: &mut Moments<S>,
) -> Result<()> {
    optimiser.check()?;
    if !(rate >= 0.0 && rate.is_finite()) {
        return Err(Error::domain("learning rate", "a finite number from 0 on", rate.to_string()));
    }
    let fits = parameters.len() == gradients.len()
        && parameters.len() == moments.first.len()
        && parameters.iter().zip(gradients).all(|(p, g)| p.data().len() == g.data().len());
    if !fits {
        return Err(Error::shape("gradients", "one for every parameter, and moments of the same model", "another number"));
    }
    moments.steps += 1;
    for (((p, g), first), second) in parameters.iter_mut().zip(gradients).zip(&mut moments.first).zip(&mut moments.second) {
        Isa::detect().run(Step { optimiser: *optimiser, rate, t: moments.steps, p: p.data_mut(), g: g.data(), first, second });
    }
    Ok(())
}

struct Step<'a, S> {
    optimiser: Optimiser,
    rate: f64,
    t: u64,
    p: &'a mut [S],
    g: &'a [S],
    first: &'a mut [S],
    second: &'a mut [S],
}
impl<S: Scalar> Kernel for Step<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Step { optimiser, rate, t, p, g, first, second } = self;
        let c = S::from_f64;
        match optimiser {
            Optimiser::Sgd { momentum, dampening, nesterov, weight_decay } => {
                let (mu, rest, decay, rate) = (c(momentum), c(1.0 - dampening), c(weight_decay), c(rate));
                let decays = weight_decay != 0.0;
                if momentum == 0.0 {
                    for (p, &g) in p.iter_mut().zip(g) {
                        let g = if decays { g + decay * *p } else { g };
                        *p -= rate * g;
                    }
                    return;
                }
                for ((p, &g), b) in p.iter_mut().zip(g).zip(first) {
                    let g = if decays { g + decay * *p } else { g };
                    *b = if t == 1 { g } else { mu * *b + rest * g };
                    let g = if nesterov { g + mu * *b } else { *b };
                    *p -= rate * g;
                }
            }
            Optimiser::Adam { betas: [b1, b2], eps, weight_decay } | Optimiser::AdamW { betas: [b1, b2], eps, weight_decay } => {
                let decoupled = matches!(optimiser, Optimiser::AdamW { .. });
                let shrink = c(if decoupled { 1.0 - rate * weight_decay } else { 1.0 });
                let added = c(if decoupled { 0.0 } else { weight_decay });
                let (length, root) = (c(rate / bias(b1, t)), c(bias(b2, t).sqrt()));
                let (keep1, take1, keep2, take2, eps) = (c(b1), c(1.0 - b1), c(b2), c(1.0 - b2), c(eps));
                for (((p, &g), m), v) in p.iter_mut().zip(g).zip(first).zip(second) {
                    let g = if decoupled { g } else { g + added * *p };
                    *p *= shrink;
                    *m = keep1 * *m + take1 * g;
                    *v = keep2 * *v + take2 * (g * g);
                    *p -= length * (*m / (v.sqrt() / root + eps));
                }
            }
            Optimiser::Lion { betas: [b1, b2], weight_decay } => {
                let (shrink, rate) = (c(1.0 - rate * weight_decay), c(rate));
                let (keep1, take1, keep2, take2) = (c(b1), c(1.0 - b1), c(b2), c(1.0 - b2));
                for ((p, &g), m) in p.iter_mut().zip(g).zip(first) {
                    let along = keep1 * *m + take1 * g;
                    *p *= shrink;
                    *p -= match along.sign() {
                        Some(std::cmp::Ordering::Greater) => rate,
                        Some(std::cmp::Ordering::Less) => -rate,
                        _ => S::ZERO,
                    };
                    *m = keep2 * *m + take2 * g;
                }
            }
        }
    }
}
