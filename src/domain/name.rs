//! Names of sections, rows, seats, types, events and other stored texts.
//!
//! A name has one spelling in the store: composed (Unicode NFC), without white space at its ends and
//! with single spaces inside. It is found by any spelling: names are compared by canonical
//! equivalence, with full case folding and without invisible characters. Compatibility forms stay
//! apart (`²` is not `2`), because they look different on a ticket.
//!
//! Stores that were written before names were normalized hold other spellings. Nothing is rewritten
//! there, because ticket ids derive from names; [`find`] takes the exact spelling first.

use std::borrow::Cow;
use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicase::UniCase;

/// A character that a name must not contain, and where it is: an invisible one, or what remains where
/// a text was decoded wrongly.
///
/// Written with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// The character.
    pub character: char,
    /// Its place among the characters of the trimmed text, from 1.
    pub place: usize,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { character, place } = *self;
        let code = u32::from(character);
        let advice = match character {
            char::REPLACEMENT_CHARACTER => {
                ", which stands for a character that was lost when the text was decoded in another \
                 encoding than its own; write that character, or save the original text as UTF-8"
            }
            _ => "; remove it",
        };
        write!(f, "U+{code:04X} ({}) as character {place}{advice}", kind(character))
    }
}

/// Whether a character is no part of any text: the replacement for one that could not be decoded, and
/// the code points that Unicode never assigns to a character.
const fn is_no_text(character: char) -> bool {
    // The last two code points of each of the 17 planes.
    let ends_plane = character as u32 & 0xfffe == 0xfffe;
    ends_plane || matches!(character, char::REPLACEMENT_CHARACTER | '\u{fdd0}'..='\u{fdef}')
}

/// Whether a character shows nothing itself, or changes how the text around it is shown: control
/// and format characters, zero-width ones, and those that turn the direction of writing.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = || CodePointMapData::<GeneralCategory>::new().get(character);
    let is_ignorable = || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
    // The blank pattern of Braille is a symbol that looks like a space.
    character == '\u{2800}'
        || matches!(
            category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
        || (!is_presentation(character) && is_ignorable())
}

/// Whether a character only chooses between the text form and the emoji form of the one before.
const fn is_presentation(character: char) -> bool {
    matches!(character, '\u{fe0e}' | '\u{fe0f}')
}

/// What a character is called that a name must not contain.
fn kind(character: char) -> &'static str {
    match character {
        '\0' => "null",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{1b}' => "escape",
        '\u{7f}' => "delete",
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "pop directional formatting",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{2060}' => "word joiner",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "pop directional isolate",
        '\u{feff}' => "byte-order mark",
        char::REPLACEMENT_CHARACTER => "replacement character",
        none if is_no_text(none) => "noncharacter",
        control if control.is_control() => "control character",
        _ => "invisible character",
    }
}

/// The first character of a text that a name must not contain, white space at its ends left out.
///
/// Stores of earlier versions may have names with the replacement character and noncharacters, which
/// therefore count when names are compared.
#[must_use]
pub fn unfit(text: &str) -> Option<Unfit> {
    let mut characters = text.trim().chars().zip(1..);
    let unfit = characters.find(|(c, _)| is_invisible(*c) || is_no_text(*c));
    unfit.map(|(character, place)| Unfit { character, place })
}

/// The spelling of a text that is stored.
///
/// # Errors
/// The text contains a character that a name must not contain.
pub fn checked(text: &str) -> Result<Cow<'_, str>, Unfit> {
    unfit(text).map_or_else(|| Ok(normalized(text)), Err)
}

/// The spelling of a text that is stored; invisible characters are left out.
#[must_use]
pub fn normalized(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let is_shown = |c: &char| c.is_whitespace() || !(is_invisible(*c) || is_presentation(*c));
    let shown: String = text.chars().filter(is_shown).collect();
    let spaced = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    Cow::Owned(composed(&spaced).into_owned())
}

/// The same text in Unicode's composed form.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Whether a text is ASCII that is normalized: the usual case, which costs no allocation.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !bytes.starts_with(b" ")
        && !bytes.ends_with(b" ")
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

/// What all spellings of a name have in common.
#[must_use]
pub fn folded(name: &str) -> String {
    let name = normalized(name);
    let folded = UniCase::new(&*name).to_folded_case();
    if folded.is_ascii() { folded } else { composed(&folded).into_owned() }
}

/// Whether two texts are spellings of one name.
#[must_use]
pub fn same(name: &str, other: &str) -> bool {
    if is_plain(name) && is_plain(other) {
        name.eq_ignore_ascii_case(other)
    } else {
        name == other || folded(name) == folded(other)
    }
}

