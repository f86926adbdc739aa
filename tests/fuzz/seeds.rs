//! Where fuzzing starts: for each parser some valid files, some hostile ones, and the words of its language.

use super::driver::Seeds;
use white_box::data::crc32::crc32;
use white_box::data::{Array, Dtype, Elements, Json, idx, npy, npz, safetensors};
use white_box::oracle;

fn seeds<'a>(inputs: impl IntoIterator<Item = Vec<u8>>, tokens: impl IntoIterator<Item = &'a str>) -> Seeds {
    Seeds { inputs: inputs.into_iter().collect(), tokens: tokens.into_iter().map(|t| t.as_bytes().to_vec()).collect() }
}
fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Vec<u8>> {
    texts.into_iter().map(|t| t.as_bytes().to_vec())
}
fn arrays() -> Vec<Array> {
    let shapes = [vec![], vec![3], vec![2, 2], vec![0, 2], vec![1, 2, 1]];
    let all = shapes.into_iter().flat_map(|shape| Dtype::ALL.map(|dtype| (shape.clone(), dtype)));
    all.map(|(shape, dtype)| Array::from_i64(shape.clone(), vec![1; shape.iter().product()]).unwrap().cast(dtype).unwrap()).collect()
}

pub fn json() -> Seeds {
    let inputs = [
        r#"{"id":1,"op":"coding_rate","inputs":{"z":[[1.0,0.0],[0.0,2.0]]},"params":{"eps":0.5},"preset":"paper","scalar":"f64"}"#,
        r#"{"id":null,"ok":false,"error":{"kind":"shape","message":"z: \"n × d\"\n"}}"#,
        r#"[0,-0,-0.0,1e5,1E-5,1.5e+300,123456789012345678901234567890.5,9007199254740993]"#,
        r#"[[],[[]],{},{"":[null,true,false]}]"#,
        r#"["NaN","Infinity","-Infinity","\ud834\udd1e\u0000\/\b\f\n\r\t\\\""]"#,
        "[[1,2],[3,4]]",
        "[[[1],[2]],[[3],[4]]]",
        "[true,false]",
        "\t\n\r 5 ",
        "[NaN,Infinity,-Infinity]",
        r#"{"a":1,"a":2}"#,
        r#""\ud800""#,
        "1e400",
        "[[1],[2,3]]",
        "[[],[]]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ];
    let tokens = [
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
        "true",
        "false",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\\"",
        "\"",
        "e308",
        "e-324",
        "E+",
        "1.7976931348623159e308",
        "-0",
        "0.",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "[[",
        "]]",
        "\"a\":",
        "\u{feff}",
        "é",
        "𝄞",
        "[[[[[[[[",
        "]]]]]]]]",
    ];
    seeds(texts(inputs), tokens)
}

const NPY_HEADERS: [&str; 8] = [
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n",
    "{'descr': '>i4', 'fortran_order': True, 'shape': (1, 2), }\n",
    "{\"descr\": \"|u1\", \"shape\": (2, 2, 2), \"fortran_order\": True}",
    "{'descr': '|b1', 'fortran_order': False, 'shape': (2L, 4L)}",
    "{'descr': '?', 'fortran_order': False, 'shape': (8, 1, 1,)}",
    "{'descr': '<f2', 'fortran_order': True, 'shape': (0, 4611686018427387904)}",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': ()}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
];
fn npy_files() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = arrays().iter().filter_map(|a| npy::write(a).ok()).collect();
    for (i, header) in NPY_HEADERS.iter().enumerate() {
        let version = 1 + (i % 3) as u8;
        let length = (header.len() as u32).to_le_bytes();
        files.push(
            [&b"\x93NUMPY"[..], &[version, 0], &length[..if version == 1 { 2 } else { 4 }], header.as_bytes(), &[1, 0, 1, 0, 1, 0, 1, 0]]
                .concat(),
        );
    }
    files.push(b"\x93NUMPY\x02\x00\xf0\xff\xff\xff".to_vec());
    files
}
const NPY_TOKENS: [&str; 30] = [
    "'descr'",
    "'fortran_order'",
    "'shape'",
    "\"shape\"",
    "True",
    "False",
    "()",
    "(1,)",
    "(2, 3)",
    "(,)",
    "L",
    ", ",
    ": ",
    "'<f8'",
    "'>f4'",
    "'|u1'",
    "'?'",
    "'|b1'",
    "'=i2'",
    "'<u8'",
    "'|O'",
    "{",
    "}",
    "18446744073709551616",
    "281474976710656",
    "0",
    "01",
    "\\",
    "#",
    "1, 1, 1, 1, 1, 1, 1, 1, ",
];
pub fn npy() -> Seeds {
    seeds(npy_files(), NPY_TOKENS)
}

