//! Text that nothing in it acts on the terminal: the last step before standard output and standard
//! error.
//!
//! Names are free of control characters where they come in, but arguments, paths, answers of other
//! programs and the names of old stores are not. Here each control or format character becomes an
//! escape that can be read, such as `\u{1b}`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use tracing_subscriber::fmt::MakeWriter;

use crate::domain::name::is_invisible;

/// A text for people. Line breaks and tabs stay; so do sequences that set a color, if the text may
/// have colors.
#[must_use]
pub fn escaped(text: &str, color: bool) -> Cow<'_, str> {
    let acts = |c: char| is_invisible(c) && !matches!(c, '\n' | '\t');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(acts) {
        let (before, from) = rest.split_at(at);
        safe.push_str(before);
        let kept = if color { color_sequence(from) } else { 0 };
        if kept > 0 {
            safe.push_str(&from[..kept]);
            rest = &from[kept..];
        } else {
            let mut characters = from.chars();
            safe.extend(characters.next().into_iter().flat_map(char::escape_default));
            rest = characters.as_str();
        }
    }
    safe.push_str(rest);
    Cow::Owned(safe)
}

/// How many bytes of a text are a sequence that sets colors, from its first one; 0 if it begins with
/// none.
pub(super) fn color_sequence(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let is_parameter = |c: char| c.is_ascii_digit() || matches!(c, ';' | ':');
    let end = parameters.trim_start_matches(is_parameter);
    if end.starts_with('m') { text.len() - end.len() + 1 } else { 0 }
}

/// A JSON text with the same meaning, in which such characters are written as JSON escapes.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    // A line break is between the values of a document; within one it is escaped already.
    let acts = |c: char| is_invisible(c) && c != '\n';
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Standard error for the log of what is done.
#[derive(Debug, Clone, Copy)]
pub struct SafeStderr {
    /// Whether the log has colors.
    pub color: bool,
}

impl io::Write for SafeStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(escaped(&text, self.color).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for SafeStderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_escapes() {
        let text = "a\u{1b}[2J\u{9b}2J\u{202e}b\u{7}\r\n\tc \u{e9}";
        let safe = "a\\u{1b}[2J\\u{9b}2J\\u{202e}b\\u{7}\\r\n\tc \u{e9}";
        assert_eq!(escaped(text, true), safe);
        assert_eq!(escaped(text, false), safe);
        assert!(matches!(escaped("a\n\u{2500}", true), Cow::Borrowed(_)));
    }

    #[test]
    fn only_colors_are_kept_and_only_where_there_are_colors() {
        let red = "\u{1b}[1;31mred\u{1b}[0m";
        assert_eq!(escaped(red, true), red);
        assert_eq!(escaped(red, false), "\\u{1b}[1;31mred\\u{1b}[0m");
        assert_eq!(escaped("\u{1b}[31", true), "\\u{1b}[31");
        assert_eq!(escaped("\u{1b}]8;;x\u{1b}\\", true), "\\u{1b}]8;;x\\u{1b}\\");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let name = "a\u{202e}b\u{9b}\u{e0041}\u{7f}";
        let document = serde_json::to_string_pretty(&[name]).unwrap();
        let safe = json(&document);
        assert!(!safe.contains(|c| is_invisible(c) && c != '\n'), "{safe}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).unwrap(), [name]);
    }
}
