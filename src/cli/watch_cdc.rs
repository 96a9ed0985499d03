//! `tix watch-cdc`.

use clap::Args;

use super::values::{self, FromText};

pub(super) const EXAMPLES: &str = "\
It follows the change log until it is stopped. Ctrl-C ends it with exit code 0: a watch that was
stopped has done its work.

Examples:
  tix watch-cdc                          in one terminal, while another one sells
  tix watch-cdc --from start             everything that ever happened, then on
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
}
