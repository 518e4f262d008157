//! Each kind of write is read back as it was written, and goes when it is removed.

use lastword::checkpoint::{Checkpoint, EntityMeta, InFlight, Replica, Resync, ResyncReason, Sent};
use lastword::commit::{Read, Write};
use lastword::incoming::conflict::Conflict;
use lastword::incoming::validate::Quarantined;
use lastword::outgoing::outbox::{Change, ChangeError, ChangeState, Operation};
use lastword::ports::Store;
use lastword::record::{Millis, Record, Scope, ServerMillis, Stamp, StoredRow, Synced};

use super::{LOG, LOG_ENTRY, LOGS, ids, key, read, record, replica, stored, with_fields, write};

pub(crate) async fn rows_round_trip<S: Store>(store: &S) {
    let full = Record {
        client_created_at: Stamp(5),
        server_updated_at: Some(ServerMillis(9)),
        server_id: Some("s-1".into()),
        version: Some(3),
        ..record("b", 7)
    };
    let rows = [record("a", 6), full, record("c", 8)];
    write(store, rows.iter().map(|row| Write::PutRow(LOGS, row.clone(), None)).collect()).await;

    let found = read(store, vec![Read::Rows(LOGS, vec!["b".into(), "nothing".into()])]).await;
    assert_eq!(ids(&found.rows, LOGS), ["b"]);
    assert_eq!(stored(&found, LOGS, "b"), &rows[1]);
    let found = read(store, vec![Read::AllRows(LOGS), Read::RowIds(LOGS)]).await;
    assert_eq!(ids(&found.rows, LOGS), ["a", "b", "c"]);
    assert_eq!(ids(&found.row_ids, LOGS), ["a", "b", "c"]);
    for row in &rows {
        assert_eq!(stored(&found, LOGS, &row.id), row);
    }

    write(store, vec![Write::DeleteRow(key(LOGS, "b")), Write::DeleteRow(key(LOGS, "nothing"))]).await;
    let found = read(store, vec![Read::RowIds(LOGS)]).await;
    assert_eq!(ids(&found.row_ids, LOGS), ["a", "c"]);
}

pub(crate) async fn a_row_keeps_its_mark<S: Store>(store: &S) {
    let marks = [
        None,
        Some(Synced { stamp: Stamp(4), hash: None }),
        Some(Synced { stamp: Stamp(-4), hash: Some(0) }),
        Some(Synced { stamp: Stamp(1_763_690_000_000), hash: Some(u64::MAX) }),
    ];
    for mark in marks {
        write(store, vec![Write::PutRow(LOG, record("a", 4), mark)]).await;
        let found = read(store, vec![Read::AllRows(LOG)]).await;
        assert_eq!(found.row(LOG, "a").unwrap().synced, mark);
        assert!(!found.row(LOG, "a").unwrap().record.fields.contains_key("_synced"), "the mark is no field");
    }
}

/// At least what is asked for; a store without an index on the stamp gives more, and the reader passes over it.
pub(crate) async fn rows_since_a_stamp<S: Store>(store: &S) {
    let rows = [1, 9, 10, 11, 1_763_690_000_000].map(|stamp| record(&stamp.to_string(), stamp));
    write(store, rows.into_iter().map(|row| Write::PutRow(LOG, row, None)).collect()).await;
    let found = read(store, vec![Read::RowsSince(LOG, Stamp(10))]).await;
    let since: Vec<i64> = found
        .rows
        .of(LOG)
        .filter_map(|(_, row)| Some(row.row()?.record.client_updated_at.0))
        .filter(|stamp| *stamp >= 10)
        .collect();
    assert_eq!(since.len(), 3);
}

