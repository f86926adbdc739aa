//! Sparse coding unrolled into a network: a fixed number of steps whose matrices, steps and thresholds are learned.

use super::lasso::Lasso;
use crate::learn::{Name, Parameter, Parameters, same_shape};
use crate::linalg::{Matrix, spd_solve_rows, spectral_norm};
use crate::scalar::{Part, Scalar};
use crate::{Error, Result};

/// Which parts of a step are learned. `S_θ` is the proximal map of the network's codes; every form can start as ISTA.
///
/// | form | layer | learned | ISTA |
/// |---|---|---|---|
/// | `GregorLeCun` | `z⁺ = S_θ(xW_e + zS)` | `W_e` d × m, `S` m × m, θ (m) | `W_e = ηAᵀ`, `S = I − ηAAᵀ`, `θ = ηλ` |
/// | `Coupled` | `z⁺ = S_θ(z + (x − zA)W)` | `W` d × m, θ (m) | `W = ηAᵀ`, `θ = ηλ` |
/// | `Analytic` | `z⁺ = S_θ(z + γ(x − zA)W)` | γ, θ; W fixed | `W = Aᵀ`, `γ = η`, `θ = ηλ` |
/// | `Step` | `z⁺ = S_{ηλ}(z + η(x − zA)Aᵀ)` | η | η |
/// | `Tied` | `z⁺ = S_{ηλ}(z + η(x − zD)Dᵀ)` | D m × d, η, λ | `D = A` |
///
/// Sources: Gregor and LeCun, *Learning Fast Approximations of Sparse Coding*, ICML 2010; Chen, Liu, Wang and Yin, NeurIPS 2018 (coupled); Liu, Chen, Wang and Yin, *ALISTA*, ICLR 2019 (analytic);
/// Ablin, Moreau, Massias and Gramfort, *Learning step sizes for unfolded sparse coding*, NeurIPS 2019 (step); tied: the monograph's layers that each learn their own dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Two free matrices.
    GregorLeCun,
    /// One free matrix, the other coupled to it.
    Coupled,
    /// Two numbers.
    Analytic,
    /// One number.
    Step,
    /// A dictionary of its own.
    Tied,
}

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub enum UnrolledLayer<S> {
    /// [`Form::GregorLeCun`].
    GregorLeCun {
        /// `W_e`, d × m.
        encoder: Parameter<S>,
        /// `S`, m × m.
        lateral: Parameter<S>,
        /// θ, one a code.
        theta: Parameter<S>,
    },
    /// [`Form::Coupled`].
    Coupled {
        /// `W`, d × m.
        weight: Parameter<S>,
        /// θ, one a code.
        theta: Parameter<S>,
    },
    /// [`Form::Analytic`].
    Analytic {
        /// γ.
        gamma: Parameter<S>,
        /// θ, one for all codes.
        theta: Parameter<S>,
    },
    /// [`Form::Step`].
    Step {
        /// η.
        eta: Parameter<S>,
    },
    /// [`Form::Tied`].
    Tied {
        /// `D`, m × d.
        atoms: Parameter<S>,
        /// η.
        eta: Parameter<S>,
        /// λ.
        lambda: Parameter<S>,
    },
}
use UnrolledLayer as L;

impl<S: Scalar> Parameters<S> for UnrolledLayer<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        let mut show = |field: &str, p: &'a Parameter<S>| f(&name.at(field), p);
        match self {
            L::GregorLeCun { encoder, lateral, theta } => {
                show("w_e", encoder);
                show("s", lateral);
                show("theta", theta);
            }
            L::Coupled { weight, theta } => {
                show("w", weight);
                show("theta", theta);
            }
            L::Analytic { gamma, theta } => {
                show("gamma", gamma);
                show("theta", theta);
            }
            L::Step { eta } => show("eta", eta),
            L::Tied { atoms, eta, lambda } => {
                show("a", atoms);
                show("eta", eta);
                show("lambda", lambda);
            }
        }
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        let mut lend = |field: &str, p: &'a mut Parameter<S>| f(&name.at(field), p);
        match self {
            L::GregorLeCun { encoder, lateral, theta } => {
                lend("w_e", encoder);
                lend("s", lateral);
                lend("theta", theta);
            }
            L::Coupled { weight, theta } => {
                lend("w", weight);
                lend("theta", theta);
            }
            L::Analytic { gamma, theta } => {
                lend("gamma", gamma);
                lend("theta", theta);
            }
            L::Step { eta } => lend("eta", eta),
            L::Tied { atoms, eta, lambda } => {
                lend("a", atoms);
                lend("eta", eta);
                lend("lambda", lambda);
            }
        }
    }
}

