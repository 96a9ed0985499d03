//! What became of buyers, holds and sections; who waited and who was overtaken.

use maud::{Markup, html};

use super::ink::Ink;
use super::parts::{Share, bar, count_figure, percent_figure, shares, span_figure, time_name};
use crate::simulate::figures::{counted, grouped, part};
use crate::simulate::insight::Section;
use crate::simulate::report::{SimulationReport, float};

/// The most sections that are listed: those where most was refused.
const SECTIONS_MAX: usize = 40;

/// Buyers and holds side by side.
pub(super) fn became(report: &SimulationReport) -> Markup {
    html! {
        section {
            h2 { "What became of buyers, holds and tickets" }
            div.columns { (buyers(report)) (holds(report)) (tickets(report)) }
            p.caption {
                "A hold keeps seats for one buyer while he pays. One that is abandoned comes free at once; one \
                 whose buyer falls silent keeps its seats from everybody until its time is over."
            }
        }
    }
}

fn buyers(report: &SimulationReport) -> Markup {
    let b = &report.buyers;
    let row = |name, pointer, count| Share::of((name, pointer), (count, b.total), Ink::First);
    let of_it = |name, pointer, part| Share::of((name, pointer), part, Ink::First).within();
    shares(
        "Buyers",
        &[
            row("bought", "/buyers/bought", b.bought),
            row("gave up", "/buyers/gave_up", b.gave_up),
            row("fell silent", "/buyers/silent", b.silent),
            row("crashed", "/buyers/crashed", b.crashed),
            row("empty-handed", "/buyers/empty_handed", b.empty_handed),
            row("waited in line", "/buyers/waitlisted", b.waitlisted),
            of_it(
                "and bought",
                "/buyers/served_from_waitlist",
                (b.served_from_waitlist, b.waitlisted),
            ),
            row("bots", "/buyers/bots/total", b.bots.total),
            of_it("and bought", "/buyers/bots/bought", (b.bots.bought, b.bots.total)),
            of_it(
                "of all sold seats",
                "/buyers/bots/tickets",
                (b.bots.tickets, report.tickets.sold),
            ),
        ],
    )
}

fn holds(report: &SimulationReport) -> Markup {
    let h = &report.holds;
    let asked = h.started + h.refused_taken + h.refused_limit + h.refused_other;
    let row = |name, pointer, count| Share::of((name, pointer), (count, asked), Ink::First);
    let refused = |name, pointer, count| Share::of((name, pointer), (count, asked), Ink::Second);
    let of_it =
        |name, pointer, count| Share::of((name, pointer), (count, h.started), Ink::First).within();
    shares(
        "Holds asked for",
        &[
            row("started", "/holds/started", h.started),
            of_it("confirmed", "/holds/confirmed", h.confirmed),
            of_it("abandoned", "/holds/abandoned", h.abandoned),
            of_it("expired", "/holds/expired", h.expired),
            refused("refused: taken", "/holds/refused_taken", h.refused_taken),
            refused("refused: limit", "/holds/refused_limit", h.refused_limit),
            refused("refused: other", "/holds/refused_other", h.refused_other),
        ],
    )
}

fn tickets(report: &SimulationReport) -> Markup {
    let t = &report.tickets;
    let row = |name, pointer, count, ink| Share::of((name, pointer), (count, t.minted), ink);
    shares(
        "Tickets at the end",
        &[
            row("sold", "/tickets/sold", t.sold, Ink::Sold),
            row("held", "/tickets/held", t.held, Ink::Held),
            row("paying", "/tickets/paying", t.paying, Ink::Paying),
            row("available", "/tickets/available", t.available, Ink::Muted),
            row("blocked", "/tickets/blocked", t.blocked, Ink::Blocked),
        ],
    )
}

/// How far the order of success departs from that of arrival.
pub(super) fn fairness(report: &SimulationReport) -> Markup {
    let f = &report.fairness;
    let overtaken = |name, pointer, count| (name, count_figure(pointer, count));
    html! {
        section {
            h2 { "Fairness" }
            p {
                "Take any two buyers of whom at least one got seats. In "
                strong { (percent_figure("/fairness/out_of_order_share", f.out_of_order_share)) }
                " of these pairs the one who came later got seats earlier, or got seats at all while the \
                 other got none. In a queue that is 0 %, in a lottery about 50 %."
            }
            div.scale aria-hidden="true" {
                (bar(f.out_of_order_share, 1.0, Ink::First))
                div.ends { span { "0 %: a queue" } span { "50 %: a lottery" } span { "100 %: last come, first served" } }
            }
            dl.facts {
                @for (name, count) in [
                    overtaken("the median buyer was overtaken by", "/fairness/overtaken_p50", f.overtaken_p50),
                    overtaken("one in ten by at least", "/fairness/overtaken_p90", f.overtaken_p90),
                    overtaken("the unluckiest by", "/fairness/overtaken_max", f.overtaken_max),
                    overtaken("buyers who got seats, whatever they did with them", "/fairness/seated", f.seated),
                ] {
                    div { dt { (name) } dd { (count) } }
                }
            }
        }
    }
}

