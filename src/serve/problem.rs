//! Problem documents (RFC 9457): every answer that is not what was asked for.
//!
//! A refusal is told with its reason and what can be told to anybody: never whose a hold is, nor the
//! hold or the order itself, which would lead to a confirmation number.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::documents::{hold_status, ticket_status};
use crate::domain::{
    HoldStatus, IdempotencyKey, Obstacle, Refusal, SeatLabel, Shortage, TicketStatus, Timestamp,
};
use crate::repository;

/// The media type of a problem.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The answer of a handler.
pub(super) type Result<T, E = Problem> = std::result::Result<T, E>;

/// Why a request was not served.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the reason, as a URI reference.
    #[serde(rename = "type")]
    #[schema(example = "/problems/taken")]
    kind: String,
    /// The reason in a few words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this very request.
    detail: String,
    /// The reason as programs read it.
    #[schema(example = "taken")]
    reason: &'static str,
    #[serde(flatten)]
    facts: Box<Facts>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// What else is known of the reason; only what belongs to it is there.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
struct Facts {
    /// The seats that cannot be had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    in_the_way: Vec<SeatInTheWay>,
    /// Until when the hold stands for another attempt to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    held_until: Option<Timestamp>,
    /// Until when the payment under way may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// The deadline of the hold that is over, which may lie ahead if it did not expire (`ended_as`); or when
    /// the event began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// What that hold came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = hold_status)]
    ended_as: Option<HoldStatus>,
    /// What the buyer owns, asks for, and may own.
    #[serde(skip_serializing_if = "Option::is_none")]
    owned: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<u32>,
    /// How many are available where seats were looked for, and how many of them side by side; for a
    /// waitlist entry, the longest row there.
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest: Option<u32>,
    /// How many entries of the waitlist wait for the buyer or the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<u32>,
    /// The idempotency key that belongs to another request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "payment_reference")]
    key: Option<IdempotencyKey>,
    /// The place in the line of the waiting room.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<u64>,
}

/// A seat that cannot be had.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SeatInTheWay {
    #[schema(value_type = String)]
    seat: SeatLabel,
    #[schema(schema_with = ticket_status)]
    status: TicketStatus,
    /// Until when at the most, if it is held or being paid for.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl From<&Obstacle> for SeatInTheWay {
    fn from(obstacle: &Obstacle) -> Self {
        Self { seat: obstacle.seat.clone(), status: obstacle.status, until: obstacle.until }
    }
}

impl Problem {
    fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{reason}"),
            title: meaning(reason).unwrap_or_default(),
            status: status.as_u16(),
            detail: detail.into(),
            reason,
            facts: Box::default(),
            retry_after: None,
        }
    }

    /// The request makes no sense.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// The same problem; where there is no such show, in the words of whoever asked for it.
    pub(super) fn of_event(self, name: &str) -> Self {
        let unknown = Refusal::UnknownEvent { name: name.to_owned() };
        if self.reason == unknown.code() { unknown.into() } else { self }
    }

    /// There is nothing at this path.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
    }

    /// The path does not serve this method.
    pub(super) fn method_not_allowed() -> Self {
        let detail = "the header Allow names the methods of this path";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// The body was refused before it was understood; `status` says why.
    pub(super) fn bad_body(status: StatusCode, detail: impl Into<String>) -> Self {
        let reason = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
            StatusCode::REQUEST_TIMEOUT => "too_slow",
            _ => return Self::bad_request(detail),
        };
        Self::new(status, reason, detail)
    }

    /// The head of a request cannot be read; `status` says why.
    pub(super) fn unreadable(status: StatusCode) -> Self {
        let (reason, detail) = match status {
            StatusCode::URI_TOO_LONG => ("too_large", "the address of the request is too long"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                ("too_large", "a head has 16 KiB and 100 headers at the most")
            }
            StatusCode::REQUEST_TIMEOUT => ("too_slow", "the head did not arrive in time"),
            _ => ("bad_request", "the request cannot be read as HTTP/1.1"),
        };
        Self::new(status, reason, detail)
    }

    /// Sessions of one client, or of one buyer, wait already in the waiting room.
    pub(super) fn waiting_room_limit(whose: &str, allowed: usize, wait: Duration) -> Self {
        let detail =
            format!("{allowed} sessions of this {whose} wait already; let one leave first");
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut problem = Self::new(status, "waiting_room_limit", detail).after(wait);
        problem.facts.allowed = u32::try_from(allowed).ok();
        problem
    }

    /// One client asks too often.
    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let detail = "this client asks more often than it may";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).after(wait)
    }

    /// Others are to check out first.
    pub(super) fn waiting_room(place: u64, wait: Duration) -> Self {
        let detail = format!("{place} in the line of those who wait to be let in");
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "waiting_room", detail).after(wait);
        problem.facts.place = Some(place);
        problem
    }

    /// Too much is going on; nothing was done.
    pub(super) fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).after(wait)
    }

    /// Something went wrong that the caller can do nothing about; the log says what.
    pub(super) fn failed() -> Self {
        let detail = "the store did not do its part; ask again under the same id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document as it is written.
    pub(super) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The store takes no writes; `reason` says why.
    pub(super) fn cannot_write(reason: String) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "cannot_write", reason).after(BUSY_WAIT)
    }

    const fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The reason as programs read it.
    pub(super) const fn reason(&self) -> &'static str {
        self.reason
    }
}

