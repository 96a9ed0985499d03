//! From the bytes of a venue file to its text, whatever a spreadsheet saved it as.
//!
//! What marks its encoding is decoded. What does not is refused with its name: a guess that is wrong
//! would mint names that no buyer can find.

use std::borrow::Cow;

use super::fault::Flaw;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_LE_MARK: &[u8] = b"\xff\xfe";
const UTF16_BE_MARK: &[u8] = b"\xfe\xff";
const UTF32_MARKS: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];

/// The first bytes of a file in which its zip entries name the kind of document.
const ZIP_HEAD: usize = 4096;
/// The first bytes of a file that are looked at for UTF-16 without a mark.
const UTF16_HEAD: usize = 1024;

/// First bytes of files that are no text, and what such a file is.
const OTHER_FILES: [(&[u8], &str); 6] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x89PNG", "a picture"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// What zip archives contain, and what such a file is.
const ARCHIVES: [(&[u8], &str); 3] = [
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (.ods)"),
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"Index/", "a Numbers document"),
];

/// The text of a file as UTF-8, without a byte-order mark; single bytes of it may not be UTF-8.
///
/// # Errors
/// What the file is instead of text, or the line at which its UTF-16 breaks.
pub(super) fn text_of(bytes: &[u8]) -> Result<Cow<'_, [u8]>, (u64, Flaw)> {
    if let Some(what) = other_file(bytes) {
        return Err((1, Flaw::OtherFile { what }));
    }
    if UTF32_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err((1, Flaw::OtherEncoding { name: "UTF-32" }));
    }
    if let Some(text) = bytes.strip_prefix(UTF16_LE_MARK) {
        return utf16(text, u16::from_le_bytes).map(Cow::Owned);
    }
    if let Some(text) = bytes.strip_prefix(UTF16_BE_MARK) {
        return utf16(text, u16::from_be_bytes).map(Cow::Owned);
    }
    if looks_like_utf16(bytes) {
        return Err((1, Flaw::OtherEncoding { name: "UTF-16 without a byte-order mark" }));
    }
    Ok(Cow::Borrowed(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes)))
}

fn other_file(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") {
        let head = &bytes[..bytes.len().min(ZIP_HEAD)];
        let contains = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
        let known = ARCHIVES.into_iter().find(|(part, _)| contains(part));
        return Some(
            known.map_or("a zip archive, as an Excel workbook (.xlsx) is", |(_, what)| what),
        );
    }
    OTHER_FILES.into_iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, what)| what)
}

fn utf16(bytes: &[u8], unit_of: fn([u8; 2]) -> u16) -> Result<Vec<u8>, (u64, Flaw)> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut line = 1;
    let broken = |line| (line, Flaw::BrokenUtf16);
    for character in char::decode_utf16(pairs.iter().map(|pair| unit_of(*pair))) {
        let character = character.map_err(|_| broken(line))?;
        line += u64::from(character == '\n');
        text.push(character);
    }
    if rest.is_empty() { Ok(text.into_bytes()) } else { Err(broken(line)) }
}

/// Whether every other byte of the text is zero, as it is of Latin letters in UTF-16.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes[..bytes.len().min(UTF16_HEAD)].as_chunks::<2>();
    let count = |is_meant: fn(&[u8; 2]) -> bool| pairs.iter().filter(|p| is_meant(p)).count();
    let (little, big) = (count(|p| p[0] != 0 && p[1] == 0), count(|p| p[0] == 0 && p[1] != 0));
    !pairs.is_empty() && little.max(big) * 2 > pairs.len()
}

/// The letter that a byte is in Windows-1252, which programs in the west write where they do not
/// write UTF-8.
pub(super) fn windows_1252(byte: u8) -> Option<char> {
    /// Those from 0x80 to 0x9F; a blank where there is none.
    const LETTERS: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
    match byte {
        0..=0x7f => None,
        0x80..=0x9f => LETTERS.chars().nth(usize::from(byte - 0x80)).filter(|c| *c != ' '),
        letter => Some(char::from(letter)).filter(|c| !crate::domain::name::is_invisible(*c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(bytes: &[u8]) -> String {
        text_of(bytes).map_or_else(|(line, flaw)| format!("{line}: {flaw}"), |_| "text".into())
    }

    fn little_endian(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn marked_encodings_are_decoded() {
        let text = "section\né€\u{1f3ad}";
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [
            [UTF8_MARK, text.as_bytes()].concat(),
            [UTF16_LE_MARK, &little_endian(text)].concat(),
            [UTF16_BE_MARK, &big].concat(),
        ];
        for bytes in marked {
            assert_eq!(text_of(&bytes).unwrap().as_ref(), text.as_bytes());
        }
    }

    #[test]
    fn files_that_are_no_text_are_named() {
        insta::assert_snapshot!(flaw(b"PK\x03\x04..[Content_Types].xml..xl/workbook.xml"), @"1: the file is an Excel workbook (.xlsx), not CSV; export the sheet as CSV (UTF-8)");
        insta::assert_snapshot!(flaw(b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), @"1: the file is an OpenDocument spreadsheet (.ods), not CSV; export the sheet as CSV (UTF-8)");
        insta::assert_snapshot!(flaw(b"PK\x03\x04"), @"1: the file is a zip archive, as an Excel workbook (.xlsx) is, not CSV; export the sheet as CSV (UTF-8)");
        insta::assert_snapshot!(flaw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.."), @"1: the file is an old Excel workbook (.xls), not CSV; export the sheet as CSV (UTF-8)");
    }

    #[test]
    fn unmarked_and_broken_utf16_is_named() {
        insta::assert_snapshot!(flaw(&little_endian("section,row")), @"1: the file is UTF-16 without a byte-order mark; save it as UTF-8");
        insta::assert_snapshot!(flaw(b"\xff\xfes\0\n\0\x00\xd8x\0"), @"2: the UTF-16 breaks off here; save the file as UTF-8");
        insta::assert_snapshot!(flaw(b"\xff\xfes\0\n"), @"1: the UTF-16 breaks off here; save the file as UTF-8");
        insta::assert_snapshot!(flaw(b"\xff\xfe\0\0s\0\0\0"), @"1: the file is UTF-32; save it as UTF-8");
        assert_eq!(flaw(b"section,row"), "text");
        assert_eq!(flaw(b""), "text");
    }

    #[test]
    fn bytes_of_windows_1252_are_known() {
        assert_eq!(windows_1252(0xe9), Some('é'));
        assert_eq!(windows_1252(0x80), Some('€'));
        assert_eq!(windows_1252(0x92), Some('’'));
        assert_eq!(windows_1252(0x9f), Some('Ÿ'));
        assert_eq!(windows_1252(0x81), None);
    }
}
