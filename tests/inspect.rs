//! What training did: every measure against its definition, closed forms and bounds; the command on a run.

use std::process::Command;
use white_box::coding::{Distortion, coding_rate};
use white_box::inspect::*;
use white_box::learn::{Layer, softmax};
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix, haar_orthogonal, permutation};
use white_box::report::inspection::{Subject, comparison};
use white_box::scalar::{DoubleDouble, Dual, Scalar};
use white_box::transformer::{Attention, Design, Feed, Samples, Vision, VisionTrace, subspace_coding_rate};
use white_box::{Error, Result};

const U: f64 = f64::EPSILON / 2.0;
const EPS: Distortion<f64> = Distortion::Eps2(0.01);

/// Tokens on a line, tokens that fill a head evenly, and everything between; lengths and signs do not matter.
#[test]
fn the_rate_of_the_script_has_its_closed_forms_and_bounds() -> Result<()> {
    let mut rng = Rng::new(1);
    let (k, p) = (3, 4);
    let tolerance = |m: usize| 64.0 * (m * p) as f64 * U * 20.0;
    let line = |x: &Matrix<f64>| Matrix::from_fn(7, p, |i, j| (i as f64 - 2.5) * x[(0, j)]);
    let heads: Vec<Matrix<f64>> = (0..k).map(|_| line(&gaussian_matrix(1, p, &mut rng))).collect();
    let low = |p: usize| 0.5 * k as f64 * (p as f64 / 0.01).ln_1p();
    assert!((layer_coding_rate(&heads, EPS)? - low(p)).abs() <= tolerance(7));
    let heads: Vec<Matrix<f64>> = (0..k).map(|_| haar_orthogonal(p, &mut rng)).collect::<Result<_>>()?;
    let high = |m: usize| {
        let r = m.min(p) as f64;
        0.5 * k as f64 * r * (p as f64 / (r * 0.01)).ln_1p()
    };
    assert!((layer_coding_rate(&heads, EPS)? - high(p)).abs() <= tolerance(p));
    for trial in 0..20 {
        let m = 1 + trial % 9;
        let heads: Vec<Matrix<f64>> = (0..k).map(|_| gaussian_matrix(m, p, &mut rng)).collect();
        let rate = layer_coding_rate(&heads, EPS)?;
        assert!(low(p) - tolerance(m) <= rate && rate <= high(m) + tolerance(m), "{rate}");
        let other: Vec<Matrix<f64>> = heads.iter().map(|x| Matrix::from_fn(m, p, |i, j| x[(i, j)] * (i as f64 - 3.5))).collect();
        assert!((layer_coding_rate(&other, EPS)? - rate).abs() <= tolerance(m));
    }
    let zero = layer_coding_rate(&[Matrix::<f64>::zeros(2, 3)], EPS);
    assert!(matches!(zero, Err(Error::Domain(_))) && layer_coding_rate::<f64>(&[], EPS).is_err());
    Ok(())
}

#[test]
fn the_gradient_of_the_script_rate_is_its_derivative() -> Result<()> {
    let mut rng = Rng::new(2);
    let heads: Vec<Matrix<f64>> = [(5, 3), (2, 4)].iter().map(|&(m, p)| gaussian_matrix(m, p, &mut rng)).collect();
    let wide: Vec<Matrix<DoubleDouble>> = heads.iter().map(Matrix::cast).collect();
    let eps2 = DoubleDouble::from_f64(0.25);
    let (gradient, eps_bar) = layer_coding_rate_gradient(&wide, Distortion::Eps2(eps2))?;
    let slope = |at: Option<(usize, usize)>| -> Result<DoubleDouble> {
        let moved: Vec<Matrix<Dual<DoubleDouble>>> = wide
            .iter()
            .enumerate()
            .map(|(k, x)| {
                let seed = |i: usize| if at == Some((k, i)) { DoubleDouble::ONE } else { DoubleDouble::ZERO };
                let data = x.data().iter().enumerate().map(|(i, &x)| Dual::new(x, seed(i))).collect();
                Matrix::new(x.rows(), x.cols(), data)
            })
            .collect::<Result<_>>()?;
        let eps2 = if at.is_none() { Dual::variable(eps2) } else { Dual::constant(eps2) };
        Ok(layer_coding_rate(&moved, Distortion::Eps2(eps2))?.tangent)
    };
    assert!((slope(None)? - eps_bar).abs().value() <= 1e-27 * eps_bar.abs().value());
    for (k, g) in gradient.iter().enumerate() {
        for (i, &g) in g.data().iter().enumerate() {
            assert!((slope(Some((k, i)))? - g).abs().value() <= 1e-27, "head {k}, entry {i}");
        }
    }
    Ok(())
}

