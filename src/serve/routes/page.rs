//! The page for people: plain files, in the binary.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::get;
use rust_embed::Embed;
use tower_http::compression::CompressionLayer;

use crate::serve::extract::Named;
use crate::serve::live::tag_of;
use crate::serve::problem::{Problem, Result};

/// The page and its parts.
#[derive(Embed)]
#[folder = "src/serve/page/"]
struct Files;

/// What the page may do: nothing but what is served here.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Whoever keeps a part has to ask whether it is still so.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The page for people.
pub(in crate::serve) fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(index))
        .route("/events/{event}", get(index))
        .route("/assets/{name}", get(asset))
        .layer(CompressionLayer::new())
}

/// The same page whatever it is about: it looks at its own address.
async fn index(asked: HeaderMap) -> Result<Response<Body>> {
    let mut response = file(&asked, "index.html")?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

async fn asset(asked: HeaderMap, Named(name): Named<String>) -> Result<Response<Body>> {
    file(&asked, &name)
}

fn file(asked: &HeaderMap, name: &str) -> Result<Response<Body>> {
    let file = Files::get(name).ok_or_else(Problem::not_found)?;
    let tag = tag_of(&file.metadata.sha256_hash());
    let has = asked.get(header::IF_NONE_MATCH).is_some_and(|own| *own == tag);
    let media = HeaderValue::from_str(file.metadata.mimetype());
    let mut response = Response::new(if has { Body::empty() } else { file.data.into() });
    if has {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.extend(media.map(|media| (header::CONTENT_TYPE, media)));
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    Ok(response)
}
