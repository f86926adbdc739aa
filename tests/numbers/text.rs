//! Numbers as text.

use crate::source::{Source, dd};
use white_box::Error;
use white_box::scalar::{Ball, DoubleDouble, Scalar};

#[test]
fn decimal_text_is_rounded_once_and_read_back_identically() {
    for (text, hi, lo) in [
        ("0", 0.0, 0.0),
        ("-0.0e5", 0.0, 0.0),
        ("1", 1.0, 0.0),
        ("+1.5", 1.5, 0.0),
        (".5", 0.5, 0.0),
        ("5.", 5.0, 0.0),
        ("0.1", 0.1, -5.551115123125783e-18),
        ("-1e-3", -1e-3, 2.0816681711721685e-20),
        ("1e22", 1e22, 0.0),
        ("1E+23", 1e23, 8388608.0),
        ("9007199254740993", 9007199254740992.0, 1.0),
        ("1e-400", 0.0, 0.0),
        ("1e-99999999999999999999", 0.0, 0.0),
        ("0e99999999999999999999", 0.0, 0.0),
        ("5e-324", f64::from_bits(1), 0.0),
        ("2.4703282292062328e-324", f64::from_bits(1), 0.0),
        ("2.4703282292062327e-324", 0.0, 0.0),
        ("1.7976931348623157e308", f64::MAX, -8.145274237317043e290),
        ("0x1.8p+3", 12.0, 0.0),
        ("-0X.8P1", -1.0, 0.0),
        ("0x10", 16.0, 0.0),
        ("0x1p+3 + 0x1p-60", 8.0, 2f64.powi(-60)),
        ("0x1p+3 - 0x1p-60", 8.0, -2f64.powi(-60)),
        ("0x1.00000000000000000000001p0", 1.0, 2f64.powi(-92)),
    ] {
        let x = DoubleDouble::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(x.hi(), hi, "{text}");
        assert!((x.lo() - lo).abs() <= 1e-9 * lo.abs(), "{text}: {} instead of {lo}", x.lo());
    }
    let mut s = Source(10);
    for round in 0..1_500 {
        let x = if round % 4 == 0 { s.pair(-1022..1023) } else { s.pair(-70..70) };
        let x = if round % 50 == 1 { DoubleDouble::new(x.hi(), f64::from_bits(3)) } else { x };
        assert_eq!(DoubleDouble::parse(&x.to_string()).unwrap(), x, "{x:?}");
        assert_eq!(DoubleDouble::parse(&x.to_hex()).unwrap(), x, "{x:?}");
        // Every digit of the exact expansion, and a rounded one: within half a unit of its last digit.
        assert_eq!(DoubleDouble::parse(&x.to_decimal(1500)).unwrap(), x, "{x:?}");
        let count = 1 + s.below(40) as usize;
        let rounded = Ball::parse(&x.to_decimal(count)).unwrap();
        let half = x.hi().abs().log10().floor() - count as f64 + 1.0;
        assert!(
            (rounded - x.to_ball()).magnitude() <= 0.5000001 * 10f64.powf(half) + 2.0 * rounded.rad() + 1e-323,
            "{x:?} to {count}: {}",
            x.to_decimal(count)
        );
        // An f64 prints as std reads it.
        let plain = x.hi().to_string().parse::<f64>().unwrap();
        assert_eq!(DoubleDouble::parse(&format!("{:e}", x.hi())).unwrap().hi(), plain);
    }
    for (x, digits, text) in [
        (dd(1.0), 1, "1"),
        (dd(0.5), 3, "0.500"),
        (dd(2.5), 1, "2"),
        (dd(3.5), 1, "4"),
        (dd(9.96), 2, "10"),
        (dd(0.1), 20, "0.10000000000000000555"),
        (dd(-1234.5), 4, "-1234"),
        (dd(1e300), 3, "1.00e300"),
        (dd(1.25e-7), 3, "1.25e-7"),
        (dd(0.0), 5, "0"),
        (dd(f64::NAN), 5, "NaN"),
        (dd(f64::NEG_INFINITY), 5, "-inf"),
        (dd(123456.0), 2, "1.2e5"),
        (DoubleDouble::pi(), 31, "3.141592653589793238462643383280"),
    ] {
        assert_eq!(x.to_decimal(digits), text);
        assert_eq!(format!("{x:.digits$}"), text);
    }
    // A trailing part of 0 has near neighbours, so nothing short of the exact expansion is read back as 0.
    assert_eq!(dd(0.1).to_string(), "0.1000000000000000055511151231257827021181583404541015625");
    assert_eq!(dd(-42.0).to_string(), "-42");
    assert_eq!(dd(12.0).to_hex(), "0x1.8p+3");
    assert_eq!(dd(f64::from_bits(1)).to_hex(), "0x0.0000000000001p-1022");
}

