//! The decompositions against their contracts, closed forms, laws and derivatives, for every number type.

mod derivatives;
mod dft;
mod eigen;
mod invert;
mod matrices;
mod measure;
mod norms;
mod pivoted;
mod polar;
mod qr;
mod spectral;
mod svd;
