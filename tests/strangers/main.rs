//! What strangers use: the golden vectors, the Python clients, `conform`.

mod conform;
mod python;
mod vectors;