pub(crate) async fn changes_round_trip<S: Store>(store: &S) {
    let least = Change::new(key(LOG, "a"), Stamp(1), Operation::Create, Millis(2));
    let full = Change {
        state: ChangeState::FailedPermanently,
        attempts: 10,
        last_attempt_at: Some(Millis(3)),
        next_try_at: Some(Millis(4)),
        error: Some(ChangeError { code: "invalid".into(), message: "Größe".into() }),
        known: true,
        base: Some(Stamp(5)),
        held: Some(Stamp(5)),
        sent: vec![Stamp(4), Stamp(6)],
        accepted_at: Some(ServerMillis(7)),
        tombstone: Some(Record { is_deleted: true, ..record("b", 8) }),
        ..Change::new(key(LOG, "b"), Stamp(8), Operation::Delete, Millis(9))
    };
    let mut changes = vec![least, full];
    let states = [ChangeState::Pending, ChangeState::Acknowledged, ChangeState::Conflict, ChangeState::Failed];
    for (id, state) in ["c", "d", "e", "f"].into_iter().zip(states) {
        changes.push(Change { state, ..Change::new(key(LOG, id), Stamp(1), Operation::Update, Millis(2)) });
    }
    write(store, changes.iter().cloned().map(Write::PutChange).collect()).await;

    let found = read(store, vec![Read::AllChanges(LOG), Read::ChangeIds(LOG)]).await;
    assert!(found.changes.of(LOG).map(|(_, change)| change).eq(&changes));
    assert_eq!(ids(&found.change_ids, LOG), ["a", "b", "c", "d", "e", "f"]);
    let found = read(store, vec![Read::Changes(LOG, vec!["b".into(), "nothing".into()])]).await;
    assert_eq!(found.changes.len(), 1);
    assert_eq!(found.changes.value(LOG, "b"), Some(&changes[1]));

    let removed = changes[1..].iter().map(|change| Write::DeleteChange(change.key.clone()));
    write(store, removed.collect()).await;
    let found = read(store, vec![Read::ChangeIds(LOG)]).await;
    assert_eq!(ids(&found.change_ids, LOG), ["a"]);
}

pub(crate) async fn conflicts_round_trip<S: Store>(store: &S) {
    let conflict =
        |entity, id: &str, remote| Conflict { key: key(entity, id), local: record(id, 5), remote, found_at: Millis(6) };
    let both = conflict(LOG, "a", Some(Record { version: Some(2), ..with_fields("a", 9, serde_json::json!({})) }));
    let gone = conflict(LOG_ENTRY, "a", None);
    write(store, vec![Write::PutConflict(both.clone()), Write::PutConflict(gone.clone())]).await;

    let found = read(store, vec![Read::AllConflicts]).await;
    assert_eq!(found.conflicts.value(LOG, "a"), Some(&both));
    assert_eq!(found.conflicts.value(LOG_ENTRY, "a"), Some(&gone));
    let found = read(store, vec![Read::Conflicts(LOG_ENTRY, vec!["a".into(), "b".into()])]).await;
    assert_eq!((found.conflicts.len(), found.conflicts.value(LOG_ENTRY, "a")), (1, Some(&gone)));

    write(store, vec![Write::DeleteConflict(gone.key)]).await;
    let found = read(store, vec![Read::AllConflicts]).await;
    assert_eq!(found.conflicts.len(), 1);
}

pub(crate) async fn quarantined_records_are_listed<S: Store>(store: &S) {
    let bad = |id: &str| Quarantined {
        key: key(LOG, id),
        stamp: None,
        remote: r#"{"id":"…","reps":"many"}"#.into(),
        reason: "/reps must be a number".into(),
        found_at: Millis(1),
    };
    write(store, vec![Write::PutQuarantined(bad("a")), Write::PutQuarantined(bad("b"))]).await;
    write(store, vec![Write::PutQuarantined(bad("b")), Write::DeleteQuarantined(key(LOG, "a"))]).await;
    let found = read(store, vec![Read::QuarantineIds(LOG), Read::QuarantineIds(LOGS)]).await;
    assert_eq!(ids(&found.quarantined, LOG), ["b"]);
    assert!(ids(&found.quarantined, LOGS).is_empty());
}

