//! Seeded random numbers: the same sequence on every platform.

mod sample;

pub use sample::{SubspaceMixture, gaussian_matrix, haar_orthogonal, orthonormal_frame, permutation, subspace_mixture};

use crate::scalar::Scalar;

/// xoshiro256++ (Blackman and Vigna, *Scrambled Linear Pseudorandom Number Generators*, ACM TOMS 2021), its 256 bits of state filled from a
/// 64-bit seed by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Period 2²⁵⁶ − 1. Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator for this seed.
    pub fn new(seed: u64) -> Rng {
        let mut s = seed;
        let mut next = || {
            s = s.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (s ^ (s >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Rng { state: [next(), next(), next(), next()] }
    }
    /// A generator for one named purpose under a seed, so that streams do not disturb each other.
    pub fn stream(seed: u64, purpose: &str) -> Rng {
        // FNV-1a: spreads the name over 64 bits; SplitMix64 does the rest.
        let name = purpose.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Rng::new(seed ^ name.rotate_left(17))
    }
    /// The state, for a checkpoint.
    pub fn state(&self) -> [u64; 4] {
        self.state
    }
    /// The generator of a checkpoint. The all-zero state, which the generator cannot leave, counts as seed 0.
    pub fn from_state(state: [u64; 4]) -> Rng {
        if state == [0; 4] { Rng::new(0) } else { Rng { state } }
    }
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }
    /// Uniform on the multiples of 2⁻⁵³ in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    /// Uniform on 0 .. n, exactly (Lemire, *Fast Random Integer Generation in an Interval*, 2019); 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 {
            return 0;
        }
        let n = n as u64;
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as usize;
            }
        }
    }
    /// A standard Gaussian by the polar method (Marsaglia and Bray, SIAM Review 1964). One of the pair is used, so that every draw stands alone.
    pub fn gaussian(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                return x * (-2.0 * Scalar::ln(s) / s).sqrt();
            }
        }
    }
    /// +1 or −1.
    pub fn sign(&mut self) -> f64 {
        if self.bits() >> 63 == 0 { 1.0 } else { -1.0 }
    }
    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }
}
