//! Files read whole, within a stated size, and written whole or not at all.

use crate::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest file read unless the caller says otherwise: 16 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 34;

/// All bytes of a file. `Io` if the system refuses; `Unsupported` above `limit` bytes, without reading them.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let refused = |e: std::io::Error| io(path, "a readable file", e);
    let file = File::open(path).map_err(refused)?;
    let found = file.metadata().map_err(refused)?;
    if found.is_dir() {
        return Err(Error::io(path.display().to_string(), "a file", "a directory"));
    }
    let too_large = |size| Error::unsupported(path.display().to_string(), format!("at most {limit} bytes"), size).named("FileTooLarge");
    if found.len() > limit {
        return Err(too_large(found.len().to_string()));
    }
    // The length was a promise of the moment; a pipe promises nothing. One byte more than the limit shows what is too long.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(found.len() as usize).map_err(|_| too_large(format!("{}, more than there is memory", found.len())))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > limit {
        return Err(too_large("more".into()));
    }
    Ok(bytes)
}

/// Writes a file whole or not at all: into a new file beside it, which then takes its name. Whoever opens `path` meanwhile, or has it mapped,
/// sees the old content or the new, never a part. A link is followed; permissions of a file that is replaced are kept; what is no regular
/// file (a pipe, a terminal) is written directly.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|m| m.is_dir()) {
        return Err(Error::io(path.display().to_string(), "a name for a file", "a directory"));
    }
    if before.as_ref().is_some_and(|m| !m.is_file()) {
        return OpenOptions::new()
            .write(true)
            .open(&target)
            .and_then(|mut f| f.write_all(bytes))
            .map_err(|e| io(path, "a place to write", e));
    }
    let (temporary, mut file) = sibling(&target).map_err(|e| io(path, "a place to write", e))?;
    let written = (|| {
        file.write_all(bytes)?;
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, &target)
    })();
    written.map_err(|e| {
        let _ = fs::remove_file(&temporary);
        io(path, "room to write", e)
    })
}

/// A new, empty file in the directory of `target`.
fn sibling(target: &Path) -> std::io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    target.file_name().ok_or(ErrorKind::InvalidInput)?;
    loop {
        let path = target.with_file_name(format!(".white-box-{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
            opened => return Ok((path, opened?)),
        }
    }
}

fn io(path: &Path, expected: &str, found: std::io::Error) -> Error {
    Error::io(path.display().to_string(), expected, found.to_string())
}
