//! A set on disk: folders, the list of hashes, a note for readers.

use super::{FORMAT, Folder, Plan, Proof, folder};
use crate::data::file;
use crate::data::sha256::sha256_hex;
use crate::oracle::Entry;
use crate::{Error, Result};
use std::path::Path;

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// Folders.
    pub folders: usize,
    /// Valid cases, invalid cases, chains.
    pub cases: [usize; 3],
    /// Bytes of all files listed.
    pub bytes: usize,
    /// Over all folders written.
    pub proof: Proof,
    /// SHA-256 of the file `SHA256SUMS`: one number for the whole set.
    pub hash: String,
}

const README: &str = include_str!("readme.md");
const SUMS: &str = "SHA256SUMS";

/// Writes the folders of these operators into `dir`, then `README.md` and `SHA256SUMS`. A folder that is written again loses the files that it no longer
/// has; folders of other operators stay as they are and stay listed. `progress` sees each folder as it is done. Errors: `Io`, and those of the operators.
pub fn write(dir: &Path, entries: &[&'static dyn Entry], plan: &Plan, progress: &mut dyn FnMut(&Folder)) -> Result<Set> {
    let create = |path: &Path| {
        std::fs::create_dir_all(path).map_err(|e| Error::io(path.display().to_string(), "a folder that can be made", e.to_string()))
    };
    create(dir)?;
    let old = listed(dir)?;
    let mut set = Set::default();
    let mut lines: Vec<(String, String)> = Vec::new();
    for entry in entries {
        let folder = folder(*entry, plan)?;
        let place = dir.join(folder.operator);
        create(&place)?;
        for (name, bytes) in &folder.files {
            file::write(&place.join(name), bytes)?;
            lines.push((format!("{}/{name}", folder.operator), sha256_hex(bytes)));
            set.bytes += bytes.len();
        }
        set.folders += 1;
        (0..3).for_each(|i| set.cases[i] += folder.cases[i]);
        set.proof.add(&folder.proof);
        progress(&folder);
    }
    file::write(&dir.join("README.md"), README.as_bytes())?;
    lines.push(("README.md".into(), sha256_hex(README.as_bytes())));
    for (path, hash) in old {
        if lines.iter().any(|(p, _)| *p == path) {
            continue;
        }
        let operator = path.split('/').next().unwrap_or("");
        if entries.iter().any(|e| e.spec().name == operator) {
            let stale = dir.join(&path);
            if stale.is_file() {
                std::fs::remove_file(&stale)
                    .map_err(|e| Error::io(stale.display().to_string(), "a file that can be removed", e.to_string()))?;
            }
        } else if dir.join(&path).is_file() {
            lines.push((path, hash));
        }
    }
    lines.sort();
    let text: String = lines.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    file::write(&dir.join(SUMS), text.as_bytes())?;
    set.hash = sha256_hex(text.as_bytes());
    Ok(set)
}

/// The files of an earlier set here, if there is one. Errors: `Format` if `SHA256SUMS` is something else: then the folder is no set, and is left alone.
fn listed(dir: &Path) -> Result<Vec<(String, String)>> {
    let path = dir.join(SUMS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = file::read(&path, 1 << 26)?;
    let wrong =
        |line: &str| Error::format(path.display().to_string(), format!("the list of a {FORMAT} set"), line.escape_default().to_string());
    let text = String::from_utf8(bytes).map_err(|_| wrong("bytes that are no text"))?;
    text.lines()
        .map(|line| match line.split_once("  ") {
            Some((hash, path)) if hash.len() == 64 && inside(path) => Ok((path.to_string(), hash.to_string())),
            _ => Err(wrong(line)),
        })
        .collect()
}

/// A name that this crate could have written: one folder deep at most, and no way out.
fn inside(path: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    path.split('/').count() <= 2 && path.split('/').all(plain)
}
