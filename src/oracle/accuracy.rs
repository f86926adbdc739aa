//! How accurate the elementary functions of `f64` and `f32` are, measured against enclosures that contain the true value.
//!
//! An error is given in ulps: units of the last place that the format has at the size of the true value (in the subnormal range, the
//! smallest number). Half an ulp is the error of a correctly rounded result. What is reported is an upper bound of the error: the
//! distance to the farthest number of the enclosure.
//!
//! `f64` is sampled: a Weyl sequence over each range, half of it even in value, half even in the bits (so dense in every binade), and the
//! four neighbours on either side of every point where a formula changes. `f32` is measured at every number: a block is compared with
//! the `f64` function, whose own error is below 2⁻²⁷ ulp of `f32`, and the worst of each block again with its enclosure.

mod exhaustive;
mod table;
mod truth;

pub use exhaustive::exhaustive;
pub use table::{Row, measured_f64, page};

use crate::scalar::{Ball, Scalar};
use exhaustive::Block;
use truth::{Format, ulps};

/// One elementary function in all types, with the ranges over which it is measured.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// In `f64`.
    pub in_f64: fn(f64) -> f64,
    /// In `f32`.
    pub in_f32: fn(f32) -> f32,
    /// Enclosed.
    pub in_ball: fn(Ball) -> Ball,
    /// Stated bounds in ulp, for `f64` and `f32`.
    pub bounds: [f64; 2],
    /// Ranges of arguments in `f64`.
    pub ranges: &'static [[f64; 2]],
}

/// The greatest error found, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// The error in ulps; infinite for a NaN, an infinity or a zero in the wrong place.
    pub ulps: f64,
    /// The argument.
    pub at: f64,
    /// How many arguments were tried.
    pub points: u64,
}

impl Worst {
    /// Nothing tried.
    pub const NONE: Worst = Worst { ulps: 0.0, at: 0.0, points: 0 };
    /// Both searches together; of equal errors the smaller argument, so that the order of the search does not matter.
    pub fn or(self, other: Worst) -> Worst {
        let points = self.points + other.points;
        let rank = |w: &Worst| (w.points > 0, w.ulps, -w.at.abs(), w.at);
        Worst { points, ..if rank(&other) > rank(&self) { other } else { self } }
    }
}

macro_rules! functions {
    ($($name:ident [$f64:literal, $f32:literal] $ranges:expr;)*) => {
        /// The functions measured.
        pub static FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            in_f64: <f64 as Scalar>::$name,
            in_f32: <f32 as Scalar>::$name,
            in_ball: <Ball as Scalar>::$name,
            bounds: [$f64, $f32],
            ranges: &$ranges,
        }),*];

        impl Block {
            /// Measures the block.
            #[inline(always)]
            fn measure(&mut self) {
                match self.function.name {
                    $(stringify!($name) => self.scan(<f32 as Scalar>::$name, <f64 as Scalar>::$name),)*
                    _ => unreachable!("every function is in the list"),
                }
            }
        }
    };
}
functions! {
    exp [1.0, 1.0] [[-745.2, -708.4], [-708.4, 709.8], [-1.0, 1.0]];
    expm1 [1.0, 1.0] [[-40.0, 709.8], [-1.0, 1.0], [1e-320, 1.0]];
    ln [1.0, 1.0] [[5e-324, f64::MAX], [0.5, 2.0], [0.99, 1.01]];
    log1p [1.0, 1.0] [[1e-320, f64::MAX], [-0.999_999_9, 3.0], [-0.01, 0.01]];
    tanh [1.0, 1.0] [[-22.0, 22.0], [-1.0, 1.0], [1e-320, 1.0]];
    erf [1.0, 1.25] [[-6.0, 6.0], [-1.0, 1.0], [1e-320, 1.0]];
    erfc [1.5, 1.5] [[-6.0, 1.0], [1.0, 26.5], [26.5, 27.3]];
    sin [1.0, 1.0] [[-1073741824.0, 1073741824.0], [-4.0, 4.0], [1073741824.0, f64::MAX], [1e-320, 1.0]];
    cos [1.0, 1.0] [[-1073741824.0, 1073741824.0], [-4.0, 4.0], [1073741824.0, f64::MAX]];
}