#[test]
fn lengths_of_tokens() -> Result<()> {
    let z = Matrix::from_rows(&[[3.0, 4.0], [0.0, 5.0], [-5.0, 0.0], [30.0, 40.0]]);
    let found = TokenNorms::new(&z, 2.0)?;
    assert_eq!(found, TokenNorms { ratio: 10.0, outliers: 0.25 });
    assert_eq!(TokenNorms::new(&z.scale(1024.0), 2.0)?, found);
    assert_eq!(TokenNorms::new(&z, 10.0)?.outliers, 0.0);
    assert!(TokenNorms::new(&Matrix::<f64>::zeros(3, 2), 2.0).is_err() && TokenNorms::new(&z, 0.5).is_err());
    Ok(())
}

/// The mean overlap over all subsets is what `chance_overlap` says; a perfect map has 1, one that looks at nothing else than background 0.
#[test]
fn overlap_with_strokes_and_its_chance() -> Result<()> {
    let patches = 6;
    for m in 1..=patches {
        let strokes: Vec<bool> = (0..patches).map(|i| i < m).collect();
        let (mut sum, mut count) = (0.0, 0);
        for set in 0u32..1 << patches {
            if set.count_ones() as usize == m {
                let looks: Vec<f64> = (0..patches).map(|i| f64::from(set >> i & 1)).collect();
                sum += overlap_with_strokes(&looks, &strokes)?;
                count += 1;
            }
        }
        let known = sum / f64::from(count);
        assert!((chance_overlap(m, patches) - known).abs() <= 64.0 * U, "{m}: {} for {known}", chance_overlap(m, patches));
    }
    assert_eq!(overlap_with_strokes(&[0.4, 0.1, 0.3, 0.2], &[true, false, true, false])?, 1.0);
    assert_eq!(overlap_with_strokes(&[0.1, 0.4, 0.2, 0.3], &[true, false, true, false])?, 0.0);
    assert_eq!(overlap_with_strokes(&[0.4, 0.3, 0.2, 0.1], &[true, false, true, false])?, 1.0 / 3.0);
    assert!(overlap_with_strokes(&[0.5, 0.5], &[false, false]).is_err());
    let design = Design::new_crate([1, 4, 4], 2, 4, 1, 1, 2);
    let image: Vec<f64> = (0..16).map(|i| if i % 4 < 2 { 1.0 } else { 0.0 }).collect();
    assert_eq!(strokes(&image, &design)?, [true, false, true, false]);
    Ok(())
}

