//! All circular shifts of signals at once: in Fourier coordinates their operators are small, one set for each frequency.
//!
//! A data set of all shifts has a block-circulant second moment. The discrete Fourier transform makes it block diagonal: one C × C matrix for each of the
//! T frequencies, C the number of channels. Frequencies p and −p of a real signal are conjugates of each other and carry the same information, and a
//! complex C × C matrix `A + iB` is the real 2C × 2C matrix `[A −B; B A]`. So everything here is real: an orthonormal change of coordinates (real and
//! imaginary part of one frequency of each pair, the real part alone where p = −p), and for each frequency the plain rates and operators of
//! [`crate::reduction`] on the samples `(Re v̂, Im v̂)` and `(−Im v̂, Re v̂)`.

use crate::coding::{Distortion, coding_rate, coding_rate_gradient};
use crate::linalg::{Complex, Dft2, Matrix};
use crate::reduction::{ClassScale, Membership, RateOperators, RateOperatorsGradient, RateReduction};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// How the transform is normalised before operators and rates are formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// As the mathematics asks: the operators are those of all shifts.
    Exact,
    /// The orthonormal transform with α unchanged, as the official code has it: T times the exact operators at the distortion `Tε²`, and the exact rates at `Tε²`. With step η and sharpness λ its layers are the exact
    /// ones at `(Tε², Tη, Tλ)`.
    Orthonormal,
}

/// A frequency, or a pair ±p of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frequency {
    /// p as a place in the row-major T = H·W frequencies.
    index: usize,
    /// −p.
    mirror: usize,
    /// The first of its coordinates.
    from: usize,
}

/// The circular shifts of signals with C channels of H × W numbers; H = 1 for signals in one dimension. A signal is a row of C·H·W numbers, channel after channel.
#[derive(Clone, Debug)]
pub struct Shifts<S> {
    channels: usize,
    plan: Dft2<S>,
    shape: [usize; 2],
    frequencies: Vec<Frequency>,
    normalisation: Normalisation,
}

/// The rates of all shifts, divided by the number T of shifts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShiftRates<S> {
    /// `R = (1/T) Σ_p ½ log det(I + α Σ_i v̂_i(p) v̂_i(p)ᴴ)`, `α = C/(nε²)`.
    pub rate: S,
    /// `R^c`, the same for each class with `C/(n_kε²)`, weighted by `n_k/n`.
    pub conditional: S,
    /// `ΔR`.
    pub reduction: S,
}

/// The gradient in signals and distortion.
#[derive(Clone, Debug)]
pub struct ShiftGradient<S> {
    /// In the Fourier coordinates, n × CT.
    pub z: Matrix<S>,
    /// In ε².
    pub eps2: S,
}

