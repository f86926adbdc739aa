//! The features of an image that segmentation looks at: small patches, projected on what they vary along.

use crate::data::image::Image;
use crate::linalg::{Eigen, Matrix};
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// Features of points on a grid over an image.
#[derive(Clone, Debug)]
pub struct Patches {
    /// One row a point, rows of the grid from the top.
    pub features: Matrix<f64>,
    /// Points down and across.
    pub points: [usize; 2],
    /// Pixels from a point to the next.
    pub stride: usize,
    size: [usize; 2],
}

/// The pixels (0 to 1, all channels) of the `patch × patch` square around each grid point, mirrored at the border, under a Gaussian window of standard deviation `patch/4` and mean square 1; then
/// without their mean, in the coordinates of their first `dims` principal directions. Distances of whole patches are the square root of their pixels' summed squared differences.
///
/// Errors: `Domain` (`InvalidParameter`) for an even patch, one more than twice as large as the image, or a stride or `dims` of 0.
///
/// Source: Yang, Wright, Ma and Sastry, *Unsupervised Segmentation of Natural Images via Lossy Data Compression*, CVIU 110, 2008 (Gaussian-weighted windows, projected on principal directions).
pub fn patch_features(image: &Image, patch: usize, stride: usize, dims: usize) -> Result<Patches> {
    let (h, w, c) = (image.height(), image.width(), image.channels());
    if patch.is_multiple_of(2) || patch > 2 * h.min(w) || stride == 0 || dims == 0 {
        let found = format!("a patch of {patch}, a stride of {stride}, {dims} directions for {w} × {h} pixels");
        return Err(Error::domain("patches", "an odd patch that fits the image, and numbers from 1 on", found).named("InvalidParameter"));
    }
    let (points, half, unit) = ([h.div_ceil(stride), w.div_ceil(stride)], patch / 2, image.unit());
    let mirror = |i: usize, n: usize| {
        // `half` too large; left of the border −1 is 0, right of it n is n − 1.
        if i < half { half - i - 1 } else { (i - half).min((2 * n - 1).saturating_sub(i - half)) }
    };
    let deviation = patch as f64 / 4.0;
    let bell = |k: usize| {
        let z = (k as f64 - half as f64) / deviation;
        Scalar::exp(-0.5 * z * z)
    };
    let window: Vec<f64> = (0..patch * patch).map(|k| bell(k / patch) * bell(k % patch)).collect();
    let norm = (f64::dot(&window, &window) / window.len() as f64).sqrt();
    let place = |i: usize, k: usize, n: usize| mirror((i * stride + stride / 2).min(n - 1) + k, n);
    let raw = Matrix::from_fn(points[0] * points[1], patch * patch * c, |p, f| {
        let (k, channel) = (f / c, f % c);
        let (y, x) = (place(p / points[1], k / patch, h), place(p % points[1], k % patch, w));
        unit[(y * w + x) * c + channel] * window[k] / norm
    });
    let (n, d) = (raw.rows(), raw.cols());
    let mean: Vec<f64> = (0..d).map(|j| f64::sum(&raw.col(j)) / n as f64).collect();
    let centred = Matrix::from_fn(n, d, |i, j| raw[(i, j)] - mean[j]);
    let eigen = Eigen::new(&centred.gram_cols())?;
    let features = centred.matmul(&eigen.vectors.select_cols(0, dims.min(d))?)?;
    Ok(Patches { features, points, stride, size: [h, w] })
}

impl Patches {
    /// The label of each pixel, that of its grid point; rows from the top.
    pub fn spread(&self, labels: &[usize]) -> Vec<usize> {
        let [h, w] = self.size;
        (0..h * w).map(|p| labels[p / w / self.stride * self.points[1] + p % w / self.stride]).collect()
    }
}
