//! `tix audit`.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Context, local_time, pick};
use crate::audit::{self, AuditReport, History};
use crate::cli::AuditArgs;
use crate::domain::Event;
use crate::error::{Error, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted, grouped};
use crate::repository::{Access, Repaired, Repository};

/// Audits an event, or all of them; repairs them before, if asked to.
///
/// # Errors
/// The store or the history cannot be read, or a rule is broken.
pub async fn run(context: &Context, args: &AuditArgs) -> Result<()> {
    let history = told(args.history.as_deref())?;
    let event = match &args.event {
        None => None,
        Some(name) => {
            let found = context
                .with_store(Access::Existing, async |store| pick::event(store, Some(name)).await);
            Some(found.await?)
        }
    };
    let (mut repaired, mut failed) = (None, None);
    if args.repair {
        let repair = async |store: &dyn Repository| repair(store, event.as_ref()).await;
        match context.with_store(Access::Existing, repair).await {
            Ok((mended, fault)) => {
                // That nothing needed repair is not known where a repair failed.
                let is_known = fault.is_none() || mended != Mended::default();
                (repaired, failed) = (is_known.then_some(mended), fault);
            }
            // What cannot be repaired is what the audit is for.
            Err(error) => failed = Some(error),
        }
    }
    let zone = event.as_ref().map_or_else(local_time::machine_zone, |event| Ok(event.zone()))?;
    let event_id = event.map(|event| event.event_id);
    let mut report = audit::run(&context.store, event_id, Arc::new(history)).await?;
    let found = &mut report.violations;
    if !found.is_empty()
        && let Ok(store) = context.open(Access::Existing).await
    {
        audit::name_seats(found, &*store, event_id).await;
        store.close().await;
    }
    let violations = report.violations.len() as u64;
    let printed = context.print(&Audit { report, repaired, zone });
    match (violations, failed) {
        (0, None) => printed,
        (0, Some(error)) => printed.and(Err(error)),
        (_, failed) => {
            if let Some(error) = failed {
                context.terminal.notice(format_args!("the repair failed: {error}"));
            }
            // A violation counts more than a report that cannot be read.
            if let Err(error) = printed {
                let causes = error.causes().join(": ");
                context.terminal.notice(format_args!("{error}: {causes}"));
            }
            Err(Error::Violation(violations))
        }
    }
}

/// Repairs every event that can be repaired; returns the first failure beside what was done.
async fn repair(store: &dyn Repository, event: Option<&Event>) -> Result<(Mended, Option<Error>)> {
    let events = match event {
        Some(event) => vec![event.clone()],
        None => store.events().await?,
    };
    let mut mended = Mended::default();
    let mut failed = None;
    for event in events.iter().filter(|event| event.minted) {
        match store.repair(event.event_id).await {
            Ok(repaired) => {
                for fault in &repaired.faults {
                    tracing::warn!(target: "tix::notice", "{fault}");
                }
                mended.add(&repaired);
            }
            Err(error) => {
                failed.get_or_insert(Error::from(error));
            }
        }
    }
    Ok((mended, failed))
}

/// How much a repair mended.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Mended {
    /// Overdue payments that were given up.
    payments_given_up: u64,
    /// Decisions about payments and refunds that were followed to their end.
    decisions_followed: u64,
    /// Holds that were given up, and whose tickets came free.
    holds_freed: u64,
    /// Tickets that were shown in a condition that they no longer had.
    tickets_shown: u64,
    /// Events that said wrongly that they have tickets left, or none.
    events_marked: u64,
}

impl Mended {
    fn add(&mut self, repaired: &Repaired) {
        self.payments_given_up += repaired.given_up.len() as u64;
        self.decisions_followed += repaired.followed.len() as u64;
        self.holds_freed += repaired.freed.len() as u64;
        self.tickets_shown += repaired.shown.len() as u64;
        self.events_marked += u64::from(repaired.on_sale.is_some());
    }

    fn text(&self) -> String {
        let done = [
            (self.payments_given_up, "overdue payment", "aborted"),
            (self.decisions_followed, "decision", "completed"),
            (self.holds_freed, "abandoned hold", "released"),
            (self.tickets_shown, "ticket status", "corrected"),
            (self.events_marked, "event mark", "corrected"),
        ];
        let done = done.into_iter().filter(|(count, ..)| *count > 0);
        let done: Vec<_> =
            done.map(|(count, what, how)| format!("{} {how}", counted(count, what))).collect();
        match done.as_slice() {
            [] => "repaired: nothing needed repair\n".into(),
            done => format!("repaired: {}\n", done.join(", ")),
        }
    }
}

