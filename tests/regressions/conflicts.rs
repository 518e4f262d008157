//! Conflicts that are none, and those that stay what they are. Never random.

use lastword::checkpoint::ResyncReason;
use lastword::config::{Detect, Policy};
use lastword::incoming::conflict::Notice;
use lastword::outgoing::ack::Unstage;
use lastword::outgoing::push::Fate;
use lastword::outgoing::retry::{Choice, Resolve};
use lastword::outgoing::write::EditKind;
use lastword::record::{Millis, Stamp};

use crate::db::{A, Db, applied, copy, fields, key};

#[test]
fn a_conflict_with_a_purged_record_keeps_its_own_copy() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.put("mine", 10);
    db.push(Fate::Gone);
    assert_eq!(db.row(), None);
    db.page(vec![copy("made again", 20, 200)], "2", 200, false);
    let chosen = db.run(&Resolve { key: key(), choice: Choice::KeepLocal, now: Millis(30) }).unwrap();
    assert_eq!(chosen.fields, fields("mine"));
    assert!(chosen.client_updated_at > Stamp(20));
}

#[test]
fn a_conflict_forgets_a_remote_copy_that_was_purged() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.page(vec![copy("theirs", 20, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 200, false);
    db.run(&Resolve { key: key(), choice: Choice::KeepRemote, now: Millis(30) });
    assert_eq!(db.row(), None);
}

#[test]
fn another_copy_with_the_very_stamp_that_was_sent_is_a_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    let settled = db.push(Fate::Conflict(copy("theirs", 10, 100)));
    assert_eq!(settled.notices, [Notice::Conflict(key())]);
    assert_eq!(db.name().as_deref(), Some("mine"));
}

#[test]
fn a_record_marked_as_it_stands_is_no_conflict_with_itself() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.push(applied(100));
    db.page(vec![db.row().unwrap()], "1", 100, false);
    db.edit(EditKind::MarkDirty, 20);
    assert_eq!(db.change().unwrap().base, Some(Stamp(10)));
}

#[test]
fn an_older_own_copy_from_a_reader_that_lags_is_no_conflict_with_the_next_edit() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("first", 10);
    db.push(applied(100));
    db.put("second", 20);
    db.push(applied(200));
    db.put("third", 30);
    let done = db.page(vec![copy("first", 10, 100)], "1", 100, false);
    assert_eq!(done.notices, []);
    assert_eq!((db.name().as_deref(), db.change().unwrap().base), (Some("third"), Some(Stamp(20))));
}

#[test]
fn a_reader_that_lags_brings_no_older_copy_into_a_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    db.page(vec![copy("theirs", 20, 200)], "1", 200, false);
    let done = db.page(vec![copy("theirs before", 15, 100)], "2", 100, false);
    assert_eq!(done.notices, []);
    db.run(&Resolve { key: key(), choice: Choice::KeepRemote, now: Millis(30) });
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn the_same_copy_again_is_the_same_conflict() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("mine", 10);
    assert_eq!(db.page(vec![copy("theirs", 20, 200)], "1", 200, false).notices, [Notice::Conflict(key())]);
    assert_eq!(db.page(vec![copy("theirs", 20, 200)], "2", 200, false).notices, []);
}

#[test]
fn two_copies_sent_without_an_answer_are_both_known_as_own() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    for (name, now) in [("first", 10), ("second", 20), ("third", 30)] {
        db.put(name, now);
        let lost = db.stage(A).in_flight.remove(0);
        db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    }
    assert_eq!(db.page(vec![copy("first", 10, 100)], "1", 100, false).notices, []);
    assert_eq!(db.name().as_deref(), Some("third"));
}

#[test]
fn an_edit_refused_for_an_older_own_copy_replaces_that_copy_at_its_next_try() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("first", 10);
    let lost = db.stage(A).in_flight.remove(0);
    db.put("second", 20);
    db.run(&Unstage { fence: 1, idempotency_key: lost.key, fault: None, now: Millis(1) });
    // The first did arrive, without a word of it coming back.
    let settled = db.push(Fate::Conflict(copy("first", 10, 100)));
    assert!(matches!(&settled.notices[..], [Notice::Failed { permanently: false, .. }]));
    assert_eq!(db.change().unwrap().base, Some(Stamp(10)));
}

#[test]
fn a_copy_that_passes_for_an_own_one_is_what_a_conflict_is_about_from_then_on() {
    let db = Db::new(Detect::Exact, Policy::Manual);
    db.put("first", 10);
    db.put("second", 20);
    assert_eq!(db.page(vec![copy("theirs", 5, 100)], "1", 100, false).notices, [Notice::Conflict(key())]);
    assert_eq!(db.page(vec![copy("as old as the first", 10, 200)], "2", 200, false).notices, []);
    db.run(&Resolve { key: key(), choice: Choice::KeepRemote, now: Millis(30) });
    assert_eq!(db.name().as_deref(), Some("as old as the first"));
}
