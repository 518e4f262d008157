//! The journal in a browser, on IndexedDB. Never holds a rule of the journal's.

use std::rc::Rc;

use lastword::browser::clock::BrowserClock;
use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::{EntityLayout, Layout};
use lastword::error::Error;
use lastword::js::error::to_js;
use lastword::typed::Records;
use uuid::Uuid;
use wasm_bindgen::prelude::*;

use crate::journal;
use crate::records::{Activity, ActivityId, AssessmentEntry, MoodEntry, Schedule, Score};

lastword::app!(Activity, MoodEntry, AssessmentEntry, Schedule);

/// Notes a mood felt at an ISO 8601 time, and answers the mean of all.
///
/// # Errors
/// The database's, as a JavaScript `Error` with a `code`.
#[wasm_bindgen(js_name = noteMood)]
pub async fn note_mood(activity: String, score: u8, felt_at: String) -> Result<Option<f64>, JsValue> {
    let mood = Score::try_from(score).map_err(|message| JsValue::from(js_sys::RangeError::new(&message)))?;
    noted(activity, mood, felt_at).await.map_err(|error| to_js(&error))
}

async fn noted(activity: String, mood: Score, felt_at: String) -> Result<Option<f64>, Error> {
    let config = Rc::new(journal::config()?);
    let layout = |entity: &lastword::config::EntityConfig| EntityLayout {
        name: entity.name.clone(),
        store: entity.name.clone(),
        names: entity.names.clone(),
        own_rows: true,
        packed: false,
    };
    let entities = config.entities.iter().map(layout).collect();
    let layout = Layout { database: "journal".into(), attached: false, entities };
    let store = IndexedDb::open(config.clone(), layout).await?;
    let records = Records { store: &store, clock: &BrowserClock, config: &config };
    records.open(None, new_id()).await?;
    let activity_id = ActivityId(Uuid::new_v4());
    let mood = MoodEntry { mood, felt_at, activity_id: Some(activity_id), note: None };
    let activity = Activity { name: activity, kind: None };
    journal::note(&records, (activity_id, &activity), (&new_id(), &mood)).await?;
    let mean = journal::mean(&records).await;
    store.close().await;
    mean
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}
