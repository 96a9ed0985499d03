//! What a rehearsal came to, as a person reads it in a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::breakdown::{self, Breakdown, Part};
use super::figures::{
    AT_ONCE, counted, grouped, grouped_money, latency_kind, part, percent, sale_moment, sale_span,
    span, span_us, throughput, time_name, took,
};
use super::link::faults::FaultCounts;
use super::measure::Latencies;
use super::pace::Pace;
use super::report::SimulationReport;
use super::scenario;
use crate::output::fold::{self, folded};
use crate::output::table::left_out;

/// How many columns a bar for everything takes, on a wide page and at least; a page with less room
/// has none.
const BAR_COLUMNS: usize = 32;
const BAR_COLUMNS_MIN: usize = 8;
/// How many columns what stands in front of a bar takes.
const WORDS_COLUMNS: usize = 44;
/// Columns that a narrow page does without; the first goes first.
const DISPENSABLE: [&str; 5] = ["p99.9", "p90", "max", "p99 due", "count"];
/// What the lines below a title and the reasons for a command begin with.
const INDENT: &str = "  ";
const REASON_INDENT: &str = "      ";
/// How many violations stand in the verdict; the audit lists them all.
const VIOLATIONS_SHOWN_MAX: usize = 5;
/// The store that is gone when the rehearsal is.
const STORE_IN_MEMORY: &str = "sqlite::memory:";

/// One part of the report: a title and a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is about.
    pub title: String,
    /// The heads of the columns, where they need any.
    pub header: Vec<&'static str>,
    /// The rows; the first column is a name, the others are numbers.
    pub rows: Vec<Vec<String>>,
}

/// Writes the whole report for a page of `width` columns: sentences and commands are folded, figures
/// that others tell most of are left out; with bold titles and a coloured verdict if `styled`.
#[must_use]
pub fn render(report: &SimulationReport, width: usize, styled: bool) -> String {
    let mut text = String::new();
    let paint = |style: Style, words: &str| {
        if styled { format!("{style}{words}{style:#}") } else { words.to_owned() }
    };
    let colour = if report.audit.passed { AnsiColor::Green } else { AnsiColor::Red };
    for (n, line) in verdict(report).iter().enumerate() {
        let style = if n == 1 { colour.on_default().bold() } else { Style::new().bold() };
        let line = paint(if n < 2 { style } else { Style::new() }, line);
        let _ = writeln!(text, "{}", folded(&line, width));
    }
    for block in blocks(report, width) {
        let title = paint(Style::new().bold(), &block.title);
        let _ = writeln!(text, "\n{}", folded(&title, width));
        let (lines, dropped) = fitted(block, width);
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        text.push_str(&left_out(dropped, width, styled));
    }
    let _ = write!(text, "\n{}\n", paint(Style::new().bold(), "Next"));
    for (command, why) in next_steps(report) {
        for line in fold::command(&command, width.saturating_sub(INDENT.len())) {
            let _ = writeln!(text, "{INDENT}{line}");
        }
        let _ = writeln!(text, "{}", folded(&format!("{REASON_INDENT}{why}"), width));
    }
    text
}

/// What comes first: what was sold, whether the audit passed, and what else must not be missed.
#[must_use]
pub fn verdict(report: &SimulationReport) -> Vec<String> {
    let mut lines = vec![sold(report), audited(report)];
    if report.sold.unanswered > 0 {
        lines.push(format!(
            "{} of these seats were sold without their buyer getting the answer.",
            grouped(report.sold.unanswered)
        ));
    }
    lines.extend(outage(report));
    if report.interrupted {
        let (came, planned) = (report.buyers.total, u64::from(report.scenario.buyers));
        lines.push(format!(
            "Stopped before its end: {} of {} buyers had arrived.",
            grouped(came),
            grouped(planned)
        ));
    }
    let failures = &report.circumstances.failures;
    if failures.count > 0 {
        lines.push(format!("{} failed for good; the first:", counted(failures.count, "call")));
        lines.extend(failures.first.iter().map(|failure| format!("  {failure}")));
    }
    lines
}

