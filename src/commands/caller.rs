//! Who asks: the checkout and the buyer that a command acts for.

use uuid::Uuid;

use crate::domain::{BuyerId, Owned, Refusal, SessionId};
use crate::error::{Error, Result};
use crate::repository::Caller;

/// The session that was named or a fresh one, and its buyer.
///
/// # Errors
/// None that is to be expected.
pub(super) fn caller(session: Option<&SessionId>, buyer: Option<BuyerId>) -> Result<Caller> {
    let session_id = match session {
        Some(session) => session.clone(),
        None => fresh_session()?,
    };
    let buyer_id = buyer.unwrap_or_else(|| BuyerId::of_session(&session_id));
    Ok(Caller { session_id, buyer_id })
}

fn fresh_session() -> Result<SessionId> {
    let (number, ..) = Uuid::new_v4().as_fields();
    SessionId::new(&format!("session-{number:08x}"))
        .map_err(|cause| Error::usage(cause.to_string(), "name one with --session"))
}

/// The checkout that acts on a hold or a waitlist entry.
///
/// # Errors
/// Whoever names none cannot act on anything: `not_yours`.
pub(super) fn named(session: Option<&SessionId>, what: Owned) -> Result<&SessionId> {
    session.ok_or_else(|| Refusal::NotYours { what }.into())
}

/// The option that names a session on a command line: nothing where the environment does.
pub(super) fn session_option(session: &SessionId) -> String {
    if std::env::var("TIX_SESSION").is_ok_and(|named| named == session.as_str()) {
        String::new()
    } else {
        super::option("--session", session.as_str())
    }
}