impl<S: Scalar> Shifts<S> {
    /// For C channels of `height × width`. Errors: `Shape` (`EmptyInput`) if any is 0, `Unsupported` beyond what the transform takes.
    pub fn new(channels: usize, height: usize, width: usize, normalisation: Normalisation) -> Result<Self> {
        let total = height.checked_mul(width).and_then(|t| t.checked_mul(channels)).filter(|&t| t > 0);
        if total.is_none() {
            let found = format!("{channels} × {height} × {width}");
            return Err(Error::shape("signal", "at least one channel, row and column", found).named("EmptyInput"));
        }
        let plan = Dft2::new(height, width)?;
        let (mut frequencies, mut from) = (Vec::new(), 0);
        for index in 0..height * width {
            let mirror = (height - index / width) % height * width + (width - index % width) % width;
            if mirror >= index {
                frequencies.push(Frequency { index, mirror, from });
                from += if mirror == index { channels } else { 2 * channels };
            }
        }
        Ok(Shifts { channels, plan, shape: [height, width], frequencies, normalisation })
    }
    /// C.
    pub fn channels(&self) -> usize {
        self.channels
    }
    /// T = H·W, the number of shifts.
    pub fn count(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
    fn length(&self) -> usize {
        self.channels * self.count()
    }
    fn check(&self, v: &Matrix<S>) -> Result<()> {
        if v.cols() != self.length() || v.rows() == 0 {
            let expected = format!("n × {} numbers, {} channels of {} × {}", self.length(), self.channels, self.shape[0], self.shape[1]);
            return Err(Error::shape("signals", expected, format!("{v:?}")).named("ShapeMismatch"));
        }
        v.check_finite("signals")
    }
    /// Signals in orthonormal real Fourier coordinates: inner products and lengths are kept. `O(n C T log T)`. The gradient goes back by [`Shifts::signals`]. Errors: `Shape`, `NotFinite`.
    pub fn spectrum(&self, v: &Matrix<S>) -> Result<Matrix<S>> {
        self.check(v)?;
        let (t, c) = (self.count(), self.channels);
        let alone = S::from_usize(t).sqrt().recip();
        let paired = (S::from_f64(2.0) / S::from_usize(t)).sqrt();
        let (mut out, mut wave) = (Matrix::zeros(v.rows(), v.cols()), vec![Complex::ZERO; t]);
        for i in 0..v.rows() {
            for channel in 0..c {
                let own = &v.row(i)[channel * t..(channel + 1) * t];
                wave.iter_mut().zip(own).for_each(|(w, &x)| *w = Complex::real(x));
                self.plan.forward(&mut wave)?;
                for f in &self.frequencies {
                    let (x, at) = (wave[f.index], f.from + channel);
                    if f.index == f.mirror {
                        out[(i, at)] = x.re * alone;
                    } else {
                        (out[(i, at)], out[(i, at + c)]) = (x.re * paired, x.im * paired);
                    }
                }
            }
        }
        Ok(out)
    }
    /// Back from [`Shifts::spectrum`]; also its gradient, as the coordinates are orthonormal. Errors: `Shape`, `NotFinite`.
    pub fn signals(&self, z: &Matrix<S>) -> Result<Matrix<S>> {
        self.check(z)?;
        let (t, c) = (self.count(), self.channels);
        let alone = S::from_usize(t).sqrt();
        let paired = (S::from_usize(t) * S::from_f64(0.5)).sqrt();
        let (mut out, mut wave) = (Matrix::zeros(z.rows(), z.cols()), vec![Complex::ZERO; t]);
        for i in 0..z.rows() {
            for channel in 0..c {
                for f in &self.frequencies {
                    let at = f.from + channel;
                    if f.index == f.mirror {
                        wave[f.index] = Complex::real(z[(i, at)] * alone);
                    } else {
                        wave[f.index] = Complex::new(z[(i, at)] * paired, z[(i, at + c)] * paired);
                        wave[f.mirror] = wave[f.index].conj();
                    }
                }
                self.plan.inverse(&mut wave)?;
                out.row_mut(i)[channel * t..(channel + 1) * t].iter_mut().zip(&wave).for_each(|(x, w)| *x = w.re);
            }
        }
        Ok(out)
    }
    /// The factor from coordinates to the samples of a frequency.
    fn factor(&self, f: &Frequency) -> S {
        let squared = match (self.normalisation, f.index == f.mirror) {
            (Normalisation::Exact, true) => S::from_usize(self.count()),
            (Normalisation::Exact, false) => S::from_usize(self.count()) * S::from_f64(0.5),
            (Normalisation::Orthonormal, true) => S::ONE,
            (Normalisation::Orthonormal, false) => S::from_f64(0.5),
        };
        squared.sqrt()
    }
    /// The real samples of a frequency: n × C, or 2n × 2C with `(Re, Im)` above `(−Im, Re)`.
    fn samples(&self, z: &Matrix<S>, f: &Frequency) -> Matrix<S> {
        let (n, c, by) = (z.rows(), self.channels, self.factor(f));
        if f.index == f.mirror {
            return Matrix::from_fn(n, c, |i, j| z[(i, f.from + j)] * by);
        }
        Matrix::from_fn(2 * n, 2 * c, |i, j| match (i < n, j < c) {
            (true, _) => z[(i, f.from + j)] * by,
            (false, true) => -(z[(i - n, f.from + j + c)] * by),
            (false, false) => z[(i - n, f.from + j - c)] * by,
        })
    }
    /// Adds what a gradient in the samples of a frequency is in the coordinates.
    fn samples_vjp(&self, bar: &Matrix<S>, f: &Frequency, out: &mut Matrix<S>) {
        let (n, c, by) = (out.rows(), self.channels, self.factor(f));
        for i in 0..n {
            for j in 0..c {
                if f.index == f.mirror {
                    out[(i, f.from + j)] += bar[(i, j)] * by;
                } else {
                    out[(i, f.from + j)] += (bar[(i, j)] + bar[(n + i, j + c)]) * by;
                    out[(i, f.from + j + c)] += (bar[(i, j + c)] - bar[(n + i, j)]) * by;
                }
            }
        }
    }
    /// The operators of each frequency, in the order of the coordinates: `Ê(p) = α(I + αΣ_i v̂_i(p)v̂_i(p)ᴴ)⁻¹`, `α = C/(nε²)`, and for the classes with `n_k`, as real matrices. `O(T(nC² + KC³))` where the dense
    /// operators of all shifts take `O(T³(nC² + KC³))`. `z`: n × CT Fourier coordinates. Errors: as [`RateOperators::new`].
    pub fn operators(
        &self,
        z: &Matrix<S>,
        membership: &Membership<S>,
        distortion: Distortion<S>,
        scale: ClassScale,
    ) -> Result<Vec<RateOperators<S>>> {
        self.check(z)?;
        let twice = membership.stacked(2)?;
        let of = |f: &Frequency| RateOperators::new(&self.samples(z, f), self.member(f, membership, &twice), distortion, scale);
        self.frequencies.iter().map(of).collect()
    }
    fn member<'a>(&self, f: &Frequency, once: &'a Membership<S>, twice: &'a Membership<S>) -> &'a Membership<S> {
        if f.index == f.mirror { once } else { twice }
    }
    /// The gradient of [`Shifts::operators`] for the cotangents of all of them.
    pub fn operators_vjp(
        &self,
        z: &Matrix<S>,
        membership: &Membership<S>,
        distortion: Distortion<S>,
        scale: ClassScale,
        bars: &[RateOperators<S>],
    ) -> Result<RateOperatorsGradient<S>> {
        let (blocks, twice) = (self.operators(z, membership, distortion, scale)?, membership.stacked(2)?);
        let n = z.rows();
        let mut out =
            RateOperatorsGradient { z: Matrix::zeros(n, z.cols()), pi: Matrix::zeros(n, membership.class_count()), eps2: S::ZERO };
        for ((f, block), bar) in self.frequencies.iter().zip(&blocks).zip(bars) {
            let own = block.vjp(&self.samples(z, f), self.member(f, membership, &twice), distortion, scale, bar)?;
            self.samples_vjp(&own.z, f, &mut out.z);
            for i in 0..own.pi.rows() {
                out.pi.row_mut(i % n).iter_mut().zip(own.pi.row(i)).for_each(|(o, &p)| *o += p);
            }
            out.eps2 += own.eps2;
        }
        Ok(out)
    }
    /// The rates of all shifts, divided by T; `z` in Fourier coordinates. The increment `Ev_i − Σ_k γ_kΠ_ikC_kv_i` of a layer is the gradient of this ΔR. Errors: as [`RateReduction`].
    pub fn rates(&self, z: &Matrix<S>, membership: &Membership<S>, distortion: Distortion<S>) -> Result<ShiftRates<S>> {
        self.check(z)?;
        let (rates, twice) = (RateReduction::new(distortion), membership.stacked(2)?);
        let mut sums = [const { Vec::new() }; 3];
        for f in &self.frequencies {
            let (x, m) = (self.samples(z, f), self.member(f, membership, &twice));
            sums[0].push(coding_rate(&x, distortion)?);
            sums[1].push(rates.conditional(&x, m)?);
            sums[2].push(rates.value(&x, m)?);
        }
        let [rate, conditional, reduction] = sums.map(|s| S::sum(&s) / S::from_usize(self.count()));
        Ok(ShiftRates { rate, conditional, reduction })
    }
    /// The gradient of the rates for these cotangents.
    pub fn rates_vjp(
        &self,
        z: &Matrix<S>,
        membership: &Membership<S>,
        distortion: Distortion<S>,
        bar: ShiftRates<S>,
    ) -> Result<ShiftGradient<S>> {
        self.check(z)?;
        let (rates, twice) = (RateReduction::new(distortion), membership.stacked(2)?);
        let mut out = ShiftGradient { z: Matrix::zeros(z.rows(), z.cols()), eps2: S::ZERO };
        let [a, b, c] = [bar.rate, bar.conditional, bar.reduction].map(|x| x / S::from_usize(self.count()));
        for f in &self.frequencies {
            let (x, m) = (self.samples(z, f), self.member(f, membership, &twice));
            let (whole, apart, saved) = (coding_rate_gradient(&x, distortion)?, rates.conditional_gradient(&x, m)?, rates.gradient(&x, m)?);
            let own = whole.z.scale(a).add(&apart.z.scale(b))?.add(&saved.z.scale(c))?;
            self.samples_vjp(&own, f, &mut out.z);
            out.eps2 += whole.eps2 * a + apart.eps2 * b + saved.eps2 * c;
        }
        Ok(out)
    }

    /// Operators given for each block as the complex matrices of all T frequencies, real and imaginary parts, each T × C × C: `Ê(−p)` is the conjugate of `Ê(p)`.
    pub fn complex<'a>(&self, blocks: impl Iterator<Item = &'a Matrix<S>>) -> (Vec<S>, Vec<S>) {
        let (c, t) = (self.channels, self.count());
        let (mut re, mut im) = (vec![S::ZERO; t * c * c], vec![S::ZERO; t * c * c]);
        for (f, m) in self.frequencies.iter().zip(blocks) {
            for k in 0..c * c {
                let (i, j) = (k / c, k % c);
                re[f.index * c * c + k] = m[(i, j)];
                if f.index != f.mirror {
                    im[f.index * c * c + k] = m[(i + c, j)];
                    re[f.mirror * c * c + k] = m[(i, j)];
                    im[f.mirror * c * c + k] = -m[(i + c, j)];
                }
            }
        }
        (re, im)
    }
    /// The gradient of [`Shifts::complex`].
    pub fn complex_vjp(&self, re: &[S], im: &[S]) -> Vec<Matrix<S>> {
        let (c, at) = (self.channels, |p: usize, k: usize| p * self.channels * self.channels + k);
        let of = |f: &Frequency| {
            let size = if f.index == f.mirror { c } else { 2 * c };
            let mut m = Matrix::zeros(size, size);
            for k in 0..c * c {
                let (i, j) = (k / c, k % c);
                m[(i, j)] = re[at(f.index, k)];
                if size > c {
                    m[(i, j)] += re[at(f.mirror, k)];
                    m[(i + c, j)] = im[at(f.index, k)] - im[at(f.mirror, k)];
                }
            }
            m
        };
        self.frequencies.iter().map(of).collect()
    }
    /// The kernels `e[c, c'](t)` whose circular convolution the operators are, C × C × T: the inverse transform of [`Shifts::complex`]. Block `(c, c')` of the dense matrix has `e[c, c'](i − j)` in row i, column j.
    pub fn kernels<'a>(&self, blocks: impl Iterator<Item = &'a Matrix<S>>) -> Result<Vec<S>> {
        let ((re, im), c, t) = (self.complex(blocks), self.channels, self.count());
        let mut out = Vec::with_capacity(c * c * t);
        for k in 0..c * c {
            let mut wave: Vec<Complex<S>> = (0..t).map(|p| Complex::new(re[p * c * c + k], im[p * c * c + k])).collect();
            self.plan.inverse(&mut wave)?;
            out.extend(wave.into_iter().map(|w| w.re));
        }
        Ok(out)
    }
    /// The gradient of [`Shifts::kernels`].
    pub fn kernels_vjp(&self, bar: &[S]) -> Result<Vec<Matrix<S>>> {
        let (re, im) = self.waves(bar, S::from_usize(self.count()))?;
        Ok(self.complex_vjp(&re, &im))
    }
    /// The transforms of C × C kernels divided by a number, T × C × C.
    fn waves(&self, kernels: &[S], by: S) -> Result<(Vec<S>, Vec<S>)> {
        let (c, t) = (self.channels, self.count());
        if kernels.len() != c * c * t {
            return Err(Error::shape("kernels", format!("{c} × {c} × {t} numbers"), kernels.len().to_string()));
        }
        let (mut re, mut im) = (vec![S::ZERO; t * c * c], vec![S::ZERO; t * c * c]);
        for k in 0..c * c {
            let mut wave: Vec<Complex<S>> = kernels[k * t..(k + 1) * t].iter().map(|&x| Complex::real(x)).collect();
            self.plan.forward(&mut wave)?;
            for (p, w) in wave.iter().enumerate() {
                (re[p * c * c + k], im[p * c * c + k]) = (w.re / by, w.im / by);
            }
        }
        Ok((re, im))
    }
    /// The blocks of the operator that convolves with these kernels. Errors: `Shape`.
    pub fn blocks(&self, kernels: &[S]) -> Result<Vec<Matrix<S>>> {
        let ((re, im), c) = (self.waves(kernels, S::ONE)?, self.channels);
        let of = |f: &Frequency| {
            let at = |i: usize, j: usize| f.index * c * c + i % c * c + j % c;
            let size = if f.index == f.mirror { c } else { 2 * c };
            Matrix::from_fn(size, size, |i, j| match (i < c, j < c) {
                (true, false) => -im[at(i, j)],
                (false, true) => im[at(i, j)],
                _ => re[at(i, j)],
            })
        };
        Ok(self.frequencies.iter().map(of).collect())
    }
    /// The gradient of [`Shifts::blocks`].
    pub fn blocks_vjp<'a>(&self, bars: impl Iterator<Item = &'a Matrix<S>>) -> Result<Vec<S>> {
        let (c, t) = (self.channels, self.count());
        let bars: Vec<&Matrix<S>> = bars.collect();
        let mut out = Vec::with_capacity(c * c * t);
        for k in 0..c * c {
            let (i, j) = (k / c, k % c);
            let mut wave = vec![Complex::ZERO; t];
            for (f, m) in self.frequencies.iter().zip(&bars) {
                wave[f.index] = Complex::real(m[(i, j)]);
                if f.index != f.mirror {
                    wave[f.index] = Complex::new(m[(i, j)] + m[(i + c, j + c)], m[(i + c, j)] - m[(i, j + c)]);
                }
            }
            self.plan.adjoint(&mut wave)?;
            out.extend(wave.into_iter().map(|w| w.re));
        }
        Ok(out)
    }
    /// For each class the subspace of the leading directions of all shifts of its samples, CT × r with r the least number from `rank` on that splits no pair: both directions of a frequency ±p belong together, so that the subspace
    /// contains every shift of what it contains. In Fourier coordinates, for [`SubspaceClassifier`](super::SubspaceClassifier). Errors: `Domain` (`EmptyClass`), `Domain` for a rank of 0 or too large.
    pub fn subspaces(&self, z: &Matrix<S>, labels: &[usize], classes: usize, rank: usize) -> Result<Vec<Matrix<S>>> {
        self.check(z)?;
        if labels.len() != z.rows() {
            return Err(Error::shape("labels", format!("{}, one a row", z.rows()), labels.len().to_string()));
        }
        let of_class = |k: usize| -> Result<Matrix<S>> {
            let rows: Vec<usize> = (0..z.rows()).filter(|&i| labels[i] == k).collect();
            if rows.is_empty() {
                return Err(Error::domain(format!("class {k}"), "at least one sample", "none").named("EmptyClass"));
            }
            let own = z.select_rows(&rows)?;
            // The singular value of a direction in all shifts, its frequency, and the direction.
            let mut found: Vec<(f64, usize, Vec<Vec<S>>)> = Vec::new();
            for f in &self.frequencies {
                let svd = crate::linalg::Svd::new(&self.samples(&own, f))?;
                let together = if f.index == f.mirror { 1 } else { 2 };

                for j in (0..svd.sigma.len()).step_by(together) {
                    let columns = (j..(j + together).min(svd.sigma.len())).map(|j| svd.v.col(j)).collect();
                    found.push((svd.sigma[j].value(), f.from, columns));
                }
            }
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut columns: Vec<(usize, Vec<S>)> = Vec::new();
            for (_, from, pair) in found {
                if columns.len() < rank {
                    columns.extend(pair.into_iter().map(|v| (from, v)));
                }
            }
            if rank == 0 || columns.len() < rank || columns.len() >= self.length() {
                return Err(Error::domain("rank", format!("a rank that class {k} has, below {}", self.length()), rank.to_string()));
            }
            let inside = |i: usize, (from, v): &(usize, Vec<S>)| i.checked_sub(*from).and_then(|i| v.get(i).copied()).unwrap_or(S::ZERO);
            Ok(Matrix::from_fn(self.length(), columns.len(), |i, j| inside(i, &columns[j])))
        };
        (0..classes).map(of_class).collect()
    }
}