/// An archive of the one member `a.npy` with this data, stored or deflated, and the size and checksum of this content.
pub fn seal(data: &[u8], content: &[u8], deflated: bool) -> Vec<u8> {
    let method = if deflated { 8u8 } else { 0 };
    let sizes = [crc32(content), data.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
    let common = [&[20, 0, 0, 0, method, 0, 0, 0, 33, 0][..], &sizes, &[5, 0, 0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], b"a.npy", data].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], b"a.npy"].concat();
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &(central.len() as u32).to_le_bytes(), &(local.len() as u32).to_le_bytes(), &[0, 0]]
        .concat();
    [local, central, end].concat()
}

/// A text; letters with codes of many lengths; one long run; literals only.
const DYNAMIC_TEXT: &str = "c5cdd10d02310c03d0553c010b304d68dd6b84ae91925485ede9c110fcda4fb6a058d571c025899312d319e8b670ca78e3a119d044ca73c7691727b2136e2b600db261babeeebf09679d25d506347657b5353a47e16573196296fea571dbfd3fdf3f";
const DYNAMIC_RAMP: &str = "2d8e890d043108036be50d35b86ae8e00c7b28912d268604ac1dace7108aa00bb422b48fb7d82c5461883de77b3cb3025d9c34b60c97d743992879b838ab9720986466077c6dc15f8be134b49a717117ff9418cb6c64df409795d7de1b961284dec6da738374e2e998cd1074c80f";
const DYNAMIC_ONE: &str = "7374727576767572a41615350a880600";
const DYNAMIC_NONE: &str =
    "05c10101000008c32076fb7716ba692eb6ad02ea8408cdc1ac81cce56e6511b8981a60ada3066c86da51c2a9e39851b01b1688c6593709829dc203";

/// Streams of each kind of block, made by zlib and by hand.
fn streams() -> Vec<Vec<u8>> {
    let hex = [
        // Stored "hello"; two stored blocks; nothing.
        "010500faff68656c6c6f",
        "000100feff61010100feff62",
        "0300",
        // Fixed: "hello", 200 zeros, "abcabcabc…".
        "cb48cdc9c90700",
        "6360181e0000",
        "4b4c4a4e444500",
        // Dynamic.
        DYNAMIC_TEXT,
        DYNAMIC_RAMP,
        DYNAMIC_ONE,
        DYNAMIC_NONE,
    ];
    hex.iter().map(|text| (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()).collect()
}
pub fn inflate() -> Seeds {
    let gzipped = streams().into_iter().take(4).map(|s| [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &s, &[0; 8]].concat());
    seeds(streams().into_iter().chain(gzipped).collect::<Vec<_>>(), ["\0\0", "\u{1}", "\0\0\0\0", "aaaa", "\u{7f}\u{7f}"])
}

pub fn npz_sealed() -> Seeds {
    let stored = npy_files().into_iter().map(|f| [vec![0], f].concat());
    let deflated = streams().into_iter().map(|s| [vec![1], s].concat());
    // A .npy as a stored block, so that mutations of the text stay a stream.
    let blocks =
        npy_files().into_iter().map(|f| [&[1, 1][..], &(f.len() as u16).to_le_bytes(), &(!(f.len() as u16)).to_le_bytes(), &f].concat());
    seeds(stored.chain(deflated).chain(blocks).collect::<Vec<_>>(), NPY_TOKENS)
}

pub fn npz() -> Seeds {
    let all: Vec<(String, Array)> =
        arrays().into_iter().filter(|a| a.dtype() != Dtype::BF16).enumerate().map(|(i, a)| (format!("k{i}"), a)).collect();
    let take = |range: std::ops::Range<usize>| npz::write(all[range].iter().map(|(n, a)| (n.as_str(), a))).unwrap();
    let small = npy::write(&all[10].1).unwrap();
    let one = seal(&small, &small, false);
    let block = [&[1][..], &(small.len() as u16).to_le_bytes(), &(!(small.len() as u16)).to_le_bytes(), &small].concat();
    let mut inputs = vec![take(0..0), take(0..1), take(20..22), take(5..6), one.clone(), seal(&block, &small, true)];
    inputs.extend(streams().iter().map(|s| seal(s, b"", true)));
    inputs.push([&one[..], b"x"].concat());
    inputs.push([b"MZ", &one[..]].concat());
    // With the 64-bit end record.
    let end = one.len() - 22;
    let field = |at: usize, n: usize| (0..n).fold(0u64, |sum, i| sum | u64::from(one[end + at + i]) << (8 * i)).to_le_bytes();
    let mut wide = one[..end].to_vec();
    wide.extend(
        [&b"PK\x06\x06"[..], &44u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8], &field(8, 2), &field(10, 2), &field(12, 4), &field(16, 4)]
            .concat(),
    );
    wide.extend([&b"PK\x06\x07"[..], &[0; 4], &(end as u64).to_le_bytes(), &[1, 0, 0, 0]].concat());
    wide.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat());
    inputs.push(wide);
    seeds(
        inputs,
        [
            "PK\u{3}\u{4}",
            "PK\u{1}\u{2}",
            "PK\u{5}\u{6}",
            "PK\u{6}\u{6}",
            "PK\u{6}\u{7}",
            ".npy",
            "a.npy",
            "\u{8}\0",
            "\0\0\0\0",
            "\u{1}\0\u{10}\0",
            "/data.pkl",
        ],
    )
}

