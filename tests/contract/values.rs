//! Every value that a record may hold comes back as the same value.

use lastword::commit::{Read, Write};
use lastword::ports::Store;
use lastword::protocol::limits::{INTEGER_MAX, OBJECT_KEYS_MAX, PAYLOAD_DEPTH_MAX};
use lastword::record::Record;
use serde_json::{Value, json};

use super::{LOG, LOGS, read, stored, write};

/// A record as it comes from the wire is stored and found again, under an app's own names and under ours.
async fn round_trips<S: Store>(store: &S, values: &Value) {
    let text = json!({"id": "a", "clientUpdatedAt": 1, "isDeleted": false, "held": values}).to_string();
    wire_text_round_trips(store, &text).await;
}

async fn wire_text_round_trips<S: Store>(store: &S, text: &str) {
    let record = Record::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    write(store, [LOG, LOGS].map(|entity| Write::PutRow(entity, record.clone(), None)).to_vec()).await;
    let found = read(store, vec![Read::AllRows(LOG), Read::AllRows(LOGS)]).await;
    assert_eq!(stored(&found, LOG, "a"), &record, "{text}");
    assert_eq!(stored(&found, LOGS, "a"), &record, "{text}");
}

pub(crate) async fn numbers<S: Store>(store: &S) {
    round_trips(store, &json!([0, 1, -1, INTEGER_MAX, -INTEGER_MAX])).await;
    round_trips(store, &json!([0.5, -0.1, 1e-7, 5e-324, f64::MAX, f64::MIN, f64::EPSILON, 1e300, 0.1 + 0.2])).await;
    // Other ways to write a number that JavaScript holds as an integer.
    for number in ["1.0", "-0", "-0.0", "0e5", "1e3", "100E-2", "9007199254740991.0"] {
        wire_text_round_trips(store, &format!(r#"{{"id":"a","clientUpdatedAt":1,"held":{number}}}"#)).await;
    }
}

pub(crate) async fn texts<S: Store>(store: &S) {
    let texts =
        ["", "\u{0}", "\u{ffff}", "\u{10ffff}", "e\u{301}", "\u{e9}", "\u{1f600}", "\r\n\t", "\"\\/", "2026-01-01"];
    round_trips(store, &json!(texts)).await;
    let keys: serde_json::Map<String, Value> = texts.iter().map(|text| ((*text).to_owned(), json!(text))).collect();
    round_trips(store, &Value::Object(keys)).await;
    round_trips(store, &json!({"then": 1, "length": 2, "toString": 3, "valueOf": 4, "toJSON": 5, "0": 6, "-1": 7}))
        .await;
}

pub(crate) async fn nested_values<S: Store>(store: &S) {
    round_trips(store, &json!([null, true, false, [], {}, [[]], [{}], {"a": {"b": [1, {"c": null}]}}])).await;
    let mut deepest = json!(1);
    // The record itself and the field are the first levels.
    for _ in 1..PAYLOAD_DEPTH_MAX {
        deepest = json!([deepest]);
    }
    round_trips(store, &deepest).await;
}

pub(crate) async fn the_largest_value<S: Store>(store: &S) {
    let keys: serde_json::Map<String, Value> =
        (0..OBJECT_KEYS_MAX).map(|index| (format!("key {index}"), json!(index))).collect();
    round_trips(store, &Value::Object(keys)).await;
    round_trips(store, &json!("\u{e9}".repeat(120_000))).await;
}
