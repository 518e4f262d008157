//! Ids and entity names of every kind stay apart.

use lastword::commit::{Read, Write};
use lastword::incoming::conflict::Conflict;
use lastword::incoming::validate::Quarantined;
use lastword::outgoing::outbox::{Change, Operation};
use lastword::ports::Store;
use lastword::record::{Entity, Millis, Stamp};

use super::{ENTITIES, LOG, ids, key, read, record, write};

pub(crate) async fn ids_of_any_text<S: Store>(store: &S) {
    kept_apart(
        store,
        &[
            "a",
            "A",
            " ",
            "\u{0}",
            "a\u{0}",
            "\n",
            "\u{e9}",
            "e\u{301}",
            "\u{fb01}",
            "\u{200b}",
            "\u{feff}a",
            "\u{202e}abc",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            "\u{1f600}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{ffff}",
            "\u{fffd}",
            "\u{10ffff}",
            &"x".repeat(128),
            &"\u{1f600}".repeat(32),
            "018f2b6a-7c1e-7d3a-9f00-000000000001",
        ],
    )
    .await;
}

pub(crate) async fn ids_that_look_like_parts_of_keys<S: Store>(store: &S) {
    let odd =
        ["__proto__", "constructor", "1", "01", "-1", "1e3", "null", "undefined", "NaN", "true", "[\"log\",\"a\"]"];
    kept_apart(store, &odd).await;
    kept_apart(store, &["a,b", "a/b", "log", "log:a", "replica", "scope:log", "\"", "'", "\\", "%00"]).await;
}

/// Puts a row, a change, a conflict and a quarantined record under each id, and finds each where it was put.
async fn kept_apart<S: Store>(store: &S, names: &[&str]) {
    let mut writes = vec![Write::Wipe];
    for (index, id) in names.iter().enumerate() {
        writes.extend(of_every_kind(LOG, id, i64::try_from(index).unwrap()));
    }
    write(store, writes).await;

    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let found = all(store, LOG).await;
    assert_eq!(ids(&found.rows, LOG), sorted);
    assert_eq!(ids(&found.row_ids, LOG), sorted);
    assert_eq!(ids(&found.changes, LOG), sorted);
    assert_eq!(ids(&found.change_ids, LOG), sorted);
    assert_eq!(ids(&found.conflicts, LOG), sorted);
    assert_eq!(ids(&found.quarantined, LOG), sorted);
    for (index, id) in names.iter().enumerate() {
        let id = vec![(*id).to_owned()];
        let reads =
            [Read::Rows(LOG, id.clone()), Read::Changes(LOG, id.clone()), Read::Conflicts(LOG, id.clone())].to_vec();
        let found = read(store, reads).await;
        let stamp = Stamp(i64::try_from(index).unwrap());
        assert_eq!(found.row(LOG, &id[0]).unwrap().record.client_updated_at, stamp, "{id:?}");
        assert_eq!(found.changes.value(LOG, &id[0]).unwrap().stamp, stamp, "{id:?}");
        assert_eq!(found.conflicts.value(LOG, &id[0]).unwrap().local.client_updated_at, stamp, "{id:?}");
    }

    let removed = key(LOG, names[0]);
    write(
        store,
        vec![
            Write::DeleteRow(removed.clone()),
            Write::DeleteChange(removed.clone()),
            Write::DeleteConflict(removed.clone()),
            Write::DeleteQuarantined(removed),
        ],
    )
    .await;
    let found = all(store, LOG).await;
    let left = names.len() - 1;
    assert_eq!((found.rows.len(), found.changes.len(), found.conflicts.len()), (left, left, left));
    assert_eq!(found.quarantined.len(), left);
}

pub(crate) async fn names_that_begin_alike<S: Store>(store: &S) {
    for (index, entity) in ENTITIES.into_iter().enumerate() {
        // As many ids as the entity's place, and the same ids everywhere.
        let writes = (0..=index).flat_map(|id| of_every_kind(entity, &id.to_string(), 1));
        write(store, writes.collect()).await;
    }
    for (index, entity) in ENTITIES.into_iter().enumerate() {
        let found = all(store, entity).await;
        let count = index + 1;
        assert_eq!((found.rows.len(), found.row_ids.len()), (count, count), "{entity:?}");
        assert_eq!((found.changes.len(), found.change_ids.len()), (count, count), "{entity:?}");
        assert_eq!((found.conflicts.of(entity).count(), found.quarantined.len()), (count, count), "{entity:?}");
    }
}

fn of_every_kind(entity: Entity, id: &str, stamp: i64) -> [Write; 4] {
    let key = key(entity, id);
    let (local, found_at) = (record(id, stamp), Millis(1));
    [
        Write::PutRow(entity, record(id, stamp), None),
        Write::PutChange(Change::new(key.clone(), Stamp(stamp), Operation::Create, Millis(1))),
        Write::PutConflict(Conflict { key: key.clone(), local, remote: None, found_at }),
        Write::PutQuarantined(Quarantined { key, stamp: None, remote: "{}".into(), reason: "bad".into(), found_at }),
    ]
}

async fn all<S: Store>(store: &S, entity: Entity) -> lastword::commit::Found {
    let reads = [
        Read::AllRows(entity),
        Read::RowIds(entity),
        Read::AllChanges(entity),
        Read::ChangeIds(entity),
        Read::AllConflicts,
        Read::QuarantineIds(entity),
    ];
    read(store, reads.to_vec()).await
}
