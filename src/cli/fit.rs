//! `white-box fit`: the analytic models on the user's data.

use super::arguments::{self, Arguments};
use super::files;
use crate::data::{Array, archive, file};
use crate::learn::{Optimiser, Parameters, Schedule};
use crate::linalg::Matrix;
use crate::random::{Rng, permutation};
use crate::report::image::{ImageGrid, Ink, Picture};
use crate::report::{Label, number::Digits::Significant};
use crate::sparse::{
    AtomUpdate, Codes, DictionaryLearning, Form, Lasso, Unrolled, UnrolledLoss, UnrolledTraining, Worth, atoms_from_samples,
    learn_dictionary, train_unrolled, worth,
};
use crate::subspace::{Divisor, Pca};
use crate::{Error, Result};
use std::path::Path;
use std::process::ExitCode;

pub const USAGE: &str = "white-box fit pca DATA -k K [--centre] [--unbiased] --out FILE [--draw SVG --height H]
white-box fit lasso DATA --atoms FILE (--lambda L | --share S) [--nonnegative] [--path N] --out FILE
white-box fit dictionary DATA -m M (--lambda L | --share S) [--nonnegative] [--rounds R] [--steps T] [--seed N] --out FILE [--draw SVG --height H]
white-box fit lista DATA --atoms FILE (--lambda L | --share S) [--nonnegative] [--depth K] [--form F] [--epochs E] [--batch B] [--rate R] [--held SHARE] [--seed N] --out FILE

DATA is one array, n × d or n × h × w, a sample a row (.npy, .npz, .safetensors, .json); an array named `labels` beside it is ignored.
FILE (.npz, .safetensors, .json) takes the result by name; --atoms takes an array `atoms`, m × d, such as the dictionary writes.
  pca         mean, basis (d × k), variances, codes
              -k K         directions kept       --centre     subtract the mean first       --unbiased   divide by n − 1
  lasso       codes with the certificate of each sample: value, gap, kkt
              --lambda L   weight of the ℓ¹ norm in ½‖x − zA‖² + λ‖z‖₁; --share S: S times the smallest λ at which all codes are 0
              --path N     also prints sparsity against fidelity at N values of λ
  dictionary  atoms (m × d, length at most 1), codes, objective after each round
              -m M         atoms                 --rounds R   30         --steps T   steps of ISTA a round, 10
  lista       weights of a network trained to lower the same objective; what it is worth in steps of ISTA and FISTA on held-out samples
              --depth K    layers, 4             --form F     gregor-lecun (default), coupled, analytic, step, tied
              --epochs E   40    --batch B   64    --rate R   0.002    --held SHARE   0.25 of the samples are not trained on
  --draw SVG  the directions or atoms as images of height H, d/H wide";

