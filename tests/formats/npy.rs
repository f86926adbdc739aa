//! Hostile `.npy` files.

use super::{message, name};
use white_box::data::npy::{MAX_HEADER, read, write};
use white_box::data::{Array, Dtype, Elements};

fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let length = header.len() as u32;
    let length = if version == 1 { length.to_le_bytes()[..2].to_vec() } else { length.to_le_bytes().to_vec() };
    [&b"\x93NUMPY"[..], &[version, 0], &length, header.as_bytes(), data].concat()
}
/// A file of version 1 with these values of descr, fortran_order and shape.
fn values(descr: &str, order: &str, shape: &str, size: usize) -> Vec<u8> {
    file(1, &format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"), &vec![0; size])
}
fn shape(shape: &str, size: usize) -> Vec<u8> {
    values("'|u1'", "False", shape, size)
}
fn descr(descr: &str, size: usize) -> Vec<u8> {
    values(descr, "False", "(1,)", size)
}

#[test]
fn version_and_length() {
    assert_eq!(name(read(b"")), "InvalidMagic");
    assert_eq!(name(read(b"\x93NUMP")), "InvalidMagic");
    assert_eq!(name(read(b"\x93NUMPY")), "Truncated");
    assert_eq!(name(read(b"\x93NUMPY\x01\x00\x10")), "Truncated");
    assert_eq!(name(read(b"\x93NUMPY\x01\x01\x00\x00")), "UnsupportedVersion");
    assert_eq!(name(read(b"\x93NUMPY\x04\x00\x00\x00\x00\x00")), "UnsupportedVersion");
    assert_eq!(name(read(b"\x93NUMPY\x01\x00\xf8\xff")), "HeaderTooLarge");
    // Twelve bytes that ask for 4 GB.
    assert_eq!(name(read(b"\x93NUMPY\x02\x00\xf0\xff\xff\xff")), "HeaderTooLarge");
    assert_eq!(name(read(b"\x93NUMPY\x01\x00\x10\x00{}")), "Truncated");
    let padded = |n: usize| file(1, &format!("{:n$}", "{'descr': '|u1', 'fortran_order': False, 'shape': (), }"), &[7]);
    assert!(read(&padded(MAX_HEADER)).is_ok());
    assert_eq!(name(read(&padded(MAX_HEADER + 1))), "HeaderTooLarge");
}

#[test]
fn data_must_be_as_long_as_the_shape_says() {
    assert!(read(&shape("(3,)", 3)).is_ok());
    assert_eq!(name(read(&shape("(3,)", 2))), "Truncated");
    assert_eq!(name(read(&shape("(3,)", 4))), "TrailingData");
    assert_eq!(name(read(&shape("(0,)", 1))), "TrailingData");
    assert_eq!(name(read(&values("'<f8'", "False", "(1099511627776,)", 8))), "Truncated");
    assert_eq!(name(read(&values("'<f8'", "False", "(2147483648, 1073741824)", 8))), "Truncated");
    for overflow in ["(4294967296, 4294967296)", "(18446744073709551617,)", "(0, 4611686018427387904)", "(281474976710656,)"] {
        assert_eq!(name(read(&shape(overflow, 0))), "Overflow", "{overflow}");
    }
    assert_eq!(read(&shape("(0, 281474976710655)", 0)).unwrap().0.shape(), [0, 281474976710655]);
}

#[test]
fn headers_that_are_accepted() {
    let data = [1, 2, 3, 4, 5, 6];
    let expected = Array::new(vec![2, 3], Elements::U8(data.to_vec())).unwrap();
    for header in [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }",
        "{'shape':(2,3),'fortran_order':False,'descr':'u1'}",
        "  {\t\"descr\" : \"<u1\" ,\r\n 'shape' : ( 2 , 3 , ) , \"fortran_order\" : False }\n\n",
        "{'descr': '>u1', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '=u1', 'fortran_order': False, 'shape': (2, 3)}",
    ] {
        for version in 1..=3 {
            assert_eq!(read(&file(version, header, &data)).unwrap(), (expected.clone(), vec![]), "{header}");
        }
    }
    let rank = |n: usize| shape(&format!("({})", "1, ".repeat(n)), 1);
    assert_eq!(read(&rank(64)).unwrap().0.shape(), [1; 64]);
    assert_eq!(name(read(&rank(65))), "RankTooLarge");
    assert_eq!(read(&shape("()", 1)).unwrap().0.shape(), [0; 0]);
    assert_eq!(read(&shape("( )", 1)).unwrap().0.shape(), [0; 0]);
}

#[test]
fn python_2_integers_are_accepted_with_a_warning() {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2L,), }";
    for version in 1..=2 {
        let (array, warnings) = read(&file(version, header, &[1, 2])).unwrap();
        assert_eq!((array.shape(), warnings.len()), (&[2][..], 1));
    }
    assert_eq!(name(read(&file(3, header, &[1, 2]))), "format");
    assert_eq!(name(read(&shape("(2l,)", 2))), "format");
}

