//! A dense row-major matrix.

use crate::scalar::{Ball, Part, Scalar, View};
use crate::{Error, Result};
use std::fmt;
use std::ops::{Index, IndexMut};

/// A dense matrix, row after row. A sample or token is a row.
#[derive(Clone, PartialEq, Default)]
pub struct Matrix<S> {
    rows: usize,
    cols: usize,
    data: Vec<S>,
}

impl<S: Scalar> Matrix<S> {
    /// `rows × cols` from numbers that lie row after row. Errors: `Shape` if their count is not `rows · cols`.
    pub fn new(rows: usize, cols: usize, data: Vec<S>) -> Result<Self> {
        match rows.checked_mul(cols) {
            Some(count) if count == data.len() => Ok(Matrix { rows, cols, data }),
            _ => Err(Error::shape("matrix", format!("{rows} × {cols} numbers"), format!("{} numbers", data.len()))),
        }
    }
    /// All zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Matrix { rows, cols, data: vec![S::ZERO; rows * cols] }
    }
    /// Ones on the diagonal.
    pub fn identity(n: usize) -> Self {
        Self::from_fn(n, n, |i, j| if i == j { S::ONE } else { S::ZERO })
    }
    /// Element (i, j) is `f(i, j)`.
    pub fn from_fn(rows: usize, cols: usize, mut f: impl FnMut(usize, usize) -> S) -> Self {
        let mut data = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            for j in 0..cols {
                data.push(f(i, j));
            }
        }
        Matrix { rows, cols, data }
    }
    /// A square matrix with the given diagonal.
    pub fn from_diagonal(diagonal: &[S]) -> Self {
        Self::from_fn(diagonal.len(), diagonal.len(), |i, j| if i == j { diagonal[i] } else { S::ZERO })
    }
    /// Rows of f64 as they stand in a test or example. Errors: `Shape` if the rows differ in length.
    pub fn from_rows<const C: usize>(rows: &[[f64; C]]) -> Self {
        Matrix { rows: rows.len(), cols: C, data: rows.iter().flatten().map(|&x| S::from_f64(x)).collect() }
    }

    /// Becomes `rows × cols` zeros in the same memory.
    pub fn reset(&mut self, rows: usize, cols: usize) {
        (self.rows, self.cols) = (rows, cols);
        self.data.clear();
        self.data.resize(rows * cols, S::ZERO);
    }
    /// Becomes a copy of `other` in the same memory.
    pub fn assign(&mut self, other: &Self) {
        (self.rows, self.cols) = (other.rows, other.cols);
        self.data.clear();
        self.data.extend_from_slice(&other.data);
    }
    /// `A += B`. Errors: `Shape` if the shapes differ.
    pub fn accumulate(&mut self, b: &Self) -> Result<()> {
        if self.shape() != b.shape() {
            return Err(Error::shape("right operand", format!("{self:?}"), format!("{b:?}")));
        }
        self.data.iter_mut().zip(&b.data).for_each(|(x, &y)| *x += y);
        Ok(())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }
    /// `[rows, cols]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }
    /// The elements, row after row.
    pub fn data(&self) -> &[S] {
        &self.data
    }
    /// The elements, row after row.
    pub fn data_mut(&mut self) -> &mut [S] {
        &mut self.data
    }
    /// The elements, row after row.
    pub fn into_data(self) -> Vec<S> {
        self.data
    }
    /// Row i.
    pub fn row(&self, i: usize) -> &[S] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }
    /// Row i.
    pub fn row_mut(&mut self, i: usize) -> &mut [S] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }
    /// Column j, copied.
    pub fn col(&self, j: usize) -> Vec<S> {
        (0..self.rows).map(|i| self[(i, j)]).collect()
    }
    /// The diagonal, copied.
    pub fn diagonal(&self) -> Vec<S> {
        (0..self.rows.min(self.cols)).map(|i| self[(i, i)]).collect()
    }
    /// A strided view of the whole; `view().t()` is the transpose without a copy.
    pub fn view(&self) -> View<'_, S> {
        View::new(&self.data, self.rows, self.cols)
    }
    /// The rows listed, in that order. Errors: `Shape` if an index is out of range.
    pub fn select_rows(&self, which: &[usize]) -> Result<Self> {
        let mut data = Vec::with_capacity(which.len() * self.cols);
        for &i in which {
            if i >= self.rows {
                return Err(Error::shape("row index", format!("less than {}", self.rows), i.to_string()));
            }
            data.extend_from_slice(self.row(i));
        }
        Ok(Matrix { rows: which.len(), cols: self.cols, data })
    }
    /// Columns `from .. from + count`, copied.
    pub fn select_cols(&self, from: usize, count: usize) -> Result<Self> {
        if from + count > self.cols {
            return Err(Error::shape("columns", format!("at most {}", self.cols), format!("{from}..{}", from + count)));
        }
        Ok(Self::from_fn(self.rows, count, |i, j| self[(i, from + j)]))
    }
    /// The transpose, copied.
    pub fn transpose(&self) -> Self {
        Self::from_fn(self.cols, self.rows, |i, j| self[(j, i)])
    }
    /// Every element through `f`.
    pub fn map<R: Scalar>(&self, f: impl FnMut(S) -> R) -> Matrix<R> {
        Matrix { rows: self.rows, cols: self.cols, data: self.data.iter().copied().map(f).collect() }
    }
    /// The same matrix in another number type, by way of [`Ball`]: nothing is lost that the new type can hold.
    pub fn cast<R: Scalar>(&self) -> Matrix<R> {
        self.map(|x| R::from_ball(x.to_ball()))
    }

    /// `A B`. `2·m·n·k` flops.
    pub fn matmul(&self, b: &Self) -> Result<Self> {
        product(self.view(), b.view())
    }
    /// `A Bᵀ`.
    pub fn matmul_t(&self, b: &Self) -> Result<Self> {
        product(self.view(), b.view().t())
    }
    /// `Aᵀ B`.
    pub fn t_matmul(&self, b: &Self) -> Result<Self> {
        product(self.view().t(), b.view())
    }
    /// `XᵀX` (`cols × cols`), symmetric to the bit. `n·d²` flops.
    pub fn gram_cols(&self) -> Self {
        gram(self.view().t())
    }
    /// `XXᵀ` (`rows × rows`), symmetric to the bit. `n²·d` flops.
    pub fn gram_rows(&self) -> Self {
        gram(self.view())
    }
    /// Element by element. Errors: `Shape` if the shapes differ.
    pub fn zip(&self, b: &Self, f: impl Fn(S, S) -> S) -> Result<Self> {
        if self.shape() != b.shape() {
            return Err(Error::shape("right operand", format!("{self:?}"), format!("{b:?}")));
        }
        Ok(Matrix { rows: self.rows, cols: self.cols, data: self.data.iter().zip(&b.data).map(|(&x, &y)| f(x, y)).collect() })
    }
    /// `A + B`.
    pub fn add(&self, b: &Self) -> Result<Self> {
        self.zip(b, |x, y| x + y)
    }
    /// `A − B`.
    pub fn sub(&self, b: &Self) -> Result<Self> {
        self.zip(b, |x, y| x - y)
    }
    /// `A ∘ B`, element by element.
    pub fn hadamard(&self, b: &Self) -> Result<Self> {
        self.zip(b, |x, y| x * y)
    }
    /// `c A`.
    pub fn scale(&self, c: S) -> Self {
        self.map(|x| x * c)
    }
    /// `Σ_ij a_ij b_ij`, over 16 lanes. Errors: `Shape` if the shapes differ.
    pub fn dot(&self, b: &Self) -> Result<S> {
        if self.shape() != b.shape() {
            return Err(Error::shape("right operand", format!("{self:?}"), format!("{b:?}")));
        }
        Ok(S::dot(&self.data, &b.data))
    }
    /// `‖A‖_F² = Σ a_ij²`, over 16 lanes.
    pub fn frobenius_squared(&self) -> S {
        S::dot(&self.data, &self.data)
    }
    /// The sum of the diagonal, over 16 lanes.
    pub fn trace(&self) -> S {
        S::sum(&self.diagonal())
    }
    /// Errors: `NotFinite`, with row and column, at the first element that is NaN or infinite.
    pub fn check_finite(&self, name: &str) -> Result<()> {
        match self.data.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(i) => Err(Error::not_finite(
                format!("{name}[{}, {}]", i / self.cols, i % self.cols),
                "a finite number",
                format!("{}", self.data[i].value()),
            )
            .named("NonFinite")),
        }
    }
    /// Errors: `Shape` unless the matrix is square.
    pub fn check_square(&self, name: &str) -> Result<usize> {
        if self.rows == self.cols {
            Ok(self.rows)
        } else {
            Err(Error::shape(name, "a square matrix", format!("{self:?}")).named("NotSquare"))
        }
    }
    /// `(A + Aᵀ)/2`. Errors: `Shape` unless the matrix is square.
    pub fn symmetrised(&self) -> Result<Self> {
        let n = self.check_square("matrix")?;
        let half = S::from_f64(0.5);
        Ok(Self::from_fn(n, n, |i, j| (self[(i, j)] + self[(j, i)]) * half))
    }
}

