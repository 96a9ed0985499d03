//! What is above the venue: which event it is, how many tickets are in which condition, how fast
//! that changes.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Sparkline, Widget};

use super::paint::{Paint, columns, put, width};
use super::{Light, bar};
use crate::commands::ticket::drawing;
use crate::commands::watch_cdc::board::picture::Picture;
use crate::commands::watch_cdc::board::pulse::{Pulse, SECONDS_KEPT};
use crate::commands::watch_cdc::board::state::{Board, Subject};
use crate::domain::{TicketStatus, name};
use crate::output::{Tone, grouped};

/// Lines beneath the counters: the bar of the whole venue, and the rate.
pub(super) const PULSE_LINES: u16 = 2;

/// Columns between two counters.
const BETWEEN: usize = 3;
/// Lines that counters may take.
const COUNTER_LINES_MAX: usize = 2;

/// The event at the left, the store and the time at the right; what does not fit is left out, the
/// least telling first.
pub(super) fn title(
    area: Rect,
    buffer: &mut Buffer,
    subject: &Subject,
    light: Light,
    paint: Paint,
) {
    let clock = light.now.time_in_zone(&subject.zone);
    let full =
        [&subject.name, " · ", &subject.occasion, "   ", &subject.store, "  ", &clock].concat();
    let no_occasion = [&subject.name, "   ", &subject.store, "  ", &clock].concat();
    let fits = |text: &str| width(text) <= area.width;
    let shown_store = name::shown(&subject.store);
    let store = if fits(&no_occasion) { format!("{shown_store}  ") } else { String::new() };
    let end = Line::from(vec![
        Span::styled(store, paint.style(Tone::Faint)),
        Span::styled(clock, paint.style(Tone::Strong)),
    ]);
    let end_width = columns(end.width());
    let room = area.width.saturating_sub(end_width + 2);
    let at = put(buffer, (area.x, area.y), room, &subject.name, paint.style(Tone::Strong));
    if fits(&full) {
        let occasion = format!(" · {}", subject.occasion);
        put(buffer, (at, area.y), room, &occasion, paint.style(Tone::Plain));
    }
    buffer.set_line(area.right() - end_width.min(area.width), area.y, &end, end_width);
}

/// Says how far the first reading is.
pub(super) fn beginning(area: Rect, buffer: &mut Buffer, progress: (usize, Option<usize>)) {
    let text = match progress {
        (_, None) => "Looking for the sections …".to_owned(),
        (read, Some(all)) if read < all => {
            format!(
                "Reading the venue: {} of {} sections …",
                grouped(read as u64),
                grouped(all as u64)
            )
        }
        _ => "Catching up with the change log …".to_owned(),
    };
    if let Some(y) = area.rows().nth(usize::from(area.height / 2)).map(|row| row.y) {
        let width = width(&text).min(area.width);
        put(buffer, (area.x + (area.width - width) / 2, y), width, &text, Style::new());
    }
}

/// How many tickets are in which condition, and what share of all that is, on one line or two; in
/// fewer words where the window is narrow.
pub(super) fn counters(picture: &Picture, area: Rect, paint: Paint) -> Vec<Line<'static>> {
    let counts = picture.counts();
    let total: u64 = TicketStatus::ALL.iter().map(|status| counts.of(*status)).sum();
    let wordings: [fn(TicketStatus, u64, u64) -> String; 3] = [
        |status, count, total| format!("{status} {}{}", grouped(count), share(count, total)),
        |status, count, _| format!("{status} {}", grouped(count)),
        |_, count, _| grouped(count),
    ];
    let mut lines = Vec::new();
    for wording in wordings {
        lines = wrapped(|status| wording(status, counts.of(status), total), area, paint);
        if lines.len() <= COUNTER_LINES_MAX {
            break;
        }
    }
    lines.truncate(COUNTER_LINES_MAX);
    lines
}

fn wrapped(
    wording: impl Fn(TicketStatus) -> String,
    area: Rect,
    paint: Paint,
) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for status in TicketStatus::ALL {
        let counter = format!("{} {}", drawing::sign(status), wording(status));
        let counter = Span::styled(counter, paint.style(status.into()));
        let last = lines.len() - 1;
        if lines[last].width() == 0 {
            lines[last].push_span(counter);
        } else if lines[last].width() + BETWEEN + counter.width() <= usize::from(area.width) {
            lines[last].push_span(" ".repeat(BETWEEN));
            lines[last].push_span(counter);
        } else {
            lines.push(Line::from(counter));
        }
    }
    lines
}

/// A share of all as it stands behind a number: never rounded to all of it, and none of nothing.
fn share(count: u64, total: u64) -> String {
    match (u128::from(count) * 200 + u128::from(total)).checked_div(u128::from(total) * 2) {
        _ if count == 0 => String::new(),
        Some(0) => " (<1 %)".into(),
        Some(100..) if count < total => " (>99 %)".into(),
        Some(percent) => format!(" ({percent} %)"),
        None => String::new(),
    }
}

/// The counters, the bar of the whole venue, and how fast it changes.
pub(super) fn numbers(
    area: Rect,
    buffer: &mut Buffer,
    board: &Board,
    picture: &Picture,
    counters: Vec<Line<'static>>,
    light: Light,
) {
    let paint = Paint { color: light.color };
    let [top, whole, rate] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)])
            .areas(area);
    for (row, line) in top.rows().zip(counters) {
        line.render(row, buffer);
    }
    bar::draw(whole, buffer, &picture.counts(), paint);
    pulse(rate, buffer, board, light, paint);
}

/// The rate, the last minute, and as of when this is, if that is not now.
fn pulse(area: Rect, buffer: &mut Buffer, board: &Board, light: Light, paint: Paint) {
    let rate = rate_text(&board.pulse);
    let mut x = put(buffer, (area.x, area.y), area.width, &rate, paint.style(Tone::Strong));
    if light.now.since(board.known_until) > light.lag_max {
        let as_of = board.known_until.time_in_zone(&board.subject.zone);
        let text = format!("   as of {as_of}: the change log is behind");
        x = put(buffer, (x, area.y), area.right() - x, &text, paint.style(Tone::Bad));
    }
    let room = area.right().saturating_sub(x + 2).min(columns(SECONDS_KEPT));
    let seconds = board.pulse.seconds();
    let passed = seconds.len().saturating_sub(usize::from(room));
    let line = Rect { x: area.right() - room, width: room, ..area };
    // The present is at the right: where a minute has not passed yet, the left is empty.
    let lacking = usize::from(room).saturating_sub(board.pulse.seconds().len());
    let data: Vec<u64> = std::iter::repeat_n(0, lacking).chain(seconds.skip(passed)).collect();
    Sparkline::default().data(data).style(paint.style(Tone::Free)).render(line, buffer);
}

fn rate_text(pulse: &Pulse) -> String {
    match pulse.in_ten_seconds() {
        few @ 0..100 => format!("{}.{} changes/s", few / 10, few % 10),
        many => format!("{} changes/s", grouped(many / 10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_all() {
        assert_eq!(share(0, 760), "");
        assert_eq!(share(1, 760), " (<1 %)");
        assert_eq!(share(380, 760), " (50 %)");
        assert_eq!(share(759, 760), " (>99 %)");
        assert_eq!(share(760, 760), " (100 %)");
        assert_eq!(share(0, 0), "");
    }
}
