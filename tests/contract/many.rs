//! Many records at once: exactly those asked for are read, exactly those named are removed.

use std::collections::BTreeSet;

use lastword::commit::{Next, Read, Write};
use lastword::outgoing::outbox::{Change, ChangeState, Operation};
use lastword::ports::Store;
use lastword::record::{Millis, Stamp};

use super::{ENTITIES, LOG, LOG_ENTRY, Script, ids, key, read, record, write};

pub(crate) async fn many_are_read_by_id<S: Store>(store: &S) {
    let stored: Vec<String> = (0..ROWS).map(|n| format!("{n:05}")).collect();
    put_all(store, &stored).await;
    let side_by_side = |from: usize, to: usize| stored[from..to].to_vec();
    let apart = |step: usize| stored.iter().step_by(step).cloned().collect();
    let between: Vec<String> = stored.iter().map(|id| format!("{id}-")).collect();
    let cases: [Vec<String>; 11] = [
        side_by_side(0, ROWS),
        side_by_side(700, 1_000),
        side_by_side(5, 8),
        apart(2),
        apart(100),
        // Close together at first, then far apart, then close again.
        [side_by_side(0, 90), side_by_side(500, 501), side_by_side(1_000, 1_050)].concat(),
        // None of them is there, or every second one.
        between.clone(),
        [side_by_side(100, 400), between[100..400].to_vec()].concat(),
        vec![stored[3].clone(); 20],
        // None at first, then many, or one that stands far behind.
        [between[..200].to_vec(), side_by_side(600, 800)].concat(),
        [between[..5].to_vec(), side_by_side(ROWS - 1, ROWS)].concat(),
    ];
    for asked in cases {
        finds(store, &stored, &asked).await;
    }
}

/// UTF-8 bytes and UTF-16 code units sort these differently.
pub(crate) async fn ids_sort_as_the_store_sorts_them<S: Store>(store: &S) {
    let starts = ["\u{d7ff}", "\u{e000}", "\u{fb01}", "\u{ffff}", "\u{10000}", "\u{1f600}", "\u{10ffff}"];
    let stored: Vec<String> = starts.iter().flat_map(|start| (0..40).map(move |n| format!("{start}{n:02}"))).collect();
    put_all(store, &stored).await;
    for step in [1, 3, 30] {
        finds(store, &stored, &stored.iter().step_by(step).cloned().collect::<Vec<_>>()).await;
    }
    for (from, to) in [(0, 100), (70, 200), (150, 280)] {
        removes(store, &stored, &stored[from..to]).await;
    }
}

pub(crate) async fn many_changes_are_removed<S: Store>(store: &S) {
    let stored: Vec<String> = (0..ROWS).map(|n| format!("{n:05}")).collect();
    let odd: Vec<String> = stored.iter().skip(1).step_by(2).cloned().collect();
    let two_stretches = [&stored[10..300], &stored[301..400]].concat();
    for removed in [&stored[..], &stored[200..900], &odd, &two_stretches, &stored[7..8]] {
        removes(store, &stored, removed).await;
    }
}

/// One that is stored again by the same commit, or removed and then stored, or stored and then removed.
pub(crate) async fn a_change_stored_among_removals_stays<S: Store>(store: &S) {
    let stored: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    put_all(store, &stored).await;
    let remove = |id: &str| Write::DeleteChange(key(LOG, id));
    let again = |id: &str| Write::PutChange(Change { attempts: 1, ..change(id) });
    let mut writes: Vec<Write> = ["0", "1", "3", "4", "6"].map(remove).into();
    writes.extend([again("2"), remove("5"), again("5"), again("7"), remove("7")]);
    commit_knowing(store, writes).await;
    let found = read(store, vec![Read::AllChanges(LOG)]).await;
    assert_eq!(ids(&found.changes, LOG), ["2", "5", "8"]);
}

/// A row and a change in every entity under each id.
async fn put_all<S: Store>(store: &S, stored: &[String]) {
    let of_each = ENTITIES.into_iter().take(2).flat_map(|entity| {
        stored.iter().flat_map(move |id| {
            let change = Change { key: key(entity, id), ..change(id) };
            [Write::PutRow(entity, record(id, 1), None), Write::PutChange(change)]
        })
    });
    write(store, [Write::Wipe].into_iter().chain(of_each).collect()).await;
}

async fn finds<S: Store>(store: &S, stored: &[String], asked: &[String]) {
    let expected: BTreeSet<&String> = asked.iter().filter(|id| stored.contains(id)).collect();
    let found = read(store, vec![Read::Rows(LOG, asked.to_vec()), Read::Changes(LOG_ENTRY, asked.to_vec())]).await;
    assert!(ids(&found.rows, LOG).into_iter().eq(expected.iter().copied()), "rows, {} asked for", asked.len());
    assert!(ids(&found.changes, LOG_ENTRY).into_iter().eq(expected), "changes, {} asked for", asked.len());
    assert_eq!(found.rows.of(LOG_ENTRY).count() + found.changes.of(LOG).count(), 0, "of the entity asked for alone");
}

async fn removes<S: Store>(store: &S, stored: &[String], removed: &[String]) {
    put_all(store, stored).await;
    commit_knowing(store, removed.iter().map(|id| Write::DeleteChange(key(LOG, id))).collect()).await;
    let found = read(store, vec![Read::ChangeIds(LOG), Read::ChangeIds(LOG_ENTRY)]).await;
    let left: BTreeSet<&String> = stored.iter().filter(|id| !removed.contains(id)).collect();
    assert!(ids(&found.change_ids, LOG).into_iter().eq(left), "{} removed", removed.len());
    assert_eq!(found.change_ids.of(LOG_ENTRY).count(), stored.len(), "of the entity named alone");
}

/// Commits after having read every key there is.
async fn commit_knowing<S: Store>(store: &S, writes: Vec<Write>) {
    let step = Script::new(|found| match found.rounds {
        0 => Next::Read(vec![Read::ChangeIds(LOG)]),
        _ => Next::Commit(writes.clone(), ()),
    });
    store.run(&step).await.unwrap();
}

/// One that has failed keeps an entry of its own among many, too.
fn change(id: &str) -> Change {
    let state = ChangeState::Failed;
    Change { state, ..Change::new(key(LOG, id), Stamp(1), Operation::Create, Millis(2)) }
}

const ROWS: usize = 1_100;
