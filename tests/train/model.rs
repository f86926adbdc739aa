//! The models: counts, names and shapes of the official code, strict loading, the forward pass put together by hand, the gradient of the whole.

use super::{cast, kinds, pictures, shaken};
use white_box::data::Array;
use white_box::learn::*;
use white_box::linalg::Matrix;
use white_box::random::{Rng, gaussian_matrix};
use white_box::scalar::{Ball, DoubleDouble, Dual, Scalar};
use white_box::transformer::*;
use white_box::{Error, Result};

/// Published: 6.09, 13.12, 22.80, 77.64 million.
#[test]
fn the_published_sizes_have_the_published_counts() -> Result<()> {
    for (name, count) in [("tiny", 6_090_856), ("small", 13_116_328), ("base", 22_796_008), ("large", 77_641_192)] {
        assert_eq!(Vision::<f32>::zeros(Design::published(name, 1000).unwrap())?.count(), count, "{name}");
    }
    assert!(Design::published("huge", 1000).is_none());
    // timm's vit_small_patch16_224 with its class token: 22,050,664.
    let vit = Design::new_vit([3, 224, 224], 16, 384, 12, 6, 1000);
    assert_eq!(Vision::<f32>::zeros(vit)?.count(), 22_050_664);
    assert_eq!(Vision::<f32>::zeros(Design { dim: 192, heads: 3, hidden: 768, ..vit })?.count(), 5_717_416);
    Ok(())
}

fn listing(model: &Vision<f32>) -> Vec<String> {
    model.names().into_iter().zip(model.parameters()).map(|(n, p)| format!("{n} {:?}", p.shape())).collect()
}

#[test]
fn names_and_shapes_are_those_of_the_official_state_dicts() -> Result<()> {
    let design = Design::new_crate([3, 8, 12], 4, 6, 1, 2, 5);
    let expected = "pos_embedding [1, 7, 6]; cls_token [1, 1, 6]; to_patch_embedding.1.weight [48]; to_patch_embedding.1.bias [48]; \
        to_patch_embedding.2.weight [6, 48]; to_patch_embedding.2.bias [6]; to_patch_embedding.3.weight [6]; to_patch_embedding.3.bias [6]; \
        transformer.layers.0.0.norm.weight [6]; transformer.layers.0.0.norm.bias [6]; transformer.layers.0.0.fn.qkv.weight [6, 6]; \
        transformer.layers.0.0.fn.to_out.0.weight [6, 6]; transformer.layers.0.0.fn.to_out.0.bias [6]; transformer.layers.0.1.norm.weight [6]; \
        transformer.layers.0.1.norm.bias [6]; transformer.layers.0.1.fn.weight [6, 6]; mlp_head.0.weight [6]; mlp_head.0.bias [6]; \
        mlp_head.1.weight [5, 6]; mlp_head.1.bias [5]";
    let mut names = listing(&Vision::zeros(design)?);
    let mut official: Vec<String> = expected.split("; ").map(|s| s.trim().to_string()).collect();
    names.sort();
    official.sort();
    assert_eq!(names, official);

    let expected = "cls_token [1, 1, 6]; pos_embed [1, 7, 6]; patch_embed.proj.weight [6, 3, 4, 4]; patch_embed.proj.bias [6]; blocks.0.norm1.weight [6]; \
        blocks.0.norm1.bias [6]; blocks.0.attn.qkv.weight [18, 6]; blocks.0.attn.qkv.bias [18]; blocks.0.attn.proj.weight [6, 6]; \
        blocks.0.attn.proj.bias [6]; blocks.0.norm2.weight [6]; blocks.0.norm2.bias [6]; blocks.0.mlp.fc1.weight [24, 6]; \
        blocks.0.mlp.fc1.bias [24]; blocks.0.mlp.fc2.weight [6, 24]; blocks.0.mlp.fc2.bias [6]; norm.weight [6]; norm.bias [6]; \
        head.weight [5, 6]; head.bias [5]";
    let mut names = listing(&Vision::zeros(Design::new_vit([3, 8, 12], 4, 6, 1, 2, 5))?);
    let mut official: Vec<String> = expected.split("; ").map(|s| s.trim().to_string()).collect();
    names.sort();
    official.sort();
    assert_eq!(names, official);
    Ok(())
}

