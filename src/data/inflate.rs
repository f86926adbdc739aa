//! DEFLATE decompression (P. Deutsch, RFC 1951, 1996): what compressed `.npz` members and gzip files contain.
//!
//! A stream is a row of blocks, each stored as it is or coded by two Huffman codes: one for bytes and lengths of copies, one for the
//! distances of copies. Exactly the streams that zlib accepts are accepted.

use crate::{Error, Result};

/// What a stream expanded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inflated {
    /// The data.
    pub bytes: Vec<u8>,
    /// How many bytes of the input the stream took.
    pub used: usize,
}

/// Expands the stream at the start of `input`. `Unsupported` as soon as the output would pass `limit` bytes (a stream can grow to 1032 times its
/// length); `Format`, with the byte of the input, if the stream is broken. Memory grows with the output, never with a promise.
pub fn inflate(input: &[u8], limit: usize) -> Result<Inflated> {
    let mut bits = Bits { input, at: 0, buffer: 0, count: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out, limit)?,
            1 => coded(&mut bits, &mut out, limit, &FIXED.0, &FIXED.1)?,
            2 => {
                let (literals, distances) = codes(&mut bits)?;
                coded(&mut bits, &mut out, limit, &literals, &distances)?;
            }
            _ => return Err(bits.broken("a block of type 0, 1 or 2", "type 3")),
        }
        if last {
            return Ok(Inflated { bytes: out, used: bits.at - bits.count as usize / 8 });
        }
    }
}

/// The input as a stream of bits, least significant first.
struct Bits<'a> {
    input: &'a [u8],
    /// The next byte to load.
    at: usize,
    /// Bits loaded; those from `count` up are undefined.
    buffer: u64,
    count: u32,
}

impl Bits<'_> {
    /// Loads until there are at least 56 bits, or all that are left.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some(word) = super::bytes_at(self.input, self.at) {
            // Bits beyond the whole bytes counted are loaded too; the next refill puts the same bits in the same place.
            self.buffer |= u64::from_le_bytes(word) << self.count;
            self.at += (63 - self.count as usize) / 8;
            self.count |= 56;
        } else {
            while self.count <= 56 && self.at < self.input.len() {
                self.buffer |= u64::from(self.input[self.at]) << self.count;
                self.at += 1;
                self.count += 8;
            }
        }
    }
    #[inline(always)]
    fn drop(&mut self, n: u32) -> Result<()> {
        if n > self.count {
            return Err(self.broken("more data", "the end").named("Truncated"));
        }
        self.buffer >>= n;
        self.count -= n;
        Ok(())
    }
    /// The next `n` bits, of those loaded.
    #[inline(always)]
    fn loaded(&mut self, n: u32) -> Result<u32> {
        let value = (self.buffer & ((1 << n) - 1)) as u32;
        self.drop(n)?;
        Ok(value)
    }
    fn take(&mut self, n: u32) -> Result<u32> {
        self.refill();
        self.loaded(n)
    }
    #[cold]
    fn broken(&self, expected: &str, found: impl Into<String>) -> Error {
        Error::format(format!("byte {} of the deflate stream", self.at - self.count as usize / 8), expected, found)
    }
}

/// `want` more bytes must fit under `limit`.
#[inline(always)]
fn room(out: &[u8], want: usize, limit: usize) -> Result<()> {
    if want > limit - out.len() {
        return Err(Error::unsupported("deflate stream", format!("at most {limit} bytes"), "more").named("OutputTooLong"));
    }
    Ok(())
}

