//! From the bytes of a venue file to checked fields, each known by its line and column.
//!
//! A record never goes on on the next line: no value may contain a line break. So a quote that is
//! not closed spoils its own line and hides no other fault.

use std::borrow::Cow;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::fault::{Flaw, ROWS_OR_SEATS_MAX, VenueFaults, shown};
use super::header::{Column, Header, Shape};
use super::lines::{
    Line, declared_separator, lines, quoting_flaw, says_nothing, separator_of, sound_lines,
};
use super::prices::Prices;
use super::{Layout, SectionLayout, encoding, per_seat, per_section};
use crate::domain::ticket::LABEL_PART_BYTES_MAX;
use crate::domain::{Currency, name};

/// Reads a venue file: one line per section or one line per seat, which the header tells.
///
/// Fields are parted by commas; a file whose header is parted by semicolons or tabs, or that names its
/// separator in a `sep=` line, as spreadsheets write it, is read too. Prices are decimals with the
/// digits of `currency` and one decimal mark.
///
/// # Errors
/// Every fault of the file, up to [`FAULTS_KEPT_MAX`](super::fault::FAULTS_KEPT_MAX).
pub fn read_layout(bytes: &[u8], currency: Currency) -> Result<Layout, VenueFaults> {
    let mut faults = VenueFaults::default();
    let sections = read_sections(bytes, currency, &mut faults).unwrap_or_default();
    if faults.is_empty() { Ok(Layout::of_sections(sections)) } else { Err(faults) }
}

/// Reads as much as can be read; nothing where the header is not understood.
fn read_sections(
    bytes: &[u8],
    currency: Currency,
    faults: &mut VenueFaults,
) -> Option<Vec<SectionLayout>> {
    let text =
        encoding::text_of(bytes).map_err(|(line, flaw)| faults.push(line, None, flaw)).ok()?;
    let bytes = &*text;
    let mut lines_of_file = lines(bytes, 1);
    let mut next_filled = |declared: Option<u8>| {
        let is_blank = |line: &Line<'_>| {
            std::str::from_utf8(line.bytes).is_ok_and(|text| says_nothing(text, declared))
        };
        lines_of_file.find(|line| !is_blank(line))
    };
    let top = next_filled(None);
    let declared = top.as_ref().and_then(|line| declared_separator(line.bytes));
    if let (Some(line), Some(Err(flaw))) = (&top, &declared) {
        faults.push(line.number, None, flaw.clone());
        return None;
    }
    let declared = declared.and_then(Result::ok);
    let first = if declared.is_some() { next_filled(declared) } else { top };
    let Some(first) = first else {
        faults.push(1, None, Flaw::EmptyFile);
        return None;
    };
    let separator = match declared {
        // Where the header contradicts the line above it, only the header can be meant.
        Some(separator) if first.bytes.contains(&separator) => separator,
        _ => separator_of(first.bytes),
    };
    let header = read_header(&first, separator, faults)?;
    let body_start = first.start + first.bytes.len();
    let body = sound_lines(&bytes[body_start..], first.number, separator, &header, faults);
    let mut records = Records::new(&body, first.number, separator, &header);
    let sections = match header.shape {
        Shape::Sections => per_section::read(&mut records, &mut Prices::new(currency), faults),
        Shape::Seats => per_seat::read(&mut records, &mut Prices::new(currency), faults),
    };
    if sections.is_empty() && faults.is_empty() {
        faults.push(first.number, None, Flaw::HeaderOnly);
    }
    Some(sections)
}

fn read_header(line: &Line<'_>, separator: u8, faults: &mut VenueFaults) -> Option<Header> {
    if let Some((_, flaw)) = quoting_flaw(line.bytes, separator) {
        faults.push(line.number, None, flaw);
        return None;
    }
    let mut fields = StringRecord::new();
    if csv_reader(line.bytes, separator).read_record(&mut fields).is_err() {
        faults.push(line.number, None, not_utf8(line.bytes));
        return None;
    }
    Header::read(&fields, line.number, faults)
}

