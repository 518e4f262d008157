//! What zod, valibot and TypeBox export for the same entities compiles as it is, and judges the same records alike.
//!
//! The schemas are written by `fixtures/schemas/export.mjs`, the records stand in `fixtures/records`.

#![allow(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

mod schema_support;

use std::collections::BTreeMap;

use lastword_protocol::record::{Fields, Record};
use lastword_protocol::schema::Schema;
use serde::Deserialize;
use serde_json::{Value, json};

use schema_support::{compile, fixtures};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    valid: Vec<Fields>,
    invalid: Vec<Fault>,
}

/// A fault put into the first valid record, and where it must be reported.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    #[serde(default)]
    change: Fields,
    remove: Option<String>,
    at: String,
}

/// The app fields, as they are after a whole record has come in.
fn received(app_fields: &Fields) -> Fields {
    let mut record = app_fields.clone();
    let Value::Object(envelope) = json!({"id": "2f9a4b4e-55a1-4f0c-9a52-0c1d6a3b7e10", "clientCreatedAt": 1, "clientUpdatedAt": 2,
        "isDeleted": false, "serverUpdatedAt": 3, "serverId": "s1", "version": 4})
    else {
        unreachable!("the literal is an object")
    };
    record.extend(envelope);
    Record::from_object(record).unwrap().fields
}

fn exports() -> impl Iterator<Item = (String, BTreeMap<String, Value>)> {
    fixtures("schemas").into_iter().map(|(file, text)| (file, serde_json::from_str(&text).unwrap()))
}

#[test]
fn exported_schemas_judge_records_alike() {
    let records: Vec<(String, Records)> = fixtures("records")
        .into_iter()
        .map(|(file, text)| (file.trim_end_matches(".json").to_owned(), serde_json::from_str(&text).unwrap()))
        .collect();
    let mut judged = 0;
    for (file, schemas) in exports() {
        for (entity, Records { valid, invalid }) in &records {
            let schema = compile(&schemas[entity]);
            for record in valid {
                assert_eq!(schema.check(&received(record)), [], "{file} {entity} {record:?}");
            }
            for fault in invalid {
                let mut record = valid[0].clone();
                record.extend(fault.change.clone());
                fault.remove.iter().for_each(|field| drop(record.remove(field)));
                let errors = schema.check(&received(&record));
                assert!(errors.iter().any(|error| error.path == fault.at), "{file} {entity} {}: {errors:?}", fault.at);
                judged += 1;
            }
        }
    }
    assert_eq!(judged, 5 * (21 + 7 + 5));
}

/// What a library writes as a pattern beside a `format` is checked; a `format` alone is not.
#[test]
fn formats_count_where_the_exporter_writes_a_pattern() {
    for (file, schemas) in exports() {
        let schema = compile(&schemas["user-settings"]);
        let record = json!({"email": "not an address", "theme": "dark", "limits": {}});
        let refused = !schema.check(record.as_object().unwrap()).is_empty();
        assert_eq!(refused, file.starts_with("zod"), "{file}");
    }
}

/// Exporters describe what comes out of a parse unless told otherwise, and a default is always there then.
#[test]
fn a_field_with_a_default_may_be_absent_in_input_schemas_only() {
    for (file, schemas) in exports() {
        let schema = compile(&schemas["workout-logs"]);
        let record = json!({"title": "Rest", "startedAt": "2025-11-21T07:30:00Z", "unit": "lb", "notes": null,
            "sets": [{"kind": "time", "seconds": 1}], "measures": {}, "tempo": [0, 0, 0]});
        let refused = !schema.check(record.as_object().unwrap()).is_empty();
        assert_eq!(refused, file == "zod-output.json", "{file}");
    }
}

/// The path of every valid record: a million checks must not cost a million allocations.
#[test]
fn a_valid_record_costs_no_allocation() {
    for (file, schemas) in exports() {
        for (entity, schema) in &schemas {
            let schema = compile_without_engine(schema);
            let (_, text) = fixtures("records").into_iter().find(|(file, _)| file.starts_with(entity)).unwrap();
            let records: Records = serde_json::from_str(&text).unwrap();
            let fields = received(&records.valid[0]);
            let used = allocation_counter::measure(|| assert!(schema.check(&fields).is_empty()));
            assert_eq!(used.count_total, 0, "{file} {entity}");
        }
    }
}

/// Every pattern matches: what an engine allocates is not ours to count.
fn compile_without_engine(schema: &Value) -> Schema {
    Schema::compile(schema, &|_| Ok(Box::new(|_| true))).unwrap()
}