fn stored(bits: &mut Bits, out: &mut Vec<u8>, limit: usize) -> Result<()> {
    bits.drop(bits.count % 8)?;
    let (length, inverse) = (bits.take(16)?, bits.take(16)?);
    if length != inverse ^ 0xffff {
        return Err(bits.broken("a length and its complement", format!("{length:04x} {inverse:04x}")));
    }
    // Whole bytes that were loaded go back.
    bits.at -= bits.count as usize / 8;
    (bits.buffer, bits.count) = (0, 0);
    room(out, length as usize, limit)?;
    let Some(data) = bits.input.get(bits.at..bits.at + length as usize) else {
        return Err(bits.broken("a stored block", "the end").named("Truncated"));
    };
    out.extend_from_slice(data);
    bits.at += length as usize;
    Ok(())
}

const LENGTH_BASE: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
    24577,
];

fn coded(bits: &mut Bits, out: &mut Vec<u8>, limit: usize, literals: &Code, distances: &Code) -> Result<()> {
    loop {
        // One refill serves a whole copy (15 + 5 + 15 + 13 bits at most), or a few bytes and then what follows.
        bits.refill();
        let mut symbol = literals.symbol(bits)?;
        while symbol < 256 {
            room(out, 1, limit)?;
            out.push(symbol as u8);
            if bits.count < 48 {
                bits.refill();
            }
            symbol = literals.symbol(bits)?;
        }
        if symbol == 256 {
            return Ok(());
        }
        let which = usize::from(symbol) - 257;
        if which >= 29 {
            return Err(bits.broken("a length symbol up to 285", symbol.to_string()));
        }
        let length = usize::from(LENGTH_BASE[which]) + bits.loaded(LENGTH_EXTRA[which].into())? as usize;
        let symbol = usize::from(distances.symbol(bits)?);
        if symbol >= 30 {
            return Err(bits.broken("a distance symbol up to 29", symbol.to_string()));
        }
        let extra = (symbol as u32 / 2).saturating_sub(1);
        let distance = usize::from(DISTANCE_BASE[symbol]) + bits.loaded(extra)? as usize;
        if distance > out.len() {
            return Err(bits.broken("a distance within what is written", format!("{distance} of {}", out.len())));
        }
        room(out, length, limit)?;
        let from = out.len() - distance;
        if distance >= length {
            out.extend_from_within(from..from + length);
        } else {
            // The copy runs into itself and repeats the last `distance` bytes.
            out.reserve(length);
            for i in from..from + length {
                out.push(out[i]);
            }
        }
    }
}

/// The two codes of a dynamic block.
fn codes(bits: &mut Bits) -> Result<(Code, Code)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (bits.take(5)? as usize + 257, bits.take(5)? as usize + 1);
    if literals > 286 || distances > 30 {
        return Err(bits.broken("at most 286 length and 30 distance symbols", format!("{literals} and {distances}")));
    }
    let mut lengths = [0u8; 19];
    for &symbol in &ORDER[..bits.take(4)? as usize + 4] {
        lengths[symbol] = bits.take(3)? as u8;
    }
    let Some(code) = Code::new(&lengths).filter(|code| code.complete) else {
        return Err(bits.broken("a complete code for the code lengths", "another set of lengths"));
    };
    let mut lengths = [0u8; 286 + 30];
    let mut at = 0;
    while at < literals + distances {
        bits.refill();
        let (length, times) = match code.symbol(bits)? {
            symbol @ 0..16 => (symbol as u8, 1),
            16 if at == 0 => return Err(bits.broken("a code length to repeat", "none before")),
            16 => (lengths[at - 1], 3 + bits.loaded(2)? as usize),
            17 => (0, 3 + bits.loaded(3)? as usize),
            _ => (0, 11 + bits.loaded(7)? as usize),
        };
        if at + times > literals + distances {
            return Err(bits.broken("as many code lengths as symbols", "more"));
        }
        lengths[at..at + times].fill(length);
        at += times;
    }
    if lengths[256] == 0 {
        return Err(bits.broken("a code for the end of the block", "none"));
    }
    let usable = |lengths: &[u8]| Code::new(lengths).filter(|code| code.complete || code.longest <= 1);
    match (usable(&lengths[..literals]), usable(&lengths[literals..literals + distances])) {
        (Some(literals), Some(distances)) => Ok((literals, distances)),
        _ => Err(bits.broken("codes that are complete, or of one symbol of one bit", "another set of lengths")),
    }
}

