//! The small parts that the page is put together from: figures, bars, rows.
//!
//! A figure carries, as `data-figure`, where its value stands in the JSON report (RFC 6901), so that
//! what a person reads and what a script reads can be held against each other.

use std::fmt::Display;

use maud::{Markup, html};

use super::ink::Ink;
use crate::simulate::breakdown::{Breakdown, Part, Tint};
use crate::simulate::figures::{AT_ONCE, grouped, part, percent, sale_moment, sale_span, span_us};
use crate::simulate::pace::Pace;
use crate::simulate::report::float;

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

/// A span of the sale in seconds; none where it never came to it.
pub(super) fn sale_span_figure(pace: Pace, pointer: impl Display, seconds: Option<f64>) -> Markup {
    figure(pointer, seconds.map_or(NEVER.to_owned(), |seconds| sale_span(pace, seconds)))
}

/// When something came to be, in seconds; none where it never did.
pub(super) fn moment_figure(pace: Pace, pointer: impl Display, seconds: Option<f64>) -> Markup {
    figure(pointer, seconds.map_or(NEVER.to_owned(), |seconds| sale_moment(pace, seconds)))
}

/// When something came to be for the first time: `first after 12 s`, `first at once`.
pub(super) fn first_figure(pace: Pace, pointer: impl Display, seconds: f64) -> Markup {
    let moment = sale_moment(pace, seconds);
    html! { "first " @if moment != AT_ONCE { "after " } (figure(pointer, moment)) }
}

pub(super) fn micros_figure(pointer: impl Display, micros: u64) -> Markup {
    figure(pointer, span_us(micros))
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

/// A whole and its parts, with bars; the last row is the whole.
pub(super) fn shares(table: &Breakdown) -> Markup {
    let count = |part: &Part| {
        let plain = || html! { (grouped(part.count)) };
        part.pointer.map_or_else(plain, |pointer| count_figure(pointer, part.count))
    };
    html! {
        table.shares {
            caption { (table.title) " " small { "% of " (table.whole) } }
            thead.spoken { tr {
                th scope="col" { "what" } th scope="col" { "how many" } th scope="col" { "share" }
            } }
            tbody {
                @for row in table.parts.iter().filter(|part| part.count > 0) {
                    tr {
                        th scope="row" { (row.name) }
                        td { (count(row)) }
                        td { (part(row.count, table.total)) }
                        td.bars { (bar(float(row.count), float(table.total), ink(row.tint))) }
                    }
                }
                tr.whole {
                    th scope="row" { (table.whole) }
                    td { (count_figure(table.pointer, table.total)) }
                    td { (part(table.total, table.total)) }
                    td.bars {}
                }
            }
        }
    }
}

const fn ink(tint: Tint) -> Ink {
    match tint {
        Tint::Plain => Ink::First,
        Tint::Refused => Ink::Second,
        Tint::Sold => Ink::Sold,
        Tint::Held => Ink::Held,
        Tint::Paying => Ink::Paying,
        Tint::Available => Ink::Muted,
        Tint::Blocked => Ink::Blocked,
    }
}
