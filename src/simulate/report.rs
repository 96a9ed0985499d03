//! What a rehearsal came to, as scripts read it: the values behind every form of the report.
//!
//! The fields are a contract; `docs/schemas/simulation_report.schema.json` states it.

use std::iter::Sum;
use std::time::Duration;

use serde::Serialize;

use super::fairness::Fairness;
use super::insight::{NothingAvailable, PhantomSellOut, Section, SellThrough, Waiting};
use super::leaving::Reasons;
use super::link::faults::{FaultCounts, Trouble};
use super::measure::{self, Latencies};
use super::outage::OutageReport;
use super::run::{Outcome, Time};
use super::sale::FailureReport;
use super::scenario::Scenario;
use super::stop::Urgency;
use super::timeline::Timeline;
use crate::audit::AuditReport;
use crate::domain::{Currency, Event, EventId, Money, StatusCounts, money};
use crate::repository::SectionCounts;

/// The version of the report's fields; it grows when one changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a rehearsal came to.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the JSON report")]
pub struct SimulationReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The `tix` that rehearsed.
    pub tix_version: &'static str,
    /// The store, without its password.
    pub store: String,
    /// The URL of the server that buyers asked; none where they asked the store.
    pub target: Option<String>,
    /// Whether it went by a virtual clock.
    pub virtual_time: bool,
    /// What the plan was made from.
    pub seed: u64,
    /// All parameters.
    pub scenario: Scenario,
    /// The event that was sold.
    pub event_id: EventId,
    /// Clock time from the opening of the sale until the last buyer left.
    pub elapsed_seconds: f64,
    /// Whether it was stopped before its end: fewer buyers than planned arrived, or some were cut off.
    pub interrupted: bool,
    /// Whether the tickets, sections and revenue were read at the end. Otherwise they are the latest that
    /// is known.
    pub read_at_end: bool,
    /// When the store, or the server, did not answer; none where it always did.
    pub outages: Option<OutageReport>,
    /// Requests that failed for good.
    pub failures: FailureReport,
    /// What became of the buyers.
    pub buyers: Buyers,
    /// The condition of the event's tickets at the end.
    pub tickets: Tickets,
    /// What the sold tickets cost together.
    pub revenue: Money,
    /// What was sold by this rehearsal; an event that was there before may have sold some earlier.
    pub sold: SoldInRun,
    /// What became of the holds.
    pub holds: Holds,
    /// How fast it sold.
    pub sell_through: SellThrough,
    /// When everything was held and little was sold.
    pub phantom_sell_out: PhantomSellOut,
    /// When no ticket was available.
    pub nothing_available: NothingAvailable,
    /// How far the order of success departs from the order of arrival.
    pub fairness: Fairness,
    /// How long those who waited in line did, by their place in it.
    pub waiting: Vec<Waiting>,
    /// What became of each section, in the order of the venue.
    pub sections: Vec<Section>,
    /// What went wrong on purpose; none where nothing was to.
    pub faults: Option<FaultCounts>,
    /// How long the store took to answer, per operation and outcome.
    pub operations: Vec<Latencies>,
    /// How much the store did.
    pub throughput: Throughput,
    /// How it went from second to second.
    pub timeline: Timeline,
    /// Whether the audit was made; otherwise it did not pass and has no checks.
    pub audit_made: bool,
    /// Why it was not made.
    pub audit_not_made_because: Option<String>,
    /// Whether what is stored and what happened obeys the rules.
    pub audit: AuditReport,
    /// What only people are told.
    #[serde(skip)]
    pub circumstances: Circumstances,
}

