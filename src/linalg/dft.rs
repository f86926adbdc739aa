//! The discrete Fourier transform of any length, in one and two dimensions.
//!
//! Forward `X_p = Σ_t x_t e^{−2πi pt/n}`, not normalised; inverse `x_t = (1/n) Σ_p X_p e^{+2πi pt/n}`. This is the convention of NumPy, PyTorch and
//! FFTW's forward sign; for `norm="ortho"` multiply by `1/√n`. Output p is frequency p, in order 0, 1, …, n − 1.
//!
//! [`dft_definition`] is the sum as it stands, O(n²). [`Dft`] is the fast form: radix 2 (Cooley & Tukey, Math. Comp. 19, 1965) where n is a
//! power of two, else the chirp transform, a convolution of power-of-two length (Bluestein, IEEE Trans. Audio Electroacoust. 18, 1970).
//!
//! Error of the radix-2 form (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, Theorem 24.2): `‖x̂ − Fx‖₂ ≤ c u log₂(n) ‖Fx‖₂` with a
//! small constant c; the chirp form is three such transforms of the next power of two at or above `2n − 1`.

use crate::scalar::Scalar;
use crate::{Error, Result};
use std::ops::{Add, Mul, Neg, Sub};

/// A complex number: a pair of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex<S> {
    /// The real part.
    pub re: S,
    /// The imaginary part.
    pub im: S,
}

impl<S: Scalar> Complex<S> {
    /// 0.
    pub const ZERO: Self = Complex { re: S::ZERO, im: S::ZERO };
    /// `re + i im`.
    pub fn new(re: S, im: S) -> Self {
        Complex { re, im }
    }
    /// A real number.
    pub fn real(re: S) -> Self {
        Complex { re, im: S::ZERO }
    }
    /// `re − i im`.
    pub fn conj(self) -> Self {
        Complex { re: self.re, im: -self.im }
    }
    /// `|z|² = re² + im²`.
    pub fn norm_squared(self) -> S {
        self.re.square() + self.im.square()
    }
    /// `c z` for real c.
    pub fn scale(self, c: S) -> Self {
        Complex { re: self.re * c, im: self.im * c }
    }
}
impl<S: Scalar> Add for Complex<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Complex { re: self.re + b.re, im: self.im + b.im }
    }
}
impl<S: Scalar> Sub for Complex<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Complex { re: self.re - b.re, im: self.im - b.im }
    }
}
impl<S: Scalar> Neg for Complex<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Complex { re: -self.re, im: -self.im }
    }
}
impl<S: Scalar> Mul for Complex<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Complex { re: self.re * b.re - self.im * b.im, im: self.re * b.im + self.im * b.re }
    }
}

/// `e^{−2πi k/n}` for `k < n`. The angle is first brought into [0, π/4] by exact integer arithmetic, so the values at multiples of a quarter turn are
/// exact and the symmetries `w_{n−k} = conj(w_k)`, `w_{k+n/2} = −w_k`, `w_{n/4−k}` ↔ `w_k` hold to the bit.
pub fn root_of_unity<S: Scalar>(k: usize, n: usize) -> Complex<S> {
    // Eighths of a turn, and what is left, as the fraction r / n of an eighth.
    let (wide, n) = (8 * (k % n.max(1)) as u128, n.max(1) as u128);
    let (octant, r) = (wide / n, wide % n);
    let from_edge = if octant % 2 == 0 { r } else { n - r };
    let angle = S::pi() * S::from_usize(from_edge as usize) / S::from_usize(4 * n as usize);
    let (c, s) = match from_edge {
        0 => (S::ONE, S::ZERO),
        _ if from_edge == n => (S::from_f64(0.5).sqrt(), S::from_f64(0.5).sqrt()),
        _ => (angle.cos(), angle.sin()),
    };
    let (re, im) = match octant {
        0 => (c, -s),
        1 => (s, -c),
        2 => (-s, -c),
        3 => (-c, -s),
        4 => (-c, s),
        5 => (-s, c),
        6 => (s, c),
        _ => (c, s),
    };
    Complex { re, im }
}