/// Every reason, and what it means in a few words.
const TITLES: [(&str, &str); 31] = [
    ("taken", "Somebody else has these seats"),
    ("expired", "The hold is over"),
    ("limit", "One buyer may not own as many"),
    ("sold_out", "Fewer tickets are available than asked for"),
    ("no_adjacent_block", "There are not as many seats side by side"),
    ("blocked", "These seats are not for sale"),
    ("reserved_for_waitlist", "These tickets go to buyers who wait"),
    ("sale_closed", "The sale is closed: the show has begun"),
    ("has_history", "Tickets of the show were held"),
    ("declined", "The payment was declined"),
    ("already_paid", "The hold is paid for"),
    ("payment_in_progress", "A payment is under way"),
    ("unknown_event", "There is no such show"),
    ("unknown_seat", "There is no such seat"),
    ("unknown_hold", "There is no such hold"),
    ("not_yours", "It belongs to another session"),
    ("reserved_id", "Clients cannot choose this id"),
    ("idempotency_mismatch", "The idempotency key belongs to another request"),
    ("waitlist_limit", "Too many waitlist entries for one buyer"),
    ("busy", "Too much is going on"),
    ("bad_request", "The request makes no sense"),
    ("not_found", "There is no such page"),
    ("method_not_allowed", "The page does not serve this method"),
    ("too_large", "The request is too large"),
    ("not_json", "The request is not JSON"),
    ("too_slow", "The request took too long to arrive"),
    ("too_many_requests", "Too many requests of one client"),
    ("waiting_room", "Others come first"),
    ("waiting_room_limit", "Too many sessions of one client wait"),
    ("cannot_write", "The store takes no writes now"),
    ("failed", "The store did not do its part"),
];

/// What a reason means; none if no problem has it.
pub(super) fn meaning(reason: &str) -> Option<&'static str> {
    TITLES.iter().find(|(known, _)| *known == reason).map(|(_, title)| *title)
}

/// How long who met a busy store waits before he asks again.
const BUSY_WAIT: Duration = Duration::from_secs(1);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(status(&refusal), refusal.code(), detail(&refusal));
        let facts = &mut problem.facts;
        match refusal {
            Refusal::Taken { in_the_way } | Refusal::Blocked { in_the_way } => {
                facts.in_the_way = in_the_way.iter().map(SeatInTheWay::from).collect();
            }
            Refusal::Expired { at, ended_as } => {
                (facts.at, facts.ended_as) = (Some(at), Some(ended_as));
            }
            Refusal::SaleClosed { at } => facts.at = Some(at),
            Refusal::Limit { owned, asked, allowed, .. } => {
                (facts.owned, facts.asked, facts.allowed) =
                    (Some(owned), Some(asked), Some(allowed));
            }
            Refusal::SoldOut(shortage) | Refusal::NoAdjacentBlock(shortage) => {
                let Shortage { asked, available, longest, .. } = *shortage;
                (facts.asked, facts.available, facts.longest) =
                    (Some(asked), Some(available), Some(longest));
            }
            Refusal::WaitlistLimit { waiting, allowed } => {
                (facts.waiting, facts.allowed) = (Some(waiting), Some(allowed));
            }
            Refusal::IdempotencyMismatch { key } => facts.key = Some(key),
            Refusal::Declined { held_until, .. } => facts.held_until = held_until,
            Refusal::PaymentInProgress { until, .. } => facts.until = Some(until),
            Refusal::Busy { .. } => problem.retry_after = Some(BUSY_WAIT),
            Refusal::ReservedForWaitlist
            | Refusal::AlreadyPaid { .. }
            | Refusal::HasHistory { .. }
            | Refusal::UnknownEvent { .. }
            | Refusal::UnknownSeat { .. }
            | Refusal::UnknownHold { .. }
            | Refusal::NotYours { .. }
            | Refusal::ReservedId { .. } => {}
        }
        problem
    }
}

