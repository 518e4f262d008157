//! Edits found late or stamped by a wrong clock: each stays newer than what it replaced. Never random.

use lastword::checkpoint::ResyncReason;
use lastword::config::{Detect, Policy};
use lastword::outgoing::outbox::ChangeState;
use lastword::outgoing::push::Fate;
use lastword::outgoing::write::EditKind;
use lastword::record::{Record, Stamp};

use crate::db::{A, Db, applied, copy, fields};

#[test]
fn an_edit_found_while_a_page_is_applied_leaves_no_acknowledged_change() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("one", 10, 0));
    db.scan(20);
    db.push(applied(100));
    db.app_writes(A, copy("two", 30, 0));
    db.page(vec![copy("one", 10, 100)], "1", 100, true);
    let done = db.page(Vec::new(), "2", 100, false);
    assert_eq!(done.notices, []);
    assert_eq!(db.change().unwrap().stamp, Stamp(30));
}

#[test]
fn an_edit_stamped_by_a_late_clock_does_not_lose_to_the_copy_it_replaced() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 50, 100)], "1", 100, false);
    db.app_writes(A, copy("mine", 20, 0));
    db.page(vec![copy("theirs", 50, 100)], "2", 100, false);
    assert_eq!(db.name().as_deref(), Some("mine"));
    assert_eq!(db.row().unwrap().client_updated_at, Stamp(51));
}

#[test]
fn our_own_write_over_a_row_stamped_by_a_late_clock_is_newer_than_what_that_replaced() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 50, 100)], "1", 100, false);
    db.app_writes(A, copy("mine", 20, 0));
    assert_eq!(db.edit(EditKind::Put(fields("again")), 21)[0].client_updated_at, Stamp(51));
}

#[test]
fn our_own_write_is_newer_than_our_deletion_that_the_app_wrote_over() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 50, 100)], "1", 100, false);
    assert_eq!(db.edit(EditKind::Delete, 20)[0].client_updated_at, Stamp(51));
    db.app_writes(A, copy("mine", 21, 0));
    // Another replica may have made the same tombstone, which would win by an equal stamp.
    assert_eq!(db.edit(EditKind::Put(fields("again")), 22)[0].client_updated_at, Stamp(52));
}

#[test]
fn a_row_that_the_app_wrote_over_a_purged_copy_is_not_removed() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("mine", 10, 0));
    db.scan(20);
    db.push(Fate::Conflict(copy("theirs", 20, 100)));
    db.app_writes(A, copy("again", 15, 0));
    db.resync(ResyncReason::CursorExpired);
    db.page(Vec::new(), "1", 200, false);
    assert_eq!(db.name().as_deref(), Some("again"));
    db.scan(30);
    assert_eq!(db.change().unwrap().stamp, Stamp(21));
}

#[test]
fn an_edit_that_shares_the_stamp_of_an_earlier_one_is_moved_behind_it() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.app_writes(A, copy("first", 10, 0));
    db.scan(20);
    db.app_writes(A, copy("second", 9, 0));
    db.scan(30);
    assert_eq!(db.change().unwrap().stamp, Stamp(11));
    assert_eq!(db.row().unwrap().client_updated_at, Stamp(11));
}

#[test]
fn an_unstamped_edit_over_an_unsent_deletion_is_an_edit_of_its_own() {
    let db = Db::new(Detect::Scan, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5, 100)], "1", 100, false);
    db.app_writes(A, Record { is_deleted: true, ..copy("theirs", 10, 100) });
    db.scan(20);
    db.app_writes(A, copy("mine", 10, 100));
    db.scan(30);
    assert_eq!(db.change().unwrap().stamp, Stamp(11));
}

#[test]
fn an_edit_is_never_stamped_behind_what_a_restored_backend_forgot() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5_000, 100)], "1", 100, false);
    db.put("mine", 900_000);
    db.resync(ResyncReason::EpochChanged);
    db.page(vec![copy("restored", 50, 50)], "1", 50, false);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn an_edit_of_a_record_that_heals_the_backend_stays_behind_it() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 5_000, 100)], "1", 100, false);
    db.resync(ResyncReason::EpochChanged);
    db.page(Vec::new(), "1", 50, false);
    db.put("mine", 900_000);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn a_stamp_moved_back_stays_behind_what_was_sent_and_not_refused() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.put("first", 5_000);
    db.push(applied(100));
    db.put("second", 900_000);
    // A restored backend shows an older copy; another replica may hold the first one still.
    db.resync(ResyncReason::EpochChanged);
    db.page(vec![copy("restored", 50, 50)], "1", 50, false);
    db.stamp_refused();
    assert_eq!(db.change().unwrap().stamp, Stamp(5_001));
}

#[test]
fn an_edit_of_a_copy_far_ahead_is_not_stamped_again_and_again() {
    let db = Db::new(Detect::Exact, Policy::LastWriteWins);
    db.page(vec![copy("theirs", 900_000, 100)], "1", 100, false);
    db.put("mine", 10);
    assert_eq!(db.stamp_refused(), []);
    let change = db.change().unwrap();
    assert_eq!((change.state, change.attempts, change.stamp), (ChangeState::Failed, 1, Stamp(900_001)));
}
