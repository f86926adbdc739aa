//! The 16-bit floating formats: binary16 (IEEE 754) and bfloat16 (the upper half of a binary32).
//!
//! Both are stored as bits in a `u16`: sign, exponent (5 or 8 bits), fraction (10 or 7 bits). Encoding rounds once, from `f64` directly, to
//! nearest with ties to even; going through `f32` would round twice and miss the last bit now and then.

/// The layout of a 16-bit format.
struct Layout {
    fraction: u32,
    bias: i32,
}
const F16: Layout = Layout { fraction: 10, bias: 15 };
const BF16: Layout = Layout { fraction: 7, bias: 127 };

/// Nearest binary16, ties to even. At and above 65520 in size: infinity. A NaN keeps its sign and the upper bits of its payload.
pub fn f16_from_f64(x: f64) -> u16 {
    F16.encode(x)
}
/// The exact value of a binary16.
pub fn f16_to_f64(bits: u16) -> f64 {
    F16.decode(bits)
}
/// Nearest bfloat16, ties to even. A NaN keeps its sign and the upper bits of its payload.
pub fn bf16_from_f64(x: f64) -> u16 {
    BF16.encode(x)
}
/// The exact value of a bfloat16.
pub fn bf16_to_f64(bits: u16) -> f64 {
    BF16.decode(bits)
}

impl Layout {
    fn infinity(&self) -> u64 {
        0x7fff >> self.fraction << self.fraction
    }

    fn encode(&self, x: f64) -> u16 {
        let sign = (x.to_bits() >> 48) & 0x8000;
        let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
        let fraction = x.to_bits() & ((1 << 52) - 1);
        let least = 1 - self.bias;
        let magnitude = if exponent == 1024 {
            match (fraction, fraction >> (52 - self.fraction)) {
                (0, _) => self.infinity(),
                (_, payload) => self.infinity() | payload.max(1),
            }
        } else if exponent > self.bias {
            self.infinity()
        } else {
            // Everything below the last kept bit is shifted out; in the subnormal range that bit stays at 2^(least - fraction).
            let shift = 52 - self.fraction as i32 + (least - exponent).max(0);
            if shift > 62 {
                0
            } else {
                let significand = 1 << 52 | fraction;
                let (kept, rest, half) = (significand >> shift, significand & ((1 << shift) - 1), 1u64 << (shift - 1));
                let rounded = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
                // The leading one is part of `kept`, so it adds the last unit of the exponent; a carry moves on into it rightly.
                rounded + (((exponent - least).max(0) as u64) << self.fraction)
            }
        };
        (sign | magnitude) as u16
    }

    fn decode(&self, bits: u16) -> f64 {
        let sign = u64::from(bits & 0x8000) << 48;
        let exponent = i32::from((bits & 0x7fff) >> self.fraction);
        let fraction = u64::from(bits) & ((1 << self.fraction) - 1);
        let shifted = fraction << (52 - self.fraction);
        if u64::from(bits & 0x7fff) >= self.infinity() {
            f64::from_bits(sign | 0x7ff << 52 | shifted)
        } else if exponent == 0 {
            let unit = f64::from_bits(((1 - self.bias - self.fraction as i32 + 1023) as u64) << 52);
            let size = fraction as f64 * unit;
            f64::from_bits(sign | size.to_bits())
        } else {
            f64::from_bits(sign | ((exponent - self.bias + 1023) as u64) << 52 | shifted)
        }
    }
}
