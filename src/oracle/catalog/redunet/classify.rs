//! `subspace_residuals`.

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::{Args, Case, Closed, Domain, Law, Operator, Port, Sides, Spec, Tensor, Values, cotangent};
use crate::redunet::SubspaceClassifier;
use crate::scalar::{Ball, Scalar};

/// `subspace_residuals`.
pub struct SubspaceResiduals;

fn classifier<S: Scalar>(x: &Args<S>) -> Result<SubspaceClassifier<S>> {
    let means = if x.has("mu") {
        let m = x.matrix("mu")?;
        Some((0..m.rows()).map(|i| m.row(i).to_vec()).collect())
    } else {
        None
    };
    Ok(SubspaceClassifier { bases: x.matrices("bases")?, means })
}

impl Operator for SubspaceResiduals {
    const SPEC: Spec = Spec {
        name: "subspace_residuals",
        room: "redunet",
        purpose: "how far each sample is from the subspace of each class; the nearest is its class",
        definition: "r_ik = ‖(I − V_k V_kᵀ)(z_i − μ_k)‖; V_k orthonormal d × r; μ_k = 0 where no mu is given",
        source: "Yu, Chan, You, Song, Ma, NeurIPS 2020, §3; Chan et al., JMLR 2022, §6",
        inputs: &[
            Port::real("z", "n d", "features, one sample a row"),
            Port::of(Domain::Orthonormal, "bases", "k d r", "V_1 … V_K, leading right singular vectors of the samples of each class"),
            Port::real("mu", "k d", "the means of the classes").or_absent(),
        ],
        outputs: &[Port::real("residuals", "n k", "r_ik")],
        divergences: &[
            "‖x‖² − ‖V_kᵀx‖² is the same number squared, but cancels near the subspace",
            "mcr2 takes 30 directions a class by default, ReduNet 10; its nearsub_pca calls the k nearest neighbours instead",
        ],
        couples: "columns only: each row by itself",
        cost: "4K·n·d·r flops",
        flops: |s| 4.0 * s("k") * s("n") * s("d") * s("r"),
        ..Spec::BLANK
    };
    fn eval<S: Scalar>(x: &Args<S>) -> Result<Values<S>> {
        Ok(Values::new().with("residuals", classifier(x)?.residuals(&x.matrix("z")?)?))
    }
    fn vjp<S: Scalar>(x: &Args<S>, y: &Values<S>) -> Result<Values<S>> {
        let (c, z) = (classifier(x)?, x.matrix("z")?);
        let (k, d, r) = (c.bases.len(), z.cols(), x.size("r"));
        let g = c.vjp(&z, &cotangent(y, "residuals", z.rows(), k)?)?;
        let bases = Tensor::new(vec![k, d, r], g.bases.into_iter().flat_map(Matrix::into_data).collect())?;
        let out = Values::new().with("z", g.z).with("bases", bases);
        Ok(if x.has("mu") { out.with("mu", Matrix::new(k, d, g.means.concat())?) } else { out })
    }
    fn sizes(size: usize, rng: &mut crate::random::Rng) -> Vec<(&'static str, usize)> {
        // With r = d every residual would be 0.
        let r = 1 + rng.below(size.min(4));
        vec![("d", r + 1 + rng.below(size.min(4))), ("r", r)]
    }
    fn adjust(case: Case) -> Case {
        super::layer::no_zero_rows(case, "z")
    }
    fn laws() -> Vec<Law> {
        vec![
            Law::equal("subspace_residuals/basis_sign", "−V_k spans the same subspace", |f, case| {
                let flipped = case.clone().input("bases", case.inputs.real("bases")?.map(|x| -x));
                Ok(Some(Sides::all(f.eval(&flipped)?.matrix("residuals")?.into_data(), f.eval(case)?.matrix("residuals")?.into_data())))
            }),
            Law::equal("subspace_residuals/scale", "twice z − μ_k has twice the residual", |f, case| {
                let mut twice = case.clone().input("z", case.inputs.matrix("z")?.scale(Ball::exact(2.0)));
                if let Ok(mu) = case.inputs.matrix("mu") {
                    twice = twice.input("mu", mu.scale(Ball::exact(2.0)));
                }
                let right = f.eval(case)?.matrix("residuals")?.scale(Ball::exact(2.0));
                Ok(Some(Sides::all(f.eval(&twice)?.matrix("residuals")?.into_data(), right.into_data())))
            }),
            Law::at_most("subspace_residuals/contraction", "r_ik ≤ ‖z_i‖ without means, for orthonormal V_k", |f, case| {
                if case.inputs.get("mu").is_some() {
                    return Ok(None);
                }
                let (z, r) = (case.inputs.matrix("z")?, f.eval(case)?.matrix("residuals")?);
                let norms: Vec<Ball> =
                    (0..z.rows()).map(|i| z.select_rows(&[i]).map(|z| z.frobenius_squared().sqrt())).collect::<Result<_>>()?;
                // The bases are orthonormal to 2⁻⁸, as far as the grid of the inputs allows.
                let slack = Ball::ONE + Ball::exact(0.125);
                let right: Vec<Ball> = (0..r.rows() * r.cols()).map(|k| norms[k / r.cols()] * slack).collect();
                Ok(Some(Sides::all(r.into_data(), right)))
            }),
        ]
    }
    fn closed_forms() -> Vec<Closed> {
        let bases = |x: &[f64]| Tensor { shape: vec![2, 3, 1], data: x.iter().map(|&x| Ball::exact(x)).collect() };
        let inputs = Values::new()
            .with("z", Matrix::from_rows(&[[3.0, 4.0, 12.0], [0.0, 0.0, 2.0]]))
            .with("bases", bases(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]));
        let mu = Matrix::from_rows(&[[3.0, 0.0, 0.0], [0.0, 0.0, 12.0]]);
        let out = |rows: &[[f64; 2]]| Values::new().with("residuals", Matrix::from_rows(rows));
        let root = Ball::exact(160.0).sqrt();
        let plain = Matrix::from_rows(&[[5.0, 0.0], [0.0, 2.0]]).map(|x: Ball| x);
        let plain = Matrix::from_fn(2, 2, |i, j| if (i, j) == (0, 1) { root } else { plain[(i, j)] });
        vec![
            Closed::new("two axes of R³", Case::new(inputs.clone()), Values::new().with("residuals", plain)),
            Closed::new("two axes through their means", Case::new(inputs).input("mu", mu), out(&[[4.0, 4.0], [3.0, 10.0]])),
        ]
    }
}
