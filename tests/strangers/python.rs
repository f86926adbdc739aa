//! The Python clients, with the machine's own Python 3 and no packages.

use std::path::{Path, PathBuf};
use std::process::Command;

pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter: `$PYTHON`, else `python3`. Without one the tests that need it cannot run: they say so, and how to make them.
pub fn python() -> Option<String> {
    let name = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    match Command::new(&name).args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status() {
        Ok(status) if status.success() => Some(name),
        found => {
            // Past the capture of the test harness, so that nobody takes this for a pass.
            let message =
                format!("NOT TESTED: the Python clients need Python 3.8 or later; `{name}`: {found:?}. Install it or set PYTHON.\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
            None
        }
    }
}

fn run(script: &str, argument: &str) {
    let Some(python) = python() else { return };
    let out = Command::new(python).arg(repository("tests/strangers").join(script)).arg(argument).output().unwrap();
    assert!(out.status.success(), "{script}:\n{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8_lossy(&out.stderr).to_string();
    assert!(said.contains("OK") && !said.contains("Ran 0 tests"), "{said}");
}

#[test]
fn the_client_asks_the_oracle() {
    run("oracle.py", env!("CARGO_BIN_EXE_white-box"));
}

#[test]
fn the_reader_of_the_vectors_needs_no_program() {
    run("vectors.py", repository("tests/vectors").to_str().unwrap());
}
