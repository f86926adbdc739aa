//! Chains: an operator's output fed back into its input, with checkpoints. A wrong step size or a drift shows after a hundred steps, not after one.

use crate::Result;
use crate::linalg::Matrix;
use crate::oracle::tolerance::output_scale;
use crate::oracle::{Case, Entry, Number, Tensor, Value, Values, on_grid};
use crate::random::Rng;
use crate::scalar::{Ball, Scalar};

/// A chain, in data.
pub(super) struct Chain {
    pub operator: &'static str,
    /// The output that is fed back.
    pub from: &'static str,
    /// The input it is fed into.
    pub into: &'static str,
    pub comment: &'static str,
    pub checkpoints: &'static [usize],
    case: fn(&dyn Entry) -> Result<Case>,
    /// Proves that one step brings no two points further apart (Euclidean norm), so that errors add up and do not grow.
    nonexpansive: Option<fn(&Case) -> Result<bool>>,
}

pub(super) const CHAINS: &[Chain] = &[
    Chain {
        operator: "ista_step",
        from: "next",
        into: "a",
        comment: "a hundred ISTA steps on one LASSO, from zero: 3 tokens, 6 dimensions, 10 atoms",
        checkpoints: &[1, 2, 5, 10, 100],
        case: lasso,
        nonexpansive: Some(short_step),
    },
    Chain {
        operator: "rate_ascent_step",
        from: "y",
        into: "z",
        comment: "steps of ascent on the rate reduction",
        checkpoints: &[1, 2, 5, 10],
        case: medium,
        nonexpansive: None,
    },
    Chain {
        operator: "redunet_layer",
        from: "y",
        into: "z",
        comment: "layers of a ReduNet",
        checkpoints: &[1, 2, 5, 10],
        case: medium,
        nonexpansive: None,
    },
    Chain {
        operator: "crate_layer",
        from: "y",
        into: "z",
        comment: "CRATE layers with shared weights",
        checkpoints: &[1, 2, 5, 10],
        case: medium,
        nonexpansive: None,
    },
];

/// The state of a chain at a checkpoint.
pub(super) struct Checkpoint {
    pub step: usize,
    pub value: Tensor<Ball>,
    /// The error that a right implementation may have by then, in units of its roundoff.
    pub allowed: Vec<f64>,
}

fn medium(entry: &dyn Entry) -> Result<Case> {
    crate::oracle::generated_case(entry, 4, super::Plan::CORE.seed)
}

fn lasso(entry: &dyn Entry) -> Result<Case> {
    let mut rng = Rng::stream(super::Plan::CORE.seed, entry.spec().name);
    let mut grid = |n: usize, m: usize, scale: f64| Matrix::from_fn(n, m, |_, _| Ball::exact(on_grid(rng.gaussian()) * scale));
    let (y, d) = (grid(3, 6, 1.0), grid(6, 10, 0.25));
    let inputs = Values::new().with("a", Matrix::<Ball>::zeros(3, 10)).with("y", y).with("d", d);
    Ok(Case::new(inputs).set("eta", 0.125).set("lambda", 0.0625).word("shrink", "soft"))
}

/// `η ‖D‖_F² ≤ 1`: then `I − η DᵀD` has its eigenvalues in [0, 1], and the proximal map that follows is nonexpansive itself.
fn short_step(case: &Case) -> Result<bool> {
    let eta = Ball::exact(case.number("eta").unwrap_or(f64::NAN));
    Ok((eta * case.inputs.matrix("d")?.frobenius_squared()).upper() <= 1.0)
}

/// δ of the first-order growth of errors, as in [`crate::oracle::tolerance`].
const WIDTH: f64 = 9.094947017729282e-13;

impl Chain {
    pub fn case(&self, entry: &dyn Entry) -> Result<Case> {
        (self.case)(entry)
    }

    /// Runs the chain; it ends early where the enclosure no longer decides most of the digits.
    pub fn run(&self, entry: &dyn Entry, start: &Case) -> Result<Vec<Checkpoint>> {
        let contracts = match self.nonexpansive {
            Some(proof) => proof(start)?,
            None => false,
        };
        let mut out = Vec::new();
        let last = self.checkpoints.last().copied().unwrap_or(0);
        // Proven growth: the distance of the midpoints from the truth. Otherwise the balls themselves travel, and wider ones for the allowed error.
        let (mut point, mut truth, mut wide) = (start.clone(), start.clone(), start.clone());
        let (mut distance, mut slack) = (Ball::ZERO, Ball::ZERO);
        for step in 1..=last {
            let factor = entry.spec().tolerance.value;
            let local = entry.eval_in(Number::Ball, &point)?.real(self.from)?.clone();
            let scale = output_scale(entry, &point)?.real(self.from)?.map(|s| s.magnitude() * factor);
            let norm = |x: &mut dyn Iterator<Item = f64>| x.fold(Ball::ZERO, |s, r| s + Ball::exact(r).square()).sqrt();
            let (value, allowed): (Tensor<Ball>, Vec<f64>) = if contracts {
                distance += norm(&mut local.data.iter().map(|x| x.rad()));
                slack += norm(&mut scale.data.iter().copied());
                (local.map(|x| Ball::new(x.mid(), distance.upper())), vec![slack.upper(); local.data.len()])
            } else {
                let value = entry.eval_in(Number::Ball, &truth)?.real(self.from)?.clone();
                let Ok(spread) = entry.eval_in(Number::Ball, &wide).and_then(|y| y.real(self.from).cloned()) else { break };
                let data = spread.data.iter().zip(&scale.data).map(|(x, s)| x.widen(s * WIDTH)).collect();
                let spread = Tensor { shape: spread.shape.clone(), data };
                let allowed = spread.data.iter().map(|x| x.rad() / WIDTH).collect();
                wide.inputs.set(self.into, spread);
                truth.inputs.set(self.into, value.clone());
                (value, allowed)
            };
            let decided = value.data.iter().filter(|x| x.round_f64().is_some()).count();
            if 2 * decided < value.data.len() {
                break;
            }
            point.inputs.set(self.into, Value::Real(value.map(|x| Ball::new(x.mid(), 0.0))));
            if self.checkpoints.contains(&step) {
                out.push(Checkpoint { step, value, allowed });
            }
        }
        Ok(out)
    }
}
