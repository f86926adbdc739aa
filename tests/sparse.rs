//! The room of sparse codes.

#[path = "sparse/certificates.rs"]
mod certificates;
#[path = "sparse/dictionaries.rs"]
mod dictionaries;
#[path = "sparse/recovery.rs"]
mod recovery;
#[path = "sparse/unrolled.rs"]
mod unrolled;

use white_box::oracle::{CATALOG, verify};

#[test]
fn every_operator_of_the_room_verifies_on_other_seeds() {
    for entry in CATALOG.iter().filter(|e| e.spec().room == "sparse") {
        for seed in 40..43 {
            let report = verify(*entry, 8, seed);
            assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
            assert!(report.undecided <= 1, "{}: {} undecided", report.name, report.undecided);
        }
    }
}
