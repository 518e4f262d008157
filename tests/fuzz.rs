//! Damaged bytes of every kind that the client reads: none may panic it, and what is accepted reads back as itself.
//!
//! Deterministic: a seed and a count. `LASTWORD_FUZZ=20000000 cargo test --release --test fuzz` goes on for longer. Never
//! touches a network or a disk. What once failed stands in [`CORPUS`] as it was found.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeMap;

use lastword::checkpoint::{Checkpoint, EntityMeta, InFlight, Replica, Sent};
use lastword::config::{Config, EntityDeclaration, Style};
use lastword::incoming::pull::{Arrived, Page};
use lastword::incoming::timed::Timed;
use lastword::incoming::validate;
use lastword::mapping::{FieldNames, Times};
use lastword::outgoing::push::{self, Answer, Fate};
use lastword::ports::Now;
use lastword::protocol::entity::EntityDef;
use lastword::protocol::limits::{CURSOR_BYTES_MAX, PAGE_RECORDS_MAX};
use lastword::record::{Entity, Key, Record, Stamp, Synced};
use lastword::stored::{StoredChange, StoredConflict};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

const LOGS: Entity = Entity(0);

/// SplitMix64: the same numbers everywhere.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % (end as u64)).unwrap()
    }

    /// A range of `bytes`, mostly a short one.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        start..(start + self.below(24)).min(bytes.len())
    }

    /// One to six changes to `bytes`.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let range = self.range(bytes);
            match self.below(6) {
                0 => drop(bytes.drain(range)),
                1 => {
                    let copy = bytes[range.clone()].to_vec();
                    bytes.splice(range.end..range.end, copy);
                }
                2 => bytes.truncate(range.end),
                3 if range.start < bytes.len() => bytes[range.start] ^= 1 << self.below(8),
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    let end = if self.below(2) == 0 { range.start } else { range.end };
                    bytes.splice(range.start..end, token.bytes());
                }
            }
        }
    }
}

/// Runs `target` on damaged copies of each of `sound`, after what once failed.
fn fuzz(seed: u64, sound: &[String], target: impl Fn(&[u8])) {
    for bytes in sound.iter().map(String::as_bytes).chain(CORPUS.iter().copied()) {
        target(bytes);
    }
    let rounds = std::env::var("LASTWORD_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let mut rng = Rng(seed);
    for _ in 0..rounds {
        let mut bytes = sound[rng.below(sound.len())].clone().into_bytes();
        rng.damage(&mut bytes);
        target(&bytes);
    }
}

fn config(style: Style) -> Config {
    let schema = json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string", "maxLength": 9 }, "reps": { "type": "integer", "minimum": 0 },
        "sets": { "type": "array", "items": { "type": "object" } } } });
    let def = EntityDef { schema: Some(schema), ..EntityDef::default() };
    let declared = BTreeMap::from([("logs".to_owned(), EntityDeclaration { def, ..EntityDeclaration::default() })]);
    Config::new(declared, style, &|_| Err("no patterns here".into())).unwrap()
}

fn record() -> serde_json::Value {
    json!({ "id": "a", "clientCreatedAt": 1, "clientUpdatedAt": 1_763_690_000_000_i64, "isDeleted": false,
        "serverUpdatedAt": 1_763_690_000_001_i64, "serverId": "s1", "version": 3,
        "name": "Squat", "reps": 5, "weight": 62.5, "sets": [{ "reps": 5 }, { "reps": null }] })
}

fn tombstone() -> serde_json::Value {
    json!({ "id": "b", "clientCreatedAt": 1, "clientUpdatedAt": 2, "isDeleted": true, "serverUpdatedAt": 3 })
}

/// What every page that is accepted keeps.
fn check_page(config: &Config, page: &Page) {
    assert!(page.arrived.len() <= PAGE_RECORDS_MAX && page.cursor.len() <= CURSOR_BYTES_MAX);
    for arrived in &page.arrived {
        if let Arrived::Good(entity, record) = arrived {
            config.entity(*entity).check(record).unwrap();
            check_record(&config.entity(*entity).names, record);
        }
    }
}

fn check_record(names: &FieldNames, record: &Record) {
    let text = serde_json::to_string(&names.object(record.clone())).unwrap();
    assert_eq!(&names.parse(&text).unwrap(), record, "{text}");
}

