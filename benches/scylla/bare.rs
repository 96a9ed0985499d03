//! The same statements in the same order, sent by tasks that do nothing else: no refusals to look
//! into, no time-outs, no retries, no answer to make.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use scylla::SerializeValue;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};
use scylla::value::{CqlDecimal, CqlTimestamp};
use tix::domain::EventId;
use tix::minting::Layout;
use uuid::Uuid;

/// A ticket as a hold copies it.
#[derive(Debug, Clone, SerializeValue)]
pub(crate) struct Copied {
    ticket_id: Uuid,
    section_id: i32,
    place: i32,
    section: String,
    row_name: String,
    seat_name: String,
    type_id: String,
    price: CqlDecimal,
}

/// Why a ticket counts towards a limit.
#[derive(SerializeValue)]
struct Entry {
    ticket_id: Uuid,
    hold_id: Uuid,
    order_id: Option<Uuid>,
    expires_at: CqlTimestamp,
}

/// A session and the statements of a claim.
#[derive(Debug)]
pub(crate) struct Bare {
    session: Session,
    read: PreparedStatement,
    count: PreparedStatement,
    list: PreparedStatement,
    hold: PreparedStatement,
    claim: PreparedStatement,
    show: PreparedStatement,
    mint: PreparedStatement,
}

impl Bare {
    pub(crate) async fn connect(host: &str, keyspace: &str) -> Self {
        let session = SessionBuilder::new().known_node(host).build().await.unwrap();
        session.use_keyspace(keyspace, false).await.unwrap();
        let prepare = async |cql: &str| {
            let mut prepared = session.prepare(cql).await.unwrap();
            prepared.set_consistency(Consistency::Quorum);
            prepared.set_serial_consistency(Some(SerialConsistency::LocalSerial));
            prepared.set_use_cached_result_metadata(!cql.contains(" IF "));
            prepared
        };
        Self {
            read: prepare(
                "SELECT event_id, ticket_id, hold_id, order_id, session_id, buyer_id, status,
                        started_at, expires_at, payment_deadline, reason
                   FROM order_queue WHERE event_id = ? AND ticket_id = ?",
            )
            .await,
            count: prepare(
                "UPDATE limits SET version = ?, owned = ? WHERE event_id = ? AND buyer_id = ?
                     IF version = null AND owned = null",
            )
            .await,
            list: prepare(
                "INSERT INTO holds_by_event (event_id, bucket, hold_id) VALUES (?, ?, ?)
                 USING TIMESTAMP ? AND TTL 960",
            )
            .await,
            hold: prepare(
                "INSERT INTO holds (hold_id, event_id, session_id, buyer_id, tickets, started_at,
                                    expires_at)
                 VALUES (?, ?, 'bench', ?, ?, ?, ?) IF NOT EXISTS",
            )
            .await,
            claim: prepare(
                "INSERT INTO order_queue (event_id, ticket_id, hold_id, session_id, buyer_id,
                                          status, started_at, expires_at)
                 VALUES (?, ?, ?, 'bench', ?, 'held', ?, ?) IF NOT EXISTS USING TTL 960",
            )
            .await,
            show: prepare(
                "UPDATE tickets USING TIMESTAMP ? SET status = 'held', held_until = ?, hold_id = ?,
                        reason = null
                  WHERE event_id = ? AND section_id = ? AND ticket_id = ?",
            )
            .await,
            mint: prepare(
                "INSERT INTO tickets (event_id, section_id, ticket_id, place, row_name, seat_name,
                                      type_id, price, status)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'available') USING TIMESTAMP 1",
            )
            .await,
            session,
        }
    }

    /// What a task does: claims the ticket with this index for a buyer of its own.
    pub(crate) fn claimant(
        self: &Arc<Self>,
        event: EventId,
        tickets: Vec<Copied>,
    ) -> impl Fn(u32) -> BoxFuture<'static, ()> + Send + Sync + Clone + 'static {
        let (bare, tickets) = (Arc::clone(self), Arc::new(tickets));
        let event = *event.as_uuid();
        move |ticket| {
            let (bare, tickets) = (Arc::clone(&bare), Arc::clone(&tickets));
            Box::pin(async move { bare.claim(event, &tickets[ticket as usize]).await })
        }
    }

    async fn claim(&self, event: Uuid, ticket: &Copied) {
        let (hold, buyer, id) = (Uuid::now_v7(), Uuid::new_v4(), ticket.ticket_id);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let write_time = i64::try_from(now.as_micros()).unwrap();
        let (now, until) = (time(now), time(now + Duration::from_mins(15)));
        let run = &self.session;
        let owner = run.execute_unpaged(&self.read, (event, id)).await.unwrap();
        assert_eq!(owner.into_rows_result().unwrap().rows_num(), 0);
        let entry = Entry { ticket_id: id, hold_id: hold, order_id: None, expires_at: until };
        let values = (Uuid::new_v4(), vec![entry], event, buyer);
        run.execute_unpaged(&self.count, values).await.unwrap();
        let bucket = i32::from(hold.as_bytes()[15] % 16);
        run.execute_unpaged(&self.list, (event, bucket, hold, write_time)).await.unwrap();
        let values = (hold, event, buyer, vec![ticket], now, until);
        run.execute_unpaged(&self.hold, values).await.unwrap();
        let values = (event, id, hold, buyer, now, until);
        run.execute_unpaged(&self.claim, values).await.unwrap();
        let values = (write_time, until, hold, event, ticket.section_id, id);
        run.execute_unpaged(&self.show, values).await.unwrap();
    }

    /// Writes tickets, one statement each, so many at a time.
    pub(crate) async fn mint(&self, event: EventId, tickets: &[Copied], at_once: usize) {
        let event = *event.as_uuid();
        let write = |t: &Copied| {
            let t = t.clone();
            async move {
                let values = (
                    event,
                    t.section_id,
                    t.ticket_id,
                    t.place,
                    t.row_name,
                    t.seat_name,
                    t.type_id,
                    t.price,
                );
                self.session.execute_unpaged(&self.mint, values).await.unwrap();
            }
        };
        stream::iter(tickets).map(write).buffer_unordered(at_once).collect::<()>().await;
    }
}

/// Every seat of a layout as a ticket of the event, in the order of the venue.
pub(crate) fn copies(event: EventId, layout: &Layout) -> Vec<Copied> {
    let mut copies = Vec::new();
    for (section_id, section) in (0..).zip(&layout.sections) {
        for (place, index) in (0..).zip(0..section.seats()) {
            let seat = section.seat(index).unwrap();
            let (row, name) = (seat.row.to_string(), seat.seat.to_string());
            let id = tix::domain::TicketId::of_seat(event, &section.name, &row, &name);
            copies.push(Copied {
                ticket_id: *id.as_uuid(),
                section_id,
                place,
                section: section.name.clone(),
                row_name: row,
                seat_name: name,
                type_id: seat.type_id.to_string(),
                price: CqlDecimal::from_signed_be_bytes_slice_and_exponent(&[0x13, 0x88], 2),
            });
        }
    }
    copies
}

fn time(since_1970: Duration) -> CqlTimestamp {
    CqlTimestamp(i64::try_from(since_1970.as_millis()).unwrap())
}
