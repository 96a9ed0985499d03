//! How entries of the waitlist are written down.

use serde::Serialize;

use crate::commands::{Context, caller};
use crate::domain::time::spoken;
use crate::domain::{EntryId, Event, Hold, WaitlistEntry, WaitlistStatus, Wish};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Card, Cell, Column, Page, Report, Sheet, Table, Tone, counted};
use crate::repository::Repository;

/// An entry, and the hold that it was offered.
#[derive(Serialize)]
pub(super) struct Record {
    #[serde(flatten)]
    entry: WaitlistEntry,
    offer: Option<Hold>,
}

impl Record {
    pub(super) async fn read(store: &dyn Repository, entry: WaitlistEntry) -> Result<Self> {
        let offer = match entry.hold_id {
            Some(hold) => Some(store.hold(hold).await?),
            None => None,
        };
        Ok(Self { entry, offer })
    }

    /// The offer while it stands.
    fn standing(&self) -> Option<&Hold> {
        self.offer.as_ref().filter(|_| self.entry.status == WaitlistStatus::Offered)
    }
}

/// One entry, and the event it is of.
#[derive(Serialize)]
pub(super) struct OneEntry {
    entry: Record,
    #[serde(skip)]
    pub(super) event: Event,
}

impl OneEntry {
    pub(super) async fn read(
        store: &dyn Repository,
        event: Event,
        entry: WaitlistEntry,
    ) -> Result<Self> {
        Ok(Self { entry: Record::read(store, entry).await?, event })
    }

    pub(super) const fn entry_id(&self) -> EntryId {
        self.entry.entry.entry_id
    }

    /// What can be done with it next, as commands.
    pub(super) fn next_steps(&self, context: &Context) -> Vec<(String, &'static str)> {
        let entry = &self.entry.entry;
        let session = caller::session_option(&entry.session_id);
        let store = context.store_option();
        let end = format!("{session}{store}");
        match self.entry.standing() {
            Some(hold) => vec![
                (format!("tix hold confirm {}{end}", hold.hold_id), "pay for what is offered"),
                (format!("tix waitlist leave {}{end}", entry.entry_id), "decline it"),
            ],
            None => vec![
                (
                    format!("tix waitlist list --event {}{store}", self.event.slug),
                    "see the waitlist",
                ),
                (format!("tix waitlist leave {}{end}", entry.entry_id), "leave it"),
            ],
        }
    }
}

impl Report for OneEntry {
    fn text(&self, page: &Page) -> String {
        let (entry, zone) = (&self.entry.entry, self.event.zone());
        let mut card = Card::new()
            .toned("entry", entry.entry_id, Tone::Strong)
            .toned("status", entry.status, entry.status.into())
            .line("event", format!("{}, {}", self.event.name, self.event.starts_at.in_zone(&zone)))
            .line("waits for", wished(&entry.wish));
        if let Some(place) = entry.place {
            card = card.line("place", in_line(place));
        }
        if entry.passed_over > 0 {
            card = card.line("passed over", passed(entry.passed_over));
        }
        if let Some(hold) = &self.entry.offer {
            card = card.toned("hold", hold.hold_id, Tone::Strong);
            for (index, ticket) in hold.tickets.iter().enumerate() {
                let label = if index == 0 { "seats" } else { "" };
                let seat = format!("{} · {} · {}", ticket.label, ticket.type_id, ticket.price);
                card = card.line(label, seat);
            }
        }
        if let Some(hold) = self.entry.standing() {
            let left = spoken(hold.expires_at.since(page.now));
            card =
                card.line("deadline", format!("{} ({left} left)", hold.expires_at.in_zone(&zone)));
        }
        card.line("session", &entry.session_id).line("buyer", entry.buyer_id).render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&COLUMNS).with([line(&self.entry)])
    }
}

/// The line of an event.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) entries: Vec<Record>,
    /// How many there are, printed or not.
    pub(super) total: usize,
    #[serde(skip)]
    pub(super) event: Event,
}

impl Report for Line {
    fn text(&self, page: &Page) -> String {
        let zone = self.event.zone();
        let mut table = Table::new(&[
            Column::right("PLACE"),
            Column::left("ENTRY"),
            Column::left("STATUS"),
            Column::left("WAITS FOR").broken(),
            Column::right("PASSED OVER").optional(1),
            Column::left("OFFER").broken(),
            Column::left("JOINED").optional(2),
            Column::left("SESSION").broken().optional(0),
        ]);
        for record in &self.entries {
            let entry = &record.entry;
            let offer = record.standing().map(|hold| {
                let seats: Vec<String> = hold.tickets.iter().map(|t| t.label.to_string()).collect();
                let left = spoken(hold.expires_at.since(page.now));
                format!("{} for {left}", seats.join(", "))
            });
            table.push(vec![
                Cell::new(entry.place.map(|place| place.to_string()).unwrap_or_default()),
                Cell::toned(entry.entry_id, Tone::Strong),
                Cell::toned(entry.status, entry.status.into()),
                Cell::new(wished(&entry.wish)),
                Cell::new(match entry.passed_over {
                    0 => String::new(),
                    times => passed(times),
                }),
                Cell::new(offer.unwrap_or_default()),
                Cell::new(entry.joined_at.in_zone(&zone)),
                Cell::new(&entry.session_id),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&COLUMNS).with(self.entries.iter().map(line))
    }
}

/// What somebody waits for, as people say it.
fn wished(wish: &Wish) -> String {
    let mut words = counted(wish.size.into(), "ticket");
    if wish.size > 1 {
        words.push_str(" side by side");
    }
    if let Some(kind) = &wish.ticket_type {
        words = format!("{words}, {kind}");
    }
    if let Some(section) = &wish.section {
        words = format!("{words}, in {section}");
    }
    words
}

fn in_line(place: u64) -> String {
    match place {
        1 => "first in line".into(),
        place => format!("{place}, {} in front", place - 1),
    }
}

fn passed(times: u64) -> String {
    match times {
        1 => "once".into(),
        times => format!("{times} times"),
    }
}

const COLUMNS: [&str; 13] = [
    "place",
    "entry_id",
    "event_id",
    "status",
    "size",
    "section",
    "type",
    "passed_over",
    "hold_id",
    "joined_at",
    "offered_at",
    "session_id",
    "buyer_id",
];

fn line(Record { entry, .. }: &Record) -> Vec<String> {
    vec![
        optional(entry.place.as_ref()),
        entry.entry_id.to_string(),
        entry.event_id.to_string(),
        entry.status.to_string(),
        entry.wish.size.to_string(),
        optional(entry.wish.section.as_ref()),
        optional(entry.wish.ticket_type.as_ref()),
        entry.passed_over.to_string(),
        optional(entry.hold_id.as_ref()),
        entry.joined_at.to_string(),
        optional(entry.offered_at.as_ref()),
        entry.session_id.to_string(),
        entry.buyer_id.to_string(),
    ]
}
