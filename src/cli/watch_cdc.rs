//! `tix watch-cdc`.

use std::time::Duration;

use clap::Args;

use super::values::{self, FromText};
use crate::domain::FollowerName;

pub(super) const EXAMPLES: &str = "\
It follows the change log until it is stopped. Ctrl-C ends it with exit code 0: a watch that was
stopped has done its work.

With --resume it tells the whole log under that name, once: stopped and started again, it goes on
after the last line. Nothing is left out; after a crash the last lines may be told again. A name is
for one kind of watch: with another --event, changes that the first one passed over stay untold.

How far it is behind, if --lag does not say: some 50 ms on SQLite; 0.6 s on a single ScyllaDB node;
3 s on several, whose clocks may differ, and with --resume, which relies on every entry. With less
than 3 s an entry that a busy node writes late is told late, after younger ones.

--board draws one event live instead: tickets by status, each section, the seats of one, how fast it
goes and what changed last. ? shows the keys. Where there is no terminal to draw in, it tells lines.

Examples:
  tix watch-cdc                          in one terminal, while another one sells
  tix watch-cdc --from start             everything that ever happened, then on
  tix watch-cdc --board                  the venue, seat by seat, as it sells
  tix watch-cdc --resume billing -o json >> changes.jsonl
  tix watch-cdc -o json | jq 'select(.change == \"expired\")'
";

/// What to watch.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The event: its slug, its id, or a prefix that only one has; all events where none is named
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Where to begin: start, now, or a time as 2026-12-01T19:30
    #[arg(long, value_name = "WHERE", default_value = "now", value_parser = values::from)]
    pub from: FromText,
    /// Go on where the watch of this name was stopped; the first one begins at the start
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub resume: Option<FollowerName>,
    /// Draw the venue live in the terminal, as it is now and from now on; q ends
    #[arg(long, conflicts_with_all = ["from", "resume"])]
    pub board: bool,
    /// How far it may be behind the log, 100ms to 10m
    #[arg(long, value_name = "SPAN", value_parser = values::lag)]
    pub lag: Option<Duration>,
}
