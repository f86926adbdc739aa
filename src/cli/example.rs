//! `white-box example`.

use super::arguments::{self, Arguments};
use super::files;
use crate::data::{Json, file};
use crate::oracle::{Case, Entry, Number, Setting, Value, Values, find, generated_case};
use crate::{Error, Result};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box example OP --out DIR [--with numpy|torch|jax] [--preset P] [--json]

Writes DIR/in.npz, a legal input, and DIR/candidate.py, a program that runs as it is: replace its one line by your implementation, run it, and
call the `white-box check` that it prints.
  --with W    NumPy (default), PyTorch or JAX arrays";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args = Arguments::parse(args, &["--out", "--with", "--preset"], &["--json"], "the name of one operator", 1..=1)?;
    let entry = find(&args.positional()[0])?;
    let directory = Path::new(args.one("--out")?.ok_or_else(|| Error::usage("example", "--out DIR", "none"))?);
    let framework = match args.one("--with")?.unwrap_or("numpy") {
        known @ ("numpy" | "torch" | "jax") => known,
        other => return Err(Error::usage("--with", "numpy, torch or jax", format!("`{}`", other.escape_default()))),
    };
    let case = legal(entry, args.one("--preset")?)?;
    let outputs = entry.eval_in(Number::F64, &case)?;
    std::fs::create_dir_all(directory).map_err(|e| Error::io(directory.display().to_string(), "a directory", e.to_string()))?;
    let (input, program) = (directory.join("in.npz"), directory.join("candidate.py"));
    files::write(&input.display().to_string(), Number::F64, &case.inputs)?;
    let check = check_line(entry, &case);
    file::write(&program, candidate(entry, &case, &outputs, framework, &check).as_bytes())?;
    if args.switch("--json") {
        let wrote = Json::Array([&input, &program].iter().map(|p| Json::text(p.display().to_string())).collect());
        arguments::line(&Json::object([("wrote", wrote), ("check", Json::text(check))]).to_string())?;
    } else {
        arguments::line(&format!("wrote {} and {}\n  python3 candidate.py\n  {check}", input.display(), program.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A generated case of moderate size and scale under the preset.
fn legal(entry: &dyn Entry, preset: Option<&str>) -> Result<Case> {
    let fits = |case: &Case| case.preset.as_deref() == preset.filter(|p| *p != "paper");
    let moderate = |case: &Case| case.inputs.reals().all(|(_, t)| t.data.iter().any(|x| (0.125..8.0).contains(&x.mid().hi().abs())));
    let cases: Vec<Case> = (3..40).filter_map(|i| generated_case(entry, i, 1).ok()).filter(fits).collect();
    // Every axis longer than 1, if there is such a case: rows and columns are then told apart.
    let plain = |case: &Case| case.inputs.iter().all(|(_, v)| v.shape().iter().all(|&n| n > 1));
    let fit = |strict: bool| cases.iter().find(|c| moderate(c) && (plain(c) || !strict) && entry.eval_in(Number::F64, c).is_ok());
    if let Some(case) = fit(true).or(fit(false)).or(cases.first()) {
        return Ok(case.clone());
    }
    let mut case = generated_case(entry, 4, 1)?;
    case.preset = preset.map(str::to_string);
    case.check(entry.spec())?;
    Ok(case)
}

/// A parameter's name as Python accepts it.
fn keyword(name: &str) -> String {
    if name == "lambda" { "lambda_".into() } else { name.to_string() }
}
fn value(s: &Setting) -> String {
    match s {
        Setting::Number(x) => x.to_string(),
        Setting::Word(w) => format!("{w:?}"),
    }
}

fn check_line(entry: &dyn Entry, case: &Case) -> String {
    let mut line = format!("white-box check {} in.npz out.npz", entry.spec().name);
    for (name, s) in &case.params {
        let _ = write!(line, " -p {name}={}", value(s).trim_matches('"'));
    }
    if let Some(preset) = &case.preset {
        let _ = write!(line, " --preset {preset}");
    }
    line
}

fn candidate(entry: &dyn Entry, case: &Case, outputs: &Values<crate::scalar::Ball>, framework: &str, check: &str) -> String {
    let spec = entry.spec();
    let (import, take, give, zeros) = match framework {
        "torch" => ("import torch\n", "torch.from_numpy(a)", "y.detach().cpu().numpy()", "torch.zeros"),
        "jax" => (
            "import jax\njax.config.update(\"jax_enable_x64\", True)\nimport jax.numpy as jnp\n",
            "jnp.asarray(a)",
            "np.asarray(y)",
            "jnp.zeros",
        ),
        _ => ("", "a", "np.asarray(y)", "np.zeros"),
    };
    let shape = |v: &Value<crate::scalar::Ball>| {
        let sizes: Vec<String> = v.shape().iter().map(usize::to_string).collect();
        format!("({}{})", sizes.join(", "), if sizes.len() == 1 { "," } else { "" })
    };
    let inputs: Vec<String> = case.inputs.names().map(keyword).collect();
    let params: Vec<String> = case.params.iter().map(|(n, s)| format!("{}={}", keyword(n), value(s))).collect();
    let arguments: Vec<String> = inputs.iter().cloned().chain(params).collect();
    let results: Vec<String> = outputs.iter().map(|(n, v)| format!("{n:?}: {zeros}({})", shape(v))).collect();
    let mut ports = String::new();
    for port in spec.inputs.iter().filter(|p| case.inputs.get(p.name).is_some()) {
        let _ = writeln!(
            ports,
            "#   {:<12} {:<10} {}",
            port.name,
            crate::oracle::words_of_shape(case.inputs.get(port.name).map_or(&[], Value::shape)),
            port.doc
        );
    }
    format!(
        "# {name}: {purpose}\n#   {definition}\n# Inputs, as `white-box explain {name}` describes them:\n{ports}#\n# Replace the marked line, run this file, then:\n#   {check}\n\
         from pathlib import Path\n\nimport numpy as np\n{import}\n\ndef {name}({arguments}):\n    return {{{results}}}  # <- your implementation here\n\n\n\
         here = Path(__file__).parent\ninputs = {{k: {take} for k, a in np.load(here / \"in.npz\").items()}}\n\
         out = {name}(*(inputs[k] for k in [{names}]))\nnp.savez(here / \"out.npz\", **{{k: {give} for k, y in out.items()}})\nprint({check:?})\n",
        name = spec.name,
        purpose = spec.purpose,
        definition = spec.definition,
        arguments = arguments.join(", "),
        results = results.join(", "),
        names = case.inputs.names().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(", "),
    )
}
