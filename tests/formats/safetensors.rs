//! Hostile safetensors files, numbered as in the table of known attacks and parser differences.

use super::{message, name};
use white_box::data::safetensors::{Limits, read, read_within, write};
use white_box::data::{Array, Elements};

/// A file of this header, padded by nothing, and `size` zero bytes of data.
fn file(header: &str, size: usize) -> Vec<u8> {
    raw(header.as_bytes(), size)
}
fn raw(header: &[u8], size: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, &vec![0; size]].concat()
}
/// The error of a file with this header.
fn verdict(header: &str, size: usize) -> &'static str {
    name(read(&file(header, size)))
}
fn accepted(header: &str, size: usize) -> usize {
    read(&file(header, size)).unwrap().tensors.len()
}
fn entry(dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}
fn one(dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#"{{"a":{}}}"#, entry(dtype, shape, begin, end))
}

#[test]
fn case_1_2_too_short() {
    assert_eq!(name(read(b"")), "HeaderTooSmall");
    assert_eq!(name(read(&[0; 7])), "HeaderTooSmall");
    assert_eq!(name(read(&[0; 8])), "format");
}

#[test]
fn case_3_4_5_header_length() {
    assert_eq!(name(read(&[&100_000_001u64.to_le_bytes()[..], b"{}"].concat())), "HeaderTooLarge");
    assert_eq!(name(read(&[&u64::MAX.to_le_bytes()[..], b"{}"].concat())), "HeaderTooLarge");
    assert_eq!(name(read(&[&100_000_000u64.to_le_bytes()[..], b"{}"].concat())), "InvalidHeaderLength");
    assert_eq!(name(read(&[&3u64.to_le_bytes()[..], b"{}"].concat())), "InvalidHeaderLength");
    assert_eq!(name(read(&[&1u64.to_le_bytes()[..], b"{}"].concat())), "format");
    assert_eq!(name(read_within(&file("{}", 0), Limits { header: 1, tensors: 1 })), "HeaderTooLarge");
}

