//! Figures, tables and the report of the tour.
//!
//! A [`Table`] is written once and shown as text, CSV, HTML and JSON. A figure is drawn by one of a few charts, each honest by construction: bars begin at
//! zero, ticks stand at round numbers, series differ by dash and marker and not by colour alone, nothing is clipped. Every figure has a title and a
//! description, follows the reader's choice of light or dark, and asks for nothing from outside. The same numbers give the same bytes on every platform.
//!
//! | idea | module |
//! |---|---|
//! | numbers and words as people read them | [`number`], [`markup`] |
//! | a table | [`table`] |
//! | charts | [`line`](mod@line), [`bar`], [`scatter`], [`heat`], [`image`]; [`axis`], [`figure`] |
//! | a trained network, measured | [`inspection`] |
//! | a chapter, a page | [`section`], [`page`] |
//! | the tour | [`tour`] |

pub mod axis;
pub mod bar;
pub mod figure;
pub mod heat;
pub mod image;
pub mod inspection;
pub mod line;
pub mod markup;
pub mod number;
pub mod page;
mod raster;
pub mod scatter;
pub mod section;
mod svg;
pub mod table;
pub mod tour;

pub use axis::Axis;
pub use bar::BarChart;
pub use figure::{Figure, Label};
pub use heat::HeatMap;
pub use image::{ImageGrid, Ink, Picture};
pub use line::{LineChart, Series, Stroke};
pub use number::Digits;
pub use page::Page;
pub use scatter::{Cloud, Scatter};
pub use section::{Block, Claim, Section};
pub use table::{Align, Cell, Column, Table};
