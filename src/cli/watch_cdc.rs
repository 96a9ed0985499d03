//! `tix watch-cdc`.

use std::time::Duration;

use clap::Args;

use super::values::{self, FromText};
use crate::domain::FollowerName;

pub(super) const EXAMPLES: &str = "\
It follows the change log until it is stopped. Ctrl-C ends it with exit code 0.

With --resume it prints the whole log once under that name: stopped and started again, it continues \
after the last line. Nothing is left out; after a crash the last lines may be printed again. Use a \
name with one --event only: with another one, changes that the first one skipped stay skipped.

The default of --lag is some 50 ms on SQLite, 0.6 s on a single ScyllaDB node, and 3 s on several, \
whose clocks may differ, and with --resume, which relies on every entry. With less than 3 s an entry \
that a busy node writes late is printed late, after newer ones.

--board draws one event live instead: tickets by status, each section, the seats of one, the rate of \
changes and the last of them. ? shows the keys. Without a terminal to draw in, it prints lines.

Examples:
  tix watch-cdc                          in one terminal, while another one sells
  tix watch-cdc --from start             every past change, then new ones
  tix watch-cdc --board                  the venue, seat by seat, as it sells
  tix watch-cdc --resume billing -o json >> changes.jsonl
  tix watch-cdc -o json | jq 'select(.change == \"expired\")'
";

/// What to watch.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The event: its slug, its id, or a unique prefix of either; all events unless given
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Where to begin: start, now, or a time as 2026-12-01T19:30
    #[arg(long, value_name = "WHERE", default_value = "now", value_parser = values::from)]
    pub from: FromText,
    /// Continue where the watch of this name was stopped; the first one begins at the start
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub resume: Option<FollowerName>,
    /// Draw the venue live in the terminal; q ends
    #[arg(long, conflicts_with_all = ["from", "resume"])]
    pub board: bool,
    /// How far it may be behind the log, 100ms to 10m
    #[arg(long, value_name = "SPAN", value_parser = values::lag)]
    pub lag: Option<Duration>,
}
