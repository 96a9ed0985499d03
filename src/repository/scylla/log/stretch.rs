//! Reading a stretch of the log beside `scylla_cdc`.
//!
//! It panics at a row whose operation it has no word for, and at one that lacks it: such a row is to
//! be named, and what stands around it told. And it reads every stretch once, soon: what a node that
//! is short of breath writes later is to be told all the same.

use std::time::Duration;

use futures::TryStreamExt;
use scylla::DeserializeRow;
use scylla::client::session::Session;
use scylla::statement::unprepared::Statement;
use scylla::statement::{Consistency, prepared::PreparedStatement};
use scylla::value::{CqlTimestamp, CqlTimeuuid};
use scylla_cdc::cdc_types::StreamID;
use uuid::Uuid;

use super::inbox::Inbox;
use super::row::{LogRow, Operation, RowKey};
use crate::domain::{BuyerId, EventId, HoldId, OrderId, SessionId, TicketId, Timestamp};

/// How long the stretches are that are read instead.
pub(super) const STRETCH: Duration = Duration::from_secs(5);

/// How late an entry may come and still be found: a lightweight transaction may take two seconds
/// from the time that its entry has. And how often it is looked for.
const LATE_MAX: Duration = Duration::from_secs(4);
const AGAIN_EVERY: Duration = Duration::from_secs(1);

/// Streams that one statement reads.
const STREAMS_AT_ONCE: usize = 64;

const SELECT: &str = "SELECT \"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\", \
     \"cdc$end_of_batch\", \"cdc$operation\", event_id, ticket_id, hold_id, order_id, session_id, \
     buyer_id, status, expires_at FROM order_queue_scylla_cdc_log WHERE \"cdc$stream_id\" IN ? \
     AND \"cdc$time\" >= minTimeuuid(?) AND \"cdc$time\" < minTimeuuid(?)";

const SELECT_NEXT_GENERATION: &str = "SELECT time FROM \
     system_distributed.cdc_generation_timestamps WHERE key = 'timestamps' AND time > ? \
     ORDER BY time ASC LIMIT 1";

/// A row of the log, whatever is missing in it.
#[derive(DeserializeRow)]
struct Raw {
    #[scylla(rename = "cdc$stream_id")]
    stream: StreamID,
    #[scylla(rename = "cdc$time")]
    time: CqlTimeuuid,
    #[scylla(rename = "cdc$batch_seq_no")]
    batch_seq_no: i32,
    #[scylla(rename = "cdc$end_of_batch")]
    end_of_batch: Option<bool>,
    #[scylla(rename = "cdc$operation")]
    operation: Option<i8>,
    event_id: Option<EventId>,
    ticket_id: Option<TicketId>,
    hold_id: Option<HoldId>,
    order_id: Option<OrderId>,
    session_id: Option<String>,
    buyer_id: Option<BuyerId>,
    status: Option<String>,
    expires_at: Option<Timestamp>,
}

impl From<Raw> for LogRow {
    fn from(row: Raw) -> Self {
        let time: Uuid = row.time.into();
        Self {
            key: RowKey::new(row.stream.to_string(), time, row.batch_seq_no),
            end_of_batch: row.end_of_batch.unwrap_or(false),
            operation: row.operation.map_or(Operation::Other(None), Operation::of_number),
            event_id: row.event_id,
            ticket_id: row.ticket_id,
            hold_id: row.hold_id,
            order_id: row.order_id,
            session_id: row.session_id.and_then(|text| SessionId::stored(&text).ok()),
            buyer_id: row.buyer_id,
            status: row.status,
            expires_at: row.expires_at,
        }
    }
}

/// Reads these streams from `from` to `until` at the most into `inbox`; answers up to when it did.
/// That is no further than the next generation, which has other streams.
pub(super) async fn read(
    session: &Session,
    streams: &[String],
    from: Timestamp,
    until: Timestamp,
    inbox: &Inbox,
) -> anyhow::Result<Timestamp> {
    let until = next_generation(session, from).await?.map_or(until, |next| until.min(next));
    read_all(session, streams, from, until, inbox).await?;
    Ok(until.max(from))
}

/// Looks again and again for rows that came late, from `oldest` on, as long as it is let.
pub(super) async fn read_again(session: &Session, oldest: Timestamp, inbox: &Inbox) {
    loop {
        tokio::time::sleep(AGAIN_EVERY).await;
        let Some((streams, until)) = inbox.streams() else { continue };
        let from = until.minus(LATE_MAX).max(oldest);
        if let Err(error) = read_all(session, &streams, from, until, inbox).await {
            tracing::debug!("late entries were not looked for: {error:#}");
        }
    }
}

async fn read_all(
    session: &Session,
    streams: &[String],
    from: Timestamp,
    until: Timestamp,
    inbox: &Inbox,
) -> anyhow::Result<()> {
    // Prepared once by the server, however often it is asked to.
    let mut select = session.prepare(SELECT).await?;
    select.set_is_idempotent(true);
    for streams in streams.chunks(STREAMS_AT_ONCE) {
        read_some(session, &select, streams, from, until, inbox).await?;
    }
    Ok(())
}

async fn read_some(
    session: &Session,
    select: &PreparedStatement,
    streams: &[String],
    from: Timestamp,
    until: Timestamp,
    inbox: &Inbox,
) -> anyhow::Result<()> {
    let streams: Vec<Vec<u8>> = streams.iter().map(|stream| bytes(stream)).collect();
    let rows = session.execute_iter(select.clone(), (streams, from, until)).await?;
    let mut rows = rows.rows_stream::<Raw>()?;
    while let Some(row) = rows.try_next().await? {
        inbox.push(row.into());
    }
    Ok(())
}

async fn next_generation(session: &Session, after: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    let mut select = Statement::new(SELECT_NEXT_GENERATION);
    select.set_is_idempotent(true);
    let single = session.get_cluster_state().get_nodes_info().len() == 1;
    select.set_consistency(if single { Consistency::One } else { Consistency::Quorum });
    let after = CqlTimestamp(after.as_millis());
    let rows = session.query_unpaged(select, (after,)).await?.into_rows_result()?;
    Ok(rows.maybe_first_row::<(Timestamp,)>()?.map(|(time,)| time))
}

/// The bytes of a stream's name.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hexadecimal.chars().filter_map(|c| c.to_digit(16)?.try_into().ok()).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}
