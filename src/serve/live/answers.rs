//! Answers about a show, written once for each version of what they tell.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

/// How long a buyer's browser may keep what never changes, in seconds.
const LAYOUT_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600");
/// Whoever keeps an answer has to ask whether it is still so.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A document as it goes over the line, and the tag that tells its versions apart.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Answer {
    body: Bytes,
    tag: HeaderValue,
    cache: HeaderValue,
}

impl Answer {
    /// The version of a document that changes.
    pub(in crate::serve) fn changing(document: &impl Serialize, epoch: &str, version: u64) -> Self {
        Self::new(document, &format!("\"{epoch}-{version}\""), ASK_AGAIN)
    }

    /// A document that stays as it is.
    pub(in crate::serve) fn lasting(document: &impl Serialize, name: &str) -> Self {
        Self::new(document, &format!("\"{name}\""), LAYOUT_CACHE)
    }

    fn new(document: &impl Serialize, tag: &str, cache: HeaderValue) -> Self {
        // Numbers and text always make a document; letters, digits and dashes a tag.
        let body = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
        let tag = HeaderValue::from_str(tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, tag, cache }
    }

    /// The response to a request with these headers: short for who has it already.
    pub(in crate::serve) fn to(&self, asked: &HeaderMap) -> Response<Body> {
        let has = asked.get(header::IF_NONE_MATCH).is_some_and(|tags| self.is_among(tags));
        let (status, body) = if has {
            (StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            (StatusCode::OK, Body::from(self.body.clone()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
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
