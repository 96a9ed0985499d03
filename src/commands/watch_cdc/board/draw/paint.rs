//! The colours and signs of `tix ticket map`, in a window.

use anstyle::AnsiColor;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use crate::commands::ticket::drawing;
use crate::domain::{TicketStatus, name};
use crate::output::Tone;

/// How things look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Whether there is colour.
    pub(super) color: bool,
}

impl Paint {
    /// How a text of this tone is written. Without colour bold is left, which is none.
    pub(super) fn style(self, tone: Tone) -> Style {
        let mut style = Style::new();
        if self.color {
            style.fg = tone.color().map(color);
        }
        if tone.is_bold() { style.add_modifier(Modifier::BOLD) } else { style }
    }

    /// What a stretch of a bar is made of.
    pub(super) const fn brick(self, status: TicketStatus) -> char {
        // Without colour only signs tell one stretch from the next.
        if self.color { '▆' } else { drawing::sign(status) }
    }
}

const fn color(color: AnsiColor) -> Color {
    match color {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}

/// How many columns something takes; a window has no more than this can count.
pub(super) fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> u16 {
    columns(Span::raw(name::shown(text)).width())
}

/// Writes a text into a line of the window, `room` columns at the most; one that is longer ends in
/// an ellipsis. Answers the column behind it.
pub(super) fn put(
    buffer: &mut Buffer,
    (x, y): (u16, u16),
    room: u16,
    text: &str,
    style: Style,
) -> u16 {
    let text = &*name::shown(text);
    if width(text) <= room {
        return buffer.set_stringn(x, y, text, usize::from(room), style).0;
    }
    let (end, _) = buffer.set_stringn(x, y, text, usize::from(room.saturating_sub(1)), style);
    buffer.set_stringn(end, y, "…", usize::from(room.min(1)), style).0
}