impl Matrix<Ball> {
    /// The largest radius.
    pub fn radius(&self) -> f64 {
        self.data.iter().fold(0.0, |r: f64, x| if x.rad() > r || x.rad().is_nan() { x.rad() } else { r })
    }
}

/// `a b` of two strided views, each element one chain of fused multiply-adds. Errors: `Shape` if the inner sizes differ.
pub fn product<S: Scalar>(a: View<S>, b: View<S>) -> Result<Matrix<S>> {
    if a.cols != b.rows {
        return Err(Error::shape("right operand", format!("{} rows", a.cols), format!("{} × {}", b.rows, b.cols)));
    }
    let mut c = Matrix::zeros(a.rows, b.cols);
    S::product(a, b, &mut c.data, Part::Full);
    Ok(c)
}

/// `a aᵀ` of a strided view, symmetric to the bit: the lower triangle is computed and mirrored.
pub fn gram<S: Scalar>(a: View<S>) -> Matrix<S> {
    let mut c = Matrix::zeros(a.rows, a.rows);
    S::product(a, a.t(), &mut c.data, Part::Lower);
    mirror(&mut c.data, a.rows);
    c
}

/// Copies the lower triangle onto the upper.
pub(crate) fn mirror<S: Copy>(a: &mut [S], n: usize) {
    for i in 0..n {
        for j in 0..i {
            a[j * n + i] = a[i * n + j];
        }
    }
}

impl<S> Index<(usize, usize)> for Matrix<S> {
    type Output = S;
    #[inline(always)]
    fn index(&self, (i, j): (usize, usize)) -> &S {
        debug_assert!(j < self.cols);
        &self.data[i * self.cols + j]
    }
}
impl<S> IndexMut<(usize, usize)> for Matrix<S> {
    #[inline(always)]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut S {
        debug_assert!(j < self.cols);
        &mut self.data[i * self.cols + j]
    }
}

/// Short: `3 × 2`, not six numbers.
impl<S> fmt::Debug for Matrix<S> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} × {}", self.rows, self.cols)
    }
}
