//! Minting: the layout is reserved first, then every ticket is written, then the sale opens. A call
//! that dies in between is completed by the next one with the same layout.
//!
//! Tickets are written with one early write time: whoever writes one again changes nothing, neither
//! the ticket nor what is shown of its condition.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use scylla::statement::batch::{Batch, BatchType};
use scylla::value::MaybeUnset;

use super::at_once::at_once;
use super::catalogue::event_row;
use super::database::{Database, Decision, Unread};
use super::statements::ANSWER_MAX;
use super::values::{Count, Price, stored_count};
use crate::domain::{Event, EventId, TicketId};
use crate::minting::{Layout, SectionLayout};
use crate::repository::{MintProgress, Minted, Result, StoreError, StoreFault};

/// The write time of everything that is minted, in microseconds since 1970.
const WRITE_TIME_US: i64 = 1;

/// Tickets written with one request. They are of one section, hence of one partition: the machine
/// that has it applies them as one write.
const BATCH: u64 = 100;

/// Requests under way at once: about what keeps one machine busy.
const BATCHES_AT_ONCE: usize = 32;

/// How often a decision that was left open is repeated.
const TRIES_MAX: u32 = 4;

/// Tickets of one section, counted from `from` up to `to`.
#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    section_id: i32,
    section: &'a SectionLayout,
    from: u64,
    to: u64,
}

/// Mints one ticket for each seat of `layout`.
pub(super) async fn mint(
    db: &Database,
    event_id: EventId,
    layout: &Layout,
    progress: MintProgress<'_>,
) -> Result<Minted> {
    let total = layout.tickets();
    if reserve(db, event_id, layout).await? {
        progress(total);
        return Ok(Minted { new: 0, existing: total });
    }
    write_sections(db, event_id, layout).await?;
    let missing = missing(db, event_id, layout).await?;
    let complete = total - missing.iter().map(|m| m.section.seats()).sum::<u64>();
    let existing = complete + missing.iter().map(|m| m.there).sum::<u64>();
    let chunks = missing.iter().flat_map(|m| chunks(m.section_id, m.section));
    let mut done = complete;
    let mut under_way = FuturesUnordered::new();
    for chunk in chunks {
        under_way.push(write_chunk(db, event_id, chunk));
        if under_way.len() >= BATCHES_AT_ONCE
            && let Some(written) = under_way.next().await
        {
            done += written?;
            progress(done);
        }
    }
    while let Some(written) = under_way.next().await {
        done += written?;
        progress(done);
    }
    open_sale(db, event_id).await?;
    Ok(Minted { new: total - existing, existing })
}

/// Reserves the event for this layout; says whether all of it is minted already.
async fn reserve(db: &Database, event_id: EventId, layout: &Layout) -> Result<bool> {
    for _ in 0..TRIES_MAX {
        let row = event_row(db, event_id).await?;
        match row.layout_digest.as_deref() {
            Some(digest) if digest == layout.digest => return Ok(Event::from(row).minted),
            Some(_) => return Err(other_layout(&Event::from(row))),
            None => {}
        }
        let values = (&layout.digest, stored_count(layout.tickets()), event_id);
        db.decide::<Unread>(&db.statements.reserve_layout, values).await?;
    }
    Err(unanswered("begin to mint"))
}

fn other_layout(event: &Event) -> crate::repository::Error {
    let message = format!(
        "event {} is minted from another venue file; its tickets stay as they are",
        event.slug
    );
    StoreError::new(StoreFault::OtherLayout, message).into()
}

fn unanswered(what: &str) -> crate::repository::Error {
    StoreError::new(StoreFault::Failed, format!("could not {what}: the store did not answer"))
        .into()
}

fn section_id(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}

async fn write_sections(db: &Database, event_id: EventId, layout: &Layout) -> Result<()> {
    let sections = layout.sections.iter().enumerate();
    let writes = sections.map(|(place, s)| write_section(db, event_id, section_id(place), s));
    let writes = writes.collect();
    at_once(BATCHES_AT_ONCE, writes).await.map(|_: Vec<()>| ())
}

