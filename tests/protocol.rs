//! The line protocol: the contract's own lines, and thousands of random ones, many malformed.

use white_box::data::json::Json;
use white_box::oracle::{CATALOG, answer, exchange, generated_case, serve};
use white_box::random::Rng;

fn ask(line: &str) -> Json {
    Json::parse(answer(line.as_bytes()).as_bytes()).expect("a reply is JSON")
}
fn ok(reply: &Json) -> bool {
    reply.get("ok").and_then(Json::as_bool).expect("a reply says whether it is good")
}

#[test]
fn the_contract_by_its_own_lines() {
    let line = r#"{"id":1,"op":"coding_rate","inputs":{"z":[[1.0,0.0],[0.0,2.0]]},"params":{"eps":0.5},"preset":"paper","scalar":"f64"}"#;
    assert_eq!(answer(line.as_bytes()), r#"{"id":1,"ok":true,"outputs":{"value":2.2213256282451583}}"#);
    let reply = ask(r#"{"id":"a","op":"coding_rate","inputs":{"z":[[1.0,0.0],[0.0,2.0]]},"params":{"eps":0.5},"vjp":{"value":1.0}}"#);
    assert_eq!(reply.get("id"), Some(&Json::text("a")));
    assert_eq!(reply.get("gradients").unwrap().get("z").unwrap().as_array().unwrap().len(), 2);
    let reply = ask(r#"{"id":3,"op":"coding_rate","inputs":{"z":[[1,0],[0,2]]},"params":{"eps":0.5},"scalar":"ball"}"#);
    assert!(reply.get("radius").unwrap().get("value").unwrap().as_f64().unwrap() < 1e-29);
    let reply = ask(r#"{"id":4,"op":"coding_rate","inputs":{"z":[1,2,[3]]},"params":{"eps":0.5}}"#);
    assert_eq!(reply.get("error").unwrap().get("kind"), Some(&Json::text("shape")));
    let reply = ask(r#"{"hello":1}"#);
    assert!(ok(&reply) && reply.get("ops").unwrap().as_array().unwrap().len() == CATALOG.len());
    assert_eq!(reply.get("name"), Some(&Json::text("white-box")));
    let malformed = [
        "{",
        "[]",
        "1",
        "{}",
        r#"{"id":5,"op":"no"}"#,
        r#"{"op":"gram","inputs":{"x":[["NaN"]]}}"#,
        r#"{"op":"gram","inputs":{"x":[[1]]},"vpj":{}}"#,
    ];
    for line in malformed {
        assert!(!ok(&ask(line)), "{line}");
    }
    let id = ask(r#"{"id":[1,{"x":null}],"op":"no"}"#);
    assert_eq!(id.get("id"), Some(&Json::parse(br#"[1,{"x":null}]"#).unwrap()), "the id comes back unchanged");
}

/// Requests made from the catalog's own cases; every tenth is broken by a random edit. Each gets one line, in order, and the server lives on.
#[test]
fn ten_thousand_requests_a_tenth_of_them_malformed() {
    let mut rng = Rng::new(11);
    let (mut input, mut edited) = (Vec::new(), Vec::new());
    for i in 0..10_000u64 {
        let entry = CATALOG[rng.below(CATALOG.len())];
        let case = generated_case(entry, rng.below(6), i).unwrap();
        let Json::Object(mut fields) = exchange::case_to_json(&case).unwrap() else { unreachable!() };
        fields.push(("id".into(), Json::integer(i as i64)));
        fields.push(("op".into(), Json::text(entry.spec().name)));
        fields.push(("scalar".into(), Json::text(["f32", "f64", "dd", "ball"][rng.below(4)])));
        let mut line = Json::Object(fields).to_string().into_bytes();
        if i % 10 == 9 {
            for _ in 0..1 + rng.below(3) {
                let at = rng.below(line.len());
                match rng.below(4) {
                    0 => line[at] = rng.bits() as u8,
                    1 => line.truncate(at),
                    2 => line.insert(at, b"{}[]\",:-e0"[rng.below(10)]),
                    _ => drop(line.splice(at..at, *b"1e999")),
                }
                line.retain(|&b| b != b'\n');
                if line.iter().all(u8::is_ascii_whitespace) {
                    line = b"x".to_vec();
                }
            }
        }
        edited.push(i % 10 == 9);
        input.extend(line);
        input.push(b'\n');
    }
    let mut output = Vec::new();
    serve(&mut &input[..], &mut output).unwrap();
    let replies: Vec<&[u8]> = output.split(|&b| b == b'\n').filter(|l| !l.is_empty()).collect();
    assert_eq!(replies.len(), edited.len(), "one reply a line");
    let mut refused = 0;
    let requests = input.split(|&b| b == b'\n');
    for ((reply, edited), request) in replies.iter().zip(edited).zip(requests) {
        let reply = Json::parse(reply).expect("a reply is JSON");
        if !ok(&reply) {
            refused += 1;
            let kind = reply.get("error").unwrap().get("kind").and_then(Json::as_str).unwrap();
            // Only the enclosure may be too wide for a legal case.
            assert!(edited || kind == "undecided", "{reply} to {}", String::from_utf8_lossy(request));
        }
    }
    assert!(refused > 500, "{refused} of 1000 malformed requests refused");
}
