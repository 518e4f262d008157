//! Packed rows are a few values, whoever writes, joins and reads them: two connections stand for two tabs.

use std::ops::Range;

use futures_util::future::join;
use lastword::browser::database;
use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::reader::Reader;
use lastword::commit::{Read, Write};
use lastword::error::Error;
use lastword::record::{Record, Stamp};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use super::js::{raw_open, raw_run};
use crate::contract::{LOG, LOGS, config, ids, key, read, record, stored, write};
use crate::indexeddb::packed::{fresh_packed, packed};
use crate::indexeddb::{layout, remove};

/// How many values the store of `LOG` holds.
async fn values(name: &str) -> f64 {
    let db = raw_open(name, None, "").await.unwrap();
    let count = raw_run(&db, "log", "return store.count()").await.unwrap().as_f64().unwrap();
    db.dyn_into::<web_sys::IdbDatabase>().unwrap().close();
    count
}

#[wasm_bindgen_test]
async fn a_page_is_a_few_values() {
    let name = "packed-values";
    let store = fresh_packed(name).await;
    write(&store, rows(0..1_000).collect()).await;
    assert!(values(name).await <= 11.0);
    assert_eq!(read(&store, vec![Read::RowIds(LOG)]).await.row_ids.len(), 1_000);
    remove(store).await;
}

/// Both write, both join, and each sees what the other did.
#[wasm_bindgen_test]
async fn two_tabs_write_and_join_at_once() {
    let name = "packed-tabs";
    let tabs = [fresh_packed(name).await, IndexedDb::open(config(), packed(name)).await.unwrap()];
    for round in 0..60_i64 {
        let put = |tab: usize| {
            let own = record(&format!("{tab}-{}", round % 7), round);
            let both = record(&format!("both-{}", round % 5), 2 * round + i64::try_from(tab).unwrap());
            let gone = key(LOG, &format!("{tab}-{}", (round + 3) % 7));
            write(
                &tabs[tab],
                vec![Write::PutRow(LOG, own, None), Write::PutRow(LOG, both, None), Write::DeleteRow(gone)],
            )
        };
        join(put(0), put(1)).await;
        if round % 20 == 19 {
            join(tabs[0].tidy(), tabs[1].tidy()).await;
        }
    }
    let [one, two] = [read(&tabs[0], vec![Read::AllRows(LOG)]).await, read(&tabs[1], vec![Read::AllRows(LOG)]).await];
    assert!(one.rows == two.rows);
    let own = |tab: &str| [0, 1, 2, 3].map(|n| format!("{tab}-{}", (59 - n) % 7));
    let mut expected: Vec<String> = ["0", "1"].into_iter().flat_map(own).collect();
    expected.extend((0..5).map(|n| format!("both-{n}")));
    expected.sort();
    assert_eq!(ids(&one.rows, LOG), expected);
    for n in 0..5 {
        assert!(stored(&one, LOG, &format!("both-{n}")).client_updated_at >= Stamp(2 * (55 + n)), "{n}");
    }
    assert!(values(name).await < 100.0, "they were joined");
    let [one, two] = tabs;
    two.close().await;
    remove(one).await;
}

#[wasm_bindgen_test]
async fn a_tab_sees_that_another_wiped_the_database_or_made_it_anew() {
    let name = "packed-anew";
    let tabs = [fresh_packed(name).await, IndexedDb::open(config(), packed(name)).await.unwrap()];
    write(&tabs[0], vec![Write::PutRow(LOG, record("a", 1), None)]).await;
    assert_eq!(ids(&read(&tabs[1], vec![Read::AllRows(LOG)]).await.rows, LOG), ["a"]);
    write(&tabs[0], vec![Write::Wipe, Write::PutRow(LOG, record("b", 1), None)]).await;
    assert_eq!(ids(&read(&tabs[1], vec![Read::AllRows(LOG)]).await.rows, LOG), ["b"]);
    write(&tabs[0], vec![Write::Wipe]).await;
    assert_eq!(read(&tabs[1], vec![Read::RowIds(LOG)]).await.row_ids.len(), 0);

    write(&tabs[0], vec![Write::PutRow(LOG, record("c", 1), None)]).await;
    assert_eq!(ids(&read(&tabs[1], vec![Read::AllRows(LOG)]).await.rows, LOG), ["c"]);
    database::delete(name).await.unwrap();
    write(&tabs[0], vec![Write::PutRow(LOG, record("d", 1), None)]).await;
    for tab in &tabs {
        assert_eq!(ids(&read(tab, vec![Read::AllRows(LOG)]).await.rows, LOG), ["d"]);
    }
    let [one, two] = tabs;
    two.close().await;
    remove(one).await;
}

