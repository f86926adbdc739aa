//! Images to patches and back.

use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The order of the numbers within a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchOrder {
    /// Row, column, channel: `(p1 p2 c)`, as CRATE and the MAE flatten a patch.
    ChannelsLast,
    /// Channel, row, column: `(c p1 p2)`, as a convolution with stride P does.
    ChannelsFirst,
}

/// How an image is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Channels, height, width.
    pub image: [usize; 3],
    /// Side of a square patch.
    pub patch: usize,
    /// Order within a patch.
    pub order: PatchOrder,
}

impl Grid {
    /// Errors: `Shape` unless the patch divides height and width and there is a pixel.
    pub fn check(&self) -> Result<()> {
        let [c, h, w] = self.image;
        let p = self.patch;
        if c == 0 || h == 0 || w == 0 || p == 0 || !h.is_multiple_of(p) || !w.is_multiple_of(p) {
            let found = format!("{c} channels of {h} × {w}, patches of {p} × {p}");
            return Err(Error::shape("patches", "a patch size that divides height and width", found).named("ShapeMismatch"));
        }
        Ok(())
    }
    /// Patches of an image.
    pub fn count(&self) -> usize {
        self.image[1] / self.patch * (self.image[2] / self.patch)
    }
    /// Numbers of a patch.
    pub fn size(&self) -> usize {
        self.image[0] * self.patch * self.patch
    }
    /// Calls `f(from, to)` for every run of P pixels that stay together: one after the other from `from` in the image, `stride` apart from `to` in the patches.
    fn runs(&self, mut f: impl FnMut(usize, usize)) {
        let [c, h, w] = self.image;
        let (p, across) = (self.patch, w / self.patch);
        for channel in 0..c {
            for y in 0..h {
                for t in 0..across {
                    let patch = (y / p * across + t) * self.size();
                    let to = match self.order {
                        PatchOrder::ChannelsLast => patch + y % p * p * c + channel,
                        PatchOrder::ChannelsFirst => patch + (channel * p + y % p) * p,
                    };
                    f((channel * h + y) * w + t * p, to);
                }
            }
        }
    }
    fn stride(&self) -> usize {
        if self.order == PatchOrder::ChannelsLast { self.image[0] } else { 1 }
    }
    /// Patches of every image, a patch a row: patch `t = ih·(W/P) + iw` of image b is row `b·T + t`. `images`: B × CHW, channel by channel, row by row; result `B·T × CP²`,
    /// which reuses its memory. A permutation: its adjoint is its inverse.
    pub fn cut<S: Scalar>(&self, images: &Matrix<S>, patches: &mut Matrix<S>) -> Result<()> {
        self.check()?;
        let pixels = self.image.iter().product::<usize>();
        if images.cols() != pixels {
            return Err(Error::shape("images", format!("{pixels} pixels a row"), format!("{images:?}")).named("ShapeMismatch"));
        }
        patches.reset(images.rows() * self.count(), self.size());
        let (p, stride) = (self.patch, self.stride());
        for (image, patches) in images.data().chunks_exact(pixels).zip(patches.data_mut().chunks_exact_mut(pixels)) {
            self.runs(|from, to| {
                for k in 0..p {
                    patches[to + k * stride] = image[from + k];
                }
            });
        }
        Ok(())
    }
    /// The adjoint, and inverse, of [`cut`](Grid::cut), added to `images`.
    pub fn join<S: Scalar>(&self, patches: &Matrix<S>, images: &mut Matrix<S>) -> Result<()> {
        self.check()?;
        let pixels = self.image.iter().product::<usize>();
        if patches.shape() != [images.rows() * self.count(), self.size()] || images.cols() != pixels {
            let expected = format!("{} × {}, {pixels} pixels a row", images.rows() * self.count(), self.size());
            return Err(Error::shape("patches", expected, format!("{patches:?}, {images:?}")).named("ShapeMismatch"));
        }
        let (p, stride) = (self.patch, self.stride());
        for (image, patches) in images.data_mut().chunks_exact_mut(pixels).zip(patches.data().chunks_exact(pixels)) {
            self.runs(|from, to| {
                for k in 0..p {
                    image[from + k] += patches[to + k * stride];
                }
            });
        }
        Ok(())
    }
}
