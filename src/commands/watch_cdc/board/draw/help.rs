//! What the keys do.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Widget};

use super::paint::{Paint, columns};
use crate::commands::ticket::drawing;
use crate::commands::watch_cdc::board::view::Focus;
use crate::domain::TicketStatus;
use crate::output::Tone;

const KEYS: [(&str, &str); 7] = [
    ("↑ ↓  j k", "the section before, the next"),
    ("PgUp PgDn", "a page up, down"),
    ("Home End", "the first, the last"),
    ("Tab", "from sections to rows of seats, and back"),
    ("← →  h l", "along rows wider than the window"),
    ("Ctrl-Z", "pause, back to the shell"),
    ("q  Esc  Ctrl-C", "quit"),
];

/// The keys in one line; those that matter most come first.
pub(super) fn footer(area: Rect, buffer: &mut Buffer, focus: Focus, paint: Paint) {
    let (moves, other) = match focus {
        Focus::Sections => ("section", "to seats"),
        Focus::Seats => ("row", "to sections"),
    };
    let keys = [("q", "quit"), ("?", "keys"), ("↑↓", moves), ("Tab", other), ("←→", "along rows")];
    let mut line = Line::default();
    for (key, what) in keys {
        let texts = [Span::styled(key, paint.style(Tone::Strong)), Span::raw(format!(" {what}"))];
        let width: usize = texts.iter().map(Span::width).sum();
        if line.width() + width + 3 > usize::from(area.width) {
            break;
        }
        if line.width() > 0 {
            line.push_span("   ");
        }
        line.extend(texts);
    }
    line.render(area, buffer);
}

/// All keys and signs, above everything else.
pub(super) fn keys(area: Rect, buffer: &mut Buffer, paint: Paint) {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (keys, what) in KEYS {
        lines.push(Line::from(vec![
            Span::styled(format!("{keys:16}"), paint.style(Tone::Strong)),
            Span::raw(what),
        ]));
    }
    lines.push(Line::default());
    let signs = TicketStatus::ALL.into_iter().flat_map(|status| {
        let sign = format!("{} {status}   ", drawing::sign(status));
        [Span::styled(sign, paint.style(status.into()))]
    });
    lines.push(signs.collect());
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 4;
    let height = lines.len() + 2;
    let length = |length| Constraint::Length(columns(length));
    let area = area.centered(length(width), length(height));
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .padding(Padding::horizontal(1))
        .title(" Keys ");
    Paragraph::new(lines).block(block).render(area, buffer);
}
