//! What a rehearsal came to, as scripts read it: the values behind every form of the report.
//!
//! The fields are a contract; `docs/schemas/simulation_report.schema.json` states it.

use std::iter::Sum;
use std::time::Duration;

use serde::Serialize;

use super::fairness::Fairness;
use super::insight::{PhantomSellOut, Section, SellThrough, Waiting};
use super::link::faults::{FaultCounts, Trouble};
use super::measure::{self, Latencies};
use super::run::{Outcome, Time};
use super::sale::FailureReport;
use super::scenario::Scenario;
use super::stop::Urgency;
use super::timeline::Timeline;
use crate::audit::AuditReport;
use crate::domain::{Event, EventId, Money, StatusCounts, money};
use crate::repository::SectionCounts;

/// The version of the report's fields; it grows when one changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a rehearsal came to.
#[derive(Debug, Clone, Serialize)]
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
    /// What became of the buyers.
    pub buyers: Buyers,
    /// The condition of the event's tickets at the end.
    pub tickets: Tickets,
    /// What the sold tickets cost together.
    pub revenue: Money,
    /// What became of the holds.
    pub holds: Holds,
    /// How fast it sold.
    pub sell_through: SellThrough,
    /// When everything was held and little was sold.
    pub phantom_sell_out: PhantomSellOut,
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
    /// Whether what is stored and what happened obeys the rules.
    pub audit: AuditReport,
    /// What only people are told.
    #[serde(skip)]
    pub circumstances: Circumstances,
}

/// What became of the buyers who arrived; each is counted once, at the end of his story.
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
    /// Joined the waitlist, whatever came of it.
    pub waitlisted: u64,
    /// Bought what they were offered while they waited; those who bought include them.
    pub served_from_waitlist: u64,
    /// What became of those who are bots; the others count them, too.
    pub bots: BotBuyers,
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

/// What became of the holds of this rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// Granted.
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
        audit: AuditReport,
    ) -> Self {
        let revenue = outcome.counts.iter().map(|section| section.revenue);
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
            buyers: buyers(&outcome),
            tickets: Tickets::of(&outcome.counts),
            revenue: money::total(revenue, event.currency),
            holds: holds(&outcome),
            throughput: throughput(&outcome),
            sell_through: SellThrough::of(&outcome.timeline),
            phantom_sell_out: PhantomSellOut::of(&outcome.timeline),
            fairness: outcome.fairness,
            waiting: outcome.waiting,
            sections: Section::all(&outcome.counts, &outcome.taken),
            faults: outcome.faults,
            timeline: outcome.timeline,
            operations: outcome.latencies,
            audit,
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
        empty_handed: seen.empty_handed,
        waitlisted: seen.waitlisted,
        served_from_waitlist: seen.served,
        bots: BotBuyers { total: seen.bots, bought: seen.bots_bought, tickets: seen.bots_tickets },
    }
}

fn holds(outcome: &Outcome) -> Holds {
    let starts = || outcome.latencies.iter().filter(|l| l.name == "start_hold");
    let refused = |wanted: &dyn Fn(&str) -> bool| {
        starts().filter(|l| wanted(l.outcome)).map(|l| l.count).sum()
    };
    let seen = &outcome.snapshot;
    Holds {
        started: seen.holds_started,
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
        holds_per_second: per_second(outcome.snapshot.holds_started),
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

/// Three digits behind the point are more than any of these numbers is worth.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
