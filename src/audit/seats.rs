//! The seats of the tickets that violations are about.

use std::collections::{HashMap, HashSet};

use super::Violation;
use crate::domain::{EventId, TicketId};
use crate::repository::{Repository, TicketFilter};

/// Adds its seat to each violation that is about a ticket of `event`, or of any event. Nothing is judged
/// by it: a broken store may not be readable, and the seat is left out then.
pub async fn name_seats(
    violations: &mut [Violation],
    store: &dyn Repository,
    event: Option<EventId>,
) {
    let mut unnamed: HashSet<TicketId> = violations.iter().filter_map(|v| v.ticket_id).collect();
    let mut seats = HashMap::new();
    let events = if let Some(event) = event {
        vec![event]
    } else {
        let events = store.events().await.unwrap_or_default();
        events.iter().filter(|event| event.minted).map(|event| event.event_id).collect()
    };
    for event in events {
        if unnamed.is_empty() {
            break;
        }
        for state in store.tickets(event, &TicketFilter::default()).await.unwrap_or_default() {
            let ticket = state.ticket;
            if unnamed.remove(&ticket.ticket_id) {
                seats.insert(ticket.ticket_id, ticket.label.to_string());
            }
        }
    }
    for violation in violations {
        violation.seat = violation.ticket_id.and_then(|ticket| seats.get(&ticket).cloned());
    }
}
