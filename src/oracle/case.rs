//! One question to an operator: inputs, parameters, preset.

use super::spec::{Param, Range, Spec};
use super::value::Values;
use crate::scalar::Ball;
use crate::{Error, Result};

/// A parameter as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A number.
    Number(f64),
    /// One of the words the parameter knows.
    Word(String),
}

/// Inputs, parameters and preset of one evaluation.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Case {
    /// The inputs by port name.
    pub inputs: Values<Ball>,
    /// The parameters that were given.
    pub params: Vec<(String, Setting)>,
    /// The preset, `paper` unless said otherwise.
    pub preset: Option<String>,
}

impl Case {
    /// Inputs, all parameters at their defaults.
    pub fn new(inputs: Values<Ball>) -> Self {
        Case { inputs, params: Vec::new(), preset: None }
    }
    /// With a parameter.
    pub fn set(mut self, name: &str, value: f64) -> Self {
        self.params.retain(|(n, _)| n != name);
        self.params.push((name.into(), Setting::Number(value)));
        self
    }
    /// With a parameter that is a word.
    pub fn word(mut self, name: &str, word: &str) -> Self {
        self.params.retain(|(n, _)| n != name);
        self.params.push((name.into(), Setting::Word(word.into())));
        self
    }
    /// Under a preset.
    pub fn preset(mut self, name: &str) -> Self {
        self.preset = Some(name.into());
        self
    }
    /// With an input replaced.
    pub fn input(mut self, name: &str, value: impl Into<super::value::Value<Ball>>) -> Self {
        self.inputs.set(name, value);
        self
    }
    /// A parameter that was given as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.params.iter().find_map(|(n, v)| match v {
            Setting::Number(x) if n == name => Some(*x),
            _ => None,
        })
    }

    /// Holds names, parameters and preset against the spec. Errors: `Usage` with the legal names, `Domain` with the legal range.
    pub fn check(&self, spec: &'static Spec) -> Result<()> {
        let preset = self.preset.as_deref().unwrap_or("paper");
        let known = spec.presets.iter().find(|p| p.name == preset);
        if preset != "paper" && known.is_none() {
            let legal: Vec<&str> = std::iter::once("paper").chain(spec.presets.iter().map(|p| p.name)).collect();
            return Err(Error::usage("preset", format!("one of {}", legal.join(", ")), format!("`{}`", preset.escape_default())));
        }
        for name in self.inputs.names() {
            if spec.input(name).is_none() {
                let legal: Vec<&str> = spec.inputs.iter().map(|p| p.name).collect();
                return Err(Error::usage("inputs", format!("names among {}", legal.join(", ")), format!("`{}`", name.escape_default())));
            }
        }
        for (i, (name, setting)) in self.params.iter().enumerate() {
            if self.params[..i].iter().any(|(n, _)| n == name) {
                return Err(Error::usage(format!("parameter {name}"), "one value", "two"));
            }
            match spec.params.iter().find(|p| p.name == name) {
                Some(param) => drop(setting_of(param, Some(setting))?),
                None if spec.distortion && (name == "eps" || name == "eps2") => drop(positive(name, setting)?),
                None => {
                    let legal = spec.param_names();
                    let legal = if legal.is_empty() { "no parameters".into() } else { format!("parameters among {}", legal.join(", ")) };
                    return Err(Error::usage("parameters", legal, format!("`{}`", name.escape_default())));
                }
            }
        }
        if spec.distortion {
            self.distortion(known.is_some_and(|p| p.eps_means_eps2))?;
        }
        Ok(())
    }
    /// `("eps", ε)` or `("eps2", ε²)`: exactly one.
    pub fn distortion(&self, eps_means_eps2: bool) -> Result<(&'static str, f64)> {
        match (self.number("eps"), self.number("eps2")) {
            (Some(eps), None) if eps_means_eps2 => Err(Error::usage(
                "eps",
                format!(
                    "eps2={eps}, because the source of this preset means ε² where it says eps: the official eps={eps} is our eps2={eps}"
                ),
                format!("eps={eps}"),
            )
            .named("InvalidDistortion")),
            (Some(eps), None) => Ok(("eps", eps)),
            (None, Some(eps2)) => Ok(("eps2", eps2)),
            (None, None) => Err(Error::usage("parameters", "eps (ε, a length) or eps2 (ε²)", "neither").named("InvalidDistortion")),
            (Some(_), Some(_)) => Err(Error::usage("parameters", "eps or eps2", "both").named("InvalidDistortion")),
        }
    }
}

fn positive(name: &str, setting: &Setting) -> Result<f64> {
    match setting {
        Setting::Number(x) if *x > 0.0 && x.is_finite() => Ok(*x),
        Setting::Number(x) => Err(Error::domain(name, "a finite number above 0", x.to_string()).named("InvalidDistortion")),
        Setting::Word(word) => Err(Error::usage(name, "a number", format!("`{}`", word.escape_default()))),
    }
}

/// What a parameter stands for: its given value, or its default, within its domain. A word counts as its place in the list.
pub(super) fn setting_of(param: &Param, given: Option<&Setting>) -> Result<f64> {
    let at = || format!("parameter {}", param.name);
    let x = match (given, param.default) {
        (Some(Setting::Number(x)), _) if !matches!(param.domain, Range::Word(_)) => *x,
        (Some(Setting::Word(word)), _) => match param.domain {
            Range::Word(words) => match words.iter().position(|w| w == word) {
                Some(i) => i as f64,
                None => return Err(Error::usage(at(), format!("one of {}", words.join(", ")), format!("`{}`", word.escape_default()))),
            },
            Range::Flag if word == "true" || word == "false" => f64::from(u8::from(word == "true")),
            _ => return Err(Error::usage(at(), "a number", format!("`{}`", word.escape_default()))),
        },
        (Some(Setting::Number(x)), _) => return Err(Error::usage(at(), "a word", x.to_string())),
        (None, Some(default)) => default,
        (None, None) => return Err(Error::usage(at(), format!("a value: -p {}=…", param.name), "nothing")),
    };
    let (legal, words) = match param.domain {
        Range::Real => (x.is_finite(), "a finite number".to_string()),
        Range::Positive => (x > 0.0 && x.is_finite(), "a finite number above 0".into()),
        Range::NonNegative => (x >= 0.0 && x.is_finite(), "a finite number from 0 on".into()),
        Range::Fraction => ((0.0..1.0).contains(&x), "a number from 0 up to but not 1".into()),
        Range::Count(least) => (x >= least as f64 && x == x.trunc() && x < 9e15, format!("a whole number from {least} on")),
        Range::Flag => (x == 0.0 || x == 1.0, "0 or 1".into()),
        Range::Word(_) => (true, String::new()),
    };
    if legal { Ok(x) } else { Err(Error::domain(at(), words, x.to_string()).named("InvalidParameter")) }
}