/// A canonical Huffman code: symbols of equal code length take consecutive codes, shorter lengths before longer.
struct Code {
    /// For each value of the next bits, as many as `mask` has: the symbol, times 16, plus its code length; 0 where the code is longer or there
    /// is none.
    table: [u16; 1 << PEEK],
    mask: usize,
    /// How many symbols have each code length.
    counts: [u16; 16],
    /// The symbols in the order of their codes.
    symbols: [u16; 288],
    complete: bool,
    longest: u32,
}
/// Codes up to this length are looked up; only the rare longer ones are read bit by bit.
const PEEK: u32 = 11;

/// The codes of RFC 1951 §3.2.6.
static FIXED: std::sync::LazyLock<(Code, Code)> = std::sync::LazyLock::new(|| {
    let lengths: [u8; 288] = std::array::from_fn(|i| match i {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    // Both sets are complete, so both are codes.
    (Code::new(&lengths).expect("a complete set"), Code::new(&[5; 32]).expect("a complete set"))
});

impl Code {
    /// The code of these lengths, 0 for no code; none if there are more codes than room for them. May be incomplete.
    fn new(lengths: &[u8]) -> Option<Code> {
        let mut code = Code { table: [0; 1 << PEEK], mask: 0, counts: [0; 16], symbols: [0; 288], complete: false, longest: 0 };
        for &length in lengths {
            code.counts[usize::from(length)] += 1;
        }
        code.counts[0] = 0;
        // `next[l]`: the next code of length l, and where its symbol goes.
        let (mut next, mut place) = ([0u32; 16], [0usize; 16]);
        let mut free = 1i32;
        for length in 1..16 {
            free = 2 * free - i32::from(code.counts[length]);
            if free < 0 {
                return None;
            }
            next[length] = (next[length - 1] + u32::from(code.counts[length - 1])) << 1;
            place[length] = place[length - 1] + usize::from(code.counts[length - 1]);
            if code.counts[length] > 0 {
                code.longest = length as u32;
            }
        }
        code.complete = free == 0;
        let peek = code.longest.min(PEEK);
        code.mask = (1 << peek) - 1;
        for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let bits = u32::from(length);
            let length = usize::from(length);
            code.symbols[place[length]] = symbol as u16;
            place[length] += 1;
            if bits <= peek {
                // The stream gives the most significant bit of a code first.
                let reversed = (next[length].reverse_bits() >> (32 - bits)) as usize;
                for value in (reversed..1 << peek).step_by(1 << bits) {
                    code.table[value] = (symbol as u16) << 4 | bits as u16;
                }
            }
            next[length] += 1;
        }
        Some(code)
    }

    /// The next symbol, from the bits loaded.
    #[inline(always)]
    fn symbol(&self, bits: &mut Bits) -> Result<u16> {
        let entry = self.table[bits.buffer as usize & self.mask];
        if entry == 0 {
            return self.long_symbol(bits);
        }
        bits.drop(u32::from(entry & 15))?;
        Ok(entry >> 4)
    }

    /// The next symbol, bit by bit: among the codes of each length, those of its symbols are the first.
    fn long_symbol(&self, bits: &mut Bits) -> Result<u16> {
        let (mut value, mut first, mut place) = (0u32, 0u32, 0usize);
        for length in 1..16u32 {
            value = value << 1 | (bits.buffer >> (length - 1) & 1) as u32;
            let count = u32::from(self.counts[length as usize]);
            if value < first + count {
                bits.drop(length)?;
                return Ok(self.symbols[place + (value - first) as usize]);
            }
            place += count as usize;
            first = (first + count) << 1;
        }
        Err(bits.broken("a code of the block", "bits that are none"))
    }
}
