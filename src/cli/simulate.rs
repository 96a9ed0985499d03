//! `tix simulate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ParameterArgs, values};
use crate::simulate::Target;

pub(super) const EXAMPLES: &str = "\
The report is the result; exit code 4 if its audit finds a violation. The first Ctrl-C lets nobody
else in and reports all the same, the second stops at once; both end with 130.

Examples:
  tix simulate --buyers 10000                      rehearse an on-sale
  tix simulate --buyers 10000 --speed max          without pauses, for load
  tix simulate --buyers 10000 --seats 2000         five buyers for a seat
  tix simulate --buyers 10000 --seed 42            the same buyers once more
  tix simulate --scenario oversubscribed           eight buyers for a seat, many wait
  tix simulate --scenario sold-out-in-minutes      the same, and all is sold soon
  tix simulate --scenario rush                     bots are four of ten buyers
  tix simulate --scenario oversubscribed --virtual-time
                                                   the same in seconds, and the same again
  tix simulate --virtual-time --repeat 20          how much of it is chance
  tix simulate --buyers 2000 --faults              while much goes wrong; the audit must pass
  tix simulate --arrival-shape even                buyers come at a steady rate
  tix simulate --virtual-time --report sale.html   the report as a page to forward
  tix simulate --plan plan.jsonl --seed 42         write down who would come
  tix simulate --buyers 500 --event hall --yes     on an event that people use
  tix simulate --target http://127.0.0.1:8080      through a running `tix serve`
  tix --store sqlite::memory: simulate --speed max
";

/// What to rehearse.
#[derive(Debug, Args)]
#[command(next_help_heading = "The rehearsal")]
pub struct SimulateArgs {
    /// A scenario of its own: spike, metered, rush, calm, oversubscribed, sold-out-in-minutes, or a
    /// TOML file; spike by default. Options override it; `--help` has one for each of its parameters
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// What the options change of it.
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// What the buyers are planned from: the same seed plans the same buyers; a fresh one where
    /// nobody says
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Go by a virtual clock on a store in memory: an hour in seconds, and the same report for the same
    /// seed; how long the store takes is modelled
    #[arg(long, conflicts_with_all = ["event", "speed"])]
    pub virtual_time: bool,
    /// Rehearse so many times, with this seed and those that follow, and report how far the outcomes
    /// are apart
    #[arg(long, value_name = "TIMES", value_parser = values::whole(1, 10_000_u32))]
    pub repeat: Option<u32>,
    /// Let requests fail, answers get lost, buyers crash and the store stall on purpose
    #[arg(long)]
    pub faults: bool,
    /// Sell this event instead of one of the rehearsal's own: its slug, its id, or a prefix
    #[arg(long, value_name = "EVENT", conflicts_with_all = super::parameters::of_event())]
    pub event: Option<String>,
    /// Sell it even though people use it
    #[arg(long, requires = "event")]
    pub yes: bool,
    /// Send the buyers at a running `tix serve` instead of the store: its URL. It has to serve the
    /// same store, in which the event is made before and audited afterwards
    #[arg(long, value_name = "URL", conflicts_with_all = ["virtual_time", "plan"])]
    pub target: Option<Target>,
    /// How long buyers and the end of the run wait for a store, or a server, that does not answer, before
    /// the run ends and reports what is known; 2m by default
    #[arg(long, value_name = "SPAN", value_parser = values::span, conflicts_with = "virtual_time")]
    pub store_wait: Option<Duration>,
    /// Write down who would come and want what, as JSON Lines, and let nobody in: nothing touches a
    /// store, unless --event names one to read from. A file of that name is replaced; `-` is standard
    /// output
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["history", "virtual_time", "repeat", "report", "target", "store_wait"]
    )]
    pub plan: Option<PathBuf>,
    /// Write the report as one HTML page, too, with charts and without need of a network: to forward,
    /// to print. The name ends in .html or .htm; a file of that name is replaced. Of one rehearsal,
    /// so not with --repeat
    #[arg(long, value_name = "FILE", conflicts_with = "repeat", value_parser = values::html_file)]
    pub report: Option<PathBuf>,
    /// Append what every buyer is told to this file, for `tix audit --history`
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
}
