//! What can be wrong with a venue file, and how it is told.

use std::error::Error;
use std::fmt;

use super::encoding::windows_1252;
use super::header::{Column, Shape};
use super::{SECTIONS_MAX, TICKETS_MAX};
use crate::domain::name::{self, Unfit};
use crate::domain::price::{DecimalMark, PriceError};
use crate::domain::ticket::LABEL_PART_BYTES_MAX;

/// The most faults of one file that are kept; further ones are counted.
pub const FAULTS_KEPT_MAX: usize = 100;
/// The most rows of a section, and the most seats of a row, in a file with a line per section.
pub const ROWS_OR_SEATS_MAX: u32 = 10_000;
/// How many characters of a wrong value are repeated.
const SHOWN_CHARS_MAX: usize = 40;

/// What is wrong at one place of a venue file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Nothing in it.
    #[error("the file is empty")]
    EmptyFile,
    /// A header without lines.
    #[error("the file has a header and nothing below it")]
    HeaderOnly,
    /// A file of another kind, as a spreadsheet's own.
    #[error("the file is {what}, not CSV; export the sheet as CSV (UTF-8)")]
    OtherFile {
        /// What it is.
        what: &'static str,
    },
    /// A text in an encoding that nothing marks, or that nothing here reads.
    #[error("the file is {name}; save it as UTF-8")]
    OtherEncoding {
        /// What it is called.
        name: &'static str,
    },
    /// Half a character of UTF-16.
    #[error("the UTF-16 breaks off here; save the file as UTF-8")]
    BrokenUtf16,
    /// A byte that is no UTF-8.
    #[error(
        "the byte 0x{byte:02X} is not UTF-8{}; save the file as UTF-8",
        windows_1252(*byte).map(|c| format!(" (it is `{c}` in Windows-1252)")).unwrap_or_default()
    )]
    NotUtf8 {
        /// The byte.
        byte: u8,
    },
    /// A line that names the separator, of which it names none that can be one.
    #[error("`{line}` names no separator; write sep=, or sep=; above the header, or nothing")]
    Separator {
        /// What it says.
        line: String,
    },
    /// A quote without its partner; a value never goes on on the next line.
    #[error("a quote opens here and is not closed on the same line")]
    UnclosedQuote,
    /// A quote that closes within a value.
    #[error("text follows the closing quote; a quote within a quoted value is written twice")]
    TextAfterQuote,
    /// A quote that would become part of the name.
    #[error("a space stands before the opening quote")]
    SpaceBeforeQuote,
    /// The header of another kind of file.
    #[error(
        "`{found}` is not the header of a venue file; write {} or {}",
        Shape::Sections,
        Shape::Seats
    )]
    NeitherShape {
        /// The header.
        found: String,
    },
    /// A column that the header should name.
    #[error("the header does not name this column; write {shape}")]
    MissingColumn {
        /// What the other columns look like.
        shape: Shape,
    },
    /// A column that the header should not name.
    #[error("`{name}` is not a column of such a file; write {shape}")]
    UnknownColumn {
        /// The name it has.
        name: String,
        /// What the other columns look like.
        shape: Shape,
    },
    /// A column of the header without a name, before others that have one.
    #[error("field {number} of the header has no name; write {shape}")]
    UnnamedColumn {
        /// Its place, from 1.
        number: usize,
        /// What the columns look like.
        shape: Shape,
    },
    /// A column that the header names again.
    #[error("the header names this column twice")]
    DuplicateColumn,
    /// A line that does not fit the header.
    #[error(
        "{found} fields, but the header has {expected}{}",
        if found > expected { "; a value that contains the separator stands in quotes" } else { "" }
    )]
    FieldCount {
        /// How many it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Nothing where something is needed.
    #[error("empty")]
    Empty,
    /// More than a name may have.
    #[error("`{shown}` is {bytes} bytes long; {LABEL_PART_BYTES_MAX} are allowed")]
    TooLong {
        /// How it begins.
        shown: String,
        /// How long it is.
        bytes: usize,
    },
    /// A character that a name must not contain.
    #[error("`{shown}` contains {found}")]
    Unfit {
        /// The value, with such characters written as escapes.
        shown: String,
        /// The first of them.
        found: Unfit,
    },
    /// What a spreadsheet writes for a formula that fails.
    #[error(
        "`{text}` is what a spreadsheet writes for a formula that fails or a column that is too \
         narrow; fix the cell there and export the sheet again"
    )]
    SpreadsheetError {
        /// What it wrote.
        text: String,
    },
    /// A row or seat whose label could not be read back.
    #[error("`{text}` contains a slash, which parts section, row and seat")]
    Slash {
        /// The name.
        text: String,
    },
    /// Not a price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// A price with another decimal mark than the prices before.
    #[error(
        "`{text}` has a {mark}, but the price on line {first_line} has another decimal mark; write \
         all prices of the file with the same one"
    )]
    OtherMark {
        /// What was written.
        text: String,
        /// Its decimal mark.
        mark: DecimalMark,
        /// Where the first price with the other mark is.
        first_line: u64,
    },
    /// Not a number of rows or seats.
    #[error("`{text}` is not a whole number from 1 to {ROWS_OR_SEATS_MAX}, in digits alone")]
    Count {
        /// What was written.
        text: String,
    },
    /// Neither yes nor no.
    #[error("`{text}` is neither yes nor no; leave it empty where the seat numbers say it")]
    YesOrNo {
        /// What was written.
        text: String,
    },
    /// Not seats that an aisle can follow.
    #[error(
        "`{text}` is not a seat number below {seats_per_row}; write those that an aisle follows, such as `10 20`"
    )]
    AisleSeats {
        /// What was written.
        text: String,
        /// How many seats each row has.
        seats_per_row: u32,
    },
    /// A section that is there already.
    #[error("`{name}` is already on line {first_line}")]
    DuplicateSection {
        /// Its name.
        name: String,
        /// Where it is first.
        first_line: u64,
    },
    /// A seat that is there already.
    #[error("`{label}` is already on line {first_line}")]
    DuplicateSeat {
        /// Its label.
        label: String,
        /// Where it is first.
        first_line: u64,
    },
    /// More than an event can have.
    #[error("with this line there are {tickets} tickets; an event has at most {TICKETS_MAX}")]
    TooManyTickets {
        /// How many there are up to here.
        tickets: u64,
    },
    /// More than an event can have.
    #[error("one section too many; an event has at most {SECTIONS_MAX}")]
    TooManySections,
}

