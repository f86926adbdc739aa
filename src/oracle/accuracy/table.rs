//! The measured table, as Markdown.

use super::{FUNCTIONS, Function, Worst};
use std::fmt;

/// Points a range of the `f64` table.
const POINTS: u64 = 1 << 13;

/// What was measured.
#[derive(Clone)]
pub struct Row {
    /// The function.
    pub function: &'static Function,
    /// The number type.
    pub number: &'static str,
    /// Which arguments, in words.
    pub arguments: String,
    /// The greatest error.
    pub worst: Worst,
    /// The stated bound in ulps.
    pub bound: f64,
}

impl Row {
    /// The error is within the stated bound.
    pub fn holds(&self) -> bool {
        self.worst.ulps <= self.bound
    }
}

/// A row of the table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Row { function, number, arguments, worst: Worst { ulps, at, points }, bound } = self;
        let at = if *number == "f32" { format!("{:?}", *at as f32) } else { format!("{at:?}") };
        write!(f, "| {} | {number} | {arguments} | {points} | {ulps:.4} | {at} | {bound:?} |", function.name)
    }
}

/// The `f64` part of the table. Cost: half a million enclosures, about a second.
pub fn measured_f64() -> Vec<Row> {
    let row = |function, arguments, worst| Row { function, number: "f64", arguments, worst, bound: function.bounds[0] };
    let mut rows = Vec::new();
    for function in FUNCTIONS {
        for &[low, high] in function.ranges {
            rows.push(row(function, format!("{low:?} … {high:?}"), function.sampled_f64([low, high], POINTS)));
        }
        rows.push(row(function, "around branch points".into(), function.branches_f64()));
    }
    rows
}

/// The page `docs/accuracy.md`, of [`measured_f64`] and what [`exhaustive`](super::exhaustive) found of every function.
pub fn page(rows: &[Row]) -> String {
    rows.iter().fold(HEAD.to_string(), |page, row| format!("{page}{row}\n"))
}

const HEAD: &str = "# Accuracy of the elementary functions

Written by `white-box verify --exhaustive --table docs/accuracy.md`; not to be edited.

Errors are upper bounds in ulps, the unit of the last place at the size of the true value, against enclosures that contain that value. A
correctly rounded result has at most 0.5. The functions give the same bits on every platform and in vectors of any width.

In `f64` a range is sampled by a Weyl sequence, half of it even in value, half even in the bits. Branch points are those where a formula
changes or the result leaves the normal numbers, with four neighbours on either side. In `f32` every number is measured.

| function | type | arguments | points | worst error, ulp | at | stated bound |
|---|---|---|---|---|---|---|
";
