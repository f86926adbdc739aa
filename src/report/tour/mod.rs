//! The tour: the theory on the embedded digits, chapter by chapter. Every number in it is computed by the functions of this crate when it runs.
//!
//! To add a chapter: a file here with `pub fn chapter(tour: &mut Tour) -> Result<()>`, its `mod` line, and its line in [`CHAPTERS`].

mod ascent;
mod bits;
mod denoise;
mod gates;
mod rates;
mod redunet;
mod rungs;
mod samples;
mod segment;
mod sparse;
mod subspace;
mod trained;

pub use samples::Samples;

use super::figure::Figure;
use super::page::Page;
use super::section::{Block, Claim, Section};
use super::table::Table;
use crate::data::file;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A chapter: where it belongs and what it runs.
pub struct Chapter {
    /// The part, from 1.
    pub part: usize,
    /// A short name: the first word of its files' names.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Fills its section.
    pub run: fn(&mut Tour) -> Result<()>,
}

/// The chapters in the order in which they are told. A chapter's number is its place here.
pub const CHAPTERS: &[Chapter] = &[
    Chapter { part: 1, name: "subspace", title: "One linear subspace", run: subspace::chapter },
    Chapter { part: 1, name: "sparse", title: "Sparse codes and learned dictionaries", run: sparse::chapter },
    Chapter { part: 1, name: "denoise", title: "Denoising: the score, its entropy, and the way back", run: denoise::chapter },
    Chapter { part: 1, name: "bits", title: "Bits: what the digits cost, together and apart", run: bits::chapter },
    Chapter { part: 1, name: "segment", title: "Coding length: segments and classes found by it", run: segment::chapter },
    Chapter { part: 1, name: "ascent", title: "Maximal rate reduction: pulling the classes apart", run: ascent::chapter },
    Chapter { part: 2, name: "redunet", title: "ReduNet: the ascent as a network", run: redunet::chapter },
    Chapter { part: 2, name: "rungs", title: "From the gradient of the rate to attention", run: rungs::chapter },
    Chapter { part: 2, name: "gates", title: "Attention and the best denoiser", run: gates::chapter },
    Chapter { part: 2, name: "trained", title: "What training makes of it", run: trained::chapter },
];

/// The titles of the parts.
pub const PARTS: &[&str] = &["principles for learning representations", "deep representations by unrolled optimisation"];

/// How far the tour is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The number of the chapter.
    pub chapter: usize,
    /// What it does now.
    pub doing: &'a str,
    /// Steps done.
    pub done: usize,
    /// Steps in all; 0: nothing is under way.
    pub total: usize,
}

/// A tour under way: what chapters use and add to.
pub struct Tour<'a> {
    quick: bool,
    samples: Samples,
    progress: &'a mut dyn FnMut(&Progress),
    sections: Vec<Section>,
}

impl<'a> Tour<'a> {
    /// A tour. `quick`: fewer steps, the same claims. `progress` hears of every step.
    pub fn new(quick: bool, progress: &'a mut dyn FnMut(&Progress)) -> Result<Tour<'a>> {
        Ok(Tour { quick, samples: Samples::digits()?, progress, sections: Vec::new() })
    }
    /// Runs chapter `number` of [`CHAPTERS`], counted from 1, and returns what it shows. Errors: `Usage` where there is none; those of the chapter.
    pub fn run(&mut self, number: usize) -> Result<&Section> {
        let chapter = number.checked_sub(1).and_then(|i| CHAPTERS.get(i));
        let chapter = chapter.ok_or_else(|| Error::usage("chapter", format!("1 to {}", CHAPTERS.len()), number.to_string()))?;
        let (part, name, title) = (chapter.part, chapter.name.to_string(), chapter.title.to_string());
        self.sections.push(Section { number, part, name, title, blocks: Vec::new() });
        (chapter.run)(self).map_err(|e| e.within(chapter.name))?;
        self.progress("", 0, 0);
        Ok(&self.sections[self.sections.len() - 1])
    }
    /// The sections so far.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }
    /// The whole report as one HTML file.
    pub fn html(&self) -> String {
        let title = "A tour of white-box transformers";
        let lead = "The theory on 1,797 handwritten digits. Every number and figure below was computed by the functions of one crate, and the same command \
                    gives the same bytes on every machine.";
        let foot = format!(
            "White-Box {}, command “white-box tour{}”. Data: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine \
             Learning Repository, doi 10.24432/C50P49, licence CC BY 4.0. Logarithms are natural: 1 nat is 1.4427 bits.",
            env!("CARGO_PKG_VERSION"),
            if self.quick { " --quick" } else { "" }
        );
        Page { title, lead, parts: PARTS, foot: &foot }.html(&self.sections)
    }
    /// Writes `index.html`, every figure and every table into `directory`, which is made if need be; returns the files written. Errors: `Io`.
    pub fn write(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        let refused = |e: std::io::Error| Error::io(directory.display().to_string(), "a directory to write into", e.to_string());
        std::fs::create_dir_all(directory).map_err(refused)?;
        let mut files = vec![("index.html".to_string(), self.html())];
        for section in &self.sections {
            files.extend(section.figures().map(|f| (format!("{}.svg", f.name()), f.svg())));
            files.extend(section.tables().map(|t| (format!("{}.csv", t.name()), t.csv())));
        }
        let put = |(name, text): (String, String)| {
            let path = directory.join(name);
            file::write(&path, text.as_bytes()).map(|()| path)
        };
        files.into_iter().map(put).collect()
    }
}

/// What a chapter calls.
impl Tour<'_> {
    /// The digits; cheap to clone.
    pub fn samples(&self) -> Samples {
        self.samples.clone()
    }
    /// Is this the short form?
    pub fn quick(&self) -> bool {
        self.quick
    }
    /// Tells those who wait: `done` of `total` steps of `doing`.
    pub fn progress(&mut self, doing: &str, done: usize, total: usize) {
        let chapter = self.sections.last().map_or(0, |s| s.number);
        (self.progress)(&Progress { chapter, doing, done, total });
    }
    /// A paragraph; formulas in it stand between backticks.
    pub fn text(&mut self, text: impl Into<String>) {
        self.add(Block::Text(text.into()));
    }
    /// A formula on a line of its own.
    pub fn formula(&mut self, text: &str) {
        self.add(Block::Formula(text.into()));
    }
    /// A statement, whether it holds, and the numbers that show it.
    pub fn claim(&mut self, statement: &str, holds: bool, evidence: impl Into<String>) {
        self.add(Block::Claim(Claim { statement: statement.into(), holds, evidence: evidence.into() }));
    }
    /// A table.
    pub fn table(&mut self, table: Table) {
        self.add(Block::Table(table));
    }
    /// A figure.
    pub fn figure(&mut self, figure: Figure) {
        self.figures(vec![figure]);
    }
    /// Figures side by side.
    pub fn figures(&mut self, figures: Vec<Figure>) {
        self.add(Block::Figures(figures));
    }
    fn add(&mut self, block: Block) {
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(block);
        }
    }
}