fn told(path: Option<&Path>) -> Result<History> {
    let Some(path) = path else {
        return Ok(History::default());
    };
    History::read(path).map_err(|cause| Error::Usage {
        message: format!("could not read the history {}", path.display()),
        cause: Some(Box::new(cause)),
        hint: Some(
            "a simulation writes a history with --history; see `tix simulate --help`".into(),
        ),
    })
}

/// What the audit says.
#[derive(Serialize)]
struct Audit {
    #[serde(flatten)]
    report: AuditReport,
    /// What was mended before, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<Mended>,
    /// Where its times are read.
    #[serde(skip)]
    zone: TimeZone,
}

impl Audit {
    /// How often a rule is broken.
    fn violations_of(&self, rule: &str) -> u64 {
        self.report.violations.iter().filter(|violation| violation.rule == rule).count() as u64
    }

    /// The seats for which a rule is broken.
    fn seats_of(&self, rule: &str) -> Vec<&str> {
        let broken = self.report.violations.iter().filter(|violation| violation.rule == rule);
        broken.filter_map(|violation| violation.seat.as_deref()).collect()
    }

    fn verdict(&self, page: &Page) -> String {
        let report = &self.report;
        let examined: u64 = report.checks.iter().map(|check| check.examined).sum();
        let rules = counted(report.checks.len() as u64, "rule");
        let (word, tone) =
            if report.passed { ("passed", Tone::Free) } else { ("failed", Tone::Bad) };
        let word = page.paint(tone, &format!("audit {word}"));
        let outcome = match report.violations.len() as u64 {
            0 => "nothing was sold twice".into(),
            count => counted(count, "violation"),
        };
        format!("{word}: {rules}, {}; {outcome}\n", counted(examined, "check"))
    }

    fn log(&self) -> String {
        match &self.report.log {
            None => "the change log is empty\n".into(),
            Some(log) => format!(
                "the change log goes from {} to {}: {}{}\n",
                log.from.in_zone(&self.zone),
                log.to.in_zone(&self.zone),
                entries(log.entries),
                if log.whole { "" } else { "; earlier entries are gone" }
            ),
        }
    }

    /// What has yet to come to its end.
    fn open_ends(&self) -> String {
        let AuditReport { unfinished, changing, .. } = self.report;
        let line = |tickets, what| match tickets {
            0 => String::new(),
            tickets => format!("{} {what}\n", counted(tickets, "ticket")),
        };
        line(unfinished, "in an unfinished change; add --repair to complete it")
            + &line(changing, "changed during the audit, checked against the log only")
    }

    fn violations(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("VIOLATION"),
            Column::left("DETAIL").broken(),
            Column::left("TICKET").optional(0),
        ]);
        for violation in &self.report.violations {
            table.push(vec![
                Cell::toned(violation.rule, Tone::Bad),
                Cell::new(violation.sentence()),
                Cell::new(crate::output::csv::optional(violation.ticket_id.as_ref())),
            ]);
        }
        if table.is_empty() { String::new() } else { format!("\n{}", table.render(page)) }
    }

    fn checks(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("RULE"),
            Column::right("EXAMINED"),
            Column::right("VIOLATIONS"),
        ]);
        for check in &self.report.checks {
            let violations = match self.violations_of(check.rule) {
                0 => Cell::toned("·", Tone::Faint),
                count => Cell::toned(grouped(count), Tone::Bad),
            };
            table.push(vec![Cell::new(check.rule), Cell::new(grouped(check.examined)), violations]);
        }
        table.render(page)
    }
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".into() } else { format!("{} entries", grouped(count)) }
}

impl Report for Audit {
    fn text(&self, page: &Page) -> String {
        let repaired = self.repaired.as_ref().map_or(String::new(), Mended::text);
        let (verdict, log, ends) = (self.verdict(page), self.log(), self.open_ends());
        let summary = page.folded(&format!("{repaired}{verdict}{log}{ends}"));
        format!("{summary}\n{}{}", self.checks(page), self.violations(page))
    }

    fn sheet(&self) -> Sheet {
        let line = |check: &audit::Check| {
            vec![
                check.rule.to_owned(),
                check.examined.to_string(),
                self.violations_of(check.rule).to_string(),
                self.seats_of(check.rule).join("; "),
            ]
        };
        Sheet::new(&["rule", "examined", "violations", "seats"])
            .with(self.report.checks.iter().map(line))
    }
}
