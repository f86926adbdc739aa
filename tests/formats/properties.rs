//! Whatever the bytes: an answer or an error, and what was read is read again after writing.

use proptest::prelude::*;
use white_box::data::json::{from_tensor, tensor};
use white_box::data::{Array, Dtype, Elements, Json, archive, csv, gzip, half, idx, image, inflate, npy, npz, safetensors};

/// Every reader on the same bytes.
fn read_all(bytes: &[u8]) {
    let _ = (safetensors::read(bytes), npy::read(bytes), npz::read(bytes), Json::parse(bytes), archive::decode(bytes));
    let _ = (csv::read(bytes), csv::read_text(bytes), idx::read(bytes), image::read(bytes));
    let _ = (inflate::inflate(bytes, 1 << 16), gzip::unpack(bytes, 1 << 16));
}

fn array() -> impl Strategy<Value = Array> {
    (proptest::collection::vec(0usize..5, 0..4), proptest::sample::select(&Dtype::ALL[..]), any::<u64>()).prop_map(
        |(shape, dtype, seed)| {
            let count = shape.iter().product::<usize>();
            let byte = |i: usize| (seed.wrapping_mul(2 * i as u64 + 1).rotate_left(i as u32 % 64) >> 24) as u8;
            let bytes: Vec<u8> = (0..count * dtype.size()).map(|i| if dtype == Dtype::Bool { byte(i) & 1 } else { byte(i) }).collect();
            Array::new(shape, Elements::from_bytes(dtype, &bytes, seed % 2 == 1).unwrap()).unwrap()
        },
    )
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<f64>().prop_map(Json::real),
        any::<i64>().prop_map(Json::integer),
        any::<String>().prop_map(Json::String),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?(e[+-]?[0-9]{1,2})?".prop_map(|text| Json::parse(text.as_bytes()).unwrap()),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Json::Array),
            proptest::collection::btree_map(any::<String>(), inner, 0..8).prop_map(Json::object),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }
    #[test]
    fn arbitrary_bytes_after_a_good_start_never_panic(start in 0usize..8, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let starts: [&[u8]; 8] = [b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PK\x05\x06\0\0\0\0", b"\x10\0\0\0\0\0\0\0{", b"\x1f\x8b\x08\x00\0\0\0\0\0\x03", b"\0\0\x08\x01", b"P2 ", b"[["];
        read_all(&[starts[start], &bytes].concat());
    }
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        read_all(text.as_bytes());
    }

    #[test]
    fn arrays_survive_every_format(arrays in proptest::collection::vec(("[a-zé/.\" ]{0,6}", array()), 0..5)) {
        let mut arrays: Vec<(String, Array)> = arrays;
        arrays.sort_by(|a, b| a.0.cmp(&b.0));
        arrays.dedup_by(|a, b| a.0 == b.0);
        let borrowed = || arrays.iter().map(|(n, a)| (n.as_str(), a));
        let file = safetensors::write(borrowed(), None).unwrap();
        let mut back = archive::decode(&file).unwrap().arrays;
        back.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(&back, &arrays);
        if arrays.iter().all(|(_, a)| a.dtype() != Dtype::BF16) {
            prop_assert_eq!(&npz::read(&npz::write(borrowed()).unwrap()).unwrap().0, &arrays);
        }
        for (_, array) in &arrays {
            if let Ok(file) = npy::write(array) {
                prop_assert_eq!(&npy::read(&file).unwrap().0, array);
            }
            if let Ok(file) = idx::write(array) {
                prop_assert_eq!(&idx::read(&file).unwrap(), array);
            }
            if let Ok(json) = archive::array_to_json(array) {
                let read = archive::array_from_json(&Json::parse(json.to_string().as_bytes()).unwrap()).unwrap();
                prop_assert_eq!(read.shape(), array.shape());
                let (a, b) = (read.to_f64().unwrap(), array.to_f64().unwrap());
                prop_assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
            }
        }
    }

    #[test]
    fn one_changed_byte_of_a_file_is_an_error_or_another_array(array in array(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let file = safetensors::write([("a", &array)], None).unwrap();
        let mut changed = file.clone();
        changed[at.index(file.len())] ^= 1 << bit;
        if let Ok(contents) = safetensors::read(&changed) {
            let again = safetensors::write(contents.tensors.iter().map(|(n, a)| (n.as_str(), a)), contents.metadata.as_deref()).unwrap();
            prop_assert_ne!(again, file);
        }
    }

    #[test]
    fn json_survives(value in json()) {
        prop_assert_eq!(&Json::parse(value.to_string().as_bytes()).unwrap(), &value);
        prop_assert_eq!(&Json::parse(value.pretty().as_bytes()).unwrap(), &value);
    }
    #[test]
    fn every_real_survives_json_and_csv(bits in any::<u64>()) {
        let x = f64::from_bits(bits);
        let same = |y: f64| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
        prop_assert!(same(Json::parse(Json::real(x).to_string().as_bytes()).unwrap().as_f64().unwrap()));
        prop_assert!(same(csv::read(csv::write(None, 1, &[x]).unwrap().as_bytes()).unwrap().data[0]));
    }
    #[test]
    fn tensors_survive(shape in proptest::collection::vec(1usize..4, 0..4), seed in any::<f64>()) {
        let data: Vec<f64> = (0..shape.iter().product()).map(|i: usize| seed * i as f64).collect();
        let (back, flat) = tensor(&from_tensor(&shape, &data).unwrap()).unwrap();
        prop_assert_eq!(back, shape);
        prop_assert!(flat.iter().zip(&data).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
    }
    #[test]
    fn halves_round_to_a_nearest_neighbour(x in any::<f64>()) {
        for (encode, decode) in [(half::f16_from_f64 as fn(f64) -> u16, half::f16_to_f64 as fn(u16) -> f64), (half::bf16_from_f64, half::bf16_to_f64)] {
            let bits = encode(x);
            let error = (decode(bits) - x).abs();
            for neighbour in [bits.wrapping_sub(1), bits.wrapping_add(1)] {
                let y = decode(neighbour);
                prop_assert!(x.is_nan() || decode(bits).is_infinite() || y.is_nan() || y.is_infinite() || error <= (y - x).abs());
            }
        }
    }
    #[test]
    fn tables_of_text_survive(rows in proptest::collection::vec(proptest::collection::vec(any::<String>(), 2..5), 1..5)) {
        prop_assert_eq!(csv::read_text(csv::write_text(&rows).as_bytes()).unwrap(), rows);
    }
}
