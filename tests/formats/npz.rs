//! Hostile `.npz` archives and deflate streams.

use super::{message, name};
use white_box::data::crc32::crc32;
use white_box::data::inflate::inflate;
use white_box::data::npz::{Limits, read, read_within, write};
use white_box::data::{Array, Elements, npy};

/// An archive of these members, each field as it should be.
#[derive(Clone)]
struct Zip {
    members: Vec<Member>,
    comment: Vec<u8>,
    prefix: Vec<u8>,
    /// Added to what the end record says of count, size and start of the directory.
    lies: [i64; 3],
}
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    local_name: Vec<u8>,
    flags: u16,
    method: u16,
    local_method: u16,
    crc: u32,
    size: u32,
    packed: u32,
    extra: Vec<u8>,
    disk: u16,
    /// Where the directory says it is, if elsewhere than it is.
    offset: Option<u32>,
    data: Vec<u8>,
}
fn member(name: &str, content: &[u8]) -> Member {
    let size = content.len() as u32;
    let (name, data) = (name.as_bytes().to_vec(), content.to_vec());
    let local_name = name.clone();
    Member {
        name,
        local_name,
        flags: 0,
        method: 0,
        local_method: 0,
        crc: crc32(content),
        size,
        packed: size,
        extra: vec![],
        disk: 0,
        offset: None,
        data,
    }
}
fn deflated(name: &str, content: &[u8], stream: &[u8]) -> Member {
    let packed = stream.len() as u32;
    Member { method: 8, local_method: 8, packed, data: stream.to_vec(), ..member(name, content) }
}
fn zip(members: impl Into<Vec<Member>>) -> Zip {
    Zip { members: members.into(), comment: vec![], prefix: vec![], lies: [0; 3] }
}
impl Zip {
    fn bytes(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let mut directory = Vec::new();
        let w16 = |out: &mut Vec<u8>, values: &[u16]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        for m in &self.members {
            let offset = m.offset.unwrap_or(out.len() as u32);
            out.extend(b"PK\x03\x04");
            w16(&mut out, &[20, m.flags, m.local_method, 0, 33]);
            for v in [m.crc, m.packed, m.size] {
                out.extend(v.to_le_bytes());
            }
            w16(&mut out, &[m.local_name.len() as u16, 0]);
            out.extend(&m.local_name);
            out.extend(&m.data);
            directory.extend(b"PK\x01\x02");
            w16(&mut directory, &[20, 20, m.flags, m.method, 0, 33]);
            for v in [m.crc, m.packed, m.size] {
                directory.extend(v.to_le_bytes());
            }
            w16(&mut directory, &[m.name.len() as u16, m.extra.len() as u16, 0, m.disk, 0, 0, 0]);
            directory.extend(offset.to_le_bytes());
            directory.extend(&m.name);
            directory.extend(&m.extra);
        }
        let (start, count) = (out.len() as i64, (self.members.len() as i64 + self.lies[0]) as u16);
        let size = directory.len() as i64 + self.lies[1];
        out.extend(directory);
        out.extend(b"PK\x05\x06");
        w16(&mut out, &[0, 0, count, count]);
        out.extend((size as u32).to_le_bytes());
        out.extend(((start + self.lies[2]) as u32).to_le_bytes());
        w16(&mut out, &[self.comment.len() as u16]);
        out.extend(&self.comment);
        out
    }
}
fn number(x: f64) -> (Array, Vec<u8>) {
    let array = Array::from_f64(vec![1], vec![x]).unwrap();
    let file = npy::write(&array).unwrap();
    (array, file)
}
/// An archive of one member `a.npy`, changed.
fn changed(change: impl FnOnce(&mut Member)) -> &'static str {
    let mut m = member("a.npy", &number(1.0).1);
    change(&mut m);
    name(read(&zip([m]).bytes()))
}

