//! NumPy's `.npz`: a ZIP archive with one `.npy` file for each named array.

use super::array::Array;
use super::{foreign, npy, quoted, zip};
use crate::{Error, Result};
use std::collections::HashSet;

/// How far an archive may expand.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one member.
    pub member: u64,
    /// Bytes of all members.
    pub total: u64,
}
impl Default for Limits {
    /// 4 GiB a member, 8 GiB in all.
    fn default() -> Limits {
        Limits { member: 4 << 30, total: 8 << 30 }
    }
}

/// The named arrays of an archive, in the order of its directory, and warnings; with the default [`Limits`].
pub fn read(bytes: &[u8]) -> Result<(Vec<(String, Array)>, Vec<String>)> {
    read_within(bytes, Limits::default())
}

/// The named arrays of an archive, in the order of its directory, and warnings.
///
/// A member that is no `.npy` is passed over with a warning. `Format` if the archive or a member is broken or a name comes twice (NumPy keeps the last).
pub fn read_within(bytes: &[u8], limits: Limits) -> Result<(Vec<(String, Array)>, Vec<String>)> {
    let members = zip::members(bytes)?;
    if members.iter().any(|m| m.name == "data.pkl" || m.name.ends_with("/data.pkl")) {
        return Err(foreign::pickle());
    }
    let mut names = HashSet::new();
    let mut total = 0u64;
    for member in &members {
        let at = |e: Error| e.within(&format!("member {}", quoted(&member.name)));
        if !names.insert(member.name.as_str()) {
            return Err(super::json::duplicate(&member.name));
        }
        total = total.saturating_add(member.size);
        if member.size > limits.member {
            return Err(at(
                Error::unsupported("", format!("at most {} bytes", limits.member), member.size.to_string()).named("MemberTooLarge")
            ));
        }
        if total > limits.total {
            return Err(at(
                Error::unsupported("", format!("at most {} bytes in all members", limits.total), "more").named("ArchiveTooLarge")
            ));
        }
    }
    let (mut arrays, mut warnings) = (Vec::new(), Vec::new());
    for member in &members {
        let at = format!("member {}", quoted(&member.name));
        match member.name.strip_suffix(".npy") {
            Some(key) => {
                let (array, notes) = member.read(limits.member).and_then(|content| npy::read(&content)).map_err(|e| e.within(&at))?;
                warnings.extend(notes.into_iter().map(|note| format!("{at}: {note}")));
                arrays.push((key.to_string(), array));
            }
            None => warnings.push(format!("{at}: passed over, its name does not end in .npy")),
        }
    }
    Ok((arrays, warnings))
}

/// The archive of these arrays, byte for byte as `numpy.savez` writes it. `Usage` if a name comes twice or cannot be the name of a member;
/// `Unsupported` as in [`npy::write`].
pub fn write<'a>(arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> Result<Vec<u8>> {
    let mut names = HashSet::new();
    let mut archive = zip::Writer::new();
    for (name, array) in arrays {
        if !names.insert(name) {
            return Err(Error::usage("", "each name once", format!("{} twice", quoted(name))).named("DuplicateKey"));
        }
        let content = npy::write(array).map_err(|e| e.within(&format!("array {}", quoted(name))))?;
        archive.add(&format!("{name}.npy"), &content)?;
    }
    Ok(archive.finish())
}
