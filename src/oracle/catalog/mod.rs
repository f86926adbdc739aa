//! The one list of operators. An entry is what [`Operator`](super::Operator) asks for; everything else follows from it.

mod coding;
mod learn;
mod linalg;
mod reduction;
mod redunet;
mod transformer;

use super::entry::Entry;
use crate::{Error, Result};

/// All operators, room by room in the order of the theory.
pub static CATALOG: &[&dyn Entry] = &[
    &linalg::Gram,
    &linalg::Cholesky,
    &linalg::LogDet,
    &linalg::LogDetIPlus,
    &linalg::SpdSolve,
    &learn::Softmax,
    &learn::LogSumExp,
    &learn::LayerNorm,
    &learn::Linear,
    &learn::Relu,
    &learn::SoftThreshold,
    &learn::Gelu,
    &learn::CrossEntropy,
    &coding::CodingRate,
    &reduction::ConditionalRate,
    &reduction::RateReduction,
    &reduction::Mcr2Loss,
    &reduction::RateHessian,
    &reduction::RateOperators,
    &reduction::RateProfile,
    &reduction::Tangent,
    &reduction::ConstrainedOptimum,
    &reduction::RegularisedOptimum,
    &reduction::AscentStep,
    &reduction::MixtureRates,
    &reduction::CtrlDistance,
    &reduction::CtrlMulti,
    &reduction::CtrlIncremental,
    &reduction::CtrlLinear,
    &reduction::SimDinoLoss,
    &reduction::SimDinoPatchLoss,
    &redunet::Layer,
    &redunet::Assignment,
    &redunet::SubspaceResiduals,
    &redunet::ShiftRate::<1>,
    &redunet::ShiftRate::<2>,
    &redunet::ShiftOperators::<1>,
    &redunet::ShiftOperators::<2>,
    &redunet::ShiftLayer::<1>,
    &redunet::ShiftLayer::<2>,
    &redunet::Lifting::<1>,
    &redunet::Lifting::<2>,
    &transformer::SubspaceCodingRate,
    &transformer::SparseRateReduction,
    &transformer::RateGradient,
    &transformer::RateGradientNeumann,
    &transformer::RateGradientSpanClosed,
    &transformer::RateGradientNoSelf,
    &transformer::RateGradientSoftmax,
    &transformer::ConvexStep,
    &transformer::Ssa,
    &transformer::Mssa,
    &transformer::MssaOfficial,
    &transformer::Mhsa,
    &transformer::IstaObjective,
    &transformer::IstaStep,
    &transformer::CrateIsta,
    &transformer::CrateLayer,
    &transformer::CrateLayerOfficial,
    &transformer::VitBlock,
];

/// The operator of that name. Errors: `Usage`, with the names that come closest.
pub fn find(name: &str) -> Result<&'static dyn Entry> {
    if let Some(entry) = CATALOG.iter().find(|e| e.spec().name == name) {
        return Ok(*entry);
    }
    let mut near: Vec<(usize, &str)> = CATALOG.iter().map(|e| (distance(name, e.spec().name), e.spec().name)).collect();
    near.sort();
    let near: Vec<&str> = near.iter().take(3).map(|(_, n)| *n).collect();
    Err(Error::usage(
        "operator",
        format!("a name that `white-box ops` lists, such as {}", near.join(", ")),
        format!("`{}`", name.escape_default()),
    ))
}

/// Edit distance (Levenshtein), over at most the first 40 bytes.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(40)], b.as_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
