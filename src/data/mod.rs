//! Data: file formats, embedded digits, synthetic sources.
