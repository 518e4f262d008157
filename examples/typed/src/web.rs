//! The journal in a browser, on IndexedDB. Never holds a rule of the journal's.

use std::rc::Rc;

use lastword::browser::clock::BrowserClock;
use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::{EntityLayout, Layout};
use lastword::error::Error;
use lastword::js::error::to_js;
use lastword::typed::Records;
use wasm_bindgen::prelude::*;

use crate::journal;
use crate::records::{Activity, Mood};

lastword::app!(Activity, Mood);

/// Notes a mood, and answers the mean of all.
///
/// # Errors
/// The database's, as a JavaScript `Error` with a `code`.
#[wasm_bindgen(js_name = noteMood)]
pub async fn note_mood(activity: String, score: u8, note: Option<String>) -> Result<Option<f64>, JsValue> {
    noted(activity, score, note).await.map_err(|error| to_js(&error))
}

async fn noted(activity: String, score: u8, note: Option<String>) -> Result<Option<f64>, Error> {
    let config = Rc::new(journal::config()?);
    let layout = |entity: &lastword::config::EntityConfig| EntityLayout {
        name: entity.name.clone(),
        store: entity.name.clone(),
        names: entity.names.clone(),
    };
    let entities = config.entities.iter().map(layout).collect();
    let layout = Layout { database: "journal".into(), attached: false, entities };
    let store = IndexedDb::open(config.clone(), layout).await?;
    let records = Records { store: &store, clock: &BrowserClock, config: &config };
    records.open(None, new_id()).await?;
    let (activity_id, id) = (new_id(), new_id());
    let mood = Mood { score, activity_id: activity_id.clone(), note };
    journal::note(&records, (&activity_id, &Activity { name: activity }), (&id, &mood)).await?;
    let mean = journal::mean(&records).await;
    store.close().await;
    mean
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