pub fn safetensors() -> Seeds {
    let all: Vec<(String, Array)> = arrays().into_iter().enumerate().map(|(i, a)| (format!("t{i}"), a)).collect();
    let metadata = [("k".to_string(), "v\n".to_string())];
    let write = |range: std::ops::Range<usize>, with: bool| {
        safetensors::write(all[range].iter().map(|(n, a)| (n.as_str(), a)), with.then_some(&metadata[..])).unwrap()
    };
    let mut inputs: Vec<_> = (0..all.len()).map(|i| write(i..i + 1, i % 2 == 0)).collect();
    inputs.extend([write(0..0, false), write(0..0, true), write(10..13, true), write(20..23, false), write(12..14, false)]);
    let headers = [
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}"#,
        r#" {"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},"a":{"shape":[4],"data_offsets":[0,4],"dtype":"BOOL"}}"#,
        "{\"a\":{\"dtype\":\"U64\",\"shape\":[],\"data_offsets\":[0,8]}}\n\t",
        r#"{"__metadata__":{"a":"b","\u0061":"c"}}"#,
        r#"{"a":{"dtype":"F4","shape":[16],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
    ];
    inputs.extend(headers.map(|h| [&(h.len() as u64).to_le_bytes()[..], h.as_bytes(), &[1, 0, 1, 0, 1, 0, 1, 0]].concat()));
    inputs.push(b"version https://git-lfs.github.com/spec/v1\n".to_vec());
    let tokens = [
        "\"dtype\"",
        "\"shape\"",
        "\"data_offsets\"",
        "\"__metadata__\":",
        "\"F32\"",
        "\"F64\"",
        "\"U8\"",
        "\"BOOL\"",
        "\"BF16\"",
        "\"F4\"",
        "[0,8]",
        "[8,8]",
        "[]",
        "[2]",
        "[0]",
        "\\u0061",
        "\"a\":",
        "{",
        "}",
        ",",
        "18446744073709551615",
        "281474976710655",
        " ",
        "\n",
        "\"",
    ];
    seeds(inputs, tokens)
}

pub fn csv() -> Seeds {
    let inputs = [
        "1,-2.5,3e-7\n4,5,6\n",
        "a,b\r\n1,2\r\n",
        "# c\n\n1;2\n3;4\n",
        "1\t2\n",
        "  1.0 2.0\n3 4",
        "\"x,\"\"y\"\"\nz\",b\n1,2\n",
        "nan,inf\n-Infinity,+NAN\n",
        "\u{feff}1\n2\n",
        "1,2\n3\n",
        ",\n",
        "\"",
        "1,\"2\"x\n",
        "0,1,label\n1,2,3\n",
        "é,\"\"\n",
    ];
    seeds(
        texts(inputs),
        [
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "\r",
            ",",
            ";",
            "\t",
            " ",
            "#",
            "nan",
            "inf",
            "-infinity",
            "1e999",
            "1e-400",
            "0x1",
            "+",
            ".",
            "\u{feff}",
            "é",
            "\u{a0}",
            "a b",
        ],
    )
}