pub(crate) async fn the_replica_round_trips<S: Store>(store: &S) {
    assert_eq!(read(store, vec![Read::Replica]).await.replica, None);
    let full = Replica {
        account: Some("ana@example.org".into()),
        fence: 7,
        last_stamp: Stamp(1_763_690_000_000),
        offset_ms: -86_400_000,
        clock_max: Millis(9_007_199_254_740_991),
        // The greatest key that is ever made: a JavaScript number holds no more bits.
        hash_key: u64::MAX >> 11,
        ..replica()
    };
    for replica in [replica(), full] {
        write(store, vec![Write::PutReplica(replica.clone())]).await;
        assert_eq!(read(store, vec![Read::Replica]).await.replica, Some(replica));
    }
}

pub(crate) async fn checkpoints_round_trip<S: Store>(store: &S) {
    let resync = Resync { reason: ResyncReason::EpochChanged, seen_lists: 2 };
    let full = Checkpoint {
        cursor: Some("o\"p/q?=\u{e9}".into()),
        epoch: Some("e".into()),
        up_to: Some(ServerMillis(1)),
        resync: Some(resync),
        pulled_at: Some(Millis(-2)),
    };
    let expired = Checkpoint {
        resync: Some(Resync { reason: ResyncReason::CursorExpired, seen_lists: 0 }),
        ..Checkpoint::default()
    };
    let scopes = [Scope::One(LOG), Scope::One(LOG_ENTRY), Scope::All];
    let reads: Vec<Read> = scopes.into_iter().map(Read::Checkpoint).collect();
    let found = read(store, reads.clone()).await;
    assert!(scopes.iter().all(|scope| found.checkpoint(*scope) == Checkpoint::default()));

    let written = [full, expired, Checkpoint { cursor: Some("all".into()), ..Checkpoint::default() }];
    let pairs = scopes.into_iter().zip(written.clone());
    write(store, pairs.map(|(scope, checkpoint)| Write::PutCheckpoint(scope, checkpoint)).collect()).await;
    let found = read(store, reads).await;
    assert!(scopes.into_iter().map(|scope| found.checkpoint(scope)).eq(written));
}

pub(crate) async fn what_is_kept_for_an_entity_round_trips<S: Store>(store: &S) {
    let meta = EntityMeta { last_push: Some(Millis(1)), scanned_to: Some(Millis(3)) };
    write(store, vec![Write::PutEntityMeta(LOG, meta.clone())]).await;
    let found = read(store, vec![Read::EntityMeta(LOG), Read::EntityMeta(LOGS)]).await;
    assert_eq!((found.entity(LOG), found.entity(LOGS)), (meta, EntityMeta::default()));
}

pub(crate) async fn bodies_in_flight_round_trip_in_their_order<S: Store>(store: &S) {
    let sent = |id: &str, hash| Sent { entity: "log".into(), id: id.into(), stamp: Stamp(4), hash };
    let first = InFlight {
        place: 0,
        key: "a-key".into(),
        entity: Some("log".into()),
        sent: vec![sent("a", None), sent("b", Some(u64::MAX >> 11))],
        body: "{\"records\":[{\"text\":\"\\u0000 \u{1f600}\"}]}".into(),
    };
    let second = InFlight { place: 1, entity: None, sent: Vec::new(), ..first.clone() };
    let third = InFlight { place: 2, ..first.clone() };
    let put = |body: &InFlight| Write::PutInFlight(body.clone());
    write(store, vec![put(&third), put(&first), put(&second)]).await;
    assert_eq!(read(store, vec![Read::InFlight]).await.in_flight, [first, second.clone(), third.clone()]);
    write(store, vec![Write::DeleteInFlight(0)]).await;
    assert_eq!(read(store, vec![Read::InFlight]).await.in_flight, [second.clone(), third]);
    write(store, vec![Write::DeleteInFlight(2)]).await;
    assert_eq!(read(store, vec![Read::InFlight]).await.in_flight, [second]);
    write(store, vec![Write::DeleteInFlight(1)]).await;
    assert_eq!(read(store, vec![Read::InFlight]).await.in_flight, []);
}

