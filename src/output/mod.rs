//! One report value, several writers: a table for people, JSON and CSV for machines.
//!
//! Every command turns the answer it got into a [`Report`]; [`render`] writes it in the form that
//! the user asked for. In machine output times are RFC 3339 in UTC and names are `snake_case`; people
//! read the venue's zone.

use std::fmt::Write as _;

use serde::Serialize;

use crate::domain::Timestamp;
use crate::error::Result;

pub mod card;
pub mod csv;
pub mod failure;
pub mod fold;
pub mod json;
pub mod safe;
pub mod table;
pub mod tone;

pub use card::Card;
pub use csv::Sheet;
pub use table::{Cell, Column, Table};
pub use tone::Tone;

/// The version of every JSON document that is written; it goes up when a field goes or changes.
pub const SCHEMA_VERSION: u32 = 1;

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// The page that people read: its size, its colour, and when it is read.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// The time that "14 min left" is counted from.
    pub now: Timestamp,
}

impl Page {
    /// Colours a text, if this page has colour.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        tone.paint(text, self.color)
    }

    /// Folds the lines of a text to the width of the page.
    #[must_use]
    pub fn folded(&self, text: &str) -> String {
        fold::folded(text, self.width)
    }
}

/// The result of a command. It serializes as the body of its JSON document, without the version.
pub trait Report: Serialize {
    /// Writes it for people.
    fn text(&self, page: &Page) -> String;

    /// Writes it as the lines of a spreadsheet.
    fn sheet(&self) -> Sheet;

    /// Writes it as one JSON document.
    ///
    /// # Errors
    /// See [`render`].
    fn document(&self) -> Result<String>
    where
        Self: Sized,
    {
        json::document(self)
    }
}

/// Writes a report in the form asked for.
///
/// # Errors
/// The report cannot be written down, which no report of `tix` does.
pub fn render(report: &impl Report, format: Format, page: &Page) -> Result<String> {
    match format {
        Format::Table => Ok(closed(report.text(page))),
        Format::Json => report.document(),
        Format::Csv => report.sheet().render(),
    }
}

/// Ends a text with a line break.
fn closed(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Writes a count with its noun: `1 ticket`, `10,000 tickets`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let mut text = grouped(count);
    // Writing to a string cannot fail.
    let _ = write!(text, " {noun}{}", if count == 1 { "" } else { "s" });
    text
}

/// Writes a count with its digits in groups of three.
#[must_use]
pub fn grouped(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!(counted(1, "ticket"), "1 ticket");
        assert_eq!(counted(0, "ticket"), "0 tickets");
        assert_eq!(counted(1_250_000, "ticket"), "1,250,000 tickets");
    }
}
