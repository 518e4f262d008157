//! A step happens as a whole or not at all, and steps happen one after the other.

use futures_util::future::join_all;
use lastword::checkpoint::Replica;
use lastword::commit::{Next, Read, Refusal, Write};
use lastword::engine::lease::{Open, Purpose};
use lastword::ports::{Store, StoreError};
use lastword::record::{Record, Stamp};

use super::{LOG, LOG_ENTRY, LOGS, Script, everything, ids, key, read, record, refusal, replica, stored, write};

pub(crate) async fn a_refused_step_writes_nothing<S: Store>(store: &S) {
    write(store, vec![Write::PutRow(LOG, record("a", 1), None)]).await;
    let before = everything(store).await;
    let refusals = [
        Refusal::Fenced,
        Refusal::Stale,
        Refusal::NoReplica,
        Refusal::AccountMismatch,
        Refusal::NotFound(key(LOG, "a")),
        Refusal::EpochChanged("e".into()),
    ];
    for refused in refusals {
        let at_once = Script::new(|_| Next::Refuse(refused.clone()));
        assert_eq!(refusal(store.run(&at_once).await), refused);
        let after_reading = Script::new(|found| match found.rounds {
            0 => Next::Read(vec![Read::AllRows(LOG)]),
            _ => Next::Refuse(refused.clone()),
        });
        assert_eq!(refusal(store.run(&after_reading).await), refused);
    }
    let after = everything(store).await;
    assert_eq!((after.rows, after.changes), (before.rows, before.changes));
    // And it left nothing open: the next step runs.
    write(store, vec![Write::PutRow(LOG, record("b", 1), None)]).await;
}

pub(crate) async fn steps_that_meet_are_serialised<S: Store>(store: &S) {
    write(store, vec![Write::PutReplica(replica()), Write::PutRow(LOG, record("a", 0), None)]).await;
    let raise = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Replica]),
        1 => Next::Read(vec![Read::Rows(LOG, vec!["a".into()])]),
        _ => {
            let replica = found.replica.clone().unwrap();
            let row = stored(found, LOG, "a");
            assert_eq!(replica.fence, u64::try_from(row.client_updated_at.0).unwrap(), "half of a step was seen");
            let row = Record { client_updated_at: Stamp(row.client_updated_at.0 + 1), ..row.clone() };
            Next::Commit(
                vec![Write::PutReplica(Replica { fence: replica.fence + 1, ..replica }), Write::PutRow(LOG, row, None)],
                (),
            )
        }
    });
    let done = join_all((0..STEPS).map(|_| store.run(&raise))).await;
    assert!(done.iter().all(Result::is_ok));
    let found = read(store, vec![Read::Replica, Read::AllRows(LOG)]).await;
    assert_eq!(found.replica.as_ref().unwrap().fence, STEPS);
    assert_eq!(stored(&found, LOG, "a").client_updated_at.0.unsigned_abs(), STEPS);
}

pub(crate) async fn an_old_fence_is_refused<S: Store>(store: &S) {
    let open = |device: &str| Open { account: None, device_id: device.into(), hash_key: 1, purpose: Purpose::Lead };
    let first = store.run(&open("one")).await.unwrap();
    let second = store.run(&open("two")).await.unwrap();
    assert!(first.is_new && !second.is_new);
    assert_eq!(second.replica.device_id, "one", "a replica is made once");
    assert!(second.replica.fence > first.replica.fence);

    let led_by = |fence: u64| {
        Script::new(move |found| match (found.rounds, found.led_by(fence)) {
            (0, _) => Next::Read(vec![Read::Replica]),
            (_, Ok(_)) => Next::Commit(vec![Write::PutRow(LOG, record(&fence.to_string(), 1), None)], ()),
            (_, Err(refusal)) => Next::Refuse(refusal),
        })
    };
    assert_eq!(refusal(store.run(&led_by(first.replica.fence)).await), Refusal::Fenced);
    store.run(&led_by(second.replica.fence)).await.unwrap();
    let found = read(store, vec![Read::RowIds(LOG)]).await;
    assert_eq!(ids(&found.row_ids, LOG), [second.replica.fence.to_string()]);
}

pub(crate) async fn a_step_sees_what_the_one_before_wrote<S: Store>(store: &S) {
    for stamp in 1..=5 {
        let step = Script::new(|found| match found.rounds {
            0 => Next::Read(vec![Read::Rows(LOG, vec!["a".into()])]),
            _ => {
                let before = found.row(LOG, "a").map(|row| row.record.client_updated_at.0);
                assert_eq!(before, (stamp > 1).then_some(stamp - 1));
                Next::Commit(vec![Write::PutRow(LOG, record("a", stamp), None)], ())
            }
        });
        store.run(&step).await.unwrap();
    }
}