#[test]
fn what_weights_became() -> Result<()> {
    let mut rng = Rng::new(3);
    let q = haar_orthogonal(6, &mut rng)?;
    let u: Vec<Matrix<f64>> = (0..3).map(|k| Ok(q.select_cols(2 * k, 2)?.scale(7.0))).collect::<Result<_>>()?;
    assert!(off_orthonormal(&u[0])? <= 64.0 * U && overlap(&u)?.unwrap() <= 64.0 * U);
    // Columns e_1 and e_1 + e_2 of lengths 1 and √2: UᵀU = [[1,1],[1,2]], c = 3/2.
    let slanted: Matrix<f64> = Matrix::from_rows(&[[1.0, 1.0], [0.0, 1.0]]);
    let known = ((1.0f64 / 9.0 + 4.0 / 9.0 + 4.0 / 9.0 + 1.0 / 9.0) / 2.0).sqrt();
    assert!((off_orthonormal(&slanted)? - known).abs() <= 16.0 * U);
    assert!((coherence(&slanted)?[0] - 0.5f64.sqrt()).abs() <= 16.0 * U);
    let one = overlap(&[slanted.clone(), Matrix::identity(2)])?.unwrap();
    assert!((one - 1.0).abs() <= 64.0 * U && overlap(&[slanted])?.is_none());
    let random: Vec<Matrix<f64>> = (0..40).map(|_| gaussian_matrix(20, 5, &mut rng)).collect();
    assert!((overlap(&random)?.unwrap() - 0.25).abs() < 0.01);
    assert!(off_orthonormal(&Matrix::<f64>::zeros(3, 2)).is_err() && coherence(&Matrix::<f64>::zeros(3, 2)).is_err());
    Ok(())
}

#[test]
fn components_of_tokens() -> Result<()> {
    let mut rng = Rng::new(4);
    let x = gaussian_matrix(30, 5, &mut rng);
    let pca = TokenPca::new(&x, 3)?;
    for j in 0..3 {
        let (scores, axis) = (pca.scores.col(j), pca.axes.col(j));
        let variance = scores.iter().map(|s| s * s).sum::<f64>() / 30.0;
        assert!((variance - pca.variances[j]).abs() <= 1e3 * U && scores.iter().sum::<f64>().abs() <= 1e3 * U);
        let largest = axis.iter().fold(0.0f64, |m, &a| if a.abs() > m.abs() { a } else { m });
        assert!(largest > 0.0);
    }
    assert!(pca.variances[0] >= pca.variances[1] && TokenPca::new(&x, 6).is_err());
    // Another order of the tokens, the same axes.
    let order = permutation(30, &mut rng);
    let off = TokenPca::new(&x.select_rows(&order)?, 3)?.axes.sub(&pca.axes)?.frobenius_squared().sqrt();
    assert!(off <= 1e5 * U, "{off}");
    Ok(())
}

fn tiny(design: Design, seed: u64) -> Result<(Vision<f64>, Samples<f64>)> {
    let mut rng = Rng::new(seed);
    let images = gaussian_matrix(6, 64, &mut rng).map(|x| x * x);
    Ok((Vision::initialise(design, seed)?, Samples { images, labels: vec![0, 1, 2, 0, 1, 2] }))
}

