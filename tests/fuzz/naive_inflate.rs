//! DEFLATE as RFC 1951 words it, a bit at a time with no table: the definition that the fast decoder must equal.

/// The output and the number of bytes used; or whether it was the limit that was passed.
pub fn inflate(input: &[u8], limit: usize) -> Result<(Vec<u8>, usize), bool> {
    let mut bits = Bits { input, at: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.number(1)? == 1;
        match bits.number(2)? {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let (length, inverse) = (bits.number(16)?, bits.number(16)?);
                if length ^ inverse != 0xffff {
                    return Err(false);
                }
                if out.len() + length > limit {
                    return Err(true);
                }
                for _ in 0..length {
                    out.push(bits.number(8)? as u8);
                }
            }
            1 => {
                let lengths: Vec<usize> =
                    (0..288).map(|i| [8, 9, 7, 8][(i >= 144) as usize + (i >= 256) as usize + (i >= 280) as usize]).collect();
                block(&mut bits, &mut out, limit, &lengths, &[5; 32])?;
            }
            2 => {
                let (literals, distances, count) = (257 + bits.number(5)?, 1 + bits.number(5)?, 4 + bits.number(4)?);
                if literals > 286 || distances > 30 {
                    return Err(false);
                }
                let mut code = vec![0; 19];
                for &i in &[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15][..count] {
                    code[i] = bits.number(3)?;
                }
                if filled(&code) != 1 << 15 {
                    return Err(false);
                }
                let code = sorted(&code);
                let mut lengths = Vec::new();
                while lengths.len() < literals + distances {
                    match bits.symbol(&code)? {
                        16 => {
                            let before = *lengths.last().ok_or(false)?;
                            lengths.extend(vec![before; 3 + bits.number(2)?]);
                        }
                        17 => lengths.extend(vec![0; 3 + bits.number(3)?]),
                        18 => lengths.extend(vec![0; 11 + bits.number(7)?]),
                        length => lengths.push(length),
                    }
                }
                let (literal, distance) = lengths.split_at(literals);
                let legal = |code: &[usize]| filled(code) == 1 << 15 || code.iter().all(|&n| n == 0) || code.iter().sum::<usize>() == 1;
                if lengths.len() > literals + distances || literal[256] == 0 || !legal(literal) || !legal(distance) {
                    return Err(false);
                }
                block(&mut bits, &mut out, limit, literal, distance)?;
            }
            _ => return Err(false),
        }
        if last {
            return Ok((out, bits.at.div_ceil(8)));
        }
    }
}

/// How many of the 2¹⁵ words of 15 bits begin with a code.
fn filled(lengths: &[usize]) -> usize {
    lengths.iter().filter(|&&n| n > 0).map(|n| 1 << (15 - n)).sum()
}

/// The symbols of each code length, in order.
fn sorted(lengths: &[usize]) -> [Vec<usize>; 16] {
    let mut sorted: [Vec<usize>; 16] = Default::default();
    (0..lengths.len()).for_each(|i| sorted[lengths[i]].push(i));
    sorted
}

fn block(bits: &mut Bits, out: &mut Vec<u8>, limit: usize, literal: &[usize], distance: &[usize]) -> Result<(), bool> {
    let (literal, distance) = (sorted(literal), sorted(distance));
    loop {
        let symbol = bits.symbol(&literal)?;
        match symbol {
            0..256 if out.len() == limit => return Err(true),
            0..256 => out.push(symbol as u8),
            256 => return Ok(()),
            257..286 => {
                // Each group of four symbols has one extra bit more, from 265 on; 285 stands alone.
                let (extra, length) = match symbol {
                    257..265 => (0, symbol - 254),
                    285 => (0, 258),
                    _ => ((symbol - 261) / 4, 3 + ((4 + (symbol - 265) % 4) << ((symbol - 261) / 4))),
                };
                let length = length + bits.number(extra)?;
                let back = match bits.symbol(&distance)? {
                    near @ 0..4 => 1 + near,
                    far @ 4..30 => 1 + ((2 + far % 2) << (far / 2 - 1)) + bits.number(far / 2 - 1)?,
                    _ => return Err(false),
                };
                if back > out.len() {
                    return Err(false);
                }
                if out.len() + length > limit {
                    return Err(true);
                }
                for _ in 0..length {
                    out.push(out[out.len() - back]);
                }
            }
            _ => return Err(false),
        }
    }
}

struct Bits<'a> {
    input: &'a [u8],
    at: usize,
}
impl Bits<'_> {
    fn bit(&mut self) -> Result<usize, bool> {
        let byte = self.input.get(self.at / 8).ok_or(false)?;
        self.at += 1;
        Ok(usize::from(byte >> ((self.at - 1) % 8) & 1))
    }
    fn number(&mut self, n: usize) -> Result<usize, bool> {
        (0..n).try_fold(0, |sum, i| Ok(sum | self.bit()? << i))
    }
    /// Reads bits until they are the code of a symbol.
    fn symbol(&mut self, code: &[Vec<usize>; 16]) -> Result<usize, bool> {
        let (mut word, mut first) = (0, 0);
        for symbols in &code[1..] {
            word = word * 2 + self.bit()?;
            if let Some(symbol) = symbols.get(word - first) {
                return Ok(*symbol);
            }
            first = (first + symbols.len()) * 2;
        }
        Err(false)
    }
}
