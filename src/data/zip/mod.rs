//! ZIP archives (PKWARE APPNOTE 6.3, with its 64-bit extension), as `.npz` files are made of: members stored or deflated.
//!
//! The reader allows one meaning only: the end record is at the end, the directory before it, the members before that from byte 0 on, and no two
//! share a byte, so an archive cannot expand the same bytes again and again. Checksums are always verified.

mod read;
mod write;

pub use read::{Member, members};
pub use write::Writer;

// The four bytes that begin each record.
const LOCAL: u32 = 0x0403_4B50;
const CENTRAL: u32 = 0x0201_4B50;
const END: u32 = 0x0605_4B50;
const END64: u32 = 0x0606_4B50;
const LOCATOR: u32 = 0x0706_4B50;
