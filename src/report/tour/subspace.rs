//! One linear subspace: learn it from data, encode by projection, decode by the basis.

use super::Tour;
use crate::linalg::{Eigen, Matrix};
use crate::report::axis::Axis;
use crate::report::image::{ImageGrid, Ink, Picture};
use crate::report::line::{LineChart, Series};
use crate::report::number::Digits::{Fixed, Significant};
use crate::report::{Column, Label, Table};
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// Height and width of a digit.
const SIDE: usize = 8;

/// Adds the chapter.
pub fn chapter(tour: &mut Tour) -> Result<()> {
    let samples = tour.samples();
    let x = &*samples.x;
    let [n, d] = x.shape();

    tour.text(
        "Each digit is an image of 8 × 8 pixels between 0 and 1, a row `x` of 64 numbers. How few numbers could stand for it, if encoding and decoding \
         must be linear? A basis `U` of `k` directions encodes `x` as `xU` and decodes by `U^T`; the best basis loses the least energy:",
    );
    tour.formula("f(U) = ‖X − XUU^T‖^2/n = Σ_{i>k} λ_i,\u{2003}S = X^TX/n = VΛV^T");
    tour.text(
        "Its columns are the eigenvectors of `S` with the `k` largest eigenvalues `λ_i` (principal components, here without subtracting the mean), and what \
         it loses is the tail of the spectrum. Below, the loss is measured by decoding every digit, and the tail is summed on its own. The last columns: \
         what a basis learned from every second digit keeps of the others, and what the best `k` single pixels keep.",
    );

    let s = x.gram_cols().map(|v| v / n as f64);
    let eigen = Eigen::new(&s)?;
    let energy = s.trace();
    let tails: Vec<f64> = (0..=d).map(|k| f64::sum(&eigen.values[k..])).collect();
    // The same basis learned from every second digit only, tried on the others.
    let parity = |odd: usize| x.select_rows(&(0..n).filter(|i| i % 2 == odd).collect::<Vec<_>>());
    let (learned, unseen) = (parity(0)?, parity(1)?);
    let half = Eigen::new(&learned.gram_cols())?;
    // What is left by the best k single pixels instead of directions.
    let mut pixels = s.diagonal();
    pixels.sort_by(|a, b| b.total_cmp(a));

    let mut losses = Vec::with_capacity(d + 1);
    for k in 0..=d {
        tour.progress("encoding and decoding", k, d);
        losses.push(loss(x, &eigen.vectors, k)?);
    }
    let mut table = Table::new(
        "subspace-loss",
        "Energy lost by `k` directions: measured, and as the tail of the spectrum",
        vec![
            Column::count("`k`"),
            Column::real("`λ_k`", "", Significant(4)),
            Column::real("loss", "per digit", Fixed(6)),
            Column::real("tail", "per digit", Fixed(6)),
            Column::real("difference", "", Significant(2)),
            Column::real("kept", "%", Fixed(2)),
            Column::real("of unseen", "%", Fixed(2)),
            Column::real("by pixels", "%", Fixed(2)),
        ],
    );
    let kept = |lost: f64, all: f64| 100.0 * (1.0 - lost / all);
    let unseen_energy = unseen.frobenius_squared() / unseen.rows() as f64;
    for k in [1, 2, 4, 8, 16, 24, 32, 48, 61, 64] {
        let pixel_loss = f64::sum(&pixels[k..]);
        table.row([
            k.into(),
            eigen.values[k - 1].into(),
            losses[k].into(),
            tails[k].into(),
            (losses[k] - tails[k]).into(),
            kept(losses[k], energy).into(),
            kept(loss(&unseen, &half.vectors, k)?, unseen_energy).into(),
            kept(pixel_loss, energy).into(),
        ])?;
    }
    tour.table(table);

    // S = VΛVᵀ + E and VᵀV = I + F, both measured: E moves the tail by at most √d ‖E‖, F the loss by at most 3 ‖F‖ tr S, and the rounding of the products
    // and sums in the loss by 2 d u tr S.
    let residual = s.sub(&eigen.compose(&eigen.values)?)?.frobenius_squared().sqrt();
    let skew = eigen.vectors.gram_cols().sub(&Matrix::identity(d))?.frobenius_squared().sqrt();
    let bound = (d as f64).sqrt() * residual + (3.0 * skew + 2.0 * d as f64 * f64::UNIT_ROUNDOFF) * energy;
    let worst = losses.iter().zip(&tails).map(|(a, b)| (a - b).abs()).fold(0.0, |m: f64, e| if e > m { e } else { m });
    tour.claim(
        "For every `k` from 0 to 64 the measured loss is the tail of the spectrum.",
        worst <= bound,
        format!("Largest difference {}, rounding allows {}.", Significant(2).print(worst), Significant(2).print(bound)),
    );
    let beaten = (0..=d).all(|k| tails[k] <= f64::sum(&pixels[k..]) + bound);
    tour.claim(
        "For every `k` the learned directions lose no more than the best `k` pixels.",
        beaten,
        format!(
            "With `k = 16`: {} against {} of {}.",
            Fixed(2).show(tails[16]),
            Fixed(2).show(f64::sum(&pixels[16..])),
            Fixed(2).show(energy)
        ),
    );

    let positive = eigen.values.iter().take_while(|&&v| v > bound).count();
    tour.figures(vec![spectrum(&eigen.values[..positive])?, lost(&losses, &tails, energy)?]);

    let mean: Vec<f64> = (0..d).map(|j| f64::sum(&x.col(j)) / n as f64).collect();
    let first = eigen.vectors.col(0);
    let cosine = f64::dot(&mean, &first) / f64::dot(&mean, &mean).sqrt();
    tour.text(format!(
        "{} of the 64 eigenvalues are positive: the other pixels are blank in every digit. The first direction is nearly the mean digit (the cosine between \
         them is {}), because the mean was not subtracted; the next ones are strokes and their negatives, finer and finer.",
        positive,
        Fixed(6).show(cosine)
    ));
    tour.figure(directions(&mean, &eigen.vectors)?);
    tour.figure(reconstructions(x, &samples.classes, &eigen.vectors)?);
    Ok(())
}

