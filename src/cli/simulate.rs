//! `tix simulate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ParameterArgs, values};
use crate::simulate::Target;

pub(super) const EXAMPLES: &str = "\
The report is the result; exit code 4 if its audit finds a violation. After the first Ctrl-C no more \
buyers arrive and the report is still made; the second stops at once. Both end with 130.

Examples:
  tix simulate --buyers 10000                      rehearse an on-sale
  tix simulate --buyers 10000 --speed max          without pauses, for load
  tix simulate --buyers 10000 --seats 2000         five buyers per seat
  tix simulate --buyers 10000 --seed 42            the same buyers again
  tix simulate --scenario oversubscribed           eight buyers per seat, many wait
  tix simulate --scenario sold-out-in-minutes      eight per seat, sold out in 15 minutes
  tix simulate --scenario rush                     bots are four of ten buyers
  tix simulate --scenario oversubscribed --virtual-time
                                                   in seconds, with reproducible figures
  tix simulate --virtual-time --repeat 20          how much is due to chance
  tix simulate --buyers 2000 --faults              with injected faults; the audit must pass
  tix simulate --arrival-shape even                buyers arrive at a steady rate
  tix simulate --virtual-time --report sale.html   the report as a page to forward
  tix simulate --plan plan.jsonl --seed 42         write the plan of the buyers
  tix simulate --buyers 500 --event hall --yes     on an event in real use
  tix simulate --target http://127.0.0.1:8080      through a running `tix serve`
  tix --store sqlite::memory: simulate --speed max
";

/// What to rehearse.
#[derive(Debug, Args)]
#[command(next_help_heading = "The rehearsal")]
pub struct SimulateArgs {
    /// The scenario: spike, metered, rush, calm, oversubscribed, sold-out-in-minutes, or a
    /// TOML file; spike unless given. Options override it; `--help` lists one per parameter
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// What the options change of it.
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// The seed that the buyers are planned from: the same seed plans the same buyers; random unless
    /// given
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Use a virtual clock and a store in memory: an hour takes seconds, and the same seed gives the
    /// same report; the time the store takes is modeled
    #[arg(long, conflicts_with_all = ["event", "speed"])]
    pub virtual_time: bool,
    /// Rehearse this many times, with this seed and the following ones, and report the spread of the
    /// outcomes
    #[arg(long, value_name = "TIMES", value_parser = values::whole(1, 10_000_u32))]
    pub repeat: Option<u32>,
    /// Inject faults: requests fail, answers are lost, buyers crash, the store stalls
    #[arg(long)]
    pub faults: bool,
    /// Sell this event instead of a new one: its slug, its id, or a unique prefix of either
    #[arg(long, value_name = "EVENT", conflicts_with_all = super::parameters::of_event())]
    pub event: Option<String>,
    /// Sell it even though no simulation created it
    #[arg(long, requires = "event")]
    pub yes: bool,
    /// Send the buyers to a running `tix serve` instead of the store: its URL. It must serve the same
    /// store, in which the event is created before and audited afterwards
    #[arg(long, value_name = "URL", conflicts_with_all = ["virtual_time", "plan"])]
    pub target: Option<Target>,
    /// How long buyers and the end of the run wait for a store or server that does not answer, before
    /// the run ends and reports what is known; 2m unless given
    #[arg(long, value_name = "SPAN", value_parser = values::span, conflicts_with = "virtual_time")]
    pub store_wait: Option<Duration>,
    /// Only write the plan of the buyers, as JSON Lines; no store is used, unless --event names an
    /// event to read. An existing file is replaced; `-` is standard output
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["history", "virtual_time", "repeat", "report", "target", "store_wait"]
    )]
    pub plan: Option<PathBuf>,
    /// Also write the report as one HTML page with charts, which needs no network. The name ends in
    /// .html or .htm; an existing file is replaced. Not with --repeat
    #[arg(long, value_name = "FILE", conflicts_with = "repeat", value_parser = values::html_file)]
    pub report: Option<PathBuf>,
    /// Append the answers that each buyer gets to this file, for `tix audit --history`
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
}
