//! Rows and wire of an app with names and time forms of its own (M2): what arrives, what leaves, what is set aside.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use lastword::checkpoint::{InFlight, Replica};
use lastword::commit::{Found, Next, Step};
use lastword::config::{Config, EntityDeclaration, Style};
use lastword::incoming::pull::Arrived;
use lastword::incoming::validate;
use lastword::mapping::{FieldNames, Times};
use lastword::outgoing::encode::Stage;
use lastword::outgoing::outbox::{Change, Operation};
use lastword::outgoing::push::{self, Fate};
use lastword::protocol::entity::EntityDef;
use lastword::record::{Entity, Key, Millis, Row, Scope, Stamp, StoredRow};
use serde_json::{Value, json};

const MOODS: Entity = Entity(0);

fn config(style: Style) -> Config {
    let names: FieldNames = serde_json::from_value(json!({
        "clientCreatedAt": "created_at", "clientUpdatedAt": "updated_at", "deletedAt": "deleted_at",
        "serverUpdatedAt": "server_updated_at",
    }))
    .unwrap();
    // As an app writes it: the schema of the whole row, sync fields included.
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["id", "updated_at", "mood"],
        "properties": {
            "id": {"type": "string"}, "created_at": {"type": "string"}, "updated_at": {"type": "string"},
            "deleted_at": {"type": ["string", "null"]}, "mood": {"type": "integer"},
        },
    });
    let declaration = EntityDeclaration {
        def: EntityDef { schema: Some(schema), ..EntityDef::default() },
        names: FieldNames { times: Times::Iso, ..names },
        ..EntityDeclaration::default()
    };
    Config::new([("moods".to_owned(), declaration)], style, &|_| Err("no patterns".into())).unwrap()
}

#[test]
fn a_page_in_the_apps_names_becomes_records() {
    let body = json!({
        "records": [
            {"id": "a", "created_at": "2025-11-21T00:00:00Z", "updated_at": "2025-11-21T00:00:01.500Z", "mood": 4,
             "server_updated_at": "2025-11-21T00:00:02.000001Z", "deleted_at": null},
            {"id": "b", "updated_at": "2025-11-21T00:00:03Z", "deleted_at": "2025-11-21T00:00:03Z"},
            {"id": "c", "updated_at": "soon", "mood": 1},
            {"id": "d", "updated_at": "2025-11-21T00:00:03Z", "mood": "good"},
        ],
        "cursor": "1", "hasMore": false,
    });
    let page = validate::resource_page(&config(Style::Resource), MOODS, body.to_string().as_bytes()).unwrap();
    let [Arrived::Good(_, a), Arrived::Good(_, b), Arrived::Bad(c), Arrived::Bad(d)] = &page.arrived[..] else {
        panic!("{:?}", page.arrived)
    };
    assert_eq!(a.client_updated_at, Stamp(1_763_683_201_500));
    assert_eq!(a.server_updated_at.map(|time| time.0), Some(1_763_683_202_000));
    assert_eq!((a.is_deleted, Value::Object(a.fields.clone())), (false, json!({"mood": 4})));
    assert!(b.is_deleted && b.fields.is_empty());
    assert_eq!((c.key.id.as_str(), d.key.id.as_str()), ("c", "d"));
    assert!(c.reason.contains("`updated_at` must be a time in ISO 8601"), "{}", c.reason);
    assert!(d.reason.contains("/mood"), "{}", d.reason);
}

fn staged(style: Style, record: Value) -> Value {
    let config = config(style);
    let names = &config.entity(MOODS).names;
    let record = names.record(record.as_object().unwrap().clone()).unwrap();
    let key = Key::new(MOODS, &record.id);
    let replica = Replica {
        device_id: "d".into(),
        account: None,
        fence: 1,
        last_stamp: Stamp(0),
        offset_ms: 0,
        clock_max: Millis(0),
        hash_key: 1,
    };
    let mut found = Found { rounds: 2, replica: Some(replica), ..Found::default() };
    let change = Change::new(key.clone(), record.client_updated_at, Operation::Create, Millis(0));
    found.changes.insert(MOODS, key.id.clone(), change);
    found.rows.insert(MOODS, key.id.clone(), StoredRow::Row(Row { record, synced: None }));
    let scope = if style == Style::Resource { Scope::One(MOODS) } else { Scope::All };
    let stage = Stage {
        fence: 1,
        scope,
        keys: vec![key],
        idempotency_keys: vec!["k".into()],
        records_max: 99,
        bytes_max: 1_000,
        parents_pulled: Vec::new(),
        unstored: None,
        now: Millis(9),
    };
    let Next::Commit(_, out) = stage.next(&found, &config) else { panic!("nothing staged") };
    serde_json::from_str(&out.in_flight[0].body).unwrap()
}

