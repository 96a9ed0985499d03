//! What a rehearsal came to as one HTML file: to be forwarded, printed, read on a phone.
//!
//! It needs nothing but itself, and runs nothing. The JSON report is in it, word for word.

use std::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::ink::Ink;
use self::parts::{bar, count_figure, figure, moment_figure, percent_figure, sale_span_figure};
use super::figures::{grouped, grouped_money, time_name, took};
use super::insight::NothingAvailable;
use super::report::{SimulationReport, float};
use super::text;

mod chart;
mod course;
mod crowd;
mod ink;
mod latency;
mod parts;
mod proof;

const STYLE: &str = include_str!("page/style.css");
/// Nothing is loaded and nothing is run, whatever the text in the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// How many violations come first; the audit below lists them all.
const VIOLATIONS_FIRST_MAX: usize = 5;

/// Why a page could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A chart could not be drawn.
    #[error("could not draw a chart")]
    Chart(#[from] chart::Error),
    /// The report could not be written as JSON.
    #[error("could not write the report as JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes the page.
///
/// # Errors
/// A chart could not be drawn: never in memory, as far as is known.
pub fn render(report: &SimulationReport) -> Result<String, Error> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="generator" content={ "tix " (report.tix_version) };
                title { (text::sold(report)) }
                style { (PreEscaped(STYLE)) (PreEscaped(ink::style())) }
            }
            body {
                (PATTERN)
                header { (verdict(report)) }
                main {
                    (key_figures(report))
                    (course::section(report)?)
                    (crowd::became(report))
                    (crowd::fairness(report))
                    (crowd::waiting(report))
                    (crowd::sections(report))
                    (latency::section(report)?)
                    @if let Some(faults) = crowd::faults(report) { (faults) }
                    (proof::audit(report))
                    (proof::scenario(report))
                    (proof::making(report))
                }
                script type="application/json" id="report" { (PreEscaped(embedded(report)?)) }
            }
        }
    };
    Ok(page.into_string())
}

/// The hatching of the phantom sell-out, to which the style sheet refers: it lets statuses through.
const PATTERN: PreEscaped<&str> = PreEscaped(
    "<svg class=\"pattern\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"7\" height=\"7\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"2\" height=\"7\"/>\
     </pattern></defs></svg>",
);

/// The report as JSON that cannot end the element it is in, nor begin another.
fn embedded(report: &SimulationReport) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(report)?;
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            // They occur in texts only, where JSON takes any letter by its number.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            _ => text.push(letter),
        }
    }
    Ok(text)
}

/// What comes first: what was sold, whether that was sound, and what must not be missed.
fn verdict(report: &SimulationReport) -> Markup {
    let audit = &report.audit;
    let lines = text::verdict(report);
    html! {
        p.kind { "Rehearsal of an on-sale" }
        @if report.audit_made && !audit.passed {
            div.failed role="alert" {
                p { (text::audit_failed(report)) }
                (proof::violations(&audit.violations[..audit.violations.len().min(VIOLATIONS_FIRST_MAX)]))
                @if audit.violations.len() > VIOLATIONS_FIRST_MAX { p { a href="#audit" { "All of them" } } }
            }
        }
        @if !report.audit_made { div.failed role="alert" { p { (text::audited(report)) } } }
        h1 { (text::sold(report)) }
        @if audit.passed { p.passed { "✓ " (text::audited(report)) } }
        @if lines.len() > 2 { div.warning { @for line in lines.iter().skip(2) { p { (line) } } } }
        p.note { "The rehearsal took " (took(report)) "." }
        p.note { "Seed " (report.seed) ". The same buyers again: " code { (text::command(report)) } }
    }
}

/// The numbers that are asked for first.
fn key_figures(report: &SimulationReport) -> Markup {
    let (sell_through, phantom) = (&report.sell_through, &report.phantom_sell_out);
    let pace = report.scenario.speed;
    let sold = float(report.tickets.sold);
    let card = |name: &str, value: Markup, about: Markup| {
        html! { div { dt { (name) } dd { strong { (value) } span { (about) } } } }
    };
    let none = phantom.from_seconds.is_none();
    html! {
        section {
            h2.spoken { "Key figures" }
            dl.cards {
                (card(
                    "Tickets sold",
                    percent_figure("/sell_through/share", sell_through.share),
                    html! { (count_figure("/tickets/sold", report.tickets.sold)) " of "
                        (grouped(report.tickets.minted - report.tickets.blocked)) " for sale"
                        (bar(sold, float(report.tickets.minted - report.tickets.blocked), Ink::Sold)) },
                ))
                (card(
                    "Revenue",
                    figure("/revenue", grouped_money(report.revenue)),
                    html! { "from " (count_figure("/buyers/bought", report.buyers.bought)) " buyers" },
                ))
                (card(
                    "Sold out after",
                    moment_figure(pace, "/sell_through/sold_out_after_seconds", sell_through.sold_out_after_seconds),
                    html! { "half after "
                        (moment_figure(pace, "/sell_through/half_after_seconds", sell_through.half_after_seconds))
                        " (" (time_name(report)) ")" },
                ))
                (card(
                    "None available for",
                    match report.nothing_available {
                        NothingAvailable { from_seconds: None, .. } => html! { "never" },
                        NothingAvailable { longest_seconds, .. } =>
                            sale_span_figure(pace, "/nothing_available/longest_seconds", Some(longest_seconds)),
                    },
                    html! {
                        @if report.nothing_available.from_seconds.is_some() { "at the longest; " }
                        "phantom sell-out, under 1 % available while under 50 % sold: "
                        @if none { "none" } @else { (sale_span_figure(pace, "/phantom_sell_out/seconds", Some(phantom.seconds))) }
                    },
                ))
                (card(
                    "Left with nothing",
                    count_figure("/buyers/empty_handed", report.buyers.empty_handed),
                    html! { "of " (count_figure("/buyers/total", report.buyers.total)) " buyers" },
                ))
                (card(
                    "Out of order",
                    percent_figure("/fairness/out_of_order_share", report.fairness.out_of_order_share),
                    html! { "0 % is a queue, 50 % a lottery" },
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests;