pub(crate) async fn seen_lists_are_read_and_removed<S: Store>(store: &S) {
    let scopes = [Scope::One(LOG), Scope::One(LOG_ENTRY), Scope::One(LOGS), Scope::All];
    let mut writes = Vec::new();
    for scope in scopes {
        // More than ten, so that the names of the lists do not sort as their numbers do.
        writes.extend(
            (0..12).map(|list| Write::PutSeen(scope, list, vec![key(LOG, &format!("{list}-a")), key(LOGS, "b")])),
        );
    }
    write(store, writes).await;
    let found = read(store, vec![Read::Seen(Scope::One(LOG), 11)]).await;
    assert_eq!((found.seen.of(LOG).count(), found.seen.of(LOGS).count()), (11, 1), "as many lists as asked for");

    write(store, vec![Write::DeleteSeen(Scope::One(LOG), 12)]).await;
    assert!(read(store, vec![Read::Seen(Scope::One(LOG), 12)]).await.seen.is_empty());
    for scope in &scopes[1..] {
        assert_eq!(read(store, vec![Read::Seen(*scope, 12)]).await.seen.of(LOG).count(), 12, "{scope:?}");
    }
}

pub(crate) async fn a_tombstone_is_a_row<S: Store>(store: &S) {
    let bare = Record { is_deleted: true, ..with_fields("a", 4, serde_json::json!({})) };
    let full = Record { is_deleted: true, ..record("b", 5) };
    write(store, [&bare, &full].map(|row| Write::PutRow(LOG, row.clone(), None)).to_vec()).await;
    let found = read(store, vec![Read::AllRows(LOG)]).await;
    assert_eq!((stored(&found, LOG, "a"), stored(&found, LOG, "b")), (&bare, &full));
}

pub(crate) async fn a_wipe_leaves_nothing<S: Store>(store: &S) {
    let change = Change::new(key(LOG, "a"), Stamp(1), Operation::Create, Millis(2));
    let conflict = Conflict { key: key(LOG, "a"), local: record("a", 1), remote: None, found_at: Millis(1) };
    let meta = EntityMeta { last_push: Some(Millis(1)), ..EntityMeta::default() };
    let checkpoint = Checkpoint { cursor: Some("c".into()), ..Checkpoint::default() };
    let everything = vec![
        Write::PutRow(LOG, record("a", 1), None),
        Write::PutRow(LOGS, record("a", 1), None),
        Write::PutChange(change),
        Write::PutConflict(conflict),
        Write::PutReplica(replica()),
        Write::PutEntityMeta(LOG, meta),
        Write::PutCheckpoint(Scope::One(LOG), checkpoint),
        Write::PutSeen(Scope::One(LOG), 0, vec![key(LOG, "a")]),
    ];
    write(store, everything).await;
    let kept = Replica { device_id: "kept".into(), ..replica() };
    write(store, vec![Write::Wipe, Write::PutReplica(kept.clone())]).await;

    let found = super::everything(store).await;
    assert!(found.rows.is_empty() && found.row_ids.is_empty() && found.changes.is_empty());
    assert!(found.conflicts.is_empty() && found.quarantined.is_empty() && found.in_flight.is_empty());
    assert_eq!(found.replica, Some(kept), "what is written after the wipe stays");
    let scope = Scope::One(LOG);
    let found = read(store, vec![Read::Checkpoint(scope), Read::EntityMeta(LOG), Read::Seen(scope, 1)]).await;
    assert_eq!((found.checkpoint(scope), found.entity(LOG)), (Checkpoint::default(), EntityMeta::default()));
    assert!(found.seen.is_empty());
    // A row that does not decode is wiped as well.
    assert!(!found.rows.iter().any(|(_, _, row)| matches!(row, StoredRow::Unreadable(_))));
}