/// Finds what a text names: the item that is spelled exactly so, or else the only one that is
/// spelled so but for case, white space, composition and invisible characters.
#[must_use]
pub fn find<'a, T: Copy>(
    items: impl Iterator<Item = T> + Clone,
    name_of: impl Fn(T) -> &'a str,
    wanted: &str,
) -> Option<T> {
    if let Some(exact) = items.clone().find(|item| name_of(*item) == wanted) {
        return Some(exact);
    }
    let wanted = folded(wanted);
    let is_wanted = |item: &T| {
        let name = name_of(*item);
        if is_plain(name) { name.eq_ignore_ascii_case(&wanted) } else { folded(name) == wanted }
    };
    let mut found = items.filter(is_wanted);
    // Old stores may hold several spellings as different names.
    found.next().filter(|_| found.next().is_none())
}

/// A text as it can be shown on one line: invisible characters are written as escapes.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_spelling_is_composed_and_single_spaced() {
        assert_eq!(normalized("  Floor\u{a0} \u{3000}A "), "Floor A");
        assert_eq!(normalized("Cafe\u{301}"), "Caf\u{e9}");
        assert_eq!(normalized("Rock \u{2600}\u{fe0f}"), "Rock \u{2600}");
        assert!(matches!(normalized(" Floor A "), Cow::Borrowed("Floor A")));
        assert_eq!(normalized("a\u{200b} "), "a");
    }

    #[test]
    fn names_are_the_same_in_any_spelling() {
        let same_names = [
            ("Stalls", "STALLS"),
            ("Caf\u{e9}", "CAFE\u{301}"),
            ("Stra\u{df}e", "STRASSE"),
            ("Stalls", "St\u{200b}alls"),
            ("Floor A", " floor\u{202f} a"),
            (
                "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
                "\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}",
            ),
        ];
        for (name, other) in same_names {
            assert!(same(name, other) && same(other, name), "{name} {other}");
            assert_eq!(folded(name), folded(other));
        }
        for (name, other) in [("A", "B"), ("Cafe", "Caf\u{e9}"), ("2", "\u{b2}"), ("A 1", "A1")] {
            assert!(!same(name, other), "{name} {other}");
        }
    }

    #[test]
    fn exact_spelling_is_found_first_and_ambiguous_ones_never() {
        let names = ["Stalls", "stalls", "Caf\u{e9}"];
        let found = |wanted| find(names.iter().copied(), |name| name, wanted);
        assert_eq!(found("stalls"), Some("stalls"));
        assert_eq!(found("STALLS"), None);
        assert_eq!(found("CAFE\u{301}"), Some("Caf\u{e9}"));
        assert_eq!(found("Circle"), None);
    }

    #[test]
    fn invisible_characters_are_named_with_their_place() {
        let named = |text| unfit(text).map(|found| found.to_string()).unwrap_or_default();
        assert_eq!(named(" Stalls\u{200b}"), "U+200B (zero width space) as character 7; remove it");
        assert_eq!(named("\u{1b}[2J"), "U+001B (escape) as character 1; remove it");
        assert_eq!(named("a\u{9b}"), "U+009B (control character) as character 2; remove it");
        let invisible_ones = [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{180e}',
            '\u{200d}',
            '\u{202e}',
            '\u{2028}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0041}',
        ];
        assert!(invisible_ones.into_iter().all(is_invisible));
        let visible_ones = [' ', '\u{a0}', '\u{301}', '\u{fe0f}', '\u{5d0}', '\u{1f3ad}', '\u{e9}'];
        assert!(!visible_ones.into_iter().any(is_invisible));
    }

    #[test]
    fn wrongly_decoded_text_is_refused_with_what_to_do() {
        let refused = |text| checked(text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("Caf\u{fffd}"), @"U+FFFD (replacement character) as character 4, which stands for a character that was lost when the text was decoded in another encoding than its own; write that character, or save the original text as UTF-8");
        insta::assert_snapshot!(refused("\u{fffe}A"), @"U+FFFE (noncharacter) as character 1; remove it");
        for none in ['\u{fdd0}', '\u{fdef}', '\u{ffff}', '\u{1fffe}', '\u{4ffff}', '\u{10ffff}'] {
            assert!(checked(&none.to_string()).is_err(), "{none:?}");
        }
        for some in ['\u{fdcf}', '\u{fdf0}', '\u{fffc}', '\u{1fffd}', '\u{20000}', '?'] {
            assert!(checked(&some.to_string()).is_ok(), "{some:?}");
        }
    }

    #[test]
    fn stored_names_that_are_refused_today_are_found() {
        let names = ["Caf\u{fffd}", "Caf", "A\u{ffff}"];
        let found = |wanted| find(names.iter().copied(), |name| name, wanted);
        assert_eq!(found("CAF\u{fffd}"), Some("Caf\u{fffd}"));
        assert_eq!(found("caf"), Some("Caf"));
        assert_eq!(found("a\u{ffff}"), Some("A\u{ffff}"));
    }

    #[test]
    fn invisible_characters_are_shown_as_escapes() {
        assert_eq!(shown("a\n\u{1b}[31m\u{202e}\u{e9}"), "a\\n\\u{1b}[31m\\u{202e}\u{e9}");
        assert!(matches!(shown("plain"), Cow::Borrowed("plain")));
    }
}
