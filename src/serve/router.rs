//! All that is served, and what holds for every request.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::timeout::TimeoutBody;
use tracing::Instrument;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, PathItem, RefOr};

use super::extract::{Client, check_identity};
use super::house::House;
use super::limits::{RateLimit, household};
use super::problem::Problem;
use super::reply::Answer;
use super::routes;

/// The largest body of a request, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// A body that is said to be longer than this is not waited for. One that is not much too large is let
/// come, as far as it may: who is still sending when he is refused may not hear the answer.
const BODY_REFUSED_UNSEEN: u64 = 1 << 20;
/// How long the next piece of a body may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// Paths that are not counted: operators ask for them, and browsers for the page, which is of many
/// parts and useless without one of them. All of it is answered from memory, but for the page of a show that does
/// not exist, which costs the store one read of a key.
const UNCOUNTED: [&str; 5] = ["/healthz", "/metrics", "/", "/events/{event}", "/assets/{name}"];
/// The path of the document that describes what is served.
const OPENAPI: &str = "/v1/openapi.json";
/// Letters of an unknown query parameter that a problem repeats.
const NAME_SHOWN_MAX: usize = 40;
/// The header in which a proxy says who asks.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers of every answer.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Who is at the other end of the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// What is done with every request.
#[derive(Debug)]
struct Door {
    house: Arc<House>,
    rate: Option<Arc<RateLimit>>,
    behind_proxy: bool,
    queries: Queries,
}

/// The query parameters of every described route, by its path and then its method.
#[derive(Debug, Default)]
struct Queries(HashMap<String, Vec<(&'static str, Vec<String>)>>);

impl Queries {
    /// Those that the document describes, so that it and what is accepted cannot differ.
    fn of(document: &OpenApi) -> Self {
        let of_path = |item: &PathItem| {
            let methods = [("GET", &item.get), ("POST", &item.post), ("DELETE", &item.delete)];
            let methods = methods.into_iter().filter_map(|(method, operation)| {
                let parameters = operation.as_ref()?.parameters.iter().flatten();
                let name = |parameter: &RefOr<Parameter>| match parameter {
                    RefOr::T(here) if here.parameter_in == ParameterIn::Query => {
                        Some(here.name.clone())
                    }
                    _ => None,
                };
                Some((method, parameters.filter_map(name).collect()))
            });
            methods.collect()
        };
        let mut all: HashMap<String, Vec<(&'static str, Vec<String>)>> =
            document.paths.paths.iter().map(|(path, item)| (path.clone(), of_path(item))).collect();
        all.insert(OPENAPI.into(), vec![("GET", Vec::new())]);
        Self(all)
    }

    /// Refuses a query parameter that the route does not have. Pages for people are not described, and
    /// may be asked for with any.
    fn check(&self, route: &str, method: &str, query: Option<&str>) -> Result<(), Problem> {
        let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(()) };
        let method = if method == "HEAD" { "GET" } else { method };
        let described = self.0.get(route).and_then(|all| all.iter().find(|(m, _)| *m == method));
        let Some((_, allowed)) = described else { return Ok(()) };
        let known = |name: &str| allowed.iter().any(|allowed| allowed == name);
        // Nearly every request spells names as they are: nothing has to be decoded.
        let mut plain = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(n, _)| n));
        if plain.all(known) {
            return Ok(());
        }
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        let Some(unknown) = names.find(|name| !known(name)) else { return Ok(()) };
        let shown: String = unknown.chars().take(NAME_SHOWN_MAX).collect();
        let allowed = match allowed.as_slice() {
            [] => "this route has no query parameters".to_owned(),
            names => format!("this route has {}", names.join(", ")),
        };
        Err(Problem::bad_request(format!("unknown query parameter {shown:?}; {allowed}")))
    }
}

/// The document that describes what is served.
#[must_use]
pub fn openapi() -> OpenApi {
    routes::described().into_openapi()
}