/// `depth` layers from `z = 0`, each its own or all the same one.
#[derive(Clone, Debug)]
pub struct Unrolled<S> {
    /// The problem: its atoms and λ where a form does not learn them, and which codes are allowed.
    lasso: Lasso<S>,
    /// `W` of [`Form::Analytic`], d × m.
    fixed: Matrix<S>,
    /// One layer, which is then used `depth` times, or `depth` of them.
    pub layers: Vec<UnrolledLayer<S>>,
    depth: usize,
}
impl<S: Scalar> Parameters<S> for Unrolled<S> {
    fn visit<'a>(&'a self, name: &Name, f: &mut dyn FnMut(&Name, &'a Parameter<S>)) {
        self.layers.visit(&name.at("layers"), f);
    }
    fn visit_mut<'a>(&'a mut self, name: &Name, f: &mut dyn FnMut(&Name, &'a mut Parameter<S>)) {
        self.layers.visit_mut(&name.at("layers"), f);
    }
}

/// Everything the backward pass needs: what stands before each shrinkage, and the codes after it.
#[derive(Clone, Debug, Default)]
pub struct UnrolledTrace<S> {
    before: Vec<Matrix<S>>,
    /// The codes after each layer.
    pub codes: Vec<Matrix<S>>,
}

/// `W` of least `‖AW‖_F` with `⟨a_j, w_j⟩ = 1`: `w_j = G⁻¹a_j/(a_jᵀG⁻¹a_j)`, `G = AᵀA`; d × m. The relaxation that ALISTA solves in place of the generalised coherence (Liu et al., ICLR 2019,
/// eq. 16). Errors: `NotPositiveDefinite` unless the atoms span the space; `Domain` for an atom 0.
pub fn analytic_weight<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    let solved = spd_solve_rows(&a.gram_cols(), a)?;
    let mut w = Matrix::zeros(a.cols(), a.rows());
    for j in 0..a.rows() {
        let along = S::dot(a.row(j), solved.row(j));
        super::lasso::positive(&format!("atom {j}"), along).map_err(|e| e.named("ZeroAtom"))?;
        (0..a.cols()).for_each(|i| w[(i, j)] = solved[(j, i)] / along);
    }
    Ok(w)
}

/// `z + c(x − zD)W` before the shrinkage.
fn corrected<S: Scalar>(x: &Matrix<S>, z: &Matrix<S>, d: &Matrix<S>, w: crate::scalar::View<S>, c: S) -> Result<Matrix<S>> {
    let r = x.sub(&z.matmul(d)?)?.scale(c);
    let mut u = z.clone();
    S::product(r.view(), w, u.data_mut(), Part::Full);
    Ok(u)
}

