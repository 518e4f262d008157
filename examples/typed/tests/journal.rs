//! The journal over the store in memory: typed records are stored, marked to be pushed, and refused where they are wrong.

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
use lastword_example_typed::records::{Activity, Mood};
use serde_json::json;

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

fn mood(score: u8) -> Mood {
    Mood { score, activity_id: "walk".into(), note: None }
}

#[test]
fn typed_records_are_stored_and_wait_to_be_pushed() {
    let (config, store) = opened().unwrap();
    let records = Records { store: &store, clock: &Fixed, config: &config };
    block_on(async {
        assert_eq!(journal::mean(&records).await.unwrap(), None);
        let walk = Activity { name: "A walk".into() };
        journal::note(&records, ("walk", &walk), ("a", &mood(4))).await.unwrap();
        journal::note(&records, ("walk", &walk), ("b", &mood(8))).await.unwrap();
        assert_eq!(journal::mean(&records).await.unwrap(), Some(6.0));
        assert_eq!(records.one("walk").await.unwrap(), Some(Typed { id: "walk".into(), fields: walk }));
        records.delete::<Mood>("b").await.unwrap();
        assert_eq!(records.one::<Mood>("b").await.unwrap(), None);
        assert_eq!(records.all().await.unwrap(), [Typed { id: "a".to_owned(), fields: mood(4) }]);
    });
    assert_eq!(store.look(|tables| tables.changes.len()), 3);
}

#[test]
fn parents_and_paths_come_from_the_types() {
    let config = journal::config().unwrap();
    let paths: Vec<&str> = config.entities.iter().map(|entity| entity.path.as_str()).collect();
    assert_eq!(paths, ["/api/v1/activities", "/v2/moods"]);
}

#[test]
fn a_record_that_is_not_of_its_type_is_set_aside() {
    let config = journal::config().unwrap();
    let moods = config.find("moods").unwrap();
    let body = json!({"cursor": "1", "hasMore": false, "records": [
        {"id": "a", "clientUpdatedAt": 1, "score": 5, "activityId": "walk"},
        {"id": "b", "clientUpdatedAt": 1, "score": "high", "activityId": "walk"},
        {"id": "c", "clientUpdatedAt": 1, "isDeleted": true},
    ]});
    let page = validate::resource_page(&config, moods, body.to_string().as_bytes()).unwrap();
    let [Arrived::Good(..), Arrived::Bad(bad), Arrived::Good(..)] = &page.arrived[..] else { panic!("{page:?}") };
    assert!(bad.reason.contains("invalid type"), "{}", bad.reason);
}
