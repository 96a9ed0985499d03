//! Why a request was refused: a value for every reason, and the words for it.

use serde::Serialize;

use super::time::spoken;
use super::{OrderId, SeatLabel, Timestamp};

/// Why a request was refused. A refusal is an answer, not a failure: nothing was changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// Somebody else has these seats.
    #[error("taken: {}", labels(seats))]
    Taken {
        /// The seats, in the order of the venue.
        seats: Vec<SeatLabel>,
        /// When the first of them may come free: the deadline of the hold that has it.
        until: Option<Timestamp>,
    },
    /// The hold's time is over.
    #[error("expired: the hold's time was over at {at}")]
    Expired {
        /// Its deadline.
        at: Timestamp,
    },
    /// The buyer would own more tickets than one buyer may.
    #[error("limit: the buyer owns {owned} and asks for {asked} more, {allowed} are allowed")]
    Limit {
        /// What he owns of this event.
        owned: u32,
        /// What he asks for.
        asked: u32,
        /// The most he may own.
        allowed: u32,
    },
    /// Fewer tickets are available than were asked for.
    #[error("sold_out: {available} available, {asked} asked for")]
    SoldOut {
        /// How many were asked for.
        asked: u32,
        /// How many are available where the buyer looks.
        available: u32,
    },
    /// Enough tickets are available, but not side by side.
    #[error("no_adjacent_block: no {asked} seats side by side; the longest free run has {longest}")]
    NoAdjacentBlock {
        /// How many were asked for.
        asked: u32,
        /// The longest run of free seats where the buyer looks.
        longest: u32,
    },
    /// Ops keep these seats from the sale.
    #[error("blocked: {}", labels(seats))]
    Blocked {
        /// The seats, in the order of the venue.
        seats: Vec<SeatLabel>,
    },
    /// The tickets are kept for those who wait.
    #[error("reserved_for_waitlist: these tickets go to the buyers who wait")]
    ReservedForWaitlist,
    /// The payment was declined.
    #[error("declined: {why}")]
    Declined {
        /// What the provider said.
        why: String,
        /// Until when the hold stands for another attempt; none if it is over.
        held_until: Option<Timestamp>,
    },
    /// The hold is paid for.
    #[error("already_paid: by order {order_id}")]
    AlreadyPaid {
        /// The order that paid for it.
        order_id: OrderId,
    },
    /// Another payment for the hold is under way.
    #[error("payment_in_progress: a payment is under way until {until}")]
    PaymentInProgress {
        /// Its deadline.
        until: Timestamp,
    },
    /// There is no such event.
    #[error("unknown_event: {name}")]
    UnknownEvent {
        /// What was asked for.
        name: String,
    },
    /// The event has no such seats.
    #[error("unknown_seat: {}", seats.join(", "))]
    UnknownSeat {
        /// What was asked for.
        seats: Vec<String>,
    },
    /// There is no such hold or order.
    #[error("unknown_hold: {name}")]
    UnknownHold {
        /// What was asked for.
        name: String,
    },
    /// The hold belongs to another session.
    #[error("not_yours: the hold belongs to another session")]
    NotYours,
    /// Too much is going on; the same request may succeed a moment later.
    #[error("busy: {why}")]
    Busy {
        /// What was waited for, and for how long.
        why: String,
    },
}

/// How many seats a sentence names before it says how many more there are.
const SEATS_NAMED_MAX: usize = 4;

fn labels(seats: &[SeatLabel]) -> String {
    let named: Vec<String> = seats.iter().take(SEATS_NAMED_MAX).map(ToString::to_string).collect();
    match seats.len().saturating_sub(SEATS_NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

impl Refusal {
    /// The reason's word, as scripts read it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Expired { .. } => "expired",
            Self::Limit { .. } => "limit",
            Self::SoldOut { .. } => "sold_out",
            Self::NoAdjacentBlock { .. } => "no_adjacent_block",
            Self::Blocked { .. } => "blocked",
            Self::ReservedForWaitlist => "reserved_for_waitlist",
            Self::Declined { .. } => "declined",
            Self::AlreadyPaid { .. } => "already_paid",
            Self::PaymentInProgress { .. } => "payment_in_progress",
            Self::UnknownEvent { .. } => "unknown_event",
            Self::UnknownSeat { .. } => "unknown_seat",
            Self::UnknownHold { .. } => "unknown_hold",
            Self::NotYours => "not_yours",
            Self::Busy { .. } => "busy",
        }
    }

    /// What the one who was refused can do about it, at the time `now`.
    #[must_use]
    pub fn hint(&self, now: Timestamp) -> String {
        match self {
            Self::Taken { until: Some(until), .. } if *until > now => format!(
                "it comes free in {} unless it is paid for; see what is left with `tix ticket map`",
                spoken(until.since(now))
            ),
            Self::Taken { .. } | Self::Blocked { .. } => {
                "see what is left with `tix ticket map`, or let tix choose with `--best`".into()
            }
            Self::Expired { .. } | Self::Declined { held_until: None, .. } => {
                "start again with `tix hold start`".into()
            }
            Self::Limit { owned, allowed, .. } => match allowed.saturating_sub(*owned) {
                0 => "abandon a hold first; see them with `tix hold list`".into(),
                left => format!("ask for {left} at the most"),
            },
            Self::SoldOut { available: 0, .. } => {
                "holds that are not paid for come free again; see them with `tix hold list`".into()
            }
            Self::SoldOut { available, .. } => format!("ask for {available} at the most"),
            Self::NoAdjacentBlock { longest: 0, .. } => {
                "see what is left with `tix ticket map`".into()
            }
            Self::NoAdjacentBlock { longest, .. } => {
                format!("ask for {longest} at the most, or name the seats with `--seat`")
            }
            Self::ReservedForWaitlist => "join the waitlist".into(),
            Self::Declined { held_until: Some(until), .. } => format!(
                "the seats stay yours for {}: confirm again with another payment reference",
                spoken(until.since(now))
            ),
            Self::AlreadyPaid { order_id } => format!("see it with `tix order show {order_id}`"),
            Self::PaymentInProgress { until } => {
                format!("try again in {}, when it must have ended", spoken(until.since(now)))
            }
            Self::UnknownEvent { .. } => "see which there are with `tix event list`".into(),
            Self::UnknownSeat { .. } => {
                "write section/row/seat as `tix ticket list` prints them".into()
            }
            Self::UnknownHold { .. } => {
                "see which there are with `tix hold list` and `tix order list`".into()
            }
            Self::NotYours => "name its session with `--session` or TIX_SESSION".into(),
            Self::Busy { .. } => "try again".into(),
        }
    }
}