#[test]
fn case_6_data_of_another_length() {
    let header = one("F64", "[2]", 0, 16);
    assert_eq!(accepted(&header, 16), 1);
    assert_eq!(verdict(&header, 17), "TrailingData");
    assert_eq!(verdict(&header, 15), "Truncated");
    assert_eq!(verdict("{}", 1), "TrailingData");
    assert_eq!(verdict(r#"{"__metadata__":{}}"#, 1), "TrailingData");
}

#[test]
fn case_7_8_9_10_11_names_twice() {
    let (a, b) = (entry("F32", "[2]", 0, 8), entry("F64", "[2]", 0, 16));
    assert_eq!(verdict(&format!(r#"{{"a":{a},"a":{a}}}"#), 8), "DuplicateKey");
    assert_eq!(verdict(&format!(r#"{{"a":{a},"a":{b}}}"#), 16), "DuplicateKey");
    assert_eq!(verdict(&format!(r#"{{"a":{a},"\u0061":{a}}}"#), 8), "DuplicateKey");
    assert_eq!(verdict(r#"{"__metadata__":{},"__metadata__":{}}"#, 0), "DuplicateKey");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1), "DuplicateKey");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}"#, 1), "DuplicateKey");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}"#, 1), "DuplicateKey");
    assert_eq!(verdict(r#"{"__metadata__":{"k":"1","k":"2"}}"#, 0), "DuplicateKey");
}

#[test]
fn case_12_entries_of_another_form() {
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}"#, 1), "UnknownField");
    assert_eq!(verdict(r#"{"a":["F32",[2],[0,8]]}"#, 8), "format");
    assert_eq!(verdict(r#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, 1), "MissingField");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, 1), "MissingField");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1]}}"#, 1), "MissingField");
    assert_eq!(verdict(r#"{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}"#, 1), "format");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}"#, 1), "format");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1), "InvalidOffsets");
    assert_eq!(verdict(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#, 1), "TooManyNumbers");
    assert_eq!(verdict("[]", 0), "format");
    assert_eq!(verdict("null", 0), "format");
    assert_eq!(verdict("{}{}", 0), "format");
}

#[test]
fn case_13_14_metadata() {
    assert_eq!(verdict(r#"{"__metadata__":null}"#, 0), "format");
    assert_eq!(verdict(r#"{"__metadata__":{"k":1}}"#, 0), "format");
    assert_eq!(verdict(r#"{"__metadata__":{"k":{}}}"#, 0), "format");
    assert_eq!(read(&file(r#"{"__metadata__":{}}"#, 0)).unwrap().metadata, Some(vec![]));
    assert_eq!(read(&file("{}", 0)).unwrap().metadata, None);
}

#[test]
fn case_15_16_17_ranges() {
    let two = |a: (u64, u64), b: (u64, u64), size| {
        let part = |(begin, end): (u64, u64)| entry("U8", &format!("[{}]", end.saturating_sub(begin)), begin, end);
        read(&file(&format!(r#"{{"a":{},"b":{}}}"#, part(a), part(b)), size))
    };
    let tied = two((0, 4), (0, 4), 4);
    assert_eq!(name(tied.clone()), "Overlap");
    assert!(message(tied).contains("tied weights"));
    assert_eq!(name(two((0, 3), (2, 4), 8)), "Overlap");
    assert_eq!(name(two((0, 2), (3, 4), 4)), "Hole");
    assert_eq!(name(two((1, 2), (2, 4), 4)), "Hole");
    assert_eq!(name(two((2, 0), (2, 4), 4)), "InvalidOffsets");
    assert_eq!(verdict(&one("F64", "[2]", 0, 15), 15), "SizeMismatch");
    assert_eq!(verdict(&one("F64", "[2]", 0, 17), 17), "SizeMismatch");
    let read = two((2, 4), (0, 2), 4).unwrap();
    assert_eq!(read.tensors.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert!(read.warnings.is_empty());
}

#[test]
fn case_18_19_products_that_overflow() {
    for shape in [
        "[4294967296,4294967296]",
        "[2305843009213693952]",
        "[281474976710656]",
        "[0,18446744073709551615,2]",
        "[18446744073709551615,2,0]",
    ] {
        assert_eq!(verdict(&one("U8", shape, 0, 0), 0), "Overflow", "{shape}");
    }
    // 2^61 elements of 8 bytes: the count fits, the bytes do not.
    assert_eq!(verdict(&one("F64", "[2147483648,1073741824]", 0, 0), 0), "SizeMismatch");
    assert_eq!(accepted(&one("U8", "[0,281474976710655,281474976710655]", 0, 0), 0), 1);
    let many = |n| format!("[{}]", vec!["1"; n].join(","));
    assert_eq!(accepted(&one("U8", &many(64), 0, 1), 1), 1);
    assert_eq!(verdict(&one("U8", &many(65), 0, 1), 1), "TooManyNumbers");
}

#[test]
fn case_20_empty_tensors_sit_at_a_boundary() {
    let with =
        |at: u64| format!(r#"{{"a":{},"e":{},"b":{}}}"#, entry("U8", "[4]", 0, 4), entry("F64", "[0]", at, at), entry("U8", "[2]", 4, 6));
    for at in [0, 4, 6] {
        assert_eq!(accepted(&with(at), 6), 3);
    }
    assert_eq!(verdict(&with(3), 6), "Overlap");
    assert_eq!(verdict(&with(5), 6), "Overlap");
    assert_eq!(verdict(&with(7), 6), "Truncated");
    assert_eq!(accepted(&one("F32", "[]", 0, 4), 4), 1);
}

#[test]
fn case_21_broken_json() {
    let good = one("U8", "[1]", 0, 1);
    assert_eq!(verdict(&good.replace("\"a\"", "\"\\ud800\""), 1), "LoneSurrogate");
    assert_eq!(verdict(&good.replace("\"a\"", "\"\n\""), 1), "format");
    assert_eq!(verdict(&format!("\u{feff}{good}"), 1), "format");
    assert_eq!(verdict(&format!("{good}\0"), 1), "format");
    assert_eq!(verdict(&format!("{good}x"), 1), "format");
    assert_eq!(verdict(&good.replace("]}}", "],}}"), 1), "format");
    assert_eq!(verdict(&good.replace("]}}", "]/**/}}"), 1), "format");
    assert_eq!(verdict(&good.replace('"', "'"), 1), "format");
    let invalid = good.replace('a', "\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xff } else { b }).collect::<Vec<_>>();
    assert_eq!(name(read(&raw(&invalid, 1))), "InvalidUtf8");
    for number in ["2.0", "2e0", "-0", "-1", "\"2\"", "true", "02", "18446744073709551616", "+2", "0x2", "2_0", ""] {
        assert!(read(&file(&one("U8", &format!("[{number}]"), 0, 2), 2)).is_err(), "{number}");
    }
    for strange in ["", "\\u0000", "../../x", "\\\"\\\\", "𝄞"] {
        assert_eq!(accepted(&good.replace("\"a\"", &format!("\"{strange}\"")), 1), 1);
    }
}

#[test]
fn case_22_white_space_is_accepted_with_a_warning() {
    let good = one("U8", "[1]", 0, 1);
    let warnings = |header: String| read(&file(&header, 1)).unwrap().warnings.len();
    assert_eq!(warnings(good.clone()), 0);
    assert_eq!(warnings(format!("{good}   ")), 0);
    assert_eq!(warnings(format!(" {good}")), 1);
    assert_eq!(warnings(format!("\n{good}")), 1);
    for tail in ["\t", "\r", "\n", " \n "] {
        assert_eq!(warnings(format!("{good}{tail}")), 1);
    }
}

#[test]
fn case_23_nesting() {
    for depth in [100, 200, 100_000] {
        let nested = format!(r#"{{"a":{{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{}{}}}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(verdict(&nested, 1), "UnknownField");
        let shape = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(verdict(&one("U8", &shape, 0, 1), 1), "format");
    }
}

#[test]
fn case_24_types() {
    assert_eq!(verdict(&one("F4", "[3]", 0, 2), 2), "UnsupportedDtype");
    for known in ["F6_E2M3", "F8_E4M3", "F8_E8M0", "C64"] {
        assert_eq!(verdict(&one(known, "[0]", 0, 0), 0), "UnsupportedDtype");
    }
    for unknown in ["f32", "F128", "", "F32 ", "BOOLEAN"] {
        assert_eq!(verdict(&one(unknown, "[0]", 0, 0), 0), "UnknownDtype");
    }
    let mut two = file(&one("BOOL", "[2]", 0, 2), 2);
    *two.last_mut().unwrap() = 2;
    assert_eq!(name(read(&two)), "InvalidBool");
    assert!(message(read(&two)).contains("tensor \"a\""));
}

#[test]
fn case_25_many_entries_stop_at_the_first_that_cannot_be() {
    let part = entry("F64", "[2]", 0, 16);
    let header = format!("{{{}}}", (0..200_000).map(|i| format!(r#""{i}":{part}"#)).collect::<Vec<_>>().join(","));
    let stopped = message(read(&file(&header, 16)));
    assert!(stopped.contains("tensor \"1\"") && stopped.contains("Overlap"), "{stopped}");
    let empty = entry("F64", "[0]", 0, 0);
    let header = format!("{{{}}}", (0..12).map(|i| format!(r#""{i}":{empty}"#)).collect::<Vec<_>>().join(","));
    assert_eq!(name(read_within(&file(&header, 0), Limits { header: 1 << 20, tensors: 11 })), "TooManyTensors");
    assert_eq!(read_within(&file(&header, 0), Limits { header: 1 << 20, tensors: 12 }).unwrap().tensors.len(), 12);
}

#[test]
fn case_27_a_git_lfs_pointer_is_named() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n";
    assert_eq!(name(read(pointer)), "GitLfsPointer");
    assert_eq!(name(white_box::data::archive::decode(pointer)), "GitLfsPointer");
}

#[test]
fn alignment_is_not_assumed() {
    let header = format!(r#"{{"b":{},"a":{}}}"#, entry("U8", "[1]", 0, 1), entry("F64", "[1]", 1, 9));
    let mut bytes = file(&header, 1);
    bytes.extend(1.5f64.to_le_bytes());
    assert_eq!(read(&bytes).unwrap().tensors[1].1, Array::from_f64(vec![1], vec![1.5]).unwrap());
}

#[test]
fn names_are_escaped_and_cut_in_messages() {
    let long = "\\u001b[2J".repeat(1000);
    let text = message(read(&file(&one("U8", "[2]", 0, 1).replace("\"a\"", &format!("\"{long}\"")), 1)));
    assert!(text.len() < 800 && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_writer_refuses_what_no_reader_accepts() {
    let a = Array::new(vec![1], Elements::U8(vec![1])).unwrap();
    assert_eq!(name(write([("a", &a), ("a", &a)], None)), "DuplicateKey");
    let wide = a.cast(white_box::data::Dtype::F64).unwrap();
    assert_eq!(name(write([("a", &a), ("b", &a), ("a", &wide)], None)), "DuplicateKey");
    assert_eq!(name(write([("__metadata__", &a)], None)), "DuplicateKey");
    assert_eq!(name(write([], Some(&[("k".into(), "1".into()), ("k".into(), "2".into())]))), "DuplicateKey");
}
