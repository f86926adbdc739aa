//! Every fast path equals its short definition bit for bit: on every instruction set this processor has, with one to four threads, for odd
//! shapes, transposed and strided operands, NaN and infinite inputs.

use std::hint::black_box;
use std::time::Duration;
use white_box::linalg::dispatch::Isa;
use white_box::linalg::kernel::{self, Real};
use white_box::linalg::{
    definition,
    threads::with_threads,
    timing::{Timing, interleave},
};
use white_box::oracle::bench::{Row, SUBJECTS, slope};
use white_box::oracle::{CATALOG, Number, sized_case};
use white_box::scalar::{DoubleDouble, Function, Heads, Part, Scalar, View};

/// A stream of numbers over about fifteen decades, of either sign, some of them zero.
struct Stream(u64);
impl Stream {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 ^ self.0 >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11
    }
    fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
    fn number<T: Real>(&mut self) -> T {
        let (mantissa, exponent) = (self.bits() as f64 / (1u64 << 52) as f64 - 1.0, self.below(15) as i32 - 8);
        T::from_f64(if self.below(20) == 0 { 0.0 } else { mantissa * 10f64.powi(exponent) })
    }
    fn numbers<T: Real>(&mut self, len: usize) -> Vec<T> {
        (0..len).map(|_| self.number()).collect()
    }
    /// Some of `x` replaced by NaN, infinities, the extremes and −0.
    fn spoil<T: Real>(&mut self, x: &mut [T]) {
        for _ in 0..x.len().min(3) {
            let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 1e-300, -0.0][self.below(6)];
            let at = self.below(x.len());
            x[at] = T::from_f64(value);
        }
    }
}

/// Equal to the bit, any NaN for any NaN.
fn same<T: Real>(x: T, y: T) -> bool {
    let (x, y) = (x.value(), y.value());
    x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan()
}
#[track_caller]
fn assert_same<T: Real>(fast: &[T], slow: &[T], what: &dyn Fn() -> String) {
    assert_eq!(fast.len(), slow.len());
    if let Some(i) = (0..fast.len()).find(|&i| !same(fast[i], slow[i])) {
        panic!("{} {}: element {i} is {:?}, by definition {:?}", T::NAME, what(), fast[i], slow[i]);
    }
}

/// The matrix of a view, laid out in one of four ways: as it is, transposed, with gaps between the rows, with gaps between all elements.
fn lay_out<T: Real>(x: &[T], rows: usize, cols: usize, way: usize) -> (Vec<T>, usize, usize) {
    let (row_step, col_step) = [(cols, 1), (1, rows), (cols + 3, 1), (2 * cols + 1, 2)][way];
    let mut data = vec![T::from_f64(f64::NAN); rows * row_step.max(1) + cols * col_step];
    for i in 0..rows {
        for j in 0..cols {
            data[i * row_step + j * col_step] = x[i * cols + j];
        }
    }
    (data, row_step, col_step)
}

