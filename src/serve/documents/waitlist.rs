//! Documents about the waitlist.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PART_LIMIT, Part, present, time, time_or_null, waitlist_status, whole};
use crate::domain::{EntryId, EventId, HoldId, Timestamp, WaitlistEntry, WaitlistStatus};

/// What to wait for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct JoinRequest {
    /// The slug or the id of the show.
    #[schema(example = "hamlet")]
    pub(in crate::serve) event: String,
    /// How many tickets, side by side.
    #[serde(default = "one", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 10, required = false)]
    pub(in crate::serve) size: u32,
    /// In this section only.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    pub(in crate::serve) section: Option<String>,
    /// Tickets of this type only, in any spelling.
    #[serde(default, rename = "type", deserialize_with = "present")]
    #[schema(value_type = String, required = false)]
    pub(in crate::serve) ticket_type: Option<String>,
    /// The idempotency key, a random UUID (version 4 or 7): a repeat returns the same entry.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = uuid::Uuid, required = false, pattern = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[47][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$")]
    pub(in crate::serve) entry_id: Option<EntryId>,
}

const fn one() -> u32 {
    1
}

/// A place in the waitlist.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WaitlistEntry)]
pub(in crate::serve) struct EntryDocument {
    #[schema(value_type = uuid::Uuid)]
    entry_id: EntryId,
    #[schema(value_type = uuid::Uuid)]
    event_id: EventId,
    #[schema(schema_with = waitlist_status)]
    status: WaitlistStatus,
    size: u32,
    section: Option<Box<str>>,
    #[serde(rename = "type")]
    ticket_type: Option<Box<str>>,
    /// 1 for the first; null for who does not wait any more.
    place: Option<u64>,
    /// How often what it would have liked went to a smaller group behind it.
    passed_over: u64,
    #[schema(schema_with = time)]
    joined_at: Timestamp,
    #[schema(schema_with = time_or_null)]
    offered_at: Option<Timestamp>,
    /// The hold that it was offered.
    #[schema(value_type = Option<uuid::Uuid>)]
    hold_id: Option<HoldId>,
}

impl EntryDocument {
    /// Whether it is the entry with this id.
    pub(in crate::serve) fn is(&self, entry: EntryId) -> bool {
        self.entry_id == entry
    }
}

impl From<&WaitlistEntry> for EntryDocument {
    fn from(entry: &WaitlistEntry) -> Self {
        Self {
            entry_id: entry.entry_id,
            event_id: entry.event_id,
            status: entry.status,
            size: entry.wish.size,
            section: entry.wish.section.clone(),
            ticket_type: entry.wish.ticket_type.clone(),
            place: entry.place,
            passed_over: entry.passed_over,
            joined_at: entry.joined_at,
            offered_at: entry.offered_at,
            hold_id: entry.hold_id,
        }
    }
}

/// One place in the waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = OneWaitlistEntry)]
pub(in crate::serve) struct OneEntryDocument {
    pub(in crate::serve) entry: EntryDocument,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

/// A session's places in a waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitlistEntries)]
pub(in crate::serve) struct EntriesDocument {
    pub(in crate::serve) entries: Vec<EntryDocument>,
    /// How many it has, in this page or not.
    pub(in crate::serve) total: usize,
    /// The time of the server.
    #[schema(schema_with = time)]
    pub(in crate::serve) now: Timestamp,
}

impl EntriesDocument {
    /// A part of a session's places.
    pub(in crate::serve) fn page(entries: Vec<EntryDocument>, part: Part, now: Timestamp) -> Self {
        Self { total: entries.len(), entries: part.of(entries), now }
    }

    /// The newest of a session's places.
    pub(in crate::serve) fn newest(entries: Vec<EntryDocument>, now: Timestamp) -> Self {
        let offset = entries.len().saturating_sub(PART_LIMIT);
        Self::page(entries, Part { offset, limit: PART_LIMIT }, now)
    }
}
