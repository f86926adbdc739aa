//! The operator catalog and the tools that walk it: evaluate, certify, verify, serve.

pub mod accuracy;
pub mod bench;
mod case;
pub mod catalog;
pub mod check;
pub mod cite;
pub mod conform;
mod entry;
pub mod errata;
pub mod exchange;
mod generate;
mod law;
pub mod laws;
mod serve;
mod shape;
mod spec;
pub mod tolerance;
mod value;
pub mod vectors;
mod verify;

pub use case::{Case, Setting};
pub use catalog::{CATALOG, find};
pub use entry::{Args, Entry, Number, Operator, cotangent};
pub use generate::{case as generated_case, on_grid, sized as sized_case};
pub use law::{Closed, Implementation, Law, Relation, Sides, Violation, digits};
pub use serve::{LONGEST, answer, error_to_json, serve};
pub use shape::{ANY, Sizes, found as words_of_shape};
pub use spec::{Domain, Param, Port, Preset, Range, Spec, Tolerance};
pub use value::{Tensor, Value, Values};
pub use verify::{Certified, Report, certified, verify};