/// When the store, or the server, did not answer.
fn outage(report: &SimulationReport) -> Vec<String> {
    let Some(outage) = &report.outages else { return vec![] };
    let end = if outage.unended { ", nor at the end" } else { "" };
    vec![
        format!(
            "No answer from the {} for {} (clock time), from {} on{end}:",
            if report.target.is_some() { "server" } else { "store" },
            span(outage.seconds),
            span(outage.first_after_seconds),
        ),
        format!("  {}", outage.why),
        format!("  {} sent again.", counted(outage.asked_again, "request")),
    ]
}

/// What this rehearsal sold, to how many buyers and for how much.
pub(super) fn sold(report: &SimulationReport) -> String {
    let (sold, tickets) = (&report.sold, &report.tickets);
    let (seats, buyers) = (counted(sold.tickets, "seat"), counted(report.buyers.bought, "buyer"));
    let (revenue, minted) = (grouped_money(sold.revenue), counted(tickets.minted, "seat"));
    let before = tickets.sold.saturating_sub(sold.tickets);
    if !report.read_at_end {
        return format!("Sold {seats} or more to {buyers} for {revenue}, as buyers were answered.");
    }
    if before > 0 {
        let before = grouped(before);
        return format!(
            "Sold {seats} to {buyers} for {revenue}; {before} of {minted} were sold before."
        );
    }
    format!("Sold {} of {minted} to {buyers} for {revenue}.", grouped(sold.tickets))
}

/// Whether the audit passed; if not, what it found first.
pub(super) fn audited(report: &SimulationReport) -> String {
    let audit = &report.audit;
    if let Some(why) = &report.audit_not_made_because {
        return format!("AUDIT NOT MADE: {why}.");
    }
    if audit.passed {
        let examined = audit.checks.iter().map(|check| check.examined).sum();
        let (rules, examined) = (audit.checks.len(), grouped(examined));
        return format!("Audit passed: {rules} rules, {examined} checks; no seat was sold twice.");
    }
    let mut text = audit_failed(report);
    for violation in audit.violations.iter().take(VIOLATIONS_SHOWN_MAX) {
        let _ = write!(text, "\n  {}: {}", violation.rule, violation.sentence());
    }
    text
}

/// That the audit failed, and what that can be repeated with.
pub(super) fn audit_failed(report: &SimulationReport) -> String {
    let found = counted(report.audit.violations.len() as u64, "violation");
    format!("AUDIT FAILED: {found}, seed {}.", report.seed)
}

/// The tables of the report, for a page of `width` columns.
#[must_use]
pub fn blocks(report: &SimulationReport, width: usize) -> Vec<Block> {
    let mut blocks = vec![setting(report), course(report)];
    let tables = breakdown::all(report);
    blocks.extend(tables.iter().map(|table| shares(table, report, width)));
    blocks.push(latencies(report));
    blocks.extend(report.faults.as_ref().map(faults));
    blocks
}

/// How buyer time went by.
pub(super) fn speed(report: &SimulationReport) -> String {
    match report.scenario.speed {
        _ if report.virtual_time => "by a virtual clock".to_owned(),
        Pace::Factor(factor) => format!("{factor} s of buyer time per second"),
        Pace::Max => "max, without pauses".to_owned(),
    }
}

fn setting(report: &SimulationReport) -> Block {
    let [operations, peak, holds, second] = throughput(report);
    let pairs = [
        ("event", report.circumstances.slug.clone()),
        ("store", format!("{} ({})", report.store, report.circumstances.engine)),
        ("server", report.target.clone().unwrap_or_default()),
        ("seed", report.seed.to_string()),
        ("speed", speed(report)),
        ("took", took(report)),
        ("throughput", format!("{operations} operations/s, {peak} at the peak, {holds} holds/s")),
        (" ", format!("({second})")),
    ];
    let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let rows = said.map(|(name, value)| vec![name.to_owned(), value]).collect();
    Block { title: "Rehearsal".into(), header: vec![], rows }
}