/// `‖X − X U Uᵀ‖_F² / n` with U the first k columns of `v`, by encoding and decoding.
fn loss(x: &Matrix<f64>, v: &Matrix<f64>, k: usize) -> Result<f64> {
    Ok(x.sub(&decoded(x, v, k)?)?.frobenius_squared() / x.rows() as f64)
}

fn decoded(x: &Matrix<f64>, v: &Matrix<f64>, k: usize) -> Result<Matrix<f64>> {
    let u = v.select_cols(0, k)?;
    x.matmul(&u)?.matmul_t(&u)
}

fn counted(values: &[f64], from: usize) -> impl Iterator<Item = (f64, f64)> {
    values.iter().enumerate().map(move |(i, &v)| ((i + from) as f64, v))
}

fn spectrum(values: &[f64]) -> Result<crate::report::Figure> {
    LineChart {
        label: Label::new(
            "subspace-spectrum",
            "The spectrum of the digits",
            format!(
                "Eigenvalues of `S` in order, on a logarithmic scale: the first is {}, the second {}, then they fall steadily over five powers of ten to {}.",
                Fixed(2).show(values[0]),
                Fixed(3).show(values[1]),
                Significant(2).print(values[values.len() - 1])
            ),
        ),
        x: Axis::linear("component `i`"),
        y: Axis::log("eigenvalue `λ_i`"),
        series: vec![Series::curve("", counted(values, 1))],
    }
    .figure()
}

fn lost(losses: &[f64], tails: &[f64], energy: f64) -> Result<crate::report::Figure> {
    let share = |values: &[f64]| counted(values, 0).map(|(k, v)| (k, 100.0 * v / energy)).collect::<Vec<_>>();
    let every = |values: Vec<(f64, f64)>| values.into_iter().step_by(4).collect::<Vec<_>>();
    LineChart {
        label: Label::new(
            "subspace-lost",
            "What `k` directions lose",
            format!(
                "The energy lost falls from 100 % at `k = 0` to {} % at `k = 1`, {} % at `k = 16` and nothing from `k` = {} on; the measured losses lie on the tail of \
                 the spectrum.",
                Fixed(1).show(100.0 * losses[1] / energy),
                Fixed(1).show(100.0 * losses[16] / energy),
                losses.iter().position(|&l| l < energy * 1e-12).unwrap_or(64)
            ),
        ),
        x: Axis::linear("number of directions `k`"),
        y: Axis::linear("energy lost [%]").including(0.0),
        series: vec![Series::thin(0, share(tails)).named("tail"), Series::points("loss", every(share(losses)))],
    }
    .figure()
}

fn directions(mean: &[f64], v: &Matrix<f64>) -> Result<crate::report::Figure> {
    let direction = |j: usize| Picture::new(&format!("{}", j + 1), SIDE, &v.col(j));
    let mut first = vec![Picture::new("mean", SIDE, mean)?];
    first.extend((0..7).map(direction).collect::<Result<Vec<_>>>()?);
    let second = (7..15).map(direction).collect::<Result<Vec<_>>>()?;
    ImageGrid {
        label: Label::new(
            "subspace-directions",
            "The mean digit and the first fifteen directions",
            "Positive parts of a direction in ink, negative parts in the second colour, each image to its own full ink. The first looks like the mean, \
             later ones show finer and finer strokes.",
        ),
        rows: vec![(String::new(), first), (String::new(), second)],
        ink: Ink::Each,
    }
    .figure()
}

fn reconstructions(x: &Matrix<f64>, classes: &[Vec<usize>], v: &Matrix<f64>) -> Result<crate::report::Figure> {
    let rows: Option<Vec<usize>> = classes.iter().map(|rows| rows.first().copied()).collect();
    let chosen = x.select_rows(&rows.ok_or_else(|| Error::shape("classes", "a digit in each", "an empty one"))?)?;
    let row = |name: &str, images: &Matrix<f64>| -> Result<(String, Vec<Picture>)> {
        let pictures = (0..images.rows()).map(|i| Picture::new("", SIDE, images.row(i))).collect::<Result<Vec<_>>>()?;
        Ok((name.to_string(), pictures))
    };
    let mut grid = vec![row("original", &chosen)?];
    for k in [32, 16, 8, 2] {
        grid.push(row(&format!("`k` = {k}"), &decoded(&chosen, v, k)?)?);
    }
    ImageGrid {
        label: Label::new(
            "subspace-reconstructions",
            "A digit of each class, decoded from `k` numbers",
            "From 32 numbers the digits are hard to tell from the originals, from 8 most can still be read, from 2 all look like the mean. Values below \
             zero, in the second colour, appear where the approximation undershoots.",
        ),
        rows: grid,
        ink: Ink::Common,
    }
    .figure()
}
