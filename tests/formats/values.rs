//! Half precision, conversions between element types, files on disk.

use super::name;
use std::fs;
use white_box::data::half::*;
use white_box::data::sha256::sha256_hex;
use white_box::data::{Array, Dtype, Elements, archive, file};

#[test]
fn every_half_decodes_as_numpy_does_and_encodes_back() {
    let mut bytes = Vec::new();
    for bits in 0..=u16::MAX {
        let x = f16_to_f64(bits);
        assert_eq!(f16_from_f64(x), bits);
        assert_eq!(bf16_from_f64(bf16_to_f64(bits)), bits);
        // bfloat16 is the upper half of an f32.
        let single = f64::from(f32::from_bits(u32::from(bits) << 16));
        assert!(bf16_to_f64(bits).to_bits() == single.to_bits() || single.is_nan() && bf16_to_f64(bits).is_nan(), "{bits:04x}");
        if !x.is_nan() {
            bytes.extend(x.to_le_bytes());
        }
    }
    assert_eq!(sha256_hex(&bytes), "79fc8fde206ab7db2664c1760bbe8c8b0fc5adf41ce6112ff5bde9f19a6d9b46");
}

/// Between neighbours `lower` and `upper`: what is nearer wins, and the even one at the middle.
fn check_rounding(encode: fn(f64) -> u16, decode: fn(u16) -> f64, infinity: u16) {
    for lower in 0..infinity - 1 {
        let (a, b) = (decode(lower), decode(lower + 1));
        let middle = (a + b) / 2.0;
        assert!(a < middle && middle < b && middle - a == b - middle);
        let even = lower + (lower & 1);
        for sign in [1.0, -1.0] {
            let bit = if sign < 0.0 { 0x8000 } else { 0 };
            assert_eq!(encode(sign * middle), even | bit, "{middle}");
            assert_eq!(encode(sign * middle.next_down()), lower | bit);
            assert_eq!(encode(sign * middle.next_up()), (lower + 1) | bit);
        }
    }
    let largest = decode(infinity - 1);
    let edge = largest + (largest - decode(infinity - 2)) / 2.0;
    assert_eq!(encode(edge.next_down()), infinity - 1);
    assert_eq!([encode(edge), encode(f64::MAX), encode(f64::INFINITY)], [infinity; 3]);
    assert_eq!(encode(f64::NEG_INFINITY), infinity | 0x8000);
    assert_eq!([encode(0.0), encode(-0.0), encode(5e-324), encode(-1e-300)], [0, 0x8000, 0, 0x8000]);
    assert!(decode(encode(f64::NAN)).is_nan());
    assert!(decode(encode(f64::from_bits(0x7ff0_0000_0000_0001))).is_nan());
}

#[test]
fn encoding_rounds_once_to_nearest_even() {
    check_rounding(f16_from_f64, f16_to_f64, 0x7c00);
    check_rounding(bf16_from_f64, bf16_to_f64, 0x7f80);
    // Through f32 this would be a tie and round to even, one unit lower.
    let x = 1.0 + 1.0 / 2048.0 + 1e-12;
    assert_eq!(f16_from_f64(x), 0x3c01);
    assert_eq!(f16_from_f64(f64::from(x as f32)), 0x3c00);
}

#[test]
fn conversions_are_exact_or_errors() {
    let array = |elements: Elements| Array::new(vec![elements.len()], elements).unwrap();
    let large = array(Elements::I64(vec![0, (1 << 53) + 1]));
    let error = large.to_f64().unwrap_err();
    assert_eq!((error.kind(), error.fault().name, error.fault().at.as_str()), ("domain", "Inexact", "[1]"));
    assert_eq!(array(Elements::I64(vec![1 << 60, i64::MIN])).to_f64().unwrap(), [2f64.powi(60), -(2f64.powi(63))]);
    assert_eq!(name(array(Elements::I64(vec![i64::MAX])).to_f64()), "Inexact");
    assert_eq!(name(array(Elements::U64(vec![u64::MAX])).to_f64()), "Inexact");
    assert_eq!(array(Elements::U64(vec![1 << 63])).to_f64().unwrap(), [2f64.powi(63)]);
    assert_eq!(name(array(Elements::U64(vec![1 << 63])).to_i64()), "Inexact");
    assert_eq!(array(Elements::F64(vec![-3.0, -0.0, -(2f64.powi(63))])).to_i64().unwrap(), [-3, 0, i64::MIN]);
    for x in [0.5, f64::NAN, f64::INFINITY, 2f64.powi(63), -(2f64.powi(63)) * 1.5] {
        assert_eq!(name(array(Elements::F64(vec![x])).to_i64()), "Inexact", "{x}");
    }
    assert_eq!(array(Elements::F16(vec![0x3c00])).to_i64().unwrap(), [1]);
    assert_eq!(array(Elements::Bool(vec![true, false])).to_f64().unwrap(), [1.0, 0.0]);

    let reals = array(Elements::F64(vec![0.1, -0.0, f64::INFINITY]));
    assert_eq!(reals.cast(Dtype::F32).unwrap().elements(), &Elements::F32(vec![0.1, -0.0, f32::INFINITY]));
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        assert_eq!(name(array(Elements::F64(vec![f64::MAX])).cast(dtype)), "Inexact");
    }
    assert_eq!(name(array(Elements::F64(vec![65520.0])).cast(Dtype::F16)), "Inexact");
    assert_eq!(name(array(Elements::I64(vec![256])).cast(Dtype::U8)), "Inexact");
    assert_eq!(name(array(Elements::I64(vec![-1])).cast(Dtype::U64)), "Inexact");
    assert_eq!(name(array(Elements::I64(vec![2])).cast(Dtype::Bool)), "Inexact");
    assert_eq!(array(Elements::U64(vec![u64::MAX])).cast(Dtype::U64).unwrap().elements(), &Elements::U64(vec![u64::MAX]));
    for from in Dtype::ALL {
        for to in Dtype::ALL {
            let ones = array(Elements::I64(vec![0, 1])).cast(from).unwrap().cast(to).unwrap();
            assert_eq!((ones.dtype(), ones.to_i64().unwrap()), (to, vec![0, 1]));
        }
    }
}

