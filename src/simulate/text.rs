//! What a rehearsal came to, as a person reads it in a terminal at most 80 columns wide.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::figures::{counted, grouped, grouped_money, part, percent, span, span_us, whole};
use super::link::faults::FaultCounts;
use super::measure::Latencies;
use super::pace::Pace;
use super::report::SimulationReport;
use super::scenario;
use super::stop::Urgency;

/// How many columns a bar for everything takes.
const BAR_COLUMNS: u64 = 32;
/// Columns that a narrow page does without; the first goes first.
const DISPENSABLE: [&str; 3] = ["p99.9", "p90", "max"];
/// How many violations stand in the verdict; the audit lists them all.
const VIOLATIONS_SHOWN_MAX: usize = 5;
/// The store that is gone when the rehearsal is.
const STORE_IN_MEMORY: &str = "sqlite::memory:";

/// One part of the report: a title and a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is about.
    pub title: &'static str,
    /// The heads of the columns, where they need any.
    pub header: Vec<&'static str>,
    /// The rows; the first column is a name, the others are numbers.
    pub rows: Vec<Vec<String>>,
}

/// Writes the whole report, with tables of at most `width` columns where that can be done; with bold
/// titles and a coloured verdict if `styled`.
#[must_use]
pub fn render(report: &SimulationReport, width: usize, styled: bool) -> String {
    let mut text = String::new();
    let paint = |style: Style, words: &str| {
        if styled { format!("{style}{words}{style:#}") } else { words.to_owned() }
    };
    let colour = if report.audit.passed { AnsiColor::Green } else { AnsiColor::Red };
    for (n, line) in verdict(report).iter().enumerate() {
        let style = if n == 1 { colour.on_default().bold() } else { Style::new().bold() };
        let _ = writeln!(text, "{}", paint(if n < 2 { style } else { Style::new() }, line));
    }
    for block in blocks(report) {
        let _ = writeln!(text, "\n{}", paint(Style::new().bold(), block.title));
        for line in fitted(block, width) {
            let _ = writeln!(text, "{line}");
        }
    }
    let _ = write!(text, "\n{}\n", paint(Style::new().bold(), "Next"));
    for (command, why) in next_steps(report) {
        let _ = writeln!(text, "  {command}\n      {why}");
    }
    text
}

/// What comes first: what was sold, whether the audit passed, and what else must not be missed.
#[must_use]
pub fn verdict(report: &SimulationReport) -> Vec<String> {
    let mut lines = vec![sold(report), audited(report)];
    if report.circumstances.stopped > Urgency::None {
        let (came, planned) = (report.buyers.total, u64::from(report.scenario.buyers));
        lines.push(format!(
            "Stopped before its end: {} of {} buyers had arrived.",
            grouped(came),
            grouped(planned)
        ));
    }
    let failures = &report.circumstances.failures;
    if failures.count > 0 {
        lines.push(format!("{} failed; the first:", counted(failures.count, "call")));
        lines.extend(failures.first.iter().map(|failure| format!("  {failure}")));
    }
    lines
}

/// What was sold to how many, how fast and for how much.
pub(super) fn sold(report: &SimulationReport) -> String {
    let tickets = &report.tickets;
    format!(
        "Sold {} of {} seats to {} buyers in {}, for {}.",
        grouped(tickets.sold),
        grouped(tickets.minted),
        grouped(report.buyers.bought),
        span(report.elapsed_seconds),
        grouped_money(report.revenue),
    )
}

/// Whether the audit passed; if not, what it found first.
pub(super) fn audited(report: &SimulationReport) -> String {
    let audit = &report.audit;
    if audit.passed {
        let examined = audit.checks.iter().map(|check| check.examined).sum();
        let (rules, examined) = (audit.checks.len(), grouped(examined));
        return format!("Audit passed: {rules} rules, {examined} checks; no seat was sold twice.");
    }
    let mut text = audit_failed(report);
    for violation in audit.violations.iter().take(VIOLATIONS_SHOWN_MAX) {
        let _ = write!(text, "\n  {}: {}", violation.rule, violation.detail);
    }
    text
}

/// That the audit failed, and what that can be repeated with.
pub(super) fn audit_failed(report: &SimulationReport) -> String {
    let found = counted(report.audit.violations.len() as u64, "violation");
    format!("AUDIT FAILED: {found}, seed {}.", report.seed)
}

/// The tables of the report.
#[must_use]
pub fn blocks(report: &SimulationReport) -> Vec<Block> {
    let mut blocks = vec![
        setting(report),
        tickets(report),
        course(report),
        buyers(report),
        holds(report),
        latencies(report),
    ];
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
    let pairs = [
        ("event", report.circumstances.slug.clone()),
        ("store", format!("{} ({})", report.store, report.circumstances.engine)),
        ("server", report.target.clone().unwrap_or_default()),
        ("seed", report.seed.to_string()),
        ("speed", speed(report)),
        (
            "throughput",
            format!(
                "{} operations/s, {} at the peak, {} holds/s",
                whole(report.throughput.operations_per_second),
                whole(report.throughput.peak_operations_per_second),
                whole(report.throughput.holds_per_second)
            ),
        ),
    ];
    let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let rows = said.map(|(name, value)| vec![name.to_owned(), value]).collect();
    Block { title: "Rehearsal", header: vec![], rows }
}

fn tickets(report: &SimulationReport) -> Block {
    let t = &report.tickets;
    let all = [
        ("sold", t.sold),
        ("held", t.held),
        ("paying", t.paying),
        ("available", t.available),
        ("blocked", t.blocked),
    ];
    Block { title: "Tickets", header: vec![], rows: shares(&all, t.minted) }
}