fn products<T: Real>(isa: Isa, shapes: &[[usize; 3]], threads: &[usize]) {
    let mut stream = Stream(7);
    for &[m, n, k] in shapes {
        for special in [false, true] {
            let (mut a, mut b, mut c) = (stream.numbers::<T>(m * k), stream.numbers::<T>(k * n), stream.numbers::<T>(m * n));
            if special {
                stream.spoil(&mut a);
                stream.spoil(&mut b);
                stream.spoil(&mut c);
            }
            let mut expected = c.clone();
            definition::product(View::new(&a, m, k), View::new(&b, k, n), &mut expected, Part::Full);
            for way in 0..16 {
                let ((data_a, ra, ca), (data_b, rb, cb)) = (lay_out(&a, m, k, way % 4), lay_out(&b, k, n, way / 4));
                let view_a = View { data: &data_a, rows: m, cols: k, row_step: ra, col_step: ca };
                let view_b = View { data: &data_b, rows: k, cols: n, row_step: rb, col_step: cb };
                let what = || format!("product {m} × {k} × {n}, layout {way}, {}", isa.name());
                for &threads in threads {
                    let mut fast = c.clone();
                    with_threads(threads, || kernel::product(isa, view_a, view_b, &mut fast, Part::Full));
                    assert_same(&fast, &expected, &what);
                    if m == n {
                        let mut fast = c.clone();
                        with_threads(threads, || kernel::product(isa, view_a, view_b, &mut fast, Part::Lower));
                        for i in 0..n {
                            assert_same(&fast[i * n..][..i + 1], &expected[i * n..][..i + 1], &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn products_continue_one_chain_in_increasing_k() {
    let shapes = [
        [1, 1, 1],
        [0, 3, 2],
        [3, 0, 2],
        [3, 2, 0],
        [1, 40, 7],
        [40, 1, 7],
        [2, 3, 5],
        [6, 8, 4],
        [6, 16, 9],
        [7, 17, 33],
        [13, 33, 6],
        [25, 25, 25],
        [31, 70, 11],
        [64, 64, 3],
    ];
    for isa in Isa::available() {
        products::<f64>(isa, &shapes, &[1]);
        products::<f32>(isa, &shapes, &[1]);
    }
}
#[test]
fn products_beyond_one_block_and_one_thread() {
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::PORTABLE || cfg!(not(target_arch = "x86_64"))) {
        products::<f64>(isa, &[[9, 11, 1030], [20, 400, 30]], &[1]);
        products::<f32>(isa, &[[9, 11, 1030], [20, 400, 30]], &[1]);
        products::<f64>(isa, &[[230, 230, 300]], &[1, 2, 3, 4]);
        products::<f32>(isa, &[[230, 230, 300]], &[4]);
    }
}

/// A symmetric positive definite matrix with entries of mixed size.
fn positive_definite<T: Real>(stream: &mut Stream, n: usize) -> Vec<T> {
    let scale: Vec<f64> = (0..n).map(|_| 2f64.powi(stream.below(9) as i32 - 4)).collect();
    let x: Vec<f64> = (0..n * n).map(|_| stream.bits() as f64 / (1u64 << 52) as f64 - 1.0).collect();
    let mut a = vec![T::from_f64(f64::NAN); n * n];
    for i in 0..n {
        for j in 0..=i {
            let inner: f64 = (0..n).map(|k| x[i * n + k] * x[j * n + k]).sum();
            a[i * n + j] = T::from_f64((inner + if i == j { 0.1 } else { 0.0 }) * scale[i] * scale[j]);
        }
    }
    a
}

fn factors<T: Real>(isa: Isa, sizes: &[usize]) {
    let mut stream = Stream(11);
    for &n in sizes {
        let a = positive_definite::<T>(&mut stream, n);
        let what = || format!("factor of size {n}, {}", isa.name());
        let (mut fast, mut slow) = (a.clone(), a.clone());
        assert_eq!(kernel::cholesky(isa, &mut fast, n), definition::cholesky(&mut slow, n), "{}", what());
        assert_same(&fast, &slow, &what);

        let (mut fast, mut slow) = (a.clone(), a.clone());
        assert_eq!(kernel::excess_pivots(isa, &mut fast, n), definition::excess_pivots(&mut slow, n), "{}", what());
        assert_same(&fast, &slow, &what);
        // A pivot that is zero, negative, infinite or NaN is refused with the same words.
        for bad in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            if n > 0 {
                let (mut fast, mut slow) = (a.clone(), a.clone());
                let at = stream.below(n);
                (fast[at * n + at], slow[at * n + at]) = (T::from_f64(bad), T::from_f64(bad));
                let (fast, slow) = (kernel::cholesky(isa, &mut fast, n), definition::cholesky(&mut slow, n));
                assert!(slow.is_err() && fast == slow, "{}: {fast:?}, by definition {slow:?}", what());
            }
        }
    }
}

#[test]
fn factors_equal_the_textbook_loops() {
    for isa in Isa::available() {
        factors::<f64>(isa, &[0, 1, 2, 3, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 40, 65]);
        factors::<f32>(isa, &[0, 1, 2, 3, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 40, 65]);
        if isa != Isa::PORTABLE {
            factors::<f64>(isa, &[200, 257]);
            factors::<f32>(isa, &[200, 257]);
        }
    }
}

fn transposed<T: Copy>(x: &[T], rows: usize, cols: usize) -> Vec<T> {
    (0..rows * cols).map(|k| x[k % rows * cols + k / rows]).collect()
}

fn solves<T: Real>(isa: Isa, shapes: &[[usize; 2]], threads: &[usize]) {
    let mut stream = Stream(13);
    for &[n, m] in shapes {
        let mut l: Vec<T> = stream.numbers(n * n);
        for i in 0..n {
            l[i * n + i] = T::from_f64(0.5 + stream.below(4) as f64);
            for j in i + 1..n {
                l[i * n + j] = T::from_f64(f64::NAN);
            }
        }
        for special in [false, true] {
            let mut b = stream.numbers::<T>(n * m);
            if special {
                stream.spoil(&mut b);
            }
            let rows = transposed(&b, n, m);
            let by_definition = |solve: &dyn Fn(&mut [T])| {
                let mut x = b.clone();
                solve(&mut x);
                x
            };
            let down = by_definition(&|b| definition::solve_lower(&l, n, b, m).unwrap());
            let up = by_definition(&|b| definition::solve_lower_t(&l, n, b, m).unwrap());
            let both = by_definition(&|b| definition::solve_cholesky(&l, n, b, m).unwrap());
            let excess = by_definition(&|b| definition::solve_excess(&l, n, b, m));
            for &threads in threads {
                let what = || format!("solve {n} × {m}, {threads} threads, {}", isa.name());
                let in_columns = |solve: &dyn Fn(&mut [T]), expected: &[T]| {
                    let mut x = b.clone();
                    with_threads(threads, || solve(&mut x));
                    assert_same(&x, expected, &what);
                };
                in_columns(&|b| kernel::solve_lower(isa, &l, n, b, m).unwrap(), &down);
                in_columns(&|b| kernel::solve_lower_t(isa, &l, n, b, m).unwrap(), &up);
                in_columns(&|b| kernel::solve_cholesky(isa, &l, n, b, m).unwrap(), &both);
                in_columns(&|b| kernel::solve_excess(isa, &l, n, b, m), &excess);
                let in_rows = |solve: &dyn Fn(&mut [T]), expected: &[T]| {
                    let mut x = rows.clone();
                    with_threads(threads, || solve(&mut x));
                    assert_same(&transposed(&x, m, n), expected, &what);
                };
                in_rows(&|b| kernel::solve_lower_rows(isa, &l, n, b).unwrap(), &down);
                in_rows(&|b| kernel::solve_lower_t_rows(isa, &l, n, b).unwrap(), &up);
                in_rows(&|b| kernel::solve_cholesky_rows(isa, &l, n, b).unwrap(), &both);
                in_rows(&|b| kernel::solve_excess_rows(isa, &l, n, b), &excess);
                if isa == Isa::PORTABLE {
                    in_rows(&|b| definition::solve_lower_rows(&l, n, b).unwrap(), &down);
                    in_rows(&|b| definition::solve_lower_t_rows(&l, n, b).unwrap(), &up);
                    in_rows(&|b| definition::solve_cholesky_rows(&l, n, b).unwrap(), &both);
                    in_rows(&|b| definition::solve_excess_rows(&l, n, b), &excess);
                }
            }
        }
    }
}

#[test]
fn solves_equal_the_textbook_loops() {
    let shapes = [[0, 0], [0, 3], [3, 0], [1, 1], [1, 9], [5, 1], [6, 8], [7, 16], [12, 17], [13, 40], [33, 7], [50, 50]];
    for isa in Isa::available() {
        solves::<f64>(isa, &shapes, &[1]);
        solves::<f32>(isa, &shapes, &[1]);
        if isa != Isa::PORTABLE {
            solves::<f64>(isa, &[[150, 400]], &[1, 2, 3, 4]);
            solves::<f32>(isa, &[[150, 400]], &[3]);
        }
    }
}

#[test]
fn a_zero_on_the_diagonal_is_refused() {
    for isa in Isa::available() {
        for n in [3, 20] {
            let mut l = vec![1.0; n * n];
            (l[n + 1], l[n * n - 1]) = (0.0, 0.0);
            let b = || vec![1.0; n * 9];
            let refused = |fast: white_box::Result<()>, slow: white_box::Result<()>| {
                assert!(slow.is_err() && fast == slow, "{fast:?}, by definition {slow:?}")
            };
            refused(kernel::solve_lower(isa, &l, n, &mut b(), 9), definition::solve_lower(&l, n, &mut b(), 9));
            refused(kernel::solve_lower_t(isa, &l, n, &mut b(), 9), definition::solve_lower_t(&l, n, &mut b(), 9));
            refused(kernel::solve_lower_rows(isa, &l, n, &mut b()), definition::solve_lower_rows(&l, n, &mut b()));
            refused(kernel::solve_lower_t_rows(isa, &l, n, &mut b()), definition::solve_lower_t_rows(&l, n, &mut b()));
        }
    }
}

#[test]
fn elementary_functions_of_a_slice_are_those_of_its_elements() {
    fn check<T: Real>(isa: Isa) {
        let mut stream = Stream(19);
        for len in [0, 1, 15, 16, 17, 300] {
            let mut x = stream.numbers::<T>(len);
            stream.spoil(&mut x);
            for &f in Function::LIST {
                let (mut fast, mut slow) = (x.clone(), x.clone());
                kernel::map(isa, f, &mut fast);
                definition::map(f, &mut slow);
                assert_same(&fast, &slow, &|| format!("{f:?} of {len}, {}", isa.name()));
            }
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}

#[test]
fn rows_are_normalised_as_defined() {
    fn check<T: Real>(isa: Isa) {
        let mut stream = Stream(23);
        for [rows, cols] in [[0, 3], [3, 0], [1, 1], [2, 2], [5, 5], [3, 16], [7, 17], [4, 49], [3, 700], [2, 3000]] {
            for special in [false, true] {
                // Logits between −20 and 20, so that more than one entry of the softmax counts.
                let mut x: Vec<T> =
                    (0..rows * cols).map(|_| T::from_f64((stream.bits() as f64 / (1u64 << 52) as f64 - 1.0) * 20.0)).collect();
                let mut g = stream.numbers::<T>(rows * cols);
                if special {
                    stream.spoil(&mut x);
                    stream.spoil(&mut g);
                }
                let what = || format!("{rows} rows of {cols}, {}", isa.name());
                let (mut fast, mut slow) = (x.clone(), x.clone());
                kernel::softmax_rows(isa, &mut fast, cols);
                definition::softmax_rows(&mut slow, cols);
                assert_same(&fast, &slow, &what);

                let (mut fast_g, mut slow_g) = (g.clone(), g.clone());
                kernel::softmax_rows_vjp(isa, &fast, &mut fast_g, cols);
                definition::softmax_rows_vjp(&slow, &mut slow_g, cols);
                assert_same(&fast_g, &slow_g, &what);

                let (mut fast, mut slow, eps) = (x.clone(), x.clone(), T::from_f64(1e-5));
                let (mut fast_r, mut slow_r) = (vec![T::ZERO; rows], vec![T::ZERO; rows]);
                kernel::standardise_rows(isa, &mut fast, cols, eps, &mut fast_r);
                definition::standardise_rows(&mut slow, cols, eps, &mut slow_r);
                assert_same(&fast, &slow, &what);
                assert_same(&fast_r, &slow_r, &what);

                let (mut fast_g, mut slow_g) = (g.clone(), g.clone());
                kernel::standardise_rows_vjp(isa, &fast, &fast_r, &mut fast_g, cols);
                definition::standardise_rows_vjp(&slow, &slow_r, &mut slow_g, cols);
                assert_same(&fast_g, &slow_g, &what);
            }
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}

#[test]
fn double_doubles_have_the_same_bits_on_every_instruction_set() {
    let mut stream = Stream(29);
    let n = 13;
    let x: Vec<DoubleDouble> = (0..n * n).map(|_| DoubleDouble::new(stream.number::<f64>(), 0.0) / DoubleDouble::from_f64(3.0)).collect();
    let run = |isa: Isa| {
        let mut a = vec![DoubleDouble::ZERO; n * n];
        kernel::plain::product(isa, View::new(&x, n, n), View::new(&x, n, n).t(), &mut a, Part::Full);
        let mut l = a.clone();
        kernel::plain::cholesky(isa, &mut l, n).unwrap();
        kernel::plain::solve_lower(isa, &l, n, &mut a, n).unwrap();
        (a, l)
    };
    for isa in Isa::available() {
        assert_eq!(run(isa), run(Isa::PORTABLE), "{}", isa.name());
    }
}

#[test]
fn sums_go_over_sixteen_lanes() {
    fn check<T: Real>(isa: Isa) {
        let mut stream = Stream(17);
        for len in (0..70).chain([127, 1000, 4099]) {
            for special in [false, true] {
                let (mut x, y) = (stream.numbers::<T>(len), stream.numbers::<T>(len));
                if special {
                    stream.spoil(&mut x);
                }
                let what = || format!("sum of {len}, {}", isa.name());
                assert_same(&[kernel::sum(isa, &x), kernel::dot(isa, &x, &y)], &[definition::sum(&x), definition::dot(&x, &y)], &what);
            }
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}

#[test]
fn attention_of_every_head_is_as_defined() {
    fn check<T: Real>(isa: Isa, shapes: &[[usize; 4]], threads: &[usize]) {
        let mut stream = Stream(37);
        for &[samples, tokens, heads, width] in shapes {
            for (case, special) in (0..3).flat_map(|case| [(case, false), (case, true)]) {
                // One projection, with and without a mask; three, with numbers between and after them that belong to nobody.
                let (at, cols) = if case == 2 {
                    ([1, heads * width + 3, 2 * heads * width + 4], 3 * heads * width + 5)
                } else {
                    ([0; 3], heads * width)
                };
                let heads = Heads { tokens, heads, width, at, scale: T::from_f64(0.7), causal: case == 1 };
                let mut numbers = |len: usize| -> Vec<T> {
                    let mut x: Vec<T> = (0..len).map(|_| T::from_f64((stream.bits() as f64 / (1u64 << 52) as f64 - 1.0) * 3.0)).collect();
                    if special {
                        stream.spoil(&mut x);
                    }
                    x
                };
                let (x, d_out) = (numbers(samples * tokens * cols), numbers(samples * tokens * heads.heads * width));
                let before = numbers(x.len());
                let maps = vec![T::from_f64(5.0); samples * heads.heads * tokens * tokens];
                let what = || format!("attention {samples} × {tokens} × {} × {width}, case {case}, {}", heads.heads, isa.name());
                let (mut w, mut y, mut d) = (maps.clone(), d_out.clone(), before.clone());
                definition::attention(&heads, &x, cols, &mut w, &mut y);
                definition::attention_vjp(&heads, &x, cols, &w, &d_out, &mut d);
                for &threads in threads {
                    let (mut fast_w, mut fast_y, mut fast_d) = (maps.clone(), d_out.clone(), before.clone());
                    with_threads(threads, || {
                        kernel::attention(isa, &heads, &x, cols, &mut fast_w, &mut fast_y);
                        kernel::attention_vjp(isa, &heads, &x, cols, &w, &d_out, &mut fast_d);
                    });
                    assert_same(&fast_w, &w, &what);
                    assert_same(&fast_y, &y, &what);
                    assert_same(&fast_d, &d, &what);
                }
            }
        }
    }
    let shapes = [[1, 1, 1, 1], [2, 2, 1, 3], [3, 5, 2, 4], [1, 16, 1, 8], [2, 17, 4, 16], [1, 33, 2, 19]];
    for isa in Isa::available() {
        check::<f64>(isa, &shapes, &[1]);
        check::<f32>(isa, &shapes, &[1]);
        if isa != Isa::PORTABLE {
            check::<f32>(isa, &[[5, 197, 2, 64]], &[1, 2, 3, 4]);
        }
    }
}

/// A compiler that stops vectorising a kernel makes it some twenty times slower and says nothing. So each is held against its definition on
/// the same instruction set, or against bare arithmetic, in the same minute: least times of interleaved samples, the best of a few tries.
/// The floors are half of what was measured. Only full optimisation keeps the tiles in registers, so this is for `cargo test --release`.
#[test]
fn kernels_stay_fast() {
    let isa = Isa::detect();
    if cfg!(debug_assertions) || isa == Isa::PORTABLE {
        return;
    }
    fn slow<T: Real>(isa: Isa, [product, cholesky, solve, dot]: [f64; 4], [exp, softmax]: [usize; 2]) -> Vec<String> {
        let mut stream = Stream(31);
        let (n, m) = (96, 128);
        let a = positive_definite::<T>(&mut stream, n);
        let mut l = a.clone();
        definition::cholesky(&mut l, n).unwrap();
        let b: Vec<T> = (0..n * m).map(|_| T::from_f64(stream.bits() as f64 / (1u64 << 52) as f64 - 1.0)).collect();
        let (long, mut failures) = (&b[..4096], Vec::new());
        let mut hold = |what: &str, floor: f64, fast: &mut dyn FnMut(), slow: &mut dyn FnMut()| {
            let mut best = 0.0;
            for _ in 0..5 {
                let t = interleave(7, Duration::from_micros(500), &mut [fast, slow]);
                let ratio = t[1].least / t[0].least;
                if ratio > best {
                    best = ratio;
                }
            }
            println!("{} {what}: {best:.2}, at least {floor}", T::NAME);
            if best < floor {
                failures.push(format!("{} {what}: {best:.2} times as fast as what it is held against, expected {floor}", T::NAME));
            }
        };
        let (view_l, view_b) = (View::new(&l, n, n), View::new(&b, n, m));
        let (mut x, mut y) = (b.clone(), b.clone());
        let (fast, slow) = (&mut || kernel::product(isa, view_l, view_b, &mut x, Part::Full), &mut || {
            kernel::plain::product(isa, view_l, view_b, &mut y, Part::Full)
        });
        hold("product", product, fast, slow);
        let (mut x, mut y) = (a.clone(), a.clone());
        let fast = &mut || {
            x.copy_from_slice(&a);
            kernel::cholesky(isa, &mut x, n).unwrap();
        };
        let slow = &mut || {
            y.copy_from_slice(&a);
            kernel::plain::cholesky(isa, &mut y, n).unwrap();
        };
        hold("cholesky", cholesky, fast, slow);
        let (mut x, mut y) = (b.clone(), b.clone());
        let fast = &mut || {
            x.copy_from_slice(&b);
            kernel::solve_cholesky_rows(isa, &l, n, &mut x).unwrap();
        };
        let slow = &mut || {
            y.copy_from_slice(&b);
            kernel::plain::solve_cholesky_rows(isa, &l, n, &mut y).unwrap();
        };
        hold("solve", solve, fast, slow);
        let fast = &mut || {
            black_box(kernel::dot(isa, long, long));
        };
        let slow = &mut || {
            black_box(kernel::plain::dot(isa, long, long));
        };
        hold("dot", dot, fast, slow);
        // The plain loops of these vectorise as well: hold them against so many register operations an element.
        let mut x = long.to_vec();
        let fast = &mut || {
            x.copy_from_slice(long);
            kernel::map(isa, Function::Exp, &mut x);
        };
        let per_step = kernel::spin::<T>(isa, 1);
        let spin = |operations: usize| {
            move || {
                black_box(kernel::spin::<T>(isa, operations * 4096 / per_step));
            }
        };
        hold("exp", 1.0, fast, &mut spin(exp));
        let mut x = long.to_vec();
        let fast = &mut || {
            x.copy_from_slice(long);
            kernel::softmax_rows(isa, &mut x, 64);
        };
        hold("softmax", 1.0, fast, &mut spin(softmax));
        failures
    }
    let mut failures = slow::<f64>(isa, [4.0, 2.3, 4.8, 1.7], [200, 260]);
    failures.extend(slow::<f32>(isa, [8.0, 3.5, 8.8, 2.4], [130, 300]));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is timed is what users call: every program runs, and costs something.
#[test]
fn every_program_of_the_bench_runs() {
    for subject in SUBJECTS {
        for mut program in (subject.programs)().unwrap_or_else(|e| panic!("{}: {e}", subject.name)) {
            assert!(program.flops > 0.0, "{} {}: no count of operations", subject.name, program.size);
            if program.flops < 3e7 {
                (program.run)().unwrap_or_else(|e| panic!("{} {}: {e}", subject.name, program.size));
            }
        }
    }
}

#[test]
fn every_operator_has_answers_at_growing_sizes() {
    let mut failures = Vec::new();
    for entry in CATALOG {
        for scale in [1, 8, 16] {
            let result = sized_case(*entry, scale, 1).and_then(|(case, _)| (entry.prepared(Number::F64, case)?)());
            if let Err(e) = result {
                failures.push(format!("{} at {scale}: {e}", entry.spec().name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_slope_of_a_power_is_its_exponent() {
    let row = |flops: f64, number| {
        let least = 3.0 * flops.powf(1.25);
        Row { size: String::new(), number, flops, one: Timing { least, median: least }, all: None }
    };
    let rows = [row(10.0, Number::F64), row(1e3, Number::F64), row(7e4, Number::F64), row(5.0, Number::F32)];
    assert!((slope(&rows, Number::F64).unwrap() - 1.25).abs() < 1e-12);
    assert_eq!(slope(&rows, Number::F32), None);
    assert_eq!(slope(&[row(4.0, Number::F64), row(4.0, Number::F64)], Number::F64), None);
}
