//! What implementations of this field get wrong, each a formula that is tried on the question at hand.

mod attention;
mod factors;
mod formulas;
mod questions;
mod results;

use super::mistake::Mistake;

/// All of them, from the most to the least common kind.
pub fn mistakes() -> impl Iterator<Item = &'static Mistake> {
    factors::FACTORS.iter().chain(questions::QUESTIONS).chain(results::RESULTS).chain(formulas::FORMULAS).chain(attention::ATTENTION)
}
