//! Problem documents (RFC 9457), and what they mean to a buyer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::target::Target;
use crate::domain::shortage::Looked;
use crate::domain::time::spoken;
use crate::domain::{
    HoldStatus, IdempotencyKey, Obstacle, OrderId, Owned, Refusal, Shortage, TicketStatus,
    Timestamp,
};
use crate::repository::{StoreError, StoreFault};

/// What a reply means.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It was done; this is the document.
    Done(Bytes),
    /// The rules do not allow it.
    Refused(Refusal),
    /// Nothing was done; it is to be asked again.
    Later(Wait),
    /// Nothing is known: it may have been done.
    Unknown(StoreError),
    /// There is no use in asking again.
    Failed(StoreError),
}

/// Why it is to be asked again, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wait {
    /// Others check out first.
    InLine { place: Option<u64>, after: Duration },
    /// This address asks too often.
    Limited { after: Duration },
}

impl Wait {
    /// That it was waited so long for nothing.
    pub(super) fn in_vain(&self, waited: Duration) -> String {
        let waited = spoken(waited);
        match self {
            Self::InLine { place: Some(place), .. } => {
                format!("{waited} in the waiting room, and at place {place} of its line")
            }
            Self::InLine { place: None, .. } => format!("{waited} in the waiting room"),
            Self::Limited { .. } => format!("held back for {waited} by the limit of the server"),
        }
    }
}

/// A problem document, as far as something follows from it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    reason: String,
    detail: String,
    in_the_way: Vec<SeatInTheWay>,
    held_until: Option<Timestamp>,
    until: Option<Timestamp>,
    at: Option<Timestamp>,
    ended_as: Option<String>,
    owned: u32,
    asked: u32,
    allowed: u32,
    available: u32,
    longest: u32,
    place: Option<u64>,
    waiting: u32,
    key: Option<IdempotencyKey>,
}

/// A seat that cannot be had.
#[derive(Debug, Deserialize)]
struct SeatInTheWay {
    seat: String,
    status: String,
    until: Option<Timestamp>,
}

impl Problem {
    /// What it means that the server answered with this.
    pub(super) fn verdict(self, status: StatusCode, after: Duration, target: &Target) -> Verdict {
        let told = |problem: &Self| {
            format!("{target} answered {status} {}: {}", problem.reason, problem.detail)
        };
        match self.reason.as_str() {
            "waiting_room" => Verdict::Later(Wait::InLine { place: self.place, after }),
            "too_many_requests" => Verdict::Later(Wait::Limited { after }),
            _ if status == StatusCode::TOO_MANY_REQUESTS => Verdict::Later(Wait::Limited { after }),
            _ => {
                let told = told(&self);
                match self.refusal() {
                    Some(refusal) => Verdict::Refused(refusal),
                    None if may_pass(status) => {
                        Verdict::Unknown(StoreError::new(StoreFault::Unanswered, told))
                    }
                    None => Verdict::Failed(StoreError::new(StoreFault::Failed, told)),
                }
            }
        }
    }

    /// The refusal that it tells of; none where its reason is none, or does not say what belongs to it.
    fn refusal(self) -> Option<Refusal> {
        let Self { reason, detail, owned, asked, allowed, .. } = self;
        Some(match reason.as_str() {
            "taken" => Refusal::Taken { in_the_way: obstacles(self.in_the_way)? },
            "blocked" => Refusal::Blocked { in_the_way: obstacles(self.in_the_way)? },
            "expired" => Refusal::Expired {
                at: self.at?,
                ended_as: HoldStatus::of_word(self.ended_as.as_deref()?)?,
            },
            "limit" => Refusal::Limit { owned, asked, allowed, counted: Vec::new() },
            "sold_out" => Refusal::SoldOut(shortage(asked, self.available, self.longest)),
            "no_adjacent_block" => {
                Refusal::NoAdjacentBlock(shortage(asked, self.available, self.longest))
            }
            "reserved_for_waitlist" => Refusal::ReservedForWaitlist,
            "sale_closed" => Refusal::SaleClosed { at: self.at? },
            "declined" => Refusal::Declined { why: detail, held_until: self.held_until },
            "already_paid" => Refusal::AlreadyPaid { order_id: UNTOLD },
            "payment_in_progress" => {
                Refusal::PaymentInProgress { order_id: UNTOLD, until: self.until? }
            }
            "unknown_event" => Refusal::UnknownEvent { name: detail },
            "unknown_seat" => Refusal::UnknownSeat { seats: vec![detail] },
            "unknown_hold" => Refusal::UnknownHold { name: detail },
            "not_yours" => Refusal::NotYours { what: Owned::Hold },
            "idempotency_mismatch" => Refusal::IdempotencyMismatch { key: self.key? },
            "reserved_id" => Refusal::ReservedId { id: detail },
            "waitlist_limit" => Refusal::WaitlistLimit { waiting: self.waiting, allowed },
            "busy" => Refusal::Busy { why: detail },
            _ => return None,
        })
    }
}

/// Stands for an order that nobody is told.
const UNTOLD: OrderId = OrderId::from_uuid(Uuid::nil());

/// Whether the same request may be answered in another way a moment later.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

