//! The small parts that the page is put together from: figures, bars, rows.
//!
//! A figure carries, as `data-figure`, where its value stands in the JSON report (RFC 6901), so that
//! what a person reads and what a script reads can be held against each other.

use std::fmt::Display;

use maud::{Markup, html};

use super::ink::Ink;
use crate::simulate::figures::{grouped, part, percent, span, span_us};
use crate::simulate::pace::Pace;
use crate::simulate::report::{SimulationReport, float};

/// What stands where something never happened, as in the terminal.
const NEVER: &str = "never";

/// A figure as people read it, and where it comes from.
pub(super) fn figure(pointer: impl Display, text: impl Display) -> Markup {
    html! { span.figure data-figure=(pointer) { (text) } }
}

pub(super) fn count_figure(pointer: impl Display, count: u64) -> Markup {
    figure(pointer, grouped(count))
}

pub(super) fn percent_figure(pointer: impl Display, share: f64) -> Markup {
    figure(pointer, percent(share))
}

/// A span in seconds; none where it never came to it.
pub(super) fn span_figure(pointer: impl Display, seconds: Option<f64>) -> Markup {
    figure(pointer, seconds.map_or(NEVER.to_owned(), span))
}

pub(super) fn micros_figure(pointer: impl Display, micros: u64) -> Markup {
    figure(pointer, span_us(micros))
}

/// What the times of the report are called: without pauses there is no buyer time.
pub(super) fn time_name(report: &SimulationReport) -> &'static str {
    match report.scenario.speed {
        Pace::Factor(_) => "buyer time",
        Pace::Max => "clock time",
    }
}

/// A bar for a part of a whole; anything that is not nothing shows.
pub(super) fn bar(part: f64, whole: f64, ink: Ink) -> Markup {
    let share = if whole > 0.0 { (100.0 * part / whole).clamp(0.0, 100.0) } else { 0.0 };
    let width = if part > 0.0 { share.max(0.8) } else { 0.0 };
    html! {
        svg.bar aria-hidden="true" {
            rect.rail width="100%" height="100%" {}
            rect width={ (format_args!("{width:.2}")) "%" } height="100%"
                style={ "fill:var(--" (ink.name()) ")" } {}
        }
    }
}

/// A row of a table of shares.
pub(super) struct Share {
    pub(super) name: &'static str,
    pub(super) pointer: &'static str,
    pub(super) count: u64,
    pub(super) of: u64,
    /// Whether it is a part of the row above it.
    pub(super) within: bool,
    pub(super) ink: Ink,
}

impl Share {
    /// A row of its own.
    pub(super) const fn of(
        (name, pointer): (&'static str, &'static str),
        (count, of): (u64, u64),
        ink: Ink,
    ) -> Self {
        Self { name, pointer, count, of, within: false, ink }
    }

    /// A part of the row above it.
    pub(super) const fn within(self) -> Self {
        Self { within: true, ..self }
    }
}

/// A table of what occurred, with bars.
pub(super) fn shares(caption: &str, rows: &[Share]) -> Markup {
    html! {
        table.shares {
            caption { (caption) }
            thead.spoken { tr {
                th scope="col" { "what" } th scope="col" { "how many" } th scope="col" { "share" }
            } }
            tbody {
                @for row in rows.iter().filter(|row| row.count > 0) {
                    tr {
                        th.within[row.within] scope="row" { (row.name) }
                        td { (count_figure(row.pointer, row.count)) }
                        td { (part(row.count, row.of)) }
                        td.bars { (bar(float(row.count), float(row.of), row.ink)) }
                    }
                }
                @if rows.iter().all(|row| row.count == 0) { tr { td { "none" } } }
            }
        }
    }
}