#[test]
fn headers_that_are_rejected() {
    for wrong in [
        "[2]",
        "(2)",
        "(2,,)",
        "(,)",
        "(True,)",
        "(-1,)",
        "(-1, -2)",
        "(2.0,)",
        "(02,)",
        "(00,)",
        "(1+1,)",
        "(0x2,)",
        "(1_0,)",
        "(+2,)",
        "(2 3)",
        "(2, 3",
        "2",
        "((2,),)",
        "(2,) # two",
        "None",
    ] {
        assert_eq!(name(read(&shape(wrong, 2))), "format", "{wrong}");
    }
    for wrong in ["1", "true", "'True'", "None", "Truer"] {
        assert_eq!(name(read(&values("'|u1'", wrong, "(1,)", 1))), "format", "{wrong}");
    }
    let whole = |header: &str| name(read(&file(1, header, &[0])));
    assert_eq!(whole("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': ()}"), "UnknownField");
    assert_eq!(whole("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}"), "DuplicateKey");
    assert_eq!(whole("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}"), "DuplicateKey");
    assert_eq!(whole("{'descr': '|u1', 'shape': (1,)}"), "MissingField");
    assert_eq!(whole("{}"), "MissingField");
    for wrong in [
        "",
        "{",
        "{,}",
        "{'descr'}",
        "{'descr':}",
        "{'descr: '|u1'}",
        "{\"descr': '|u1'}",
        "{'d\\x65scr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}\0",
        "{'descr': '|u1', 'fortran_order': False, # c\n 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,),,}",
        "{'des' 'cr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "dict(descr='|u1')",
        "__import__('os').system('true')",
    ] {
        assert_eq!(whole(wrong), "format", "{wrong:?}");
    }
    assert_eq!(whole(&"(".repeat(3000)), "format");
    assert_eq!(name(read(&shape(&"(".repeat(3000), 1))), "format");
    let mut invalid = file(3, "{'descr': 'X', 'fortran_order': False, 'shape': (1,)}", &[0]);
    let x = invalid.iter().position(|&b| b == b'X').unwrap();
    invalid[x] = 0xff;
    assert_eq!(name(read(&invalid)), "InvalidUtf8");
    invalid[6] = 1;
    invalid.drain(10..12);
    assert_eq!(name(read(&invalid)), "UnsupportedDtype");
}

#[test]
fn element_types() {
    for (text, dtype) in
        [("<f8", Dtype::F64), ("=i4", Dtype::I32), ("f2", Dtype::F16), ("|b1", Dtype::Bool), ("?", Dtype::Bool), ("|f8", Dtype::F64)]
    {
        assert_eq!(read(&descr(&format!("'{text}'"), dtype.size())).unwrap().0.dtype(), dtype);
    }
    for wrong in [
        "'|O'",
        "'|S10'",
        "'<U4'",
        "'<c16'",
        "'<M8[s]'",
        "'|V8'",
        "'<ixy'",
        "''",
        "'<'",
        "'float64'",
        "'d'",
        "'<f1'",
        "'<f3'",
        "'<f16'",
        "'<b2'",
        "'<u1 '",
        "'<?'",
    ] {
        assert_eq!(name(read(&descr(wrong, 8))), "UnsupportedDtype", "{wrong}");
    }
    assert_eq!(name(read(&descr("[('a', '<f8')]", 8))), "UnsupportedDtype");
    assert_eq!(name(read(&descr("None", 8))), "format");
    let mut two = values("'|b1'", "False", "(2,)", 2);
    *two.last_mut().unwrap() = 2;
    assert_eq!(name(read(&two)), "InvalidBool");
    assert!(message(read(&two)).contains("element 1"));
}

#[test]
fn fortran_order_is_put_in_c_order() {
    // Element [i, j, k] of a 2 × 3 × 4 array is 100 i + 10 j + k; in the file the first axis runs fastest.
    let mut data = Vec::new();
    for k in 0..4u8 {
        for j in 0..3 {
            data.extend((0..2).map(|i| 100 * i + 10 * j + k));
        }
    }
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}";
    let (array, _) = read(&file(1, header, &data)).unwrap();
    let expected: Vec<u8> = (0..24).map(|n| 100 * (n / 12) + 10 * (n / 4 % 3) + n % 4).collect();
    assert_eq!(array.elements(), &Elements::U8(expected));
    for empty in ["(0, 3)", "(3, 0, 2)", "(0, 281474976710655, 281474976710655)"] {
        assert!(read(&values("'|u1'", "True", empty, 0)).unwrap().0.elements().is_empty());
    }
}

#[test]
fn bfloat16_has_no_npy() {
    let array = Array::new(vec![1], Elements::BF16(vec![0x3f80])).unwrap();
    assert_eq!(name(write(&array)), "UnsupportedDtype");
}
