//! What handlers take from a request; what is wrong with it is told as a problem.

use std::error::Error;
use std::net::IpAddr;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum_extra::extract::Query;
use serde::de::DeserializeOwned;
use tower_http::timeout::TimeoutError;

use super::problem::Problem;
use crate::domain::ids::TEXT_ID_BYTES_MAX;
use crate::domain::{BuyerId, SessionId};
use crate::repository;

/// The header that names the checkout.
static SESSION: HeaderName = HeaderName::from_static("tix-session");
/// The header that names whom the limit counts.
static BUYER: HeaderName = HeaderName::from_static("tix-buyer");
/// The header that names the last event that a follower heard.
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Headers that have one value, with their usual spelling.
static SINGLE: [(&HeaderName, &str); 3] =
    [(&SESSION, "Tix-Session"), (&BUYER, "Tix-Buyer"), (&LAST_EVENT_ID, "Last-Event-ID")];
/// The longest value of such a header, in bytes.
const VALUE_MAX: usize = TEXT_ID_BYTES_MAX;

/// Checks the headers that say who asks: each is there once at most, and printable ASCII. Two values
/// would let a client and a proxy before the server read different ones.
pub(super) fn check_identity(headers: &HeaderMap) -> Result<(), Problem> {
    for (name, spelled) in SINGLE {
        let mut values = headers.get_all(name).iter();
        let Some(value) = values.next() else { continue };
        let fault = if values.next().is_some() {
            "it is sent more than once; send it once"
        } else if value.is_empty() {
            "it is empty"
        } else if value.len() > VALUE_MAX {
            "it is longer than 200 bytes"
        } else if !value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)) {
            "it has more than printable ASCII characters"
        } else {
            continue;
        };
        return Err(Problem::bad_request(format!("the header {spelled}: {fault}")));
    }
    Ok(())
}

/// The address that a request comes from, as far as clients are told apart by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) if is_late(&rejection) => Err(Problem::bad_body(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time",
            )),
            Err(rejection) => Err(Problem::bad_body(rejection.status(), rejection.body_text())),
        }
    }
}

/// Whether the client took too long to send it.
fn is_late(rejection: &JsonRejection) -> bool {
    let mut cause = rejection.source();
    while let Some(beneath) = cause {
        if beneath.is::<TimeoutError>() {
            return true;
        }
        cause = beneath.source();
    }
    false
}

/// What follows the `?` of the address.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// The one part of the path that differs.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) if rejection.status() == StatusCode::BAD_REQUEST => {
                Err(Problem::bad_request(rejection.body_text()))
            }
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// Who asks, where that must be known.
pub(super) struct Caller(pub(super) repository::Caller);

/// The session that asks, if it says so.
pub(super) struct MaybeSession(pub(super) Option<SessionId>);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let session = session(&parts.headers)?;
        let session_id = session.ok_or_else(|| {
            Problem::bad_request("the header Tix-Session is missing: it names the checkout")
        })?;
        let buyer_id = match text(&parts.headers, &BUYER)? {
            None => BuyerId::of_session(&session_id),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::bad_request("the header Tix-Buyer is not a UUID"))?,
        };
        Ok(Self(repository::Caller { session_id, buyer_id }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        session(&parts.headers).map(Self)
    }
}

fn session(headers: &HeaderMap) -> Result<Option<SessionId>, Problem> {
    let text = text(headers, &SESSION)?;
    let session = text.map(SessionId::new).transpose();
    session.map_err(|why| Problem::bad_request(format!("the header Tix-Session: {why}")))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let plain = || Problem::bad_request(format!("the header {name} holds more than plain text"));
    value.to_str().map(Some).map_err(|_| plain())
}