#[test]
fn a_sound_archive_is_read() {
    let (one, file) = number(1.0);
    let mut archive = zip([member("a.npy", &file), member("b/../c.npy", &file), member("readme.txt", b"hello"), member("d/", b"")]);
    archive.comment = b"made by hand".to_vec();
    let (arrays, warnings) = read(&archive.bytes()).unwrap();
    assert_eq!(arrays, [("a".to_string(), one.clone()), ("b/../c".to_string(), one)]);
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("readme.txt") && warnings[1].contains("\"d/\""));
}

#[test]
fn the_end_record() {
    let sound = zip([member("a.npy", &number(1.0).1)]);
    let bytes = sound.bytes();
    assert!(read(&bytes).is_ok());
    assert_eq!(name(read(b"")), "NoEndRecord");
    assert_eq!(name(read(b"PK\x05\x06")), "NoEndRecord");
    assert_eq!(name(read(&bytes[..bytes.len() - 1])), "NoEndRecord");
    assert_eq!(name(read(&[&bytes[..], b"x"].concat())), "NoEndRecord");
    let with = |lies| name(read(&Zip { lies, ..sound.clone() }.bytes()));
    assert_eq!(with([1, 0, 0]), "InvalidDirectory");
    assert_eq!(with([-1, 0, 0]), "format");
    assert_eq!(with([0, 1, 0]), "InvalidDirectory");
    assert_eq!(with([0, 1, -1]), "format");
    assert_eq!(with([0, 0, 1]), "InvalidDirectory");
    assert_eq!(with([0, 0, -1]), "InvalidDirectory");
    assert_eq!(name(read(&Zip { prefix: b"MZ".to_vec(), ..sound.clone() }.bytes())), "LeadingData");
    let shifted = [b"MZ".to_vec(), bytes.clone()].concat();
    assert_eq!(name(read(&shifted)), "InvalidDirectory");
    let mut parts = bytes;
    let end = parts.len() - 22;
    parts[end + 4] = 1;
    assert_eq!(name(read(&parts)), "unsupported");
    // An end record inside the comment of another: the outer one counts, and its comment is no archive.
    let inner = zip([]).bytes();
    let outer = Zip { comment: inner.clone(), ..sound.clone() }.bytes();
    assert_eq!(name(read(&outer)), "InvalidDirectory");
    let covered = Zip { comment: [inner, b"!".to_vec()].concat(), ..sound }.bytes();
    assert!(read(&covered).is_ok());
}

#[test]
fn members_that_contradict_themselves() {
    assert_eq!(changed(|m| m.crc ^= 1), "ChecksumMismatch");
    assert_eq!(changed(|m| m.size += 1), "SizeMismatch");
    assert_eq!(changed(|m| m.local_name = b"b.npy".to_vec()), "LocalMismatch");
    assert_eq!(changed(|m| m.local_method = 8), "LocalMismatch");
    assert_eq!(changed(|m| (m.method, m.local_method) = (12, 12)), "UnsupportedMethod");
    assert_eq!(changed(|m| m.flags = 1), "unsupported");
    assert_eq!(changed(|m| m.disk = 1), "unsupported");
    assert_eq!(changed(|m| m.offset = Some(1)), "format");
    assert_eq!(changed(|m| m.offset = Some(u32::MAX - 1)), "format");
    assert_eq!(changed(|m| (m.packed, m.size) = (m.packed + 1, m.size + 1)), "Truncated");
    assert_eq!(changed(|m| (m.packed, m.size) = (u32::MAX - 1, u32::MAX - 1)), "Truncated");
    assert_eq!(changed(|m| (m.flags, m.name, m.local_name) = (0x0800, b"\xff.npy".to_vec(), b"\xff.npy".to_vec())), "InvalidUtf8");
    assert_eq!(changed(|m| m.extra = vec![1, 0, 9]), "Truncated");
    assert_eq!(changed(|m| m.extra = vec![1, 0, 0, 0, 1, 0, 0, 0]), "format");
    assert_eq!(changed(|m| (m.packed, m.extra) = (u32::MAX, vec![1, 0, 4, 0, 1, 2, 3, 4])), "Truncated");
    assert_eq!(changed(|m| m.data[0] = 0), "ChecksumMismatch");
}

