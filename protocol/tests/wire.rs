//! The wire, pinned: each message equals its fixture, survives a round trip, and tolerates fields it does not know.
//!
//! A change of any shape changes the pinned hash, and the failure says what to do. Messages are written as literals of
//! every field and enums are walked by exhaustive matches, so that a new field or variant does not compile until it is
//! in its fixture.

#![allow(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

mod wire_messages;

use std::fmt::Write;

use lastword_protocol::PROTOCOL_VERSION;
use lastword_protocol::error::{ErrorCode, RejectCode};
use lastword_protocol::push::{DEVICE_ID, IDEMPOTENCY_KEY, REQUEST_ID, SYNC_PROTOCOL};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use wire_messages::{Message, messages};

/// The hash of the wire at each version, oldest first. Lines of released versions are never edited.
const PINNED: &[(u32, &str)] = &[(1, "8c07503f5ff97fc0")];

#[test]
fn the_wire_changes_only_with_its_version() {
    let (version, pinned) = PINNED[PINNED.len() - 1];
    let hash = hash(&messages());
    assert!(
        version == PROTOCOL_VERSION && pinned == hash,
        "\nThe wire is not the one pinned for version {version}. What to do:\n\
         - If the other side of the last release would misread it: raise PROTOCOL_VERSION in protocol/src/lib.rs, add a \
         line to its history, and add the new pair to PINNED.\n\
         - If every older reader and writer still works (a new optional field, say): put the new hash into the last pair.\n\
         - If you did not mean to change the wire: undo the change.\n\
         The pair is now: ({PROTOCOL_VERSION}, \"{hash}\")\n"
    );
    assert!(PINNED.is_sorted_by(|a, b| a.0 < b.0 && a.1 != b.1), "each version is pinned once, with a hash of its own");
}

#[test]
fn each_message_equals_its_fixture_and_survives_a_round_trip() {
    for Message { name, fixture, written, parse } in messages() {
        assert_eq!(written, fixture, "{name}.json is not what the type writes: edit it by hand, it is the contract");
        assert_eq!(parse(&fixture).unwrap(), fixture, "{name} loses something when it is read and written");
    }
}

#[test]
fn unknown_fields_are_tolerated_at_every_level() {
    let unknown = json!({"nested": [1, {"deeper": null}]});
    for Message { name, fixture, parse, .. } in messages().into_iter().filter(|message| message.name != "record") {
        let mut newer = fixture.clone();
        let objects = objects(&fixture);
        for pointer in &objects {
            let object = newer.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap();
            object.insert("fromTheFuture".into(), unknown.clone());
        }
        assert_eq!(parse(&newer).unwrap(), fixture, "{name} with unknown fields");
    }
}

/// A code that a newer peer sends is not a parse error: it says only that something is wrong.
#[test]
fn unknown_codes_are_tolerated() {
    assert_eq!(serde_json::from_value::<ErrorCode>(json!("from_the_future")).unwrap(), ErrorCode::Other);
    assert_eq!(serde_json::from_value::<RejectCode>(json!("from_the_future")).unwrap(), RejectCode::Other);
}

#[test]
fn headers_have_their_names() {
    assert_eq!([IDEMPOTENCY_KEY, SYNC_PROTOCOL, REQUEST_ID], ["Idempotency-Key", "X-Sync-Protocol", "X-Request-Id"]);
    assert_eq!(DEVICE_ID, "X-Device-Id");
}

/// Hashes the fixtures in canonical form, with the fields that a reader can do without.
fn hash(messages: &[Message]) -> String {
    let shapes: Vec<Value> = messages
        .iter()
        .map(|message| json!({ "name": message.name, "fixture": message.written, "optional": optional(message) }))
        .collect();
    let digest = Sha256::digest(serde_json_canonicalizer::to_vec(&shapes).unwrap());
    digest.iter().take(8).fold(String::new(), |mut hash, byte| {
        write!(hash, "{byte:02x}").unwrap();
        hash
    })
}

/// The fields without which the message can still be read.
fn optional(message: &Message) -> Vec<String> {
    let fields = objects(&message.written).into_iter().flat_map(|pointer| {
        let object = message.written.pointer(&pointer).and_then(Value::as_object).unwrap();
        object.keys().map(move |key| (pointer.clone(), key.clone())).collect::<Vec<_>>()
    });
    let mut optional: Vec<String> = fields
        .filter(|(pointer, key)| {
            let mut without = message.written.clone();
            without.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap().remove(key);
            (message.parse)(&without).is_ok()
        })
        .map(|(pointer, key)| format!("{pointer}/{key}"))
        .collect();
    optional.sort();
    optional
}

/// Pointers to the objects of a message that the protocol defines, which are all but those of the app.
fn objects(message: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![(String::new(), message)];
    while let Some((pointer, value)) = rest.pop() {
        match value {
            Value::Object(map) => {
                let ours = map.iter().filter(|(key, _)| !THE_APPS.contains(&key.as_str()));
                rest.extend(ours.map(|(key, value)| (format!("{pointer}/{key}"), value)));
                found.push(pointer);
            }
            Value::Array(items) => {
                rest.extend(items.iter().enumerate().map(|(at, item)| (format!("{pointer}/{at}"), item)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// Fields whose values the protocol carries and does not read.
const THE_APPS: [&str; 5] = ["records", "changes", "record", "data", "details"];
