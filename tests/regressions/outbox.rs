//! What is sent, sent again, given up or discarded. Never random.

use std::rc::Rc;

use lastword::commit::{Found, Next, Step, Write};
use lastword::config::{Config, Detect, Policy};
use lastword::engine::lease::{Open, Purpose};
use lastword::incoming::conflict::Notice;
use lastword::memory::MemoryStore;
use lastword::outgoing::ack::Unstage;
use lastword::outgoing::detect::Scan;
use lastword::outgoing::encode::Stage;
use lastword::outgoing::outbox::{Change, ChangeState};
use lastword::outgoing::push::Fate;
use lastword::outgoing::retry::{Discard, Retry};
use lastword::outgoing::write::EditKind;
use lastword::record::{Millis, Row, Scope, Stamp, StoredRow};

use crate::db::{A, B, Db, applied, config, copy, key};

#[test]
fn a_discarded_edit_gives_way_to_the_backends_older_copy() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.put("mine", 10);
    db.run(&Discard { key: key() });
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn what_was_discarded_on_its_way_does_not_acknowledge_the_next_edit() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 10);
    let staged = db.stage(A);
    db.run(&Discard { key: key() });
    db.put("second", 10);
    db.settle(staged, applied(100));
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_child_waits_for_a_parent_that_is_not_marked_yet() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("parent", 10, 0));
    let mut child = copy("child", 11, 0);
    child.fields.insert("parent".into(), "r".into());
    db.app_writes(B, child);
    db.run(&Scan { fence: 1, entities: vec![B], now: Millis(20), offset_ms: 0, deep: true });
    assert_eq!(db.stage(B).in_flight, []);
}

#[test]
fn what_was_sent_once_is_said_to_be_known() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 10);
    let lost = db.stage(A).in_flight.remove(0);
    db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    let body = db.stage(A).in_flight.remove(0).body;
    assert!(body.contains(r#""_sync":{"known":true}"#), "{body}");
}

#[test]
fn a_discarded_mark_on_a_record_as_it_stood_removes_nothing() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    // An own row of an app that adopts sync: never pulled, and perhaps on the backend all the same.
    let (record, synced) = (copy("theirs", 5, 0), None);
    db.0.write_rows(A, [("r".to_owned(), Some(StoredRow::Row(Row { record, synced })))]);
    db.edit(EditKind::MarkDirty, 10);
    assert_eq!(db.run(&Discard { key: key() }), Some(Scope::One(A)));
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn a_record_is_given_up_after_the_tries_that_the_app_allows() {
    let mut three = config(Detect::Exact, Policy::LastWriteWins);
    three.tries_max = 3;
    let db = Db(MemoryStore::new(Rc::new(three)));
    db.run(&Open { account: None, device_id: "d".into(), hash_key: 7, purpose: Purpose::Use });
    db.run(&Open { account: None, device_id: "d".into(), hash_key: 7, purpose: Purpose::Lead });
    db.put("mine", 10);
    for (now, given_up) in [(100_000, false), (200_000, false), (300_000, true)] {
        let (now, keys, idempotency_keys) = (Millis(now), vec![key()], vec![format!("k{now}")]);
        let scope = Scope::One(A);
        let staged = db.run(&Stage {
            fence: 1,
            scope,
            keys,
            idempotency_keys,
            records_max: 99,
            bytes_max: 9_999,
            parents_pulled: Vec::new(),
            unstored: None,
            now,
        });
        let settled = db.settle(staged, Fate::BadConflict("other".into()));
        assert!(matches!(&settled.notices[..], [Notice::Failed { permanently, .. }] if *permanently == given_up));
    }
}

#[test]
fn a_change_that_could_not_be_read_goes_out_by_its_row_when_retried() {
    struct Put(Vec<Write>);
    impl Step for Put {
        type Outcome = ();
        fn next(&self, _: &Found, _: &Config) -> Next<()> {
            Next::Commit(self.0.clone(), ())
        }
    }
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.run(&Put(vec![Write::PutChange(Change::unreadable(key(), "damaged".into(), "5".into()))]));
    assert_eq!(db.stage(A).in_flight, []);
    db.run(&Retry { keys: None });
    db.push(applied(100));
    let change = db.change().unwrap();
    assert_eq!((change.state, change.stamp), (ChangeState::Acknowledged, Stamp(10)));
}
