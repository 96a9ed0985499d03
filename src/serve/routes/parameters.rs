//! Parameters that several routes have, as the document describes them.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, Required, SchemaFormat};

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
