//! The JSON schemas that the documentation promises, held against what is really written.

use std::path::PathBuf;

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

fn read(file: &str) -> Value {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Finds the schema that another one refers to, beside it.
struct Beside;

impl Retrieve for Beside {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let path = uri.path().as_str();
        Ok(read(path.rsplit('/').next().unwrap()))
    }
}

fn validator(name: &str) -> Validator {
    jsonschema::options()
        .with_base_uri(format!("tix:///{name}.schema.json"))
        .with_retriever(Beside)
        .build(&read(&format!("{name}.schema.json")))
        .unwrap()
}

/// The schema of this name must accept the document.
#[track_caller]
pub(crate) fn check(name: &str, document: &Value) {
    let faults: Vec<String> = validator(name)
        .iter_errors(document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{document:#}");
}

#[test]
fn every_schema_is_one() {
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".schema.json").expect("a schema is called x.schema.json");
        jsonschema::meta::validate(&read(&file)).unwrap();
        validator(name);
        names.push(name.to_owned());
    }
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn a_document_with_an_unknown_field_is_noticed() {
    let document = serde_json::json!({"schema_version": 1, "holds": [], "more": 1});
    assert!(!validator("holds").is_valid(&document));
}
