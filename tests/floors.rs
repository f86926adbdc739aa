//! The building: no room reaches back up, nothing is unsafe outside the dispatch, no dependency.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up. A room uses only rooms that stand before it.
const FLOORS: [&str; 17] = [
    "error",
    "scalar",
    "linalg",
    "random",
    "data",
    "learn",
    "subspace",
    "sparse",
    "denoise",
    "coding",
    "reduction",
    "redunet",
    "transformer",
    "inspect",
    "oracle",
    "report",
    "cli",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
    out.sort();
    out
}
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_string()
}
fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|f| *f == room)
}
/// The code of a file without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|l| !l.trim_start().starts_with("//"))
}

#[test]
fn no_room_reaches_back_up() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let here = room(&path);
        let Some(level) = floor(&here) else {
            assert!(here == "lib" || here == "main", "{}: a room that the floors do not list", path.display());
            continue;
        };
        for line in code(&text) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + 7..];
                let names: Vec<&str> = match rest.strip_prefix('{') {
                    Some(group) => group.split([',', '}']).map(|n| n.trim().split("::").next().unwrap_or("")).collect(),
                    None => vec![rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")],
                };
                let up = names.into_iter().filter(|n| floor(n).is_some_and(|f| f > level));
                wrong.extend(up.map(|n| format!("{}: {here} uses {n}: {}", path.display(), line.trim())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_in_the_dispatch_alone() {
    for (path, text) in sources() {
        let allowed = path.ends_with("linalg/dispatch.rs");
        for line in code(&text) {
            let found = line.contains("unsafe ") || line.contains("unsafe{") || line.contains("allow(unsafe_code)");
            assert!(allowed || !found, "{}: {}", path.display(), line.trim());
        }
    }
}

/// Transcendental functions of std differ between platforms; they must not enter a value.
#[test]
fn no_platform_function_in_a_value_path() {
    let forbidden =
        ["f64::exp(", "f64::ln(", "f64::sin(", "f64::cos(", "f64::tanh(", "f64::powf(", "f64::powi(", "f32::exp(", "f32::ln(", ".powf("];
    for (path, text) in sources() {
        for line in code(&text) {
            for call in forbidden {
                assert!(!line.contains(call), "{}: {}", path.display(), line.trim());
            }
        }
    }
}

#[test]
fn the_crate_depends_on_nothing() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = |name: &str| -> Vec<String> {
        let lines = manifest.lines().skip_while(|l| *l != name).skip(1).take_while(|l| !l.starts_with('['));
        lines.map(|l| l.split('#').next().unwrap_or("").trim().to_string()).filter(|l| !l.is_empty()).collect()
    };
    assert_eq!(section("[dependencies]"), Vec::<String>::new());
    assert!(section("[dev-dependencies]").iter().all(|l| l.starts_with("proptest")));
    assert!(!manifest.contains("[build-dependencies]"));
}
