//! Databases that change under us: made, upgraded, attached, closed, deleted, written by others.

use futures_util::future::join;
use lastword::browser::database::{self, Connection};
use lastword::browser::indexeddb::IndexedDb;
use lastword::browser::{EntityLayout, Layout};
use lastword::commit::{Next, Read, Write};
use lastword::error::Error;
use lastword::outgoing::outbox::{Change, ChangeState, Operation};
use lastword::outgoing::retry::Retry;
use lastword::ports::{Store, StoreError};
use lastword::record::{Millis, Stamp, StoredRow};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::js::{exists, raw_open, raw_run, turn};
use crate::contract::{LOG, LOGS, Script, acknowledged, config, everything, ids, key, read, record, write};
use crate::indexeddb::{fresh, layout, remove};

fn attached(name: &str) -> Layout {
    Layout { attached: true, ..layout(name) }
}

/// The layout with only the first entities.
fn first_entities(name: &str, count: usize) -> Layout {
    let whole = layout(name);
    Layout { entities: whole.entities[..count].into(), ..whole }
}

async fn raw(name: &str, version: Option<u32>, upgrade: &str) -> JsValue {
    raw_open(name, version, upgrade).await.unwrap()
}

fn stores(connection: &Connection) -> Vec<String> {
    let names = connection.database().object_store_names();
    (0..names.length()).filter_map(|index| names.get(index)).collect()
}

#[wasm_bindgen_test]
async fn a_managed_database_gets_what_it_lacks() {
    let name = "managed";
    database::delete(name).await.unwrap();
    let connection = Connection::open(&layout(name)).await.unwrap();
    let made = [
        "_lastword_conflicts",
        "_lastword_meta",
        "_lastword_outbox",
        "_lastword_quarantine",
        "log",
        "log-entry",
        "log_entry",
        "workoutLogs",
    ];
    assert_eq!(stores(&connection), made);
    let version = connection.database().version();
    drop(connection);
    // Nothing is missing now, so nothing is upgraded.
    assert_eq!(Connection::open(&layout(name)).await.unwrap().database().version(), version);
    database::delete(name).await.unwrap();
}

#[wasm_bindgen_test]
async fn an_added_entity_keeps_every_store_index_and_row() {
    let name = "added-entity";
    database::delete(name).await.unwrap();
    drop(Connection::open(&first_entities(name, 1)).await.unwrap());
    let db = raw(
        name,
        Some(50),
        "transaction.objectStore('log').createIndex('byName', 'name'); db.createObjectStore('foreign', {autoIncrement: true})",
    )
    .await;
    raw_run(&db, "log", "return store.put({id: 'a', clientUpdatedAt: 1, name: 'Squat'})").await.unwrap();
    raw_run(&db, "foreign", "return store.put('a value of the app')").await.unwrap();

    let store = IndexedDb::open(config(), layout(name)).await.unwrap();
    assert_eq!(ids(&read(&store, vec![Read::AllRows(LOG)]).await.rows, LOG), ["a"]);
    write(&store, vec![Write::PutRow(LOGS, record("new", 1), None)]).await;
    let db = raw(name, None, "").await;
    let kept = raw_run(&db, "log", "return store.index('byName').get('Squat')").await.unwrap();
    assert!(kept.is_object());
    assert_eq!(raw_run(&db, "foreign", "return store.get(1)").await.unwrap(), "a value of the app");
    remove(store).await;
}

#[wasm_bindgen_test]
async fn two_tabs_may_make_it_at_once() {
    let name = "at-once";
    database::delete(name).await.unwrap();
    let (some, all) = (first_entities(name, 2), layout(name));
    let (one, two) = join(Connection::open(&some), Connection::open(&all)).await;
    assert!(stores(&two.unwrap()).contains(&"workoutLogs".to_owned()));
    drop(one.unwrap());
    database::delete(name).await.unwrap();
}

#[wasm_bindgen_test]
async fn an_attached_database_that_lacks_stores_is_left_as_it_is() {
    let name = "attached-lacks";
    database::delete(name).await.unwrap();
    let db = raw(name, Some(30), "db.createObjectStore('log', {keyPath: 'id'})").await;
    match Connection::open(&attached(name)).await.err() {
        Some(Error::Config { message }) => {
            for said in ["`attached-lacks`", "`_lastword_outbox`", "`workoutLogs`", "lastwordStores"] {
                assert!(message.contains(said), "{message}");
            }
            assert!(!message.contains("`log`"), "{message}");
        }
        error => panic!("{error:?}"),
    }
    raw_run(&db, "log", "return store.put({id: 'a'})").await.unwrap();
    let version = js_sys::Reflect::get(&db, &"version".into()).unwrap();
    assert_eq!(version, 30);
    database::delete(name).await.unwrap();
}

