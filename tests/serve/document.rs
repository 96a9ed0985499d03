//! The document that describes the API: what is served is in it, and what is in it is served.

use serde_json::Value;

use crate::server::{Server, answer};

#[tokio::test]
async fn the_document_names_every_route_and_every_problem() {
    let server = Server::start();
    let document = answer(server.get("/v1/openapi.json")).await.is(200);
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let told = std::fs::read_to_string("docs/http.md").unwrap();
    for path in paths.keys() {
        let named = told.contains(path) || path.starts_with("/problems");
        assert!(named, "docs/http.md does not name {path}");
    }
    let mut operations = 0;
    for operation in paths.values().flat_map(|path| path.as_object().unwrap().values()) {
        operations += 1;
        assert!(operation["operationId"].is_string() && operation["summary"].is_string());
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with('4') || status.starts_with('5') {
                let content = response["content"].as_object().unwrap();
                assert!(content.contains_key("application/problem+json"), "{operation}");
            }
        }
    }
    assert_eq!(operations, 20);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_in_the_repository_is_that_of_this_version() {
    let path = "docs/openapi.json";
    let document = serde_json::to_value(tix::serve::openapi()).unwrap();
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let written: Value = serde_json::from_str(&written).unwrap_or_default();
    if written != document {
        let fresh = serde_json::to_string_pretty(&document).unwrap() + "\n";
        std::fs::write(path, fresh).unwrap();
        panic!("{path} was not that of this version; it is now: look at it and commit it");
    }
}
