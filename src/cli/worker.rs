//! `tix worker`.

use clap::Args;

pub(super) const EXAMPLES: &str = "\
It follows the change log until it is stopped, and prints a line for each thing it did. A sale goes
right without it; with it, tickets whose time is over are shown as available at once, payments that
nobody ends are given up when they are overdue, and what somebody left half done is finished. Several
workers at once do no harm. Ctrl-C ends it with exit code 0; it can be killed at any moment, and the
next one begins with whatever was left.

Examples:
  tix worker                             beside a sale
  tix worker --once                      look through everything once, from a timer
  tix worker -o json >> deeds.jsonl
";

/// How to work.
#[derive(Debug, Clone, Copy, Args)]
pub struct WorkerArgs {
    /// Look through every event once, then end
    #[arg(long)]
    pub once: bool,
}