pub(crate) async fn writes_happen_in_order<S: Store>(store: &S) {
    let put = |id: &str, stamp| Write::PutRow(LOG, record(id, stamp), None);
    let delete = |id: &str| Write::DeleteRow(key(LOG, id));
    write(store, vec![put("a", 1), put("a", 2), put("b", 1), delete("b"), delete("c"), put("c", 3)]).await;
    let found = read(store, vec![Read::AllRows(LOG)]).await;
    assert_eq!(ids(&found.rows, LOG), ["a", "c"]);
    assert_eq!(stored(&found, LOG, "a").client_updated_at, Stamp(2));
}

pub(crate) async fn a_step_may_read_in_rounds<S: Store>(store: &S) {
    write(store, vec![Write::PutRow(LOG, record("a", 1), None), Write::PutRow(LOGS, record("b", 2), None)]).await;
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Rows(LOG, vec!["a".into()])]),
        // Another entity than in the first round.
        1 => Next::Read(vec![Read::Rows(LOGS, vec!["b".into()]), Read::Rows(LOG_ENTRY, Vec::new())]),
        2 => Next::Read(Vec::new()),
        _ => {
            assert_eq!((ids(&found.rows, LOG), ids(&found.rows, LOGS)), (vec!["a"], vec!["b"]));
            Next::Commit(vec![Write::DeleteRow(key(LOG, "a")), Write::DeleteRow(key(LOGS, "b"))], ())
        }
    });
    let found = store.run(&step).await.unwrap();
    assert_eq!((found.rows.len(), found.rounds), (2, 3));
    assert!(everything(store).await.rows.is_empty());
}

pub(crate) async fn a_step_may_write_where_it_did_not_read<S: Store>(store: &S) {
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Replica]),
        _ => {
            Next::Commit(vec![Write::PutRow(LOG, record("a", 1), None), Write::PutRow(LOGS, record("b", 1), None)], ())
        }
    });
    store.run(&step).await.unwrap();
    let found = everything(store).await;
    assert_eq!((ids(&found.rows, LOG), ids(&found.rows, LOGS)), (vec!["a"], vec!["b"]));
}

pub(crate) async fn strict_and_relaxed_commits_are_both_seen<S: Store>(store: &S) {
    let put = |id: &'static str| Script::new(move |_| Next::Commit(vec![Write::PutRow(LOG, record(id, 1), None)], ()));
    store.run(&put("relaxed")).await.unwrap();
    store.run(&put("strict").strict()).await.unwrap();
    let found = read(store, vec![Read::RowIds(LOG)]).await;
    assert_eq!(ids(&found.row_ids, LOG), ["relaxed", "strict"]);
}

pub(crate) async fn a_step_may_do_nothing<S: Store>(store: &S) {
    write(store, Vec::new()).await;
    let found = read(store, Vec::new()).await;
    assert_eq!(found.rounds, 1);
    let nothing = Script::new(|found| match found.rounds {
        0 => Next::Read(Vec::new()),
        _ => Next::Commit(Vec::new(), ()),
    });
    assert_ne!(store.run(&nothing).await.err(), Some(StoreError::Closed));
}

pub(crate) async fn a_thousand_rows_are_one_commit<S: Store>(store: &S) {
    let name = |index: usize| format!("{index:04}");
    write(store, (0..ROWS).map(|index| Write::PutRow(LOG, record(&name(index), 1), None)).collect()).await;
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Rows(LOG, (0..ROWS).map(name).collect())]),
        _ => {
            let raised = found
                .rows
                .of(LOG)
                .filter_map(|(_, row)| row.row())
                .map(|row| Write::PutRow(LOG, Record { client_updated_at: Stamp(2), ..row.record.clone() }, None));
            Next::Commit(raised.collect(), ())
        }
    });
    assert_eq!(store.run(&step).await.unwrap().rows.len(), ROWS);
    let found = read(store, vec![Read::AllRows(LOG)]).await;
    assert_eq!(
        found.rows.of(LOG).filter(|(id, _)| stored(&found, LOG, id).client_updated_at == Stamp(2)).count(),
        ROWS
    );
}

const STEPS: u64 = 12;
const ROWS: usize = 1_000;