async fn write_section(
    db: &Database,
    event_id: EventId,
    section_id: i32,
    section: &SectionLayout,
) -> Result<()> {
    let values = (
        event_id,
        section_id,
        &section.name,
        &*section.type_id,
        &section.entrance,
        i32::try_from(section.rows()).unwrap_or(i32::MAX),
        stored_count(section.seats()),
        WRITE_TIME_US,
    );
    db.write(&db.statements.insert_section, values).await
}

/// A section of which not every ticket is there.
struct Missing<'a> {
    section_id: i32,
    section: &'a SectionLayout,
    /// How many tickets of it an interrupted call left.
    there: u64,
}

async fn missing<'a>(
    db: &Database,
    event_id: EventId,
    layout: &'a Layout,
) -> Result<Vec<Missing<'a>>> {
    let ids = 0..layout.sections.len();
    let counts = ids.map(|place| count(db, event_id, section_id(place))).collect();
    let counts = at_once(BATCHES_AT_ONCE, counts).await?;
    let all = layout.sections.iter().zip(counts).enumerate();
    let all = all.map(|(place, (section, there))| {
        let section_id = section_id(place);
        Missing { section_id, section, there }
    });
    Ok(all.filter(|missing| missing.there < missing.section.seats()).collect())
}

async fn count(db: &Database, event_id: EventId, section_id: i32) -> Result<u64> {
    let counted = db.row::<(Count,)>(&db.statements.count_tickets, (event_id, section_id)).await?;
    Ok(counted.map_or(0, |(count,)| count.0))
}

fn chunks(section_id: i32, section: &SectionLayout) -> impl Iterator<Item = Chunk<'_>> {
    let seats = section.seats();
    (0..seats.div_ceil(BATCH)).map(move |index| Chunk {
        section_id,
        section,
        from: index * BATCH,
        to: seats.min((index + 1) * BATCH),
    })
}

/// Writes some tickets of one section; returns how many.
async fn write_chunk(db: &Database, event_id: EventId, chunk: Chunk<'_>) -> Result<u64> {
    let statement = &db.statements.mint_ticket;
    let mut batch = Batch::new(BatchType::Unlogged);
    batch.set_is_idempotent(true);
    batch.set_request_timeout(Some(ANSWER_MAX));
    batch.set_consistency(statement.prepared.get_consistency().unwrap_or_default());
    let mut rows = Vec::new();
    for index in chunk.from..chunk.to {
        let Some(seat) = chunk.section.seat(index) else { continue };
        let ticket_id = TicketId::of_seat(event_id, &chunk.section.name, &seat.row, &seat.seat);
        let place = i32::try_from(index).unwrap_or(i32::MAX);
        let (row, name, kind) = (seat.row.to_string(), seat.seat.to_string(), &seat.type_id);
        let price = Price::from(seat.price);
        let kind = kind.to_string();
        // A null would be a tombstone for every seat of which the file says nothing.
        let aisle_after = MaybeUnset::from_option(seat.aisle_after);
        rows.push((
            event_id,
            chunk.section_id,
            ticket_id,
            place,
            row,
            name,
            kind,
            price,
            aisle_after,
            WRITE_TIME_US,
        ));
        batch.append_statement(statement.prepared.clone());
    }
    db.write_batch(statement.what, &batch, &rows).await?;
    Ok(chunk.to - chunk.from)
}

async fn open_sale(db: &Database, event_id: EventId) -> Result<()> {
    for _ in 0..TRIES_MAX {
        let values = (db.now(), event_id);
        let opened = db.decide::<Unread>(&db.statements.open_sale, values).await?;
        if opened != Decision::Unknown {
            return Ok(());
        }
    }
    Err(unanswered("open the sale"))
}
