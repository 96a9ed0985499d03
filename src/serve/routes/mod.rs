//! What is served where.

use std::collections::BTreeMap;
use std::sync::Arc;

use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder, content::ContentBuilder};
use utoipa::{IntoResponses, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::house::House;
use super::problem::Problem;

mod booking;
mod catalogue;
mod operations;
mod page;
mod parameters;
mod seats;
mod stream;
mod waiting_room;
mod waitlist;

pub(super) use page::{is_for_people, page, page_of};

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "tix",
        description = "Sells every seat exactly once: shows, live seat maps, holds, payments, the \
                       waitlist and the waiting room. A refusal is a problem document (RFC 9457) and \
                       changes nothing."
    ),
    tags(
        (name = "shows", description = "What is on, where, and what is left"),
        (name = "booking", description = "Holding seats, paying for them, giving them up"),
        (name = "waiting", description = "The waiting room and the waitlist"),
        (name = "operations", description = "For those who run the server")
    )
)]
struct Description;

/// Every route that programs use, and the document that describes them.
pub(super) fn described() -> OpenApiRouter<Arc<House>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(catalogue::search))
        .routes(routes!(catalogue::show))
        .routes(routes!(seats::counts))
        .routes(routes!(seats::layout))
        .routes(routes!(seats::map))
        .routes(routes!(seats::tickets))
        .routes(routes!(stream::follow))
        .routes(routes!(waiting_room::look, waiting_room::enter, waiting_room::leave))
        .routes(routes!(booking::reserve))
        .routes(routes!(booking::confirm))
        .routes(routes!(booking::show, booking::abandon))
        .routes(routes!(waitlist::list, waitlist::join))
        .routes(routes!(waitlist::leave))
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::problem))
}

/// What may go wrong wherever something is read.
pub(super) struct ReadProblems;

/// What may go wrong wherever something is changed.
pub(super) struct ActProblems;

const READ: [(&str, &str); 5] = [
    ("400", "The request makes no sense"),
    ("404", "There is no such thing"),
    ("429", "Too many requests of one client"),
    ("500", "The store did not do its part"),
    ("503", "Too much is going on; nothing was done"),
];
const ACT: [(&str, &str); 7] = [
    ("402", "The payment was declined"),
    ("403", "It belongs to another session"),
    ("408", "The request took too long to arrive"),
    ("409", "The rules of the sale do not allow it"),
    ("413", "The request is too large"),
    ("415", "The request is not JSON"),
    ("422", "The idempotency key belongs to another request"),
];

fn problems<'a>(
    cases: impl IntoIterator<Item = &'a (&'static str, &'static str)>,
) -> BTreeMap<String, RefOr<Response>> {
    let response = |description: &str| {
        let schema = RefOr::Ref(Ref::from_schema_name(Problem::name()));
        let content = ContentBuilder::new().schema(Some(schema)).build();
        ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", content)
            .build()
    };
    let case = |(status, why): &(&str, &str)| ((*status).to_owned(), response(why).into());
    cases.into_iter().map(case).collect()
}

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&READ)
    }
}

impl IntoResponses for ActProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(READ.iter().chain(&ACT))
    }
}
