//! What was proved, what was rehearsed and how: the audit, the scenario, the making.

use maud::{Markup, html};

use super::parts::{count_figure, figure};
use crate::audit::Violation;
use crate::simulate::figures::{counted, grouped, throughput, took};
use crate::simulate::report::SimulationReport;
use crate::simulate::scenario::{PARAMETERS, Parameter, Scenario};
use crate::simulate::text;

/// Every rule and what it found.
pub(super) fn audit(report: &SimulationReport) -> Markup {
    let audit = &report.audit;
    html! {
        section {
            h2 #audit { "The audit" }
            @if let Some(why) = &report.audit_not_made_because {
                p.warning { "The audit was not made: " (why) "." }
            }
            p {
                "After the rehearsal, rules that share no code with the sale were checked against what is \
                 stored, against the log of every change, and against the answers that each buyer got."
            }
            @if !audit.violations.is_empty() { (violations(&audit.violations)) }
            dl.rules { @for (n, check) in audit.checks.iter().enumerate() {
                div {
                    dt { code { (check.rule) } }
                    dd { (count_figure(format!("/audit/checks/{n}/examined"), check.examined)) }
                }
            } }
            p.caption {
                "Each rule, and on how many tickets, holds, orders or log entries it was checked. "
                @if let Some(log) = &audit.log {
                    "The log has " (count_figure("/audit/log/entries", log.entries)) " entries"
                    @if log.whole { " and goes back to the beginning." } @else { " and does not go back to the beginning." }
                }
                @if audit.unfinished > 0 {
                    " " (counted(audit.unfinished, "ticket")) " were in an unfinished change."
                }
                @if audit.changing > 0 {
                    " " (counted(audit.changing, "ticket")) " changed during the audit, and were checked against the log only."
                }
            }
        }
    }
}

/// What is broken, each with the ticket it is about.
pub(super) fn violations(violations: &[Violation]) -> Markup {
    html! {
        ul.violations { @for violation in violations {
            li {
                code { (violation.rule) } ": " (violation.sentence())
                @if let Some(ticket) = violation.ticket_id { " " small { "ticket " (ticket) } }
            }
        } }
    }
}

/// All parameters; what differs from the default stands out.
pub(super) fn scenario(report: &SimulationReport) -> Markup {
    let plain = Scenario::default();
    let rows: Vec<_> = PARAMETERS.iter().map(|p| row(p, report, &plain)).collect();
    let changed = rows.iter().filter(|(_, _, default)| default.is_some()).count() as u64;
    html! {
        section {
            h2 { "The scenario" }
            p {
                "What buyers, event and store were like. " (counted(changed, "parameter"))
                @if changed == 1 { " differs" } @else { " differ" } " from the default, marked with ●."
            }
            div.scroll { table.scenario {
                thead { tr {
                    th scope="col" { "parameter" } th scope="col" { "value" }
                    th scope="col" { "default" } th scope="col" { "meaning" }
                } }
                tbody { @for (parameter, value, default) in &rows {
                    tr.changed[default.is_some()] {
                        th scope="row" { code { (parameter.name) } }
                        td { @if default.is_some() { span title="differs from the default" { "●" } " " } (value) }
                        td { @if let Some(default) = default { (default) } }
                        td { (parameter.about.replace('`', "")) }
                    }
                } }
            } }
        }
    }
}

/// A parameter, its value, and its default if that is another one.
fn row(
    parameter: &'static Parameter,
    report: &SimulationReport,
    plain: &Scenario,
) -> (&'static Parameter, String, Option<String>) {
    let scenario = &report.scenario;
    let none = || "–".to_owned();
    let value = parameter.value(scenario).unwrap_or_else(none);
    let default = parameter.value(plain).unwrap_or_else(none);
    // The number of seats is always known in the end, said or not.
    let unsaid = Scenario { seats: None, ..scenario.clone() };
    let follows = parameter.name == "seats" && unsaid.seats() == scenario.seats();
    // By a virtual clock there is but one speed.
    let given = report.virtual_time && parameter.name == "speed";
    let differs = value != default && !follows && !given;
    (parameter, value, differs.then_some(default))
}

/// How the report was made, and how to make it once more.
pub(super) fn making(report: &SimulationReport) -> Markup {
    let [operations, peak, holds, second] = throughput(report);
    html! {
        section {
            h2 { "How this was made" }
            dl.made {
                dt { "command" } dd { code { (text::command(report)) } }
                dt { "seed" } dd { (figure("/seed", report.seed)) }
                dt { "event" } dd { (report.circumstances.slug) }
                dt { "store" } dd { (report.store) " (" (report.circumstances.engine) ")" }
                @if let Some(target) = &report.target { dt { "server" } dd { (target) } }
                dt { "speed" } dd { (text::speed(report)) }
                dt { "took" } dd { (took(report)) }
                dt { "throughput" } dd {
                    (figure("/throughput/operations_per_second", operations)) " operations/s, "
                    (figure("/throughput/peak_operations_per_second", peak)) " at the peak, "
                    (figure("/throughput/holds_per_second", holds)) " holds/s (" (second) ")"
                }
                dt { "tix" } dd { (report.tix_version) }
            }
            p.caption {
                "The same seed plans the same " (grouped(report.scenario.buyers.into())) " buyers. "
                @if report.virtual_time { "With a virtual clock the whole report is the same again. " }
                "The page also has these figures as JSON, in the script element "
                code { "report" } "."
            }
        }
    }
}
