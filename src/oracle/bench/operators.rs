//! Every operator of the catalog at growing sizes.

use super::Program;
use crate::Result;
use crate::oracle::case::setting_of;
use crate::oracle::entry::{Entry, Number};
use crate::oracle::generate;
use crate::oracle::spec::Spec;
use crate::oracle::{Case, Sizes};
use std::time::{Duration, Instant};

/// Features at the sizes of [`operator`]; there are four times as many samples.
const SCALES: [usize; 5] = [8, 16, 32, 64, 128];
/// Beyond this the next size would take too long.
const LONG: Duration = Duration::from_millis(60);

/// The programs of a catalog operator: its value, on generated inputs, at sizes that grow until one call takes long. The counts of operations are the catalog's.
/// Errors: those of the operator where it has no answer at a size.
pub fn operator(entry: &'static dyn Entry, number: Number) -> Result<Vec<Program<'static>>> {
    let mut programs = Vec::new();
    for scale in SCALES {
        let (case, sizes) = generate::sized(entry, scale, 1)?;
        let flops = (entry.spec().flops)(&|symbol| size_of(entry.spec(), symbol, &case, &sizes));
        let mut run = entry.prepared(number, case)?;
        let start = Instant::now();
        run()?;
        programs.push(Program { size: words(&sizes), number, flops, run });
        if start.elapsed() > LONG {
            break;
        }
    }
    Ok(programs)
}

/// What a symbol of the cost formula stands for: an axis, or a parameter.
fn size_of(spec: &'static Spec, symbol: &str, case: &Case, sizes: &Sizes) -> f64 {
    let param = || {
        let param = spec.params.iter().find(|p| p.name == symbol)?;
        setting_of(param, case.params.iter().find(|(name, _)| name == symbol).map(|(_, setting)| setting)).ok()
    };
    sizes.get(symbol).map(|n| n as f64).or_else(param).unwrap_or(0.0)
}

fn words(sizes: &Sizes) -> String {
    sizes.iter().map(|(symbol, n)| format!("{symbol}={n}")).collect::<Vec<_>>().join(" ")
}
