//! JSON: the grammar, numbers to the last bit, tensors.

use super::{message, name};
use white_box::data::Json;
use white_box::data::archive::{array_from_json, to_json};
use white_box::data::json::{Number, Reader, from_tensor, tensor};
use white_box::data::{Array, Dtype, Elements};

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}
fn verdict(text: &str) -> &'static str {
    name(Json::parse(text.as_bytes()))
}
fn bits(text: &str) -> u64 {
    parse(text).as_f64().unwrap().to_bits()
}

#[test]
fn numbers_are_rounded_to_nearest() {
    for (text, expected) in [
        ("5e-324", 1),
        ("2.4703282292062327e-324", 0),
        ("2.4703282292062328e-324", 1),
        ("8.5e-324", 2),
        ("2.2250738585072011e-308", 0x000f_ffff_ffff_ffff),
        ("2.2250738585072012e-308", 0x0010_0000_0000_0000),
        ("1.7976931348623158e308", 0x7fef_ffff_ffff_ffff),
        ("9007199254740993", 0x4340_0000_0000_0000),
        ("1e23", 0x44b5_2d02_c7e1_4af6),
        ("0.500000000000000166533453693773481063544750213623046875", 0x3fe0_0000_0000_0002),
        ("-0.0", 0x8000_0000_0000_0000),
        ("-0", 0x8000_0000_0000_0000),
        ("0e99999999999999999999", 0),
        ("1e-99999999999999999999", 0),
        ("0.1", 0x3fb9_9999_9999_999a),
    ] {
        assert_eq!(bits(text), expected, "{text}");
    }
    let digits = format!("{}.5", "9".repeat(307));
    assert!(parse(&digits).as_f64().unwrap().is_finite());
    for huge in ["1.7976931348623159e308", "1e309", "-1e400", &"9".repeat(309), "1e99999999999999999999"] {
        assert_eq!(verdict(huge), "NumberTooLarge", "{huge}");
    }
}

#[test]
fn grammar() {
    for good in
        ["0", "-1", "1.5", "1e5", "1E+5", "1e-5", "10", " [1 , 2]\n", "{}", "[]", "\"\"", "null", "true", "false", "\t\r\n {\"a\" : {} }"]
    {
        parse(good);
    }
    for bad in [
        "",
        " ",
        "01",
        "-",
        "-a",
        "1.",
        ".5",
        "1.e5",
        "1e",
        "1e+",
        "+1",
        "0x1",
        "1_0",
        "1 2",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\t\"",
        "nul",
        "True",
        "nulll",
        "NaN",
        "Infinity",
        "-Infinity",
        "[1]x",
        "{}{}",
        "\u{feff}1",
        "1\0",
        "/**/1",
        "1//",
        "\"\\u+123\"",
        "-01",
        "1.0.0",
        "--1",
        "\u{a0}1",
    ] {
        assert_eq!(verdict(bad), "format", "{bad:?}");
    }
    assert_eq!(name(Json::parse(b"\"\xff\"")), "InvalidUtf8");
    assert_eq!(name(Json::parse(b"\xed\xa0\x80")), "InvalidUtf8");
    assert!(message(Json::parse(b"[1, x]")).starts_with("byte 4:"));
}

