//! The lines of a venue file before they are read as CSV: where each begins, what parts its fields,
//! and whether its quotes are sound.

use std::borrow::Cow;

use super::fault::{Flaw, VenueFaults, shown};
use super::header::Header;

/// What parts the fields of a line: a comma, or what spreadsheets write instead of it.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Whether a text has nothing but white space, separators and empty quotes, as spreadsheets write
/// empty rows. `declared` is the separator that the file names, where it is another one.
pub(super) fn says_nothing(text: &str, declared: Option<u8>) -> bool {
    let is_filler = |character: char| {
        character.is_whitespace()
            || character == '"'
            || SEPARATORS.into_iter().chain(declared).any(|byte| char::from(byte) == character)
    };
    text.chars().all(is_filler)
}

/// The separator that the header has; the comma where it has none.
pub(super) fn separator_of(header: &[u8]) -> u8 {
    SEPARATORS.into_iter().find(|separator| header.contains(separator)).unwrap_or(b',')
}

/// The separator that a line above the header names, as Excel writes and reads it: `sep=;`. None if it
/// is no such line.
///
/// # Errors
/// The line names no separator.
pub(super) fn declared_separator(line: &[u8]) -> Option<Result<u8, Flaw>> {
    /// What such a line begins with, in any case.
    const PREFIX: &[u8] = b"sep=";
    let unquoted = line.strip_prefix(b"\"").unwrap_or(line);
    let (prefix, named) = unquoted.split_at_checked(PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let can_be_one =
        |byte: &&u8| **byte == b'\t' || (byte.is_ascii_punctuation() && **byte != b'"');
    let separator = named.first().filter(can_be_one).copied();
    // A program that read the line as a row fills it up with separators.
    let is_rest = |byte: &u8| Some(*byte) == separator || matches!(byte, b' ' | b'"');
    let unknown = || Flaw::Separator { line: shown(&String::from_utf8_lossy(line)) };
    Some(separator.filter(|_| named.iter().all(is_rest)).ok_or_else(unknown))
}

/// A line of the file as it is written, without its end.
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: u64,
    /// Where it starts in the bytes.
    pub(super) start: usize,
    pub(super) bytes: &'a [u8],
}

/// Splits bytes into lines that end with `\n`, `\r\n` or `\r`, as the CSV reader does.
pub(super) fn lines(bytes: &[u8], first_number: u64) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    (first_number..).map_while(move |number| {
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        let line = Line { number, start, bytes: &rest[..length] };
        start += length + if rest[length..].starts_with(b"\r\n") { 2 } else { 1 };
        Some(line)
    })
}

/// Blanks the lines whose quotes are broken, so that what the CSV reader makes of the rest is what
/// is meant.
pub(super) fn sound_lines<'a>(
    bytes: &'a [u8],
    first_number: u64,
    separator: u8,
    header: &Header,
    faults: &mut VenueFaults,
) -> Cow<'a, [u8]> {
    let mut sound = Cow::Borrowed(bytes);
    if !bytes.contains(&b'"') {
        return sound;
    }
    for line in lines(bytes, first_number) {
        if let Some((place, flaw)) = quoting_flaw(line.bytes, separator) {
            faults.push(line.number, header.column_at(place), flaw);
            sound.to_mut()[line.start..line.start + line.bytes.len()].fill(b' ');
        }
    }
    sound
}

/// Where the look at a line's quotes has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    FieldStart,
    Padding,
    Bare,
    Quoted,
    /// A quote within a quoted field: its end, or the first half of a doubled one.
    QuoteSeen,
}

/// What is wrong with the quotes of a line, and in which of its fields, from 0.
pub(super) fn quoting_flaw(line: &[u8], separator: u8) -> Option<(usize, Flaw)> {
    let mut place = 0;
    let mut within = Within::FieldStart;
    for byte in line {
        within = match (within, *byte) {
            (Within::Quoted, b'"') => Within::QuoteSeen,
            (Within::Quoted, _) | (Within::QuoteSeen | Within::FieldStart, b'"') => Within::Quoted,
            (_, byte) if byte == separator => {
                place += 1;
                Within::FieldStart
            }
            (Within::QuoteSeen, _) => return Some((place, Flaw::TextAfterQuote)),
            (Within::Padding, b'"') => return Some((place, Flaw::SpaceBeforeQuote)),
            (Within::FieldStart | Within::Padding, b' ' | b'\t') => Within::Padding,
            _ => Within::Bare,
        };
    }
    (within == Within::Quoted).then_some((place, Flaw::UnclosedQuote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_separators_and_empty_quotes_says_nothing() {
        for text in ["", " \u{a0}", ",,,,", ";;;;", "\t\t", "\"\";\"\"; ", ",;,"] {
            assert!(says_nothing(text, None), "{text:?}");
        }
        for text in ["x", ",,0,,", ";-;", "\u{fffd}", "|||"] {
            assert!(!says_nothing(text, None), "{text:?}");
        }
        assert!(says_nothing("|\"\"|", Some(b'|')));
    }

    #[test]
    fn line_above_the_header_names_the_separator() {
        let named = |line: &[u8]| declared_separator(line).map(Result::ok);
        for (line, separator) in [
            (&b"sep=;"[..], b';'),
            (b"SEP=,", b','),
            (b"sep=\t", b'\t'),
            (b"\"sep=;\"", b';'),
            (b"sep=,,,,", b','),
            (b"sep=|", b'|'),
        ] {
            assert_eq!(named(line), Some(Some(separator)), "{line:?}");
        }
        for wrong in [&b"sep="[..], b"sep=x", b"sep=;,", b"sep=\xe9"] {
            assert_eq!(named(wrong), Some(None), "{wrong:?}");
        }
        for other in [&b"section;row"[..], b"separator", b"se", b""] {
            assert_eq!(named(other), None, "{other:?}");
        }
    }
}