/// How the sale went.
fn course(report: &SimulationReport) -> Block {
    let pace = report.scenario.speed;
    let span = |seconds| sale_span(pace, seconds);
    let after = |seconds: Option<f64>| {
        seconds.map_or("never".to_owned(), |seconds| sale_moment(pace, seconds))
    };
    let first = |seconds| match sale_moment(pace, seconds) {
        at_once if at_once == AT_ONCE => format!("first {AT_ONCE}"),
        moment => format!("first after {moment}"),
    };
    let (sold, phantom, fairness) =
        (&report.sell_through, &report.phantom_sell_out, &report.fairness);
    let nothing = &report.nothing_available;
    let phantom_spans = match phantom.from_seconds {
        None => "none".to_owned(),
        Some(from) => format!("{}, {}", span(phantom.seconds), first(from)),
    };
    let (nothing, nothing_in_all) = match nothing.from_seconds {
        None => ("never".to_owned(), String::new()),
        Some(from) => (
            format!("{} at the longest, {}", span(nothing.longest_seconds), first(from)),
            format!("{} in all; ", span(nothing.seconds)),
        ),
    };
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let note = |words: &str| row("", words.to_owned());
    let rows = vec![
        row("50 % sold after", after(sold.half_after_seconds)),
        row("sold out after", after(sold.sold_out_after_seconds)),
        note("(99 % of those for sale)"),
        row("none available", nothing),
        note(&format!("({nothing_in_all}sold, held or paying)")),
        row("phantom sell-out", phantom_spans),
        note("(under 1 % available, under 50 % sold)"),
        row("peak held share", format!("{} of those for sale", percent(phantom.held_share_max))),
        row("read every", span(report.timeline.step_seconds)),
        row("out of order", format!("{} of pairs", percent(fairness.out_of_order_share))),
        row(
            "overtaken by",
            format!(
                "{} (median), {} (one in ten), {} at most",
                grouped(fairness.overtaken_p50),
                grouped(fairness.overtaken_p90),
                grouped(fairness.overtaken_max)
            ),
        ),
    ];
    Block { title: format!("Course of the sale, in {}", time_name(report)), header: vec![], rows }
}

/// What went wrong on purpose.
fn faults(faults: &FaultCounts) -> Block {
    let all = [
        ("connections refused", faults.connections_refused),
        ("answers lost", faults.answers_lost),
        ("buyers crashed", faults.crashes),
        ("stalls", faults.stalls),
    ];
    let row = |(name, count): (&str, u64)| vec![name.to_owned(), grouped(count)];
    Block { title: "Injected faults".into(), header: vec![], rows: all.map(row).to_vec() }
}

/// A whole and those of its parts that occurred; the last row is the whole.
fn shares(table: &Breakdown, report: &SimulationReport, width: usize) -> Block {
    let columns = width.saturating_sub(WORDS_COLUMNS).min(BAR_COLUMNS);
    let columns = if columns < BAR_COLUMNS_MIN { 0 } else { columns };
    let (total, share) = (table.total, |count| part(count, table.total));
    let occurred = table.parts.iter().filter(|part| part.count > 0);
    let row = |part: &Part| {
        let bar = bar(part.count, total, columns);
        vec![part.name.to_owned(), grouped(part.count), share(part.count), bar]
    };
    let mut rows: Vec<_> = occurred.map(row).collect();
    rows.push(vec![table.whole.to_owned(), grouped(total), share(total), String::new()]);
    let bots = &report.buyers.bots;
    if table.pointer == "/buyers/bots/total" {
        let of_sold = format!("{} of all sold seats", part(bots.tickets, report.tickets.sold));
        let of_sold = if columns > 0 { of_sold } else { String::new() };
        rows.push(vec!["seats bought".into(), grouped(bots.tickets), String::new(), of_sold]);
    }
    let title = format!("{} (% of {})", table.title, table.whole);
    Block { title, header: vec![], rows }
}

/// A bar in eighths of a column; anything that is not nothing shows.
fn bar(count: u64, total: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count * columns as u64 * 8).div_ceil(total.max(1));
    let full = usize::try_from(eighths / 8).unwrap_or(0);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    "█".repeat(full) + EIGHTHS[rest]
}

fn latencies(report: &SimulationReport) -> Block {
    let mut rows = Vec::new();
    let mut operation = "";
    for measured in &report.operations {
        if operation != measured.name && measured.outcome != "ok" {
            rows.push(vec![measured.name.to_owned()]);
        }
        operation = measured.name;
        rows.push(latency_row(measured));
    }
    let header = vec!["", "count", "p50", "p90", "p99", "p99.9", "max", "p99 due"];
    let title = format!("Latency, {}", latency_kind(report));
    Block { title, header, rows }
}

