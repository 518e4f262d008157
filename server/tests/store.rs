//! The one store contract, on SQLite and on Postgres.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use lastword_protocol::time::ServerMillis;
use lastword_server::store::{
    Counted, DeviceId, KeptAnswer, KeyRow, PageQuery, PushName, PushWrites, ServerStore, StoreError, StoredCopy,
    UserId, UserRow,
};
use lastword_server::upkeep::purge;
use support::{Database, START_MS, add_user, databases};
use uuid::Uuid;

/// Runs each contract on each database, with a fresh user.
macro_rules! contracts {
    ($($name:ident)*) => { $(
        #[tokio::test]
        async fn $name() {
            for database in databases().await {
                let (user, _) = add_user(database.nodes[0].as_ref(), "ann").await;
                contract::$name(&database, user).await;
            }
        }
    )* };
}

contracts! {
    accounts_are_kept
    a_page_is_in_commit_order_and_a_record_stands_at_its_newest_place
    pages_obey_their_limits
    a_count_holds_while_the_history_stands
    a_dropped_push_leaves_no_trace
    pushes_of_one_user_take_turns_across_nodes
    answers_are_kept_by_name
    marks_tell_whose_commit_a_place_is
    an_epoch_is_renewed_once
    purge_moves_the_horizon
    unknown_users_are_told
    odd_texts_come_back_as_they_were
}

fn copy(id: &str, seq: i64) -> StoredCopy {
    StoredCopy {
        entity: "logs".into(),
        id: id.into(),
        seq,
        created_ms: 1,
        stamp: seq,
        deleted: false,
        server_ms: START_MS + seq,
        version: 1,
        server_id: "s".into(),
        fields: r#"{"n":1}"#.into(),
    }
}

async fn write(store: &dyn ServerStore, user: UserId, copies: Vec<StoredCopy>) {
    let tx = store.begin_push(user).await.unwrap();
    let mut state = tx.user();
    let last = copies.last().unwrap();
    (state.head_seq, state.head_ms) = (last.seq, last.server_ms);
    tx.commit(PushWrites { copies, user: state, keep: None }, START_MS).await.unwrap();
}

fn query(after: i64) -> PageQuery<'static> {
    PageQuery { entity: None, after, seen: after, counted: None, records_max: 100, bytes_max: 1_000_000 }
}

async fn ids(store: &dyn ServerStore, user: UserId, query: PageQuery<'_>) -> Vec<String> {
    store.page(user, query).await.unwrap().copies.into_iter().map(|copy| copy.id).collect()
}

mod contract {
    use super::*;

    pub(super) async fn accounts_are_kept(database: &Database, user: UserId) {
        let [store, other] = &database.nodes;
        let again = UserRow { id: UserId(Uuid::now_v7()), name: "ann".into(), created_ms: 1 };
        assert!(!store.add_user(&again).await.unwrap(), "the name is taken");
        assert_eq!(other.user_by_name("ann").await.unwrap(), Some(user));
        assert_eq!(other.users().await.unwrap().len(), 1);
        let id = Uuid::now_v7();
        let row = KeyRow { id, label: "phone".into(), created_ms: 5, last_used_ms: None, revoked_ms: None };
        store.add_key(user, &row, &[7; 32]).await.unwrap();
        assert_eq!(other.key_owner(&[7; 32]).await.unwrap().unwrap().user, user);
        store.touch_key(id, 9).await.unwrap();
        assert_eq!(other.keys(user).await.unwrap()[0].last_used_ms, Some(9));
        assert!(store.revoke_key(id, 10).await.unwrap() && !store.revoke_key(id, 11).await.unwrap());
        assert_eq!(other.key_owner(&[7; 32]).await.unwrap(), None);

        let device = DeviceId(Uuid::from_u128(1));
        assert!(store.note_pull(user, device, 100).await.unwrap() && store.note_pull(user, device, 200).await.unwrap());
        assert_eq!(other.devices(user).await.unwrap()[0].last_pull_ms, Some(100), "noted once a minute");
        assert!(other.note_pull(user, device, 100_000).await.unwrap());
        assert_eq!(store.devices(user).await.unwrap()[0].last_pull_ms, Some(100_000));
        assert_eq!(other.device(user, device).await.unwrap(), Some(store.devices(user).await.unwrap()[0]));
        assert_eq!(other.device(user, DeviceId(Uuid::from_u128(2))).await.unwrap(), None);
        assert!(store.revoke_device(user, device, 1).await.unwrap());
        assert_eq!(other.device(user, device).await.unwrap().unwrap().revoked_ms, Some(1));
        assert!(!store.revoke_device(user, device, 1).await.unwrap());
        assert!(!other.note_pull(user, device, 900_000).await.unwrap());
        assert!(!other.begin_push(user).await.unwrap().note_push(device, 1).await.unwrap());
    }