/// All that is served.
pub(super) fn router(
    house: &Arc<House>,
    rate: Option<Arc<RateLimit>>,
    behind_proxy: bool,
) -> Router {
    let (described, document) = routes::described().split_for_parts();
    let queries = Queries::of(&document);
    let document = Answer::lasting(&document);
    let openapi = get(async move |asked: HeaderMap| document.to(&asked));
    let door = Arc::new(Door { house: Arc::clone(house), rate, behind_proxy, queries });
    described
        .route(OPENAPI, openapi)
        .merge(routes::page())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        // One layer does it all, because each costs every request.
        .layer(from_fn_with_state(door, pass))
        .with_state(Arc::clone(house))
}

/// Lets a request in, if its client may ask once more; counts, measures and traces it.
async fn pass(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let asked_at = Instant::now();
    let method = known(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let span = tracing::debug_span!("request", method, route);
    let person = routes::is_for_people(request.uri().path(), request.headers())
        .then(|| request.headers().clone());
    let client = door.client(&request);
    let checked = door.check(client, route).and_then(|()| {
        check_length(request.headers())?;
        check_identity(request.headers())?;
        door.queries.check(route, method, request.uri().query())
    });
    if let Some(client) = client {
        request.extensions_mut().insert(Client(Some(household(client))));
    }
    let mut response = match checked {
        Err(refused) => refused.into_response(),
        Ok(()) => next.run(with_bounds(request)).instrument(span.clone()).await,
    };
    let status = response.status();
    if let Some(asked) = person.filter(|_| status == StatusCode::NOT_FOUND) {
        response = routes::page_of(status, asked).await;
    }
    let (took, status) = (asked_at.elapsed(), response.status());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), ?took, "answered"));
    door.house.metrics.answered(method, route, status.as_u16(), took);
    let headers = response.headers_mut();
    // At once: a map of headers that grows costs more than all of them.
    headers.reserve(HEADERS.len() + 2);
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if door.house.closing.is_cancelled() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let keeps = headers.contains_key(header::CACHE_CONTROL);
    if !keeps && status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Bounds the body of a request, if it has one, and the wait for each piece of it.
fn with_bounds(mut request: Request) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    DefaultBodyLimit::max(BODY_MAX).apply(&mut request);
    request.map(|body| Body::new(TimeoutBody::new(BODY_TIME_MAX, body)))
}

/// Refuses a body that is said to be far too long, before any of it has come.
fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > BODY_REFUSED_UNSEEN => {
            let detail = format!("a body has {BODY_MAX} bytes at the most, not {length}");
            Err(Problem::bad_body(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
        _ => Ok(()),
    }
}

impl Door {
    fn check(&self, client: Option<IpAddr>, route: &str) -> Result<(), Problem> {
        let Some((rate, client)) = self.rate.as_ref().zip(client) else { return Ok(()) };
        if UNCOUNTED.contains(&route) {
            return Ok(());
        }
        rate.check(client).map_err(|wait| {
            self.house.metrics.refused_early("too_many_requests");
            Problem::too_many_requests(wait)
        })
    }

    /// Returns the address at the other end, or the one that the proxy there has seen; none where clients
    /// are not told apart.
    fn client(&self, request: &Request) -> Option<IpAddr> {
        self.rate.as_ref()?;
        let seen = self.behind_proxy.then(|| forwarded(request.headers())).flatten();
        seen.or_else(|| request.extensions().get::<Peer>().map(|peer| peer.0))
    }
}

/// The last address of the list: the only one that the proxy itself has written.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let mut lists = headers.get_all(FORWARDED_FOR).iter();
    let last = lists.next_back()?.to_str().ok()?.rsplit(',').next()?;
    let last = last.trim();
    // Some proxies write the port, too.
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    last.parse().ok().or_else(with_port)
}

/// The name of a method; of those that nobody knows there could be any number.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_believed_of_its_own_entry_only() {
        let client = |lists: &[&str]| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, list.parse().unwrap());
            }
            forwarded(&headers).map(|address| address.to_string())
        };
        assert_eq!(client(&["203.0.113.9, 192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(client(&["203.0.113.9", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(client(&["2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(client(&["192.0.2.1:4711"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(client(&["[2001:db8::1]:4711"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(client(&["unknown"]), None);
        assert_eq!(client(&[]), None);
    }
}