impl<S: Scalar> Unrolled<S> {
    /// A network that equals `depth` steps of ISTA with the step [`Lasso::step_size`] before it is trained. `shared`: one layer used `depth` times. Errors: `Shape` for depth 0; those of the step.
    pub fn new(form: Form, lasso: &Lasso<S>, depth: usize, shared: bool) -> Result<Self> {
        Self::with_weight(form, lasso, depth, shared, lasso.atoms().transpose())
    }
    /// The same with another fixed matrix for [`Form::Analytic`], such as [`analytic_weight`]; then `γ = 1/‖AW‖₂`, `θ = γλ`.
    pub fn with_weight(form: Form, lasso: &Lasso<S>, depth: usize, shared: bool, fixed: Matrix<S>) -> Result<Self> {
        let a = lasso.atoms();
        let [m, d] = a.shape();
        if depth == 0 || fixed.shape() != [d, m] {
            return Err(Error::shape("network", format!("depth at least 1, weight {d} × {m}"), format!("{depth}, {fixed:?}")));
        }
        let eta = lasso.step_size()?;
        let one = |x: S| Parameter::filled(&[1], x);
        let theta = || Parameter::filled(&[m], eta * lasso.lambda());
        let layer = match form {
            Form::GregorLeCun => {
                let mut lateral = Matrix::identity(m);
                let small = a.scale(-eta);
                S::product(small.view(), a.view().t(), lateral.data_mut(), Part::Full);
                L::GregorLeCun { encoder: a.transpose().scale(eta).into(), lateral: lateral.into(), theta: theta() }
            }
            Form::Coupled => L::Coupled { weight: a.transpose().scale(eta).into(), theta: theta() },
            Form::Analytic => {
                let gamma = if fixed == a.transpose() { eta } else { S::ONE / spectral_norm(&a.matmul(&fixed)?)? };
                L::Analytic { gamma: one(gamma), theta: one(gamma * lasso.lambda()) }
            }
            Form::Step => L::Step { eta: one(eta) },
            Form::Tied => L::Tied { atoms: a.clone().into(), eta: one(eta), lambda: one(lasso.lambda()) },
        };
        let layers = vec![layer; if shared { 1 } else { depth }];
        Ok(Unrolled { lasso: lasso.clone(), fixed, layers, depth })
    }
    /// The problem it was made for.
    pub fn lasso(&self) -> &Lasso<S> {
        &self.lasso
    }
    /// How many layers are run.
    pub fn depth(&self) -> usize {
        self.depth
    }
    fn layer(&self, k: usize) -> usize {
        if self.layers.len() == 1 { 0 } else { k }
    }
    /// Replaces the parameters of a shared layer by given ones and runs them `depth` times. Errors: `Shape` where matrices do not fit the problem.
    pub fn shared(lasso: &Lasso<S>, layer: UnrolledLayer<S>, depth: usize) -> Result<Self> {
        let [m, d] = lasso.atoms().shape();
        let fits = match &layer {
            L::GregorLeCun { encoder, lateral, theta } => encoder.shape() == [d, m] && lateral.shape() == [m, m] && theta.shape() == [m],
            L::Coupled { weight, theta } => weight.shape() == [d, m] && theta.shape() == [m],
            L::Analytic { gamma, theta } => gamma.data().len() == 1 && theta.data().len() == 1,
            L::Step { eta } => eta.data().len() == 1,
            L::Tied { atoms, eta, lambda } => atoms.shape() == [m, d] && eta.data().len() == 1 && lambda.data().len() == 1,
        };
        match fits {
            true => Ok(Unrolled { lasso: lasso.clone(), fixed: lasso.atoms().transpose(), layers: vec![layer], depth }),
            false => Err(Error::shape("layer", format!("weights for {m} atoms in dimension {d}"), "others").named("ShapeMismatch")),
        }
    }

