//! Figures and the report of the tour.