/// The fault of a line that has a byte which is not UTF-8.
fn not_utf8(line: &[u8]) -> Flaw {
    let at = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), str::len);
    Flaw::NotUtf8 { byte: line.get(at).copied().unwrap_or_default() }
}

fn csv_reader(bytes: &[u8], separator: u8) -> Reader<&[u8]> {
    // Lines of another length are told as faults, with all the others.
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes)
}

/// The records below the header, one after the other.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    reader: Reader<&'a [u8]>,
    header: &'a Header,
    fields: StringRecord,
    /// Up to where lines are counted.
    counted: usize,
    /// The line at that place.
    line: u64,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8], first_number: u64, separator: u8, header: &'a Header) -> Self {
        let reader = csv_reader(bytes, separator);
        let fields = StringRecord::new();
        Self { bytes, reader, header, fields, counted: 0, line: first_number }
    }

    /// The next record that has as many fields as the header, and empty ones behind; what is wrong
    /// with others is told.
    pub(super) fn next(&mut self, faults: &mut VenueFaults) -> Option<Record<'_>> {
        loop {
            match self.reader.read_record(&mut self.fields) {
                Ok(false) => return None,
                Ok(true) => self.count_lines(self.fields.position().map(csv::Position::byte)),
                Err(error) => {
                    self.count_lines(error.position().map(csv::Position::byte));
                    let column = field_of(&error).and_then(|place| self.header.column_at(place));
                    let rest = self.bytes.get(self.counted..).unwrap_or_default();
                    let line = lines(rest, self.line).next();
                    let flaw = not_utf8(line.map_or(rest, |line| line.bytes));
                    faults.push(self.line, column, flaw);
                    continue;
                }
            }
            // Spreadsheets write an empty row as a line of separators, not always those of the header.
            if self.fields.iter().all(|field| says_nothing(field, None)) {
                continue;
            }
            let (expected, found) = (self.header.width(), self.fields.len());
            let is_blank = |field: &str| field.trim().is_empty();
            if found >= expected && self.fields.iter().skip(expected).all(is_blank) {
                break;
            }
            faults.push(self.line, None, Flaw::FieldCount { expected, found });
        }
        Some(Record { line: self.line, header: self.header, fields: &self.fields })
    }

    /// Counts the lines up to the record that was read from `start` on. The CSV reader's own count
    /// stays behind where it skips line ends before a record.
    fn count_lines(&mut self, start: Option<u64>) {
        let start = start.and_then(|start| usize::try_from(start).ok()).unwrap_or(self.counted);
        while let Some(byte) = self.bytes.get(self.counted) {
            let line_end = matches!(byte, b'\n' | b'\r');
            if self.counted >= start && !line_end {
                break;
            }
            let half_of_two = *byte == b'\r' && self.bytes.get(self.counted + 1) == Some(&b'\n');
            self.line += u64::from(line_end && !half_of_two);
            self.counted += 1;
        }
    }
}

/// The field that is not UTF-8.
fn field_of(error: &csv::Error) -> Option<usize> {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => Some(err.field()),
        _ => None,
    }
}

/// One record, as many fields as the header has.
pub(super) struct Record<'r> {
    pub(super) line: u64,
    header: &'r Header,
    fields: &'r StringRecord,
}

impl<'r> Record<'r> {
    /// Tells a fault of this record.
    pub(super) fn fault(&self, column: Column, flaw: Flaw, faults: &mut VenueFaults) {
        faults.push(self.line, Some(column), flaw);
    }

    /// A text that must be there, in the spelling that is stored.
    pub(super) fn text(&self, column: Column, faults: &mut VenueFaults) -> Option<Cow<'r, str>> {
        let text = self.optional_text(column, faults)?;
        if text.is_empty() {
            self.fault(column, Flaw::Empty, faults);
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// A text in the spelling that is stored; empty where the file does not have the column.
    ///
    /// A text with characters that a name must not contain is a fault, and goes on without the
    /// invisible ones: another line may be about the same seat.
    pub(super) fn optional_text(
        &self,
        column: Column,
        faults: &mut VenueFaults,
    ) -> Option<Cow<'r, str>> {
        let written = self.written(column, faults)?;
        let text = name::normalized(written);
        if let Some(found) = name::unfit(written) {
            self.fault(column, Flaw::Unfit { shown: shown(written), found }, faults);
        } else if text.len() > LABEL_PART_BYTES_MAX {
            let flaw = Flaw::TooLong { shown: shown(&text), bytes: text.len() };
            self.fault(column, flaw, faults);
            return None;
        }
        Some(text)
    }