#[test]
fn names() {
    let (_, file) = number(1.0);
    let twice = zip([member("a.npy", &file), member("a.npy", &file)]);
    assert_eq!(name(read(&twice.bytes())), "DuplicateKey");
    let old = Member { name: b"\x84\x94.npy".to_vec(), local_name: b"\x84\x94.npy".to_vec(), ..member("", &file) };
    assert_eq!(read(&zip([old]).bytes()).unwrap().0[0].0, "äö");
    let pickle = zip([member("archive/data.pkl", b"\x80\x02."), member("archive/version", b"3")]);
    assert_eq!(name(read(&pickle.bytes())), "Pickle");
    assert!(message(read(&pickle.bytes())).contains("safetensors.torch.save_file"));
}

#[test]
fn overlapping_members_and_bombs() {
    let (_, file) = number(1.0);
    let mut overlapping = zip([member("a.npy", &file), Member { offset: Some(0), ..member("a.npy", &file) }]);
    overlapping.members[1].local_name = b"x".to_vec();
    assert_eq!(name(read(&overlapping.bytes())), "Overlap");
    // A stream of 1,030 bytes that expands to a megabyte of zeros, and says so or not.
    let (stream, length) = bomb(3970);
    let zeros = vec![0; length];
    let honest = zip([deflated("a.npy", &zeros, &stream)]).bytes();
    assert_eq!(name(read(&honest)), "InvalidMagic");
    assert_eq!(name(read_within(&honest, Limits { member: 1 << 19, total: 1 << 30 })), "MemberTooLarge");
    assert_eq!(name(read_within(&honest, Limits { member: 1 << 30, total: 1 << 19 })), "ArchiveTooLarge");
    let two = zip([deflated("a.npy", &zeros, &stream), deflated("b.npy", &zeros, &stream)]).bytes();
    assert_eq!(name(read_within(&two, Limits { member: 1 << 20, total: 3 << 19 })), "ArchiveTooLarge");
    let lying = zip([Member { size: 1000, ..deflated("a.npy", &zeros, &stream) }]).bytes();
    assert_eq!(name(read(&lying)), "SizeMismatch");
    let boasting = zip([Member { size: u32::MAX - 1, ..deflated("a.npy", &zeros, &stream) }]).bytes();
    assert_eq!(name(read(&boasting)), "SizeMismatch");
    let mut left_over = stream.clone();
    left_over.push(0);
    assert_eq!(name(read(&zip([deflated("a.npy", &zeros, &left_over)]).bytes())), "format");
}

