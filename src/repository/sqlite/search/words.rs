//! From what people type to expressions of the full-text index.
//!
//! Whatever is typed ends up inside of quotes, where nothing has a meaning but a quote, of which
//! none is left. The index itself parts such a text into words and drops case and accents.

use crate::domain::EventQuery;
use crate::domain::event_search::WORDS_MAX;

/// An event must have all of these words, the last of which may be the beginning of one; none where
/// no words are asked for.
pub(super) fn of_text(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    Some(quoted_words(text).join(" AND ") + " *")
}

/// An event must have all of these words.
pub(super) fn of_preference(text: &str) -> String {
    quoted_words(text).join(" AND ")
}

/// What must be in certain columns; none where that is not asked for.
pub(super) fn of_filters(query: &EventQuery) -> Option<String> {
    let begins = |column: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!("{column} : ^ {}", quoted(text)))
    };
    let any = |column: &str, texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        (!texts.is_empty()).then(|| format!("{column} : ({})", texts.join(" OR ")))
    };
    let filters = [
        begins("city", &query.city),
        begins("event_type", &query.event_type),
        any("performers", &query.performers),
    ];
    let filters: Vec<String> =
        filters.into_iter().flatten().map(|filter| format!("({filter})")).collect();
    (!filters.is_empty()).then(|| filters.join(" AND "))
}

/// The words of a text, each in quotes. One quoted word that no event has, where there is not a
/// single letter or digit in the text.
fn quoted_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric));
    let mut words: Vec<String> = words.take(WORDS_MAX).map(quoted).collect();
    if words.is_empty() {
        words.push(quoted(""));
    }
    words
}

/// A text in quotes, which the index reads as words that follow each other.
fn quoted(text: &str) -> String {
    let plain = |letter: char| if letter == '"' || letter.is_control() { ' ' } else { letter };
    format!("\"{}\"", text.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_quoted_and_the_last_may_go_on() {
        assert_eq!(of_text("hamlet lon").unwrap(), r#""hamlet" AND "lon" *"#);
        assert_eq!(of_text("  "), None);
    }

    #[test]
    fn what_is_typed_is_never_an_operator() {
        assert_eq!(
            of_text(r#"a" OR "b NEAR(x) -c * ^d"#).unwrap(),
            r#""a " AND "OR" AND " b" AND "NEAR(x)" AND "-c" AND "^d" *"#
        );
        assert_eq!(of_text("* - \"").unwrap(), r#""" *"#);
        assert_eq!(of_preference("a\0b"), r#""a b""#);
    }

    #[test]
    fn filters_name_their_column() {
        let query = EventQuery {
            city: Some("New York".into()),
            performers: vec!["Ann".into(), "Bob) OR (\"".into()],
            ..EventQuery::default()
        };
        assert_eq!(
            of_filters(&query).unwrap(),
            r#"(city : ^ "New York") AND (performers : ("Ann" OR "Bob) OR ( "))"#
        );
        assert_eq!(of_filters(&EventQuery::default()), None);
    }
}