pub fn run(args: &[String]) -> Result<ExitCode> {
    match args.first().map(String::as_str) {
        Some("pca") => pca(&args[1..]),
        Some("lasso") => lasso(&args[1..]),
        Some("dictionary") => dictionary(&args[1..]),
        Some("lista") => lista(&args[1..]),
        other => {
            let found = other.map_or("nothing".into(), |name| format!("`{}`", name.escape_default()));
            Err(Error::usage("fit", "pca, lasso, dictionary or lista", found))
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Steps of ISTA and FISTA that a network is compared with at most.
const MOST: usize = 2000;

/// The data of a call, and the promise that its result can be written.
struct Task {
    args: Arguments,
    x: Matrix<f64>,
    out: String,
}

impl Task {
    fn new(words: &[String], valued: &[&str], switches: &[&str]) -> Result<Task> {
        let valued: Vec<&str> = valued.iter().copied().chain(["--out"]).collect();
        let args = Arguments::parse(words, &valued, switches, "DATA", 1..=1)?;
        let out = args.one("--out")?.ok_or_else(|| Error::usage("--out", "a file for the result", "none"))?.to_string();
        if archive::Format::of_path(Path::new(&out))? == archive::Format::Npy {
            return Err(Error::usage("--out", "a .npz, .safetensors or .json file, which can hold several arrays", format!("`{out}`")));
        }
        let x = samples(&args.positional()[0])?;
        Ok(Task { args, x, out })
    }
    fn number(&self, name: &str, default: f64, least: f64, what: &str) -> Result<f64> {
        let x = self.args.number(name, what)?.unwrap_or(default);
        if x >= least && x.is_finite() { Ok(x) } else { Err(Error::usage(name, what, x.to_string())) }
    }
    fn count(&self, name: &str, default: Option<usize>, least: usize) -> Result<usize> {
        let what = format!("a whole number from {least} on");
        match self.args.number::<usize>(name, &what)?.or(default) {
            Some(n) if n >= least => Ok(n),
            Some(n) => Err(Error::usage(name, what, n.to_string())),
            None => Err(Error::usage(name, what, "nothing")),
        }
    }
    fn codes(&self) -> Codes {
        if self.args.switch("--nonnegative") { Codes::NonNegative } else { Codes::Signed }
    }
    /// `--lambda`, or `--share` of λ_max.
    fn problem(&self, atoms: Matrix<f64>) -> Result<Lasso<f64>> {
        if atoms.cols() != self.x.cols() {
            return Err(Error::shape("--atoms", format!("m × {}, as wide as the data", self.x.cols()), format!("{atoms:?}")));
        }
        let zero = Lasso::new(atoms, 0.0, self.codes())?;
        let above = "a number above 0";
        let lambda = match (self.args.number::<f64>("--lambda", above)?, self.args.number::<f64>("--share", above)?) {
            (Some(l), None) => l,
            (None, Some(s)) => s * zero.lambda_max(&self.x)?,
            (None, None) => return Err(Error::usage("fit", "--lambda or --share", "neither")),
            (Some(_), Some(_)) => return Err(Error::usage("fit", "--lambda or --share", "both")),
        };
        if !(lambda > 0.0 && lambda.is_finite()) {
            return Err(Error::usage("lambda", above, lambda.to_string()));
        }
        zero.at(lambda)
    }
    fn atoms(&self) -> Result<Matrix<f64>> {
        let path = self.args.one("--atoms")?.ok_or_else(|| Error::usage("--atoms", "a file with the dictionary", "nothing"))?;
        let arrays = files::read(path)?;
        let chosen = match &arrays[..] {
            [(_, only)] => Some(only),
            many => many.iter().find(|(n, _)| n == "atoms").map(|(_, a)| a),
        };
        let array = chosen.ok_or_else(|| Error::usage(path, "one array, or one named `atoms`", format!("{} others", arrays.len())))?;
        matrix(path, array)
    }
    /// Rows as images, if asked: where to, and the drawing.
    fn drawing(&self, name: &str, rows: &Matrix<f64>) -> Result<Option<(String, String)>> {
        let Some(path) = self.args.one("--draw")? else { return Ok(None) };
        let height = self.count("--height", None, 1)?;
        if !rows.cols().is_multiple_of(height) {
            return Err(Error::usage("--height", format!("a divisor of the {} features", rows.cols()), height.to_string()));
        }
        let pictures = (0..rows.rows()).map(|i| Picture::new("", height, rows.row(i))).collect::<Result<Vec<_>>>()?;
        let grid = ImageGrid {
            label: Label::new(
                name,
                &format!("{} {name}", rows.rows()),
                "Each image to its own full ink; negative parts in the second colour.",
            ),
            rows: pictures.chunks(16).map(|row| (String::new(), row.to_vec())).collect(),
            ink: Ink::Each,
        };
        Ok(Some((path.to_string(), grid.figure()?.svg())))
    }
    /// Writes the result, then says so.
    fn finish(&self, text: &str, drawing: Option<(String, String)>, arrays: &[(&str, Array)]) -> Result<()> {
        archive::write_named(Path::new(&self.out), arrays.iter().map(|(n, a)| (*n, a)))?;
        let mut text = format!("{text}written {}\n", self.out);
        if let Some((path, svg)) = drawing {
            file::write(Path::new(&path), svg.as_bytes())?;
            text += &format!("drawn   {path}\n");
        }
        arguments::print(&text)
    }
}

fn samples(path: &str) -> Result<Matrix<f64>> {
    let mut arrays = files::read(path)?;
    if arrays.len() > 1 {
        arrays.retain(|(n, _)| n != "labels");
    }
    match &arrays[..] {
        [(_, only)] => matrix(path, only),
        many => {
            let names: Vec<&str> = many.iter().map(|(n, _)| n.as_str()).collect();
            Err(Error::usage(
                path,
                "one array of samples (and one named `labels`)",
                if names.is_empty() { "none".into() } else { names.join(", ") },
            ))
        }
    }
}
fn matrix(path: &str, array: &Array) -> Result<Matrix<f64>> {
    let (n, d) = match *array.shape() {
        [n, d] => (n, d),
        [n, h, w] => (n, h * w),
        ref other => return Err(Error::shape(path, "n × d or n × h × w, a sample a row", format!("{other:?}"))),
    };
    if n == 0 || d == 0 {
        return Err(Error::shape(path, "at least one sample of at least one feature", format!("{n} × {d}")).named("EmptyInput"));
    }
    let x = Matrix::new(n, d, array.to_f64().map_err(|e| e.within(path))?)?;
    x.check_finite(path)?;
    Ok(x)
}
fn array(m: &Matrix<f64>) -> Result<Array> {
    Array::from_f64(m.shape().to_vec(), m.data().to_vec())
}
fn list(x: Vec<f64>) -> Result<Array> {
    Array::from_f64(vec![x.len()], x)
}
fn show(x: f64) -> String {
    Significant(6).show(x)
}
fn nonzeros(z: &Matrix<f64>) -> f64 {
    z.data().iter().filter(|&&z| z != 0.0).count() as f64 / z.rows() as f64
}

fn pca(words: &[String]) -> Result<()> {
    let task = Task::new(words, &["-k", "--draw", "--height"], &["--centre", "--unbiased"])?;
    let divisor = if task.args.switch("--unbiased") { Divisor::SamplesLessOne } else { Divisor::Samples };
    let pca = Pca::fit(&task.x, task.count("-k", None, 0)?, task.args.switch("--centre"), divisor)?;
    let lost = task.x.sub(&pca.reconstruct(&task.x)?)?.frobenius_squared() / task.x.rows() as f64;
    let text = format!(
        "data    {} × {}\nkept    {} directions, {} % of the energy\nloss    {} a sample\nnoise   {} a direction\n",
        task.x.rows(),
        task.x.cols(),
        pca.basis.cols(),
        show(100.0 * pca.explained()),
        show(lost),
        show(pca.noise_variance())
    );
    let drawing = task.drawing("directions", &pca.basis.transpose())?;
    let codes = pca.encode(&task.x)?;
    let arrays = [
        ("mean", list(pca.mean.clone())?),
        ("basis", array(&pca.basis)?),
        ("variances", list(pca.variances.clone())?),
        ("codes", array(&codes)?),
    ];
    task.finish(&text, drawing, &arrays)
}

fn lasso(words: &[String]) -> Result<()> {
    let task = Task::new(words, &["--atoms", "--lambda", "--share", "--path"], &["--nonnegative"])?;
    let problem = task.problem(task.atoms()?)?;
    let x = &task.x;
    let top = problem.lambda_max(x)?;
    let mut text = format!(
        "data    {} × {}, {} atoms, {} codes\nλ       {} of at most {}\n",
        x.rows(),
        x.cols(),
        problem.atoms().rows(),
        problem.codes(),
        show(problem.lambda()),
        show(top)
    );
    if let Some(n) = task.args.number::<usize>("--path", "a whole number")? {
        text += "λ              nonzeros a sample   energy explained [%]\n";
        for i in 0..n {
            // From λ_max down to a hundredth of it, evenly on a logarithmic scale.
            let at =
                problem.at(top * crate::scalar::Scalar::exp(-(i as f64) / (n.max(2) - 1) as f64 * crate::scalar::Scalar::ln(100.0f64)))?;
            let z = at.solve(x)?.z;
            let lost = x.sub(&z.matmul(at.atoms())?)?.frobenius_squared() / x.frobenius_squared();
            text += &format!("{:<14} {:<19} {}\n", show(at.lambda()), show(nonzeros(&z)), show(100.0 * (1.0 - lost)));
        }
    }
    let (solution, total) = problem.solve_certified(x)?;
    let (mut value, mut gap, mut kkt) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..x.rows() {
        let one = problem.certificate(&x.select_rows(&[i])?, &solution.z.select_rows(&[i])?)?;
        value.push(one.primal);
        gap.push(one.gap);
        kkt.push(one.kkt);
    }
    text += &format!(
        "nonzero {} a sample\nvalue   {}\ngap     {} (of all samples), KKT residual at most {}\n",
        show(nonzeros(&solution.z)),
        show(total.primal),
        show(total.gap),
        show(total.kkt)
    );
    let arrays = [
        ("codes", array(&solution.z)?),
        ("value", list(value)?),
        ("gap", list(gap)?),
        ("kkt", list(kkt)?),
        ("lambda", list(vec![problem.lambda()])?),
    ];
    task.finish(&text, None, &arrays)
}

fn dictionary(words: &[String]) -> Result<()> {
    let task = Task::new(words, &["-m", "--lambda", "--share", "--rounds", "--steps", "--seed", "--draw", "--height"], &["--nonnegative"])?;
    let (m, rounds, steps) = (task.count("-m", None, 1)?, task.count("--rounds", Some(30), 0)?, task.count("--steps", Some(10), 1)?);
    let mut rng = Rng::stream(task.count("--seed", Some(0), 0)? as u64, "dictionary");
    let start = atoms_from_samples(&task.x, m, &mut rng)?;
    let problem = task.problem(start)?;
    let how = DictionaryLearning {
        lambda: problem.lambda(),
        codes: task.codes(),
        update: AtomUpdate::Block,
        code_steps: steps,
        rounds,
        revive: true,
    };
    let learned = learn_dictionary(&task.x, problem.atoms(), &how, |round, _, value| {
        if (round + 1) % 10 == 0 || round + 1 == rounds {
            eprintln!("round {:>4}   {}", round + 1, show(value));
        }
    })?;
    let lost = task.x.sub(&learned.z.matmul(&learned.atoms)?)?.frobenius_squared() / task.x.frobenius_squared();
    let last = learned.objective.last().copied().unwrap_or(f64::NAN);
    let text = format!(
        "data    {} × {}, {m} atoms, {} codes, λ {}\nvalue   {} after {rounds} rounds, {} before\nnonzero {} a sample, {} % of the energy explained\n",
        task.x.rows(),
        task.x.cols(),
        task.codes(),
        show(problem.lambda()),
        show(last),
        show(learned.objective[0]),
        show(nonzeros(&learned.z)),
        show(100.0 * (1.0 - lost))
    );
    let drawing = task.drawing("atoms", &learned.atoms)?;
    let arrays = [
        ("atoms", array(&learned.atoms)?),
        ("codes", array(&learned.z)?),
        ("objective", list(learned.objective.clone())?),
        ("lambda", list(vec![problem.lambda()])?),
    ];
    task.finish(&text, drawing, &arrays)
}

fn lista(words: &[String]) -> Result<()> {
    let valued = ["--atoms", "--lambda", "--share", "--depth", "--form", "--epochs", "--batch", "--rate", "--held", "--seed"];
    let task = Task::new(words, &valued, &["--nonnegative"])?;
    let problem = task.problem(task.atoms()?)?;
    let form = match task.args.one("--form")?.unwrap_or("gregor-lecun") {
        "gregor-lecun" => Form::GregorLeCun,
        "coupled" => Form::Coupled,
        "analytic" => Form::Analytic,
        "step" => Form::Step,
        "tied" => Form::Tied,
        other => {
            return Err(Error::usage("--form", "gregor-lecun, coupled, analytic, step or tied", format!("`{}`", other.escape_default())));
        }
    };
    let (depth, seed) = (task.count("--depth", Some(4), 1)?, task.count("--seed", Some(0), 0)? as u64);
    let share = task.number("--held", 0.25, 0.0, "a share above 0 and below 1")?;
    let held = (task.x.rows() as f64 * share).round() as usize;
    if held == 0 || held >= task.x.rows() {
        return Err(Error::usage(
            "--held",
            format!("a share that leaves some of the {} samples on both sides", task.x.rows()),
            share.to_string(),
        ));
    }
    let order = permutation(task.x.rows(), &mut Rng::stream(seed, "held-out samples"));
    let (unseen, seen) = (task.x.select_rows(&order[..held])?, task.x.select_rows(&order[held..])?);
    let mut network = Unrolled::new(form, &problem, depth, false)?;
    let epochs = task.count("--epochs", Some(40), 0)?;
    let how = UnrolledTraining {
        epochs,
        batch: task.count("--batch", Some(64), 1)?,
        rate: task.number("--rate", 2e-3, 0.0, "a number from 0 on")?,
        schedule: Schedule::WarmupCosine {
            warmup: 1.0,
            total: (epochs * seen.rows().div_ceil(task.count("--batch", Some(64), 1)?)) as f64,
            floor: 0.0,
        },
        optimiser: Optimiser::adamw(0.0),
        seed,
    };
    train_unrolled(&mut network, &seen, UnrolledLoss::Objective, &how, |epoch, loss| {
        if (epoch + 1) % 10 == 0 || epoch + 1 == epochs {
            eprintln!("epoch {:>4}   {}", epoch + 1, show(loss));
        }
    })?;
    let text = words_of(&worth(&problem, &network, &unseen, MOST)?, depth, held);
    let mut arrays = Vec::new();
    for (name, p) in network.names().into_iter().zip(network.parameters()) {
        arrays.push((name, Array::from_f64(p.shape().to_vec(), p.data().to_vec())?));
    }
    arrays.push(("lambda".into(), list(vec![problem.lambda()])?));
    let named: Vec<(&str, Array)> = arrays.iter().map(|(n, a)| (n.as_str(), a.clone())).collect();
    task.finish(&text, None, &named)
}

/// What [`Worth`] says, in words.
fn words_of(worth: &Worth<f64>, depth: usize, samples: usize) -> String {
    let steps = |s: Option<usize>| s.map_or(format!("more than {MOST}"), |s| s.to_string());
    format!(
        "on {samples} samples not trained on, P(z) − P* a sample after depth {depth}:\nnetwork {}\nISTA    {}\nFISTA   {}\nworth   {} steps of ISTA, {} of FISTA\n",
        show(worth.network),
        show(worth.ista),
        show(worth.fista),
        steps(worth.ista_steps),
        steps(worth.fista_steps)
    )
}