#[test]
fn weights_load_by_name_or_not_at_all() -> Result<()> {
    let design = Design::new_crate([1, 4, 4], 2, 4, 1, 2, 3);
    let source = shaken(design, 1);
    let arrays = to_arrays(&source)?;
    let mut model = Vision::<f64>::zeros(design)?;
    // In any order, with the prefix of DataParallel.
    let prefixed: Vec<(String, Array)> = arrays.iter().rev().map(|(n, a)| (format!("module.{n}"), a.clone())).collect();
    from_arrays(&mut model, &prefixed)?;
    assert_eq!(model, source);

    let mut wrong = arrays.clone();
    wrong.retain(|(n, _)| n != "cls_token");
    wrong.push(("extra.weight".into(), arrays[0].1.clone()));
    for (name, array) in &mut wrong {
        if name == "mlp_head.1.weight" {
            *array = Array::from_f64(vec![4, 3], vec![0.0; 12])?;
        }
    }
    let before = model.clone();
    let error = from_arrays(&mut model, &wrong).unwrap_err();
    assert!(matches!(error, Error::Format(_)));
    for part in ["missing: cls_token", "unknown: extra.weight", "of another shape: mlp_head.1.weight [4, 3] for [3, 4]"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let mut wrong = arrays;
    wrong[0].1 = Array::from_f64(wrong[0].1.shape().to_vec(), vec![f64::NAN; 20])?;
    assert!(matches!(from_arrays(&mut model, &wrong), Err(Error::NotFinite(_))));
    assert_eq!(model, before, "a refused file changes nothing");
    Ok(())
}

#[test]
fn a_design_is_read_off_its_weights() -> Result<()> {
    let crates = kinds(Design::new_crate([3, 8, 12], 4, 384, 2, 6, 5)).map(|d| Design { hidden: 96, ..d });
    for design in crates {
        let arrays = to_arrays(&Vision::<f32>::zeros(design)?)?;
        let mut found = Design::of_weights(&arrays, design.image, None, None)?;
        if design.feed == FeedKind::Ista {
            found.hidden = design.hidden;
        }
        assert_eq!(found, design);
        assert!(matches!(Design::of_weights(&arrays, [3, 8, 8], None, None), Err(Error::Shape(_))));
        assert!(matches!(Design::of_weights(&arrays[1..], design.image, None, None), Err(Error::Format(_))));
    }
    let narrow = Design::new_crate([1, 4, 4], 2, 8, 1, 2, 3);
    let arrays = to_arrays(&Vision::<f32>::zeros(narrow)?)?;
    assert!(matches!(Design::of_weights(&arrays, narrow.image, None, None), Err(Error::Usage(_))));
    assert_eq!(Design::of_weights(&arrays, narrow.image, Some(2), None)?, narrow);
    assert!(Design::of_weights(&arrays, narrow.image, Some(3), None).is_err());
    Ok(())
}

/// One number of a pass that is put together from the operators, pixel by pixel.
#[test]
fn the_forward_pass_is_the_official_one() -> Result<()> {
    let design = Design { pool: Pool::Mean, ..Design::new_crate([3, 4, 6], 2, 8, 2, 2, 5) };
    let model = shaken(design, 3);
    let images = pictures(design, 2, 4);
    let logits = model.apply(&images, 1)?;
    let arrays = to_arrays(&model)?;
    let get = |name: &str| arrays.iter().find(|(n, _)| n == name).unwrap().1.to_f64().unwrap();
    let matrix = |name: &str, cols: usize| Matrix::new(get(name).len() / cols, cols, get(name)).unwrap();
    let norm = |x: &Matrix<f64>, name: &str| layer_norm(x, &get(&format!("{name}.weight")), &get(&format!("{name}.bias")), 1e-5).unwrap();
    for b in 0..2 {
        // Patch t = ih·3 + iw, feature (p1·2 + p2)·3 + c.
        let patches = Matrix::from_fn(6, 12, |t, f| {
            let (y, x, c) = (t / 3 * 2 + f / 6, t % 3 * 2 + f / 3 % 2, f % 3);
            images[(b, (c * 4 + y) * 6 + x)]
        });
        let e = linear(
            &norm(&patches, "to_patch_embedding.1"),
            &matrix("to_patch_embedding.2.weight", 12),
            Some(&get("to_patch_embedding.2.bias")),
        )?;
        let e = norm(&e, "to_patch_embedding.3");
        let (cls, positions) = (get("cls_token"), matrix("pos_embedding", 8));
        let mut z = Matrix::from_fn(7, 8, |t, j| positions[(t, j)] + if t == 0 { cls[j] } else { e[(t - 1, j)] });
        for l in 0..2 {
            let at = |part: &str| format!("transformer.layers.{l}.{part}");
            let attention = MssaOfficial {
                qkv: Linear::new(matrix(&at("0.fn.qkv.weight"), 8), None)?,
                out: Some(Linear::new(matrix(&at("0.fn.to_out.0.weight"), 8), Some(get(&at("0.fn.to_out.0.bias"))))?),
                heads: 2,
                scale: 0.5,
                causal: false,
            };
            let half = z.add(&attention.apply(&norm(&z, &at("0.norm")), 7)?)?;
            z = crate_ista(&norm(&half, &at("1.norm")), &matrix(&at("1.fn.weight"), 8), 0.1, 0.1)?;
        }
        let pooled = Matrix::from_fn(1, 8, |_, j| (0..7).map(|i| z[(i, j)]).sum::<f64>() / 7.0);
        let expected = linear(&norm(&pooled, "mlp_head.0"), &matrix("mlp_head.1.weight", 8), Some(&get("mlp_head.1.bias")))?;
        for c in 0..5 {
            // The two passes differ in the order of a few roundings; the layer norms magnify them by at most some hundreds here.
            assert!((expected[(0, c)] - logits[(b, c)]).abs() <= 1e4 * f64::EPSILON, "{} {}", expected[(0, c)], logits[(b, c)]);
        }
    }
    Ok(())
}

fn loss<S: Scalar>(model: &Vision<S>, images: &Matrix<S>, labels: &[usize]) -> S {
    cross_entropy(&model.apply(images, 1).unwrap(), labels, S::from_f64(0.125)).unwrap()
}

fn gradient<S: Scalar>(model: &Vision<S>, images: &Matrix<S>, labels: &[usize]) -> (Matrix<S>, Vision<S>) {
    let logits = model.apply(images, 1).unwrap();
    model.vjp(images, 1, &cross_entropy_vjp(&logits, labels, S::from_f64(0.125), S::ONE).unwrap()).unwrap()
}

/// Number i of all parameters, then of all pixels.
fn nth<'a, S: Scalar>(model: &'a mut Vision<S>, pixels: &'a mut Matrix<S>, i: usize) -> &'a mut S {
    match i.checked_sub(model.count()) {
        Some(pixel) => &mut pixels.data_mut()[pixel],
        None => model.parameters_mut().into_iter().flat_map(|p| p.data_mut()).nth(i).unwrap(),
    }
}

/// Every parameter and every pixel moved by itself in dual numbers over double-double: the gradient in double-double agrees to nearly all its digits, that in f64
/// to 1e-13 of its largest entry.
#[test]
fn the_gradient_of_the_whole_model_is_that_of_dual_numbers() {
    type D = Dual<DoubleDouble>;
    let base = Design { hidden: 6, ..Design::new_crate([2, 2, 4], 2, 4, 2, 2, 3) };
    for (k, design) in kinds(base).into_iter().enumerate() {
        let design = Design { pool: [Pool::Cls, Pool::Mean, Pool::Patches, Pool::Cls][k], ..design };
        let (plain, images, labels) = (shaken(design, 7 + k as u64), pictures(design, 2, 5), [2, 0]);
        let (dx, exact) = gradient(&cast::<DoubleDouble>(&plain), &images.cast(), &labels);
        let (dx_plain, rough) = gradient(&plain, &images, &labels);
        let (mut model, mut pixels) = (cast::<D>(&plain), images.cast::<D>());
        let flat = |m: &Vision<DoubleDouble>| -> Vec<DoubleDouble> { m.parameters().iter().flat_map(|p| p.data().to_vec()).collect() };
        let exact: Vec<DoubleDouble> = flat(&exact).into_iter().chain(dx.data().to_vec()).collect();
        let rough: Vec<f64> = rough.parameters().iter().flat_map(|p| p.data().to_vec()).chain(dx_plain.data().to_vec()).collect();
        let mut truth = Vec::new();
        for i in 0..exact.len() {
            let x = nth(&mut model, &mut pixels, i);
            *x = D::variable(x.value);
            truth.push(loss(&model, &pixels, &labels).tangent);
            let x = nth(&mut model, &mut pixels, i);
            *x = D::constant(x.value);
        }
        let largest = truth.iter().fold(0.0, |m: f64, t| m.max(t.value().abs()));
        assert!(largest > 0.01, "{design:?}");
        // 1e-13 in f64; as many roundings in double-double.
        let (bound, fine) = (1e-13 * largest, 1e-13 / f64::EPSILON * DoubleDouble::UNIT_ROUNDOFF * largest);
        for i in 0..truth.len() {
            assert!((exact[i] - truth[i]).abs().value() <= fine, "{design:?} {i}: {:?} {:?}", exact[i], truth[i]);
            assert!((DoubleDouble::from_f64(rough[i]) - truth[i]).abs().value() <= bound, "{design:?} {i}: {} {:?}", rough[i], truth[i]);
        }
    }
}

/// A layer of width 64 on 17 tokens in balls: twenty proven digits of the largest entry; the double-double result lies inside.
#[test]
fn a_layer_of_width_64_on_17_tokens_is_certified() -> Result<()> {
    let design = Design::new_crate([1, 8, 8], 2, 64, 1, 4, 10);
    let model = Vision::<f64>::initialise(design, 11)?;
    let x = gaussian_matrix(17, 64, &mut Rng::new(12));
    let y = cast::<Ball>(&model).blocks[0].apply(&x.cast(), 17)?;
    let near = cast::<DoubleDouble>(&model).blocks[0].apply(&x.cast(), 17)?;
    let largest = y.data().iter().fold(0.0, |m: f64, y| m.max(y.mid().value().abs()));
    assert!(y.data().iter().all(|y| y.rad() <= 1e-20 * largest), "{} digits", (largest / y.radius()).log10());
    assert!(y.data().iter().zip(near.data()).all(|(y, &x)| y.contains_double(x)));
    assert!(y.data().iter().filter(|y| y.mid().value() == 0.0 && y.rad() == 0.0).count() > 100, "a sparsifying step leaves exact zeros");
    Ok(())
}
