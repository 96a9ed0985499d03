//! `tix simulate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values;
use crate::simulate::{Pace, Scenario};

pub(super) const EXAMPLES: &str = "\
The report is the result; exit code 4 if its audit finds a violation. The first Ctrl-C lets nobody
else in and reports all the same, the second stops at once; both end with 130.

Examples:
  tix simulate --buyers 10000                      rehearse an on-sale
  tix simulate --buyers 10000 --speed max          without pauses, for load
  tix simulate --buyers 10000 --seats 2000         five buyers for a seat
  tix simulate --buyers 10000 --seed 42            the same buyers once more
  tix simulate --buyers 500 --event hall --yes     on an event that people use
  tix --store sqlite::memory: simulate --speed max
";

/// What to rehearse.
#[derive(Debug, Args)]
#[command(next_help_heading = "The rehearsal")]
pub struct SimulateArgs {
    /// How many buyers come
    #[arg(long, value_name = "COUNT", default_value_t = Scenario::default().buyers)]
    pub buyers: u32,
    /// How many seats the event has; as many as buyers where nobody says
    #[arg(long, value_name = "COUNT", conflicts_with = "event")]
    pub seats: Option<u64>,
    /// What the buyers are planned from: the same seed plans the same buyers; a fresh one where
    /// nobody says
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How many seconds of buyer time pass in a second, or `max` for no pauses at all
    #[arg(long, value_name = "FACTOR", default_value_t)]
    pub speed: Pace,
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
    /// The most tickets one buyer may own
    #[arg(long, value_name = "TICKETS", conflicts_with = "event",
          default_value_t = Scenario::default().sale.limit)]
    pub limit: u32,
    /// How long a hold lasts, 1s to 24h
    #[arg(long, value_name = "SPAN", conflicts_with = "event", default_value = "15m",
          value_parser = values::time_to_pay)]
    pub ttl: Duration,
    /// How long a payment may take, 1s to 24h
    #[arg(long, value_name = "SPAN", conflicts_with = "event", default_value = "2m",
          value_parser = values::time_to_pay)]
    pub payment_time: Duration,
}

/// What the buyers of a rehearsal are like, in buyer time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Its buyers")]
pub struct BehaviourArgs {
    /// How long buyers arrive; most of them come when the sale opens
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = values::span)]
    pub window: Duration,
    /// The share of holds that are not paid
    #[arg(long, value_name = "SHARE",
          default_value_t = Scenario::default().checkout.unpaid_share)]
    pub unpaid_share: f64,
    /// The share of those whose buyer falls silent; the others give up and say so
    #[arg(long, value_name = "SHARE",
          default_value_t = Scenario::default().checkout.silent_share)]
    pub silent_share: f64,
    /// The share of buyers who join the waitlist when nothing is left that fits
    #[arg(long, value_name = "SHARE",
          default_value_t = Scenario::default().waitlist.join_share)]
    pub waitlist_share: f64,
    /// How long half of them wait there at least; nobody waits three times as long
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = values::span)]
    pub waitlist_patience: Duration,
    /// The share of payments that are declined
    #[arg(long, value_name = "SHARE",
          default_value_t = Scenario::default().payment.declined_share)]
    pub declined_share: f64,
    /// How many buyers are let in at once at speed max
    #[arg(long, value_name = "COUNT", default_value_t = Scenario::default().present_max)]
    pub present_max: u32,
}
