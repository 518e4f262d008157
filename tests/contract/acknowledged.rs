//! Many changes acknowledged or found together: each is read, edited and removed as if it were stored by itself.

use lastword::commit::{Found, Next, Read, Write};
use lastword::outgoing::outbox::{Change, ChangeState, Operation};
use lastword::ports::Store;
use lastword::record::{ByKey, Entity, Millis, ServerMillis, Stamp};

use super::{LOG, LOG_ENTRY, LOGS, Script, key, read, write};

pub(crate) async fn many_acknowledged_are_read_each_way<S: Store>(store: &S) {
    let expected = acknowledged(store).await;
    same_each_way(store, &expected).await;
    for asked in [vec![id(0)], vec![id(7), id(8), id(900)], vec![id(ROWS - 1), "no such id".to_owned()]] {
        let found = read(store, vec![Read::Changes(LOG, asked.clone())]).await;
        assert!(found.changes.of(LOG).map(|(id, _)| id).eq(asked.iter().filter(|id| *id != "no such id")));
        assert_eq!(found.changes.value(LOG, &asked[0]), expected.value(LOG, &asked[0]));
    }
}

pub(crate) async fn one_of_many_acknowledged_is_edited_and_one_discarded<S: Store>(store: &S) {
    let mut expected = acknowledged(store).await;
    let edited = Change { stamp: Stamp(9), state: ChangeState::Pending, ..change(LOG, &id(5)) };
    knowing(store, LOG, vec![id(5)], vec![Write::PutChange(edited.clone())]).await;
    expected.insert(LOG, id(5), edited);
    same_each_way(store, &expected).await;
    // Also where nothing was read before.
    write(store, vec![Write::DeleteChange(key(LOG, &id(6))), Write::DeleteChange(key(LOG, &id(ROWS - 1)))]).await;
    expected.remove(LOG, &id(6));
    expected.remove(LOG, &id(ROWS - 1));
    same_each_way(store, &expected).await;
    // The edited one is acknowledged again, with others of those that were, and others that were not.
    let again: Vec<Change> = (0..ROWS + 20).step_by(5).map(|n| acknowledged_at(LOG, &id(n), 77)).collect();
    let ids = again.iter().map(|change| change.key.id.clone()).collect();
    knowing(store, LOG, ids, again.iter().cloned().map(Write::PutChange).collect()).await;
    again.into_iter().for_each(|change| drop(expected.insert(LOG, change.key.id.clone(), change)));
    same_each_way(store, &expected).await;
}

pub(crate) async fn what_one_commit_stores_and_removes_of_them_is_as_it_says_last<S: Store>(store: &S) {
    let mut expected = acknowledged(store).await;
    let put = |n: usize, at| Write::PutChange(acknowledged_at(LOG, &id(n), at));
    let remove = |n: usize| Write::DeleteChange(key(LOG, &id(n)));
    let mut writes: Vec<Write> = (10..40).flat_map(|n| [remove(n), put(n, 50)]).collect();
    writes.extend((20..30).map(remove));
    writes.extend((15..25).map(|n| Write::PutChange(change(LOG, &id(n)))));
    write(store, writes).await;
    (10..40).for_each(|n| drop(expected.insert(LOG, id(n), acknowledged_at(LOG, &id(n), 50))));
    (20..30).for_each(|n| drop(expected.remove(LOG, &id(n))));
    (15..25).for_each(|n| drop(expected.insert(LOG, id(n), change(LOG, &id(n)))));
    same_each_way(store, &expected).await;
}

pub(crate) async fn many_acknowledged_are_confirmed<S: Store>(store: &S) {
    let mut expected = acknowledged(store).await;
    let parts = [(0, 300), (900, ROWS), (300, 900)];
    for (from, to) in parts {
        let ids: Vec<String> = (from..to).map(id).collect();
        let removed = ids.iter().map(|id| Write::DeleteChange(key(LOG, id))).collect();
        knowing(store, LOG, ids.clone(), removed).await;
        ids.iter().for_each(|id| drop(expected.remove(LOG, id)));
        same_each_way(store, &expected).await;
    }
    assert_eq!(expected.of(LOG).map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["00100-", "00700-"]);
}

pub(crate) async fn many_unsent_are_edited_sent_and_refused<S: Store>(store: &S) {
    // Found in the app's rows, and written by it here.
    for entity in [LOGS, LOG] {
        unsent_are_edited_sent_and_refused(store, entity).await;
    }
}