fn check_answer(config: &Config, answer: &Answer) {
    for (entity, id, fate) in answer.results.iter() {
        if let Fate::Conflict(record) = fate {
            assert_eq!(record.id, *id);
            check_record(&config.entity(entity).names, record);
        }
    }
}

fn in_flight(entity: Option<&str>) -> InFlight {
    let sent = |id: &str| Sent { entity: "logs".into(), id: id.into(), stamp: Stamp(1), hash: None };
    InFlight {
        place: 0,
        key: "k".into(),
        entity: entity.map(str::to_owned),
        sent: vec![sent("a"), sent("b")],
        body: String::new(),
    }
}

#[test]
fn pages_of_resource_style() {
    let config = config(Style::Resource);
    let page = json!({ "records": [record(), tombstone()], "cursor": "c1", "hasMore": true, "upTo": 5,
        "serverTime": 6, "epoch": "e", "remaining": 7 });
    fuzz(1, &[page.to_string()], |bytes| {
        if let Ok(page) = validate::resource_page(&config, LOGS, bytes) {
            check_page(&config, &page);
        }
    });
}

#[test]
fn pages_of_changeset_style() {
    let config = config(Style::Changeset);
    let data = json!({ "name": "Squat", "reps": 5, "clientCreatedAt": 1 });
    let change = json!({ "entity_type": "logs", "id": "a", "data": data, "updated_at": 5, "deleted": false });
    let gone = json!({ "entity_type": "logs", "id": "b", "data": null, "updated_at": 5, "deleted": true });
    let page = json!({ "server_cursor": "c1", "has_more": false, "changes": [change, gone], "up_to": 5,
        "server_time": 6, "epoch": "e" });
    fuzz(2, &[page.to_string()], |bytes| {
        if let Ok(page) = validate::changeset_page(&config, bytes) {
            check_page(&config, &page);
        }
    });
}

#[test]
fn pages_and_cursors_by_time() {
    let config = config(Style::Resource);
    let whole = json!({ "records": [record(), tombstone()], "hasMore": true });
    let sound = [whole.to_string(), json!([record()]).to_string(), "+1763690000000/40".into(), "1763690000000".into()];
    let timed = Timed::default();
    fuzz(3, &sound, |bytes| {
        let cursor = std::str::from_utf8(bytes).ok();
        let asked = timed.ask(LOGS, cursor, 2, 30_000, Now::default());
        assert!(asked.since.is_none_or(|since| since >= 0));
        if let Ok(page) =
            timed.page(&config, timed.ask(LOGS, Some("1"), 2, 30_000, Now::default()), bytes, Now::default())
        {
            check_page(&config, &page);
        }
    });
}

#[test]
fn answers_of_resource_style() {
    let config = config(Style::Resource);
    let answer = json!({ "results": [{ "id": "a", "status": "applied", "serverUpdatedAt": 5, "version": 1, "serverId": "s" },
        { "id": "b", "status": "conflict", "record": tombstone() }, { "id": "c", "status": "gone" },
        { "id": "d", "status": "rejected", "code": "invalid", "message": "no", "fields": [{ "path": "/a", "message": "no" }] }],
        "serverTime": 5, "epoch": "e" });
    fuzz(4, &[answer.to_string()], |bytes| {
        if let Ok(answer) = push::resource_answer(&config, &in_flight(Some("logs")), bytes) {
            check_answer(&config, &answer);
        }
    });
}

#[test]
fn answers_of_changeset_style() {
    let config = config(Style::Changeset);
    let server =
        json!({ "entity_type": "logs", "id": "b", "data": { "name": "Squat" }, "updated_at": 5, "deleted": false });
    let answer = json!({ "server_cursor": "c", "applied": ["a", { "entity_type": "logs", "id": "b", "server_updated_at": 5 }],
        "conflicts": [{ "entity_type": "logs", "id": "b", "server": server }],
        "rejected": [{ "entity_type": "logs", "id": "c", "code": "invalid", "message": "no" }],
        "gone": [{ "entity_type": "logs", "id": "d" }], "server_time": 5, "epoch": "e" });
    fuzz(5, &[answer.to_string()], |bytes| {
        if let Ok(answer) = push::changeset_answer(&config, &in_flight(None), bytes) {
            check_answer(&config, &answer);
        }
    });
}