/// A fixed-code block: one zero byte, then so many copies of 258 bytes at distance 1.
fn bomb(copies: usize) -> (Vec<u8>, usize) {
    let mut bits = Bits::default();
    bits.put(0b011, 3);
    bits.code(0x30, 8);
    for _ in 0..copies {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    (bits.bytes, 1 + 258 * copies)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}
impl Bits {
    /// A number of `n` bits, the least significant first.
    fn put(&mut self, value: u32, n: usize) {
        for i in 0..n {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> i & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }
    /// A code of `n` bits, the most significant first.
    fn code(&mut self, value: u32, n: usize) {
        (0..n).rev().for_each(|i| self.put(value >> i & 1, 1));
    }
}

fn stream(build: impl FnOnce(&mut Bits)) -> Vec<u8> {
    let mut bits = Bits::default();
    build(&mut bits);
    bits.bytes
}
fn expand(build: impl FnOnce(&mut Bits)) -> Result<Vec<u8>, white_box::Error> {
    inflate(&stream(build), 1 << 20).map(|i| i.bytes)
}

#[test]
fn deflate_stored_blocks() {
    let stored = |length: u32, inverse: u32, data: &[u8]| {
        let data = data.to_vec();
        expand(move |b| {
            b.put(1, 3);
            b.put(0, 5);
            b.put(length, 16);
            b.put(inverse, 16);
            data.iter().for_each(|&x| b.put(x.into(), 8));
        })
    };
    assert_eq!(stored(3, 0xfffc, b"abc").unwrap(), b"abc");
    assert_eq!(stored(0, 0xffff, b"").unwrap(), b"");
    assert_eq!(name(stored(3, 0xfffb, b"abc")), "format");
    assert_eq!(name(stored(3, 0xfffc, b"ab")), "Truncated");
    assert_eq!(name(inflate(b"", 10)), "Truncated");
    assert_eq!(name(inflate(&[7], 10)), "format");
    assert_eq!(name(inflate(&stream(|b| b.put(1, 3)), 10)), "Truncated");
    assert_eq!(inflate(&[1, 1, 0, 0xfe, 0xff, b'x', b'y'], 1).unwrap().used, 6);
    assert_eq!(name(inflate(&[1, 1, 0, 0xfe, 0xff, b'x'], 0)), "OutputTooLong");
}

#[test]
fn deflate_fixed_blocks() {
    let literal = |b: &mut Bits, c: u8| b.code(0x30 + u32::from(c), 8);
    let fixed = |build: &dyn Fn(&mut Bits)| {
        expand(|b| {
            b.put(0b011, 3);
            build(b);
            b.code(0, 7);
        })
    };
    assert_eq!(fixed(&|b| literal(b, b'a')).unwrap(), b"a");
    assert_eq!(fixed(&|b| b.code(0x190 + 200 - 144, 9)).unwrap(), [200]);
    // A copy that runs into itself: "ab", then length 5 (symbol 259), distance 2 (symbol 1).
    let copy = |b: &mut Bits, length: u32, distance: u32| {
        b.code(length - 256, 7);
        b.code(distance, 5);
    };
    assert_eq!(
        fixed(&|b| {
            literal(b, b'a');
            literal(b, b'b');
            copy(b, 259, 1);
        })
        .unwrap(),
        b"abababa"
    );
    let after_a = |length: (u32, usize), distance: u32| {
        fixed(&|b| {
            literal(b, b'a');
            b.code(length.0, length.1);
            b.code(distance, 5);
        })
    };
    assert_eq!(after_a((1, 7), 0).unwrap(), b"aaaa");
    assert_eq!(after_a((0b1100_0101, 8), 0).unwrap(), [b'a'; 259]);
    assert!(message(after_a((1, 7), 1)).contains("distance"));
    assert!(message(after_a((1, 7), 30)).contains("distance symbol"));
    assert!(message(after_a((1, 7), 31)).contains("distance symbol"));
    assert!(message(after_a((0b1100_0110, 8), 0)).contains("length symbol"));
    assert!(message(after_a((0b1100_0111, 8), 0)).contains("length symbol"));
    let (bomb, length) = bomb(4);
    assert_eq!(inflate(&bomb, length).unwrap().bytes.len(), length);
    assert_eq!(name(inflate(&bomb, length - 1)), "OutputTooLong");
    assert_eq!(name(inflate(&bomb[..bomb.len() - 1], length)), "Truncated");
}

/// A dynamic block with code lengths for the 19 symbols of the code of code lengths, then so many literal and distance lengths, coded by `rest`.
fn dynamic(literals: u32, distances: u32, code_lengths: &[(usize, u32)], rest: impl Fn(&mut Bits)) -> Result<Vec<u8>, white_box::Error> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    expand(|b| {
        b.put(0b101, 3);
        b.put(literals - 257, 5);
        b.put(distances - 1, 5);
        b.put(15, 4);
        for symbol in ORDER {
            b.put(code_lengths.iter().find(|(s, _)| *s == symbol).map_or(0, |(_, n)| *n), 3);
        }
        rest(b);
    })
}

#[test]
fn deflate_dynamic_codes() {
    // Code lengths: symbol 1 is `0`, symbol 18 is `10`, symbol 0 is `11`... canonical: length 1: {1}; length 2: {0, 18}.
    let lengths = [(1, 1), (0, 2), (18, 2)];
    let one = |b: &mut Bits| b.code(0, 1);
    let zero = |b: &mut Bits| b.code(0b10, 2);
    let zeros = |b: &mut Bits, n: u32| {
        b.code(0b11, 2);
        b.put(n - 11, 7);
    };
    // Literal 65 and the end have codes of one bit; one distance of one bit.
    let build = |b: &mut Bits, distance: bool| {
        zeros(b, 65);
        one(b);
        zeros(b, 138);
        zeros(b, 52);
        one(b);
        if distance { one(b) } else { zero(b) }
    };
    let text = dynamic(257, 1, &lengths, |b| {
        build(b, true);
        b.put(0b100, 3); // A, A, end
    });
    assert_eq!(text.unwrap(), b"AA");
    // No distance code at all is legal while no copy is made.
    let text = dynamic(257, 1, &lengths, |b| {
        build(b, false);
        b.put(0b10, 2);
    });
    assert_eq!(text.unwrap(), b"A");
    // Only the end has a code, of one bit; the other bit is no code.
    let only_end = |bit| {
        dynamic(257, 1, &lengths, move |b| {
            zeros(b, 138);
            zeros(b, 118);
            one(b);
            zero(b);
            b.put(bit, 1);
        })
    };
    assert_eq!(only_end(0).unwrap(), b"");
    assert_eq!(name(only_end(1)), "format");
    // No code for the end.
    let no_end = dynamic(257, 1, &lengths, |b| {
        one(b);
        one(b);
        zeros(b, 138);
        zeros(b, 117);
        zero(b);
        zero(b);
        zero(b);
    });
    assert!(message(no_end).contains("end of the block"));
    // Three codes of one bit: over-subscribed. One of two bits: incomplete.
    let three = dynamic(257, 1, &lengths, |b| {
        one(b);
        one(b);
        zeros(b, 138);
        zeros(b, 116);
        one(b);
        zero(b);
    });
    assert!(message(three).contains("codes that are complete"));
    let two_bits = [(2, 1), (0, 2), (18, 2)];
    let incomplete = dynamic(257, 1, &two_bits, |b| {
        zeros(b, 138);
        zeros(b, 118);
        one(b);
        zero(b);
    });
    assert!(message(incomplete).contains("codes that are complete"));
    // The code of code lengths must be complete itself.
    for wrong in [&[(1, 1)][..], &[], &[(1, 1), (0, 1), (18, 1)], &[(1, 2), (0, 2), (18, 2)]] {
        assert!(message(dynamic(257, 1, wrong, |_| ())).contains("code lengths"), "{wrong:?}");
    }
    // A repeat with nothing before it, and one that runs past the end.
    let repeat = [(16, 1), (0, 2), (18, 2)];
    assert!(message(dynamic(257, 1, &repeat, |b| b.put(0, 3))).contains("repeat"));
    let past = dynamic(257, 1, &lengths, |b| {
        zeros(b, 138);
        zeros(b, 138);
    });
    assert!(message(past).contains("as many code lengths"));
    assert!(message(dynamic(287, 1, &lengths, |_| ())).contains("286"));
    assert!(message(dynamic(257, 31, &lengths, |_| ())).contains("30"));
}

#[test]
fn the_writer_refuses_what_no_reader_accepts() {
    let a = Array::new(vec![1], Elements::U8(vec![1])).unwrap();
    assert_eq!(name(write([("a", &a), ("a", &a)])), "DuplicateKey");
    assert_eq!(name(write([("a\0b", &a)])), "usage");
    assert_eq!(name(write([("x".repeat(65532).as_str(), &a)])), "usage");
    let longest = "x".repeat(65531);
    assert_eq!(read(&write([(longest.as_str(), &a)]).unwrap()).unwrap().0[0].0, longest);
    assert_eq!(name(write([("a", &Array::new(vec![1], Elements::BF16(vec![1])).unwrap())])), "UnsupportedDtype");
}