const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Taken { .. }
        | Refusal::Expired { .. }
        | Refusal::Limit { .. }
        | Refusal::SoldOut(_)
        | Refusal::NoAdjacentBlock(_)
        | Refusal::Blocked { .. }
        | Refusal::ReservedForWaitlist
        | Refusal::SaleClosed { .. }
        | Refusal::HasHistory { .. }
        | Refusal::AlreadyPaid { .. }
        | Refusal::PaymentInProgress { .. }
        | Refusal::WaitlistLimit { .. } => StatusCode::CONFLICT,
        Refusal::IdempotencyMismatch { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::ReservedId { .. } => StatusCode::BAD_REQUEST,
        Refusal::Declined { .. } => StatusCode::PAYMENT_REQUIRED,
        Refusal::UnknownEvent { .. }
        | Refusal::UnknownSeat { .. }
        | Refusal::UnknownHold { .. } => StatusCode::NOT_FOUND,
        Refusal::NotYours { .. } => StatusCode::FORBIDDEN,
        Refusal::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The refusal's sentence, without what is nobody else's business.
fn detail(refusal: &Refusal) -> String {
    let nobodys = |obstacle: &Obstacle| Obstacle {
        hold_id: None,
        order_id: None,
        reason: None,
        ..obstacle.clone()
    };
    let public = match refusal {
        Refusal::Taken { in_the_way } => {
            Refusal::Taken { in_the_way: in_the_way.iter().map(nobodys).collect() }
        }
        Refusal::Blocked { in_the_way } => {
            Refusal::Blocked { in_the_way: in_the_way.iter().map(nobodys).collect() }
        }
        Refusal::Limit { owned, asked, allowed, .. } => {
            let (owned, asked, allowed) = (*owned, *asked, *allowed);
            Refusal::Limit { owned, asked, allowed, counted: Vec::new() }
        }
        Refusal::AlreadyPaid { .. } => return "the hold is paid for".into(),
        Refusal::PaymentInProgress { until, .. } => {
            return format!("a payment for the hold is under way until {until}");
        }
        other => other.clone(),
    };
    let sentence = public.sentence(None);
    let code = public.code();
    match sentence.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")) {
        Some(bare) => bare.to_owned(),
        None => sentence,
    }
}

impl From<repository::Error> for Problem {
    /// What went wrong with the store is for the log, not for the caller.
    fn from(error: repository::Error) -> Self {
        match error {
            repository::Error::Refused(refusal) => refusal.into(),
            repository::Error::Store(error) => {
                let causes =
                    std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
                let causes: Vec<String> = causes.map(ToString::to_string).collect();
                tracing::error!(fault = ?error.fault, "{}", causes.join(": "));
                Self::failed()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.text()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response
    }
}

/// The seconds of a span, rounded up; at least one.
fn whole_seconds(span: Duration) -> u64 {
    let whole = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    whole.max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::{HoldId, OrderId, Standing};

    fn document(problem: &Problem) -> Value {
        serde_json::to_value(problem).unwrap()
    }

    #[test]
    fn a_refusal_tells_its_reason_and_nobodys_business() {
        let hold = HoldId::fresh();
        let order = OrderId::of_payment(hold, &"card".parse().unwrap());
        let standing = Standing {
            status: TicketStatus::Paying,
            hold_id: Some(hold),
            order_id: Some(order),
            expires_at: Some(Timestamp::from_millis(0)),
            payment_deadline: Some(Timestamp::from_millis(60_000)),
        };
        let seat = "Floor A/3/12".parse().unwrap();
        let in_the_way = vec![Obstacle::new(seat, &standing, None)];
        let problem = Problem::from(Refusal::Taken { in_the_way });
        let document = document(&problem);
        assert_eq!(document["status"], 409);
        assert_eq!(
            (&document["type"], &document["reason"]),
            (&"/problems/taken".into(), &"taken".into())
        );
        assert_eq!(
            document["detail"],
            "Floor A/3/12 is being paid for until 1970-01-01T00:01:00.000Z"
        );
        assert_eq!(document["in_the_way"][0]["status"], "paying");
        let text = document.to_string();
        for secret in [hold.to_string(), hold.short(), order.to_string()] {
            assert!(!text.contains(&secret), "{text}");
        }
    }

    #[test]
    fn only_the_facts_of_its_reason_are_told() {
        let limit = Refusal::Limit { owned: 9, asked: 2, allowed: 10, counted: vec![] };
        let limit = document(&limit.into());
        let names: Vec<&str> = limit.as_object().unwrap().keys().map(String::as_str).collect();
        let common = ["type", "title", "status", "detail", "reason"];
        assert_eq!(names.len(), common.len() + 3, "{names:?}");
        assert_eq!(limit["detail"], "the buyer owns 9 and asks for 2 more, 10 are allowed");
    }

    #[test]
    fn who_is_to_wait_is_told_for_how_long() {
        let seconds = |problem: Problem| {
            let response = problem.into_response();
            response.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned()
        };
        assert_eq!(seconds(Problem::too_many_requests(Duration::from_millis(20))), "1");
        assert_eq!(seconds(Problem::busy("", Duration::from_millis(1500))), "2");
        assert_eq!(seconds(Refusal::Busy { why: String::new() }.into()), "1");
    }
}