/// What became of the buyers who arrived. Each is counted once: `total` is the sum of `bought`,
/// `gave_up`, `silent`, `crashed`, `empty_handed` and `still_running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Buyers {
    /// All who arrived.
    pub total: u64,
    /// Left with tickets.
    pub bought: u64,
    /// Gave up a hold, and said so.
    pub gave_up: u64,
    /// Left a hold behind without a word.
    pub silent: u64,
    /// Crashed on purpose, perhaps with a hold or an order that they never heard of.
    pub crashed: u64,
    /// Left with nothing.
    pub empty_handed: u64,
    /// Why they did; adds up to `empty_handed`.
    pub empty_handed_because: Reasons,
    /// Cut off by the end of the run before they left.
    pub still_running: u64,
    /// The most buyers present at once.
    pub present_max: u64,
    /// Joined the waitlist, whatever came of it.
    pub waitlisted: u64,
    /// Bought what they were offered while they waited; those who bought include them.
    pub served_from_waitlist: u64,
    /// What became of those who joined the waitlist; adds up to `waitlisted`.
    pub waitlist: WaitlistBuyers,
    /// What became of those who are bots; the others count them, too.
    pub bots: BotBuyers,
}

/// What became of the buyers who joined the waitlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WaitlistBuyers {
    /// Bought what they were offered.
    pub bought: u64,
    /// Were offered tickets and did not buy them.
    pub offered_not_bought: u64,
    /// Left without an offer.
    pub left_without_offer: u64,
    /// Cut off by the end of the run while they waited.
    pub still_waiting: u64,
    /// The most that waited at once.
    pub most_at_once: u64,
}

/// What was sold by one rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SoldInRun {
    /// Tickets.
    pub tickets: u64,
    /// What they cost together.
    pub revenue: Money,
    /// Tickets of these whose buyers never got the answer: they crashed, or lost the store.
    pub unanswered: u64,
}

/// What became of the bots among the buyers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BotBuyers {
    /// All that arrived.
    pub total: u64,
    /// Left with tickets.
    pub bought: u64,
    /// The tickets that they left with.
    pub tickets: u64,
}

/// The condition of all tickets of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tickets {
    /// Every ticket; the sum of the others.
    pub minted: u64,
    /// Sold.
    pub sold: u64,
    /// Held until a deadline.
    pub held: u64,
    /// Being paid for.
    pub paying: u64,
    /// Free to claim, those of lapsed holds among them.
    pub available: u64,
    /// Kept from the sale.
    pub blocked: u64,
}

impl Tickets {
    /// Adds the sections up.
    #[must_use]
    pub fn of(counts: &[SectionCounts]) -> Self {
        let tickets = |section: &SectionCounts| Self {
            minted: section.minted,
            sold: section.sold,
            held: section.held,
            paying: section.paying,
            available: section.available,
            blocked: section.blocked,
        };
        counts.iter().map(tickets).sum()
    }
}

impl From<StatusCounts> for Tickets {
    fn from(counts: StatusCounts) -> Self {
        let StatusCounts { available, held, paying, sold, blocked } = counts;
        let minted = available + held + paying + sold + blocked;
        Self { minted, sold, held, paying, available, blocked }
    }
}

impl Sum for Tickets {
    fn sum<I: Iterator<Item = Self>>(sections: I) -> Self {
        sections.fold(Self::default(), |sum, section| Self {
            minted: sum.minted + section.minted,
            sold: sum.sold + section.sold,
            held: sum.held + section.held,
            paying: sum.paying + section.paying,
            available: sum.available + section.available,
            blocked: sum.blocked + section.blocked,
        })
    }
}

/// What became of the requests for seats and of the holds of this rehearsal. `requests` is the sum of
/// `claimed`, the refusals and `unanswered`; `started` is that of `claimed` and `offered`, and that of
/// `confirmed`, `abandoned`, `expired`, `unknown` and `running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Holds {
    /// Requests to hold seats that buyers sent.
    pub requests: u64,
    /// Requests that failed, or whose answer was lost on purpose.
    pub unanswered: u64,
    /// Holds that buyers claimed.
    pub claimed: u64,
    /// Holds that were offered on the waitlist.
    pub offered: u64,
    /// Holds that were started.
    pub started: u64,
    /// Refused because somebody else had one of the tickets.
    pub refused_taken: u64,
    /// Refused because the buyer would have owned too many.
    pub refused_limit: u64,
    /// Refused for any other reason.
    pub refused_other: u64,
    /// Given up by their buyers.
    pub abandoned: u64,
    /// Left behind, with their deadline over by the end.
    pub expired: u64,
    /// Paid for.
    pub confirmed: u64,
    /// Holds whose buyers never learned how they ended.
    pub unknown: u64,
    /// Held at the end of the run.
    pub running: u64,
}

