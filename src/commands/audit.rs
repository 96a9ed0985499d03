//! `tix audit`.

use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Context, pick};
use crate::audit::{self, AuditReport, Told, history};
use crate::cli::AuditArgs;
use crate::domain::Event;
use crate::error::{Error, Result};
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted, grouped};
use crate::repository::Access;

/// Audits an event, or all of them.
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
    let zone = event.as_ref().map_or_else(TimeZone::system, Event::zone);
    let event_id = event.map(|event| event.event_id);
    let report = audit::run(&context.store, event_id, &history).await?;
    let violations = report.violations.len() as u64;
    context.print(&Audit { report, zone })?;
    if violations == 0 { Ok(()) } else { Err(Error::Violation(violations)) }
}

fn told(path: Option<&Path>) -> Result<Vec<Told>> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    history::read(path).map_err(|cause| Error::Usage {
        message: format!("could not read the history {}", path.display()),
        cause: Some(Box::new(cause)),
        hint: Some("a history is what `tix simulate --history FILE` writes".into()),
    })
}

/// What the audit says.
#[derive(Serialize)]
struct Audit {
    #[serde(flatten)]
    report: AuditReport,
    /// Where its times are read.
    #[serde(skip)]
    zone: TimeZone,
}

impl Audit {
    /// How often a rule is broken.
    fn violations_of(&self, rule: &str) -> u64 {
        self.report.violations.iter().filter(|violation| violation.rule == rule).count() as u64
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
                if log.whole { "" } else { "; what came before, it has forgotten" }
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
        line(unfinished, "yet to follow what is decided; add --repair to do that")
            + &line(changing, "changed meanwhile, and judged by the log alone")
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
                Cell::new(&violation.detail),
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
        let (verdict, log, ends) = (self.verdict(page), self.log(), self.open_ends());
        format!("{verdict}{log}{ends}\n{}{}", self.checks(page), self.violations(page))
    }

    fn sheet(&self) -> Sheet {
        let line = |check: &audit::Check| {
            vec![
                check.rule.to_owned(),
                check.examined.to_string(),
                self.violations_of(check.rule).to_string(),
            ]
        };
        Sheet::new(&["rule", "examined", "violations"]).with(self.report.checks.iter().map(line))
    }
}
