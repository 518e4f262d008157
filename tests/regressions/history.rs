//! Acknowledged records, readers that lag and backends that lost history. Never random.

use lastword::checkpoint::ResyncReason;
use lastword::config::{Detect, Policy};
use lastword::incoming::conflict::Notice;
use lastword::outgoing::outbox::ChangeState;
use lastword::outgoing::push::Fate;
use lastword::outgoing::write::EditKind;
use lastword::record::{Scope, Stamp};

use crate::db::{A, Db, applied, copy, key};

#[test]
fn an_acknowledgement_that_no_pull_comes_up_to_is_sent_again() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    for cursor in ["1", "2", "3"] {
        assert_eq!(db.change().unwrap().state, ChangeState::Acknowledged);
        db.page(Vec::new(), cursor, 50, false);
    }
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn an_older_copy_accepted_after_the_acknowledgement_means_that_it_was_lost() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    let done = db.page(vec![copy("theirs", 5, 200)], "1", 200, false);
    assert_eq!(done.notices, [Notice::LostByBackend(key())]);
    assert_eq!(db.name().as_deref(), Some("mine"));
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_conflict_answer_is_not_undone_by_a_reader_that_lags() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(Fate::Conflict(copy("theirs", 20, 100)));
    db.page(vec![copy("before", 5, 50)], "1", 60, false);
    assert_eq!(db.name().as_deref(), Some("theirs"));
}

#[test]
fn a_full_pull_from_a_reader_that_lags_removes_nothing() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    assert!(db.page(Vec::new(), "0", 50, false).checkpoint.resync.is_some());
    assert_eq!(db.name().as_deref(), Some("theirs"));
    db.page(Vec::new(), "2", 110, false);
    assert_eq!(db.name(), None);
}

#[test]
fn an_expired_cursor_does_not_forget_the_history_it_was_of() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    let epoch = db.0.look(|tables| tables.checkpoints[&Scope::One(A)].epoch.clone());
    assert_eq!(epoch.as_deref(), Some("e"));
}

#[test]
fn the_times_of_a_lost_history_do_not_count_against_the_new_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 200)], "1", 200, false);
    db.put("mine", 10);
    db.resync(ResyncReason::EpochChanged);
    let done = db.page(vec![copy("restored", 20, 100)], "2", 100, false);
    assert!(matches!(&done.notices[..], [Notice::Superseded { .. }]));
    assert_eq!(db.name().as_deref(), Some("restored"));
}

#[test]
fn a_full_pull_from_a_reader_that_lags_takes_no_acknowledged_deletion_for_purged() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.edit(EditKind::Delete, 10);
    db.push(applied(200));
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 150, false);
    assert!(db.row().unwrap().is_deleted);
    assert_eq!(db.change().unwrap().state, ChangeState::Acknowledged);
}

#[test]
fn a_restored_copy_that_cannot_be_used_is_healed_with_a_newer_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.bad_page(9, "1", 50);
    assert_eq!(db.change().unwrap().stamp, Stamp(10));
}

/// The backend may have been restored after the pull had begun, to a backup that still has the head it began from.
#[test]
fn an_older_copy_in_a_full_pull_of_one_history_has_ours_sent_again_without_a_word() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.resync(ResyncReason::CursorExpired);
    let done = db.page(vec![copy("restored", 9, 50)], "2", 110, false);
    assert_eq!(done.notices, []);
    assert_eq!(db.name().as_deref(), Some("theirs"));
    assert_eq!(db.change().unwrap().stamp, Stamp(10));
}

#[test]
fn an_older_copy_in_a_page_after_a_cursor_is_only_late() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.page(vec![copy("late", 9, 50)], "2", 110, false);
    assert_eq!(db.name().as_deref(), Some("theirs"));
    assert_eq!(db.change(), None);
}

#[test]
fn a_restored_copy_that_cannot_be_used_and_is_newer_is_left_alone() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 10, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.bad_page(11, "1", 50);
    assert_eq!(db.change(), None);
}

#[test]
fn a_copy_set_aside_before_an_edit_hides_no_lost_acknowledgement() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.bad_page(5, "1", 100);
    db.put("mine", 10);
    db.push(applied(200));
    db.page(Vec::new(), "2", 300, false);
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
}

#[test]
fn a_newer_copy_that_cannot_be_used_ends_the_wait_for_an_acknowledged_one() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("mine", 10);
    db.push(applied(100));
    db.bad_page(11, "1", 200);
    assert_eq!(db.change(), None);
}

#[test]
fn a_copy_set_aside_and_purged_since_hides_no_lost_acknowledgement() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.bad_page(5, "1", 100);
    db.put("mine", 10);
    db.push(applied(200));
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "2", 300, false);
    assert_eq!(db.change().unwrap().state, ChangeState::Pending);
    assert!(db.0.look(|tables| tables.quarantined.value(A, "r").is_none()));
}