#[test]
fn hostile_text_is_an_error() {
    let long = "9".repeat(5_000_000);
    let deep = format!("0.{}1", "0".repeat(1_000_000));
    for text in [
        "",
        " ",
        "+",
        "-",
        ".",
        "e",
        "e5",
        "1e",
        "1e+",
        "1e-",
        "--1",
        "+-1",
        "1.2.3",
        "0x",
        "0xp3",
        "0x1p",
        "0x1.g",
        "1_000",
        "1,5",
        "inf",
        "NaN",
        "nan",
        "1 2",
        "1 + ",
        " + 1",
        "1 + 2 + 3",
        "1e999999999",
        "-1e999999999",
        "1e99999999999999999999999",
        "1.8e308",
        "0x1p1024",
        "0x1p99999999999",
        "1e308 + 1e308",
        "١٢",
        "½",
        "∞",
        "0x1p3 0x1p4",
        "1e5.5",
        "0b11",
        &long,
        &deep,
        &"-".repeat(100_000),
        &"1e".repeat(3_000),
        "\u{0}",
        "é1",
    ] {
        let error = DoubleDouble::parse(text).expect_err(&text[..text.len().min(30)]);
        assert!(matches!(error, Error::Format(_) | Error::Unsupported(_)), "{error}");
        assert!(error.to_string().len() < 400);
        assert!(Ball::parse(text).is_err());
    }
    for text in ["1 ± ", " ± 1", "1 ± -1", "1 ± 2 ± 3", "± 1", "1 ± x", "1 +/- ", "1 ± 1e999", "x ± inf"] {
        assert!(Ball::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_text_of_a_ball_contains_the_ball_and_certifies_no_wrong_digit() {
    let mut s = Source(11);
    for _ in 0..1_500 {
        let pair = s.pair(-90..90);
        let x = s.ball(pair);
        let (text, hex) = (x.to_text(), x.to_hex());
        let read = Ball::parse(&text).unwrap();
        assert!(read.contains_ball(&x), "{x:?} printed {text}");
        assert!(read.rad() <= 1.01 * x.rad() + 1e-35 * x.magnitude(), "{x:?} printed {text}");
        assert_eq!(Ball::parse(&hex).unwrap(), x, "{hex}");
        let certified = x.certified();
        if certified.contains('±') {
            assert!(x.digits() < 2.0, "{x:?}: {certified}");
            continue;
        }
        // Both ends, rounded to as many digits, give this text.
        let count = certified.split('e').next().unwrap().bytes().filter(u8::is_ascii_digit).skip_while(|&c| c == b'0').count();
        let ends = [-x.rad(), x.rad()].map(|r| (x.mid() + dd(r)).to_decimal(count));
        if x.rad() > 0.0 && x.rad() > x.magnitude() * 1e-28 {
            assert!(ends.iter().all(|end| *end == certified), "{x:?}: {certified}, ends {ends:?}");
        }
        assert!(count as f64 >= x.digits().min(40.0) - 3.0 || x.rad() == 0.0, "{x:?}: {certified}");
    }
    let pi = Ball::pi().widen(1e-20);
    assert_eq!(pi.to_text(), "3.14159265358979323846264 ± 1.0006e-20");
    assert_eq!(pi.certified(), "3.1415926535897932385");
    assert_eq!(Ball::exact(3.0).to_text(), "3 ± 0");
    assert_eq!(Ball::exact(-0.25).certified(), "-0.25");
    assert_eq!(Ball::ZERO.to_text(), "0 ± 0");
    assert_eq!(Ball::WHOLE.to_text(), "0 ± inf");
    assert_eq!(Ball::parse("0 ± inf").unwrap(), Ball::WHOLE);
    assert_eq!(Ball::parse("2.5+/-0.5").unwrap(), Ball::new(dd(2.5), 0.5));
    assert!(Ball::parse("0.1").unwrap().overlaps(&(Ball::ONE / Ball::exact(10.0))) && Ball::parse("0.1").unwrap().rad() > 0.0);
    assert_eq!(Ball::new(dd(0.0), 1.0).certified(), Ball::new(dd(0.0), 1.0).to_text());
    assert_eq!(format!("{pi}"), pi.to_text());
}
