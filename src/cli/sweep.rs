//! `tix sweep`.

use clap::Args;

use super::{ParameterArgs, values};
use crate::simulate::grid::Axis;

pub(super) const EXAMPLES: &str = "\
Every combination of the values is rehearsed by a virtual clock, with the same seeds, and compared:
differences between two lines are due to the parameters. Exit code 4 if an audit finds a violation.

Examples:
  tix sweep --vary ttl=5m,10m,15m                  how long should a hold last?
  tix sweep --vary limit=2,4,8 --scenario rush     does a limit help against bots?
  tix sweep --vary arrival-shape=spike,even --vary checkout-silent-share=0.2,0.5,0.8
  tix sweep --vary ttl=5m,15m --repeat 10 --buyers 2000 --seats 500
";

/// What to vary.
#[derive(Debug, Args)]
#[command(next_help_heading = "The rehearsals")]
pub struct SweepArgs {
    /// A parameter and its values; can be repeated, for every combination. The options below are the
    /// parameters
    #[arg(long, value_name = "NAME=VALUE,VALUE…", required = true)]
    pub vary: Vec<Axis>,
    /// The scenario that is varied: spike, metered, rush, calm, oversubscribed, sold-out-in-minutes,
    /// or a TOML file; spike unless given
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// What the options change of it.
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// Rehearse each combination with this many seeds, and compare the medians
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = values::whole(1, 1_000_u32))]
    pub repeat: u32,
    /// The first of these seeds; random unless given
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Inject faults: requests fail, answers are lost, buyers crash, the store stalls
    #[arg(long)]
    pub faults: bool,
}