    pub(super) async fn a_page_is_in_commit_order_and_a_record_stands_at_its_newest_place(
        database: &Database,
        user: UserId,
    ) {
        let [store, other] = &database.nodes;
        write(store.as_ref(), user, vec![copy("a", 1), copy("b", 2)]).await;
        write(other.as_ref(), user, vec![StoredCopy { version: 2, deleted: true, ..copy("a", 3) }]).await;
        write(store.as_ref(), user, vec![StoredCopy { entity: "plans".into(), ..copy("a", 4) }]).await;
        let page = other.page(user, query(0)).await.unwrap();
        let seen: Vec<_> = page.copies.iter().map(|c| (c.id.as_str(), c.seq, c.version, c.deleted)).collect();
        assert_eq!(seen, [("b", 2, 1, false), ("a", 3, 2, true), ("a", 4, 1, false)]);
        assert_eq!((page.has_more, page.remaining, page.user.head_seq), (false, Some(0), 4));
        assert_eq!(ids(store.as_ref(), user, PageQuery { entity: Some("plans"), ..query(0) }).await, ["a"]);
        assert_eq!(ids(store.as_ref(), user, query(3)).await, ["a"]);
        let counts = store.counts(user).await.unwrap();
        let counts: Vec<_> = counts.iter().map(|c| (c.entity.as_str(), c.live, c.deleted)).collect();
        assert_eq!(counts, [("logs", 1, 1), ("plans", 1, 0)]);
        let (bob, _) = add_user(store.as_ref(), "bob").await;
        assert!(ids(store.as_ref(), bob, query(0)).await.is_empty());
    }