fn latency_row(measured: &Latencies) -> Vec<String> {
    let name = match measured.outcome {
        "ok" => measured.name.to_owned(),
        outcome => format!("  {outcome}"),
    };
    let times = [
        measured.p50_us,
        measured.p90_us,
        measured.p99_us,
        measured.p999_us,
        measured.max_us,
        measured.due_p99_us,
    ];
    let times = times.map(|us| span_us(us).replace(' ', ""));
    [name, grouped(measured.count)].into_iter().chain(times).collect()
}

/// The lines of a block, and how many of its columns are left out of them because they have no room.
fn fitted(mut block: Block, width: usize) -> (Vec<String>, usize) {
    let mut dispensable = DISPENSABLE.iter();
    let mut dropped = 0;
    loop {
        let lines: Vec<String> =
            table(&block, width).lines().map(|line| line.trim_end().to_owned()).collect();
        let fits = lines.iter().all(|line| line.chars().count() <= width);
        let Some(name) = dispensable.next().filter(|_| !fits) else { return (lines, dropped) };
        if let Some(column) = block.header.iter().position(|header| header == name) {
            block.header.remove(column);
            dropped += 1;
            for row in block.rows.iter_mut().filter(|row| row.len() > column) {
                row.remove(column);
            }
        }
    }
}

