//! Where images and labels come from.

use crate::data::sha256::sha256_hex;
use crate::data::{Array, Digits, archive, digits, file, gzip, idx};
use crate::scalar::Scalar;
use crate::transformer::Samples;
use crate::transformer::run::{images, labels};
use crate::{Error, Result};
use std::path::Path;

/// Images and labels, the shape of an image, and the SHA-256 of both.
pub struct Loaded<S> {
    pub samples: Samples<S>,
    pub image: [usize; 3],
    pub hash: String,
}

/// The parts of `digits` or of `IMAGES+LABELS`.
pub fn parts(text: &str) -> Result<Vec<String>> {
    if text == "digits" {
        return Ok(vec![text.into()]);
    }
    // A name may hold a plus itself: the cut is where two files are.
    let cuts = text.match_indices('+').map(|(i, _)| (&text[..i], &text[i + 1..]));
    let mut cuts: Vec<(&str, &str)> = cuts.collect();
    cuts.sort_by_key(|(a, b)| !(Path::new(a).exists() && Path::new(b).exists()));
    match cuts.first() {
        Some((images, labels)) => Ok(vec![images.to_string(), labels.to_string()]),
        None => Err(Error::usage("--data", "`digits` or IMAGES+LABELS, two files", format!("`{}`", text.escape_default()))),
    }
}

/// Reads what [`parts`] named.
pub fn load<S: Scalar>(parts: &[String]) -> Result<Loaded<S>> {
    let (images_array, labels_array) = match parts {
        [images, labels] => (read(images)?, read(labels)?),
        _ => {
            let d = digits();
            let pixels = Array::from_f64(vec![Digits::COUNT, 8, 8], d.unit())?;
            (pixels, Array::from_i64(vec![Digits::COUNT], d.labels.iter().map(|&l| i64::from(l)).collect())?)
        }
    };
    let mut bytes = Vec::new();
    images_array.elements().append_bytes(&mut bytes);
    labels_array.elements().append_bytes(&mut bytes);
    let name = |i: usize| parts.get(i).cloned().unwrap_or_default();
    let (images, image) = images(&images_array).map_err(|e| e.within(&name(0)))?;
    let labels = labels(&labels_array).map_err(|e| e.within(&name(1)))?;
    let samples = Samples { images, labels };
    samples.check(usize::MAX)?;
    Ok(Loaded { samples, image, hash: sha256_hex(&bytes) })
}

/// The one array of a file: IDX (also packed by gzip), .npy, or an .npz, .safetensors or .json that holds one.
pub fn read(path: &str) -> Result<Array> {
    let bytes = file::read(Path::new(path), file::DEFAULT_LIMIT)?;
    let one = || -> Result<Array> {
        if gzip::is_gzip(&bytes) || matches!(bytes[..], [0, 0, _, 1..=9, ..]) {
            return idx::read(&bytes);
        }
        let mut arrays = archive::decode(&bytes)?.arrays;
        match (arrays.pop(), arrays.len()) {
            (Some((_, array)), 0) => Ok(array),
            (_, more) => Err(Error::usage("", "one array", format!("{}", more + 1))),
        }
    };
    one().map_err(|e| e.within(path))
}

/// Given batches: one a row, each number a row of the data.
pub fn batches(path: &str, samples: usize) -> Result<(Vec<Vec<usize>>, String)> {
    let array = read(path)?;
    let &[steps, batch] = array.shape() else {
        return Err(Error::shape(path, "steps × batch", crate::data::array::shape_text(array.shape())));
    };
    if steps == 0 || batch == 0 {
        return Err(Error::shape(path, "at least one step of at least one sample", format!("{steps} × {batch}")).named("EmptyInput"));
    }
    let numbers = array.to_i64().map_err(|e| e.within(path))?;
    let whole = |(k, &i): (usize, &i64)| {
        let fits = usize::try_from(i).ok().filter(|&i| i < samples);
        fits.ok_or_else(|| {
            Error::domain(format!("{path}: [{}, {}]", k / batch, k % batch), format!("a row of the data, below {samples}"), i.to_string())
        })
    };
    let rows: Vec<usize> = numbers.iter().enumerate().map(whole).collect::<Result<_>>()?;
    let bytes: Vec<u8> = numbers.iter().flat_map(|i| i.to_le_bytes()).collect();
    Ok((rows.chunks(batch).map(<[usize]>::to_vec).collect(), sha256_hex(&bytes)))
}