#[test]
fn a_shape_fits_its_elements() {
    assert_eq!(name(Array::from_f64(vec![2, 2], vec![0.0; 3])), "shape");
    assert_eq!(name(Array::from_f64(vec![usize::MAX, 2], vec![])), "Overflow");
    assert_eq!(name(Array::from_f64(vec![1 << 33, 1 << 33], vec![])), "Overflow");
    assert_eq!(name(Array::from_f64(vec![1; 65], vec![0.0])), "RankTooLarge");
    assert!(Array::from_f64(vec![], vec![0.0]).is_ok());
    // Equal by bits.
    let one = |x: f64| Array::from_f64(vec![], vec![x]).unwrap();
    assert!(one(f64::NAN) == one(f64::NAN) && one(0.0) != one(-0.0));
    assert!(Elements::F16(vec![1]) != Elements::U16(vec![1]));
}

/// A directory of this test, removed at the end.
struct Scratch(std::path::PathBuf);
impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("white-box-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let scratch = Scratch::new("write");
    let path = scratch.0.join("a.bin");
    file::write(&path, b"one").unwrap();
    file::write(&path, b"another").unwrap();
    assert_eq!(file::read(&path, 7).unwrap(), b"another");
    assert_eq!(name(file::read(&path, 6)), "FileTooLarge");
    assert_eq!(scratch.names(), ["a.bin"]);
    // What cannot be written leaves no trace, and what was there stays.
    fs::create_dir(scratch.0.join("d")).unwrap();
    assert_eq!(name(file::write(&scratch.0.join("d"), b"x")), "io");
    assert_eq!(name(file::write(&scratch.0.join("missing/x"), b"x")), "io");
    assert_eq!(name(file::write(std::path::Path::new(""), b"x")), "io");
    assert_eq!(name(file::write(std::path::Path::new("/"), b"x")), "io");
    assert_eq!(name(file::read(&scratch.0.join("d"), 10)), "io");
    assert_eq!(name(file::read(&scratch.0.join("none"), 10)), "io");
    assert_eq!(scratch.names(), ["a.bin", "d"]);
    let two = Array::from_f64(vec![1], vec![1.0]).unwrap();
    assert_eq!(name(archive::write_named(&scratch.0.join("x.npy"), [("a", &two), ("b", &two)])), "usage");
    assert_eq!(name(archive::write_named(&scratch.0.join("x.txt"), [("a", &two)])), "usage");
    assert_eq!(scratch.names(), ["a.bin", "d"]);
}

#[cfg(unix)]
#[test]
fn links_permissions_and_devices_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let scratch = Scratch::new("unix");
    let (real, link) = (scratch.0.join("real"), scratch.0.join("link"));
    fs::write(&real, b"old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    file::write(&link, b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&real).unwrap(), b"new");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    // What is no file is written to, not replaced.
    let pipe = scratch.0.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let other_end = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    file::write(&pipe, b"through").unwrap();
    assert_eq!(other_end.join().unwrap(), b"through");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
    // A device promises no length and gives without end.
    assert_eq!(name(file::read(std::path::Path::new("/dev/zero"), 1000)), "FileTooLarge");
}

#[test]
fn strangers_are_recognised() {
    let verdict = |bytes: &[u8]| name(archive::decode(bytes));
    assert_eq!(verdict(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "Pickle");
    assert_eq!(verdict(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), "Gzip");
    assert_eq!(verdict(b"\x89HDF\r\n\x1a\n"), "Hdf5");
    assert_eq!(verdict(b""), "UnknownFormat");
    assert_eq!(verdict(b"hello"), "UnknownFormat");
    assert_eq!(verdict(b"1,2\n3,4\n"), "format");
    assert_eq!(verdict(&[&u64::MAX.to_le_bytes()[..], b"{\"a\":"].concat()), "HeaderTooLarge");
    assert_eq!(verdict(&[0; 8]), "format");
    // A header of 0x0588 bytes begins like a pickle, one of 0x088b1f like a gzip file; they are neither.
    for length in [0x0280, 0x0588, 0x0008_8b1f] {
        let file = [&(length as u64).to_le_bytes()[..], b"{}", &vec![b' '; length - 2]].concat();
        assert!(archive::decode(&file).unwrap().arrays.is_empty());
    }
}
