//! Events and what was minted for them.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::builder::Builder;
use super::rows::{self, EventRow, SectionRow, TicketRow};
use super::scan;
use crate::audit::evidence::EventFacts;
use crate::audit::venue::StoredSection;
use crate::domain::{Currency, EventId, SaleTerms, Timestamp};
use crate::repository::scylla::Reader;
use crate::repository::{Error, Result};

/// Partitions that are read at the same time.
const PARTITIONS_AT_ONCE: usize = 8;

/// An event and the partitions of its tickets.
#[derive(Debug)]
pub(super) struct EventPlace {
    /// What is stored about it.
    pub(super) facts: EventFacts,
    /// In which currency its prices are.
    pub(super) currency: Currency,
    /// When it was added, by the write time of its row.
    pub(super) added_at: Option<Timestamp>,
    /// Its sections, in the order of the venue.
    pub(super) sections: Vec<(i32, StoredSection)>,
    /// What of it could not be understood, one sentence each.
    pub(super) unreadable: Vec<String>,
}

/// Every event, in the order in which they were added.
pub(super) async fn places(reader: &Reader) -> Result<Vec<EventPlace>> {
    let prepared = scan::prepare(reader, rows::EVENTS).await?;
    let mut events = scan::rows::<EventRow>(reader, &prepared, ()).await?;
    events.sort_by_key(|event| (event.written_at, event.event_id));
    let prepared = scan::prepare(reader, rows::SOLD_LATE).await?;
    let sold_late = scan::rows::<(EventId,)>(reader, &prepared, ()).await?;
    let sold_late: HashSet<EventId> = sold_late.into_iter().map(|(event,)| event).collect();
    let prepared = scan::prepare(reader, rows::SECTIONS).await?;
    let places = stream::iter(events).map(|event| {
        let (prepared, closes) = (&prepared, !sold_late.contains(&event.event_id));
        async move {
            let key = (event.event_id,);
            let sections = scan::rows::<SectionRow>(reader, prepared, key).await?;
            Ok(place(&event, &sections, closes))
        }
    });
    places.buffered(PARTITIONS_AT_ONCE).try_collect().await
}

/// The events that were deleted: rows about them are of no event, and no trouble.
pub(super) async fn deleted(reader: &Reader) -> Result<Vec<EventId>> {
    let prepared = scan::prepare(reader, rows::DELETED).await?;
    let rows = scan::rows::<(EventId, Option<String>)>(reader, &prepared, ()).await?;
    let is_deleted = |state: &str| state == "deleted" || state == "cleared";
    let deleted = rows.into_iter().filter(|(_, state)| state.as_deref().is_some_and(is_deleted));
    Ok(deleted.map(|(event, _)| event).collect())
}

fn place(row: &EventRow, sections: &[SectionRow], closes: bool) -> EventPlace {
    let id = row.event_id;
    let mut unreadable = Vec::new();
    let currency = row.currency.as_deref().and_then(Currency::of_code);
    let currency = currency.filter(|currency| row.currency.as_deref() == Some(currency.code()));
    if !is_complete(row) || currency.is_none() {
        unreadable.push(format!("events {id}: a value is missing or means nothing"));
    }
    let count = |stored: Option<i64>| stored.and_then(|n| u64::try_from(n).ok());
    let span = |ms| count(ms).map(Duration::from_millis).unwrap_or_default();
    let terms = SaleTerms {
        limit: row.limit_per_buyer.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0),
        time_to_pay: span(row.time_to_pay_ms),
        payment_time: span(row.payment_time_ms),
    };
    let mut stored = Vec::with_capacity(sections.len());
    for section in sections {
        let section_id = section.section_id;
        let read = || {
            Some(StoredSection {
                name: section.name.clone()?,
                type_id: section.type_id.clone()?,
                entrance: section.entrance.clone()?,
                rows: section.row_count.and_then(|rows| u64::try_from(rows).ok())?,
                tickets: count(section.seats)?,
            })
        };
        match read() {
            Some(section) => stored.push((section_id, section)),
            None => unreadable.push(format!(
                "venue_sections {id} {section_id}: a value is missing or means nothing"
            )),
        }
    }
    EventPlace {
        facts: EventFacts {
            event_id: id,
            slug: row.slug.as_deref().unwrap_or_default().into(),
            terms,
            declared_tickets: count(row.tickets).unwrap_or(0),
            section_tickets: stored.iter().fold(0, |sum, (_, s)| s.tickets.saturating_add(sum)),
            layout_digest: row.layout_digest.as_deref().map(Into::into),
            minted_at: row.minted_at,
            closes_at: row.starts_at.filter(|_| closes),
        },
        currency: currency.unwrap_or(Currency::EUR),
        added_at: row.written_at.map(|micros| Timestamp::from_millis(micros / 1000)),
        sections: stored,
        unreadable,
    }
}

/// Whether everything is stored that an event must have.
fn is_complete(row: &EventRow) -> bool {
    let texts = [
        &row.slug,
        &row.name,
        &row.series,
        &row.event_type,
        &row.description,
        &row.language,
        &row.venue,
        &row.city,
        &row.country,
        &row.time_zone,
    ];
    let is_count = |number: Option<i64>| number.is_some_and(|number| number >= 0);
    texts.into_iter().all(Option::is_some)
        && is_count(row.duration_minutes.map(Into::into))
        && is_count(row.limit_per_buyer.map(Into::into))
        && is_count(row.time_to_pay_ms)
        && is_count(row.payment_time_ms)
        && row.tickets.is_none_or(|tickets| tickets >= 0)
        && row.doors_at.is_some()
        && row.starts_at.is_some()
        && row.simulated.is_some()
}

/// Hands the tickets of an event to its builder, section by section, in the order of the venue.
pub(super) async fn read_tickets(
    reader: &Reader,
    event: EventId,
    sections: Vec<(i32, StoredSection)>,
    builder: &mut Builder,
) -> Result<()> {
    let prepared = scan::prepare(reader, rows::TICKETS).await?;
    let sections = stream::iter(sections).map(|(section_id, section)| {
        let prepared = &prepared;
        async move {
            let mut rows = scan::rows::<TicketRow>(reader, prepared, (event, section_id)).await?;
            rows.sort_by_key(|row| row.place);
            Ok::<_, Error>((section_id, section, rows))
        }
    });
    let mut sections = sections.buffered(PARTITIONS_AT_ONCE);
    while let Some((section_id, section, tickets)) = sections.try_next().await? {
        builder.section(section_id, section, &tickets);
    }
    builder.end_venue();
    Ok(())
}