#[test]
fn strings() {
    assert_eq!(parse(r#""\"\\\/\b\f\n\r\t\u00e9\u20ac\ud834\udd1e""#), Json::text("\"\\/\u{8}\u{c}\n\r\té€𝄞"));
    assert_eq!(parse("\"\u{7f}\u{2028}\\u0000\""), Json::text("\u{7f}\u{2028}\0"));
    for lone in [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\ud800""#, r#""\ud800\u0041""#, r#""\ud800\n""#] {
        assert_eq!(verdict(lone), "LoneSurrogate", "{lone}");
    }
    let all: String = (0..0x300).filter_map(char::from_u32).collect();
    assert_eq!(parse(&Json::text(&all).to_string()), Json::text(&all));
    assert_eq!(Json::text("\u{1}\u{1f}\"\\/\u{7f}é").to_string(), "\"\\u0001\\u001f\\\"\\\\/\u{7f}é\"");
}

#[test]
fn names_come_once() {
    assert_eq!(verdict(r#"{"a":1,"a":1}"#), "DuplicateKey");
    assert_eq!(verdict(r#"{"a":1,"\u0061":2}"#), "DuplicateKey");
    assert_eq!(verdict(r#"[{"b":{"":1,"":2}}]"#), "DuplicateKey");
    let many = |last: &str| format!("{{{}\"{last}\":0}}", (0..100).map(|i| format!("\"{i}\":0,")).collect::<String>());
    parse(&many("x"));
    assert_eq!(verdict(&many("7")), "DuplicateKey");
}

#[test]
fn depth() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    parse(&nested(128));
    assert_eq!(verdict(&nested(129)), "TooDeep");
    assert_eq!(verdict(&"[".repeat(1_000_000)), "TooDeep");
    assert_eq!(verdict(&"{\"a\":".repeat(1_000_000)), "TooDeep");
    let reader = |depth| Reader { depth, ..Reader::default() };
    assert!(reader(512).parse(nested(512).as_bytes()).is_ok());
    assert_eq!(name(reader(513).parse(b"1")), "usage");
    assert_eq!(name(reader(0).parse(b"[]")), "TooDeep");
    assert!(reader(0).parse(b"1").is_ok());
}

#[test]
fn python_words_are_strings_where_they_are_allowed() {
    let reader = Reader { words: true, ..Reader::default() };
    assert_eq!(reader.parse(b"[NaN,Infinity,-Infinity,-1]").unwrap().to_string(), r#"["NaN","Infinity","-Infinity",-1]"#);
    for bad in ["nan", "NaNs", "-NaN", "Inf", "--Infinity", "-"] {
        assert!(reader.parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let (shape, data) = tensor(&reader.parse(b"[[NaN, 1], [-Infinity, Infinity]]").unwrap()).unwrap();
    assert_eq!(shape, [2, 2]);
    assert!(data[0].is_nan() && data[1..] == [1.0, f64::NEG_INFINITY, f64::INFINITY]);
}

#[test]
fn numbers_keep_their_digits() {
    for text in ["3.14159265358979323846264338327950288", "1.0", "1", "1e0", "-0", "-0.0", "0.00", "1E+02", &"1234567890".repeat(9)] {
        assert_eq!(parse(text).to_string(), text);
        assert_eq!(Number::from_text(text).unwrap().text(), text);
    }
    for length in 25..40 {
        let text = format!("0.{}", "7".repeat(length - 2));
        assert_eq!(parse(&text).to_string(), text);
    }
    assert!(Number::from_text("1 ").is_ok_and(|n| n.text() == "1"));
    for bad in ["", "x", "1,", "NaN", "1e999"] {
        assert!(Number::from_text(bad).is_err(), "{bad}");
    }
    assert_eq!(size_of::<Json>(), 32);
}

#[test]
fn integers() {
    assert_eq!(parse("-9223372036854775808").as_i64(), Some(i64::MIN));
    assert_eq!(parse("9223372036854775808").as_i64(), None);
    assert_eq!(parse("18446744073709551615").as_u64(), Some(u64::MAX));
    assert_eq!(parse("18446744073709551616").as_u64(), None);
    for not in ["1.0", "1e2", "-0", "-1"] {
        assert_eq!(parse(not).as_u64(), None, "{not}");
    }
    assert_eq!(Json::integer(1 << 53).to_string(), "9007199254740992");
    assert_eq!(Json::integer(-(1 << 53) - 1).to_string(), "\"-9007199254740993\"");
    assert_eq!(Json::Number(Number::from(u64::MAX)).to_string(), "18446744073709551615");
}

#[test]
fn reals_are_written_shortest() {
    for (x, text) in [
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1e300, "1e300"),
        (5e-324, "5e-324"),
        (-2.2250738585072014e-308, "-2.2250738585072014e-308"),
        (f64::NAN, "\"NaN\""),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ] {
        assert_eq!(Json::real(x).to_string(), text);
        assert_eq!(parse(text).as_f64().unwrap().to_bits(), x.to_bits());
    }
    assert_eq!(name(Number::try_from(f64::NAN)), "not-finite");
}

#[test]
fn the_indented_form() {
    let value = parse(r#"{"a":[1,2,[]],"b":{},"c":{"d":[],"e":[1,"x"]},"f":null}"#);
    let expected = "{\n  \"a\": [\n    1,\n    2,\n    []\n  ],\n  \"b\": {},\n  \"c\": {\n    \"d\": [],\n    \"e\": [1, \"x\"]\n  },\n  \"f\": null\n}\n";
    assert_eq!(value.pretty(), expected);
    assert_eq!(parse(expected), value);
}

#[test]
fn tensors() {
    assert_eq!(tensor(&parse("[[1,2,3],[4,5,6]]")).unwrap(), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(tensor(&parse("2.5")).unwrap(), (vec![], vec![2.5]));
    assert_eq!(tensor(&parse("[]")).unwrap(), (vec![0], vec![]));
    assert_eq!(tensor(&parse("[[[]],[[]]]")).unwrap(), (vec![2, 1, 0], vec![]));
    assert_eq!(tensor(&parse("[[\"NaN\"]]")).unwrap().0, [1, 1]);
    for (ragged, place) in [
        ("[[1,2],[3]]", "[1]:"),
        ("[[1,2],3]", "[1]:"),
        ("[[[1],[2]],[[3],4]]", "[1][1]:"),
        ("[1,[2]]", "[1]:"),
        ("[[],[1]]", "[1]:"),
        ("[[1],[2,3]]", "[1]:"),
    ] {
        let error = tensor(&parse(ragged)).unwrap_err();
        assert_eq!(error.kind(), "shape");
        assert!(error.to_string().starts_with(place), "{ragged}: {error}");
    }
    for wrong in ["[[1],[null]]", "[true]", "{}", "[\"nan\"]", "[\"1\"]", "[{}]"] {
        assert_eq!(name(tensor(&parse(wrong))), "format", "{wrong}");
    }
    assert!(message(tensor(&parse("[[1],[null]]"))).starts_with("[1][0]:"));
    assert!(tensor(&parse(&format!("{}{}", "[".repeat(64), "]".repeat(64)))).is_ok());
    assert_eq!(name(tensor(&parse(&format!("{}{}", "[".repeat(65), "]".repeat(65))))), "RankTooLarge");
}

#[test]
fn tensors_are_written_as_they_are_read() {
    for (shape, text) in [
        (vec![], "1.0"),
        (vec![2], "[1.0,2.0]"),
        (vec![2, 2], "[[1.0,2.0],[3.0,\"NaN\"]]"),
        (vec![1, 2, 1], "[[[1.0],[2.0]]]"),
        (vec![0], "[]"),
        (vec![2, 0], "[[],[]]"),
        (vec![0, 2], "[]"),
    ] {
        let count = shape.iter().product::<usize>();
        let data = &[1.0, 2.0, 3.0, f64::NAN][..count];
        assert_eq!(from_tensor(&shape, data).unwrap().to_string(), text);
    }
    assert_eq!(name(from_tensor(&[2], &[1.0])), "shape");
    assert_eq!(name(from_tensor(&[1 << 40, 0], &[])), "unsupported");
    assert_eq!(name(from_tensor(&[1 << 40, 1 << 40, 0], &[])), "unsupported");
    assert!(from_tensor(&[0, 1 << 40], &[]).is_ok());
}

#[test]
fn arrays_of_json_keep_what_their_digits_say() {
    let array = |text: &str| array_from_json(&parse(text)).unwrap();
    assert_eq!(array("[[1,-2],[3,9007199254740992]]"), Array::from_i64(vec![2, 2], vec![1, -2, 3, 1 << 53]).unwrap());
    assert_eq!(array("[1,2.0]").dtype(), Dtype::F64);
    assert_eq!(array("[1,9007199254740993]"), Array::from_f64(vec![2], vec![1.0, 9007199254740992.0]).unwrap());
    assert_eq!(array("[123456789012345680000]").dtype(), Dtype::F64);
    assert_eq!(array("[-0]"), Array::from_f64(vec![1], vec![-0.0]).unwrap());
    assert_eq!(array("[1,\"NaN\"]").dtype(), Dtype::F64);
    assert_eq!(array("[]").dtype(), Dtype::F64);
    assert_eq!(array("[true,false]").elements(), &Elements::Bool(vec![true, false]));
    assert_eq!(name(array_from_json(&parse("[true,1]"))), "format");
    assert_eq!(name(array_from_json(&parse("[1,true]"))), "format");

    let wide = Array::from_i64(vec![1], vec![(1 << 53) + 1]).unwrap();
    assert_eq!(name(to_json([("a", &wide)])), "unsupported");
    let unsigned = Array::new(vec![1], Elements::U64(vec![u64::MAX])).unwrap();
    assert_eq!(name(to_json([("a", &unsigned)])), "Inexact");
    let hidden = Array::from_f64(vec![0, 3], vec![]).unwrap();
    assert_eq!(name(to_json([("a", &hidden)])), "unsupported");
    let half = Array::new(vec![2], Elements::F16(vec![0x3c00, 0x7e00])).unwrap();
    assert_eq!(to_json([("", &half)]).unwrap().to_string(), "[1.0,\"NaN\"]");
}
