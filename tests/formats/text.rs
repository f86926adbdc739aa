//! CSV, IDX, gzip, images, the embedded digits.

use super::{message, name};
use white_box::data::sha256::sha256_hex;
use white_box::data::{Array, Dtype, Elements, csv, digits, gzip, idx, image};

#[test]
fn tables_of_numbers() {
    let read = |text: &str| csv::read(text.as_bytes()).unwrap();
    let numbers = |text: &str| {
        let table = read(text);
        assert_eq!(table.data.len(), table.rows * table.cols);
        (table.rows, table.cols, table.data)
    };
    let expected = (2, 3, vec![1.0, -2.5, 3e-7, 4.0, 5.0, 6.0]);
    for text in [
        "1,-2.5,3e-7\n4,5,6\n",
        "1,-2.5,3e-7\r\n4,5,6",
        "1,-2.5,3e-7\r\n4,5,6\r",
        " 1 , -2.5,\t3e-7\n\n4,5,6\n\n \n",
        "# comment\n1;-2.5;3e-7\n4;5;6\n",
        "1\t-2.5\t3e-7\n4\t5\t6\n",
        "1.000e+00 -2.5e+00   3e-7 \n  4 5 6\n",
        "\"1\",\"-2.5\",3e-7\n4,\"5\",6\n",
    ] {
        assert_eq!(numbers(text), expected, "{text:?}");
    }
    assert_eq!(read("a,b\n1,2\n").header, Some(vec!["a".into(), "b".into()]));
    assert_eq!(read("0,1,label\n1,2,3\n").header, Some(vec!["0".into(), "1".into(), "label".into()]));
    assert_eq!(read("\"x,\"\"y\"\"\nz\",b\n1,2\n").header, Some(vec!["x,\"y\"\nz".into(), "b".into()]));
    assert_eq!(read("\u{feff}1,2\n").warnings.len(), 1);
    assert_eq!(numbers("1\n2\n"), (2, 1, vec![1.0, 2.0]));
    assert_eq!(numbers(""), (0, 0, vec![]));
    assert_eq!(numbers("a,b\n").1, 2);
    let words = numbers("nan,inf,-Infinity,NaN,+INF,-nan\n").2;
    assert!(words[0].is_nan() && words[3].is_nan() && words[5].is_nan());
    assert_eq!((words[1], words[2], words[4]), (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY));
    for (wrong, place) in [
        ("1,2\n3\n", "line 2"),
        ("1,2\n3,4,5\n", "line 2"),
        ("1,2\n3,\n", "line 2, field 2"),
        ("1,2\n\n3,x\n", "line 3, field 2"),
        ("1,2\n3,1e999\n", "line 2, field 2"),
        ("1,2\n3,0x10\n", "line 2, field 2"),
        (",a\n1,2\n", "line 1, field 1"),
        ("1,2\n\"3,4\n", "line 2, field 1"),
        ("1,2\n\"3\"x,4\n", "line 2, field 1"),
        ("1,2\n3\"4\",4\n", "line 2, field 1"),
        ("\"a\n\",b\n1,x\n", "line 3, field 2"),
    ] {
        let text = message(csv::read(wrong.as_bytes()));
        assert!(text.starts_with(place), "{wrong:?}: {text}");
    }
    assert_eq!(name(csv::read(b"1,\xff\n")), "InvalidUtf8");
    assert_eq!(name(csv::read(b"1,2\n3\n")), "Ragged");
}

#[test]
fn tables_are_written_as_they_are_read() {
    let data = [1.0, 0.1, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let text = csv::write(Some(&["a b", "c"]), 2, &data).unwrap();
    assert_eq!(text, "\"a b\",c\n1.0,0.1\n-0.0,NaN\nInfinity,-Infinity\n");
    let back = csv::read(text.as_bytes()).unwrap();
    assert_eq!(back.data.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), data.map(f64::to_bits));
    assert_eq!(name(csv::write(None, 4, &data)), "shape");
    assert_eq!(name(csv::write(None, 0, &data)), "shape");
    assert_eq!(name(csv::write(Some(&["a"]), 2, &data)), "shape");
    let cells = vec![vec!["plain", "", "a,b", "say \"hi\"", "two\nlines", " spaced ", "#1", "é"], vec!["1"]];
    let text = csv::write_text(&cells);
    assert_eq!(csv::read_text(text.as_bytes()).unwrap(), cells);
}

