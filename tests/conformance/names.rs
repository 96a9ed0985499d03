//! Names of sections, rows and seats, and how they are found.

use std::sync::Arc;

use tix::domain::{EntryId, EventId, NewEntry, SeatLabel, TicketId, Wish};
use tix::minting::{Layout, ListedSeat, Seating, SectionLayout};
use tix::repository::{Result, TicketFilter};

use crate::world::{World, buyer, code, draft, eur};

/// An event with these seats, each its section, row and seat.
async fn event_with(world: &World, slug: &str, seats: &[[&str; 3]]) -> EventId {
    let mut sections: Vec<SectionLayout> = Vec::new();
    for [name, row, seat] in seats {
        let seat = ListedSeat {
            row: (*row).into(),
            seat: (*seat).into(),
            type_id: "regular".into(),
            price: eur(1_000),
            aisle_after: None,
        };
        match sections.iter_mut().find(|section| section.name == *name) {
            Some(SectionLayout { seating: Seating::Listed(listed), .. }) => listed.push(seat),
            _ => sections.push(SectionLayout {
                name: (*name).into(),
                type_id: "regular".into(),
                entrance: String::new(),
                seating: Seating::Listed(vec![seat]),
            }),
        }
    }
    let event = world.repository.add_event(&draft(&world.slug(slug))).await.unwrap().event_id;
    let layout = Arc::new(Layout { sections, digest: slug.into() });
    world.repository.mint(event, layout, &|_| {}).await.unwrap();
    event
}

async fn found(world: &World, event: EventId, seat: [&str; 3]) -> Result<TicketId> {
    let [section, row, seat] = seat.map(Into::into);
    let found = world.repository.find_seats(event, &[SeatLabel { section, row, seat }]).await;
    found.map(|tickets| tickets[0])
}

pub(crate) async fn seat_is_found_by_any_spelling(world: &World) {
    let stored = ["Caf\u{e9} left", "A", "1b"];
    let event = event_with(world, "cafe", &[stored, ["Caf\u{e9} left", "B", "1b"]]).await;
    let [section, row, seat] = stored;
    let ticket = TicketId::of_seat(event, section, row, seat);
    for spelling in [
        stored,
        ["CAFE\u{301} Left", "a", "1B"],
        ["caf\u{e9}\u{a0} left", " A ", "1b"],
        ["Caf\u{e9}\u{200b} left", "A", "1b\u{202e}"],
    ] {
        assert_eq!(found(world, event, spelling).await.unwrap(), ticket, "{spelling:?}");
        let map = world.repository.section_map(event, spelling[0]).await.unwrap();
        assert_eq!(map.section().name, section);
        let filter = TicketFilter { section: Some(spelling[0].into()), ..TicketFilter::default() };
        let tickets = world.repository.tickets(event, &filter).await.unwrap();
        assert_eq!(tickets.len(), 2);
        assert_eq!(&*tickets[0].ticket.label.section, section);
    }
    for other in [["Cafe left", "A", "1b"], [section, "C", "1b"], [section, "A", "1"]] {
        assert_eq!(code(found(world, event, other).await), "unknown_seat", "{other:?}");
    }
}

pub(crate) async fn stored_spellings_keep_their_tickets(world: &World) {
    // As an earlier version minted them.
    let seats = [
        ["Stalls", "A", "1"],
        ["stalls", "A", "1"],
        ["Cafe\u{301}", "A", "1"],
        ["Box  1", "a", "1"],
        ["Box  1", "A", "1"],
    ];
    let event = event_with(world, "old", &seats).await;
    for [section, row, seat] in seats {
        let ticket = TicketId::of_seat(event, section, row, seat);
        assert_eq!(found(world, event, [section, row, seat]).await.unwrap(), ticket, "{section}");
    }
    let [section, row, seat] = seats[2];
    let ticket = TicketId::of_seat(event, section, row, seat);
    assert_eq!(found(world, event, ["CAF\u{c9}", "a", "1"]).await.unwrap(), ticket);
    let ambiguous = found(world, event, ["STALLS", "A", "1"]).await;
    assert_eq!(code(ambiguous), "unknown_seat", "two sections are spelled so");
    let row = found(world, event, ["box 1", "A", "1"]).await.unwrap();
    assert_eq!(row, TicketId::of_seat(event, "Box  1", "A", "1"), "the exact row goes first");
}

pub(crate) async fn waitlist_keeps_the_spelling_of_the_venue(world: &World) {
    let event = event_with(world, "wait", &[["Caf\u{e9}", "A", "1"]]).await;
    let [ticket] = [TicketId::of_seat(event, "Caf\u{e9}", "A", "1")];
    world.repository.block(event, &[ticket], "not yet").await.unwrap();
    let ann = buyer("ann");
    let wish = |section: &str| Wish {
        section: Some(section.into()),
        ticket_type: Some("REGULAR".into()),
        size: 1,
    };
    let entry_id = EntryId::fresh();
    let entry = |section| NewEntry {
        entry_id,
        event_id: event,
        session_id: ann.session.clone(),
        buyer_id: ann.buyer,
        wish: wish(section),
    };
    let joined = world.repository.join_waitlist(&entry("CAFE\u{301}")).await.unwrap();
    assert_eq!(joined.wish.section.as_deref(), Some("Caf\u{e9}"));
    let again = world.repository.join_waitlist(&entry("caf\u{e9}")).await.unwrap();
    assert_eq!(again.entry_id, joined.entry_id, "another spelling is the same wish");
    world.repository.unblock(event, &[ticket]).await.unwrap();
    let line = world.repository.waitlist(event).await.unwrap();
    assert!(line[0].hold_id.is_some(), "the released ticket is offered: {line:?}");
}