/// Lays a block out. Where it has no heads, its last column is text, which is folded to the width.
fn table(block: &Block, width: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    table.set_content_arrangement(ContentArrangement::Disabled);
    let last_is_text = block.header.is_empty();
    if last_is_text {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    } else {
        table.set_header(&block.header);
    }
    table.add_rows(&block.rows);
    let columns = table.column_count();
    for (at, column) in table.column_iter_mut().enumerate() {
        let is_last = at + 1 == columns;
        column.set_padding((if at == 0 { 2 } else { 1 }, u16::from(!is_last)));
        if !(last_is_text && is_last) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if at > 0 && !(last_is_text && is_last) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The command that sends the same buyers once more.
#[must_use]
pub fn command(report: &SimulationReport) -> String {
    let SimulationReport { scenario, seed, circumstances, .. } = report;
    let (event, target) = (&circumstances.event_option, &circumstances.target_option);
    let store = &circumstances.store_option;
    let again = if event.is_empty() {
        scenario::command(scenario, *seed, report.virtual_time)
    } else {
        scenario::command_at_event(scenario, *seed)
    };
    format!("{again}{event}{target}{store}")
}

/// What to do now: the command and why.
fn next_steps(report: &SimulationReport) -> Vec<(String, &'static str)> {
    let store = &report.circumstances.store_option;
    let mut steps = vec![(command(report), "the same buyers again")];
    if report.store != STORE_IN_MEMORY {
        let slug = &report.circumstances.slug;
        let audit = format!("tix audit --event {slug}{store}");
        let watch = format!("tix watch-cdc --event {slug} --from start{store}");
        let why = if report.audit_made {
            "prove it again from what is stored"
        } else {
            "prove it, once the store answers again"
        };
        steps.insert(0, (audit, why));
        steps.insert(1, (watch, "see every change; without --from, the next one live"));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Violation;
    use crate::simulate::outage::OutageReport;
    use crate::simulate::sale::FailureReport;
    use crate::simulate::sample::report as sample;

    #[test]
    fn a_person_reads_it_from_the_verdict_to_what_to_do_next() {
        insta::assert_snapshot!(render(&sample(), 80, false));
    }

    #[test]
    fn what_went_wrong_comes_first_too() {
        let mut report = sample();
        report.audit.passed = false;
        report.audit.violations = vec![Violation {
            rule: "sold_once",
            ticket_id: None,
            seat: None,
            detail: "Floor A/1/1 was sold to two buyers".into(),
        }];
        report.interrupted = true;
        report.buyers.total = 1_234;
        report.circumstances.failures =
            FailureReport { count: 2, first: vec!["start a hold: the disk is full".into()] };
        insta::assert_snapshot!(verdict(&report).join("\n"));
    }

    #[test]
    fn outage_and_audit_that_was_not_made_come_first() {
        let mut report = sample();
        report.audit = crate::audit::AuditReport::default();
        report.audit_made = false;
        report.audit_not_made_because = Some("connection refused".into());
        report.read_at_end = false;
        report.outages = Some(OutageReport {
            count: 1,
            seconds: 120.0,
            longest_seconds: 120.0,
            first_after_seconds: 14.2,
            asked_again: 4_120,
            unended: true,
            why: "could not read the map of a section: connection refused".into(),
        });
        insta::assert_snapshot!(verdict(&report).join("\n"), @r"
        Sold 8,900 seats or more to 3,682 buyers for 766,021.00 EUR, as buyers were answered.
        AUDIT NOT MADE: connection refused.
        No answer from the store for 2 min 00 s (clock time), from 14.2 s on, nor at the end:
          could not read the map of a section: connection refused
          4,120 requests sent again.
        ");
        assert!(render(&report, 80, false).contains("once the store answers again"));
    }

    #[test]
    fn every_figure_says_by_which_clock_it_goes() {
        let mut report = sample();
        let said = |report: &SimulationReport, words: &[&str]| {
            let text = render(report, 80, false);
            for words in words {
                assert!(text.contains(words), "{words}: {text}");
            }
        };
        said(&report, &["took        38.2 s of clock time, ", " of buyer time\n"]);
        said(&report, &["(seconds of clock time)", "Course of the sale, in buyer time"]);
        said(&report, &["Latency, measured, in clock time"]);
        report.virtual_time = true;
        said(
            &report,
            &["took        38 s of buyer time, by a virtual clock", "Latency, modeled by"],
        );
        said(&report, &["(seconds of virtual time, modeled)"]);
        report.virtual_time = false;
        report.scenario.speed = Pace::Max;
        said(&report, &["took        38.2 s of clock time; without pauses", "sale, in clock time"]);
    }

    #[test]
    fn seats_sold_before_the_run_are_not_counted_as_its_own() {
        let mut report = sample();
        report.sold.tickets = 900;
        assert_eq!(
            sold(&report),
            "Sold 900 seats to 3,682 buyers for 766,021.00 EUR; 8,000 of 10,000 seats were sold before."
        );
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let mut report = sample();
        report.store = "sqlite:/srv/a folder/of/shows/tix.db".into();
        report.circumstances.store_option = " --store 'sqlite:/srv/a folder/tix.db'".into();
        for width in [40, 60, 80, 120] {
            for virtual_time in [false, true] {
                report.virtual_time = virtual_time;
                for line in render(&report, width, false).lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn narrow_page_folds_text_and_says_what_it_leaves_out() {
        insta::assert_snapshot!(render(&sample(), 60, false));
    }

    #[test]
    fn it_is_plain_unless_styled() {
        let plain = render(&sample(), 80, false);
        assert!(!plain.contains('\u{1b}'));
        assert!(render(&sample(), 80, true).contains('\u{1b}'));
    }

    #[test]
    fn a_narrow_page_has_fewer_percentiles() {
        let heads = |width| {
            let text = render(&sample(), width, false);
            let line = text.lines().find(|line| line.contains("p99 due")).unwrap().to_owned();
            (line.split_whitespace().collect::<Vec<_>>().join(" "), line.chars().count())
        };
        let (all, width) = heads(80);
        assert_eq!(all, "count p50 p90 p99 p99.9 max p99 due");
        let (fewer, narrower) = heads(width - 1);
        assert_eq!(fewer, "count p50 p90 p99 max p99 due");
        assert_eq!(heads(narrower).0, fewer);
        assert_eq!(heads(narrower - 1).0, "count p50 p99 max p99 due");
    }

    #[test]
    fn a_bar_shows_whatever_is_not_nothing() {
        assert_eq!(bar(0, 100, 32), "");
        assert_eq!(bar(1, 1_000_000, 32), "▏");
        assert_eq!(bar(100, 100, 32).chars().count(), 32);
        assert_eq!(bar(50, 100, 32), "█".repeat(16));
    }
}