/// How much the store did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// Holds granted per second.
    pub holds_per_second: f64,
    /// Operations answered per second.
    pub operations_per_second: f64,
    /// Operations answered in the busiest second.
    pub peak_operations_per_second: f64,
}

/// What is said to people and not to scripts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The short name of the event.
    pub slug: String,
    /// How a command names the store, with a space before; empty where it need not.
    pub store_option: String,
    /// How a command names the server, with a space before; empty where buyers asked the store.
    pub target_option: String,
    /// How a command names the event, with a space before; empty where it was the rehearsal's own.
    pub event_option: String,
    /// The engine's name and version.
    pub engine: String,
    /// Whether the rehearsal was stopped before its end.
    pub stopped: Urgency,
    /// What went wrong without being a refusal.
    pub failures: FailureReport,
}

impl SimulationReport {
    /// Puts the report of one rehearsal together.
    #[must_use]
    pub fn of(
        (store, engine): (String, String),
        event: &Event,
        (scenario, seed): (Scenario, u64),
        outcome: Outcome,
        audit: Result<AuditReport, String>,
        outages: Option<OutageReport>,
    ) -> Self {
        let sections = outcome.counts.as_deref().unwrap_or_default();
        let sold = sold_in_run(&outcome, event.currency);
        let before = revenue_of(&outcome.opening, event.currency).minor();
        let not_made = audit.as_ref().err().cloned();
        Self {
            schema_version: SCHEMA_VERSION,
            tix_version: env!("CARGO_PKG_VERSION"),
            store,
            target: None,
            virtual_time: outcome.time == Time::Virtual,
            seed,
            scenario,
            event_id: event.event_id,
            elapsed_seconds: rounded(outcome.elapsed.as_secs_f64()),
            interrupted: !outcome.whole,
            read_at_end: outcome.counts.is_ok(),
            outages,
            failures: outcome.failures.clone(),
            buyers: buyers(&outcome),
            tickets: outcome.tickets,
            revenue: Money::from_minor(before + sold.revenue.minor(), event.currency),
            sold,
            holds: holds(&outcome),
            throughput: throughput(&outcome),
            sell_through: SellThrough::of(&outcome.timeline),
            phantom_sell_out: PhantomSellOut::of(&outcome.timeline),
            nothing_available: NothingAvailable::of(&outcome.timeline),
            fairness: outcome.fairness,
            waiting: outcome.waiting,
            sections: Section::all(sections, &outcome.taken),
            faults: outcome.faults,
            timeline: outcome.timeline,
            operations: outcome.latencies,
            audit_made: audit.is_ok(),
            audit_not_made_because: not_made,
            audit: audit.unwrap_or_default(),
            circumstances: Circumstances {
                store_option: String::new(),
                target_option: String::new(),
                event_option: String::new(),
                slug: event.slug.clone(),
                engine,
                stopped: outcome.stopped,
                failures: outcome.failures,
            },
        }
    }
}

fn buyers(outcome: &Outcome) -> Buyers {
    let seen = &outcome.snapshot;
    Buyers {
        total: seen.arrived,
        bought: seen.bought,
        gave_up: seen.gave_up,
        silent: seen.silent,
        crashed: seen.crashed,
        empty_handed: seen.empty_handed.total(),
        empty_handed_because: seen.empty_handed,
        still_running: seen.cut,
        present_max: seen.present_max,
        waitlisted: seen.waitlisted,
        served_from_waitlist: seen.served,
        waitlist: waitlist(outcome),
        bots: BotBuyers { total: seen.bots, bought: seen.bots_bought, tickets: seen.bots_tickets },
    }
}

