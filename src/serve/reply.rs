//! Documents as the bodies of answers.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;

/// The media type of a document.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