#[wasm_bindgen_test]
async fn the_reader_shows_packed_rows() {
    let store = fresh_packed("packed-reader").await;
    let reader = Reader::new(store.clone());
    let dead = Record { is_deleted: true, ..record("dead", 2) };
    write(&store, vec![Write::PutRow(LOGS, record("live", 1), None), Write::PutRow(LOGS, dead, None)]).await;
    let id = |row: &JsValue| js_sys::Reflect::get(row, &"key".into()).unwrap().as_string().unwrap();
    assert_eq!(id(&reader.record(LOGS, "live", false).await.unwrap()), "live");
    assert!(reader.record(LOGS, "dead", false).await.unwrap().is_undefined());
    assert!(reader.record(LOGS, "nothing", true).await.unwrap().is_undefined());
    assert_eq!(reader.records(LOGS, false).await.unwrap().iter().map(id).collect::<Vec<_>>(), ["live"]);
    assert_eq!(reader.records(LOGS, true).await.unwrap().iter().map(id).collect::<Vec<_>>(), ["dead", "live"]);
    write(&store, vec![Write::PutRow(LOGS, record("dead", 3), None), Write::PutRow(LOGS, record("alive", 3), None)])
        .await;
    let all = reader.records(LOGS, false).await.unwrap();
    assert_eq!(all.iter().map(id).collect::<Vec<_>>(), ["alive", "dead", "live"], "by id, wherever they stand");
    reader.close().await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_layout_is_kept() {
    let name = "packed-kept";
    fresh_packed(name).await.close().await;
    let refused = |opened: Result<IndexedDb, Error>| match opened.err() {
        Some(Error::Config { message }) => message,
        other => panic!("{other:?}"),
    };
    assert!(refused(IndexedDb::open(config(), layout(name)).await).contains("declare `layout: \"packed\"`"));
    database::delete(name).await.unwrap();
    IndexedDb::open(config(), layout(name)).await.unwrap().close().await;
    assert!(refused(IndexedDb::open(config(), packed(name)).await).contains("kept in layout \"rows\""));
    database::delete(name).await.unwrap();
}

fn rows(ids: Range<u32>) -> impl Iterator<Item = Write> {
    ids.map(|id| Write::PutRow(LOG, record(&format!("{id:04}"), 1), None))
}

/// A commit for each.
async fn write_each(store: &IndexedDb, ids: Range<u32>) {
    for row in rows(ids) {
        write(store, vec![row]).await;
    }
}

/// What is lost is told as such and hides nothing else, and new copies take its place.
#[wasm_bindgen_test]
async fn a_segment_that_is_lost_or_unreadable_is_told_and_healed() {
    for hand in ["return store.delete([1, 1, 0])", "return store.put(new Uint8Array([255, 10, 123]), [1, 1, 0])"] {
        let name = "packed-lost";
        let store = fresh_packed(name).await;
        let reader = Reader::new(store.clone());
        write(&store, rows(0..150).collect()).await;
        let db = raw_open(name, None, "").await.unwrap();
        raw_run(&db, "log", hand).await.unwrap();
        db.dyn_into::<web_sys::IdbDatabase>().unwrap().close();
        write_each(&store, 1_000..1_020).await;
        // Its block is not joined with others: the rest of it would be all that is left.
        store.tidy().await;
        let found = read(&store, vec![Read::AllRows(LOG)]).await;
        assert_eq!(found.rows.len(), 170, "{hand}");
        let lost = || found.rows.of(LOG).filter(|(_, row)| row.row().is_none()).map(|(id, _)| id.clone());
        assert!(lost().eq((0..100).map(|id| format!("{id:04}"))), "{hand}");
        assert!(reader.record(LOG, "0149", false).await.is_ok_and(|row| row.is_object()));
        assert!(reader.record(LOG, "0099", false).await.is_err());
        assert!(reader.records(LOG, false).await.is_err());

        write(&store, rows(0..100).collect()).await;
        write_each(&store, 2_000..2_020).await;
        store.tidy().await;
        assert!(values(name).await < 20.0, "what is whole again is joined");
        assert_eq!(reader.records(LOG, false).await.unwrap().len(), 190);
        let found = read(&store, vec![Read::AllRows(LOG)]).await;
        assert!(found.rows.of(LOG).all(|(_, row)| row.row().is_some()));
        reader.close().await;
        remove(store).await;
    }
}

/// The index of a block is made again from its rows, whoever asks first: who reads, who writes on, or who joins.
#[wasm_bindgen_test]
async fn an_index_that_is_lost_is_made_again() {
    let name = "packed-index";
    for (lost, first) in [(1, "read"), (2, "read"), (1, "write"), (2, "write")] {
        let store = fresh_packed(name).await;
        write(&store, rows(0..150).collect()).await;
        write(&store, rows(100..120).map(|row| newer(row, 2)).collect()).await;
        store.close().await;
        let db = raw_open(name, None, "").await.unwrap();
        raw_run(&db, "log", &format!("return store.delete([0, {lost}])")).await.unwrap();
        db.dyn_into::<web_sys::IdbDatabase>().unwrap().close();
        let what = format!("block {lost}, {first}");
        if first == "write" {
            write(&store, rows(500..501).collect()).await;
        }
        let found = read(&store, vec![Read::AllRows(LOG)]).await;
        assert_eq!(found.rows.len(), if first == "write" { 151 } else { 150 }, "{what}");
        for (id, stamp) in [("0000", 1), ("0100", 2), ("0119", 2), ("0120", 1), ("0149", 1)] {
            assert_eq!(stored(&found, LOG, id).client_updated_at, Stamp(stamp), "{what}: {id}");
        }
        write_each(&store, 1_000..1_020).await;
        store.tidy().await;
        assert!(values(name).await < 10.0, "{what}: they were joined");
        let second = IndexedDb::open(config(), packed(name)).await.unwrap();
        let found = read(&second, vec![Read::AllRows(LOG)]).await;
        assert_eq!(found.rows.len(), if first == "write" { 171 } else { 170 }, "{what}");
        assert_eq!(stored(&found, LOG, "0100").client_updated_at, Stamp(2), "{what}");
        second.close().await;
        remove(store).await;
    }
}

/// Where a row does not tell its id any more, nothing is shown for whole.
#[wasm_bindgen_test]
async fn an_index_that_cannot_be_made_again_is_an_error() {
    let name = "packed-index-gone";
    let store = fresh_packed(name).await;
    write(&store, rows(0..150).collect()).await;
    store.close().await;
    let db = raw_open(name, None, "").await.unwrap();
    raw_run(&db, "log", "return store.delete([0, 1])").await.unwrap();
    raw_run(&db, "log", "return store.put(new Uint8Array([123, 125]), [1, 1, 0])").await.unwrap();
    db.dyn_into::<web_sys::IdbDatabase>().unwrap().close();
    let reader = Reader::new(store.clone());
    assert!(matches!(reader.records(LOG, false).await, Err(Error::Store { .. })));
    reader.close().await;
    remove(store).await;
}

fn newer(row: Write, stamp: i64) -> Write {
    let Write::PutRow(entity, row, synced) = row else { panic!("{row:?}") };
    Write::PutRow(entity, Record { client_updated_at: Stamp(stamp), ..row }, synced)
}