pub fn idx() -> Seeds {
    let mut inputs: Vec<_> = arrays().iter().filter_map(|a| idx::write(a).ok()).collect();
    let array = Array::new(vec![2], Elements::U8(vec![1, 2])).unwrap();
    let file = idx::write(&array).unwrap();
    let stream = [&[1][..], &(file.len() as u16).to_le_bytes(), &(!(file.len() as u16)).to_le_bytes(), &file].concat();
    let gz = |flags: u8, fields: &[u8]| {
        let head = [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], fields].concat();
        [&head, &stream[..], &crc32(&file).to_le_bytes(), &(file.len() as u32).to_le_bytes()].concat()
    };
    inputs.extend([gz(0, b""), gz(8 | 16, b"name\0comment\0"), gz(4, b"\x02\0xy")]);
    inputs.push([&[0, 0, 14, 4][..], &[0xff; 16]].concat());
    seeds(inputs, ["\0\0\u{8}\u{1}", "\0\0\u{d}\u{2}", "\0\0\0\u{1}", "\0\0\0\0", "\0\0\u{1}\0"])
}

pub fn pnm() -> Seeds {
    let inputs: [&[u8]; 8] = [
        b"P5\n3 2\n255\n\x00\x80\xff\x01\x02\x03",
        b"P2 # gray\n3 2\n255\n0 128 255\n1 2 3\n",
        b"P6\n1 1\n65535\n\x00\x01\x01\x00\xff\xff",
        b"P3 1 2 300 0 1 2 300 4 5",
        b"P2 1 1 1 0",
        b"P5 4294967296 4294967296 255\n",
        b"P4\n1 1\n\x00",
        b"P5\n1 1\n256\n\x00\x00",
    ];
    seeds(
        inputs.map(<[u8]>::to_vec),
        ["P2", "P3", "P5", "P6", " ", "\n", "#", "#\n", "255", "65535", "65536", "1", "0", "18446744073709551616"],
    )
}

pub fn any() -> Seeds {
    let mut all = Seeds { inputs: Vec::new(), tokens: Vec::new() };
    for part in [json(), npy(), npz(), safetensors()] {
        all.inputs.extend(part.inputs);
        all.tokens.extend(part.tokens);
    }
    let strangers: [&[u8]; 3] = [b"\x80\x02\x8a\x0al\xfc", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x89HDF\r\n\x1a\n"];
    all.inputs.extend(strangers.map(<[u8]>::to_vec));
    all
}

/// The smallest cases of each operator in each number type, values and gradients.
pub fn serve() -> Seeds {
    let mut inputs: Vec<_> =
        texts([r#"{"hello":1}"#, r#"{"id":[1,{"x":null}],"op":"no"}"#, r#"{"op":"gram","inputs":{"x":[["NaN"]]}}"#]).collect();
    let mut names = Vec::new();
    for (i, entry) in oracle::CATALOG.iter().enumerate() {
        let name = entry.spec().name;
        names.push(format!("\"{name}\""));
        for (j, scalar) in ["f32", "f64", "dd", "ball"].into_iter().enumerate() {
            let case = oracle::generated_case(*entry, 0, (4 * i + j) as u64).expect("a case");
            let Json::Object(fields) = oracle::exchange::case_to_json(&case).expect("a case") else { unreachable!() };
            let mut all =
                vec![("id".to_string(), Json::integer(i as i64)), ("op".into(), Json::text(name)), ("scalar".into(), Json::text(scalar))];
            all.extend(fields);
            if j % 2 == 1 {
                let ones = entry.spec().outputs.iter().map(|port| (port.name, Json::real(1.0)));
                all.push(("vjp".into(), Json::object(ones)));
            }
            inputs.push(Json::Object(all).to_string().into_bytes());
        }
    }
    let words = [
        "\"id\":",
        "\"op\":",
        "\"inputs\":",
        "\"params\":",
        "\"preset\":",
        "\"scalar\":",
        "\"vjp\":",
        "\"stages\":true",
        "\"paper\"",
        "\"ball\"",
        "\"dd\"",
        "\"f32\"",
        "\"f64\"",
        "\"eps\":",
        "\"eps2\":",
        "\"NaN\"",
        "\"Infinity\"",
        "[]",
        "[[]]",
        "[[1,2],[3,4]]",
        "[0]",
        "1e308",
        "1e-320",
        "-0.0",
        "0.5",
        "1e9",
        "9007199254740992",
        "null",
    ];
    seeds(inputs, words.into_iter().chain(names.iter().map(String::as_str)))
}
