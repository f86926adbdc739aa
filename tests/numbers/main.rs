//! The numbers: every bound and every promise of the documentation, against exact arithmetic in integers.

mod ball;
mod double;
mod dual;
mod elementary;
mod exact;
mod laws;
mod source;
mod text;
