//! Each supported keyword by cases in the shape of the JSON-Schema-Test-Suite: `tests/fixtures/suite/*.json`.
//!
//! Cases whose data are not all objects stand inside a record, as its field `v`, because a record is an object.

#![allow(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

mod schema_support;

use serde::Deserialize;
use serde_json::{Value, json};

use schema_support::{compile, fixtures};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    description: String,
    schema: Value,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    description: String,
    data: Value,
    valid: bool,
}

#[test]
fn every_case_of_the_suite_has_its_answer() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for (file, text) in fixtures("suite") {
        let groups: Vec<Group> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        for Group { description, schema, tests } in groups {
            let bare = tests.iter().all(|case| case.data.is_object());
            let schema = compile(&if bare { schema } else { json!({ "properties": { "v": schema } }) });
            for case in tests {
                let record = if bare { case.data } else { json!({ "v": case.data }) };
                let errors = schema.check(record.as_object().unwrap());
                cases += 1;
                if errors.is_empty() != case.valid {
                    wrong.push(format!("{file}: {description}: {}: {errors:?}", case.description));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 200, "only {cases} cases were found");
}
