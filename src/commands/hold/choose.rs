//! The seats that `--best` chooses from.

use std::collections::BTreeSet;

use crate::commands::aisles::gaps;
use crate::commands::pick;
use crate::domain::seating::{Row, Seat};
use crate::domain::{EventId, Ticket, TicketId, TicketStatus};
use crate::error::{Error, Result};
use crate::repository::{Repository, SectionMap};

/// Where the buyer wants to sit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish<'a> {
    /// In this section only.
    pub(super) section: Option<&'a str>,
    /// On tickets of this type only, in any case.
    pub(super) ticket_type: Option<&'a str>,
}

/// The rows of an event that a wish allows, with what is free in them.
///
/// # Errors
/// Refused where there is no such section; bad usage where no ticket is of that type.
pub(super) async fn rows(
    store: &dyn Repository,
    event: EventId,
    wish: Wish<'_>,
) -> Result<Vec<Row<TicketId>>> {
    let mut sections = store.sections(event).await?;
    if let Some(name) = wish.section {
        sections = vec![pick::section(&sections, name)?.clone()];
    }
    let mut rows = Vec::new();
    let mut types = BTreeSet::new();
    for section in &sections {
        let map = store.section_map(event, &section.name).await?;
        types.extend(map.section.tickets.iter().map(|ticket| ticket.type_id.to_string()));
        rows.extend(rows_of(&map, wish.ticket_type));
    }
    match wish.ticket_type {
        Some(wanted) if !types.iter().any(|known| known.eq_ignore_ascii_case(wanted)) => {
            let known: Vec<String> = types.into_iter().collect();
            Err(Error::usage(
                format!("no ticket there is of the type `{wanted}`"),
                format!("there are: {}", known.join(", ")),
            ))
        }
        _ => Ok(rows),
    }
}

/// The rows of one section, the first one in front.
fn rows_of(map: &SectionMap, ticket_type: Option<&str>) -> Vec<Row<TicketId>> {
    let wanted = |ticket: &Ticket| {
        ticket_type.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&ticket.type_id))
    };
    let mut statuses = map.statuses.iter();
    let rows = map.section.tickets.chunk_by(|a, b| a.label.row == b.label.row);
    let seats_of = |tickets: &[Ticket]| {
        let gaps = gaps(tickets.iter().map(|ticket| &*ticket.label.seat));
        let seat = |((ticket, status), gap_before): ((&Ticket, &TicketStatus), bool)| Seat {
            key: ticket.ticket_id,
            free: *status == TicketStatus::Available && wanted(ticket),
            gap_before,
        };
        tickets.iter().zip(statuses.by_ref()).zip(gaps).map(seat).collect()
    };
    rows.map(seats_of).enumerate().map(|(depth, seats)| Row { depth, seats }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Currency, Money, Section};
    use crate::repository::SectionTickets;

    fn ticket(seat: &str, type_id: &str) -> Ticket {
        let event = EventId::of_slug("hamlet");
        Ticket {
            ticket_id: TicketId::of_seat(event, "A", "1", seat),
            label: format!("A/1/{seat}").parse().unwrap(),
            type_id: type_id.into(),
            price: Money::zero(Currency::EUR),
        }
    }

    #[test]
    fn only_available_tickets_of_the_wanted_type_are_free() {
        let tickets = vec![ticket("1", "VIP"), ticket("2", "VIP"), ticket("3", "regular")];
        let section = Section {
            name: "A".into(),
            type_id: "VIP".into(),
            entrance: String::new(),
            rows: 1,
            seats: 3,
        };
        let map = SectionMap {
            section: Arc::new(SectionTickets { section, tickets }),
            statuses: vec![TicketStatus::Available, TicketStatus::Held, TicketStatus::Available],
        };
        let free = |wish| -> Vec<bool> {
            rows_of(&map, wish)[0].seats.iter().map(|seat| seat.free).collect()
        };
        assert_eq!(free(None), [true, false, true]);
        assert_eq!(free(Some("vip")), [true, false, false]);
    }
}
