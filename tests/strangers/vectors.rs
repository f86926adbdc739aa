//! The golden vectors: the committed set is what this code makes, on any number of threads; and what is in it.

use super::python::repository;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use white_box::data::json::Json;
use white_box::data::safetensors;
use white_box::data::sha256::sha256_hex;
use white_box::linalg::threads::with_threads;
use white_box::oracle::vectors::{Folder, Plan, folder, write};
use white_box::oracle::{CATALOG, find};

const REFRESH: &str = "cargo run --release -- vectors --core --out tests/vectors";
const LARGEST_FOLDER: usize = 200_000;

/// Every folder of the core set, made once.
fn made() -> &'static [Folder] {
    static MADE: OnceLock<Vec<Folder>> = OnceLock::new();
    MADE.get_or_init(|| CATALOG.iter().map(|e| folder(*e, &Plan::CORE).unwrap_or_else(|err| panic!("{}: {err}", e.spec().name))).collect())
}

/// All files below a folder, by relative path.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, at: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, out);
            } else {
                let name: Vec<String> = path.strip_prefix(root).unwrap().iter().map(|p| p.to_string_lossy().to_string()).collect();
                out.insert(name.join("/"), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

/// The committed bytes were written by an optimised build: equal bytes here are also equal bytes at another optimisation level.
#[test]
fn the_committed_set_is_made_again_byte_for_byte() {
    let committed = files(&repository("tests/vectors"));
    let mut wanted: BTreeMap<String, &[u8]> = BTreeMap::new();
    for f in made() {
        for (name, bytes) in &f.files {
            wanted.insert(format!("{}/{name}", f.operator), bytes);
        }
    }
    let listed = |path: &str| path == "README.md" || path == "SHA256SUMS";
    let differs: Vec<&str> =
        wanted.iter().filter(|(p, b)| committed.get(*p).map(Vec::as_slice) != Some(**b)).map(|(p, _)| p.as_str()).collect();
    let stray: Vec<&str> = committed.keys().filter(|p| !listed(p) && !wanted.contains_key(*p)).map(String::as_str).collect();
    assert!(
        differs.is_empty() && stray.is_empty(),
        "{} files differ ({}), {} are strays ({}); if that is meant: {REFRESH}",
        differs.len(),
        differs[..differs.len().min(5)].join(", "),
        stray.len(),
        stray[..stray.len().min(5)].join(", ")
    );
    let sums = String::from_utf8(committed["SHA256SUMS"].clone()).unwrap();
    let expected: String = committed.iter().filter(|(p, _)| *p != "SHA256SUMS").map(|(p, b)| format!("{}  {p}\n", sha256_hex(b))).collect();
    let mut lines: Vec<&str> = expected.lines().collect();
    lines.sort_by_key(|l| l.split_once("  ").map(|(_, p)| p));
    assert_eq!(sums.lines().collect::<Vec<_>>(), lines, "SHA256SUMS is out of date: {REFRESH}");
}

fn hash(folders: &[Folder]) -> String {
    let all: Vec<u8> = folders.iter().flat_map(|f| f.files.iter().flat_map(|(n, b)| [n.as_bytes(), b].concat())).collect();
    sha256_hex(&all)
}

#[test]
fn one_hash_on_any_number_of_threads() {
    let of = |threads| hash(&with_threads(threads, || CATALOG.iter().map(|e| folder(*e, &Plan::CORE).unwrap()).collect::<Vec<_>>()));
    let (one, three) = (of(1), of(3));
    assert_eq!(one, three);
    assert_eq!(one, hash(made()));
}

#[test]
fn folders_are_small_and_their_numbers_proven() {
    let (mut numbers, mut correct, mut zeros) = (0, 0, 0);
    for f in made() {
        let bytes: usize = f.files.iter().map(|(_, b)| b.len()).sum();
        assert!(bytes <= LARGEST_FOLDER, "{}: {bytes} bytes", f.operator);
        let [valid, invalid, _] = f.cases;
        assert!(valid >= 3 && invalid >= 3, "{}: {valid} cases, {invalid} to refuse", f.operator);
        numbers += f.proof.numbers;
        correct += f.proof.correct;
        zeros += f.proof.zeros;
    }
    // What is not proven is 0 within its enclosure, but for a number in five hundred.
    assert!(correct + zeros + numbers / 500 >= numbers, "{correct} + {zeros} of {numbers}");
    assert!(10 * correct >= 9 * numbers, "{correct} of {numbers}");
}

#[test]
fn every_preset_and_what_tells_it_apart_is_there() {
    for f in made() {
        let (_, manifest) = f.files.last().unwrap();
        let manifest = Json::parse(manifest).unwrap();
        let tests = manifest.get("tests").unwrap().as_array().unwrap();
        assert_eq!(manifest.get("numberOfTests").unwrap().as_u64(), Some(tests.len() as u64));
        for preset in std::iter::once("paper").chain(find(f.operator).unwrap().spec().presets.iter().map(|p| p.name)) {
            let of = |t: &&Json| {
                t.get("preset").and_then(Json::as_str) == Some(preset) && t.get("result").and_then(Json::as_str) == Some("valid")
            };
            assert!(tests.iter().any(|t| of(&t)), "{}: no case for {preset}", f.operator);
        }
        let noted = manifest.get("notes").unwrap();
        for test in tests {
            let file = test.get("file").unwrap().as_str().unwrap();
            let (_, bytes) = f.files.iter().find(|(n, _)| n == file).unwrap();
            assert_eq!(test.get("sha256").unwrap().as_str(), Some(sha256_hex(bytes).as_str()));
            let arrays = safetensors::read(bytes).unwrap().tensors;
            for flag in test.get("flags").unwrap().as_array().unwrap() {
                assert!(noted.get(flag.as_str().unwrap()).is_some(), "{}: {flag} has no note", f.operator);
            }
            // Only cases that say so have inputs that bf16 cannot hold.
            let flagged = |name: &str| test.get("flags").unwrap().as_array().unwrap().iter().any(|x| x.as_str() == Some(name));
            let held = arrays.iter().filter(|(n, a)| n.starts_with("in/") && a.dtype().is_real()).all(|(_, a)| {
                let held = |x: &f64| !x.is_finite() || white_box::data::half::bf16_to_f64(white_box::data::half::bf16_from_f64(*x)) == *x;
                a.to_f64().unwrap().iter().all(held)
            });
            assert!(held || flagged("NotBf16") || test.get("result").and_then(Json::as_str) == Some("invalid"), "{} {file}", f.operator);
        }
    }
}

/// A set that is written again loses what it no longer has and keeps what was not asked for.
#[test]
fn a_set_is_brought_up_to_date() {
    let dir = std::env::temp_dir().join(format!("white-box-set-{}", std::process::id()));
    let (gram, softmax) = (find("gram").unwrap(), find("softmax").unwrap());
    let all = Plan { cases: 9, all: true, seed: 5 };
    let first = write(&dir, &[gram, softmax], &all, &mut |_| {}).unwrap();
    let again = write(&dir, &[gram, softmax], &all, &mut |_| {}).unwrap();
    assert_eq!(first.hash, again.hash);
    let before = files(&dir);
    write(&dir, &[gram], &Plan { cases: 1, ..all }, &mut |_| {}).unwrap();
    let after = files(&dir);
    let count = |files: &BTreeMap<String, Vec<u8>>, op: &str| files.keys().filter(|p| p.starts_with(op)).count();
    assert!(count(&after, "gram/") < count(&before, "gram/") && count(&after, "softmax/") == count(&before, "softmax/"));
    let sums = String::from_utf8(after["SHA256SUMS"].clone()).unwrap();
    assert_eq!(sums.lines().count() + 1, after.len(), "every file but the list itself is listed");
    // A list that is no list is left alone, and so is everything beside it.
    std::fs::write(dir.join("SHA256SUMS"), "0000  ../../etc/passwd\n").unwrap();
    assert_eq!(write(&dir, &[gram], &all, &mut |_| {}).unwrap_err().kind(), "format");
    std::fs::remove_dir_all(&dir).unwrap();
}