/// Every number of a layer from the trace itself.
#[test]
fn an_inspection_is_what_it_says() -> Result<()> {
    for design in [Design::new_crate([1, 8, 8], 2, 12, 2, 3, 3), Design::new_vit([1, 8, 8], 2, 12, 2, 3, 3)] {
        let (model, samples) = tiny(design, 5)?;
        let found = Inspection::new(&model, &samples, EPS)?;
        let tokens = design.tokens();
        assert_eq!((found.layers.len(), found.samples), (2, 6));
        for (l, layer) in found.layers.iter().enumerate() {
            let u = bases(&model.blocks[l].attention)?;
            let from = if matches!(model.blocks[l].attention, Attention::Mhsa(_)) { 12 } else { 0 };
            let weight = match &model.blocks[l].attention {
                Attention::Mssa(a) => a.qkv.weight.matrix(),
                Attention::Mhsa(a) => a.qkv.weight.matrix(),
            };
            assert!((0..3).all(|k| (0..12).all(|i| (0..4).all(|j| u[k][(i, j)] == weight[(from + 4 * k + j, i)]))));
            let (mut half, mut nonzeros, mut rate, mut looks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            let mut trace = VisionTrace::default();
            for i in 0..6 {
                model.forward(&samples.images.select_rows(&[i])?, 1, &mut trace)?;
                let (block, t) = (&model.blocks[l], &trace.blocks[l]);
                half.push(subspace_coding_rate(t.half(block), &u, EPS)?);
                let y = t.y(block);
                rate.push(coding_rate(y, EPS)?);
                nonzeros.push(y.data().iter().filter(|x| **x != 0.0).count() as f64 / y.data().len() as f64);
                let map = &t.weights(block)[tokens * tokens..2 * tokens * tokens];
                let seen = saliency(map, tokens)?;
                assert!((seen.iter().sum::<f64>() + map[0] - 1.0).abs() <= 64.0 * U);
                looks.push(overlap_with_strokes(seen, &strokes(samples.images.row(i), &design)?)?);
            }
            assert_eq!((layer.half, layer.nonzeros, layer.rate), (Spread::of(&half), Spread::of(&nonzeros), Spread::of(&rate)));
            assert_eq!(layer.heads[1], Spread::of(&looks));
            assert_eq!(layer.coherence.is_some(), matches!(model.blocks[l].feed, Feed::Ista(_)));
        }
        let subject = Subject { name: "tiny", model: &model, untrained: &model, samples: &samples };
        let measured = subject.measure(EPS)?;
        assert_eq!(measured.trained, measured.untrained);
        assert_eq!(comparison(&[measured.clone(), measured])?.rows().len(), 4);
        assert!(subject.attention_maps(&[0, 1])?.svg().contains("<svg") && subject.components(&[0, 1, 2])?.svg().contains("<svg"));
    }
    // Saliency of a map that is a softmax, and refusal of another size.
    let map = softmax(&gaussian_matrix(5, 5, &mut Rng::new(1)))?;
    assert_eq!(saliency(map.data(), 5)?.len(), 4);
    assert!(saliency(map.data(), 4).is_err());
    Ok(())
}

fn command(args: &[&str]) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_white-box")).args(args).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

#[test]
fn the_command_measures_runs() {
    let dir = std::env::temp_dir().join(format!("white-box-inspect-{}", std::process::id()));
    let run = dir.join("run");
    let path = |p: &std::path::Path| p.to_str().unwrap().to_string();
    let train = [
        "train", "--model", "crate", "--data", "digits", "--epochs", "1", "--warmup", "0", "--dim", "16", "--depth", "2", "--heads", "2",
        "--quiet",
    ];
    let (code, _, stderr) = command(&[&train[..], &["--seeds", "2", "--out", &path(&run)]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let out = dir.join("report");
    let (code, first, stderr) = command(&["inspect", &path(&run), "--images", "20", "--out", &path(&out)]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(first.contains("2 trained") && first.contains("mean of 2") && first.contains("chance"), "{first}");
    for file in ["index.html", "comparison.csv", "run-seed-0-rates.csv", "run-seed-1-attention.svg", "run-seed-0-components.svg"] {
        assert!(out.join(file).exists(), "{file}");
    }
    let seed = path(&run.join("seed-0"));
    let (code, json, _) = command(&["inspect", &seed, "--images", "5", "--json", "--eps", "0.5"]);
    assert_eq!(code, Some(0));
    assert!(white_box::data::Json::parse(json.as_bytes()).is_ok());
    for (args, says) in [
        (vec!["inspect"], "RUN"),
        (vec!["inspect", "/nowhere"], "/nowhere"),
        (vec!["inspect", &seed, "--images", "0"], "--images"),
        (vec!["inspect", &seed, "--eps", "1", "--eps2", "1"], "--eps"),
        (vec!["inspect", &seed, "--eps", "0"], "eps"),
    ] {
        let (code, _, stderr) = command(&args);
        assert!(code == Some(2) && stderr.contains(says), "{args:?}: {stderr}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
