//! Files made by NumPy 2.4.6, safetensors 0.8.0 and Python's zipfile (see `fixtures/make.py`): read to the same arrays, written to the same bytes.

use white_box::data::array::place;
use white_box::data::sha256::{sha256, sha256_hex};
use white_box::data::{Array, Dtype, Elements, archive, npy, npz, safetensors};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name))
    };
}

/// Element i is (7 i + 3) mod 101, or mod 2 for truth values.
fn fill(shape: &[usize], dtype: Dtype) -> Array {
    let count: usize = shape.iter().product();
    let modulus = if dtype == Dtype::Bool { 2 } else { 101 };
    Array::from_i64(shape.to_vec(), (0..count as i64).map(|i| (7 * i + 3) % modulus).collect()).unwrap().cast(dtype).unwrap()
}

const NUMPY_TYPES: [Dtype; 12] = [
    Dtype::F64,
    Dtype::F32,
    Dtype::F16,
    Dtype::I64,
    Dtype::I32,
    Dtype::I16,
    Dtype::I8,
    Dtype::U64,
    Dtype::U32,
    Dtype::U16,
    Dtype::U8,
    Dtype::Bool,
];

#[test]
fn npy_files_are_those_of_numpy() {
    let mut shapes: Vec<Vec<usize>> =
        vec![vec![], vec![0], vec![1], vec![5], vec![12], vec![123], vec![2, 3], vec![1, 3], vec![3, 1], vec![0, 4]];
    shapes.extend([
        vec![4, 0],
        vec![2, 3, 4],
        vec![1, 1, 1],
        vec![10, 10],
        vec![1000, 2],
        vec![7, 5, 3, 2],
        vec![2; 5],
        vec![1, 2, 1, 2, 1, 2],
    ]);
    shapes.extend([vec![2; 7], vec![1; 8], vec![2; 10], vec![1; 20], vec![1; 32], vec![1; 64]]);
    let mut all = Vec::new();
    for shape in &shapes {
        for dtype in NUMPY_TYPES {
            let array = fill(shape, dtype);
            let file = npy::write(&array).unwrap();
            assert_eq!(npy::read(&file).unwrap(), (array, vec![]), "{shape:?} {dtype:?}");
            all.extend(file);
        }
    }
    assert_eq!(sha256_hex(&all), "ca0c835dbceb3d53bbacc4bc5fe82704aed554111b757fcb9d61641c0a5f07f6");
}

fn small() -> Vec<(&'static str, Array)> {
    vec![
        ("z", fill(&[3, 4], Dtype::F64)),
        ("labels", fill(&[5], Dtype::I64)),
        ("ε", fill(&[2, 2], Dtype::F32)),
        ("mask", fill(&[3], Dtype::Bool)),
        ("s", fill(&[], Dtype::F16)),
    ]
}
fn owned(arrays: &[(&str, Array)]) -> Vec<(String, Array)> {
    arrays.iter().map(|(name, array)| (name.to_string(), array.clone())).collect()
}

#[test]
fn npz_files_are_those_of_numpy() {
    let arrays = small();
    let file = npz::write(arrays.iter().map(|(n, a)| (*n, a))).unwrap();
    assert_eq!(file, fixture!("stored.npz"));
    assert_eq!(npz::write([]).unwrap(), fixture!("empty.npz"));
    assert_eq!(npz::read(fixture!("empty.npz")).unwrap(), (vec![], vec![]));
    assert_eq!(npz::read(&file).unwrap(), (owned(&arrays), vec![]));
}

#[test]
fn deflated_and_streamed_archives_are_read() {
    assert_eq!(npz::read(fixture!("streamed.npz")).unwrap(), (owned(&small()), vec![]));
    let mut expected = owned(&small());
    expected.push(("big".into(), Array::from_f64(vec![100, 100], vec![0.0; 10000]).unwrap()));
    expected.push(("ramp".into(), Array::from_f64(vec![3000], (0..3000).map(f64::from).collect()).unwrap()));
    assert_eq!(npz::read(fixture!("deflated.npz")).unwrap(), (expected, vec![]));
}

#[test]
fn an_archive_of_65536_members_uses_the_64_bit_records() {
    let arrays: Vec<(String, Array)> =
        (0..65536).map(|i| (format!("k{i}"), Array::new(vec![], Elements::U8(vec![(i % 251) as u8])).unwrap())).collect();
    let file = npz::write(arrays.iter().map(|(n, a)| (n.as_str(), a))).unwrap();
    assert_eq!(sha256_hex(&file), "c13ae8343e56cab76c9f7dc307af75b5c80a7b0e0e3b194b59567cb5d2b02f20");
    assert!(npz::read(&file).unwrap().0 == arrays);
}

#[test]
fn other_orders_and_versions_of_npy_are_read() {
    let read = |bytes: &[u8]| npy::read(bytes).unwrap().0;
    assert_eq!(read(fixture!("fortran.npy")), fill(&[2, 3, 4], Dtype::I16));
    assert_eq!(read(fixture!("big_endian.npy")), fill(&[2, 3], Dtype::F64));
    assert_eq!(read(fixture!("version2.npy")), fill(&[3, 2], Dtype::F32));
    assert_eq!(read(fixture!("version3.npy")), fill(&[3, 2], Dtype::F32));
    assert_eq!(npy::write(&fill(&[3, 2], Dtype::F32)).unwrap().len(), fixture!("version2.npy").len());
}

