//! Printing a part of a list.

use super::Context;
use crate::cli::pages::PageArgs;
use crate::output::Format;

/// The rows of a table where no option says how many.
const TABLE_ROWS: u64 = 1_000;

/// The part of a list that is printed, and how many rows there are in all. Says on standard error where
/// more follow.
pub(super) fn page<T>(context: &Context, args: PageArgs, mut rows: Vec<T>) -> (Vec<T>, usize) {
    let total = rows.len();
    let is_table = context.terminal.format() == Format::Table;
    let limit = args.limit.or(is_table.then_some(TABLE_ROWS)).unwrap_or(u64::MAX);
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let first = count(args.offset).min(total);
    let end = first.saturating_add(count(limit)).min(total);
    rows.truncate(end);
    rows.drain(..first);
    if end < total {
        context.terminal.notice(format_args!(
            "{} of {total}; the next ones follow with `--offset {end}`",
            rows.len()
        ));
    }
    (rows, total)
}
