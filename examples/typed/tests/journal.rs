//! The journal over the store in memory: typed records are stored, marked to be pushed, and refused where they are wrong.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::rc::Rc;

use futures_executor::block_on;
use lastword::config::Config;
use lastword::error::Error;
use lastword::incoming::pull::Arrived;
use lastword::incoming::validate;
use lastword::memory::MemoryStore;
use lastword::ports::{Clock, Now};
use lastword::record::Millis;
use lastword::typed::{Records, Typed};
use lastword_example_typed::journal;
use lastword_example_typed::records::{Activity, ActivityId, AssessmentEntry, MoodEntry, Schedule};
use model::Model;
use serde_json::json;
use uuid::Uuid;

mod model;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Now {
        Now { wall: Millis(1_000), mono: 0 }
    }
    fn random(&self) -> u64 {
        7
    }
    async fn sleep(&self, _: i64) {}
}

fn opened() -> Result<(Rc<Config>, MemoryStore), Error> {
    let config = Rc::new(journal::config()?);
    let store = MemoryStore::new(config.clone());
    block_on(Records { store: &store, clock: &Fixed, config: &config }.open(None, "device".into()))?;
    Ok((config, store))
}

const WALK: ActivityId = ActivityId(Uuid::from_u128(1));

fn mood(score: u8) -> MoodEntry {
    let mood = score.try_into().unwrap();
    MoodEntry { mood, felt_at: "2025-06-01T08:00:00Z".into(), activity_id: Some(WALK), note: None }
}

#[test]
fn typed_records_are_stored_and_wait_to_be_pushed() {
    let (config, store) = opened().unwrap();
    let records = Records { store: &store, clock: &Fixed, config: &config };
    block_on(async {
        assert_eq!(journal::mean(&records).await.unwrap(), None);
        let walk = Activity { name: "A walk".into(), kind: None };
        journal::note(&records, (WALK, &walk), ("a", &mood(4))).await.unwrap();
        journal::note(&records, (WALK, &walk), ("b", &mood(8))).await.unwrap();
        assert_eq!(journal::mean(&records).await.unwrap(), Some(6.0));
        let id = WALK.0.to_string();
        assert_eq!(records.one(&id).await.unwrap(), Some(Typed { id, fields: walk }));
        records.delete::<MoodEntry>("b").await.unwrap();
        assert_eq!(records.one::<MoodEntry>("b").await.unwrap(), None);
        assert_eq!(records.all().await.unwrap(), [Typed { id: "a".to_owned(), fields: mood(4) }]);
    });
    assert_eq!(store.look(|tables| tables.changes.len()), 3);
}

#[test]
fn the_types_match_the_model() {
    let model = Model::read("../../tests/models/mood-journal.json");
    let full = json!({"mood": 7, "felt_at": "2025-06-01T08:00:00Z", "activity_id": WALK, "note": "Sunny."});
    model.matches::<Activity>(&json!({"name": "A walk", "kind": "rest"}));
    model.matches::<MoodEntry>(&full);
    model.matches::<AssessmentEntry>(
        &json!({"instrument": "who-5", "answers": [3, 4], "score": 28, "taken_at": "2025-06-01T08:00:00Z"}),
    );
    model.matches::<Schedule>(&json!({"asks": "mood", "every_days": 1, "minute_of_day": 480}));
    model.has_no_more_than(4);
    assert!(serde_json::from_value::<Schedule>(json!({"asks": "gad-7", "every_days": 1, "minute_of_day": 0})).is_ok());
}

#[test]
fn a_record_that_is_not_of_its_type_is_set_aside() {
    let config = journal::config().unwrap();
    let change = |id: &str, mood: u8| {
        let data = json!({"mood": mood, "felt_at": "2025-06-01T08:00:00Z"});
        json!({"entity_type": "mood-entries", "id": id, "updated_at": 1, "deleted": false, "data": data})
    };
    let body = json!({"server_cursor": "1", "has_more": false, "server_time": 1, "epoch": "e", "changes": [change("a", 5), change("b", 11)]});
    let page = validate::changeset_page(&config, body.to_string().as_bytes()).unwrap();
    let [Arrived::Good(..), Arrived::Bad(bad)] = &page.arrived[..] else { panic!("{page:?}") };
    assert!(bad.reason.contains("11 is not from 1 to 10"), "{}", bad.reason);
}
