//! What became of buyers, holds and sections; who waited and who was overtaken.

use maud::{Markup, html};

use super::ink::Ink;
use super::parts::{bar, count_figure, figure, percent_figure, sale_span_figure, shares};
use crate::simulate::breakdown;
use crate::simulate::figures::{counted, grouped, part, time_name};
use crate::simulate::insight::Section;
use crate::simulate::pace::Pace;
use crate::simulate::report::{SimulationReport, float};

/// The most sections that are listed: those where most was refused.
const SECTIONS_MAX: usize = 40;

/// What became of tickets, buyers, requests and holds, side by side.
pub(super) fn became(report: &SimulationReport) -> Markup {
    let bots = &report.buyers.bots;
    html! {
        section {
            h2 { "What became of buyers, holds and tickets" }
            div.columns { @for table in breakdown::all(report) { (shares(&table)) } }
            p.caption {
                "Each table adds up to its last row, of which its shares are. A hold keeps seats for one buyer \
                 until they are paid. One that is abandoned is available at once; one whose buyer falls silent \
                 is available only after its deadline. "
                "A party is too large where seats are available but not as many side by side as it needs. "
                "Out of attempts are buyers who were refused seats that others claimed first. "
                "Still running are buyers whom the end of the run cut off. "
                @if bots.total > 0 {
                    "Bots bought " (count_figure("/buyers/bots/tickets", bots.tickets)) " seats, "
                    (part(bots.tickets, report.tickets.sold)) " of all sold seats."
                }
            }
        }
    }
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

/// How long buyers waited, by their position when they joined the waitlist.
pub(super) fn waiting(report: &SimulationReport) -> Markup {
    let pace = report.scenario.speed;
    let longest =
        report.waiting.iter().filter_map(|w| w.offered_after_max_seconds).fold(0.0, f64::max);
    html! {
        section {
            h2 { "Waiting time by position on the waitlist" }
            @if report.waiting.is_empty() {
                p { "No buyer joined the waitlist." }
            } @else {
                div.scroll { table.numbers {
                    thead { tr {
                        th scope="col" { "position" } th scope="col" { "joined" }
                        th scope="col" { "party, mean" }
                        th scope="col" { "were offered tickets" }
                        th scope="col" { "their party, mean" }
                        th scope="col" { "half of them within" } th.bars scope="col" aria-hidden="true" {}
                        th scope="col" { "the last within" }
                    } }
                    tbody { @for (n, group) in report.waiting.iter().enumerate() {
                        @let at = |name: &str| format!("/waiting/{n}/{name}");
                        @let mean = |name: &str, mean: f64| figure(at(name), format_args!("{mean:.1}"));
                        tr {
                            th scope="row" { (grouped(group.place_from.into())) "–" (grouped(group.place_to.into())) }
                            td { (count_figure(at("waited"), group.waited)) }
                            td { (mean("party_mean", group.party_mean)) }
                            td { (count_figure(at("offered"), group.offered)) " (" (part(group.offered, group.waited)) ")" }
                            @if let Some(offered) = group.offered_party_mean {
                                td { (mean("offered_party_mean", offered)) }
                            } @else { td { "–" } }
                            @if let Some(half) = group.offered_after_p50_seconds {
                                td { (sale_span_figure(pace, at("offered_after_p50_seconds"), Some(half))) }
                                td.bars { (bar(half, longest, Ink::First)) }
                                td { (sale_span_figure(pace, at("offered_after_max_seconds"), group.offered_after_max_seconds)) }
                            } @else { td { "–" } td.bars {} td { "–" } }
                        }
                    } }
                } }
                p.caption {
                    "How long those who were offered tickets had waited, in " (time_name(report)) ", by their \
                     position when they joined. A later position can wait less than an earlier one, for two \
                     reasons. Released seats go to the first entry whose whole party fits side by side, so small \
                     parties are served before larger ones ahead of them: compare the two columns of party \
                     sizes. And positions count who waits at that moment: a buyer who joins when many holds are \
                     about to expire waits less than one who joined the same position earlier. "
                    @if report.audit_made && report.audit.passed {
                        "The audit checked that no entry that fitted was passed over (rule " code { "waitlist_order" }
                        "). "
                    }
                    @if report.scenario.speed == Pace::Max {
                        "Without pauses no buyer waits: each who joins the waitlist leaves it at once, unless \
                         tickets are offered at that moment."
                    }
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
            @if !report.read_at_end { p { "The store could not be read at the end." } }
            @else if all.is_empty() { p { "The event has no sections." } } @else {
                @if most == 0 { p { "No claim was refused as taken." } }
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
                    "Claims that were refused because another buyer had one of the seats, and what was sold in the \
                     end. Many refusals in a section mean that buyers fight over the same seats there: show them \
                     what is available more often, or choose for them."
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
            h2 { "Injected faults" }
            p { "This rehearsal injected faults, to see that the sale stays correct. The audit checks the outcome." }
            dl.facts { @for (name, pointer, count) in all { div { dt { (name) } dd { (count_figure(pointer, count)) } } } }
        }
    })
}