fn buyers(report: &SimulationReport) -> Block {
    let b = &report.buyers;
    let all = [
        ("bought", b.bought),
        ("gave up", b.gave_up),
        ("fell silent", b.silent),
        ("crashed", b.crashed),
        ("empty-handed", b.empty_handed),
    ];
    let mut rows = shares(&all, b.total);
    if b.waitlisted > 0 {
        rows.push(share(("waited in line", b.waitlisted), b.total));
        rows.push(share(("  and bought", b.served_from_waitlist), b.waitlisted));
    }
    if b.bots.total > 0 {
        rows.push(share(("bots", b.bots.total), b.total));
        rows.push(share(("  and bought", b.bots.bought), b.bots.total));
        rows.push(share(("  of all sold seats", b.bots.tickets), report.tickets.sold));
    }
    Block { title: "Buyers", header: vec![], rows }
}

fn holds(report: &SimulationReport) -> Block {
    let h = &report.holds;
    let asked = h.started + h.refused_taken + h.refused_limit + h.refused_other;
    let mut rows = shares(
        &[
            ("started", h.started),
            ("refused: taken", h.refused_taken),
            ("refused: limit", h.refused_limit),
            ("refused: other", h.refused_other),
        ],
        asked,
    );
    rows.extend(shares(
        &[("  confirmed", h.confirmed), ("  abandoned", h.abandoned), ("  expired", h.expired)],
        h.started,
    ));
    // What became of the holds that were started belongs beneath them.
    rows.sort_by_key(|row| row[0].starts_with("refused"));
    Block { title: "Holds", header: vec![], rows }
}

/// How the sale went, in buyer time.
fn course(report: &SimulationReport) -> Block {
    let after = |seconds: Option<f64>| seconds.map_or("never".to_owned(), span);
    let (sold, phantom, fairness) =
        (&report.sell_through, &report.phantom_sell_out, &report.fairness);
    let phantom = match phantom.from_seconds {
        None => "none".to_owned(),
        Some(from) => format!("{}, first after {}", span(phantom.seconds), span(from)),
    };
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let rows = vec![
        row("half sold after", after(sold.half_after_seconds)),
        row("sold out after", after(sold.sold_out_after_seconds)),
        row("phantom sell-out", phantom),
        row("most held at once", percent(report.phantom_sell_out.held_share_max)),
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
    Block { title: "Course of the sale", header: vec![], rows }
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
    Block { title: "Faults, on purpose", header: vec![], rows: all.map(row).to_vec() }
}

/// One row each for what occurred.
fn shares(all: &[(&str, u64)], total: u64) -> Vec<Vec<String>> {
    all.iter().filter(|(_, count)| *count > 0).map(|row| share(*row, total)).collect()
}

/// A row: name, count, share and a bar.
fn share((name, count): (&str, u64), total: u64) -> Vec<String> {
    vec![name.to_owned(), grouped(count), part(count, total), bar(count, total)]
}

/// A bar in eighths of a column; anything that is not nothing shows.
fn bar(count: u64, total: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count * BAR_COLUMNS * 8).div_ceil(total.max(1));
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
    Block { title: "Latency", header, rows }
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

/// The lines of a block. Where they are too long, percentiles that others tell most of are left out.
fn fitted(mut block: Block, width: usize) -> Vec<String> {
    let mut dispensable = DISPENSABLE.iter();
    loop {
        let lines: Vec<String> = table(&block).lines().map(|l| l.trim_end().to_owned()).collect();
        let fits = lines.iter().all(|line| line.chars().count() <= width);
        let Some(name) = dispensable.next().filter(|_| !fits) else { return lines };
        if let Some(column) = block.header.iter().position(|header| header == name) {
            block.header.remove(column);
            for row in block.rows.iter_mut().filter(|row| row.len() > column) {
                row.remove(column);
            }
        }
    }
}

fn table(block: &Block) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty();
    table.set_content_arrangement(ContentArrangement::Disabled);
    if !block.header.is_empty() {
        table.set_header(&block.header);
    }
    table.add_rows(&block.rows);
    let last_is_text = block.header.is_empty();
    let columns = table.column_count();
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { 1 }, 1));
        if at > 0 && !(last_is_text && at + 1 == columns) {
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
    let mut steps = vec![(command(report), "the same buyers once more")];
    if report.store != STORE_IN_MEMORY {
        let slug = &report.circumstances.slug;
        let audit = format!("tix audit --event {slug}{store}");
        let watch = format!("tix watch-cdc --event {slug} --from start{store}");
        steps.insert(0, (audit, "prove it again from what is stored"));
        steps.insert(1, (watch, "see every change; without --from, the next one live"));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Violation;
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
            detail: "Floor A/1/1 was sold to two buyers".into(),
        }];
        report.circumstances.stopped = Urgency::WindDown;
        report.buyers.total = 1_234;
        report.circumstances.failures =
            FailureReport { count: 2, first: vec!["start a hold: the disk is full".into()] };
        insta::assert_snapshot!(verdict(&report).join("\n"));
    }

    #[test]
    fn it_fits_into_80_columns_and_is_plain_unless_styled() {
        let plain = render(&sample(), 80, false);
        for line in plain.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
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
        assert_eq!(heads(1).0, "count p50 p99 p99 due", "and no fewer");
    }

    #[test]
    fn a_bar_shows_whatever_is_not_nothing() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(100, 100).chars().count(), 32);
        assert_eq!(bar(50, 100), "█".repeat(16));
    }
}