#[wasm_bindgen_test]
async fn an_attached_database_that_does_not_exist_stays_the_apps_to_make() {
    let name = "attached-nothing";
    database::delete(name).await.unwrap();
    match Connection::open(&attached(name)).await.err() {
        Some(Error::Config { message }) => assert!(message.contains("does not exist yet"), "{message}"),
        error => panic!("{error:?}"),
    }
    assert_eq!(exists(name).await.unwrap(), false);
    // The app's own first version still comes to its upgrade.
    raw(name, Some(1), "db.createObjectStore('log')").await;
    database::delete(name).await.unwrap();
}

#[wasm_bindgen_test]
async fn another_tabs_upgrade_is_not_blocked_and_the_next_step_goes_on() {
    let store = fresh("upgraded").await;
    write(&store, vec![Write::PutRow(LOG, record("a", 1), None)]).await;
    raw("upgraded", Some(70), "db.createObjectStore('more')").await;
    write(&store, vec![Write::PutRow(LOG, record("b", 1), None)]).await;
    assert_eq!(ids(&read(&store, vec![Read::RowIds(LOG)]).await.row_ids, LOG), ["a", "b"]);
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_database_deleted_under_us_is_made_again_where_it_is_ours() {
    let store = fresh("deleted").await;
    write(&store, vec![Write::PutRow(LOG, record("a", 1), None)]).await;
    database::delete("deleted").await.unwrap();
    assert!(everything(&store).await.rows.is_empty());
    write(&store, vec![Write::PutRow(LOG, record("b", 1), None)]).await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_database_deleted_under_us_is_not_made_again_where_it_is_the_apps() {
    let name = "deleted-attached";
    let store = fresh(name).await;
    store.close().await;
    let store = IndexedDb::open(config(), attached(name)).await.unwrap();
    database::delete(name).await.unwrap();
    let nothing = Script::new(|_| Next::Commit(Vec::new(), ()));
    match store.run(&nothing).await.err() {
        Some(StoreError::Failed { name, .. }) => assert_eq!(name, "config"),
        error => panic!("{error:?}"),
    }
    assert_eq!(exists(name).await.unwrap(), false);
}

#[wasm_bindgen_test]
async fn a_write_that_fails_takes_the_whole_step_back() {
    let name = "constraint";
    let store = fresh(name).await;
    raw(name, Some(90), "transaction.objectStore('log').createIndex('unique', 'clientUpdatedAt', {unique: true})")
        .await;
    write(&store, vec![Write::PutRow(LOG, record("a", 1), None)]).await;
    let before = everything(&store).await;

    let rows = [Write::PutRow(LOGS, record("b", 2), None), Write::PutRow(LOG, record("c", 1), None)];
    let failing = Script::new(|_| Next::Commit(rows.to_vec(), ()));
    match store.run(&failing).await.err() {
        Some(StoreError::Failed { name, .. }) => assert_eq!(name, "ConstraintError", "the browser's own reason"),
        error => panic!("{error:?}"),
    }
    assert_eq!(everything(&store).await.rows, before.rows);
    // An error that nobody caught would surface here.
    for _ in 0..20 {
        turn().await;
    }
    write(&store, vec![Write::PutRow(LOG, record("c", 2), None)]).await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn rows_of_another_library_are_read() {
    let name = "foreign-rows";
    let store = fresh(name).await;
    store.close().await;
    let entities =
        layout(name).entities.iter().map(|entity| EntityLayout { own_rows: false, ..entity.clone() }).collect();
    let store = IndexedDb::open(config(), Layout { entities, ..layout(name) }).await.unwrap();
    let db = raw(name, None, "").await;
    for row in [
        "{id: 'plain', clientUpdatedAt: 5, clientCreatedAt: 4, isDeleted: false, note: null, gone: undefined}",
        "{id: 'dated', clientUpdatedAt: 5, when: new Date(0)}",
        "{id: 'unstamped', note: 'x'}",
        "{id: 7, clientUpdatedAt: 5}",
    ] {
        raw_run(&db, "log", &format!("return store.put({row})")).await.unwrap();
    }
    let found = read(&store, vec![Read::AllRows(LOG), Read::RowIds(LOG)]).await;
    // A key that is no text cannot be an id: it is nobody's record.
    assert_eq!(ids(&found.rows, LOG), ["dated", "plain", "unstamped"]);
    assert_eq!(ids(&found.row_ids, LOG), ["dated", "plain", "unstamped"]);
    let plain = found.row(LOG, "plain").unwrap();
    assert_eq!((plain.record.client_updated_at, plain.record.fields.len(), plain.synced), (Stamp(5), 1, None));
    for (id, reason) in [("dated", "/when"), ("unstamped", "clientUpdatedAt")] {
        let Some(StoredRow::Unreadable(said)) = found.rows.value(LOG, id) else { panic!("{id} was read") };
        assert!(said.contains(reason), "{said}");
    }
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_change_that_cannot_be_read_is_a_dead_letter() {
    let name = "damaged-outbox";
    let store = fresh(name).await;
    write(&store, vec![Write::PutRow(LOG, record("a", 5), None)]).await;
    let db = raw(name, None, "").await;
    raw_run(&db, "_lastword_outbox", "return store.put({entity: 'log', id: 'a', stamp: 'soon'})").await.unwrap();
    let found = read(&store, vec![Read::AllChanges(LOG)]).await;
    let change = found.changes.value(LOG, "a").unwrap();
    assert_eq!(change.state, ChangeState::FailedPermanently);
    assert_eq!(change.error.as_ref().map(|error| error.code.as_str()), Some("unreadable"));
    assert_eq!(change.raw.as_deref(), Some(r#"{"entity":"log","id":"a","stamp":"soon"}"#));
    remove(store).await;
}

#[wasm_bindgen_test]
async fn many_acknowledged_are_few_entries_and_read_by_every_connection() {
    let name = "acknowledged";
    let store = fresh(name).await;
    let expected = acknowledged::acknowledged(&store).await;
    let second = IndexedDb::open(config(), layout(name)).await.unwrap();
    acknowledged::same_each_way(&second, &expected).await;
    let db = raw(name, None, "").await;
    let entries = || raw_run(&db, "_lastword_outbox", "return store.count()");
    // The two that still wait, three bundles of the 1,100 acknowledged, and one of the other entity's 20.
    assert_eq!(entries().await.unwrap().as_f64(), Some(6.0));
    let removed = |(key, _)| Write::DeleteChange(key);
    write(&second, expected.into_iter().map(removed).collect()).await;
    assert_eq!(entries().await.unwrap().as_f64(), Some(0.0));
    second.close().await;
    remove(store).await;
}

#[wasm_bindgen_test]
async fn many_edits_of_one_commit_are_one_entry_until_an_entity_has_sixteen_such() {
    let name = "bulk-edits";
    let store = fresh(name).await;
    let db = raw(name, None, "").await;
    let edits = |commit: usize| {
        let change = |n: usize| Change::new(key(LOG, &format!("{n:05}")), Stamp(9), Operation::Create, Millis(2));
        (commit * 64..(commit + 1) * 64).map(change).map(Write::PutChange).collect()
    };
    for (commit, entries) in (0..18).zip((1..=16).chain([16 + 64, 16 + 128])) {
        write(&store, edits(commit)).await;
        let counted = raw_run(&db, "_lastword_outbox", "return store.count()").await.unwrap();
        assert_eq!(counted.as_f64(), Some(f64::from(entries)), "after {commit}");
    }
    assert_eq!(read(&store, vec![Read::AllChanges(LOG)]).await.changes.len(), 18 * 64);
    remove(store).await;
}

#[wasm_bindgen_test]
async fn one_of_many_acknowledged_that_cannot_be_read_is_a_dead_letter_and_harms_no_other() {
    let name = "damaged-acknowledged";
    let store = fresh(name).await;
    let expected = acknowledged::acknowledged(&store).await;
    let db = raw(name, None, "").await;
    let damage = "const request = store.openCursor(IDBKeyRange.bound(['log', []], ['log', [[]]]));
        request.onsuccess = () => {
            const { value } = request.result;
            value.changes[3][1] = '{\"stamp\": \"soon\"}';
            request.result.update(value);
        };
        return request";
    raw_run(&db, "_lastword_outbox", damage).await.unwrap();
    let found = read(&store, vec![Read::AllChanges(LOG)]).await;
    let change = found.changes.value(LOG, "00003").unwrap();
    assert_eq!(change.state, ChangeState::FailedPermanently);
    assert_eq!(change.error.as_ref().map(|error| error.code.as_str()), Some("unreadable"));
    assert_eq!(found.changes.value(LOG, "00004"), expected.value(LOG, "00004"));
    // It stays so while others of its commit go.
    write(&store, vec![Write::DeleteChange(key(LOG, "00004"))]).await;
    let found = read(&store, vec![Read::Changes(LOG, vec!["00003".into(), "00004".into()])]).await;
    assert_eq!(found.changes.value(LOG, "00003"), Some(change));
    assert_eq!(found.changes.value(LOG, "00004"), None);
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_bundle_that_cannot_be_read_is_one_dead_letter_that_stays_until_it_is_discarded() {
    let name = "damaged-bundle";
    let store = fresh(name).await;
    let expected = acknowledged::acknowledged(&store).await;
    let db = raw(name, None, "").await;
    let damage = "return store.put({entity: 'log', id: [1, '00000', '00499'], changes: 'gone'})";
    raw_run(&db, "_lastword_outbox", damage).await.unwrap();
    let shown = "00000 to 00499";
    let each_way = async |others: &[&str]| {
        for asked in [Read::Outbox, Read::AllChanges(LOG), Read::Changes(LOG, vec!["00700".into(), shown.into()])] {
            let found = read(&store, vec![asked.clone()]).await;
            let change = found.changes.value(LOG, shown).unwrap();
            assert_eq!(change.state, ChangeState::FailedPermanently, "{asked:?}");
            assert_eq!(change.error.as_ref().map(|error| error.code.as_str()), Some("unreadable"), "{asked:?}");
            assert_eq!(
                change.raw.as_deref(),
                Some(r#"{"entity":"log","id":[1,"00000","00499"],"changes":"gone"}"#),
                "{asked:?}"
            );
            assert_eq!(found.changes.value(LOG, "00700"), expected.value(LOG, "00700"), "{asked:?}");
        }
        let found = read(&store, vec![Read::AllChanges(LOG)]).await;
        // The 600 of the other bundles, the two that wait, and the dead letter.
        assert_eq!(found.changes.len(), 603 + others.len());
        others.iter().for_each(|id| assert_eq!(found.changes.value(LOG, id).unwrap().state, ChangeState::Pending));
    };
    each_way(&[]).await;
    // The first of its records is edited and removed as any other.
    let edited = Change::new(key(LOG, "00000"), Stamp(9), Operation::Update, Millis(2));
    write(&store, vec![Write::PutChange(edited)]).await;
    each_way(&["00000"]).await;
    write(&store, vec![Write::DeleteChange(key(LOG, "00000")), Write::DeleteChange(key(LOG, "00001"))]).await;
    each_way(&[]).await;
    // Tried again, by itself or with many, it stays as it is.
    store.run(&Retry { keys: None }).await.unwrap();
    store.run(&Retry { keys: Some(vec![key(LOG, shown)]) }).await.unwrap();
    each_way(&[]).await;
    write(&store, vec![Write::DeleteChange(key(LOG, shown))]).await;
    assert_eq!(read(&store, vec![Read::AllChanges(LOG)]).await.changes.len(), 602);
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_damaged_entry_of_ours_is_an_error_and_not_an_empty_one() {
    let name = "damaged-meta";
    let store = fresh(name).await;
    let db = raw(name, None, "").await;
    raw_run(&db, "_lastword_meta", "return store.put({name: 'replica', value: {fence: 'high'}})").await.unwrap();
    raw_run(&db, "_lastword_conflicts", "return store.put({entity: 'log', id: 'a', local: 5})").await.unwrap();
    for (asked, place) in [(Read::Replica, "_lastword_meta"), (Read::AllConflicts, "_lastword_conflicts")] {
        let script = Script::new(move |found| match found.rounds {
            0 => Next::Read(vec![asked.clone()]),
            _ => Next::Commit(Vec::new(), ()),
        });
        let Err(StoreError::Failed { name, message }) = store.run(&script).await else { panic!("{place} was read") };
        assert_eq!(name, "DataError");
        assert!(message.contains(place), "{message}");
    }
    remove(store).await;
}

#[wasm_bindgen_test]
async fn an_index_on_the_stamp_is_used() {
    let name = "stamp-index";
    let store = fresh(name).await;
    let index = "transaction.objectStore('workoutLogs').createIndex('any name', 'updated_at')";
    raw(name, Some(90), index).await;
    let rows = (1..=5).map(|stamp| Write::PutRow(LOGS, record(&stamp.to_string(), stamp), None));
    write(&store, rows.collect()).await;
    let found = read(&store, vec![Read::RowsSince(LOGS, Stamp(4))]).await;
    assert_eq!(ids(&found.rows, LOGS), ["4", "5"]);
    remove(store).await;
}

#[wasm_bindgen_test]
async fn a_step_leaves_the_apps_other_stores_free() {
    let name = "free";
    let store = fresh(name).await;
    let db = raw(name, None, "").await;
    // The app holds one store; a step about another entity does not wait for it. The app reads, which a step that writes
    // that store would have to wait for: two transactions that write run one after the other in Firefox, whatever they hold.
    let held = js_sys::Function::new_with_args(
        "db",
        "const s = db.transaction('log', 'readonly').objectStore('log'); let on = true;
         const spin = () => { if (on) s.get('x').onsuccess = spin; }; spin(); return () => { on = false; };",
    );
    let release = js_sys::Function::from(held.call1(&JsValue::NULL, &db).unwrap());
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Rows(LOGS, vec!["a".into()])]),
        _ => Next::Commit(vec![Write::PutRow(LOGS, record("a", 1), None)], ()),
    });
    store.run(&step).await.unwrap();
    release.call0(&JsValue::NULL).unwrap();
    remove(store).await;
}
