//! What answers consist of: documents that are written for whoever asked, or once for everybody.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Whoever keeps an answer has to ask whether it is still so.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Room for most documents, in bytes: growing costs more than writing.
const USUAL_LENGTH: usize = 1024;

/// A document that is written once, for whoever asked.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => ([(header::CONTENT_TYPE, JSON)], Body::from(text)).into_response(),
            Err(trouble) => {
                tracing::error!("a document cannot be written: {trouble}");
                Problem::failed().into_response()
            }
        }
    }
}

/// What goes over the line to everybody who asks, and the tag that tells its versions apart.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    media: HeaderValue,
    body: Bytes,
    tag: HeaderValue,
}

impl Answer {
    /// The version of a document that changes.
    pub(super) fn changing(document: &impl Serialize, epoch: &str, version: u64) -> Self {
        Self { media: JSON, body: written(document), tag: tag(&format!("{epoch}-{version}")) }
    }

    /// A document that stays as it is.
    pub(super) fn lasting(document: &impl Serialize) -> Self {
        Self::of_bytes(JSON, written(document))
    }

    /// What stays as it is, and is known by what it says.
    pub(super) fn of_bytes(media: HeaderValue, body: Bytes) -> Self {
        let digits = |text: String, byte: &u8| text + &format!("{byte:02x}");
        // The beginning of the digest tells versions apart.
        let digest = Sha256::digest(&body).iter().take(8).fold(String::new(), digits);
        Self { media, body, tag: tag(&digest) }
    }

    /// The response to a request with these headers: short for who has it already.
    pub(super) fn to(&self, asked: &HeaderMap) -> Response {
        let has = asked.get(header::IF_NONE_MATCH).is_some_and(|tags| self.is_among(tags));
        let (status, body) = if has {
            (StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            (StatusCode::OK, Body::from(self.body.clone()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.media.clone());
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
        response
    }

    fn is_among(&self, tags: &HeaderValue) -> bool {
        let own = self.tag.to_str().unwrap_or_default();
        let is_own = |tag: &str| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own
        };
        tags.to_str().is_ok_and(|tags| tags.split(',').any(is_own))
    }
}

fn written(document: &impl Serialize) -> Bytes {
    // Numbers and text always make a document.
    Bytes::from(serde_json::to_vec(document).unwrap_or_default())
}

fn tag(name: &str) -> HeaderValue {
    // Letters, digits and dashes make a header.
    HeaderValue::from_str(&format!("\"{name}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_already_is_told_so_in_short() {
        let answer = Answer::changing(&[1, 2, 3], "e", 7);
        let status = |tags: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, tags.parse().unwrap());
            answer.to(&asked).status()
        };
        assert_eq!(answer.to(&HeaderMap::new()).status(), StatusCode::OK);
        for same in ["\"e-7\"", "W/\"e-7\"", "\"e-6\", \"e-7\"", "*"] {
            assert_eq!(status(same), StatusCode::NOT_MODIFIED, "{same}");
        }
        assert_eq!(status("\"e-8\""), StatusCode::OK);
    }
}