    /// What is written in a column, without the space around it.
    pub(super) fn written(&self, column: Column, faults: &mut VenueFaults) -> Option<&'r str> {
        let place = self.header.place_of(column);
        let text = place.and_then(|place| self.fields.get(place)).unwrap_or_default().trim();
        if is_spreadsheet_error(text) {
            self.fault(column, Flaw::SpreadsheetError { text: shown(text) }, faults);
            return None;
        }
        Some(text)
    }

    /// A number that must be there, as it is written.
    pub(super) fn number(&self, column: Column, faults: &mut VenueFaults) -> Option<&'r str> {
        let text = self.written(column, faults)?;
        if text.is_empty() {
            self.fault(column, Flaw::Empty, faults);
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// The name of a row or a seat.
    pub(super) fn name(&self, column: Column, faults: &mut VenueFaults) -> Option<Cow<'r, str>> {
        let name = self.text(column, faults)?;
        if name.contains('/') {
            self.fault(column, Flaw::Slash { text: name.into_owned() }, faults);
            return None;
        }
        Some(name)
    }

    /// How many rows or seats, 1 to [`ROWS_OR_SEATS_MAX`].
    pub(super) fn count(&self, column: Column, faults: &mut VenueFaults) -> Option<u32> {
        let text = self.number(column, faults)?;
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let count = digits.and_then(|text| text.parse().ok());
        let count = count.filter(|count| (1..=ROWS_OR_SEATS_MAX).contains(count));
        if count.is_none() {
            self.fault(column, Flaw::Count { text: shown(text) }, faults);
        }
        count
    }

    /// Yes, no, or nothing; nothing where the file does not have the column.
    pub(super) fn yes_or_no(&self, column: Column, faults: &mut VenueFaults) -> Option<bool> {
        let text = self.optional_text(column, faults)?;
        match text.to_ascii_lowercase().as_str() {
            "" => None,
            "yes" => Some(true),
            "no" => Some(false),
            _ => {
                self.fault(column, Flaw::YesOrNo { text: text.into_owned() }, faults);
                None
            }
        }
    }

    /// The numbers of the seats that an aisle follows in every row, separated by spaces.
    pub(super) fn aisle_seats(&self, seats_per_row: u32, faults: &mut VenueFaults) -> Vec<u32> {
        let column = Column::AisleAfter;
        let mut found = Vec::new();
        for text in self.optional_text(column, faults).unwrap_or_default().split_whitespace() {
            if let Some(seat) = text.parse().ok().filter(|seat| (1..seats_per_row).contains(seat)) {
                found.push(seat);
            } else {
                let text = text.to_owned();
                self.fault(column, Flaw::AisleSeats { text, seats_per_row }, faults);
            }
        }
        found
    }
}