#[test]
fn the_digits_are_the_published_table() {
    let digits = digits();
    assert_eq!((digits.images.len(), digits.labels.len()), (1797 * 64, 1797));
    assert!(digits.images.iter().all(|&p| p <= 16));
    let mut counts = [0; 10];
    digits.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(sha256_hex(digits.csv().as_bytes()), "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8");
    assert_eq!(digits.image(0).unwrap()[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    assert_eq!(digits.image(1797), None);
    assert_eq!(digits.unit()[3], 13.0 / 16.0);
}

/// `hello` as gzip packs it, with these flags and optional fields; the stream is one stored block.
fn packed(flags: u8, fields: &[u8]) -> Vec<u8> {
    let stream = [&[1, 5, 0, 0xfa, 0xff][..], b"hello"].concat();
    [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], fields, &stream, &0x3610_a686u32.to_le_bytes(), &5u32.to_le_bytes()].concat()
}

#[test]
fn gzip_files() {
    let unpack = |bytes: &[u8]| gzip::unpack(bytes, 100);
    assert_eq!(unpack(&packed(0, b"")).unwrap(), b"hello");
    assert_eq!(unpack(&packed(1 | 4 | 8 | 16, b"\x02\x00xyname\0comment\0")).unwrap(), b"hello");
    let header = white_box::data::crc32::crc32(&packed(2, b"")[..10]) as u16;
    assert_eq!(unpack(&packed(2, &header.to_le_bytes())).unwrap(), b"hello");
    assert_eq!(name(unpack(&packed(2, &[0, 0]))), "ChecksumMismatch");
    assert_eq!(name(unpack(&packed(0x20, b""))), "unsupported");
    assert_eq!(name(gzip::unpack(&packed(0, b""), 4)), "OutputTooLong");
    for length in 0..packed(31, b"\x00\x00\0\0").len() {
        assert!(unpack(&packed(31, b"\x00\x00\0\0")[..length]).is_err());
    }
    let sound = packed(0, b"");
    for length in 10..sound.len() {
        assert!(unpack(&sound[..length]).is_err(), "{length}");
    }
    assert_eq!(name(unpack(&[&sound[..], b"x"].concat())), "TrailingData");
    for at in [15, sound.len() - 8, sound.len() - 4] {
        let mut broken = sound.clone();
        broken[at] ^= 1;
        assert_eq!(name(unpack(&broken)), "ChecksumMismatch");
    }
}

#[test]
fn idx_files() {
    let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
    let array = Array::new(vec![2, 3], Elements::U8(vec![1, 2, 3, 4, 5, 6])).unwrap();
    assert_eq!(idx::read(&bytes).unwrap(), array);
    assert_eq!(idx::write(&array).unwrap(), bytes);
    for dtype in [Dtype::U8, Dtype::I8, Dtype::I16, Dtype::I32, Dtype::F32, Dtype::F64] {
        let array = array.cast(dtype).unwrap();
        assert_eq!(idx::read(&idx::write(&array).unwrap()).unwrap(), array);
    }
    assert_eq!(idx::read(&[0, 0, 0x0B, 1, 0, 0, 0, 1, 0x01, 0x02]).unwrap().to_i64().unwrap(), [258]);
    // Packed as MNIST is.
    let crc = white_box::data::crc32::crc32(&bytes);
    let gz = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 18, 0, 0xed, 0xff][..], &bytes, &crc.to_le_bytes(), &18u32.to_le_bytes()].concat();
    assert_eq!(idx::read(&gz).unwrap(), array);
    assert_eq!(name(idx::read(&bytes[..17])), "Truncated");
    assert_eq!(name(idx::read(&[&bytes[..], &[0]].concat())), "TrailingData");
    assert_eq!(name(idx::read(&bytes[..11])), "Truncated");
    assert_eq!(name(idx::read(&[0, 0, 8])), "InvalidMagic");
    assert_eq!(name(idx::read(&[0, 1, 8, 0, 0])), "InvalidMagic");
    assert_eq!(name(idx::read(&[0, 0, 7, 0, 0])), "UnknownDtype");
    assert_eq!(name(idx::read(&[0, 0, 8, 255, 0])), "Truncated");
    let huge = [&[0, 0, 14, 4][..], &[0xff; 16]].concat();
    assert_eq!(name(idx::read(&huge)), "Overflow");
    assert_eq!(name(idx::write(&array.cast(Dtype::I64).unwrap())), "UnsupportedDtype");
}

