//! The page for people: plain files, in the binary.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{Embed, EmbeddedFile};

use crate::serve::extract::Named;
use crate::serve::house::House;
use crate::serve::problem::{Problem, Result};
use crate::serve::reply::Answer;

/// The page and its parts.
#[derive(Embed)]
#[folder = "src/serve/page/"]
struct Files;

/// The same, as they go over the line: compressed once, so that asking for them costs next to nothing.
static PARTS: LazyLock<HashMap<String, Part>> = LazyLock::new(|| {
    let names = Files::iter().map(Cow::into_owned);
    names.filter_map(|name| Files::get(&name).map(|file| (name, Part::new(file)))).collect()
});

/// What the page may do: nothing but what is served here.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding");

/// A part of the page in both encodings, each with a tag of its own.
struct Part {
    plain: Answer,
    compressed: Answer,
}

impl Part {
    fn new(file: EmbeddedFile) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Memory takes whatever is written.
        let _ = encoder.write_all(&file.data);
        let compressed = encoder.finish().unwrap_or_default();
        let media = HeaderValue::from_str(file.metadata.mimetype()).unwrap_or(UNKNOWN);
        Self {
            plain: Answer::of_bytes(media.clone(), file.data.into_owned().into()),
            compressed: Answer::of_bytes(media, compressed.into()),
        }
    }
}

/// The page for people.
pub(in crate::serve) fn page() -> Router<Arc<House>> {
    Router::new()
        .route("/", get(index))
        .route("/events/{event}", get(show))
        .route("/assets/{name}", get(asset))
}

/// The same page whatever it is about: it looks at its own address.
async fn index(asked: HeaderMap) -> Result<Response> {
    let mut response = part(&asked, "index.html")?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// The page of a show. Where the store cannot say whether there is such a show, the page asks on.
async fn show(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    asked: HeaderMap,
) -> Result<Response> {
    match house.event(&name).await {
        Err(unknown) if unknown.reason() == "unknown_event" => Err(unknown),
        _ => index(asked).await,
    }
}

/// Whether a browser asks for a page, and not a program for a document.
pub(in crate::serve) fn is_for_people(path: &str, asked: &HeaderMap) -> bool {
    if path.starts_with("/v1/") {
        return false;
    }
    let lists = asked.get_all(header::ACCEPT).iter().filter_map(|list| list.to_str().ok());
    let mut medias = lists.flat_map(|list| list.split(','));
    medias.any(|media| media.trim().starts_with("text/html"))
}

/// The page with this status: it says itself that there is nothing at its address.
pub(in crate::serve) async fn page_of(status: StatusCode, mut asked: HeaderMap) -> Response {
    // It is not the page that a browser may have kept of this address.
    asked.remove(header::IF_NONE_MATCH);
    match index(asked).await {
        Ok(mut page) => {
            *page.status_mut() = status;
            page.headers_mut().remove(header::ETAG);
            page.headers_mut().remove(header::CACHE_CONTROL);
            page
        }
        Err(problem) => problem.into_response(),
    }
}

async fn asset(asked: HeaderMap, Named(name): Named<String>) -> Result<Response> {
    part(&asked, &name)
}

fn part(asked: &HeaderMap, name: &str) -> Result<Response> {
    let part = PARTS.get(name).ok_or_else(Problem::not_found)?;
    let is_compressed = takes_gzip(asked);
    let mut response = if is_compressed { &part.compressed } else { &part.plain }.to(asked);
    let headers = response.headers_mut();
    headers.extend(is_compressed.then_some((header::CONTENT_ENCODING, GZIP)));
    headers.insert(header::VARY, VARY);
    Ok(response)
}

/// Whether a client says that it understands gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.unwrap_or(1.0) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_compressed_for_whoever_understands_it() {
        let encoding = |accepted: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            let answer = part(&asked, "app.js").unwrap();
            (
                answer.headers().contains_key(header::CONTENT_ENCODING),
                answer.headers()[header::ETAG].clone(),
            )
        };
        let (compressed, plain) = (encoding("br, gzip;q=0.5"), encoding("gzip;q=0, br"));
        assert!(compressed.0 && !plain.0);
        assert_ne!(compressed.1, plain.1, "each has a tag of its own");
        let mut asked = HeaderMap::new();
        asked.insert(header::IF_NONE_MATCH, plain.1);
        assert_eq!(part(&asked, "app.js").unwrap().status(), StatusCode::NOT_MODIFIED);
        assert!(part(&asked, "no.js").is_err());
    }
}
