//! `tix worker`.

use clap::Args;

pub(super) const EXAMPLES: &str = "\
It follows the change log until it is stopped, and prints a line per repair action. A sale is correct \
without it; with it, expired tickets are shown as available at once, overdue payments are aborted, and \
what crashed clients left unfinished is completed. Several workers can run at once. Ctrl-C ends it \
with exit code 0; it can be killed at any moment, and the next one continues its work.

Examples:
  tix worker                             beside a sale
  tix worker --once                      check every event once, from a timer
  tix worker -o json >> repairs.jsonl
";

/// How to work.
#[derive(Debug, Clone, Copy, Args)]
pub struct WorkerArgs {
    /// Check every event once, then end
    #[arg(long)]
    pub once: bool,
}
