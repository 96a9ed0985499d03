//! The longer sentences of refusals, and the shorter ones that they are made of.

use jiff::tz::TimeZone;

use crate::domain::limit::Counted;
use crate::domain::time::spoken;
use crate::domain::{HoldStatus, Obstacle, TicketStatus, Timestamp};

/// How many seats, or holds, a sentence names before it says how many more there are.
const NAMED_MAX: usize = 4;

/// How points in time are written: as the clock of a place shows them, or for programs.
#[derive(Clone, Copy)]
pub(super) struct Times<'a>(pub(super) Option<&'a TimeZone>);

impl Times<'_> {
    pub(super) fn write(self, at: Timestamp) -> String {
        self.0.map_or_else(|| at.to_string(), |zone| at.time_in_zone(zone))
    }

    fn until(self, until: Option<Timestamp>) -> String {
        until.map(|until| format!(" until {}", self.write(until))).unwrap_or_default()
    }
}

/// Who or what has which seats: `Floor A/3/12 is held until 20:14:05 (hold 0199a7c2-4c6e)`.
pub(super) fn in_the_way(obstacles: &[Obstacle], times: Times<'_>) -> String {
    let named = &obstacles[..obstacles.len().min(NAMED_MAX)];
    let mut parts: Vec<String> = named.chunk_by(alike).map(|seats| stands(seats, times)).collect();
    match obstacles.len() - named.len() {
        0 => {}
        1 => parts.push("1 more is not free".into()),
        more => parts.push(format!("{more} more are not free")),
    }
    parts.join("; ")
}

/// Whether two seats can be named in one breath.
fn alike(a: &Obstacle, b: &Obstacle) -> bool {
    (a.status, a.hold_id, a.until, &a.reason) == (b.status, b.hold_id, b.until, &b.reason)
}

/// What has these seats, which are alike.
fn stands(seats: &[Obstacle], times: Times<'_>) -> String {
    let Some(first) = seats.first() else { return String::new() };
    let labels: Vec<String> = seats.iter().map(|obstacle| obstacle.seat.to_string()).collect();
    let verb = if seats.len() == 1 { "is" } else { "are" };
    let owner = match (first.status, first.hold_id, &first.reason) {
        (TicketStatus::Held | TicketStatus::Paying, Some(hold), _) => {
            format!(" (hold {})", hold.short())
        }
        (TicketStatus::Blocked, _, Some(reason)) => format!(" ({reason})"),
        _ => String::new(),
    };
    let (status, until) = (condition(first.status), times.until(first.until));
    format!("{} {verb} {status}{until}{owner}", labels.join(", "))
}

const fn condition(status: TicketStatus) -> &'static str {
    match status {
        TicketStatus::Paying => "being paid for",
        other => other.word(),
    }
}

/// What counts towards a buyer's limit, the first few of it.
pub(super) fn what_counts(counted: &[Counted], times: Times<'_>) -> String {
    let owner = |of: &Counted| match (of.status, of.order_id) {
        (TicketStatus::Sold, Some(order)) => format!("order {order}"),
        _ => format!("hold {}", of.hold_id.short()),
    };
    let part = |of: &Counted| {
        let (status, until) = (condition(of.status), times.until(of.until));
        format!("{} {status}{until} ({})", of.tickets, owner(of))
    };
    let mut parts: Vec<String> = counted.iter().take(NAMED_MAX).map(part).collect();
    let more: u32 = counted.iter().skip(NAMED_MAX).map(|of| of.tickets).sum();
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// What a buyer can do who may own no more; none where nothing counts yet. To abandon a hold takes its
/// session, which a refusal does not tell.
pub(super) fn room(counted: &[Counted]) -> Option<String> {
    let of = |status| counted.iter().find(move |of| of.status == status);
    let sold = of(TicketStatus::Sold).and_then(|of| of.order_id);
    match (of(TicketStatus::Held), sold) {
        (Some(held), _) => Some(format!("abandon hold {} in its session", held.hold_id)),
        (None, Some(order)) => Some(format!("cancel an order: `tix order cancel {order}`")),
        (None, None) => {
            of(TicketStatus::Paying).map(|_| "wait until the payment under way has ended".into())
        }
    }
}

/// What a hold came to.
pub(super) fn ending(ended_as: HoldStatus, at: Timestamp, times: Times<'_>) -> String {
    let over = format!("the hold's time was over at {}", times.write(at));
    match ended_as {
        HoldStatus::Abandoned => "the hold was abandoned".into(),
        HoldStatus::Declined => format!("{over}, and its payment was declined"),
        HoldStatus::Aborted => "the hold's payment took too long and was aborted".into(),
        HoldStatus::Refunded => "the hold was paid for, and its order cancelled".into(),
        HoldStatus::Expired | HoldStatus::Held | HoldStatus::Paying | HoldStatus::Sold => over,
    }
}

/// When seats that cannot be had now can all be had, unless they are paid for; none where waiting
/// does not help.
#[must_use]
pub fn free_again(in_the_way: &[Obstacle], now: Timestamp) -> Option<String> {
    let untils: Option<Vec<Timestamp>> = in_the_way.iter().map(|seat| seat.until).collect();
    let last = untils?.into_iter().max().filter(|last| *last > now)?;
    let wait = spoken(last.since(now));
    Some(match in_the_way {
        [_] => format!("it is released in {wait} unless it is paid for"),
        _ => format!("they are released in {wait} unless they are paid for"),
    })
}
