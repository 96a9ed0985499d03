//! `tix simulate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values;
use crate::simulate::Pace;

pub(super) const EXAMPLES: &str = "\
The report is the result; exit code 4 if its audit finds a violation. The first Ctrl-C lets nobody
else in and reports all the same, the second stops at once; both end with 130.

Examples:
  tix simulate --buyers 10000                      rehearse an on-sale
  tix simulate --buyers 10000 --speed max          without pauses, for load
  tix simulate --buyers 10000 --seats 2000         five buyers for a seat
  tix simulate --buyers 10000 --seed 42            the same buyers once more
  tix simulate --scenario sold-out-in-minutes      eight buyers for a seat
  tix simulate --scenario sold-out-in-minutes --virtual-time
                                                   the same in seconds, and the same again
  tix simulate --virtual-time --repeat 20          how much of it is chance
  tix simulate --buyers 2000 --faults              while much goes wrong; the audit must pass
  tix simulate --set arrival.shape=even            buyers come at a steady rate
  tix simulate --buyers 500 --event hall --yes     on an event that people use
  tix --store sqlite::memory: simulate --speed max
";

/// What to rehearse.
#[derive(Debug, Args)]
#[command(next_help_heading = "The rehearsal")]
pub struct SimulateArgs {
    /// A scenario of its own: spike, metered, calm, sold-out-in-minutes, or a TOML file; spike where
    /// nobody says. Every option below counts more than what it says
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// Set any of its parameters, by the name that scenario files use; can be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// How many buyers come; 10000 unless the scenario says otherwise
    #[arg(long, value_name = "COUNT")]
    pub buyers: Option<u32>,
    /// How many seats the event has; as many as buyers where nobody says
    #[arg(long, value_name = "COUNT", conflicts_with = "event")]
    pub seats: Option<u64>,
    /// What the buyers are planned from: the same seed plans the same buyers; a fresh one where
    /// nobody says
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How many seconds of buyer time pass in a second, 60 as a rule, or `max` for no pauses at all
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<Pace>,
    /// Go by a virtual clock on a store in memory: an hour in seconds, and the same report for the same
    /// seed; how long the store takes is modelled
    #[arg(long, conflicts_with_all = ["event", "speed"])]
    pub virtual_time: bool,
    /// Rehearse so many times, with this seed and those that follow, and report how far the outcomes
    /// are apart
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: Option<u32>,
    /// Let requests fail, answers get lost, buyers crash and the store stall on purpose
    #[arg(long)]
    pub faults: bool,
    /// Sell this event instead of one of the rehearsal's own: its slug, its id, or a prefix
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Sell it even though people use it
    #[arg(long, requires = "event")]
    pub yes: bool,
    /// Append what every buyer is told to this file, for `tix audit --history`
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// The rules of its sale.
    #[command(flatten)]
    pub sale: SaleArgs,
    /// What its buyers are like.
    #[command(flatten)]
    pub behaviour: BehaviourArgs,
}

/// The rules of the sale of a rehearsal's own event, in buyer time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Its event")]
pub struct SaleArgs {
    /// The most tickets one buyer may own; 10 as a rule
    #[arg(long, value_name = "TICKETS", conflicts_with = "event")]
    pub limit: Option<u32>,
    /// How long a hold lasts, 1s to 24h; 15m as a rule
    #[arg(long, value_name = "SPAN", conflicts_with = "event", value_parser = values::time_to_pay)]
    pub ttl: Option<Duration>,
    /// How long a payment may take, 1s to 24h; 2m as a rule
    #[arg(long, value_name = "SPAN", conflicts_with = "event", value_parser = values::time_to_pay)]
    pub payment_time: Option<Duration>,
}

/// What the buyers of a rehearsal are like, in buyer time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Its buyers")]
pub struct BehaviourArgs {
    /// How long buyers arrive, 10m as a rule; most of them come when the sale opens
    #[arg(long, value_name = "SPAN", value_parser = values::span)]
    pub window: Option<Duration>,
    /// The share of holds that are not paid; 0.43 as a rule
    #[arg(long, value_name = "SHARE")]
    pub unpaid_share: Option<f64>,
    /// The share of those whose buyer falls silent, 0.5 as a rule; the others give up and say so
    #[arg(long, value_name = "SHARE")]
    pub silent_share: Option<f64>,
    /// The share of buyers who join the waitlist when nothing is left that fits; 0.6 as a rule
    #[arg(long, value_name = "SHARE")]
    pub waitlist_share: Option<f64>,
    /// How long half of them wait there at least, 10m as a rule; nobody waits three times as long
    #[arg(long, value_name = "SPAN", value_parser = values::span)]
    pub waitlist_patience: Option<Duration>,
    /// The share of payments that are declined; 0.04 as a rule
    #[arg(long, value_name = "SHARE")]
    pub declined_share: Option<f64>,
    /// How many buyers are let in at once at speed max; 1024 as a rule
    #[arg(long, value_name = "COUNT")]
    pub present_max: Option<u32>,
}
