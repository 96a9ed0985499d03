//! CSV that opens in a spreadsheet and starts no formula there.

use std::io;

use crate::error::{Error, Result};

/// The lines of a spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The names of the columns, in `snake_case`.
    pub columns: Vec<&'static str>,
    /// The lines, each with a cell for every column.
    pub lines: Vec<Vec<String>>,
}

impl Sheet {
    /// A sheet with these columns and no lines.
    #[must_use]
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), lines: Vec::new() }
    }

    /// The same sheet with these lines.
    #[must_use]
    pub fn with(mut self, lines: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// Writes the sheet, its columns' names first.
    ///
    /// # Errors
    /// A line has more or fewer cells than there are columns.
    pub fn render(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).map_err(unwritable)?;
        write_lines(&mut writer, &self.lines)?;
        finish(writer)
    }

    /// Writes the lines only, to go on with a sheet that was begun before.
    ///
    /// # Errors
    /// See [`Sheet::render`].
    pub fn render_lines(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        write_lines(&mut writer, &self.lines)?;
        finish(writer)
    }
}

fn write_lines(writer: &mut csv::Writer<Vec<u8>>, lines: &[Vec<String>]) -> Result<()> {
    for line in lines {
        writer.write_record(line.iter().map(|cell| harmless(cell))).map_err(unwritable)?;
    }
    Ok(())
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<String> {
    let bytes = writer.into_inner().map_err(|e| Error::Output(e.into_error()))?;
    String::from_utf8(bytes).map_err(|e| Error::Output(io::Error::other(e)))
}

fn unwritable(cause: csv::Error) -> Error {
    Error::Output(io::Error::other(cause))
}

/// Puts an apostrophe before what a spreadsheet would take for a formula.
fn harmless(cell: &str) -> String {
    // Some spreadsheets take the full-width signs of East Asian keyboards for the plain ones.
    let starts_formula = cell.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if starts_formula && cell.parse::<rust_decimal::Decimal>().is_err() {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// An optional value as a cell: empty where there is none.
#[must_use]
pub fn optional(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_starts_no_formula_in_a_spreadsheet() {
        let cells = [
            "=1+1",
            "+cmd",
            "-2+3",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "\u{ff1d}1",
            "-5.50",
            "+3",
            "plain",
            "",
        ];
        let harmless: Vec<String> = cells.iter().map(|cell| super::harmless(cell)).collect();
        assert_eq!(
            harmless,
            [
                "'=1+1",
                "'+cmd",
                "'-2+3",
                "'@SUM(A1)",
                "'\tx",
                "'\rx",
                "'\nx",
                "'\u{ff1d}1",
                "-5.50",
                "+3",
                "plain",
                "",
            ]
        );
    }

    #[test]
    fn cells_with_commas_and_quotes_read_back_as_they_were() {
        let line = vec!["Floor, left".to_owned(), "the \"pit\"".to_owned()];
        let sheet = Sheet::new(&["section", "remark"]).with([line.clone()]);
        let text = sheet.render().unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read, [csv::StringRecord::from(line)]);
        assert_eq!(text.lines().next(), Some("section,remark"));
    }
}
