//! The reader shows the app its records, and stands in nobody's way.

use lastword::browser::database;
use lastword::browser::reader::Reader;
use lastword::commit::Write;
use lastword::record::Record;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::js::{raw_open, raw_run};
use crate::contract::{LOGS, record, write};
use crate::indexeddb::{fresh, remove};

fn id(row: &JsValue) -> String {
    js_sys::Reflect::get(row, &"key".into()).unwrap().as_string().unwrap()
}

#[wasm_bindgen_test]
async fn live_records_are_shown_and_tombstones_where_asked_for() {
    let store = fresh("reader").await;
    let reader = Reader::new(store.clone());
    let dead = Record { is_deleted: true, ..record("dead", 2) };
    write(&store, vec![Write::PutRow(LOGS, record("live", 1), None), Write::PutRow(LOGS, dead, None)]).await;

    assert_eq!(id(&reader.record(LOGS, "live", false).await.unwrap()), "live");
    assert!(reader.record(LOGS, "dead", false).await.unwrap().is_undefined());
    assert!(reader.record(LOGS, "nothing", true).await.unwrap().is_undefined());
    assert_eq!(id(&reader.record(LOGS, "dead", true).await.unwrap()), "dead");
    assert_eq!(reader.records(LOGS, false).await.unwrap().iter().map(id).collect::<Vec<_>>(), ["live"]);
    assert_eq!(reader.records(LOGS, true).await.unwrap().iter().map(id).collect::<Vec<_>>(), ["dead", "live"]);
    reader.close().await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn it_closes_for_an_upgrade_and_for_a_deletion_and_reads_on() {
    let name = "reader-closes";
    let store = fresh(name).await;
    let reader = Reader::new(store.clone());
    write(&store, vec![Write::PutRow(LOGS, record("a", 1), None)]).await;
    assert_eq!(reader.records(LOGS, false).await.unwrap().len(), 1);

    let db = raw_open(name, Some(70), "db.createObjectStore('more')").await.unwrap();
    assert_eq!(reader.records(LOGS, false).await.unwrap().len(), 1);
    raw_run(&db, "workoutLogs", "return store.put({key: 'b', updated_at: 1})").await.unwrap();
    assert_eq!(reader.records(LOGS, false).await.unwrap().len(), 2);
    reader.close().await;
    assert_eq!(reader.records(LOGS, false).await.unwrap().len(), 2);

    database::delete(name).await.unwrap();
    assert!(reader.records(LOGS, false).await.unwrap().is_empty());
    reader.close().await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn what_does_not_decode_is_shown_as_it_stands() {
    let store = fresh("reader-odd").await;
    let db = raw_open("reader-odd", None, "").await.unwrap();
    raw_run(&db, "workoutLogs", "return store.put({key: 'a', updated_at: 1, when: new Date(5)})").await.unwrap();
    let reader = Reader::new(store.clone());
    let shown = reader.record(LOGS, "a", false).await.unwrap();
    assert!(js_sys::Reflect::get(&shown, &"when".into()).unwrap().is_instance_of::<js_sys::Date>());
    reader.close().await;
    remove(store).await;
}
