//! What a person writes to describe an operator: ports, parameters, presets, in data.

/// What an operator is, in data. Write `Spec { name: …, ..Spec::BLANK }`.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// `coding_rate`.
    pub name: &'static str,
    /// The room of the theory it belongs to.
    pub room: &'static str,
    /// One line.
    pub purpose: &'static str,
    /// The formula in plain text, with the meaning of each symbol.
    pub definition: &'static str,
    /// Authors, venue, year, equation.
    pub source: &'static str,
    /// The inputs.
    pub inputs: &'static [Port],
    /// The outputs.
    pub outputs: &'static [Port],
    /// Takes exactly one of `eps` (ε, a length) and `eps2` (ε²).
    pub distortion: bool,
    /// The other parameters.
    pub params: &'static [Param],
    /// The named forms other than `paper`.
    pub presets: &'static [Preset],
    /// Who differs, and by what factor; free text, one line each.
    pub divergences: &'static [&'static str],
    /// What the operator says of extra leading axes: which axes the formula couples.
    pub couples: &'static str,
    /// Extra leading axes are looped over by the catalog. Off where an operator gives them a meaning of its own.
    pub batches: bool,
    /// A gradient exists.
    pub differentiable: bool,
    /// Flops and memory, as the documentation states them.
    pub cost: &'static str,
    /// Flops of one evaluation as a function of the sizes, `flops(&|symbol| size)`.
    pub flops: fn(&dyn Fn(&str) -> f64) -> f64,
    /// The factors of the allowed error, see [`super::tolerance`].
    pub tolerance: Tolerance,
}

impl Spec {
    /// Everything empty; the default of every field.
    pub const BLANK: Spec = Spec {
        name: "",
        room: "",
        purpose: "",
        definition: "",
        source: "",
        inputs: &[],
        outputs: &[Port::real("value", "", "")],
        distortion: false,
        params: &[],
        presets: &[],
        divergences: &[],
        couples: "",
        batches: true,
        differentiable: true,
        cost: "",
        flops: |_| 0.0,
        tolerance: Tolerance { value: 4.0, gradient: 4.0 },
    };
    /// The legal parameter names.
    pub fn param_names(&self) -> Vec<&'static str> {
        let distortion: &[&str] = if self.distortion { &["eps", "eps2"] } else { &[] };
        distortion.iter().copied().chain(self.params.iter().map(|p| p.name)).collect()
    }
    /// The port of that name.
    pub fn input(&self, name: &str) -> Option<&'static Port> {
        self.inputs.iter().find(|p| p.name == name)
    }
}

/// An input or output.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// The symbol of the papers where there is one.
    pub name: &'static str,
    /// The axes, by symbol: `"n d"`; `""` is one number. Products `h*p`, sums `n+1` and numbers are allowed.
    pub shape: &'static str,
    /// What may stand there; the case generator fills it accordingly.
    pub domain: Domain,
    /// May be left out.
    pub optional: bool,
    /// One line.
    pub doc: &'static str,
}

impl Port {
    /// Any finite reals.
    pub const fn real(name: &'static str, shape: &'static str, doc: &'static str) -> Port {
        Port { name, shape, domain: Domain::Real, optional: false, doc }
    }
    /// Reals of a narrower domain.
    pub const fn of(domain: Domain, name: &'static str, shape: &'static str, doc: &'static str) -> Port {
        Port { name, shape, domain, optional: false, doc }
    }
    /// The same port, but it may be left out.
    pub const fn or_absent(self) -> Port {
        Port { optional: true, ..self }
    }
}

/// What may stand in a port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Any finite reals.
    Real,
    /// Reals above 0.
    Positive,
    /// Reals from 0 on.
    NonNegative,
    /// A symmetric positive definite matrix; the lower triangle is read.
    Definite,
    /// A symmetric positive semidefinite matrix; the lower triangle is read.
    Semidefinite,
    /// A lower-triangular matrix with positive diagonal.
    Lower,
    /// Orthonormal columns in the last two axes.
    Orthonormal,
    /// Rows of unit Euclidean norm.
    UnitRows,
    /// Rows that are non-negative and sum to 1.
    Simplex,
    /// Integers from 0 on and below the size of the symbol.
    Label(&'static str),
}

/// A parameter: a real number unless its domain says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// The name after `-p`.
    pub name: &'static str,
    /// What may stand there.
    pub domain: Range,
    /// What stands there if nothing is said; `None`: it must be given.
    pub default: Option<f64>,
    /// Values for generated cases; chosen so that variants can be told apart.
    pub samples: &'static [f64],
    /// One line.
    pub doc: &'static str,
}

/// The domain of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any finite real.
    Real,
    /// Above 0.
    Positive,
    /// From 0 on.
    NonNegative,
    /// From 0 up to but not including 1.
    Fraction,
    /// A whole number from the given one on. If a shape uses the parameter's name as a symbol, it has this value there.
    Count(usize),
    /// `0` or `1`, also `false` or `true`.
    Flag,
    /// One of these words; samples and default count into the list.
    Word(&'static [&'static str]),
}

/// A named form other than the paper's.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Kebab-case: `mcr2-repo`.
    pub name: &'static str,
    /// What differs, and where it comes from.
    pub doc: &'static str,
    /// The source calls `eps` what this crate calls `eps2`: `eps` with this preset is refused.
    pub eps_means_eps2: bool,
}

/// The factors c of the allowed error `c √L u (κ + |y|)`, see [`super::tolerance`].
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// For outputs.
    pub value: f64,
    /// For gradients.
    pub gradient: f64,
}
