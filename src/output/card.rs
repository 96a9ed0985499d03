//! One thing for people: a label and a value a line.

use std::fmt::Display;

use super::fold::broken;
use super::safe::escaped;
use super::{Page, Tone};

/// A list of labelled values.
#[derive(Debug, Clone, Default)]
pub struct Card {
    lines: Vec<(&'static str, String, Tone)>,
}

impl Card {
    /// A card with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line, unless the value is empty. A label of no letters goes on with the line before.
    #[must_use]
    pub fn line(self, label: &'static str, value: impl Display) -> Self {
        self.toned(label, value, Tone::Plain)
    }

    /// Adds a coloured line, unless the value is empty.
    #[must_use]
    pub fn toned(mut self, label: &'static str, value: impl Display, tone: Tone) -> Self {
        let value = escaped(&value.to_string(), false).into_owned();
        if !value.is_empty() {
            self.lines.push((label, value, tone));
        }
        self
    }

    /// Writes the card, its values in one column, long ones broken between words.
    #[must_use]
    pub fn render(&self, page: &Page) -> String {
        let label_width = self.lines.iter().map(|(label, ..)| label.len()).max().unwrap_or(0);
        let indent = " ".repeat(label_width + 2);
        let mut text = String::new();
        for (label, value, tone) in &self.lines {
            let label = format!("{label:<label_width$}  ");
            text.push_str(&page.paint(Tone::Faint, &label));
            let lines = broken(value, page.width.saturating_sub(indent.len()));
            let painted: Vec<String> = lines.iter().map(|line| page.paint(*tone, line)).collect();
            text.push_str(&painted.join(&format!("\n{indent}")));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    const PAGE: Page = Page { width: 24, color: false, now: Timestamp::from_millis(0) };

    #[test]
    fn values_stand_in_one_column_and_break_between_words() {
        let card = Card::new()
            .line("event", "Arena Night")
            .line("city", "")
            .line("description", "a night of songs");
        assert_eq!(
            card.render(&PAGE),
            "event        Arena Night\ndescription  a night of\n             songs\n"
        );
    }

    #[test]
    fn a_word_longer_than_the_page_stays_whole() {
        let id = "0199a7c2-4c6e-7000-8000-000000000000";
        assert_eq!(Card::new().line("hold", id).render(&PAGE), format!("hold  {id}\n"));
    }
}