async fn unsent_are_edited_sent_and_refused<S: Store>(store: &S, entity: Entity) {
    let mut expected = ByKey::default();
    let all: Vec<String> = (0..ROWS).map(id).collect();
    let mut store_all = async |what: &str, changes: Vec<Change>| {
        let writes = changes.iter().cloned().map(Write::PutChange).collect();
        knowing(store, entity, changes.iter().map(|change| change.key.id.clone()).collect(), writes).await;
        changes.into_iter().for_each(|change| drop(expected.insert(entity, change.key.id.clone(), change)));
        assert_eq!(expected.len(), read(store, vec![Read::AllChanges(entity)]).await.changes.len(), "{what}");
        same_each_way(store, &expected).await;
    };
    // Those that were there by themselves are among those that are found.
    store_all("alone", (0..50).map(|n| change(entity, &id(n * 20))).collect()).await;
    store_all("found", all.iter().map(|id| Change { stamp: Stamp(4), ..change(entity, id) }).collect()).await;
    store_all("edited", vec![Change { stamp: Stamp(5), ..change(entity, &id(700)) }]).await;
    store_all("found again", all[100..300].iter().map(|id| Change { stamp: Stamp(6), ..change(entity, id) }).collect())
        .await;
    let refused = all[200..220].iter().map(|id| Change { state: ChangeState::Failed, ..change(entity, id) });
    store_all("sent", all[..200].iter().map(|id| acknowledged_at(entity, id, 8)).chain(refused).collect()).await;
    knowing(store, entity, all.clone(), all.iter().map(|id| Write::DeleteChange(key(entity, id))).collect()).await;
    same_each_way(store, &ByKey::default()).await;
}

/// A change of each record, all but the two that nobody asked for acknowledged in one commit, and more in another entity.
pub(crate) async fn acknowledged<S: Store>(store: &S) -> ByKey<Change> {
    let between = ["00100-", "00700-"].map(|id| change(LOG, id));
    let pending: Vec<Change> = (0..ROWS).map(|n| change(LOG, &id(n))).chain(between.clone()).collect();
    let beside = (0..20).map(|n| acknowledged_at(LOG_ENTRY, &id(n), 3));
    write(store, beside.clone().map(Write::PutChange).collect()).await;
    // Few at a time, as an app writes.
    for few in pending.chunks(50) {
        write(store, few.iter().cloned().map(Write::PutChange).collect()).await;
    }
    let changes: Vec<Change> = (0..ROWS).map(|n| acknowledged_at(LOG, &id(n), 5)).collect();
    let ids = changes.iter().map(|change| change.key.id.clone()).collect();
    knowing(store, LOG, ids, changes.iter().cloned().map(Write::PutChange).collect()).await;
    let all = changes.into_iter().chain(between).chain(beside);
    all.map(|change| (change.key.clone(), change)).collect()
}

/// Commits after having read the changes named.
async fn knowing<S: Store>(store: &S, entity: Entity, ids: Vec<String>, writes: Vec<Write>) {
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::Changes(entity, ids.clone())]),
        _ => Next::Commit(writes.clone(), ()),
    });
    store.run(&step).await.unwrap();
}

/// Every read of the outbox finds exactly these.
pub(crate) async fn same_each_way<S: Store>(store: &S, expected: &ByKey<Change>) {
    let ids = |map: &ByKey<Change>| map.iter().map(|(entity, id, _)| (entity, id.clone())).collect::<Vec<_>>();
    let differ = |found: &Found, how: &str| {
        assert_eq!(ids(&found.changes), ids(expected), "{how}");
        assert!(found.changes == *expected, "{how}: other contents");
    };
    differ(&read(store, vec![Read::Outbox]).await, "the outbox");
    differ(&read(store, USED.map(Read::AllChanges).into()).await, "all of an entity");
    let by_id = expected.ids().into_iter().map(|(entity, ids)| Read::Changes(entity, ids)).collect();
    differ(&read(store, by_id).await, "by id");
    let found = read(store, USED.map(Read::ChangeIds).into()).await;
    assert!(found.change_ids.iter().map(|(entity, id, ())| (entity, id.clone())).eq(ids(expected)), "ids");
}

fn acknowledged_at(entity: Entity, id: &str, at: i64) -> Change {
    let accepted_at = Some(ServerMillis(at));
    Change { state: ChangeState::Acknowledged, accepted_at, known: true, sent: vec![Stamp(1)], ..change(entity, id) }
}

fn change(entity: Entity, id: &str) -> Change {
    Change::new(key(entity, id), Stamp(1), Operation::Create, Millis(2))
}

fn id(n: usize) -> String {
    format!("{n:05}")
}

const USED: [Entity; 3] = [LOG, LOG_ENTRY, LOGS];
const ROWS: usize = 1_100;
