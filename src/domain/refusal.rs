//! Why a request was refused: a value for every reason, and the words for it.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::limit::Counted;
use super::shortage::{Elsewhere, Shortage};
use super::time::spoken;
use super::{HoldStatus, Obstacle, OrderId, Timestamp};
use words::Times;

mod words;

pub use words::free_again;

/// A value with which a client names a request, so that it can repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdempotencyKey {
    /// Of a claim.
    HoldId,
    /// Of a waitlist entry.
    EntryId,
    /// Of a payment.
    PaymentReference,
}

impl IdempotencyKey {
    /// Its name in requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::HoldId => "hold_id",
            Self::EntryId => "entry_id",
            Self::PaymentReference => "payment_reference",
        }
    }
}

/// What belongs to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owned {
    /// A hold.
    #[default]
    Hold,
    /// A waitlist entry.
    Entry,
}

impl Owned {
    const fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Entry => "waitlist entry",
        }
    }
}

/// Why a request was refused. A refusal is an answer, not a failure: nothing was changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// Somebody else has these seats.
    #[error("{}", self.sentence(None))]
    Taken {
        /// The seats that cannot be had, in the order of the venue; some of them may be blocked.
        in_the_way: Vec<Obstacle>,
    },
    /// The hold is over.
    #[error("{}", self.sentence(None))]
    Expired {
        /// Its deadline, which is not when it ended if it did not expire: no engine stores that time.
        at: Timestamp,
        /// How it ended.
        ended_as: HoldStatus,
    },
    /// The buyer would own more tickets than one buyer may.
    #[error("{}", self.sentence(None))]
    Limit {
        /// What he owns of this event.
        owned: u32,
        /// What he asks for.
        asked: u32,
        /// The most he may own.
        allowed: u32,
        /// What he owns, in the order in which his holds were started.
        counted: Vec<Counted>,
    },
    /// Fewer tickets are available than were asked for.
    #[error("sold_out: {}", .0.scarce())]
    SoldOut(Box<Shortage>),
    /// Enough tickets are available, but not side by side.
    #[error("no_adjacent_block: {}", .0.scattered())]
    NoAdjacentBlock(Box<Shortage>),
    /// Ops keep these seats from the sale.
    #[error("{}", self.sentence(None))]
    Blocked {
        /// The seats, in the order of the venue.
        in_the_way: Vec<Obstacle>,
    },
    /// The tickets are kept for those who wait.
    #[error("reserved_for_waitlist: these tickets go to the buyers who wait")]
    ReservedForWaitlist,
    /// The event has begun.
    #[error("{}", self.sentence(None))]
    SaleClosed {
        /// When it began.
        at: Timestamp,
    },
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
    #[error("{}", self.sentence(None))]
    PaymentInProgress {
        /// The order that it pays under.
        order_id: OrderId,
        /// Its deadline.
        until: Timestamp,
    },
    /// Tickets of the event were held, so it cannot be deleted.
    #[error("{}", self.sentence(None))]
    HasHistory {
        /// The event's slug.
        name: String,
        /// How many holds of it were started.
        holds: u64,
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
    /// The hold or the waitlist entry belongs to another session.
    #[error("not_yours: the {} belongs to another session", what.word())]
    NotYours {
        /// Which of the two.
        #[serde(skip)]
        what: Owned,
    },
    /// The client chose an id of a kind that only the store makes.
    #[error(
        "reserved_id: {id} is not a UUID of version 4 or 7, the only ones that a client chooses"
    )]
    ReservedId {
        /// The id.
        id: String,
    },
    /// The idempotency key belongs to another request.
    #[error("idempotency_mismatch: this {} belongs to another request", key.word())]
    IdempotencyMismatch {
        /// The key.
        key: IdempotencyKey,
    },
    /// The buyer or the session has as many running waitlist entries for the event as allowed.
    #[error("waitlist_limit: {waiting} entries wait already, {allowed} are allowed")]
    WaitlistLimit {
        /// The entries of the buyer, or of the session, that wait.
        waiting: u32,
        /// The most that may wait.
        allowed: u32,
    },
    /// Too much is going on; the same request may succeed a moment later.
    #[error("busy: {why}")]
    Busy {
        /// What was waited for, and for how long.
        why: String,
    },
}

/// The command that lets tix choose so many seats.
fn start_best(count: u32, elsewhere: Option<&Elsewhere>) -> String {
    let quoted = |name: &str| format!("'{}'", name.replace('\'', r"'\''"));
    let section = elsewhere.map(|there| format!(" --section {}", quoted(&there.section)));
    format!("tix hold start --best {count}{}", section.unwrap_or_default())
}