fn obstacles(seats: Vec<SeatInTheWay>) -> Option<Vec<Obstacle>> {
    let obstacle = |SeatInTheWay { seat, status, until }: SeatInTheWay| {
        Some(Obstacle {
            seat: seat.parse().ok()?,
            status: TicketStatus::of_word(&status)?,
            hold_id: None,
            order_id: None,
            until,
            reason: None,
        })
    };
    seats.into_iter().map(obstacle).collect()
}

fn shortage(asked: u32, available: u32, longest: u32) -> Box<Shortage> {
    let looked_in = Looked { sections: 0, section: None, ticket_type: None };
    let (longest_in, elsewhere) = (None, None);
    let accessible = 0;
    Box::new(Shortage { asked, available, longest, longest_in, accessible, looked_in, elsewhere })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const AFTER: Duration = Duration::from_secs(2);

    fn verdict(status: u16, document: Value) -> Verdict {
        let problem: Problem = serde_json::from_value(document).unwrap();
        let target = "http://127.0.0.1:8080".parse().unwrap();
        problem.verdict(StatusCode::from_u16(status).unwrap(), AFTER, &target)
    }

    fn refusal(status: u16, document: Value) -> Refusal {
        match verdict(status, document) {
            Verdict::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_is_the_same_over_http() {
        let until = "2026-12-01T19:45:00.000Z";
        let seat = json!({ "seat": "Floor A/3/12", "status": "held", "until": until });
        let taken = json!({
            "type": "/problems/taken", "title": "Somebody else has these seats", "status": 409,
            "detail": "Floor A/3/12 is held", "reason": "taken", "in_the_way": [seat],
        });
        assert_eq!(
            refusal(409, taken).to_string(),
            "taken: Floor A/3/12 is held until 2026-12-01T19:45:00.000Z"
        );
        let limit = json!({ "reason": "limit", "owned": 9, "asked": 2, "allowed": 10 });
        assert_eq!(
            refusal(409, limit),
            Refusal::Limit { owned: 9, asked: 2, allowed: 10, counted: vec![] }
        );
        let at = Timestamp::parse(until).unwrap();
        let expired = json!({ "reason": "expired", "at": until, "ended_as": "aborted" });
        assert_eq!(refusal(409, expired), Refusal::Expired { at, ended_as: HoldStatus::Aborted });
        let declined = json!({ "reason": "declined", "detail": "no", "held_until": until });
        assert_eq!(
            refusal(402, declined),
            Refusal::Declined { why: "no".into(), held_until: Some(at) }
        );
        let in_progress = json!({ "reason": "payment_in_progress", "until": until });
        assert_eq!(
            refusal(409, in_progress),
            Refusal::PaymentInProgress { order_id: UNTOLD, until: at }
        );
    }

    #[test]
    fn every_reason_of_the_domain_is_known() {
        let until = "2026-12-01T19:45:00.000Z";
        for reason in [
            "taken",
            "expired",
            "limit",
            "sold_out",
            "no_adjacent_block",
            "blocked",
            "reserved_for_waitlist",
            "declined",
            "already_paid",
            "payment_in_progress",
            "unknown_event",
            "unknown_seat",
            "unknown_hold",
            "not_yours",
            "reserved_id",
            "idempotency_mismatch",
            "waitlist_limit",
            "busy",
        ] {
            let facts = json!({
                "reason": reason, "until": until, "at": until, "ended_as": "expired",
                "key": "hold_id",
            });
            assert_eq!(refusal(409, facts).code(), reason);
        }
    }

    #[test]
    fn who_is_held_back_waits_as_long_as_the_server_says() {
        let later = |document| match verdict(429, document) {
            Verdict::Later(wait) => wait,
            other => panic!("{other:?}"),
        };
        let in_line = later(json!({ "reason": "waiting_room", "place": 17 }));
        assert_eq!(in_line, Wait::InLine { place: Some(17), after: AFTER });
        assert_eq!(in_line.in_vain(AFTER), "2 s in the waiting room, and at place 17 of its line");
        let limited = Wait::Limited { after: AFTER };
        assert_eq!(later(json!({ "reason": "too_many_requests" })), limited);
        assert_eq!(later(json!({ "title": "Slow down" })), limited, "says whatever is between");
    }

    #[test]
    fn a_reason_that_nobody_knows_is_no_refusal() {
        let odd = verdict(409, json!({ "reason": "moon", "detail": "it is full" }));
        let Verdict::Failed(error) = odd else { panic!("{odd:?}") };
        assert_eq!(
            error.to_string(),
            "http://127.0.0.1:8080 answered 409 Conflict moon: it is full"
        );
        let halved = verdict(409, json!({ "reason": "expired", "at": "2026-12-01T19:45:00Z" }));
        assert!(matches!(halved, Verdict::Failed(_)), "{halved:?}");
    }

    #[test]
    fn of_what_failed_nothing_is_known() {
        for status in [408, 500, 502, 504] {
            let failed = verdict(status, json!({ "reason": "failed" }));
            let Verdict::Unknown(error) = failed else { panic!("{failed:?}") };
            assert_eq!(error.fault, StoreFault::Unanswered);
        }
        let bad = verdict(400, json!({ "reason": "bad_request" }));
        assert!(matches!(bad, Verdict::Failed(_)), "{bad:?}");
    }
}