/// Whether a cell has what a spreadsheet writes for a formula that fails, in the languages of its most
/// common versions, or for a number that does not fit into its column.
fn is_spreadsheet_error(text: &str) -> bool {
    const ERRORS: [&str; 27] = [
        "#REF!",
        "#N/A",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#BUSY!",
        "#UNKNOWN!",
        "#GETTING_DATA",
        "#ERROR!",
        "#BEZUG!",
        "#NV",
        "#WERT!",
        "#ZAHL!",
        "#VALEUR!",
        "#NOM?",
        "#NOMBRE!",
        "#¡REF!",
        "#¡VALOR!",
        "#¿NOMBRE?",
        "#VALORE!",
    ];
    let is_too_narrow = text.len() >= 3 && text.bytes().all(|byte| byte == b'#');
    is_too_narrow || ERRORS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: &str = "section,type,price,rows,seats_per_row,entrance\n\
        Stalls,regular,49.50,10,20,Main door\n\
        \"Circle, left\",economy,30,4,12,\n";

    fn layout(text: &str) -> Layout {
        read_layout(text.as_bytes(), Currency::EUR).unwrap()
    }

    fn faults(text: impl AsRef<[u8]>) -> String {
        read_layout(text.as_ref(), Currency::EUR).unwrap_err().to_string()
    }

    #[test]
    fn line_ends_marks_separators_and_the_order_of_columns_make_no_difference() {
        let same = [
            SECTIONS.replace('\n', "\r\n"),
            SECTIONS.replace('\n', "\r"),
            format!("\u{feff}{SECTIONS}"),
            format!("\n\n  \n{SECTIONS}\n,,,,,\n\n"),
            format!(",,,,,\n;;;;;\n\u{a0}\n\"\",\"\"\n{SECTIONS};;;;\n,,\n,,,,,,,\n"),
            format!(";;;\nsep=,\n,,,,,\n{SECTIONS}"),
            SECTIONS.replace("Stalls", "\t\t\t\t\t\n,,,,,\n\"\",\"\",\"\"\nStalls"),
            format!("sep=|\n|||||\n{}", SECTIONS.replace(',', "|").replace("Circle|", "Circle,")),
            SECTIONS.trim_end().to_owned(),
            SECTIONS.replace("section,type", " Section , TYPE ").replace("Stalls,", " Stalls ,"),
            SECTIONS.replace("49.50", "\"49.5\""),
            SECTIONS.replace(',', ";").replace("Circle;", "Circle,"),
            SECTIONS.replace(',', "\t").replace("Circle\t", "Circle,"),
            "price,entrance,seats_per_row,rows,type,section\n\
             49.50,Main door,20,10,regular,Stalls\n30.00,,12,4,economy,\"Circle, left\"\n"
                .to_owned(),
        ];
        for text in same {
            assert_eq!(layout(&text), layout(SECTIONS), "{text}");
        }
    }

    #[test]
    fn another_currency_name_price_or_order_makes_another_digest() {
        let digest = layout(SECTIONS).digest;
        assert_eq!(digest.len(), 64);
        let francs = Currency::of_code("CHF").unwrap();
        assert_ne!(read_layout(SECTIONS.as_bytes(), francs).unwrap().digest, digest);
        for (old, new) in [("Stalls", "stalls"), ("49.50", "49.51"), ("10,20", "20,10")] {
            assert_ne!(layout(&SECTIONS.replace(old, new)).digest, digest, "{new}");
        }
    }

    #[test]
    fn a_section_may_have_a_slash_or_begin_like_a_formula() {
        let text = "section,row,seat,type,price\nBox 1/2,=A1,+1,@home,0\n";
        let seat = layout(text).sections[0].seat(0).unwrap();
        assert_eq!((&*seat.row, &*seat.seat, &*seat.type_id), ("=A1", "+1", "@home"));
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = "\u{feff}\r\nsection,type,price,rows,seats_per_row\r\n\r\n \r\nA,x,1,1,1\r\n\r\n\
            B,x,1,1,0\r\n\"C,x,1,1,1\r\n\nD,x,1,0,1\r\rE,x,0.001,1,1";
        insta::assert_snapshot!(faults(text), @"
        line 7, column seats_per_row: `0` is not a whole number from 1 to 10000, in digits alone
        line 8, column section: a quote opens here and is not closed on the same line
        line 10, column rows: `0` is not a whole number from 1 to 10000, in digits alone
        line 12, column price: `0.001` has more than the 2 decimals of EUR
        ");
    }

    #[test]
    fn a_broken_quote_or_a_foreign_byte_hides_no_fault_of_another_line() {
        let text = b"section,row,seat,type,price\n\"A,1,1,x,1\nA,1,\xe9,x,1\nA,1,2,x,-1\n\
            A,\"1,2,x,1\nA,1,\"2\"\",x,1\nA,1, \"2\",x,1\nA,1,\"2\" ,x,1\n";
        insta::assert_snapshot!(faults(text), @"
        line 2, column section: a quote opens here and is not closed on the same line
        line 3, column seat: the byte 0xE9 is not UTF-8 (it is `é` in Windows-1252); save the file as UTF-8
        line 4, column price: `-1` is negative
        line 5, column row: a quote opens here and is not closed on the same line
        line 6, column seat: a quote opens here and is not closed on the same line
        line 7, column seat: a space stands before the opening quote
        line 8, column seat: text follows the closing quote; a quote within a quoted value is written twice
        ");
    }

    #[test]
    fn a_value_never_goes_on_on_the_next_line() {
        let text = "section,row,seat,type,price\n\"A\nB\",1,1,x,1\n";
        insta::assert_snapshot!(faults(text), @"line 2, column section: a quote opens here and is not closed on the same line");
    }

    #[test]
    fn lines_that_say_nothing_are_counted_with_the_others() {
        let text = ";;;;\n\n,,,,\nsep=x\nsection,type,price,rows,seats_per_row\n";
        insta::assert_snapshot!(faults(text), @"line 4: `sep=x` names no separator; write sep=, or sep=; above the header, or nothing");
        let text = ";;;;\nsection,type,price,rows,seats_per_row\n;;;;\nA,x,1,1,0\n,,,,\n,,-,,\n";
        insta::assert_snapshot!(faults(text), @"
        line 4, column seats_per_row: `0` is not a whole number from 1 to 10000, in digits alone
        line 6, column section: empty
        line 6, column type: empty
        line 6, column price: `-` is not a decimal number such as 49.50
        line 6, column rows: empty
        line 6, column seats_per_row: empty
        ");
    }

    #[test]
    fn labels_have_bounds() {
        let text = |name: &str| format!("section,row,seat,type,price\nA,1,{name},x,1\n");
        assert_eq!(layout(&text(&"é".repeat(40))).tickets(), 1);
        for name in ["é".repeat(41), "a\u{7}".into(), "a\u{202e}b".into(), "1/2".into()] {
            assert_eq!(faults(text(&name)).lines().count(), 1, "{name}");
        }
    }

    #[test]
    fn an_event_has_at_most_so_many_sections_and_tickets() {
        let header = "section,type,price,rows,seats_per_row\n";
        let lines = |count: usize, size: &str| -> String {
            (0..count).map(|n| format!("{n},x,1,{size}\n")).collect::<Vec<_>>().concat()
        };
        assert_eq!(layout(&format!("{header}{}", lines(10_000, "1,500"))).tickets(), 5_000_000);
        let text = faults(format!("{header}{}", lines(10_002, "1,1")));
        insta::assert_snapshot!(text, @"line 10002, column section: one section too many; an event has at most 10000");
        let text = faults(format!("{header}{}", lines(3, "2000,2000")));
        insta::assert_snapshot!(text, @"line 3: with this line there are 8000000 tickets; an event has at most 5000000");
        let seats: Vec<String> = (0..10_002).map(|n| format!("{n},1,1,x,1\n")).collect();
        let text = faults(format!("section,row,seat,type,price\n{}", seats.concat()));
        insta::assert_snapshot!(text, @"line 10002, column section: one section too many; an event has at most 10000");
    }

    #[test]
    fn a_header_is_told_all_that_is_wrong_with_it() {
        let header = "section,type,kind,price,Price,rows\n";
        insta::assert_snapshot!(faults(header), @"
        line 1: `kind` is not a column of such a file; write section,type,price,rows,seats_per_row[,entrance][,aisle_after]
        line 1, column price: the header names this column twice
        line 1, column seats_per_row: the header does not name this column; write section,type,price,rows,seats_per_row[,entrance][,aisle_after]
        ");
        insta::assert_snapshot!(faults("section,row,rows,type,price\n"), @"line 1: `section,row,rows,type,price` is not the header of a venue file; write section,type,price,rows,seats_per_row[,entrance][,aisle_after] or section,row,seat,type,price[,aisle_after]");
        insta::assert_snapshot!(faults("\"section,row\n"), @"line 1: a quote opens here and is not closed on the same line");
        insta::assert_snapshot!(faults(" \n\n"), @"line 1: the file is empty");
        insta::assert_snapshot!(faults(";;;;\n,,,,\n"), @"line 1: the file is empty");
    }
}