/// The transform as it is defined, `X_p = Σ_t x_t e^{−2πi pt/n}`; O(n²). It stands here to be compared with.
pub fn dft_definition<S: Scalar>(x: &[Complex<S>]) -> Vec<Complex<S>> {
    let n = x.len();
    let roots: Vec<Complex<S>> = (0..n).map(|k| root_of_unity(k, n)).collect();
    let index = |p: usize, t: usize| (p as u128 * t as u128 % n as u128) as usize;
    (0..n).map(|p| x.iter().enumerate().fold(Complex::ZERO, |sum, (t, &x)| sum + x * roots[index(p, t)])).collect()
}

/// A transform of one length, its roots of unity computed once; the same plan serves any number of signals.
#[derive(Clone, Debug)]
pub struct Dft<S> {
    n: usize,
    /// `e^{−2πi k/m}`, `k < m/2`, where m is n or, for the chirp transform, the length of its convolution.
    roots: Vec<Complex<S>>,
    chirp: Option<Chirp<S>>,
}

/// `e^{−πi t²/n}` and the transform of its conjugate, wrapped around at length m.
#[derive(Clone, Debug)]
struct Chirp<S> {
    chirp: Vec<Complex<S>>,
    kernel: Vec<Complex<S>>,
}

impl<S: Scalar> Dft<S> {
    /// A plan for signals of length `n`; 0 is legal and does nothing. Errors: `Unsupported` above 2²⁷.
    pub fn new(n: usize) -> Result<Self> {
        if n > 1 << 27 {
            return Err(Error::unsupported("transform", "a length of at most 2^27", n.to_string()));
        }
        let m = if n.is_power_of_two() || n == 0 { n } else { (2 * n - 1).next_power_of_two() };
        let roots: Vec<Complex<S>> = (0..m / 2).map(|k| root_of_unity(k, m)).collect();
        let mut plan = Dft { n, roots, chirp: None };
        if m != n {
            // t² mod 2n is exact; e^{−πi t²/n} = e^{−2πi t²/(2n)}.
            let chirp: Vec<Complex<S>> = (0..n).map(|t| root_of_unity((t as u128 * t as u128 % (2 * n) as u128) as usize, 2 * n)).collect();
            let mut kernel = vec![Complex::ZERO; m];
            for t in 0..n {
                kernel[t] = chirp[t].conj();
                kernel[(m - t) % m] = kernel[t];
            }
            radix2(&mut kernel, &plan.roots);
            plan.chirp = Some(Chirp { chirp, kernel });
        }
        Ok(plan)
    }
    /// The length of its signals.
    pub fn len(&self) -> usize {
        self.n
    }
    /// Whether its signals have length 0.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }
    /// `x ← F x`. `5 n log₂ n` flops for a power of two, about 8 times that otherwise. Errors: `Shape` if the length is another.
    pub fn forward(&self, x: &mut [Complex<S>]) -> Result<()> {
        if x.len() != self.n {
            return Err(Error::shape("signal", format!("{} numbers", self.n), format!("{} numbers", x.len())));
        }
        match &self.chirp {
            None => radix2(x, &self.roots),
            Some(c) => c.transform(x, &self.roots),
        }
        Ok(())
    }
    /// `x ← F⁻¹ x = (1/n) conj(F conj(x))`. Errors: `Shape` if the length is another.
    pub fn inverse(&self, x: &mut [Complex<S>]) -> Result<()> {
        self.adjoint(x)?;
        let n = S::from_usize(self.n);
        for x in x {
            *x = Complex { re: x.re / n, im: x.im / n };
        }
        Ok(())
    }
    /// `x ← Fᴴ x = conj(F conj(x))`: the gradient of [`forward`](Self::forward). If `x̄` holds `∂ℓ/∂re + i ∂ℓ/∂im` of the output, it becomes the same of
    /// the input. The gradient of [`inverse`](Self::inverse) is `F x̄ / n`. Errors: `Shape` if the length is another.
    pub fn adjoint(&self, x: &mut [Complex<S>]) -> Result<()> {
        for x in x.iter_mut() {
            *x = x.conj();
        }
        self.forward(x)?;
        for x in x.iter_mut() {
            *x = x.conj();
        }
        Ok(())
    }
}

