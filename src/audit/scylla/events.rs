//! Events and what was minted for them.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::builder::Builder;
use super::rows::{self, EventRow, SectionRow, TicketRow};
use super::scan;
use crate::audit::evidence::EventFacts;
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
    /// Its sections, each with its name.
    pub(super) sections: Vec<(i32, String)>,
}

/// Every event, in the order in which they were added.
pub(super) async fn places(reader: &Reader) -> Result<Vec<EventPlace>> {
    let prepared = scan::prepare(reader, rows::EVENTS).await?;
    let mut events = scan::rows::<EventRow>(reader, &prepared, ()).await?;
    events.sort_by_key(|event| (event.written_at, event.event_id));
    let prepared = scan::prepare(reader, rows::SECTIONS).await?;
    let places = stream::iter(events).map(|event| {
        let prepared = &prepared;
        async move {
            let key = (event.event_id,);
            let sections = scan::rows::<SectionRow>(reader, prepared, key).await?;
            Ok(place(&event, &sections))
        }
    });
    places.buffered(PARTITIONS_AT_ONCE).try_collect().await
}

fn place(row: &EventRow, sections: &[SectionRow]) -> EventPlace {
    let count = |stored: Option<i64>| stored.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let span = |ms| Duration::from_millis(count(ms));
    let terms = SaleTerms {
        limit: row.limit_per_buyer.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(0),
        time_to_pay: span(row.time_to_pay_ms),
        payment_time: span(row.payment_time_ms),
    };
    EventPlace {
        facts: EventFacts {
            event_id: row.event_id,
            terms,
            declared_tickets: count(row.tickets),
            section_tickets: sections.iter().map(|section| count(section.seats)).sum(),
            minted: row.minted_at.is_some(),
        },
        currency: row.currency.as_deref().and_then(Currency::of_code).unwrap_or(Currency::EUR),
        added_at: row.written_at.map(|micros| Timestamp::from_millis(micros / 1000)),
        sections: sections
            .iter()
            .map(|section| (section.section_id, section.name.clone().unwrap_or_default()))
            .collect(),
    }
}

/// Hands the tickets of an event to its builder, section by section.
pub(super) async fn read_tickets(
    reader: &Reader,
    event: EventId,
    sections: Vec<(i32, String)>,
    builder: &mut Builder,
) -> Result<()> {
    let prepared = scan::prepare(reader, rows::TICKETS).await?;
    let sections = stream::iter(sections).map(|(section, name)| {
        let prepared = &prepared;
        async move {
            let rows = scan::rows::<TicketRow>(reader, prepared, (event, section)).await?;
            Ok::<_, Error>((name, rows))
        }
    });
    let mut sections = sections.buffered(PARTITIONS_AT_ONCE);
    while let Some((section, tickets)) = sections.try_next().await? {
        for ticket in tickets {
            builder.ticket(&section, &ticket);
        }
    }
    Ok(())
}