    pub(super) async fn pages_obey_their_limits(database: &Database, user: UserId) {
        let store = database.nodes[0].as_ref();
        let big = format!(r#"{{"n":"{}"}}"#, "x".repeat(50_000));
        let copies = (1..=20).map(|seq| StoredCopy { fields: big.clone(), ..copy(&seq.to_string(), seq) });
        let mut copies: Vec<StoredCopy> = copies.collect();
        copies[1].fields = r#"{"n":1}"#.into();
        write(store, user, copies.clone()).await;
        let page = |records_max, bytes_max| store.page(user, PageQuery { records_max, bytes_max, ..query(0) });
        let five = page(5, 1_000_000).await.unwrap();
        assert_eq!((five.copies.len(), five.has_more, five.remaining), (5, true, Some(15)));
        assert_eq!(page(100, 130_000).await.unwrap().copies, copies[..3], "large and small ones, whole and in order");
        let of_entity = PageQuery { entity: Some("logs"), records_max: 100, bytes_max: 60_000, ..query(0) };
        let some = store.page(user, of_entity).await.unwrap();
        assert_eq!((&some.copies[..], some.has_more), (&copies[..2], true));
        assert_eq!(page(100, 1).await.unwrap().copies.len(), 1, "a page holds one record at least");
        assert_eq!(page(20, 10_000_000).await.unwrap().copies.len(), 20);
    }

    /// What a cursor says was waiting is taken for true while nothing changed, and counted anew else.
    pub(super) async fn a_count_holds_while_the_history_stands(database: &Database, user: UserId) {
        let store = database.nodes[0].as_ref();
        write(
            store,
            user,
            (1..=9).map(|seq| StoredCopy { deleted: seq == 8, ..copy(&seq.to_string(), seq) }).collect(),
        )
        .await;
        let (first, told) = (PageQuery { records_max: 3, ..query(0) }, Counted { waiting: 77, horizon: 0 });
        let next = PageQuery { after: 3, seen: 9, counted: Some(told), ..first };
        let remaining = async |query| store.page(user, query).await.unwrap().remaining;
        assert_eq!(remaining(first).await, Some(6));
        assert_eq!(remaining(next).await, Some(74), "not counted again");
        assert_eq!(remaining(PageQuery { after: 6, ..next }).await, Some(0), "nor at the end");
        assert_eq!(remaining(PageQuery { counted: None, ..next }).await, Some(3));
        assert_eq!(remaining(PageQuery { entity: Some("logs"), counted: None, ..next }).await, Some(3));
        write(store, user, vec![copy("10", 10)]).await;
        assert_eq!(remaining(next).await, Some(4), "one more was written");
        assert_eq!(purge(store, ServerMillis(START_MS + 9), 0).await.unwrap().tombstones, 1);
        assert_eq!(remaining(PageQuery { seen: 10, ..next }).await, Some(3), "one was purged");
    }

    pub(super) async fn a_dropped_push_leaves_no_trace(database: &Database, user: UserId) {
        let [store, other] = &database.nodes;
        let mut tx = store.begin_push(user).await.unwrap();
        assert!(tx.note_push(DeviceId(Uuid::from_u128(1)), 1).await.unwrap());
        drop(tx);
        assert!(other.devices(user).await.unwrap().is_empty());
        write(other.as_ref(), user, vec![copy("a", 1)]).await;
    }

    pub(super) async fn pushes_of_one_user_take_turns_across_nodes(database: &Database, user: UserId) {
        let [store, other] = database.nodes.clone();
        let first = store.begin_push(user).await.unwrap();
        let second = tokio::spawn(async move { other.begin_push(user).await.unwrap().user().head_seq });
        let mut state = first.user();
        (state.head_seq, state.head_ms) = (1, START_MS);
        let writes = PushWrites { copies: vec![copy("a", 1)], user: state, keep: None };
        first.commit(writes, START_MS).await.unwrap();
        assert_eq!(second.await.unwrap(), 1, "the second saw the first's commit");
    }

    pub(super) async fn answers_are_kept_by_name(database: &Database, user: UserId) {
        let [store, other] = &database.nodes;
        let name = PushName { device: DeviceId(Uuid::from_u128(1)), key: "k".into() };
        let kept = KeptAnswer { body_hash: vec![1, 2], answer: "[]".into() };
        let tx = store.begin_push(user).await.unwrap();
        let writes = PushWrites { copies: vec![], user: tx.user(), keep: Some((name.clone(), kept.clone())) };
        tx.commit(writes, START_MS).await.unwrap();
        assert_eq!(other.begin_push(user).await.unwrap().kept(&name).await.unwrap(), Some(kept));
        let others = PushName { device: DeviceId(Uuid::from_u128(2)), ..name.clone() };
        assert_eq!(store.begin_push(user).await.unwrap().kept(&others).await.unwrap(), None);
        assert_eq!(store.purge_answers(START_MS, 10).await.unwrap(), 0);
        assert_eq!(store.purge_answers(START_MS + 1, 10).await.unwrap(), 1);
        assert_eq!(store.begin_push(user).await.unwrap().kept(&name).await.unwrap(), None);
    }

    pub(super) async fn marks_tell_whose_commit_a_place_is(database: &Database, user: UserId) {
        let [store, other] = &database.nodes;
        write(store.as_ref(), user, vec![copy("a", 1), copy("b", 2)]).await;
        write(other.as_ref(), user, vec![copy("c", 3)]).await;
        write(store.as_ref(), user, vec![copy("d", 4)]).await;
        let one = store.begin_push(user).await.unwrap().run_mark();
        let two = other.begin_push(user).await.unwrap().run_mark();
        assert!(one != two && one != 0 && two != 0);
        let mark = async |seen| store.page(user, PageQuery { seen, ..query(0) }).await.unwrap().mark_at_seen;
        let marks = [mark(0).await, mark(1).await, mark(2).await, mark(3).await, mark(4).await];
        assert_eq!(marks, [0, one, one, two, two], "a run begins one stretch for each user");
        assert_eq!(store.user_state(user).await.unwrap().mark, two);
    }

    pub(super) async fn an_epoch_is_renewed_once(database: &Database, user: UserId) {
        let [store, other] = &database.nodes;
        let old = store.user_state(user).await.unwrap().epoch;
        let new = store.renew_epoch(user, old).await.unwrap();
        assert_ne!(new, old);
        assert_eq!(other.renew_epoch(user, old).await.unwrap(), new);
        assert_eq!(other.user_state(user).await.unwrap().epoch, new);
    }

    pub(super) async fn purge_moves_the_horizon(database: &Database, user: UserId) {
        let store = database.nodes[0].as_ref();
        let gone = |id, seq, stamp| StoredCopy { deleted: true, stamp, ..copy(id, seq) };
        write(store, user, vec![gone("a", 1, 90), gone("b", 2, 10), copy("c", 3), gone("d", 4, 5)]).await;
        let (bob, _) = add_user(store, "bob").await;
        write(store, bob, vec![copy("w", 6), gone("x", 7, 95)]).await;
        let (cat, _) = add_user(store, "cat").await;
        write(store, cat, vec![copy("w", 1), StoredCopy { server_ms: START_MS + 3, ..gone("x", 2, 95) }]).await;
        let purged = purge(store, ServerMillis(START_MS + 4), 0).await.unwrap();
        assert_eq!(purged.tombstones, 3);
        let state = store.user_state(user).await.unwrap();
        assert_eq!((state.horizon_seq, state.purged_stamp), (2, Some(90)));
        assert_eq!(ids(store, user, query(0)).await, ["c", "d"]);
        assert_eq!(store.user_state(bob).await.unwrap().purged_stamp, None);
        assert_eq!(store.user_state(cat).await.unwrap().purged_stamp, Some(95), "each user its own");
        assert_eq!(purge(store, ServerMillis(START_MS + 5), 0).await.unwrap().tombstones, 1);
        let state = store.user_state(user).await.unwrap();
        assert_eq!((state.horizon_seq, state.purged_stamp, state.head_seq), (4, Some(90), 4));
    }

    pub(super) async fn unknown_users_are_told(database: &Database, _user: UserId) {
        let (store, nobody) = (database.nodes[0].as_ref(), UserId(Uuid::nil()));
        assert_eq!(store.begin_push(nobody).await.err(), Some(StoreError::NoUser));
        assert_eq!(store.page(nobody, query(0)).await.err(), Some(StoreError::NoUser));
        assert_eq!(store.user_state(nobody).await.err(), Some(StoreError::NoUser));
        assert_eq!(store.renew_epoch(nobody, 1).await.err(), Some(StoreError::NoUser));
        store.ping().await.unwrap();
    }

    pub(super) async fn odd_texts_come_back_as_they_were(database: &Database, user: UserId) {
        let store = database.nodes[0].as_ref();
        let odd = ["a\"b\\c'", "é😀\u{1}", "]},[", "%_*?", " ", &"x".repeat(128)];
        let copies =
            odd.iter().zip(1..).map(|(id, seq)| StoredCopy { fields: r#"{"n":"\u0000é"}"#.into(), ..copy(id, seq) });
        let copies: Vec<_> = copies.collect();
        write(store, user, copies.clone()).await;
        assert_eq!(store.page(user, query(0)).await.unwrap().copies, copies);
        let mut tx = store.begin_push(user).await.unwrap();
        assert_eq!(tx.copies("logs", &odd).await.unwrap().len(), odd.len());
        assert_eq!(tx.live("logs", &odd).await.unwrap().len(), odd.len());
        assert!(tx.live("plans", &odd).await.unwrap().is_empty());
    }
}
