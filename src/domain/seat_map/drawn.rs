//! Sections drawn as text, for tests.

use std::sync::Arc;

use crate::domain::{
    Currency, EventId, Money, Section, SectionMap, SectionTickets, Ticket, TicketId, TicketStatus,
};

/// A section whose rows are drawn, the first one first: `.` is available, `h` held, `p` paying, `s`
/// sold, `x` blocked, `v` an available seat of another type and `w` a sold one of that, `a` an
/// available seat for a wheelchair; a blank is an aisle.
pub(crate) fn drawn(name: &str, drawing: &[&str]) -> SectionMap {
    let mut tickets = Vec::new();
    let mut statuses = Vec::new();
    for (row, line) in (1..).zip(drawing) {
        for (seat, sign) in (1..).zip(line.chars()).filter(|(_, sign)| *sign != ' ') {
            tickets.push(ticket(name, row, seat, sign));
            statuses.push(match sign {
                'h' => TicketStatus::Held,
                'p' => TicketStatus::Paying,
                's' | 'w' => TicketStatus::Sold,
                'x' => TicketStatus::Blocked,
                _ => TicketStatus::Available,
            });
        }
    }
    let section = Section {
        name: name.into(),
        type_id: "regular".into(),
        entrance: String::new(),
        rows: u32::try_from(drawing.len()).unwrap(),
        seats: tickets.len() as u64,
    };
    SectionMap::new(Arc::new(SectionTickets::new(section, tickets)), statuses)
}

fn ticket(section: &str, row: u32, seat: u32, sign: char) -> Ticket {
    let event = EventId::of_slug("hamlet");
    let (type_id, price) = match sign {
        'v' | 'w' => ("VIP", 12000),
        'a' => ("wheelchair", 8950),
        _ => ("regular", 8950),
    };
    Ticket {
        ticket_id: TicketId::of_seat(event, section, &row.to_string(), &seat.to_string()),
        label: format!("{section}/{row}/{seat}").parse().unwrap(),
        type_id: type_id.into(),
        price: Money::from_minor(price, Currency::EUR),
    }
}