#[test]
fn safetensors_files_are_those_of_the_reference() {
    let metadata = |value: &str| vec![("k".to_string(), value.to_string())];
    for (file, value) in [(&fixture!("all.safetensors")[..], "v\t"), (fixture!("spec.safetensors"), "v")] {
        let contents = safetensors::read(file).unwrap();
        assert_eq!(contents.metadata, Some(metadata(value)));
        assert_eq!(contents.warnings, [""; 0]);
        // Written from the reverse order: the writer sorts.
        let again = safetensors::write(contents.tensors.iter().rev().map(|(n, a)| (n.as_str(), a)), contents.metadata.as_deref()).unwrap();
        assert_eq!(again, file);
    }
    assert_eq!(safetensors::write([], None).unwrap(), fixture!("empty.safetensors"));
    assert_eq!(safetensors::read(fixture!("empty.safetensors")).unwrap().tensors, []);

    let all = safetensors::read(fixture!("all.safetensors")).unwrap().tensors;
    assert_eq!(all.len(), 12 * 3 + 3);
    for dtype in NUMPY_TYPES {
        for shape in [vec![], vec![3], vec![2, 2]] {
            let found = all.iter().find(|(n, _)| *n == format!("{}.{}", dtype.name(), shape.len()));
            assert_eq!(found.map(|(_, a)| a), Some(&fill(&shape, dtype)), "{dtype:?} {shape:?}");
        }
    }
    assert!(all.iter().any(|(n, _)| n == "quote\"back\\slash\n\u{1}é"));
}

#[test]
fn the_golden_file_of_the_specification() {
    let header = concat!(
        r#"{"__metadata__":{"k":"v"},"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[3],"#,
        r#""data_offsets":[16,28]},"z":{"dtype":"BOOL","shape":[1],"data_offsets":[28,29]}} "#
    );
    let mut file = 0xC0u64.to_le_bytes().to_vec();
    file.extend(header.bytes());
    [0.0f64, 1.0].iter().for_each(|x| file.extend(x.to_le_bytes()));
    [0.0f32, 1.0, 2.0].iter().for_each(|x| file.extend(x.to_le_bytes()));
    file.push(1);
    let z = Array::new(vec![1], Elements::Bool(vec![true])).unwrap();
    let a = Array::from_f64(vec![2], vec![0.0, 1.0]).unwrap();
    let b = Array::new(vec![3], Elements::F32(vec![0.0, 1.0, 2.0])).unwrap();
    let written = safetensors::write([("z", &z), ("b", &b), ("a", &a)], Some(&[("k".into(), "v".into())])).unwrap();
    assert_eq!(written, file);
    assert_eq!(written, fixture!("spec.safetensors"));
}

#[test]
fn metadata_without_entries_is_written_so_that_it_can_be_read() {
    // The reference writes `{},"__metadata__":{}}` here.
    let file = safetensors::write([], Some(&[])).unwrap();
    assert_eq!(&file[8..], b"{\"__metadata__\":{}}     ");
    assert_eq!(safetensors::read(&file).unwrap().metadata, Some(vec![]));
}

#[test]
fn formats_are_told_by_content_not_by_name() {
    let directory = std::env::temp_dir().join(format!("white-box-content-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("misleading.txt");
    let json = br#" {"z": [[1, 2.5], [3, 4]], "labels": [0, 1], "mask": [true, false]}"#;
    let files: [(&[u8], archive::Format, &str); 4] = [
        (fixture!("spec.safetensors"), archive::Format::Safetensors, "a"),
        (fixture!("deflated.npz"), archive::Format::Npz, "z"),
        (fixture!("fortran.npy"), archive::Format::Npy, ""),
        (json, archive::Format::Json, "z"),
    ];
    for (content, format, array) in files {
        std::fs::write(&path, content).unwrap();
        let read = archive::read_named(&path).unwrap();
        assert_eq!(read.format, format);
        assert!(read.get(array).is_some(), "{format:?}");
        // And through each format that can hold it.
        let arrays: Vec<(&str, &Array)> = read.arrays.iter().map(|(n, a)| (n.as_str(), a)).collect();
        for (extension, single) in [("safetensors", false), ("npz", false), ("NPZ", false), ("json", false), ("npy", true)] {
            if single && arrays.len() > 1 {
                continue;
            }
            let out = directory.join(format!("out.{extension}"));
            archive::write_named(&out, arrays.iter().copied()).unwrap();
            let back = archive::read_named(&out).unwrap();
            for (name, array) in &arrays {
                let found = back.get(name).unwrap_or_else(|| panic!("{name} in {extension}"));
                assert_eq!(found.shape(), array.shape());
                assert_eq!(found.to_f64().unwrap(), array.to_f64().unwrap());
            }
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn sha256_of_the_standard() {
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(sha256_hex(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_eq!(sha256_hex(&vec![b'a'; 1_000_000]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // Each length around the end of a block, folded into one digest; the value is Python's hashlib's.
    let folded = (0..200u8).fold(vec![], |all: Vec<u8>, n| [all, sha256(&vec![n; n.into()]).to_vec()].concat());
    assert_eq!(sha256_hex(&folded), "6f979b0f53f1f6efc88ce8829b3e9c0d7711e102a3cfe31394c5d6c3232047ad");
}

#[test]
fn places_are_row_column() {
    assert_eq!(place(&[2, 3], 5), "[1, 2]");
    assert_eq!(place(&[], 0), "[]");
}