/// One fault of a venue file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueFault {
    /// The line of the file, from 1.
    pub line: u64,
    /// The column, where the fault is in one.
    pub column: Option<Column>,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for VenueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.flaw)
    }
}

/// Every fault of a venue file by line: the first [`FAULTS_KEPT_MAX`], and how many more there are.
///
/// Written as one line per fault.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VenueFaults {
    faults: Vec<VenueFault>,
    more: u64,
}

impl VenueFaults {
    /// The first faults of the file, by line.
    #[must_use]
    pub fn faults(&self) -> &[VenueFault] {
        &self.faults
    }

    /// How many faults there are beyond those.
    #[must_use]
    pub const fn more(&self) -> u64 {
        self.more
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Takes in a fault. Checks run one after the other over the file, so the later one may find
    /// the earlier line.
    pub(super) fn push(&mut self, line: u64, column: Option<Column>, flaw: Flaw) {
        let at = self.faults.partition_point(|known| known.line <= line);
        if at < FAULTS_KEPT_MAX {
            self.faults.insert(at, VenueFault { line, column, flaw });
        } else {
            self.more += 1;
        }
        if self.faults.len() > FAULTS_KEPT_MAX {
            self.faults.pop();
            self.more += 1;
        }
    }
}

impl fmt::Display for VenueFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{fault}")?;
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\nand 1 more fault"),
            more => write!(f, "\nand {more} more faults"),
        }
    }
}

impl Error for VenueFaults {}

/// The beginning of a value as it can be printed: on one line, with invisible characters as escapes.
pub(super) fn shown(value: &str) -> String {
    let cut = value.char_indices().nth(SHOWN_CHARS_MAX);
    let (begin, more) = cut.map_or((value, ""), |(end, _)| (&value[..end], "…"));
    format!("{}{more}", name::shown(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faults_by_line_are_kept_and_the_others_counted() {
        let mut faults = VenueFaults::default();
        for line in (1..=250).rev() {
            faults.push(line, None, Flaw::Empty);
        }
        let lines: Vec<u64> = faults.faults().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, (1..=100).collect::<Vec<_>>());
        assert_eq!(faults.more(), 150);
        let text = faults.to_string();
        assert_eq!(text.lines().count(), 101);
        assert!(text.ends_with("line 100: empty\nand 150 more faults"), "{text}");
    }

    #[test]
    fn faults_of_one_line_stay_in_the_order_they_were_found() {
        let mut faults = VenueFaults::default();
        faults.push(2, Some(Column::Type), Flaw::Empty);
        faults.push(2, Some(Column::Price), Flaw::Empty);
        faults.push(1, None, Flaw::NotUtf8 { byte: 0xe9 });
        insta::assert_snapshot!(faults, @"
        line 1: the byte 0xE9 is not UTF-8 (it is `é` in Windows-1252); save the file as UTF-8
        line 2, column type: empty
        line 2, column price: empty
        ");
    }

    #[test]
    fn a_wrong_value_is_shown_on_one_line_and_cut() {
        assert_eq!(shown("a\nb\u{1b}[31m\u{202e}é"), "a\\nb\\u{1b}[31m\\u{202e}é");
        assert_eq!(shown(&"x".repeat(41)), format!("{}…", "x".repeat(40)));
    }
}