impl<S: Scalar> Chirp<S> {
    /// `pt = (p² + t² − (p − t)²)/2` turns the transform into a convolution with the conjugate chirp:
    /// `X_p = c_p Σ_t (x_t c_t) conj(c_{p−t})`, `c_t = e^{−πi t²/n}`.
    fn transform(&self, x: &mut [Complex<S>], roots: &[Complex<S>]) {
        let m = self.kernel.len();
        let mut y = vec![Complex::ZERO; m];
        for ((y, &x), &c) in y.iter_mut().zip(&*x).zip(&self.chirp) {
            *y = x * c;
        }
        radix2(&mut y, roots);
        for (y, &k) in y.iter_mut().zip(&self.kernel) {
            *y = (*y * k).conj();
        }
        radix2(&mut y, roots);
        let scale = S::from_usize(m).recip();
        for ((x, y), &c) in x.iter_mut().zip(y).zip(&self.chirp) {
            *x = y.conj().scale(scale) * c;
        }
    }
}

/// `x ← F x` for a power of two, decimation in time: bit reversal, then butterflies of growing span. `roots[k] = e^{−2πi k/n}`, `k < n/2`.
fn radix2<S: Scalar>(x: &mut [Complex<S>], roots: &[Complex<S>]) {
    let n = x.len();
    if n < 2 {
        return;
    }
    let shift = usize::BITS - n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> shift;
        if i < j {
            x.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let stride = n / (2 * half);
        for block in x.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let t = if k == 0 { *b } else { *b * roots[k * stride] };
                (*a, *b) = (*a + t, *a - t);
            }
        }
        half *= 2;
    }
}

/// The transform of a real signal: all n frequencies, `X_{n−p} = conj(X_p)`.
pub fn dft_real<S: Scalar>(x: &[S]) -> Result<Vec<Complex<S>>> {
    let mut y: Vec<Complex<S>> = x.iter().map(|&x| Complex::real(x)).collect();
    Dft::new(x.len())?.forward(&mut y)?;
    Ok(y)
}

/// The real part of the inverse transform: for a spectrum with `X_{n−p} = conj(X_p)` the signal itself, else that of its symmetric part.
pub fn inverse_dft_real<S: Scalar>(x: &[Complex<S>]) -> Result<Vec<S>> {
    let mut y = x.to_vec();
    Dft::new(x.len())?.inverse(&mut y)?;
    Ok(y.into_iter().map(|y| y.re).collect())
}

/// A two-dimensional transform of `h × w` numbers that lie row after row: every row, then every column.
/// `X_{pq} = Σ_{st} x_{st} e^{−2πi (ps/h + qt/w)}`; the inverse divides by `h w`.
#[derive(Clone, Debug)]
pub struct Dft2<S> {
    rows: Dft<S>,
    cols: Dft<S>,
}

impl<S: Scalar> Dft2<S> {
    /// A plan for `h × w` images. Errors as [`Dft::new`].
    pub fn new(h: usize, w: usize) -> Result<Self> {
        Ok(Dft2 { rows: Dft::new(w)?, cols: Dft::new(h)? })
    }
    /// `x ← F x`. Errors: `Shape` unless there are `h w` numbers.
    pub fn forward(&self, x: &mut [Complex<S>]) -> Result<()> {
        self.each_axis(x, Dft::forward)
    }
    /// `x ← F⁻¹ x`. Errors: `Shape` unless there are `h w` numbers.
    pub fn inverse(&self, x: &mut [Complex<S>]) -> Result<()> {
        self.each_axis(x, Dft::inverse)
    }
    /// `x ← Fᴴ x`, the gradient of [`forward`](Self::forward). Errors: `Shape` unless there are `h w` numbers.
    pub fn adjoint(&self, x: &mut [Complex<S>]) -> Result<()> {
        self.each_axis(x, Dft::adjoint)
    }
    fn each_axis(&self, x: &mut [Complex<S>], f: impl Fn(&Dft<S>, &mut [Complex<S>]) -> Result<()>) -> Result<()> {
        let (h, w) = (self.cols.n, self.rows.n);
        if h.checked_mul(w) != Some(x.len()) {
            return Err(Error::shape("image", format!("{h} × {w} numbers"), format!("{} numbers", x.len())));
        }
        if x.is_empty() {
            return Ok(());
        }
        for row in x.chunks_exact_mut(w) {
            f(&self.rows, row)?;
        }
        let mut column = vec![Complex::ZERO; h];
        for j in 0..w {
            for i in 0..h {
                column[i] = x[i * w + j];
            }
            f(&self.cols, &mut column)?;
            for i in 0..h {
                x[i * w + j] = column[i];
            }
        }
        Ok(())
    }
}
