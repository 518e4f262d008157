//! Where records stand is read at once, and moved on by each commit to what the next read finds.

use lastword::checkpoint::{Checkpoint, EntityMeta};
use lastword::commit::{Read, Write};
use lastword::incoming::conflict::Conflict;
use lastword::incoming::validate::Quarantined;
use lastword::outgoing::outbox::{Change, ChangeState, Operation};
use lastword::outgoing::standing::{Move, ReadStanding};
use lastword::ports::Store;
use lastword::record::{Entity, Millis, Scope, Stamp};

use super::{LOG, LOG_ENTRY, LOG_ENTRY_TOO, LOGS, ids, key, read, record, replica, write};

pub(crate) async fn of_every_entity_at_once<S: Store>(store: &S) {
    let kept = EntityMeta { last_push: Some(Millis(7)), ..EntityMeta::default() };
    let pulled = Checkpoint { pulled_at: Some(Millis(8)), ..Checkpoint::default() };
    let mut writes = vec![
        Write::PutReplica(replica()),
        Write::PutEntityMeta(LOG_ENTRY, kept.clone()),
        Write::PutCheckpoint(Scope::One(LOG_ENTRY), pulled.clone()),
    ];
    for entity in [LOG, LOG_ENTRY_TOO, LOGS] {
        writes.extend([change(entity, "a", ChangeState::Pending), bad(entity, "b"), conflict(entity, "c")]);
    }
    write(store, writes).await;
    let found = read(store, vec![Read::Outbox, Read::Quarantine, Read::EntityMetas, Read::Checkpoints]).await;
    for entity in [LOG, LOG_ENTRY_TOO, LOGS] {
        assert_eq!(ids(&found.changes, entity), ["a"]);
        assert_eq!(ids(&found.quarantined, entity), ["b"]);
    }
    assert_eq!((found.changes.len(), found.quarantined.len()), (3, 3));
    assert!(found.entities.iter().eq([(&LOG_ENTRY, &kept)]));
    assert!(found.checkpoints.iter().eq([(&Scope::One(LOG_ENTRY), &pulled)]));
}

pub(crate) async fn moved_on_by_each_commit<S: Store>(store: &S) {
    let mut standing = store.run(&ReadStanding).await.unwrap();
    let commits = [
        vec![change(LOG, "a", ChangeState::Pending), change(LOGS, "a", ChangeState::Pending), bad(LOG, "b")],
        vec![change(LOG, "a", ChangeState::Failed), conflict(LOGS, "a"), change(LOGS, "a", ChangeState::Conflict)],
        vec![Write::PutRow(LOG, record("d", 1), None), Write::DeleteChange(key(LOG, "d")), bad(LOG, "b")],
        vec![
            Write::PutEntityMeta(LOG, EntityMeta { last_push: Some(Millis(3)), ..EntityMeta::default() }),
            Write::PutCheckpoint(Scope::One(LOG), Checkpoint { pulled_at: Some(Millis(4)), ..Checkpoint::default() }),
            Write::DeleteChange(key(LOG, "a")),
            Write::DeleteConflict(key(LOGS, "a")),
            Write::DeleteQuarantined(key(LOG, "b")),
            change(LOG_ENTRY, "e", ChangeState::Acknowledged),
        ],
        vec![Write::Wipe, change(LOG, "f", ChangeState::FailedPermanently)],
    ];
    for commit in commits {
        commit.iter().filter_map(Move::of).for_each(|moved| standing.follow(moved));
        write(store, commit).await;
        assert_eq!(store.run(&ReadStanding).await.unwrap(), standing);
    }
}

fn change(entity: Entity, id: &str, state: ChangeState) -> Write {
    Write::PutChange(Change { state, ..Change::new(key(entity, id), Stamp(1), Operation::Create, Millis(2)) })
}

fn bad(entity: Entity, id: &str) -> Write {
    let (remote, reason) = ("{}".to_owned(), "no id".to_owned());
    Write::PutQuarantined(Quarantined { key: key(entity, id), stamp: None, remote, reason, found_at: Millis(1) })
}

fn conflict(entity: Entity, id: &str) -> Write {
    Write::PutConflict(Conflict { key: key(entity, id), local: record(id, 5), remote: None, found_at: Millis(6) })
}