#[test]
fn images() {
    let gray = image::Image::new(3, 2, 1, 255, vec![0, 128, 255, 1, 2, 3]).unwrap();
    assert_eq!(image::write(&gray), b"P5\n3 2\n255\n\x00\x80\xff\x01\x02\x03");
    for file in [
        &b"P5\n3 2\n255\n\x00\x80\xff\x01\x02\x03"[..],
        b"P5 # gray\n# more\n3\t2 255 \x00\x80\xff\x01\x02\x03",
        b"P2\n3 2\n255\n0 128 255\n1 2 3\n",
        b"P2 3 2 255 0 128 255 1 2 003",
    ] {
        assert_eq!(image::read(file).unwrap(), gray);
    }
    let color = image::read(b"P3 1 2 300 0 1 2 300 4 5").unwrap();
    assert_eq!((color.width(), color.height(), color.channels(), color.max(), color.samples()), (1, 2, 3, 300, &[0, 1, 2, 300, 4, 5][..]));
    assert_eq!(image::read(&image::write(&color)).unwrap(), color);
    assert_eq!(color.unit()[3], 1.0);
    assert_eq!(image::read(b"P6\n1 1\n65535\n\x00\x01\x01\x00\xff\xff").unwrap().samples(), [1, 256, 65535]);
    for (wrong, error) in [
        (&b"P5\n3 2\n255\n12345"[..], "Truncated"),
        (b"P5\n3 2\n255\n1234567", "TrailingData"),
        (b"P5\n3 2\n100\n\x00\x80\xff\x01\x02\x03", "format"),
        (b"P2\n1 1\n100\n101", "format"),
        (b"P2\n1 1\n100\n70000", "format"),
        (b"P2\n2 1\n100\n10 ", "format"),
        (b"P2\n2 1\n100\n1 ", "Truncated"),
        (b"P2\n2 1\n100\n1 -1", "format"),
        (b"P2\n1 1\n100\n1 2", "TrailingData"),
        (b"P5\n0 2\n255\n", "format"),
        (b"P5\n1 1\n0\n\x00", "format"),
        (b"P5\n1 1\n65536\n\x00\x00", "format"),
        (b"P5\n1 1\n255", "format"),
        (b"P53 2 255\n", "format"),
        (b"P5\n-1 2\n255\n", "format"),
        (b"P5\n99999999999999999999999 1\n255\n", "Overflow"),
        (b"P5\n4294967296 4294967296\n255\n", "Truncated"),
        (b"P2\n4294967296 4294967296\n255\n", "Truncated"),
        (b"P5\n1000000000 1\n255\n1", "Truncated"),
        (b"P4\n1 1\n\x00", "UnsupportedFormat"),
        (b"P7\nWIDTH 1", "UnsupportedFormat"),
        (b"GIF89a", "InvalidMagic"),
        (b"", "InvalidMagic"),
    ] {
        assert_eq!(name(image::read(wrong)), error, "{:?}", wrong.escape_ascii().to_string());
    }
    assert_eq!(name(image::Image::new(1, 1, 2, 1, vec![0, 0])), "shape");
    assert_eq!(name(image::Image::new(1, 1, 1, 1, vec![2])), "domain");
}