#[test]
fn records_and_stored_rows() {
    let names: FieldNames =
        serde_json::from_value(json!({ "clientUpdatedAt": "updated_at", "deletedAt": "deleted_at" })).unwrap();
    let iso = FieldNames { times: Times::Iso, ..names.clone() };
    let snake = json!({ "id": "a", "clientCreatedAt": 1, "updated_at": 5, "deleted_at": null, "name": "Squat" });
    let dated = json!({ "id": "a", "clientCreatedAt": "2025-11-21T01:53:20.000Z", "updated_at": "2025-11-21T01:53:20.000Z",
        "deleted_at": "2025-11-21T01:53:20.000Z" });
    let sound = [record().to_string(), tombstone().to_string(), snake.to_string(), dated.to_string()];
    let plain = FieldNames::default();
    fuzz(6, &sound, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for names in [&plain, &names, &iso] {
            if let Ok(record) = names.parse(text) {
                check_record(names, &record);
            }
        }
    });
}

#[test]
fn marks_of_rows() {
    fuzz(7, &["1763690000000:00ff00ff00ff00ff".into(), "5".into()], |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Some(mark) = Synced::parse(text) {
            assert_eq!(Synced::parse(&mark.to_string()), Some(mark));
        }
    });
}

#[test]
fn entries_of_our_own_stores() {
    let change = json!({ "entity": "logs", "id": "a", "stamp": 5, "operation": "update", "state": "failed", "attempts": 2,
        "lastAttemptAt": 6, "nextTryAt": 7, "error": { "code": "invalid", "message": "no" }, "queuedAt": 4, "known": true,
        "base": 3, "held": 2, "sent": [1, 2], "earlier": [4], "acceptedAt": 9, "tombstone": tombstone() });
    let conflict = json!({ "entity": "logs", "id": "a", "local": record(), "remote": null, "foundAt": 4 });
    let replica = json!({ "deviceId": "d", "account": null, "fence": 3, "lastStamp": 5, "offsetMs": -6, "clockMax": 7,
        "hashKey": 8 });
    let checkpoint =
        json!({ "cursor": "c", "epoch": "e", "upTo": 5, "resync": { "reason": "epochChanged", "seenLists": 2 } });
    let in_flight = json!({ "place": 1, "key": "k", "entity": "logs", "body": "{}",
        "sent": [{ "entity": "logs", "id": "a", "stamp": 5, "hash": "ff00" }] });
    let sound = [change, conflict, replica, checkpoint, in_flight].map(|entry| entry.to_string());
    fuzz(8, &sound, |bytes| {
        if let Ok(stored) = serde_json::from_slice::<StoredChange>(bytes) {
            let change = stored.into_change(Key::new(LOGS, "a"));
            let text = serde_json::to_string(&StoredChange::new("logs", change.clone())).unwrap();
            assert_eq!(again::<StoredChange>(&text).into_change(Key::new(LOGS, "a")), change);
        }
        if let Ok(conflict) = serde_json::from_slice::<StoredConflict>(bytes) {
            let text = serde_json::to_string(&conflict).unwrap();
            let same: StoredConflict = again(&text);
            assert_eq!((same.local, same.remote), (conflict.local, conflict.remote));
        }
        reads_back::<Replica>(bytes);
        reads_back::<Checkpoint>(bytes);
        reads_back::<EntityMeta>(bytes);
        reads_back::<InFlight>(bytes);
    });
}

fn again<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        assert_eq!(again::<T>(&serde_json::to_string(&value).unwrap()), value);
    }
}

/// What parsers stumble over.
const TOKENS: [&str; 28] = [
    "null",
    "true",
    "{}",
    "[]",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\"\"",
    "0",
    "-0",
    "-1",
    "1e999",
    "1.5",
    "9007199254740993",
    "-9223372036854775809",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"__proto__\":1,",
    "\"id\":\"a\",",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "\u{feff}",
    "\u{1F4AA}",
    "+",
];
/// Inputs that once failed a target.
const CORPUS: [&[u8]; 4] = [
    b"",
    b"\xff",
    b"[[]]",
    br#"{"server_cursor":"c","applied":[],"rejected":[],"conflicts":[{"entity_type":"logs","id":"b",
        "server":{"entity_type":"logs","id":"b","data":{"__proto__":1,"name":"Squat"},"updated_at":5}}],"server_time":5,"epoch":"e"}"#,
];
/// Inputs of each target when nothing else is asked for.
const ROUNDS: u64 = 20_000;
