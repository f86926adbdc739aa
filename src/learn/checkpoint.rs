//! Parameters to named arrays and back, by name, strictly.

use super::{Name, Parameters};
use crate::data::{Array, Elements};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};

/// Every parameter as an array under its name: f32 numbers as such, every other type as the nearest f64.
pub fn to_arrays<S: Scalar>(model: &impl Parameters<S>) -> Result<Vec<(String, Array)>> {
    let mut arrays = Vec::new();
    model.visit(&Name::Root, &mut |name, p| arrays.push((name.to_string(), to_array(p.shape(), p.data()))));
    arrays.into_iter().map(|(name, array)| Ok((name, array?))).collect()
}

/// Numbers as an array of f32 or f64.
pub fn to_array<S: Scalar>(shape: &[usize], data: &[S]) -> Result<Array> {
    let elements = match S::NAME {
        "f32" => Elements::F32(data.iter().map(|x| x.value() as f32).collect()),
        _ => Elements::F64(data.iter().map(|x| x.value()).collect()),
    };
    Array::new(shape.to_vec(), elements)
}

/// Gives every parameter the array of its name. If all names begin with `module.`, as checkpoints saved from PyTorch's `DataParallel` do, that is taken off.
///
/// Errors: `Format` that lists the names missing, the names that belong to nothing, and the arrays of another shape; the model is then untouched.
pub fn from_arrays<S: Scalar>(model: &mut impl Parameters<S>, arrays: &[(String, Array)]) -> Result<()> {
    let prefixed = !arrays.is_empty() && arrays.iter().all(|(name, _)| name.starts_with("module."));
    let given: Vec<(&str, &Array)> = arrays.iter().map(|(name, a)| (if prefixed { &name["module.".len()..] } else { name }, a)).collect();
    let (mut missing, mut misshapen, mut known) = (Vec::new(), Vec::new(), Vec::new());
    model.visit(&Name::Root, &mut |name, p| {
        let name = name.to_string();
        match given.iter().find(|(n, _)| *n == name) {
            None => missing.push(name.clone()),
            Some((_, a)) if a.shape() != p.shape() => misshapen.push(format!("{name} {:?} for {:?}", a.shape(), p.shape())),
            Some(_) => {}
        }
        known.push(name);
    });
    let extra: Vec<String> =
        given.iter().filter(|(n, _)| !known.iter().any(|k| k == n)).map(|(n, _)| n.escape_default().to_string()).collect();
    if !(missing.is_empty() && extra.is_empty() && misshapen.is_empty()) {
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            _ if names.len() > 8 => format!("{what}: {}, … ({} in all); ", names[..8].join(", "), names.len()),
            _ => format!("{what}: {}; ", names.join(", ")),
        };
        let found = format!("{}{}{}", list("missing", &missing), list("unknown", &extra), list("of another shape", &misshapen));
        return Err(Error::format("weights", "the parameters of this model, by name", found.trim_end_matches("; ")).named("StateDict"));
    }
    let mut values = Vec::with_capacity(given.len());
    for name in &known {
        let (_, array) = given.iter().find(|(n, _)| n == name).expect("found above");
        let data = array.to_f64().map_err(|e| e.within(name))?;
        if let Some(i) = data.iter().position(|x| !x.is_finite()) {
            let at = format!("{name}{}", crate::data::array::place(array.shape(), i));
            return Err(Error::not_finite(at, "a finite number", data[i].to_string()).named("NonFinite"));
        }
        values.push(data);
    }
    for (p, data) in model.parameters_mut().into_iter().zip(values) {
        p.data_mut().iter_mut().zip(data).for_each(|(p, x)| *p = S::from_ball(Ball::exact(x)));
    }
    Ok(())
}