    /// What stands before the shrinkage of layer k, and its thresholds.
    fn before(&self, k: usize, x: &Matrix<S>, z: &Matrix<S>) -> Result<(Matrix<S>, Vec<S>)> {
        let a = &self.lasso.a;
        let m = a.rows();
        let (u, theta) = match &self.layers[self.layer(k)] {
            L::GregorLeCun { encoder, lateral, theta } => {
                let mut u = Matrix::zeros(x.rows(), m);
                S::product(x.view(), encoder.view(), u.data_mut(), Part::Full);
                S::product(z.view(), lateral.view(), u.data_mut(), Part::Full);
                (u, theta.data().to_vec())
            }
            L::Coupled { weight, theta } => (corrected(x, z, a, weight.view(), S::ONE)?, theta.data().to_vec()),
            L::Analytic { gamma, theta } => (corrected(x, z, a, self.fixed.view(), gamma.data()[0])?, vec![theta.data()[0]; m]),
            L::Step { eta } => (corrected(x, z, a, a.view().t(), eta.data()[0])?, vec![eta.data()[0] * self.lasso.lambda; m]),
            L::Tied { atoms, eta, lambda } => {
                let d = atoms.matrix();
                (corrected(x, z, &d, d.view().t(), eta.data()[0])?, vec![eta.data()[0] * lambda.data()[0]; m])
            }
        };
        let steps = match &self.layers[self.layer(k)] {
            L::Analytic { gamma, .. } => gamma.data(),
            L::Step { eta } | L::Tied { eta, .. } => eta.data(),
            _ => &[],
        };
        for (name, values) in [("theta", theta.as_slice()), ("step", steps)] {
            for &t in values {
                super::lasso::non_negative(name, t).map_err(|e| e.within(&format!("layer {k}")))?;
            }
        }
        Ok((u, theta))
    }
    /// The codes after the last layer, kept in the trace with all others. `2nm(d + m)` flops a layer (Gregor and LeCun), else `4nmd`. Errors: `Shape`, `NotFinite`; `Domain` for a negative threshold.
    pub fn forward<'t>(&self, x: &Matrix<S>, trace: &'t mut UnrolledTrace<S>) -> Result<&'t Matrix<S>> {
        self.lasso.check_data(x)?;
        trace.before.clear();
        trace.codes.clear();
        let mut z = Matrix::zeros(x.rows(), self.lasso.a.rows());
        for k in 0..self.depth {
            let (u, theta) = self.before(k, x, &z)?;
            let m = theta.len();
            z = Matrix::from_fn(u.rows(), m, |i, j| self.lasso.codes.shrink(u[(i, j)], theta[j]));
            trace.before.push(u);
            trace.codes.push(z.clone());
        }
        trace.codes.last().ok_or_else(|| Error::shape("depth", "at least one layer", "none"))
    }
    /// The codes after the last layer.
    pub fn apply(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        let mut trace = UnrolledTrace::default();
        if self.depth == 0 {
            return Ok(Matrix::zeros(x.rows(), self.lasso.a.rows()));
        }
        self.forward(x, &mut trace).cloned()
    }
    /// Adds the gradients of the parameters to `grad` and returns those of the data and, where a form uses them unlearned, of the problem's atoms. With `Ū` the cotangent where the threshold lets it
    /// through, `θ̄ = −Σ_rows sgn(U)∘Ū` and:
    ///
    /// - Gregor and LeCun: `W̄_e = xᵀŪ`, `S̄ = zᵀŪ`, `x̄ = ŪW_eᵀ`, `z̄ = ŪSᵀ`;
    /// - `u = z + c(x − zD)W`, `R = x − zD`, `R̄ = cŪWᵀ`: `W̄ = cRᵀŪ`, `c̄ = ⟨Ū, RW⟩`, `x̄ = R̄`, `z̄ = Ū − R̄Dᵀ`, `D̄ = −zᵀR̄`; tied `W = Dᵀ`: `D̄ + W̄ᵀ`; `θ = ηλ`: `η̄ += λΣθ̄`, `λ̄ = ηΣθ̄`.
    pub fn backward(&self, x: &Matrix<S>, trace: &UnrolledTrace<S>, bar: &Matrix<S>, grad: &mut Self) -> Result<(Matrix<S>, Matrix<S>)> {
        let a = &self.lasso.a;
        if trace.codes.len() != self.depth || grad.layers.len() != self.layers.len() {
            return Err(Error::shape("trace", format!("{} layers", self.depth), trace.codes.len().to_string()));
        }
        let (mut x_bar, mut a_bar, mut bar) = (Matrix::zeros(x.rows(), x.cols()), Matrix::zeros(a.rows(), a.cols()), bar.clone());
        for k in (0..self.depth).rev() {
            let u = &trace.before[k];
            same_shape("cotangent", u, &bar)?;
            let zero;
            let z = match k {
                0 => {
                    zero = Matrix::zeros(u.rows(), u.cols());
                    &zero
                }
                _ => &trace.codes[k - 1],
            };
            let theta = self.before(k, x, z)?.1;
            let slope = |i: usize, j: usize| self.lasso.codes.slopes(u[(i, j)], theta[j]);
            let u_bar = Matrix::from_fn(u.rows(), u.cols(), |i, j| slope(i, j).0 * bar[(i, j)]);
            let theta_bar: Vec<S> =
                (0..u.cols()).map(|j| S::sum(&(0..u.rows()).map(|i| slope(i, j).1 * bar[(i, j)]).collect::<Vec<_>>())).collect();
            let total = S::sum(&theta_bar);
            let add = |p: &mut Parameter<S>, g: &[S]| p.data_mut().iter_mut().zip(g).for_each(|(p, &g)| *p += g);
            // The common form: cotangents of x, z, D, W, c.
            let residual_form = |d: &Matrix<S>, w: &Matrix<S>, c: S| -> Result<[Matrix<S>; 5]> {
                let r = x.sub(&z.matmul(d)?)?;
                let r_bar = u_bar.matmul_t(w)?.scale(c);
                let w_bar = r.t_matmul(&u_bar)?;
                let c_bar = Matrix::new(1, 1, vec![w_bar.dot(w)?])?;
                let z_bar = u_bar.sub(&r_bar.matmul_t(d)?)?;
                let d_bar = z.t_matmul(&r_bar)?.scale(-S::ONE);
                Ok([r_bar, z_bar, d_bar, w_bar.scale(c), c_bar])
            };
            let layer = self.layer(k);
            let (dx, dz) = match (&self.layers[layer], &mut grad.layers[layer]) {
                (L::GregorLeCun { encoder, lateral, .. }, L::GregorLeCun { encoder: e, lateral: l, theta: t }) => {
                    S::product(x.view().t(), u_bar.view(), e.data_mut(), Part::Full);
                    S::product(z.view().t(), u_bar.view(), l.data_mut(), Part::Full);
                    add(t, &theta_bar);
                    (u_bar.matmul_t(&encoder.matrix())?, u_bar.matmul_t(&lateral.matrix())?)
                }
                (L::Coupled { weight, .. }, L::Coupled { weight: w, theta: t }) => {
                    let [dx, dz, da, dw, _] = residual_form(a, &weight.matrix(), S::ONE)?;
                    add(w, dw.data());
                    add(t, &theta_bar);
                    a_bar.accumulate(&da)?;
                    (dx, dz)
                }
                (L::Analytic { gamma, .. }, L::Analytic { gamma: g, theta: t }) => {
                    let [dx, dz, da, _, dc] = residual_form(a, &self.fixed, gamma.data()[0])?;
                    add(g, dc.data());
                    add(t, &[total]);
                    a_bar.accumulate(&da)?;
                    (dx, dz)
                }
                (L::Step { eta }, L::Step { eta: e }) => {
                    let [dx, dz, da, dw, dc] = residual_form(a, &a.transpose(), eta.data()[0])?;
                    add(e, &[dc[(0, 0)] + self.lasso.lambda * total]);
                    a_bar.accumulate(&da.add(&dw.transpose())?)?;
                    (dx, dz)
                }
                (L::Tied { atoms, eta, lambda }, L::Tied { atoms: d, eta: e, lambda: l }) => {
                    let own = atoms.matrix();
                    let [dx, dz, da, dw, dc] = residual_form(&own, &own.transpose(), eta.data()[0])?;
                    add(d, da.add(&dw.transpose())?.data());
                    add(e, &[dc[(0, 0)] + lambda.data()[0] * total]);
                    add(l, &[eta.data()[0] * total]);
                    (dx, dz)
                }
                _ => return Err(Error::shape("gradient", "layers of the same form", "another")),
            };
            x_bar.accumulate(&dx)?;
            bar = dz;
        }
        Ok((x_bar, a_bar))
    }
    /// The gradients for a cotangent of the last codes: of the data, of the problem's atoms, and of the parameters as a network.
    pub fn vjp(&self, x: &Matrix<S>, bar: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>, Self)> {
        let (mut trace, mut grad) = (UnrolledTrace::default(), self.clone());
        grad.clear();
        if self.depth > 0 {
            self.forward(x, &mut trace)?;
        }
        let (x_bar, a_bar) = self.backward(x, &trace, bar, &mut grad)?;
        Ok((x_bar, a_bar, grad))
    }
    /// Steps and thresholds that a training step drove below 0 return to 0: the projection that keeps the layers proximal.
    pub fn project(&mut self) {
        let floor = |p: &mut Parameter<S>| {
            p.data_mut().iter_mut().for_each(|x| {
                if x.value() < 0.0 {
                    *x = S::ZERO;
                }
            })
        };
        for layer in &mut self.layers {
            match layer {
                L::GregorLeCun { theta, .. } | L::Coupled { theta, .. } => floor(theta),
                L::Analytic { gamma, theta } => {
                    floor(gamma);
                    floor(theta);
                }
                L::Step { eta } => floor(eta),
                L::Tied { eta, lambda, .. } => {
                    floor(eta);
                    floor(lambda);
                }
            }
        }
    }
}
