//! Fuzzing: each parser on mutated input, against properties that must hold for any bytes.
//!
//! `cargo test --test fuzz` runs 20,000 inputs a parser. `WHITE_BOX_FUZZ=100000000 cargo test --release --test fuzz -- --nocapture --test-threads=1`
//! runs that many, with progress; `WHITE_BOX_FUZZ_SEED=7` draws others. An input that breaks a property is printed as hexadecimal, so that it can become a
//! test by name.

mod fuzz {
    mod driver;
    mod naive_inflate;
    mod seeds;

    use driver::{Target, outcome, run};
    use white_box::data::json::{Reader, from_tensor, tensor};
    use white_box::data::npz::Limits;
    use white_box::data::{Array, Json, archive, csv, gzip, idx, image, inflate, json, npy, npz, safetensors};
    use white_box::oracle;

    /// What is read is written so that it reads the same, in both layouts; the reader that allows Python's words agrees where none is there.
    fn json(bytes: &[u8]) -> u64 {
        let read = Json::parse(bytes);
        let words = Reader { words: true, ..Reader::default() }.parse(bytes);
        match &read {
            Ok(value) => {
                assert_eq!(words.as_ref(), Ok(value));
                assert_eq!(&Json::parse(value.to_string().as_bytes()).expect("what was written"), value);
                assert_eq!(&Json::parse(value.pretty().as_bytes()).expect("what was written indented"), value);
                if let Ok((shape, data)) = tensor(value) {
                    let again = tensor(&from_tensor(&shape, &data).expect("a tensor")).expect("what was written");
                    let cut = shape.iter().position(|&n| n == 0).map_or(shape.len(), |at| at + 1);
                    assert_eq!(again.0, shape[..cut]);
                    assert!(same(&again.1, &data));
                    let array = archive::array_from_json(value).expect("a tensor is an array");
                    assert!(same(&array.to_f64().expect("integers up to 2^53"), &data));
                }
                if let Some(x) = value.as_number() {
                    assert!(x.f64().is_finite());
                    assert_eq!(json::Number::from_text(x.text()).as_ref(), Ok(x));
                }
            }
            Err(_) if words.is_ok() => assert!(bytes.windows(3).any(|w| w == b"NaN" || w == b"Inf")),
            Err(_) => {}
        }
        outcome(&read)
    }
    fn same(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
    }

    /// What is read is written so that it reads the same.
    fn npy(bytes: &[u8]) -> u64 {
        let read = npy::read(bytes);
        if let Ok((array, _)) = &read {
            let file = npy::write(array).expect("a type that came from a .npy");
            assert_eq!(npy::read(&file).expect("what was written").0, *array);
        }
        outcome(&read)
    }

    const SMALL: Limits = Limits { member: 1 << 14, total: 1 << 15 };

    /// The bytes as an archive.
    fn npz(bytes: &[u8]) -> u64 {
        let read = npz::read_within(bytes, SMALL);
        if let Ok((arrays, _)) = &read {
            rewrite_npz(arrays);
        }
        outcome(&read)
    }
    fn rewrite_npz(arrays: &[(String, Array)]) {
        // Names with a zero byte can be read and not written.
        if let Ok(file) = npz::write(arrays.iter().map(|(n, a)| (n.as_str(), a))) {
            assert_eq!(npz::read(&file).expect("what was written").0, arrays);
        } else {
            assert!(arrays.iter().any(|(name, _)| name.contains('\0') || name.len() > 65531));
        }
    }

    /// The bytes as the content of a member, with sizes and checksum that are right: stored, or as a deflate stream.
    fn npz_sealed(bytes: &[u8]) -> u64 {
        let Some((kind, data)) = bytes.split_first() else { return 0 };
        let content = if kind & 1 == 0 { data.to_vec() } else { inflate::inflate(data, 1 << 14).map_or(Vec::new(), |i| i.bytes) };
        let file = seeds::seal(data, &content, kind & 1 == 1);
        let read = npz::read_within(&file, SMALL);
        if let Ok((arrays, _)) = &read {
            rewrite_npz(arrays);
        }
        outcome(&read)
    }

    /// The same output, use of input and verdict as a decoder that follows the standard bit by bit.
    fn inflate(bytes: &[u8]) -> u64 {
        const LIMIT: usize = 1 << 9;
        let read = inflate::inflate(bytes, LIMIT);
        let naive = naive_inflate::inflate(bytes, LIMIT);
        match (&read, naive) {
            (Ok(read), Ok(naive)) => assert_eq!((&read.bytes, read.used), (&naive.0, naive.1)),
            (Err(e), Err(too_long)) => assert_eq!(e.fault().name == "OutputTooLong", too_long),
            (read, naive) => panic!("{read:?} but naively {naive:?}"),
        }
        if let Ok(read) = &read {
            assert_eq!(inflate::inflate(&bytes[..read.used], read.bytes.len()).as_ref(), Ok(read));
        }
        let _ = gzip::unpack(bytes, LIMIT);
        outcome(&read)
    }

