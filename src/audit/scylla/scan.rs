//! Reading whole tables, in ranges of their tokens, several at a time.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;

use crate::repository::scylla::Reader;
use crate::repository::{Result, StoreError, StoreFault};

/// Ranges into which a table is cut: one is in memory at a time, and a few more on their way.
const RANGES: u64 = 128;
/// Ranges that are read at the same time.
const RANGES_AT_ONCE: usize = 8;
/// Rows that one page of an answer has.
const PAGE_ROWS: i32 = 2_000;
/// How long one page may take.
const PAGE_MAX: Duration = Duration::from_secs(30);
/// How often a range is read before the audit gives up.
const TRIES_MAX: u32 = 5;
/// The wait before the second try; it doubles with each.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// Prepares a query that only reads.
pub(super) async fn prepare(reader: &Reader, cql: &str) -> Result<PreparedStatement> {
    let mut prepared = reader.session.prepare(cql).await.map_err(unreadable)?;
    prepared.set_consistency(reader.consistency);
    prepared.set_is_idempotent(true);
    prepared.set_page_size(PAGE_ROWS);
    prepared.set_request_timeout(Some(PAGE_MAX));
    Ok(prepared)
}

/// Reads all rows that answer a query, page by page, and again from the start where that fails in
/// passing.
pub(super) async fn rows<R>(
    reader: &Reader,
    prepared: &PreparedStatement,
    values: impl SerializeRow,
) -> Result<Vec<R>>
where
    R: for<'f, 'm> DeserializeRow<'f, 'm> + 'static,
{
    let mut wait = RETRY_WAIT;
    for _ in 1..TRIES_MAX {
        match try_rows(reader, prepared, &values).await {
            Ok(rows) => return Ok(rows),
            Err(error) => tracing::debug!(%error, "reading again"),
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    try_rows(reader, prepared, &values).await
}

async fn try_rows<R>(
    reader: &Reader,
    prepared: &PreparedStatement,
    values: &impl SerializeRow,
) -> Result<Vec<R>>
where
    R: for<'f, 'm> DeserializeRow<'f, 'm> + 'static,
{
    let pages = reader.session.execute_iter(prepared.clone(), values).await.map_err(unreadable)?;
    let rows = pages.rows_stream::<R>().map_err(unreadable)?;
    rows.try_collect().await.map_err(unreadable)
}

/// Reads a whole table: `what` are its columns and the table, `key` its partition key, `only` a
/// further condition. Rows come range by range, those of one partition together and in their order.
pub(super) async fn table<R>(
    reader: &Reader,
    (what, key, only): (&str, &str, &str),
    mut take: impl FnMut(Vec<R>),
) -> Result<()>
where
    R: for<'f, 'm> DeserializeRow<'f, 'm> + 'static,
{
    let cql = format!("SELECT {what} WHERE token({key}) >= ? AND token({key}) <= ?{only}");
    let prepared = prepare(reader, &cql).await?;
    let ranges = stream::iter(ranges()).map(|range| rows::<R>(reader, &prepared, range));
    let mut ranges = ranges.buffer_unordered(RANGES_AT_ONCE);
    while let Some(rows) = ranges.try_next().await? {
        take(rows);
    }
    Ok(())
}

/// All tokens, cut into ranges of about the same size.
fn ranges() -> impl Iterator<Item = (i64, i64)> {
    let width = u64::MAX / RANGES + 1;
    (0..RANGES).map(move |n| {
        let first = i64::MIN.wrapping_add_unsigned(n * width);
        (first, first.saturating_add_unsigned(width - 1))
    })
}

/// What could not be read.
pub(super) fn unreadable(
    error: impl std::error::Error + Send + Sync + 'static,
) -> crate::repository::Error {
    let tried = "could not read the store for the audit";
    StoreError::caused(StoreFault::Failed, tried, error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_have_every_token_once() {
        let ranges: Vec<_> = ranges().collect();
        assert_eq!(ranges[0].0, i64::MIN);
        assert_eq!(ranges[ranges.len() - 1].1, i64::MAX);
        assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
    }
}
