//! Which part of a list a command prints.

use clap::Args;

use super::values;

/// The part of a list.
#[derive(Debug, Clone, Copy, Args)]
pub struct PageArgs {
    /// Print at most this many; unless given, 1000 in a table, all in JSON and CSV
    #[arg(long, value_name = "COUNT", value_parser = values::at_least_one)]
    pub limit: Option<u64>,
    /// Skip this many at the beginning
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    pub offset: u64,
}