fn waitlist(outcome: &Outcome) -> WaitlistBuyers {
    let seen = &outcome.snapshot;
    let waited: u64 = outcome.waiting.iter().map(|group| group.waited).sum();
    let offered: u64 = outcome.waiting.iter().map(|group| group.offered).sum();
    WaitlistBuyers {
        bought: seen.served,
        offered_not_bought: offered.saturating_sub(seen.served),
        left_without_offer: waited - offered,
        still_waiting: seen.waitlisted.saturating_sub(waited),
        most_at_once: seen.waiting_max,
    }
}

fn revenue_of(counts: &[SectionCounts], currency: Currency) -> Money {
    money::total(counts.iter().map(|section| section.revenue), currency)
}

/// What the store has sold since the sale opened; what buyers were answered where it cannot be read.
fn sold_in_run(outcome: &Outcome, currency: Currency) -> SoldInRun {
    let seen = &outcome.snapshot;
    let Ok(counts) = &outcome.counts else {
        let revenue = Money::from_minor(seen.revenue_minor, currency);
        return SoldInRun { tickets: seen.sold, revenue, unanswered: 0 };
    };
    let revenue = |counts| revenue_of(counts, currency).minor();
    let before = Tickets::of(&outcome.opening).sold;
    let tickets = outcome.tickets.sold.saturating_sub(before);
    SoldInRun {
        tickets,
        revenue: Money::from_minor(revenue(counts) - revenue(&outcome.opening), currency),
        unanswered: tickets.saturating_sub(seen.sold),
    }
}

fn holds(outcome: &Outcome) -> Holds {
    let starts = || outcome.latencies.iter().filter(|l| l.name == "start_hold");
    let refused = |wanted: &dyn Fn(&str) -> bool| {
        starts().filter(|l| wanted(l.outcome)).map(|l| l.count).sum()
    };
    let seen = &outcome.snapshot;
    let known = seen.holds_confirmed + seen.holds_abandoned + seen.holds_lapsed;
    Holds {
        requests: starts().map(|l| l.count).sum(),
        unanswered: refused(&|why| why != "ok" && !is_refusal(why)),
        claimed: seen.holds_claimed,
        offered: seen.holds_offered,
        started: seen.holds_started(),
        unknown: seen.holds_unknown,
        running: seen.holds_started().saturating_sub(known + seen.holds_unknown),
        refused_taken: refused(&|why| why == "taken"),
        refused_limit: refused(&|why| why == "limit"),
        refused_other: refused(&|why| !matches!(why, "ok" | "taken" | "limit") && is_refusal(why)),
        abandoned: seen.holds_abandoned,
        expired: seen.holds_lapsed,
        confirmed: seen.holds_confirmed,
    }
}

/// Whether an outcome is the store's answer, and not something that went wrong.
fn is_refusal(outcome: &str) -> bool {
    outcome != measure::Outcome::Failed.name()
        && Trouble::ALL.iter().all(|trouble| trouble.name() != outcome)
}

fn throughput(outcome: &Outcome) -> Throughput {
    let per_second = |count| rate(count, outcome.elapsed);
    let operations_per_second = per_second(outcome.operations);
    let busiest = float(outcome.busiest_second);
    Throughput {
        holds_per_second: per_second(outcome.snapshot.holds_started()),
        operations_per_second,
        // A run shorter than a second has no second that is busier than all of it.
        peak_operations_per_second: busiest.max(operations_per_second),
    }
}

fn rate(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { rounded(float(count) / seconds) } else { 0.0 }
}

/// A count as a float, exact up to 2^53.
pub(super) fn float(count: u64) -> f64 {
    Duration::from_secs(count).as_secs_f64()
}

/// A part of a whole, rounded; 0 where there is nothing.
pub(super) fn share_of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { rounded(float(part) / float(whole)) }
}

/// Three digits behind the point are more than any of these numbers is worth. Zero has no sign, also
/// that of the sum of no floats, which is -0.0.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0 + 0.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn rounded_zero_has_no_sign() {
        for zero in [-0.0, -0.000_1, std::iter::empty::<f64>().sum()] {
            assert!(super::rounded(zero).is_sign_positive(), "{zero}");
        }
    }
}