#[test]
fn a_push_of_resource_style_speaks_the_apps_names() {
    let live = json!({"id": "a", "created_at": "2025-11-21T00:00:00.000Z", "updated_at": "2025-11-21T00:00:01.500Z",
        "deleted_at": null, "mood": 4});
    assert_eq!(staged(Style::Resource, live.clone())["records"], json!([live]));
    let dead = json!({"id": "a", "created_at": "2025-11-21T00:00:00.000Z", "updated_at": "2025-11-21T00:00:02.000Z",
        "deleted_at": "2025-11-21T00:00:02.000Z"});
    assert_eq!(staged(Style::Resource, dead.clone())["records"], json!([dead]));
}

#[test]
fn a_push_of_changeset_style_keeps_its_envelope() {
    let live = json!({"id": "a", "created_at": "1970-01-01T00:00:00.003Z", "updated_at": "1970-01-01T00:00:00.004Z",
        "deleted_at": null, "mood": 4});
    assert_eq!(
        staged(Style::Changeset, live)["changes"],
        json!([{"entity_type": "moods", "id": "a", "updated_at": 4, "deleted": false,
            "data": {"mood": 4, "clientCreatedAt": 3}}])
    );
}

#[test]
fn the_copy_of_a_conflict_is_read_in_the_apps_names() {
    let in_flight = in_flight(Some("moods"));
    let fate = |record: Value| {
        let body = json!({"results": [{"id": "a", "status": "conflict", "record": record}]}).to_string();
        let answer = push::resource_answer(&config(Style::Resource), &in_flight, body.as_bytes()).unwrap();
        answer.results.value(MOODS, "a").unwrap().clone()
    };
    let Fate::Conflict(copy) = fate(json!({"id": "a", "updated_at": "1970-01-01T00:00:00.009Z", "mood": 2})) else {
        panic!("not a conflict")
    };
    assert_eq!((copy.client_updated_at, &copy.fields["mood"]), (Stamp(9), &json!(2)));
    assert!(matches!(fate(json!({"id": "a", "clientUpdatedAt": 9, "mood": 2})), Fate::BadConflict(_)));
    // Held to the rules of any record: what JavaScript would round, or take for a prototype, is not stored.
    for (name, bad) in [("steps", json!(9_007_199_254_740_993_u64)), ("__proto__", json!({}))] {
        let mut copy = json!({"id": "a", "updated_at": "1970-01-01T00:00:00.009Z", "mood": 2});
        copy[name] = bad;
        assert!(matches!(fate(copy), Fate::BadConflict(_)), "{name}");
    }
}

#[test]
fn what_a_changeset_has_in_data_is_held_to_the_rules_of_any_record() {
    let config =
        Config::new([("notes".to_owned(), EntityDeclaration::default())], Style::Changeset, &|_| Err(String::new()));
    let config = config.unwrap();
    let in_flight = in_flight(None);
    let read = |name: &str, value: Value| {
        let mut change = json!({"entity_type": "notes", "id": "a", "data": {"text": "hello"}, "updated_at": 5});
        change["data"][name] = value;
        let page =
            json!({"server_cursor": "1", "has_more": false, "changes": [change], "server_time": 6, "epoch": "e"});
        let page = validate::changeset_page(&config, page.to_string().as_bytes()).unwrap();
        let lost = json!({"entity_type": "notes", "id": "a", "server": change});
        let answer = json!({"server_cursor": "1", "applied": [], "conflicts": [lost], "rejected": [], "gone": [],
            "server_time": 6, "epoch": "e"});
        let answer = push::changeset_answer(&config, &in_flight, answer.to_string().as_bytes()).unwrap();
        (page.arrived, answer.results.value(Entity(0), "a").cloned())
    };
    let (arrived, fate) = read("steps", json!(7));
    assert!(matches!((&arrived[..], fate), ([Arrived::Good(..)], Some(Fate::Conflict(_)))));
    for (name, bad) in [
        ("steps", json!(9_007_199_254_740_993_u64)),
        ("__proto__", json!({})),
        ("clientCreatedAt", json!("soon")),
        ("version", json!("third")),
    ] {
        let (arrived, fate) = read(name, bad);
        assert!(matches!((&arrived[..], fate), ([Arrived::Bad(_)], Some(Fate::BadConflict(_)))), "{name}: {arrived:?}");
    }
}

#[test]
fn wrong_names_are_refused_at_start() {
    let names: FieldNames = serde_json::from_value(json!({"id": "at", "clientUpdatedAt": "at"})).unwrap();
    let declaration = EntityDeclaration { names, ..EntityDeclaration::default() };
    let declared = [("moods".to_owned(), declaration)];
    let error = Config::new(declared, Style::Resource, &|_| Err(String::new())).err().unwrap();
    assert_eq!(error.to_string(), "entity `moods`: two sync fields are called `at`");
}

fn in_flight(entity: Option<&str>) -> InFlight {
    let entity = entity.map(str::to_owned);
    InFlight { place: 0, key: "k".into(), entity, sent: Vec::new(), body: String::new() }
}
