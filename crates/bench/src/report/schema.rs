//! The published schema of findings is what their types say.
//! `BENCH_WRITE_SCHEMA=1 cargo test -p bench --lib schema` writes it anew; read the difference.

use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{FINDINGS_SCHEMA, fixture, review};
use crate::analyse::{Findings, SCHEMA_VERSION};
use crate::cli::ReportFormat;

fn of_the_types() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Findings>();
    let title = format!("Findings of bench, schema version {SCHEMA_VERSION}");
    schema.insert("title".to_owned(), title.into());
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = of_the_types();
    if std::env::var_os("BENCH_WRITE_SCHEMA").is_some() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        fs::write(docs.join("findings.schema.json"), &schema).unwrap();
    }
    assert!(
        schema == FINDINGS_SCHEMA || std::env::var_os("BENCH_WRITE_SCHEMA").is_some(),
        "docs/schema/findings.schema.json is not what the types say: write it anew with \
         BENCH_WRITE_SCHEMA=1 cargo test -p bench --lib schema"
    );
}

/// The schema that a reference leads to.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => root.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// Holds `value` to those parts of a schema that say which fields there are and what type each has;
/// adds what does not fit to `wrong`.
fn check(root: &Value, schema: &Value, value: &Value, (at, wrong): (&str, &mut Vec<String>)) {
    let schema = resolved(root, schema);
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = choices.iter().any(|choice| {
            let mut inner = Vec::new();
            check(root, choice, value, (at, &mut inner));
            inner.is_empty()
        });
        if !fits {
            wrong.push(format!("{at}: {value} fits none of the choices"));
        }
        return;
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
    };
    let fits = |kind: &Value| kind == name || (kind == "number" && name == "integer");
    match &schema["type"] {
        Value::Array(kinds) if kinds.iter().any(fits) => {}
        Value::Null => {}
        kind if fits(kind) => {}
        kind => wrong.push(format!("{at}: {name} where {kind} should be")),
    }
    if schema["const"] != Value::Null && schema["const"] != *value {
        wrong.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if let Some(fields) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(required.as_str().unwrap()) {
                wrong.push(format!("{at}: no {required}"));
            }
        }
        for (name, field) in fields {
            let named = schema["properties"].get(name);
            match named.or(schema.get("additionalProperties")) {
                Some(inner) => check(root, inner, field, (&format!("{at}/{name}"), wrong)),
                None => wrong.push(format!("{at}: {name} is not in the schema")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(root, &schema["items"], item, (&format!("{at}/{index}"), wrong));
    }
}

fn faults(value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&of_the_types()).unwrap();
    let mut wrong = Vec::new();
    check(&schema, &schema, value, ("", &mut wrong));
    wrong
}

#[test]
fn findings_fit_the_schema_and_what_is_none_does_not() {
    for findings in [fixture::complete(), fixture::review_of(&[(10, 1), (3, 2)])] {
        let mut json: Value = serde_json::from_str(&review(&findings, ReportFormat::Json)).unwrap();
        assert_eq!(faults(&json), Vec::<String>::new());
        json["steps"][0]["workers"] = "ten".into();
        json["steps"][0]["hashes_per_second"]["surprise"] = 1.into();
        json["steps"][0].as_object_mut().unwrap().remove("stages");
        assert_eq!(faults(&json).len(), 3, "{:?}", faults(&json));
    }
}