    /// What is read is written so that it reads the same, and the written form is its own.
    fn safetensors(bytes: &[u8]) -> u64 {
        let read = safetensors::read(bytes);
        if let Ok(contents) = &read {
            let write = |c: &safetensors::Contents| {
                let tensors = c.tensors.iter().map(|(n, a)| (n.as_str(), a));
                safetensors::write(tensors, c.metadata.as_deref()).expect("distinct names")
            };
            let file = write(contents);
            let again = safetensors::read(&file).expect("what was written");
            let sorted = |mut tensors: Vec<(String, Array)>| {
                tensors.sort_by(|a, b| a.0.cmp(&b.0));
                tensors
            };
            assert_eq!(write(&again), file);
            assert!(again.warnings.is_empty());
            assert_eq!(sorted(again.tensors), sorted(contents.tensors.clone()));
        }
        outcome(&read)
    }

    /// What is read is written so that it reads the same; text survives too.
    fn csv(bytes: &[u8]) -> u64 {
        let read = csv::read(bytes);
        if let Ok(table) = &read {
            assert_eq!(table.data.len(), table.rows * table.cols);
            if table.cols > 0 {
                let header: Option<Vec<&str>> = table.header.as_ref().map(|names| names.iter().map(String::as_str).collect());
                let again = csv::read(csv::write(header.as_deref(), table.cols, &table.data).expect("a table").as_bytes())
                    .expect("what was written");
                assert_eq!((&again.header, again.rows, again.cols), (&table.header, table.rows, table.cols));
                assert!(same(&again.data, &table.data));
            }
        }
        if let Ok(rows) = csv::read_text(bytes) {
            // A record of one field could be taken for one of several: its separator is not known.
            if rows.first().is_none_or(|first| first.len() > 1) {
                assert_eq!(csv::read_text(csv::write_text(&rows).as_bytes()).expect("what was written"), rows);
            }
        }
        outcome(&read)
    }

    /// There is one way to write an array: what is read is written to the same bytes.
    fn idx(bytes: &[u8]) -> u64 {
        let read = idx::read(bytes);
        if let Ok(array) = &read {
            let file = idx::write(array).expect("a type that came from IDX");
            if gzip::is_gzip(bytes) {
                assert_eq!(idx::read(&file).as_ref(), Ok(array));
            } else {
                assert_eq!(file, bytes);
            }
        }
        outcome(&read)
    }

    /// What is read is written so that it reads the same.
    fn pnm(bytes: &[u8]) -> u64 {
        let read = image::read(bytes);
        if let Ok(image) = &read {
            assert_eq!(image::read(&image::write(image)).as_ref(), Ok(image));
        }
        outcome(&read)
    }

    /// Any of the formats, told apart by content.
    fn any(bytes: &[u8]) -> u64 {
        let read = archive::decode(bytes);
        if let Ok(archive) = &read {
            let arrays = || archive.arrays.iter().map(|(n, a)| (n.as_str(), a));
            let file = safetensors::write(arrays(), None);
            assert!(file.is_ok() || arrays().any(|(name, _)| name == "__metadata__"));
            if let Ok(json) = archive::to_json(arrays()) {
                let again = archive::decode(json.to_string().as_bytes()).expect("what was written").arrays;
                assert_eq!(again.len(), arrays().len());
            }
        }
        outcome(&read)
    }

    /// A request line has one reply, a JSON object on one line that says whether it went well and gives back the id.
    fn serve(bytes: &[u8]) -> u64 {
        let reply = oracle::answer(bytes);
        assert!(!reply.contains('\n'), "one line");
        let reply = Json::parse(reply.as_bytes()).expect("a reply is JSON");
        let ok = reply.get("ok").and_then(Json::as_bool).expect("a reply says whether it is good");
        match Json::parse(bytes) {
            Ok(request) => assert_eq!(reply.get("id"), request.get("id")),
            Err(_) => assert!(!ok),
        }
        let error = reply.get("error");
        assert_eq!(error.is_none(), ok);
        error.map_or(0, |e| {
            let part = |name: &str| e.get(name).and_then(Json::as_str).unwrap_or("");
            part("kind").bytes().chain(part("name").bytes()).fold(1, |hash: u64, b| hash.wrapping_mul(31).wrapping_add(b.into()))
        })
    }

    macro_rules! targets {
        ($($name:ident: $longest:literal;)*) => {
            mod keeps_its_properties {
                use super::{Target, run, seeds};
                $(
                    #[test]
                    fn $name() {
                        run(&Target { name: stringify!($name), body: super::$name, seeds: seeds::$name(), longest: $longest });
                    }
                )*
            }
        };
    }
    targets! {
        json: 120;
        npy: 200;
        npz: 600;
        npz_sealed: 250;
        inflate: 120;
        safetensors: 300;
        csv: 60;
        idx: 80;
        pnm: 50;
        any: 400;
        serve: 300;
    }
}
