//! Parameters that several routes have, as the document describes them.

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

use crate::serve::documents::{PART_LIMIT, Part, present};
use crate::serve::problem::{Problem, Result};

/// The most rows of a list that are sent at once, and that can be left out.
const LIMIT_MAX: usize = 1_000;
const OFFSET_MAX: usize = 1_000_000;

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PartParams {
    /// How many to leave out at the beginning.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, maximum = 1_000_000)]
    offset: Option<usize>,
    /// At most how many to send; 100 by default.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

impl PartParams {
    /// The part that is meant; it begins with the list where the request does not say.
    pub(super) fn part(&self) -> Result<Part> {
        let (offset, limit) = (self.offset.unwrap_or(0), self.limit.unwrap_or(PART_LIMIT));
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::bad_request(format!("limit: 1 to {LIMIT_MAX}")));
        }
        if offset > OFFSET_MAX {
            return Err(Problem::bad_request(format!("offset: {OFFSET_MAX} at the most")));
        }
        Ok(Part { offset, limit })
    }

    /// As [`Self::part`], but around one of `total` rows where the request does not say.
    pub(super) fn part_around(&self, row: usize, total: usize) -> Result<Part> {
        let Part { offset, limit } = self.part()?;
        let around = row.saturating_sub(limit / 2).min(total.saturating_sub(limit));
        Ok(Part { offset: if self.offset.is_some() { offset } else { around }, limit })
    }
}

/// Letters of a header's value, without blanks at its ends.
const PRINTABLE: &str = "^[!-~]([ -~]*[!-~])?$";

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn parameter(
    (name, place): (&str, ParameterIn),
    required: Required,
    description: &str,
    schema: ObjectBuilder,
) -> Vec<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema));
    vec![parameter.build()]
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: $place:expr, $required:expr, $description:expr, $schema:expr;)+) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    parameter($place, $required, $description, $schema)
                }
            }
        )+
    };
}

fn printable() -> ObjectBuilder {
    text().min_length(Some(1)).max_length(Some(200)).pattern(Some(PRINTABLE))
}

parameters! {
    /// Which show.
    EventPath: ("event", ParameterIn::Path), Required::True,
        "The slug or the id of the show", text().examples(["hamlet"]);
    /// The checkout, where it has to be known.
    SessionHeader: ("Tix-Session", ParameterIn::Header), Required::True,
        "The checkout that acts", printable().examples(["a-long-random-text"]);
    /// The checkout, where it need not be known.
    MaybeSessionHeader: ("Tix-Session", ParameterIn::Header), Required::False,
        "The checkout, to hear of its holds and places in line", printable();
    /// Whom the limit counts.
    BuyerHeader: ("Tix-Buyer", ParameterIn::Header), Required::False,
        "Whom the limit counts; derived from the session where it is missing",
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    /// What a client has already.
    IfNoneMatchHeader: ("If-None-Match", ParameterIn::Header), Required::False,
        "The tag of what one has", text();
    /// What a follower heard last.
    LastEventIdHeader: ("Last-Event-ID", ParameterIn::Header), Required::False,
        "The id of the last event that was heard", printable();
}
