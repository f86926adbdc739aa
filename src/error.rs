//! What can go wrong, said so that the reader knows what to do: what was expected, what was found, and where.

use std::fmt;

/// What was expected, what was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The finer name of the fault, such as `InvalidDistortion`; empty where the kind says it all.
    pub name: &'static str,
    /// Argument, file, row and column or byte offset.
    pub at: String,
    /// What would have been right.
    pub expected: String,
    /// What was there instead.
    pub found: String,
}

/// Every error of the crate. The kind is the part a program acts on, the [`Fault`] the part a person reads.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Shapes that do not fit the operator or each other.
    Shape(Fault),
    /// A value outside the domain of the formula.
    Domain(Fault),
    /// A NaN or an infinity, given or produced.
    NotFinite(Fault),
    /// A matrix that must be positive definite is not: the pivot is named.
    NotPositiveDefinite(Fault),
    /// An iteration that did not reach its stopping rule.
    NotConverged(Fault),
    /// A question the enclosure is too wide to answer.
    Undecided(Fault),
    /// Bytes or text that break their format.
    Format(Fault),
    /// The operating system refused.
    Io(Fault),
    /// A command or request that cannot be understood.
    Usage(Fault),
    /// A request above a stated limit, or one this program declines.
    Unsupported(Fault),
}

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! kinds {
    ($($variant:ident $make:ident $kind:literal;)*) => {
        impl Error {
            $(
                #[doc = concat!("An [`Error::", stringify!($variant), "`]: where, what was expected, what was found.")]
                #[cold]
                pub fn $make(at: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Error {
                    Error::$variant(Fault { name: "", at: at.into(), expected: expected.into(), found: found.into() })
                }
            )*
            /// The kind in the words of the protocol: `shape`, `domain`, `not-finite`, …
            pub fn kind(&self) -> &'static str { match self { $(Error::$variant(_) => $kind,)* } }
            /// What, where.
            pub fn fault(&self) -> &Fault { match self { $(Error::$variant(f) => f,)* } }
            fn fault_mut(&mut self) -> &mut Fault { match self { $(Error::$variant(f) => f,)* } }
        }
    };
}
kinds! {
    Shape shape "shape";
    Domain domain "domain";
    NotFinite not_finite "not-finite";
    NotPositiveDefinite not_positive_definite "not-positive-definite";
    NotConverged not_converged "not-converged";
    Undecided undecided "undecided";
    Format format "format";
    Io io "io";
    Usage usage "usage";
    Unsupported unsupported "unsupported";
}

impl Error {
    /// The same error under a finer name, such as `EmptyInput`.
    pub fn named(mut self, name: &'static str) -> Error {
        self.fault_mut().name = name;
        self
    }
    /// The same error, seen from one level further out: `row 3` inside `z` becomes `z: row 3`.
    pub fn within(mut self, outer: &str) -> Error {
        let fault = self.fault_mut();
        fault.at = if fault.at.is_empty() { outer.to_string() } else { format!("{outer}: {}", fault.at) };
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let fault = self.fault();
        if !fault.at.is_empty() {
            write!(f, "{}: ", fault.at)?;
        }
        write!(f, "expected {}, found {}", fault.expected, fault.found)?;
        if !fault.name.is_empty() {
            write!(f, " ({})", fault.name)?;
        }
        Ok(())
    }
}
impl std::error::Error for Error {}
