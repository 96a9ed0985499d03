//! Printing a part of a list.

use super::Context;
use crate::cli::pages::PageArgs;
use crate::output::Format;

/// The rows of a table where no option says how many.
const TABLE_ROWS: u64 = 1_000;

/// How many rows are printed at most; none where there is no bound.
fn limit(context: &Context, args: PageArgs) -> Option<u64> {
    let is_table = context.terminal.format() == Format::Table;
    args.limit.or(is_table.then_some(TABLE_ROWS))
}

/// Reduces a list to the part that is printed. Returns where it ends.
fn reduce<T>(context: &Context, args: PageArgs, rows: &mut Vec<T>) -> usize {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let first = count(args.offset).min(rows.len());
    let limit = count(limit(context, args).unwrap_or(u64::MAX));
    let end = first.saturating_add(limit).min(rows.len());
    rows.truncate(end);
    rows.drain(..first);
    end
}

/// The part of a list that is printed, and how many rows there are in all. Says on standard error where
/// more follow.
pub(super) fn page<T>(context: &Context, args: PageArgs, mut rows: Vec<T>) -> (Vec<T>, usize) {
    let total = rows.len();
    let end = reduce(context, args, &mut rows);
    if end < total {
        context.terminal.notice(format_args!(
            "{} of {total}; the next ones follow with `--offset {end}`",
            rows.len()
        ));
    }
    (rows, total)
}

/// How many rows [`part`] needs of a list that is too long to be read as a whole; none where it needs all
/// of them.
pub(super) fn read_max(context: &Context, args: PageArgs) -> Option<u64> {
    let limit = limit(context, args)?;
    // One more says whether any follow.
    Some(args.offset.saturating_add(limit).saturating_add(1))
}

/// The part of a list that is printed, of as many rows as [`read_max`] says. Says on standard error where
/// more follow.
pub(super) fn part<T>(context: &Context, args: PageArgs, mut rows: Vec<T>) -> Vec<T> {
    let known = rows.len();
    let end = reduce(context, args, &mut rows);
    if end < known {
        let printed = rows.len();
        context
            .terminal
            .notice(format_args!("{printed} of more; the next ones follow with `--offset {end}`"));
    }
    rows
}
