//! Tensors in JSON: nested arrays of reals, a single number for rank 0.

use super::Json;
use crate::data::array::MAX_RANK;
use crate::{Error, Result};

/// Shape and elements (row-major) of nested arrays of numbers; the strings `"NaN"`, `"Infinity"`, `"-Infinity"` are reals too.
///
/// An empty array ends the shape: `[[], []]` is 2 × 0. `Shape`, with the place such as `[3][2]`, if the arrays are ragged or deeper than
/// [`MAX_RANK`]; `Format` for an element that is no real.
pub fn tensor(value: &Json) -> Result<(Vec<usize>, Vec<f64>)> {
    collect(value, |item| item.as_f64().ok_or_else(|| Error::format("", "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", item.kind())))
}

/// Shape and elements of nested arrays, each element read by `element`: [`tensor`] for other numbers than `f64`. Errors get the place.
pub fn collect<T>(value: &Json, mut element: impl FnMut(&Json) -> Result<T>) -> Result<(Vec<usize>, Vec<T>)> {
    let mut shape = Vec::new();
    let mut first = Some(value);
    while let Some(Json::Array(items)) = first {
        if shape.len() == MAX_RANK {
            return Err(Error::shape("", format!("at most {MAX_RANK} levels of arrays"), "more").named("RankTooLarge"));
        }
        shape.push(items.len());
        first = items.first();
    }
    let mut flat = Vec::new();
    fill(value, &shape, &mut flat, &mut element)?;
    Ok((shape, flat))
}

fn fill<T>(value: &Json, shape: &[usize], flat: &mut Vec<T>, element: &mut impl FnMut(&Json) -> Result<T>) -> Result<()> {
    let Some((&count, inner)) = shape.split_first() else {
        if let Json::Array(items) = value {
            return Err(Error::shape("", "a number, as in the places before", format!("an array of {}", items.len())));
        }
        flat.push(element(value)?);
        return Ok(());
    };
    match value {
        Json::Array(items) if items.len() == count => {
            for (i, item) in items.iter().enumerate() {
                fill(item, inner, flat, element).map_err(|e| index(i, e))?;
            }
            Ok(())
        }
        _ => Err(Error::shape("", format!("an array of {count}, as in the places before"), value.kind())),
    }
}

/// The same error, one array further out: `[2]` becomes `[i][2]`.
fn index(i: usize, mut e: Error) -> Error {
    use Error::*;
    if let Shape(fault) | Format(fault) | Domain(fault) | NotFinite(fault) | Usage(fault) | Unsupported(fault) = &mut e {
        fault.at = format!("[{i}]{}", fault.at);
    }
    e
}

/// The nested arrays of a shape and its elements, each as [`Json::real`] writes it. `Shape` if their number does not fit.
///
/// JSON has no way to write the axes after one of length 0: 0 × 3 becomes `[]`, which reads back as an axis of 0. `Unsupported` if there are
/// more than 2²⁰ empty rows, which cost text without holding a number.
pub fn from_tensor(shape: &[usize], data: &[f64]) -> Result<Json> {
    nest(shape, data, |&x| Json::real(x))
}

/// The nested arrays of a shape and its elements, each written by `write`: [`from_tensor`] for other numbers than `f64`.
pub fn nest<T>(shape: &[usize], data: &[T], write: impl Fn(&T) -> Json + Copy) -> Result<Json> {
    let wide: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    let count = crate::data::array::element_count(&wide)?;
    if count != data.len() {
        return Err(Error::shape("", format!("{count} elements for {}", crate::data::array::shape_text(shape)), data.len().to_string()));
    }
    let empty_rows =
        if count == 0 { shape.iter().take_while(|&&n| n > 0).try_fold(1usize, |product, &n| product.checked_mul(n)) } else { Some(0) };
    if empty_rows.is_none_or(|rows| rows > 1 << 20) {
        return Err(Error::unsupported("", "at most 2^20 empty rows in JSON", crate::data::array::shape_text(shape)));
    }
    Ok(level(shape, data, write))
}
fn level<T>(shape: &[usize], data: &[T], write: impl Fn(&T) -> Json + Copy) -> Json {
    match shape.split_first() {
        None => write(&data[0]),
        Some((0, _)) => Json::Array(Vec::new()),
        Some((_, [])) => Json::Array(data.iter().map(write).collect()),
        Some((&count, inner)) if data.is_empty() => Json::Array((0..count).map(|_| level(inner, data, write)).collect()),
        Some((&count, inner)) => Json::Array(data.chunks(data.len() / count).map(|part| level(inner, part, write)).collect()),
    }
}