/// How long those in line waited, by their place in it.
pub(super) fn waiting(report: &SimulationReport) -> Markup {
    let longest =
        report.waiting.iter().filter_map(|w| w.offered_after_max_seconds).fold(0.0, f64::max);
    html! {
        section {
            h2 { "Waiting time by place in line" }
            @if report.waiting.is_empty() {
                p { "Nobody waited in line." }
            } @else {
                div.scroll { table.numbers {
                    thead { tr {
                        th scope="col" { "place" } th scope="col" { "waited" }
                        th scope="col" { "were offered tickets" }
                        th scope="col" { "half of them within" } th.bars scope="col" aria-hidden="true" {}
                        th scope="col" { "the last within" }
                    } }
                    tbody { @for (n, group) in report.waiting.iter().enumerate() {
                        @let at = |name: &str| format!("/waiting/{n}/{name}");
                        tr {
                            th scope="row" { (grouped(group.place_from.into())) "–" (grouped(group.place_to.into())) }
                            td { (count_figure(at("waited"), group.waited)) }
                            td { (count_figure(at("offered"), group.offered)) " (" (part(group.offered, group.waited)) ")" }
                            @if let Some(half) = group.offered_after_p50_seconds {
                                td { (span_figure(at("offered_after_p50_seconds"), Some(half))) }
                                td.bars { (bar(half, longest, Ink::First)) }
                                td { (span_figure(at("offered_after_max_seconds"), group.offered_after_max_seconds)) }
                            } @else { td { "–" } td.bars {} td { "–" } }
                        }
                    } }
                } }
                p.caption {
                    "How long those who were offered tickets had stood in line, in " (time_name(report)) ", by the \
                     place at which they joined. The others left before their turn came: a line far longer than \
                     what comes free disappoints nearly everybody in it."
                }
            }
        }
    }
}

/// Where buyers got in each other's way.
pub(super) fn sections(report: &SimulationReport) -> Markup {
    let all: Vec<Numbered> = report.sections.iter().enumerate().collect();
    let (listed, left_out) = most_contested(&all);
    let most = all.iter().map(|(_, s)| s.refused_taken).max().unwrap_or(0);
    html! {
        section {
            h2 { "Conflicts by section" }
            @if all.is_empty() { p { "The event has no sections." } } @else {
                @if most == 0 { p { "No claim was refused as taken: nobody got in anybody's way." } }
                div.scroll { table.numbers {
                    thead { tr {
                        th scope="col" { "section" } th scope="col" { "refused: taken" }
                        th.bars scope="col" aria-hidden="true" {}
                        th scope="col" { "sold" } th scope="col" { "of" } th scope="col" { "share" }
                        th.bars scope="col" aria-hidden="true" {}
                    } }
                    tbody { @for (n, section) in &listed { (section_row(*n, section, most)) } }
                } }
                @if let Some((count, refused)) = left_out {
                    p.note {
                        "These are the " (SECTIONS_MAX) " where most was refused; in " (counted(count, "other section"))
                        " " (grouped(refused)) " claims were."
                    }
                }
                p.caption {
                    "Claims that were refused because somebody else had one of the seats, and what was sold in the \
                     end. Many refusals in a section mean that buyers fight over the same seats there: show them \
                     what is free more often, or choose for them."
                }
            }
        }
    }
}

/// A section and its number in the report.
type Numbered<'s> = (usize, &'s Section);

/// At most [`SECTIONS_MAX`] in the order of the venue; how many others there are, and what was
/// refused there.
fn most_contested<'s>(all: &[Numbered<'s>]) -> (Vec<Numbered<'s>>, Option<(u64, u64)>) {
    let mut sorted = all.to_vec();
    sorted.sort_by_key(|(_, section)| std::cmp::Reverse(section.refused_taken));
    let others = sorted.split_off(sorted.len().min(SECTIONS_MAX));
    sorted.sort_by_key(|(n, _)| *n);
    let refused = others.iter().map(|(_, section)| section.refused_taken).sum();
    let left_out = (!others.is_empty()).then_some((others.len() as u64, refused));
    (sorted, left_out)
}

fn section_row(n: usize, section: &Section, most: u64) -> Markup {
    let tickets = &section.tickets;
    let for_sale = tickets.minted - tickets.blocked;
    let at = |name: &str| format!("/sections/{n}/{name}");
    html! {
        tr {
            th scope="row" { (tickets.section) " " small { (tickets.type_id) } }
            td { (count_figure(at("refused_taken"), section.refused_taken)) }
            td.bars { (bar(float(section.refused_taken), float(most), Ink::Second)) }
            td { (count_figure(at("sold"), tickets.sold)) }
            td { (grouped(for_sale)) }
            td { (part(tickets.sold, for_sale)) }
            td.bars { (bar(float(tickets.sold), float(for_sale), Ink::Sold)) }
        }
    }
}

/// What went wrong on purpose.
pub(super) fn faults(report: &SimulationReport) -> Option<Markup> {
    let faults = report.faults.as_ref()?;
    let all = [
        ("connections refused", "/faults/connections_refused", faults.connections_refused),
        ("answers lost", "/faults/answers_lost", faults.answers_lost),
        ("buyers crashed", "/faults/crashes", faults.crashes),
        ("stalls of the store", "/faults/stalls", faults.stalls),
    ];
    Some(html! {
        section {
            h2 { "Faults, on purpose" }
            p { "This rehearsal let much go wrong, to see that the sale stays sound. The audit judges what came of it." }
            dl.facts { @for (name, pointer, count) in all { div { dt { (name) } dd { (count_figure(pointer, count)) } } } }
        }
    })
}