impl Function {
    /// f(±0) = ±0.
    fn keeps_zero(&self) -> bool {
        !matches!(self.name, "exp" | "ln" | "erfc" | "cos")
    }
    /// The error of the `f64` function at `x`.
    pub fn error_f64(&self, x: f64) -> f64 {
        ulps((self.in_f64)(x), self, x, Format::F64)
    }
    /// The error of the `f32` function at `x`.
    pub fn error_f32(&self, x: f32) -> f64 {
        ulps(f64::from((self.in_f32)(x)), self, f64::from(x), Format::F32)
    }
    /// The greatest error of the `f64` function at `count` points of a range.
    pub fn sampled_f64(&self, range: [f64; 2], count: u64) -> Worst {
        worst(points(range, count), |x| self.error_f64(x))
    }
    /// The greatest error of the `f32` function at `count` points of what `f32` has of a range.
    pub fn sampled_f32(&self, [low, high]: [f64; 2], count: u64) -> Worst {
        let (least, greatest) = (f64::from(f32::from_bits(1)), f64::from(f32::MAX));
        let range = [if low > 0.0 && low < least { least } else { low }, if high > greatest { greatest } else { high }];
        worst(points(range, count).map(|x| f64::from(x as f32)), |x| self.error_f32(x as f32))
    }
    /// The greatest error of the `f64` function around the points where its formula changes.
    pub fn branches_f64(&self) -> Worst {
        let near = |x: f64| (0..4).fold(x, |x, _| x.next_down());
        let around = |x: f64| std::iter::successors(Some(near(x)), |x| Some(x.next_up())).take(9);
        worst(self.branch_points().into_iter().flat_map(around), |x| self.error_f64(x))
    }
    /// The points where a formula of the `f64` function changes, and where its result leaves the normal numbers.
    fn branch_points(&self) -> Vec<f64> {
        use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2};
        let both = |x: Vec<f64>| x.into_iter().flat_map(|x| [x, -x]).collect::<Vec<f64>>();
        let exponents = |range: std::ops::Range<i32>| range.map(|n| (f64::from(n) + 0.5) * LN_2);
        let tiny = 2f64.powi(-54);
        let mut points = match self.name {
            "exp" => exponents(-1075..1024).chain([709.782712893384, -708.3964185322641, -745.1332191019411]).collect(),
            "expm1" => exponents(-58..1024).chain([tiny, -tiny, 709.782712893384]).collect(),
            "tanh" => both(exponents(0..64).map(|x| x / 2.0).chain([tiny, 22.0]).collect()),
            "ln" => (-1022..1024).map(|n| FRAC_1_SQRT_2 * 2f64.powi(n)).chain([f64::MIN_POSITIVE]).collect(),
            "log1p" => (-50..1024).map(|n| FRAC_1_SQRT_2 * 2f64.powi(n) - 1.0).chain([tiny, -tiny, 1.0]).collect(),
            "erf" => both((0..52).map(crossing).chain([0.8125, 6.0]).collect()),
            "erfc" => both(exponents(0..1074).map(f64::sqrt).chain([0.8125]).collect()),
            _ => both((1..4000).map(|n| f64::from(n) * (FRAC_PI_2 / 2.0)).chain([2f64.powi(30)]).collect()),
        };
        points.retain(|&x| self.ranges.iter().any(|r| r[0].min(-r[1]) < x && x < r[1]));
        points
    }
}

/// Where ln erfc x = −(n + ½) ln 2, to the accuracy of a bisection.
fn crossing(n: i32) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        let above = Scalar::erfc(middle) > Scalar::exp(-(f64::from(n) + 0.5) * std::f64::consts::LN_2);
        *(if above { &mut low } else { &mut high }) = middle;
    }
    high
}

fn worst(points: impl Iterator<Item = f64>, error: impl Fn(f64) -> f64) -> Worst {
    points.map(|x| Worst { ulps: error(x), at: x, points: 1 }).fold(Worst::NONE, Worst::or)
}

/// `count` points of a range, by turns even in value and even in the bits.
fn points([low, high]: [f64; 2], count: u64) -> impl Iterator<Item = f64> {
    // The order of f64 as integers: negative numbers count downwards.
    let order = |x: f64| if x < 0.0 { -((-x).to_bits() as i64) } else { x.to_bits() as i64 };
    let number = |n: i64| if n < 0 { -f64::from_bits(n.unsigned_abs()) } else { f64::from_bits(n as u64) };
    let (first, span) = (order(low), order(high).abs_diff(order(low)));
    (0..count).map(move |i| {
        let weyl = (i / 2 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15); // 2⁶⁴ over the golden ratio
        let x = if i % 2 == 0 {
            let u = (weyl >> 11) as f64 * 2f64.powi(-53);
            low * (1.0 - u) + high * u
        } else {
            number(first.wrapping_add_unsigned(((u128::from(weyl) * u128::from(span)) >> 64) as u64))
        };
        if x < low { low } else { x }
    })
}