impl Refusal {
    /// The reason's word, as scripts read it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Expired { .. } => "expired",
            Self::Limit { .. } => "limit",
            Self::SoldOut(_) => "sold_out",
            Self::NoAdjacentBlock(_) => "no_adjacent_block",
            Self::Blocked { .. } => "blocked",
            Self::ReservedForWaitlist => "reserved_for_waitlist",
            Self::SaleClosed { .. } => "sale_closed",
            Self::Declined { .. } => "declined",
            Self::AlreadyPaid { .. } => "already_paid",
            Self::PaymentInProgress { .. } => "payment_in_progress",
            Self::HasHistory { .. } => "has_history",
            Self::UnknownEvent { .. } => "unknown_event",
            Self::UnknownSeat { .. } => "unknown_seat",
            Self::UnknownHold { .. } => "unknown_hold",
            Self::NotYours { .. } => "not_yours",
            Self::ReservedId { .. } => "reserved_id",
            Self::IdempotencyMismatch { .. } => "idempotency_mismatch",
            Self::WaitlistLimit { .. } => "waitlist_limit",
            Self::Busy { .. } => "busy",
        }
    }

    /// The answer to who acts on a hold that is over: its deadline, and how it ended where somebody
    /// noted that.
    #[must_use]
    pub fn over(at: Timestamp, ended_as: Option<HoldStatus>) -> Self {
        Self::Expired { at, ended_as: ended_as.unwrap_or(HoldStatus::Expired) }
    }

    /// The reason's word and a sentence, with points in time as the clock at `zone` shows them, or
    /// without one as programs read them.
    #[must_use]
    pub fn sentence(&self, zone: Option<&TimeZone>) -> String {
        let times = Times(zone);
        let why = match self {
            Self::Taken { in_the_way } | Self::Blocked { in_the_way } => {
                words::in_the_way(in_the_way, times)
            }
            Self::Expired { at, ended_as } => words::ending(*ended_as, *at, times),
            Self::HasHistory { name, holds: 1 } => {
                format!("a hold of {name} was started: what happened to its tickets is kept")
            }
            Self::HasHistory { name, holds } => {
                format!(
                    "{holds} holds of {name} were started: what happened to its tickets is kept"
                )
            }
            Self::SaleClosed { at } => {
                let began = zone.map_or_else(|| at.to_string(), |zone| at.in_zone(zone));
                format!("the sale closed when the event began, {began}")
            }
            Self::Limit { owned, asked, allowed, counted } => {
                let owns = format!("the buyer owns {owned} and asks for {asked} more");
                format!("{owns}, {allowed} are allowed{}", words::what_counts(counted, times))
            }
            Self::PaymentInProgress { order_id, until } => {
                format!("a payment is under way until {} (order {order_id})", times.write(*until))
            }
            // Their sentences have no points in time.
            other => return other.to_string(),
        };
        format!("{}: {why}", self.code())
    }

    /// What the one who was refused can do about it, at the time `now`.
    #[must_use]
    pub fn hint(&self, now: Timestamp) -> String {
        match self {
            Self::Taken { in_the_way } | Self::Blocked { in_the_way } => {
                match free_again(in_the_way, now) {
                    Some(when) => format!("{when}; see what is left with `tix ticket map`"),
                    None => "see what is left with `tix ticket map`".into(),
                }
            }
            Self::Expired { .. } | Self::Declined { held_until: None, .. } => {
                "start again: `tix hold start --best 1`".into()
            }
            Self::Limit { owned, allowed, counted, .. } => {
                match (allowed.saturating_sub(*owned), words::room(counted)) {
                    (0, None) => "one buyer can own no more of this event".into(),
                    (0, Some(room)) => room,
                    (left, None) => format!("ask for {left} at the most"),
                    (left, Some(room)) => format!("ask for {left} at the most, or {room}"),
                }
            }
            Self::SoldOut(shortage) | Self::NoAdjacentBlock(shortage) => {
                shortage.hint(start_best, "tix waitlist join")
            }
            Self::ReservedForWaitlist => {
                "they go to the waitlist first; join it with `tix waitlist join`".into()
            }
            Self::SaleClosed { .. } => "see what is on sale with `tix event search`".into(),
            Self::Declined { held_until: Some(until), .. } => format!(
                "the seats stay yours for {}: confirm again with another payment reference",
                spoken(until.since(now))
            ),
            Self::AlreadyPaid { order_id } => format!("see it with `tix order show {order_id}`"),
            Self::PaymentInProgress { until, .. } => {
                let wait = spoken(until.since(now));
                format!(
                    "confirm again under the same payment reference to go on with it; anything else \
                     has to wait {wait}, when it must have ended"
                )
            }
            Self::HasHistory { name, .. } => {
                format!(
                    "see what happened to its tickets with \
                     `tix watch-cdc --event {name} --from start`"
                )
            }
            Self::UnknownEvent { .. } => "see which there are with `tix event list`".into(),
            Self::UnknownSeat { .. } => {
                "write section/row/seat as `tix ticket list` prints them".into()
            }
            Self::UnknownHold { .. } => {
                "see which there are with `tix hold list` and `tix order list`".into()
            }
            Self::NotYours { .. } => {
                "act in the session that started it: name it with --session or TIX_SESSION".into()
            }
            Self::ReservedId { .. } => "send a fresh random UUID, or none".into(),
            Self::IdempotencyMismatch { key } => {
                format!("send a fresh {}, or none; repeat the first request unchanged", key.word())
            }
            Self::WaitlistLimit { .. } => {
                "leave one first; see them with `tix waitlist list`".into()
            }
            Self::Busy { .. } => "try again".into(),
        }
    }
}
